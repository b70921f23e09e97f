"""The model families, one a line: what the doors know of models."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from crampstudy import suggestions
from crampstudy.errors import UsageError
from crampstudy.models.classes import family as ordinal_classes
from crampstudy.models.family import Family
from crampstudy.models.nights.families import counts, gee, linear, logistic, mixed, mixed_linear, zeros
from crampstudy.models.nights.fit import NightFamily
from crampstudy.models.surveys.families import interval_count, ratios
from crampstudy.models.surveys.families import linear as survey_linear
from crampstudy.models.surveys.families import ordinal as survey_ordinal
from crampstudy.models.times import family as times

_ALL: tuple[Family, ...] = (
    counts.POISSON,
    counts.NEGATIVE_BINOMIAL,
    logistic.LOGISTIC,
    linear.LINEAR,
    mixed.MIXED_POISSON,
    mixed.MIXED_NEGATIVE_BINOMIAL,
    mixed.MIXED_LOGISTIC,
    mixed_linear.MIXED_LINEAR,
    zeros.ZERO_INFLATED,
    zeros.HURDLE,
    gee.EXCHANGEABLE,
    gee.AR1,
    ordinal_classes.ORDINAL,
    times.COX,
    ratios.LOGISTIC,
    ratios.POISSON,
    survey_ordinal.ORDINAL,
    survey_linear.LINEAR,
    interval_count.INTERVAL_COUNT,
)
FAMILIES: Mapping[str, Family] = {family.name: family for family in _ALL}
"""The model families by name."""
MODELS: Mapping[str, tuple[str, ...]] = {family.name: family.outcomes for family in _ALL}
"""The models by name, each with the outcomes that it takes by name, the default first; some explain any number too."""
NIGHT_FAMILIES: Mapping[str, NightFamily] = {family.name: family for family in _ALL if isinstance(family, NightFamily)}
"""Those of nights."""


def find(name: str) -> Family:
    """Return a family by its name.

    Raises:
        UsageError: there is none.
    """
    if name not in FAMILIES:
        allowed = f"allowed: {', '.join(FAMILIES)}"
        raise suggestions.unknown(UsageError, f"no model {name!r}", name, FAMILIES, allowed)
    return FAMILIES[name]


def find_of_nights(name: str) -> NightFamily:
    """Return a family of nights by its name.

    Raises:
        UsageError: there is none, or it is no family of nights.
    """
    find(name)
    if name not in NIGHT_FAMILIES:
        raise UsageError(f"{name} is no model of nights; those are {', '.join(NIGHT_FAMILIES)}")
    return NIGHT_FAMILIES[name]


def taking(option: str) -> list[str]:
    """Return the names of the families that take an option (:class:`crampstudy.models.request.ModelOptions`)."""
    return [name for name, family in FAMILIES.items() if option in family.options]


def names_of_weighted() -> list[str]:
    """Return the names of the families of nights whose terms may have ``weights()``."""
    return [name for name, family in NIGHT_FAMILIES.items() if "weights" in family.functions]


def listing() -> pd.DataFrame:
    """Return a row per model: name, what it is fitted to, its outcomes, the default first, covariances and options.

    Several values of a cell are separated by commas. Where ``outcomes`` end with ``any number of the diary`` or ``of
    the participants`` the model explains such a number too. Of a survey ``auto`` is that of its sampling design.
    """
    return pd.DataFrame([_row(family) for family in FAMILIES.values()], dtype="string")


def _row(family: Family) -> dict[str, str]:
    numbers = [f"any number of the {family.numbers_of}"] if family.numbers_of else []
    return {
        "model": family.name,
        "fitted_to": family.rows,
        "outcomes": ", ".join([*family.outcomes, *numbers]),
        "covariances": ", ".join(family.covariances),
        "options": ", ".join(sorted(family.options)),
    }
