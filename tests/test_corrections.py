"""Corrections: one cell each, where the file says what it is taken to say, and all of them in the ledger."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from crampstudy.cleaning import Cleaned
from crampstudy.cleaning.corrections import load as load_corrections
from crampstudy.errors import SourceError
from crampstudy.sources import load, open_cohort
from crampstudy.sources.readers import package

PEOPLE = "participant_id,age_years,sex\n002,50,female\nb,60,male\n"
NIGHTS = "participant_id,date,cramps,sleep_quality_0_10\n002,2025-03-01,22,5\n002,2025-03-02,x,5\nb,2025-03-01,,5\n"
HEAD = "version: 1\ncorrections:\n"
FIRST = (
    "  - {table: diary, where: {participant_id: 002, date: 2025-03-01}, "
    "column: cramps, from: 22, to: 2, reason: a typo}\n"
)
UNREADABLE = (
    "  - table: diary\n    where: {participant_id: '002', date: 2025-03-02}\n    column: cramps\n"
    "    from: x\n    to: ''\n    reason: the paper says nothing\n"
)
MISSING = "  - {table: diary, where: {participant_id: b}, column: cramps, from: , to: 0, reason: telephone}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    study = tmp_path / "study"
    study.mkdir()
    (study / "participants.csv").write_text(PEOPLE)
    (study / "diary.csv").write_text(NIGHTS)
    return study


def corrected(folder: Path, *entries: str) -> Cleaned:
    (folder / "corrections.yaml").write_text(HEAD + "".join(entries))
    return load(folder)


def refusal(folder: Path, *entries: str) -> str:
    with pytest.raises(SourceError) as error:
        corrected(folder, *entries)
    return str(error.value)


def test_cells_are_corrected_and_the_ledger_says_so(folder: Path) -> None:
    loaded = corrected(folder, FIRST, UNREADABLE, MISSING)
    assert loaded.cohort.frame("diary")["cramps"].to_list() == [2, None, 0]
    assert loaded.ledger.select("line", "column", "value", "rule", "severity", "hint").rows() == [
        (2, "cramps", "22", "correction", "warn", "corrected to '2': a typo"),
        (3, "cramps", "x", "correction", "warn", "corrected to missing: the paper says nothing"),
        (4, "cramps", None, "correction", "warn", "corrected to '0': telephone"),
    ]
    assert loaded.cohort.attrition.notices == ("corrections.yaml: 3 cells corrected",)
    assert loaded.cohort.attrition.tables[1].rejected == 0


def test_a_correction_is_held_to_the_rules_like_any_cell(folder: Path) -> None:
    loaded = corrected(folder, FIRST.replace("to: 2", "to: 999"))
    assert loaded.ledger.select("line", "value", "rule").rows()[:2] == [(2, "22", "correction"), (2, "999", "range")]
    assert loaded.cohort.attrition.tables[1].rejected == 2


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_typed_tables_are_corrected_as_well(folder: Path, tmp_path: Path, format: package.Format) -> None:
    written = tmp_path / "written"
    package.write(open_cohort(folder), written, format)
    number = (
        "  - {table: diary, where: {participant_id: '002', date: 2025-03-01}, column: sleep_quality_0_10, from: 5, "
    )
    loaded = corrected(written, FIRST, number + "to: 6.5, reason: misread}\n")
    first = loaded.cohort.frame("diary").filter(pl.col("participant_id") == "002")
    assert first.select("cramps", "sleep_quality_0_10").row(0) == (2, 6.5)


def test_nothing_else_changes(folder: Path) -> None:
    before = load(folder)
    after = corrected(folder, MISSING)
    same = pl.col("participant_id") != "b"
    assert after.cohort.frame("diary").filter(same).equals(before.cohort.frame("diary").filter(same))
    assert after.cohort.frame("participants").equals(before.cohort.frame("participants"))


def test_a_file_of_ones_own_goes_before_the_folders(folder: Path, tmp_path: Path) -> None:
    (folder / "corrections.yaml").write_text(HEAD + FIRST)
    own = tmp_path / "own.yaml"
    own.write_text(HEAD + MISSING)
    loaded = load(folder, corrections=load_corrections(own))
    assert loaded.ledger.filter(pl.col("rule") == "correction")["line"].to_list() == [4]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (FIRST.replace("from: 22", "from: 21"), "correction 1: diary.csv line 2 has '22' in cramps, not '21'"),
        (FIRST.replace("2025-03-01", "2025-03-09"), "no row of diary.csv has participant_id '002', date '2025-03-09'"),
        (FIRST.replace(", date: 2025-03-01", ""), "2 rows of diary.csv have participant_id '002' (lines 2, 3)"),
        (FIRST.replace("column: cramps", "column: cramp"), "diary.csv has no column 'cramp'"),
        (FIRST.replace("{participant_id", "{id"), "diary.csv has no column 'id'"),
        (FIRST.replace("table: diary", "table: nights"), "no table 'nights'; allowed: participants, diary"),
        (FIRST.replace("table: diary", "table: [diary]"), "no table ['diary']; allowed: participants, diary"),
        (FIRST.replace("table: diary", "table: labs"), "the source has no table labs"),
        (FIRST.replace("a typo", "' '"), "reason is empty"),
        (FIRST.replace(", reason: a typo", ""), "wrong or missing: reason"),
        (FIRST.replace("reason:", "why: x, reason:"), "wrong or missing: why"),
        (FIRST.replace("to: 2", "to: [2]"), "to must be one value"),
        (FIRST.replace("{participant_id: 002, date: 2025-03-01}", "all"), "where names the row"),
        (FIRST + FIRST, "correction 2: correction 1 names the same cell"),
        ("  - {", "is not YAML"),
    ],
)
def test_refused(folder: Path, entry: str, message: str) -> None:
    assert message in refusal(folder, entry)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("version: 2\ncorrections: []\n", "version is '2'; allowed: 1"),
        ("corrections: []\n", "expected the two keys version and corrections, got corrections"),
        ("[]", "expected the two keys"),
        ("version: 1\ncorrections: none\n", "must be a list"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(SourceError) as error:
        load_corrections(file)
    assert message in str(error.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load_corrections(tmp_path / "none.yaml")
