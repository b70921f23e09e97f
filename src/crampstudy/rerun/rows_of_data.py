"""How many rows were added, removed and changed between the data of two reports, and cohorts in between."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from crampstudy.codebook import TABLES
from crampstudy.cohort import Cohort


@dataclass(frozen=True, slots=True)
class TableChange:
    """How many rows of a table are not as they were; nobody is named."""

    table: str
    added: int
    removed: int
    changed: int


def table_changes(before: Cohort, after: Cohort) -> tuple[TableChange, ...]:
    """Return what changed of each table that did."""
    names = dict.fromkeys((*before.tables, *after.tables))
    found = (_change(name, before.frame(name), after.frame(name)) for name in names)
    return tuple(each for each in found if each.added or each.removed or each.changed)


def without_removed(before: Cohort, after: Cohort) -> Cohort:
    """Return a cohort without the rows that the other one does not have, the rest as it was."""
    tables = {name: table.join(_keys(after, name), on=_key(name), how="semi") for name, table in before.tables.items()}
    return replace(before, tables=tables)


def with_added(before: Cohort, after: Cohort) -> Cohort:
    """Return a cohort with the rows of the other one that it does not have, its own as they were."""
    kept = without_removed(before, after)
    tables = {}
    for name, table in after.tables.items():
        own = kept.frame(name)
        new = table.join(own.select(_key(name)), on=_key(name), how="anti")
        # A table that the first did not have is all new; a column of one of them alone is empty in the other's rows.
        tables[name] = pl.concat([own, new], how="diagonal_relaxed") if name in kept.tables else new
    return replace(kept, tables={**kept.tables, **tables})


def _change(name: str, before: pl.DataFrame, after: pl.DataFrame) -> TableChange:
    key = _key(name)
    both = before.join(after, on=key, how="inner", suffix="\0")
    differs = [pl.lit(value=False)]
    for column in dict.fromkeys((*before.columns, *after.columns)):
        if column in key:
            continue
        if column in before.columns and column in after.columns:
            differs.append(pl.col(column).cast(pl.String).ne_missing(pl.col(f"{column}\0").cast(pl.String)))
        else:
            differs.append(pl.col(column).is_not_null())
    changed = both.select(pl.any_horizontal(differs).sum()).item()
    return TableChange(name, after.height - both.height, before.height - both.height, int(changed))


def _key(name: str) -> list[str]:
    return list(TABLES[name].key)


def _keys(cohort: Cohort, name: str) -> pl.DataFrame:
    return cohort.frame(name).select(_key(name))
