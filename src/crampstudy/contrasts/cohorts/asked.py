"""What a comparison of cohorts is asked."""

from __future__ import annotations

from dataclasses import dataclass

from crampstudy.age_bands import AgeBands, AnyStandard
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

    @property
    def whole(self) -> str:
        """The label of all groups together."""
        return f"{self.bands.limits[0]}+"
