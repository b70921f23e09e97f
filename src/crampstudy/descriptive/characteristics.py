"""Who is in a cohort and how complete it is: the rows of its characteristics and of completeness."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import codebook, estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.codebook.asked_of import ASKED_OF, AskedOf
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.errors import NoWeight
from crampstudy.estimates import kinds
from crampstudy.estimates.absent import absent_row
from crampstudy.models.common.recalled_outcomes import weight_for
from crampstudy.nights import coverage, members

DOMAINS = ("demography", "conditions", "medication", "electrolytes", "nutrition", "muscle", "joints")
_LEFT_OUT = ("birth_year",)

Row = dict[str, Any]


def characteristics(
    cohort: Cohort, *, youngest: int = 20, where: str | None = None, bands: AgeBands | None = None
) -> pd.DataFrame:
    """Return mean and standard deviation, or proportion per level, of what describes the participants.

    Overall and by sex, or with ``bands`` by age as :func:`characteristics_of` tells groups, among participants of at
    least ``youngest`` years, or all of them where nobody has an age. In a survey the estimates are weighted by the
    component of each variable while ``n_participants`` counts people; without its weight a variable has no estimate.

    Args:
        cohort: a diary or a survey.
        youngest: in years.
        where: a condition on participants, of whom the others are left out.
        bands: age bands, those that are there.

    Returns:
        Tidy estimates with ``population`` all, female or male, or an age band; ``term`` is the variable.
    """
    frame = _described(cohort, youngest, where, bands)
    if bands is not None:
        by_band = {label: frame.filter(pl.col("age_band").cast(pl.String) == label) for label in bands.labels}
        return characteristics_of(
            cohort, {"all": frame} | {label: part for label, part in by_band.items() if not part.is_empty()}
        )
    columns = {"all": frame} | {sex: frame.filter(pl.col("sex") == sex) for sex in ("female", "male")}
    return estimates.frame(
        row
        for v in _variables(cohort)
        # The sex of one sex says nothing.
        for name, part in ({"all": frame} if v.name == "sex" else columns).items()
        for row in _describe(_Cells(cohort, v, name), part)
    )


def characteristics_of_cohorts(
    cohorts: Sequence[Cohort], *, youngest: int = 20, where: str | None = None
) -> pd.DataFrame:
    """Return what describes the participants of each of several cohorts, as :func:`characteristics_of` does of groups.

    A number is skewed where it is among the participants of all cohorts together, so that each shows the same of it.
    Where a cohort has nobody of those of whom alone a variable is asked, a row says so.

    Args:
        cohorts: of any kinds.
        youngest: in years, as of :func:`characteristics`.
        where: a condition on participants, of whom the others are left out.
    """
    frames = {cohort.name: _described(cohort, youngest, where) for cohort in cohorts}
    values: dict[str, list[pl.Series]] = {}
    for cohort in cohorts:
        for v in _variables(cohort):
            if v.type in _NUMBERS:
                values.setdefault(v.name, []).append(frames[cohort.name][v.name].cast(pl.Float64))
    skewed = {name for name, own in values.items() if is_skewed(pl.concat(own))}
    made = [characteristics_of(cohort, {"all": frames[cohort.name]}, skewed=skewed) for cohort in cohorts]
    nobody = [_nobody_of(cohort, name, frames[cohort.name]) for cohort in cohorts for name in ASKED_OF]
    rows = pd.concat([*made, estimates.frame(row for row in nobody if row)], ignore_index=True)
    # How many have a value is said of each of them.
    return rows[rows["scale"] != "missing"].reset_index(drop=True)


def characteristics_of(
    cohort: Cohort,
    groups: Mapping[str, pl.DataFrame],
    *,
    kind: kinds.Kind = kinds.CHARACTERISTICS,
    also: Sequence[codebook.Variable] = (),
    skewed: Collection[str] | None = None,
) -> pd.DataFrame:
    """Return what describes the participants of groups, of whatever these are made: age bands, the arms of a trial.

    Mean and standard deviation of a number, with median and quartiles where it is skewed among all; a proportion per
    level of the rest; and how many have no value. A pregnancy is looked for among women of the age alone.

    Args:
        cohort: that the participants are of.
        groups: participants by the name of their group, a row each with their columns; the first are all of them.
        kind: of the rows.
        also: variables of the groups beside those of the codebook, which come first.
        skewed: the numbers that are taken to be skewed; by default those that are among all of the groups.

    Returns:
        Tidy estimates of the ``kind`` with ``population`` the name of a group; ``term`` is the variable.
    """
    everybody = next(iter(groups.values()))
    made: list[Row] = []
    for v in (*also, *_variables(cohort)):
        among = ASKED_OF.get(v.name)
        is_number = v.type in _NUMBERS
        of_quartiles = is_number and (is_skewed(everybody[v.name]) if skewed is None else v.name in skewed)
        for name, part in groups.items():
            inside = part.filter(among.asked) if among else part
            if among and inside.is_empty():
                continue
            cells = _Cells(cohort, v, name, kind)
            made += _describe(cells, inside, among)
            if of_quartiles:
                made += _quartiles(cells, inside)
            made.append(_missing(cells, inside))
    return estimates.frame(made)


def _variables(cohort: Cohort) -> list[codebook.Variable]:
    """Return what describes the participants of a cohort and has a value."""
    return [
        v
        for v in codebook.variables("participants")
        if v.domain in DOMAINS and v.name not in _LEFT_OUT and cohort.has(v.name) and v.type in _TYPES
    ]


@dataclass(frozen=True, slots=True)
class _Cells:
    """What the rows of a variable in a group have in common."""

    cohort: Cohort
    variable: codebook.Variable
    population: str
    kind: kinds.Kind = kinds.CHARACTERISTICS

    def of(self, estimand: str, **more: Any) -> Row:
        return {
            "cohort": self.cohort.name,
            "population": self.population,
            "analysis": self.kind.name,
            "estimand": estimand,
            "term": self.variable.name,
            **more,
        }

    @property
    def weight(self) -> str | None:
        """The column that the participants are weighted by; none of a diary, nor where a survey lacks it."""
        design = self.cohort.design
        return None if design is None or self.weightless else weight_for(design, (self.variable.name,))

    @property
    def weightless(self) -> str:
        """Why a survey can say nothing of the variable in its population; nothing where it can."""
        try:
            if self.cohort.design is not None:
                weight_for(self.cohort.design, (self.variable.name,))
        except NoWeight as problem:
            return estimates.reason(problem)
        return ""

    @property
    def estimand(self) -> str:
        return "weighted to the population" if self.cohort.design else "as observed"


_SKEWED = 1.0
"""From this skewness on a mean says little of the usual value."""


def is_skewed(values: pl.Series) -> bool:
    """Whether the skewness of values is above 1 or below -1, so that a median says more of them than a mean."""
    skewness = values.drop_nulls().cast(pl.Float64).skew()
    return isinstance(skewness, float) and abs(skewness) > _SKEWED


def _nobody_of(cohort: Cohort, name: str, frame: pl.DataFrame) -> Row | None:
    """Return the row that says that nobody of a cohort is asked for a variable, ``None`` where anybody is."""
    among = ASKED_OF[name]
    if frame.is_empty() or not frame.filter(among.asked).is_empty():
        return None
    cells = _Cells(cohort, codebook.variable(name, "participants"), "all")
    none = {"n_participants": 0, "note": f"no {among.said}"}
    return estimates.row(status="not_estimable", scale="proportion", **cells.of(cells.estimand, **none))


def _known(cells: _Cells, frame: pl.DataFrame) -> tuple[pl.DataFrame, Array, str | None]:
    """Return those with a value, the weight of each, and its name."""
    weight = cells.weight
    known = frame.filter(pl.col(cells.variable.name).is_not_null())
    if weight:
        known = known.filter(pl.col(weight) > 0)
    return known, known[weight].to_numpy() if weight else np.ones(known.height), weight


def _quartiles(cells: _Cells, frame: pl.DataFrame) -> Iterator[Row]:
    v = cells.variable
    known, w, weight = _known(cells, frame)
    if cells.weightless:
        return
    values = known[v.name].cast(pl.Float64).to_numpy()
    for scale, share in (("quartile_1", 0.25), ("quartile_2", 0.5), ("quartile_3", 0.75)) if len(values) else ():
        yield estimates.row(
            status="converged",
            scale=scale,
            estimate=quantile(values, w, share),
            **cells.of(cells.estimand, unit=v.unit, n_participants=known.height, note=weight),
        )


def quantile(values: Array, w: Array, share: float) -> float:
    """Return the value below which a ``share`` of the weight lies, half the step at each value (n)."""
    order = np.argsort(values, kind="stable")
    ordered, weights = values[order], w[order]
    at = (np.cumsum(weights) - weights / 2) / weights.sum()
    return float(np.interp(share, at, ordered))


def _missing(cells: _Cells, frame: pl.DataFrame) -> Row:
    """Return how many are in no number of a variable: without a value (``n_events``), or with one of weight 0."""
    known, _, weight = _known(cells, frame)
    counted = {"n_participants": frame.height, "n_events": frame[cells.variable.name].null_count()}
    whom = f"participants without a value{' or of weight 0' if weight else ''}"
    of_whom = cells.of(whom, unit="participants", **counted)
    return estimates.row(status="converged", scale="missing", estimate=frame.height - known.height, **of_whom)


def _described(cohort: Cohort, youngest: int, where: str | None, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return the participants of a cohort who are described, of the band of each where there are bands."""
    everybody = members(cohort, bands)
    return _from(everybody.filter(subpopulation.select(everybody, where).inside), youngest)


