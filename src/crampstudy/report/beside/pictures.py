"""Figures of a report as pictures and pages: drawn once more from the SVG that the PDF holds, with the same fonts."""

from __future__ import annotations

import datetime
import io
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import typst

from crampstudy import scratch
from crampstudy.cache import Cache, key_of
from crampstudy.figures.style import FONT_DIR
from crampstudy.provenance import digests
from crampstudy.report import ReportError

WIDTHS = (89, 183)
"""Widths of a column and of a page of journals, in mm."""
SMALLEST = 6.0
"""Points that the smallest letters of a figure in print may have."""
_KIND = "picture"
_MM = 25.4 / 72
_PAGE = """
#set page(width: eval(sys.inputs.width), height: auto, margin: 0pt)
#image(sys.inputs.name + ".svg", width: 100%, alt: "")
"""
_SIZE = re.compile(r'<svg[^>]*? width="([\d.]+)pt"')
_LETTERS = re.compile(r"font(?:-size)?: ?(?:\w+ )*([\d.]+)px")


def millimetres(svg: str) -> float:
    """Return how wide a figure was drawn."""
    found = _SIZE.search(svg)
    if found is None:
        raise ReportError("a figure is no SVG with a width in points; make it by blocks.figure")
    return float(found[1]) * _MM


def smallest_letters(svg: str) -> float:
    """Return the size of a figure's smallest letters as it was drawn, in points; infinite where it has none."""
    return min(map(float, _LETTERS.findall(svg)), default=float("inf"))


def journal_width(svg: str) -> int:
    """Return the width for a journal, in mm: the narrower one where letters stay large enough in it."""
    narrow, wide = WIDTHS
    return narrow if smallest_letters(svg) * narrow / millimetres(svg) >= SMALLEST else wide


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints the figures that it was made with, by their labels; widths are in mm.

    What it printed before of the same SVG in the same way is in the ``cache``, if there is one.
    """

    compiler: typst.Compiler
    svgs: Mapping[str, str]
    cache: Cache | None = None

    def png(self, label: str, width: float, dpi: float) -> bytes:
        """Return a figure as a PNG."""
        inputs = _inputs(label, width)
        return self._kept(
            ("png", label, width, dpi), lambda: self.compiler.compile(format="png", ppi=dpi, sys_inputs=inputs)
        )

    def pdf(self, label: str, width: float, day: datetime.date) -> bytes:
        """Return a figure as a PDF of one page."""
        midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
        seconds, inputs = int(midnight.timestamp()), _inputs(label, width)
        return self._kept(
            ("pdf", label, width, seconds),
            lambda: self.compiler.compile(format="pdf", timestamp=seconds, sys_inputs=inputs),
        )

    def tiff(self, label: str, width: float, dpi: int) -> bytes:
        """Return a figure as a TIFF, without loss."""
        from PIL import Image

        target = io.BytesIO()
        with Image.open(io.BytesIO(self.png(label, width, dpi))) as picture:
            picture.convert("RGB").save(target, "TIFF", compression="tiff_lzw", dpi=(dpi, dpi))
        return target.getvalue()

    def _kept(self, asked: tuple[str, str, float, float], make: Callable[[], object]) -> bytes:
        """Return what is asked of a figure, its label second: as it was made before, or made now."""
        if self.cache is None:
            return _page(make())
        software = {**digests.package_parts(), "typst": digests.packages().get("typst")}
        key = key_of(_KIND, asked, self.svgs[asked[1]], software)
        content = self.cache.get(_KIND, key)
        if content is None:
            content = _page(make())
            self.cache.put(_KIND, key, content)
        return content


def _inputs(label: str, width: float) -> dict[str, str]:
    return {"name": label, "width": f"{width}mm"}


def _page(made: object) -> bytes:
    if not isinstance(made, bytes):
        raise TypeError(f"Typst returned {type(made).__name__} for a figure")
    return made


@contextmanager
def printer(svgs: Mapping[str, str], cache: Cache | None = None) -> Iterator[Printer]:
    """Yield what prints figures, given as label → SVG with its text as text; ``cache`` has what was printed before."""
    with scratch.folder() as folder:
        for label, svg in svgs.items():
            (folder / f"{label}.svg").write_text(svg, encoding="utf-8")
        main = folder / "figure.typ"
        main.write_text(_PAGE, encoding="utf-8")
        compiler = typst.Compiler(main, root=folder, font_paths=[FONT_DIR], ignore_system_fonts=True)
        yield Printer(compiler, svgs, cache)
