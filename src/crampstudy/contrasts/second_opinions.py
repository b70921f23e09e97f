"""The main models of a study, each refitted by statsmodels: what an appendix shows of how they were computed."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models import MODELS, fit
from crampstudy.models.second_opinion import without_fit

_DIARY: Mapping[str, str | None] = {
    "poisson": None,
    "negative-binomial": None,
    "logistic": None,
    "gee-exchangeable": None,
    "linear": None,
    "mixed-linear": None,
    "ordinal": "pain",
    "cox": "gap",
}
_SURVEY: Mapping[str, str | None] = {"survey-logistic": None, "survey-ordinal": None}


def second_opinions(cohort: Cohort, terms: str, *, where: str | None = None) -> pd.DataFrame:
    """Return the second opinions on the models of a diary, or of a survey, one below the other.

    Args:
        cohort: a diary or a survey.
        terms: the right-hand side of all models.
        where: condition that names a part of the cohort.

    Returns:
        The columns :data:`crampstudy.models.second_opinion.COLUMNS`; a model that the cohort has no outcome for is one
        row that says so.
    """
    opinions = []
    for model, outcome in (_SURVEY if cohort.kind == "survey" else _DIARY).items():
        if model not in MODELS:
            continue
        try:
            fitted = fit(cohort, model=model, terms=terms, outcome=outcome, where=where, second_opinion=True)
        except UsageError as problem:
            opinions.append(without_fit(cohort.name, model, outcome, str(problem)))
            continue
        if fitted.second_opinion is not None:
            opinions.append(fitted.second_opinion)
    return pd.concat(opinions, ignore_index=True)
