"""Which column of a bare list says who, when and how many: by its contents and its name together."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import polars as pl

from crampstudy import codebook, suggestions
from crampstudy.codebook import missing
from crampstudy.errors import OpenQuestion, SourceError, UsageError
from crampstudy.sources.readers.bare_list.words import (
    TICKS,
    heading_of,
    measured,
    of_form,
    plain,
    truth,
    words,
)
from crampstudy.sources.text import month_names, timestamps

if TYPE_CHECKING:
    from crampstudy.sources.readers.bare_list.listing import Listing

Role = Literal["who", "date", "cramps"]
ROLES: tuple[Role, ...] = get_args(Role)
ROWS = "rows"
"""In the place of a column of counts: each row is one cramp."""
ONE = "one"
"""In the place of a column that says who: all rows are of one person."""

# Beginnings of column names, without accents: English, German, French, Spanish, Italian, Portuguese, Dutch, Nordic.
_NAMES: dict[Role, str] = {
    "who": r"(.* )?(who|id|pid|wer|qui|quem|name|initials|code|nr|no|vp|pat)$|person|participant|patient|paziente|"
    r"paciente|subje|sujet|soggetto|suje|teilnehm|proband|versuchsperson|deelnemer|deltager|deltagar|record|codigo|"
    r"codice|kennung|pseudonym|user|identif|alias|externalreference",
    "date": r"date|datum|dato$|data$|fecha|night|nacht|nuit|noche|notte|noite|day$|tag$|jour$|dia$|giorno|evening|"
    r"abend",
    "cramps": r".*(cramp|kramp|kraemp|calambre|crampi|caimbra|caibra)|"
    r"n$|count|number|anz$|anzahl|nombre|numero|antal|aantal",
}
_MOMENT = r".*time|ts$|epoch|unix|when$|zeit|uhrzeit|moment|(created|submitted|completed|started|recorded)( at)?$"
"""Beginnings of headings of times that may be stored as numbers."""
OF_CRAMPS = _NAMES["cramps"].partition(r"|n$")[0]
_COUNT_OF = (
    r"((number|no|nr|anz|anzahl|nombre|numero|aantal|antal|n) )?(of |de |der |di |van )?(leg |night |nocturnal )?"
)
_CRAMPS = _COUNT_OF + (
    r"(cramps?|krae?mpfe?|krae?mpe|crampes?|calambres?|crampi|kramp(en)?|caimbras?|caibras?)"
    r"( count| number)?( \d+)?"
)
"""A heading that says nothing but cramps."""
_BIRTH = r"birth|\bdob\b|geburt|geboren|naissance|nacimiento|nascita|nascimento|geboort|fodsel|fodelse"
_NUMBER_OF_ROW = r"(lfd|row|line|zeile)?( ?(nr|no|num|number))?"
_COUNT = r"^(0|[1-9]\d{0,2})([.,]0+)?$"  # a leading zero marks an identifier
_FRACTION = r"^\d+[.,]\d*[1-9]\d*$"
YEAR_FIRST = rf"^\d{{4}}([-/.])\d{{1,2}}[-/.]\d{{1,2}}{timestamps.TIME}"
YEAR_LAST = rf"^(\d{{1,2}})([-/.])(\d{{1,2}})[-/.](\d{{4}}|\d{{2}}){timestamps.TIME}"
SERIAL = r"^[34]\d{4}$|^5[0-4]\d{3}$"
"""Days since the end of 1899, as spreadsheets count them, of the years 1982 to 2050."""
EPOCH_TIME = r"^1\d{9}(\d{3})?(\.0+)?$"
"""Seconds or milliseconds since 1970, of the years 2001 to 2033."""
MOST = 0.5
_DIGITS = r"\d.*\d.*\d"
"""What every date has: a day, and a year of two digits or more."""
_MARKS = pl.Series(sorted(missing.MARKS)).implode()


def is_date(cell: str | None) -> bool:
    """Return whether a cell looks like a date."""
    if not cell:
        return False
    return bool(re.match(YEAR_FIRST, cell) or re.match(YEAR_LAST, cell) or month_names.format_of(cell))


def share(cells: pl.Series, pattern: str) -> float:
    """Return which part of the filled cells has a pattern."""
    fits = cells.to_frame("cell").select(pl.col("cell").drop_nulls().str.contains(pattern).mean())
    return float(fits.item() or 0)


def held(cells: pl.Series, answers: Sequence[str]) -> float:
    """Return which part of the filled cells is one of some answers."""
    filled = cells.drop_nulls()
    return int(filled.is_in(list(answers)).sum()) / len(filled) if len(filled) else 0.0


def dated(frame: pl.DataFrame) -> set[str]:
    """Return the columns whose filled cells are mostly dates, written with numbers or with names of months."""
    cells = pl.all().str
    digits = [name for name, has in frame.select(cells.contains(_DIGITS).any()).row(0, named=True).items() if has]
    if not digits:
        return set()
    cell = pl.col(digits)
    filled = frame.select(digits).select(
        cell.filter(cell.is_not_null() & ~cell.is_in(_MARKS)).str.contains(f"{YEAR_FIRST}|{YEAR_LAST}").mean()
    )
    numbers = {name for name, share in filled.row(0, named=True).items() if (share or 0) > MOST}
    worded = frame.select(digits).select(cell.str.contains(r"\p{L}").any()).row(0, named=True)
    named = (name for name in digits if worded[name] and name not in numbers)
    return numbers | {name for name in named if month_names.date_format(_answers(frame[name]).drop_nulls())}


def assign_roles(listing: Listing, stated: Mapping[Role, str], absent: Collection[Role] = ()) -> dict[Role, str]:
    """Return which column has which role: as stated, then by contents and names together.

    Where no column says who and no night stands twice, none does: all nights are of one person.

    Args:
        listing: The list.
        stated: Columns by their names or numbers, where somebody has said which has a role.
        absent: Roles that no column has: where each row is one cramp, none counts them.

    Raises:
        UsageError: a stated column is not there.
        SourceError: none or several columns may have a role.
    """
    found = {role: _stated_column(listing, role, wanted) for role, wanted in stated.items()}
    for role in ("date", "cramps", "who"):
        if role in found or role in absent:
            continue
        left = [name for name in listing.names if name not in found.values()]
        chosen = _candidates(role, listing, left, found.get("date", ""))
        if role == "who" and not chosen and ("cramps" in absent or _each_once(listing, found["date"])):
            continue
        if len(chosen) != 1:
            raise _open_question(listing, role, chosen, found.get("date", ""))
        found[role] = chosen[0]
    return found


def _stated_column(listing: Listing, role: Role, wanted: str) -> str:
    """Return the column that somebody has named, or numbered."""
    numbered = {str(n): column for n, column in enumerate(listing.names, 1)}
    by_name = {name: column for column, name in listing.names.items()}
    if (found := {**numbered, **by_name}.get(wanted)) is None:
        said = f"--{role}: {listing.file} has no column {wanted!r}"
        raise suggestions.unknown(UsageError, said, wanted, by_name, f"it has {', '.join(by_name)}")
    return found


def _candidates(role: Role, listing: Listing, left: Sequence[str], date: str) -> list[str]:
    """Return the columns that may have a role, one where contents and names tell it; ``date`` is that of the dates."""
    written = dated(listing.frame) if role == "date" else ()
    fitting = [name for name in left if _fits(role, listing, name, written)]
    if role == "who" and listing.header and _each_once(listing, date):
        fitting = [name for name in fitting if not _numbers_rows(listing, name)]
    named = [name for name in fitting if listing.says(name, _NAMES[role])]
    if role == "who":
        # Of several names, a number of the answer is none of a person.
        named = _one(named) or [name for name in named if _repeats(listing, name)] or named
        if not named:
            fitting = [name for name in fitting if _may_name_people(listing.frame[name])]
            fitting = _identifying(listing, fitting, date)
        fitting = named or fitting
    if role == "cramps":
        fitting = [name for name in fitting if not re.match(_NAMES["who"], words(listing.names[name]))]
        told = (
            _one([name for name in named if re.fullmatch(_CRAMPS, words(listing.names[name]))])
            or _one([name for name in named if listing.says(name, OF_CRAMPS)])
            or _one(named)
        )
        if not told:
            # A count says more than a yes; of two columns of counts, the one that cannot be who.
            counts = [name for name in fitting if share(_answers(listing.frame[name]), _COUNT) > MOST]
            told = (
                _one([name for name in named if name in counts])
                or _one(_not_identifying(listing, counts, date))
                or _not_identifying(listing, fitting, date)
            )
        named = told
    return named if len(named) == 1 else fitting


def _one(names: list[str]) -> list[str]:
    return names if len(names) == 1 else []


def _repeats(listing: Listing, name: str) -> bool:
    """Return whether a column names someone more than once: a number of the answer never does."""
    return listing.frame[name].n_unique() < listing.frame.height


def _answers(cells: pl.Series) -> pl.Series:
    return cells.filter(~cells.is_in(_MARKS))


def _fits(role: Role, listing: Listing, name: str, written: Collection[str]) -> bool:
    """Return whether a column may have a role; ``written`` are those with dates."""
    if role == "date":
        # A number may be a date only where its heading says so.
        stored = (
            listing.says(name, f"{_NAMES['date']}|{_MOMENT}")
            and share(_answers(listing.frame[name]), f"{SERIAL}|{EPOCH_TIME}") > MOST
        )
        return (stored or name in written) and not listing.says(name, f".*({_BIRTH})")
    if role == "cramps":
        counted = listing.frame[name].value_counts().iter_rows()
        said = {answer: n for answer, n in counted if answer is not None and answer not in missing.MARKS}
        known = [answer for answer in said if re.match(_COUNT, answer) or truth(answer) or plain(answer) in TICKS]
        fitting = sum(said[answer] for answer in known) > MOST * sum(said.values())
        return fitting and not _says_something_else(role, listing, name)
    return listing.frame[name].null_count() < listing.frame.height and not _says_something_else(role, listing, name)


def _says_something_else(role: Role, listing: Listing, name: str) -> bool:
    """Return whether headings of a column are those of something else: an age, a pain, a variable, a form's own."""
    headings = listing.headings(name)
    if any(heading_of(heading) or of_form(heading) or measured(heading) for heading in headings):
        return True
    found = codebook.find("_".join(words(listing.names[name]).split()))
    if role == "who":
        numbered = listing.says(name, rf"({OF_CRAMPS})\w* (no|nr|num|number)$")
        return numbered or (found is not None and not listing.says(name, "participant id$"))
    return found is not None and not listing.says(name, OF_CRAMPS)


