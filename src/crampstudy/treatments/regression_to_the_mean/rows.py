"""The fall that a run-in and enrolment in a flare bring by themselves, beside the fall that was observed.

People come when they cramp most and are let in if they cramp enough, so that their rate falls whatever is done. How far
is worked out of the run-in, of how people differ and of how their nights depend on each other; nothing of the level of
the nights afterwards is in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.arrays import Array, Flags
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.chosen import criterion
from crampstudy.descriptive.frequency.measures import Linearised, ratio
from crampstudy.errors import AnalysisError
from crampstudy.estimates import FEWEST, kinds
from crampstudy.estimates.treatments import (
    AFTER,
    ALL,
    EXPECTED,
    HALF_LIFE,
    OBSERVED,
    OF_FLARE,
    OF_SELECTION,
    REMAINS,
    RUN_IN,
)
from crampstudy.models.inference.covariance import quantile
from crampstudy.nights import NIGHTS_PER_WEEK
from crampstudy.nights.diary import observed_night
from crampstudy.treatments.question import arm as named
from crampstudy.treatments.regression_to_the_mean.flare import EntryNights, expected_of_flare
from crampstudy.treatments.regression_to_the_mean.flare import lacking as flare_lacks
from crampstudy.treatments.regression_to_the_mean.selection import LogRatio, RunIn, expected_of_selection
from crampstudy.treatments.regression_to_the_mean.selection import lacking as selection_lacks
from crampstudy.treatments.time_zero import TimeZero
from crampstudy.wording import counted

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Entered:
    """The participants with nights before entry and after time zero: sums of both, and every night since the first."""

    arms: tuple[str, ...]
    nights: EntryNights
    length: Array
    said: str

    def sums(self, of: Flags) -> tuple[Array, Array]:
        """Return cramps and logged nights of each participant on some of the nights."""
        known = of & np.isfinite(self.nights.counts)
        return np.where(known, self.nights.counts, 0.0).sum(axis=1), known.sum(axis=1).astype(np.float64)


def regression_to_the_mean(
    cohort: Cohort, zero: TimeZero | None = None, *, criterion: int | None = None, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return observed rates and their ratio, the ratio expected without any treatment, and what remains of it.

    The run-in is the nights before ``enrolled_on``, where there are any, else those before time zero. Expected are a
    ratio of selection, of those with too few cramps in the run-in having been left out, and one of a flare's end, which
    the fall inside the run-in and the dependence of nights tell; both together are the fall that no treatment made.

    Args:
        cohort: a diary.
        zero: the time zero of those whose fall is asked, by arm; by default, of everybody, the day of randomisation,
            of whoever has none that of enrolment.
        criterion: cramps in the run-in that it took to be let in; by default the fewest that anybody who logged every
            night of it had, none where run-ins differ in length, and unknown where fewer than 20 logged every night.
        ci_level: confidence level.

    Raises:
        AnalysisError: there is no time zero, as nobody has a day of enrolment.
    """
    entered = _entered(cohort, zero)
    base: Row = {
        "cohort": cohort.name,
        "population": "all participants",
        "outcome": "cramps",
        "analysis": kinds.REGRESSION_TO_THE_MEAN.name,
        "model": "run-in, dispersion and serial dependence",
        "ci_level": ci_level,
    }
    if len(entered.arms) < FEWEST:
        people = counted(len(entered.arms), "participants") if entered.arms else "no participant"
        reason = f"{people} with nights before entry and after time zero{': too few' if entered.arms else ''}"
        cells = {"level": EXPECTED, "term": ALL, "scale": "rate_ratio", "n_participants": len(entered.arms)}
        return estimates.frame([estimates.row(status="not_estimable", note=reason, **base, **cells)])
    return estimates.frame(_rows(entered, criterion, base))


def _entered(cohort: Cohort, zero: TimeZero | None) -> _Entered:
    """Return the participants with nights before entry and after time zero.

    Raises:
        AnalysisError: there is no time zero.
    """
    who = cohort.frame("participants")
    dated = "enrolled_on" in who.columns and who["enrolled_on"].count() > 0
    if zero is None and not dated:
        raise AnalysisError(
            "no participant has a day of enrolment, so that no night is known to be of a run-in; give the time zero of "
            "a treatment, or the column enrolled_on of participants"
        )
    enrolled = who.select("participant_id", enrolled="enrolled_on" if dated else pl.lit(None, pl.Date))
    people = who.select("participant_id", arm=pl.lit(ALL)) if zero is None else zero.compared
    people = people.join(enrolled, on="participant_id", maintain_order="left")
    if zero is None:
        lots = pl.col("randomised_on") if "randomised_on" in who.columns else pl.lit(None, pl.Date)
        began = who.select("participant_id", time_zero=pl.coalesce(lots, "enrolled_on"))
        people = people.join(began, on="participant_id", maintain_order="left")
    diary = cohort.frame("diary").with_columns(seen=observed_night(cohort))
    first = diary.select("participant_id", "date").group_by("participant_id").agg(first=pl.col("date").min())
    people = people.join(first, on="participant_id", maintain_order="left").with_columns(
        entry=pl.when(pl.col("enrolled") > pl.col("first"))
        .then(pl.min_horizontal("enrolled", "time_zero"))
        .otherwise("time_zero")
    )
    nights = diary.filter("seen").join(people.select("participant_id", "first", "entry", "time_zero"), "participant_id")
    both = nights.group_by("participant_id").agg(
        before=(pl.col("date") < pl.col("entry")).any(), after=(pl.col("date") >= pl.col("time_zero")).any()
    )
    kept = people.join(both.filter("before", "after"), on="participant_id", how="semi", maintain_order="left")
    return _arranged(kept, nights, _run_in_of(kept, dated=dated))


