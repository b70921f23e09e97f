"""The tidy rows that every model, table and comparison yields.

A row is one estimate with its interval, what it is an estimate of, in whom, and whether it could be made.
Figures and tables draw these rows and never fit; a number in a report is one of their cells.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal

import pandas as pd

from crampstudy import names
from crampstudy.atomic_write import csv_bare, csv_cell
from crampstudy.estimates import facts, kinds
from crampstudy.wording import marks

Status = Literal["converged", "boundary", "not_converged", "not_estimable", "not_measured", "suppressed"]

_TEXT = (
    *("key", "cohort", "population", "outcome", "analysis", "estimand", "adjusted_for", "adjustment"),
    *("lacks", "model", "term", "level", "reference", "scale", "unit"),
)
_REAL = ("estimate", "ci_low", "ci_high", "ci_level", "std_error", "df", "p_value", "q_value", "n_effective")
_COUNT = ("n_participants", "n_nights", "n_events", "n_groups", "n_exposed")

COLUMNS: tuple[str, ...] = (*_TEXT, *_REAL, *_COUNT, "verdict", "status", "facts", "note")
"""Column order. Estimates and limits stand on the natural scale, ``std_error`` on the link scale."""

TEXT = pd.StringDtype("python")
"""The type of the columns of text: of so few rows each is taken apart faster than one of Arrow's."""
_TEXTS = (*_TEXT, "verdict", "status", "facts", "note")
_TYPES: Mapping[Any, tuple[str, ...]] = MappingProxyType({TEXT: _TEXTS, "float64": _REAL, "Int64": _COUNT})

FEWEST = 5
"""A rate of fewer participants than this has no interval."""
ALONE = "rests on one participant"
"""Why a rate or a share of people is not shown."""
_OF_PEOPLE = ("rate", "prevalence")
_AROUND = ("ci_low", "ci_high", "std_error", "p_value")
_ROUNDING = 1e-10

# What a slug would lose, the longer sign first: "age_years >= 20" and "<= 20" are different populations.
_SIGNS = {">=": " from ", "<=": " to ", "!=": " not ", "<>": " not ", ">": " over ", "<": " under ", "+": " plus "}
_FROM_AGE = re.compile(r"\bage_years\s*>=\s*(\d+(?:\.\d+)?)(?![\w.]|\s*[-+*/])")
_AGE_AND = re.compile(r"^([\d.]+\+)\s+and\s+", re.IGNORECASE)
_KEY = ("cohort", "population", "analysis", "outcome", "model", "term", "level", "scale")


def key(cells: Mapping[str, Any]) -> str:
    """Return the readable slug that names a row: the same question of the same cohort always has the same one."""
    parts = (str(cells.get(name) or "") for name in _KEY)
    parts = (_by_age(part) if name == "population" else part for name, part in zip(_KEY, parts, strict=True))
    return "/".join(_slug(part) for part in parts if part)


@lru_cache(maxsize=512)
def _by_age(population: str) -> str:
    """Return a population with its ages from a limit on as groups are named: ``20+`` of ``age_years >= 20``.

    The same people have the same name whether they are a row of a table by age or a condition.
    """
    named = _FROM_AGE.sub(r"\1+", population)
    return named if re.search(r"\bor\b", named, re.IGNORECASE) else _AGE_AND.sub(r"\1, ", named)


@lru_cache(maxsize=4096)
def _slug(text: str) -> str:
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    # Two levels that differ in their sign are two rows.
    text = re.sub(r"(?<![\w.])-(?=\.?\d)", "minus ", text)
    # A name that has no letter of any script must not vanish: two such cohorts would share their keys.
    return re.sub(r"(?:[^\w.]|_)+", "-", text.lower()).strip("-") or names.slug(text)


def row(*, status: Status, **cells: Any) -> dict[str, Any]:
    """Return one row as a mapping in column order; cells that are not given are missing, ``facts`` may be a mapping.

    No row shows limits that are no interval (:func:`no_interval`): it keeps its estimate, with status ``boundary`` and
    the reason in ``note``. A rate or a share of people that rests on one participant is not shown at all.

    Raises:
        TypeError: a cell is not one of :data:`COLUMNS`.
        UsageError: ``analysis`` is the name of no kind of result.
    """
    if unknown := set(cells) - set(COLUMNS):
        raise TypeError(f"no such column of an estimate: {', '.join(sorted(unknown))}")
    if cells.get("analysis") is not None:
        kinds.named(cells["analysis"])
    cells["status"] = status
    if isinstance(cells.get("facts"), Mapping):
        cells["facts"] = facts.written(cells["facts"])
    if cells.get("facts") is not None and pd.isna(cells.get("estimate")):
        cells["facts"] = facts.without_estimate(cells["facts"])
    if cells.get("note") is not None:
        # What others print of a row stands in the words of this one.
        cells["note"] = marks.without(cells["note"])
    cells.setdefault("key", key(cells))
    made = {name: cells.get(name) for name in COLUMNS}
    if made["scale"] in _OF_PEOPLE and made["n_participants"] == 1 and not pd.isna(made["estimate"]):
        return withheld(made, ALONE)
    reason = no_interval(made)
    return without_interval(made, reason) if reason else made


