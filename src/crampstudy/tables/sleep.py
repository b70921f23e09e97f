"""The scores of a cramp night, and sleep and cramps in both directions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows

_WITHIN = {
    kinds.CRAMP_NIGHT: "Cramp night against others (95% CI)",
    kinds.CRAMP_NIGHT_MODEL_BASED: "Model-based CI",
    kinds.CRAMP_NIGHT_ADJUSTED: "Adjusted (95% CI)",
}


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
