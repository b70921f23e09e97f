"""Figures drawn for a report: SVG with text as text for print, and with text as paths for the web and notebooks."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.text import Text

from crampstudy import look
from crampstudy.analyses.findings import Drawing, Findings
from crampstudy.compute import shared, stored
from crampstudy.figures import FIGURES, style, svg
from crampstudy.report import ReportError

_POINTS, _FINE = 72, 576
"""Dots an inch of an SVG, and those at which texts are measured: at few, letters are rounded to whole dots."""
_PADDING = 0.02
_LEAST = 6
"""The smallest size of letters that is read on paper, in points."""
_ABOUT = 1.05


@dataclass(frozen=True, slots=True)
class Drawn:
    """A figure as SVG, its text as ``words`` and as ``paths``, and what it remarks of how it was drawn."""

    words: str
    paths: str
    remarks: tuple[str, ...]


_FORM = shared.Form(partial(stored.encode, kinds=(Drawn,)), partial(stored.decode, kinds=(Drawn,)))


def draw(figure: Figure, label: str) -> Drawn:
    """Return a figure as drawn, laid out and measured once for both forms; nothing in them has the id of another."""
    engine, dots = figure.get_layout_engine(), figure.dpi
    with style.journal(figure_constrained_layout_use=False), style.any_character():
        figure.set_dpi(_FINE)
        if engine is not None and figure.axes:
            engine.execute(figure)
        figure.set_layout_engine(None)
        # A box round all that is drawn, so that no label is ever clipped.
        box = figure.get_tightbbox().padded(_PADDING)
        figure.set_dpi(_POINTS)
        words, paths = svg.words_and_paths(figure, box)
        figure.set_layout_engine(engine)
        figure.set_dpi(dots)
    remarks = tuple(figure.remarks) if isinstance(figure, style.JournalFigure) else ()
    return Drawn(_in_page(words, label), _in_page(paths, label), remarks)


def check_letters(figure: Figure, made: Drawn, label: str) -> None:
    """Check that the letters of a figure can be read where the report makes it as wide as its text.

    Raises:
        ReportError: they would be smaller than :data:`_LEAST` points.
    """
    (width,) = re.findall(r'<svg[^>]*? width="([\d.]+)pt"', made.words)
    inches, letters = float(width) / _POINTS, _sizes(figure)
    # What lies beside the axes may reach a little beyond the width that was asked for.
    if inches <= look.TEXT_WIDTH * _ABOUT or not letters:
        return
    size = min(letters)
    shown, widest = size * look.TEXT_WIDTH / inches, max(look.TEXT_WIDTH, look.TEXT_WIDTH * size / _LEAST)
    if shown < _LEAST:
        raise ReportError(
            f"the figure {label!r} is {inches:.1f} in. wide and the text of a report {look.TEXT_WIDTH:g} in.: its "
            f"letters of {size:g} pt would be {shown:.1f} pt there, and {_LEAST} pt are the least; draw it "
            f"{int(widest * 10) / 10:g} in. wide at most, such as figsize=({look.TEXT_WIDTH:g}, 3)"
        )


def _sizes(figure: Figure) -> list[float]:
    texts = (each for each in figure.findobj(Text) if isinstance(each, Text))
    return [float(each.get_fontsize()) for each in texts if each.get_visible() and each.get_text().strip()]


def drawn(found: Findings, label: str) -> Drawn:
    """Return a figure of an analysis as drawn, with it all others of the analysis where a second process may help."""
    drawing = found.figures[label]
    if label not in _DRAWN or _DRAWN[label][0] is not drawing:
        left_out = {*found.could_not, *found.absent} if shared.may_help() else {*found.figures} - {label}
        wanted = {name: each for name, each in found.figures.items() if name not in left_out}
        asked = {name: (each.figure, each.estimates) for name, each in wanted.items()}
        with shared.offered(partial(_asked, asked), f"{__name__}:{help_with.__name__}"):
            made = _each(asked)
        _DRAWN.update({name: (wanted[name], each) for name, each in made.items()})
    return _DRAWN[label][1]


_DRAWN: dict[str, tuple[Drawing, Drawn]] = {}
"""What this process has drawn, and of what."""


def help_with(folder: Path) -> None:
    """Draw some of the figures that another process shares in a folder."""
    _each(stored.decode(shared.taken(folder)))


def _each(asked: Mapping[str, tuple[str, pd.DataFrame]]) -> dict[str, Drawn]:
    steps = [partial(_of_rows, label, name, rows) for label, (name, rows) in asked.items()]
    return dict(zip(asked, shared.each(steps, _FORM), strict=True))


def _of_rows(label: str, name: str, rows: pd.DataFrame) -> Drawn:
    figure = FIGURES[name](rows)
    made = draw(figure, label)
    plt.close(figure)
    return made


def _asked(asked: Mapping[str, tuple[str, pd.DataFrame]]) -> bytes | None:
    try:
        return stored.encode(dict(asked))
    except stored.NotData:
        return None


def _in_page(drawing: str, label: str) -> str:
    """Return a figure as an element of a page that may hold others."""
    drawing = drawing[drawing.index("<svg") :]
    # Its style sheet would reach every element of the web page the figure stands in.
    drawing = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*|<style.*?</style>\s*", "", drawing, flags=re.DOTALL)
    drawing = drawing.replace("<svg ", '<svg stroke-linejoin="round" ', 1)
    # A number is of its row, which others may be of as well.
    drawing = re.sub(rf'\bid="{style.ROW}', 'data-rows="', drawing)
    # Matplotlib's ids (axes_1, glyphs) repeat between figures; several stand in one web page.
    drawing = re.sub(r'\bid="', f'id="{label}-', drawing)
    drawing = re.sub(r'href="#', f'href="#{label}-', drawing)
    return re.sub(r"url\(#", f"url(#{label}-", drawing)
