"""Ratios per standard deviation of a number, adjusted as the published analyses of the surveys did."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.contrasts.dose_response import observed_values
from crampstudy.errors import UsageError
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.fit import fit
from crampstudy.models.terms import formula

BESIDE = "age_decade + sex + education + bmi_kg_m2"


def ratios_per_sd(
    cohort: Cohort,
    names: Sequence[str],
    *,
    outcome: str = "moderate_severe_vs_none",
    where: str | None = None,
    ci_level: float = 0.95,
) -> pd.DataFrame:
    """Return the odds ratio of each number per standard deviation, of a model of its own.

    The standard deviation is unweighted, of all of the part with a value, and the weight is that of the component of
    the number.

    Args:
        cohort: a survey.
        names: numbers of the participants.
        outcome: a recalled outcome.
        where: condition that names a part of the survey.
        ci_level: confidence level.

    Raises:
        UsageError: the cohort is no survey.

    Source: Grandner and Winkelman 2017, 10.1371/journal.pone.0178465.
    """
    if cohort.design is None:
        raise UsageError(f"{cohort.name} is no survey, whose recalled outcomes have odds")
    made = [estimates.frame([])]
    for name in names:
        spread = float(np.std(observed_values(cohort, name, where), ddof=1))
        fitted = fit(
            cohort,
            model="survey-logistic",
            outcome=outcome,
            terms=f"{name} + {BESIDE}",
            adjusted_for=formula.singly(BESIDE),
            where=where,
            weight=recalled_outcomes.weight_for(cohort.design, (name,)),
            per={name: spread},
            ci_level=ci_level,
        )
        made.append(fitted.estimates[fitted.estimates["term"] == name])
    return pd.concat(made, ignore_index=True)
