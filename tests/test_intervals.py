from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats

from crampstudy.errors import AnalysisError
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.nights import count
from crampstudy.models.surveys import interval_counts
from crampstudy.models.surveys.interval_counts import IntervalAnswers
from crampstudy.models.surveys.interval_distributions import CrampNights, NegativeBinomial
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.models.terms import design_matrix
from crampstudy.nights import people
from crampstudy.simulate.calibration.class_mixture import Mixture
from crampstudy.simulate.calibration.class_mixture import class_probabilities as simulated
from crampstudy.sources import open_cohort

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "intervals.json").read_text(encoding="utf-8"))
CASES = {f"{f['law']}-{'near-nightly' if f['mixed'] else 'plain'}-{f['weighted']}-{f['domain']}": f for f in R["fits"]}
LIMITS = np.array([[0, 0], [1, 1], [2, 4], [5, 15], [16, np.inf]])
ETA = np.array([-6.0, -1.0, 0.5, 2.0, 3.5])

Array = NDArray[np.float64]


def answers(counts: NDArray[np.int64]) -> tuple[Array, Array]:
    place = np.searchsorted(LIMITS[:, 0], counts, side="right") - 1
    return LIMITS[place, 0], LIMITS[place, 1]


def alone(low: Array, high: Array, x: Array, **options: Any) -> interval_counts.IntervalFit:
    names = [f"x{i}" for i in range(x.shape[1])]
    own = {name: options.pop(name) for name in ("exposure", "at_most") if name in options}
    every, design = np.ones(len(x), dtype=bool), interval_counts.independent(len(x))
    return interval_counts.fit(IntervalAnswers(low, high, **own), x, names, every, design, **options)


@pytest.mark.parametrize("case", CASES)
def test_agrees_with_r(case: str) -> None:
    found = CASES[case]
    data = pl.read_csv(PARITY / "intervals-data.csv")
    members = ((data["domain"] == 1) & (data["weight"] > 0)).to_numpy()
    if found["domain"] == "scattered":
        members &= ~(data["stratum"].is_in([1, 4, 6, 7]) & (data["psu"] == 2)).to_numpy()
    design = SamplingDesign.of(data["stratum"], data["psu"], data["weight"])
    if not found["weighted"]:
        data, members, design = (
            data.filter(members),
            np.ones(members.sum(), bool),
            interval_counts.independent(members.sum()),
        )
    ours = interval_counts.fit(
        IntervalAnswers(
            data["low"].to_numpy(),
            data["high"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
            data["nights"].to_numpy(),
            30 if found["law"] == "nights" else None,
        ),
        np.column_stack([np.ones(data.height), (data["age"] - 60) / 10, data["female"]]),
        ["intercept", "age", "female"],
        members,
        design,
        near_nightly=found["mixed"],
    )
    assert ours.status == "converged"
    assert ours.parameters == pytest.approx(found["at"], rel=1e-6)
    assert np.sqrt(np.diag(ours.joint)) == pytest.approx(found["se"], rel=1e-4)
    assert ours.log_likelihood == pytest.approx(found["value"], rel=1e-9)
    assert found["gradient"] < 1e-6


@pytest.mark.parametrize(("low", "high"), [(0, 0), (2, 4), (5, 15), (16, np.inf), (0, np.inf), (40, 300)])
@pytest.mark.parametrize("dispersion", [0.0, 0.01, 0.6, 5.0])
def test_chances_are_those_of_the_negative_binomial(low: float, high: float, dispersion: float) -> None:
    law = stats.poisson(np.exp(ETA))
    if dispersion:
        law = stats.nbinom(1 / dispersion, 1 / (1 + dispersion * np.exp(ETA)))
    with np.errstate(divide="ignore"):
        expected = law.logsf(low - 1) if np.isinf(high) else np.log(law.pmf(np.arange(low, high + 1)[:, None]).sum(0))
    found = NegativeBinomial().interval(ETA, dispersion, low, high)[0]
    seen = expected > -600  # below, the chances themselves are no longer numbers
    assert found[seen] == pytest.approx(expected[seen], rel=1e-8, abs=1e-12)


@pytest.mark.parametrize(("low", "high"), [(0, 0), (1, 4), (5, 15), (16, np.inf)])
@pytest.mark.parametrize("dispersion", [0.05, 0.8, 4.0])
def test_chances_of_cramp_nights_are_the_integral_over_persons(low: int, high: float, dispersion: float) -> None:
    shape = 1 / dispersion

    def within(rate: float, eta: float) -> float:
        p = -np.expm1(-np.exp(eta) * rate / 30)
        return float(stats.binom.cdf(min(high, 30), 30, p) - stats.binom.cdf(low - 1, 30, p))

    for eta in ETA[1:4]:
        # On the scale of the gamma's chance the density is 1 and its spike at 0 is gone.
        chance, _ = integrate.quad(
            lambda u, eta=eta: within(stats.gamma.ppf(u, shape, scale=1 / shape), eta), 0, 1, limit=400, epsabs=1e-10
        )
        found = CrampNights(30).interval(np.array([eta]), dispersion, low, high)[0]
        assert np.exp(found) == pytest.approx(chance, abs=1e-7)


@pytest.mark.parametrize("law", [NegativeBinomial(), CrampNights(30)])
@pytest.mark.parametrize("dispersion", [1e-7, 3e-4, 0.3, 0.99, 1.01, 8.0])
def test_derivatives_are_those_of_the_chances(law: NegativeBinomial | CrampNights, dispersion: float) -> None:
    for low, high in LIMITS:
        _, in_eta, in_dispersion = law.interval(ETA, dispersion, low, high)
        up, down = (law.interval(ETA + h, dispersion, low, high)[0] for h in (1e-5, -1e-5))
        assert in_eta == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)
        h = 1e-4 * max(dispersion, 1e-3) if dispersion > 1e-6 else 0.5 * dispersion
        up, down = (law.interval(ETA, dispersion + d, low, high)[0] for d in (h, -h))
        if dispersion > 1e-6:
            assert in_dispersion == pytest.approx((up - down) / (2 * h), rel=1e-4, abs=1e-5)
        else:
            assert in_dispersion == pytest.approx((up - down) / (2 * h), rel=0.05, abs=1e-5)


