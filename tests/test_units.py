"""A number's unit, and where its zero lies, change nothing but the number that is shown."""

from __future__ import annotations

import warnings
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from estimate_rows import pick

from crampstudy import fit, wording
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.models.terms.standardisation import Standard
from crampstudy.sources import open_cohort

PLACES = [(0.0, 1e9), (1e9, 1.0), (-1e6, 1e-6), (0.0, 1e-12), (1e12, 1e3), (1.7e18, 1e9)]
"""Shifts a and units b of a + b x."""
NIGHTS: list[dict[str, Any]] = [
    {"model": "poisson"},
    {"model": "poisson", "covariance": "auto"},
    {"model": "negative-binomial"},
    {"model": "negative-binomial", "covariance": "cluster-small"},
    {"model": "logistic"},
    {"model": "mixed-poisson"},
    {"model": "mixed-poisson", "outcome": "cramp_night"},
    {"model": "mixed-negative-binomial"},
    {"model": "gee-exchangeable"},
    {"model": "gee-ar1", "outcome": "cramp_night"},
    {"model": "hurdle-negative-binomial", "zero_terms": "x"},
    {"model": "zero-inflated-negative-binomial", "zero_terms": "x"},
    {"model": "ordinal", "outcome": "pain"},
    {"model": "ordinal", "outcome": "pain", "free_terms": "x"},
    {"model": "cox", "outcome": "relief"},
    {"model": "cox", "outcome": "gap"},
]
SURVEYS: list[dict[str, Any]] = [
    {"model": "survey-logistic"},
    {"model": "survey-poisson"},
    {"model": "survey-ordinal"},
    {"model": "survey-ordinal", "free_terms": "x"},
    {"model": "interval-count"},
]
START = date(2025, 3, 1)


@cache
def diary() -> tuple[Cohort, np.ndarray[Any, Any]]:
    """Return a diary of cramps that rise with a number of participants, and the number."""
    rng = np.random.default_rng(7)
    n, nights = 40, 30
    x = np.round(rng.normal(0, 1, n) * 64) / 64
    female = np.arange(n) % 2 == 1
    rate = 0.5 * np.exp(0.3 * x + 0.2 * female)[:, None] * rng.gamma(2, 0.5, (n, 1))
    cramps = np.where(rng.random((n, nights)) < 0.3, 0, rng.poisson(rate * rng.gamma(1.5, 1 / 1.5, (n, nights))))
    people = pl.DataFrame(
        {"participant_id": [f"p{i:02}" for i in range(n)], "sex": np.where(female, "female", "male"), "age_years": 60.0}
    )
    entries = [(f"p{i:02}", START + timedelta(days=k), int(cramps[i, k])) for i in range(n) for k in range(nights)]
    rows = [(i, k, j) for i in range(n) for k in range(nights) for j in range(cramps[i, k])]
    who = np.array([i for i, *_ in rows])
    episodes = pl.DataFrame(
        {
            "participant_id": [f"p{i:02}" for i in who],
            "date": [START + timedelta(days=k) for _, k, _ in rows],
            "episode": [j + 1 for *_, j in rows],
            "pain_0_10": np.searchsorted([-0.5, 1.0], 0.5 * x[who] + rng.logistic(size=len(rows))) * 3.0,
            "relief_s": np.ceil(rng.exponential(120, len(rows)) * np.exp(0.3 * x[who])),
            "duration_s": 600.0,
        }
    )
    nightly = pl.DataFrame(entries, ["participant_id", "date", "cramps"], orient="row")
    return Cohort("made", "diary", {"participants": people, "diary": nightly, "episodes": episodes}, synthetic=True), x


