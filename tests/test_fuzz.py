"""Spoilt files of every kind: a few hundred in the tests, and proof that nothing would pass unseen."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import fuzz
import polars as pl
import pytest
from fuzz_kinds import Kind

from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.sources.readers import bare_list

ROOT = Path(__file__).resolve().parents[1]
FILES = 16
SEED = 20250304


@pytest.mark.parametrize("kind", fuzz.KINDS)
def test_a_few_spoilt_files(kind: str) -> None:
    results = [fuzz.again(name, SEED) for name in fuzz.names(FILES, [kind])]
    assert [result for result in results if result.outcome in fuzz.FAULTS] == []
    assert {result.outcome for result in results} & set(fuzz.OUTCOMES[1:3]), "all were refused"


@pytest.mark.parametrize("kind", fuzz.KINDS.values(), ids=fuzz.KINDS)
def test_the_valid_study_of_every_kind(tmp_path: Path, kind: Kind) -> None:
    source = kind.write(tmp_path)
    read = None if kind.bare else load(source)
    assert fuzz.judged(kind, source, tmp_path)[0] in fuzz.OUTCOMES[1:3]
    if read is not None and kind.name != "corrections":
        assert read.ledger.is_empty()
        # Nobody else has to say what the valid study is.
        for name, rows in kind.truth().items():
            assert read.cohort.tables[name].height == len(rows)


def test_a_name_brings_the_same_file_back(tmp_path: Path) -> None:
    one, again = (fuzz.again("csv/7", 1, tmp_path / part, always=True) for part in ("one", "again"))
    assert (one.outcome, one.damage) == (again.outcome, again.damage)
    files = [sorted((tmp_path / part / "csv-7").iterdir()) for part in ("one", "again")]
    assert [path.read_bytes() for path in files[0]] == [path.read_bytes() for path in files[1]]
    assert fuzz.again("csv/7", 2).damage != one.damage


def _diary(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[str], Cleaned]:
    def read(source: str) -> Cleaned:
        made = load(source)
        tables = {**made.cohort.tables, "diary": change(made.cohort.tables["diary"])}
        return replace(made, cohort=replace(made.cohort, tables=tables))

    return read


def _raises(error: BaseException) -> Callable[[str], Cleaned]:
    def read(source: str) -> Cleaned:
        raise error

    return read


def _sleeps(source: str) -> Cleaned:
    time.sleep(2)
    raise AssertionError


def _hushed(source: str) -> Cleaned:
    made = load(source)
    return replace(made, rejected={**made.rejected, "diary": made.rejected["diary"].clear()})


STEPS = pl.col("steps")
NIGHT = pl.int_range(pl.len()) == 3


@pytest.mark.parametrize(
    ("read", "outcome", "told"),
    [
        (_diary(lambda t: t[:-1]), "silent change", "20 read, 20 accepted, 0 rejected, 19 kept"),
        (_diary(lambda t: t[:-1]), "silent change", "line 21 is neither accepted nor rejected: P04"),
        (_diary(lambda t: t.with_columns(STEPS + NIGHT.cast(pl.Int64))), "silent change", "line 5, steps: '"),
        (
            _diary(lambda t: t.with_columns(pl.when(~NIGHT).then(STEPS))),
            "silent change",
            "became missing without a word",
        ),
        (_diary(lambda t: t.with_columns(STEPS.shift(1, fill_value=0))), "silent change", "line 3, steps"),
        (_diary(lambda t: t.drop("mood")), "silent change", "the column 'mood' is gone"),
        (_raises(ValueError("no")), "traceback", "ValueError: no"),
        (_raises(pl.exceptions.PanicException("no")), "traceback", "PanicException"),
        (_raises(SourceError("two\nlines in diary.csv")), "traceback", "a refusal of several lines"),
        (_raises(SourceError("something is wrong")), "traceback", "a refusal that names no file"),
        (_sleeps, "hang", "more than"),
    ],
)
def test_a_fault_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], Cleaned], outcome: str, told: str
) -> None:
    monkeypatch.setattr(fuzz, "load", read)
    # Only what hangs may take longer, however busy the machine is.
    monkeypatch.setattr(fuzz, "SECONDS", 1 if outcome == "hang" else 60)
    kind = fuzz.KINDS["csv"]
    found = fuzz.judged(kind, kind.write(tmp_path), tmp_path)
    assert found[0] == outcome and told in found[1]


def test_a_row_rejected_without_being_listed_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = fuzz.KINDS["csv"]
    source = kind.write(tmp_path)
    diary = tmp_path / "diary.csv"
    diary.write_text(diary.read_text(encoding="utf-8") + "P09,2025-03-03,1,7,1,5000,true,gut\n", encoding="utf-8")
    assert fuzz.judged(kind, source, tmp_path) == ("with a ledger", "")
    monkeypatch.setattr(fuzz, "load", _hushed)
    assert "1 rejected and 0 listed" in fuzz.judged(kind, source, tmp_path)[1]


def test_a_night_lost_from_a_bare_list_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = fuzz.KINDS["list"]
    made = bare_list.read(Path(kind.write(tmp_path)))
    for frame in (made.frame[1:], made.frame.with_columns(pl.col("cramps") + 1)):
        monkeypatch.setattr(bare_list, "read", lambda path, frame=frame: replace(made, frame=frame))
        assert fuzz.judged(kind, str(tmp_path / "nights.csv"), tmp_path)[0] == "silent change"


def test_the_script(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- fuzz: begin -->\nold\n<!-- fuzz: end -->\nafter\n")
    asked = ["--files", "6", "--seed", "3", "--kinds", "csv,list", "--write", str(page)]
    done = subprocess.run([sys.executable, ROOT / "tests/fuzz", *asked], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "6 files, seed 3." in done.stdout and "| csv | 3 |" in done.stdout
    assert "old" not in page.read_text() and "| **all** | 6 |" in page.read_text()
    wrong = subprocess.run([sys.executable, ROOT / "tests/fuzz", "--kinds", "x"], capture_output=True, check=False)
    assert wrong.returncode == 2


def test_the_table_of_the_documentation_has_no_fault() -> None:
    """`make fuzz ARGS="--write docs/cleaning.md"` renews it."""
    text = (ROOT / "docs/cleaning.md").read_text(encoding="utf-8")
    table = text.partition("<!-- fuzz: begin -->")[2].partition("<!-- fuzz: end -->")[0]
    rows = [line.split("|") for line in table.splitlines() if re.match(r"\| [a-z*]", line) and "kind" not in line]
    assert rows and {cell.strip() for cells in rows for cell in cells[-1 - len(fuzz.FAULTS) : -1]} == {"0"}
