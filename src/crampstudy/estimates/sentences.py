"""One estimate in words: its number with its interval and unit, and the sentence of its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.codebook.exposures import BETWEEN
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact
from crampstudy.estimates.groups import condition, group
from crampstudy.estimates.rows import FEWEST
from crampstudy.estimates.verdicts import rests_on, too_imprecise

_ROUNDING = 1e-6
_PER_CENT = (1, 100.0, "%")
_MINUTES = (1, 1 / 60, " min")
_PRINTED = {
    **dict.fromkeys(("prevalence", "proportion", "survival"), _PER_CENT),
    **dict.fromkeys(("median", "centile_90", "restricted_mean"), _MINUTES),
    "autocorrelation": (3, 1.0, ""),
    "score": (3, 1.0, ""),
    "skill": _PER_CENT,
    "net_benefit": (3, 1.0, ""),
    "count": (0, 1.0, ""),
    "day_of_year": (0, 1.0, ". day of the year"),
    "median_longest_gap": (0, 1.0, " nights"),
}
"""Digits, factor and unit of a number, by its scale; others have two digits and their own unit."""


BEYOND = "beyond all observed"


def estimate(row: Mapping[str, Any]) -> str:
    """Return the number of a row with its interval, as its scale is printed: ``12.3 (10.0–15.0)`` of a prevalence.

    Of a contrast beyond all that was observed it is what a model guesses, and is in no table, figure or sentence.
    """
    if fact(row, "beyond"):
        return BEYOND
    digits, factor, _ = _PRINTED.get(str(row["scale"]), (2, 1.0, ""))
    return wording.estimate(row, digits, factor)


TOO_IMPRECISE = "too imprecise to tell"


def in_text(row: Mapping[str, Any]) -> str:
    """Return the number of a row with its interval for a sentence; of a ratio that rules nothing out, that it does so.

    Tables have its interval (:func:`~crampstudy.estimates.verdicts.too_imprecise`).
    """
    return TOO_IMPRECISE if too_imprecise(row) and not fact(row, "beyond") else estimate(row)


def times(row: Mapping[str, Any]) -> str:
    """Return a ratio as what follows it is multiplied: ``1.74 (1.00–3.03) times``."""
    return f"a multiple, {TOO_IMPRECISE}, of" if too_imprecise(row) else f"{estimate(row)} times"


def in_brackets(row: Mapping[str, Any]) -> str:
    """Return the number of a row with its interval for a text in brackets, and on whom it rests where not on all.

    Such as ``1.74; 1.00–3.03``.
    """
    return ", ".join(filter(None, (in_text(row).replace(" (", "; ").removesuffix(")"), rests_on(row))))


def resting(rows: pd.DataFrame) -> list[str]:
    """Return on whom ratios rest that do not rest on all of their participants, by what they are of."""
    told = {wording.small(wording.term(str(row["term"]))): rests_on(row) for row in wording.records(rows)}
    return [f"the ratio of {name} {said}" for name, said in told.items() if said]


def value(row: Mapping[str, Any]) -> str:
    """Return the number of a row with its interval and unit, or why there is none.

    A share of fewer people than have an interval is two counts: ``1 of 2``.
    """
    if of_few := _of_few(row):
        return of_few
    said = estimate(row)
    if row["status"] not in ("converged", "boundary") or pd.isna(row["estimate"]):
        return said
    own = "" if pd.isna(row["unit"]) else f" {row['unit']}"
    return said + _PRINTED.get(str(row["scale"]), (2, 1.0, own))[2]


def _of_few(row: Mapping[str, Any]) -> str:
    """Return a share of few people as their counts, empty where it is of many, or no share of those in the row."""
    people, events, share = row["n_participants"], row["n_events"], row["estimate"]
    if row["scale"] != "prevalence" or any(map(pd.isna, (people, events, share))) or not people < FEWEST:
        return ""
    return f"{events:g} of {people:g}" if abs(share * people - events) < _ROUNDING else ""


def sentence(row: Mapping[str, Any]) -> str:
    """Return what a row says, in the words of its kind and without a full stop.

    Such as ``Incidence rate, 20–39: 0.91 (0.80–1.03) cramps per person-week``.

    Raises:
        UsageError: the row is of no kind.
    """
    level = "" if pd.isna(row["level"]) else str(row["level"])
    term = "" if pd.isna(row["term"]) else wording.term(str(row["term"]))
    parts = {
        "value": value(row),
        "estimate": estimate(row),
        "who": _who(row["population"]),
        "level": wording.level(level),
        "recalled": wording.recalled(level),
        "term": term,
        "variable": f"{term}: {wording.level(level)}" if level else term,
        "reference": "" if pd.isna(row["reference"]) else str(row["reference"]),
        "comparison": ", ".join(filter(None, (term, wording.contrast(row)))),
        "label": label(row),
        "beside": beside(row),
        "scale": str(row["scale"]).replace("_", " "),
        "outcome": "" if pd.isna(row["outcome"]) else wording.outcome(str(row["outcome"])),
    }
    return wording.capital(kinds.named(row["analysis"]).sentence.format(**parts))


def label(row: Mapping[str, Any]) -> str:
    """Return how a row is told from those of other kinds beside it, of one adjusted for nothing that it is so."""
    return " ".join(filter(None, (kinds.named(row["analysis"]).label, fact(row, "adjusted"))))


def beside(row: Mapping[str, Any]) -> str:
    """Return beside what a ratio of age stands: ``beside sex alone``, or ``alone`` where all have one sex."""
    held = "" if pd.isna(row["adjusted_for"]) else str(row["adjusted_for"])
    crude = row["analysis"] == kinds.AGE_ALONE.name and "sex" not in held.split("; ")
    return "alone" if crude else kinds.named(row["analysis"]).label


_RECALLED = {
    "any_cramp": "any cramp",
    "moderate_severe_vs_none": "moderate-severe cramps",
    "moderate_severe_vs_rest": "moderate-severe cramps",
}
MODERATE_SEVERE = "moderate-severe: five or more cramps in the past month, against none"


def recalled(row: Mapping[str, Any]) -> str:
    """Return which cramps of a survey's recalled month a row is of, such as ``any cramp``; nothing of other rows."""
    return _RECALLED.get(str(row.get("outcome")), "")


