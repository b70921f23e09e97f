"""What ``datapackage.json`` says of a cohort: where its tables are, its own columns, its kind and its design."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from crampstudy import codebook
from crampstudy.cleaning import Unlogged, unlogged
from crampstudy.codebook import Component, VariableType
from crampstudy.cohort import Credits, EarlierReading, Kind, SurveyDesign
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources import set_aside
from crampstudy.sources.text.decimals import MARKS, Mark
from crampstudy.sources.text.missing_codes import Codes

FILE = "datapackage.json"
_TYPES: Mapping[str, VariableType] = {
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
}


@dataclass(frozen=True, slots=True)
class Descriptor:
    """The descriptor of a folder; all of it may be missing."""

    name: str | None = None
    kind: Kind | None = None
    paths: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    types: Mapping[tuple[str, str], VariableType] = field(default_factory=dict)
    titles: Mapping[tuple[str, str], str] = field(default_factory=dict)
    missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    missing_of: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    decimals: Mapping[tuple[str, str], Mark] = field(default_factory=dict)
    design: SurveyDesign | None = None
    as_of: date | None = None
    window: tuple[date, date] | None = None
    synthetic: bool = False
    padded: bool = False
    notices: tuple[str, ...] = ()
    title: str | None = None
    unlogged: Unlogged | None = None
    assumed: str | None = None
    remarks: tuple[str, ...] = ()
    credits: Credits = field(default_factory=Credits)
    before: EarlierReading = field(default_factory=EarlierReading)

    def codes(self, table: str, others: Codes) -> Codes:
        """Return the missing codes that a table's columns have of their own, and ``others`` beside them."""
        own = {column: stated for (name, column), stated in self.missing_of.items() if name == table}
        columns = {c: (*own.get(c, ()), *others.columns.get(c, ())) for c in (*own, *others.columns)}
        return Codes(others.everywhere, columns)


_NAMES = ("name", "title")


CREDITS = ("contributors", "sources", "licenses")
"""Whose data they are, in the words of a data package."""


class _Wrong(Exception):
    """What is wrong with a part of the descriptor; becomes a SourceError that names the file."""


