"""Ratios of the number of cramps behind the recalled classes of a survey, known by its limits alone."""

from __future__ import annotations

import polars as pl

from crampstudy.models.coefficients import rows
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.surveys import interval_counts
from crampstudy.models.surveys.fit import SurveyAnswer, SurveyFamily, answer_of
from crampstudy.models.surveys.sample import Sample


def _solve(of: Sample) -> SurveyAnswer:
    design, request = of.design, of.request
    high = of.frame["recalled_high"].cast(pl.Float64).fill_null(float("inf")).to_numpy()
    answers = interval_counts.IntervalAnswers(of.outcome, high, at_most=request.options.at_most)
    near_nightly = request.options.near_nightly
    fitted = interval_counts.fit(answers, of.matrix, of.names, design.rows, of.sampling, near_nightly=near_nightly)
    counted = "cramps" if request.options.at_most is None else f"nights with a cramp, at most {request.options.at_most}"
    note = f"recalled classes taken as intervals of {counted} in 30 nights"
    if fitted.status != "converged":
        return SurveyAnswer(fitted, answer_of(of, fitted), note=note)
    if near_nightly:
        note += "; ratios are those of the persons who do not cramp night after night"
    return SurveyAnswer(fitted, answer_of(of, fitted), interval_counts.extras(fitted), note)


INTERVAL_COUNT = SurveyFamily(
    name="interval-count",
    outcomes=("recalled_count",),
    options=frozenset({"at_most", "near_nightly"}),
    no_counterpart=", which has no counts known by their limits alone",
    measure=lambda frame, _: recalled_outcomes.lows(frame),
    no_residuals="of a count only limits are known",
    scale=rows.Scale("rate_ratio", "rate", "per person-week", 7),
    solve=_solve,
)
