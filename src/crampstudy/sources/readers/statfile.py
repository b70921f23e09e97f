"""Files of SAS, Stata and SPSS as a cohort: value labels become levels, user-missing values are missing.

So are values whose label says that there is none ("no answer"), whether the file declares them missing or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from pathlib import Path
from typing import Any

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import Raw
from crampstudy.codebook import missing
from crampstudy.errors import SourceError
from crampstudy.sources.readers import statread
from crampstudy.sources.readers.statread import Unreadable
from crampstudy.sources.readers.wide import (
    Chosen,
    Grid,
    as_diary,
    check_cohort,
    codebook_names,
    split,
    with_points,
    without_codes,
)
from crampstudy.sources.text import decimals, missing_codes, stored
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.missing_codes import Codes

Labels = Mapping[str, Mapping[Any, str]]

_READERS: Mapping[str, str] = {
    ".xpt": "read_xport",
    ".sas7bdat": "read_sas7bdat",
    ".dta": "read_dta",
    ".sav": "read_sav",
    ".zsav": "read_sav",
}
SUFFIXES = tuple(_READERS)
_YES_NO = {"yes": "true", "no": "false", "true": "true", "false": "false"}
_DECLARED = "a value that the file declares missing"
_LABELLED = "a value labelled as no answer"
_RECORD_LENGTH = 80  # bytes, of a transport file
TRANSPORT_ZERO = 1e-70
"""Below it a number is a zero: transport files hold zero as the smallest IBM float, 5.397605e-79, and so do copies."""


def read(path: Path, *, declared: Codes = missing_codes.NONE, decimal: Mark | None = None) -> Raw:
    """Read a wide file (a row is one participant and night, columns have codebook names) as a diary cohort.

    Names are matched whatever their case. Value labels are applied where the codebook says level or yes/no and the
    label is such a level; a code without such a label stays as it is, for the ledger. Cells that hold a ``declared``
    code are missing. The line of a row is its number among the observations, from 1. ``decimal`` is the mark of numbers
    that are stored as texts, where they leave it open.

    Raises:
        SourceError: the file is missing, broken, empty or of another kind, or its columns do not make a cohort.
    """
    grid, texts, labels, _ = _load(path)
    grid = with_points(grid, texts, Stated(decimal, option=decimals.option(f"stat:{path.name}")), declared=declared)
    names = codebook_names(grid.frame.columns)
    grid = without_codes(grid, declared)
    frame = grid.frame
    missing_codes.check(declared, grid.file, frame.columns)
    check_cohort(path, grid)
    labels = {names.get(column, column): meanings for column, meanings in labels.items()}
    made = {c: meanings for c in frame.columns if (meanings := _meanings(c, labels.get(c, {})))}
    frame = frame.with_columns(pl.col(c).replace(meanings) for c, meanings in made.items())
    said = tuple(f"{grid.file}: value labels of {c} were read as {', '.join(m.values())}" for c, m in made.items())
    tables, how = split(frame, grid.lines, grid.file)
    return as_diary(path, tables, (*grid.notices, *said, *how))


def load(path: Path, numbers: Chosen = lambda _: (), stated: Stated = decimals.NOTHING) -> Grid:
    """Return the file as it stands, names and codes unchanged, as a mapping needs it.

    In the columns that ``numbers`` chooses what is stored as text gets decimal points.

    Numbers are written as Python writes them, whole ones without a point; dates as YYYY-MM-DD, date-times as
    YYYY-MM-DDTHH:MM:SS (midnight is a date where the column has no other time). Missing, empty and user-missing
    cells are null, and so are those whose value label says that there is no value.

    Raises:
        SourceError: the file is missing, broken, empty or of another kind.
    """
    grid, texts, _, _ = _load(path)
    return with_points(grid, texts, stated, numbers)


def labelled(path: Path) -> tuple[Grid, Labels, Mapping[str, str]]:
    """Return the file as :func:`load` does, its value labels by column and code, and the labels of its columns.

    Raises:
        SourceError: as :func:`load`.
    """
    grid, _, labels, questions = _load(path)
    texts = {name: {_code(code) or "": label for code, label in meanings.items()} for name, meanings in labels.items()}
    return grid, texts, {name: label for name, label in questions.items() if label}


def check_transport(path: Path) -> None:
    """Refuse a SAS transport file that was cut off within a record.

    Raises:
        SourceError: its length is not a whole number of records.
    """
    # The format does not say how many rows there are: the reader would leave out what is cut off.
    if path.stat().st_size % _RECORD_LENGTH:
        raise SourceError(f"{path} is cut off: a transport file is a whole number of 80-byte records; copy it again")


def _load(path: Path) -> tuple[Grid, list[pl.Series], Labels, Mapping[str, str | None]]:
    """Return the file, those of its columns that it stores as texts, its value labels, and its columns' labels."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"{path} is not one of the statistical files that are read: {', '.join(SUFFIXES)}")
    if not path.is_file():
        raise SourceError(f"there is no file {path}; give a file with one of the endings {', '.join(SUFFIXES)}")
    if path.suffix.lower() == ".xpt":
        check_transport(path)
    try:
        columns, labels, questions = statread.read(reader, path)
    except Unreadable as error:
        raise SourceError(f"{path} cannot be read as {path.suffix[1:]} ({error}); export it again") from None
    if not all(columns):
        raise SourceError(f"{path} cannot be read as {path.suffix[1:]} (a column has no name); export it again")
    frame = pl.DataFrame([_text(name, values) for name, values in columns.items()])
    if frame.is_empty():
        raise SourceError(f"{path} has no observations; export it again with its rows")
    empty = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
    lines = pl.int_range(1, frame.height + 1, dtype=pl.Int64, eager=True)
    notices = (f"{path.name}: empty observations skipped: {empty.sum()}",) if empty.any() else ()
    said = _user_missing(path, reader, frame, labels)
    frame, unanswered = _without_answer(path.name, frame, labels)
    notices = (*notices, *said, *unanswered)
    grid = Grid(path.stem, path.name, frame.filter(~empty), lines.filter(~empty), notices)
    texts = [grid.frame[name] for name, values in columns.items() if any(isinstance(v, str) for v in values)]
    return grid, texts, labels, questions


