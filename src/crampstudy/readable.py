"""How results show themselves: a line wherever a text is wanted, a readable table in a notebook.

No participant's identifier is in either. What a result shows as a table is made by :mod:`crampstudy.display`, which
knows tables and figures and is loaded when a notebook asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import date
from importlib import import_module
from typing import Any

LONGEST = 120
"""So many characters a line has at most."""
_LONGEST_TEXT = 40


class OneLine:
    """A result whose ``repr`` is one line; a dataclass that is one says ``repr=False``.

    Without facts of its own it shows its fields: numbers and short texts as they are, of all else how much there is.
    A field with ``repr=False`` is left out.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        """Return kind and facts in one line."""
        line = f"<{type(self).__name__}: {', '.join(self._facts())}>"
        return line if len(line) <= LONGEST else f"{line[: LONGEST - 2]}…>"

    def _facts(self) -> Iterable[str]:
        for each in fields(self):  # type: ignore[arg-type]
            if each.repr and (said := _brief(getattr(self, each.name))):
                yield f"{each.name.replace('_', ' ')} {said}"


class Readable(OneLine):
    """A result that a notebook shows as a table."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        return str(import_module("crampstudy.display").html(self))


def quoted(text: str) -> str:
    """Return a text of the user's as part of a line: in quotation marks, without line ends, cut where it is long."""
    return repr(text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…")


def _brief(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if value is None or callable(value):
        return ""
    if hasattr(value, "shape"):
        return " × ".join(f"{n:,}" for n in value.shape)
    if isinstance(value, (Mapping, list, tuple, set, frozenset)):
        return f"({len(value):,})" if len(value) else ""
    # What is none of ours may say anything, such as the cells that it holds.
    return str(value) if isinstance(value, (OneLine, bool, int, float, date)) else type(value).__name__
