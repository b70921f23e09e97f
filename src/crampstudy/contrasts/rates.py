"""Incidence rates of a diary cohort: by group, crude and age-standardised, with cluster-robust intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import stats

from crampstudy import domain, estimates
from crampstudy.bands import STANDARDS, AgeBands, Standard
from crampstudy.cohort import Cohort
from crampstudy.errors import BandError, UsageError
from crampstudy.models.covariance import degrees_of_freedom, quantile
from crampstudy.models.levels import check_group
from crampstudy.models.outcomes import check_apart
from crampstudy.nights import NIGHTS_PER_WEEK, person_nights

FEW_PARTICIPANTS = 10
SUMMARY_AGES = (50, 60)
UNIT = "cramps per person-week"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rate:
    """An incidence rate in cramps per person-week with its standard error on the log scale."""

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

    The interval stands on the log scale with the participants as clusters and the factor G/(G-1); t with
    G-1 degrees of freedom below 50 participants. Without any cramp the upper limit is the exact Poisson
    one, with status ``boundary``.

    Source: Liang and Zeger 1986; Garwood 1936 (exact limit).
    """
    observed = nights > 0
    cramps, nights = cramps[observed], nights[observed]
    clusters, total, time = len(nights), int(cramps.sum()), int(nights.sum())
    notes = [f"fewer than {FEW_PARTICIPANTS} participants"] if clusters < FEW_PARTICIPANTS else []
    nan = float("nan")
    if not clusters:
        return Rate(nan, nan, nan, nan, nan, 0, 0, 0, "not_estimable", "no observed night")
    if not total:
        upper = float(stats.chi2.ppf(0.5 + ci_level / 2, 2) / 2 / time * NIGHTS_PER_WEEK)
        notes.insert(0, "no cramp; exact Poisson upper limit, nights taken as independent")
        return Rate(0.0, 0.0, upper, nan, nan, clusters, time, 0, "boundary", "; ".join(notes))
    if clusters < 2:
        return Rate(nan, nan, nan, nan, nan, clusters, time, total, "not_estimable", "one participant has no spread")
    rate = total / time
    variance = clusters / (clusters - 1) * np.sum((cramps - rate * nights) ** 2) / total**2
    df = degrees_of_freedom(clusters)
    error, spread = float(np.sqrt(variance)), np.exp(quantile(ci_level, df) * np.sqrt(variance))
    weekly = rate * NIGHTS_PER_WEEK
    return Rate(
        weekly,
        weekly / spread,
        weekly * spread,
        error,
        df,
        clusters,
        time,
        total,
        "converged",
        "; ".join(notes) or None,
    )


def mean_person_rate(cramps: NDArray[np.int64], nights: NDArray[np.int64], ci_level: float) -> Rate:
    """Return the mean over participants of their own rates.

    It parts from the incidence rate when how much is logged goes with how often cramps come. The interval
    stands on the log scale by the delta method.
    """
    observed = nights > 0
    cramps, nights = cramps[observed], nights[observed]
    clusters, time, total = len(nights), int(nights.sum()), int(cramps.sum())
    nan = float("nan")
    if clusters < 2 or not total:
        reason = "no cramp" if clusters >= 2 else "fewer than two participants with an observed night"
        return Rate(nan, nan, nan, nan, nan, clusters, time, total, "not_estimable", reason)
    rates = cramps / nights * NIGHTS_PER_WEEK
    mean = float(rates.mean())
    error = float(rates.std(ddof=1) / np.sqrt(clusters) / mean)
    df = degrees_of_freedom(clusters)
    spread = np.exp(quantile(ci_level, df) * error)
    return Rate(mean, mean / spread, mean * spread, error, df, clusters, time, total, "converged", None)


def standardised_rate(rates: Sequence[Rate], weights: Sequence[float], labels: Sequence[str], ci_level: float) -> Rate:
    """Return the directly standardised rate: sum of weight x rate over the bands, variance sum of w2 var(rate).

    An empty band makes it ``not_estimable``; its weight is never given to the others.
    """
    people, time, total = (sum(getattr(r, n) for r in rates) for n in ("participants", "nights", "cramps"))
    nan = float("nan")
    empty = [label for label, rate in zip(labels, rates, strict=True) if rate.status == "not_estimable"]
    if empty or not total:
        reason = f"no rate in the band {empty[0]}" if empty else "no cramp"
        return Rate(nan, nan, nan, nan, nan, people, time, total, "not_estimable", reason)
    estimate = sum(w * r.estimate for w, r in zip(weights, rates, strict=True))
    # A band without a cramp adds nothing to the sum or to its variance.
    variance = sum((w * r.estimate * r.std_error) ** 2 for w, r in zip(weights, rates, strict=True) if r.cramps)
    error = float(np.sqrt(variance) / estimate)
    df = degrees_of_freedom(people)
    spread = float(np.exp(quantile(ci_level, df) * error))
    note = "a band without a cramp adds no variance" if any(not r.cramps for r in rates) else None
    return Rate(estimate, estimate / spread, estimate * spread, error, df, people, time, total, "converged", note)


