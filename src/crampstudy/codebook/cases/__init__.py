"""Criteria by which a cramp counts as a nocturnal leg cramp; ``criteria.csv`` holds the published definitions.

Source of hallegraeff-2017: Hallegraeff 2017, BMC Fam Pract 18:29, 10.1186/s12875-017-0600-x.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from crampstudy import suggestions
from crampstudy.errors import UsageError

KEY = "case_definition"
"""What a definition is called in a source."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion: its ``wording`` in the publication, the ``condition`` that reads it here, and that in words.

    The condition is of the columns of a single cramp.
    """

    name: str
    wording: str
    condition: str
    reading: str


def _read() -> Mapping[str, tuple[Criterion, ...]]:
    text = files(__name__).joinpath("criteria.csv").read_text(encoding="utf-8")
    found: dict[str, tuple[Criterion, ...]] = {}
    for row in csv.DictReader(text.splitlines()):
        made = Criterion(row["criterion"], row["wording"], row["condition"], row["reading"])
        found[row["definition"]] = (*found.get(row["definition"], ()), made)
    return found


DEFINITIONS: Mapping[str, tuple[Criterion, ...]] = _read()
"""The criteria of each published definition, in its order."""
HALLEGRAEFF = "hallegraeff-2017"


def criteria(definition: str) -> tuple[Criterion, ...]:
    """Return the criteria of a definition by name, or those among all that are named, separated by commas.

    Raises:
        UsageError: no definition and no criterion has such a name.
    """
    if definition in DEFINITIONS:
        return DEFINITIONS[definition]
    known = {each.name: each for of in DEFINITIONS.values() for each in of}
    names = [name.strip() for name in definition.split(",")]
    for name in names:
        if name not in known:
            allowed = f"allowed: {', '.join(DEFINITIONS)}, or criteria separated by commas: {', '.join(known)}"
            said = f"no case definition {name!r}"
            raise suggestions.unknown(UsageError, said, name, (*DEFINITIONS, *known), allowed)
    return tuple(known[name] for name in dict.fromkeys(names))
