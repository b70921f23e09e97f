"""Whether a family of nights can be asked what it is asked of a cohort: covariance, exposure, names, random slope."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy import codebook, suggestions
from crampstudy.codebook import contrasts
from crampstudy.cohort import subpopulation
from crampstudy.errors import UsageError
from crampstudy.models.nights.engine import Engine
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import design_matrix, formula
from crampstudy.nights import check_part_of_nights, no_night, numbers_of_a_night


def checked_names(engine: Engine, request: ModelRequest, needs: Sequence[str]) -> set[str]:
    """Return the variables that a request needs of each night, of no other night than that."""
    frame = no_night(request.cohort, request.bands)
    if engine.is_number(request.outcome):
        _check_number(engine, request)
    check_part_of_nights(request.cohort, request.where, request.bands)
    if absent := [column for column in needs if column not in frame.columns]:
        raise UsageError(f"the diary of {request.cohort.name} has no {absent[0]}; use the exposure nights")
    parsed = [formula.parse(terms) for terms in (request.terms, request.options.zero_terms or "1")]
    names = {name for terms in parsed for name in formula.columns_in(terms)}
    formula.check_names(names, frame)
    own = {name for terms in parsed for name in formula.own_columns_in(terms)}
    by_sex = {"sex"} & {*frame.columns} if any(map(contrasts.is_within_sex, names)) else set()
    return own | by_sex | {*needs} | set(subpopulation.names(request.where) if request.where else ())


def _check_number(engine: Engine, request: ModelRequest) -> None:
    numbers = numbers_of_a_night(request.cohort)
    if request.outcome not in numbers:
        named = (*engine.outcomes, *(name for name in numbers if name != "cramps"))
        of_cramps = codebook.find(request.outcome, "episodes")
        hint = "; what is logged of each cramp is for ordinal (--outcome pain) and cox" if of_cramps else ""
        raise suggestions.unknown(
            UsageError,
            f"{request.model} takes a number of the diary as outcome, and {request.outcome!r} is none in "
            f"{request.cohort.name}",
            request.outcome,
            codebook.candidates(request.outcome, named),
            f"it has {', '.join(named)}{hint}",
        )


def check_nights(engine: Engine, request: ModelRequest) -> None:
    """Check weight, covariance and exposure.

    Raises:
        UsageError: one of them does not go with the model or the outcome.
    """
    if request.weight:
        raise UsageError("a weight belongs to a survey; a diary's nights count once each")
    if request.covariance not in engine.covariances:
        allowed = ", ".join(engine.covariances)
        raise UsageError(f"{request.model} has no covariance {request.covariance}; allowed: {allowed}")
    if engine.is_number(request.outcome) and request.exposure != "nights":
        raise UsageError(f"{request.outcome} is a number of a night and has no exposure; leave it out")
    if request.outcome == "cramp_night" and request.exposure != "nights":
        raise UsageError("the odds of a night with a cramp have no exposure; use the outcome cramps for rates")


def slope_column(design: design_matrix.Design, term: str) -> int:
    """Return the column of the design that has a random slope.

    Raises:
        UsageError: it is none of one term with one column.
    """
    named = formula.as_shown(term, design.terms())
    found = [i for i, column in enumerate(design.columns) if column.term == named]
    if len(found) != 1 or named == design_matrix.INTERCEPT:
        said, terms = f"a random slope is of one term with one column, got {term!r}", design.terms()
        raise suggestions.unknown(UsageError, said, term, terms, f"the terms are {', '.join(terms)}")
    return found[0]
