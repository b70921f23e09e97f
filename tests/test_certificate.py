"""The certificate of a report: cohorts of its own design, whose truth is known, and how often intervals cover it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.rerun.certificate import CohortDesign, certify, coverage, design_of
from crampstudy.simulate import simulate

Run = Callable[..., tuple[int, str, str]]
BANDS = AgeBands((20, 60))


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(60, 30, 5)


@pytest.fixture(scope="module")
def design(cohort: Cohort) -> CohortDesign:
    return design_of(cohort)


def test_a_drawn_cohort_has_the_people_the_nights_and_the_gaps(cohort: Cohort, design: CohortDesign) -> None:
    drawn = design.draw(np.random.default_rng(1))
    same = ["participant_id", "date"]
    assert drawn.frame("participants").equals(cohort.frame("participants"))
    before, after = cohort.frame("diary"), drawn.frame("diary")
    assert after[same].equals(before[same]) and after.schema == before.schema
    assert after["cramps"].is_null().equals(before["cramps"].is_null()) and not after.equals(before)
    assert drawn.frame("diary").equals(design.draw(np.random.default_rng(1)).frame("diary"))


def test_the_truth_is_that_of_the_design(cohort: Cohort, design: CohortDesign) -> None:
    """With all cramps as expected, rates are those of the means, and a ratio is that between two people's means."""
    truth = coverage.truths(design, BANDS)
    observed = cohort.frame("diary")["cramps"].drop_nulls()
    (overall,) = (value for key, value in truth.items() if "/20-plus/incidence-rate" in key)
    assert overall == pytest.approx(7 * observed.mean())
    people = cohort.frame("participants")
    logarithm = np.log(design.mean)
    (by_age,) = (np.log(value) for key, value in truth.items() if key.endswith("age-decade/rate-ratio"))
    (by_sex,) = (np.log(value) for key, value in truth.items() if key.endswith("sex/female/rate-ratio"))
    expected = by_age * (people["age_years"].to_numpy() - 60) / 10 + by_sex * (people["sex"] == "female").to_numpy()
    assert logarithm - expected == pytest.approx(np.full(len(expected), (logarithm - expected)[0]))


def test_dispersion_is_estimated_as_it_was_drawn(design: CohortDesign) -> None:
    """Of many people with many nights, the moments give back what was drawn."""
    many = replace(design, people=np.repeat(np.arange(4_000), 40), mean=np.full(4_000, 0.5), between=0.8, within=0.6)
    frame = pl.DataFrame({"cramps": np.zeros(len(many.people), dtype=np.int64)})
    rng = np.random.default_rng(3)
    factors = rng.gamma(1 / 0.8, 0.8, 4_000)
    counts = rng.poisson((many.mean * factors)[many.people] * rng.gamma(1 / 0.6, 0.6, frame.height)).astype(float)
    from crampstudy.rerun.certificate import design as module

    between, within = module._dispersion(many.people, counts, np.full(4_000, 40.0), many.mean)
    assert between == pytest.approx(0.8, abs=0.08) and within == pytest.approx(0.6, abs=0.08)
    level = rng.poisson(np.full(frame.height, 0.5)).astype(float)
    assert module._dispersion(many.people, level, np.full(4_000, 40.0), many.mean) == pytest.approx((0, 0), abs=0.05)


@pytest.mark.parametrize(
    ("level", "inside"), [("<20", [15]), ("20-39", [20, 39.5]), ("60+", [60, 85]), ("20+", [20, 39.5, 40, 60, 85])]
)
def test_a_band_is_read_as_its_row_names_it(level: str, inside: list[float]) -> None:
    ages = np.array([15, 20, 39.5, 40, 60, 85, np.nan])
    assert ages[coverage._inside(level, ages)].tolist() == inside


def test_whoever_does_the_work_the_counts_are_the_same_and_the_truth_is_covered(design: CohortDesign) -> None:
    one = certify(design, bands=BANDS, n_cohorts=30)
    assert one.n_cohorts == 30 and (one.n_participants, one.n_nights) == (60, len(design.people))
    for row in one.rows:
        # 30 of 30 to 24 of 30 is what a coverage of 95 % gives in all but one of 5,000 such rows.
        assert row.n == 30 and row.covered >= 24 and 0.6 < row.low < row.covered / 30 <= row.high, row
    few = [asdict(certify(design, bands=BANDS, n_cohorts=4, workers=workers)) for workers in (1, 2)]
    assert few[0] == few[1]
    # Of another truth it is found that intervals do not cover it.
    wrong = replace(design, ratios={key: 20 * value for key, value in design.ratios.items()})
    assert [row.covered for row in certify(wrong, n_cohorts=3).rows if row.key in wrong.ratios] == [0, 0]


def test_it_ends_in_time_and_says_how_many_there_were(design: CohortDesign) -> None:
    assert certify(design, n_cohorts=200, most_seconds=0.0).n_cohorts == 1


def test_the_command_prints_what_was_found(
    run: Run, cohort: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crampstudy.cli.options.opened", lambda source: cohort)
    monkeypatch.setattr(certify, "__kwdefaults__", {**(certify.__kwdefaults__ or {}), "n_cohorts": 2})
    target = tmp_path / "certificate"
    asked = ("report", "study", "--certify", "--age-bands", "20,60", "--out", str(target))
    code, out, _ = run(*asked)
    told = json.loads((target / "certificate.json").read_text())
    assert code == 0 and told["n_cohorts"] == 2 and out.startswith("2 cohorts of 60 participants and ")
    for row in told["rows"]:
        assert f"{row['key']}  truth {row['truth']:.4g}: {row['covered'] / 2:.1%} (" in out
    for words in (["--set", "ci_level=0.9"], ["--sections", "sleep"], ["--plan", "plan.json"], ["--cell-timeout", "9"]):
        code, _, err = run("report", "study", "--certify", *words)
        assert code == 2 and f"leave out {words[0]}\n" in err
    # A certificate takes the place of one, and of nothing else.
    assert run(*asked)[0] == 0
    (target / "report.html").write_text("mine")
    monkeypatch.setattr("crampstudy.rerun.certificate.coverage.certify", None)
    code, _, err = run(*asked)
    assert code == 2 and "it holds report.html" in err and "--force" in err
    code, _, err = run("report", "study", "--workers", "2")
    assert code == 2 and "--grid and of --certify" in err


def test_a_survey_and_people_of_whom_nothing_is_known_have_none(cohort: Cohort) -> None:
    people = cohort.frame("participants")
    unknown = {name: pl.lit(None, people.schema[name]) for name in ("age_years", "sex")}
    nobody = people.with_columns(**unknown)
    with pytest.raises(UsageError, match="needs ages or sexes"):
        design_of(replace(cohort, tables={"participants": nobody, "diary": cohort.frame("diary")}))
    with pytest.raises(UsageError, match="is of a diary"):
        design_of(type("Survey", (), {"kind": "survey", "name": "s"})())  # type: ignore[arg-type]
