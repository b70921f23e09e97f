"""Files of SPSS, Stata and SAS, workbooks, and the transport files of NHANES."""

from __future__ import annotations

import io
import re
import tempfile
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat
from fuzz_bytes import damaged, place
from fuzz_kinds import Kind, chosen
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
_TINY = 1e-70
"""Transport files hold zero as the smallest number that they know."""
_SEX = {1: "Female", 2: "Male"}
_BROKEN = (
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
            **dict.fromkeys(("warm_up", "diabetes"), {0.0: "false", 1.0: "true"}),
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


_NUMBERS = (
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
            value = _NUMBERS[place(rng, len(_NUMBERS))]
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
        except _BROKEN:
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
    if isinstance(value, float) and abs(value) < _TINY:
        value = 0.0
    label = str({0.0 if isinstance(c, float) and abs(c) < _TINY else c: t for c, t in labels.items()}.get(value, "")).strip().lower().replace(" ", "_").replace("-", "_")
    return (value, label, {"yes": "true", "no": "false"}.get(label, label)) if label else (value,)


@cache
def _book() -> bytes:
    return _saved(study())


def _saved(tables: Tables) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in tables.items():
        page = book.create_sheet(name)
        page.append(list(rows[0]))
        for row in rows:
            page.append(list(row.values()))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write_book(folder: Path) -> str:
    (folder / "study.xlsx").write_bytes(_book())
    return str(folder / "study.xlsx")


def _spoil_book(folder: Path, rng: Generator) -> str:
    match place(rng, 3):
        case 0:
            content, what = damaged(_book(), rng)
        case 1:
            content, what = _edited(rng)
        case _:
            content, what = _retyped(rng)
    (folder / "study.xlsx").write_bytes(content)
    return what


def _edited(rng: Generator) -> tuple[bytes, str]:
    """One part of the archive changed, with the right checksum."""
    with zipfile.ZipFile(io.BytesIO(_book())) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheets = [name for name in parts if "sheet" in name and name.endswith(".xml")]
    name = sheets[place(rng, len(sheets))] if rng.random() < 0.7 else list(parts)[place(rng, len(parts))]
    text = parts[name]
    edits: tuple[Callable[[bytes], bytes | None], ...] = (
        lambda old: damaged(old, rng)[0],
        lambda old: None,
        lambda old: _somewhere(rb"<v>[^<]*</v>", b"<v>%d</v>" % int(rng.integers(-5, 10**6)), old, rng),
        lambda old: _somewhere(
            rb"<v>[^<]*</v>", (b"", b"<v/>", b"<v>x</v>", b"<v>1e400</v>", b"<v> 7 </v>")[place(rng, 5)], old, rng
        ),
        lambda old: _somewhere(
            rb' t="\w+"',
            (b"", b' t="n"', b' t="b"', b' t="e"', b' t="d"', b' t="str"', b' t="q"')[place(rng, 7)],
            old,
            rng,
        ),
        lambda old: _somewhere(
            rb' s="\d+"', (b"", b' s="0"', b' s="1"', b' s="99"', b' s="x"')[place(rng, 5)], old, rng
        ),
        lambda old: _somewhere(
            rb' r="[A-Z]+\d+"', (b"", b' r="A1"', b' r="ZZZ9"', b' r="B99999"', b' r="7"')[place(rng, 5)], old, rng
        ),
        lambda old: _somewhere(rb"<row .*?</row>", b"", old, rng),
        lambda old: _somewhere(rb"<row r=\"\d+\"", b'<row r="%d"' % int(rng.integers(0, 40)), old, rng),
        lambda old: _somewhere(rb"<c .*?</c>", b"", old, rng),
        lambda old: old.replace(
            b"</sheetData>", b'</sheetData><mergeCells count="1"><mergeCell ref="B3:B4"/></mergeCells>'
        ),
        lambda old: _somewhere(
            rb"<t[^>]*>[^<]*</t>", b"<t>%s</t>" % CELLS[place(rng, len(CELLS))].encode().replace(b"<", b""), old, rng
        ),
        lambda old: b'<!DOCTYPE x [<!ENTITY a "b">]>' + old,
        lambda old: _somewhere(rb"<dimension ref=\"[^\"]*\"", b'<dimension ref="A1:B2"', old, rng),
    )
    at = place(rng, len(edits))
    made = edits[at](text)
    if made is None:
        del parts[name]
    else:
        parts[name] = made
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return out.getvalue(), f"edit {at} of {name}"


def _somewhere(pattern: bytes, new: bytes, old: bytes, rng: Generator) -> bytes:
    found = list(re.finditer(pattern, old, re.DOTALL))
    if not found:
        return old
    one = found[place(rng, len(found))]
    return old[: one.start()] + new + old[one.end() :]


def _retyped(rng: Generator) -> tuple[bytes, str]:
    """Cells typed anew: other types, texts for numbers, dates with times, formulas, blank rows, headers."""
    book = openpyxl.load_workbook(io.BytesIO(_book()))
    page = book[chosen(rng, tuple(study()), (2.0, 5.0, 1.0, 1.0, 1.0))]
    done = []
    for _ in range(int(rng.integers(1, 4))):
        row, column = 1 + place(rng, page.max_row), 1 + place(rng, page.max_column)
        cell = page.cell(row, column)
        match place(rng, 9):
            case 0 | 1 | 2:
                text = "".join(c for c in CELLS[place(rng, len(CELLS))] if c.isprintable() or c == "\n")
                cell.value, what = text, repr(text)[:30]
            case 3:
                values = (
                    True,
                    45720,
                    45720.5,
                    0.5,
                    -1,
                    99,
                    datetime(2025, 3, 4, 22, 10),
                    date(2025, 3, 4),
                    1e300,
                    None,
                )
                cell.value = values[place(rng, len(values))]
                what = repr(cell.value)
            case 4:
                cell.value, what = str(cell.value).replace(".", ","), "as text with a comma"
            case 5:
                page.insert_rows(row)
                what = f"a blank row {row}"
            case 6:
                page.delete_rows(row)
                what = f"without row {row}"
            case 7:
                page.delete_cols(column)
                what = f"without column {column}"
            case _:
                cell.value, what = "=1+1", "a formula"
        done.append(f"{page.title}!{cell.coordinate} {what}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue(), ", ".join(done)


def _plain_book(folder: Path) -> Plain:
    try:
        book = openpyxl.load_workbook(folder / "study.xlsx", data_only=True)
        pages = {page.title.strip().lower(): list(page.iter_rows(values_only=True)) for page in book.worksheets}
    except (*_BROKEN, zipfile.BadZipFile, SyntaxError, EOFError, StopIteration, AssertionError, RecursionError):
        raise Unclear from None
    made: Plain = {}
    for name in set(study()) & set(pages):
        filled = [(n, r) for n, r in enumerate(pages[name], 1) if any(_is_filled(v) for v in r)]
        if not filled:
            raise Unclear
        (_, head), *rows = filled
        names = [str(v).strip() if _is_filled(v) else "" for v in head]
        made[name] = [
            Row(n, {c: (v if _is_filled(v) else None,) for c, v in zip(names, row, strict=False) if c})
            for n, row in rows
        ]
    if "participants" not in made:
        raise Unclear
    return made


def _is_filled(value: Any) -> bool:
    return value is not None and not (isinstance(value, str) and not value.strip())


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
            frame.loc[row, column], what = _NUMBERS[place(rng, len(_NUMBERS))], f"{column}[{row}]"
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
        except _BROKEN:
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
    return None if raw is None or raw != raw else 0.0 if abs(raw) < _TINY else raw


KINDS = (
    *(Kind(form, _write(form), _spoil(form), _plain(form), truth) for form in _WRITE),
    Kind("xlsx", _write_book, _spoil_book, _plain_book),
    Kind("nhanes", _write_nhanes, _spoil_nhanes, _plain_nhanes, truth=dict),
)
