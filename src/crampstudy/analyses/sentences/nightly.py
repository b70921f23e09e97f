"""What sections say of the ratios of nightly exposures, in plain words and never of significance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.sentences.covariates import beside_in_model, held
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import BETWEEN, OF_PERSON, WITHIN
from crampstudy.cohort import Cohort
from crampstudy.contrasts.nights.nightly import adjustments
from crampstudy.estimates import kinds
from crampstudy.estimates.adjustment import NOT_TAKEN_IN, TOO_FEW, adjusted_as
from crampstudy.estimates.facts import fact
from crampstudy.estimates.sentences import in_brackets, measure
from crampstudy.estimates.verdicts import INSIDE
from crampstudy.tables.sections.nightly import of_night
from crampstudy.wording.directions import directed

OBSERVED = (
    "Nobody allocated what people did on a day: a ratio within persons is free of what stays the same in a person, but "
    "not of what changes with the exposure from day to day, and one between persons may be of people who differ in "
    "other ways. What is adjusted for rests on the study's causal graph, which is an assumption."
)
_FOUND = {
    "higher": "more cramps",
    "lower": "fewer cramps",
    "near null": "about as many cramps, any difference being too small to matter",
    "inconclusive": "neither clearly more nor clearly fewer cramps",
}
_FEWER = "adjusted for fewer than"
_TOO_FEW = "too few of the people tell whether they had more or fewer cramps"


def judged(rows: pd.DataFrame, variable: str, level: str, kind: kinds.Kind | None = None) -> dict[str, Any] | None:
    """Return the row of a variable and level that a verdict may stand on, ``None`` where it has no estimate.

    That is the row of the declared contrast; of what is yes or no, its only one.
    """
    own = rows[rows["level"].eq(level) & rows["term"].str.removeprefix(wording.CONTRAST).eq(variable)]
    own = own[own["estimate"].notna() & own["verdict"].notna()]
    own = kind.rows(own) if kind else own[~own["analysis"].isin([kinds.CORRECTED.name, kinds.ADJUSTED.name])]
    return wording.records(own)[0] if len(own) else None


def had(*asked: tuple[str, Mapping[str, Any] | None]) -> str:
    """Return how many cramps people had when they did so, in the words of the verdicts; what has no row is left out.

    Each is when, and its row; those of the same verdict stand together, such as ``after an electrolyte drink (rate
    ratio 0.70; 0.55–0.90) people had fewer cramps``.
    """
    found: dict[str, list[str]] = {}
    known = [(when, row) for when, row in asked if row is not None]
    # Last what too few tell, which is another sentence.
    for when, row in sorted(known, key=lambda each: _found(each[1]) == _TOO_FEW):
        scale = "" if found else f"{measure(row)} "
        found.setdefault(_found(row), []).append(f"{when} ({scale}{in_brackets(row)})")
    told = (f"{wording.listed(when)} people had {what}" for what, when in found.items() if what != _TOO_FEW)
    few = [f"{_TOO_FEW} {wording.listed(found[_TOO_FEW])}"] if _TOO_FEW in found else []
    return "; ".join([*told, *few])


_CLEAR = {"higher": "more cramps went with {}", "lower": "fewer cramps went with {}"}


def clear_besides(rows: pd.DataFrame, told: Collection[Mapping[str, Any] | None]) -> str:
    """Return what of the main tables goes clearly with more or fewer cramps beside the rows that were ``told``."""
    main = pd.concat([kinds.WITHIN_BETWEEN.rows(rows), kinds.WINDOW.rows(rows)])
    known = {row["key"] for row in told if row is not None}
    rest = main[main["outcome"].eq("cramps") & main["estimate"].notna() & ~main["key"].isin(known)]
    said = []
    for verdict, text in _CLEAR.items():
        own = [_with_part(row) for row in wording.records(rest[rest["verdict"] == verdict])]
        said += [text.format(wording.listed(own))] if own else []
    return f"besides, {'; '.join(said)}" if said else ""


def _with_part(row: Mapping[str, Any]) -> str:
    """Return an exposure with its direction, the nights that it is of, its contrast and its ratio."""
    level = str(row["level"])
    part = f"{level} participants" if level in OF_PERSON else _SEVERAL
    name = wording.small(wording.label(exposures.unsplit(str(row["term"]).removeprefix(wording.CONTRAST))))
    # Of what is yes or no the level says only of whom the ratio is.
    of_person = level in OF_PERSON and not wording.is_declared(row["term"]) and pd.notna(row["unit"])
    compared = str(row["unit"]) if of_person else wording.contrast(row)
    return f"{directed(row, name)} {part} ({compared}: {in_brackets(row)})"


def held_over_nights(rows: pd.DataFrame) -> str:
    """Return for what the ratios over several nights and those of thirds are adjusted, which no other table tells."""
    groups: dict[tuple[str, ...], list[str]] = {}
    own = pd.concat([kinds.WINDOW.rows(rows), kinds.THIRDS.rows(rows)])
    for row in wording.records(tables.at_contrasts(own[own["estimate"].notna()])):
        variable = wording.small(wording.label(str(row["term"]).removeprefix(wording.CONTRAST)))
        name = str(row["level"]) if row["analysis"] == kinds.THIRDS.name else variable
        names = groups.setdefault(tuple(each for each in held(row) if each != variable), [])
        names += [name] if name not in names else []
    return wording.sentences(
        [
            f"{wording.listed(names)}: adjusted for {wording.listed(covariates) if covariates else 'nothing'}"
            for covariates, names in groups.items()
        ]
    )


def reported(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return how many cramps people had who said so of what they usually do, or did on one day, as :func:`had` does."""
    return sentences(had(*((f"with {_reported(row)}", row) for row in rows)))


