"""Which column of a bare list says who, when and how many: by its contents and its name together."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

import polars as pl

from crampstudy.codebook import missing
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.text import timestamps
from crampstudy.sources.text.delimited import Text

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
YEAR_FIRST = rf"^\d{{4}}([-/.])\d{{1,2}}[-/.]\d{{1,2}}{timestamps.TIME}"
YEAR_LAST = rf"^(\d{{1,2}})([-/.])(\d{{1,2}})[-/.](\d{{4}}|\d{{2}}){timestamps.TIME}"
MOST = 0.5


def is_date(cell: str | None) -> bool:
    """Return whether a cell looks like a date."""
    return cell is not None and bool(re.match(YEAR_FIRST, cell) or re.match(YEAR_LAST, cell))


def header_row(rows: Sequence[tuple[str | None, ...]]) -> int:
    """Return which row is the header: the first with a name for each column, if it stands above all dates."""
    for place, row in enumerate(rows):
        if any(map(is_date, row)):
            break
        if None not in row:
            return place
    return 0


def share(cells: pl.Series, pattern: str) -> float:
    """Return which part of the filled cells has a pattern."""
    filled = cells.drop_nulls()
    return float(filled.str.contains(pattern).mean() or 0) if len(filled) else 0.0  # type: ignore[arg-type]


def assign_roles(
    file: str, text: Text, names: Mapping[str, str], stated: Mapping[Role, str], *, counted: bool = False
) -> dict[Role, str]:
    """Return which column has which role: as stated, then by contents and names together.

    Args:
        file: The file's name, for messages.
        text: The list below its header.
        names: What each column of ``text`` is called.
        stated: Columns by the names of the header or by their own, where somebody has said which has a role.
        counted: Whether each row is one cramp, so that no column counts them.

    Raises:
        UsageError: a stated column is not there.
        SourceError: none or several columns may have a role.
    """
    found = {role: _stated_column(file, names, role, wanted) for role, wanted in stated.items()}
    for role in ("date", "cramps", "who"):
        if role in found or (role == "cramps" and counted):
            continue
        left = {name: heading for name, heading in names.items() if name not in found.values()}
        chosen = _candidates(role, text, left, found.get("date", ""))
        if len(chosen) != 1:
            raise SourceError(_open_question(file, role, [names[name] for name in chosen], list(names.values())))
        found[role] = chosen[0]
    return found


def _stated_column(file: str, names: Mapping[str, str], role: Role, wanted: str) -> str:
    """Return the column that somebody has named, or numbered."""
    matching = [name for name in names if wanted in (name, names[name])]
    if not matching:
        raise UsageError(f"--{role}: {file} has no column {wanted!r}; it has {', '.join(names.values())}")
    return matching[0]


def _candidates(role: Role, text: Text, left: Mapping[str, str], date: str) -> list[str]:
    """Return the columns that may have a role, one where contents and names tell it; ``date`` is that of the dates."""
    fitting = [name for name in left if _fits(role, text, name)]
    if role == "who" and len(left) > 1:
        fitting = _identifying(text, fitting, date)
    named = [name for name in fitting if re.match(_NAMES[role], _plain(left[name]))]
    if role == "cramps":
        fitting = [name for name in fitting if not re.match(_NAMES["who"], _plain(left[name]))]
        # Of two columns of counts, the one that cannot be who.
        named = named if len(named) == 1 else _not_identifying(text, fitting, date)
    return named if len(named) == 1 else fitting


def _fits(role: Role, text: Text, name: str) -> bool:
    cells = text.frame[name]
    cells = cells.filter(~cells.is_in(sorted(missing.MARKS)))
    if role == "date":
        return share(cells, f"{YEAR_FIRST}|{YEAR_LAST}") > MOST
    if role == "cramps":
        # A leading zero marks an identifier.
        return share(cells, r"^(0|[1-9]\d{0,2})([.,]0+)?$") > MOST
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
