"""The g-formula of drinking, eating and stretching as advised, all together against none of it."""

from __future__ import annotations

import json
import math
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from parity_compared import programme

from crampstudy import codebook, wording
from crampstudy.codebook.intakes import reference_intakes
from crampstudy.cohort import Cohort
from crampstudy.contrasts.nights.joint_programme import MINERALS, joint_programme
from crampstudy.tables import joint_programme as table

PARITY = Path(__file__).parent / "parity"


def diary(people: int, nights: int, effects: tuple[float, float, float], seed: int = 1) -> Cohort:
    """A diary whose nights follow each advice at random, with these log rate ratios; diet is of persons."""
    rng = np.random.default_rng(seed)
    who = [f"p{i:03}" for i in range(people)]
    eats = rng.random(people) < 0.5
    drinks = rng.random((people, nights)) < 0.5
    often = rng.random((people, 1)) < 0.5
    stretches = np.where(often, rng.random((people, nights)) < 0.95, rng.random((people, nights)) < 0.1)
    ever = np.cumsum(stretches, axis=1)
    last = ever - np.hstack([np.zeros((people, 7), int), ever[:, :-7]])
    eta = math.log(0.5) + effects[0] * drinks + effects[1] * (last >= 5) + effects[2] * eats[:, None]
    first = date(2025, 3, 1)
    table = pl.DataFrame(
        {
            "participant_id": np.repeat(who, nights),
            "date": [first + timedelta(days=k) for k in range(nights)] * people,
            "cramps": rng.poisson(np.exp(eta)).ravel(),
            "fluid_ml": np.where(drinks, 2000.0, 1500.0).ravel(),
            "stretch_calf_min": np.where(stretches, 5.0, 0.0).ravel(),
            # Women of 60 need 320 mg of magnesium and 2,600 of potassium.
            "dietary_magnesium_mg": np.repeat(np.where(eats, 330.0, 250.0), nights),
            "dietary_potassium_mg": np.repeat(np.where(eats, 2700.0, 2900.0), nights),
            "dietary_calcium_mg": np.repeat(np.full(people, 800.0), nights),
        }
    )
    participants = pl.DataFrame({"participant_id": who, "age_years": 60.0, "sex": "female"})
    return Cohort("drawn", "diary", {"participants": participants, "diary": table}, as_of=None)


def row_of(cohort: Cohort, **asked: Any) -> dict[str, Any]:
    return wording.records(joint_programme(cohort, **asked))[-1]


def test_reference_intakes_are_of_both_sexes_and_rise_with_age() -> None:
    for name in MINERALS:
        for sex in ("female", "male"):
            own = [each for each in reference_intakes() if each.name == name and each.sex == sex]
            assert own[0].from_age == 19 and [e.from_age for e in own] == sorted({e.from_age for e in own})
            assert [e.amount for e in own] == sorted({e.amount for e in own})
        assert codebook.variable(name).unit == "mg/day"


def test_it_recovers_the_sum_of_what_the_three_do_and_null() -> None:
    rows = joint_programme(diary(120, 30, (-0.2, -0.3, -0.25)))
    everything, nothing, ratio = wording.records(rows)
    assert [row["level"] for row in (everything, nothing, ratio)] == ["all of it", "none of it", "all against none"]
    assert ratio["ci_low"] < math.exp(-0.75) < ratio["ci_high"] and ratio["verdict"] == "lower"
    assert nothing["ci_low"] < 3.5 < nothing["ci_high"] and nothing["unit"] == "cramps per person-week"
    assert ratio["estimate"] == pytest.approx(everything["estimate"] / nothing["estimate"], rel=1e-9)
    assert "not for" in ratio["note"] and "lag(cramps, 1)" not in str(ratio["adjusted_for"])
    null = row_of(diary(120, 30, (0.0, 0.0, 0.0), seed=2))
    assert null["ci_low"] < 1 < null["ci_high"]


def test_who_eats_enough_is_told_by_two_of_three_at_their_age_and_sex() -> None:
    cohort = diary(120, 30, (-0.2, -0.3, -0.25))
    # Men of 60 need 420 mg of magnesium and 3,400 of potassium, so that nobody eats enough.
    men = cohort.frame("participants").with_columns(sex=pl.lit("male"))
    row = row_of(Cohort("men", "diary", {"participants": men, "diary": cohort.frame("diary")}, as_of=None))
    assert row["status"] == "not_estimable"
    assert row["note"] == "nobody ever followed all three, and 5 are needed"
    # At 25 women need 310 mg; who has 315 of magnesium and enough potassium eats enough at 25, and not at 60.
    nights = cohort.frame("diary").with_columns(
        dietary_magnesium_mg=pl.when(pl.col("dietary_magnesium_mg") > 300).then(315.0).otherwise(250.0)
    )
    for age, status in ((25.0, "converged"), (60.0, "not_estimable")):
        women = cohort.frame("participants").with_columns(age_years=pl.lit(age))
        found = row_of(Cohort("women", "diary", {"participants": women, "diary": nights}, as_of=None))
        assert found["status"] == status


