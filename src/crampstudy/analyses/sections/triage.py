"""The parts of a section that are of red flags, of what counts as a cramp, and of recall against log."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, together
from crampstudy.analyses.sentences import triage as said
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.descriptive.frequency.recall import recall_against_log
from crampstudy.descriptive.single_cramps.case_definition import case_definition
from crampstudy.estimates import kinds
from crampstudy.triage import red_flags
from crampstudy.triage.flags import LONG, WEEKLY
from crampstudy.triage.shares import ANY, EVALUABLE, PEOPLE, SYMPTOM, WEEKS_ABOVE

FLAGS, TESTS, CASES = "tbl-red-flags", "tbl-red-flag-tests", "tbl-case-rates"
RECALLS = RECALL, RECALLED = "fig-recall", "tbl-recall"
_SHOWN = (EVALUABLE, WEEKS_ABOVE, PEOPLE[WEEKLY], PEOPLE[LONG], SYMPTOM, ANY)
"""What a page has room for beside the ages."""
_TESTED = (
    "Of the people with a recorded result, those whose red flag suggests the test and the others. Out of the ordinary: "
    "of blood tests at least one value outside of its reference range, an index below 0.9 or above 1.4, else abnormal."
)
_READ = (
    "Criteria of Hallegraeff and others [@hallegraeff2017], read as pain of at least 5 points, at most 10 min, in calf "
    "or foot, soreness afterwards, woken, and distress of at least 1 point. What was not noted of a cramp is not held "
    "against it."
)


def flagged(cohort: Cohort, settings: Settings) -> Findings:
    """Return how common and how steady red flags are, and what tests found."""
    rows = red_flags(cohort, settings.bands, ci_level=settings.ci_level)
    by_age, tested = kinds.RED_FLAG.rows(rows), kinds.TEST_RESULT.rows(rows)
    flags = by_age[by_age["level"].isin(PEOPLE.values()) & by_age["status"].ne("not_measured")]["level"].nunique()
    # Of a single flag who has any has this one.
    by_age = by_age[by_age["level"].isin(_SHOWN if flags > 1 else [level for level in _SHOWN if level != ANY])]
    found, could_not = {}, {}
    if by_age["estimate"].notna().any():
        note = said.disclaimed(" ".join(filter(None, (said.READ_AS, said.of_fewer(by_age), tables.notes(by_age)))))
        caption = f"Red flags of weeks and of people{', by age' if cohort.has('age_years') else ''}."
        found[FLAGS] = ReportTable(tables.red_flags(by_age), caption, note)
    else:
        could_not[FLAGS] = _reason(by_age, "nothing is known of any red flag")
    if tested["estimate"].notna().any():
        note = said.disclaimed(f"{_TESTED} {tables.notes(tested)}".strip())
        caption = "Recorded results of the tests that red flags suggest."
        found[TESTS] = ReportTable(tables.test_results(tested), caption, note)
    else:
        could_not[TESTS] = _reason(tested, "nobody has a recorded result of a test that a red flag suggests")
    return Findings(rows, found, could_not=could_not)


def counted(cohort: Cohort, settings: Settings) -> Findings:
    """Return how many cramps meet the criteria of a case, and the rate by either and without what looks alike."""
    rows = case_definition(cohort, where=settings.old_enough(cohort), ci_level=settings.ci_level)
    rates = kinds.CASE_RATE.rows(rows)
    if rates["estimate"].notna().sum() < 2:
        return Findings(rows, could_not={CASES: _reason(rates, "neither criteria nor look-alikes are measured")})
    alike = rates["level"].ne(rates["level"].iloc[0]) & rates["level"].str.contains("without", regex=False)
    beside = ", and of people without what looks alike" if (alike & rates["estimate"].notna()).any() else ""
    caption = f"Rate of cramps by what counts as one{beside}."
    table = ReportTable(tables.case_rates(rates), caption, f"{_READ} {tables.notes(rates)}".strip())
    return Findings(rows, {CASES: table})


def recalled(cohort: Cohort, settings: Settings) -> Findings:
    """Return how far the recalled number of cramps agrees with the logged one."""
    rows = recall_against_log(cohort, settings.bands, ci_level=settings.ci_level)
    agreement = kinds.RECALL.rows(rows)
    if not agreement["estimate"].notna().any():
        why = tables.reasons(agreement) or "; ".join(agreement["note"])
        return Findings(rows, could_not=dict.fromkeys(RECALLS, why))
    drawing = Drawing(
        "recall",
        rows,
        caption="Recalled minus logged cramps in 30 nights over the mean of both, a value a person; the lines are the "
        "mean difference and the limits of agreement, the area of a bubble the people in it.",
        alt=said.recall(rows),
    )
    note = (
        "A person counts once: the middle of the recalled class, of the open one its lower limit, against 30 times the "
        "rate of at least 28 logged nights. Differences are of square roots, and their limits hold 95% of the people "
        "[@bland1999]; kappa is weighted over the classes of 30 nights [@fleiss1969]. Recall is of the time before the "
        "diary."
    )
    text = f"{note} {tables.notes(agreement)}".strip()
    return Findings(
        rows, {RECALLED: ReportTable(tables.recall(agreement), "Recall against log.", text)}, {RECALL: drawing}
    )


def nothing(labels: tuple[str, ...], reason: str) -> Findings:
    """Return that some parts could not be made."""
    return Findings(together([]), could_not=dict.fromkeys(labels, reason))


def _reason(rows: pd.DataFrame, default: str) -> str:
    return tables.reasons(rows) or default
