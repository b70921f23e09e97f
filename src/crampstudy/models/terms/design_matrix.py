"""From a formula to a design matrix: which terms a cohort can answer, on which rows, in which columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import polars as pl
from formulaic.parser.types import Term
from numpy.typing import NDArray

from crampstudy.arrays import Array, Flags
from crampstudy.codebook import exposures
from crampstudy.errors import UsageError
from crampstudy.models.terms import formula
from crampstudy.models.terms.declared_contrasts import Declared, declare
from crampstudy.models.terms.encoding import Encoded, Encoder, encoded
from crampstudy.models.terms.factors import INTERCEPT, REFERENCE_FIRST, Column
from crampstudy.models.terms.functions import OFFSET, WEIGHTS
from crampstudy.models.terms.levels import participants
from crampstudy.models.terms.smooths import Smooth
from crampstudy.models.terms.standardisation import Standard
from crampstudy.readable import OneLine
from crampstudy.wording import counted

__all__ = [
    "INTERCEPT",
    "PER_COEFFICIENT",
    "REFERENCE_FIRST",
    "THRESHOLD",
    "Column",
    "Design",
    "Encoder",
    "Smooth",
    "Without",
    "build",
]

PER_COEFFICIENT = 5
"""As many participants should stand behind every coefficient of a model."""
THRESHOLD = "threshold"
"""The place of the intercept between ordered classes, one for each limit between two of them."""


@dataclass(frozen=True, slots=True)
class Without:
    """What an encoder gives, but only the columns ``kept``."""

    encode: Callable[[pd.DataFrame], Array]
    kept: tuple[int, ...]

    def __call__(self, new: pd.DataFrame) -> Array:
        """Return a row of the kept columns per row of ``new``."""
        return self.encode(new)[:, self.kept]


@dataclass(frozen=True, slots=True, repr=False)
class Design(OneLine):
    """A design matrix: ``matrix`` (rows x columns) for the rows of the source frame that ``rows`` selects.

    ``not_measured`` are terms left out because the cohort never measured a variable they need, ``constant`` those left
    out because they do not vary on these rows, with the reason in ``flat`` where it is another; ``standard`` says how
    engines see the columns. Without a complete row the matrix is empty and ``columns`` holds one column per term.
    ``surplus`` are terms left out because there are too few participants for so many coefficients,
    ``remarks`` what a reader of the coefficients should know. ``incomplete`` counts the candidate rows left out because
    a value was missing, ``unreached`` those of them that miss one of another night, ``weightless`` those of weight 0;
    ``encode`` turns other values of the variables (a frame with a row each) into rows of the same matrix, a variable
    that is not given at its value of the first row. ``offset`` (a number per row) is the sum of the formula's
    ``offset(...)``, ``weights`` its ``weights(...)``, ``beside`` both as written, ``smooths`` its splines, ``declared``
    the contrasts that have a verdict, ``observed`` the lowest and the highest value of each number.
    """

    matrix: Array
    columns: tuple[Column, ...]
    rows: Flags
    variables: tuple[str, ...]
    not_measured: tuple[str, ...]
    constant: tuple[str, ...]
    incomplete: int
    encode: Callable[[pd.DataFrame], Array]
    offset: Array
    weights: Array | None = None
    smooths: tuple[Smooth, ...] = ()
    beside: tuple[str, ...] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    weightless: int = 0
    unreached: int = 0
    surplus: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    flat: Mapping[str, str] = field(default_factory=dict)
    standard: Standard = field(default_factory=Standard.none)
    declared: Declared = field(default_factory=Declared)
    observed: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def over_all_rows(self) -> Array:
        """Return the matrix with a row per row of the source frame, zeros where it was not selected."""
        full = np.zeros((len(self.rows), self.matrix.shape[1]))
        full[self.rows] = self.matrix
        return full

    def standardised(self) -> Design:
        """Return the design with its matrix as engines see it."""
        return replace(self, matrix=self.standard.columns(self.matrix))

    def why_flat(self, term: str) -> str:
        """Return why a term was left out that does not vary on these rows."""
        still = f"{term} does not vary{' where the other terms are known' if self.incomplete else ''}"
        return self.flat.get(term, still)

    def bare(self) -> Design:
        """Return the design without its rows, light enough to be kept or sent to other processes."""
        empty = np.empty(0)
        matrix = np.empty((0, len(self.columns)))
        return replace(self, matrix=matrix, rows=empty.astype(bool), offset=empty, weights=None)

    def without_intercept(self) -> Design:
        """Return the design of a model whose baseline takes the intercept's place."""
        kept = [i for i, column in enumerate(self.columns) if column.term != INTERCEPT]
        return replace(self.keeping(kept), standard=self.standard.keeping(kept))

    def keeping(self, kept: Sequence[int]) -> Design:
        """Return the design of the columns ``kept``, those of all splines among them; how engines see it is left out.

        A term that keeps no column is one that does not vary.
        """
        place, columns = {column: i for i, column in enumerate(kept)}, tuple(self.columns[i] for i in kept)
        lost = {column.term: None for column in self.columns if column.term not in {c.term for c in columns}}
        return replace(
            self,
            matrix=self.matrix[:, kept],
            columns=columns,
            constant=(*self.constant, *(term for term in lost if term != INTERCEPT)),
            smooths=tuple(
                replace(s, columns=tuple(place[i] for i in s.columns), contrasts=s.contrasts[:, kept])
                for s in self.smooths
            ),
            encode=Without(self.encode, tuple(kept)),
            standard=Standard.none(len(kept)),
            declared=self.declared.kept(kept),
        )

    def terms(self) -> tuple[str, ...]:
        """Return the fitted terms but the intercept, in formula order."""
        return tuple(dict.fromkeys(c.term for c in self.columns if c.term != INTERCEPT))

    def all_terms(self) -> tuple[str, ...]:
        """Return the fitted terms and those that were left out."""
        return (*self.terms(), *self.not_measured, *self.constant, *self.surplus)


