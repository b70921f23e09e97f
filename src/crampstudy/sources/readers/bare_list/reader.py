"""A bare list of nights read, and every notice of how it was understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from crampstudy.cleaning import Unlogged
from crampstudy.cleaning.searches import outliers
from crampstudy.cleaning.searches.keys import form
from crampstudy.codebook import missing
from crampstudy.cohort import TableCount
from crampstudy.cohort.account import Account
from crampstudy.errors import SourceError
from crampstudy.readable import OneLine
from crampstudy.sources.readers.bare_list.date_order import date_format_of
from crampstudy.sources.readers.bare_list.nights import Guess, UnusedRow, usable_nights
from crampstudy.sources.readers.bare_list.roles import ROLES, ROWS, Role, assign_roles, header_row, is_date
from crampstudy.sources.text import decimals, missing_codes, timestamps
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.delimited import Text, read_text
from crampstudy.sources.text.missing_codes import Codes
from crampstudy.sources.text.timestamps import Stamps, StatedTimes


@dataclass(frozen=True, slots=True, repr=False)
class NightList(OneLine):
    """Nights as read: ``frame`` has participant_id, date and cramps (null where nobody counted), a row a night.

    ``rows`` are those of the file, its header apart.
    """

    file: str
    guess: Guess
    frame: pl.DataFrame
    left_out: tuple[UnusedRow, ...]
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
) -> NightList:
    """Read a delimited file with a column each for who, date and cramps, in any order, with a header or without.

    Args:
        path: The file.
        columns: Names of those columns, or their numbers from 1, where the file's contents leave them open. Where each
            row is one cramp, :data:`ROWS` stands for the column of counts.
        date_format: A format such as ``%d/%m/%Y``, where the dates leave theirs open.
        clock: Which night a time of day belongs to.
        time_zone: Where the nights were; times that state their distance from UTC become those of it.
        declared: Missing codes: a count that is one, or a known mark of a missing value, is missing.
        word: Says that nights without a row had no cramp.

    Raises:
        SourceError: the file cannot be read, or it leaves open which column is which, how its dates are written or
            what their times mean.
        UsageError: ``columns``, ``date_format``, ``clock`` or ``time_zone`` does not fit the file, or the ``word`` has
            no window.
    """
    text = read_text(path, header=False)
    stated = dict(columns or {})
    # A column of that name is a column.
    if counted := stated.get("cramps") == ROWS and not (text.frame.height and ROWS in text.frame.row(0)):
        del stated["cramps"]
    _check_width(path.name, text, counted)
    text, header = _below_header(text)
    if text.frame.is_empty():
        raise SourceError(f"{path.name} has a header and no rows")
    cells = header or [None] * text.frame.width
    names = {name: cell or f"column {name}" for name, cell in zip(text.frame.columns, cells, strict=True)}
    found = assign_roles(path.name, text, names, stated, counted=counted)
    missing_codes.check(declared, path.name, (*names.values(), *ROLES))
    text, decimal, remarks = _counts(path.name, text, found.get("cramps"), names, declared)
    written, reason = date_format_of(path.name, text, found["date"], date_format)
    who, date, cramps = (names[found[role]] if role in found else ROWS for role in ROLES)
    times = StatedTimes(clock, timestamps.zone(time_zone) if time_zone is not None else None)
    stamped = timestamps.read(text.frame[found["date"]], written, times, f"{path.name}: {date}")
    guess = Guess(who, date, cramps, header is not None, written, reason, decimal, stamped.clock)
    frame, unused, zeros = usable_nights(text, found, guess, stamped, word)
    if frame.is_empty():
        raise _none_usable(path.name, unused[0])
    others = [names[name] for name in text.frame.columns if name not in found.values()]
    notices = [*text.notices, *remarks, *_far_counts(cramps, frame), *zeros]
    notices += [f"not used: {', '.join(others)}"] if others else []
    notices += [*_clock_notice(date, stamped), *_similar_names(frame["participant_id"].unique(maintain_order=True))]
    left_out = tuple(sorted((*_ragged_rows(text), *unused), key=lambda row: row.line))
    return NightList(path.name, guess, frame, left_out, tuple(notices), text.frame.height + text.unread.height)


def _check_width(file: str, text: Text, counted: bool) -> None:
    """Refuse a list with fewer columns than roles; of counted rows it needs two."""
    width = text.frame.width
    if width < len(ROLES) - counted:
        rows = f"; where each row is one cramp, say --cramps {ROWS}" if width == len(ROLES) - 1 else ""
        raise SourceError(f"{file} has {width} columns; it needs three: who, date and cramps{rows}")


def _ragged_rows(text: Text) -> Iterator[UnusedRow]:
    """Yield the rows that have not the cells of the others."""
    for line, cells, hint in text.unread["line", "cells", "hint"].iter_rows():
        yield UnusedRow(line, "all cells", cells, hint)


def _none_usable(file: str, row: UnusedRow) -> SourceError:
    return SourceError(
        f"{file}: no row can be used; the first, line {row.line}, {row.column} = {row.value or ''!r}: {row.reason}"
    )


def _below_header(text: Text) -> tuple[Text, Sequence[str | None] | None]:
    """Return the text below its header, and the header, ``None`` where there is none."""
    lines = text.frame.rows()
    if not lines or any(map(is_date, lines[0])):
        return text, None
    above = header_row(lines)
    titles = tuple(f"line {line} above the header was left out: a title" for line in text.lines[:above])
    below = slice(above + 1, None)
    text = replace(text, frame=text.frame[below], lines=text.lines[below], notices=(*text.notices, *titles))
    return text, lines[above]


def _counts(
    file: str, text: Text, column: str | None, names: Mapping[str, str], declared: Codes
) -> tuple[Text, Mark, list[str]]:
    """Return the text with decimal points in its counts, the mark they had, and notices."""
    if column is None:
        return text, ".", ["each row is one cramp: the rows of a night were counted"]
    text, notices = _without_missing(file, text, column, names[column], declared)
    return *_with_points(file, text, column), notices


def _without_missing(file: str, text: Text, column: str, name: str, declared: Codes) -> tuple[Text, list[str]]:
    """Return the text without codes and marks of a missing value in the column of counts, and notices of them."""
    cells, notices = text.frame[column], []
    coded = missing_codes.held(cells, (*declared.of(name), *(declared.of("cramps") if name != "cramps" else ())))
    words = cells.filter(~cells.str.contains(r"^[+-]?\d")).unique()
    marked = cells.is_in([word for word in words if missing.is_mark(word)]).fill_null(value=False)
    for gone, what in ((coded, "a declared missing code"), (marked, "a mark of a missing value")):
        if gone.any():
            notices.append(missing_codes.notice(f"{file}: {name}", cells.filter(gone), what))
    return replace(text, frame=text.frame.with_columns(cells.set(coded | marked, None))), notices


def _far_counts(name: str, nights: pl.DataFrame) -> list[str]:
    """Return a notice of counts that are far above all others."""
    far = outliers.far_rows(nights.select("participant_id", count="cramps"))["count"]
    if far.is_empty():
        return []
    return [
        f"{name}: {len(far)} counts such as {far[0]} are far above the participants' other nights and everybody "
        f"else's: kept, look at them; if {far[0]} is a code for a missing answer, say so: --missing {far[0]}"
    ]


def _with_points(file: str, text: Text, name: str) -> tuple[Text, Mark]:
    """Return the counts with decimal points, and the mark that they had."""
    # No night has a thousand cramps.
    stated = Stated(ungrouped=frozenset([name]))
    frame, notices = decimals.settle(text.frame, [name], file, text.lines, stated)
    return replace(text, frame=frame), "," if notices else "."


def _clock_notice(date: str, stamped: Stamps) -> list[str]:
    """Return a notice of what was made of times of day."""
    means: dict[Clock, str] = {
        "timestamp": "times before noon belong to the night that began the evening before",
        "morning": "each night moved one day back, to the evening on which it began",
        "evening": "times of day from noon on left out" if stamped.timed else "",
    }
    return [f"{date}: {means[stamped.clock]}"] if means[stamped.clock] else []


def _similar_names(people: pl.Series) -> tuple[str, ...]:
    """Return a notice for participants whose identifiers are nearly the same."""
    groups = pl.DataFrame({"who": people, "form": form(people)}).group_by("form", maintain_order=True).agg("who")
    return tuple(
        f"{', '.join(who)}: are they one person? the identifiers differ only in case, spaces, hyphens, leading zeros "
        "or decimals; write them in one way"
        for who in groups["who"]
        if len(who) > 1
    )
