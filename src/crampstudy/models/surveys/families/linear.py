"""Differences of a number of a survey's participants: linear regression under the sampling design."""

from __future__ import annotations

import numpy as np
import polars as pl

from crampstudy.arrays import Array
from crampstudy.models.surveys import survey_linear
from crampstudy.models.surveys.fit import SurveyAnswer, SurveyFamily, answer_of
from crampstudy.models.surveys.sample import Sample


def _solve(of: Sample) -> SurveyAnswer:
    design = of.design
    offset = np.zeros(len(design.rows))
    offset[design.rows] = design.offset
    fitted = survey_linear.regression(of.outcome, of.matrix, of.names, design.rows, of.sampling, offset)
    return SurveyAnswer(fitted, answer_of(of, fitted))


def _number(frame: pl.DataFrame, name: str) -> Array:
    found: Array = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return found


LINEAR = SurveyFamily(
    name="survey-linear",
    outcomes=(),
    numbers_of="participants",
    number_example="bmi_kg_m2",
    functions=frozenset({"offset"}),
    measure=_number,
    scale=None,
    solve=_solve,
)
