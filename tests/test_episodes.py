"""Single cramps: their shares and means are what the parameters say, and every row keeps the codebook."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr

from crampstudy import codebook
from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate.draw import episodes as module
from crampstudy.simulate.draw.episodes import DrawnEpisodes, draw_episodes
from crampstudy.simulate.draw.exposures import EpisodeShifts
from crampstudy.simulate.estimands.episodes import implied_by_episodes
from crampstudy.simulate.truth.episodes import Episodes, check_episodes
from crampstudy.simulate.truth.parameters import check
from crampstudy.simulate.truth.tables.rows import Remedy, read_table
from crampstudy.sources import load
from crampstudy.sources.readers import package

REMEDIES = read_table(Remedy, "remedies.csv")
FIRST = (date(2024, 1, 8) - date(1970, 1, 1)).days
LEVELS = {name: codebook.variable(name, "episodes").levels for name in ("remedy", "site", "side")}
# Two-sided chance of a false alarm of one comparison.
RARE = 1e-4
Z = float(stats.norm.isf(RARE / 2))


def drawn(
    parameters: Episodes | None = None,
    remedies: tuple[Remedy, ...] = REMEDIES,
    people: int = 4000,
    nights: int = 10,
    each: int = 1,
    seed: int = 5,
    **treated: Any,
) -> DrawnEpisodes:
    """Cramps of people of whom each has the same number, so that their means are independent and alike."""
    cramps = np.full((people, nights), each)
    sex = np.where(np.arange(people) % 2 == 0, "female", "male")
    rng = np.random.default_rng(seed)
    return draw_episodes(
        parameters or Episodes(), remedies, {"sex": sex}, dates(people, nights), cramps, rng, **treated
    )


def dates(people: int, nights: int) -> np.ndarray:
    return FIRST + np.arange(people)[:, None] % 5 + np.arange(nights)


def code(column: str, level: str) -> int:
    return LEVELS[column].index(level)


def agrees(values: np.ndarray, people: int, truth: float, slack: float = 0.0) -> None:
    """Hold the mean of the persons' means against the truth."""
    own = values.astype(float).reshape(people, -1).mean(axis=1)
    error = own.std(ddof=1) / math.sqrt(people)
    assert abs(own.mean() - truth) <= Z * error + slack, (own.mean(), truth, error)


def with_remedies(**changes: Mapping[str, float]) -> tuple[Remedy, ...]:
    return tuple(replace(r, **changes.get(r.column, {})) for r in REMEDIES)  # type: ignore[arg-type]


NO_REMEDY_HELPS = tuple(replace(r, log_hazard_ratio=0.0, pain_points=0.0, soreness_log_odds=0.0) for r in REMEDIES)
ALIKE = Episodes(
    duration_log_sd_between=0, pain_sd_between=0, remedy_concentration=1e6, site_concentration=1e6, longest_s=86400
)
"""People who differ in nothing."""


def test_shares_and_means_are_the_implied_ones() -> None:
    parameters = Episodes(longest_s=86400)
    columns, truth = drawn(parameters).columns, implied_by_episodes(parameters, REMEDIES)
    n, asleep = len(columns["row"]), columns["woke"].sum()
    assert stats.binomtest(int(asleep), n, truth["woke_share"]).pvalue > RARE
    rest = parameters.night_share + (1 - parameters.night_share) * parameters.at_rest_awake
    assert stats.binomtest(int(columns["at_rest"].sum()), n, rest).pvalue > RARE
    assert stats.binomtest(int((columns["side"] == code("side", "both")).sum()), n, 0.06).pvalue > RARE
    agrees(columns["side"] == code("side", "left"), 4000, 0.47)
    for sex, first in (("female", 0), ("male", 1)):
        sites = columns["site"].reshape(4000, -1)[first::2]
        for level, share in truth["site_shares"][sex].items():
            agrees(sites == code("site", level), 2000, share)
    for level, share in truth["remedy_shares"].items():
        agrees(columns["remedy"] == code("remedy", level), 4000, share)
    agrees(columns["pain_0_10"], 4000, truth["mean_pain"])
    # Whole seconds and a least of one second move a mean by less than a tenth of one.
    agrees(columns["duration_s"], 4000, truth["mean_duration_s"], slack=0.1)
    delay = columns["duration_s"] - columns["relief_s"]
    agrees(delay, 4000, parameters.delay_mean_s, slack=0.02)
    assert np.log(delay).std() == pytest.approx(parameters.delay_log_sd, abs=0.01)


