"""Baselines of dated measurements: the last value on or before the first night, where participants have none."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import open_cohort
from crampstudy.cohort.baselines import taken

FIRST = date(2024, 3, 10)


def tables(days: list[int], values: list[float], had: float | None = None) -> tuple[pl.DataFrame, str | None]:
    """Return the participant and what is said where measurements were taken so many days after the first night."""
    people = pl.DataFrame({"participant_id": ["P1"], "serum_magnesium_mmol_l": pl.Series([had], dtype=pl.Float64)})
    diary = pl.DataFrame({"participant_id": ["P1", "P1"], "date": [FIRST + timedelta(1), FIRST], "cramps": [0, 1]})
    dates = [FIRST + timedelta(day) for day in days]
    labs = {"participant_id": "P1", "date": dates, "analyte": "serum_magnesium", "value": values}
    return taken(people, diary, pl.DataFrame(labs, schema_overrides={"value": pl.Float64}))


@pytest.mark.parametrize(
    ("days", "values", "had", "baseline", "said"),
    [
        ([-9, -2, 0, 4], [0.9, 0.8, 0.7, 0.6], None, 0.7, "is the baseline of serum magnesium (1 participant)"),
        ([-2, -9], [0.8, 0.9], None, 0.8, "is the baseline of serum magnesium (1 participant)"),
        (
            [3],
            [0.6],
            None,
            None,
            "labs have values after the first night alone, which are no baseline, of serum",
        ),
        ([-2], [0.8], 0.95, 0.95, None),
        ([4], [0.6], 0.95, 0.95, None),
    ],
)
def test_the_baseline_is_the_last_value_on_or_before_the_first_night(
    days: list[int], values: list[float], had: float | None, baseline: float | None, said: str | None
) -> None:
    people, told = tables(days, values, had)
    assert people["serum_magnesium_mmol_l"].to_list() == [baseline]
    assert told == said if said is None else said in str(told)


@given(st.lists(st.tuples(st.integers(-30, 30), st.floats(0.2, 2.0)), min_size=1, max_size=8, unique_by=lambda x: x[0]))
def test_no_later_value_is_a_baseline_and_the_nearest_earlier_one_is(found: list[tuple[int, float]]) -> None:
    people, _ = tables(*map(list, zip(*found, strict=True)))
    before = [pair for pair in found if pair[0] <= 0]
    assert people["serum_magnesium_mmol_l"].to_list() == [max(before)[1] if before else None]


def test_a_study_whose_levels_stand_in_labs_alone_has_them_as_its_baselines(tmp_path: Path) -> None:
    nights = [f"P{i},2024-03-{day:02},{(i + day) % 2}" for i in range(6) for day in (10, 11, 12)]
    (tmp_path / "participants.csv").write_text(
        "participant_id,age_years,sex\n" + "".join(f"P{i},{50 + i},female\n" for i in range(6))
    )
    (tmp_path / "diary.csv").write_text("participant_id,date,cramps\n" + "\n".join(nights) + "\n")
    labs = "".join(f"P{i},2024-03-0{i + 1},serum_magnesium,0.8{i},mmol/L\n" for i in range(5))
    later = "P5,2024-03-20,serum_magnesium,0.91,mmol/L\nP0,2024-03-09,vitamin_d,12,ng/mL\n"
    (tmp_path / "labs.csv").write_text(f"participant_id,date,analyte,value,unit\n{labs}{later}")
    cohort = open_cohort(tmp_path)
    people = cohort.frame("participants").sort("participant_id")
    assert people["serum_magnesium_mmol_l"].to_list() == [0.8, 0.81, 0.82, 0.83, 0.84, None]
    # A value in another unit is set aside and no baseline.
    assert "vitamin_d_nmol_l" not in people.columns
    (said,) = [each for each in cohort.attrition.notices if "baseline" in each]
    assert "serum magnesium (5 participants)" in said and said.endswith("of serum magnesium (1 participant)")


def test_of_many_levels_it_is_said_how_many_they_are() -> None:
    names = ("serum_magnesium", "serum_sodium", "serum_potassium", "serum_calcium")
    people = pl.DataFrame({"participant_id": ["P1", "P2"]})
    diary = pl.DataFrame({"participant_id": ["P1", "P2"], "date": FIRST, "cramps": [0, 1]})
    labs = pl.DataFrame({"participant_id": "P1", "date": FIRST, "analyte": names, "value": 1.0})
    labs = pl.concat([labs, labs.head(1).with_columns(participant_id=pl.lit("P2"))])
    _, told = taken(people, diary, labs)
    assert told is not None and told.endswith("is the baseline of 4 levels (1 to 2 participants each)")
