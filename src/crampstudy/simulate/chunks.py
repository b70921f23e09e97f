"""A cohort made in batches of blocks, in one process or several; the same cohort however it is cut and shared out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy.simulate.arrays import Integers
from crampstudy.simulate.corruption.degrade import Broken, Mess, degrade_tables
from crampstudy.simulate.corruption.error_injection import plant
from crampstudy.simulate.draw.cohort import BLOCK, Plan, as_cohort, draw_block
from crampstudy.simulate.truth.parameters import check_whole
from crampstudy.simulate.truth.truth import Truth
from crampstudy.sources.writer import PART_ROWS, Block, Format, encoded

RATES = "truth/rates"
"""The conditional rate of every night, drawn or kept, as a table beside those of the cohort."""
BROKEN = {"truth/participants": "participants", "truth/back_filled": "filled", "truth/labs": "labs"}
"""What was broken, as tables beside those of a cohort in several parts; of one part it stands in the truth itself."""


@dataclass(frozen=True, slots=True)
class Order:
    """A cohort to be made: its plan, what breaks it, and the root of the random numbers for that."""

    plan: Plan
    mess: Mess
    breaking: np.random.SeedSequence
    planting: np.random.SeedSequence

    @classmethod
    def of(cls, participants: int, nights: int, seed: int, truth: Truth, mess: Mess) -> Order:
        """Order a cohort.

        Raises:
            ParameterError: ``participants``, ``nights`` or ``seed`` is out of range.
        """
        check_whole("seed", seed, 0, 2**63 - 1)
        drawing, breaking, planting = np.random.SeedSequence(seed).spawn(3)
        return cls(Plan.of(truth, participants, nights, np.random.default_rng(drawing)), mess, breaking, planting)

    def batches(self) -> list[range]:
        """Return the blocks in runs that make a part of a data package each."""
        size = max(1, PART_ROWS // (BLOCK * self.plan.nights))
        return [range(i, min(i + size, self.plan.blocks)) for i in range(0, self.plan.blocks, size)]

    def broken_block(self, index: int) -> np.random.Generator:
        """Return the generator of what breaks a block; the same whenever and wherever it is asked for."""
        key = (*self.breaking.spawn_key, index)
        return np.random.default_rng(np.random.SeedSequence(self.breaking.entropy, spawn_key=key))


@dataclass(frozen=True, slots=True)
class Batch:
    """The tables of some blocks, typed, with their gaps; ``kept`` numbers the rows of ``complete`` that are left."""

    tables: Mapping[str, pl.DataFrame]
    complete: Mapping[str, pl.DataFrame]
    kept: Mapping[str, Integers]
    rates: pl.DataFrame
    broken: Broken

    def planted(self, order: Order) -> tuple[dict[str, pl.DataFrame], pl.DataFrame]:
        """Return the tables as text with the mistakes that were ordered, and the record of them."""
        nights = self.complete["diary"]["date"]
        window = nights.min(), nights.max()
        rng = np.random.default_rng(order.planting)
        return plant(self.tables, self.complete, self.kept, order.mess.mistakes, window, rng)  # type: ignore[arg-type]


def make(order: Order, blocks: range) -> Batch:
    """Draw and break some blocks."""
    drawn = [draw_block(order.plan, i) for i in blocks]
    broken = [
        degrade_tables(block.tables, order.mess, order.broken_block(i)) for i, block in zip(blocks, drawn, strict=True)
    ]
    kept = {
        name: _numbered([block.tables[name].height for block in drawn], [rows.get(name) for _, rows, _ in broken])
        for name in drawn[0].tables
    }
    return Batch(
        tables={name: pl.concat(tables[name] for tables, _, _ in broken) for name in drawn[0].tables},
        complete={name: pl.concat(block.tables[name] for block in drawn) for name in drawn[0].tables},
        kept=kept,
        rates=pl.concat(block.rates for block in drawn),
        broken=Broken.joined([record for _, _, record in broken]),
    )


def made(order: Order, format: Format, with_rates: bool, blocks: range) -> tuple[Block, Broken]:
    """Make a batch, check it as a cohort, and return it as it is to be written, with what was broken."""
    batch = make(order, blocks)
    tables = dict(as_cohort(batch.tables).tables)
    if with_rates:
        tables[RATES] = batch.rates
    if len(blocks) < order.plan.blocks:
        tables |= {name: getattr(batch.broken, record) for name, record in BROKEN.items()}
    return encoded(tables, format), batch.broken


def _numbered(heights: list[int], kept: list[Integers | None]) -> Integers:
    starts = np.cumsum([0, *heights])
    rows = (np.arange(height) if own is None else own for height, own in zip(heights, kept, strict=True))
    return np.concatenate([own + start for own, start in zip(rows, starts, strict=False)])
