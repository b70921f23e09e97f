"""The ratio of a nightly exposure in a model in which participants differ, split into within and between them.

A random intercept or a working correlation weighs the nights of one participant against the differences between
participants, so that the ratio of what differs in both ways lies somewhere between the two. The same model with
``within(x) + between(x)`` in the place of x shows both, and whether they differ.

Source: Neuhaus and Kalbfleisch 1998; Begg and Parides 2003.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from formulaic.parser.types import Factor, Term

from crampstudy import estimates, wording
from crampstudy.models import formula, rows, spec
from crampstudy.models.columns import quoted, shown
from crampstudy.models.person_means import BETWEEN, WITHIN, splittable
from crampstudy.models.question import Question

_FAMILIES = ("mixed-", "gee-")
"""How the names of models begin in which participants differ."""


@dataclass(frozen=True, slots=True)
class Split:
    """A nightly exposure as the rows name it: its parts, and the test that their coefficients are equal."""

    variable: str

    @property
    def within(self) -> str:
        """The term of the deviations from the participant's mean."""
        return f"{WITHIN}({quoted(self.variable)})"

    @property
    def between(self) -> str:
        """The term of the participant's mean."""
        return f"{BETWEEN}({quoted(self.variable)})"

    @property
    def test(self) -> str:
        """What the test is of."""
        return f"{self.within}{wording.EQUALS}{self.between}"


def splits(asked: Question, design: spec.Design) -> tuple[Split, ...]:
    """Return the exposures to be split: terms by themselves that differ from night to night and stand nowhere else."""
    if not asked.model.startswith(_FAMILIES):
        return ()
    terms = [term for term in formula.parse(asked.terms) if str(term) in design.terms()]
    alone = [name for term in terms if len(term.factors) == 1 and (name := _column(term.factors[0]))]
    # In a function x means something else, a curve or a mean; split in one place it would not be split in the other.
    inside = {n for term in terms for factor in term.factors for n in _inside(factor)}
    return tuple(Split(name) for name in alone if name not in inside and splittable(asked.cohort, name))


def question(asked: Question, found: Sequence[Split]) -> Question:
    """Return the question with both parts in the place of each exposure, also where it interacts."""
    parts = {split.variable: (split.within, split.between) for split in found}
    terms = [term for term in formula.parse(asked.terms) if str(term) != "1"]
    slope = asked.random_slope
    if slope is not None:
        # The slope that differs between participants is that of their own nights.
        slope = " + ".join(_written(term, parts)[0] for term in formula.parse(slope) if str(term) != "1")
    per = {name: multiple for name, multiple in asked.per.items() if not _names(name) & set(parts)}
    per |= {part: multiple for name, multiple in asked.per.items() for part in parts.get(name, ())}
    return replace(
        asked,
        terms=" + ".join(text for term in terms for text in _written(term, parts)),
        random_slope=slope,
        per=per,
        analysis=f"{asked.analysis}, {wording.SPLIT}",
    )


def split_rows(
    found: Sequence[Split], answer: rows.Answer, made: Sequence[rows.Row], cells: rows.Row
) -> list[rows.Row]:
    """Return, of the rows ``made`` of the model with both parts, those of the parts, each pair with its test."""
    chosen: list[rows.Row] = []
    terms = list(dict.fromkeys(column.term for column in answer.columns if column.term != spec.INTERCEPT))
    place = {column.term: i for i, column in enumerate(answer.columns)}
    for split in found:
        parts = [row for name in (split.within, split.between) for row in made if row["term"] == name]
        more = cells | {"term": split.test, "estimand": "test that both ratios are equal"}
        more["adjusted_for"] = "; ".join(t for t in terms if t not in (split.within, split.between)) or None
        if any(split.within in term.split(":") for term in terms if term != split.within):
            more["note"] = rows.note(wording.AT_REFERENCE, cells["note"] or "")
        if lacking := [row for row in parts if row["status"] != "converged"]:
            test = estimates.row(status=lacking[0]["status"], scale=rows.TEST, **more | {"note": lacking[0]["note"]})
        else:
            contrast = np.zeros((1, len(answer.columns)))
            contrast[0, [place[split.between], place[split.within]]] = 1, -1
            test = rows.joint_test(answer, contrast, more)
        chosen += [*parts, test]
    return chosen


def _column(factor: Factor) -> str | None:
    """Return the column that a factor is, if it is one."""
    return next(iter(formula.names_of_factor(factor)), None) if factor.eval_method.value == "lookup" else None


def _inside(factor: Factor) -> set[str]:
    names = formula.names_of_factor(factor)
    split = {found[1] for name in names if (found := wording.of_person(name))}
    return split if factor.eval_method.value == "lookup" else split | names


def _names(term: str) -> set[str]:
    return formula.names_in(formula.parse(term)) if term != spec.INTERCEPT else set()


def _written(term: Term, parts: Mapping[str, tuple[str, str]]) -> list[str]:
    each = [parts.get(_column(factor) or "", (shown(factor.expr),)) for factor in term.factors]
    return [":".join(factors) for factors in product(*each)]
