"""A cohort made in chunks of blocks, in one process or several; the same cohort however it is cut and shared out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy.simulate.arrays import Integers
from crampstudy.simulate.corruption.degrade import CorruptionRecord, Mess, degrade_tables
from crampstudy.simulate.corruption.error_injection import inject
from crampstudy.simulate.draw.cohort import as_cohort, draw_block
from crampstudy.simulate.draw.plan import BLOCK, Plan
from crampstudy.simulate.truth.parameters import check_whole
from crampstudy.simulate.truth.truth import Truth
from crampstudy.sources.writer import PART_ROWS, EncodedTables, Format, encode

RATES = "truth/rates"
"""The conditional rate of every night, drawn or kept, as a table beside those of the cohort."""
RECORD_TABLES = {"truth/participants": "participants", "truth/back_filled": "filled", "truth/labs": "labs"}
"""What was broken, as tables beside those of a cohort in several parts; of one part it stands in the truth itself."""


@dataclass(frozen=True, slots=True)
class Job:
    """A cohort to be made: its plan, what breaks it, and the root of the random numbers for that."""

    plan: Plan
    mess: Mess
    corruption_seed: np.random.SeedSequence
    error_seed: np.random.SeedSequence

    @classmethod
    def of(cls, participants: int, nights: int, seed: int, truth: Truth, mess: Mess) -> Job:
        """Plan the making of a cohort.

        Args:
            participants: Their number.
            nights: Nights per participant.
            seed: Seed of everything.
            truth: What is drawn.
            mess: What goes wrong.

        Raises:
            ParameterError: ``participants``, ``nights`` or ``seed`` is out of range.
        """
        check_whole("seed", seed, 0, 2**63 - 1)
        drawing, corruption_seed, error_seed = np.random.SeedSequence(seed).spawn(3)
        return cls(
            Plan.of(truth, participants, nights, np.random.default_rng(drawing)), mess, corruption_seed, error_seed
        )

    def chunks(self) -> list[range]:
        """Return the blocks in runs that make a part of a data package each."""
        size = max(1, PART_ROWS // (BLOCK * self.plan.nights))
        return [range(i, min(i + size, self.plan.blocks)) for i in range(0, self.plan.blocks, size)]

    def corruption_rng(self, index: int) -> np.random.Generator:
        """Return the generator of what breaks a block; the same whenever and wherever it is asked for."""
        key = (*self.corruption_seed.spawn_key, index)
        return np.random.default_rng(np.random.SeedSequence(self.corruption_seed.entropy, spawn_key=key))


@dataclass(frozen=True, slots=True)
class Chunk:
    """The tables of some blocks, typed, with their gaps; ``kept`` numbers the rows of ``complete`` that are left."""

    tables: Mapping[str, pl.DataFrame]
    complete: Mapping[str, pl.DataFrame]
    kept: Mapping[str, Integers]
    rates: pl.DataFrame
    broken: CorruptionRecord

    def with_errors(self, job: Job) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """Return the tables as text with the mistakes that were ordered, and the record of them."""
        nights = self.complete["diary"]["date"]
        window = nights.min(), nights.max()
        rng = np.random.default_rng(job.error_seed)
        return inject(self.tables, self.complete, self.kept, job.mess.mistakes, window, rng)  # type: ignore[arg-type]


def draw_chunk(job: Job, blocks: range) -> Chunk:
    """Draw and break some blocks."""
    drawn = [draw_block(job.plan, i) for i in blocks]
    broken = [
        degrade_tables(block.tables, job.mess, job.corruption_rng(i)) for i, block in zip(blocks, drawn, strict=True)
    ]
    kept = {
        name: _numbered([block.tables[name].height for block in drawn], [rows.get(name) for _, rows, _ in broken])
        for name in drawn[0].tables
    }
    return Chunk(
        tables={name: pl.concat(tables[name] for tables, _, _ in broken) for name in drawn[0].tables},
        complete={name: pl.concat(block.tables[name] for block in drawn) for name in drawn[0].tables},
        kept=kept,
        rates=pl.concat(block.rates for block in drawn),
        broken=CorruptionRecord.joined([record for _, _, record in broken]),
    )


def encode_chunk(job: Job, format: Format, with_rates: bool, blocks: range) -> tuple[EncodedTables, CorruptionRecord]:
    """Make a chunk, check it as a cohort, and return it as it is to be written, with what was broken."""
    chunk = draw_chunk(job, blocks)
    tables = dict(as_cohort(chunk.tables).tables)
    if with_rates:
        tables[RATES] = chunk.rates
    if len(blocks) < job.plan.blocks:
        tables |= {name: getattr(chunk.broken, record) for name, record in RECORD_TABLES.items()}
    return encode(tables, format), chunk.broken


def _numbered(heights: list[int], kept: list[Integers | None]) -> Integers:
    starts = np.cumsum([0, *heights])
    rows = (np.arange(height) if own is None else own for height, own in zip(heights, kept, strict=True))
    return np.concatenate([own + start for own, start in zip(rows, starts, strict=False)])
