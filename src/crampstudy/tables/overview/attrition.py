"""How a cohort came from its files into the analyses, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.cohort import Cohort
from crampstudy.descriptive.flow import IN_FILE, LOGGED, shares
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact, of_rows
from crampstudy.nights import OR_TAKEN
from crampstudy.tables.table import as_table, table_of_rows


@table_of_rows
def cohort_flow(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how many participants and nights there are at each step, and why those before it were lost."""
    rows = kinds.COHORT_FLOW.rows(estimates)
    numbers = _steps(rows, kinds.COHORT_SHARE.rows(estimates))
    made = pd.DataFrame(
        {
            "Number": [numbers[row["outcome"], row["level"]] for row in wording.records(rows)],
            "Set aside before": [said or wording.DASH for said in of_rows(rows, "said")],
        }
    )
    made.index = pd.MultiIndex.from_arrays(
        [rows["outcome"].map(wording.capital), [wording.capital(step_of(row)) for row in wording.records(rows)]],
        names=["", "Step"],
    )
    return made


def step_of(row: Mapping[str, Any]) -> str:
    """Return the step of a flow in words: of nights some of which are in no file not all were logged."""
    added = row["level"] == LOGGED and fact(row, "added")
    return f"{row['level']}{OR_TAKEN}" if added else str(row["level"])


OF_CLEANING = (
    "Nights without a row, taken as without a cramp",
    "Cells blanked as impossible",
    "Warnings, nothing changed",
)
"""Lines of the quality of the data that count what cleaning did."""


def _steps(rows: pd.DataFrame, left: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return how many are there at each step of whom, with the share that is left of those before."""
    said = {(row["outcome"], row["level"]): f" ({_share(row)})" for row in wording.records(left)}
    at = {(row["outcome"], row["level"]): row for row in wording.records(rows)}
    return {step: f"{wording.count_of(row, 'estimate')}{said.get(step, '')}" for step, row in at.items()}


def _share(row: Mapping[str, Any]) -> str:
    of = "" if row["reference"] == IN_FILE else f" of those {row['reference']}"
    return f"{wording.marked(row, wording.number(100 * row['estimate'], 1))}%{of}"


@table_of_rows
def counted(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what tables of a report count, by what they count."""
    rows = kinds.COUNTED.rows(estimates)
    stubs = [rows["outcome"].map(wording.capital), rows["term"] + ": " + rows["level"].map(wording.small)]
    return pd.DataFrame(
        {"Number": wording.counts(rows, "estimate").tolist()},
        index=pd.MultiIndex.from_arrays(stubs, names=["", "What"]),
    )


@table_of_rows
def logging(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how much the participants logged in each week or night, those who logged least first."""
    rows = kinds.LOGGED.rows(estimates)
    told = wording.records(rows)
    shares = rows.assign(shown=[wording.marked(row, wording.number(100 * row["estimate"], 0)) for row in told])
    made = shares.pivot(index="population", columns="level", values="shown").fillna(wording.DASH)
    made = made.reindex(index=rows["population"].unique(), columns=rows["level"].unique())
    made.columns = pd.Index([f"{wording.capital(logging_part(rows))} {time}" for time in made.columns])
    return made.rename_axis("Participants")


def logging_part(rows: pd.DataFrame) -> str:
    """Return what the rows of logging are each of, ``night`` or ``week``."""
    return "night" if rows["term"].eq("study_night").any() else "week"


@as_table
def data_quality(
    flow: pd.DataFrame, complete: pd.DataFrame, cohort: Cohort, youngest: int | None = None
) -> pd.DataFrame:
    """Return how good the data of a cohort are at a glance: what was read, set aside, logged and measured.

    Args:
        flow: the rows of the flow of the cohort.
        complete: its completeness over all participants.
        cohort: the cohort, for what cleaning did.
        youngest: the age from which on the completeness of a survey is, ``None`` where nobody has an age.
    """
    numbers = _steps(flow, shares(flow))
    lines = {f"{wording.capital(str(what))} {step}": number for (what, step), number in numbers.items()}
    blanked = sum(count.blanked for count in cohort.attrition.tables)
    warned = sum(count.n for count in cohort.attrition.rules if count.severity == "warn")
    done = dict(zip(OF_CLEANING, (cohort.attrition.filled, blanked, warned), strict=True))
    if not cohort.attrition.filled:
        del done[OF_CLEANING[0]]
    lines |= {what: wording.count(n) for what, n in done.items()}
    for row in wording.records(complete[complete["estimate"].notna()]):
        if row["scale"] == "proportion":
            aged = "" if youngest is None else f" aged {youngest} and older"
            answered = f"Answered, of {wording.counted(int(row['n_participants']), 'participants')}{aged}"
            what = "Expected nights logged" if pd.notna(row["n_nights"]) else answered
            lines[what] = f"{wording.marked(row, wording.number(100 * row['estimate'], 1))}%"
        else:
            lines["Longest gap of a participant, median"] = wording.marked(
                row, wording.counted(round(row["estimate"]), "nights")
            )
    return pd.DataFrame({"Number": lines.values()}, index=pd.Index(list(lines), name="What"))
