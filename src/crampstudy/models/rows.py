"""From coefficients to tidy rows: ratios per term and level, then the intercept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crampstudy import codebook, estimates
from crampstudy.estimates import Status
from crampstudy.models import spec
from crampstudy.models.covariance import Array, combined, p_value, quantile, wald
from crampstudy.models.exposed import Exposed
from crampstudy.models.extras import Extra

Row = dict[str, Any]
_BASELINES = (spec.INTERCEPT, spec.THRESHOLD)
_SHOWN = ("estimate", "ci_low", "ci_high")
_FEW_DF, _FEW = 4.0, "rests on few participants"
_LARGEST = 700.0
"""A coefficient beyond this has an exponential of 0 or infinity."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Coefficients on the link scale (length p) with their t distributions, or the reason why there are none.

    A coefficient that is NaN has no estimate, for the reason in ``warnings``, which else go beside an estimate.
    ``variance`` (p x p) is needed for ``smooths``, whose coefficients are not shown one by one. ``exposed`` are the
    participants who bear on a column, ``effective`` the number that tell as much as they do.
    """

    columns: tuple[spec.Column, ...]
    coefficients: Array
    std_errors: Array
    df: Array
    status: Status
    reason: str | None = None
    warnings: Mapping[spec.Column, str] = field(default_factory=dict)
    smooths: tuple[spec.Smooth, ...] = ()
    variance: Array = field(default_factory=lambda: np.empty((0, 0)))
    exposed: Mapping[spec.Column, int] = field(default_factory=dict)
    effective: Mapping[spec.Column, float] = field(default_factory=dict)

    @classmethod
    def none(cls, design: spec.Design, status: Status, reason: str) -> Answer:
        """Return the answer of a model that could not be fitted."""
        missing = np.full(len(design.columns), np.nan)
        return cls(design.columns, missing, missing, missing, status, reason, smooths=design.smooths)

    def resting_on(self, found: Mapping[spec.Column, Exposed], effective: Array | None = None) -> Answer:
        """Return the answer with who bears on its columns; without an estimate of what is one participant's alone.

        ``effective`` (p) are the numbers of participants, all alike, who would tell as much.
        """
        lone = {column: exposed.lone for column, exposed in found.items() if exposed.lone}
        shown = [column for column in self.columns if column.term not in _BASELINES]
        few = {column: _FEW for column, df in zip(self.columns, self.df, strict=True) if df < _FEW_DF}
        numbers = () if effective is None else zip(self.columns, effective, strict=True)
        return replace(
            self,
            coefficients=np.where([column in lone for column in self.columns], np.nan, self.coefficients),
            warnings={**{column: few[column] for column in shown if column in few}, **self.warnings, **lone},
            exposed={column: exposed.participants for column, exposed in found.items()},
            effective=dict(numbers),
        )


@dataclass(frozen=True, slots=True)
class Scale:
    """What a model estimates: the ``ratio`` of a term; for the intercept its name, ``unit`` and ``factor``.

    A ``difference`` of numbers takes the place of a ratio where ``of`` is their unit.
    """

    ratio: str
    intercept: str
    unit: str
    factor: float = 1.0
    of: str | None = None

    @classmethod
    def of_number(cls, name: str) -> Scale:
        """Return the scale of a number, a column of a cohort: differences of its mean."""
        unit = _points(name) or "unit"
        return cls("difference", "mean", unit, of=unit)

    def shown(self, values: Array) -> Array:
        """Return coefficients as they are shown."""
        seen: Array = values if self.of else np.exp(values)
        return seen

    def unit_of(self, contrast: str) -> str:
        """Return the unit of a term that is ``contrast``, such as ``per 10 years``."""
        return f"{self.of}, {contrast}" if self.of else contrast


def rows(answer: Answer, scale: Scale, base: Row, ci_level: float, per: Mapping[str, float]) -> list[Row]:
    """Return a row per column of the design, the intercept last; of a spline its test and its ratios.

    ``base`` are the cells that all rows share; ``per`` the multiples in which numeric terms are reported.
    """
    made: list[Row] = []
    last: list[Row] = []
    terms = list(dict.fromkeys(c.term for c in answer.columns if c.term not in _BASELINES))
    numbers = zip(answer.coefficients, answer.std_errors, answer.df, strict=True)
    smooths = {smooth.columns[0]: smooth for smooth in answer.smooths}
    within = {i for smooth in answer.smooths for i in smooth.columns}
    for i, (column, (coefficient, error, df)) in enumerate(zip(answer.columns, numbers, strict=True)):
        if i in within:
            if i in smooths:
                others = "; ".join(t for t in terms if t != column.term)
                made += _smooth(answer, smooths[i], base | {"adjusted_for": others or None}, scale, ci_level)
            continue
        if column.term in _BASELINES:
            cells = base | {"scale": scale.intercept, "unit": scale.unit, "adjusted_for": None}
            last.append(_row(answer, cells, column, (coefficient, error, df), ci_level, scale))
            continue
        multiple = per.get(column.term, 1.0)
        others = "; ".join(t for t in terms if t != column.term)
        cells = base | {"scale": scale.ratio, "unit": scale.unit_of(_unit(column, multiple))}
        cells |= {"adjusted_for": others or None}
        number = coefficient * multiple, error * abs(multiple), df
        made.append(_row(answer, cells, column, number, ci_level, scale))
    return made + last


def _row(
    answer: Answer,
    base: Row,
    column: spec.Column,
    number: tuple[float, float, float],
    ci_level: float,
    scale: Scale,
) -> Row:
    """Return the row of a coefficient, given with its standard error and degrees of freedom."""
    coefficient, error, df = number
    cells = base | {"term": column.term, "level": column.level, "reference": column.reference}
    cells |= {"n_exposed": answer.exposed.get(column), "n_effective": answer.effective.get(column)}
    if answer.status != "converged":
        return estimates.row(status=answer.status, **cells | {"note": answer.reason})
    if not np.isfinite(coefficient):
        return estimates.row(status="not_estimable", **cells | {"note": answer.warnings.get(column)})
    half = quantile(ci_level, df) * error
    notes = (answer.warnings.get(column), base.get("note"))
    tested = column.term not in _BASELINES and error > 0
    more = {
        "std_error": error,
        "df": df,
        "p_value": p_value(coefficient / error, df) if tested else None,
        "note": "; ".join(filter(None, notes)) or None,
    }
    if abs(coefficient) > _LARGEST and not scale.of:
        step = 10.0 ** np.ceil(np.log10(abs(coefficient)))
        unit = f"the ratio is beyond all numbers; write the term in a smaller unit, such as I({column.term} * {step:g})"
        return estimates.row(status="not_estimable", **cells | more | {"note": note(unit, *filter(None, notes))})
    shift = float(np.log(scale.factor)) if column.term in _BASELINES else 0.0
    with np.errstate(over="ignore"):
        limits = scale.shown(coefficient + shift + np.array([0, -half, half]))
    return estimates.row(status="converged", **cells | more | dict(zip(_SHOWN, limits, strict=True)))


def _smooth(answer: Answer, smooth: spec.Smooth, base: Row, scale: Scale, ci_level: float) -> list[Row]:
    """Return the joint test of a spline's coefficients and its ratios against the reference."""
    columns = list(smooth.columns)
    # Of coefficients that differ in their degrees of freedom the fewest, which never makes an interval too short.
    df = float(np.min(answer.df[columns]))
    cells = base | {"term": smooth.term, "scale": "wald_test"}
    numerator = f"{len(columns)} degree{'s' if len(columns) > 1 else ''} of freedom"
    unit = f"chi-squared on {numerator}" if np.isinf(df) else f"F on {len(columns)} and {df:.4g} degrees of freedom"
    if answer.status != "converged":
        made = [estimates.row(status=answer.status, **cells | {"note": answer.reason})]
    else:
        block = answer.variance[np.ix_(columns, columns)]
        if np.linalg.matrix_rank(block, hermitian=True) < len(columns):
            made = [estimates.row(status="not_estimable", **cells | {"note": "the covariance is singular"})]
        else:
            statistic, p = wald(answer.coefficients[columns], block, df)
            more = {"estimate": statistic, "unit": unit, "df": df, "p_value": p}
            made = [estimates.row(status="converged", **cells | more)]
    known = codebook.find(smooth.variable)
    against = f"against {smooth.reference} {known.unit if known and known.unit else ''}".strip()
    where = "at the reference of what it interacts with" if smooth.interacts else ""
    cells = base | {"scale": scale.ratio, "unit": scale.unit_of(against), "note": note(where, base.get("note") or "")}
    values = np.full(len(smooth.levels), np.nan), np.full(len(smooth.levels), np.nan)
    if answer.status == "converged":
        p = smooth.contrasts.shape[1]
        values = combined(smooth.contrasts, answer.coefficients[:p], answer.variance[:p, :p])
    for level, value, error in zip(smooth.levels, *values, strict=True):
        column = spec.Column(smooth.term, level, smooth.reference)
        made.append(_row(answer, cells, column, (value, error, df), ci_level, scale))
    return made


def extra(found: Extra, base: Row, ci_level: float) -> Row:
    """Return the row of a parameter beside the coefficients, with its interval where it has an error."""
    notes = note(found.note or "", base.get("note") or "")
    cells = base | {"term": found.term, "scale": found.scale, "unit": found.unit, "note": notes, "adjusted_for": None}
    if found.status == "not_estimable":
        return estimates.row(status=found.status, **cells)
    if not np.isfinite(found.error):
        return estimates.row(status=found.status, estimate=found.seen(found.estimate), **cells)
    low, high = found.interval(quantile(ci_level, found.df))
    more = {"estimate": found.seen(found.estimate), "ci_low": low, "ci_high": high, "std_error": found.error}
    return estimates.row(status=found.status, **cells | more)


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


def _points(name: str) -> str | None:
    """Return the unit of a variable, ``points`` of a score from 0 to 10, ``None`` where the codebook has none."""
    known = codebook.find(name)
    if known and known.unit and re.fullmatch(r"\d+-\d+", known.unit):
        return "points"
    return known.unit if known else None


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
