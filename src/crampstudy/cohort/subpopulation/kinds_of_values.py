"""Whether a condition joins what can be joined: numbers with numbers, texts with texts, and conditions by AND and OR.

What polars would refuse in its own words is refused in the words of the study, and what it would compare without a
word, such as a text with yes or no, is refused as well: it chose nobody, or everybody.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from crampstudy import suggestions
from crampstudy.cohort.subpopulation.compared_values import corrected, instead, levels, listed
from crampstudy.cohort.subpopulation.grammar import EQUAL, SIGNS, Clause
from crampstudy.errors import UsageError

_MOST_PLAIN = 1e3
_WORDS = ("true", "false")
_YES_NO, _NUMBER, _TEXT, _DATE, _UNKNOWN = "yes or no", "a number", "a text", "a date", ""


def check_kinds(whole: Clause, frame: pl.DataFrame, where: str) -> frozenset[int]:
    """Return where in a condition a text stands that is written like a date and compared with texts.

    Raises:
        UsageError: the condition joins what cannot be joined, or is none.
    """
    checker = _Checker(frame, where)
    checker.condition(whole)
    return frozenset(checker.texts)


class _Checker:
    def __init__(self, frame: pl.DataFrame, where: str) -> None:
        self.frame, self.where = frame, where
        self.texts: list[int] = []

    def condition(self, clause: Clause, joined: Clause | None = None) -> None:
        """Check that a clause is a condition; ``joined`` is what it is part of, by AND, OR or NOT."""
        if (kind := self.kind(clause)) in (_YES_NO, _UNKNOWN):
            return
        said = f"where {self.where!r}: {self._written(clause)} is {kind}, which is not a condition by itself"
        if not clause.is_constant:
            such = self.example(clause, kind)
            error = UsageError(f"{said}; write what it is to be, such as {such}{self._there(clause)}")
            error.correction = instead(self.where, clause.start, clause.end, such)
            raise error
        beside = next((each for each in joined.clauses if each is not clause), None) if joined else None
        such = ""
        if beside and beside.sign in EQUAL and beside.clauses[0].sign == "column":
            such = f"{self._written(beside.clauses[0])} {beside.sign} {clause.text}"
        error = UsageError(f"{said}; compare a column with it{f', such as {such}' if such else ''}")
        if such:
            error.correction = instead(self.where, clause.start, clause.end, such)
        elif joined and beside:
            error.correction = instead(self.where, joined.start, joined.end, self._written(beside))
        else:
            error.correction = f"where={self.where}", "where=null"
        raise error

    def kind(self, clause: Clause) -> str:
        """Return what a clause is, of which all clauses were checked."""
        if clause.sign == "column":
            return self._kind_of_column(clause)
        if clause.is_constant:
            kinds = {"number": _NUMBER, "text": _TEXT, "date": _DATE}
            return kinds.get(clause.sign, _UNKNOWN if clause.text.upper() == "NULL" else _YES_NO)
        if clause.sign in ("AND", "OR", "NOT"):
            for each in clause.clauses:
                self.condition(each, clause)
            return _YES_NO
        kinds_of = [self.kind(each) for each in clause.clauses]
        if clause.sign in ("+", "-", "*", "/"):
            # A sum counts what is so.
            able = (_NUMBER, _UNKNOWN, *([_YES_NO] if clause.sign == "+" and len(kinds_of) > 1 else []))
            for each, kind in zip(clause.clauses, kinds_of, strict=True):
                if kind not in able:
                    self._refuse_arithmetic(clause, each, kind)
            return _NUMBER
        left, *others = clause.clauses
        if clause.sign in SIGNS and left.sign in SIGNS and not left.enclosed:
            self._refuse_chain(clause)
        for each, kind in zip(others, kinds_of[1:], strict=True):
            self._compare(clause, (left, kinds_of[0]), (each, kind))
        return _YES_NO

    def _kind_of_column(self, clause: Clause) -> str:
        dtype = self.frame.schema[clause.text]
        if dtype == pl.Boolean:
            return _YES_NO
        if dtype.is_numeric():
            return _NUMBER
        if dtype.is_temporal():
            return _DATE
        return _TEXT if dtype in (pl.String, pl.Enum, pl.Categorical) else _UNKNOWN

    def _compare(self, clause: Clause, left: tuple[Clause, str], right: tuple[Clause, str]) -> None:
        constant, other = (left, right) if left[0].is_constant else (right, left)
        kinds = {left[1], right[1]}
        if len(kinds) == 1 or _UNKNOWN in kinds:
            self._check_date(constant[0])
        elif constant[0].sign == "date" and other[1] == _TEXT:
            self.texts.append(self.where.index("'", constant[0].start))
        elif kinds == {_YES_NO, _NUMBER} and constant[0].text in ("0", "1") and clause.sign != "IN":
            pass
        elif constant[0].is_constant and other[0].sign == "column":
            self._refuse_constant(clause, other[0], other[1], constant[0])
        else:
            named = [each for each, _ in (left, right) if each.sign == "column"]
            said = f"{self._written(left[0])} is {left[1]} and {self._written(right[0])} is {right[1]}"
            error = UsageError(f"{said}, and the two cannot be compared, in where {self.where!r}")
            error.correction = f"where={self.where}", "where=null"
            if named:
                such = self.example(named[0], self.kind(named[0]))
                error.correction = instead(self.where, clause.start, clause.end, such)
            raise error

    def _check_date(self, constant: Clause) -> None:
        if constant.sign != "date":
            return
        try:
            date.fromisoformat(constant.text.strip("'"))
        except ValueError:
            said = f"where {self.where!r} cannot be evaluated: the calendar has no day {constant.text}"
            raise UsageError(said) from None

    def _refuse_constant(self, clause: Clause, column: Clause, kind: str, constant: Clause) -> None:
        name, text, end = self._written(column), constant.text, f"in where {self.where!r}"
        what = {"number": _NUMBER, "word": _YES_NO}.get(constant.sign, _TEXT)
        if kind == _YES_NO:
            meant = suggestions.closest(text.strip("'"), _WORDS)
            word = meant[0].upper() if meant else {"0": "FALSE", "1": "TRUE"}.get(text)
            said = f"{name} is yes or no, and {text} is neither; write {name} = TRUE or = FALSE, {end}"
            raise corrected(said, text, word)
        such = self.example(column, kind)
        none = "none" if what == _TEXT else what
        said = {
            _NUMBER: f"{name} is a number, and {text} is {what}; write a number such as {name} > 1, {end}",
            _DATE: f"{name} is a date, and {text} is {none}; write it as '2024-01-31', {end}",
            _TEXT: f"{name} is a text, and {text} is {what}; write such as {such}, {end}",
        }[kind]
        error = UsageError(said)
        error.correction = instead(self.where, clause.start, clause.end, such)
        if alike := self._alike(column, kind, constant):
            error.correction = instead(self.where, constant.start, constant.end, alike)
        raise error

    def _alike(self, column: Clause, kind: str, constant: Clause) -> str | None:
        """Return what a column has that says the same as a constant of another kind: ``'yes'`` is TRUE, 20 is '20'."""
        plain = constant.text.strip("'").strip()
        if kind == _TEXT:
            found = levels(column.text, self.frame) or []
            same = next((each for each in found if plain == each or _word(each) == plain.lower()), None)
            return f"'{same}'" if same else None
        if kind != _NUMBER:
            return None
        if constant.sign == "word":
            return {"true": "1", "false": "0"}[plain.lower()] if self._counts(column) else None
        return plain if plain.replace(".", "", 1).isdigit() else None

    def _counts(self, column: Clause) -> bool:
        known = self.frame[column.text].drop_nulls()
        return len(known) > 0 and bool(((known == 0) | (known == 1)).all())

    def _refuse_arithmetic(self, clause: Clause, operand: Clause, kind: str) -> None:
        said = f"{self._written(operand)} is {kind}, and {clause.sign} takes numbers, in where {self.where!r}"
        error = UsageError(f"{said}; compare it by itself{self._there(operand)}")
        error.correction = f"where={self.where}", "where=null"
        raise error

    def _refuse_chain(self, clause: Clause) -> None:
        first, last = clause.clauses
        again = f"{self._written(first)} AND {self._written(first.clauses[-1])} {clause.sign} {self._written(last)}"
        error = UsageError(f"where {self.where!r}: a comparison is compared again; write {again}")
        error.correction = instead(self.where, clause.start, clause.end, again)
        raise error

    def example(self, clause: Clause, kind: str) -> str:
        """Return a condition on a clause that is none by itself."""
        written = self._written(clause)
        if clause.sign != "column":
            return f"{written} > 0"
        known = self.frame[clause.text].drop_nulls()
        if kind == _TEXT:
            found = levels(clause.text, self.frame)
            escaped = found[0].replace("'", "''") if found else ""
            return f"{written} = '{escaped}'" if found else f"{written} IS NULL"
        if kind == _YES_NO:
            return written
        if kind == _DATE:
            return f"{written} >= '{str(known.min())[:10] if len(known) else '2024-01-31'}'"
        middle = float(known.cast(pl.Float64).median() or 0)  # type: ignore[arg-type]
        return f"{written} >= {middle:.3g}" if 0 < middle < _MOST_PLAIN else f"{written} > 0"

    def _there(self, clause: Clause) -> str:
        """Return in parentheses what values a column has: ``(sex has female, male)``."""
        if clause.sign != "column":
            return ""
        if (found := levels(clause.text, self.frame)) is not None:
            return f" ({clause.text} has {listed(found)})" if found else ""
        known = self.frame[clause.text].drop_nulls()
        if known.is_empty() or known.dtype == pl.Boolean:
            return ""
        least, most = (f"{each:g}" if isinstance(each, float) else str(each) for each in (known.min(), known.max()))
        return f" ({clause.text} is {least} to {most})"

    def _written(self, clause: Clause) -> str:
        return self.where[clause.start : clause.end]


def _word(text: str) -> str | None:
    """Return ``true`` or ``false`` of a text that means one of them."""
    return text.lower() if text.lower() in _WORDS else next(iter(suggestions.closest(text, _WORDS)), None)
