"""Reasons of one kind that differ in what they are of alone, said in one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from crampstudy import wording

_OF = re.compile(r"((?:no|one) [\w ]+? (?:of|that are needed for)) (.+?)((?:, so .+)?)")
_FEWEST = 3


def in_one(parts: Iterable[str]) -> list[str]:
    """Return reasons of which those that differ in what they are of alone are one, where there are three or more."""
    found: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        match = _OF.fullmatch(part)
        found.setdefault((match[1], match[3]) if match else (part, ""), []).append(match[2] if match else "")
    said: list[str] = []
    for (first, last), names in found.items():
        if len(names) < _FEWEST:
            said += [f"{first} {name}{last}" if name else first for name in names]
        else:
            each = f"{first.removesuffix(' of')} each of" if first.startswith("one ") else first
            said.append(f"{each} {wording.listed(names)}{last}")
    return said
