from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from asking import solve

from crampstudy import analyses
from crampstudy.analyses import Settings
from crampstudy.codebook.recalled import LOWS
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.descriptive.classes import RateModel, class_chances, class_shares
from crampstudy.descriptive.prevalence import LEVELS, prevalence
from crampstudy.errors import UsageError
from crampstudy.estimates import frame, kinds

START = date(2024, 1, 1)
TRUTH = {"intercept": -2.3, "age_decade": 0.2, "sex": 0.4}
SD = 0.9
IMPLIED, WINDOWS = kinds.CLASS_IMPLIED.name, kinds.CLASS_WINDOWS.name


def diary(people: int, nights: int, seed: int, *, dispersion: float = 0.0, gaps: float = 0.0) -> Cohort:
    rng = np.random.default_rng(seed)
    names = [f"p{i:04}" for i in range(people)]
    age, female = rng.integers(30, 85, people).astype(float), rng.random(people) < 0.5
    eta = TRUTH["intercept"] + TRUTH["age_decade"] * (age - 60) / 10 + TRUTH["sex"] * female
    rate = np.repeat(np.exp(eta + SD * rng.standard_normal(people)), nights)
    if dispersion:
        rate = rate * rng.gamma(1 / dispersion, dispersion, len(rate))
    table = pl.DataFrame(
        {
            "participant_id": np.repeat(names, nights),
            "date": [START + timedelta(days=k) for k in range(nights)] * people,
            "cramps": rng.poisson(rate),
        }
    ).filter(pl.Series(rng.random(len(rate)) >= gaps))
    who = {"participant_id": names, "age_years": age, "sex": np.where(female, "female", "male")}
    return Cohort("made", "diary", {"participants": pl.DataFrame(who), "diary": table}, synthetic=True)


def survey() -> Cohort:
    rng = np.random.default_rng(1)
    table = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(400)],
            "age_years": rng.integers(20, 86, 400).astype(float),
            "sex": rng.choice(["female", "male"], 400),
            "weight_interview": rng.gamma(3, 1000, 400),
            "stratum": np.repeat(np.arange(4), 100),
            "psu": np.tile(np.repeat([1, 2], 50), 4),
            "recalled_low": rng.choice([0, 1, 2], 400),
            "recalled_high": [None] * 400,
        },
        schema_overrides={"recalled_high": pl.Int64},
    ).with_columns(recalled_high=pl.when(pl.col("recalled_low") < 2).then("recalled_low").otherwise(4))
    table = table.with_columns(recalled_low=pl.when(pl.int_range(pl.len()) % 10 > 0).then("recalled_low"))
    table = table.with_columns(recalled_high=pl.when(pl.col("recalled_low").is_not_null()).then("recalled_high"))
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": table}, design, as_of=date(2006, 12, 31), synthetic=True)


def shares(rows: pd.DataFrame, population: str = "all participants", analysis: str = IMPLIED) -> Any:
    found = rows[(rows["population"] == population) & (rows["analysis"] == analysis)].set_index("level")
    assert found.index.is_unique
    return found


@pytest.mark.parametrize("dispersion", [0.0, 1.5])
@pytest.mark.parametrize("sd", [0.0, 0.7, 2.2])
def test_implied_chances_are_those_of_simulated_nights(sd: float, dispersion: float) -> None:
    rng = np.random.default_rng(3)
    rate = np.exp(-2.2 + sd * rng.standard_normal(1_000_000))
    # Thirty gamma nights of a person add up to one gamma of thirty times the shape.
    month = rate * (rng.gamma(30 / dispersion, dispersion / 30, len(rate)) if dispersion else 1.0)
    place = np.searchsorted(LOWS, rng.poisson(30 * month), side="right") - 1
    drawn = np.bincount(place, minlength=5) / len(rate)
    implied = class_chances(np.array([-2.2]), sd, dispersion)[0][0]
    assert np.abs(implied - drawn).max() < 4 * 0.5 / np.sqrt(len(rate))
    assert implied.sum() == pytest.approx(1)