def _from(frame: pl.DataFrame, youngest: int) -> pl.DataFrame:
    return frame.filter(pl.col("age_years") >= youngest) if frame["age_years"].count() else frame


_NUMBERS = ("number", "integer")
_TYPES = (*_NUMBERS, "boolean", "level")


def _describe(own: _Cells, frame: pl.DataFrame, among: AskedOf | None = None) -> Iterator[Row]:
    v = own.variable
    known, w, weight = _known(own, frame)
    estimand = f"{own.estimand}, of {among.said}" if among else own.estimand
    cells = own.of(estimand, n_participants=known.height, unit=v.unit, note=weight)
    if known.is_empty():
        yield estimates.row(status="not_estimable", scale="mean", **cells | {"note": "no value"})
    elif own.weightless:
        shares = ("true",) if v.type == "boolean" else v.levels if v.type == "level" else ()
        places = [{"scale": "proportion", "level": level} for level in shares] or [{"scale": "mean"}]
        for place in places:
            yield estimates.row(status="not_estimable", **cells | place | {"note": own.weightless})
    elif v.type in ("boolean", "level"):
        values = known[v.name].cast(pl.String)
        for level in ("true",) if v.type == "boolean" else v.levels:
            hit = (values == level).to_numpy()
            share = float(w[hit].sum() / w.sum())
            more: Row = {"scale": "proportion", "level": level, "estimate": share, "n_events": int(hit.sum())}
            yield estimates.row(status="converged", **cells | more)
    else:
        mean, deviation = moments(known[v.name].cast(pl.Float64).to_numpy(), w)
        yield estimates.row(status="converged", scale="mean", estimate=mean, **cells)
        if known.height > 1:
            yield estimates.row(status="converged", scale="standard_deviation", estimate=deviation, **cells)