def no_interval(cells: Mapping[str, Any]) -> str | None:
    """Return why the limits of an estimate are no interval, ``None`` where they are one or are not there."""
    if pd.isna(cells.get("ci_low")) or pd.isna(cells.get("ci_high")):
        return None
    people = cells.get("n_participants")
    if not _spread(cells):
        return "one participant, so no interval" if people == 1 else "no spread, so no interval"
    few = cells.get("scale") in _OF_PEOPLE and not pd.isna(people) and people < FEWEST
    return f"fewer than {FEWEST} participants, so no interval" if few else None


def without_interval(cells: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the cells of an estimate that keeps its number and loses what stood around it, for the ``reason``."""
    note = reason if pd.isna(cells.get("note")) else f"{reason}; {cells['note']}"
    own = facts.with_facts(cells, {"no interval": reason})
    return {**own, **dict.fromkeys(_AROUND), "status": "boundary", "note": note}


def withheld(cells: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """Return the cells of a row without its number, for the ``reason``; what was counted stays."""
    lost: dict[str, Any] = dict.fromkeys(("estimate", *_AROUND, "df", "n_effective"))
    lost["facts"] = facts.without_estimate(cells.get("facts"))
    return {**cells, **lost, "status": "not_estimable", "note": reason}


def _spread(cells: Mapping[str, Any]) -> bool:
    error, scale = cells.get("std_error"), str(cells.get("scale"))
    if (scale.endswith("_ratio") or scale == "difference") and not pd.isna(error):
        # A ratio may lie as close to 1 as the unit of its term is small.
        return bool(error > 0)
    low, high = cells["ci_low"], cells["ci_high"]
    return bool(high - low > _ROUNDING * max(abs(low), abs(high)))


def note(*parts: str) -> str | None:
    """Return the parts that say something, joined."""
    return "; ".join(filter(None, parts)) or None


def reason(problem: Exception) -> str:
    """Return what an error says as one part of a note, whose parts a semicolon would divide."""
    return str(problem).replace("; ", " \N{EN DASH} ")


def frame(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows as the tidy frame: text, float and nullable integer columns in the order of :data:`COLUMNS`."""
    given = list(rows)
    made: dict[str, Any] = {}
    for dtype, columns in _TYPES.items():
        # All columns of a type are made at once, since an array costs more than its few cells.
        cells: Any = pd.array([of_row.get(name) for name in columns for of_row in given], dtype=dtype)
        made |= {name: cells[i * len(given) : (i + 1) * len(given)] for i, name in enumerate(columns)}
    return pd.DataFrame({name: made[name] for name in COLUMNS})


def to_csv(estimates: pd.DataFrame) -> str:
    """Return the rows as CSV text, floats at 10 significant digits and missing cells empty.

    A text that a spreadsheet would run as a formula has an apostrophe before it.
    """
    texts = [name for name in _TEXTS if name in estimates.columns]
    safe = {name: estimates[name].map(csv_cell, na_action="ignore") for name in texts}
    return estimates.assign(**safe).to_csv(index=False, float_format="%.10g", lineterminator="\n")


def from_csv(text: str) -> pd.DataFrame:
    """Return the rows that :func:`to_csv` made a text of; a column that it did not have yet is empty."""
    types: dict[str, Any] = {name: dtype for dtype, names in _TYPES.items() for name in names}
    read = pd.read_csv(io.StringIO(text), dtype=types, keep_default_na=False, na_values=[""])
    read = read.reindex(columns=[*COLUMNS, *(name for name in read.columns if name not in COLUMNS)])
    return read.assign(**{name: read[name].map(csv_bare, na_action="ignore").astype(TEXT) for name in _TEXTS})


def to_json(estimates: pd.DataFrame) -> str:
    """Return the rows as a JSON array of objects; missing and infinite cells, which JSON lacks, are null."""
    known = estimates.notna() & ~estimates.isin([math.inf, -math.inf])
    rows = estimates.astype(object).where(known, None).to_dict("records")
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False, default=float)