def _run_in_of(kept: pl.DataFrame, *, dated: bool) -> str:
    """Return which nights are the run-in of the participants with ``entry`` and the day on which they were enrolled."""
    others = int((kept["entry"] != kept["enrolled"]).fill_null(value=True).sum())
    if not others:
        return "the run-in is the nights before enrolment"
    if others < kept.height:
        whose = counted(others, "participants")
        return f"the run-in is the nights before enrolment, of {whose} without any those before time zero"
    unknown = "" if dated else "the day of enrolment is not recorded: "
    return f"{unknown}the run-in is the nights before time zero"


def _arranged(kept: pl.DataFrame, nights: pl.DataFrame, said: str) -> _Entered:
    """Return the nights of the participants as arrays, by nights since the first of each."""
    at = kept.with_row_index("place").select("participant_id", "place")
    placed = nights.join(at, on="participant_id").with_columns(since=(pl.col("date") - pl.col("first")).dt.total_days())
    length = 1 + int(placed["since"].max() or 0) if placed.height else 1  # type: ignore[arg-type]
    counts = np.full((kept.height, length), np.nan)
    where = placed["place"].to_numpy(), placed["since"].to_numpy()
    counts[where] = placed["cramps"].cast(pl.Float64).to_numpy()
    day = np.arange(length)
    until, zero = (
        kept.select((pl.col(name) - pl.col("first")).dt.total_days()).to_series().cast(pl.Float64).to_numpy()
        for name in ("entry", "time_zero")
    )
    arms = kept["arm"].to_list()
    codes = np.array([sorted(set(arms)).index(arm) for arm in arms], dtype=np.intp)
    of = EntryNights(counts, day < until[:, None], day >= zero[:, None], codes)
    return _Entered(tuple(arms), of, np.asarray(until, dtype=np.float64), said)


def _criterion(entered: _Entered, asked: int | None) -> tuple[int | None, str]:
    """Return the cramps that it took to be let in, and where they come from, or ``None`` and why they are not known."""
    if asked is not None:
        return asked, f"let in with {counted(asked, 'cramps')} or more in the run-in, as asked for"
    found = criterion(*entered.sums(entered.nights.run_in), entered.length)
    fewest = found.cramps
    if fewest is None:
        # People who were asked at different times were not asked for a number.
        return None if found.of_one_length else 0, found.lacking
    if not fewest:
        return 0, "people without any cramp in the run-in were let in, so that nobody was selected by it"
    return fewest, (
        f"no criterion is recorded, and nobody who logged the whole run-in had fewer than {counted(fewest, 'cramps')}, "
        "which is taken for it"
    )


def _rows(entered: _Entered, asked: int | None, base: Row) -> Iterator[Row]:
    nights = entered.nights
    n = len(entered.arms)
    before, after = entered.sums(nights.run_in), entered.sums(nights.after)
    fewest, how = _criterion(entered, asked)
    cells = base | {"n_participants": n, "n_groups": n}
    everybody = np.ones(n, dtype=np.bool_)
    yield _rate(cells, RUN_IN, ALL, before, everybody, entered.said)
    asked_of = RunIn(*before, entered.length, fewest or 0)
    selection = None if fewest is None else expected_of_selection(asked_of, *after)
    flare = expected_of_flare(nights)
    parts = {OF_SELECTION: selection, OF_FLARE: flare.part if flare else None}
    reasons = {OF_SELECTION: how if fewest is None else selection_lacks(asked_of), OF_FLARE: flare_lacks(nights)}
    notes = {OF_SELECTION: how, OF_FLARE: "averaged over how long flares may last, by the dependence of nights"}
    for level, part in parts.items():
        yield _ratio(cells, level, ALL, part, notes[level] if part else reasons[level])
    whole = None
    if selection and flare:
        whole = LogRatio(
            selection.log_ratio + flare.part.log_ratio, selection.influence + flare.part.influence, flare.part.spread
        )
    lacking = "; ".join(dict.fromkeys(reasons[level] for level, part in parts.items() if part is None))
    yield _ratio(cells, EXPECTED, ALL, whole, lacking or "of selection and of a flare's end, without any treatment")
    if flare:
        low, high = flare.between
        limits = {"estimate": flare.half_life, "ci_low": low, "ci_high": high, "ci_level": 0.8, "unit": "nights"}
        limits |= {"level": HALF_LIFE, "term": ALL, "scale": "half_life"}
        yield estimates.row(status="converged", **cells | limits)
    for arm in (ALL, *sorted(set(entered.arms) - {ALL})):
        inside = everybody if arm == ALL else np.array([each == arm for each in entered.arms])
        yield from _of_arm(cells, arm, inside, before, after, whole, lacking)


