"""One way to name a source: a folder, a file that shows what it is, or kind:path?option=value."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from crampstudy import open_cohort
from crampstudy.codebook import dictionary
from crampstudy.errors import SourceError
from crampstudy.sources import Address, load, read
from crampstudy.sources.address import KINDS, with_unlogged
from crampstudy.sources.readers import READERS

ROWS = "participant_id,age_years,sex,date,cramps\n007,71,female,2024-03-01,2\n007,71,female,2024-03-02,0\n"
MAPPING = """version: 1
name: {name}
clock: {{date: evening}}
tables:
  participants:
    rows: {{distinct: true}}
    columns: {{participant_id: participant_id, age_years: age_years, sex: sex}}
  diary:
    columns: {{participant_id: participant_id, date: date, cramps: cramps}}
"""


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same nights as a folder, as one file with a mapping, and as a workbook."""
    package = tmp_path / "study"
    package.mkdir()
    (package / "participants.csv").write_text("participant_id,age_years,sex\n007,71,female\n", encoding="utf-8")
    nights = "participant_id,date,cramps\n007,2024-03-01,2\n007,2024-03-02,0\n"
    (package / "diary.csv").write_text(nights, encoding="utf-8")
    (tmp_path / "wide.csv").write_text(ROWS, encoding="utf-8")
    (tmp_path / "m.yaml").write_text(MAPPING.format(name="wide"), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def book(study: Path) -> Path:
    openpyxl = pytest.importorskip("openpyxl")
    workbook = openpyxl.Workbook()
    for line in ROWS.splitlines():
        workbook.active.append(line.split(","))
    workbook.save(study / "book.xlsx")
    return study / "book.xlsx"


def test_the_same_nights_are_the_same_cohort_from_every_kind(study: Path, book: Path) -> None:
    sources = ["study", "package:study", "mapped:wide.csv?mapping=m.yaml", "book.xlsx", "excel:book.xlsx"]
    sources += ["excel:book.xlsx?mapping=m.yaml", "mapped:book.xlsx?mapping=m.yaml"]
    assert len({open_cohort(source).digest for source in sources}) == 1


def test_a_statistical_file_is_told_by_its_ending_and_takes_a_mapping(study: Path) -> None:
    import pandas as pd
    import pyreadstat

    table = pd.read_csv(study / "wide.csv", dtype={"participant_id": str})
    pyreadstat.write_sav(table, str(study / "wide.sav"))
    digest = open_cohort("study").digest
    for source in ("wide.sav", "stat:wide.sav", "stat:wide.sav?mapping=m.yaml", "wide.sav?mapping=m.yaml"):
        assert open_cohort(source).digest == digest, source


def test_a_source_made_absolute_holds_in_any_folder(study: Path, book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = open_cohort("study").digest
    named = ["study", "package:study", "study?short=empty", "mapped:wide.csv?mapping=m.yaml", book.name]
    named += ["excel:book.xlsx?mapping=m.yaml", "book.xlsx?mapping=./m.yaml"]
    (study / "r.csv").write_text(
        "participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,date,cramps\n007,,,71,female,,\n"
        "007,diary,1,,,2024-03-01,2\n007,diary,2,,,2024-03-02,0\n"
    )
    (study / "d.csv").write_text(dictionary.redcap())
    export = open_cohort("redcap:r.csv?dictionary=d.csv").digest
    made = [str(Address.parse(source).absolute()) for source in named]
    elsewhere = str(Address.parse("redcap:r.csv?dictionary=d.csv").absolute())
    assert elsewhere == f"redcap:{study.resolve()}/r.csv?dictionary={study.resolve()}/d.csv"
    monkeypatch.chdir("/")
    assert {open_cohort(source).digest for source in made} == {digest}
    assert open_cohort(elsewhere).digest == export


def test_relative_and_absolute_paths_and_path_objects(study: Path) -> None:
    digest = open_cohort("study").digest
    assert open_cohort(study / "study").digest == digest
    assert open_cohort(Path("study")).digest == digest
    assert open_cohort(f"mapped:{study}/wide.csv?mapping={study}/m.yaml").digest == digest
    assert open_cohort("mapped:./study/../wide.csv?mapping=./m.yaml").digest == digest


def test_characters_of_a_path_are_its_own(study: Path) -> None:
    """A question mark, a colon, a plus and a per cent sign may stand in names of files."""
    digest = open_cohort("study").digest
    (study / "study").rename(study / "what? a:study")
    assert open_cohort("what? a:study").digest == digest
    assert open_cohort("package:what? a:study").digest == digest
    (study / "wide.csv").rename(study / "w?x=1.csv")
    (study / "m.yaml").rename(study / "a+b%20?.yaml")
    assert open_cohort("mapped:w?x=1.csv?mapping=a+b%20?.yaml").digest == digest


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("study", "package:study"),
        ("package:study?missing=-99,NI&short=empty", "package:study?missing=-99,NI&short=empty"),
        ("wide.csv?unlogged=zero", "package:wide.csv?unlogged=zero"),
        ("nhanes:none/here?cycles=D,E", "nhanes:none/here?cycles=D,E"),
        ("mapped:w?x=1.csv?mapping=a+b%20?.yaml", "mapped:w?x=1.csv?mapping=a+b%20?.yaml"),
        ("book.xlsx?mapping=m.yaml", "excel:book.xlsx?mapping=m.yaml"),
        ("redcap:r.csv?dictionary=d.csv&missing=cramps:99", "redcap:r.csv?dictionary=d.csv&missing=cramps:99"),
    ],
)
def test_an_address_is_printed_as_it_is_parsed(study: Path, source: str, written: str) -> None:
    (study / "w?x=1.csv").write_text(ROWS, encoding="utf-8")
    if source.startswith("wide.csv"):
        (study / "wide.csv").unlink()
        (study / "wide.csv").mkdir()
    address = Address.parse(source)
    assert str(address) == written
    assert Address.parse(written) == address == Address.parse(address)


