"""What the section on nutrition says, computed from its rows; captions and notes of its parts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from crampstudy import codebook, tables, wording
from crampstudy.analyses import doubts
from crampstudy.analyses.sentences import levels
from crampstudy.analyses.sentences.covariates import held, in_sentence
from crampstudy.analyses.sentences.nightly import fewer_than_asked
from crampstudy.causal import study
from crampstudy.codebook import exposures
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.adjustment import NOT_MEASURED, adjusted_as, lacks
from crampstudy.estimates.facts import fact, of_rows
from crampstudy.estimates.reliability import POOR, why_poor
from crampstudy.estimates.sentences import in_brackets, in_text, measure
from crampstudy.estimates.verdicts import told_as
from crampstudy.treatments.combinations import parts
from crampstudy.treatments.designs import randomised
from crampstudy.wording.directions import directed

TOGETHER = "Minerals of the diet in one model, within and between participants."
NOTHING = "no level in blood and no intake was measured"
VALUES = ("answer", "magnesium", "contrasts", "low", "shapes", "method", "limits", "together")
_AGENT = "magnesium"
_OTHERWISE = "The ratios here are of what people had in their blood, ate and took otherwise."
_MAGNESIUM = (
    "serum_magnesium_mmol_l",
    "dietary_magnesium_mg",
    "supplement_magnesium_mg",
    "recall_dietary_magnesium_mg",
)
_NO_SET = "no sufficient set"
_SHOWN = 0.05
"""A p-value of the test of a straight line below this is a sign of a curve."""
_GROUPS = {
    "higher": "More cramps went with {directed}",
    "lower": "Fewer cramps went with {directed}",
    "differs but negligible": "A difference too small to matter went with {each}",
    "near null": "No difference that would matter was seen for {names}",
    "inconclusive": "For {names} the interval holds both no difference and one that would matter",
    "imprecise": "Too imprecise to tell: {names}",
    "too few": "Too few participants tell of {names}",
}
"""What is said of the contrasts of each verdict: with their numbers, or by name."""
_TOGETHER = {
    "higher": "more cramps went with {}",
    "lower": "fewer cramps went with {}",
    "differs but negligible": "a difference too small to matter went with {}",
    "near null": "no difference that would matter was seen for {}",
}
"""What is said of each verdict on the minerals in one model."""


def nothing(why: str) -> dict[str, str]:
    """Return the values of a section in which nothing was estimated."""
    return {name: f"Could not estimate: {why}." if name == "answer" else "" for name in VALUES}


def values(cohort: Cohort, rows: pd.DataFrame, compared: pd.DataFrame) -> dict[str, str]:
    """Return the texts of a section from all of its rows, and from those of its contrasts alone."""
    said = (
        " ".join(
            filter(
                None,
                (
                    answer(compared),
                    levels.of_survey(compared),
                    doubts.of_columns(cohort, set(map(_variable, wording.records(rows)))),
                ),
            )
        ),
        f"{magnesium(rows, compared)} {_tried(cohort)}".strip(),
        levels.compared(compared),
        low(rows),
        shapes(rows),
        method(cohort),
        limits(cohort, compared),
        "",
    )
    return dict(zip(VALUES, said, strict=True))


def answer(compared: pd.DataFrame) -> str:
    """Return what the verdicts on the declared contrasts say together."""
    judged = wording.records(compared[compared["verdict"].notna()])
    if not judged:
        return "No declared contrast could be judged."
    said = []
    for verdict, text in _GROUPS.items():
        own = [row for row in judged if told_as(row) == verdict]
        if own:
            names = [_named(row) for row in own]
            toward = [directed(row, name) for row, name in zip(own, names, strict=True)]
            each, to_each = (wording.listed(map(_with_ratio, those, own)) for those in (names, toward))
            said.append(text.format(each=each, directed=to_each, names=wording.listed(names)))
    return wording.sentences(said)


def _with_ratio(name: str, row: dict[str, Any]) -> str:
    return f"{name} ({_values(row)}: {in_brackets(row)})"


def magnesium(rows: pd.DataFrame, compared: pd.DataFrame) -> str:
    """Return what is known of magnesium, in blood, food and supplements, and what its ratios lack."""
    said = []
    for row in wording.records(compared):
        if _variable(row) in _MAGNESIUM and wording.is_declared(row["term"]) and pd.notna(row["estimate"]):
            verdict = "" if pd.isna(row["verdict"]) else f", {row['verdict']}"
            ratio = f"{measure(row)} {in_text(row)}{verdict}{_lacking(row)}"
            said.append(f"{_named(row)}, {_values(row)}: {ratio}")
    absent = kinds.EXPOSURE_LEVEL.rows(rows[rows["status"] == "not_measured"])
    absent = absent[absent["term"].isin(_MAGNESIUM)]
    names = tables.unmeasured_names(absent)
    said += [f"{wording.listed(names)} {'was' if len(names) == 1 else 'were'} not measured"] if names else []
    lost = tables.set_aside_names(absent)
    said += [f"every value was set aside in cleaning of {wording.listed(lost)}"] if lost else []
    found = kinds.LOW_LEVEL.rows(rows)
    found = found[found["estimate"].notna()]
    said += [f"{_low(row)} of the participants" for row in wording.records(found[found["term"] == _MAGNESIUM[0]])]
    return wording.sentences(said)


def _tried(cohort: Cohort) -> str:
    """Return where it is told what magnesium does: lots tell it, and not who takes it."""
    by_lot = [design.agent for design in randomised(cohort)]
    if _AGENT in by_lot:
        return (
            "What magnesium does when lots decide who is given it stands under Emerging treatments: this cohort is a "
            f"trial of it. {_OTHERWISE}"
        )
    if combined := [wording.agent(name) for name in by_lot if _AGENT in parts(name)]:
        return (
            "What magnesium does by itself is told by the published trials: here lots gave it in combination alone "
            f"({wording.listed(combined)}). {_OTHERWISE}"
        )
    return (
        "What magnesium does is told by the published trials, and not by who takes it here: people take it because "
        "they cramp."
    )


def low(rows: pd.DataFrame) -> str:
    """Return the level of which most are too low, or the levels where several are alike."""
    every = kinds.LOW_LEVEL.rows(rows)
    if every.empty:
        return "No level with a limit of low was measured."
    found = every[every["estimate"].notna()].sort_values("estimate", ascending=False, kind="stable")
    if found.empty:
        return f"How many are low could not be estimated: {wording.listed(dict.fromkeys(every['note']))}."
    # Shares that are printed alike cannot be told apart by a reader.
    shares = (100 * found["estimate"]).round(1)
    most = found[shares.eq(shares.iloc[0])]
    said = wording.listed(map(_low, wording.records(most)))
    if not shares.iloc[0]:
        return f"{'Hardly anybody' if most['estimate'].any() else 'Nobody'} had a low level: {said}."
    of = wording.counted(len(found), "levels")
    if len(found) == 1:
        return f"One level with a limit was measured: {said}."
    if len(most) == len(found):
        return f"Of {of} with a limit, none is low in more participants than another: {said}."
    these = "this one is" if len(most) == 1 else "these are"
    return f"Of {of} with a limit, {these} low in more participants than any other: {said}."


def shapes(rows: pd.DataFrame) -> str:
    """Return of which curve the test of a straight line has the lowest p-value, and whether it shows one."""
    tested = kinds.SHAPE.rows(rows)
    tested = tested[tested["status"] == "converged"].sort_values("p_value", kind="stable")
    if tested.empty:
        return "No curve could be fitted."
    first = wording.records(tested)[0]
    p = wording.marked(first, wording.p_text(first["p_value"]))
    among = f", the lowest of {len(tested)} tests" if len(tested) > 1 else ""
    if first["p_value"] < _SHOWN:
        return f"The clearest sign of a curve is in {_named(first)}: {p}{among}."
    none = "No curve is" if len(tested) > 1 else "The curve is not"
    return f"{none} shown to differ from a straight line ({p} of {_named(first)}{among})."


def method(cohort: Cohort) -> str:
    """Return how the ratios were made."""
    if cohort.kind == "survey":
        return (
            "Ratios are of moderate-severe cramps in the past month (five or more), against none, under the sampling "
            "design with the weight of the component that measured the exposure and what it is adjusted for."
        )
    return (
        "Ratios are of the nightly count of cramps, taken as negative binomial, with cluster-robust intervals. Intake "
        "is that of a participant's mean over all logged days."
    )


def limits(cohort: Cohort, compared: pd.DataFrame) -> str:
    """Return what this design cannot tell of nutrition."""
    judged = compared[compared["verdict"].notna() & compared["estimate"].notna()]
    lacking = compared[adjusted_as(compared, NOT_MEASURED)]
    names = dict.fromkeys(_named(row) for row in wording.records(lacking))
    said = [
        "levels and cramps were asked of at the same time, and one recalled day is a poor measure of a habit, whose "
        "reliability cannot be told from it"
        if cohort.kind == "survey"
        else f"{_once(compared)}a ratio between participants is an association, whatever its verdict"
    ]
    if len(judged):
        said.append(_by_chance(len(judged), 1 - float(judged["ci_level"].iloc[0])))
    if names:
        said.append(f"confounding remains for {wording.listed(names)}, for which no sufficient set was measured")
    return wording.sentences(said)


def _once(compared: pd.DataFrame) -> str:
    """Return that levels in blood are of one day, where any was measured: those of a diary are columns of people."""
    of_people = (codebook.find(_variable(row), "participants") is not None for row in wording.records(compared))
    return "levels in blood were measured once and stand for all nights; " if any(of_people) else ""


def _by_chance(judged: int, error: float) -> str:
    """Return how many of the intervals of so many contrasts would exclude no difference by chance."""
    if judged == 1:
        return f"one contrast was judged: if it did not go with cramps, its interval would exclude that in {error:.0%}"
    return (
        f"{wording.counted(judged, 'contrasts', 'were')} judged, none of them corrected for their number: if nothing "
        f"at all went with cramps, about {judged * error:.1f} of their intervals would exclude it by chance"
    )


def note(rows: pd.DataFrame, compared: pd.DataFrame) -> str:
    """Return the note of the main table: what its columns are, and what each ratio is adjusted for."""
    failed = tables.reasons(kinds.SHAPE.rows(rows))
    # A column without an estimate is not in the table.
    made = rows[rows["estimate"].notna()]
    shown = {_variable(row) for row in wording.records(made)}
    said = [
        "; ".join(filter(None, ("participants, n, are those with a value", _of_fewer(rows, compared)))),
        *levels.of_columns(made),
        *_centiles(compared[[_variable(row) in shown for row in wording.records(compared)]]),
        *([f"could not fit a curve: {failed}"] if failed else []),
        *_unreliable(compared),
        *adjustments(compared),
    ]
    few = fewer_than_asked(compared)
    if few.any():
        names = wording.listed(dict.fromkeys(_named(row) for row in wording.records(compared[few])))
        said.append(f"the study's graph asks for more for {names}, for which there are too few participants")
    # What stands in the note of a ratio is said above; of one that could not be estimated it is the reason.
    others = compared.assign(note=compared["note"].where(compared["status"] != "converged"))
    return f"{wording.sentences(said)} {tables.notes(others)}".strip()


def _unreliable(compared: pd.DataFrame) -> list[str]:
    """Return which ratios have no verdict, for the mean of a participant's nights that they are of is not reliable."""
    own = wording.records(compared[of_rows(compared, POOR).ne("") & compared["estimate"].notna()])
    names = [f"{_named(row)} ({fact(row, POOR)})" for row in own if why_poor(row)]
    why = "their means have so low a reliability that a ratio between participants is drawn towards that within"
    return [f"no verdict on {wording.listed(names)}: {why}"] if names else []


