"""Why a cohort has no value of something: it was never recorded, or cleaning set aside all that was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crampstudy.cohort import Cohort, all_set_aside
from crampstudy.estimates.rows import row

UNMEASURED = "not measured in this cohort"
SET_ASIDE = "set aside"
"""The name of the fact of a row that says by which rules."""


def absent(cohort: Cohort, name: str) -> dict[str, Any]:
    """Return status, note and facts of a row of what a cohort has no value of."""
    rules = all_set_aside(cohort).get(name)
    note = UNMEASURED if rules is None else why_set_aside(rules)
    return {"status": "not_measured", "note": note, "facts": of_absent(cohort, name)}


def absent_row(where: Cohort, lacking: str, /, **cells: Any) -> dict[str, Any]:
    """Return the row of what a cohort has no value of, with other ``cells``."""
    return row(**{**cells, **absent(where, lacking)})


def of_absent(cohort: Cohort, name: str) -> Mapping[str, str | None]:
    """Return the facts of a row for which a cohort has no value of ``name``."""
    return {SET_ASIDE: all_set_aside(cohort).get(name)}


def why_set_aside(rules: str) -> str:
    """Return why there is no value of what was recorded."""
    return f"recorded, and every value was set aside in cleaning ({rules})"
