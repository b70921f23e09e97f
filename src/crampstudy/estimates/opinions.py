"""What a second opinion on models compared, as tidy rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds, rows

GAP, ERROR_GAP = "gap_of_coefficients", "gap_of_standard_errors"
"""Scales of how far two programs are apart."""
_SHARED = ("cohort", "population", "outcome", "model", "term", "level", "reference")


def compared_coefficients(opinions: pd.DataFrame) -> pd.DataFrame:
    """Return what second opinions compared as tidy rows: the coefficients of both programs, and the gaps between them.

    Args:
        opinions: the columns :data:`crampstudy.models.second_opinion.COLUMNS`.
    """
    return rows.frame(row for opinion in wording.records(opinions) for row in _rows(opinion))


def _rows(opinion: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if pd.isna(opinion["coefficient"]):
        return
    cells = {name: opinion[name] for name in _SHARED if pd.notna(opinion[name])}
    both = ((kinds.COEFFICIENT, ""), (kinds.COEFFICIENT_BY_STATSMODELS, "statsmodels_"))
    for kind, whose in both:
        numbers = {"estimate": opinion[f"{whose}coefficient"], "std_error": opinion[f"{whose}std_error"]}
        if pd.notna(numbers["estimate"]):
            yield rows.row(status="converged", analysis=kind.name, scale="coefficient", **cells, **numbers)
    error = opinion["std_error"]
    for what, scale in (("coefficient", GAP), ("std_error", ERROR_GAP)) if error > 0 else ():
        gap = abs(opinion[f"{what}_difference"]) / error
        if pd.notna(gap):
            yield rows.row(status="converged", analysis=kinds.COEFFICIENT_GAP.name, scale=scale, **cells, estimate=gap)
