"""What was published on a claim, and the verdict of that: by the same rules as that of a cohort."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from crampstudy import estimates, wording
from crampstudy.claims import rules
from crampstudy.claims.claim import Claim
from crampstudy.errors import AnalysisError
from crampstudy.evidence import package
from crampstudy.evidence.harmonise import PUBLISHED_LEVEL, per_week
from crampstudy.models.inference.proportion import wilson

NONE_FOUND = "none found"
"""In the place of a verdict where nothing was published on a claim."""


@dataclass(frozen=True, slots=True)
class Published:
    """What was published on a claim: ``verdict`` is one of those of a cohort, or :data:`NONE_FOUND`."""

    verdict: str
    text: str
    figures: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the verdict, then what it rests on."""
        figures = f" ({'; '.join(self.figures)})" if self.figures else ""
        return f"{self.verdict}: {self.text}{figures}"


@cache
def published(claim: Claim) -> Published:
    """Return what was published on a claim.

    The verdict is that of the interval of the best evidence, the first that the claim names. Where none has an
    interval, or the best is not of the claim's own contrast, it is as judged in the table.
    """
    rows = [_row(key) for key in claim.sources]
    figures = tuple(f"{named}: {_number(row)}" for named, row in rows if row["estimate"] is not None)
    if claim.judged:
        return Published(claim.judged, claim.published, figures)
    if not rows:
        return Published(NONE_FOUND, claim.published)
    side = claim.evidence_side
    return Published(rules.of_row(rows[0][1], side) if side else rules.STATED, claim.published, figures)


def _row(key: str) -> tuple[str, dict[str, Any]]:
    """Return the name of a piece of evidence and its number as a row, which is in no report and has no key."""
    table, _, name = key.partition(":")
    named, row = _TABLES[table](name)
    return named, {**row, "key": None}


def _association(factor: str) -> tuple[str, dict[str, Any]]:
    found = _record("associations", "factor", factor)
    scale = str(found["scale"]).replace(" ", "_")
    named = (
        f"{factor}, {_author(found)}" if "contrast" not in found else f"{factor} {found['contrast']}, {_author(found)}"
    )
    return named, _made(found, scale, "estimate")


def _figure(figure: str) -> tuple[str, dict[str, Any]]:
    found = dict(_record("prevalence", "figure", figure))
    made = _made(found, "prevalence" if found["unit"] == "%" else "mean", "value")
    if made["scale"] == "mean":
        return figure, made | {"unit": found["unit"]}
    share, n = made["estimate"] / 100, found.get("n")
    if made["ci_low"] is not None:
        low, high = made["ci_low"] / 100, made["ci_high"] / 100
    else:
        low, high = wilson(round(share * n), n, PUBLISHED_LEVEL) if n else (None, None)
    return figure, made | {"estimate": share, "ci_low": low, "ci_high": high}


def _trial(study: str) -> tuple[str, dict[str, Any]]:
    (found,) = (each for each in package.studies() if each.study == study)
    cells: dict[str, Any] = {"outcome": "cramps_per_week", "scale": "difference", "unit": "cramps a week"}
    try:
        made = per_week(found)
    except AnalysisError:
        # What is no difference in the number of cramps is told in words alone.
        return study, estimates.row(status="not_estimable", **cells)
    low, high = made.limits(PUBLISHED_LEVEL)
    return study, estimates.row(status="converged", estimate=made.difference, ci_low=low, ci_high=high, **cells)


_TABLES = {"association": _association, "figure": _figure, "trial": _trial}


def _record(table: str, column: str, name: str) -> Mapping[str, Any]:
    (found,) = (row for row in package.records(table) if row[column] == name)
    return found


def _made(found: Mapping[str, Any], scale: str, column: str) -> dict[str, Any]:
    cells = {name: found.get(name) for name in ("ci_low", "ci_high")} | {"estimate": found.get(column), "scale": scale}
    return estimates.row(status="converged" if column in found else "not_estimable", **cells)


def _author(found: Mapping[str, Any]) -> str:
    return str(found["citation"]).partition(",")[0]


def _number(row: Mapping[str, Any]) -> str:
    """Return the number of a piece of evidence with its interval and what it is."""
    if row["scale"] == "prevalence":
        return (
            wording.estimate(row, 0, 100).replace(" (", "% (")
            if row["ci_low"] is not None
            else f"{100 * row['estimate']:.0f}%"
        )
    what = row["unit"] or str(row["scale"]).replace("_", " ")
    return f"{wording.estimate(row)} {what}" if row["unit"] else f"{what} {wording.estimate(row)}"
