"""What stands beside the tables of a data package: its descriptor, and the corrections."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from fuzz_bytes import damaged, place
from fuzz_kinds import Kind
from fuzz_packages import plain_texts, spoil_csv, write_csv
from fuzz_plain import Plain, Row, Unclear, readings, table
from fuzz_study import study
from numpy.random import Generator

from crampstudy import codebook

_DESCRIPTOR = {
    "name": "fuzz",
    "profile": "data-package",
    "resources": [
        {
            "name": name,
            "path": f"{name}.csv",
            "schema": {"fields": [{"name": "mood", "type": "string", "title": "Mood"}], "missingValues": ["", "-9"]},
        }
        for name in study()
    ],
    "crampstudy": {"kind": "diary", "window": ["2025-03-01", "2025-03-31"], "synthetic": False},
}


def _described(folder: Path) -> str:
    (folder / "datapackage.json").write_text(json.dumps(_DESCRIPTOR, indent=1))
    return write_csv(folder)


_VALUES: tuple[Any, ...] = (
    *(
        None,
        0,
        1,
        -1,
        1.5,
        "",
        " ",
        "x",
        [],
        {},
        True,
        "diary",
        "labs.csv",
        "diary.csv",
        "../x.csv",
        "/etc/passwd",
        10**400,
    ),
    *(
        "NaN",
        ["2025-03-05", "2025-03-06"],
        ["2025-03-06"],
        "2025-03-05",
        ["", "0"],
        ["2"],
        "number",
        "integer",
        "date",
        "北",
    ),
    *(
        "survey",
        "a" * 300,
        "\x00",
        "\u202e",
        {"a": 1},
        [[]],
        ["diary.csv", "diary.csv"],
        ["diary.csv", "labs.csv"],
        ".",
        ",",
    ),
)


def _spoil_described(folder: Path, rng: Generator) -> str:
    path = folder / "datapackage.json"
    if rng.random() < 0.3:
        content, what = damaged(path.read_bytes(), rng)
        path.write_bytes(content)
        return what
    made = json.loads(path.read_text())
    done = replaced(made, rng)
    path.write_text(json.dumps(made, indent=1))
    return done


def replaced(tree: Any, rng: Generator) -> str:
    """Put another value somewhere into a tree of JSON or YAML, take an entry out, or add one."""
    at, way = tree, []
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        key = keys[place(rng, len(keys))]
        way.append(str(key))
        inside = at[key]
        if not isinstance(inside, dict | list) or not inside or rng.random() < 0.15:
            break
        at = inside
    value = _VALUES[place(rng, len(_VALUES))]
    match place(rng, 5):
        case 0:
            del at[key]
        case 1 if isinstance(at, dict):
            at[("extra", f"{key}s", "", "__x")[place(rng, 4)]] = value
        case 2 if isinstance(at, list):
            at.append(value)
        case _:
            at[key] = value
    return f"{'.'.join(way)}: {value!r:.40}"


def _plain_described(folder: Path) -> Plain:
    try:
        told = json.loads((folder / "datapackage.json").read_text(encoding="utf-8-sig"))
        resources = {entry["name"]: entry for entry in told["resources"]}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Unclear from None
    made = {}
    for name in codebook.TABLES:
        entry = resources.get(name, {})
        paths = entry.get("path", f"{name}.csv")
        if paths != f"{name}.csv" and paths != [f"{name}.csv"]:
            raise Unclear
        schema = entry.get("schema") or {}
        gone = {str(mark) for mark in schema.get("missingValues", [""])}
        if "missingValues" not in schema and not (folder / f"{name}.csv").exists():
            continue
        made[name] = [_without(row, gone) for row in table((folder / f"{name}.csv").read_bytes())[1]]
    return made


def _without(row: Row, gone: set[str]) -> Row:
    return replace(row, cells={n: (None,) if cell[0] in gone else cell for n, cell in row.cells.items()})


_CORRECTIONS = {
    "version": "1",
    "corrections": [
        {
            "table": "diary",
            "where": {"participant_id": "P02", "date": "2025-03-05"},
            "column": "steps",
            "from": "",
            "to": "5100",
            "reason": "read from the counter",
        },
        {
            "table": "participants",
            "where": {"participant_id": "P03"},
            "column": "age_years",
            "from": "63",
            "to": "36",
            "reason": "digits exchanged",
        },
    ],
}


@cache
def _corrections() -> dict[str, Any]:
    made = json.loads(json.dumps(_CORRECTIONS))
    night = next(n for n in study()["diary"] if n["participant_id"] == "P02" and n["date"] == date(2025, 3, 5))
    made["corrections"][0]["from"] = str(night["steps"])
    return made


def _corrected(folder: Path) -> str:
    (folder / "corrections.yaml").write_text(yaml.safe_dump(_corrections(), sort_keys=False))
    return write_csv(folder)


def _spoil_corrected(folder: Path, rng: Generator) -> str:
    path = folder / "corrections.yaml"
    if rng.random() < 0.4:
        return spoil_csv(folder, rng)
    if rng.random() < 0.5:
        content, what = damaged(path.read_bytes(), rng)
        path.write_bytes(content)
        return what
    made = json.loads(json.dumps(_corrections()))
    done = replaced(made, rng)
    path.write_text(yaml.safe_dump(made, sort_keys=False, allow_unicode=True), encoding="utf-8", errors="replace")
    return done


def _plain_corrected(folder: Path) -> Plain:
    made = plain_texts(folder)
    try:
        told = yaml.load((folder / "corrections.yaml").read_text(encoding="utf-8-sig"), yaml.BaseLoader)
        for item in told["corrections"]:
            rows, name = made[item["table"].strip()], item["column"]
            variable = codebook.find(name, item["table"])
            where = {column: cell.strip() for column, cell in item["where"].items()}
            for at, row in enumerate(rows):
                if all(cell == row.cells[column][0] for column, cell in where.items()) and (
                    item["from"].strip() == row.cells[name][0]
                    or readings(item["from"].strip(), variable) & readings(row.cells[name][0], variable)
                ):
                    rows[at] = replace(row, cells=row.cells | {name: (item["to"].strip() or None,)})
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError, RecursionError):
        raise Unclear from None
    return made


@cache
def _corrected_truth() -> dict[str, list[dict[str, Any]]]:
    made = {name: [dict(row) for row in rows] for name, rows in study().items()}
    for row in made["diary"]:
        if row["participant_id"] == "P02" and row["date"] == date(2025, 3, 5):
            row["steps"] = 5100
    made["participants"][2]["age_years"] = 36
    return made


KINDS = (
    Kind("descriptor", _described, _spoil_described, _plain_described),
    Kind("corrections", _corrected, _spoil_corrected, _plain_corrected, _corrected_truth),
)
