"""Cramps after poor sleep: the lags of a sleep measure, and both directions in standard deviations of one scale."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import causal, estimates, wording
from crampstudy.codebook.exposures import BETWEEN, WITHIN
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import AdjustedFit, Sufficiency, differing, for_nothing, single_terms
from crampstudy.contrasts.nights.cramp_night import WORSE
from crampstudy.estimates import kinds
from crampstudy.models.fit import fit
from crampstudy.models.inference.reliability import Reliability
from crampstudy.nights import people
from crampstudy.nights.person_moments import person_moments

SLEEP = ("sleep_quality_0_10", "sleep_hours")
"""What may go before a cramp, the first one that a diary has."""
LAGS = 3
_BEFORE = "lag(cramps, 1)"
_NOT_HELD = "not for cramps of the night before, which stand for who is prone to cramps and bias the ratio of sleep"
_SCALE = (
    "standard deviation of nights within participants, taken as known; of a log-linear model and a normal score the "
    "log of the ratio per standard deviation is by how many of them the score lay worse on nights before a cramp"
)


def adjusted_lags(cohort: Cohort, sleep: str, *, model: str = "negative-binomial", **more: Any) -> pd.DataFrame:
    """Return the ratios of a sleep measure at lags 1 to :data:`LAGS`, adjusted as :func:`lags_fit` says.

    Args:
        cohort: a diary.
        sleep: a measure of sleep.
        model: a model of nights' counts.
        more: other arguments of :func:`crampstudy.fit`.
    """
    found, beside = _fitted(cohort, sleep, model, causal.measured_in(cohort), None, more)
    own = [person_time.part(sleep, WITHIN, model, None).at_lag(k) for k in range(1, LAGS + 1)]
    made = [row for one in own for row in person_time.of_term(found.fit, one, f"lag {one.shift}", kinds.LAG_ADJUSTED)]
    nothing = {*found.fit.surplus, *found.fit.left_out} >= {*single_terms(beside)}
    return estimates.frame(for_nothing(row) if nothing else row for row in map(found.held.on, made))


def lags_fit(
    cohort: Cohort,
    sleep: str,
    *,
    model: str,
    measured: Collection[str] | None = None,
    graph: causal.CausalGraph | None = None,
    **more: Any,
) -> AdjustedFit:
    """Fit a measure that the night's cramps can move at lags 1 to :data:`LAGS` beside its mean; lag 1 is the exposure.

    It is adjusted for what the causal graph asks for of lag 1, each as the deviation from the participant's mean, but
    for cramps of the night before.

    Args:
        cohort: a diary.
        sleep: a measure of sleep.
        model: a model of nights' counts.
        measured: the columns that it may be adjusted for; all of the cohort's by default.
        graph: by default that of the study.
        more: other arguments of :func:`crampstudy.fit`.
    """
    able = causal.measured_in(cohort) if measured is None else measured
    return _fitted(cohort, sleep, model, able, graph, more)[0]


def _fitted(
    cohort: Cohort,
    sleep: str,
    model: str,
    measured: Collection[str],
    graph: causal.CausalGraph | None,
    more: Mapping[str, Any],
) -> tuple[AdjustedFit, list[str]]:
    """Return the model of :func:`lags_fit`, whose arguments these are, and the terms that it was to be adjusted for."""
    within, between = (person_time.part(sleep, which, model, None) for which in (WITHIN, BETWEEN))
    own = [within.at_lag(k) for k in range(1, LAGS + 1)]
    found = differing(cohort, causal.adjustment_set(str(own[0]), "cramps", measured, graph))
    held = {c: node for c, node in zip(found.columns, found.nodes, strict=True) if c != _BEFORE}
    # What is to be compared comes first: a model of few participants leaves its last terms out.
    beside = person_time.deviations(held, cohort)
    terms = person_time.joined(" + ".join(beside), [*own, between])
    fitted = fit(cohort, model=model, terms=terms, adjusted_for=beside, **more)
    crowded = [term for term in single_terms(beside) if term in fitted.surplus]
    apart = [term for term in single_terms(beside) if term in fitted.left_out]
    enough = Sufficiency.of(found, crowded, [*apart, *(column for column in found.columns if column == _BEFORE)])
    said = f"adjusted for {wording.listed(wording.small(node.meaning) for node in held.values())}" if held else ""
    said = Sufficiency.of(found, crowded, apart).sentence if crowded or apart else said
    enough = replace(enough, sentence=estimates.note(said, _NOT_HELD) or "")
    return AdjustedFit(fitted, (str(own[0]),), enough), beside


def both_directions(cohort: Cohort, scores: pd.DataFrame, lags: pd.DataFrame) -> pd.DataFrame:
    """Return scores of a cramp night and the lags of sleep on one scale: standard deviations within participants.

    A difference is divided by the standard deviation that the score has from night to night. A log rate ratio is taken
    per such a standard deviation of worse sleep: where nights' scores are normal, that is by how many of them sleep
    lay worse on the nights before a cramp than on all nights, so that both directions are distances of the same kind.

    Args:
        cohort: the diary that the rows are of.
        scores: rows of :func:`~crampstudy.contrasts.nights.cramp_night.cramp_night_scores`.
        lags: rows of :func:`~crampstudy.contrasts.distributed_lag.distributed_lag`.

    Source: Cornfield 1962; Efron 1975 (a slope per standard deviation and the distance of two normal means).
    """
    within = scores[scores["level"].eq("within") & scores["status"].ne("not_measured")]
    single = lags[~estimates.declared(lags) & lags["level"].str.match("lag|lead")]
    made = []
    for row in wording.records(within):
        worse = WORSE[str(row["outcome"])]
        made.append(_scaled(row, worse / _spread(cohort, str(row["outcome"])), log=False))
    for row in wording.records(single):
        if row["level"] == "lag 0":
            continue
        steps = float(str(row["unit"]).split()[1]) if pd.notna(row["unit"]) else 1.0
        size = WORSE[str(row["term"])] * _spread(cohort, str(row["term"])) / steps
        made.append(_scaled(row, size, log=True))
    return estimates.frame(made)


def _scaled(row: Mapping[str, Any], factor: float, *, log: bool) -> dict[str, Any]:
    kept = (
        "cohort",
        "population",
        "outcome",
        "model",
        "term",
        "level",
        "estimand",
        "adjusted_for",
        "adjustment",
        "lacks",
        "ci_level",
    )
    counts = ("df", "p_value", "n_effective", "n_participants", "n_nights", "n_events", "n_groups", "n_exposed")
    cells = {name: row[name] for name in (*kept, *counts) if pd.notna(row[name])}
    cells |= {"analysis": kinds.BOTH_DIRECTIONS.name, "scale": "standardised_difference", "unit": "SD, worse"}
    if row["status"] not in ("converged", "boundary") or not np.isfinite(factor):
        lacking = "it does not vary within participants" if not np.isfinite(factor) else row["note"]
        return estimates.row(status="not_estimable", note=lacking, **cells)
    numbers = np.array([row["estimate"], row["ci_low"], row["ci_high"]], dtype=np.float64)
    estimate, *limits = (np.log(numbers) if log else numbers) * factor
    error = abs(factor) * row["std_error"]
    around = {"estimate": estimate, "ci_low": min(limits), "ci_high": max(limits), "std_error": error}
    return estimates.row(status=row["status"], note=_SCALE, **cells | around)


def _spread(cohort: Cohort, name: str) -> float:
    """Return the standard deviation of a score within participants, NaN where it has none."""
    everybody = people(cohort)["participant_id"].to_list()
    variance = float(Reliability.of(person_moments(cohort, [name], everybody)).within[0, 0])
    return float(np.sqrt(variance)) if variance > 0 else float("nan")
