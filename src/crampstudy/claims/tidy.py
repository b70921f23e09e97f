"""The ledger as tidy rows: each claim beside the row that answers it, and the verdicts that were to be expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import pandas as pd

from crampstudy import estimates
from crampstudy.claims import rules
from crampstudy.claims.claim import Row
from crampstudy.claims.ledger import NOT_MEASURED, LedgerEntry
from crampstudy.claims.sentences import missing, reason, specified, without_rows
from crampstudy.claims.specifications import ClaimMultiverse
from crampstudy.claims.specifications import said as told
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import fact
from crampstudy.estimates.rows import Status

_OWN = ("key", "analysis", "term", "level", "q_value", "verdict", "status", "facts", "note")
UNTESTED = ("not_estimable", "not_converged", "not_measured")
"""Statuses of a claim that was not tested."""
_SHARED = ("cohort", "population", "outcome", "ci_level")


def rows(ledger: Iterable[LedgerEntry], cohort: str) -> pd.DataFrame:
    """Return a row of each claim, of each part that was not tested, and of each verdict on a contrast by truth."""
    return estimates.frame(row for entry in ledger for row in _of_claim(entry, cohort))


def _of_claim(entry: LedgerEntry, cohort: str) -> Iterator[dict[str, Any]]:
    part = entry.deciding
    made = part.row if part else None
    kept = {name: cell for name, cell in made.items() if name not in _OWN} if made else {}
    number = entry.claim.claim
    yield estimates.row(
        **{"cohort": cohort} | kept,
        analysis=kinds.CLAIM.name,
        term=number,
        level=part.of.part if part else None,
        q_value=entry.p_holm,
        verdict=entry.verdict,
        status=_status(entry, made),
        note=reason(entry).rstrip("."),
    )
    if _status(entry, made) in UNTESTED:
        yield from _untested(entry, {name: kept.get(name) for name in _SHARED} | {"cohort": cohort})
    shared = {name: kept.get(name) for name in _SHARED} | {"analysis": kinds.EXPECTED_VERDICT.name, "term": number}
    for truth, expected in (entry.chances or {}).items():
        for verdict, probability in expected.items():
            cells = {"level": f"{verdict}, truth {truth}", "reference": truth, "scale": "probability"}
            yield estimates.row(status="converged", estimate=probability, **shared | cells)


def _untested(entry: LedgerEntry, cells: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield why the parts of a claim that have no estimate have none."""
    cells = {**cells, "analysis": kinds.CLAIM_PART.name, "term": entry.claim.claim}
    parts = entry.told
    if not parts:
        yield estimates.row(status="not_estimable", note=without_rows(entry), **cells)
    made: dict[tuple[str | None, str, str], Status] = {}
    lacking = [part for part in parts if part.row is None or not rules.estimated(part.row)]
    others = "estimated" if len(lacking) < len(parts) else ""
    for part in lacking:
        unmeasured = part.why == NOT_MEASURED
        status = part.row["status"] if part.row else "not_measured" if unmeasured else "not_estimable"
        # What no column would mend is of the whole claim.
        name = part.of.part if len(parts) > 1 and part.needs else None
        had_by = fact(part.row or {}, "had by")
        # Of what was logged by night it is not a measurement that is lacking.
        made[name, missing(part), had_by] = cast(Status, "not_estimable" if had_by == "nights" else status)
    for (name, why, had_by), status in made.items():
        facts = {"had by": had_by, "other parts": others}
        yield estimates.row(status=status, note=why, level=name, facts=facts, **cells)


def _status(entry: LedgerEntry, made: Row | None) -> Status:
    if made is not None:
        return cast(Status, made["status"])
    if entry.verdict != rules.NOT_TESTABLE:
        return "converged"
    return "not_measured" if entry.deciding and entry.deciding.why == NOT_MEASURED else "not_estimable"


def of_multiverse(found: Iterable[ClaimMultiverse], cohort: str) -> pd.DataFrame:
    """Return for each claim the share of its specifications that agree with it, and a row of each of them."""
    return estimates.frame(row for each in found for row in _of_universes(each, cohort))


def _of_universes(found: ClaimMultiverse, cohort: str) -> Iterator[dict[str, Any]]:
    shared = {"cohort": cohort, "term": found.entry.claim.claim}
    shown = found.entry.deciding
    yield estimates.row(
        **shared,
        analysis=kinds.AGREEMENT.name,
        level=shown.of.part if shown else None,
        scale="proportion",
        estimate=found.share,
        verdict=found.entry.verdict,
        status="not_estimable" if found.share is None else "converged",
        note=specified(found),
    )
    for each in found.every:
        part = next(one.part for one in each.parts if shown is None or one.part.of == shown.of)
        kept = {name: cell for name, cell in (part.row or {}).items() if name not in _OWN}
        status = cast(Status, part.row["status"]) if part.row else "not_estimable"
        cells = {"analysis": kinds.UNDER_SPECIFICATION.name, "level": told(each.specification)}
        yield estimates.row(**kept | shared | cells, verdict=each.verdict, status=status, note=each.why or None)


def records(ledger: Iterable[LedgerEntry], found: Iterable[ClaimMultiverse] | None = None) -> list[dict[str, Any]]:
    """Return what ``crampstudy claims --json`` prints: an object a claim, with its specifications where there are."""
    if found is None:
        return [_record(entry) for entry in ledger]
    by_claim = {each.entry.claim.claim: _multiverse(each) for each in found}
    return [_record(entry) | {"multiverse": by_claim.get(entry.claim.claim)} for entry in ledger]


def _multiverse(found: ClaimMultiverse) -> dict[str, Any]:
    lowest, highest = (min(found.estimates), max(found.estimates)) if found.estimates else (None, None)
    return {
        "specifications": len(found.every),
        "made": len(found.made),
        "agree": found.agreeing,
        "verdicts": dict(found.verdicts),
        "lowest": lowest,
        "highest": highest,
        "could_not": dict(found.reasons),
    }


def _record(entry: LedgerEntry) -> dict[str, Any]:
    part = entry.deciding
    row = (part.row if part else None) or {}
    return {
        "claim": entry.claim.claim,
        "verdict": entry.verdict,
        "analysis": part.of.section if part else None,
        **{name: row.get(name) for name in ("key", "estimate", "ci_low", "ci_high")},
        "published": str(entry.published),
        "reason": reason(entry),
    }
