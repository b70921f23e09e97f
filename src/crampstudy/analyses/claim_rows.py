"""Which rows of which section answer a claim of the article; ``claims.csv`` lists them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

import pandas as pd

from crampstudy import estimates


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A row that answers a ``claim`` by its number: the ``section`` and the cells by which it is found there.

    A cell that is empty may be anything, as where a contrast lies between centiles of the cohort.
    """

    claim: str
    section: str
    analysis: str
    term: str
    level: str
    outcome: str
    population: str

    def among(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return those of the ``rows`` of its section that are meant."""
        cells = ("analysis", "term", "level", "outcome", "population")
        wanted = {name: getattr(self, name) for name in cells if getattr(self, name)}
        kept = pd.Series(data=True, index=rows.index)
        for name, cell in wanted.items():
            kept &= rows[name].eq(cell).fillna(value=False)
        return rows[kept]


def read(table: str) -> tuple[ClaimRow, ...]:
    """Return the rows of a table beside this module, such as ``claims.csv``."""
    text = files("crampstudy.analyses").joinpath(table).read_text(encoding="utf-8")
    return tuple(ClaimRow(**row) for row in csv.DictReader(text.splitlines()))


CLAIM_ROWS: tuple[ClaimRow, ...] = read("claims.csv")
"""The rows in the order of the claims; a claim may have several."""


def rows_of_claim(claim: str, found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows that answer a claim, out of the estimates ``found`` by section; none where it has none."""
    parts = [row.among(found[row.section]) for row in CLAIM_ROWS if row.claim == claim and row.section in found]
    return pd.concat([estimates.frame([]), *parts], ignore_index=True)
