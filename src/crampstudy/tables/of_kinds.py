"""The table that each kind of result has, and the tables that rows of several kinds are shown in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from crampstudy.estimates import kinds
from crampstudy.tables import characteristics, frequency, observed, ratios, times

TABLES: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    made.__name__: made
    for made in (
        *(frequency.rates, frequency.prevalence, frequency.classes, frequency.age_curve, times.relief),
        *(ratios.factors, ratios.adjusted_factors, ratios.bootstrap),
        *(characteristics.table_one, observed.completeness, observed.weekly_completeness),
        *(observed.measured, observed.participants),
    )
}
"""The tables by the name that a kind has for its own."""
_OF_FITS = ("factors", "adjusted_factors", "bootstrap")


@dataclass(frozen=True, slots=True)
class Shown:
    """A table and the ``rows`` that it prints; ``of_fit`` where they are a model's."""

    table: pd.DataFrame
    rows: pd.DataFrame
    of_fit: bool


def shown(estimates: pd.DataFrame) -> Iterator[Shown]:
    """Yield the tables of one cohort's rows of any kinds, in the order of the rows.

    Raises:
        UsageError: a row is of no kind.
    """
    found = kinds.of_rows(estimates)
    for name in dict.fromkeys(kind.table for kind in found.values()):
        own = [kind for kind in found.values() if kind.table == name]
        rows = estimates[estimates["analysis"].isin([kind.name for kind in own])]
        told = rows[rows["analysis"].isin([kind.name for kind in own if kind.tabled])]
        yield Shown(TABLES[name](rows), told, of_fit=name in _OF_FITS)
