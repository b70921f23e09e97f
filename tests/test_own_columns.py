"""Columns that the codebook does not know: numbers but for a few cells are numbers, and the ledger has those cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy.cleaning import Cleaned
from crampstudy.sources import load
from crampstudy.sources.extra_columns import infer

NUMBERS = [f"{i / 10:.1f}" for i in range(100)]


def cohort(folder: Path, mine: list[Any], parquet: bool = False) -> Cleaned:
    folder.mkdir(exist_ok=True)
    who = [f"p{i}" for i in range(len(mine))]
    people = pl.DataFrame(
        {"participant_id": who, "age_years": [60] * len(mine), "sex": ["male"] * len(mine), "mine": mine}
    )
    if parquet:
        people.write_parquet(folder / "participants.parquet")
    else:
        people.write_csv(folder / "participants.csv")
    nights = pl.DataFrame({"participant_id": who, "date": ["2025-03-01"] * len(mine), "cramps": [1] * len(mine)})
    nights.write_csv(folder / "diary.csv")
    return load(folder)


@pytest.mark.parametrize(
    ("cells", "type_", "strays"),
    [
        (NUMBERS, "number", 0),
        ([*NUMBERS, "NA", "n/a", "NaN", "unknown"], "number", 0),
        ([*NUMBERS, "abc", "inf", "5 mg"], "number", 3),
        ([*map(str, range(1181)), "?"], "integer", 1),
        ([*map(str, range(300)), "007"], "integer", 0),
        (["5.1", "NA", "inf", "6.2", "7.0", "4.4"], "number", 1),
        (["true", "false", "NA", "true", "x", "true"], "boolean", 1),
        ([*["2025-03-01"] * 20, "soon"], "date", 1),
        (["1", "2", "#DIV/0!", "#WERT!"], "integer", 2),
        # Codes and levels stay what they are.
        ([f"{i:02}" for i in range(1, 100)], "text", 0),
        (["1", "2", "3+"], "text", 0),
        ([*["17", "18"] * 3, *["17a", "b2"]], "text", 0),
        (["north", "south", "NA"], "text", 0),
        (["NA", "NA"], "text", 0),
        (["inf", "inf"], "text", 0),
    ],
)
def test_the_type_of_most_cells(cells: list[str], type_: str, strays: int) -> None:
    inferred = infer(pl.DataFrame({"other": ["x"] * len(cells), "mine": cells, "last": cells[::-1]}))["mine"]
    assert (inferred.type, inferred.strays) == (type_, strays)


CELLS = [None, "NA", "no answer", "inf", "#DIV/0!", "007", "1", "2.5", "true", "false", "2025-03-01", "24-1-5", "x", ""]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.lists(st.sampled_from(CELLS), min_size=n, max_size=n))))
def test_a_column_is_read_alike_beside_others_and_alone(columns: list[list[str | None]]) -> None:
    frame = pl.DataFrame({str(i): pl.Series(cells, dtype=pl.String) for i, cells in enumerate(columns)})
    stored = frame.with_columns(pl.all().cast(pl.Float64, strict=False).name.suffix(" stored"))
    together = infer(stored)
    assert together == {name: infer(stored.select(name))[name] for name in stored.columns}
    assert {name: made.filled for name, made in together.items() if "stored" in name} == {
        f"{name} stored": stored[f"{name} stored"].fill_nan(None).count() for name in frame.columns
    }


def test_columns_without_a_cell_are_text() -> None:
    nothing = pl.DataFrame({"a": [None, None], "b": pl.Series([None, None], dtype=pl.String)})
    assert {name: made.type for name, made in infer(nothing).items()} == {"a": "text", "b": "text"}
    assert infer(pl.DataFrame()) == {}


def test_strays_are_blanked_and_said(tmp_path: Path) -> None:
    loaded = cohort(tmp_path / "s", [*NUMBERS, "abc", "inf", "NA"])
    mine = loaded.cohort.frame("participants")["mine"]
    assert mine.dtype == pl.Float64() and mine.to_list() == [*map(float, NUMBERS), None, None, None]
    assert loaded.ledger.select("line", "value", "rule", "severity").rows() == [
        (102, "abc", "type", "blank-cell"),
        (103, "inf", "range", "blank-cell"),
        (104, "NA", "missing-mark", "warn"),
    ]
    said = loaded.cohort.attrition.notices
    kept = "kept as number; of 102 cells 2 are not (such as 'inf') and blanked"
    assert f"participants.csv: the codebook does not know the column mine; {kept}" in said
    assert "participants.csv: mine: 1 cell holds NA: missing" in said


def test_numbers_that_parquet_holds(tmp_path: Path) -> None:
    loaded = cohort(tmp_path / "s", [1.5, 2.5, 3.5, 4.5, float("nan"), float("inf")], parquet=True)
    assert loaded.cohort.frame("participants")["mine"].to_list() == [1.5, 2.5, 3.5, 4.5, None, None]
    assert loaded.ledger.select("line", "rule").rows() == [(5, "missing-mark"), (6, "range")]


def test_a_stated_type_stays(tmp_path: Path) -> None:
    cohort(tmp_path / "s", NUMBERS)
    fields = '[{"name": "mine", "type": "string"}]'
    (tmp_path / "s/datapackage.json").write_text(
        '{"resources": [{"name": "participants", "path": "participants.csv", "schema": {"fields": '
        + fields
        + '}}, {"name": "diary", "path": "diary.csv"}]}'
    )
    assert load(tmp_path / "s").cohort.frame("participants")["mine"].dtype == pl.String()


def test_decimal_commas_beside_marks_of_missing_values_are_numbers(tmp_path: Path) -> None:
    loaded = cohort(tmp_path / "c", [*["1,5", "2", "#N/A", "-", "3,25"] * 4])
    assert loaded.cohort.frame("participants")["mine"].to_list() == [1.5, 2.0, None, None, 3.25] * 4
