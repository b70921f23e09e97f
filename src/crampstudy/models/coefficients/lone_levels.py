"""A model without the rows of what is one participant's alone, where the model with them has no answer.

What is one participant's alone has no estimate in any model. As a rule its column stays in the fit, where it keeps its
participant's level from the other terms. Where that participant had no event, or nothing else, the column has no
finite coefficient and the whole fit no maximum; as the coefficient grows, the rows that it singles out say less and
less of the other terms, and in the limit nothing: what is left is the fit without these rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.cohort.account import Account
from crampstudy.models.coefficients import rows
from crampstudy.models.common.estimability import dependent, name
from crampstudy.models.inference.exposed_participants import ONE, RESTS, Exposed, exposed
from crampstudy.models.terms import design_matrix
from crampstudy.models.terms.standardisation import Standard

_NOTHING = 1e-8
"""A part of a combination of columns smaller than this is rounding."""
ASIDE = "of one participant alone at a level, who sets the outcome apart"


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """What is left of a ``whole`` design, in which ``exposed`` are the participants behind the columns.

    ``design`` has the rows that are not one participant's alone, and those columns that are no combination of others
    on them; ``unknown`` says why some of these have no estimate either, ``baseline`` that intercept or thresholds have
    none.
    """

    whole: design_matrix.Design
    exposed: Mapping[design_matrix.Column, Exposed]
    design: design_matrix.Design
    unknown: Mapping[design_matrix.Column, str]
    baseline: bool

    def account(self, before: Account, times: Array | None = None) -> Account:
        """Return the account of what is left; each row of the source was ``times`` rows, 1 if not given."""
        lost = self.whole.rows & ~self.design.rows
        n = int(lost.sum() if times is None else times[lost].sum())
        return replace(before, left_out=(*before.left_out, (ASIDE, n)))

    def failed(self, answer: rows.CoefficientTable) -> rows.CoefficientTable:
        """Return the answer of the whole, which has none, with the reason of its own for what is one participant's."""
        return replace(answer, warnings={c: found.lone for c, found in self.exposed.items() if found.lone})

    def of_whole(self, answer: rows.CoefficientTable) -> rows.CoefficientTable:
        """Return the answer of ``design`` as one of the whole, without an estimate of what its rows do not tell.

        What an answer has beside the columns of its design, such as thresholds, follows them.
        """
        own = self.design.columns
        columns, place = self._places(answer)
        chosen = np.array([[float(i == k) for k in range(len(answer.columns))] for i in place])
        known = np.array([i >= 0 for i in place])
        variance = np.full((len(place), len(place)), np.nan)
        if answer.variance.size:
            variance[np.ix_(known, known)] = answer.variance
        # A column with a slope at each limit is named after the limits.
        free = {column.term for column, shown in zip(own, answer.columns, strict=False) if column != shown}
        why = self._without_estimate(answer)
        gone = {c: reason for c, reason in self.unknown.items() if c not in own}
        return replace(
            answer,
            columns=tuple(columns),
            coefficients=np.array(
                [np.nan if c in why else v for c, v in zip(columns, _at(answer.coefficients, place), strict=True)]
            ),
            std_errors=_at(answer.std_errors, place),
            warnings={**answer.warnings, **gone, **why},
            smooths=self.whole.smooths,
            variance=variance,
            exposed={**{c: found.participants for c, found in self.exposed.items()}, **answer.exposed},
            moments=answer.moments.turned(chosen),
            declared=self.whole.declared.without([i for i, c in enumerate(self.whole.columns) if c.term in free]),
        )

    def _places(self, answer: rows.CoefficientTable) -> tuple[list[design_matrix.Column], list[int]]:
        """Return the columns of the whole with what ``answer`` has besides, and where each stands in it, else -1."""
        columns, place = list(answer.columns), list(range(len(answer.columns)))
        for i, column in enumerate(self.whole.columns):
            if column not in self.design.columns:
                columns.insert(i, column)
                place.insert(i, -1)
        return columns, place

    def _without_estimate(self, answer: rows.CoefficientTable) -> dict[design_matrix.Column, str]:
        """Return why columns of the ``answer`` have no estimate either."""
        own, why = self.design.columns, {}
        for i, column in enumerate(answer.columns):
            # A slope at each limit is of its term; else the columns are those of the design, in order.
            of = own[i : i + 1] if i < len(own) else tuple(c for c in own if c.term == column.term)
            reason = next((self.unknown[c] for c in of if c in self.unknown), None)
            if column.term in rows.BASELINES:
                reason = rows.ALONE if self.baseline else None
            if reason:
                why[column] = reason
        return why


