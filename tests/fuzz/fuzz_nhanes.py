"""NHANES as published: transport files, or the same tables as CSV."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
from fuzz_bytes import damaged, place
from fuzz_kinds import Kind, chosen
from fuzz_plain import Plain, Row, Unclear
from fuzz_statfiles import BROKEN, NUMBERS, TINY
from numpy.random import Generator

_DEMO = (
    "SEQN",
    "RIDAGEYR",
    "RIAGENDR",
    "DMDEDUC2",
    "RIDEXMON",
    "WTINT2YR",
    "WTMEC2YR",
    "SDMVSTRA",
    "SDMVPSU",
    "RIDEXPRG",
)

_SCHOOL = ("below_9_years", "9_to_11_years", "secondary", "some_college", "degree")


def _nhanes_frames() -> dict[str, pd.DataFrame]:
    people = range(8)
    demo = [
        (31001.0 + n, 30.0 + 7 * n, 1.0 + n % 2, 1.0 + n % 5, 1.0 + n % 2, 1e4 + n, 1.1e4 + n, 50.0, 1.0 + n % 2, None)
        for n in people
    ]
    sleep = [(31001.0 + n, 6.0 + n % 3, float(n % 5)) for n in people]
    body = [(31001.0 + n, 21.5 + n) for n in people]
    return {
        "DEMO_D": pd.DataFrame(demo, columns=list(_DEMO)).astype(float),
        "SLQ_D": pd.DataFrame(sleep, columns=["SEQN", "SLD010H", "SLQ160"]),
        "BMX_D": pd.DataFrame(body, columns=["SEQN", "BMXBMI"]),
    }


def _transport(frame: pd.DataFrame) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.xpt"
        pyreadstat.write_xport(frame, str(path), file_format_version=5)
        return path.read_bytes()


@cache
def _nhanes_files() -> dict[str, bytes]:
    return {f"{name}.XPT": _transport(frame) for name, frame in _nhanes_frames().items()}


def _write_nhanes(folder: Path) -> str:
    for name, content in _nhanes_files().items():
        (folder / name).write_bytes(content)
    return f"nhanes:{folder}?cycles=D"


def _spoil_nhanes(folder: Path, rng: Generator) -> str:
    name = chosen(rng, ("DEMO_D", "SLQ_D", "BMX_D"), (2.0, 2.0, 1.0))
    path = folder / f"{name}.XPT"
    if rng.random() < 0.4:
        content, what = damaged(path.read_bytes(), rng)
        path.write_bytes(content)
        return f"{name}: {what}"
    frame = _nhanes_frames()[name]
    column, row = frame.columns[place(rng, frame.shape[1])], place(rng, len(frame))
    match place(rng, 5):
        case 0 | 1:
            frame.loc[row, column], what = NUMBERS[place(rng, len(NUMBERS))], f"{column}[{row}]"
        case 2:
            frame, what = frame.drop(columns=[column]), f"without {column}"
        case 3:
            frame, what = frame.drop(index=[row]), f"without row {row}"
        case _:
            frame, what = pd.concat([frame, frame.iloc[[row]]], ignore_index=True), "a row twice"
    if rng.random() < 0.3:
        path.unlink()
        frame.to_csv(folder / f"{name}.csv", index=False)
    else:
        path.write_bytes(_transport(frame))
    return f"{name}: {what}"


def _plain_nhanes(folder: Path) -> Plain:
    tables = {}
    for path in folder.iterdir():
        try:
            read = pd.read_csv(path) if path.suffix == ".csv" else pyreadstat.read_xport(str(path))[0]
            tables[path.stem] = {row["SEQN"]: row for row in read.to_dict("records")}
        except BROKEN:
            raise Unclear from None
    rows = []
    for line, (number, demo) in enumerate(tables["DEMO_D"].items(), 2):
        sleep, body = (tables.get(name, {}).get(number, {}) for name in ("SLQ_D", "BMX_D"))
        low = {0: 0, 1: 1, 2: 2, 3: 5, 4: 16}.get(_value(sleep.get("SLQ160")))
        hours = _value(sleep.get("SLD010H"))
        cells = {
            "participant_id": str(int(number)) if number == number else None,
            "age_years": _value(demo.get("RIDAGEYR")),
            "sex": {1: "male", 2: "female"}.get(_value(demo.get("RIAGENDR"))),
            "bmi_kg_m2": _value(body.get("BMXBMI")),
            "usual_sleep_hours": None if hours in (77, 99) else hours,
            "recalled_low": low,
            "weight_interview": _value(demo.get("WTINT2YR")),
            "weight_exam": _value(demo.get("WTMEC2YR")),
            "cycle": "D",
            "exam_season": {1: "november_april", 2: "may_october"}.get(_value(demo.get("RIDEXMON"))),
            "education": dict(enumerate(_SCHOOL, 1)).get(_value(demo.get("DMDEDUC2"))),
            "stratum": _value(demo.get("SDMVSTRA")),
            "psu": _value(demo.get("SDMVPSU")),
            "recalled_high": {0: 0, 1: 1, 2: 4, 3: 15}.get(_value(sleep.get("SLQ160"))),
        }
        rows.append(Row(line, {name: (value,) for name, value in cells.items()}))
    strangers = {number for table in tables.values() for number in table} - set(tables["DEMO_D"])
    rows += [Row(0, {"participant_id": (str(number),)}) for number in strangers]
    return {"participants": rows}


def _value(raw: Any) -> Any:
    return None if raw is None or raw != raw else 0.0 if abs(raw) < TINY else raw


KINDS = (Kind("nhanes", _write_nhanes, _spoil_nhanes, _plain_nhanes, truth=dict),)