def test_slopes_are_those_of_the_chances() -> None:
    eta, h = np.array([-3.0, -1.5]), 1e-5
    _, in_eta, in_sd, in_dispersion = class_chances(eta, 0.8, 0.6)
    assert in_eta == pytest.approx(
        (class_chances(eta + h, 0.8, 0.6)[0] - class_chances(eta - h, 0.8, 0.6)[0]) / (2 * h), abs=1e-8
    )
    assert in_sd == pytest.approx(
        (class_chances(eta, 0.8 + h, 0.6)[0] - class_chances(eta, 0.8 - h, 0.6)[0]) / (2 * h), abs=1e-8
    )
    assert in_dispersion == pytest.approx(
        (class_chances(eta, 0.8, 0.6 + h)[0] - class_chances(eta, 0.8, 0.6 - h)[0]) / (2 * h), abs=1e-8
    )


def test_intervals_cover_the_truth() -> None:
    cells = pd.DataFrame({"age_years": [40.0, 70.0], "sex": ["female", "male"], "share": [0.25, 0.75]})
    eta = TRUTH["intercept"] + TRUTH["age_decade"] * np.array([-2.0, 1.0]) + TRUTH["sex"] * np.array([1, 0])
    truth = np.array([0.25, 0.75]) @ class_chances(eta, SD, 0.0)[0]
    z = []
    for seed in range(16):
        rows = class_shares(diary(120, 30, seed), standard=cells, model=RateModel("mixed-poisson")).estimates
        found = shares(rows).loc[[str(k) for k in range(5)]]
        assert set(found["status"]) == {"converged"}
        z.append((found["estimate"].to_numpy() - truth) / found["std_error"].to_numpy())
    errors = np.array(z)
    assert np.abs(errors.mean(axis=0)).max() < 3.5 / np.sqrt(16)
    assert np.abs(errors.std(axis=0, ddof=1) - 1).max() < 3.5 / np.sqrt(2 * 15)


def test_standardisation_is_the_weighted_mean_of_the_cells() -> None:
    cohort = diary(80, 30, 4)
    cells = pd.DataFrame({"age_years": [45.0, 65.0, 75.0], "sex": ["female", "male", "female"], "share": [2, 5, 3]})
    whole = shares(class_shares(cohort, standard=cells, model=RateModel("mixed-poisson")).estimates)
    single = [
        shares(class_shares(cohort, standard=cells.iloc[[i]], model=RateModel("mixed-poisson")).estimates)["estimate"]
        for i in range(3)
    ]
    expected = 0.2 * single[0] + 0.5 * single[1] + 0.3 * single[2]
    assert whole["estimate"].to_numpy() == pytest.approx(expected.to_numpy())
    solved = solve(cohort, model="mixed-poisson", terms="age_decade + sex").solved
    assert solved is not None
    by_hand = class_chances(solved.coefficients @ np.array([[1], [0.5], [0]]), solved.extras[0].estimate, 0.0)[0][0]
    assert single[1].loc[[str(k) for k in range(5)]].to_numpy() == pytest.approx(by_hand)


def test_a_survey_is_a_standard_by_its_weights() -> None:
    cohort, asked = diary(80, 30, 4), survey()
    rows = class_shares(cohort, "sex", standard=asked, model=RateModel("mixed-poisson")).estimates
    table = asked.frame("participants").filter(pl.col("recalled_low").is_not_null())
    for sex in ("female", "male"):
        own = table.filter(pl.col("sex") == sex)
        cells = pd.DataFrame({"age_years": own["age_years"], "sex": own["sex"], "share": own["weight_interview"]})
        expected = shares(class_shares(cohort, standard=cells, model=RateModel("mixed-poisson")).estimates)
        found = shares(rows, sex)
        assert found["estimate"].to_numpy() == pytest.approx(expected["estimate"].to_numpy())
        assert found["std_error"].to_numpy() == pytest.approx(expected["std_error"].to_numpy())
        assert found["note"].str.contains("beyond the diary's range").all()
    older = class_shares(cohort, standard=asked, where="age_years >= 40", model=RateModel("mixed-poisson")).estimates
    assert set(older["population"]) == {"all participants, age_years >= 40"}


def in_groups(quiet: float, busy: float) -> Cohort:
    """Return two groups alike in age and sex, whose people have ``quiet`` and ``busy`` cramps a night."""
    rng = np.random.default_rng(8)
    cohort = diary(80, 30, 8)
    who = cohort.frame("participants").with_columns(trimester=pl.Series(["first", "third"] * 40))
    nights = cohort.frame("diary").join(who, on="participant_id").sort("participant_id", "date")
    spread = np.repeat(np.exp(0.4 * rng.standard_normal(80)), 30)
    rate = np.where(nights["trimester"] == "third", busy, quiet) * spread
    tables = {"participants": who, "diary": nights["participant_id", "date", "cramps"]}
    tables["diary"] = tables["diary"].with_columns(cramps=pl.Series(rng.poisson(rate)))
    return Cohort("groups", "diary", tables, synthetic=True)


