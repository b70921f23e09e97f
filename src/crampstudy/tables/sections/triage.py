"""Red flags by age, how steady they are, and what tests found beside them."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import by_group, of_fewer, of_group, people_of, with_level
from crampstudy.tables.table import table_of_rows

_WEEKS = "evaluable weeks"


@table_of_rows
def red_flags(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how common each red flag is by age group, of weeks and of people in per cent, a column each."""
    rows = kinds.RED_FLAG.rows(estimates)
    rows = rows[rows["status"] != "not_measured"].assign(row=lambda each: each["population"].map(of_group))
    columns = {"Participants": people_of(rows)}
    for level, own in rows.groupby("level", sort=False):
        heading = wording.capital(wording.level(str(level)))
        if level == _WEEKS:
            columns[heading] = pd.Series(wording.counts(own, "n_events").tolist(), index=own["row"])
            continue
        texts = [estimate(row) for row in wording.records(own)]
        columns[with_level(f"{heading}, % (95% CI)", own)] = pd.Series(texts, index=own["row"])
    made = pd.DataFrame(columns).loc[list(dict.fromkeys(rows["row"]))].fillna(wording.DASH)
    made.index.name = by_group(made.index)
    return made


def flags_of_fewer(estimates: pd.DataFrame) -> list[str]:
    """Return which columns of :func:`red_flags` are of fewer participants than its lines say, and of how many."""
    rows = kinds.RED_FLAG.rows(estimates)
    # Of the weeks it is the people who have any that a line counts, of whom a flag need not be known.
    return of_fewer(rows[rows["level"] != _WEEKS], lambda row: wording.level(str(row["level"])), rows)


@table_of_rows
def flag_stability(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how steady more than 2 cramps a week are, in per cent of weeks or of people."""
    return _a_row_each(kinds.FLAG_STABILITY.rows(estimates), "More than 2 cramps a week", "With it", with_unit=True)


@table_of_rows
def test_results(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return of each test the share of results out of the ordinary with and without a flag that suggests it."""
    rows = kinds.TEST_RESULT.rows(estimates)
    rows = rows[rows["status"] != "not_measured"]
    labels = [f"{wording.capital(str(row['term']))}: {row['level']}" for row in wording.records(rows)]
    return _a_row_each(rows.assign(level=labels), "Test and people", "Out of the ordinary", with_unit=False)


def _a_row_each(rows: pd.DataFrame, stub: str, counted: str, *, with_unit: bool) -> pd.DataFrame:
    made = pd.DataFrame({"Participants": wording.counts(rows, "n_participants")})
    made[counted] = wording.counts(rows, "n_events")
    if with_unit:
        made["Of"] = [str(unit).removeprefix("share of ") for unit in rows["unit"]]
    made[with_level("% (95% CI)", rows)] = [estimate(row) for row in wording.records(rows)]
    made.index = pd.Index(rows["level"].map(lambda level: wording.capital(str(level))), name=stub)
    return made
