"""What a comparison asks, and what it cannot tell, computed from its cohorts and rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import pandas as pd

from crampstudy import wording
from crampstudy.analyses import doubts
from crampstudy.analyses.comparison.part import among, of_part
from crampstudy.analyses.comparison.sentences.people import MOST, furthest, told_once
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.models.terms import formula
from crampstudy.nights import people

_SHARE = 0.05
"""Cohorts whose shares of observed nights lie further apart than this are named."""
_OF_AGE = {"age_band": "age_years", "age_decade": "age_years"}

_OF_KINDS = {
    "diary": ", how cramps were asked for and how completely they were logged",
    "survey": " and who answers, and how cramps were asked for",
    "diary, survey": ", how cramps were asked for, and how completely they were logged or recalled",
}
"""What else lies between cohorts, by their kinds."""


def question(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> str:
    """Return what is asked."""
    names = [cohort.name for cohort in cohorts]
    by = "age" if settings.by == "age_band" else wording.small(wording.grouping(settings.by))
    others = wording.listed(names[1:])
    groups = f"by {by}{among(cohorts, settings)}"
    return f"How does the frequency of cramps in {others} compare with that in {names[0]}, {groups}?"


def limits(cohorts: Sequence[Cohort], settings: ComparisonSettings, rows: pd.DataFrame) -> str:
    """Return what cannot be compared, and why; what the design of a comparison cannot tell."""
    inside = [each for each in of_part(cohorts, settings) if each is not None]
    return wording.sentences(
        [
            *_of_kinds(cohorts),
            *_of_people(rows, settings.by),
            *_of_logging(rows),
            *_of_time(inside),
            *_of_treatments(inside),
            *_of_ages(inside, settings),
            *_of_identifiers(inside),
            "nobody was put into one cohort or the other by chance: what lies between cohorts is an association, and "
            f"may come from who takes part{_OF_KINDS[', '.join(sorted({cohort.kind for cohort in cohorts}))]}",
            *(f"in {cohort.name} {text}" for cohort in cohorts for text in doubts.of_cohort(cohort)),
            *told_once(cohorts, [cohort.attrition.remarks for cohort in cohorts]),
            *_of_simulated(cohorts),
        ],
        [cohort.name for cohort in cohorts],
    )


def _of_kinds(cohorts: Sequence[Cohort]) -> Iterator[str]:
    if len({cohort.kind for cohort in cohorts}) == 1:
        return
    listed = wording.listed(f"{cohort.name} is a {cohort.kind}" for cohort in cohorts)
    yield (
        f"{listed}: a rate of logged nights and a recalled frequency are different measures, and are not set against "
        "each other; they meet in the class of 30 nights alone, and recall against a log remains a difference of method"
    )


def _of_people(rows: pd.DataFrame, by: str) -> Iterator[str]:
    """Yield in what each cohort differs that no ratio takes into account, and what the adjusted one does.

    Groups take into account what they are formed ``by``, and the adjusted ratio its terms, where it was estimated.
    """
    grouped = {_OF_AGE.get(by, by)}
    for name, own in kinds.STANDARDISED_DIFFERENCE.rows(rows).groupby("cohort", sort=False):
        first = own["reference"].iloc[0]
        differing = [term for term in furthest(own) if term not in grouped]
        adjusted = _adjusted_for(rows, str(name))
        open_ = [term for term in differing if term not in adjusted]
        if open_:
            number = wording.counted(len(open_), "characteristics")
            most = ", most in " if len(open_) > MOST else ": "
            yield (
                f"the cohort “{name}” differs from {first} in {number} that no ratio between them takes into account"
                f"{most}{_names(open_[:MOST])}"
            )
        if taken := [term for term in differing if term in adjusted]:
            how, verb = "as well" if open_ else f"from {first}", "is" if len(taken) == 1 else "are"
            only = "taken into account in the adjusted ratio alone"
            yield f"{_names(taken)}, in which {name} differs {how}, {verb} {only}"


def _adjusted_for(rows: pd.DataFrame, name: str) -> frozenset[str]:
    """Return the variables that the adjusted ratio of a cohort takes into account, none where there is no ratio."""
    own = kinds.BETWEEN_ADJUSTED.rows(rows)
    own = own[own["cohort"].eq(name) & own["estimate"].notna()]
    terms = {term for each in own["adjusted_for"] for term in str(each).split("; ")}
    names = frozenset[str]().union(*(formula.columns_in(formula.parse(term)) for term in terms))
    return frozenset(_OF_AGE.get(each, each) for each in names)


def _names(terms: Sequence[str]) -> str:
    return wording.listed(wording.small(wording.label(term)) for term in terms)


def _of_logging(rows: pd.DataFrame) -> Iterator[str]:
    complete = kinds.COMPLETENESS.rows(rows)
    shares = complete[(complete["scale"] == "proportion") & (complete["level"] == "all")].set_index("cohort")[
        "estimate"
    ]
    if shares.notna().sum() > 1 and shares.max() - shares.min() > _SHARE:
        least, most = str(shares.idxmin()), str(shares.idxmax())
        yield (
            f"{least} has {wording.number(100 * shares[least], 1)}% of what was expected of it, {most} "
            f"{wording.number(100 * shares[most], 1)}%: where nights with cramps are logged more or less often than "
            "others, that alone makes a difference"
        )


def _of_time(cohorts: Sequence[Cohort]) -> Iterator[str]:
    spans = {}
    for cohort in cohorts:
        if cohort.kind == "diary":
            dates = cohort.frame("diary")["date"]
            spans[cohort.name] = {(day.year, day.month) for day in dates.unique()}
    months = [{month for _, month in each} for each in spans.values()]
    if len(months) > 1 and any(each != months[0] for each in months[1:]):
        shared = set.intersection(*months)
        said = (
            f"they share {wording.counted(len(shared), 'months')} of the year"
            if shared
            else "they share no month of the year"
        )
        yield f"the diaries were not kept in the same months ({said}): season is part of the difference"


def _of_treatments(cohorts: Sequence[Cohort]) -> Iterator[str]:
    """Yield which cohorts are of people of whom some were treated, for rates and ratios are of all of their nights."""
    by_agents: dict[str, list[str]] = {}
    for cohort in cohorts:
        if cohort.kind == "diary" and (agents := cohort.frame("treatments")["agent"].drop_nulls().unique().to_list()):
            by_agents.setdefault(wording.listed(map(wording.agent, sorted(agents))), []).append(cohort.name)
    for taken, names in by_agents.items():
        yield (
            f"some participants of {wording.listed(names)} were treated ({taken}), and their nights under a treatment "
            "are taken together with the others"
        )


def _of_ages(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> Iterator[str]:
    unaged = [cohort.name for cohort in cohorts if not people(cohort)["age_years"].count()]
    if unaged:
        of = "" if len(cohorts) - len(unaged) < 2 else " of that"
        said = f"nothing{of} is standardised, and no group by age compared"
        yield f"nobody in {wording.listed(unaged)} has an age: {said}"
    if len(unaged) < len(cohorts) and settings.by == "age_band":
        yield (
            f"participants below {settings.bands.limits[0]} years and those without an age are left out of what is "
            "compared by age"
        )


def _of_identifiers(cohorts: Sequence[Cohort]) -> Iterator[str]:
    """Yield how many identifiers cohorts share, which of simulated ones are never those of the same people."""
    known = [{*cohort.frame("participants")["participant_id"]} for cohort in cohorts if not cohort.synthetic]
    shared = {name for one, other in combinations(known, 2) for name in one & other}
    if shared:
        yield (
            f"{wording.counted(len(shared), 'identifiers', 'stand')} in more than one cohort and "
            f"{'is' if len(shared) == 1 else 'are'} taken to be of different people; were they the same people, their "
            "cramps would not be independent, and the intervals would not be right"
        )


def _of_simulated(cohorts: Sequence[Cohort]) -> Iterator[str]:
    names = [cohort.name for cohort in cohorts if cohort.synthetic]
    if names:
        what, *verbs = ("cohort", "is", "tells") if len(names) == 1 else ("cohorts", "are", "tell")
        yield f"the {what} {wording.listed(names)} {verbs[0]} synthetic, and {verbs[1]} nothing about people"
