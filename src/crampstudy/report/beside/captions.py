"""Numbers, captions and notes of figures and tables as the report shows them, by their labels."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass

_FIGURE = re.compile(r'<figure id="([\w-]+)"[^>]*>(.*?)</figure>', re.DOTALL)
_CAPTION = re.compile(r'<figcaption><p class="number">(\w+) (\d+)</p>(.*?)</figcaption>', re.DOTALL)
_NOTE = re.compile(r'<div class="note">(.*?)</div>', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Caption:
    """What stands with a figure or table, as plain text: ``Table``, ``3``, its caption and its note."""

    kind: str
    number: str
    text: str
    note: str

    @property
    def whole(self) -> str:
        """The caption with its number."""
        return f"{self.kind} {self.number}. {self.text}"


def captions(page: str) -> Mapping[str, Caption]:
    """Return the captions of a web page that pandoc wrote."""
    return {label: _caption(inside) for label, inside in _FIGURE.findall(page)}


def _caption(inside: str) -> Caption:
    found, note = _CAPTION.search(inside), _NOTE.search(inside)
    if found is None:
        raise ValueError("a figure of the web page has no caption")
    return Caption(found[1], found[2], _plain(_NOTE.sub("", found[3])), _plain(note[1]) if note else "")


def _plain(markup: str) -> str:
    return re.sub(r"[ \t\n]+", " ", html.unescape(re.sub(r"<[^>]+>", "", markup))).strip()
