"""What one cohort is drawn from: its truth, its size and the root of every block's random numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crampstudy.errors import ParameterError
from crampstudy.simulate.arrays import Floats
from crampstudy.simulate.draw.habits import temperature
from crampstudy.simulate.truth.parameters import check_whole
from crampstudy.simulate.truth.truth import Truth

MAX_PARTICIPANTS = 10_000_000
MAX_NIGHTS = 3_660
BLOCK = 500
"""Participants drawn at once; each block has generators of its own, so that workers can share them out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What one cohort is drawn from: the truth, its size, and the root of every block's random numbers."""

    truth: Truth
    participants: int
    nights: int
    weather: Floats
    root: np.random.SeedSequence

    @classmethod
    def of(cls, truth: Truth, participants: int, nights: int, rng: np.random.Generator) -> Plan:
        """Plan a cohort.

        Raises:
            ParameterError: ``participants`` or ``nights`` is out of range, or the run-in is longer than the diary.
        """
        check_whole("participants", participants, 1, MAX_PARTICIPANTS)
        check_whole("nights", nights, 1, MAX_NIGHTS)
        if truth.recruitment.run_in_nights > nights:
            raise ParameterError(
                f"recruitment.run_in_nights is {truth.recruitment.run_in_nights} of {nights} nights; allowed: as many "
                "as the diary has, as the run-in is its beginning"
            )
        weather_rng, blocks_rng = rng.spawn(2)
        days = truth.people.start_spread_nights + nights
        weather = temperature(truth.weather, truth.people.start, days, weather_rng)
        root = blocks_rng.bit_generator.seed_seq
        if not isinstance(root, np.random.SeedSequence):
            raise ParameterError("the generator has no seed sequence; make it with numpy.random.default_rng(seed)")
        return cls(truth, participants, nights, weather, root)

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-self.participants // BLOCK)

    def block(self, index: int) -> tuple[int, int, np.random.Generator]:
        """Return a block's first participant, counted from 0, its number of them, and its own generator."""
        first = index * BLOCK
        # Made anew each time: a block is the same whenever and wherever it is drawn.
        seed = np.random.SeedSequence(self.root.entropy, spawn_key=(*self.root.spawn_key, index))
        return first, min(BLOCK, self.participants - first), np.random.default_rng(seed)
