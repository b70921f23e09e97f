"""A part of a cohort, named by an expression such as ``age_years >= 20 AND sex = 'female'``.

A name with spaces or other signs stands in double quotes, backticks or brackets; an empty cell is ``IS NULL``,
``IS EMPTY`` or ``= ''``.

For a survey the part is a domain: the rows outside keep their place in the design and only lose their
weight. A row on which the expression cannot be decided, because a value is missing, is outside.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from crampstudy.cohort import compared_values
from crampstudy.cohort.frozen import Cohort
from crampstudy.errors import UsageError

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>\d+(?:\.\d+)?)|(?P<date>'\d{4}-\d\d-\d\d')"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<sign><=|>=|<>|!=|==|[=<>+\-*/(),]))"
)
_OPENS = re.compile(r"\s*\(")
# In quotes, or with letters of any script.
_OTHER_NAME = re.compile(r'\s*(?:"([^"]+)"|`([^`"]+)`|\[([^\]"]+)\]|([^\W\da-zA-Z_]\w*))')
_EMPTY = re.compile(r"\s*(?:IS\s+(NOT\s+)?EMPTY\b|(?:==?|(<>|!=))\s*''(?!'))", re.IGNORECASE)
LONGEST, MOST_SIGNS = 100_000, 300
"""Limits of an expression, in characters and in signs and words: evaluation takes the cube of their number."""
_ELSEWHERE = {"&&": "AND", "&": "AND", "||": "OR", "|": "OR", "=>": ">=", "=<": "<="}
"""What other languages write."""
_OTHER_SIGN = re.compile(rf"\s*({'|'.join(map(re.escape, _ELSEWHERE))})")
_WORDS = frozenset({"AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"})


@dataclass(frozen=True, slots=True)
class Domain:
    """Which rows are ``inside``, and which are outside because it is ``unknown``: a value is missing."""

    inside: pl.Series
    unknown: pl.Series

    @property
    def undecided(self) -> int:
        """How many rows were left outside because a value is missing."""
        return int(self.unknown.sum())


def select(frame: pl.DataFrame, where: str | None) -> Domain:
    """Evaluate ``where`` on every row of ``frame``; no expression selects all rows.

    Only comparisons of columns and constants, arithmetic, AND, OR, NOT, IN, BETWEEN and IS NULL are
    understood: no function is ever called.

    Raises:
        UsageError: the expression uses an unknown column, a level that its column cannot have, or anything beyond that.
    """
    if where is None:
        inside = pl.Series([True] * frame.height, dtype=pl.Boolean)
        return Domain(inside, ~inside)
    names(where)
    tokens = list(_tokens(where))
    compared_values.check_names(tokens, frame, where)
    compared_values.check_values(tokens, frame, where)
    return evaluate(frame, where)


def select_participants(cohort: Cohort, frame: pl.DataFrame, where: str | None) -> Domain:
    """Evaluate ``where`` as :func:`select` does, on participants: none is inside that a condition before left out.

    Of those a survey keeps the place in the design alone, and what is asked of them has no answer.

    Raises:
        UsageError: as of :func:`select`.
    """
    left = ~frame["participant_id"].is_in(list(cohort.attrition.outside))
    if left.all():
        return select(frame, where)
    among = select(frame.filter(left), where)
    inside, unknown = left.to_numpy().copy(), left.to_numpy().copy()
    inside[inside], unknown[unknown] = among.inside.to_numpy(), among.unknown.to_numpy()
    return Domain(pl.Series(inside), pl.Series(unknown))


def evaluate(frame: pl.DataFrame, where: str) -> Domain:
    """Evaluate ``where`` as :func:`select` does, on rows as they were sent: a text that none of them has is no error.

    Raises:
        UsageError: the expression uses an unknown column or cannot be evaluated.
    """
    compared_values.check_names(list(_tokens(where)), frame, where)
    try:
        inside = frame.select(pl.sql_expr(_sql(where)).alias("inside")).to_series()
    except pl.exceptions.SQLInterfaceError:
        raise UsageError(
            f"where {where!r} is not a condition; write a comparison such as age_years >= 20, or several with AND"
        ) from None
    except pl.exceptions.PolarsError as error:
        raise UsageError(f"where {where!r} cannot be evaluated: {str(error).splitlines()[0]}") from None
    if inside.dtype != pl.Boolean or len(inside) != frame.height:
        raise UsageError(f"where {where!r} is not a condition; write a comparison such as age_years >= 20")
    return Domain(inside.fill_null(value=False), inside.is_null())


def names(where: str) -> tuple[str, ...]:
    """Return the column names in an expression, each once.

    Raises:
        UsageError: the expression holds anything but columns, constants, comparisons and AND, OR, NOT.
    """
    found = [text for kind, text in _tokens(where) if kind == "name"]
    if not found:
        raise UsageError(f"where {where!r} names no column; write a comparison such as age_years >= 20")
    return tuple(dict.fromkeys(found))


def _sql(where: str) -> str:
    # Tokens are set apart, so that no two of them make a comment; names are quoted, so that a column may be
    # called like a word of SQL; and the parentheses make the parser read to the end.
    words = {"name": '"{}"', "date": "DATE {}"}
    written = (words.get(kind, "{}").format("=" if text == "==" else text) for kind, text in _tokens(where))
    return f"({' '.join(written)})"


def _tokens(where: str) -> Iterator[tuple[str, str]]:
    position, end, signs, before = 0, len(where.rstrip()), 0, ("", "")
    if end > LONGEST:
        raise UsageError(f"where {where[:40]!r}… has {end:,} characters, and at most {LONGEST:,} are read")
    while position < end:
        if elsewhere := _OTHER_SIGN.match(where, position):
            written = elsewhere[1]
            error = UsageError(f"where {where!r}: {written} is written {_ELSEWHERE[written]}")
            error.correction = (written, _ELSEWHERE[written])
            raise error
        if other := _OTHER_NAME.match(where, position):
            if before[1].upper() == "IN":
                such = "such as sex IN ('female')"
                raise UsageError(f"where {where!r}: what a column is IN stands in parentheses, {such}")
            position, before = other.end(), ("name", next(filter(None, other.groups())))
            yield before
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
        elif kind == "name" and before[0] == "name" and text.upper() != "LIKE":
            raise UsageError(
                f"where {where!r}: {before[1]} {text} is no name of a column; one with spaces stands in double quotes: "
                f'"{before[1]} {text}"'
            )
        elif kind == "name" and _OPENS.match(where, position):
            raise UsageError(f"where {where!r}: functions are not allowed, got {text}()")
        signs += kind == "word" or (kind == "sign" and text != ",")
        if signs > MOST_SIGNS:
            raise UsageError(
                f"where {where[:40]!r}… has more than {MOST_SIGNS} signs and words such as = and OR; "
                "write a column IN (…) for many values of one column"
            )
        before = kind, text
        yield before


def too_young(cohort: Cohort, youngest: int) -> str | None:
    """Return that nobody is as old as the lower limit of the ``youngest`` band, from which on people are analysed.

    Where nobody has an age, all are.
    """
    if not cohort.has("age_years"):
        return None
    oldest = float(cohort.frame("participants")["age_years"].max())  # type: ignore[arg-type]
    said = f"nobody in {cohort.name} is {youngest} or older, and people are analysed from the youngest age band on"
    return f"{said}: the highest age is {oldest:g} years" if oldest < youngest else None
