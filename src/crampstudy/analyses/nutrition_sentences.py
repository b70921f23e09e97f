"""What the section on nutrition says, computed from its rows; captions and notes of its parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.codebook import exposures
from crampstudy.cohort import Cohort
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate, sentence

CAPTION = "Electrolytes, vitamins and minerals: levels, low levels, and ratios at declared contrasts."
LEVELS_DRAWN = (
    "Ratios over the levels in blood, each against the value at the point, on a natural cubic spline between the 5th "
    "and 95th centile. Shaded: the reference range; dashed: the limit of deficiency."
)
INTAKE_DRAWN = "Ratios over the intake of minerals with food, each against its median, drawn as @fig-levels."
TOGETHER = "Minerals of the diet in one model, within and between participants."
PER_SD = "Odds ratios of moderate-severe cramps, against none, per standard deviation."
VALUES = ("answer", "magnesium", "low", "shapes", "method", "limits")
_MAGNESIUM = ("serum_magnesium_mmol_l", "dietary_magnesium_mg", "supplement_magnesium_mg", "recall_dietary_magnesium_mg")
_NO_SET = "no sufficient set"
_GROUPS = {
    "higher": "More cramps went with {each}",
    "lower": "Fewer cramps went with {each}",
    "differs but negligible": "A difference too small to matter went with {each}",
    "near null": "No difference that would matter was seen for {names}",
    "inconclusive": "For {names} the interval holds both no difference and one that would matter",
    "too few": "Too few participants tell of {names}",
}
"""What is said of the contrasts of each verdict: with their numbers, or by name."""


def nothing(why: str) -> dict[str, str]:
    """Return the values of a section in which nothing was estimated."""
    return {name: f"Could not estimate: {why}." if name == "answer" else "" for name in VALUES}


def values(cohort: Cohort, rows: pd.DataFrame, compared: pd.DataFrame) -> dict[str, str]:
    """Return the texts of a section from all of its rows, and from those of its contrasts alone."""
    said = (answer(compared), magnesium(rows, compared), low(rows), shapes(rows), method(cohort), limits(cohort, compared))
    return dict(zip(VALUES, said, strict=True))


def answer(compared: pd.DataFrame) -> str:
    """Return what the verdicts on the declared contrasts say together."""
    judged = wording.records(compared[compared["verdict"].notna()])
    if not judged:
        return "No declared contrast could be judged."
    said = []
    for verdict, text in _GROUPS.items():
        own = [row for row in judged if row["verdict"] == verdict]
        if own:
            each = wording.listed(f"{_named(row)} ({wording.contrast(row)}: {wording.estimate(row)})" for row in own)
            said.append(text.format(each=each, names=wording.listed(map(_named, own))))
    return wording.sentences(said)


def magnesium(rows: pd.DataFrame, compared: pd.DataFrame) -> str:
    """Return what is known of magnesium, in blood, food and supplements, and what its ratios lack."""
    said = []
    for row in wording.records(compared):
        if _variable(row) in _MAGNESIUM and wording.is_declared(row["term"]) and pd.notna(row["estimate"]):
            verdict = "" if pd.isna(row["verdict"]) else f", {row['verdict']}"
            said.append(f"{sentence(row)}{verdict}{_lacking(row)}")
    found = kinds.LOW_LEVEL.rows(rows)
    said += [f"{sentence(row)} of the participants" for row in wording.records(found[found["term"] == _MAGNESIUM[0]])]
    return wording.sentences(said) or "Magnesium was not measured in a way that a ratio could be estimated."


def low(rows: pd.DataFrame) -> str:
    """Return how many lie below the limit of each level."""
    found = wording.records(kinds.LOW_LEVEL.rows(rows))
    if not found:
        return "No level with a limit of low was measured."
    each = (f"{_named(row)} {estimate(row)} % (below {row['level']} {_unit(row)})" for row in found)
    return f"Low levels: {'; '.join(each)}."


def shapes(rows: pd.DataFrame) -> str:
    """Return which curve the test of a straight line speaks most against."""
    tested = kinds.SHAPE.rows(rows)
    tested = tested[tested["status"] == "converged"].sort_values("p_value", kind="stable")
    if tested.empty:
        return "No curve could be fitted."
    first = wording.records(tested)[0]
    among = f", the lowest p-value of {len(tested)} such tests" if len(tested) > 1 else ""
    return (
        f"That the ratios lie on a straight line is least likely of {_named(first)} "
        f"({wording.p_text(first['p_value'])}{among})."
    )


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
    judged = compared[compared["verdict"].notna()]
    lacking = compared[compared["note"].fillna("").str.contains(_NO_SET, regex=False)]
    names = dict.fromkeys(_named(row) for row in wording.records(lacking))
    said = [
        "levels and cramps were asked of at the same time, and one recalled day is a poor measure of a habit, whose "
        "reliability cannot be told from it"
        if cohort.kind == "survey"
        else "levels in blood were measured once and stand for all nights; a ratio between participants is an "
        "association, whatever its verdict"
    ]
    if len(judged):
        n, error = len(judged), 1 - float(judged["ci_level"].iloc[0])
        said.append(
            f"{wording.counted(n, 'contrasts')} were judged, none of them corrected for their number: if nothing at "
            f"all went with cramps, about {n * error:.1f} of their intervals would exclude it by chance"
        )
    if names:
        said.append(f"confounding remains for {wording.listed(names)}, for which no sufficient set was measured")
    return wording.sentences(said)


def note(rows: pd.DataFrame, compared: pd.DataFrame) -> str:
    """Return the note of the main table."""
    shapes_told = kinds.SHAPE.rows(rows)
    failed = tables.reasons(shapes_told)
    return wording.sentences(
        [
            "SD: standard deviation; of a nightly intake, of the participants' means",
            "low: below the limit of deficiency, or below the reference range where none is declared",
            "shape: test that the dose-response is a straight line",
            *([f"could not fit a curve: {failed}"] if failed else []),
        ]
    ) + f" {tables.notes(compared)}"


def together_note(rows: pd.DataFrame) -> str:
    """Return the note of the minerals together, with the reliability of each mean."""
    return f"Of a Poisson model. {wording.sentences(tables.parameters(rows))} {tables.notes(rows)}".strip()


def per_sd_note(rows: pd.DataFrame) -> str:
    """Return the note of the ratios per standard deviation."""
    return f"Each adjusted for age, sex, education and body-mass index, as published [@grandner2017]. {tables.notes(rows)}"


def alt(curves: Sequence[pd.DataFrame]) -> str:
    """Return what the curves show, for those who cannot see them."""
    drawn = [wording.records(kinds.DOSE_RESPONSE.rows(rows))[0] for rows in curves if len(kinds.DOSE_RESPONSE.rows(rows))]
    return f"Curves with shaded intervals around a ratio of one, a panel each for {wording.listed(map(_named, drawn))}."


def _lacking(row: dict[str, Any]) -> str:
    note = "" if pd.isna(row["note"]) else str(row["note"])
    found = next((part for part in note.split("; ") if _NO_SET in part), "")
    return f" ({found})" if found else ""


def _variable(row: dict[str, Any]) -> str:
    name = str(row["term"]).removeprefix(wording.CONTRAST)
    found = exposures.find(name)
    return found.variable if found else name


def _named(row: dict[str, Any]) -> str:
    """Return an exposure inside a sentence; deviations of a night say so."""
    within = " within participants" if str(row["term"]).removeprefix(wording.CONTRAST).startswith("within(") else ""
    return f"{wording.small(wording.label(_variable(row)))}{within}"


def _unit(row: dict[str, Any]) -> str:
    known = wording.variable(str(row["term"]))
    return known.unit if known and known.unit else ""
