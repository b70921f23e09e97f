"""How age stands in a formula that adjusts for it."""

from __future__ import annotations

import numpy as np

from crampstudy.cohort import Cohort, subpopulation
from crampstudy.nights import people

SPLINE, LINE = "ns(age_years, df=3)", "age_years"
_FEWEST_AGES = 10


def age_term(cohort: Cohort, where: str | None = None) -> str:
    """Return age as a natural cubic spline, or as a line where those inside are of too few different ages for one.

    These are fewer than 10 different ages, or so many people of one age that knots would fall together.
    """
    frame = people(cohort)
    ages = frame["age_years"].filter(subpopulation.select(frame, where).inside).drop_nulls()
    if ages.n_unique() < _FEWEST_AGES:
        return LINE
    knots = np.quantile(ages.to_numpy(), (0, 1 / 3, 2 / 3, 1))
    return SPLINE if (np.diff(knots) > 0).all() else LINE
