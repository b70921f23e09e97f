"""The text of a PDF that Typst wrote, in the order of its content, read with its own maps from glyphs to characters."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping

import pikepdf


def text_of(pdf: bytes) -> str:
    """Return the text of all pages; what is set apart is separated by spaces."""
    return " ".join(pages_of(pdf))


def pages_of(pdf: bytes) -> list[str]:
    """Return the text of each page."""
    with pikepdf.open(io.BytesIO(pdf)) as book:
        return [" ".join(_of_page(page)) for page in book.pages]


def _of_page(page: pikepdf.Page) -> Iterator[str]:
    fonts = {name: _characters(font) for name, font in page.resources.get("/Font", {}).items()}
    current: Mapping[int, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "Tf":
                current = fonts[str(operands[0])]
            case "Tj":
                yield _decoded(bytes(operands[0]), current)
            case "TJ":
                parts = (part for part in operands[0] if isinstance(part, pikepdf.String))
                yield "".join(_decoded(bytes(part), current) for part in parts)


def _decoded(glyphs: bytes, characters: Mapping[int, str]) -> str:
    pairs = (int.from_bytes(glyphs[at : at + 2], "big") for at in range(0, len(glyphs), 2))
    return "".join(characters.get(glyph, "") for glyph in pairs)


def _characters(font: pikepdf.Object) -> Mapping[int, str]:
    """Return glyph → characters by the font's ToUnicode map."""
    told = font.ToUnicode.read_bytes().decode("latin-1")
    found: dict[int, str] = {}
    for block in re.findall(r"beginbfchar(.*?)endbfchar", told, re.DOTALL):
        for glyph, characters in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", block):
            found[int(glyph, 16)] = bytes.fromhex(characters).decode("utf-16-be")
    for block in re.findall(r"beginbfrange(.*?)endbfrange", told, re.DOTALL):
        for first, last, start in re.findall(r"<(\w+)>\s*<(\w+)>\s*<(\w+)>", block):
            base = int.from_bytes(bytes.fromhex(start), "big")
            for glyph in range(int(first, 16), int(last, 16) + 1):
                found[glyph] = chr(base + glyph - int(first, 16))
    return found
