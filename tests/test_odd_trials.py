"""Trials that went wrong, by hand: an arm without a cramp, without people, of one; all in one; arms without a table.

Each says what is true of it, in the section on treatments and in the summary, and shows what it can.
"""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from test_treatment_designs import day, one, study

from crampstudy import analyses, estimates, figures
from crampstudy.analyses import Findings
from crampstudy.analyses.others import SectionResults
from crampstudy.analyses.sections import treatments as section
from crampstudy.analyses.sentences import summary
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.estimates.treatments import ALL, OBSERVED, RUN_IN
from crampstudy.treatments.course import expected_rate, week_of
from crampstudy.treatments.designs import unrecorded, why_no_design
from crampstudy.treatments.pairs import LEVEL as PAIRS
from crampstudy.treatments.question import without_cramp
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean
from crampstudy.treatments.time_zero import time_zero
from crampstudy.treatments.trials import own_contrast, trial_effect

Counts = list[int | None]
BEFORE: Counts = [1, 0, 2, 1, 0, 0, 1]
"""A run-in of a week with five cramps."""
NONE: Counts = [0] * 7
LOST = "so that there is no ratio, nor an interval of the difference"


def trial(after: dict[str, list[Counts]], **columns: list[Any]) -> Cohort:
    """A trial with a run-in of a week: of each agent what its participants log from the day of their lots, 7, on."""
    people = {f"{agent}{i}": (agent, own) for agent, arm in after.items() for i, own in enumerate(arm)}
    nights = {who: [*BEFORE, *own] for who, (_, own) in people.items()}
    periods = [(who, agent, 7, 20, True) for who, (agent, _) in people.items()]
    return study(nights, periods, **{"randomised_on": [day(7)] * len(nights), **columns})


def enrolled(cohort: Cohort) -> Cohort:
    """The same with everybody enrolled on the first day."""
    people = cohort.frame("participants").with_columns(enrolled_on=pl.lit(day(0)))
    return Cohort(cohort.name, cohort.kind, {**cohort.tables, "participants": people})


def told(found: Findings) -> tuple[str, str]:
    """What a summary says of a section on treatments: its lines, and what could not be estimated."""
    others = {"treatments": SectionResults.of(found)}
    return " ".join(summary._effects({"treatments": found.estimates})), " ".join(summary.unanswered({}, others))


def course_of(found: Findings) -> list[int]:
    return [week_of(str(week)) for week in kinds.TREATMENT_COURSE.rows(found.estimates)["level"]]


@pytest.fixture(scope="module")
def free() -> Cohort:
    return trial(
        {"tens": [NONE] * 6, "placebo": [[1, 0, 0, 1, 0, 0, 0], NONE, NONE, [2, 2, 0, 0, 2, 0, 2], NONE, NONE]}
    )


@pytest.fixture(scope="module")
def one_arm() -> Findings:
    return analyses.run("treatments", enrolled(trial({"magnesium": [BEFORE] * 8})))


@pytest.fixture(scope="module")
def three() -> Findings:
    arms = {"magnesium": [BEFORE] * 6, "potassium": [NONE] * 3 + [BEFORE] * 3, "placebo": [BEFORE[::-1]] * 6}
    return analyses.run("treatments", trial(arms))


