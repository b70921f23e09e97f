"""Within and between participants: person means by hand, against R and against a known truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from asking import solve
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy import codebook, estimates, fit, tables, terminal, wording
from crampstudy.codebook import exposures
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.models.bootstrap import bootstrap
from crampstudy.models.terms.person_time import means
from crampstudy.nights import person_nights
from crampstudy.sources import open_cohort
from crampstudy.sources.writer import About, writing

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "within.json").read_text())
FIRST = date(2024, 1, 1)
SPLIT = ["within(exercise_min)", "between(exercise_min)", "within(exercise_min) = between(exercise_min)"]


def made(people: dict[str, list[dict[str, Any]]], **about: list[Any]) -> Cohort:
    """Make a cohort from each participant's nights."""
    nights = [
        {"participant_id": who, "date": FIRST + timedelta(days=k), **night}
        for who, rows in people.items()
        for k, night in enumerate(rows)
    ]
    n = len(people)
    sexes = ["female" if i % 2 else "male" for i in range(n)]
    participants = pl.DataFrame(
        {"participant_id": list(people), "age_years": [40.0 + i % 30 for i in range(n)], "sex": sexes, **about}
    )
    diary = pl.DataFrame(nights, infer_schema_length=None)
    diary = diary.with_columns(pl.col(name).cast(pl.Float64) for name in diary.columns if diary[name].dtype == pl.Null)
    return Cohort("made", "diary", {"participants": participants, "diary": diary}, synthetic=True)


@cache
def drawn(people: int = 150, nights: int = 8, *, seed: int = 4, within: float = 1.0, between: float = 1.6) -> Cohort:
    """Draw exercise that differs within and between participants, each with a rate ratio of its own per half hour."""
    rng = np.random.default_rng(seed)
    usual = rng.normal(60, 24, people)[:, None]
    own = usual + rng.normal(0, 24, (people, nights))
    own = np.maximum(own, 0).round()
    middle = own.mean(axis=1, keepdims=True)
    other = rng.normal(0, 0.5, (people, 1))
    link = -0.7 + other + np.log(between) * (middle - 60) / 30 + np.log(within) * (own - middle) / 30
    cramps = rng.poisson(np.exp(link))
    return made(
        {
            f"p{i:03}": [
                {
                    "cramps": int(cramps[i, k]),
                    "exercise_min": float(own[i, k]),
                    "warm_up": bool(rng.random() < 0.2 + 0.6 * (i % 2)),
                    "fluid_ml": float(rng.normal(1500, 300).__round__()),
                    "load": float(own[i, k] / 30),
                }
                for k in range(nights)
            ]
            for i in range(people)
        }
    )


def row(rows: Any, term: str) -> dict[str, Any]:
    (found,) = rows[rows["term"] == term].to_dict("records")
    return {str(name): cell for name, cell in found.items()}


# The means


BY_HAND = made(
    {
        "a": [
            {"cramps": 1, "entry_made": True, "exercise_min": 10.0, "awakenings": 2, "hours_in_bed": 8.0},
            {"cramps": None, "entry_made": True, "exercise_min": 40.0, "awakenings": 4, "hours_in_bed": 8.0},
            {"cramps": 0, "entry_made": True, "exercise_min": None, "awakenings": 0, "hours_in_bed": 8.0},
            {"cramps": None, "entry_made": False, "exercise_min": 900.0, "awakenings": 50, "hours_in_bed": None},
            {"cramps": 2, "entry_made": None, "exercise_min": 70.0, "awakenings": None, "hours_in_bed": None},
        ],
        "b": [
            {"cramps": 0, "entry_made": True, "exercise_min": 5.0, "awakenings": 1, "hours_in_bed": 7.0},
            {"cramps": 0, "entry_made": True, "exercise_min": None, "awakenings": None, "hours_in_bed": 7.0},
        ],
        "c": [{"cramps": 1, "entry_made": True, "exercise_min": None, "awakenings": 3, "hours_in_bed": 7.0}],
    }
)


def columns(cohort: Cohort, *names: str) -> pl.DataFrame:
    nights, wanted = person_nights(cohort), [found for name in names if (found := exposures.find(name))]
    return means.added(cohort, nights, wanted).select("participant_id", "date", *names)


