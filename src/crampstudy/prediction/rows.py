"""Tidy rows of what was validated: scores, skill against a simple rule, for whom, calibration and net benefit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates
from crampstudy.arrays import Array, Codes, Flags
from crampstudy.estimates import kinds
from crampstudy.models.inference.proportion import wilson
from crampstudy.prediction import baselines, models
from crampstudy.prediction.outcome import SURVEY
from crampstudy.prediction.resampled import FEWEST, Resamples, limits
from crampstudy.prediction.scores import net_benefit, net_benefit_of_all, smooth_curve, weighted_area
from crampstudy.prediction.scores.calibration import rate_recalibration, recalibration
from crampstudy.prediction.validation import CHOSEN, PAST_ALONE, SEED, Validated

DEVIANCE, LOG_SCORE, CRPS, BRIER = "Poisson deviance", "log score", "CRPS", "Brier score"
AREA, INTERCEPT, SLOPE = "area under the curve", "calibration intercept", "calibration slope"
AVERAGE, LARGEST = "Eavg", "Emax"
THRESHOLDS = (0.1, 0.2, 0.3, 0.5)
EVERYBODY = "acting on all"
STRATA = ("no cramp", "below 1 a week", "1 to 3 a week", "above 3 a week")
"""Participants by the cramps that they logged, which is known only afterwards."""
_TENTHS = 10
_LINES = 100
"""Resamples of what has to be fitted anew in each."""
_WEEK = 7
_ROUNDING = 1e-12

Row = dict[str, Any]
Statistic = Callable[[Array], float]


@dataclass(frozen=True, slots=True)
class PredictionSummary:
    """What rows are made of: what was validated, its resamples, and the cells that all its rows share.

    Args:
        found: what was validated.
        resamples: of its participants or sampling units.
        weight: how much each row counts.
        base: cells of every row.
        reference: the simple rule that skill is against.
    """

    found: Validated
    resamples: Resamples
    weight: Array
    base: Row
    reference: str

    @classmethod
    def of(
        cls, found: Validated, cohort: str, ci_level: float, resamples: Resamples | None = None
    ) -> PredictionSummary:
        """Return the summary of predictions; of a survey with the ``resamples`` of its design.

        A climatology that is one rate for all is called that.
        """
        simple = baselines.MOVING_AVERAGE if baselines.MOVING_AVERAGE in found.said else baselines.CLIMATOLOGY
        if _same(found.said, baselines.CLIMATOLOGY, baselines.ONE_RATE):
            found = found.without(baselines.CLIMATOLOGY)
            simple = baselines.ONE_RATE if simple == baselines.CLIMATOLOGY else simple
        drawn = resamples or Resamples.of_participants(found.table.person, np.random.default_rng([SEED, 7]))
        weight = np.ones(len(found.happened)) if resamples is None else found.table.nights
        base = {"cohort": cohort, "outcome": found.outcome.name, "model": found.scheme, "ci_level": ci_level}
        return cls(found, drawn, weight, base, simple)

    def loss(self, predictor: str) -> Array:
        """Return the score that skill is of: the Brier score of a probability, the deviance of a count."""
        said = self.found.expected(predictor)
        if self.found.outcome.is_count:
            return self.found.outcome.loss(self.found.happened, said)
        return np.asarray((said - self.found.happened) ** 2)


def rows_of(summary: PredictionSummary) -> pd.DataFrame:
    """Return all rows of what was validated."""
    makers = (_scores, _skills, _gains, _better, _points, _benefits)
    return estimates.frame(row for make in makers for row in make(summary))


def skills_of(summary: PredictionSummary) -> pd.DataFrame:
    """Return the rows of skill and of whom it is better for, alone."""
    return estimates.frame(row for make in (_skills, _gains, _better) for row in make(summary))


def _same(said: Mapping[str, Array], one: str, other: str) -> bool:
    return one in said and other in said and np.array_equal(said[one], said[other])


def _cells(summary: PredictionSummary, inside: Flags | None = None) -> Row:
    table, happened = summary.found.table, summary.found.happened
    own = np.ones(len(happened), dtype=bool) if inside is None else inside
    nights = None if summary.found.outcome == SURVEY else int(table.nights[own].sum())
    people = len(np.unique(table.person[own]))
    return summary.base | {"n_participants": people, "n_nights": nights, "n_events": int(happened[own].sum())}


def _mean(summary: PredictionSummary, losses: Array, level: str, predictor: str) -> Row:
    weight, drawn = summary.weight, summary.resamples
    estimate = float(np.average(losses, weights=weight))
    values = drawn.sums(weight * losses) / drawn.sums(weight)
    return _made(summary, predictor, level, estimate, values)


def _made(summary: PredictionSummary, predictor: str, level: str, estimate: float, values: Array) -> Row:
    cells = _cells(summary) | {"analysis": kinds.PREDICTION_SCORE.name, "term": predictor, "level": level}
    cells |= {"population": "all", "scale": "score"}
    if not np.isfinite(estimate):
        return estimates.row(
            status="not_estimable",
            note=f"{level} cannot be told: all predictions are alike, or part all events from all others",
            **cells,
        )
    low, high = limits(values, summary.base["ci_level"])
    return estimates.row(status="converged", estimate=estimate, ci_low=low, ci_high=high, **cells)


def _scores(summary: PredictionSummary) -> Iterator[Row]:
    found = summary.found
    for predictor, said in found.said.items():
        yield _mean(summary, summary.loss(predictor), DEVIANCE if found.outcome.is_count else BRIER, predictor)
        if not found.outcome.is_count:
            yield _mean(summary, found.outcome.loss(found.happened, said), LOG_SCORE, predictor)
        for level, of in ((LOG_SCORE, found.log_scores), (CRPS, found.ranked)):
            if predictor in of:
                yield _mean(summary, of[predictor], level, predictor)
    for predictor in found.said:
        if predictor in (summary.reference, models.REGRESSION, models.TREES, CHOSEN):
            yield from _of_calibration(summary, predictor)


def _of_calibration(summary: PredictionSummary, predictor: str) -> Iterator[Row]:
    found, weight = summary.found, summary.weight
    said, happened = found.expected(predictor), found.happened
    line = rate_recalibration if found.outcome.is_count else recalibration
    resampled = [weight * summary.resamples.weights(i) for i in range(_LINES)]
    lines = np.array([line(happened, said, each) for each in resampled])
    for level, estimate, values in zip((INTERCEPT, SLOPE), line(happened, said, weight), lines.T, strict=True):
        yield _made(summary, predictor, level, estimate, values)
    if found.outcome.is_count:
        return
    areas = np.array([weighted_area(happened, said, each) for each in resampled])
    yield _made(summary, predictor, AREA, weighted_area(happened, said, weight), areas)
    if found.outcome == SURVEY:
        return  # the smooth curve knows no weights
    apart = np.abs(smooth_curve(happened, said) - said)
    yield _mean(summary, apart, AVERAGE, predictor)
    cells = _cells(summary) | {"analysis": kinds.PREDICTION_SCORE.name, "term": predictor, "level": LARGEST}
    yield estimates.row(status="converged", estimate=float(apart.max()), population="all", scale="score", **cells)


def strata_of(summary: PredictionSummary) -> Codes:
    """Return the stratum of each participant's rows by the cramps a week that were logged."""
    table = summary.found.table
    counts, nights = (np.bincount(table.person, of) for of in (table.counts, table.nights))
    weekly = _WEEK * counts / np.maximum(nights, 1)
    return np.asarray(np.digitize(weekly, [1e-12, 1.0, 3.0 + 1e-12])[table.person], dtype=np.intp)


