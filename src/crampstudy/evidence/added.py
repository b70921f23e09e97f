"""A reader's own trials: a CSV with some of the columns of the evidence, each refusal with its line and column."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from crampstudy import suggestions
from crampstudy.errors import OpenQuestion, SourceError
from crampstudy.evidence.package import columns, populations, studies
from crampstudy.evidence.pools import group
from crampstudy.evidence.study import Study
from crampstudy.sources.text import decimals, delimited

EXAMPLE = (
    "study,year,design,n_treated,n_control,unit,mean_treated,sd_treated,mean_control,sd_control\n"
    "My trial,2025,parallel,60,58,week,2.1,2.4,2.9,2.6\n"
)
"""The shortest file with all that a parallel trial needs."""
_ASSUMED = {"comparison": "placebo", "design": "parallel", "outcome": "cramps"}
"""What is taken where a row does not say it, and is said."""


def read(path: Path, agent: str, population: str | None) -> tuple[tuple[Study, ...], tuple[str, ...]]:
    """Return the trials of a file, and what was taken where it does not say.

    Args:
        path: a CSV: any common delimiter, encoding and decimal mark.
        agent: the treatment of rows that do not name one.
        population: whose cramps they are of, in rows that do not say.

    Raises:
        SourceError: the file cannot be read, has an unknown column or an impossible cell, or a row of it has no
            difference in cramps a week; an open question where nobody says whose cramps they are.
    """
    text = delimited.read_text(path)
    if text.unread.height:
        first = text.unread.row(0, named=True)
        raise SourceError(f"{path.name} line {first['line']}: {first['hint']}")
    if text.frame.is_empty():
        raise SourceError(f"{path.name} has no row under its header; a trial is a row, such as\n{EXAMPLE}")
    known = columns("trials")
    for name in text.frame.columns:
        if name not in known:
            allowed = f"columns of a trial are {', '.join(known)}"
            raise suggestions.unknown(SourceError, f"{path.name}: no column {name!r}", name, known, allowed)
    numeric = [name for name in text.frame.columns if known[name].numeric]
    frame, notices = decimals.settle(
        text.frame, numeric, path.name, text.lines, decimals.Stated(option="a point as decimal mark")
    )
    made = [
        _study(row, f"{path.name} line {line}", agent, population)
        for row, line in zip(frame.iter_rows(named=True), text.lines, strict=True)
    ]
    _check_new(made, path.name)
    return tuple(made), (*text.notices, *notices, *_taken(frame, path.name, population))


def _study(row: Mapping[str, str | None], where: str, agent: str, population: str | None) -> Study:
    known, cells = columns("trials"), dict[str, Any]()
    for name, text in row.items():
        if text is None:
            continue
        try:
            cells[name] = known[name].read(text)
        except ValueError as problem:
            raise SourceError(f"{where}, {name} = {text!r}: {problem}") from None
    if "study" not in cells:
        raise SourceError(f"{where}, study: a trial has a name; fill the column study")
    cells.setdefault("agent", agent)
    if population is not None:
        cells.setdefault("population", population)
    if cells["agent"] != agent:
        raise SourceError(f"{where}, agent = {cells['agent']!r}: it is of another treatment than {agent}; leave it out")
    if "population" not in cells:
        answer = ("--population", next(iter(populations(agent)), "idiopathic"))
        raise OpenQuestion(f"{where}: whose cramps are they? add a column population, or say so", answer)
    study = Study(**cells)
    (shown,) = group([study])[0].rows
    if not shown.pooled:
        raise SourceError(f"{where}: {shown.why}; only what can be pooled is added")
    return study


def _check_new(made: list[Study], file: str) -> None:
    """Check that no trial is in the evidence already, or twice in the file."""
    for each in made:
        for there in studies():
            if each.of.casefold() in (there.of.casefold(), there.study.casefold()) or (
                each.doi and each.doi == there.doi
            ):
                known = "" if each.study == there.study else f", as {there.study}"
                raise SourceError(f"{file}: {each.study} is in the evidence already{known}; leave it out")
    names = [each.study for each in made]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(f"{file}: {', '.join(twice)} stands there twice; give each row a name of its own")


def _taken(frame: pl.DataFrame, file: str, population: str | None) -> tuple[str, ...]:
    said = _ASSUMED | ({"population": population} if population else {})
    missing = [
        f"{name} {value}" for name, value in said.items() if name not in frame or frame[name].null_count() == len(frame)
    ]
    return (f"{file}: read as {', '.join(missing)}, since it does not say",) if missing else ()
