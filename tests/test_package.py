"""A cohort as a folder: what comes in, what is refused and where, and that nothing is lost on the way."""

from __future__ import annotations

import gzip
import json
import lzma
import string
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy.cleaning import Cleaned
from crampstudy.codebook.missing import MARKS
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import FolderTaken, SourceError, UsageError
from crampstudy.sources import load, open_cohort
from crampstudy.sources.readers import package

PEOPLE = "participant_id,age_years,sex\n01,50,female\n02,61.5,male\n"
NIGHTS = "participant_id,date,cramps\n01,2024-01-01,2\n01,2024-01-02,0\n02,2024-01-01,\n"


def folder(tmp_path: Path, **files: str | bytes | pl.DataFrame) -> Path:
    """Write a package; ``participants_csv`` is the file participants.csv."""
    for key, content in ({"participants_csv": PEOPLE, "diary_csv": NIGHTS} | files).items():
        path = tmp_path / ".".join(key.rsplit("_", 1))
        if isinstance(content, pl.DataFrame):
            content.write_parquet(path)
        elif content:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path


def described(**own: Any) -> str:
    return json.dumps({"name": "x", "resources": [], "crampstudy": own})


def ledger(loaded: Cleaned) -> list[tuple[str, int, str, str, str]]:
    columns = ("file", "line", "column", "value", "rule")
    return list(loaded.ledger.select(columns).iter_rows())


def refusal(path: Path) -> str:
    with pytest.raises(SourceError) as caught:
        load(path)
    return str(caught.value)


def test_a_plain_folder(tmp_path: Path) -> None:
    cohort = open_cohort(folder(tmp_path))
    assert cohort.kind == "diary"
    assert cohort.frame("participants").rows() == [("01", 50.0, "female"), ("02", 61.5, "male")]
    assert cohort.frame("diary")["cramps"].to_list() == [2, 0, None]
    assert cohort.name == tmp_path.name
    assert [(t.read, t.accepted, t.rejected) for t in cohort.attrition.tables] == [(2, 2, 0), (3, 3, 0)]


class TestLines:
    """A line in the ledger is the line that an editor shows."""

    BAD = "01,2024-01-01,x"

    @pytest.mark.parametrize(
        ("before", "line"),
        [
            ("participant_id,date,cramps\n", 2),
            ("\ufeffparticipant_id,date,cramps\r\n", 2),
            ("\n\nparticipant_id,date,cramps\n", 4),
            ("participant_id,date,cramps\n\n  \n01,2024-01-02,0\n\n", 6),
            ("participant_id,date,cramps\r\n\r\n01,2024-01-02,0\r\n", 4),
            ('participant_id,date,cramps\n"01","2024-01-02","0"\n', 3),
            ('participant_id,date,cramps\n01,2024-01-02,"0\n\n"\n\n', 6),
            ('participant_id,date,"cramps\n"\n', 3),
        ],
        ids=["plain", "bom-crlf", "leading", "blank", "blank-crlf", "quoted", "breaks-in-cell", "break-in-header"],
    )
    @pytest.mark.parametrize("end", ["", "\n", "\n\n"])
    def test_line(self, tmp_path: Path, before: str, line: int, end: str) -> None:
        source = folder(tmp_path, diary_csv=f"{before}{self.BAD}\n02,2024-01-01,1{end}")
        assert ledger(load(source)) == [("diary.csv", line, "cramps", "x", "type")]

    def test_a_row_that_spans_lines_stands_where_it_begins(self, tmp_path: Path) -> None:
        text = 'participant_id,date,cramps,note\n01,2024-01-01,x,"a\nb\nc"\n01,2024-01-02,y,d\n01,2024-01-03,1,e\n'
        assert [row[1] for row in ledger(load(folder(tmp_path, diary_csv=text)))] == [2, 5]

    @given(
        st.lists(st.sampled_from(["", "good", "bad", "multi", "multi-bad"]), max_size=12),
        st.sampled_from(["\n", "\r\n"]),
    )
    def test_lines_are_those_of_the_text(self, rows: list[str], end: str) -> None:
        cells = {
            "": "",
            "good": "01,2024-01-{i:02},1,n",
            "bad": "01,2024-01-{i:02},x,n",
            "multi": '01,2024-01-{i:02},1,"n,' + end + 'n"',
            "multi-bad": '01,2024-01-{i:02},x,"n' + end + end + '"',
        }
        text, bad = f"participant_id,date,cramps,note{end}01,2023-12-31,1,n{end}", []
        for i, row in enumerate(rows, 1):
            if row.endswith("bad"):
                bad.append(text.count("\n") + 1)
            text += cells[row].format(i=i) + end
        with tempfile.TemporaryDirectory() as made:
            loaded = load(folder(Path(made), diary_csv=text))
        assert [row[1] for row in ledger(loaded)] == bad
        assert loaded.cohort.attrition.tables[1].read == 1 + sum(bool(row) for row in rows)


