"""From a request of nights to its solution: the rows read, added up where that is exact, and the family fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import INCOMPLETE, UNREACHED, WEIGHTLESS, Account, read_as, unmet
from crampstudy.errors import UsageError
from crampstudy.models.coefficients.lone_levels import rests
from crampstudy.models.common.aggregation import Likelihood, compress
from crampstudy.models.common.estimability import counted_apart, separated
from crampstudy.models.common.separation import Apart
from crampstudy.models.inference.automatic import bias_reduces
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.engine import Engine
from crampstudy.models.nights.solution import Solution
from crampstudy.models.nights.validation import check_nights, checked_names, slope_column
from crampstudy.models.request import ModelRequest, check_multiples
from crampstudy.models.terms import design_matrix, formula
from crampstudy.models.terms.person_time import means
from crampstudy.nights import (
    ALIKE,
    Diary,
    counted_nights,
    denominator,
    night_account,
    observed_night,
    person_nights,
    repetitive,
)
from crampstudy.wording import counted as number_of

_CRAMPS_ALONE = "every night used had a cramp, so that nothing is said of nights without one"


def solve_nights(engine: Engine, request: ModelRequest, *, night_by_night: bool = False) -> Solution:
    """Fit a family to a request and return its numbers instead of rows.

    ``night_by_night`` keeps a row for each night; otherwise a participant's rows are added up where that is exact.

    Raises:
        UsageError: the family and the arguments do not go together, or a name is unknown.
    """
    check_nights(engine, request)
    source = _Source.read(engine, request, night_by_night=night_by_night)
    design, zero = source.designs()
    check_multiples(request.per, *filter(None, (design, zero)))
    account = source.account(design)
    first = source.solved(design, zero, account)
    if first.answered or not (left := rests(source.groups(design), *filter(None, (design, zero)))):
        return first
    slope = () if first.slope is None else (first.design.columns[first.slope],)
    if not {*slope} <= {*left[0].design.columns}:
        return first
    parts = [rest.design for rest in left]
    kept = left[0].account(account, source.nights[ALIKE].to_numpy())
    again = source.solved(parts[0], parts[1] if len(parts) > 1 else None, kept)
    return replace(again, rests=left) if again.answered else first


@dataclass(frozen=True, slots=True)
class NightRows:
    """The nights that a model is fitted to, a row each, and their design.

    ``index`` has participant and date, ``offset`` the exposure with the formula's own.
    """

    index: pd.MultiIndex
    outcome: Array
    offset: Array
    groups: NDArray[np.intp]
    design: design_matrix.Design
    zero: design_matrix.Design | None


def read_nights(engine: Engine, request: ModelRequest) -> NightRows:
    """Return the nights that a request is fitted to, one by one; nothing is fitted.

    Raises:
        UsageError: the family and the arguments do not go together, or a name is unknown.
    """
    source = _Source.read(engine, request, night_by_night=True)
    design, zero = source.designs()
    used = source.nights.filter(pl.Series(design.rows))
    data = source.data(used, design, zero)
    index = pd.MultiIndex.from_arrays(
        [used["participant_id"].cast(pl.String).to_numpy(), used["date"].to_numpy()], names=["participant_id", "date"]
    )
    return NightRows(index, data.outcome, data.offset, data.groups, design, zero)


@dataclass(frozen=True, slots=True)
class _Source:
    """What a family is fitted to.

    ``nights`` are those read, ``part`` says which of them meet the condition. Rows that are alike are ``counted`` as
    this likelihood allows. ``names`` are the variables of each night, ``known`` is the column of the outcome, ``needs``
    the exposure, if it is a column.
    """

    engine: Engine
    request: ModelRequest
    nights: pl.DataFrame
    part: subpopulation.Domain
    counted: Likelihood | None
    names: set[str]
    known: str
    needs: tuple[str, ...]

    @classmethod
    def read(cls, engine: Engine, request: ModelRequest, *, night_by_night: bool) -> _Source:
        """Read the nights of a request; a participant's nights that are alike may be one row with a number."""
        needs = () if request.exposure == "nights" else (request.exposure,)
        names = checked_names(engine, request, needs)
        formulas = [formula.parse(terms) for terms in (request.terms, request.options.zero_terms) if terms is not None]
        known = request.outcome if engine.is_number(request.outcome) else "cramps"
        wanted = tuple(dict.fromkeys(found for terms in formulas for found in formula.exposures_in(terms)))
        others = means.of_other_nights(wanted, request.cohort)
        counted = None if night_by_night else engine.alike
        if counted and not (
            all(map(formula.row_by_row, formulas)) and repetitive(request.cohort, names, known, others)
        ):
            counted = None
        if counted:
            # Whether these nights had a cramp is asked of nights that were logged for another number.
            nights = counted_nights(request.cohort, names | {"cramp_night"}, request.bands, known, others)
        else:
            each = person_nights(request.cohort, request.bands, known, names, others)
            nights = each.with_columns(pl.lit(1, pl.Int64).alias(ALIKE))
        nights = means.added(request.cohort, means.measured(request.cohort, nights, others), wanted)
        remarks = (*_without_outcome(request.cohort, known), *means.moved(wanted, request.outcome))
        request = replace(request, remarks=(*request.remarks, *remarks))
        part = subpopulation.select(nights, request.where)
        return cls(engine, request, nights, part, counted, names, known, needs)

    def designs(self) -> tuple[design_matrix.Design, design_matrix.Design | None]:
        """Return the design of the terms and, of a family that has one, of its zero part, on the nights they share."""
        request, nights = self.request, self.nights
        times = nights[ALIKE].to_numpy()
        build = partial(
            design_matrix.build,
            nights,
            needs=self.needs,
            times=times,
            per_coefficient=request.participants_per_coefficient,
        )
        design = build(request.terms, candidate=self.part.inside.to_numpy())
        if not self.engine.zero_part:
            return design, None
        zero = design_matrix.build(nights, request.options.zero_terms or "1", candidate=design.rows, times=times)
        if zero.beside:
            raise UsageError(f"the zero part takes no {zero.beside[0]}; offset() and weights() stand in the terms")
        if zero.incomplete:
            again = build(request.terms, candidate=zero.rows)
            design = replace(
                again,
                incomplete=design.incomplete + zero.incomplete,
                unreached=design.unreached + zero.unreached,
            )
        return design, zero

    def account(self, design: design_matrix.Design) -> Account:
        """Return what of the nights observed is not in a design."""
        each = self.nights[ALIKE]
        left_out = (
            *unmet(self.request.where, self.part, self.nights, each),
            (WEIGHTLESS, design.weightless),
            (UNREACHED, design.unreached),
            (INCOMPLETE, design.incomplete - design.unreached),
        )
        read = read_as(self.nights, self.names, "participants", "diary")
        return night_account(self.request.cohort, int(each.sum()), left_out, read)

    def groups(self, design: design_matrix.Design) -> NDArray[np.intp]:
        """Return the participants' codes; nights are sorted by participant."""
        people = self.nights["participant_id"].filter(pl.Series(design.rows))
        return people.rle_id().to_numpy().astype(np.intp)

    def solved(self, design: design_matrix.Design, zero: design_matrix.Design | None, account: Account) -> Solution:
        """Return the model of a design, and of one of its zero part, on the same nights."""
        request = self.request
        needed = {"participant_id", "date", "cramps", "cramp_night", ALIKE, self.known, *self.needs}
        used = self.nights.select(n for n in self.nights.columns if n in needed).filter(pl.Series(design.rows))
        times = used[ALIKE].to_numpy()
        data = self.data(used, design, zero)
        whole = design
        n_events = 0 if self.engine.is_number(request.outcome) else int(data.outcome @ times)
        if self.counted and len(data.outcome):
            data = _added_up(data, _likelihood(self.counted, request, data), times)
            design = replace(design, matrix=data.matrix)
            zero = None if zero is None or data.zero is None else replace(zero, matrix=data.zero)
        data = replace(
            data,
            matrix=design.standardised().matrix,
            zero=None if zero is None else zero.standardised().matrix,
        )
        slope = None
        if request.options.random_slope is not None:
            slope = slope_column(design, request.options.random_slope)
            data = replace(data, slope=design.standard.affine(slope))
        reason, doubt = self._doubts(used)
        unsolved = Solution(
            engine=self.engine,
            outcome=request.outcome,
            kind=request.covariance,
            slope=slope,
            design=design,
            data=data,
            participants=tuple(used["participant_id"].unique(maintain_order=True)),
            account=account,
            n_nights=int(times.sum()),
            n_events=n_events,
            reason=reason,
            solved=None,
            zero=zero,
            remarks=(*request.remarks, *doubt),
        )
        made = unsolved if reason else unsolved.worked_out()
        return made if reason or made.answered or made.is_number else self._named(made, used, whole)

    def _named(self, failed: Solution, used: pl.DataFrame, design: design_matrix.Design) -> Solution:
        """Return a solution without an answer with what sets its nights apart, if anything does, as its reason.

        Args:
            failed: the solution.
            used: its nights.
            design: the design of these, before any were added up.
        """
        if failed.reason is not None and not isinstance(failed.reason, Apart):
            return failed
        counts = self.data(used, design, None).outcome
        # What was found before the fit has its reason; a fit that failed may have nights apart that all had a cramp.
        either = failed.reason is None and failed.outcome_kind == "binary"
        found = separated(design.standardised(), counts, "logit" if either else "log")
        if found is None:
            return failed
        reason = counted_apart(found, design, counts, used[ALIKE].to_numpy())
        return replace(failed, reason=reason)

    def data(self, used: pl.DataFrame, design: design_matrix.Design, zero: design_matrix.Design | None) -> Data:
        """Return the nights ``used`` as arrays, a row each."""
        values = used[self.known].to_numpy().astype(np.float64)
        no_dates = np.empty(0, dtype=np.int64)
        return Data(
            matrix=design.matrix,
            outcome=np.sign(values) if self.request.outcome == "cramp_night" else values,
            offset=design.offset + (np.log(used[self.needs[0]].to_numpy()) if self.needs else 0.0),
            groups=self.groups(design),
            nights=no_dates if self.counted else used["date"].to_physical().cast(pl.Int64).to_numpy(),
            weights=design.weights,
            zero=None if zero is None else zero.matrix,
        )

    def _doubts(self, used: pl.DataFrame) -> tuple[str | None, tuple[str, ...]]:
        """Return why the nights ``used`` give no estimate, if so, and what is to be said of them."""
        if self.known != "cramps":
            # Of nights that were logged for their cramps alone, those without one are not in it.
            cramp = used["cramp_night"]
            return None, ((_CRAMPS_ALONE,) if len(cramp) and cramp.all(ignore_nulls=False) else ())
        why_not = denominator(self.request.cohort).why_not
        cramps = used["cramps"].to_numpy()
        none_left = bool(cramps.any() and cramps.all())
        if not why_not and none_left and (self.nights.filter(self.part.inside)["cramps"] == 0).any():
            # Nights that were filled in as zeros have no other value, either.
            why_not = "every night that is complete on the terms has a cramp, and those without one were left out"
        return why_not or None, ()


