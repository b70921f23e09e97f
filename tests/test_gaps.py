"""Gaps: every night is logged, lost or filled in later with the stated chance, and nothing else changes."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1
from scipy.stats import binom

from crampstudy.simulate.corruption.gaps import Gaps
from crampstudy.simulate.corruption.thinning import (
    DiaryNights,
    ObservedNights,
    nights_of,
    observe,
    thin,
    typical_nights,
)

MONDAY = 4 + 7 * 2800
"""A Monday, in days from 1970-01-01."""
ALIKE = 1e6
"""A concentration at which all persons have one chance."""
KEY = ["participant_id", "date"]


def all_nights(participants: int, nights: int, cramp_share: float = 0.0) -> DiaryNights:
    """Complete diaries that all begin on a Monday."""
    person, night = np.divmod(np.arange(participants * nights), nights)
    return DiaryNights(person, MONDAY + night, night, np.random.default_rng(99).random(len(person)) < cramp_share)


def seen(gaps: Gaps, nights: DiaryNights, seed: int = 1) -> ObservedNights:
    return observe(gaps, nights, int(nights.person.max()) + 1, np.random.default_rng(seed))


def tables(participants: int, nights: int, seed: int = 1) -> dict[str, pl.DataFrame]:
    """Complete diaries, their episodes and a treatment; warming up is missing where there was no session."""
    rng = np.random.default_rng(seed)
    names = [f"P{i}" for i in range(participants)]
    first = [date(2024, 1, 1) + timedelta(days=int(d)) for d in rng.integers(0, 20, participants)]
    n = participants * nights
    bed = rng.uniform(6, 9, n).round(1)
    diary = pl.DataFrame(
        {
            "participant_id": np.repeat(names, nights),
            "date": [day + timedelta(days=k) for day in first for k in range(nights)],
            "entry_made": np.ones(n, dtype=np.bool_),
            "cramps": rng.poisson(1.2, n),
            "hours_in_bed": bed,
            "sleep_hours": (bed * rng.uniform(0.5, 1, n)).round(1),
            "exercise_min": np.where(rng.random(n) < 0.5, 30.0, 0.0),
            "own_note": rng.choice(["a", "b"], n),
        }
    )
    warm = pl.Series("warm_up", rng.random(n) < 0.5)
    diary = diary.with_columns(pl.when(pl.col("exercise_min") > 0).then(warm).alias("warm_up"))
    episodes = (
        diary.filter(pl.col("cramps") > 0)
        .select(*KEY, episode=pl.int_ranges(1, pl.col("cramps") + 1))
        .explode("episode")
        .with_columns(pain_0_10=pl.lit(5.0))
    )
    treatments = pl.DataFrame({"participant_id": names, "start": first, "agent": ["magnesium"] * participants})
    people = pl.DataFrame({"participant_id": names, "age_years": rng.integers(20, 90, participants).astype(float)})
    return {"participants": people, "diary": diary, "episodes": episodes, "treatments": treatments}


def within_exact_bounds(count: int, n: int, chance: float) -> bool:
    """Whether a binomial count lies where all but 1 in a million do."""
    return bool(binom.ppf(5e-7, n, chance) <= count <= binom.isf(5e-7, n, chance))


def closed_form(mean: float, concentration: float, log_odds: float) -> float:
    """The mean of B e^c / (1 - B + B e^c) over a beta-distributed B, by the hypergeometric function."""
    factor, a = math.exp(log_odds), mean * concentration
    if factor < 1:
        return float(mean * factor * hyp2f1(1, a + 1, concentration + 1, 1 - factor))
    return float(mean * hyp2f1(1, concentration - a, concentration + 1, 1 - 1 / factor))


@pytest.mark.parametrize("mean", [0.05, 0.5, 0.7, 0.94])
@pytest.mark.parametrize("concentration", [0.3, 8.0, 60.0])
@pytest.mark.parametrize("log_odds", [-3.0, -0.598, 0.0, 1.5])
def test_the_chance_is_its_closed_form(mean: float, concentration: float, log_odds: float) -> None:
    gaps = Gaps(adherence_mean=mean, adherence_concentration=concentration)
    assert gaps.chance(log_odds) == pytest.approx(closed_form(mean, concentration, log_odds), rel=1e-9)


def test_the_chance_at_its_limits() -> None:
    alike = Gaps(adherence_mean=0.8, adherence_concentration=ALIKE)
    assert alike.chance(-1.0) == pytest.approx(1 / (1 + math.exp(-(math.log(4) - 1))), abs=1e-6)
    assert Gaps(adherence_mean=1).chance(-5.0) == 1
    apart = Gaps(adherence_mean=0.8, adherence_concentration=0.1)
    assert apart.chance(-1.0) > alike.chance(-1.0)


@pytest.mark.parametrize("gaps", [Gaps(dropout_per_night=0), Gaps(0.7, 2.0, cramp_log_odds=1.0, dropout_per_night=0)])
def test_marginal_adherence_by_weekday_time_and_cramp(gaps: Gaps) -> None:
    """One night per person at a time: its entries are independent, so that the binomial bounds are exact."""
    nights = all_nights(40_000, 19, cramp_share=0.3)
    timely = seen(gaps, nights).timely
    assert timely[nights.night == 0].all()
    implied = gaps.implied()
    for night, name in ((1, "weekday_at_first"), (5, "weekend_at_first"), (14, "weekday_later"), (18, "weekend_later")):
        here = (nights.night == night) & ~nights.cramp
        assert within_exact_bounds(int(timely[here].sum()), int(here.sum()), implied[name]), name
    here = (nights.night == 2) & nights.cramp
    assert within_exact_bounds(int(timely[here].sum()), int(here.sum()), implied["weekday_at_first_with_cramp"])


def test_the_persons_chances_are_beta() -> None:
    gaps = Gaps(adherence_mean=0.8, adherence_concentration=5.0)
    adherence = seen(gaps, all_nights(50_000, 1)).adherence
    assert adherence.mean() == pytest.approx(0.8, abs=5 * math.sqrt(0.16 / 6 / 50_000))
    assert adherence.var() == pytest.approx(0.8 * 0.2 / 6, rel=0.05)


def log_odds_ratio(hit: np.ndarray, by: np.ndarray) -> tuple[float, float]:
    """The log odds ratio of two independent shares and its standard error."""
    cells = [float(c) for c in ((hit & by).sum(), (~hit & by).sum(), (hit & ~by).sum(), (~hit & ~by).sum())]
    return math.log(cells[0] * cells[3] / cells[1] / cells[2]), math.sqrt(sum(1 / c for c in cells))


@pytest.mark.parametrize("cramp", [-1.2, 0.0, 0.8])
@pytest.mark.parametrize("column", ["decay_log_odds", "weekend_log_odds", "cramp_log_odds"])
def test_odds_ratios_are_recovered(cramp: float, column: str) -> None:
    gaps = Gaps(0.75, ALIKE, dropout_per_night=0, cramp_log_odds=cramp)
    nights = all_nights(3000, 40, cramp_share=0.4)
    later, weekend = nights.night >= 14, np.isin(nights.night % 7, (4, 5))
    by, others = {
        "decay_log_odds": (later, ~weekend & ~nights.cramp),
        "weekend_log_odds": (weekend, later & ~nights.cramp),
        "cramp_log_odds": (nights.cramp, later & ~weekend),
    }[column]
    here = others & (nights.night > 0)
    estimate, error = log_odds_ratio(seen(gaps, nights).timely[here], by[here])
    assert error < 0.06
    assert abs(estimate - getattr(gaps, column)) < 5 * error


def test_missing_not_at_random_biases_the_logged_rate_and_only_then() -> None:
    nights = all_nights(3000, 40, cramp_share=0.3)
    share = nights.cramp.mean()
    for log_odds in (-1.5, 0.0, 1.5):
        timely = seen(Gaps(0.75, cramp_log_odds=log_odds), nights).timely
        error = math.sqrt(share * (1 - share) / timely.sum())
        bias = nights.cramp[timely].mean() - share
        assert abs(bias) < 5 * error if log_odds == 0 else np.sign(bias) == np.sign(log_odds) and abs(bias) > 10 * error


def test_dropout_is_a_constant_hazard_and_takes_all_nights_after() -> None:
    nights = all_nights(30_000, 30)
    outcome = seen(Gaps(1, dropout_per_night=0.03), nights)
    for night in (1, 7, 29):
        left = outcome.timely[nights.night == night]
        assert within_exact_bounds(int(left.sum()), 30_000, 0.97**night), night
    assert np.array_equal(outcome.timely, nights.night < outcome.dropout[nights.person])
    assert np.array_equal(outcome.ended, ~outcome.timely)
    assert not (outcome.row & outcome.ended).any()
    assert outcome.dropout.min() == 1


def test_missing_nights_with_and_without_a_row() -> None:
    nights = all_nights(4000, 20)
    outcome = seen(Gaps(0.6, dropout_per_night=0, no_row_share=0.3), nights)
    missing = ~outcome.timely
    assert within_exact_bounds(int((missing & ~outcome.row).sum()), int(missing.sum()), 0.3)
    assert outcome.row[outcome.timely].all()


def test_paper_diaries_report_more_than_was_logged() -> None:
    """Stone 2003: 90 % reported, 11 % in time."""
    gaps = Gaps(dropout_per_night=0, paper_share=0.4)
    nights = all_nights(50_000, 2)
    outcome = seen(gaps, nights)
    assert within_exact_bounds(int(outcome.paper.sum()), 50_000, 0.4)
    here = (nights.night == 1) & outcome.paper[nights.person]
    assert within_exact_bounds(int(outcome.timely[here].sum()), int(here.sum()), 0.11)
    reported = outcome.timely | outcome.filled
    assert within_exact_bounds(int(reported[here].sum()), int(here.sum()), 0.11 + 0.89 * 0.89)
    assert gaps.implied()["paper_weekday_at_first_reported"] == pytest.approx(0.90, abs=0.005)
    assert not outcome.filled[~outcome.paper[nights.person]].any()
    assert outcome.row[outcome.filled].all()


def test_each_part_has_chance_of_its_own() -> None:
    nights = all_nights(300, 60, cramp_share=0.3)
    plain = seen(Gaps(), nights)
    ended = seen(Gaps(dropout_per_night=0.02), nights)
    left = ~ended.ended & ~plain.ended
    assert np.array_equal(ended.timely[left], plain.timely[left])
    assert np.array_equal(ended.row[left], plain.row[left])
    # A higher hazard ends the same diaries sooner.
    assert (ended.dropout <= plain.dropout).all()
    paper = seen(Gaps(paper_share=0.5), nights)
    apart = ~paper.paper[nights.person]
    assert np.array_equal(paper.timely[apart], plain.timely[apart])
    assert np.array_equal(paper.dropout, plain.dropout)
    more = seen(Gaps(no_row_share=0.9), nights)
    assert np.array_equal(more.timely, plain.timely)
    assert (more.row <= plain.row).all()
    fewer = seen(Gaps(weekend_log_odds=-2), nights)
    assert (fewer.timely <= plain.timely).all()
    assert np.array_equal(seen(Gaps(), nights).timely, plain.timely)
    assert not np.array_equal(seen(Gaps(), nights, seed=2).timely, plain.timely)


def test_the_record_of_back_filling_is_the_difference_between_true_and_reported() -> None:
    complete = tables(60, 50)
    thinned = thin(complete, Gaps(paper_share=0.5, paper_adherence_mean=0.4), np.random.default_rng(3))
    true = complete["diary"].select(*KEY, true="cramps")
    both = thinned.tables["diary"].filter("entry_made").join(true, on=KEY)
    differs = both.filter(pl.col("cramps") != pl.col("true"))
    filled = thinned.filled
    assert filled.height > 200
    told = filled.filter(pl.col("cramps") != pl.col("reported"))
    assert told.height > 50
    assert differs.select(*KEY, pl.col("true").alias("cramps"), reported="cramps").sort(KEY).equals(told.sort(KEY))
    assert filled.join(thinned.tables["diary"].filter("entry_made"), on=KEY, how="anti").is_empty()
    people = thinned.participants
    assert people["cramps_reported"].sum() == both["cramps"].sum()
    assert set(filled["participant_id"]) <= set(people.filter("paper")["participant_id"])
    by = filled.group_by("participant_id").len()
    assert people.join(by, on="participant_id").select((pl.col("back_filled") == pl.col("len")).all()).item()


def test_filled_nights_are_the_persons_typical_night_without_episodes() -> None:
    complete = tables(30, 40)
    thinned = thin(complete, Gaps(paper_share=1, paper_adherence_mean=0.5), np.random.default_rng(3))
    entered = thinned.tables["diary"].filter("entry_made")
    timely = entered.join(thinned.filled, on=KEY, how="anti")
    late = entered.join(thinned.filled.select(KEY), on=KEY)
    for (name,), nights in timely.group_by("participant_id"):
        own = late.filter(pl.col("participant_id") == name)
        for column in ("cramps", "hours_in_bed", "sleep_hours", "own_note"):
            values = nights[column].sort()
            assert set(own[column]) <= {values[(len(values) - 1) // 2]}
    assert late.select((pl.col("sleep_hours") <= pl.col("hours_in_bed")).all()).item()
    assert late.select((pl.col("warm_up").is_null() == (pl.col("exercise_min") == 0)).all()).item()
    assert thinned.tables["episodes"].join(thinned.filled, on=KEY).is_empty()


def test_a_typical_night_is_the_lower_median_with_missing_cells_lowest() -> None:
    nights = pl.DataFrame(
        {
            "participant_id": ["a"] * 4 + ["b"] * 3,
            "cramps": [3, 0, 2, 1, 5, 5, 0],
            "warm_up": [None, None, True, False, True, None, False],
        }
    )
    assert typical_nights(nights).rows() == [("a", 1, None), ("b", 5, False)]


def test_nights_that_were_not_made_before_stay_so() -> None:
    complete = tables(20, 30)
    cells = [c for c in complete["diary"].columns if c not in (*KEY, "entry_made")]
    unmade = pl.Series(np.random.default_rng(5).random(600) < 0.2)
    diary = complete["diary"].with_columns(entry_made=~unmade)
    diary = diary.with_columns(pl.when("entry_made").then(c).alias(c) for c in cells)
    gaps = Gaps(paper_share=1, paper_adherence_mean=0.5, backfill_share=1, dropout_per_night=0, no_row_share=1)
    thinned = thin({**complete, "diary": diary}, gaps, np.random.default_rng(1))
    assert thinned.tables["diary"].filter(~pl.col("entry_made")).equals(diary.filter(unmade))
    assert thin({**complete, "diary": diary}, Gaps.none(), np.random.default_rng(1)).tables["diary"] is diary


def test_nobody_has_a_typical_night_without_one_of_their_own() -> None:
    complete = tables(1, 30)
    diary = complete["diary"].with_columns(entry_made=pl.int_range(pl.len()) > 0)
    cells = [c for c in diary.columns if c not in (*KEY, "entry_made")]
    diary = diary.with_columns(pl.when("entry_made").then(c).alias(c) for c in cells)
    gaps = Gaps(adherence_concentration=ALIKE, paper_share=1, paper_adherence_mean=0.01, backfill_share=1)
    # Of seeds enough some log nothing of the 29 nights, which has a chance of three in four.
    outcomes = [thin({**complete, "diary": diary}, gaps, np.random.default_rng(seed)) for seed in range(20)]
    empty = [o for o in outcomes if o.participants["logged"].item() == 0]
    assert 0 < len(empty) < 20
    assert all(o.filled.is_empty() and not o.tables["diary"]["entry_made"].any() for o in empty)
    assert all(o.filled.height == o.participants["back_filled"].item() for o in outcomes)
    assert any(o.filled.height for o in outcomes)


def test_nights_are_counted_from_each_first_one_whatever_the_order_of_rows() -> None:
    complete = tables(7, 9)
    people, diary = complete["participants"], complete["diary"]
    nights = nights_of(people, diary)
    assert nights.person.tolist() == [i for i in range(7) for _ in range(9)]
    assert nights.night.tolist() == list(range(9)) * 7
    order = np.random.default_rng(2).permutation(63)
    mixed = nights_of(people[::-1], diary[order])
    assert mixed.person.tolist() == (6 - nights.person[order]).tolist()
    assert mixed.night.tolist() == nights.night[order].tolist()
    assert mixed.cramp.tolist() == (diary["cramps"] > 0)[order].to_list()
    assert str(np.datetime64(int(nights.date[0]), "D")) == str(diary["date"][0])


chances = st.floats(0, 1)
odds = st.floats(-5, 5)


@st.composite
def any_gaps(draw: st.DrawFn) -> Gaps:
    return Gaps(
        adherence_mean=draw(st.floats(0.01, 1)),
        adherence_concentration=draw(st.floats(0.1, 1e6)),
        decay_after_nights=draw(st.integers(0, 60)),
        decay_log_odds=draw(odds),
        weekend_log_odds=draw(odds),
        cramp_log_odds=draw(odds),
        dropout_per_night=draw(st.floats(0, 0.99)),
        no_row_share=draw(chances),
        paper_share=draw(chances),
        paper_adherence_mean=draw(st.floats(0.01, 1)),
        backfill_share=draw(chances),
    )


@given(gaps=any_gaps(), participants=st.integers(1, 8), nights=st.integers(1, 30), seed=st.integers(0, 2**32))
@settings(max_examples=80)
def test_nothing_else_changes(gaps: Gaps, participants: int, nights: int, seed: int) -> None:
    complete = tables(participants, nights)
    rng = np.random.default_rng(seed)
    thinned = thin(complete, gaps, rng)
    before, after = complete["diary"], thinned.tables["diary"]
    assert after.schema == before.schema
    kept = thinned.kept.get("diary", np.arange(before.height))
    assert after.select(KEY).equals(before[kept].select(KEY))
    filled = after.select(KEY).join(thinned.filled, on=KEY, how="left", maintain_order="left")["reported"].is_not_null()
    timely = after["entry_made"] & ~filled
    assert after.filter(timely).equals(before[kept].filter(timely))
    empty = after.filter(~pl.col("entry_made")).select(pl.exclude(*KEY, "entry_made"))
    assert empty.null_count().sum_horizontal().sum() == empty.height * empty.width
    logged = after.filter(timely).select(KEY)
    assert thinned.tables["episodes"].equals(
        complete["episodes"].join(logged, on=KEY, how="semi", maintain_order="left")
    )
    if "episodes" in thinned.kept:
        assert complete["episodes"][thinned.kept["episodes"]].equals(thinned.tables["episodes"])
    assert all(thinned.tables[name] is complete[name] for name in ("participants", "treatments"))
    first = after.group_by("participant_id").agg(pl.col("date").min(), pl.col("entry_made").first())
    assert first.height == participants
    assert first["entry_made"].all()
    people = thinned.participants
    parts = ("logged", "back_filled", "entry_not_made", "without_row", "after_dropout")
    assert people.select(pl.sum_horizontal(parts) == pl.col("nights")).to_series().all()
    assert people["nights"].to_list() == [nights] * participants
    assert people.select("logged", "back_filled", "entry_not_made").sum().sum_horizontal().item() == after.height
    assert people["cramps"].sum() == before["cramps"].sum()
    assert people["cramps_reported"].sum() == after["cramps"].sum()


def test_no_gaps() -> None:
    complete = tables(9, 30)
    thinned = thin(complete, replace(Gaps.none(), weekend_log_odds=-5, cramp_log_odds=5), np.random.default_rng(1))
    assert all(thinned.tables[name] is complete[name] for name in complete)
    assert not thinned.kept
    assert thinned.filled.is_empty()
    assert thinned.participants["dropout_night"].null_count() == 9
