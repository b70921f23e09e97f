"""Treatments in open use: weights and balance by hand and against R, and what is said where there is no estimate."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import recovery_open_use as recovery
from matplotlib.figure import Figure
from parity_cells import HERE, reference

from crampstudy import analyses, figures, tables
from crampstudy.cohort import Cohort
from crampstudy.estimates import facts, kinds
from crampstudy.estimates.treatments import covariate
from crampstudy.simulate import Mess, Truth, simulate
from crampstudy.treatments.designs import TreatmentDesign, designs
from crampstudy.treatments.open_use import deletion, open_use, overlap, weights
from crampstudy.treatments.open_use.balance import deviation, deviation_of_share, imbalances, standardised_difference
from crampstudy.treatments.open_use.propensity import Covariates, graph_set, measured_before
from crampstudy.treatments.time_zero import time_zero

WITHIN = {"rtol": 1e-6, "atol": 0}


# By hand.

BY_HAND = weights.FollowUp(
    np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool),
    np.array([4.0, 6, 8, 10, 2, 4, 6, 10]),
    np.array([10.0] * 8),
)
"""Of four people without a condition one is treated, of four with it three."""
HAS = np.array([0, 0, 0, 0, 1, 1, 1, 1.0])


def propensity() -> weights.Propensity:
    return weights.Propensity.of(np.column_stack([np.ones(8), HAS]), BY_HAND.treated)


def test_weights_by_hand() -> None:
    chance = propensity().chance
    assert np.allclose(chance, np.where(HAS > 0, 0.75, 0.25))
    # P(A) is a half: 0.5 / 0.25 of a treated one without it, 0.5 / 0.75 of one with it.
    found = weights.stabilised(chance, BY_HAND.treated)
    assert np.allclose(found, [2, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2])
    # The 1st centile of eight numbers lies between the two least: all but the extremes stay.
    assert np.allclose(weights.truncated(np.arange(1.0, 9.0))[[0, 3, 7]], [1.07, 4, 7.93])


def test_weighted_rates_are_standardised_rates() -> None:
    # The treated have 0.4 a night without it and 0.4 with it, the others 0.8 and 1.0; half of all have it.
    found = weights.weighted_rates(BY_HAND, propensity())
    assert (found.treated, found.untreated) == (pytest.approx(0.4), pytest.approx(0.9))
    assert np.allclose(found.effective, [16 / (4 + 4 / 3)] * 2)
    ratio, weekly = weights.log_ratio(found, BY_HAND.treated), weights.difference(found, BY_HAND.treated)
    assert (ratio.value, weekly.value) == (pytest.approx(np.log(0.4 / 0.9)), pytest.approx(-3.5))
    # With the propensity saturated, an influence is that of the mean of two strata.
    assert np.allclose(found.influence.sum(axis=0), 0)


def test_crude_rates_and_their_error() -> None:
    found = weights.crude_rates(BY_HAND)
    assert (found.treated, found.untreated) == (pytest.approx(0.4), pytest.approx(0.85))
    # Residuals of the treated 0, -2, 0, 2, of the others -2.5, -0.5, 1.5, 1.5, over 40 nights; G/(G-1) is 8/7.
    error = np.sqrt(8 / 7 * (8 / (40 * 0.4) ** 2 + 11 / (40 * 0.85) ** 2))
    contrast = weights.log_ratio(found, BY_HAND.treated)
    assert contrast.std_error == pytest.approx(error)
    a, b = 8 / 16**2, 11 / 34**2
    assert contrast.df == pytest.approx((a + b) ** 2 / (a**2 / 3 + b**2 / 3))


def test_crude_rates_without_each_by_hand() -> None:
    found = deletion.without_each_crude(weights.crude_rates(BY_HAND), BY_HAND)
    # Without a treated one of 4 of their 16 cramps they have 12 in 30 nights; of 2, 14; of 6, 10.
    assert found.without is not None
    treated = [12 / 30, 14 / 30, 12 / 30, 10 / 30]
    np.testing.assert_allclose(found.without[BY_HAND.treated], [[34 / 40, each] for each in treated])
    weekly = weights.difference(found, BY_HAND.treated)
    of_treated = sum((7 * (each - 16 / 40)) ** 2 for each in treated)
    of_others = sum((7 * ((34 - each) / 30 - 34 / 40)) ** 2 for each in (6, 8, 10, 10))
    assert weekly.std_error == pytest.approx(np.sqrt(7 / 8 * (of_treated + of_others)))
    both = of_treated + of_others
    assert weekly.df == pytest.approx(both**2 / (of_treated**2 / 3 + of_others**2 / 3))


def people_of(n: int, seed: int, odds: float = -0.5) -> tuple[np.ndarray, weights.FollowUp]:
    """Two covariates, of which one decides on treatment and on cramps."""
    rng = np.random.default_rng(seed)
    matrix = np.column_stack([np.ones(n), rng.standard_normal((n, 2))])
    treated = rng.random(n) < 1 / (1 + np.exp(-(odds + matrix[:, 1])))
    nights = rng.integers(10, 40, n).astype(float)
    return matrix, weights.FollowUp(
        treated, rng.poisson(0.4 * nights * np.exp(0.3 * matrix[:, 1])).astype(float), nights
    )


@pytest.mark.parametrize(("n", "odds"), [(16, 0.0), (40, -0.5), (150, -2.5)])
def test_without_each_is_all_anew_without_them(n: int, odds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    # In several parts, as it is done of many.
    monkeypatch.setattr(deletion, "_AT_ONCE", 7 * n)
    matrix, of = people_of(n, 11, odds)
    fitted = weights.Propensity.of(matrix, of.treated)
    gone = deletion.deleted(fitted, of.treated)
    fewer = of.treated if n > 100 else np.ones(n, dtype=bool)
    assert list(gone.who) == list(np.flatnonzero(fewer))
    found = deletion.without_each(weights.weighted_rates(of, fitted), of, fitted, gone)
    assert found.without is not None and np.isnan(found.without[~fewer]).all()
    for one in gone.who:
        rest = np.arange(n) != one
        own = weights.FollowUp(of.treated[rest], of.cramps[rest], of.nights[rest])
        anew = weights.Propensity.of(matrix[rest], own.treated)
        if anew.problem:
            assert np.isnan(found.without[one]).all()
            continue
        rates = weights.weighted_rates(own, anew)
        np.testing.assert_allclose(found.without[one], [rates.untreated, rates.treated], rtol=1e-7)
    # Of those who are many the influence stands: it is what leaving one of them out comes to.
    moved, ratio = np.log(found.without[fewer] / [found.untreated, found.treated]), weights.log_ratio(found, of.treated)
    linear = found.influence[~fewer] / [found.untreated, found.treated]
    squares = np.sum((moved[:, 1] - moved[:, 0]) ** 2) * (n - 1) / n
    squares += np.sum((linear[:, 1] - linear[:, 0]) ** 2) * n / (n - 1)
    assert ratio.std_error == pytest.approx(np.sqrt(squares))


def test_of_many_the_stacked_equations_stand() -> None:
    matrix, of = people_of(500, 3, 0.0)
    fitted = weights.Propensity.of(matrix, of.treated)
    stacked = weights.weighted_rates(of, fitted)
    found = deletion.without_each(stacked, of, fitted, deletion.deleted(fitted, of.treated))
    assert weights.log_ratio(found, of.treated) == weights.log_ratio(stacked, of.treated)


def test_what_rests_on_one_participant_has_no_interval() -> None:
    # Of the treated one alone has cramps: without them there is no ratio, and a difference there is.
    matrix, of = people_of(40, 11)
    cramps = np.where(of.treated, 0.0, of.cramps)
    cramps[np.flatnonzero(of.treated)[0]] = 5.0
    lone = weights.FollowUp(of.treated, cramps, of.nights)
    fitted = weights.Propensity.of(matrix, of.treated)
    gone = deletion.deleted(fitted, of.treated)
    found = deletion.without_each(weights.weighted_rates(lone, fitted), lone, fitted, gone)
    assert weights.log_ratio(found, of.treated).problem == weights.LONE
    assert weights.difference(found, of.treated).problem is None
    # One treated participant alone is below 0: without them all treated are above all others.
    x = np.concatenate([[-0.5], np.linspace(1, 2, 5), np.linspace(-2, 0, 14)])
    apart = weights.FollowUp(np.arange(20) < 6, np.arange(20.0) % 5 + 1, np.full(20, 20.0))
    fitted = weights.Propensity.of(np.column_stack([np.ones(20), x]), apart.treated)
    gone = deletion.deleted(fitted, apart.treated)
    assert np.isnan(gone.coefficients).any(axis=1).tolist() == [True, *[False] * 19]
    found = deletion.without_each(weights.weighted_rates(apart, fitted), apart, fitted, gone)
    for contrast in (weights.log_ratio, weights.difference):
        assert contrast(found, apart.treated).problem == weights.LONE_PROPENSITY


def test_balance_by_hand() -> None:
    treated = BY_HAND.treated
    age = np.array([50.0, 40, 50, 60, 60, 70, 80, 70])
    # Means 65 and 55; variances 500/3 in both groups.
    scale = deviation(age, treated)
    assert scale == pytest.approx(np.sqrt(500 / 3))
    assert standardised_difference(age, treated, np.ones(8), scale) == pytest.approx(10 / scale)
    own = weights.stabilised(propensity().chance, treated)
    # Weighted means: (2 * 50 + 2/3 * 210) / 4 and (2/3 * 150 + 2 * 70) / 4.
    assert standardised_difference(age, treated, own, scale) == pytest.approx((60 - 60) / scale, abs=1e-12)
    assert deviation_of_share(HAS, treated) == pytest.approx(np.sqrt((0.75 * 0.25 + 0.25 * 0.75) / 2))
    people = pl.DataFrame({"has": HAS > 0, "sex": ["a", "b"] * 4, "smoking": ["x", "y", "z", "x"] * 2, "one": [1] * 8})
    found = {(each.variable, each.level): each for each in imbalances(people, treated, own)}
    assert set(found) == {("has", "true"), ("sex", "a"), *(("smoking", level) for level in "xyz"), ("one", None)}
    assert found["has", "true"].before == pytest.approx(0.5 / np.sqrt(0.1875))
    assert found["has", "true"].after == pytest.approx(0, abs=1e-12)
    assert found["one", None].before == 0
    apart = pl.DataFrame({"x": treated.astype(float), "y": [None if t else 1.0 for t in treated]})
    (told,) = imbalances(apart, treated, own)
    assert np.isnan(told.before)


# Against R.


@pytest.fixture(scope="module")
def data() -> dict[str, Any]:
    table = pl.read_csv(HERE / "ipw-data.csv")
    return {name: table[name].cast(pl.Float64).to_numpy() for name in table.columns}


def test_weights_and_contrasts_as_in_r(data: dict[str, Any]) -> None:
    r = reference("ipw")
    treated = data["treated"] > 0
    rate = np.log((data["run_in_cramps"] + 0.5) / data["run_in_nights"])
    frame = pl.DataFrame({"age": data["age"], "female": data["female"], "rate": rate})
    matrix = Covariates.of(frame, ("age", "female", "rate")).matrix
    found = weights.Propensity.of(matrix, treated)
    of = weights.FollowUp(treated, data["cramps"], data["nights"])
    np.testing.assert_allclose(weights.stabilised(found.chance, treated), r["weights"], **WITHIN)
    for truncate, name in ((False, "weighted"), (True, "truncated")):
        rates = weights.weighted_rates(of, found, truncate=truncate)
        ratio, weekly = weights.log_ratio(rates, treated), weights.difference(rates, treated)
        ours = [rates.untreated, rates.treated, ratio.value, ratio.std_error, weekly.value, weekly.std_error]
        told = r[name]
        names = ("log_ratio", "log_ratio_error", "difference", "difference_error")
        np.testing.assert_allclose(ours, [*told["rates"], *(told[each] for each in names)], **WITHIN)
        gone = deletion.deleted(found, treated)
        anew = deletion.without_each(rates, of, found, gone, truncate=truncate)
        errors = [weights.log_ratio(anew, treated).std_error, weights.difference(anew, treated).std_error]
        np.testing.assert_allclose(errors, [r["jackknife"][name][each] for each in names[1::2]], **WITHIN)
        if not truncate:
            np.testing.assert_allclose(rates.effective, r["effective"], **WITHIN)
    people = frame.with_columns(pl.col("female") > 0)
    for each in imbalances(people, treated, weights.stabilised(found.chance, treated)):
        np.testing.assert_allclose([each.before, each.after], r["smd"][each.variable], **WITHIN)


# A cohort.


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    truth = Truth()
    agents = tuple(
        replace(agent, share_using={"magnesium": 0.3, "tens": 0.25, "quinine": 0.04}.get(agent.column, 0.0))
        for agent in truth.agents
    )
    design = replace(truth.design, kind="open-use", already_using=0.1)
    return simulate(150, 40, seed=5, truth=replace(truth, agents=agents, design=design))


@pytest.fixture(scope="module")
def found(cohort: Cohort) -> dict[str, pd.DataFrame]:
    return {design.agent: open_use(cohort, design) for design in designs(cohort)}


def test_the_first_row_is_that_of_the_numbers(cohort: Cohort, found: dict[str, pd.DataFrame]) -> None:
    design = next(each for each in designs(cohort) if each.agent == "magnesium")
    zero = time_zero(cohort, design).compared
    after = (
        cohort.frame("diary")
        .drop_nulls("cramps")
        .join(zero.select("participant_id", "time_zero"), on="participant_id")
        .filter(pl.col("date") >= pl.col("time_zero"))
        .group_by("participant_id")
        .agg(cramps=pl.col("cramps").sum(), logged=pl.len())
    )
    who = zero.join(cohort.frame("participants"), on="participant_id", maintain_order="left").join(
        after, on="participant_id", maintain_order="left"
    )
    numbers = [who[name].cast(pl.Float64).to_numpy() for name in ("age_years", "run_in_log_rate", "cramps", "logged")]
    treated = (who["arm"] == "magnesium").to_numpy()
    matrix = np.column_stack([np.ones(len(who)), numbers[0] - 60, who["sex"] == "male", numbers[1]])
    of, fitted = weights.FollowUp(treated, numbers[2], numbers[3]), weights.Propensity.of(matrix, treated)
    rates = deletion.without_each(weights.weighted_rates(of, fitted), of, fitted, deletion.deleted(fitted, treated))
    ratio, weekly = weights.log_ratio(rates, treated), weights.difference(rates, treated)
    rows = kinds.OPEN_USE.rows(found["magnesium"]).set_index("scale")
    assert rows.loc["rate_ratio", "estimate"] == pytest.approx(np.exp(ratio.value), rel=1e-7)
    assert rows.loc["rate_ratio", "std_error"] == pytest.approx(ratio.std_error, rel=1e-7)
    assert rows.loc["difference", "estimate"] == pytest.approx(weekly.value, rel=1e-7)
    assert list(rows["n_exposed"]) == [treated.sum()] * 2
    assert list(rows["n_events"]) == [numbers[2].sum()] * 2
    assert list(rows["n_effective"]) == pytest.approx([sum(rates.effective)] * 2)
    said = rows.loc["rate_ratio"]
    assert said["adjusted_for"] == "age_years; sex; run_in_log_rate"
    for words in ("adjusted effect", "whole cohort", "whether or not it was stopped", "treatment policy"):
        assert words in said["estimand"]
    assert "the median wait of those who began in the diary" in said["note"] and "none trimmed" in said["note"]
    assert kinds.OPEN_USE_CRUDE.rows(found["magnesium"])["estimand"].str.startswith("association").all()
    assert kinds.OPEN_USE_CRUDE.rows(found["magnesium"])["verdict"].isna().all()
    assert rows["verdict"].notna().all() and rows["note"].str.contains("covariance jackknife").all()
    assert kinds.OPEN_USE_TRUNCATED.rows(found["magnesium"])["verdict"].isna().all()


def test_the_graph_adds_what_it_asks_for(cohort: Cohort, found: dict[str, pd.DataFrame]) -> None:
    row = kinds.OPEN_USE_GRAPH.rows(found["tens"]).iloc[0]
    assert row["adjusted_for"] == "age_years; sex; run_in_log_rate; joint_pain_0_10"
    assert "cramps_before (run_in_log_rate): no sufficient set among what was measured" in row["note"]
    same = kinds.OPEN_USE_GRAPH.rows(found["magnesium"]).iloc[0]
    assert same["estimate"] == kinds.OPEN_USE.rows(found["magnesium"]).iloc[0]["estimate"]
    design = next(each for each in designs(cohort) if each.agent == "tens")
    measured = measured_before(cohort, time_zero(cohort, design))
    said = graph_set(cohort, "stretching", measured)
    assert said is not None and "between(exercise_min)" in said[1]
    assert graph_set(cohort, "acupuncture", measured) is None
    assert "cramps" not in measured.columns and measured.columns[0] == "run_in_log_rate"


def test_balance_lists_everything_measured(cohort: Cohort, found: dict[str, pd.DataFrame]) -> None:
    before, after = (kind.rows(found["tens"]) for kind in (kinds.BALANCE_BEFORE, kinds.BALANCE_AFTER))
    terms = set(before["term"])
    assert {"age_years", "sex", "run_in_log_rate", "bmi_kg_m2", "diuretic_class", "between(fluid_ml)"} <= terms
    assert not terms & {"participant_id", "birth_year", "recalled_high", "arm", "between(cramps)"}
    assert list(before["term"]) == list(after["term"])
    inside = before["adjusted_for"].notna()
    assert set(before["term"][inside]) == {"age_years", "sex", "run_in_log_rate"}
    assert after["estimate"][inside.to_numpy()].abs().max() < before["estimate"][inside].abs().max()


def test_overlap_says_who_has_no_counterpart() -> None:
    chance = np.array([0.1, 0.2, 0.3, 0.4, 0.2, 0.5])
    treated = np.array([0, 0, 0, 1, 1, 1], dtype=bool)
    seen = overlap.overlap_of(chance, np.array([1.0, 1, 1, 1, 1, 12]), treated)
    assert seen.outside == (2, 1)
    assert seen.sentence == (
        "weights from 1.00 to 12.00, none trimmed, 1 participant above 10; 2 treated, 1 untreated with a chance of "
        "treatment that nobody of the other group has"
    )
    rows = pd.DataFrame(overlap.rows(seen, {"cohort": "c", "population": "all participants", "term": "tens"}))
    shares = rows[rows["analysis"] == kinds.PROPENSITY_WEIGHTED.name]
    assert shares.groupby("population")["estimate"].sum().tolist() == pytest.approx([1, 1])
    one = shares[(shares["population"] == "treated") & (shares["level"] == "0.475-0.500")]
    assert one["estimate"].tolist() == pytest.approx([12 / 14])
    alike = overlap.overlap_of(np.array([0.2, 0.2]), np.ones(2), np.array([True, False]))
    assert alike.sentence.endswith("overlap throughout")


def test_few_treated_are_described_and_not_estimated(found: dict[str, pd.DataFrame]) -> None:
    rows = found["quinine"]
    assert set(rows["analysis"]) == {kinds.OPEN_USE_RATE.name, kinds.OPEN_USE.name}
    lost = kinds.OPEN_USE.rows(rows)
    assert (lost["status"] == "not_estimable").all() and (lost["verdict"] == "too few").all()
    assert (lost["note"] == "fewer than 5 people who took it have nights before and after time zero").all()
    rates = kinds.OPEN_USE_RATE.rows(rows)
    # Whoever took it alone is described by no rate.
    assert rates["estimate"].notna().eq(rates["n_participants"] > 1).all()
    assert set(rates.loc[rates["n_participants"] == 1, "note"]) == {"rests on one participant"}
    assert rates.loc[rates["n_participants"] < 5, "ci_low"].isna().all()


def diary(
    people: int, treated: int, *, cramps: bool = True, apart: bool = False, ages: bool = True
) -> tuple[Cohort, TreatmentDesign]:
    """People of 20 nights; every second night has a cramp; the treated begin on the tenth."""
    first = date(2024, 3, 1)
    ids = [f"p{i:02}" for i in range(people)]
    sexes = ["female", "male"] * (people // 2) + ["female"] * (people % 2)
    years = [80.0 + i if apart and i < treated else 40.0 + 7 * i % 30 for i in range(people)]
    nights = pl.DataFrame(
        [
            (name, first + timedelta(days=k), k % (2 + i % 3) == 0 and (cramps or i >= treated or k < 10))
            for (i, name), k in product(enumerate(ids), range(20))
        ],
        ["participant_id", "date", "cramps"],
        orient="row",
    ).with_columns(pl.col("cramps").cast(pl.Int64), entry_made=True)
    periods = pl.DataFrame(
        {"participant_id": ids[:treated], "agent": ["tens"] * treated, "start": [first + timedelta(days=10)] * treated},
        schema={"participant_id": pl.String, "agent": pl.String, "start": pl.Date},
    )
    who = pl.DataFrame({"participant_id": ids, "sex": sexes, "age_years": years}).with_columns(
        pl.col("age_years") if ages else pl.lit(None, pl.Float64).alias("age_years")
    )
    made = Cohort("small", "diary", {"participants": who, "diary": nights, "treatments": periods})
    return made, designs(made)[0]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"people": 20, "treated": 4},
            "fewer than 5 people who took it have nights before and after time zero",
        ),
        ({"people": 20, "treated": 17}, "fewer than 5 people who did not take it have nights"),
        ({"people": 20, "treated": 8, "cramps": False}, "no cramp of the treated from time zero on"),
        ({"people": 20, "treated": 8, "apart": True}, "treated and untreated are set apart completely"),
    ],
)
def test_what_cannot_be_estimated_says_why(options: dict[str, Any], reason: str) -> None:
    rows = open_use(*diary(**options))
    lost = kinds.OPEN_USE.rows(rows)
    ratio = lost[lost["scale"].eq("rate_ratio")]
    assert (ratio["status"] == "not_estimable").all() and ratio["estimate"].isna().all()
    assert lost["ci_low"].isna().all() and lost["verdict"].isin([None, "too few"]).all()
    assert lost["note"].str.contains(reason, regex=False).all()
    assert reason in str(tables.open_use(rows).notes)


def test_the_variable_that_sets_treated_and_untreated_apart_is_named() -> None:
    """All that are treated are women, or older than the others."""
    made, _ = diary(40, 16)
    women = made.frame("participants").with_columns(
        sex=pl.when(pl.int_range(pl.len()) < 20).then(pl.lit("female")).otherwise(pl.col("sex"))
    )
    cohort = Cohort("small", "diary", {**made.tables, "participants": women})
    (why,) = set(kinds.OPEN_USE.rows(open_use(cohort, designs(cohort)[0]))["note"].str.partition(": ")[2])
    assert why.startswith("some of the treated and untreated are set apart by sex: no finite estimate exists")
    (why,) = set(kinds.OPEN_USE.rows(open_use(*diary(20, 8, apart=True)))["note"].str.partition(": ")[2])
    assert why.startswith("treated and untreated are set apart completely by age: no finite estimate exists")


def test_without_ages_the_weights_have_the_rest() -> None:
    rows = kinds.OPEN_USE.rows(open_use(*diary(30, 12, ages=False)))
    assert list(rows["adjusted_for"]) == ["sex; run_in_log_rate"] * 2
    assert rows["verdict"].notna().all()


def test_whoever_lacks_a_covariate_is_left_out_and_counted() -> None:
    made, design = diary(30, 12)
    ages = made.frame("participants").with_columns(pl.when(pl.col("participant_id") != "p20").then("age_years"))
    part = Cohort("small", "diary", {**made.tables, "participants": ages})
    row = kinds.OPEN_USE.rows(open_use(part, design)).iloc[0]
    assert row["n_participants"] == 29 and "1 participant left out without all covariates" in row["note"]


def test_whom_the_weights_leave_out_is_told_with_the_treated_among_them() -> None:
    """The flow has 30 compared, 14 of them treated: 5 of these have no age, and 1 of the others no sex."""
    made, design = diary(30, 14)
    person = pl.int_range(pl.len())
    people = made.frame("participants").with_columns(
        age_years=pl.when(~person.is_between(0, 4)).then("age_years"), sex=pl.when(person != 20).then("sex")
    )
    part = Cohort("small", "diary", {**made.tables, "participants": people})
    rows = open_use(part, design)
    counts = [(row["n_exposed"], row["n_participants"]) for _, row in kinds.OPEN_USE_CRUDE.rows(rows).iterrows()]
    counts += [(row["n_exposed"], row["n_participants"]) for _, row in kinds.OPEN_USE.rows(rows).iterrows()]
    assert counts == [(14, 30), (14, 30), (9, 24), (9, 24)]
    lost = "6 participants left out without all covariates (age and sex), 5 of them treated"
    first = kinds.OPEN_USE.rows(rows).iloc[0]
    assert lost in first["note"].split("; ") and facts.fact(first, "leaves out") == lost
    assert "average in those with all covariates" in first["estimand"]
    table = analyses.run("treatments", part).tables["tbl-treatment-effects"]
    assert table.frame["Treated / all"].tolist() == ["9 / 24"] and f"{lost}." in str(table.note)
    # Where a group is left too small, who is missing stands in the reason.
    few = people.with_columns(age_years=pl.when(person > 9).then("age_years"))
    rows = open_use(Cohort("small", "diary", {**made.tables, "participants": few}), design)
    lost = "11 participants left out without all covariates (age and sex), 10 of them treated"
    assert kinds.OPEN_USE.rows(rows)["note"].iloc[0] == f"{lost}, which leaves fewer than 5 of a group"


def test_weights_of_women_alone_are_of_their_age() -> None:
    made, design = diary(30, 12)
    people = made.frame("participants").with_columns(sex=pl.lit("female"), age_years=pl.col("age_years"))
    # A man without an age has no weight, so that all who have one are women.
    man = pl.col("participant_id") == "p29"
    people = people.with_columns(
        sex=pl.when(man).then(pl.lit("male")).otherwise("sex"), age_years=pl.when(~man).then("age_years")
    )
    rows = open_use(Cohort("small", "diary", {**made.tables, "participants": people}), design)
    assert set(kinds.OPEN_USE.rows(rows)["adjusted_for"]) == {"age_years; run_in_log_rate"}


def test_tables_and_figures(found: dict[str, pd.DataFrame]) -> None:
    rows = pd.concat(found.values(), ignore_index=True)
    effects = tables.open_use(rows)
    assert list(effects.loc["TENS", "Weights"]) == [
        *("crude", "weighted", "weights truncated", "weighted, also for the graph")
    ]
    assert effects.loc["Quinine", "Rate ratio (95% CI)"] == "could not estimate"
    assert tables.open_use_rates(rows).shape == (3, 5)
    balance = tables.balance(rows)
    assert balance.loc[("TENS", "Rate before time zero"), "In the propensity"] == "yes"
    assert ("TENS", "Fluid intake before time zero") in balance.index and "pooled SD" in balance.notes[0]
    seen = tables.overlap(rows)
    assert list(seen.index) == ["Magnesium", "TENS"] and seen["Greatest SMD in the propensity"].str.contains("→").all()
    for draw in (figures.balance, figures.overlap):
        assert isinstance(draw(rows), Figure)
        assert "too few" not in str(draw(found["quinine"]).texts)
    assert covariate("run_in_log_rate") == "Rate before time zero"
    assert all(len(axes.collections) and len(axes.lines) for axes in figures.overlap(rows).axes[:2])


def test_a_difference_of_more_than_one_stands_where_it_is(found: dict[str, pd.DataFrame]) -> None:
    rows = pd.concat(found.values(), ignore_index=True)
    one = rows["analysis"].eq("balance before weighting") & rows["outcome"].eq("tens") & rows["term"].eq("age_years")
    rows.loc[one, "estimate"] = -1.6
    drawn = [float(x) for axes in figures.balance(rows).axes for line in axes.get_lines() for x in line.get_xdata()]
    assert max(drawn) == 1.6 and all(axes.get_xlim()[1] > 1.6 for axes in figures.balance(rows).axes)


def test_no_effect_where_there_is_none_and_confounding_is_measured() -> None:
    # Age and sex alone decide on rate and use, and the treatment does nothing.
    quiet = Truth().without_effects().with_effects(age_decade=0.4, sex_female=0.8)
    cramps = replace(quiet.cramps, person_shape=1e6, rate_per_week=2.0, near_nightly_share=0.0)
    agents = tuple(replace(a, share_using=0.3 if a.column == "tens" else 0.0) for a in quiet.agents)
    design = replace(quiet.design, kind="open-use", already_using=0.0, indication=1.5)
    drawn = simulate(600, 30, 3, replace(quiet, cramps=cramps, agents=agents, design=design), Mess.none())
    rows = open_use(drawn, designs(drawn)[0])
    crude, weighted = (kind.rows(rows).iloc[0] for kind in (kinds.OPEN_USE_CRUDE, kinds.OPEN_USE))
    assert crude["ci_low"] > 1.2
    assert weighted["ci_low"] < 1 < weighted["ci_high"] and abs(np.log(weighted["estimate"])) < 0.15


# Recovery, the quick part.


@pytest.mark.parametrize("log_ratio", recovery.EFFECTS)
def test_a_measured_indication_is_taken_away(log_ratio: float) -> None:
    right = recovery.weekly(log_ratio)
    cohorts = recovery.by_choice(recovery.MEASURED, "250", log_ratio, 6, 2)
    drawn = [recovery.of_open_use(*each, log_ratio, right) for each in cohorts]
    for name in ("weighted, rate ratio", "weighted, difference"):
        known = [one for each in drawn if (one := each[name])]
        assert len(known) == 6 and sum(covered for _, _, covered in known) >= 4
        error, spread = (np.mean([one[place] for one in known]) for place in (0, 1))
        assert abs(error) < 3 * spread / np.sqrt(6)
    crude = [each["crude, rate ratio"] for each in drawn]
    assert sum(bool(one and one[2]) for one in crude) < 4
