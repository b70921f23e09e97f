"""The models that are tried: penalised regression and boosted trees, each a pipeline of scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from crampstudy.arrays import Array
from crampstudy.prediction.features import directions, domain_of
from crampstudy.prediction.features.table import LAST, OWN_PAST
from crampstudy.prediction.outcome import Outcome

Family = Literal["penalised regression", "boosted trees"]
REGRESSION: Family = "penalised regression"
TREES: Family = "boosted trees"
_LEARNING_RATE = 0.1
_BINS = 63
"""Values of a feature that trees tell apart, beside a missing one."""
_FEWEST_OF_LEAF, _LEAVES_OF_ALL = 20, 150
"""A leaf has at least 20 rows, and of many rows at least one in 150."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model with its tuning: the penalty of a regression, or the leaves of a tree and the number of trees.

    With ``past_alone`` it learns from a participant's own past and nothing else.
    """

    family: Family
    penalty: float = 0.0
    leaves: int = 0
    trees: int = 0
    past_alone: bool = False

    def __str__(self) -> str:
        of = ", own past alone" if self.past_alone else ""
        if self.family == REGRESSION:
            return f"{self.family}, penalty {self.penalty:g}{of}"
        return f"{self.family}, {self.trees} of at most {self.leaves} leaves{of}"

    def features(self, names: tuple[str, ...]) -> list[int]:
        """Return the places of the features that it learns from."""
        return [i for i, name in enumerate(names) if not self.past_alone or domain_of(name) == OWN_PAST]


_EVERY: Mapping[Family, tuple[Candidate, ...]] = {
    REGRESSION: (
        *(Candidate(REGRESSION, penalty=penalty) for penalty in (0.003, 0.03, 0.1, 1.0)),
        *(Candidate(REGRESSION, penalty=penalty, past_alone=True) for penalty in (0.001, 0.1)),
    ),
    TREES: (
        *(Candidate(TREES, leaves=3, trees=60), Candidate(TREES, leaves=8, trees=40)),
        Candidate(TREES, leaves=3, trees=30, past_alone=True),
    ),
}


def candidates(names: tuple[str, ...]) -> Mapping[Family, tuple[Candidate, ...]]:
    """Return the models to choose from by family; where there is no own past, or nothing else, none asks for it."""
    domains = {domain_of(name) for name in names}
    both = OWN_PAST in domains and len(domains) > 1
    return {family: tuple(each for each in every if both or not each.past_alone) for family, every in _EVERY.items()}


def pipeline(candidate: Candidate, outcome: Outcome, names: tuple[str, ...], n: int) -> Any:
    """Return an unfitted pipeline; ``n`` is the number of rows that it will learn from."""
    if candidate.family == TREES:
        return _trees(candidate, outcome, names, n)
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, PoissonRegressor
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    regression = (
        PoissonRegressor(alpha=candidate.penalty, solver="newton-cholesky", max_iter=200)
        if outcome.is_count
        else LogisticRegression(C=1 / (candidate.penalty * n), solver="newton-cholesky", max_iter=200)
    )
    return Pipeline(
        [
            ("fill", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scale", StandardScaler()),
            ("model", regression),
        ]
    )


def fitted(
    candidate: Candidate, outcome: Outcome, names: tuple[str, ...], values: Array, happened: Array, weight: Array
) -> Any:
    """Return a pipeline that learned from rows: of counts what happened is a rate, whose exposure is the weight.

    Args:
        candidate: the model.
        outcome: what is foretold.
        names: names of the features.
        values: features (n x p).
        happened: what happened (n).
        weight: how much each row counts (n).
    """
    made = pipeline(candidate, outcome, names, len(happened))
    # Equal weights are left out: to bin features by weighted percentiles takes most of the time of a small fit.
    weights = {} if np.ptp(weight) == 0 else {"model__sample_weight": weight / weight.mean()}
    known = values.astype(np.float64)
    if candidate.family == TREES:
        # Trees put no bins on what is known of nobody; where it is the same of everybody, they ask nothing of it.
        known[:, np.isnan(known).all(axis=0)] = 0.0
    return made.fit(known, happened, **weights)


def predicted(model: Any, outcome: Outcome, values: Array) -> Array:
    """Return the mean, or the probability, of each row."""
    values = values.astype(np.float64)
    said = model.predict(values) if outcome.is_count else model.predict_proba(values)[:, 1]
    return outcome.bounded(np.asarray(said, dtype=np.float64))


def _trees(candidate: Candidate, outcome: Outcome, names: tuple[str, ...], n: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.pipeline import Pipeline

    made = HistGradientBoostingRegressor if outcome.is_count else HistGradientBoostingClassifier
    claimed = [directions().get(name.removeprefix(LAST), 0) for name in names]
    trees = made(
        loss="poisson" if outcome.is_count else "log_loss",
        learning_rate=_LEARNING_RATE,
        max_iter=candidate.trees,
        max_leaf_nodes=candidate.leaves,
        max_bins=_BINS,
        min_samples_leaf=max(_FEWEST_OF_LEAF, n // _LEAVES_OF_ALL),
        monotonic_cst=claimed,
        early_stopping=False,
        random_state=0,
    )
    return Pipeline([("model", trees)])
