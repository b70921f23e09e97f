"""Models of a survey's participants under its sampling design: from a question to the rows of its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from crampstudy import estimates as tidy
from crampstudy.arrays import Array
from crampstudy.codebook.recalled import LABELS
from crampstudy.cohort import SurveyDesign, subpopulation
from crampstudy.cohort.account import INCOMPLETE, OUTSIDE, UNDECIDED, WEIGHTLESS, Account, lost_tables, read_as
from crampstudy.errors import UsageError
from crampstudy.models.classes import ordinal_rows
from crampstudy.models.coefficients import reporting_units, rows
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.coefficients.lone_levels import Rest, rests
from crampstudy.models.coefficients.result import Fit, association, base, linear
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.common.estimability import name
from crampstudy.models.inference.exposed_participants import Exposed, exposed
from crampstudy.models.request import NUMBERS, Question, check_multiples
from crampstudy.models.surveys import interval_counts, linearised, survey_linear, survey_ordinal
from crampstudy.models.surveys.domain_means import lonely_note
from crampstudy.models.surveys.effective_size import Sampled
from crampstudy.models.surveys.sampling import SamplingDesign, few_note
from crampstudy.models.terms import design_matrix, formula
from crampstudy.nights import Diary, people


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model of a survey is fitted to: all participants, the design of the terms, and that of the sampling."""

    asked: Question
    frame: pl.DataFrame
    outcome: Array
    design: design_matrix.Design
    sampling: SamplingDesign
    remarks: tuple[str, ...]
    account: Account

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [name(column) for column in self.design.columns]

    @property
    def matrix(self) -> Array:
        """The standard columns of all participants, zeros where one is not in the model."""
        return self.design.standardised().over_all_rows()

    def moments(self, matrix: Array, df_residual: int) -> Sampled:
        """Return what the participants in the model tell of the coefficients of the columns ``matrix`` (n x p)."""
        return Sampled.of(matrix, self.sampling.weight[self.design.rows], float(df_residual))

    def left(self, rest: Rest) -> Sample:
        """Return what is left of it without the rows of what is one participant's alone."""
        account = rest.account(self.account)
        remarks = (*self.remarks, account.remarks()[-1])
        return replace(self, design=rest.design, account=account, remarks=remarks)

    def classes(self) -> tuple[Array, list[str]]:
        """Return the codes of all participants in an ordinal model and the levels that somebody inside is in."""
        seen = np.unique(self.outcome[self.design.rows]).astype(int)
        codes = np.searchsorted(seen, np.nan_to_num(self.outcome)).astype(np.float64)
        return codes, [LABELS[code] for code in seen]