@pytest.mark.parametrize("level", LEVELS["remedy"])
def test_mean_time_to_relief_of_each_remedy(level: str) -> None:
    parameters = Episodes(longest_s=86400)
    only = tuple(replace(r, share=float(r.column == level)) for r in REMEDIES)
    columns = drawn(parameters, only, people=2000).columns
    assert (columns["remedy"] == code("remedy", level)).all()
    agrees(columns["relief_s"], 2000, implied_by_episodes(parameters, only)["mean_relief_s"][level], slack=0.1)


def test_more_foot_cramps_in_women_by_the_odds_ratio_and_none_at_zero() -> None:
    shares = implied_by_episodes(Episodes(), REMEDIES)["site_shares"]
    odds = {sex: s["foot"] / s["calf"] for sex, s in shares.items()}
    assert math.log(odds["female"] / odds["male"]) == pytest.approx(Episodes().foot_log_odds_female)
    assert json.loads(json.dumps(implied_by_episodes(Episodes(), REMEDIES), allow_nan=False)) == implied_by_episodes(
        Episodes(), REMEDIES
    )
    same = implied_by_episodes(Episodes(foot_log_odds_female=0), REMEDIES)["site_shares"]
    assert same["female"] == same["male"] == pytest.approx({"calf": 0.8, "foot": 0.15, "thigh": 0.05})


def test_onset_follows_the_clock() -> None:
    columns = drawn().columns
    minutes = (columns["onset"] - columns["onset"].astype("datetime64[D]")) / np.timedelta64(1, "h")
    asleep = columns["woke"]
    agrees_hour = minutes[asleep]
    # The minute is the one that has begun: half a minute early on average.
    hours = np.where(agrees_hour < 12, agrees_hour, agrees_hour - 24) + 1 / 120
    assert abs(hours.mean() - 3.5) < Z * 1.7 / math.sqrt(len(hours))
    assert hours.std() == pytest.approx(1.7, rel=0.03)
    # The published peak is from 1 to 6 in the morning.
    assert np.mean((hours > 1) & (hours < 6)) > 0.8


@pytest.mark.parametrize("log_hazard_ratio", [-1.0, 0.0, 0.5, 2.0])
def test_the_hazard_of_relief_is_multiplied(log_hazard_ratio: float) -> None:
    only = with_remedies(none={"share": 0.0}, stretch={"share": 1.0, "log_hazard_ratio": log_hazard_ratio})
    only = tuple(r if r.column in ("none", "stretch") else replace(r, share=0.0) for r in only)
    relief = drawn(ALIKE, only, people=2000).columns["relief_s"]
    mean, sd = ALIKE.duration_mean_s - ALIKE.delay_mean_s, ALIKE.duration_log_sd_within
    # Spread over its second again, a rounded time follows the law of the exact one.
    exact = relief + np.random.default_rng(1).random(len(relief)) - 0.5
    survival = ndtr(-(np.log(exact) - math.log(mean) + sd**2 / 2) / sd) ** math.exp(log_hazard_ratio)
    assert stats.kstest(survival, "uniform").pvalue > RARE


def test_cox_regression_recovers_the_hazard_ratios() -> None:
    columns = drawn(ALIKE, people=3000, nights=5).columns
    dummies = np.column_stack([columns["remedy"] == code("remedy", r.column) for r in REMEDIES[1:]]).astype(float)
    fitted = sm.PHReg(columns["relief_s"].astype(float), dummies, ties="efron").fit()
    truth = np.asarray([r.log_hazard_ratio for r in REMEDIES[1:]])
    assert (np.abs(fitted.params - truth) < Z * fitted.bse).all()
    assert fitted.bse[0] < 0.03


