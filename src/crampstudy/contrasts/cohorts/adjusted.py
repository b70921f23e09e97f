"""Cohorts compared over the same people: what one model of all of them expects were everybody of one, or of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.pooling import COHORT
from crampstudy.contrasts.cohorts.marginal import marginal_means
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import Margins, verdict
from crampstudy.models.coefficients.ratio import Linear
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.fit import fit
from crampstudy.models.inference.covariance import p_value, quantile
from crampstudy.models.terms import formula
from crampstudy.nights import NIGHTS_PER_WEEK, people

Over = Literal["all", "reference"]
Row = dict[str, Any]


def adjusted(
    cohorts: Cohort,
    names: Sequence[str],
    by: str,
    *,
    outcome: str | None,
    beside: str,
    over: Over = "all",
    margins: Margins,
    **more: Any,
) -> list[Row]:
    """Return ratio and difference of each cohort against the first at the same people, adjusted for what is ``beside``.

    One Poisson model of the pooled cohorts, of surveys one design-based logistic model, has cohort by group and what
    is beside it. Its expectation is averaged over the participants of all cohorts together, or of the reference alone,
    each once and of surveys by weight, first as if all of them were of one cohort, then of the other. The standard
    error is by the delta method, what the participants are held fixed.

    Args:
        cohorts: two or more, pooled.
        names: of the cohorts, the reference first.
        by: what the groups are formed by.
        outcome: of surveys, ``any_cramp`` or ``moderate_severe_vs_rest``.
        beside: further terms, such as ``sex + bmi_kg_m2``.
        over: whose participants the expectation is averaged over: those of ``all`` cohorts or of the ``reference``.
        margins: between these a ratio is as good as 1.
        more: other arguments of :func:`crampstudy.fit`, such as ``where``, ``bands`` and ``ci_level``.

    Raises:
        UsageError: as :func:`crampstudy.fit`.

    Source: Robins 1986; Lane and Nelder 1982.
    """
    survey = cohorts.kind == "survey"
    terms = f"{COHORT} * {by} + {beside}"
    besides, model = formula.singly(beside), "survey-logistic" if survey else "poisson"
    fitted = fit(cohorts, model=model, outcome=outcome, terms=terms, adjusted_for=besides, **more)
    beside = formula.without(beside, fitted.left_out)
    first = fitted.estimates.iloc[0]
    kept = ("population", "outcome", "model", "ci_level", "n_participants", "n_nights", "n_events", "note")
    cells: Row = {name: None if pd.isna(first[name]) else first[name] for name in kept}
    cells |= adjusted_cells(by, beside, names[0], over)
    scale = "prevalence" if survey else "rate"
    linear = fitted.linear
    if linear is None:
        notes = fitted.estimates.loc[fitted.estimates["status"] != "converged", "note"].dropna()
        cells |= {"note": str(notes.iloc[0]) if len(notes) else fitted.status}
        scales = (f"{scale}_ratio", "difference")
        return [
            estimates.row(status="not_estimable", **cells | {"cohort": name, "scale": each})
            for name in names[1:]
            for each in scales
        ]
    frame, weights = _people(cohorts, linear, more, None if over == "all" else names[0])
    settings = tuple(linear.design.encode(frame.assign(**{COHORT: name})) for name in names)
    means = marginal_means(settings, linear.coefficients, linear.variance, "logit" if survey else "log", weights)
    factor, unit = (1.0, "proportion") if survey else (float(NIGHTS_PER_WEEK), "cramps per person-week")
    made: list[Row] = []
    for place, name in enumerate(names[1:], 1):
        own = cells | {"cohort": name}
        ratio = _row(own | {"scale": f"{scale}_ratio", "unit": "ratio of the two"}, means.log_ratio(place, 0), linear)
        ratio |= {key: float(np.exp(ratio[key])) for key in ("estimate", "ci_low", "ci_high")}
        ratio = estimates.row(**ratio)
        said = verdict(ratio, margins)
        difference = _row(own | {"scale": "difference", "unit": unit}, means.difference(place, 0), linear)
        difference |= {key: factor * difference[key] for key in ("estimate", "ci_low", "ci_high", "std_error")}
        made += [ratio if said is None else ratio | {"verdict": said}, estimates.row(**difference)]
    return made


def adjusted_cells(by: str, beside: str, reference: str, over: Over = "all", some: Sequence[str] | None = None) -> Row:
    """Return what a row of :func:`adjusted` says, whether or not there is a number.

    Args:
        by: what the groups are formed by.
        beside: further terms.
        reference: the cohort that the others are compared with.
        over: whose participants are averaged over.
        some: the names of the cohorts in the model, where these are not all.
    """
    whose = reference if over == "reference" else "all cohorts" if some is None else wording.listed(some)
    return {
        "analysis": kinds.BETWEEN_ADJUSTED.name,
        "term": by,
        "reference": reference,
        "adjusted_for": "; ".join([by, *(str(term) for term in formula.parse(beside) if str(term) != "1")]),
        "estimand": f"averaged over the participants of {whose}, by g-computation",
    }


def _people(
    cohorts: Cohort, linear: Linear, more: dict[str, Any], only: str | None
) -> tuple[pd.DataFrame, Array | None]:
    """Return the participants whose characteristics the model knows, and of a survey their weights.

    ``only`` names the cohort whose participants they are; ``None`` is all of them.
    """
    frame = people(cohorts, more["bands"])
    inside = subpopulation.select(frame, more["where"]).inside
    if only is not None:
        inside = inside & (frame[COHORT] == only)
    complete = ~pl.any_horizontal(*(pl.col(name).is_null() for name in linear.design.variables))
    keep = inside & frame.select(complete).to_series()
    weights = None
    if cohorts.design is not None:
        column = frame[recalled_outcomes.weight_for(cohorts.design, linear.design.variables)].fill_null(0.0)
        answered = pl.Series(np.isfinite(recalled_outcomes.classes(frame)))
        keep = keep & (column > 0) & answered
        weights = column.filter(keep).to_numpy()
    return frame.filter(keep).select(linear.design.variables).to_pandas(), weights


def _row(cells: Row, found: tuple[float, float, Array], linear: Linear) -> Row:
    middle, error, gradient = found
    df = float(linear.moments.df(gradient[None, :])[0])
    half = quantile(float(cells["ci_level"]), df) * error
    limits = {"estimate": middle, "ci_low": middle - half, "ci_high": middle + half}
    tested = {"std_error": error, "df": df, "p_value": p_value(middle / error, df) if error else None}
    return cells | limits | tested | {"status": "converged"}
