"""Which cramps count: criteria by hand, what is set aside and said, counts of nights, and the option of a source."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from test_age_curve import survey
from test_triage import run

from crampstudy import analyses, describe, open_cohort
from crampstudy.cli import completion
from crampstudy.codebook.cases import DEFINITIONS, HALLEGRAEFF, criteria
from crampstudy.cohort import Cohort
from crampstudy.cohort.case_definition import judged, meeting
from crampstudy.descriptive.single_cramps.case_definition import (
    ALL_CRITERIA,
    EVERY_CRAMP,
    MEETING,
    NEITHER,
    WITHOUT,
    case_definition,
)
from crampstudy.descriptive.single_cramps.uncounted import uncounted
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.models.common.partitions import in_parts
from crampstudy.simulate import simulate
from crampstudy.sources import Address
from crampstudy.sources.readers import package

NIGHT = date(2024, 5, 1)
COLUMNS = ("pain_0_10", "duration_s", "site", "residual_soreness", "woke", "distress_0_10")
FULL: dict[str, Any] = dict(zip(COLUMNS, (5.0, 600.0, "calf", True, True, 1.0), strict=True))


def cohort(*cramps: tuple[int, dict[str, Any]], counts: tuple[int, ...] = (1, 1, 1, 0)) -> Cohort:
    """One person's nights with so many cramps, and those of them that were logged one by one, by night."""
    schema = {
        "participant_id": pl.String,
        "date": pl.Date,
        "episode": pl.Int64,
        **dict.fromkeys(COLUMNS, pl.Float64),
        "site": pl.String,
        **dict.fromkeys(("residual_soreness", "woke"), pl.Boolean),
    }
    rows = [
        {"participant_id": "p", "date": NIGHT + timedelta(days=k), "episode": i + 1, **FULL, **cells}
        for i, (k, cells) in enumerate(cramps)
    ]
    nights = {"participant_id": ["p"] * len(counts), "date": [NIGHT + timedelta(days=k) for k in range(len(counts))]}
    person = pl.DataFrame({"participant_id": ["p"], "age_years": [60.0], "sex": ["female"]})
    tables = {
        "participants": person,
        "diary": pl.DataFrame({**nights, "cramps": list(counts)}),
        "episodes": pl.DataFrame(rows, schema),
    }
    return Cohort("made", "diary", tables, synthetic=True)


def counts(made: Cohort) -> list[int]:
    return made.frame("diary").sort("date")["cramps"].to_list()


def test_the_seven_criteria_are_those_of_the_publication() -> None:
    assert [each.wording for each in DEFINITIONS[HALLEGRAEFF]] == [
        "intense pain",
        "period of duration from seconds to at most 10 minutes",
        "location in calf or foot",
        "location seldom in thigh or hamstrings",
        "persistent subsequent pain",
        "sleep disruption",
        "distress",
    ]
    assert completion.case_definitions("hal") == [HALLEGRAEFF]


@pytest.mark.parametrize(
    ("cells", "meets"),
    [
        ({}, True),
        ({"pain_0_10": 4.5}, False),
        ({"duration_s": 600.5}, False),
        ({"site": "foot"}, True),
        ({"site": "thigh"}, False),
        ({"residual_soreness": False}, False),
        ({"woke": False}, False),
        ({"distress_0_10": 0.0}, False),
        ({"pain_0_10": None, "woke": None}, True),  # what was not noted is not held against it
    ],
)
def test_each_criterion_by_hand(cells: dict[str, Any], meets: bool) -> None:
    made = meeting(cohort((0, {}), (1, cells)), HALLEGRAEFF)
    assert counts(made) == [1, int(meets), 1, 0] and made.frame("episodes").height == 1 + meets


def test_nights_are_counted_again() -> None:
    # Of night 0 one of three is set aside; of night 1 two of two; of night 2 three were counted and one was logged one
    # by one; of night 3 two were logged one by one and one was counted.
    mild: dict[str, Any] = {"pain_0_10": 1.0}
    made = cohort(
        *((0, {}), (0, mild), (0, {}), (1, mild), (1, mild), (2, mild), (3, {}), (3, mild)), counts=(3, 2, 3, 1, 0)
    )
    assert counts(meeting(made, "pain")) == [2, 0, 2, 1, 0]
    again = meeting(meeting(made, "pain"), "pain")
    assert counts(again) == [2, 0, 2, 1, 0]


