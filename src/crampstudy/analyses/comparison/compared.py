"""The findings of a comparison: groups, people, factors, tests, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.comparison import bands, common, methods, people
from crampstudy.analyses.comparison.factors import FACTORS, factors
from crampstudy.analyses.comparison.part import among, whatever_age
from crampstudy.analyses.comparison.sensitivity import SENSITIVITY, sensitivity
from crampstudy.analyses.comparison.sentences import bands as bands_said
from crampstudy.analyses.comparison.sentences import limits as said
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.findings import (
    Findings,
    attempt,
    has_estimate,
    joined,
    of_no_row,
    together,
    told,
    with_estimates,
)
from crampstudy.analyses.unmarked import unmarked
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.wording import marks

_GROUPS = (bands.FIGURE, bands.GROUPS, bands.SEVERE)
_PEOPLE = (people.CHARACTERISTICS, people.COMPLETENESS, people.CLEANING)
_TESTS = (bands.CONTRASTS, bands.TESTS, bands.BESIDE)
_SHOWN = (*_GROUPS, *common.PARTS, *_PEOPLE, FACTORS, *_TESTS, SENSITIVITY)
PARTS = (*_SHOWN, *methods.PARTS)
"""The labels of all parts of a comparison; that of some cohorts may have fewer."""
VALUES = (
    *("question", "answer", "groups", "common", "people", "accounts", "factors"),
    *("interaction", "sensitivity", "not_estimated", "limits", "design", "cite"),
)
"""Names of the texts of its prose."""
_FACTORS = "Factors are compared between cohorts of one kind alone."
_OTHERWISE = "Tests, trends and other ways to standardise are of cohorts of one kind alone."
_SINGLE = (*(kind.name for kind in common.DESCRIBED), kinds.FACTOR_IN_COHORT.name)
_WHO = (kinds.CHARACTERISTICS.name, kinds.COMPLETENESS.name, kinds.STANDARDISED_DIFFERENCE.name)
_TOLD_BESIDE = (
    *(kinds.STANDARDISED_DIFFERENCE.name, kinds.CHARACTERISTICS.name),
    kinds.STANDARDISED_OTHERWISE.name,
)
_FURTHER = (
    *_WHO,
    *(kind.name for kind in (kinds.FACTOR_IN_COHORT, kinds.FACTOR_BETWEEN, kinds.STANDARDISED_OTHERWISE)),
)
"""Kinds of rows that a comparison's document has beside those of :func:`crampstudy.compare`."""


def compare_cohorts(cohorts: Sequence[Cohort], settings: ComparisonSettings | None = None) -> Findings:
    """Return what a comparison of cohorts shows; what cannot be made says why.

    Args:
        cohorts: two or more of different names, as :func:`open_cohorts` returns them.
        settings: by default those of :class:`ComparisonSettings`.

    Raises:
        UsageError: the settings do not suit the cohorts, as of :func:`crampstudy.compare`.
    """
    settings = settings or ComparisonSettings()
    rows = bands.contrasts(cohorts, settings)
    first = settings.reference or cohorts[0].name
    ordered = sorted(cohorts, key=lambda cohort: cohort.name != first)
    alike = [cohort for cohort in ordered if cohort.kind == ordered[0].kind]
    several, whose = len(alike) > 1, among(ordered, settings)
    with marks.asked():
        found = joined(
            bands.by_group(rows, whose, whatever_age(ordered, settings)),
            common.common_measure(rows),
            attempt(_PEOPLE, lambda: people.who_the_cohorts_are(ordered, settings)),
            attempt((FACTORS,), lambda: factors(alike, settings, whose)) if several else _alone("factors", _FACTORS),
            bands.tests(rows, whose),
            attempt((SENSITIVITY,), lambda: sensitivity(alike, settings, whose))
            if several
            else _alone("sensitivity", _OTHERWISE),
        )
        made = _whole(ordered, settings, found)
        said = methods.describe_comparison(ordered, settings, made.estimates)
        return unmarked(_with_names(joined(made, said), ordered))


def compares_anything(rows: pd.DataFrame) -> bool:
    """Say whether anything was estimated but who the cohorts are and how complete."""
    return has_estimate(rows[~rows["analysis"].isin(_WHO)])


def compared_rows(rows: pd.DataFrame) -> pd.DataFrame:
    """Return of the rows of a comparison's document those that :func:`crampstudy.compare` makes; they stand first."""
    others = rows["analysis"].isin(_FURTHER)
    return rows[~others.cummax()]


def _alone(name: str, said: str) -> Findings:
    """Return that nothing is compared of what only cohorts of one kind have."""
    return Findings(together([]), values={name: said})


def _once(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows without those of single cohorts that a contrast is made of, which has their reasons and says whose.

    Of characteristics it is said beside them which cohort lacks which, and of other ways to standardise with the one
    that was asked for, or in their table. Where cohorts of two kinds are not set against
    each other, what each has by itself stays.
    """
    contrasts = rows[rows["analysis"].isin([kinds.BETWEEN_COHORTS.name, kinds.FACTOR_BETWEEN.name])]
    compared = {*contrasts["cohort"], *contrasts["reference"]}
    rows = rows[~rows["analysis"].isin(_TOLD_BESIDE)]
    return rows[~(rows["analysis"].isin(_SINGLE) & rows["cohort"].isin(compared))]


def _whole(cohorts: Sequence[Cohort], settings: ComparisonSettings, found: Findings) -> Findings:
    """Return findings that say of every part whether it was made, and what could not be estimated or compared."""
    # What a comparison has no rows for, such as cells that were set aside, lacks nothing.
    rows, stated = told(found), found
    found, empty = with_estimates(found)
    given = {*found.tables, *found.figures, *found.could_not} - {*empty}
    values = dict.fromkeys(VALUES, "") | dict(found.values)
    # Where only the measure that a diary and a survey have in common is compared, it is the answer.
    if not values["answer"]:
        values["answer"], values["common"] = values["common"], ""
    beside = bands_said.beside_crude(found.estimates)
    values |= {
        "answer": f"{values['answer']} {beside}".strip(),
        "question": said.question(cohorts, settings),
        "not_estimated": _not_estimated(rows, of_no_row(stated, found.could_not)),
        "limits": said.limits(cohorts, settings, found.estimates),
    }
    return replace(found, values=values, absent=tuple(label for label in _SHOWN if label not in given))


def _not_estimated(rows: pd.DataFrame, parts: Mapping[str, str]) -> str:
    """Return what could not be estimated or compared, but for what is told where it stands."""
    said = tables.not_estimated(_once(rows), parts, "every cohort")
    beside = rows[rows["analysis"].isin(_TOLD_BESIDE) & ~rows["status"].isin(["converged", "boundary"])]
    return _ELSE if said == tables.ALL_ESTIMATED and len(beside) else said


_ELSE = "All that is compared could be estimated, but for what is said to be lacking where it stands."


def _with_names(found: Findings, cohorts: Sequence[Cohort]) -> Findings:
    """Return findings whose tables and figures say which cohort is which."""
    who = people.who_is_who(cohorts)
    return replace(
        found,
        tables={label: replace(table, note=_with(table.note, who)) for label, table in found.tables.items()},
        figures={label: replace(drawing, note=_with(drawing.note, who)) for label, drawing in found.figures.items()},
    )


def _with(note: str | None, who: str) -> str | None:
    return " ".join(filter(None, (note, who))) or None
