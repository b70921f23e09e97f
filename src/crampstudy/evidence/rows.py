"""Trials and their pool as tidy rows of estimates, each interval a row of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import chdtrc

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.estimates import Status, verdicts
from crampstudy.estimates.kinds import Kind
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence import heterogeneity, random_effects
from crampstudy.evidence.harmonise import PUBLISHED_LEVEL
from crampstudy.evidence.heterogeneity import METHODS
from crampstudy.evidence.pools import NOBODY, Pool, TrialRow
from crampstudy.evidence.random_effects import ERRORS, PREDICTIONS, Limits, RandomEffectsFit

OUTCOME = "cramps_per_week"
TRIALS = "published trials"
FEWEST_FOR_ASYMMETRY = 10
"""Small-study effects are looked at from so many trials on (Sterne 2011)."""


@dataclass(frozen=True, slots=True)
class SynthesisOptions:
    """What is asked of a synthesis.

    Args:
        ci_level: confidence level of the intervals.
        threshold: cramps a week fewer that matter; the probability that the next trial is beyond it.
        by: a column of the trials by which they are pooled apart.
        moderator: a number of the trials on which their differences are regressed.
        name: of whom the rows are, in the column ``cohort``.
    """

    ci_level: float = 0.95
    threshold: float = 1.0
    by: str | None = None
    moderator: str | None = None
    name: str = TRIALS


class RowMaker:
    """Makes rows of one pool: what they have in common is written once."""

    def __init__(self, pool: Pool, options: SynthesisOptions) -> None:
        """Take what is the same in every row."""
        self.pool, self.options = pool, options
        self._common = {
            "cohort": options.name,
            "population": pool.name,
            "outcome": OUTCOME,
            "term": pool.agent,
            "reference": pool.against,
        }

    def row(self, kind: Kind, level: str, *, status: Status = "converged", **cells: Any) -> dict[str, Any]:
        """Return one row."""
        given = {**self._common, "analysis": kind.name, "level": level, **cells}
        return estimates.row(status=status, **given)

    def difference(self, kind: Kind, level: str, found: Limits, **cells: Any) -> dict[str, Any]:
        """Return a row of a difference with its interval; its verdict is that of trials and of the primary interval."""
        made = self.row(
            kind,
            level,
            scale="difference",
            unit="cramps a week",
            estimate=found.estimate,
            ci_low=found.low,
            ci_high=found.high,
            ci_level=self.options.ci_level,
            std_error=found.std_error,
            df=found.df,
            p_value=None if kind is kinds.PREDICTION else found.p_value,
            **cells,
        )
        # Degrees of freedom are of trials here, whose number stands in the row.
        judged = kind is not kinds.PREDICTION and (kind is not kinds.POOLED or self._primary(made))
        return {**made, "verdict": verdicts.verdict({**made, "df": None}) if judged else None}

    def _primary(self, made: Mapping[str, Any]) -> bool:
        return made["level"] == ERRORS[0] and str(made["model"]).endswith(METHODS[0])


def of_studies(rows: RowMaker) -> Iterator[Mapping[str, Any]]:
    """Yield a row for each study: its difference in cramps a week, or why there is none."""
    for each in rows.pool.rows:
        yield _of_study(rows, each)


def _aside(pool: Pool, each: TrialRow) -> str | None:
    """Return the interval that was published of a trial, and why it is not the trial's, ``None`` where it is."""
    if each.found is None or each.found.made is None or not each.pooled:
        return None
    for other in pool.rows:
        known = other.found is not None and other.found.made is None and other.found.published is not None
        if (
            known
            and other.found
            and other.study.of == each.study.of
            and other.found.difference == each.found.difference
        ):
            low, high = other.found.limits(PUBLISHED_LEVEL)
            why = wording.small(other.study.concern or "")
            return ", ".join(filter(None, (f"{wording.number(low)} to {wording.number(high)}", why)))
    return None


