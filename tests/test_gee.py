from __future__ import annotations

import json
import math
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy.errors import AnalysisError
from crampstudy.models.inference import covariance
from crampstudy.models.nights import count, gee, working_correlation

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "gee.json").read_text())["fits"]
WORKING: tuple[Any, ...] = ("exchangeable", "ar1")


def _diaries() -> dict[str, pl.DataFrame]:
    people = pl.read_csv(PARITY / "diary" / "participants.csv").select(
        "participant_id",
        age=(pl.col("age_years") - 60) / 10,
        female=(pl.col("sex") == "female").cast(pl.Float64),
    )
    diary = pl.read_csv(PARITY / "diary" / "diary.csv", try_parse_dates=True)
    nights = diary.filter(pl.col("entry_made") & pl.col("cramps").is_not_null()).join(people, on="participant_id")
    nights = nights.select(
        "age",
        "female",
        "cramps",
        participant=pl.col("participant_id").rank("dense"),
        night=(pl.col("date") - pl.col("date").min()).dt.total_days(),
        alcohol="alcohol_units",
        hours="hours_in_bed",
    )
    drawn = pl.read_csv(PARITY / "gee-data.csv")
    return {"diary": nights, **{str(name): part for (name,), part in drawn.group_by("set", maintain_order=True)}}


DIARIES = _diaries()


@pytest.mark.parametrize("expected", R, ids=lambda r: f"{r['set']}-{r['family']}-{r['structure']}")
def test_agrees_with_geepack(expected: dict[str, Any]) -> None:
    terms = ["age", "female", "alcohol"] if expected["set"] == "diary" else ["age", "alcohol"]
    used = DIARIES[expected["set"]].drop_nulls([*terms, "hours"] if expected["exposure"] else terms)
    cramps = used["cramps"].to_numpy().astype(float)
    fitted = gee.gee(
        np.column_stack([np.ones(used.height), *(used[term].to_numpy() for term in terms)]),
        cramps if expected["family"] == "poisson" else (cramps > 0).astype(float),
        np.log(used["hours"].to_numpy()) if expected["exposure"] else np.zeros(used.height),
        used["participant"].rank("dense").to_numpy().astype(np.intp) - 1,
        used["night"].to_numpy(),
        family=expected["family"],
        working=expected["structure"],
    )
    assert expected["error"] == 0
    assert fitted.problem is None
    assert used.height == expected["rows"]
    # Both stop when a step is below 1e-10.
    assert fitted.coefficients == pytest.approx(expected["coefficients"], rel=1e-9, abs=1e-9)
    assert fitted.alpha == pytest.approx(expected["alpha"], abs=1e-9)
    assert fitted.scale == pytest.approx(expected["scale"], rel=1e-9)
    clusters = np.arange(len(fitted.scores))
    assert _errors(fitted, clusters, "cluster-hc0") == pytest.approx(expected["se"], rel=1e-8)
    assert _errors(fitted, clusters, "model") == pytest.approx(expected["model_se"], rel=1e-8)
    factor = math.sqrt(len(clusters) / (len(clusters) - 1))
    assert _errors(fitted, clusters, "cluster") == pytest.approx(np.array(expected["se"]) * factor, rel=1e-8)


def _errors(fitted: gee.GeeFit, clusters: Any, kind: Any) -> Any:
    return np.sqrt(np.diag(covariance.covariance(fitted.information, fitted.scores, clusters, kind)))


@pytest.fixture(scope="module")
def drawn() -> dict[str, Any]:
    rng = np.random.default_rng(11)
    size = np.array([1, 2, 7, 12, 3, 9, 12, 5, 1, 8])
    groups = np.repeat(np.arange(10), size)
    nights = np.concatenate([np.sort(rng.choice(30, n, replace=False)) + 100 * g for g, n in enumerate(size)])
    matrix = np.column_stack([np.ones(len(groups)), rng.normal(size=len(groups))])
    y = rng.poisson(np.exp(0.4 * matrix[:, 1] + rng.normal(0, 0.6, 10)[groups])).astype(float)
    return {"matrix": matrix, "outcome": y, "offset": rng.normal(0, 0.3, len(y)), "groups": groups, "nights": nights}


def _dense(drawn: dict[str, Any], working: str, alpha: float) -> Any:
    groups, nights = drawn["groups"], drawn["nights"]
    apart = np.abs(nights[:, None] - nights)
    correlation = np.where(apart == 0, 1.0, alpha if working == "exchangeable" else float(alpha) ** apart)
    return np.where(groups[:, None] == groups, correlation, 0.0), apart