def test_the_mean_is_over_all_logged_nights_on_which_the_exposure_is_known() -> None:
    found = columns(BY_HAND, "within(exercise_min)", "between(exercise_min)")
    # The night without a count is logged; the one without an entry is not.
    assert found["between(exercise_min)"].to_list() == [40, 40, 40, 5, 5, None]
    assert found["within(exercise_min)"].to_list() == [-30, None, 30, 0, None, None]


def test_the_night_itself_is_left_out_where_that_is_asked_and_never_in_silence() -> None:
    plain = columns(BY_HAND, "within(awakenings)", "between(awakenings)")
    assert plain["between(awakenings)"].to_list() == [2, 2, 2, 1, 1, 3]
    assert plain["within(awakenings)"].to_list() == [0, -2, None, 0, None, 0]
    within, between = "within(awakenings, leave_out=True)", "between(awakenings, leave_out=True)"
    found = columns(BY_HAND, within, between)
    # Of 2, 4 and 0 the others'; a night that is not known itself has the mean of all; an only one has no other.
    assert found[between].to_list() == [2, 3, 2, None, 1, None]
    assert found[within].to_list() == [0, -3, None, None, None, None]


def test_what_comes_after_an_outcome_can_be_moved_by_it() -> None:
    moved = {v.name for v in codebook.variables("diary") if codebook.can_move("cramps", v.name)}
    assert moved == {
        "cramps",
        *("sleep_quality_0_10", "sleep_hours", "sleep_latency_min", "awakenings", "nocturia"),
        *("fatigue_0_10", "concentration_0_10", "productivity_0_10"),
    }
    assert codebook.can_move("fatigue_0_10", "productivity_0_10")
    assert not codebook.can_move("fatigue_0_10", "sleep_hours")
    assert not codebook.can_move("fatigue_0_10", "cramp_night")
    assert not codebook.can_move("steps", "exercise_min")
    found = columns(BY_HAND, "between(cramp_night)")
    assert found["between(cramp_night)"].to_list() == [2 / 3, 2 / 3, 2 / 3, 0, 0, 1]


def test_yes_or_no_has_the_share_of_nights_as_its_mean() -> None:
    cohort = made(
        {"a": [{"cramps": 0, "warm_up": yes} for yes in (True, False, None, True, True)], "b": [{"cramps": 1}] * 2}
    )
    found = columns(cohort, "within(warm_up)", "between(warm_up)")
    assert found["between(warm_up)"].to_list() == [0.75] * 5 + [None] * 2
    assert found["within(warm_up)"].to_list() == [0.25, -0.75, None, 0.25, 0.25, None, None]


VALUES = st.one_of(st.none(), st.floats(0, 24), st.sampled_from([0.1, 1e-9, 1 / 3]))


@settings(max_examples=40)
@given(
    st.lists(st.lists(VALUES, min_size=1, max_size=9), min_size=2, max_size=5),
    st.sampled_from(["exercise_min", "exercise_min, leave_out=True"]),
    st.randoms(use_true_random=False),
)
def test_deviations_sum_to_zero_in_whatever_order_nights_stand(
    people: list[list[float | None]], name: str, random: Any
) -> None:
    nights = {f"p{i}": [{"cramps": 0, "exercise_min": value} for value in values] for i, values in enumerate(people)}
    cohort = made(nights)
    wanted = (f"within({name})", f"between({name})")
    found = columns(cohort, *wanted)
    sums = found.group_by("participant_id").agg(pl.col(wanted[0]).sum())
    assert np.abs(sums[wanted[0]].to_numpy()).max() <= 1e-10
    for who, values in nights.items():
        known = {night["exercise_min"] for night in values} - {None}
        own = found.filter(pl.col("participant_id") == who)[wanted[0]].drop_nulls()
        assert len(known) != 1 or own.to_list() == [0.0] * len(own)
    order = list(range(cohort.frame("diary").height))
    random.shuffle(order)
    shuffled = Cohort(
        "made", "diary", {"participants": cohort.frame("participants"), "diary": cohort.frame("diary")[order]}
    )
    assert columns(shuffled, *wanted).equals(found)


