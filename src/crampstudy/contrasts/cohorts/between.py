"""Ratios and differences of rates or prevalences: between cohorts by group, and between groups of one cohort."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.contrasts.cohorts.measures import NOBODY_HAS, GroupMeasures
from crampstudy.descriptive.incidence import LONE
from crampstudy.descriptive.rate_intervals import sum_df
from crampstudy.estimates.verdicts import FEWEST_EXPOSED, MARGINS, Margins, verdict
from crampstudy.models.inference.covariance import p_value, quantile

Row = dict[str, Any]


_ALONE = {"rate": LONE, "prevalence": estimates.ALONE}
"""Why a group in which one of several participants alone has cramps, or cramps as often, is compared with nothing."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two numbers that are compared: its ``variance`` and degrees of freedom ``df`` are on its own scale."""

    label: str
    estimate: float
    variance: float
    df: float
    participants: int
    nights: int | None
    events: int
    why_not: str = ""


def side(of: GroupMeasures, label: str) -> Side:
    """Return the number of a group; its own label is the name of its cohort."""
    place = of.place(label)
    if place is None:
        return Side(of.cohort, math.nan, math.nan, math.nan, 0, None, 0, "nobody is in this group")
    return Side(
        of.cohort,
        float(of.estimate[place]),
        float(of.covariance[place, place]),
        float(of.df[place]),
        int(of.participants[place]),
        None if of.nights is None else int(of.nights[place]),
        int(of.events[place]),
        of.why_not[place] or (_ALONE[of.scale] if of.alone and of.alone[place] else ""),
    )


def standardised(of: GroupMeasures, weights: Array, label: str) -> Side:
    """Return the number of a cohort at given ``weights`` of its age bands (k), with their joint covariance.

    An empty band has no number to weight, and its weight is never given to the others; one without a weight needs
    none.

    Source: Welch 1947 and Satterthwaite 1946 (degrees of freedom over the bands of a diary).
    """
    weighed = [(place, weight) for place, weight in zip(of.standard, weights, strict=True) if weight]
    places, weights = [place for place, _ in weighed], np.array([weight for _, weight in weighed])
    counted = [of.participants[places], of.events[places]]
    sums = [int(each.sum()) for each in counted]
    nights = None if of.nights is None else int(of.nights[places].sum())
    lost = [of.labels[i] for i in places if np.isnan(of.estimate[i])]
    spreadless = [of.labels[i] for i in places if of.why_not[i] and of.events[i] and not lost]
    # What is so of everybody is not said of the groups.
    why_not = of.why_not[-1] or (_lacking(of, places, lost) if lost else "")
    if not why_not and spreadless:
        why_not = f"{of.why_not[of.labels.index(spreadless[0])]} in the group {spreadless[0]}"
    if not why_not and not sums[1]:
        why_not = "no cramp"
    if why_not:
        return Side(label, math.nan, math.nan, math.nan, sums[0], nights, sums[1], why_not)
    estimate = float(weights @ of.estimate[places])
    block = np.nan_to_num(of.covariance[np.ix_(places, places)])
    variance = float(weights @ block @ weights)
    if of.scale == "rate":
        known = [i for i, place in enumerate(places) if of.events[place]]
        parts = [float(weights[i] ** 2 * block[i, i]) for i in known]
        df = sum_df(parts, [float(of.df[places[i]]) for i in known])
    else:
        df = float(of.df[-1])
    return Side(label, estimate, variance, df, sums[0], nights, sums[1])


def _lacking(of: GroupMeasures, places: Sequence[int], lost: Sequence[str]) -> str:
    """Return what there is not where the groups ``lost``, of those at ``places``, have no number.

    Where nobody is of them, and they are the youngest or the oldest, that is said of the people and not of the bands.
    """
    labels = [of.labels[place] for place in places]
    nobody = not any(of.participants[of.labels.index(label)] for label in lost)
    limits = [re.match(r"\d+", label) for label in labels]
    if nobody and all(limits) and len(lost) < len(labels):
        lows = [found[0] for found in limits if found]
        if labels[: len(lost)] == [*lost]:
            return f"nobody is younger than {lows[len(lost)]} years"
        if labels[-len(lost) :] == [*lost]:
            return f"nobody is {lows[-len(lost)]} years or older"
    return f"no number in the group{'s' if len(lost) > 1 else ''} {wording.listed(lost)}"


