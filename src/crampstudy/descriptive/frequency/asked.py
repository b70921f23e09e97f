"""Who ever had a cramp, where that was asked, and how often those asked in a survey recall one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates
from crampstudy.age_bands import AgeBands
from crampstudy.codebook.recalled import LABELS
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.diary import EXACT, members, whole_group
from crampstudy.descriptive.prevalence import prevalence
from crampstudy.descriptive.rates import said_of_nobody
from crampstudy.estimates import ALONE, kinds, note
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.surveys.domain_means import boundary_interval, domain_means, logit_interval, lonely_note
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.nights import people

EVER = "ever a cramp"
"""The level of the rows of a cramp at least once in the lifetime."""
LOGGED_ONE, RECALLED_ONE = "logged a cramp", "recalled a cramp in the last 30 nights"
"""The levels of the row of those who never had a cramp and have one all the same."""
MONTHLY = "at least one in 30 nights"
_RECALLED = {
    MONTHLY: ("any", 1),
    "at least one a week": ("moderate-severe", 5),
    "near-nightly": ("4", 16),
}
"""Of a frequency the group of recalled classes that says it, and the fewest cramps in 30 nights of these."""

Row = dict[str, Any]


def ever(cohort: Cohort, bands: AgeBands | None = None, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the share of people who ever had a cramp, by age group, of those who were asked.

    Of a diary every participant counts once, of a survey by its design and the weight of the interview. Intervals are
    logit t. Where nobody was asked there is one row that says so.
    """
    bands = bands or AgeBands()
    frame = people(cohort, bands)
    base: Row = {
        "cohort": cohort.name,
        "analysis": kinds.OFTEN.name,
        "outcome": "ever_cramp",
        "model": "person-mean" if cohort.design is None else "survey-mean",
        "term": "age_band",
        "level": EVER,
        "scale": "prevalence",
        "unit": "proportion",
        "ci_level": ci_level,
        "estimand": "share of people who recall at least one cramp in their lifetime",
    }
    if not cohort.has("ever_cramp"):
        cells = base | {"term": "ever_cramp", "population": whole_group(frame, bands), "note": "nobody was asked"}
        return estimates.frame([estimates.row(status="not_measured", **cells)])
    asked, answer = frame["ever_cramp"].is_not_null().to_numpy(), frame["ever_cramp"].cast(pl.Float64).to_numpy()
    if cohort.design is None:
        each = np.arange(frame.height)
        design, weighted = SamplingDesign(each, np.zeros(len(each), dtype=np.intp), np.ones(len(each))), ""
    else:
        column = recalled_outcomes.weight_for(cohort.design, ("age_years", "ever_cramp"))
        design = SamplingDesign.of(frame[cohort.design.stratum], frame[cohort.design.psu], frame[column])
        weighted = f"weight {column}"
    groups = members(frame, bands)
    inside = np.column_stack([asked & own for own in groups.values()])
    means = domain_means(np.where(asked, answer, 0.0), inside, design)
    made = []
    for i, label in enumerate(groups):
        n, df, value = int(means.n[i]), int(means.df[i]), float(means.estimate[i])
        hits = int((inside[:, i] & (answer == 1) & (design.weight > 0)).sum())
        cells = base | {"population": label, "n_participants": n, "n_groups": int(means.psus[i]), "n_events": hits}
        said = note(weighted, lonely_note(int(means.lonely[i])) if cohort.design is not None else "") or ""
        if n < 2:
            reason = ALONE if n else "nobody answered"
            made.append(estimates.row(status="not_estimable", **cells, note=note(reason, said)))
            continue
        cells |= {"estimate": value, "df": float(df)}
        if df < 1:
            made.append(estimates.row(status="boundary", **cells, note=note("no more PSUs than strata", said)))
        elif hits in (0, n):
            low, high = boundary_interval(round(value), n, float(means.n_effective[i]), df, ci_level)
            how = note(EXACT if n >= estimates.FEWEST else "", said)
            made.append(estimates.row(status="boundary", **cells, ci_low=low, ci_high=high, note=how))
        else:
            error = float(means.std_error[i])
            low, high = logit_interval(value, error, df, ci_level)
            limits = {"ci_low": low, "ci_high": high, "std_error": error}
            made.append(estimates.row(status="converged", **cells, **limits, note=said or None))
    return estimates.frame(said_of_nobody(made, cohort, bands))


def never_yet_told(cohort: Cohort, bands: AgeBands | None = None, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return how many of those who answered that they never had a cramp logged one, or recall one of 30 nights.

    They are those of the whole group of :func:`ever`. Where nobody answered that there is no row.
    """
    bands = bands or AgeBands()
    frame = people(cohort, bands)
    if not cohort.has("ever_cramp"):
        return estimates.frame([])
    label = whole_group(frame, bands)
    inside = pl.Series(members(frame, bands)[label]) & (frame["ever_cramp"] == False).fill_null(value=False)  # noqa: E712
    never = frame.filter(inside)
    if never.is_empty():
        return estimates.frame([])
    if cohort.kind == "survey":
        has, how = pl.col("recalled_low") > 0 if cohort.has("recalled_low") else pl.lit(value=False), RECALLED_ONE
    else:
        cramps = cohort.frame("diary").filter(pl.col("cramps") > 0)["participant_id"].unique()
        has, how = pl.col("participant_id").cast(pl.String).is_in(cramps.cast(pl.String).to_list()), LOGGED_ONE
    told = int(never.select(has.fill_null(value=False).sum()).item())
    return estimates.frame(
        [
            estimates.row(
                status="converged",
                cohort=cohort.name,
                analysis=kinds.NEVER.name,
                outcome="ever_cramp",
                term="ever_cramp",
                population=label,
                level=how,
                scale="proportion",
                unit="proportion",
                estimand="share of those who answered that they never had a cramp",
                estimate=told / never.height,
                ci_level=ci_level,
                n_participants=never.height,
                n_events=told,
            )
        ]
    )


def recalled_frequency(cohort: Cohort, bands: AgeBands | None = None, *, ci_level: float = 0.95) -> pd.DataFrame:
    """Return the design-based share of people in each recalled class by age group, and what these say of frequencies.

    At least one a week are 5 or more cramps in 30 nights, near-nightly 16 or more, the highest class that is asked.
    """
    rows = estimates.frame(prevalence(cohort, bands, standard="none", ci_level=ci_level))
    return estimates.frame([*_classes(rows), *_frequencies(rows)])


def _classes(rows: pd.DataFrame) -> Iterator[Row]:
    for place, label in enumerate(LABELS):
        yield from _renamed(rows[rows["level"] == str(place)], kinds.RECALLED, label, f"{label} cramps in 30 nights")


def _frequencies(rows: pd.DataFrame) -> Iterator[Row]:
    for level, (group, fewest) in _RECALLED.items():
        said = f"{fewest} or more cramps in 30 nights"
        yield from _renamed(rows[rows["level"] == group], kinds.OFTEN, level, said)


def _renamed(rows: pd.DataFrame, kind: kinds.Kind, level: str, said: str) -> Iterator[Row]:
    """Yield rows of a group of recalled classes as those of another kind, under its names."""
    for row in rows.to_dict("records"):
        cells = {
            str(name): None if pd.isna(cell) else cell for name, cell in row.items() if name not in ("key", "status")
        }
        cells |= {"analysis": kind.name, "level": level, "estimand": f"share of people who recall {said}, by design"}
        yield estimates.row(status=row["status"], **cells)