def test_neither_other_terms_nor_a_condition_change_the_mean() -> None:
    cohort = drawn()
    gaps = cohort.frame("diary").with_columns(
        fluid_ml=pl.when(pl.int_range(pl.len()) % 3 > 0).then("fluid_ml"),
    )
    cohort = Cohort("made", "diary", {"participants": cohort.frame("participants"), "diary": gaps})
    whole = solve(cohort, model="poisson", terms="between(exercise_min)")
    some = solve(cohort, model="poisson", terms="between(exercise_min) + fluid_ml", where="exercise_min > 50")
    assert some.n_nights < whole.n_nights / 2
    assert set(some.design.matrix[:, 1]) <= set(whole.design.matrix[:, 1])


def test_nights_that_are_added_up_give_the_same_numbers() -> None:
    terms = "within(warm_up) + between(warm_up) + sex"
    for model in ("poisson", "negative-binomial", "logistic", "mixed-poisson", "zero-inflated-negative-binomial"):
        one, other = (solve(drawn(), model=model, terms=terms, night_by_night=by) for by in (True, False))
        assert one.solved
        assert other.solved
        assert len(other.data.outcome) < len(one.data.outcome), model
        np.testing.assert_allclose(other.solved.coefficients, one.solved.coefficients, rtol=1e-6, atol=1e-8)


# Against R


@cache
def parity_cohort() -> Cohort:
    people = pl.read_csv(PARITY / "diary" / "participants.csv")
    diary = pl.read_csv(PARITY / "diary" / "diary.csv", try_parse_dates=True)
    # What cramps can move, so that its mean leaves the night out.
    diary = diary.rename({"hours_in_bed": "sleep_hours"})
    uncounted = pl.col("date").dt.day() % 10 == 7
    diary = diary.with_columns(cramps=pl.when(~uncounted).then("cramps"))
    return Cohort("parity", "diary", {"participants": people, "diary": diary}, synthetic=True)


NAMED = {"alcohol": "alcohol_units", "hours": "sleep_hours, leave_out=True"}


@pytest.mark.parametrize("exposure", list(NAMED))
def test_the_means_are_those_of_r(exposure: str) -> None:
    x = NAMED[exposure]
    solution = solve(parity_cohort(), model="poisson", terms=f"age_decade + within({x}) + between({x})")
    _, _, within, between = solution.design.matrix.T
    assert solution.n_nights == R[exposure]["rows"]
    expected = R[exposure]["means"]
    assert [between[0], between.sum(), (within**2).sum()] == pytest.approx([*expected.values()], rel=1e-10)


@pytest.mark.parametrize("exposure", list(NAMED))
@pytest.mark.parametrize("model", ["poisson", "gee-exchangeable", "mixed-poisson"])
def test_the_ratios_are_those_of_r(model: str, exposure: str) -> None:
    x = NAMED[exposure]
    kind = "model" if model == "mixed-poisson" else "cluster-hc0" if model.startswith("gee") else "cluster"
    solved = solve(
        parity_cohort(), model=model, terms=f"age_decade + within({x}) + between({x})", covariance=kind
    ).solved
    assert solved
    expected = R[exposure][model]
    errors = np.array(expected["se"])
    # lme4's optimiser and its differenced information end some 1e-4 standard errors from the maximum.
    near = 1e-3 if model == "mixed-poisson" else 2e-5 if model.startswith("gee") else 1e-7
    assert np.abs((solved.coefficients - expected["coefficients"]) / errors).max() < near
    assert np.sqrt(np.diag(solved.variance)) == pytest.approx(errors, rel=near)


@pytest.mark.parametrize("model", ["gee-exchangeable", "mixed-poisson"])
def test_the_test_that_both_are_equal_is_that_of_r(model: str) -> None:
    kind = "model" if model == "mixed-poisson" else "cluster-hc0"
    rows = fit(parity_cohort(), model=model, terms="age_decade + sleep_hours", covariance=kind).estimates
    found = row(rows, "within(sleep_hours, leave_out=True) = between(sleep_hours, leave_out=True)")
    assert found["estimate"] == pytest.approx(R["hours"][model]["equal"], rel=5e-3)


# A known truth


@pytest.mark.parametrize("model", ["mixed-poisson", "gee-exchangeable", "poisson"])
def test_a_ratio_of_both_lies_between_and_its_parts_are_the_truth(model: str) -> None:
    cohort = drawn(400, seed=1)
    per = {"exercise_min": 30.0}
    bare = row(fit(cohort, model=model, terms="exercise_min", per=per).estimates, "exercise_min")
    assert 1.0 < bare["ci_low"] < bare["ci_high"] < 1.6
    both = dict.fromkeys(SPLIT[:2], 30.0)
    rows = fit(cohort, model=model, terms=" + ".join(SPLIT[:2]), per=both).estimates
    for name, truth in zip(SPLIT[:2], (1.0, 1.6), strict=True):
        found = row(rows, name)
        assert found["ci_low"] < truth < found["ci_high"]
        assert found["unit"] == "per 30 min/day"
        assert found["n_exposed"] == 400


