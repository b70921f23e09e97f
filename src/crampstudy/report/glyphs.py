"""Characters that the report's fonts lack: a square in print, and a notice that names them and their places.

Names, levels and identifiers come from data in any script. The fonts are those that the package brings along, so that
a report looks the same everywhere; a character that they lack must neither stop it nor vanish.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from matplotlib.ft2font import FT2Font

from crampstudy.look import FONT_DIR
from crampstudy.report.collect import Document

SUBSTITUTE = "□"
"""What stands in print for a character that the fonts lack."""

# Formulas and code have fonts of their own, which Typst brings along: operators, boxes, mathematical letters.
_DRAWN = re.compile("[\u2200-\u22ff\u2500-\u259f\U0001d400-\U0001d7ff]")
# What no web page or document may hold, whatever the fonts of its reader.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_NOTEBOOK = re.compile(r"^:{8} \{\.notebook name=(.+) shift=\d\}$", flags=re.MULTILINE)
_MOST_NAMED, _IN_WORDS = 12, 3
"""How many characters a notice has, and how many of them by their names."""


def printed(content: Any) -> Any:
    """Return a text, or every text of a mapping or list, with a square for each character that the fonts lack."""
    return _each(content, lambda text: text.translate(dict.fromkeys(map(ord, _lacking(text)), SUBSTITUTE)))


def shown(content: Any) -> Any:
    """Return texts as :func:`printed` does, for a page or document whose reader has fonts of any other characters."""
    return _each(content, lambda text: _UNFIT.sub(SUBSTITUTE, text))


def _each(content: Any, changed: Callable[[str], str]) -> Any:
    if isinstance(content, str):
        return changed(content)
    if isinstance(content, Mapping):
        return {name: _each(value, changed) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_each(value, changed) for value in content]
    return content


def notice(document: Document, title_page: Any) -> str | None:
    """Return which characters the fonts lack and where they stand, ``None`` where they have all."""
    places: dict[str, list[str]] = {}
    for place, content in _places(document, title_page):
        for character in sorted({c for text in _texts(content) for c in _lacking(text)}):
            places.setdefault(character, []).append(place)
    if not places:
        return None
    # Where many stand in the same places, the names of all of them would hide which.
    groups: dict[str, list[str]] = {}
    for i, (character, found) in enumerate([*places.items()][:_MOST_NAMED]):
        groups.setdefault(", ".join(found), []).append(_named(character) if i < _IN_WORDS else _point(character))
    named = [f"{', '.join(characters)} in {found}" for found, characters in groups.items()]
    more = f"; and {len(places) - _MOST_NAMED} more" if len(places) > _MOST_NAMED else ""
    return f"{SUBSTITUTE} stands in print for what the report's fonts lack: {'; '.join(named)}{more}"


def _places(document: Document, title_page: Any) -> Iterator[tuple[str, Any]]:
    yield "the title page", title_page
    _, *parts = _NOTEBOOK.split(document.markdown)
    for name, text in zip(parts[::2], parts[1::2], strict=True):
        yield f"the text of {name}", text
    yield from document.blocks.items()


def _named(character: str) -> str:
    name = unicodedata.name(character, "control character" if unicodedata.category(character) == "Cc" else "unnamed")
    return f"{_point(character)} ({name})"


def _point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        yield from (text for value in content.values() for text in _texts(value))
    elif isinstance(content, list | tuple):
        yield from (text for value in content for text in _texts(value))


def _lacking(text: str) -> set[str]:
    return {c for c in set(text) if ord(c) not in _covered() and c not in "\t\n\r" and not _DRAWN.match(c)}


@cache
def _covered() -> frozenset[int]:
    """Return the characters that any of the shipped faces has: print falls back from one on another."""
    return frozenset(point for path in FONT_DIR.glob("*.otf") for point in FT2Font(str(path)).get_charmap())
