"""A study's own layout: one CSV with other names, units, codes and dates, and the mapping that says so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fuzz_beside import replaced
from fuzz_bytes import damaged, place
from fuzz_kinds import Kind
from fuzz_plain import Alternatives, Plain, Row, Unclear, readings, table
from fuzz_study import Tables, study, wide
from fuzz_text import CELLS, Sheet, mistaken
from numpy.random import Generator

from crampstudy import codebook

_FILE, _MAPPING = "app.csv", "mapping.yaml"
_MADE = """\
version: 1
name: app
clock: {date: morning}
missing: ["", "-9"]
tables:
  participants:
    rows: {distinct: "true"}
    columns:
      participant_id: Wer
      age_years: Alter
      sex: {from: Geschlecht, codes: {w: female, m: male, d: ""}}
      bmi_kg_m2: {constant: ""}
    own: {Ort: text}
  diary:
    columns:
      participant_id: Wer
      date: {from: Morgen, format: "%d.%m.%Y"}
      cramps: {from: "Krämpfe", missing: ["?"]}
      hours_in_bed: {from: Bett_min, unit: min, factor: 0.016666666666666666}
      warm_up: {from: Warm, codes: {ja: "true", nein: "false"}}
      steps: {from: Schritte}
    own: {Laune: text}