def test_the_ratio_of_both_is_said_to_be_none_within_a_participant() -> None:
    rows = fit(drawn(), model="mixed-poisson", terms="exercise_min").estimates
    assert not rows["note"].str.contains("within a participant", na=False).any()


# Split by itself


@pytest.mark.parametrize("model", ["mixed-poisson", "mixed-negative-binomial", "gee-exchangeable", "gee-ar1"])
def test_a_nightly_exposure_is_split_by_itself(model: str) -> None:
    rows = fit(drawn(), model=model, terms="exercise_min + sex", per={"exercise_min": 30}).estimates
    asked = fit(
        drawn(), model=model, terms=f"{SPLIT[0]} + {SPLIT[1]} + sex", per=dict.fromkeys(SPLIT[:2], 30)
    ).estimates
    split = rows[kinds.is_split(rows)]
    assert split["term"].to_list() == SPLIT
    assert set(split["analysis"]) == {"regression, within and between"}
    for name in SPLIT[:2]:
        one, other = row(rows, name), row(asked, name)
        for cell in ("estimate", "ci_low", "ci_high", "p_value", "n_nights", "unit", "n_exposed"):
            assert one[cell] == pytest.approx(other[cell], rel=1e-12) if cell != "unit" else one[cell] == other[cell]
    solved = solve(drawn(), model=model, terms=f"{SPLIT[0]} + {SPLIT[1]} + sex").solved
    assert solved
    i, j = (1, 2)
    difference = solved.coefficients[j] - solved.coefficients[i]
    variance = solved.variance[i, i] + solved.variance[j, j] - 2 * solved.variance[i, j]
    test = row(rows, SPLIT[2])
    # With one degree of freedom the test has those of the difference itself.
    assert (test["scale"], test["unit"]) == ("wald_test", f"F on 1 and {test['df']:.4g} degrees of freedom")
    assert test["estimate"] == pytest.approx(difference**2 / variance, rel=1e-6)
    assert test["p_value"] < 0.01


def test_rows_that_compare_have_each_comparison_once() -> None:
    fitted = fit(drawn(), model="mixed-poisson", terms="exercise_min + sex")
    compared = estimates.at_contrasts(estimates.ratios(fitted.estimates))
    assert compared["term"].to_list() == ["contrast: exercise_min", "sex"]
    assert list(dict.fromkeys(name for _, name in tables.factors(fitted.estimates).index))[:2] == ["Exercise", "Sex"]
    assert fitted.estimates["key"].is_unique
    ratio = fitted.ratio({"exercise_min": 30}, {"exercise_min": 0})
    assert ratio["estimate"][0] == pytest.approx(row(fitted.estimates, "exercise_min")["estimate"] ** 30)


def test_a_line_below_the_table_says_both(capsys: pytest.CaptureFixture[str]) -> None:
    rows = fit(drawn(), model="mixed-poisson", terms="exercise_min + warm_up", per={"exercise_min": 30}).estimates
    terminal.show(rows)
    shown = capsys.readouterr().out
    assert "within participants" not in shown.split("Exercise: ")[0]
    within, between, test = (row(rows, name) for name in SPLIT)
    assert (
        f"Exercise: the ratio mixes {wording.estimate(within)} within participants and {wording.estimate(between)} "
        f"between them, per 30 min/day ({wording.p_text(test['p_value'])} that both are equal). Warm-up: the ratio"
    ) in shown
    assert "yes against no" in shown.split("Warm-up: ")[1]


