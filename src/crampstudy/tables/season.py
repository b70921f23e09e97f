"""The annual cycle and the rates by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate, value
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import table_of_rows

_TEST = "wald_test"


@table_of_rows
def season(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what is said of the annual cycle, a row each: its joint test, amplitude, peak and ratios."""
    rows = kinds.SEASON.rows(estimates)
    every = wording.records(rows)
    made = pd.DataFrame(
        {
            "Of": [wording.DASH if row["scale"] == _TEST else str(row["unit"]) for row in every],
            with_level("Estimate (95% CI)", rows): [_cell(row) for row in every],
            "p": [wording.DASH if pd.isna(row["p_value"]) else _p(row["p_value"]) for row in every],
            "Verdict": [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in every],
        }
    )
    made.index = pd.Index([wording.capital(str(row["level"])) for row in every], name="Annual cycle")
    return made


def peak(row: Mapping[str, Any]) -> str:
    """Return the date of a peak with its interval, as its note has it: ``30 June (5 June to 25 July)``."""
    return str(row["note"]).partition("; ")[0]


def _cell(row: Mapping[str, Any]) -> str:
    if row["status"] not in ("converged", "boundary") or pd.isna(row["estimate"]):
        return wording.estimate(row)
    if row["scale"] == "day_of_year":
        return peak(row)
    if row["scale"] == _TEST:
        return f"{'F' if str(row['unit']).startswith('F ') else 'χ²'} = {wording.number(row['estimate'])}"
    return value(row) if row["scale"] == "proportion" else estimate(row)


def _p(value: float) -> str:
    return wording.p_text(value).removeprefix("p ").removeprefix("= ").replace("< ", "<")


@table_of_rows
def months(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the incidence rate of each calendar month: people, nights, cramps and rate."""
    rows = kinds.MONTHS.rows(estimates)
    made = pd.DataFrame(
        {
            "Participants": rows["n_participants"].map(wording.count),
            "Person-nights": rows["n_nights"].map(wording.count),
            "Cramps": rows["n_events"].map(wording.count),
        }
    )
    heading = with_level("Cramps per person-week (95% CI)", rows)
    made[heading] = [estimate(row) for row in wording.records(rows)]
    made.index = pd.Index(rows["level"], name="Month")
    return made
