"""What tests look at in the rows of a fit."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from crampstudy import wording
from crampstudy.errors import AnalysisError


def pick(rows: pd.DataFrame, term: str, level: str | None = None) -> Any:
    """Return the one row of a term, or of one of its levels."""
    found = rows[(rows["term"] == term) & (rows["level"].isna() if level is None else rows["level"] == level)]
    assert len(found) == 1
    return found.iloc[0]


def coefficients(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a fit without those of the declared contrasts, which say the same in other values."""
    return rows[~rows["term"].map(wording.is_declared)].reset_index(drop=True)


def order(rows: pd.DataFrame) -> list[tuple[str, str | None]]:
    """Return terms and levels in the order of their rows."""
    return [(t, None if pd.isna(level) else level) for t, level in zip(rows["term"], rows["level"], strict=True)]


def no_number(found: Any, status: str = "not_estimable") -> str:
    """Return the reason of a model without an answer, whose rows must show no number."""
    rows = found.estimates
    assert found.status == status and set(rows["status"]) == {status}
    assert rows[["estimate", "ci_low", "ci_high", "std_error", "p_value"]].isna().all(axis=None)
    assert rows["note"].nunique() == 1
    with pytest.raises(AnalysisError, match="has no estimate"):
        found.ratio({"sex": "female"}, {"sex": "male"})
    return str(rows["note"].iloc[0])