class TestRefusedText:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            (b" \n\n", "diary.csv is empty"),
            ("participant_id,date,cramps\n", "header and no rows"),
            ("participant_id,date\n01,2024-01-01\n", "required column cramps is missing"),
            ("participant_id,date,cramps,cramps\n01,2024-01-01,1,2\n", "'cramps' stands twice"),
            ("participant_id,date,cramps, cramps \n01,2024-01-01,1,2\n", "'cramps' stands twice"),
            (",participant_id,date,cramps\nr,01,2024-01-01,1\n", "column 1 of the header has no name"),
            (NIGHTS + '01,2024-01-05,"1\n01,2024-01-06,1\n', "line 5: a quotation mark"),
            (NIGHTS + '01,2024-01-05,1"\n', "line 5: a quotation mark"),
            (NIGHTS.encode() + b"01,2024-01-05,\x81\n", "line 5, character 15: not UTF-8"),
            (NIGHTS.encode("utf-16-le"), "line 1: the file holds zero bytes"),
            (b"PK\x03\x04" + bytes(30), "looks like a spreadsheet"),
            (b"PAR1" + bytes(30), "looks like a Parquet file"),
            (b"\x1f\x8b" + bytes(30), "looks like a gzip"),
            ("participant_id,date,cramps,__row\n01,2024-01-01,1,1\n", "begins with two underscores"),
            ("participant_id,date,cramps\n01,2024-01-01,x\n02,soon,1\n", "all 2 rows were rejected; the first, line 2"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str | bytes, said: str) -> None:
        message = refusal(folder(tmp_path, diary_csv=text))
        assert said in message
        assert "diary.csv" in message

    def test_zero_bytes(self, tmp_path: Path) -> None:
        folder(tmp_path)
        (tmp_path / "diary.csv").write_bytes(b"")
        assert "diary.csv is empty" in refusal(tmp_path)

    @given(st.binary(max_size=60) | st.text('"\n\r, ab01é', max_size=40).map(str.encode))
    def test_any_bytes_are_read_or_refused(self, content: bytes) -> None:
        for start in (b"", NIGHTS.encode()):
            with tempfile.TemporaryDirectory() as made:
                path = folder(Path(made), diary_csv=start + content)
                try:
                    cohort = load(path).cohort
                except SourceError as error:
                    assert "diary" in str(error)
                else:
                    count = cohort.attrition.tables[1]
                    assert count.read == count.accepted + count.rejected >= 3


@pytest.mark.parametrize(
    ("table", "header", "row"),
    [
        ("participants", "participant_id", "01"),
        ("diary", "participant_id,date,cramps", "01,2024-01-01,1"),
        ("episodes", "participant_id,date,episode", "01,2024-01-01,1"),
        ("labs", "participant_id,date,analyte,value,unit", "01,2024-01-01,serum_sodium,140,mmol/L"),
        ("treatments", "participant_id,start,agent", "01,2024-01-01,magnesium"),
    ],
)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_every_column_that_a_table_needs_is_asked_for(
    tmp_path: Path, table: str, header: str, row: str, form: str
) -> None:
    names = header.split(",")
    frame = pl.DataFrame([row.split(",")], schema=names, orient="row")
    for name in names:
        (tmp_path / name).mkdir()
        made = folder(tmp_path / name)
        (made / f"{table}.csv").unlink(missing_ok=True)
        rest = frame.drop(name) if frame.width > 1 else frame.rename({name: "who"})
        rest.write_csv(made / f"{table}.csv") if form == "csv" else rest.write_parquet(made / f"{table}.parquet")
        assert f"{table}.{form}: the required column {name} is missing" in refusal(made)


class TestForms:
    """The tables of a folder in every form that a program may have given them."""

    @pytest.mark.parametrize(
        ("name", "content"),
        [
            ("diary.tsv", NIGHTS.replace(",", "\t").encode()),
            ("diary.csv", NIGHTS.replace(",", ";").replace("\n", "\r\n").encode("utf-16")),
            ("diary.csv.gz", gzip.compress(NIGHTS.encode(), mtime=0)),
            ("diary.csv.xz", lzma.compress(NIGHTS.encode())),
            ("diary.tsv.zst", pa.compress(NIGHTS.replace(",", "\t").encode(), codec="zstd", asbytes=True)),
            ("Diary.CSV", NIGHTS.encode()),
        ],
    )
    def test_found_by_its_name(self, tmp_path: Path, name: str, content: bytes) -> None:
        folder(tmp_path, diary_csv="")
        (tmp_path / name).write_bytes(content)
        loaded = load(tmp_path)
        assert loaded.ledger.is_empty()
        assert loaded.cohort.frame("diary")["cramps"].to_list() == [2, 0, None]
        assert loaded.cohort.attrition.tables[1].file == name

    def test_named_by_the_descriptor(self, tmp_path: Path) -> None:
        described = {"resources": [{"name": "diary", "path": "raw/nights.csv.gz"}]}
        (tmp_path / "raw").mkdir()
        (tmp_path / "raw/nights.csv.gz").write_bytes(gzip.compress(NIGHTS.encode()))
        assert open_cohort(folder(tmp_path, diary_csv="", datapackage_json=json.dumps(described))).frame("diary").height

    def test_a_descriptor_that_names_what_is_no_table(self, tmp_path: Path) -> None:
        described = {"resources": [{"name": "diary", "path": "diary.xlsx"}]}
        source = folder(tmp_path, diary_csv="", diary_xlsx=b"PK", datapackage_json=json.dumps(described))
        assert "names diary.xlsx; a table ends in .csv, .tsv" in refusal(source)

    def test_two_forms_of_one_table(self, tmp_path: Path) -> None:
        (tmp_path / "diary.csv.gz").write_bytes(gzip.compress(NIGHTS.encode()))
        assert "both diary.csv and diary.csv.gz; keep one" in refusal(folder(tmp_path))