"""


@cache
def truth() -> Tables:
    people = [
        {"participant_id": p["participant_id"], "age_years": p["age_years"], "sex": p["sex"], "Ort": p["place"]}
        for p in study()["participants"]
    ]
    nights = [
        {c: n[c] for c in ("participant_id", "date", "cramps", "hours_in_bed", "warm_up", "steps")}
        | {"Laune": n["mood"]}
        for n in study()["diary"]
    ]
    return {"participants": people, "diary": nights}


def _sheet() -> Sheet:
    names = ["Wer", "Morgen", "Alter", "Geschlecht", "Ort", "Krämpfe", "Bett_min", "Warm", "Schritte", "Laune", "Sonst"]
    rows = [
        [
            row["participant_id"],
            (row["date"] + timedelta(days=1)).strftime("%d.%m.%Y"),
            str(row["age_years"]),
            row["sex"][0].replace("f", "w"),
            row["place"],
            "" if row["cramps"] is None else str(row["cramps"]),
            f"{60 * row['hours_in_bed']:g}",
            "ja" if row["warm_up"] else "nein",
            str(row["steps"]),
            row["mood"],
            "",
        ]
        for row in wide()
    ]
    return Sheet([names, *rows])


def _write(folder: Path) -> str:
    (folder / _FILE).write_bytes(_sheet().content())
    (folder / _MAPPING).write_text(_MADE, encoding="utf-8")
    return f"mapped:{folder / _FILE}?mapping={folder / _MAPPING}"


def _spoil(folder: Path, rng: Generator) -> str:
    content, what = mistaken(_sheet(), rng)
    (folder / _FILE).write_bytes(content)
    return what


def _spoil_mapping(folder: Path, rng: Generator) -> str:
    if rng.random() < 0.4:
        content, what = damaged(_MADE.encode(), rng)
        (folder / _MAPPING).write_bytes(content)
        return what
    if rng.random() < 0.3:
        lines = _MADE.splitlines()
        at = place(rng, len(lines))
        lines[at : at + 1] = (
            [],
            [lines[at]] * 2,
            [f"  {lines[at]}"],
            [lines[at] + " " + CELLS[place(rng, len(CELLS))]],
        )[place(rng, 4)]
        (folder / _MAPPING).write_text("\n".join(lines), encoding="utf-8")
        return f"line {at + 1}"
    made = yaml.safe_load(_MADE)
    what = replaced(made, rng)
    content = yaml.safe_dump(made, sort_keys=False, allow_unicode=True)
    (folder / _MAPPING).write_text(content, encoding="utf-8", errors="replace")
    return what


def _plain(folder: Path) -> Plain:
    try:
        told = yaml.load((folder / _MAPPING).read_text(encoding="utf-8-sig"), yaml.BaseLoader)
        return {name: _table(folder, name, entry, told) for name, entry in told["tables"].items()}
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise Unclear from None


def _table(folder: Path, name: str, entry: dict[str, Any], told: dict[str, Any]) -> list[Row]:
    if "where" in entry.get("rows", {}) or "sheet" in entry:
        raise Unclear
    _, rows = table((folder / _FILE).read_bytes())
    gone = set(_listed(told.get("missing", "")))
    columns: dict[str, Any] = {column: {"from": column} for column in entry.get("own", {})}
    columns |= {c: {"from": how} if isinstance(how, str) else how for c, how in entry["columns"].items()}
    clock = told["clock"]["date"]
    made = []
    for row in rows:
        cells = {}
        for column, how in columns.items():
            if "numbered" in how:
                raise Unclear
            if "constant" in how:
                cells[column] = (how["constant"] or None,)
                continue
            given = tuple(None if raw in gone else raw for raw in row.cells.get(how["from"], (None,)))
            cells[column] = tuple(_converted(name, column, how, given, clock))
        made.append(Row(row.line, cells, row.whole))
    return _distinct(made) if entry.get("rows", {}).get("distinct") == "true" else made


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _converted(name: str, column: str, how: dict[str, Any], given: Alternatives, clock: str) -> Iterator[Any]:
    variable = codebook.find(column, name)
    for raw in given:
        if raw is None or raw in _listed(how.get("missing", [])):
            yield None
        elif "codes" in how:
            yield how["codes"].get(raw, raw) or None
        elif "format" in how or (variable is not None and variable.type == "date"):
            yield from _moved(raw, _listed(how.get("format", "%Y-%m-%d")), how.get("clock", clock), name)
        elif "factor" in how or "offset" in how:
            numbers = [
                value for value in readings(raw, codebook.variable("hours_in_bed", "diary")) if value is not None
            ]
            yield from (value * float(how.get("factor", 1)) + float(how.get("offset", 0)) for value in numbers)
            # What is no number stays as it is, for the ledger.
            yield from () if numbers and all(map(math.isfinite, numbers)) else (raw,)
        else:
            yield raw


def _moved(raw: str, forms: list[str], clock: str, name: str) -> Iterator[Any]:
    found = False
    for form in forms:
        for written in (form, f"{form} %H:%M:%S", f"{form} %H:%M", f"{form}T%H:%M:%S"):
            try:
                moment = datetime.strptime(raw, written)
            except ValueError:
                continue
            found = True
            if name in ("diary", "episodes"):
                back = {"morning": timedelta(days=1), "timestamp": timedelta(hours=12)}.get(clock, timedelta())
                moment -= back if moment > datetime(2, 1, 1) else timedelta()
            yield moment.date() if clock == "timestamp" else moment
    if not found:
        yield f"{raw} (not a date)"


def _distinct(rows: list[Row]) -> list[Row]:
    """One row of each participant, with what any of their rows says; without the others' lines."""
    people: dict[Any, Row] = {}
    for row in (row for row in rows if row.whole):
        who = row.cells["participant_id"][0]
        old = people.get(who)
        merged = (
            {c: tuple(v for v in (*old.cells[c], *cell) if v is not None) or (None,) for c, cell in row.cells.items()}
            if old
            else row.cells
        )
        people[who] = Row(old.line if old else row.line, merged, row.whole)
    return [*people.values(), *(row for row in rows if not row.whole)]


def wide_rows(rows: list[Row]) -> Plain:
    """Participants and nights from rows that hold both."""
    named = [Row(r.line, {_known(c): cell for c, cell in r.cells.items()}) for r in rows]
    if not named or "date" not in named[0].cells or "participant_id" not in named[0].cells:
        raise Unclear
    people, nights = (
        [
            Row(r.line, {c: v for c, v in r.cells.items() if codebook.find(c, name) or not codebook.find(c)})
            for r in named
        ]
        for name in ("participants", "diary")
    )
    return {"participants": [r for r in _distinct(people) if r.cells["participant_id"][0] is not None], "diary": nights}


def _of(name: str, row: Row) -> Row:
    """What a table takes of a row; a column of one's own may go to either."""
    return Row(row.line, {c: v for c, v in row.cells.items() if codebook.find(c, name) or not codebook.find(c)})


def _known(column: str) -> str:
    """The codebook's name whatever its case; a name of one's own as it stands."""
    return column.lower() if codebook.find(column.lower()) else column


KINDS = (Kind("mapped", _write, _spoil, _plain, truth), Kind("mapping", _write, _spoil_mapping, _plain, truth))
