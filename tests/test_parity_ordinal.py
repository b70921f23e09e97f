"""Ordinal models against MASS, sandwich, ordinal and survey in R, whose numbers tests/parity/ordinal.R wrote.

polr and svyolr climb by BFGS and difference their Hessian numerically: they are met to 1e-6 and 1e-4. clm's Newton
steps, which take the same likelihood to its end, are met to rounding.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from crampstudy import open_cohort
from crampstudy.models.classes import proportionality
from crampstudy.models.classes.ordinal import OrdinalFit, ordinal
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.inference.covariance import covariance
from crampstudy.models.surveys import survey_ordinal
from crampstudy.models.surveys.sampling import SamplingDesign

Array = NDArray[np.float64]
PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "ordinal.json").read_text(encoding="utf-8"))
TERMS = ("age", "female", "score")
LEVELS = ("0", "1", "2", "3", "4")
WEIGHTS = ("none", "times")
FREE = (2,)


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(PARITY / "ordinal-data.csv")


def arrays(rows: pl.DataFrame, weights: str) -> tuple[Array, Array, Array | None]:
    times = None if weights == "none" else rows["times"].to_numpy().astype(np.float64)
    return rows.select(TERMS).to_numpy().astype(np.float64), rows["class"].to_numpy().astype(np.float64), times


def participants(rows: pl.DataFrame) -> NDArray[np.intp]:
    return rows["participant"].rank("dense").to_numpy().astype(np.intp) - 1


def fit(rows: pl.DataFrame, weights: str, free: tuple[int, ...] = ()) -> OrdinalFit:
    return ordinal(*arrays(rows, weights), levels=LEVELS, names=TERMS, free=free)


def agree(
    parameters: Array, variance: Array, expected: list[float], spread: Any, near: float = 1e-6, error: float = 1e-4
) -> None:
    """Compare parameters relative to themselves, or to their standard errors where those are larger."""
    errors = np.sqrt(np.diag(np.array(spread)))
    scale = np.maximum(np.abs(expected), errors)
    assert (np.abs(parameters - expected) / scale).max() < near
    assert np.sqrt(np.diag(variance)) == pytest.approx(errors, rel=error)
    # covariances in units of standard errors: correlations
    outer = np.outer(errors, errors)
    assert variance / outer == pytest.approx(np.array(spread) / outer, abs=error)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("kind", ["model", "cluster", "cluster-hc0"])
def test_proportional_odds_agree_with_polr(rows: pl.DataFrame, weights: str, kind: Any) -> None:
    fitted, r = fit(rows, weights), R["polr"][weights]
    variance = covariance(fitted.information, fitted.scores, participants(rows), kind)
    agree(fitted.parameters, variance, r["coefficients"] + r["thresholds"], r["covariance"][kind])
    assert fitted.log_likelihood == pytest.approx(r["log_likelihood"], rel=1e-12)
    first = arrays(rows, weights)[0][:5]
    assert fitted.probabilities(first) == pytest.approx(np.array(r["probabilities"]), abs=1e-7)


def test_cluster_covariance_agrees_with_vcov_cl(rows: pl.DataFrame) -> None:
    # With case weights vcovCL multiplies by (sum of weights / rows) squared, which is left out of the script.
    fitted, r = fit(rows, "none"), R["polr"]["none"]
    variance = covariance(fitted.information, fitted.scores, participants(rows), "cluster")
    agree(fitted.parameters, variance, r["coefficients"] + r["thresholds"], r["vcov_cl"])


@pytest.mark.parametrize("weights", WEIGHTS)
def test_both_models_agree_with_clm(rows: pl.DataFrame, weights: str) -> None:
    held, partial, r = fit(rows, weights), fit(rows, weights, FREE), R["clm"][weights]
    expected = r["proportional"]
    agree(held.parameters, np.linalg.inv(held.information), expected["parameters"], expected["covariance"], 1e-9, 1e-9)
    agree(partial.parameters, np.linalg.inv(partial.information), r["parameters"], r["covariance"], 1e-6, 1e-7)
    assert partial.log_likelihood == pytest.approx(r["log_likelihood"], rel=1e-12)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_likelihood_ratios_agree_with_clm(rows: pl.DataFrame, weights: str) -> None:
    expected = R["clm"][weights]["likelihood_ratio"]
    found = proportionality.likelihood_ratio(*arrays(rows, weights), levels=LEVELS, names=TERMS)
    assert [t.column for t in found] == expected["column"]
    assert [t.statistic for t in found] == pytest.approx(expected["statistic"], abs=1e-9)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_brant_agrees_with_its_equations(rows: pl.DataFrame, weights: str) -> None:
    given: dict[str, Any] = {"levels": LEVELS, "names": TERMS}
    expected = R["brant"][weights]
    found = proportionality.brant(*arrays(rows, weights), **given)
    for cell in ("column", "statistic", "df", "p_value"):
        numbers = [getattr(t, cell) for t in found]
        assert numbers == (expected[cell] if cell == "column" else pytest.approx(expected[cell], rel=1e-8))
    robust = proportionality.brant(*arrays(rows, weights), groups=participants(rows), **given)
    assert [t.statistic for t in robust] == pytest.approx(R["brant_cluster"][weights]["statistic"], rel=1e-8)


@pytest.mark.parametrize("key", ["two_or_more", "lonely", "scattered"])
def test_weighted_classes_agree_with_svyolr(rows: pl.DataFrame, key: str) -> None:
    matrix, classes, _ = arrays(rows, "none")
    design = SamplingDesign.of(rows["stratum"], rows["psu_lonely" if key == "lonely" else "psu"], rows["weight"])
    inside, r = (rows["domain"] == 1).to_numpy(), R["svyolr"][key]
    if key == "scattered":
        inside &= ~(np.isin(rows["stratum"], (1, 4, 6)) & (rows["psu"] == 2).to_numpy())
    fitted = survey_ordinal.regression(classes, matrix, TERMS, inside, design, LEVELS)
    assert (fitted.status, fitted.df, fitted.df_residual) == ("converged", r["df"], r["df_residual"])
    agree(fitted.coefficients, fitted.covariance, r["coefficients"] + r["thresholds"], r["covariance"])
    for found, wald in zip(
        survey_ordinal.brant(classes, matrix, TERMS, inside, design, LEVELS), r["brant"]["statistic"], strict=True
    ):
        if fitted.df < found.df:
            assert found.problem
            continue
        left = fitted.df - found.df + 1
        assert found.statistic == pytest.approx(wald * left / (fitted.df * found.df), rel=1e-7)
        assert found.p_value == pytest.approx(stats.f.sf(found.statistic, found.df, left))


def test_recalled_classes_agree_with_svyolr(shared: Path) -> None:
    # The survey itself is not kept here; what R found in it is.
    cohort = open_cohort(f"nhanes:{shared / 'data' / 'nhanes'}")
    people, r = cohort.frame("participants"), R["nhanes"]
    classes = recalled_outcomes.classes(people)
    inside = (people["age_years"] >= 20).fill_null(value=False).to_numpy() & np.isfinite(classes)
    matrix = np.column_stack([(people["age_years"] - 60) / 10, people["sex"] == "female"]).astype(float)
    design = SamplingDesign.of(people["stratum"], people["psu"], people["weight_interview"])
    fitted = survey_ordinal.regression(classes, matrix, ("age_decade", "female"), inside, design, LEVELS)
    assert (fitted.status, fitted.n, fitted.df) == ("converged", r["n"], r["df"])
    agree(fitted.coefficients, fitted.covariance, r["coefficients"] + r["thresholds"], r["covariance"])
