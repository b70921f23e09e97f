"""Models of a number that is logged each night: differences, what they rest on, and why there may be none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import parity_linear
import polars as pl
import pytest
from asking import solve
from parity_cells import reference
from scipy import stats

from crampstudy import fit
from crampstudy.checks import check
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models.bootstrap import bootstrap
from crampstudy.models.nights.data import Data
from crampstudy.models.nights.linear import linear, no_residual, nothing_within
from crampstudy.models.nights.random_effects.linear_mixed import linear_mixed
from crampstudy.models.registry import NIGHT_FAMILIES
from crampstudy.nights import Diary

MODELS = ("linear", "mixed-linear", "gee-exchangeable", "gee-ar1")


def drawn(seed: int, people: int = 20, nights: int = 25, sd: float = 1.0) -> pl.DataFrame:
    """Return nights of people who differ, with sleep of 7 hours, 0.4 less in a night with a cramp."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), nights)
    cramps = rng.poisson(0.5, len(person))
    sleep = 7 + rng.normal(0, sd, people)[person] - 0.4 * (cramps > 0) + rng.normal(0, 0.8, len(person))
    first = date(2024, 3, 1)
    return pl.DataFrame(
        {
            "participant_id": [f"P{i:03d}" for i in person],
            "date": [first + timedelta(days=int(t)) for t in np.tile(np.arange(nights), people)],
            "cramps": cramps,
            "sleep_hours": sleep.round(3),
            "fatigue_0_10": np.clip(np.round(4 + (cramps > 0) + rng.normal(0, 2, len(person))), 0, 10),
            "alcohol_units": rng.poisson(1.0, len(person)).astype(float),
        }
    )


def cohort(nights: pl.DataFrame) -> Cohort:
    people = nights["participant_id"].unique().sort()
    rng = np.random.default_rng(1)
    frame = pl.DataFrame(
        {
            "participant_id": people,
            "age_years": rng.uniform(40, 80, len(people)).round(1),
            "sex": ["female" if i % 2 else "male" for i in range(len(people))],
        }
    )
    return Cohort("diary", "diary", {"participants": frame, "diary": nights})


def asked(of: Cohort | Diary, model: str = "linear", terms: str = "cramp_night", **more: Any) -> Any:
    more = {"outcome": "sleep_hours", "covariance": "auto"} | more
    return fit(of, model=model, terms=terms, **more)


@pytest.mark.parametrize("model", MODELS)
def test_differences_stand_in_the_unit_of_the_outcome(model: str) -> None:
    found = asked(cohort(drawn(1)), model).estimates.set_index("term")
    row = found.loc["cramp_night"]
    assert (row["scale"], row["unit"], row["level"]) == ("difference", "h/night, against false", "true")
    assert abs(row["estimate"] + 0.4) < 4 * row["std_error"] < 0.6
    assert row["estimate"] == pytest.approx((row["ci_low"] + row["ci_high"]) / 2)
    assert (row["n_nights"], row["status"]) == (500, "converged")
    assert found["n_events"].isna().all()
    mean = found.loc["intercept"]
    assert (mean["scale"], mean["unit"]) == ("mean", "h/night")
    assert 6 < mean["estimate"] < 8


def test_a_score_is_told_in_points_and_a_column_of_ones_own_in_units() -> None:
    nights = drawn(2).with_columns(shoe=pl.col("sleep_hours") * 2)
    of = cohort(nights)
    assert asked(of, outcome="fatigue_0_10", terms="age_decade").estimates["unit"].iloc[0] == "points, per 10 years"
    own = asked(of, outcome="shoe", terms="alcohol_units", per={"alcohol_units": 2}).estimates.iloc[0]
    once = asked(of, outcome="shoe", terms="alcohol_units").estimates.iloc[0]
    assert own["unit"] == "unit, per 2 units/day"
    assert own["estimate"] == pytest.approx(2 * once["estimate"])


