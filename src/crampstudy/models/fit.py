"""``fit``: one door to every model, one shape of result.

A model that cannot be fitted is not an exception: its rows say ``not_estimable`` or ``not_converged`` with
the reason, and show no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from crampstudy import domain
from crampstudy import estimates as tidy
from crampstudy.bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import Status
from crampstudy.models import formula, recall, rows, spec, survey
from crampstudy.models.covariance import Covariance
from crampstudy.models.obstacles import lone, name
from crampstudy.models.question import LINKS, MODELS, Question, asked_for, check_multiples
from crampstudy.models.ratio import Linear, Value
from crampstudy.models.solution import solve_nights
from crampstudy.nights import NIGHTS_PER_WEEK, Diary, people

__all__ = ["MODELS", "Fit", "fit"]

_RATES = {
    "nights": rows.Scale("rate_ratio", "rate", "per person-week", NIGHTS_PER_WEEK),
    "hours_in_bed": rows.Scale("rate_ratio", "rate", "per hour in bed"),
}
_ODDS = rows.Scale("odds_ratio", "odds", "odds")

_PREVALENCES = rows.Scale("prevalence_ratio", "prevalence", "proportion")
_ODDS_OF_A_NIGHT = rows.Scale("odds_ratio", "odds", "odds of a night with a cramp")


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: its tidy ``estimates`` and what a reader may ask of the fit itself.

    ``log_likelihood`` is NaN where the model has only a pseudo-likelihood; ``n_rows`` are the nights or participants
    fitted; ``linear`` the linear predictor behind the estimates, where there are any.
    """

    estimates: pd.DataFrame
    model: str
    n_rows: int
    iterations: int
    log_likelihood: float
    status: Status
    linear: Linear | None = None

    def ratio(self, at: Mapping[str, Value], against: Mapping[str, Value]) -> pd.DataFrame:
        """Return the tidy estimate of the ratio at the values ``at`` to that at the values ``against``.

        Such as ``fit(...).ratio({"age_years": 45}, against={"age_years": 60})``. Variables that are not named are the
        same in both.

        Raises:
            AnalysisError: the model has no estimate.
            UsageError: the two do not name the same variables of the fit, one that interacts with another is left
                out, or a level is unknown.
        """
        if self.linear is None:
            raise AnalysisError(f"{self.model} has no estimate ({self.status}), so there is no ratio; see its rows")
        return tidy.frame([self.linear.ratio(at, against)])


def fit(
    cohort: Cohort | Diary,
    *,
    model: str,
    terms: str,
    outcome: str | None = None,
    exposure: str = "nights",
    covariance: Covariance = "cluster",
    random_slope: str | None = None,
    where: str | None = None,
    weight: str | None = None,
    ci_level: float = 0.95,
    bands: AgeBands | None = None,
    per: Mapping[str, float] | None = None,
    analysis: str = "regression",
) -> Fit:
    """Fit ``outcome`` on ``terms`` and return tidy estimates.

    Args:
        cohort: a diary for the models of nights, also one that is only scanned; a survey for those named ``survey-``.
        model: one of :data:`MODELS`.
        terms: a formulaic right-hand side over codebook names, the cohort's own columns, ``age_decade``
            (per 10 years, centred at 60) and ``age_band``. ``ns(age_years, df=3, ref=60)`` is a natural cubic spline:
            a joint test and ratios against ``ref``, knots at quantiles of the participants or as ``knots=[...]``,
            shown at round values or ``at=[...]``. For nights ``offset(log(x))`` enters with coefficient 1;
            ``weights(w)`` says as how many nights a night counts (Poisson, negative binomial, logistic).
        outcome: one of the model's outcomes; the first of them by default.
        exposure: ``nights`` (1 per observed night) or ``hours_in_bed``; enters as log offset.
        covariance: ``cluster`` (participant scores, G/(G-1)), ``cluster-hc0``, ``cluster-small`` (bias-reduced, CR2,
            with Satterthwaite df; not for GEE and mixed models) or ``model``.
        random_slope: a term of a mixed model whose slope differs between participants.
        where: condition that names a part of the cohort, such as ``age_years >= 20``.
        weight: weight column of a survey; by default that of the most restrictive variable.
        ci_level: confidence level, above 0 and below 1.
        bands: age bands behind ``age_band``.
        per: multiples in which numeric terms are reported, such as ``{"exercise_min": 30}``.
        analysis: name of the analysis in the rows.

    Returns:
        Rate ratios, odds ratios or prevalence ratios, a row per term and level, then the intercept and what else
        the model has: dispersion, spread of participants, working correlation. A term whose variable the cohort
        lacks is a row with status ``not_measured``, one that does not vary on the rows fitted a row with status
        ``not_estimable``; the others are fitted.

    Raises:
        UsageError: an argument is none of what is allowed, or a name is unknown.

    Source: Liang and Zeger 1986 (cluster-robust, GEE); Pustejovsky and Tipton 2018 (CR2); Pinheiro and Bates 1995
    (mixed); Binder 1983 (survey).
    """
    asked = asked_for(
        cohort, model, terms, outcome, exposure, covariance, random_slope, where, weight, ci_level, bands, per, analysis
    )
    return _fit_survey(asked) if model in LINKS else _fit_nights(asked)


