"""REDCap exports (CSV, raw or labelled) as tables: one per repeating instrument, and the participants.

The project's dictionary says what each field is: the package's own (an instrument per table, from
``dictionary/redcap.csv``) unless another is given. Column names and layout follow REDCap's data export.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from crampstudy import codebook, scratch
from crampstudy.cleaning import Raw, RawTable
from crampstudy.codebook.missing import MARKS
from crampstudy.errors import SourceError
from crampstudy.sources.extra_columns import extra_columns
from crampstudy.sources.readers.redcap import data_dictionary, missing_data
from crampstudy.sources.readers.redcap.data_dictionary import Dictionary, Field
from crampstudy.sources.text import decimals, missing_codes
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.delimited import Text, read_text
from crampstudy.sources.text.missing_codes import Codes
from crampstudy.wording import counted

_ID = "participant_id"
_EVENT, _FORM, _INSTANCE = "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance"
_ADMINISTRATIVE = ("redcap_survey_identifier", "redcap_data_access_group")
_HEADINGS = {
    "Event Name": _EVENT,
    "Repeat Instrument": _FORM,
    "Repeat Instance": _INSTANCE,
    "Survey Identifier": "redcap_survey_identifier",
    "Data Access Group": "redcap_data_access_group",
}
_WORDS = {"true": ("1", "Yes", "True", "Checked"), "false": ("0", "No", "False", "Unchecked")}


def read(
    path: Path,
    dictionary: Path | None = None,
    *,
    declared: Codes = missing_codes.NONE,
    decimal: Mark | None = None,
    padded: bool = False,
) -> Raw:
    """Read an export; ``dictionary`` is the data dictionary that REDCap exports for the project.

    ``declared`` are the project's missing data codes beside those that REDCap proposes, ``decimal`` is the mark of its
    numbers where neither they nor the dictionary make it plain. Rows that only end early are set aside, unless they
    may be ``padded``.

    Raises:
        SourceError: a file is missing or not what it should be, a field contradicts the codebook, or the events
            of a record contradict each other.
    """
    if not path.is_file():
        raise SourceError(f"there is no REDCap export {path}; give the CSV file that REDCap exported")
    described = data_dictionary.load(dictionary) if dictionary else data_dictionary.own()
    text = _text(path, described, padded)
    export = _Export(path.name, _record_first(path, text.frame, described), text.lines)
    notices = [*text.notices, *described.notices]
    export = _answered(export, described, declared, notices)
    fields = _fields(export, described, notices)
    pointed, said = _pointed(export, fields, Stated(decimal), by_comma=text.separator == ";")
    notices.extend(said)
    homes = _homes(export, fields, described)
    parts = {table: _rows(export, table, fields, homes) for table in codebook.TABLES}
    _account(export, parts, notices)
    tables = []
    for table, rows in parts.items():
        wanted = [f for f in fields if f.table == table]
        if table != "participants" and not rows.any():
            continue
        given, lines = export.frame.filter(rows), export.lines.filter(rows)
        frame = _decoded(pointed.filter(rows), wanted)
        # The ledger shows the codes of the export, but for participants made of several of its rows.
        written: pl.DataFrame | None = given.select(pl.first().alias(_ID), *(_named(f) for f in wanted))
        if table == "participants" and _EVENT in given.columns and frame[_ID].is_duplicated().any():
            frame, lines, written = *_one_row_each(export, frame, lines, given[_EVENT], notices), None
        extra, said = extra_columns(table, path.name, frame)
        notices.extend(said)
        tables.append(RawTable(table, path.name, frame, lines, extra, written=written))
        if table == "diary":
            # A row of which nobody knows the cells is listed once.
            tables[-1] = replace(tables[-1], unread=text.unread)
    if not any(table.name == "diary" for table in tables):
        raise SourceError(
            f"{path} holds no nights: no row fills a field of "
            "the diary; export all instruments, and give the project's dictionary (redcap:FILE?dictionary=D.csv)"
        )
    return Raw(path.stem, "diary", tuple(tables), notices=tuple(dict.fromkeys(notices)))


def _record_first(path: Path, frame: pl.DataFrame, described: Dictionary) -> pl.DataFrame:
    """Return the export with the record's identifier in front, which is the first field of any dictionary."""
    # R writes NA where a row belongs to no repeating instrument.
    layout = [name for name in (_EVENT, _FORM, _INSTANCE) if name in frame.columns]
    frame = frame.with_columns(pl.when(~pl.col(layout).is_in(list(MARKS))).then(pl.col(layout)).name.keep())
    record, first = next(iter(described.fields), ""), frame.columns[0]
    if record and (known := described.fields[record].variable) and known.name != _ID:
        raise SourceError(
            f"{path}: the dictionary begins with the field {record}, which cannot be the record's identifier; "
            "export it again from the project, with its fields in their order"
        )
    if record in frame.columns:
        return frame.select(record, pl.exclude(record))
    if described.fields.get(first) or described.box(first) or first in (_EVENT, _FORM, _INSTANCE, *_ADMINISTRATIVE):
        raise SourceError(
            f"{path} does not begin with the record's identifier, and has no column {record}; it begins with {first}: "
            "export the identifier with the other fields, and give the project's dictionary "
            "(redcap:FILE?dictionary=D.csv)"
        )
    return frame


