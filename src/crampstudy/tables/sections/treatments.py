"""What treatments did: effects by design, sensitivities beside them, how they differ, the flow, and the course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.estimates.verdicts import DIFFERENCE
from crampstudy.tables.headings import with_level
from crampstudy.tables.sections.open_use import EFFECTS
from crampstudy.tables.table import as_table, table_of_rows

_DESIGNS = {kind.name: f"open use, {kind.label}" for kind in EFFECTS}
NOTHING_ELSE = "nothing else"
"""In the place of a ratio that would be the one with the usual weights once more."""
UNTREATED = "untreated"
"""The group of those who took nothing, of each treatment in open use."""


@as_table
def treatment_effects(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the effect of each treatment by the analysis of its design, as a ratio and in cramps a week.

    Sensitivities stand below the primary analysis of their treatment, where the rows have them.
    """
    own = [kinds.TREATMENT_EFFECT.name, kinds.TREATMENT_EFFECT_OTHERWISE.name, *_DESIGNS]
    rows = estimates[estimates["analysis"].isin(own)]
    spread = kinds.TREATMENT_SPREAD.rows(estimates)
    ratios = rows[rows["scale"] != DIFFERENCE]
    differences = {_key(row): row for row in wording.records(rows[rows["scale"] == DIFFERENCE])}
    weekly = {key: estimate(row) for key, row in differences.items()}
    every = wording.records(pd.concat([ratios, spread]))
    made = pd.DataFrame(
        {
            "Analysis": [_analysis(row) for row in every],
            "Against": [_against(row) for row in every],
            "Treated / all": [
                f"{wording.count_of(row, 'n_exposed')} / {wording.count_of(row, 'n_participants')}" for row in every
            ],
            with_level("Rate ratio (95% CI)", ratios): [estimate(row) for row in every],
            with_level("Cramps a week (95% CI)", ratios): [weekly.get(_key(row), wording.DASH) for row in every],
            "Verdict": [_verdict(row, differences.get(_key(row))) for row in every],
        }
    )
    made.index = pd.Index([_agent(row) for row in every], name="Treatment")
    return made


def _verdict(row: Mapping[str, Any], weekly: Mapping[str, Any] | None) -> str:
    """Return the verdict of a ratio, or where it has none that of its difference in cramps a week."""
    if pd.notna(row["verdict"]):
        return str(row["verdict"])
    if weekly is None or pd.isna(weekly["verdict"]):
        return wording.DASH
    return f"{weekly['verdict']}, of cramps a week"