class TestDecimalCommas:
    HEADER = "participant_id;date;cramps;sleep_hours;alcohol_units;mine;note\n"

    def test_numbers_are_numbers_and_the_ledger_shows_the_file(self, tmp_path: Path) -> None:
        nights = self.HEADER + (
            "01;2024-01-01;2,0;7,25;0;1,5;so, so\n01;2024-01-02;0;-1,5;1,5;2;x\n01;2024-01-03;1,5;1.234,5;0,5;3;\n"
        )
        loaded = load(folder(tmp_path, diary_csv=nights))
        diary = loaded.cohort.frame("diary")
        assert diary.select("cramps", "sleep_hours", "alcohol_units", "mine", "note").rows() == [
            (2, 7.25, 0, 1.5, "so, so"),
            (0, None, 1.5, 2, "x"),
        ]
        assert ledger(loaded) == [
            ("diary.csv", 3, "sleep_hours", "-1,5", "range"),
            ("diary.csv", 4, "cramps", "1,5", "type"),
            ("diary.csv", 4, "sleep_hours", "1.234,5", "range"),
        ]

    def test_each_column_has_its_own_mark(self, tmp_path: Path) -> None:
        nights = self.HEADER + "01;2024-01-01;2;7,25;1.5;1;x\n"
        loaded = load(folder(tmp_path, diary_csv=nights))
        assert loaded.cohort.frame("diary").select("sleep_hours", "alcohol_units").rows() == [(7.25, 1.5)]

    def test_commas_and_points_in_one_column_are_refused(self, tmp_path: Path) -> None:
        nights = self.HEADER + "01;2024-01-01;2;7,25;1.5;1;x\n01;2024-01-02;2;7.25;1.5;1;x\n"
        message = refusal(folder(tmp_path, diary_csv=nights))
        assert "diary.csv, column sleep_hours: '7,25' (line 2) and '7.25' (line 3) have different decimal" in message

    def test_a_comma_in_a_text_is_none(self, tmp_path: Path) -> None:
        nights = self.HEADER + "01;2024-01-01;2;7.25;1.5;1;so, so\n01;2024-01-02;0;8;x;2;y\n"
        loaded = load(folder(tmp_path, diary_csv=nights))
        assert loaded.cohort.frame("diary")["sleep_hours"].to_list() == [7.25, 8]
        assert ledger(loaded) == [("diary.csv", 3, "alcohol_units", "x", "type")]

    @pytest.mark.parametrize("rest", ["", "01,2024-01-03,0,,a\n" * 3 + '01,2024-01-04,0,8,"b, c"\n'])
    def test_between_commas(self, tmp_path: Path, rest: str) -> None:
        nights = 'participant_id,date,cramps,sleep_hours,note\n01,2024-01-01,2,"7,5",\n01,2024-01-02,2,7,\n'
        loaded = load(folder(tmp_path, diary_csv=nights + rest))
        assert loaded.cohort.frame("diary")["sleep_hours"].to_list()[:2] == [7.5, 7]
        assert "diary.csv: read with a decimal comma: sleep_hours" in loaded.cohort.attrition.notices

    STEPS = 'participant_id,date,cramps,steps,load\n01,2024-01-01,2,"1,234","1,234"\n01,2024-01-02,2,950,7\n'

    @pytest.mark.parametrize(("field", "steps"), [({"decimalChar": "."}, 1234), ({"groupChar": ","}, 1234)])
    def test_the_descriptor_tells_what_is_open(self, tmp_path: Path, field: dict[str, str], steps: float) -> None:
        fields = [{"name": "steps", "type": "integer", **field}, {"name": "load", "type": "number", "decimalChar": ","}]
        described = {"resources": [{"name": "diary", "path": "diary.csv", "schema": {"fields": fields}}]}
        source = folder(tmp_path, diary_csv=self.STEPS, datapackage_json=json.dumps(described))
        assert load(source).cohort.frame("diary").select("steps", "load").rows() == [(steps, 1.234), (950, 7)]

    def test_what_nobody_told_is_refused(self, tmp_path: Path) -> None:
        source = folder(tmp_path, diary_csv=self.STEPS)
        message = refusal(source)
        assert "column steps: '1,234' (line 2) may have a decimal comma or a mark between thousands" in message
        assert f"package:{source}?decimal=, or package:{source}?decimal=." in message
        assert load(f"package:{source}?decimal=.").cohort.frame("diary")["steps"].to_list() == [1234, 950]

    def test_another_mark_in_the_descriptor_is_refused(self, tmp_path: Path) -> None:
        fields = [{"name": "steps", "decimalChar": "'"}]
        described = {"resources": [{"name": "diary", "path": "diary.csv", "schema": {"fields": fields}}]}
        message = refusal(folder(tmp_path, diary_csv=self.STEPS, datapackage_json=json.dumps(described)))
        assert 'decimalChar of diary.steps is "\'"; allowed: . and ,' in message


