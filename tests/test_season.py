"""The annual cycle: agreement with R, numbers worked out by hand, the simulator's truth, and who has no cycle."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey

from crampstudy import analyses, claims, estimates, figures, fit, tables, wording
from crampstudy.analyses import Settings
from crampstudy.analyses.sections import season
from crampstudy.claims import tidy
from crampstudy.cohort import Cohort
from crampstudy.contrasts.season.annual_cycle import annual_cycle
from crampstudy.contrasts.season.cosinor import AnnualCycle, resampled
from crampstudy.contrasts.season.rows import NONE, SeasonQuestion
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, sentences
from crampstudy.nights.calendar import YEAR, day_of
from crampstudy.simulate import Truth, simulate
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.season import season as answers
from crampstudy.sources.writer import About, writing

PARITY = Path(__file__).parent / "parity"
R: Any = json.loads((PARITY / "season.json").read_text(encoding="utf-8"))
Run = Callable[..., tuple[int, str, str]]


def cohort_of(table: pl.DataFrame, **people: Any) -> Cohort:
    who = ["participant_id", "sex", "age_years"]
    persons = table.unique("participant_id", maintain_order=True).select(who).cast({"age_years": pl.Float64})
    nights = table.select("participant_id", "date", "cramps")
    return Cohort("made", "diary", {"participants": persons.with_columns(**people), "diary": nights}, synthetic=True)


@pytest.fixture(scope="module")
def nights() -> pl.DataFrame:
    return pl.read_csv(PARITY / "season-data.csv", try_parse_dates=True)


@pytest.fixture(scope="module")
def cohort(nights: pl.DataFrame) -> Cohort:
    return cohort_of(nights)


@pytest.fixture(scope="module")
def found(cohort: Cohort) -> analyses.Findings:
    return analyses.run("season", cohort)


def cycle(cohort: Cohort, asked: SeasonQuestion | None = None, seed: int = 1) -> pd.DataFrame:
    rows = annual_cycle(cohort, asked or SeasonQuestion(), np.random.default_rng(seed))
    return kinds.SEASON.rows(rows).set_index("level")


def test_the_cycle_agrees_with_r(cohort: Cohort) -> None:
    rows, of_r = cycle(cohort), R["small"]
    assert rows.loc["amplitude", "estimate"] == pytest.approx(of_r["amplitude"], rel=1e-6)
    assert rows.loc["amplitude", "std_error"] == pytest.approx(of_r["amplitude_error"], rel=1e-6)
    assert rows.loc["relative amplitude", "estimate"] == pytest.approx(of_r["relative_amplitude"], rel=1e-6)
    assert rows.loc["peak to trough", "estimate"] == pytest.approx(of_r["peak_to_trough"], rel=1e-6)
    assert rows.loc["peak", "estimate"] == pytest.approx(of_r["peak_day"], rel=1e-6)
    winter, test = rows.loc["midwinter against midsummer"], rows.loc["joint test"]
    assert winter["estimate"] == pytest.approx(of_r["winter"], rel=1e-6)
    assert winter["std_error"] == pytest.approx(of_r["winter_error"], rel=1e-6)
    # An F is half of the chi-squared of two coefficients.
    assert 2 * test["estimate"] == pytest.approx(of_r["wald"], rel=1e-6) and test["unit"].startswith("F on 2 and ")
    assert set(rows["adjusted_for"]) == {"age_years; sex; night_in_study"}


@pytest.mark.parametrize(("model", "of_r"), [("poisson", "poisson"), ("negative-binomial", "negative_binomial")])
def test_cosine_and_sine_agree_with_r(nights: pl.DataFrame, model: str, of_r: str) -> None:
    since = (pl.col("date") - pl.col("date").min().over("participant_id")).dt.total_days()
    made = cohort_of(nights)
    diary = made.frame("diary").with_columns(night=since)
    made = replace(made, tables={**made.tables, "diary": diary})
    terms = "season_cos + season_sin + age_years + sex + night"
    rows = fit(made, model=model, terms=terms, covariance="cluster").estimates.set_index("term")
    for term, value, error in zip(
        ("season_cos", "season_sin"), R[of_r]["coefficients"], R[of_r]["errors"], strict=True
    ):
        assert math.log(rows.loc[term, "estimate"]) == pytest.approx(value, rel=1e-6)
        assert rows.loc[term, "std_error"] == pytest.approx(error, rel=1e-6)


def test_amplitude_peak_and_trough_by_hand() -> None:
    angle = 2 * math.pi * 205 / YEAR
    made = AnnualCycle(0.4 * math.cos(angle), 0.4 * math.sin(angle), np.zeros((3, 2)))
    assert made.amplitude == pytest.approx(0.4) and made.peak == pytest.approx(205) and day_of(made.peak) == "24 July"
    # Against rates of e^0.4 at the peak and e^-0.4 in the trough.
    high, low = math.exp(0.4), math.exp(-0.4)
    assert math.exp(2 * made.amplitude) == pytest.approx(high / low)
    assert math.tanh(made.amplitude) == pytest.approx((high - low) / (high + low))
    assert made.peak_interval(0.95) == pytest.approx((205, 205))
    assert [day_of(day) for day in (1, 365, 366, 59, 305, 0, -30)] == [
        *("1 January", "31 December", "1 January", "28 February", "1 November", "31 December", "1 December"),
    ]
    assert (
        AnnualCycle(1.0, 0.0, np.zeros((1, 2))).peak == YEAR
        and AnnualCycle(0.0, -1.0, np.zeros((1, 2))).peak == 0.75 * YEAR
    )


def test_a_peak_near_the_turn_of_the_year_has_an_interval_that_passes_it() -> None:
    errors = 0.1 * np.random.default_rng(1).standard_normal((2000, 2))
    low, high = AnnualCycle(0.5, 0.0, errors).peak_interval(0.95) or (math.nan, math.nan)
    # Two tenths of the amplitude are 1.96 x 0.1 / 0.5 of a radian.
    assert (low + high) / 2 == pytest.approx(YEAR, abs=2)
    assert (high - low) / 2 == pytest.approx(0.392 / (2 * math.pi) * YEAR, rel=0.06)
    assert AnnualCycle(0.5, 0.0, errors).share_of_peaks(305, 59) == 1
    assert AnnualCycle(0.5, 0.0, errors).share_of_peaks(121, 244) == 0
    assert AnnualCycle(0.02, 0.0, errors).peak_interval(0.95) is None


@pytest.mark.parametrize("amplitude", [0.0, 0.1, 0.6])
def test_intervals_of_the_amplitude_cover_and_hold_none_where_there_is_none(amplitude: float) -> None:
    """Of 200 normal estimates with error 0.1, 179 to 199 intervals cover; where no cycle is, 0 is in them."""
    rng = np.random.default_rng([3, int(100 * amplitude)])
    errors = 0.1 * rng.standard_normal((400, 2))
    covered = 0
    for cosine, sine in np.array([amplitude, 0.0]) + 0.1 * rng.standard_normal((200, 2)):
        low, high = AnnualCycle(cosine, sine, errors).amplitude_interval(0.95)
        assert 0 <= low < high
        covered += low <= amplitude <= high
    assert 179 <= covered <= 199, covered


def test_resampled_errors_have_the_variance_asked_for() -> None:
    rng = np.random.default_rng(2)
    influence = rng.exponential(size=(40, 2)) - 1
    influence -= influence.mean(axis=0)
    variance = np.array([[0.04, 0.01], [0.01, 0.02]])
    errors = resampled(influence, variance, 4000, np.random.default_rng(5))
    assert errors.mean(axis=0) == pytest.approx([0, 0], abs=0.01)
    assert np.cov(errors.T) == pytest.approx(variance, rel=0.1, abs=0.002)
    again = resampled(influence, variance, 4000, np.random.default_rng(5))
    assert (errors == again).all()


def test_the_answers_of_the_simulator_are_those_of_the_nearest_log_linear_cycle() -> None:
    truth = Truth()
    said = {a.key: a.value for a in answers(truth, Population(truth, seed=1, draws=2))}
    # The maximum of the Poisson likelihood over the days of a year.
    angle = 2 * math.pi * np.arange(3652) / 3652
    rate = 1 + truth.cramps.season_amplitude * np.cos(angle)
    size = said["season:amplitude"]
    level = math.log(rate.mean() / np.exp(size * np.cos(angle)).mean())
    assert np.mean((rate - np.exp(level + size * np.cos(angle))) * np.cos(angle)) == pytest.approx(0, abs=1e-12)
    assert said["season:peak_to_trough"] == pytest.approx(math.exp(2 * size))
    assert said["season:relative_amplitude"] == pytest.approx(math.tanh(size))
    assert said["season:peak_day"] == truth.cramps.season_peak_day
    none = replace(truth, cramps=replace(truth.cramps, season_amplitude=0.0))
    nothing = {a.key: a.value for a in answers(none, Population(none, seed=1, draws=2))}
    assert nothing == {"season:amplitude": 0, "season:relative_amplitude": 0, "season:peak_to_trough": 1}


@pytest.mark.parametrize("amplitude", [0.0, 0.6])
def test_a_cohort_of_the_simulator_has_the_cycle_that_was_put_in(amplitude: float) -> None:
    truth = Truth()
    truth = replace(truth, cramps=replace(truth.cramps, season_amplitude=amplitude, rate_per_week=2.0))
    said = {a.key: a.value for a in answers(truth, Population(truth, seed=1, draws=2))}
    rows = cycle(simulate(400, 14, seed=12, truth=truth), SeasonQuestion("age_years >= 20"))
    ratio, peak = rows.loc["peak to trough"], rows.loc["peak"]
    assert ratio["ci_low"] <= said["season:peak_to_trough"] <= ratio["ci_high"]
    assert rows.loc["relative amplitude", "ci_low"] <= said["season:relative_amplitude"]
    if amplitude:
        assert peak["ci_low"] <= said["season:peak_day"] <= peak["ci_high"] and peak["ci_high"] - peak["ci_low"] < 60
        assert rows.loc["joint test", "p_value"] < 0.001 and ratio["verdict"] == "higher"
        assert (
            rows.loc["midwinter against midsummer", "verdict"] == "lower"
            and rows.loc["peak in winter", "estimate"] == 0
        )
    else:
        assert ratio["ci_low"] == 1 and rows.loc["joint test", "p_value"] > 0.05
        assert pd.isna(peak["ci_low"]) and peak["note"].startswith(NONE)
        assert tables.season(rows.reset_index()).loc["Peak", "Estimate (95% CI)"] == "any day"
        assert "biased upwards" in ratio["note"] and ratio["verdict"] in ("inconclusive", "near null")


def test_a_share_of_peaks_has_the_decimals_of_its_table(found: analyses.Findings) -> None:
    rows = found.estimates.assign(
        estimate=found.estimates["estimate"].mask(found.estimates["level"].eq("peak in winter"), 0.845)
    )
    (row,) = wording.records(rows[rows["level"].eq("peak in winter")])
    told = season._claim(kinds.SEASON.rows(rows))
    assert sentences.value(row) == "84.5%" and "84.5% of the resampled peaks lie in winter" in told


def test_in_the_south_winter_is_another_half_of_the_year(cohort: Cohort, found: analyses.Findings) -> None:
    north = kinds.SEASON.rows(found.estimates).set_index("level")
    down = analyses.run("season", cohort, Settings(hemisphere="south"))
    south = kinds.SEASON.rows(down.estimates).set_index("level")
    winter = "midwinter against midsummer"
    assert south.loc[winter, "estimate"] == pytest.approx(1 / north.loc[winter, "estimate"])
    assert south.loc[winter, "verdict"] == "higher" and north.loc[winter, "verdict"] == "lower"
    # The peak is a date of the calendar.
    assert south.loc["peak", "estimate"] == north.loc["peak", "estimate"]
    assert (
        north.loc[winter, "unit"] == "1 January against 3 July"
        and south.loc[winter, "unit"] == "3 July against 1 January"
    )
    assert south.loc["peak in winter", "unit"] == "share of resampled peaks from 1 May to 31 August"
    assert south.loc["peak in winter", "estimate"] > 0.9 and north.loc["peak in winter", "estimate"] == 0
    with pytest.raises(UsageError, match="no hemisphere 'soth'; did you mean south"):
        Settings(hemisphere="soth")  # type: ignore[arg-type]


def test_the_section_in_words(found: analyses.Findings) -> None:
    rows = kinds.SEASON.rows(found.estimates).set_index("level")
    answer = found.values["answer"]
    assert answer.startswith("Cramps follow an annual cycle: the highest rate of the year is 2.95 (")
    assert "the peak is on 3 August (" in answer
    assert answer.endswith(" Different people stand for the months of that cycle.")
    assert found.values["claim"].startswith("Cramps are less common in midwinter than in midsummer")
    assert found.values["limits"].startswith("Nobody logged for more than three months")
    assert "annual cycle, between persons" in rows.loc["peak", "estimand"]
    table = found.tables["tbl-season"].frame
    assert table.loc["Peak", "Estimate (95% CI)"].startswith("3 August (")
    assert table.loc["Peak in winter", "Estimate (95% CI)"] == "0.0%"
    assert table.loc["Joint test", "Estimate (95% CI)"] == "F = 9.21"
    assert "3 August" not in str(found.tables["tbl-season"].note)
    drawn = figures.season(found.figures["fig-season"].estimates)
    assert [text.get_text().partition("\n")[0] for text in drawn.axes[0].get_xticklabels()][::11] == ["Jan", "Dec"]


def test_the_curve_is_the_cycle_around_the_mean_rate(cohort: Cohort, found: analyses.Findings) -> None:
    curve = kinds.CYCLE.rows(found.estimates)["estimate"].to_numpy()
    assert curve.max() / curve.min() == pytest.approx(R["small"]["peak_to_trough"], rel=0.01)
    months = kinds.MONTHS.rows(found.estimates)
    assert months["n_nights"].sum() == cohort.frame("diary").height and len(months) == 12
    whole = months["n_events"].sum() / months["n_nights"].sum() * 7
    assert curve.mean() == pytest.approx(whole, rel=0.15)
    printed = tables.months(months)
    assert printed.index[0] == "January" and printed.columns[-1] == "Cramps per person-week (95% CI)"


def test_the_same_cohort_gives_the_same_rows(cohort: Cohort, found: analyses.Findings) -> None:
    pd.testing.assert_frame_equal(analyses.run("season", cohort).estimates, found.estimates)
    assert found.estimates["key"].is_unique


@pytest.mark.parametrize(
    ("people", "months", "said"), [(10, 8, "only 8 have"), (9, 12, "none has"), (10, 1, "only one has")]
)
def test_a_calendar_that_is_too_short_has_no_cycle(people: int, months: int, said: str) -> None:
    rng = np.random.default_rng(1)
    table = pl.DataFrame(
        [
            (f"p{i}", "male", 50, date(2024, month, 10) + timedelta(days=k), int(rng.poisson(0.4)))
            for i in range(people)
            for month in range(1, months + 1)
            for k in range(2)
        ],
        ["participant_id", "sex", "age_years", "date", "cramps"],
        orient="row",
    )
    found = analyses.run("season", cohort_of(table))
    cycle = kinds.SEASON.rows(found.estimates)
    reason = f"an annual cycle needs 9 calendar months with nights of 10 people each, and {said} that"
    assert set(cycle["status"]) == {"not_estimable"} and set(cycle["note"]) == {reason}
    assert found.values["answer"] == f"Whether there is an annual cycle could not be estimated: {reason}."
    assert (
        kinds.MONTHS.rows(found.estimates)["estimate"].notna().sum() == months and "fig-season" not in found.could_not
    )
    said_last = found.values["not_estimated"]
    assert said_last.count(reason) == 1 and "Season: no observed night" not in said_last
    if months == 1:
        assert said_last.endswith("; February, March, April and 8 others: no observed night.")
    # What is not there has no limits.
    whose = "those who logged in it. " if months > 1 else "different people"
    assert found.values["limits"].startswith(f"Rates by month are of {whose}") and "cosine" not in str(found.values)


def test_a_cycle_that_the_test_shows_and_the_resamples_do_not_is_told_as_both(found: analyses.Findings) -> None:
    rows = kinds.SEASON.rows(found.estimates)
    unsure = rows.assign(note=rows["note"].mask(rows["level"].eq("peak"), NONE), ci_low=float("nan"))
    said = season._answer(unsure.assign(p_value=0.043))
    assert "from resampled participants that reaches no cycle at all, although its test has p = 0.043." in said
    assert "although" not in season._answer(unsure.assign(p_value=0.4))
    # What may be on any day has no date among the claims either.
    ledger = claims.ledger({"season": unsure}, "diary")
    told = tidy.rows(ledger, "x")
    assert told.set_index("term").loc["C28", "note"].startswith("A peak on any day")
    assert "any day" in tables.claims(told)["Estimate (95% CI)"].tolist()


def test_months_of_few_people_are_counted_and_named_under_the_figure(cohort: Cohort) -> None:
    cells = {"analysis": kinds.MONTHS.name, "term": "month", "scale": "rate", "estimate": 2.0, "ci_level": 0.95}
    rows = [estimates.row(status="converged", level="May", n_participants=9, ci_low=1.0, ci_high=3.0, **cells)]
    rows += [estimates.row(status="converged", level="July", n_participants=2, **cells)]
    alone = {"note": "rests on one participant", "n_participants": 1, "estimate": None}
    rows += [estimates.row(status="not_estimable", level="June", **cells | alone)]
    months = estimates.frame(rows)
    few = "Too few people logged in July for an interval."
    assert season._few(months) == f"{few} No rate is drawn for June (rests on one participant)."
    labels = [text.get_text() for text in figures.season(months).axes[0].get_xticklabels()]
    assert labels[4:7] == ["May\nn = 9", "Jun\nn = 1", "Jul\nn = 2"]


def test_a_year_of_few_people_says_how_many_it_takes(nights: pl.DataFrame) -> None:
    rng = np.random.default_rng(8)
    table = pl.DataFrame(
        [
            (f"p{i}", "male", 50, date(2024, 1, 1) + timedelta(days=k), int(rng.poisson(0.5)))
            for i in range(12)
            for k in range(0, 366, 3)
        ],
        ["participant_id", "sex", "age_years", "date", "cramps"],
        orient="row",
    )
    few = kinds.SEASON.rows(analyses.run("season", cohort_of(table)).estimates)
    reason = (
        "12 participants are too few for a mean, a cosine and a sine: a model needs 5 to every coefficient, which is 15"
    )
    assert set(few["note"]) == {reason} and set(few["status"]) == {"not_estimable"}
    assert cycle(cohort_of(table)).loc["joint test", "status"] == "converged"


def test_the_night_in_study_counts_from_the_first_night_that_was_logged(nights: pl.DataFrame) -> None:
    made = cohort_of(nights)
    before = made.frame("diary").group_by("participant_id", maintain_order=True).first()
    before = before.with_columns(
        date=pl.col("date") - pl.duration(days=9), cramps=pl.lit(None, pl.Int64), entry_made=False
    )
    both = pl.concat([made.frame("diary").with_columns(entry_made=pl.lit(value=True)), before], how="diagonal")
    late = replace(made, tables={**made.tables, "diary": both})
    amplitude = [cycle(each).loc["amplitude", "estimate"] for each in (made, late)]
    assert amplitude[0] == pytest.approx(amplitude[1], rel=1e-9)


def test_months_of_one_participant_have_no_rate(nights: pl.DataFrame) -> None:
    of_one = nights["participant_id"][0]
    some = nights.filter((pl.col("participant_id") == of_one) | (pl.col("date").dt.month() != nights["date"][0].month))
    rows = kinds.MONTHS.rows(annual_cycle(cohort_of(some), SeasonQuestion(), np.random.default_rng(1)))
    lone = rows.set_index("level").loc[nights["date"][0].strftime("%B")]
    assert lone["status"] == "not_estimable" and lone["note"] == "rests on one participant"


def test_people_without_age_and_sex_have_a_cycle_all_the_same(nights: pl.DataFrame) -> None:
    bare = cohort_of(nights, age_years=pl.lit(None, pl.Float64), sex=pl.lit(None, pl.String))
    found = analyses.run("season", bare)
    rows = kinds.SEASON.rows(found.estimates)
    assert set(rows["status"]) <= {"converged", "boundary"} and set(rows["adjusted_for"]) == {"night_in_study"}


def test_a_list_of_events_has_neither_cycle_nor_months(nights: pl.DataFrame) -> None:
    found = analyses.run("season", cohort_of(nights.filter(pl.col("cramps") > 0)))
    assert "list of events" in found.values["answer"] and found.estimates["estimate"].isna().all()
    assert "list of events" in found.could_not["fig-season"]


def test_a_survey_compares_halves_of_the_year() -> None:
    whole = survey(None)
    rng = np.random.default_rng(4)
    frame = whole.frame("participants").with_columns(
        exam_season=pl.Series(rng.choice(["november_april", "may_october"], 1200)),
        recalled_high=pl.when(pl.col("recalled_low") == 0).then(0).otherwise(15).cast(pl.Int64),
    )
    asked = Cohort("asked", "survey", {"participants": frame}, whole.design, as_of=whole.as_of, synthetic=True)
    found = analyses.run("season", asked)
    rows = found.estimates
    assert rows["outcome"].tolist() == ["any_cramp", "moderate_severe_vs_rest"]
    assert set(rows["level"]) == {"november_april"} and set(rows["reference"]) == {"may_october"}
    old = frame.filter(pl.col("age_years") >= 20)
    often, weight = (old["recalled_low"] > 0).to_numpy(), old["weight_interview"].to_numpy()
    winter = (old["exam_season"] == "november_april").to_numpy()
    crude = np.average(often[winter], weights=weight[winter]) / np.average(often[~winter], weights=weight[~winter])
    # Seasons were drawn, so that age and sex change little.
    assert rows["estimate"].iloc[0] == pytest.approx(crude, rel=0.05)
    assert "the prevalence ratio is " in found.values["answer"] and found.absent == ("fig-season", "tbl-season")
    assert "November to April against May to October" in found.tables["tbl-season-examined"].frame.to_string()
    unknown = analyses.run("season", whole)
    assert "could not be estimated" in unknown.values["answer"] and not unknown.estimated


def test_the_command_takes_the_hemisphere(run: Run, tmp_path: Path, cohort: Cohort) -> None:
    with writing(tmp_path / "made", About("made")) as out_of:
        out_of.add(cohort.tables)
    code, out, _ = run("analyse", "season", str(tmp_path / "made"), "--hemisphere", "south", "--csv")
    assert code == 0 and "3 July against 1 January" in out
    assert run("analyse", "season", str(tmp_path / "made"), "--hemisphere", "east")[0] == 2
