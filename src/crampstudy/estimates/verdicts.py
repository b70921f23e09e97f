"""What the interval of a ratio or a difference says, in one vocabulary, and the sentence that names how it was read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import pandas as pd

from crampstudy import wording
from crampstudy.codebook import contrasts
from crampstudy.errors import UsageError
from crampstudy.estimates import facts

Verdict = Literal["higher", "lower", "differs but negligible", "near null", "inconclusive", "too few"]
Margins = tuple[float, float]

INSIDE = ("near null", "differs but negligible")
"""Verdicts of an interval that lies inside the margins."""
MARGINS: Margins = (0.8, 1.25)
"""Ratios between these are as good as 1: the limits of bioequivalence, symmetric on the log scale."""
IMPRECISE: Margins = (0.1, 10.0)
"""Whose interval holds both of these ratios, a tenth and ten times, says nothing, and is told in tables alone.

Its limits are a hundredfold apart or more (the confidence limit ratio of Poole 2001, Epidemiology 12:291), and none of
the associations that are known of cramps, nor hardly any of epidemiology, is beyond them.
"""
FEWEST = 10
"""With fewer participants or events than this nothing is said of a ratio; of a sum, for each of its nights."""
FEWEST_EXPOSED, FEWEST_DF = 5, 4.0
"""Nor with fewer participants at the level, or whose value varies, nor with fewer degrees of freedom than these."""
TELL = "tell"
"""The fact of how many participants tell of a ratio within participants, where they are fewer than that."""
RESTS_ON, WHOM = "rests on", "whom"
"""The facts of how many participants tell of a ratio beside what it is adjusted for, where not all do, and of whom."""
_RESTS, _RESTS_ON_THE = "rests", "rests on the "
BEYOND_VALUES = "compared beyond the values observed, which lie"
"""How it is said that a contrast reaches farther than anything observed."""
_OF_OWN = "have the degrees of freedom of their own numbers of cramps"
OWN_RATES, FEW_CRAMP = f"ratios within few participants {_OF_OWN}", f"where few of all have a cramp, ratios {_OF_OWN}"
FEW_DEGREES = f"{_RESTS} on few participants, with fewer than {FEWEST_DF:g} degrees of freedom"
"""What is said of an estimate with few degrees of freedom."""
FEW_PSUS = f"{_RESTS} on few PSUs"
"""How a row of a survey says that it has few sampling units."""
NO_INTERVAL = "no interval"
"""The fact of why an estimate has none."""
DIFFERENCE = "difference"
NEVER_AT = "no night was at"
"""How it is said that a value of what a ratio is modified by was never observed, which the fact ``never at`` has."""
CRAMPS, PER_WEEK = "cramps", "cramps_per_week"
"""Outcomes of the two rows of a treatment's contrast: a ratio of rates, and a difference in cramps a week."""
WIDER = "the difference beside it is not inside its margins"
"""What the note of a ratio says where it alone would be as good as 1: of a contrast that has margins of both."""
BESIDE, NIGHTS = "beside", "nights"
"""Facts of which other number of a contrast rests on too few, and of how many nights a sum is, each with events."""
_OF_CONTRAST = ("analysis", "term", "level", "reference", "population")
_SET, _NO_VERDICT = "verdict with margins", ": no verdict"
"""How a note tells the margins, and how a reason ends that is read in a note, apart from the verdict."""