class TestDates:
    MIDNIGHTS = ("2024-01-01 00:00:00", "2024-01-02T00:00:00", "2024-01-03 00:00", "2024-01-04T00:00:00.000")

    @pytest.mark.parametrize("stored", ["csv", "text", "datetime"])
    def test_midnight_is_a_date(self, tmp_path: Path, stored: str) -> None:
        cells: list[Any] = list(self.MIDNIGHTS)
        if stored == "datetime":
            cells = [datetime(2024, 1, day) for day in range(1, 5)]
        frame = pl.DataFrame({"participant_id": ["01"] * 4, "date": cells, "cramps": [1] * 4})
        if stored == "csv":
            source = folder(tmp_path, diary_csv=frame.write_csv())
        else:
            source = folder(tmp_path, diary_csv="", diary_parquet=frame)
        loaded = load(source)
        assert loaded.cohort.frame("diary")["date"].to_list() == [date(2024, 1, day) for day in range(1, 5)]
        assert ledger(loaded) == []

    def test_another_time_of_day_or_a_midnight_with_a_zone_is_none(self, tmp_path: Path) -> None:
        nights = NIGHTS + "01,2024-01-05 00:00:01,1\n01,2024-01-06 23:10,1\n01,2024-01-07T00:00:00Z,1\n"
        loaded = load(folder(tmp_path, diary_csv=nights))
        assert [row[1] for row in ledger(loaded)] == [5, 6, 7]
        told = loaded.ledger["hint"].to_list()
        assert all("it has a time of day" in hint and "clock: {date: timestamp}" in hint for hint in told[:2])
        assert "distance from UTC" in told[2]

    def test_another_or_a_mixed_format_is_refused_cell_by_cell(self, tmp_path: Path) -> None:
        nights = NIGHTS + "01,05.01.2024,1\n01,01/06/2024,1\n01,2024-1-7,1\n01,2024-01-08,1\n01,2024-02-30,1\n"
        loaded = load(folder(tmp_path, diary_csv=nights))
        assert [row[1:4] for row in ledger(loaded)] == [
            (5, "date", "05.01.2024"),
            (6, "date", "01/06/2024"),
            (7, "date", "2024-1-7"),
            (9, "date", "2024-02-30"),
        ]
        assert all("mapping" in hint for hint in loaded.ledger["hint"][:3])

    @pytest.mark.parametrize("onset", ["2024-01-01T02:00+01:00", "2024-01-01T02:00:00Z", "2024-01-01T02:00+0100"])
    def test_a_time_with_a_zone_is_refused_with_a_reason(self, tmp_path: Path, onset: str) -> None:
        episodes = f"participant_id,date,episode,onset\n01,2024-01-01,1,{onset}\n"
        loaded = load(folder(tmp_path, episodes_csv=episodes))
        refused = loaded.ledger.filter(pl.col("column") == "onset")
        assert refused.select("line", "value", "rule").rows() == [(2, onset, "type")]
        assert "local clock time" in refused["hint"][0]


