"""The contrasts that a report is summed up by: one for each of the main claims; ``headlines.csv`` lists them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from crampstudy.analyses.claim_rows import ClaimRow, read
from crampstudy.analyses.findings import together
from crampstudy.analyses.others import Others
from crampstudy.estimates import kinds

HEADLINES: tuple[ClaimRow, ...] = read("headlines.csv")
"""In the order in which they are shown; of a term that is there twice the first that a cohort has is taken."""
_MOST_TREATMENTS = 3


def headlines(others: Others) -> pd.DataFrame:
    """Return the rows of the main contrasts, ratios with a verdict alone, one of each, the randomised effects first."""
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for row in HEADLINES:
        if row.section in others:
            ratios = _ratios(row.among(others[row.section].estimates))
            if len(ratios):
                found.setdefault((row.claim, row.term), ratios[:1])
    return together([*_randomised(others), *found.values()])


def _randomised(others: Others) -> Iterator[pd.DataFrame]:
    if "treatments" in others:
        yield _ratios(kinds.TREATMENT_EFFECT.rows(others["treatments"].estimates))[:_MOST_TREATMENTS]


def _ratios(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["scale"].str.endswith("_ratio").fillna(value=False) & rows["verdict"].notna()]