def test_what_is_set_aside_is_said() -> None:
    thigh: dict[str, Any] = {"site": "thigh", "distress_0_10": None}
    made = meeting(cohort((0, {"distress_0_10": None}), (1, thigh), counts=(1, 1, 2, 0)), HALLEGRAEFF)
    (said,) = made.attrition.remarks
    assert said == (
        "case definition hallegraeff-2017: of 2 cramps logged one by one 1 kept, of 1 of 1 participant on 1 of 2 "
        "nights, and 1 set aside, which do not meet (some several): location in calf or foot 1 and location seldom in "
        "thigh or hamstrings 1; not measured here and so not asked for: distress; 2 cramps logged without features "
        "stay counted"
    )
    assert made.attrition.notices[-1] == said


def test_in_a_list_of_events_a_night_whose_cramps_do_not_count_is_not_one_without_a_cramp() -> None:
    made = meeting(cohort((0, {}), (2, {"pain_0_10": 0.0}), counts=(1, 1, 1)), "pain")
    assert counts(made) == [1, 1]


def test_what_cannot_be_applied_is_refused_with_a_reason() -> None:
    whole = cohort((0, {}), (1, {"pain_0_10": 0.0}))
    with pytest.raises(UsageError, match="no case definition 'pains'; did you mean pain"):
        criteria("pains")
    with pytest.raises(UsageError, match="is a survey, so that nothing is known of single cramps"):
        meeting(survey(None), HALLEGRAEFF)
    bare = {name: table for name, table in whole.tables.items() if name != "episodes"}
    with pytest.raises(UsageError, match="has no table episodes"):
        meeting(replace(whole, tables=bare), HALLEGRAEFF)
    less = {**whole.tables, "episodes": whole.frame("episodes").drop("pain_0_10")}
    with pytest.raises(UsageError, match=r"none of its criteria is measured in made; .* has no value of pain_0_10"):
        meeting(replace(whole, tables=less), "pain")
    with pytest.raises(UsageError, match="none of the 1 cramp of made meets it"):
        meeting(cohort((0, {"pain_0_10": 0.0})), "pain")
    assert judged(replace(whole, tables=less), criteria("pain,duration")).columns == ["duration"]


@pytest.fixture(scope="module")
def drawn() -> Cohort:
    return simulate(60, 30, seed=9)


def test_rates_and_shares_are_those_of_the_cramps_and_people(drawn: Cohort) -> None:
    rows = case_definition(drawn, "pain,duration").set_index("level")
    met = meeting(drawn, "pain,duration")
    own = drawn.frame("episodes")
    assert rows.loc["intense pain", "estimate"] == pytest.approx((own["pain_0_10"] >= 5).mean())
    assert rows.loc[ALL_CRITERIA, "n_events"] == met.frame("episodes").height
    for level, of in ((EVERY_CRAMP, drawn), (MEETING, met)):
        rate = describe(of, "sex").estimates
        same = kinds.INCIDENCE_RATE.rows(rate[rate["level"] == "all"])
        for cell in ("estimate", "ci_low", "ci_high", "n_nights", "n_events"):
            assert rows.loc[level, cell] == same[cell].iloc[0]
    urge = drawn.frame("participants")["urge_to_move"]
    assert rows.loc["an urge to move the legs, as in restless legs", "estimate"] == pytest.approx(urge.mean())
    without = describe(drawn, "urge_to_move").estimates
    without = kinds.INCIDENCE_RATE.rows(without[without["level"] == "false"])
    assert rows.loc[WITHOUT["urge_to_move"], "estimate"] == without["estimate"].iloc[0]
    assert rows.loc[NEITHER, "n_participants"] <= rows.loc[WITHOUT["urge_to_move"], "n_participants"]


