from __future__ import annotations

import signal
import subprocess
import sys
import time as clock
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyreadstat
import pytest

from crampstudy import simulate
from crampstudy.cleaning import Cleaned, clean
from crampstudy.errors import SourceError
from crampstudy.sources import open_cohort
from crampstudy.sources.readers import statfile, statread, wide

LABELS = {"SEX": {1.0: "Male", 2.0: "FEMALE", 9.0: "Refused"}, "diabetes": {0.0: "No", 1.0: "Yes"}}
DIURETICS = {0.0: "None", 1.0: "Thiazide", 2.0: "Loop", 3.0: "Potassium-sparing"}


def nights(**changes: list[Any]) -> pd.DataFrame:
    columns: dict[str, list[Any]] = {
        "Participant_ID": [7.0, 7.0, 12.0, 13.0],
        "date": [date(2025, 3, 1), date(2025, 3, 2), date(2025, 3, 1), date(2025, 3, 1)],
        "age_years": [64.0, 64.0, 71.5, 50.0],
        "SEX": [2.0, 2.0, 1.0, 9.0],
        "diabetes": [1.0, 1.0, 0.0, None],
        "diuretic_class": [3.0, 3.0, 0.0, 0.0],
        "cramps": [0.0, 2.0, 1.0, 0.0],
        "stress_0_10": [2.5, None, 1.1, 3.0],
        "note": ["a ", "", " b", "c"],
    }
    return pd.DataFrame(columns | changes)


def write(path: Path, frame: pd.DataFrame, **options: Any) -> Path:
    writers: dict[str, Callable[..., None]] = {
        ".sav": pyreadstat.write_sav,
        ".zsav": lambda f, p, **o: pyreadstat.write_sav(f, p, compress=True, **o),
        ".dta": pyreadstat.write_dta,
        ".xpt": lambda f, p, **_: pyreadstat.write_xport(f, p, file_format_version=8),
    }
    writers[path.suffix](frame, str(path), **options)
    return path


def cleaned(path: Path) -> Cleaned:
    return clean(statfile.read(path))


@pytest.mark.parametrize("suffix", [".sav", ".zsav", ".dta"])
def test_labels_dates_and_identifiers_become_a_cohort(tmp_path: Path, suffix: str) -> None:
    labels = LABELS | {"diuretic_class": DIURETICS}
    if suffix == ".dta":
        labels = {name: {int(code): text for code, text in codes.items()} for name, codes in labels.items()}
    loaded = cleaned(write(tmp_path / f"s{suffix}", nights(), variable_value_labels=labels))
    cohort = loaded.cohort
    assert cohort.frame("participants").select("participant_id", "sex", "diabetes", "diuretic_class").rows() == [
        ("7", "female", True, "potassium_sparing"),
        ("12", "male", False, "none"),
        ("13", None, None, "none"),
    ]
    assert cohort.frame("diary").rows() == [
        ("7", date(2025, 3, 1), 0, 2.5, "a"),
        ("7", date(2025, 3, 2), 2, None, None),
        ("12", date(2025, 3, 1), 1, 1.1, "b"),
        ("13", date(2025, 3, 1), 0, 3.0, "c"),
    ]
    # The code whose label is no level stands in the ledger as it is, at its observation.
    assert loaded.ledger.select("file", "line", "column", "value", "rule").rows() == [
        (f"s{suffix}", 4, "sex", "9", "level")
    ]
    assert f"s{suffix}: value labels of sex were read as male, female" in cohort.attrition.notices


def test_codes_without_labels_stay_codes(tmp_path: Path) -> None:
    ledger = cleaned(write(tmp_path / "s.sav", nights())).ledger
    codes = ledger.select("line", "column", "value", "rule").rows()
    assert (1, "sex", "2", "level") in codes
    assert (1, "diabetes", "1", "type") in codes


def test_labels_of_numbers_change_nothing(tmp_path: Path) -> None:
    labels = {"cramps": {0.0: "none", 2.0: "two or more"}, "stress_0_10": {2.5: "yes"}}
    cohort = cleaned(write(tmp_path / "s.sav", nights(), variable_value_labels=labels)).cohort
    assert cohort.frame("diary")["cramps"].to_list() == [0, 2, 1, 0]
    assert cohort.frame("diary")["stress_0_10"].to_list() == [2.5, None, 1.1, 3.0]


def test_text_codes_have_labels_too(tmp_path: Path) -> None:
    frame = nights(SEX=["f", "f", "m", "m"])
    path = write(tmp_path / "s.sav", frame, variable_value_labels={"SEX": {"f": "female", "m": "male"}})
    assert cleaned(path).cohort.frame("participants")["sex"].to_list() == ["female", "male", "male"]


