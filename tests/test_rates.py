from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from crampstudy import AgeBands, describe
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.asked import ever
from crampstudy.descriptive.frequency.diary import frequency
from crampstudy.descriptive.incidence import Rate, incidence_rate, mean_person_rate, standardised_rate
from crampstudy.errors import BandError, UsageError
from crampstudy.simulate import simulate
from crampstudy.triage.shares import red_flags


def diary(people: list[tuple[float, str, list[int | None]]], name: str = "made") -> Cohort:
    """Make a cohort of (age, sex, counts night by night); a count of None is a night without an entry."""
    participants = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(len(people))],
            "age_years": [float(age) for age, _, _ in people],
            "sex": [sex for _, sex, _ in people],
            "diabetes": [i % 3 == 0 for i in range(len(people))],
        }
    )
    nights = [
        (f"p{i:03}", date(2024, 1, 1) + timedelta(days=night), cramps is not None, cramps)
        for i, (_, _, counts) in enumerate(people)
        for night, cramps in enumerate(counts)
    ]
    schema = {"participant_id": pl.String, "date": pl.Date, "entry_made": pl.Boolean, "cramps": pl.Int64}
    return Cohort(name, "diary", {"participants": participants, "diary": pl.DataFrame(nights, schema, orient="row")})


def pick(rows: pd.DataFrame, level: str, analysis: str = "incidence rate") -> pd.Series:
    found = rows[(rows["level"] == level) & (rows["analysis"] == analysis)]
    assert len(found) == 1
    return found.iloc[0]


def test_rate_and_cluster_interval_by_hand() -> None:
    # 15 cramps in 70 nights of ten; residuals 2 - 1.5 and 1 - 1.5.
    rate = incidence_rate(np.array([2, 1] * 5), np.full(10, 7), 0.95)
    assert rate.estimate == pytest.approx(1.5)
    error = math.sqrt(10 / 9 * 10 * 0.5**2) / 15
    assert rate.std_error == pytest.approx(error)
    assert rate.df == 9
    t = stats.t.ppf(0.975, 9)
    assert rate.ci_low == pytest.approx(1.5 * math.exp(-t * error))
    assert rate.ci_high == pytest.approx(1.5 * math.exp(t * error + error**2 * (5 * 1.959964**2 + 4) / 6))
    assert rate.note is None
    assert incidence_rate(np.array([2, 1] * 3), np.full(6, 7), 0.95).note == "fewer than 10 participants"


def test_interval_uses_z_from_fifty_participants_on() -> None:
    rng = np.random.default_rng(1)
    cramps, nights = rng.poisson(3, 50), np.full(50, 14)
    rate = incidence_rate(cramps, nights, 0.9)
    assert math.isinf(rate.df)
    assert rate.estimate / rate.ci_low == pytest.approx(math.exp(1.6448536 * rate.std_error), rel=1e-6)
    assert incidence_rate(cramps[:49], nights[:49], 0.9).df == 48


def test_no_cramp_has_the_exact_poisson_limit() -> None:
    rate = incidence_rate(np.zeros(12, dtype=int), np.full(12, 10), 0.95)
    # Garwood: -log(0.025) = 3.689 cramps at most in 120 nights.
    assert rate.ci_high == pytest.approx(-math.log(0.025) / 120 * 7)
    assert (rate.estimate, rate.ci_low, rate.status) == (0.0, 0.0, "boundary")


def test_mean_of_person_rates_parts_from_the_rate_when_logging_is_informative() -> None:
    cramps, nights = np.array([7, 1]), np.array([7, 14])
    mean = mean_person_rate(cramps, nights, 0.95)
    assert mean.estimate == pytest.approx((7 + 0.5) / 2)
    assert incidence_rate(cramps, nights, 0.95).estimate == pytest.approx(8 / 21 * 7)
    assert mean.std_error == pytest.approx(math.sqrt(((7 - 3.75) ** 2 + (0.5 - 3.75) ** 2) / 2) / 3.75)


@pytest.mark.parametrize("rate_of", [incidence_rate, mean_person_rate])
@pytest.mark.parametrize(("cramps", "nights"), [([], []), ([3], [0])])
def test_nobody_observed_has_no_rate(rate_of: Any, cramps: list[int], nights: list[int]) -> None:
    rate = rate_of(np.array(cramps, dtype=int), np.array(nights, dtype=int), 0.95)
    assert rate.status == "not_estimable" and math.isnan(rate.estimate) and rate.note == "no observed night"


