"""How p-values of a family of comparisons are adjusted, and how strong confounding had to be to explain a ratio."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from crampstudy import estimates

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The p-values of a family (k): ``holm`` keeps the chance of any error, ``fdr`` the expected share of errors."""

    holm: tuple[float, ...]
    fdr: tuple[float, ...]


def adjusted(p_values: Sequence[float]) -> Adjusted:
    """Return the p-values of a family adjusted by Holm and by Benjamini and Hochberg, in their order.

    Source: Holm 1979; Benjamini and Hochberg 1995.
    """
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return Adjusted((), ())
    holm, fdr = (tuple(map(float, multipletests(p_values, method=name)[1])) for name in ("holm", "fdr_bh"))
    return Adjusted(holm, fdr)


def with_adjusted(rows: Sequence[Row], family: Callable[[Row], bool], of: str) -> list[Row]:
    """Return rows, those of the ``family`` that have a test with its p-value by Holm in ``q_value``.

    What Benjamini and Hochberg's is stands in the note, with the number of tests: so many ``of`` something.
    """
    tested = [i for i, row in enumerate(rows) if row["p_value"] is not None and family(row)]
    found, made = adjusted([float(rows[i]["p_value"]) for i in tested]), list(rows)
    for i, holm, fdr in zip(tested, found.holm, found.fdr, strict=True):
        said = f"q by Holm over {len(tested)} {of}, {fdr:.3g} by Benjamini-Hochberg"
        made[i] = rows[i] | {"q_value": holm, "note": estimates.note(said, rows[i]["note"] or "")}
    return made


def e_value(ratio: float) -> float:
    """Return the smallest ratio that an unmeasured confounder needs with both to explain ``ratio`` by itself.

    The ratio is one of rates, prevalences or risks; below 1 its inverse is taken, and of 1 the value is 1.

    Source: VanderWeele and Ding 2017.
    """
    away = ratio if ratio >= 1 else 1 / ratio
    return away + math.sqrt(away * (away - 1))


def e_values(ratio: float, ci_low: float, ci_high: float) -> tuple[float, float]:
    """Return the E-value of a ratio, and that of the limit nearer to 1; of an interval that holds 1 it is 1."""
    if ci_low <= 1 <= ci_high:
        return e_value(ratio), 1.0
    return e_value(ratio), e_value(ci_low if ci_low > 1 else ci_high)
