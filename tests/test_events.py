"""Kaplan-Meier and Cox: by hand, against the plain formulas, on known truths, and where there is no answer."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from crampstudy.errors import AnalysisError
from crampstudy.models.inference.covariance import covariance
from crampstudy.models.times.cox import NO_EVENT, SEPARATED, Times, cox, proportionality
from crampstudy.models.times.kaplan_meier import kaplan_meier, restricted_mean
from crampstudy.models.times.risk_sets import RiskSets

Floats = NDArray[np.float64]
SIX = np.array([2.0, 3.0, 3.0, 5.0, 7.0, 8.0])
SEEN = np.array([True, True, False, True, False, True])
ONES = np.arange(6)


def test_six_episodes_by_hand() -> None:
    # At 2: 5/6 left. At 3: one of 5, 4/6. At 5: one of 3, 4/9. At 8: the last one.
    curve = kaplan_meier(SIX, SEEN, ONES, kind="model")
    assert curve.time.tolist() == [2, 3, 5, 8]
    assert curve.at_risk.tolist() == [6, 5, 3, 1]
    assert curve.events.tolist() == [1, 1, 1, 1]
    assert curve.survival == pytest.approx([5 / 6, 2 / 3, 4 / 9, 0])
    greenwood = [1 / 30, 1 / 30 + 1 / 20, 1 / 30 + 1 / 20 + 1 / 6]
    assert curve.std_error[:3] == pytest.approx(np.sqrt(greenwood))
    assert math.isnan(curve.std_error[3])
    half = 1.959963984540054 * math.sqrt(1 / 30) / math.log(6 / 5)
    low, high = curve.interval(0.95)
    assert (low[0], high[0]) == pytest.approx(((5 / 6) ** math.exp(half), (5 / 6) ** math.exp(-half)))
    assert curve.median(0.95)[0] == 5
    # 2 x 1 + 1 x 5/6 + 2 x 2/3 + 1 x 4/9 up to 6
    mean = restricted_mean(6, SIX, SEEN, ONES, kind="model")
    assert mean.estimate == pytest.approx(2 + 5 / 6 + 4 / 3 + 4 / 9)
    areas = np.array([5 / 6 + 4 / 3 + 4 / 9, 4 / 3 + 4 / 9, 4 / 9])
    assert mean.std_error == pytest.approx(math.sqrt(areas**2 @ [1 / 30, 1 / 20, 1 / 6]))


def test_single_episodes_as_clusters_are_nearly_greenwood() -> None:
    rng = np.random.default_rng(1)
    stop, event = np.ceil(rng.exponential(50, 4000)), rng.random(4000) < 0.7
    made = stop, event, np.arange(4000)
    robust, model = kaplan_meier(*made, kind="cluster-hc0"), kaplan_meier(*made, kind="model")
    # Without censoring both are the binomial variance; with it they differ by little.
    inside = robust.at_risk > 100
    assert robust.std_error[inside] == pytest.approx(model.std_error[inside], rel=0.03)
    whole = stop, np.ones(4000, dtype=bool), np.arange(4000)
    robust, model = kaplan_meier(*whole, kind="cluster-hc0"), kaplan_meier(*whole, kind="model")
    assert robust.std_error[:-1] == pytest.approx(model.std_error[:-1], rel=1e-9)


def test_doubled_episodes_double_nothing_of_a_cluster_variance() -> None:
    twice = np.repeat(SIX, 2), np.repeat(SEEN, 2), np.repeat(ONES, 2)
    once = kaplan_meier(SIX, SEEN, ONES)
    assert kaplan_meier(*twice).std_error[:3] == pytest.approx(once.std_error[:3])
    assert kaplan_meier(*twice).df == 5
    model = kaplan_meier(*twice, kind="model").std_error[:3]
    assert model == pytest.approx(kaplan_meier(SIX, SEEN, ONES, kind="model").std_error[:3] / math.sqrt(2))
    means = restricted_mean(6, *twice), restricted_mean(6, SIX, SEEN, ONES)
    assert means[0].std_error == pytest.approx(means[1].std_error)


def test_delayed_entry_counts_only_those_who_are_there() -> None:
    start = np.array([0.0, 0.0, 0.0, 2.5, 2.5, 4.0])
    curve = kaplan_meier(SIX, SEEN, ONES, start)
    assert curve.at_risk.tolist() == [3, 4, 3, 1]


def test_a_curve_that_stands_at_one_half_takes_the_middle() -> None:
    stop, event = np.array([1.0, 2.0, 4.0, 6.0]), np.array([True, True, True, False])
    assert kaplan_meier(stop, event, np.arange(4)).median(0.95)[0] == 3
    event[2] = False
    assert kaplan_meier(stop, event, np.arange(4)).median(0.95)[0] == 4  # flat to the last time, 6
    assert math.isnan(kaplan_meier(stop, event & (stop < 2), np.arange(4)).median(0.95)[0])


def test_a_restricted_mean_does_not_reach_beyond_the_data() -> None:
    open_ = restricted_mean(9, SIX, SEEN & (SIX < 8), ONES)
    assert math.isnan(open_.estimate)
    closed = restricted_mean(20, SIX, SEEN, ONES)
    assert closed.estimate == pytest.approx(restricted_mean(8, SIX, SEEN, ONES).estimate)
    with pytest.raises(AnalysisError, match="above 0"):
        restricted_mean(0, SIX, SEEN, ONES)


def plain(b: Floats, x: Floats, stop: Floats, event: Any, start: Floats, strata: Any) -> tuple[float, Floats, Floats]:
    """Log-likelihood, score residuals and information by the formulas of Efron's ties, one slot after the other."""
    hazard, n, p = np.exp(x @ b), len(x), len(b)
    likelihood, scores, information = 0.0, np.zeros((n, p)), np.zeros((p, p))
    for stratum in np.unique(strata):
        for time in np.unique(stop[event & (strata == stratum)]):
            risk = (start < time) & (stop >= time) & (strata == stratum)
            tied = risk & event & (stop == time)
            likelihood += math.log(hazard[tied].prod())
            for j in range(tied.sum()):
                weight = hazard * (risk - j / tied.sum() * tied)
                mean = weight @ x / weight.sum()
                likelihood -= math.log(weight.sum())
                information += (x * weight[:, None]).T @ x / weight.sum() - np.outer(mean, mean)
                scores += (tied / tied.sum() - weight / weight.sum())[:, None] * (x - mean)
    return likelihood, scores, information


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_cumulative_sums_are_the_sums_over_risk_sets(seed: int, entry: bool, layers: bool) -> None:
    rng = np.random.default_rng(seed)
    n = 40
    x, stop = rng.normal(1, 1, (n, 2)), rng.integers(1, 12, n).astype(float)
    event = rng.random(n) < 0.7
    start = np.floor(stop * rng.random(n)) if entry else None
    strata = rng.integers(0, 3, n) if layers else None
    fitted = cox(x, stop, event, start, strata)
    if fitted.problem:
        return
    where = np.full(n, -1.0) if start is None else start, np.zeros(n) if strata is None else strata
    likelihood, scores, information = plain(fitted.coefficients, x, stop, event, *where)
    assert fitted.log_likelihood == pytest.approx(likelihood, rel=1e-10)
    assert fitted.scores == pytest.approx(scores, abs=1e-8)
    assert fitted.information == pytest.approx(information, rel=1e-8, abs=1e-8)
    assert fitted.scores.sum(axis=0) == pytest.approx(0, abs=1e-7)


