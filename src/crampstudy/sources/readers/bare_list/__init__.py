"""A bare list of nights: which column says who, which says when, and which counts the cramps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from crampstudy.cleaning import Unlogged, outliers
from crampstudy.cleaning.keys import form
from crampstudy.codebook import missing
from crampstudy.cohort import TableCount
from crampstudy.cohort.account import Account
from crampstudy.errors import SourceError
from crampstudy.sources.readers.bare_list.date_order import date_format_of
from crampstudy.sources.readers.bare_list.nights import Guess, LeftOut, usable_nights
from crampstudy.sources.readers.bare_list.roles import ROLES, ROWS, Role, assigned, header_row, is_date
from crampstudy.sources.text import decimals, missing_codes, timestamps
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.delimited import Text, read_text
from crampstudy.sources.text.missing_codes import Codes
from crampstudy.sources.text.timestamps import Stamps, Told

__all__ = ["ROLES", "ROWS", "Guess", "LeftOut", "Nights", "Role", "read"]


@dataclass(frozen=True, slots=True)
class Nights:
    """Nights as read: ``frame`` has participant_id, date and cramps (null where nobody counted), a row a night.

    ``rows`` are those of the file, its header apart.
    """

    file: str
    guess: Guess
    frame: pl.DataFrame
    left_out: tuple[LeftOut, ...]
    notices: tuple[str, ...]
    rows: int

    @property
    def account(self) -> Account:
        """What was read, left out and used."""
        rejected = len({row.line for row in self.left_out})
        table = TableCount("diary", self.file, self.rows, self.rows - rejected, rejected)
        return Account("nights", self.frame.height, (("without a count", self.frame["cramps"].null_count()),), (table,))


def read(
    path: Path,
    *,
    columns: dict[Role, str] | None = None,
    date_format: str | None = None,
    clock: Clock | None = None,
    time_zone: str | None = None,
    declared: Codes = missing_codes.NONE,
    word: Unlogged | None = None,
) -> Nights:
    """Read a delimited file with a column each for who, date and cramps, in any order, with a header or without.

    ``columns`` names those (or gives their numbers from 1) that the file's contents leave open; ``date_format`` such
    as ``%d/%m/%Y`` decides what the dates leave open, ``clock`` which night a time of day belongs to; times that
    state their distance from UTC become those of ``time_zone``. A count that is a ``declared`` code, or a known mark of
    a missing value, is missing. Where each row is one cramp, :data:`ROWS` stands for the column of counts. ``word``
    says that nights without a row had no cramp.

    Raises:
        SourceError: the file cannot be read, or it leaves open which column is which, how its dates are written or
            what their times mean.
        UsageError: ``columns``, ``date_format``, ``clock`` or ``time_zone`` does not fit the file, or the ``word`` has
            no window.
    """
    text = read_text(path, header=False)
    unread = tuple(
        LeftOut(line, "all cells", cells, hint)
        for line, cells, hint in text.unread["line", "cells", "hint"].iter_rows()
    )
    stated = dict(columns or {})
    # A column of that name is a column.
    if counted := stated.get("cramps") == ROWS and not (text.frame.height and ROWS in text.frame.row(0)):
        del stated["cramps"]
    if text.frame.width < len(ROLES) - counted:
        rows = f"; where each row is one cramp, say --cramps {ROWS}" if text.frame.width == len(ROLES) - 1 else ""
        raise SourceError(f"{path.name} has {text.frame.width} columns; it needs three: who, date and cramps{rows}")
    text, given = _headed(text)
    if text.frame.is_empty():
        raise SourceError(f"{path.name} has a header and no rows")
    header = given is not None
    cells = given or [None] * text.frame.width
    names = {name: cell or f"column {name}" for name, cell in zip(text.frame.columns, cells, strict=True)}
    found = assigned(path.name, text, names, stated, counted=counted)
    missing_codes.check(declared, path.name, (*names.values(), *ROLES))
    notices, decimal = ["each row is one cramp: the rows of a night were counted"], "."
    if not counted:
        text, notices = _answered(path.name, text, found["cramps"], names[found["cramps"]], declared)
        text, decimal = _pointed(path.name, text, found["cramps"])
    written, reason = date_format_of(path.name, text, found["date"], date_format)
    who, date, cramps = (names[found[role]] if role in found else ROWS for role in ROLES)
    told = Told(clock, timestamps.zone(time_zone) if time_zone is not None else None)
    stamped = timestamps.read(text.frame[found["date"]], written, told, f"{path.name}: {date}")
    guess = Guess(who, date, cramps, header, written, reason, decimal, stamped.clock)
    frame, left_out, zeros = usable_nights(text, found, guess, stamped, word)
    if frame.is_empty():
        row = left_out[0]
        raise SourceError(
            f"{path.name}: no row can be used; the first, line {row.line}, "
            f"{row.column} = {row.value or ''!r}: {row.reason}"
        )
    others = [names[name] for name in text.frame.columns if name not in found.values()]
    notices += [*_far(cramps, frame), *zeros, *([f"not used: {', '.join(others)}"] if others else [])]
    notices += [*_meant(date, stamped), *_similar(frame["participant_id"].unique(maintain_order=True))]
    left_out = tuple(sorted((*unread, *left_out), key=lambda row: row.line))
    rows_read = text.frame.height + text.unread.height
    return Nights(path.name, guess, frame, left_out, (*text.notices, *notices), rows_read)


def _headed(text: Text) -> tuple[Text, Sequence[str | None] | None]:
    """Return the text below its header, and the header, ``None`` where there is none."""
    lines = text.frame.rows()
    if not lines or any(map(is_date, lines[0])):
        return text, None
    above = header_row(lines)
    titles = tuple(f"line {line} above the header was left out: a title" for line in text.lines[:above])
    below = slice(above + 1, None)
    text = replace(text, frame=text.frame[below], lines=text.lines[below], notices=(*text.notices, *titles))
    return text, lines[above]


def _answered(file: str, text: Text, column: str, name: str, declared: Codes) -> tuple[Text, list[str]]:
    """Return the text without codes and marks of a missing value in the column of counts, and what is said of them."""
    cells, said = text.frame[column], []
    coded = missing_codes.held(cells, (*declared.of(name), *(declared.of("cramps") if name != "cramps" else ())))
    words = cells.filter(~cells.str.contains(r"^[+-]?\d")).unique()
    marked = cells.is_in([word for word in words if missing.is_mark(word)]).fill_null(value=False)
    for gone, what in ((coded, "a declared missing code"), (marked, "a mark of a missing value")):
        if gone.any():
            said.append(missing_codes.notice(f"{file}: {name}", cells.filter(gone), what))
    return replace(text, frame=text.frame.with_columns(cells.set(coded | marked, None))), said


def _far(name: str, nights: pl.DataFrame) -> list[str]:
    """Return what is said of counts that are far above all others."""
    far = outliers.far(nights.select("participant_id", count="cramps"))["count"]
    if far.is_empty():
        return []
    return [
        f"{name}: {len(far)} counts such as {far[0]} are far above the participants' other nights and everybody "
        f"else's: kept, look at them; if {far[0]} is a code for a missing answer, say so: --missing {far[0]}"
    ]


def _pointed(file: str, text: Text, name: str) -> tuple[Text, Mark]:
    """Return the counts with decimal points, and the mark that they had."""
    # No night has a thousand cramps.
    stated = Stated(ungrouped=frozenset([name]))
    frame, said = decimals.settle(text.frame, [name], file, text.lines, stated)
    return replace(text, frame=frame), "," if said else "."


def _meant(date: str, stamped: Stamps) -> list[str]:
    """Return what was made of times of day."""
    means: dict[Clock, str] = {
        "timestamp": "times before noon belong to the night that began the evening before",
        "morning": "each night moved one day back, to the evening on which it began",
        "evening": "times of day from noon on left out" if stamped.timed else "",
    }
    return [f"{date}: {means[stamped.clock]}"] if means[stamped.clock] else []


def _similar(people: pl.Series) -> tuple[str, ...]:
    """Return a notice for participants whose identifiers are nearly the same."""
    groups = pl.DataFrame({"who": people, "form": form(people)}).group_by("form", maintain_order=True).agg("who")
    return tuple(
        f"{', '.join(who)}: are they one person? the identifiers differ only in case, spaces, hyphens, leading zeros "
        "or decimals; write them in one way"
        for who in groups["who"]
        if len(who) > 1
    )
