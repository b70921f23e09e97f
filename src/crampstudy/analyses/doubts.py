"""What whoever reads a number of a cohort has to know of its values: cleaning doubted them, and changed nothing."""

from __future__ import annotations

from collections.abc import Collection

from crampstudy.cleaning.searches import copies, outliers
from crampstudy.cohort import Cohort
from crampstudy.models.coefficients.in_another_unit import named
from crampstudy.wording import counted


def of_counts(cohort: Cohort) -> list[str]:
    """Return what is to be said of the counts and the diaries, beside every rate of theirs."""
    far, same = numbers(cohort, outliers.RULE), numbers(cohort, copies.RULE)
    use, codes = ("is", "a code") if far == 1 else ("are", "codes")
    said = f"{counted(far, 'counts')} far above all others {use} in use, perhaps {codes} for no answer"
    one = f"{counted(same, 'participants', 'have')} a diary that is another's night for night, perhaps a copy of it"
    return [each for n, each in ((far, said), (same, one)) if n]


def numbers(cohort: Cohort, rule: str) -> int:
    """Return how often a rule of cleaning was broken."""
    return sum(each.n for each in cohort.attrition.rules if each.rule == rule)


def of_columns(cohort: Cohort, names: Collection[str]) -> str:
    """Return on which of the columns no verdict is given, as many of their values look like another unit."""
    columns = named(cohort, names)
    return f"No verdict is given where many values look like another unit: {columns}." if columns else ""


def of_cohort(cohort: Cohort) -> list[str]:
    """Return all that is to be said, also of the columns of which many values look like another unit."""
    columns = named(cohort)
    units = f"many values look like another unit, so that no verdict is given on {columns}"
    return [*of_counts(cohort), *([units] if columns else [])]
