"""A model of nights as numbers: what went into it, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import block_diag

from crampstudy.cohort.account import Account
from crampstudy.estimates.verdicts import FEW_CRAMP, FEWEST_EXPOSED, OWN_RATES
from crampstudy.models.coefficients import rows
from crampstudy.models.coefficients.lone_levels import Rest
from crampstudy.models.common.estimability import collinear, no_rows, obstacle, too_few, with_any
from crampstudy.models.common.separation import Apart
from crampstudy.models.inference.automatic import FEW_WITH_ANY, AtOwnRates, Limited, Moments
from crampstudy.models.inference.covariance import FEW_CLUSTERS, Covariance
from crampstudy.models.inference.exposed_participants import Exposed, exposed, is_deviation
from crampstudy.models.inference.satterthwaite import Satterthwaite
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.engine import Engine, Fitted, Solved
from crampstudy.models.nights.linear import no_residual
from crampstudy.models.nights.predictive import OutcomeKind
from crampstudy.models.terms import design_matrix
from crampstudy.models.terms.standardisation import propagated
from crampstudy.readable import OneLine
from crampstudy.wording import counted


@dataclass(frozen=True, slots=True, repr=False)
class Solution(OneLine):
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

    engine: Engine
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
    def model(self) -> str:
        """The name of the family."""
        return self.engine.name

    @property
    def fitted(self) -> Fitted | None:
        """What the engine left, of a fit without a problem."""
        return self.solved.fitted if self.solved and self.solved.problem is None else None

    @property
    def apart(self) -> Mapping[str, str]:
        """The terms because of which there is no answer, as they set the nights apart, with what is told of each."""
        return self.reason.by if isinstance(self.reason, Apart) else {}

    @property
    def outcome_kind(self) -> OutcomeKind:
        """What the outcome of a night is."""
        return "number" if self.is_number else "binary" if self.outcome == "cramp_night" else "count"

    @property
    def whole(self) -> design_matrix.Design:
        """The design that was asked for."""
        return self.rests[0].whole if self.rests else self.design

    @property
    def answered(self) -> bool:
        """Whether there are numbers."""
        return self.solved is not None and self.solved.problem is None

    def of_whole(self, answer: rows.CoefficientTable, part: int = 0) -> rows.CoefficientTable:
        """Return the answer of ``design``, or of the zero part (1), as one of the design that was asked for."""
        return self.rests[part].of_whole(answer) if self.rests else answer

    @property
    def exposed(self) -> dict[design_matrix.Column, Exposed]:
        """Who bears on each column of the design."""
        return exposed(self.design, self.data.groups, None if self.is_number else self.data.outcome)

    @property
    def is_number(self) -> bool:
        """Whether the outcome is a number, with differences instead of ratios."""
        return self.engine.is_number(self.outcome)

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
        return replace(self, data=data, participants=others).worked_out()

    def under(self, kind: Covariance) -> Solution:
        """Return the model of the same nights with another covariance."""
        return replace(self, kind=kind).worked_out()

    def worked_out(self) -> Solution:
        """Return it fitted, or with the obstacle that stands before any fit."""
        if reason := self._obstacle():
            return replace(self, reason=reason, solved=None)
        solved = self.engine.solve(self.data, self.outcome, self.kind, self.slope)
        return replace(self, reason=None, solved=self._per_unit(solved))

    def _per_unit(self, solved: Solved) -> Solved:
        """Return what an engine found of the standard columns, for those of the design."""
        if solved.moments is None:
            return solved
        standard, zero = self.design.standard, solved.zero
        coefficients, variance = standard.coefficients(solved.coefficients, solved.variance)
        if zero is not None and self.zero is not None:
            odds, spread = self.zero.standard.coefficients(zero.coefficients, zero.variance)
            turned = self._limited(zero.moments.turned(self.zero.standard.back()))
            back = block_diag(standard.back(), self.zero.standard.back())
            _, together = propagated(back, np.zeros(len(back)), zero.together)
            both = self._limited(zero.of_both.turned(back))
            zero = replace(zero, coefficients=odds, variance=spread, moments=turned, together=together, of_both=both)
        return replace(
            solved,
            coefficients=coefficients,
            variance=variance,
            moments=self._limited(self._at_own_rates(solved.moments.turned(standard.back()))),
            zero=zero,
        )

    def _at_own_rates(self, moments: Moments) -> Moments:
        """Return what coefficients tell where few tell it: all of them, or those of participants' own nights."""
        if self.is_number or self.kind != "auto" or not isinstance(moments, Satterthwaite):
            return moments
        if self._few_of_all(self._with_any()):
            return AtOwnRates(moments, np.ones(len(self.design.columns), dtype=bool), FEW_CRAMP)
        if len(self.participants) >= FEW_CLUSTERS:
            return moments
        return AtOwnRates(moments, np.array([is_deviation(column.term) for column in self.design.columns]), OWN_RATES)

    def _with_any(self) -> int:
        return with_any(self.data.outcome, self.data.groups)

    def _few_of_all(self, people: int) -> bool:
        """Say whether the ``people`` who have a cramp are few, and few of all."""
        return people < min(FEW_CLUSTERS, len(self.participants) * FEW_WITH_ANY)

    def _limited(self, moments: Moments) -> Moments:
        """Return what coefficients tell, where few participants have a cramp no more than those do."""
        if self.is_number:
            return moments
        people = self._with_any()
        few = people < FEWEST_EXPOSED or (self.kind == "auto" and self._few_of_all(people))
        return Limited(moments, people) if few else moments

    def _far_slope(self) -> str | None:
        if self.slope is None:
            return None
        near = [self.design.columns[i].term for i in self.design.standard.beside(self.slope)]
        if others := ", ".join(term for term in near if term != design_matrix.INTERCEPT):
            slope = f"a participant's slope of {self.design.columns[self.slope].term}"
            return f"{slope} cannot be told from one of {others}; measure what they are made of from its middle"
        return None

    def _obstacle(self) -> str | None:
        design, data, engine = replace(self.design, matrix=self.data.matrix), self.data, self.engine
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
            return (
                f"{counted(people, 'participants', 'are')} too few for a cluster-robust covariance of {p} coefficients"
            )
        if found := collinear(replace(self.zero, matrix=self.data.zero)):
            return f"in the zero part, {found}"
        return None
