"""The signs, words, names and constants of a condition, each with the place where it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from crampstudy.errors import UsageError

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?)|(?P<date>'\d{4}-\d\d-\d\d')"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<sign><=|>=|<>|!=|==|[=<>+\-*/(),]))"
)
_OPENS = re.compile(r"\s*\(")
# In quotes, or with letters of any script.
_OTHER_NAME = re.compile(r'\s*(?:"([^"]+)"|`([^`"]+)`|\[([^\]"]+)\]|(?P<plain>[^\W\da-zA-Z_]\w*))')
_EMPTY = re.compile(r"\s*(?:IS\s+(NOT\s+)?EMPTY\b|(?:==?|(<>|!=))\s*''(?!'))", re.IGNORECASE)
LONGEST, MOST_SIGNS = 100_000, 300
"""Limits of an expression, in characters and in signs and words: evaluation takes the cube of their number."""
_ELSEWHERE = {"&&": "AND", "&": "AND", "||": "OR", "|": "OR", "=>": ">=", "=<": "<="}
"""What other languages write."""
_OTHER_SIGN = re.compile(rf"\s*({'|'.join(map(re.escape, _ELSEWHERE))})")
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"})


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of a condition; ``start`` and ``end`` are its characters, ``bare`` is a name that stands in no marks."""

    kind: str
    text: str
    start: int
    end: int
    bare: bool = False

    @property
    def word(self) -> str:
        """What it says where it is a word or a sign, in capital letters."""
        return self.text.upper() if self.kind in ("word", "sign") else ""

    @property
    def spaced(self) -> bool:
        """Whether it is names side by side, as those are that lack the marks around a name with spaces."""
        return self.bare and " " in self.text


def tokens(where: str) -> list[Token]:
    """Return what a condition consists of; names that stand side by side are one.

    Raises:
        UsageError: it holds anything but columns, constants, comparisons and AND, OR, NOT, or far too many of them.
    """
    found: list[Token] = []
    for each in _each(where):
        last = found[-1] if found else None
        if each.bare and last and last.kind == "name" and "LIKE" not in (each.text.upper(), last.text.upper()):
            if not last.bare:
                raise no_name(where, f"{last.text} {each.text}")
            each = Token("name", " ".join(where[last.start : each.end].split()), last.start, each.end, bare=True)
            found.pop()
        found.append(each)
    return found


def no_name(where: str, text: str) -> UsageError:
    """Return the error of names side by side that are none of a column."""
    return UsageError(
        f'where {where!r}: {text} is no name of a column; one with spaces stands in double quotes: "{text}"'
    )


def _each(where: str) -> Iterator[Token]:
    position, end, signs, before = 0, len(where.rstrip()), 0, ""
    if end > LONGEST:
        raise UsageError(f"where {where[:40]!r}… has {end:,} characters, and at most {LONGEST:,} are read")
    while position < end:
        if elsewhere := _OTHER_SIGN.match(where, position):
            written = elsewhere[1]
            error = UsageError(f"where {where!r}: {written} is written {_ELSEWHERE[written]}")
            error.correction = (written, _ELSEWHERE[written])
            raise error
        if other := _OTHER_NAME.match(where, position):
            if before.upper() == "IN":
                such = "such as sex IN ('female')"
                raise UsageError(f"where {where!r}: what a column is IN stands in parentheses, {such}")
            position, before = other.end(), next(filter(None, other.groups()))
            yield Token("name", before, position - len(other[0].lstrip()), position, bare=other["plain"] is not None)
            continue
        empty = _EMPTY.match(where, position)
        token = empty or _TOKEN.match(where, position)
        if token is None:
            raise UsageError(
                f"where {where!r}: {where[position:].strip()[:10]!r} is not understood; use columns, numbers, "
                "'texts', comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL; a name with spaces stands in double quotes"
            )
        position = token.end()
        kind, text = token.lastgroup or "", token[0].strip()
        if empty:
            kind, text = "word", "IS NOT NULL" if any(empty.groups()) else "IS NULL"
        elif kind == "name" and text.upper() in _WORDS:
            kind = "word"
        elif text == "''":
            raise UsageError(f"where {where!r}: an empty cell is written IS NULL, such as site IS NULL")
        elif kind == "name" and _OPENS.match(where, position):
            raise UsageError(f"where {where!r}: functions are not allowed, got {text}()")
        signs += kind == "word" or (kind == "sign" and text != ",")
        if signs > MOST_SIGNS:
            raise UsageError(
                f"where {where[:40]!r}… has more than {MOST_SIGNS} signs and words such as = and OR; "
                "write a column IN (…) for many values of one column"
            )
        before = text
        yield Token(kind, text, position - len(token[0].lstrip()), position, bare=kind == "name")
