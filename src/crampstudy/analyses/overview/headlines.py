"""The contrasts that a report is summed up by: one for each of the main claims; ``headlines.csv`` lists them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from importlib.resources import files

import pandas as pd

from crampstudy import estimates, wording
from crampstudy.analyses.findings import together
from crampstudy.analyses.others import Others
from crampstudy.claims import ClaimRow
from crampstudy.estimates import kinds


def _read() -> tuple[ClaimRow, ...]:
    text = files("crampstudy.analyses").joinpath("headlines.csv").read_text(encoding="utf-8")
    return tuple(ClaimRow(**row) for row in csv.DictReader(text.splitlines()))


HEADLINES: tuple[ClaimRow, ...] = _read()
"""In the order in which they are shown; of a term that is there twice the first with an estimate is taken."""
_MOST_TREATMENTS = 3


def headlines(others: Others) -> pd.DataFrame:
    """Return the rows of the main contrasts, ratios with a verdict alone, one of each, the randomised effects first."""
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for row in HEADLINES:
        if row.section in others:
            ratio = row.among(wording.with_none(_ratios(others[row.section].estimates)))
            place = row.claim, row.term
            if ratio is not None and (place not in found or found[place]["estimate"].isna().all()):
                found[place] = estimates.frame([ratio])
    return together([*_randomised(others), *found.values()])


def _randomised(others: Others) -> Iterator[pd.DataFrame]:
    if "treatments" in others:
        yield _ratios(kinds.TREATMENT_EFFECT.rows(others["treatments"].estimates))[:_MOST_TREATMENTS]


def _ratios(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["scale"].str.endswith("_ratio").fillna(value=False) & rows["verdict"].notna()]
