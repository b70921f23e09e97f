"""What the comparison says of who the cohorts are."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crampstudy import wording
from crampstudy.cohort import Cohort
from crampstudy.estimates import FEWEST

APART = 0.1
"""A characteristic whose cohorts lie further apart than this, in standard deviations, is named."""
MOST = 6
"""So many characteristics are named, those that lie furthest apart."""


def apart(differences: pd.DataFrame) -> str:
    """Return in what cohorts differ most, and what only some of them measured."""
    return wording.sentences(
        (said for name, own in differences.groupby("cohort", sort=False) for said in _of_cohort(str(name), own)),
        differences["cohort"].unique(),
    )


def denominators(cohorts: Sequence[Cohort], nightly: str | None) -> str:
    """Return how the differences are made, and whose characteristics they are of."""
    said = [
        "differences are in standard deviations: of means, also of a number whose median is shown, or of shares p, "
        "divided by the root of the mean of the two variances, those of shares p(1 − p); they describe "
        "these participants, without a test",
        f"where fewer than {FEWEST} participants of a cohort have a value there is no difference",
    ]
    if any(cohort.kind == "survey" for cohort in cohorts):
        said.append("of a survey numbers are people, and all else is weighted by the component of each variable")
    if nightly is not None:
        condition = wording.condition(nightly, inside=True)
        said.append(f"the condition ({condition}) is on nights, and leaves all participants in")
    return wording.sentences(said)


def furthest(differences: pd.DataFrame) -> list[str]:
    """Return the characteristics in which two cohorts lie further apart than :data:`APART`, the furthest first."""
    far = differences[differences["estimate"].abs() > APART]
    return list(dict.fromkeys(far.loc[far["estimate"].abs().sort_values(ascending=False).index, "term"]))


def told_once(cohorts: Sequence[Cohort], remarks: Sequence[Sequence[str]]) -> list[str]:
    """Return the remarks on each cohort with its name; what is said of several, as of parts of one, stands once."""
    every = [(each, cohort.name) for cohort, own in zip(cohorts, remarks, strict=True) for each in own]
    several = {each for each, _ in every if sum(each == other for other, _ in every) > 1}
    return list(dict.fromkeys(each if each in several else f"{name}: {each}" for each, name in every))


def _of_cohort(name: str, rows: pd.DataFrame) -> list[str]:
    known = rows[rows["status"] == "converged"]
    far = known[known["estimate"].abs() > APART]
    order = far["estimate"].abs().sort_values(ascending=False, kind="stable").index
    # Of a characteristic of several levels the one that lies furthest apart: of two each is the other turned round.
    furthest_of_each = far.loc[order].drop_duplicates("term")[:MOST]
    largest = [
        f"{_named(row)} ({wording.marked(row, wording.number(row['estimate']))})"
        for row in wording.records(furthest_of_each)
    ]
    reference = rows["reference"].iloc[0]
    if largest:
        number = f"{far['term'].nunique()} of {wording.counted(known['term'].nunique(), 'characteristics')}"
        # In quotes, lest a level such as never be read as a part of the sentence.
        first = f"the cohort “{name}” differs from {reference} by more than {APART:g} standard deviations in {number}, "
        first += "most in " if far["term"].nunique() > len(largest) else "in "
        said = [first + wording.listed(largest)]
    elif len(known):
        number = wording.counted(known["term"].nunique(), "characteristics")
        said = [
            f"the cohort “{name}” is within {APART:g} standard deviations of {reference} in all {number} that both have"
        ]
    elif (few := rows[rows["status"] == "not_estimable"]["note"]).size:
        said = [f"how far the cohort {name} is from {reference} is not said: {few.iloc[0]}"]
    else:
        said = [f"no characteristic was measured in both {name} and {reference}"]
    return said + _lacking(rows)


def _lacking(rows: pd.DataFrame) -> list[str]:
    """Return what only one of two cohorts has measured, or has anybody to ask for it."""
    made = []
    unknown = rows[rows["status"].eq("not_measured") | rows["n_participants"].isna() & rows["note"].notna()]
    for note, own in unknown.groupby("note", sort=False):
        names = dict.fromkeys(wording.small(wording.label(str(term))) for term in own["term"])
        made.append(f"{note}: {wording.listed(names)}")
    return made


def _named(row: dict[str, object]) -> str:
    name = wording.small(wording.label(str(row["term"])))
    level = row["level"]
    return name if pd.isna(level) or level == "true" else f"{name} {wording.level(str(level))}"  # type: ignore[call-overload]
