"""``crampstudy validate``: what was accepted, rejected and blanked, on one screen and as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from crampstudy import cli
from crampstudy.cleaning import LEDGER
from crampstudy.sources import load
from crampstudy.validation import as_json, as_text, summarise

PEOPLE = "participant_id,age_years,sex\na,50,female\nb,60,male\nc,70,man\n"
NIGHTS = """participant_id,date,cramps,sleep_quality_0_10
a,2024-01-01,2,5
a,2024-01-05,0,5
a,2024-01-05,0,5
b,2024-01-01,0,11
b,2024-01-02,-1,5
b,2024-01-03,,5
d,2024-01-03,1,5
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "participants.csv").write_text(PEOPLE)
    (folder / "diary.csv").write_text(NIGHTS)
    return folder


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["crampstudy", "validate", *map(str, words)])
    code = 0
    try:
        cli.main()
    except SystemExit as done:
        code = int(done.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_summary_by_hand(source: Path) -> None:
    """a: five nights from the 1st to the 5th, two observed, gap three; b: three nights (the 2nd is rejected), one."""
    summary = summarise(load(source))
    assert [(t.table, t.read, t.accepted, t.rejected) for t in summary.tables] == [
        ("participants", 3, 3, 0),
        ("diary", 7, 4, 3),
    ]
    assert {(r.rule, r.severity, r.n, r.file, r.line) for r in summary.rules} == {
        ("level", "blank-cell", 1, "participants.csv", 4),
        ("duplicate-exact", "reject-row", 1, "diary.csv", 4),
        ("range", "blank-cell", 1, "diary.csv", 5),
        ("range", "reject-row", 1, "diary.csv", 6),
        ("unknown-participant", "reject-row", 1, "diary.csv", 8),
    }
    assert summary.costly == 5
    nights = summary.nights
    assert nights is not None
    assert (nights.expected, nights.observed, nights.missing, nights.without_cramp) == (8, 3, 5, 2)
    assert (nights.with_cramp, nights.without_count, nights.without_row) == (1, 1, 4)
    assert (nights.longest_gap, nights.longest_gap_median) == (3, 1.5)
    assert {name: n for name, n in nights.longest_gaps.items() if n} == {"none": 1, "2-3": 1}


def test_text_says_where_and_what_is_allowed(source: Path) -> None:
    text = as_text(summarise(load(source)))
    assert "diary.csv line 6, cramps = '-1': allowed is a whole number from 0 to 200" in text
    assert "participants.csv line 4, sex = 'man': allowed is one of female, male" in text
    assert "8 expected, 3 observed (37.5 %), 5 missing" in text


def test_a_clean_source_says_so(source: Path) -> None:
    (source / "participants.csv").write_text(PEOPLE.replace("man", "male"))
    (source / "diary.csv").write_text("participant_id,date,cramps\na,2024-01-01,1\n")
    assert "No rule was broken." in as_text(summarise(load(source)))


def test_json_holds_the_same(source: Path) -> None:
    summary = summarise(load(source))
    read = json.loads(as_json(summary))
    assert read["digest"] == summary.digest
    assert read["tables"][1] == {
        "table": "diary",
        "file": "diary.csv",
        "read": 7,
        "accepted": 4,
        "rejected": 3,
        "blanked": 1,
    }
    assert sum(rule["n"] for rule in read["rules"]) == 5


def test_the_command(source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(monkeypatch, capsys, source)
    assert code == 0
    assert "unknown-participant" in out
    code, out, _ = run(monkeypatch, capsys, source, "--json")
    assert code == 0
    assert json.loads(out)["costly"] == 5


def test_strict_is_exit_code_3(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, source, "--strict")
    assert code == 3
    assert "range" in out
    assert "5" in err


def test_rejects_are_the_ledger(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rejects = tmp_path / "out/rejects.csv"
    assert run(monkeypatch, capsys, source, "--rejects", rejects)[0] == 0
    written = pl.read_csv(rejects, infer_schema=False)
    ledger = load(source).ledger
    assert written.columns == [*LEDGER, "row"]
    assert rejects.stat().st_mode & 0o777 == 0o600
    rows = {line: json.loads(row) for line, row in written.filter(pl.col("row") != "").select("line", "row").rows()}
    assert set(rows) == {"4", "6", "8"}
    assert rows["8"] == {"participant_id": "d", "date": "2024-01-03", "cramps": "1", "sleep_quality_0_10": "5.0"}
    assert written["rule"].to_list() == ledger["rule"].to_list()
    assert written["line"].cast(pl.Int64).to_list() == ledger["line"].to_list()


def test_rejects_do_not_overwrite_a_folder(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = run(monkeypatch, capsys, source, "--rejects", source)
    assert code == 4
    assert "not a file" in err
    assert (source / "diary.csv").read_text() == NIGHTS


def test_an_unreadable_source_is_exit_code_4(
    source: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "diary.csv").write_bytes(b"")
    code, out, err = run(monkeypatch, capsys, source)
    assert (code, out) == (4, "")
    assert "diary.csv is empty" in err
    assert "Traceback" not in err


def test_corrections_and_the_day_of_reading(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (source / "diary.csv").write_text(NIGHTS + "a,2924-01-06,1,5\n")
    own = tmp_path / "own.yaml"
    own.write_text(
        "version: 1\ncorrections:\n  - {table: diary, where: {participant_id: b, date: 2024-01-02}, column: cramps, "
        "from: -1, to: 1, reason: a slip of the pen}\n"
    )
    code, out, _ = run(monkeypatch, capsys, source, "--json", "--corrections", own)
    assert code == 0
    found = {(rule["rule"], rule["line"]): rule for rule in json.loads(out)["rules"]}
    assert found["correction", 6]["hint"] == "corrected to '1': a slip of the pen"
    assert ("range", 6) not in found
    assert found["future-date", 9]["value"] == "2924-01-06"
    # A report knows no clock.
    assert "future-date" not in load(source).ledger["rule"].to_list()
    code, _, err = run(monkeypatch, capsys, source, "--corrections", tmp_path / "none.yaml")
    assert code == 4
    assert "none.yaml cannot be read" in err
