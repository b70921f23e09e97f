"""Large diaries with planted errors: one simulated block of nights, spoiled and repeated with other participants."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl
import pyarrow.parquet as pq

from crampstudy.simulate import simulate

Format = Literal["csv", "parquet"]
BLOCK = 1_000_000
NIGHTS_EACH = 365
SHARE = 0.001
"""How many of the cells are broken."""
ROW_GROUP = 250_000
_SCORES = ("stress_0_10", "sleep_quality_0_10", "fatigue_0_10", "concentration_0_10", "productivity_0_10")

# Kind of error: its columns, what the cell becomes, and how many of a hundred errors are of this kind.
NUMBERS: dict[str, tuple[tuple[str, ...], float, int]] = {
    "score above its range": (_SCORES, 11, 25),
    "negative amount": (("fluid_ml", "sitting_min", "dietary_sodium_mg", "sleep_latency_min"), -1, 20),
    "more than a day": (("exercise_min", "low_impact_min", "strength_min"), 14400, 10),
    "minutes for hours": (("sleep_hours",), 430, 10),
    "litres for millilitres": (("fluid_ml",), 1.7, 5),
    "negative count": (("cramps",), -1, 2),
}
# What only text can hold; in a typed file such a cell is missing.
TEXTS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "remark in a number": (("dietary_calcium_mg", "hours_in_bed", "steps"), "approx. 7", 10),
    "yes for true": (("electrolyte_drink", "warm_up"), "yes", 5),
    "impossible date": (("date",), "2024-02-31", 2),
    "letter in the count": (("cramps",), "2x", 2),
}
# Errors of whole rows.
TWICE, NOBODY = 6, 3
KINDS = (*NUMBERS, *TEXTS, "night twice", "night of nobody")


def write(folder: Path, nights: int, format: Format, *, by_person: bool = True) -> None:
    """Write a data package whose diary has ``nights`` rows.

    ``by_person`` keeps the rows of a participant together; otherwise each block is shuffled.
    """
    folder.mkdir(parents=True, exist_ok=True)
    size = min(nights, BLOCK)
    # Some nights have no row in a simulated diary.
    participants = size // NIGHTS_EACH + 2
    while (cohort := simulate(participants, NIGHTS_EACH, 1)).frame("diary").height < size:
        participants += participants // 4 + 1
    block = spoiled(cohort.frame("diary").head(size), text=format == "csv").head(size)
    if not by_person:
        block = block.sample(fraction=1.0, shuffle=True, seed=1)
    copies = range(-(-nights // size))
    blocks = (_as_of(block.head(nights - copy * size), copy) for copy in copies)
    people = pl.concat(_as_of(cohort.frame("participants"), copy) for copy in copies)
    target = folder / f"diary.{format}"
    if format == "csv":
        people.write_csv(folder / "participants.csv")
        with target.open("wb") as file:
            for copy, frame in enumerate(blocks):
                frame.write_csv(file, include_header=copy == 0)
        return
    people.write_parquet(folder / "participants.parquet")
    with pq.ParquetWriter(target, block.to_arrow().schema, compression="zstd") as writer:
        for frame in blocks:
            writer.write_table(frame.to_arrow(), row_group_size=ROW_GROUP)


def spoiled(diary: pl.DataFrame, *, text: bool) -> pl.DataFrame:
    """Break about ``SHARE`` of the cells, at most one in a row; all text if ``text``, else typed."""
    rng = np.random.default_rng(1)
    errors = int(SHARE * diary.height * diary.width)
    rows = rng.permutation(np.flatnonzero(diary["cramps"].is_not_null().to_numpy()))[:errors]
    where = iter(np.split(rows, np.cumsum([int(len(rows) * share / 100) for share in _shares()])[:-1]))
    changed: dict[str, list[tuple[np.ndarray, str | float]]] = {}
    for columns, cell, _ in (*NUMBERS.values(), *TEXTS.values()):
        for column, some in zip(columns, np.array_split(next(where), len(columns)), strict=True):
            changed.setdefault(column, []).append((some, cell))
    twice, nobody = next(where), next(where)
    changed["participant_id"] = [(nobody, "nobody")]
    whole = diary.select(pl.all().cast(pl.String)) if text else diary
    columns = []
    for name in diary.columns:
        column = whole[name].clone()
        for some, cell in changed.get(name, []):
            written: str | float | None = str(cell) if text else None if isinstance(cell, str) else cell
            if name == "participant_id":
                written = "nobody"
            column = column.scatter(some, written)
        columns.append(column)
    frame = pl.DataFrame(columns).with_row_index("__place")
    again = frame[np.sort(twice)]
    return pl.concat([frame, again]).sort("__place", maintain_order=True).drop("__place")


def _shares() -> list[int]:
    return [share for _, _, share in (*NUMBERS.values(), *TEXTS.values())] + [TWICE, NOBODY]


def _as_of(frame: pl.DataFrame, copy: int) -> pl.DataFrame:
    """Return a frame with the participants of another copy."""
    return frame.with_columns(pl.format("S{}-{}", pl.lit(copy), "participant_id").alias("participant_id"))