def rates(
    cohort: Cohort,
    by: str,
    bands: AgeBands,
    *,
    standard: Standard | Literal["none"],
    where: str | None,
    ci_level: float,
) -> list[Row]:
    """Return incidence rates, crude and as mean of person rates, by the levels of ``by`` and over all.

    With ``by="age_band"`` the summary rows (from the first limit, 50 and 60 on) and the age-standardised
    rate follow.

    Raises:
        UsageError: ``by`` is not a level or yes/no variable of the cohort.
    """
    nights = person_nights(cohort, bands)
    part = domain.select(nights, where)
    nights = nights.filter(part.inside)
    undecided = f"{part.undecided:,} nights left out, the condition could not be decided" if part.undecided else None
    groups = _groups(nights, by, bands)
    sums = (
        nights.group_by("participant_id")
        .agg(pl.col("cramps").sum(), pl.len().cast(pl.Int64).alias("nights"), pl.col(by, "age_years").first())
        .sort("participant_id")
    )
    base: Row = {
        "cohort": cohort.name,
        "outcome": "cramps",
        "term": by,
        "scale": "rate",
        "unit": UNIT,
        "ci_level": ci_level,
        "estimand": "incidence rate in the observed person-time",
        "note": undecided,
    }
    made: list[Row] = []
    found: dict[str, Rate] = {}
    for label, members in groups.items():
        inside = sums.filter(members)
        counts = inside["cramps"].to_numpy(), inside["nights"].to_numpy()
        found[label] = incidence_rate(*counts, ci_level)
        cells = base | {"population": _population(label, where), "level": label}
        made.append(_row(found[label], cells | {"analysis": "incidence rate"}))
        made.append(_row(mean_person_rate(*counts, ci_level), cells | {"analysis": "mean of person rates"}))
    if by == "age_band" and standard != "none":
        made.append(_standardised(found, bands, standard, base, where, ci_level))
    return made


def _groups(nights: pl.DataFrame, by: str, bands: AgeBands) -> Mapping[str, pl.Expr]:
    if by == "age_band":
        first, *_ = bands.limits
        younger = [bands.labels[0]] if (nights["age_years"] < first).any() else []
        single = {label: pl.col(by) == label for label in (*younger, *bands.labels[1:])}
        # The summary rows overlap with the bands and with each other; they are never added up.
        ages = sorted({first, *SUMMARY_AGES})
        return single | {f"{age}+": pl.col("age_years") >= age for age in ages if f"{age}+" not in single}
    check_group(by, nights)
    if by not in nights.columns or nights[by].dtype not in (pl.Boolean, pl.String):
        raise UsageError(f"rates are given by age_band or a level or yes/no variable of the participants, not {by!r}")
    if nights.height and nights.group_by("participant_id").agg(pl.col(by).n_unique())[by].to_numpy().max() > 1:
        raise UsageError(f"{by} changes from night to night; rates are given by what a participant is")
    check_apart([by], "cramps", "groups")
    levels = sorted(str(level).lower() for level in nights[by].drop_nulls().unique())
    return {level: pl.col(by).cast(pl.String) == level for level in levels} | {"all": pl.lit(value=True)}


def _population(label: str, where: str | None) -> str:
    return f"{label}, {where}" if where else label


def _standardised(
    found: Mapping[str, Rate], bands: AgeBands, standard: Standard, base: Row, where: str | None, ci_level: float
) -> Row:
    label = f"{bands.limits[0]}+"
    cells = base | {
        "population": _population(label, where),
        "level": label,
        "analysis": "age-standardised incidence rate",
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
    return _row(rate, cells)


def _row(rate: Rate, cells: Row) -> Row:
    return estimates.row(
        status=rate.status,
        estimate=rate.estimate,
        ci_low=rate.ci_low,
        ci_high=rate.ci_high,
        std_error=rate.std_error,
        df=rate.df,
        n_participants=rate.participants,
        n_nights=rate.nights,
        n_events=rate.cramps,
        n_groups=rate.participants,
        **cells | {"note": "; ".join(filter(None, (rate.note, cells["note"]))) or None},
    )
