"""What a second opinion on models compared, as tidy rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    records = zip(wording.records(opinions), *gaps(opinions), strict=True)
    return rows.frame(row for opinion, *apart in records for row in _rows(opinion, apart))


def gaps(opinions: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return how far coefficients, and standard errors, of a second opinion are apart, both in our standard errors."""
    errors = opinions["std_error"].where(opinions["std_error"] > 0)
    return (opinions["coefficient_difference"] / errors).abs(), (opinions["std_error_difference"] / errors).abs()


def _rows(opinion: Mapping[str, Any], apart: Sequence[float]) -> Iterator[dict[str, Any]]:
    if pd.isna(opinion["coefficient"]):
        return
    cells = {name: opinion[name] for name in _SHARED if pd.notna(opinion[name])}
    both = ((kinds.COEFFICIENT, ""), (kinds.COEFFICIENT_BY_STATSMODELS, "statsmodels_"))
    for kind, whose in both:
        numbers = {"estimate": opinion[f"{whose}coefficient"], "std_error": opinion[f"{whose}std_error"]}
        if pd.notna(numbers["estimate"]):
            yield rows.row(status="converged", analysis=kind.name, scale="coefficient", **cells, **numbers)
    for scale, gap in zip((GAP, ERROR_GAP), apart, strict=True):
        if pd.notna(gap):
            yield rows.row(status="converged", analysis=kinds.COEFFICIENT_GAP.name, scale=scale, **cells, estimate=gap)