class TestRefusedFolder:
    def test_not_there(self, tmp_path: Path) -> None:
        assert "there is no folder" in refusal(tmp_path / "x")

    def test_a_file(self, tmp_path: Path) -> None:
        said = refusal(folder(tmp_path) / "diary.csv")
        assert f"one table of a study; give the folder that holds it: {tmp_path}" in said

    def test_no_table(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("x")
        assert "found notes.txt" in refusal(tmp_path)

    def test_no_participants(self, tmp_path: Path) -> None:
        assert "no table participants" in refusal(folder(tmp_path, participants_csv=""))

    def test_no_diary_and_no_design(self, tmp_path: Path) -> None:
        message = refusal(folder(tmp_path, diary_csv="", dairy_csv=NIGHTS))
        assert "no table diary" in message
        assert "no survey design" in message

    def test_both_formats(self, tmp_path: Path) -> None:
        source = folder(tmp_path, diary_parquet=pl.DataFrame({"x": [1]}))
        assert "both diary.csv and diary.parquet; keep one" in refusal(source)

    def test_text_called_parquet(self, tmp_path: Path) -> None:
        assert "not what its name says" in refusal(folder(tmp_path, diary_csv="", diary_parquet=NIGHTS))

    def test_a_column_of_a_parquet_file_without_a_name(self, tmp_path: Path) -> None:
        nameless = pl.DataFrame({"participant_id": ["1"], "": [1]})
        assert "column 2 has no name" in refusal(folder(tmp_path, diary_csv="", diary_parquet=nameless))

    @pytest.mark.parametrize("dtype", [pl.Date(), pl.Datetime("ms"), pl.Datetime("us", "UTC")])
    @pytest.mark.parametrize("number", [2**31 - 1, -(2**31)])
    def test_days_of_no_calendar(self, tmp_path: Path, dtype: pl.DataType, number: int) -> None:
        """Of such a day polars makes no text: it would panic when somebody shows it."""
        each = 1 if dtype == pl.Date() else 2**31
        odd = pl.DataFrame({"participant_id": ["1", "2"], "date": pl.Series([None, number]).cast(pl.Int64)})
        odd = odd.with_columns((pl.col("date") * each).cast(pl.Int32 if each == 1 else pl.Int64).cast(dtype))
        source = folder(tmp_path, diary_csv="", diary_parquet=odd)
        assert "'date' holds a date outside the years 1 to 9999" in refusal(source)

    def test_a_column_of_two_tables_is_named_with_its_files(self, tmp_path: Path) -> None:
        source = folder(tmp_path, diary_csv="participant_id,date,cramps,mood\n1,2025-03-01,1,x\n")
        people = "participant_id,age_years,sex,mood\n1,50,female,x\n"
        (source / "participants.csv").write_text(people)
        assert "participants.csv and diary.csv: the column 'mood' stands in" in refusal(source)

    def test_a_cut_parquet_file(self, tmp_path: Path) -> None:
        whole = folder(tmp_path, diary_csv="", diary_parquet=pl.DataFrame({"x": [1]})) / "diary.parquet"
        whole.write_bytes(whole.read_bytes()[:40])
        assert "cannot be read as Parquet" in refusal(tmp_path)

    def test_an_unknown_kind_of_source(self) -> None:
        with pytest.raises(SourceError, match="unknown kind of source 'redcup'"):
            load("redcup:x")


class TestDescriptor:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("{", "not a data package descriptor"),
            (b"\xff{}", "not a data package descriptor"),
            ("[]", "the descriptor must be an object"),
            ("{}", "resources must be a list"),
            ('{"resources": [1]}', "a resource must be an object"),
            ('{"resources": [{"path": "x.csv"}]}', "the name of a resource must be a text"),
            ('{"resources": [{"name": "diary"}]}', "the path of diary must be a text"),
            ('{"resources": [{"name": "diary", "path": []}]}', "the path of diary is an empty list"),
            ('{"resources": [{"name": "diary", "path": ["diary.csv", 3]}]}', "the path of diary must be a text"),
            ('{"resources": [{"name": "diary", "path": ["diary.csv", "b.csv"]}]}', "names b.csv, which is not there"),
            ('{"resources": [{"name": "diary", "path": ["diary.csv", "../b.csv"]}]}', "leaves the folder"),
            ('{"resources": [{"name": "diary", "path": ["diary.csv", "diary.csv"]}]}', "names diary.csv twice"),
            ('{"resources": [{"name": "diary", "path": "none.csv"}]}', "names none.csv, which is not there"),
            ('{"resources": [{"name": "diary", "path": "."}]}', "which is not there"),
            ('{"resources": [{"name": "diary", "path": "../diary.csv"}]}', "leaves the folder"),
            ('{"resources": [{"name": "diary", "path": "x/../../diary.csv"}]}', "leaves the folder"),
            ('{"resources": [{"name": "diary", "path": "..\\\\diary.csv"}]}', "leaves the folder"),
            ('{"resources": [{"name": "diary", "path": "/etc/passwd"}]}', "leaves the folder"),
            ('{"resources": [{"name": "diary", "path": "http://x/diary.csv"}]}', "leaves the folder"),
            (
                '{"resources": [{"name": "diary", "path": "diary.csv"}, {"name": "diary", "path": "diary.csv"}]}',
                "twice",
            ),
            ('{"resources": [{"name": "diary", "path": "diary.csv", "schema": "s.json"}]}', "schema of diary"),
            ('{"resources": [{"name": "diary", "path": "diary.csv", "schema": {"fields": [{}]}}]}', "name of a field"),
            ('{"resources": [], "crampstudy": 3}', "crampstudy must be an object"),
            (described(kind="cohort"), "allowed: diary, survey"),
            (described(synthetic="no"), "crampstudy.synthetic must be true or false"),
            (described(as_of="2024-13-01"), "not a date"),
            (described(as_of=5), "not a date"),
            (described(window=["2024-01-01"]), "the first and the last night"),
            (described(window=["2024-02-01", "2024-01-01"]), "the first and the last night"),
            (described(kind="survey", design={}), "design.weights must be an object"),
            (described(kind="survey", design={"weights": {"mec": "w"}}), "'mec'; allowed: interview, exam"),
            (described(kind="survey", design={"weights": {}}), "no survey design"),
            (
                described(kind="survey", design={"weights": {}, "top_coded_age": "85"}, as_of="2024-01-01"),
                "whole years",
            ),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str | bytes, said: str) -> None:
        message = refusal(folder(tmp_path, datapackage_json=text))
        assert said in message
        assert "datapackage.json" in message

    def test_a_folder_in_its_place(self, tmp_path: Path) -> None:
        (folder(tmp_path) / "datapackage.json").mkdir()
        assert "not a data package descriptor" in refusal(tmp_path)

    def test_paths_types_titles_and_missing_values(self, tmp_path: Path) -> None:
        fields = [{"name": "centre", "type": "integer", "title": "Centre"}]
        resource = {
            "name": "participants",
            "path": "tables/people.csv",
            "schema": {"fields": fields, "missingValues": ["", "NA"]},
        }
        (tmp_path / "tables").mkdir()
        (tmp_path / "tables/people.csv").write_text(
            "participant_id,age_years,sex,centre\n01,NA,female,1\n02,50,male,one\n"
        )
        (tmp_path / "datapackage.json").write_text(json.dumps({"resources": [resource]}), encoding="utf-8-sig")
        loaded = load(folder(tmp_path, participants_csv=""))
        people = loaded.cohort.frame("participants")
        assert people["age_years"].to_list() == [None, 50]
        assert people["centre"].to_list() == [1, None]
        assert ledger(loaded) == [("people.csv", 3, "centre", "one", "type")]

    def test_the_window(self, tmp_path: Path) -> None:
        source = folder(tmp_path, datapackage_json=described(window=["2024-01-02", "2024-01-31"]))
        loaded = load(source)
        assert [row[1:] for row in ledger(loaded)] == [
            (2, "date", "2024-01-01", "window"),
            (4, "date", "2024-01-01", "window"),
        ]
        assert loaded.cohort.frame("diary").height == 1

    def test_what_is_left_out_is_said(self, tmp_path: Path) -> None:
        text = json.dumps({"resources": [{"name": "weather", "path": "weather.csv"}]})
        notices = open_cohort(folder(tmp_path, datapackage_json=text, dairy_csv=NIGHTS)).attrition.notices
        assert any("no table weather" in notice for notice in notices)
        assert any("dairy.csv is none of the tables" in notice for notice in notices)


