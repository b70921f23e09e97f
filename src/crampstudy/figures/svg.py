"""A figure as SVG with its text as text and, beside it, with its text as paths, for which it is drawn once.

To go through a figure takes longer than to write what is drawn. This is a backend of matplotlib for ``savefig``.
"""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox


def words_and_paths(figure: Figure, box: Bbox) -> tuple[str, str]:
    """Return what lies in a box of a figure, in inches, as SVG: with its text as text, and as paths.

    The figure is drawn as it is laid out, in the style of the moment, and has no layout engine.
    """
    words = _Words()
    figure.savefig(words, format="svg", backend=f"module://{__name__}", bbox_inches=box, metadata={"Date": None})
    return words.getvalue(), words.paths.getvalue()


class _Words(io.StringIO):
    """Takes a figure with its text as text, and beside itself as ``paths``."""

    def __init__(self) -> None:
        super().__init__()
        self.paths = io.StringIO()


class FigureCanvas(FigureCanvasSVG):
    """What matplotlib asks a backend for."""

    def print_svg(self, filename: _Words, *, bbox_inches_restore: Any = None, metadata: Any = None, **_: Any) -> None:
        """Write a figure in both forms, as matplotlib writes it in one."""
        figure = self.figure
        dpi, figure.dpi = figure.dpi, self.fixed_dpi
        width, height = figure.get_size_inches()
        forms = (
            RendererSVG(width * self.fixed_dpi, height * self.fixed_dpi, form, image_dpi=dpi, metadata=metadata)
            for form in (filename, filename.paths)
        )
        both, restored = _InBoth(*forms), bbox_inches_restore
        drawn: Any = MixedModeRenderer(figure, width, height, dpi, both, bbox_inches_restore=restored)
        figure.draw(drawn)
        drawn.finalize()


class _InBoth(RendererBase):
    """Draws in two ways at once, of which the first answers what is asked."""

    def __init__(self, words: Any, paths: Any) -> None:
        super().__init__()
        self._words, self._paths = words, paths
        self._answers: RendererBase = words
        self.width, self.height = words.width, words.height

    def finalize(self) -> None:
        self._draw("finalize")

    def open_group(self, *args: Any, **more: Any) -> None:
        self._draw("open_group", *args, **more)

    def close_group(self, *args: Any, **more: Any) -> None:
        self._draw("close_group", *args, **more)

    def draw_path(self, *args: Any, **more: Any) -> None:
        self._draw("draw_path", *args, **more)

    def draw_markers(self, *args: Any, **more: Any) -> None:
        self._draw("draw_markers", *args, **more)

    def draw_path_collection(self, *args: Any, **more: Any) -> None:
        self._draw("draw_path_collection", *args, **more)

    def draw_image(self, *args: Any, **more: Any) -> None:
        self._draw("draw_image", *args, **more)

    def draw_text(self, *args: Any, **more: Any) -> None:
        for way, fonttype in ((self._words, "none"), (self._paths, "path")):
            mpl.rcParams["svg.fonttype"] = fonttype
            way.draw_text(*args, **more)

    def _draw(self, what: str, *args: Any, **more: Any) -> None:
        for way in (self._words, self._paths):
            getattr(way, what)(*args, **more)

    def option_image_nocomposite(self) -> bool:
        return self._answers.option_image_nocomposite()

    def option_scale_image(self) -> bool:
        return self._answers.option_scale_image()

    def get_image_magnification(self) -> float:
        return self._answers.get_image_magnification()

    def flipy(self) -> bool:
        return self._answers.flipy()

    def get_canvas_width_height(self) -> tuple[float, float]:
        return self._answers.get_canvas_width_height()

    def get_text_width_height_descent(self, s: str, prop: Any, ismath: Any) -> tuple[float, float, float]:
        return self._answers.get_text_width_height_descent(s, prop, ismath)
