"""Names of months in seven languages, and dates that are written with them.

A name counts in any case, with or without accents and a dot behind it, whole or cut to three letters or more. What
could be two months, as ``jui`` of juin and juillet, is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

import polars as pl

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    language: tuple(names.split())
    for language, names in {
        "de": "januar februar märz april mai juni juli august september oktober november dezember",
        "en": "january february march april may june july august september october november december",
        "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
        "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "nl": "januari februari maart april mei juni juli augustus september oktober november december",
        "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    }.items()
}
"""The names of the twelve months by language."""

WORD = r"[^\W\d_]{3,}"
"""What may be the name of a month, a dot behind it apart."""
ORDINAL = r"(?:er|re|st|nd|rd|th|[ºª°])?"
"""What may stand behind the number of a day."""

# Abbreviations that are no beginning of a name, and the spellings of a part of a language's speakers.
_OTHERS = {"mrz": 3, "mrt": 3, "maerz": 3, "jänner": 1, "jaenner": 1, "feber": 2, "setiembre": 9}
_SHORTEST = 3
_JOINED = r"([\s./,'’-]{0,3}(?:(?:de|del|of)\s)?)"
_MONTH, _DAY, _YEAR = rf"({WORD})(\.?)", rf"(\d{{1,2}}){ORDINAL}", r"(\d{4}|\d{2})"
_TIMED = r"(?:,?[T ]\s?\d{1,2}:\d{2}.*)?"
_ORDERS = {
    "dBY": re.compile(rf"{_DAY}{_JOINED}{_MONTH}{_JOINED}{_YEAR}{_TIMED}", re.IGNORECASE),
    "BdY": re.compile(rf"{_MONTH}{_JOINED}{_DAY}{_JOINED}{_YEAR}{_TIMED}", re.IGNORECASE),
    "YBd": re.compile(rf"(\d{{4}}){_JOINED}{_MONTH}{_JOINED}{_DAY}{_TIMED}", re.IGNORECASE),
}
_MOST = 0.5


def month(word: str) -> int | None:
    """Return the number of the month that a word names, ``None`` where it names none or several."""
    return _MONTHS.get(plain(word.removesuffix(".")))


def number(word: pl.Expr) -> pl.Expr:
    """Return the numbers of months as texts, null for a word that :func:`month` does not know."""
    plain = word.str.strip_suffix(".").str.to_lowercase().str.normalize("NFKD").str.replace_all(r"\p{M}", "")
    numbers = [str(found) for found in _MONTHS.values()]
    return plain.replace_strict(list(_MONTHS), numbers, default=None, return_dtype=pl.String)


def date_format(cells: Iterable[str | None]) -> str | None:
    """Return how most of the filled cells write their dates, the time of day apart, if the month has a name in them.

    Day and year stand as they are told apart: where both have two digits, the year comes last.
    """
    filled = [cell for cell in cells if cell]
    formats = Counter(written for cell in filled if (written := format_of(cell)))
    written, often = formats.most_common(1)[0] if formats else ("", 0)
    return written if often > _MOST * len(filled) else None


def format_of(cell: str) -> str | None:
    """Return the format of a date whose month has a name, such as ``%d. %B %Y``; ``None`` where a cell is none."""
    text = " ".join(cell.split())
    for order, pattern in _ORDERS.items():
        if (found := pattern.fullmatch(text)) is not None:
            return _format(order, [group or "" for group in found.groups()])
    return None


def _format(order: str, groups: list[str]) -> str | None:
    """Return the format that groups of a match make: marks of the date, and between them what joins them."""
    place = {"dBY": 2, "BdY": 0, "YBd": 2}[order]
    word, dot = groups[place : place + 2]
    if month(word) is None:
        return None
    behind = groups[place + 2]
    # A dot behind a name shortens it, unless nothing else stands there.
    joined = [groups[1] if place else behind or dot, behind or dot if place else groups[4]]
    year = groups[{"dBY": 5, "BdY": 5, "YBd": 0}[order]]
    marks = ["%y" if mark == "Y" and len(year) == 2 else f"%{mark}" for mark in order]
    return f"{marks[0]}{joined[0]}{marks[1]}{joined[1]}{marks[2]}"


def plain(word: str) -> str:
    """Return a word in small letters without accents."""
    apart = unicodedata.normalize("NFKD", word.lower())
    return "".join(mark for mark in apart if not unicodedata.combining(mark))


def _months() -> dict[str, int]:
    """Return the month of each way to write one: every beginning of a name that no other month has."""
    meant: dict[str, set[int]] = defaultdict(set)
    for names in LANGUAGES.values():
        for number, name in enumerate(map(plain, names), 1):
            for end in range(_SHORTEST, len(name) + 1):
                meant[name[:end]].add(number)
    for name, number in _OTHERS.items():
        meant[plain(name)].add(number)
    return {word: numbers.pop() for word, numbers in meant.items() if len(numbers) == 1}


_MONTHS = _months()
