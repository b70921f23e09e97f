"""The ratio of a nightly exposure in a model in which participants differ, split into within and between them.

A random intercept or a working correlation weighs the nights of one participant against the differences between
participants, so that the ratio of what differs in both ways lies somewhere between the two. The same model with
``within(x) + between(x)`` in the place of x shows both, and whether they differ.

Source: Neuhaus and Kalbfleisch 1998; Begg and Parides 2003.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd
from formulaic.parser.types import Factor, Term

from crampstudy import codebook, estimates, wording
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import OF_PERSON, Exposure
from crampstudy.estimates import kinds
from crampstudy.models.coefficients import rows
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import design_matrix, formula
from crampstudy.models.terms.columns import coded, quoted, shown
from crampstudy.models.terms.person_time.means import splittable


@dataclass(frozen=True, slots=True)
class Split:
    """A nightly exposure as a ``term``, the expression ``of`` its factor, and the terms of its parts."""

    term: str
    of: str
    within: str
    between: str

    @property
    def test(self) -> str:
        """What the test is of."""
        return f"{self.within} = {self.between}"


def splits(request: ModelRequest, design: design_matrix.Design) -> tuple[Split, ...]:
    """Return the exposures to be split: what differs from night to night and is a term by itself, as x or I(x / 30).

    In a curve, or where its mean is a term too, a ratio of x is none of a single number, or is one within already.
    """
    terms = [term for term in formula.parse(request.terms) if str(term) in design.terms()]
    uses: dict[str, set[str]] = {}
    for factor in (factor for term in terms for factor in term.factors):
        for name in formula.names_of_factor(factor):
            part = exposures.find(name)
            uses.setdefault(part.variable if part else name, set()).add(factor.expr)
    found = []
    for term in terms:
        factor, *others = term.factors
        column = None if others else _linear_in(factor)
        if column and len(uses.get(column, ())) == 1 and splittable(request.cohort, column):
            # A mean with the night in it whose outcome moves the exposure would have the outcome on both sides.
            leave_out = codebook.can_move(request.outcome, column)
            of_it = (str(Exposure(quoted(column), function, leave_out)) for function in OF_PERSON)
            parts = [_in_place(factor, column, part) for part in of_it]
            found.append(Split(str(term), factor.expr, *parts))
    return tuple(found)


def request_of_parts(request: ModelRequest, found: Sequence[Split]) -> ModelRequest:
    """Return the request with both parts in the place of each exposure, also where it interacts."""
    parts = {split.of: (split.within, split.between) for split in found}
    terms = {str(term): term for term in formula.parse(request.terms) if str(term) != "1"}
    slope = request.options.random_slope
    if slope is not None:
        # The slope that differs between participants is that of their own nights.
        slope = _written(terms[formula.as_shown(slope, terms)], parts)[0]
    alone = {split.term: (split.within, split.between) for split in found}
    kept = {name for name, term in terms.items() if not parts.keys() & {factor.expr for factor in term.factors}}
    per = {name: multiple for name, multiple in request.per.items() if name in kept}
    per |= {part: multiple for name, multiple in request.per.items() for part in alone.get(name, ())}
    return replace(
        request,
        terms=" + ".join(text for term in terms.values() for text in _written(term, parts)),
        options=replace(request.options, random_slope=slope),
        per=per,
        analysis=kinds.split_of(request.analysis).name,
    )


def split_rows(
    found: Sequence[Split], answer: rows.CoefficientTable, made: Sequence[rows.Row], cells: rows.Row
) -> list[rows.Row]:
    """Return, of the rows ``made`` of the model with both parts, those of the parts, each pair with its test."""
    chosen: list[rows.Row] = []
    terms = list(dict.fromkeys(column.term for column in answer.columns if column.term != design_matrix.INTERCEPT))
    place = {column.term: i for i, column in enumerate(answer.columns)}
    for split in found:
        parts = [row for name in (split.within, split.between) for row in made if row["term"] == name]
        more = cells | {"term": split.test, "estimand": "test that both are equal"}
        more["adjusted_for"] = "; ".join(t for t in terms if t not in (split.within, split.between)) or None
        if any(split.within in term.split(":") for term in terms if term != split.within):
            more["note"] = estimates.note(wording.AT_REFERENCE, cells["note"] or "")
            more["facts"] = {**cells.get("facts", {}), "where": wording.AT_REFERENCE}
        if lacking := [row for row in parts if pd.isna(row["estimate"])]:
            test = estimates.row(status=lacking[0]["status"], scale=rows.TEST, **more | {"note": lacking[0]["note"]})
        else:
            contrast = np.zeros((1, len(answer.columns)))
            contrast[0, [place[split.between], place[split.within]]] = 1, -1
            test = rows.joint_test(answer, contrast, more)
        chosen += [*parts, test]
    return chosen


def _linear_in(factor: Factor) -> str | None:
    """Return the column of which a factor is a straight line, if it is: the column itself, or arithmetic in ``I()``."""
    names = formula.names_of_factor(factor)
    if len(names) != 1 or (factor.eval_method.value != "lookup" and not _straight(factor.expr)):
        return None
    return names.pop()


def _straight(expression: str) -> bool:
    """Say whether an expression is ``I()`` of arithmetic that is a straight line in its one column."""
    match ast.parse(expression, mode="eval").body:
        case ast.Call(func=ast.Name(id="I"), args=[inner]):
            once = sum(isinstance(node, ast.Name) for node in ast.walk(inner)) == 1
            return once and _line(inner)
    return False


def _line(node: ast.expr) -> bool:
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.UnaryOp(operand=operand):
            return _line(operand)
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult(), right=right):
            return _line(left) and _line(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _line(left) and not any(isinstance(part, ast.Name) for part in ast.walk(right))
    return False


def _in_place(factor: Factor, name: str, part: str) -> str:
    """Return a factor as it is written with a ``part`` of the column in its place."""
    tree = ast.parse(factor.expr, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == coded(name):
            node.id = coded(part)
    return shown(ast.unparse(tree))


def _written(term: Term, parts: Mapping[str, tuple[str, str]]) -> list[str]:
    each = [parts.get(factor.expr, (shown(factor.expr),)) for factor in term.factors]
    return [":".join(factors) for factors in product(*each)]
