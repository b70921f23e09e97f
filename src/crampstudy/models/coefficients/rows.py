"""From coefficients to tidy rows: ratios per term and level, then the intercept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.estimates import Status, note, verdicts
from crampstudy.estimates.verdicts import MARGINS, Margins, Verdict
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.coefficients.contrast_units import points, unit_of
from crampstudy.models.common.estimability import apart_of
from crampstudy.models.inference.automatic import Conventional, Moments, notes
from crampstudy.models.inference.covariance import combined, p_value, quantile, wald
from crampstudy.models.inference.exposed_participants import Exposed, of_scale
from crampstudy.models.inference.implied import Resting
from crampstudy.models.terms import design_matrix
from crampstudy.models.terms.declared_contrasts import AppliedContrast, Declared
from crampstudy.readable import OneLine
from crampstudy.wording import CONTRAST

Row = dict[str, Any]
TEST = "wald_test"
BASELINES = (design_matrix.INTERCEPT, design_matrix.THRESHOLD)
_SHOWN = ("estimate", "ci_low", "ci_high")
ALONE = "without one of the participants it would have no estimate: it rests on that one alone"
"""Why a coefficient has no variance though it was fitted."""
_MILLION = float(np.log(1e6))
LARGEST = float(np.log(1e15))
"""What lies beyond the exponential of this has more digits than a number is kept with."""
_BEYOND = "the estimate lies beyond all numbers, below 10⁻¹⁵ or above 10¹⁵"
_ENDLESS = "the interval has no end that could be told, as it reaches below 10⁻¹⁵ or above 10¹⁵"


@dataclass(frozen=True, slots=True, repr=False)
class CoefficientTable(OneLine):
    """Coefficients on the link scale (length p) with their t distributions, or the reason why there are none.

    A coefficient that is NaN has no estimate, for the reason in ``warnings``, which else go beside an estimate.
    ``variance`` (p x p) is needed for ``smooths``, whose coefficients are not shown one by one, and for the contrasts
    that are ``declared``; ``moments`` are what all of them tell. ``exposed`` are the participants who bear on a column,
    ``tell`` and ``resting`` those on whom its ratio rests where not on all, ``effective`` the number that tell as much
    as they do. ``apart`` are the terms that set the outcome apart, so that there is no estimate, with what is told.
    """

    columns: tuple[design_matrix.Column, ...]
    coefficients: Array
    std_errors: Array
    moments: Moments
    status: Status
    reason: str | None = None
    warnings: Mapping[design_matrix.Column, str] = field(default_factory=dict)
    smooths: tuple[design_matrix.Smooth, ...] = ()
    variance: Array = field(default_factory=lambda: np.empty((0, 0)))
    exposed: Mapping[design_matrix.Column, int] = field(default_factory=dict)
    tell: Mapping[design_matrix.Column, int] = field(default_factory=dict)
    resting: Mapping[design_matrix.Column, Resting] = field(default_factory=dict)
    effective: Mapping[design_matrix.Column, float] = field(default_factory=dict)
    declared: Declared = field(default_factory=Declared)
    apart: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def none(cls, design: design_matrix.Design, status: Status, reason: str) -> CoefficientTable:
        """Return the answer of a model that could not be fitted."""
        missing = np.full(len(design.columns), np.nan)
        moments = Conventional(np.nan, len(missing))
        made = cls(design.columns, missing, missing, moments, status, reason)
        return replace(made, smooths=design.smooths, declared=design.declared, apart=apart_of(reason, design.columns))

    @classmethod
    def of(
        cls, design: design_matrix.Design, coefficients: Array, variance: Array, moments: Moments
    ) -> CoefficientTable:
        """Return the table of a fit with one coefficient per column of the design."""
        errors = np.sqrt(np.diag(variance))
        made = cls(design.columns, coefficients, errors, moments, "converged", variance=variance)
        return replace(made, smooths=design.smooths, declared=design.declared)

    @property
    def df(self) -> Array:
        """Degrees of freedom of t of the coefficients (p)."""
        return self.moments.df()

    def told(self, contrasts: Array) -> Moments:
        """Return the moments of k combinations (k x q) of the first q coefficients, those of the design's columns."""
        return self.moments.turned(np.pad(contrasts, ((0, 0), (0, len(self.columns) - contrasts.shape[1]))))

    def resting_on(
        self, found: Mapping[design_matrix.Column, Exposed], few: str | None = verdicts.FEW_DEGREES
    ) -> CoefficientTable:
        """Return the answer with who bears on its columns; without an estimate of what is one participant's alone.

        ``few`` is said of a column with few degrees of freedom.
        """
        lone = {column: exposed.lone for column, exposed in found.items() if exposed.lone}
        if any(exposed.baseline for exposed in found.values()):
            lone |= {column: ALONE for column in self.columns if column.term in BASELINES}
        own = notes(self.moments, np.eye(len(self.columns)))
        said = [
            note(each, few if few and df < verdicts.FEWEST_DF else "") for each, df in zip(own, self.df, strict=True)
        ]
        told = {c: remark for c, remark in zip(self.columns, said, strict=True) if remark and c.term not in BASELINES}
        return replace(
            self,
            coefficients=np.where([column in lone for column in self.columns], np.nan, self.coefficients),
            warnings={**told, **self.warnings, **lone},
            exposed={column: exposed.participants for column, exposed in found.items()},
            tell={column: exposed.tell for column, exposed in found.items() if exposed.tell is not None},
            resting={
                column: on for column, exposed in found.items() if (on := exposed.resting or exposed.compared_with)
            },
            effective=dict(zip(self.columns, self.moments.effective(), strict=True)),
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
        unit = points(name) or "unit"
        return cls("difference", "mean", unit, of=unit)

    def shown(self, values: Array) -> Array:
        """Return coefficients as they are shown."""
        seen: Array = values if self.of else np.exp(values)
        return seen

    def unit_of(self, contrast: str) -> str:
        """Return the unit of a term that is ``contrast``, such as ``per 10 years``."""
        return f"{self.of}, {contrast}" if self.of else contrast


def rows(
    answer: CoefficientTable,
    scale: Scale,
    base: Row,
    ci_level: float,
    per: Mapping[str, float],
    margins: Margins = MARGINS,
) -> list[Row]:
    """Return a row per column of the design, then per declared contrast; of a spline its test and its ratios.

    The intercept is last.

    Args:
        answer: the coefficients.
        scale: what they are shown as.
        base: the cells that all rows share.
        ci_level: confidence level, such as 0.95.
        per: multiples in which numeric terms are reported, by term.
        margins: those of the verdicts, which stand on the declared contrasts and on levels alone.
    """
    made: list[Row] = []
    last: list[Row] = []
    terms = list(dict.fromkeys(c.term for c in answer.columns if c.term not in BASELINES))
    numbers = zip(answer.coefficients, answer.std_errors, answer.df, strict=True)
    smooths = {smooth.columns[0]: smooth for smooth in answer.smooths}
    within = {i for smooth in answer.smooths for i in smooth.columns}
    contrasts = {
        int(np.flatnonzero(contrast.vector)[-1]): (contrast, told)
        for contrast, told in zip(answer.declared.contrasts, _told(answer), strict=True)
    }
    for i, (column, (coefficient, error, df)) in enumerate(zip(answer.columns, numbers, strict=True)):
        others = "; ".join(t for t in terms if t != column.term)
        cells = base | {"scale": scale.ratio, "adjusted_for": others or None}
        if column.term in BASELINES:
            cells |= {"scale": scale.intercept, "unit": scale.unit, "adjusted_for": None}
            last.append(_row(answer, cells, column, (coefficient, error, df), ci_level, scale))
        elif i in smooths:
            made += _smooth(answer, smooths[i], cells, scale, ci_level)
        elif i not in within:
            multiple = per.get(column.term, 1.0)
            cells |= {"unit": scale.unit_of(unit_of(column, multiple))}
            number = coefficient * multiple, error * abs(multiple), df
            row = _row(answer, cells, column, number, ci_level, scale)
            as_it_is = i in answer.declared.columns and multiple == 1
            made.append(_judged(row, margins, lone=column in answer.warnings) if as_it_is else row)
            if as_it_is and (beyond := answer.declared.beyond.get(i)):
                made[-1] = beyond.on(made[-1])
        if i in contrasts:
            made.append(_contrast(answer, *contrasts[i], base, ci_level, margins, scale))
    return made + last


def _told(answer: CoefficientTable) -> list[tuple[float, float]]:
    """Return the degrees of freedom of each declared contrast and the effective participants behind it."""
    if not answer.declared.contrasts:
        return []
    told = answer.told(np.array([contrast.vector for contrast in answer.declared.contrasts]))
    return list(zip(told.df().tolist(), told.effective().tolist(), strict=True))


def _contrast(
    answer: CoefficientTable,
    contrast: AppliedContrast,
    told: tuple[float, float],
    base: Row,
    ci_level: float,
    margins: Margins,
    scale: Scale,
) -> Row:
    """Return the row of a declared contrast, which rests on the participants of all columns that it moves.

    It has no verdict far beyond the values observed (:class:`~declared_contrasts.Beyond`).

    Args:
        answer: the coefficients.
        contrast: what is compared.
        told: its degrees of freedom and effective participants.
        base: the cells that all rows share.
        ci_level: confidence level.
        margins: those of the verdict.
        scale: what coefficients are shown as.
    """
    moved = np.flatnonzero(contrast.vector)
    columns = [answer.columns[i] for i in moved]
    own = {column.term for column in columns}
    terms = dict.fromkeys(c.term for c in answer.columns if c.term not in BASELINES)
    others = "; ".join(term for term in terms if term not in own)
    column = design_matrix.Column(f"{CONTRAST}{contrast.variable}", contrast.level, contrast.reference)
    exposed = [answer.exposed[c] for c in columns if c in answer.exposed]
    tell = [answer.tell[c] for c in columns if c in answer.tell]
    warnings = dict.fromkeys(answer.warnings[c] for c in columns if c in answer.warnings)
    of = replace(
        answer,
        warnings={column: "; ".join(warnings)} if warnings else {},
        exposed={column: min(exposed)} if exposed else {},
        tell={column: min(tell)} if tell else {},
        effective={column: told[1]},
    )
    value = error = df = float("nan")
    if answer.status == "converged":
        (value,), (error,) = _combined(answer, contrast.vector[None, :])
        df = told[0]
    unit = scale.unit_of(contrast.printed)
    cells = base | {"scale": scale.ratio, "unit": unit, "adjusted_for": others or None}
    made = _judged(_row(of, cells, column, (value, error, df), ci_level, scale), margins, lone=bool(warnings))
    return contrast.beyond.on(made) if contrast.beyond else made


def _combined(answer: CoefficientTable, contrasts: Array) -> tuple[Array, Array]:
    """Return the values (k) of ``contrasts`` (k x p) and their errors, NaN where one moves what has no estimate."""
    moved = np.flatnonzero(contrasts.any(axis=0))
    return combined(contrasts[:, moved], answer.coefficients[moved], answer.variance[np.ix_(moved, moved)])


def _judged(row: Row, margins: Margins, *, lone: bool = False) -> Row:
    """Return a row with its verdict; ``lone`` says that a level without an estimate is one participant's alone."""
    said: Verdict | None = verdicts.verdict(row, margins)
    if said is None and lone and row["status"] == "not_estimable" and verdicts.compares(row):
        said = "too few"
    if said is None:
        return row
    return verdicts.with_margins(row, margins) | {"verdict": said}


def _row(
    answer: CoefficientTable,
    base: Row,
    column: design_matrix.Column,
    number: tuple[float, float, float],
    ci_level: float,
    scale: Scale,
) -> Row:
    """Return the row of a coefficient, given with its standard error and degrees of freedom."""
    coefficient, error, df = number
    cells = base | {"term": column.term, "level": column.level, "reference": column.reference}
    cells |= {"n_exposed": answer.exposed.get(column), "n_effective": answer.effective.get(column)}
    # A survey's own wording is the same on all scales.
    of_nights = not str(base.get("model")).startswith("survey")
    lone = of_scale(answer.warnings.get(column), base["scale"] if of_nights else None)
    if answer.status != "converged":
        return estimates.row(status=answer.status, **cells | {"note": lone or answer.reason})
    if not np.isfinite(coefficient) or np.isnan(error):
        why = ALONE if np.isfinite(coefficient) else lone
        return estimates.row(status="not_estimable", **cells | {"note": why})
    cells |= verdicts.resting_on(cells, answer.tell.get(column))
    cells |= answer.resting[column].on(cells) if column in answer.resting else {}
    remarks = (lone, cells.get("note"))
    tested = column.term not in BASELINES and error > 0
    more = {
        "std_error": error,
        "df": df,
        "p_value": p_value(coefficient / error, df) if tested else None,
        "note": "; ".join(filter(None, remarks)) or None,
    }
    shift = float(np.log(scale.factor)) if column.term in BASELINES else 0.0
    return shown(coefficient + shift, quantile(ci_level, df) * error, scale, cells | more)


def shown(value: float, half: float, scale: Scale, cells: Row) -> Row:
    """Return the row of a ``value`` on the link scale with ``half`` its interval.

    A ratio beyond all numbers is not shown, and one of which a limit is has no interval.
    """
    reason = None if scale.of or abs(value) <= LARGEST else _BEYOND
    endless = not np.isfinite(half) or not (scale.of or abs(value) + half <= LARGEST)
    said = reason or (_ENDLESS if endless else "")
    if said and cells["term"] in BASELINES:
        said = f"where every term is 0, {said}; measure the terms from their middle"
    if reason:
        return estimates.row(status="not_estimable", **cells | {"note": said})
    around = np.array([value] if endless else [value, value - half, value + half])
    row = estimates.row(status="converged", **cells | dict(zip(_SHOWN, scale.shown(around), strict=False)))
    return estimates.without_interval(row, said) if endless else row


def joint_test(answer: CoefficientTable, contrasts: Array, base: Row) -> Row:
    """Return the row of the Wald test that ``contrasts`` (q x p) of the coefficients are all zero."""
    cells = base | {"scale": TEST}
    if answer.status != "converged":
        return estimates.row(status=answer.status, **cells | {"note": answer.reason})
    used = np.flatnonzero(contrasts.any(axis=0))
    # What is not in a contrast may have no estimate.
    own = contrasts[:, used]
    block = own @ answer.variance[np.ix_(used, used)] @ own.T
    if reason := untested(block):
        return estimates.row(status="not_estimable", **cells | {"note": reason})
    # Of contrasts that differ in theirs the fewest: an interval is never too short for it.
    df = float(np.min(answer.told(contrasts).df()))
    return estimates.row(status="converged", **cells | wald_cells(own @ answer.coefficients[used], block, df))


def untested(block: Array) -> str | None:
    """Return why coefficients whose covariance is ``block`` (q x q) have no joint test, or ``None``."""
    if np.isnan(block).any():
        return ALONE
    return "the covariance is singular" if np.linalg.matrix_rank(block, hermitian=True) < len(block) else None


def wald_cells(coefficients: Array, block: Array, df: float) -> Row:
    """Return the cells of the Wald test that ``coefficients`` (q, with covariance ``block``) are all zero."""
    q, (statistic, p) = len(coefficients), wald(coefficients, block, df)
    numerator = f"{q} degree{'s' if q > 1 else ''} of freedom"
    unit = f"chi-squared on {numerator}" if np.isinf(df) else f"F on {q} and {df:.4g} degrees of freedom"
    return {"scale": TEST, "estimate": statistic, "unit": unit, "df": df, "p_value": p}


def _smooth(
    answer: CoefficientTable, smooth: design_matrix.Smooth, base: Row, scale: Scale, ci_level: float
) -> list[Row]:
    """Return the joint test of a spline's coefficients and its ratios against the reference."""
    made = [joint_test(answer, np.eye(len(answer.columns))[list(smooth.columns)], base | {"term": smooth.term})]
    known = wording.variable(smooth.variable)
    against = f"against {smooth.reference} {known.unit if known and known.unit else ''}".strip()
    where = wording.AT_REFERENCE if smooth.interacts else ""
    cells = base | {"scale": scale.ratio, "unit": scale.unit_of(against), "note": note(where, base.get("note") or "")}
    values = np.full(len(smooth.levels), np.nan), np.full(len(smooth.levels), np.nan)
    if answer.status == "converged":
        values = _combined(answer, smooth.contrasts)
    told = answer.told(smooth.contrasts)
    columns = [design_matrix.Column(smooth.term, level, smooth.reference) for level in smooth.levels]
    answer = replace(answer, effective=dict(zip(columns, told.effective(), strict=True)))
    for column, value, error, its_df in zip(columns, *values, told.df(), strict=True):
        made.append(_row(answer, cells, column, (value, error, its_df), ci_level, scale))
    return made


def extra(found: Extra, base: Row, ci_level: float) -> Row:
    """Return the row of a parameter beside the coefficients, with its interval where it has an error."""
    remarks = note(found.note or "", base.get("note") or "")
    cells = base | {"term": found.term, "scale": found.scale, "unit": found.unit, "note": remarks, "adjusted_for": None}
    if found.status == "not_estimable":
        return estimates.row(status=found.status, **cells)
    if not np.isfinite(found.error):
        return estimates.row(status=found.status, estimate=found.seen(found.estimate), **cells)
    more: Row = {"estimate": found.seen(found.estimate), "std_error": found.error}
    if found.profile is None and found.link == "log" and quantile(ci_level, found.df) * found.error > _MILLION:
        said = note("its interval spans more than a million times it each way: nothing is known of it", remarks or "")
        return estimates.row(status="boundary", **cells | more | {"note": said})
    low, high = found.interval(ci_level)
    said = "0 is not excluded" if found.profile is not None and low == found.seen(0.0) else ""
    if np.isinf(high):
        said = note("no value above the estimate is excluded", said) or ""
        return estimates.row(status="boundary", **cells | more | {"ci_low": low, "note": note(said, remarks or "")})
    limits = {"ci_low": low, "ci_high": high, "note": note(said, remarks or "")}
    return estimates.row(status=found.status, **cells | more | limits)
