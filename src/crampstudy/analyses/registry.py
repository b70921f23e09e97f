"""The analyses by the name of their section, and the one way to run them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.age_and_muscle import ANALYSIS as AGE_AND_MUSCLE
from crampstudy.analyses.analysis import Analysis
from crampstudy.analyses.cohort import ANALYSIS as COHORT
from crampstudy.analyses.findings import Findings, has_estimate, together
from crampstudy.analyses.second_opinion import ANALYSIS as SECOND_OPINION
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError

ANALYSES: Mapping[str, Analysis] = {analysis.name: analysis for analysis in (COHORT, AGE_AND_MUSCLE, SECOND_OPINION)}
"""The analyses by name, in the order of the article."""


def named(name: str) -> Analysis:
    """Return the analysis of a name.

    Raises:
        UsageError: no analysis has this name.
    """
    if name not in ANALYSES:
        close = difflib.get_close_matches(name, ANALYSES, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        listed = "; ".join(f"{each.name}: {each.question}" for each in ANALYSES.values())
        raise UsageError(f"no analysis {name!r}; {hint}allowed: {listed}")
    return ANALYSES[name]


def run(name: str, cohort: Cohort, settings: Settings | None = None) -> Findings:
    """Return what an analysis finds in a cohort; what it cannot make is said in ``could_not``, never raised.

    Args:
        name: the name of a section.
        cohort: a diary or a survey.
        settings: by default those of :class:`Settings`.

    Raises:
        UsageError: no analysis has this name, or the settings do not suit the cohort.
    """
    analysis = named(name)
    answer = analysis.answers.get(cohort.kind)
    if answer is None:
        served = " or ".join(f"a {kind}" for kind in analysis.answers)
        return _nothing(analysis, f"this is answered from {served}, and {cohort.name} is a {cohort.kind}")
    if lacking := answer.lacking(cohort):
        return _nothing(analysis, lacking)
    try:
        found = answer.function(cohort, settings or Settings())
    except AnalysisError as problem:
        return _nothing(analysis, str(problem))
    return _whole(analysis, found)


def _nothing(analysis: Analysis, reason: str) -> Findings:
    said = f"Could not estimate: {reason}."
    return Findings(
        together([]), values=dict.fromkeys(analysis.values, said), could_not=dict.fromkeys(analysis.parts, reason)
    )


def _whole(analysis: Analysis, found: Findings) -> Findings:
    """Return findings that say of every part of the section whether it was made, could not be, or is absent."""
    empty = {label: "there is nothing to show" for label, table in found.tables.items() if table.frame.empty}
    drawn = {
        label: _why(drawing.estimates)
        for label, drawing in found.figures.items()
        if not has_estimate(drawing.estimates)
    }
    made = {label: table for label, table in found.tables.items() if label not in empty}
    could_not = {**empty, **drawn, **found.could_not}
    told = {*made, *found.figures, *could_not}
    stray = [*({*found.tables, *found.figures} - {*analysis.parts}), *({*found.values} ^ {*analysis.values})]
    if stray:
        raise TypeError(f"the analysis {analysis.name!r} does not declare, or does not give: {', '.join(stray)}")
    absent = tuple(label for label in analysis.parts if label not in told)
    return replace(found, tables=made, could_not=could_not, absent=absent)


def _why(rows: pd.DataFrame) -> str:
    return tables.reasons(rows) or "there is nothing to draw"
