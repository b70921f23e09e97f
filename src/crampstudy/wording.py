"""How names, levels, numbers and intervals are worded for readers: the same in tables, figures and the terminal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook

DASH = "–"
_LEVELS = {
    "true": "yes",
    "false": "no",
    "none": "none",
    "below_9_years": "below 9 years",
    "9_to_11_years": "9 to 11 years",
    "degree": "college degree",
}
_OUTCOMES = {
    "none": "No cramp",
    "mild": "Mild",
    "moderate-severe": "Moderate-severe",
    "any": "Any cramp",
}
_OPERATORS = (
    *((">=", "≥"), ("<=", "≤"), ("!=", "≠"), ("<>", "≠")),
    *((" AND ", " and "), (" OR ", " or "), ("'", "")),
)


def number(value: float, digits: int = 2) -> str:
    """Return a number with ``digits`` decimals and a true minus sign."""
    return f"{value:,.{digits}f}".replace("-", "−")


def count(value: Any) -> str:
    """Return a whole number with thousands separated, an en dash where there is none."""
    return DASH if pd.isna(value) else f"{int(value):,}"


def estimate(row: Mapping[str, Any], digits: int = 2, factor: float = 1.0) -> str:
    """Return ``0.91 (0.80–1.03)``, or why there is no number; ``factor`` 100 makes per cents."""
    if row["status"] == "not_measured":
        return "not measured"
    if row["status"] not in ("converged", "boundary") or pd.isna(row["estimate"]):
        return "could not estimate"
    middle = number(row["estimate"] * factor, digits)
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return middle
    low, high = (number(row[limit] * factor, digits) for limit in ("ci_low", "ci_high"))
    return f"{middle} ({low}{DASH}{high})"


def band(label: str) -> str:
    """Return an age band as printed: ``20–39``."""
    return label.replace("-", DASH)


def level(text: str) -> str:
    """Return a level as printed: ``yes``, ``some college``."""
    return _LEVELS.get(text, text.replace("_", " "))


def recalled(text: str) -> str:
    """Return a group of recalled classes as printed."""
    return _OUTCOMES.get(text, text)


def term(name: str, heading: bool = False) -> str:
    """Return a term as printed: the codebook's label, names inside a formula replaced by theirs."""
    known = codebook.find(name)
    if known:
        return known.heading if heading else known.label
    return re.sub(r"[A-Za-z_]\w*", lambda match: _label_inside(match[0]), name)


def condition(where: str) -> str:
    """Return a condition as printed: ``Age ≥ 20 and Sex = female``."""
    for sign, printed in _OPERATORS:
        where = where.replace(sign, printed)
    return term(where)


def _label_inside(name: str) -> str:
    known = codebook.find(name)
    return known.label if known else name.replace("_", " ")


def contrast(row: Mapping[str, Any]) -> str:
    """Return what an estimate compares: ``female against male``, ``per 10 years``."""
    if pd.isna(row["level"]):
        return "" if pd.isna(row["unit"]) else str(row["unit"])
    reference = "" if pd.isna(row["reference"]) else f" against {level(str(row['reference']))}"
    return f"{level(str(row['level']))}{reference}"


def reasons(rows: pd.DataFrame) -> str:
    """Return the distinct reasons why estimates could not be made, for a table's note."""
    failed = rows[rows["status"].isin(["not_estimable", "not_converged"])]
    return "; ".join(str(note) for note in failed["note"].dropna().unique())
