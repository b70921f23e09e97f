"""Marks of rows: before a number of a text, which row of the estimates it is printed from.

A report says of each number of which row it is. Once a number stands in a sentence, nothing but its digits tells, and
other rows have the same ones: so where marks are asked for, who prints a number of a row puts a mark of its key before
it, which stays where it is when sentences and tables are put together, and which readers never see. The same key has
the same mark in every process.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

_FIRST, _BITS, _LENGTH = 0xF0000, 15, 3
"""A mark is of so many characters for private use, which no text has: 45 bits are enough for all rows of a report."""
OF_MARKS = f"[{chr(_FIRST)}-{chr(_FIRST + 2**_BITS - 1)}]"
MARK = re.compile(f"{OF_MARKS}{{{_LENGTH}}}")
# Nor before a digit within a number, nor where there is a mark already.
_NUMBER = re.compile(rf"(?<![\d.,:<>≥≤−])(?<!{OF_MARKS})(?=[<>≥≤−]?\d)")
_asked: ContextVar[bool] = ContextVar("asked", default=False)


@contextmanager
def asked() -> Iterator[None]:
    """Have numbers marked that are printed in the block."""
    before = _asked.set(True)
    try:
        yield
    finally:
        _asked.reset(before)


def marked(row: Mapping[str, Any], text: str) -> str:
    """Return a text whose numbers are all of a row, each after its mark where these are asked for."""
    if not _asked.get() or not isinstance(key := row.get("key"), str):
        return text
    return _NUMBER.sub(mark_of(key), text)


@lru_cache(maxsize=65_536)
def mark_of(key: str) -> str:
    """Return the mark of a row by its key."""
    digest = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=8).digest())
    return "".join(chr(_FIRST + (digest >> _BITS * at) % 2**_BITS) for at in range(_LENGTH))


def without(text: str) -> str:
    """Return a text as readers have it."""
    return MARK.sub("", text)


def parted(text: str) -> tuple[str, dict[int, str]]:
    """Return a text as readers have it, and its marks by the place of what they stand before."""
    places: dict[int, str] = {}
    for n, found in enumerate(MARK.finditer(text)):
        places[found.start() - n * _LENGTH] = found[0]
    return without(text), places
