"""A bare list of nights: which column says who, which says when, and which counts the cramps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from crampstudy import codebook
from crampstudy.account import Account
from crampstudy.cleaning import Unlogged, outliers, unlogged
from crampstudy.cleaning.keys import form
from crampstudy.codebook import missing, rules
from crampstudy.cohort import TableCount
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.text import dates, decimals, missing_codes, timestamps
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.decimals import Mark, Stated
from crampstudy.sources.text.delimited import Text, read_text
from crampstudy.sources.text.missing_codes import Codes
from crampstudy.sources.text.timestamps import Stamps, Told

Role = Literal["who", "date", "cramps"]
ROLES: tuple[Role, ...] = get_args(Role)
ROWS = "rows"
"""In the place of a column of counts: each row is one cramp."""

# Beginnings of column names, without accents: English, German, French, Spanish, Italian, Portuguese, Dutch, Nordic.
_NAMES: dict[Role, str] = {
    "who": r"who$|id$|pid$|.*_id$|wer$|qui$|name$|person|participant|patient|paziente|paciente|subje|sujet|soggetto|"
    r"teilnehm|proband|deelnemer|deltager|deltagar|record|code$|kennung|user",
    "date": r"date|datum|dato$|data$|fecha|night|nacht|nuit|noche|notte|noite|day$|tag$|jour$|dia$|giorno",
    "cramps": r".*(cramp|krampf|krampe|kramp|calambre|crampi|caimbra)|"
    r"n$|count|number|anzahl|nombre|numero|antal|aantal",
}
_YEAR_FIRST = rf"^\d{{4}}([-/.])\d{{1,2}}[-/.]\d{{1,2}}{timestamps.TIME}"
_YEAR_LAST = rf"^(\d{{1,2}})([-/.])(\d{{1,2}})[-/.](\d{{4}}|\d{{2}}){timestamps.TIME}"
_MOST = 0.5


@dataclass(frozen=True, slots=True)
class Guess:
    """What the columns were taken to be, by their names or numbers, and why the dates were read as they were."""

    who: str
    date: str
    cramps: str
    header: bool
    date_format: str
    reason: str
    decimal: str
    clock: Clock = "evening"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that cannot be used: its line in the file, the cell, and what is wrong."""

    line: int
    column: str
    value: str | None
    reason: str


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
    lines = text.frame.rows()
    header = bool(lines) and not any(map(_is_date, lines[0]))
    if header:
        above = _header(lines)
        titles = tuple(f"line {line} above the header was left out: a title" for line in text.lines[:above])
        text = replace(
            text, frame=text.frame[above + 1 :], lines=text.lines[above + 1 :], notices=(*text.notices, *titles)
        )
    if text.frame.is_empty():
        raise SourceError(f"{path.name} has a header and no rows")
    given = lines[above] if header else [None] * text.frame.width
    names = {name: cell or f"column {name}" for name, cell in zip(text.frame.columns, given, strict=True)}
    found = _roles(path.name, text, names, stated, counted=counted)
    missing_codes.check(declared, path.name, (*names.values(), *ROLES))
    notices, decimal = ["each row is one cramp: the rows of a night were counted"], "."
    if not counted:
        text, notices = _answered(path.name, text, found["cramps"], names[found["cramps"]], declared)
        text, decimal = _pointed(path.name, text, found["cramps"])
    written, reason = _format(path.name, text, found["date"], date_format)
    who, date, cramps = (names[found[role]] if role in found else ROWS for role in ROLES)
    told = Told(clock, timestamps.zone(time_zone) if time_zone is not None else None)
    stamped = timestamps.read(text.frame[found["date"]], written, told, f"{path.name}: {date}")
    guess = Guess(who, date, cramps, header, written, reason, decimal, stamped.clock)
    frame, left_out, zeros = _nights(text, found, guess, stamped, word)
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


def _is_date(cell: str | None) -> bool:
    return cell is not None and bool(re.match(_YEAR_FIRST, cell) or re.match(_YEAR_LAST, cell))


def _header(rows: Sequence[tuple[str | None, ...]]) -> int:
    """Return which row is the header: the first with a name for each column, if it stands above all dates."""
    for place, row in enumerate(rows):
        if any(map(_is_date, row)):
            break
        if None not in row:
            return place
    return 0


def _share(cells: pl.Series, pattern: str) -> float:
    filled = cells.drop_nulls()
    return float(filled.str.contains(pattern).mean() or 0) if len(filled) else 0.0  # type: ignore[arg-type]


