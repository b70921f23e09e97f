"""What a model gains over a simple rule, in words that say so where it is little or nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import in_text, recalled, value

_MODEL = "chosen model"
_SMALL = 0.05
"""A skill below this is small: a score less than a twentieth better."""
_PAST, _ONE_RATE = "own past alone", "one rate for all"
_LATER = "later nights"
_ONE = 0.005
"""A ratio no farther from 1 is printed as 1.00."""
_WHAT = {
    "cramp_night": "the probability of a cramp on the next night",
    "cramps": "the number of cramps on the next night",
    "moderate_severe_vs_rest": "whether somebody recalls moderate-severe cramps",
}


def answer(rows: pd.DataFrame) -> str:
    """Return what the chosen model gains of each outcome, then on later nights and for how many people."""
    skill = _of_all(kinds.PREDICTION_SKILL.rows(rows), newcomers=False)
    first = skill[~skill["model"].str.contains(_LATER, na=False)]
    over_one = _over_one_rate(rows, newcomers=False)
    said = [_gain(row, _WHAT[str(row["outcome"])], over_one) for row in wording.records(first)]
    if not said:
        reason = tables.reasons(rows)
        return f"Whether cramps can be foretold could not be estimated{f': {reason}' if reason else ''}."
    several = first["outcome"].nunique() > 1
    gains = _of_all(kinds.PREDICTION_GAIN.rows(rows), newcomers=False)
    gains = gains[~gains["model"].str.contains(_LATER, na=False)]
    # The probability stands for the number as well, where both are foretold.
    for _, own in list(gains.groupby("outcome", sort=False))[:1]:
        told = any(_is_outdone(row, over_one) for row in wording.records(first[first["outcome"].isin(own["outcome"])]))
        known = [row for row in wording.records(own) if not told or row["reference"] != _ONE_RATE]
        said += [_for_outcome(row, _known(row), several=several) for row in known]
    later = skill[skill["model"].str.contains(_LATER, na=False)]
    said += [f"On nights after all that was learned from, {_number(row)}" for row in wording.records(later)]
    better = _of_all(kinds.BETTER_FORETOLD.rows(rows), newcomers=False)
    better = better[~better["model"].str.contains(_LATER, na=False)]
    for row in wording.records(better):
        text = f"The model foretold {value(row)} of the participants better than the {row['reference']} did"
        said.append(_for_outcome(row, text, several=several))
    said += [
        f"Intervals that were to hold the cramps of 90% of coming weeks held those of {value(row)}"
        for row in wording.records(_coverage(rows))
    ]
    return wording.sentences(said)


def _for_outcome(row: Mapping[str, Any], text: str, *, several: bool) -> str:
    """Return a sentence with the outcome that it is of before it, where there are ``several``."""
    return f"for {_WHAT[str(row['outcome'])]}, {wording.small(text)}" if several else text


def newcomer(rows: pd.DataFrame) -> str:
    """Return what baseline alone says of a new participant's rate."""
    skill = _of_all(kinds.PREDICTION_SKILL.rows(rows), newcomers=True)
    if skill.empty:
        return f"The rate of a new participant could not be foretold: {tables.reasons(rows)}."
    what, over_one = (
        "the rate of a new participant, from what is known at baseline",
        _over_one_rate(rows, newcomers=True),
    )
    return wording.sentences(_gain(row, what, over_one) for row in wording.records(skill))


def depends(rows: pd.DataFrame) -> str:
    """Return what ratios of what a model expects say and do not say, and how they lie to those of the sections."""
    every = kinds.PARTIAL_DEPENDENCE.rows(rows)
    if every.empty:
        return ""
    said = [
        "What the model expects where everybody has one value of a factor or another is no effect of it: values were "
        "set in a table, nobody was treated, and what goes with the factor stayed as it was"
    ]
    if every["model"].nunique() > 1:
        said.append(
            "Of the next night the model knows each participant's own past, which holds already what lasts, so that "
            "its ratios of what people are lie closer to 1 than those of sections; of a new participant it does not"
        )
    few = int(every["status"].eq("not_estimable").sum())
    if few:
        said.append(
            f"Nothing is said of {wording.counted(few, 'ratios')} for which hardly anybody held out is near a value"
        )
    return wording.sentences([*said, *_beside(rows, every)])