@settings(max_examples=50)
@given(st.integers(0, 10_000))
def test_the_highest_at_risk_is_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 60))
    stop, event = rng.integers(1, 20, n).astype(float), rng.random(n) < 0.6
    start, strata = np.floor(stop * rng.random(n)), rng.integers(0, 2, n)
    value = rng.normal(size=n)
    sets = RiskSets.of(stop, event, start, strata)
    times = [(s, t) for s in range(2) for t in np.unique(stop[event & (strata == s)])]
    risk = [(start < t) & (stop >= t) & (strata == s) for s, t in times]
    assert sets.highest(value).tolist() == [int(np.flatnonzero(r)[value[r].argmax()]) for r in risk]
    assert sets.at_risk(value) == pytest.approx([value[r].sum() for r in risk], abs=1e-12)


def test_an_interval_cut_in_two_changes_nothing() -> None:
    rng = np.random.default_rng(5)
    x, stop = rng.normal(size=(200, 2)), np.ceil(rng.exponential(30, 200)) + 1
    event, groups = rng.random(200) < 0.8, rng.integers(0, 40, 200)
    whole = cox(x, stop, event)
    cut = np.floor(stop / 2)
    halves = [np.concatenate(pair) for pair in ((x, x), (cut, stop), (np.zeros(200, dtype=bool), event))]
    parts = cox(halves[0], halves[1], halves[2], np.concatenate([np.zeros(200), cut]))
    assert parts.coefficients == pytest.approx(whole.coefficients, rel=1e-9)
    both = np.concatenate([groups, groups])
    robust = covariance(parts.information, parts.scores, both, "cluster")
    assert robust == pytest.approx(covariance(whole.information, whole.scores, groups, "cluster"), rel=1e-8)


