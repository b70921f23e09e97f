"""Damaged files of every kind: read or refused with a deliberate error, never a traceback."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from mutations import mutate

from crampstudy import load
from crampstudy.errors import CrampstudyError, SourceError
from crampstudy.sources.readers import statfile

ROUNDS = 12
WIDE = pd.DataFrame(
    {
        "pid": ["P1", "P1", "P2", "P2"],
        "date": pd.to_datetime(["2025-03-01", "2025-03-02", "2025-03-01", "2025-03-02"]).date,
        "cramps": [1.0, 0.0, 2.0, 0.0],
        "age": [40.0, 40.0, 50.0, 50.0],
        "sex": ["female", "female", "male", "male"],
    }
)
MAPPING = """version: 1
clock: {date: evening}
tables:
  participants:
    rows: {distinct: true}
    columns: {participant_id: pid, age_years: age, sex: sex}
  diary:
    columns: {participant_id: pid, date: date, cramps: cramps}
"""
EXPORT = """participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,date,cramps
P1,,,40,female,,
P1,diary,1,,,2025-03-01,1
P1,diary,2,,,2025-03-02,0
"""
LABS = "participant_id,date,analyte,value,unit\nP1,2025-03-01,serum_sodium,140,mmol/L\n"
WRITERS: dict[str, Callable[[Path], object]] = {
    "w.sav": lambda path: pyreadstat.write_sav(WIDE, str(path)),
    "w.zsav": lambda path: pyreadstat.write_sav(WIDE, str(path), compress=True),
    "w.dta": lambda path: pyreadstat.write_dta(WIDE, str(path)),
    "w.xpt": lambda path: pyreadstat.write_xport(WIDE, str(path)),
    "w.xlsx": lambda path: WIDE.to_excel(path, index=False),
    "w.csv": lambda path: WIDE.to_csv(path, index=False),
    "m.yaml": lambda path: path.write_text(MAPPING),
    "r.csv": lambda path: path.write_text(EXPORT),
    "p/participants.csv": lambda path: path.write_text("participant_id,age_years,sex\nP1,40,female\nP2,50,male\n"),
    "p/diary.parquet": lambda path: (
        WIDE[["pid", "date", "cramps"]].rename(columns={"pid": "participant_id"}).to_parquet(path)
    ),
    "p/labs.csv": lambda path: path.write_text(LABS),
    "p/datapackage.json": lambda path: path.write_text(
        '{"name": "p", "resources": [{"name": "labs", "path": "labs.csv"}]}'
    ),
}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "p").mkdir()
    for name, write in WRITERS.items():
        write(tmp_path / name)
    return tmp_path


def source(folder: Path, name: str) -> str:
    if name.startswith("p/"):
        return str(folder / "p")
    if name == "r.csv":
        return f"redcap:{folder / name}"
    return f"mapped:{folder / ('w.csv' if name == 'm.yaml' else name)}?mapping={folder / 'm.yaml'}"


@pytest.mark.parametrize("name", WRITERS)
def test_no_damage_is_a_traceback(files: Path, name: str) -> None:
    path = files / name
    whole = path.read_bytes()
    assert load(source(files, name)).cohort.frame("diary").height == (2 if name == "r.csv" else 4)
    for number in range(ROUNDS):
        path.write_bytes(mutate(f"{name} {number}", whole, archive=path.suffix == ".xlsx"))
        try:
            load(source(files, name))
        except CrampstudyError as error:
            assert str(error)


@pytest.mark.parametrize(("name", "place"), [("w.sav", b"SEX     "), ("w.dta", b"cramps\0\0")])
def test_a_column_that_lost_its_name(files: Path, name: str, place: bytes) -> None:
    whole = (files / name).read_bytes()
    (files / name).write_bytes(whole.replace(place, b"\0" * len(place), 1))
    with pytest.raises(SourceError, match="a column has no name"):
        statfile.load(files / name)


@pytest.mark.parametrize("name", ["w.sav", "w.zsav", "w.dta", "w.xpt"])
def test_a_statistical_file_cut_off_anywhere(files: Path, name: str) -> None:
    whole = (files / name).read_bytes()
    for share in range(5, 100, 5):
        (files / name).write_bytes(whole[: len(whole) * share // 100])
        try:
            statfile.load(files / name)
        except SourceError as error:
            assert name in str(error)
