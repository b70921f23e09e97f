"""What people did on a day: which exposures stand in one model, and the ratio of one between participants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crampstudy.causal import measured_in
from crampstudy.codebook.exposures import BETWEEN
from crampstudy.cohort import Cohort
from crampstudy.contrasts.nights.nightly import adjusted_within_between, in_one_model
from crampstudy.estimates import kinds
from crampstudy.wording import CONTRAST

EXERTION, STRETCHED, WARMED_UP = "session_load", "stretching_night", "warm_up"
SITTING, BREAKS, STEPS = "sitting_min", "sitting_breaks", "steps"
STRETCHES = ("stretch_calf_min", "stretch_hamstring_min", "stretch_hip_flexor_min")
TOGETHER = (
    (EXERTION, "low_impact_min", SITTING, "mindfulness_min"),
    (STEPS, BREAKS, "stress_0_10"),
    STRETCHES,
    (STRETCHED,),
    (WARMED_UP,),
)
"""Exposures that stand in one model: none of them causes another of the same model."""


def between_ratio(cohort: Cohort, exposure: str, **asked: Any) -> pd.DataFrame:
    """Return the ratio of an exposure of :data:`TOGETHER` between participants, of the model that it stands in.

    Args:
        cohort: a diary that has the exposure.
        exposure: its column.
        asked: ``model``, ``where`` and other arguments of :func:`adjusted_within_between`.
    """
    measured = measured_in(cohort)
    (names,) = ([name for name in names if name in measured] for names in TOGETHER if exposure in names)
    (names,) = (each for each in in_one_model(cohort, names) if exposure in each)
    # Nothing is drawn: what is corrected for reliability is not asked for.
    rng = np.random.default_rng(0)
    rows = kinds.WITHIN_BETWEEN.rows(adjusted_within_between(cohort, names, rng=rng, corrected=False, **asked))
    return rows[rows["level"].eq(BETWEEN) & rows["term"].str.removeprefix(CONTRAST).eq(exposure)]
