"""Treatments in open use: rates, weighted effects, balance, overlap, and what regression to the mean leaves."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.sentences import estimate
from crampstudy.estimates.treatments import ALL, MEDIAN_AFTER, MEDIAN_BEFORE, covariate
from crampstudy.estimates.verdicts import DIFFERENCE
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import PrintedTable, table_of_rows

EFFECTS = (kinds.OPEN_USE_CRUDE, kinds.OPEN_USE, kinds.OPEN_USE_TRUNCATED, kinds.OPEN_USE_GRAPH)
BALANCED = 0.1
"""A standardised mean difference of less than this is taken for balance (Austin 2009)."""
_RANGED = "half_life"
"""The scale whose limits are those of what it may be, and no interval."""
_WHEN = ("treated, before", "treated, after", "untreated, before", "untreated, after")
_WEIGHTS = ("effective number, treated", "effective number, untreated", "least weight", "greatest weight")
_OUTSIDE = tuple(f"outside the other group's chances, {name}" for name in ("treated", "untreated"))


@table_of_rows
def open_use(estimates: pd.DataFrame) -> PrintedTable:
    """Return the ratio and the difference in cramps a week of each treatment, without weights and by each weighting."""
    rows = estimates[estimates["analysis"].isin([kind.name for kind in EFFECTS])]
    labels = {kind.name: kind.label for kind in EFFECTS}
    ratios = rows[rows["scale"] != DIFFERENCE]
    weekly = {(r["term"], r["analysis"]): estimate(r) for r in wording.records(rows[rows["scale"] == DIFFERENCE])}
    every = wording.records(ratios)
    made = pd.DataFrame(
        {
            "Weights": [labels[row["analysis"]] for row in every],
            "Treated / all": [
                f"{wording.count_of(row, 'n_exposed')} / {wording.count_of(row, 'n_participants')}" for row in every
            ],
            with_level("Rate ratio (95% CI)", ratios): [estimate(row) for row in every],
            with_level("Cramps a week (95% CI)", ratios): [
                weekly.get((row["term"], row["analysis"]), wording.DASH) for row in every
            ],
            "Verdict": [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in every],
        }
    )
    made.index = pd.Index([_agent(row) for row in every], name="Treatment")
    lost = ratios[ratios["status"] == "not_estimable"]
    reasons = (f"{_agent(row)}, could not estimate: {row['note']}" for row in wording.records(lost))
    return PrintedTable.of(
        made, notes=(wording.sentences([*reasons, *filter(None, [verdicts.why_few(rows), verdicts.remark(rows)])]),)
    )


@table_of_rows
def open_use_rates(estimates: pd.DataFrame) -> PrintedTable:
    """Return the cramps a week of those who took each treatment and of the others, before time zero and after it."""
    rows = kinds.OPEN_USE_RATE.rows(estimates)
    cells = {(row["term"], row["level"]): row for row in wording.records(rows)}
    agents = list(dict.fromkeys(rows["term"]))
    made = pd.DataFrame(
        {
            "Treated": [wording.count_of(cells[agent, _WHEN[0]], "n_participants") for agent in agents],
            **{
                with_level(f"{wording.capital(when)} (95% CI)", rows): [
                    estimate(cells[agent, when]) for agent in agents
                ]
                for when in _WHEN
            },
        }
    )
    made.index = pd.Index([wording.capital(wording.agent(str(agent))) for agent in agents], name="Treatment")
    return PrintedTable.of(made, notes=("Cramps per person-week, as observed. Untreated: not with that treatment.",))


@table_of_rows
def balance(estimates: pd.DataFrame) -> PrintedTable:
    """Return the standardised mean difference of everything measured, before weighting and after, by treatment."""
    before, after = (wording.records(of.rows(estimates)) for of in (kinds.BALANCE_BEFORE, kinds.BALANCE_AFTER))
    made = pd.DataFrame(
        {
            "In the propensity": ["no" if pd.isna(row["adjusted_for"]) else "yes" for row in before],
            "Before": [_estimate(row, 2) for row in before],
            "After": [_estimate(row, 2) for row in after],
        }
    )
    treatments = [wording.capital(wording.term(str(row["outcome"]))) for row in before]
    made.index = pd.MultiIndex.from_arrays([treatments, [*map(variable, before)]], names=["Treatment", "Variable"])
    said = (
        "Standardised mean differences; their denominator is the unweighted pooled SD of both groups, before and after."
    )
    return PrintedTable.of(made, notes=(said,))


def variable(row: dict[str, Any]) -> str:
    """Return what a row of balance is of: ``Diuretic: thiazide``."""
    name = covariate(str(row["term"]))
    return name if pd.isna(row["level"]) or row["level"] == "true" else f"{name}: {wording.level(str(row['level']))}"


@table_of_rows
def overlap(estimates: pd.DataFrame) -> PrintedTable:
    """Return how many participants the weights leave of each group, their extremes, and who has no counterpart."""
    rows = kinds.OVERLAP.rows(estimates)
    cells = {(row["term"], row["level"]): row for row in wording.records(rows)}
    agents = list(dict.fromkeys(rows["term"]))
    made = pd.DataFrame(
        {
            "Treated / untreated": [_both(cells, agent, "treated", "untreated") for agent in agents],
            "Effective number": [_both(cells, agent, *_WEIGHTS[:2]) for agent in agents],
            "Weights": [
                f"{_estimate(cells[agent, _WEIGHTS[2]], 2)} to {_estimate(cells[agent, _WEIGHTS[3]], 2)}"
                for agent in agents
            ],
            "Without counterpart": [_both(cells, agent, *_OUTSIDE) for agent in agents],
            "Greatest SMD in the propensity": [_greatest(estimates, agent) for agent in agents],
            "Median SMD of all": [
                " → ".join(_estimate(cells.get((agent, level)), 2) for level in (MEDIAN_BEFORE, MEDIAN_AFTER))
                for agent in agents
            ],
        }
    )
    made.index = pd.Index([wording.capital(wording.agent(str(agent))) for agent in agents], name="Treatment")
    said = (
        "Without counterpart: participants whose chance of treatment nobody of the other group has. Each "
        "SMD is absolute, before weighting and after."
    )
    return PrintedTable.of(made, notes=(said,))


def _both(cells: dict[tuple[Any, Any], dict[str, Any]], agent: str, first: str, second: str) -> str:
    return f"{_estimate(cells[agent, first], 0)} / {_estimate(cells[agent, second], 0)}"


def _estimate(row: dict[str, Any] | None, digits: int) -> str:
    if row is None or pd.isna(row["estimate"]):
        return wording.DASH
    return wording.marked(row, wording.number(row["estimate"], digits))


def _greatest(rows: pd.DataFrame, agent: str) -> str:
    before, after = (
        of[of["adjusted_for"].notna() & of["outcome"].eq(agent)]
        for of in (kinds.BALANCE_BEFORE.rows(rows), kinds.BALANCE_AFTER.rows(rows))
    )
    return f"{_farthest(before)} → {_farthest(after)}"


def _farthest(rows: pd.DataFrame) -> str:
    """Return the largest difference of rows, whatever its sign."""
    made = rows[rows["estimate"].notna()].sort_values("estimate", key=abs, kind="stable")
    shown = [wording.marked(row, wording.number(abs(row["estimate"]))) for row in wording.records(made.tail(1))]
    return next(iter(shown), wording.DASH)


@table_of_rows
def regression_to_the_mean(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return observed rates and ratios, what was to be expected without any treatment, and what remains, by arm."""
    rows = kinds.REGRESSION_TO_THE_MEAN.rows(estimates)
    every = wording.records(rows)
    made = pd.DataFrame(
        {
            "Participants": [wording.count_of(row, "n_participants") for row in every],
            with_level("Estimate (95% CI)", rows[rows["scale"].ne(_RANGED)]): [_with_range(row) for row in every],
            "Measure": [_measure(row) for row in every],
        }
    )
    made.index = pd.Index([_step(row) for row in every], name="Step")
    return made


def _with_range(row: dict[str, Any]) -> str:
    """Return an estimate; what lies between its limits is said where it is no interval of the table's level."""
    shown = estimate(row)
    return shown.replace("(", f"({row['ci_level'] * 100:g}% range ") if row["scale"] == _RANGED else shown


def _measure(row: dict[str, Any]) -> str:
    return str(row["unit"]) if pd.notna(row["unit"]) else str(row["scale"]).replace("_", " ")


def _step(row: dict[str, Any]) -> str:
    level = wording.capital(str(row["level"]))
    if row["term"] == ALL:
        return level
    return f"{level}, {'untreated' if row['term'] == 'none' else wording.term(str(row['term']))}"


def _agent(row: dict[str, Any]) -> str:
    return wording.capital(wording.agent(str(row["term"])))
