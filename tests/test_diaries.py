"""Real event diaries of other conditions come in through mapping files: formats only, never evidence on cramps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from crampstudy.cleaning import Cleaned
from crampstudy.cohort import TableCount
from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.validation import summarise

if TYPE_CHECKING:
    import pandas as pd

MAPPINGS = Path(__file__).parent / "diaries"
pytestmark = pytest.mark.filterwarnings("ignore:Missing constructor", "ignore:Unknown file type", "ignore:Tag")


def read(shared: Path, package: str) -> pd.DataFrame:
    rdata = pytest.importorskip("rdata")
    import pandas as pd

    (content,) = rdata.read_rda(shared / "data" / "diaries" / f"{package}.rda").values()
    table = content if isinstance(content, pd.DataFrame) else pd.concat(content.values())
    return table.convert_dtypes()  # identifiers that R holds as 545.0 are 545


def mapped(table: pd.DataFrame, name: str, folder: Path) -> Cleaned:
    table.to_csv(folder / f"{name}.csv", index=False)
    return load(f"mapped:{folder / name}.csv?mapping={MAPPINGS / name}.yaml")


def count(loaded: Cleaned, table: str) -> TableCount:
    return next(t for t in loaded.cohort.attrition.tables if t.table == table)


def test_the_headache_diary_loses_nothing_and_counts_nothing_twice(shared: Path, tmp_path: Path) -> None:
    table = read(shared, "carData_KosteckiDillon")
    loaded = mapped(table, "headache", tmp_path)
    nights = count(loaded, "diary")
    assert (nights.read, nights.accepted, nights.rejected) == (4152, 4151, 1)
    # The duplicated day is one row of the file, the second of two alike, and it is the only thing set aside.
    twice = table.reset_index(drop=True).duplicated(["id", "dos"])
    assert loaded.ledger.select("line", "rule").rows() == [(twice[twice].index[0] + 2, "duplicate-exact")]
    diary = loaded.cohort.frame("diary")
    assert diary["cramps"].sum() == (table.loc[~twice.to_numpy(), "headache"] == "yes").sum()
    assert diary.select(pl.struct("participant_id", "date").n_unique()).item() == 4151
    people = loaded.cohort.frame("participants")
    assert people.height == 133
    assert people["sex"].value_counts().sort("sex").rows() == [
        (sex, n) for sex, n in sorted(table.groupby("id")["sex"].first().value_counts().items())
    ]


def test_the_gaps_of_the_headache_diary_are_missing_nights(shared: Path, tmp_path: Path) -> None:
    table = read(shared, "carData_KosteckiDillon")
    nights = summarise(mapped(table, "headache", tmp_path)).nights
    days = table.groupby("id")["dos"]
    expected = int((days.max() - days.min() + 1).sum())
    assert nights is not None
    assert (nights.expected, nights.observed, nights.missing) == (expected, 4151, expected - 4151)
    assert ((days.max() - days.min() + 1) != days.nunique()).sum() == 74
    assert nights.without_cramp == 4151 - (table.drop_duplicates(["id", "dos"])["headache"] == "yes").sum()


def test_the_stress_diary_comes_in_whole(shared: Path, tmp_path: Path) -> None:
    table = read(shared, "mmm_motherStress")
    # The package holds days as sevenths of a week.
    table["day"] = (table["week"] * 7).round().astype(int)
    loaded = mapped(table, "stress", tmp_path)
    nights = count(loaded, "diary")
    assert (nights.read, nights.accepted) == (2004, 2004)
    assert count(loaded, "participants").accepted == 167
    assert loaded.cohort.frame("diary")["cramps"].sum() == table["stress"].sum()
    assert loaded.cohort.frame("diary")["illness"].sum() == table["illness"].sum()
    assert loaded.ledger.is_empty()


def test_the_migraine_diaries_come_in_whole(shared: Path, tmp_path: Path) -> None:
    table = read(shared, "n1coxeval_case_study_data")
    loaded = mapped(table, "migraine", tmp_path)
    assert count(loaded, "diary").read == len(table) == 79 + 78 + 87 + 67
    repeated = table.duplicated(["id", "day"], keep=False).sum()
    assert count(loaded, "diary").accepted == len(table) - repeated
    assert loaded.cohort.frame("participants")["participant_id"].to_list() == ["545", "1765", "2617", "3211"]
    assert loaded.cohort.frame("diary")["sleep_hours_lag1"].null_count() == table["sleep_hours_lag1"].isna().sum()


@pytest.mark.parametrize(("package", "name"), [("MASS_epil", "seizures"), ("cold_bolus", "doses")])
def test_counts_over_periods_are_not_taken_for_nights(shared: Path, tmp_path: Path, package: str, name: str) -> None:
    table = read(shared, package)
    with pytest.raises(SourceError, match=rf"no cell of \w+ in {name}\.csv is .*'1' on line 2.* no nights$"):
        mapped(table, name, tmp_path)