def _of_fewer(rows: pd.DataFrame, compared: pd.DataFrame) -> str:
    """Return of how many participants the ratios are that lack some of what they are adjusted for, if there are any."""
    if not compared["estimate"].notna().any():
        return ""
    known = kinds.EXPOSURE_LEVEL.rows(rows)
    known = known[known["n_participants"].notna()]
    of_value = {_variable(row): int(row["n_participants"]) for row in wording.records(known)}
    made = compared[compared["term"].map(wording.is_declared) & compared["estimate"].notna()]
    fewer: dict[int, list[tuple[str, str]]] = {}
    for row in wording.records(made):
        if (n := int(row["n_participants"])) < of_value.get(_variable(row), 0):
            fewer.setdefault(n, []).append((wording.count_of(row, "n_participants"), _named(row)))
    if not fewer:
        return "a ratio is of all of them"
    said = "; ".join(f"{some[0][0]} for {wording.listed(name for _, name in some)}" for some in fewer.values())
    return f"a ratio is of those with all that it is adjusted for as well, who are fewer for some: {said}"


def _centiles(compared: pd.DataFrame) -> list[str]:
    """Return which contrasts are of centiles, and of which."""
    groups: dict[str, list[str]] = {}
    for row in wording.records(compared[compared["term"].map(wording.is_declared)]):
        if found := re.match(r"(\d+\w\w against \d+\w\w centile[^:]*): ", wording.contrast(row)):
            groups.setdefault(found[1], []).append(_named(row))
    return [f"the contrast is of the {of} for {wording.listed(names)}" for of, names in groups.items()]


