"""Cohorts of which hardly anything can be told say why, and truly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from odd_cohort import N
from odd_cohort import cohort as odd
from test_age_curve import survey as asked

from crampstudy import analyses, fit, tables
from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.asked import check_ages
from crampstudy.errors import ParameterError, UsageError
from crampstudy.estimates import kinds
from crampstudy.prediction import models
from crampstudy.prediction.outcome import ANY
from crampstudy.report.params import suit
from crampstudy.simulate import Mess, Truth, simulate


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(40, 30, 5, Truth(), Mess.none())


def changed(cohort: Cohort, **tables: pl.DataFrame) -> Cohort:
    return replace(cohort, tables={**cohort.tables, **tables})


def test_a_cohort_below_the_youngest_band_is_told_of_the_bands(cohort: Cohort) -> None:
    young = changed(cohort, participants=cohort.frame("participants").with_columns(age_years=pl.lit(18.0)))
    said = "is 20 or older, and people are analysed from the youngest age band on: the highest age is 18 years"
    found = analyses.run("conditions", young)
    assert not found.tables and all(said in reason for reason in found.could_not.values())
    with pytest.raises(ParameterError, match="the highest age is 18 years; begin lower, such as --set age_bands=5"):
        suit(young, {})
    suit(young, {"age_bands": [10, 15]})
    suit(changed(cohort, participants=young.frame("participants").with_columns(age_years=pl.lit(None, pl.Float64))), {})


def test_a_band_of_reference_that_nobody_is_of_is_refused(cohort: Cohort) -> None:
    aged = changed(cohort, participants=cohort.frame("participants").with_columns(age_years=pl.lit(55.0)))
    with pytest.raises(ParameterError, match=r"nobody in .* is of the age band 20-39, .* people are of 50-59") as told:
        suit(aged, {"reference_band": "20-39"})
    assert told.value.correction == ("reference_band=20-39", "reference_band=50-59")
    suit(aged, {"reference_band": "50–59"})
    # Bands of one's own, and a cohort in which nobody has an age.
    suit(aged, {"reference_band": "40+", "age_bands": [20, 40]})
    suit(changed(cohort, participants=aged.frame("participants").with_columns(age_years=pl.lit(None, pl.Float64))), {})


def test_cohorts_of_which_one_is_below_the_bands_are_not_compared_by_age(cohort: Cohort) -> None:
    young, old = (
        replace(
            changed(cohort, participants=cohort.frame("participants").with_columns(age_years=pl.lit(age))), name=name
        )
        for name, age in (("teens", 19.0), ("over80", 85.0))
    )
    with pytest.raises(UsageError, match=r"nobody in teens is 20 or older.*such as --age-bands 5,10,15,80$"):
        check_ages([young, old], "age_band", AgeBands())
    check_ages([young, old], "age_band", AgeBands((5, 10, 15, 80)))
    # Grouped by sex people are of any age, two cohorts may be compared beside a third, and one may have no ages.
    check_ages([young, old], "sex", AgeBands())
    check_ages([young, old, old], "age_band", AgeBands())
    with pytest.raises(UsageError, match="begin lower"):
        check_ages([young, young], "sex", AgeBands())


def test_random_effects_of_one_night_each_are_not_estimated(cohort: Cohort) -> None:
    first = pl.col("date") == pl.col("date").min().over("participant_id")
    once = changed(cohort, diary=cohort.frame("diary").filter(first))
    for model, outcome in (("mixed-poisson", "cramps"), ("mixed-logistic", "cramp_night")):
        rows = fit(once, model=model, outcome=outcome, terms="sex").estimates
        assert rows["estimate"].isna().all() and rows["note"].str.contains("no participant has two nights").all()
    shares = kinds.CLASS_IMPLIED.rows(analyses.run("frequency", once).estimates)
    assert len(shares) and shares["estimate"].isna().all()


@pytest.mark.parametrize("name", [name for name, each in analyses.ANALYSES.items() if not each.draws_on_others])
def test_a_cohort_without_a_cramp_has_an_answer_to_every_question(cohort: Cohort, name: str) -> None:
    free = changed(
        cohort,
        diary=cohort.frame("diary").with_columns(cramps=pl.lit(0, pl.Int64)),
        episodes=cohort.frame("episodes").clear(),
    )
    found = analyses.run(name, free)
    assert found.values or found.could_not


def test_conditions_of_a_cohort_without_a_cramp_do_not_lack_people(cohort: Cohort) -> None:
    free = changed(cohort, diary=cohort.frame("diary").with_columns(cramps=pl.lit(0, pl.Int64)))
    answer = analyses.run("conditions", free).values["answer"]
    assert "no cramp on any of the nights" in answer and "have any of them" not in answer


def test_a_survey_without_the_weight_of_an_examination_has_what_needs_none() -> None:
    survey = asked(None)
    people = survey.frame("participants").with_columns(
        vitamin_d_nmol_l=50.0 + pl.int_range(pl.len()) % 9, recall_dietary_magnesium_mg=pl.lit(300.0)
    )
    rows = kinds.EXPOSURE_LEVEL.rows(analyses.run("nutrition", changed(survey, participants=people)).estimates)
    (level,) = rows[rows["term"] == "vitamin_d_nmol_l"].to_dict("records")
    assert level["status"] == "not_estimable" and "no weight for its exam component" in level["note"]
    # What was not measured lacks no weight.
    unmeasured = rows[rows["term"].isin(["vitamin_b1_nmol_l", "serum_magnesium_mmol_l"])]
    assert len(unmeasured) == 2 and set(unmeasured["status"]) == {"not_measured"}


def with_cramps_of(cohort: Cohort, number: int) -> Cohort:
    people = cohort.frame("participants")["participant_id"].head(number).implode()
    rng = np.random.default_rng(number)
    cramps = pl.Series(rng.poisson(0.5, cohort.frame("diary").height))
    theirs = pl.col("participant_id").is_in(people)
    return changed(cohort, diary=cohort.frame("diary").with_columns(cramps=pl.when(theirs).then(cramps).otherwise(0)))


def test_an_estimate_does_not_rest_on_the_cramps_of_one(cohort: Cohort) -> None:
    alone, two, several = (with_cramps_of(cohort, number) for number in (1, 2, 5))
    for model, outcome in (("poisson", "cramps"), ("negative-binomial", "cramps"), ("logistic", "cramp_night")):
        asked = {"model": model, "outcome": outcome, "terms": "within(alcohol_units)"}
        rows = fit(alone, **asked).estimates
        assert rows["estimate"].isna().all() and rows["note"].str.contains("one participant has all").all()
        rows = fit(two, **asked).estimates
        (judged,) = rows[rows["term"].str.startswith("contrast: ")].to_dict("records")
        assert judged["df"] <= 1 and judged["verdict"] == "too few" and judged["n_effective"] <= 2
        (judged,) = (r for r in fit(several, **asked).estimates.to_dict("records") if r["term"].startswith("contrast"))
        assert judged["verdict"] is None or judged["df"] > 1


def test_a_forecast_learns_where_a_feature_is_known_of_nobody() -> None:
    values = np.column_stack([np.arange(60.0), np.full(60, np.nan)])
    names, happened = ("age_years", "alcohol_units"), (np.arange(60) % 2).astype(float)
    for every in models.candidates(names).values():
        learned = models.fitted(every[0], ANY, names, values, happened, np.ones(60))
        said = models.predicted(learned, ANY, values)
        assert np.isfinite(said).all()
        # What nobody had moves nothing.
        assert (models.predicted(learned, ANY, np.nan_to_num(values, nan=3.0)) == said).all()


@pytest.mark.parametrize(
    ("values", "term", "contrast"),
    [
        ([0, 1], "C(own)", "1 against 0"),
        ([1, 2], "C(own)", "2 against 1"),
        ([1, 2], "own", "2 against 1"),
        ([False, True], "own", "yes against no"),
        (["no", "yes"], "own", "yes against no"),
        (["north", "south"], "own", "south against north"),
    ],
)
def test_levels_of_an_own_column_are_named_as_they_were_written(values: list[Any], term: str, contrast: str) -> None:
    made = odd(own=pl.Series([values[i % 2] for i in range(N)]))
    rows = fit(made, model="poisson", terms=term).estimates
    printed = tables.factors(rows)
    assert printed["Contrast"].iloc[-1] == contrast