def test_user_missing_values_are_missing(tmp_path: Path) -> None:
    frame = nights(stress_0_10=[2.5, 99.0, 1.1, 98.0])
    path = write(tmp_path / "s.sav", frame, missing_ranges={"stress_0_10": [{"lo": 98, "hi": 99}]})
    loaded = cleaned(path)
    assert loaded.cohort.frame("diary")["stress_0_10"].to_list() == [2.5, None, 1.1, None]
    assert "stress_0_10" not in loaded.ledger["column"].to_list()


def test_extended_missing_values_of_stata_are_missing(tmp_path: Path) -> None:
    frame = nights().astype({"stress_0_10": object})
    frame["stress_0_10"] = [2.5, "a", 1.1, "z"]
    path = write(tmp_path / "s.dta", frame, missing_user_values={"stress_0_10": ["a", "z"]})
    assert statfile.load(path).frame["stress_0_10"].to_list() == ["2.5", None, "1.1", None]


def test_a_transport_file_of_version_8_needs_no_mapping(tmp_path: Path) -> None:
    frame = nights(SEX=["female", "female", "male", "male"], diuretic_class=["none"] * 4).drop(columns="diabetes")
    loaded = cleaned(write(tmp_path / "s.xpt", frame))
    assert loaded.ledger.is_empty()
    assert loaded.cohort.frame("diary")["date"].to_list()[:2] == [date(2025, 3, 1), date(2025, 3, 2)]


def test_short_names_of_a_transport_file_need_a_mapping(tmp_path: Path) -> None:
    frame = pd.DataFrame({"PARTID": [1.0], "NIGHT": [date(2025, 3, 1)], "NCRAMP": [2.0]})
    path = tmp_path / "s.xpt"
    pyreadstat.write_xport(frame, str(path), file_format_version=5)
    with pytest.raises(SourceError, match=r"PARTID, NIGHT, NCRAMP, .*crampstudy try \S+ --out my-study"):
        statfile.read(path)
    grid = statfile.load(path)
    assert grid.frame.rows() == [("1", "2025-03-01", "2")]
    assert (grid.name, grid.file, grid.lines.to_list()) == ("s", "s.xpt", [1])


@pytest.mark.parametrize("suffix", [".sav", ".dta", ".xpt"])
def test_dates_times_and_date_times(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame(
        {
            "a": [datetime(2025, 3, 1), datetime(2025, 3, 2)],
            "b": [datetime(2025, 3, 1, 2, 3, 4), datetime(2025, 3, 2)],
            "onset": [datetime(2025, 3, 1), datetime(2025, 3, 2)],
            "c": [date(2025, 3, 1), None],
            "d": [1e15, 0.1],
        }
    )
    rows = statfile.load(write(tmp_path / f"s{suffix}", frame)).frame.rows()
    assert rows[0] == ("2025-03-01", "2025-03-01T02:03:04", "2025-03-01T00:00:00", "2025-03-01", "1000000000000000")
    assert rows[1] == ("2025-03-02", "2025-03-02T00:00:00", "2025-03-02T00:00:00", None, "0.1")


def test_times_of_day_are_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"t": [time(7, 30), time(22, 0)], "x": [1.0, 2.0]})
    assert statfile.load(write(tmp_path / "s.sav", frame)).frame["t"].to_list() == ["07:30:00", "22:00:00"]


def test_numbers_in_a_date_column_are_not_dates(tmp_path: Path) -> None:
    frame = nights(date=[23801.0, 23802.0, 23801.0, 23801.0])
    with pytest.raises(SourceError, match=r"all 4 rows were rejected; the first, line 1, column date, value '23801'"):
        cleaned(write(tmp_path / "s.sav", frame))


def test_empty_observations_are_skipped_with_a_notice(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, None, 3.0], "b": ["x", "", "z"]})
    grid = statfile.load(write(tmp_path / "s.sav", frame))
    assert grid.lines.to_list() == [1, 3]
    assert grid.notices == ("s.sav: empty observations skipped: 1",)


def test_a_file_without_observations_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "s.dta", pd.DataFrame({"a": pd.Series([], dtype=float)}))
    with pytest.raises(SourceError, match="has no observations"):
        statfile.read(path)


@pytest.mark.parametrize("suffix", statfile.SUFFIXES)
def test_a_broken_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"s{suffix}"
    path.write_bytes(b"participant_id,date,cramps\n1,2025-03-01,01" * 40)
    with pytest.raises(SourceError, match=rf"s\{suffix} cannot be read as {suffix[1:]} \(.+\); export it again"):
        statfile.read(path)


@pytest.mark.parametrize("suffix", [".sav", ".zsav", ".dta", ".xpt"])
def test_a_cut_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"s{suffix}", nights())
    path.write_bytes(path.read_bytes()[:-101])
    with pytest.raises(SourceError, match=r"cannot be read as|is cut off"):
        statfile.read(path)


def test_other_files_and_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"not one of the statistical files .* \.xpt, \.sas7bdat, \.dta, \.sav"):
        statfile.read(tmp_path / "a.rds")
    with pytest.raises(SourceError, match="there is no file"):
        statfile.read(tmp_path / "a.sav")