def _user_missing(path: Path, reader: str, frame: pl.DataFrame, labels: Labels) -> list[str]:
    """Return how many cells of each column hold a value that the file itself declares missing."""
    lacking = [name for name in frame.columns if frame[name].null_count()]
    if not lacking or path.suffix.lower() == ".xpt":
        return []
    columns, _, _ = statread.read(reader, path, user_missing=True, usecols=lacking)
    said = []
    for name, values in columns.items():
        declared = _text(name, values).filter(frame[name].is_null()).drop_nulls()
        if len(declared):
            said.append(
                missing_codes.notice(f"{path.name}: {name}", _labelled(declared, labels.get(name, {})), _DECLARED)
            )
    return said


def _without_answer(file: str, frame: pl.DataFrame, labels: Labels) -> tuple[pl.DataFrame, list[str]]:
    """Return the columns without numbers whose label says that there is no value, and a notice for each of them.

    Of yes or no and of levels, such a label is none of them, which the ledger shows.
    """
    said = []
    for name in frame.columns:
        if (variable := codebook.find(name.lower())) and variable.type in ("level", "boolean"):
            continue
        meanings = labels.get(name, {}).items()
        found = {
            code: label for code, label in meanings if not isinstance(code, str) and missing.reads_as_missing(label)
        }
        gone = missing_codes.held(frame[name], [text for code in found if (text := _code(code))])
        if gone.any():
            said.append(missing_codes.notice(f"{file}: {name}", _labelled(frame[name].filter(gone), found), _LABELLED))
            frame = frame.with_columns(frame[name].set(gone, None))
    return frame, said


def _labelled(cells: pl.Series, labels: Mapping[Any, str]) -> pl.Series:
    """Return cells with their labels beside them: ``99 = no answer``."""
    names = {text: f"{text} = {label}" for code, label in labels.items() if (text := _code(code))}
    return cells.replace(names)


def _code(code: Any) -> str | None:
    return _cell(float(code) if isinstance(code, int) else code, dated=False)


def _text(name: str, values: list[Any]) -> pl.Series:
    """Return a column as text; a file of this kind gives numbers, texts, dates, date-times or times."""
    # Without a time of day anywhere, a date-time is a date in another storage format.
    dated = all(v.time() == time() for v in values if isinstance(v, datetime))
    wants_clock = (found := codebook.find(name.lower())) is not None and found.type == "datetime"
    return pl.Series(name, [_cell(v, dated and not wants_clock) for v in values], dtype=pl.String)


def _cell(value: Any, dated: bool) -> str | None:
    if isinstance(value, float):
        if value != value:
            return None
        value = 0.0 if abs(value) < TRANSPORT_ZERO else value
    return stored.as_text(value, dated)


def _meanings(column: str, labels: Mapping[Any, str]) -> dict[str, str]:
    """Return what the codes of a level or yes/no variable mean, as far as their labels are its levels."""
    variable = codebook.find(column, "participants") or codebook.find(column, "diary")
    if variable is None or variable.type not in ("level", "boolean"):
        return {}
    levels = _YES_NO if variable.type == "boolean" else {level: level for level in variable.levels}
    made = {}
    for code, label in labels.items():
        level = levels.get("_".join(label.lower().replace("-", " ").split()))
        text = _code(code)
        if level is not None and text is not None:
            made[text] = level
    return made
