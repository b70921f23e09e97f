"""The nights of a marginal model, participant by participant, and the working correlations of one parameter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from crampstudy.arrays import Array, Codes
from crampstudy.errors import AnalysisError
from crampstudy.models.common.distributions import ResponseFamily

_BLOCK_ROWS = 1 << 14
_BLOCK_CELLS = 1 << 19
_IN_LINK = 1e-5
"""Step of a difference in the linear predictor."""


@dataclass(frozen=True, slots=True)
class ParticipantBlock:
    """Rows of g whole participants, by participant and night; ``place`` is their cell in a calendar of g rows."""

    matrix: Array
    outcome: Array
    offset: Array
    member: Codes  # 0..g-1
    size: Codes  # (g,) rows of each participant
    start: Codes  # (g,) their first row
    gap: Array  # nights since the participant's row before; 0 at the first
    place: Codes
    calendar: tuple[int, int]

    def residuals(self, b: Array, family: ResponseFamily) -> tuple[Array, Array]:
        """Return the Pearson residuals (n) and the factor (n) that turns a design row into their derivative."""
        mu = family.mean(self.matrix @ b + self.offset)
        root = np.sqrt(family.variance(mu))
        return (self.outcome - mu) / root, family.slope(mu) / root

    def in_link(self, b: Array, family: ResponseFamily) -> Array:
        """Return the derivatives (n) of the Pearson residuals in the linear predictor."""
        eta = self.matrix @ b + self.offset
        up, down = (
            (self.outcome - mu) / np.sqrt(family.variance(mu))
            for mu in (family.mean(eta + _IN_LINK), family.mean(eta - _IN_LINK))
        )
        return (up - down) / (2 * _IN_LINK)


class Structure(Protocol):
    """A working correlation R of one parameter."""

    def solve(self, alpha: float, block: ParticipantBlock, columns: Array) -> Array:
        """Return R^-1 times ``columns`` (n x k), participant by participant."""

    def products(self, block: ParticipantBlock, residuals: Array) -> Array:
        """Return the sums of products over pairs of nights of a participant, by distance."""

    def sums(self, block: ParticipantBlock, weights: Array, column: Array) -> Array:
        """Return for each night (n) the sum over the participant's others, times the ``weights`` of their distance."""

    def curve(self, alpha: float, n: int) -> tuple[Array, Array]:
        """Return the correlation at each of ``n`` distances and its derivative in alpha."""

    def lowest(self, blocks: tuple[ParticipantBlock, ...]) -> float:
        """Return the alpha above which (and below 1) R is positive definite."""


class Exchangeable:
    """Any two nights of a participant correlate alike."""

    def solve(self, alpha: float, block: ParticipantBlock, columns: Array) -> Array:
        shared = alpha / (1 + (block.size - 1) * alpha)
        sums = np.add.reduceat(columns, block.start, axis=0) * shared[:, None]
        inverse: Array = (columns - sums[block.member]) / (1 - alpha)
        return inverse

    def products(self, block: ParticipantBlock, residuals: Array) -> Array:
        sums = np.add.reduceat(residuals, block.start)
        return np.array([(sums @ sums - residuals @ residuals) / 2])

    def sums(self, block: ParticipantBlock, weights: Array, column: Array) -> Array:
        others: Array = weights[0] * (np.add.reduceat(column, block.start)[block.member] - column)
        return others

    def curve(self, alpha: float, n: int) -> tuple[Array, Array]:
        return np.full(n, alpha), np.ones(n)

    def lowest(self, blocks: tuple[ParticipantBlock, ...]) -> float:
        return -1 / (max(int(block.size.max()) for block in blocks) - 1)


class Ar1:
    """Nights d apart correlate by alpha to the power of d."""

    def solve(self, alpha: float, block: ParticipantBlock, columns: Array) -> Array:
        # Each night depends on the participant's night before alone: R^-1 = L' W L with L of two diagonals.
        link = np.where(block.gap > 0, alpha**block.gap, 0.0)
        innovation = columns.copy()
        innovation[1:] -= link[1:, None] * columns[:-1]
        innovation /= (1 - link**2)[:, None]
        innovation[:-1] -= link[1:, None] * innovation[1:]
        return innovation

    def products(self, block: ParticipantBlock, residuals: Array) -> Array:
        # All distances at once: the autocorrelation of a calendar is the inverse transform of its power spectrum.
        people, width = block.calendar
        calendar = np.zeros(people * width)
        calendar[block.place] = residuals
        length = fft.next_fast_len(2 * width - 1, real=True)
        spectrum = fft.rfft(calendar.reshape(people, width), length, axis=1)
        power = np.einsum("gk,gk->k", spectrum.real, spectrum.real) + np.einsum(
            "gk,gk->k", spectrum.imag, spectrum.imag
        )
        sums: Array = fft.irfft(power, length)[1:width]
        return sums

    def sums(self, block: ParticipantBlock, weights: Array, column: Array) -> Array:
        people, width = block.calendar
        calendar = np.zeros(people * width)
        calendar[block.place] = column
        length = fft.next_fast_len(3 * width, real=True)
        kernel = np.zeros(length)
        kernel[1:width] = weights[: width - 1]
        kernel[-width + 1 :] += weights[: width - 1][::-1]
        both = fft.rfft(calendar.reshape(people, width), length, axis=1) * fft.rfft(kernel)
        spread: Array = fft.irfft(both, length, axis=1)[:, :width].ravel()[block.place]
        return spread

    def curve(self, alpha: float, n: int) -> tuple[Array, Array]:
        distance = np.arange(1.0, n + 1)
        correlation: Array = alpha**distance
        slope: Array = distance * alpha ** (distance - 1)
        return correlation, slope

    def lowest(self, blocks: tuple[ParticipantBlock, ...]) -> float:
        return -1.0


def blocks(
    matrix: Array, outcome: Array, offset: Array, groups: Codes, nights: NDArray[np.int64]
) -> Iterator[ParticipantBlock]:
    """Cut the rows, by participant and night, into blocks that a processor's cache holds.

    Args:
        matrix: columns of the model (n x p).
        outcome: what is explained (n).
        offset: added to the linear predictor (n).
        groups: codes of the participants (n), 0..G-1.
        nights: whole numbers (n), one row each of a participant.
    """
    size = np.bincount(groups)
    if (size == 0).any():
        raise AnalysisError(f"participant code {int(np.argmin(size))} has no row; number participants 0, 1, 2, …")
    order = np.lexsort((nights, groups))
    gap = np.diff(nights[order], prepend=0)
    stop = np.cumsum(size)
    start = stop - size
    gap[start] = 1
    if (gap == 0).any():
        group = int(groups[order[np.argmin(gap)]])
        raise AnalysisError(f"participant code {group} has two rows of one night; keep one row a night")
    gap[start] = 0
    first = nights[order[start]]
    width = int((nights[order[stop - 1]] - first).max()) + 1
    people = max(1, min(_BLOCK_ROWS * len(size) // len(groups), _BLOCK_CELLS // width))
    for low in range(0, len(size), people):
        high = min(low + people, len(size))
        among = slice(start[low], stop[high - 1])
        rows, here = order[among], size[low:high]
        member = np.repeat(np.arange(high - low), here)
        place = member * width + nights[rows] - first[low:high][member]
        yield ParticipantBlock(
            matrix=matrix[rows],
            outcome=outcome[rows],
            offset=offset[rows],
            member=member,
            size=here,
            start=start[low:high] - start[low],
            gap=gap[among].astype(np.float64),
            place=place,
            calendar=(high - low, width),
        )
