"""Treatments and designs: who takes what when is as the design says, and so is what it does."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from crampstudy import codebook
from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate import Mess, simulate
from crampstudy.simulate.draw.allocation import Untreated, assign, sequences
from crampstudy.simulate.draw.exposures import GOES_ON, Assigned, EpisodeShifts, build_up, episode_shifts, log_effect
from crampstudy.simulate.estimands.treatment_effects import treatment_effects
from crampstudy.simulate.scenario.presets import preset
from crampstudy.simulate.truth.design import StudyDesign, check_agents, check_design, nights_needed, period_starts
from crampstudy.simulate.truth.parameters import check
from crampstudy.simulate.truth.tables.rows import AGENTS, Agent, read_table
from crampstudy.sources import load
from crampstudy.sources.readers import package

TABLE = read_table(Agent, "agents.csv")
FIRST = (date(2024, 1, 8) - date(1970, 1, 1)).days
SCALING = {
    "serum_magnesium_mmol_l": (0.84, 0.07),
    "serum_potassium_mmol_l": (4.2, 0.35),
    "serum_calcium_mmol_l": (2.35, 0.09),
}
# Two-sided chance of a false alarm of one comparison.
RARE = 1e-4
Z = float(stats.norm.isf(RARE / 2))


def dates(people: int, nights: int) -> np.ndarray:
    return FIRST + np.arange(people)[:, None] % 7 + np.arange(nights)


def persons(n: int, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: mean + sd * rng.standard_normal(n) for name, (mean, sd) in SCALING.items()}


def agents(**changes: Mapping[str, Any]) -> tuple[Agent, ...]:
    return tuple(replace(a, **changes.get(a.column, {})) for a in TABLE)


def assigned(
    design: StudyDesign, people: int = 400, nights: int = 200, seed: int = 2, of: tuple[Agent, ...] = TABLE, **more: Any
) -> Assigned:
    rate = more.pop("log_rate", np.zeros(people))
    who = more.pop("who", None) or persons(people)
    rng = np.random.default_rng(seed)
    return assign(design, of, Untreated(who, dates(people, nights), rate, SCALING), rng, **more)


def agent(name: str, **changes: Any) -> Agent:
    return replace(next(a for a in TABLE if a.column == name), **changes)


def one(a: Agent, start: int, stop: int, nights: int) -> list[float]:
    night = np.arange(nights)[None, :]
    return build_up(np.asarray([start]), np.asarray([stop]), night, a)[0].tolist()


def test_build_up_and_carry_over_by_hand() -> None:
    quick = agent("tens", onset_nights=0, carry_over_nights=0)
    assert one(quick, 2, 4, 7) == [0, 0, 1, 1, 1, 0, 0]
    slow = agent("tens", onset_nights=3, carry_over_nights=1)
    assert one(slow, 1, 5, 9) == [0, 0.25, 0.5, 0.75, 1, 1, 0.5, 0, 0]
    # What was not reached cannot be carried over.
    assert one(slow, 1, 2, 6) == [0, 0.25, 0.5, 0.25, 0, 0]
    # Begun before the diary.
    assert one(slow, -2, 0, 4) == [0.75, 0.375, 0, 0]
    assert one(slow, -9, -1, 3) == [0.5, 0, 0]


def test_parallel_arms_after_the_run_in() -> None:
    design = StudyDesign(kind="parallel", arms=("tens", "placebo", "quinine"), allocation=(2, 1, 1))
    a = assigned(design, people=401, nights=60)
    counts = Counter(a.arm.tolist())
    for name, share in zip(design.arms, (0.5, 0.25, 0.25), strict=True):
        assert abs(counts[name] - 401 * share) <= 1
    frame = a.frame([f"P{i}" for i in range(401)])
    assert frame["agent"].to_list() == a.arm.tolist()
    assert frame["randomised"].all()
    night = dates(401, 60)
    np.testing.assert_array_equal(a.periods["start"], night[:, 14])
    np.testing.assert_array_equal(a.periods["stop"], night[:, 14 + 27])
    for name, level in a.exposure.items():
        assert not level[:, :14].any()
        assert (level[a.arm == name, 14] > 0).all()
        assert not level[a.arm != name].any()
        assert (level[a.arm == name, 14 + 27] == 1).all()
    assert frame.filter(agent="placebo")["dose"].null_count() == counts["placebo"]
    assert frame.filter(agent="tens").select("dose", "unit").unique().rows() == [(30.0, "min")]


def test_allocation_is_at_random() -> None:
    firsts = [assigned(StudyDesign(kind="parallel"), people=9, nights=42, seed=s).arm[0] for s in range(1500)]
    assert stats.binomtest(firsts.count("magnesium"), len(firsts)).pvalue > RARE
    pairs = [
        tuple(assigned(StudyDesign(kind="parallel"), people=2, nights=42, seed=s).arm.tolist()) for s in range(200)
    ]
    # Two people and two arms: one each.
    assert set(pairs) == {("magnesium", "placebo"), ("placebo", "magnesium")}


@pytest.mark.parametrize("arms", [2, 3, 4, 5, 6])
def test_sequences_are_balanced(arms: int) -> None:
    rows = sequences(arms)
    assert len(rows) == (arms if arms % 2 == 0 else 2 * arms)
    for column in rows.T:
        assert set(Counter(column.tolist()).values()) == {len(rows) // arms}
    followed = Counter(pair for row in rows.tolist() for pair in pairwise(row))
    assert len(followed) == arms * (arms - 1)
    assert len(set(followed.values())) == 1


def test_crossover_with_washout_and_carry_over() -> None:
    design = StudyDesign(
        kind="crossover", arms=("magnesium", "placebo"), run_in_nights=3, period_nights=4, washout_nights=2
    )
    assert nights_needed(design) == 13
    of = agents(magnesium={"onset_nights": 1, "carry_over_nights": 3})
    a = assigned(design, people=100, nights=15, of=of)
    assert Counter(a.arm.tolist()) == {"magnesium-placebo": 50, "placebo-magnesium": 50}
    first = a.exposure["magnesium"][a.arm == "magnesium-placebo"]
    last = a.exposure["magnesium"][a.arm == "placebo-magnesium"]
    assert (first == [0, 0, 0, 0.5, 1, 1, 1, 0.75, 0.5, 0.25, 0, 0, 0, 0, 0]).all()
    assert (last == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0.5, 1, 1, 1, 0.75, 0.5]).all()
    effects = treatment_effects(of, design, 15)["magnesium"]
    assert effects["mean_build_up"] == 3.5 / 4
    # The washout takes two of the three nights; the last of them is the first of the next period.
    assert effects["carried_over"] == 0.25 / 4
    frame = a.frame([f"P{i}" for i in range(100)])
    assert frame.height == 200
    assert frame["stop"].null_count() == 0


def test_n_of_1_has_both_in_each_pair_in_random_order() -> None:
    design = StudyDesign(kind="n-of-1", arms=("quinine", "placebo"), period_nights=28, washout_nights=14, pairs=3)
    people = 500
    a = assigned(design, people=people, nights=nights_needed(design))
    order = (a.periods["agent"].reshape(people, 3, 2) == "quinine").astype(int)
    assert (order.sum(axis=2) == 1).all()
    for pair in range(3):
        assert stats.binomtest(int(order[:, pair, 0].sum()), people).pvalue > RARE
    assert len(np.unique(order[:, :, 0], axis=0)) == 8
    starts = a.periods["start"].reshape(people, 6) - dates(people, 1)
    assert (starts == 14 + 42 * np.arange(6)).all()
    # Of periods that overlap by what is carried over, the strongest counts.
    slow = agents(quinine={"onset_nights": 9, "carry_over_nights": 99})
    back = assigned(replace(design, washout_nights=0), people=people, nights=200, of=slow)
    level = back.exposure["quinine"]
    twice = (back.periods["agent"].reshape(people, 6)[:, 1:3] == "quinine").all(axis=1)
    assert twice.any()
    assert (level[twice, 14 + 56] == 0.99).all()


def test_observation_is_nothing() -> None:
    a = assigned(StudyDesign())
    assert set(a.arm.tolist()) == {"observation"}
    assert a.frame([f"P{i}" for i in range(400)]).height == 0
    effect = log_effect(TABLE, a, persons(400), SCALING)
    assert effect.shape == (400, 200)
    assert not effect.any()
    assert episode_shifts(TABLE, a) == EpisodeShifts()
    assert treatment_effects(TABLE, StudyDesign(), 1) == {}


def test_log_effect_by_hand() -> None:
    design = StudyDesign(kind="parallel", run_in_nights=1, period_nights=3)
    of = agents(
        magnesium={"log_rate_ratio": -0.4, "log_rate_ratio_per_sd": 0.2, "onset_nights": 1, "pain_points": -2.0},
        placebo={"log_rate_ratio": -0.1, "onset_nights": 0, "duration_log": 0.3},
    )
    who = {"serum_magnesium_mmol_l": np.asarray([0.84, 0.84 - 0.07, 0.84 + 0.14, 0.84])}
    a = assigned(design, people=4, nights=4, of=of, who=who)
    x = np.asarray([0, -1, 2, 0])
    for i, arm in enumerate(a.arm.tolist()):
        full = -0.4 + 0.2 * x[i] if arm == "magnesium" else -0.1
        steps = [0, 0.5, 1, 1] if arm == "magnesium" else [0, 1, 1, 1]
        np.testing.assert_allclose(log_effect(of, a, who, SCALING)[i], full * np.asarray(steps))
        shifts = episode_shifts(of, a)
        pain, duration = shifts.pain, shifts.log_relief
        assert pain is not None
        assert duration is not None
        np.testing.assert_allclose(pain[i], (-2.0 if arm == "magnesium" else 0) * np.asarray(steps))
        np.testing.assert_allclose(duration[i], (0.3 if arm == "placebo" else 0) * np.asarray(steps))


@pytest.mark.parametrize("kind", ["open-use", "parallel", "crossover", "n-of-1"])
def test_no_effect_is_no_difference(kind: str) -> None:
    nothing = {"log_rate_ratio": 0.0, "log_rate_ratio_per_sd": 0.0, "pain_points": 0.0, "duration_log": 0.0}
    of = agents(**dict.fromkeys(AGENTS, nothing))
    a = assigned(StudyDesign(kind=kind), nights=300, of=of)  # type: ignore[arg-type]
    assert a.exposure
    assert not log_effect(of, a, persons(400), SCALING).any()
    assert episode_shifts(of, a) == EpisodeShifts()


def test_the_stated_trial_effect_is_that_of_potential_outcomes() -> None:
    """Poisson counts of both arms, at rates that differ between people: the ratio of the means is as told."""
    design = StudyDesign(kind="parallel", arms=("tens", "placebo"))
    of = agents(tens={"log_rate_ratio": -0.7, "onset_nights": 10}, placebo={"log_rate_ratio": -0.2})
    people = 20_000
    a = assigned(design, people=people, nights=42, of=of)
    rng = np.random.default_rng(8)
    rate = rng.gamma(2.0, 0.5, (people, 1)) * np.exp(log_effect(of, a, persons(people), SCALING))
    total = rng.poisson(rate)[:, 14:].sum(axis=1)
    treated, control = (total[a.arm == name] for name in ("tens", "placebo"))
    error = math.sqrt(sum(x.var() / len(x) / x.mean() ** 2 for x in (treated, control)))
    told = treatment_effects(of, design, 42)["tens"]
    assert abs(math.log(treated.mean() / control.mean()) - told["log_rate_ratio_over_period"]) < Z * error
    assert error < 0.02
    by_hand = np.exp(-0.7 * np.minimum(np.arange(1, 29) / 11, 1)).mean() / np.exp(-0.2)
    assert told["log_rate_ratio_over_period"] == pytest.approx(math.log(by_hand))
    assert told["log_rate_ratio_against"] == pytest.approx(-0.5)
    assert json.loads(json.dumps(told, allow_nan=False)) == told


@pytest.mark.parametrize(("indication", "per_sd"), [(0.0, 0.0), (0.8, 0.0), (0.5, -1.0), (-0.5, 0.7)])
def test_open_use_follows_rate_and_level_as_stated(indication: float, per_sd: float) -> None:
    people = 20_000
    rate = np.log(np.random.default_rng(4).gamma(1.0, 1.0, people))
    who = persons(people)
    of = agents(magnesium={"share_using": 0.2, "log_odds_per_sd": per_sd})
    a = assigned(StudyDesign(kind="open-use", indication=indication), people, 60, of=of, log_rate=rate, who=who)
    user = np.zeros(people)
    user[a.periods["row"][a.periods["agent"] == "magnesium"]] = 1
    x = np.column_stack([np.ones(people), rate, (who["serum_magnesium_mmol_l"] - 0.84) / 0.07])
    fitted = sm.Logit(user, x).fit(disp=False)
    assert (np.abs(fitted.params - [math.log(0.2 / 0.8), indication, per_sd]) < Z * fitted.bse).all()
    assert not a.periods["randomised"].any()
    assert set(a.arm.tolist()) == {"observation"}


def test_indication_raises_the_rate_of_users() -> None:
    people = 5000
    rate = np.log(np.random.default_rng(4).gamma(1.0, 1.0, people))
    for indication, sign in ((1.0, 1), (-1.0, -1)):
        a = assigned(StudyDesign(kind="open-use", indication=indication), people, 60, log_rate=rate)
        user = np.isin(np.arange(people), a.periods["row"])
        gap = rate[user].mean() - rate[~user].mean()
        assert sign * gap > 0.5
    # Even a person of no cramps at all can be asked.
    assigned(StudyDesign(kind="open-use", indication=0.0), people, 60, log_rate=np.full(people, -np.inf))


def test_open_use_in_time() -> None:
    people, nights = 20_000, 100
    design = StudyDesign(kind="open-use", indication=0, already_using=0.3, use_nights=40.0)
    of = agents(**{name: {"share_using": 0.0} for name in AGENTS if name != "tens"}, tens={"share_using": 0.5})
    a = assigned(design, people, nights, of=of)
    row = a.periods["row"]
    assert stats.binomtest(len(row), people, 0.5).pvalue > RARE
    night = dates(people, nights)
    begun = a.periods["start"] - night[row, 0]
    early = begun < 0
    assert stats.binomtest(int(early.sum()), len(row), 0.3).pvalue > RARE
    assert stats.kstest(begun[~early] + 0.5, stats.uniform(0, nights).cdf).statistic < 0.5 / nights + 0.02
    goes_on = a.periods["stop"] == GOES_ON
    ended = a.periods["stop"][~goes_on]
    assert (ended <= night[row, -1][~goes_on]).all()
    assert (ended >= night[row, 0][~goes_on]).all()
    # Of uses that go on at the first night, those that outlast the diary: no memory.
    share = float((1 - 1 / 40) ** nights)
    assert stats.binomtest(int((goes_on & early).sum()), int(early.sum()), share).pvalue > RARE
    mean = -begun[early].mean()
    assert abs(mean - 40) < Z * math.sqrt(40 * 39 / early.sum())
    level = a.exposure["tens"]
    assert not level[np.setdiff1d(np.arange(people), row)].any()
    assert (level[row[goes_on], -1] > 0).all()
    frame = a.frame([f"P{i}" for i in range(people)])
    assert frame["stop"].null_count() == goes_on.sum()


def test_one_agent_leaves_the_others() -> None:
    """Each agent has a generator of its own."""
    design = StudyDesign(kind="open-use")
    more = assigned(design, of=agents(calcium={"share_using": 0.9}))
    plain = assigned(design)
    for name in set(plain.exposure) - {"calcium"}:
        np.testing.assert_array_equal(plain.exposure[name], more.exposure[name])
    np.testing.assert_array_equal(plain.exposure["tens"], assigned(design, of=tuple(reversed(TABLE))).exposure["tens"])


NIGHTS = st.integers(0, 20)
TRIALS = st.sampled_from(["parallel", "crossover", "n-of-1", "open-use", "observation"])


@settings(max_examples=80)
@given(
    kind=TRIALS,
    run_in=NIGHTS,
    period=st.integers(1, 20),
    washout=NIGHTS,
    pairs=st.integers(1, 4),
    follow_up=NIGHTS,
    onset=NIGHTS,
    carry_over=NIGHTS,
    people=st.integers(1, 12),
    seed=st.integers(0, 2**32),
)
def test_periods_and_exposures_keep_their_order(
    kind: Any,
    run_in: int,
    period: int,
    washout: int,
    pairs: int,
    follow_up: int,
    onset: int,
    carry_over: int,
    people: int,
    seed: int,
) -> None:
    design = StudyDesign(kind, run_in_nights=run_in, period_nights=period, washout_nights=washout, pairs=pairs)
    of = agents(**{name: {"onset_nights": onset, "carry_over_nights": carry_over} for name in AGENTS})
    nights = nights_needed(design) + follow_up
    a = assigned(design, people, nights, seed, of)
    frame = a.frame([f"P{i}" for i in range(people)])
    night = dates(people, nights)
    row, start, stop = (a.periods[name] for name in ("row", "start", "stop"))
    assert (np.diff(row) >= 0).all()
    assert (np.diff(start)[np.diff(row) == 0] >= 0).all()
    assert ((stop >= start) | (stop == GOES_ON)).all()
    assert (start <= night[row, -1]).all()
    assert frame.select(pl.struct("participant_id", "start", "agent").is_duplicated().any()).item() is False
    for name, level in a.exposure.items():
        assert level.min() >= 0
        assert level.max() <= 1
        for i in range(people):
            own = (row == i) & (a.periods["agent"] == name)
            inside = np.zeros(nights, dtype=bool)
            for first, last in zip(start[own], stop[own], strict=True):
                inside |= (night[i] >= first) & ((night[i] <= last) | (last == GOES_ON))
            assert (level[i][inside] > 0).all()
            # Outside of its periods an effect never grows.
            falls = np.diff(level[i])[~inside[1:]] <= 0
            assert falls.all()
    if kind in ("parallel", "crossover", "n-of-1"):
        assert len(row) == people * len(period_starts(design))
        assert not any(level[:, :run_in].any() for level in a.exposure.values())
        with pytest.raises(ParameterError, match=f"at least {nights_needed(design)} nights"):
            assigned(design, people, nights_needed(design) - 1, seed, of)


def test_cleaning_accepts_every_row(tmp_path: Path) -> None:
    people, nights = 300, 266
    names, night = [f"P{i:03d}" for i in range(people)], dates(people, nights)
    rate = np.full(people, 2.0)
    diary = pl.DataFrame(
        {
            "participant_id": np.repeat(names, nights).tolist(),
            "date": night.ravel().astype("datetime64[D]"),
            "entry_made": [True] * night.size,
            "cramps": np.zeros(night.size, dtype=np.int64),
        }
    )
    for kind in ("open-use", "crossover", "n-of-1", "observation"):
        a = assigned(StudyDesign(kind=kind), people, nights, log_rate=rate)  # type: ignore[arg-type]
        tables = {
            "participants": pl.DataFrame(
                {"participant_id": names, "age_years": [60.0] * people, "sex": ["male"] * people, "arm": a.arm.tolist()}
            ),
            "diary": diary,
            "treatments": a.frame(names),
        }
        cohort = Cohort(kind, "diary", tables, synthetic=True)
        package.write(cohort, tmp_path / kind, "csv")
        loaded = load(tmp_path / kind)
        assert loaded.ledger.height == 0, loaded.ledger
        assert loaded.cohort.digest == cohort.digest
        assert tables["treatments"].columns == [v.name for v in codebook.variables("treatments")]


def test_defaults_are_the_published_results_or_said_to_be_assumptions(shared: Path) -> None:
    with (shared / "evidence" / "trials.csv").open(encoding="utf-8") as lines:
        trials = {row["study"]: row for row in csv.DictReader(lines)}
    own = {a.column: a for a in TABLE}
    source = {
        "magnesium": "Cochrane Mg (Garrison) POOLED idiopathic",
        "vitamin_k2": "Tan",
        "quinine": "Cochrane quinine (El-Tawil) POOLED",
    }
    for name, a in own.items():
        assert (a.basis == "published result") == (name in source), name
        assert a.note
    for name, study in source.items():
        assert trials[study]["verified"] == "yes"
        assert trials[study]["doi"] == own[name].id_or_doi
    tan, quinine = trials["Tan"], trials[source["quinine"]]
    assert own["vitamin_k2"].log_rate_ratio == pytest.approx(
        math.log(float(tan["mean_t"]) / float(tan["mean_c"])), abs=5e-4
    )
    before = float(quinine["mean_c"])
    assert own["quinine"].log_rate_ratio == pytest.approx(
        math.log((before + float(quinine["effect"])) / before), abs=5e-4
    )
    magnesium = trials[source["magnesium"]]
    assert float(magnesium["ci_low"]) < 0 < float(magnesium["ci_high"])
    assert own["magnesium"].log_rate_ratio == own["placebo"].log_rate_ratio == 0
    assert set(own) == set(AGENTS) - {"other"}


@pytest.mark.parametrize(
    ("design", "told"),
    [
        (StudyDesign(kind="parallel", arms=("garlic", "placebo")), "no agent 'garlic'; allowed: magnesium"),
        (StudyDesign(kind="crossover", arms=("placebo", "placebo")), "each once"),
        (StudyDesign(kind="crossover", arms=("placebo",)), "two agents or more"),
        (StudyDesign(kind="n-of-1", arms=("placebo", "tens", "quinine")), "has 3 agents; allowed in n-of-1: two"),
        (StudyDesign(kind="parallel", allocation=(1.0,)), "has 1 shares; allowed: one per arm"),
    ],
)
def test_arms_that_do_not_fit_are_refused(design: StudyDesign, told: str) -> None:
    with pytest.raises(ParameterError, match=told):
        check_design(design, TABLE)
    with pytest.raises(ParameterError, match=told):
        treatment_effects(TABLE, design, 1000)


def test_agents_that_do_not_fit_are_refused() -> None:
    check_agents(TABLE, list(SCALING))
    with pytest.raises(ParameterError, match="tens stands twice"):
        check_agents((*TABLE, agent("tens")), list(SCALING))
    with pytest.raises(ParameterError, match="no modifier serum_calcium_mmol_l; allowed: age_years"):
        check_agents((agent("calcium"),), ["age_years"])
    with pytest.raises(ParameterError, match="effect per SD and no modifier"):
        check_agents((agent("tens", log_rate_ratio_per_sd=0.1),), list(SCALING))
    with pytest.raises(ParameterError, match="'garlic'; allowed: 'magnesium'"):
        agent("tens", column="garlic")
    check("design", StudyDesign())
    with pytest.raises(ParameterError, match=r"design.kind is 'cohort'; allowed: 'observation', 'open-use'"):
        check("design", StudyDesign(kind="cohort"))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"design.period_nights is 0"):
        check("design", StudyDesign(period_nights=0))


def test_trials_have_the_days_of_enrolment_and_randomisation() -> None:
    """The first randomised night is that of the first period, and nobody is let in after being allocated."""
    trial = simulate(20, 42, 3, preset("magnesium-trial").truth, Mess.none())
    people = trial.frame("participants").join(
        trial.frame("diary").group_by("participant_id").agg(first=pl.col("date").min()), on="participant_id"
    )
    starts = trial.frame("treatments").select("participant_id", "start")
    joined = people.join(starts, on="participant_id")
    assert joined.height == 20 and (joined["randomised_on"] == joined["start"]).all()
    assert ((people["randomised_on"] - people["first"]).dt.total_days() == 14).all()
    assert (people["enrolled_on"] == people["randomised_on"]).all()
    let_in = simulate(9, 20, 3, preset("recruited").truth).frame("participants")
    assert let_in["enrolled_on"].null_count() == 0 and "randomised_on" not in let_in.columns
    openly = simulate(9, 20, 3, preset("default").truth).frame("participants")
    assert not {"enrolled_on", "randomised_on"} & {*openly.columns}
