"""What stands in the place of a figure that has nothing to show."""

from __future__ import annotations

import textwrap

from matplotlib.figure import Figure

from crampstudy import look
from crampstudy.figures import style


def could_not_estimate(reason: str) -> Figure:
    """Return a figure that says why there is no plot; a report goes on and its readers see the reason."""
    with style.journal():
        figure = style.JournalFigure(figsize=(look.TEXT_WIDTH, 1.1))
        text = textwrap.fill(f"Could not estimate: {reason}.", width=90, max_lines=5, placeholder=" …")
        figure.text(0.5, 0.5, text, ha="center", va="center", color=look.INK)
    return figure
