from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.descriptive.prevalence import LEVELS, prevalence
from crampstudy.errors import AnalysisError, BandError, UsageError
from crampstudy.estimates import frame
from crampstudy.models.surveys.domain_means import domain_means
from crampstudy.models.surveys.sampling import SamplingDesign

LOWS, HIGHS = (0, 1, 2, 5, 16), (0, 1, 4, 15, None)
BANDS = AgeBands((20, 40, 60))


def cohort(top_coded_age: int | None = 80, **columns: Any) -> Cohort:
    rng = np.random.default_rng(11)
    n = 600
    answer = rng.choice(5, n, p=(0.6, 0.15, 0.13, 0.08, 0.04))
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": rng.integers(16, 81, n).astype(float),
            "sex": rng.choice(["female", "male"], n),
            "weight_interview": rng.gamma(3, 1000, n),
            "weight_exam": np.where(rng.random(n) < 0.1, 0.0, rng.gamma(3, 1000, n)),
            "stratum": np.repeat(np.arange(6), 100),
            "psu": np.tile(np.repeat([1, 2], 50), 6),
            "recalled_low": [None if i % 17 == 0 else LOWS[c] for i, c in enumerate(answer)],
            "recalled_high": [None if i % 17 == 0 else HIGHS[c] for i, c in enumerate(answer)],
        }
    ).with_columns(**columns)
    design = SurveyDesign(("D",), {"interview": "weight_interview", "exam": "weight_exam"}, top_coded_age=top_coded_age)
    return Cohort("made", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


def pick(rows: pd.DataFrame, population: str, level: str, analysis: str = "prevalence") -> Any:
    found = rows[(rows["population"] == population) & (rows["level"] == level) & (rows["analysis"] == analysis)]
    assert len(found) == 1
    return found.iloc[0]


def test_rows_cover_every_level_and_group_once() -> None:
    rows = frame(prevalence(cohort(), BANDS))
    assert set(rows["level"]) == set(LEVELS)
    crude = rows[(rows["level"] == "mild") & (rows["analysis"] == "prevalence")]
    assert crude["population"].tolist() == ["<20", "20-39", "40-59", "60+", "20+", "50+"]
    assert rows["key"].is_unique
    adults = rows[rows["population"] != "<20"]
    assert set(adults["status"]) == {"converged"}
    assert ((adults["ci_low"] < adults["estimate"]) & (adults["estimate"] < adults["ci_high"])).all()
    assert ((adults["df"] == 6) & (adults["n_groups"] == 12)).all()
    assert pick(rows, "<20", "mild")["note"].startswith("answers from age 16")


def test_levels_partition_the_answers() -> None:
    rows = frame(prevalence(cohort(), BANDS))
    for population in ("20-39", "60+", "20+"):
        groups = [pick(rows, population, level)["estimate"] for level in ("none", "mild", "moderate-severe")]
        assert sum(groups) == pytest.approx(1)
        assert sum(pick(rows, population, str(i))["estimate"] for i in range(5)) == pytest.approx(1)
        assert pick(rows, population, "any")["estimate"] == pytest.approx(1 - groups[0])
        counts = [pick(rows, population, str(i))["n_events"] for i in range(5)]
        assert sum(counts) == pick(rows, population, "any")["n_participants"]


def test_bands_are_the_weighted_shares() -> None:
    made = cohort()
    people = made.frame("participants").filter(
        pl.col("age_years").is_between(40, 59), pl.col("recalled_low").is_not_null()
    )
    expected = people.select(
        (pl.col("weight_interview") * (pl.col("recalled_low") >= 5)).sum() / pl.col("weight_interview").sum()
    ).item()
    found = pick(frame(prevalence(made, BANDS)), "40-59", "moderate-severe")
    assert found["estimate"] == pytest.approx(expected, rel=1e-12)
    assert found["n_participants"] == people.height


def test_standardised_is_the_weighted_sum_with_covariances() -> None:
    made = cohort()
    rows = frame(prevalence(made, BANDS, standard="esp2013"))
    shares = np.array(BANDS.standard_weights("esp2013"))
    bands = [pick(rows, label, "any") for label in BANDS.labels[1:]]
    found = pick(rows, "20+", "any", "age-standardised prevalence")
    assert found["estimate"] == pytest.approx(sum(w * b["estimate"] for w, b in zip(shares, bands, strict=True)))
    alone = np.sqrt(sum((w * b["std_error"]) ** 2 for w, b in zip(shares, bands, strict=True)))
    assert abs(found["std_error"] / alone - 1) > 1e-3, "bands share PSUs, so their covariances are not zero"
    # The same variance by another way: one variable of linearised scores.
    people = made.frame("participants")
    design = SamplingDesign.of(people["stratum"], people["psu"], people["weight_interview"])
    low, age = people["recalled_low"].cast(pl.Float64).fill_null(np.nan).to_numpy(), people["age_years"].to_numpy()
    score = np.zeros((len(age), 1))
    for share, start, stop, band in zip(shares, (20, 40, 60), (40, 60, 200), bands, strict=True):
        inside = np.isfinite(low) & (age >= start) & (age < stop)
        weight = np.where(inside, design.weight, 0.0)
        score[:, 0] += share * weight * ((low >= 1) - band["estimate"]) / weight.sum()
    assert found["std_error"] == pytest.approx(float(np.sqrt(design.covariance(score)[0, 0])), rel=1e-10)


def test_domain_keeps_the_design() -> None:
    made = cohort()
    people = made.frame("participants")
    women = (people["sex"] == "female").to_numpy()
    found = pick(frame(prevalence(made, BANDS, domain=women, domain_name="women")), "20+, women", "any")
    low = people["recalled_low"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    members = women & np.isfinite(low) & (people["age_years"].to_numpy() >= 20)
    design = SamplingDesign.of(people["stratum"], people["psu"], people["weight_interview"])
    means = domain_means(low >= 1, members[:, None], design)
    assert found["estimate"] == pytest.approx(means.estimate[0])
    assert found["std_error"] == pytest.approx(means.std_error[0])
    assert found["n_participants"] == members.sum()


def test_weight_is_named_and_those_without_it_are_not_counted() -> None:
    made = cohort()
    interview, exam = (pick(frame(prevalence(made, BANDS, weight=w)), "20+", "any") for w in (None, "weight_exam"))
    assert "weight_interview" in interview["note"]
    assert "weight_exam" in exam["note"]
    assert exam["n_participants"] < interview["n_participants"]


def test_no_event_gives_a_bound_and_an_empty_band_nothing() -> None:
    rows = frame(
        prevalence(
            cohort(
                age_years=pl.when(pl.col("age_years").is_between(40, 59)).then(30.0).otherwise(pl.col("age_years")),
                recalled_low=pl.when(pl.col("age_years") >= 60).then(0).otherwise(pl.col("recalled_low")),
                recalled_high=pl.when(pl.col("age_years") >= 60).then(0).otherwise(pl.col("recalled_high")),
            ),
            BANDS,
        )
    )
    none = pick(rows, "60+", "any")
    assert (none["status"], none["estimate"], none["ci_low"], none["n_events"]) == ("boundary", 0, 0, 0)
    assert 1 - 0.05 ** (1 / none["n_participants"]) < none["ci_high"] < 0.2
    everyone = pick(rows, "60+", "none")
    assert (everyone["status"], everyone["estimate"], everyone["ci_high"]) == ("boundary", 1, 1)
    assert everyone["ci_low"] == pytest.approx(1 - none["ci_high"])
    empty, standardised = pick(rows, "40-59", "any"), pick(rows, "20+", "any", "age-standardised prevalence")
    for row in (empty, standardised):
        assert row["status"] == "not_estimable"
        assert pd.isna(row["estimate"])
    assert "40-59" in standardised["note"]
    assert pick(rows, "20+", "any")["status"] == "converged"


def test_few_participants_and_a_lonely_psu_are_noted() -> None:
    made = cohort(psu=pl.when(pl.col("stratum") == 3).then(1).otherwise(pl.col("psu")))
    people = made.frame("participants")
    old, stratum, psu = (people["age_years"] >= 20).to_numpy(), people["stratum"].to_numpy(), people["psu"].to_numpy()
    few = np.zeros(len(old), dtype=bool)
    few[np.flatnonzero(old[:100])[::12]] = True

    def note_of(domain: Any) -> str:
        return str(pick(frame(prevalence(made, AgeBands((20,)), domain=domain, standard="none")), "20+", "any")["note"])

    assert "fewer than 10 participants" in note_of(few) and "with one PSU" not in note_of(few)
    assert "; 1 stratum with one PSU in the domain, centred at the grand mean" in note_of(old)
    assert "; 4 strata with one PSU in the domain" in note_of(old & ((stratum > 2) | (psu == 1)))


def test_limit_inside_a_standard_group_refuses_standardisation_only() -> None:
    rows = frame(prevalence(cohort(), AgeBands((22, 40))))
    assert pick(rows, "22+", "any")["status"] == "converged"
    refused = pick(rows, "22+", "any", "age-standardised prevalence")
    assert (refused["status"], "5-year group" in refused["note"]) == ("not_estimable", True)


def test_limit_above_the_top_code_is_refused() -> None:
    bands = AgeBands((20, 60, 85))
    with pytest.raises(BandError, match="top-codes"):
        prevalence(cohort(80), bands)
    assert prevalence(cohort(85), bands)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": "weight_diet1"}, "no weight 'weight_diet1'; allowed: weight_interview, weight_exam"),
        ({"ci_level": 95}, "confidence level"),
        ({"domain": np.ones(3, dtype=bool)}, "each of the 600 participants"),
        ({"standard": "usa"}, "no standard population 'usa'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        prevalence(cohort(), BANDS, **options)


def test_no_answers_cannot_be_analysed() -> None:
    none = cohort(recalled_low=pl.lit(None, dtype=pl.Int64), recalled_high=pl.lit(None, dtype=pl.Int64))
    with pytest.raises(AnalysisError, match="nobody has a recalled class"):
        prevalence(none, BANDS)