@dataclass(frozen=True, slots=True)
class _Export:
    """An export with field names as columns; the first is the record's."""

    file: str
    frame: pl.DataFrame
    lines: pl.Series

    @property
    def record(self) -> str:
        return self.frame.columns[0]

    def filled(self, columns: Iterable[str]) -> pl.Series:
        """Return whether a row has a cell in any of ``columns``."""
        cells = [pl.col(c).is_not_null() for c in columns]
        return self.frame.select(pl.any_horizontal(cells) if cells else pl.lit(value=False)).to_series()

    def column(self, name: str) -> pl.Series:
        """Return a column, null throughout where the export has none."""
        if name in self.frame.columns:
            return self.frame[name]
        return pl.Series(name, [None] * self.frame.height, dtype=pl.String)


def _text(path: Path, described: Dictionary, padded: bool) -> Text:
    """Return the export with field names as headings; REDCap can write labels instead, several of them alike."""
    content = path.read_bytes()
    mark = max(",;\t|", key=content.partition(b"\n")[0].decode("latin-1").count)
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), delimiter=mark)
        headings = [cell.strip() for cell in next(reader, [])]
    except (UnicodeDecodeError, csv.Error):
        return read_text(path, padded=padded)
    if sum(name in described.fields for name in headings) > 1:
        return read_text(path, padded=padded)
    names = _by_label(path, headings, described)
    out = io.StringIO()
    # As many lines as before, so that the ledger's lines are those of the export.
    csv.writer(out, delimiter=mark, lineterminator="\n" * reader.line_num).writerow(names)
    with scratch.folder() as folder:
        copy = folder / path.name
        copy.write_bytes(out.getvalue().encode() + b"".join(content.split(b"\n", reader.line_num)[reader.line_num :]))
        try:
            return read_text(copy, padded=padded)
        except SourceError as error:
            raise SourceError(str(error).replace(str(copy), str(path))) from None


def _by_label(path: Path, headings: Sequence[str], described: Dictionary) -> list[str]:
    """Return the field behind each labelled heading; "Complete?" ends an instrument, so that labels may repeat."""
    names: list[str] = []
    block: list[str] = []
    forms = dict.fromkeys(field.form for field in described.fields.values())
    for heading in [*headings, None]:
        if heading is not None and not heading.startswith("Complete?"):
            block.append(heading)
            continue
        labels = {h for h in block if any(f.label == h for f in described.fields.values())}
        fitting = [form for form in forms if labels <= {f.label for f in described.fields.values() if f.form == form}]
        for label in block:
            found = [f.name for f in described.fields.values() if f.label == label] or described.boxes(label)
            if len(found) > 1:
                found = [f.name for f in described.fields.values() if f.label == label and [f.form] == fitting[:1]]
                if len(fitting) != 1 or len(found) != 1:
                    raise SourceError(
                        f"{path}: several fields have the label {label!r}, and the other columns do not tell which "
                        'one this is; export whole instruments with their "Complete?", or with field names as headings'
                    )
            names.append(found[0] if found else _HEADINGS.get(label, label))
        if heading is not None:
            names.append(f"{fitting[0] if len(fitting) == 1 else len(names)}_complete")
        block = []
    if sum(name in described.fields for name in names) < 2:
        raise SourceError(
            f"{path} has no field of the dictionary; it has {', '.join(headings[:8])}; give the dictionary of "
            "the project it comes from: redcap:FILE?dictionary=D.csv"
        )
    return names


def _answered(export: _Export, described: Dictionary, declared: Codes, notices: list[str]) -> _Export:
    """Return the export with null wherever nobody has answered."""
    missing_codes.check(declared, export.file, [*export.frame.columns, *(f.name for f in described.fields.values())])
    frame, kept, said = missing_data.unfilled_left_out(export.file, export.frame, described)
    frame, boxes = missing_data.boxes_left_out(export.file, frame, described, declared)
    frame, cells = missing_data.codes_left_out(export.file, frame, described, declared)
    notices += [*said, *boxes, *cells]
    return _Export(export.file, frame, export.lines.filter(kept))


def _fields(export: _Export, described: Dictionary, notices: list[str]) -> list[Field]:
    """Return the fields that go into tables, in the order of the export; all other columns are named in a notice."""
    wanted: list[Field] = []
    status: list[str] = []
    left: list[str] = []
    for name in export.frame.columns[1:]:
        field = described.fields.get(name) or described.box(name)
        form_status = re.fullmatch(r"(.+)_(complete|timestamp)|Complete\?.*|Survey Timestamp.*", name)
        if field is not None and field.table is not None and field.column == _ID:
            notices.append(f"{export.file}: {name} is not used, for the record's identifier {export.record} says who")
        elif field is not None and field.table is not None:
            wanted.append(field)
        elif name in (_EVENT, _FORM, _INSTANCE):
            continue
        elif name in _ADMINISTRATIVE or form_status:
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


