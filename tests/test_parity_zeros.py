"""Zero-inflated and hurdle negative binomial against glmmTMB and written-out likelihoods in R."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.zeros.zero_inflated import ZerosFit
from crampstudy.models.registry import NIGHT_FAMILIES

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "zeros.json").read_text())["fits"]
ZERO: dict[str, tuple[str, ...]] = {"plain": (), "zero_terms": ("x", "w"), "hours": ("x",)}
MODELS = {"inflated": "zero-inflated-negative-binomial", "hurdle": "hurdle-negative-binomial"}


def data(setting: str) -> Data:
    """Return the rows that ``zeros.R`` fits."""
    rows = pl.read_csv(PARITY / "zeros-data.csv")
    one = np.ones(rows.height)
    return Data(
        matrix=np.column_stack([one, rows["x"], rows["w"]]),
        outcome=rows["cramps"].to_numpy().astype(float),
        offset=np.log(rows["hours"].to_numpy()) if setting == "hours" else np.zeros(rows.height),
        groups=rows["person"].to_numpy().astype(np.intp),
        nights=np.arange(rows.height),
        zero=np.column_stack([one, *(rows[name] for name in ZERO[setting])]),
    )


@pytest.mark.parametrize("kind", ["cluster", "cluster-hc0", "model"])
@pytest.mark.parametrize("setting", ZERO)
@pytest.mark.parametrize("law", MODELS)
def test_agrees_with_r(law: str, setting: str, kind: Covariance) -> None:
    r = R[law][setting]
    assert r["gradient"] < 1e-10
    solved = NIGHT_FAMILIES[MODELS[law]].solve(data(setting), "cramps", kind, None)
    assert solved.problem is None and solved.zero is not None and isinstance(solved.fitted, ZerosFit)
    se = r["se"][kind]
    parts = (
        (solved.coefficients, solved.variance, r["coefficients"], se["counts"]),
        (solved.zero.coefficients, solved.zero.variance, r["zero"], se["zero"]),
    )
    for b, variance, theirs, errors in parts:
        scale = np.maximum(np.abs(np.atleast_1d(theirs)), np.atleast_1d(errors))
        assert np.max(np.abs(b - theirs) / scale) < 1e-6
        assert np.sqrt(np.diag(variance)) == pytest.approx(np.atleast_1d(errors), rel=1e-4)
    assert solved.log_likelihood == pytest.approx(r["log_likelihood"], abs=1e-7)
    assert solved.fitted.dispersion == pytest.approx(r["dispersion"], rel=1e-6)
    assert solved.fitted.dispersion_error == pytest.approx(r["dispersion_error"], rel=1e-4)
