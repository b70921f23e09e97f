"""What is asked of a model: the arguments of ``fit``, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np

from crampstudy.bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models import recall, spec, survey
from crampstudy.models.covariance import Covariance
from crampstudy.models.engines import ENGINES
from crampstudy.nights import Diary

EXPOSURES = ("nights", "hours_in_bed")
_SURVEY_OUTCOMES = tuple(recall.CONTRASTS)
LINKS: dict[str, survey.Link] = {"survey-logistic": "logit", "survey-poisson": "log"}

MODELS: dict[str, tuple[str, ...]] = {
    **{name: engine.outcomes for name, engine in ENGINES.items()},
    **dict.fromkeys(LINKS, _SURVEY_OUTCOMES),
}
"""The models by name, each with the outcomes that it takes, the default first."""


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


def asked_for(
    cohort: Cohort | Diary,
    model: str,
    terms: str,
    outcome: str | None,
    exposure: str,
    covariance: Covariance,
    random_slope: str | None,
    where: str | None,
    weight: str | None = None,
    ci_level: float = 0.95,
    bands: AgeBands | None = None,
    per: Mapping[str, float] | None = None,
    analysis: str = "regression",
) -> Question:
    """Return the arguments of :func:`crampstudy.fit` as a question, with their defaults filled in.

    Raises:
        UsageError: one is none of what is allowed.
    """
    if model not in MODELS:
        raise UsageError(f"no model {model!r}; allowed: {', '.join(MODELS)}")
    outcome = outcome or MODELS[model][0]
    if outcome not in MODELS[model]:
        raise UsageError(f"{model} takes the outcome {' or '.join(MODELS[model])}, got {outcome!r}")
    if exposure not in EXPOSURES:
        raise UsageError(f"no exposure {exposure!r}; allowed: {', '.join(EXPOSURES)}")
    if covariance not in get_args(Covariance):
        raise UsageError(f"no covariance {covariance!r}; allowed: {', '.join(get_args(Covariance))}")
    if not 0 < ci_level < 1:
        raise UsageError(f"a confidence level lies between 0 and 1, such as 0.95; got {ci_level:g}")
    bands, per = bands or AgeBands(), per or {}
    return Question(
        cohort, model, terms, outcome, exposure, covariance, random_slope, where, weight, ci_level, bands, per, analysis
    )


def check_multiples(per: Mapping[str, float], design: spec.Design) -> None:
    """Check the multiples in which terms are reported.

    Raises:
        UsageError: one is of no term, of a term with levels, or is 0 or infinite.
    """
    terms = {*design.terms(), *design.not_measured, *design.constant}
    levels = {column.term for column in design.columns if column.level is not None}
    for term, multiple in per.items():
        if term not in terms:
            raise UsageError(f"per names {term!r}, which is no term; the terms are {', '.join(sorted(terms))}")
        if term in levels:
            raise UsageError(f"per names {term!r}, which has levels; only a number is reported in multiples")
        if not np.isfinite(multiple) or multiple == 0:
            raise UsageError(f"per gives {term} the multiple {multiple:g}; a multiple is a number other than 0")
