"""What a reader may set of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from crampstudy.age_bands import DEFAULT_LIMITS, AgeBands
from crampstudy.cohort import Cohort
from crampstudy.confidence import check_level
from crampstudy.contrasts.cohorts.adjusted import Over
from crampstudy.contrasts.cohorts.asked import (
    check_adjusted,
    check_average,
    check_by,
    check_part,
    reference_of,
    standard_of,
)
from crampstudy.errors import UsageError

Factors = Literal["main", "all", "none"]


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
        average_over: whose participants these are: those of ``all`` cohorts or of the ``reference``.
        ci_level: confidence level of the intervals.
        factors: which declared contrasts of factors are compared: ``main``, ``all`` or ``none``.

    Raises:
        BandError: the limits do not increase.
        UsageError: the level does not lie between 0 and 1, or ``factors`` is none of these.
    """

    by: str = "age_band"
    age_bands: Sequence[int] = DEFAULT_LIMITS
    standard: str = "who"
    where: str | None = None
    reference: str | None = None
    adjust: str = ""
    average_over: Over = "all"
    ci_level: float = 0.95
    factors: Factors = "main"

    def __post_init__(self) -> None:
        object.__setattr__(self, "age_bands", AgeBands(tuple(self.age_bands)).limits)
        check_level(self.ci_level)
        if self.factors not in get_args(Factors):
            raise UsageError(f"factors are {', '.join(get_args(Factors))}; got {self.factors!r}")

    @property
    def file(self) -> Path | None:
        """The file of the standard population, if it is one's own."""
        is_file = isinstance(self.standard, str) and self.standard.lower().endswith(".csv")
        return Path(str(self.standard)) if is_file else None

    def check(self, cohorts: Sequence[Cohort]) -> None:
        """Check that cohorts can be compared in this way, before anything is estimated.

        Raises:
            UsageError: the groups, the condition, the terms, the reference or the standard are none of the cohorts'.
            SourceError: the file of the standard cannot be read.
        """
        reference_of(cohorts, self.reference)
        check_average(self.average_over, self.adjust)
        for cohort in cohorts:
            check_by(cohort, self.by, self.bands)
            check_part(cohort, self.bands, self.where)
        check_adjusted(cohorts, self.adjust, self.bands)
        standard_of(self.standard, cohorts, self.bands, self.where)

    @property
    def bands(self) -> AgeBands:
        """The age bands."""
        return AgeBands(tuple(self.age_bands))
