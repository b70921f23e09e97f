"""Mappings of files whose header stands below titles or in two rows, and whose columns are nights."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest

from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources import load

Run = Callable[..., tuple[int, str, str]]
PEOPLE = 'participants: {columns: {participant_id: ID, age_years: {constant: ""}, sex: {constant: ""}}}'
DAYS = "ID,Start,Day1,Day2,Day3,Day4\nP1,2025-03-01,1,0,,2\nP2,2025-03-03,0,0,1,0\n"
WIDE = "ID,2025-03-01,2025-03-02,2025-03-03\nP1,1,,2\nP2,0,x,0\n"


def source(folder: Path, text: str, diary: str, top: str = "clock: {date: evening}", people: str = PEOPLE) -> str:
    (folder / "d.csv").write_text(text, encoding="utf-8")
    (folder / "m.yaml").write_text(f"version: 1\n{top}\ntables:\n  {people}\n  diary: {{{diary}}}\n", encoding="utf-8")
    return f"mapped:{folder / 'd.csv'}?mapping={folder / 'm.yaml'}"


def nights(loaded: Cleaned, *more: str) -> list[tuple[object, ...]]:
    return loaded.cohort.frame("diary").select("participant_id", "date", "cramps", *more).rows()


def day(n: int) -> date:
    return date(2025, 3, n)


class TestNights:
    def test_counted_from_a_column_of_dates(self, tmp_path: Path) -> None:
        loaded = load(source(tmp_path, DAYS, 'nights: {start: Start}, columns: {participant_id: ID, cramps: "Day{n}"}'))
        assert nights(loaded) == [
            *(("P1", day(1), 1), ("P1", day(2), 0), ("P1", day(4), 2)),
            *(("P2", day(3), 0), ("P2", day(4), 0), ("P2", day(5), 1), ("P2", day(6), 0)),
        ]
        said = loaded.cohort.attrition.notices
        assert "d.csv, diary: Day1 … Day4 are nights (4 columns): Day{n}" in said
        assert "d.csv, diary: nights without an entry, left out: 1" in said
        assert "d.csv, diary: night 1 is the date in Start, the others are counted from it" in said
        assert not any("not mapped" in notice for notice in said)

    @pytest.mark.parametrize(
        ("stated", "clock", "first"),
        [
            ("start: {from: Start, format: '%d. %B %Y'}", "evening", day(1)),
            ("start: {from: Start, format: '%d. %B %Y'}", "morning", date(2025, 2, 28)),
            ("start: {from: Start, format: '%d. %B %Y'}, first: 0", "evening", day(2)),
            ("start: {from: Start, format: '%d. %B %Y'}, clock: evening", "timestamp", day(1)),
            ("start: 2025-03-05", "evening", day(5)),
        ],
    )
    def test_the_first_night(self, tmp_path: Path, stated: str, clock: str, first: date) -> None:
        text = "ID,Start,Day1\nP1,1. März 2025,1\n"
        diary = f'nights: {{{stated}}}, columns: {{participant_id: ID, cramps: "Day{{n}}"}}'
        assert nights(load(source(tmp_path, text, diary, f"clock: {{date: {clock}}}"))) == [("P1", first, 1)]

    def test_several_blocks_at_once(self, tmp_path: Path) -> None:
        text = "ID;began;cramps_0;cramps_1;sleep_0;sleep_1\nP1;01.03.2025;1;;6,5;420\n"
        columns = 'cramps: "cramps_{n}", sleep_hours: {from: "sleep_{n}", missing: ["420"]}'
        diary = f'nights: {{start: {{from: began, format: "%d.%m.%Y"}}}}, columns: {{participant_id: ID, {columns}}}'
        loaded = load(source(tmp_path, text, diary))
        assert nights(loaded, "sleep_hours") == [("P1", day(1), 1, 6.5), ("P1", day(2), None, None)]
        assert "d.csv, diary: read with a decimal comma: sleep_hours" in loaded.cohort.attrition.notices

    def test_headings_that_are_dates(self, tmp_path: Path) -> None:
        loaded = load(source(tmp_path, WIDE, 'columns: {participant_id: ID, cramps: "{date}"}'))
        assert nights(loaded) == [
            *(("P1", day(1), 1), ("P1", day(3), 2)),
            *(("P2", day(1), 0), ("P2", day(3), 0)),
        ]
        assert loaded.ledger.select("line", "column", "value").rows() == [(3, "cramps", "x")]

    def test_dates_in_a_format_and_by_the_morning(self, tmp_path: Path) -> None:
        text = "ID,cramps 1-Mrz-25,cramps 2-mar-25,slept 1-Mrz-25\nP1,1,0,7\n"
        diary = (
            'nights: {dates: "%d-%b-%y"}, columns: '
            '{participant_id: ID, cramps: "cramps {date}", sleep_hours: "slept {date}"}'
        )
        loaded = load(source(tmp_path, text, diary, "clock: {date: morning}"))
        assert nights(loaded, "sleep_hours") == [("P1", date(2025, 2, 28), 1, 7.0), ("P1", day(1), 0, None)]

    def test_a_start_on_the_command_line(self, tmp_path: Path, run: Run) -> None:
        whole = source(tmp_path, DAYS, 'columns: {participant_id: ID, cramps: "Day{n}"}')
        with pytest.raises(SourceError) as refused:
            load(whole)
        for part in ("Day1 … Day4 of d.csv", "(d.csv has ID, Start)", "nights: {start: 2025-03-01}", "--start 2025-03"):
            assert part in str(refused.value)
        assert nights(load(f"{whole}&start=2025-03-02"))[0] == ("P1", day(2), 1)
        mapping, out = str(tmp_path / "m.yaml"), tmp_path / "out"
        made = run("import", str(tmp_path / "d.csv"), "--mapping", mapping, "--start", "2025-03-02", "--out", str(out))
        assert made[0] == 0 and "P1,2025-03-05,2" in (out / "diary.csv").read_text(encoding="utf-8")
        with pytest.raises(SourceError, match=r"start=3\.3\.25 is not a date; write YYYY-MM-DD"):
            load(f"{whole}&start=3.3.25")

    def test_a_start_that_nothing_needs_is_refused(self, tmp_path: Path, run: Run) -> None:
        whole = source(tmp_path, WIDE, 'columns: {participant_id: ID, cramps: "{date}"}')
        with pytest.raises(UsageError, match=r"start=2025-03-02: no table of .*m\.yaml has nights by their numbers"):
            load(f"{whole}&start=2025-03-02")
        code, _, said = run("import", str(tmp_path), "--start", "2025-03-02", "--out", str(tmp_path / "out"))
        assert code == 4 and "package has no option 'start'" in said

    def test_a_start_that_is_no_date_sets_its_nights_aside(self, tmp_path: Path) -> None:
        text = DAYS.replace("2025-03-03", "soon") + "P3,,1,,,\n"
        loaded = load(source(tmp_path, text, 'nights: {start: Start}, columns: {participant_id: ID, cramps: "Day{n}"}'))
        assert [row[0] for row in nights(loaded)] == ["P1"] * 3
        told = loaded.ledger.filter(column="date").select("line", "value", "rule").rows()
        assert told == [(3, "soon (not ISO 8601)", "type")] * 4 + [(4, None, "key-missing")]

    @pytest.mark.parametrize(
        ("diary", "complaint"),
        [
            (
                'columns: {participant_id: ID, cramps: "Night {n}"}',
                r"of d\.csv is 'Night {n}'; .*write \"Day{n}\"",
            ),
            ('columns: {participant_id: ID, cramps: "{date}"}', r"'{date}' as ISO 8601 .*write \"Day{n}\""),
            ('columns: {participant_id: ID, date: Start, cramps: "Day{n}"}', "take date out of the columns"),
            (
                "nights: {start: Start}, columns: {participant_id: ID, cramps: Day1}",
                "no column names nights by their headings",
            ),
            ('nights: {start: Begin}, columns: {participant_id: ID, cramps: "Day{n}"}', "no column 'Begin'; it has ID"),
            (
                'nights: {dates: "%d.%m.%Y"}, columns: {participant_id: ID, cramps: "Day{n}"}',
                "dates is for headings wi",
            ),
            ('nights: {start: Start}, columns: {participant_id: ID, cramps: "{date}"}', "start is for headings with"),
            ('columns: {participant_id: ID, cramps: "Day{n}", steps: "{date}"}', "either numbers or dates, not both"),
            ('nights: {first: one}, columns: {participant_id: ID, cramps: "Day{n}"}', "'one' is not the number"),
            ('nights: {dates: "%d.%m"}, columns: {participant_id: ID, cramps: "{date}"}', "must have one year"),
        ],
    )
    def test_what_does_not_fit_is_named(self, tmp_path: Path, diary: str, complaint: str) -> None:
        with pytest.raises(SourceError, match=rf"m\.yaml, tables\.diary.*{complaint}"):
            load(source(tmp_path, DAYS, diary))

    def test_what_a_message_proposes_is_read(self, tmp_path: Path) -> None:
        text = "ID,3/1/2025,3/2/2025,3/13/2025\nP1,1,0,2\n"
        with pytest.raises(SourceError) as refused:
            load(source(tmp_path, text, 'columns: {participant_id: ID, cramps: "{date}"}'))
        assert str(refused.value).endswith(
            'it has ID, 3/1/2025, 3/2/2025, 3/13/2025; write nights: {dates: "%m/%d/%Y"}'
        )
        diary = 'nights: {dates: "%m/%d/%Y"}, columns: {participant_id: ID, cramps: "{date}"}'
        assert [night for _, night, _ in nights(load(source(tmp_path, text, diary)))] == [day(1), day(2), day(13)]
        with pytest.raises(SourceError, match=r'"%d/%m/%Y"} or nights: {dates: "%m/%d/%Y"}$'):
            load(source(tmp_path, "ID,1/2/2025,2/1/2025\nP1,1,0\n", 'columns: {participant_id: ID, cramps: "{date}"}'))

    def test_only_the_diary_has_nights_and_a_time_is_none(self, tmp_path: Path) -> None:
        people = PEOPLE.replace("participant_id: ID", 'participant_id: "Day{n}"')
        with pytest.raises(SourceError, match="only the diary has columns that are nights, not participants"):
            load(source(tmp_path, DAYS, "columns: {participant_id: ID}", people=people))
        with pytest.raises(SourceError, match=r"write nights: {clock: evening} or {clock: morning}"):
            load(source(tmp_path, WIDE, 'columns: {participant_id: ID, cramps: "{date}"}', "clock: {date: timestamp}"))


class TestHeaders:
    def test_below_a_title(self, tmp_path: Path) -> None:
        text = "Leg cramps; clinic North\n\nID,Night,n\nwho,when,how many\nP1,2025-03-01,1\nP1,2025-03-02,0\nSum,,1\n"
        columns = "columns: {participant_id: ID, date: Night, cramps: n}"
        people = PEOPLE.replace("{columns", "{rows: {distinct: true}, columns")
        top = "clock: {date: evening}\nheader: 3\nskip: 1"
        loaded = load(source(tmp_path, text, columns, top, people))
        assert nights(loaded) == [("P1", day(1), 1), ("P1", day(2), 0)]
        assert loaded.ledger["line"].unique().to_list() == [7]
        # A table's own word comes before that of the mapping, and lines may be left out anywhere.
        lines = ", skip: [4, 7]"
        loaded = load(source(tmp_path, text, columns + lines, top, people.replace(", columns", f"{lines}, columns")))
        assert nights(loaded) == [("P1", day(1), 1), ("P1", day(2), 0)] and loaded.ledger.is_empty()
        with pytest.raises(SourceError, match=r"d\.csv: line 2 is to be the header"):
            load(source(tmp_path, text, columns, top.replace("3", "2"), people))

    @pytest.mark.parametrize(
        ("key", "complaint"),
        [
            ("header: 0", "header: '0' is not a whole number from 1 on"),
            ("header: [4, 3]", "header: write the line of the header"),
            ("header: [2, 3, 4]", "header: write the line of the header"),
            ("skip: some", "skip: 'some' is not a whole number"),
        ],
    )
    def test_what_does_not_fit_is_named(self, tmp_path: Path, key: str, complaint: str) -> None:
        with pytest.raises(SourceError, match=rf"m\.yaml, {complaint}"):
            load(
                source(
                    tmp_path,
                    WIDE,
                    'columns: {participant_id: ID, cramps: "{date}"}',
                    f"clock: {{date: evening}}\n{key}",
                )
            )

    def test_a_merged_heading_over_nights(self, tmp_path: Path) -> None:
        text = "Study\nID,Begin,Cramps,,Sleep,\n,,D1,D2,D1,D2\nP1,2025-03-01,1,0,7,8\n"
        diary = (
            'nights: {start: Begin}, columns: {participant_id: ID, cramps: "Cramps D{n}", sleep_hours: "Sleep D{n}"}'
        )
        loaded = load(source(tmp_path, text, diary, "clock: {date: evening}\nheader: [2, 3]"))
        assert nights(loaded, "sleep_hours") == [("P1", day(1), 1, 7.0), ("P1", day(2), 0, 8.0)]


class TestWorkbooks:
    def book(self, folder: Path, rows: list[list[object]], merged: tuple[str, ...] = ()) -> str:
        made = openpyxl.Workbook()
        sheet = made.active
        for row in rows:
            sheet.append(row)
        for cells in merged:
            sheet.merge_cells(cells)
        made.save(folder / "d.xlsx")
        return f"excel:{folder / 'd.xlsx'}?mapping={folder / 'm.yaml'}"

    def test_a_title_merged_headings_and_decimal_commas(self, tmp_path: Path) -> None:
        rows: list[list[object]] = [
            ["Leg cramp diary"],
            [None],
            ["ID", "Begin", "Cramps", None, "Slept", None, "Note"],
            [None, None, "Day 1", "Day 2", "Day 1", "Day 2"],
            ["P1", date(2025, 3, 1), 1, 0, "7,5", 8, "x"],
            ["P2", date(2025, 3, 2), None, 2, None, "6,25"],
        ]
        diary = (
            "nights: {start: Begin}, columns: "
            '{participant_id: ID, cramps: "Cramps Day {n}", sleep_hours: "Slept Day {n}"}'
        )
        source(tmp_path, "", diary, "clock: {date: evening}\nheader: [3, 4]")
        where = self.book(tmp_path, rows, ("A1:F1", "A3:A4", "B3:B4", "C3:D3", "E3:F3", "G3:G4"))
        loaded = load(where)
        assert nights(loaded, "sleep_hours") == [
            *(("P1", day(1), 1, 7.5), ("P1", day(2), 0, 8.0), ("P2", day(3), 2, 6.25)),
        ]
        said = loaded.cohort.attrition.notices
        assert "d.xlsx[Sheet]: the header is row 3; left out above it: 'Leg cramp diary'" in said
        assert "d.xlsx[Sheet]: not mapped and left out: Note" in said
        with pytest.raises(SourceError, match=r"are merged.*header: \[3, 4\]"):
            source(tmp_path, "", diary)
            load(where)

    def test_dates_are_names_of_columns(self, tmp_path: Path) -> None:
        source(tmp_path, "", 'columns: {participant_id: ID, cramps: "{date}"}', "clock: {date: evening}\nskip: [3]")
        where = self.book(tmp_path, [["ID", date(2025, 3, 1), datetime(2025, 3, 2)], ["P1", 1, 0], ["Sum", 1, 0]])
        assert nights(load(where)) == [("P1", day(1), 1), ("P1", day(2), 0)]

    def test_numbers_are_names_of_columns(self, tmp_path: Path) -> None:
        source(tmp_path, "", 'nights: {start: 2025-03-01}, columns: {participant_id: ID, cramps: "{n}"}')
        assert nights(load(self.book(tmp_path, [["ID", 1, 2], ["P1", 1, 0]]))) == [("P1", day(1), 1), ("P1", day(2), 0)]

    def test_a_row_that_is_not_there(self, tmp_path: Path) -> None:
        source(tmp_path, "", 'columns: {participant_id: ID, cramps: "{date}"}', "clock: {date: evening}\nheader: 7")
        with pytest.raises(SourceError, match=r"row 7 is to be the header, and there is no such row"):
            load(self.book(tmp_path, [["ID", date(2025, 3, 1)], ["P1", 1]]))

    def test_numbers_stored_as_texts_have_the_mark_that_is_stated(self, tmp_path: Path) -> None:
        top = 'clock: {date: evening}\ndecimal: "."'
        source(tmp_path, "", "columns: {participant_id: ID, date: day, cramps: n, fluid_ml: s}", top)
        rows: list[list[object]] = [
            ["ID", "day", "n", "s"],
            ["P1", "2025-03-01", 1, "1,234"],
            ["P1", "2025-03-02", 0, 999],
        ]
        people = PEOPLE.replace("{columns", "{rows: {distinct: true}, columns")
        where = self.book(tmp_path, rows)
        for mark, drunk in (('"."', 1234.0), ('","', 1.234)):
            text = (tmp_path / "m.yaml").read_text(encoding="utf-8").replace('"."', mark).replace(PEOPLE, people)
            (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
            assert load(where).cohort.frame("diary")["fluid_ml"].to_list() == [drunk, 999]


def test_a_statistical_file(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"ID": ["P1", "P2"], "begin": [day(1), day(5)], "cramps_1": [1.0, None], "cramps_2": [0.0, 2.0]}
    )
    pyreadstat.write_sav(frame, str(tmp_path / "d.sav"))
    diary = 'nights: {start: begin}, columns: {participant_id: ID, cramps: "cramps_{n}"}'
    source(tmp_path, "", diary)
    where = f"stat:{tmp_path / 'd.sav'}?mapping={tmp_path / 'm.yaml'}"
    assert nights(load(where)) == [("P1", day(1), 1), ("P1", day(2), 0), ("P2", day(6), 2)]
    source(tmp_path, "", diary, "clock: {date: evening}\nheader: 2")
    with pytest.raises(SourceError, match=r"d\.sav has no lines above its columns .*take header and skip out"):
        load(where)


def test_the_shared_cases(shared: Path, tmp_path: Path) -> None:
    case = shared / "cases/22-wide-dates"
    expected = [("P1", [1, 0, 2]), ("P2", [0, 0, 1, 0]), ("P3", [0, 0, 0])]
    for file, diary in (
        ("wide.csv", 'columns: {participant_id: ID, cramps: "{date}"}'),
        ("days.csv", 'nights: {start: Start}, columns: {participant_id: ID, cramps: "Day{n}"}'),
    ):
        loaded = load(source(tmp_path, (case / file).read_text(encoding="utf-8"), diary))
        found = loaded.cohort.frame("diary").group_by("participant_id", maintain_order=True).agg("cramps").rows()
        assert found == expected and loaded.ledger.is_empty()
    case = shared / "cases/23-title-rows"
    people = PEOPLE.replace("{columns", "{rows: {distinct: true}, columns").replace("ID", "Patient")
    for file, header, nights_read in (("export.csv", 4, 4), ("single.csv", 3, 3)):
        text, diary = (
            (case / file).read_text(encoding="utf-8"),
            "columns: {participant_id: Patient, date: Date, cramps: Cramps}",
        )
        with pytest.raises(SourceError, match=rf"delete the lines above it, or read .* says header: {header}$"):
            load(source(tmp_path, text, diary, people=people))
        top = f"clock: {{date: evening}}\nheader: {header}"
        assert load(source(tmp_path, text, diary, top, people)).cohort.frame("diary").height == nights_read
    case = shared / "cases/25-qualtrics"
    written = (case / "m.yaml").read_text(encoding="utf-8")
    (tmp_path / "q.yaml").write_text(written.replace("tables:", "skip: 2\ntables:"), encoding="utf-8")
    for mapping in (case / "m.yaml", tmp_path / "q.yaml"):
        assert load(f"mapped:{case / 'q.csv'}?mapping={mapping}").cohort.frame("diary").height == 4
    case = shared / "cases/49-age-changes"
    people_read = load(f"mapped:{case / 'd.csv'}?mapping={case / 'm.yaml'}").cohort.frame("participants")
    assert people_read["age_years"].to_list() == [69, 64]
