"""How numbers and intervals are printed for readers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy.wording.marks import marked

DASH, MINUS = "–", "−"
_MOST_DIGITS = 12
_ROUNDING, _SMALL = 1e-8, 1e-3
RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
"""Digits as those of a power."""
_OF_ONE = {"people": "person", "strata": "stratum", "are": "is", "were": "was", "have": "has", "do": "does"}
_MORE = 3
"""So many decimals are tried for a limit that would be printed as if nothing differed, the usual ones first."""
_LARGE = 10_000
"""From here on the decimals of an estimate say nothing."""
LARGEST_RATIO = 1_000
"""Of a ratio beyond it no more is said than that."""


def number(value: float, digits: int = 2) -> str:
    """Return a number with ``digits`` decimals and a true minus sign; what rounds to zero has none."""
    return signed(f"{value:z,.{digits}f}")


def signed(text: str) -> str:
    """Return a number, as text, with a true minus sign."""
    return text.replace("-", MINUS)


def count(value: Any) -> str:
    """Return a whole number with thousands separated, an en dash where there is none."""
    return DASH if pd.isna(value) else f"{int(value):,}"


def count_of(row: Mapping[str, Any], column: str) -> str:
    """Return the whole number that a row has in a column, as :func:`count` does."""
    return marked(row, count(row[column]))


def with_article(noun: str) -> str:
    """Return a noun with its indefinite article: ``a rate ratio``, ``an odds ratio``."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def counts(rows: pd.DataFrame, column: str) -> pd.Series[str]:
    """Return the whole numbers of a column of rows, as :func:`count` does."""
    made = [count_of({"key": key, column: cell}, column) for key, cell in zip(rows["key"], rows[column], strict=True)]
    return pd.Series(made, index=rows.index, dtype=object)


def counted(n: int, plural: str, verb: str = "") -> str:
    """Return a number and what it counts, of one in the singular: ``1 night``, ``1 cell holds``, ``1,204 nights``.

    The last word of ``plural`` is its noun; ``verb`` is that of several.
    """
    if n == 1:
        before, _, noun = plural.rpartition(" ")
        plural = f"{before} {_OF_ONE.get(noun, noun.removesuffix('s'))}"
        verb = _OF_ONE.get(verb, f"{verb}s" if verb else "")
    return " ".join(f"{n:,} {plural} {verb}".split())


def estimate(row: Mapping[str, Any], digits: int = 2, factor: float = 1.0) -> str:
    """Return ``0.91 (0.80–1.03)``, or why there is no number; ``factor`` 100 makes per cents.

    A limit that rounds to a ratio of 1, or to a difference of 0, which the interval leaves out, has more decimals. One
    of a ratio that is far off is printed as a bound: ``1.52 (<0.01 to >1,000)``.
    """
    if row["status"] == "not_measured":
        return "not measured"
    if row["status"] not in ("converged", "boundary") or pd.isna(row["estimate"]):
        return "could not estimate"
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        shown = _ratio if str(row.get("scale", "")).endswith("_ratio") else number
        return marked(row, shown(row["estimate"] * factor, digits))
    cells = [row[name] * factor for name in ("estimate", "ci_low", "ci_high")]
    # Limits that differ are printed with as many decimals as show it.
    enough = (n for n in range(digits, _MOST_DIGITS) if number(cells[1], n) != number(cells[2], n))
    digits = next(enough, digits)
    if (null := _null(str(row.get("scale", "")))) is not None:
        digits = next((n for n in range(digits, digits + _MORE) if _is_clear(cells[1:], null, n)), digits)
    if str(row.get("scale", "")).endswith("_ratio"):
        middle, low, high = (_ratio(cell, digits) for cell in cells)
    else:
        middle, low, high = (number(cell, digits if abs(cell) < _LARGE else 0) for cell in cells)
    # After a minus sign a dash between the limits would be read as another one.
    between = " to " if {MINUS, "<", ">"} & set(low + high) else DASH
    return marked(row, f"{middle} ({low}{between}{high})")


def _null(scale: str) -> float | None:
    """Return what says on a scale that nothing differs, ``None`` where there is no such number."""
    return 1.0 if scale.endswith("_ratio") else 0.0 if scale == "difference" else None


def _is_clear(limits: list[float], null: float, digits: int) -> bool:
    """Say whether limits printed with so many decimals leave out what they leave out, if they do."""
    low, high = limits
    near = low if low > null else high if high < null else None
    return near is None or number(near, digits) != number(null, digits)


def _ratio(value: float, digits: int) -> str:
    """Return a ratio, which is never zero, and which says nothing where it is beyond all bounds."""
    if value > LARGEST_RATIO:
        return f">{LARGEST_RATIO:,}"
    return number(value, digits) if value >= 0.5 * 10.0**-digits else f"<{10.0**-digits:.{digits}f}"


def p_text(value: float) -> str:
    """Return a p-value as printed: ``p = 0.012``, ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {number(value, 3 if value < 0.1 else 2)}"


def digits(value: float, most: int) -> str:
    """Return a number with so many significant digits at ``most``, a small or huge one as ``7.65 × 10⁻⁵``."""
    return signed(_as_powers(f"{value:z.{most}g}"))


def _as_powers(text: str) -> str:
    return re.sub(
        r"e([+-])0*(\d+)",
        lambda found: f" × 10{'⁻' if found[1] == '-' else ''}{found[2].translate(RAISED)}",
        text,
    )


def magnitude(value: float) -> str:
    """Return a gap by its first digits, such as ``0.48`` or ``2 × 10⁻⁵``; what is rounding as ``<10⁻⁸``."""
    if math.isnan(value):
        return DASH
    if value < _ROUNDING:
        return "<10⁻⁸"
    return _as_powers(f"{value:.2g}" if value >= _SMALL else f"{value:.0e}")
