"""Models of cramps: a formula and a cohort in, tidy estimates out."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from crampstudy.models.fit import answer, fit

if TYPE_CHECKING:
    from crampstudy.models.coefficients.result import Fit
    from crampstudy.models.registry import MODELS

__all__ = ["MODELS", "Fit", "answer", "fit"]

# What is described without a model uses parts of this package, and should not have to load the families.
_HOMES = {"MODELS": "crampstudy.models.registry", "Fit": "crampstudy.models.coefficients.result"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
