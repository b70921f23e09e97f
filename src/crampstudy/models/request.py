"""What is asked of a model: one frozen record from every door to every engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

import numpy as np

from crampstudy import suggestions
from crampstudy.age_bands import AgeBands
from crampstudy.causal import CausalGraph
from crampstudy.cohort import Cohort, check_opened, subpopulation
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.terms import design_matrix, formula
from crampstudy.nights import Diary
from crampstudy.readable import OneLine

EXPOSURES = ("nights", "hours_in_bed")


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """What some families take and others do not; what each says stands with :func:`crampstudy.fit`."""

    random_slope: str | None = None
    zero_terms: str | None = None
    free_terms: str | None = None
    at_most: int | None = None
    near_nightly: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """The names of the options that are set."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) != each.default)


@dataclass(frozen=True, slots=True, repr=False)
class ModelRequest(OneLine):
    """A model asked of a cohort, the arguments of :func:`crampstudy.fit`; ``remarks`` are to be said with its answer.

    What comes from :func:`crampstudy.models.validation.validate` holds together; what a family is asked does.
    """

    cohort: Cohort | Diary
    model: str
    terms: str
    outcome: str
    exposure: str = "nights"
    covariance: Covariance = "auto"
    where: str | None = None
    weight: str | None = None
    ci_level: float = 0.95
    bands: AgeBands = field(default_factory=AgeBands)
    per: Mapping[str, float] = field(default_factory=dict)
    margins: Margins = MARGINS
    analysis: str = kinds.REGRESSION.name
    participants_per_coefficient: int | None = None
    options: ModelOptions = ModelOptions()
    effect_of: str | None = None
    graph: CausalGraph | None = None
    remarks: tuple[str, ...] = ()
    adjusted_for: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_opened(self.cohort)

    @property
    def names(self) -> set[str]:
        """The variables of the terms and of the condition."""
        where = set(subpopulation.names(self.where) if self.where else ())
        return formula.names_in(formula.parse(self.terms)) | where


def check_multiples(per: Mapping[str, float], *designs: design_matrix.Design) -> None:
    """Check the multiples in which terms of any of the ``designs`` are reported.

    Raises:
        UsageError: one is of no term, of a term with levels, or is 0 or infinite.
    """
    terms = {term for design in designs for term in design.all_terms()}
    levels = {column.term for design in designs for column in design.columns if column.level is not None}
    for term, multiple in per.items():
        if term not in terms:
            said = f"per names {term!r}, which is no term"
            raise suggestions.unknown(UsageError, said, term, terms, f"the terms are {', '.join(sorted(terms))}")
        if term in levels:
            raise UsageError(f"per names {term!r}, which has levels; only a number is reported in multiples")
        if not np.isfinite(multiple) or multiple == 0:
            raise UsageError(f"per gives {term} the multiple {multiple:g}; a multiple is a number other than 0")
