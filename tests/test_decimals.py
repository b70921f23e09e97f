"""A column of numbers has one decimal mark, or the file is refused; whichever kind of file it stands in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import polars as pl
import pyreadstat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.sources.text import decimals
from crampstudy.sources.text.decimals import NOTHING, Mark, Stated


def settled(cells: list[str | None], stated: Stated = NOTHING, by_comma: bool = False) -> list[str | None]:
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.String})
    lines = pl.int_range(2, 2 + len(cells), dtype=pl.Int64, eager=True)
    return decimals.settle(frame, ["x"], "f.csv", lines, stated, by_comma)[0]["x"].to_list()


@pytest.mark.parametrize(
    ("cells", "read"),
    [
        (["6,5", "7", None, "8"], ["6.5", "7", None, "8"]),
        (["6.5", "7"], ["6.5", "7"]),
        (["-1,5", "+2,25", ",5"], ["-1.5", "+2.25", ".5"]),
        (["1,234", "6,5"], ["1.234", "6.5"]),
        (["0,123", "7"], ["0.123", "7"]),
        (["1234,567"], ["1234.567"]),
        (["1.234,5", "1.234", "950,5"], ["1234.5", "1234", "950.5"]),
        (["1,234.5", "1,234", "950"], ["1234.5", "1234", "950"]),
        (["1,234,567", "950"], ["1234567", "950"]),
        (["1.234", "7"], ["1.234", "7"]),
        (["1,5e3", "2e-1"], ["1.5e3", "2e-1"]),
        (["1,2,3", "a, b", "3/4"], ["1,2,3", "a, b", "3/4"]),
    ],
)
def test_what_is_certain_is_read(cells: list[str | None], read: list[str | None]) -> None:
    assert settled(cells) == read


@pytest.mark.parametrize(
    ("cells", "by_comma", "said"),
    [
        (["6,5", "7", "7.5"], False, "'6,5' (line 2) and '7.5' (line 4) have different decimal marks"),
        (["1,234", "7"], False, "'1,234' (line 2) may have a decimal comma or a mark between thousands"),
        (["1.234", "7"], True, "'1.234' (line 2) may have a decimal point or a mark between thousands"),
        (["1,234", "1.234"], False, "say what the decimal mark is with the option decimal"),
        (["6,5", "7,5", "1.234", "2.345"], False, "may have"),
    ],
)
def test_what_is_not_is_refused(cells: list[str | None], by_comma: bool, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        settled(cells, by_comma=by_comma)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "mark", "read"),
    [
        (["1,234", "7"], ",", ["1.234", "7"]),
        (["1,234", "7"], ".", ["1234", "7"]),
        (["1.234", "7"], ",", ["1234", "7"]),
        (["1.234", "7"], ".", ["1.234", "7"]),
        # What the cells show beyond doubt is so, whatever was said.
        (["1.5", "2.75"], ",", ["1.5", "2.75"]),
        (["1,5", "2,75"], ".", ["1.5", "2.75"]),
    ],
)
def test_what_was_said_decides_what_is_open(cells: list[str | None], mark: Mark, read: list[str | None]) -> None:
    assert settled(cells, Stated(mark=mark)) == read
    assert settled(cells, Stated(marks={"x": mark})) == read


def test_one_slip_among_many_is_for_the_ledger() -> None:
    assert settled(["6.5", "7.5", "8,5"]) == ["6.5", "7.5", "8,5"]
    assert settled(["6,5", "7,5", "8.5"]) == ["6.5", "7.5", "8.5 (decimal point)"]


def test_where_nothing_stands_between_thousands_a_comma_is_a_decimal_one() -> None:
    assert settled(["1,234", "7"], Stated(ungrouped=frozenset("x"))) == ["1.234", "7"]


def test_a_point_in_a_column_of_commas_is_said_to_be_that(tmp_path: Path) -> None:
    cells = ["27,5", "22,1", "24.5", "30,0"]
    people = "".join(f"P{i};50;female;{cell}\n" for i, cell in enumerate(cells))
    (tmp_path / "participants.csv").write_text(f"participant_id;age_years;sex;bmi_kg_m2\n{people}")
    nights = "".join(f"P{i};2024-03-1{day};0\n" for i in range(4) for day in range(3))
    (tmp_path / "diary.csv").write_text(f"participant_id;date;cramps\n{nights}")
    (line,) = load(str(tmp_path)).ledger.rows(named=True)
    why = "it has a decimal point, and its column was read with decimal commas"
    assert (line["line"], line["value"], line["rule"]) == (4, "24.5", "type")
    assert line["hint"] == f"allowed is a number from 8 to 150; {why}"


NUMBERS = st.one_of(st.integers(-9999, 9999).map(str), st.decimals(-9999, 9999, places=2).map(lambda x: f"{x:f}"))


@given(st.lists(NUMBERS, min_size=1, max_size=8), st.sampled_from(decimals.MARKS))
def test_a_column_written_with_either_mark_has_the_same_numbers(numbers: list[str], mark: Mark) -> None:
    assert settled([number.replace(".", mark) for number in numbers]) == numbers


@given(st.lists(st.decimals(0, 10**7, places=3), min_size=1, max_size=8), st.sampled_from(decimals.MARKS))
def test_stated_thousands_are_read(numbers: list[Any], mark: Mark) -> None:
    other = "." if mark == "," else ","
    written = [f"{n:,.3f}".replace(",", "_").replace(".", mark).replace("_", other) for n in numbers]
    assert [float(cell or "nan") for cell in settled([*written], Stated(mark=mark))] == [float(n) for n in numbers]


@given(st.lists(st.text("0123456789.,-", max_size=7), max_size=8))
def test_a_column_is_read_whole_or_not_at_all(cells: list[str]) -> None:
    """No cell with a comma becomes a number beside one with a comma that does not, but for a slip."""
    try:
        made = settled([*cells])
    except SourceError:
        return
    number = pl.Series(made, dtype=pl.String).cast(pl.Float64, strict=False).is_not_null().to_list()
    forms = [
        (cell, good)
        for cell, good in zip(cells, number, strict=True)
        if pl.Series([cell]).str.contains(r"^\d+,\d+$")[0]
    ]
    lost = sum(not good for _, good in forms)
    assert lost <= 1 or lost <= 0.05 * len(cells)


def sleep(loaded: Cleaned) -> list[Any]:
    return loaded.cohort.frame("diary")["sleep_hours"].to_list()


class TestRedcap:
    HEAD = "record_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,date,cramps,sleep_hours,score\n"
    PEOPLE = "1,,,70,1,,,,\n"
    FIELDS = (
        "field_name,form_name,field_type,field_label,select_choices_or_calculations,"
        "text_validation_type_or_show_slider_number\n"
        'record_id,a,text,ID,,\nage_years,a,text,Age,,integer\nsex,a,radio,Sex,"1, Male | 2, Female",\n'
        "date,b,text,Date,,date_dmy\ncramps,b,text,N,,integer\nsleep_hours,b,text,S,,VALIDATION\nscore,b,text,S,,\n"
    )

    def read(
        self, tmp_path: Path, cells: list[str], validation: str = "", mark: str = ",", options: str = ""
    ) -> Cleaned:
        rows = [f'1,b,{i},,,2025-03-0{i},1,"{cell}","{cell}"' for i, cell in enumerate(cells, 1)]
        text = self.HEAD + self.PEOPLE + "\n".join(rows) + "\n"
        frame = pl.read_csv(text.encode(), infer_schema=False)
        frame.write_csv(tmp_path / "e.csv", separator=mark)
        fields = pl.read_csv(self.FIELDS.replace("VALIDATION", validation).encode(), infer_schema=False)
        fields.write_csv(tmp_path / "d.csv", separator=mark)
        return load(f"redcap:{tmp_path / 'e.csv'}?dictionary={tmp_path / 'd.csv'}{options}")

    @pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("validation", ["", "number", "number_1dp_comma_decimal", "number_comma_decimal"])
    def test_decimal_commas(self, tmp_path: Path, mark: str, validation: str) -> None:
        loaded = self.read(tmp_path, ["6,5", "7", "8,25"], validation, mark)
        assert sleep(loaded) == loaded.cohort.frame("diary")["score"].to_list() == [6.5, 7, 8.25]
        assert loaded.ledger.is_empty()
        assert "e.csv: read with a decimal comma: sleep_hours, score" in loaded.cohort.attrition.notices

    def test_a_validated_number_has_no_thousands(self, tmp_path: Path) -> None:
        assert sleep(self.read(tmp_path, ["6,125", "7"], "number_3dp_comma_decimal")) == [6.125, 7]
        assert sleep(self.read(tmp_path, ["6.125", "7"], "number_3dp", ";")) == [6.125, 7]

    def test_what_is_open_is_asked(self, tmp_path: Path) -> None:
        with pytest.raises(
            SourceError, match=r"column sleep_hours: '6,125' \(line 3\) may have .*redcap:e\.csv\?decimal="
        ):
            self.read(tmp_path, ["6,125", "7"])
        assert sleep(self.read(tmp_path, ["6,125", "7"], options="&decimal=,")) == [6.125, 7]

    def test_the_ledger_shows_the_file(self, tmp_path: Path) -> None:
        loaded = self.read(tmp_path, ["66,5", "7"])
        assert loaded.ledger.select("line", "column", "value", "rule").rows() == [
            (3, "sleep_hours", "66,5", "unit-slip")
        ]

    @pytest.mark.parametrize("dictionary", ["dictionary.csv", "dictionary-comma.csv", "dictionary-api.csv"])
    def test_an_export_with_semicolons(self, shared: Path, dictionary: str) -> None:
        case = shared / "cases" / "01-redcap-semicolon"
        assert sleep(load(f"redcap:{case / 'export.csv'}?dictionary={case / dictionary}")) == [6.5, 7, 8]
        assert sleep(load(f"mapped:{case / 'export.csv'}?mapping={case / 'm.yaml'}")) == [6.5, 7, 8]

    def test_an_export_with_commas_in_cells(self, shared: Path) -> None:
        case = shared / "cases" / "02-redcap-comma-decimal"
        loaded = load(f"redcap:{case / 'export.csv'}?dictionary={case / 'dictionary.csv'}")
        assert loaded.cohort.frame("diary").select("sleep_hours", "alcohol_units").rows() == [
            *[(6.5, 1.5), (7, 0), (8, 0.5)]
        ]

    def test_an_export_with_pipes(self, shared: Path) -> None:
        case = shared / "cases" / "08-redcap-pipe"
        loaded = load(f"redcap:{case / 'export.csv'}?dictionary={case / 'dictionary.csv'}")
        assert loaded.cohort.frame("participants")["bmi_kg_m2"].to_list() == [24, 27.5]
        assert loaded.cohort.frame("diary")["cramps"].to_list() == [2, 0, 0, 1]


MAPPING = """version: 1
clock: {date: evening}
tables:
  participants:
    rows: {distinct: true}
    columns: {participant_id: participant_id, age_years: age_years, sex: sex}
  diary:
    columns: {participant_id: participant_id, date: date, cramps: cramps, sleep_hours: sleep_hours}
    own: {load: number}
