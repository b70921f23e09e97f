"""The analyses by the name of their section, and the one way to run them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

from crampstudy import suggestions, tables
from crampstudy.analyses import helper
from crampstudy.analyses.analysis import Analysis
from crampstudy.analyses.findings import Findings, of_no_row, together, told, with_estimates
from crampstudy.analyses.kept import kept
from crampstudy.analyses.others import Others, SectionResults
from crampstudy.analyses.overview.claims import ANALYSIS as CLAIMS
from crampstudy.analyses.overview.definitions import ANALYSIS as DEFINITIONS
from crampstudy.analyses.overview.methods import ANALYSIS as METHODS
from crampstudy.analyses.overview.summary import ANALYSIS as SUMMARY
from crampstudy.analyses.sections.activity import ANALYSIS as ACTIVITY
from crampstudy.analyses.sections.age_and_muscle import ANALYSIS as AGE_AND_MUSCLE
from crampstudy.analyses.sections.cohort import ANALYSIS as COHORT
from crampstudy.analyses.sections.conditions import ANALYSIS as CONDITIONS
from crampstudy.analyses.sections.frequency import ANALYSIS as FREQUENCY
from crampstudy.analyses.sections.hydration import ANALYSIS as HYDRATION
from crampstudy.analyses.sections.nutrition import ANALYSIS as NUTRITION
from crampstudy.analyses.sections.on_request.phenotypes import ANALYSIS as PHENOTYPES
from crampstudy.analyses.sections.on_request.prediction import ANALYSIS as PREDICTION
from crampstudy.analyses.sections.season import ANALYSIS as SEASON
from crampstudy.analyses.sections.second_opinion import ANALYSIS as SECOND_OPINION
from crampstudy.analyses.sections.severity import ANALYSIS as SEVERITY
from crampstudy.analyses.sections.sleep import ANALYSIS as SLEEP
from crampstudy.analyses.sections.systematic_reviews import ANALYSIS as SYSTEMATIC_REVIEWS
from crampstudy.analyses.sections.treatments import ANALYSIS as TREATMENTS
from crampstudy.analyses.settings import Settings
from crampstudy.analyses.unmarked import unmarked
from crampstudy.analyses.within import within
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.remembered import remembered
from crampstudy.compute import shared, stored, threads
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.wording import marks

ANALYSES: Mapping[str, Analysis] = {
    analysis.name: analysis
    for analysis in (
        SUMMARY,
        COHORT,
        FREQUENCY,
        AGE_AND_MUSCLE,
        SLEEP,
        NUTRITION,
        SYSTEMATIC_REVIEWS,
        TREATMENTS,
        HYDRATION,
        ACTIVITY,
        CONDITIONS,
        SEASON,
        SEVERITY,
        CLAIMS,
        PREDICTION,
        PHENOTYPES,
        METHODS,
        SECOND_OPINION,
        DEFINITIONS,
    )
}
"""The analyses by name, in the order of the article."""

EVERY_SECTION = ("question", "not_estimated")
"""Names of the texts that every section may show: what it asks, and what of that could not be estimated."""


def named(name: str) -> Analysis:
    """Return the analysis of a name.

    Raises:
        UsageError: no analysis has this name.
    """
    if name not in ANALYSES:
        listed = "; ".join(f"{each.name}: {each.question}" for each in ANALYSES.values())
        raise suggestions.unknown(UsageError, f"no analysis {name!r}", name, ANALYSES, f"allowed: {listed}")
    return ANALYSES[name]


def run(name: str, cohort: Cohort, settings: Settings | None = None, *, others: Others | None = None) -> Findings:
    """Return what an analysis finds in a cohort; what it cannot make is said in ``could_not``, never raised.

    Args:
        name: the name of a section.
        cohort: a diary or a survey.
        settings: by default those of :class:`Settings`.
        others: what the other analyses found, for one that draws on them; by default they are run.

    Raises:
        UsageError: no analysis has this name, or the settings do not suit the cohort.
    """
    # What the others found is known to this process alone.
    with helper.helped(name, cohort, settings) if others is None else nullcontext():
        return _run(named(name), cohort, settings, others)


def help_with(folder: Path) -> None:
    """Take part in the analysis that another process runs and shares in a folder."""
    if (asked := helper.taken(folder)) is not None:
        run(*asked)


def _run(analysis: Analysis, cohort: Cohort, settings: Settings | None, others: Others | None) -> Findings:
    name, cohort = analysis.name, within(cohort, settings.where if settings else None)
    if settings is not None and settings.graph is not None and not analysis.follows_graph:
        able = ", ".join(each.name for each in ANALYSES.values() if each.follows_graph)
        raise UsageError(f"{name} follows no graph of one's own; leave it out, or ask one that does: {able}")
    answer = analysis.answers.get(cohort.kind)
    if answer is None:
        served = " or ".join(f"a {kind}" for kind in analysis.answers)
        reason = f"this is answered from {served}, and not from a {cohort.kind}"
        return _nothing(analysis, cohort, analysis.parts, reason)
    if lacking := answer.lacking(cohort):
        return _nothing(analysis, cohort, answer.parts, lacking)
    asked = settings or Settings()
    if young := subpopulation.too_young(cohort, asked.youngest):
        return _nothing(analysis, cohort, answer.parts, young)
    drawn_on = (
        (run_others(cohort, asked, analysis.drawn_on) if others is None else others,)
        if analysis.draws_on_others
        else ()
    )

    def find() -> Findings:
        shared.begin()
        with marks.asked():
            return answer.function(cohort, asked, *drawn_on)

    try:
        with threads.alone():
            found = find() if asked.graph or drawn_on else kept((name, asked), (cohort,), find)
    except AnalysisError as problem:
        return _nothing(analysis, cohort, answer.parts, str(problem))
    return _whole(analysis, cohort, answer.parts, found)


def run_others(cohort: Cohort, settings: Settings, names: Collection[str] | None = None) -> Others:
    """Return what the analyses find that draw on no other, in a cohort of those alone who are asked for.

    Where ``names`` are given, of these alone.
    """
    settings = replace(settings, where=None, plan=None, multiverse=False)
    without_graph = replace(settings, graph=None)
    asked = [
        each
        for each in ANALYSES.values()
        if not each.draws_on_others and (not each.on_request if names is None else each.name in names)
    ]
    steps = [partial(_results, cohort, each.name, settings if each.follows_graph else without_graph) for each in asked]
    return dict(zip((each.name for each in asked), shared.each(steps, _RESULTS), strict=True))


_RESULTS = shared.Form(partial(stored.encode, kinds=(SectionResults,)), partial(stored.decode, kinds=(SectionResults,)))


@remembered
def _results(cohort: Cohort, name: str, settings: Settings) -> SectionResults:
    # A summary, a ledger and the methods draw on the same sections.
    return SectionResults.of(run(name, cohort, settings))


def _nothing(analysis: Analysis, cohort: Cohort, parts: Sequence[str], reason: str) -> Findings:
    # A kind of cohort that has none of the parts says of all of them why.
    parts = parts or analysis.parts
    # Said once, where the section's own prose begins.
    said = {name: "" if i else f"Could not estimate: {reason}." for i, name in enumerate(analysis.values)}
    found = Findings(together([]), values=said, could_not=dict.fromkeys(parts, reason))
    return _whole(analysis, cohort, parts, found)


def _whole(analysis: Analysis, cohort: Cohort, parts: Sequence[str], found: Findings) -> Findings:
    """Return findings that say of every part of the section whether it was made, could not be, or is absent.

    Raises:
        TypeError: the parts or values are not those that the analysis declares.
    """
    given = {*found.tables, *found.figures, *found.could_not, *found.absent}
    if wrong := [*(given ^ {*parts}), *({*found.values} ^ {*analysis.values})]:
        raise TypeError(f"the analysis {analysis.name!r} does not both declare and give: {', '.join(sorted(wrong))}")
    made, empty = with_estimates(found)
    could_not = {**{label: tables.why_none(found.estimates) for label in empty}, **made.could_not}
    whole = found.tables or found.figures or len(found.estimates)
    lacking = tables.not_estimated(told(found), of_no_row(found, could_not)) if whole else ""
    told_of_all = replace(
        made,
        could_not=could_not,
        values={**found.values, "question": analysis.asks(cohort.kind), "not_estimated": lacking},
        absent=(*found.absent, *(label for label in analysis.parts if label not in parts)),
    )
    return unmarked(told_of_all)
