"""What logistic models of cramp nights should find: odds ratios do not carry over from rates, so they have answers of
their own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.special import gammaincinv, logit

from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.draw import cramp_counts
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.registry import Answer, answers
from crampstudy.simulate.truth.scalar_parameters import Cramps
from crampstudy.simulate.truth.truth import Truth, slug

_STRATA = 4096
_NODES = 32


@answers
def odds_of_a_night(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the odds ratio of a night with a cramp of every exposure that one has or has not, over all persons.

    Both nights are at the reference of every other term, away from the annual cycle. The odds ratio given the person is
    another, larger number, which depends on the person; no single one exists.
    """
    if not truth.cramps.rate_per_week:
        return
    for effect in truth.effects:
        numbers = {m.column for m in truth.measures} | {"age_years"}
        if effect.part != "person" or effect.column in numbers:
            continue
        without, exposed = (chance_of_a_night(truth.cramps, r) for r in (0.0, direct_log_ratio(truth, effect)))
        yield Answer(
            key=f"odds:{slug(effect.term)}",
            estimand="odds ratio of a night with a cramp over all persons, all other terms at their reference",
            term=effect.term,
            level=effect.level,
            scale="log odds ratio",
            unit=effect.unit,
            value=float(logit(exposed) - logit(without)),
            found_by="a marginal logistic model (logistic, GEE) with it alone, where no other term acts",
        )


def chance_of_a_night(cramps: Cramps, log_rate_ratio: float) -> float:
    """Return the chance that a night of a person taken at random has a cramp, at a log rate ratio to the reference.

    Over the persons' multipliers, the lasting ones and those of nights; sleep's feedback and history are left out.
    """
    mean = cramps.rate_per_week / 7 * math.exp(log_rate_ratio)
    # Gamma multipliers at the middles of equally likely strata, log-normal ones at Gauss-Hermite nodes.
    persons = gammaincinv(cramps.person_shape, (np.arange(_STRATA) + 0.5) / _STRATA) / cramps.person_shape
    persons = persons / persons.mean() * cramp_counts.usual_multiplier(cramps)
    usual = _chance(cramps, mean * persons)
    often = _chance(cramps, np.array([mean * cramps.near_nightly_factor]))
    return float((1 - cramps.near_nightly_share) * usual.mean() + cramps.near_nightly_share * often[0])


def _chance(cramps: Cramps, mean: Floats) -> Floats:
    nodes, weights = hermegauss(_NODES)
    sd = math.hypot(cramps.latent_sd, cramps.slow_sd)
    means = mean[:, None] * np.exp(sd * nodes - sd**2 / 2)
    shape = cramps.night_dispersion
    none = np.exp(-means) if shape == 0 else (1 + shape * means) ** (-1 / shape)
    return np.asarray(1 - none @ (weights / weights.sum()), dtype=np.float64)
