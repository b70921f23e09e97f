"""A part of a cohort, named by an expression such as ``age_years >= 20 AND sex = 'female'``.

A name with spaces or other signs stands in double quotes, backticks or brackets; an empty cell is ``IS NULL``,
``IS EMPTY`` or ``= ''``.

For a survey the part is a domain: the rows outside keep their place in the design and only lose their
weight. A row on which the expression cannot be decided, because a value is missing, is outside.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from crampstudy.age_bands import AgeBands
from crampstudy.cohort.frozen import Cohort
from crampstudy.cohort.subpopulation import compared_values, grammar
from crampstudy.cohort.subpopulation.kinds_of_values import check_kinds
from crampstudy.cohort.subpopulation.tokens import Token, no_name, tokens
from crampstudy.errors import UsageError

_MOST_CORRECTIONS = 12
_NONE = "where=null"


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
    return _refusing_once(frame, where, of_levels=True)


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
    return _refusing_once(frame, where, of_levels=False)


def names(where: str) -> tuple[str, ...]:
    """Return the column names in an expression, each once.

    Of one that cannot be read there is none: what is wrong with it is said where it meets columns.

    Raises:
        UsageError: the expression names no column.
    """
    try:
        read = tokens(where)
    except UsageError:
        return ()
    return tuple(dict.fromkeys(_named(read, where)))


def check_form(where: str) -> None:
    """Check that an expression holds columns, constants, comparisons and AND, OR, NOT alone.

    Raises:
        UsageError: it does not.
    """
    read = tokens(where)
    _named(read, where)
    if spaced := next((each for each in read if each.spaced), None):
        raise no_name(where, spaced.text)


def too_young(cohort: Cohort, youngest: int) -> str | None:
    """Return that nobody is as old as the lower limit of the ``youngest`` band, from which on people are analysed.

    Where nobody has an age, all are.
    """
    if not cohort.has("age_years"):
        return None
    oldest = float(cohort.frame("participants")["age_years"].max())  # type: ignore[arg-type]
    said = f"nobody in {cohort.name} is {youngest} or older, and people are analysed from the youngest age band on"
    return f"{said}: the highest age is {oldest:g} years" if oldest < youngest else None


def bands_with_people(cohort: Cohort, bands: AgeBands) -> tuple[str, ...]:
    """Return the labels of the bands from the first limit on that somebody is of, all where nobody has an age."""
    if not cohort.has("age_years"):
        return bands.labels[1:]
    ages = cohort.frame("participants")["age_years"].drop_nulls().unique()
    found = {bands.label(float(age)) for age in ages}
    return tuple(label for label in bands.labels[1:] if label in found)


def bands_among(cohorts: Sequence[Cohort]) -> AgeBands:
    """Return age bands that people of the cohorts are in, of those that have an age."""
    ages = pl.concat(
        each.frame("participants")["age_years"].cast(pl.Float64) for each in cohorts if each.has("age_years")
    )
    return AgeBands.among(float(ages.min()), float(ages.max()))  # type: ignore[arg-type]


def _refusing_once(frame: pl.DataFrame, where: str, *, of_levels: bool) -> Domain:
    """Evaluate a condition; what an error gives in its place is accepted, or the error gives nothing."""
    try:
        return _evaluated(frame, where, of_levels=of_levels)
    except UsageError as error:
        if error.correction and error.correction[1] != _NONE:
            error.correction = _accepted(error.correction, frame, where, of_levels=of_levels)
        raise


def _accepted(
    correction: tuple[str, str], frame: pl.DataFrame, where: str, *, of_levels: bool
) -> tuple[str, str] | None:
    """Return a correction after which a condition is accepted, with all that is to be corrected beside; or ``None``."""
    then: tuple[str, str] | None = correction
    meant: str | None = where
    for step in range(_MOST_CORRECTIONS):
        meant = _applied(then, meant) if then and meant else None
        if meant is None:
            return None
        try:
            _evaluated(frame, meant, of_levels=of_levels)
        except UsageError as again:
            then = again.correction
        else:
            return (f"where={where}", f"where={meant}") if step else correction
    return None


def _applied(correction: tuple[str, str], where: str) -> str | None:
    """Return a condition with what was meant, ``None`` where it is to be left out."""
    written, meant = correction
    if written == f"where={where}":
        return None if meant == _NONE else meant.removeprefix("where=")
    corrected = re.sub(rf"(?<![\w-]){re.escape(written)}(?![\w-])", lambda _: meant, where)
    return corrected if corrected != where else None


def _evaluated(frame: pl.DataFrame, where: str, *, of_levels: bool) -> Domain:
    try:
        read = tokens(where)
    except UsageError:
        compared_values.check_marks(frame, where)
        raise
    _named(read, where)
    compared_values.check_names(read, frame, where)
    whole = grammar.parse(read)
    if whole is None:
        raise UsageError(
            f"where {where!r} is not a condition; write a comparison such as age_years >= 20, or several with AND"
        )
    as_texts = check_kinds(whole, frame, where)
    if of_levels:
        compared_values.check_levels(read, frame, where)
    try:
        inside = frame.select(pl.sql_expr(_sql(read, as_texts)).alias("inside")).to_series()
    except pl.exceptions.PolarsError:
        raise UsageError(f"where {where!r} cannot be evaluated; write comparisons such as age_years >= 20") from None
    if inside.dtype != pl.Boolean or len(inside) != frame.height:
        raise UsageError(f"where {where!r} is not a condition; write a comparison such as age_years >= 20")
    return Domain(inside.fill_null(value=False), inside.is_null())


def _named(read: Sequence[Token], where: str) -> list[str]:
    found = [token.text for token in read if token.kind == "name"]
    if not found:
        error = UsageError(f"where {where!r} names no column; write a comparison such as age_years >= 20")
        error.correction = f"where={where}", _NONE
        raise error
    return found


def _sql(read: Sequence[Token], as_texts: Collection[int]) -> str:
    # Tokens are set apart, so that no two of them make a comment; names are quoted, so that a column may be
    # called like a word of SQL; and the parentheses make the parser read to the end.
    words = {"name": '"{}"', "date": "DATE {}"}
    written = (
        ("{}" if token.start in as_texts else words.get(token.kind, "{}")).format(
            "=" if token.text == "==" else token.text
        )
        for token in read
    )
    return f"({' '.join(written)})"
