"""NHANES as published: one folder of tables becomes the participants of a survey cohort.

Reads the publisher's transport files (``DEMO_D.XPT``) or the same tables as CSV, plain or compressed
(``DEMO_D.csv.xz``). Everybody in DEMO is kept, since domains of a survey are never subsets. The recalled
class stays an interval of counts and never becomes nights.
"""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import Raw, RawTable
from crampstudy.codebook import Component, rules
from crampstudy.cohort import SurveyDesign
from crampstudy.errors import SourceError
from crampstudy.sources.readers import statread
from crampstudy.sources.readers.nhanes import codes as nc
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
_NOT_ASKED_FROM_AGE = 45
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
    fields = [field for field in nc.FIELDS if cycle in field.cycles]
    wanted: dict[str, list[str]] = {}
    for table, column in [(f.table, f.column) for f in fields] + [(t, c) for t, cs in nc.EXTRA.items() for c in cs]:
        wanted.setdefault(table, []).append(column)
    people = pl.DataFrame()
    for table, columns in wanted.items():
        path = _path(folder, files, table, cycle) if table in nc.REQUIRED_TABLES else _find(files, table, cycle)
        if path is None:
            names = [f.name for f in fields if f.table == table] or ["smoking, pregnancy or medication"]
            notices.append(f"cycle {cycle} lacks the table {table}: {', '.join(names)} missing")
            continue
        frame = _table(path, columns)
        for field in fields:
            if field.table == table and field.codes is not None:
                _check_codes(path, frame[field.column], {*field.codes, *field.missing})
            elif field.table == table and codebook.variable(field.name, "participants").type == "integer":
                _check_whole(path, frame[field.column])
        _check_whole(path, frame["SEQN"])
        if table == "SLQ":
            _check_codes(path, frame["SLQ160"], {*nc.RECALLED, 7, 9})
        frame = _medication(frame) if table == "RXQ_RX" else frame
        if frame["SEQN"].is_duplicated().any():
            raise SourceError(f"{path}: a SEQN stands on more than one row; fetch the published file again")
        if table != "DEMO" and (strangers := frame.join(people, on="SEQN", how="anti")).height:
            who = strangers["SEQN"].cast(pl.Int64)[0]
            raise SourceError(f"{path}: nobody in DEMO has the SEQN {who}; fetch the published files again")
        people = frame if table == "DEMO" else people.join(frame, on="SEQN", how="left", maintain_order="left")
    top = nc.CYCLES[cycle].top_coded_age
    notices.append(f"cycle {cycle}: ages of {top} and over are published as {top} and kept so")
    made = [_value(field).alias(field.name) for field in fields if field.column in people.columns]
    for name, expression, needs in _DERIVED:
        if set(needs) <= set(people.columns):
            made.append(expression.alias(name))
    return people.select(
        pl.col("SEQN").cast(pl.Int64).cast(pl.String).alias("participant_id"),
        pl.lit(cycle).alias("cycle"),
        *made,
        *(name for name in _MEDICATION if name in people.columns),
    )


