"""The classes of 30 nights: against exact counts, simulation, the published shares and the survey itself."""

from __future__ import annotations

import math
from pathlib import Path

import nhanes_classes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from crampstudy.codebook import recalled
from crampstudy.errors import ParameterError
from crampstudy.simulate.calibration import class_fit, published_classes
from crampstudy.simulate.calibration.class_fit import fit
from crampstudy.simulate.calibration.class_mixture import Mixture, class_probabilities, window_variance
from crampstudy.simulate.calibration.published_classes import published_shares

ROOT = Path(__file__).resolve().parents[1]


def exact(distribution: object) -> list[float]:
    below = [distribution.cdf(low - 1) for low in recalled.LOWS[1:]]  # type: ignore[attr-defined]
    return list(np.diff([0.0, *below, 1.0]))


@pytest.mark.parametrize("rate", [0.05, 0.5, 3.0, 12.0])
@pytest.mark.parametrize("shape", [0.1, 0.3, 1.0, 4.0, 400.0])
def test_gamma_persons_are_negative_binomial(rate: float, shape: float) -> None:
    mean = rate * 30 / 7
    expected = exact(stats.nbinom(shape, shape / (shape + mean)))
    assert class_probabilities(np.array(rate), Mixture(shape)) == pytest.approx(expected, abs=1e-8)


def test_equal_persons_with_gamma_nights_are_negative_binomial() -> None:
    variance = window_variance(0.6)
    assert variance == pytest.approx(0.6 / 30)
    mean = 2.0 * 30 / 7
    expected = exact(stats.nbinom(1 / variance, 1 / (1 + variance * mean)))
    found = class_probabilities(np.array([2.0]), Mixture(1e6), variance=variance)[0]
    assert found == pytest.approx(expected, abs=1e-5)


def test_near_nightly_persons_are_a_part_of_their_own() -> None:
    mixture = Mixture(0.4, 0.03, 15.0)
    rest = (1 - 0.03 * 15) / 0.97
    plain = class_probabilities(np.array([0.5 * rest, 0.5 * 15.0]), Mixture(0.4))
    near = np.array(exact(stats.poisson(0.5 * 15 * 30 / 7)))
    found = class_probabilities(np.array(0.5), mixture)
    assert found == pytest.approx(0.97 * plain[0] + 0.03 * near, abs=1e-8)


@given(
    shape=st.floats(0.06, 50),
    share=st.floats(0, 0.2),
    part=st.floats(0, 0.99),
    rate=st.floats(0.001, 60),
    variance=st.floats(0, 3),
)
def test_probabilities_and_mean_one(shape: float, share: float, part: float, rate: float, variance: float) -> None:
    mixture = Mixture(shape, share, part / share if share > 1e-6 else 0.0)
    multiples, weights = mixture.nodes()
    assert weights.sum() == pytest.approx(1)
    assert weights @ multiples == pytest.approx(1, rel=1e-7)
    assert weights @ multiples**2 - 1 == pytest.approx(mixture.variance(), rel=1e-6, abs=1e-6)
    found = class_probabilities(np.array(rate), mixture, variance=variance)
    assert found.sum() == pytest.approx(1)
    assert (found >= -1e-12).all()


def test_correlated_nights_against_simulation() -> None:
    """The sum of 30 nights given the person is near negative binomial, also where nights go together."""
    rng = np.random.default_rng(5)
    n, sd, correlation, dispersion = 200_000, 0.6, 0.5, 0.4
    z = np.empty((n, 30))
    z[:, 0] = rng.standard_normal(n)
    for night in range(1, 30):
        z[:, night] = correlation * z[:, night - 1] + math.sqrt(1 - correlation**2) * rng.standard_normal(n)
    mixture = Mixture(0.8, 0.02, 10.0)
    person = np.where(rng.random(n) < 0.02, 10.0, rng.gamma(0.8, 1 / 0.8, n) * (1 - 0.2) / 0.98)
    mean = 0.9 / 7 * person[:, None] * np.exp(sd * z - sd**2 / 2) * rng.gamma(1 / dispersion, dispersion, z.shape)
    count = rng.poisson(mean).sum(axis=1)
    variance = window_variance(dispersion, [(sd, correlation)])
    between = (mean.sum(axis=1) / (person * 30 * 0.9 / 7)).var()
    assert between == pytest.approx(variance, rel=0.02)
    found = class_probabilities(np.array(0.9), mixture, variance=variance)
    seen = np.bincount(np.searchsorted(recalled.LOWS, count, side="right") - 1, minlength=5) / n
    error = np.sqrt(found * (1 - found) / n)
    # Three Monte-Carlo errors, and a tenth of a percentage point for the approximation itself.
    assert (np.abs(seen - found) < 3 * error + 0.001).all(), (seen, found)
    # Without the nights' own variance the answer is another one, so the agreement is no accident.
    alone = class_probabilities(np.array(0.9), mixture)
    assert np.abs(seen - alone).max() > 3 * error.max() + 0.001


