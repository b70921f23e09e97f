"""Time to relief by group as tidy rows, and their figure."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.drawn_figures import drawn

from crampstudy import estimates
from crampstudy.cohort import Cohort
from crampstudy.descriptive.single_cramps import relief as described
from crampstudy.descriptive.single_cramps.relief import ReliefOptions, relief_account
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.figures import survival
from crampstudy.simulate import simulate
from crampstudy.sources import open_cohort

CURVE, MEDIAN, MEAN, AT_RISK = (
    kind.name for kind in (kinds.RELIEF_CURVE, kinds.MEDIAN_RELIEF, kinds.MEAN_RELIEF, kinds.AT_RISK)
)

NIGHT = date(2024, 3, 1)


def relief(cohort: Cohort, by: str = "remedy", where: str | None = None, **options: Any) -> list[dict[str, Any]]:
    return described.relief(cohort, by, where=where, options=ReliefOptions(**options))


def made_of(rows: list[tuple[str, str | None, float | None, float | None]]) -> Cohort:
    """A cohort of episodes: participant, remedy, relief_s, or until when relief had not come."""
    who = list(dict.fromkeys(person for person, *_ in rows))
    people = {"participant_id": who, "age_years": [66.0] * len(who), "sex": ["female"] * len(who)}
    diary = {"participant_id": who, "date": [NIGHT] * len(who), "cramps": [9] * len(who)}
    episodes = {
        "participant_id": [person for person, *_ in rows],
        "date": [NIGHT] * len(rows),
        "remedy": pl.Series([remedy for _, remedy, *_ in rows], dtype=pl.String),
        "relief_s": pl.Series([came if came is not None else so_long for *_, came, so_long in rows], dtype=pl.Float64),
        "relieved": [came is not None or so_long is None for *_, came, so_long in rows],
    }
    number = pl.int_range(1, pl.len() + 1).over("participant_id")
    tables = {
        "participants": pl.DataFrame(people),
        "diary": pl.DataFrame(diary),
        "episodes": pl.DataFrame(episodes).with_columns(episode=number),
    }
    return Cohort("x", "diary", tables)


SIX = [("a", 2.0, None), ("b", 3.0, None), ("c", None, 3.0), ("d", 5.0, None), ("e", None, 7.0), ("f", 8.0, None)]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return estimates.frame(relief(simulate(60, 40, seed=3), horizon=600))


def of(found: list[dict[str, Any]], analysis: str) -> pd.DataFrame:
    table = estimates.frame(found)
    return table[table["analysis"] == analysis]


def test_six_episodes_by_hand() -> None:
    cohort = made_of([(who, "heat", seconds, ends) for who, seconds, ends in SIX])
    found = relief(cohort, covariance="model", horizon=6)
    curve = of(found, CURVE)
    assert curve["level"].tolist() == ["2", "3", "5", "8"]
    assert curve["estimate"].to_numpy() == pytest.approx([5 / 6, 2 / 3, 4 / 9, 0])
    assert curve["status"].tolist() == ["converged", "converged", "converged", "boundary"]
    assert curve["std_error"].iloc[0] == pytest.approx(math.sqrt(1 / 30) / math.log(6 / 5))
    assert of(found, MEDIAN)["estimate"].tolist() == [5]
    assert of(found, MEAN)["estimate"].tolist() == pytest.approx([2 + 5 / 6 + 4 / 3 + 4 / 9])
    risk = of(found, AT_RISK).set_index("level")
    assert risk["estimate"].to_dict() == {"0": 6, "2": 6, "4": 3, "6": 2, "8": 1}
    assert risk.loc["4", "n_events"] == 2
    assert estimates.frame(found)["key"].is_unique


def test_a_curve_at_given_times_and_beyond_the_data() -> None:
    cohort = made_of([(who, "heat", seconds if who != "f" else None, ends or 8) for who, seconds, ends in SIX])
    curve = of(relief(cohort, times=(1, 4, 8, 9)), CURVE).set_index("level")
    assert curve.loc["1", "estimate"] == 1
    assert curve.loc["1", "status"] == "boundary"
    assert curve.loc["4", "estimate"] == pytest.approx(2 / 3)
    assert curve.loc["8", "estimate"] == pytest.approx(4 / 9)
    assert curve.loc["9", "status"] == "not_estimable"
    assert "so long" in curve.loc["9", "note"]


def test_relief_that_was_not_noted_does_not_lengthen_the_times() -> None:
    # True median 41.4 s (0.69 min). Whoever took long to use the remedy noted no relief: the cramp lasted longer, but
    # relief after the remedy took no longer. With the cramp's length in its place the median would be above a minute.
    rng = np.random.default_rng(7)
    n, people = 4000, 80
    seconds, delay = np.ceil(41.4 * np.exp(rng.normal(0, 0.8, n))), np.ceil(rng.gamma(2, 60, n))
    noted = delay < np.quantile(delay, 0.55)
    rows: list[tuple[str, str | None, float | None, float | None]] = [
        (f"p{k % people:02}", "heat", float(s) if seen else None, None)
        for k, (s, seen) in enumerate(zip(seconds, noted, strict=True))
    ]
    cohort = made_of(rows)
    lengths = cohort.frame("episodes").with_columns(duration_s=pl.Series(seconds + delay))
    cohort = Cohort("x", "diary", {**cohort.tables, "episodes": lengths})
    found = of(relief(cohort), MEDIAN).iloc[0]
    assert found["ci_low"] < 41.4 < found["ci_high"] and found["estimate"] == pytest.approx(41.4, abs=2.5)
    blank = int((~noted).sum())
    assert found["n_events"] == n - blank
    assert found["note"] == f"{blank:,} cramps left out, without a time to relief"
    counts = dict(relief_account(cohort, "remedy").left_out)
    assert counts["without a time to relief"] == blank
    # Nothing is censored, so that the curve ends where the last one was relieved.
    assert of(relief(cohort), CURVE)["estimate"].iloc[-1] == 0


def test_relief_that_had_not_come_is_read_from_a_file(tmp_path: Path) -> None:
    cohort = tmp_path / "cohort"
    cohort.mkdir()
    (cohort / "participants.csv").write_text("participant_id,age_years,sex\na,66,female\nb,70,male\n", encoding="utf-8")
    (cohort / "diary.csv").write_text("participant_id,date,cramps\na,2024-03-01,2\nb,2024-03-01,2\n", encoding="utf-8")
    (cohort / "episodes.csv").write_text(
        "participant_id,date,episode,remedy,duration_s,relief_s,relieved\n"
        "a,2024-03-01,1,heat,90,60,true\n"
        "a,2024-03-01,2,heat,600,,\n"
        "b,2024-03-01,1,heat,400,300,false\n"
        "b,2024-03-01,2,heat,500,,false\n",
        encoding="utf-8",
    )
    curve = of(relief(open_cohort(cohort)), CURVE)
    assert (curve["level"].tolist(), curve["estimate"].tolist()) == (["60", "300"], [0.5, 0.5])
    assert curve["n_events"].tolist() == [1, 1]
    assert "2 cramps left out, without a time to relief" in curve["note"].iloc[0]


def test_participants_are_the_clusters_and_few_are_said_so() -> None:
    once = [(who, "heat", float(seconds), None) for who, seconds in zip("abcdefgh", range(1, 9), strict=True)]
    single, twice = of(relief(made_of(once)), CURVE), of(relief(made_of(once * 2)), CURVE)
    assert twice["std_error"].to_numpy()[:-1] == pytest.approx(single["std_error"].to_numpy()[:-1])
    assert set(twice["df"].dropna()) == {7}
    assert twice["n_participants"].unique().tolist() == [8]
    assert twice["n_events"].unique().tolist() == [16]
    assert "fewer than 10 participants" in twice["note"].iloc[0]


def test_what_cannot_be_estimated_has_a_reason() -> None:
    alone = [("a", "cold", 4.0, None), ("a", "cold", 9.0, None)]
    slow = [(who, "heat", 4.0 if who == "b" else None, 5.0) for who in "bcdef"]
    lost = [("b", None, 4.0, None), ("c", "heat", None, None)]
    found = relief(made_of([*alone, *slow, *lost]), horizon=30)
    medians, means = of(found, MEDIAN).set_index("level"), of(found, MEAN).set_index("level")
    assert "half were not relieved" in medians.loc["heat", "note"]
    assert "nobody was observed for 30 s" in means.loc["heat", "note"]
    assert medians.loc["heat", "status"] == means.loc["heat", "status"] == "not_estimable"
    assert pd.isna(medians.loc["heat", "estimate"])
    said = "1 cramp left out, without a time to relief; 1 cramp left out, without remedy"
    assert said in medians.loc["heat", "note"]
    # Neither the curve of one participant nor what follows from it is shown.
    cold = [row for row in found if row["population"] == "cold" and row["scale"] != "count"]
    assert {(row["status"], row["estimate"], row["note"]) for row in cold} == {
        ("not_estimable", None, "rests on one participant")
    }


def test_every_remedy_in_the_order_of_the_codebook(rows: pd.DataFrame) -> None:
    levels = rows[rows["analysis"] == MEDIAN]["level"].tolist()
    order = ["none", "stretch", "heat", "cold", "menthol", "capsaicin", "other"]
    assert levels == [level for level in order if level in levels]
    assert len(levels) >= 4
    curve = rows[(rows["analysis"] == CURVE) & (rows["population"] == "stretch")]
    assert (np.diff(curve["estimate"]) <= 0).all()
    inside = curve.dropna(subset="ci_low")
    assert (inside["ci_low"] < inside["estimate"]).all()
    assert (inside["estimate"] < inside["ci_high"]).all()
    assert rows["key"].is_unique


def test_other_groups_and_a_condition() -> None:
    cohort = simulate(40, 30, seed=6)
    by_sex = of(relief(cohort, "sex", where="remedy = 'stretch'"), MEDIAN)
    assert by_sex["level"].tolist() == ["female", "male"]
    assert by_sex["population"].tolist() == [f"{sex}, remedy = 'stretch'" for sex in ("female", "male")]
    stretched = cohort.frame("episodes").filter(pl.col("remedy") == "stretch").height
    assert by_sex["n_events"].sum() == stretched
    assert of(relief(cohort, "woke"), MEDIAN)["level"].tolist() == ["false", "true"]
    assert len(of(relief(cohort, "age_band"), MEDIAN)) > 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"by": "pain_0_10"}, "level or yes/no"),
        ({"by": "nonsense"}, "level or yes/no"),
        ({"ci_level": 1.0}, "confidence level"),
        ({"horizon": 0.0}, "horizon"),
        ({"covariance": "cluster-small"}, "no covariance cluster-small"),
    ],
)
def test_what_is_not_allowed_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        relief(made_of([("a", "heat", 1.0, 2.0), ("b", "heat", 1.0, 2.0)]), **options)


@pytest.fixture
def strict() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@pytest.mark.usefixtures("strict")
def test_the_figure_draws_the_steps_of_the_rows(rows: pd.DataFrame) -> None:
    figure = survival.relief(rows)
    texts = drawn(figure)
    assert {"Remedy", "stretching", "no remedy", "heat", "Share without relief", "Time since the remedy (min)"} <= set(
        texts
    )
    line = next(line for line in figure.axes[0].lines if line.get_label() == "stretching")
    curve = rows[(rows["analysis"] == CURVE) & (rows["population"] == "stretch")]
    assert list(line.get_ydata()) == [1.0, *curve["estimate"]]
    assert np.asarray(line.get_xdata()) * 60 == pytest.approx([0.0, *curve["level"].astype(float)])
    at_start = rows[(rows["analysis"] == AT_RISK) & (rows["level"] == "0")]
    assert {f"{number:.0f}" for number in at_start["estimate"]} <= set(texts)
    # Too many curves for their intervals to be told apart.
    assert not figure.axes[0].collections


@pytest.mark.usefixtures("strict")
def test_few_curves_have_their_intervals_and_short_ones_seconds() -> None:
    cohort = made_of([(who, "heat", seconds, ends) for who, seconds, ends in SIX])
    figure = survival.relief(estimates.frame(relief(cohort)))
    assert "Time since the remedy (s)" in drawn(figure)
    assert len(figure.axes[0].collections) == 1


@pytest.mark.usefixtures("strict")
def test_a_figure_without_a_curve_says_why() -> None:
    rows = estimates.frame(relief(made_of([("a", "cold", 4.0, None)])))
    assert "Could not estimate: rests on one participant" in " ".join(" ".join(drawn(survival.relief(rows))).split())
    empty = survival.relief(rows[rows["analysis"] == AT_RISK])
    assert "no episode has a time to relief" in " ".join(" ".join(drawn(empty)).split())
