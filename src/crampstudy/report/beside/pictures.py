"""Figures of a report as pictures and pages: drawn once more from the SVG that the PDF holds, with the same fonts."""

from __future__ import annotations

import datetime
import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import typst

from crampstudy import scratch
from crampstudy.cache import Cache, key_of
from crampstudy.look import FONT_DIR, TEXT_WIDTH
from crampstudy.provenance import digests
from crampstudy.report import ReportError

WIDTHS = (89, 183)
"""Widths of a column and of a page of journals, in mm."""
SCALE = WIDTHS[1] / (TEXT_WIDTH * 25.4)
"""How much larger than in the report a figure is in a journal, of either width: letters of all have one size."""
_KIND = "picture"
_MM = 25.4 / 72
_PAGE = """
#set page(width: eval(sys.inputs.width), height: auto, margin: 0pt)
#set align(center)
#image(sys.inputs.name + ".svg", width: eval(sys.inputs.drawn), alt: "")
"""
_SIZE = re.compile(r'<svg[^>]*? width="([\d.]+)pt"')


def millimetres(svg: str) -> float:
    """Return how wide a figure was drawn."""
    found = _SIZE.search(svg)
    if found is None:
        raise ReportError("a figure is no SVG with a width in points; make it by blocks.figure")
    return float(found[1]) * _MM


@dataclass(frozen=True, slots=True)
class Size:
    """How wide a picture is, and what is drawn in its middle, in mm."""

    width: float
    drawn: float


def journal_size(svg: str) -> Size:
    """Return the size of a figure in a journal: a column wide where it fits, else a page, in the same scale."""
    narrow, wide = WIDTHS
    drawn = min(millimetres(svg) * SCALE, wide)
    return Size(narrow if drawn <= narrow else wide, drawn)


@dataclass(frozen=True, slots=True)
class Printer:
    """Prints the figures that it was made with, by their labels.

    What it printed before of the same SVG in the same way is in the ``cache``, if there is one.
    """

    compiler: typst.Compiler
    svgs: Mapping[str, str]
    cache: Cache | None = None

    def png(self, label: str, size: Size, dpi: float) -> bytes:
        """Return a figure as a PNG."""
        inputs = _inputs(label, size)
        return self._kept(
            ("png", label, size.width, size.drawn, dpi),
            lambda: with_resolution(_page(self.compiler.compile(format="png", ppi=dpi, sys_inputs=inputs)), dpi),
        )

    def pdf(self, label: str, size: Size, day: datetime.date) -> bytes:
        """Return a figure as a PDF of one page."""
        midnight = datetime.datetime.combine(day, datetime.time(), datetime.UTC)
        seconds, inputs = int(midnight.timestamp()), _inputs(label, size)
        return self._kept(
            ("pdf", label, size.width, size.drawn, seconds),
            lambda: self.compiler.compile(format="pdf", timestamp=seconds, sys_inputs=inputs),
        )

    def tiff(self, label: str, size: Size, dpi: int) -> bytes:
        """Return a figure as a TIFF, without loss."""
        from PIL import Image

        target = io.BytesIO()
        with Image.open(io.BytesIO(self.png(label, size, dpi))) as picture:
            picture.convert("RGB").save(target, "TIFF", compression="tiff_lzw", dpi=(dpi, dpi))
        return target.getvalue()

    def _kept(self, asked: tuple[str, str, float, float, float], make: Callable[[], object]) -> bytes:
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


def with_resolution(png: bytes, dpi: float) -> bytes:
    """Return a PNG that says how many dots an inch it has, which journals ask for (PNG specification, pHYs)."""
    said = b"pHYs" + struct.pack(">IIB", *[round(dpi / 0.0254)] * 2, 1)
    chunk = struct.pack(">I", len(said) - 4) + said + struct.pack(">I", zlib.crc32(said))
    # Behind the signature (8) and the header, whose length comes first.
    (length,) = struct.unpack(">I", png[8:12])
    return png[: 20 + length] + chunk + png[20 + length :]


def _inputs(label: str, size: Size) -> dict[str, str]:
    return {"name": label, "width": f"{size.width}mm", "drawn": f"{size.drawn}mm"}


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
