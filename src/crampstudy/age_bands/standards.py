"""Standard populations: published ones by name, and others by a table of ages."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Literal, cast

from crampstudy import suggestions
from crampstudy.errors import BandError, SourceError

Standard = Literal["who", "esp2013"]
STANDARDS: dict[str, str] = {
    "who": "WHO world standard 2000–2025 (Ahmad et al. 2001)",
    "esp2013": "European standard population 2013 (Eurostat 2013)",
}
_CITED = {"(Ahmad et al. 2001)": "[@ahmad2001]", "(Eurostat 2013)": "[@eurostat2013]"}
_AGE = "age_low"
_EXAMPLE = f"{_AGE},people with a line such as 20,1500 for each age group"


@dataclass(frozen=True, slots=True)
class StandardPopulation:
    """People by age: ``groups`` are lower limits in years, youngest first, each with its number or share of people.

    Raises:
        BandError: the limits do not increase, or a number is below 0.
    """

    label: str
    groups: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        lows = [low for low, _ in self.groups]
        if not lows or any(a >= b for a, b in pairwise(lows)):
            raise BandError(f"{self.label}: the lower limits of its age groups must increase, got {lows}")
        if any(not 0 <= people < float("inf") for _, people in self.groups):
            raise BandError(f"{self.label}: each age group has a number of people, 0 or more")


AnyStandard = Standard | StandardPopulation | Literal["none"]


def cited(text: str) -> str:
    """Return a text on standards with their works as citations of a report's prose, ``[@ahmad2001]``."""
    for plain, key in _CITED.items():
        text = text.replace(plain, key)
    return text


def population(standard: Standard | StandardPopulation) -> StandardPopulation:
    """Return a standard population, of a name the published one.

    Raises:
        BandError: there is none of this name.
    """
    return standard if isinstance(standard, StandardPopulation) else _published(standard)


@cache
def _published(name: str) -> StandardPopulation:
    if name not in STANDARDS:
        said, allowed = f"no standard population {name!r}", f"allowed: {', '.join(STANDARDS)}, none"
        raise suggestions.unknown(BandError, said, name, (*STANDARDS, "none"), allowed)
    text = files("crampstudy.age_bands").joinpath("standard_populations.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return StandardPopulation(STANDARDS[name], tuple((int(row[_AGE]), float(row[name])) for row in rows))


def standard_named(name: str, others: Sequence[str] = ()) -> AnyStandard:
    """Return the standard population that a name means: a published one, none, or that of a CSV file.

    Args:
        name: ``who``, ``esp2013``, ``none`` or the name of a file.
        others: what the name might have been beside these, for a message.

    Raises:
        BandError: there is none of this name.
        SourceError: the file cannot be read, or is no such table.
    """
    known = (*STANDARDS, "none", *others)
    if name in known:
        return cast(AnyStandard, name)
    if name.lower().endswith(".csv"):
        return read_standard(Path(name))
    said, allowed = f"no standard population {name!r}", f"allowed: {', '.join(known)}, or a CSV file"
    raise suggestions.unknown(BandError, said, name, known, allowed, closed=True)


def read_standard(path: Path) -> StandardPopulation:
    """Return the population of a CSV file: a column ``age_low``, and one of numbers or shares of people.

    Raises:
        SourceError: the file cannot be read, or is no such table.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text in UTF-8"
        raise SourceError(f"the standard population {path} cannot be read: {why}") from problem
    rows = [row for row in csv.reader(lines) if any(row)]
    head = [name.strip() for name in rows[0]] if rows else []
    if len(head) != 2 or head[0] != _AGE:
        shown = ",".join(head) or "nothing"
        raise SourceError(f"the standard population {path} begins with {shown}; it has two columns, {_EXAMPLE}")
    groups = []
    for number, row in enumerate(rows[1:], 2):
        try:
            low, people = row
            groups.append((int(low), float(people)))
        except ValueError:
            said = f"row {number} is {','.join(row)!r}"
            raise SourceError(f"the standard population {path}, {said}; it has two columns, {_EXAMPLE}") from None
    try:
        return StandardPopulation(f"standard population {path.name}", tuple(groups))
    except BandError as problem:
        raise SourceError(f"{path}: {problem}") from None