@cache
def survey() -> tuple[Cohort, np.ndarray[Any, Any]]:
    """Return a survey of recalled classes that rise with a number, and the number."""
    rng = np.random.default_rng(3)
    n = 300
    x, female = np.round(rng.normal(0, 1, n) * 64) / 64, np.arange(n) % 2 == 1
    counts = rng.poisson(1.5 * np.exp(0.4 * x) * rng.gamma(0.7, 1 / 0.7, n))
    place = np.searchsorted([0, 1, 2, 5, 16], counts, side="right") - 1
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "sex": np.where(female, "female", "male"),
            "age_years": 60.0,
            "weight_interview": rng.gamma(3, 1000, n),
            "stratum": np.arange(n) // 30,
            "psu": np.arange(n) % 30 // 10,
            "recalled_low": np.array([0, 1, 2, 5, 16])[place],
            "recalled_high": [(0, 1, 4, 15, None)[k] for k in place],
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True), x


def moved(made: tuple[Cohort, np.ndarray[Any, Any]], a: float, b: float) -> Cohort:
    """Return the cohort with ``x`` stored as a + b x, and ``y``, what then is left of x."""
    cohort, x = made
    stored = a + b * x
    people = cohort.frame("participants").with_columns(x=stored, y=(stored - a) / b)
    tables = {name: cohort.frame(name) for name in ("diary", "episodes") if cohort.kind == "diary"}
    design = cohort.design
    as_of = None if cohort.kind == "diary" else date(2006, 12, 31)
    return Cohort(cohort.name, cohort.kind, {"participants": people, **tables}, design, as_of=as_of, synthetic=True)


LEFT: dict[tuple[str, bytes], pd.DataFrame] = {}


def left_over(cohort: Cohort, asked: dict[str, Any]) -> pd.DataFrame:
    """Return the rows of a fit on ``y``, which mostly is all of x again."""
    key = repr(asked), cohort.frame("participants")["y"].to_numpy().tobytes()
    if key not in LEFT:
        LEFT[key] = fitted(cohort, "y", asked)
    return LEFT[key]


