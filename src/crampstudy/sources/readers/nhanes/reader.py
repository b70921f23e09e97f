"""The tables of NHANES cycles harmonised to the codebook."""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import polars as pl

from crampstudy import codebook, wording
from crampstudy.cleaning import Raw, RawTable
from crampstudy.codebook import Component
from crampstudy.cohort import SurveyDesign
from crampstudy.errors import SourceError
from crampstudy.sources.readers import statread
from crampstudy.sources.readers.nhanes import codes as nc
from crampstudy.sources.readers.nhanes.variables import DERIVED, MEDICATION, medication, value
from crampstudy.sources.readers.statfile import TRANSPORT_ZERO, check_transport
from crampstudy.sources.readers.statread import Unreadable

_DECOMPRESS: Mapping[str, Callable[[bytes], bytes]] = {
    ".csv.xz": lzma.decompress,
    ".csv.gz": gzip.decompress,
    ".csv": bytes,
}
_FORMS = (*_DECOMPRESS, ".xpt")
_BROKEN = (
    *(OSError, EOFError, UnicodeDecodeError, lzma.LZMAError, zlib.error),
    *(pl.exceptions.PolarsError, Unreadable),
)
_TEXT = frozenset({"RXDDRUG"})
_EXACT = 2.0**53  # whole numbers beyond it are not exact


def read(folder: Path, cycles: Sequence[str] | None = None) -> Raw:
    """Read the tables of one or more cycles and harmonise them to the codebook.

    ``cycles`` are letters (``D`` 2005-2006, ``E`` 2007-2008); without them every cycle with a DEMO table in
    ``folder`` is read. DEMO and SLQ are required, any other table may be absent, which is noticed. Weights are
    divided by the number of cycles. The line of a row is its line in DEMO; a second cycle counts on from the end
    of the first file. Pregnancy is ``none`` for men, and for women of 45 and over where it was not asked.

    Raises:
        SourceError: no cycle is found, a cycle is unknown, or a file is missing, broken, lacks a column, holds a
            code that the publisher's codebook does not know, or names a person twice.
    """
    files = _files(folder)
    chosen = _cycles(folder, files, cycles)
    notices: list[str] = []
    parts = [_participants(folder, files, cycle, notices) for cycle in chosen]
    frame = pl.concat(parts, how="diagonal")
    weights: dict[Component, str] = {c: f"weight_{c}" for c in codebook.COMPONENTS if f"weight_{c}" in frame.columns}
    frame = frame.with_columns(pl.col(list(weights.values())) / len(chosen))
    if len(chosen) > 1:
        notices.append(f"{len(chosen)} cycles are pooled and every weight is divided by {len(chosen)}")
    before = accumulate((part.height + 1 for part in parts), initial=0)
    lines = [
        pl.int_range(start + 2, start + 2 + part.height, dtype=pl.Int64, eager=True)
        for start, part in zip(before, parts, strict=False)
    ]
    return Raw(
        name="-".join(("nhanes", *chosen)),
        kind="survey",
        tables=(
            RawTable(
                name="participants",
                file=" + ".join(_path(folder, files, "DEMO", cycle).name for cycle in chosen),
                frame=frame.select(v.name for v in codebook.variables("participants") if v.name in frame.columns),
                lines=pl.concat(lines),
            ),
        ),
        design=SurveyDesign(
            cycles=chosen, weights=weights, top_coded_age=min(nc.CYCLES[cycle].top_coded_age for cycle in chosen)
        ),
        as_of=max(nc.CYCLES[cycle].last_day for cycle in chosen),
        notices=tuple(notices),
        title=f"NHANES {wording.listed(nc.CYCLES[cycle].years.replace('-', wording.DASH) for cycle in chosen)}",
        credits=nc.CREDITS,
    )


def _files(folder: Path) -> Mapping[str, Path]:
    if not folder.is_dir():
        raise SourceError(f"{folder} is not a folder; give the folder that holds DEMO_D.XPT or DEMO_D.csv.xz")
    return {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_file()}


