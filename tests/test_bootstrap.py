from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from crampstudy import fit
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models.bootstrap import (
    MOST_FAILED,
    bias_corrected,
    bootstrap,
    expanded_percentile,
    percentile,
    resample,
)
from crampstudy.simulate import simulate

RATES = np.array([1.0, 2.0, 6.0])


def rng(seed: int = 1) -> np.random.Generator:
    return np.random.default_rng(seed)


def mean_rate(drawn: np.ndarray) -> np.ndarray:
    return np.array([drawn @ RATES / drawn.sum()])


def test_three_participants_by_hand() -> None:
    # All 27 ordered draws are equally likely: the exact distribution of the mean.
    exact = sorted(sum(draw) / 3 for draw in product(RATES, repeat=3))
    found = resample(mean_rate, 3, replicates=5400, rng=rng())[:, 0]
    assert set(np.round(found, 9)) == set(np.round(exact, 9))
    for value in set(exact):
        expected = exact.count(value) / 27
        error = np.sqrt(expected * (1 - expected) / 5400)
        assert abs(np.mean(np.isclose(found, value)) - expected) < 4 * error


def test_a_draw_is_as_many_participants_as_there_are() -> None:
    sums = resample(lambda drawn: np.array([drawn.sum(), drawn.min()]), 7, replicates=60, rng=rng())
    assert (sums[:, 0] == 7).all() and (sums[:, 1] >= 0).all()
    assert sums.shape == (60, 2)


def test_percentile_interval_by_hand() -> None:
    assert percentile(np.arange(101.0), 0.9) == pytest.approx((5, 95))


def test_the_percentile_interval_of_few_is_expanded_to_that_of_t() -> None:
    # Of normal replicates, whose SD is sqrt((n - 1) / n) of what it should be: the limits are those of t, 5 people.
    drawn = stats.norm.ppf((np.arange(200_000) + 0.5) / 200_000, scale=np.sqrt(4 / 5))
    assert expanded_percentile(drawn, 5, 0.95) == pytest.approx((-2.776, 2.776), abs=2e-3)
    assert expanded_percentile(drawn, 5, 0.8) == pytest.approx((-1.533, 1.533), abs=2e-3)
    many = expanded_percentile(drawn, 1_000_000, 0.95)
    assert many == pytest.approx(percentile(drawn, 0.95), abs=1e-3)


def test_bias_corrected_interval_by_hand() -> None:
    drawn = np.arange(1.0, 1001)
    # As many below as above: the percentile interval.
    assert bias_corrected(drawn, 500.5, 0.95) == pytest.approx(percentile(drawn, 0.95))
    # 60 % below the estimate: both percentiles move up by 2 x 0.2533 on the normal scale.
    z = stats.norm.ppf(0.975)
    expected = np.quantile(drawn, stats.norm.cdf([2 * 0.2533471 - z, 2 * 0.2533471 + z]))
    assert bias_corrected(drawn, 600.5, 0.95) == pytest.approx(tuple(expected), rel=1e-5)
    assert np.isnan(bias_corrected(drawn, 2000, 0.95)).all()


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(150, 30, 2)


@pytest.mark.parametrize("model", ["poisson", "negative-binomial", "logistic"])
def test_agrees_with_the_cluster_robust_error(cohort: Cohort, model: str) -> None:
    replicates = 300
    rows = bootstrap(cohort, model=model, terms="age_decade + sex", rng=rng(3), replicates=replicates)
    fitted = fit(cohort, model=model, terms="age_decade + sex").estimates
    for kind in ("percentile", "bias-corrected"):
        some = rows[rows["analysis"] == f"participant bootstrap, {kind}"]
        for term in ("age_decade", "sex", "intercept"):
            ours, theirs = some[some["term"] == term].iloc[0], fitted[fitted["term"] == term].iloc[0]
            assert ours["estimate"] == theirs["estimate"]
            # Monte-Carlo error of a standard deviation of 300 is 4 %; the bootstrap itself differs in order 1/G.
            assert ours["std_error"] == pytest.approx(theirs["std_error"], rel=4 / np.sqrt(2 * replicates))
            assert ours["ci_low"] < ours["estimate"] < ours["ci_high"]
            width = np.log(ours["ci_high"] / ours["ci_low"]) / np.log(theirs["ci_high"] / theirs["ci_low"])
            assert 0.75 < width < 1.33
    assert rows["key"].is_unique
    assert rows[["p_value", "df"]].isna().all().all()
    assert rows["note"].str.contains("300 replicates").all()


