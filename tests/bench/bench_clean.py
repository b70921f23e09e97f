"""Cleaning a large diary with planted errors: against pandas with pandera, a bare typed read, and CSV against Parquet.

The peer of the first job does the same as this package (pandera_diary.py), and both must say the same of the diary,
rule by rule, before they are timed. The lean peer does less: it coerces what does not fit and counts it, and lets
pandera check ranges, keys and participants; it names no unit slip, jump or contradiction and writes no ledger. The
last is what pandera's documentation shows: one schema that coerces and checks, lazily. It looks at the cells of a
column one by one as soon as one does not fit, so its job is of few nights; scale.py tries it on many, in limited time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import big_diary
import pandas as pd
import pandera.pandas as pa
import pandera_diary
import polars as pl
from timing import Job

from crampstudy import codebook, load
from crampstudy.codebook import rules

NIGHTS = 1_000_000
FEW = 20_000
VARIABLES = pandera_diary.VARIABLES
DOCUMENTED = "pandas + pandera, as documented"
_COERCED = {"integer": "Int64", "number": "float64", "date": "datetime64[ns]"}


def jobs(folder: Path, nights: int = NIGHTS) -> Iterator[Job]:
    csv, parquet = (_written(folder, nights, kind) for kind in ("csv", "parquet"))
    few = _written(folder, FEW, "csv")
    size = f"{nights / 1e6:g} M nights x {len(VARIABLES)}"
    yield Job(f"clean {size}, CSV", "pandas + pandera, the same job", partial(ledger, csv), partial(peer_ledger, csv))
    yield Job(f"clean {size}, CSV", "bare typed polars read", partial(rows, csv), partial(bare, csv))
    yield Job(f"clean {size}, Parquet", "crampstudy, CSV", partial(rows, parquet), partial(rows, csv))
    yield Job(f"clean {size}, CSV", "pandas + pandera, lean", partial(counts, csv), partial(lean, csv))
    size = f"{FEW / 1e6:g} M nights x {len(VARIABLES)}"
    yield Job(f"clean {size}, CSV", DOCUMENTED, partial(types, few), partial(documented, few))


def _written(folder: Path, nights: int, kind: big_diary.Format) -> Path:
    path = folder / f"{kind}-{nights / 1e6:g}"
    if not path.exists():
        big_diary.write(path, nights, kind)
    return path


def ledger(folder: Path) -> dict[str, float]:
    cleaned = load(folder)
    of = cleaned.ledger.filter(pl.col("file") == "diary.csv").group_by("rule", "severity").len()
    said: dict[str, float] = {f"{rule}, {severity}": n for rule, severity, n in of.iter_rows()}
    diary = cleaned.cohort.attrition.tables[1]
    return said | {"accepted": diary.accepted, "rejected": diary.rejected}


def peer_ledger(folder: Path) -> dict[str, float]:
    cleaned = pandera_diary.clean(folder)
    of = cleaned.ledger.groupby(["rule", "severity"]).size()
    said: dict[str, float] = {f"{rule}, {severity}": n for (rule, severity), n in of.items()}
    return said | {"accepted": len(cleaned.accepted), "rejected": len(cleaned.rejected)}


def counts(folder: Path) -> dict[str, float]:
    # Where several rules have a cell, the ledger names one; a unit slip beyond the range is one of range.
    costly = load(folder).ledger.filter(pl.col("severity") != "warn")
    ranges = costly.filter(pl.col("rule").is_in(["range", "unit-slip"])).height
    wrong = costly.filter(pl.col("rule").is_in(["type", "key-missing"]) & (pl.col("value") != "")).height
    unknown = costly.filter(pl.col("rule") == "unknown-participant").height
    return {"out of range": ranges, "wrong type": wrong, "of nobody": unknown}


def lean(folder: Path) -> dict[str, float]:
    people = pd.read_csv(folder / "participants.csv", usecols=["participant_id"])["participant_id"]
    frame, mistyped = pandera_diary.typed(pd.read_csv(folder / "diary.csv", engine="pyarrow"))
    schema = pandera_diary.cell_schema(people)
    schema.unique = list(pandera_diary.KEY)
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as failed:
        said = failed.failure_cases["check"].value_counts()
    return {
        "out of range": int(said["range"]),
        "wrong type": len(mistyped),
        "of nobody": int(said["unknown-participant"]),
    }


def bare(folder: Path) -> dict[str, float]:
    schema = {v.name: rules.DTYPES[v.type] for v in VARIABLES}
    return {"rows": pl.read_csv(folder / "diary.csv", schema=schema, ignore_errors=True).height}


def rows(folder: Path) -> dict[str, float]:
    return {"rows": load(folder).cohort.attrition.tables[1].read}


def types(folder: Path) -> dict[str, float]:
    coerced = [v.name for v in codebook.variables("diary") if v.type in _COERCED]
    said = load(folder).ledger.filter((pl.col("rule") == "type") & pl.col("column").is_in(coerced))
    return {"wrong type": said.height}


def documented(folder: Path) -> dict[str, float]:
    people = pd.read_csv(folder / "participants.csv", usecols=["participant_id"])["participant_id"]
    frame = pd.read_csv(folder / "diary.csv", low_memory=False)
    checked = pandera_diary.cell_schema(people)
    schema = pa.DataFrameSchema(unique=list(pandera_diary.KEY))
    for v in VARIABLES:
        kind, checks = _COERCED.get(v.type), checked.columns[v.name].checks
        schema = schema.add_columns({v.name: pa.Column(kind, checks, nullable=True, coerce=kind is not None)})
    try:
        schema.validate(frame, lazy=True)
    except pa.errors.SchemaErrors as failed:
        said = failed.failure_cases["check"].astype(str)
    return {"wrong type": int(said.str.startswith("coerce_dtype").sum())}