@pytest.mark.parametrize(
    ("model", "terms"),
    [
        ("poisson", "exercise_min"),
        ("negative-binomial", "exercise_min"),
        ("mixed-poisson", "sex + age_decade"),
        ("mixed-poisson", "within(exercise_min) + between(exercise_min)"),
        # Beside the mean a ratio is that within; in a curve it is split nowhere.
        ("mixed-poisson", "exercise_min + between(exercise_min)"),
        ("gee-exchangeable", "exercise_min + I(exercise_min^2)"),
        ("gee-exchangeable", "exercise_min:sex"),
        ("gee-exchangeable", "exercise_min + I(exercise_min / 30):sex"),
        *(("gee-exchangeable", f"{curve} + sex") for curve in ("log1p(exercise_min)", "I(30 / (exercise_min + 9))")),
        ("gee-exchangeable", "I(exercise_min * exercise_min)"),
        ("gee-exchangeable", "I(exercise_min > 60)"),
        ("mixed-poisson", "stretch_calf_min + sex"),
    ],
)
def test_nothing_else_is_split(model: str, terms: str) -> None:
    rows = fit(drawn(), model=model, terms=terms).estimates
    assert not kinds.is_split(rows).any()


def test_several_are_split_together_and_where_they_interact() -> None:
    rows = fit(drawn(), model="mixed-poisson", terms="exercise_min * sex + warm_up + fluid_ml:sex").estimates
    split = rows[kinds.is_split(rows)]
    asked = fit(
        drawn(),
        model="mixed-poisson",
        terms=f"({SPLIT[0]} + {SPLIT[1]}) * sex + within(warm_up) + between(warm_up) + fluid_ml:sex",
    ).estimates
    assert split["term"].to_list() == [*SPLIT, *(name.replace("exercise_min", "warm_up") for name in SPLIT)]
    for name in (*SPLIT[:2], "within(warm_up)", "between(warm_up)"):
        assert row(rows, name)["estimate"] == pytest.approx(row(asked, name)["estimate"], rel=1e-9)
    assert "at the reference of what it interacts with" in row(rows, SPLIT[2])["note"]
    assert "Exercise: at the reference of what it interacts with, the ratio mixes" in tables.notes(rows)
    assert "Warm-up: the ratio mixes" in tables.notes(rows)


@pytest.mark.parametrize(
    ("scaled", "named", "per"),
    [
        ("I(exercise_min / 30)", "Exercise", "per 60 min/day"),
        ("I((exercise_min - 60) * 2 / 60)", "(Exercise − 60) * 2 / 60", "per 2"),
        ("I(60 - exercise_min)", "60 − Exercise", "per 2"),
    ],
)
def test_an_exposure_in_another_unit_is_split_too(scaled: str, named: str, per: str) -> None:
    rows = fit(drawn(), model="gee-exchangeable", terms=f"{scaled} + sex", per={scaled: 2.0}).estimates
    plain = fit(drawn(), model="gee-exchangeable", terms="exercise_min + sex").estimates
    factor = 2 * (-1 if scaled.startswith("I(60") else 30)
    for part in ("within", "between"):
        one = row(rows, scaled.replace("exercise_min", f"{part}(exercise_min)"))
        assert one["estimate"] == pytest.approx(row(plain, f"{part}(exercise_min)")["estimate"] ** factor, rel=1e-6)
    assert f"{named}: the ratio mixes" in tables.notes(rows) and f"between them, {per} (p" in tables.notes(rows)


def test_exposures_of_odd_names_in_multiples_and_with_slopes() -> None:
    diary = drawn().frame("diary").with_columns(pl.col("load").alias("shoe size"))
    cohort = Cohort("made", "diary", {"participants": drawn().frame("participants"), "diary": diary})
    asked: dict[str, Any] = {"terms": "`shoe size` + age_decade", "per": {"shoe size": 3.0, "age_decade": 2.0}}
    rows = fit(cohort, model="mixed-poisson", random_slope="shoe size", **asked).estimates
    assert row(rows, "within(`shoe size`)")["unit"] == "per 3"
    assert row(rows, "within(`shoe size`) = between(`shoe size`)")["status"] == "converged"


def test_a_random_slope_is_that_of_the_nights() -> None:
    asked: dict[str, Any] = {"model": "mixed-poisson", "random_slope": "load"}
    rows = fit(drawn(), terms="load + sex", **asked).estimates
    asked["random_slope"] = "within(load)"
    explicit = fit(drawn(), terms="within(load) + between(load) + sex", **asked).estimates
    assert row(rows, "between(load)")["estimate"] == pytest.approx(row(explicit, "between(load)")["estimate"])
    assert "random slope" in set(explicit["term"])