def test_without_effects_remedies_change_nothing() -> None:
    """The same cramps under other habits: whatever is used, nothing but the remedy itself differs."""
    others = tuple(
        replace(r, share=share) for r, share in zip(NO_REMEDY_HELPS, (0, 0.1, 0.2, 0.3, 0.1, 0.2, 0.1), strict=True)
    )
    one, other = drawn(remedies=NO_REMEDY_HELPS, people=300).columns, drawn(remedies=others, people=300).columns
    assert (one["remedy"] != other["remedy"]).any()
    for name in set(one) - {"remedy"}:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_remedies_shift_pain_and_soreness_of_the_same_cramps() -> None:
    helped = tuple(replace(r, pain_points=-2.0 if r.column == "stretch" else 0.0) for r in NO_REMEDY_HELPS)
    before, after = drawn(remedies=NO_REMEDY_HELPS, people=500).columns, drawn(remedies=helped, people=500).columns
    used = before["remedy"] == code("remedy", "stretch")
    lost = before["pain_after_0_10"].astype(int) - after["pain_after_0_10"]
    assert (lost[~used] == 0).all()
    assert lost[used].min() >= 0
    full = used & (after["pain_after_0_10"] > 0) & (before["pain_after_0_10"] < before["pain_0_10"])
    assert (lost[full] == 2).all()
    assert full.sum() > 500
    sore = tuple(replace(r, soreness_log_odds=-1.0 if r.column == "stretch" else 0.0) for r in NO_REMEDY_HELPS)
    flat = Episodes(soreness_per_log_duration=0, soreness_share=0.4)
    columns = drawn(flat, sore).columns
    used = columns["remedy"] == code("remedy", "stretch")
    odds = 0.4 / 0.6
    for group, chance in ((~used, 0.4), (used, odds * math.exp(-1) / (1 + odds * math.exp(-1)))):
        hits = int(columns["residual_soreness"][group].sum())
        assert stats.binomtest(hits, int(group.sum()), chance).pvalue > RARE


def test_persons_differ_as_much_as_stated_and_long_cramps_hurt_more() -> None:
    parameters = Episodes(pain_mean=5, pain_sd_between=0.8, pain_sd_within=1.0, longest_s=86400, delay_mean_s=0)
    columns = drawn(parameters, NO_REMEDY_HELPS, people=6000, nights=8).columns
    log = np.log(columns["duration_s"]).reshape(6000, 8)
    within = log.var(axis=1, ddof=1).mean()
    between = log.mean(axis=1).var(ddof=1) - within / 8
    assert math.sqrt(within) == pytest.approx(0.6, rel=0.02)
    assert math.sqrt(between) == pytest.approx(0.7, rel=0.04)
    pain = columns["pain_0_10"].reshape(6000, 8).astype(float)
    # Rounding adds a twelfth to the variance within a person.
    assert pain.var(axis=1, ddof=1).mean() == pytest.approx(1 + 1 / 12, rel=0.03)
    residual = [x - x.mean(axis=1, keepdims=True) for x in (log, pain)]
    assert np.corrcoef(*(r.ravel() for r in residual))[0, 1] == pytest.approx(0.3 / math.sqrt(1 + 1 / 12), abs=0.025)
    assert np.corrcoef(log.mean(axis=1), pain.mean(axis=1))[0, 1] == pytest.approx(0.3, abs=0.06)


@pytest.mark.parametrize("slope", [0.0, 0.4])
def test_remedies_follow_pain_as_stated(slope: float) -> None:
    columns = drawn(replace(ALIKE, remedy_per_pain_point=slope)).columns
    x = sm.add_constant(columns["pain_0_10"].astype(float) - ALIKE.pain_mean)
    any_remedy = columns["remedy"] != code("remedy", "none")
    fitted = sm.Logit(any_remedy.astype(float), x).fit(disp=False)
    assert (np.abs(fitted.params - [math.log(0.75 / 0.25), slope]) < Z * fitted.bse).all()
    # Among those who use something, what it is does not follow pain.
    chosen = columns["remedy"][any_remedy] == code("remedy", "stretch")
    assert stats.binomtest(int(chosen.sum()), len(chosen), 0.45 / 0.75).pvalue > RARE


def test_treatments_shift_pain_and_time_to_relief() -> None:
    size = (500, 10)
    plain = drawn(remedies=NO_REMEDY_HELPS, people=500).columns
    night = np.zeros(size)
    night[:, 5:] = 1.0
    treated = drawn(
        remedies=NO_REMEDY_HELPS, people=500, treated=EpisodeShifts(-3.0 * night, math.log(0.5) * night)
    ).columns
    on = plain["night"] >= 5
    for name in ("pain_0_10", "relief_s", "onset", "remedy"):
        np.testing.assert_array_equal(plain[name][~on], treated[name][~on], err_msg=name)
    fell = plain["pain_0_10"][on].astype(int) - treated["pain_0_10"][on]
    room = (treated["pain_0_10"][on] > 0) & (plain["pain_0_10"][on] < 10)
    assert (fell[room] == 3).all()
    uncut = plain["duration_s"] < Episodes().longest_s
    gap = plain["relief_s"][on & uncut] / 2 - treated["relief_s"][on & uncut]
    assert np.abs(gap).max() <= 0.75