def _may_name_people(cells: pl.Series) -> bool:
    """Return whether a column without a name for it may say who: most rows have it; no measures, no yes and no."""
    answers = {truth(answer) for answer in cells.drop_nulls().unique()}
    return cells.null_count() * 2 < len(cells) and share(cells, _FRACTION) == 0 and answers != {"true", "false"}


def _numbers_rows(listing: Listing, name: str) -> bool:
    """Return whether a column counts the rows, under a heading that is not of a person."""
    cells = listing.frame[name].cast(pl.Int64, strict=False)
    counts = len(cells) > 1 and not cells.has_nulls() and bool((cells.diff().drop_nulls() == 1).all())
    person = listing.says(name, _NAMES["who"]) and not re.fullmatch(_NUMBER_OF_ROW, words(listing.names[name]))
    return counts and not person


def _each_once(listing: Listing, column: str) -> bool:
    cells = listing.frame[column].drop_nulls()
    return cells.n_unique() == len(cells)


def _identifying(listing: Listing, names: Sequence[str], date: str) -> list[str]:
    """Return the columns that tell rows of one date apart, all of them where none does."""
    nights = listing.frame.height
    telling = [name for name in names if listing.frame.select(pl.struct(name, date).n_unique()).item() == nights]
    return telling or list(names)


