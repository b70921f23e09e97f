"""Whom a condition selects, as sentences and captions say it: ``aged 50 years and older and without diabetes``."""

from __future__ import annotations

from collections.abc import Iterator

from crampstudy import codebook, wording
from crampstudy.cohort.subpopulation.grammar import EQUAL, SIGNS, Clause, parse
from crampstudy.cohort.subpopulation.tokens import tokens
from crampstudy.errors import UsageError

_AGES = {
    ">=": "aged {} years and older",
    ">": "older than {} years",
    "<": "younger than {} years",
    "<=": "aged up to {} years",
}
_TURNED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
_NO_NOUN = frozenset({"ever_cramp"})
"""Variables whose label is nothing that somebody is with or without."""


def whom(where: str, *, youngest: float | None = None) -> str:
    """Return whom a condition on participants selects, in words that stand behind ``those``.

    One that is more than comparisons joined by AND is told as it is written, with labels in the place of names.

    Args:
        where: the condition.
        youngest: what is said anyhow is that all are as old as this; empty where that is all that the condition says.
    """
    clause = _read(where)
    parts = [_part(each, youngest) for each in _joined(clause)] if clause else [None]
    said = [part for part in parts if part is not None]
    if len(said) < len(parts):
        return f"who meet the condition ({wording.condition(where, inside=True)})"
    said = list(dict.fromkeys(filter(None, said)))
    return wording.listed(said) if said else ""


def least_age(where: str) -> float:
    """Return from which age on a condition selects participants at most, 0 where it names none."""
    clause = _read(where)
    found = [_of_column(each) for each in _joined(clause)] if clause else []
    return max((float(each[2]) for each in found if each and each[:2] == ("age_years", ">=")), default=0.0)


def _read(where: str) -> Clause | None:
    try:
        return parse(tokens(where))
    except UsageError:
        return None


def _joined(clause: Clause) -> Iterator[Clause]:
    """Yield the conditions that are all to be met."""
    if clause.sign == "AND":
        for each in clause.clauses:
            yield from _joined(each)
    else:
        yield clause


def _part(clause: Clause, youngest: float | None) -> str | None:
    """Return whom one comparison selects, empty where all are ``youngest`` or older anyhow; ``None`` if it is none."""
    if clause.sign == "column":
        return _flagged(clause.text, holds=True)
    if clause.sign == "NOT":
        (negated,) = clause.clauses
        return _flagged(negated.text, holds=False) if negated.sign == "column" else None
    found = _of_column(clause)
    if found is None:
        return None
    name, sign, constant = found
    if constant.upper() in ("TRUE", "FALSE"):
        return _flagged(name, holds=(constant.upper() == "TRUE") is (sign == "=")) if sign in EQUAL else None
    if constant.startswith("'"):
        return _levelled(name, constant[1:-1].replace("''", "'")) if sign == "=" else None
    return None if constant.upper() == "NULL" else _numbered(name, sign, constant, youngest)


def _of_column(clause: Clause) -> tuple[str, str, str] | None:
    """Return what a comparison of a column with a constant is made of, the sign as behind the column."""
    if clause.sign not in SIGNS:
        return None
    column, constant = clause.clauses
    sign = {"==": "=", "<>": "!="}.get(clause.sign, clause.sign)
    if column.is_constant:
        column, constant, sign = constant, column, _TURNED.get(sign, sign)
    return (column.text, sign, constant.text) if column.sign == "column" and constant.is_constant else None


def _flagged(name: str, *, holds: bool) -> str | None:
    if name in _NO_NOUN:
        return None
    return f"{'with' if holds else 'without'} {wording.small(wording.label(name))}"


def _numbered(name: str, sign: str, number: str, youngest: float | None) -> str:
    if name == "age_years" and sign in _AGES:
        return "" if sign == ">=" and youngest is not None and float(number) <= youngest else _AGES[sign].format(number)
    known = codebook.find(name)
    unit = f" {known.unit}" if known and known.unit else ""
    return f"with {wording.small(wording.label(name))} {wording.sign(sign)} {number}{unit}"


def _levelled(name: str, level: str) -> str:
    if name == "sex" and level in wording.SEXES:
        return f"of {level} sex"
    return f"with {wording.small(wording.label(name))} {wording.quoted_blank(level) or wording.level(level)}"