@pytest.mark.parametrize("working", WORKING)
def test_solves_its_equations_written_with_full_matrices(drawn: dict[str, Any], working: Any) -> None:
    fitted = gee.gee(**drawn, family="poisson", working=working)
    assert fitted.problem is None
    correlation, apart = _dense(drawn, working, fitted.alpha)
    mu = np.exp(drawn["matrix"] @ fitted.coefficients + drawn["offset"])
    residuals = (drawn["outcome"] - mu) / np.sqrt(mu)
    derivative = drawn["matrix"] * np.sqrt(mu)[:, None]
    solved = np.linalg.solve(correlation, derivative)
    assert solved.T @ residuals == pytest.approx(0, abs=1e-8)
    assert fitted.scale == pytest.approx(np.mean(residuals**2))
    assert fitted.information == pytest.approx(derivative.T @ solved / fitted.scale)
    by_person = covariance.cluster_sums(solved * residuals[:, None], drawn["groups"]) / fitted.scale
    assert fitted.scores == pytest.approx(by_person, abs=1e-9)
    pair = np.triu(drawn["groups"][:, None] == drawn["groups"], 1)
    slope = 1.0 if working == "exchangeable" else apart * fitted.alpha ** (apart - 1.0)
    off = (np.outer(residuals, residuals) / fitted.scale - correlation) * slope
    assert off[pair].sum() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("working", WORKING)
@pytest.mark.parametrize("alpha", [-0.08, 0.0, 0.3, 0.97])
def test_the_fast_inverse_is_the_inverse(drawn: dict[str, Any], working: Any, alpha: float) -> None:
    (block,) = working_correlation.blocks(**drawn)
    structure = working_correlation.Exchangeable() if working == "exchangeable" else working_correlation.Ar1()
    expected = np.linalg.solve(_dense(drawn, working, alpha)[0], drawn["matrix"])
    assert structure.solve(alpha, block, drawn["matrix"]) == pytest.approx(expected, abs=1e-11)


def test_products_by_distance_are_those_of_a_double_loop(drawn: dict[str, Any]) -> None:
    (block,) = working_correlation.blocks(**drawn)
    residuals = np.random.default_rng(1).normal(size=len(drawn["outcome"]))
    expected = np.zeros(30)
    for i in range(len(residuals)):
        for j in range(i):
            if drawn["groups"][i] == drawn["groups"][j]:
                expected[drawn["nights"][i] - drawn["nights"][j]] += residuals[i] * residuals[j]
    found = working_correlation.Ar1().products(block, residuals)
    assert found == pytest.approx(expected[1 : len(found) + 1], abs=1e-12)
    assert expected[len(found) + 1 :] == pytest.approx(0)
    assert working_correlation.Exchangeable().products(block, residuals)[0] == pytest.approx(expected.sum())


@pytest.mark.parametrize("working", WORKING)
def test_neither_the_order_of_rows_nor_blocks_nor_the_first_day_matter(
    drawn: dict[str, Any], working: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = gee.gee(**drawn, family="poisson", working=working)
    order = np.random.default_rng(2).permutation(len(drawn["outcome"]))
    mixed = {name: values[order] for name, values in drawn.items()}
    mixed["nights"] = mixed["nights"] - 10_000 * mixed["groups"]
    monkeypatch.setattr(working_correlation, "_BLOCK_ROWS", 15)
    assert len(tuple(working_correlation.blocks(**mixed))) > 3
    found = gee.gee(**mixed, family="poisson", working=working)
    for name in ("coefficients", "alpha", "scale", "scores", "information"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=1e-8, abs=1e-9)


def test_with_equal_diaries_and_personal_terms_exchangeable_weights_change_nothing() -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(20), 6)
    matrix = np.column_stack([np.ones(120), rng.normal(size=20)[groups]])
    y = rng.poisson(np.exp(rng.normal(0, 0.7, 20)[groups])).astype(float)
    offset = np.zeros(120)
    fitted = gee.gee(matrix, y, offset, groups, np.tile(np.arange(6), 20), family="poisson", working="exchangeable")
    plain = count.poisson(matrix, y, offset)
    assert fitted.alpha > 0.05
    assert fitted.coefficients == pytest.approx(plain.coefficients, abs=1e-9)
    independent = covariance.covariance(plain.information, plain.scores, groups, "cluster-hc0")
    # The weights are equal, so that also the sandwich is that of independence.
    assert _errors(fitted, np.arange(20), "cluster-hc0") == pytest.approx(np.sqrt(np.diag(independent)))


