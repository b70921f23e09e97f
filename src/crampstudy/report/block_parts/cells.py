"""One way to print the cell of a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

MISSING = "–"
_WITHOUT = frozenset({"", MISSING, "could not estimate", "not measured", "reference"})
"""What stands in a column of numbers where there is none."""
_WORDS = re.compile(r"(?<![\w.])(?!(?:to|of|df)\b)[^\W\d_]{2,}(?!\w)")
"""A word within a number's cell, but for those of its interval or its degrees of freedom."""
_BAND = re.compile(r"(\d+)(\+|[–-]\d+)")
_EVERYBODY = frozenset({"All", "all", "All ages", "Total"})
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def as_text(cell: Any) -> str:
    """Return a cell as printed: text as it is, ``1,234``, three significant digits, yes or no, or an en dash."""
    if isinstance(cell, str):
        return cell
    if pd.api.types.is_scalar(cell) and pd.isna(cell):
        return MISSING
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, Integral):
        return f"{int(cell):,}".replace("-", "−")
    if isinstance(cell, Real):
        return _number(float(cell))
    return str(cell)


def is_numeric(cells: Iterable[object]) -> bool:
    """Say whether a column reads as numbers (``1.2 (0.9–1.6)`` does), and so is set flush right.

    Texts that begin with a number and go on in words, as ``40 against 75 nmol/L``, are words where most of them are.
    """
    shown = [text for text in map(as_text, cells) if text not in _WITHOUT]
    wordy = sum(bool(_WORDS.search(text)) for text in shown)
    return all(re.match(r"[-−+<>≤≥=]?\s?[.\d∞]", text) for text in shown) and (not shown or 2 * wordy <= len(shown))


def overlapping(stubs: Sequence[str]) -> list[bool]:
    """Say of each row of a table whether it sums up others: ``60+`` beside ``60–69``, ``All`` beside bands.

    Of the bands that have no upper limit the last of all is one as others are.
    """
    bands = [_BAND.match(stub) for stub in stubs]
    lows = [int(band[1]) for band in bands if band]
    closed = [int(band[1]) for band in bands if band and band[2] != "+"]
    if not closed:
        return [False] * len(stubs)
    return [
        (band[2] == "+" and int(band[1]) < max(lows)) if band else stub in _EVERYBODY
        for stub, band in zip(stubs, bands, strict=True)
    ]


def _number(number: float) -> str:
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    if number == 0:
        return "0"
    size = abs(number)
    if 1e-4 <= size < 1e9:
        decimals = max(0, 2 - math.floor(math.log10(float(f"{size:.2e}"))))
        return f"{number:,.{decimals}f}".replace("-", "−")
    mantissa, exponent = f"{number:.2e}".split("e")
    return f"{mantissa} × 10{str(int(exponent)).translate(_SUPERSCRIPT)}".replace("-", "−")