@given(st.floats(-8, 4), st.floats(0, 20))
def test_chances_of_classes_sum_to_one(eta: float, dispersion: float) -> None:
    for law in (NegativeBinomial(), CrampNights(30)):
        chances = [np.exp(law.interval(np.array([eta]), dispersion, low, high)[0][0]) for low, high in LIMITS]
        assert sum(chances) == pytest.approx(1, abs=1e-9)


def test_far_tails_keep_their_digits() -> None:
    value = NegativeBinomial().interval(np.array([-10.0]), 0.0, 16, np.inf)[0]
    assert value == pytest.approx(stats.poisson(np.exp(-10)).logpmf(16), abs=1e-5)
    assert np.isfinite(NegativeBinomial().interval(np.array([6.5]), 0.0, 0, 0)[0]).all()


def test_two_classes_by_hand() -> None:
    # With alpha held at 1, P(0) = 1 / (1 + mu): 40 of 100 at 0 is mu = 1.5, and the SE that of a logit.
    low = np.repeat([0.0, 1.0], [40, 60])
    high = np.repeat([0.0, np.nan], [40, 60])
    found = alone(low, high, np.ones((100, 1)), dispersion=1.0, exposure=1.0)
    assert found.coefficients == pytest.approx([np.log(1.5)])
    assert found.std_error**2 == pytest.approx([1 / (100 * 0.4 * 0.6) * 100 / 99])
    assert found.df == 99
    assert np.isnan(found.dispersion_error)


def test_exact_counts_are_the_negative_binomial_regression() -> None:
    rng = np.random.default_rng(5)
    x = np.column_stack([np.ones(400), rng.normal(size=400)])
    y = rng.poisson(np.exp(x @ [0.5, 0.4]) * rng.gamma(1.5, 1 / 1.5, 400)).astype(np.float64)
    plain = count.negative_binomial(x, y, np.zeros(400))
    found = alone(y, y, x, exposure=1.0)
    assert found.coefficients == pytest.approx(plain.coefficients, rel=1e-6)
    assert found.dispersion == pytest.approx(plain.dispersion, rel=1e-6)
    assert found.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-9)


@pytest.mark.parametrize("near", [0.0, 0.04])
def test_recovers_the_truth(near: float) -> None:
    rng = np.random.default_rng(20)
    truth = np.array([np.log(1.4 / 30), 0.25, 0.4])
    z = []
    for _ in range(12):
        x = np.column_stack([np.ones(1500), rng.integers(-3, 3, 1500), rng.integers(0, 2, 1500)]).astype(float)
        y = rng.poisson(30 * np.exp(x @ truth) * rng.gamma(0.5, 2, 1500))
        y = np.where(rng.random(1500) < near, 30, y)
        found = alone(*answers(y), x, near_nightly=near > 0)
        assert found.status == "converged"
        ends = np.append(truth, np.log(2)) if near == 0 else np.append(truth, [np.log(2), np.log(near / (1 - near))])
        z.append((found.parameters - ends) / np.sqrt(np.diag(found.joint)))
    errors = np.array(z)
    # Mean and spread of the standardised errors of 12 cohorts, within 3.5 Monte-Carlo standard errors.
    assert np.abs(errors.mean(axis=0)).max() < 3.5 / np.sqrt(12)
    assert np.abs(errors.std(axis=0, ddof=1) - 1).max() < 3.5 / np.sqrt(2 * 11)


