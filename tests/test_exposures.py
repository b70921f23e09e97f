"""Exposures of other nights: by hand across gaps, against a slow reference, in models, files and the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from asking import solve
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from crampstudy import bootstrap, check, codebook, estimates, fit, wording
from crampstudy.codebook import contrasts, exposures
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.models.common.partitions import in_parts
from crampstudy.models.inference.covariance import cluster_sums
from crampstudy.models.terms import formula
from crampstudy.nights import Diary, person_nights
from crampstudy.sources.writer import About, writing

FIRST = date(2024, 2, 26)
"""So that the nights go over the end of a February of 29 days."""


def diary_of(nights: dict[str, dict[int, dict[str, Any]]]) -> Cohort:
    """Make a cohort of each participant's nights, by their day."""
    rows = [
        {"participant_id": who, "date": FIRST + timedelta(days=day), "cramps": 0, **night}
        for who, own in nights.items()
        for day, night in own.items()
    ]
    people = pl.DataFrame(
        {
            "participant_id": list(nights),
            "age_years": [40.0 + i % 30 for i in range(len(nights))],
            "sex": ["female" if i % 2 else "male" for i in range(len(nights))],
        }
    )
    diary = pl.DataFrame(rows, infer_schema_length=None)
    diary = diary.with_columns(pl.col(name).cast(pl.Float64) for name in diary.columns if diary[name].dtype == pl.Null)
    return Cohort("made", "diary", {"participants": people, "diary": diary}, synthetic=True)


def values(cohort: Cohort, *names: str) -> pl.DataFrame:
    """Return columns of exposures of other nights, a row per observed night."""
    wanted = [found for name in names if (found := exposures.find(name))]
    return person_nights(cohort, names=(), exposures=wanted).select(names)


# By hand


GAPS = diary_of(
    {
        # Days 2 and 5 have no row, day 3 no entry, day 6 an entry without a count, day 7 no known alcohol.
        "a": {
            0: {"alcohol_units": 1.0, "warm_up": True},
            1: {"alcohol_units": 2.0, "warm_up": False},
            3: {"alcohol_units": 50.0, "warm_up": True, "entry_made": False, "cramps": None},
            4: {"alcohol_units": 4.0, "warm_up": True},
            6: {"alcohol_units": 6.0, "warm_up": None, "cramps": None},
            7: {"alcohol_units": None, "warm_up": True},
            8: {"alcohol_units": 0.0, "warm_up": False},
        },
        "b": {9: {"alcohol_units": 7.0, "warm_up": True}, 10: {"alcohol_units": 8.0, "warm_up": True}},
    }
)
"""Nights 0, 1, 4, 7 and 8 of a, and 9 and 10 of b, are observed."""


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lag(alcohol_units, 0)", [1, 2, 4, None, 0, 7, 8]),
        # Never the row before but the night before; a night with an entry is known without its count.
        ("lag(alcohol_units, 1)", [None, 1, None, 6, None, None, 7]),
        ("lag(alcohol_units, 3)", [None, None, 2, 4, None, None, None]),
        ("lag(alcohol_units, 4)", [None, None, 1, None, 4, None, None]),
        ("lead(alcohol_units, 1)", [2, None, None, 0, None, 8, None]),
        ("lead(alcohol_units, 2)", [None, None, 6, None, None, None, None]),
        ("lag(lag(alcohol_units, 1), 2)", [None, None, 2, 4, None, None, None]),
        ("lead(lag(alcohol_units, 1), 1)", [1, 2, 4, None, 0, 7, 8]),
        ("lag(warm_up, 1)", [None, True, None, None, True, None, True]),
        # Of one night all, of two both (80 % of two are more than one), of five four.
        ("mean_last(alcohol_units, 1)", [1, 2, 4, None, 0, 7, 8]),
        ("mean_last(alcohol_units, 2)", [None, 1.5, None, None, None, None, 7.5]),
        ("mean_last(warm_up, 2)", [None, 0.5, None, None, 0.5, None, 1]),
        ("days_last(warm_up, 2)", [None, 1, None, None, 1, None, 2]),
        ("days_last(alcohol_units, 2)", [None, 2, None, None, None, None, 2]),
        ("lag(mean_last(alcohol_units, 2), 3)", [None, None, 1.5, None, None, None, None]),
    ],
)
def test_by_hand_across_gaps(name: str, expected: list[Any]) -> None:
    assert values(GAPS, name)[name].to_list() == expected


