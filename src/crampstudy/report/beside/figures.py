"""The figures of a report as files for a journal, and the rows that each draws."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from crampstudy.cache import Cache
from crampstudy.report import ReportError
from crampstudy.report.beside.pictures import Size, journal_size, millimetres, printer
from crampstudy.report.collect import Document

FOLDER = "figures"
DPI = 600
_OPENING = re.compile(r"<svg([^>]*)>")
_SIZES = re.compile(r' (?:width|height|viewBox)="[^"]*"')
_TALL = re.compile(r'<svg[^>]*? height="([\d.]+)pt"')


def files(
    document: Document, day: datetime.date, *, pictures: bool, cache: Cache | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield each figure as SVG with its letters as shapes, PDF and CSV of its rows; with ``pictures`` as PNG and TIFF.

    They are 89 or 183 mm wide (:func:`pictures.journal_size`). What is in the ``cache`` is not printed again.
    """
    figures = {label: block for label, block in document.blocks.items() if block["kind"] == "figure"}
    svgs = {label: str(block["svg"]) for label, block in figures.items()}
    for label, block in figures.items():
        yield f"{FOLDER}/{label}.svg", _sized(document.views[label], journal_size(svgs[label])).encode()
        if block.get("csv"):
            yield f"{FOLDER}/{label}.csv", block["csv"].encode()
    with printer(svgs, cache) as drawn:
        for label, svg in svgs.items():
            size = journal_size(svg)
            yield f"{FOLDER}/{label}.pdf", drawn.pdf(label, size, day)
            if pictures:
                yield f"{FOLDER}/{label}.png", drawn.png(label, size, DPI)
                yield f"{FOLDER}/{label}.tiff", drawn.tiff(label, size, DPI)


def _sized(svg: str, size: Size) -> str:
    """Return an SVG of a size, with what it shows in its middle."""
    points = 72 / 25.4 * millimetres(svg) / size.drawn
    found = _TALL.search(svg)
    if found is None:
        raise ReportError("a figure is no SVG with a height in points; make it by blocks.figure")
    wide, tall, left = size.width * points, float(found[1]), (size.drawn - size.width) * points / 2
    box = f'width="{size.width}mm" height="{tall / points:.3f}mm" viewBox="{left:.3f} 0 {wide:.3f} {tall:.3f}"'
    return _OPENING.sub(lambda opening: f"<svg {box}{_SIZES.sub('', opening[1])}>", svg, count=1)
