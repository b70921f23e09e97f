"""A model of nights as numbers: the rows that it needs, added up where that is exact, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import wording
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import INCOMPLETE, OUTSIDE, UNDECIDED, WEIGHTLESS, Account, read_as
from crampstudy.errors import UsageError
from crampstudy.models.coefficients import rows
from crampstudy.models.coefficients.lone_levels import Rest, rests
from crampstudy.models.common.aggregation import Likelihood, compress
from crampstudy.models.common.estimability import collinear, no_rows, obstacle, too_few
from crampstudy.models.inference.automatic import bias_reduces
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights.engines import ENGINES, Data, Engine, Outcome, Solved
from crampstudy.models.nights.linear import no_residual
from crampstudy.models.nights.validation import check_beside, check_nights, checked_names, slope_column
from crampstudy.models.request import MODELS, Question, asked_for, check_multiples
from crampstudy.models.terms import design_matrix, formula, person_means
from crampstudy.nights import (
    ALIKE,
    Diary,
    counted_nights,
    denominator,
    night_account,
    person_nights,
    repetitive,
)


@dataclass(frozen=True, slots=True)
class Solution:
    """A model of nights as numbers: what went into it, and what came of it.

    ``design`` has the columns that coefficients are of, ``data`` and what engines leave in ``solved.fitted`` the
    standard ones (:mod:`crampstudy.models.terms.standardisation`). ``participants`` are the identifiers by their code
    in ``data.groups``; ``solved`` is ``None`` where an obstacle, the ``reason``, stands before any fit. ``account``
    says what was left out of the nights.
    ``n_nights`` and ``n_events`` count what the rows of ``data`` stand for; a number has no events. ``remarks`` are
    what is to be said of the nights. ``zero`` is the design of the zero part of a model that has one, on the same rows.
    ``rests`` are what these designs, in that order, are left of where something is one participant's alone and nothing
    could be told with it.
    """

    model: str
    outcome: Outcome
    kind: Covariance
    slope: int | None
    design: design_matrix.Design
    data: Data
    participants: tuple[str, ...]
    account: Account
    n_nights: int
    n_events: int
    reason: str | None
    solved: Solved | None
    zero: design_matrix.Design | None = None
    remarks: tuple[str, ...] = ()
    rests: tuple[Rest, ...] = ()

    @property
    def whole(self) -> design_matrix.Design:
        """The design that was asked for."""
        return self.rests[0].whole if self.rests else self.design

    @property
    def answered(self) -> bool:
        """Whether there are numbers."""
        return self.solved is not None and self.solved.problem is None

    def of_whole(self, answer: rows.Answer, part: int = 0) -> rows.Answer:
        """Return the answer of ``design``, or of the zero part (1), as one of the design that was asked for."""
        return self.rests[part].of_whole(answer) if self.rests else answer

    @property
    def is_number(self) -> bool:
        """Whether the outcome is a number, with differences instead of ratios."""
        return ENGINES[self.model].is_number(self.outcome)

    def without(self, participant: int) -> Solution:
        """Return the model fitted anew without one participant, named by code."""
        kept = self.data.groups != participant
        groups = self.data.groups[kept]
        data = Data(
            self.data.matrix[kept],
            self.data.outcome[kept],
            self.data.offset[kept],
            groups - (groups > participant),
            self.data.nights[kept],
            None if self.data.weights is None else self.data.weights[kept],
            zero=None if self.data.zero is None else self.data.zero[kept],
            slope=self.data.slope,
        )
        others = self.participants[:participant] + self.participants[participant + 1 :]
        return replace(self, data=data, participants=others)._worked_out()

    def _worked_out(self) -> Solution:
        if reason := self._obstacle():
            return replace(self, reason=reason, solved=None)
        solved = ENGINES[self.model].solve(self.data, self.outcome, self.kind, self.slope)
        return replace(self, reason=None, solved=self._per_unit(solved))

    def _per_unit(self, solved: Solved) -> Solved:
        """Return what an engine found of the standard columns, for those of the design."""
        if solved.moments is None:
            return solved
        standard, zero = self.design.standard, solved.zero
        coefficients, variance = standard.coefficients(solved.coefficients, solved.variance)
        if zero is not None and self.zero is not None:
            odds, spread = self.zero.standard.coefficients(zero.coefficients, zero.variance)
            turned = zero.moments.turned(self.zero.standard.back())
            zero = replace(zero, coefficients=odds, variance=spread, moments=turned)
        moments = solved.moments.turned(standard.back())
        return replace(
            solved,
            coefficients=coefficients,
            variance=variance,
            df=moments.df(),
            effective=moments.effective(),
            moments=moments,
            zero=zero,
        )

    def _far_slope(self) -> str | None:
        if self.slope is None:
            return None
        near = [self.design.columns[i].term for i in self.design.standard.beside(self.slope)]
        if others := ", ".join(term for term in near if term != design_matrix.INTERCEPT):
            slope = f"a participant's slope of {self.design.columns[self.slope].term}"
            return f"{slope} cannot be told from one of {others}; measure what they are made of from its middle"
        return None

    def _obstacle(self) -> str | None:
        design, data, engine = replace(self.design, matrix=self.data.matrix), self.data, ENGINES[self.model]
        if self.is_number:
            found = (
                no_rows(design, data.outcome)
                or no_residual(data.matrix, data.outcome, data.offset, data.weights)
                or too_few(design, data.groups, self.kind)
                or collinear(design)
            )
        else:
            found = obstacle(design, data.outcome, data.groups, self.kind) or self._in_zero_part()
        return found or self._far_slope() or (engine.lacking(data, self.outcome) if engine.lacking else None)

    def _in_zero_part(self) -> str | None:
        if self.zero is None or self.data.zero is None:
            return None
        p, people = self.data.matrix.shape[1] + self.data.zero.shape[1], len(self.participants)
        if self.kind != "model" and people <= p:
            return f"{people} participants are too few for a cluster-robust covariance of {p} coefficients"
        if found := collinear(replace(self.zero, matrix=self.data.zero)):
            return f"in the zero part, {found}"
        return None


def solve(
    cohort: Cohort | Diary,
    *,
    model: str,
    terms: str,
    outcome: str | None = None,
    exposure: str = "nights",
    covariance: Covariance = "auto",
    random_slope: str | None = None,
    where: str | None = None,
    bands: AgeBands | None = None,
    zero_terms: str | None = None,
    night_by_night: bool = True,
) -> Solution:
    """Fit a model of nights as :func:`fit` does, and return its numbers instead of rows.

    ``night_by_night`` keeps a row for each night; otherwise a participant's rows are added up where that is exact.

    Raises:
        UsageError: as :func:`fit`, or the model is one of a survey.
    """
    if model in MODELS and model not in ENGINES:
        raise UsageError(f"{model} is no model of nights; those are {', '.join(ENGINES)}")
    asked = asked_for(
        cohort,
        model,
        terms,
        outcome=outcome,
        exposure=exposure,
        covariance=covariance,
        random_slope=random_slope,
        where=where,
        bands=bands,
        zero_terms=zero_terms,
    )
    return solve_nights(asked, night_by_night=night_by_night)


def solve_nights(asked: Question, *, night_by_night: bool = False) -> Solution:
    """Answer a question of nights; ``night_by_night`` keeps a row for each of them.

    Raises:
        UsageError: the model and the arguments do not go together, or a name is unknown.
    """
    engine = ENGINES[asked.model]
    check_nights(asked, engine)
    needs = () if asked.exposure == "nights" else (asked.exposure,)
    names = checked_names(asked, needs)
    # Where its rows may be added up, a model sees a participant's nights that are alike as one row with a number.
    counted = None if night_by_night else engine.alike
    formulas = [formula.parse(terms) for terms in (asked.terms, asked.zero_terms) if terms is not None]
    known = asked.outcome if engine.is_number(asked.outcome) else "cramps"
    if counted and not (all(map(formula.row_by_row, formulas)) and repetitive(asked.cohort, names, known)):
        counted = None
    if counted:
        # Whether these nights had a cramp is asked of nights that were logged for another number.
        read = counted_nights(asked.cohort, names | {"cramp_night"}, asked.bands, known)
    else:
        read = person_nights(asked.cohort, asked.bands, known)
    nights = read if counted else read.with_columns(pl.lit(1, pl.Int64).alias(ALIKE))
    split = {name for terms in formulas for name in formula.names_in(terms) if wording.of_person(name)}
    nights = person_means.added(asked.cohort, nights, split, asked.outcome)
    inside = subpopulation.select(nights, asked.where).inside
    undecided = subpopulation.select(nights, f"({asked.where}) IS NULL").inside if asked.where else ~inside
    design, zero = _designs(asked, engine, nights, inside.to_numpy(), needs)
    check_multiples(asked.per, *filter(None, (design, zero)))
    check_beside(engine, design)
    each = nights[ALIKE]
    observed, unclear = int(each.sum()), int(each.filter(undecided).sum()) if asked.where else 0
    left_out = (
        (UNDECIDED, unclear),
        (OUTSIDE, observed - unclear - int(each.filter(inside).sum())),
        (WEIGHTLESS, design.weightless),
        (INCOMPLETE, design.incomplete),
    )
    account = night_account(asked.cohort, observed, left_out, read_as(nights, names, "participants", "diary"))
    source = _Source(asked, nights, inside, counted, known, needs)
    first = source.solved(design, zero, account=account)
    if first.answered or not (left := rests(source.groups(design), *filter(None, (design, zero)))):
        return first
    slope = () if first.slope is None else (first.design.columns[first.slope],)
    if not {*slope} <= {*left[0].design.columns}:
        return first
    again = source.solved(*(rest.design for rest in left), account=left[0].account(account, each.to_numpy()))
    return replace(again, rests=left) if again.answered else first


@dataclass(frozen=True, slots=True)
class _Source:
    """What models are fitted to: ``nights``, those ``inside`` the condition, and how their rows are ``counted``.

    ``known`` is the column of the outcome, ``needs`` the exposure, if it is a column.
    """

    asked: Question
    nights: pl.DataFrame
    inside: pl.Series
    counted: Likelihood | None
    known: str
    needs: tuple[str, ...]

    def groups(self, design: design_matrix.Design) -> NDArray[np.intp]:
        """Return the participants' codes; nights are sorted by participant."""
        people = self.nights["participant_id"].filter(pl.Series(design.rows))
        return people.rle_id().to_numpy().astype(np.intp)

    def solved(
        self, design: design_matrix.Design, zero: design_matrix.Design | None = None, *, account: Account
    ) -> Solution:
        """Return the model of a design, and of one of its zero part, on the same nights."""
        asked, nights, counted, known, needs = self.asked, self.nights, self.counted, self.known, self.needs
        engine = ENGINES[asked.model]
        used = nights.filter(pl.Series(design.rows))
        values, times = used[known].to_numpy().astype(np.float64), used[ALIKE].to_numpy()
        data = Data(
            matrix=design.matrix,
            outcome=np.sign(values) if asked.outcome == "cramp_night" else values,
            offset=design.offset + (np.log(used[needs[0]].to_numpy()) if needs else 0.0),
            groups=self.groups(design),
            nights=np.empty(0, dtype=np.int64) if counted else used["date"].to_physical().cast(pl.Int64).to_numpy(),
            weights=design.weights,
            zero=None if zero is None else zero.matrix,
        )
        n_events = 0 if engine.is_number(asked.outcome) else int(data.outcome @ times)
        if counted and len(data.outcome):
            if counted == "poisson" and bias_reduces(asked.kind, int(data.groups[-1]) + 1):
                counted = "means"
            data = _added_up(data, counted, times)
            design = replace(design, matrix=data.matrix)
            zero = None if zero is None or data.zero is None else replace(zero, matrix=data.zero)
        data = replace(
            data,
            matrix=np.ascontiguousarray(design.standardised().matrix),
            zero=None if zero is None else np.ascontiguousarray(zero.standardised().matrix),
        )
        if (slope := None if asked.random_slope is None else slope_column(design, asked.random_slope)) is not None:
            data = replace(data, slope=design.standard.affine(slope))
        people = tuple(used["participant_id"].unique(maintain_order=True))
        unsolved = Solution(
            model=asked.model,
            outcome=asked.outcome,
            kind=asked.kind,
            slope=slope,
            design=design,
            data=data,
            participants=people,
            account=account,
            n_nights=int(times.sum()),
            n_events=n_events,
            reason=None,
            solved=None,
            zero=zero,
            remarks=asked.remarks,
        )
        if known != "cramps":
            # Of nights that were logged for their cramps alone, those without one are not in it.
            cramp = used["cramp_night"]
            doubt = (_CRAMPS_ALONE,) if len(cramp) and cramp.all(ignore_nulls=False) else ()
            return replace(unsolved, remarks=(*asked.remarks, *doubt))._worked_out()
        why_not = denominator(asked.cohort).why_not
        if not why_not and values.any() and values.all() and (nights.filter(self.inside)["cramps"] == 0).any():
            # Nights that were filled in as zeros have no other value, either.
            why_not = "every night that is complete on the terms has a cramp, and those without one were left out"
        return replace(unsolved, reason=why_not) if why_not else unsolved._worked_out()


