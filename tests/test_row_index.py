"""Tables that a program wrote with its row numbers beside them: they are left out, and that is said."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.validation import chunked

PEOPLE = "participant_id,age_years,sex\na,70,female\n"
NIGHTS = pd.DataFrame(
    {
        "participant_id": ["a", "a", "a"],
        "date": pd.to_datetime(["2025-03-01", "2025-03-02", "2025-03-03"]),
        "cramps": pd.array([1, None, 0], dtype="Int64"),
        "electrolyte_drink": pd.array([True, None, False], dtype="boolean"),
    }
)
CELLS = [(1, True), (None, None), (0, False)]


def package(folder: Path, diary: str | None = None) -> Path:
    (folder / "participants.csv").write_text(PEOPLE, encoding="utf-8")
    if diary is not None:
        (folder / "diary.csv").write_text(diary, encoding="utf-8")
    return folder


def check(source: Path | str, file: str, name: str) -> None:
    loaded = load(source)
    nights = loaded.cohort.frame("diary")
    assert nights.columns == ["participant_id", "date", "cramps", "electrolyte_drink"]
    assert nights.select("cramps", "electrolyte_drink").rows() == CELLS and loaded.ledger.is_empty()
    assert f"{file}: left out, for it numbers the rows: {name}" in loaded.cohort.attrition.notices


@pytest.mark.parametrize(("name", "shown"), [("", "Unnamed: 0"), ("Unnamed: 0", "Unnamed: 0"), ("...1", "...1")])
@pytest.mark.parametrize("quoted", [False, True])
def test_in_text(tmp_path: Path, name: str, shown: str, quoted: bool) -> None:
    text = NIGHTS.assign(**{name: [f'"{n}"' if quoted else n for n in (4, 5, 9)]})[[name, *NIGHTS.columns]]
    check(package(tmp_path, text.to_csv(index=False, quoting=0).replace('"""', '"')), "diary.csv", shown)


def test_in_text_that_is_read_as_a_whole(tmp_path: Path) -> None:
    text = ";participant_id;date;cramps;sleep_hours\n1;a;2025-03-01;1;6,5\n2;a;2025-03-02;0;7,5\n3;a;x;0;7,5\n"
    loaded = load(package(tmp_path, text))
    assert loaded.cohort.frame("diary")["sleep_hours"].to_list() == [6.5, 7.5]
    assert loaded.rejected["diary"].columns == ["__line", "participant_id", "date", "cramps", "sleep_hours"]


@pytest.mark.parametrize("index", [[7, 8, 9], ["x", "y", "z"], pd.MultiIndex.from_tuples([(1, 1), (1, 2), (2, 1)])])
def test_in_parquet(tmp_path: Path, index: object) -> None:
    NIGHTS.set_axis(index).to_parquet(package(tmp_path) / "diary.parquet")
    names = "__index_level_0__" + (", __index_level_1__" if isinstance(index, pd.MultiIndex) else "")
    check(tmp_path, "diary.parquet", names)


def test_in_a_large_diary(tmp_path: Path) -> None:
    NIGHTS.set_axis([7, 8, 9]).to_parquet(package(tmp_path) / "diary.parquet")
    summary = chunked.validate(tmp_path, large=1, size=2)
    assert summary is not None
    assert "diary.parquet: left out, for it numbers the rows: __index_level_0__" in summary.notices


def test_in_a_workbook(tmp_path: Path) -> None:
    NIGHTS.to_excel(tmp_path / "d.xlsx")
    check(tmp_path / "d.xlsx", "d.xlsx[Sheet1]", "Unnamed: 0")


def test_in_an_export_of_redcap(tmp_path: Path) -> None:
    text = '"",participant_id,redcap_repeat_instrument,redcap_repeat_instance,date,cramps\n"1",a,diary,1,2025-03-01,2\n'
    (tmp_path / "e.csv").write_text(text, encoding="utf-8")
    assert load(f"redcap:{tmp_path / 'e.csv'}").cohort.frame("diary")["participant_id"].to_list() == ["a"]


def test_what_numbers_no_rows_stays(tmp_path: Path) -> None:
    text = "Unnamed: 0,participant_id,date,cramps\nx,a,2025-03-01,1\ny,a,2025-03-02,0\n"
    assert "Unnamed: 0" in load(package(tmp_path, text)).cohort.frame("diary").columns
    repeated = text.replace("x,", "1,").replace("y,", "1,")
    assert load(package(tmp_path, repeated)).cohort.frame("diary")["Unnamed: 0"].dtype == pl.Int64
    with pytest.raises(SourceError, match="column 1 of the header has no name"):
        load(package(tmp_path, text.replace("Unnamed: 0", "")))


def test_the_shared_case(shared: Path) -> None:
    for kind, nights in (("csv", 5), ("nullable", 4), ("parquet", 5), ("tz", 4)):
        loaded = load(shared / "cases/16-pandas-roundtrip" / kind)
        assert loaded.cohort.frame("diary").height == nights and loaded.ledger.is_empty()
