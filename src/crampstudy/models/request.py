"""What is asked of a model: the arguments of ``fit``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
from formulaic import Formula

from crampstudy import wording
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import MARGINS, Margins, check_margins
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.common.outcome_parts import check_apart, check_condition
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.engines import ENGINES
from crampstudy.models.terms import design_matrix, formula
from crampstudy.nights import Diary

EXPOSURES = ("nights", "hours_in_bed")
_CONTRASTS = tuple(recalled_outcomes.CONTRASTS)
SURVEY_MODELS: dict[str, tuple[str, ...]] = {
    "survey-logistic": _CONTRASTS,
    "survey-poisson": _CONTRASTS,
    "survey-ordinal": ("recalled_class",),
    "survey-linear": (),
    "interval-count": ("recalled_count",),
}
"""Models of a survey's participants, each with its outcomes."""
EVENT_MODELS: dict[str, tuple[str, ...]] = {"ordinal": ("pain", "recalled_class"), "cox": ("relief", "gap")}
"""Models of a diary's cramps, of the gaps between them, or of its participants, each with its outcomes."""

ORDINAL_MODELS = ("ordinal", "survey-ordinal")

NUMBERS: dict[str, str] = {
    **{name: "diary" for name, engine in ENGINES.items() if engine.numbers},
    "survey-linear": "participants",
}
"""The models that explain any number, by the table whose column it is."""
_RENAMED = {("mixed-poisson", "cramp_night"): "mixed-logistic"}
"""What a model and an outcome that were asked for are called."""