def test_what_does_not_change_within_anybody_is_said() -> None:
    # A sum of seven tenths is not seven times a tenth.
    cohort = made(
        {
            f"p{i:02}": [{"cramps": (i * k) % 3, "exercise_min": 0.1 * (i % 5), "steps": 7 * k} for k in range(7)]
            for i in range(30)
        }
    )
    rows = fit(cohort, model="gee-exchangeable", terms="exercise_min + steps").estimates
    within, between, test = (row(rows, name) for name in SPLIT)
    assert (within["status"], within["note"]) == ("not_estimable", "within(exercise_min) does not vary")
    assert between["status"] == "converged"
    assert (test["status"], test["note"]) == ("not_estimable", "within(exercise_min) does not vary")
    # All walk the same: there is no between.
    assert row(rows, "between(steps)")["note"] == "between(steps) does not vary"
    said = tables.notes(rows)
    assert (
        "Exercise: within and between participants could not be told apart: exercise, within participants does not "
        "vary." in said
    )
    assert row(rows, "steps")["status"] == "converged"


def test_means_that_differ_by_rounding_are_the_same() -> None:
    cohort = made(
        {
            f"p{i:02}": [{"cramps": (i + k) % 2, "exercise_min": 0.1 * ((i + k) % 3) + 0.2} for k in range(9)]
            for i in range(30)
        }
    )
    rows = fit(cohort, model="poisson", terms=" + ".join(SPLIT[:2])).estimates
    assert row(rows, SPLIT[1])["note"] == "between(exercise_min) does not vary"
    assert row(rows, SPLIT[0])["status"] == "converged"


def test_the_reason_why_no_split_can_be_made_stands_in_its_place() -> None:
    # One participant alone varies: the deviations are that one's.
    nights = {
        f"p{i:02}": [
            {"cramps": (i + k) % 3, "exercise_min": float(10 * i + (25 * k if i == 3 else 0))} for k in range(6)
        ]
        for i in range(20)
    }
    rows = fit(made(nights), model="mixed-poisson", terms="exercise_min").estimates
    within, _, test = (row(rows, name) for name in SPLIT)
    assert within["status"] == test["status"] == "not_estimable"
    assert within["note"] == test["note"]
    assert within["note"] == (
        "one participant alone has another within(exercise_min) than 0: a ratio would rest on that one"
    )


def test_a_model_without_a_ratio_has_nothing_to_split() -> None:
    cohort = made({f"p{i}": [{"cramps": 0, "exercise_min": float(i + k)} for k in range(4)] for i in range(6)})
    rows = fit(cohort, model="mixed-poisson", terms="exercise_min").estimates
    assert set(rows["status"]) == {"not_estimable"}
    assert not kinds.is_split(rows).any()


# As functions among others


def test_they_are_columns_like_any_other() -> None:
    terms = "within(exercise_min):sex + I(between(exercise_min) / 30) + ns(within(fluid_ml), df=2) + sex"
    design = solve(drawn(), model="poisson", terms=terms).design
    raw = columns(drawn(), "within(exercise_min)", "between(exercise_min)")
    named = {
        (column.term, column.level): values for column, values in zip(design.columns, design.matrix.T, strict=True)
    }
    female = drawn().frame("participants").filter(sex="female")["participant_id"].implode()
    women = raw["participant_id"].is_in(female).to_numpy()
    np.testing.assert_array_equal(
        named["within(exercise_min):sex", "female"], raw["within(exercise_min)"].to_numpy() * women
    )
    np.testing.assert_array_equal(
        named["I(between(exercise_min) / 30)", None], raw["between(exercise_min)"].to_numpy() / 30
    )
    assert {"ns(within(fluid_ml), df=2)"} <= set(design.terms())


def test_columns_of_odd_names_have_means_too() -> None:
    odd = {"shoe size": "load", "a:b": "fluid_ml", "within": "warm_up"}
    cohort = drawn()
    diary = cohort.frame("diary").with_columns(pl.col(of).alias(name) for name, of in odd.items())
    cohort = Cohort("made", "diary", {"participants": cohort.frame("participants"), "diary": diary})
    terms = "within(`shoe size`) + between(`a:b`) + within( within ) + I(within(`a:b`) / 30)"
    fitted = fit(cohort, model="poisson", terms=terms)
    shown = ["within(`shoe size`)", "between(`a:b`)", "within(`within`)", "I(within(`a:b`) / 30)"]
    beside = "reliability: a:b"
    assert [t for t in fitted.estimates["term"] if not wording.is_declared(t)] == [*shown, "intercept", beside]
    split = fit(cohort, model="mixed-poisson", terms="`shoe size` + `a:b` + sex").estimates
    assert row(split, "within(`a:b`) = between(`a:b`)")["status"] == "converged"
    assert "shoe size: the ratio mixes".capitalize() in tables.notes(split)