def _of_arm(
    cells: Row,
    arm: str,
    inside: Flags,
    before: tuple[Array, Array],
    after: tuple[Array, Array],
    expected: LogRatio | None,
    lacking: str,
) -> Iterator[Row]:
    """Yield what was observed in an arm, and what remains of it beside what was to be expected.

    Args:
        cells: those that all rows have.
        arm: its name.
        inside: who is in it.
        before: cramps and nights of the run-in.
        after: those after time zero.
        expected: the ratio to be expected.
        lacking: why there is none.
    """
    cells = cells | {"n_participants": int(inside.sum()), "n_groups": int(inside.sum())}
    yield _rate(cells, AFTER, arm, after, inside, "")
    sums = {"before time zero": before[0][inside].sum(), "after time zero": after[0][inside].sum()}
    few = [f"fewer than {FEWEST} participants"] if inside.sum() < FEWEST else []
    if reasons := few or [f"no cramp {when}" for when, cramps in sums.items() if not cramps]:
        nobody = not before[0].sum() or not after[0].sum()
        whose = "" if arm == ALL or (nobody and not few) else f" with {named(arm)}"
        yield _ratio(cells, OBSERVED, arm, None, f"{' and '.join(reasons)}{whose}")
        return
    rates = [_linear(sums, inside) for sums in (after, before)]
    influence = rates[0].influence / rates[0].value - rates[1].influence / rates[1].value
    observed = LogRatio(float(np.log(rates[0].value / rates[1].value)), influence)
    yield _ratio(cells, OBSERVED, arm, observed, "")
    rest = None
    if expected is not None:
        rest = LogRatio(observed.log_ratio - expected.log_ratio, influence - expected.influence, expected.spread)
    yield _ratio(cells, REMAINS, arm, rest, lacking or "observed over expected: treatment, placebo and natural history")


def _linear(sums: tuple[Array, Array], inside: Flags) -> Linearised:
    """Return the rate of some of the participants, with an influence of 0 of the others."""
    found = ratio(*(each[inside] for each in sums))
    influence = np.zeros(len(inside))
    influence[inside] = found.influence
    return Linearised(found.value, influence)


def _rate(cells: Row, level: str, arm: str, sums: tuple[Array, Array], inside: Flags, note: str) -> Row:
    cramps, nights = (each[inside] for each in sums)
    more: Row = {"n_events": int(cramps.sum()), "n_nights": int(nights.sum()), "unit": "cramps per person-week"}
    cells = cells | more | {"level": level, "term": arm, "scale": "rate", "estimand": "incidence rate, as observed"}
    found = _linear(sums, inside)
    value = NIGHTS_PER_WEEK * found.value
    if not found.value:
        return estimates.row(status="boundary", **cells | {"estimate": value, "note": "no cramp, so no interval"})
    own = LogRatio(float(np.log(value)), found.influence / found.value)
    return estimates.row(status="converged", **cells | _limits(own, cells) | {"note": note or None})


def _ratio(cells: Row, level: str, arm: str, part: LogRatio | None, note: str) -> Row:
    estimand = {
        OBSERVED: "ratio of the rate after time zero to that of the run-in, as observed",
        REMAINS: "observed over expected ratio",
    }.get(level, "ratio of the rate after time zero to that of the run-in, to be expected without any treatment")
    cells = cells | {"level": level, "term": arm, "scale": "rate_ratio", "estimand": estimand, "note": note or None}
    if part is None:
        return estimates.row(status="not_estimable", **cells)
    if not part.influence.any() and not part.spread:
        return estimates.row(status="boundary", **cells | {"estimate": float(np.exp(part.log_ratio))})
    return estimates.row(status="converged", **cells | _limits(part, cells))


def _limits(part: LogRatio, cells: Row) -> Row:
    """Return estimate, limits, error and degrees of freedom: t with participants - 1."""
    n = int(cells["n_participants"])
    error = float(np.sqrt(n / max(n - 1, 1) * (part.influence**2).sum() + part.spread))
    reach = quantile(cells["ci_level"], max(n - 1, 1)) * error
    shown = np.exp(part.log_ratio + np.array([0, -reach, reach]))
    return dict(zip(("estimate", "ci_low", "ci_high"), map(float, shown), strict=True)) | {
        "std_error": error,
        "df": float(n - 1),
    }