def test_a_difference_between_two_values() -> None:
    made = asked(cohort(drawn(1)), terms="ns(age_years, df=2, ref=60, at=[50, 70])")
    shown = made.estimates[made.estimates["level"] == "50"].iloc[0]
    row = made.ratio({"age_years": 50}, against={"age_years": 60}).iloc[0]
    assert (row["scale"], row["unit"]) == ("difference", "h/night, difference of the two")
    assert (row["estimate"], row["ci_low"]) == pytest.approx((shown["estimate"], shown["ci_low"]))


@pytest.mark.parametrize("setting", parity_linear.RESTRICTED)
def test_spread_and_its_errors_are_those_of_the_restricted_likelihood_in_r(setting: str) -> None:
    r, data = reference("linear")["reml"][setting], parity_linear.RESTRICTED[setting]()
    slope = 2 if setting == "slope" else None
    found = linear_mixed(data.matrix, data.outcome, data.offset, data.groups, slope=slope)
    assert found.log_likelihood == pytest.approx(r["log_likelihood"], abs=1e-7)
    if slope is None:
        ours, errors = [*found.sd, found.residual], [*found.sd_error, found.residual_error]
    else:
        ours = [*found.sd, found.correlation, found.residual]
        errors = [*found.sd_error, found.residual_error, found.correlation_error]
    assert ours == pytest.approx(r["spread"]["parameters"], rel=1e-5)
    assert errors == pytest.approx(r["spread"]["errors"], rel=1e-5)


def test_degrees_of_freedom_and_residual_are_those_of_r() -> None:
    r = reference("linear")
    few = NIGHT_FAMILIES["linear"].solve(parity_linear.few(), "x", "cluster-small", None)
    assert few.df == pytest.approx(r["small"]["few"]["df"], rel=1e-6)
    believing = NIGHT_FAMILIES["linear"].solve(parity_linear.nights(), "x", "model", None)
    assert believing.df == pytest.approx(r["ols"]["none"]["df"])
    assert believing.log_likelihood == pytest.approx(r["ols"]["none"]["log_likelihood"])
    assert believing.extras[0].estimate == pytest.approx(r["ols"]["none"]["sigma"])


@pytest.mark.parametrize("structure", ["exchangeable", "ar1"])
@pytest.mark.parametrize("setting", ["diary", "few", "hours"])
def test_the_working_correlation_of_numbers_is_geepacks(structure: str, setting: str) -> None:
    r = reference("linear")["gee"][structure][setting]
    data = parity_linear.few() if setting == "few" else parity_linear.nights(offset=setting == "hours")
    data = data if setting == "few" else replace(data, matrix=data.matrix[:, [0, 1, 3]])
    found = NIGHT_FAMILIES[f"gee-{structure}"].solve(data, "x", "cluster", None).fitted
    people = int(data.groups.max()) + 1
    factor = np.sqrt(people / (people - 1))
    assert (found.alpha, found.scale) == pytest.approx((r["alpha"], r["scale"]), rel=1e-6)
    assert found.scale_error * found.scale / factor == pytest.approx(r["scale_se"], rel=1e-4)
    # geepack pairs each night's residual with the derivative of its own mean instead of the other's, and takes the
    # curvature of AR(1) that would be there if AR(1) were true; what leaving people out gives stands in test_extras.
    near = 0.05 if structure == "exchangeable" else 0.15
    assert found.alpha_error * (1 - found.alpha**2) / factor == pytest.approx(r["alpha_se"], rel=near)


