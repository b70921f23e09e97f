"""The main models of a study, each refitted by statsmodels: what an appendix shows of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from crampstudy.cohort import Cohort
from crampstudy.compute import shared
from crampstudy.errors import UsageError
from crampstudy.models import fit
from crampstudy.models.second_opinion import without_fit

_DIARY: Mapping[str, str | None] = {
    "poisson": None,
    "negative-binomial": None,
    "logistic": None,
    "gee-exchangeable": None,
    "ordinal": "pain",
    "cox": "gap",
}
_LINEAR = ("linear", "mixed-linear")
_SCORES = ("sleep_hours", "sleep_quality_0_10", "fatigue_0_10", "stress_0_10")
_SURVEY: Mapping[str, str | None] = {"survey-logistic": None, "survey-ordinal": None}


def second_opinions(
    cohort: Cohort, terms: str, *, where: str | None = None, participants_per_coefficient: int | None = None
) -> pd.DataFrame:
    """Return the second opinions on the models of a diary, or of a survey, one below the other.

    Args:
        cohort: a diary or a survey.
        terms: the right-hand side of all models.
        where: condition that names a part of the cohort.
        participants_per_coefficient: as of :func:`crampstudy.fit`.

    Returns:
        The columns :data:`crampstudy.models.second_opinion.COLUMNS`; a model that the cohort has no outcome for is one
        row that says so.
    """
    asked = {"terms": terms, "where": where, "participants_per_coefficient": participants_per_coefficient}
    steps = [partial(_opinion, cohort, model, outcome, asked) for model, outcome in _asked(cohort).items()]
    opinions = shared.each(steps, what="models fitted twice")
    return pd.concat([each for each in opinions if each is not None], ignore_index=True)


def _opinion(cohort: Cohort, model: str, outcome: str | None, asked: Mapping[str, Any]) -> pd.DataFrame | None:
    if outcome == "pain" and not _logged(cohort, "pain_0_10"):
        return without_fit(cohort.name, model, outcome, "pain was logged of no cramp")
    try:
        return fit(cohort, model=model, outcome=outcome, second_opinion=True, **asked).second_opinion
    except UsageError as problem:
        return without_fit(cohort.name, model, outcome, str(problem))


def _logged(cohort: Cohort, column: str) -> bool:
    episodes = cohort.frame("episodes")
    return column in episodes.columns and episodes[column].null_count() < episodes.height


def _asked(cohort: Cohort) -> dict[str, str | None]:
    """Return the models with their outcomes, ``None`` for the first one; of linear models a score that was logged."""
    if cohort.kind == "survey":
        return dict(_SURVEY)
    score = next((name for name in _SCORES if cohort.has(name)), None)
    linear = dict.fromkeys(_LINEAR if score else (), score)
    return {**_DIARY, **linear}