def _find(files: Mapping[str, Path], table: str, cycle: str) -> Path | None:
    names = (f"{table}_{cycle}{form}".lower() for form in _FORMS)
    return next((files[name] for name in names if name in files), None)


def _path(folder: Path, files: Mapping[str, Path], table: str, cycle: str) -> Path:
    path = _find(files, table, cycle)
    if path is None:
        raise SourceError(
            f"{folder}: cycle {cycle} lacks its table {table}; looked for {table}_{cycle} as {', '.join(_FORMS)}"
        )
    return path


def _cycles(folder: Path, files: Mapping[str, Path], asked: Sequence[str] | None) -> tuple[str, ...]:
    found = tuple(cycle for cycle in nc.CYCLES if _find(files, "DEMO", cycle))
    known = ", ".join(f"{letter} ({cycle.years})" for letter, cycle in nc.CYCLES.items())
    if asked is None and not found:
        some = ", ".join(path.name for path in list(files.values())[:6]) or "nothing"
        raise SourceError(
            f"{folder}: looked for DEMO_D or DEMO_E as {', '.join(_FORMS)}; "
            f"the folder holds {some}; known cycles: {known}"
        )
    if asked is None:
        return found
    letters = [letter.strip().upper() for letter in asked]
    if unknown := [letter for letter in letters if letter not in nc.CYCLES]:
        raise SourceError(f"NHANES cycle {unknown[0]!r} is not one that is read; allowed: {known}")
    if not letters:
        raise SourceError(f"no NHANES cycle was asked for; allowed: {known}")
    return tuple(cycle for cycle in nc.CYCLES if cycle in letters)


def _participants(folder: Path, files: Mapping[str, Path], cycle: str, notices: list[str]) -> pl.DataFrame:
    """Return the people of a cycle, a row each, under the codebook's names."""
    fields = [field for field in nc.FIELDS if cycle in field.cycles]
    people = pl.DataFrame()
    for table, columns in _wanted(fields).items():
        of_table = [field for field in fields if field.table == table]
        path = _path(folder, files, table, cycle) if table in nc.REQUIRED_TABLES else _find(files, table, cycle)
        if path is None:
            names = ", ".join([field.name for field in of_table] or _made_of(columns))
            notices.append(f"cycle {cycle} lacks the table {table}: {names} missing")
            continue
        frame = _table(path, columns, {field.column for field in of_table if field.optional})
        for field in of_table:
            if field.column not in frame.columns:
                notices.append(f"{path.name} has no column {field.column}: {field.name} missing")
        frame = _checked(path, table, frame, [field for field in of_table if field.column in frame.columns])
        people = frame if table == "DEMO" else _beside(people, path, frame)
    top = nc.CYCLES[cycle].top_coded_age
    notices.append(f"cycle {cycle}: ages of {top} and over are published as {top} and kept so")
    return people.select(
        pl.col("SEQN").cast(pl.Int64).cast(pl.String).alias("participant_id"),
        pl.lit(cycle).alias("cycle"),
        *(value(field).alias(field.name) for field in fields if field.column in people.columns),
        *(expression.alias(name) for name, expression, needs in DERIVED if set(needs) <= set(people.columns)),
        *(name for name in MEDICATION if name in people.columns),
    )


def _wanted(fields: Sequence[nc.NhanesField]) -> dict[str, list[str]]:
    """Return the columns that are read, by table."""
    wanted: dict[str, list[str]] = {}
    for table, column in [(f.table, f.column) for f in fields] + [(t, c) for t, cs in nc.EXTRA.items() for c in cs]:
        wanted.setdefault(table, []).append(column)
    return wanted


def _made_of(columns: Sequence[str]) -> list[str]:
    """Return the variables that are made of any of the columns of a table."""
    return [name for name, _, needs in DERIVED if {*needs} & {*columns}] or [*MEDICATION]


