"""The rules of the verdicts on claims as a table of cases: tests/test_claims.py holds it, docs/claims.md prints it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crampstudy import claims, estimates
from crampstudy.claims import rules
from crampstudy.claims.rules import CONTRADICTED, INCONCLUSIVE, NEGLIGIBLE, NOT_TESTABLE, SUPPORTED
from crampstudy.estimates import verdicts

RATIO, DIFFERENCE, SHARE = "rate_ratio", "difference", "proportion"


@dataclass(frozen=True)
class Case:
    """A row, where the claim lies, and the verdict that this gives."""

    side: str
    scale: str
    numbers: tuple[float, float, float] | None
    verdict: str
    because: str
    cells: dict[str, Any] = field(default_factory=dict)
    beside: tuple[float, float, float] | None = None

    @property
    def difference(self) -> dict[str, Any] | None:
        """The difference in cramps a week beside the ratio, if there is one."""
        if self.beside is None:
            return None
        made = Case("", DIFFERENCE, self.beside, "", "", {"outcome": verdicts.PER_WEEK}).row
        return made | {"verdict": verdicts.verdict(made)}

    @property
    def row(self) -> dict[str, Any]:
        """The case as a row of estimates."""
        given: dict[str, Any] = {"scale": self.scale, "n_participants": 200, "ci_level": 0.95}
        if self.scale == DIFFERENCE:
            given["outcome"] = "pain_0_10"
        if self.numbers is None:
            return estimates.row(status="not_estimable", **given | self.cells)
        estimate, low, high = self.numbers
        return estimates.row(status="converged", estimate=estimate, ci_low=low, ci_high=high, **given | self.cells)


CASES = (
    Case("higher", RATIO, (1.7, 1.2, 2.4), SUPPORTED, "wholly above 1, and reaches beyond the margins"),
    Case("higher", RATIO, (1.1, 1.02, 1.19), NEGLIGIBLE, "wholly above 1 and wholly inside the margins"),
    Case("higher", RATIO, (1.02, 0.95, 1.1), CONTRADICTED, "inside the margins, and includes 1"),
    Case(
        "higher",
        RATIO,
        (1.02, 0.95, 1.1),
        INCONCLUSIVE,
        "inside the margins, but its difference in cramps a week is not inside those of a difference",
        beside=(0.2, -0.8, 1.2),
    ),
    Case("higher", RATIO, (0.9, 0.85, 0.97), CONTRADICTED, "wholly below 1, though inside the margins"),
    Case("higher", RATIO, (0.6, 0.4, 0.9), CONTRADICTED, "wholly below 1"),
    Case("higher", RATIO, (1.3, 0.9, 1.9), INCONCLUSIVE, "includes 1, and reaches beyond the margins"),
    Case("higher", RATIO, (1.7, 1.2, 2.4), INCONCLUSIVE, "rests on 4 participants at the level", {"n_exposed": 4}),
    Case("higher", RATIO, None, NOT_TESTABLE, "could not be estimated"),
    Case("lower", RATIO, (0.6, 0.4, 0.9), SUPPORTED, "wholly below 1, and reaches beyond the margins"),
    Case("lower", RATIO, (0.9, 0.85, 0.97), NEGLIGIBLE, "wholly below 1 and wholly inside the margins"),
    Case("lower", RATIO, (1.7, 1.2, 2.4), CONTRADICTED, "wholly above 1"),
    Case("lower", RATIO, (1.02, 0.95, 1.1), CONTRADICTED, "inside the margins, and includes 1"),
    Case("lower", DIFFERENCE, (-1.8, -2.4, -1.2), SUPPORTED, "wholly below 0, and beyond the margin of 1 point"),
    Case("lower", DIFFERENCE, (-0.5, -0.8, -0.2), NEGLIGIBLE, "wholly below 0, and inside the margin of 1 point"),
    Case("lower", DIFFERENCE, (0.1, -0.4, 0.6), CONTRADICTED, "inside the margin, and includes 0"),
    Case("lower", DIFFERENCE, (-0.9, -2.1, 0.3), INCONCLUSIVE, "includes 0, and reaches beyond the margin"),
    Case("0.25 to 0.35", SHARE, (0.3, 0.27, 0.33), SUPPORTED, "wholly inside what is claimed"),
    Case("0.25 to 0.35", SHARE, (0.47, 0.41, 0.53), CONTRADICTED, "wholly outside of it"),
    Case("0.25 to 0.35", SHARE, (0.3, 0.22, 0.4), INCONCLUSIVE, "partly inside and partly outside"),
    Case("above 0.5", SHARE, (0.8, 0.77, 0.83), SUPPORTED, "wholly above"),
    Case("above 0.5", SHARE, (0.4, 0.35, 0.45), CONTRADICTED, "wholly below"),
    Case("above 0.5", SHARE, (0.8, 0.77, 0.83), INCONCLUSIVE, "rests on 9 participants", {"n_participants": 9}),
    Case("below 600", "median", (350, 320, 390), SUPPORTED, "wholly below, of a duration in seconds"),
)
"""Of one row."""

PARTS: tuple[tuple[tuple[str, ...], str, str], ...] = (
    ((SUPPORTED, SUPPORTED), SUPPORTED, "all are"),
    ((SUPPORTED, NEGLIGIBLE), NEGLIGIBLE, "all lie on the claimed side, one by little"),
    ((CONTRADICTED, CONTRADICTED), CONTRADICTED, "all are"),
    ((SUPPORTED, CONTRADICTED), INCONCLUSIVE, "the parts disagree"),
    ((SUPPORTED, INCONCLUSIVE), INCONCLUSIVE, "one cannot tell"),
    ((CONTRADICTED, NOT_TESTABLE), NOT_TESTABLE, "one has no row"),
    ((), NOT_TESTABLE, "there is no row"),
)
"""Of a claim of several parts."""

SEASONS: tuple[tuple[tuple[float, float, float] | None, tuple[float, float, float], str, str, str], ...] = (
    ((15, -10, 45), (2.0, 1.5, 2.7), "north", SUPPORTED, "a cycle, and its peak from 21 December to 14 February"),
    ((200, 180, 220), (2.0, 1.5, 2.7), "north", CONTRADICTED, "a cycle, and its peak in summer"),
    ((200, 180, 220), (2.0, 1.5, 2.7), "south", SUPPORTED, "the same in the south, where that is winter"),
    ((60, 20, 100), (2.0, 1.5, 2.7), "north", INCONCLUSIVE, "a cycle, and its peak in winter or spring"),
    ((15, -10, 45), (1.1, 1.03, 1.2), "north", NEGLIGIBLE, "a peak in winter, of a cycle inside the margins"),
    ((15, -10, 45), (1.1, 1.0, 1.2), "north", CONTRADICTED, "no cycle that matters"),
    ((15, -10, 45), (1.6, 1.0, 2.6), "north", INCONCLUSIVE, "a cycle that cannot be told from none"),
    (None, (2.0, 1.5, 2.7), "north", NOT_TESTABLE, "no peak was estimated"),
)
"""Of the annual cycle: day of the peak, ratio of peak to trough, hemisphere."""


def verdict(case: Case) -> str:
    """Return the verdict of a case."""
    return rules.of_row(case.row, case.side, beside=case.difference)


def peak(numbers: tuple[float, float, float] | None) -> dict[str, Any]:
    """Return the row of a peak."""
    return Case("winter", "day_of_year", numbers, "", "").row


OF_DIARIES = [row for row in claims.CLAIM_ROWS if row.kind != "survey" and row.analysis != "treatment effect"]


def scale_of(row: claims.ClaimRow) -> str:
    if row.side in (rules.HIGHER, rules.LOWER):
        return "difference" if row.outcome.endswith(("_0_10", "fall")) else "rate_ratio"
    return {"peak": "day_of_year", "peak to trough": "rate_ratio"}.get(row.level, "proportion")


def inconclusive_rows() -> dict[str, pd.DataFrame]:
    """Return rows as the sections name them, all inconclusive, of a diary in which nobody was randomised."""
    made: dict[str, list[dict[str, Any]]] = {}
    for row in OF_DIARIES:
        scale, everybody = scale_of(row), row.population or "age_years >= 20"
        numbers = {"difference": (0.0, -2.0, 2.0), "proportion": (0.4, 0.2, 0.7)}.get(scale, (1.0, 0.5, 2.0))
        cells = {name: getattr(row, name) or None for name in ("analysis", "term", "level")}
        cells |= {"outcome": row.outcome or "cramps", "population": everybody, "scale": scale, "p_value": 0.5}
        cells |= dict(zip(("estimate", "ci_low", "ci_high"), numbers, strict=True))
        cells |= {"n_participants": 200, "std_error": 0.35, "df": 100.0, "ci_level": 0.95}
        cells |= {"verdict": "inconclusive"} if verdicts.compares(cells) else {}
        if not any(each["key"] == estimates.key(cells) for each in made.setdefault(row.section, [])):
            made[row.section].append(estimates.row(status="converged", **cells))
    return {section: estimates.frame(rows) for section, rows in made.items()}
