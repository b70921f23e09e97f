"""Whether a request holds together: names, what its family takes, and what may stand in its terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from formulaic import Formula

from crampstudy import causal, codebook, suggestions, wording
from crampstudy.codebook import exposures
from crampstudy.cohort import Cohort
from crampstudy.confidence import check_level
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import check_margins
from crampstudy.models.common.outcome_parts import check_apart, check_condition
from crampstudy.models.covariates import settle, without
from crampstudy.models.family import Family
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.nights.solution import Solution
from crampstudy.models.nights.solve import solve_nights
from crampstudy.models.registry import FAMILIES, NIGHT_FAMILIES, find, find_of_nights, names_of_weighted, taking
from crampstudy.models.request import EXPOSURES, ModelRequest
from crampstudy.models.surveys.sample import SampleFamily
from crampstudy.models.terms import formula
from crampstudy.models.terms.columns import in_backticks
from crampstudy.models.terms.functions import OFFSET, WEIGHTS
from crampstudy.nights import Diary, no_night, people

_WITHOUT: Mapping[str, str] = {
    "random_slope": "{model} has no random slope; models that do: {able}",
    "zero_terms": "{model} has no zero part, so no zero terms; models that have: {able}",
    "free_terms": "{model} has no classes, so no free terms; models that have: {able}",
    "at_most": "at_most and near_nightly are for {able}; {model} takes neither",
    "near_nightly": "at_most and near_nightly are for {able}; {model} takes neither",
}
"""What is said of an option that a family does not take."""


def validate(request: ModelRequest) -> ModelRequest:
    """Return a request that holds together, of the family that answers it.

    Raises:
        UsageError: an argument is none of what is allowed, or the family does not take it.
    """
    asked = find(request.model)
    check_outcome(asked, request.outcome)
    family = find(asked.called.get(request.outcome, asked.name))
    if request.exposure not in EXPOSURES:
        allowed = f"allowed: {', '.join(EXPOSURES)}"
        raise suggestions.unknown(
            UsageError, f"no exposure {request.exposure!r}", request.exposure, EXPOSURES, allowed, closed=True
        )
    if request.covariance not in (known := get_args(Covariance)):
        said = f"no covariance {request.covariance!r}"
        allowed = f"allowed: {', '.join(known)}"
        raise suggestions.unknown(UsageError, said, request.covariance, known, allowed, closed=True)
    check_level(request.ci_level)
    for option in request.options.given:
        if option not in family.options:
            raise UsageError(_WITHOUT[option].format(model=family.name, able=", ".join(taking(option))))
    _check_kind(request, family)
    check_margins(request.margins)
    kinds.of_fit(request.analysis)
    check_condition(request.where, request.outcome)
    for terms in (request.terms, request.options.zero_terms, request.options.free_terms):
        if terms is not None:
            _check_terms(_parsed(terms, request.cohort), family, request.outcome)
    if family is asked:
        return request
    remark = f"{asked.name} of {request.outcome} is {family.name}"
    return replace(request, model=family.name, remarks=(*request.remarks, remark))


def _parsed(terms: str, cohort: Cohort | Diary) -> Formula:
    """Return terms as a formula.

    Raises:
        UsageError: they are none; where a column of the cohort stands in them without the backticks that its name needs
            it says so.
    """
    problem, made = None, None
    try:
        made = formula.parse(terms)
    except UsageError as error:
        problem = error
    if made is not None and all(wording.variable(name) for name in formula.columns_in(made)):
        return made
    survey = isinstance(cohort, Cohort) and cohort.kind == "survey"
    known = {*(people(cohort) if survey else no_night(cohort)).columns}
    if made is not None and formula.columns_in(made) <= known:
        return made
    if bare := in_backticks(terms, known):
        raise bare from None
    if problem or made is None:
        raise problem or UsageError(terms)
    return made


def _check_kind(request: ModelRequest, family: Family) -> None:
    """Check that no survey is asked a model of nights; those of a survey, and of single cramps, say what they need."""
    cohort = request.cohort
    if isinstance(family, NightFamily) and isinstance(cohort, Cohort) and cohort.kind == "survey":
        able = [each.name for each in FAMILIES.values() if isinstance(each, SampleFamily)]
        raise UsageError(
            f"{cohort.name} is a survey, whose recalled class is never turned into nights; "
            f"allowed: {', '.join(able)}, such as --model {able[0]}"
        )


def with_remarks(request: ModelRequest) -> ModelRequest:
    """Return a request that says with its answer what its terms do to the effect of interest.

    Without one it says which of them the outcome may have moved, whatever effect is meant.

    Raises:
        UsageError: the effect is of no term, or of what the causal graph does not know.
    """
    names = sorted(formula.names_in(formula.parse(request.terms)))
    if request.effect_of is None:
        if request.graph is not None:
            raise UsageError("a causal graph is for the effect of a term; name it with effect_of (--effect-of)")
        # Of parts of a person's nights it is said where they are made.
        whole = [name for name in names if (found := exposures.find(name)) is None or found.part is None]
        moved = [name for name in whole if codebook.can_move(request.outcome, causal.plain(name))]
        said = tuple(f"{name} comes after {request.outcome} in a night, which may have moved it" for name in moved)
    else:
        effect = _effect(request.effect_of, names)
        measured = causal.measured_in(request.cohort)
        said = causal.conditioning(names, effect, request.outcome, request.graph, measured)
    return replace(request, remarks=(*request.remarks, *said))


def _effect(asked: str, names: Sequence[str]) -> str:
    """Return the name in a formula whose effect is asked for."""
    found = [name for name in names if name.replace(" ", "") == asked.replace(" ", "")]
    found = found or [name for name in names if causal.plain(name) == causal.plain(asked)]
    if not found:
        raise UsageError(f"effect_of names {asked!r}, which is no term; the terms are of {', '.join(names)}")
    if len(found) > 1:
        raise UsageError(f"effect_of names {asked!r}, which the terms split; name {' or '.join(found)}")
    return found[0]


def default_outcome(model: str, outcome: str | None) -> str:
    """Return the outcome of a model, its first if none is named.

    Raises:
        UsageError: there is no such model, or it has no outcome by default.
    """
    family = find(model)
    if outcome is not None:
        return outcome
    if not family.outcomes:
        example = f"a number of the {family.numbers_of}, such as {family.number_example}"
        raise UsageError(f"{model} needs an outcome: {example}")
    return family.outcomes[0]


def check_outcome(family: Family, outcome: str) -> None:
    """Check that a family explains an outcome; whether a cohort has such a number is seen there.

    Raises:
        UsageError: it does not.
    """
    of_others = {name for other in FAMILIES.values() for name in other.outcomes} - {"cramps"}
    if outcome in family.outcomes or outcome in family.called or (family.numbers_of and outcome not in of_others):
        return
    if family.numbers_of and not family.outcomes:
        raise UsageError(f"{family.name} takes a number of the {family.numbers_of} as outcome, got {outcome!r}")
    said = f"{family.name} takes the outcome {' or '.join(family.outcomes)}, got {outcome!r}"
    able = [name for name, other in FAMILIES.items() if other is not family and other.numbers_of == "diary"]
    if outcome in of_others:
        raise UsageError(said)
    then = f"a number of the diary is for {', '.join(able)}"
    raise suggestions.unknown(UsageError, said, outcome, family.outcomes, then)


def _check_terms(terms: Formula, family: Family, outcome: str) -> None:
    found = formula.exposures_in(terms)
    earlier = {exposure.variable for exposure in found} - formula.names_in(terms)
    earlier -= {exposure.variable for exposure in found if exposure.has_own_night}
    check_apart(formula.columns_in(terms) - earlier, outcome, "terms")
    if family.name not in NIGHT_FAMILIES and found:
        parts = " and ".join(f"{name}()" for name in exposures.OF_PERSON)
        does = f"{parts} split what differs from night to night, and are"
        what = does if found[0].part else "it is made of a participant's other nights, and is"
        raise UsageError(
            f"{found[0]}: {what} for the models of nights: {', '.join(NIGHT_FAMILIES)}; {family.name} is none of them"
        )
    used = {special.kind for term in terms if (special := formula.special(term))} - family.functions
    if WEIGHTS in used and family.name in NIGHT_FAMILIES:
        raise UsageError(f"weights() is for {', '.join(names_of_weighted())}")
    same = [other.name for other in FAMILIES.values() if other.rows == family.rows and OFFSET in other.functions]
    if OFFSET in used and same:
        raise UsageError(f"{family.name} takes no offset(), which is for {' and '.join(same)}")


def solve(request: ModelRequest, *, night_by_night: bool = True) -> Solution:
    """Fit a family of nights as :func:`crampstudy.fit` does, and return its numbers instead of rows.

    Raises:
        UsageError: as ``fit``, or the family is none of nights.
    """
    find_of_nights(request.model)

    def attempt(out: Mapping[str, str]) -> Solution:
        asked = validate(without(request, out))
        return solve_nights(find_of_nights(asked.model), asked, night_by_night=night_by_night)

    return settle(request.adjusted_for, attempt)[0]