def test_a_ratio_of_any_two_deviations() -> None:
    fitted = fit(drawn(), model="poisson", terms=" + ".join(SPLIT[:2]))
    found = fitted.ratio({"within(exercise_min)": 30}, {"within(exercise_min)": 0})["estimate"][0]
    assert found == pytest.approx(row(fitted.estimates, "within(exercise_min)")["estimate"] ** 30)


def test_resampled_participants_keep_their_means() -> None:
    asked: dict[str, Any] = {"model": "poisson", "terms": " + ".join(SPLIT[:2])}
    rows = bootstrap(drawn(), rng=np.random.default_rng(1), replicates=60, **asked)
    plain = fit(drawn(), **asked).estimates
    for name in SPLIT[:2]:
        found = rows[(rows["term"] == name) & rows["analysis"].str.endswith("percentile")].iloc[0]
        assert found["estimate"] == pytest.approx(row(plain, name)["estimate"])
        assert found["std_error"] == pytest.approx(row(plain, name)["std_error"], rel=0.3)


def test_a_zero_part_takes_them() -> None:
    rows = fit(
        drawn(), model="hurdle-negative-binomial", terms="between(load)", zero_terms="within(load) + between(load)"
    ).estimates
    assert row(rows, "zero: between(load)")["ci_high"] < 1
    assert wording.term("zero: within(exercise_min)") == "Zeros: Exercise, within participants"


def test_what_was_never_measured_has_no_mean() -> None:
    rows = fit(drawn(), model="poisson", terms="within(stretch_calf_min) + sex").estimates
    assert row(rows, "within(stretch_calf_min)")["status"] == "not_measured"


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ("within(sex)", "within(sex): sex has one value per participant, so that all of it is between participants"),
        ("between(age_years)", "age_years has one value per participant"),
        ("within(age_band)", "age_band has one value per participant"),
        ("between(serum_magnesium_mmol_l)", "has one value per participant"),
        ("within(mood)", "mood is neither a number nor yes or no, and has no mean; add a column of 0 and 1"),
        ("within(cramps)", "terms name 'cramps', which is the outcome itself"),
        ("I(between(cramp_night) + 1)", "what the outcome cramps is made of"),
        ("within(date)", "terms name 'date', which is a date or a time"),
        ("within(participant_id)", "which says who it is"),
        ("within(exercise_mn)", "did you mean exercise_min?"),
        ("within(exercise_min / 30)", "within() takes the name of one column of the diary"),
        ("between(log(exercise_min))", "arithmetic stands around it, as in I(between(exercise_min) / 30)"),
        ("within(within(exercise_min))", "within() takes the name of one column"),
        ("within()", "within() takes the name of one column"),
        ("within(exercise_min, 3)", "within() takes the name of one column"),
        ("within(exercise_min", "within() takes the name of one column"),
        ("I(within(3))", "within() takes the name of one column"),
    ],
)
def test_what_has_no_parts_is_refused(terms: str, said: str) -> None:
    cohort = drawn(20)
    diary = cohort.frame("diary").with_columns(mood=pl.lit("fair"))
    cohort = Cohort("made", "diary", {"participants": cohort.frame("participants"), "diary": diary})
    with pytest.raises(UsageError) as refused:
        fit(cohort, model="mixed-poisson", terms=terms)
    assert said in str(refused.value)


@pytest.mark.parametrize(("model", "outcome"), [("ordinal", "pain"), ("cox", "gap"), ("survey-logistic", "any_cramp")])
def test_models_of_no_nights_have_none(model: str, outcome: str) -> None:
    people = pl.DataFrame(
        {
            "participant_id": ["1", "2"],
            "age_years": [50.0, 60.0],
            "sex": ["male", "female"],
            "weight_interview": [1.0, 1.0],
            "stratum": [1, 1],
            "psu": [1, 2],
            "recalled_low": [0, 1],
            "recalled_high": [0, 1],
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    survey = Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))
    with pytest.raises(UsageError, match=r"within\(steps\): within\(\) and between\(\) split what differs from night"):
        fit(survey if model.startswith("survey") else drawn(20), model=model, outcome=outcome, terms="within(steps)")