def test_four_of_five_nights_are_enough_and_the_count_is_of_those_known() -> None:
    known = {k: {"alcohol_units": float(k % 3)} for k in (0, 1, 3, 4, 6)}
    found = values(diary_of({"a": known}), "mean_last(alcohol_units, 5)", "days_last(alcohol_units, 5)")
    # Day 4: 0, 1, 0 and 1; day 6: 0 to 6 less 2 and 5, of which 2 to 6 are 3, 4 and 6 alone.
    assert found["mean_last(alcohol_units, 5)"].to_list() == [None, None, None, 0.5, None]
    assert found["days_last(alcohol_units, 5)"].to_list() == [None, None, None, 2, None]


def test_a_load_ratio_is_the_last_week_over_the_four_before_it() -> None:
    steps = {k: {"steps": 1000 if k < 28 else 3000} for k in range(36)}
    found = values(diary_of({"a": steps}), "load_ratio(steps)")["load_ratio(steps)"].to_list()
    # Nights 0 to 27 are the chronic ones of night 34, and 28 to 34 its acute ones.
    assert found[34] == 3.0
    assert found[27] == 1.0
    # A night later one of the chronic nights is one of 3,000 steps.
    assert found[35] == pytest.approx(3000 / ((27 * 1000 + 3000) / 28))
    # The first night with 14 nights before its last seven.
    assert found[:20] == [None] * 20
    assert found[20] == 1.0
    without = {k: night for k, night in steps.items() if k not in (30, 31, 32)}
    assert values(diary_of({"a": without}), "load_ratio(steps)")["load_ratio(steps)"].to_list()[-2] is None
    without = {k: night for k, night in steps.items() if k not in (31, 32)}
    assert values(diary_of({"a": without}), "load_ratio(steps)")["load_ratio(steps)"].to_list()[-2] == 3.0
    still = {k: {"steps": 0} for k in range(40)}
    assert values(diary_of({"a": still}), "load_ratio(steps)")["load_ratio(steps)"].null_count() == 40


# Against a slow reference


def slowly(nights: dict[int, float | None], day: int, name: str) -> float | None:
    """Return an exposure of a day by looking at each night that it is made of, one after the other."""
    exposure = exposures.find(name)
    assert exposure
    day -= exposure.shift

    def mean(days: range, fewest: float) -> float | None:
        found = [x for k in days if (x := nights.get(k)) is not None]
        return sum(found) / len(found) if len(found) >= fewest else None

    match exposure.window:
        case None:
            return nights.get(day)
        case ("mean_last", n):
            return mean(range(day - n + 1, day + 1), 0.8 * n)
        case ("days_last", n):
            found = [x for k in range(day - n + 1, day + 1) if (x := nights.get(k)) is not None]
            return sum(x > 0 for x in found) if len(found) >= 0.8 * n else None
    acute, chronic = mean(range(day - 6, day + 1), 5), mean(range(day - 34, day - 6), 14)
    return acute / chronic if acute is not None and chronic else None


AMOUNT = st.one_of(st.none(), st.sampled_from([0.0, 0.1, 1 / 3, 60.0]), st.floats(0, 24).map(lambda x: round(x, 3)))
ASKED = [
    *("lag(alcohol_units, 1)", "lag(alcohol_units, 9)", "lead(alcohol_units, 2)", "mean_last(alcohol_units, 3)"),
    *("days_last(alcohol_units, 6)", "load_ratio(alcohol_units)", "lag(mean_last(alcohol_units, 4), 2)"),
    *("days_last(lead(alcohol_units, 3), 5)", "lag(load_ratio(alcohol_units), 1)"),
]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.dictionaries(st.integers(0, 60), AMOUNT, min_size=1, max_size=61), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_as_a_slow_reference_has_it_in_whatever_order_nights_stand(
    people: list[dict[int, float | None]], random: Any
) -> None:
    amounts = {f"p{i}": own for i, own in enumerate(people)}
    cohort = diary_of({who: {k: {"alcohol_units": x} for k, x in own.items()} for who, own in amounts.items()})
    diary = cohort.frame("diary")
    order = list(range(diary.height))
    random.shuffle(order)
    cohort = Cohort("made", "diary", {"participants": cohort.frame("participants"), "diary": diary[order]})
    found = values(cohort, *ASKED)
    for name in ASKED:
        expected = [slowly(own, day, name) for own in amounts.values() for day in sorted(own)]
        assert [x is None for x in found[name]] == [x is None for x in expected], name
        known = [x for x in expected if x is not None]
        assert found[name].drop_nulls().to_list() == pytest.approx(known, rel=1e-9, abs=1e-9), name


