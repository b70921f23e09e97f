"""Whether a few nights with large counts rule the dispersion of a negative binomial, and with it all intervals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crampstudy.arrays import Array
from crampstudy.checks.result import Check, made, not_made
from crampstudy.models.common.distributions import negative_binomial
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.inference.small_sample import Nights
from crampstudy.models.nights import count as counts
from crampstudy.models.nights.count import CountFit
from crampstudy.models.nights.solution import Solution
from crampstudy.wording import count, number

NAME = "large counts"
MOST_REFITS = 20
"""Fits without the nights of the largest counts, of one more distinct count each."""
_ALIKE = 1.1
"""Up to this many times as wide, intervals are alike and no further night is looked at."""
MOST_NIGHTS = 0.05
"""The largest share of nights that still is a few."""


@dataclass(frozen=True, slots=True)
class _Width:
    """Coefficients (p), and how many times as wide (p) as with the dispersion held their intervals are in truth."""

    coefficients: Array
    times: Array

    @property
    def most(self) -> float:
        """The largest of the terms."""
        return float(self.times.max())

    @property
    def narrow(self) -> bool:
        """Whether intervals with the dispersion held are too narrow by more than is let pass."""
        return self.most > automatic.JOINT


def large_counts(solution: Solution, fitted: CountFit | None) -> Check:
    """Say how many participants hold the nights whose counts make intervals with the dispersion held too narrow.

    The sandwich of coefficients and dispersion together is compared with the one that holds the dispersion: that which
    was asked for, or that which ``auto`` begins with. Where it is much the wider, nights are left out by their count,
    the largest first, until it no longer is: those are the nights named.
    """
    if fitted is None or fitted.joint is None:
        return not_made(NAME, "only a negative-binomial regression holds a dispersion that was estimated")
    data, kind = solution.data, solution.kind
    held: Covariance = kind if kind in ("cluster", "cluster-hc0", "cluster-small") else "auto"
    every = np.ones(len(data.outcome), dtype=bool)
    whole = _width(solution, fitted, every, held)
    if whole is None:
        return not_made(NAME, "with the dispersion held there is no variance to compare with")
    if not whole.narrow:
        said = f"with the dispersion estimated along, intervals would be up to {number(whole.most)} times as wide"
        return made(NAME, True, _rows(solution, whole, None, ~every), said)
    few, without = _ruling(solution, held)
    people = len(np.unique(data.groups[few]))
    verb = "holds" if people == 1 else "hold"
    which = f"that rule{'s' if few.sum() == 1 else ''} the dispersion" if without else "with the largest counts"
    said = f"{_plural(people, 'participant')} {verb} the {_nights(data.outcome, few)} {which}: "
    if held == "auto":
        said += f"with it held, intervals would be up to {number(whole.most)} times narrower"
    else:
        said += f"intervals of cluster-joint would be up to {number(whole.most)} times as wide as those of {kind}"
    return made(NAME, False, _rows(solution, whole, without, few), said)


def _ruling(solution: Solution, held: Covariance) -> tuple[NDArray[np.bool_], _Width | None]:
    """Return the few nights (n) without which the dispersion may be held, and the comparison without them.

    Where there are none, those of the largest count.
    """
    outcome = solution.data.outcome
    best: _Width | None = None
    few = outcome == outcome.max()
    for kept in _fewer(outcome):
        found = _width(solution, None, kept, held)
        if found is None or (best is not None and found.most >= best.most):
            continue
        few, best = ~kept, found
        if found.most <= _ALIKE:
            break
    return (few, best) if best is not None and not best.narrow else (outcome == outcome.max(), None)


def _width(solution: Solution, fitted: CountFit | None, kept: NDArray[np.bool_], held: Covariance) -> _Width | None:
    """Return the comparison on the nights ``kept`` (n), fitted anew if need be, or ``None`` where there is none."""
    data = solution.data
    matrix, outcome, offset = data.matrix[kept], data.outcome[kept], data.offset[kept]
    again = fitted or counts.negative_binomial(matrix, outcome, offset)
    groups = np.unique(data.groups[kept], return_inverse=True)[1].reshape(-1)
    if again.problem or groups.max() < 1:
        return None
    if again.joint is None:
        # No more dispersed than Poisson: there is nothing that could be held.
        return _Width(again.coefficients, np.ones(matrix.shape[1]))
    family = negative_binomial(again.dispersion)
    nights = Nights(matrix, outcome, offset, groups, again.coefficients, family)
    found = automatic.with_dispersion_held(again, nights, held)
    if found.problem:
        return None
    return _Width(again.coefficients, automatic.times_wider(again, nights, found.variance))


def _fewer(outcome: Array) -> Iterator[NDArray[np.bool_]]:
    """Yield which nights (n) are kept without those of the largest count, of the two largest, while these are few."""
    for largest in np.unique(outcome)[::-1][:MOST_REFITS]:
        kept = outcome < largest
        if kept.mean() < 1 - MOST_NIGHTS:
            return
        yield kept


def _rows(solution: Solution, whole: _Width, without: _Width | None, few: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Return a row per participant with such nights and term, or one per term where there is nobody."""
    data, columns = solution.data, solution.design.columns
    rest_of = np.full(len(columns), np.nan) if without is None else without.coefficients
    back = solution.design.standard.back()
    numbers = (whole.times, back @ whole.coefficients, back @ rest_of)
    terms = [
        {"term": c.term, "level": c.level, "times_as_wide": wide, "coefficient": all_, "without": rest}
        for c, wide, all_, rest in zip(columns, *(part.tolist() for part in numbers), strict=True)
    ]
    people: list[dict[str, Any]] = []
    for code in np.unique(data.groups[few]):
        own = data.outcome[few & (data.groups == code)]
        share = float(data.outcome[data.groups == code].sum() / data.outcome.sum())
        who = {"participant_id": solution.participants[code], "nights": len(own), "largest": float(own.max())}
        people.append(who | {"share_of_cramps": share})
    people.sort(key=lambda who: (-who["largest"], -who["nights"], who["participant_id"]))
    nobody = {"participant_id": None, "nights": 0, "largest": np.nan, "share_of_cramps": np.nan}
    return [who | term for who in people or [nobody] for term in terms]


def _nights(outcome: Array, few: NDArray[np.bool_]) -> str:
    largest, least = outcome[few].max(), outcome[few].min()
    of = f"{count(least)} cramps" if least == largest else f"{count(least)} to {count(largest)} cramps"
    return f"{_plural(int(few.sum()), 'night')} of {of}"


def _plural(number_of: int, noun: str) -> str:
    return f"{count(number_of)} {noun}{'' if number_of == 1 else 's'}"
