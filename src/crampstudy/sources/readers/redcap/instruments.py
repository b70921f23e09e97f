"""Which rows of an export belong to which table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from crampstudy.sources.readers.redcap.data_dictionary import Dictionary, RedcapField, columns
from crampstudy.sources.readers.redcap.export import FORM, INSTANCE, Export
from crampstudy.wording import counted


def tables_of_instruments(export: Export, fields: Sequence[RedcapField], described: Dictionary) -> dict[str, str]:
    """Return the table of each repeating instrument: by its name, or, where an export has labels, by what it fills."""
    form = export.column(FORM)
    homes: dict[str, str] = {}
    for name in form.drop_nulls().unique(maintain_order=True):
        if (stated := described.home(name)) is not None:
            homes[name] = stated
            continue
        rows = export.frame.filter(form == name)
        filled = [f.table for f in fields if f.table and rows[f.name].null_count() < rows.height]
        if filled:
            homes[name] = max(dict.fromkeys(filled), key=filled.count)
    return homes


def fields_of_tables(
    file: str, fields: Sequence[RedcapField], homes: Mapping[str, str]
) -> tuple[list[RedcapField], list[str]]:
    """Return the fields of the tables that there can be, and a notice of the others.

    A study may call something of its own as the codebook calls what belongs to a single cramp, a sample or a treatment,
    such as its centres ``site``: without the fields that tell which cramp it is of there is no such table.
    """
    kept, notices = list(fields), []
    for table in _BESIDE:
        own = [f for f in fields if f.table == table]
        needed = {v.name: name for name, v in columns().items() if v.table == table and v.required}
        absent = [name for column, name in needed.items() if column not in {f.column for f in own}]
        if own and absent and table not in homes.values():
            kept = [f for f in kept if f.table != table]
            names, lacking = (", ".join(each) for each in ([f.name for f in own], absent))
            notices.append(
                f"{file}: left out, for the codebook has them in {table} and the export has no {lacking}: {names}; a "
                f"mapping keeps what is the study's own (own: {{{own[0].name}: text}}; docs/mapping.md)"
            )
    return kept, notices


_BESIDE = ("episodes", "labs", "treatments")
"""Tables that a study may be without."""


def rows_of(export: Export, table: str, fields: Sequence[RedcapField], homes: Mapping[str, str]) -> pl.Series:
    """Return which rows of the export make a row of ``table``."""
    form = export.column(FORM)
    filled = export.filled(f.name for f in fields if f.table == table)
    if table == "participants":
        # Every record is a participant, also one whose forms are still empty; a repeated event is not a new one.
        rows = form.is_null() & (filled | export.column(INSTANCE).is_null())
        # Of an export of repeating instruments alone nothing more is known of its records.
        return rows if rows.any() else export.frame[export.record].is_first_distinct()
    repeated = form.is_in([name for name, home in homes.items() if home == table]) & form.is_not_null()
    return repeated | (form.is_null() & filled)


def rows_of_no_table(export: Export, parts: Mapping[str, pl.Series]) -> list[str]:
    """Return a notice of the rows of the export that belong to no table, if there are any."""
    used = pl.DataFrame(dict(parts)).select(pl.any_horizontal(pl.all())).to_series()
    left = int((~used).sum())
    if not left:
        return []
    forms = export.column(FORM).filter(~used).drop_nulls().unique(maintain_order=True).to_list()
    what = f"instruments {', '.join(forms)}" if forms else "no field of a table"
    return [f"{export.file}: {counted(left, 'rows', 'belong')} to no table ({what}); left out"]
