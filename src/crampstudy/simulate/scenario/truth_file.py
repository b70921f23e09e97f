"""A truth written as YAML: what differs from the package's defaults, each key checked before anything is drawn.

base: community            # optional: a preset to begin from
about: one line
participants: 500
nights: 90
cramps:                    # a group of parameters
  rate_per_week: 1.2
effects:                   # a table: its rows by their own name, `all` for every row
  all: 0
  sex[female]: 0.25        # a lone value is the row's main one, here log_rate_ratio
  diabetes: {log_rate_ratio: 0.3, basis: assumption}
levels:
  smoking=current: 0.2     # a row that is named by two columns
mess:                      # what degrades the diary, see simulate.degrade
  adherence_mean: 0.8
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, cast, get_args, get_type_hints

import yaml

from crampstudy import plain_yaml
from crampstudy.errors import ParameterError
from crampstudy.simulate.scenario.entries import Entry
from crampstudy.simulate.truth.parameters import as_plain
from crampstudy.simulate.truth.tables.rows import TableRow
from crampstudy.simulate.truth.truth import Truth

_HEAD = ("base", "about", "participants", "nights", "mess")
_NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "effects": ("term",),
    "levels": ("column", "level"),
    "causes": ("column", "parent", "level"),
    "correlations": ("column", "other"),
}
_MAIN = {
    "effects": "log_rate_ratio",
    "conditions": "prevalence_at_60",
    "measures": "mean",
    "levels": "share",
    "causes": "coefficient",
    "correlations": "correlation",
    "remedies": "share",
    "agents": "log_rate_ratio",
}
_ALL, _NEW = "all", "new"


@dataclass(frozen=True, slots=True)
class TruthFile:
    """A truth file, read but not yet applied; ``changes`` and ``mess`` hold its text."""

    name: str
    base: str | None
    about: str
    participants: int | None
    nights: int | None
    changes: Mapping[str, Any]
    mess: Mapping[str, Any]

    def applied(self, truth: Truth) -> Truth:
        """Return ``truth`` with the changes of this file.

        Raises:
            ParameterError: a key is unknown or a value outside its limits; the message names file and key.
        """
        place = Entry(self.name, "")
        changed: dict[str, Any] = {}
        for part, content in self.changes.items():
            before = getattr(truth, part)
            here = place.at(part)
            changed[part] = _table(here, part, before, content) if _is_table(before) else _group(here, before, content)
        try:
            return replace(truth, **changed)
        except ParameterError as error:
            raise ParameterError(f"{self.name}: {error}") from None


def load(path: Path) -> TruthFile:
    """Read a truth file and check the names of its parts.

    Raises:
        ParameterError: the file is not YAML in UTF-8, or one of its parts is unknown; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ParameterError(f"there is no truth file {path}; give the path of the YAML file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{path} is not a truth file in UTF-8: {error}") from None
    return parse(text, str(path))


def parse(text: str, name: str) -> TruthFile:
    """Read the text of a truth file; ``name`` is what messages call it.

    Raises:
        ParameterError: the text is not YAML, or one of its parts is unknown.
    """
    try:
        content = plain_yaml.load(text)
    except yaml.YAMLError as error:
        raise ParameterError(f"{name} is not a truth file in YAML: {' '.join(str(error).split())}") from None
    place = Entry(name, "")
    entries = place.entries(content or {}, (*_HEAD, *parts()))
    return TruthFile(
        name=name,
        base=place.at("base").value(str, entries["base"]) if "base" in entries else None,
        about=place.at("about").value(str, entries.get("about", "")),
        participants=_size(place, "participants", entries),
        nights=_size(place, "nights", entries),
        changes={part: entries[part] for part in parts() if part in entries},
        mess=place.at("mess").entries(entries.get("mess", {}), None),
    )


def parts() -> tuple[str, ...]:
    """Return the groups and tables that a truth file may change."""
    return tuple(item.name for item in fields(Truth))