class TestAnArmWithoutACramp:
    def test_the_rates_differ_without_a_ratio_and_without_an_interval(self, free: Cohort) -> None:
        ratio, difference = trial_effect(free, one(free, "tens"))
        why = f"no cramp with TENS on the nights that are compared, {LOST}"
        assert (ratio["status"], ratio["estimate"], ratio["note"]) == ("not_estimable", None, why)
        # Ten cramps in six weeks of the placebo.
        assert difference["estimate"] == pytest.approx(-10 / 6)
        assert (difference["status"], difference["note"]) == ("boundary", why)
        assert difference["ci_low"] is None and difference["verdict"] is None and ratio["verdict"] is None
        assert (difference["n_participants"], difference["n_exposed"], difference["n_events"]) == (12, 6, 10)
        with pytest.raises(AnalysisError, match="no cramp with TENS"):
            own_contrast(free)

    def test_section_and_summary_say_the_same(self, free: Cohort) -> None:
        found = analyses.run("treatments", free)
        said = "TENS against placebo: −1.67 cramps a week, the difference of the rates as observed; no cramp with TENS"
        assert f"By lot, {said}" in found.values["answer"] and found.values["by_design"] == ""
        lines, lost = told(found)
        assert f"Effect, randomised, {said}" in lines and "Effect of TENS" not in lost
        table = found.tables[section.EFFECTS]
        assert table.frame["Cramps a week (95% CI)"].tolist() == ["−1.67"] and "Estimands: " in str(table.note)

    @pytest.mark.parametrize(
        "nights", [((0, 7.0), (0, 7.0)), ((0, 7.0), (3, 7.0)), ((3, 7.0), (0, 7.0)), ((1, 7.0),) * 2]
    )
    def test_each_arm_is_named_that_has_none(self, nights: tuple[tuple[int, float], ...]) -> None:
        why = without_cramp(dict(zip(("tens", "placebo"), nights, strict=True)))
        lacking = [name for name, (cramps, _) in zip(("TENS", "placebo"), nights, strict=True) if not cramps]
        assert why == (
            f"no cramp with {' or with '.join(lacking)} on the nights that are compared, {LOST}" if lacking else ""
        )

    def test_a_crossover_has_its_difference_too(self) -> None:
        nights: dict[str, Counts] = {
            f"{i}": [1, 0, 1, 0] + [0] * 4 if i % 2 else [0] * 4 + [1, 0, 1, 0] for i in range(8)
        }
        agents = ("placebo", "tens")
        periods = [
            (who, agents[(int(who) + turn + 1) % 2], 4 * turn, 4 * turn + 3, True) for who in nights for turn in (0, 1)
        ]
        cohort = study(nights, periods)
        ratio, difference = trial_effect(cohort, one(cohort, "tens"))
        assert ratio["note"] == f"no cramp with TENS on the nights that are compared, {LOST}"
        assert difference["estimate"] == pytest.approx(-7 * 2 / 4) and difference["ci_low"] is None

    def test_the_fall_says_which_cramps_there_are_none_of(self, free: Cohort) -> None:
        zero = time_zero(free, one(free, "tens"))
        rows = regression_to_the_mean(free, zero)
        own = rows[rows["term"].eq("tens") & rows["level"].eq(OBSERVED)]
        assert own["note"].tolist() == ["no cramp after time zero with TENS"]
        flare = rows.loc[rows["level"].eq("expected of a flare"), "note"].iloc[0]
        assert flare == "fewer than 20 participants, too few to tell how long a flare lasts"


class TestAllInOneArm:
    def test_nobody_is_said_to_have_had_placebo(self, one_arm: Findings) -> None:
        why = "all who were randomised took magnesium, and nobody anything to compare it with"
        with pytest.raises(AnalysisError, match=why):
            own_contrast(trial({"magnesium": [BEFORE] * 8}))
        assert f"Effect of magnesium: {why}." in told(one_arm)[1]
        assert "treats nobody" not in one_arm.values["limits"] and "cannot be told" in one_arm.values["limits"]

    def test_time_zero_is_the_day_of_lots_and_no_line_is_told_that_is_not_drawn(self, one_arm: Findings) -> None:
        assert course_of(one_arm) == [-1, 1]
        assert "dashed" not in one_arm.figures[section.COURSE].caption
        fall = kinds.REGRESSION_TO_THE_MEAN.rows(one_arm.estimates)
        run_in = fall[fall["level"].eq(RUN_IN)]
        assert run_in["estimate"].tolist() == [pytest.approx(5)] and run_in["n_nights"].tolist() == [56]
        assert run_in["note"].tolist() == ["no spread, so no interval; the run-in is the nights before time zero"]