def test_a_load_of_nothing_is_nothing_whatever_came_before() -> None:
    amounts = {k: 0.1 * (k % 3 + 1) if k < 20 else 0.0 for k in range(60)}
    name = "load_ratio(alcohol_units)"
    found = values(diary_of({"a": {k: {"alcohol_units": x} for k, x in amounts.items()}}), name)[name]
    assert found[53] == 0.0
    # From night 54 on the chronic nights are 20 to 47 and later.
    assert found[54:].to_list() == [None] * 6


def test_a_constant_has_a_mean_without_rounding() -> None:
    cohort = diary_of({who: {k: {"alcohol_units": x} for k in range(40)} for who, x in (("a", 0.1), ("b", 1 / 3))})
    found = values(cohort, "mean_last(alcohol_units, 7)")["mean_last(alcohol_units, 7)"].drop_nulls()
    assert set(found) == {0.1, 1 / 3}


def test_the_nights_before_a_large_total_keep_their_digits() -> None:
    people = {f"p{i:03}": {k: {"fluid_ml": 1e4 + 0.1 * ((i + k) % 3)} for k in range(60)} for i in range(200)}
    found = values(diary_of(people), "mean_last(fluid_ml, 3)")["mean_last(fluid_ml, 3)"].drop_nulls()
    assert found.to_numpy() == pytest.approx(1e4 + 0.1, rel=1e-15)


# In models


def drawn(people: int = 60, nights: int = 30, seed: int = 3) -> Cohort:
    """Draw a diary with gaps and nights without a count, whose cramps follow the alcohol of the night before."""
    rng = np.random.default_rng(seed)
    alcohol = rng.poisson(1.5, (people, nights)) * (rng.random((people, nights)) < 0.6)
    usual = rng.normal(0, 0.3, people)
    made: dict[str, dict[int, dict[str, Any]]] = {}
    for i in range(people):
        own = made[f"p{i:03}"] = {}
        for k in range(nights):
            if rng.random() < 0.1:
                continue
            rate = np.exp(-1 + usual[i] + 0.25 * (alcohol[i, k - 1] if k else 0))
            own[k] = {
                "cramps": int(rng.poisson(rate)) if rng.random() < 0.95 else None,
                "alcohol_units": float(alcohol[i, k]),
                "warm_up": bool(rng.random() < 0.5),
                "fluid_ml": float(rng.normal(1500, 300)),
                "sleep_hours": float(rng.normal(7, 1)),
                "mood": "fair",
            }
    return diary_of(made)


COHORT = drawn()


def row(rows: Any, term: str) -> dict[str, Any]:
    (found,) = rows[rows["term"] == term].to_dict("records")
    return {str(name): cell for name, cell in found.items()}


def test_nested_deviations_are_from_the_same_mean_at_every_lag() -> None:
    means = COHORT.frame("diary").group_by("participant_id").agg(pl.col("alcohol_units").mean().alias("mean"))
    terms = "within(alcohol_units) + lag(within(alcohol_units), 1) + mean_last(within(alcohol_units), 3)"
    solution = solve(COHORT, model="poisson", terms=f"{terms} + between(alcohol_units)")
    _, own, before, last, between = solution.design.matrix.T
    assert set(np.round(between, 12)) <= set(means["mean"].round(12))
    raw = ("lag(alcohol_units, 1)", "mean_last(alcohol_units, 3)")
    plain = values(COHORT, *raw)[np.flatnonzero(solution.design.rows).tolist()]
    np.testing.assert_allclose(before, plain[raw[0]].to_numpy() - between, atol=1e-12)
    np.testing.assert_allclose(last, plain[raw[1]].to_numpy() - between, atol=1e-12)
    assert np.ptp(own) > 0