def _groups(summary: PredictionSummary) -> dict[str, Flags]:
    everybody = {"all": np.ones(len(summary.found.happened), dtype=bool)}
    if summary.found.outcome == SURVEY:
        return everybody
    strata = strata_of(summary)
    return everybody | {name: strata == number for number, name in enumerate(STRATA)}


def _skills(summary: PredictionSummary) -> Iterator[Row]:
    for name, inside in _groups(summary).items():
        for predictor in summary.found.said:
            if predictor != summary.reference and (name == "all" or predictor == CHOSEN):
                yield _skill(summary, kinds.PREDICTION_SKILL, predictor, summary.reference, name, inside)


def _gains(summary: PredictionSummary) -> Iterator[Row]:
    """Yield the skill of the chosen model against what knows less: nothing of anybody, and the own past alone."""
    everybody = np.ones(len(summary.found.happened), dtype=bool)
    for reference in (baselines.ONE_RATE, PAST_ALONE):
        if reference in summary.found.said:
            made = _skill(summary, kinds.PREDICTION_GAIN, CHOSEN, reference, "all", everybody)
            # A reference is in no key, and these two rows differ in nothing else.
            named = made if reference == baselines.ONE_RATE else made | {"level": f"against {reference}"}
            yield made | {"key": estimates.key(named)}


