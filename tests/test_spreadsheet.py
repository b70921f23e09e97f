from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from openpyxl.worksheet.worksheet import Worksheet

from crampstudy import simulate
from crampstudy.cleaning import Cleaned, clean
from crampstudy.errors import SourceError
from crampstudy.sources import open_cohort
from crampstudy.sources.readers import sheetxml, spreadsheet

PEOPLE = [["participant_id", "age_years", "sex"], ["007", 64, "female"], ["012", 71.5, "male"]]
NIGHTS = [
    ["participant_id", "date", "cramps", "warm_up", "stress_0_10"],
    ["007", date(2025, 3, 1), 0, True, 2.5],
    ["007", date(2025, 3, 2), 2, False, None],
    ["012", date(2025, 3, 1), 1, None, 1.1],
]


def book(path: Path, change: Callable[[Any], None] | None = None, **sheets: Sequence[Sequence[Any]]) -> Path:
    """Write a workbook of named sheets, changed by ``change`` before it is saved."""
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.worksheets[0])
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    if change:
        change(workbook)
    workbook.save(path)
    return path


def patched(path: Path, part: str, *changes: tuple[str, str]) -> Path:
    """Replace text in one file of a workbook, for what openpyxl cannot write; each change must meet something."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    text = files[part].decode()
    for old, new in changes:
        assert re.search(old, text), old
        text = re.sub(old, new, text)
    files[part] = text.encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def cleaned(path: Path) -> Cleaned:
    return clean(spreadsheet.read(path))


def notices(path: Path) -> str:
    return "\n".join(spreadsheet.read(path).notices)


def test_a_sheet_for_each_table_whatever_its_case(tmp_path: Path) -> None:
    path = book(tmp_path / "study.xlsx", Participants=PEOPLE, DIARY=NIGHTS)
    loaded = cleaned(path)
    assert loaded.ledger.is_empty()
    assert loaded.cohort.name == "study"
    assert [t.file for t in loaded.cohort.attrition.tables] == ["study.xlsx[Participants]", "study.xlsx[DIARY]"]
    assert loaded.cohort.frame("participants").rows() == [("007", 64.0, "female"), ("012", 71.5, "male")]
    assert loaded.cohort.frame("diary").rows() == [
        ("007", date(2025, 3, 1), 0, True, 2.5),
        ("007", date(2025, 3, 2), 2, False, None),
        ("012", date(2025, 3, 1), 1, None, 1.1),
    ]
    assert loaded.cohort.attrition.notices == ()


def test_a_macro_workbook_is_read_and_other_sheets_are_left_out_with_a_notice(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsm", readme=[["About", "this"], ["study"]], participants=PEOPLE, diary=NIGHTS)
    assert notices(path).startswith("b.xlsm: the sheet readme is no table and was left out (participants, diary,")


@pytest.mark.parametrize("title", ["Sheet1", "Diary"])
def test_one_wide_sheet_is_split(tmp_path: Path, title: str) -> None:
    rows = [
        ["Participant_ID", "Date", "Age_Years", "SEX", "cramps", "mood", "centre"],
        ["a", date(2025, 3, 1), 64, "female", 1, "low", "01"],
        ["a", date(2025, 3, 2), None, None, 0, "high", "01"],
        ["b", date(2025, 3, 1), 70, "male", 3, "low", "02"],
    ]
    loaded = cleaned(book(tmp_path / "w.xlsx", **{title: rows}))
    assert loaded.ledger.is_empty()
    people, nights = loaded.cohort.frame("participants"), loaded.cohort.frame("diary")
    assert people.to_dicts() == [
        {"participant_id": "a", "age_years": 64.0, "sex": "female", "centre": "01"},
        {"participant_id": "b", "age_years": 70.0, "sex": "male", "centre": "02"},
    ]
    assert nights.columns == ["participant_id", "date", "cramps", "mood"]
    assert loaded.cohort.attrition.notices == (
        f"w.xlsx[{title}]: the codebook does not know the column centre; kept as text with the table participants",
        f"w.xlsx[{title}]: the codebook does not know the column mood; kept as text with the table diary",
    )


def test_a_participant_with_two_values_is_refused_with_both_lines(tmp_path: Path) -> None:
    rows = [
        ["participant_id", "date", "age_years", "sex", "cramps"],
        ["a", date(2025, 3, 1), 64, "female", 1],
        [],
        ["a", date(2025, 3, 2), 62, "female", 0],
    ]
    said = r"a has two values of age_years: 64 \(line 2, night 2025-03-01\) and 62 \(line 4, night 2025-03-02\)"
    with pytest.raises(SourceError, match=said):
        spreadsheet.read(book(tmp_path / "w.xlsx", S=rows))


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (["who", "date", "cramps"], r"columns who, date, cramps, .* crampstudy try \S+w\.xlsx --out my-study"),
        (["participant_id", "cramps"], r"a study needs participant_id, date and cramps; .*--out my-study"),
        (["participant_id", "date", "n"], r"a study needs participant_id, date and cramps; .*--out my-study"),
        (["participant_id", "date", "onset"], "the column onset belongs to episodes, which a wide table cannot hold"),
        (["participant_id", "age_years"], "holds no nights"),
    ],
)
def test_a_wide_sheet_that_cannot_be_split_is_refused(tmp_path: Path, header: list[str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        spreadsheet.read(book(tmp_path / "w.xlsx", S=[header, ["1"] * len(header)]))


def test_lines_are_rows_of_the_sheet(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        workbook["diary"]["A9"], workbook["diary"]["B9"], workbook["diary"]["C9"] = "012", date(2025, 3, 2), 999

    path = book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=[[], [], *NIGHTS])
    loaded = cleaned(path)
    assert loaded.ledger.rows() == [
        ("b.xlsx[diary]", 9, "cramps", "999", "range", "reject-row", "allowed is a whole number from 0 to 200")
    ]
    assert loaded.cohort.attrition.notices == ("b.xlsx[diary]: blank rows skipped: 2",)


def test_a_table_need_not_begin_in_the_first_column(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx", participants=[[None, *row] for row in PEOPLE], diary=[[None, None, *row] for row in NIGHTS]
    )
    assert cleaned(path).cohort.frame("diary").height == 3


def test_dates_are_the_same_in_both_date_systems(tmp_path: Path) -> None:
    def system(workbook: Any) -> None:
        workbook.epoch = CALENDAR_MAC_1904

    new = book(tmp_path / "1900.xlsx", participants=PEOPLE, diary=NIGHTS)
    old = book(tmp_path / "1904.xlsx", system, participants=PEOPLE, diary=NIGHTS)
    cells = [re.findall(r'<c r="B2"[^>]*><v>(\d+)', _xml(path, "xl/worksheets/sheet2.xml")) for path in (new, old)]
    # The stored numbers are 1462 days apart.
    assert cells == [["45717"], ["44255"]]
    assert cleaned(new).cohort.digest == cleaned(old).cohort.digest


def _xml(path: Path, part: str) -> str:
    with zipfile.ZipFile(path) as archive:
        return archive.read(part).decode()


def test_text_dates_and_midnights_are_dates_and_numbers_are_not(tmp_path: Path) -> None:
    nights = [
        ["participant_id", "date", "cramps"],
        ["007", "2025-03-01", 0],
        ["007", datetime(2025, 3, 2), 1],
        ["007", 45719, 2],
        ["007", datetime(2025, 3, 4, 22, 30), 3],
        ["007", "5/3/2025", 4],
    ]
    path = book(tmp_path / "b.xlsx", participants=PEOPLE, diary=nights)
    loaded = cleaned(path)
    assert loaded.cohort.frame("diary")["cramps"].to_list() == [0, 1]
    assert loaded.ledger.select("line", "value", "rule").rows() == [
        (4, "45719", "type"),
        (5, "2025-03-04T22:30:00", "type"),
        (6, "5/3/2025", "type"),
    ]
    assert "b.xlsx[diary]: date: cells with a number instead of a date: 1" in notices(path)


def test_a_serial_number_beyond_the_calendar_stays_in_the_ledger(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        workbook["diary"]["B2"].number_format = "yyyy-mm-dd"
        workbook["diary"]["B2"].value = 99_999_999

    path = book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=NIGHTS)
    assert cleaned(path).ledger.select("line", "column", "rule").rows() == [(2, "date", "type")]


def test_date_times_keep_their_clock_even_at_midnight(tmp_path: Path) -> None:
    episodes = [
        ["participant_id", "date", "episode", "onset"],
        ["012", date(2025, 3, 1), 1, datetime(2025, 3, 2, 0, 0)],
    ]
    loaded = cleaned(book(tmp_path / "b.xlsx", participants=PEOPLE, diary=NIGHTS, episodes=episodes))
    assert loaded.ledger.is_empty()
    assert loaded.cohort.frame("episodes")["onset"].to_list() == [datetime(2025, 3, 2)]


def test_clock_times_durations_and_dates_in_number_columns_are_never_numbers(tmp_path: Path) -> None:
    nights = [
        ["participant_id", "date", "cramps", "hours_in_bed", "stress_0_10"],
        ["007", date(2025, 3, 1), 0, time(7, 30), date(2025, 10, 2)],
        ["007", date(2025, 3, 2), 0, timedelta(hours=7, minutes=30), 5],
    ]
    loaded = cleaned(book(tmp_path / "b.xlsx", participants=PEOPLE, diary=nights))
    assert loaded.ledger.select("line", "column", "value", "rule").rows() == [
        (2, "hours_in_bed", "07:30:00", "type"),
        (2, "stress_0_10", "2025-10-02", "type"),
        (3, "hours_in_bed", "7:30:00", "type"),
    ]


def test_number_formats_do_not_change_values(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        workbook["diary"]["E2"].number_format = "0%"
        workbook["diary"]["E4"].number_format = "0"

    cohort = cleaned(book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=NIGHTS)).cohort
    assert cohort.frame("diary")["stress_0_10"].to_list() == [2.5, None, 1.1]


def test_identifiers_keep_the_zeros_that_they_show(tmp_path: Path) -> None:
    def padded(workbook: Any) -> None:
        for row in (2, 3, 4):
            cell = workbook["diary"][f"A{row}"]
            cell.value, cell.number_format = int(cell.value), "000"

    path = book(tmp_path / "b.xlsx", padded, participants=PEOPLE, diary=NIGHTS)
    assert cleaned(path).cohort.frame("diary")["participant_id"].to_list() == ["007", "007", "012"]
    assert "identifiers stored as numbers that keep the zeros of their number format: 3" in notices(path)

    def plain(workbook: Any) -> None:
        workbook["diary"]["A2"].value = 7

    path = book(tmp_path / "c.xlsx", plain, participants=PEOPLE, diary=NIGHTS)
    assert cleaned(path).ledger.select("line", "value", "rule").rows() == [(2, "7", "unknown-participant")]


def _formula(workbook: Any) -> None:
    workbook["diary"]["C2"] = "=1+1"
    workbook["diary"]["C4"] = "=SUM(C2:C3)"


def test_formulas_count_by_their_stored_value(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", _formula, participants=PEOPLE, diary=NIGHTS)
    patched(
        path,
        "xl/worksheets/sheet2.xml",
        ("1\\+1</f><v></v>", "1+1</f><v>2</v>"),
        ("C3\\)</f><v></v>", "C3)</f><v>4</v>"),
    )
    assert cleaned(path).cohort.frame("diary")["cramps"].to_list() == [2, 2, 4]
    assert notices(path) == "b.xlsx[diary]: formulas read by the value stored with them: 2"


def test_a_formula_that_was_never_calculated_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", _formula, participants=PEOPLE, diary=NIGHTS)
    with pytest.raises(SourceError, match=r"b\.xlsx\[diary\]: the formula in C2 has no stored value"):
        spreadsheet.read(path)


def test_a_formula_that_gives_an_empty_text_is_an_empty_cell(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        workbook["diary"]["E2"] = '=IF(TRUE,"","")'
        for column in "ABC":
            workbook["diary"][f"{column}7"] = '=IF(TRUE,"","")'

    path = book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=NIGHTS)
    patched(path, "xl/worksheets/sheet2.xml", ('<c r="(..)"><f>', r'<c r="\1" t="str"><f>'))
    cohort = cleaned(path).cohort
    assert cohort.frame("diary")["stress_0_10"].to_list() == [None, None, 1.1]
    assert cohort.attrition.tables[1].read == 3


def test_errors_of_a_formula_stay_for_the_ledger(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        workbook["diary"]["E2"] = "#N/A"
        workbook["diary"]["E4"] = "#DIV/0!"

    path = book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=NIGHTS)
    assert 't="e"' in _xml(path, "xl/worksheets/sheet2.xml")
    assert cleaned(path).ledger.select("line", "column", "value", "rule", "severity").rows() == [
        (2, "stress_0_10", "#N/A", "missing-mark", "warn"),
        (4, "stress_0_10", "#DIV/0!", "type", "blank-cell"),
    ]


@pytest.mark.parametrize("merged", ["A2:A3", "A1:B1", "C4:C9"])
def test_merged_cells_in_the_table_are_refused(tmp_path: Path, merged: str) -> None:
    path = book(tmp_path / "b.xlsx", lambda w: w["diary"].merge_cells(merged), participants=PEOPLE, diary=NIGHTS)
    with pytest.raises(SourceError, match=rf"b\.xlsx\[diary\]: the cells {merged} are merged"):
        spreadsheet.read(path)


def test_a_merged_title_above_the_header_is_named(tmp_path: Path) -> None:
    path = book(
        tmp_path / "b.xlsx", lambda w: w["diary"].merge_cells("A1:E1"), participants=PEOPLE, diary=[["Study"], *NIGHTS]
    )
    with pytest.raises(SourceError, match="the cells A1:E1 are merged"):
        spreadsheet.read(path)


@pytest.mark.parametrize("merged", ["H2:J5", "A1:E1", "A9:B9"])
def test_merged_cells_outside_the_table_do_no_harm(tmp_path: Path, merged: str) -> None:
    path = book(tmp_path / "b.xlsx", lambda w: w["diary"].merge_cells(merged), participants=PEOPLE, diary=[[], *NIGHTS])
    assert cleaned(path).cohort.frame("diary").height == 3


def test_hidden_rows_columns_and_sheets_are_read_with_a_notice(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        sheet: Worksheet = workbook["diary"]
        sheet.row_dimensions[3].hidden = True
        sheet.column_dimensions["D"].hidden = True
        workbook["participants"].sheet_state = "hidden"

    path = book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=NIGHTS)
    loaded = cleaned(path)
    assert loaded.cohort.frame("diary").height == 3
    assert loaded.cohort.attrition.notices == (
        "b.xlsx[participants]: the sheet is hidden and was read like the others",
        "b.xlsx[diary]: hidden rows read like the others: 1",
        "b.xlsx[diary]: hidden columns read like the others: warm_up",
    )


def test_filtered_rows_are_read_with_a_notice(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        sheet: Worksheet = workbook["diary"]
        sheet.auto_filter.ref = "A1:E4"
        sheet.auto_filter.add_filter_column(0, ["012"])
        sheet.row_dimensions[2].hidden = sheet.row_dimensions[3].hidden = True

    path = book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=NIGHTS)
    assert notices(path) == "b.xlsx[diary]: filtered or hidden rows read like the others: 2"


def test_empty_rows_and_columns_behind_the_table_are_dropped(tmp_path: Path) -> None:
    def change(workbook: Any) -> None:
        workbook["diary"]["H1"] = " "
        workbook["diary"]["C400"].number_format = "0.00"
        workbook["diary"]["A401"] = "   "

    path = book(tmp_path / "b.xlsx", change, participants=PEOPLE, diary=NIGHTS)
    loaded = cleaned(path)
    assert loaded.cohort.frame("diary").shape == (3, 5)
    assert loaded.cohort.attrition.notices == ()


def test_a_wrong_size_in_the_file_loses_nothing(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", participants=PEOPLE, diary=NIGHTS)
    patched(path, "xl/worksheets/sheet2.xml", ('<dimension ref="A1:E4" */>', '<dimension ref="B2:C3"/>'))
    assert cleaned(path).cohort.frame("diary").shape == (3, 5)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], r"b\.xlsx\[diary\] is empty"),
        (NIGHTS[:1], r"b\.xlsx\[diary\] has a header and no rows"),
        (NIGHTS[1:], r"b\.xlsx\[diary\] has no header: B1 holds datetime"),
        ([["participant_id", "date", "cramps", " cramps "], *NIGHTS[1:]], "the column 'cramps' stands twice .* D1"),
        ([["participant_id", "date", None, "cramps"], *NIGHTS[1:]], "the cell C2 has no name above it in row 1"),
        ([[*NIGHTS[0][:4]], *NIGHTS[1:]], "the cell E2 has no name above it in row 1"),
    ],
)
def test_a_sheet_that_is_no_table_is_refused(tmp_path: Path, rows: list[list[Any]], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        spreadsheet.read(book(tmp_path / "b.xlsx", participants=PEOPLE, diary=rows))


def test_two_sheets_of_one_name_are_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", participants=PEOPLE, diary=NIGHTS, **{"diary ": NIGHTS})
    with pytest.raises(SourceError, match="differ only by spaces"):
        spreadsheet.read(path)


@pytest.mark.parametrize("suffix", [".xls", ".xlsb", ".ods", ".numbers"])
def test_other_formats_are_refused_with_advice(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"b{suffix}").write_bytes(b"x")
    with pytest.raises(SourceError, match=f"not {re.escape(suffix)}; save it as .xlsx"):
        spreadsheet.read(tmp_path / f"b{suffix}")


def test_an_encrypted_workbook_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "b.xlsx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504))
    with pytest.raises(SourceError, match=r"encrypted with a password.*remove the password"):
        spreadsheet.read(tmp_path / "b.xlsx")


def _no_sheets(content: bytes, path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")


BREAKAGES: dict[str, Callable[[bytes, Path], object]] = {
    "cut": lambda content, path: path.write_bytes(content[:2000]),
    "text": lambda content, path: path.write_bytes(b"participant_id,date\n"),
    "empty": lambda content, path: path.write_bytes(b""),
    "another archive": _no_sheets,
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_a_broken_workbook_is_refused(tmp_path: Path, breakage: str) -> None:
    path = book(tmp_path / "b.xlsx", participants=PEOPLE, diary=NIGHTS)
    BREAKAGES[breakage](path.read_bytes(), path)
    with pytest.raises(SourceError, match=r"b\.xlsx cannot be read as a workbook"):
        spreadsheet.read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (r'<row r="2"', '<row r="20"', "the cell A2 stands in row 20"),
        (r'<row r="3"><c r="A3"(.*?)<c r="B3"', r'<row r="2"><c r="A2"\1<c r="B2"', "row 2 stands after row 2"),
        (r'<c r="B3"', '<c r="A3"', "the cell A3 stands in row 3 after column 1"),
        (r'<c r="C3"', '<c r="C4"', "the cell C4 stands in row 3"),
    ],
)
def test_rows_and_cells_in_disorder_are_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    """The library leaves out a row that does not come after the one before, and a cell that stands twice."""
    path = book(tmp_path / "b.xlsx", participants=PEOPLE, diary=NIGHTS)
    cleaned(path)
    patched(path, "xl/worksheets/sheet2.xml", (old, new))
    with pytest.raises(SourceError, match=said):
        spreadsheet.read(path)


def test_rows_and_cells_without_their_places_are_in_order(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", participants=PEOPLE, diary=NIGHTS)
    whole = cleaned(path).cohort.digest
    patched(path, "xl/worksheets/sheet1.xml", (r' r="[A-Z]*\d+"', ""))
    assert cleaned(path).cohort.digest == whole


def test_a_broken_sheet_is_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "b.xlsx", participants=PEOPLE, diary=NIGHTS)
    patched(path, "xl/worksheets/sheet2.xml", ("</sheetData>", ""))
    with pytest.raises(SourceError, match=r"b\.xlsx cannot be read as a workbook"):
        spreadsheet.read(path)


def test_a_missing_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no workbook .*nothing\.xlsx"):
        spreadsheet.read(tmp_path / "nothing.xlsx")


def test_a_sheet_for_a_mapping_stands_as_it_is(tmp_path: Path) -> None:
    rows = [["User", "Day", "N"], ["x", date(2025, 3, 1), 1.0], [3, datetime(2025, 3, 2), 0.1]]
    path = book(tmp_path / "b.xlsx", Entries=rows, Other=[["a"], [1]])
    grid = spreadsheet.load(path)
    assert grid.file == "b.xlsx[Entries]"
    assert grid.frame.rows() == [("x", "2025-03-01", "1"), ("3", "2025-03-02", "0.1")]
    assert grid.lines.to_list() == [2, 3]
    assert spreadsheet.load(path, "Other").frame.rows() == [("1",)]
    with pytest.raises(SourceError, match="has no sheet 'Nights'; it has Entries, Other"):
        spreadsheet.load(path, "Nights")


def test_a_simulated_cohort_comes_back_as_it_was(tmp_path: Path) -> None:
    simulate.write(tmp_path / "package", 20, 30, 3, draws=3_000)
    cohort = open_cohort(tmp_path / "package")
    sheets = {name: [table.columns, *table.iter_rows()] for name, table in cohort.tables.items()}
    loaded = cleaned(book(tmp_path / "b.xlsx", **sheets))
    assert loaded.ledger.is_empty()
    assert loaded.cohort.digest == cohort.digest


@pytest.mark.parametrize("split", range(20))
def test_a_formula_is_seen_wherever_the_file_is_read_in_two(tmp_path: Path, split: int) -> None:
    head, tail = b'<worksheet><sheetData><row r="1">', b'<c r="A1"><f>1+1</f></c></row></sheetData></worksheet>'
    padding = b" " * ((1 << 20) - len(head) - split)
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("sheet", head + padding + tail)
    with zipfile.ZipFile(tmp_path / "x.zip") as archive:
        assert sheetxml.facts(archive, "sheet").uncalculated == "A1"