class TestOwnColumns:
    @pytest.mark.parametrize(
        ("cells", "dtype", "first"),
        [
            (("true", "False"), pl.Boolean(), True),
            (("0", "1"), pl.Int64(), 0),
            (("1.0", "-2"), pl.Int64(), 1),
            (("1.5", "2"), pl.Float64(), 1.5),
            (("9007199254740993", "1"), pl.Int64(), 9007199254740993),
            (("01", "12"), pl.String(), "01"),
            (("0.5", "0"), pl.Float64(), 0.5),
            (("NaN", "1"), pl.Int64(), None),
            (("NA", "north"), pl.String(), None),
            (("2024-01-05", ""), pl.Date(), date(2024, 1, 5)),
            (("24-01-05", "24-01-06"), pl.String(), "24-01-05"),
            (("2024-01-05T23:10", "2024-01-05 23:10:05.25"), pl.Datetime("us"), datetime(2024, 1, 5, 23, 10)),
            (("", ""), pl.String(), None),
        ],
    )
    def test_inferred_from_text(self, tmp_path: Path, cells: tuple[str, str], dtype: pl.DataType, first: Any) -> None:
        text = f"participant_id,age_years,sex,mine\n01,50,female,{cells[0]}\n02,60,male,{cells[1]}\n"
        cohort = open_cohort(folder(tmp_path, participants_csv=text))
        mine = cohort.frame("participants")["mine"]
        assert mine.dtype == dtype
        assert mine[0] == first
        assert any("does not know the column mine" in notice for notice in cohort.attrition.notices)

    @pytest.mark.parametrize(
        ("values", "dtype"),
        [
            (pl.Series([0, 1], dtype=pl.Int8), pl.Int64()),
            (pl.Series([0.5, 1], dtype=pl.Float32), pl.Float64()),
            (pl.Series([True, None]), pl.Boolean()),
            (pl.Series(["a", "b"], dtype=pl.Categorical), pl.String()),
            (pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])), pl.String()),
            (pl.Series([None, None], dtype=pl.Null), pl.String()),
            (pl.Series([datetime(2024, 1, 1, 3), None]), pl.Datetime("us")),
        ],
    )
    def test_inferred_from_parquet(self, tmp_path: Path, values: pl.Series, dtype: pl.DataType) -> None:
        people = pl.DataFrame(
            {"participant_id": ["01", "02"], "age_years": [50.0, 60.0], "sex": ["male", "female"], "mine": values}
        )
        loaded = load(folder(tmp_path, participants_csv="", participants_parquet=people))
        assert loaded.cohort.frame("participants")["mine"].dtype == dtype
        assert loaded.ledger.is_empty()

    def test_a_nested_column_is_refused(self, tmp_path: Path) -> None:
        people = pl.DataFrame({"participant_id": ["01"], "age_years": [50.0], "sex": ["male"], "mine": [[1, 2]]})
        message = refusal(folder(tmp_path, participants_csv="", participants_parquet=people))
        assert "'mine' has type List" in message

    @pytest.mark.parametrize(("column", "said"), [("age_band", "derived"), ("cramps", "in participants and in diary")])
    def test_a_name_that_is_taken(self, tmp_path: Path, column: str, said: str) -> None:
        text = f"participant_id,age_years,sex,{column}\n01,50,female,1\n02,60,male,1\n"
        assert said in refusal(folder(tmp_path, participants_csv=text))


class TestParquetTypes:
    """A column in another type is taken only where nothing has to be read into it."""

    def nights(self, **columns: pl.Series) -> pl.DataFrame:
        first = [date(2024, 1, 1), date(2024, 1, 2)]
        return pl.DataFrame({"participant_id": ["01", "01"], "date": first, "cramps": [1, 2]} | columns)

    @pytest.mark.parametrize(
        ("column", "values", "expected"),
        [
            ("participant_id", pl.Series(["01", " 01 "], dtype=pl.Categorical), ["01", "01"]),
            ("date", pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2)], dtype=pl.Datetime("ns")), None),
            ("date", pl.Series(["2024-01-01", "2024-01-02"]), None),
            ("cramps", pl.Series([1.0, 2.0]), [1, 2]),
            ("cramps", pl.Series([1, 2], dtype=pl.UInt8), [1, 2]),
            ("cramps", pl.Series(["1", "2"]), [1, 2]),
            ("sleep_hours", pl.Series([7, 8], dtype=pl.Int32), [7.0, 8.0]),
            ("sleep_hours", pl.Series(["7", ""]), [7.0, None]),
            ("warm_up", pl.Series(["true", "FALSE"]), [True, False]),
        ],
    )
    def test_taken(self, tmp_path: Path, column: str, values: pl.Series, expected: list[Any] | None) -> None:
        loaded = load(folder(tmp_path, diary_csv="", diary_parquet=self.nights(**{column: values})))
        assert loaded.ledger.is_empty()
        assert loaded.cohort.frame("diary")[column].to_list() == (expected or self.nights()["date"].to_list())

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            ("date", pl.Series([datetime(2024, 1, 1), datetime(2024, 1, 2, 23, 30)])),
            ("cramps", pl.Series([1.0, 2.5])),
            ("cramps", pl.Series([1.0, float("nan")])),
            ("sleep_hours", pl.Series([7.0, float("nan")])),
            ("sleep_hours", pl.Series([7.0, float("inf")])),
        ],
    )
    def test_one_cell_does_not_fit(self, tmp_path: Path, column: str, values: pl.Series) -> None:
        loaded = load(folder(tmp_path, diary_csv="", diary_parquet=self.nights(**{column: values})))
        assert loaded.ledger.select("line", "column").rows() == [(2, column)]

    @pytest.mark.parametrize(
        ("column", "values"),
        [
            ("warm_up", pl.Series([0, 2])),
            ("warm_up", pl.Series([0, 1])),
            ("sleep_hours", pl.Series([True, False])),
            ("sleep_hours", pl.Series([date(1970, 1, 2), date(1970, 1, 3)])),
        ],
    )
    def test_no_cell_fits(self, tmp_path: Path, column: str, values: pl.Series) -> None:
        loaded = load(folder(tmp_path, diary_csv="", diary_parquet=self.nights(**{column: values})))
        assert loaded.cohort.frame("diary")[column].to_list() == [None, None]
        assert loaded.ledger["rule"].to_list() == ["type", "type"]

    @pytest.mark.parametrize("values", [pl.Series([20240101, 20240102]), pl.Series([True, False])])
    @pytest.mark.parametrize("column", ["date", "cramps"])
    def test_numbers_are_no_dates_and_answers_no_counts(self, tmp_path: Path, column: str, values: pl.Series) -> None:
        if column == "cramps" and values.dtype != pl.Boolean:
            values = values.cast(pl.String) + "?"
        assert "all 2 rows were rejected" in refusal(
            folder(tmp_path, diary_csv="", diary_parquet=self.nights(**{column: values}))
        )

    def test_numeric_identifiers_meet(self, tmp_path: Path) -> None:
        """A gap turns whole numbers into floats; 17.0 is still participant 17."""
        people = pl.DataFrame({"participant_id": [17, 18], "age_years": [50, 60], "sex": ["male", "female"]})
        nights = self.nights(participant_id=pl.Series([17.0, 18.0]))
        cohort = open_cohort(
            folder(tmp_path, participants_csv="", diary_csv="", participants_parquet=people, diary_parquet=nights)
        )
        assert cohort.frame("participants")["participant_id"].to_list() == ["17", "18"]
        assert cohort.frame("diary").height == 2


