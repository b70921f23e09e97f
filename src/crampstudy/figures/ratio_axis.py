"""The log axis of ratios: one set of ticks for all figures, the finer ones where it does not reach far."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

_FINE = (0.2, 0.33, 0.5, 0.8, 1.0, 1.25, 2.0, 3.0, 5.0)
_COARSE = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0)
_FAR, _FARTHEST = 20.0, 1000.0
"""Highest over lowest ratio of an axis with fine ticks, and of one with coarse ones."""
_FEWEST = 3
_FIRST = (1.0, 0.5, 2.0, 0.2, 5.0, 0.1, 10.0, 0.33, 3.0)
"""Ticks that stay where there is no room for all."""
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
    ticks = ratio_ticks(low, high)
    axis.set_ticks(ticks if which == "x" else _with_room(ticks, low, high, _height(axes)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_locator(NullLocator())


def _height(axes: Axes) -> float:
    """Return about how many points high axes are before they are laid out."""
    figure = axes.get_figure(root=True)
    return 72 * float(axes.get_position().height * figure.get_figheight()) if figure else math.inf


def _with_room(ticks: Sequence[float], low: float, high: float, height: float) -> list[float]:
    """Return the ticks whose labels stand clear of one another on an axis of a ``height`` in points."""
    kept: list[float] = []
    for tick in sorted(ticks, key=lambda each: _FIRST.index(each) if each in _FIRST else len(_FIRST)):
        if all(height * abs(math.log(tick / other)) / math.log(high / low) >= _LINE for other in kept):
            kept.append(tick)
    return sorted(kept)
