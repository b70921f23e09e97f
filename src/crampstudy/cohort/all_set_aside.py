"""What a study recorded and cleaning left no value of: that is something else than what was never recorded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import polars as pl

from crampstudy import codebook, wording
from crampstudy.cohort.frozen import Cohort
from crampstudy.cohort.remembered import remembered

_TABLES = ("participants", "diary")


@remembered
def all_set_aside(cohort: Cohort) -> Mapping[str, str]:
    """Return the variables of which every value was set aside in cleaning, each with how many were, by which rule.

    Of a part of a cohort nothing is said: what was set aside is counted for the whole.
    """
    if cohort.attrition.part:
        return {}
    found: dict[str, dict[str, int]] = {}
    for name, rule, n in _blanked(cohort):
        by_rule = found.setdefault(name, {})
        by_rule[rule] = by_rule.get(rule, 0) + n
    return {name: _said(by_rule) for name, by_rule in found.items() if not cohort.has(name)}


def _blanked(cohort: Cohort) -> Iterator[tuple[str, str, int]]:
    """Yield how many values of a variable were blanked by a rule; of what ``labs`` measured, of its baseline."""
    measured, labs = codebook.analytes(), cohort.frame("labs")
    kept = {*labs.filter(pl.col("value").is_not_null())["analyte"]}
    for count in cohort.attrition.rules:
        for name, n in count.columns if count.severity == "blank-cell" else ():
            if count.table == "labs" and name in measured and name not in kept:
                yield measured[name].name, count.rule, n
            elif count.table in _TABLES:
                yield name, count.rule, n


def _said(by_rule: Mapping[str, int]) -> str:
    named = {rule: rule.replace("-", " ") for rule in by_rule}
    return wording.listed(f"{wording.count(n)} by the rule {named[rule]}" for rule, n in by_rule.items())
