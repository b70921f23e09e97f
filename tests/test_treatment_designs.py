"""Designs, time zero and the nights of each period: worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.treatments.designs import TreatmentDesign, compared, designs
from crampstudy.treatments.flow import ArmFlow, flow
from crampstudy.treatments.period_nights import period_nights
from crampstudy.treatments.time_zero import NO_FOLLOW_UP, NO_NIGHT, NO_RUN_IN, time_zero

FIRST = date(2024, 3, 1)
PERIODS = {
    "participant_id": pl.String,
    "start": pl.Date,
    "agent": pl.String,
    "dose": pl.Float64,
    "unit": pl.String,
    "stop": pl.Date,
    "randomised": pl.Boolean,
}


def day(offset: int | None) -> date | None:
    return None if offset is None else FIRST + timedelta(days=offset)


def study(
    nights: dict[str, list[int | None]],
    periods: list[tuple[str, str, int, int | None, bool | None]],
    **columns: list[Any],
) -> Cohort:
    """A cohort of people with counts from the first night on (``None``: not logged) and periods by offsets."""
    fixed = {"age_years": [60.0] * len(nights), "sex": ["female"] * len(nights)}
    people = pl.DataFrame({"participant_id": [*nights], **fixed, **columns})
    diary = pl.DataFrame(
        [(who, day(i), n) for who, own in nights.items() for i, n in enumerate(own) if n is not None],
        schema={"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64},
        orient="row",
    )
    table = pl.DataFrame(
        [(who, day(start), agent, None, None, day(stop), lot) for who, agent, start, stop, lot in periods],
        schema=PERIODS,
        orient="row",
    )
    return Cohort("x", "diary", {"participants": people, "diary": diary, "treatments": table})


def one(cohort: Cohort, agent: str) -> TreatmentDesign:
    return next(each for each in designs(cohort) if each.agent == agent)


WEEK: list[int | None] = [1, 0, 2, 1, 0, 0, 1]
FOUR = dict.fromkeys("abcd", WEEK)


class TestDesign:
    def test_one_period_each_is_parallel_and_its_comparator_placebo(self) -> None:
        periods = [(who, agent, 3, 6, True) for who, agent in zip("abcd", ("tens", "placebo") * 2, strict=True)]
        (found,) = designs(study(FOUR, periods))
        assert (found.agent, found.kind, found.against, found.treated) == ("tens", "parallel", "placebo", 2)
        assert dict(found.arms.select("participant_id", "arm").iter_rows()) == {
            "a": "tens",
            "b": "placebo",
            "c": "tens",
            "d": "placebo",
        }

    def test_a_treatment_that_was_paused_is_one_arm(self) -> None:
        periods = [("a", "tens", 1, 2, True), ("a", "tens", 4, 6, True), ("b", "placebo", 1, 6, True)]
        found = one(study(FOUR, periods), "tens")
        assert found.kind == "parallel"
        assert found.arms.row(0) == ("a", "tens", day(1), day(6))

    def test_several_arms_are_compared_one_by_one(self) -> None:
        periods = [(who, agent, 3, 6, True) for who, agent in zip("abc", ("tens", "placebo", "quinine"), strict=True)]
        found = designs(study(FOUR, periods))
        assert [(each.agent, each.against, each.arms.height) for each in found] == [
            ("tens", "placebo", 2),
            ("quinine", "placebo", 2),
        ]

    def test_who_was_randomised_to_nothing_is_the_comparator(self) -> None:
        periods = [("a", "stretching", 2, 6, True), ("b", "stretching", 2, 6, None)]
        lots = [day(2), day(2), day(2), None]
        found = one(study(FOUR, periods, randomised_on=lots, arm=["S", "S", "none", None]), "stretching")
        assert (found.kind, found.against) == ("parallel", "none")
        assert found.arms.select("participant_id", "arm").rows() == [
            ("a", "stretching"),
            ("b", "stretching"),
            ("c", "none"),
        ]
        assert compared(found) == "stretching with no treatment"

    def test_who_never_began_belongs_to_the_arm_of_those_of_the_same_label(self) -> None:
        periods = [("a", "tens", 2, 6, True), ("b", "placebo", 2, 6, True)]
        found = one(study(FOUR, periods, randomised_on=[day(2)] * 4, arm=["1", "2", "1", "2"]), "tens")
        assert found.arms["arm"].to_list() == ["tens", "placebo", "tens", "placebo"]
        assert found.arms["start"].null_count() == 2

    def test_each_agent_once_in_turn_is_a_crossover_also_for_who_left_after_the_first(self) -> None:
        turns = [("tens", "placebo"), ("placebo", "tens"), ("tens", "placebo")]
        periods = [
            (who, agent, 1 + 3 * k, 3 + 3 * k, True)
            for who, pair in zip("abc", turns, strict=True)
            for k, agent in enumerate(pair)
        ]
        found = one(study(FOUR, [*periods, ("d", "tens", 1, 3, True)]), "tens")
        assert (found.kind, found.against, found.periods.height, found.treated) == ("crossover", "placebo", 7, 4)
        assert found.arms["arm"].to_list() == ["tens", "placebo", "tens", "tens"]

    def test_agents_that_come_back_are_n_of_1(self) -> None:
        periods = [("a", agent, k, k, True) for k, agent in enumerate(("tens", "placebo", "placebo", "tens"))]
        assert one(study({"a": WEEK}, periods), "tens").kind == "n-of-1"

    def test_what_fits_none_says_so(self) -> None:
        periods = [(who, "tens", 1, 3, True) for who in "abc"] + [("c", "placebo", 4, 6, True)]
        found = one(study(FOUR, periods), "tens")
        assert found.kind is None
        assert found.reason == (
            "1 of 3 randomised participants had several agents and the others one, which is neither a parallel trial "
            "nor a crossover"
        )
        alone = one(study(FOUR, [(who, "tens", 1, 3, True) for who in "abc"]), "tens")
        assert (alone.kind, alone.reason) == (
            None,
            "all who were randomised took TENS, and nobody anything to compare it with",
        )
        other = one(study(FOUR, [("a", "other", 1, 3, False)]), "other")
        assert other.kind is None and other.reason.startswith("what is noted as another agent is several treatments")

    def test_an_agent_of_ones_own_beside_a_trial_is_open_use(self) -> None:
        periods = [("a", "tens", 2, 6, True), ("b", "placebo", 2, 6, True), ("b", "quinine", 4, None, False)]
        found = designs(study(FOUR, periods))
        assert [(each.agent, each.kind) for each in found] == [("tens", "parallel"), ("quinine", "open use")]
        assert designs(study(FOUR, [])) == ()

    def test_agents_that_lots_gave_together_are_an_arm_of_their_own(self) -> None:
        arms = {"a": ("placebo",), "b": ("tens",), "c": ("tens", "magnesium"), "d": ("quinine", "tens")}
        periods = [(who, agent, 3, 6, True) for who, agents in arms.items() for agent in agents]
        found = designs(study(FOUR, periods))
        assert [(each.agent, each.kind, each.against, each.arms.height) for each in found] == [
            ("tens", "parallel", "placebo", 2),
            ("magnesium + tens", "parallel", "placebo", 2),
            ("tens + quinine", "parallel", "placebo", 2),
        ]
        assert compared(found[1]) == "magnesium + TENS with placebo"

    def test_a_factorial_trial_has_each_agent_and_both_against_neither(self) -> None:
        # Of a double dummy the placebo of the other agent is part of an arm.
        dummies = [("tens", "placebo"), ("magnesium", "placebo"), ("magnesium", "tens"), ("placebo",)]
        periods = [(w, agent, 3, 6, True) for w, agents in zip("abcd", dummies, strict=True) for agent in agents]
        open_label = [period for period in periods if period[1] != "placebo"]
        for rows, against in ((periods, "placebo"), (open_label, "none")):
            found = designs(study(FOUR, rows, randomised_on=[day(3)] * 4))
            assert [(each.agent, each.kind, each.against, each.treated) for each in found] == [
                ("magnesium", "parallel", against, 1),
                ("tens", "parallel", against, 1),
                ("magnesium + tens", "parallel", against, 1),
            ]

    def test_what_was_added_to_an_agent_is_compared_with_the_agent(self) -> None:
        periods = [("a", "tens", 1, 6, True), ("b", "tens", 1, 6, True), ("b", "magnesium", 1, 6, True)]
        (found,) = designs(study(FOUR, periods))
        assert (found.agent, found.kind, found.against) == ("magnesium + tens", "parallel", "tens")

    def test_a_combination_begun_a_day_apart_is_one_and_ends_with_its_first_agent(self) -> None:
        periods = [("a", "tens", 1, 6, True), ("a", "magnesium", 2, 5, True), ("b", "placebo", 1, 6, True)]
        (found,) = designs(study(FOUR, periods))
        assert found.arms.rows() == [("a", "magnesium + tens", day(1), day(5)), ("b", "placebo", day(1), day(6))]
        # Paused and resumed beside the other, it stays one.
        resumed = [("a", "tens", 1, 3, True), ("a", "tens", 5, 6, True), ("a", "magnesium", 2, 6, True), *periods[2:]]
        assert one(study(FOUR, resumed), "magnesium + tens").arms.row(0) == ("a", "magnesium + tens", day(1), day(6))
        # One that begins as the other ends, or where no end was noted, follows it.
        for first_stop in (2, None):
            turns = [("a", "tens", 1, first_stop, True), ("a", "magnesium", 2, 6, True), *periods[2:]]
            assert [each.agent for each in designs(study(FOUR, turns))] == ["magnesium", "tens"]

    def test_a_period_of_two_agents_is_one_of_a_crossover(self) -> None:
        turns = [(("tens", "magnesium"), ("placebo",)), (("placebo",), ("tens", "magnesium"))]
        periods = [
            (who, agent, 1 + 3 * k, 3 + 3 * k, True)
            for who, pair in zip("ab", turns, strict=True)
            for k, agents in enumerate(pair)
            for agent in agents
        ]
        (found,) = designs(study(FOUR, periods))
        assert (found.agent, found.kind, found.against, found.treated) == (
            "magnesium + tens",
            "crossover",
            "placebo",
            2,
        )
        assert found.arms["arm"].to_list() == ["magnesium + tens", "placebo"]

    def test_who_takes_by_choice_what_lots_gave_others_in_a_combination_has_nobody_to_be_compared_with(self) -> None:
        periods = [("a", "tens", 1, 6, True), ("a", "magnesium", 1, 6, True), ("b", "placebo", 1, 6, True)]
        found = one(study(FOUR, [*periods, ("d", "magnesium", 2, None, False)]), "magnesium")
        assert found.kind is None and found.periods["participant_id"].to_list() == ["d"]
        assert found.reason.startswith("lots gave it to others in a combination (magnesium + TENS), ")


TRIAL: list[tuple[str, str, int, int | None, bool | None]] = [
    (who, agent, 3, 6, True) for who, agent in zip("abcd", ("tens", "placebo") * 2, strict=True)
]


class TestTimeZero:
    def test_of_a_trial_it_is_the_day_of_randomisation_else_the_first_day(self) -> None:
        cohort = study({**FOUR, "c": [None] * 7}, TRIAL, randomised_on=[day(2), day(0), day(2), None])
        found = time_zero(cohort, one(cohort, "tens"))
        assert found.said == (
            "time zero is the day of randomisation, of 1 participant without one the first day of the first randomised "
            "period"
        )
        assert found.people.select("participant_id", "arm", "time_zero", "left_out").rows() == [
            ("a", "tens", day(2), None),
            ("b", "placebo", day(0), NO_RUN_IN),
            ("c", "tens", day(2), NO_NIGHT),
            ("d", "placebo", day(3), None),
        ]
        # The night of time zero counts: a has 1, 0 before it and five nights from it on.
        a = found.people.row(0, named=True)
        assert (a["run_in_nights"], a["run_in_cramps"], a["nights"]) == (2, 1, 5)
        assert a["run_in_log_rate"] == pytest.approx(-0.2876820724517809)  # log(1.5 / 2)
        assert found.compared["participant_id"].to_list() == ["a", "d"]

    def test_the_untreated_in_open_use_have_the_median_wait_of_who_began_in_the_diary(self) -> None:
        nights: dict[str, list[int | None]] = dict.fromkeys("abcde", WEEK)
        nights["e"] = [None, None, 3, 3, 3, 3, 3]
        periods = [("a", "tens", 2, None, False), ("b", "tens", 5, 6, False), ("c", "tens", -9, None, None)]
        cohort = study(nights, periods)
        found = time_zero(cohort, one(cohort, "tens"))
        # Waits 2 and 5: 3 whole nights; c, who began before, has none.
        assert dict(found.people.select("participant_id", "time_zero").iter_rows()) == {
            "a": day(2),
            "b": day(5),
            "c": day(-9),
            "d": day(3),
            "e": day(5),
        }
        assert found.people["left_out"].to_list() == [None, None, NO_RUN_IN, None, None]
        assert found.said == (
            "time zero is the first day of TENS, of the untreated 3 nights after the first logged night, the median "
            "wait of those who began in the diary"
        )
        asked = time_zero(cohort, one(cohort, "tens"), run_in=7)
        assert asked.people["time_zero"].to_list() == [day(2), day(5), day(-9), day(7), day(9)]
        assert asked.people["left_out"].to_list() == [None, None, NO_RUN_IN, NO_FOLLOW_UP, NO_FOLLOW_UP]

    def test_a_run_in_that_is_asked_for_holds_for_all_of_a_trial(self) -> None:
        cohort = study(FOUR, TRIAL)
        assert time_zero(cohort, one(cohort, "tens"), run_in=5).people["time_zero"].unique().to_list() == [day(5)]
        with pytest.raises(UsageError, match="a run-in has 1 night or more, got 0"):
            time_zero(cohort, one(cohort, "tens"), run_in=0)


def states(
    periods: list[tuple[str, str, int, int | None, bool | None]], counts: list[int | None] = WEEK, **more: int
) -> list[tuple[int, str, str | None, int | None, int | None]]:
    cohort = study({"a": counts}, periods)
    found = period_nights(cohort, cohort.frame("treatments"), **more).nights
    offset = (pl.col("date") - FIRST).dt.total_days()
    return found.select(offset, "state", "agent", "period", "day").rows()


class TestPeriodNights:
    def test_the_nights_of_start_and_stop_are_treated_and_nights_that_were_not_logged_are_not_there(self) -> None:
        assert states([("a", "tens", 1, 3, True)], [0, 0, None, 1, 2]) == [
            (0, "outside", None, None, None),
            (1, "treated", "tens", 1, 0),
            (3, "treated", "tens", 1, 2),
            (4, "outside", None, None, None),
        ]

    def test_build_up_and_washout_are_set_apart(self) -> None:
        found = states([("a", "tens", 1, 3, True), ("a", "placebo", 6, None, True)], build_up=1, washout=2)
        assert [(state, agent, period, night) for _, state, agent, period, night in found] == [
            ("outside", None, None, None),
            ("build-up", "tens", 1, 0),
            ("treated", "tens", 1, 1),
            ("treated", "tens", 1, 2),
            ("washout", "tens", 1, 0),
            ("washout", "tens", 1, 1),
            ("build-up", "placebo", 2, 0),
        ]
        cohort = study({"a": WEEK}, [("a", "tens", 1, 3, True)])
        found = period_nights(cohort, cohort.frame("treatments"), build_up=1, washout=9)
        assert [found.count(state) for state in ("outside", "build-up", "treated", "washout", "several")] == [
            1,
            1,
            2,
            3,
            0,
        ]
        assert found.treated.height == 2

    def test_what_one_agent_leaves_over_takes_the_first_nights_of_another_and_not_of_its_own(self) -> None:
        next_to = [("a", "tens", 0, 2, True), ("a", "placebo", 3, 6, True)]
        assert [row[1:3] for row in states(next_to, washout=2)][2:6] == [
            ("treated", "tens"),
            ("washout", "tens"),
            ("washout", "tens"),
            ("treated", "placebo"),
        ]
        again = [("a", "tens", 0, 2, True), ("a", "tens", 3, 6, True)]
        assert [row[1:4] for row in states(again, washout=2)][2:4] == [("treated", "tens", 1), ("treated", "tens", 2)]

    def test_a_period_without_an_end_goes_on_until_the_next_start(self) -> None:
        found = states([("a", "tens", 1, None, True), ("a", "placebo", 4, None, True)])
        assert [row[2] for row in found] == [None, "tens", "tens", "tens", "placebo", "placebo", "placebo"]

    def test_nights_in_periods_of_two_agents_are_of_none_of_them(self) -> None:
        overlap = [("a", "tens", 0, 3, True), ("a", "placebo", 2, 5, True)]
        assert [row[1:3] for row in states(overlap)] == [
            ("treated", "tens"),
            ("treated", "tens"),
            ("several", None),
            ("several", None),
            ("treated", "placebo"),
            ("treated", "placebo"),
            ("outside", None),
        ]
        # Begun on the same day, neither with an end.
        together = states([("a", "tens", 5, None, True), ("a", "placebo", 5, None, True)])
        assert [row[1] for row in together][4:] == ["outside", "several", "several"]
        # Of one agent it is the later period's.
        assert [row[3] for row in states([("a", "tens", 0, 4, True), ("a", "tens", 3, 6, True)])] == [
            1,
            1,
            1,
            2,
            2,
            2,
            2,
        ]

    def test_nights_below_0_are_refused(self) -> None:
        cohort = study({"a": WEEK}, [("a", "tens", 1, 3, True)])
        with pytest.raises(UsageError, match="a washout has 0 nights or more, got -1"):
            period_nights(cohort, cohort.frame("treatments"), washout=-1)


class TestFlow:
    def test_of_a_trial_by_arm(self) -> None:
        nights: dict[str, list[int | None]] = {**dict.fromkeys("abcdef", WEEK), "g": [None] * 7, "h": WEEK}
        periods = [
            ("a", "tens", 2, 6, True),  # to the end
            ("b", "tens", 2, 4, True),  # ended two nights before the last
            ("c", "placebo", 2, None, True),
            ("c", "quinine", 2, 3, False),  # rescue, from time zero on
            ("d", "placebo", 2, 6, True),
            ("d", "quinine", -3, 1, False),  # before it: none
            ("f", "placebo", 0, 6, True),  # without a run-in
            ("g", "placebo", 2, 6, True),  # without a night
        ]
        lots = [day(2), day(2), day(2), day(2), day(2), day(0), day(2), None]
        arm = ["1", "1", "0", "0", "1", "0", "0", None]
        cohort = study(nights, periods, randomised_on=lots, arm=arm)
        design = one(cohort, "tens")
        found = flow(cohort, design, time_zero(cohort, design))
        assert found == (
            ArmFlow("tens", in_arm=3, started=2, stopped=1, rescue=0, compared=3, left_out={}),
            ArmFlow(
                "placebo", in_arm=4, started=4, stopped=0, rescue=1, compared=2, left_out={NO_NIGHT: 1, NO_RUN_IN: 1}
            ),
        )

    def test_of_open_use_all_participants_are_in_it(self) -> None:
        periods = [("a", "tens", 2, 4, False), ("b", "tens", -2, None, False), ("c", "magnesium", 1, 6, False)]
        cohort = study(FOUR, periods)
        design = one(cohort, "tens")
        assert flow(cohort, design, time_zero(cohort, design)) == (
            ArmFlow("tens", in_arm=2, started=2, stopped=1, rescue=0, compared=1, left_out={NO_RUN_IN: 1}),
            # Magnesium began before the time zero of the untreated.
            ArmFlow("none", in_arm=2, started=0, stopped=0, rescue=0, compared=2, left_out={}),
        )
