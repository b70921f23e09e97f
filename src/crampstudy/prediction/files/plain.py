"""A fitted model as numbers: coefficients, or trees, with the ranges of what it learned from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from crampstudy.arrays import Array, Flags
from crampstudy.errors import AnalysisError
from crampstudy.prediction.features import domain_of
from crampstudy.prediction.features.table import CALENDAR, OWN_PAST
from crampstudy.prediction.models import predicted
from crampstudy.prediction.outcome import ANY, COUNT, Outcome

Link = Literal["log", "logit"]
_EQUAL = 1e-7
_LARGEST = float(np.finfo(np.float64).max)
_RATE = "own_rate_"


@dataclass(frozen=True, slots=True)
class LinearModel:
    """A regression: missing values are filled, columns are centred and scaled, then weighted and summed."""

    fill: tuple[float, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    coefficients: tuple[float, ...]
    intercept: float

    def score(self, values: Array) -> Array:
        """Return the linear predictor of each row."""
        whole = np.where(np.isnan(values), np.asarray(self.fill), values)
        standard = (whole - np.asarray(self.centre)) / np.asarray(self.scale)
        return np.asarray(standard @ np.asarray(self.coefficients) + self.intercept)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree by its nodes, the first of which is the root; ``left`` is -1 at a leaf, which has a ``value``."""

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    missing_left: tuple[bool, ...]
    value: tuple[float, ...]

    def score(self, values: Array) -> Array:
        """Return the value of the leaf that each row comes to."""
        feature, threshold = np.asarray(self.feature), np.asarray(self.threshold)
        left, right, missing = np.asarray(self.left), np.asarray(self.right), np.asarray(self.missing_left)
        at, rows = np.zeros(len(values), dtype=np.intp), np.arange(len(values))
        while len(rows := rows[left[at[rows]] >= 0]):
            node = at[rows]
            x = values[rows, feature[node]]
            goes_left = np.where(np.isnan(x), missing[node], x <= threshold[node])
            at[rows] = np.where(goes_left, left[node], right[node])
        return np.asarray(self.value)[at]


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """The sum of many trees and a start."""

    start: float
    trees: tuple[Tree, ...]

    def score(self, values: Array) -> Array:
        """Return the sum of each row."""
        return np.asarray(self.start + sum(tree.score(values) for tree in self.trees))


@dataclass(frozen=True, slots=True)
class PlainModel:
    """A model without a library: features by name, the range of each in training, the link, and how rows are scored.

    Args:
        name: what it is, with its tuning.
        names: its features.
        low: smallest value of each in training.
        high: largest value of each.
        link: what takes a score to a mean (log) or a probability (logit).
        body: how rows are scored.
    """

    name: str
    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    link: Link
    body: LinearModel | BoostedTrees

    def predict(self, values: Array) -> Array:
        """Return the mean or the probability of each row, of whose own past no more is taken than training had."""
        score = self.body.score(self.within(values))
        return COUNT.bounded(np.exp(score)) if self.link == "log" else ANY.bounded(special.expit(score))

    def within(self, values: Array) -> Array:
        """Return the features with those of the own past held to what training had: nobody has logged for as long."""
        own = np.array([domain_of(name) == OWN_PAST for name in self.names], dtype=bool)
        held = np.clip(values, self.low, self.high)
        return np.where(own, held, values)

    def outside(self, values: Array) -> dict[str, Flags]:
        """Return by feature in which rows it lies out of the range of training; missing is in no row.

        The calendar has no range, and of the own past only a rate above all of training is outside.
        """
        found = {}
        for i, name in enumerate(self.names):
            domain, x = domain_of(name), values[:, i]
            if domain == CALENDAR or (domain == OWN_PAST and not name.startswith(_RATE)):
                continue
            out = x > self.high[i] if domain == OWN_PAST else (x > self.high[i]) | (x < self.low[i])
            if out.any():
                found[name] = out
        return found


def plain(name: str, model: Any, names: tuple[str, ...], values: Array, outcome: Outcome) -> PlainModel:
    """Return a fitted pipeline of scikit-learn as plain numbers.

    Args:
        name: what it is.
        model: the pipeline.
        names: its features.
        values: what it learned from.
        outcome: what it foretells.

    Raises:
        AnalysisError: the plain numbers do not say what the pipeline says: this version of scikit-learn holds its
            models otherwise.
    """
    steps, values = dict(model.steps), values.astype(np.float64)
    body = _linear(steps) if "scale" in steps else _boosted(steps["model"])
    observed = ~np.isnan(values).all(axis=0)
    low, high = (
        np.where(observed, pick(np.where(np.isnan(values), bound, values), axis=0), 0.0)
        for pick, bound in ((np.min, np.inf), (np.max, -np.inf))
    )
    made = PlainModel(name, names, _floats(low), _floats(high), "log" if outcome.is_count else "logit", body)
    if not np.allclose(made.predict(values), predicted(model, outcome, values), rtol=_EQUAL, atol=_EQUAL):
        raise AnalysisError(
            "the model cannot be written as plain numbers: what they say differs from what it says; install the "
            "versions of requirements.lock"
        )
    return made


def _linear(steps: dict[str, Any]) -> LinearModel:
    model, scale = steps["model"], steps["scale"]
    return LinearModel(
        _floats(steps["fill"].statistics_),
        _floats(scale.mean_),
        _floats(scale.scale_),
        _floats(np.ravel(model.coef_)),
        float(np.ravel(model.intercept_)[0]),
    )


def _boosted(model: Any) -> BoostedTrees:
    trees = []
    for (predictor,) in model._predictors:
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        trees.append(
            Tree(
                tuple(nodes["feature_idx"].astype(int).tolist()),
                _floats(np.minimum(nodes["num_threshold"], _LARGEST)),
                tuple(np.where(leaf, -1, nodes["left"].astype(int)).tolist()),
                tuple(np.where(leaf, -1, nodes["right"].astype(int)).tolist()),
                tuple(nodes["missing_go_to_left"].astype(bool).tolist()),
                _floats(nodes["value"]),
            )
        )
    return BoostedTrees(float(np.ravel(model._baseline_prediction)[0]), tuple(trees))


def _floats(values: Any) -> tuple[float, ...]:
    return tuple(float(each) for each in values)
