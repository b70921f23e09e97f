"""From coefficients to tidy rows: ratios per term and level, then the intercept."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from crampstudy import codebook, estimates
from crampstudy.estimates import Status
from crampstudy.models import spec
from crampstudy.models.count import CountFit
from crampstudy.models.covariance import Array, p_value, quantile

Row = dict[str, Any]
_NO_SPREAD = 1e-10
"""Below this a standard error on the log scale is rounding: a sandwich of participants who are all alike."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Coefficients on the link scale (length p) with their t distribution, or the reason why there are none."""

    columns: tuple[spec.Column, ...]
    coefficients: Array
    std_errors: Array
    df: float
    status: Status
    reason: str | None = None
    warnings: Mapping[spec.Column, str] = field(default_factory=dict)

    @classmethod
    def none(cls, columns: tuple[spec.Column, ...], status: Status, reason: str) -> Answer:
        """Return the answer of a model that could not be fitted."""
        missing = np.full(len(columns), np.nan)
        return cls(columns, missing, missing, float("nan"), status, reason)


@dataclass(frozen=True, slots=True)
class Scale:
    """What a model estimates: the ``ratio`` of a term; for the intercept its name, ``unit`` and ``factor``."""

    ratio: str
    intercept: str
    unit: str
    factor: float = 1.0


def rows(answer: Answer, scale: Scale, base: Row, ci_level: float, per: Mapping[str, float]) -> list[Row]:
    """Return a row per column of the design, the intercept last.

    ``base`` are the cells that all rows share; ``per`` the multiples in which numeric terms are reported.
    """
    made: list[Row] = []
    last: list[Row] = []
    terms = list(dict.fromkeys(c.term for c in answer.columns if c.term != spec.INTERCEPT))
    for column, coefficient, error in zip(answer.columns, answer.coefficients, answer.std_errors, strict=True):
        if column.term == spec.INTERCEPT:
            cells = base | {"scale": scale.intercept, "unit": scale.unit, "adjusted_for": None}
            last.append(_row(answer, cells, column, coefficient, error, ci_level, shift=float(np.log(scale.factor))))
            continue
        multiple = per.get(column.term, 1.0)
        others = "; ".join(t for t in terms if t != column.term)
        cells = base | {"scale": scale.ratio, "unit": _unit(column, multiple), "adjusted_for": others or None}
        made.append(_row(answer, cells, column, coefficient * multiple, error * abs(multiple), ci_level))
    return made + last


def _row(
    answer: Answer,
    base: Row,
    column: spec.Column,
    coefficient: float,
    error: float,
    ci_level: float,
    shift: float = 0.0,
) -> Row:
    cells = base | {"term": column.term, "level": column.level, "reference": column.reference}
    if answer.status != "converged":
        return estimates.row(status=answer.status, **cells | {"note": answer.reason})
    if error < _NO_SPREAD:
        return estimates.row(status="not_estimable", **cells | {"note": "the participants do not differ at all"})
    half = quantile(ci_level, answer.df) * error
    notes = (answer.warnings.get(column), base.get("note"))
    more = {
        "estimate": np.exp(coefficient + shift),
        "ci_low": np.exp(coefficient + shift - half),
        "ci_high": np.exp(coefficient + shift + half),
        "std_error": error,
        "df": answer.df,
        "p_value": p_value(coefficient / error, answer.df) if column.term != spec.INTERCEPT else None,
        "note": "; ".join(filter(None, notes)) or None,
    }
    return estimates.row(status="converged", **cells | more)


def dispersion(fitted: CountFit, base: Row, ci_level: float) -> Row:
    """Return the row of a negative-binomial dispersion alpha, on the log scale; at its boundary it is 0."""
    cells = base | {"term": "dispersion", "scale": "dispersion", "unit": "alpha, variance = mean + alpha mean^2"}
    if fitted.at_boundary:
        return estimates.row(status="boundary", estimate=0.0, **cells)
    half = quantile(ci_level, float("inf")) * fitted.dispersion_error
    more = {
        "estimate": fitted.dispersion,
        "ci_low": fitted.dispersion * np.exp(-half),
        "ci_high": fitted.dispersion * np.exp(half),
        "std_error": fitted.dispersion_error,
        "note": "interval from the likelihood, which takes nights as independent",
    }
    return estimates.row(status="converged", **cells | more)


def left_out(design: spec.Design, scale: Scale, base: Row) -> list[Row]:
    """Return a row for each term that the cohort never measured, then for each that does not vary."""
    cells = {k: base[k] for k in ("cohort", "population", "outcome", "analysis", "model")} | {"scale": scale.ratio}
    unmeasured = [
        estimates.row(status="not_measured", term=term, note="not measured in this cohort", **cells)
        for term in design.not_measured
    ]
    constant = [
        estimates.row(status="not_estimable", term=term, note=f"{term} does not vary", **cells)
        for term in design.constant
    ]
    return unmeasured + constant


def note(*parts: str) -> str | None:
    """Return the parts that say something, joined."""
    return "; ".join(filter(None, parts)) or None


def omitted(incomplete: int, what: str, undecided: int) -> Sequence[str]:
    """Return how many nights or participants were left out, and why."""
    parts = []
    if incomplete:
        parts.append(f"{incomplete:,} {what} left out, incomplete on the terms")
    if undecided:
        parts.append(f"{undecided:,} {what} left out, the condition could not be decided")
    return parts


def _unit(column: spec.Column, multiple: float) -> str:
    if column.level is not None:
        return f"against {column.reference}" if column.reference else "contrast"
    known = codebook.find(column.term)
    if not known or not known.unit:
        return f"per {multiple:g}"
    if re.fullmatch(r"\d+-\d+", known.unit):
        return f"per {multiple:g} {'point' if multiple == 1 else 'points'}"
    # A derived variable may carry its own step, such as "per 10 years".
    step = re.fullmatch(r"per ([\d.]+) (.+)", known.unit)
    return f"per {multiple * float(step[1]):g} {step[2]}" if step else f"per {multiple:g} {known.unit}"