def _beside(rows: pd.DataFrame, every: pd.DataFrame) -> Iterator[str]:
    """Yield how many of the factors that sections estimate have a ratio of the model within the section's interval."""
    found = {(row["term"], row["level"]): row for row in wording.records(kinds.DEPENDENCE_BESIDE.rows(rows))}
    # Of two models the one that knows no past is asked what the sections ask.
    own = {(row["term"], row["level"]): row for row in wording.records(every) if pd.notna(row["estimate"])}
    every_pair = [(row, found[key]) for key, row in own.items() if key in found and pd.notna(found[key]["ci_low"])]
    pairs = [(row, beside) for row, beside in every_pair if recalled(row) == recalled(beside)]
    if others := [(row, beside) for row, beside in every_pair if recalled(row) != recalled(beside)]:
        of, than = (wording.listed(dict.fromkeys(map(recalled, each))) for each in zip(*others, strict=True))
        yield (
            f"For {wording.counted(len(others), 'factors')} the section's ratio is of {than} and that of the model of "
            f"{of}, so that the two are not compared"
        )
    if not pairs:
        return
    same = recalled(pairs[0][0])
    estimated = f"estimates as well{f', of {same} alike' if others else ''}"
    inside = sum(beside["ci_low"] <= row["estimate"] <= beside["ci_high"] for row, beside in pairs)
    unused = sum(abs(row["estimate"] - 1) < _ONE for row, _ in pairs)
    yield (
        f"Of {wording.counted(len(pairs), 'factors')} that a section {estimated}, the model's ratio lies "
        f"within the section's interval for {wording.count(inside)}; for {wording.count(unused)} it is 1.00, as it is "
        "for what a model does not use"
    )
    row, beside = max(pairs, key=lambda pair: abs(math.log(pair[0]["estimate"] / pair[1]["estimate"])))
    name = wording.small(wording.term(str(row["term"])))
    ratio = wording.marked(row, wording.number(row["estimate"], 2))
    yield (
        f"Farthest apart are those of {name} ({wording.contrast(row)}): {ratio} of the model, {in_text(beside)} of the "
        "section"
    )


def limits_of_diary() -> str:
    """Return what cross-validation within one cohort cannot tell, and what the scores depend on."""
    return (
        "Participants whom a model had not seen are still of the same study: how it does elsewhere is shown only by "
        "another cohort. Most scores depend on how often cramps come, so that they cannot be compared between cohorts "
        "or strata; skill against a simple rule in the same people can. What foretells need not cause: nothing here "
        "says that changing it would change cramps. A gain in a score is no gain in care."
    )


def limits_of_survey() -> str:
    """Return what recalled classes at one time cannot tell."""
    return (
        "People were asked once what they recalled of the past month, so that nothing is foretold in time: baseline "
        "and cramps are of the same weeks, and cramps may be why something else was reported. What goes with cramps "
        "here need not cause them."
    )


def _of_all(rows: pd.DataFrame, *, newcomers: bool) -> pd.DataFrame:
    own = rows[rows["population"].eq("all") & rows["term"].eq(_MODEL) & rows["estimate"].notna()]
    return own[own["model"].str.contains("baseline alone", na=False) == newcomers]


def _coverage(rows: pd.DataFrame) -> pd.DataFrame:
    own = kinds.WEEKLY_INTERVAL.rows(rows)
    own = own[own["level"].str.startswith("coverage") & own["term"].eq(_MODEL) & own["population"].eq("all")]
    return own[own["estimate"].notna()]


def _over_one_rate(rows: pd.DataFrame, *, newcomers: bool) -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """Return the skill of the chosen model against one rate for all, by outcome and model."""
    gains = _of_all(kinds.PREDICTION_GAIN.rows(rows), newcomers=newcomers)
    return {_which(row): row for row in wording.records(gains[gains["reference"].eq(_ONE_RATE)])}


def _which(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["outcome"]), str(row["model"])


def _is_outdone(row: Mapping[str, Any], over_one: Mapping[tuple[str, str], Mapping[str, Any]]) -> bool:
    """Say whether a gain over a rule is none over one rate for all, which is simpler."""
    simpler = over_one.get(_which(row))
    return bool(simpler and row["reference"] != _ONE_RATE and row["ci_low"] > 0 and not simpler["ci_low"] > 0)


def _gain(row: Mapping[str, Any], what: str, over_one: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    against = f"the {row['reference']}" if row["reference"] != _ONE_RATE else _ONE_RATE
    if _is_outdone(row, over_one):
        simpler = over_one[_which(row)]
        if simpler["ci_high"] < 0:
            none = f"{wording.capital(_ONE_RATE)} foretold {what} better than the model did"
        else:
            none = f"No gain over {_ONE_RATE} could be shown in foretelling {what}"
        return f"{none}: {_number(simpler)}; over {against}, which did worse, {_number(row)}"
    if pd.isna(row["ci_low"]):
        return f"Of {what}, {_number(row)}"
    if row["ci_high"] < 0:
        return f"{wording.capital(against)} foretold {what} better than the model did: {_number(row)}"
    if row["ci_low"] <= 0:
        return f"No gain over {against} could be shown in foretelling {what}: {_number(row)}"
    return f"In foretelling {what} the model had {_size(row)} over {against}: {_number(row)}"


def _known(row: Mapping[str, Any]) -> str:
    """Return what the model gained by what it knows, and by what was measured beside the own past."""
    beyond = row["reference"] == _PAST
    what = (
        "beyond a participant's own past, what else was measured" if beyond else "against one rate for all, the model"
    )
    if pd.isna(row["ci_low"]):
        same = ": with and without it the same is foretold" if beyond else ": it says the same of all"
        return f"{wording.capital(what)} had no gain{same if row['estimate'] == 0 else ''}"
    if row["ci_high"] < 0:
        return f"{wording.capital(what)} foretold worse: {_number(row)}"
    if row["ci_low"] <= 0:
        return f"{wording.capital(what)} had no gain that could be shown: {_number(row)}"
    return f"{wording.capital(what)} had {_size(row)}: {_number(row)}"


def _size(row: Mapping[str, Any]) -> str:
    return "a small gain" if row["estimate"] < _SMALL else "a gain"


def _number(row: Mapping[str, Any]) -> str:
    return f"skill {value(row)}"