def test_what_is_left_out_of_a_lagged_deviation_is_the_night_of_the_outcome() -> None:
    name = "lag(within(sleep_hours, leave_out=True), 1)"
    cohort = diary_of(
        {"a": {k: {"sleep_hours": float(x)} for k, x in enumerate((2, 4, 9))}, "b": {0: {"sleep_hours": 1.0}}}
    )
    solution = solve(
        diary_of(
            {
                **{who: {k: {"sleep_hours": float(x), "cramps": k} for k, x in enumerate((2, 4, 9))} for who in "ab"},
                **{who: {k: {"sleep_hours": float(x), "cramps": k} for k, x in enumerate((6, 3, 3))} for who in "cd"},
            }
        ),
        model="poisson",
        terms=name,
    )
    # Night 1 of a: 2 less the mean of 2 and 9; night 2: 4 less that of 2 and 4.
    assert solution.design.matrix[:4, 1].tolist() == [-3.5, 1.0, -3.5, 1.0]
    assert solution.design.matrix[4:, 1].tolist() == [1.5, -1.5, 1.5, -1.5]
    assert cohort.frame("diary").height == 4


def test_nights_left_out_are_counted_apart_from_those_that_are_incomplete() -> None:
    diary = COHORT.frame("diary").with_columns(
        alcohol_units=pl.when(pl.int_range(pl.len()) % 7 > 0).then("alcohol_units")
    )
    cohort = Cohort("made", "diary", {"participants": COHORT.frame("participants"), "diary": diary})
    observed = person_nights(cohort)
    lagged = values(cohort, "lag(alcohol_units, 1)")["lag(alcohol_units, 1)"].is_null()
    fitted = fit(cohort, model="poisson", terms="alcohol_units + lag(alcohol_units, 1)")
    assert fitted.account
    lost = dict(fitted.account.left_out)
    assert lost["without the other nights that the terms need"] == lagged.sum()
    assert lost["incomplete on the terms"] == (observed["alcohol_units"].is_null() & ~lagged).sum()
    assert fitted.account.used == fitted.n_rows
    note = row(fitted.estimates, "alcohol_units")["note"]
    assert f"{lagged.sum():,} nights left out, without the other nights that the terms need" in note


def test_a_condition_changes_no_lag() -> None:
    whole = solve(COHORT, model="poisson", terms="lag(alcohol_units, 1)")
    nights = person_nights(COHORT)[np.flatnonzero(whole.design.rows).tolist()]
    some = solve(COHORT, model="poisson", terms="lag(alcohol_units, 1)", where="alcohol_units > 1")
    np.testing.assert_array_equal(
        some.design.matrix[:, 1], whole.design.matrix[(nights["alcohol_units"] > 1).to_numpy(), 1]
    )


TERMS = [
    "lag(warm_up, 1) + between(alcohol_units)",
    "within(warm_up) + lag(within(warm_up), 2) + between(warm_up)",
    "lead(warm_up, 1) * sex",
    "days_last(alcohol_units, 5) + lag(within(alcohol_units, leave_out=True), 1)",
    "ns(lag(alcohol_units, 1), df=2) + sex",
    "I(lag(alcohol_units, 1) > 0) + warm_up",
]


