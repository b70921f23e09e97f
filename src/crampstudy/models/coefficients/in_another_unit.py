"""Numbers of which many look like those of another unit: what was estimated of them is shown, and not judged."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from crampstudy import codebook, wording
from crampstudy.cleaning.unit_error import slips_of
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.estimates import frame, verdicts
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.request import ModelRequest
from crampstudy.nights import people

FEW, SHARE = 2, 0.05
"""Up to so many values, or such a share of all, are slips of single cells, beside which the others tell."""
_RULE = ("unit-slip", "warn")
_MADE_OF = {"serum_calcium_corrected_mmol_l": ("serum_calcium_mmol_l", "serum_albumin_g_l")}


def many(slips: int, values: int) -> bool:
    """Say whether so many slips among so many values are more than a few."""
    return slips > FEW and slips > SHARE * values


@remembered
def doubtful(cohort: Cohort) -> Mapping[str, tuple[int, int]]:
    """Return the columns of which more than a few values look like another unit, each with how many do, of how many."""
    who = people(cohort)
    found = {v.name: _of(v, who[v.name]) for v in codebook.variables("participants") if _is_number(who, v.name)}
    kept = [rule.columns for rule in cohort.attrition.rules if (rule.rule, rule.severity) == _RULE]
    counts = dict(each for columns in kept for each in columns)
    nights = cohort.tables.get("diary", pl.DataFrame())
    nightly = {v.name: v for v in codebook.variables("diary") if v.name in counts and _is_number(nights, v.name)}
    for name, v in nightly.items():
        # Of a part of a cohort there may be fewer than were said of the whole.
        slips, values = _of(v, nights[name])
        found[name] = (min(slips, counts[name]), values)
    told = {name: of for name, of in found.items() if many(*of)}
    for name, parts in _MADE_OF.items():
        if name in who.columns and (part := next((part for part in parts if part in told), None)):
            told[name] = told[part]
    return told


def said(slips: int, values: int) -> str:
    """Return how many values look like another unit."""
    return f"{wording.counted(slips, 'values')} of {wording.count(values)} look like another unit"


def named(cohort: Cohort, names: Collection[str] | None = None) -> str:
    """Return those of the columns, by default of all, of which many values look like another unit, with how many."""
    asked = {name: of for name, of in doubtful(cohort).items() if names is None or name in names}
    parts = {part for name in asked for part in _MADE_OF.get(name, ())}
    told = [
        f"{wording.small(wording.label(name))} ({wording.count(slips)} of {wording.count(values)})"
        for name, (slips, values) in asked.items()
        if name not in parts
    ]
    return wording.listed(told) if told else ""


def unjudged(fitted: Fit, request: ModelRequest) -> Fit:
    """Return a fit that says nothing of ratios of such numbers, nor of differences in them."""
    found = doubtful(request.cohort) if isinstance(request.cohort, Cohort) else {}
    if not found:
        return fitted
    made = []
    for row in wording.with_none(fitted.estimates):
        names = [name for name in found if _concerns(row, name)] if row["verdict"] else []
        of = {name: f"{wording.label(name)}: " if len(names) > 1 or row["outcome"] == name else "" for name in names}
        why = "; ".join(f"{of[name]}{said(*found[name])}: no verdict" for name in names)
        made.append(verdicts.unjudged(row, why) if names else row)
    return replace(fitted, estimates=frame(made).set_axis(fitted.estimates.index))


def _concerns(row: Mapping[str, Any], name: str) -> bool:
    return row["outcome"] == name or re.search(rf"(?<!\w){name}(?!\w)", str(row["term"])) is not None


def _is_number(frame: pl.DataFrame, name: str) -> bool:
    return name in frame.columns and frame.schema[name].is_numeric()


def _of(v: codebook.Variable, values: pl.Series) -> tuple[int, int]:
    known = values.drop_nulls()
    return slips_of(v, known), len(known)