FULL: dict[str, pl.DataFrame] = {
    "participants": pl.DataFrame(
        {
            "participant_id": ["01", 'ü,"2"'],
            "age_years": [50.0, None],
            "sex": ["male", "female"],
            "site\nof care": ["a\r\nb", None],
            "seen": [datetime(2024, 1, 1, 3, 4, 5, 600), datetime(2024, 1, 1)],
        }
    ),
    "diary": pl.DataFrame({"participant_id": ["01"], "date": [date(2024, 1, 1)], "cramps": [1], "steps": [None]}).cast(
        {"steps": pl.Int64}
    ),
    "episodes": pl.DataFrame(
        {"participant_id": ["01"], "date": [date(2024, 1, 1)], "episode": [1], "onset": [datetime(2024, 1, 2, 3, 0)]}
    ),
    "labs": pl.DataFrame(
        {
            "participant_id": ["01"],
            "date": [date(2023, 1, 1)],
            "analyte": ["serum_magnesium"],
            "value": [0.1 + 0.7],
            "unit": ["mmol/L"],
        }
    ),
    "treatments": pl.DataFrame(
        {"participant_id": ["01"], "start": [date(2024, 1, 1)], "agent": ["placebo"], "randomised": [True]}
    ),
}


@pytest.mark.parametrize("format", ["csv", "parquet"])
class TestRoundTrip:
    def test_every_table(self, tmp_path: Path, format: package.Format) -> None:
        cohort = Cohort("my study", "diary", FULL, synthetic=True)
        package.write(cohort, tmp_path / "x", format, {"truth.json": b"{}"})
        back = load(tmp_path / "x")
        assert back.ledger.is_empty()
        assert back.cohort.attrition.notices == ()
        assert (back.cohort.name, back.cohort.synthetic, back.cohort.digest) == ("my study", True, cohort.digest)
        for name, table in FULL.items():
            assert back.cohort.frame(name).equals(table)
        assert (tmp_path / "x/truth.json").read_bytes() == b"{}"

    def test_a_survey(self, tmp_path: Path, format: package.Format) -> None:
        people = pl.DataFrame(
            {
                "participant_id": ["1", "2"],
                "age_years": [50.0, 85.0],
                "sex": ["male", "female"],
                "weight_interview": [1234.5678901234567, 1 / 3],
                "stratum": [1, 1],
                "psu": [1, 2],
                "recalled_low": [2, 16],
                "recalled_high": [4, None],
            }
        )
        design = SurveyDesign(("D", "E"), {"interview": "weight_interview"}, top_coded_age=85)
        cohort = Cohort("s", "survey", {"participants": people}, design, as_of=date(2008, 12, 31))
        package.write(cohort, tmp_path / "x", format)
        back = open_cohort(tmp_path / "x")
        assert back.design == design
        assert back.date_of_data == date(2008, 12, 31)
        assert back.digest == cohort.digest

    def test_a_foreign_file_stops_it(self, tmp_path: Path, format: package.Format) -> None:
        (tmp_path / "notes.txt").write_text("mine")
        with pytest.raises(UsageError, match=r"holds notes\.txt"):
            package.write(Cohort("x", "diary", FULL), tmp_path, format)
        assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]

    def test_a_package_is_replaced_unless_it_was_touched(self, tmp_path: Path, format: package.Format) -> None:
        cohort, target = Cohort("x", "diary", FULL), tmp_path / "x"
        assert package.write(cohort, target, format) is None
        first = {p.name: p.read_bytes() for p in target.iterdir()}
        assert package.write(cohort, target, format) is None
        assert {p.name: p.read_bytes() for p in target.iterdir()} == first
        described = json.loads(first["datapackage.json"])
        edits = {
            f"diary.{format}": first[f"diary.{format}"] + b"\n",
            "corrections.yaml": b"version: 1\n",
            "datapackage.json": json.dumps({**described, "title": "by hand"}).encode(),
            f"labs.{format}": b"",
        }
        for number, (name, content) in enumerate(edits.items(), 1):
            (target / name).write_bytes(content)
            with pytest.raises(FolderTaken, match=name.replace(".", r"\.")):
                package.write(cohort, target, format)
            assert (target / name).read_bytes() == content
            kept = package.write(cohort, target, format, force=True)
            assert kept == tmp_path / f"x.old-{number}" and (kept / name).read_bytes() == content
            assert {p.name: p.read_bytes() for p in target.iterdir()} == first

    def test_a_study_kept_by_hand_is_never_replaced(self, tmp_path: Path, format: package.Format) -> None:
        study = folder(tmp_path)
        before = {p.name: p.read_bytes() for p in study.iterdir()}
        with pytest.raises(FolderTaken, match="did not write"):
            package.write(Cohort("x", "diary", FULL), study, format)
        for descriptor in (
            b"{",
            b"[]",
            b'{"crampstudy": {"written": []}}',
            b'{"crampstudy": {"written": {"files": 1}}}',
        ):
            (study / "datapackage.json").write_bytes(descriptor)
            with pytest.raises(FolderTaken, match="did not write"):
                package.write(Cohort("x", "diary", FULL), study, format)
        assert {name: (study / name).read_bytes() for name in before} == before

    def test_name_and_title_are_kept(self, tmp_path: Path, format: package.Format) -> None:
        package.write(Cohort("../x", "diary", FULL, title="北 of x"), tmp_path / "x", format)
        back = open_cohort(tmp_path / "x")
        assert (back.name, back.title, back.heading) == ("../x", "北 of x", "北 of x")
        assert Cohort("x", "diary", FULL).heading == "x"

    @settings(max_examples=40)
    @given(data=st.data())
    def test_digest_survives(self, format: package.Format, data: st.DataObject) -> None:
        cohort = data.draw(cohorts())
        with tempfile.TemporaryDirectory() as made:
            package.write(cohort, Path(made), format)
            back = load(made)
        # A warning, such as of identifiers that are nearly the same, changes nothing.
        assert set(back.ledger["severity"]) <= {"warn"}
        assert back.cohort.digest == cohort.digest