def test_nights_before_time_zero_alone_are_drawn_before_it() -> None:
    found = analyses.run("treatments", enrolled(trial({"magnesium": [[]] * 6, "placebo": [[]] * 6})))
    assert course_of(found) == [-1, -1] and "dashed" not in found.figures[section.COURSE].caption
    assert "Effect of magnesium: no participant with magnesium and nights on both sides of time zero." in told(found)[1]
    assert found.values["fall"].endswith("no participant with nights before entry and after time zero.")
    figure = figures.treatment_course(found.figures[section.COURSE].estimates)
    assert not any("Expected" in text.get_text() for text in figure.axes[0].texts)


def test_arms_without_a_table_are_not_people_whom_nobody_treated() -> None:
    cohort = study({f"{i}": [*BEFORE, *BEFORE] for i in range(6)}, [], randomised_on=[day(7)] * 6, arm=["a", "b"] * 3)
    why = "6 participants were randomised, and no table says what they were given"
    assert unrecorded(cohort) == 6 and why_no_design(cohort) == why
    for each in (cohort, enrolled(cohort)):
        found = analyses.run("treatments", each)
        assert found.values["answer"] == f"{why}." and found.values["by_design"] == ""
        assert why in told(found)[1] and "by nobody" not in found.values["not_estimated"]
        with pytest.raises(AnalysisError, match=why):
            own_contrast(each)
    # With a day of enrolment there is a course, round the day of lots.
    assert course_of(found) == [-1, 1] and "around the day of randomisation" in found.figures[section.COURSE].caption


def test_placebo_alone_is_no_treatment_and_not_nothing() -> None:
    found = analyses.run("treatments", trial({"placebo": [BEFORE] * 6}))
    assert found.values["answer"].startswith("All who were randomised took placebo, and nobody a treatment")
    assert (
        why_no_design(study({"a": BEFORE}, [("a", "placebo", 2, None, False)])) == "nobody took a treatment but placebo"
    )
    assert why_no_design(study({"a": BEFORE}, [])) == ""


class TestThreeArms:
    def test_limits_are_told_once_and_the_fall_is_of_all_arms(self, three: Findings) -> None:
        assert three.values["limits"].count("Lots decided on the arms") == 1
        fall = kinds.REGRESSION_TO_THE_MEAN.rows(three.estimates)
        assert fall.loc[fall["term"].eq(ALL), "n_participants"].unique().tolist() == [18]

    def test_a_placebo_is_called_placebo(self, three: Findings) -> None:
        figure = figures.treatment_course(three.figures[section.COURSE].estimates)
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [
            "Randomised to it",
            "Randomised to placebo",
        ]

    def test_the_first_line_of_several_panels_is_of_none(self, three: Findings) -> None:
        rows, falls = (kind.rows(three.estimates) for kind in (kinds.TREATMENT_COURSE, kinds.REGRESSION_TO_THE_MEAN))
        assert expected_rate(rows, falls) is None


def test_an_arm_of_one_is_not_shown_and_others_are() -> None:
    found = analyses.run("treatments", trial({"tens": [BEFORE], "magnesium": [BEFORE] * 6, "placebo": [BEFORE] * 6}))
    assert not any("TENS" in str(column) for column in found.tables[section.ARMS].frame.columns)
    assert str(found.tables[section.ARMS].note).startswith("An arm of one participant is not shown. ")
    assert "Effect of TENS: 1 participant with TENS and nights on both sides of time zero: too few." in told(found)[1]
    alone = analyses.run("treatments", trial({"tens": [BEFORE], "placebo": [BEFORE] * 6}))
    assert section.ARMS in alone.absent