def _beside(people: pl.DataFrame, path: Path, frame: pl.DataFrame) -> pl.DataFrame:
    """Return everybody in DEMO with the columns of another table."""
    if (strangers := frame.join(people, on="SEQN", how="anti")).height:
        who = strangers["SEQN"].cast(pl.Int64)[0]
        raise SourceError(f"{path}: nobody in DEMO has the SEQN {who}; fetch the published files again")
    return people.join(frame, on="SEQN", how="left", maintain_order="left")


def _checked(path: Path, table: str, frame: pl.DataFrame, fields: Sequence[nc.NhanesField]) -> pl.DataFrame:
    """Return a table with one row per person, once its codes and whole numbers have been found to be such."""
    for field in fields:
        if field.codes is not None:
            _check_codes(path, frame[field.column], {*field.codes, *field.missing})
        elif codebook.variable(field.name, "participants").type == "integer":
            _check_whole(path, frame[field.column])
    _check_whole(path, frame["SEQN"])
    for column in nc.EXTRA.get(table, ()):
        if column in nc.EXTRA_CODES:
            _check_codes(path, frame[column], {*nc.EXTRA_CODES[column]})
    frame = medication(frame) if table == "RXQ_RX" else frame
    if frame["SEQN"].is_duplicated().any():
        raise SourceError(f"{path}: a SEQN stands on more than one row; fetch the published file again")
    return frame


def _table(path: Path, columns: Sequence[str], optional: Collection[str] = ()) -> pl.DataFrame:
    wanted = ["SEQN", *columns]
    try:
        frame = _transport(path, wanted) if path.name.lower().endswith(".xpt") else _csv(path, wanted)
    except _BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(f"{path} cannot be read ({reason}); fetch the published file again") from error
    if missing := [column for column in wanted if column not in {*frame.columns, *optional}]:
        raise SourceError(f"{path} has no column {missing[0]}; is it the table that its name says?")
    # A CSV made from a transport file has its zeros, too.
    tiny = pl.col(pl.Float64).abs() < TRANSPORT_ZERO
    return frame.with_columns(pl.when(tiny).then(0.0).otherwise(pl.col(pl.Float64)).name.keep())


def _csv(path: Path, wanted: Sequence[str]) -> pl.DataFrame:
    form = next(form for form in _DECOMPRESS if path.name.lower().endswith(form))
    data = _DECOMPRESS[form](path.read_bytes())
    header = pl.read_csv(data, n_rows=0).columns
    types = {name: pl.String() if name in _TEXT else pl.Float64() for name in wanted}
    present = [name for name in wanted if name in header]
    return pl.read_csv(data, columns=present, schema_overrides=types, null_values=["NA", ""])


def _transport(path: Path, wanted: Sequence[str]) -> pl.DataFrame:
    check_transport(path)
    columns, _, _ = statread.read("read_xport", path, usecols=list(wanted))
    return pl.DataFrame(
        {
            name: pl.Series([str(v) for v in values], dtype=pl.String)
            if name in _TEXT
            else pl.Series(values, dtype=pl.Float64, nan_to_null=True)
            for name, values in columns.items()
        }
    ).with_columns(pl.col(pl.String).replace("", None))


def _check_codes(path: Path, values: pl.Series, allowed: set[int]) -> None:
    unknown = sorted(set(values.drop_nulls().unique().to_list()) - allowed)
    if unknown:
        codes = ", ".join(str(code) for code in sorted(allowed))
        raise SourceError(f"{path}: {values.name} holds the code {unknown[0]:g}; its codebook allows {codes}")


def _check_whole(path: Path, values: pl.Series) -> None:
    wrong = values.filter((values != values.round()) | (values.abs() > _EXACT) | ~values.is_finite())
    if len(wrong):
        raise SourceError(
            f"{path}: {values.name} holds {wrong[0]:g}, not a whole number; fetch the published file again"
        )