@pytest.mark.parametrize("terms", TERMS)
@pytest.mark.parametrize("model", ["poisson", "negative-binomial", "logistic", "mixed-poisson"])
def test_nights_that_are_added_up_give_the_same_numbers(model: str, terms: str, monkeypatch: Any) -> None:
    monkeypatch.setattr("crampstudy.models.nights.solve.repetitive", lambda *_: True)
    one, other = (solve(COHORT, model=model, terms=terms, night_by_night=by) for by in (True, False))
    assert one.solved
    assert other.solved
    assert len(other.data.outcome) < len(one.data.outcome)
    assert other.n_nights == one.n_nights
    assert dict(other.account.left_out) == dict(one.account.left_out)
    assert other.solved.log_likelihood == pytest.approx(one.solved.log_likelihood, rel=1e-10)
    # The likelihood is the same; where a search for its maximum ends differs by some 1e-7.
    np.testing.assert_allclose(other.solved.coefficients, one.solved.coefficients, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(other.solved.variance, one.solved.variance, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("terms", TERMS)
def test_scores_of_nights_that_are_added_up_are_the_same(terms: str, monkeypatch: Any) -> None:
    """Those of each participant, anywhere: not only where a search for the maximum ends."""
    monkeypatch.setattr("crampstudy.models.nights.solve.repetitive", lambda *_: True)
    both = [solve(COHORT, model="poisson", terms=terms, night_by_night=by) for by in (True, False)]
    b = np.random.default_rng(1).normal(0, 0.1, len(both[0].design.columns))
    scores = []
    for matrix, data in ((solution.design.matrix, solution.data) for solution in both):
        times = 1.0 if data.weights is None else data.weights
        left = times * (data.outcome - np.exp(matrix @ b + data.offset))
        scores.append(cluster_sums(matrix * left[:, None], data.groups))
    assert len(both[1].data.outcome) < len(both[0].data.outcome)
    assert both[0].participants == both[1].participants
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-10, atol=1e-10 * np.abs(scores[0]).max())


@pytest.mark.parametrize("terms", TERMS)
def test_scanned_files_and_pieces_give_the_rows_of_the_cohort(
    terms: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut so that each participant's nights stand in several files, in any order, and read in several pieces."""
    monkeypatch.setattr("crampstudy.models.nights.solve.repetitive", lambda *_: True)
    here = estimates.to_csv(fit(COHORT, model="poisson", terms=terms).estimates)
    people, diary = COHORT.frame("participants"), COHORT.frame("diary")
    with writing(tmp_path / "study", About(COHORT.name), "parquet") as out:
        for some in (people[:20], people[20:]):
            out.add({"participants": some, "diary": diary.join(some.select("participant_id"), on="participant_id")})
    mixed = diary.sample(fraction=1.0, shuffle=True, seed=1)
    for i, path in enumerate(sorted((tmp_path / "study" / "diary").iterdir())):
        mixed.gather_every(2, i).write_parquet(path)
    scanned = Diary("made", COHORT.frame("participants"), mixed.lazy())
    monkeypatch.setattr("crampstudy.nights.diary.AT_ONCE", 400)
    assert estimates.to_csv(fit(scanned, model="poisson", terms=terms).estimates) == here
    assert estimates.to_csv(fit(in_parts(tmp_path / "study"), model="poisson", terms=terms).estimates) == here


def test_pieces_leave_the_nights_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = values(COHORT, *ASKED)
    monkeypatch.setattr("crampstudy.nights.diary.AT_ONCE", 100)
    assert_frame_equal(values(COHORT, *ASKED), whole)


def test_they_stand_in_every_place_of_a_model_of_nights() -> None:
    fitted = fit(
        COHORT, model="mixed-poisson", terms="lag(alcohol_units, 1) + sex", random_slope="lag(alcohol_units,1)"
    )
    assert row(fitted.estimates, "lag(alcohol_units, 1)")["status"] == "converged"
    assert "random slope" in set(fitted.estimates["term"])
    factor = fit(COHORT, model="poisson", terms="C(lag(warm_up, 1), ref='true')").estimates
    assert row(factor, "C(lag(warm_up, 1), ref='true')")["reference"] == "true"
    linear = fit(COHORT, model="linear", outcome="sleep_hours", terms="lag(cramp_night, 1) + lag(within(fluid_ml), 1)")
    assert row(linear.estimates, "lag(cramp_night, 1)")["unit"] == "h/night, against false"
    hurdle = fit(COHORT, model="hurdle-negative-binomial", terms="sex", zero_terms="lag(warm_up, 1)").estimates
    assert row(hurdle, "zero: lag(warm_up, 1)")["status"] == "converged"
    assert hurdle["note"].str.contains("without the other nights").any()
    again = fit(COHORT, model="poisson", terms="lag(alcohol_units, 1)", second_opinion=True).second_opinion
    assert again is not None
    assert again["status"].eq("agrees").all()


def test_checks_and_a_bootstrap_take_them() -> None:
    terms = "lag(alcohol_units, 1) + lag(within(fluid_ml), 1)"
    made = check(COHORT, model="poisson", terms=terms, rng=np.random.default_rng(1))
    assert {one.name for one in made} >= {"collinearity", "convergence", "serial dependence"}
    assert {one.verdict for one in made if one.name in ("collinearity", "convergence")} == {"passed"}
    rows = bootstrap(COHORT, model="poisson", terms=terms, replicates=40, rng=np.random.default_rng(1))
    plain = fit(COHORT, model="poisson", terms=terms).estimates
    for _, found in rows[rows["term"] == "lag(alcohol_units, 1)"].iterrows():
        assert found["estimate"] == pytest.approx(row(plain, "lag(alcohol_units, 1)")["estimate"])
        assert found["ci_low"] < found["estimate"] < found["ci_high"]
    fitted = fit(COHORT, model="poisson", terms=terms)
    ratio = fitted.ratio({"lag(alcohol_units, 1)": 3}, {"lag(alcohol_units, 1)": 0})["estimate"][0]
    assert ratio == pytest.approx(row(plain, "lag(alcohol_units, 1)")["estimate"] ** 3)


def test_a_lag_of_the_outcome_is_of_another_night() -> None:
    rows = fit(COHORT, model="poisson", terms="lag(cramps, 1) + lag(mean_last(cramps, 3), 1)").estimates
    assert row(rows, "lag(cramps, 1)")["status"] == "converged"
    for terms in ("lag(cramps, 0)", "mean_last(cramps, 3)", "lag(within(cramps), 1)", "lag(cramps, 1) + cramps"):
        with pytest.raises(UsageError, match="which is the outcome itself"):
            fit(COHORT, model="poisson", terms=terms)


def test_what_no_night_has_is_said() -> None:
    rows = fit(COHORT, model="poisson", terms="lag(alcohol_units, 90) + sex").estimates
    found = row(rows, "lag(alcohol_units, 90)")
    assert found["status"] == "not_estimable"
    assert found["note"] == "no night has the other nights logged that are needed for lag(alcohol_units, 90)"
    assert row(rows, "sex")["status"] == "converged"
    empty = COHORT.frame("diary").with_columns(steps=pl.lit(None, pl.Int64))
    cohort = Cohort("made", "diary", {"participants": COHORT.frame("participants"), "diary": empty})
    for terms in ("lag(stretch_calf_min, 1)", "lag(steps, 1)", "lag(within(steps), 1)"):
        rows = fit(cohort, model="poisson", terms=f"{terms} + sex").estimates
        assert row(rows, terms)["status"] == "not_measured"
        assert row(rows, "sex")["status"] == "converged"


def test_a_mean_with_the_night_that_cramps_can_move_is_named() -> None:
    rows = fit(COHORT, model="poisson", terms="lag(within(sleep_hours), 1) + between(sleep_hours)").estimates
    said = "the outcome of a night can move its sleep_hours, and the mean has that night in it: within(sleep_hours"
    assert said in row(rows, "lag(within(sleep_hours), 1)")["note"]
    for terms in ("within(sleep_hours, leave_out=True)", "within(fluid_ml)", "lag(sleep_hours, 1)"):
        assert "can move" not in str(row(fit(COHORT, model="poisson", terms=terms).estimates, terms)["note"])


@pytest.mark.parametrize(
    ("term", "at", "reference", "unit"),
    [
        ("lag(alcohol_units, 1)", "3", "0", "3 against 0 units/day"),
        ("lead(within(alcohol_units), 1)", "3", "0", "3 units/day above own mean"),
        ("mean_last(alcohol_units, 3)", "3", "0", "3 against 0 units/day"),
        ("days_last(alcohol_units, 5)", "5", "0", "5 of 5 against 0 of 5 nights"),
    ],
)
def test_declared_contrasts(term: str, at: str, reference: str, unit: str) -> None:
    rows = fit(COHORT, model="poisson", terms=term).estimates
    found = row(rows, f"contrast: {term}")
    assert (found["level"], found["reference"], found["unit"]) == (at, reference, unit)
    assert found["verdict"] == found["verdict"]
    step = float(at) - float(reference)
    assert found["estimate"] == pytest.approx(row(rows, term)["estimate"] ** step)


def test_units_and_words() -> None:
    rows = fit(
        COHORT, model="poisson", terms="lag(warm_up, 1) + days_last(warm_up, 5) + mean_last(fluid_ml, 3)"
    ).estimates
    assert row(rows, "lag(warm_up, 1)")["level"] == "true"
    assert row(rows, "days_last(warm_up, 5)")["unit"] == "per 1 night"
    assert row(rows, "mean_last(fluid_ml, 3)")["unit"] == "per 1 mL/day"
    assert wording.term("lag(alcohol_units, 1)") == "Alcohol, 1 night before"
    assert wording.term("lag(within(alcohol_units), 0)") == "Alcohol, within participants, same night"
    assert wording.term("lead(within(alcohol_units), 2)") == "Alcohol, within participants, 2 nights after"
    assert wording.term("within(sleep_hours, leave_out=True)") == "Sleep, within participants, night left out"
    assert wording.term("lag(mean_last(`shoe size`, 7), 1)") == "shoe size, mean of last 7 nights, 1 night before"
    assert wording.term("days_last(warm_up, 14)") == "Warm-up, nights of last 14"
    assert wording.term("zero: load_ratio(steps)") == "Zeros: Steps, acute over chronic load"


def test_centiles_of_deviations_are_those_of_nights_however_these_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    terms = "within(sitting_min)"
    diary = COHORT.frame("diary").with_columns(extra=(pl.col("alcohol_units") // 1) ** 2)
    cohort = Cohort("made", "diary", {"participants": COHORT.frame("participants"), "diary": diary})
    terms = "within(extra)"
    found = []
    for yes in (True, False):
        monkeypatch.setattr("crampstudy.models.nights.solve.repetitive", lambda *_, yes=yes: yes)
        found.append(row(fit(cohort, model="poisson", terms=terms).estimates, f"contrast: {terms}"))
    assert found[0]["unit"] == found[1]["unit"]
    assert found[0]["estimate"] == pytest.approx(found[1]["estimate"], rel=1e-10)


def test_contrasts_of_claims_of_nightly_exposures() -> None:
    declared = {(c.name, c.kind): (c.at, c.reference) for c in contrasts.declared()}
    assert declared["exercise_rpe", "deviation-centile"] == (90, 10)
    assert declared["ambient_temperature_c", "value"] == (30, 10)
    for mineral in ("sodium", "potassium", "calcium", "magnesium"):
        assert declared[f"dietary_{mineral}_mg", "centile"] == (10, 90)
    assert {c.name for c in contrasts.declared()} <= {v.name for v in codebook.VARIABLES}
    found = contrasts.find("exercise_rpe", deviation=True)
    assert found
    assert found.wording(3, -2) == "90th against 10th centile: 3 points above own mean against 2 below it"
    assert found.wording(3, 0) == "90th against 10th centile: 3 points above own mean against the mean itself"
    assert found.wording(0, -2) == "90th against 10th centile: own mean against 2 below it"


# Refused


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ("lag(nosuch, 1)", "terms name 'nosuch'"),
        ("lag(alcohol_unit, 1)", "did you mean alcohol_units?"),
        (
            "lag(sex, 1)",
            "lag(sex, 1): sex has one value per participant, so that it is the same on every night; write sex",
        ),
        ("mean_last(age_years, 7)", "age_years has one value per participant"),
        ("days_last(mood, 7)", "mood is neither a number nor yes or no"),
        ("lag(date, 1)", "which is a date or a time"),
        ("lag(participant_id, 1)", "which says who it is"),
        ("lag(alcohol_units, -1)", "k=-1 in lag() is no whole number of nights from 0 to 366; write lag(x, 1)"),
        ("lead(alcohol_units, 1.5)", "k=1.5 in lead() is no whole number"),
        ("lag(alcohol_units, 1e1)", "k=1e1 in lag() is no whole number"),
        ("lag(alcohol_units, sex)", "k=sex in lag() is no whole number"),
        ("lag(alcohol_units, 367)", "k=367 in lag() is no whole number of nights from 0 to 366"),
        ("mean_last(alcohol_units, 0)", "n=0 in mean_last() is no whole number of nights from 1 to 366"),
        ("lag(alcohol_units)", "and how many nights; write lag(x, 1)"),
        ("lag(alcohol_units, n=1)", "write lag(x, 1)"),
        ("lag(alcohol_units, 1, 2)", "write lag(x, 1)"),
        ("lag(alcohol_units, 1", "write lag(x, 1)"),
        ("lag(alcohol_units / 2, 1)", "arithmetic around it as in I(lag(x, 1) / 30)"),
        ("load_ratio(alcohol_units, 7)", "write load_ratio(x)"),
        ("within(lag(alcohol_units, 1))", "write the deviation of other nights as lag(within(alcohol_units), 1)"),
        ("lag(between(alcohol_units), 1)", "between(alcohol_units) is the mean of all nights of a participant"),
        (
            "mean_last(mean_last(alcohol_units, 2), 2)",
            "mean_last() takes no mean_last(); write mean_last(alcohol_units, 7)",
        ),
        (
            "days_last(within(alcohol_units), 7)",
            "of a column itself and not of deviations; write days_last(alcohol_units, 14)",
        ),
        ("within(alcohol_units, leave_out=2)", "leave_out=2 is neither True nor False"),
        ("within(alcohol_units, 2)", "within() takes the name of one column of the diary"),
    ],
)
def test_what_has_no_other_nights_is_refused(terms: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        fit(COHORT, model="poisson", terms=terms)
    assert said in str(refused.value)


def test_a_survey_and_models_of_no_nights_have_no_other_nights() -> None:
    with pytest.raises(
        UsageError, match=r"lag\(alcohol_units, 1\): it is made of a participant's other nights, and is for"
    ):
        fit(COHORT, model="cox", outcome="gap", terms="lag(alcohol_units, 1)")
    people = pl.DataFrame(
        {
            "participant_id": ["1"],
            "age_years": [50.0],
            "sex": ["male"],
            "weight_interview": [1.0],
            "stratum": [1],
            "psu": [1],
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    survey = Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31))
    with pytest.raises(UsageError, match="asked is a survey"):
        fit(survey, model="poisson", terms="lag(alcohol_units, 1)")


def test_written_in_any_way_they_are_one_column() -> None:
    assert str(formula.parse("lag( alcohol_units ,k = 1) + lag(alcohol_units, 1)")) == "1 + lag(alcohol_units, 1)"
    assert str(formula.parse("within(x, leave_out=False)")) == "1 + within(x)"
    assert str(formula.parse("lag(within(`a, 1)`), 2)")) == "1 + lag(within(`a, 1)`), 2)"
    found = exposures.find("lag(within(`a, 1)`), 2)")
    assert found
    assert (found.variable, found.part, found.steps) == ("a, 1)", "within", (("lag", 2),))
    for text in (
        "lag(x)",
        "lag(x, 1):sex",
        "load_ratio(x, 2)",
        "I(lag(x, 1))",
        "lag(sqrt(x), 1)",
        "x",
        "within(lag(x, 1))",
    ):
        assert exposures.find(text) is None


def test_from_the_command_line(run: Callable[..., tuple[int, str, str]], tmp_path: Path) -> None:
    with writing(tmp_path / "study", About("made"), "csv") as out:
        tables = {name: COHORT.frame(name) for name in ("participants", "diary")}
        out.add(tables | {"diary": tables["diary"].drop("mood")})
    asked = ["fit", str(tmp_path / "study"), "--model", "poisson", "--terms"]
    code, out_text, _ = run(*asked, "lag(within(alcohol_units), 1) + between(alcohol_units)")
    assert code == 0
    assert "Alcohol, within participants, 1 night before" in out_text
    assert "left out (without the other nights that the terms need)" in out_text
    code, _, error = run(*asked, "lag(alcohol_units, 0.5)")
    assert code == 2
    assert "k=0.5 in lag() is no whole number of nights" in error
