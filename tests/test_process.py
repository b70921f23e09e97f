"""The counting process: multipliers of mean one, what lasts, season, natural history, feedback, and who gets in."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from numpy.typing import NDArray

from crampstudy.errors import ParameterError
from crampstudy.simulate import Truth
from crampstudy.simulate.draw import cramp_counts as p
from crampstudy.simulate.draw import recruitment
from crampstudy.simulate.draw.cohort import draw_cramps, draw_rates
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.truth.scalar_parameters import Cramps, Recruitment

EPOCH = date(1970, 1, 1)
NULL = Truth().without_effects()
DAYS = (date(2023, 1, 1) - EPOCH).days + np.arange(365)[None, :]


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def counted(truth: Truth, n: int, nights: int, seed: int) -> NDArray[np.float64]:
    rates, cramps = rng(seed).spawn(2)
    return draw_cramps(truth, draw_rates(truth, n, nights, rates, []), cramps).astype(float)


@pytest.mark.parametrize(
    "cramps",
    [
        Cramps(person_shape=2.0, near_nightly_share=0.0),
        Cramps(person_shape=0.5, near_nightly_share=0.05, near_nightly_factor=8.0),
        Cramps(),
    ],
)
def test_persons_have_mean_one_and_the_variance_stated(cramps: Cramps) -> None:
    drawn = p.person_multiplier(cramps, 400_000, rng())
    stated = Population(replace(Truth(), cramps=cramps), seed=1).variance_of_persons()
    assert abs(drawn.mean() - 1) < 4 * drawn.std() / math.sqrt(len(drawn))
    squares = (drawn - 1) ** 2
    assert abs(squares.mean() - stated) < 4 * squares.std() / math.sqrt(len(drawn))
    often = drawn == cramps.near_nightly_factor
    share = cramps.near_nightly_share
    assert abs(often.mean() - share) <= 4 * math.sqrt(share * (1 - share) / len(drawn))


def test_the_variance_of_persons_in_closed_form() -> None:
    plain = replace(Truth(), cramps=Cramps(person_shape=4.0, near_nightly_share=0.0))
    assert Population(plain, seed=1).variance_of_persons() == pytest.approx(0.25)
    # One in ten at 5, the others at 5/9 each: E = 0.5 + 0.5, E of squares = 2.5 + 0.9 * (5/9)^2.
    two = replace(Truth(), cramps=Cramps(person_shape=1e6, near_nightly_share=0.1, near_nightly_factor=5.0))
    assert Population(two, seed=1).variance_of_persons() == pytest.approx(2.5 + 0.9 * (5 / 9) ** 2 - 1, rel=1e-5)


@pytest.mark.parametrize(("sd", "correlation"), [(0.4, 0.35), (0.8, 0.97), (0.5, 0.0)])
def test_what_lasts_is_autoregressive_of_order_one_with_mean_one(sd: float, correlation: float) -> None:
    n = 40_000
    log = p.latent_log(sd, correlation, (n, 12), rng())
    for night in (0, 11):
        multiplier = np.exp(log[:, night])
        assert abs(multiplier.mean() - 1) < 4 * multiplier.std() / math.sqrt(n)
        assert log[:, night].std() == pytest.approx(sd, rel=4 / math.sqrt(2 * n))
    for lag in (1, 2, 5, 10):
        found = np.corrcoef(log[:, 1], log[:, 1 + lag])[0, 1]
        assert abs(found - correlation**lag) < 4 / math.sqrt(n)
    assert not p.latent_log(0.0, 0.5, (3, 4), rng()).any()


def test_both_lasting_multipliers_add_up_in_the_log() -> None:
    cramps = Cramps(latent_sd=0.3, latent_correlation=0.0, slow_sd=0.6, slow_correlation=0.9)
    log = p.lasting_log(cramps, (50_000, 3), rng())
    assert log.var() == pytest.approx(0.09 + 0.36, rel=0.03)
    assert np.corrcoef(log[:, 0], log[:, 1])[0, 1] == pytest.approx(0.36 * 0.9 / 0.45, abs=0.02)


def test_the_annual_cycle_has_its_amplitude_and_its_peak_in_july() -> None:
    multiplier = np.exp(p.annual_log_ratio(Cramps(), DAYS))[0]
    assert multiplier.mean() == pytest.approx(1, abs=1e-3)
    assert (multiplier.max(), multiplier.min()) == (pytest.approx(4 / 3, abs=1e-4), pytest.approx(2 / 3, abs=1e-4))
    assert date.fromordinal(EPOCH.toordinal() + int(DAYS[0, multiplier.argmax()])) == date(2023, 7, 24)
    assert not p.annual_log_ratio(Cramps(season_amplitude=0.0), DAYS).any()


def test_the_annual_cycle_is_recovered_from_counts() -> None:
    cramps = replace(NULL.cramps, season_amplitude=1 / 3, rate_per_week=7.0, person_shape=1e6, near_nightly_share=0.0)
    truth = replace(NULL, cramps=cramps)
    one, two = rng(2).spawn(2)
    drawn = draw_rates(truth, 6_000, 30, one, [])
    counts = draw_cramps(truth, drawn, two).astype(float)
    angle = 2 * np.pi * (drawn.asked.date % 365.25) / 365.25
    # Counts weighted by a cosine: with starts spread over two years its mean square is a half, and the mean count 1.
    parts = [(counts * wave(angle)).mean(axis=1) * 2 for wave in (np.cos, np.sin)]
    a, b = (part.mean() for part in parts)
    error = max(part.std() for part in parts) / math.sqrt(len(counts))
    assert abs(math.hypot(a, b) - 1 / 3) < 4 * error
    peak = math.atan2(b, a) / (2 * np.pi) * 365.25 % 365.25
    # Days of 1970 on count from 1 January; 4 errors of the angle in days.
    assert abs(peak + 1 - 205) < 4 * error / (1 / 3) / (2 * np.pi) * 365.25


def test_natural_history_is_a_line_after_the_run_in() -> None:
    cramps = Cramps(natural_history_log=-0.8, natural_history_nights=4)
    assert p.history_log_ratio(cramps, 8, 2).tolist() == pytest.approx([0, 0, -0.2, -0.4, -0.6, -0.8, -0.8, -0.8])
    assert not p.history_log_ratio(Cramps(), 8, 2).any()


def test_feedback_of_sleep_by_hand() -> None:
    """With means so high that every night has cramps, the expected count follows from the night before alone."""
    cramps = Cramps(sleep_feedback=-0.5, night_dispersion=0.0)
    n, nights, mean = 4_000, 3, 50.0
    sleep = np.tile([2.0, 0.0, -1.0], (n, 1))
    drawn, last = p.draw_counts(cramps, np.full((n, nights), mean), sleep, np.full(n, 1.0), -1.0, rng())
    # Sleep of the night before: 1; then 2 - 1; then 0 - 1; what the last night leaves is -1 - 1.
    for night, before in enumerate((1.0, 1.0, -1.0)):
        expected = mean * math.exp(-0.5 * before)
        assert abs(drawn[:, night].mean() - expected) < 4 * math.sqrt(expected / n)
    assert (last == -2.0).all()
    # A night without a cramp costs no sleep.
    none, last = p.draw_counts(cramps, np.zeros((5, 2)), np.tile([1.0, 3.0], (5, 1)), np.zeros(5), -1.0, rng())
    assert not none.any()
    assert (last == 3.0).all()


def test_without_feedback_nights_are_as_with_one_of_next_to_nothing() -> None:
    expected, sleep = np.full((20_000, 4), 0.6), rng(3).standard_normal((20_000, 4))
    mean = {}
    for feedback in (0.0, 1e-9):
        cramps = Cramps(sleep_feedback=feedback, night_dispersion=0.5)
        counts, last = p.draw_counts(cramps, expected, sleep, np.zeros(20_000), -1.0, rng(int(feedback > 0)))
        assert np.array_equal(last, sleep[:, -1] - (counts[:, -1] > 0))
        mean[feedback] = counts
    for k in range(4):
        a, b = ((counts == k).mean() for counts in mean.values())
        assert abs(a - b) < 4 * math.sqrt(2 * a * (1 - a) / 80_000)
    variance = mean[0.0].var()
    assert variance == pytest.approx(0.6 + 0.5 * 0.36, rel=0.03)


def test_feedback_makes_cramps_follow_cramps() -> None:
    flat = replace(NULL.cramps, latent_sd=0.0, person_shape=1e6, near_nightly_share=0.0, rate_per_week=3.5)
    ratio = {}
    for feedback in (0.0, -0.4):
        truth = replace(NULL, cramps=replace(flat, sleep_feedback=feedback))
        one, two = rng(5).spawn(2)
        # Only the feedback needs sleep, which is drawn as a habit.
        any_cramp = draw_cramps(truth, draw_rates(truth, 6_000, 12, one, ["sleep_quality_0_10"]), two) > 0
        before, after = any_cramp[:, :-1], any_cramp[:, 1:]
        ratio[feedback] = after[before].mean() / after[~before].mean()
    assert ratio[0.0] == pytest.approx(1, abs=0.04)
    assert ratio[-0.4] > 1.2


@pytest.mark.parametrize(("minimum", "nights"), [(0, 0), (4, 14), (1, 7)])
def test_everybody_who_gets_in_has_the_cramps_that_it_takes(minimum: int, nights: int) -> None:
    truth = replace(Truth(), recruitment=Recruitment(run_in_nights=nights, minimum_cramps=minimum))
    counts = counted(truth, 300, 30, 1)
    assert counts.shape == (300, 30)
    assert counts[:, :nights].sum(axis=1).min(initial=minimum) >= minimum


@pytest.mark.parametrize(("n", "asked"), [(2, 40), (500, 1_000)])
def test_impossible_recruitment_is_refused(monkeypatch: pytest.MonkeyPatch, n: int, asked: int) -> None:
    monkeypatch.setattr(recruitment, "_ROUNDS", 20)
    monkeypatch.setattr(recruitment, "_HOPELESS", 1_000)
    cramps, entry = replace(Truth().cramps, rate_per_week=0.0), Recruitment(run_in_nights=2, minimum_cramps=1)
    nobody = replace(Truth(), cramps=cramps, recruitment=entry)
    with pytest.raises(ParameterError, match=rf"of {asked} people asked, 0 had 1 cramp in 2 nights and {n} are"):
        draw_rates(nobody, n, 3, rng(), [])


def test_regression_to_the_mean_comes_with_selection_alone() -> None:
    cramps = replace(NULL.cramps, rate_per_week=2.0, slow_sd=0.8, slow_correlation=0.95, near_nightly_share=0.0)
    falls = {}
    for minimum in (0, 4):
        truth = replace(NULL, cramps=cramps, recruitment=Recruitment(run_in_nights=14, minimum_cramps=minimum))
        counts = counted(truth, 5_000, 42, 8)
        before, after = counts[:, :14].mean(axis=1), counts[:, 28:].mean(axis=1)
        fall = (before - after).mean()
        falls[minimum] = fall / before.mean(), (before - after).std() / math.sqrt(5_000) / before.mean()
    fall, error = falls[0]
    assert abs(fall) < 4 * error
    fall, error = falls[4]
    assert fall > 8 * error


def test_the_moments_of_counts_are_those_of_the_multipliers() -> None:
    cramps = Cramps(
        rate_per_week=7.0,
        person_shape=4.0,
        near_nightly_share=0.0,
        night_dispersion=0.5,
        latent_sd=0.3,
        latent_correlation=0.6,
        season_amplitude=0.0,
    )
    counts = counted(replace(NULL, cramps=cramps), 12_000, 20, 4)
    persons, nights = counts.shape
    assert abs(counts.mean() - 1) < 4 * counts.mean(axis=1).std() / math.sqrt(persons)
    lasting = math.exp(0.3**2) - 1
    # Different nights share the person and, by their distance, what lasts; one night its own part and Poisson chance.
    for lag in (1, 3, 19):
        products = (counts[:, : nights - lag] * counts[:, lag:]).mean(axis=1)
        stated = 1.25 * math.exp(0.3**2 * 0.6**lag)
        assert abs(products.mean() - stated) < 4 * products.std() / math.sqrt(persons), lag
    squares = (counts**2).mean(axis=1)
    assert abs(squares.mean() - (1 + 1.25 * (1 + lasting) * 1.5)) < 4 * squares.std() / math.sqrt(persons)


def test_without_dispersion_counts_are_poisson() -> None:
    flat = Cramps(
        rate_per_week=7.0,
        person_shape=1e6,
        near_nightly_share=0.0,
        night_dispersion=0.0,
        latent_sd=0.0,
        season_amplitude=0.0,
    )
    counts = counted(replace(NULL, cramps=flat), 3_000, 20, 5).ravel()
    # Variance over mean of n Poisson counts has a standard error of sqrt(2 / n).
    assert abs(counts.var() / counts.mean() - 1) < 4 * math.sqrt(2 / len(counts))