def test_an_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="allowed: csv, parquet"):
        package.write(Cohort("x", "diary", FULL), tmp_path, "xlsx")  # type: ignore[arg-type]


# A text that is a mark of a missing value is a missing cell when it is read.
TEXTS = st.text(string.printable + 'é\u2028"', min_size=1, max_size=8).map(
    lambda text: pl.Series([text]).str.strip_chars().item()
).filter(lambda text: text and text not in MARKS)  # fmt: skip


@st.composite
def cohorts(draw: st.DrawFn) -> Cohort:
    """A diary cohort with columns of its own in every type, some cells missing."""
    ids = draw(st.lists(TEXTS, min_size=1, max_size=4, unique=True))
    n = len(ids)

    def column(cells: st.SearchStrategy[Any], rows: int) -> list[Any]:
        return draw(st.lists(st.none() | cells, min_size=rows, max_size=rows))

    own: dict[str, tuple[pl.DataType, st.SearchStrategy[Any]]] = {
        "own_text": (pl.String(), TEXTS),
        "own_real": (pl.Float64(), st.floats(allow_nan=False, allow_infinity=False)),
        "own_whole": (pl.Int64(), st.integers(-(2**63), 2**63 - 1)),
        "own_yes": (pl.Boolean(), st.booleans()),
        "own_day": (pl.Date(), st.dates()),
        "own_time": (pl.Datetime("us"), st.datetimes()),
    }
    people = pl.DataFrame(
        {"participant_id": ids, "age_years": column(st.floats(0, 120), n), "sex": column(st.just("male"), n)}
        | {name: column(cells, n) for name, (_, cells) in own.items()},
        schema_overrides={"age_years": pl.Float64(), "sex": pl.String()} | {k: dtype for k, (dtype, _) in own.items()},
    )
    nights = draw(st.lists(st.tuples(st.sampled_from(ids), st.dates()), min_size=1, max_size=6, unique=True))
    diary = pl.DataFrame(
        {
            "participant_id": [who for who, _ in nights],
            "date": [night for _, night in nights],
            "cramps": column(st.integers(0, 200), len(nights)),
        },
        schema_overrides={"cramps": pl.Int64()},
    )
    return Cohort("x", "diary", {"participants": people, "diary": diary})


@given(st.lists(st.text('ab \t\u00a0"\x0b-', max_size=4), min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_cells_are_trimmed_and_empty_ones_missing(cells: list[str], end: str) -> None:
    quoted = ['"' + cell.replace('"', '""') + '"' if '"' in cell else cell for cell in cells]
    rows = [f"01,2024-01-{day:02},1,{cell}" for day, cell in enumerate(quoted, 1)]
    text = end.join(["participant_id,date,cramps,note", "01,2023-12-31,1,text", *rows])
    marked = {"name": "diary", "path": "diary.csv", "schema": {"missingValues": ["", "-"]}}
    with tempfile.TemporaryDirectory() as made:
        source = folder(Path(made), diary_csv=text, datapackage_json=json.dumps({"resources": [marked]}))
        notes = open_cohort(source).frame("diary")["note"].to_list()
    assert notes[1:] == [None if cell.strip() in ("", "-") else cell.strip() for cell in cells]
