"""The grammar of formulas: a right-hand side is read, and refused if it holds anything else, before any evaluation.

What is evaluated later is never the text that was given but what is written anew from names of columns, numbers,
arithmetic and the functions of :data:`crampstudy.models.terms.functions.FUNCTIONS`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import mul
from typing import NamedTuple

from formulaic.parser.types import Term

from crampstudy import suggestions
from crampstudy.errors import UsageError
from crampstudy.models.terms.calls import Refused, check_call
from crampstudy.models.terms.columns import Written, coded
from crampstudy.models.terms.functions import CODINGS, FUNCTIONS
from crampstudy.models.terms.person_time import reading

LONGEST, DEEPEST, MOST_PARTS, MOST_TERMS, HIGHEST_POWER = 10_000, 20, 200, 300, 10
"""Limits of a formula: characters, parentheses within each other, parts of a function, terms, exponent of terms."""
ALLOWED = (
    "a formula holds names of columns (in backticks if they have other characters than letters, digits and _), "
    f"numbers, + - * : ^ / %in% and parentheses, and the functions {', '.join(FUNCTIONS)}, which hold arithmetic "
    "(+ - * / ^) and comparisons"
)
_DIGITS = 25
_TOKEN = re.compile(
    r"\s*(?:`(?P<column>[^`]+)`|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d][\w.]*)"
    r"|(?P<text>'[^'\\\n]*'|\"[^\"\\\n]*\")|(?P<sign>%in%|\*\*|//|<=|>=|==|!=|[-+*/%:^()\[\],=<>]))"
)
_INTERCEPT = Term([])
_NO_INTERCEPT = "it takes the intercept away; leave out 0 or -1, ratios have a reference"


def read(terms: str) -> list[Term]:
    """Return the terms of a right-hand side, the intercept first; nothing is evaluated.

    Raises:
        UsageError: it is no formula, holds what none may hold, or takes the intercept away.
    """
    shown = repr(terms if len(terms) <= 200 else f"{terms[:200]}…")
    try:
        found = _Reader(_of_person_time(_tokens(terms))).terms()
    except Refused as refusal:
        end = " " if str(refusal).endswith("?") else "; "
        error = UsageError(f"terms {shown} cannot be evaluated: {refusal}{end}{ALLOWED}")
        error.correction = refusal.correction
        raise error from None
    except _Broken as broken:
        raise UsageError(f"terms {shown} is not a formula: {broken}; {ALLOWED}") from None
    return [Term([Written("1", eval_method="literal")]), *(term for term in found if term != _INTERCEPT)]


class _Broken(Exception):
    """Where a formula ends being one."""


class _Token(NamedTuple):
    kind: str
    text: str


_END = _Token("end", "")


def _tokens(terms: str) -> list[_Token]:
    found: list[_Token] = []
    position, depth, end = 0, 0, len(terms.rstrip())
    if end > LONGEST:
        raise Refused(f"it has {end:,} characters, and at most {LONGEST:,} are read")
    while position < end:
        match = _TOKEN.match(terms, position)
        if match is None:
            rest = terms[position:].strip()
            if rest[0] == "|":
                raise _Broken(
                    "a bar stands nowhere; the models named mixed- have a random intercept of the participants by "
                    "themselves, and random_slope (--random-slope) adds a slope"
                )
            if rest[0] == "~":
                raise _Broken("give the right-hand side alone; the outcome has its own option")
            raise Refused(f"{rest[:15]!r} is not understood")
        kind = str(match.lastgroup)
        found.append(_Token(kind, match[kind]))
        position = match.end()
        if kind == "sign":
            depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(match[kind], 0)
        if depth > DEEPEST:
            raise Refused(f"more than {DEEPEST} parentheses stand within each other")
        if kind == "number" and len(match[kind]) > _DIGITS:
            raise Refused(f"{match[kind][:_DIGITS]}… is too long a number")
    return found


def _of_person_time(tokens: Sequence[_Token]) -> list[_Token]:
    """Return the tokens with each exposure of person-time as the column of its name."""
    found: list[_Token] = []
    at = 0
    while at < len(tokens):
        if reading.begins(tokens, at):
            exposure, at = reading.read(tokens, at)
            found.append(_Token("column", str(exposure)))
        else:
            found.append(tokens[at])
            at += 1
    return found


class _Reader:
    """Goes through the tokens of one formula; what binds least comes first among its methods, what binds most last."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens, self.at = tokens, 0

    def terms(self) -> list[Term]:
        found = self._sum() if self.tokens else []
        if self._next() is not _END:
            raise _Broken(f"what comes of {self._next().text!r} is unclear")
        return found

    def _sum(self) -> list[Term]:
        found: list[Term] = []
        sign = self._signs()
        while True:
            part = self._product()
            if sign == "-" and _INTERCEPT in part:
                raise Refused(_NO_INTERCEPT)
            found = [term for term in found if term not in part] if sign == "-" else _union(found, part)
            if self._next().text not in ("+", "-"):
                return found
            sign = self._signs()

    def _signs(self) -> str:
        minus = False
        while sign := self._taken("+", "-"):
            minus ^= sign == "-"
        return "-" if minus else "+"

    def _product(self) -> list[Term]:
        left = self._interaction()
        while sign := self._taken("*", "/", "%in%"):
            right = self._interaction()
            if sign == "*":
                left = _union(left, right, _crossed(left, right))
            else:
                outer, inner = (left, right) if sign == "/" else (right, left)
                left = _union(outer, _crossed([reduce(mul, outer)], inner))
        return left

    def _interaction(self) -> list[Term]:
        left = self._power()
        while self._taken(":"):
            left = _crossed(left, self._power())
        return left

    def _power(self) -> list[Term]:
        base = self._atom()
        if not self._taken("^", "**"):
            return base
        exponent = self._next().text
        if exponent not in map(str, range(1, HIGHEST_POWER + 1)):
            raise _Broken(f"terms are raised to a whole number from 1 to {HIGHEST_POWER}, got {exponent!r}")
        self.at += 1
        return reduce(_crossed, [base] * int(exponent))

    def _atom(self) -> list[Term]:
        kind, text = token = self._next()
        self.at += 1
        match kind:
            case "column":
                return [Term([Written(coded(text), eval_method="lookup")])]
            case "name" if self._next().text == "(":
                return [Term([Written(self._call(text), eval_method="python")])]
            case "name":
                return [Term([Written(coded(text), eval_method="lookup")])]
            case "number" if text == "1":
                return [_INTERCEPT]
            case "number" if text == "0":
                raise Refused(_NO_INTERCEPT)
            case "sign" if text == "(":
                found = self._sum()
                if not self._taken(")"):
                    raise _Broken("a parenthesis is not closed")
                return found
        if token is _END:
            raise _Broken("it ends where a term is expected")
        raise _Broken(f"a term is expected in the place of {text!r}")

    def _call(self, name: str) -> str:
        """Return the call of a function that begins here as it is evaluated."""
        if name not in FUNCTIONS:
            refusal = Refused(f"{name}() is none of the functions of formulas{suggestions.hint(name, FUNCTIONS)}")
            if len(meant := suggestions.closest(name, FUNCTIONS)) == 1:
                refusal.correction = (name, meant[0])
            raise refusal
        start, depth = self.at, 0
        for place in range(start, len(self.tokens)):
            kind, text = self.tokens[place]
            depth += {"(": 1, ")": -1}.get(text, 0) if kind == "sign" else 0
            if not depth:
                self.at = place + 1
                return _checked(name, self.tokens[start : self.at])
        raise _Broken(f"the parenthesis of {name}() is not closed")

    def _next(self) -> _Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else _END

    def _taken(self, *signs: str) -> str:
        """Return the sign that comes next, and go past it; an empty text if it is none of these."""
        kind, text = self._next()
        if kind != "sign" or text not in signs:
            return ""
        self.at += 1
        return text