def build(
    frame: pl.DataFrame,
    terms: str,
    *,
    candidate: Flags,
    needs: Sequence[str] = (),
    times: NDArray[np.int64] | None = None,
    per_coefficient: int | None = None,
) -> Design:
    """Build the design of ``terms`` on the ``candidate`` rows of ``frame`` that are complete on terms and ``needs``.

    Booleans and levels enter by treatment coding; the reference is male, false, the youngest band with at least
    :data:`~.levels.FEWEST_IN_REFERENCE` participants, else the first level.

    Args:
        frame: a row per night, or whatever the model's rows are.
        terms: a formula; its names are those of the codebook or of columns of ``frame``.
        candidate: the rows (n) that may be used; one of weight 0 is left out.
        needs: columns that must be known besides.
        times: as how many rows (n) each counts, 1 if not given.
        per_coefficient: leave the last terms out until there are so many participants to every coefficient.

    Raises:
        UsageError: a name is neither in the codebook nor a column of the cohort, or a term cannot be evaluated.
    """
    asked = _Asked.read(frame, terms, candidate, needs)
    each = np.ones(frame.height, dtype=np.int64) if times is None else times
    made, dropped = _dropped(asked, per_coefficient)
    names = {str(term): tuple(sorted(formula.names_of(term))) for term in asked.terms}
    made_of = [frozenset(names.get(column.term, ())) for column in made.columns]
    lost = asked.candidate & ~made.rows
    design = Design(
        matrix=made.matrix,
        columns=made.columns,
        rows=made.rows,
        variables=made.variables,
        not_measured=tuple(str(t) for t in asked.terms if t not in asked.measured and t not in asked.unreached),
        constant=(*map(str, asked.unreached), *dropped.constant),
        incomplete=int(each[lost].sum()),
        unreached=int(each[lost & _unreached(frame, made.variables)].sum()),
        weightless=int(each[candidate & ~asked.candidate].sum()),
        encode=made.encode,
        offset=np.zeros(int(made.rows.sum())) if asked.offset is None else asked.offset[made.rows],
        weights=None if asked.weights is None else asked.weights[made.rows],
        smooths=made.smooths,
        beside=asked.beside,
        names=names,
        surplus=dropped.surplus,
        remarks=(*made.remarks, *_crowded(frame, made)),
        flat={term: why for term, why in dropped.constant.items() if why}
        | {str(term): f"no night has the other nights logged that are needed for {term}" for term in asked.unreached},
        standard=Standard.of(made.matrix, made_of) if len(made.matrix) else Standard.none(len(made.columns)),
        observed=made.observed,
    )
    return replace(design, declared=declare(design, frame, asked.candidate, each))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A formula read against a frame: its ``terms`` with coefficients, those ``measured``, and what stands beside them.

    ``unreached`` are terms of other nights that no row has, though their variable was measured. ``candidate`` (n) are
    the rows without those of weight 0; ``needs`` all columns that must be known besides the terms.
    """

    frame: pl.DataFrame
    terms: tuple[Term, ...]
    measured: tuple[Term, ...]
    unreached: tuple[Term, ...]
    candidate: Flags
    needs: tuple[str, ...]
    offset: Array | None
    weights: Array | None
    beside: tuple[str, ...]

    @classmethod
    def read(cls, frame: pl.DataFrame, terms: str, candidate: Flags, needs: Sequence[str]) -> _Asked:
        parsed = formula.parse(terms)
        used = formula.names_in(parsed)
        formula.check_names(used, frame)
        inside = pl.Series(candidate)
        empty = {n for n in used if n in frame.columns and inside.any() and not (frame[n].is_not_null() & inside).any()}
        absent = empty | {n for n in used if n not in frame.columns}
        specials = [found for term in parsed if (found := formula.special(term))]
        needs = [*needs, *sorted({name for found in specials for name in formula.names_of(found.term)})]
        if lacking := sorted(absent & set(needs)):
            raise UsageError(f"offset() and weights() need {lacking[0]}, which was never measured in this cohort")
        beside = formula.beside(frame, specials, candidate)
        weights = beside.get(WEIGHTS)
        own = tuple(term for term in parsed if formula.special(term) is None)
        beyond = {name for name in empty if (e := exposures.find(name)) and e.steps}
        return cls(
            frame=frame,
            terms=own,
            measured=tuple(term for term in own if not absent & formula.names_of(term)),
            unreached=tuple(t for t in own if (without := absent & formula.names_of(t)) and without <= beyond),
            candidate=candidate if weights is None else candidate & (weights != 0),
            needs=tuple(needs),
            offset=beside.get(OFFSET),
            weights=weights,
            beside=tuple(str(found.term) for found in specials),
        )


@dataclass(frozen=True, slots=True)
class _Dropped:
    """Terms left out: the ``constant`` ones with what is to be said of each, and those there is no room for."""

    constant: Mapping[str, str] = field(default_factory=dict)
    surplus: tuple[str, ...] = ()


def _dropped(asked: _Asked, per_coefficient: int | None) -> tuple[Encoded, _Dropped]:
    """Encode the terms that were measured, leaving out one after another of those that say nothing or are too many."""
    kept, dropped = list(asked.measured), _Dropped()
    while True:
        made = encoded(asked.frame, kept, asked.candidate, asked.needs)
        if made.flat:
            # A term that does not vary says nothing about itself and takes nothing from the others.
            dropped = replace(dropped, constant={**dropped.constant, **made.flat})
            kept = [term for term in kept if str(term) not in made.flat]
        elif per_coefficient and (last := _surplus(asked, made, kept, per_coefficient)):
            dropped = replace(dropped, surplus=(*map(str, last), *dropped.surplus))
            kept = [term for term in kept if term not in last]
        else:
            return made, dropped


def _surplus(asked: _Asked, made: Encoded, kept: Sequence[Term], per_coefficient: int) -> list[Term]:
    """Return the last of the terms that are ``kept``, as many as there is no room for.

    Without a term more rows may be complete, which is seen once they are encoded anew; but there are never more
    participants than the candidate rows have, nor fewer columns of the other terms.
    """
    if not _is_crowded(asked.frame, made, per_coefficient):
        return []
    most, columns = participants(asked.frame, asked.candidate), Counter(column.term for column in made.columns)
    surplus: list[Term] = []
    for term in (term for term in reversed(kept) if str(term) != "1"):
        if surplus and columns.total() * per_coefficient <= most:
            break
        # Half of the annual cycle is no adjustment for it: both of its halves stay, or neither.
        halves = [other for other in kept if formula.whole(str(other)) == formula.whole(str(term))]
        surplus = [*(other for other in halves if other not in surplus), *surplus]
        for each in halves:
            columns[str(each)] = 0
    return [term for term in kept if term in surplus]


def _is_crowded(frame: pl.DataFrame, made: Encoded, per_coefficient: int) -> bool:
    return len(made.columns) * per_coefficient > participants(frame, made.rows) > 0


def _unreached(frame: pl.DataFrame, variables: Sequence[str]) -> Flags:
    """Return on which rows a variable that is of other nights is missing."""
    of_others = [name for name in variables if (e := exposures.find(name)) and e.steps]
    missing = pl.any_horizontal(pl.lit(value=False), *(pl.col(name).is_null() for name in of_others))
    return np.broadcast_to(frame.select(missing).to_series().to_numpy(), frame.height)


def _crowded(frame: pl.DataFrame, made: Encoded) -> tuple[str, ...]:
    """Return the remark that there are few participants for so many coefficients, if so."""
    if not _is_crowded(frame, made, PER_COEFFICIENT):
        return ()
    n = participants(frame, made.rows)
    of = f"{counted(len(made.columns), 'coefficients')} of {counted(n, 'participants')}"
    return (f"{of}, more than one to every {PER_COEFFICIENT}",)
