"""What a kind of result is, and the register of them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pandas as pd

from crampstudy import suggestions
from crampstudy.errors import UsageError


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of result.

    Args:
        name: what the column ``analysis`` holds.
        meaning: what a row says, for those who read the rows.
        table: function of :mod:`crampstudy.tables` that shows the rows, together with those of the kinds beside them.
        sentence: how one row is said; ``{value}`` and other parts are those of :mod:`crampstudy.estimates.sentences`.
        figure: function of :mod:`crampstudy.figures` that draws the rows, if one does.
        label: how a table tells the kind from those beside it.
        of_fit: whether :func:`crampstudy.fit` may be asked for rows of this kind.
        tabled: whether the table, or the note below it, tells the rows; of those that are only drawn it prints what
            sums them up.
        splits: name of the kind of a fit whose ratios the rows split into within and between participants.
        beside: whether the rows stand with the table of the model that they are of.
        of_tables: whether the rows are the numbers of tables of their section, which a terminal shows in their place.
        by_level: whether ``level`` says which nights an estimate is of, and ``unit`` what it compares.
    """

    name: str
    meaning: str
    table: str
    sentence: str
    figure: str | None = None
    label: str = ""
    of_fit: bool = False
    tabled: bool = True
    splits: str | None = None
    beside: bool = False
    of_tables: bool = False
    by_level: bool = False

    def rows(self, estimates: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of this kind."""
        return estimates[estimates["analysis"] == self.name]


_KINDS: dict[str, Kind] = {}

_NEW = "A new kind is registered by crampstudy.estimates.kinds.register"

KINDS: Mapping[str, Kind] = MappingProxyType(_KINDS)
"""The kinds by name, in the order in which they were registered."""


def register(kind: Kind) -> Kind:
    """Register a kind and return it; of a fit also the kind of its rows that split a ratio.

    The same record may be registered again, as by a cell that is run twice.

    Raises:
        UsageError: there is another kind of this name.
    """
    if _KINDS.setdefault(kind.name, kind) != kind:
        raise UsageError(f"there is another kind of result {kind.name!r} already; choose another name")
    if kind.of_fit:
        register(
            replace(
                kind,
                name=f"{kind.name}, within and between",
                meaning="The ratio of a nightly exposure within participants, that between them, or the test that both "
                "are equal.",
                figure=None,
                of_fit=False,
                splits=kind.name,
            )
        )
    return kind


def named(name: Any) -> Kind:
    """Return the kind of a name.

    Raises:
        UsageError: no kind has this name.
    """
    if pd.isna(name):
        raise UsageError("a row of estimates is of no kind: its analysis is empty; give it the name of a kind")
    if name not in _KINDS:
        allowed = f"allowed: {'; '.join(_KINDS)}. {_NEW}"
        raise suggestions.unknown(UsageError, f"no kind of result {name!r}", name, _KINDS, allowed)
    return _KINDS[str(name)]


def of_fit(name: str) -> Kind:
    """Return the kind of a name that the rows of a fit may have.

    Raises:
        UsageError: no kind has this name, or it is none of a fit.
    """
    able = {kind.name: kind for kind in _KINDS.values() if kind.of_fit}
    if name not in able:
        raise UsageError(f"a fit gives no rows of the kind {name!r}; allowed: {'; '.join(able)}. {_NEW}")
    return able[name]


def split_of(name: str) -> Kind:
    """Return the kind of the rows that split a ratio of a fit whose rows are of the kind ``name``."""
    return next(kind for kind in _KINDS.values() if kind.splits == name)


def is_split(estimates: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows split the ratio of another one into within and between participants."""
    return estimates["analysis"].isin([kind.name for kind in _KINDS.values() if kind.splits])


def of_tables(estimates: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows are the numbers of tables of their section."""
    return estimates["analysis"].isin([kind.name for kind in _KINDS.values() if kind.of_tables])


def of_rows(estimates: pd.DataFrame) -> dict[str, Kind]:
    """Return the kinds of rows by name, in the order of the rows.

    Raises:
        UsageError: a row is of no kind.
    """
    return {kind.name: kind for kind in map(named, estimates["analysis"].unique())}
