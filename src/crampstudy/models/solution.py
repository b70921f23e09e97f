"""A model of nights as numbers: the rows that it needs, added up where that is exact, and what comes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import codebook, subpopulation, wording
from crampstudy.account import INCOMPLETE, OUTSIDE, UNDECIDED, WEIGHTLESS, Account, read_as
from crampstudy.bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models import formula, person_means, spec
from crampstudy.models.compress import Likelihood, compress
from crampstudy.models.covariance import Covariance
from crampstudy.models.engines import ENGINES, Data, Engine, Outcome, Solved
from crampstudy.models.extras import RANDOM_SLOPE
from crampstudy.models.inference import bias_reduces
from crampstudy.models.linear import no_residual
from crampstudy.models.obstacles import collinear, no_rows, obstacle, too_few
from crampstudy.models.question import MODELS, Question, asked_for, check_multiples
from crampstudy.nights import (
    ALIKE,
    Diary,
    counted_nights,
    denominator,
    night_account,
    no_night,
    numbers_of_a_night,
    person_nights,
    repetitive,
)


@dataclass(frozen=True, slots=True)
class Solution:
    """A model of nights as numbers: what went into it, and what came of it.

    ``design`` has the columns that coefficients are of, ``data`` and what engines leave in ``solved.fitted`` the
    standard ones (:mod:`crampstudy.models.standard`). ``participants`` are the identifiers by their code in
    ``data.groups``; ``solved`` is ``None`` where an obstacle,
    the ``reason``, stands before any fit. ``account`` says what was left out of the nights.
    ``n_nights`` and ``n_events`` count what the rows of ``data`` stand for; a number has no events. ``remarks`` are
    what is to be said of the nights. ``zero`` is the design of the zero part of a model that has one, on the same rows.
    """

    model: str
    outcome: Outcome
    kind: Covariance
    slope: int | None
    design: spec.Design
    data: Data
    participants: tuple[str, ...]
    account: Account
    n_nights: int
    n_events: int
    reason: str | None
    solved: Solved | None
    zero: spec.Design | None = None
    remarks: tuple[str, ...] = ()

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
        if solved.problem:
            return solved
        standard, zero = self.design.standard, solved.zero
        coefficients, variance = standard.coefficients(solved.coefficients, solved.variance)
        if zero is not None and self.zero is not None:
            odds, spread = self.zero.standard.coefficients(zero.coefficients, zero.variance)
            zero = replace(zero, coefficients=odds, variance=spread, df=self.zero.standard.least(zero.df))
        size = 1.0 if self.slope is None else standard.turned[self.slope, self.slope]
        moments = solved.moments and solved.moments.turned(standard.back())
        return replace(
            solved,
            coefficients=coefficients,
            variance=variance,
            df=moments.df() if moments else standard.least(solved.df),
            effective=moments.effective() if moments else standard.least(solved.effective),
            moments=moments,
            zero=zero,
            extras=tuple(
                replace(extra, estimate=extra.estimate / size) if extra.term == RANDOM_SLOPE else extra
                for extra in solved.extras
            ),
        )

    def _far_slope(self) -> str | None:
        if self.slope is None or self.slope not in self.design.standard.far:
            return None
        term, middle = self.design.columns[self.slope].term, float(np.mean(self.design.matrix[:, self.slope]))
        return (
            f"{term} lies so far from 0 that a fit cannot tell a participant's slope from the intercept; "
            f"measure it from its middle, as in I({term} - {middle:.6g})"
        )

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
    _check_nights(asked, engine)
    needs = () if asked.exposure == "nights" else (asked.exposure,)
    names = _checked_names(asked, needs)
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
    _check_beside(engine, design)
    used = nights.filter(pl.Series(design.rows))
    values, times = used[known].to_numpy().astype(np.float64), used[ALIKE].to_numpy()
    data = Data(
        matrix=design.matrix,
        outcome=np.sign(values) if asked.outcome == "cramp_night" else values,
        offset=design.offset + (np.log(used[needs[0]].to_numpy()) if needs else 0.0),
        # Nights are sorted by participant.
        groups=used["participant_id"].rle_id().to_numpy().astype(np.intp),
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
    slope = None if asked.random_slope is None else _slope(design, asked.random_slope)
    people = tuple(used["participant_id"].unique(maintain_order=True))
    each = nights[ALIKE]
    observed, unclear = int(each.sum()), int(each.filter(undecided).sum()) if asked.where else 0
    left_out = (
        (UNDECIDED, unclear),
        (OUTSIDE, observed - unclear - int(each.filter(inside).sum())),
        (WEIGHTLESS, design.weightless),
        (INCOMPLETE, design.incomplete),
    )
    unsolved = Solution(
        model=asked.model,
        outcome=asked.outcome,
        kind=asked.kind,
        slope=slope,
        design=design,
        data=data,
        participants=people,
        account=night_account(asked.cohort, observed, left_out, read_as(nights, names, "participants", "diary")),
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
    if not why_not and values.any() and values.all() and (nights.filter(inside)["cramps"] == 0).any():
        # Nights that were filled in as zeros have no other value, either.
        why_not = "every night that is complete on the terms has a cramp, and those without one were left out"
    return replace(unsolved, reason=why_not) if why_not else unsolved._worked_out()


_CRAMPS_ALONE = "every night used had a cramp, so that nothing is said of nights without one"


def _designs(
    asked: Question, engine: Engine, nights: pl.DataFrame, inside: NDArray[np.bool_], needs: Sequence[str]
) -> tuple[spec.Design, spec.Design | None]:
    """Return the design of the terms and, of a model that has one, of its zero part, both on the nights they share."""
    times = nights[ALIKE].to_numpy()
    build = partial(spec.build, nights, needs=needs, times=times, per_coefficient=asked.participants_per_coefficient)
    design = build(asked.terms, candidate=inside)
    if not engine.zero_part:
        return design, None
    zero = spec.build(nights, asked.zero_terms or "1", candidate=design.rows, times=times)
    if zero.beside:
        raise UsageError(f"the zero part takes no {zero.beside[0]}; offset() and weights() stand in the terms")
    if zero.incomplete:
        again = build(asked.terms, candidate=zero.rows)
        design = replace(again, incomplete=design.incomplete + zero.incomplete)
    return design, zero


def _checked_names(asked: Question, needs: Sequence[str]) -> set[str]:
    """Return the variables that a question needs of each night."""
    frame = no_night(asked.cohort, asked.bands)
    if ENGINES[asked.model].is_number(asked.outcome):
        _check_number(asked)
    subpopulation.select(frame, asked.where)
    if absent := [column for column in needs if column not in frame.columns]:
        raise UsageError(f"the diary of {asked.cohort.name} has no {absent[0]}; use the exposure nights")
    parsed = [formula.parse(terms) for terms in (asked.terms, asked.zero_terms or "1")]
    names = {name for terms in parsed for name in formula.columns_in(terms)}
    formula.check_names(names, frame)
    return names | {*needs} | set(subpopulation.names(asked.where) if asked.where else ())


def _check_number(asked: Question) -> None:
    numbers = numbers_of_a_night(asked.cohort)
    if asked.outcome not in numbers:
        named = (*ENGINES[asked.model].outcomes, *(name for name in numbers if name != "cramps"))
        of_cramps = codebook.find(asked.outcome, "episodes")
        hint = "; what is logged of each cramp is for ordinal (--outcome pain) and cox" if of_cramps else ""
        raise UsageError(
            f"{asked.model} takes a number of the diary as outcome, and {asked.outcome!r} is none in "
            f"{asked.cohort.name}; it has {', '.join(named)}{hint}"
        )


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


def _check_beside(engine: Engine, design: spec.Design) -> None:
    if design.weights is not None and not engine.weighted:
        able = [name for name, engine in ENGINES.items() if engine.weighted]
        raise UsageError(f"weights() is for {', '.join(able)}")


def _check_nights(asked: Question, engine: Engine) -> None:
    if asked.weight:
        raise UsageError("a weight belongs to a survey; a diary's nights count once each")
    if asked.kind not in engine.covariances:
        raise UsageError(f"{asked.model} has no covariance {asked.kind}; allowed: {', '.join(engine.covariances)}")
    if engine.is_number(asked.outcome) and asked.exposure != "nights":
        raise UsageError(f"{asked.outcome} is a number of a night and has no exposure; leave it out")
    if asked.outcome == "cramp_night" and asked.exposure != "nights":
        raise UsageError("the odds of a night with a cramp have no exposure; use the outcome cramps for rates")
    if asked.random_slope is not None and not engine.random_slope:
        able = [name for name, engine in ENGINES.items() if engine.random_slope]
        raise UsageError(f"{asked.model} has no random slope; models that do: {', '.join(able)}")


def _slope(design: spec.Design, term: str) -> int:
    """Return the column of the design that has a random slope."""
    named = formula.as_shown(term, design.terms())
    found = [i for i, column in enumerate(design.columns) if column.term == named]
    if len(found) != 1 or named == spec.INTERCEPT:
        raise UsageError(
            f"a random slope is of one term with one column, got {term!r}; the terms are {_listed(design)}"
        )
    return found[0]


def _listed(design: spec.Design) -> str:
    return ", ".join(design.terms())
