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
_APART = {
    "factors": ("analysis", "model", "outcome", "population"),
    "adjusted_factors": ("outcome", "population"),
    "bootstrap": ("model", "outcome", "population"),
}
"""What the rows of one table of a fit have in common; others stand in a table of their own."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A table and the ``rows`` it prints, by a ``heading`` that tells it apart; ``of_fit`` where they are a fit's."""

    heading: str
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
        # What splits the ratios of a fit stands with them.
        own = {kind.name: kind.splits or kind.name for kind in found.values() if kind.table == name}
        rows = estimates[estimates["analysis"].isin(list(own))]
        base = rows.assign(analysis=_with_their_model(rows, rows["analysis"].map(own)))
        common = [base[column] for column in _APART.get(name, ())]
        for key, part in rows.groupby(common, sort=False, dropna=False) if common else [((next(iter(own)),), rows)]:
            told = part[part["analysis"].map(lambda analysis: found[analysis].tabled)]
            heading = ", ".join(cell for cell in key if isinstance(cell, str))
            yield Shown(heading, TABLES[name](part), told, of_fit=name in _APART)


def _with_their_model(rows: pd.DataFrame, analyses: pd.Series[str]) -> pd.Series[str]:
    """Return the analyses of rows, of what stands below the table of a model that of the model's other rows."""
    beside = analyses.isin([kind.name for kind in kinds.KINDS.values() if kind.beside])
    model = [rows[name] for name in ("model", "outcome", "population")]
    return (
        analyses.mask(beside).groupby(model, dropna=False).transform("first").where(beside, analyses).fillna(analyses)
    )