def verdict(
    row: Mapping[str, Any], margins: Margins = MARGINS, beside: Mapping[str, Any] | None = None
) -> Verdict | None:
    """Return what the interval of one row of estimates says at its own confidence level, ``None`` if nothing.

    First whether the interval excludes 1, then whether it lies inside the ``margins``; of a difference whether it
    excludes 0, then whether it lies inside those that the codebook declares for the outcome, and without any nothing is
    negligible or null. A ratio with a difference ``beside`` it (:func:`difference_beside`) is inside only if both are:
    what may be more than the margins of one is not negligible by those of the other. One that rests on too few, or has
    no interval, is neither; the latter is inconclusive where its ``facts`` say why, such as that people are all alike,
    and not how many they are. A p-value above 0.05 is never read as no effect. What is neither, or could not be
    estimated, has no verdict, unless it is for a level that too few participants are at.

    Source: Schuirmann 1987 (equivalence by an interval); Lakens 2017 (both questions of one interval).
    """
    if not compares(row):
        return None
    if row["status"] not in ("converged", "boundary") or pd.isna(row["estimate"]):
        return "too few" if row["status"] == "not_estimable" and _below(row, "n_exposed", FEWEST_EXPOSED) else None
    if too_few(row):
        return "too few"
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return "inconclusive" if facts.fact(row, NO_INTERVAL) else "too few"
    null, limits = (1, margins) if row["scale"] != DIFFERENCE else (0, _of_outcome(row["outcome"]))
    inside = limits is not None and limits[0] <= row["ci_low"] and row["ci_high"] <= limits[1]
    inside = inside and not exceeds(beside)
    if row["ci_low"] <= null <= row["ci_high"]:
        return "near null" if inside else "inconclusive"
    if inside:
        return "differs but negligible"
    return "higher" if row["ci_low"] > null else "lower"


