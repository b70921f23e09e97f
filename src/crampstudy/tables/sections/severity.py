"""What cramps are like, when they begin, and what each remedy goes with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import group
from crampstudy.estimates.sentences import estimate
from crampstudy.estimates.verdicts import DIFFERENCE
from crampstudy.tables.headings import of_fewer, of_group, with_level
from crampstudy.tables.table import as_table, table_of_rows

_ALL = "all"
_UNITS = {"proportion": "%", "median": "min", "centile_90": "min", "mean": "points of 10"}
_DAY_MIN = 24 * 60


@table_of_rows
def cramp_features(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what the cramps of all participants are like, a row each: cramps, participants, number."""
    rows = kinds.FEATURE.rows(estimates)
    rows = rows[rows["population"].map(group).eq(_ALL) & (rows["status"] != "not_measured")]
    made = pd.DataFrame(
        {
            "Participants": wording.counts(rows, "n_participants"),
            "Cramps with it": wording.counts(rows, "n_events"),
            "Unit": rows["scale"].map(_UNITS),
            with_level("Estimate (95% CI)", rows): [estimate(row) for row in wording.records(rows)],
        }
    )
    made.index = pd.Index([_feature(row) for row in wording.records(rows)], name="Cramps")
    return made


@as_table
def cramp_features_by_age(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what cramps are like by age band, a column each."""
    rows = kinds.FEATURE.rows(estimates)
    # A band of few people has one row, which says so.
    rows = rows[(rows["status"] != "not_measured") & rows["term"].ne("age_band")].assign(
        row=lambda each: each["population"].map(of_group)
    )
    columns: dict[str, Any] = {
        "Participants": rows.groupby("row", sort=False)["n_participants"].max().map(wording.count)
    }
    for (_, _), own in rows.groupby(["term", "level"], sort=False):
        first = wording.records(own)[0]
        heading = with_level(f"{_feature(first)}, {_UNITS[first['scale']]} (95% CI)", own)
        columns[heading] = pd.Series([estimate(row) for row in wording.records(own)], index=own["row"])
    # What sums the bands up stands below them.
    stubs = sorted(dict.fromkeys(rows["row"]), key=lambda stub: stub == _ALL)
    made = pd.DataFrame(columns).loc[stubs].rename(index={_ALL: "All"})
    made.index.name = "Age (years)"
    return made


def features_of_fewer(estimates: pd.DataFrame) -> list[str]:
    """Return which columns of :func:`cramp_features_by_age` are of fewer participants than its lines say."""
    return of_fewer(kinds.FEATURE.rows(estimates), lambda row: _feature(row).replace(": ", ", "))


@table_of_rows
def onset(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the hour around which cramps begin, and the share that begins in each hour in per cent."""
    hours, means = kinds.ONSET.rows(estimates), kinds.MEAN_ONSET.rows(estimates)
    rows = pd.concat([means[means["status"] != "not_measured"], hours])
    every = wording.records(rows)
    made = pd.DataFrame(
        {
            "Participants": wording.counts(rows, "n_participants"),
            "Cramps": wording.counts(rows, "n_events"),
            with_level("Estimate (95% CI)", rows): [
                clock(row) if row["scale"] == "clock_hour" else f"{estimate(row)}%" for row in every
            ],
        }
    )
    made.index = pd.Index(["Mean onset" if pd.isna(row["level"]) else row["level"] for row in every], name="Onset")
    return made


def clock(row: Mapping[str, Any]) -> str:
    """Return an hour of the clock with its interval: ``03:30 (03:05–03:54)``."""
    if pd.isna(row["estimate"]):
        return wording.estimate(row)
    middle, low, high = (_time(row[name]) for name in ("estimate", "ci_low", "ci_high"))
    return middle if pd.isna(row["ci_low"]) else f"{middle} ({low}{wording.DASH}{high})"


def _time(hour: float) -> str:
    minutes = 0 if pd.isna(hour) else round(hour * 60) % _DAY_MIN
    return f"{minutes // 60:02}:{minutes % 60:02}"


@table_of_rows
def remedies(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return each remedy against none within participants, and at equal pain of the cramp, by outcome."""
    plain, adjusted = kinds.REMEDY.rows(estimates), kinds.REMEDY_AT_EQUAL_PAIN.rows(estimates)
    plain = plain[plain["status"] != "not_measured"]
    equal = {(row["outcome"], row["level"]): estimate(row) for row in wording.records(adjusted)}
    every = wording.records(plain)
    made = pd.DataFrame(
        {
            "Measure": [_measure(row) for row in every],
            "Participants with it": wording.counts(plain, "n_exposed").tolist(),
            with_level("Against none (95% CI)", plain): [estimate(row) for row in every],
            with_level("At equal pain (95% CI)", plain): [
                equal.get((row["outcome"], row["level"]), wording.DASH) for row in every
            ],
            "Verdict": [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in every],
        }
    )
    made.index = pd.Index([_against(row) for row in every], name="Outcome and remedy")
    return made


def _measure(row: Mapping[str, Any]) -> str:
    return "points of 10" if row["scale"] == DIFFERENCE else str(row["scale"]).replace("_", " ")


def _against(row: Mapping[str, Any]) -> str:
    outcome = wording.outcome(str(row["outcome"]))
    return outcome if pd.isna(row["level"]) else f"{outcome}: {wording.remedy(str(row['level']))}"


def _feature(row: Mapping[str, Any]) -> str:
    name = wording.term(str(row["term"]))
    return name if row["level"] == "true" else f"{name}: {wording.level(str(row['level']))}"
