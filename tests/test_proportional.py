"""Whether one ratio will do, from the cohort to the verdict."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from crampstudy.checks import Check, check
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.models.classes import proportionality
from crampstudy.models.surveys import survey_ordinal
from crampstudy.models.surveys.sampling import SamplingDesign
from crampstudy.models.times.cox import Times, cox
from crampstudy.models.times.cox import proportionality as over_time
from crampstudy.nights import event_times

START = date(2024, 3, 1)
LOWS, LABELS = (0, 1, 2, 5, 16), ("0", "1", "2-4", "5-15", "16+")


def classes(rng: np.random.Generator, x: np.ndarray, wrong: bool) -> np.ndarray:
    """Draw classes 0..3: the log odds of a higher one are 0.5 higher where x is 1, or, if ``wrong``, 2 to -1 higher."""
    slopes = np.array([2.0, 0.5, -1.0]) if wrong else np.full(3, 0.5)
    above = 1 / (1 + np.exp(np.array([-1.5, 0.0, 1.5]) - x[:, None] * slopes))
    # Thresholds apart enough for the odds never to cross: a higher class is always rarer.
    assert (np.diff(above, axis=1) < 0).all()
    found: np.ndarray = (rng.random(len(x))[:, None] < above).sum(axis=1)
    return found


def diary(wrong: bool, seed: int = 4, n: int = 120, each: int = 6) -> Cohort:
    """Cramps whose pain and relief differ between the sexes by one ratio each, or, if ``wrong``, by none."""
    rng = np.random.default_rng(seed)
    female = np.arange(n) % 2 == 1
    names = [f"p{i:03}" for i in range(n)]
    who = np.repeat(np.arange(n), each)
    x = female[who].astype(float)
    shape = np.where(x == 1, 0.6, 1.8) if wrong else np.ones(len(x))
    people = {
        "participant_id": names,
        "age_years": 5.0 * rng.integers(5, 17, n),
        "sex": np.where(female, "female", "male"),
    }
    nights = {"participant_id": names, "date": [START] * n, "cramps": pl.Series([each] * n, dtype=pl.Int64)}
    episodes = {
        "participant_id": [names[i] for i in who],
        "date": [START] * len(who),
        "episode": list(range(1, each + 1)) * n,
        "pain_0_10": np.array([2.0, 4.0, 6.0, 9.0])[classes(rng, x, wrong)],
        "relief_s": np.ceil(100 * rng.weibull(shape) * np.exp(-0.3 * x)),
    }
    tables = {"participants": people, "diary": nights, "episodes": episodes}
    return Cohort("made", "diary", {name: pl.DataFrame(table) for name, table in tables.items()}, synthetic=True)


def asked(wrong: bool, seed: int = 4, n: int = 2000) -> Cohort:
    rng = np.random.default_rng(seed)
    female = rng.random(n) < 0.5
    people = pl.DataFrame(
        {
            "participant_id": [str(i) for i in range(n)],
            "age_years": 5.0 * rng.integers(4, 17, n),
            "sex": np.where(female, "female", "male"),
            "weight_interview": rng.gamma(4, 1000, n),
            "stratum": np.repeat(np.arange(20), n // 20),
            "psu": np.tile(np.repeat([1, 2], n // 40), 20),
            "recalled_low": np.array(LOWS)[classes(rng, female.astype(float), wrong)],
        }
    )
    design = SurveyDesign(("D",), {"interview": "weight_interview"})
    return Cohort("asked", "survey", {"participants": people}, design, as_of=date(2006, 12, 31), synthetic=True)


def run(cohort: Cohort, model: str, terms: str = "age_decade + sex", **more: Any) -> Check:
    (made,) = check(cohort, model=model, terms=terms, rng=np.random.default_rng(1), **more)
    assert made.name == "proportionality"
    return made


@pytest.mark.parametrize("covariance", ["cluster", "model"])
@pytest.mark.parametrize("model", ["ordinal", "cox"])
def test_of_a_diary_it_fails_where_one_ratio_will_not_do(model: str, covariance: Any) -> None:
    sound, wrong = (run(diary(flaw), model, covariance=covariance) for flaw in (False, True))
    assert (sound.verdict, wrong.verdict) == ("passed", "failed")
    for made in (sound, wrong):
        assert made.table["column"].tolist() == ["all columns", "age_decade", "sex = female"]
    assert wrong.table["p_value"].iloc[0] < 1e-6 and wrong.table["p_value"].iloc[2] < 1e-6
    assert wrong.table["p_value"].iloc[1] > 0.01
    assert "most of all sex = female (p < 0.001): the one shown is their average" in wrong.text
    text = {"ordinal": "One odds ratio does for all classes (p = ", "cox": "One hazard ratio does for all of the time"}
    assert sound.text.startswith(text[model])


def test_of_a_survey_it_fails_where_one_ratio_will_not_do() -> None:
    sound, wrong = (run(asked(flaw), "survey-ordinal") for flaw in (False, True))
    assert (sound.verdict, wrong.verdict) == ("passed", "failed")
    assert wrong.table["column"].tolist() == ["all columns", "age_decade", "sex = female"]
    assert wrong.table["p_value"].iloc[2] < 1e-4 and wrong.table["p_value"].iloc[1] > 0.01


def test_of_gaps_it_passes_where_nothing_changes() -> None:
    rng = np.random.default_rng(3)
    n, nights = 60, 40
    female = np.arange(n) % 2 == 1
    chance = np.where(female, 0.35, 0.25)[:, None]
    tables = {
        "participants": pl.DataFrame(
            {
                "participant_id": [f"p{i:03}" for i in range(n)],
                "age_years": [66.0] * n,
                "sex": np.where(female, "female", "male"),
            }
        ),
        "diary": pl.DataFrame(
            {
                "participant_id": np.repeat([f"p{i:03}" for i in range(n)], nights),
                "date": [START + timedelta(days=k) for k in range(nights)] * n,
                "cramps": (rng.random((n, nights)) < chance).astype(np.int64).ravel(),
            }
        ),
    }
    made = run(Cohort("made", "diary", tables), "cox", "sex", outcome="gap")
    assert made.passed
    # A column by itself is all columns.
    assert made.table["p_value"].iloc[0] == pytest.approx(made.table["p_value"].iloc[1])


def columns_of(frame: pl.DataFrame) -> np.ndarray:
    return np.column_stack([(frame["age_years"] - 60) / 10, (frame["sex"] == "female").cast(pl.Float64)])


def test_the_numbers_are_those_of_the_engines() -> None:
    made = diary(wrong=True)
    names, who = ("age", "sex"), np.repeat(np.arange(120), 6)
    pain = event_times.episodes(made)
    codes = np.searchsorted([2.0, 4.0, 6.0, 9.0], pain["pain_0_10"].to_numpy()).astype(float)
    levels = ("2", "4", "6", "9")
    for kind, groups in (("cluster", who), ("model", None)):
        table = run(made, "ordinal", covariance=kind).table
        direct = proportionality.brant(columns_of(pain), codes, levels=levels, names=names, groups=groups)
        assert table["statistic"].tolist() == pytest.approx([test.statistic for test in direct], rel=1e-9)
        assert table["p_value"].tolist() == pytest.approx([test.p_value for test in direct], rel=1e-9)
        assert table["df"].tolist() == [4, 2, 2]
    times = event_times.relief_times(made).frame
    event = times["event"].to_numpy()
    x, stop = columns_of(times), times["time"].to_numpy()
    for kind in ("cluster", "model"):
        table = run(made, "cox", covariance=kind).table
        expected = over_time(cox(x, stop, event), x, Times(stop, event), groups=who, kind=kind)  # type: ignore[arg-type]
        assert table["statistic"].tolist() == pytest.approx(expected.statistic[[2, 0, 1]].tolist(), rel=1e-9)
        assert table["p_value"].tolist() == pytest.approx(expected.p_value[[2, 0, 1]].tolist(), rel=1e-9)
    recalled = asked(wrong=True, n=400)
    people = recalled.frame("participants")
    design = SamplingDesign.of(people["stratum"], people["psu"], people["weight_interview"].to_numpy())
    answers = np.searchsorted(LOWS, people["recalled_low"].to_numpy()).astype(float)
    older = (people["age_years"] >= 40).to_numpy()
    tests = survey_ordinal.brant(answers, columns_of(people), names, older, design, LABELS[:4])
    table = run(recalled, "survey-ordinal", where="age_years >= 40").table
    assert table["statistic"].tolist() == pytest.approx([test.statistic for test in tests], rel=1e-9)
    # An F of q slopes loses q - 1 of the design's 20 degrees of freedom.
    assert table["df_residual"].tolist() == [test.df_residual for test in tests] == [17, 19, 19]


def only(cohort: Cohort, *scores: float) -> Cohort:
    episodes = cohort.frame("episodes").filter(pl.col("pain_0_10").is_in(scores))
    return Cohort("made", "diary", {**cohort.tables, "episodes": episodes})


def test_what_cannot_be_compared_is_not_made() -> None:
    made = diary(wrong=False)
    two = run(only(made, 2.0, 4.0), "ordinal")
    assert (two.verdict, two.reason) == ("not made", "with fewer than three classes there is nothing to compare")
    assert two.table.empty and two.text == f"Not checked: {two.reason}."
    people = asked(wrong=False).frame("participants")
    lows = asked(wrong=False)
    yes_or_no = people.with_columns(recalled_low=pl.col("recalled_low").clip(0, 1))
    answers = Cohort("asked", "survey", {"participants": yes_or_no}, lows.design, as_of=lows.as_of)
    assert run(answers, "survey-ordinal").reason == two.reason
    assert run(made, "cox", where="age_years > 110").reason == "there are no cramps complete on the terms"
    never = made.frame("episodes").with_columns(relieved=pl.lit(value=False))
    unrelieved = Cohort("made", "diary", {**made.tables, "episodes": never})
    assert run(unrelieved, "cox").reason == "no event"


def test_arguments_are_checked_as_those_of_a_fit() -> None:
    for model in ("ordinal", "cox"):
        with pytest.raises(UsageError, match=f"{model} has no covariance cluster-small"):
            run(diary(wrong=False, n=10), model, covariance="cluster-small")
        with pytest.raises(UsageError, match="is a survey"):
            run(asked(wrong=False, n=200), model)
    with pytest.raises(UsageError, match="there are no checks of interval-count"):
        check(asked(wrong=False, n=200), model="interval-count", terms="sex", rng=np.random.default_rng(1))
    with pytest.raises(UsageError, match="survey-ordinal needs a survey cohort"):
        run(diary(wrong=False, n=10), "survey-ordinal")


def test_zero_terms_are_refused_as_by_a_fit() -> None:
    with pytest.raises(UsageError, match="cox has no zero part"):
        run(diary(wrong=False, n=10), "cox", zero_terms="sex")
