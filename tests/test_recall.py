"""Recall against log: by hand, as in R, and where there is nothing to compare."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from test_age_curve import survey
from test_triage import diary, row

from crampstudy import analyses, figures, tables
from crampstudy.analyses.sentences import triage as said
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.agreement import limits_of_agreement, weighted_kappa
from crampstudy.descriptive.frequency.recall import BIAS, LINEAR, LOWER, QUADRATIC, SAME, UPPER, recall_against_log
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.simulate import Mess, Truth, simulate

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "triage.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def of_r() -> Cohort:
    nights = pl.read_csv(PARITY / "triage-nights.csv", try_parse_dates=True)
    people = pl.read_csv(PARITY / "triage-people.csv").with_columns(
        age_years=pl.lit(None, pl.Float64), sex=pl.lit(None, pl.String)
    )
    return Cohort("r", "diary", {"participants": people, "diary": nights}, synthetic=True)


def test_differences_and_kappa_are_those_of_r(of_r: Cohort) -> None:
    rows = recall_against_log(of_r)
    named = {BIAS: "bias", LOWER: "lower", UPPER: "upper", QUADRATIC: "quadratic", LINEAR: "linear"}
    for level, name in named.items():
        own = row(rows, level)
        assert own["estimate"] == pytest.approx(R[name]["estimate"], rel=1e-6)
        assert own["std_error"] == pytest.approx(R[name]["error"], rel=1e-6)
        assert [own["ci_low"], own["ci_high"]] == pytest.approx(R[name]["interval"], rel=1e-6)
        assert own["n_participants"] == R["people"]
    assert row(rows, SAME)["estimate"] == pytest.approx(R["same"], rel=1e-9)


def test_numbers_by_hand() -> None:
    # Logged in 28 nights, so that 30 nights have 15, 0, 30/28 and so on; recalled as a number, a class, an open class.
    texts = ["1010101010101010101010101010", "0" * 28, "1" + "0" * 27, "1111" + "0" * 24, "3" * 28, "1" * 27]
    cohort = diary(
        *texts,
        recalled_low=[15, 0, 2, 2, 16, 30],
        recalled_high=[15, 0, 4, 10, None, 30],
    )
    rows = recall_against_log(cohort)
    logged = np.array([15, 0, 30 / 28, 120 / 28, 90])
    recalled = np.array([15, 0, 3, 6, 16])
    difference = np.sqrt(recalled) - np.sqrt(logged)
    # Who logged 27 nights is left out.
    assert row(rows, BIAS)["n_participants"] == 5 and row(rows, BIAS)["n_nights"] == 140
    assert row(rows, BIAS)["estimate"] == pytest.approx(difference.mean())
    spread = difference.std(ddof=1)
    assert row(rows, UPPER)["estimate"] == pytest.approx(difference.mean() + 1.959963984540054 * spread)
    # Of 2 to 10 the class is not known, which leaves four people: too few.
    same = row(rows, SAME)
    assert same["status"] == "not_estimable" and same["note"] == "fewer than 5 recalled a class"
    cells = kinds.RECALL_CELLS.rows(rows)
    assert cells["n_events"].sum() == 5 and cells["estimate"].sum() == pytest.approx(1)
    assert "0, 0" in set(cells["level"])


def test_limits_of_agreement_and_kappa_by_hand() -> None:
    bias, low, high = limits_of_agreement(np.array([1.0, 2.0, 3.0]), 0.95)
    assert (bias.estimate, bias.std_error) == (2, pytest.approx(1 / math.sqrt(3)))
    assert high.estimate - low.estimate == pytest.approx(2 * 1.959963984540054)
    assert high.std_error == pytest.approx(math.sqrt(1 / 3 + 1.959963984540054**2 / 4))
    # Cohen 1960: 20 + 15 of 50 agree, 25 by chance.
    plain = weighted_kappa(np.array([[20.0, 5.0], [10.0, 15.0]]), "none", 0.95)
    assert plain is not None and plain.estimate == pytest.approx(0.4)
    for weights in ("quadratic", "linear"):
        same = weighted_kappa(np.array([[20.0, 5.0], [10.0, 15.0]]), weights, 0.95)
        assert same is not None and same.estimate == pytest.approx(0.4)
    assert weighted_kappa(np.array([[9.0, 0.0], [0.0, 0.0]]), "linear", 0.95) is None


def test_where_nothing_can_be_compared_there_is_a_reason(of_r: Cohort) -> None:
    bare = replace(of_r, tables={**of_r.tables, "participants": of_r.frame("participants").drop("recalled_low")})
    (none,) = recall_against_log(bare).to_dict("records")
    assert none["status"] == "not_measured" and none["note"] == "nobody was asked how many cramps they recall"
    few = recall_against_log(diary(*["0" * 28] * 4, recalled_low=[1] * 4, recalled_high=[1] * 4))
    assert few["note"].tolist() == ["fewer than 5 participants recalled a number and logged at least 28 nights"]
    events = diary(*["1" + "." * 30 + "1"] * 6, recalled_low=[1] * 6)
    assert "this is a list of events" in recall_against_log(events)["note"].iloc[0]
    alike = recall_against_log(diary(*["0" * 28] * 6, recalled_low=[0] * 6, recalled_high=[0] * 6))
    assert row(alike, QUADRATIC)["note"] == "all people recalled and logged the same class"
    assert row(alike, BIAS)["estimate"] == 0 and row(alike, BIAS)["status"] == "boundary"
    with pytest.raises(UsageError, match="is a survey"):
        recall_against_log(survey(None))


def test_the_simulator_writes_what_people_recall() -> None:
    """All have 6 cramps in 30 nights and an error of recall of none: the classes are those of a Poisson number."""
    quiet = Truth().without_effects()
    cramps = replace(quiet.cramps, rate_per_week=1.4, person_shape=1e6, near_nightly_share=0.0, season_amplitude=0.0)
    truth = replace(quiet, cramps=replace(cramps, latent_sd=0.0), people=replace(quiet.people, recall_sd=0.0))
    people = simulate(3000, 2, 4, truth, Mess.none()).frame("participants")
    assert dict(people.select("recalled_low", "recalled_high").unique().iter_rows()) == {
        0: 0,
        1: 1,
        2: 4,
        5: 15,
        16: None,
    }
    shares = people["recalled_low"].value_counts().sort("recalled_low")["count"] / people.height
    below = stats.poisson.cdf([0, 1, 4, 15], 6.0)
    assert shares.to_numpy() == pytest.approx(np.diff([0, *below, 1]), abs=0.02)
    blurred = simulate(3000, 2, 4, replace(truth, people=replace(truth.people, recall_sd=1.0)), Mess.none())
    own = blurred.frame("participants")
    assert (own["recalled_low"] != people["recalled_low"]).mean() > 0.3
    assert own.drop("recalled_low", "recalled_high").equals(people.drop("recalled_low", "recalled_high"))


def test_recall_of_a_synthetic_cohort_is_held_against_its_log() -> None:
    rows = recall_against_log(simulate(120, 40, 2))
    bias, kappa = (row(rows, level, "20+") for level in (BIAS, QUADRATIC))
    assert bias["status"] == "converged" and bias["n_participants"] > 80
    assert 0.4 < kappa["estimate"] < 0.9


def test_the_section_draws_and_says_it(of_r: Cohort) -> None:
    found = analyses.run("frequency", of_r)
    assert "fig-recall" in found.figures and "tbl-recall" in found.tables
    text = found.values["recall"]
    assert text.startswith("On average people recalled as many cramps as they logged, give or take chance: of 4 logged")
    rows = found.figures["fig-recall"].estimates
    bias, low = (row(rows, level)["estimate"] for level in (BIAS, LOWER))
    assert f"{(2 + bias) ** 2:.1f} are recalled, and between {(2 + low) ** 2:.1f} and" in text
    drawn = figures.recall(rows)
    (axes,) = drawn.axes
    offsets = axes.collections[0].get_offsets()
    assert len(offsets) == len(kinds.RECALL_CELLS.rows(rows))
    assert tables.recall(rows).loc["Mean difference", "Scale"] == "square roots"


def test_recall_is_told_at_a_number_that_somebody_logged() -> None:
    rows = recall_against_log(simulate(120, 40, 2))
    assert ": of 4 logged in 30 nights" in said.recall(rows)
    cells, far = rows["analysis"].eq(kinds.RECALL_CELLS.name), rows["level"].copy()
    # The roots of all that was logged and recalled are 5 higher.
    far[cells] = [f"{float(mean) + 5:g}, {apart}" for mean, apart in rows.loc[cells, "level"].str.split(", ")]
    number = int(re.search(r": of (\d+) logged in 30 nights", said.recall(rows.assign(level=far)))[1])  # type: ignore[index]
    assert number > 25


@pytest.mark.parametrize(("shift", "words"), [(5, "more cramps than they logged"), (-5, "fewer cramps than")])
def test_which_way_recall_errs(of_r: Cohort, shift: int, words: str) -> None:
    rows = recall_against_log(of_r)
    moved = rows.assign(**{name: rows[name] + shift for name in ("estimate", "ci_low", "ci_high")})
    assert words in said.recall(moved)


def test_a_diary_without_recall_says_so_once(of_r: Cohort) -> None:
    bare = replace(of_r, tables={**of_r.tables, "participants": of_r.frame("participants").drop("recalled_low")})
    found = analyses.run("frequency", bare)
    assert found.values["recall"] == "" and "fig-recall" not in found.figures
    assert found.could_not["fig-recall"] == "nobody was asked how many cramps they recall"