def adjustments(compared: pd.DataFrame) -> list[str]:
    """Return a remark for each set of covariates: of which exposures it is, and which variables are in it."""
    every: dict[str, list[str]] = {}
    for row in wording.records(compared.drop_duplicates("term")):
        if row["status"] == "converged" and not wording.is_declared(row["term"]):
            every[_named(row)] = held(row)
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, labels in every.items():
        # Of what is adjusted for one another each lacks itself.
        others = [other for other in labels if other in every and name in every[other]]
        rest = tuple(label for label in labels if label not in others)
        groups.setdefault((*rest, *(["one another"] if others else [])), []).append(name)
    return [
        f"{wording.listed(names)}: adjusted for {wording.listed(labels) if labels else 'nothing'}"
        for labels, names in groups.items()
    ]


def together(rows: pd.DataFrame) -> str:
    """Return which of the minerals in one model differ, within participants or between them."""
    judged = wording.records(rows[rows["verdict"].notna() & rows["verdict"].ne("too few")])
    if not judged:
        return ""
    said = []
    for verdict, text in _TOGETHER.items():
        own = [row for row in judged if row["verdict"] == verdict]
        parts = [(in_sentence(_variable(row)), f" {row['level']} participants", row) for row in own]
        each = [
            _with_ratio((directed(row, name) if verdict in ("higher", "lower") else name) + part, row)
            for name, part, row in parts
        ]
        said += [text.format(wording.listed(each))] if own else []
    return wording.sentences([f"with the minerals in one model, {'; '.join(said) or 'none of their ratios is clear'}"])


