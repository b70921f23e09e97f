"""What figures, pages and documents share of their look: fonts, sizes and colours. It loads no library that draws."""

from __future__ import annotations

from pathlib import Path

FONT_DIR = Path(__file__).parent / "fonts"
SANS = "Source Sans 3"
SERIF = "Source Serif 4"

TEXT_WIDTH = 6.3
"""Width of the text of a report, in inches; a figure is at most this wide."""

COLUMN_WIDTH = TEXT_WIDTH * 89 / 183
"""Width of a figure that is to fill a column of a journal, where one of the text's width fills a page, in inches."""

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D")
"""Okabe and Ito (2008), blue first, yellow left out (too pale for lines on white)."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Shapes beside the colours, for a page printed in grey."""

INK = "#222222"
RULE = "#8C8C8C"
SHADE = "#F1F1F1"
"""Behind what is as good as no difference. On a dark page it is dark, as ink is light and paper dark."""
ON_LIGHT, ON_DARK = "#1F1F1F", "#FEFEFE"
"""Ink on a ground of one colour, light or dark, which stays as it is on a dark page."""

MARKER = 5.5
"""Size of an estimate's point, which has no edge, in points."""