def test_counting_nights_recovers_the_ratio_of_rates() -> None:
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(6000), rng.integers(0, 2, 6000)]).astype(float)
    own = 30 * np.exp(x @ [np.log(4 / 30), 0.7]) * rng.gamma(0.7, 1 / 0.7, 6000)
    nights = rng.binomial(30, 1 - np.exp(-own / 30))
    right = alone(*answers(nights), x, at_most=30)
    wrong = alone(*answers(nights), x)
    assert right.coefficients[1] == pytest.approx(0.7, abs=3.5 * right.std_error[1])
    assert right.dispersion == pytest.approx(1 / 0.7, rel=3.5 * right.dispersion_error)
    assert right.log_likelihood > wrong.log_likelihood


def test_near_nightly_persons_are_those_of_the_simulator() -> None:
    # Ordinary persons of mean 1.2 in 30 nights, 2 % at 31: the community preset, about.
    mixture = Mixture(0.465, 0.0226, 25.2)
    mean = 0.2866 / 7 * 30
    rest = mean * (1 - 0.0226 * 25.2) / (1 - 0.0226)
    usual = np.array([np.exp(NegativeBinomial().interval(np.log([rest]), 1 / 0.465, *ends)[0][0]) for ends in LIMITS])
    ours = (1 - 0.0226) * usual + 0.0226 * np.array([0, 0, 0, 0, 1])
    # All of them in the open class, but for the two in a thousand whom chance leaves below it.
    assert ours == pytest.approx(simulated(np.array(0.2866), mixture), abs=1e-4)


def test_no_dispersion_and_no_near_nightly_are_boundaries() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.ones(800), rng.normal(size=800)])
    y = rng.binomial(4, 1 / (1 + np.exp(-(x @ [0.2, 0.3]))))  # less dispersed than Poisson
    found = alone(*answers(y), x, near_nightly=True, exposure=30.0)
    assert found.status == "converged"
    assert found.dispersion_at_boundary
    assert found.near_nightly_at_boundary
    assert (found.dispersion, found.near_nightly) == (0, 0)
    assert [extra.status for extra in interval_counts.extras(found)] == ["boundary", "boundary"]
    poisson = alone(*answers(y), x, dispersion=0.0)
    assert found.coefficients == pytest.approx(poisson.coefficients, rel=1e-6)


def test_weights_are_repetition() -> None:
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(300), rng.normal(size=300)])
    low, high = answers(rng.poisson(np.exp(x @ [0.6, 0.5]) * rng.gamma(1, 1, 300)))
    times = rng.integers(0, 4, 300)
    units = np.arange(300)
    weighted = interval_counts.fit(
        IntervalAnswers(low, high),
        x,
        ["a", "b"],
        np.ones(300, bool),
        SamplingDesign.of(units % 10, units, times.astype(float)),
    )
    again = np.repeat(units, times)
    repeated = interval_counts.fit(
        IntervalAnswers(low[again], high[again]),
        x[again],
        ["a", "b"],
        np.ones(len(again), bool),
        SamplingDesign.of(again % 10, again, np.ones(len(again))),
    )
    assert weighted.coefficients == pytest.approx(repeated.coefficients, rel=1e-8)
    assert weighted.n == (times > 0).sum()
    assert weighted.df == (times > 0).sum() - 10


def test_what_cannot_be_estimated_has_no_number() -> None:
    rng = np.random.default_rng(6)
    group = np.repeat([0.0, 1.0], 100)
    x = np.column_stack([np.ones(200), group])
    y = np.where(group == 1, 0, rng.poisson(2, 200))
    separated = alone(*answers(y), x)
    assert separated.status == "not_estimable"
    assert "separated by" in separated.reason
    assert "x1" in separated.reason
    assert np.isnan(separated.coefficients).all()
    assert np.isnan(separated.joint).all()
    always = alone(*answers(np.where(group == 1, 20, rng.poisson(2, 200))), x)
    assert "separated by" in always.reason
    assert "may be 0" in alone(*answers(np.zeros(200, dtype=int)), x).reason
    assert "highest class" in alone(*answers(np.full(200, 20)), x).reason
    assert "collinear" in alone(*answers(y), np.column_stack([x, group])).reason
    # Two classes alone say nothing of a dispersion: no number, but a reason.
    two = alone(np.repeat([0.0, 1.0], 100), np.repeat([0.0, np.inf], 100), np.ones((200, 1)))
    assert two.status == "not_converged"
    assert two.reason
    with pytest.raises(AnalysisError, match="has no estimate"):
        interval_counts.class_probabilities(two, np.ones((1, 1)), LIMITS)


