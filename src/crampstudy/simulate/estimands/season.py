"""The annual cycle: what a cosine and a sine in a log-linear model of the nights should find."""

from __future__ import annotations

import math
from collections.abc import Iterator

from scipy.optimize import brentq
from scipy.special import i0e, i1e

from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.registry import Answer, answers
from crampstudy.simulate.truth.truth import Truth

_FOUND_BY = "a Poisson model of nights spread evenly over the year, with cosine and sine and every other term that acts"


@answers
def season(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield amplitude, peak and ratio of peak to trough of the log-linear cycle that is nearest to the true one.

    The true multiplier 1 + a cos has on the log scale other waves too. Of exp(A cos) the Poisson model takes the A at
    which both have the same mean product with the cosine: I1(A) / I0(A) = a / 2, with modified Bessel functions.
    """
    size = truth.cramps.season_amplitude
    log = float(brentq(lambda x: i1e(x) / i0e(x) - size / 2, 0.0, 20.0)) if size else 0.0
    for name, estimand, scale, value in (
        ("amplitude", "amplitude of the annual cycle of the log rate", "log rate ratio", log),
        ("relative_amplitude", "(max - min) / (max + min) of the log-linear cycle", "proportion", math.tanh(log)),
        ("peak_to_trough", "ratio of peak to trough of the log-linear cycle", "rate ratio", math.exp(2 * log)),
    ):
        yield Answer(key=f"season:{name}", estimand=estimand, scale=scale, value=value, found_by=_FOUND_BY)
    if size:
        yield Answer(
            key="season:peak_day",
            estimand="day of the year of the peak",
            scale="day of the year",
            value=truth.cramps.season_peak_day,
            found_by=_FOUND_BY,
        )