def _roles(
    file: str, text: Text, names: dict[str, str], stated: dict[Role, str], *, counted: bool = False
) -> dict[Role, str]:
    """Return which column has which role: as stated, then by contents and names together; of counted rows but two."""
    found: dict[Role, str] = {}
    for role, wanted in stated.items():
        matching = [name for name in names if wanted in (name, names[name])]
        if not matching:
            raise UsageError(f"--{role}: {file} has no column {wanted!r}; it has {', '.join(names.values())}")
        found[role] = matching[0]
    for role in ("date", "cramps", "who"):
        if role in found or (role == "cramps" and counted):
            continue
        left = [name for name in names if name not in found.values()]
        fitting = [name for name in left if _fits(role, text, name)]
        if role == "who" and len(left) > 1:
            fitting = _identifying(text, fitting, found["date"])
        named = [name for name in fitting if re.match(_NAMES[role], _plain(names[name]))]
        if role == "cramps":
            fitting = [name for name in fitting if not re.match(_NAMES["who"], _plain(names[name]))]
            # Of two columns of counts, the one that cannot be who.
            named = named if len(named) == 1 else _not_identifying(text, fitting, found["date"])
        chosen = named if len(named) == 1 else fitting
        if len(chosen) != 1:
            raise SourceError(_open_question(file, role, [names[name] for name in chosen], list(names.values())))
        found[role] = chosen[0]
    return found


def _fits(role: Role, text: Text, name: str) -> bool:
    cells = text.frame[name]
    cells = cells.filter(~cells.is_in(sorted(missing.MARKS)))
    if role == "date":
        return _share(cells, f"{_YEAR_FIRST}|{_YEAR_LAST}") > _MOST
    if role == "cramps":
        # A leading zero marks an identifier.
        return _share(cells, r"^(0|[1-9]\d{0,2})([.,]0+)?$") > _MOST
    return text.frame[name].null_count() < text.frame.height


def _identifying(text: Text, names: Sequence[str], date: str) -> list[str]:
    """Return the columns that tell rows of one date apart, all of them where none does."""
    nights = text.frame.height
    telling = [name for name in names if text.frame.select(pl.struct(name, date).n_unique()).item() == nights]
    return telling or list(names)


def _not_identifying(text: Text, names: Sequence[str], date: str) -> list[str]:
    telling = _identifying(text, names, date)
    return [name for name in names if name not in telling] if len(telling) < len(names) else list(names)


def _plain(name: str) -> str:
    apart = unicodedata.normalize("NFKD", name.casefold())
    return "".join(mark for mark in apart if not unicodedata.combining(mark)).strip()


def _open_question(file: str, role: Role, candidates: Sequence[str], names: Sequence[str]) -> str:
    what = {"who": "says who", "date": "has dates", "cramps": "has whole numbers of cramps"}[role]
    if candidates:
        return f"{file}: {' and '.join(candidates)} could each be the column that {what}; say it with --{role} NAME"
    rows = f", or, where each row is one cramp, say --cramps {ROWS}" if role == "cramps" else ""
    return (
        f"{file}: no column {what} in most rows (the columns are {', '.join(names)}); "
        f"give three columns, who, date and cramps, or name it with --{role} NAME{rows}"
    )


def _format(file: str, text: Text, name: str, stated: str | None) -> tuple[str, str]:
    """Return the format of the dates and why; day and month are never guessed."""
    cells = text.frame[name]
    if stated is not None:
        if wrong := dates.problem(stated, timed=False):
            raise UsageError(f"--date-format {stated!r} {wrong}")
        return stated, "as stated"
    if _share(cells, _YEAR_FIRST) > _MOST:
        mark = cells.str.extract(_YEAR_FIRST).drop_nulls()[0]
        return f"%Y{mark}%m{mark}%d", "the year comes first"
    parts = cells.to_frame("x").with_columns(
        pl.col("x").str.extract(_YEAR_LAST, i).alias(part) for i, part in enumerate(("one", "mark", "two", "year"), 1)
    )
    parts = parts.with_columns(pl.col("one", "two").cast(pl.Int64), lines=text.lines)
    mark, year = parts.select(pl.col("mark", "year").drop_nulls().first()).row(0)
    if mark is None:
        raise SourceError(
            f"{file}: the column that says when has no date that is known, such as {cells.drop_nulls().first()!r}; say "
            "how they are written with --date-format, such as %d.%m.%Y, or which column it is with --date NAME"
        )
    end = f"{mark}%{'Y' if len(year) == 4 else 'y'}"
    day_first, month_first = (parts.filter(pl.col(part) > 12) for part in ("one", "two"))
    if len(day_first) and len(month_first):
        raise SourceError(
            f"{file}: {_example(day_first)} has the day first and {_example(month_first)} the month first; "
            "write all dates in one way, best as 2025-03-01"
        )
    if len(day_first):
        return f"%d{mark}%m{end}", f"day before month: {_example(day_first)} has no month {day_first['one'][0]}"
    if len(month_first):
        return f"%m{mark}%d{end}", f"month before day: {_example(month_first)} has no month {month_first['two'][0]}"
    if mark == ".":
        return f"%d{mark}%m{end}", "day before month, as everywhere that dates have points"
    raise SourceError(
        f"{file}: {_example(parts.filter(pl.col('mark').is_not_null()))} may be day or month first, and no date tells; "
        f"say it with --date-format %d{mark}%m{end} or --date-format %m{mark}%d{end}"
    )


