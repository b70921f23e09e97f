"""The scores of a cramp night, and sleep and cramps in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds, ratios
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows

_WITHIN = {
    kinds.CRAMP_NIGHT: "Cramp night against others (95% CI)",
    kinds.CRAMP_NIGHT_MODEL_BASED: "Model-based CI",
    kinds.CRAMP_NIGHT_ADJUSTED: "Adjusted (95% CI)",
}

_RECALLED = {"moderate_severe_vs_none": "Moderate-severe", "any_cramp": "Any"}
"""The outcomes of a survey, both against no cramp, at the head of a column."""


@table_of_rows
def cramp_night(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return by how much each score differs on cramp nights, its sensitivities beside, then between participants."""
    first = kinds.CRAMP_NIGHT.rows(estimates)
    outcomes = list(dict.fromkeys(estimates["outcome"]))
    within = first[first["level"] == "within"].set_index("outcome")
    nights = {str(row["outcome"]): _nights(row) for row in wording.records(within.reset_index())}
    columns: dict[str, dict[str, str]] = {"Nights (with cramps)": nights}
    for kind, heading in _WITHIN.items():
        rows = kind.rows(estimates)
        rows = rows[rows["level"] == "within"]
        if len(rows):
            limits = kind == kinds.CRAMP_NIGHT_MODEL_BASED
            made = {str(row["outcome"]): _limits(row) if limits else estimate(row) for row in wording.records(rows)}
            columns[with_level(heading, rows)] = made
    between = first[first["level"] == "between"]
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
            "Participants": [wording.count(row["n_participants"]) for row in records],
            "Nights": [wording.count(row["n_nights"]) for row in records],
        }
    )
    made.index = pd.Index([direction(row) for row in records], name="Direction")
    return made


@table_of_rows
def usual_sleep(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratios of usual sleep and of depression, a column of each outcome and model, verdicts last.

    A curve is shown at round values against its reference, and judged at its declared contrast.
    """
    rows = ratios(estimates)
    columns: dict[str, dict[str, str]] = {}
    for (outcome, _), own in rows.groupby(["outcome", "model"], sort=False):
        scale = str(own["scale"].iloc[0]).replace("_", " ")
        said = {_contrast(row): row for row in wording.records(own)}
        columns[with_level(f"{_RECALLED[str(outcome)]}: {scale} (95% CI)", own)] = {
            key: estimate(row) for key, row in said.items()
        }
    primary = rows[rows["verdict"].notna() & rows["model"].eq(rows["model"].iloc[0])] if len(rows) else rows
    for outcome, own in primary.groupby("outcome", sort=False):
        judged = {_contrast(row): str(row["verdict"]) for row in wording.records(own)}
        columns[f"{_RECALLED[str(outcome)]}: verdict"] = judged
    keys = list(dict.fromkeys(key for cells in columns.values() for key in cells))
    made = pd.DataFrame({name: [cells.get(key, wording.DASH) for key in keys] for name, cells in columns.items()})
    made.index = pd.Index(keys, name="Contrast")
    return made


def _contrast(row: Mapping[str, Any]) -> str:
    # A curve and its declared contrast are of one variable.
    name = wording.term(str(row["term"])).partition(" (spline")[0]
    return ", ".join(filter(None, (name, wording.contrast(row))))


def direction(row: Mapping[str, Any]) -> str:
    """Return what a row of both directions is of: ``fatigue, cramp night``, ``sleep quality, 1 night before a cramp``."""
    if str(row["level"]) == "within":
        return f"{wording.outcome(str(row['outcome']))} on a cramp night"
    word, nights = str(row["level"]).split()
    many = wording.counted(int(nights), "nights")
    return f"{wording.term(str(row['term']))} {many} {'before' if word == 'lag' else 'after'} a cramp"


def _nights(row: Mapping[str, Any]) -> str:
    if pd.isna(row["n_nights"]):
        return wording.DASH
    return f"{wording.count(row['n_nights'])} ({wording.count(row['n_events'])})"


def _limits(row: Mapping[str, Any]) -> str:
    """Return the limits of an interval alone, whose estimate stands beside."""
    said = estimate(row)
    return said[said.index("(") + 1 : -1] if "(" in said else wording.DASH
