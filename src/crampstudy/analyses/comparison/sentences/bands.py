"""What the comparison says of rates and prevalences by group, of the tests and of the trends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.age_bands.standards import cited
from crampstudy.analyses.comparison.sentences.people import APART
from crampstudy.descriptive.rates import ALL
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.sentences import in_text, times
from crampstudy.tables.sections.compared import ratios

Row = dict[str, Any]
_VERDICTS = {
    "higher": "cramps are more common",
    "lower": "cramps are less common",
    "differs but negligible": "a difference too small to matter",
    "near null": "no difference that would matter",
    "inconclusive": "an interval too wide to tell",
}
_WHAT = {
    "cramps": "the rate of cramps",
    "any_cramp": "the prevalence of any cramp",
    "moderate_severe_vs_rest": "the prevalence of moderate-severe cramps",
}

_RATIO = {
    "cramps": "rate ratio",
    "any_cramp": "odds ratio of any cramp",
    "moderate_severe_vs_rest": "odds ratio of moderate-severe cramps",
}
"""What one model of all cohorts has."""


def answer(rows: pd.DataFrame) -> str:
    """Return what lies between the cohorts over all groups: standardised where that was estimated, else crude."""
    return wording.sentences(
        _overall(str(name), own, outcome)
        for outcome in _outcomes(rows)
        for name, own in ratios(rows, outcome).groupby("cohort", sort=False)
    )


def beside_crude(rows: pd.DataFrame) -> str:
    """Return what stands beside a crude answer: how far apart in age the cohorts are, and a ratio at the ages of some.

    Nothing where the answer is standardised, or where there is none.
    """
    return wording.sentences(
        text
        for outcome in _outcomes(rows)
        for name, own in ratios(rows, outcome).groupby("cohort", sort=False)
        if not kinds.BETWEEN_STANDARDISED.rows(own)["estimate"].notna().any() and own["term"].eq("age_band").any()
        if any(pd.notna(row["estimate"]) for row in _wholes(kinds.BETWEEN_COHORTS.rows(own)))
        for text in (_ages_apart(rows, str(name)), _at_other_ages(rows, str(name), outcome))
        if text
    )


def _ages_apart(rows: pd.DataFrame, name: str) -> str:
    differences = kinds.STANDARDISED_DIFFERENCE.rows(rows)
    own = differences[differences["term"].eq("age_years") & differences["cohort"].eq(name)]
    own = own[own["estimate"].abs().gt(APART)]
    if own.empty:
        return ""
    by, older = float(own["estimate"].iloc[0]), own["reference"].iloc[0]
    how = "older" if by > 0 else "younger"
    return (
        f"people in {name} are {how} than those in {older} by {wording.number(abs(by))} standard deviations, so that "
        "the crude ratio reflects their ages as well"
    )


def _at_other_ages(rows: pd.DataFrame, name: str, outcome: str) -> str:
    """Return the ratio standardised in some other way, the first that could be estimated, and in which."""
    ways = kinds.STANDARDISED_OTHERWISE.rows(rows)
    ways = ways[ways["cohort"].eq(name) & ways["outcome"].eq(outcome) & ways["scale"].str.endswith("_ratio")]
    known = wording.records(ways[ways["estimate"].notna()])
    if not known:
        return ""
    verdict = _verdict(known[0])
    way, ages = str(known[0]["level"]), str(known[0]["estimand"])
    # Where only the standard is another, its ages tell which.
    how = ages if ages.endswith(way) else f"{ages}, but with {way},"
    return f"{how} the ratio is {in_text(known[0])}: {verdict}"


def grouping(rows: pd.DataFrame) -> str:
    """Return by what rows are grouped, inside a text: ``age``."""
    return wording.small(wording.grouping(str(rows["term"].iloc[0])).replace(" (years)", ""))


def by_group(rows: pd.DataFrame) -> str:
    """Return the verdict of each group, those that were not compared last, and why."""
    return wording.sentences(
        said
        for outcome in _outcomes(rows)
        for name, own in kinds.BETWEEN_COHORTS.rows(ratios(rows, outcome)).groupby("cohort", sort=False)
        for said in _verdicts(str(name), own.iloc[: -len(_wholes(own))], outcome, _told(own))
    )


def basis(rows: pd.DataFrame) -> str:
    """Return what the ratios of a table are, the standard by its name."""
    standardised = kinds.BETWEEN_STANDARDISED.rows(rows)
    said = f"{estimators(rows)}."
    return said + (f" Standardised: {cited(standardised['estimand'].iloc[0])}." if len(standardised) else "")


def estimators(rows: pd.DataFrame) -> str:
    """Return how ratios and their intervals are made."""
    survey = rows["scale"].iloc[0] == "prevalence_ratio"
    how = "Design-based prevalences, ratios by the delta method" if survey else "Cluster-robust rates and ratios"
    return f"{how}, with Welch and Satterthwaite's degrees of freedom; cohorts are independent of one another"


def caption(rows: pd.DataFrame, whose: str = "") -> str:
    """Return what the figure shows, and ``whose`` that is, after a comma."""
    survey = rows["scale"].iloc[0] == "prevalence_ratio"
    what = "Prevalence of recalled cramps" if survey else "Incidence rate of cramps"
    against = f"and below the ratio against {rows['reference'].iloc[0]} on a log axis"
    return f"{what} by {grouping(rows)} in each cohort{whose}, {against}."


def alt(rows: pd.DataFrame) -> str:
    """Return what the figure shows, for those who cannot see it."""
    return f"Above, points with intervals by group and cohort; below, their ratios. {answer(rows)}"


def interaction(rows: pd.DataFrame) -> str:
    """Return whether the groups differ alike in all cohorts, and the trend with age in each."""
    return wording.sentences([*_tests(rows), *_trends(rows)])


def _outcomes(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(kinds.BETWEEN_COHORTS.rows(rows)["outcome"]))


def _overall(name: str, own: pd.DataFrame, outcome: str) -> str:
    standardised = wording.records(kinds.BETWEEN_STANDARDISED.rows(own))
    wholes = _wholes(kinds.BETWEEN_COHORTS.rows(own))
    crude = next((row for row in wholes if pd.notna(row["estimate"])), wholes[0])
    row = next((each for each in standardised if pd.notna(each["estimate"])), crude)
    if pd.isna(row["estimate"]):
        why = wording.ranges(str(row["note"]))
        return f"{_WHAT[outcome]} of {name} could not be compared with that of {row['reference']}: {why}"
    if row is crude:
        lost = (
            f" (a standardised one could not be estimated: {wording.ranges(str(standardised[0]['note']))})"
            if standardised
            else ""
        )
        unaged = row is not wholes[0]
        how = f"crude, {'all participants of whatever age' if unaged else 'all groups together'}{lost}"
    else:
        how = row["estimand"]
    return f"{_WHAT[outcome]} in {name} is {times(row)} that in {row['reference']}, {how}: {_verdict(row)}"


def _verdict(row: Row) -> str:
    """Return what the interval of a row says, of too few also of what."""
    if row["verdict"] == "too few":
        return f"too few {verdicts.few_of_what(row)} to tell"
    return _VERDICTS.get(str(row["verdict"]), "no verdict")


def _wholes(rows: pd.DataFrame) -> list[Row]:
    """Return the rows over all groups, which are the last: by age those from the first limit on, then who has none."""
    several = rows["term"].eq("age_band").all() and rows["level"].iloc[-1] == ALL
    return wording.records(rows.iloc[-2 if several else -1 :])


def _told(rows: pd.DataFrame) -> frozenset[str]:
    """Return the reasons why there is no ratio over all groups, which the answer says."""
    wholes = _wholes(rows)
    if any(pd.notna(row["estimate"]) for row in wholes):
        return frozenset()
    return frozenset(str(wholes[0]["note"]).split("; "))


_SAME = "for the same reason"


def _verdicts(name: str, rows: pd.DataFrame, outcome: str, told_before: frozenset[str]) -> Iterator[str]:
    known = rows[rows["estimate"].notna()]
    told = [
        f"{verdict} in {wording.listed(_counted(wording.records(own)))}"
        for verdict, own in known.groupby(known["verdict"].fillna("no verdict"), sort=False)
    ]
    if told:
        yield f"{_WHAT[outcome]} in {name}, group by group: {'; '.join(told)}"
    reasons: dict[str, list[str]] = {}
    for row in wording.records(rows[rows["estimate"].isna()]):
        for part in str(row["note"]).split("; "):
            why = _SAME if part in told_before else part
            groups = reasons.setdefault(why, [])
            groups += [group] if (group := wording.level(str(row["level"]))) not in groups else []
    # First what stands closest to its reason.
    for why in sorted(reasons, key=lambda why: why != _SAME):
        yield f"not compared, {why}: {wording.listed(reasons[why])}"


def _counted(rows: Sequence[Row]) -> list[str]:
    people = [wording.marked(row, wording.counted(int(row["n_participants"]), "people")) for row in rows]
    return [f"{wording.level(str(row['level']))} ({said})" for row, said in zip(rows, people, strict=True)]


def _tests(rows: pd.DataFrame) -> Iterator[str]:
    """Yield for each outcome whether ratios differ by group, alone and adjusted; what agrees is one statement."""
    for outcome, own in kinds.COHORT_INTERACTION.rows(rows).groupby("outcome", sort=False):
        ratio, said, before = f"the {_RATIO[str(outcome)]} between cohorts", "", ""
        lost = own[own["estimate"].isna()]
        if len(lost) > 1 and lost["note"].nunique() == 1:
            beside = wording.listed(f"adjusted for {each}" for each in lost["adjusted_for"].dropna())
            why = wording.ranges(str(lost["note"].iloc[0]))
            yield f"whether {ratio} differs by group, alone or {beside}, could not be tested: {why}"
            own = own[own["estimate"].notna()]
        for row in wording.records(own):
            beside = "" if pd.isna(row["adjusted_for"]) else f", adjusted for {row['adjusted_for']}"
            if pd.isna(row["estimate"]):
                comma = "," if beside else ""
                yield f"whether {ratio} differs by group{beside}{comma} could not be tested: {row['note']}"
                continue
            differ = row["p_value"] < 1 - row["ci_level"]
            clear = "differs by group" if differ else "is not shown to differ by group"
            law, _, degrees = str(row["unit"]).partition(" on ")
            number, p = wording.number(row["estimate"]), wording.p_text(row["p_value"])
            test = f"({law} = {wording.marked(row, number)} on {degrees}, {wording.marked(row, p)})"
            if not said:
                said = f"{ratio}{f'{beside},' if beside else ''} {clear} {test}"
            elif clear == before:
                said += f", {'also' if differ else 'nor'}{beside.removeprefix(',')} {test}"
            else:
                said += f"; {beside.removeprefix(', ')} it {clear} {test}"
            before = clear
        if said:
            yield said


def _trends(rows: pd.DataFrame) -> Iterator[str]:
    trends = kinds.COHORT_TREND.rows(rows)
    if (known := trends[trends["estimate"].notna()]).empty:
        return
    what = "is a straight line" if len(known) == 1 else "in each cohort is a straight line"
    alone = ", adjusted for nothing" if known["adjusted_for"].isna().all() else ""
    yield f"the trend with age {what}{alone}"
    for outcome, own in trends.groupby("outcome", sort=False):
        each = [f"{in_text(row)} in {row['level']}" for row in wording.records(own[own["estimate"].notna()])]
        if each:
            yield f"per 10 years of age the {_RATIO[str(outcome)]} is {wording.listed(each)}"