@pytest.mark.parametrize(
    ("low", "high", "options", "match"),
    [
        (2.0, 1.0, {}, "interval of counts"),
        (0.5, 1.0, {}, "interval of counts"),
        (-1.0, 1.0, {}, "interval of counts"),
        (1.0, 2.0, {"exposure": 0.0}, "nights above 0"),
        (1.0, 2.0, {"at_most": 0}, "at least 1"),
        (1.0, 2.0, {"dispersion": -1.0}, "at least 0"),
        (31.0, 40.0, {"at_most": 30}, "cannot be among 30 nights"),
    ],
)
def test_impossible_input_is_refused(low: float, high: float, options: dict[str, Any], match: str) -> None:
    lows, highs = np.array([0.0, low, 1.0, 2.0]), np.array([0.0, high, 1.0, 4.0])
    with pytest.raises(AnalysisError, match=match):
        alone(lows, highs, np.ones((4, 1)), **options)


def test_goodness_sums_to_one_and_follows_the_answers() -> None:
    rng = np.random.default_rng(9)
    x = np.column_stack([np.ones(900), rng.integers(0, 2, 900)]).astype(float)
    low, high = answers(rng.poisson(np.exp(x @ [0.4, 0.5]) * rng.gamma(0.6, 1 / 0.6, 900)))
    every, design = np.ones(900, bool), interval_counts.independent(900)
    found = alone(low, high, x)
    table = interval_counts.goodness(found, IntervalAnswers(low, high), x, every, design)
    assert table[["observed", "expected"]].sum().tolist() == pytest.approx([1, 1])
    assert table["n"].sum() == 900
    assert (np.abs(table["observed"] - table["expected"]) < 4 * table["std_error"]).all()
    parts = interval_counts.goodness(found, IntervalAnswers(low, high), x, every, design, groups=x[:, 1])
    assert parts.groupby("group")["expected"].sum().tolist() == pytest.approx([1, 1])
    with pytest.raises(AnalysisError, match="overlap"):
        overlapping = IntervalAnswers(np.where(x[:, 1] > 0, 0, low), np.full(900, 30.0))
        interval_counts.goodness(found, overlapping, x, every, design)


def test_nhanes_classes(shared: Path) -> None:
    cohort = open_cohort(f"nhanes:{shared / 'data/nhanes'}")
    assert cohort.design is not None
    frame = people(cohort)
    weight = frame[recalled_outcomes.weight_for(cohort.design, ["age_years", "sex"])]
    answered = (frame["recalled_low"].is_not_null() & (frame["age_years"] >= 20) & (weight.fill_null(0) > 0)).to_numpy()
    design = design_matrix.build(frame, "age_decade + sex", candidate=answered)
    sampling = SamplingDesign.of(frame["stratum"], frame["psu"], weight.to_numpy())
    low, high = (frame[f"recalled_{end}"].cast(pl.Float64).to_numpy() for end in ("low", "high"))
    given = IntervalAnswers(low, high)
    x, names = design.over_all_rows(), [column.term for column in design.columns]
    made = {}
    for near in (False, True):
        made[near] = interval_counts.fit(given, x, names, design.rows, sampling, near_nightly=near)
        assert made[near].status == "converged"
        assert (made[near].n, made[near].df) == (10_902, 31)
        # Women and older people have more cramps, whatever the law of persons.
        assert (made[near].interval(0.95)[0][1:] > 0).all()
    tables = {near: interval_counts.goodness(fit, given, x, design.rows, sampling) for near, fit in made.items()}
    published = pl.read_csv(Path(interval_counts.__file__).parents[2] / "simulate/calibration/nhanes_classes.csv")
    shares = published.filter(pl.col("population") == "20+")["share"].to_numpy()
    assert tables[True]["observed"].to_numpy() == pytest.approx(shares, abs=1e-7)
    # Without near-nightly people the open class is half empty; with them it fits.
    assert tables[False]["expected"].iloc[-1] < 0.6 * shares[-1]
    assert tables[True]["expected"].iloc[-1] == pytest.approx(shares[-1], rel=0.05)
    assert 0.01 < made[True].near_nightly < 0.025
