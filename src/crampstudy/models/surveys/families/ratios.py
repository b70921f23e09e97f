"""Odds ratios and prevalence ratios of a survey: logistic and log-link regression under its sampling design."""

from __future__ import annotations

from functools import partial

import numpy as np

from crampstudy.models.coefficients import rows
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.surveys import linearised
from crampstudy.models.surveys.fit import SurveyAnswer, SurveyFamily, answer_of
from crampstudy.models.surveys.sample import Sample


def _regression(link: linearised.Link, of: Sample) -> SurveyAnswer:
    design = of.design
    offset = np.zeros(len(design.rows))
    offset[design.rows] = design.offset
    fitted = linearised.regression(of.outcome, of.matrix, of.names, design.rows, of.sampling, link, offset=offset)
    return SurveyAnswer(fitted, answer_of(of, fitted))


LOGISTIC = SurveyFamily(
    name="survey-logistic",
    outcomes=tuple(recalled_outcomes.CONTRASTS),
    functions=frozenset({"offset"}),
    measure=recalled_outcomes.binary,
    scale=rows.Scale("odds_ratio", "odds", "odds"),
    solve=partial(_regression, "logit"),
)
POISSON = SurveyFamily(
    name="survey-poisson",
    outcomes=tuple(recalled_outcomes.CONTRASTS),
    functions=frozenset({"offset"}),
    measure=recalled_outcomes.binary,
    scale=rows.Scale("prevalence_ratio", "prevalence", "proportion"),
    solve=partial(_regression, "log"),
)
