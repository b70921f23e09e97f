"""Age bands against a band of reference: by hand, as a model has them, and in the section and its parameters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from test_age_curve import survey
from test_report_params import notebook

from crampstudy import AgeBands, analyses, describe, fit, tables
from crampstudy.analyses import SectionResults
from crampstudy.analyses.sentences import summary
from crampstudy.cohort import Cohort
from crampstudy.contrasts.people.ratios_by_band import ratios_by_band
from crampstudy.errors import BandError, ParameterError
from crampstudy.estimates import kinds
from crampstudy.report import params
from crampstudy.simulate import simulate

BANDS = AgeBands((20, 50, 70))


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(60, 14, seed=4)


def of(rows: pd.DataFrame, level: str, outcome: str = "cramps") -> Any:
    found = rows[(rows["level"] == level) & (rows["outcome"] == outcome)]
    assert len(found) == 1
    return found.iloc[0]


def test_bands_of_a_diary_are_of_different_people(diary: Cohort) -> None:
    rates = kinds.INCIDENCE_RATE.rows(describe(diary, bands=BANDS).estimates)
    one, other = of(rates, "70+"), of(rates, "20-49")
    found = of(ratios_by_band(diary, BANDS, ci_level=0.9), "70+")
    assert found["reference"] == "20-49" and pd.isna(found["verdict"])
    assert found["estimate"] == pytest.approx(one["estimate"] / other["estimate"])
    variances = one["std_error"] ** 2, other["std_error"] ** 2
    # Welch and Satterthwaite on the log scale.
    df = sum(variances) ** 2 / (variances[0] ** 2 / one["df"] + variances[1] ** 2 / other["df"])
    half = stats.t.ppf(0.95, df) * np.sqrt(sum(variances))
    assert found["ci_high"] == pytest.approx(found["estimate"] * np.exp(half))
    assert found["n_participants"] == one["n_participants"] + other["n_participants"]


def test_bands_of_a_survey_are_those_of_its_saturated_model() -> None:
    asked = survey(80)
    rows = ratios_by_band(asked, BANDS, reference="50-69")
    assert set(rows["outcome"]) == {"any_cramp", "moderate_severe_vs_rest"} and set(rows["reference"]) == {"50-69"}
    terms = "C(age_band, Treatment('50-69'))"
    model = fit(
        asked,
        model="survey-poisson",
        outcome="any_cramp",
        terms=terms,
        bands=BANDS,
        where="age_years >= 20",
    ).estimates
    for level in ("20-49", "70+"):
        found = of(rows, level, "any_cramp")
        fitted = model[(model["level"] == level) & (model["scale"] == "prevalence_ratio")].iloc[0]
        assert found["estimate"] == pytest.approx(fitted["estimate"], rel=1e-6)
        assert found["std_error"] == pytest.approx(fitted["std_error"], rel=1e-4)


def test_the_reference_is_the_youngest_that_can_be(diary: Cohort) -> None:
    nobody = AgeBands((19, 20, 50, 70))
    rows = ratios_by_band(diary, nobody)
    assert set(rows["reference"]) == {"20-49"}
    assert of(rows, "19")["status"] == "not_estimable" and of(rows, "19")["note"] == "nobody of this age took part"
    named = ratios_by_band(diary, nobody, reference="19–19")
    assert set(named["status"]) == {"not_estimable"} and len(named) == 3
    assert set(named["note"]) == {"no ratio, as the reference 19 allows none: nobody of this age took part"}
    with pytest.raises(BandError, match=r"no age band '20-39'; name one of 20-49, 50-69, 70\+"):
        ratios_by_band(diary, BANDS, reference="20-39")


def test_a_reference_that_nobody_is_of_is_told_and_called_none(diary: Cohort) -> None:
    found = analyses.run("age-and-muscle", diary, analyses.Settings(age_bands=[19, 20, 50, 70], reference_band="19"))
    table = found.tables["tbl-frequency"]
    assert not any("against" in str(name) for name in table.frame.columns)
    assert "reference" not in set(table.frame.to_numpy().ravel())
    assert "no ratio, as the reference 19 allows none: nobody of this age took part" in (table.note or "")
    assert "Ratios are crude" not in (table.note or "")


def test_where_no_band_can_be_compared_the_reference_is_one_that_somebody_is_of(diary: Cohort) -> None:
    few = {name: table.filter(pl.col("participant_id") < "P0003") for name, table in diary.tables.items()}
    old = few["participants"].with_columns(age_years=pl.lit(75.0))
    rows = ratios_by_band(Cohort("few", "diary", {**few, "participants": old}, synthetic=True), BANDS)
    assert set(rows["reference"]) == {"70+"} and rows["estimate"].isna().all()
    # In the summary ages have the dash that they have in tables.
    lacking = {"age-and-muscle": SectionResults(rows.assign(note="no ratio, as 50-69 allows none"), {}, {}, None)}
    assert "as 50–69 allows none" in " ".join(summary.unanswered({}, lacking))


@pytest.mark.parametrize("reference", [None, "20-49"])
def test_a_band_whose_cramps_are_one_participants_has_a_rate_and_no_ratio(diary: Cohort, reference: str | None) -> None:
    aged = diary.tables["participants"].filter(pl.col("age_years") >= 70)["participant_id"]
    cramps = pl.when(~pl.col("participant_id").is_in(aged.implode())).then("cramps")
    night = pl.col("participant_id") == aged[0]
    carried = diary.tables["diary"].with_columns(cramps=cramps.when(night).then(pl.lit(2)).otherwise(0))
    cohort = Cohort("one", "diary", {**diary.tables, "diary": carried}, synthetic=True)
    rows = ratios_by_band(cohort, BANDS, reference=reference)
    lone = "one participant has all of the cramps"
    assert of(rows, "70+")["status"] == "not_estimable" and of(rows, "70+")["note"] == lone
    assert of(rows, "50-69")["status"] == "converged"
    against = ratios_by_band(cohort, BANDS, reference="70+")
    assert set(against["note"]) == {f"no ratio, as the reference 70+ allows none: {lone}"}
    # Its rate is that of all of its participants, and says whose the cramps are.
    rate = of(kinds.INCIDENCE_RATE.rows(describe(cohort, bands=BANDS).estimates), "70+")
    assert rate["estimate"] > 0 and lone in rate["note"]


def test_a_band_of_a_survey_in_which_one_has_cramps_has_no_ratio() -> None:
    asked = survey(80)
    people = asked.frame("participants").with_row_index()
    old = people.filter(pl.col("age_years") >= 70)["index"]
    low = pl.when(~pl.col("index").is_in(old.implode())).then("recalled_low").when(pl.col("index") == old[0]).then(16)
    table = people.with_columns(recalled_low=low.otherwise(0)).drop("index")
    cohort = replace(asked, tables={**asked.tables, "participants": table})
    rows = ratios_by_band(cohort, BANDS)
    found = of(rows, "70+", "any_cramp")
    assert found["status"] == "not_estimable" and found["note"] == "rests on one participant"
    assert of(rows, "50-69", "any_cramp")["status"] == "converged"


def test_a_table_of_bands_has_them_beside(diary: Cohort) -> None:
    own = ratios_by_band(diary, BANDS, reference="50-69")
    column = tables.beside_reference(tables.rates(describe(diary, bands=BANDS)), own)[
        "Rate ratio against 50–69 (95% CI)"
    ]
    assert column["50–69"] == "reference" and column["20+"] == "–"
    assert column["70+"].startswith(f"{of(own, '70+')['estimate']:.2f} (")
    assert tables.between_bands(own).columns.tolist() == ["Rate ratio against 50–69 (95% CI)"]


def test_another_band_is_refused_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(BandError, match="no age band '60-70'"):
        analyses.Settings(reference_band="60-70")
    declares = notebook(tmp_path, "age_bands: list[int] = [20, 40]  # bands\nreference_band: str | None = None  # band")
    assert params.check([declares], ["reference_band=40+"]) == {"reference_band": "40+"}
    with pytest.raises(ParameterError, match=r"'reference_band': no age band '40\+'; name one of 20-49, 50\+"):
        params.check([declares], ["reference_band=40+", "age_bands=20,50"])
