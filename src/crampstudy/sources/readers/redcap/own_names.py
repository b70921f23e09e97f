"""A project with field names of its own: a mapping on top of its dictionary says which field is which column.

The dictionary still says what choices mean, which cells are missing and which are numbers; the instruments still say
which rows belong to which table, where the mapping does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from crampstudy.cleaning import Raw
from crampstudy.errors import SourceError
from crampstudy.sources.readers.mapped.column_entry import ColumnMap
from crampstudy.sources.readers.mapped.columns import Given
from crampstudy.sources.readers.mapped.mapping import Mapping as Described
from crampstudy.sources.readers.mapped.mapping import TableMap
from crampstudy.sources.readers.mapped.reader import apply, raw_of
from crampstudy.sources.readers.redcap.data_dictionary import Dictionary, RedcapField, differences
from crampstudy.sources.readers.redcap.export import Export
from crampstudy.sources.readers.redcap.instruments import rows_of, tables_of_instruments
from crampstudy.sources.readers.redcap.values import meanings
from crampstudy.sources.text import night_columns


def fields_of(described: Described, export: Export, dictionary: Dictionary) -> list[RedcapField]:
    """Return the fields that a mapping names, each as the column that it becomes."""
    return [
        replace(field, table=table.name, column=column.target.name, variable=column.target)
        for table in described.tables
        for column, field in _named(table, export, dictionary)
    ]


def check(described: Described, export: Path) -> None:
    """Refuse what an export of REDCap has not: another file, sheets, lines beside its header and its rows.

    Raises:
        SourceError: the message names the entry.
    """
    for table in described.tables:
        has = {"header or skip": table.header, "sheet": table.sheet, "file": table.file not in (None, export.name)}
        for key in (key for key, there in has.items() if there):
            raise SourceError(
                f"{described.path}, tables.{table.name}: {export} is one export with its header in the first line; "
                f"take {key} out"
            )


def renamed(dictionary: Dictionary, fields: Sequence[RedcapField]) -> Dictionary:
    """Return a dictionary in which only the fields that a mapping names become columns."""
    unknown = {name: replace(f, table=None, variable=None) for name, f in dictionary.fields.items()}
    return replace(dictionary, fields=unknown | {f.name: f for f in fields if f.name in unknown})


def read(
    export: Export, pointed: pl.DataFrame, unread: pl.DataFrame, described: Described, dictionary: Dictionary
) -> Raw:
    """Return the tables that a mapping makes of an export.

    Args:
        export: The export without missing codes and unfilled forms.
        pointed: The same with decimal points in its numbers.
        unread: Its rows that have not the cells of the header.
        described: The mapping.
        dictionary: The project's dictionary.

    Raises:
        SourceError: the mapping does not fit the export.
    """
    fields = [field for field in fields_of(described, export, dictionary) if field.name != export.record]
    known = Dictionary({field.name: field for field in fields})
    homes = tables_of_instruments(export, fields, known)
    tables, given, notices = [], {}, []
    for table in described.tables:
        columns, said = zip(*(_decoding(c, table, export, dictionary) for c in table.columns), strict=True)
        notices += [notice for told in said for notice in told]
        # A participant may have rows of several events.
        tables.append(replace(table, columns=columns, distinct=table.distinct or table.name == "participants"))
        rows = pl.repeat(value=True, n=export.frame.height, dtype=pl.Boolean, eager=True)
        if table.where is None:
            rows = rows_of(export, table.name, fields, homes)
        given[table.name] = Given(
            export.file, pointed.filter(rows), export.lines.filter(rows), settled=True, unread=unread
        )
    made = apply(given, replace(described, tables=tuple(tables)))
    return raw_of(made, described, notices)


def _named(table: TableMap, export: Export, dictionary: Dictionary) -> Iterator[tuple[ColumnMap, RedcapField]]:
    """Yield the columns of a table with the fields that they come from; one of the export alone is text."""
    formats = table.nights.formats if table.nights else ()
    for column in table.columns:
        named = column.joined or ((column.source,) if column.source else ())
        for name in sorted(night_columns.named(export.frame.columns, named, formats), key=export.frame.columns.index):
            yield column, dictionary.fields.get(name) or dictionary.box(name) or RedcapField(name, "", "text", name)


def _decoding(
    column: ColumnMap, table: TableMap, export: Export, dictionary: Dictionary
) -> tuple[ColumnMap, Sequence[str]]:
    """Return a column with what the dictionary says of its cells, and notices of choices that are no value of it."""
    field = next((field for named, field in _named(table, export, dictionary) if named is column), None)
    if field is None:
        return column, ()
    field = replace(field, variable=column.target)
    if column.codes is not None:
        return replace(column, codes=_either(column.codes, field.choices)), ()
    if not (field.choices or field.boolean):
        return column, ()
    said = differences(dictionary.title, field, column.target)
    return replace(column, meanings=meanings(field, export.frame[field.name])), said


def _either(codes: Mapping[str, str], choices: Mapping[str, str]) -> dict[str, str]:
    """Return codes for the choices of a field, which a mapping may name by code or by label."""
    made = dict(codes)
    for code, label in choices.items():
        for one, other in ((code, label), (label, code)):
            if one in codes:
                made.setdefault(other, codes[one])
    return made
