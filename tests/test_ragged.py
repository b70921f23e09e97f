"""Rows that do not have the cells of the header: rejected one by one, or the reason why the file cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from crampstudy import load
from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError
from crampstudy.sources.readers import bare_list
from crampstudy.sources.text import decoding
from crampstudy.sources.text.delimited import read_text
from crampstudy.validation import chunked, rejects

PEOPLE = "participant_id,age_years,sex\nP1,40,female\nP2,50,male\n"
HEADER = "participant_id,date,cramps,note\n"
NIGHTS = "".join(f"P{1 + i % 2},2025-03-{1 + i // 2:02d},{i % 3},n\n" for i in range(40))
LONG = "P1,2025-04-01,1,so, what\n"
SHORT = "P1,2025-04-02,1\n"


def package(folder: Path, diary: str, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in {"participants.csv": PEOPLE, "diary.csv": diary, **files}.items():
        (folder / name).write_bytes(text.encode())
    return folder


def counts(cleaned: Cleaned, table: str = "diary") -> tuple[int, int, int]:
    (count,) = (count for count in cleaned.cohort.attrition.tables if count.table == table)
    return count.read, count.accepted, count.rejected


def said(cleaned: Cleaned) -> list[tuple[int, str, str, str]]:
    return cleaned.ledger.select("line", "rule", "severity", "value").rows()


class TestOneRow:
    @pytest.mark.parametrize("end", ["\n", "\r\n"])
    @pytest.mark.parametrize("quoted", [False, True])
    def test_it_is_rejected_and_the_rest_is_read(self, tmp_path: Path, end: str, quoted: bool) -> None:
        rows = NIGHTS.replace(",n\n", ',"n"\n') if quoted else NIGHTS
        diary = (HEADER + rows[: len(rows) // 2] + LONG + rows[len(rows) // 2 :]).replace("\n", end)
        cleaned = load(package(tmp_path, diary))
        assert counts(cleaned) == (41, 40, 1)
        assert said(cleaned) == [(22, "ragged-row", "reject-row", '["P1", "2025-04-01", "1", "so", "what"]')]
        assert int(cleaned.cohort.frame("diary")["cramps"].sum()) == sum(i % 3 for i in range(40))

    def test_the_file_of_rejects_shows_its_cells(self, tmp_path: Path) -> None:
        shown = rejects(load(package(tmp_path, HEADER + NIGHTS + LONG + "P1,soon,1,n\n")))
        rows = dict(shown.select("line", "row").rows())
        assert json.loads(rows[42]) == ["P1", "2025-04-01", "1", "so", "what"]
        assert json.loads(rows[43]) == {"participant_id": "P1", "date": "soon", "cramps": "1", "note": "n"}

    def test_blank_rows_do_not_make_up_for_it(self, tmp_path: Path) -> None:
        """As many separators as there should be, but not in their rows."""
        for rows, line in ((",,,\nA title\n", 43), ("\n,,,\n  \nA title\n", 45), (",,,\nA title", 43)):
            text = read_text(package(tmp_path, HEADER + NIGHTS + rows) / "diary.csv")
            assert (text.frame.height, text.unread["line"].to_list()) == (40, [line])

    def test_lines_are_those_of_an_editor(self, tmp_path: Path) -> None:
        diary = HEADER + '\r\nP1,2025-03-01,1,"two\r\nlines"\r\n\n' + LONG + "P1,2025-03-02,x,n\nP1,2025-03-03,0,n\n"
        cleaned = load(package(tmp_path, diary))
        assert [row[:2] for row in said(cleaned)] == [(6, "ragged-row"), (7, "type")]
        assert counts(cleaned) == (4, 2, 2)

    def test_a_stray_quotation_mark_costs_its_row_alone(self, tmp_path: Path) -> None:
        rows = 'P1,2025-04-01,1,"a" b\nP1,2025-04-02,1,5" or 6"\n"P1"x,2025-04-03,1,n\n'
        cleaned = load(package(tmp_path, HEADER + NIGHTS + rows))
        assert counts(cleaned) == (43, 41, 2)
        assert [row[:2] for row in said(cleaned)] == [(42, "ragged-row"), (44, "ragged-row")]
        assert json.loads(said(cleaned)[0][3]) == ['P1,2025-04-01,1,"a" b']

    def test_every_table(self, tmp_path: Path) -> None:
        cleaned = load(package(tmp_path, HEADER + NIGHTS, **{"participants.csv": PEOPLE + "P3,60,male,x\n"}))
        assert counts(cleaned, "participants") == (3, 2, 1)
        assert [row[:2] for row in said(cleaned)] == [(4, "ragged-row")]

    def test_decimal_commas_beside_it(self, tmp_path: Path) -> None:
        diary = "participant_id;date;cramps;sleep_hours\nP1;2025-03-01;1;6,5\nP1;2025-03-02;0;7;8\n"
        cleaned = load(package(tmp_path, diary))
        assert cleaned.cohort.frame("diary")["sleep_hours"].to_list() == [6.5]
        assert [row[:2] for row in said(cleaned)] == [(3, "ragged-row")]

    def test_files_of_one_table_keep_their_lines(self, tmp_path: Path) -> None:
        described = {"resources": [{"name": "diary", "path": ["a.csv", "b.csv"]}]}
        files = {"a.csv": HEADER + NIGHTS + LONG, "b.csv": HEADER + SHORT + "P2,2025-05-01,0,n\n" + LONG}
        cleaned = load(package(tmp_path, HEADER, **files, **{"datapackage.json": json.dumps(described)}))
        assert cleaned.ledger["file", "line"].rows() == [("a.csv", 42), ("b.csv", 2), ("b.csv", 4)]
        assert counts(cleaned) == (44, 41, 3)

    def test_strict_counts_it(self, tmp_path: Path, run: Callable[..., tuple[int, str, str]]) -> None:
        code, out, _ = run("validate", str(package(tmp_path, HEADER + NIGHTS + LONG)), "--strict")
        assert code == 3
        assert "1 x ragged-row (reject-row); first: diary.csv line 42" in out

    def test_beside_a_large_diary(self, tmp_path: Path) -> None:
        source = package(tmp_path, HEADER, **{"participants.csv": PEOPLE + "P3,60,male,x\n"})
        (source / "diary.csv").unlink()
        nights = {"participant_id": ["P1", "P2"], "date": ["2025-03-01"] * 2, "cramps": [1, 0]}
        pl.DataFrame(nights).write_parquet(source / "diary.parquet")
        summary = chunked.validate(source, large=1, rejects=tmp_path / "r.csv")
        assert summary is not None
        assert [(t.table, t.read, t.rejected) for t in summary.tables] == [("participants", 3, 1), ("diary", 2, 0)]
        assert [(r.rule, r.line) for r in summary.rules] == [("ragged-row", 4)]
        assert '""P3"", ""60"", ""male"", ""x""' in (tmp_path / "r.csv").read_text()


class TestPieces:
    @pytest.mark.parametrize("block", [60, 200, 10_000])
    def test_the_share_is_that_of_the_whole_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
    ) -> None:
        monkeypatch.setattr(decoding, "_BLOCK", block)
        three = load(package(tmp_path, HEADER + LONG * 3 + NIGHTS))
        assert counts(three)[2] == 3
        many = NIGHTS + "".join(f"P1,2025-05-{1 + i},0,n\n" for i in range(10, 30)) * 2
        four = load(package(tmp_path, HEADER + LONG * 4 + many))
        assert [row[:2] for row in said(four)][:4] == [(line, "ragged-row") for line in (2, 3, 4, 5)]
        with pytest.raises(SourceError, match="4 of 44 rows do not have the 4 cells"):
            load(package(tmp_path, HEADER + NIGHTS + LONG * 4))


class TestRefused:
    @pytest.mark.parametrize(
        ("diary", "reason"),
        [
            (HEADER + NIGHTS + LONG * 4, "line 42, has 5: cells seem to hold commas without quotation marks"),
            (
                "Study of cramps\n\n" + HEADER + NIGHTS,
                "line 1 ('Study of cramps') seems to be a title above the header, ",
            ),
            (
                "Study,,,\n,,,\n" + HEADER + NIGHTS,
                "which is line 3 ('participant_id,date,cramps,note'); delete the lines",
            ),
            (
                "Cramps, legs, 2024, x, y\n" + HEADER + NIGHTS,
                "line 1 ('Cramps,legs,2024,x,y') has cells that no row has",
            ),
            (HEADER + NIGHTS.replace(",", ";"), "semicolons seem to separate its cells, and commas those of line 1"),
            (HEADER + NIGHTS.replace(",", "\t"), "tabs seem to separate its cells"),
        ],
        ids=["commas", "title", "title-padded", "title-longer", "semicolons", "tabs"],
    )
    def test_with_the_likeliest_reason(
        self, tmp_path: Path, diary: str, reason: str, run: Callable[..., tuple[int, str, str]]
    ) -> None:
        code, _, err = run("validate", str(package(tmp_path, diary)))
        assert code == 4
        assert reason in err
        assert "diary.csv" in err

    def test_rows_that_a_quotation_mark_swallowed(self, tmp_path: Path) -> None:
        diary = HEADER + NIGHTS + 'P1,2025-04-01,1,"a\n' + NIGHTS + 'P1,2025-04-02,1,b "c\n'
        with pytest.raises(SourceError, match=r"the row from line 42 goes on to line 83 .* quotation mark not closed"):
            load(package(tmp_path, diary))


class TestShortRows:
    def test_they_never_refuse_a_file(self, tmp_path: Path) -> None:
        cleaned = load(package(tmp_path, HEADER + NIGHTS + SHORT * 30))
        assert counts(cleaned) == (70, 40, 30)
        assert set(cleaned.ledger["rule"]) == {"short-row"}
        assert said(cleaned)[0] == (42, "short-row", "reject-row", '["P1", "2025-04-02", "1"]')

    @pytest.mark.parametrize("how", ["query", "descriptor", "mapping"])
    def test_on_request_their_missing_cells_are_empty(self, tmp_path: Path, how: str) -> None:
        source = package(tmp_path / "p", HEADER + SHORT + NIGHTS + "P2,2025-04-02\n")
        path = str(source)
        if how == "query":
            path += "?short=empty"
        elif how == "descriptor":
            described = {"resources": [], "crampstudy": {"short_rows": "empty"}}
            (source / "datapackage.json").write_text(json.dumps(described))
        else:
            (tmp_path / "m.yaml").write_text(MAPPING + "short_rows: empty\n")
            path = f"mapped:{source}?mapping={tmp_path / 'm.yaml'}"
        diary = load(path).cohort.frame("diary").sort("date", "participant_id")
        assert diary.height == 42
        assert diary[-2:].select("participant_id", "cramps").rows() == [("P1", 1), ("P2", None)]

    def test_the_option_is_checked(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="short=empty"):
            load(f"{package(tmp_path, HEADER + NIGHTS)}?short=fill")


MAPPING = """\
version: 1
clock: {date: evening}
tables:
  participants:
    file: participants.csv
    columns: {participant_id: participant_id, age_years: age_years, sex: sex}
  diary:
    file: diary.csv
    columns: {participant_id: participant_id, date: date, cramps: cramps}
