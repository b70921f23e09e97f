"""How far the treated and the untreated are alike in their chance of treatment, and how much the weights leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crampstudy import estimates
from crampstudy.arrays import Array, Flags
from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import GROUPS, MEDIAN_AFTER, MEDIAN_BEFORE
from crampstudy.models.inference.covariance import effective_number
from crampstudy.treatments.open_use.balance import Imbalance
from crampstudy.wording import counted, number

BINS = 20
HEAVY = 10.0
"""A weight beyond this is said: one participant stands for ten."""
_WIDTHS = (0.01, 0.02, 0.025, 0.05)


@dataclass(frozen=True, slots=True)
class Overlap:
    """The chances of treatment and the weights of n participants, ``treated`` or not.

    ``outside`` are the numbers of the treated and of the untreated whose chance nobody of the other group has: it is
    beyond the least or the greatest there.
    """

    chance: Array
    weights: Array
    treated: Flags
    outside: tuple[int, int]

    def group(self, name: str) -> Flags:
        """Return who is in a group."""
        return self.treated if name == GROUPS[0] else ~self.treated

    @property
    def sentence(self) -> str:
        """What is said of positivity beside a weighted contrast."""
        n = sum(self.outside)
        range_ = f"weights from {number(self.weights.min())} to {number(self.weights.max())}, none trimmed"
        heavy = f", {counted(int((self.weights > HEAVY).sum()), 'participants')} above {HEAVY:g}"
        range_ += heavy if self.weights.max() > HEAVY else ""
        if not n:
            return f"{range_}; the chances of treatment of both groups overlap throughout"
        which = ", ".join(counted(k, name) for k, name in zip(self.outside, GROUPS, strict=True) if k)
        return f"{range_}; {which} with a chance of treatment that nobody of the other group has"


def overlap_of(chance: Array, weights: Array, treated: Flags) -> Overlap:
    """Return the overlap of two groups."""

    def beyond(own: Array, other: Array) -> int:
        return int(((own < other.min()) | (own > other.max())).sum())

    own, other = chance[treated], chance[~treated]
    return Overlap(chance, weights, treated, (beyond(own, other), beyond(other, own)))


def rows(seen: Overlap, cells: Mapping[str, Any], differences: Sequence[Imbalance] = ()) -> Iterator[dict[str, Any]]:
    """Yield the rows of the overlap of a treatment: numbers of the weights, and the distributions of the chance.

    Args:
        seen: the overlap.
        cells: those that all rows of the treatment have.
        differences: of everything measured, of which the median is told without its sign.
    """
    n = len(seen.treated)
    base = {**cells, "outcome": "weights", "analysis": kinds.OVERLAP.name, "n_participants": n}
    base |= {"n_exposed": int(seen.treated.sum())}
    told: list[tuple[str, str, float]] = [
        ("least weight", "weight", float(seen.weights.min())),
        ("greatest weight", "weight", float(seen.weights.max())),
        ("mean weight", "weight", float(seen.weights.mean())),
    ]
    for name, outside in zip(GROUPS, seen.outside, strict=True):
        own = seen.group(name)
        told += [
            (f"{name}", "count", float(own.sum())),
            (f"effective number, {name}", "effective_number", float(effective_number(seen.weights[own]))),
            (f"outside the other group's chances, {name}", "count", float(outside)),
        ]
    for level, values in (
        (MEDIAN_BEFORE, [abs(each.before) for each in differences]),
        (MEDIAN_AFTER, [abs(each.after) for each in differences]),
    ):
        if known := [value for value in values if not np.isnan(value)]:
            told.append((level, "standardised_mean_difference", float(np.median(known))))
    for level, scale, value in told:
        yield estimates.row(status="converged", **base | {"level": level, "scale": scale, "estimate": value})
    yield from _distribution(seen, cells)


def _distribution(seen: Overlap, cells: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the shares of each group by chance of treatment, without weights and with them."""
    top = float(seen.chance.max())
    width = next((w for w in _WIDTHS if w * BINS >= top), _WIDTHS[-1])
    place = np.minimum((seen.chance / width).astype(np.intp), BINS - 1)
    for kind, weights in ((kinds.PROPENSITY, np.ones(len(place))), (kinds.PROPENSITY_WEIGHTED, seen.weights)):
        for name in GROUPS:
            own = seen.group(name)
            share = np.bincount(place[own], weights[own], BINS) / weights[own].sum()
            for k in np.flatnonzero(np.bincount(place, minlength=BINS)):
                yield estimates.row(
                    status="converged",
                    **{**cells, "population": name},
                    analysis=kind.name,
                    outcome="treated",
                    level=f"{k * width:.3f}-{(k + 1) * width:.3f}",
                    scale="proportion",
                    estimate=float(share[k]),
                    n_participants=int(own.sum()),
                )