def outcomes(rows: pd.DataFrame) -> str:
    """Return of which cramps of a survey's recalled month rows are, in words; nothing of other rows."""
    named = dict.fromkeys(filter(None, map(recalled, wording.records(rows))))
    return wording.listed(named) if named else ""


def measure(row: Mapping[str, Any]) -> str:
    """Return which ratio a row is, of a survey with its outcome: ``rate ratio``, ``prevalence ratio of any cramp``."""
    return " of ".join(filter(None, (str(row["scale"]).replace("_", " "), recalled(row))))


_DAYS = {"cumulative": "four days running", "lag 0": "the same day", "lag 1": "the night before"}
_BETWEEN = "between participants"


def of_part(row: Mapping[str, Any]) -> str:
    """Return which days a row of a distributed lag compares, or that one compares participants by their means.

    It begins with a comma; nothing of other rows.
    """
    if row["analysis"] == kinds.WITHIN_BETWEEN.name:
        return f", {_BETWEEN}" if row["level"] == BETWEEN else ""
    lagged = (kinds.DISTRIBUTED_LAG.name, kinds.LAG_ADJUSTED.name)
    return f", {_DAYS[str(row['level'])]}" if row["analysis"] in lagged and row["level"] in _DAYS else ""


def _who(population: object) -> str:
    inside = condition(population)
    return wording.level(group(population)) + (f", {wording.condition(inside)}" if inside else "")


def part_of_one(row: Mapping[str, Any]) -> bool:
    """Say whether a share of people without an interval would be a part of one of them, which is told as no number."""
    if row["scale"] != "prevalence" or pd.isna(row["estimate"]) or pd.notna(row["ci_low"]):
        return False
    return bool(0 < row["estimate"] * row["n_participants"] < 1)
