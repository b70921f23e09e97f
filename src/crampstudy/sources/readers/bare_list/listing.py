"""A list of nights as a table below its header, from whatever file it came, and how a mapping says the same of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from crampstudy.errors import OpenQuestion, SourceError, UsageError
from crampstudy.sources.readers.bare_list.mapping_text import Keys, Value
from crampstudy.sources.readers.bare_list.roles import is_date
from crampstudy.sources.readers.bare_list.words import words
from crampstudy.sources.readers.mapped.mapping import NO_HEADER
from crampstudy.sources.text import header_rows, night_columns
from crampstudy.sources.text.delimited import first_rows, read_text
from crampstudy.sources.text.header_rows import HeaderRows

_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".numbers")
_STATISTICAL = (".sas7bdat", ".xpt", ".dta", ".sav", ".zsav")
_ASKED = r'"(QID|externalDataReference)'
_PREVIEWS = ("1", "Survey Preview")
_FORMS = re.compile(r"(redcap )?(repeat|event)( instrument| instance| name)?")
Rows = Sequence[Sequence[str]]
ONE_PERSON, ONE_NAME = "__one_person", "1"
"""The column that a list of one person lacks, and what the person is called."""
SHEET = "sheet"
"""The key of a mapping that each of its tables has by itself."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A list below its header, all of it text: the columns of ``frame`` are called as the mapping calls them.

    Attributes:
        path: The file.
        file: How messages call it.
        frame: The rows.
        lines: The line of each row.
        names: The columns as people know them.
        header: Whether the file has one.
        keys: What the mapping says of the file's layout.
        labels: Value labels of a statistical file, by column.
        questions: What rows below the header say of each column.
        system: Columns that a survey tool adds by itself.
        notices: What is to be said of the reading.
        only: The condition of the rows that are answers, where some are not.
        nights: What the mapping says of headings that are nights, if some are.
    """

    path: Path
    file: str
    frame: pl.DataFrame
    lines: pl.Series
    names: Mapping[str, str]
    header: bool
    keys: Mapping[str, Value | Keys] = field(default_factory=dict)
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    questions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    system: frozenset[str] = frozenset()
    notices: tuple[str, ...] = ()
    only: str | None = None
    nights: Mapping[str, Value | Keys] | None = None

    @property
    def forms(self) -> bool:
        """Whether rows may be of other forms than that of the nights, as in an export of REDCap."""
        return any(_FORMS.fullmatch(words(name)) for name in self.names.values())

    def headings(self, column: str) -> tuple[str, ...]:
        """Return what says what a column means: its name, and what stands below it."""
        return self.names[column], *self.questions.get(column, ())

    def says(self, column: str, pattern: str) -> bool:
        """Return whether a heading of a column, as words, begins with a pattern."""
        return any(re.match(pattern, words(heading)) for heading in self.headings(column))


def of_one_person(listing: Listing, *, stated: bool) -> Listing:
    """Return a list with a column by which all rows are of one person, and a notice unless it was ``stated``."""
    frame = listing.frame.with_columns(pl.lit(ONE_NAME).alias(ONE_PERSON))
    said = (
        f"{listing.file}: no column says who, and no night stands twice: all nights are of one participant, called "
        f"{ONE_NAME}; where several took part, add a column that names each"
    )
    notices = listing.notices if stated else (*listing.notices, said)
    return replace(listing, frame=frame, names={**listing.names, ONE_PERSON: "one participant"}, notices=notices)


def load(path: Path, sheet: str | None = None, *, padded: bool = False) -> Listing:
    """Read a file as a list of nights; of a workbook the ``sheet``, or the only one that holds dates.

    Rows of text that end early have empty cells there if they are ``padded``; else they are no rows of the list.

    Raises:
        SourceError: the file cannot be read, or several sheets may be the list.
        UsageError: a sheet is named of what is no workbook, or there is no such sheet.
    """
    suffix = path.suffix.lower()
    if suffix in _WORKBOOKS:
        return _workbook(path, sheet)
    if sheet is not None:
        raise UsageError(f"--sheet {sheet}: {path.name} is no workbook (.xlsx, .xlsm); leave it out")
    if suffix in _STATISTICAL:
        return _statistical(path)
    if path.is_dir():
        raise SourceError(f"{path} is a folder, and try reads one file; a study is looked at by crampstudy validate")
    rows, lines = first_rows(path)
    place = _header(rows, lines)
    text = read_text(path, rows=place, padded=padded)
    keys: dict[str, Value | Keys] = {"short_rows": "empty"} if padded else {}
    return _listing(path, path.name, (text.frame, text.lines), (rows, lines), place, text.notices, keys)


def _workbook(path: Path, sheet: str | None) -> Listing:
    from crampstudy.sources.readers import spreadsheet

    sheets = spreadsheet.first_rows(path)
    title = _sheet(path, sheets, sheet)
    rows, lines = sheets[title]
    place = _header(rows, lines)
    grid = spreadsheet.load(path, title, header=place)
    notices = list(grid.notices)
    if others := [other for other in sheets if other != title]:
        notices.append(f"{path.name}: other sheets, left out: {', '.join(others)}")
    # Without the key, a mapping reads the first sheet.
    keys: dict[str, Value | Keys] = {SHEET: title}
    return _listing(path, grid.file, (grid.frame, grid.lines), (rows, lines), place, tuple(notices), keys)


def _sheet(path: Path, sheets: Mapping[str, tuple[Rows, Sequence[int]]], stated: str | None) -> str:
    if stated is not None:
        if stated not in sheets:
            raise UsageError(f"--sheet: {path.name} has no sheet {stated!r} with rows; it has {', '.join(sheets)}")
        return stated
    if {"participants", "diary"} <= {title.strip().lower() for title in sheets}:
        raise SourceError(
            f"{path} is a study already, with the sheets participants and diary; run: crampstudy validate"
        )
    dated = [title for title, (rows, _) in sheets.items() if any(is_date(cell) for row in rows for cell in row)]
    if len(dated) > 1:
        raise OpenQuestion(
            f"{path.name}: the sheets {', '.join(dated)} have dates; say which is the list of nights with --sheet NAME",
            ("--sheet", dated[0]),
        )
    return dated[0] if dated else next(iter(sheets))


def _statistical(path: Path) -> Listing:
    from crampstudy.sources.readers import statfile

    grid, labels, questions = statfile.labelled(path)
    asked = {name: (label,) for name, label in questions.items()}
    names = {name: name for name in grid.frame.columns}
    made = Listing(path, grid.file, grid.frame, grid.lines, names, header=True, labels=labels, notices=grid.notices)
    return replace(made, questions=asked)


def _header(rows: Rows, lines: Sequence[int]) -> HeaderRows:
    """Return where the header stands, so that a mapping can say it."""
    if (found := header_rows.find(rows, lines)) is not None:
        return found
    if rows and any(map(is_date, rows[0])) and night_columns.recognised(rows[0]) is None:
        return HeaderRows(absent=True)
    return HeaderRows(tuple(lines[:1]))


def _listing(
    path: Path,
    file: str,
    table: tuple[pl.DataFrame, pl.Series],
    first: tuple[Rows, Sequence[int]],
    place: HeaderRows,
    notices: tuple[str, ...],
    keys: Mapping[str, Value | Keys] | None = None,
) -> Listing:
    """Return a table as a listing.

    Args:
        path: The file.
        file: How messages call it.
        table: Its rows and their lines.
        first: Its first rows as they stand, and their lines.
        place: Where its header stands.
        notices: What is to be said of the reading.
        keys: What the mapping says of the layout beside the header.
    """
    frame, lines = table
    if frame.is_empty():
        raise SourceError(f"{path.name} has a header and no rows")
    names = {name: f"column {name}" if place.absent else name for name in frame.columns}
    below: Rows = ()
    if place.header:
        at = first[1].index(place.header[-1])
        below = first[0][at + 1 : at + 1 + place.below]
    questions = {
        name: tuple(row[n] for row in below if n < len(row) and "ImportId" not in row[n])
        for n, name in enumerate(frame.columns)
    }
    # Qualtrics says below each column how it is stored; a question of the survey is a QID.
    stored = {name: row[n] for row in below for n, name in enumerate(frame.columns) if n < len(row)}
    system = {name for name, text in stored.items() if "ImportId" in text and not re.search(_ASKED, text)}
    only = None
    if "Status" in system:
        frame, lines, only, said = _answers(path.name, frame, lines)
        notices = (*notices, *said)
    made = Listing(path, file, frame, lines, names, not place.absent, {**(keys or {}), **_layout(place)})
    return replace(made, questions=questions, system=frozenset(system), notices=notices, only=only)


def _answers(
    file: str, frame: pl.DataFrame, lines: pl.Series
) -> tuple[pl.DataFrame, pl.Series, str | None, tuple[str, ...]]:
    """Return the rows of a Qualtrics export that are no previews of the survey, and the condition that says so."""
    preview = frame["Status"].is_in(_PREVIEWS).fill_null(value=False)
    if not preview.any():
        return frame, lines, None, ()
    status = ", ".join(f"'{word}'" for word in _PREVIEWS)
    said = f"{file}: previews of the survey, left out: {int(preview.sum())}"
    return frame.filter(~preview), lines.filter(~preview), f"Status NOT IN ({status})", (said,)


def _layout(place: HeaderRows) -> dict[str, Value | Keys]:
    """Return the keys of a mapping that say where the header stands."""
    if place.absent:
        return {"header": NO_HEADER}
    header = [str(line) for line in place.header]
    made: dict[str, Value | Keys] = {"header": header[0] if len(header) == 1 else header}
    return made | ({"skip": str(place.below)} if place.below else {})