def covered(model: str, kind: Any, people: int, cohorts: int) -> np.ndarray:
    """Return how many intervals hold the truth, of an exposure of nights and of one of five people."""
    made = np.zeros(2)
    for rng in np.random.default_rng([5, people]).spawn(cohorts):
        groups = np.repeat(np.arange(people), 20)
        x, treated = rng.normal(size=len(groups)), (np.arange(people) < 5)[groups]
        y = 6 + 0.3 * x + rng.standard_t(4, people)[groups] + rng.normal(0, 1.5, people)[groups] * 0.2 * x
        y = y + rng.normal(0, 1.2, len(groups))
        matrix = np.column_stack([np.ones(len(groups)), x, treated]).astype(float)
        data = Data(matrix, y, np.zeros(len(groups)), groups, np.tile(np.arange(20), people))
        solved = NIGHT_FAMILIES[model].solve(data, "x", kind, None)
        assert solved.problem is None
        half = stats.t.ppf(0.975, solved.df) * np.sqrt(np.diag(solved.variance))
        made += (np.abs(solved.coefficients - [6, 0.3, 0]) < half)[1:]
    return made


def test_intervals_of_twenty_people_cover() -> None:
    # 200 cohorts: 179 to 198 hold the truth where 95 % do.
    found = covered("linear", "auto", 20, 200)
    assert (found >= 179).all() and found[0] <= 198
    assert (covered("linear", "model", 20, 60) < 45)[1]


@pytest.mark.parametrize("model", ["mixed-linear", "gee-exchangeable"])
def test_the_jackknife_covers(model: str) -> None:
    assert (covered(model, "auto", 20, 60) >= 52).all()


def test_a_night_counts_where_the_outcome_is_known() -> None:
    whole = drawn(3)
    first = (pl.col("participant_id") == "P000") & (pl.col("date") < date(2024, 3, 6))
    without_count = whole.with_columns(cramps=pl.when(first).then(None).otherwise("cramps"))
    without_sleep = whole.with_columns(sleep_hours=pl.when(first).then(None).otherwise("sleep_hours"))
    assert asked(cohort(without_count), terms="age_decade").n_rows == 500
    assert asked(cohort(without_count)).n_rows == 495
    left = asked(cohort(without_sleep), terms="age_decade")
    assert left.n_rows == 495
    assert left.account is not None and dict(left.account.left_out)["not observed"] == 5
    assert "5 nights left out, without sleep_hours" in left.estimates["note"].iloc[0].split("; ")
    # A night that nobody observed lacks nothing but itself.
    nobody = cohort(without_count.with_columns(sleep_hours=pl.when(first).then(None).otherwise("sleep_hours")))
    assert "without sleep_hours" not in asked(nobody, terms="age_decade").estimates["note"].iloc[0]


def test_an_event_list_has_differences_and_says_of_which_nights() -> None:
    nights = drawn(4).filter(pl.col("cramps") > 0)
    found = asked(cohort(nights), terms="age_decade")
    assert found.status == "converged"
    assert "every night used had a cramp" in found.estimates["note"].iloc[0]
    assert fit(cohort(nights), model="poisson", terms="sex").status == "not_estimable"
    assert asked(cohort(nights), outcome="cramps", terms="sex").status == "not_estimable"
    assert "every night" not in str(asked(cohort(drawn(4))).estimates["note"].iloc[0])


@pytest.mark.parametrize("model", ["linear", "mixed-linear"])
def test_nights_that_are_alike_are_added_up(model: str) -> None:
    of = cohort(drawn(5).with_columns(ambient_temperature_c=pl.col("fatigue_0_10") - 5))
    question = {"model": model, "terms": "sex + cramp_night", "covariance": "auto"}
    for outcome in ("fatigue_0_10", "ambient_temperature_c"):
        apart, together = (solve(of, **question, outcome=outcome, night_by_night=way) for way in (True, False))
        assert len(together.data.outcome) < 0.8 * len(apart.data.outcome)
        assert together.solved.coefficients == pytest.approx(apart.solved.coefficients)
        assert together.solved.variance == pytest.approx(apart.solved.variance)
        assert [e.estimate for e in together.solved.extras] == pytest.approx([e.estimate for e in apart.solved.extras])
        scanned = Diary("diary", of.frame("participants"), of.frame("diary").lazy())
        rows = [fit(one, **question, outcome=outcome).estimates["estimate"] for one in (of, scanned)]
        assert rows[0].tolist() == pytest.approx(rows[1].tolist())