def test_what_was_not_measured_is_named() -> None:
    cohort = diary(20, 10, (0.0, 0.0, 0.0))
    nights = cohort.frame("diary").drop("fluid_ml", "dietary_calcium_mg", "dietary_potassium_mg")
    row = row_of(Cohort("part", "diary", {"participants": cohort.frame("participants"), "diary": nights}, as_of=None))
    assert row["status"] == "not_measured"
    needs = "fluid of at least 1,893 mL, dietary potassium and dietary calcium"
    assert row["note"] == f"drinking, eating and stretching as advised, taken together, need {needs}"


def test_the_means_and_their_errors_are_those_of_stacked_equations_in_r() -> None:
    r = json.loads((PARITY / "programme.json").read_text(encoding="utf-8"))
    found, rows = programme()
    assert (rows, len(found.influence)) == (r["rows"], r["people"])
    assert [found.all, found.none] == pytest.approx([r["all"], r["none"]], rel=1e-8)
    variance = found.covariance()
    np.testing.assert_allclose(variance, r["covariance"], rtol=1e-6)
    error = math.sqrt(variance[0, 0] + variance[1, 1] - 2 * variance[0, 1])
    assert error == pytest.approx(r["log_ratio_error"], rel=1e-6)


def test_what_there_was_no_room_for_is_named_and_is_not_adjusted_for() -> None:
    cohort = diary(60, 40, (0.0, 0.0, 0.0))
    rng = np.random.default_rng(3)
    night = cohort.frame("diary").with_columns(
        pl.Series(name, rng.normal(20, 5, 60 * 40)) for name in ("ambient_temperature_c", "alcohol_units")
    )
    own = Cohort("own", "diary", {"participants": cohort.frame("participants"), "diary": night}, as_of=None)
    enough, few = row_of(own), row_of(own, participants_per_coefficient=10)
    assert "too few" not in enough["note"] and {"season_cos", "season_sin"} <= {*enough["adjusted_for"].split("; ")}
    assert few["note"].startswith("adjusted for fewer than the study's graph asks for of fluid, stretching and diet")
    assert few["note"].endswith("; too few participants for all products of the three kinds of advice")
    left_out = re.split(r", (?![^()]*\))| and ", few["note"].partition("to take ")[2].partition(" in as well")[0])
    kept = str(few["adjusted_for"]).split("; ")
    assert not {*kept} & {*left_out} and not any(":" in term for term in left_out)
    assert "season" in left_out and "season_cos" not in few["note"] + "; ".join(kept)


def test_a_covariate_without_a_cramp_on_its_nights_is_left_out_and_named() -> None:
    cohort = diary(60, 40, (0.0, 0.0, 0.0))
    nights = cohort.frame("diary").with_row_index("row")
    quiet = nights.filter(pl.col("cramps") == 0)["row"].to_list()[::90][:13]
    told = nights.with_columns(electrolyte_drink=pl.col("row").is_in(quiet)).drop("row")
    own = Cohort("own", "diary", {"participants": cohort.frame("participants"), "diary": told}, as_of=None)
    made, plain = row_of(own), row_of(cohort)
    # On two of the 13 the week before was not logged.
    assert made["note"].endswith("not adjusted for electrolyte_drink: every one of its 11 nights was without a cramp")
    assert (made["adjustment"], made["lacks"]) == ("not taken in", "electrolyte_drink")
    assert (made["estimate"], made["std_error"]) == (plain["estimate"], plain["std_error"])


def test_the_table_has_both_rates_and_their_ratio() -> None:
    made = table(joint_programme(diary(60, 20, (0.0, 0.0, 0.0))))
    assert made.index.tolist() == ["All of it", "None of it", "All against none"]
    assert made["Measure"].tolist() == ["cramps per person-week", "cramps per person-week", "rate ratio"]
    assert made["Verdict"].tolist()[:2] == ["–", "–"] and made["Verdict"].iloc[2] != "–"
