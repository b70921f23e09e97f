"""Fit the preset ``community`` to the shares of the recalled classes, and print its values and what is left over.

    python tests/bench/calibrate_community.py

Conditions, habits and season spread the rates already, as they are in the preset; on top of them the fit has the
level, the direct effect of age, the latent class of persons who seldom have cramps, and the mixture of persons. Given
all these, the cramps of 30 nights are negative binomial (:mod:`crampstudy.simulate.calibration.class_mixture`). The
class's log rate ratio stays at the lowest that an effect may have.
"""

from __future__ import annotations

import math
import sys
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from crampstudy.codebook import recalled
from crampstudy.simulate.calibration import class_mixture, published_classes
from crampstudy.simulate.draw.cohort import draw_rates
from crampstudy.simulate.scenario import presets
from crampstudy.simulate.truth.truth import Truth

Floats = NDArray[np.float64]

SELDOM = "seldom_cramps"
BLOCKS, PEOPLE = 16, 1000
NODES = 12


def main() -> None:
    """Fit and print."""
    truth = presets.preset("community").truth
    seldom = next(e for e in truth.effects if e.column == SELDOM)
    age_effect = next(e for e in truth.effects if e.column == "age_years")
    mean, age = _spread(truth)
    shares = published_classes.published_shares()
    counts = np.asarray([np.multiply(s.share, s.n_effective) for s in shares])
    lows = [*(int(s.band.rstrip("+").split("-")[0]) for s in shares), 200]
    bands = [(age >= low) & (age < high) for low, high in pairwise(lows)]
    c = truth.cramps
    variance = class_mixture.window_variance(c.night_dispersion, [(c.latent_sd, c.latent_correlation)])

    def expected(theta: Floats) -> Floats:
        share, part = special.expit(theta[:2])
        mixture = class_mixture.Mixture(math.exp(theta[2]), float(share), float(part / share))
        rows = []
        for inside in bands:
            x = (age[inside] - 60) / 10
            order = np.argsort(rates := mean[inside] * np.exp(theta[3] + theta[4] * x))
            chance = special.expit(theta[5] + theta[6] * x)
            rate, seldom_share = (
                np.asarray([part.mean() for part in np.array_split(values[order], NODES)]) for values in (rates, chance)
            )
            low, high = (
                class_mixture.class_probabilities(rate * factor, mixture, variance=variance)
                for factor in (1.0, math.exp(seldom.log_rate_ratio))
            )
            rows.append((low + seldom_share[:, None] * (high - low)).mean(axis=0))
        return np.asarray(rows)

    start = [-3.8, 0.5, -0.75, math.log(c.rate_per_week), age_effect.log_rate_ratio, -2.1, -0.73]
    found = optimize.minimize(
        lambda theta: -float(special.xlogy(counts, expected(theta)).sum()), start, method="BFGS", options={"gtol": 0.05}
    )
    saturated = float(special.xlogy(counts, counts / counts.sum(axis=1, keepdims=True)).sum())
    deviance, df = 2 * (found.fun + saturated), counts.size - len(counts) - len(found.x)
    share, part, chance = (float(special.expit(found.x[i])) for i in (0, 1, 5))
    say = sys.stdout.write
    say(f"deviance {deviance:.1f} on {df} degrees of freedom, p = {stats.chi2.sf(deviance, df):.2g}\n")
    say(f"cramps.rate_per_week {math.exp(found.x[3]):.4g}\ncramps.person_shape {math.exp(found.x[2]):.3g}\n")
    say(f"cramps.near_nightly_share {share:.3g}\ncramps.near_nightly_factor {part / share:.3g}\n")
    say(f"conditions.{SELDOM}.prevalence_at_60 {chance:.3g}\n")
    say(f"conditions.{SELDOM}.log_odds_per_decade {found.x[6]:.3g}\neffects.age_decade {found.x[4]:.3g}\n")
    say("standard errors by which fitted shares miss the published ones:\n")
    for own, row in zip(shares, expected(found.x), strict=True):
        missed = (row - np.asarray(own.share)) / np.asarray(own.std_error)
        say(f"{own.band:<8}" + "".join(f"{value:7.1f}" for value in missed) + "\n")


def _spread(truth: Truth) -> tuple[Floats, Floats]:
    """Return persons' mean multiple of the reference rate over 30 nights without age's own part and the class."""
    parts = [draw_rates(truth, PEOPLE, recalled.NIGHTS, np.random.default_rng(block)) for block in range(BLOCKS)]
    age = np.concatenate([part.asked.age for part in parts]).astype(np.float64)
    mean = np.concatenate([part.by_terms.mean(axis=1) for part in parts]) * 7 / truth.cramps.rate_per_week
    for effect in truth.effects:
        if effect.column == "age_years":
            mean = mean / np.exp(effect.log_rate_ratio * (age - 60) / 10)
        if effect.column == SELDOM:
            seldom = np.concatenate([part.asked.people[SELDOM] for part in parts])
            mean = mean / np.exp(effect.log_rate_ratio * seldom)
    return mean, age


if __name__ == "__main__":
    main()
