"""Which part of what its name stands for a row is of: one of several levels, of people, or of nights."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from crampstudy import wording
from crampstudy.codebook.exposures import BETWEEN, WITHIN
from crampstudy.estimates import kinds
from crampstudy.tables import headings

_OF_PEOPLE: Mapping[str, str] = {WITHIN: "within participants", BETWEEN: "between participants"}
_OF_NIGHTS = re.compile(r"(?:lag|lead) \d+.*|cumulative")
NUMBER = re.compile(r"[−-]?[\d.,]+")
_BOTH, _IN_ONE = "within participants and between participants", "within and between participants"
_ALL_NIGHTS = "over several nights"
_TEST = "wald_test"


class RowPart(NamedTuple):
    """A part as it is ``said``, empty where there is none; of an exposure it may be of a ``night``."""

    said: str
    night: bool = False


_NONE = RowPart("")


def of_row(row: Mapping[str, Any], *, failed: bool) -> RowPart | None:
    """Return the part that a row is of, ``None`` where it is of all of them.

    An exposure of nights has none without an estimate: its reason stands beside it.
    """
    if row["scale"] == _TEST:
        return None
    level = "" if pd.isna(row["level"]) else str(row["level"])
    if pd.isna(row["analysis"]) or not kinds.named(row["analysis"]).by_level:
        a_level = level and pd.notna(row["reference"]) and not NUMBER.fullmatch(level)
        return RowPart(wording.small(wording.level(level))) if a_level else _NONE
    if failed:
        return _NONE
    if _OF_NIGHTS.fullmatch(level):
        return RowPart(wording.small(headings.night(level)), night=True)
    return RowPart(_OF_PEOPLE.get(level, ""))


def in_order(parts: Iterable[RowPart | None]) -> list[RowPart]:
    """Return the parts of a name, each once, those within and between participants first."""
    order = [said.said for said in (_NONE, *map(RowPart, _OF_PEOPLE.values()))]
    known = dict.fromkeys(each for each in parts if each is not None)
    return sorted(known, key=lambda each: order.index(each.said) if each.said in order else len(order))


def is_some(parts: set[RowPart | None], whole: Sequence[RowPart]) -> bool:
    """Say whether ``parts`` are some of the ``whole`` ones of a name, and not all."""
    return _NONE not in whole and 0 < len(parts - {None}) < len(whole)


def with_parts(name: str, parts: set[RowPart | None], whole: Sequence[RowPart]) -> str:
    """Return a name with those of its parts that something is on; all of its nights are over several nights."""
    nights = [each for each in whole if each.night]
    together = len(nights) > 1 and parts.issuperset(nights)
    said = [each.said for each in whole if each in parts and not (together and each.night)]
    return f"{name} ({wording.listed([*said, *([_ALL_NIGHTS] if together else [])])})".replace(_BOTH, _IN_ONE)
