"""What a reader may set of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from crampstudy.age_bands import DEFAULT_LIMITS, AgeBands, StandardPopulation


@dataclass(frozen=True, slots=True)
class ComparisonSettings:
    """The settings of a comparison; the parameters of its notebook have the same names and defaults.

    Args:
        by: what cohorts are grouped by: ``age_band``, or a level or yes/no variable of the participants.
        age_bands: lower limits of the age bands, in years.
        standard: standard population, ``none``, one of the cohorts by its name, or the name of a CSV file.
        where: condition that names the same part of all cohorts.
        reference: the cohort that the others are compared with; the first by default.
        adjust: further terms for ratios at the same people, such as ``sex``.
        ci_level: confidence level of the intervals.

    Raises:
        BandError: the limits do not increase.
    """

    by: str = "age_band"
    age_bands: Sequence[int] = DEFAULT_LIMITS
    standard: str | StandardPopulation = "who"
    where: str | None = None
    reference: str | None = None
    adjust: str = ""
    ci_level: float = 0.95

    def __post_init__(self) -> None:
        object.__setattr__(self, "age_bands", AgeBands(tuple(self.age_bands)).limits)

    @property
    def bands(self) -> AgeBands:
        """The age bands."""
        return AgeBands(tuple(self.age_bands))