def test_choice_is_told_by_the_group_that_lacks_people() -> None:
    nights = {f"{i:02}": [*BEFORE, *BEFORE] for i in range(12)}
    both = "nights before and after time zero"
    for taking, why in (
        (12, "everybody took it, so that nobody is left to compare with"),
        (9, f"fewer than 5 people who did not take it have {both}"),
        (3, f"fewer than 5 people who took it have {both}"),
    ):
        found = analyses.run("treatments", study(nights, [(who, "tens", 7, None, False) for who in [*nights][:taking]]))
        assert f"Effect of TENS: {why}." in told(found)[1], taking
        assert f"No effect could be estimated: {why}." in found.values["answer"]


def test_the_difference_of_those_who_chose_needs_no_cramp_either() -> None:
    nights: dict[str, Counts] = {f"{i:02}": [*BEFORE, *(NONE if i % 2 else BEFORE)] for i in range(16)}
    cohort = study(nights, [(who, "tens", 7, None, False) for who in nights if int(who) % 2])
    found = analyses.run("treatments", cohort)
    why = f"no cramp of the treated from time zero on, {LOST}"
    own = kinds.OPEN_USE.rows(found.estimates)
    ratio, difference = own[own["term"] == "tens"].to_dict("records")
    assert (ratio["status"], ratio["note"], ratio["scale"]) == ("not_estimable", why, "rate_ratio")
    # The others go on with five cramps a week.
    assert difference["estimate"] == pytest.approx(-5) and difference["status"] == "boundary"
    said = f"TENS: −5.00 cramps a week, the difference of the weighted rates; {why}."
    assert found.values["answer"] == f"Taken by choice, {said}"
    assert told(found) == (f"Effect of what people took by choice, adjusted for who takes it, {said}", told(found)[1])


def test_a_crossover_without_pairs_to_compare_is_not_passed_over() -> None:
    nights: dict[str, Counts] = {f"{i}": [1, 0, 1, 0, 0, 1, 0, 0] if i < 3 else [0] * 8 for i in range(8)}
    agents = ("placebo", "tens")
    periods = [(who, agents[(int(who) + turn) % 2], 4 * turn, 4 * turn + 3, True) for who in nights for turn in (0, 1)]
    found = analyses.run("treatments", study(nights, periods))
    # The model has a ratio, from which no verdict is read.
    assert kinds.TREATMENT_EFFECT.rows(found.estimates)["estimate"].notna().sum() == 1
    why = "3 participants with a cramp: too few"
    assert found.values["answer"] == f"No effect could be estimated: {why}." and found.values["by_design"] == ""
    assert f"Effect of TENS: {why}." in told(found)[1]


def test_weeks_without_a_ratio_say_what_they_lack() -> None:
    arms: dict[str, list[Counts]] = {
        "tens": [[*NONE, *BEFORE, *BEFORE]] * 3 + [[*NONE, *BEFORE[::-1], *NONE]] * 3,
        "placebo": [[*BEFORE, *BEFORE, *BEFORE]] * 3 + [[*NONE, *NONE, *BEFORE]] * 3,
    }
    rows = kinds.TREATMENT_EFFECT_BY_WEEK.rows(analyses.run("treatments", trial(arms)).estimates)
    assert rows.set_index("level")["note"].to_dict()["week 1"] == "in some weeks a group had no cramp"


def test_what_is_not_pooled_is_not_said_to_be() -> None:
    """Of one participant of alternating periods there is a ratio, and nothing to pool it with."""
    for single, several in ((True, False), (False, True)):
        rows = []
        for level, analysis in (("participant 1", kinds.TREATMENT_EFFECT_OF_ONE), (PAIRS, kinds.TREATMENT_EFFECT)):
            if analysis is kinds.TREATMENT_EFFECT and single:
                continue
            rows.append(
                estimates.row(
                    status="converged", analysis=analysis.name, term="tens", level=level, scale="rate_ratio",
                    estimate=0.25, ci_low=0.1, ci_high=0.6, ci_level=0.95, n_groups=4,
                )
            )  # fmt: skip
        none = estimates.frame([])
        (drawing,) = section._drawn(none, none, estimates.frame(rows), "").figures.values()
        assert (", and pooled" in drawing.caption) == several
