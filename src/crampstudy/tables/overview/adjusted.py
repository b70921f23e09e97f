"""What each exposure of a report was adjusted for, told once for all exposures that have the same beside them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import BETWEEN, WITHIN
from crampstudy.estimates import adjustment, kinds
from crampstudy.estimates.sentences import recalled
from crampstudy.estimates.verdicts import CRAMPS
from crampstudy.nights.calendar import CYCLE
from crampstudy.tables.headings import among
from crampstudy.tables.table import as_table

Row = Mapping[str, Any]
_ELSEWHERE = (kinds.OPEN_USE_GRAPH.name, kinds.CLAIM.name, kinds.CLAIM_PART.name)
"""Kinds of rows that are weighted for what the graph asks for, or told of rows of others."""
_SEASON = "Season"
_SPLINE = re.compile(r"ns\(([^,]+),.*\)")


@as_table
def adjusted_for(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return for each exposure what the causal graph had it adjusted for, and where that is not enough under it.

    Exposures share a row where they have the same beside them, each other apart. An exposure with one set for one
    outcome and another one for another has a row for each set, which names its outcomes unless these are cramps.
    """
    told = _told(estimates)
    named = told.assign(whom=[", ".join(whom) for whom in among(told)])
    rows = _by_outcome(wording.records(named.drop_duplicates(["term", "whom", "outcome"])))
    made = [(_exposures(of), _beside(of)) for of in _alike(rows)]
    return pd.DataFrame(
        {"Adjusted for": [beside for _, beside in made]},
        index=pd.Index([name for name, _ in made], name="Exposure"),
        dtype=object,
    )


def adjusted_note(estimates: pd.DataFrame) -> str | None:
    """Return what the words of the table mean that it has, ``None`` where it needs no such words."""
    rows = wording.records(_told(estimates))
    terms = {term for row in rows for term in (*_terms(row), str(row["term"]))}
    known = [found for term in terms if (found := exposures.find(term))]
    parts = {each.part for each in known}
    said = []
    if parts - {None}:
        said.append("within: a night against the participant's own mean; between: that mean")
        said[0] += "; neither: the night's own value" if any(codebook.find(term, "diary") for term in terms) else ""
    if {each.variable for each in known} & {*CYCLE} or terms & {*CYCLE}:
        said.append("season is its cosine and its sine")
    if any(_lacking(row) for row in rows):
        said.append("not enough: were the graph right, a path of confounding would stay open")
    return wording.sentences(said) or None