def rests(groups: Codes, *designs: design_matrix.Design) -> tuple[Rest, ...] | None:
    """Return what is left of designs of the same rows without what is one participant's alone in any of them.

    ``groups`` (n) are the participants' codes 0..G-1, ascending. ``None`` where nothing is one participant's alone, or
    no two participants would be left.
    """
    found = [exposed(design, groups) for design in designs]
    own = [who.rows for each in found for who in each.values() if who.rows is not None]
    kept = ~np.logical_or.reduce(own) if own else np.zeros(len(groups), dtype=bool)
    if not own or len(np.unique(groups[kept])) < 2:
        return None
    made = [_rest(design, who, kept) for design, who in zip(designs, found, strict=True)]
    left = tuple(rest for rest in made if rest is not None)
    return left if len(left) == len(designs) else None


def _rest(design: design_matrix.Design, found: Mapping[design_matrix.Column, Exposed], kept: Flags) -> Rest | None:
    """Return what the rows ``kept`` (n) leave of a design; ``None`` where they leave a spline in pieces."""
    baseline = design.columns[0].term != design_matrix.INTERCEPT if design.columns else True
    seen = design.standardised().matrix[kept]
    if baseline:  # which has the part of an intercept, though it is no column
        seen = np.column_stack([np.ones(len(seen)), seen])
    gone = dependent(seen)
    left = [i for i in range(seen.shape[1]) if i not in gone]
    null = np.zeros((seen.shape[1], len(gone)))
    null[left] = np.linalg.lstsq(seen[:, left], seen[:, gone], rcond=None)[0]
    null[gone, range(len(gone))] = -1.0
    back = design.standard.back()
    turned = back @ null[baseline:]
    loose = np.abs(turned) > _NOTHING * np.abs(back).sum(axis=1, keepdims=True)
    first = np.abs(null[0] - design.standard.centre @ turned) > _NOTHING if baseline else loose[0]
    own = [i - baseline for i in left if i >= baseline]
    if {i for smooth in design.smooths for i in smooth.columns} - {*own}:
        return None
    return Rest(
        design,
        found,
        _on(design, kept, own),
        _reasons(design, found, loose, [design.columns[i - baseline] if i >= baseline else None for i in gone]),
        bool(first.any()),
    )


def _reasons(
    design: design_matrix.Design,
    found: Mapping[design_matrix.Column, Exposed],
    loose: Flags,
    gone: Sequence[design_matrix.Column | None],
) -> dict[design_matrix.Column, str]:
    """Return why columns have no estimate.

    ``loose`` (p x k) says which are in the combinations that the k columns ``gone`` are of those before them.
    """
    lone = next((who.lone for who in found.values() if who.lone), None)
    made = {}
    for column, row in zip(design.columns, loose, strict=True):
        if column not in found or not row.any():
            continue
        with_it = [c for c, own in zip(gone, row, strict=True) if own and c and not found[c].lone]
        reason = found[column].lone or lone or rows.ALONE
        if lone and with_it and not found[column].lone:
            others = ", ".join(map(name, with_it))
            told = "follows from the terms before it" if column in with_it else f"cannot be told from {others}"
            reason = f"{name(column)} {told}, without the participant who {lone.removeprefix(ONE).removesuffix(RESTS)}"
        made[column] = reason
    return made


def _on(design: design_matrix.Design, kept: Flags, columns: Sequence[int]) -> design_matrix.Design:
    """Return the design of some of its rows and columns, as engines see them."""
    selected = design.rows.copy()
    selected[design.rows] = kept
    made = replace(
        design,
        matrix=design.matrix[kept],
        rows=selected,
        offset=design.offset[kept],
        weights=None if design.weights is None else design.weights[kept],
    ).keeping(columns)
    made_of = [frozenset(design.names.get(column.term, ())) for column in made.columns]
    if made_of and made.columns[0].term == design_matrix.INTERCEPT:
        return replace(made, standard=Standard.of(made.matrix, made_of))
    whole = np.column_stack([np.ones(len(made.matrix)), made.matrix])
    standard = Standard.of(whole, [frozenset(), *made_of])
    return replace(made, standard=standard.keeping(range(1, whole.shape[1])))


def _at(values: Array, place: Sequence[int]) -> Array:
    return np.array([values[i] if i >= 0 else np.nan for i in place])
