"""What a reader may set of every analysis: the one home of these defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from crampstudy import suggestions, wording
from crampstudy.age_bands import DEFAULT_LIMITS, STANDARDS, AgeBands, Standard
from crampstudy.causal import CausalGraph
from crampstudy.claims import ClaimPlan
from crampstudy.cohort import Cohort
from crampstudy.confidence import check_level
from crampstudy.errors import UsageError
from crampstudy.nights.calendar import HEMISPHERES, Hemisphere
from crampstudy.treatments.question import TreatmentQuestion


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of an analysis; the parameters of a notebook have the same names and defaults.

    Args:
        age_bands: lower limits of the age bands, in years; people below the first are left out of what is by age.
        standard: standard population of age-standardised figures, or ``none``.
        ci_level: confidence level of the intervals.
        per_coefficient: participants that a model needs for each coefficient; of fewer the last terms are left out.
        graph: who causes whom, for ratios that are adjusted by a causal graph; by default that of the study.
        hemisphere: ``north`` or ``south``, which says what months are winter.
        run_in: nights from a participant's first logged night to time zero of a treatment, of everybody in a trial and
            of the untreated in open use; by default as the tables say.
        build_up: nights after the start of a treatment that are left out, as its effect is not there yet.
        washout: nights after its end that are left out, as its effect may last.
        where: a condition on participants, such as ``sex = 'female'``; who does not meet it is outside of every
            analysis, in a survey with a design that stays whole.
        plan: which claims were planned before the data were looked at; the others are post hoc.
        multiverse: whether claims are tested under other specifications as well, which takes minutes.
        reference_band: the age band that the others are compared with, such as ``20-39``; by default the youngest with
            enough participants and a cramp.
        smd: whether the table of characteristics has standardised mean differences between the age bands.

    Raises:
        BandError: the limits do not increase, or the reference is none of the bands.
        UsageError: the standard, the level, the hemisphere or a number of nights is none of what is allowed.
    """

    age_bands: Sequence[int] = DEFAULT_LIMITS
    standard: Standard | Literal["none"] = "who"
    ci_level: float = 0.95
    per_coefficient: int = 5
    graph: CausalGraph | None = None
    hemisphere: Hemisphere = "north"
    run_in: int | None = None
    build_up: int = 0
    washout: int = 0
    where: str | None = None
    plan: ClaimPlan | None = None
    multiverse: bool = False
    reference_band: str | None = None
    smd: bool = False

    def __post_init__(self) -> None:
        # A notebook's list, so that two settings of the same limits are equal and nobody can change them.
        object.__setattr__(self, "age_bands", AgeBands(tuple(self.age_bands)).limits)
        if self.reference_band is not None:
            object.__setattr__(self, "reference_band", self.bands.find(self.reference_band))
        if self.standard not in (*STANDARDS, "none"):
            said, allowed = f"no standard population {self.standard!r}", f"allowed: {', '.join(STANDARDS)}, none"
            raise suggestions.unknown(UsageError, said, self.standard, (*STANDARDS, "none"), allowed, closed=True)
        if self.hemisphere not in HEMISPHERES:
            said, allowed = f"no hemisphere {self.hemisphere!r}", f"allowed: {', '.join(HEMISPHERES)}"
            raise suggestions.unknown(UsageError, said, self.hemisphere, HEMISPHERES, allowed, closed=True)
        check_level(self.ci_level)
        # Its numbers of nights are checked where they are asked for.
        self.of_treatments()

    def of_treatments(self) -> TreatmentQuestion:
        """Return how the effects of treatments are asked for.

        Raises:
            UsageError: a number of nights is none of what is allowed.
        """
        return TreatmentQuestion(self.ci_level, run_in=self.run_in, build_up=self.build_up, washout=self.washout)

    @property
    def bands(self) -> AgeBands:
        """The age bands."""
        return AgeBands(tuple(self.age_bands))

    @property
    def youngest(self) -> int:
        """The first limit, in years."""
        return self.age_bands[0]

    @property
    def whose(self) -> str:
        """Who people are, after a space, where a condition names a part of them: `` who meet the condition (…)``."""
        return "" if self.where is None else f" who meet the condition ({wording.condition(self.where)})"

    def to_draw(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return rows by age without those below the first limit, who are few and would rule a figure."""
        return rows[rows["population"] != self.bands.labels[0]]

    def old_enough(self, cohort: Cohort) -> str | None:
        """Return the condition of those from the first limit on; where nobody has an age, all are taken."""
        return f"age_years >= {self.youngest}" if cohort.has("age_years") else None
