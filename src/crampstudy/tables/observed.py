"""How many were observed, how completely, and who they were by age and sex."""

from __future__ import annotations

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
    made = pd.DataFrame({"Participants": shares["n_participants"].map(wording.count)})
    if diary:
        made["Nights expected"] = shares["n_nights"].map(wording.count)
    made["Nights observed" if diary else "Answered"] = shares["n_events"].map(wording.count)
    made["Share (%)"] = [
        wording.number(100 * share, 1) if pd.notna(share) else "could not estimate" for share in shares["estimate"]
    ]
    groups = shares["level"].map(wording.level).str.capitalize()
    made.index = pd.Index(groups, name=by_group(groups))
    gaps = rows[rows["scale"] == "median_longest_gap"].set_index("level")["estimate"]
    if len(gaps):
        made["Median longest gap (nights)"] = [
            wording.number(gaps[label], 0) if label in gaps else wording.DASH for label in shares["level"]
        ]
    return made


@table_of_rows
def measured(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how many participants have a value of each variable."""
    estimates = kinds.MEASURED.rows(estimates)
    made = pd.DataFrame(
        {
            "With a value": [
                wording.count(n) if status == "converged" else "not measured"
                for n, status in zip(estimates["n_events"], estimates["status"], strict=True)
            ],
            "Share (%)": [wording.DASH if pd.isna(s) else wording.number(100 * s, 1) for s in estimates["estimate"]],
        }
    )
    made.index = pd.Index([wording.term(name) for name in estimates["term"]], name="Variable")
    return made
