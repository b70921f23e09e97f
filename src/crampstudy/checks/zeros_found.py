"""Whether the nights without a cramp need a part of their own: count models with and without one, on the same nights.

Information criteria take nights as independent, as the likelihoods do, and so say which law of the counts is nearest,
not how certain that is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.checks.result import Check, made, not_made
from crampstudy.cohort import Cohort
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.engine import Fitted, Solved
from crampstudy.models.nights.solution import Solution
from crampstudy.models.registry import NIGHT_FAMILIES
from crampstudy.models.request import ModelOptions, ModelRequest
from crampstudy.models.validation import solve
from crampstudy.nights import Diary
from crampstudy.readable import Readable
from crampstudy.wording import count, number

MODELS = ("poisson", "negative-binomial", "zero-inflated-negative-binomial", "hurdle-negative-binomial")
"""The models compared, those without a zero part first."""
NEGLIGIBLE_AIC = 2.0
"""A model whose AIC is this little above the lowest has as much support (Burnham and Anderson 2002)."""

_NAME = "zero part"
_PLAIN = "negative-binomial"
_MOST_COUNTS = 20


@dataclass(frozen=True, repr=False)
class ZerosFound(Readable):
    """A comparison of models: the ``check``, whose table has a row per model, and the ``rootogram`` (tidy).

    The rootogram has a row per model and count: ``observed`` nights, ``expected`` ones and the roots of both; counts
    of 20 and more are one row, ``20+``.
    """

    check: Check
    rootogram: pd.DataFrame


def zeros_found(
    cohort: Cohort | Diary,
    *,
    terms: str,
    zero_terms: str | None = None,
    exposure: str = "nights",
    where: str | None = None,
    bands: AgeBands | None = None,
) -> ZerosFound:
    """Compare Poisson, negative binomial, zero-inflated and hurdle negative binomial.

    All are fitted to the nights that are complete on ``terms`` and ``zero_terms``. The check passes where the
    negative binomial does no worse by AIC than the models with a part for zeros.

    Args:
        cohort: a diary; all arguments are those of ``crampstudy.fit``.
        terms: a right-hand side for the counts.
        zero_terms: one for the zero part; the same odds for all without it.
        exposure: ``nights`` or ``hours_in_bed``.
        where: condition that names a part of the cohort.
        bands: age bands behind ``age_band``.

    Raises:
        UsageError: as ``fit``.

    Source: Akaike 1974; Schwarz 1978; Kleiber and Zeileis 2016 (rootogram, Am Stat 70:296).
    """
    request = ModelRequest(
        cohort,
        "zero-inflated-negative-binomial",
        terms,
        "cramps",
        exposure=exposure,
        covariance="model",
        where=where,
        bands=bands or AgeBands(),
        options=ModelOptions(zero_terms=zero_terms),
    )
    return of_solution(solve(request, night_by_night=False))


def of_solution(solution: Solution) -> ZerosFound:
    """Compare the models on the nights of a zero-inflated or a hurdle model that was already worked out."""
    if solution.reason is not None:
        return ZerosFound(not_made(_NAME, solution.reason), pd.DataFrame())
    data = solution.data
    solved = {name: NIGHT_FAMILIES[name].solve(data, "cramps", "model", None) for name in MODELS}
    drawn = {
        name: _rootogram(name, data, found.fitted)
        for name, found in solved.items()
        if found.problem is None and found.fitted is not None
    }
    rows = [_row(name, solved[name], data, drawn.get(name)) for name in MODELS]
    rootogram = pd.concat(drawn.values(), ignore_index=True) if drawn else pd.DataFrame()
    return ZerosFound(_check(rows), rootogram)


def _check(rows: list[dict[str, Any]]) -> Check:
    fitted = [row for row in rows if np.isfinite(row["aic"])]
    plain = next((row for row in fitted if row["model"] == _PLAIN), None)
    if plain is None:
        return not_made(_NAME, "the negative binomial could not be fitted")
    best, by_bic = (min(fitted, key=lambda row: float(row[criterion])) for criterion in ("aic", "bic"))
    behind = plain["aic"] - best["aic"]
    said = (
        f"the lowest AIC is that of {best['model']}, {number(behind, 1)} below that of the negative binomial, the "
        f"lowest BIC that of {by_bic['model']}; {count(plain['zeros_observed'])} nights without a cramp were observed "
        f"and {count(round(plain['zeros_expected']))} expected by the negative binomial"
    )
    return made(_NAME, behind <= NEGLIGIBLE_AIC, rows, said)


def _row(name: str, solved: Solved, data: Data, rootogram: pd.DataFrame | None) -> dict[str, Any]:
    zero = 1 if data.zero is None else data.zero.shape[1]
    parameters = (
        data.matrix.shape[1] + NIGHT_FAMILIES[name].dispersion + (zero if NIGHT_FAMILIES[name].zero_part else 0)
    )
    times = _times(data)
    deviance = -2 * solved.log_likelihood if solved.problem is None else np.nan
    none = solved.zero is not None and solved.zero.status == "boundary"
    return {
        "model": name,
        "status": "not_converged" if solved.problem else "boundary" if none else "converged",
        "parameters": parameters,
        "log_likelihood": -deviance / 2,
        "aic": deviance + 2 * parameters,
        "bic": deviance + np.log(times.sum()) * parameters,
        "zeros_observed": round(float(times @ (data.outcome == 0))),
        "zeros_expected": np.nan if rootogram is None else float(rootogram["expected"].iloc[0]),
        "note": solved.problem or (solved.zero.reason if solved.zero and none else None),
    }


def _rootogram(name: str, data: Data, fitted: Fitted) -> pd.DataFrame:
    times, probability = _times(data), NIGHT_FAMILIES[name].probability
    if probability is None:
        raise TypeError(f"{name} is no model of counts")
    last = int(min(data.outcome.max(), _MOST_COUNTS - 1))
    expected = [float(times @ probability(data, fitted, value)) for value in range(last + 1)]
    observed = [float(times @ (data.outcome == value)) for value in range(last + 1)]
    rest = float(times.sum())
    cells: dict[str, Any] = {
        "model": name,
        "count": np.arange(last + 2),
        "cramps": [*map(str, range(last + 1)), f"{last + 1}+"],
        "observed": np.array([*observed, rest - sum(observed)]),
        "expected": np.array([*expected, max(rest - sum(expected), 0.0)]),
    }
    frame = pd.DataFrame(cells)
    roots = {f"{which}_root": np.sqrt(frame[which].clip(lower=0)) for which in ("observed", "expected")}
    return frame.assign(**roots)


def _times(data: Data) -> Array:
    return np.ones(len(data.outcome)) if data.weights is None else data.weights
