"""What cramps are like, when they come and what goes with their end: by hand, against the truth, and of few people."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy import analyses
from crampstudy.age_bands import AgeBands
from crampstudy.analyses import Findings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.remedies.within_persons import remedies
from crampstudy.descriptive.episodes import cramp_features
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.simulate import simulate


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(150, 40, seed=7)


@pytest.fixture(scope="module")
def found(diary: Cohort) -> Findings:
    return analyses.run("severity", diary)


def of_all(rows: pd.DataFrame, term: str, level: str) -> pd.Series:
    own = rows[rows["population"].str.startswith("all")]
    return own[own["term"].eq(term).fillna(value=False) & own["level"].eq(level).fillna(value=False)].iloc[0]


def test_shares_and_lengths_are_those_of_the_cramps(diary: Cohort) -> None:
    cramps = diary.tables["episodes"].to_pandas()
    rows = cramp_features(diary)
    calf = of_all(rows, "site", "calf")
    known = cramps["site"].dropna()
    assert calf["estimate"] == pytest.approx((known == "calf").mean()) and calf["n_events"] == (known == "calf").sum()
    lengths = cramps["duration_s"].dropna()
    assert of_all(rows, "duration_s", "above 10 min")["estimate"] == pytest.approx((lengths > 600).mean())
    median = of_all(rows, "duration_s", "median")
    assert median["estimate"] == pytest.approx(np.median(lengths) / 60, rel=0.02)
    assert median["ci_low"] < median["estimate"] < median["ci_high"]
    assert of_all(rows, "woke", "true")["estimate"] == pytest.approx(cramps["woke"].dropna().astype(float).mean())


def test_the_interval_of_a_share_has_participants_as_clusters(diary: Cohort) -> None:
    cramps = diary.tables["episodes"].to_pandas().dropna(subset=["site"])
    hits = (cramps["site"] == "calf").astype(float)
    share, people = hits.mean(), cramps["participant_id"].nunique()
    scores = (hits - share).groupby(cramps["participant_id"]).sum()
    error = np.sqrt(people / (people - 1) * (scores**2).sum()) / len(hits)
    assert of_all(cramp_features(diary), "site", "calf")["std_error"] == pytest.approx(error, rel=1e-6)


def test_bands_of_few_people_say_so(diary: Cohort) -> None:
    crampers = diary.tables["participants"].join(diary.tables["episodes"], on="participant_id", how="semi")
    oldest = int(crampers["age_years"].sort()[-1])
    rows = cramp_features(diary, bands=AgeBands((20, 40, oldest)))
    few = rows[rows["population"].str.startswith(f"{oldest}+")]
    assert set(few["status"]) <= {"not_estimable"} and few["estimate"].isna().all()


def test_stretching_goes_with_an_earlier_end_as_the_truth_has_it(found: Findings) -> None:
    rows = kinds.REMEDY.rows(found.estimates)
    stretch = rows[(rows["level"] == "stretch") & (rows["outcome"] == "relief")].iloc[0]
    assert stretch["scale"] == "hazard_ratio" and stretch["ci_low"] > 1
    assert stretch["n_exposed"] > 20 and stretch["verdict"] in ("higher", "differs but negligible")
    assert {"relief", "pain_fall", "residual_soreness"} == set(rows["outcome"])
    equal = kinds.REMEDY_AT_EQUAL_PAIN.rows(found.estimates)
    assert equal["adjusted_for"].str.contains("pain_0_10").all()


def test_the_section_says_its_rows_and_no_effect(found: Findings) -> None:
    assert not found.could_not and set(found.figures) | set(found.tables) == set(analyses.named("severity").parts)
    said = " ".join(found.values.values()).lower()
    assert "signific" not in said and "effect" not in said and found.values["answer"].startswith("Half of the cramps")


def test_where_all_cramps_had_a_remedy_nothing_is_compared(diary: Cohort) -> None:
    own = diary.tables["episodes"]
    treated = own.with_columns(pl.lit("stretch").cast(own["remedy"].dtype).alias("remedy"))
    cohort = Cohort("treated", "diary", {**diary.tables, "episodes": treated}, as_of=diary.as_of)
    with pytest.raises(AnalysisError, match="every cramp was logged with a remedy"):
        remedies(cohort)
    again = analyses.run("severity", cohort)
    assert any("every cramp was logged with a remedy" in reason for reason in again.could_not.values())
    assert again.estimated


@pytest.mark.parametrize("people", [1, 3, 8])
def test_a_small_clinic_has_sentences_and_true_reasons(people: int) -> None:
    few = analyses.run("severity", simulate(people, 7, seed=2))
    assert few.values["answer"]
    ratios = few.estimates[few.estimates["scale"].isin(["hazard_ratio", "odds_ratio", "difference"])]
    assert ratios.loc[ratios["n_participants"].fillna(0) <= 1, "estimate"].isna().all()


def test_a_diary_without_cramps_in_detail_says_what_it_lacks(diary: Cohort) -> None:
    bare = {name: table for name, table in diary.tables.items() if name != "episodes"}
    none = analyses.run("severity", Cohort("bare", "diary", bare, as_of=diary.as_of))
    assert not none.estimated and set(none.could_not.values()) == {"the cohort has no episodes"}