@pytest.mark.parametrize("working", WORKING)
def test_the_working_correlation_is_recovered(working: Any) -> None:
    # Gaussian thresholds with the correlation r of two nights: P(both above 0) = 1/4 + asin(r) / 2 pi.
    rng = np.random.default_rng(6)
    people, nights = 1500, 12
    if working == "exchangeable":
        latent = rng.normal(size=(people, 1)) * math.sqrt(0.5) + rng.normal(size=(people, nights)) * math.sqrt(0.5)
        truth = math.asin(0.5) * 2 / math.pi
    else:  # a two-state chain that stays with probability 0.8: the correlation d nights apart is 0.6^d
        stay = np.where(rng.random((people, nights)) < 0.8, 1, -1)
        latent = np.cumprod(stay, axis=1) * rng.choice([-1, 1], (people, 1))
        truth = 0.6
    kept = rng.random(people * nights) > 0.3
    groups, night = np.repeat(np.arange(people), nights)[kept], np.tile(np.arange(nights), people)[kept]
    y = (latent.ravel()[kept] > 0).astype(float)
    groups = np.unique(groups, return_inverse=True)[1]
    n = len(y)
    fitted = gee.gee(np.ones((n, 1)), y, np.zeros(n), groups, night, family="binomial", working=working)
    assert fitted.problem is None
    assert fitted.alpha == pytest.approx(truth, abs=0.03)  # about three standard errors
    assert fitted.scale == pytest.approx(1, abs=0.001)


def _fit(y: list[float], groups: list[int], nights: list[int], working: Any, family: Any = "binomial") -> gee.GeeFit:
    at = np.array(groups, dtype=np.intp), np.array(nights)
    return gee.gee(np.ones((len(y), 1)), np.array(y), np.zeros(len(y)), *at, family=family, working=working)


@pytest.mark.parametrize("working", WORKING)
def test_a_correlation_at_its_boundary_is_a_problem(working: Any) -> None:
    # Every second night has a cramp: the correlation of neighbours is -1; of any two of n nights -1/(n - 1).
    groups = [g for g in range(8) for _ in range(4)]
    assert "boundary" in str(_fit([0.0, 1.0] * 16, groups, [0, 1, 2, 3] * 8, working).problem)
    # The same nights all night or none: +1.
    y = [float(g % 2) for g in groups]
    assert "boundary" in str(_fit(y, groups, [0, 1, 2, 3] * 8, working).problem)


@pytest.mark.parametrize("working", WORKING)
def test_one_night_each_has_no_correlation(working: Any) -> None:
    assert "two nights" in str(_fit([0.0, 1.0, 1.0], [0, 1, 2], [0, 0, 0], working).problem)


@pytest.mark.parametrize("working", WORKING)
def test_what_the_plain_model_cannot_fit_is_a_problem(working: Any) -> None:
    fitted = _fit([1.0] * 6, [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2, working)
    assert "set apart" in str(fitted.problem)
    assert math.isnan(fitted.alpha)
    twice = np.ones((8, 2))
    at = np.repeat([0, 1], 4), np.tile(np.arange(4), 2)
    singular = gee.gee(twice, np.arange(8.0), np.zeros(8), *at, family="poisson", working=working)
    assert "singular" in str(singular.problem)


@pytest.mark.parametrize("working", WORKING)
def test_equal_counts_everywhere_leave_no_correlation_to_estimate(working: Any) -> None:
    assert "no residual" in str(_fit([2.0] * 6, [0, 0, 0, 1, 1, 1], [0, 1, 2] * 2, working, "poisson").problem)


def test_two_rows_of_one_night_are_refused() -> None:
    with pytest.raises(AnalysisError, match="code 1 has two rows of one night"):
        _fit([0.0, 1.0, 0.0, 1.0], [0, 0, 1, 1], [0, 1, 4, 4], "ar1")
    with pytest.raises(AnalysisError, match="code 1 has no row"):
        _fit([0.0, 1.0, 0.0, 1.0], [0, 0, 2, 2], [0, 1, 0, 1], "ar1")


def test_neighbours_in_different_people_are_not_neighbours() -> None:
    # The last night of one participant and the first of the next have the same date.
    fitted = _fit([0.0, 1.0, 1.0, 0.0, 1.0, 1.0], [0, 0, 0, 1, 1, 1], [0, 1, 2, 2, 3, 4], "ar1")
    assert fitted.problem is None
    assert {field.name for field in fields(fitted)} >= {"alpha", "scale", "scores", "information"}
