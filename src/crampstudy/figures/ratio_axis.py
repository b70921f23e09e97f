"""The log axis of ratios: one set of ticks for all figures, the finer ones where it does not reach far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, cast

from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FuncFormatter, Locator, MaxNLocator, NullLocator

_FINE = (0.2, 0.33, 0.5, 0.8, 1.0, 1.25, 2.0, 3.0, 5.0)
_COARSE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_FAR, _FARTHEST = 20.0, 1000.0
"""Highest over lowest ratio of an axis with fine ticks, and of one with coarse ones."""
_FEWEST = 3
_FIRST = (1.0, 0.5, 2.0, 0.2, 5.0, 0.1, 10.0, 0.33, 3.0)
"""Ticks that stay where there is no room for all."""
_LETTER = 4.2
"""Points that a letter of it is wide, at least."""
_LINE = 9.5
"""Points that the label of a tick is high, with what parts it from the next."""


def ratio_ticks(low: float, high: float) -> list[float]:
    """Return the ticks of ratios from ``low`` to ``high``: 0.5, 0.8, 1, 1.25, 2, or coarser where they reach far.

    Beyond that they are powers of ten. Where fewer than three of these fit, even steps take their place.
    """
    if high / low > _FARTHEST:
        return [10.0**power for power in range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)]
    familiar = [tick for tick in (_FINE if high / low <= _FAR else _COARSE) if low <= tick <= high]
    if len(familiar) >= _FEWEST:
        return familiar
    return [float(tick) for tick in MaxNLocator(4).tick_values(low, high) if low <= tick <= high]


def set_ratio_axis(axes: Axes, which: Literal["x", "y"], low: float, high: float) -> None:
    """Make an axis a log axis of ratios from ``low`` to ``high``."""
    axes.set(**{f"{which}scale": "log", f"{which}lim": (low, high)})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(_RatioTicks(across=which == "x"))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


class _RatioTicks(Locator):
    """The ticks of ratios for which an axis has room, which is known once what stands beside it is laid out."""

    def __init__(self, *, across: bool) -> None:
        self._across = across

    def __call__(self) -> list[float]:
        low, high = self._axis().get_view_interval()
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        low, high = sorted((vmin, vmax))
        return _with_room(ratio_ticks(low, high), low, high, self._length(), across=self._across)

    def _axis(self) -> Axis:
        return cast(Axis, self.axis)

    def _length(self) -> float:
        """Return how many points long the axis is."""
        axes = self._axis().axes
        figure = axes.get_figure(root=True)
        if figure is None:
            return math.inf
        return 72 * float(axes.bbox.width if self._across else axes.bbox.height) / figure.dpi


def _with_room(ticks: Sequence[float], low: float, high: float, length: float, *, across: bool) -> list[float]:
    """Return the ticks whose labels stand clear of one another on an axis of a ``length`` in points.

    Labels stand beside one another along an axis that goes ``across``, else above one another.
    """
    kept: list[float] = []
    for tick in sorted(ticks, key=lambda each: _FIRST.index(each) if each in _FIRST else len(_FIRST)):
        if all(
            length * abs(math.log(tick / other)) / math.log(high / low)
            >= (_LETTER * (len(f"{tick:g}") + len(f"{other:g}")) / 2 + 2 if across else _LINE)
            for other in kept
        ):
            kept.append(tick)
    return sorted(kept)
