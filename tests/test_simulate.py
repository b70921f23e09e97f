"""The simulator: every core name is drawn, what is drawn keeps the codebook, and no part moves another."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy import codebook
from crampstudy.age_bands import AgeBands
from crampstudy.codebook import rules
from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError, UsageError
from crampstudy.simulate import TRUTH_FILE, Mess, Truth, draw, simulate, truth_json, write
from crampstudy.simulate.corruption.gaps import Gaps
from crampstudy.simulate.draw.cohort import draw_block
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio
from crampstudy.simulate.draw.habits import night_x
from crampstudy.simulate.draw.plan import BLOCK, Plan
from crampstudy.simulate.truth.design import StudyDesign
from crampstudy.simulate.truth.scalar_parameters import Cramps, People, Recruitment
from crampstudy.simulate.truth.tables.rows import Correlation
from crampstudy.simulate.truth.truth import GROUPS, NOT_DRAWN, TABLES
from crampstudy.sources import load, open_cohort

DOCS = Path(__file__).resolve().parents[1] / "docs" / "simulation.md"
NAMES = ("participants", "diary", "episodes", "labs", "treatments")
OPEN_USE = replace(Truth(), design=StudyDesign(kind="open-use"), cramps=Cramps(rate_per_week=1.5))

SAMPLED = {
    analyte: variable
    for analyte, variable in codebook.analytes().items()
    if variable.name in {m.column for m in Truth().measures if m.sampled == "yes"}
}

# Terms of the simulator and their rows in the evidence sheet.
FACTORS = {
    "age_decade": "age",
    "sex[female]": "sex female",
    "alcohol_day": "alcohol",
    "serum_magnesium_sd": "magnesium status",
    "supplement_magnesium": "magnesium supplement",
    "vitamin_d_sd": "vitamin D status",
    "vitamin_b12_sd": "B vitamins",
    "serum_calcium_sd": "calcium (biomarker)",
    "dietary_potassium_between": "potassium intake",
    "serum_sodium_sd": "sodium",
    "fluid_within": "dehydration / fluid intake",
    "exercise_day": "overexertion",
    "flexibility": "flexibility",
    "stretching_share": "stretching (trial)",
    "peripheral_artery_disease": "peripheral vascular disease",
    "diabetes": "diabetes",
    "twitching": "neuropathic signs: twitching",
    "numbness": "neuropathic signs: leg tingling",
    "hypothyroidism": "thyroid disorder",
    "arthritis": "arthritis",
    "diuretic_class[potassium_sparing]": "potassium-sparing diuretics",
    "diuretic_class[thiazide]": "thiazide-like",
    "diuretic_class[loop]": "loop diuretics",
    "statin": "statins",
    "laba": "LABA",
    "pregnancy_trimester[third]": "pregnancy trimester 3 vs 1",
    "bmi_5": "BMI",
    "hypertension": "hypertension / heart failure",
    "heart_failure": "hypertension / heart failure",
    "smoking[current]": "smoking, depression, CRP, HbA1c",
    "crp_sd": "smoking, depression, CRP, HbA1c",
    "hba1c_sd": "smoking, depression, CRP, HbA1c",
}


def complete(participants: int, nights: int, seed: int, truth: Truth | None = None) -> Cohort:
    return simulate(participants, nights, seed, truth, Mess.none())


# What is drawn.


def test_every_core_name_is_drawn_and_varies() -> None:
    cohort = complete(2000, 45, 1, replace(OPEN_USE, cramps=replace(OPEN_USE.cramps, rate_per_week=7.0)))
    constant = {
        ("participants", "cycle"),
        ("participants", "arm"),
        ("diary", "entry_made"),
        ("treatments", "randomised"),
    }
    for name in NAMES:
        frame = cohort.frame(name)
        wanted = [v for v in codebook.variables(name) if name != "participants" or not v.name.startswith(NOT_DRAWN)]
        assert frame.schema == pl.Schema({v.name: rules.DTYPES[v.type] for v in wanted})
        for variable in wanted:
            values = frame[variable.name].drop_nulls()
            assert values.n_unique() > 1 or (name, variable.name) in constant, variable.name
            # No trial gives quinine or a placebo in open use, nor what the codebook calls other.
            if (name, variable.name) != ("treatments", "agent"):
                assert set(variable.levels) <= set(values), variable.name
    assert set(cohort.frame("labs")["analyte"]) == set(SAMPLED)
    users = set(cohort.frame("treatments")["agent"])
    assert users == {a.column for a in OPEN_USE.agents if a.share_using}


@pytest.mark.parametrize("truth", [Truth(), OPEN_USE], ids=["observation", "open use"])
def test_a_written_cohort_gives_cleaning_nothing_to_say(tmp_path: Path, truth: Truth) -> None:
    write(tmp_path / "x", 200, 60, 3, truth, Mess.none(), draws=1_000)
    loaded = load(tmp_path / "x")
    # Nothing is taken out. Of 12,000 nights of 25 skewed habits one or two days stand out, and a strong hand among 200
    # is nearly one measured in pounds: that is said, as it would be in life.
    assert set(loaded.ledger["rule"]) <= {"jump", "unit-slip"}
    assert set(loaded.ledger["severity"]) <= {"warn"}
    assert loaded.ledger.height <= 4
    assert loaded.cohort.attrition.notices == ()
    assert loaded.cohort.synthetic
    assert loaded.cohort.digest == complete(200, 60, 3, truth).digest
    # Whoever writes again leaves nothing of the former cohort.
    write(tmp_path / "x", 20, 10, 4, truth, Mess.none(), draws=1_000)
    assert open_cohort(tmp_path / "x").digest == complete(20, 10, 4, truth).digest


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        write(tmp_path, 5, 5, seed=1, draws=1_000)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_too_few_draws_are_an_error_and_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"draws are too few: \S+ has no value; the default is 1,000,000"):
        write(tmp_path / "x", 5, 5, seed=1, draws=60)
    assert not (tmp_path / "x").exists()


def test_baseline_is_the_sample_of_the_first_night() -> None:
    cohort = complete(100, 50, 2)
    people, labs = cohort.frame("participants"), cohort.frame("labs")
    first = cohort.frame("diary").group_by("participant_id").agg(pl.col("date").min().alias("first"))
    dated = labs.join(first, on="participant_id").with_columns(day=(pl.col("date") - pl.col("first")).dt.total_days())
    assert set(dated["day"]) == {0, 42}
    for analyte, variable in SAMPLED.items():
        own = dated.filter(pl.col("analyte") == analyte)
        baseline = people.join(own.filter(pl.col("day") == 0), on="participant_id", maintain_order="left")
        assert baseline[variable.name].equals(baseline["value"].rename(variable.name))
        assert set(own["unit"]) == {variable.unit}
        later = own.filter(pl.col("day") == 42)["value"].to_numpy()
        # Another day is another sample of the same person.
        assert 0.5 < np.corrcoef(baseline["value"].to_numpy(), later)[0, 1] < 1, analyte


# The direct effect of age is given here, as deriving it takes longer than all else.
DIRECT = replace(Truth(), effects=(replace(Truth().effects[0], meaning="direct"), *Truth().effects[1:]))
RATES, FEEDBACK = st.sampled_from([0.0, 0.5, 7.0, 100.0]), st.sampled_from([0.0, -0.3, 0.3])
TRIAL = {"run_in_nights": 2, "period_nights": 4, "washout_nights": 1, "pairs": 1}


@given(
    participants=st.integers(1, 12),
    nights=st.integers(12, 40),
    seed=st.integers(0, 2**63 - 1),
    rate=RATES,
    feedback=FEEDBACK,
    kind=st.sampled_from(["observation", "open-use", "parallel", "crossover", "n-of-1"]),
    shape=st.sampled_from([0.05, 1.0, 1e6]),
    slow=st.sampled_from([0.0, 1.5]),
)
@settings(max_examples=25)
def test_any_cohort_keeps_the_codebook(
    participants: int, nights: int, seed: int, rate: float, feedback: float, kind: str, shape: float, slow: float
) -> None:
    cramps = Cramps(rate_per_week=rate, sleep_feedback=feedback, person_shape=shape, slow_sd=slow)
    truth = replace(DIRECT, cramps=cramps, design=StudyDesign(kind=kind, **TRIAL))  # type: ignore[arg-type]
    cohort = complete(participants, nights, seed, truth)
    assert (cohort.kind, cohort.synthetic) == ("diary", True)
    assert set(cohort.tables) == set(NAMES) - ({"treatments"} if kind == "observation" else set())
    for name in cohort.tables:
        frame = cohort.frame(name)
        for column in frame.columns:
            for rule, violation in rules.value_rules(codebook.variable(column, name)).items():
                assert not frame.select(violation.any()).item(), (column, rule)
    people, diary = cohort.frame("participants"), cohort.frame("diary")
    assert people.height == participants
    assert diary.height == participants * nights
    assert diary["entry_made"].all()
    assert diary.select(pl.exclude("warm_up")).null_count().sum_horizontal().item() == 0
    # The class of the most cramps is open above.
    assert people.drop("recalled_high").null_count().sum_horizontal().item() == 0
    assert (diary["warm_up"].is_null() == (diary["exercise_min"] == 0)).all()
    assert (diary["sleep_hours"] <= diary["hours_in_bed"]).all()
    assert (diary["nocturia"] <= diary["awakenings"]).all()
    counts = cohort.frame("episodes").group_by("participant_id", "date").len("n")
    held = diary.join(counts, on=["participant_id", "date"], how="left")
    assert (held["cramps"] == held["n"].fill_null(0)).all()
    assert rate > 0 or diary["cramps"].sum() == 0
    if kind in ("parallel", "crossover", "n-of-1"):
        assert set(cohort.frame("treatments")["participant_id"]) == set(people["participant_id"])


def test_nights_are_consecutive_from_a_spread_start() -> None:
    truth = replace(Truth(), people=People(start=date(2023, 5, 1), start_spread_nights=10))
    cohort = complete(100, 15, 1, truth)
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


def test_by_default_starts_are_spread_over_two_years_and_ages_over_all_bands() -> None:
    cohort = complete(4000, 1, 3)
    starts = cohort.frame("diary")["date"]
    assert (starts.min(), starts.max()) == (date(2023, 1, 9), date(2025, 1, 7))
    by_month = starts.dt.month().value_counts()["count"]
    assert by_month.max() / by_month.min() < 1.5
    people = cohort.participants
    shares = people["age_years"].map(AgeBands().label).value_counts(normalize=True)
    assert set(shares.index) == set(AgeBands().labels[1:])
    for label, share in zip(AgeBands().labels[1:], Truth().people.age_shares, strict=True):
        assert abs(shares[label] - share) < 4 * math.sqrt(share * (1 - share) / 4000)
    # The year of birth follows from the age in completed years on the first night.
    years = starts.dt.year().to_numpy() - people["birth_year"] - people["age_years"]
    assert set(years) == {0, 1}


def test_conditions_and_measures_go_with_age_sex_and_each_other() -> None:
    people = complete(6000, 1, 4).participants
    old, young = people[people["age_years"] >= 70], people[people["age_years"] < 50]
    for condition in ("peripheral_artery_disease", "osteoarthritis", "hypertension", "gait_altered", "statin"):
        assert old[condition].mean() > young[condition].mean() + 0.05, condition
    assert old["grip_strength_kg"].mean() < young["grip_strength_kg"].mean() - 5
    assert old["lean_mass_index_kg_m2"].mean() < young["lean_mass_index_kg_m2"].mean() - 0.3
    # Age goes with medication through hypertension.
    assert (old["diuretic_class"] != "none").mean() > (young["diuretic_class"] != "none").mean() + 0.05
    for condition, measure, shift in (
        ("diabetes", "hba1c_mmol_mol", 16),
        ("peripheral_artery_disease", "ankle_brachial_index", -0.35),
    ):
        by = people.groupby(condition)[measure].mean()
        assert by[True] - by[False] == pytest.approx(shift, rel=0.1)
    assert people.loc[people["osteoarthritis"], "arthritis"].all()
    assert people.loc[people["hypothyroidism"], "thyroid_disease"].all()
    assert set(people.loc[people["sex"] == "male", "pregnancy_trimester"]) == {"none"}
    assert set(people.loc[people["age_years"] >= 45, "pregnancy_trimester"]) == {"none"}
    # Laboratory values are correlated, and vitamin D is highest in summer.
    for one, other, known in (
        ("serum_sodium_mmol_l", "serum_chloride_mmol_l", 0.6),
        ("serum_calcium_mmol_l", "serum_albumin_g_l", 0.5),
    ):
        assert people[one].corr(people[other]) == pytest.approx(known, abs=0.06)
    summer = people["exam_season"] == "may_october"
    assert people.loc[summer, "vitamin_d_nmol_l"].mean() > people.loc[~summer, "vitamin_d_nmol_l"].mean() + 8


def test_habits_vary_with_weekday_and_season_between_and_within_persons() -> None:
    diary = complete(1500, 60, 5).diary
    drinks = diary["alcohol_units"] > 0
    weekend = diary["date"].dt.day_of_week.isin([4, 5])
    assert drinks[weekend].mean() > drinks[~weekend].mean() + 0.1
    summer = diary["date"].dt.month.isin([6, 7, 8])
    winter = diary["date"].dt.month.isin([12, 1, 2])
    assert diary.loc[summer, "fluid_ml"].mean() > 1.1 * diary.loc[winter, "fluid_ml"].mean()
    by_person = diary.groupby("participant_id")["sitting_min"]
    assert by_person.mean().std() == pytest.approx(110, rel=0.1)
    # The spread of days grows with a person's mean, so that its mean square is a little above that at the mean.
    assert math.sqrt(by_person.var().mean()) == pytest.approx(80 * math.sqrt(1 + (110 / 480) ** 2), rel=0.05)


def test_cramps_disturb_the_night_and_the_next_day_only() -> None:
    truth = replace(Truth(), cramps=Cramps(rate_per_week=3.0))
    cohort = complete(3000, 20, 6, truth)
    diary = cohort.diary
    by = diary.groupby(diary["cramps"] > 0)
    # Scores stop at 0 and 10, which takes a little off a shift.
    for score, shift in (("sleep_quality", -1.0), ("fatigue", 0.6), ("concentration", -0.4), ("productivity", -0.4)):
        assert by[f"{score}_0_10"].mean().diff().iloc[1] == pytest.approx(shift, abs=0.1), score
    woken = cohort.frame("episodes").to_pandas().groupby(["participant_id", "date"])["woke"].sum()
    nights = diary.set_index(["participant_id", "date"])
    usual = nights["awakenings"] - woken.reindex(nights.index).fillna(0)
    assert usual.mean() == pytest.approx(1.3, abs=0.05)
    assert abs(by["stress_0_10"].mean().diff().iloc[1]) < 0.15


def test_lags_and_windows_count_calendar_nights_before_the_first_too() -> None:
    gate = np.array([[1.0, 0, 0, 1, 0, 1, 1]])
    effect = next(e for e in Truth().effects if e.term == "stretching_share")
    two = replace(effect, window_nights=2, lag_nights=1)
    # Seven days, of which the last five are nights; at the first night the window holds days 0 and 1.
    assert night_x(Truth(), two, gate, 5).tolist() == [[0.5, 0.0, 0.5, 0.5, 0.5]]
    inside = night_x(Truth(), replace(two, part="within", window_nights=1), gate, 5)
    assert inside[0].tolist() == pytest.approx([v - 0.4 for v in (0, 0, 1, 0, 1)])
    whole = night_x(Truth(), replace(two, part="between", window_nights=1, lag_nights=0, scale=2.0), gate, 5)
    assert whole.tolist() == [[0.3]]


# No part moves another.


def test_equal_arguments_give_equal_cohorts_and_another_seed_another() -> None:
    first, again, other = simulate(40, 30, 7), simulate(40, 30, 7), simulate(40, 30, 8)
    for name in first.tables:
        assert first.frame(name).equals(again.frame(name)), name
    assert first.digest == again.digest != other.digest


def test_a_block_is_the_same_whenever_it_is_drawn() -> None:
    people, nights = BLOCK + 130, 12
    plan = Plan.of(OPEN_USE, people, nights, np.random.default_rng(3))
    whole = draw(OPEN_USE, participants=people, nights=nights, rng=np.random.default_rng(3))
    second, first = draw_block(plan, 1), draw_block(plan, 0)
    for name in whole.tables:
        assert pl.concat([first.tables[name], second.tables[name]]).equals(whole.frame(name)), name
    assert second.rates["participant_id"][0] == f"P{BLOCK + 1:04d}"


def test_more_participants_leave_the_first_whole_block() -> None:
    few, more = complete(BLOCK, 10, 9), complete(BLOCK + 250, 10, 9)
    for name in few.tables:
        own = more.frame(name).filter(pl.col("participant_id") <= f"P{BLOCK:04d}")
        assert own.equals(few.frame(name)), name


def test_an_effect_moves_no_habit() -> None:
    strong = Truth().with_effects(diabetes=1.0, alcohol_day=-0.5, stretching_share=-1.0, sitting_within=0.3)
    plain, moved = complete(60, 30, 2), complete(60, 30, 2, strong)
    burden = {"cramps", "sleep_quality_0_10", "fatigue_0_10", "concentration_0_10", "productivity_0_10"}
    burden |= {"awakenings", "nocturia"}
    assert plain.frame("diary").drop(burden).equals(moved.frame("diary").drop(burden))
    told = ("ever_cramp", "recalled_low", "recalled_high")
    assert plain.frame("participants").drop(told).equals(moved.frame("participants").drop(told))
    assert plain.frame("labs").equals(moved.frame("labs"))
    assert not plain.frame("diary")["cramps"].equals(moved.frame("diary")["cramps"])


def test_other_mess_leaves_people_habits_and_cramps() -> None:
    whole = complete(60, 40, 7)
    gappy = simulate(60, 40, 7, mess=replace(Mess.none(), gaps=Gaps(adherence_mean=0.5, no_row_share=0.3)))
    assert gappy.frame("participants").equals(whole.frame("participants"))
    assert gappy.frame("labs").equals(whole.frame("labs"))
    logged = gappy.frame("diary").filter(pl.col("entry_made"))
    keys = ["participant_id", "date"]
    assert 0 < logged.height < whole.frame("diary").height == 60 * 40
    assert logged.equals(whole.frame("diary").join(logged.select(keys), on=keys, maintain_order="left"))
    lossy = simulate(60, 40, 7)
    assert set(lossy.tables) == set(whole.tables)
    kept = lossy.frame("diary").filter(pl.col("entry_made"))
    assert kept.equals(whole.frame("diary").join(kept.select(keys), on=keys, maintain_order="left"))


def test_other_parameters_of_one_habit_leave_the_others() -> None:
    habits = tuple(replace(h, mean=300.0) if h.column == "sitting_min" else h for h in Truth().habits)
    effects = tuple(replace(e, log_rate_ratio=0.0) for e in Truth().effects if e.column != "sitting_min")
    plain = complete(50, 20, 3, replace(Truth(), effects=effects))
    other = complete(50, 20, 3, replace(Truth(), effects=effects, habits=habits))
    assert plain.frame("diary").drop("sitting_min").equals(other.frame("diary").drop("sitting_min"))
    assert plain.frame("diary")["sitting_min"].mean() > other.frame("diary")["sitting_min"].mean() + 100


# What the truth says of itself.


def test_the_truth_states_every_parameter_with_unit_and_basis() -> None:
    truth = json.loads(truth_json.as_json(OPEN_USE, Mess(), {"seed": 1}))
    assert truth["seed"] == 1
    for group in GROUPS:
        for name, item in truth["parameters"][group].items():
            value = getattr(getattr(OPEN_USE, group), name)
            given = value.isoformat() if isinstance(value, date) else value
            assert item["value"] == (list(given) if isinstance(given, tuple) else given)
            assert item["basis"], name
    for table in TABLES:
        assert len(truth[table]) == len(getattr(OPEN_USE, table))
    assert truth["parents"]["diabetes"] == ["age_years", "sex", "bmi_kg_m2"]
    assert truth["mess"]["adherence_mean"]["value"] == 0.9
    assert truth_json.as_json(Truth(), Mess(), {}) == truth_json.as_json(Truth(), Mess(), {})


def test_a_cohort_s_truth_stands_beside_it(tmp_path: Path) -> None:
    for format in ("csv", "parquet"):
        write(tmp_path / format, 30, 20, seed=5, format=format, draws=3_000)  # type: ignore[arg-type]
    stated = (tmp_path / "csv" / TRUTH_FILE).read_bytes()
    assert stated == (tmp_path / "parquet" / TRUTH_FILE).read_bytes()
    truth = json.loads(stated)
    assert (truth["format"], truth["seed"], truth["participants"], truth["nights"]) == (truth_json.FORMAT, 5, 30, 20)
    answers = {a["key"]: a for a in truth["answers"]}
    age = next(e for e in Truth().effects if e.column == "age_years")
    assert answers["conditional:age_decade"]["value"] == direct_log_ratio(Truth(), age)
    assert answers["rate:all"]["mc_error"] > 0


def test_effects_are_those_of_the_evidence_sheet(shared: Path) -> None:
    with (shared / "evidence" / "associations.csv").open(encoding="utf-8", newline="") as file:
        sheet = {row["factor"]: row for row in csv.DictReader(file)}
    effects = {e.term: e for e in Truth().effects}
    for term, factor in FACTORS.items():
        effect, row = effects[term], sheet[factor]
        assert effect.log_rate_ratio == float(row["sim_coef"]), term
        assert effect.lag_nights == int(row["sim_lag_nights"]), term
        assert effect.window_nights == (14 if "14 nights" in row["sim_unit"] else 1), term
    # The sheet has one number for the outer thirds of a sedentary life, which lie 2.18 SD apart.
    sitting, row = effects["sitting_between"], sheet["sedentary lifestyle"]
    assert sitting.log_rate_ratio * 2.18 == pytest.approx(float(row["sim_coef"]), abs=0.002)
    assert effects["pregnancy_trimester[second]"].log_rate_ratio == 0.8
    assert Truth().cramps.season_amplitude == pytest.approx(float(sheet["season summer"]["sim_coef"]), abs=0.001)
    # Only a figure read in its source, with an estimate, may be called a published association.
    read = {r["id_or_doi"]: r for r in sheet.values() if r["figure_verified"] == "yes" and r["estimate"]}
    for effect in effects.values():
        if effect.basis == "published association":
            assert effect.id_or_doi in read, effect.term
        elif effect.term not in FACTORS:
            # What the sheet has no row for keeps to a small effect, and is called what it is.
            assert abs(effect.log_rate_ratio) <= 0.2, effect.term


def test_no_effects_are_none() -> None:
    null = Truth().without_effects()
    assert not any(e.log_rate_ratio for e in null.effects)
    assert not any(a.log_rate_ratio or a.log_rate_ratio_per_sd or a.pain_points for a in null.agents)
    assert (null.cramps.season_amplitude, null.cramps.sleep_feedback, null.cramps.natural_history_log) == (0, 0, 0)
    plan = Plan.of(null, 50, 10, np.random.default_rng(1))
    rates = draw_block(plan, 0).rates
    assert rates["rate_by_terms"].to_numpy() == pytest.approx(0.5 / 7)
    assert rates["rate"].n_unique() > 400


def test_the_document_shows_the_parameters_of_the_code() -> None:
    text = DOCS.read_text(encoding="utf-8")
    shown = text.split("<!-- parameters -->\n")[1].split("<!-- end -->")[0]
    assert shown.strip() == truth_json.as_markdown(Truth()).strip()


def test_the_document_s_python_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    names: dict[str, object] = {"folder": tmp_path / "x"}
    exec(code, names)
    assert isinstance(names["cohort"], Cohort)
    assert open_cohort(tmp_path / "x").synthetic


# What is refused.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 90, 1), r"participants is 0; allowed: a whole number from 1 to 10000000"),
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


def test_a_run_in_longer_than_the_diary_is_refused() -> None:
    truth = replace(Truth(), recruitment=Recruitment(run_in_nights=14, minimum_cramps=1))
    with pytest.raises(ParameterError, match=r"run_in_nights is 14 of 10 nights"):
        simulate(5, 10, 1, truth)


def edited(table: str, column: str, **changes: object) -> Truth:
    rows = getattr(Truth(), table)
    return replace(Truth(), **{table: tuple(replace(r, **changes) if r.column == column else r for r in rows)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: replace(Truth(), cramps=Cramps(person_shape=0)), r"cramps\.person_shape is 0; .* at least 0\.05"),
        (lambda: replace(Truth(), cramps=Cramps(rate_per_week=math.nan)), r"cramps\.rate_per_week is nan"),
        (
            lambda: replace(Truth(), cramps=Cramps(near_nightly_share=0.2, near_nightly_factor=5.0)),
            r"near_nightly_share times cramps\.near_nightly_factor is 1; allowed: less",
        ),
        (lambda: replace(Truth(), people=People(age_shares=(0.5, 0.5))), r"age_limits .* one more than"),
        (lambda: replace(Truth(), people=People(age_limits=(20, 60, 50), age_shares=(0.5, 0.5))), r"increasing"),
        (lambda: replace(Truth(), people=People(age_limits=(20, 50, 60), age_shares=(0.5, 0.4))), r"sums to 0\.9"),
        (
            lambda: replace(OPEN_USE, recruitment=Recruitment(run_in_nights=14)),
            r"run_in_nights is 14 where design\.kind is open-use; allowed: at most 0",
        ),
        (lambda: Truth().with_effects(moon=1.0), r"no effect of moon; allowed: age_decade"),
        (lambda: Truth().with_effects(diabetes=9.0), r"effect diabetes\.log_rate_ratio is 9\.0; .* at most 3"),
        (lambda: edited("effects", "diabetes", meaning="total"), r"effect diabetes is a total one; allowed: direct"),
        (
            lambda: replace(Truth(), effects=(replace(Truth().effects[11], column="unicorn"),)),
            r"effect diabetes reads .*unicorn",
        ),
        (lambda: edited("causes", "diabetes", parent="unicorn"), r"cause of diabetes: .*unicorn"),
        (lambda: replace(Truth(), habits=Truth().habits[1:]), r"exercise_day"),
        (lambda: replace(Truth(), measures=Truth().measures[1:]), r"bmi_kg_m2"),
        (lambda: replace(Truth(), conditions=Truth().conditions[:-1]), r"moderate_activity"),
        (lambda: replace(Truth(), levels=Truth().levels[1:]), r"level education: shares sum to 0\.92"),
        (
            lambda: replace(Truth().measures[0], shape="cauchy"),  # type: ignore[arg-type]
            r"measure bmi_kg_m2\.shape is 'cauchy'; allowed: 'normal'",
        ),
        (
            lambda: replace(
                Truth(),
                correlations=tuple(
                    Correlation(column=a, other=b, correlation=c)
                    for a, b, c in (
                        ("steps", "fluid_ml", 0.9),
                        ("steps", "stress_0_10", 0.9),
                        ("fluid_ml", "stress_0_10", -0.9),
                    )
                ),
            ),
            r"correlation",
        ),
    ],
)
def test_impossible_truths_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        make()
