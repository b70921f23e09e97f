"""The look of every figure: vendored fonts, a palette that is safe for colour-blind readers, journal sizes."""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any, Literal

import matplotlib as mpl
from cycler import cycler
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from crampstudy import look

_SCREEN = 220
"""Dots an inch on a screen, of which each is drawn half as wide: sharp where pixels are small."""


class JournalFigure(Figure):
    """A figure that a notebook shows where it is the last expression of a cell, whatever its backend.

    ``remarks`` are what a reader needs to know of how it was drawn, such as what an arrow stands for; they stand in its
    note.
    """

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.remarks: list[str] = []

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> tuple[dict[str, Any], ...]:
        picture = png(self, _SCREEN)
        width, height = (int.from_bytes(picture[at : at + 4], "big") // 2 for at in (16, 20))
        return (
            {"image/png": base64.b64encode(picture).decode(), "text/plain": repr(self)},
            {"image/png": {"width": width, "height": height}},
        )


ARROW = "an arrow: the interval reaches beyond the axis"
CUT = "shading that ends at the frame goes on beyond it"
CURVE_CUT = "a curve that ends at the frame goes on beyond it"
OUTSIDE = "an arrow without a point: so does the estimate"
SHADED = "shaded along a curve: its interval"
NO_BAND = "a curve without shading has no interval"
NO_INTERVAL = "a point without a line has no interval"
UNMARKED = "what has neither point nor line lies beyond the axis and has no interval"
"""What figures remark of how they are drawn."""


ROW = "row:"
"""How the name of what is drawn of a row of estimates begins; the row's key follows."""


def of_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what names the text of a number after its row, for matplotlib; nothing of a row without a key."""
    key = row.get("key")
    return {"gid": f"{ROW}{key}"} if isinstance(key, str) else {}


def remark(axes: Axes, text: str, *, when: bool = True) -> None:
    """Have the note of the figure of ``axes`` say something once of how it is drawn, ``when`` it is so."""
    figure = axes.get_figure(root=True)
    if when and isinstance(figure, JournalFigure) and text not in figure.remarks:
        figure.remarks.append(text)


def png(figure: Figure, dpi: float) -> bytes:
    """Return a figure as a picture; a character that the fonts lack is a box."""
    target = io.BytesIO()
    with journal(), any_character():
        figure.savefig(target, format="png", dpi=dpi, bbox_inches="tight", pad_inches=0.02, metadata={"Software": None})
    return target.getvalue()


def picture(figure: Figure, form: str) -> bytes:
    """Return a figure as a ``png``, ``svg`` or ``pdf``, the same bytes for the same figure."""
    if form == "png":
        return png(figure, 150)
    target = io.BytesIO()
    dated = {"Date": None} if form == "svg" else {"CreationDate": None}
    with journal(), any_character():
        figure.savefig(target, format=form, bbox_inches="tight", pad_inches=0.02, metadata=dated)
    return target.getvalue()


@contextmanager
def any_character() -> Iterator[None]:
    """Draw characters that the fonts lack as a box without a warning: the report names them itself."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


@contextmanager
def journal(**overrides: Any) -> Iterator[None]:
    """Draw in the report's style within the ``with`` block; settings outside it are left alone.

    ``overrides`` are matplotlib rc parameters with ``_`` for ``.`` (``figure_figsize=(6.3, 4)``).
    It is the theme of seaborn's plots as well, as long as none of seaborn's own is set inside the block.

    Raises:
        KeyError: an override is no rc parameter.
    """
    _register()
    keys: dict[str, str] = {name.replace(".", "_"): name for name in mpl.rcParams}
    settings: dict[Any, Any] = {**_RC, **{keys[name]: value for name, value in overrides.items()}}
    with mpl.rc_context(settings):
        yield


def grid(axes: Axes, axis: Literal["x", "y"]) -> None:
    """Rule the values of an axis; lines in the place of its ticks."""
    axes.grid(axis=axis)
    axes.tick_params(axis=axis, length=0)


def hide_unused(grid: Any, used: int) -> None:
    """Hide the panels of a grid after the ``used`` first ones; those above them show the values of a shared axis."""
    across = grid.shape[1]
    for at, axes in enumerate(grid.flat):
        axes.set_visible(at < used)
        if at < used <= at + across:
            axes.tick_params(axis="x", labelbottom=True)


def legend_above(axes: Axes) -> None:
    """Put the legend above the axes, where it covers nothing."""
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2)


@cache
def _register() -> None:
    # Adding a font to matplotlib's list changes no default: it only makes the family known by name.
    for path in sorted(look.FONT_DIR.glob("*.otf")):
        font_manager.fontManager.addfont(path)


_RC: dict[str, Any] = {
    "figure.figsize": (look.TEXT_WIDTH, 3.4),
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 300,
    "savefig.transparent": False,
    "font.family": [look.SANS, "DejaVu Sans"],
    "font.size": 8.5,
    "mathtext.fontset": "custom",
    "mathtext.rm": look.SANS,
    "mathtext.it": f"{look.SANS}:italic",
    "mathtext.bf": f"{look.SANS}:weight=600",
    "mathtext.cal": look.SANS,
    "mathtext.sf": look.SANS,
    "mathtext.tt": "DejaVu Sans Mono",
    "axes.titlesize": 9,
    "axes.titleweight": 600,
    "axes.titlelocation": "left",
    "axes.labelsize": 8.5,
    "axes.labelcolor": look.INK,
    "axes.edgecolor": look.RULE,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=look.PALETTE),
    "axes.unicode_minus": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": look.RULE,
    "ytick.color": look.RULE,
    "xtick.labelcolor": look.INK,
    "ytick.labelcolor": look.INK,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.5,
    "patch.linewidth": 0.6,
    "errorbar.capsize": 0,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "legend.frameon": False,
    "text.color": look.INK,
    "axes.titley": 1.0,
    "svg.hashsalt": "crampstudy",
    "svg.fonttype": "none",
}
