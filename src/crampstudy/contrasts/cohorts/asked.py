"""What a comparison of cohorts is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.age_bands import AgeBands, AnyStandard
from crampstudy.contrasts.cohorts.adjusted import Over
from crampstudy.contrasts.cohorts.few_events import Method
from crampstudy.estimates.verdicts import Margins


@dataclass(frozen=True, slots=True)
class Asked:
    """The arguments of :func:`crampstudy.compare` that all of its parts share, by their names there."""

    by: str
    bands: AgeBands
    standard: AnyStandard
    where: str | None
    adjust: str
    ci_level: float
    margins: Margins
    average_over: Over = "all"
    pool: bool = False
    few_events: Method | None = None
    bootstrap: int = 0
    rng: np.random.Generator | None = None

    @property
    def whole(self) -> str:
        """The label of all groups together."""
        return f"{self.bands.limits[0]}+"
