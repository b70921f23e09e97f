"""One way to print the cell of a table."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any

import numpy as np
import pandas as pd

MISSING = "–"
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
    """Say whether a column reads as numbers (``1.2 (0.9–1.6)`` does), and so is set flush right."""
    shown = (text for text in map(as_text, cells) if text not in ("", MISSING))
    return all(re.match(r"[-−+<>≤≥=]?\s?[.\d∞]", text) for text in shown)


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