def test_two_episodes_per_stratum_are_a_conditional_logistic_regression() -> None:
    # The one with x = 1 comes first in 30 of 40 pairs: the log hazard ratio is log(30 / 10).
    first = np.arange(40) < 30
    x = np.tile([1.0, 0.0], 40)[:, None]
    stop = np.where(np.repeat(first, 2), np.tile([1.0, 2.0], 40), np.tile([2.0, 1.0], 40))
    fitted = cox(x, stop, np.ones(80, dtype=bool), strata=np.repeat(np.arange(40), 2))
    assert fitted.coefficients == pytest.approx([math.log(3)])
    assert np.linalg.inv(fitted.information) == pytest.approx(1 / 30 + 1 / 10)


@pytest.mark.parametrize("shape", [1.0, 1.7])
def test_recovers_the_hazard_ratio_of_clustered_weibull_times(shape: float) -> None:
    # A marginal truth: within a participant the covariate differs, and the times share no frailty but their draw.
    truth, found, covered = math.log(1.6), [], 0
    rng = np.random.default_rng(11)
    for _ in range(200):
        persons = np.repeat(np.arange(60), 4)
        x = rng.normal(size=60)[persons][:, None]
        # The four episodes of a person are alike: one uniform number for half of them.
        u = np.where(np.arange(240) % 4 < 2, rng.random(60)[persons], rng.random(240))
        time = 60 * (-np.log(u) * np.exp(-truth * x[:, 0])) ** (1 / shape)
        censored = rng.exponential(150, 240)
        stop, event = np.ceil(np.minimum(time, censored)), time <= censored
        fitted = cox(x, stop, event)
        assert fitted.problem is None
        error = math.sqrt(covariance(fitted.information, fitted.scores, persons, "cluster")[0, 0])
        found.append(fitted.coefficients[0])
        covered += abs(fitted.coefficients[0] - truth) < 2.001 * error
    # Monte-Carlo error of the mean times 4; coverage within binomial bounds.
    assert abs(np.mean(found) - truth) < 4 * np.std(found) / math.sqrt(200) + 0.01
    assert 179 <= covered <= 198


def test_recovers_the_curve_of_exponential_times() -> None:
    rng, covered, means = np.random.default_rng(3), 0, []
    for _ in range(200):
        person = np.repeat(np.arange(80), 3)
        rate = np.ones(240) / 40
        time, censored = rng.exponential(1 / rate), rng.exponential(100, 240)
        curve = kaplan_meier(np.minimum(time, censored), time <= censored, person)
        k = int(np.searchsorted(curve.time, 40, side="right")) - 1
        low, high = curve.interval(0.95)
        covered += low[k] < math.exp(-1) < high[k]
        means.append(curve.survival[k])
    assert abs(np.mean(means) - math.exp(-1)) < 4 * np.std(means) / math.sqrt(200)
    assert 179 <= covered <= 198


def test_a_hazard_ratio_that_fades_is_noticed_and_a_constant_one_is_not() -> None:
    rng = np.random.default_rng(8)
    n = 1500
    x = (np.arange(n) % 2).astype(float)[:, None]
    persons = np.arange(n) // 5
    constant = rng.exponential(1, n) * np.exp(-0.7 * x[:, 0])
    fades = rng.weibull(np.where(x[:, 0] == 1, 0.7, 1.6))
    event = np.ones(n, dtype=bool)
    for kind in ("model", "cluster"):
        made: dict[str, Any] = {"groups": persons, "kind": kind}
        good = proportionality(cox(x, constant, event), x, Times(constant, event), **made)
        bad = proportionality(cox(x, fades, event), x, Times(fades, event), **made)
        assert good.problem is bad.problem is None
        assert good.p_value[0] > 0.01
        assert bad.p_value[0] < 1e-6
        assert bad.statistic[0] == pytest.approx(bad.statistic[1])
        assert len(bad.residuals) == n


