"""The meta-analysis of trials is metafor's, and gives the figures that are known of the BCG and magnesium trials."""

from __future__ import annotations

import math
from typing import Any

import evidence_parity_page
import numpy as np
import pandas as pd
import pytest
from evidence_parity_page import FLOOR, PLAIN, ROBUST, WALD, Pair, R, apart, effects, pairs, shared

from crampstudy import evidence
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence import heterogeneity, sensitivity
from crampstudy.evidence.effects import independent
from crampstudy.evidence.heterogeneity import METHODS
from crampstudy.evidence.random_effects import ERRORS, PREDICTIONS, RandomEffectsFit, pool
from crampstudy.evidence.rows import SynthesisOptions, egger


@pytest.fixture(scope="module")
def bcg() -> RandomEffectsFit:
    return pool(effects("bcg"))


@pytest.mark.parametrize("pair", list(pairs()), ids=lambda pair: f"{pair[0]}: {pair[1]}")
def test_every_number_is_that_of_metafor(pair: Pair) -> None:
    _, _, ours, theirs = pair
    assert np.shape(ours) == np.shape(theirs) and apart(ours, theirs) < 1e-6


def test_all_that_metafor_gave_is_compared() -> None:
    assert set(R["bcg"]["pools"]) == set(METHODS)
    assert set(R["bcg"]["errors"]) == set(ERRORS) - {ROBUST} and set(R["bcg"]["prediction"]) == set(PREDICTIONS)
    assert pool(shared()).limits(0.95, ROBUST).df == 3 and shared().dependent and not effects("bcg").dependent


