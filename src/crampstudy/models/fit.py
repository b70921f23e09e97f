"""``fit``: one door to every model, one shape of result.

A model that cannot be fitted is not an exception: its rows say ``not_estimable`` or ``not_converged`` with
the reason, and show no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import domain
from crampstudy import estimates as tidy
from crampstudy.bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.estimates import Status
from crampstudy.models import count, covariance, recall, rows, spec, survey
from crampstudy.models.covariance import Covariance
from crampstudy.models.obstacles import lone, name, obstacle
from crampstudy.nights import NIGHTS_PER_WEEK, people, person_nights

EXPOSURES = ("nights", "hours_in_bed")
_COUNT_MODELS = {"poisson": count.poisson, "negative-binomial": count.negative_binomial}
_SURVEY_OUTCOMES = tuple(recall.CONTRASTS)
_RATES = {
    "nights": rows.Scale("rate_ratio", "rate", "per person-week", NIGHTS_PER_WEEK),
    "hours_in_bed": rows.Scale("rate_ratio", "rate", "per hour in bed"),
}
_ODDS = rows.Scale("odds_ratio", "odds", "odds")

MODELS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(_COUNT_MODELS, ("cramps",)),
    "survey-logistic": _SURVEY_OUTCOMES,
}
"""The models by name, each with the outcomes that it takes, the default first."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: its tidy ``estimates`` and what a reader may ask of the fit itself.

    ``log_likelihood`` is NaN where the model has only a pseudo-likelihood; ``n_rows`` are the rows fitted.
    """

    estimates: pd.DataFrame
    model: str
    n_rows: int
    iterations: int
    log_likelihood: float
    status: Status


@dataclass(frozen=True, slots=True)
class _Question:
    """What was asked, checked."""

    cohort: Cohort
    model: str
    terms: str
    outcome: str
    exposure: str
    kind: Covariance
    where: str | None
    weight: str | None
    ci_level: float
    bands: AgeBands
    per: Mapping[str, float]
    analysis: str


def fit(
    cohort: Cohort,
    *,
    model: str,
    terms: str,
    outcome: str | None = None,
    exposure: str = "nights",
    covariance: Covariance = "cluster",
    where: str | None = None,
    weight: str | None = None,
    ci_level: float = 0.95,
    bands: AgeBands | None = None,
    per: Mapping[str, float] | None = None,
    analysis: str = "regression",
) -> Fit:
    """Fit ``outcome`` on ``terms`` and return tidy estimates.

    Args:
        cohort: a diary for the count models, a survey for ``survey-logistic``.
        model: one of :data:`MODELS`.
        terms: a formulaic right-hand side over codebook names, the cohort's own columns, ``age_decade``
            (per 10 years, centred at 60) and ``age_band``.
        outcome: one of the model's outcomes; the first of them by default.
        exposure: ``nights`` (1 per observed night) or ``hours_in_bed``; enters as log offset.
        covariance: ``cluster`` (participant scores, G/(G-1)), ``cluster-hc0`` or ``model``.
        where: condition that names a part of the cohort, such as ``age_years >= 20``.
        weight: weight column of a survey; by default that of the most restrictive variable.
        ci_level: confidence level, above 0 and below 1.
        bands: age bands behind ``age_band``.
        per: multiples in which numeric terms are reported, such as ``{"exercise_min": 30}``.
        analysis: name of the analysis in the rows.

    Returns:
        Rate ratios (count models) or odds ratios (``survey-logistic``), a row per term and level, then
        the intercept. A term whose variable the cohort lacks is a row with status ``not_measured``, one
        that does not vary on the rows fitted a row with status ``not_estimable``; the others are fitted.

    Raises:
        UsageError: an argument is none of what is allowed, or a name is unknown.

    Source: Liang and Zeger 1986 (cluster-robust); Binder 1983 (survey).
    """
    if model not in MODELS:
        raise UsageError(f"no model {model!r}; allowed: {', '.join(MODELS)}")
    outcome = outcome or MODELS[model][0]
    if outcome not in MODELS[model]:
        raise UsageError(f"{model} takes the outcome {' or '.join(MODELS[model])}, got {outcome!r}")
    if exposure not in EXPOSURES:
        raise UsageError(f"no exposure {exposure!r}; allowed: {', '.join(EXPOSURES)}")
    if covariance not in get_args(Covariance):
        raise UsageError(f"no covariance {covariance!r}; allowed: {', '.join(get_args(Covariance))}")
    if not 0 < ci_level < 1:
        raise UsageError(f"a confidence level lies between 0 and 1, such as 0.95; got {ci_level:g}")
    bands, per = bands or AgeBands(), per or {}
    asked = _Question(
        cohort, model, terms, outcome, exposure, covariance, where, weight, ci_level, bands, per, analysis
    )
    return _fit_survey(asked) if model.startswith("survey-") else _fit_counts(asked)


def _fit_counts(asked: _Question) -> Fit:
    if asked.weight:
        raise UsageError("a weight belongs to a survey; a diary's nights count once each")
    nights = person_nights(asked.cohort, asked.bands)
    part = domain.select(nights, asked.where)
    needs = () if asked.exposure == "nights" else (asked.exposure,)
    if absent := [column for column in needs if column not in nights.columns]:
        raise UsageError(f"the diary of {asked.cohort.name} has no {absent[0]}; use the exposure nights")
    design = spec.build(nights, asked.terms, candidate=part.inside.to_numpy(), needs=needs)
    _check_multiples(asked.per, design)
    used = nights.filter(pl.Series(design.rows))
    counts = used["cramps"].to_numpy().astype(np.float64)
    offset = np.log(used[needs[0]].to_numpy()) if needs else np.zeros(len(counts))
    groups = used["participant_id"].rank("dense").to_numpy().astype(np.intp) - 1
    clusters = used["participant_id"].n_unique()
    reason = obstacle(design, counts, groups, asked.kind)
    fitted = None if reason else _COUNT_MODELS[asked.model](design.matrix, counts, offset)
    if fitted is None or fitted.problem:
        status: Status = "not_converged" if fitted else "not_estimable"
        answer = rows.Answer.none(design.columns, status, reason or str(fitted and fitted.problem))
    else:
        variance = covariance.covariance(fitted.information, fitted.scores, groups, asked.kind)
        df = covariance.degrees_of_freedom(clusters, asked.kind)
        warnings = {} if asked.kind == "model" else lone(design, groups)
        errors = np.sqrt(np.diag(variance))
        answer = rows.Answer(design.columns, fitted.coefficients, errors, df, "converged", warnings=warnings)
    base = _base(asked) | {
        "estimand": _association(design),
        "n_participants": clusters,
        "n_nights": len(counts),
        "n_events": int(counts.sum()),
        "n_groups": clusters,
        "note": rows.note(
            *rows.omitted(design.incomplete, "nights", part.undecided),
            "the counts are no more dispersed than Poisson" if fitted and fitted.at_boundary else "",
        ),
    }
    scale = _RATES[asked.exposure]
    made = rows.rows(answer, scale, base, asked.ci_level, asked.per)
    if fitted and asked.model == "negative-binomial" and answer.status == "converged":
        made.append(rows.dispersion(fitted, base, asked.ci_level))
    made += rows.left_out(design, scale, base)
    likelihood = fitted.log_likelihood if fitted else float("nan")
    iterations = fitted.iterations if fitted else 0
    return Fit(tidy.frame(made), asked.model, len(counts), iterations, likelihood, answer.status)


def _fit_survey(asked: _Question) -> Fit:
    cohort = asked.cohort
    if cohort.kind != "survey" or cohort.design is None:
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
    _check_multiples(asked.per, design)
    base = _base(asked) | {
        "estimand": f"cross-sectional {_association(design)}",
        "note": rows.note(f"weighted by {weight}", *rows.omitted(design.incomplete, "participants", part.undecided)),
    }
    if not design.rows.any():
        answer = rows.Answer.none(design.columns, "not_estimable", "no participant is complete on the terms")
        made = rows.rows(answer, _ODDS, base, asked.ci_level, asked.per) + rows.left_out(design, _ODDS, base)
        return Fit(tidy.frame(made), asked.model, 0, 0, float("nan"), "not_estimable")
    sampling = survey.Design.of(frame[cohort.design.stratum], frame[cohort.design.psu], frame[weight].to_numpy())
    fitted = survey.regression(
        outcome, design.over_all_rows(), [name(c) for c in design.columns], design.rows, sampling
    )
    reason = fitted.reason or None
    answer = rows.Answer(design.columns, fitted.coefficients, fitted.std_error, fitted.df, fitted.status, reason)
    base |= {"n_participants": fitted.n, "n_events": fitted.n_events, "n_groups": fitted.n_psus}
    made = rows.rows(answer, _ODDS, base, asked.ci_level, asked.per) + rows.left_out(design, _ODDS, base)
    return Fit(tidy.frame(made), asked.model, fitted.n, fitted.iterations, float("nan"), answer.status)


def _base(asked: _Question) -> rows.Row:
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


def _variables(asked: _Question) -> set[str]:
    return spec.names_in(spec.parse(asked.terms)) | set(domain.names(asked.where) if asked.where else ())


def _check_multiples(per: Mapping[str, float], design: spec.Design) -> None:
    terms = {*design.terms(), *design.not_measured, *design.constant}
    levels = {column.term for column in design.columns if column.level is not None}
    for term, multiple in per.items():
        if term not in terms:
            raise UsageError(f"per names {term!r}, which is no term; the terms are {', '.join(sorted(terms))}")
        if term in levels:
            raise UsageError(f"per names {term!r}, which has levels; only a number is reported in multiples")
        if not np.isfinite(multiple) or multiple == 0:
            raise UsageError(f"per gives {term} the multiple {multiple:g}; a multiple is a number other than 0")
