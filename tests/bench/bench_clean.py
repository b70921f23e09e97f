"""Cleaning a large diary with planted errors: against pandas with pandera, a bare typed read, and CSV against Parquet.

The peer reads with the fastest engine of pandas, coerces what does not fit and counts it, and lets pandera check
ranges, keys and participants lazily, so that it has all failures. This package also names each unit slip and jump,
sets contradicting rows aside and writes the ledger with lines and hints, which the peer does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import big_diary
import pandas as pd
import pandera.pandas as pa
import polars as pl
from timing import Job

from crampstudy import codebook, load
from crampstudy.codebook import rules

NIGHTS = 1_000_000
VARIABLES = codebook.variables("diary")
TRUTH = {"true": True, "false": False, "True": True, "False": False, True: True, False: False}


def jobs(folder: Path, nights: int = NIGHTS) -> Iterator[Job]:
    csv, parquet = (folder / f"{kind}-{nights / 1e6:g}" for kind in ("csv", "parquet"))
    if not csv.exists():
        big_diary.write(csv, nights, "csv")
    if not parquet.exists():
        big_diary.write(parquet, nights, "parquet")
    size = f"{nights / 1e6:g} M nights x {len(VARIABLES)}"
    pandera = partial(with_pandera, csv)
    yield Job(f"clean {size}, CSV", "pandas + pandera", partial(with_crampstudy, csv), pandera)
    yield Job(f"clean {size}, CSV", "bare typed polars read", partial(rows, csv), partial(bare, csv))
    yield Job(f"clean {size}, Parquet", "crampstudy, CSV", partial(rows, parquet), partial(rows, csv))


def with_crampstudy(folder: Path) -> dict[str, float]:
    cleaned = load(folder)
    ledger = cleaned.ledger
    # Where several rules have a cell, the ledger names one; a unit slip beyond the range is one of range.
    costly = ledger.filter(pl.col("severity") != "warn")
    ranges = costly.filter(pl.col("rule").is_in(["range", "unit-slip"])).height
    types = costly.filter(pl.col("rule").is_in(["type", "key-missing"]) & (pl.col("value") != "")).height
    unknown = costly.filter(pl.col("rule") == "unknown-participant").height
    return {"out of range": ranges, "wrong type": types, "of nobody": unknown}


def with_pandera(folder: Path) -> dict[str, float]:
    people = pd.read_csv(folder / "participants.csv", usecols=["participant_id"])["participant_id"]
    frame = pd.read_csv(folder / "diary.csv", engine="c")
    wrong = 0
    for v in VARIABLES:
        cells = frame[v.name]
        if v.type == "date":
            typed = pd.to_datetime(cells, format="%Y-%m-%d", errors="coerce")
        elif v.type == "boolean":
            typed = cells.map(TRUTH).astype("boolean")
        elif v.type in ("integer", "number") and not pd.api.types.is_numeric_dtype(cells):
            typed = pd.to_numeric(cells, errors="coerce")
        else:
            continue
        wrong += int(cells.notna().sum() - typed.notna().sum())
        frame[v.name] = typed
    schema = pa.DataFrameSchema(
        {v.name: pa.Column(checks=_checks(v, people), nullable=v.name not in _KEY) for v in VARIABLES},
        unique=list(_KEY),
    )
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as failed:
        said = failed.failure_cases["check"].astype(str)
    ranges, unknown = said.str.startswith("in_range").sum(), said.str.startswith("isin").sum()
    return {"out of range": int(ranges), "wrong type": wrong, "of nobody": int(unknown)}


def bare(folder: Path) -> dict[str, float]:
    types = {v.name: rules.DTYPES[v.type] for v in VARIABLES}
    return {"rows": pl.read_csv(folder / "diary.csv", schema=types, ignore_errors=True).height}


def rows(folder: Path) -> dict[str, float]:
    return {"rows": load(folder).cohort.attrition.tables[1].read}


_KEY = codebook.TABLES["diary"].key


def _checks(v: codebook.Variable, people: pd.Series) -> list[pa.Check]:
    if v.name == "participant_id":
        return [pa.Check.isin(people)]
    if v.minimum is None and v.maximum is None:
        return []
    return [pa.Check.in_range(v.minimum, v.maximum)]
