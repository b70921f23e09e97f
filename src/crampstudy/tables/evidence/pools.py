"""Published trials in one unit, what they come to together, and what that rests on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates.facts import fact
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import with_level
from crampstudy.tables.remarks import notes
from crampstudy.tables.table import PrintedTable, as_table, table_of_rows

_DIFFERENCE = "Difference (95% CI)"
_OF_TRIALS = (kinds.TRIAL, kinds.COHORT_TRIAL, kinds.PUBLISHED_POOL)
_SPREAD = (kinds.HETEROGENEITY, kinds.ASYMMETRY, kinds.HIGH_RISK)
_RESTS_ON = (kinds.WITHOUT, kinds.CUMULATIVE, kinds.SUBGROUP, kinds.MODERATOR)
_BELOW = "Differences are in cramps a week; below 0 there are fewer with the treatment."
_SHARES = ("probability", "weight", "i2", "r2")
"""Scales that are printed in per cent, and whose changes are in percentage points."""
_NAMES = {"tau2": "τ²", "I2": "I²", "Q": "Q"}


@table_of_rows
def trials(estimates: pd.DataFrame) -> PrintedTable:
    """Return each trial with its difference in cramps a week, weight and risk of bias; published pools last."""
    rows = pd.concat([kind.rows(estimates) for kind in _OF_TRIALS])
    weights = kinds.WEIGHT.rows(estimates)
    by_trial = dict(zip(_keys(weights), weights["estimate"], strict=True))
    made = pd.DataFrame(
        {
            "Participants": wording.counts(rows, "n_participants"),
            "Against": rows["reference"].fillna(wording.DASH),
            with_level(_DIFFERENCE, rows): [_number(each) for each in wording.records(rows)],
            "Weight": [_weight(by_trial.get(key)) for key in _keys(rows)],
            "Risk of bias": [fact(each, "risk of bias") or wording.DASH for each in wording.records(rows)],
        }
    )
    made.index = pd.MultiIndex.from_arrays([_groups(rows), rows["level"]], names=["", "Study"])
    published = rows[rows["note"].notna() & rows["analysis"].ne(kinds.COHORT_TRIAL.name)]
    said = [f"{each['level']}: {_told(each['note'])}." for each in wording.records(published)]
    own = kinds.COHORT_TRIAL.rows(estimates)
    of_cohort = [f"{level}: {notes(own.assign(verdict=None))}" for level in own["level"].unique()]
    return PrintedTable.of(made, notes=[_BELOW, *said, *of_cohort])


@table_of_rows
def pooled(estimates: pd.DataFrame) -> PrintedTable:
    """Return the pooled difference by each interval and estimator, how trials vary, and where the next one may lie."""
    order = (kinds.POOLED, kinds.PREDICTION, kinds.BEYOND, kinds.PLACE, *_SPREAD)
    rows = pd.concat([kind.rows(estimates) for kind in order])
    made = _by_row(rows, lambda each: f"{_what(each)}, {_model(each)}" if _model(each) else _what(each))
    return PrintedTable.of(made, notes=[_BELOW, *_why(rows), notes(rows[rows["verdict"].notna()].assign(note=None))])


@table_of_rows
def sensitivity(estimates: pd.DataFrame) -> PrintedTable:
    """Return the pool without each trial, over the years, by subgroup, and the slope on a number of the trials."""
    rows = pd.concat([kind.rows(estimates) for kind in _RESTS_ON])
    made = _by_row(rows, lambda each: wording.capital(str(each["level"])))
    return PrintedTable.of(made, notes=[_BELOW, *_why(rows)])


@as_table
def moved(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    """Return what a pool was before more trials were added and what it is with them, side by side."""
    names = [kinds.POOLED, kinds.PREDICTION, kinds.BEYOND, kinds.HETEROGENEITY]
    sides = []
    for rows in (before, after):
        own = pd.concat([kind.rows(rows) for kind in names])
        own = own[own["model"].fillna("").str.endswith("REML") | own["model"].isna()]
        sides.append(
            {(group, _what(each)): each for group, each in zip(_groups(own), wording.records(own), strict=True)}
        )
    keys = list(dict.fromkeys([*sides[1], *sides[0]]))
    cells = {
        head: [_side(side[key]) if key in side else wording.DASH for key in keys]
        for head, side in zip(("Before", "After"), sides, strict=True)
    }
    shifts = [_shift(sides[0].get(key), sides[1].get(key)) for key in keys]
    verdicts = [" → ".join(dict.fromkeys(_verdict(side.get(key)) for side in sides)) for key in keys]
    index = pd.MultiIndex.from_tuples(keys, names=["", "Cramps a week"])
    return pd.DataFrame({**cells, "Moved by": shifts, "Verdict": verdicts}, index=index)


def _by_row(rows: pd.DataFrame, name: Callable[[Mapping[str, Any]], str]) -> pd.DataFrame:
    records = wording.records(rows)
    cells = {
        with_level("Estimate (95% CI)", rows): [_number(each) for each in records],
        "p": [wording.DASH if pd.isna(each["p_value"]) else _p(each["p_value"]) for each in records],
        "Trials": wording.counts(rows, "n_groups").tolist(),
        "Verdict": [_verdict(each) for each in records],
    }
    index = pd.MultiIndex.from_arrays([_groups(rows), [name(each) for each in records]], names=["", "Pool"])
    return pd.DataFrame(cells, index=index)


def _told(note: str) -> str:
    """Return the remarks on a trial as one sentence without its full stop."""
    return "; ".join(wording.small(part) for part in note.split("; "))


def _why(rows: pd.DataFrame) -> list[str]:
    """Return what is to be said of the rows, each remark once."""
    return [f"{wording.capital(note)}." for note in dict.fromkeys(rows["note"].dropna())]


def _what(each: Mapping[str, Any]) -> str:
    """Return what a row of a pool is, in words."""
    level = str(each["level"])
    match each["analysis"]:
        case kinds.POOLED.name:
            return f"Mean difference, {level}"
        case kinds.PREDICTION.name:
            return f"Next trial, {level}".replace("k-", "k − ")
        case kinds.BEYOND.name:
            return f"Next trial {level}, probability"
        case kinds.PLACE.name:
            return f"Share of trials as large as {level} below it"
        case kinds.HIGH_RISK.name:
            return "Weight of trials at high risk of bias"
        case kinds.ASYMMETRY.name:
            return "Small-study effects, z of Egger's regression"
    return _NAMES.get(level, level)


def _model(each: Mapping[str, Any]) -> str:
    return "" if pd.isna(each["model"]) else str(each["model"]).removeprefix("random effects, ")


def _number(each: Mapping[str, Any]) -> str:
    if each["status"] == "not_estimable":
        return wording.DASH
    if each["scale"] in _SHARES:
        return f"{wording.estimate({**each}, 0, 100)}%"
    if each["scale"] == "heterogeneity_test":
        return wording.marked(each, f"{wording.number(each['estimate'])} ({each['df']:.0f} df)")
    return estimate(each)


def _side(each: Mapping[str, Any]) -> str:
    """Return the number of a row, or why it has none."""
    return str(each["note"]) if each["status"] == "not_estimable" and pd.notna(each["note"]) else _number(each)


def _weight(share: float | None) -> str:
    return wording.DASH if share is None else f"{100 * share:.0f}%"


def _shift(first: Mapping[str, Any] | None, second: Mapping[str, Any] | None) -> str:
    if first is None or second is None or pd.isna(first["estimate"]) or pd.isna(second["estimate"]):
        return wording.DASH
    change = second["estimate"] - first["estimate"]
    if second["scale"] in _SHARES:
        return f"{'+' if change > 0 else ''}{wording.number(100 * change, 0)} percentage points"
    return f"{'+' if change > 0 else ''}{wording.number(change)}"


def _verdict(each: Mapping[str, Any] | None) -> str:
    return wording.DASH if each is None or pd.isna(each["verdict"]) else str(each["verdict"])


def _p(value: float) -> str:
    return wording.p_text(value).removeprefix("p = ").removeprefix("p ")


def _groups(rows: pd.DataFrame) -> list[str]:
    """Return treatment and population of each row as printed."""
    return [
        f"{wording.capital(wording.term(str(term)))}, {population}"
        for term, population in zip(rows["term"], rows["population"], strict=True)
    ]


def _keys(rows: pd.DataFrame) -> list[tuple[str, str, str]]:
    return list(zip(rows["term"], rows["population"], rows["level"], strict=True))