@pytest.mark.parametrize("rate_of", [incidence_rate, mean_person_rate])
@pytest.mark.parametrize(
    ("cramps", "nights", "estimate", "reason"),
    [
        ([3], [14], 1.5, "one participant, so no interval"),
        ([0, 3], [0, 14], 1.5, "one participant, so no interval"),
        ([2, 1, 2, 1], [7, 7, 7, 7], 1.5, "fewer than 5 participants, so no interval"),
        # The same rate of each, in other numbers of nights.
        ([1, 2, 3, 4, 5, 6], [7, 14, 21, 28, 35, 42], 1.0, "no spread, so no interval"),
        ([1] * 40, [3] * 40, 7 / 3, "no spread, so no interval"),
    ],
)
def test_no_interval_without_spread_or_of_fewer_than_five(
    rate_of: Any, cramps: list[int], nights: list[int], estimate: float, reason: str
) -> None:
    rate = rate_of(np.array(cramps), np.array(nights), 0.95)
    assert rate.estimate == pytest.approx(estimate) and rate.cramps == sum(cramps)
    assert math.isnan(rate.ci_low) and math.isnan(rate.ci_high)
    assert rate.status == "boundary" and reason in str(rate.note)


def test_no_cramp_of_fewer_than_five_has_no_limit() -> None:
    rate = incidence_rate(np.zeros(4, dtype=int), np.full(4, 10), 0.95)
    assert (rate.estimate, rate.status, rate.note) == (
        *(0.0, "boundary"),
        "fewer than 5 participants, so no interval; no cramp",
    )
    assert math.isnan(rate.ci_high)


def test_a_band_without_spread_takes_the_interval_of_the_standardised_rate() -> None:
    alike = incidence_rate(np.full(6, 2), np.full(6, 7), 0.95)
    rate = standardised_rate([band(1.0, 0.1), alike], [0.75, 0.25], ["20-59", "60+"], 0.95)
    assert rate.estimate == pytest.approx(0.75 * 1 + 0.25 * 2)
    assert (rate.status, rate.note) == ("boundary", "no spread in the band 60+, so no interval")
    assert math.isnan(rate.ci_low) and math.isnan(rate.ci_high)
    # Few people with spread still bring their variance along.
    few = incidence_rate(np.array([1, 3]), np.full(2, 7), 0.95)
    rate = standardised_rate([band(1.0, 0.1), few], [0.75, 0.25], ["20-59", "60+"], 0.95)
    assert rate.std_error == pytest.approx(math.sqrt((0.75 * 0.1) ** 2 + (0.25 * 2 * 0.5) ** 2) / 1.25)


def band(estimate: float, error: float, participants: int = 30, cramps: int = 5) -> Rate:
    return Rate(estimate, 0, 9, error, math.inf, participants, 100, cramps, "converged", None)


def test_standardised_rate_of_two_bands_by_hand() -> None:
    rate = standardised_rate([band(1.0, 0.1), band(3.0, 0.2)], [0.75, 0.25], ["20-59", "60+"], 0.95)
    assert rate.estimate == pytest.approx(0.75 * 1 + 0.25 * 3)
    variance = (0.75 * 0.1 * 1) ** 2 + (0.25 * 0.2 * 3) ** 2
    assert rate.std_error == pytest.approx(math.sqrt(variance) / 1.5)
    assert rate.ci_low == pytest.approx(1.5 * math.exp(-1.959964 * math.sqrt(variance) / 1.5), rel=1e-6)
    assert math.isinf(rate.df)
    assert rate.participants == 60


def test_a_standardised_rate_has_no_more_degrees_of_freedom_than_there_are_people() -> None:
    rows = describe(simulate(150, 14, seed=5), bands=AgeBands((20, 60))).estimates
    own = rows[rows["scale"].eq("rate") & rows["n_participants"].gt(0)].set_index(["analysis", "level"])
    whole, bands = own.loc["age-standardised incidence rate"], own.loc["incidence rate"].loc[["20-59", "60+"]]
    assert bands["n_participants"].max() >= 50 and (whole["df"] < whole["n_participants"]).all()


def test_empty_band_is_never_reweighted() -> None:
    empty = incidence_rate(np.array([], dtype=int), np.array([], dtype=int), 0.95)
    rate = standardised_rate([band(1.0, 0.1), empty], [0.75, 0.25], ["20-59", "60+"], 0.95)
    assert rate.status == "not_estimable" and math.isnan(rate.estimate)
    assert rate.note == "no rate in the band 60+"


@pytest.mark.parametrize("cramps", [0, 3])
def test_a_band_of_one_participant_takes_the_standardised_rate(cramps: int) -> None:
    lone = incidence_rate(np.array([cramps]), np.array([30]), 0.95)
    rate = standardised_rate([band(1.0, 0.1), lone], [0.75, 0.25], ["20-59", "60+"], 0.95)
    assert rate.status == "not_estimable" and math.isnan(rate.estimate)
    assert rate.note == "the rate in the band 60+ rests on one participant"
    # What nobody of the standard population is of is none of its bands.
    assert standardised_rate([band(1.0, 0.1), lone], [1.0, 0.0], ["20-59", "60+"], 0.95).estimate == pytest.approx(1.0)


