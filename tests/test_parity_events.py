"""Times to an event agree with R's survival: Cox regression, its check, Kaplan-Meier curves and gap times."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from crampstudy.models.inference import covariance
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.times.cox import Times, Transform, cox, proportionality
from crampstudy.models.times.kaplan_meier import kaplan_meier, restricted_mean

PARITY = Path(__file__).parent / "parity"
R: Any = json.loads((PARITY / "events.json").read_text(encoding="utf-8"))
KINDS: tuple[Covariance, ...] = ("cluster-hc0", "model")
TRANSFORMS: tuple[Transform, ...] = ("km", "identity")
SETTINGS = ("plain", "strata", "entry", "both")

Floats = NDArray[np.float64]


def codes(column: pl.Series) -> NDArray[np.intp]:
    return column.rank("dense").to_numpy().astype(np.intp) - 1


@pytest.fixture(scope="module")
def episodes() -> pl.DataFrame:
    return pl.read_csv(PARITY / "events-data.csv").with_columns(
        stretch=(pl.col("remedy") == "stretch").cast(pl.Float64),
        heat=(pl.col("remedy") == "heat").cast(pl.Float64),
        age=(pl.col("age_years") - 60) / 10,
        pain=pl.col("pain_0_10").cast(pl.Float64),
    )


def arrays(episodes: pl.DataFrame, setting: str) -> tuple[Any, ...]:
    """The arguments of a fit: matrix, stop, event, start and strata."""
    start = episodes["entry_s"].to_numpy().astype(float) if setting in ("entry", "both") else None
    strata = episodes["late"].to_numpy().astype(np.intp) if setting in ("strata", "both") else None
    matrix = episodes.select(R[setting]["terms"]).to_numpy()
    return matrix, episodes["stop_s"].to_numpy().astype(float), episodes["event"].to_numpy() == 1, start, strata


def gap_arrays() -> tuple[pl.DataFrame, Floats, NDArray[np.bool_]]:
    people = pl.read_csv(PARITY / "diary" / "participants.csv").with_columns(
        age=(pl.col("age_years") - 60) / 10, female=(pl.col("sex") == "female").cast(pl.Float64)
    )
    gaps = pl.DataFrame({name: R["gaps"][name] for name in ("participant_id", "gap", "time", "event")})
    gaps = gaps.join(people, on="participant_id", how="left", maintain_order="left")
    return gaps, gaps["time"].to_numpy().astype(float), gaps["event"].to_numpy() == 1


def agrees(made: tuple[Any, ...], groups: NDArray[np.intp], expected: Any) -> None:
    fitted = cox(*made)
    assert fitted.problem is None
    assert fitted.events == expected["events"]
    assert len(fitted.scores) == expected["rows"]
    assert fitted.coefficients == pytest.approx(expected["coefficients"], rel=1e-8)
    likelihoods = [fitted.null_log_likelihood, fitted.log_likelihood]
    assert likelihoods == pytest.approx(expected["log_likelihood"], rel=1e-12)
    for kind in KINDS:
        found = covariance.covariance(fitted.information, fitted.scores, groups, kind)
        assert found == pytest.approx(np.array(expected["covariance"][kind]), rel=1e-7, abs=1e-10)
    for transform in TRANSFORMS:
        check = proportionality(fitted, made[0], Times(*made[1:]), groups=groups, transform=transform)
        r = expected[transform]
        assert check.statistic == pytest.approx(r["statistic"], rel=1e-6)
        assert check.df == pytest.approx(r["df"])
        assert check.p_value == pytest.approx(r["p"], rel=1e-6)


@pytest.mark.parametrize("setting", SETTINGS)
def test_cox_agrees_with_r(episodes: pl.DataFrame, setting: str) -> None:
    agrees(arrays(episodes, setting), codes(episodes["participant_id"]), R[setting])


def test_the_residuals_over_time_are_those_of_r(episodes: pl.DataFrame) -> None:
    made = arrays(episodes, "plain")
    groups = codes(episodes["participant_id"])
    for transform in TRANSFORMS:
        check, r = (
            proportionality(cox(*made), made[0], Times(*made[1:]), groups=groups, transform=transform),
            R["plain"][transform],
        )
        assert check.time[::4] == pytest.approx(r["time"])
        assert check.transformed[::4] == pytest.approx(r["transformed"], rel=1e-10)
        # Tied events have no order: theirs are compared together.
        sums = [np.bincount(check.time[::4].astype(int), weights=column) for column in check.residuals[::4].T]
        theirs = [np.bincount(check.time[::4].astype(int), weights=column) for column in np.array(r["residuals"]).T]
        assert np.array(sums) == pytest.approx(np.array(theirs), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("setting", ["pwp", "unstratified"])
def test_gap_times_agree_with_r(setting: str) -> None:
    gaps, time, event = gap_arrays()
    strata = gaps["gap"].to_numpy().astype(np.intp) if setting == "pwp" else None
    made = gaps.select("age", "female").to_numpy(), time, event, None, strata
    agrees(made, codes(gaps["participant_id"]), R[setting])


@pytest.mark.parametrize("remedy", ["none", "stretch", "heat"])
@pytest.mark.parametrize("kind", KINDS)
def test_kaplan_meier_agrees_with_r(episodes: pl.DataFrame, remedy: str, kind: Covariance) -> None:
    used, r = episodes.filter(pl.col("remedy") == remedy), R["curves"][remedy][kind]
    made = used["stop_s"].to_numpy().astype(float), used["event"].to_numpy() == 1, codes(used["participant_id"])
    curve = kaplan_meier(*made, kind=kind)
    assert curve.time.tolist() == r["time"]
    assert curve.at_risk.tolist() == r["at_risk"]
    assert curve.events.tolist() == r["events"]
    assert curve.survival == pytest.approx(r["survival"], rel=1e-12, abs=1e-12)
    reached = curve.survival > 0
    errors = np.array(r["std_error"], dtype=float)
    assert curve.std_error[reached] == pytest.approx(errors[reached], rel=1e-8)
    # Few participants take t with G - 1 here, z in R.
    z = curve if kind == "model" else replaced_by_z(curve)
    for limits, theirs in zip(z.interval(0.95), (r["low"], r["high"]), strict=True):
        assert limits[reached] == pytest.approx(np.array(theirs, dtype=float)[reached], rel=1e-8)
    assert z.median(0.95) == pytest.approx(tuple(np.nan if v is None else v for v in r["median"]), nan_ok=True)
    mean = restricted_mean(60.0, *made, kind=kind)
    assert (mean.estimate, mean.std_error) == pytest.approx(r["mean60"], rel=1e-8)


def replaced_by_z(curve: Any) -> Any:
    return replace(curve, df=float("inf"))
