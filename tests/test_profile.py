"""Limits of dispersions and spreads, and the boundaries at which they or a zero part lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from crampstudy.models.coefficients import rows
from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.inference.covariance import covariance
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.engine import Solved
from crampstudy.models.nights.gee import gee
from crampstudy.models.optimise.profile_likelihood import Profile
from crampstudy.models.registry import NIGHT_FAMILIES

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "profile.json").read_text())
Array = NDArray[np.float64]


def data(counts: Array, x: Array, groups: Any) -> Data:
    matrix, codes = np.column_stack([np.ones(len(x)), x]), pd.factorize(groups)[0].astype(np.intp)
    return Data(matrix, np.asarray(counts, dtype=float), np.zeros(len(x)), codes, np.arange(len(x)))


def solved(model: str, of: Data, kind: Any = "model") -> Solved:
    found = NIGHT_FAMILIES[model].solve(of, "cramps", kind, None)
    assert found.problem is None
    return found


def limits(found: Extra) -> tuple[float, float]:
    assert found.profile is not None
    return found.profile.limits(0.95)


@pytest.mark.parametrize("part", ["counts", "few"])
def test_limits_of_a_dispersion_are_those_of_r(part: str) -> None:
    nights = pd.read_csv(PARITY / "zeros-data.csv")
    nights = nights if part == "counts" else nights[nights["person"] % 12 == 0]
    (found,) = solved("negative-binomial", data(nights["cramps"], nights["x"], nights["person"])).extras
    assert found.estimate == pytest.approx(R[part]["dispersion"], rel=1e-6)
    assert limits(found) == pytest.approx(R[part]["limits"], rel=1e-6)


def test_limits_of_a_spread_are_those_of_r() -> None:
    nights = pd.read_csv(PARITY / "mixed-slopes.csv").query("person < 20")
    found, *_ = solved("mixed-poisson", data(nights["y"], nights["x"], nights["person"])).extras
    assert found.estimate == pytest.approx(R["spread"]["sd"], rel=1e-5)
    assert limits(found) == pytest.approx(R["spread"]["limits"], rel=1e-5)


def test_every_other_night_has_the_correlation_of_nights_two_apart() -> None:
    nights = pd.read_csv(PARITY / "gee-data.csv").query("set == 'serial' and night % 2 == 1")
    matrix = np.column_stack([np.ones(len(nights)), nights["age"], nights["alcohol"]])
    groups, zero = pd.factorize(nights["participant"])[0].astype(np.intp), np.zeros(len(nights))
    cramps, night = nights["cramps"].to_numpy(float), nights["night"].to_numpy(np.int64)
    fitted = gee(matrix, cramps, zero, groups, night, family="poisson", working="ar1")
    assert fitted.problem is None and fitted.apart == 2
    assert fitted.coefficients == pytest.approx(R["every_other"]["coefficients"], abs=1e-8)
    assert fitted.alpha == pytest.approx(R["every_other"]["alpha"], abs=1e-8)
    clusters = np.arange(int(groups.max()) + 1)
    robust = covariance(fitted.information, fitted.scores, clusters, "cluster-hc0")
    assert np.sqrt(np.diag(robust)) == pytest.approx(R["every_other"]["se"], rel=1e-7)
    of = Data(matrix, cramps, zero, groups, night)
    correlation, _ = NIGHT_FAMILIES["gee-ar1"].solve(of, "cramps", "cluster", None).extras
    assert correlation.unit == "of nights 2 apart of a participant"


def test_nights_two_and_three_apart_have_a_correlation() -> None:
    nights = pd.read_csv(PARITY / "gee-data.csv").query("set == 'serial'")
    even = nights["participant"] % 2 == 0
    nights = nights[(even & nights["night"].isin([1, 3])) | (~even & nights["night"].isin([1, 4]))]
    matrix = np.column_stack([np.ones(len(nights)), nights["age"], nights["alcohol"]])
    groups, zero = pd.factorize(nights["participant"])[0].astype(np.intp), np.zeros(len(nights))
    cramps, night = nights["cramps"].to_numpy(float), nights["night"].to_numpy(np.int64)
    fitted = gee(matrix, cramps, zero, groups, night, family="poisson", working="ar1")
    assert fitted.problem is None and fitted.apart == 1
    # The equation of the correlation, written out: pairs two and three nights apart.
    mu = np.exp(matrix @ fitted.coefficients)
    r = pd.Series((cramps - mu) / np.sqrt(mu * fitted.scale)).groupby(groups).prod().to_numpy()
    apart = pd.Series(night).groupby(groups).agg(np.ptp).to_numpy()
    pair = pd.Series(groups).groupby(groups).size().to_numpy() == 2
    rho, d = fitted.alpha, apart[pair]
    assert float((d * rho ** (d - 1) * (r[pair] - rho**d)).sum()) == pytest.approx(0, abs=1e-7)


def overdispersed(seed: int, n: int, alpha: float, mean: float = 0.3) -> Data:
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, n)
    counts = rng.poisson(mean * np.exp(0.3 * x) * rng.gamma(1 / alpha, alpha, n))
    return data(counts, x, np.repeat(np.arange(n // 10), 10))


def test_a_dispersion_that_is_hardly_there_does_not_exclude_none() -> None:
    (found,) = solved("negative-binomial", overdispersed(4, 400, 0.05)).extras
    low, high = limits(found)
    assert found.error > 1.5 and found.estimate * np.exp(1.96 * found.error) > 4
    assert low == 0 and found.estimate < high < 1
    row = rows.extra(found, {"note": "what all rows say"}, 0.95)
    assert row["status"] == "converged" and row["ci_low"] == 0 and row["ci_high"] == high
    assert str(row["note"]).startswith("0 is not excluded; ")


def test_where_no_larger_value_is_excluded_the_boundary_is_said() -> None:
    found = Extra("dispersion", "dispersion", "alpha", 0.5, 9.0, profile=Profile(np.log(0.5), 9.0, lambda _: 0.1))
    row = rows.extra(found, {}, 0.95)
    assert row["status"] == "boundary" and row["ci_low"] == 0 and row["ci_high"] is None
    assert row["note"] == "no value above the estimate is excluded; 0 is not excluded"


@pytest.mark.parametrize("model", ["mixed-negative-binomial", "zero-inflated-negative-binomial"])
def test_other_models_follow_the_likelihood_too(model: str) -> None:
    of = overdispersed(3, 600, 1.5, mean=1.0)
    for found in solved(model, of).extras:
        if found.status == "converged":
            low, high = limits(found)
            assert low < found.estimate < high and high < 20


def inflated(share: float, seed: int = 12, n: int = 3000) -> Data:
    """Counts among which as many zeros as a ``share`` are put, for the same draws."""
    rng = np.random.default_rng(seed)
    x, put = rng.normal(0, 1, n), rng.random(n)
    counts = rng.poisson(1.5 * np.exp(0.4 * x) * rng.gamma(2, 0.5, n))
    return data(np.where(put < share, 0, counts), x, np.repeat(np.arange(n // 20), 20))


def test_standard_errors_are_of_one_kind_within_and_at_the_boundary_of_a_zero_part() -> None:
    errors, at = [], []
    for share in np.linspace(0.0, 0.06, 7):
        found = solved("zero-inflated-negative-binomial", inflated(share), "cluster")
        assert found.zero is not None
        at.append(found.zero.status == "boundary")
        errors.append(float(np.sqrt(found.variance[1, 1])))
    assert at[0] and not at[-1]
    assert np.abs(np.diff(np.log(errors))).max() < 0.05


def test_at_the_boundary_the_sandwich_is_that_of_the_negative_binomial_with_its_dispersion() -> None:
    found, plain = (
        solved(model, inflated(0.0), kind)
        for model, kind in (("zero-inflated-negative-binomial", "cluster"), ("negative-binomial", "cluster-joint"))
    )
    assert found.zero is not None and found.zero.status == "boundary"
    assert found.variance == pytest.approx(plain.variance, rel=1e-8)
    assert found.notes[0].startswith("no excess zeros: standard errors of coefficients and dispersion together")


def test_an_interval_of_many_powers_of_ten_is_none() -> None:
    found = Extra("random slope", "standard_deviation", "SD", 0.0042, 12.0)
    row = rows.extra(found, {"note": "what all rows say"}, 0.95)
    assert row["status"] == "boundary" and row["estimate"] == 0.0042
    assert row["ci_low"] is None and row["ci_high"] is None
    assert "nothing is known of it" in str(row["note"])
