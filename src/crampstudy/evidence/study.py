"""One published comparison of a treatment, as it stands in the evidence or in a reader's own file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crampstudy import wording
from crampstudy.readable import OneLine

Role = Literal["trial", "alternative", "pooled"]
POOLED_COMPARISONS = ("placebo", "none")
"""What a treatment is compared with in one pool; another treatment is in a pool of its own."""


@dataclass(frozen=True, slots=True, repr=False)
class Study(OneLine):
    """A row of ``trials.csv``, whose descriptor says what each column holds; ``None`` where a cell is empty."""

    study: str
    agent: str
    population: str
    trial: str | None = None
    year: int | None = None
    dose: str | None = None
    comparison: str = "placebo"
    comparator: str | None = None
    participants: str | None = None
    design: str = "parallel"
    role: Role = "trial"
    n_treated: int | None = None
    n_control: int | None = None
    n_total: int | None = None
    days: int | None = None
    nights: float | None = None
    outcome: str = "cramps"
    unit: str | None = None
    unit_presumed: str | None = None
    scale: str | None = "difference"
    mean_treated: float | None = None
    sd_treated: float | None = None
    mean_control: float | None = None
    sd_control: float | None = None
    effect: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    difference_per_week: float | None = None
    se_per_week: float | None = None
    result: str | None = None
    not_pooled: str | None = None
    risk_of_bias: str | None = None
    judged_by: str | None = None
    concern: str | None = None
    certainty: str | None = None
    certainty_by: str | None = None
    citation: str | None = None
    doi: str | None = None
    pmid: str | None = None

    @property
    def of(self) -> str:
        """The trial whose participants the row is of."""
        return self.trial or self.study

    @property
    def against(self) -> str:
        """The comparator in words."""
        return self.comparator or self.comparison

    @property
    def people(self) -> int | None:
        """Participants, those of a crossover once."""
        if self.n_total is not None or self.n_treated is None or self.n_control is None:
            return self.n_total
        return self.n_treated if self.design == "crossover" else self.n_treated + self.n_control

    @property
    def source(self) -> str:
        """Citation with its identifier."""
        identifier = f"doi:{self.doi}" if self.doi else f"PMID {self.pmid}" if self.pmid else ""
        return ", ".join(filter(None, (wording.ranges(self.citation or ""), identifier))) or "not published"