def test_fit_recovers_its_own_shares() -> None:
    mixture = Mixture(0.35, 0.02, 18.0)
    rates = np.array([0.2, 0.4, 0.6])
    made = [
        published_classes.Shares(str(i), tuple(map(float, row)), (0.0,) * 5, 1000, 1000.0)
        for i, row in enumerate(class_probabilities(rates, mixture, variance=0.1))
    ]
    found = fit(made, variance=0.1)
    assert found.deviance < 0.01
    assert found.df == 12 - 6
    assert found.rates_per_week == pytest.approx(tuple(rates), rel=0.02)
    assert found.mixtures[0].person_shape == pytest.approx(0.35, rel=0.03)
    assert found.mixtures[0].near_nightly_share == pytest.approx(0.02, rel=0.05)
    assert found.mixtures[0].near_nightly_factor == pytest.approx(18.0, rel=0.05)


def test_spread_of_other_causes_leaves_less_to_the_mixture() -> None:
    shares = published_shares()
    wide = np.exp(0.6 * stats.norm.ppf((np.arange(16) + 0.5) / 16))
    spread = [wide / wide.mean()] * len(shares)
    alone, beside = fit(shares), fit(shares, spread=spread)
    assert beside.mixtures[0].person_shape > alone.mixtures[0].person_shape * 1.1
    assert beside.deviance == pytest.approx(alone.deviance, abs=10)


def test_published_shares_reject_a_plain_negative_binomial() -> None:
    shares = published_shares()
    assert [s.band for s in shares] == ["20-39", "40-49", "50-59", "60-69", "70-79", "80+"]
    plain, mixed, by_age = (
        fit(shares, near_nightly=False),
        fit(shares),
        fit(shares, shape_by_band=True),
    )
    assert (plain.df, mixed.df, by_age.df) == (17, 15, 10)
    # Two parameters take away more than four fifths of the misfit; a shape by age the rest.
    assert plain.p_value < 1e-40
    assert stats.chi2.sf(plain.deviance - mixed.deviance, 2) < 1e-40
    assert mixed.p_value < 0.01
    assert by_age.p_value > 0.05
    for found, own in zip(by_age.shares, shares, strict=True):
        assert (np.abs(np.subtract(found, own.share)) < 2.5 * np.asarray(own.std_error)).all(), own.band
    # All adults together are fitted by one mixture.
    assert fit(published_shares("20+"), variance=0.02).deviance < 4
    assert fit(published_shares("20+"), near_nightly=False).deviance > 40


def test_adults_have_the_shares_that_are_quoted() -> None:
    (adults,) = published_shares("20+")
    assert [round(100 * share, 1) for share in adults.share] == [69.1, 12.4, 12.5, 4.0, 1.9]
    assert adults.n == 10902


def test_text_shows_published_and_fitted_shares() -> None:
    text = class_fit.as_text()
    assert published_classes.SOURCE in text
    assert text.count("degrees of freedom") == 3
    assert "   78.0   10.2    8.0    2.7    1.1" in text


@pytest.mark.parametrize(
    "arguments",
    [(0.0,), (math.nan,), (1.0, 0.5, 2.0), (1.0, -0.1, 1.0), (1.0, 1.0, 0.5), (1.0, 0.1, -1.0)],
)
def test_impossible_mixtures_are_refused(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ParameterError, match="allowed"):
        Mixture(*arguments)


def test_other_errors_name_what_is_allowed() -> None:
    with pytest.raises(ParameterError, match=r"20-39, .*20\+"):
        published_shares("adults")
    with pytest.raises(ParameterError, match="at least 0"):
        class_probabilities(np.array(1.0), Mixture(1.0), variance=-1.0)


def test_shipped_shares_are_what_the_public_files_give(shared: Path) -> None:
    made = nhanes_classes.table(f"nhanes:{shared / 'data/nhanes'}")
    assert made == (ROOT / "src/crampstudy/simulate/calibration/nhanes_classes.csv").read_text(encoding="utf-8")