def test_chunks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = drawn(people=60, each=2)
    monkeypatch.setattr(module, "CHUNK", 50)
    assert len(list(module._chunks(np.full((60, 10), 2)))) > 10
    chunked = drawn(people=60, each=2)
    for name, values in whole.columns.items():
        np.testing.assert_array_equal(values, chunked.columns[name], err_msg=name)
        assert values.dtype == chunked.columns[name].dtype
    np.testing.assert_array_equal(whole.woken, chunked.woken)


def test_other_parameters_of_one_column_leave_the_others() -> None:
    one = drawn(people=200).columns
    other = drawn(Episodes(pain_drop=1.0, soreness_share=0.9, distress_mean=2.0, both_share=0.5), people=200).columns
    changed = {name for name in one if (one[name] != other[name]).any()}
    assert changed == {"pain_after_0_10", "residual_soreness", "distress_0_10", "side"}


COUNTS = st.lists(st.lists(st.sampled_from([0, 0, 1, 2, 7, 200]), min_size=3, max_size=3), min_size=1, max_size=5)
CLOCKS = st.sampled_from(
    [
        Episodes(),
        Episodes(peak_hour=11.98, spread_hours=0),
        Episodes(awake_hour=12.0),
        Episodes(duration_mean_s=21, duration_log_sd_within=2),
    ]
)


@settings(max_examples=60)
@given(counts=COUNTS, parameters=CLOCKS, seed=st.integers(0, 2**32), tilt=st.sampled_from([0.0, 1.5]))
def test_every_night_keeps_its_order(counts: list[list[int]], parameters: Episodes, seed: int, tilt: float) -> None:
    cramps = np.asarray(counts)
    people = {"sex": np.full(len(cramps), "female")}
    parameters = replace(parameters, remedy_per_pain_point=tilt)
    night = dates(*cramps.shape)
    result = draw_episodes(parameters, REMEDIES, people, night, cramps, np.random.default_rng(seed))
    columns = result.columns
    place = columns["row"].astype(int) * 3 + columns["night"]
    np.testing.assert_array_equal(np.bincount(place, minlength=cramps.size), cramps.ravel())
    assert (np.diff(place) >= 0).all()
    np.testing.assert_array_equal(columns["date"], night[columns["row"], columns["night"]])
    same = np.diff(place) == 0
    assert (np.diff(columns["episode"].astype(int))[same] == 1).all()
    np.testing.assert_array_equal(
        np.bincount(place[columns["episode"] == 1], minlength=cramps.size), cramps.ravel() > 0
    )
    assert (np.diff(columns["onset"])[same] > np.timedelta64(0)).all()
    noon = (columns["date"] * 24 + 12).astype("datetime64[h]")
    assert ((columns["onset"] >= noon) & (columns["onset"] < noon + np.timedelta64(24, "h"))).all()
    assert (columns["relief_s"] >= 1).all()
    assert (columns["relief_s"] <= columns["duration_s"]).all()
    assert (columns["duration_s"] <= parameters.longest_s).all()
    assert (columns["pain_after_0_10"] <= columns["pain_0_10"]).all()
    assert (columns["at_rest"] | ~columns["woke"]).all()
    assert result.woken.sum() == columns["woke"].sum()
    assert (result.woken <= cramps).all()


def test_no_cramp_is_no_row() -> None:
    result = drawn(each=0, people=3)
    frame = result.frame(["a", "b", "c"])
    assert frame.height == 0
    assert frame.columns == [v.name for v in codebook.variables("episodes")]
    assert not result.woken.any()