"""


class TestWorkbook:
    """Numbers stored as numbers have no mark; those that were typed in as texts are read by one rule."""

    def source(self, tmp_path: Path, cells: list[Any], mapped: str | None = None) -> str:
        workbook = openpyxl.Workbook()
        sheet = workbook.worksheets[0]
        sheet.append(["participant_id", "date", "age_years", "sex", "cramps", "sleep_hours", "load"])
        for day, cell in enumerate(cells, 1):
            sheet.append(["a", f"2025-03-{day:02}", 70, "male", 1, cell, cell])
        workbook.save(tmp_path / "b.xlsx")
        if mapped is None:
            return f"excel:{tmp_path / 'b.xlsx'}"
        (tmp_path / "m.yaml").write_text(MAPPING + mapped, encoding="utf-8")
        return f"excel:{tmp_path / 'b.xlsx'}?mapping={tmp_path / 'm.yaml'}"

    @pytest.mark.parametrize("mapped", [None, "", 'decimal: ","\n'])
    def test_texts_beside_numbers(self, tmp_path: Path, mapped: str | None) -> None:
        loaded = load(self.source(tmp_path, ["6,5", 7.25, 1.234, "8", None, "6,125"], mapped))
        expected = [6.5, 7.25, 1.234, 8, None, 6.125]
        assert sleep(loaded) == loaded.cohort.frame("diary")["load"].to_list() == expected
        assert any("read with a decimal comma: sleep_hours" in said for said in loaded.cohort.attrition.notices)

    def test_what_is_open_is_asked(self, tmp_path: Path) -> None:
        source = self.source(tmp_path, ["6,125", 7])
        with pytest.raises(SourceError, match=r"b\.xlsx\[Sheet\], column sleep_hours: '6,125' \(line 2\)"):
            load(source)
        assert sleep(load(f"{source}?decimal=,")) == [6.125, 7]
        assert sleep(load(self.source(tmp_path, ["6,125", 7], 'decimal: ","\n'))) == [6.125, 7]


class TestStatisticalFile:
    def source(self, tmp_path: Path, name: str, cells: list[Any]) -> str:
        nights = len(cells)
        columns = {
            "participant_id": ["a"] * nights,
            "date": [f"2025-03-{day:02}" for day in range(1, nights + 1)],
            "age_years": [70.0] * nights,
            "sex": ["male"] * nights,
            "cramps": [1.0] * nights,
            "sleep_hours": cells,
        }
        write = {"sav": pyreadstat.write_sav, "dta": pyreadstat.write_dta, "xpt": pyreadstat.write_xport}[name]
        options = {"file_format_version": 8} if name == "xpt" else {}
        write(pd.DataFrame(columns), str(tmp_path / f"f.{name}"), **options)
        return f"stat:{tmp_path / f'f.{name}'}"

    @pytest.mark.parametrize("name", ["sav", "dta", "xpt"])
    @pytest.mark.parametrize("mapped", [False, True])
    def test_texts(self, tmp_path: Path, name: str, mapped: bool) -> None:
        source = self.source(tmp_path, name, ["6,5", "7", "8,25"])
        if mapped:
            (tmp_path / "m.yaml").write_text(MAPPING.replace("    own: {load: number}\n", ""), encoding="utf-8")
            source += f"?mapping={tmp_path / 'm.yaml'}"
        assert sleep(load(source)) == [6.5, 7, 8.25]

    @pytest.mark.parametrize("mapped", [False, True])
    def test_the_zero_of_transport_files_is_zero(self, tmp_path: Path, mapped: bool) -> None:
        source = self.source(tmp_path, "xpt", [16.0**-65, 7.0, -(16.0**-65)])
        if mapped:
            (tmp_path / "m.yaml").write_text(MAPPING.replace("    own: {load: number}\n", ""), encoding="utf-8")
            source += f"?mapping={tmp_path / 'm.yaml'}"
        assert sleep(load(source)) == [0, 7, 0]


class TestParquet:
    @pytest.mark.parametrize("rows", [1, 10**9])
    def test_texts_are_read_alike_in_parts_and_whole(self, tmp_path: Path, rows: int) -> None:
        from crampstudy import validation
        from crampstudy.validation import chunked

        pl.DataFrame({"participant_id": ["a"], "age_years": [70], "sex": ["male"]}).write_csv(
            tmp_path / "participants.csv"
        )
        diary = {"participant_id": ["a"] * 3, "date": ["2025-03-01", "2025-03-02", "2025-03-03"], "cramps": [1, 0, 2]}
        pl.DataFrame(diary | {"sleep_hours": ["6,5", "7", "66,5"]}).write_parquet(tmp_path / "diary.parquet")
        loaded = load(tmp_path)
        assert sleep(loaded) == [6.5, 7, None]
        assert loaded.ledger.select("line", "value", "rule").rows() == [(3, "66,5", "unit-slip")]
        summary = chunked.validate(tmp_path, large=rows) or validation.summarise(loaded)
        assert summary.rules == validation.summarise(loaded).rules


def test_an_option_that_is_no_mark(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"the option decimal is ';'; allowed: \. and ,"):
        load(f"package:{tmp_path}?decimal=;")