@pytest.mark.parametrize("model", [None, RateModel("mixed-poisson", "1")])
def test_the_shares_of_a_group_are_of_its_own_nights(model: RateModel | None) -> None:
    """A model without the group tells them apart by age and sex alone, in which these two are alike."""
    rows = class_shares(in_groups(0.05, 0.3), "trimester", model=model).estimates
    for group in ("first", "third"):
        implied, counted = shares(rows, group), shares(rows, group, WINDOWS)
        levels = ["0", "none", "mild", "moderate-severe"]
        gap = implied["estimate"][levels] - counted["estimate"][levels]
        assert gap.abs().max() < 0.08, (group, gap)
    apart = [shares(rows, group)["estimate"]["moderate-severe"] for group in ("first", "third")]
    assert apart[1] - apart[0] > 0.6


def test_a_group_is_one_term_of_the_model() -> None:
    assert RateModel().by("sex") == RateModel().by("age_band") == RateModel().by(None) == "age_decade + sex"
    assert RateModel(terms="ns(age_years, df=3)").by("age_band") == "ns(age_years, df=3)"
    assert RateModel(terms="1").by("age_band") == "1 + age_decade"
    assert RateModel().by("blood group") == "age_decade + sex + `blood group`"


def test_levels_meet_those_of_a_survey_and_add_up() -> None:
    rows = class_shares(diary(60, 40, 5), "age_band").estimates
    assert rows["key"].is_unique
    assert set(rows["level"]) == set(frame(prevalence(survey()))["level"]) == set(LEVELS)
    for analysis in (IMPLIED, WINDOWS):
        found = shares(rows, "60-69", analysis)["estimate"]
        assert found[["none", "mild", "moderate-severe"]].sum() == pytest.approx(1)
        assert found[[str(k) for k in range(5)]].sum() == pytest.approx(1)
        assert found["any"] == pytest.approx(1 - found["0"])


def test_windows_by_hand() -> None:
    # Three persons: 30 nights with 1 cramp; two windows of 0 and 6; 24 logged nights, too few for a window.
    nights = [("a", k, int(k == 3)) for k in range(30)]
    nights += [("b", k, 2 * int(k in (40, 41, 42))) for k in range(60) if k not in (5, 6)]
    nights += [("c", k, 1) for k in range(24)]
    table = pl.DataFrame(
        {
            "participant_id": [who for who, _, _ in nights],
            "date": [START + timedelta(days=k) for _, k, _ in nights],
            "cramps": [n for _, _, n in nights],
        }
    )
    who = pl.DataFrame(
        {"participant_id": ["a", "b", "c"], "age_years": [50.0, 60, 70], "sex": ["male", "female", "male"]}
    )
    cohort = Cohort("few", "diary", {"participants": who, "diary": table}, synthetic=True)
    rows = class_shares(cohort, model=RateModel("mixed-poisson", "1")).estimates
    found = shares(rows, analysis=WINDOWS)
    assert found["estimate"][["0", "1", "2", "3", "4"]].tolist() == pytest.approx([0.25, 0.5, 0, 0.25, 0])
    assert set(found["n_participants"]) == {2}
    assert set(found["n_nights"]) == {88}
    assert found["status"]["4"] == "boundary"
    assert "3 windows, 29.3 of 30 nights logged" in found["note"]["0"]
    short = Cohort("short", "diary", {"participants": who, "diary": table.filter(pl.col("date") < date(2024, 1, 20))})
    none = class_shares(short, model=RateModel("mixed-poisson", "1")).estimates
    assert set(none[none["analysis"] == WINDOWS]["status"]) == {"not_estimable"}


def test_windows_agree_with_the_model_where_nights_are_all_logged() -> None:
    rows = class_shares(diary(400, 30, 6, dispersion=0.8, gaps=0.0)).estimates
    implied, counted = shares(rows), shares(rows, analysis=WINDOWS)
    gap = (implied["estimate"] - counted["estimate"]) / counted["std_error"]
    assert gap.abs().max() < 3.5


