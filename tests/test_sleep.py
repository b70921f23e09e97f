"""Cramps and sleep in both directions: by hand, against R, recovered from a known truth, and what the section says."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import lagged_bias
import numpy as np
import pandas as pd
import polars as pl
import pytest
import recovery_cells
import recovery_sleep
from drawn_figures import drawn

from crampstudy import analyses, estimates, figures, tables, wording
from crampstudy.analyses.sentences import sleep as sleep_sentences
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.contrasts.nights.cramp_night import WORSE, cramp_night_scores
from crampstudy.contrasts.nights.sleep_lags import adjusted_lags, both_directions
from crampstudy.estimates import facts, kinds
from crampstudy.estimates.sentences import sentence
from crampstudy.estimates.verdicts import remark
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.simulate.estimands import sleep as sleep_answers
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.sources import open_cohort

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "sleep.json").read_text())
SLEEP = "sleep_quality_0_10"
POPULATION = Population(Truth(), seed=1, draws=2)


def made(cramps: Sequence[Sequence[int | None]], **scores: Sequence[Sequence[float | None]]) -> Cohort:
    """Make a diary of a row of nights for each participant."""
    n, nights = len(cramps), len(cramps[0])
    people = pl.DataFrame({"participant_id": [f"p{i:02}" for i in range(n)]}).with_columns(
        age_years=pl.lit(None, pl.Float64), sex=pl.lit(None, pl.String)
    )
    diary = pl.DataFrame(
        {
            "participant_id": [f"p{i:02}" for i in range(n) for _ in range(nights)],
            "date": [date(2024, 1, 1) + timedelta(days=k) for _ in range(n) for k in range(nights)],
            "cramps": [count for one in cramps for count in one],
            **{name: [value for one in rows for value in one] for name, rows in scores.items()},
        }
    )
    return Cohort("made", "diary", {"participants": people, "diary": diary})


def row(rows: pd.DataFrame, **cells: str) -> dict[str, Any]:
    for name, cell in cells.items():
        rows = rows[rows[name] == cell]
    (found,) = wording.records(rows)
    return found


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(60, 21, seed=3)


@pytest.fixture(scope="module")
def found(diary: Cohort) -> analyses.Findings:
    return analyses.run("sleep", diary)


# The scores of a cramp night


ONE, TWO = [1, 0, 0, 0], [3, 1, 0, 0]
BY_HAND = made(
    [ONE] * 6 + [TWO] * 6,
    sleep_quality_0_10=[[5 + 0.1 * i, 7, 7, 7] for i in range(-3, 3)] + [[6, 6, 7, 7 + 0.2 * i] for i in range(-3, 3)],
)


def test_the_difference_within_participants_is_that_of_their_own_nights() -> None:
    # One cramp night in four weighs 1 · 3/4, two weigh 2 · 2/4; the differences are 2.05 and 0.95 on average.
    rows = cramp_night_scores(BY_HAND, [SLEEP])
    within = row(rows, level="within")
    assert within["estimate"] == pytest.approx(-(0.75 * 2.05 + 1 * 0.95) / 1.75)
    assert (within["outcome"], within["term"], within["scale"]) == (SLEEP, "cramp_night", "difference")
    assert (within["n_participants"], within["n_nights"], within["n_events"], within["n_exposed"]) == (12, 48, 18, 12)
    # The means of participants are 6.4875 and 6.475 at shares of 1/4 and 2/4.
    between = row(rows, level="between")
    assert between["estimate"] == pytest.approx((6.475 - 6.4875) / 0.25)
    assert rows["key"].is_unique and within["verdict"] == "lower" and within["df"] < 12
    assert sentence(within).startswith("Sleep quality on a cramp night, within participants: difference −1.4")


def test_the_day_after_stands_in_the_row_of_its_night() -> None:
    tired = [[8.0, 2, 2, 2.5], [2.0, 2, 8, 2.5]] * 6
    cramps = [[1, 0, 0, 0], [0, 0, 2, 0]] * 6
    rows = cramp_night_scores(made(cramps, fatigue_0_10=tired), ["fatigue_0_10"])
    assert row(rows, level="within")["estimate"] == pytest.approx(8 - 6.5 / 3)


def test_few_cramp_nights_have_no_verdict_and_a_score_that_is_not_there_says_so() -> None:
    cramps = [[1, 0, 0, 0]] * 9 + [[0, 0, 0, 0]] * 9
    hours = [[6 + 0.1 * i, 7, 8, 7.5] for i in range(18)]
    rows = cramp_night_scores(made(cramps, sleep_hours=hours))
    few = row(rows, outcome="sleep_hours", level="within")
    assert (few["n_events"], few["verdict"], few["status"]) == (9, "too few", "converged")
    lacking = rows[rows["status"] == "not_measured"]
    assert lacking["outcome"].tolist() == [name for name in WORSE if name != "sleep_hours"]
    assert lacking["term"].tolist() == lacking["outcome"].tolist() and rows["key"].is_unique
    assert "Not measured in this cohort: sleep quality, sleep latency," in tables.not_estimated(rows, {})
    # What is beside the first rows does not say it again.
    assert "not_measured" not in set(cramp_night_scores(diary_of(cramps), kind=kinds.CRAMP_NIGHT_MODEL_BASED)["status"])


def diary_of(cramps: Sequence[Sequence[int]]) -> Cohort:
    return made(cramps, awakenings=[[k % 3 for k in range(len(one))] for one in cramps])


def test_no_number_rests_on_one_participant() -> None:
    cramps = [[1, 0, 1, 0]] + [[0, 0, 0, 0]] * 19
    hours = [[5.0, 7, 6, 8]] + [[7 + 0.1 * (i % 5), 7, 6.5, 8] for i in range(19)]
    rows = cramp_night_scores(made(cramps, sleep_hours=hours), ["sleep_hours"])
    assert rows["estimate"].isna().all() and set(rows["status"]) == {"not_estimable"}
    section = analyses.run("sleep", made(cramps, sleep_hours=hours))
    assert "could not be estimated" in section.values["answer"] and "one participant alone" in section.values["answer"]


def test_the_model_at_its_word_stands_beside_without_a_verdict(found: analyses.Findings) -> None:
    plain, model = (kind.rows(found.estimates) for kind in (kinds.CRAMP_NIGHT, kinds.CRAMP_NIGHT_MODEL_BASED))
    # Those that have a margin, by which their differences are judged.
    assert set(model["outcome"]) == {SLEEP, "fatigue_0_10", "concentration_0_10", "productivity_0_10"}
    plain, model = (rows[rows["outcome"].isin(model["outcome"])].reset_index() for rows in (plain, model))
    assert model["estimate"].tolist() == plain["estimate"].tolist()
    assert (model["std_error"] - plain["std_error"]).abs().min() > 0 and model["verdict"].isna().all()
    note = found.tables["tbl-sleep-scores"].note or ""
    widths = [(rows["ci_high"] - rows["ci_low"])[rows["level"] == "within"].to_numpy() for rows in (model, plain)]
    ratio = widths[0] / widths[1]
    assert f"model is, are {ratio.min():.2f} to {ratio.max():.2f} times as wide" in note


def test_what_the_graph_asks_for_is_held_as_deviations(diary: Cohort, found: analyses.Findings) -> None:
    rows = kinds.CRAMP_NIGHT_ADJUSTED.rows(found.estimates)
    assert set(rows["level"]) == {"within"}
    sleep = row(rows, outcome=SLEEP)
    held = {"alcohol_units", "fluid_ml", "stress_0_10", "ambient_temperature_c"}
    assert set(sleep["adjusted_for"].split("; ")) == {f"within({name})" for name in held} | {"between(cramp_night)"}
    assert "sufficient under the study's graph" in sleep["note"]
    # Nights without a value of what is held are left out, and so are their cramps.
    nights = diary.frame("diary").with_columns(
        pl.when(pl.col("date").dt.day() != 7).then(pl.col("stress_0_10")).alias("stress_0_10")
    )
    fewer = Cohort("fewer", "diary", {**diary.tables, "diary": nights}, as_of=diary.as_of)
    other = row(cramp_night_scores(fewer, [SLEEP], kind=kinds.CRAMP_NIGHT_ADJUSTED), level="within")
    used = nights.drop_nulls(["cramps", SLEEP, "stress_0_10", "alcohol_units", "fluid_ml", "ambient_temperature_c"])
    assert (other["n_nights"], other["n_events"]) == (used.height, used.filter(pl.col("cramps") > 0).height)
    alone = made([ONE, TWO] * 6, awakenings=[[3, 1, 1, 2]] * 12)
    asked = row(cramp_night_scores(alone, ["awakenings"], kind=kinds.CRAMP_NIGHT_ADJUSTED), level="within")
    assert "adjusted for nothing: sufficient under the study's graph" in asked["note"]
    lacking = row(cramp_night_scores(BY_HAND, [SLEEP], kind=kinds.CRAMP_NIGHT_ADJUSTED), level="within")
    assert "no sufficient set among what was measured" in lacking["note"]


# Poor sleep before cramps


def test_the_night_itself_has_no_direction_and_the_nights_before_are_held_beside_one_another(
    found: analyses.Findings,
) -> None:
    rows = kinds.DISTRIBUTED_LAG.rows(found.estimates)
    assert row(rows, level="lag 0")["status"] == "not_estimable"
    declared = rows[rows["term"] == f"contrast: {SLEEP}"]
    assert declared["level"].tolist() == ["lag 1", "lag 2", "lag 3", "cumulative", "lead 1"]
    assert set(declared["unit"]) == {"2 points below own mean"} and declared["verdict"].notna().all()
    assert (
        set(rows["outcome"]) == {"cramps"} and "leave_out=True" in row(rows, term=SLEEP, level="lag 1")["adjusted_for"]
    )


def test_the_adjusted_ratio_holds_the_day_before_and_not_its_cramps(found: analyses.Findings) -> None:
    rows = kinds.LAG_ADJUSTED.rows(found.estimates)
    first = row(rows, term=f"contrast: {SLEEP}", level="lag 1")
    assert "lag(within(alcohol_units), 1); lag(within(exercise_min), 1)" in first["adjusted_for"]
    assert "adjusted for alcohol of the day before and exercise of the day before" in first["note"]
    assert "not for cramps of the night before" in first["note"] and "cramps" not in first["adjusted_for"]
    # Of few participants what is held goes first, and not what is compared.
    few = adjusted_lags(simulate(20, 7, seed=1), SLEEP, participants_per_coefficient=5)
    assert row(few, term=SLEEP, level="lag 1")["adjusted_for"].count("within") < 4
    assert few["estimate"].notna().any()
    # What is adjusted for nothing that is asked for is not called adjusted.
    assert sentence(first).startswith("Sleep quality, lag 1, adjusted: ") and not facts.fact(first, "adjusted")
    own = row(few, term=f"contrast: {SLEEP}", level="lag 1")
    assert not {"lag(within(alcohol_units), 1)", "lag(within(exercise_min), 1)"} & {*own["adjusted_for"].split("; ")}
    assert sentence(own).startswith("Sleep quality, lag 1, adjusted for nothing: ")
    names = tables.factors(estimates.frame([first, own])).index.get_level_values("Factor").tolist()
    assert names == ["Sleep quality, lag 1, adjusted", "Sleep quality, lag 1, adjusted for nothing"]


def test_what_is_said_of_the_scores_is_of_both_columns() -> None:
    def scores(kind: kinds.Kind, nights: Sequence[int], **cells: Any) -> list[dict[str, Any]]:
        return [
            estimates.row(
                analysis=kind.name,
                outcome=name,
                term="cramp_night",
                level="within",
                scale="difference",
                status="converged",
                estimate=-1.0,
                n_participants=20,
                n_nights=n,
                n_events=n // 5,
                note=f"{300 - n} nights left out, incomplete on the terms",
                **cells,
            )
            for name, n in zip((SLEEP, "sleep_hours"), nights, strict=True)
        ]

    plain = scores(kinds.CRAMP_NIGHT, (210, 220))
    fewer = scores(kinds.CRAMP_NIGHT_ADJUSTED, (90, 130), adjusted_for="within(alcohol_units)")
    both = estimates.frame([*plain, *fewer])
    assert sleep_sentences.counts(both) == (
        "20 participants, 210 to 220 nights, 42 to 44 of them with a cramp; "
        "adjusted: 20 participants, 90 to 130 nights, 18 to 26 of them with a cramp."
    )
    assert sleep_sentences.of_adjusted(both).endswith("Adjusted: 170 to 210 nights left out, incomplete on the terms.")
    # What is the same of both is said once.
    nothing = scores(kinds.CRAMP_NIGHT_ADJUSTED, (210, 220), facts={"adjusted": "for nothing"})
    same = estimates.frame([*plain, *nothing])
    assert sleep_sentences.counts(same) == "20 participants, 210 to 220 nights, 42 to 44 of them with a cramp."
    assert sleep_sentences.of_adjusted(same) == "Adjusted for nothing: sleep quality and sleep."
    # A column without an estimate is not in the table, and nothing is said of it.
    assert "against those with none" not in sleep_sentences.compared(same)
    assert "against those with none" in sleep_sentences.compared(same.assign(level="between"))
    lost = estimates.frame([{**one, "estimate": None} for one in fewer])
    assert not sleep_sentences.of_adjusted(lost).startswith("Adjusted for")
    alone = cramp_night_scores(BY_HAND, [SLEEP], kind=kinds.CRAMP_NIGHT_ADJUSTED)
    assert facts.of_rows(alone, "adjusted").tolist() == ["for nothing"] * len(alone)


# Both directions on one scale


def test_a_difference_is_divided_by_the_spread_of_nights_within_participants() -> None:
    scores = cramp_night_scores(BY_HAND, [SLEEP])
    rows = both_directions(BY_HAND, scores, scores.iloc[:0])
    nights = BY_HAND.frame("diary").with_columns(away=pl.col(SLEEP) - pl.col(SLEEP).mean().over("participant_id"))
    spread = math.sqrt(nights.select((pl.col("away") ** 2).sum()).item() / (48 - 12))
    within, shown = row(scores, level="within"), row(rows, level="within")
    # Worse is up: of sleep quality that is less.
    assert shown["estimate"] == pytest.approx(-within["estimate"] / spread)
    assert (shown["ci_low"], shown["ci_high"]) == pytest.approx(
        (-within["ci_high"] / spread, -within["ci_low"] / spread)
    )
    assert shown["std_error"] == pytest.approx(within["std_error"] / spread)
    assert (shown["n_participants"], shown["n_events"], shown["outcome"]) == (12, 18, SLEEP)


def test_a_log_ratio_is_taken_per_spread_of_worse_sleep(diary: Cohort, found: analyses.Findings) -> None:
    both = kinds.BOTH_DIRECTIONS.rows(found.estimates)
    ratio = row(kinds.DISTRIBUTED_LAG.rows(found.estimates), term=SLEEP, level="lag 1")
    sleep = row(kinds.CRAMP_NIGHT.rows(found.estimates), outcome=SLEEP, level="within")
    spread = abs(sleep["estimate"] / row(both, outcome=SLEEP, level="within")["estimate"])
    assert row(both, level="lag 1")["estimate"] == pytest.approx(-math.log(ratio["estimate"]) * spread)
    assert set(both["level"]) == {"within", "lag 1", "lag 2", "lag 3", "lead 1"} and both["key"].is_unique
    # In other units the same distance.
    tens = distributed_lag(diary, SLEEP, per={f"lag(within({SLEEP}, leave_out=True), 1)": 10})
    again = both_directions(diary, sleep_only(found), tens)
    assert row(again, level="lag 1")["estimate"] == pytest.approx(row(both, level="lag 1")["estimate"])


def sleep_only(found: analyses.Findings) -> pd.DataFrame:
    rows = kinds.CRAMP_NIGHT.rows(found.estimates)
    return rows[rows["outcome"] == SLEEP]


def test_for_normal_scores_both_are_distances_of_the_same_kind() -> None:
    """Where a cramp depends on the log scale on a normal score, nights before cramps lie as far off as that says."""
    rng = np.random.default_rng(5)
    spread, slope = 1.4, -0.3
    score = rng.normal(0, spread, 500_000)
    cramps = rng.poisson(0.1 * np.exp(slope * score))
    distance = -(cramps @ score / cramps.sum() - score.mean()) / spread
    assert distance == pytest.approx(-slope * spread, abs=0.02)


def test_a_score_that_never_varies_has_no_scale() -> None:
    cohort = made([ONE, TWO] * 6, sleep_hours=[[7.0] * 4] * 12)
    rows = both_directions(cohort, cramp_night_scores(cohort, ["sleep_hours"]), pd.DataFrame(columns=["term", "level"]))
    assert row(rows, level="within")["status"] == "not_estimable"


# Against R


def scored() -> Cohort:
    """The diary of sleep.R with its score."""
    cohort = open_cohort(str(PARITY / "diary"))
    nights, people = cohort.frame("diary"), cohort.frame("participants")
    number = {who: i + 1 for i, who in enumerate(sorted(people["participant_id"]))}
    day = nights["date"].dt.day().to_numpy().astype(float)
    who = nights["participant_id"].replace_strict(number, return_dtype=pl.Float64).to_numpy()
    score = (
        2
        + nights["hours_in_bed"] / 2
        - (nights["cramps"] > 0).cast(pl.Float64)
        + pl.Series(np.sin(who) + np.cos(3 * day))
    )
    known = pl.Series(day % 10 != 5)
    made_up = nights.with_columns(pl.select(pl.when(known).then(score)).to_series().alias(SLEEP))
    return Cohort("r", "diary", {**cohort.tables, "diary": made_up}, as_of=cohort.as_of)


def test_the_scores_of_a_cramp_night_are_those_of_r() -> None:
    cohort, r = scored(), R["mixed"]
    for kind, errors, options in (
        (kinds.CRAMP_NIGHT, r["se"], {"covariance": "cluster"}),
        (kinds.CRAMP_NIGHT_MODEL_BASED, r["model_se"], {}),
    ):
        rows = cramp_night_scores(cohort, [SLEEP], kind=kind, **options)
        for place, level in enumerate(("within", "between"), 1):
            one = row(rows, level=level)
            assert one["estimate"] == pytest.approx(r["coefficients"][place], rel=1e-6)
            assert one["std_error"] == pytest.approx(errors[place], rel=1e-6)
            assert (one["n_nights"], one["n_events"]) == (r["rows"], r["events"])
    from crampstudy import fit

    terms = "within(cramp_night) + between(cramp_night)"
    marginal = fit(cohort, model="gee-exchangeable", outcome=SLEEP, terms=terms, covariance="cluster-hc0").estimates
    for place, term in enumerate(terms.split(" + "), 1):
        one = row(marginal, term=term)
        assert one["estimate"] == pytest.approx(R["gee"]["coefficients"][place], rel=1e-6)
        assert one["std_error"] == pytest.approx(R["gee"]["se"][place], rel=1e-6)


def test_the_lags_of_sleep_are_those_of_r_with_the_night_itself_left_out() -> None:
    cohort, r = scored(), R["lags"]
    rows = distributed_lag(cohort, SLEEP, model="poisson", covariance="cluster")
    plain = rows[rows["term"] == SLEEP]
    for lag in (1, 2, 3):
        one = row(plain, level=f"lag {lag}")
        assert math.log(one["estimate"]) == pytest.approx(r["coefficients"][lag], abs=1e-6 * r["se"][lag])
        assert one["std_error"] == pytest.approx(r["se"][lag], rel=1e-6) and one["n_nights"] == r["rows"]
    total = row(plain, level="cumulative")
    assert (math.log(total["estimate"]), total["std_error"]) == pytest.approx((r["sum"], r["sum_se"]), rel=1e-6)
    both = both_directions(cohort, cramp_night_scores(cohort, [SLEEP]), rows)
    assert row(both, level="lag 1")["estimate"] == pytest.approx(-r["coefficients"][1] * R["spread"], rel=1e-6)


# The truth of a simulated cohort


def answer_of(truth: Truth) -> dict[str, float]:
    sources = (sleep_answers.scores_of_a_cramp_night, sleep_answers.sleep_before)
    return {a.key: a.value for source in sources for a in source(truth, POPULATION)}


def test_the_answers_of_scores_are_what_is_drawn_within_their_limits() -> None:
    truth = Truth()
    own = answer_of(truth)
    # A score that would pass 0 or 10 stays there, and whole points are rounded: by numbers drawn as the simulator does.
    rng = np.random.default_rng(2)
    fatigue = np.clip(rng.normal(3.4, math.hypot(1.4, 1.4), 1_000_000).round(2), 0, 10)
    shifted = np.clip(fatigue + 0.6, 0, 10).round().mean() - fatigue.round().mean()
    assert own["cramp-night:fatigue"] == pytest.approx(shifted, abs=0.003) and shifted > 0.61
    assert own["cramp-night:sleep-quality"] == pytest.approx(-1, abs=0.002)
    assert own["cramp-night:sleep-hours"] == own["cramp-night:sleep-latency"] == 0
    none = replace(
        truth, burden=replace(truth.burden, sleep_quality=0.0, fatigue=0.0, concentration=0.0, productivity=0.0)
    )
    assert {value for key, value in answer_of(none).items() if key.startswith("cramp-night:")} == {0.0}


def test_the_answers_of_sleep_before_cramps() -> None:
    acting = replace(Truth(), cramps=replace(Truth().cramps, sleep_feedback=-0.08))
    own = answer_of(acting)
    assert [own[f"lag:sleep-quality:{lag}"] for lag in (1, 2, 3)] == [-0.08, 0, 0]
    assert own["contrast:sleep-quality"] == pytest.approx(0.16)
    assert answer_of(Truth())["contrast:sleep-quality"] == 0


def test_both_directions_are_found_again_and_nothing_where_there_is_nothing() -> None:
    still = Truth().without_effects()
    often = replace(still.cramps, rate_per_week=2.5, latent_sd=0.0)
    for feedback, size in ((-0.15, 1.0), (0.0, 0.0)):
        scores = {name: size * getattr(still.burden, name) for name in ("sleep_quality", "fatigue", "productivity")}
        truth = replace(still, cramps=replace(often, sleep_feedback=feedback), burden=replace(still.burden, **scores))
        own, cohort = answer_of(truth), simulate(250, 28, 11, truth, Mess.none())
        rows = cramp_night_scores(cohort, [SLEEP, "fatigue_0_10", "productivity_0_10", "sleep_hours"])
        for name in ("sleep-quality", "fatigue", "productivity", "sleep-hours"):
            one = rows[rows["outcome"].str.startswith(name.replace("-", "_")) & rows["level"].eq("within")].iloc[0]
            assert abs(one["estimate"] - own[f"cramp-night:{name}"]) < 3 * one["std_error"] and one["std_error"] < 0.09
        lags = distributed_lag(cohort, SLEEP, model="poisson", covariance="cluster")
        for lag in (1, 2, 3):
            one = row(lags, term=SLEEP, level=f"lag {lag}")
            # Whole points take a little off the slope.
            assert abs(math.log(one["estimate"]) - own[f"lag:sleep-quality:{lag}"]) < 3 * one["std_error"] + 0.01
            assert one["std_error"] < 0.03


def test_the_table_of_recovery_names_what_is_beyond_chance() -> None:
    known = recovery_sleep.answers("on")
    assert known["lag 1"] == known["cumulative"] == -0.12 and "lead 1" not in known
    assert set(recovery_sleep.answers("null").values()) == {0.0}
    right, wrong = (
        recovery_cells.Cell(("20", "28", "on"), term, 400, covered, 0.01, 0.02, 0.05)
        for term, covered in (("lag 1", 378), ("lag 2", 320))
    )
    made = recovery_cells.table(recovery_sleep.HEADS, [right, wrong])
    assert "| 20 | 28 | on | lag 1 | 400 | 94.5% | +0.0100 ± 0.0200 | 0.0500 |" in made
    assert made.endswith("Holm over 2 cells at 0.001, beyond chance are lag 2 (20, 28, on: 80.0%).")
    assert recovery_cells.table(recovery_sleep.HEADS, [right]).endswith("no cell's coverage is beyond chance.")


def test_the_page_has_the_table_of_the_estimates_that_are_kept() -> None:
    page = (Path(__file__).parents[1] / "docs" / "sleep.md").read_text(encoding="utf-8")
    kept = json.loads(lagged_bias.KEPT.read_text(encoding="utf-8"))
    begin, end = lagged_bias.MARKS
    assert page.split(begin)[1].split(end)[0].strip() == lagged_bias.table(kept)
    assert {nights: len(found) for nights, found in kept["alone"].items()} == {
        str(nights): many for nights, many in lagged_bias.COHORTS.items()
    }
    # And these are what the script draws.
    again = lagged_bias.estimates(lagged_bias.cohort("in runs", 14, 0))
    assert again == pytest.approx(kept["in runs"]["14"][0], rel=1e-6)


# The section


def test_the_section_says_its_rows_in_plain_words(found: analyses.Findings) -> None:
    scores, lags = kinds.CRAMP_NIGHT.rows(found.estimates), kinds.DISTRIBUTED_LAG.rows(found.estimates)
    sleep, lag = row(scores, outcome=SLEEP, level="within"), row(lags, term=f"contrast: {SLEEP}", level="lag 1")
    size = f"{-sleep['estimate']:.2f} ({-sleep['ci_high']:.2f}–{-sleep['ci_low']:.2f}) points"
    answer = found.values["answer"]
    assert answer.startswith(
        f"On nights with a cramp, against other nights of the same person, sleep quality was lower, by {size}"
    )
    assert f"rate ratio {lag['estimate']:.2f} ({lag['ci_low']:.2f}–{lag['ci_high']:.2f})" in answer
    assert "2 points below own mean" in answer and "significant" not in " ".join(found.values.values())
    assert "Within one night it is not told" in found.values["sleep_read"]
    assert "within one night it is not told" in found.values["not_estimated"].lower()
    assert found.estimates["key"].is_unique and found.absent == ("fig-sleep-usual", "tbl-sleep-usual")


def test_a_table_and_a_figure_of_each_row(found: analyses.Findings) -> None:
    table = found.tables["tbl-sleep-scores"].frame
    assert table.index.tolist()[:2] == ["Sleep quality (0–10)", "Sleep (h/night)"] and len(table) == 7
    assert table.columns.tolist() == ["Cramp night against others (95% CI)", "Adjusted (95% CI)", "Verdict"]
    # Nobody has a cramp on every night: those between participants are all beyond what was observed.
    own = kinds.CRAMP_NIGHT.rows(found.estimates)
    between = own[own["level"].eq("between")]
    assert len(between) == 7 and facts.of_rows(between, "beyond").eq("observed").all()
    told = tables.cramp_night(own.assign(facts=None))
    assert told.columns.tolist()[1:] == ["Between participants (95% CI)", "Verdict"]
    lags = found.tables["tbl-sleep-lags"].frame
    assert [name for _, name in lags.index] == [
        *("Sleep quality, lag 0", "Sleep quality, lag 1", "Sleep quality, lag 2", "Sleep quality, lag 3"),
        *("Sleep quality, cumulative", "Sleep quality, lead 1", "Sleep quality, lag 1, adjusted"),
    ]
    both = kinds.BOTH_DIRECTIONS.rows(found.estimates)
    texts = drawn(figures.both_directions(both))
    assert {"On a cramp night, and the day after", "Before a cramp", "After a cramp (negative control)"} <= set(texts)
    assert {"Next-day fatigue", "Sleep quality, 1 night before", "Sleep quality, 1 night after"} <= set(texts)
    printed = tables.both_directions(both)
    assert (
        "Next-day fatigue on a cramp night" in printed.index
        and "Sleep quality 2 nights before a cramp" in printed.index
    )
    alt = found.figures["fig-sleep-directions"].alt
    assert "Awakenings on a cramp night: " in alt
    empty = both.assign(estimate=float("nan"), status="not_estimable", note="no night")
    assert any("Could not estimate: no night." in text for text in drawn(figures.both_directions(empty)))


@pytest.mark.parametrize(
    ("estimate", "margin", "said"),
    [
        (
            (-0.3, -0.5, -0.1),
            "differs but negligible",
            "sleep quality was lower, by 0.30 (0.10–0.50) points, less than",
        ),
        ((1.5, 0.5, 2.5), "higher", "sleep quality was higher, by 1.50 (0.50–2.50) points."),
        (
            (0.1, -0.3, 0.5),
            "near null",
            "sleep quality differed by less than would matter, if at all: 0.10 (−0.30 to 0.50) points",
        ),
        (
            (0.1, -1.3, 1.5),
            "inconclusive",
            "sleep quality was not clearly higher or lower (0.10 (−1.30 to 1.50) points)",
        ),
        ((0.1, -1.3, 1.5), "too few", "of sleep quality, too few people or nights to say (0.10"),
    ],
)
def test_each_verdict_has_its_words(
    found: analyses.Findings, estimate: tuple[float, float, float], margin: str, said: str
) -> None:
    rows = sleep_only(found)
    first = rows["level"] == "within"
    changed = dict(zip(("estimate", "ci_low", "ci_high"), estimate, strict=True)) | {"verdict": margin}
    assert said in sleep_sentences.of_scores(rows[first].assign(**changed))


def test_what_is_counted_by_its_own_name_is_a_plural(found: analyses.Findings) -> None:
    rows = kinds.CRAMP_NIGHT.rows(found.estimates)
    awake = rows[rows["outcome"].eq("awakenings") & rows["level"].eq("within")]
    more = awake.assign(estimate=0.81, ci_low=0.56, ci_high=1.05, verdict="higher")
    assert "awakenings were more frequent, by 0.81 (0.56–1.05) per night" in sleep_sentences.of_scores(more)
    unclear = more.assign(ci_low=-0.1, verdict="inconclusive")
    assert "awakenings were not clearly more frequent or less frequent" in sleep_sentences.of_scores(unclear)


def test_what_cannot_be_told_of_the_night_after_is_named() -> None:
    cells = {"term": "contrast: sleep_quality_0_10", "scale": "rate_ratio", "analysis": kinds.DISTRIBUTED_LAG.name}
    cells |= {"estimate": 1.19, "ci_low": 0.41, "ci_high": 3.43, "ci_level": 0.95, "reference": "0"}
    after = estimates.frame([estimates.row(status="converged", level="lead 1", verdict="inconclusive", **cells)])
    said = sleep_sentences.how_to_read(after)
    assert said.endswith(
        "cramps before it: whether it goes with them cannot be told here (rate ratio 1.19 (0.41–3.43))."
    )
    # A cramp can spoil the next night as well as something else can move both.
    for verdict in ("higher", "differs but negligible"):
        said = sleep_sentences.how_to_read(after.assign(verdict=verdict))
        assert (
            "may be because a cramp spoils the next night's sleep as well, or because something else moves both" in said
        )
        assert "shows" not in said
    before = estimates.frame([estimates.row(status="converged", level="lag 1", verdict="near null", **cells)])
    assert "about as many cramps as other sleep; any difference is less than" in sleep_sentences.of_lags(before)


def test_a_diary_without_sleep_or_scores_says_what_is_not_there(diary: Cohort) -> None:
    bare = made([ONE, TWO] * 6)
    found = analyses.run("sleep", bare)
    assert not found.estimated and not found.tables
    assert found.could_not["tbl-sleep-scores"].startswith("the diary has none of sleep quality, sleep, sleep latency")
    assert found.could_not["tbl-sleep-lags"] == (
        "the diary has none of sleep quality and sleep, so that no sleep stands before a cramp"
    )
    assert found.values["answer"].startswith(
        "What cramps do to sleep and to the next day could not be estimated: the diary"
    )
    assert found.values["answer"].endswith("so that no sleep stands before a cramp.")
    # With the day after alone there is one direction, and hours stand in where there is no quality.
    few = diary.frame("diary").select("participant_id", "date", "entry_made", "cramps", "fatigue_0_10", "sleep_hours")
    one = few.drop("sleep_hours")
    after = analyses.run("sleep", Cohort("after", "diary", {**diary.tables, "diary": one}, as_of=diary.as_of))
    assert set(after.could_not) == {"tbl-sleep-lags"}
    assert "before a cramp" not in after.figures["fig-sleep-directions"].alt
    start = "On nights with a cramp, against other nights of the same person, on the day after, fatigue"
    assert after.values["answer"].startswith(start)
    hours = analyses.run("sleep", Cohort("hours", "diary", {**diary.tables, "diary": few}, as_of=diary.as_of))
    lags = kinds.DISTRIBUTED_LAG.rows(hours.estimates)
    assert set(lags["term"].str.removeprefix("contrast: ")) == {"sleep_hours"}
    assert "after a night" not in hours.values["answer"]
    assert re.search(
        r"rate ratio [^ ]+ \([^)]+\) by sleep of the night before \(10th against 90th centile: \S+ h/night below own "
        r"mean against \S+ above it\)\.$",
        hours.values["answer"],
    )


def test_a_small_clinic_has_sentences_and_wide_intervals() -> None:
    week = simulate(20, 7, seed=1)
    people = week.frame("participants").with_columns(
        age_years=pl.lit(None, pl.Float64), birth_year=pl.lit(None, pl.Int64)
    )
    found = analyses.run("sleep", Cohort("clinic", "diary", {**week.tables, "participants": people}, as_of=week.as_of))
    assert found.estimated and found.estimates["n_participants"].dropna().min() > 5
    assert "too few people or nights to say" in found.values["answer"]


def test_margins_of_several_scores_are_told_together(found: analyses.Findings) -> None:
    said = remark(kinds.CRAMP_NIGHT.rows(found.estimates)) or ""
    assert "no margins are declared for sleep_hours, sleep_latency_min and awakenings, so that" in said
    assert "margins −1 to 1 of sleep_quality_0_10, concentration_0_10 and productivity_0_10 (Claim C53)" in said


# A survey


@pytest.fixture(scope="module")
def asked() -> Cohort:
    """People of whom those who sleep little and the depressed have more cramps."""
    rng = np.random.default_rng(3)
    n = 1600
    mood = rng.binomial(27, 0.2, n)
    hours = np.clip(np.round(8 - 0.15 * mood + rng.normal(0, 1.2, n)), 3, 12)
    chance = 0.12 * np.exp(0.25 * (mood - 5) - 0.15 * (hours - 7))
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": rng.integers(18, 86, n).astype(float),
            "sex": rng.choice(["male", "female"], n),
            "usual_sleep_hours": hours,
            "phq9_0_27": mood,
            "weight_interview": rng.gamma(3, 1000, n),
            "weight_exam": rng.gamma(3, 1000, n),
            "stratum": np.repeat(np.arange(40), 40),
            "psu": np.tile(np.repeat([1, 2], 20), 40),
            "recalled_low": np.where(rng.random(n) < chance, 5, rng.integers(0, 2, n)),
        }
    )
    weights = {"interview": "weight_interview", "exam": "weight_exam"}
    design = SurveyDesign(("D",), weights, top_coded_age=None)
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


def test_a_survey_is_asked_of_usual_sleep_and_of_depression(asked: Cohort) -> None:
    found = analyses.run("sleep", asked)
    rows = found.estimates
    assert found.absent == ("fig-sleep-directions", "tbl-sleep-scores", "tbl-sleep-lags") and rows["key"].is_unique
    mood = row(rows, term="contrast: phq9_0_27", outcome="moderate_severe_vs_none", model="survey-poisson")
    sleep = row(rows, term="contrast: usual_sleep_hours", outcome="moderate_severe_vs_none", model="survey-poisson")
    assert (mood["unit"], sleep["unit"]) == ("10 against 5 points", "5 against 7 h/night")
    assert mood["scale"] == "prevalence_ratio" and mood["verdict"] == "higher" and sleep["estimate"] > 1
    # Depression shortens sleep, and is held beside it; sleep is no part of what depression is adjusted for.
    assert "phq9_0_27" in sleep["adjusted_for"] and "usual_sleep" not in mood["adjusted_for"]
    assert "weight_exam" in sleep["note"] and "under the study's graph" in sleep["note"]
    answer = found.values["answer"]
    assert f"with depression (PHQ-9) of 10 against 5 points, prevalence ratio {sleep_of(rows)}" in answer
    assert "what came first cannot be told" in found.values["limits"]
    table = found.tables["tbl-sleep-usual"]
    assert "Usual sleep, 5 against 7 h/night" in table.frame.index and len(table.frame) == 7
    assert "As odds ratios at the declared contrasts: moderate-severe, usual sleep " in (table.note or "")
    texts = drawn(figures.usual_sleep(rows))
    assert {"Usual sleep (h/night)", "Any cramp", "Depression (PHQ-9)\n10 against 5 points"} <= set(texts)


def sleep_of(rows: pd.DataFrame) -> str:
    found = row(rows, term="contrast: phq9_0_27", outcome="moderate_severe_vs_none", model="survey-poisson")
    return wording.estimate(found)


def test_a_survey_that_asked_neither_says_so(asked: Cohort) -> None:
    people = asked.frame("participants").drop("usual_sleep_hours", "phq9_0_27")
    found = analyses.run("sleep", Cohort("bare", "survey", {"participants": people}, asked.design, as_of=asked.as_of))
    assert found.could_not["tbl-sleep-usual"] == "the survey has none of usual sleep and depression (PHQ-9)"
    assert found.values["answer"].endswith(
        "could not be estimated: the survey has none of usual sleep and depression (PHQ-9)."
    )
    only = asked.frame("participants").select(pl.exclude("usual_sleep_hours"))
    part = analyses.run("sleep", Cohort("part", "survey", {"participants": only}, asked.design, as_of=asked.as_of))
    # What is needed beside it, schooling among it, was not asked.
    assert "no sufficient set among what was measured" in " ".join(part.estimates["note"])
    alone = figures.usual_sleep(part.estimates)
    assert any("Depression" in text for text in drawn(alone))
    named = [text.get_text() for text in alone.axes[0].get_legend().get_texts()]
    assert named == [wording.outcome(outcome) for outcome in part.estimates["outcome"].unique()]


def test_nights_of_each_score_add_up_to_those_observed() -> None:
    """Scores are missing on some nights, all of one for two participants, and three have no age."""
    cohort = simulate(16, 30, seed=3, mess=Mess.none())
    nights, who = cohort.frame("diary"), cohort.frame("participants")
    ids = who["participant_id"].to_list()
    nights = nights.with_columns(
        cramps=pl.when(pl.int_range(pl.len()) % 11 > 0).then("cramps"),
        sleep_quality_0_10=pl.when(~pl.col("participant_id").is_in(ids[:2])).then(SLEEP),
        sleep_hours=pl.when(pl.int_range(pl.len()) % 5 > 0).then("sleep_hours"),
    )
    who = who.with_columns(age_years=pl.when(~pl.col("participant_id").is_in(ids[1:4])).then("age_years"))
    rows = analyses.run("sleep", replace(cohort, tables={**cohort.tables, "diary": nights, "participants": who}))
    scores = kinds.CRAMP_NIGHT.rows(rows.estimates)
    observed = nights["cramps"].count()
    assert scores["outcome"].nunique() > 3
    for row in scores[scores["level"].eq("within")].to_dict("records"):
        left_out = [part for part in row["note"].split("; ") if " nights left out, " in part]
        # Of the nights with a score some have no count of cramps, and are told as incomplete.
        scored = nights.filter(pl.col("cramps").is_null() & pl.col(row["outcome"]).is_not_null())
        aged = scored.filter(~pl.col("participant_id").is_in(ids[1:4])).height
        counts = {part.partition(" nights left out, ")[2]: int(part.split()[0]) for part in left_out}
        assert counts.pop("incomplete on the terms", 0) == aged
        counts["without an age"] -= scored.height - aged
        assert sum(counts.values()) + row["n_nights"] == observed, row["outcome"]
    assert "without sleep quality" in str(rows.tables["tbl-sleep-scores"].note)
