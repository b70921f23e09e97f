"""How a survey was sampled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crampstudy.codebook import Component
from crampstudy.cohort.read_only import ReadOnly
from crampstudy.readable import OneLine


@dataclass(frozen=True, slots=True, repr=False)
class SurveyDesign(OneLine):
    """How a survey was sampled: PSUs within strata, a weight column per component, the pooled cycles."""

    cycles: tuple[str, ...]
    weights: Mapping[Component, str]
    stratum: str = "stratum"
    psu: str = "psu"
    top_coded_age: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", ReadOnly(self.weights))

    @property
    def columns(self) -> frozenset[str]:
        """Names of the columns of participants that say who was sampled and how, and nothing else of them."""
        return frozenset(("participant_id", "cycle", self.stratum, self.psu, *self.weights.values()))