def test_the_page_has_the_comparison() -> None:
    text = (evidence_parity_page.ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    begin, end = evidence_parity_page.BEGIN, evidence_parity_page.END
    assert text.split(begin)[1].split(end)[0].strip() == evidence_parity_page.page()


def test_the_known_figures_of_the_bcg_trials(bcg: RandomEffectsFit) -> None:
    """Log risk ratios of dat.bcg as metafor's documentation has them, to the digits printed there."""
    wald = bcg.limits(0.95, WALD)
    assert (round(wald.estimate, 6), round(wald.std_error, 6)) == (-0.714532, 0.179782)
    reml, paule, moments = (pool(bcg.effects, method).tau2 for method in METHODS)
    assert (round(reml, 6), round(moments, 6)) == (0.313243, 0.308760)
    # What is the root of Q is printed there as a coarser search finds it; here Q is what it should be.
    assert paule == pytest.approx(0.318094, abs=5e-5)
    assert heterogeneity.cochran_q(bcg.effects, bcg.design, paule) == pytest.approx(12, abs=1e-10)
    low, high = heterogeneity.interval(bcg.effects, bcg.design, 0.95)
    assert low == pytest.approx(0.119695, abs=5e-5) and high == pytest.approx(1.111486, abs=5e-5)
    knapp, z, t = bcg.limits(0.95, PLAIN), bcg.prediction(0.95, "z"), bcg.prediction(0.95, PREDICTIONS[1])
    assert [round(each, 6) for each in (knapp.low, knapp.high)] == [-1.108444, -0.320621]
    assert [round(each, 6) for each in (z.low, z.high, t.low, t.high)] == [-1.866692, 0.437628, -1.996017, 0.566952]
    fitted, explained = sensitivity.regress(bcg.effects, R["bcg"]["latitude"])
    assert round(fitted.coefficients[1], 6) == -0.029102 and 100 * explained == pytest.approx(75.62, abs=0.01)
    slope = egger(bcg)
    assert slope.estimate / slope.std_error == pytest.approx(-0.8033, abs=1e-4)
    assert pool(bcg.effects.only([*range(7), *range(8, 13)])).coefficients[0] == pytest.approx(-0.794768, abs=1e-6)


@pytest.fixture(scope="module")
def magnesium() -> pd.DataFrame:
    return evidence.synthesise("magnesium", "idiopathic").estimates


def one(rows: pd.DataFrame, kind: Any, level: str, model: str = "REML") -> pd.Series[Any]:
    found = kind.rows(rows)
    found = found[found["level"].eq(level) & (found["model"].isna() | found["model"].str.endswith(model).fillna(True))]
    assert len(found) == 1, (kind.name, level)
    return found.iloc[0]


def limits(row: pd.Series[Any], digits: int = 2) -> list[float]:
    return [round(row[name], digits) for name in ("estimate", "ci_low", "ci_high")]


def test_the_known_figures_of_magnesium(magnesium: pd.DataFrame) -> None:
    assert limits(one(magnesium, kinds.POOLED, WALD)) == [-0.33, -1.07, 0.41]
    assert limits(one(magnesium, kinds.POOLED, FLOOR)) == [-0.33, -1.96, 1.30]
    assert limits(one(magnesium, kinds.POOLED, PLAIN)) == [-0.33, -1.71, 1.05]
    tau2 = [one(magnesium, kinds.HETEROGENEITY, "tau2", method) for method in METHODS]
    assert [round(each["estimate"], 4) for each in tau2] == [0.2307, 0.1345, 0.2266]
    assert limits(tau2[0])[1:] == [0, 9.34]
    assert round(one(magnesium, kinds.POOLED, WALD, "Paule-Mandel")["estimate"], 4) == -0.3325
    assert round(one(magnesium, kinds.HETEROGENEITY, "I2")["estimate"], 2) == 0.57
    following = [one(magnesium, kinds.PREDICTION, kind) for kind in PREDICTIONS[:3]]
    assert [limits(each)[1:] for each in following] == [[-2.96, 2.30], [-2.81, 2.15], [-1.53, 0.87]]
    without = one(magnesium, kinds.WITHOUT, "without Barna 2021")
    assert limits(without) == [0.11, -3.84, 4.06]


def test_without_the_trial_of_the_presumed_unit() -> None:
    rest = independent(("Frusso 1999", "Roguin Maor 2017"), np.array([0.175, -0.38]), np.array([0.332, 0.888]) ** 2)
    ours = pool(rest)
    assert ours.tau2 == 0 and round(ours.coefficients[0], 2) == 0.11
    found = [ours.limits(0.95, errors) for errors in (FLOOR, PLAIN, WALD)]
    assert [[round(x.low, 2), round(x.high, 2)] for x in found] == [[-3.84, 4.06], [-2.21, 2.42], [-0.50, 0.72]]
    with pytest.raises(AnalysisError, match="2 trials say nothing of the next one; at least 3 do"):
        ours.prediction(0.95)


def test_each_interval_is_a_row_of_its_own_with_its_definition(magnesium: pd.DataFrame) -> None:
    pooled = kinds.POOLED.rows(magnesium)
    assert len(pooled) == 9 and magnesium["key"].is_unique
    assert pooled["estimand"].str.contains("interval ").all()
    assert pooled.iloc[0]["level"] == FLOOR and pooled.iloc[0]["model"] == "random effects, REML"
    following = kinds.PREDICTION.rows(magnesium)
    assert tuple(following["level"]) == PREDICTIONS and following["estimand"].nunique() == 4
    assert pooled["verdict"].notna().sum() == 1 and pooled.iloc[0]["verdict"] == "inconclusive"
    assert (pooled["n_participants"] == 42 + 94 + 175).all() and (pooled["n_groups"] == 3).all()


def test_the_next_trial_beyond_a_threshold_by_hand(magnesium: pd.DataFrame) -> None:
    following = one(magnesium, kinds.PREDICTION, PREDICTIONS[0])
    t = (-1 - following["estimate"]) / following["std_error"]
    # The distribution function of t with 2 degrees of freedom has a closed form.
    chance = 0.5 + t / (2 * math.sqrt(2 + t * t))
    assert one(magnesium, kinds.BEYOND, "at least 1 fewer a week")["estimate"] == pytest.approx(chance, abs=1e-12)
    two = evidence.synthesise("magnesium", "idiopathic", options=SynthesisOptions(threshold=2)).estimates
    t = (-2 - following["estimate"]) / following["std_error"]
    chance = 0.5 + t / (2 * math.sqrt(2 + t * t))
    assert one(two, kinds.BEYOND, "at least 2 fewer a week")["estimate"] == pytest.approx(chance, abs=1e-12)


def test_small_study_effects_of_three_trials_are_not_looked_at(magnesium: pd.DataFrame) -> None:
    found = one(magnesium, kinds.ASYMMETRY, "Egger")
    assert found["status"] == "not_estimable"
    assert found["note"] == "small-study effects of 3 trials of magnesium are not looked at: 10 are the least"


def test_the_weight_at_high_risk_of_bias_is_that_of_its_trials(magnesium: pd.DataFrame) -> None:
    weights = kinds.WEIGHT.rows(magnesium).set_index("level")["estimate"]
    assert weights.sum() == pytest.approx(1, abs=1e-12)
    assert kinds.HIGH_RISK.rows(magnesium)["estimate"].iloc[0] == pytest.approx(weights["Barna 2021"], abs=1e-12)


def test_populations_as_subgroups_by_hand() -> None:
    """Of a subgroup of one trial the mean is that trial; that of the others is their own pool, for tau2 is theirs."""
    rows = evidence.synthesise("magnesium", options=SynthesisOptions(by="population")).estimates
    found = kinds.SUBGROUP.rows(rows)
    by_level = found.set_index("level")
    assert by_level.loc["by population: pregnancy", "estimate"] == pytest.approx(0.9, abs=1e-12)
    assert by_level.loc["by population: idiopathic", "estimate"] == pytest.approx(-0.330466, abs=1e-6)
    means = by_level.loc[["by population: idiopathic", "by population: pregnancy"], "estimate"]
    errors = [0.378817, math.hypot(0.796, math.sqrt(0.230695))]
    q = (means.iloc[1] - means.iloc[0]) ** 2 / sum(each**2 for each in errors)
    assert by_level.loc["by population: all equal", "estimate"] == pytest.approx(q, rel=1e-5)


def test_subgroups_and_moderators_that_cannot_be() -> None:
    with pytest.raises(UsageError, match=r"--by populaton: .*did you mean population\?"):
        evidence.synthesise("magnesium", options=SynthesisOptions(by="populaton"))
    with pytest.raises(UsageError, match=r"--moderator dose: .* allowed: year, days, n_total"):
        evidence.synthesise("magnesium", options=SynthesisOptions(moderator="dose"))
    rows = evidence.synthesise(
        "magnesium", "idiopathic", options=SynthesisOptions(by="comparison", moderator="year")
    ).estimates
    assert kinds.SUBGROUP.rows(rows)["status"].tolist() == ["not_estimable"]
    slope = kinds.MODERATOR.rows(rows).iloc[0]
    assert slope["note"].startswith("3 trials describe and do not test") and pd.isna(slope["verdict"])
    fitted, _ = sensitivity.regress(effects("magnesium"), [1999, 2017, 2021])
    assert slope["estimate"] == pytest.approx(fitted.coefficients[1], rel=1e-9)


def test_one_trial_and_none() -> None:
    single = evidence.synthesise("vitamin_k2", "idiopathic").estimates
    (pooled,) = kinds.POOLED.rows(single).to_dict("records")
    assert (pooled["status"], pooled["note"]) == (
        "not_estimable",
        "one trial of vitamin K2 (idiopathic), so nothing to pool",
    )
    assert limits(one(single, kinds.TRIAL, "Tan 2024")) == [-2.67, -3.19, -2.15]
    none = evidence.synthesise("tens").estimates
    assert none["note"].tolist() == ["no poolable trial of TENS"] and none["population"].tolist() == ["nobody yet"]


def test_two_agents_and_a_misspelt_one() -> None:
    with pytest.raises(UsageError, match=r"no agent 'magnesum' in the evidence; did you mean magnesium\?"):
        evidence.synthesise("magnesum")
    with pytest.raises(UsageError, match=r"no trial of magnesium in the population 'pregnant'; did you mean pregnancy"):
        evidence.synthesise("magnesium", "pregnant")


def test_effects_without_a_variance_are_refused() -> None:
    with pytest.raises(UsageError, match="variances above 0"):
        independent(("a", "b"), np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    with pytest.raises(AnalysisError, match="1 trials cannot tell how much they differ; at least 2 do"):
        pool(independent(("a",), np.array([1.0]), np.array([1.0])))


def test_equal_trials_have_no_spread_and_far_ones_have_the_moment_estimate() -> None:
    equal = pool(independent(tuple("abc"), np.array([0.5, 0.5, 0.5]), np.array([0.1, 0.2, 0.3])))
    assert equal.tau2 == 0 and equal.coefficients[0] == pytest.approx(0.5)
    # Of equal variances all three estimators are the sample variance less theirs.
    values = np.array([-2.0, 0.0, 1.0, 5.0])
    for method in METHODS:
        assert pool(independent(tuple("abcd"), values, np.full(4, 0.5)), method).tau2 == pytest.approx(
            np.var(values, ddof=1) - 0.5
        )