@dataclass(frozen=True, slots=True)
class _Fitted:
    numbers: linearised.SurveyFit | interval_counts.IntervalFit
    answer: rows.Answer
    extras: tuple[Extra, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class _Model:
    outcome: Callable[[pl.DataFrame, str], Array]
    scale: rows.Scale | None
    """``None`` where it is that of the number explained."""
    fit: Callable[[Sample], _Fitted]
    intercept: bool = True
    offset: bool = False


def sample(asked: Question) -> Sample:
    """Return what a question of a survey's participants is answered from.

    Raises:
        UsageError: the model and the arguments do not go together, a name is unknown, or the cohort is a diary.
    """
    cohort, model = asked.cohort, _MODELS[asked.model]
    if isinstance(cohort, Diary) or cohort.kind != "survey" or cohort.design is None:
        raise UsageError(f"{asked.model} needs a survey cohort; {cohort.name} is a diary")
    if asked.exposure != "nights" or asked.kind != "auto":
        raise UsageError(f"{asked.model} takes no exposure, and its covariance is that of the sampling design")
    frame = people(cohort, asked.bands)
    part = subpopulation.select(frame, asked.where)
    if asked.model in NUMBERS:
        _check_number(asked, frame, cohort.design)
    outcome = model.outcome(frame, asked.outcome)
    weight = asked.weight or recalled_outcomes.weight_for(cohort.design, _variables(asked))
    if weight not in frame.columns:
        raise UsageError(f"the cohort has no weight {weight!r}; allowed: {', '.join(cohort.design.weights.values())}")
    inside, weighted = part.inside.to_numpy(), frame[weight].fill_null(0.0).to_numpy() > 0
    answered = inside & np.isfinite(outcome)
    design = design_matrix.build(
        frame, asked.terms, candidate=answered & weighted, per_coefficient=asked.participants_per_coefficient
    )
    check_multiples(asked.per, design)
    if design.weights is not None:
        raise UsageError(f"{asked.model} takes no weights(); the survey's own weight is an option")
    if design.beside and not model.offset:
        able = " and ".join(name for name, other in _MODELS.items() if other.offset)
        raise UsageError(f"{asked.model} takes no offset(), which is for {able}")
    if not model.intercept:
        design = design.without_intercept()
    sampling = SamplingDesign.of(frame[cohort.design.stratum], frame[cohort.design.psu], frame[weight].to_numpy())
    left_out = (
        (UNDECIDED, part.undecided),
        (OUTSIDE, frame.height - part.undecided - int(inside.sum())),
        (
            f"without {asked.outcome}" if asked.model in NUMBERS else "without an answer",
            int((inside & ~answered).sum()),
        ),
        (WEIGHTLESS, int((answered & ~weighted).sum())),
        (INCOMPLETE, design.incomplete),
    )
    tables = lost_tables(cohort.attrition.tables, "participants")
    account = Account("participants", frame.height, left_out, tables, read_as(frame, _variables(asked), "participants"))
    remarks = (
        f"weighted by {weight}",
        *(f"with {term}" for term in design.beside),
        *design.remarks,
        lonely_note(int((sampling.present(design.rows) == 1).sum())),
        *account.remarks(),
    )
    return Sample(asked, frame, outcome, design, sampling, remarks, account)


def fit_survey(asked: Question) -> Fit:
    """Answer a question of a survey's participants.

    Raises:
        UsageError: as :func:`sample`.
    """
    of, model = sample(asked), _MODELS[asked.model]
    design, scale = of.design, model.scale or rows.Scale.of_number(asked.outcome)
    cells = base(asked) | {"estimand": f"cross-sectional {association(design)}", "note": rows.note(*of.remarks)}
    if not design.rows.any():
        answer = rows.Answer.none(design, "not_estimable", "no participant is complete on the terms")
        made = rows.rows(answer, scale, cells, asked.ci_level, asked.per, asked.margins)
        made += rows.left_out(design, scale, cells)
        return Fit(tidy.frame(made), asked.model, 0, 0, float("nan"), "not_estimable", account=of.account)
    found = model.fit(of)
    if found.answer.status != "converged" and (left := rests(np.arange(len(design.matrix)), design)):
        (rest,) = left
        again = of.left(rest)
        found_again = model.fit(again)
        if found_again.answer.status == "converged":
            of, found = again, replace(found_again, answer=rest.of_whole(found_again.answer))
    numbers, answer = found.numbers, found.answer
    few = few_note(numbers.df, numbers.df_residual) if answer.status == "converged" else ""
    cells |= {
        "n_participants": numbers.n,
        "n_events": None if asked.model in NUMBERS else numbers.n_events,
        "n_groups": numbers.n_psus,
        "note": rows.note(few, *of.remarks, found.note or ""),
    }
    per = reporting_units.steps(answer, design, scale, asked.per, asked.ci_level)
    made = rows.rows(answer, scale, cells, asked.ci_level, per, asked.margins)
    made += [rows.extra(extra, cells, asked.ci_level) for extra in found.extras]
    made += rows.left_out(design, scale, cells)
    likelihood = numbers.log_likelihood if isinstance(numbers, interval_counts.IntervalFit) else float("nan")
    predictor = None if asked.free_terms else linear(answer, design, cells, scale)
    return Fit(
        tidy.frame(made),
        asked.model,
        numbers.n,
        numbers.iterations,
        likelihood,
        answer.status,
        predictor,
        of.account,
    )


def _answer(of: Sample, fitted: linearised.SurveyFit | interval_counts.IntervalFit) -> rows.Answer:
    design = of.design
    if fitted.status != "converged":
        return rows.Answer.none(design, fitted.status, fitted.reason)
    coefficients, variance = design.standard.coefficients(fitted.coefficients, fitted.covariance)
    moments = of.moments(design.standardised().matrix, fitted.df_residual).turned(design.standard.back())
    return rows.Answer(
        design.columns,
        coefficients,
        np.sqrt(np.diag(variance)),
        moments,
        "converged",
        smooths=design.smooths,
        variance=variance,
        declared=design.declared,
    ).resting_on(_exposed(design), few=None)


def _exposed(design: design_matrix.Design) -> dict[design_matrix.Column, Exposed]:
    """Return who bears on each column: a row of a survey is a participant."""
    return exposed(design, np.arange(len(design.matrix)))


def _regression(link: linearised.Link, of: Sample) -> _Fitted:
    design = of.design
    offset = np.zeros(len(design.rows))
    offset[design.rows] = design.offset
    fitted = linearised.regression(of.outcome, of.matrix, of.names, design.rows, of.sampling, link, offset=offset)
    return _Fitted(fitted, _answer(of, fitted))


def _ordinal(of: Sample) -> _Fitted:
    design = of.design
    codes, levels = of.classes()
    if len(levels) < 2:
        reason = f"every answer is {levels[0]}: there are no classes to tell apart"
        numbers = linearised.SurveyFit.none(of.names, int(design.rows.sum()), reason)
        return _Fitted(numbers, rows.Answer.none(design, "not_estimable", reason))
    free = ordinal_rows.free_columns(design, of.asked.free_terms)
    fitted = survey_ordinal.regression(codes, of.matrix, of.names, design.rows, of.sampling, levels, free)
    note = ordinal_rows.remark(LABELS, levels)
    if fitted.status != "converged":
        return _Fitted(fitted, rows.Answer.none(design, fitted.status, fitted.reason), note=note)
    inside = design.standardised().matrix
    moments = of.moments(np.column_stack([inside, np.ones(len(inside))]), fitted.df_residual)
    moments = moments.turned(ordinal_rows.by_parameter(design, len(levels) - 1, free))
    answer = ordinal_rows.answer(design, levels, free, fitted.coefficients, fitted.covariance, moments)
    answer = answer.resting_on(ordinal_rows.at_limits(_exposed(design), levels), few=None)
    return _Fitted(fitted, answer, note=note)


def _intervals(of: Sample) -> _Fitted:
    design, asked = of.design, of.asked
    high = of.frame["recalled_high"].cast(pl.Float64).fill_null(float("inf")).to_numpy()
    answers = interval_counts.IntervalAnswers(of.outcome, high, at_most=asked.at_most)
    fitted = interval_counts.fit(
        answers, of.matrix, of.names, design.rows, of.sampling, near_nightly=asked.near_nightly
    )
    counted = "cramps" if asked.at_most is None else f"nights with a cramp, at most {asked.at_most}"
    note = f"recalled classes taken as intervals of {counted} in 30 nights"
    if fitted.status != "converged":
        return _Fitted(fitted, _answer(of, fitted), note=note)
    if asked.near_nightly:
        note += "; ratios are those of the persons who do not cramp night after night"
    return _Fitted(fitted, _answer(of, fitted), interval_counts.extras(fitted), note)


def _variables(asked: Question) -> set[str]:
    return (
        {asked.outcome}
        | formula.names_in(formula.parse(asked.terms))
        | set(subpopulation.names(asked.where) if asked.where else ())
    )


def _logistic(of: Sample) -> _Fitted:
    return _regression("logit", of)


def _poisson(of: Sample) -> _Fitted:
    return _regression("log", of)


def _linear(of: Sample) -> _Fitted:
    design = of.design
    offset = np.zeros(len(design.rows))
    offset[design.rows] = design.offset
    fitted = survey_linear.regression(of.outcome, of.matrix, of.names, design.rows, of.sampling, offset)
    return _Fitted(fitted, _answer(of, fitted))


def _number(frame: pl.DataFrame, name: str) -> Array:
    found: Array = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return found


def _check_number(asked: Question, frame: pl.DataFrame, design: SurveyDesign) -> None:
    """Check that the outcome is a number of the participants, and no part of the sampling."""
    sampling = {design.stratum, design.psu, *design.weights.values()}
    numbers = [name for name, dtype in frame.schema.items() if dtype.is_numeric() and name not in sampling]
    if asked.outcome not in numbers:
        raise UsageError(
            f"{asked.model} takes a number of the participants as outcome, and {asked.outcome!r} is none; they have "
            f"{', '.join(numbers)}"
        )


_MODELS: Mapping[str, _Model] = {
    "survey-logistic": _Model(
        recalled_outcomes.binary, rows.Scale("odds_ratio", "odds", "odds"), _logistic, offset=True
    ),
    "survey-poisson": _Model(
        recalled_outcomes.binary, rows.Scale("prevalence_ratio", "prevalence", "proportion"), _poisson, offset=True
    ),
    "survey-linear": _Model(_number, None, _linear, offset=True),
    "survey-ordinal": _Model(
        lambda frame, _: recalled_outcomes.classes(frame), ordinal_rows.SCALE, _ordinal, intercept=False
    ),
    "interval-count": _Model(
        lambda frame, _: recalled_outcomes.lows(frame),
        rows.Scale("rate_ratio", "rate", "per person-week", 7),
        _intervals,
    ),
}
