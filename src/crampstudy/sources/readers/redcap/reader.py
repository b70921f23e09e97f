"""A REDCap export read as the tables of a cohort."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import Raw, RawTable
from crampstudy.errors import SourceError
from crampstudy.sources.extra_columns import extra_columns
from crampstudy.sources.readers.mapped import mapping
from crampstudy.sources.readers.mapped.columns import stated_marks
from crampstudy.sources.readers.mapped.mapping import Mapping
from crampstudy.sources.readers.mapped.reader import begun
from crampstudy.sources.readers.redcap import data_dictionary, missing_data, own_names
from crampstudy.sources.readers.redcap.data_dictionary import Dictionary, RedcapField
from crampstudy.sources.readers.redcap.export import ADMINISTRATIVE, EVENT, ID, LAYOUT, Export, record_first
from crampstudy.sources.readers.redcap.headings import read_named
from crampstudy.sources.readers.redcap.instruments import (
    fields_of_tables,
    rows_of,
    rows_of_no_table,
    tables_of_instruments,
)
from crampstudy.sources.readers.redcap.no_nights import check_nights
from crampstudy.sources.readers.redcap.values import decode, merge_events
from crampstudy.sources.text import decimals, missing_codes, row_index
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.delimited import Text, read_text
from crampstudy.sources.text.missing_codes import Codes


def read(
    path: Path,
    dictionary: Path | None = None,
    *,
    description: Path | None = None,
    declared: Codes = missing_codes.NONE,
    decimal: Mark | None = None,
    padded: bool = False,
    start: date | None = None,
) -> Raw:
    """Read an export.

    Args:
        path: The CSV file that REDCap exported, with field names or labels as headings.
        dictionary: The data dictionary that REDCap exports for the project; the package's own without it.
        description: A mapping of fields whose names are not those of the codebook.
        declared: The project's missing data codes, beside those that REDCap proposes.
        decimal: The mark of its numbers, where neither they nor the dictionary make it plain.
        padded: Whether rows that only end early are read as rows with empty cells; else they are set aside.
        start: The first night, where the mapping has nights by their numbers.

    Raises:
        SourceError: a file is missing or not what it should be, a field contradicts the codebook, or the events
            of a record contradict each other.
    """
    if not path.is_file():
        raise SourceError(f"there is no REDCap export {path}; give the CSV file that REDCap exported")
    if description is not None:
        described = mapping.load(description)
        described = replace(described, decimal=decimal or described.decimal, padded=padded or described.padded)
        return _mapped(path, dictionary, begun(described, start) if start else described, declared)
    project = data_dictionary.load(dictionary) if dictionary else data_dictionary.package_dictionary()
    text = read_named(path, project, padded)
    export = Export(path.name, record_first(path, _unnumbered(text), project), text.lines)
    notices = [*text.notices, *project.notices]
    export = _without_missing(export, project, declared, notices)
    fields = _fields(export, project, notices)
    pointed, said = _with_points(export, fields, _stated(decimal, export), by_comma=text.separator == ";")
    notices.extend(said)
    homes = tables_of_instruments(export, fields, project)
    fields, unused = fields_of_tables(export.file, fields, homes)
    notices += unused
    parts = {table: rows_of(export, table, fields, homes) for table in codebook.TABLES}
    notices += rows_of_no_table(export, parts)
    tables = []
    for table, rows in parts.items():
        wanted = [f for f in fields if f.table == table]
        if table != "participants" and not rows.any():
            continue
        part = Export(export.file, export.frame.filter(rows), export.lines.filter(rows))
        tables.append(_table(table, part, decode(pointed.filter(rows), wanted), wanted, notices))
        if table == "diary":
            # A row of which nobody knows the cells is listed once.
            tables[-1] = replace(tables[-1], unread=text.unread)
    check_nights(path, export, project, tables)
    return Raw(path.stem, "diary", tuple(tables), notices=tuple(dict.fromkeys(notices)))


def _mapped(path: Path, dictionary: Path | None, described: Mapping, declared: Codes) -> Raw:
    """Read an export through a mapping of its fields; what the mapping does not say, the dictionary says."""
    own_names.check(described, path)
    project = data_dictionary.load(dictionary) if dictionary else Dictionary({})
    text = read_named(path, project, described.padded) if dictionary else read_text(path, padded=described.padded)
    export = Export(path.name, record_first(path, _unnumbered(text), project), text.lines)
    fields = own_names.fields_of(described, export, project)
    project, notices = own_names.renamed(project, fields), list(text.notices)
    export = _without_missing(export, project, declared, notices)
    stated = Stated(described.decimal, option=stated_marks(described).option)
    pointed, said = _with_points(export, fields, stated, by_comma=text.separator == ";")
    made = own_names.read(export, pointed, text.unread, described, project)
    return replace(made, notices=tuple(dict.fromkeys((*notices, *said, *made.notices))))


def _unnumbered(text: Text) -> pl.DataFrame:
    """Return an export without the row numbers that another program has put before the record."""
    return text.frame.drop(row_index.found(text.frame))


def _table(
    name: str, export: Export, frame: pl.DataFrame, fields: Sequence[RedcapField], notices: list[str]
) -> RawTable:
    """Return a table from its rows of the export, once as they stand there and once decoded."""
    lines = export.lines
    # The ledger shows the codes of the export, but for participants made of several of its rows.
    named = (pl.col(field.name).alias(field.column) for field in fields)
    written: pl.DataFrame | None = export.frame.select(pl.first().alias(ID), *named)
    if name == "participants" and EVENT in export.frame.columns and frame[ID].is_duplicated().any():
        frame, lines, written = *merge_events(export, frame, notices), None
    extra, said = extra_columns(name, export.file, frame)
    notices.extend(said)
    return RawTable(name, export.file, frame, lines, extra, written=written)


def _without_missing(export: Export, described: Dictionary, declared: Codes, notices: list[str]) -> Export:
    """Return the export with null wherever nobody has answered."""
    missing_codes.check(declared, export.file, [*export.frame.columns, *(f.name for f in described.fields.values())])
    frame, kept, said = missing_data.unfilled_left_out(export.file, export.frame, described)
    frame, boxes = missing_data.boxes_left_out(export.file, frame, described, declared)
    frame, cells = missing_data.codes_left_out(export.file, frame, described, declared)
    notices += [*said, *boxes, *cells]
    return Export(export.file, frame, export.lines.filter(kept))


def _fields(export: Export, described: Dictionary, notices: list[str]) -> list[RedcapField]:
    """Return the fields that go into tables, in the order of the export; all other columns are named in a notice."""
    wanted: list[RedcapField] = []
    status: list[str] = []
    left: list[str] = []
    for name in export.frame.columns[1:]:
        field = described.fields.get(name) or described.box(name)
        form_status = re.fullmatch(r"(.+)_(complete|timestamp)|Complete\?.*|Survey Timestamp.*", name)
        if field is not None and field.table is not None and field.column == ID:
            notices.append(f"{export.file}: {name} is not used, for the record's identifier {export.record} says who")
        elif field is not None and field.table is not None:
            wanted.append(field)
        elif name in LAYOUT:
            continue
        elif name in ADMINISTRATIVE or form_status:
            status.append(name)
        else:
            left.append(name)
    if status:
        notices.append(f"{export.file}: not used (form status and the like): {', '.join(status)}")
    if left:
        notices.append(
            f"{export.file}: left out, for the dictionary puts them in none of the tables: {', '.join(left)}"
        )
    return wanted


def _stated(decimal: Mark | None, export: Export) -> Stated:
    return Stated(decimal, option=decimals.option(f"redcap:{export.file}"))


def _with_points(
    export: Export, fields: Sequence[RedcapField], stated: Stated, *, by_comma: bool
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the export with decimal points in its numbers, each column read by one rule, and what was done."""
    known = [f.name for f in fields if f.number]
    extra = [f.name for f in fields if f.variable is None and not (f.number or f.boolean or f.choices)]
    stated = replace(stated, ungrouped=frozenset(f.name for f in fields if f.ungrouped))
    columns = [*dict.fromkeys(known), *decimals.numbers(export.frame.select(extra), [], stated)]
    return decimals.settle(export.frame, columns, export.file, export.lines, stated, by_comma)