@as_table
def treatment_sensitivities(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of each treatment by its other analyses, side by side.

    Where nothing was measured that the causal graph asks for beyond the usual weights, there is no other ratio.
    """
    others = (kinds.TREATMENT_EFFECT_OTHERWISE, kinds.OPEN_USE_CRUDE, kinds.OPEN_USE_TRUNCATED, kinds.OPEN_USE_GRAPH)
    own = estimates["analysis"].isin([kind.name for kind in others]) & estimates["scale"].ne(DIFFERENCE)
    rows = estimates[own | estimates["analysis"].eq(kinds.TREATMENT_SPREAD.name)]
    usual = {row["term"]: row["adjusted_for"] for row in wording.records(kinds.OPEN_USE_TRUNCATED.rows(rows))}
    columns: dict[str, dict[str, str]] = {}
    for row in wording.records(rows):
        name = wording.capital(_analysis(row).removeprefix("open use, "))
        same = row["analysis"] == kinds.OPEN_USE_GRAPH.name and row["adjusted_for"] == usual.get(row["term"])
        said = NOTHING_ELSE if same else estimate(row)
        columns.setdefault(with_level(f"{name} (95% CI)", rows), {})[_agent(row)] = said
    agents = list(dict.fromkeys(_agent(row) for row in wording.records(rows)))
    made = pd.DataFrame({name: [cells.get(each, wording.DASH) for each in agents] for name, cells in columns.items()})
    made.index = pd.Index(agents, name="Treatment")
    return made


@as_table
def treatment_modifiers(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of each treatment at serum levels of baseline, in weeks since time zero, and of its dose."""
    own = (kinds.TREATMENT_EFFECT_BY_LEVEL, kinds.TREATMENT_EFFECT_BY_WEEK, kinds.TREATMENT_DOSE)
    rows = estimates[estimates["analysis"].isin([kind.name for kind in own])]
    every = wording.records(rows)
    made = pd.DataFrame(
        {
            "Where": [_where(row) for row in every],
            "Participants": wording.counts(rows, "n_participants").tolist(),
            with_level("Rate ratio (95% CI)", rows): [estimate(row) for row in every],
        }
    )
    made.index = pd.Index([_agent(row) for row in every], name="Treatment")
    return made


@table_of_rows
def treatment_flow(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how many participants of each arm or group reached each step, steps side by side."""
    rows = kinds.TREATMENT_FLOW.rows(estimates)
    columns: dict[str, dict[str, str]] = {}
    for row in wording.records(rows):
        cells = columns.setdefault(wording.capital(str(row["level"])), {})
        cells[_group(row)] = wording.count_of(row, "estimate")
    groups = list(dict.fromkeys(_group(row) for row in wording.records(rows)))
    made = pd.DataFrame({step: [cells.get(name, wording.DASH) for name in groups] for step, cells in columns.items()})
    made.index = pd.Index(groups, name="Group")
    return made


def _group(row: Mapping[str, Any]) -> str:
    """Return a group as printed: of those who took nothing with the treatment that they are compared for."""
    group = wording.capital(str(row["population"]))
    return f"{group}, {wording.agent(str(row['term']))}" if row["population"] == UNTREATED else group


@table_of_rows
def treatment_course(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return cramps a week by group in the weeks around time zero."""
    rows = kinds.TREATMENT_COURSE.rows(estimates)
    every = wording.records(rows)
    made = pd.DataFrame(
        {
            "Week": [wording.capital(str(row["level"])) for row in every],
            "Participants": wording.counts(rows, "n_participants").tolist(),
            with_level("Cramps a week (95% CI)", rows): [estimate(row) for row in every],
        }
    )
    made.index = pd.MultiIndex.from_tuples(
        [(_agent(row), wording.capital(str(row["population"]))) for row in every], names=["Treatment", "Group"]
    )
    return made


@table_of_rows
def single_participants(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of a treatment in each participant of alternating periods."""
    rows = kinds.TREATMENT_EFFECT_OF_ONE.rows(estimates)
    every = wording.records(rows)
    made = pd.DataFrame(
        {
            "Participant": [wording.capital(str(row["level"])) for row in every],
            "Pairs of periods": wording.counts(rows, "n_groups").tolist(),
            "Cramps": wording.counts(rows, "n_events").tolist(),
            with_level("Rate ratio (95% CI)", rows): [estimate(row) for row in every],
        }
    )
    made.index = pd.Index([_agent(row) for row in every], name="Treatment")
    return made


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a ratio and its difference have in common."""
    return str(row["term"]), str(row["analysis"]) + str(row["level"])


def _agent(row: Mapping[str, Any]) -> str:
    return wording.capital(wording.agent(str(row["term"])))


def _analysis(row: Mapping[str, Any]) -> str:
    if row["analysis"] == kinds.TREATMENT_SPREAD.name:
        return "spread between participants (SD of the log ratio)"
    return _DESIGNS.get(str(row["analysis"]), wording.DASH if pd.isna(row["level"]) else str(row["level"]))


def _against(row: Mapping[str, Any]) -> str:
    against = wording.DASH if pd.isna(row["reference"]) else str(row["reference"])
    return {"none": "no treatment", "not begun": "not begun"}.get(against, wording.agent(against))


def _where(row: Mapping[str, Any]) -> str:
    if row["analysis"] == kinds.TREATMENT_DOSE.name:
        return wording.ranges(f"{row['level']} against {row['reference']}")
    return wording.capital(wording.ranges(str(row["level"])))
