"""A cohort as a folder: ``datapackage.json`` and up to five tables, each CSV or Parquet."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args

import polars as pl

from crampstudy import codebook
from crampstudy.clean import Raw, RawTable
from crampstudy.codebook import Component, Variable, VariableType, dictionary, rules
from crampstudy.cohort import Cohort, Kind, SurveyDesign
from crampstudy.errors import SourceError, UsageError
from crampstudy.output import whole_folder

Format = Literal["csv", "parquet"]
DESCRIPTOR = "datapackage.json"
_FORMATS = get_args(Format)

# What a file is by its first bytes, for a message when it is not what its name says.
_MAGIC = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a spreadsheet or zip archive",
    b"\x1f\x8b": "a gzip file",
    b"\xfd7zXZ": "an xz file",
    b"%PDF": "a PDF",
    b"HEADER RECORD": "a SAS transport file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}


@dataclass(frozen=True, slots=True)
class _Descriptor:
    """What ``datapackage.json`` says; all of it may be missing."""

    name: str | None
    paths: Mapping[str, str]
    types: Mapping[tuple[str, str], VariableType]
    titles: Mapping[tuple[str, str], str]
    missing: Mapping[str, list[str]]
    own: Mapping[str, Any]


def read(folder: Path) -> Raw:
    """Read a data package folder; a folder of tables without a descriptor will do.

    Raises:
        SourceError: the folder, a table or the descriptor is missing, empty or not what its name says.
    """
    if not folder.is_dir():
        raise SourceError(f"there is no folder {folder}; give a folder with participants.csv and diary.csv")
    described = _descriptor(folder)
    tables: list[RawTable] = []
    notices: list[str] = []
    for name in codebook.TABLES:
        if path := _path(folder, name, described):
            table, said = _table(name, path, described)
            tables.append(table)
            notices.extend(said)
    if not tables:
        raise SourceError(
            f"{folder} holds no table of a cohort; expected participants.csv and diary.csv (or .parquet), "
            f"found {', '.join(sorted(p.name for p in folder.iterdir())[:8]) or 'nothing'}"
        )
    own = described.own
    kind: Kind = own.get("kind") or ("diary" if any(t.name == "diary" for t in tables) else "survey")
    return Raw(
        name=described.name or folder.resolve().name,
        kind=kind,
        tables=tuple(tables),
        design=_design(own.get("design")),
        as_of=_date(folder, own.get("as_of")),
        window=_window(folder, own.get("window")),
        synthetic=bool(own.get("synthetic", False)),
        notices=tuple(notices),
    )


def write(
    cohort: Cohort, folder: Path, format: Format = "csv", extra: Mapping[str, bytes] | None = None
) -> None:
    """Write ``cohort`` as a data package, whole or not at all; ``extra`` are files to put beside it.

    Raises:
        UsageError: the format is unknown, or the folder holds files that are not a cohort's.
    """
    if format not in _FORMATS:
        raise UsageError(f"no format {format!r}; allowed: {', '.join(_FORMATS)}")
    extra = extra or {}
    known = {DESCRIPTOR, *extra, *(f"{table}.{suffix}" for table in codebook.TABLES for suffix in _FORMATS)}
    with whole_folder(folder, known.__contains__) as fresh:
        for name, table in cohort.tables.items():
            if format == "csv":
                table.write_csv(fresh / f"{name}.csv", datetime_format="%Y-%m-%dT%H:%M:%S")
            else:
                table.write_parquet(fresh / f"{name}.parquet", statistics=False)
        (fresh / DESCRIPTOR).write_text(dictionary.to_json(_describe(cohort, format)), encoding="utf-8", newline="\n")
        for name, content in extra.items():
            (fresh / name).write_bytes(content)


def _describe(cohort: Cohort, format: Format) -> dict[str, Any]:
    own: dict[str, Any] = {"kind": cohort.kind, "synthetic": cohort.synthetic}
    if cohort.as_of:
        own["as_of"] = cohort.as_of.isoformat()
    if cohort.design:
        own["design"] = {
            "cycles": list(cohort.design.cycles),
            "weights": dict(cohort.design.weights),
            "stratum": cohort.design.stratum,
            "psu": cohort.design.psu,
            "top_coded_age": cohort.design.top_coded_age,
        }
    resources = [
        dictionary.resource(name, f"{name}.{format}", [_variable(name, c, table.schema[c]) for c in table.columns])
        for name, table in cohort.tables.items()
    ]
    return {"name": cohort.name, "crampstudy": own, "resources": resources}


def _variable(table: str, column: str, dtype: pl.DataType) -> Variable:
    types: dict[pl.DataType, VariableType] = {d: t for t, d in rules.DTYPES.items()} | {pl.String(): "text"}
    return codebook.find(column, table) or own_column(table, column, types[dtype])


def own_column(table: str, name: str, type: VariableType, title: str | None = None) -> Variable:
    """Return the description of a column that the codebook does not know."""
    return Variable(
        table=table,
        name=name,
        label=title or name.replace("_", " "),
        unit=None,
        type=type,
        minimum=None,
        maximum=None,
        levels=(),
        domain="own",
        component="interview",
        severity="blank-cell",
        required=False,
        source=None,
        description="The cohort's own column",
    )


def _descriptor(folder: Path) -> _Descriptor:
    path = folder / DESCRIPTOR
    if not path.exists():
        return _Descriptor(None, {}, {}, {}, {}, {})
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        resources = [(r["name"], r) for r in content["resources"]]
        fields = [(name, f) for name, r in resources for f in r.get("schema", {}).get("fields", [])]
        return _Descriptor(
            name=content.get("name"),
            paths={name: r["path"] for name, r in resources},
            types={(name, f["name"]): _type(f.get("type", "string")) for name, f in fields},
            titles={(name, f["name"]): f["title"] for name, f in fields if f.get("title")},
            missing={name: r.get("schema", {}).get("missingValues", [""]) for name, r in resources},
            own=content.get("crampstudy", {}),
        )
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{path} is not a Frictionless data package descriptor ({type(error).__name__}: {error}); "
            "correct it, or remove it to have the tables found by their names"
        ) from None


def _type(frictionless: str) -> VariableType:
    known: dict[str, VariableType] = {
        "integer": "integer",
        "number": "number",
        "boolean": "boolean",
        "date": "date",
        "datetime": "datetime",
    }
    return known.get(frictionless, "text")


def _path(folder: Path, table: str, described: _Descriptor) -> Path | None:
    if table in described.paths:
        path = folder / described.paths[table]
        if not path.exists():
            raise SourceError(f"{folder / DESCRIPTOR} names {described.paths[table]}, which is not there")
        return path
    found = [path for suffix in _FORMATS if (path := folder / f"{table}.{suffix}").exists()]
    if len(found) > 1:
        raise SourceError(f"{folder} holds both {found[0].name} and {found[1].name}; keep one of them")
    return found[0] if found else None


def _table(name: str, path: Path, described: _Descriptor) -> tuple[RawTable, list[str]]:
    head = path.open("rb").read(16)
    if not head:
        raise SourceError(f"{path} is empty; it needs a header and rows")
    parquet = path.suffix == ".parquet"
    looks = next((what for magic, what in _MAGIC.items() if head.startswith(magic)), None)
    if (looks == "a Parquet file") != parquet or (looks and not parquet) or (not parquet and b"\0" in head):
        raise SourceError(f"{path} is not what its name says: it looks like {looks or 'something else'}")
    if parquet:
        frame, lines, notices = _read_parquet(path)
    else:
        frame, lines, notices = _read_csv(path, described.missing.get(name, [""]))
    frame, own, said = _own_columns(name, path, frame, described)
    return RawTable(name, path.name, frame, lines, own), [*notices, *said]


def _read_parquet(path: Path) -> tuple[pl.DataFrame, pl.Series, list[str]]:
    try:
        frame = pl.read_parquet(path, glob=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SourceError(f"{path} cannot be read as Parquet: {_first_line(error)}; write it again") from None
    return frame, pl.Series(range(1, frame.height + 1), dtype=pl.Int64), []


def _read_csv(path: Path, missing: list[str]) -> tuple[pl.DataFrame, pl.Series, list[str]]:
    content = path.read_bytes()
    try:
        header = pl.read_csv(io.BytesIO(content), has_header=False, n_rows=1, infer_schema=False).row(0)
        frame = pl.read_csv(io.BytesIO(content), infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise SourceError(
            f"{path} cannot be read as comma-separated UTF-8 text: {_first_line(error)}; "
            "save it as CSV (UTF-8, comma, double quotes around cells that hold a comma)"
        ) from None
    names = [(cell or "").strip() for cell in header]
    if repeated := [n for n in names if names.count(n) > 1]:
        raise SourceError(f"{path}: the column {repeated[0]!r} stands twice in the header; keep one")
    frame.columns = names
    # A cell may hold line breaks: then the lines of a file and its rows part.
    breaks = frame.select(pl.sum_horizontal(pl.all().str.count_matches("\n", literal=True)).cast(pl.Int64))
    lines = breaks.to_series().cum_sum() - breaks.to_series() + pl.Series(range(2, frame.height + 2), dtype=pl.Int64)
    trimmed = frame.select(pl.all().str.strip_chars())
    trimmed = trimmed.with_columns(pl.when(pl.all().is_in([*missing, ""])).then(None).otherwise(pl.all()).name.keep())
    blank = trimmed.select(pl.all_horizontal(pl.all().is_null())).to_series()
    notices = [f"{path.name}: {blank.sum()} blank lines skipped"] if blank.any() else []
    return trimmed.filter(~blank), lines.filter(~blank), notices


def _own_columns(
    table: str, path: Path, frame: pl.DataFrame, described: _Descriptor
) -> tuple[pl.DataFrame, tuple[Variable, ...], list[str]]:
    own: list[Variable] = []
    notices: list[str] = []
    for name in frame.columns:
        if codebook.find(name, table):
            continue
        type_ = described.types.get((table, name))
        if type_ is None:
            type_ = _infer(frame[name])
            notices.append(f"{path.name}: the codebook does not know the column {name}; kept as {type_}")
        own.append(own_column(table, name, type_, described.titles.get((table, name))))
    return frame, tuple(own), notices


def _infer(column: pl.Series) -> VariableType:
    """Return the narrowest type that every cell of a column fits."""
    filled = column.drop_nulls().to_frame("x")
    kinds: tuple[VariableType, ...] = ("boolean", "integer", "number", "date", "datetime")
    for kind in kinds:
        if filled.is_empty():
            break
        cells = filled.select(rules.typed(own_column("", "x", kind), filled.schema["x"]))
        if not cells["x"].null_count():
            return kind
    return "text"


def _design(stated: Mapping[str, Any] | None) -> SurveyDesign | None:
    if stated is None:
        return None
    weights: dict[Component, str] = {c: stated["weights"][c] for c in codebook.COMPONENTS if c in stated["weights"]}
    return SurveyDesign(
        cycles=tuple(stated.get("cycles", ())),
        weights=weights,
        stratum=stated.get("stratum", "stratum"),
        psu=stated.get("psu", "psu"),
        top_coded_age=stated.get("top_coded_age"),
    )


def _date(folder: Path, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise SourceError(f"{folder / DESCRIPTOR}: {text!r} is not a date; write YYYY-MM-DD") from None


def _window(folder: Path, stated: list[str] | None) -> tuple[date, date] | None:
    if not stated:
        return None
    first, last = (_date(folder, text) for text in stated) if len(stated) == 2 else (None, None)
    if first is None or last is None or first > last:
        raise SourceError(f"{folder / DESCRIPTOR}: window is the first and the last night, got {stated}")
    return first, last


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
