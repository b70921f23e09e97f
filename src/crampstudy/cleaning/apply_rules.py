"""Which rules are asked of a table, and what they find: the same for whole tables and for chunks of a diary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from crampstudy.cleaning.raw import Violation, where
from crampstudy.cleaning.rule import AcrossParts, AcrossTables, Frames, Rule, Search, Stage, View
from crampstudy.cleaning.rules import RULES
from crampstudy.cohort import RuleCount


def row_columns(table: str, columns: Sequence[str]) -> list[str]:
    """Return those of a table's columns that rules of a row look at."""
    asked = (rule for rule in RULES if rule.stage == "row" and rule.asked_of(table, columns))
    return list(dict.fromkeys(name for rule in asked for name in rule.columns))


def contradictions(table: str, frame: pl.DataFrame) -> list[Violation]:
    """Return where cells of one row contradict each other; blamed is the cell that leans on the other."""
    found = []
    for rule in RULES:
        if rule.expression is not None and rule.asked_of(table, frame.columns):
            rows = where(frame, rule.expression)
            found += [Violation(rows, column, rule.name, rule.severity, rule.hint) for column in rule.blamed]
    return [violation for violation in found if len(violation.rows)]


def searches(stage: Stage, view: View) -> list[Search]:
    """Return the searches of a stage in the order of the rules; one that finds several rules stands there once."""
    asked = (rule.search for rule in RULES if rule.stage == stage and rule.asked_of(view.table, view.rows.columns))
    return list(dict.fromkeys(search for search in asked if search is not None))


def across_parts(view: View) -> list[AcrossParts]:
    """Return how accepted rows of all participants are held against each other, in the order of the rules."""
    asked = (rule.parts for rule in RULES if rule.stage == "accepted" and rule.asked_of(view.table, view.rows.columns))
    return [across for across in asked if across is not None]


def gone(counts: Iterable[RuleCount]) -> tuple[RuleCount, ...]:
    """Return the counts of what is not in the accepted rows any more; what is still in them is found again."""
    stay = {rule.name for rule in RULES if rule.severity == "warn" and rule.stage not in _CHANGE}
    return tuple(count for count in counts if count.severity != "warn" or count.rule not in stay)


_CHANGE = ("cells", "user")
"""Stages whose warnings are of cells that are not accepted as they came."""


def across_tables(frames: Frames) -> Iterator[tuple[str, list[Violation]]]:
    """Yield what rules find that hold tables against each other, with the table of which it is said."""
    for rule, across in _across(frames):
        yield rule.tables[0], across.search(frames)


def nights_needed(frames: Frames) -> pl.DataFrame:
    """Return the nights of a chunk of the diary that :func:`across_tables` needs of it."""
    night = ["participant_id", "date", "cramps"]
    needed = [across.nights(frames).select(night) for _, across in _across(frames)]
    return pl.concat([frames["diary"].select(night).clear(), *needed]).unique(night[:2], maintain_order=True)


def _across(frames: Frames) -> list[tuple[Rule, AcrossTables]]:
    return [
        (rule, rule.across)
        for rule in RULES
        if rule.across is not None
        and set(rule.tables) <= frames.keys()
        and set(rule.columns) <= set(frames[rule.tables[0]].columns)
    ]
