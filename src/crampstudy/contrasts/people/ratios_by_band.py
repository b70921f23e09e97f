"""How common cramps are in each age band of a cohort against one of them: crude ratios."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts import between
from crampstudy.contrasts.cohorts.measures import OUTCOMES, GroupMeasures, measures
from crampstudy.estimates import kinds

Row = dict[str, Any]


def ratios_by_band(
    cohort: Cohort, bands: AgeBands, *, reference: str | None = None, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return the ratio of the rate, or of each prevalence, in every age band against the band of reference.

    Bands of a diary are of different people, so that the variances of their rates add; those of a survey share its
    sampling units, and their joint covariance is used with the fewer degrees of freedom of the two. Nothing is
    adjusted, and there is no verdict: these describe.

    Args:
        cohort: a diary or a survey.
        bands: age bands; those younger than the first limit are left out.
        reference: the label of one of them; by default the youngest with enough participants and a cramp. Where the
            reference has no number, no row has, and each says so.
        ci_level: confidence level.

    Raises:
        BandError: the reference is none of the bands, or the bands do not fit the ages of a survey.
        AnalysisError: nobody of a survey has a recalled class.
        UsageError: a survey has no sampling design.
    """
    found = [
        measures(cohort, "age_band", bands, outcome=outcome)
        for outcome in (tuple(OUTCOMES) if cohort.kind == "survey" else ("any",))
    ]
    label = bands.find(reference) if reference else _comparable(found[0], bands)
    return estimates.frame(row for of in found for row in _rows(of, bands, label, ci_level))


def _comparable(of: GroupMeasures, bands: AgeBands) -> str:
    """Return the youngest band that can be compared with others; where none can, the youngest that anybody is of."""
    sides = {label: between.side(of, label) for label in bands.labels[1:]}
    able = [label for label, side in sides.items() if not side.why_not]
    return next(iter([*able, *(label for label, side in sides.items() if side.participants), *sides]))


def _rows(of: GroupMeasures, bands: AgeBands, reference: str, ci_level: float) -> list[Row]:
    cells: Row = {
        "cohort": of.cohort,
        "analysis": kinds.BETWEEN_BANDS.name,
        "estimand": "crude, by age band",
        "outcome": of.outcome,
        "term": "age_band",
        "reference": reference,
        "scale": of.scale,
        "unit": of.unit,
        "ci_level": ci_level,
    }
    other = _named(of, reference)
    made: list[Row] = []
    for label in bands.labels[1:]:
        if label == reference:
            continue
        one, own = _named(of, label), cells | {"population": label, "level": label}
        places = of.place(label), of.place(reference)
        shared: dict[str, Any] = {}
        if of.scale == "prevalence" and None not in places:
            shared = {"covariance": float(of.covariance[places]), "df": min(one.df, other.df)}
        rows = between.rows_of(one, other, own, **shared)
        lacks = {"note": one.why_not} if one.why_not else {}
        # What is so of both is no matter of the reference.
        if other.why_not and other.why_not != one.why_not:
            lacks = {"note": f"no ratio, as the reference {reference} allows none: {other.why_not}"}
        made += [row | {"verdict": None} | lacks for row in rows if str(row["scale"]).endswith("_ratio")]
    return made


def _named(of: GroupMeasures, label: str) -> between.Side:
    """Return the number of a band, called by its label."""
    return replace(between.side(of, label), label=label)