def _told(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of exposures that the table tells of, each with the part that it is of."""
    own = estimates[adjustment.by_graph(estimates) & ~estimates["analysis"].isin(_ELSEWHERE)]
    told = own[own["estimate"].notna() & own["scale"].ne("wald_test")]
    in_part = told.assign(term=[_in_part(row) for row in wording.records(told)])
    return in_part.drop_duplicates(["term", "outcome", "adjusted_for"])


def _by_outcome(rows: Sequence[Row]) -> list[Row]:
    """Return rows, those of an exposure and some people with the same beside them as one, with what it is ``of``."""
    sets: dict[tuple[str, str], dict[tuple[frozenset[str], str], list[Row]]] = {}
    for row in rows:
        own = sets.setdefault((row["term"], row["whom"]), {})
        own.setdefault((_terms(row), _lacking(row)), []).append(row)
    made: list[Row] = []
    for own in sets.values():
        for alike in own.values():
            names = [wording.small(wording.label(str(row["outcome"]))) for row in alike if not _of_cramps(row)]
            unnamed = len(own) == 1 or len(names) < len(alike)
            made.append({**alike[0], "of": "" if unnamed else wording.listed(names)})
    return made


def _of_cramps(row: Row) -> bool:
    return row["outcome"] == CRAMPS or recalled(row) != "" or bool(pd.isna(row["outcome"]))


def _alike(rows: Sequence[Row]) -> list[list[Row]]:
    """Return rows with the same beside them, each other apart or lacking the same, in the order of their first ones."""
    jointly: dict[tuple[frozenset[str], str, str], list[Row]] = {}
    for row in rows:
        jointly.setdefault((_terms(row) | {row["term"]}, row["whom"], row["of"]), []).append(row)
    equally: dict[tuple[frozenset[str], str, str, str], list[Row]] = {}
    for row in (of[0] for of in jointly.values() if len(of) == 1):
        equally.setdefault((_terms(row), row["whom"], row["of"], _lacking(row)), []).append(row)
    several = [of for of in jointly.values() if len(of) > 1]
    return sorted([*several, *equally.values()], key=lambda of: rows.index(of[0]))


def _terms(row: Row) -> frozenset[str]:
    return frozenset() if pd.isna(row["adjusted_for"]) else frozenset(str(row["adjusted_for"]).split("; "))


def _exposures(rows: Sequence[Row]) -> str:
    """Return what rows of the same people are of: ``Fluid intake (within, between); alcohol (within, between)``."""
    names = _listed(str(row["term"]) for row in rows)
    whom = f" ({rows[0]['whom']})" if rows[0]["whom"] else ""
    of = f", for {rows[0]['of']}" if rows[0]["of"] else ""
    return f"{wording.capital(names) if names.split()[0].islower() else names}{whom}{of}"


def _beside(rows: Sequence[Row]) -> str:
    """Return what rows are adjusted for, and for which of them that is not enough."""
    own = [str(row["term"]) for row in rows]
    first: list[str] = [] if pd.isna(rows[0]["adjusted_for"]) else str(rows[0]["adjusted_for"]).split("; ")
    joint = any(term in first for term in own)
    beside = [term for term in first if term not in own]
    said = "; ".join(filter(None, ["each other" if joint else "", _listed(beside)])) or "nothing"
    lacking = {term: _lacking(row) for term, row in zip(own, rows, strict=True)}
    for why in dict.fromkeys(filter(None, lacking.values())):
        of = [term for term in own if lacking[term] == why]
        said += f" (not enough{f' for {_listed(of)}' if len(of) < len(own) else ''}: {why})"
    return said


def _lacking(row: Row) -> str:
    """Return what the graph asks for and a row lacks, and why, nothing where it has all of it."""
    names = _listed(adjustment.lacks(row))
    match row["adjustment"]:
        case adjustment.SUFFICIENT:
            return ""
        case adjustment.TOO_FEW:
            return f"too few participants for {names}"
        case adjustment.NOT_TAKEN_IN:
            return f"not taken in: {names}"
    return names


def _listed(terms: Iterable[str]) -> str:
    """Return terms as a list that has each variable once: ``alcohol (night, between); season (between)``."""
    told = list(terms)
    groups: dict[str, list[exposures.Exposure]] = {}
    for term in told:
        plain = _SPLINE.sub(r"\1", term)
        known = exposures.find(plain)
        # Only lags are told in few words.
        simple = known is not None and all(function == "lag" for function, _ in known.steps)
        of = known if known is not None and simple else exposures.Exposure(plain)
        # Both halves of the annual cycle are the season.
        halves = {term.replace(of.variable, half) for half in CYCLE} if of.variable in CYCLE else {""}
        groups.setdefault(_SEASON if halves <= set(told) else wording.term(of.name), []).append(of)
    return "; ".join(f"{wording.small(name)}{_of_nights(of)}" for name, of in groups.items())


def _of_nights(of: Sequence[exposures.Exposure]) -> str:
    """Return what a list says of a variable besides its name, nothing where it is the variable itself."""
    parts = dict.fromkeys((each.part, each.leave_out) for each in of)
    told = []
    for part, leave_out in parts:
        nights = sorted({each.shift for each in of if (each.part, each.leave_out) == (part, leave_out)})
        out = f"{part}, night left out" if leave_out else part or ""
        told += [out or "that night"] if 0 in nights else []
        told += [", ".join(filter(None, (out, _before(nights))))] if any(nights) else []
    return "" if told == ["that night"] else f" ({('; ' if any(',' in each for each in told) else ', ').join(told)})"


def _before(nights: Sequence[int]) -> str:
    """Return how many nights before: ``1 night before``, ``1 to 3 nights before``."""
    past = [night for night in nights if night]
    if len(past) == 1:
        return f"{wording.counted(past[0], 'nights')} before"
    if len(past) > 2 and past[-1] - past[0] == len(past) - 1:
        return f"{past[0]} to {past[-1]} nights before"
    return f"{wording.listed(map(str, past))} nights before"


def _in_part(row: Row) -> str:
    """Return the term of a row, of a nightly exposure with the part, within participants or between, that it is of."""
    term, part = str(row["term"]), str(row["level"])
    name = term.removeprefix(wording.CONTRAST)
    return f"{part}({name})" if part in (WITHIN, BETWEEN) and name.isidentifier() else name