def test_a_weighted_fit_is_that_of_copied_participants(cohort: Cohort) -> None:
    # One replicate, by hand: its participants copied, each copy with a name of its own.
    drawn = rng(5).multinomial(150, np.full(150, 1 / 150))
    people = cohort.frame("participants").sort("participant_id")
    seen = cohort.frame("diary")["participant_id"].unique().sort()
    assert people["participant_id"].equals(seen.rename("participant_id"))
    copies = pl.DataFrame(
        {
            "participant_id": np.repeat(people["participant_id"].to_numpy(), drawn),
            "copy": np.concatenate([np.arange(times) for times in drawn]),
        }
    )

    def copied(table: str) -> pl.DataFrame:
        renamed = pl.format("{}-{}", "participant_id", "copy").alias("participant_id")
        return copies.join(cohort.frame(table), on="participant_id").with_columns(renamed).drop("copy")

    copy = Cohort("copied", "diary", {name: copied(name) for name in ("participants", "diary")})
    expected = fit(copy, model="poisson", terms="age_decade + sex").estimates["estimate"].to_numpy()
    weights = pl.DataFrame({"participant_id": people["participant_id"], "drawn": drawn.astype(float)})
    weighted = Cohort(
        "weighted",
        "diary",
        {"participants": people.join(weights, on="participant_id"), "diary": cohort.frame("diary")},
    )
    found = fit(weighted, model="poisson", terms="age_decade + sex + weights(drawn)").estimates["estimate"].to_numpy()
    assert found == pytest.approx(expected, rel=1e-10)


def test_one_worker_and_two_give_the_same_numbers(cohort: Cohort) -> None:
    asked: dict[str, Any] = {"model": "poisson", "terms": "age_band", "replicates": 60}
    one, two = (bootstrap(cohort, **asked, rng=rng(4), workers=workers) for workers in (1, 2))
    assert one.equals(two)
    assert not one.equals(bootstrap(cohort, **asked, rng=rng(5)))


def test_more_replicates_begin_with_the_same() -> None:
    few, many = (resample(mean_rate, 3, replicates=n, rng=rng()) for n in (30, 80))
    assert (many[:30] == few).all()


def test_ratios_of_a_spline_have_intervals(cohort: Cohort) -> None:
    rows = bootstrap(
        cohort, model="poisson", terms="ns(age_years, df=2, ref=60, at=[40, 70])", rng=rng(), replicates=80
    )
    shown = rows[rows["term"].str.startswith("ns(")]
    assert shown["level"].tolist() == ["40", "70"] * 2
    assert (shown["ci_low"] < shown["ci_high"]).all()
    assert "wald_test" not in set(rows["scale"])


def test_replicates_without_an_estimate_are_said_and_too_many_withhold_the_interval(cohort: Cohort) -> None:
    # A level that two of 150 participants have is missing from one replicate in seven.
    cramped = cohort.frame("diary").filter(pl.col("cramps") > 0)["participant_id"].unique().sort()[:2]
    people = cohort.frame("participants").with_columns(rare=pl.col("participant_id").is_in(cramped.to_list()))
    made = Cohort("rare", "diary", {"participants": people, "diary": cohort.frame("diary")})
    rows = bootstrap(made, model="poisson", terms="rare", rng=rng(), replicates=200)
    failed = int(rows["note"].str.extract(r"(\d+) of them without an estimate")[0].iloc[0])
    share = (1 - 2 / 150) ** 150
    assert abs(failed / 200 - share) < 4 * np.sqrt(share * (1 - share) / 200)
    assert failed > MOST_FAILED * 200
    assert set(rows["status"]) == {"not_estimable"}
    assert rows["estimate"].isna().all()


def test_a_fit_without_estimates_is_not_resampled(cohort: Cohort) -> None:
    rows = bootstrap(cohort, model="poisson", terms="sex", where="age_years > 200", rng=rng(), replicates=50)
    assert set(rows["status"]) == {"not_estimable"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "mixed-poisson"}, "allowed: poisson, negative-binomial, logistic"),
        ({"replicates": 10}, "give at least 40"),
        ({"terms": "nosuch"}, "neither the codebook nor the cohort"),
    ],
)
def test_what_cannot_be_is_a_usage_error(cohort: Cohort, options: dict[str, Any], message: str) -> None:
    asked: dict[str, Any] = {"model": "poisson", "terms": "sex", "rng": rng()} | options
    with pytest.raises(UsageError, match=message):
        bootstrap(cohort, **asked)
