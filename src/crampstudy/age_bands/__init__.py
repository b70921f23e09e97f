"""Age bands by their lower limits, and the standard populations that weight them."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from crampstudy.age_bands.standards import (
    STANDARDS,
    AnyStandard,
    Standard,
    StandardPopulation,
    population,
    read_standard,
    standard_named,
)
from crampstudy.errors import BandError

__all__ = [
    "DEFAULT_LIMITS",
    "STANDARDS",
    "AgeBands",
    "AnyStandard",
    "Standard",
    "StandardPopulation",
    "population",
    "read_standard",
    "standard_named",
]

DEFAULT_LIMITS = (20, 40, 50, 60, 70, 80)
_OLDEST = 120
_SUMMARIES = (50, 60)
"""Ages from which on all are one group as well, whatever the bands are."""


@dataclass(frozen=True, slots=True)
class AgeBands:
    """Age bands ``[limit, next limit)`` in years; the last band is open, ages below the first are ``<limit``."""

    limits: tuple[int, ...] = DEFAULT_LIMITS

    def __post_init__(self) -> None:
        limits = self.limits
        if not limits:
            raise BandError("no age band: give at least one lower limit, e.g. (20, 40, 60)")
        if any(not isinstance(limit, int) or isinstance(limit, bool) or not 0 < limit <= _OLDEST for limit in limits):
            raise BandError(f"lower limits are whole years from 1 to {_OLDEST}, got {limits}")
        if any(a >= b for a, b in pairwise(limits)):
            raise BandError(
                f"lower limits must increase, got {limits}; give each limit once, youngest first, e.g. (20, 40, 60)"
            )

    @classmethod
    def parse(cls, text: str) -> AgeBands:
        """Read ``20,40,60``.

        Raises:
            BandError: the text is not a list of increasing whole years.
        """
        try:
            limits = [int(part) for part in text.split(",")]
        except ValueError:
            error = BandError(f"age bands are whole years separated by commas, e.g. 20,40,60; got {text!r}")
            error.correction = text, ",".join(map(str, DEFAULT_LIMITS))
            raise error from None
        try:
            return cls(tuple(limits))
        except BandError as problem:
            possible = sorted({limit for limit in limits if 0 < limit <= _OLDEST}) or DEFAULT_LIMITS
            problem.correction = text, ",".join(map(str, possible))
            raise

    @classmethod
    def among(cls, youngest: float, oldest: float) -> AgeBands:
        """Return bands for people of these ages: those by default that they are in, of minors every five years."""
        if oldest < DEFAULT_LIMITS[0]:
            return cls(tuple(range(5, int(oldest) + 1, 5)) or (1,))
        reached = [limit for limit in DEFAULT_LIMITS if limit <= oldest]
        below = sum(limit <= youngest for limit in reached)
        return cls(tuple(reached[max(below - 1, 0) :]))

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels from the youngest: ``<20``, ``20-29``, ``30``, …, ``80+`` (hyphen; print puts an en dash)."""
        inner = tuple(str(a) if b == a + 1 else f"{a}-{b - 1}" for a, b in pairwise(self.limits))
        return (f"<{self.limits[0]}", *inner, f"{self.limits[-1]}+")

    @property
    def summaries(self) -> dict[str, int]:
        """Lower ages of the groups that sum bands up, by label: ``20+``, ``50+`` and ``60+``.

        None begins below the first limit: who is younger is left out of what is by age.
        """
        first, *_ = self.limits
        return {f"{low}+": low for low in (first, *(age for age in _SUMMARIES if age > first))}

    def summaries_up_to(self, oldest: float | None) -> dict[str, int]:
        """Return the :attr:`summaries`; that of all bands alone where no band and nobody is so old.

        Where no age is known they are all there.
        """
        if oldest is None or max(self.limits[-1], oldest) >= min(_SUMMARIES):
            return self.summaries
        return {f"{self.limits[0]}+": self.limits[0]}

    def find(self, text: str) -> str:
        """Return the label of the band that a text names, from the first limit on, with a hyphen or a dash.

        A band of one year may also be named from that year to itself.

        Raises:
            BandError: it names none of them.
        """
        low, _, high = text.strip().replace("\u2013", "-").partition("-")
        label, known = low if high in ("", low) else f"{low}-{high}", self.labels[1:]
        if label not in known:
            error = BandError(f"no age band {text!r}; name one of {', '.join(known)}")
            error.correction = text, self._nearest(low)
            raise error
        return label

    def _nearest(self, years: str) -> str:
        """Return the label of the band that holds so many ``years``, as ``<20`` names them; else the last."""
        number = years.strip().lstrip("<>=≤≥ ").rstrip("+ ")
        if not number.isdecimal():
            return self.labels[-1]
        return self.labels[max(bisect_right(self.limits, int(number)), 1)]

    def label(self, age_years: float) -> str:
        """Return the label of the band that holds ``age_years`` (19.9 is below 20).

        Raises:
            BandError: the age is negative or not finite.
        """
        if not 0 <= age_years < math.inf:
            raise BandError(f"an age is a number of years of at least 0, got {age_years}")
        return self.labels[bisect_right(self.limits, age_years)]

    def standard_weights(self, standard: Standard | StandardPopulation) -> tuple[float, ...]:
        """Return the share of the standard population in each band from the first limit up, summing to 1.

        The shares are within the ages covered (20 and older by default). The band below the first limit
        has no share.

        Raises:
            BandError: a limit lies inside a group of the standard, or nobody of it is old enough.

        Source: Ahmad et al. 2001 (WHO); Eurostat 2013 (European standard).
        """
        found = population(standard)
        lows = [low for low, _ in found.groups]
        if off := [limit for limit in self.limits if limit not in lows]:
            inside = "a 5-year group of the standard population"
            use = f"use multiples of 5 up to {lows[-1]}"
            if isinstance(standard, StandardPopulation):
                inside, use = f"an age group of the {found.label}", f"use {', '.join(map(str, lows))}"
            raise BandError(f"the lower limit {off[0]} lies inside {inside}; {use}, or no standardisation")
        sums = [0.0] * len(self.limits)
        for low, share in found.groups:
            if low >= self.limits[0]:
                sums[bisect_right(self.limits, low) - 1] += share
        total = sum(sums)
        if not total:
            raise BandError(f"of the {found.label} nobody is known to be {self.limits[0]} years or older")
        return tuple(share / total for share in sums)