def _example(parts: pl.DataFrame) -> str:
    return f"{parts['x'][0]} (line {parts['lines'][0]})"


def _nights(
    text: Text, found: dict[Role, str], guess: Guess, stamped: Stamps, word: Unlogged | None
) -> tuple[pl.DataFrame, tuple[LeftOut, ...], tuple[str, ...]]:
    """Return the usable nights, one a row, every row that is not among them, and what was done on the ``word``."""
    count = codebook.variable("cramps", "diary")
    cells = {role: pl.col(found[role]) if role in found else pl.lit("1") for role in ROLES}
    rows = text.frame.select(**cells, line=text.lines)
    counted = rows.select(rules.typed(count, pl.String()))
    beyond = counted.select(rules.out_of_range(count)).to_series() if count.minimum is not None else pl.lit(value=False)
    rows = rows.with_columns(night=stamped.night, n=counted["cramps"], beyond=beyond)
    day = f"not a date as {guess.date_format}"
    if stamped.timed:
        day += {"evening": ", or a time before noon", "timestamp": " with a time of day", "morning": ""}[guess.clock]
    key = ["who", "night"]
    versions = pl.col("n").n_unique().over(key)
    checks: tuple[tuple[Role, pl.Expr, str], ...] = (
        ("who", pl.col("who").is_null(), "nobody is named"),
        ("date", pl.col("night").is_null(), day),
        ("cramps", pl.col("cramps").is_not_null() & (pl.col("n").is_null() | pl.col("beyond")), f"not {count.allowed}"),
        ("cramps", versions > 1, "another row has this night with another count: all of them are set aside"),
        ("date", ~_inside(pl.col("night"), word), "outside the window that was stated"),
    )
    if "cramps" in found:
        again = f"the same night stands above; where each row is one cramp, say --cramps {ROWS}"
        checks = (*checks, ("date", ~pl.struct(key).is_first_distinct(), again))
    left_out: list[LeftOut] = []
    aside = [rows.select(key).clear()]
    for role, rule, reason in checks:
        marked = rows.with_columns(wrong=rule.fill_null(value=False))
        bad, rows = marked.filter("wrong").drop("wrong"), marked.filter(~pl.col("wrong")).drop("wrong")
        name = getattr(guess, role)
        left_out += [LeftOut(line, name, value, reason) for line, value in bad.select("line", role).iter_rows()]
        aside.append(bad.select(key))
    if "cramps" not in found:
        rows = rows.group_by(key).agg(pl.col("n").sum())
    nights = rows.select(participant_id="who", date="night", cramps="n").sort("participant_id", "date")
    sorted_out = tuple(sorted(left_out, key=lambda row: row.line))
    if word is None:
        return nights, sorted_out, ()
    people = nights.select(pl.col("participant_id").unique(maintain_order=True))
    unknown = pl.concat(aside).drop_nulls().unique().rename({"who": "participant_id", "night": "date"})
    nights, said = unlogged.filled(nights, unlogged.windows(people, word), unknown)
    return nights, sorted_out, (f"{said}; participants without a row are not known of",)


def _inside(night: pl.Expr, word: Unlogged | None) -> pl.Expr:
    """Return whether a night lies in the window of those without one of their own."""
    first, last = (word.first, word.last) if word else (None, None)
    return night.is_between(first or date.min, last or date.max)
