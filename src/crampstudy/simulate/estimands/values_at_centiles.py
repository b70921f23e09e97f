"""What a number does between two of its centiles: of the participants' measures, or of their usual amounts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from crampstudy.codebook import contrasts
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio
from crampstudy.simulate.draw.people import at_scores
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.registry import Answer, answers
from crampstudy.simulate.truth.scalar_parameters import People
from crampstudy.simulate.truth.tables.rows import Effect, Habit, Measure
from crampstudy.simulate.truth.truth import Truth, slug

_WEEKEND = 2 / 7
"""The share of nights that are a Friday or a Saturday."""
_FURTHEST = 12.0
"""The standard normal score beyond which nobody is."""


@answers
def centile_contrasts(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the rate ratio of a number between the two centiles at which it is judged, all else held.

    Of a measure they are those of all ages and both sexes; there is none where another column causes it or it is noted
    with the season. Of a nightly amount they are those of the usual amounts, over whole weeks and years.
    """
    for effect in truth.effects:
        stated, declared = contrasts.of_variable(effect.column)
        if stated is not None or declared.kind != "centile" or effect.level is not None:
            continue
        values = _centiles(truth, effect, np.array([declared.at, declared.reference]) / 100)
        if values is None:
            continue
        at, reference = (float(value) for value in values)
        found_by = "the declared contrast of a count model with every term that acts, at these values"
        between = effect.part == "between"
        yield Answer(
            key=f"contrast:{slug(effect.term)}",
            estimand=f"{'between' if between else 'conditional'} rate ratio, all else held",
            term=effect.term,
            level=declared.wording(at, reference),
            scale="log rate ratio",
            value=(at - reference) / truth.scaling(effect)[1] * direct_log_ratio(truth, effect) + 0.0,
            found_by=f"{found_by}; the means of few nights lie further apart" if between else found_by,
        )


def _centiles(truth: Truth, effect: Effect, shares: Floats) -> Floats | None:
    """Return quantiles of the number that an effect is of, ``None`` where they have no closed form."""
    if effect.part == "between":
        return _usual(next(h for h in truth.habits if h.column == effect.column), shares)
    measure = next((m for m in truth.measures if m.column == effect.column), None)
    if effect.part != "person" or measure is None or measure.season or measure.chance_of_any < 1:
        return None
    if any(cause.column == effect.column and cause.coefficient for cause in truth.causes):
        return None
    return _measured(truth.people, measure, shares)


def _usual(habit: Habit, shares: Floats) -> Floats | None:
    """Return quantiles of the persons' usual amounts, of a habit of every day."""
    if habit.chance < 1 or habit.given or habit.kind == "chance":
        return None
    usual = at_scores(np.full(len(shares), habit.mean), habit.sd_between, habit.kind != "normal", ndtri(shares))
    return np.asarray(usual * (1 + _WEEKEND * habit.weekend))


def _measured(people: People, measure: Measure, shares: Floats) -> Floats:
    """Return quantiles of a measure over the ages, each as likely as any other of its band, and both sexes."""
    bands = list(zip(people.age_limits[:-1], people.age_limits[1:], people.age_shares, strict=True))
    age = np.concatenate([np.arange(low, high) for low, high, _ in bands])
    chance = np.concatenate([np.full(high - low, share / (high - low)) for low, high, share in bands])
    mean = measure.mean + measure.per_decade * (age - 60) / 10 + measure.female * np.array([[0.0], [1.0]])
    chance = chance * np.array([[1 - people.female_share], [people.female_share]])
    log = measure.shape == "log-normal"
    mean = np.maximum(mean, measure.mean / 20) if log else mean

    def below(value: float) -> float:
        if not log:
            return float((chance * ndtr((value - mean) / measure.sd)).sum() / chance.sum())
        spread = np.log1p((measure.sd / mean) ** 2)
        return float((chance * ndtr((np.log(value / mean) + spread / 2) / np.sqrt(spread))).sum() / chance.sum())

    low, high = (at_scores(mean, measure.sd, log, np.full_like(mean, z)) for z in (-_FURTHEST, _FURTHEST))
    return np.array([brentq(lambda x, p=p: below(x) - p, low.min(), high.max(), xtol=1e-9) for p in shares])