def _checked(name: str, tokens: Sequence[_Token]) -> str:
    """Return a function and the tokens of its parentheses as they are evaluated, every part of them known."""
    if len(tokens) > MOST_PARTS:
        raise Refused(f"{name}() holds {len(tokens)} names, numbers and signs, and at most {MOST_PARTS} are read")
    parts = [_part(token, after) for token, after in zip(tokens, [*tokens[1:], _END], strict=True)]
    try:
        call = ast.parse(" ".join([name, *parts]), mode="eval").body
    except (SyntaxError, ValueError):
        # A text with a character that no source has is a ValueError.
        raise _Broken(f"what stands in {name}() is neither arithmetic nor a list of arguments") from None
    check_call(call)
    return ast.unparse(call)


def _part(token: _Token, after: _Token) -> str:
    """Return a token inside a function as Python has it: a column by the name under which it is evaluated."""
    kind, text = token
    if kind == "column":
        return coded(text)
    if text == "^":
        return "**"
    if kind != "name" or after.text in ("(", "=") or text in CODINGS or text in ("True", "False"):
        return text
    return coded(text)


def _union(*parts: Iterable[Term]) -> list[Term]:
    found = list(dict.fromkeys(term for part in parts for term in part))
    if len(found) > MOST_TERMS:
        raise Refused(f"it has more than {MOST_TERMS} terms")
    return found


def _crossed(left: Sequence[Term], right: Sequence[Term]) -> list[Term]:
    return _union(one * other for one in left for other in right)
