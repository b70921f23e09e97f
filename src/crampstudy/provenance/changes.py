"""What of that which a report is made of has changed, by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

_VALUES = ("parameter", "package", "python", "implementation", "system", "machine", "sections", "variable", "version")
"""Parts of which the value is told; of others there is a digest, which tells nobody anything."""


@dataclass(frozen=True, slots=True)
class Change:
    """A part that is not as it was: its values or digests ``before`` and ``after``, ``None`` where there is none."""

    name: str
    before: str | None
    after: str | None

    def __str__(self) -> str:
        part = self.name.partition(" ")[0]
        if part in _VALUES:
            absent = "default" if part == "parameter" else "none"
            return f"{self.name} ({self.before or absent} → {self.after or absent})"
        if self.before is None:
            return f"{self.name} (new)"
        return f"{self.name} (gone)" if self.after is None else self.name


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """Return what differs, in the order of the parts."""
    names = dict.fromkeys((*before, *after))
    return [Change(name, before.get(name), after.get(name)) for name in names if before.get(name) != after.get(name)]


def listed(found: Iterable[Change], most: int = 5) -> str:
    """Return changes in one line; of many the first, and how many there are beside."""
    told = [str(change) for change in found]
    return ", ".join(_shortened(told, most))


def _shortened(told: list[str], most: int) -> Iterator[str]:
    yield from told[:most]
    if len(told) > most:
        yield f"and {len(told) - most} more"
