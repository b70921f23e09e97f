"""The scores of a cramp night, and sleep and cramps in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import at_contrasts, kinds
from crampstudy.estimates.facts import of_rows
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows

_WITHIN = {
    kinds.CRAMP_NIGHT: "Cramp night against others (95% CI)",
    kinds.CRAMP_NIGHT_ADJUSTED: "Adjusted (95% CI)",
}

_RECALLED = {"moderate_severe_vs_none": "Moderate-severe", "any_cramp": "Any"}
"""The outcomes of a survey, both against no cramp, at the head of a column."""


@table_of_rows
def cramp_night(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return by how much each score differs on cramp nights, plain and adjusted, then between participants.

    Where every one between participants is beyond all that was observed, there is no such column.
    """
    first = kinds.CRAMP_NIGHT.rows(estimates)
    outcomes = list(dict.fromkeys(estimates["outcome"]))
    columns: dict[str, dict[str, str]] = {}
    for kind, heading in _WITHIN.items():
        rows = kind.rows(estimates)
        rows = rows[rows["level"] == "within"]
        if len(rows):
            columns[with_level(heading, rows)] = {str(row["outcome"]): estimate(row) for row in wording.records(rows)}
    between = first[first["level"] == "between"]
    if len(between) and of_rows(between, "beyond").eq("").any():
        columns[with_level("Between participants (95% CI)", between)] = {
            str(row["outcome"]): estimate(row) for row in wording.records(between)
        }
    judged = wording.records(first[(first["level"] == "within") & first["verdict"].notna()])
    columns["Verdict"] = {str(row["outcome"]): str(row["verdict"]) for row in judged}
    made = pd.DataFrame({name: [cells.get(o, wording.DASH) for o in outcomes] for name, cells in columns.items()})
    made.index = pd.Index([wording.term(outcome, heading=True) for outcome in outcomes], name="Score")
    return made


@table_of_rows
def both_directions(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return by how many standard deviations scores were worse on cramp nights, and sleep on nights before cramps."""
    rows = kinds.BOTH_DIRECTIONS.rows(estimates)
    records = wording.records(rows)
    made = pd.DataFrame(
        {
            with_level("SDs within participants, worse (95% CI)", rows): [estimate(row) for row in records],
            "Participants": [wording.count_of(row, "n_participants") for row in records],
            "Nights": [wording.count_of(row, "n_nights") for row in records],
        }
    )
    made.index = pd.Index([direction(row) for row in records], name="Direction")
    return made


@table_of_rows
def usual_sleep(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the prevalence ratios of usual sleep and of depression, with the verdict of each outcome beside it.

    A curve is shown at round values against its reference, and judged at its declared contrast.
    """
    rows = at_contrasts(kinds.SLEEP_AND_MOOD.rows(estimates))
    rows = rows[rows["scale"].eq("prevalence_ratio") & ~rows["status"].eq("not_measured")]
    columns: dict[str, dict[str, str]] = {}
    for outcome, own in rows.groupby("outcome", sort=False):
        cells = {_contrast(row): row for row in wording.records(own)}
        head = _RECALLED[str(outcome)]
        columns[with_level(f"{head}: prevalence ratio (95% CI)", own)] = {key: estimate(r) for key, r in cells.items()}
        columns[f"{head}: verdict"] = {key: str(r["verdict"]) for key, r in cells.items() if pd.notna(r["verdict"])}
    keys = list(dict.fromkeys(key for cells in columns.values() for key in cells))
    made = pd.DataFrame({name: [cells.get(key, wording.DASH) for key in keys] for name, cells in columns.items()})
    made.index = pd.Index(keys, name="Contrast")
    return made


def _contrast(row: Mapping[str, Any]) -> str:
    # A curve and its declared contrast are of one variable.
    name = wording.term(str(row["term"])).partition(" (spline")[0]
    return ", ".join(filter(None, (name, wording.contrast(row))))


def direction(row: Mapping[str, Any]) -> str:
    """Return what a row of both directions is of: ``Awakenings on a cramp night``, ``Sleep 1 night before a cramp``."""
    if str(row["level"]) == "within":
        return f"{wording.outcome(str(row['outcome']))} on a cramp night"
    word, nights = str(row["level"]).split()
    many = wording.counted(int(nights), "nights")
    return f"{wording.term(str(row['term']))} {many} {'before' if word == 'lag' else 'after'} a cramp"