def test_the_cluster_check_holds_its_level_where_the_plain_one_does_not() -> None:
    # Every episode stands four times: the plain check takes them for four times the evidence.
    rng, wrong = np.random.default_rng(21), {"model": 0, "cluster": 0}
    for _ in range(150):
        x, stop = rng.normal(size=(100, 1)), np.ceil(rng.exponential(80, 100))
        made = np.repeat(x, 4, axis=0), np.repeat(stop, 4), np.ones(400, dtype=bool)
        fitted = cox(*made)
        for kind in wrong:
            check: Any = proportionality(
                fitted, made[0], Times(*made[1:]), groups=np.repeat(np.arange(100), 4), kind=kind
            )  # type: ignore[arg-type]
            wrong[kind] += check.p_value[0] < 0.05
    assert wrong["cluster"] <= 18
    assert wrong["model"] > 35


def test_a_monotone_likelihood_is_a_problem_and_no_number() -> None:
    rng = np.random.default_rng(2)
    stop = np.arange(1.0, 41)
    other = rng.normal(size=40)
    for unit in (1.0, 1e-3, 1e4):
        # Whoever has the higher value is always relieved first.
        fitted = cox(np.column_stack([-stop * unit, other]), stop, np.ones(40, dtype=bool))
        assert fitted.problem == SEPARATED
        assert 0 in fitted.separated
    # A group without any event: its hazard ratio is 0.
    group = (np.arange(40) % 4 == 0).astype(float)
    fitted = cox(np.column_stack([other, group]), stop, group == 0)
    assert fitted.problem == SEPARATED
    assert fitted.separated == (1,)
    # With delayed entry: the group is at risk only where it always has the event.
    start = np.where(group == 1, stop - 0.5, 0.0)
    assert cox(group[:, None], stop, np.ones(40, dtype=bool), start).problem == SEPARATED


def test_a_large_hazard_ratio_is_no_separation() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(0, 4, (600, 1))
    fitted = cox(x, rng.exponential(1, 600) * np.exp(-1.5 * x[:, 0]), np.ones(600, dtype=bool))
    assert np.ptp(x * fitted.coefficients) > 10
    assert fitted.problem is None
    assert fitted.separated == ()
    assert fitted.coefficients == pytest.approx([1.5], rel=0.1)


def test_no_answer_has_a_reason() -> None:
    x, stop, event = np.ones((6, 1)), SIX, SEEN
    assert cox(x, stop, event).problem == "the information matrix is singular"
    assert cox(SIX[:, None], stop, ~event & event).problem == NO_EVENT
    with pytest.raises(AnalysisError, match="there is no fit"):
        proportionality(cox(x, stop, event), x, Times(stop, event), groups=ONES)
    with pytest.raises(AnalysisError, match="at least one column"):
        cox(np.empty((6, 0)), stop, event)
    with pytest.raises(AnalysisError, match=r"row 1 has \(3, 3\]"):
        cox(x, stop, event, np.array([0.0, 3.0, 0.0, 0.0, 0.0, 0.0]))
    with pytest.raises(AnalysisError, match="not finite"):
        kaplan_meier(np.array([1.0, np.nan]), np.array([True, True]), np.array([0, 1]))
    with pytest.raises(AnalysisError, match="two participants"):
        kaplan_meier(SIX, SEEN, np.zeros(6, dtype=np.intp))


def test_all_events_at_one_time_say_nothing_of_change() -> None:
    rng = np.random.default_rng(6)
    x, stop = rng.normal(size=(30, 1)), np.where(np.arange(30) < 10, 5.0, 9.0)
    event = np.arange(30) < 10
    fitted = cox(x, stop, event)
    assert fitted.problem is None
    check = proportionality(fitted, x, Times(stop, event), groups=np.arange(30))
    assert check.problem
    assert np.isnan(check.statistic).all()


def test_an_unbounded_shift_of_a_column_changes_nothing() -> None:
    rng = np.random.default_rng(9)
    x, stop, event = rng.normal(size=(300, 2)), rng.exponential(9, 300), rng.random(300) < 0.8
    fits = [cox(x + shift, stop, event) for shift in (0, 1950, 1e6)]
    for one, other in pairwise(fits):
        assert other.coefficients == pytest.approx(one.coefficients, rel=1e-7)