def _of_study(rows: RowMaker, each: TrialRow) -> Mapping[str, Any]:
    study = each.study
    kind = kinds.PUBLISHED_POOL if study.role == "pooled" else kinds.TRIAL
    cells: dict[str, Any] = {
        "n_participants": study.people,
        "n_exposed": study.n_treated,
        "reference": study.comparator or study.comparison,
    }
    judged = study.risk_of_bias if study.judged_by else ""
    bias = f"risk of bias {judged}, judged by {study.judged_by}" if judged else ""
    certainty = f"{study.certainty}, graded by the {study.certainty_by}" if study.certainty else ""
    graded = f"certainty {certainty}" if certainty else ""
    presumed = "its unit is presumed" if study.unit_presumed == "yes" else ""
    left = f"not pooled: {each.why}" if each.why else ""
    cells["facts"] = {"left out": each.why, "unit": "presumed" if presumed and each.found else ""}
    cells["facts"] |= {
        "trial": study.of if study.of != study.study else "",
        "interval": each.found.made if each.found else "",
        "published interval": _aside(rows.pool, each),
    }
    cells["facts"] |= {"risk of bias": judged, "judged by": study.judged_by, "certainty": certainty}
    if each.found is None:
        said = estimates.note(left, study.result or "", bias, graded)
        cells |= {"scale": "difference", "unit": "cramps a week", "model": None}
        return rows.row(kind, study.study, status="not_estimable", note=said, **cells)
    low, high = each.found.limits(rows.options.ci_level)
    found = Limits(each.found.difference, low, high, each.found.std_error, np.inf)
    note = estimates.note(left, *each.found.steps, presumed, study.concern or "", bias, graded)
    estimand = "published difference, treatment less comparator"
    if study.role == "pooled":
        estimand = "published pooled difference, never pooled again"
    return rows.difference(kind, study.study, found, estimand=estimand, note=note, **cells)


