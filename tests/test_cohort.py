"""The cohort: one validated door, frozen behind it, one digest per content."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, replace
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import SchemaError

PEOPLE = pl.DataFrame({"participant_id": ["a", "b"], "age_years": [50.0, 60.0], "sex": ["male", "female"]})
NIGHTS = pl.DataFrame(
    {"participant_id": ["a", "a", "b"], "date": [date(2024, 1, d) for d in (1, 2, 1)], "cramps": [1, 0, None]}
)
SURVEYED = PEOPLE.with_columns(weight_interview=pl.lit(2.0), stratum=pl.lit(1, pl.Int64), psu=pl.lit(1, pl.Int64))
DESIGN = SurveyDesign(("D",), {"interview": "weight_interview"})


def cohort(participants: pl.DataFrame = PEOPLE, diary: pl.DataFrame = NIGHTS, **tables: pl.DataFrame) -> Cohort:
    return Cohort("x", "diary", {"participants": participants, "diary": diary} | tables)


def survey(**changes: Any) -> Cohort:
    given: dict[str, Any] = {"tables": {"participants": SURVEYED}, "design": DESIGN, "as_of": date(2006, 12, 31)}
    return Cohort(**({"name": "s", "kind": "survey"} | given | changes))


def test_tables_as_pandas() -> None:
    assert cohort().participants["age_years"].tolist() == [50.0, 60.0]
    assert cohort().diary.shape == (3, 3)
    assert list(cohort().frame("labs").columns)[:3] == ["participant_id", "date", "analyte"]
    assert cohort().frame("labs").is_empty()


def test_date_of_data() -> None:
    assert cohort().date_of_data == date(2024, 1, 2)
    assert survey().date_of_data == date(2006, 12, 31)


def test_has_a_value_somewhere() -> None:
    made = cohort(PEOPLE.with_columns(arm=pl.lit(None, pl.String)), NIGHTS.with_columns(steps=pl.lit(5, pl.Int64)))
    assert [made.has(name) for name in ("cramps", "sex", "steps", "arm", "statin")] == [True, True, True, False, False]


class TestFrozen:
    def test_fields(self) -> None:
        with pytest.raises(FrozenInstanceError):
            cohort().name = "y"  # type: ignore[misc]

    def test_mappings(self) -> None:
        with pytest.raises(TypeError):
            cohort().tables["diary"] = NIGHTS  # type: ignore[index]
        weights = {"interview": "weight_interview"}
        design = SurveyDesign(("D",), weights)  # type: ignore[arg-type]
        weights["exam"] = "weight_exam"
        assert dict(design.weights) == {"interview": "weight_interview"}
        with pytest.raises(TypeError):
            design.weights["exam"] = "x"  # type: ignore[index]

    def test_frames(self) -> None:
        mine = NIGHTS.clone()
        made = cohort(diary=mine)
        digest = made.digest
        for frame in (mine, made.frame("diary"), made.tables["diary"]):
            frame[0, "cramps"] = 7
            frame.columns = ["x", "y", "z"]
        nights = made.diary
        nights.loc[0, "cramps"] = 7
        assert made.frame("diary").equals(NIGHTS)
        assert cohort(diary=made.frame("diary")).digest == digest

    def test_it_travels(self) -> None:
        """Processes are sent cohorts."""
        for made in (cohort(), survey()):
            back = pickle.loads(pickle.dumps(made))
            assert back.digest == made.digest
            assert back.design == made.design


class TestDoor:
    @pytest.mark.parametrize(
        ("tables", "said"),
        [
            ({"participants": PEOPLE.drop("sex")}, "participants lacks the required column sex"),
            ({"participants": PEOPLE.clear(), "diary": NIGHTS}, "at least one participant"),
            ({"participants": PEOPLE.with_columns(age_years=pl.col("age_years").cast(pl.Int64))}, "the codebook says"),
            ({"participants": PEOPLE.with_columns(age_years=-1.0)}, "breaks the rule 'range'"),
            ({"participants": PEOPLE.with_columns(age_years=pl.lit(float("nan")))}, "age_years"),
            ({"participants": PEOPLE.with_columns(sex=pl.lit("f"))}, "breaks the rule 'level'"),
            (
                {"participants": PEOPLE.with_columns(participant_id=pl.lit("a"))},
                "two rows with the same participant_id",
            ),
            ({"participants": PEOPLE.with_columns(participant_id=pl.lit(None, pl.String))}, "without participant_id"),
            ({"participants": PEOPLE.with_columns(participant_id=pl.Series(["a", "b "]))}, "untrimmed"),
            ({"participants": PEOPLE.with_columns(mine=pl.lit(""))}, "empty or untrimmed"),
            ({"participants": PEOPLE.with_columns(mine=pl.lit(1, pl.Int32))}, "mine has type Int32; allowed: Boolean"),
            ({"participants": PEOPLE.with_columns(mine=pl.lit(float("nan")))}, "mine has a number that is not finite"),
            (
                {"participants": PEOPLE.with_columns(mine=pl.lit(datetime(2024, 1, 1), pl.Datetime("ms")))},
                "mine has type",
            ),
            ({"participants": PEOPLE.with_columns(age_band=pl.lit("x"))}, "'age_band' is derived"),
            ({"participants": PEOPLE.with_columns(cramps=pl.lit("x"))}, "in participants and in diary"),
            ({"diary": NIGHTS.clear()}, "at least one night"),
            ({"diary": NIGHTS[:1].with_columns(participant_id=pl.lit("c"))}, "participant_id that participants lacks"),
            ({"diary": pl.concat([NIGHTS, NIGHTS[:1]])}, "same participant_id and date"),
            ({"nights": NIGHTS}, "no table 'nights'; allowed: participants, diary"),
        ],
    )
    def test_refused(self, tables: dict[str, pl.DataFrame], said: str) -> None:
        with pytest.raises(SchemaError, match=said):
            Cohort("x", "diary", {"participants": PEOPLE, "diary": NIGHTS} | tables)

    def test_no_participants(self) -> None:
        with pytest.raises(SchemaError, match="needs the table participants"):
            Cohort("x", "diary", {"diary": NIGHTS})

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"kind": "cohort"}, "allowed: diary, survey"),
            ({"kind": "diary"}, "needs the table diary"),
            ({"design": None}, "needs its sampling design"),
            ({"as_of": None}, "needs its sampling design and the last date"),
            ({"design": replace(DESIGN, stratum="strata")}, "the column .strata., which participants lacks"),
            ({"design": replace(DESIGN, weights={"exam": "weight_exam"})}, "the column .weight_exam."),
        ],
    )
    def test_a_survey_refused(self, changes: dict[str, Any], said: str) -> None:
        with pytest.raises(SchemaError, match=said):
            survey(**changes)


class TestDigest:
    def test_it_is_one_of_the_content(self) -> None:
        labs = {"participant_id": ["a"], "date": [date(2024, 1, 1)], "analyte": ["x"], "value": [1.0], "unit": ["u"]}
        different = [
            cohort(),
            cohort(PEOPLE.with_columns(age_years=pl.Series([50.0, 60.000001]))),
            cohort(PEOPLE.with_columns(age_years=pl.Series([50.0, None]))),
            cohort(PEOPLE.with_columns(participant_id=pl.Series(["b", "a"]))),
            cohort(PEOPLE.with_columns(mine=pl.Series(["ab", "c"]))),
            cohort(PEOPLE.with_columns(mine=pl.Series(["a", "bc"]))),
            cohort(PEOPLE.with_columns(mine=pl.Series([0, None]))),
            cohort(PEOPLE.with_columns(mine=pl.Series([None, 0]))),
            cohort(diary=NIGHTS[:2]),
            cohort(diary=NIGHTS.with_columns(cramps=pl.Series([1, 0, 0]))),
            cohort(labs=pl.DataFrame(labs)),
            survey(),
            survey(design=replace(DESIGN, top_coded_age=85)),
            survey(design=replace(DESIGN, weights={"exam": "weight_interview"})),
        ]
        assert len({made.digest for made in different}) == len(different)

    def test_it_knows_no_name_and_no_minus_zero(self) -> None:
        zero = PEOPLE.with_columns(age_years=pl.Series([0.0, 1.0]))
        minus = PEOPLE.with_columns(age_years=pl.Series([-0.0, 1.0]))
        assert cohort(zero).digest == cohort(minus).digest == replace(cohort(zero), name="y").digest

    @given(st.permutations(range(3)), st.permutations(NIGHTS.columns), st.permutations(range(2)))
    def test_order_does_not_matter(self, nights: list[int], columns: list[str], people: list[int]) -> None:
        assert cohort(PEOPLE[people], NIGHTS[nights].select(columns)).digest == cohort().digest