def fitted(cohort: Cohort, number: str, asked: dict[str, Any]) -> pd.DataFrame:
    """Return the rows of a fit on ``number`` that warns of nothing."""
    parts = {name: number if name.endswith("_terms") else value for name, value in asked.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return fit(cohort, terms=f"{number} + sex", **parts).estimates


def check_alike(stored: pd.DataFrame, left: pd.DataFrame, b: float) -> None:
    """Check that rows of a + b x say what those of x do."""
    shown = stored[["estimate", "ci_low", "ci_high"]].dropna().to_numpy()
    assert np.isfinite(shown).all() and (np.abs(np.log10(shown[shown > 0])) < 16).all()
    assert len(stored) == len(left)
    for (_, one), (_, other) in zip(stored.iterrows(), left.iterrows(), strict=True):
        if "intercept" in str(one["term"]) or "threshold" in str(one["term"]):
            continue
        assert one["status"] == other["status"] == "converged" or one["scale"] in ("dispersion", "correlation")
        if not str(other["term"]).endswith("y"):
            assert one["estimate"] == pytest.approx(other["estimate"], rel=1e-5)
            continue
        assert one["p_value"] == pytest.approx(other["p_value"], rel=1e-4)
        assert one["df"] == pytest.approx(other["df"], rel=1e-4)
        if wording.is_declared(other["term"]):
            # Between two values of it a number says the same in any unit, but for the digits it was stored with.
            assert one["estimate"] == pytest.approx(other["estimate"], rel=1e-3)
            assert pd.isna(one["verdict"]) == pd.isna(other["verdict"]) and str(one["verdict"]) == str(other["verdict"])
            continue
        step, usual = (float(str(row["unit"]).rpartition("per ")[2].replace("contrast", "1")) for row in (one, other))
        for cell in ("estimate", "ci_low", "ci_high"):
            assert np.log(one[cell]) * usual == pytest.approx(np.log(other[cell]) * step / b, rel=1e-5)


@pytest.mark.parametrize(("a", "b"), PLACES)
@pytest.mark.parametrize("asked", NIGHTS, ids=lambda asked: " ".join(map(str, asked.values())))
def test_a_unit_changes_no_statistic_of_a_diary(asked: dict[str, Any], a: float, b: float) -> None:
    cohort = moved(diary(), a, b)
    check_alike(fitted(cohort, "x", asked), left_over(cohort, asked), b)


@pytest.mark.parametrize(("a", "b"), PLACES)
@pytest.mark.parametrize("asked", SURVEYS, ids=lambda asked: " ".join(map(str, asked.values())))
def test_a_unit_changes_no_statistic_of_a_survey(asked: dict[str, Any], a: float, b: float) -> None:
    cohort = moved(survey(), a, b)
    check_alike(fitted(cohort, "x", asked), left_over(cohort, asked), b)


CLEAR: dict[str, Any] = {"model": "negative-binomial"}


def test_the_unit_is_named_and_an_explicit_one_wins() -> None:
    cohort = moved(diary(), 0.0, 1e-9)
    row = pick(fitted(cohort, "x", CLEAR), "x")
    assert row["unit"] == "per 1e-09" and 1 < row["estimate"] < 2
    wished = fit(cohort, terms="x + sex", per={"x": 2e-9}, **CLEAR).estimates
    assert pick(wished, "x")["unit"] == "per 2e-09"
    assert pick(wished, "x")["estimate"] == pytest.approx(row["estimate"] ** 2)
    # A unit that is too large a step for any ratio is refused with its reason, and the statistic stays.
    wrong = pick(fit(cohort, terms="x + sex", per={"x": 1.0}, **CLEAR).estimates, "x")
    assert wrong["status"] == "not_estimable" and pd.isna(wrong["estimate"])
    assert "beyond all numbers" in wrong["note"] and wrong["p_value"] == pytest.approx(row["p_value"])


def test_a_usual_unit_stays_and_a_ratio_of_1_in_all_digits_has_another() -> None:
    usual = pick(fitted(moved(diary(), 0.0, 1.0), "x", CLEAR), "x")
    assert usual["unit"] == "per 1"
    assert pick(fitted(moved(diary(), 0.0, 1e4), "x", CLEAR), "x")["unit"] == "per 1"
    tiny = pick(fitted(moved(diary(), 0.0, 1e9), "x", CLEAR), "x")
    assert tiny["unit"] == "per 1e+09" and tiny["estimate"] == pytest.approx(usual["estimate"], rel=1e-6)


def test_the_rate_where_all_terms_are_0_stays_or_says_that_it_is_beyond_all_numbers() -> None:
    near, far = (fitted(moved(diary(), a, 1.0), "x", CLEAR) for a in (110.0, 1e6))
    left = fitted(moved(diary(), 0.0, 1.0), "x", CLEAR)
    slope, middle = np.log(pick(left, "x")["estimate"]), np.log(pick(left, "intercept")["estimate"])
    assert np.log(pick(near, "intercept")["estimate"]) == pytest.approx(middle - 110 * slope, rel=1e-9)
    row = pick(far, "intercept")
    assert row["status"] == "not_estimable" and pd.isna(row["estimate"])
    assert row["note"].startswith("where every term is 0, the estimate lies beyond all numbers")


def test_what_is_left_after_rounding_does_not_vary() -> None:
    rows = fitted(moved(diary(), 1e16, 1.0), "x", CLEAR)
    row = pick(rows, "x")
    assert row["status"] == "not_estimable"
    assert row["note"].startswith("x does not vary by more than the rounding of so large numbers")
    assert pick(rows, "sex", "female")["status"] == "converged"


def test_interactions_and_powers_far_from_0_are_told_apart() -> None:
    cohort = moved(diary(), 1e4, 1.0)
    for terms in ("{} * sex", "{0} + I({0}**2)"):
        last = []
        for name in ("x", "y"):
            found = fit(cohort, terms=terms.format(name), **CLEAR).estimates
            assert set(found[found["term"].str.contains(":|I")]["status"]) == {"converged"}
            last.append(found[found["term"].str.contains(":|I")].iloc[0])
        assert last[0]["p_value"] == pytest.approx(last[1]["p_value"], rel=1e-3)


def test_a_random_slope_has_its_unit() -> None:
    asked: dict[str, Any] = {"model": "mixed-poisson", "terms": "x"}
    cohort = moved(diary(), 0.0, 1.0)
    entries = cohort.frame("diary").with_columns(
        x=pl.int_range(pl.len()) % 7 * 1000.0, y=pl.int_range(pl.len()) % 7 * 1.0
    )
    people = cohort.frame("participants").drop("x", "y")
    nightly = Cohort("made", "diary", {"participants": people, "diary": entries}, synthetic=True)
    one = fit(nightly, random_slope="x", **asked).estimates
    other = fit(nightly, random_slope="y", model="mixed-poisson", terms="y").estimates
    for scale in ("standard_deviation", "correlation"):
        found = [frame[frame["scale"] == scale].reset_index(drop=True) for frame in (one, other)]
        assert found[0]["status"].tolist() == found[1]["status"].tolist()
    slopes = [pick(frame, "random slope")["estimate"] for frame in (one, other)]
    assert slopes[0] * 1000 == pytest.approx(slopes[1], rel=1e-4)


@cache
def slopes() -> tuple[Cohort, np.ndarray[Any, Any]]:
    """Return a diary of cramps and hours of sleep that follow a nightly number, each participant's more or less."""
    rng = np.random.default_rng(5)
    z = np.round(rng.normal(0, 1, 600) * 64) / 64
    own, steep = (np.repeat(rng.normal(0, sd, 40), 15) for sd in (0.6, 0.5))
    cramps = rng.poisson(np.exp(-0.3 + 0.2 * z + own + (steep + 0.3 * own) * z))
    hours = 7 + 0.4 * z + own + steep * z + rng.normal(0, 1, 600)
    cohort = diary()[0]
    nightly = cohort.frame("diary").gather_every(2).with_columns(cramps=pl.Series(cramps), sleep_hours=pl.Series(hours))
    return Cohort("made", "diary", {"participants": cohort.frame("participants"), "diary": nightly}, synthetic=True), z


SLOPED = {"mixed-poisson": "cramps", "mixed-negative-binomial": "cramps", "mixed-logistic": "cramp_night"}


@cache
def sloped(model: str, a: float, b: float) -> tuple[float, pd.DataFrame]:
    """Return the likelihood and the rows of a model with a random slope of a + b z."""
    cohort, z = slopes()
    tables = {"participants": cohort.frame("participants"), "diary": cohort.frame("diary").with_columns(x=a + b * z)}
    stored = Cohort("made", "diary", tables, synthetic=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fit(
            stored,
            terms="x + sex",
            model=model,
            outcome=SLOPED.get(model, "sleep_hours"),
            random_slope="x",
            per={"x": b},
        )
    return found.log_likelihood, found.estimates


@pytest.mark.parametrize(("a", "b"), [(1e3, 1.0), (0.0, 1e-6), (1.7e18, 1e9)])
@pytest.mark.parametrize("model", [*SLOPED, "mixed-linear"])
def test_a_random_slope_is_the_same_in_any_unit_and_wherever_its_zero_lies(model: str, a: float, b: float) -> None:
    likelihood, rows = sloped(model, a, b)
    known, left = sloped(model, 0.0, 1.0)
    # A number stored beside so large a one has lost digits.
    exact = 1e-3 if a > 1e15 else 1e-6
    if model != "mixed-linear":  # whose restricted likelihood has the unit in it
        assert likelihood == pytest.approx(known, rel=exact)
    for level in (("x",), ("sex", "female")):
        one, other = pick(rows, *level), pick(left, *level)
        assert (one["status"], one["p_value"]) == ("converged", pytest.approx(other["p_value"], rel=max(exact, 1e-5)))
        assert one["estimate"] == pytest.approx(other["estimate"], rel=exact)
    one, other = pick(rows, "random slope"), pick(left, "random slope")
    for cell in ("estimate", "ci_low", "ci_high"):
        assert one[cell] == pytest.approx(other[cell], rel=max(exact, 1e-4))
    # The spread is that of the slope as the slope is shown.
    assert one["unit"].endswith(f", per {b:g}") == (b != 1)
    # The spread where x is 0, from the spread where z is 0.
    at_0, slope, together = (
        pick(left, term)["estimate"] for term in ("random intercept", "random slope", "random effects")
    )
    far = a / b
    expected = np.sqrt(at_0**2 - 2 * far * together * at_0 * slope + (far * slope) ** 2)
    intercept = pick(rows, "random intercept")
    assert intercept["estimate"] == pytest.approx(expected, rel=max(exact, 1e-5))
    assert intercept["ci_low"] < expected < intercept["ci_high"] < 3 * expected
    assert pick(rows, "random effects")["status"] == "converged"


@pytest.mark.parametrize("model", ["mixed-poisson", "mixed-linear"])
def test_the_spread_of_a_slope_has_the_step_of_the_slope(model: str) -> None:
    cohort, z = slopes()
    tables = {"participants": cohort.frame("participants"), "diary": cohort.frame("diary").with_columns(x=1e7 * z)}
    asked: dict[str, Any] = {"model": model, "outcome": SLOPED.get(model, "sleep_hours"), "random_slope": "x"}
    found = fit(Cohort("made", "diary", tables, synthetic=True), terms="x + sex", **asked).estimates
    _, usual = sloped(model, 0.0, 1.0)
    one, other = pick(found, "random slope"), pick(usual, "random slope")
    assert pick(found, "x")["unit"].endswith("per 1e+07") and one["unit"] == f"{other['unit']}, per 1e+07"
    for cell in ("estimate", "ci_low", "ci_high"):
        assert one[cell] == pytest.approx(other[cell], rel=1e-4)


def test_a_slope_of_what_others_say_far_from_0_has_its_reason() -> None:
    cohort, z = slopes()
    tables = {"participants": cohort.frame("participants"), "diary": cohort.frame("diary").with_columns(x=1e4 + z)}
    stored = Cohort("made", "diary", tables, synthetic=True)
    rows = fit(stored, terms="x + I(x**2)", model="mixed-poisson", random_slope="I(x**2)").estimates
    assert set(rows["status"]) == {"not_estimable"}
    reason = (
        "a participant's slope of I(x ** 2) cannot be told from one of x; measure what they are made of from its middle"
    )
    assert rows["note"].iloc[0] == reason


EXTREMES = (-300, -150, 150, 300)


@pytest.mark.parametrize("asked", [*NIGHTS, *SURVEYS], ids=lambda asked: " ".join(map(str, asked.values())))
def test_numbers_too_extreme_for_a_variance_are_left_out_with_their_reason(asked: dict[str, Any]) -> None:
    made = survey() if asked in SURVEYS else diary()
    for power in EXTREMES:
        rows = fitted(moved(made, 0.0, 10.0**power), "x", asked)
        row = pick(rows, "x")
        assert row["status"] == "not_estimable" and pd.isna(row["estimate"])
        assert row["note"].endswith(f"e{power:+d}, too extreme for a variance; give it in another unit")
        assert pick(rows, "sex", "female")["status"] == "converged"


def test_a_number_that_lost_its_digits_says_so() -> None:
    row = pick(fitted(moved(diary(), 1e18, 1.0), "x", CLEAR), "x")
    assert row["status"] == "not_estimable"
    assert "it is 1e+18 on all rows, and so large a number has no digits left for differences below 128" in row["note"]


NUMBERS = ["linear", "mixed-linear", "gee-exchangeable", "gee-ar1"]


def scored(a: float, b: float, unit: float = 1.0) -> Cohort:
    """Return the diary with a + b z, and a score that follows it, in a unit."""
    cohort, z = slopes()
    nightly = cohort.frame("diary").with_columns(x=a + b * z, score=pl.col("sleep_hours") * unit)
    return Cohort("made", "diary", {"participants": cohort.frame("participants"), "diary": nightly}, synthetic=True)


@pytest.mark.parametrize("model", NUMBERS)
def test_a_difference_has_a_readable_step_in_any_unit(model: str) -> None:
    asked = {"model": model, "outcome": "score"}
    usual = pick(fitted(scored(0.0, 1.0), "x", asked), "x")
    assert usual["unit"] == "unit, per 1"
    for a, b in ((0.0, 1e9), (0.0, 1e-9), (1e9, 1e6), (0.0, 1e20), (0.0, 1e-20)):
        row = pick(fitted(scored(a, b), "x", asked), "x")
        assert row["unit"] == f"unit, per {b:g}"
        assert row["estimate"] == pytest.approx(usual["estimate"], rel=1e-5)
        assert row["p_value"] == pytest.approx(usual["p_value"], rel=1e-4)
    # Where another step would only make it worse, it stays.
    assert pick(fitted(scored(0.0, 100.0, 1e12), "x", asked), "x")["unit"] == "unit, per 1"


@pytest.mark.parametrize("model", NUMBERS)
def test_an_outcome_in_any_unit_has_its_statistic_or_its_reason(model: str) -> None:
    asked = {"model": model, "outcome": "score"}
    usual = pick(fitted(scored(0.0, 1.0), "x", asked), "x")
    for unit in (1e-20, 1e-9, 1e9, 1e20):
        row = pick(fitted(scored(0.0, 1.0, unit), "x", asked), "x")
        assert row["status"] == "converged" and row["p_value"] == pytest.approx(usual["p_value"], rel=1e-5)
    for unit in (1e-300, 1e-150, 1e150, 1e300):
        row = pick(fitted(scored(0.0, 1.0, unit), "x", asked), "x")
        assert row["status"] == "not_estimable"
        assert row["note"].startswith("the outcome has numbers of the size of ")


def test_what_separates_is_named_wherever_its_zero_lies() -> None:
    cohort, x = diary()
    quiet = [f"p{i:02}" for i in np.flatnonzero(x > 0.3)]
    entries = cohort.frame("diary").with_columns(cramps=(~pl.col("participant_id").is_in(quiet)).cast(pl.Int64))
    for a, b in PLACES[:6]:
        people = cohort.frame("participants").with_columns(x=a + b * x)
        told = Cohort("told", "diary", {"participants": people, "diary": entries}, synthetic=True)
        found = fitted(told, "x", {"model": "logistic"})
        assert not set(found["status"]) & {"converged", "boundary"}
        assert found["note"].str.contains("set apart completely").all()


def test_standard_columns_give_the_coefficients_of_the_columns_back() -> None:
    rng = np.random.default_rng(1)
    z = rng.normal(0, 1, (50, 2))
    matrix = np.column_stack([np.ones(50), 1e6 + z[:, 0], 1e-9 * z[:, 1], z[:, 0] > 0, (1e6 + z[:, 0]) * (z[:, 0] > 0)])
    made_of = [frozenset(names) for names in ("", "x", "z", "g", "xg")]
    standard = Standard.of(matrix, made_of)
    columns = standard.columns(matrix)
    assert np.linalg.cond(columns) < 100 and standard.far == (1, 4)
    b = np.array([0.3, -0.2, 0.5, 0.1, 0.4])
    assert matrix @ (standard.back() @ b) == pytest.approx(columns @ b, abs=1e-6)
    without = standard.keeping([1, 2, 3, 4])
    assert without.columns(matrix[:, 1:]) == pytest.approx(columns[:, 1:])


@pytest.mark.parametrize("asked", [{"model": "poisson"}, {"model": "mixed-poisson"}, {"model": "gee-ar1"}])
def test_a_column_of_very_large_or_small_numbers_has_its_statistic(shared: Path, asked: dict[str, Any]) -> None:
    cohort = open_cohort(shared / "cases" / "37-large-scale-term")
    usual = pick(fit(cohort, terms="z1e0", **asked).estimates, "z1e0")
    for term in ("z1e5", "z1e9", "z1e_7"):
        row = pick(fit(cohort, terms=term, **asked).estimates, term)
        assert row["status"] == usual["status"] == "converged"
        assert row["p_value"] == pytest.approx(usual["p_value"], rel=1e-5)
    small = pick(fit(cohort, terms="z1e_7", **asked).estimates, "z1e_7")
    assert small["unit"] == "per 1e-07" and small["estimate"] == pytest.approx(usual["estimate"], rel=1e-6)
    for term in ("pressure_pa", "epoch_s"):
        row = pick(fit(cohort, terms=term, **asked).estimates, term)
        assert row["status"] == "converged" and 1e-6 < row["estimate"] < 1e6


@pytest.mark.parametrize(("outcome", "size", "unit"), [("cramps", 1e6, "per 1e+06"), ("sleep_hours", 30.0, "per 10")])
def test_within_and_between_of_one_exposure_have_one_step(outcome: str, size: float, unit: str) -> None:
    rng = np.random.default_rng(5)
    cohort, _ = slopes()
    nightly = cohort.frame("diary")
    person = nightly["participant_id"].rle_id().to_numpy()
    z = rng.normal(0, 0.3, person.max() + 1)[person] + rng.normal(0, 1, len(person))
    tables = {"participants": cohort.frame("participants"), "diary": nightly.with_columns(x=size * z)}
    noise = pl.Series(rng.normal(7, 1, len(person)))
    tables["diary"] = tables["diary"].with_columns(sleep_hours=noise, cramps=pl.Series(rng.poisson(1, len(person))))
    made = Cohort("made", "diary", tables, synthetic=True)
    found = fit(made, model="gee-exchangeable", terms="x", outcome=outcome).estimates
    shown = [pick(found, f"{part}(x)")["unit"] for part in ("within", "between")]
    assert [text.rpartition(", ")[2] for text in shown] == [unit, unit]
    # What one of them was asked for in is what it has, and no other's.
    both = {"terms": "within(x) + between(x)", "per": {"between(x)": 7.0}}
    asked = fit(made, model="gee-exchangeable", outcome=outcome, **both)
    assert pick(asked.estimates, "between(x)")["unit"].endswith("per 7")


def test_a_ratio_whose_limit_is_beyond_all_numbers_keeps_its_estimate_without_an_interval() -> None:
    cohort = moved(diary(), 100.0, 1.0)
    usual, model = pick(fitted(cohort, "x", CLEAR), "x"), fit(cohort, terms="x + sex", per={"x": 80.0}, **CLEAR)
    between = model.ratio({"x": 180}, against={"x": 100}).iloc[0]
    for row in (pick(model.estimates, "x"), pick(model.estimates, "intercept"), between):
        assert row["status"] == "boundary" and row[["ci_low", "ci_high", "std_error", "p_value"]].isna().all()
        assert "the interval has no end that could be told" in row["note"]
    assert pick(model.estimates, "x")["estimate"] == pytest.approx(usual["estimate"] ** 80)
    assert pick(model.estimates, "x")["estimate"] == pytest.approx(between["estimate"])
    assert pick(model.estimates, "intercept")["note"].startswith("where every term is 0, ")


def test_four_participants_leave_no_interval_of_more_digits_than_are_kept() -> None:
    cohort = moved(diary(), 0.0, 1.0)
    few = {name: cohort.frame(name).filter(pl.col("participant_id") < "p04") for name in ("participants", "diary")}
    for model in ("gee-exchangeable", "mixed-poisson"):
        found = fit(Cohort("few", "diary", few, synthetic=True), model=model, terms="x + sex").estimates
        shown = found[found["scale"].isin(["rate_ratio", "rate"]) & (found["status"] == "converged")]
        assert (shown["ci_high"] < 1e15).all() and (shown["ci_low"] > 1e-15).all()


def test_a_part_without_an_interval_is_still_tested_against_the_other() -> None:
    cohort, z = slopes()
    tables = {"participants": cohort.frame("participants"), "diary": cohort.frame("diary").with_columns(x=z)}
    made = Cohort("made", "diary", tables, synthetic=True)
    one, far = (fit(made, model="gee-exchangeable", terms="x", per={"x": step}).estimates for step in (1.0, 40.0))
    assert pick(far, "between(x)")["status"] == "boundary"
    tests = [pick(rows, "within(x) = between(x)") for rows in (one, far)]
    assert [row["status"] for row in tests] == ["converged", "converged"]
    assert tests[0]["p_value"] == pytest.approx(tests[1]["p_value"])
