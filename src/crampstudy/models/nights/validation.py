"""Whether a model of nights can be asked what it is asked: names, outcome, exposure, weights and random slope."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy import codebook
from crampstudy.codebook import contrasts
from crampstudy.cohort import subpopulation
from crampstudy.errors import UsageError
from crampstudy.models.nights.engines import ENGINES, Engine
from crampstudy.models.request import Question
from crampstudy.models.terms import design_matrix, formula
from crampstudy.nights import no_night, numbers_of_a_night


def checked_names(asked: Question, needs: Sequence[str]) -> set[str]:
    """Return the variables that a question needs of each night."""
    frame = no_night(asked.cohort, asked.bands)
    if ENGINES[asked.model].is_number(asked.outcome):
        _check_number(asked)
    subpopulation.select(frame, asked.where)
    if absent := [column for column in needs if column not in frame.columns]:
        raise UsageError(f"the diary of {asked.cohort.name} has no {absent[0]}; use the exposure nights")
    parsed = [formula.parse(terms) for terms in (asked.terms, asked.zero_terms or "1")]
    names = {name for terms in parsed for name in formula.columns_in(terms)}
    formula.check_names(names, frame)
    by_sex = {"sex"} & {*frame.columns} if any(map(contrasts.is_within_sex, names)) else set()
    return names | by_sex | {*needs} | set(subpopulation.names(asked.where) if asked.where else ())


def _check_number(asked: Question) -> None:
    numbers = numbers_of_a_night(asked.cohort)
    if asked.outcome not in numbers:
        named = (*ENGINES[asked.model].outcomes, *(name for name in numbers if name != "cramps"))
        of_cramps = codebook.find(asked.outcome, "episodes")
        hint = "; what is logged of each cramp is for ordinal (--outcome pain) and cox" if of_cramps else ""
        raise UsageError(
            f"{asked.model} takes a number of the diary as outcome, and {asked.outcome!r} is none in "
            f"{asked.cohort.name}; it has {', '.join(named)}{hint}"
        )


def check_beside(engine: Engine, design: design_matrix.Design) -> None:
    """Check that a model whose terms have ``weights()`` takes them.

    Raises:
        UsageError: it does not.
    """
    if design.weights is not None and not engine.weighted:
        able = [name for name, engine in ENGINES.items() if engine.weighted]
        raise UsageError(f"weights() is for {', '.join(able)}")


def check_nights(asked: Question, engine: Engine) -> None:
    """Check weight, covariance, exposure and random slope.

    Raises:
        UsageError: one of them does not go with the model or the outcome.
    """
    if asked.weight:
        raise UsageError("a weight belongs to a survey; a diary's nights count once each")
    if asked.kind not in engine.covariances:
        raise UsageError(f"{asked.model} has no covariance {asked.kind}; allowed: {', '.join(engine.covariances)}")
    if engine.is_number(asked.outcome) and asked.exposure != "nights":
        raise UsageError(f"{asked.outcome} is a number of a night and has no exposure; leave it out")
    if asked.outcome == "cramp_night" and asked.exposure != "nights":
        raise UsageError("the odds of a night with a cramp have no exposure; use the outcome cramps for rates")
    if asked.random_slope is not None and not engine.random_slope:
        able = [name for name, engine in ENGINES.items() if engine.random_slope]
        raise UsageError(f"{asked.model} has no random slope; models that do: {', '.join(able)}")


def slope_column(design: design_matrix.Design, term: str) -> int:
    """Return the column of the design that has a random slope."""
    named = formula.as_shown(term, design.terms())
    found = [i for i, column in enumerate(design.columns) if column.term == named]
    if len(found) != 1 or named == design_matrix.INTERCEPT:
        raise UsageError(
            f"a random slope is of one term with one column, got {term!r}; the terms are {_listed(design)}"
        )
    return found[0]


def _listed(design: design_matrix.Design) -> str:
    return ", ".join(design.terms())
