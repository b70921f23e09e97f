"""Trials: parallel arms, crossover and n-of-1 against R, by hand, and against what the simulator put in."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import recovery_trials
from test_treatment_designs import day, one, study

from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import kinds
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.truth.design import StudyDesign
from crampstudy.treatments import crossover as cross
from crampstudy.treatments import pairs
from crampstudy.treatments import parallel as arms
from crampstudy.treatments.course import course
from crampstudy.treatments.designs import designs
from crampstudy.treatments.flow import NOT_BOTH, SET_APART, flow
from crampstudy.treatments.modifiers import label, modifiers
from crampstudy.treatments.n_of_1 import n_of_1, paired_nights
from crampstudy.treatments.parallel import Followed
from crampstudy.treatments.question import TreatmentQuestion
from crampstudy.treatments.time_zero import time_zero
from crampstudy.treatments.trials import own_contrast, trial_effect

PARITY = Path(__file__).parent / "parity"
FIRST = date(2024, 3, 1)
MAIN = {
    "cohort": "x",
    "population": "randomised participants",
    "outcome": "cramps",
    "analysis": kinds.TREATMENT_EFFECT.name,
    "term": "tens",
    "scale": "rate_ratio",
    "estimand": "randomised effect",
    "ci_level": 0.95,
}
R = json.loads((PARITY / "trials.json").read_text(encoding="utf-8"))


def cohort_of(people: list[str], diary: list[tuple[str, int, int]], periods: list[tuple[str, str, int, int]]) -> Cohort:
    """A cohort of a trial from nights and randomised periods, whose days count from the first of March."""
    at = FIRST.toordinal()
    who = pl.DataFrame({"participant_id": people, "age_years": [60.0] * len(people), "sex": ["male"] * len(people)})
    nights = pl.DataFrame(
        [(p, date.fromordinal(at + night), n) for p, night, n in diary],
        schema={"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64},
        orient="row",
    )
    given = pl.DataFrame(
        [(p, date.fromordinal(at + a), agent, date.fromordinal(at + b), True) for p, agent, a, b in periods],
        schema={
            "participant_id": pl.String,
            "start": pl.Date,
            "agent": pl.String,
            "stop": pl.Date,
            "randomised": pl.Boolean,
        },
        orient="row",
    )
    return Cohort("x", "diary", {"participants": who, "diary": nights, "treatments": given})


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    return pl.read_csv(PARITY / "trials-data.csv")


@pytest.fixture(scope="module")
def parallel(rows: pl.DataFrame) -> Cohort:
    own = rows.filter(trial="parallel")
    given = dict(own.select("participant_id", "given").unique().iter_rows())
    periods = [(who, "tens" if on else "placebo", 10, 23) for who, on in sorted(given.items())]
    diary = list(own.select("participant_id", "night", "cramps").iter_rows())
    return cohort_of(sorted(given), diary, periods)


@pytest.fixture(scope="module")
def crossed(rows: pl.DataFrame) -> Cohort:
    own = rows.filter(trial="crossover")
    turns = own.select("participant_id", "period", "given").unique(maintain_order=True)
    periods = [
        (who, "tens" if on else "placebo", (period - 1) * 21, (period - 1) * 21 + 13)
        for who, period, on in turns.iter_rows()
    ]
    diary = list(own.select("participant_id", "night", "cramps").iter_rows())
    return cohort_of(sorted(own["participant_id"].unique()), diary, periods)


@pytest.fixture(scope="module")
def of_arms(parallel: Cohort) -> list[dict[str, Any]]:
    return trial_effect(parallel, one(parallel, "tens"))


@pytest.fixture(scope="module")
def of_turns(crossed: Cohort) -> list[dict[str, Any]]:
    return trial_effect(crossed, one(crossed, "tens"))


@pytest.fixture(scope="module")
def alternating(rows: pl.DataFrame) -> Cohort:
    own = rows.filter(trial="n-of-1")
    turns = own.select("participant_id", "period", "given").unique(maintain_order=True)
    periods = [
        (who, "tens" if on else "placebo", 6 * (period - 1), 6 * (period - 1) + 4)
        for who, period, on in turns.iter_rows()
    ]
    diary = list(own.select("participant_id", "night", "cramps").iter_rows())
    return cohort_of(sorted(own["participant_id"].unique()), diary, periods)


def found(rows: list[dict[str, Any]], level: str, scale: str = "rate_ratio") -> dict[str, Any]:
    return next(row for row in rows if row["level"] == level and row["scale"] == scale)


class TestParallel:
    def test_nights_and_totals_agree_with_r(self, of_arms: list[dict[str, Any]]) -> None:
        made = of_arms
        for level, name in ((arms.PRIMARY, "by_night"), (arms.TOTALS, "totals")):
            row, right = found(made, level), R[name]
            assert math.log(row["estimate"]) == pytest.approx(right["coefficients"][1], abs=1e-6)
            assert row["std_error"] == pytest.approx(right["error"], rel=1e-6)
            assert row["df"] == pytest.approx(right["df"], rel=1e-5)
            assert row["n_participants"] == right["participants"] and row["n_exposed"] == 24
        # The nights of a participant are one row of the totals, and still so many nights.
        assert found(made, arms.TOTALS)["n_nights"] == found(made, arms.PRIMARY)["n_nights"]
        assert found(made, arms.TOTALS)["note"] == "one count a person; covariance cluster-small"

    def test_the_difference_is_standardised_and_its_error_that_of_the_delta_method(
        self, of_arms: list[dict[str, Any]]
    ) -> None:
        row = found(of_arms, arms.PRIMARY, "difference")
        assert row["estimate"] == pytest.approx(R["by_night"]["difference"], rel=1e-6)
        assert row["std_error"] == pytest.approx(R["by_night"]["difference_error"], rel=1e-6)
        assert (row["outcome"], row["unit"]) == ("cramps_per_week", "cramps a week")

    def test_the_row_says_the_estimand_in_full(self, of_arms: list[dict[str, Any]]) -> None:
        row = found(of_arms, arms.PRIMARY)
        assert row["population"] == "randomised participants" and row["reference"] == "placebo"
        assert row["estimand"] == (
            "randomised effect: all nights from time zero on count, whatever was stopped or taken besides (treatment "
            "policy)"
        )
        assert row["adjusted_for"] == "run-in"
        assert row["note"].startswith("time zero is the first day of the first randomised period; covariance")

    def test_while_on_treatment_leaves_the_nights_after_a_stop_out(
        self, parallel: Cohort, of_arms: list[dict[str, Any]]
    ) -> None:
        stopped = parallel.frame("treatments").with_columns(
            stop=pl.when(pl.col("participant_id") == "P01").then(pl.col("start")).otherwise(pl.col("stop"))
        )
        early = Cohort("x", "diary", {**parallel.tables, "treatments": stopped})
        made = trial_effect(early, one(early, "tens"))
        whole, on = found(made, arms.PRIMARY), found(made, arms.ON_TREATMENT)
        nights = parallel.frame("diary").filter(
            (pl.col("participant_id") == "P01") & (pl.col("date") > date(2024, 3, 11))
        )
        assert whole["n_nights"] - on["n_nights"] == nights.height > 0
        assert on["note"].startswith(f"{nights.height} nights of no treatment left out")
        assert whole["estimate"] == found(of_arms, arms.PRIMARY)["estimate"]

    def test_nights_of_build_up_are_left_out_of_both_arms_and_counted(
        self, parallel: Cohort, of_arms: list[dict[str, Any]]
    ) -> None:
        asked = TreatmentQuestion(build_up=3)
        row = found(trial_effect(parallel, one(parallel, "tens"), asked), arms.PRIMARY)
        first = parallel.frame("diary").filter(pl.col("date").is_between(date(2024, 3, 11), date(2024, 3, 13)))
        assert f"{first.height} nights of build-up left out" in row["note"]
        whole = found(of_arms, arms.PRIMARY)
        assert whole["n_nights"] - row["n_nights"] == first.height

    def test_fewer_than_five_in_an_arm_are_described_alone(self) -> None:
        people = [f"{i}" for i in range(9)]
        diary = [(who, night, (night + int(who)) % 3) for who in people for night in range(20)]
        cohort = cohort_of(people, diary, [(who, "tens" if int(who) < 4 else "placebo", 8, 19) for who in people])
        (row,) = trial_effect(cohort, one(cohort, "tens"))
        assert (row["status"], row["estimate"], row["verdict"]) == ("not_estimable", None, "too few")
        assert row["note"] == "4 participants with TENS and nights on both sides of time zero: too few"

    @pytest.mark.parametrize(("name", "value"), [("run_in", 0), ("build_up", -1), ("washout", -2)])
    def test_numbers_of_nights_that_cannot_be_are_refused(self, name: str, value: int) -> None:
        with pytest.raises(UsageError, match=f"got {value}"):
            TreatmentQuestion(**{name: value})


class TestCrossover:
    def test_it_agrees_with_lme4_and_the_conditional_model(self, of_turns: list[dict[str, Any]]) -> None:
        made = of_turns
        main, right = found(made, cross.PRIMARY), R["crossover"]
        assert math.log(main["estimate"]) == pytest.approx(right["coefficients"][1], abs=1e-6)
        assert main["std_error"] == pytest.approx(right["errors"][1], rel=1e-5)
        fixed = found(made, cross.CONDITIONAL)
        assert math.log(fixed["estimate"]) == pytest.approx(R["conditional"]["coefficients"][0], abs=1e-7)
        assert fixed["std_error"] == pytest.approx(R["conditional"]["errors"][0], rel=1e-6)

    def test_a_period_without_a_cramp_is_left_out_of_the_models_and_named(self, crossed: Cohort) -> None:
        late = crossed.frame("diary")["date"] >= date.fromordinal(FIRST.toordinal() + 21)
        nights = crossed.frame("diary").with_columns(cramps=pl.when(late).then(0).otherwise("cramps"))
        quiet = Cohort("x", "diary", {**crossed.tables, "diary": nights})
        made = trial_effect(quiet, one(quiet, "tens"))
        for level in (cross.PRIMARY, cross.CLUSTER):
            row = found(made, level)
            assert row["status"] == "converged" and math.isfinite(row["ci_high"])
            assert (row["adjusted_for"], row["lacks"]) == ("participant", "period_rank")
            assert "not adjusted for period_rank: every one of its" in row["note"]

    def test_the_shared_case(self, shared: Path) -> None:
        """Counts of two periods, spread over as many nights of each: their totals are all that there is to know."""
        text = (shared / "cases" / "crossover.csv").read_text(encoding="utf-8")
        diary, periods, nights = [], [], 14
        for row in csv.DictReader(text.splitlines()):
            start, y = 7 + 21 * (int(row["period"]) - 1), int(row["y"])
            diary += [(row["id"], start + k, y // nights + (k < y % nights)) for k in range(nights)]
            periods.append((row["id"], {"A": "placebo", "B": "tens"}[row["trt"]], start, start + nights - 1))
        cohort = cohort_of(sorted({who for who, *_ in diary}), diary, periods)
        row = found(trial_effect(cohort, one(cohort, "tens")), cross.PRIMARY)
        assert math.log(row["estimate"]) == pytest.approx(-0.259851, abs=3e-6)
        assert row["std_error"] == pytest.approx(0.067555, abs=1e-6)

    def test_the_verdict_is_read_within_pairs_and_the_sequence_selects_nothing(
        self, of_turns: list[dict[str, Any]]
    ) -> None:
        made = of_turns
        judged = [(row["level"], row["scale"]) for row in made if row["verdict"] is not None]
        assert judged == [(pairs.LEVEL, "rate_ratio"), (pairs.LEVEL, "difference")]
        main, robust, sequence = (found(made, level) for level in (cross.PRIMARY, cross.CLUSTER, cross.CARRY_OVER))
        assert robust["estimate"] == pytest.approx(main["estimate"]) and robust["std_error"] != main["std_error"]
        assert "cover less than they say" in robust["note"] and "cover less" not in found(made, pairs.LEVEL)["note"]
        assert sequence["note"].startswith("a sensitivity alone, which selects no analysis")
        assert sequence["reference"] == "placebo first" and sequence["estimand"].startswith("association")

    def test_an_agent_given_twice_in_a_row_is_paired_once_and_the_rest_counted(self, crossed: Cohort) -> None:
        """One participant has the first period in two parts: the second part has no partner."""
        rows = crossed.frame("treatments")
        own = pl.col("participant_id") == "C00"
        first = rows.filter(own).sort("start").head(1)
        day = first["start"][0] + timedelta(days=7)
        parts = pl.concat([first.with_columns(stop=pl.lit(day - timedelta(days=1))), first.with_columns(start=day)])
        split = pl.concat([rows.join(first, on=["participant_id", "start"], how="anti"), parts.select(rows.columns)])
        cohort = Cohort("x", "diary", {**crossed.tables, "treatments": split})
        row = found(trial_effect(cohort, one(cohort, "tens")), pairs.LEVEL)
        night = pl.col("date")
        lost = crossed.frame("diary").filter(own & night.is_between(day, day + timedelta(days=6))).height
        assert row["note"].endswith(f"{lost} nights of periods without a partner left out") and lost > 3
        assert row["n_nights"] == crossed.frame("diary").height - lost

    def test_build_up_and_washout_are_left_out_and_counted(self, crossed: Cohort) -> None:
        design = one(crossed, "tens")
        whole = cross.Turns.of(crossed, design, TreatmentQuestion())
        apart = cross.Turns.of(crossed, design, TreatmentQuestion(build_up=2, washout=9))
        # The washout between the periods is 7 nights, which nobody logged: two more reach into the second period, as
        # its build-up does.
        offset = (pl.col("date") - FIRST).dt.total_days()
        first = crossed.frame("diary").filter(offset.is_in([0, 1, 21, 22])).height
        assert whole.nights.height - apart.nights.height == first
        assert sum(int(note.split()[0]) for note in apart.notes if "left out" in note) == first

    def test_who_logged_under_one_of_them_alone_is_counted_and_too_few_are_described(self) -> None:
        diary = [(who, night, 1 + (night + int(who)) % 2) for who in "12345" for night in range(12)]
        turns = [(who, agent, 6 * k, 6 * k + 5) for who in "12345" for k, agent in enumerate(("tens", "placebo"))]
        cohort = cohort_of(list("12345"), [each for each in diary if each[0] != "5" or each[1] < 6], turns)
        (row,) = trial_effect(cohort, one(cohort, "tens"))
        assert row["note"] == "4 participants with nights of TENS and of placebo: too few"
        turned = cross.Turns.of(cohort, one(cohort, "tens"), TreatmentQuestion())
        assert "1 participant logged nights of one of the two alone" in turned.notes


@pytest.mark.parametrize(
    ("trial", "asked", "said"),
    [
        ("parallel", TreatmentQuestion(build_up=14), "with a build-up of 14 nights set apart"),
        ("crossed", TreatmentQuestion(build_up=14), "with a build-up of 14 nights set apart"),
        ("crossed", TreatmentQuestion(washout=30), "with a washout of 30 nights set apart"),
        (
            "alternating",
            TreatmentQuestion(build_up=5, washout=1),
            "with a build-up of 5 nights and a washout of 1 night",
        ),
    ],
)
def test_nights_that_are_set_apart_are_the_reason_where_they_leave_nobody(
    trial: str, asked: TreatmentQuestion, said: str, request: pytest.FixtureRequest
) -> None:
    cohort = request.getfixturevalue(trial)
    design = one(cohort, "tens")
    zero = time_zero(cohort, design)
    plain = flow(cohort, design, zero)
    had = plain[0].compared if trial == "parallel" else sum(arm.compared for arm in plain)
    row = trial_effect(cohort, design, asked)[0]
    assert row["status"] == "not_estimable" and row["note"].startswith("no participant with ")
    assert said in row["note"] and f"({had} participants without that)" in row["note"]
    # The flow has nobody compared, and says what took the nights.
    apart = flow(cohort, design, zero, asked)
    assert [arm.compared for arm in apart] == [0] * len(apart)
    assert [arm.left_out.get(SET_APART) for arm in apart] == [arm.compared for arm in plain]


def test_the_flow_of_turns_compares_whom_the_estimate_does() -> None:
    diary = [(who, night, 1 + (night + int(who)) % 2) for who in "123456" for night in range(12)]
    order = ("tens", "placebo", "tens")
    turns = [(who, order[k + int(who) % 2], 6 * k, 6 * k + 5) for who in "123456" for k in range(2)]
    cohort = cohort_of(list("123456"), [each for each in diary if each[0] != "6" or each[1] < 6], turns)
    design = one(cohort, "tens")
    both = flow(cohort, design, time_zero(cohort, design))
    assert sum(arm.compared for arm in both) == cross.Turns.of(cohort, design, TreatmentQuestion()).people.height == 5
    assert [arm.left_out for arm in both] == [{NOT_BOTH: 1}, {}]


class TestNOf1:
    PAIRS = (("tens", 0), ("placebo", 7), ("placebo", 14), ("tens", 21), ("tens", 28), ("placebo", 35))

    def one_person(self, counts: list[int], last: int = 42) -> Cohort:
        diary = [("a", night, counts[night // 7] if night % 7 == 0 else 0) for night in range(last)]
        return cohort_of(["a"], diary, [("a", agent, start, start + 6) for agent, start in self.PAIRS])

    def test_one_participant_by_hand(self) -> None:
        """Pairs of 7 and 7 nights: the ratio is that of the sums, and pairs are the clusters."""
        counts = [4, 8, 5, 3, 6, 9]
        *_, row = n_of_1(self.one_person(counts), one(self.one_person(counts), "tens"))
        assert row["analysis"] == kinds.TREATMENT_EFFECT_OF_ONE.name and row["population"] == "one participant"
        treated, others = np.array([4, 3, 6]), np.array([8, 5, 9])
        assert row["estimate"] == pytest.approx(13 / 22)
        share = 13 / 35
        scores = treated - share * (treated + others)
        information = (35 * share * (1 - share)) ** 1
        error = math.sqrt(1.5 * (scores**2).sum()) / information
        assert row["std_error"] == pytest.approx(error) and row["df"] == 2
        assert row["n_groups"] == 3 and row["note"].startswith("rests on one participant, as this design does; 3 pairs")
        assert row.get("verdict") is None

    @pytest.mark.parametrize(
        ("counts", "last", "why"),
        [
            ([4, 8, 5, 3, 6, 9], 30, "2 pairs of periods: too few"),
            ([1, 2, 1, 1, 1, 2], 42, "8 cramps in 3 pairs of periods: too few"),
            ([4, 8, 5, 3, 0, 0], 42, "20 cramps in 2 pairs of periods: too few"),
            ([0, 8, 5, 0, 0, 9], 42, "no cramp with TENS"),
        ],
    )
    def test_what_is_too_little_says_so(self, counts: list[int], last: int, why: str) -> None:
        cohort = self.one_person(counts, last)
        *_, row = n_of_1(cohort, one(cohort, "tens"))
        assert (row["status"], row["note"]) == ("not_estimable", why)

    def test_one_participant_is_not_pooled(self) -> None:
        cohort = self.one_person([4, 8, 5, 3, 6, 9])
        first, *_ = n_of_1(cohort, one(cohort, "tens"))
        assert first["note"] == "1 participant with pairs of TENS and placebo: too few to pool"
        assert paired_nights(cohort, one(cohort, "tens"), TreatmentQuestion())["pair"].unique().to_list() == [1, 2, 3]

    def test_pooled_and_its_spread(self) -> None:
        truth = replace(Truth(), design=StudyDesign("n-of-1", ("tens", "placebo"), run_in_nights=3, period_nights=7))
        cohort = simulate(30, 115, 4, replace(truth, cramps=replace(truth.cramps, rate_per_week=5.0)), Mess.none())
        made = n_of_1(cohort, one(cohort, "tens"))
        pooled, ratio, difference, spread, *persons = made
        assert [row["scale"] for row in made[:4]] == ["rate_ratio", "rate_ratio", "difference", "standard_deviation"]
        # Of so few the interval of random slopes is too narrow for a verdict.
        assert pooled["verdict"] is None and "cover less than they say" in pooled["note"]
        assert ratio["verdict"] == difference["verdict"] is not None and ratio["level"] == pairs.LEVEL
        assert spread["analysis"] == kinds.TREATMENT_SPREAD.name
        assert len(persons) == 30 and {row["n_participants"] for row in persons} == {1}
        # No identifier stands in a row.
        assert [row["level"] for row in persons[:2]] == ["participant 1", "participant 2"]
        assert min(row["estimate"] for row in persons if row["estimate"]) < pooled["estimate"]


class TestPairs:
    def test_they_agree_with_r(self, of_turns: list[dict[str, Any]], alternating: Cohort) -> None:
        """A logistic model of the cramps, each once, with CR2 and the degrees of freedom of clubSandwich."""
        for made, name in (
            (of_turns, "crossover_pairs"),
            (trial_effect(alternating, one(alternating, "tens")), "alternating_pairs"),
        ):
            row, right = found(made, pairs.LEVEL), R[name]
            first = right["coefficients"][0] if name == "crossover_pairs" else right["coefficients"]
            assert math.log(row["estimate"]) == pytest.approx(first, abs=1e-8)
            assert row["std_error"] == pytest.approx(right["error"], rel=1e-7)
            assert row["df"] == pytest.approx(right["df"], rel=1e-6)
            assert row["n_groups"] == right["participants"] and row["n_events"] == right["cramps"]

    def test_by_hand(self) -> None:
        """One pair each, as many nights: the ratio of the sums, HC2 of the shares, and who carries it as df."""
        treated, others = np.array([4.0, 3, 6, 2, 5, 20]), np.array([8.0, 5, 9, 2, 4, 30])
        nights = np.full((6, 2), 7.0)
        made = pairs.PairTotals(np.column_stack([treated, others]), nights, np.empty((6, 2, 0)), np.arange(6))
        fitted = pairs.fit_pairs(made)
        total, whole = treated + others, 98.0
        share = 40 / whole
        assert fitted.coefficients[0] == pytest.approx(math.log(40 / 58))
        leverage = total / whole
        residual = (treated - share * total) / np.sqrt(1 - leverage)
        assert fitted.error == pytest.approx(math.sqrt((residual**2).sum()) / (whole * share * (1 - share)))
        working = (np.diag(total) - np.outer(total, total) / whole) / np.sqrt(np.outer(1 - leverage, 1 - leverage))
        assert fitted.small is not None
        assert fitted.small.df[0] == pytest.approx(np.trace(working) ** 2 / (working**2).sum())
        assert fitted.small.df[0] < 4  # half of the cramps are of one participant
        weekly, slope = pairs.weekly_mean(made, fitted.coefficients)
        ratio = 40 / 58
        assert weekly == pytest.approx((total / (7 + 7 * ratio)).mean() * 7 * (ratio - 1))
        above = pairs.weekly_mean(made, fitted.coefficients + 1e-6)[0]
        assert slope == pytest.approx((above - weekly) / 1e-6, rel=1e-5)

    def test_the_mean_of_periods_by_hand(self) -> None:
        """One participant had the treatment last: its nights count as the ratios of treatment and period have it."""
        shifts = np.zeros((2, 2, 1))
        shifts[0, 0, 0] = shifts[1, 1, 0] = 1.0
        made = pairs.PairTotals(np.array([[6.0, 4], [0, 0]]), np.array([[14.0, 7], [7, 7]]), shifts, np.arange(2))
        beta = np.array([math.log(0.5), math.log(1.2)])
        rate = 10 / (7 + 14 * 0.5 * 1.2)
        assert pairs.weekly_mean(made, beta)[0] == pytest.approx(7 * rate * 1.1 * (0.5 - 1) / 2)
        above = pairs.weekly_mean(made, beta + np.array([1e-6, 0]))[0]
        slope = pairs.weekly_mean(made, beta)[1]
        assert slope == pytest.approx((above - pairs.weekly_mean(made, beta)[0]) / 1e-6, rel=1e-5)

    @pytest.mark.parametrize(
        ("cramps", "why"),
        [
            ([[1, 2]] * 4 + [[0, 0]] * 3, "4 participants with a cramp: too few"),
            ([[0, 2]] * 6, "no cramp with the treatment in any pair"),
            ([[2, 0]] * 6, "no cramp with what it is compared with in any pair"),
        ],
    )
    def test_what_tells_nothing_says_so(self, cramps: list[list[int]], why: str) -> None:
        n = len(cramps)
        made = pairs.PairTotals(np.array(cramps, float), np.full((n, 2), 7.0), np.empty((n, 2, 0)), np.arange(n))
        rows = list(pairs.pair_rows(made, MAIN, TreatmentQuestion()))
        assert [(row["status"], row["note"], row["scale"]) for row in rows] == [
            ("not_estimable", why, "rate_ratio"),
            ("not_estimable", why, "difference"),
        ]

    def test_all_in_one_order_tell_nothing_apart(self) -> None:
        shifts = np.zeros((6, 2, 1))
        shifts[:, 1, 0] = 1.0
        made = pairs.PairTotals(np.full((6, 2), 3.0), np.full((6, 2), 7.0), shifts, np.arange(6))
        assert pairs.fit_pairs(made).problem == "treatment and period do not vary apart from each other within pairs"

    def test_a_ratio_that_few_carry_has_no_verdict_and_says_so(self) -> None:
        cramps = np.array([[4.0, 8]] * 11 + [[90, 80]])
        made = pairs.PairTotals(cramps, np.full((12, 2), 21.0), np.empty((12, 2, 0)), np.arange(12))
        ratio, difference = pairs.pair_rows(made, MAIN, TreatmentQuestion())
        assert ratio["verdict"] == difference["verdict"] == "too few" and ratio["df"] < 4
        said = f"few participants have most of the cramps: {ratio['df']:.1f} degrees of freedom"
        assert said in ratio["note"] and said in difference["note"]
        assert ratio["p_value"] == difference["p_value"]
        # Both intervals are one: where the ratio is 1, nothing is between the two.
        assert (ratio["ci_low"] < 1 < ratio["ci_high"]) == (difference["ci_low"] < 0 < difference["ci_high"])


class TestModifiers:
    @pytest.fixture(scope="class")
    @classmethod
    def trial(cls) -> Cohort:
        """Magnesium halves the rate at a level of 0.7 and does nothing at 0.85."""
        design = StudyDesign("parallel", ("magnesium", "placebo"), run_in_nights=14, period_nights=35)
        truth = Truth().without_effects()
        agents = tuple(
            replace(a, onset_nights=0, log_rate_ratio=-0.4, log_rate_ratio_per_sd=0.35)
            if a.column == "magnesium"
            else a
            for a in truth.agents
        )
        cramps = replace(truth.cramps, rate_per_week=6.0)
        return simulate(300, 49, 2, replace(truth, design=design, agents=agents, cramps=cramps), Mess.none())

    def test_by_the_level_at_baseline(self, trial: Cohort) -> None:
        made = self.asked(trial)
        low, middle, ratio = (row for row in made if row["analysis"] == kinds.TREATMENT_EFFECT_BY_LEVEL.name)
        assert [low["level"], middle["level"]] == ["at 0.7 mmol/L", "at 0.85 mmol/L"]
        assert ratio["estimate"] == pytest.approx(low["estimate"] / middle["estimate"])
        # The level of 0.7 is two standard deviations of 0.07 below 0.84: 2 x 0.35 less on the log scale.
        assert math.log(ratio["estimate"]) + 0.75 == pytest.approx(0, abs=4 * ratio["std_error"])
        assert low["ci_high"] < 0.8 and low["adjusted_for"] == "run_in_log_rate"

    def test_by_week_since_time_zero(self, trial: Cohort) -> None:
        made = [row for row in self.asked(trial) if row["analysis"] == kinds.TREATMENT_EFFECT_BY_WEEK.name]
        assert [row["level"] for row in made] == ["week 1", "week 2", "week 3", "week 4", "weeks 5-8"]
        # The trial has 49 nights of which 35 come after time zero: one of the last weeks.
        assert made[-1]["n_nights"] == 300 * 7 and made[0]["n_exposed"] == 150
        assert "offset" not in (made[0]["note"] or "")

    def test_of_weeks_alone_the_ratio_is_that_of_a_poisson_model_of_the_nights(self, trial: Cohort) -> None:
        from crampstudy import fit

        (design,) = designs(trial)
        followed = Followed.of(trial, design, TreatmentQuestion())
        since = (pl.col("date") - pl.col("time_zero")).dt.total_days() // 7 + 1
        nights = followed.nights.drop("on").join(followed.zero, on="participant_id")
        first = nights.filter(since == 1).drop("time_zero")
        alone = fit(followed.diary(trial, first), model="poisson", terms="treated")
        week = next(row for row in self.asked(trial) if row["level"] == "week 1")
        # One model of all weeks takes the run-in to act alike in all of them: near, and not the same.
        assert week["estimate"] == pytest.approx(alone.estimates["estimate"].iloc[0], rel=0.1)
        assert label(9, None) == "week 9 on"

    def test_dose_among_those_treated(self, trial: Cohort) -> None:
        assert not [row for row in self.asked(trial) if row["analysis"] == kinds.TREATMENT_DOSE.name]
        double = trial.frame("treatments").with_columns(
            dose=pl.when(pl.col("participant_id").str.ends_with("5")).then(600.0).otherwise(pl.col("dose"))
        )
        cohort = Cohort("x", "diary", {**trial.tables, "treatments": double})
        (row,) = (row for row in self.asked(cohort) if row["analysis"] == kinds.TREATMENT_DOSE.name)
        assert (row["level"], row["reference"]) == ("600 mg", "300 mg")
        assert row["estimand"].startswith("association of the dose among those treated")
        mixed = trial.frame("treatments").with_columns(
            dose=pl.col("participant_id").str.tail(1).cast(pl.Float64) + 1,
            unit=pl.when(pl.col("participant_id").str.ends_with("5")).then(pl.lit("g")).otherwise(pl.col("unit")),
        )
        cohort = Cohort("x", "diary", {**trial.tables, "treatments": mixed})
        (row,) = (row for row in self.asked(cohort) if row["analysis"] == kinds.TREATMENT_DOSE.name)
        assert row["note"] == "doses of magnesium are in several units, g and mg"

    def asked(self, cohort: Cohort) -> list[dict[str, Any]]:
        (design,) = designs(cohort)
        asked = TreatmentQuestion()
        return modifiers(cohort, design, asked, Followed.of(cohort, design, asked))

    def test_a_level_that_nobody_measured(self, trial: Cohort) -> None:
        people = trial.frame("participants").drop("serum_magnesium_mmol_l")
        cohort = Cohort("x", "diary", {**trial.tables, "participants": people})
        row = next(r for r in self.asked(cohort) if r["analysis"] == kinds.TREATMENT_EFFECT_BY_LEVEL.name)
        assert (row["status"], row["note"]) == ("not_estimable", "Serum magnesium was not measured at baseline")

    @pytest.mark.parametrize("build_up", [0, 7])
    def test_a_level_that_few_of_an_arm_have(self, trial: Cohort, build_up: int) -> None:
        (design,) = designs(trial)
        asked = TreatmentQuestion(build_up=build_up)
        followed = Followed.of(trial, design, asked)
        few = followed.people.filter(pl.col("treated"))["participant_id"].to_list()[:4]
        known = pl.col("participant_id").is_in([*few, *followed.people.filter(~pl.col("treated"))["participant_id"]])
        people = trial.frame("participants").with_columns(serum_magnesium_mmol_l=pl.when(known).then(0.8))
        cohort = Cohort("x", "diary", {**trial.tables, "participants": people})
        made = modifiers(cohort, design, asked, followed)
        row = next(r for r in made if r["analysis"] == kinds.TREATMENT_EFFECT_BY_LEVEL.name)
        # Those of the arm whose level is not known are not those whose nights were set apart.
        assert row["note"] == (
            "with Serum magnesium at baseline: "
            "4 participants with magnesium and nights on both sides of time zero: too few"
        )


def test_the_course_counts_weeks_from_the_night_of_time_zero() -> None:
    people = pl.DataFrame({"participant_id": list("abcde"), "group": ["g"] * 5, "time_zero": [day(7)] * 5})
    cohort = study({who: [1] * 7 + [2] * 7 + [3] * 3 for who in "abcde"} | {"f": [9] * 17}, [])
    rows = {row["level"]: row for row in course(cohort, "tens", people)}
    rates = {level: row["estimate"] for level, row in rows.items()}
    assert rates == {"week 1 before": 7.0, "week 1": 14.0, "week 2": 21.0}
    assert rows["week 2"]["n_nights"] == 15 and rows["week 1"]["population"] == "g"
    # Of fewer than five nothing is told.
    assert course(cohort, "tens", people.head(4)) == []


def test_what_is_no_trial_has_no_effect_by_lot() -> None:
    cohort = study({"a": [1, 2], "b": [0, 1]}, [("a", "tens", 1, 1, False)])
    with pytest.raises(AnalysisError, match="TENS was taken by choice, which is no trial"):
        trial_effect(cohort, one(cohort, "tens"))
    with pytest.raises(AnalysisError, match="the cohort has no randomised treatment"):
        own_contrast(cohort)


@pytest.mark.parametrize(
    ("kind", "people", "log_ratio"), [("parallel", 80, 0.0), ("crossover", 40, -0.7), ("n-of-1", 40, 0.0)]
)
def test_what_was_put_in_comes_out(kind: Any, people: int, log_ratio: float) -> None:
    """One cohort each; how often intervals cover is in docs/recovery.md."""
    assert recovery_trials.value(recovery_trials.truth_of(kind, log_ratio)) == pytest.approx(log_ratio)
    made = recovery_trials.found(kind, log_ratio, people, 3)
    assert made.keys() == {"rate ratio", "cramps a week"}
    for answer in made.values():
        assert answer is not None and abs(answer[0]) < 4 * answer[1]
