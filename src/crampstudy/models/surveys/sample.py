"""What a family of a survey is fitted to: its participants, the design of the terms, and that of the sampling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from crampstudy import codebook, suggestions
from crampstudy.arrays import Array
from crampstudy.cohort import SurveyDesign, subpopulation
from crampstudy.cohort.account import INCOMPLETE, WEIGHTLESS, Account, lost_tables, read_as, unmet
from crampstudy.errors import UsageError
from crampstudy.models.coefficients.lone_levels import Rest
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.common.estimability import name
from crampstudy.models.family import Family
from crampstudy.models.request import ModelRequest, check_multiples
from crampstudy.models.surveys.domain_means import lonely_note
from crampstudy.models.surveys.effective_size import Sampled
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.models.terms import design_matrix
from crampstudy.nights import Diary, people


@dataclass(frozen=True, kw_only=True)
class SampleFamily(Family):
    """A family of a survey's participants as what it takes of them.

    ``measure`` gives the outcome by name (n), NaN where there is none; ``intercept`` says whether its terms have one.
    """

    measure: Callable[[pl.DataFrame, str], Array]
    intercept: bool = True


@dataclass(frozen=True, slots=True)
class Sample:
    """What a model of a survey is fitted to: all participants, the design of the terms, and that of the sampling."""

    request: ModelRequest
    frame: pl.DataFrame
    outcome: Array
    design: design_matrix.Design
    sampling: SamplingDesign
    remarks: tuple[str, ...]
    account: Account

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [name(column) for column in self.design.columns]

    @property
    def matrix(self) -> Array:
        """The standard columns of all participants, zeros where one is not in the model."""
        return self.design.standardised().over_all_rows()

    def moments(self, matrix: Array, df_residual: int) -> Sampled:
        """Return what the participants in the model tell of the coefficients of the columns ``matrix`` (n x p)."""
        return Sampled.of(matrix, self.sampling.weight[self.design.rows], float(df_residual))

    def left(self, rest: Rest) -> Sample:
        """Return what is left of it without the rows of what is one participant's alone."""
        account = rest.account(self.account)
        remarks = (*self.remarks, account.remarks()[-1])
        return replace(self, design=rest.design, account=account, remarks=remarks)


IN_NEITHER = "with mild cramps, in neither of the groups compared"
"""Why somebody who answered is left out, where one to four cramps in the month are neither many nor none."""


def sample(family: SampleFamily, request: ModelRequest) -> Sample:
    """Return what a request of a survey's participants is answered from.

    Raises:
        UsageError: the model and the arguments do not go together, a name is unknown, or the cohort is a diary.
    """
    cohort = request.cohort
    if isinstance(cohort, Diary) or cohort.kind != "survey" or cohort.design is None:
        raise UsageError(f"{request.model} needs a survey cohort; {cohort.name} is a diary")
    if request.exposure != "nights" or request.covariance != "auto":
        raise UsageError(f"{request.model} takes no exposure, and its covariance is that of the sampling design")
    frame = people(cohort, request.bands)
    part = subpopulation.select_participants(cohort, frame, request.where)
    if family.numbers_of:
        _check_number(request, frame, cohort.design)
    outcome = family.measure(frame, request.outcome)
    variables = {request.outcome} | request.names
    weight = request.weight or recalled_outcomes.weight_for(cohort.design, variables)
    if weight not in frame.columns:
        weights = [*cohort.design.weights.values()]
        said = f"the cohort has no weight {weight!r}"
        raise suggestions.unknown(
            UsageError, said, weight, codebook.candidates(weight, weights), f"allowed: {', '.join(weights)}"
        )
    inside, weighted = part.inside.to_numpy(), frame[weight].fill_null(0.0).to_numpy() > 0
    answered = inside & np.isfinite(outcome)
    design = design_matrix.build(
        frame, request.terms, candidate=answered & weighted, per_coefficient=request.participants_per_coefficient
    )
    check_multiples(request.per, design)
    if design.weights is not None:
        raise UsageError(f"{request.model} takes no weights(); the survey's own weight is an option")
    if not family.intercept:
        design = design.without_intercept()
    sampling = SamplingDesign.of(frame[cohort.design.stratum], frame[cohort.design.psu], frame[weight].to_numpy())
    neither = inside & recalled_outcomes.between_groups(frame, request.outcome)
    unanswered = f"without {request.outcome}" if family.numbers_of else "without an answer"
    left_out = (
        *unmet(request.where, part, frame),
        (unanswered, int((inside & ~answered & ~neither).sum())),
        (IN_NEITHER, int(neither.sum())),
        (WEIGHTLESS, int((answered & ~weighted).sum())),
        (INCOMPLETE, design.incomplete),
    )
    tables = lost_tables(cohort.attrition.tables, "participants")
    read = read_as(frame, variables, "participants")
    account = Account("participants", frame.height, left_out, tables, read)
    remarks = (
        f"weighted by {weight}",
        *(f"with {term}" for term in design.beside),
        *request.remarks,
        *design.remarks,
        lonely_note(int((sampling.present(design.rows) == 1).sum())),
        *account.remarks(),
    )
    return Sample(request, frame, outcome, design, sampling, remarks, account)


def _check_number(request: ModelRequest, frame: pl.DataFrame, design: SurveyDesign) -> None:
    """Check that the outcome is a number of the participants, and no part of the sampling."""
    sampling = {design.stratum, design.psu, *design.weights.values()}
    numbers = [name for name, dtype in frame.schema.items() if dtype.is_numeric() and name not in sampling]
    if request.outcome not in numbers:
        said = f"{request.model} takes a number of the participants as outcome, and {request.outcome!r} is none"
        raise suggestions.unknown(
            UsageError,
            said,
            request.outcome,
            codebook.candidates(request.outcome, numbers),
            f"they have {', '.join(numbers)}",
        )