def test_cramps_of_nights_without_a_count_are_told_where_rates_lack_them(drawn: Cohort) -> None:
    nights = drawn.frame("episodes").select("participant_id", "date").unique(maintain_order=True).head(3)
    here = pl.struct("participant_id", "date").is_in(pl.Series(nights.to_struct()).implode())
    lost = drawn.frame("episodes").filter(here)
    diary = drawn.frame("diary").with_columns(cramps=pl.when(~here).then("cramps"))
    made = replace(drawn, tables={**drawn.tables, "diary": diary})
    assert uncounted(made).height == lost.height >= 3 and uncounted(drawn).is_empty()
    own = kinds.CASE_RATE.rows(case_definition(made)).set_index("level")
    assert f"{lost.height} cramps left out, of nights without a count" in str(own.loc[EVERY_CRAMP, "note"])
    assert str(own.loc[EVERY_CRAMP, "note"]) != str(own.loc[MEETING, "note"])
    found = analyses.run("severity", made).tables
    said = f"{lost.height} cramps are of nights without a count, so that no rate has them."
    assert said in str(found["tbl-severity"].note)
    assert f"ll cramps: {lost.height} cramps left out, of" in str(found["tbl-case-rates"].note)
    assert "without a count" not in str(analyses.run("severity", drawn).tables["tbl-severity"].note)


def test_of_all_criteria_no_larger_share_is_told_than_of_one(drawn: Cohort) -> None:
    # Of every other cramp the pain was not noted: of these no share of all criteria is known, whatever else is.
    own = drawn.frame("episodes").with_row_index("_i")
    unknown = own.with_columns(pl.when(pl.col("_i") % 2 == 0).then("pain_0_10").alias("pain_0_10")).drop("_i")
    less = replace(drawn, tables={**drawn.tables, "episodes": unknown})
    rows = case_definition(less, "pain,duration").set_index("level")
    told = unknown.drop_nulls(["pain_0_10", "duration_s"])
    both = (told["pain_0_10"] >= 5) & (told["duration_s"] <= 600)
    assert rows.loc[ALL_CRITERIA, "estimate"] == pytest.approx(both.mean())
    assert rows.loc[ALL_CRITERIA, "estimate"] <= rows.loc["intense pain", "estimate"] < 1
    # The rate is of all cramps that the definition keeps.
    assert rows.loc[MEETING, "n_events"] == meeting(less, "pain,duration").frame("diary")["cramps"].sum()
    never = unknown.with_columns(
        pl.when(pl.col("pain_0_10").is_null()).then("duration_s").alias("duration_s"),
    )
    apart = case_definition(replace(drawn, tables={**drawn.tables, "episodes": never}), "pain,duration")
    row = apart.set_index("level").loc[ALL_CRITERIA]
    assert row["status"] == "not_estimable" and row["note"].endswith("noted with all of the criteria that are measured")


def test_what_was_not_measured_is_said_and_no_number_rests_on_one(drawn: Cohort) -> None:
    bare = {
        "participants": drawn.frame("participants").drop("urge_to_move", "exertional_leg_pain"),
        "diary": drawn.frame("diary"),
    }
    rows = case_definition(replace(drawn, tables=bare))
    assert rows["status"].value_counts().to_dict() == {"not_measured": 9, "converged": 1, "not_estimable": 1}
    assert case_definition(cohort((0, {})))["estimate"].isna().all()


def test_the_option_of_a_source_and_of_commands(
    drawn: Cohort, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study"
    package.write(drawn, study, "parquet")
    met = meeting(open_cohort(study), "pain,duration")
    opened = open_cohort(f"package:{study}?case_definition=pain,duration")
    assert opened.digest == met.digest != open_cohort(study).digest
    assert opened.attrition.remarks == met.attrition.remarks
    assert Address.parse(f"{study}?case_definition=pain").case_definition == "pain"
    assert run("describe", str(study), "--by", "sex", "--case-definition", "pain,duration") == 0
    printed = capsys.readouterr()
    assert "note: simulated: case definition pain,duration: of " in printed.err
    cramps = met.frame("diary")["cramps"].sum()
    assert f"{cramps:,}" in printed.out
    assert run("fit", str(study), "--model", "poisson", "--terms", "sex", "--case-definition", "hallegraeff") == 2
    assert "run: crampstudy fit" in capsys.readouterr().err
    with pytest.raises(UsageError, match="case_definition= needs their cramps one by one; write them cleaned first"):
        in_parts(f"package:{study}?case_definition=pain")
    whole = tmp_path / "counted"
    assert run("import", f"package:{study}?case_definition=pain,duration", "--out", str(whole)) == 0
    # A package that was written so tells it on.
    assert open_cohort(whole).frame("diary")["cramps"].sum() == cramps
    assert any("case definition pain,duration" in said for said in open_cohort(whole).attrition.remarks)
