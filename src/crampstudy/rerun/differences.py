"""What differs first between the files of two reports: the file, then the row and the column, or the line."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence

TOLERANCE = 1e-6
"""Two numbers that differ by less than this share of themselves are the same estimate."""
ESTIMATES = "estimates.csv"
_NUMBERS = ("estimate", "ci_low", "ci_high", "std_error")


def first(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str | None:
    """Return what differs first in the bytes of files, in words, ``None`` where nothing does; tables come first."""
    for name in sorted({*before, *after}, key=lambda name: (not name.endswith(".csv"), name)):
        if name not in after:
            return f"{name} is not made any more"
        if name not in before:
            return f"{name} is new"
        if before[name] != after[name]:
            place = next(_cells(before[name], after[name]) if name.endswith(".csv") else iter(()), None)
            return f"{name}, {place or _line(before[name], after[name])}"
    return None


def first_estimate(before: bytes, after: bytes) -> str | None:
    """Return what differs first between two tables of estimates beyond :data:`TOLERANCE`, in words."""
    old, new = ({row["key"]: row for row in _rows(content)} for content in (before, after))
    for key in dict.fromkeys((*old, *new)):
        if key not in new or key not in old:
            return f"{ESTIMATES}, row {key}: {'not there any more' if key in old else 'new'}"
        for column in ("status", *_NUMBERS):
            one, other = old[key].get(column, ""), new[key].get(column, "")
            if not (one == other or (column in _NUMBERS and is_close(number(one), number(other)))):
                return f"{ESTIMATES}, row {key}, column {column}: {one or 'empty'} → {other or 'empty'}"
    return None


def is_close(one: float, other: float) -> bool:
    """Say whether two numbers are the same within the tolerance; two that are missing are."""
    return (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=1e-12)


def number(text: str) -> float:
    """Return the number of a cell, NaN where it is empty."""
    return float(text) if text else math.nan


def _cells(before: bytes, after: bytes) -> Iterator[str]:
    """Yield where two tables differ: by the first cell of the row, and the column."""
    old, new = _rows(before), _rows(after)
    for place, (one, other) in enumerate(zip(old, new, strict=False), 2):
        name = next(iter(one.values()), "")
        for column in dict.fromkeys((*one, *other)):
            if one.get(column) != other.get(column):
                cells = (one.get(column) or "empty", other.get(column) or "empty")
                yield f"row {name} (line {place}), column {column}: {' → '.join(cells)}"
    if len(old) != len(new):
        longer = (old if len(old) > len(new) else new)[min(len(old), len(new))]
        yield f"row {next(iter(longer.values()), '')}: {'not there any more' if len(old) > len(new) else 'new'}"


def _rows(content: bytes) -> Sequence[Mapping[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"))))


def _line(before: bytes, after: bytes) -> str:
    pairs = zip(before.split(b"\n"), after.split(b"\n"), strict=False)
    return f"line {next((i for i, (one, other) in enumerate(pairs, 1) if one != other), 'at its end')}"