def _table(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    wanted = ["SEQN", *columns]
    try:
        frame = _transport(path, wanted) if path.name.lower().endswith(".xpt") else _csv(path, wanted)
    except _BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise SourceError(f"{path} cannot be read ({reason}); fetch the published file again") from error
    if missing := [column for column in wanted if column not in frame.columns]:
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
    columns, _ = statread.read("read_xport", path, usecols=list(wanted))
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


def _coded(column: str, codes: Mapping[int, str | bool | int | None], dtype: pl.DataType) -> pl.Expr:
    return pl.col(column).replace_strict(
        [float(code) for code in codes], list(codes.values()), default=None, return_dtype=dtype
    )


def _value(field: nc.Field) -> pl.Expr:
    dtype = rules.DTYPES[codebook.variable(field.name, "participants").type]
    if field.codes is not None:
        return _coded(field.column, field.codes, dtype)
    number = pl.col(field.column)
    if field.missing:
        number = pl.when(~number.is_in([float(code) for code in field.missing])).then(number)
    if field.factor != 1.0 or field.offset != 0.0:
        number = number * field.factor + field.offset
    return number.cast(dtype)


def _smoking() -> pl.Expr:
    """Never: fewer than 100 cigarettes (SMQ020 2); current: now every day or some days (SMQ040 1, 2)."""
    ever, now = pl.col("SMQ020"), pl.col("SMQ040")
    return (
        pl.when(ever == 2)
        .then(pl.lit("never"))
        .when((ever == 1) & (now == 3))
        .then(pl.lit("former"))
        .when((ever == 1) & now.is_in([1.0, 2.0]))
        .then(pl.lit("current"))
    )


def _trimester() -> pl.Expr:
    """Month of the pregnancy where the examination does not contradict it; ``none`` where not pregnant.

    The examination status is published for ages 8-59 (D) and 20-44 (E), the question goes to women with
    periods. A pregnancy without a month, or one that the two sources disagree on, is missing.
    """
    told, found = pl.col("RHD143"), pl.col("RIDEXPRG")
    silent = told.is_null() & found.is_null() & (pl.col("RIDAGEYR") >= _NOT_ASKED_FROM_AGE)
    no = ((told == 2) | (found == 2)).fill_null(value=False)
    yes = ((told == 1) | (found == 1)).fill_null(value=False)
    return (
        pl.when((pl.col("RIAGENDR") == 1) | silent | (no & ~yes))
        .then(pl.lit("none"))
        .when(yes & ~no)
        .then(_coded("RHD152", nc.MONTHS, pl.String()))
    )


_DERIVED: tuple[tuple[str, pl.Expr, tuple[str, ...]], ...] = (
    ("smoking", _smoking(), ("SMQ020", "SMQ040")),
    ("pregnancy_trimester", _trimester(), ("RHD143", "RHD152", "RIDEXPRG")),
    ("recalled_low", _coded("SLQ160", {code: low for code, (low, _) in nc.RECALLED.items()}, pl.Int64()), ("SLQ160",)),
    ("recalled_high", _coded("SLQ160", {code: hi for code, (_, hi) in nc.RECALLED.items()}, pl.Int64()), ("SLQ160",)),
)
_MEDICATION = ("diuretic_class", "statin", "laba")


def _medication(drugs: pl.DataFrame) -> pl.DataFrame:
    """One row per person from one row per drug.

    A class is taken where an ingredient of any drug, alone or combined, belongs to it. Nobody is called free of a
    class whose answer was refused, or who takes a drug that is unknown or named only by a group that may hold it.
    """
    ingredients = pl.col("RXDDRUG").fill_null("").str.split("; ")

    def taken(drug: nc.DrugClass) -> pl.Expr:
        return ingredients.list.eval(pl.element().is_in(drug.ingredients)).list.any().any()

    def free(drug: nc.DrugClass) -> pl.Expr:
        name = pl.col("RXDDRUG")
        listed = name.is_not_null() & ~name.is_in(nc.UNKNOWN_DRUGS)
        vague = name.str.contains(drug.vague) & name.str.contains("UNSPECIFIED")
        return ((pl.col("RXDUSE") == 2) | ((pl.col("RXDUSE") == 1) & listed & ~vague)).all()

    diuretic = pl.coalesce(
        *(pl.when(taken(drug)).then(pl.lit(drug.value)) for drug in nc.DIURETICS),
        pl.when(free(nc.DIURETICS[0])).then(pl.lit("none")),
    )
    return drugs.group_by("SEQN", maintain_order=True).agg(
        diuretic.alias("diuretic_class"),
        pl.when(taken(nc.STATINS)).then(True).when(free(nc.STATINS)).then(False).alias("statin"),
        pl.when(taken(nc.LONG_ACTING_BETA_AGONISTS))
        .then(True)
        .when(free(nc.LONG_ACTING_BETA_AGONISTS))
        .then(False)
        .alias("laba"),
    )
