"""Bare lists of nights for the first look: three columns in any order, with a header or without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from fuzz_bytes import place
from fuzz_kinds import Kind
from fuzz_plain import MISSING, Alternatives, Plain, Row, headless, readings, same
from fuzz_study import study
from fuzz_text import Sheet, mistaken
from numpy.random import Generator

from crampstudy import codebook
from crampstudy.sources.readers.bare_list import NightList

_FILE = "nights.csv"
_COUNT = codebook.variable("cramps", "diary")


def _sheet(form: str = "%Y-%m-%d", header: bool = True, separator: str = ",") -> Sheet:
    nights = ((n["participant_id"], n["date"].strftime(form), n["cramps"], n["mood"]) for n in study()["diary"])
    rows = [[who, day, "" if count is None else str(count), mood] for who, day, count, mood in nights]
    return Sheet([["id", "date", "cramps", "note"], *rows] if header else rows, separator)


def _write(folder: Path) -> str:
    (folder / _FILE).write_bytes(_sheet().content())
    return str(folder / _FILE)


def _spoil(folder: Path, rng: Generator) -> str:
    form = ("%Y-%m-%d", "%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y", "%Y-%m-%d 00:00:00")[place(rng, 6)]
    # Of numbers alone nobody could tell who from how many.
    base = _sheet(form, bool(rng.random() < 0.8), (",", ";", "\t")[place(rng, 3)])
    content, what = mistaken(base, rng)
    (folder / _FILE).write_bytes(content)
    return what


def _plain(folder: Path) -> Plain:
    return {"": headless((folder / _FILE).read_bytes())}


def problems(nights: NightList, plain: Plain | None) -> Iterator[str]:
    """Yield nights that the list does not have so, and rows that are neither a night nor left out."""
    if plain is None:
        return
    guess, given = nights.guess, plain[""]
    rows = [[str(cell[0]) for cell in row.cells.values()] for row in given]
    # A line above the header is no night.
    head = (
        next((n for n, cells in enumerate(rows) if re.sub(r" \(\d+\)$", "", guess.who) in cells), 0)
        if guess.header
        else -1
    )
    names = rows[head] if guess.header else []
    at = [_positions(name, names) for name in (guess.who, guess.date, guess.cramps)]
    given = given[head + 1 :]
    left = {row.line for row in nights.left_out}
    accepted = {(row["participant_id"], row["date"]): row["cramps"] for row in nights.frame.to_dicts()}
    if len(accepted) != nights.frame.height:
        yield "a night stands twice"
    met = set()
    for row in given:
        line, (who, when, count) = row.line, (_cell(row, positions) for positions in at)
        if line in left:
            continue
        found = [(w, d) for w in who for raw in when for d in _days(raw, guess.date_format) if (w, d) in accepted]
        if not found:
            yield f"line {line} is neither a night nor left out: {who[0]}, {when[0]}, {count[0]}"
            continue
        if found[0] in met:
            yield f"line {line} is gone: {found[0]} came from another line"
        met.add(found[0])
        value = accepted[found[0]]
        if value is None and not any(raw is None or raw in MISSING for raw in count):
            yield f"line {line}: {count[0]!r} became missing without a word"
        if value is not None and not any(same(value, read) for raw in count for read in readings(raw, _COUNT)):
            yield f"line {line}: {count[0]!r} became {value}"
    for key in accepted.keys() - met:
        yield f"{key} was accepted, and no row says it"


def _positions(name: str, names: list[str]) -> list[int]:
    """Where a column stands; of several of one name it may be any."""
    name = re.sub(r" \(\d+\)$", "", name)
    return [n for n, other in enumerate(names) if other == name] or [int(name.removeprefix("column ")) - 1]


def _cell(row: Row, positions: list[int]) -> Alternatives:
    return tuple(raw for position in positions for raw in row.cells.get(str(position), (None,)))


def _days(raw: Any, form: str) -> Iterator[date]:
    if raw is None:
        return
    for written in (form, f"{form} %H:%M:%S", f"{form} %H:%M", f"{form}T%H:%M:%S", f"{form}T%H:%M"):
        try:
            moment = datetime.strptime(raw, written)
        except ValueError:
            continue
        if moment.hour == moment.minute == moment.second == 0:
            yield moment.date()


KINDS = (Kind("list", _write, _spoil, _plain, bare=True),)
