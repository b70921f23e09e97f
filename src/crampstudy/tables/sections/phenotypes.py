"""Groups of people whose cramps are alike: what became of each number of groups, and what each group is like."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.sections.severity import clock
from crampstudy.tables.table import table_of_rows

TRAITS = {
    "frequency": "Cramps a week",
    "dispersion": "Variance over mean of the nights",
    "duration": "Length (min)",
    "pain": "Pain (0–10)",
    "site": "In the calf (%)",
    "timing": "Hour of the clock",
}
"""The traits as printed, in order."""
_GAIN, _GAP, _AGAIN = "gain in BIC", "gap", "agreement in resamples"


@table_of_rows
def groups_tried(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what each number of groups came to, a row each, and below them how many are clear."""
    every = kinds.GROUPS_TRIED.rows(estimates)
    cells = {(row["term"], row["level"]): row for row in wording.records(every)}
    terms = list(dict.fromkeys(every["term"]))
    again = [cells.get((term, _AGAIN)) for term in terms]
    made = {
        "Better than one group by (BIC)": [_number(cells[term, _GAIN], 1) for term in terms],
        "Density in the gap": [_number(cells[term, _GAP], 2) for term in terms],
        with_level("Agreement in resamples (95% CI)", every): [
            wording.DASH if row is None else wording.estimate(row) for row in again
        ],
        "Read as": [wording.capital(fact(cells[term, _GAIN], "said")) for term in terms],
    }
    index = [wording.capital(str(term)) for term in terms]
    for row in wording.records(kinds.CLEAR_GROUPS.rows(estimates)):
        clear = f"{row['estimate']:.0f} clear groups" if row["estimate"] > 1 else "No clear groups"
        made = {name: [*column, clear if name == "Read as" else wording.DASH] for name, column in made.items()}
        index.append("All")
    return pd.DataFrame(made, index=pd.Index(index, name="Groups"))


def _number(row: dict[str, Any], digits: int) -> str:
    return wording.marked(row, wording.number(row["estimate"], digits))


@table_of_rows
def group_profiles(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what each group is like, a column each."""
    shares, profiles = kinds.GROUP_SHARE.rows(estimates), kinds.GROUP_PROFILE.rows(estimates)
    groups = list(dict.fromkeys(shares["term"]))
    every = [*wording.records(shares), *wording.records(profiles)]
    cells = {(row["term"], row["level"]): row for row in every}
    names = [name for name in TRAITS if (groups[0], name) in cells] if groups else []
    made = pd.DataFrame(index=pd.Index(["Participants", "Share (%)", *map(TRAITS.__getitem__, names)], name="Trait"))
    for group in groups:
        heading = with_level(f"{wording.capital(str(group))} (95% CI)", profiles)
        share = cells[group, None]
        told = [wording.count_of(share, "n_participants"), estimate(share)]
        made[heading] = [*told, *(profile_cell(cells[group, name]) for name in names)]
    return made


def profile_cell(row: dict[str, Any]) -> str:
    """Return the mean of a trait as printed, with its interval."""
    return clock(row) if row["scale"] == "clock_hour" else estimate(row)