def test_cleaning_accepts_every_row(tmp_path: Path) -> None:
    people, nights = 120, 30
    rng = np.random.default_rng(3)
    cramps = rng.poisson(0.4, (people, nights))
    cramps[0, 0] = 200
    night, names = dates(people, nights), [f"P{i:03d}" for i in range(people)]
    sex = np.where(rng.random(people) < 0.5, "female", "male")
    result = draw_episodes(Episodes(), REMEDIES, {"sex": sex}, night, cramps, rng)
    frame = result.frame(names)
    tables = {
        "participants": pl.DataFrame({"participant_id": names, "sex": sex.tolist(), "age_years": [60.0] * people}),
        "diary": pl.DataFrame(
            {
                "participant_id": np.repeat(names, nights).tolist(),
                "date": night.ravel().astype("datetime64[D]"),
                "entry_made": [True] * night.size,
                "cramps": cramps.ravel(),
            }
        ),
        "episodes": frame,
    }
    cohort = Cohort("episodes", "diary", tables, synthetic=True)
    package.write(cohort, tmp_path / "cohort", "csv")
    loaded = load(tmp_path / "cohort")
    # A night of 200 cramps among nights of a few is kept, and asked about.
    assert loaded.ledger["rule"].to_list() == ["far-count"]
    assert loaded.cohort.digest == cohort.digest
    assert frame.height == cramps.sum()
    assert frame.null_count().sum_horizontal().item() == 0
    assert set(frame["remedy"]) == set(LEVELS["remedy"])


def test_defaults_keep_the_published_figures(shared: Path) -> None:
    with (shared / "evidence" / "epidemiology.csv").open(encoding="utf-8") as lines:
        facts = {row["id"]: row for row in csv.DictReader(lines)}
    truth, parameters = implied_by_episodes(Episodes(), REMEDIES), Episodes()
    assert facts["A24"]["value"] == "9 min"
    assert truth["mean_duration_s"] == pytest.approx(9 * 60, abs=1)
    low, high = (float(x) for x in facts["A24"]["ci_or_spread"].split(" ")[0].split("-"))
    between = (high - low) / (2 * stats.norm.isf(0.025)) * math.sqrt(86) * 60
    log_variance = parameters.duration_log_sd_between**2 + parameters.duration_log_sd_within**2
    assert truth["mean_duration_s"] * math.sqrt(math.expm1(log_variance)) == pytest.approx(between, rel=0.05)
    assert facts["A29"]["value"] == "80%"
    assert np.mean([s["calf"] for s in truth["site_shares"].values()]) == pytest.approx(0.80, abs=0.002)
    assert (facts["A26"]["value"], facts["A27"]["value"]) == ("66/100 mm VAS", "mean 5.6")
    assert 5.6 < truth["mean_pain"] < 6.6
    assert (facts["A04"]["value"], facts["A03"]["value"]) == ("31%", "46%")
    assert truth["woke_share"] == pytest.approx(0.31 / 0.46, abs=0.005)
    assert parameters.night_share == 0.73
    assert facts["A32"]["value"].startswith("73% (Naylor)")


def test_distress_keeps_the_published_share(shared: Path) -> None:
    with (shared / "evidence" / "epidemiology.csv").open(encoding="utf-8") as lines:
        told = next(row["value"] for row in csv.DictReader(lines) if row["id"] == "A28")
    very = drawn().columns["distress_0_10"] >= 8
    # A judgement about a scale, not a fit: within 3 percentage points.
    assert very.mean() == pytest.approx(float(told.removesuffix("%")) / 100, abs=0.03)


@pytest.mark.parametrize(
    ("parameters", "remedies", "told"),
    [
        (Episodes(), REMEDIES[1:], "one each"),
        (Episodes(), with_remedies(heat={"share": 0.5}), "sum to 1.42"),
        (Episodes(calf_share=0.9, thigh_share=0.2), REMEDIES, "sum to 1.1"),
        (Episodes(duration_mean_s=15), REMEDIES, "more than delay_mean_s, 20"),
    ],
)
def test_parameters_that_do_not_fit_each_other_are_refused(
    parameters: Episodes, remedies: tuple[Remedy, ...], told: str
) -> None:
    check_episodes(Episodes(), REMEDIES)
    with pytest.raises(ParameterError, match=told):
        check_episodes(parameters, remedies)


def test_limits_are_kept() -> None:
    check("episodes", Episodes())
    with pytest.raises(ParameterError, match=r"episodes.night_share is 1.2"):
        check("episodes", Episodes(night_share=1.2))
    with pytest.raises(ParameterError, match="'tea'; allowed: 'none', 'stretch'"):
        replace(REMEDIES[0], column="tea")