"""


class TestOtherSources:
    def test_a_mapping_lists_a_row_once(self, tmp_path: Path) -> None:
        (tmp_path / "m.yaml").write_text(
            "version: 1\nclock: {date: evening}\ntables:\n"
            "  participants:\n    rows: {distinct: true}\n"
            '    columns: {participant_id: who, age_years: age, sex: {constant: ""}}\n'
            "  diary: {columns: {participant_id: who, date: night, cramps: n}}\n"
        )
        (tmp_path / "f.csv").write_text("who,age,night,n\nP1,40,2025-03-01,1\nP1,40,2025-03-02,1,x\nP1,40\n")
        cleaned = load(f"mapped:{tmp_path / 'f.csv'}?mapping={tmp_path / 'm.yaml'}")
        assert (counts(cleaned, "participants"), counts(cleaned)) == ((1, 1, 0), (3, 1, 2))
        assert [row[:2] for row in said(cleaned)] == [(3, "ragged-row"), (4, "short-row")]

    def test_redcap(self, tmp_path: Path) -> None:
        export = "participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,date,cramps\n"
        export += "P1,,,40,female,,\nP1,diary,1,,,2025-03-01,2\nP1,diary,2,,,2025-03-02,2,,\nP1,diary,3,,,2025-03-03\n"
        (tmp_path / "e.csv").write_text(export)
        cleaned = load(f"redcap:{tmp_path / 'e.csv'}")
        assert counts(cleaned) == (3, 1, 2)
        assert [row[:2] for row in said(cleaned)] == [(4, "ragged-row"), (5, "short-row")]
        filled = load(f"redcap:{tmp_path / 'e.csv'}?short=empty")
        assert counts(filled) == (3, 2, 1)

    def test_a_first_look_lists_it(self, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text("who,date,n\nP1,2025-03-01,1\nP1,2025-03-02,1,0\nP1,2025-03-03,0\n")
        nights = bare_list.read(tmp_path / "d.csv")
        assert nights.frame.height == 2
        (left,) = nights.left_out
        assert (left.line, left.value) == (3, '["P1", "2025-03-02", "1", "0"]')

    def test_a_first_look_finds_the_header_below_titles(self, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text(
            "Diary,,\nClinic,,\n,,\nPatient,Date,Cramps\nP1,2025-03-01,1\nP1,2025-03-02,0\n"
        )
        nights = bare_list.read(tmp_path / "d.csv")
        assert (nights.guess.who, nights.guess.date, nights.guess.cramps) == ("Patient", "Date", "Cramps")
        assert (nights.frame.height, nights.left_out) == (2, ())
        assert "d.csv: the header is line 4; left out above it: 'Diary'" in " ".join(nights.notices)


def test_shared_cases(shared: Path) -> None:
    titles, prompts = (shared / "cases" / name for name in ("23-title-rows", "30-mpath"))
    assert bare_list.read(titles / "export.csv").frame["cramps"].to_list() == [1, 0, 0, 0]
    assert bare_list.read(titles / "single.csv").frame["cramps"].to_list() == [1, 0, 0]
    text = read_text(prompts / "basic.csv")
    assert (text.frame.height, text.unread["line", "rule"].rows()) == (3, [(3, "short-row")])
    padded = read_text(prompts / "basic.csv", padded=True)
    assert padded.frame.equals(read_text(prompts / "padded.csv").frame)