def as_yaml(truth: Truth) -> str:
    """Return every parameter of ``truth`` as a truth file, to be edited, with units, limits and bases beside it."""
    lines = ["# Every parameter of a simulated cohort; what is left out keeps its default."]
    for part in parts():
        content = getattr(truth, part)
        lines += ["", f"{part}:"]
        if _is_table(content):
            for row in content:
                cells = {k: v for k, v in row.as_dict().items() if k not in _names(part)}
                lines.append(f"  {json.dumps(_key(part, row), ensure_ascii=False)}:")
                lines += [f"    {name}: {_cell(value)}" for name, value in cells.items()]
        else:
            for item in fields(content):
                remark = f"{item.metadata['unit']}; {_limits(item.metadata)}{item.metadata['basis']}"
                lines.append(f"  {item.name}: {_cell(as_plain(getattr(content, item.name)))}  # {remark}")
    return "\n".join(lines) + "\n"


def _cell(value: Any) -> str:
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _limits(metadata: Mapping[Any, Any]) -> str:
    low, high = metadata["low"], metadata["high"]
    return "" if low is None and high is None else f"{low} to {high}; "


def _size(place: Entry, name: str, entries: Mapping[str, Any]) -> int | None:
    return place.at(name).value(int, entries[name]) if name in entries else None


def _is_table(content: Any) -> bool:
    return isinstance(content, tuple)


def _names(part: str) -> tuple[str, ...]:
    return _NAMED_BY.get(part, ("column",))


def _key(part: str, row: Any) -> str:
    return "=".join(str(cell) for name in _names(part) if (cell := getattr(row, name)) is not None)


def _group(place: Entry, before: Any, content: Any) -> Any:
    types_of = get_type_hints(type(before))
    cells = place.entries(content, tuple(types_of))
    return place.made(before, {name: place.at(name).value(types_of[name], cell) for name, cell in cells.items()})


def _table(place: Entry, part: str, before: tuple[TableRow, ...], content: Any) -> tuple[TableRow, ...]:
    rows = {_key(part, row): row for row in before}
    entries = place.entries(content, None)
    added = [key for key, cells in entries.items() if isinstance(cells, dict) and cells.get(_NEW) == "true"]
    place.entries(content, (_ALL, *rows, *added))
    for key in (_ALL, *rows):
        if key in entries and key not in added:
            for name in rows if key == _ALL else (key,):
                rows[name] = _row(place.at(key), part, rows[name], entries[key])
    for key in added:
        if key in rows:
            place.at(key).wrong("a row of that name is there; leave `new` out to change it")
        rows[key] = _new_row(place.at(key), part, type(before[0]), key, entries[key])
    return tuple(rows.values())


def _new_row(place: Entry, part: str, row: type[TableRow], key: str, content: dict[str, Any]) -> TableRow:
    types_of = get_type_hints(row)
    named = dict(zip(_names(part), key.split("="), strict=False))
    cells = place.entries({name: cell for name, cell in content.items() if name != _NEW}, tuple(types_of)) | named
    needed = [name for name, kind in types_of.items() if type(None) not in get_args(kind)]
    if missing := [name for name in needed if name not in cells]:
        place.wrong(f"a new row needs {', '.join(needed)}; {', '.join(missing)} is missing")
    values: dict[str, Any] = {
        name: place.at(name).value(kind, cells[name]) if name in cells else None for name, kind in types_of.items()
    }
    try:
        return row(**values)
    except ParameterError as error:
        raise ParameterError(f"{place.file}: {error}") from None


def _row(place: Entry, part: str, row: TableRow, content: Any) -> TableRow:
    types_of = {name: kind for name, kind in get_type_hints(type(row)).items() if name not in _names(part)}
    if not isinstance(content, dict):
        if part not in _MAIN:
            place.wrong(f"expected entries 'name: value' of {', '.join(types_of)}; got {content!r}")
        content = {_MAIN[part]: content}
    cells = place.entries(content, tuple(types_of))
    made = place.made(row, {name: place.at(name).value(types_of[name], cell) for name, cell in cells.items()})
    return cast(TableRow, made)
