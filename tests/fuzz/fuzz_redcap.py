"""REDCap exports with the package's own dictionary or the project's: raw, with labels, and the dictionary itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from fuzz_kinds import Kind
from fuzz_plain import MISSING, Alternatives, Plain, Row, Unclear, headless, table
from fuzz_study import Tables, study, written
from fuzz_text import Sheet, mistaken
from numpy.random import Generator

from crampstudy import codebook
from crampstudy.codebook import dictionary
from crampstudy.sources.readers.redcap import data_dictionary

_EXPORT, _DICTIONARY = "export.csv", "dictionary.csv"
_FORM, _INSTANCE = "redcap_repeat_instrument", "redcap_repeat_instance"
_LABELS = {"Repeat Instrument": _FORM, "Repeat Instance": _INSTANCE}
_NAME, _LABEL, _CHOICES = "Variable / Field Name", "Field Label", "Choices, Calculations, OR Slider Labels"


@cache
def truth() -> Tables:
    """The study without the columns that a project with the package's dictionary does not have."""
    known = {name: {v.name for v in codebook.variables(name)} for name in codebook.TABLES}
    return {name: [{c: v for c, v in r.items() if c in known[name]} for r in rows] for name, rows in study().items()}


@cache
def _fields() -> dict[tuple[str, str], str]:
    return {(v.table, v.name): field for field, v in data_dictionary.columns().items()}


@cache
def _project() -> list[dict[str, str]]:
    """The package's dictionary, cut to the fields of the study."""
    used = {
        _fields()[name, column] for name, rows in truth().items() for column in rows[0] if (name, column) in _fields()
    }
    rows = list(csv.DictReader(io.StringIO(dictionary.redcap())))
    return [row for row in rows if row[_NAME] in used]


def _sheet(labels: bool) -> Sheet:
    columns: list[tuple[str, str]] = []
    project = _project()
    for number, row in enumerate(project):
        columns.append((row[_NAME], row[_LABEL]))
        columns += [(field, label) for label, field in _LABELS.items()] if number == 0 else []
        if number + 1 == len(project) or project[number + 1]["Form Name"] != row["Form Name"]:
            columns.append((f"{row['Form Name']}_complete", "Complete?"))
    grid = [[label if labels else name for name, label in columns]]
    for name, rows in truth().items():
        seen: dict[str, int] = {}
        for row in rows:
            who = row["participant_id"]
            seen[who] = seen.get(who, 0) + 1
            cells = {"participant_id": who, f"{name}_complete": "Complete" if labels else "2"}
            if name != "participants":
                cells |= {_FORM: name.capitalize() if labels else name, _INSTANCE: str(seen[who])}
            cells |= {_fields()[name, c]: _cell(name, c, v, labels) for c, v in row.items() if c != "participant_id"}
            grid.append([cells.get(field, "") for field, _ in columns])
    return Sheet(grid)


def _cell(name: str, column: str, value: Any, labels: bool) -> str:
    if isinstance(value, bool):
        return ("Yes" if value else "No") if labels else str(int(value))
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    text = written(value)
    return text.replace("_", " ") if labels and codebook.variable(column, name).levels else text


def _dictionary() -> Sheet:
    return Sheet([list(_project()[0]), *(list(row.values()) for row in _project())])


def _write(labels: bool) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / _EXPORT).write_bytes(_sheet(labels).content())
        (folder / _DICTIONARY).write_bytes(_dictionary().content())
        return f"redcap:{folder / _EXPORT}?dictionary={folder / _DICTIONARY}"

    return write


def _spoil(labels: bool) -> Callable[[Path, Generator], str]:
    def spoil(folder: Path, rng: Generator) -> str:
        content, what = mistaken(_sheet(labels), rng)
        (folder / _EXPORT).write_bytes(content)
        return what

    return spoil


def _spoil_dictionary(folder: Path, rng: Generator) -> str:
    content, what = mistaken(_dictionary(), rng)
    (folder / _DICTIONARY).write_bytes(content)
    return what


def _plain(folder: Path) -> Plain:
    """Rows by their instrument; a field is its name or, in a labelled export, its label with that of its form."""
    head, *rows = headless((folder / _EXPORT).read_bytes()) or [Row(1, {})]
    names = [str(cell[0]) for cell in head.cells.values()]
    _, described = table((folder / _DICTIONARY).read_bytes())
    homes = {field: (name, column) for (name, column), field in _fields().items()}
    columns = _columns(names)
    choices = {row.cells[_NAME][0]: _choices(row) for row in described if _NAME in row.cells}
    made: Plain = {name: [] for name in codebook.TABLES}
    # Columns by their places: labels such as "Night" stand several times.
    for row in rows:
        cells = {field: row.cells[str(at)] for at, field in columns.items() if str(at) in row.cells}
        record = cells.get("participant_id", row.cells.get("0", (None,)))
        form = (cells.get(_FORM, ("",))[0] or "").lower()
        form = "" if form in {mark.lower() for mark in MISSING} else form
        instance = cells.get(_INSTANCE, ("",))[0] not in MISSING
        for name in codebook.TABLES:
            fields = {f: c for f, c in cells.items() if homes.get(f, ("",))[0] == name and f != "participant_id"}
            filled = any(cell[0] not in MISSING for cell in fields.values())
            mine = form == name or (not form and (filled or (name == "participants" and not instance)))
            if not row.whole:
                mine = False
            if mine or (filled and row.whole and form not in codebook.TABLES):
                own = {homes[f][1]: _meant(cell, choices.get(f, {})) for f, cell in fields.items()}
                made[name].append(Row(row.line, {"participant_id": record} | own, row.whole, not mine or not filled))
    return {name: rows for name, rows in made.items() if rows}


def _columns(names: list[str]) -> dict[int, str]:
    known = {row[_NAME] for row in _project()} | {_FORM, _INSTANCE}
    if sum(name in known for name in names) > 1:
        return {at: name for at, name in enumerate(names) if name in known}
    order = _sheet(labels=True).grid[0], _sheet(labels=False).grid[0]
    made: dict[int, str] = {}
    for at, name in enumerate(names):
        of = [field for label, field in zip(*order, strict=True) if label == name]
        if len(of) == 1:
            made[at] = of[0]
        elif of:
            # Of labels alike, in the order of the forms; where the columns were moved nobody can tell so simply.
            if names != order[0]:
                raise Unclear
            made[at] = order[1][at]
    return made


def _choices(row: Row) -> dict[str, str]:
    text = row.cells.get(_CHOICES, ("",))[0] or ""
    pairs = (part.partition(",") for part in text.split("|") if "," in part)
    return {code.strip(): label.strip() for code, _, label in pairs}


def _meant(cell: Alternatives, choices: dict[str, str]) -> Alternatives:
    text = str(cell[0] or "")
    words = {"1": "true", "0": "false", "yes": "true", "no": "false", "checked": "true", "unchecked": "false"}
    labels = {label: code for code, label in choices.items()}
    more = [words[text.lower()]] if text.lower() in words else []
    more += [labels[text], labels[text].replace(" ", "_")] if text in labels else []
    more += [choices[text], choices[text].replace(" ", "_")] if text in choices else []
    return (*cell, *more)


KINDS = (
    Kind("redcap", _write(labels=False), _spoil(labels=False), _plain, truth),
    Kind("redcap-labels", _write(labels=True), _spoil(labels=True), _plain, truth),
    Kind("dictionary", _write(labels=False), _spoil_dictionary, _plain, truth),
)
