"""Cohorts compared: what the document of a comparison shows, as one set of findings."""

from crampstudy.analyses.comparison.compared import PARTS, VALUES, compare_cohorts, compared_rows, compares_anything
from crampstudy.analyses.comparison.opened import as_compared, open_cohorts
from crampstudy.analyses.comparison.settings import ComparisonSettings

__all__ = [
    "PARTS",
    "VALUES",
    "ComparisonSettings",
    "as_compared",
    "compare_cohorts",
    "compared_rows",
    "compares_anything",
    "open_cohorts",
]
