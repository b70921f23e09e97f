"""Who is in which arm of a trial before it begins: worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest
from test_treatment_designs import day, study

from crampstudy import analyses, tables
from crampstudy.analyses.sections import treatments as section
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.treatments.baseline import baseline
from crampstudy.treatments.designs import designs
from crampstudy.treatments.time_zero import time_zero

NIGHTS: dict[str, list[int | None]] = {
    # Three nights of run-in each, of which b logged two and f none.
    "a": [1, 0, 1, 0, 0],
    "b": [None, 1, 1, 1, 0],
    "c": [0, 0, 0, 0, 0],
    "d": [2, 2, 2, 1, 1],
    "e": [1, 1, 1, 1, 1],
    "f": [None, None, None, 1, 1],
}
AGES = [50.0, 60.0, 70.0, 40.0, None, 90.0]
ZERO = day(3)


def trial(arms: Sequence[str] = ("magnesium", "placebo") * 3, **columns: list[object]) -> Cohort:
    """Six people of whom each began what is named at the fourth night."""
    periods = [(who, agent, 3, 4, True) for who, agent in zip(NIGHTS, arms, strict=True)]
    zero: list[date | None] = [ZERO] * 6
    return study(NIGHTS, periods, randomised_on=zero, age_years=AGES, **columns)


def rows_of(cohort: Cohort) -> pd.DataFrame:
    return baseline(cohort, [(one, time_zero(cohort, one)) for one in designs(cohort) if one.randomised])


def pick(rows: pd.DataFrame, term: str, scale: str, population: str) -> pd.Series:
    found = rows[(rows["term"] == term) & (rows["scale"] == scale) & (rows["population"] == population)]
    assert len(found) == 1
    return found.iloc[0]


def test_arms_are_described_with_what_was_logged_before_the_treatment() -> None:
    rows = kinds.CHARACTERISTICS_BY_ARM.rows(rows_of(trial()))
    assert rows["key"].is_unique
    everybody, first, second = "randomised participants", "randomised to magnesium", "randomised to placebo"
    assert list(dict.fromkeys(rows["population"])) == [everybody, first, second]
    # Of a, c and e: 2 of 3, 0 of 3 and 3 of 3 nights, in cramps a week.
    assert pick(rows, "run_in_cramps_per_week", "mean", first)["estimate"] == pytest.approx(7 * (2 / 3 + 0 + 1) / 3)
    assert pick(rows, "run_in_nights", "mean", second)["estimate"] == pytest.approx((2 + 3 + 0) / 3)
    # f logged no night before time zero and is in the arm all the same; the age of e is not known.
    missing = [pick(rows, "run_in_cramps_per_week", "missing", name)["estimate"] for name in (everybody, first, second)]
    assert missing == [1, 0, 1]
    assert pick(rows, "age_years", "mean", first)[["estimate", "n_participants"]].tolist() == [60.0, 2]
    assert pick(rows, "age_years", "missing", everybody)[["estimate", "n_participants"]].tolist() == [1, 6]


def test_arms_differ_by_standard_deviations_the_treatment_less_the_placebo() -> None:
    apart = kinds.DIFFERENCE_BETWEEN_ARMS.rows(rows_of(trial())).set_index("term")
    first, second = np.array([50.0, 70.0]), np.array([60.0, 40.0, 90.0])
    spread = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / 2)
    assert apart.loc["age_years", "estimate"] == pytest.approx((first.mean() - second.mean()) / spread)
    assert apart.loc["age_years", ["population", "reference"]].tolist() == [
        "randomised to magnesium",
        "randomised to placebo",
    ]
    # Everybody is a woman.
    assert apart.loc["sex", "estimate"].tolist() == [0.0, 0.0]
    assert apart["p_value"].isna().all()


def test_of_three_arms_the_two_that_differ_most_are_told() -> None:
    rows = rows_of(trial(("magnesium", "tens", "placebo") * 2))
    names = list(dict.fromkeys(kinds.CHARACTERISTICS_BY_ARM.rows(rows)["population"]))
    assert names[1:3] != names[2:0:-1] and names[-1] == "randomised to placebo" and len(names) == 4
    age = kinds.DIFFERENCE_BETWEEN_ARMS.rows(rows).set_index("term").loc["age_years"]
    # b of 60 is the one with an age of those given TENS: 50 and 40, 60, 70 and 90.
    assert age["population"] == "randomised to magnesium" and age["reference"] == "randomised to placebo"
    assert age["estimate"] == pytest.approx((45 - 80) / np.sqrt((50 + 200) / 2))


def test_the_table_has_numbers_of_each_arm_and_no_p_values() -> None:
    table = tables.table_of_arms(rows_of(trial()))
    assert table.columns.tolist() == ["All (N = 6)", "Magnesium (N = 3)", "Placebo (N = 3)", "Missing", "SMD"]
    stubs = table.droplevel(0)
    assert stubs.index[0] == "Cramps a week in the run-in, mean (SD)" and table.index[0][0] == "Run-in"
    assert stubs.loc["Age (years), mean (SD)", "Missing"] == "1"
    # All six are women, which the note says in the place of a row.
    assert not any(str(stub).startswith("Sex") for stub in stubs.index)
    said = tables.what_cells_say(kinds.CHARACTERISTICS_BY_ARM.rows(rows_of(trial())))
    assert said.endswith("Without a row, as everybody is alike: sex (female). ")
    assert not any(str(name).lower() == "p" or "p-value" in str(name) for name in table.columns)


def test_in_turns_an_arm_is_what_came_first_and_alternating_periods_have_none() -> None:
    turns = [
        (who, agent, start, start + 1, True)
        for who, order in zip("abcd", (("tens", "placebo"), ("placebo", "tens")) * 2, strict=True)
        for agent, start in zip(order, (1, 3), strict=True)
    ]
    four = {who: NIGHTS[who] for who in "abcd"}
    table = tables.table_of_arms(rows_of(study(four, turns)))
    assert table.columns.tolist()[:3] == ["All (N = 4)", "TENS first (N = 2)", "Placebo first (N = 2)"]
    days = [
        (who, agent, start, start, True) for who in "abcd" for start, agent in enumerate(("tens", "placebo") * 2, 1)
    ]
    assert rows_of(study(four, days)).empty


def test_the_section_shows_it_of_a_trial_alone() -> None:
    found = analyses.run("treatments", trial())
    table = found.tables[section.ARMS]
    assert "no p-values" in str(table.note) and "the first arm less the second" in str(table.note)
    assert found.values["arms"].startswith("The largest standardised mean difference between arms is ")
    openly = study(NIGHTS, [("a", "magnesium", 3, None, False)])
    none = analyses.run("treatments", openly)
    assert section.ARMS in none.absent and none.values["arms"] == ""
