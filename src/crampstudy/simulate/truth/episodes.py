"""What a single cramp is drawn from: the clock, length, pain, sites and remedies."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crampstudy import codebook
from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.truth.parameters import param
from crampstudy.simulate.truth.tables.rows import REMEDIES, Remedy

SITES = codebook.variable("site", "episodes").levels


@dataclass(frozen=True, slots=True)
class Episodes:
    """How single cramps go."""

    night_share: float = param(
        0.73, unit="proportion of cramps that come at night, asleep", low=0, high=1, basis="Naylor 1994"
    )
    peak_hour: float = param(
        3.5, unit="hour of the clock, mean of those", low=0, high=23.99, basis="1 to 6 a.m., Young and Connolly 1993"
    )
    spread_hours: float = param(1.7, unit="hours, SD of those", low=0, high=6)
    awake_hour: float = param(21.0, unit="hour of the clock, mean of the other cramps", low=0, high=23.99)
    awake_spread_hours: float = param(2.0, unit="hours, SD of the other cramps", low=0, high=6)
    woke_at_night: float = param(
        0.92,
        unit="chance that a cramp at night wakes; no other does",
        low=0,
        high=1,
        basis="31 of 46 % (Maisonneuve 2016) over the share at night",
    )
    at_rest_awake: float = param(0.85, unit="chance that a cramp of those awake comes at rest", low=0, high=1)
    calf_share: float = param(0.80, unit="proportion of cramps", low=0, high=1, basis="Maisonneuve 2016")
    thigh_share: float = param(
        0.05,
        unit="proportion of cramps; the rest is foot",
        low=0,
        high=1,
        basis="assumption: less than foot (Hallegraeff 2017)",
    )
    foot_log_odds_female: float = param(
        0.4, unit="log odds ratio of foot, women against men", low=-5, high=5, basis="assumption: more in women"
    )
    site_concentration: float = param(6.0, unit="Dirichlet concentration of a person's sites", low=0.5, high=1e6)
    both_share: float = param(0.06, unit="proportion of cramps in both legs", low=0, high=1)
    side_concentration: float = param(4.0, unit="beta concentration of a person's sides", low=0.1, high=1e6)
    duration_mean_s: float = param(
        611.0,
        unit="s, mean of cramps without a remedy",
        low=1,
        high=3600,
        basis="9 min over all cramps (Naylor 1994) at the default remedies",
    )
    duration_log_sd_between: float = param(
        0.7,
        unit="SD of the log between persons",
        low=0,
        high=2,
        basis="with the next one SD 640 s, from the interval 6.7 to 11.2 min of 86 people (Naylor 1994)",
    )
    duration_log_sd_within: float = param(0.6, unit="SD of the log within a person", low=0, high=2)
    delay_mean_s: float = param(
        20.0, unit="s from onset to remedy, or to when one could have been used", low=0, high=60
    )
    delay_log_sd: float = param(0.6, unit="SD of the log", low=0, high=2)
    longest_s: float = param(7200.0, unit="s, where the length is cut", low=600, high=86400)
    pain_mean: float = param(
        6.1,
        unit="points before rounding to 0 to 10",
        low=-5,
        high=15,
        basis="5.6 (Ann Fam Med 2023) to 6.6 (Blyton 2012)",
    )
    pain_sd_between: float = param(1.5, unit="points, between persons", low=0, high=10)
    pain_sd_within: float = param(1.4, unit="points, within a person", low=0, high=10)
    pain_duration_correlation: float = param(
        0.3, unit="correlation of pain and log duration, between and within persons", low=-1, high=1
    )
    remedy_concentration: float = param(4.0, unit="Dirichlet concentration of a person's remedies", low=0.5, high=1e6)
    remedy_per_pain_point: float = param(
        0.0, unit="log odds of using any remedy per point of pain; 0: as if at random", low=-3, high=3
    )
    pain_drop: float = param(2.5, unit="points by which pain falls without a remedy", low=-10, high=10)
    pain_drop_sd: float = param(1.2, unit="points", low=0, high=10)
    soreness_share: float = param(
        0.35, unit="chance of soreness after a cramp of the mean length", low=0.0001, high=0.9999
    )
    soreness_per_log_duration: float = param(0.5, unit="log odds ratio per unit of log duration", low=-5, high=5)
    distress_mean: float = param(
        5.2,
        unit="points at mean pain, not woken",
        low=-5,
        high=15,
        basis="very distressing in 21 % (Naylor 1994), read as 8 points or more",
    )
    distress_per_pain_point: float = param(0.7, unit="points", low=-5, high=5)
    distress_woken: float = param(0.8, unit="points if woken", low=-10, high=10)
    distress_sd: float = param(1.6, unit="points", low=0, high=10)


def check_episodes(parameters: Episodes, remedies: Sequence[Remedy]) -> None:
    """Hold the parameters against each other.

    Raises:
        ParameterError: the remedies are not the codebook's, shares do not add up, or cramps end before their delay.
    """
    if sorted(r.column for r in remedies) != sorted(REMEDIES):
        raise ParameterError(f"remedies has other rows than the codebook's levels: {', '.join(REMEDIES)}; one each")
    if not math.isclose(total := sum(r.share for r in remedies), 1, abs_tol=1e-6):
        raise ParameterError(f"remedies: shares sum to {total:g}; allowed: shares that sum to 1")
    if (both := parameters.calf_share + parameters.thigh_share) > 1:
        raise ParameterError(f"episodes.calf_share and thigh_share sum to {both:g}; allowed: at most 1")
    if (mean := parameters.duration_mean_s) <= (delay := parameters.delay_mean_s):
        raise ParameterError(f"episodes.duration_mean_s is {mean:g}; allowed: more than delay_mean_s, {delay:g}")


def site_shares(parameters: Episodes, female: bool) -> Floats:
    """Return the mean shares of the codebook's sites."""
    foot = max(1 - parameters.calf_share - parameters.thigh_share, 0.0)
    shift = parameters.foot_log_odds_female * (0.5 if female else -0.5)
    weights = {"calf": parameters.calf_share, "foot": foot * math.exp(shift), "thigh": parameters.thigh_share}
    shares = np.asarray([weights[site] for site in SITES])
    return np.asarray(shares / shares.sum())