@pytest.mark.parametrize("unit", [1e-9, 1e6])
@pytest.mark.parametrize("model", MODELS)
def test_the_unit_of_the_outcome_does_not_matter(model: str, unit: float) -> None:
    nights = drawn(6).with_columns(other=pl.col("sleep_hours") * unit)
    one, other = (asked(cohort(nights), model, outcome=name).estimates for name in ("sleep_hours", "other"))
    assert (other["estimate"] / unit).tolist()[:2] == pytest.approx(one["estimate"].tolist()[:2], rel=1e-6)
    assert other["p_value"].iloc[0] == pytest.approx(one["p_value"].iloc[0], rel=1e-5)
    assert other["status"].tolist() == one["status"].tolist()


@pytest.mark.parametrize("model", MODELS)
def test_a_number_far_from_zero(model: str) -> None:
    nights = drawn(6).with_columns(other=pl.col("sleep_hours") + 1e6)
    one, other = (asked(cohort(nights), model, outcome=name).estimates for name in ("sleep_hours", "other"))
    assert other["estimate"].iloc[0] == pytest.approx(one["estimate"].iloc[0], rel=1e-6)
    assert other["p_value"].iloc[0] == pytest.approx(one["p_value"].iloc[0], rel=1e-5)


NOTHING = [
    ("linear", pl.lit(6.5), "the outcome does not vary: it is 6.5 for all nights"),
    ("mixed-linear", pl.lit(6.5), "the outcome does not vary"),
    ("linear", 5 + 0.7 * (pl.col("cramps") > 0), "follows from the terms exactly"),
    ("mixed-linear", pl.col("participant_id").str.tail(2).cast(pl.Float64), "does not vary between the nights of any"),
    ("gee-ar1", pl.col("participant_id").str.tail(2).cast(pl.Float64), "does not vary between the nights of any"),
    (
        "mixed-linear",
        pl.col("participant_id").str.tail(2).cast(pl.Float64) + (pl.col("cramps") > 0),
        "follows from the terms exactly within each participant",
    ),
]


@pytest.mark.parametrize(("model", "values", "reason"), NOTHING)
def test_a_number_that_does_not_vary_has_its_reason(model: str, values: pl.Expr, reason: str) -> None:
    found = asked(cohort(drawn(7).with_columns(sleep_hours=values)), model)
    assert found.status == "not_estimable"
    assert reason in found.estimates["note"].iloc[0]
    assert found.estimates["estimate"].isna().all()


def test_people_who_do_not_differ_are_a_boundary() -> None:
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(15), 10)
    noise = rng.normal(size=(15, 10))
    y = (noise - noise.mean(axis=1, keepdims=True)).ravel()
    matrix = np.column_stack([np.ones(150), np.tile(np.arange(10.0), 15)])
    data = Data(matrix, y, np.zeros(150), groups, np.tile(np.arange(10), 15))
    solved = NIGHT_FAMILIES["mixed-linear"].solve(data, "x", "cluster", None)
    states = {extra.term: (extra.status, extra.estimate) for extra in solved.extras}
    assert states["random intercept"] == states["ICC"] == ("boundary", 0.0)
    assert solved.coefficients == pytest.approx(linear(matrix, y, np.zeros(150)).coefficients)
    assert any("boundary" in note for note in solved.notes)


def test_too_few_people_or_nights() -> None:
    two = asked(cohort(drawn(8, people=2)), terms="age_decade + cramp_night", covariance="cluster")
    assert "2 participants are too few" in two.estimates["note"].iloc[0]
    short = cohort(drawn(8, people=12, nights=1))
    assert "no participant has two nights" in asked(short, "mixed-linear", "sex").estimates["note"].iloc[0]
    assert asked(short, "linear", "sex").status == "converged"
    assert "2 nights are too few for 2 coefficients" in str(no_residual(np.eye(2), np.arange(2.0), np.zeros(2)))
    groups = np.array([0, 0, 1, 1])
    assert nothing_within(np.ones((4, 1)), np.array([1.0, 2, 1, 2]), np.zeros(4), groups, None) is None


