"""Tidy rows of groups: how many there are, what each number that was tried came to, and what each group is like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.confidence import check_level
from crampstudy.estimates import kinds
from crampstudy.phenotypes.groups import Grouping, Tried, grouping_of
from crampstudy.phenotypes.traits import DISPERSION, DURATION, FREQUENCY, PAIN, SITE, TIMING, TRAITS, traits_of

NONE = "no clear groups"
GAIN_LEVEL, VALLEY_LEVEL, AGAIN_LEVEL = "gain in BIC", "gap", "agreement in resamples"
_NOON_H, _DAY_H = 12, 24
_SCALES: dict[str, tuple[str, str | None]] = {
    FREQUENCY: ("mean", "cramps per week"),
    DISPERSION: ("mean", "variance over mean"),
    DURATION: ("median", "s"),
    PAIN: ("mean", "points"),
    SITE: ("proportion", None),
    TIMING: ("clock_hour", "hour of the clock"),
}
_MOST_HOURS = 6.0
"""Limits further apart say of an hour no more than that it is not known."""
Row = dict[str, Any]


def phenotype_rows(cohort: Cohort, ci_level: float = 0.95, found: Grouping | None = None) -> pd.DataFrame:
    """Return whether the participants of a diary form groups by what their cramps are like, and what each is like.

    Args:
        cohort: a diary.
        ci_level: confidence level of the intervals, percentiles over resampled participants.
        found: the groups, where they were looked for before.

    Raises:
        AnalysisError: there are too few participants, or too little is known of their cramps.
        UsageError: the cohort is a survey, which has no nights.
    """
    check_level(ci_level)
    found = grouping_of(traits_of(cohort)) if found is None else found
    table = found.table
    shared = {"cohort": cohort.name, "population": "all", "outcome": "cramps", "ci_level": ci_level}
    people = {
        "n_participants": len(table.ids),
        "n_nights": int(table.nights.sum()),
        "n_events": int(table.cramps.sum()),
    }
    return estimates.frame([*_numbers(found, shared | people), *_groups(found, shared)])


def left_out(found: Grouping) -> str:
    """Return whom no group was looked for, in words; empty where it was looked for everybody."""
    reasons = {"without a cramp": found.table.without_cramp, "with few logged nights": found.table.few_nights}
    some = [(why, n) for why, n in reasons.items() if n]
    if not some:
        return ""
    (first, n), *rest = some
    named = [f"{wording.counted(n, 'participants')} {first}", *(f"{m} {why}" for why, m in rest)]
    return f"{wording.listed(named)} {'is' if sum(reasons.values()) == 1 else 'are'} in none"


def natural(trait: str, values: Array) -> Array:
    """Return values of a trait as they are told, from the scale of :class:`TraitTable`."""
    match trait:
        case "frequency":
            return np.maximum(values, 0) ** 2
        case "dispersion" | "duration":
            return np.exp(values)
        case "site":
            return np.sin(np.clip(values, 0, np.pi / 2)) ** 2
        case "timing":
            return np.asarray((values + _NOON_H) % _DAY_H)
    return values


def _numbers(found: Grouping, base: Row) -> Iterator[Row]:
    number = 1 if found.chosen is None else len(found.chosen.mixture.shares)
    cells = base | {"analysis": kinds.CLEAR_GROUPS.name, "scale": "count", "term": "clear groups"}
    lost = left_out(found)
    said = estimates.note("" if number > 1 else NONE, lost)
    yield estimates.row(status="converged", estimate=float(number), facts={"said": lost or None}, note=said, **cells)
    base |= {"analysis": kinds.GROUPS_TRIED.name, "scale": "score"}
    for each in found.tried[1:]:
        own = base | {"term": f"{len(each.mixture.shares)} groups"}
        read_as = {"facts": {"said": each.verdict}, "note": each.verdict}
        yield estimates.row(status="converged", level=GAIN_LEVEL, estimate=each.gain, **own | read_as)
        yield estimates.row(status="converged", level=VALLEY_LEVEL, estimate=each.valley, **own)
        if each.again is not None:
            yield _agreement(each, own)


def _agreement(each: Tried, own: Row) -> Row:
    assert each.again is not None
    low, high = _limits(each.again.agreement, own["ci_level"])
    cells = own | {"level": AGAIN_LEVEL, "estimate": float(each.again.agreement.mean())}
    if low == high:
        return estimates.row(status="converged", **cells)
    return estimates.row(status="converged", ci_low=low, ci_high=high, **cells)


def _groups(found: Grouping, base: Row) -> Iterator[Row]:
    """Yield the share of people in each group, its mean of each trait, and how far that is from the mean of all."""
    chosen = found.chosen
    if chosen is None:
        return
    assert chosen.again is not None
    one, fit, again = found.tried[0].mixture, chosen.mixture, chosen.again
    group = fit.member.argmax(axis=1)
    names = [TRAITS[i] for i in found.traits]
    for g in range(len(fit.shares)):
        inside = group == g
        people = {
            "n_participants": int(inside.sum()),
            "n_nights": int(found.table.nights[inside].sum()),
            "n_events": int(found.table.cramps[inside].sum()),
        }
        own = base | people | {"term": f"group {g + 1}"}
        low, high = _limits(again.shares[:, g], base["ci_level"])
        cells = own | {"analysis": kinds.GROUP_SHARE.name, "scale": "proportion"}
        yield estimates.row(status="converged", estimate=float(fit.shares[g]), ci_low=low, ci_high=high, **cells)
        for place, trait in enumerate(names):
            mean, resampled = fit.means[g, place], again.means[:, g, place]
            yield _profile(trait, mean, resampled, own)
            apart = (mean - one.means[0, place]) / np.sqrt(one.spreads[place])
            cells = own | {"analysis": kinds.GROUP_STANDING.name, "level": trait, "scale": "difference"}
            cells |= {"unit": "SD between people"}
            yield estimates.row(status="converged", estimate=float(apart), **cells)


def _profile(trait: str, mean: float, resampled: Array, own: Row) -> Row:
    scale, unit = _SCALES[trait]
    cells = own | {"analysis": kinds.GROUP_PROFILE.name, "level": trait, "scale": scale, "unit": unit}
    low, high = _limits(resampled, own["ci_level"])
    if trait == TIMING and high - low > _MOST_HOURS:
        low = high = float("nan")
    at, below, above = natural(trait, np.array([mean, low, high]))
    return estimates.row(status="converged", estimate=float(at), ci_low=float(below), ci_high=float(above), **cells)


def _limits(values: Array, ci_level: float) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - ci_level) / 2, (1 + ci_level) / 2])
    return float(low), float(high)
