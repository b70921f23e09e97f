"""A bare list of nights: which column says who, which says when, and which counts the cramps."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import polars as pl

from crampstudy import codebook
from crampstudy.account import Account
from crampstudy.codebook import rules
from crampstudy.cohort import TableCount
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources import dates
from crampstudy.sources.text import Text, read_text

Role = Literal["who", "date", "cramps"]
ROLES: tuple[Role, ...] = get_args(Role)

# Beginnings of column names, without accents: English, German, French, Spanish, Italian, Portuguese, Dutch, Nordic.
_NAMES: dict[Role, str] = {
    "who": r"who$|id$|pid$|.*_id$|wer$|qui$|name$|person|participant|patient|paziente|paciente|subje|sujet|soggetto|"
    r"teilnehm|proband|deelnemer|deltager|deltagar|record|code$|kennung|user",
    "date": r"date|datum|dato$|data$|fecha|night|nacht|nuit|noche|notte|noite|day$|tag$|jour$|dia$|giorno",
    "cramps": r".*(cramp|krampf|krampe|kramp|calambre|crampi|caimbra)|"
    r"n$|count|number|anzahl|nombre|numero|antal|aantal",
}
_YEAR_FIRST = r"^\d{4}([-/.])\d{1,2}[-/.]\d{1,2}(?:[T ]0?0:00(?::00)?)?$"
_YEAR_LAST = r"^(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4}|\d{2})(?:[T ]0?0:00(?::00)?)?$"
_MIDNIGHT = r"[T ]0?0:00(:00)?$"
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


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that cannot be used: its line in the file, the cell, and what is wrong."""

    line: int
    column: str
    value: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Nights:
    """Nights as read: ``frame`` has participant_id, date and cramps (null where nobody counted), a row a night."""

    file: str
    guess: Guess
    frame: pl.DataFrame
    left_out: tuple[LeftOut, ...]
    notices: tuple[str, ...]

    @property
    def account(self) -> Account:
        """What was read, left out and used."""
        kept, rejected = self.frame.height, len({row.line for row in self.left_out})
        table = TableCount("diary", self.file, kept + rejected, kept, rejected)
        return Account("nights", kept, (("without a count", self.frame["cramps"].null_count()),), (table,))


def read(path: Path, *, columns: dict[Role, str] | None = None, date_format: str | None = None) -> Nights:
    """Read a delimited file with a column each for who, date and cramps, in any order, with a header or without.

    ``columns`` names those (or gives their numbers from 1) that the file's contents leave open; ``date_format`` such
    as ``%d/%m/%Y`` decides what the dates leave open.

    Raises:
        SourceError: the file cannot be read, or it leaves open which column is which or how its dates are written.
        UsageError: ``columns`` or ``date_format`` does not fit the file.
    """
    text = read_text(path, header=False)
    if text.frame.width < len(ROLES):
        raise SourceError(f"{path.name} has {text.frame.width} columns; it needs three: who, date and cramps")
    first = {name: text.frame[name][0] or "" for name in text.frame.columns} if text.frame.height else {}
    header = not any(_is_date(cell) for cell in first.values())
    if header:
        text = Text(text.frame[1:], text.lines[1:], text.notices, text.decimal)
    if text.frame.is_empty():
        raise SourceError(f"{path.name} has a header and no rows")
    names = first if header else {name: f"column {name}" for name in first}
    found = _roles(path.name, text, names, columns or {})
    written, reason = _format(path.name, text, found["date"], date_format)
    who, date, cramps = (names[found[role]] for role in ROLES)
    guess = Guess(who, date, cramps, header, written, reason, text.decimal)
    frame, left_out = _nights(text, found, guess)
    others = [names[name] for name in text.frame.columns if name not in found.values()]
    notices = (*text.notices, *([f"not used: {', '.join(others)}"] if others else []))
    return Nights(path.name, guess, frame, left_out, notices)


def _is_date(cell: str) -> bool:
    return bool(re.match(_YEAR_FIRST, cell) or re.match(_YEAR_LAST, cell))


def _share(cells: pl.Series, pattern: str) -> float:
    filled = cells.drop_nulls()
    return float(filled.str.contains(pattern).mean() or 0) if len(filled) else 0.0  # type: ignore[arg-type]


def _roles(file: str, text: Text, names: dict[str, str], stated: dict[Role, str]) -> dict[Role, str]:
    """Return which column has which role: as stated, then by contents and names together."""
    found: dict[Role, str] = {}
    for role, wanted in stated.items():
        matching = [name for name in names if wanted in (name, names[name])]
        if not matching:
            raise UsageError(f"--{role}: {file} has no column {wanted!r}; it has {', '.join(names.values())}")
        found[role] = matching[0]
    for role in ("date", "cramps", "who"):
        if role in found:
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
    if role == "date":
        return _share(cells, f"{_YEAR_FIRST}|{_YEAR_LAST}") > _MOST
    if role == "cramps":
        # A leading zero marks an identifier.
        return _share(cells, r"^(0|[1-9]\d{0,2})([.,]0+)?$") > _MOST
    return len(cells.drop_nulls()) > 0


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
    return (
        f"{file}: no column {what} in most rows (the columns are {', '.join(names)}); "
        f"give three columns, who, date and cramps, or name it with --{role} NAME"
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


def _nights(text: Text, found: dict[Role, str], guess: Guess) -> tuple[pl.DataFrame, tuple[LeftOut, ...]]:
    """Return the usable nights, one a row, and every row that is not among them."""
    count = codebook.variable("cramps", "diary")
    rows = text.frame.select(*(pl.col(found[role]).alias(role) for role in ROLES), line=text.lines)
    written, _ = dates.moments(rows["date"].str.replace(_MIDNIGHT, ""), (guess.date_format,), timed=False, zone=None)
    pointed = rows.select(pl.col("cramps").str.replace(",", ".", literal=True)) if guess.decimal == "," else rows
    counted = pointed.select(rules.typed(count, pl.String()))
    beyond = counted.select(rules.out_of_range(count)).to_series() if count.minimum is not None else pl.lit(value=False)
    rows = rows.with_columns(night=written.cast(pl.Date), n=counted["cramps"], beyond=beyond)
    night = ["who", "night"]
    versions = pl.col("n").n_unique().over(night)
    checks: tuple[tuple[Role, pl.Expr, str], ...] = (
        ("who", pl.col("who").is_null(), "nobody is named"),
        ("date", pl.col("night").is_null(), f"not a date as {guess.date_format}"),
        ("cramps", pl.col("cramps").is_not_null() & (pl.col("n").is_null() | pl.col("beyond")), f"not {count.allowed}"),
        ("cramps", versions > 1, "another row has this night with another count: all of them are set aside"),
        ("date", ~pl.struct(night).is_first_distinct(), "the same night stands above"),
    )
    left_out: list[LeftOut] = []
    for role, rule, reason in checks:
        marked = rows.with_columns(wrong=rule.fill_null(value=False))
        bad, rows = marked.filter("wrong").drop("wrong"), marked.filter(~pl.col("wrong")).drop("wrong")
        name = getattr(guess, role)
        left_out += [LeftOut(line, name, value, reason) for line, value in bad.select("line", role).iter_rows()]
    nights = rows.select(participant_id="who", date="night", cramps="n").sort("participant_id", "date")
    return nights, tuple(sorted(left_out, key=lambda row: row.line))