PEOPLE = [
    *[(25.0 + i % 14, "male" if i % 2 else "female", [i % 3, 0, 1, None, 0]) for i in range(12)],
    *[(45.0 + i % 30, "female" if i % 2 else "male", [1, i % 4, 0, 2]) for i in range(12)],
]


def test_describe_gives_each_group_its_rate() -> None:
    rows = describe(diary(PEOPLE), bands=AgeBands((20, 40))).estimates
    assert rows["key"].is_unique
    young = pick(rows, "20-39")
    assert (young["n_participants"], young["n_nights"], young["n_events"]) == (12, 48, 24)
    assert young["estimate"] == pytest.approx(24 / 48 * 7)
    assert {"50+", "60+", "20+"} <= set(rows["level"])
    adjusted = pick(rows, "20+", "age-standardised incidence rate")
    weights = AgeBands((20, 40)).standard_weights("who")
    expected = sum(w * pick(rows, label)["estimate"] for w, label in zip(weights, ("20-39", "40+"), strict=True))
    assert adjusted["estimate"] == pytest.approx(expected)


def test_rows_of_small_groups_say_how_well_they_are_covered() -> None:
    rows = describe(diary([*PEOPLE, (85.0, "male", [1, 0, 0])]), bands=AgeBands((20, 40, 80))).estimates
    noted = rows["note"].str.contains("95% intervals of rates cover the truth", na=False)
    assert (noted == rows["ci_high"].notna()).all() and noted.sum() > 6
    assert (pick(rows, "80+")["status"], pick(rows, "80+")["note"]) == ("not_estimable", "rests on one participant")
    assert pd.isna(pick(rows, "80+")["estimate"]) and pick(rows, "80+")["n_nights"] == 3
    # A limit of no cramp is another interval; of very many people nothing is to be said.
    none = describe(diary([(30.0, "male", [0, 0])] * 12), "sex").estimates
    assert pick(none, "all")["ci_high"] > 0 and "cover the truth" not in pick(none, "all")["note"]
    many = describe(diary([(30.0, "male", [i % 3, 0]) for i in range(400)]), "sex").estimates
    assert pd.isna(pick(many, "all")["note"])


def test_every_analysis_says_the_same_of_an_age_that_nobody_is_of() -> None:
    older = diary([(age, "male", [1, 0, 3]) for age in (45.0, 52.0, 63.0, 64.0, 65.0, 66.0)])
    table = older.frame("participants").with_columns(ever_cramp=pl.lit(value=True))
    asked = replace(older, tables={**older.tables, "participants": table})
    bands = AgeBands((20, 40, 60))
    found = [describe(asked, bands=bands).estimates, frequency(asked, bands), ever(asked, bands)]
    found.append(red_flags(asked, bands))
    for rows in found:
        young = rows[rows["population"].eq("20-39") & rows["status"].ne("not_measured")]
        assert len(young) and set(young["note"]) == {"nobody of this age took part"}
        assert not rows.loc[rows["population"].ne("20-39"), "note"].str.contains("took part", na=False).any()
    # Nobody knows the age of one who may be of it.
    unknown = replace(
        asked,
        tables={
            **asked.tables,
            "participants": table.with_columns(
                age_years=pl.when(pl.col("age_years") == 45).then(None).otherwise(pl.col("age_years"))
            ),
        },
    )
    rows = describe(unknown, bands=bands).estimates
    assert set(rows.loc[rows["population"] == "20-39", "note"]) == {"nobody who is known to be of this age took part"}
    part = describe(asked, bands=bands, where="sex = 'male'").estimates
    assert set(part.loc[part["level"] == "20-39", "note"]) == {"nobody of this age took part"}
    # Of a part that leaves an age out somebody took part.
    part = describe(asked, bands=bands, where="age_years >= 60").estimates
    assert set(part.loc[part["level"] == "40-59", "note"]) == {"no observed night"}


def test_no_cramp_at_all_is_a_rate_of_zero_in_every_row() -> None:
    rows = describe(diary([(age, "male", [0, 0]) for age in (30.0, 50.0) for _ in range(6)]), bands=AgeBands((20, 40)))
    shown = rows.estimates
    assert set(shown["status"]) == {"boundary", "not_estimable"}
    assert set(shown.loc[shown["status"] == "boundary", "estimate"]) == {0.0}
    adjusted = pick(shown, "20+", "age-standardised incidence rate")
    assert (adjusted["status"], adjusted["estimate"]) == ("boundary", 0.0) and pd.isna(adjusted["ci_high"])
    assert "no cramp" in pick(shown, "20-39", "mean of person rates")["note"]


