"""How p-values of a family of comparisons are adjusted, and how strong confounding had to be to explain a ratio."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from crampstudy import estimates, wording
from crampstudy.estimates import facts, kinds

Row = dict[str, Any]
BY_HOLM = "q by Holm"
"""How a note begins that says over how many tests a q is adjusted."""
_OF_E_VALUES = ("rate_ratio", "prevalence_ratio")
_KEPT = (
    *(
        "cohort",
        "population",
        "outcome",
        "adjusted_for",
        "adjustment",
        "lacks",
        "term",
        "level",
        "reference",
        "ci_level",
    ),
    *("n_participants", "n_nights", "n_events"),
)


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The p-values of a family (k): ``holm`` keeps the chance of any error, ``fdr`` the expected share of errors."""

    holm: tuple[float, ...]
    fdr: tuple[float, ...]


def adjusted(p_values: Sequence[float]) -> Adjusted:
    """Return the p-values of a family adjusted by Holm and by Benjamini and Hochberg, in their order.

    Source: Holm 1979; Benjamini and Hochberg 1995.
    """
    given = np.asarray(p_values, dtype=float)
    order, left = np.argsort(given, kind="stable"), np.arange(len(given), 0, -1)
    holm, fdr = np.empty_like(given), np.empty_like(given)
    holm[order] = np.minimum(np.maximum.accumulate(given[order] * left), 1.0)
    # From the largest p-value down, of which there are as many at most as have been passed.
    fdr[order[::-1]] = np.minimum.accumulate(given[order[::-1]] * len(given) / left)
    return Adjusted(tuple(map(float, holm)), tuple(map(float, fdr)))


def with_holm(rows: Sequence[Row], family: Callable[[Row], bool], of: str) -> list[Row]:
    """Return rows, and beside those of the ``family`` that have a test the same by Benjamini and Hochberg.

    Of the family ``q_value`` is Holm's p-value, and ``note`` says over how many tests: so many ``of`` something. Each
    has a row of its own for the other one, at the end.
    """
    tested = [i for i, row in enumerate(rows) if row["p_value"] is not None and family(row)]
    found, made = adjusted([float(rows[i]["p_value"]) for i in tested]), list(rows)
    others: list[Row] = []
    for i, holm, fdr in zip(tested, found.holm, found.fdr, strict=True):
        row, size = rows[i], f"over {wording.counted(len(tested), of)}"
        told = {"q_value": holm, "note": estimates.note(f"{BY_HOLM} {size}", row["note"] or "")}
        made[i] = facts.with_facts(row, {"q": f"{BY_HOLM.removeprefix('q ')} {size}"}) | told
        cells = {"scale": "q_value", "estimate": fdr, "note": f"Benjamini-Hochberg {size}"}
        others.append(_beside(row, kinds.FALSE_DISCOVERY, cells))
    return [*made, *others]


def e_value_rows(rows: Sequence[Row]) -> list[Row]:
    """Return a row of the E-value of each ratio of rates or prevalences that has an estimate.

    ``ci_low`` is the E-value of the limit nearer to 1.
    """
    made = []
    for row in rows:
        if row["scale"] not in _OF_E_VALUES or row["estimate"] is None or not row["estimate"] > 0:
            continue
        cells: Row = {"scale": "e_value", "unit": "ratio that would explain it", "estimate": e_value(row["estimate"])}
        if row["ci_low"] is not None and row["ci_high"] is not None:
            cells["ci_low"] = e_values(row["estimate"], row["ci_low"], row["ci_high"])[1]
        made.append(_beside(row, kinds.E_VALUE, cells))
    return made


def _beside(row: Row, kind: kinds.Kind, cells: Row) -> Row:
    """Return what stands beside the row of a ratio: of which kind that is, is the estimand."""
    kept = {name: row[name] for name in _KEPT if row[name] is not None}
    if row["unit"] not in (None, "ratio of the two", "ratio of ratios"):
        # Between which values a number is compared says more than the first of them.
        kept["level"] = row["unit"]
    kept |= {"analysis": kind.name, "estimand": row["analysis"], "model": row["model"] or row["analysis"]}
    return estimates.row(status="converged", **kept | cells)


def e_value(ratio: float) -> float:
    """Return the smallest ratio that an unmeasured confounder needs with both to explain ``ratio`` by itself.

    The ratio is one of rates, prevalences or risks; below 1 its inverse is taken, and of 1 the value is 1.

    Source: VanderWeele and Ding 2017.
    """
    away = ratio if ratio >= 1 else 1 / ratio
    return away + math.sqrt(away * (away - 1))


def e_values(ratio: float, ci_low: float, ci_high: float) -> tuple[float, float]:
    """Return the E-value of a ratio, and that of the limit nearer to 1; of an interval that holds 1 it is 1."""
    if ci_low <= 1 <= ci_high:
        return e_value(ratio), 1.0
    return e_value(ratio), e_value(ci_low if ci_low > 1 else ci_high)
