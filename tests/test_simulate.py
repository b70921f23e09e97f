"""The simulator: what it says is what it draws, and what it draws keeps the codebook."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy import codebook
from crampstudy.bands import AgeBands
from crampstudy.codebook import rules
from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError, UsageError
from crampstudy.simulate import TRUTH_FILE, Truth, simulate, write
from crampstudy.simulate.groups import Cramps, Gaps, People
from crampstudy.simulate.habits import night_x
from crampstudy.sources import load, open_cohort

DOCS = Path(__file__).resolve().parents[1] / "docs" / "simulation.md"

# A term of the simulator and its row in the evidence sheet.
FACTORS = {
    "age_decade": "age",
    "sex[female]": "sex female",
    "peripheral_artery_disease": "peripheral vascular disease",
    "diabetes": "diabetes",
    "hypothyroidism": "thyroid disorder",
    "serum_sodium_sd": "sodium",
    "serum_potassium_sd": "potassium intake",
    "serum_calcium_sd": "calcium (biomarker)",
    "serum_magnesium_sd": "magnesium status",
    "alcohol_day": "alcohol",
    "exercise_day": "overexertion",
    "stretching_share": "stretching (trial)",
}

WHOLE = replace(
    Truth(),
    people=People(no_sample=0, failed_analyte=0),
    cramps=Cramps(rate_per_week=2.0, person_shape=3.0, night_dispersion=0.4),
    gaps=Gaps(adherence_mean=1),
)
"""A truth without gaps and with more cramps, where a method has little excuse to miss it."""

STRONG = WHOLE.with_effects(
    age_years=-0.2,
    sex=0.5,
    peripheral_artery_disease=-0.4,
    diabetes=0.6,
    hypothyroidism=-0.5,
    serum_sodium_mmol_l=0.3,
    serum_potassium_mmol_l=-0.3,
    serum_calcium_mmol_l=0.2,
    serum_magnesium_mmol_l=-0.2,
    alcohol_day=0.5,
    exercise_day=-0.3,
    stretching_day=-0.6,
)
NULL = WHOLE.with_effects(**{e.column: 0.0 for e in WHOLE.effects})


def fit(cohort: Cohort) -> pd.DataFrame:
    """Poisson regression with cluster-robust errors on covariates made from the tables alone."""
    nights = cohort.diary.merge(cohort.participants, on="participant_id").sort_values(["participant_id", "date"])
    person = nights.groupby("participant_id")

    def within(x: pd.Series) -> pd.Series:
        return x - x.groupby(nights["participant_id"]).transform("mean")

    x = pd.DataFrame(
        {
            "age_decade": (nights["age_years"] - 60) / 10,
            "sex[female]": nights["sex"] == "female",
            **{c: nights[c] for c in ("peripheral_artery_disease", "diabetes", "hypothyroidism")},
            "serum_sodium_sd": (nights["serum_sodium_mmol_l"] - 140) / 2.4,
            "serum_potassium_sd": (nights["serum_potassium_mmol_l"] - 4.2) / 0.35,
            "serum_calcium_sd": (nights["serum_calcium_mmol_l"] - 2.35) / 0.09,
            "serum_magnesium_sd": (nights["serum_magnesium_mmol_l"] - 0.84) / 0.07,
            "alcohol_day": within((nights["alcohol_units"] > 0).astype(float)),
            "exercise_day": within((nights["exercise_min"] > 0).astype(float)),
            "stretching_share": (nights["stretch_calf_min"] > 0)
            .astype(float)
            .groupby(nights["participant_id"])
            .transform(lambda s: s.rolling(14).mean()),
        }
    ).astype(float)
    known = person.cumcount() >= 13
    design = sm.add_constant(x[known])
    codes = nights.loc[known, "participant_id"].astype("category").cat.codes
    result = sm.Poisson(nights.loc[known, "cramps"].astype(float), design).fit(
        method="newton", disp=False, cov_type="cluster", cov_kwds={"groups": codes}
    )
    return pd.DataFrame({"estimate": result.params, "se": result.bse})


@pytest.mark.parametrize(
    "truth", [pytest.param(WHOLE, id="default"), pytest.param(STRONG, id="strong"), pytest.param(NULL, id="null")]
)
def test_a_regression_recovers_every_effect(truth: Truth) -> None:
    fitted = fit(simulate(3000, 60, seed=11, truth=truth))
    for effect in truth.effects:
        estimate, se = fitted.loc[effect.term]
        assert se < 0.06, effect.term
        # 13 parameters in three fits: 4 standard errors leave a chance of 1 in 400 that any is missed.
        assert abs(estimate - effect.log_rate_ratio) < 4 * se, (effect.term, estimate, se)
    rate, se = fitted.loc["const"]
    assert se < 0.05
    assert abs(rate - math.log(2.0 / 7)) < 4 * se


def test_the_moments_are_those_that_the_truth_implies() -> None:
    truth = replace(NULL, cramps=Cramps(rate_per_week=7.0, person_shape=4.0, night_dispersion=0.5))
    implied = truth.implied()
    counts = np.vstack(
        [
            np.asarray(simulate(4000, 20, seed, truth).frame("diary")["cramps"]).reshape(4000, 20).astype(float)
            for seed in range(3)
        ]
    )
    persons = len(counts)
    own = counts.mean(axis=1)
    mean = counts.mean()
    assert abs(mean - 1) < 4 * own.std() / math.sqrt(persons)
    # Products of different nights within a person estimate the covariance without the night's own noise.
    products = ((counts.sum(axis=1) ** 2 - (counts**2).sum(axis=1)) / (20 * 19)) - 1
    assert abs(products.mean() - implied["variance_of_persons_rates"]) < 4 * products.std() / math.sqrt(persons)
    squares = ((counts - 1) ** 2).mean(axis=1)
    assert abs(squares.mean() - (1 + implied["dispersion_of_a_night"])) < 4 * squares.std() / math.sqrt(persons)
    assert implied["dispersion_of_a_night"] == pytest.approx(1.25 * 1.5 - 1)


def test_no_dispersion_is_poisson() -> None:
    truth = replace(NULL, cramps=Cramps(rate_per_week=7.0, person_shape=1e6, night_dispersion=0))
    counts = simulate(2000, 30, 5, truth).frame("diary")["cramps"].to_numpy().astype(float)
    # Variance over mean of n Poisson counts has a standard error of sqrt(2 / n).
    assert abs(counts.var() / counts.mean() - 1) < 4 * math.sqrt(2 / len(counts))


def test_the_default_cohort_is_the_one_described() -> None:
    cohort = simulate(4000, 30, seed=3)
    nights = cohort.frame("diary").filter(pl.col("entry_made"))
    rates = nights.group_by("participant_id").agg(pl.col("cramps").mean() * 7)["cramps"]
    assert 0.85 < rates.mean() < 1.15
    ages = cohort.frame("participants")["age_years"]
    bands = ages.map_elements(AgeBands().label, return_dtype=pl.String).value_counts()
    shares = {label: n / 4000 for label, n in bands.iter_rows()}
    assert set(shares) == set(AgeBands().labels[1:])
    assert min(shares.values()) > 0.12
    # The year of birth follows from the age in completed years and a first night early in 2024.
    people = cohort.participants
    assert people["birth_year"].add(people["age_years"]).isin([2023, 2024]).all()


def test_conditions_and_measures_go_with_age_sex_and_each_other() -> None:
    people = simulate(6000, 1, seed=4).participants
    old, young = people[people["age_years"] >= 70], people[people["age_years"] < 50]
    for condition in ("peripheral_artery_disease", "osteoarthritis", "hypertension", "gait_altered"):
        assert old[condition].mean() > young[condition].mean() + 0.05, condition
    assert old["grip_strength_kg"].mean() < young["grip_strength_kg"].mean() - 5
    by_sex = people.groupby("sex")["lean_mass_index_kg_m2"].mean()
    assert by_sex["male"] - by_sex["female"] == pytest.approx(1.9, abs=0.15)
    for condition, measure, shift in (
        ("diabetes", "hba1c_mmol_mol", 16),
        ("peripheral_artery_disease", "ankle_brachial_index", -0.35),
    ):
        by = people.groupby(condition)[measure].mean()
        assert by[True] - by[False] == pytest.approx(shift, rel=0.1)
    assert people.loc[people["osteoarthritis"], "arthritis"].all()
    assert people.loc[people["hypothyroidism"], "thyroid_disease"].all()
    assert set(people.loc[people["sex"] == "male", "pregnancy_trimester"]) == {"none"}
    for name, mean, sd in (("serum_potassium_mmol_l", 4.2, 0.35), ("serum_magnesium_mmol_l", 0.84, 0.07)):
        assert people[name].mean() == pytest.approx(mean, abs=4 * sd / math.sqrt(6000))
        assert people[name].std() == pytest.approx(sd, rel=0.05)


def test_equal_arguments_give_equal_cohorts_and_another_seed_another() -> None:
    first, again, other = simulate(40, 30, 7), simulate(40, 30, 7), simulate(40, 30, 8)
    for name in ("participants", "diary"):
        assert first.frame(name).equals(again.frame(name))
    assert first.digest == again.digest != other.digest


def test_other_gaps_move_neither_people_nor_cramps() -> None:
    truth = replace(Truth(), people=People(no_sample=0, failed_analyte=0))
    gappy = simulate(60, 40, 7, replace(truth, gaps=Gaps(adherence_mean=0.5, no_row_share=0.3)))
    whole = simulate(60, 40, 7, replace(truth, gaps=Gaps(adherence_mean=1)))
    assert gappy.frame("participants").equals(whole.frame("participants"))
    logged = gappy.frame("diary").filter(pl.col("entry_made"))
    assert 0 < logged.height < whole.frame("diary").height == 60 * 40
    assert logged.equals(
        whole.frame("diary").join(logged.select("participant_id", "date"), on=["participant_id", "date"])
    )


def test_lost_samples_move_nothing_but_their_own_cells() -> None:
    lossy = simulate(200, 5, 7, replace(Truth(), people=People(no_sample=0.5, failed_analyte=0.3)))
    whole = simulate(200, 5, 7, replace(Truth(), people=People(no_sample=0, failed_analyte=0)))
    assert lossy.frame("diary").equals(whole.frame("diary"))
    a, b = lossy.frame("participants"), whole.frame("participants")
    lost = {c for c in a.columns if a[c].null_count()}
    assert "serum_potassium_mmol_l" in lost
    assert lost == {m.column for m in Truth().measures if m.sampled == "yes"}
    for column in a.columns:
        kept = a[column].is_not_null()
        assert a[column].filter(kept).equals(b[column].filter(kept)), column
    assert b.null_count().sum_horizontal().item() == 0


def test_an_effect_moves_no_habit() -> None:
    plain, strong = simulate(30, 30, 2, WHOLE), simulate(30, 30, 2, STRONG)
    untouched = [h.column for h in WHOLE.habits if codebook.find(h.column, "diary") and "_0_10" not in h.column]
    untouched.remove("awakenings")
    assert plain.frame("diary").select(untouched).equals(strong.frame("diary").select(untouched))
    assert not plain.frame("diary")["cramps"].equals(strong.frame("diary")["cramps"])


def test_missing_nights_follow_weekday_and_time() -> None:
    truth = replace(NULL, gaps=Gaps(adherence_mean=0.8, adherence_concentration=1e6, no_row_share=0.25))
    diary = simulate(2000, 42, 9, truth).frame("diary")
    logged = diary.filter(pl.col("entry_made"))
    missing = 2000 * 42 - logged.height
    assert (diary.height - logged.height) / missing == pytest.approx(0.75, abs=4 * math.sqrt(0.25 * 0.75 / missing))

    starts = diary.group_by("participant_id").agg(pl.col("date").min().alias("start"))
    nights = logged.join(starts, on="participant_id").with_columns(
        late=(pl.col("date") - pl.col("start")).dt.total_days() >= 14, weekend=pl.col("date").dt.weekday().is_in([5, 6])
    )
    days = starts["start"].to_numpy().astype("datetime64[D]")[:, None] + np.arange(42)
    weekend = np.isin((days.astype(int) + 3) % 7, (4, 5))
    late = np.broadcast_to(np.arange(42) >= 14, weekend.shape)
    for is_late, is_weekend in ((False, False), (False, True), (True, False), (True, True)):
        here = (late == is_late) & (weekend == is_weekend)
        here[:, 0] = False
        odds = math.log(0.8 / 0.2) - 0.262 * is_late - 0.598 * is_weekend
        expected = 1 / (1 + math.exp(-odds))
        seen = nights.filter(
            (pl.col("late") == is_late) & (pl.col("weekend") == is_weekend) & (pl.col("date") > pl.col("start"))
        ).height / int(here.sum())
        assert abs(seen - expected) < 4 * math.sqrt(expected * (1 - expected) / int(here.sum()))


def test_cramps_disturb_the_night_and_the_next_day_only() -> None:
    diary = simulate(3000, 20, 6, WHOLE).diary
    by = diary.groupby(diary["cramps"] > 0)
    # Scores stop at 0 and 10, which takes a little off a shift.
    for score, shift in (("sleep_quality", -1.0), ("fatigue", 0.6), ("concentration", -0.4), ("productivity", -0.4)):
        assert by[f"{score}_0_10"].mean().diff().iloc[1] == pytest.approx(shift, abs=0.1), score
    woken = diary["awakenings"].mean() - 1.3
    assert woken == pytest.approx(0.67 * diary["cramps"].mean(), abs=0.05)
    assert abs(by["stress_0_10"].mean().diff().iloc[1]) < 0.1


@given(
    participants=st.integers(1, 12),
    nights=st.integers(1, 40),
    seed=st.integers(0, 2**63 - 1),
    adherence=st.floats(0.01, 1),
    rate=st.floats(0, 100),
)
@settings(max_examples=40)
def test_any_cohort_keeps_the_codebook(
    participants: int, nights: int, seed: int, adherence: float, rate: float
) -> None:
    truth = replace(STRONG, gaps=Gaps(adherence_mean=adherence), cramps=Cramps(rate_per_week=rate, person_shape=0.1))
    cohort = simulate(participants, nights, seed, truth)
    assert cohort.kind == "diary"
    assert cohort.synthetic
    for name in ("participants", "diary"):
        frame = cohort.frame(name)
        wanted = [
            v
            for v in codebook.variables(name)
            if not re.match(r"weight_|stratum$|psu$|recalled_(low|high)$", v.name) or name == "diary"
        ]
        assert frame.schema == pl.Schema({v.name: rules.DTYPES[v.type] for v in wanted})
        for variable in wanted:
            for rule, breach in rules.value_rules(variable).items():
                assert not frame.select(breach.any()).item(), (variable.name, rule)
    diary = cohort.frame("diary")
    assert cohort.frame("participants").height == participants
    assert diary.height <= participants * nights
    cells = diary.select(pl.exclude("participant_id", "date", "entry_made", "warm_up"))
    assert cells.filter(~diary["entry_made"]).select(pl.all().is_null().all()).sum_horizontal().item() in (
        0 if diary["entry_made"].all() else cells.width,
        cells.width,
    )
    logged = diary.filter(pl.col("entry_made"))
    assert logged.select(pl.exclude("warm_up")).null_count().sum_horizontal().item() == 0
    assert logged.select((pl.col("warm_up").is_null() == (pl.col("exercise_min") == 0)).all()).item()
    assert logged.select((pl.col("sleep_hours") <= pl.col("hours_in_bed")).all()).item()
    assert logged.select((pl.col("nocturia") <= pl.col("awakenings")).all()).item()
    assert logged["participant_id"].n_unique() == participants
    if rate == 0:
        assert logged["cramps"].sum() == 0


def test_every_core_name_is_drawn_and_varies() -> None:
    cohort = simulate(2000, 20, seed=1)
    constant = {"cycle", "arm", "exam_season"}
    for name in ("participants", "diary"):
        frame = cohort.frame(name)
        for column in frame.columns:
            assert frame[column].drop_nulls().n_unique() > (0 if column in constant else 1), column
            levels = codebook.variable(column, name).levels
            if column != "exam_season":
                assert set(levels) <= set(frame[column].drop_nulls()) or not levels, column


def test_nights_are_consecutive_from_a_spread_start() -> None:
    truth = replace(WHOLE, people=People(start=date(2023, 5, 1), start_spread_nights=10))
    cohort = simulate(100, 15, 1, truth)
    spans = (
        cohort.frame("diary")
        .group_by("participant_id")
        .agg(pl.col("date").min().alias("first"), pl.col("date").diff().drop_nulls().unique().alias("steps"), pl.len())
    )
    assert spans["len"].unique().to_list() == [15]
    assert {step.days for steps in spans["steps"] for step in steps} == {1}
    assert set(spans["first"]) == {date(2023, 5, d) for d in range(1, 11)}
    assert cohort.frame("participants")["exam_season"].unique().to_list() == ["may_october"]
    assert cohort.date_of_data <= date(2023, 5, 24)
    assert cohort.frame("participants")["participant_id"].to_list()[::99] == ["P0001", "P0100"]


def test_lags_and_windows_count_calendar_nights_before_the_first_too() -> None:
    gate = np.array([[1.0, 0, 0, 1, 0, 1, 1]])
    effect = next(e for e in Truth().effects if e.part == "share")
    two = replace(effect, window_nights=2, lag_nights=1)
    # Seven days, of which the last five are nights; at the first night the window holds days 0 and 1.
    assert night_x(two, gate, 5).tolist() == [[0.5, 0.0, 0.5, 0.5, 0.5]]
    inside = night_x(replace(two, part="within", window_nights=1), gate, 5)
    assert inside[0].tolist() == pytest.approx([v - 0.4 for v in (0, 0, 1, 0, 1)])


def test_a_written_cohort_reads_back_with_its_truth_beside_it(tmp_path: Path) -> None:
    cohort = write(tmp_path / "csv", 30, 20, seed=5)
    write(tmp_path / "parquet", 30, 20, seed=5, format="parquet")
    for folder in ("csv", "parquet"):
        loaded = load(tmp_path / folder)
        assert loaded.ledger.is_empty()
        assert loaded.cohort.digest == cohort.digest
        assert loaded.cohort.synthetic
    stated = (tmp_path / "csv" / TRUTH_FILE).read_bytes()
    assert stated == (tmp_path / "parquet" / TRUTH_FILE).read_bytes()
    assert stated == Truth().to_json(seed=5, participants=30, nights=20).encode()
    truth = json.loads(stated)
    assert (truth["format"], truth["seed"], truth["participants"], truth["nights"]) == ("crampstudy-truth/1", 5, 30, 20)
    write(tmp_path / "csv", 30, 20, seed=6)
    assert open_cohort(tmp_path / "csv").digest != cohort.digest


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        write(tmp_path, 5, 5, seed=1)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_truth_states_every_parameter_with_unit_and_basis() -> None:
    truth = json.loads(STRONG.to_json(seed=1, participants=2, nights=3))
    for group, items in truth["parameters"].items():
        for name, item in items.items():
            value = getattr(getattr(STRONG, group), name)
            expected = (
                value.isoformat() if isinstance(value, date) else list(value) if isinstance(value, tuple) else value
            )
            assert item["value"] == expected
            assert item["unit"], name
            assert item["basis"], name
    assert {e["term"]: e["log_rate_ratio"] for e in truth["effects"]} == {
        term: row["log"] for term, row in truth["implied"]["rate_ratios"].items()
    }
    assert truth["implied"]["rate_ratios"]["alcohol_day"]["ratio"] == pytest.approx(math.exp(0.5))
    assert truth["implied"]["rate_ratios"]["serum_potassium_sd"]["x"] == "(serum_potassium_mmol_l - 4.2) / 0.35"
    assert truth["implied"]["rate_at_reference_per_person_week"] == 2.0
    for table in ("conditions", "measures", "levels", "habits"):
        assert len(truth[table]) == len(getattr(STRONG, table))


def test_effects_are_those_of_the_evidence_sheet(shared: Path) -> None:
    with (shared / "evidence" / "associations.csv").open(encoding="utf-8", newline="") as file:
        sheet = {row["factor"]: row for row in csv.DictReader(file)}
    effects = {e.term: e for e in Truth().effects}
    assert set(effects) == set(FACTORS)
    for term, factor in FACTORS.items():
        effect, row = effects[term], sheet[factor]
        assert effect.log_rate_ratio == float(row["sim_coef"]), term
        assert effect.lag_nights == int(row["sim_lag_nights"]), term
        assert effect.window_nights == (14 if "14 nights" in row["sim_unit"] else 1), term
        # Only a figure read in its source, with an estimate, may be called a published association.
        if effect.basis == "published association":
            assert row["figure_verified"] == "yes", term
            assert row["estimate"], term
            assert effect.id_or_doi == row["id_or_doi"] or effect.id_or_doi in row["id_or_doi"], term


def test_the_document_shows_the_parameters_of_the_code() -> None:
    text = DOCS.read_text(encoding="utf-8")
    shown = text.split("<!-- parameters -->\n")[1].split("<!-- end -->")[0]
    assert shown.strip() == Truth().to_markdown().strip()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 90, 1), r"participants is 0; allowed: a whole number from 1 to 1000000"),
        ((10, 0, 1), r"nights is 0; allowed: a whole number from 1 to 3660"),
        ((10, 3661, 1), r"nights is 3661"),
        ((10, 90, -1), r"seed is -1; allowed: a whole number from 0"),
        ((True, 90, 1), r"participants is True"),
        ((10, 9.5, 1), r"nights is 9\.5"),
    ],
)
def test_sizes_out_of_range_are_refused(arguments: tuple[int, int, int], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        simulate(*arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(Truth(), gaps=Gaps(adherence_mean=1.4)), r"gaps\.adherence_mean is 1\.4; .* at most 1"),
        (lambda: replace(Truth(), cramps=Cramps(person_shape=0)), r"cramps\.person_shape is 0; .* at least 0\.05"),
        (lambda: replace(Truth(), cramps=Cramps(rate_per_week=math.nan)), r"cramps\.rate_per_week is nan"),
        (lambda: replace(Truth(), people=People(age_shares=(0.5, 0.5))), r"age_limits .* one more than"),
        (lambda: replace(Truth(), people=People(age_limits=(20, 60, 50), age_shares=(0.5, 0.5))), r"increasing"),
        (lambda: replace(Truth(), people=People(age_limits=(20, 50, 60), age_shares=(0.5, 0.4))), r"sums to 0\.9"),
        (lambda: Truth().with_effects(moon=1.0), r"no effect of moon; allowed: age_years"),
        (lambda: Truth().with_effects(diabetes=9.0), r"effect diabetes\.log_rate_ratio is 9\.0; .* at most 3"),
        (lambda: replace(Truth(), habits=Truth().habits[1:]), r"exercise_min needs exercise_day"),
        (lambda: replace(Truth(), measures=Truth().measures[1:]), r"nothing draws the participants column bmi_kg_m2"),
        (lambda: replace(Truth(), levels=Truth().levels[1:]), r"level education: shares sum to 0\.92"),
        (
            lambda: replace(Truth().measures[0], shape="cauchy"),
            r"measure bmi_kg_m2\.shape is 'cauchy'; allowed: 'normal'",
        ),
        (
            lambda: replace(Truth(), effects=(replace(Truth().effects[3], column="unicorn"),)),
            r"effect diabetes has no column unicorn",
        ),
    ],
)
def test_impossible_truths_are_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ParameterError, match=message):
        make()
