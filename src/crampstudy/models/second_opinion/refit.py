"""What another implementation makes of a model's arrays, and whether its numbers may be believed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from crampstudy.arrays import Array

_SCORE = 1e-3
"""Largest score, in units of its standard error, at which a maximum counts as found."""
_NOT_OF_THE_FIT = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


@dataclass(frozen=True, slots=True)
class Found:
    """Coefficients (p) with standard errors (p), and what the model has ``beside`` them, by name."""

    coefficients: Array
    std_errors: Array
    beside: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refit:
    """What the function ``by`` found, or the ``problem`` because of which it is not to be believed.

    ``warned`` are the warnings it gave, each once; ``score`` the largest score in standard errors, where it is known.
    """

    by: str
    found: Found | None
    problem: str | None = None
    warned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RefitResult:
    """Where an optimiser ended: what it found, whether it says that it converged, and the ``score`` (k) left.

    ``spread`` (k) are the standard errors of the k parameters by the model, which give the score its unit.
    """

    found: Found
    converged: bool
    score: Array = field(default_factory=lambda: np.empty(0))
    spread: Array = field(default_factory=lambda: np.empty(0))


def attempt(by: str, run: Callable[[], RefitResult | None]) -> Refit:
    """Run a fit of statsmodels and judge it; its warnings are collected, its failures told.

    A flag of convergence alone is not believed: coefficients and errors must be numbers, and the score zero.
    """
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            ended, failure = run(), None
        except (np.linalg.LinAlgError, ValueError, ZeroDivisionError, PerfectSeparationError) as stopped:
            ended, failure = None, f"{by} of statsmodels stopped: {_line(stopped)}"
    told = [_line(w.message) for w in caught if not issubclass(w.category, _NOT_OF_THE_FIT)]
    warned = tuple(dict.fromkeys(told))
    if ended is None:
        return Refit(by, None, failure or f"{by} of statsmodels gave no result", warned)
    return Refit(by, ended.found, _problem(by, ended), warned)


def _problem(by: str, ended: RefitResult) -> str | None:
    if not ended.converged:
        return f"{by} of statsmodels did not converge"
    if not np.isfinite(ended.found.coefficients).all():
        return f"{by} of statsmodels ended without numbers, though it says that it converged"
    if not np.isfinite(ended.found.std_errors).all():
        return f"{by} of statsmodels has no standard errors: its information matrix is not positive definite"
    left = np.abs(ended.score * ended.spread).max(initial=0.0)
    if not left <= _SCORE:
        return f"{by} of statsmodels stopped short of the maximum: a score of {left:.2g} standard errors is left"
    return None


def _line(message: object) -> str:
    """Return the first line of a message as the part of a sentence."""
    text = str(message).strip().splitlines()
    return text[0].rstrip(".") if text else type(message).__name__
