"""What the section on age and muscle says of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.sentences.covariates import beside_in_model, held, in_sentence
from crampstudy.codebook.exposures import BETWEEN
from crampstudy.cohort import Cohort
from crampstudy.contrasts.people.muscle_and_joints import JOINTS, MUSCLE, SITTING
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.adjustment import enough
from crampstudy.estimates.sentences import beside, in_brackets, in_text
from crampstudy.estimates.verdicts import who_are_few, why_beyond
from crampstudy.wording.directions import directed

Row = dict[str, Any]
STRAIGHT = "the ratio of age is that of a straight line, of which no curve is drawn"
"""Why there is no figure of it."""
_OWN_SEX = "within a sex"
_BESIDE = (kinds.AGE_BESIDE_MUSCLE, kinds.AGE_BESIDE_JOINTS, kinds.AGE_BESIDE_SITTING, kinds.AGE_BESIDE_ALL)
_VERDICTS = {
    "higher": "more cramps",
    "lower": "fewer cramps",
    "differs but negligible": "a difference too small to matter",
    "near null": "no difference that would matter",
    "inconclusive": "an interval too wide to tell",
}


def answer(ages: pd.DataFrame, muscle: pd.DataFrame, why: str | None) -> str:
    """Return what the ratio of age is without and with muscle and joints, and which of these go with cramps."""
    return wording.sentences([*_of_age(ages, why), *_of_muscle(muscle)])


def compared(muscle: pd.DataFrame) -> str:
    """Return of what there is a ratio, and which are compared within a sex: what a table of ``muscle`` shows."""
    told = muscle[muscle["estimate"].notna()]
    names = list(dict.fromkeys(map(_name, wording.records(told))))
    declared = told[told["term"].map(wording.is_declared)]
    within = [_name(row) for row in wording.records(declared) if _OWN_SEX in wording.contrast(row)]
    if not names:
        return "each"
    how = "at a low against a high value of the own sex"
    if len(names) == 1:
        return f"{names[0]}{f', {how}' if within else ''}"
    return f"each of {wording.listed(names)}{f', that of {wording.listed(within)} {how}' if within else ''}"


def parts(rows: pd.DataFrame) -> str:
    """Return which of muscle, joints and sitting ratios are of, or stand beside the ages that they are of, in words."""
    told = rows[rows["status"].ne("not_measured")]
    names = {known.name for term in told["term"].dropna() if (known := wording.variable(str(term)))}
    kinds_of = set(told["analysis"])
    found = [word for word, (of, beside) in _PARTS.items() if names & {*of} or beside.name in kinds_of]
    return wording.listed(found or _PARTS)


_PARTS = {
    "muscle": (MUSCLE, kinds.AGE_BESIDE_MUSCLE),
    "joints": (JOINTS, kinds.AGE_BESIDE_JOINTS),
    "sitting": (tuple(SITTING.values()), kinds.AGE_BESIDE_SITTING),
}


def adjusted(rows: pd.DataFrame) -> str:
    """Return how ratios are adjusted: as the graph asks where that holds of every row, else as far as could be."""
    told = rows[rows["estimate"].notna()]
    if enough(told).all():
        return "adjusted as the causal graph asks"
    if told["adjusted_for"].isna().all():
        return "adjusted for nothing"
    return "adjusted for what the causal graph asks, as far as could be"


def limits(cohort: Cohort, ages: pd.DataFrame, muscle: pd.DataFrame) -> str:
    """Return what the design cannot tell of the ratios of age and of muscle that there are."""
    said = []
    if cohort.has("age_years"):
        said.append(
            "people of different ages are compared, not the same people as they age: those born earlier may differ in "
            "other ways"
        )
    association = "an association, adjusted as far as the graph is right and its variables were measured"
    if kinds.AGE_BESIDE_ALL.rows(ages)["estimate"].notna().any():
        said.append(
            f"that a ratio of age is another one with {parts(ages)} beside it does not show that age acts "
            f"through them; each ratio is {association}"
        )
    elif muscle["estimate"].notna().any():
        said.append(f"each ratio is {association}")
    if cohort.kind == "survey":
        said.append("cramps of one month were recalled on one occasion, and what came first cannot be told")
    return wording.sentences(said)


def alone(ages: pd.DataFrame) -> str:
    """Return beside what the ratio of age stands that has nothing of muscle, joints and sitting beside it."""
    return next(map(beside, wording.records(kinds.AGE_ALONE.rows(ages))), kinds.AGE_ALONE.label)


def alt(rows: pd.DataFrame) -> str:
    """Return what the figure shows, for those who cannot see it."""
    told = [f"{beside(row)}: {in_text(row)}" for row in _declared(rows)]
    at = wording.contrast(_declared(rows)[0]) if told else "no ratio"
    return f"Two curves of the ratio over age, with their intervals shaded. Ratio of age, {at}; {'; '.join(told)}."


def _of_age(rows: pd.DataFrame, why: str | None) -> list[str]:
    known = [row for row in _declared(rows) if not pd.isna(row["estimate"])]
    by_kind = {row["analysis"]: row for row in known}
    alone, beside = (by_kind.get(kind.name) for kind in (kinds.AGE_ALONE, kinds.AGE_BESIDE_ALL))
    if alone is None:
        own = kinds.AGE_ALONE.rows(rows)
        why = why or next((row["note"] for row in _declared(own)), None) or tables.reasons(own, inside=True)
        return [f"what age has to do with cramps could not be estimated{f': {why}' if why else ''}"]
    if beyond := why_beyond(alone):
        return [f"what age has to do with cramps, {wording.contrast(alone)}, cannot be told here, as it is {beyond}"]
    scale = str(alone["scale"]).replace("_", " ")
    held: str = "crude" if pd.isna(alone["adjusted_for"]) else "adjusted for sex"
    first = f"the {scale} of age ({wording.contrast(alone)}) is {in_text(alone)}, {held}: {_verdict(alone)}"
    if kinds.AGE_BESIDE_ALL.rows(rows).empty:
        return [first]
    if beside is None:
        return [first, *_beside_some(rows, by_kind)]
    people = wording.marked(beside, wording.counted(int(beside["n_participants"]), "participants"))
    others = [term for term in str(beside["adjusted_for"]).split("; ") if term != "sex"]
    besides = wording.listed(_name({"term": term}) for term in others)
    return [first, f"in one model with {besides} it is {in_text(beside)}, in the same {people}"]


def _beside_some(rows: pd.DataFrame, by_kind: Mapping[str, Row]) -> list[str]:
    """Return the ratios of age that there are beside one of muscle, joints and sitting, and beside which there is none.

    Args:
        rows: the ratios of age.
        by_kind: those that were estimated, by their kind.
    """
    asked = {kind.label.removeprefix("beside "): kind for kind in _BESIDE if len(kind.rows(rows))}
    told = [f"{name} {in_text(by_kind[kind.name])}" for name, kind in asked.items() if kind.name in by_kind]
    lost = [name for name, kind in asked.items() if kind.name not in by_kind]
    made = [f"beside one of them alone it is: with {wording.listed(told)}"] if told else []
    return [*made, f"with {wording.listed(lost)} beside it, the ratio could not be estimated"]


def _of_muscle(rows: pd.DataFrame) -> list[str]:
    told = rows[rows["verdict"].notna() & rows["verdict"].ne("too few") & ~of_sitting(rows)]
    if told.empty:
        return []
    said = []
    for verdict, how in (("higher", "more"), ("lower", "fewer")):
        records = wording.records(told[told["verdict"] == verdict])
        names = [f"{directed(row, _name(row))} ({wording.contrast(row)}: {in_brackets(row)})" for row in records]
        said += [f"{how} cramps go with {wording.listed(names)}"] if names else []
    rest = told[~told["verdict"].isin(["higher", "lower"])]
    names = [_name(row) for row in wording.records(rest)]
    none = "neither more nor fewer cramps are shown to go with"
    said += [f"{none} {wording.listed(names)}"] if names else []
    # The table has that of sitting as well, and so has the sentence.
    judged = rows[rows["verdict"].notna() & rows["verdict"].ne("too few")]
    lacking = [_name(row) for row in wording.records(judged[~enough(judged)])]
    return [
        *said,
        *([f"not adjusted for all that the causal graph asks for: {wording.listed(lacking)}"] if lacking else []),
    ]


def of_sitting(rows: pd.DataFrame) -> pd.Series[bool]:
    """Say which rows are of sitting, of which the section on activity tells."""
    terms = [f"{BETWEEN}({SITTING['diary']})", SITTING["survey"]]
    return rows["term"].str.removeprefix(wording.CONTRAST).isin(terms)


def beside_sitting(rows: pd.DataFrame) -> str:
    """Return what else stands in the model of sitting, as a sentence, nothing where the model is its own."""
    own = [row for row in wording.records(rows[of_sitting(rows)]) if beside_in_model(row)]
    if not own:
        return ""
    names = [wording.small(wording.label(name)) for name in beside_in_model(own[0])]
    needed = [name for name in held(own[0]) if name not in (*names, in_sentence(SITTING["diary"]))]
    told = (name.partition(", ") for name in needed)
    listed = wording.listed(f"{first} ({more})" if more else first for first, _, more in told)
    also = f", and for all that any of them is: {listed}" if listed else ""
    return f"Sitting stands in one model with {wording.listed(names)}, and is adjusted for these as well{also}."


def _name(row: Row) -> str:
    """Return the variable of a row, whatever part of it stands in the term."""
    known = wording.variable(str(row["term"]))
    return wording.small(known.label if known else wording.term(str(row["term"])))


def _declared(rows: pd.DataFrame) -> list[Row]:
    return wording.records(rows[rows["term"].map(wording.is_declared)]) if len(rows) else []


def _verdict(row: Row) -> str:
    if verdicts.without_interval(row):
        return "no interval to tell by"
    if verdicts.few_degrees(row) and not verdicts.few_units(row):
        return "carried by too few participants to tell"
    if row["verdict"] == "too few":
        return f"too few {who_are_few(pd.DataFrame([row]))} to tell"
    return _VERDICTS.get(str(row["verdict"]), "no verdict")
