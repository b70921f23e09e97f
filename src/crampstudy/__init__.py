"""Reproducible studies of nocturnal leg cramps: cohorts, models and reports.

from crampstudy import fit, open_cohort

cohort = open_cohort("my-study")
fit(cohort, model="negative-binomial", terms="age_decade + sex").estimates
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# The heavy parts are loaded when they are first asked for, so that a usage error answers at once.
_HOMES = {
    "AgeBands": "crampstudy.age_bands",
    "Cohort": "crampstudy.cohort",
    "Diary": "crampstudy.nights",
    "bootstrap": "crampstudy.models.bootstrap",
    "check": "crampstudy.checks",
    "compare": "crampstudy.contrasts.cohorts.compare",
    "describe": "crampstudy.descriptive",
    "fit": "crampstudy.models",
    "load": "crampstudy.sources",
    "open_cohort": "crampstudy.sources",
}

__all__ = [
    "__version__",
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        # Here, so that next to nothing is imported before a command can be interrupted without a traceback.
        from importlib.metadata import version

        return version("crampstudy")
    if name not in _HOMES:
        raise AttributeError(f"module 'crampstudy' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
