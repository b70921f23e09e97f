"""How single cramps go: length, pain, site and side, what is done against them and what that does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from crampstudy import codebook
from crampstudy.simulate.arrays import Column, Flags, Floats, Integers
from crampstudy.simulate.draw.episode_onsets import EpisodeNights
from crampstudy.simulate.draw.hazard_scaling import scale_hazard
from crampstudy.simulate.truth.episodes import Episodes, site_shares
from crampstudy.simulate.truth.tables.rows import Remedy

_SIDES = codebook.variable("side", "episodes").levels


@dataclass(frozen=True, slots=True)
class PersonTraits:
    """What is each person's own: standard normal scores of length and pain, the chance of the right leg, and the
    cumulated shares of sites and of remedies (persons x levels but the last).
    """

    length: Floats
    pain: Floats
    right: Floats
    sites: Floats
    remedies: Floats


def draw_person_traits(
    parameters: Episodes, remedies: Sequence[Remedy], female: Flags, rng: np.random.Generator
) -> PersonTraits:
    """Draw persons: scores correlated as pain and length are, a beta chance of the right leg, Dirichlet shares."""
    length_rng, pain_rng, side_rng, site_rng, remedy_rng = rng.spawn(5)
    n, same = len(female), parameters.pain_duration_correlation
    length = length_rng.standard_normal(n)
    pain = same * length + math.sqrt(1 - same**2) * pain_rng.standard_normal(n)
    half = parameters.side_concentration / 2
    sites = np.where(female[:, None], site_shares(parameters, True), site_shares(parameters, False))
    habits = np.tile([r.share for r in remedies], (n, 1))
    return PersonTraits(
        length,
        pain,
        side_rng.beta(half, half, n),
        _dirichlet_steps(sites * parameters.site_concentration, site_rng),
        _dirichlet_steps(habits * parameters.remedy_concentration, remedy_rng),
    )


def _dirichlet_steps(alpha: Floats, rng: np.random.Generator) -> Floats:
    """Return each person's own shares of all levels, added up, the last left out so that a sum below 1 has no gap."""
    weights = rng.standard_gamma(alpha)
    return np.asarray(np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)[:, :-1])


def _chosen(steps: Floats, row: Integers, u: Floats) -> NDArray[np.int8]:
    """Return the level of each cramp by its person's cumulated shares."""
    code = np.zeros(len(u), dtype=np.int8)
    for k in range(steps.shape[1]):
        code += u >= steps[row, k]
    return code


def draw_course(
    parameters: Episodes,
    remedies: Sequence[Remedy],
    persons: PersonTraits,
    nights: EpisodeNights,
    when: Mapping[str, Column],
    shifts: Sequence[Floats | float],
    streams: Mapping[str, np.random.Generator],
) -> dict[str, Column]:
    """Draw length, pain, site, side and remedy of each cramp, and what is left of it afterwards.

    Args:
        parameters: How single cramps go.
        remedies: The remedies in the order of the codebook's levels.
        persons: What is each person's own.
        nights: The night of each cramp.
        when: What was drawn of the onsets, of which ``woke`` is read.
        shifts: What treatments add to pain and to the log of the time to relief, a value per cramp or one for all.
        streams: A generator for each column.
    """
    n, row = len(nights.row), nights.row
    pain_shift, duration_shift = shifts
    length = streams["length"].standard_normal(n)
    same = parameters.pain_duration_correlation
    own = same * length + math.sqrt(1 - same**2) * streams["pain"].standard_normal(n)
    latent = parameters.pain_mean + parameters.pain_sd_between * persons.pain[row] + parameters.pain_sd_within * own
    pain = np.clip(np.rint(latent + pain_shift), 0, 10)

    u = streams["remedy"].random(n)
    if parameters.remedy_per_pain_point:
        u = _tilted(u, persons.remedies[row, 0], parameters.remedy_per_pain_point * (pain - parameters.pain_mean))
    remedy = _chosen(persons.remedies, row, u)
    hazard, eased, soreness = (
        np.asarray([getattr(r, name) for r in remedies])[remedy]
        for name in ("log_hazard_ratio", "pain_points", "soreness_log_odds")
    )

    mean, between = parameters.duration_mean_s - parameters.delay_mean_s, parameters.duration_log_sd_between
    within = parameters.duration_log_sd_within
    log_relief = math.log(mean) - (between**2 + within**2) / 2 + between * persons.length[row]
    relief = np.exp(log_relief + duration_shift + within * scale_hazard(length, hazard))
    spread = parameters.delay_log_sd
    delay = parameters.delay_mean_s * np.exp(spread * streams["delay"].standard_normal(n) - spread**2 / 2)
    delay = np.minimum(np.rint(delay), parameters.longest_s // 2)
    # Whole seconds, and never none: relief that took no time would be no episode.
    relief = np.clip(np.rint(relief), 1, parameters.longest_s // 1 - delay)
    duration = delay + relief

    drop = parameters.pain_drop + parameters.pain_drop_sd * streams["after"].standard_normal(n) - eased
    log_odds = logit(parameters.soreness_share) + soreness
    if parameters.soreness_per_log_duration:
        log_odds = log_odds + parameters.soreness_per_log_duration * np.log(duration / parameters.duration_mean_s)
    distress = (
        parameters.distress_mean
        + parameters.distress_per_pain_point * (pain - parameters.pain_mean)
        + parameters.distress_woken * when["woke"].astype(np.float64)
        + parameters.distress_sd * streams["distress"].standard_normal(n)
    )
    side = streams["side"].random(n)
    both = parameters.both_share
    left = both + (1 - both) * (1 - persons.right[row])
    sides = (_SIDES.index("both"), _SIDES.index("left"), _SIDES.index("right"))
    return {
        "duration_s": duration.astype(np.int32),
        "pain_0_10": pain.astype(np.int8),
        "pain_after_0_10": np.clip(np.rint(pain - np.maximum(drop, 0)), 0, 10).astype(np.int8),
        "site": _chosen(persons.sites, row, streams["site"].random(n)),
        "side": np.asarray(sides, dtype=np.int8)[(side >= both).astype(np.int8) + (side >= left)],
        "remedy": remedy,
        "relief_s": relief.astype(np.int32),
        "residual_soreness": streams["sore"].random(n) < expit(log_odds),
        "distress_0_10": np.clip(np.rint(distress), 0, 10).astype(np.int8),
    }


def _tilted(u: Floats, none: Floats, log_odds: Floats) -> Floats:
    """Return ``u`` moved so that ``none`` is chosen with other odds, and among the rest nothing changes."""
    odds = np.exp(-log_odds)
    to = none * odds / (none * odds + 1 - none)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(u < to, u * (none / to), none + (u - to) * ((1 - none) / (1 - to)))
