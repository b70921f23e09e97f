"""Files of SPSS, Stata and SAS: a row for each participant and night, codes with labels."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import pyreadstat
from fuzz_bytes import damaged, place
from fuzz_kinds import Kind
from fuzz_mapped import wide_rows
from fuzz_plain import Plain, Row, Unclear
from fuzz_study import Tables, study, wide
from fuzz_text import CELLS
from numpy.random import Generator

_WRITE: dict[str, Callable[..., None]] = {
    "sav": pyreadstat.write_sav,
    "zsav": lambda frame, path, **more: pyreadstat.write_sav(frame, path, compress=True, **more),
    "dta": pyreadstat.write_dta,
    "xpt": lambda frame, path, **more: pyreadstat.write_xport(frame, path, file_format_version=8),
}
_READ = {
    "sav": pyreadstat.read_sav,
    "zsav": pyreadstat.read_sav,
    "dta": pyreadstat.read_dta,
    "xpt": pyreadstat.read_xport,
}
TINY = 1e-70
"""Transport files hold zero as the smallest number that they know."""
_SEX = {1: "Female", 2: "Male"}
BROKEN = (
    *(OSError, UnicodeDecodeError, ValueError, OverflowError, KeyError, TypeError, AttributeError, IndexError),
    *(pyreadstat.ReadstatError, pyreadstat.PyreadstatError, MemoryError),
)


def _frame() -> pd.DataFrame:
    rows = [row | {"sex": 1.0 if row["sex"] == "female" else 2.0} for row in wide()]
    frame = pd.DataFrame(rows)
    for column in ("diabetes", "warm_up"):
        frame[column] = frame[column].astype(float)
    frame["cramps"] = frame["cramps"].astype(float)
    return frame.drop(columns=["place"])


@cache
def truth() -> Tables:
    people = [{c: v for c, v in row.items() if c != "place"} for row in study()["participants"]]
    return {"participants": people, "diary": study()["diary"]}


def _stored(frame: pd.DataFrame, form: str) -> bytes:
    labels: dict[str, Any] = {"sex": _SEX, "warm_up": {0: "No", 1: "Yes"}, "diabetes": {0: "No", 1: "Yes"}}
    labels = {name: codes for name, codes in labels.items() if name in frame and frame[name].dtype == float}
    if form == "xpt":
        # The transport format has no labels.
        words = {
            "sex": {1.0: "female", 2.0: "male"},
            "warm_up": {0.0: "false", 1.0: "true"},
            "diabetes": {0.0: "false", 1.0: "true"},
        }
        frame = frame.assign(**{n: frame[n].map(words[n]).fillna(frame[n].astype(str)) for n in labels})
    more = {} if form == "xpt" else {"variable_value_labels": labels}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file.{form}"
        _WRITE[form](frame, str(path), **more)
        return path.read_bytes()


@cache
def _valid(form: str) -> bytes:
    return _stored(_frame(), form)


def _write(form: str) -> Callable[[Path], str]:
    def write(folder: Path) -> str:
        (folder / f"nights.{form}").write_bytes(_valid(form))
        return str(folder / f"nights.{form}")

    return write


def _spoil(form: str) -> Callable[[Path, Generator], str]:
    def spoil(folder: Path, rng: Generator) -> str:
        if rng.random() < 0.5:
            content, what = damaged(_valid(form), rng)
        else:
            frame, what = _mistaken(_frame(), rng)
            try:
                content = _stored(frame, form)
            except (pyreadstat.PyreadstatError, ValueError, TypeError, OverflowError) as error:
                content, what = _valid(form)[: place(rng, 4000)], f"cut, for the writer refuses {what} ({error})"
        (folder / f"nights.{form}").write_bytes(content)
        return what

    return spoil


NUMBERS = (
    99.0,
    -99.0,
    999.0,
    0.5,
    1e300,
    5.397605346934028e-79,
    -0.0,
    2.0**53 + 2,
    1.0,
    2.0,
    3.0,
    1e-5,
    17.0,
    0.1 + 0.2,
)


def _mistaken(frame: pd.DataFrame, rng: Generator) -> tuple[pd.DataFrame, str]:
    frame = frame.copy()
    names = list(frame.columns)
    name, row = names[place(rng, len(names))], place(rng, len(frame))
    match place(rng, 9):
        case 0 | 1 | 2:
            if not pd.api.types.is_numeric_dtype(frame[name]):
                text = CELLS[place(rng, len(CELLS))]
                frame[name] = pd.Series([str(v) if isinstance(v, date) else v for v in frame[name]], dtype=object)
                frame.loc[row, name] = text.replace("\0", "")
                return frame, f"{name}[{row}] = {text!r:.30}"
            value = NUMBERS[place(rng, len(NUMBERS))]
            frame[name] = frame[name].astype(float)
            frame.loc[row, name] = value
            return frame, f"{name}[{row}] = {value}"
        case 3:
            frame[name] = frame[name].astype(str)
            return frame, f"{name} as text"
        case 4:
            return frame.drop(columns=[name]), f"without {name}"
        case 5:
            new = (name.upper(), f"{name}_2", "x", "V1", "cramps2")[place(rng, 5)]
            return frame.rename(columns={name: new}), f"{name} is {new}"
        case 6:
            again = frame.iloc[[row]].copy()
            if rng.random() < 0.5:
                again[name] = frame[name].iloc[place(rng, len(frame))]
            return pd.concat([frame, again], ignore_index=True), "a row twice"
        case 7:
            hour = (0, 2, 22)[place(rng, 3)]
            frame["date"] = [datetime(d.year, d.month, d.day, hour) for d in frame["date"]]
            return frame, f"dates at {hour}:00"
        case _:
            return frame.iloc[: place(rng, 3)], "few rows"


def _plain(form: str) -> Callable[[Path], Plain]:
    def plain(folder: Path) -> Plain:
        try:
            frame, meta = _READ[form](str(folder / f"nights.{form}"))
        except BROKEN:
            raise Unclear from None
        labels = meta.variable_value_labels
        rows = []
        for line, values in enumerate(frame.itertuples(index=False, name=None), 1):
            cells = {n: _meant(v, labels.get(n, {})) for n, v in zip(frame.columns, values, strict=True)}
            if any(cell[0] is not None for cell in cells.values()):
                rows.append(Row(line, cells))
        if not rows:
            raise Unclear
        return wide_rows(rows)

    return plain


def _meant(value: Any, labels: dict[Any, str]) -> tuple[Any, ...]:
    if value is None or value is pd.NaT or value != value or (isinstance(value, str) and not value.strip()):
        return (None,)
    if isinstance(value, pd.Timestamp):
        value = value.to_pydatetime()
    if hasattr(value, "item"):
        value = value.item()
    meanings = {_nought(code): text for code, text in labels.items()}
    label = re.sub(r"[ -]", "_", str(meanings.get(_nought(value), "")).strip().lower())
    return (_nought(value), label, {"yes": "true", "no": "false"}.get(label, label)) if label else (_nought(value),)


def _nought(value: Any) -> Any:
    return 0.0 if isinstance(value, float) and abs(value) < TINY else value


KINDS = tuple(Kind(form, _write(form), _spoil(form), _plain(form), truth) for form in _WRITE)
