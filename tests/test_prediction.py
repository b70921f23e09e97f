"""Features of a participant's own past, baselines, and validation that no later night and no same person gets into."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy import codebook
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.nights.diary import Diary
from crampstudy.prediction import baselines, leakage, models
from crampstudy.prediction import validation as validating
from crampstudy.prediction.features import FeatureTable, domain_of, newcomers, nights_of
from crampstudy.prediction.features.baseline import baseline_columns, directions
from crampstudy.prediction.outcome import ANY, COUNT
from crampstudy.simulate import simulate


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(30, 20, seed=1)


@pytest.fixture(scope="module")
def table(cohort: Cohort) -> FeatureTable:
    return nights_of(cohort)


@pytest.fixture(scope="module")
def past(cohort: Cohort) -> FeatureTable:
    return nights_of(cohort, covariates=False)


@pytest.fixture(scope="module")
def found(past: FeatureTable) -> validating.Validated:
    return validating.validate(past, COUNT)


def diary(counts: Mapping[str, Mapping[int, int]], **more: Any) -> Cohort:
    rows = [
        {"participant_id": who, "date": date(2024, 1, 1) + timedelta(days=day), "cramps": n}
        for who, nights in counts.items()
        for day, n in nights.items()
    ]
    unasked = {
        "age_years": pl.Series([None] * len(counts), dtype=pl.Float64),
        "sex": pl.Series([None] * len(counts), dtype=pl.String),
    }
    people = pl.DataFrame({"participant_id": [*counts], **unasked, **more})
    return Cohort("made", "diary", {"participants": people, "diary": pl.DataFrame(rows)}, synthetic=True)


def column(table: FeatureTable, name: str) -> np.ndarray[Any, Any]:
    return table.values[:, table.names.index(name)].astype(float)


def test_own_past_by_hand() -> None:
    made = nights_of(diary({"A": {0: 2, 1: 0, 9: 1, 10: 0}, "B": {0: 1, 200: 0}}))
    assert made.sums is not None
    # Of night 9 the window of 7 nights is nights 2 to 8, of which none was logged; B never sees A's cramps.
    assert made.sums.cramps[7].tolist() == [0, 2, 0, 1, 0, 0]
    assert made.sums.nights[7].tolist() == [0, 1, 0, 1, 0, 0]
    assert made.sums.cramps[90].tolist() == [0, 2, 2, 3, 0, 0]
    assert made.sums.cramps[None].tolist() == [0, 2, 2, 3, 0, 1]
    assert made.sums.cramp_nights[None].tolist() == [0, 1, 1, 2, 0, 1]
    nan = np.nan
    np.testing.assert_allclose(column(made, "last_night_cramps"), [nan, 2, 0, 1, nan, 1])
    np.testing.assert_allclose(column(made, "nights_since_logged"), [nan, 1, 8, 1, nan, 200])
    np.testing.assert_allclose(np.expm1(column(made, "nights_since_cramp_log")), [nan, 1, 9, 1, nan, 200], rtol=1e-5)
    np.testing.assert_allclose(column(made, "own_rate_all"), np.log([0.1, 2.5 / 6, 2.5 / 7, 3.5 / 8, 0.1, 0.25]), 1e-6)


def test_windows_are_the_sums_counted_night_by_night(table: FeatureTable) -> None:
    assert table.sums is not None and table.day is not None
    for window in (7, 28):
        for i in range(0, len(table.counts), 37):
            before = table.day[i] - table.day
            own = (table.person == table.person[i]) & (before > 0) & (before <= window)
            assert table.sums.cramps[window][i] == table.counts[own].sum()
            assert table.sums.nights[window][i] == own.sum()


def test_the_day_before_is_of_the_last_logged_night_of_the_same_person() -> None:
    made = diary({"A": {0: 0, 3: 1}, "B": {1: 0, 2: 0}})
    nights = made.frame("diary").with_columns(fluid_ml=pl.Series([1000.0, 2000.0, 3000.0, None]))
    table = nights_of(Cohort("made", "diary", {**made.tables, "diary": nights}, synthetic=True))
    np.testing.assert_allclose(column(table, "last_fluid_ml"), [np.nan, 1000, np.nan, 3000])


def test_outcomes_and_the_run_of_a_study_are_no_baseline(cohort: Cohort) -> None:
    people = cohort.frame("participants").with_columns(recalled_low=pl.int_range(pl.len()), all_alike=pl.lit(1.0))
    columns = baseline_columns(people)
    assert {"age_years", "sex", "diabetes"} <= {*columns}
    assert not {"recalled_low", "ever_cramp", "cycle", "arm", "birth_year", "all_alike", "participant_id"} & {*columns}


def test_levels_missing_values_and_domains() -> None:
    made = newcomers(diary({"A": {0: 2, 1: 1}, "B": {0: 0}, "C": {0: 1}}, sex=["male", "female", None]))
    assert made.names == ("sex=male",)
    np.testing.assert_allclose(made.values[:, 0], [1, 0, np.nan])
    assert (made.counts.tolist(), made.nights.tolist()) == ([3, 0, 1], [2, 1, 1])
    names = ("own_rate_7", "last_night_cramps", "last_fluid_ml", "season_cos", "sex=male")
    assert [domain_of(name) for name in names] == ["own past", "own past", "hydration", "calendar", "demography"]


def test_claimed_directions_are_those_of_variables() -> None:

    assert all(codebook.find(name) is not None for name in directions())
    assert {*directions().values()} == {-1, 1}


class TestLeakage:
    def test_nothing_of_a_night_or_later_is_known_before_it(self, cohort: Cohort) -> None:
        leakage.check_past(cohort)

    @pytest.mark.parametrize("shift", [0, -1])
    def test_a_feature_of_the_night_or_a_later_one_is_caught(self, cohort: Cohort, shift: int) -> None:
        def leaking(source: Diary) -> FeatureTable:
            table = nights_of(source, covariates=False)
            planted = np.roll(table.counts, shift)[:, None].astype(np.float32)
            return replace(table, names=(*table.names, "planted"), values=np.hstack([table.values, planted]))

        with pytest.raises(AnalysisError, match=r"changes with that night or a later one: planted$"):
            leakage.check_past(cohort, leaking)

    def test_a_participant_on_both_sides_is_caught(self) -> None:
        leakage.check_people(np.array([0, 1]), np.array([2, 2]))
        with pytest.raises(AnalysisError, match="learned from as well: 1"):
            leakage.check_people(np.array([0, 1, 1]), np.array([1, 2]))

    def test_a_later_night_to_learn_from_is_caught(self) -> None:
        leakage.check_time(np.array([1, 2]), np.array([3, 5]))
        with pytest.raises(AnalysisError, match="on or after the first that is tested on: 2"):
            leakage.check_time(np.array([1, 3, 4]), np.array([3, 5]))

    @pytest.mark.parametrize("noise", [0.0, 0.02])
    def test_a_column_made_of_the_outcome_is_caught(self, past: FeatureTable, noise: float) -> None:
        total = np.bincount(past.person, past.counts)
        planted = total + noise * np.random.default_rng(1).normal(size=len(total))
        wide = np.hstack([past.values, planted[past.person][:, None].astype(np.float32)])
        leaked = replace(past, names=(*past.names, "bmi_kg_m2"), values=wide)
        with pytest.raises(AnalysisError, match="almost as their cramps do: bmi_kg_m2"):
            validating.validate(leaked, COUNT)

    def test_what_only_tells_who_has_any_is_caught_as_well(self) -> None:
        rate = np.r_[np.zeros(20), np.linspace(0.1, 1, 20)]
        some = (rate > 0) * 1.0 + np.tile([0.0, 0.2], 20)
        with pytest.raises(AnalysisError, match="twitching"):
            leakage.check_not_of_outcome(("twitching",), some[:, None], rate, np.ones(40))
        leakage.check_not_of_outcome(("age",), np.tile([0.0, 1.0], 20)[:, None], rate, np.ones(40))


class TestBaselines:
    def test_a_moving_average_by_hand(self) -> None:
        made = nights_of(diary({"A": {0: 2, 1: 0, 9: 1}}, age_years=[50.0]))
        climate = np.full(3, 0.5)
        rule = baselines.MovingAverage(7, 2.0)
        assert rule.predict(made, COUNT, climate) == pytest.approx([0.5, (2 + 1) / 3, 0.5])
        assert rule.predict(made, ANY, climate) == pytest.approx([0.5, (1 + 1) / 3, 0.5])
        assert baselines.MovingAverage(None, 2.0).predict(made, COUNT, climate)[2] == pytest.approx((2 + 1) / 4)

    def test_the_climate_is_by_age_band_and_of_all_without_an_age(self) -> None:
        nights = {i: int(i < 30) for i in range(60)}
        made = nights_of(diary({"A": nights, "B": {**nights, 30: 1}, "C": nights}, age_years=[50.0, 70.0, None]))
        overall = (91 + 0.5) / (180 + 1)
        expected = {"50-59": (30 + 28 * overall) / 88, "70-79": (31 + 28 * overall) / 88, "none": overall}
        found = baselines.Climate.of(made, made.counts).predict(made)
        assert found[[0, 60, 120]] == pytest.approx([*expected.values()])

    def test_training_chooses_the_window(self) -> None:
        # A week of cramps, then a week without: only a short memory follows.
        nights = {i: int((i // 14) % 2 == 0) * 2 for i in range(150)}
        made = nights_of(diary({"A": nights, "B": nights}))
        climate = np.full(len(made.counts), 1.0)
        assert baselines.tuned(made, COUNT, climate, baselines.WINDOWS).window == 7
        steady = np.random.default_rng(1).poisson(0.5, 300)
        made = nights_of(diary({"A": dict(enumerate(steady.tolist()))}))
        assert baselines.tuned(made, COUNT, np.full(300, 1.0), baselines.WINDOWS).window == 90


class TestValidation:
    def test_each_row_is_said_by_what_has_not_seen_its_participant(
        self, past: FeatureTable, found: validating.Validated
    ) -> None:
        assert len(found.happened) == len(past.counts) and found.happened.tolist() == past.counts.tolist()
        assert {*found.said} == {
            *(baselines.ONE_RATE, baselines.CLIMATOLOGY, baselines.PERMUTATION, baselines.MOVING_AVERAGE),
            *(baselines.RUNNING_RATE, models.REGRESSION, models.TREES, validating.CHOSEN),
        }
        losses = {name: COUNT.loss(found.happened, said).mean() for name, said in found.said.items()}
        assert losses[baselines.RUNNING_RATE] < losses[baselines.PERMUTATION]
        assert len(found.chosen) == validating.FOLDS
        # The climate of a fold is that of the others.
        fold = validating.folds_of(len(past.ids), validating.FOLDS, np.random.default_rng([validating.SEED, False]))
        first = fold[past.person] == 0
        others = past.only(~first)
        climate = baselines.Climate.of(others, others.counts).predict(past.only(first))
        assert found.said[baselines.CLIMATOLOGY][first] == pytest.approx(climate)
        assert found.said[baselines.ONE_RATE][first] == pytest.approx(np.full(first.sum(), others.counts.mean()))

    def test_forward_in_time_learns_from_earlier_nights_alone(
        self, past: FeatureTable, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = []
        tried = validating.tried

        def watched(train: FeatureTable, *more: Any) -> Any:
            seen.append(train)
            return tried(train, *more)

        monkeypatch.setattr(validating, "tried", watched)
        found = validating.validate(past, ANY, forward=True)
        assert past.day is not None and found.table.day is not None
        origin = np.median(past.day)
        assert len(seen) == 2 * validating.FOLDS and found.scheme == validating.FORWARD
        assert all(each.day is not None and each.day.max() < origin for each in seen)
        assert found.table.day.min() >= origin and not found.log_scores

    def test_the_own_past_alone_is_what_was_chosen_where_nothing_else_helps(self, cohort: Cohort) -> None:
        rng = np.random.default_rng(4)
        past = nights_of(cohort, covariates=False)
        idle = [each.name for each in codebook.variables("participants") if each.type == "number"][:30]
        noise = rng.normal(size=(len(past.counts), len(idle))).astype(np.float32)
        more = replace(past, names=(*past.names, *idle), values=np.column_stack([past.values, noise]))
        found = validating.validate(more, ANY)
        alone = [", own past alone" in each for each in found.chosen]
        fold = validating.folds_of(len(more.ids), validating.FOLDS, np.random.default_rng([validating.SEED, False]))
        same = found.said[validating.PAST_ALONE] == found.said[validating.CHOSEN]
        assert any(alone)
        for number, is_alone in enumerate(alone):
            assert same[fold[more.person] == number].all() == is_alone

    def test_several_workers_say_the_same(self, past: FeatureTable, found: validating.Validated) -> None:
        shared = validating.validate(past, COUNT, workers=2)
        assert all((found.said[name] == said).all() for name, said in shared.said.items())

    def test_few_people_and_few_with_a_cramp_are_refused(self) -> None:
        few = nights_of(diary({f"P{i}": {0: 1, 1: 0} for i in range(24)}))
        with pytest.raises(AnalysisError, match=r"^24 participants .*at least 25, and 5 with a cramp$"):
            validating.validate(few, COUNT)
        with pytest.raises(AnalysisError, match=r"^1 participant with logged nights, 1 of them"):
            validating.validate(nights_of(diary({"P1": {0: 1, 1: 0}})), COUNT)
        quiet = nights_of(diary({f"P{i}": {0: int(i < 4), 1: 0} for i in range(30)}))
        with pytest.raises(AnalysisError, match="30 participants with logged nights, 4 of them with a cramp"):
            validating.validate(quiet, COUNT)

    def test_newcomers_are_foretold_from_baseline_alone(self, cohort: Cohort) -> None:
        made = newcomers(cohort)
        found = validating.validate(made, COUNT)
        rules = {baselines.ONE_RATE, baselines.CLIMATOLOGY}
        assert {*found.said} == rules | {models.REGRESSION, models.TREES, validating.CHOSEN}
        expected = found.expected(models.REGRESSION)
        assert expected == pytest.approx(found.said[models.REGRESSION] * made.nights)


def test_a_claimed_direction_binds_the_trees(table: FeatureTable) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(400, 1)).astype(np.float32)
    candidate = models.Candidate(models.TREES, leaves=4, trees=30)
    happened = rng.poisson(np.exp(-x[:, 0])).astype(float)
    grid = np.linspace(-2, 2, 50, dtype=np.float32)[:, None]
    slopes = {}
    # More calf stretching is claimed to go with fewer cramps, more sitting with more of them.
    for name in ("last_stretch_calf_min", "last_sitting_min"):
        made = models.fitted(candidate, COUNT, (name,), x, happened, np.ones(400))
        slopes[name] = np.diff(models.predicted(made, COUNT, grid))
    assert (slopes["last_stretch_calf_min"] <= 1e-9).all() and slopes["last_stretch_calf_min"].min() < -0.01
    assert (slopes["last_sitting_min"] >= -1e-9).all()


def test_models_of_own_past_alone_are_tried_where_there_is_more(table: FeatureTable, past: FeatureTable) -> None:
    assert any(each.past_alone for each in models.candidates(table.names)[models.REGRESSION])
    assert not any(each.past_alone for family in models.candidates(past.names).values() for each in family)
    alone = next(each for each in models.candidates(table.names)[models.TREES] if each.past_alone)
    assert [table.names[i] for i in alone.features(table.names)] == [*past.names]