REFUSED = [
    ({"outcome": None}, "linear needs an outcome: a number of the diary"),
    ({"outcome": "sleep"}, "'sleep' is none in diary; did you mean sleep_hours"),
    ({"outcome": "sex"}, "'sex' is none in diary"),
    ({"outcome": "age_years"}, "'age_years' is none in diary"),
    ({"outcome": "pain_0_10"}, "what is logged of each cramp is for ordinal"),
    ({"outcome": "cramp_night"}, "takes a number of the diary as outcome, got 'cramp_night'"),
    ({"model": "poisson"}, "a number of the diary is for linear, mixed-linear, gee-exchangeable, gee-ar1"),
    ({"terms": "log(sleep_hours)"}, "terms name 'sleep_hours', which is the outcome itself"),
    ({"outcome": "cramps"}, "terms name 'cramp_night', which is what the outcome cramps is made of"),
    ({"where": "sleep_hours > 6"}, "the condition names 'sleep_hours', the outcome"),
    ({"exposure": "hours_in_bed"}, "has no exposure"),
    ({"covariance": "cluster-joint"}, "linear has no covariance cluster-joint"),
    ({"random_slope": "cramp_night"}, "linear has no random slope"),
]


@pytest.mark.parametrize(("more", "message"), REFUSED)
def test_what_cannot_be_asked_is_said(more: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        asked(cohort(drawn(1)), **more)


def test_nights_with_a_cramp_may_be_chosen_for_another_outcome() -> None:
    found = asked(cohort(drawn(1)), terms="alcohol_units", where="cramps > 0")
    assert found.status == "converged" and found.n_rows < 500


def test_checks_that_do_not_apply_are_not_made() -> None:
    of, rng = cohort(drawn(9)), np.random.default_rng(1)
    for model in MODELS:
        found = {c.name: c for c in check(of, model=model, terms="sex + cramp_night", outcome="sleep_hours", rng=rng)}
        assert {name for name, c in found.items() if c.passed is False} == set(), model
        made = {"serial dependence", "influence", "participants", "collinearity", "convergence"}
        made |= set() if model.startswith("gee") else {"quantile residuals"}
        assert {name for name, c in found.items() if c.passed} == made, model
        assert "share_of_nights" in found["influence"].table.columns


def test_checks_find_a_law_that_is_not_normal_and_nights_that_hang_together() -> None:
    rng = np.random.default_rng(3)
    nights = drawn(9, people=60)
    walk = 50_000 + 1000 * rng.normal(size=(60, 25)).cumsum(axis=1).ravel()
    skewed = nights.with_columns(
        sleep_hours=pl.Series(np.minimum(rng.exponential(1.0, 1500) ** 2, 24)), steps=pl.Series(walk.astype(int))
    )
    question = {"model": "linear", "terms": "cramp_night", "rng": np.random.default_rng(1)}
    found = {c.name: c.passed for c in check(cohort(skewed), **question, outcome="sleep_hours")}
    assert (found["quantile residuals"], found["serial dependence"]) == (False, True)
    found = {c.name: c.passed for c in check(cohort(skewed), **question, outcome="steps")}
    assert found["serial dependence"] is False


def test_the_bootstrap_of_a_difference() -> None:
    of, rng = cohort(drawn(10)), np.random.default_rng(1)
    found = bootstrap(
        of, model="linear", terms="cramp_night", outcome="sleep_hours", rng=rng, replicates=120
    ).set_index(["term", "analysis"])
    row = found.loc[("cramp_night", "participant bootstrap, percentile")]
    plain = asked(of, covariance="cluster").estimates.set_index("term").loc["cramp_night"]
    assert row["estimate"] == pytest.approx(plain["estimate"])
    assert row["std_error"] == pytest.approx(plain["std_error"], rel=0.3)
    assert row["ci_low"] < plain["estimate"] < row["ci_high"] < 0
