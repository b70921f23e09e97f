"""An exposure with what the causal graph asks for beside it, and what is said where there is no room for all of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from crampstudy import causal, fit
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.errors import UsageError
from crampstudy.estimates.adjustment import by_graph, enough
from crampstudy.simulate import simulate


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(60, 20, seed=3)


def with_people(cohort: Cohort, people: pl.DataFrame) -> Cohort:
    nights = cohort.tables["diary"].join(people.select("participant_id"), on="participant_id", how="semi")
    return Cohort("part", "diary", {"participants": people, "diary": nights}, as_of=None)


def test_the_rows_are_those_of_a_fit_with_the_set_beside_the_exposure(diary: Cohort) -> None:
    made = adjusted_fit(diary, "within(fluid_ml)", model="poisson")
    beside = "alcohol_units + dietary_sodium_mg + exercise_min + ambient_temperature_c + electrolyte_drink"
    by_hand = fit(diary, model="poisson", terms=f"within(fluid_ml) + {beside}").estimates
    same = ["term", "level", "estimate", "ci_low", "ci_high", "adjusted_for", "verdict"]
    pd.testing.assert_frame_equal(made.estimates[same], by_hand[same].head(2))
    assert made.estimates["note"].str.startswith("compared within persons, adjusted for alcohol_units").all()
    assert "sufficient under the study's graph" in made.said


def test_of_persons_the_nights_enter_as_means_and_age_as_a_curve(diary: Cohort) -> None:
    made = adjusted_fit(diary, "between(fluid_ml)", model="poisson", besides=("within(fluid_ml)",))
    beside = set(made.estimates["adjusted_for"].iloc[0].split("; "))
    assert {"within(fluid_ml)", "between(alcohol_units)", "ns(age_years, df=3)", "sex"} <= beside
    assert set(made.estimates["term"]) == {"between(fluid_ml)", "contrast: between(fluid_ml)"}


def test_what_there_is_no_room_for_is_said_to_be_left_out(diary: Cohort) -> None:
    few = with_people(diary, diary.tables["participants"].head(24))
    made = adjusted_fit(few, "within(fluid_ml)", model="poisson", participants_per_coefficient=5)
    row = made.estimates.iloc[0]
    kept = set(row["adjusted_for"].split("; "))
    everything = {"alcohol_units", "dietary_sodium_mg", "exercise_min", "ambient_temperature_c", "electrolyte_drink"}
    assert row["status"] == "converged" and kept < everything
    assert made.said.startswith("adjusted for fewer than the study's graph asks for: too few participants")
    assert all(name in made.said for name in everything - kept) and not any(name in made.said for name in kept)
    assert row["adjustment"] == "too few participants" and {*row["lacks"].split("; ")} == everything - kept
    whole = adjusted_fit(diary, "within(fluid_ml)", model="poisson").estimates
    assert enough(whole).all() and whole["lacks"].isna().all()
    # A fit of one's own says it of all of its rows.
    terms = f"within(fluid_ml) + {' + '.join(sorted(everything))}"
    own = fit(few, model="poisson", terms=terms, participants_per_coefficient=5)
    assert own.surplus and set(own.estimates["adjustment"]) == {"terms left out"}
    assert set(own.estimates["lacks"]) == {"; ".join(own.surplus)} and not by_graph(own.estimates).any()


def test_what_does_not_vary_is_not_adjusted_for(diary: Cohort) -> None:
    men = with_people(diary, diary.tables["participants"].with_columns(sex=pl.lit("male")))
    adjusted_for = adjusted_fit(men, "vitamin_b12_pmol_l", model="poisson").estimates["adjusted_for"]
    assert set(adjusted_for) == {"ns(age_years, df=3)"}


def test_a_graph_of_ones_own_is_followed(diary: Cohort, tmp_path: Path) -> None:
    path = tmp_path / "graph.yaml"
    arrows = "  - from: sex\n    to: [fluid_ml, cramps]\n    reason: assumed here\n"
    path.write_text(
        f"version: 1\nname: mine\narrows:\n{arrows}  - {{from: fluid_ml, to: cramps, reason: asked here}}\n"
    )
    made = adjusted_fit(diary, "between(fluid_ml)", model="poisson", graph=causal.read(path))
    assert set(made.estimates["adjusted_for"]) == {"sex"} and made.said.endswith("sufficient under mine")
    with pytest.raises(UsageError, match="has no node 'shoe_size'"):
        adjusted_fit(diary, "shoe_size", model="poisson")


def test_what_nobody_has_beside_the_exposure_was_not_measured(diary: Cohort) -> None:
    people = diary.tables["participants"].with_row_index("row")
    even = pl.col("row") % 2 == 0
    halves = people.with_columns(
        pl.when(even).then("vitamin_b12_pmol_l").alias("vitamin_b12_pmol_l"), pl.when(~even).then("sex").alias("sex")
    )
    made = adjusted_fit(with_people(diary, halves.drop("row")), "vitamin_b12_pmol_l", model="poisson")
    assert set(made.estimates["adjusted_for"]) == {"ns(age_years, df=3)"} and made.estimates["estimate"].notna().all()
    assert made.said.endswith("no sufficient set among what was measured, which under the study's graph lacks sex")
    assert set(made.estimates["adjustment"]) == {"not measured"} and set(made.estimates["lacks"]) == {"sex"}