def test_what_an_address_states_takes_the_place_of_what_it_said(study: Path) -> None:
    address = Address.parse("study?missing=99&unlogged=zero")
    assert str(address.stating({"missing": "-1", "observed_from": "2024-03-01"})) == (
        "package:study?missing=-1&unlogged=zero&observed_from=2024-03-01"
    )
    assert address.reading == {"missing": "99"} and address.package_folder == Path("study")
    assert Address.parse("study?short=empty").package_folder is None
    assert with_unlogged("study", {}) == "study"


def test_an_address_is_identified_from_a_folder_and_titled_without_the_machine(study: Path) -> None:
    address = Address.parse("mapped:wide.csv?mapping=m.yaml&missing=99")
    assert address.identity(study / "report") == "mapped\n../wide.csv\nmapping=../m.yaml\nmissing=99"
    assert address.absolute().identity(study / "report") == address.identity(study / "report")
    assert address.title == "mapped:wide.csv"


@pytest.mark.parametrize("text", ["C:\\data\\study", "D:/study"])
def test_a_drive_is_not_a_kind(text: str) -> None:
    with pytest.raises(SourceError, match="there is no folder"):
        read(text)


def test_a_drive_after_a_kind_is_part_of_the_path(study: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*C:\\w\.csv"):
        read("mapped:C:\\w.csv?mapping=m.yaml")


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("redcup:x.csv", r"unknown kind of source 'redcup' .*; did you mean redcap\? allowed: FOLDER, nhanes:"),
        ("mapped:wide.csv", r"say how to read it: mapped:wide\.csv\?mapping=M\.yaml"),
        ("mapped:wide.csv?map=m.yaml", r"mapped has no option 'map'; allowed: mapping, missing, .*e\.g\. mapped:FILE"),
        ("mapped:wide.csv?mapping=", r"the option mapping of mapped is empty"),
        ("mapped:?mapping=m.yaml", r"names no path; write mapped:FILE"),
        ("mapped:none.csv?mapping=m.yaml", r"there is no file none\.csv"),
        ("mapped:wide.csv?mapping=none.yaml", r"there is no mapping file none\.yaml"),
        ("package:study?cycles=D", r"package has no option 'cycles'; allowed: missing, .*e\.g\. FOLDER"),
        ("nhanes:study?cycle=D", r"nhanes has no option 'cycle'; did you mean cycles\? allowed: cycles"),
        ("wide.csv", r"not yet a study; make one of it: crampstudy try wide\.csv --out my-study \(.*redcap:wide\.csv"),
        ("redcap:none.csv", r"there is no REDCap export none\.csv"),
        ("book.xls", r"book\.xls"),
        ("none", r"there is no folder none"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(study: Path, source: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        read(source)


def test_a_mapping_is_given_once(study: Path) -> None:
    mapping = Path("m.yaml")
    assert load("wide.csv", mapping).cohort.digest == load("mapped:wide.csv", mapping).cohort.digest
    with pytest.raises(SourceError, match="names one already"):
        load("mapped:wide.csv?mapping=m.yaml", mapping)
    with pytest.raises(SourceError, match="package takes none"):
        load("package:study", mapping)


def test_every_kind_has_a_reader_and_says_how_it_is_written() -> None:
    assert READERS.keys() == KINDS.keys()
    for name, kind in KINDS.items():
        assert kind.example == "FOLDER" or kind.example.startswith(f"{name}:")
        told = set(kind.options) - {"missing", "decimal", "short", "start"}
        told -= {"mapping"} if name in ("excel", "stat", "redcap") else set()
        assert all(f"{option}=" in kind.example for option in told)


@pytest.mark.parametrize(
    "source", ["pkg", "redcap:redcap.csv", "mapped:pkg/diary.csv?m.yaml", "mapped:pkg/diary.csv?m2.yaml"]
)
def test_dates_written_with_midnight(shared: Path, source: str) -> None:
    case = shared / "cases" / "42-midnight-csv"
    kind, colon, rest = source.rpartition(":")
    path, _, mapping = rest.partition("?")
    options = f"?mapping={case / mapping}" if mapping else ""
    loaded = load(f"{kind}{colon}{case / path}{options}")
    assert loaded.ledger.is_empty()
    days = loaded.cohort.frame("diary")["date"].to_list()
    assert days == [date(2025, 3, 1)] if kind == "redcap" else [date(2025, 3, 1), date(2025, 3, 2)] * 2


def test_identifiers_written_as_real_numbers_are_named(shared: Path) -> None:
    with pytest.raises(SourceError, match=r"'17\.0'.*is it 17\? One table has it as a number with decimals: write"):
        load(shared / "cases" / "44-float-ids")


class TestImport:
    def run(self, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "crampstudy", "import", *arguments]
        return subprocess.run(command, cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False)

    @pytest.mark.parametrize("format", ["csv", "parquet"])
    def test_it_writes_a_package_that_opens_as_the_same_cohort(self, study: Path, format: str) -> None:
        done = self.run(study, "wide.csv", "--mapping", "m.yaml", "--out", "clean", "--format", format)
        assert done.returncode == 0, done.stderr
        assert "diary                  2         2         0" in done.stdout
        assert sorted(path.name for path in (study / "clean").iterdir()) == [
            "datapackage.json",
            f"diary.{format}",
            f"participants.{format}",
        ]
        written = load("clean")
        assert written.cohort.digest == open_cohort("study").digest and written.ledger.is_empty()

    def test_the_ledger_is_written_only_when_asked(self, study: Path) -> None:
        with (study / "wide.csv").open("a", encoding="utf-8") as file:
            file.write("007,71,female,2024-03-03,x\n")
        done = self.run(study, "wide.csv", "--mapping", "m.yaml", "--out", "clean", "--rejects", "rejects.csv")
        assert done.returncode == 0, done.stderr
        ledger = pl.read_csv(study / "rejects.csv", infer_schema=False)
        assert ledger.select("file", "line", "column", "value").row(0) == ("wide.csv", "4", "cramps", "x")
        self.run(study, "wide.csv", "--mapping", "m.yaml", "--out", "again")
        assert sorted(path.name for path in study.iterdir() if "reject" in path.name) == ["rejects.csv"]

    def test_nothing_is_written_when_the_source_cannot_be_read(self, study: Path) -> None:
        done = self.run(study, "wide.csv", "--out", "clean")
        assert done.returncode == 4 and "crampstudy try wide.csv --out my-study" in done.stderr
        assert not (study / "clean").exists()
