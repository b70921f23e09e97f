"""What is said of single cramps and of what goes with their end, in plain words computed from the rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.contrasts.remedies.families import FALL, SORE
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import group
from crampstudy.estimates.sentences import in_brackets, in_text, value
from crampstudy.estimates.verdicts import DIFFERENCE
from crampstudy.tables.sections.severity import features_of_fewer

_COUNTED_ONCE = "Each cramp counts once, so that those who have more count more."
_CURVES = (
    "the curves are of the cramps of all people together, and the ratios compare those of each person with one another"
)
_READ_AS: Mapping[str, str] = {
    "relief": "hazard ratios above 1 are of a sooner relief",
    FALL: "differences above 0 are of more pain taken away",
    SORE: "ratios of soreness below 1 are of less of it",
}
"""How the numbers of each outcome are read."""
_OF_REMEDIES = (
    "Nobody allocated the remedies: people may use one when a cramp is bad, which makes it look worse than it is, or "
    "only when there is time for it. Comparing each person's cramps with one another removes what stays the same in "
    "the person, and the pain of the cramp stands beside; what else made a cramp severe does not. A short cramp may be "
    "over before a remedy is at hand, so that those that were treated are longer."
)
_AS_REMEMBERED = (
    "Length and pain are as people remember them after a night, and only cramps that were noticed are logged."
)
_FOUND = {
    "relief": {
        "higher": "relief came sooner",
        "lower": "relief came later",
        "near null": "relief came about as soon, any difference being too small to matter,",
        "inconclusive": "it is not clear whether relief came sooner or later",
    },
    FALL: {
        "higher": "pain fell further",
        "lower": "pain fell less",
        "near null": "pain fell about as far, any difference being too small to matter,",
        "inconclusive": "it is not clear whether pain fell further or less",
    },
    SORE: {
        "higher": "soreness was more common",
        "lower": "soreness was less common",
        "near null": "soreness was about as common, any difference being too small to matter,",
        "inconclusive": "it is not clear whether soreness was more or less common",
    },
}
"""What the verdicts say of each outcome."""


def answer(features: pd.DataFrame, helped_rows: pd.DataFrame, flags: str, lacking: str) -> str:
    """Return how long and painful cramps are, and after what relief came sooner.

    Where neither is known, for what is ``lacking``, there may be ``flags``.
    """
    long, pain = _row(features, "duration_s", "median"), _row(features, "pain_0_10", "mean")
    is_said = []
    if long is not None:
        is_said.append(f"half of the cramps were over within {value(long)}")
    if pain is not None:
        is_said.append(f"their worst pain was {in_text(pain)} points of 10 on average")
    text = wording.sentences([wording.listed(is_said)] if is_said else [])
    helped_text = _judged(helped_rows, "relief")
    if text or helped_text:
        return f"{text} {helped_text}".strip()
    none = f"How severe cramps are and what helps could not be estimated: {lacking}"
    return f"{none}; red flags are told below." if flags else f"{none}."


def described(rows: pd.DataFrame) -> str:
    """Return where cramps are, how many are long and wake, and when they begin."""
    sites = [row for row in wording.records(_everybody(rows)) if row["term"] == "site" and pd.notna(row["estimate"])]
    where = [f"{value(row)} {'' if i else 'were '}in the {row['level']}" for i, row in enumerate(sites)]
    above, late = _row(rows, "duration_s", "above 10 min"), _row(rows, "duration_s", "90th centile")
    woke, sore = _row(rows, "woke", "true"), _row(rows, SORE, "true")
    texts = [
        f"of the cramps {wording.listed(where)}" if where else "",
        f"one in ten lasted longer than {value(late)}, and {value(above)} longer than 10 min" if late and above else "",
        f"the person woke at {value(woke)} of them" if woke else "",
        f"the muscle was sore after {value(sore)}" if sore else "",
        onset(rows).rstrip("."),
    ]
    told = wording.sentences(filter(None, texts))
    return f"{told} {_COUNTED_ONCE}" if told else ""


def onset(rows: pd.DataFrame) -> str:
    """Return around what hour cramps begin, and in which most of them do."""
    middle = kinds.MEAN_ONSET.rows(rows)
    middle = middle[middle["estimate"].notna()]
    hours = kinds.ONSET.rows(rows)
    hours = hours[hours["estimate"].notna()]
    if hours.empty:
        return ""
    most = wording.records(hours.sort_values("estimate", ascending=False, kind="stable"))[0]
    mean = f"the onsets centre on {tables.clock(wording.records(middle)[0])}; " if len(middle) else ""
    return wording.sentences([f"{mean}more begin in the hour from {most['level']} than in any other, {value(most)}"])


def medians(rows: pd.DataFrame) -> str:
    """Return the median time to relief by remedy."""
    found = kinds.MEDIAN_RELIEF.rows(rows)
    found = found[found["estimate"].notna()]
    each = [f"{wording.remedy(str(row['level']))} {value(row)}" for row in wording.records(found)]
    return wording.sentences([f"median time to relief: {wording.listed(each)}"] if each else [])


def helped(rows: pd.DataFrame, *, curves: bool = False) -> str:
    """Return what went with each remedy beside relief, whether that changes at equal pain, and how numbers are read.

    Where nothing of that is known it is said what there is: relief alone, or its ``curves``.
    """
    texts = [text for outcome in (FALL, SORE) if (text := _judged(rows, outcome))]
    plain = kinds.REMEDY.rows(rows)
    if not texts and (opening := _of_relief(plain, curves)):
        texts = [opening]
    made = set(plain.loc[plain["estimate"].notna(), "outcome"])
    how = wording.listed(said for outcome, said in _READ_AS.items() if outcome in made) if made else ""
    return " ".join(
        filter(None, [*texts, _at_equal_pain(rows), wording.sentences([f"{_CURVES}: {how}"]) if how else ""])
    )


def _of_relief(plain: pd.DataFrame, curves: bool) -> str:
    """Return what opens the part on remedies where of relief alone something is known, empty where nothing is."""
    if plain["estimate"].notna().any():
        return "Of what a remedy may change, relief alone could be compared within participants."
    no_remedy = "No remedy could be compared with none within participants"
    return f"{no_remedy}; how soon relief came with each is drawn of all cramps together." if curves else ""


def limits(features: pd.DataFrame, helped_rows: pd.DataFrame) -> str:
    """Return what cannot be told of single cramps, and of what goes with their end, as far as there are any."""
    of_remedies = _OF_REMEDIES if kinds.REMEDY.rows(helped_rows)["estimate"].notna().any() else ""
    remembered = features["term"].isin(["duration_s", "pain_0_10"]) & features["estimate"].notna()
    return " ".join(filter(None, [of_remedies, _AS_REMEMBERED if remembered.any() else ""]))


def by_age(rows: pd.DataFrame, shown: pd.DataFrame) -> str | None:
    """Return of how many participants the columns ``shown`` are where not of all, and which groups have too few."""
    reasons = tables.reasons(rows)
    could_not = [f"could not estimate: {reasons}"] if reasons else []
    return wording.sentences([*features_of_fewer(shown), *could_not]) or None


def _judged(rows: pd.DataFrame, outcome: str) -> str:
    """Return what an outcome was like with each remedy against none, those of the same verdict together."""
    found: dict[str, list[str]] = {}
    measured = False
    own = kinds.REMEDY.rows(rows)
    for row in wording.records(own[own["outcome"].eq(outcome) & own["estimate"].notna()]):
        what = _verdict(row)
        name = wording.remedy(str(row["level"]))
        if row["verdict"] == "too few":
            found.setdefault(what, []).append(name)
            continue
        found.setdefault(what, []).append(f"{name} ({in_brackets(row) if measured else _measured(row)})")
        measured = True
    return wording.sentences(
        [
            "against cramps of the same people without a remedy, "
            + "; ".join(f"{what} with {wording.listed(names)}" for what, names in found.items())
        ]
        if found
        else []
    )


def _verdict(row: Mapping[str, Any]) -> str:
    found, verdict = _FOUND[str(row["outcome"])], str(row["verdict"])
    if verdict == "differs but negligible":
        null = 0 if row["scale"] == DIFFERENCE else 1
        return f"{found['higher' if row['estimate'] > null else 'lower']}, by less than would matter,"
    return found.get(verdict, "there were too few people to tell")


def _at_equal_pain(rows: pd.DataFrame) -> str:
    """Return of which remedies the verdict changes when the pain of the cramp stands beside."""
    equal = kinds.REMEDY_AT_EQUAL_PAIN.rows(rows)
    equal = equal[equal["estimate"].notna()]
    if equal.empty:
        return ""
    plain = {(row["outcome"], row["level"]): row["verdict"] for row in wording.records(kinds.REMEDY.rows(rows))}
    changed = [
        f"{wording.remedy(str(row['level']))} ({wording.small(wording.outcome(str(row['outcome'])))}: {row['verdict']})"
        for row in wording.records(equal)
        if row["verdict"] != plain.get((row["outcome"], row["level"]))
    ]
    differ = "no verdict differs"
    if changed:
        which = "this verdict differs" if len(changed) == 1 else "these verdicts differ"
        differ = f"{which}: {wording.listed(changed)}"
    return f"Once the pain of the cramp is held equal, {differ}."


def _measured(row: Mapping[str, Any]) -> str:
    """Return a number with what it is: ``0.44; 0.10–0.78 points``, ``odds ratio 0.80; 0.60–1.10``."""
    number = in_brackets(row)
    return f"{number} points" if row["scale"] == DIFFERENCE else f"{str(row['scale']).replace('_', ' ')} {number}"


def _everybody(rows: pd.DataFrame) -> pd.DataFrame:
    found = kinds.FEATURE.rows(rows)
    return found[found["population"].map(group).eq("all")]


def _row(rows: pd.DataFrame, term: str, level: str) -> dict[str, Any] | None:
    own = _everybody(rows)
    own = own[own["term"].eq(term) & own["level"].eq(level) & own["estimate"].notna()]
    return wording.records(own)[0] if len(own) else None
