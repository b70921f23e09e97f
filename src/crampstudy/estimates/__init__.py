"""The tidy rows that every model, table and comparison yields, and the kinds of results that they are."""

from crampstudy.estimates.rows import (
    COLUMNS,
    FEWEST,
    TEXT,
    Status,
    frame,
    from_csv,
    key,
    no_interval,
    note,
    reason,
    row,
    to_csv,
    to_json,
    without_interval,
)
from crampstudy.estimates.selection import BASELINES, PARAMETERS, at_contrasts, compares, declared, differences, ratios

__all__ = [
    "BASELINES",
    "COLUMNS",
    "FEWEST",
    "PARAMETERS",
    "TEXT",
    "Status",
    "at_contrasts",
    "compares",
    "declared",
    "differences",
    "frame",
    "from_csv",
    "key",
    "no_interval",
    "note",
    "ratios",
    "reason",
    "row",
    "to_csv",
    "to_json",
    "without_interval",
]