_CRAMPS_ALONE = "every night used had a cramp, so that nothing is said of nights without one"


def _designs(
    asked: Question, engine: Engine, nights: pl.DataFrame, inside: NDArray[np.bool_], needs: Sequence[str]
) -> tuple[design_matrix.Design, design_matrix.Design | None]:
    """Return the design of the terms and, of a model that has one, of its zero part, both on the nights they share."""
    times = nights[ALIKE].to_numpy()
    build = partial(
        design_matrix.build, nights, needs=needs, times=times, per_coefficient=asked.participants_per_coefficient
    )
    design = build(asked.terms, candidate=inside)
    if not engine.zero_part:
        return design, None
    zero = design_matrix.build(nights, asked.zero_terms or "1", candidate=design.rows, times=times)
    if zero.beside:
        raise UsageError(f"the zero part takes no {zero.beside[0]}; offset() and weights() stand in the terms")
    if zero.incomplete:
        again = build(asked.terms, candidate=zero.rows)
        design = replace(again, incomplete=design.incomplete + zero.incomplete)
    return design, zero


def _added_up(data: Data, likelihood: Likelihood, times: NDArray[np.int64]) -> Data:
    weights = times.astype(np.float64) * (1.0 if data.weights is None else data.weights)
    p = data.matrix.shape[1]
    both = data.matrix if data.zero is None else np.column_stack([data.matrix, data.zero])
    rows = compress(both, data.outcome, data.offset, data.groups, likelihood, weights)
    once = likelihood == "poisson"
    return Data(
        np.ascontiguousarray(rows.matrix[:, :p]),
        rows.counts,
        rows.offset,
        rows.groups,
        data.nights,
        None if once else rows.multiplicity,
        rows.constant,
        None if data.zero is None else np.ascontiguousarray(rows.matrix[:, p:]),
        int(times.sum()),
    )
