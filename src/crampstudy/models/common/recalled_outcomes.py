"""Recalled 30-day classes as outcomes, and the weight that a survey analysis needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook, wording
from crampstudy.codebook.recalled import LOWS
from crampstudy.cohort import SurveyDesign
from crampstudy.errors import NoWeight, UsageError

CONTRASTS: Mapping[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "moderate_severe_vs_none": ((3, 4), (0,)),
    "moderate_severe_vs_rest": ((3, 4), (0, 1, 2)),
    "any_cramp": ((1, 2, 3, 4), (0,)),
}
"""Binary outcomes by name: the classes that count as 1 and those that count as 0 (Grandner and Winkelman 2017)."""


def classes(participants: pl.DataFrame) -> NDArray[np.float64]:
    """Return the recalled class 0-4 of each participant, NaN where there is no answer.

    Raises:
        UsageError: the participants have no recalled class.
    """
    low = lows(participants)
    return np.where(np.isnan(low), np.nan, np.searchsorted(LOWS, low, side="right") - 1.0)


def lows(participants: pl.DataFrame) -> NDArray[np.float64]:
    """Return the fewest cramps in 30 days that each participant's answer allows, NaN where there is no answer.

    Raises:
        UsageError: the participants have no recalled class.
    """
    if "recalled_low" not in participants.columns:
        raise UsageError("the cohort has no recalled frequency class (recalled_low)")
    found: NDArray[np.float64] = participants["recalled_low"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return found


def binary(participants: pl.DataFrame, outcome: str) -> NDArray[np.float64]:
    """Return a binary outcome (1, 0, or NaN where the class is left out or missing)."""
    events, others = CONTRASTS[outcome]
    recalled = classes(participants)
    return np.where(np.isin(recalled, events), 1.0, np.where(np.isin(recalled, others), 0.0, np.nan))


def between_groups(participants: pl.DataFrame, outcome: str) -> NDArray[np.bool_]:
    """Return who answered with a class that a binary outcome has in neither of its groups; nobody for others."""
    if outcome not in CONTRASTS:
        return np.zeros(participants.height, dtype=bool)
    return np.isfinite(classes(participants)) & np.isnan(binary(participants, outcome))


def weight_for(design: SurveyDesign, variables: Iterable[str]) -> str:
    """Return the weight column of the most restrictive component among ``variables``.

    Raises:
        NoWeight: the design has none for that component.
    """
    found = [v for name in sorted(variables) if (v := codebook.find(name)) and v.component]
    ranks = [codebook.COMPONENTS.index(v.component) for v in found if v.component]
    component = codebook.COMPONENTS[max(ranks, default=0)]
    if component not in design.weights:
        # Where a variable of another component is asked for, it is what stands beside that needs this one.
        of = [wording.small(wording.label(v.name)) for v in found if v.component == component]
        measured = f", which measured {wording.listed(of)}" if of and len(of) < len(found) else ""
        where = f"crampstudy.design.weights.{component} in datapackage.json"
        raise NoWeight(f"the survey has no weight for its {component} component{measured}; name its column as {where}")
    return design.weights[component]
