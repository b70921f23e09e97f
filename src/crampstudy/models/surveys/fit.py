"""Families of a survey's participants under its sampling design: from a request to the rows of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates as tidy
from crampstudy.models.coefficients import reporting_units, rows
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.coefficients.left_out import of_left_out
from crampstudy.models.coefficients.lone_levels import rests
from crampstudy.models.coefficients.prediction import Link
from crampstudy.models.coefficients.result import (
    Fit,
    association,
    base,
    linear,
    predictor,
    response,
)
from crampstudy.models.coefficients.rows import Scale
from crampstudy.models.common.distributions import BINOMIAL, GAUSSIAN, POISSON, ResponseFamily
from crampstudy.models.common.estimability import collinear
from crampstudy.models.family import FittedRows
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.inference.exposed_participants import Exposed, exposed
from crampstudy.models.request import ModelRequest
from crampstudy.models.surveys import interval_counts, linearised
from crampstudy.models.surveys.sample import Sample, SampleFamily, sample
from crampstudy.models.surveys.sampling import few_note
from crampstudy.models.terms import design_matrix

UNAWARE = ", whose errors know neither strata nor sampling units"
"""Why statsmodels has no counterpart of these families."""
_DISTRIBUTIONS: Mapping[Link, ResponseFamily] = {"log": POISSON, "logit": BINOMIAL, "identity": GAUSSIAN}


@dataclass(frozen=True, slots=True)
class SurveyAnswer:
    """What the numbers of a family make of a sample, and what is to be said of it; ``levels`` are ordered classes."""

    numbers: linearised.SurveyFit | interval_counts.IntervalFit
    answer: rows.CoefficientTable
    extras: tuple[Extra, ...] = ()
    note: str | None = None
    levels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SurveyFamily(SampleFamily):
    """A family of a survey's participants.

    ``solve`` gives an answer of a sample, on the ``scale``, ``None`` where that is the one of the number explained.
    """

    rows: FittedRows = "participants of a survey"
    covariances: tuple[Covariance, ...] = ("auto",)
    no_counterpart: str = UNAWARE
    no_aic: str = "a survey's weighted likelihood is not that of a sample, so that no AIC compares it"
    scale: Scale | None
    solve: Callable[[Sample], SurveyAnswer]

    def fit(self, request: ModelRequest) -> Fit:
        """Answer a request of a survey's participants."""
        return fit_survey(self, request)

    def residuals(self, request: ModelRequest, fitted: Fit) -> pd.Series[float]:
        """Return the Pearson residuals of a fit, without weights, by participant."""
        if self.no_residuals:
            return super().residuals(request, fitted)
        return residuals(self, request, fitted)


def fit_survey(family: SurveyFamily, request: ModelRequest) -> Fit:
    """Answer a request of a survey's participants.

    Raises:
        UsageError: as :func:`sample`.
    """
    of = sample(family, request)
    design, scale = of.design, family.scale or Scale.of_number(request.outcome)
    cells = base(request) | {"estimand": f"cross-sectional {association(design)}", "note": tidy.note(*of.remarks)}
    if not design.rows.any():
        answer = rows.CoefficientTable.none(design, "not_estimable", "no participant is complete on the terms")
        made = rows.rows(answer, scale, cells, request.ci_level, request.per, request.margins)
        made += of_left_out(design, scale, cells)
        return Fit(tidy.frame(made), request.model, 0, 0, float("nan"), "not_estimable", account=of.account)
    found = _solved(family, of)
    if found.answer.status != "converged" and (left := rests(np.arange(len(design.matrix)), design)):
        (rest,) = left
        again = of.left(rest)
        found_again = _solved(family, again)
        if found_again.answer.status == "converged":
            of, found = again, replace(found_again, answer=rest.of_whole(found_again.answer))
        else:
            # What is one participant's alone takes no slope: what stands in the way is what does so without it.
            none = rows.CoefficientTable.none(design, found_again.answer.status, found_again.answer.reason or "")
            found = replace(found, answer=rest.failed(none))
    numbers, answer = found.numbers, found.answer
    few = few_note(numbers.df, numbers.df_residual) if answer.status == "converged" else ""
    cells |= {
        "n_participants": numbers.n,
        "n_events": None if family.numbers_of else numbers.n_events,
        "n_groups": numbers.n_psus,
        "note": tidy.note(few, *of.remarks, found.note or ""),
    }
    per = reporting_units.steps(answer, design, scale, request.per, request.ci_level)
    made = rows.rows(answer, scale, cells, request.ci_level, per, request.margins)
    made += [rows.extra(extra, cells, request.ci_level) for extra in found.extras]
    made += of_left_out(design, scale, cells)
    likelihood = numbers.log_likelihood if isinstance(numbers, interval_counts.IntervalFit) else float("nan")
    line = None if request.options.free_terms else linear(answer, design, cells, scale)
    turned = response(scale, "proportion")
    if request.options.near_nightly:
        turned = replace(turned, mean_of="persons who do not cramp night after night")
    return Fit(
        tidy.frame(made),
        request.model,
        numbers.n,
        numbers.iterations,
        likelihood,
        answer.status,
        line,
        of.account,
        predictor=predictor(request, design, answer, turned, levels=found.levels),
        apart=answer.apart,
    )


def _solved(family: SurveyFamily, of: Sample) -> SurveyAnswer:
    """Return the answer of a sample; where there is none as columns follow from others, it names the first that does.

    They take the degrees of freedom of a sampling design as well, so that this is said before that these are too few.
    """
    found = family.solve(of)
    if found.answer.status == "converged":
        return found
    reason = collinear(of.design.standardised(), baseline=not family.intercept)
    none = rows.CoefficientTable.none(of.design, "not_estimable", reason) if reason else found.answer
    return replace(found, answer=none)


def residuals(family: SurveyFamily, request: ModelRequest, fitted: Fit) -> pd.Series[float]:
    """Return the Pearson residuals of a fit, without weights, by participant; nothing is fitted anew."""
    of, by = sample(family, request), fitted.predictor
    if by is None:
        raise TypeError("a fit without an estimate has no residuals")
    design = of.design
    unknown = (design.matrix[:, np.isnan(by.answer.coefficients)] != 0).any(axis=1)
    link = design.matrix @ np.nan_to_num(by.answer.coefficients) + design.offset
    distribution = _DISTRIBUTIONS[by.response.link]
    mean = distribution.mean(link)
    found = (of.outcome[design.rows] - mean) / np.sqrt(distribution.variance(mean))
    who = pd.Index(of.frame["participant_id"].cast(pl.String).to_numpy()[design.rows], name="participant_id")
    return pd.Series(np.where(unknown, np.nan, found), index=who, name="pearson_residual")


def answer_of(of: Sample, fitted: linearised.SurveyFit | interval_counts.IntervalFit) -> rows.CoefficientTable:
    """Return the answer of a fit with one coefficient per column."""
    design = of.design
    if fitted.status != "converged":
        return rows.CoefficientTable.none(design, fitted.status, fitted.reason)
    coefficients, variance = design.standard.coefficients(fitted.coefficients, fitted.covariance)
    moments = of.moments(design.standardised().matrix, fitted.df_residual).turned(design.standard.back())
    return rows.CoefficientTable.of(design, coefficients, variance, moments).resting_on(exposed_of(design), few=None)


def exposed_of(design: design_matrix.Design) -> dict[design_matrix.Column, Exposed]:
    """Return who bears on each column: a row of a survey is a participant."""
    return exposed(design, np.arange(len(design.matrix)))
