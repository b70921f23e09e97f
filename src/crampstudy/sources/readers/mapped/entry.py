"""A value of a mapping file with its place, so that every complaint names it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NoReturn

from crampstudy import suggestions
from crampstudy.errors import SourceError


@dataclass(frozen=True, slots=True)
class MappingEntry:
    """A value of the file; ``key`` is the path of keys to it."""

    file: Path
    key: str
    value: Any

    def wrong(self, what: str) -> NoReturn:
        """Refuse the entry.

        Raises:
            SourceError: always; the message names the file and the key.
        """
        raise SourceError(f"{self.file}, {self.key or 'top'}: {what}")

    def entries(self, allowed: Sequence[str] | None = None, required: Sequence[str] = ()) -> dict[str, MappingEntry]:
        """Return the entries below this one by name, once all are ``allowed`` and the ``required`` ones there."""
        if not isinstance(self.value, dict):
            self.wrong(f"expected entries 'name: value', got {self.value!r}")
        for name in self.value:
            if allowed is not None and name not in allowed:
                self.wrong(f"unknown key {name!r}{close(name, allowed)}; allowed: {', '.join(allowed)}")
        for name in required:
            if name not in self.value:
                self.wrong(f"the key {name!r} is missing")
        return {n: MappingEntry(self.file, f"{self.key}.{n}" if self.key else str(n), v) for n, v in self.value.items()}

    def text(self) -> str:
        """Return the entry as a text."""
        if not isinstance(self.value, str):
            self.wrong(f"expected a text, got {self.value!r}")
        return str(self.value)

    def texts(self) -> tuple[str, ...]:
        """Return one text, or several that stand in a list."""
        listed = self.value if isinstance(self.value, list) else [self.value]
        return tuple(MappingEntry(self.file, self.key, item).text() for item in listed)

    def number(self) -> float:
        """Return the entry as a number."""
        try:
            return float(self.text())
        except ValueError:
            self.wrong(f"{self.value!r} is not a number; write it with a decimal point")

    def counts(self) -> tuple[int, ...]:
        """Return one whole number from 1 on, or several that stand in a list."""
        for text in self.texts():
            if not text.isdecimal() or int(text) < 1:
                self.wrong(f"{text!r} is not a whole number from 1 on")
        return tuple(map(int, self.texts()))

    def date(self) -> date:
        """Return the entry as a date."""
        try:
            return date.fromisoformat(self.text())
        except ValueError:
            self.wrong(f"{self.value!r} is not a date; write YYYY-MM-DD")

    def one_of(self, allowed: Sequence[str]) -> str:
        """Return the entry as one of the ``allowed`` texts."""
        if self.text() not in allowed:
            self.wrong(f"{self.value!r} is not allowed; allowed: {', '.join(allowed)}")
        return self.text()


def close(name: str, known: Sequence[str]) -> str:
    """Return a hint at the known names that a wrong one is near to."""
    return suggestions.hint(name, known)