def rows_of(
    one: Side, other: Side, cells: Row, *, covariance: float = 0.0, df: float | None = None, margins: Margins = MARGINS
) -> list[Row]:
    """Return the rows of the ratio and of the difference of ``one`` against ``other``.

    The ratio's interval is made on the log scale, that of the difference on its own, both with t and the degrees of
    freedom of Welch and Satterthwaite from those of the two, unless ``df`` are given.

    Args:
        one: the number that is compared.
        other: what it is compared with.
        cells: what the rows say beside: cohort, analysis, outcome, level, reference, ci_level, scale and unit.
        covariance: of the two numbers; 0 of two cohorts.
        df: degrees of freedom of both, as of one survey.
        margins: between these a ratio is as good as 1.
    """
    counts = {
        "n_participants": one.participants + other.participants,
        "n_events": one.events + other.events,
        "n_exposed": one.participants,
    }
    if one.nights is not None and other.nights is not None:
        counts["n_nights"] = one.nights + other.nights
    made, unit = cells | counts, str(cells["unit"])
    ratio = made | {"scale": f"{cells['scale']}_ratio", "unit": "ratio of the two"}
    difference = made | {"scale": "difference", "unit": unit}
    if reason := one.why_not or other.why_not:
        lacking = [each for each in (one, other) if each.why_not]
        alike = len(lacking) == 2 and one.why_not == other.why_not
        said = reason if alike else estimates.note(*(f"{each.why_not} ({each.label})" for each in lacking))
        # Whose age or sex nobody was asked for, they are not too few.
        asked = not any(each.why_not.startswith(NOBODY_HAS) for each in lacking)
        lone = {one.why_not, other.why_not} & {*_ALONE.values()}
        fewest = 1 if lone else min(one.participants, other.participants)
        few = {"verdict": "too few"} if asked and fewest < FEWEST_EXPOSED else {}
        cells = {"note": said}
        return [
            estimates.row(status="not_estimable", **ratio | cells) | few,
            estimates.row(status="not_estimable", **difference | cells),
        ]
    level = float(cells["ci_level"])
    logs = [one.variance / one.estimate**2, other.variance / other.estimate**2]
    shared = covariance / (one.estimate * other.estimate)
    error = math.sqrt(max(sum(logs) - 2 * shared, 0.0))
    log_df = sum_df(logs, [one.df, other.df]) if df is None else df
    middle = math.log(one.estimate / other.estimate)
    half = quantile(level, log_df) * error
    ratio |= {
        "estimate": math.exp(middle),
        "ci_low": math.exp(middle - half),
        "ci_high": math.exp(middle + half),
        "std_error": error,
        "df": log_df,
        "p_value": p_value(middle / error, log_df) if error else None,
    }
    first = estimates.row(status="converged", **ratio)
    own = [one.variance, other.variance]
    error = math.sqrt(max(sum(own) - 2 * covariance, 0.0))
    own_df = sum_df(own, [one.df, other.df]) if df is None else df
    middle, half = one.estimate - other.estimate, quantile(level, own_df) * error
    difference |= {
        "estimate": middle,
        "ci_low": middle - half,
        "ci_high": middle + half,
        "std_error": error,
        "df": own_df,
        "p_value": p_value(middle / error, own_df) if error else None,
    }
    said = verdict(first, margins)
    # A ratio of a rate of next to nothing says no more than that there was next to nothing.
    if near_none := [each.label for each in (one, other) if 0 < each.events < FEWEST_EXPOSED]:
        said, why = "too few", f"fewer than {FEWEST_EXPOSED} events ({wording.listed(near_none)})"
        first |= {"note": estimates.note(first["note"] or "", why)}
    return [first if said is None else first | {"verdict": said}, estimates.row(status="converged", **difference)]
