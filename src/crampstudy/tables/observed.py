"""How many were observed, how completely, and who they were by age and sex."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.tables.headings import by_group
from crampstudy.tables.table import table_of_rows


@table_of_rows
def completeness(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what was observed of what was expected, by age group."""
    rows = kinds.COMPLETENESS.rows(estimates)
    shares = rows[rows["scale"] == "proportion"]
    diary = shares["outcome"].iloc[0] == "cramps"
    made = pd.DataFrame({"Participants": wording.counts(shares, "n_participants")})
    if diary:
        made["Nights expected"] = wording.counts(shares, "n_nights")
    made["Nights observed" if diary else "Answered"] = wording.counts(shares, "n_events")
    made["Share (%)"] = [
        _share(row) if pd.notna(row["estimate"]) else "could not estimate" for row in wording.records(shares)
    ]
    groups = shares["level"].map(wording.level).str.capitalize()
    made.index = pd.Index(groups, name=by_group(groups))
    gaps = {row["level"]: row for row in wording.records(rows[rows["scale"] == "median_longest_gap"])}
    if gaps:
        made["Median longest gap (nights)"] = [
            wording.marked(gaps[label], wording.number(gaps[label]["estimate"], 0)) if label in gaps else wording.DASH
            for label in shares["level"]
        ]
    return made


@table_of_rows
def measured(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how many participants have a value of each variable."""
    estimates = kinds.MEASURED.rows(estimates)
    made = pd.DataFrame(
        {
            "With a value": [
                wording.count_of(row, "n_events") if row["status"] == "converged" else "not measured"
                for row in wording.records(estimates)
            ],
            "Share (%)": [
                wording.DASH if pd.isna(row["estimate"]) else _share(row) for row in wording.records(estimates)
            ],
        }
    )
    made.index = pd.Index([wording.term(name) for name in estimates["term"]], name="Variable")
    return made


def _share(row: Mapping[str, Any]) -> str:
    return wording.marked(row, wording.number(100 * row["estimate"], 1))