def test_every_format_gives_the_same_cohort(tmp_path: Path) -> None:
    frame = nights(SEX=["female", "female", "male", "male"], diuretic_class=["none"] * 4).drop(columns="diabetes")
    made = {suffix: cleaned(write(tmp_path / f"s{suffix}", frame)) for suffix in (".sav", ".zsav", ".dta", ".xpt")}
    assert len({loaded.cohort.digest for loaded in made.values()}) == 1


def test_a_sas_file_goes_to_the_reader_of_sas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No library writes sas7bdat, so the reader is stood in for by that of another format."""
    path = write(tmp_path / "s.sav", nights(), variable_value_labels=LABELS)
    asked: list[tuple[str, Path]] = []

    def reader(function: str, name: Path, **options: Any) -> Any:
        asked.append((function, name))
        return read("read_sav", path, **options)

    read = statread.read
    monkeypatch.setattr(statread, "read", reader)
    (tmp_path / "s.sas7bdat").write_bytes(b"")
    assert statfile.load(tmp_path / "s.sas7bdat").frame.height == 4
    assert set(asked) == {("read_sas7bdat", tmp_path / "s.sas7bdat")}


def test_a_file_over_which_the_library_crashes_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    frame = pd.DataFrame({"hours_in_bed": [7.0, 8.0], "warm_up": [1.0, 0.0]})
    path = write(tmp_path / "s.sav", frame, variable_value_labels={"warm_up": {0.0: "No", 1.0: "Yes"}})
    whole = path.read_bytes()
    path.write_bytes(whole[:176] + whole[208:])  # one variable is gone, and the labels are of the second
    with pytest.raises(SourceError, match=r"s\.sav cannot be read as sav \(the library .* crashed over it, exit code"):
        statfile.load(path)
    path.write_bytes(whole)
    assert statfile.load(path).frame.height == 2


def test_a_path_is_that_of_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "s.sav", nights(mood=[name] * 4))
        monkeypatch.chdir(tmp_path / name)
        assert statfile.load(Path("s.sav")).frame["mood"].to_list() == [name] * 4


def test_an_answer_that_was_interrupted_is_not_taken_for_the_next(tmp_path: Path) -> None:
    one, other = write(tmp_path / "s.sav", nights()), write(tmp_path / "t.sav", nights().drop(columns="diabetes"))
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        for seconds in (0.001, 0.01, 0.1):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            # Where it comes inside of polars, this may tell of it as of a wrong type.
            with suppress(KeyboardInterrupt, TypeError):
                while True:
                    statfile.load(one)
            assert "diabetes" not in statfile.load(other).frame.columns
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_reading_process_ends_with_the_one_that_began_it(tmp_path: Path) -> None:
    path = write(tmp_path / "s.sav", nights())
    code = (
        "import os, sys; from pathlib import Path; from crampstudy.sources.readers import statread\n"
        "statread.read('read_sav', Path(sys.argv[1])); print(statread._reader().pid, flush=True); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=False)
    assert done.returncode == 9, done.stderr
    for _ in range(1200):  # a minute, on a busy machine
        if not (folder := Path(f"/proc/{done.stdout.strip()}")).exists() or "Z (" in (folder / "status").read_text():
            return
        clock.sleep(0.05)
    pytest.fail(f"process {done.stdout} goes on")


def test_names_that_would_meet_stay_apart() -> None:
    assert wide.codebook_names(["Sex", "SEX", "Age_Years", "date", "DATE", "Mood"]) == {"Age_Years": "age_years"}


def test_rows_without_an_identifier_stay_in_the_diary() -> None:
    frame = pl.DataFrame(
        {
            "participant_id": ["a", None, "b", "a"],
            "date": ["2025-03-01"] * 3 + ["2025-03-02"],
            "age_years": [None, "1", "50", "60"],
            "centre": ["x", "y", "z", "x"],
        }
    )
    (people, diary), said = wide.split(frame, pl.Series([2, 3, 5, 9]), "f")
    assert said == []
    assert people.frame.rows() == [("a", "60"), ("b", "50")]
    assert people.lines.to_list() == [2, 5]
    assert diary.frame.rows()[1] == (None, "2025-03-01", "y")
    assert diary.lines.to_list() == [2, 3, 5, 9]


def test_a_simulated_cohort_comes_back_as_it_was(tmp_path: Path) -> None:
    simulate.write(tmp_path / "package", 20, 30, 3, draws=3_000)
    cohort = open_cohort(tmp_path / "package")
    wide_frame = cohort.frame("diary").join(cohort.frame("participants"), on="participant_id")
    text = wide_frame.with_columns(pl.col(pl.Boolean).cast(pl.String))
    loaded = cleaned(write(tmp_path / "s.sav", text.to_pandas()))
    assert loaded.ledger.is_empty()
    # One wide table holds people and nights.
    of_nights = replace(cohort, tables={name: cohort.frame(name) for name in ("participants", "diary")})
    assert loaded.cohort.digest == of_nights.digest
