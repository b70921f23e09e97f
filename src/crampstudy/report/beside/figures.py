"""The figures of a report as files for a journal, and the rows that each draws."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

from crampstudy.cache import Cache
from crampstudy.report.beside.pictures import journal_width, millimetres, printer
from crampstudy.report.collect import Document

FOLDER = "figures"
DPI = 600


def files(
    document: Document, day: datetime.date, *, pictures: bool, cache: Cache | None = None
) -> Iterator[tuple[str, bytes]]:
    """Yield each figure as SVG with its letters as shapes, PDF and CSV of its rows; with ``pictures`` as PNG and TIFF.

    They are 89 or 183 mm wide (:func:`pictures.journal_width`). What is in the ``cache`` is not printed again.
    """
    figures = {label: block for label, block in document.blocks.items() if block["kind"] == "figure"}
    svgs = {label: str(block["svg"]) for label, block in figures.items()}
    for label, block in figures.items():
        yield f"{FOLDER}/{label}.svg", _sized(document.views[label], journal_width(svgs[label])).encode()
        if block.get("csv"):
            yield f"{FOLDER}/{label}.csv", block["csv"].encode()
    with printer(svgs, cache) as drawn:
        for label, svg in svgs.items():
            width = journal_width(svg)
            yield f"{FOLDER}/{label}.pdf", drawn.pdf(label, width, day)
            if pictures:
                yield f"{FOLDER}/{label}.png", drawn.png(label, width, DPI)
                yield f"{FOLDER}/{label}.tiff", drawn.tiff(label, width, DPI)


def _sized(svg: str, width: int) -> str:
    """Return an SVG as wide as asked, in mm."""
    ratio = width / millimetres(svg)
    sized = re.sub(r' width="[\d.]+pt"', f' width="{width}mm"', svg, count=1)
    tall = re.compile(r' height="([\d.]+)pt"')
    return tall.sub(lambda found: f' height="{float(found[1]) * 25.4 / 72 * ratio:.3f}mm"', sized, count=1)
