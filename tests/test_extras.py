"""What models have beside their coefficients: values by hand, intervals that follow, and where a reader finds them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crampstudy import fit, tables
from crampstudy.cohort import Cohort
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.gee import gee
from crampstudy.models.registry import NIGHT_FAMILIES
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(80, 30, 5)


def rows(cohort: Cohort, model: str, **more: Any) -> pd.DataFrame:
    found = fit(cohort, model=model, terms="age_decade + sex", covariance="cluster", **more).estimates
    return found.set_index("term")


LIMITS = ["estimate", "ci_low", "ci_high"]


@pytest.mark.parametrize("exposure", ["nights", "hours_in_bed"])
@pytest.mark.parametrize("model", ["mixed-poisson", "mixed-negative-binomial"])
def test_a_median_rate_ratio_and_the_share_between_persons(cohort: Cohort, model: str, exposure: str) -> None:
    found = rows(cohort, model, exposure=exposure)
    sd = found.loc["random intercept", LIMITS].astype(float)
    # Larsen and Merlo 2005: exp(sqrt(2) * 0.6745 * sd).
    assert found.loc["median rate ratio", LIMITS].tolist() == pytest.approx(np.exp(0.9538725524 * sd).tolist())
    # Nakagawa, Johnson and Schielzeth 2017: sd^2 / (sd^2 + log(1 + 1/mean + alpha)).
    mean = found["n_events"].iloc[0] / found["n_nights"].iloc[0]
    alpha = found.loc["dispersion", "estimate"] if "dispersion" in found.index else 0.0
    residual = np.log(1 + 1 / mean + alpha)
    assert found.loc["ICC", LIMITS].tolist() == pytest.approx((sd**2 / (sd**2 + residual)).tolist())
    assert (found.loc["ICC", "scale"], found.loc["median rate ratio", "scale"]) == ("icc", "mrr")


def test_a_median_odds_ratio_and_the_latent_share(cohort: Cohort) -> None:
    found = rows(cohort, "mixed-logistic")
    sd = found.loc["random intercept", LIMITS].astype(float)
    assert found.loc["random intercept", "unit"] == "SD of participants on the logit scale"
    assert found.loc["median odds ratio", LIMITS].tolist() == pytest.approx(np.exp(0.9538725524 * sd).tolist())
    assert found.loc["ICC", LIMITS].tolist() == pytest.approx((sd**2 / (sd**2 + np.pi**2 / 3)).tolist())


def test_a_mixed_logistic_model_has_its_name(cohort: Cohort) -> None:
    named, old = rows(cohort, "mixed-logistic"), rows(cohort, "mixed-poisson", outcome="cramp_night")
    assert old["estimate"].tolist() == pytest.approx(named["estimate"].tolist())
    assert set(old["model"]) == {"mixed-logistic"}
    assert old["note"].iloc[0].startswith("mixed-poisson of cramp_night is mixed-logistic")
    assert "is mixed-logistic" not in str(named["note"].iloc[0])


def test_the_share_of_a_linear_model(cohort: Cohort) -> None:
    found = rows(cohort, "mixed-linear", outcome="fatigue_0_10")
    between, within = (found.loc[name, "estimate"] for name in ("random intercept", "residual"))
    icc = found.loc["ICC"]
    assert icc["estimate"] == pytest.approx(between**2 / (between**2 + within**2))
    assert icc["ci_low"] < icc["estimate"] < icc["ci_high"]


@pytest.mark.parametrize("model", ["gee-exchangeable", "gee-ar1"])
@pytest.mark.parametrize("outcome", ["cramps", "cramp_night", "fatigue_0_10"])
def test_a_working_correlation_has_an_interval(cohort: Cohort, model: str, outcome: str) -> None:
    found = rows(cohort, model, outcome=outcome)
    row = found.loc["working correlation"]
    assert row["ci_low"] < row["estimate"] < row["ci_high"] < 1
    middle = np.tanh((np.arctanh(row["ci_low"]) + np.arctanh(row["ci_high"])) / 2)
    assert row["estimate"] == pytest.approx(middle)
    other = found.loc["residual" if outcome == "fatigue_0_10" else "scale"]
    assert other["ci_low"] < other["estimate"] < other["ci_high"]


@pytest.mark.parametrize("working", ["exchangeable", "ar1"])
@pytest.mark.parametrize("family", ["poisson", "binomial", "gaussian"])
def test_errors_of_correlation_and_scale_are_those_of_leaving_people_out(family: Any, working: Any) -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(60), 12)
    matrix = np.column_stack([np.ones(720), rng.normal(size=720)])
    nights = np.tile(np.arange(12), 60)
    level = rng.normal(0, 0.8, 60)[groups]
    y = {
        "poisson": rng.poisson(np.exp(0.2 + 0.3 * matrix[:, 1] + level)),
        "binomial": rng.random(720) < 1 / (1 + np.exp(-level - 0.5 * matrix[:, 1])),
        "gaussian": 50 + 3 * matrix[:, 1] + 4 * level + rng.normal(0, 5, 720),
    }[family].astype(float)

    def fitted(kept: Any) -> Any:
        codes = np.unique(groups[kept], return_inverse=True)[1]
        return gee(matrix[kept], y[kept], np.zeros(kept.sum()), codes, nights[kept], family=family, working=working)

    whole = fitted(np.ones(720, dtype=bool))
    without = [fitted(groups != g) for g in range(60)]
    for value, error in (
        (lambda f: np.arctanh(f.alpha), whole.alpha_error),
        (lambda f: np.log(f.scale), whole.scale_error),
    ):
        moved = np.array([value(f) for f in without]) - value(whole)
        assert error == pytest.approx(np.sqrt(59 / 60 * moved @ moved), rel=0.15)


def test_people_who_do_not_differ_have_no_more_than_a_boundary() -> None:
    groups = np.repeat(np.arange(20), 10)
    counts = np.tile([0.0, 1, 0, 1, 1, 0, 0, 1, 0, 1], 20)
    data = Data(np.ones((200, 1)), counts, np.zeros(200), groups, np.tile(np.arange(10), 20))
    for model, median in (("mixed-poisson", "median rate ratio"), ("mixed-logistic", "median odds ratio")):
        extras = {e.term: e for e in NIGHT_FAMILIES[model].solve(data, "x", "cluster", None).extras}
        assert extras[median].status == extras["ICC"].status == "boundary"
        assert extras[median].seen(extras[median].estimate) == 1.0
        assert extras["ICC"].seen(extras["ICC"].estimate) == 0.0


def test_parameters_stand_under_the_table(cohort: Cohort, tmp_path: Path, run: Run) -> None:
    package.write(cohort, tmp_path / "study")
    command = ("fit", str(tmp_path / "study"), "--terms", "age_decade + sex", "--model")
    code, out, _ = run(*command, "mixed-linear", "--outcome", "fatigue_0_10")
    lines = out.splitlines()
    assert code == 0
    assert "Next-day fatigue, difference in points (95% CI)" in lines[1]
    assert [line.split()[0] for line in lines[2:8]] == ["Age", "Age", "Sex", "Random", "Residual:", "ICC:"]
    assert "(95% CI " in lines[5] and "SD of participants in the outcome's unit; interval from the lik" in lines[5]
    code, out, _ = run(*command, "negative-binomial", "--ci-level", "0.9")
    assert "Dispersion: " in out and "(90% CI " in out and "alpha, variance = mean + alpha mean^2" in out


def test_tables_of_reports_have_no_parameters(cohort: Cohort) -> None:
    found = fit(cohort, model="mixed-negative-binomial", terms="sex").estimates
    assert list(tables.factors(found).index.get_level_values("Factor")) == ["Sex"]
    assert "interval from the likelihood" not in tables.notes(found)
    assert len(tables.parameters(found)) == 4
    assert tables.parameters(found[found["scale"] == "rate_ratio"]) == []
