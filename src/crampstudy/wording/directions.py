"""Which way a number goes from the reference of its contrast to the value that is named first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from crampstudy import codebook, wording
from crampstudy.codebook import contrasts

_AMOUNT = re.compile(r"/(?:day|night)$|^per night$|\bmin\b")
"""Units of what is done or taken, of which there is more or less; what is of no such unit is higher or lower."""
_LENGTH, _AGE = ("min", "h", "s"), ("years", "per 10 years")
_NUMBERS = ("number", "integer")


def directed(row: Mapping[str, Any], name: str) -> str:
    """Return an exposure as what goes with the ratio of its row: ``lower grip strength``, ``less fluid``.

    A ratio of a low against a high value is that of the low one. What is yes or no, and a level against another one,
    are told by their ``name``, as it stands inside a text; a drug is one of several, and has an article. A time of the
    year is neither more nor less, and is that which is named first: ``midwinter``.
    """
    known = wording.variable(str(row["term"]))
    if row["term"] == f"{wording.CONTRAST}season" and isinstance(row["level"], str):
        return row["level"].partition(" against ")[0]
    if known is not None and known.domain == "medication":
        return wording.with_article(name)
    if not wording.is_declared(row["term"]) or (known is not None and known.type not in _NUMBERS):
        return name
    up = contrasts.is_up(wording.contrast(row))
    if up is None:
        return name
    down_or_up, of = _words(known), name.removesuffix(" intake")
    return f"{down_or_up[up]} {of if down_or_up in _OF_AMOUNTS else name}"


_OF_AMOUNTS = ("less", "more"), ("fewer", "more")
_OF_LEVELS = "lower", "higher"


def _words(variable: codebook.Variable | None) -> tuple[str, str]:
    """Return the words for less and for more of a variable, by its unit."""
    unit = (variable and variable.unit) or ""
    if variable is None or not unit:
        return _OF_LEVELS
    if unit in _LENGTH:
        return "shorter", "longer"
    if unit in _AGE:
        return "younger", "older"
    if not _AMOUNT.search(unit):
        return _OF_LEVELS
    return _OF_AMOUNTS[is_plural(variable)]


def is_plural(variable: codebook.Variable | None) -> bool:
    """Say whether a variable is counted by its own name, which is a plural: steps, breaks, awakenings."""
    return variable is not None and variable.type == "integer" and variable.label.partition(" ")[0].endswith("s")
