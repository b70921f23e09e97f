"""Groups of people whose cramps are alike: found where they are, not found where there are none, and private."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import polars as pl
import pytest
from phenotypes_page import SETTINGS, bound, drawn
from scipy.stats import norm
from test_prediction_section import survey_of

from crampstudy import analyses, figures, tables
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.phenotypes import grouping_of, groups, people_table, phenotype_rows, traits_of
from crampstudy.phenotypes.mixture import UncertainTraits, fit_mixture
from crampstudy.phenotypes.rows import left_out
from crampstudy.phenotypes.traits import TRAITS
from crampstudy.sources.readers import package

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(groups, "RESAMPLES", 8)
        yield


@pytest.fixture(scope="module")
def often() -> tuple[Cohort, set[str]]:
    """A cohort with a class of people who have cramps nearly every night, and who they are."""
    return drawn(replace(SETTINGS[1], participants=120), seed=0)


@pytest.fixture(scope="module")
def found(often: tuple[Cohort, set[str]]) -> groups.Grouping:
    return grouping_of(traits_of(often[0]))


@pytest.fixture(scope="module")
def alike() -> Cohort:
    """A cohort whose people differ by degrees alone."""
    return drawn(SETTINGS[0], seed=0)[0]


def test_traits_by_hand() -> None:
    start, minutes = date(2024, 1, 1), (23 * 60, 60)
    nights = [
        {"participant_id": who, "date": start + timedelta(days=i), "cramps": 3 if who == "A" and i in (2, 5) else 0}
        for who in ("A", "B")
        for i in range(16)
    ]
    nights += [{"participant_id": "C", "date": start, "cramps": 1}]
    cramps = [
        {
            "participant_id": "A",
            "date": start + timedelta(days=2),
            "episode": i + 1,
            "onset": datetime(2024, 1, 3) + timedelta(minutes=at),
            "duration_s": length,
            "site": site,
        }
        for i, (at, length, site) in enumerate(zip(minutes, (100.0, 400.0), ("calf", "foot"), strict=True))
    ]
    ids = {"participant_id": ["A", "B", "C"], "age_years": [50.0, 60.0, 70.0], "sex": ["female", "male", "male"]}
    frames = {"participants": pl.DataFrame(ids), "diary": pl.DataFrame(nights), "episodes": pl.DataFrame(cramps)}
    table = traits_of(Cohort("made", "diary", frames))
    assert (table.ids, table.without_cramp, table.few_nights) == (("A",), 1, 1)
    of = dict(zip(TRAITS, table.values[0], strict=True))
    counts = np.array([3.0, 3.0] + [0.0] * 14)
    ratio = counts.var(ddof=1) / counts.mean()
    assert of["frequency"] == pytest.approx(np.sqrt(7 * 6.375 / 16))
    assert of["dispersion"] == pytest.approx(np.log(ratio))
    assert of["duration"] == pytest.approx(np.log(200)) and np.isnan(of["pain"])
    assert of["site"] == pytest.approx(np.arcsin(np.sqrt(1.375 / 2.75)))
    # 23:00 and 01:00 are 11 and 13 hours after noon.
    assert of["timing"] == pytest.approx(12.0)
    chance = dict(zip(TRAITS, table.chance[0], strict=True))
    assert chance["frequency"] == pytest.approx(7 * ratio / (4 * 16))
    assert chance["timing"] == pytest.approx(np.var([11, 13], ddof=1) / 2)


def test_the_likelihood_is_that_of_normals_with_chance_added() -> None:
    rng = np.random.default_rng(1)
    values, chance = rng.normal(size=(40, 3)), rng.uniform(0.1, 1, (40, 3))
    values[::3, 1] = np.nan
    fit = fit_mixture(UncertainTraits.of(values, chance), 2, rng)
    log = norm.logpdf(values[:, None, :], fit.means, np.sqrt(fit.spreads + chance)[:, None, :])
    expected = np.log(np.exp(np.nansum(log, axis=2)) @ fit.shares).sum()
    assert fit.log_likelihood == pytest.approx(expected, abs=1e-3)


def test_chance_is_taken_out_of_the_spread() -> None:
    rng = np.random.default_rng(2)
    n = 4000
    chance = rng.uniform(0.5, 4, (n, 1))
    group = rng.random(n) < 0.3
    true = np.where(group, 6.0, 0.0)[:, None] + 0.5 * rng.normal(size=(n, 1))
    fit = fit_mixture(UncertainTraits.of(true + np.sqrt(chance) * rng.normal(size=(n, 1)), chance), 2, rng)
    fit = fit.in_order(np.argsort(fit.means[:, 0]))
    assert fit.means[:, 0] == pytest.approx([0, 6], abs=0.1)
    assert fit.shares == pytest.approx([0.7, 0.3], abs=0.02)
    assert fit.spreads == pytest.approx([0.25], abs=0.1)


@pytest.mark.parametrize(
    ("shares", "apart", "lowest"),
    [
        ((0.5, 0.5), 0.0, 1.0),
        # Two normals have one peak until their means are two standard deviations apart.
        ((0.5, 0.5), 1.9, 1.0),
        ((0.5, 0.5), 4.0, 2 * np.exp(-2) / (1 + np.exp(-8))),
        ((0.99, 0.01), 2.5, 1.0),
    ],
)
def test_the_valley_between_two_groups(shares: tuple[float, float], apart: float, lowest: float) -> None:
    assert groups.valley_between(*shares, apart) == pytest.approx(lowest, abs=1e-3)


def test_people_with_cramps_nearly_every_night_are_found(
    often: tuple[Cohort, set[str]], found: groups.Grouping
) -> None:
    table = people_table(found)
    assert found.chosen is not None and len(found.chosen.mixture.shares) == 2
    second = set(table.filter(pl.col("group") == "group 2")["participant_id"])
    # At most one of them is taken for another.
    assert len(second ^ (often[1] & set(found.table.ids))) <= 1 < len(second)
    rows = phenotype_rows(often[0], found=found)
    assert rows.equals(phenotype_rows(often[0], found=grouping_of(traits_of(often[0]))))
    assert kinds.CLEAR_GROUPS.rows(rows)["estimate"].tolist() == [2]
    weekly = kinds.GROUP_PROFILE.rows(rows).set_index(["level", "term"])["estimate"]["frequency"]
    assert weekly["group 1"] < 1 and weekly["group 2"] > 4
    share = kinds.GROUP_SHARE.rows(rows)
    assert share["estimate"].sum() == pytest.approx(1) and share["n_participants"].sum() == len(found.table.ids)


def test_people_who_differ_by_degrees_form_no_groups(alike: Cohort) -> None:
    made = analyses.run("phenotypes", alike)
    assert kinds.CLEAR_GROUPS.rows(made.estimates)["estimate"].tolist() == [1]
    assert made.values["answer"].startswith("There are no clear groups among the ")
    assert {*made.tables} == {"tbl-phenotypes-tried"} and not made.figures and not made.could_not
    assert {*made.absent} == {"fig-phenotypes", "tbl-phenotypes"}
    assert made.estimated and made.unanswered is None


def test_the_section_shows_what_each_group_is_like(often: tuple[Cohort, set[str]]) -> None:
    made = analyses.run("phenotypes", often[0])
    assert {*made.tables} == {"tbl-phenotypes", "tbl-phenotypes-tried"} and {*made.figures} == {"fig-phenotypes"}
    assert "form 2 clear groups" in made.values["answer"] and "cramps a week" in made.values["profiles"]
    drawing = figures.group_profiles(made.figures["fig-phenotypes"].estimates)
    shown = [text.get_text() for text in drawing.axes[0].texts]
    assert len(shown) == 2 * len(traits_of(often[0]).known)
    printed = tables.group_profiles(made.estimates)
    assert printed.iloc[2, 1].partition(" (")[0] == shown[1]


def test_what_is_no_group_is_said_by_its_reason() -> None:
    rng = np.random.default_rng(3)
    n = 60
    values = np.column_stack([rng.normal(size=n), rng.normal(size=n)])
    table = replace(_table(values), ids=tuple(map(str, range(n))))
    assert [each.verdict for each in grouping_of(table).tried[1:]] == [groups.NO_GAIN] * 2
    values[:3] += 30
    assert groups.SMALL in {each.verdict for each in grouping_of(_table(values)).tried}


def _table(values: np.ndarray) -> groups.TraitTable:
    n = len(values)
    whole = np.column_stack([values, np.full((n, len(TRAITS) - values.shape[1]), np.nan)])
    ones = np.ones(n)
    return groups.TraitTable(tuple(map(str, range(n))), whole, np.full(whole.shape, 0.01), ones, 20 * ones, 0, 0)


def test_who_has_no_groups_looked_for(alike: Cohort) -> None:
    asked = analyses.run("phenotypes", survey_of(60, ("D",)))
    assert asked.unanswered == "Could not estimate: this is answered from a diary, and not from a survey."
    few = _table(np.random.default_rng(1).normal(size=(29, 2)))
    with pytest.raises(AnalysisError, match="29 participants have a cramp and at least 14 logged nights"):
        grouping_of(few)
    with pytest.raises(AnalysisError, match="no participant has a cramp and at least 14 logged nights"):
        grouping_of(_table(np.empty((0, 2))))
    with pytest.raises(AnalysisError, match="1 participant has a cramp and at least 14 logged nights"):
        grouping_of(_table(np.ones((1, 2))))
    with pytest.raises(AnalysisError, match="only frequency is known"):
        grouping_of(_table(np.random.default_rng(1).normal(size=(40, 1))))
    # A trait that differs by rounding alone is the same in all, and of nothing that differs there are no groups.
    rounded = np.full((40, 2), 0.1) + np.random.default_rng(2).choice([0.0, 1e-16], (40, 2))
    with pytest.raises(
        AnalysisError, match="of what cramps are like nothing that is known of half the participants differs"
    ):
        grouping_of(_table(rounded))
    # In a trait that few differ in, people who are drawn again may all be alike.
    seldom = np.column_stack([np.random.default_rng(3).normal(size=40), np.eye(40)[0]])
    assert grouping_of(_table(seldom)).tried[0].mixture.means.shape == (1, 2)
    bare = replace(alike, tables={name: of for name, of in alike.tables.items() if name != "episodes"})
    assert {*traits_of(bare).known} <= {0, 1}


def test_bounds_are_exact() -> None:
    assert bound(0, 59, upper=True) == pytest.approx(1 - 0.05 ** (1 / 59))
    assert bound(59, 59, upper=False) == pytest.approx(0.05 ** (1 / 59))


def test_calendars_show_every_night() -> None:
    nights = pd.DataFrame(
        {"participant_id": ["a", "a", "b"], "group": ["Group 1", "Group 1", "Group 2"], "night": [0, 2, 1]}
    ).assign(cramps=[0.0, 5.0, np.nan])
    mesh = figures.calendars(nights).axes[0].collections[0]
    assert np.asarray(mesh.get_array()).reshape(2, 3).tolist() == [[1, 0, 4], [0, 0, 0]]


def test_single_participants_stay_in_private_files(often: tuple[Cohort, set[str]], tmp_path: Path, run: Run) -> None:
    study = tmp_path / "study"
    package.write(often[0], study, "csv")
    who, picture = tmp_path / "who.csv", tmp_path / "nights.svg"
    code, out, err = run("phenotypes", str(study), "--out", str(who), "--calendars", str(picture))
    assert (code, "SENSITIVE" in err) == (0, True)
    assert not any(each in out for each in often[0].frame("participants")["participant_id"])
    assert [stat.S_IMODE(file.stat().st_mode) for file in (who, picture)] == [0o600, 0o600]
    assert pl.read_csv(who)["group"].n_unique() == 2 and picture.read_bytes().startswith(b"<?xml")
    code, _, err = run("phenotypes", str(study), "--calendars", str(tmp_path / "nights.doc"))
    assert code == 2 and "allowed: .png, .svg, .pdf" in err


@pytest.mark.parametrize(
    ("without", "few", "said"),
    [
        (0, 0, ""),
        (1, 0, "1 participant without a cramp is in none"),
        (0, 3, "3 participants with few logged nights are in none"),
        (2, 1, "2 participants without a cramp and 1 with few logged nights are in none"),
    ],
)
def test_who_is_in_no_group_is_counted_where_there_is_anybody(without: int, few: int, said: str) -> None:
    table = SimpleNamespace(without_cramp=without, few_nights=few)
    assert left_out(cast(Any, SimpleNamespace(table=table))) == said