def of_pool(rows: RowMaker) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of the pooled difference, of how trials vary, and of the next trial."""
    count: dict[str, Any] = {"n_participants": people(rows.pool), "n_groups": rows.pool.n_trials}
    if rows.pool.n_trials < 2:
        whom = "" if rows.pool.population == NOBODY else f" ({rows.pool.name})"
        of = f"of {wording.label(rows.pool.agent)}{whom}"
        said = f"one trial {of}, so nothing to pool" if rows.pool.trials else f"no poolable trial {of}"
        cells = {"scale": "difference", "unit": "cramps a week", "model": f"random effects, {METHODS[0]}"}
        yield rows.row(kinds.POOLED, ERRORS[0], status="not_estimable", note=said, **cells, **count)
        return
    effects = rows.pool.effects
    errors = ERRORS if effects.dependent else ERRORS[:-1]
    for method in METHODS:
        fitted = random_effects.pool(effects, method)
        for kind in errors:
            yield _pooled(rows, fitted, kind, count)
    fitted = random_effects.pool(effects)
    for label, weight in zip(effects.labels, fitted.weights, strict=True):
        yield rows.row(kinds.WEIGHT, label, scale="weight", estimate=float(weight), unit="proportion")
    yield from _spread(rows, fitted, count)
    yield from _next(rows, fitted, count)
    yield _asymmetry(rows, fitted, count)
    high = [row.study.study for row in rows.pool.trials if row.study.risk_of_bias == "high"]
    share = float(sum(w for label, w in zip(effects.labels, fitted.weights, strict=True) if label in high))
    yield rows.row(kinds.HIGH_RISK, "high risk of bias", scale="weight", estimate=share, unit="proportion", **count)


def people(pool: Pool) -> int | None:
    """Return the participants of the pooled trials, each trial once, ``None`` where one does not say."""
    by_trial = {row.study.of: row.study.people for row in pool.trials}
    known = [n for n in by_trial.values() if n is not None]
    return sum(known) if known and len(known) == len(by_trial) else None


def _pooled(rows: RowMaker, fitted: RandomEffectsFit, errors: random_effects.Errors, count: Mapping[str, Any]) -> Any:
    cells = {"model": f"random effects, {fitted.method}", **count}
    try:
        found = fitted.limits(rows.options.ci_level, errors)
    except AnalysisError as problem:
        return rows.row(kinds.POOLED, errors, status="not_estimable", scale="difference", note=str(problem), **cells)
    law = "z" if np.isinf(found.df) else f"t with {found.df:.0f} df"
    estimand = f"mean difference over trials, interval {errors} ({law})"
    return rows.difference(kinds.POOLED, errors, found, estimand=estimand, **cells)


def _spread(rows: RowMaker, fitted: RandomEffectsFit, count: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    effects, design = fitted.effects, fitted.design
    level = rows.options.ci_level
    low, high = heterogeneity.interval(effects, design, level)
    typical = heterogeneity.typical_variance(effects, design)
    profile = {"ci_level": level, "estimand": "interval by Q-profile", **count}
    for method in METHODS:
        tau2 = heterogeneity.estimate(effects, design, method)
        limits = {"ci_low": low, "ci_high": high, **profile} if method == METHODS[0] else count
        cells = {"model": f"random effects, {method}", "scale": "tau2", "unit": "(cramps a week)²", **limits}
        yield rows.row(kinds.HETEROGENEITY, "tau2", estimate=tau2, **cells)
    shares = {name: heterogeneity.share(value, typical) for name, value in (("ci_low", low), ("ci_high", high))}
    i2 = {"model": f"random effects, {METHODS[0]}", "scale": "i2", "unit": "proportion", **shares, **profile}
    yield rows.row(kinds.HETEROGENEITY, "I2", estimate=heterogeneity.share(fitted.tau2, typical), **i2)
    q = heterogeneity.cochran_q(effects, design)
    test = {"scale": "heterogeneity_test", "df": float(fitted.df), "p_value": float(chdtrc(fitted.df, q)), **count}
    yield rows.row(kinds.HETEROGENEITY, "Q", estimate=q, **test)


def _next(rows: RowMaker, fitted: RandomEffectsFit, count: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    model = {"model": f"random effects, {fitted.method}", **count}
    lost = ""
    for kind in PREDICTIONS:
        try:
            found = fitted.prediction(rows.options.ci_level, kind)
        except AnalysisError as problem:
            lost = str(problem)
            yield rows.row(kinds.PREDICTION, kind, status="not_estimable", scale="difference", note=lost, **model)
            continue
        estimand = f"true difference of the next trial, interval by {kind}"
        yield rows.difference(kinds.PREDICTION, kind, found, estimand=estimand, **model)
    level = f"at least {rows.options.threshold:g} fewer a week"
    beyond = {"scale": "probability", "unit": "proportion", **model}
    if lost:
        yield rows.row(kinds.BEYOND, level, status="not_estimable", note=lost, **beyond)
        return
    estimand = f"probability of the true difference of the next trial, {PREDICTIONS[0]}"
    chance = fitted.probability_below(-rows.options.threshold)
    yield rows.row(kinds.BEYOND, level, estimate=chance, estimand=estimand, **beyond)


def _asymmetry(rows: RowMaker, fitted: RandomEffectsFit, count: Mapping[str, Any]) -> Mapping[str, Any]:
    cells = {"scale": "z", "model": f"random effects, {fitted.method}", **count}
    k = fitted.effects.n_trials
    if k < FEWEST_FOR_ASYMMETRY:
        said = (
            f"small-study effects of {k} trials of {wording.label(rows.pool.agent)} are not looked at: "
            f"{FEWEST_FOR_ASYMMETRY} are the least"
        )
        return rows.row(kinds.ASYMMETRY, "Egger", status="not_estimable", note=said, **cells)
    slope = egger(fitted)
    return rows.row(kinds.ASYMMETRY, "Egger", estimate=slope.estimate / slope.std_error, p_value=slope.p_value, **cells)


def egger(fitted: RandomEffectsFit) -> Limits:
    """Return the slope of the effects on their standard errors; its z is Egger's."""
    effects = fitted.effects
    design: Array = np.column_stack([np.ones(effects.k), np.sqrt(effects.variances)])
    return random_effects.pool(effects, fitted.method, design).limits(0.95, "Wald", 1)
