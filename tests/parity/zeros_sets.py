"""Write the highest log-likelihoods that other engines find for ``zeros-sets.csv``: ``python …/zeros_sets.py``.

scipy climbs (BFGS, then Nelder-Mead from the best end) a likelihood written with gamma functions from 30 random
starts; statsmodels fits the zero-inflated model by BFGS. ``zeros.json`` has glmmTMB's. A log theta above 12 counts
as 12: the likelihood is that of Poisson there. Takes some minutes.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import polars as pl
import statsmodels.api as sm
from scipy import optimize
from scipy.special import expit, gammaln

HERE = Path(__file__).parent
STARTS = 30


def log_likelihood(at: np.ndarray, kind: str, x: np.ndarray, z: np.ndarray, frame: pl.DataFrame) -> float:
    """Return the log-likelihood of coefficients, zero part and log theta."""
    y, times = frame["cramps"].to_numpy(), frame["times"].to_numpy()
    theta = np.exp(np.clip(at[-1], -12, 12))
    mu = np.exp(np.clip(x @ at[: x.shape[1]] + np.log(frame["hours"].to_numpy()), -40, 20))
    pi = expit(np.clip(z @ at[x.shape[1] : -1], -30, 30))
    at_zero = -theta * np.log1p(mu / theta)
    counts = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1) + at_zero + y * np.log(mu / (mu + theta))
    if kind == "inflated":
        each = np.log(pi * (y == 0) + (1 - pi) * np.exp(counts) + 1e-300)
    else:
        each = np.where(y == 0, np.log(pi), np.log1p(-pi) + counts - np.log(-np.expm1(at_zero) + 1e-300))
    return float(times @ each)


def highest(kind: str, frame: pl.DataFrame, rng: np.random.Generator) -> float:
    """Return the best of all starts."""
    ones = np.ones(frame.height)
    z = np.column_stack([ones, frame["x"]])
    x = np.column_stack([z, frame["w"]])

    def loss(at: np.ndarray) -> float:
        return -log_likelihood(at, kind, x, z, frame)

    ends = []
    for _ in range(STARTS):
        start = np.concatenate([[rng.uniform(-5, 0)], rng.normal(0, 0.5, 2), rng.normal(0, 2, 2), [rng.uniform(-2, 4)]])
        ends.append(optimize.minimize(loss, start, method="BFGS"))
    best = min(ends, key=lambda end: end.fun)
    polished = optimize.minimize(
        loss, best.x, method="Nelder-Mead", options={"maxiter": 4000, "xatol": 1e-7, "fatol": 1e-9}
    )
    return -float(min(best.fun, polished.fun))


def by_statsmodels(frame: pl.DataFrame) -> float | None:
    """Return the log-likelihood at which statsmodels stops, if it is a number."""
    rows = frame.select(pl.all().repeat_by("times").explode())
    z = np.column_stack([np.ones(rows.height), rows["x"]])
    model = sm.ZeroInflatedNegativeBinomialP(
        rows["cramps"].to_numpy(), np.column_stack([z, rows["w"]]), exog_infl=z, offset=np.log(rows["hours"].to_numpy())
    )
    try:
        value = float(model.fit(method="bfgs", maxiter=1000, disp=0).llf)
    except (np.linalg.LinAlgError, ValueError):
        return None
    return value if np.isfinite(value) else None


def main() -> None:
    """Fit all sets with all engines."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(7)
    sets = pl.read_csv(HERE / "zeros-sets.csv").partition_by("set", maintain_order=True)
    found = {
        f"scipy, {STARTS} starts": {kind: [highest(kind, one, rng) for one in sets] for kind in ("inflated", "hurdle")}
    }
    found["statsmodels"] = {"inflated": [by_statsmodels(one) for one in sets]}
    (HERE / "zeros_sets.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
