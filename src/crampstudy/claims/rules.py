"""How a verdict on a claim is reached: pure functions of a row's interval and of the side on which the claim lies."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

import pandas as pd

from crampstudy.errors import UsageError
from crampstudy.estimates import verdicts
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.nights.calendar import WINTER, Hemisphere

ClaimVerdict = Literal[
    "supported", "supported but negligible", "contradicted", "not testable here", "inconclusive", "stated"
]
VERDICTS: tuple[ClaimVerdict, ...] = get_args(ClaimVerdict)
SUPPORTED, NEGLIGIBLE, CONTRADICTED, NOT_TESTABLE, INCONCLUSIVE, STATED = VERDICTS
HIGHER, LOWER, WINTER_PEAK = "higher", "lower", "winter"
_LEVEL = re.compile(r"(?:above (?P<above>[\d.]+)|below (?P<below>[\d.]+)|(?P<low>[\d.]+) to (?P<high>[\d.]+))")


def of_row(
    row: Mapping[str, Any], side: str, margins: Margins = MARGINS, beside: Mapping[str, Any] | None = None
) -> ClaimVerdict:
    """Return the verdict that one row of estimates gives on the side on which a claim lies.

    Args:
        row: a row of estimates.
        side: ``higher`` or ``lower`` than no effect, or a level such as ``above 0.5`` or ``0.25 to 0.35``.
        margins: between which a ratio is as good as 1; those of a difference are declared for its outcome.
        beside: the difference of the same contrast, which has to be negligible as well.
    """
    if not estimated(row):
        return NOT_TESTABLE
    return of_contrast(row, side, margins, beside) if side in (HIGHER, LOWER) else of_level(row, side)


def estimated(row: Mapping[str, Any]) -> bool:
    """Say whether there is an estimate."""
    return row["status"] in ("converged", "boundary") and bool(pd.notna(row["estimate"]))


def unjudged(row: Mapping[str, Any]) -> bool:
    """Say whether a section gave a ratio or a difference no verdict, so that its interval gives a claim none either."""
    return estimated(row) and verdicts.compares(row) and bool(pd.isna(row["verdict"]))


def of_contrast(
    row: Mapping[str, Any], side: str, margins: Margins = MARGINS, beside: Mapping[str, Any] | None = None
) -> ClaimVerdict:
    """Return what the interval of a ratio or a difference says of the claim that it is ``higher`` or ``lower``."""
    said = verdicts.verdict(row, margins, beside)
    null = 0 if row["scale"] == verdicts.DIFFERENCE else 1
    if said == "differs but negligible":
        return NEGLIGIBLE if (row["estimate"] > null) == (side == HIGHER) else CONTRADICTED
    if said in (HIGHER, LOWER):
        return SUPPORTED if said == side else CONTRADICTED
    return CONTRADICTED if said == "near null" else INCONCLUSIVE


def of_level(row: Mapping[str, Any], side: str) -> ClaimVerdict:
    """Return what the interval of a share or a duration says of the claim that it lies at a level."""
    low, high = limits(side)
    below, above = row["ci_low"], row["ci_high"]
    if pd.isna(below) or pd.isna(above) or verdicts.few_participants(row):
        return INCONCLUSIVE
    if low < below and above < high:
        return SUPPORTED
    return CONTRADICTED if above <= low or below >= high else INCONCLUSIVE


def limits(side: str) -> tuple[float, float]:
    """Return the limits of a level such as ``above 0.5``, ``below 600`` or ``0.25 to 0.35``.

    Raises:
        UsageError: the text is no level.
    """
    found = _LEVEL.fullmatch(side)
    if found is None:
        raise UsageError(f"a level is written above 0.5, below 600 or 0.25 to 0.35; got {side!r}")
    given = {name: float(text) for name, text in found.groupdict().items() if text}
    low = given.get("above", given.get("low", -math.inf))
    return low, given.get("below", given.get("high", math.inf))


def of_season(
    peak: Mapping[str, Any],
    cycle: Mapping[str, Any] | None,
    hemisphere: Hemisphere = "north",
    margins: Margins = MARGINS,
) -> ClaimVerdict:
    """Return what a cohort says of the claim that cramps peak in winter.

    Args:
        peak: the row of the day of the year on which the fitted cycle is highest.
        cycle: that of the ratio of peak to trough, which says whether there is a cycle.
        hemisphere: which months are winter.
        margins: a cycle whose ratio lies between them wholly is none that matters.
    """
    if not estimated(peak) or cycle is None or not estimated(cycle):
        return NOT_TESTABLE
    size = of_contrast(cycle, HIGHER, margins)
    if size == CONTRADICTED:
        return CONTRADICTED
    if size == INCONCLUSIVE or pd.isna(peak["ci_low"]) or pd.isna(peak["ci_high"]):
        return INCONCLUSIVE
    first, last = WINTER[hemisphere]
    days = [(day - 1) % 365 + 1 for day in range(math.floor(peak["ci_low"]), math.ceil(peak["ci_high"]) + 1)]
    inside = [first <= day <= last if first < last else day >= first or day <= last for day in days]
    if all(inside):
        return size
    return INCONCLUSIVE if any(inside) else CONTRADICTED


def of_parts(parts: Iterable[ClaimVerdict]) -> ClaimVerdict:
    """Return the verdict on a claim of several parts, which it is only as a whole.

    It is supported or contradicted where every part is, so that no part is one chance more to be wrong: an intersection
    of tests needs no adjustment (Berger 1982). What cannot be tested in a part cannot be as a whole.
    """
    found = set(parts)
    if not found or NOT_TESTABLE in found:
        return NOT_TESTABLE
    if len(found) == 1:
        return found.pop()
    return NEGLIGIBLE if found == {SUPPORTED, NEGLIGIBLE} else INCONCLUSIVE