def moments(values: Array, w: Array) -> tuple[float, float]:
    """Return the weighted mean and standard deviation of ``values`` (n)."""
    mean = float(np.average(values, weights=w))
    # n/(n-1) makes it the usual standard deviation where the weights are equal.
    variance = float(np.average((values - mean) ** 2, weights=w)) * len(values) / max(len(values) - 1, 1)
    return mean, float(np.sqrt(variance))


def completeness(cohort: Cohort, bands: AgeBands) -> pd.DataFrame:
    """Return the share of what was expected that was observed, by age band and over all.

    A diary expects every calendar night between a participant's first and last row (and gives the median
    of the participants' longest gaps); a survey expects an answer of every participant from the first
    limit on. Participants without an age are among all.
    """
    frame = members(cohort, bands)
    if cohort.kind == "diary":
        frame = frame.join(coverage(cohort), on="participant_id")
    else:
        answered = pl.col("recalled_low").is_not_null().cast(pl.Int64)
        frame = frame.filter((pl.col("age_years") >= bands.limits[0]).fill_null(value=True)).with_columns(
            nights_expected=pl.lit(1), nights_observed=answered
        )
    groups = {label: frame.filter(pl.col("age_band").cast(pl.String) == label) for label in bands.labels}
    groups = {label: part for label, part in groups.items() if not part.is_empty()} | {"all": frame}
    return estimates.frame(row for label, part in groups.items() for row in _completeness(cohort, label, part))


def _completeness(cohort: Cohort, label: str, part: pl.DataFrame) -> Iterator[Row]:
    expected, observed = int(part["nights_expected"].sum()), int(part["nights_observed"].sum())
    diary = cohort.kind == "diary"
    cells: Row = {
        "cohort": cohort.name,
        "population": label,
        "analysis": kinds.COMPLETENESS.name,
        "outcome": "cramps" if diary else "recalled_class",
        "term": "age_band",
        "level": label,
        "n_participants": part.height,
        "n_nights": expected if diary else None,
        "n_events": observed,
    }
    if not expected:
        yield estimates.row(status="not_estimable", scale="proportion", **cells | {"note": "no night was expected"})
        return
    yield estimates.row(status="converged", scale="proportion", estimate=observed / expected, **cells)
    if diary and part["longest_gap"].drop_nulls().len():
        gap = float(np.median(part["longest_gap"].drop_nulls().to_numpy()))
        yield estimates.row(status="converged", scale="median_longest_gap", unit="nights", estimate=gap, **cells)


def measured(cohort: Cohort, variables: Sequence[str], *, youngest: int = 20) -> pd.DataFrame:
    """Return the share of participants of at least ``youngest`` years who have a value of each variable.

    Where nobody has an age, it is that of all participants.
    """
    frame = _from(members(cohort), youngest)
    rows = []
    for name in variables:
        cells: Row = {
            "cohort": cohort.name,
            "population": f"{youngest}+",
            "analysis": kinds.MEASURED.name,
            "term": name,
            "scale": "proportion",
            "n_participants": frame.height,
        }
        if not cohort.has(name):
            rows.append(absent_row(cohort, name, **cells))
            continue
        if frame.is_empty():
            rows.append(estimates.row(status="not_estimable", note=f"nobody is {youngest} or older", **cells))
            continue
        known = frame.height - frame[name].null_count()
        rows.append(estimates.row(status="converged", estimate=known / frame.height, n_events=known, **cells))
    return estimates.frame(rows)