def read(folder: Path) -> Descriptor:
    """Read the descriptor of ``folder``; without one, all is left open.

    Raises:
        SourceError: the file is not JSON, not a data package, or one of its entries is impossible.
    """
    path = folder / FILE
    if not path.exists():
        return Descriptor()
    try:
        return _parse(json.loads(path.read_text(encoding="utf-8-sig")))
    except (OSError, json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(
            f"{path} is not a data package descriptor in JSON ({error}); "
            "correct it, or remove it to have the tables found by their names"
        ) from None
    except _Wrong as error:
        raise SourceError(f"{path}: {error}") from None


def _parse(content: Any) -> Descriptor:
    content = _typed(content, dict, "the descriptor")
    own = _typed(content.get("crampstudy", {}), dict, "crampstudy")
    tables, notices = _resources(content)
    schemas = {name: _typed(r.get("schema", {}), dict, f"the schema of {name}") for name, r in tables.items()}
    fields = {key: field for table, schema in schemas.items() for key, field in _fields(table, schema).items()}
    name, title = (_typed(content[key], str, key) if content.get(key) is not None else None for key in _NAMES)
    return Descriptor(
        name=name,
        kind=_kind(own.get("kind")),
        paths={name: _paths(name, r.get("path")) for name, r in tables.items()},
        types={key: _TYPES.get(str(f.get("type", "string")), "text") for key, f in fields.items()},
        titles={key: str(f["title"]) for key, f in fields.items() if f.get("title")},
        missing={table: _missing(s.get("missingValues", [""]), table) for table, s in schemas.items()},
        missing_of={
            key: _missing(f["missingValues"], f"{key[1]} in {key[0]}")
            for key, f in fields.items()
            if "missingValues" in f
        },
        decimals={key: mark for key, f in fields.items() if (mark := _decimal(key, f)) is not None},
        design=_design(own.get("design")),
        as_of=_date(own["as_of"]) if own.get("as_of") else None,
        window=_window(own.get("window")),
        synthetic=_typed(own.get("synthetic", False), bool, "crampstudy.synthetic"),
        padded=_padded(own.get("short_rows", "reject")),
        notices=notices,
        title=title,
        unlogged=_unlogged(own),
        assumed=_typed(own["assumed"], str, "crampstudy.assumed") if "assumed" in own else None,
        remarks=_texts(own.get("remarks", []), "crampstudy.remarks"),
        credits=Credits(*(_named(content.get(key, []), key) for key in CREDITS)),
        before=_before(own),
    )


def _resources(content: Any) -> tuple[dict[str, dict[str, Any]], tuple[str, ...]]:
    """Return the resources that are tables of a cohort, and a notice for each that is none."""
    tables: dict[str, dict[str, Any]] = {}
    notices: list[str] = []
    # One that only says whose data they are leaves open which tables there are.
    stated: list[Any] | None = [] if {*content} & {*_NAMES, *CREDITS, "crampstudy"} else None
    for resource in _typed(content.get("resources", stated), list, "resources"):
        name = _typed(_typed(resource, dict, "a resource").get("name"), str, "the name of a resource")
        if name in tables:
            raise _Wrong(f"the resource {name!r} stands twice; keep one")
        if name in codebook.TABLES:
            tables[name] = resource
        else:
            known = ", ".join(codebook.TABLES)
            notices.append(f"{FILE}: a cohort has no table {name}; left out (the tables are {known})")
    return tables, tuple(notices)


def _fields(table: str, schema: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the fields of a table by table and name."""
    fields = (_typed(f, dict, f"a field of {table}") for f in _typed(schema.get("fields", []), list, "fields"))
    return {(table, _typed(f.get("name"), str, f"the name of a field of {table}")): f for f in fields}


_WORDS = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}


def _typed(value: Any, kind: type, what: str, hint: str = "") -> Any:
    if not isinstance(value, kind):
        raise _Wrong(f"{what} must be {_WORDS[kind]}, got {value!r}{hint}")
    return value


def _texts(value: Any, what: str) -> tuple[str, ...]:
    return tuple(_typed(item, str, f"each entry of {what}") for item in _typed(value, list, what))


def _named(value: Any, what: str) -> tuple[str, ...]:
    """Return the titles, or else names or paths, of what a list of objects names."""
    stated = [value] if isinstance(value, str | dict) else _typed(value, list, what)
    items = [{"title": item} if isinstance(item, str) else _typed(item, dict, f"each of {what}") for item in stated]
    return tuple(next((str(item[key]) for key in ("title", "name", "path") if item.get(key)), "") for item in items)


def _missing(stated: Any, where: str) -> tuple[str, ...]:
    """Return missing codes: texts, or objects with a ``value`` and a label."""
    what = f"missingValues of {where}"
    items = _typed(stated, list, what)
    return _texts([item.get("value") if isinstance(item, dict) else item for item in items], what)


def _decimal(key: tuple[str, str], stated: dict[str, Any]) -> Mark | None:
    """Return the decimal mark of a field; one that names only what stands between thousands has a point."""
    if "decimalChar" not in stated and not stated.get("groupChar"):
        return None
    mark = stated.get("decimalChar", ".")
    if mark not in MARKS:
        raise _Wrong(f"decimalChar of {'.'.join(key)} is {mark!r}; allowed: {' and '.join(MARKS)}")
    made: Mark = mark
    return made


def _paths(table: str, stated: Any) -> tuple[str, ...]:
    if not isinstance(stated, list):
        return (_path(table, stated),)
    paths = tuple(_path(table, item) for item in stated)
    if not paths:
        raise _Wrong(f"the path of {table} is an empty list; name its files, or leave the resource out")
    if len(set(paths)) < len(paths):
        twice = next(path for n, path in enumerate(paths) if path in paths[:n])
        raise _Wrong(f"the path of {table} names {twice} twice; name each file once, in their order")
    return paths


def _path(table: str, stated: Any) -> str:
    path = _typed(stated, str, f"the path of {table}")
    # A package that somebody else made must not reach outside its own folder.
    pure = PurePosixPath(path.replace("\\", "/"))
    if not path or pure.is_absolute() or ".." in pure.parts or ":" in path:
        raise _Wrong(f"the path {path!r} of {table} leaves the folder; give a file inside it, such as {table}.csv")
    return str(path)


def _kind(stated: Any) -> Kind | None:
    if stated is not None and stated not in get_args(Kind):
        raise _Wrong(f"crampstudy.kind is {stated!r}; allowed: {', '.join(get_args(Kind))}")
    kind: Kind | None = stated
    return kind


_SAMPLED = (
    'a survey has a weight, a stratum and a sampling unit (PSU) of each participant, such as {"weights": {"interview": '
    '"weight"}, "stratum": "stratum", "psu": "psu"}; of a simple random sample these are 1, 1 and a number of each own'
)


def _design(stated: Any) -> SurveyDesign | None:
    if stated is None:
        return None
    what = "crampstudy.design"
    design = _typed(stated, dict, what)
    columns = _typed(design.get("weights"), dict, f"{what}.weights", f"; {_SAMPLED}")
    if unknown := set(columns) - set(codebook.COMPONENTS):
        raise _Wrong(f"{what}.weights has {sorted(unknown)[0]!r}; allowed: {', '.join(codebook.COMPONENTS)}")
    weights: dict[Component, str] = {
        c: _typed(columns[c], str, f"{what}.weights.{c}") for c in codebook.COMPONENTS if c in columns
    }
    top = design.get("top_coded_age")
    if top is not None and (not isinstance(top, int) or isinstance(top, bool)):
        raise _Wrong(f"{what}.top_coded_age must be whole years, got {top!r}")
    if not weights:
        raise _Wrong(f"{what}.weights names no column, which is no survey design: {_SAMPLED}")
    return SurveyDesign(
        cycles=_texts(design.get("cycles", []), f"{what}.cycles"),
        weights=weights,
        stratum=_typed(design.get("stratum", "stratum"), str, f"{what}.stratum"),
        psu=_typed(design.get("psu", "psu"), str, f"{what}.psu"),
        top_coded_age=top,
    )


def _padded(stated: Any) -> bool:
    if stated not in ("reject", "empty"):
        raise _Wrong(f"crampstudy.short_rows is {stated!r}; allowed: reject, empty")
    return bool(stated == "empty")


def _date(stated: Any) -> date:
    try:
        return date.fromisoformat(stated)
    except (TypeError, ValueError):
        raise _Wrong(f"{stated!r} is not a date; write YYYY-MM-DD") from None


def _unlogged(own: Mapping[str, Any]) -> Unlogged | None:
    said = {key: _typed(own[key], str, f"crampstudy.{key}") for key in unlogged.KEYS if own.get(key) is not None}
    try:
        return unlogged.stated(said)
    except UsageError as error:
        raise _Wrong(f"crampstudy.{error}") from None


def _before(own: Mapping[str, Any]) -> EarlierReading:
    try:
        return set_aside.stated(own.get(set_aside.KEY, {}))
    except UsageError as error:
        raise _Wrong(f"crampstudy.{error}") from None


def _window(stated: Any) -> tuple[date, date] | None:
    if stated is None:
        return None
    if not isinstance(stated, list) or len(stated) != 2 or (nights := [_date(s) for s in stated])[0] > nights[1]:
        raise _Wrong(
            f"crampstudy.window is the first and the last night, such as [2024-01-01, 2024-03-31]; got {stated}"
        )
    return nights[0], nights[1]
