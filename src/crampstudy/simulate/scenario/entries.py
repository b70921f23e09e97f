"""Entries of a truth file as typed values; every complaint names file and key."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal, NoReturn, Union, get_args, get_origin

from crampstudy import suggestions
from crampstudy.errors import ParameterError
from crampstudy.simulate.truth.parameters import check


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in a truth file, so that every complaint says where it is."""

    file: str
    key: str

    @property
    def place(self) -> str:
        """File and key, as a complaint names them."""
        return f"{self.file}, {self.key or 'top'}"

    def at(self, name: str) -> Entry:
        """Return the place of an entry below this one."""
        return Entry(self.file, f"{self.key}.{name}" if self.key else name)

    def wrong(self, what: str) -> NoReturn:
        """Complain of what stands here."""
        raise ParameterError(f"{self.place}: {what}")

    def entries(self, content: Any, allowed: tuple[str, ...] | None) -> dict[str, Any]:
        """Return the entries that stand here, held against the names allowed."""
        if not isinstance(content, dict):
            self.wrong(f"expected entries 'name: value', got {content!r}")
        for name in content:
            if allowed is not None and name not in allowed:
                said = f"{self.place}: unknown key {name!r}"
                raise suggestions.unknown(ParameterError, said, name, allowed, f"allowed: {', '.join(allowed)}")
        return dict(content)

    def made(self, before: Any, cells: dict[str, Any]) -> Any:
        """Change ``before`` and hold every parameter against its limits."""
        try:
            after = replace(before, **cells)
            check(self.key, after)
            return after
        except ParameterError as error:
            raise ParameterError(f"{self.file}: {error}") from None

    def value(self, kind: Any, cell: Any) -> Any:
        """Read a cell's text as ``kind``: the type of a parameter."""
        options = get_args(kind)
        if get_origin(kind) in (Union, types.UnionType):
            if cell == "" and type(None) in options:
                return None
            return self.value(next(option for option in options if option is not type(None)), cell)
        if get_origin(kind) is Literal:
            if cell not in options:
                said, names = f"{self.place}: {cell!r} is not allowed", [*map(str, options)]
                raise suggestions.unknown(ParameterError, said, cell, names, f"allowed: {', '.join(names)}")
            return cell
        if get_origin(kind) is tuple:
            listed = cell if isinstance(cell, list) else self.wrong(f"expected a list such as [1, 2], got {cell!r}")
            return tuple(self.value(options[0], item) for item in listed)
        if not isinstance(cell, str):
            self.wrong(f"expected {_WORDS.get(kind, 'a value')}, got {cell!r}")
        try:
            return _READ[kind](cell)
        except (ValueError, KeyError):
            self.wrong(f"expected {_WORDS.get(kind, 'a value')}, got {cell!r}")


_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    date: "a date such as 2024-01-08",
    str: "a text",
}
_READ: Mapping[Any, Any] = {
    int: int,
    float: float,
    bool: {"true": True, "false": False}.__getitem__,
    date: date.fromisoformat,
    str: str,
}
