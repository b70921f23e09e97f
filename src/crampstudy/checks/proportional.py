"""Whether one ratio will do: for all classes of an ordinal model, or for all the time of a Cox model."""

from __future__ import annotations

from crampstudy.checks.result import ALPHA, Check, made, not_made
from crampstudy.models.family import PROPORTIONALITY, Proportionality
from crampstudy.wording import p_text


def proportional(found: Proportionality) -> Check:
    """Say whether a model's ratios are the same between the classes, or over time: each column, and all together."""
    if found.problem:
        return not_made(PROPORTIONALITY, found.problem)
    rows = list(found.rows)
    p = float(str(rows[0]["p_value"]))
    least = min(rows[1:], key=lambda row: float(str(row["p_value"])))
    passed = p >= ALPHA
    most = f", most of all {least['column']}" if not passed and len(rows) > 2 else ""
    said = f"{found.same} ({p_text(p)})"
    if not passed:
        said = f"{found.differ}{most} ({p_text(p)}): the one shown is their average"
    return made(PROPORTIONALITY, passed, rows, said)
