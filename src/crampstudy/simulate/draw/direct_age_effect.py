"""The direct effect of age: what is left of its total effect when muscles, joints, conditions and drugs have acted."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy.optimize import root
from scipy.special import ndtri
from scipy.stats import qmc

from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.draw.people import Chances, draw_people, person_x
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.tables.rows import Effect
from crampstudy.simulate.truth.truth import Truth, correlation_root

_POINTS = 2048


def direct_log_ratio(truth: Truth, effect: Effect) -> float:
    """Return the direct log rate ratio of a person-level effect.

    A total effect of age is the slope of the log-linear (Poisson) projection of the mean rate on age and sex in the
    truth's own population. The direct one is what makes it so, given all that age does through other columns.

    Raises:
        ParameterError: no direct effect gives that total.
    """
    if effect.meaning == "direct":
        return effect.log_rate_ratio
    return effect.log_rate_ratio - mediated_log_ratio(truth)


@lru_cache(maxsize=64)
def mediated_log_ratio(truth: Truth) -> float:
    """Return the log rate ratio per unit of age's effect that goes through other columns."""
    age = next(e for e in truth.effects if e.column == "age_years")
    if not ages_vary(truth):
        return 0.0
    through = causal_graph.descendants(truth, "age_years")
    acting = [e for e in truth.effects if e.part == "person" and e.column in through and e.log_rate_ratio]
    if not acting:
        return 0.0
    ages, weights = _age_distribution(truth)
    female = np.repeat([0.0, 1.0], len(ages))
    share = np.where(female > 0, truth.people.female_share, 1 - truth.people.female_share) * np.tile(weights, 2)
    x = (np.tile(ages, 2) - (age.centre or 0.0)) / (age.scale or 1.0)
    mean = _mean_ratio(truth, acting, np.tile(ages, 2), female > 0)
    basis = np.stack([np.ones_like(x), x, female])
    # With one sex alone there is nothing to adjust for.
    both = 0 < truth.people.female_share < 1

    def scores(unknown: Floats) -> Floats:
        level, own = unknown[:2]
        of_sex = unknown[2] if both else 0.0
        ratio = mean * np.exp(own * x) - np.exp(level + of_sex * female + age.log_rate_ratio * x)
        return np.asarray((basis if both else basis[:2]) @ (share * ratio), dtype=np.float64)

    start = [np.log(share @ mean), age.log_rate_ratio, 0.0]
    solved = root(scores, start if both else start[:2], tol=1e-12)
    if not solved.success or abs(scores(solved.x)).max() > 1e-9:
        raise ParameterError(f"effect {age.term}: no direct effect of age gives a total one of {age.log_rate_ratio:g}")
    return age.log_rate_ratio - float(solved.x[1])


def ages_vary(truth: Truth) -> bool:
    """Return whether people differ in age; without it age has no total effect, and its number is the direct one."""
    return len(_age_distribution(truth)[0]) > 1


def _age_distribution(truth: Truth) -> tuple[Floats, Floats]:
    limits, shares = truth.people.age_limits, truth.people.age_shares
    bands = [np.arange(low, high) for low, high in pairwise(limits)]
    weights = np.concatenate([np.full(len(band), s / len(band)) for band, s in zip(bands, shares, strict=True)])
    some = weights > 0
    return np.concatenate(bands)[some].astype(np.float64), weights[some] / weights.sum()


def _mean_ratio(truth: Truth, acting: Sequence[Effect], ages: Floats, female: np.ndarray) -> Floats:
    """Return the mean rate ratio of each pair of age and sex, over the same even points in the space of all chances."""
    chances = _even_chances(truth)
    n = len(ages)
    tiled = Chances(
        {name: np.tile(values, n) for name, values in chances.scores.items()},
        {name: np.tile(values, n) for name, values in chances.uniforms.items()},
        {},
    )
    everybody = np.repeat(ages.astype(np.int64), _POINTS), np.repeat(female, _POINTS)
    people = draw_people(truth, *everybody, tiled, only={e.column for e in acting})
    log = sum((e.log_rate_ratio * person_x(truth, e, people[e.column]) for e in acting), np.zeros(n * _POINTS))
    return np.asarray(np.exp(log).reshape(n, _POINTS).mean(axis=1), dtype=np.float64)


def _even_chances(truth: Truth) -> Chances:
    # Sobol' points instead of a generator: the direct effect is a number of the truth's and has no noise.
    measures = [m.column for m in truth.measures]
    columns = list(dict.fromkeys(r.column for r in (*truth.conditions, *truth.levels, *truth.measures)))
    points = qmc.Sobol(len(measures) + len(columns), scramble=True, rng=0).random(_POINTS).T
    scores = dict(zip(measures, ndtri(points[: len(measures)]), strict=True))
    correlated, root_matrix = correlation_root(truth, measures)
    if correlated:
        scores |= dict(zip(correlated, root_matrix @ np.stack([scores[name] for name in correlated]), strict=True))
    return Chances(scores, dict(zip(columns, points[len(measures) :], strict=True)), {})
