"""The counting process: what every factor, the calendar and chance do to the cramps of a night."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.signal import lfilter

from crampstudy.simulate.arrays import Column, Floats, Integers
from crampstudy.simulate.calendar import annual_cosine
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio
from crampstudy.simulate.draw.habits import acting_effects, night_x
from crampstudy.simulate.draw.people import person_x
from crampstudy.simulate.truth.scalar_parameters import Cramps
from crampstudy.simulate.truth.truth import Truth

FLUID = "fluid_ml"
"""The habit whose effect may depend on the temperature."""

# The codebook caps a night's count far below this; it only keeps the Poisson generator in its range.
_HIGHEST_MEAN = 1e6


def person_log_ratio(truth: Truth, people: Mapping[str, Column]) -> Floats:
    """Return the sum of all person-level effects, direct ones, one log rate ratio per participant."""
    total = np.zeros(len(people["age_years"]))
    for effect in truth.effects:
        if effect.part == "person" and (size := direct_log_ratio(truth, effect)):
            total += size * person_x(truth, effect, people[effect.column])
    return total


def night_log_ratio(truth: Truth, habits: Mapping[str, Floats], date: Integers) -> Floats:
    """Return the sum of the effects of habits and the annual cycle (participants x nights)."""
    total = annual_log_ratio(truth.cramps, date)
    for effect in acting_effects(truth):
        total = total + effect.log_rate_ratio * night_x(truth, effect, habits[effect.column], date.shape[1])
    return np.broadcast_to(total, date.shape)


def heat_log_ratio(truth: Truth, habits: Mapping[str, Column], warmth: Floats) -> Floats:
    """Return what fluid does at the temperature ``warmth`` of a night beyond its own effect (participants x nights)."""
    drunk = habits[FLUID].astype(np.float64)
    spread = next(habit.sd_within for habit in truth.habits if habit.column == FLUID)
    above = (drunk - drunk.mean(axis=1, keepdims=True)) / spread
    return np.asarray(truth.cramps.fluid_by_temperature * above * (warmth - truth.weather.mean_c) / 10)


def annual_log_ratio(cramps: Cramps, date: Integers) -> Floats:
    """Return the log of the annual cycle's multiplier: ``1 + amplitude * cos(2 pi (day - peak) / 365.25)``."""
    if not cramps.season_amplitude:
        return np.zeros(date.shape)
    first, last = int(date.min()), int(date.max())
    cosine = annual_cosine(np.arange(first, last + 1), cramps.season_peak_day)
    return np.asarray(np.log1p(cramps.season_amplitude * cosine)[date - first], dtype=np.float64)


def history_log_ratio(cramps: Cramps, nights: int, run_in: int) -> Floats:
    """Return the natural history's log rate ratio of each night: 0 in the run-in, then a straight line to its end."""
    since = np.clip((np.arange(nights) - run_in + 1) / cramps.natural_history_nights, 0, 1)
    return np.asarray(cramps.natural_history_log * since, dtype=np.float64)


def usual_multiplier(cramps: Cramps) -> float:
    """Return the mean multiplier of those who are not in the near-nightly class, so that all have mean one."""
    share = cramps.near_nightly_share
    return (1 - share * cramps.near_nightly_factor) / (1 - share)


def person_multiplier(cramps: Cramps, n: int, rng: np.random.Generator) -> Floats:
    """Draw the persons' mean-one multipliers: gamma, and a class of near-nightly ones, independent of all else."""
    levels, classes = rng.spawn(2)
    usual = usual_multiplier(cramps) * levels.gamma(cramps.person_shape, 1 / cramps.person_shape, n)
    return np.where(classes.random(n) < cramps.near_nightly_share, cramps.near_nightly_factor, usual)


def latent_log(
    sd: float, correlation: float, shape: tuple[int, int], rng: np.random.Generator, start: float = 0.0
) -> Floats:
    """Draw the log of a mean-one multiplier that lasts: a stationary normal AR(1) process (participants x nights).

    ``z[t] = correlation z[t-1] + sqrt(1 - correlation^2) e[t]``; the log is ``sd z - sd^2 / 2``, so that the
    mean is one.

    Args:
        sd: SD of the log.
        correlation: The correlation from one night to the next.
        shape: Participants and nights.
        rng: The generator.
        start: Mean of the first night's score, in SDs; it returns to 0 as the correlation fades.
    """
    if not sd:
        return np.zeros(shape)
    shocks = rng.standard_normal(shape)
    shocks[:, 1:] *= np.sqrt(1 - correlation**2)
    lasting = lfilter([1.0], [1.0, -correlation], shocks, axis=1) + start * correlation ** np.arange(shape[1])
    return np.asarray(sd * lasting - sd**2 / 2, dtype=np.float64)


def lasting_log(cramps: Cramps, shape: tuple[int, int], rng: np.random.Generator, flare: float = 0.0) -> Floats:
    """Draw the log of both lasting multipliers, night to night and slow (participants x nights).

    ``flare`` is the mean of the slow one's score on the first night: those asked come when it is bad.
    """
    quick, slow = rng.spawn(2)
    return latent_log(cramps.latent_sd, cramps.latent_correlation, shape, quick) + latent_log(
        cramps.slow_sd, cramps.slow_correlation, shape, slow, flare
    )


def draw_counts(
    cramps: Cramps, expected: Floats, sleep: Floats, before: Floats, shift: float, rng: np.random.Generator
) -> tuple[Integers, Floats]:
    """Draw the cramps of nights whose expected counts are given (participants x nights).

    Args:
        cramps: The process.
        expected: Mean count of each night given everything but the night's own heterogeneity and the feedback.
        sleep: Each night's sleep quality without cramps, in points above the person's own mean.
        before: The same of the night before the first one, with what its cramps did (one value per participant).
        shift: What cramps do to sleep quality, in points.
        rng: The generator.

    Returns:
        The counts, and the last night's sleep in the sense of ``before``.
    """
    spread, counts = rng.spawn(2)
    mean = np.minimum(expected, _HIGHEST_MEAN)
    if cramps.night_dispersion > 0:
        mean = mean * spread.gamma(1 / cramps.night_dispersion, cramps.night_dispersion, expected.shape)
    if not cramps.sleep_feedback:
        drawn = counts.poisson(np.minimum(mean, _HIGHEST_MEAN))
        return drawn, sleep[:, -1] + shift * (drawn[:, -1] > 0)
    drawn = np.empty(mean.shape, dtype=np.int64)
    for night in range(mean.shape[1]):
        feedback = np.exp(cramps.sleep_feedback * before)
        drawn[:, night] = counts.poisson(np.minimum(mean[:, night] * feedback, _HIGHEST_MEAN))
        before = sleep[:, night] + shift * (drawn[:, night] > 0)
    return drawn, before