MODELS: dict[str, tuple[str, ...]] = {
    **{name: engine.outcomes for name, engine in ENGINES.items()},
    **SURVEY_MODELS,
    **EVENT_MODELS,
}
"""The models by name, each with the outcomes that it takes by name, the default first; :data:`NUMBERS` take more."""


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, checked."""

    cohort: Cohort | Diary
    model: str
    terms: str
    outcome: str
    exposure: str
    kind: Covariance
    random_slope: str | None
    where: str | None
    weight: str | None
    ci_level: float
    bands: AgeBands
    per: Mapping[str, float]
    analysis: str
    zero_terms: str | None = None
    free_terms: str | None = None
    at_most: int | None = None
    near_nightly: bool = False
    participants_per_coefficient: int | None = None
    margins: Margins = MARGINS
    remarks: tuple[str, ...] = ()


def asked_for(
    cohort: Cohort | Diary,
    model: str,
    terms: str,
    *,
    outcome: str | None,
    exposure: str,
    covariance: Covariance,
    random_slope: str | None,
    where: str | None,
    weight: str | None = None,
    ci_level: float = 0.95,
    bands: AgeBands | None = None,
    per: Mapping[str, float] | None = None,
    analysis: str = kinds.REGRESSION.name,
    zero_terms: str | None = None,
    free_terms: str | None = None,
    at_most: int | None = None,
    near_nightly: bool = False,
    participants_per_coefficient: int | None = None,
    margins: Margins = MARGINS,
) -> Question:
    """Return the arguments of :func:`crampstudy.fit` as a question, with their defaults filled in.

    Raises:
        UsageError: one is none of what is allowed.
    """
    if model not in MODELS:
        raise UsageError(f"no model {model!r}; allowed: {', '.join(MODELS)}")
    outcome = _outcome(model, outcome)
    named = _RENAMED.get((model, outcome), model)
    remarks = () if named == model else (f"{model} of {outcome} is {named}",)
    model = named
    if exposure not in EXPOSURES:
        raise UsageError(f"no exposure {exposure!r}; allowed: {', '.join(EXPOSURES)}")
    if covariance not in get_args(Covariance):
        raise UsageError(f"no covariance {covariance!r}; allowed: {', '.join(get_args(Covariance))}")
    if not 0 < ci_level < 1:
        raise UsageError(f"a confidence level lies between 0 and 1, such as 0.95; got {ci_level:g}")
    if zero_terms is not None and not (model in ENGINES and ENGINES[model].zero_part):
        able = [name for name, engine in ENGINES.items() if engine.zero_part]
        raise UsageError(f"{model} has no zero part, so no zero terms; models that have: {', '.join(able)}")
    if free_terms is not None and model not in ORDINAL_MODELS:
        raise UsageError(f"{model} has no classes, so no free terms; models that have: {', '.join(ORDINAL_MODELS)}")
    if (at_most is not None or near_nightly) and model != "interval-count":
        raise UsageError(f"at_most and near_nightly are for interval-count; {model} takes neither")
    check_margins(margins)
    kinds.of_fit(analysis)
    check_condition(where, outcome)
    for asked in (terms, zero_terms, free_terms):
        if asked is not None:
            parsed = formula.parse(asked)
            check_apart(formula.columns_in(parsed), outcome, "terms")
            _check_nightly(parsed, model)
    return Question(
        cohort=cohort,
        model=model,
        terms=terms,
        outcome=outcome,
        exposure=exposure,
        kind=covariance,
        random_slope=random_slope,
        where=where,
        weight=weight,
        ci_level=ci_level,
        bands=bands or AgeBands(),
        per=per or {},
        analysis=analysis,
        zero_terms=zero_terms,
        free_terms=free_terms,
        at_most=at_most,
        near_nightly=near_nightly,
        participants_per_coefficient=participants_per_coefficient,
        margins=margins,
        remarks=remarks,
    )


def _check_nightly(terms: Formula, model: str) -> None:
    if model not in ENGINES and (split := sorted(filter(wording.of_person, formula.names_in(terms)))):
        raise UsageError(
            f"{split[0]}: within() and between() split what differs from night to night, and are for the models of "
            f"nights: {', '.join(ENGINES)}; {model} is none of them"
        )


def _outcome(model: str, outcome: str | None) -> str:
    """Return the outcome of a model, its default if none is named."""
    names = MODELS[model]
    if outcome is None:
        if names:
            return names[0]
        raise UsageError(f"{model} needs an outcome: a number of the {NUMBERS[model]}, such as {_EXAMPLES[model]}")
    if outcome in names or (model, outcome) in _RENAMED or (model in NUMBERS and outcome not in _NAMED):
        return outcome
    if model in NUMBERS and not names:
        raise UsageError(f"{model} takes a number of the {NUMBERS[model]} as outcome, got {outcome!r}")
    said = f"{model} takes the outcome {' or '.join(names)}, got {outcome!r}"
    able = [other for other, table in NUMBERS.items() if other != model and table == "diary"]
    raise UsageError(said if outcome in _NAMED else f"{said}; a number of the diary is for {', '.join(able)}")


_NAMED = {name for names in MODELS.values() for name in names} - {"cramps"}
_EXAMPLES = {
    **dict.fromkeys(("linear", "mixed-linear"), "sleep_hours or fatigue_0_10"),
    "survey-linear": "bmi_kg_m2",
}


def check_multiples(per: Mapping[str, float], *designs: design_matrix.Design) -> None:
    """Check the multiples in which terms of any of the ``designs`` are reported.

    Raises:
        UsageError: one is of no term, of a term with levels, or is 0 or infinite.
    """
    terms = {term for design in designs for term in design.all_terms()}
    levels = {column.term for design in designs for column in design.columns if column.level is not None}
    for term, multiple in per.items():
        if term not in terms:
            raise UsageError(f"per names {term!r}, which is no term; the terms are {', '.join(sorted(terms))}")
        if term in levels:
            raise UsageError(f"per names {term!r}, which has levels; only a number is reported in multiples")
        if not np.isfinite(multiple) or multiple == 0:
            raise UsageError(f"per gives {term} the multiple {multiple:g}; a multiple is a number other than 0")
