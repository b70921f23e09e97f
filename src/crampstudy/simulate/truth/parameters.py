"""Parameters that carry their own unit, allowed range and basis, and the package tables made of them."""

from __future__ import annotations

import math
from dataclasses import MISSING, field, fields
from datetime import date
from typing import Any

from crampstudy.errors import ParameterError


def param(
    default: Any = MISSING,
    *,
    unit: str | None = None,
    low: float | None = None,
    high: float | None = None,
    levels: tuple[str, ...] = (),
    basis: str = "assumption",
) -> Any:
    """Declare a dataclass field that carries its unit, its limits or levels, and its basis.

    Args:
        default: The value; a row of a table has none.
        unit: Its unit, in words.
        low: The lowest value allowed.
        high: The highest value allowed.
        levels: The levels allowed, of a text.
        basis: Where the value comes from.
    """
    metadata = {"unit": unit, "low": low, "high": high, "levels": levels, "basis": basis}
    return field(metadata=metadata) if default is MISSING else field(default=default, metadata=metadata)


def check(group: str, instance: Any) -> None:
    """Hold every declared parameter of ``instance`` against its limits.

    Raises:
        ParameterError: a value is not a finite number, lies outside its limits or is not among its levels.
    """
    for item in fields(instance):
        low, high, levels = (item.metadata.get(key) for key in ("low", "high", "levels"))
        value = getattr(instance, item.name)
        if levels and value not in levels:
            raise ParameterError(f"{group}.{item.name} is {value!r}; allowed: {', '.join(map(repr, levels))}")
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, float | int) and not _within(number, low, high):
                raise ParameterError(f"{group}.{item.name} is {value}; allowed: {_span(low, high)}")


def check_whole(key: str, value: int, low: int, high: int) -> None:
    """Hold a whole number against its limits.

    Raises:
        ParameterError: it is not a whole number or lies outside them.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        error = ParameterError(f"{key} is {value!r}; allowed: a whole number from {low} to {high}")
        if isinstance(value, int) and not isinstance(value, bool):
            # A sign too many is likelier than a number out of reach.
            error.correction = str(value), str(min(max(abs(value), low), high))
        raise error


def describe(instance: Any) -> dict[str, Any]:
    """Return every parameter of ``instance`` with its value, unit, limits and basis."""
    return {
        item.name: {
            "value": as_plain(getattr(instance, item.name)),
            "unit": item.metadata["unit"],
            "allowed": [item.metadata["low"], item.metadata["high"]],
            "basis": item.metadata["basis"],
        }
        for item in fields(instance)
    }


def as_plain(value: Any) -> Any:
    """Return ``value`` as JSON has it: dates as ISO 8601 text, tuples as lists."""
    if isinstance(value, date):
        return value.isoformat()
    return list(value) if isinstance(value, tuple) else value


def _within(number: float, low: float | None, high: float | None) -> bool:
    return math.isfinite(number) and (low is None or number >= low) and (high is None or number <= high)


def _span(low: float | None, high: float | None) -> str:
    parts = [f"{word} {limit:g}" for word, limit in (("at least", low), ("at most", high)) if limit is not None]
    return "a finite number" + (" of " + " and ".join(parts) if parts else "")
