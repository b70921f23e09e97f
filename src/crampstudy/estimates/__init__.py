"""The tidy rows that every model, table and comparison yields, and the kinds of results that they are."""

from crampstudy.estimates.rows import (
    COLUMNS,
    FEWEST,
    Status,
    at_contrasts,
    frame,
    key,
    no_interval,
    ratios,
    row,
    to_csv,
    to_json,
    without_interval,
)

__all__ = [
    "COLUMNS",
    "FEWEST",
    "Status",
    "at_contrasts",
    "frame",
    "key",
    "no_interval",
    "ratios",
    "row",
    "to_csv",
    "to_json",
    "without_interval",
]