def _reported(row: Mapping[str, Any]) -> str:
    """Return what a row of a survey compares: ``more usual sitting, 600 against 300 min/day``."""
    name = wording.small(wording.term(str(row["term"])))
    if wording.is_declared(row["term"]):
        return f"{directed(row, name)}, {wording.contrast(row)}"
    if pd.isna(row["level"]) or row["level"] == "true":
        return name
    return f"{name} of {wording.contrast(row)}"


def _found(row: Mapping[str, Any]) -> str:
    if row["verdict"] == "differs but negligible":
        return f"{'more' if row['estimate'] > 1 else 'fewer'} cramps, by less than would matter"
    return _FOUND.get(str(row["verdict"]), _TOO_FEW)


def control(rows: pd.DataFrame, variables: Collection[str]) -> str:
    """Return what the negative controls say: exposures of the night after, which no earlier cramp can follow from."""
    judged_rows = {name: judged(rows, name, "lead 1") for name in variables}
    found = {name: row for name, row in judged_rows.items() if row is not None and pd.notna(row["ci_low"])}
    if not found:
        return ""
    found = {name: row for name, row in found.items() if row["verdict"] != "too few"}
    if not found:
        return "Of the negative control, the exposure of the day after, there are too few to tell."
    off = [name for name, row in found.items() if not row["ci_low"] <= 1 <= row["ci_high"]]
    if not off:
        one = len(found) == 1
        named, they = ("control, the exposure", "it") if one else ("controls, the exposures", "they")
        # An interval that leaves room for a difference does not show that there is none.
        wide = "the interval does" if one else "the intervals do"
        clear = all(row["verdict"] in INSIDE for row in found.values())
        told = f"as {they} should" if clear else f"but {wide} not {'' if one else 'all '}rule one out"
        return f"The negative {named} of the day after, went with no clear difference, {told}."
    named = wording.listed(wording.small(wording.label(name)) for name in off)
    return (
        f"The negative control of {named}, the exposure of the day after, leaves 1 out, so that something else goes "
        "with both exposure and cramps, or cramps move the exposure; its ratios are to be read with that in mind."
    )


def drawn_within(rows: pd.DataFrame, does: str) -> str:
    """Return of which means ratios between participants are drawn to those within, and whether any could be corrected.

    ``does`` is what a person usually does that a mean is of.
    """
    own = kinds.CORRECTED.rows(rows)
    said = []
    for made, then in ((True, "which the corrected ones allow for"), (False, "which could not be corrected for")):
        terms = own.loc[own["estimate"].notna() == made, "term"].str.removeprefix(wording.CONTRAST)
        if names := list(dict.fromkeys(wording.small(wording.term(str(term))) for term in terms)):
            to = f"of {wording.listed(names)}, ratios between participants are drawn towards those within, {then}"
            said.append(to)
    return f"The mean of few nights says little of what a person usually {does}: {'; '.join(said)}" if said else ""