def together_note(rows: pd.DataFrame) -> str:
    """Return the note of the minerals together, with the reliability of each mean."""
    known = wording.records(kinds.RELIABILITY.rows(rows).dropna(subset=["estimate"]))
    each = (
        wording.listed(f"{wording.marked(row, wording.number(row['estimate']))} ({_named(row)})" for row in known)
        if known
        else "not known"
    )
    return f"Of a Poisson model. Reliability of the participants' means: {each}. {tables.notes(rows)}".strip()


def alt(curves: Sequence[pd.DataFrame]) -> str:
    """Return what the curves show, for those who cannot see them."""
    drawn = [kinds.DOSE_RESPONSE.rows(rows) for rows in curves]
    names = [_named(wording.records(rows)[0]) for rows in drawn if len(rows)]
    if not names:
        return "No curve could be fitted."
    return f"Curves with shaded intervals around a ratio of one, a panel each for {wording.listed(names)}."


def _low(row: dict[str, Any]) -> str:
    return f"{_named(row)} was below {row['level']} {_unit(row)} in {in_text(row).replace(' (', '% (')}"


def _values(row: dict[str, Any]) -> str:
    """Return the two values of a contrast, without the centiles that they are."""
    return wording.contrast(row).rpartition(": ")[2]


def _lacking(row: dict[str, Any]) -> str:
    """Return the graph's sentence that nothing measured suffices, where it says so."""
    if row["adjustment"] != NOT_MEASURED:
        return ""
    names = wording.listed(map(in_sentence, lacks(row)))
    return f"; {_NO_SET} among what was measured: {study().name} asks for {names} as well"


def _variable(row: dict[str, Any]) -> str:
    name = str(row["term"]).removeprefix(wording.CONTRAST)
    found = exposures.find(name)
    return found.variable if found else name


def _named(row: dict[str, Any]) -> str:
    """Return an exposure inside a sentence; deviations of a night say so."""
    within = " within participants" if str(row["term"]).removeprefix(wording.CONTRAST).startswith("within(") else ""
    return f"{in_sentence(_variable(row))}{within}"


def _unit(row: dict[str, Any]) -> str:
    known = wording.variable(str(row["term"]))
    return known.unit if known and known.unit else ""
