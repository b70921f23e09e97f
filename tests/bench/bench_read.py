"""Reading and cleaning a diary cohort, against pandas doing the same with its usual and its fastest CSV engine.

The file has planted errors: values out of range, negative counts and doubled nights. Both ways read and type every
column, apply the codebook's ranges and levels, drop what must be dropped and blank what must be blanked. This package
also writes the ledger, with lines and hints, which the peer does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import polars as pl
from timing import Job

from crampstudy import load
from crampstudy.codebook import TABLES, variables
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

PARTICIPANTS, NIGHTS = 2000, 90
Engine = Literal["c", "pyarrow"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


def jobs(folder: Path) -> Iterator[Job]:
    package.write(simulate(PARTICIPANTS, NIGHTS, 1), folder)
    plant_errors(folder / "diary.csv")
    for engine in ENGINES:
        yield Job(
            f"read and clean {PARTICIPANTS:,} people x {NIGHTS} nights, CSV",
            f"pandas, engine {engine}",
            partial(with_crampstudy, folder),
            partial(with_pandas, folder, engine),
        )


def plant_errors(diary: Path) -> None:
    """Spoil about 1 % of the rows; no row twice."""
    rng = np.random.default_rng(1)
    frame = pl.read_csv(diary, infer_schema=False)
    hot, negative, doubled = np.split(rng.choice(frame.height, 3 * (frame.height // 300), replace=False), 3)
    index = pl.int_range(pl.len())
    # A night of which no entry was made has no count to spoil.
    counted = pl.col("cramps").is_not_null()
    spoiled = frame.with_columns(
        sleep_quality_0_10=pl.when(index.is_in(hot)).then(pl.lit("11")).otherwise("sleep_quality_0_10"),
        cramps=pl.when(index.is_in(negative) & counted).then(pl.lit("-1")).otherwise("cramps"),
    )
    pl.concat([spoiled, frame[doubled]]).write_csv(diary)


def with_crampstudy(folder: Path) -> dict[str, float]:
    cleaned = load(folder)
    diary = cleaned.cohort.frame("diary")
    return {
        "accepted rows": diary.height,
        "cramps": diary["cramps"].sum(),
        "blanked cells": cleaned.ledger.filter(pl.col("severity") == "blank-cell").height,
    }


def with_pandas(folder: Path, engine: Engine) -> dict[str, float]:
    blanked = 0
    tables = {}
    for name in ("participants", "diary"):
        frame = pd.read_csv(folder / f"{name}.csv", engine=engine)
        rejected = pd.Series(False, index=frame.index)
        for variable in variables(name):
            if variable.name not in frame:
                continue
            column = frame[variable.name]
            if variable.type in ("date", "datetime"):
                frame[variable.name] = pd.to_datetime(column)
                continue
            bad = pd.Series(False, index=frame.index)
            if variable.minimum is not None:
                bad |= column < variable.minimum
            if variable.maximum is not None:
                bad |= column > variable.maximum
            if variable.levels:
                bad |= column.notna() & ~column.isin(variable.levels)
            if variable.severity == "reject-row":
                rejected |= bad
            elif variable.severity == "blank-cell" and bad.any():
                blanked += int(bad.sum())
                frame[variable.name] = column.mask(bad)
        frame = frame[~rejected].drop_duplicates()
        # Rows that share a key and differ: none can be believed.
        tables[name] = frame[~frame.duplicated(list(TABLES[name].key), keep=False)]
    diary = tables["diary"]
    diary = diary[diary["participant_id"].isin(tables["participants"]["participant_id"])]
    return {"accepted rows": len(diary), "cramps": float(diary["cramps"].sum()), "blanked cells": blanked}
