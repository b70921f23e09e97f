"""The article's red flags and the tests that each suggests; ``red_flags.csv`` lists them with their source."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, cast

DISCLAIMER = "Research output, not medical advice"
WEEK_NIGHTS = 7
MOST_CRAMPS = 2
"""A week of more logged cramps than this is flagged."""
FEWEST_NIGHTS = 5
"""A week with fewer logged nights, and no more cramps than that, could have had more: it tells nothing."""

Each = Literal["week", "person"]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A ``test`` that a flag suggests: ``why``, and the ``source`` of flag and test."""

    test: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class RedFlag:
    """A red flag: its ``wording``, whether it is of each week or once of a person, and what it suggests."""

    name: str
    wording: str
    each: Each
    suggests: tuple[Suggestion, ...]


def _read() -> tuple[RedFlag, ...]:
    text = files(__package__).joinpath("red_flags.csv").read_text(encoding="utf-8")
    found: dict[str, RedFlag] = {}
    for row in csv.DictReader(text.splitlines()):
        before = found[row["flag"]].suggests if row["flag"] in found else ()
        suggests = (*before, Suggestion(row["test"], row["why"], row["source"]))
        found[row["flag"]] = RedFlag(row["flag"], row["wording"], cast("Each", row["each"]), suggests)
    return tuple(found.values())


FLAGS: tuple[RedFlag, ...] = _read()
"""The red flags in the order of the article: of weeks, then of people."""
WEEKLY, LONG = (flag.name for flag in FLAGS if flag.each == "week")
"""The names of the flags of weeks."""
SYMPTOMS: tuple[str, ...] = tuple(flag.name for flag in FLAGS if flag.each == "person")
"""The names of the flags of people, which are columns of the participants as well."""


TESTS: tuple[str, ...] = tuple(dict.fromkeys(each.test for flag in FLAGS for each in flag.suggests))
"""The tests that any flag suggests."""


def of_test(test: str) -> tuple[str, ...]:
    """Return the names of the flags that suggest a test."""
    return tuple(flag.name for flag in FLAGS if any(each.test == test for each in flag.suggests))
