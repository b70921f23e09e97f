"""``fit``: one door to every model, one shape of result.

A model that cannot be fitted is not an exception: its rows say ``not_estimable`` or ``not_converged`` with
the reason, and show no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook, domain, estimates
from crampstudy.bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models import count, covariance, recall, spec, survey
from crampstudy.models.covariance import Array, Covariance
from crampstudy.nights import NIGHTS_PER_WEEK, people, person_nights

EXPOSURES = ("nights", "hours_in_bed")
_COUNT_MODELS = {"poisson": count.poisson, "negative-binomial": count.negative_binomial}
_SURVEY_OUTCOMES = tuple(recall.CONTRASTS)

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
    status: estimates.Status


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
    per: Mapping[str, float] = field(default_factory=dict)
    analysis: str = "regression"


@dataclass(frozen=True, slots=True)
class _Answer:
    """Coefficients on the link scale with their t distribution, or the reason why there are none."""

    columns: tuple[spec.Column, ...]
    coefficients: Array
    std_errors: Array
    df: float
    status: estimates.Status
    reason: str | None


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
        the intercept. A term whose variable the cohort lacks is a row with status ``not_measured``.

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
    question = _Question(
        cohort, model, terms, outcome, exposure, covariance, where, weight, ci_level, bands or AgeBands(), per or {}, analysis
    )
    return _fit_survey(question) if model.startswith("survey-") else _fit_counts(question)


def _fit_counts(asked: _Question) -> Fit:
    if asked.weight:
        raise UsageError("a weight belongs to a survey; a diary's nights count once each")
    nights = person_nights(asked.cohort, asked.bands)
    part = domain.select(nights, asked.where)
    needs = () if asked.exposure == "nights" else (asked.exposure,)
    design = spec.build(nights, asked.terms, candidate=part.inside.to_numpy(), needs=needs)
    rows = nights.filter(pl.Series(design.rows))
    counts = rows["cramps"].to_numpy().astype(np.float64)
    offset = np.zeros(len(counts)) if not needs else np.log(rows[asked.exposure].to_numpy())
    groups = rows["participant_id"].rank("dense").to_numpy().astype(np.intp) - 1
    clusters = int(groups.max()) + 1
    obstacle = _count_obstacle(design, counts, clusters, asked.kind)
    fitted = None if obstacle else _COUNT_MODELS[asked.model](design.matrix, counts, offset)
    if fitted is None or fitted.problem:
        status: estimates.Status = "not_estimable" if obstacle else "not_converged"
        answer = _nothing(design.columns, status, obstacle or (fitted.problem if fitted else None))
    else:
        variance = covariance.covariance(fitted.information, fitted.scores, groups, asked.kind)
        df = covariance.degrees_of_freedom(clusters, asked.kind)
        answer = _Answer(design.columns, fitted.coefficients, np.sqrt(np.diag(variance)), df, "converged", None)
    notes = [
        _left_out(design.incomplete, "nights", part.undecided),
        "the counts are no more dispersed than Poisson" if fitted and fitted.at_boundary else "",
    ]
    base = _base(asked, design) | {
        "estimand": "association, adjusted for the other terms" if len(design.terms()) > 1 else "association",
        "n_participants": clusters,
        "n_nights": len(counts),
        "n_events": int(counts.sum()),
        "n_groups": clusters,
        "note": "; ".join(filter(None, notes)) or None,
    }
    unit = "per person-week" if asked.exposure == "nights" else "per hour in bed"
    factor = NIGHTS_PER_WEEK if asked.exposure == "nights" else 1
    made = _rows(asked, answer, base, "rate_ratio", ("rate", unit, factor))
    if fitted and asked.model == "negative-binomial" and answer.status == "converged":
        made.append(_dispersion(asked, fitted, base))
    made += _not_measured(asked, design, "rate_ratio", base)
    likelihood = fitted.log_likelihood if fitted else float("nan")
    iterations = fitted.iterations if fitted else 0
    return Fit(estimates.frame(made), asked.model, len(counts), iterations, likelihood, answer.status)


def _fit_survey(asked: _Question) -> Fit:
    cohort = asked.cohort
    if cohort.kind != "survey" or cohort.design is None:
        raise UsageError(f"{asked.model} needs a survey cohort; {cohort.name} is a diary")
    frame = people(cohort, asked.bands)
    part = domain.select(frame, asked.where)
    outcome = recall.binary(frame, asked.outcome)
    weight = asked.weight or recall.weight_for(cohort.design, _variables(asked))
    if weight not in frame.columns:
        raise UsageError(f"the cohort has no weight {weight!r}; allowed: {', '.join(cohort.design.weights.values())}")
    answered = np.isfinite(outcome) & part.inside.to_numpy() & (frame[weight].fill_null(0.0).to_numpy() > 0)
    design = spec.build(frame, asked.terms, candidate=answered)
    full = np.zeros((frame.height, design.matrix.shape[1]))
    full[design.rows] = design.matrix
    sampling = survey.Design.of(frame[cohort.design.stratum], frame[cohort.design.psu], frame[weight].to_numpy())
    names = [c.term if c.level is None else f"{c.term} {c.level}" for c in design.columns]
    fitted = survey.regression(outcome, full, names, design.rows, sampling)
    reason = fitted.reason or None
    answer = _Answer(design.columns, fitted.coefficients, fitted.std_error, fitted.df, fitted.status, reason)
    base = _base(asked, design) | {
        "estimand": "cross-sectional association" + (", adjusted for the other terms" if len(design.terms()) > 1 else ""),
        "n_participants": fitted.n,
        "n_events": fitted.n_events,
        "n_groups": fitted.n_psus,
        "note": f"weight {weight}; {_left_out(design.incomplete, 'participants', part.undecided)}".rstrip("; "),
    }
    made = _rows(asked, answer, base, "odds_ratio", ("odds", "odds", 1))
    made += _not_measured(asked, design, "odds_ratio", base)
    return Fit(estimates.frame(made), asked.model, fitted.n, fitted.iterations, float("nan"), answer.status)


def _base(asked: _Question, design: spec.Design) -> dict[str, Any]:
    return {
        "cohort": asked.cohort.name,
        "population": asked.where or "all participants",
        "outcome": asked.outcome,
        "analysis": asked.analysis,
        "model": asked.model,
        "ci_level": asked.ci_level,
    }


def _variables(asked: _Question) -> set[str]:
    return spec.names_in(spec.parse(asked.terms)) | set(domain.names(asked.where) if asked.where else ())


def _count_obstacle(design: spec.Design, counts: Array, clusters: int, kind: Covariance) -> str | None:
    if not counts.any():
        return "no cramp on any of the nights"
    if kind != "model" and clusters < 2:
        return "a cluster-robust covariance needs at least two participants"
    return _collinear(design) or _separated(design, counts)


def _collinear(design: spec.Design) -> str | None:
    scaled = design.matrix / np.maximum(np.abs(design.matrix).max(axis=0), np.finfo(float).tiny)
    triangle = np.abs(np.diag(np.linalg.qr(scaled, mode="r")))
    dependent = np.flatnonzero(triangle < 1e-9 * np.sqrt(len(scaled)))
    if not len(dependent):
        return None
    return f"{_name(design.columns[dependent[0]])} does not vary, or follows from the terms before it"


def _separated(design: spec.Design, counts: Array) -> str | None:
    """Name a column whose coefficient has no finite estimate, found on the distinct rows of the design."""
    patterns, where = np.unique(design.matrix, axis=0, return_inverse=True)
    events = np.bincount(where.reshape(-1), weights=counts)
    by = survey.separation(events, patterns, "log") if len(patterns) < len(counts) / 4 else ()
    return f"no finite estimate exists: no cramp where {_name(design.columns[by[0]])} alone decides" if by else None


def _name(column: spec.Column) -> str:
    return column.term if column.level is None else f"{column.term} = {column.level}"


def _nothing(columns: tuple[spec.Column, ...], status: estimates.Status, reason: str | None) -> _Answer:
    empty: NDArray[np.float64] = np.full(len(columns), np.nan)
    return _Answer(columns, empty, empty, float("nan"), status, reason)


def _rows(
    asked: _Question, answer: _Answer, base: Mapping[str, Any], scale: str, intercept: tuple[str, str, float]
) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    last: list[dict[str, Any]] = []
    terms = list(dict.fromkeys(c.term for c in answer.columns if c.term != spec.INTERCEPT))
    for column, coefficient, error in zip(answer.columns, answer.coefficients, answer.std_errors, strict=True):
        if column.term == spec.INTERCEPT:
            name, unit, factor = intercept
            cells = {"scale": name, "unit": unit, "adjusted_for": None}
            last.append(_row(asked, answer, base | cells, column, coefficient, error, shift=np.log(factor)))
            continue
        multiple = asked.per.get(column.term, 1.0)
        others = "; ".join(t for t in terms if t != column.term)
        cells = {"scale": scale, "unit": _unit(column, multiple), "adjusted_for": others or None}
        made.append(_row(asked, answer, base | cells, column, coefficient * multiple, error * multiple))
    return made + last


def _row(
    asked: _Question,
    answer: _Answer,
    cells: Mapping[str, Any],
    column: spec.Column,
    coefficient: float,
    error: float,
    shift: float = 0.0,
) -> dict[str, Any]:
    made = dict(cells) | {"term": column.term, "level": column.level, "reference": column.reference}
    if answer.status != "converged":
        made["note"] = answer.reason
        return estimates.row(status=answer.status, **made)
    half = covariance.quantile(asked.ci_level, answer.df) * error
    return estimates.row(
        status="converged",
        estimate=np.exp(coefficient + shift),
        ci_low=np.exp(coefficient + shift - half),
        ci_high=np.exp(coefficient + shift + half),
        std_error=error,
        df=answer.df,
        p_value=covariance.p_value(coefficient / error, answer.df) if column.term != spec.INTERCEPT else None,
        **made,
    )


def _dispersion(asked: _Question, fitted: count.CountFit, base: Mapping[str, Any]) -> dict[str, Any]:
    cells = dict(base) | {"term": "dispersion", "scale": "dispersion", "unit": "alpha, variance = mean + alpha mean^2"}
    if fitted.at_boundary:
        return estimates.row(status="boundary", estimate=0.0, **cells)
    half = covariance.quantile(asked.ci_level, float("inf")) * fitted.dispersion_error
    return estimates.row(
        status="converged",
        estimate=fitted.dispersion,
        ci_low=fitted.dispersion * np.exp(-half),
        ci_high=fitted.dispersion * np.exp(half),
        std_error=fitted.dispersion_error,
        **cells | {"note": "interval from the likelihood, which takes nights as independent"},
    )


def _not_measured(asked: _Question, design: spec.Design, scale: str, base: Mapping[str, Any]) -> list[dict[str, Any]]:
    cells = {k: base[k] for k in ("cohort", "population", "outcome", "analysis", "model")}
    return [
        estimates.row(status="not_measured", term=t, scale=scale, note="not measured in this cohort", **cells)
        for t in design.not_measured
    ]


def _unit(column: spec.Column, multiple: float) -> str:
    if column.level is not None:
        return f"against {column.reference}" if column.reference else "contrast"
    known = codebook.find(column.term)
    if known and known.unit and known.unit.startswith("per "):
        return known.unit
    return f"per {multiple:g} {known.unit}" if known and known.unit else f"per {multiple:g}"


def _left_out(incomplete: int, what: str, undecided: int) -> str:
    parts = []
    if incomplete:
        parts.append(f"{incomplete} {what} left out, incomplete on the terms")
    if undecided:
        parts.append(f"{undecided} left out, the condition could not be decided")
    return "; ".join(parts)