def _skill(
    summary: PredictionSummary, kind: kinds.Kind, predictor: str, reference: str, name: str, inside: Flags
) -> Row:
    cells = _cells(summary, inside) | {"analysis": kind.name, "term": predictor}
    cells |= {"reference": reference, "population": name, "scale": "skill"}
    if few := _few(cells):
        return few
    own, drawn = summary.weight * inside, summary.resamples
    losses, simple = summary.loss(predictor), summary.loss(reference)
    # Predictions that are alike to rounding have no skill, and no interval of one.
    simple = losses if np.allclose(losses, simple, rtol=_ROUNDING, atol=_ROUNDING) else simple
    if not float(own @ simple):
        return estimates.row(status="not_estimable", note=f"{reference} errs in nobody: there is no gain", **cells)
    estimate = 1 - float(own @ losses) / float(own @ simple)
    values = 1 - drawn.sums(own * losses) / _not_zero(drawn.sums(own * simple))
    low, high = limits(values, summary.base["ci_level"])
    return estimates.row(status="converged", estimate=estimate, ci_low=low, ci_high=high, **cells)


def _few(cells: Row) -> Row | None:
    if cells["n_participants"] >= FEWEST:
        return None
    return estimates.row(status="not_estimable", note=f"fewer than {FEWEST} participants", **cells)


def _not_zero(values: Array) -> Array:
    return np.where(values > 0, values, np.nan)


def _better(summary: PredictionSummary) -> Iterator[Row]:
    """Yield the share of participants whose own score the chosen model betters."""
    if summary.found.outcome == SURVEY:
        return
    person = summary.found.table.person
    gain = np.bincount(person, summary.loss(summary.reference) - summary.loss(CHOSEN))
    there = np.unique(person)
    for name, inside in _groups(summary).items():
        own = np.intersect1d(there, person[inside])
        cells = _cells(summary, inside) | {"analysis": kinds.BETTER_FORETOLD.name, "term": CHOSEN}
        cells |= {"reference": summary.reference, "population": name, "scale": "proportion"}
        cells["n_events"] = int((gain[own] > 0).sum())
        if few := _few(cells):
            yield few
            continue
        share = cells["n_events"] / len(own)
        low, high = wilson(cells["n_events"], len(own), summary.base["ci_level"])
        yield estimates.row(status="converged", estimate=share, ci_low=low, ci_high=high, **cells)


def _points(summary: PredictionSummary) -> Iterator[Row]:
    """Yield tenths by what was said, with what happened in each; of counts there is no curve."""
    found, weight, drawn = summary.found, summary.weight, summary.resamples
    if found.outcome.is_count:
        return
    for predictor in (CHOSEN, summary.reference):
        said = found.said[predictor]
        edges = np.unique(np.quantile(said, np.linspace(0, 1, _TENTHS + 1)[1:-1]))
        place = np.searchsorted(edges, said, "right")
        for number in range(len(edges) + 1):
            inside = place == number
            cells = _cells(summary, inside) | {"analysis": kinds.CALIBRATION_POINT.name, "term": predictor}
            cells |= {"population": "all", "scale": "proportion"}
            if cells["n_participants"] < FEWEST:
                continue
            own = weight * inside
            level = f"{float(own @ said) / own.sum():.4f}"
            share = float(own @ found.happened) / own.sum()
            low, high = limits(drawn.sums(own * found.happened) / _not_zero(drawn.sums(own)), cells["ci_level"])
            yield estimates.row(status="converged", level=level, estimate=share, ci_low=low, ci_high=high, **cells)


def _benefits(summary: PredictionSummary) -> Iterator[Row]:
    found, weight, drawn = summary.found, summary.weight, summary.resamples
    if found.outcome.is_count:
        return
    for threshold in THRESHOLDS:
        odds = threshold / (1 - threshold)
        for predictor in (CHOSEN, summary.reference, EVERYBODY):
            if predictor == EVERYBODY:
                acted = np.ones(len(weight))
                estimate = net_benefit_of_all(found.happened, threshold, weight)
            else:
                acted = (found.said[predictor] >= threshold).astype(np.float64)
                estimate = net_benefit(found.happened, found.said[predictor], threshold, weight)
            each = acted * (found.happened - (1 - found.happened) * odds)
            values = drawn.sums(weight * each) / drawn.sums(weight)
            low, high = limits(values, summary.base["ci_level"])
            cells = _cells(summary) | {"analysis": kinds.NET_BENEFIT.name, "term": predictor, "population": "all"}
            cells |= {"level": f"{threshold:g}", "scale": "net_benefit"}
            if low == high:
                low = high = np.nan
            yield estimates.row(status="converged", estimate=estimate, ci_low=low, ci_high=high, **cells)
