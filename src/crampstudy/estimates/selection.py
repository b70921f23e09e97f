"""Which rows of a fit are shown: those that compare, each comparison once."""

from __future__ import annotations

import pandas as pd

from crampstudy import wording
from crampstudy.estimates.kinds import is_split
from crampstudy.estimates.rows import TEXT

BASELINES = ("intercept", "threshold", "dispersion", f"{wording.ZERO_PART}intercept")
"""Terms of a model that compare nothing; tables for readers leave them out."""


PARAMETERS = ("dispersion", "standard_deviation", "correlation", "icc", "mrr", "mor", "share", "reliability")
"""Scales of what a model has beside its coefficients, which stands under the table and not in it."""


_BASELINE = ("intercept", "threshold")


def ratios(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that compare: ratios, and no intercept, dispersion or other parameter of a model.

    Each comparison once: without those that split one into within and between participants.
    """
    return rows[rows["scale"].str.endswith("_ratio", na=False) & ~is_split(rows)]


def differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that compare numbers: differences, each comparison once, and no mean."""
    return rows[rows["scale"].eq("difference") & ~rows["term"].isin(BASELINES) & ~is_split(rows)]


def declared(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows are of a declared contrast."""
    terms = rows["term"].astype(TEXT).str.removeprefix(wording.ZERO_PART)
    return terms.str.startswith(wording.CONTRAST).fillna(value=False).astype(bool)


def at_contrasts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of one model with each number at its declared contrast, where it has one, and else per unit."""
    contrasts = {term.replace(wording.CONTRAST, "") for term in rows["term"] if wording.is_declared(term)}
    return rows[~(rows["term"].isin(contrasts) & rows["level"].isna() & rows["scale"].ne("wald_test"))]


def compares(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows a table of factors shows: those that compare something, else those of the baseline."""
    beside = rows["scale"].isin(PARAMETERS) | is_split(rows)
    baseline = rows["term"].isin(BASELINES)
    compared = ~baseline & ~beside
    return compared if compared.any() else rows["term"].isin(_BASELINE)