def _not_identifying(listing: Listing, names: Sequence[str], date: str) -> list[str]:
    telling = _identifying(listing, names, date)
    return [name for name in names if name not in telling] if len(telling) < len(names) else list(names)


def _open_question(listing: Listing, role: Role, candidates: Sequence[str], date: str = "") -> SourceError:
    what = {"who": "says who", "date": "has dates", "cramps": "has whole numbers of cramps, or yes and no"}[role]
    names = [listing.names[name] for name in candidates]
    if names:
        return OpenQuestion(
            f"{listing.file}: {' and '.join(names)} could each be the column that {what}; say it with --{role} NAME",
            (f"--{role}", names[0]),
        )
    if role == "who":
        return _nobody_named(listing, date)
    rows = f", or, where each row is one cramp, say --cramps {ROWS}" if role == "cramps" else ""
    return SourceError(
        f"{listing.file}: no column {what} in most rows (the columns are {', '.join(listing.names.values())}); "
        f"name it with --{role} NAME{rows}"
    )


def _nobody_named(listing: Listing, date: str) -> SourceError:
    """Return the question who the rows are of, where a date stands twice and no column says it."""
    rows = pl.DataFrame({"date": listing.frame[date], "line": listing.lines})
    twice = rows.filter(pl.col("date").is_duplicated() & pl.col("date").is_not_null())
    day = twice["date"][0]
    first, second = twice.filter(pl.col("date") == day)["line"].head(2)
    return SourceError(
        f"{listing.file}: no column says who, and {day} stands on lines {first} and {second}: add a column that names "
        f"each participant, or name it with --who NAME; where all rows are one person's, say --who {ONE}"
    )
