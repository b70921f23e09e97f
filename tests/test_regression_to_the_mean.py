"""The fall that entry brings by itself: laws worked out by brute force, and what the simulator put in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from matplotlib.figure import Figure
from scipy.stats import nbinom

from crampstudy import figures, tables
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.simulate import Mess, simulate
from crampstudy.simulate.calibration.cards import targets
from crampstudy.simulate.scenario import presets
from crampstudy.treatments.designs import designs
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean
from crampstudy.treatments.regression_to_the_mean.flare import EntryNights, _carried_on, expected_of_flare
from crampstudy.treatments.regression_to_the_mean.selection import RunIn, _log_likelihood, expected_of_selection
from crampstudy.treatments.time_zero import time_zero

MEAN, SHAPE = 0.5, 1.5


def chances(cramps: int, logged: int, length: int, criterion: int) -> float:
    """The chance of so many logged cramps, given the criterion in the whole run-in, summed over the unlogged nights."""

    def law(nights: float, shape: float, mean: float) -> Any:
        return nbinom(shape, shape / (shape + nights * mean))

    own = law(logged, SHAPE, MEAN).pmf(cramps)
    posterior = (SHAPE + cramps) / (SHAPE / MEAN + logged)
    rest = law(length - logged, SHAPE + cramps, posterior) if length > logged else None
    reached = rest.sf(criterion - cramps - 1) if rest else float(cramps >= criterion)
    return float(own * reached / law(length, SHAPE, MEAN).sf(criterion - 1))


@pytest.mark.parametrize(
    ("cramps", "logged", "criterion"), [(5, 14, 4), (4, 14, 4), (2, 10, 4), (9, 10, 4), (0, 12, 0)]
)
def test_the_chance_of_a_run_in(cramps: int, logged: int, criterion: int) -> None:
    one = RunIn(np.array([cramps + 0.0]), np.array([logged + 0.0]), np.array([14.0]), criterion)
    found = float(np.exp(_log_likelihood(np.log([MEAN, SHAPE]), one)[0]))
    assert found == pytest.approx(chances(cramps, logged, 14, criterion), rel=1e-9)
    total = sum(
        float(np.exp(_log_likelihood(np.log([MEAN, SHAPE]), replace(one, cramps=np.array([float(k)])))[0]))
        for k in range(0 if logged < 14 else criterion, 400)
    )
    assert total == pytest.approx(1, abs=1e-6)


def asked(people: int, seed: int, criterion: int = 4) -> tuple[RunIn, np.ndarray, np.ndarray]:
    """Stable persons with a gamma law of rates, those with too few cramps not let in; 14 nights, then 28."""
    rng = np.random.default_rng(seed)
    own = MEAN * rng.gamma(SHAPE, 1 / SHAPE, people)
    before, after = rng.poisson(14 * own), rng.poisson(28 * own)
    let_in = before >= criterion
    nights = np.full(let_in.sum(), 14.0)
    return RunIn(before[let_in].astype(float), nights, nights, criterion), after[let_in].astype(float), 2 * nights


def test_selection_of_stable_persons() -> None:
    run_in, after, nights = asked(20_000, 1)
    found = expected_of_selection(run_in, after, nights)
    seen = np.log(after.sum() / nights.sum() / (run_in.cramps.sum() / run_in.nights.sum()))
    assert found is not None and seen < -0.04
    error = np.sqrt((found.influence**2).sum())
    assert 0.001 < error < 0.02 and abs(found.log_ratio - seen) < 3 * error
    # A treatment that halves all that follows changes nothing of what was to be expected.
    halved = expected_of_selection(run_in, after / 2, nights)
    assert halved is not None and halved.log_ratio == pytest.approx(found.log_ratio, abs=1e-9)


def test_errors_of_selection_are_those_of_repeated_draws() -> None:
    drawn = [expected_of_selection(*asked(300, seed)) for seed in range(40)]
    logs = np.array([part.log_ratio for part in drawn if part])
    errors = np.array([np.sqrt((part.influence**2).sum()) for part in drawn if part])
    assert len(logs) == 40 and 0.7 < errors.mean() / logs.std(ddof=1) < 1.4


def test_nobody_is_selected_without_a_criterion() -> None:
    run_in, after, nights = asked(100, 2, criterion=0)
    found = expected_of_selection(run_in, after, nights)
    assert found is not None and (found.log_ratio, found.influence.any()) == (0, False)


def test_what_does_not_last_has_no_line() -> None:
    run_in, after, nights = asked(100, 3)
    assert expected_of_selection(run_in, after.max() - after, nights) is None


def test_a_fall_carried_on_by_hand() -> None:
    # Means fall as a flare of memory 0.9 does, to the digit: what is expected is the rest of it.
    left = 0.9 ** np.arange(42)
    mean = np.exp(-0.5 + 0.8 * left)
    counts = np.repeat(mean[None, :], 3, axis=0)
    run_in = np.zeros(counts.shape, dtype=bool)
    run_in[:, :14] = True
    found = _carried_on(EntryNights(counts, run_in, ~run_in, np.zeros(3, dtype=np.intp)), 0.9)
    assert found is not None
    assert found.log_ratio == pytest.approx(np.log(mean[14:].mean() / mean[:14].mean()), abs=1e-9)
    assert np.allclose(found.influence, 0, atol=1e-9)


def flares(people: int, seed: int, height: float) -> EntryNights:
    """Persons in a flare of a half-life of 14 nights when they come; 14 nights of run-in, 28 after."""
    rng = np.random.default_rng(seed)
    memory, shocks = 2 ** (-1 / 14), rng.standard_normal((people, 42))
    state = np.empty_like(shocks)
    state[:, 0] = shocks[:, 0]
    for k in range(1, 42):
        state[:, k] = memory * state[:, k - 1] + np.sqrt(1 - memory**2) * shocks[:, k]
    log = 0.5 * state + height * memory ** np.arange(42)
    counts = rng.poisson(rng.gamma(4, 1 / 4, people)[:, None] * np.exp(log)).astype(float)
    run_in = np.zeros(counts.shape, dtype=bool)
    run_in[:, :14] = True
    return EntryNights(counts, run_in, ~run_in, np.zeros(people, dtype=np.intp))


def test_the_end_of_a_flare() -> None:
    nights = flares(2000, 1, 0.8)
    found, still = expected_of_flare(nights), expected_of_flare(flares(2000, 2, 0.0))
    assert found is not None and still is not None
    left = 2 ** (-np.arange(42) / 14)
    truth = float(np.log(np.exp(0.8 * left[14:]).mean() / np.exp(0.8 * left[:14]).mean()))
    error = np.sqrt((found.part.influence**2).sum() + found.part.spread)
    assert abs(found.part.log_ratio - truth) < 2 * error and error < 0.12
    assert found.between[0] < 14 < found.between[1]
    assert abs(still.part.log_ratio) < 0.1
    # What a treatment does to all that follows is not expected.
    half = replace(nights, counts=np.where(nights.run_in, nights.counts, nights.counts / 2))
    halved = expected_of_flare(half)
    assert halved is not None and halved.part.log_ratio == pytest.approx(found.part.log_ratio, abs=1e-9)


def test_too_little_to_see_a_flare() -> None:
    nights = flares(60, 3, 0.5)
    few = EntryNights(nights.counts[:19], nights.run_in[:19], nights.after[:19], nights.arms[:19])
    short = replace(nights, run_in=nights.run_in & (np.arange(42) < 6))
    assert expected_of_flare(nights) and not expected_of_flare(few) and not expected_of_flare(short)


def test_a_run_in_without_cramps_expects_nothing() -> None:
    run_in, after, nights = asked(100, 4)
    assert expected_of_selection(replace(run_in, cramps=np.zeros(len(after))), after, nights) is None
    quiet = flares(60, 3, 0.5)
    assert expected_of_flare(replace(quiet, counts=np.where(quiet.run_in, 0.0, quiet.counts))) is None
    # All cramps on the first night: the fall has no finite height.
    first = np.where(quiet.run_in & (np.arange(42) > 0), 0.0, quiet.counts + 1)
    assert expected_of_flare(replace(quiet, counts=first)) is None


# The simulator.


@pytest.fixture(scope="module")
def recruited() -> Cohort:
    return simulate(2000, 42, 2024, presets.preset("recruited").truth, Mess.none())


@pytest.fixture(scope="module")
def rows(recruited: Cohort) -> pd.DataFrame:
    return regression_to_the_mean(recruited)


def test_the_recruited_fall_as_stated(rows: pd.DataFrame) -> None:
    stated = {target.statistic: target for target in targets("recruited")}
    found = rows.set_index("level")
    chance, whole = stated["fall_by_chance"], stated["fall"]
    assert chance.low < 1 - found.loc["expected of selection", "estimate"] < chance.high  # type: ignore[operator]
    assert whole.low < 1 - found.loc["expected", "estimate"] < whole.high  # type: ignore[operator]
    # Nothing was given to anybody, and nothing remains.
    assert found.loc["remains", "ci_low"] < 1 < found.loc["remains", "ci_high"]
    assert found.loc["remains", "estimate"] == pytest.approx(
        found.loc["observed", "estimate"] / found.loc["expected", "estimate"]
    )
    assert found.loc["run-in", "estimate"] == pytest.approx(8.1, abs=0.5)
    assert "nobody who logged the whole run-in had fewer than 4 cramps" in found.loc["expected of selection", "note"]
    assert "the nights before enrolment" in found.loc["run-in", "note"]


def test_a_criterion_that_is_given(recruited: Cohort, rows: pd.DataFrame) -> None:
    given = regression_to_the_mean(recruited, criterion=4).set_index("level")
    assert given.loc["expected", "estimate"] == rows.set_index("level").loc["expected", "estimate"]
    assert "as asked for" in given.loc["expected of selection", "note"]
    none = regression_to_the_mean(recruited, criterion=0).set_index("level").loc["expected of selection"]
    assert (none["estimate"], none["status"]) == (1, "boundary")


@pytest.fixture(scope="module")
def trial() -> Cohort:
    chosen = presets.preset("magnesium-trial")
    return simulate(94, 42, 3, chosen.truth, chosen.mess)


def test_a_trial_by_arm(trial: Cohort) -> None:
    found = regression_to_the_mean(trial, time_zero(trial, designs(trial)[0]))
    arms = found[found["level"] == "remains"].set_index("term")
    assert list(arms.index) == ["all", "magnesium", "placebo"]
    assert (
        arms.loc["magnesium", "n_participants"] + arms.loc["placebo", "n_participants"]
        == arms.loc["all", "n_participants"]
    )
    after = found[found["level"].eq("after") & found["term"].eq("placebo")].iloc[0]
    people = trial.frame("participants").filter(pl.col("arm") == "placebo")
    nights = trial.frame("diary").drop_nulls("cramps").join(people, on="participant_id")
    before = nights.filter(pl.col("date") < pl.col("randomised_on"))["participant_id"]
    nights = nights.filter(pl.col("date") >= pl.col("randomised_on"), pl.col("participant_id").is_in(before.implode()))
    assert after["estimate"] == pytest.approx(7 * nights["cramps"].mean())  # type: ignore[operator]
    assert "all logged" not in str(found["note"])
    assert isinstance(figures.regression_to_the_mean(found), Figure)
    shown = tables.regression_to_the_mean(found)
    assert {"Remains, magnesium", "Remains, placebo", "Expected", "Half-life of a flare"} <= set(shown.index)


def test_without_a_day_of_enrolment_it_is_that_of_time_zero(trial: Cohort) -> None:
    zero = time_zero(trial, designs(trial)[0])
    people = trial.frame("participants").drop("enrolled_on")
    undated = Cohort("trial", "diary", {**trial.tables, "participants": people})
    found = regression_to_the_mean(undated, zero).set_index(["level", "term"])
    assert "the day of enrolment is not recorded" in found.loc[("run-in", "all"), "note"]
    with pytest.raises(AnalysisError, match=r"no participant has a day of enrolment.*enrolled_on"):
        regression_to_the_mean(undated)


def test_few_people_have_no_expectation(trial: Cohort) -> None:
    def part(n: int) -> Cohort:
        ids = trial.frame("participants")["participant_id"].head(n)
        kept = {name: each.filter(pl.col("participant_id").is_in(ids.implode())) for name, each in trial.tables.items()}
        return Cohort("part", "diary", kept)

    (none,) = regression_to_the_mean(part(4)).to_dict("records")
    assert none["status"] == "not_estimable" and none["note"].startswith("4 participants with nights")
    few = regression_to_the_mean(part(12)).set_index("level")
    for level in ("expected of a flare", "expected", "remains"):
        assert few.loc[level, "status"] == "not_estimable" and "fewer than 20 participants" in few.loc[level, "note"]
    assert few.loc["observed", "status"] == "converged"
    assert isinstance(figures.regression_to_the_mean(few.reset_index()), Figure)


def test_run_ins_of_different_length_have_no_criterion(recruited: Cohort) -> None:
    people = recruited.frame("participants").head(200)
    shift = pl.Series(np.arange(200) % 20)
    first = date(1970, 1, 1)
    moved = people.with_columns(enrolled_on=pl.col("enrolled_on") + pl.duration(days=shift))
    ids = people["participant_id"].implode()
    nights = recruited.frame("diary").filter(pl.col("participant_id").is_in(ids), pl.col("date") > first)
    found = regression_to_the_mean(Cohort("moved", "diary", {"participants": moved, "diary": nights}))
    row = found[found["level"] == "expected of selection"].iloc[0]
    assert row["status"] == "boundary" and "run-ins differ in length" in row["note"]


def test_kinds_are_registered(rows: pd.DataFrame) -> None:
    assert set(rows["analysis"]) == {kinds.REGRESSION_TO_THE_MEAN.name}


def test_no_criterion_is_read_from_few_whole_run_ins(recruited: Cohort) -> None:
    people = recruited.frame("participants").head(60)
    # All but twelve left out a night of the run-in.
    whole = people["participant_id"].head(12).implode()
    ids = people["participant_id"].implode()
    nights = recruited.frame("diary").filter(pl.col("participant_id").is_in(ids))
    second = pl.col("date") == pl.col("date").min().over("participant_id") + pl.duration(days=1)
    nights = nights.filter(pl.col("participant_id").is_in(whole) | ~second)
    gaps = Cohort("gaps", "diary", {"participants": people, "diary": nights})
    found = regression_to_the_mean(gaps).set_index("level")
    reason = "no criterion is recorded, and only 12 participants logged the whole run-in, too few to read one from"
    for level in ("expected of selection", "expected", "remains"):
        row = found.loc[level] if level != "remains" else found.loc[[level]].iloc[0]
        assert row["status"] == "not_estimable" and reason in row["note"], level
    assert found.loc["observed", "status"] == "converged"
    given = regression_to_the_mean(gaps, criterion=4).set_index("level")
    assert given.loc["expected of selection", "status"] == "converged"