def _without_outcome(cohort: Cohort | Diary, known: str) -> tuple[str, ...]:
    """Return how many nights with a count of cramps lack another outcome, as a remark.

    They are no part of what a model of that outcome finds.
    """
    if known == "cramps":
        return ()
    lacking = observed_night(cohort) & ~observed_night(cohort, known)
    n = int(Diary.of(cohort).nights.select(lacking.sum()).collect().item())
    return (f"{number_of(n, 'nights')} left out, without {known}",) if n else ()


def _likelihood(counted: Likelihood, request: ModelRequest, data: Data) -> Likelihood:
    """Return the likelihood by which rows are added up: a covariance that looks at nights one by one needs means."""
    bias_reduced = bias_reduces(request.covariance, int(data.groups[-1]) + 1)
    return "means" if counted == "poisson" and bias_reduced else counted


def _added_up(data: Data, likelihood: Likelihood, times: NDArray[np.int64]) -> Data:
    weights = times.astype(np.float64) * (1.0 if data.weights is None else data.weights)
    p = data.matrix.shape[1]
    both = data.matrix if data.zero is None else np.column_stack([data.matrix, data.zero])
    rows = compress(both, data.outcome, data.offset, data.groups, likelihood, weights)
    once = likelihood == "poisson"
    return Data(
        rows.matrix[:, :p],
        rows.counts,
        rows.offset,
        rows.groups,
        data.nights,
        None if once else rows.multiplicity,
        rows.constant,
        None if data.zero is None else rows.matrix[:, p:],
        int(times.sum()),
    )