def adjusted(cohort: Cohort, variables: Collection[str], rows: pd.DataFrame) -> str:
    """Return the note of a table of exposures: for what each is adjusted, then what else its rows say."""
    alike: dict[str, list[str]] = {}
    for variable in variables:
        name, _, beside = adjustments(cohort, variable).partition(": ")
        alike.setdefault(beside, []).append(name)
    each = "; ".join(f"{wording.listed(names)}: {beside}" for beside, names in alike.items())
    fewer = rows[fewer_than_asked(rows) & rows["estimate"].notna()]
    crowded = adjusted_as(fewer, TOO_FEW).all()
    short = "There are too few participants to take all of that" if crowded else "Not all of that could be taken in"
    names = _in_parts(fewer, tables.at_contrasts(rows[rows["estimate"].notna()]))
    left_out = (
        f"{short} for {wording.listed(names)}: what each takes stands in its row of estimates.csv, and in the table of "
        "adjustments where the report has one. "
        if names
        else ""
    )
    remarks = without_adjustment(tables.at_contrasts(rows), kinds.RELIABILITY.rows(rows))
    how = "The study's causal graph asks to adjust" if names else "Adjusted, as the study's causal graph asks,"
    return f"{how} for these: {each}. {_in_one_model(variables, rows)}{left_out}{remarks}".strip()


def _in_one_model(variables: Collection[str], rows: pd.DataFrame) -> str:
    """Return which exposures stand in one model with one another, as a sentence before others, nothing where none do.

    The model has what any of them is adjusted for, so that each is adjusted for it.
    """
    groups: dict[tuple[str, ...], None] = {}
    for row in wording.records(kinds.WITHIN_BETWEEN.rows(rows[rows["estimate"].notna()])):
        of = {exposures.unsplit(str(row["term"]).removeprefix(wording.CONTRAST)), *beside_in_model(row)}
        groups.setdefault(tuple(name for name in variables if name in of))
    several = [wording.listed(wording.small(wording.label(name)) for name in of) for of in groups if len(of) > 1]
    if not several:
        return ""
    one = "In one model with one another stand" if len(several) == 1 else "In each of these models stand together"
    others = "the other" if all(len(of) <= 2 for of in groups) else "the others"
    return f"{one} {'; '.join(several)}: each is adjusted for {others} as well, and for all that any of them is. "


def fewer_than_asked(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows a model left something out of that was measured and is asked for."""
    return adjusted_as(rows, TOO_FEW, NOT_TAKEN_IN)


def _in_parts(fewer: pd.DataFrame, every: pd.DataFrame) -> list[str]:
    """Return the exposures of rows, with which of their parts these are where it is not all ``every`` row has."""
    (some, whole) = (_parts(each) for each in (fewer, every))
    return [
        name if parts >= whole.get(name, parts) else f"{name} ({wording.listed(sorted(parts, key=_ORDER.index))})"
        for name, parts in some.items()
    ]


_SEVERAL = "over several nights"
_PARTS = {WITHIN: "within participants", BETWEEN: "between them"}
_ORDER = (*_PARTS.values(), _SEVERAL)


def _parts(rows: pd.DataFrame) -> dict[str, set[str]]:
    """Return the parts of each exposure that rows are of."""
    found: dict[str, set[str]] = {}
    for row in wording.records(rows):
        variable = exposures.unsplit(str(row["term"]).removeprefix(wording.CONTRAST))
        found.setdefault(wording.small(wording.label(variable)), set()).add(_PARTS.get(row["level"], _SEVERAL))
    return found


def without_adjustment(rows: pd.DataFrame, *others: pd.DataFrame) -> str:
    """Return what the notes of rows say but for what they are adjusted for, which is told once.

    ``others`` are of the same models and not in the table, such as the reliabilities of their means.
    """
    parts = {part for note in rows["note"].dropna() for part in str(note).split("; ")}
    said = {part for part in parts if part.startswith((_FEWER, "compared within persons", "adjusted for"))}
    return tables.notes(rows, *others, besides=said, level=of_night)


def sentences(*texts: str) -> str:
    """Return those of the texts that say something as sentences, each with a capital and a full stop."""
    return wording.sentences(text.rstrip(".") for text in texts if text)


def untold(what: str, rows: pd.DataFrame, names: Collection[str]) -> str:
    """Return that it could not be told ``what`` the variables ``names`` do from day to day within persons, and why."""
    terms = rows["term"].str.removeprefix(wording.CONTRAST)
    own = rows[terms.isin(names) & rows["level"].eq("within")]
    # What has an estimate and no verdict says so itself.
    silent = {unjudged: None for row in wording.records(own) if (unjudged := fact(row, "no verdict"))}
    why = tables.reasons(own, brief=True, inside=True) or "; ".join(silent) or _unrecorded(names)
    return wording.sentences([f"{what}, from day to day, could not be estimated: {why}"])


def _unrecorded(names: Collection[str]) -> str:
    labels = (wording.small(wording.label(exposures.unsplit(name))) for name in names)
    return f"none of {wording.listed(labels)} was recorded"
