"""A model without the covariates that set its outcome apart, so that what they stand beside has an estimate.

A covariate at one of whose values nobody had a cramp takes the estimate from every term of its model. It is no less
unknown without the others; what is asked of is not known because of it alone, and is told with what it lacks. So does
one that follows from other covariates, which tell all that it could.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeVar

from crampstudy.models.common.separation import Follows
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import formula

_NOT_FOR = "not adjusted for "

_TOGETHER = "together they set the outcome apart"


class MayLeaveOut(Protocol):
    """What came of a request: ``apart`` are the terms that keep it from an estimate, with what is told of each."""

    @property
    def apart(self) -> Mapping[str, str]: ...


Made = TypeVar("Made", bound=MayLeaveOut)


def settle(covariates: Sequence[str], attempt: Callable[[Mapping[str, str]], Made]) -> tuple[Made, Mapping[str, str]]:
    """Make an answer without those of its ``covariates`` that set the outcome apart; return these as well, and why.

    All of them that do are left out at first, and each is then put back, the first first, if it can stand beside the
    others. What sets the outcome apart itself, and is no covariate, stays, and with it the reason against an estimate.

    Args:
        covariates: terms of a formula, several of one text together.
        attempt: makes an answer without some of them, given with what is to be said of each.
    """
    out: dict[str, str] = {}
    covariates = formula.jointly(covariates)
    made = attempt(out)
    every = {term for each in covariates for term in shown(each)}
    while found := {each: why for each in covariates if each not in out and (why := _told(each, made.apart, every))}:
        out |= found
        made = attempt(out)
    put_back = [each for each in covariates if each in out] if len(out) > 1 and not made.apart else []
    for each in put_back:
        rest = {one: why for one, why in out.items() if one != each}
        if (again := attempt(rest)).apart:
            out |= {each: _told(each, again.apart, every) or out[each]}
        else:
            out, made = rest, again
    if put_back and out:
        # What is said of each is of it beside the covariates that stayed.
        made = attempt(out)
    return made, out


def without(request: ModelRequest, out: Mapping[str, str]) -> ModelRequest:
    """Return a request without the covariates that are left ``out``, of which it says why."""
    lost = {term for each in out for term in shown(each)}
    return replace(
        request,
        terms=formula.without(request.terms, lost),
        adjusted_for=(),
        per={term: multiple for term, multiple in request.per.items() if term not in lost},
        remarks=(*request.remarks, *told(out)),
    )


def told(out: Mapping[str, str]) -> list[str]:
    """Return what is said of the covariates that are left ``out``."""
    return [f"{_NOT_FOR}{' + '.join(shown(each))}: {why}" for each, why in out.items()]


def is_told_of(note: str, term: str) -> bool:
    """Say whether a note says that a term was left out, as it set the outcome apart."""
    parts = [part.removeprefix(_NOT_FOR) for part in note.split("; ") if part.startswith(_NOT_FOR)]
    return any(term in part.split(": ")[0].split(" + ") for part in parts)


def told_of_alone(note: str, terms: Collection[str]) -> str:
    """Return a note without what it says of covariates left out that are none of ``terms``."""
    parts = note.split("; ")
    return "; ".join(each for each in parts if not each.startswith(_NOT_FOR) or any(is_told_of(each, t) for t in terms))


def shown(covariate: str) -> list[str]:
    """Return the terms of a covariate as rows show them."""
    return [str(term) for term in formula.parse(covariate) if str(term) != "1"]


def _told(covariate: str, apart: Mapping[str, str], every: Collection[str]) -> str:
    """Return what is said of a covariate that sets the outcome apart, nothing of one that does not.

    One that follows from what it is a covariate of, and not from ``every`` one of the other covariates alone, stays:
    the two cannot be told apart.
    """
    terms = shown(covariate)
    found = [apart[term] for term in terms if term in apart]
    if any(isinstance(why, Follows) and not why.of <= {*every} for why in found):
        return ""
    follows = [why for why in found if isinstance(why, Follows)]
    return _TOGETHER if found and len(terms) > 1 and not follows else [*follows, *found, ""][0]