def difference_beside(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the difference in cramps a week of the contrast that a ratio is of, of those ``rows`` with a verdict."""
    return None if _alike(row["scale"], DIFFERENCE) else other_of_contrast(row, rows)


def other_of_contrast(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the difference in cramps a week beside a ratio, or that ratio beside it, of ``rows`` with a verdict."""
    own, other = (PER_WEEK, CRAMPS) if _alike(row["scale"], DIFFERENCE) else (CRAMPS, PER_WEEK)
    if not _alike(row["outcome"], own) or pd.isna(row["verdict"]):
        return None
    wanted = {**{name: row[name] for name in _OF_CONTRAST}, "outcome": other}
    found = (each for each in rows if all(_alike(each[name], cell) for name, cell in wanted.items()))
    judged = (each for each in found if compares(each) and not pd.isna(each["verdict"]))
    return next((each for each in judged if _alike(each["scale"], DIFFERENCE) == (other == PER_WEEK)), None)


def exceeds(difference: Mapping[str, Any] | None) -> bool:
    """Say whether a difference may be more than its margins, so that the ratio beside it is not as good as 1."""
    return difference is not None and verdict(difference) not in (*INSIDE, None, "too few")


def widened(row: Mapping[str, Any], beside: Mapping[str, Any] | None, margins: Margins = MARGINS) -> bool:
    """Say whether the difference ``beside`` a ratio alone keeps it from being as good as 1."""
    return exceeds(beside) and verdict(row, margins) in INSIDE


def of_both(row: Mapping[str, Any], other: Mapping[str, Any], margins: Margins = MARGINS) -> dict[str, Any]:
    """Return the cells of a ratio or a difference that follow from the ``other`` of its contrast, and say so.

    What the one rests on is what the other rests on: where either is of too few, so are both. A ratio is as good as 1
    only where its difference is inside its margins as well.
    """
    few = not too_few(row) and verdict(other, margins) == "too few"
    which = "ratio" if other["scale"] != DIFFERENCE else DIFFERENCE
    made = facts.with_facts(row, {BESIDE: which}) if few else dict(row)
    difference = None if row["scale"] == DIFFERENCE else other
    said = f"the {which} beside it rests on too few" if few else ""
    if widened(made, difference, margins):
        said = WIDER
    return {"facts": made["facts"], "verdict": verdict(made, margins, difference), "note": _noted(row, said)}


def _noted(row: Mapping[str, Any], said: str) -> str | None:
    """Return the note of a row with what is said of it besides at its end."""
    return "; ".join(filter(None, (row.get("note"), said))) or None


def compares(row: Mapping[str, Any]) -> bool:
    """Say whether a row is a ratio or a difference, of which there may be a verdict."""
    return str(row["scale"]).endswith("_ratio") or row["scale"] == DIFFERENCE


def too_few(row: Mapping[str, Any]) -> bool:
    """Say whether a row rests on too few participants, exposed ones or events for anything to be said of its ratio."""
    return _few_people(row) or _below(row, "df", FEWEST_DF)


def few_degrees(row: Mapping[str, Any]) -> bool:
    """Say whether a row is of too few for its degrees of freedom alone: there are people enough, but few carry it."""
    return row["verdict"] == "too few" and _below(row, "df", FEWEST_DF) and not _few_people(row)


def few_of_what(row: Mapping[str, Any]) -> str:
    """Return of what a row of too few has too few: ``participants``, ``events`` or ``degrees of freedom``."""
    if not _few_people(row) and _below(row, "df", FEWEST_DF):
        return "degrees of freedom"
    return "events" if _below(row, "n_events", _events(row)) and not _few_persons(row) else "participants"


def _few_people(row: Mapping[str, Any]) -> bool:
    return _few_persons(row) or _below(row, "n_events", _events(row)) or facts.fact(row, BESIDE) != ""


def _events(row: Mapping[str, Any]) -> int:
    return FEWEST * int(facts.fact(row, NIGHTS) or 1)


def _few_persons(row: Mapping[str, Any]) -> bool:
    told = facts.fact(row, TELL) != "" or few_tell(row)
    return few_participants(row) or _below(row, "n_exposed", FEWEST_EXPOSED) or told


def why_few(rows: pd.DataFrame) -> str:
    """Return on what those rows rest that have an estimate and are of too few, empty where there are none.

    What a row says of that in its own note is not said again.
    """
    few = rows[rows["verdict"].eq("too few").fillna(value=False) & rows["status"].isin(["converged", "boundary"])]
    said = {
        why: None
        for row in wording.with_none(few)
        if FEW_PSUS not in str(row["note"])
        for why in _rests_on_few(row)
        if f"{_RESTS} {why}" not in str(row["note"])
    }
    return f"too few is what rests {' or '.join(said)}" if said else ""


def grounds(row: Mapping[str, Any]) -> list[str]:
    """Return on what a row rests that is too few, each as it stands after ``rests``."""
    told = facts.fact(row, TELL)
    some = [f"on {wording.counted(int(told), 'participants')} in whom it varies and who had an event"] if told else []
    few = [f"on {facts.fact(row, RESTS_ON)} {facts.fact(row, WHOM)}"] if few_tell(row) else []
    return [*_rests_on_few(row), *some, *few]


def _rests_on_few(row: Mapping[str, Any]) -> list[str]:
    if few_units(row):
        return [f"on few sampling units, with fewer than {FEWEST_DF:g} degrees of freedom"]
    counts = (
        ("n_participants", FEWEST, f"on fewer than {FEWEST} participants"),
        ("n_events", _events(row), f"on fewer than {_events(row)} events"),
        ("n_exposed", FEWEST_EXPOSED, f"on fewer than {FEWEST_EXPOSED} participants at a level or whose value varies"),
        ("df", FEWEST_DF, FEW_DEGREES.removeprefix(f"{_RESTS} ")),
    )
    return [why for name, fewest, why in counts if _below(row, name, fewest)]


def few_tell(row: Mapping[str, Any]) -> bool:
    """Say whether beside what a ratio is adjusted for it rests on too few of its participants."""
    told = facts.fact(row, RESTS_ON)
    return told != "" and int(told) < FEWEST_EXPOSED


def resting_on(row: Mapping[str, Any], tell: int | None) -> dict[str, Any]:
    """Return the cells in which a ratio within participants says that few ``tell`` of it, where they are few.

    They are those in whom the value varies and who had an event: the counts of anybody else are the same at any value.
    """
    if tell is None or tell >= FEWEST_EXPOSED:
        return {}
    said = f"only {wording.counted(tell, 'participants')} in whom it varies from night to night had an event"
    made = facts.with_facts(row, {TELL: str(tell)})
    return {"facts": made["facts"], "note": _noted(row, said)}


def resting_on_some(row: Mapping[str, Any], participants: int, whom: str) -> dict[str, Any]:
    """Return the cells in which a row says on how many of its ``participants`` its ratio rests, and on ``whom``."""
    made = facts.with_facts(row, {RESTS_ON: str(participants), WHOM: whom})
    said = rests_on(made)
    return {"facts": made["facts"], "note": _noted(row, said)}


def rests_on(row: Mapping[str, Any]) -> str:
    """Return on whom a ratio rests, where that is not all of its participants: ``rests on the 30 with …``."""
    told = facts.fact(row, RESTS_ON)
    return f"{_RESTS_ON_THE}{int(told):,} {facts.fact(row, WHOM)}" if told else ""


def is_whom(remark: str) -> bool:
    """Say whether a remark on a row tells on whom its ratio rests."""
    return remark.startswith(_RESTS_ON_THE)


def too_imprecise(row: Mapping[str, Any]) -> bool:
    """Say whether the interval of a ratio is so wide that it rules nothing out (:data:`IMPRECISE`).

    It holds 1, so that such a row is inconclusive, or of too few, whatever else is told of it. A ratio without an
    interval says nothing where it lies outside of these margins itself.
    """
    if not str(row["scale"]).endswith("_ratio") or pd.isna(row["estimate"]):
        return False
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return not IMPRECISE[0] < row["estimate"] < IMPRECISE[1]
    return bool(row["ci_low"] <= IMPRECISE[0] and row["ci_high"] >= IMPRECISE[1])


def without_interval(row: Mapping[str, Any]) -> bool:
    """Say whether a row is inconclusive as there is no interval, and not as its interval is wide."""
    return row["verdict"] == "inconclusive" and bool(pd.isna(row["ci_low"])) and facts.fact(row, NO_INTERVAL) != ""


def told_as(row: Mapping[str, Any]) -> str:
    """Return the verdict of a row as sentences tell it: what rules nothing out is imprecise, and not uncertain."""
    return "imprecise" if row["verdict"] == "inconclusive" and too_imprecise(row) else str(row["verdict"])


def who_are_few(rows: pd.DataFrame, people: str = "participants") -> str:
    """Return of what there is too little for rows that rest on too few: ``people``, their cramps, or a survey's PSUs.

    A survey of many people in few primary sampling units leaves few degrees of freedom, whoever of them is exposed.
    """
    every = wording.with_none(rows)
    units = [few_units(row) for row in every]
    events = [not unit and few_of_what(row) == "events" for row, unit in zip(every, units, strict=True)]
    whole = not every or any(not (unit or event) for unit, event in zip(units, events, strict=True))
    named = [(people, whole), ("cramps", any(events)), ("sampling units", any(units))]
    return " or ".join(name for name, told in named if told)


def few_units(row: Mapping[str, Any]) -> bool:
    """Say whether a row of a survey rests on too few for its degrees of freedom alone."""
    return str(row["model"]).startswith("survey") and few_degrees(row)


def told_in_numbers(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return of which rows with a verdict a summary shows the number: not of those that say nothing."""
    every = wording.with_none(rows)
    told = [row["verdict"] != "too few" and not (too_imprecise(row) or without_interval(row)) for row in every]
    return pd.Series(told, index=rows.index, dtype=bool)


def few_participants(row: Mapping[str, Any]) -> bool:
    """Say whether a row rests on too few participants for anything to be said of it."""
    return _below(row, "n_participants", FEWEST)


def with_margins(row: Mapping[str, Any], margins: Margins) -> dict[str, Any]:
    """Return a row that says the margins of its verdict, if it is of a ratio and they are not the usual ones."""
    if margins == MARGINS or row["scale"] == DIFFERENCE:
        return dict(row)
    said = f"{margins[0]:g} to {margins[1]:g}"
    note = "; ".join(filter(None, (row["note"], f"{_SET} {said}")))
    return facts.with_facts(row, {"margins": said}) | {"note": note}


def unjudged(row: Mapping[str, Any], why: str, *, beyond: bool = False) -> dict[str, Any]:
    """Return a row that keeps its estimate and interval and has no verdict, and says ``why``.

    Nothing follows from it: no sentence, no headline, no claim. That there are too few people, and not that it has no
    interval, is said as before. Where that is as it lies ``beyond`` all that was observed, a claim cannot be tested.
    """
    margins = facts.fact(row, "margins")
    parts = [] if pd.isna(row["note"]) else row["note"].split("; ")
    kept = [part for part in parts if part != f"{_SET} {margins}"]
    few = row["verdict"] == "too few" and too_few(row)
    own = facts.with_facts(row, {"margins": None, "no verdict": why, "beyond": "observed" if beyond else None})
    return own | {"verdict": "too few" if few else None, "note": "; ".join([*kept, why])}


def why_beyond(row: Mapping[str, Any]) -> str:
    """Return beyond what a row is compared, if that is why it has no verdict, empty where it is not."""
    if not facts.fact(row, "beyond"):
        return ""
    if never := facts.fact(row, "never at"):
        return f"{NEVER_AT} {never}"
    return facts.fact(row, "no verdict").removesuffix(_NO_VERDICT)


def remark(rows: pd.DataFrame) -> str | None:
    """Return at which confidence the verdicts of a table were read, and with which margins if the rows name none."""
    # That there are too few is read from no interval, and has no confidence.
    judged = rows[rows["verdict"].notna() & rows["ci_level"].notna()]
    if judged.empty:
        return None
    sides = ", ".join(
        f"{level * 100:.6g}% two-sided ({(1 - level) / 2 * 100:.4g}% a side)" for level in judged["ci_level"].unique()
    )
    ratios = judged[judged["scale"] != DIFFERENCE]
    said = facts.of_rows(ratios, "margins").ne("").all()
    outcomes = judged.loc[judged["scale"] == DIFFERENCE, "outcome"].unique()
    of_ratios = () if said else (f"margins {MARGINS[0]:g} to {MARGINS[1]:g}",)
    return ", ".join([f"verdicts are read at {sides}", *of_ratios, *_declared(outcomes)])


def check_margins(margins: Margins) -> None:
    """Check the margins inside which a ratio is as good as 1.

    Raises:
        UsageError: they do not lie around 1.
    """
    low, high = margins
    if not 0 < low < 1 < high < float("inf"):
        raise UsageError(f"margins lie around 1, the lower first, such as 0.8,1.25; got {low:g},{high:g}")


def parse_margins(text: str) -> Margins:
    """Return margins from a text such as ``0.8,1.25``.

    Raises:
        UsageError: these are not two numbers that lie around 1.
    """
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise UsageError(f"margins are two numbers with a comma between, such as 0.8,1.25; got {text!r}") from None
    check_margins((low, high))
    return low, high


def _of_outcome(name: str) -> Margins | None:
    declared = contrasts.margin(name)
    return (-declared.size, declared.size) if declared else None


def _declared(outcomes: Iterable[str]) -> list[str]:
    """Return which margins the differences of outcomes have, those that have the same together."""
    alike: dict[contrasts.Margin | None, list[str]] = {}
    for name in outcomes:
        found = contrasts.margin(name)
        alike.setdefault(found and replace(found, name=""), []).append(name)
    return [_of_alike(found, wording.listed(names)) for found, names in alike.items()]


def _of_alike(found: contrasts.Margin | None, names: str) -> str:
    if found is None:
        return f"no margins are declared for {names}, so that they say only whether 0 is excluded"
    return f"margins −{found.size:g} to {found.size:g} of {names} ({found.source.partition(':')[0]})"


def _alike(one: Any, other: Any) -> bool:
    return bool(one == other) if pd.notna(one) and pd.notna(other) else bool(pd.isna(one) and pd.isna(other))


def _below(row: Mapping[str, Any], count: str, fewest: float) -> bool:
    return bool(pd.notna(row[count]) and row[count] < fewest)