def _fit_nights(asked: Question) -> Fit:
    solution = solve_nights(asked)
    design, data, solved = solution.design, solution.data, solution.solved
    clusters = len(solution.participants)
    if solved is None or solved.problem:
        status: Status = "not_converged" if solved else "not_estimable"
        answer = rows.Answer.none(design, status, solution.reason or str(solved and solved.problem))
    else:
        warnings = {} if asked.kind == "model" else lone(design, data.groups)
        errors = np.sqrt(np.diag(solved.variance))
        answer = rows.Answer(
            design.columns,
            solved.coefficients,
            errors,
            solved.df,
            "converged",
            warnings=warnings,
            smooths=design.smooths,
            variance=solved.variance,
        )
    base = _base(asked) | {
        "estimand": _association(design),
        "n_participants": clusters,
        "n_nights": solution.n_nights,
        "n_events": solution.n_events,
        "n_groups": clusters,
        "note": rows.note(
            *(f"with {term}" for term in design.beside),
            *rows.omitted(design.incomplete, "nights", solution.undecided),
            *(solved.notes if solved else ()),
        ),
    }
    scale = _ODDS_OF_A_NIGHT if asked.outcome == "cramp_night" else _RATES[asked.exposure]
    made = rows.rows(answer, scale, base, asked.ci_level, asked.per)
    if solved and not solved.problem:
        made += [rows.extra(found, base, asked.ci_level) for found in solved.extras]
    made += rows.left_out(design, scale, base)
    likelihood = solved.log_likelihood if solved else float("nan")
    iterations = solved.iterations if solved else 0
    linear = _linear(answer, design, base | {"scale": scale.ratio})
    return Fit(tidy.frame(made), asked.model, solution.n_nights, iterations, likelihood, answer.status, linear)


def _linear(answer: rows.Answer, design: spec.Design, cells: rows.Row) -> Linear | None:
    if answer.status != "converged":
        return None
    return Linear(design.bare(), answer.coefficients, answer.variance, answer.df, cells)


def _fit_survey(asked: Question) -> Fit:
    cohort = asked.cohort
    if isinstance(cohort, Diary) or cohort.kind != "survey" or cohort.design is None:
        raise UsageError(f"{asked.model} needs a survey cohort; {cohort.name} is a diary")
    if asked.exposure != "nights" or asked.kind != "cluster":
        raise UsageError(f"{asked.model} takes no exposure, and its covariance is that of the sampling design")
    frame = people(cohort, asked.bands)
    part = domain.select(frame, asked.where)
    outcome = recall.binary(frame, asked.outcome)
    weight = asked.weight or recall.weight_for(cohort.design, _variables(asked))
    if weight not in frame.columns:
        raise UsageError(f"the cohort has no weight {weight!r}; allowed: {', '.join(cohort.design.weights.values())}")
    answered = np.isfinite(outcome) & part.inside.to_numpy() & (frame[weight].fill_null(0.0).to_numpy() > 0)
    design = spec.build(frame, asked.terms, candidate=answered)
    check_multiples(asked.per, design)
    if design.beside:
        raise UsageError(f"{asked.model} takes no offset() or weights(); the survey's own weight is an option")
    base = _base(asked) | {
        "estimand": f"cross-sectional {_association(design)}",
        "note": rows.note(f"weighted by {weight}", *rows.omitted(design.incomplete, "participants", part.undecided)),
    }
    scale = _ODDS if asked.model == "survey-logistic" else _PREVALENCES
    if not design.rows.any():
        answer = rows.Answer.none(design, "not_estimable", "no participant is complete on the terms")
        made = rows.rows(answer, scale, base, asked.ci_level, asked.per) + rows.left_out(design, scale, base)
        return Fit(tidy.frame(made), asked.model, 0, 0, float("nan"), "not_estimable")
    sampling = survey.Design.of(frame[cohort.design.stratum], frame[cohort.design.psu], frame[weight].to_numpy())
    fitted = survey.regression(
        outcome, design.over_all_rows(), [name(c) for c in design.columns], design.rows, sampling, LINKS[asked.model]
    )
    reason = fitted.reason or None
    df = np.full(len(design.columns), float(fitted.df))
    answer = rows.Answer(
        design.columns,
        fitted.coefficients,
        fitted.std_error,
        df,
        fitted.status,
        reason,
        smooths=design.smooths,
        variance=fitted.covariance,
    )
    base |= {"n_participants": fitted.n, "n_events": fitted.n_events, "n_groups": fitted.n_psus}
    made = rows.rows(answer, scale, base, asked.ci_level, asked.per) + rows.left_out(design, scale, base)
    linear = _linear(answer, design, base | {"scale": scale.ratio})
    return Fit(tidy.frame(made), asked.model, fitted.n, fitted.iterations, float("nan"), answer.status, linear)


def _base(asked: Question) -> rows.Row:
    return {
        "cohort": asked.cohort.name,
        "population": asked.where or "all participants",
        "outcome": asked.outcome,
        "analysis": asked.analysis,
        "model": asked.model,
        "ci_level": asked.ci_level,
    }


def _association(design: spec.Design) -> str:
    return "association, adjusted for the other terms" if len(design.terms()) > 1 else "association"


def _variables(asked: Question) -> set[str]:
    return formula.names_in(formula.parse(asked.terms)) | set(domain.names(asked.where) if asked.where else ())