def test_from_the_command_line(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    with writing(tmp_path / "study", About("made"), "csv") as out:
        out.add({"participants": drawn().frame("participants"), "diary": drawn().frame("diary")})
    assert open_cohort(tmp_path / "study").frame("diary").height == 1200
    code, out_text, _ = run("fit", str(tmp_path / "study"), "--model", "mixed-poisson", "--terms", "exercise_min")
    assert code == 0
    assert "Exercise: the ratio mixes" in out_text
    asked = ["--model", "mixed-poisson", "--terms", "within(exercise_min) + between(exercise_min)"]
    slope = ["--random-slope", "within(exercise_min)"]
    code, out_text, _ = run("fit", str(tmp_path / "study"), *asked, *slope)
    assert code == 0
    assert "Exercise, within participants" in out_text
    code, _, error = run("fit", str(tmp_path / "study"), "--model", "poisson", "--terms", "within(sex)")
    assert code == 2
    assert "sex has one value per participant" in error


def test_a_remark_on_some_rows_of_an_exposure_says_on_which() -> None:
    """Models over several nights have fewer of them, and may lack other covariates."""

    def rated(level: str, note: str | None, term: str = "fluid_ml", **cells: Any) -> dict[str, Any]:
        kind = kinds.WITHIN_BETWEEN if level in ("within", "between") else kinds.DISTRIBUTED_LAG
        cells = {"status": "converged", "estimate": 1.2} | cells
        return estimates.row(analysis=kind.name, term=term, level=level, scale="rate_ratio", note=note, **cells)

    few, fewer = (
        f"not adjusted for electrolyte_drink: every one of its {n} nights was without a cramp" for n in (9, 4)
    )
    rows = [
        rated("within", f"{few}; 20 nights left out; of few"),
        rated("between", "20 nights left out; of few"),
        *(
            rated(level, f"{fewer}; 31 nights left out; 70 nights apart; fluid_ml is coarse")
            for level in ("lag 0", "lag 1", "cumulative")
        ),
        rated("within", "70 nights apart", "alcohol_units"),
    ]
    said = tables.notes(estimates.frame(rows))
    assert "Fluid intake (within participants): not adjusted for electrolyte drink: every one of its 9 nights" in said
    assert "Fluid intake (over several nights): not adjusted for electrolyte drink: every one of its 4 nights" in said
    # Of all of them there is nothing to tell apart.
    assert "Fluid intake: 20 to 31 nights left out" in said
    assert "Fluid intake (over several nights), Alcohol: 70 nights apart" in said
    assert "Fluid intake (within and between participants): of few" in said and "; fluid intake is coarse" in said
    # A row without an estimate is no part: its reason is told.
    failed = rated("between", "too few", status="not_estimable", estimate=None)
    assert "(" not in tables.notes(estimates.frame([rows[0], failed]))


def test_a_number_of_one_row_is_no_bound_of_a_range() -> None:
    def lags(**nights: int) -> Any:
        return estimates.frame(
            estimates.row(
                analysis=kinds.DISTRIBUTED_LAG.name,
                term=term,
                level=level.replace("_", " "),
                scale="rate_ratio",
                status="converged",
                estimate=1.2,
                note=f"{n} nights left out, incomplete on the terms",
            )
            for level, n in nights.items()
            for term in ("fluid_ml", "contrast: fluid_ml")
        )

    one = lags(lag_0=20, lag_1=20, lead_1=20, cumulative=462)
    assert tables.notes(one) == (
        "Nights left out, incomplete on the terms: 462 (Fluid intake, cumulative), 20 (Fluid intake, other rows)."
    )
    own = lags(lag_0=20, lag_1=31, cumulative=462)
    said = (
        "20 (Fluid intake, same night), 31 (Fluid intake, 1 night later), 462 (Fluid intake, all these nights together)"
    )
    assert f"Nights left out, incomplete on the terms: {said}." in tables.nightly_exposures(own).notes[0]
    # Of several rows each, both are bounds.
    assert tables.notes(lags(lag_0=20, lag_1=20, lead_1=31, cumulative=31)) == (
        "20 to 31 nights left out, incomplete on the terms."
    )
