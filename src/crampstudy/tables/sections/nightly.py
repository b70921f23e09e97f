"""Nightly exposures: within and between participants and over the nights, guidelines met, and ratios by another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.codebook.exposures import BETWEEN, OF_PERSON
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables import headings
from crampstudy.tables.headings import p_of, with_level
from crampstudy.tables.remarks import notes
from crampstudy.tables.table import PrintedTable, table_of_rows

_SEVERAL = 3
"""So many rows of an exposure that compare the same have it above them."""


def nightly_exposures(estimates: pd.DataFrame) -> PrintedTable:
    """Return the ratios of nightly exposures at their declared contrasts, a group of rows for each exposure.

    First within and between participants, the latter with the reliability of the mean and corrected for it, then over
    several nights. What has no estimate says why below the table.
    """
    shown = at_contrasts(estimates)
    reliability = {
        str(row["term"]).removeprefix(wording.RELIABILITY): row
        for row in wording.records(kinds.RELIABILITY.rows(estimates))
    }
    records = wording.records(shown)
    heads = _heads(records)
    columns = {
        "Contrast": [_beneath(heads[str(row["term"])], _contrast(row)) for row in records],
        with_level("Rate ratio (95% CI)", shown): [estimate(row) for row in records],
        "p": [p_of(row) for row in records],
        "Nights": [wording.count_of(row, "n_nights") for row in records],
    }
    if reliability:
        columns["Reliability"] = [_reliability(row, reliability) for row in records]
    columns["Verdict"] = [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in records]
    made = pd.DataFrame(columns, dtype=object)
    made.index = pd.MultiIndex.from_tuples(
        [(heads[str(row["term"])], _which(row)) for row in records], names=["", "Exposure"]
    )
    return PrintedTable.of(made, notes=(notes(shown, kinds.RELIABILITY.rows(estimates), level=of_night),))


def at_contrasts(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratios of exposures of person-time, each once: at its declared contrast where it has one."""
    rows = estimates[[kinds.named(name).by_level for name in estimates["analysis"]]] if len(estimates) else estimates
    if rows.empty:
        return rows
    terms = rows["term"].str.removeprefix(wording.CONTRAST)
    key = pd.DataFrame({"term": terms, "level": rows["level"], "kind": rows["analysis"]})
    declared = rows["term"].str.startswith(wording.CONTRAST)
    judged = set(key[declared].itertuples(index=False, name=None))
    kept = [
        is_declared or each not in judged
        for is_declared, each in zip(declared, key.itertuples(index=False, name=None), strict=True)
    ]
    shown = rows[kept]
    order = list(dict.fromkeys(shown["term"].str.removeprefix(wording.CONTRAST)))
    place = shown["term"].str.removeprefix(wording.CONTRAST).map(order.index)
    return shown.loc[place.sort_values(kind="stable").index]


def _contrast(row: Mapping[str, Any]) -> str:
    """Return what a ratio compares; its level says of which nights it is."""
    return wording.contrast({**row, "level": None}) or wording.DASH


def _heads(records: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return what heads the rows of each term: its name, and the centiles in numbers that several of them compare."""
    heads: dict[str, str] = {}
    for name in dict.fromkeys(wording.term(str(row["term"])) for row in records):
        own = [row for row in records if wording.term(str(row["term"])) == name]
        ((told, times),) = Counter(_contrast(row) for row in own).most_common(1)
        head = f"{name}, {told}" if times >= _SEVERAL and ": " in told else name
        heads |= {str(row["term"]): head for row in own}
    return heads


def _beneath(head: str, contrast: str) -> str:
    """Return a contrast below the head of its rows, which may have its numbers."""
    return contrast.partition(":")[0] if head.endswith(f", {contrast}") else contrast


def _reliability(row: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the reliability of the mean that a ratio is of."""
    found = known.get(str(row["term"]).removeprefix(wording.CONTRAST)) if row["level"] == BETWEEN else None
    if found is None or pd.isna(found["estimate"]):
        return wording.DASH
    return wording.marked(found, wording.number(found["estimate"]))


def _which(row: Mapping[str, Any]) -> str:
    """Return what of an exposure a row is of: ``Between participants``, ``1 night later``."""
    if row["analysis"] == kinds.CORRECTED.name:
        return "Between, corrected"
    return of_night(str(row["level"]))


def of_night(level: str) -> str:
    """Return what of an exposure the rows of a level are of, as they begin."""
    return f"{wording.capital(level)} participants" if level in OF_PERSON else headings.night(level)


_MEASURES = {"rate": "cramps per person-week", "rate_ratio": "rate ratio"}


@table_of_rows
def adherence(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how often each guideline was met."""
    rows = kinds.ADHERENCE.rows(estimates)
    records = wording.records(rows)
    nights = rows["n_nights"].notna().any()
    columns = {"Participants": [wording.count_of(row, "n_participants") for row in records]}
    columns |= {"Nights": [wording.count_of(row, "n_nights") for row in records]} if nights else {}
    whose = "nights" if nights else "people"
    columns[with_level(f"% of {whose} (95% CI)", rows)] = [estimate(row) for row in records]
    made = pd.DataFrame(columns)
    made.index = pd.Index([wording.capital(str(row["reference"])) for row in records], name="Fluid")
    return made


@table_of_rows
def modified(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of an exposure at values of another variable, and the ratio of two of these ratios."""
    rows = kinds.MODIFIED.rows(estimates)
    records = wording.records(rows)
    made = pd.DataFrame(
        {
            "Contrast": [_contrast(row) for row in records],
            with_level("Rate ratio (95% CI)", rows): [estimate(row) for row in records],
            "Verdict": [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in records],
        },
        dtype=object,
    )
    names = [f"{wording.term(str(row['term']))}, {_ratio_of(row)}" for row in records]
    made.index = pd.Index(names, name="Exposure")
    return made


def _ratio_of(row: Mapping[str, Any]) -> str:
    level = wording.level(str(row["level"]))
    return f"ratio of ratios {level}" if wording.is_declared(row["term"]) else level


@table_of_rows
def joint_programme(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rates of cramps under all of a programme and none of it, and their ratio."""
    rows = kinds.JOINT.rows(estimates)
    records = wording.records(rows)
    made = pd.DataFrame(
        {
            "Measure": [_MEASURES.get(str(row["scale"]), "") for row in records],
            with_level("Estimate (95% CI)", rows): [estimate(row) for row in records],
            "Participants": [wording.count_of(row, "n_participants") for row in records],
            "Nights": [wording.count_of(row, "n_nights") for row in records],
            "Verdict": [wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]) for row in records],
        },
        dtype=object,
    )
    made.index = pd.Index([wording.capital(str(row["level"])) for row in records], name="Programme")
    return made
