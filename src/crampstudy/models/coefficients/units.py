"""Units of numbers that are explained, and the steps of terms that ratios and differences are per."""

from __future__ import annotations

import re

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.models.terms import design_matrix

_SCORE = re.compile(r"\d+-\d+")


def of_number(name: str) -> str | None:
    """Return the unit of a variable, ``points`` of a score from 0 to 10, ``None`` where the codebook has none."""
    known = wording.variable(name)
    if known and known.unit and _SCORE.fullmatch(known.unit):
        return "points"
    return known.unit if known else None


def per_step(column: design_matrix.Column, multiple: float) -> str:
    """Return what a column's ratio is per, such as ``per 10 years``, or what its level is against."""
    if column.level is not None:
        against = f"against {column.reference}" if column.reference else "contrast"
        return against if multiple == 1 else f"{against}, per {multiple:g}"
    known, exposure = wording.variable(column.term), exposures.find(column.term)
    function = exposure.window[0] if exposure and exposure.window else None
    if function == "days_last":
        return f"per {multiple:g} {'night' if multiple == 1 else 'nights'}"
    if known and known.type == "boolean" and multiple == 1 and function != "load_ratio":
        return "every night against none" if function else "yes against no"
    if not known or not known.unit or function == "load_ratio":
        return f"per {multiple:g}"
    if _SCORE.fullmatch(known.unit):
        return f"per {multiple:g} {'point' if multiple == 1 else 'points'}"
    # A derived variable may carry its own step, such as "per 10 years".
    step = re.fullmatch(r"per ([\d.]+) (.+)", known.unit)
    return f"per {multiple * float(step[1]):g} {step[2]}" if step else f"per {multiple:g} {known.unit}"
