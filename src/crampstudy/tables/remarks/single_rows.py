"""Counts of remarks that single rows of a table have alone, told of these rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import label

Counts = Mapping[str, tuple[int, ...]]
"""The counts of a remark by the names of its rows."""
Levels = Mapping[str, Mapping[int, Collection[str]]]
"""The levels of the rows that have each count of a remark, by their names."""


def levels_of(rows: pd.DataFrame, printed: Callable[[str], str]) -> list[str]:
    """Return what tells each row from others of its name, empty where its level does not."""
    return [
        ", ".join(filter(None, (wording.small(printed(str(row["level"]))), label(row))))
        if pd.notna(row["analysis"]) and pd.notna(row["level"]) and kinds.named(row["analysis"]).by_level
        else ""
        for row in wording.records(rows)
    ]


def by_row(counts: Counts, levels: Levels) -> Counts:
    """Return the counts of a remark with those of single rows apart, where they bound the counts of a name.

    Between two such bounds no other row need be.
    """
    made: dict[str, tuple[int, ...]] = {}
    for name, some in counts.items():
        own = levels.get(name, {})
        alone = {n: next(iter(of)) for n, of in own.items() if len(of) == 1}
        # Rows that have one level differ in something else, such as the score that they are of.
        told = "" not in alone.values() and len(set().union(*own.values())) == sum(map(len, own.values()))
        if len(own) > 1 and told and {min(own), max(own)} & {*alone}:
            made |= {f"{name}, {level}": (n,) for n, level in alone.items()}
            rest = tuple(n for n in some if n not in alone)
            made |= {f"{name}, other rows": rest} if rest else {}
        else:
            made[name] = some
    return made
