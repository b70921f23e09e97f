"""What a condition is made of: comparisons of columns and constants, and what joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crampstudy.cohort.subpopulation.tokens import Token

EQUAL = ("=", "==", "!=", "<>")
SIGNS = (*EQUAL, "<", "<=", ">", ">=")
# How tightly a sign binds; SQL reads a condition in this order.
_OR, _AND, _NOT, _IS, _COMPARED, _SUM, _PRODUCT = range(1, 8)
_BINDS = {
    "OR": _OR,
    "AND": _AND,
    "IS": _IS,
    "IS NULL": _IS,
    "IS NOT NULL": _IS,
    "IN": _COMPARED,
    "BETWEEN": _COMPARED,
    **dict.fromkeys(SIGNS, _COMPARED),
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
}


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a condition: a column, a constant, or a sign with the clauses that it joins.

    ``sign`` is ``column``, the kind of a constant, or the sign or word; ``text`` is the name of a column or a constant
    as it is written; ``start`` and ``end`` are the characters that it takes, with parentheses around it.
    """

    sign: str
    start: int
    end: int
    text: str = ""
    clauses: tuple[Clause, ...] = ()
    enclosed: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether it is a number, a text, a date or a word such as TRUE."""
        return self.sign in ("number", "text", "date", "word")


class _MalformedError(Exception):
    """The tokens are no condition."""


def parse(tokens: Sequence[Token]) -> Clause | None:
    """Return a condition as it is made of clauses, ``None`` where it is not well formed."""
    reader = _Reader(tokens)
    try:
        whole = reader.clause(0)
    except _MalformedError:
        return None
    return whole if reader.at == len(tokens) else None


class _Reader:
    """Reads clauses one after the other; one call a level, for conditions may be nested as deep as they have signs."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def clause(self, least: int) -> Clause:
        """Read a clause up to the first sign that binds no tighter than ``least``."""
        token = self._next()
        if token.word in ("NOT", "-", "+"):
            operand = self.clause(_NOT if token.word == "NOT" else _PRODUCT)
            found = Clause(token.word, token.start, operand.end, clauses=(operand,))
        elif token.word == "(":
            inner = self.clause(0)
            found = replace(inner, start=token.start, end=self._next(")").end, enclosed=True)
        elif token.kind == "name":
            found = Clause("column", token.start, token.end, token.text)
        elif token.kind in ("number", "text", "date") or token.word in ("TRUE", "FALSE", "NULL"):
            found = Clause(token.kind, token.start, token.end, token.text)
        else:
            raise _MalformedError
        while (binds := self._binds()) > least:
            found = self._joined(found, binds)
        return found

    def _joined(self, left: Clause, binds: int) -> Clause:
        token = self._next()
        if token.word == "NOT":
            token = self._next()
        if token.word in ("IS NULL", "IS NOT NULL"):
            return Clause("IS", left.start, token.end, clauses=(left,))
        if token.word == "IS":
            told = self._next()
            told = self._next() if told.word == "NOT" else told
            if told.word not in ("NULL", "TRUE", "FALSE"):
                raise _MalformedError
            constant = () if told.word == "NULL" else (Clause("word", told.start, told.end, told.text),)
            return Clause("IS", left.start, told.end, clauses=(left, *constant))
        if token.word == "IN":
            self._next("(")
            listed = [self.clause(0)]
            while self._peek() == ",":
                self._next(",")
                listed.append(self.clause(0))
            return Clause("IN", left.start, self._next(")").end, clauses=(left, *listed))
        right = self.clause(binds)
        if token.word == "BETWEEN":
            self._next("AND")
            highest = self.clause(binds)
            return Clause("BETWEEN", left.start, highest.end, clauses=(left, right, highest))
        return Clause(token.word, left.start, right.end, clauses=(left, right))

    def _binds(self) -> int:
        word = self._peek()
        if word == "NOT" and self.at + 1 < len(self.tokens):
            following = self.tokens[self.at + 1].word
            return _COMPARED if following in ("IN", "BETWEEN") else 0
        return _BINDS.get(word, 0)

    def _peek(self) -> str:
        return self.tokens[self.at].word if self.at < len(self.tokens) else ""

    def _next(self, expected: str = "") -> Token:
        if self.at >= len(self.tokens) or (expected and self._peek() != expected):
            raise _MalformedError
        self.at += 1
        return self.tokens[self.at - 1]
