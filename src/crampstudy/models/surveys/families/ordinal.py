"""Odds ratios of the recalled class of a survey: ordinal regression under its sampling design."""

from __future__ import annotations

import numpy as np

from crampstudy.arrays import Array
from crampstudy.codebook.recalled import LABELS
from crampstudy.models.classes import ordinal_rows, proportionality
from crampstudy.models.coefficients import rows
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.family import PROPORTIONALITY, Proportionality
from crampstudy.models.request import ModelRequest
from crampstudy.models.surveys import linearised, survey_ordinal
from crampstudy.models.surveys.fit import SurveyAnswer, SurveyFamily, exposed_of
from crampstudy.models.surveys.sample import Sample, sample


def _classes_of(of: Sample) -> tuple[Array, list[str]]:
    """Return the codes of all participants and the levels that somebody inside is in."""
    seen = np.unique(of.outcome[of.design.rows]).astype(int)
    codes = np.searchsorted(seen, np.nan_to_num(of.outcome)).astype(np.float64)
    return codes, [LABELS[code] for code in seen]


def _solve(of: Sample) -> SurveyAnswer:
    design = of.design
    codes, levels = _classes_of(of)
    if len(levels) < 2:
        reason = f"every answer is {levels[0]}: there are no classes to tell apart"
        numbers = linearised.SurveyFit.none(of.names, int(design.rows.sum()), reason)
        return SurveyAnswer(numbers, rows.CoefficientTable.none(design, "not_estimable", reason))
    free = ordinal_rows.free_columns(design, of.request.options.free_terms)
    fitted = survey_ordinal.regression(codes, of.matrix, of.names, design.rows, of.sampling, levels, free)
    note = ordinal_rows.remark(LABELS, levels)
    if fitted.status != "converged":
        return SurveyAnswer(fitted, rows.CoefficientTable.none(design, fitted.status, fitted.reason), note=note)
    inside = design.standardised().matrix
    moments = of.moments(np.column_stack([inside, np.ones(len(inside))]), fitted.df_residual)
    moments = moments.turned(ordinal_rows.by_parameter(design, len(levels) - 1, free))
    answer = ordinal_rows.answer(design, levels, free, fitted.coefficients, fitted.covariance, moments)
    answer = answer.resting_on(ordinal_rows.at_limits(exposed_of(design), levels), few=None)
    return SurveyAnswer(fitted, answer, note=note, levels=tuple(levels))


def _proportionality(request: ModelRequest) -> Proportionality:
    of = sample(ORDINAL, request)
    codes, levels = _classes_of(of)
    if len(levels) < 3:
        return Proportionality.none(proportionality.TOO_FEW)
    matrix = of.design.standardised().over_all_rows()
    tests = survey_ordinal.brant(codes, matrix, of.names, of.design.rows, of.sampling, levels)
    return proportionality.between_classes(tests)


ORDINAL = SurveyFamily(
    name="survey-ordinal",
    outcomes=("recalled_class",),
    options=frozenset({"free_terms"}),
    checks=(PROPORTIONALITY,),
    measure=lambda frame, _: recalled_outcomes.classes(frame),
    scale=ordinal_rows.SCALE,
    no_residuals=ordinal_rows.NO_RESIDUALS,
    solve=_solve,
    intercept=False,
    proportionality=_proportionality,
)
