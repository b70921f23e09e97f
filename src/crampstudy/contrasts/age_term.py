"""How age stands in a formula that adjusts for it."""

from __future__ import annotations

from crampstudy.cohort import Cohort

_FEWEST_AGES = 10


def age_term(cohort: Cohort) -> str:
    """Return age as a natural cubic spline, or as a line in a cohort with fewer than 10 different ages."""
    ages = cohort.tables["participants"]
    enough = "age_years" in ages.columns and ages["age_years"].n_unique() >= _FEWEST_AGES
    return "ns(age_years, df=3)" if enough else "age_years"