def test_a_night_without_an_entry_is_no_night_without_cramps() -> None:
    with_gap = describe(diary([(30.0, "male", [1, None, 1]), (30.0, "male", [0, 0])])).estimates
    assert pick(with_gap, "20+")["n_nights"] == 4


def test_limit_inside_a_group_of_the_standard_refuses_standardisation_only() -> None:
    rows = describe(diary(PEOPLE), bands=AgeBands((20, 42))).estimates
    assert pick(rows, "20-41")["status"] == "converged"
    adjusted = pick(rows, "20+", "age-standardised incidence rate")
    assert adjusted["status"] == "not_estimable"
    assert "42 lies inside a 5-year group" in adjusted["note"]


def test_empty_band_of_a_cohort_makes_standardisation_not_estimable() -> None:
    rows = describe(diary(PEOPLE)).estimates
    assert pick(rows, "80+")["status"] == "not_estimable"
    assert pick(rows, "20+", "age-standardised incidence rate")["status"] == "not_estimable"
    assert pick(rows, "20-39")["status"] == "converged"


def test_no_standard_gives_no_standardised_row() -> None:
    rows = describe(diary(PEOPLE), standard="none").estimates
    assert set(rows["analysis"]) == {"incidence rate", "mean of person rates"}


def test_younger_band_is_shown_only_if_present() -> None:
    assert "<20" not in set(describe(diary(PEOPLE)).estimates["level"])
    rows = describe(diary([(17.0, "male", [1, 0]), (18.0, "male", [0, 1]), *PEOPLE])).estimates
    assert pick(rows, "<20")["n_participants"] == 2


def test_by_sex_and_by_a_yes_no_variable() -> None:
    rows = describe(diary(PEOPLE), "sex").estimates
    assert rows["level"].drop_duplicates().tolist() == ["female", "male", "all"]
    female, male, everyone = (pick(rows, level) for level in ("female", "male", "all"))
    assert female["n_events"] + male["n_events"] == everyone["n_events"]
    assert set(describe(diary(PEOPLE), "diabetes").estimates["level"]) == {"false", "true", "all"}


def test_where_names_a_part() -> None:
    rows = describe(diary(PEOPLE), "sex", where="age_years < 40").estimates
    assert pick(rows, "all")["n_participants"] == 12
    assert rows["population"].str.endswith(", age_years < 40").all()
    with_gaps = diary([*PEOPLE, (30.0, "male", [1, 1])])
    people = with_gaps.frame("participants").with_columns(
        bmi_kg_m2=pl.when(pl.col("participant_id") == "p024").then(None).otherwise(25.0)
    )
    unknown = Cohort("made", "diary", {**with_gaps.tables, "participants": people})
    rows = describe(unknown, "sex", where="bmi_kg_m2 > 20").estimates
    assert "2 nights left out, the condition could not be decided" in pick(rows, "all")["note"]


def test_part_without_a_night_is_not_estimable() -> None:
    for by in ("age_band", "sex"):
        rows = describe(diary(PEOPLE), by, where="age_years > 110").estimates
        assert set(rows["status"]) == {"not_estimable"}


@pytest.mark.parametrize(
    ("by", "message"),
    [("age_years", "not 'age_years'"), ("nonsense", "not 'nonsense'")],
)
def test_by_must_be_a_level(by: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        describe(diary(PEOPLE), by)


def test_by_must_not_change_from_night_to_night() -> None:
    with pytest.raises(UsageError, match=r"changes from night to night.*; allowed: age_band, sex") as refused:
        describe(diary(PEOPLE), "cramp_night")
    assert refused.value.correction == ("cramp_night", "age_band")


def test_what_may_be_named_in_its_place_is_what_participants_are() -> None:
    with pytest.raises(UsageError, match="nonsense") as refused:
        describe(diary(PEOPLE), "nonsense")
    allowed = str(refused.value).partition("allowed: ")[2]
    assert allowed.startswith("age_band, sex") and "night" not in allowed


def test_impossible_arguments() -> None:
    with pytest.raises(UsageError, match="confidence level"):
        describe(diary(PEOPLE), ci_level=95)
    with pytest.raises(UsageError, match="weight belongs to a survey"):
        describe(diary(PEOPLE), weight="weight_exam")
    with pytest.raises(BandError, match="no standard population 'mars'"):
        describe(diary(PEOPLE), standard="mars")  # type: ignore[arg-type]
