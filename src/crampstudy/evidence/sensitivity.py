"""What a pool rests on: without each trial, over the years, by subgroup, and by a number that trials differ in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import chdtrc

from crampstudy import suggestions
from crampstudy.errors import UsageError
from crampstudy.estimates.kinds import Kind
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence import heterogeneity, random_effects
from crampstudy.evidence.effects import TrialEffects
from crampstudy.evidence.package import columns
from crampstudy.evidence.pools import TrialRow
from crampstudy.evidence.random_effects import ERRORS, RandomEffectsFit
from crampstudy.evidence.rows import RowMaker

_MODEL = {"model": "random effects, REML"}
FEWEST_FOR_REGRESSION = 10
"""A regression of fewer trials than this describes them, and is said to."""
_SUBGROUPS = ("comparison", "design", "risk_of_bias", "unit_presumed", "population")
_MODERATORS = ("year", "days", "n_total")


def without_each(rows: RowMaker) -> Iterator[Mapping[str, Any]]:
    """Yield the pool without each trial."""
    effects = rows.pool.effects
    if effects.n_trials < 3:
        return
    for i, label in enumerate(effects.labels):
        rest = [j for j in range(effects.k) if j != i]
        yield _of_some(rows, kinds.WITHOUT, f"without {label}", effects.only(rest))


def over_the_years(rows: RowMaker) -> Iterator[Mapping[str, Any]]:
    """Yield the pool up to each trial, by year."""
    effects = rows.pool.effects
    for n in range(2, effects.k + 1):
        study = rows.pool.trials[n - 1].study
        level = (
            f"to {study.study}"
            if str(study.year) in study.study or not study.year
            else (f"to {study.study}, {study.year}")
        )
        yield _of_some(rows, kinds.CUMULATIVE, level, effects.only(range(n)))


def _of_some(rows: RowMaker, kind: Kind, level: str, effects: TrialEffects) -> Mapping[str, Any]:
    fitted = random_effects.pool(effects)
    estimand = f"mean difference over {effects.k} trials, interval {ERRORS[0]}"
    found = fitted.limits(rows.options.ci_level)
    return rows.difference(kind, level, found, estimand=estimand, n_groups=effects.k, **_MODEL)


def by_subgroup(rows: RowMaker) -> Iterator[Mapping[str, Any]]:
    """Yield the mean of each subgroup, all with one tau2, and the test that they are equal.

    Raises:
        UsageError: the column tells no subgroups.
    """
    if rows.options.by is None:
        return
    by = _column(rows.options.by, "by", _SUBGROUPS)
    effects, values = rows.pool.effects, [str(getattr(row.study, by) or "not said") for row in rows.pool.trials]
    names = list(dict.fromkeys(values))
    level = f"by {by.replace('_', ' ')}"
    cells: dict[str, Any] = {"n_groups": effects.k, **_MODEL}
    if len(names) < 2 or effects.k <= len(names):
        said = f"{effects.k} trials in {len(names)} subgroups: there are no two to compare, or no more than one of each"
        yield rows.row(kinds.SUBGROUP, level, status="not_estimable", scale="heterogeneity_test", note=said, **cells)
        return
    design = np.array([[value == name for name in names] for value in values], dtype=float)
    fitted = random_effects.pool(effects, design=design)
    for i, name in enumerate(names):
        found = fitted.limits(rows.options.ci_level, coefficient=i)
        estimand = f"mean difference of a subgroup, tau2 of all in common, interval {ERRORS[0]}"
        yield rows.difference(
            kinds.SUBGROUP, f"{level}: {name}", found, estimand=estimand, n_groups=values.count(name), **_MODEL
        )
    q, p_value = differ(fitted)
    cells |= {"scale": "heterogeneity_test", "estimate": q, "df": float(len(names) - 1), "p_value": p_value}
    yield rows.row(kinds.SUBGROUP, f"{level}: all equal", **cells)


def differ(fitted: RandomEffectsFit) -> tuple[float, float]:
    """Return the chi-squared test that the means of all subgroups are equal, and its p-value."""
    n = len(fitted.coefficients)
    contrast = np.hstack([-np.ones((n - 1, 1)), np.eye(n - 1)])
    apart = contrast @ fitted.coefficients
    q = float(apart @ np.linalg.solve(contrast @ fitted.at.covariance @ contrast.T, apart))
    return q, float(chdtrc(n - 1, q))


def on_moderator(rows: RowMaker) -> Iterator[Mapping[str, Any]]:
    """Yield the slope of the differences on a number of the trials, and how much of tau2 goes with it.

    Raises:
        UsageError: the column is none of the numbers that trials differ in.
    """
    if rows.options.moderator is None:
        return
    name = _column(rows.options.moderator, "moderator", _MODERATORS)
    level, cells = f"per unit of {name.replace('_', ' ')}", dict[str, Any](_MODEL)
    kept = [i for i, row in enumerate(rows.pool.trials) if _number(row, name) is not None]
    values = np.array([_number(rows.pool.trials[i], name) for i in kept], dtype=float)
    if len(kept) < 3 or np.ptp(values) == 0:
        said = f"{len(kept)} trials have a {name.replace('_', ' ')}, and at least 3 that differ are needed"
        yield rows.row(kinds.MODERATOR, level, status="not_estimable", scale="difference", note=said, **cells)
        return
    effects = rows.pool.effects.only(kept)
    slope, explained = regress(effects, values)
    few = f"{effects.k} trials describe and do not test: {FEWEST_FOR_REGRESSION} are the least for a regression"
    found = slope.limits(rows.options.ci_level, coefficient=1)
    note = few if effects.k < FEWEST_FOR_REGRESSION else None
    cells |= {"n_groups": effects.k, "note": note}
    made = rows.difference(kinds.MODERATOR, level, found, estimand="slope over trials", **cells)
    yield {**made, "unit": f"cramps a week, {level}", "verdict": None}
    cells |= {"scale": "r2", "unit": "proportion", "estimate": explained}
    yield rows.row(kinds.MODERATOR, f"share of tau2, {level}", **cells)


def regress(effects: TrialEffects, values: Sequence[float] | Any) -> tuple[RandomEffectsFit, float]:
    """Return the regression of effects on a number, and the share of tau2 that goes with it, never below 0."""
    design = np.column_stack([np.ones(effects.k), np.asarray(values, dtype=float)])
    fitted = random_effects.pool(effects, design=design)
    plain = heterogeneity.estimate(effects, np.ones((effects.k, 1)), fitted.method)
    return fitted, max(0.0, 1 - fitted.tau2 / plain) if plain > 0 else 0.0


def _number(row: TrialRow, name: str) -> float | None:
    value = row.study.people if name == "n_total" else getattr(row.study, name)
    return None if value is None else float(value)


def _column(name: str, option: str, allowed: Sequence[str]) -> str:
    if name not in allowed:
        said = f"--{option} {name}: trials are not told apart by it"
        raise suggestions.unknown(UsageError, said, name, allowed, f"allowed: {', '.join(allowed)}")
    return columns("trials")[name].name


PARTS: tuple[Callable[[RowMaker], Iterator[Mapping[str, Any]]], ...] = (
    without_each,
    over_the_years,
    by_subgroup,
    on_moderator,
)
"""What a pool of two and more trials has beside itself."""