def _pointed(
    export: _Export, fields: Sequence[Field], stated: Stated, *, by_comma: bool
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Return the export with decimal points in its numbers, each column read by one rule, and what was done."""
    known = [f.name for f in fields if f.number]
    own = [f.name for f in fields if f.variable is None and not (f.number or f.boolean or f.choices)]
    stated = replace(
        stated,
        ungrouped=frozenset(f.name for f in fields if f.ungrouped),
        option=decimals.option(f"redcap:{export.file}"),
    )
    columns = [*known, *decimals.numbers(export.frame.select(own), [], stated)]
    return decimals.settle(export.frame, columns, export.file, export.lines, stated, by_comma)


def _homes(export: _Export, fields: Sequence[Field], described: Dictionary) -> dict[str, str]:
    """Return the table of each repeating instrument: by its name, or, where an export has labels, by what it fills."""
    form = export.column(_FORM)
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


def _rows(export: _Export, table: str, fields: Sequence[Field], homes: Mapping[str, str]) -> pl.Series:
    """Return which rows of the export make a row of ``table``."""
    form = export.column(_FORM)
    filled = export.filled(f.name for f in fields if f.table == table)
    if table == "participants":
        # Every record is a participant, also one whose forms are still empty; a repeated event is not a new one.
        return form.is_null() & (filled | export.column(_INSTANCE).is_null())
    repeated = form.is_in([name for name, home in homes.items() if home == table]) & form.is_not_null()
    return repeated | (form.is_null() & filled)


def _account(export: _Export, parts: Mapping[str, pl.Series], notices: list[str]) -> None:
    """Say how many rows of the export belong to no table."""
    used = pl.DataFrame(dict(parts)).select(pl.any_horizontal(pl.all())).to_series()
    if left := int((~used).sum()):
        forms = export.column(_FORM).filter(~used).drop_nulls().unique(maintain_order=True).to_list()
        what = f"instruments {', '.join(forms)}" if forms else "no field of a table"
        notices.append(f"{export.file}: {counted(left, 'rows', 'belong')} to no table ({what}); left out")


def _named(field: Field) -> pl.Expr:
    return pl.col(field.name).alias(field.column)


def _decoded(frame: pl.DataFrame, fields: Sequence[Field]) -> pl.DataFrame:
    """Return the fields under their codebook names, choices as levels, yes and no as true and false."""
    columns = [frame[frame.columns[0]].alias(_ID)]
    for field in fields:
        cells = frame[field.name]
        if field.boolean:
            meaning = {word: value for value, words in _WORDS.items() for word in words}
            cells = cells.replace(meaning)
        elif field.choices:
            cells = cells.replace(_meanings(field, cells))
        columns.append(cells.alias(field.column))
    return pl.DataFrame(columns)


def _meanings(field: Field, cells: pl.Series) -> dict[str, str]:
    """Return what each cell of a choice stands for: by code in a raw export, by label in a labelled one."""
    labels = {label: field.level(code) for code, label in field.choices.items()}
    codes = {code: field.level(code) for code in field.choices}
    present = cells.drop_nulls().unique()
    # A word that is both a code and the label of another choice means what most of the column shows.
    by_code = int(present.is_in(list(codes)).sum()) >= int(present.is_in(list(labels)).sum())
    return {**labels, **codes} if by_code else {**codes, **labels}


def _one_row_each(
    export: _Export, frame: pl.DataFrame, lines: pl.Series, events: pl.Series, notices: list[str]
) -> tuple[pl.DataFrame, pl.Series]:
    """Merge the events of a record into one row, when they agree."""
    values = [c for c in frame.columns if c != _ID]
    numbered = frame.with_columns(lines.alias("__line"), events.alias("__event"))
    varies = numbered.group_by(_ID, maintain_order=True).agg(pl.col(values).drop_nulls().n_unique())
    for name in values:
        if (several := varies.filter(pl.col(name) > 1)).height:
            record = several[_ID][0]
            seen = numbered.filter((pl.col(_ID) == record) & pl.col(name).is_not_null())
            seen = seen.unique(name, keep="first", maintain_order=True)
            (one, at, then), (other, later, after) = seen.select(name, "__event", "__line").rows()[:2]
            raise SourceError(
                f"{export.file}: record {record} has {name} = {one} in the event {at} (line {then}) and {other} in "
                f"{later} (line {after}); a participant has one value: export the event that counts, or correct one"
            )
    made = numbered.group_by(_ID, maintain_order=True).agg(
        pl.col(values).drop_nulls().first(), pl.col("__line").first()
    )
    notices.append(
        f"{export.file}: {frame.height} rows of several events were merged into {counted(made.height, 'participants')}"
    )
    return made.select(frame.columns), made["__line"]
