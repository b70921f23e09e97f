"""Incidence rates of a diary cohort: by group, crude and age-standardised, with cluster-robust intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook, estimates
from crampstudy.age_bands import STANDARDS, AgeBands, Standard
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import OUTSIDE, UNDECIDED, Account
from crampstudy.descriptive.rate_intervals import coverage_note, rate_interval, sum_df
from crampstudy.errors import BandError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import part_of
from crampstudy.models.common.outcome_parts import check_apart, check_condition
from crampstudy.models.inference.covariance import degrees_of_freedom
from crampstudy.models.terms.levels import check_group
from crampstudy.nights import NIGHTS_PER_WEEK, NO_AGE, denominator, night_account, person_nights
from crampstudy.wording import counted

FEW_PARTICIPANTS = 10
ALL = "all"
"""The label of everybody, also of those without a value of what the groups are formed by."""
SUMMARY_AGES = (50, 60)
NO_CRAMP = "no cramp, so no interval"
_KINDS = (kinds.INCIDENCE_RATE, kinds.MEAN_PERSON_RATE)
UNIT = "cramps per person-week"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rate:
    """An incidence rate in cramps per person-week with its standard error on the log scale.

    Without spread, or of fewer than :data:`crampstudy.estimates.FEWEST` participants, it has no limits, status
    ``boundary`` and the reason in ``note``. ``std_error`` is NaN where participants do not differ, or there is one.
    """

    estimate: float
    ci_low: float
    ci_high: float
    std_error: float
    df: float
    participants: int
    nights: int
    cramps: int
    status: estimates.Status
    note: str | None


def incidence_rate(cramps: NDArray[np.int64], nights: NDArray[np.int64], ci_level: float) -> Rate:
    """Return total cramps / observed nights x 7 from the sums per participant (two arrays of length G).

    The standard error stands on the log scale, with the participants as clusters and the factor G/(G-1); the limits
    are those of :func:`~crampstudy.descriptive.rate_intervals.rate_interval`, with G-1 degrees of freedom below 50
    participants. Without any cramp the upper limit is the exact Poisson one, with status ``boundary``.

    Source: Liang and Zeger 1986; Garwood 1936 (exact limit).
    """
    observed = nights > 0
    cramps, nights = cramps[observed], nights[observed]
    clusters, total, time = len(nights), int(cramps.sum()), int(nights.sum())
    few = estimates.FEWEST <= clusters < FEW_PARTICIPANTS
    notes = [f"fewer than {FEW_PARTICIPANTS} participants"] if few else []
    if not clusters:
        return _bare(math.nan, (0, 0, 0), "not_estimable", "no observed night")
    if not total:
        from statsmodels.stats.rates import confint_poisson

        _, upper = confint_poisson(0, time / NIGHTS_PER_WEEK, method="exact-c", alpha=1 - ci_level)
        notes.insert(0, "no cramp; exact Poisson upper limit, nights taken as independent")
        if clusters < estimates.FEWEST:
            notes = ["no cramp"]
        bare = _bare(0.0, (clusters, time, 0), "boundary", "; ".join(notes))
        return _judged(replace(bare, ci_low=0.0, ci_high=float(upper)))
    # In whole numbers, so that participants who are all alike differ by exactly nothing.
    excess = (cramps * time - total * nights) / time
    variance = clusters / (clusters - 1) * np.sum(excess**2) / total**2 if clusters > 1 else 0.0
    weekly, error = total / time * NIGHTS_PER_WEEK, float(np.sqrt(variance))
    return _of_weeks(weekly, error, degrees_of_freedom(clusters), (clusters, time, total), notes, ci_level)


def mean_person_rate(cramps: NDArray[np.int64], nights: NDArray[np.int64], ci_level: float) -> Rate:
    """Return the mean over participants of their own rates.

    It parts from the incidence rate when how much is logged goes with how often cramps come. The standard error
    stands on the log scale by the delta method, the limits are those of an incidence rate.
    """
    observed = nights > 0
    cramps, nights = cramps[observed], nights[observed]
    clusters, time, total = len(nights), int(nights.sum()), int(cramps.sum())
    if not clusters:
        return _bare(math.nan, (0, 0, 0), "not_estimable", "no observed night")
    if not total:
        return _bare(0.0, (clusters, time, 0), "boundary", NO_CRAMP)
    rates = cramps / nights * NIGHTS_PER_WEEK
    mean = float(rates.mean())
    error = float(rates.std(ddof=1) / np.sqrt(clusters) / mean) if np.ptp(rates) > 0 else 0.0
    return _of_weeks(mean, error, degrees_of_freedom(clusters), (clusters, time, total), [], ci_level)


def _bare(estimate: float, counts: tuple[int, int, int], status: estimates.Status, note: str) -> Rate:
    """Return a rate without an interval; ``counts`` are participants, nights and cramps."""
    return Rate(estimate, math.nan, math.nan, math.nan, math.nan, *counts, status, note)


def _of_weeks(
    weekly: float, error: float, df: float, counts: tuple[int, int, int], notes: Sequence[str], ci_level: float
) -> Rate:
    """Return a rate with its interval."""
    low, high = rate_interval(weekly, error, df, ci_level) if error > 0 else (weekly, weekly)
    return _judged(Rate(weekly, low, high, error, df, *counts, "converged", "; ".join(notes) or None))


def _judged(rate: Rate) -> Rate:
    """Return a rate without limits where they are no interval."""
    cells = {name: getattr(rate, name) for name in ("ci_low", "ci_high", "std_error")}
    cells |= {"scale": "rate", "n_participants": rate.participants}
    if (reason := estimates.no_interval(cells)) is None:
        return rate
    note = "; ".join(filter(None, (reason, rate.note)))
    # The spread of a few is shown nowhere; a sum over bands still needs it.
    error = rate.std_error if rate.std_error > 0 else math.nan
    return replace(rate, ci_low=math.nan, ci_high=math.nan, std_error=error, status="boundary", note=note)


def withheld(rate: Rate, why_not: str | None) -> Rate:
    """Return a rate without its numbers where there is a reason against it; what was counted stays."""
    counts = rate.participants, rate.nights, rate.cramps
    return rate if why_not is None else _bare(math.nan, counts, "not_estimable", why_not)


def standardised_rate(rates: Sequence[Rate], weights: Sequence[float], labels: Sequence[str], ci_level: float) -> Rate:
    """Return the directly standardised rate: sum of weight x rate over the bands, variance sum of w2 var(rate).

    Its degrees of freedom are those of Welch and Satterthwaite over the bands, its limits those of an incidence rate.
    An empty band makes it ``not_estimable``; its weight is never given to the others. With a band whose participants
    have no spread, or are one alone, the variance is unknown and there is no interval.
    """
    people, time, total = (sum(getattr(r, n) for r in rates) for n in ("participants", "nights", "cramps"))
    counts = people, time, total
    if empty := [label for label, rate in zip(labels, rates, strict=True) if rate.status == "not_estimable"]:
        return _bare(math.nan, counts, "not_estimable", f"no rate in the band {empty[0]}")
    if not total:
        return _bare(0.0, counts, "boundary", NO_CRAMP)
    estimate = sum(w * r.estimate for w, r in zip(weights, rates, strict=True))
    if alike := [label for label, r in zip(labels, rates, strict=True) if r.cramps and math.isnan(r.std_error)]:
        return _bare(estimate, counts, "boundary", f"no spread in the band {alike[0]}, so no interval")
    # A band without a cramp adds nothing to the sum or to its variance.
    known = [(w, rate) for w, rate in zip(weights, rates, strict=True) if rate.cramps]
    variances = [(w * rate.estimate * rate.std_error) ** 2 for w, rate in known]
    df = sum_df(variances, [rate.df for _, rate in known])
    notes = ["a band without a cramp adds no variance"] if any(not r.cramps for r in rates) else []
    return _of_weeks(estimate, math.sqrt(sum(variances)) / estimate, df, counts, notes, ci_level)


def rates(
    cohort: Cohort,
    by: str,
    bands: AgeBands,
    *,
    standard: Standard | Literal["none"],
    where: str | None,
    ci_level: float,
) -> tuple[list[Row], Account]:
    """Return incidence rates, crude and as mean of person rates, by the levels of ``by`` and over all.

    With ``by="age_band"`` the summary rows (from the first limit, 50 and 60 on) and the age-standardised
    rate follow. Participants without a value of ``by`` are counted in the note and stand in the row ``all`` alone.

    Args:
        cohort: a diary.
        by: ``age_band``, or a level or yes/no variable of the participants.
        bands: age bands behind ``age_band``.
        standard: standard population, or ``none``.
        where: condition that names a part of the nights.
        ci_level: confidence level.

    Raises:
        UsageError: ``by`` is not a level or yes/no variable of the cohort.
    """
    check_condition(where, "cramps")
    observed = person_nights(cohort, bands)
    part = subpopulation.select(observed, where)
    nights = observed.filter(part.inside)
    left_out = ((UNDECIDED, part.undecided), (OUTSIDE, observed.height - part.undecided - nights.height))
    account = night_account(cohort, observed.height, left_out)
    groups = _groups(nights, by, bands)
    why_not = denominator(cohort).why_not
    sums = (
        nights.group_by("participant_id")
        .agg(pl.col("cramps").sum(), pl.len().cast(pl.Int64).alias("nights"), pl.col(by, "age_years").first())
        .sort("participant_id")
    )
    without = sums[by].null_count()
    value = "an age" if by == "age_band" else f"a value of {by}"
    remarks = list(account.remarks())
    if without and without < sums.height:
        remarks.append(f"{counted(without, 'participants')} without {value}, in the row of all participants alone")
    base: Row = {
        "cohort": cohort.name,
        "outcome": "cramps",
        "term": by,
        "scale": "rate",
        "unit": UNIT,
        "ci_level": ci_level,
        "estimand": "incidence rate in the observed person-time",
        "note": "; ".join(remarks) or None,
    }
    made: list[Row] = []
    found: dict[str, Rate] = {}
    for label, members in groups.items():
        inside = sums.filter(members)
        counts = inside["cramps"].to_numpy(), inside["nights"].to_numpy()
        both = [incidence_rate(*counts, ci_level), mean_person_rate(*counts, ci_level)]
        if inside.is_empty() and without and without == sums.height:
            both = [replace(rate, note=f"no participant has {value}") for rate in both]
        both = [withheld(rate, why_not) for rate in both]
        found[label] = both[0]
        cells = base | {"population": part_of(label, where), "level": label}
        made += [_row(rate, cells | {"analysis": kind.name}) for rate, kind in zip(both, _KINDS, strict=True)]
    if by == "age_band" and standard != "none":
        made.append(_standardised(found, bands, standard, base, where, ci_level, why_not))
    return made, account


def _groups(nights: pl.DataFrame, by: str, bands: AgeBands) -> Mapping[str, pl.Expr]:
    if by == "age_band":
        first, *_ = bands.limits
        younger = [bands.labels[0]] if (nights["age_years"] < first).any() else []
        single = {label: pl.col(by) == label for label in (*younger, *bands.labels[1:])}
        # The summary rows overlap with the bands and with each other; they are never added up.
        ages = sorted({first, *SUMMARY_AGES})
        summaries = {f"{age}+": pl.col("age_years") >= age for age in ages if f"{age}+" not in single}
        everybody = {ALL: pl.lit(value=True)} if nights["age_years"].null_count() else {}
        return single | summaries | everybody
    check_group(by, nights)
    if by not in nights.columns or nights[by].dtype not in (pl.Boolean, pl.String):
        raise UsageError(f"rates are given by age_band or a level or yes/no variable of the participants, not {by!r}")
    if nights.height and nights.group_by("participant_id").agg(pl.col(by).n_unique())[by].to_numpy().max() > 1:
        raise UsageError(f"{by} changes from night to night; rates are given by what a participant is")
    check_apart([by], "cramps", "groups")
    levels = sorted(str(level).lower() for level in nights[by].drop_nulls().unique())
    if nights.height and not levels:
        # That nobody has a value is said of the levels that there could have been.
        known = codebook.find(by)
        levels = list(known.levels) if known and known.levels else ["false", "true"]
    return {level: pl.col(by).cast(pl.String) == level for level in levels} | {ALL: pl.lit(value=True)}


def _standardised(
    found: Mapping[str, Rate],
    bands: AgeBands,
    standard: Standard,
    base: Row,
    where: str | None,
    ci_level: float,
    why_not: str | None,
) -> Row:
    label = f"{bands.limits[0]}+"
    cells = base | {
        "population": part_of(label, where),
        "level": label,
        "analysis": kinds.STANDARDISED_RATE.name,
        "reference": STANDARDS.get(standard),
        "estimand": "incidence rate at the ages of the standard population",
    }
    try:
        weights = bands.standard_weights(standard)
    except BandError as error:
        if standard not in STANDARDS:
            raise
        return estimates.row(status="not_estimable", **cells | {"note": str(error)})
    labels = bands.labels[1:]
    rate = standardised_rate([found[name] for name in labels], weights, labels, ci_level)
    unaged = {found[name].note for name in labels} if rate.status == "not_estimable" else set()
    # Without any age it is not this band or that which is empty.
    rate = replace(rate, note=unaged.pop()) if unaged == {NO_AGE} else rate
    return _row(withheld(rate, why_not), cells)


def _row(rate: Rate, cells: Row) -> Row:
    # What was left out is no reason why there is nothing to show.
    covers = None if math.isnan(rate.ci_high) or not rate.cramps else coverage_note(rate.participants)
    parts = (rate.note, covers, cells["note"] if rate.status != "not_estimable" else None)
    return estimates.row(
        status=rate.status,
        estimate=rate.estimate,
        ci_low=rate.ci_low,
        ci_high=rate.ci_high,
        std_error=None if math.isnan(rate.ci_high) else rate.std_error,
        df=rate.df,
        n_participants=rate.participants,
        n_nights=rate.nights,
        n_events=rate.cramps,
        n_groups=rate.participants,
        **cells | {"note": "; ".join(filter(None, parts)) or None},
    )