def test_a_model_without_an_answer_gives_a_reason() -> None:
    quiet = diary(20, 30, 7)
    tables = {"participants": quiet.frame("participants"), "diary": quiet.frame("diary").with_columns(cramps=0)}
    tables["diary"] = tables["diary"].with_columns(pl.col("cramps").cast(pl.Int64))
    rows = class_shares(Cohort("quiet", "diary", tables, synthetic=True)).estimates
    found = shares(rows)
    assert set(found["status"]) == {"not_estimable"}
    assert found["estimate"].isna().all()
    assert found["note"].str.contains("no cramp").all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"by": "height"}, "variable of the participants, not 'height'"),
        ({"by": "age_years"}, "not 'age_years', which is a number"),
        ({"standard": pd.DataFrame({"sex": ["male"]})}, "age_years and share"),
        ({"standard": pd.DataFrame({"age_years": [50.0], "share": [1.0]})}, "no 'sex'"),
        ({"standard": pd.DataFrame({"age_years": [50.0], "sex": ["male"], "share": [-1.0]})}, "at least 0"),
        ({"model": RateModel(terms="cramp_night")}, "is of the night"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, Any], match: str) -> None:
    with pytest.raises(UsageError, match=match):
        class_shares(diary(20, 30, 7), **options)


def test_only_a_model_with_a_random_intercept_gives_shares() -> None:
    with pytest.raises(UsageError, match="no class shares from the model 'poisson'; allowed: mixed-negative-binomial"):
        RateModel("poisson")  # type: ignore[arg-type]


def test_only_a_survey_is_a_standard() -> None:
    cohort = diary(20, 30, 7)
    with pytest.raises(UsageError, match="a standard is a survey"):
        class_shares(cohort, standard=cohort)
    with pytest.raises(UsageError, match="survey"):
        class_shares(survey())


def test_nights_are_called_alike_given_the_rate_of_each_person_alone() -> None:
    """Counts of people with unlike rates are dispersed, though those of each person may be as Poisson as can be."""
    even = diary(40, 30, 11)
    by_turns = (pl.int_range(pl.len()) % 2 * (pl.col("participant_id").rank("dense") % 3)).cast(pl.Int64)
    tables = {**even.tables, "diary": even.frame("diary").with_columns(cramps=by_turns)}
    cohort = Cohort("made", "diary", tables, synthetic=True)
    cramps = cohort.frame("diary")["cramps"].to_numpy()
    assert cramps.var() / cramps.mean() > 1
    notes = shares(class_shares(cohort).estimates)["note"]
    assert notes.str.contains("given the rate of each person, nights are no more dispersed than Poisson").all()


def test_a_share_without_an_interval_has_a_complement_without_one() -> None:
    every = diary(22, 30, 3)
    nightly = every.frame("diary").with_columns(
        cramps=pl.lit(1, pl.Int64) + (pl.col("date").dt.day() == 3).cast(pl.Int64)
    )
    rows = class_shares(
        Cohort("nightly", "diary", {**every.tables, "diary": nightly}, synthetic=True), model=RateModel(terms="1")
    ).estimates
    found = shares(rows)
    for share, complement in (("none", "any"), ("mild", "moderate-severe")):
        ends = found.loc[[share, complement]]
        assert ends["estimate"].tolist() == pytest.approx([0, 1], abs=1e-8)
        assert ends["ci_low"].isna().all() and ends["note"].str.startswith("no spread, so no interval").all()


def test_windows_say_of_how_many_people_they_are_and_of_few_there_is_no_share() -> None:
    made = diary(12, 60, 4, gaps=0.0)
    found = analyses.run("frequency", made, Settings(age_bands=(20, 50)))
    assert "24 windows, 30.0 of 30 nights logged, of 12 participants" in str(found.tables["tbl-period-prevalence"].note)
    long = pl.col("participant_id").is_in(made.frame("participants")["participant_id"].to_list()[:4])
    few = made.frame("diary").filter(long | (pl.col("date") < START + timedelta(days=20)))
    cut = Cohort("cut", "diary", {**made.tables, "diary": few}, synthetic=True)
    rows = kinds.CLASS_WINDOWS.rows(analyses.run("frequency", cut, Settings(age_bands=(20, 50))).estimates)
    whole = rows[rows["population"].str.startswith("all participants")]
    assert whole["n_participants"].eq(4).all() and whole["estimate"].isna().all()
    assert set(whole["note"]) == {"fewer than 5 participants have such a window"}
