"""What cleaning found, on one screen: rows, rules with their first example, nights observed and missing."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from crampstudy import wording
from crampstudy.clean import Cleaned
from crampstudy.cohort import TableCount
from crampstudy.nights import coverage, observed_night


@dataclass(frozen=True, slots=True)
class RuleExample:
    """One rule: how often it spoke and where it spoke first."""

    rule: str
    severity: str
    n: int
    file: str
    line: int
    column: str
    value: str | None
    hint: str


@dataclass(frozen=True, slots=True)
class NightCounts:
    """Person-nights of a diary; expected are those between each participant's first and last row."""

    expected: int
    observed: int
    missing: int
    without_cramp: int
    longest_gap_median: float
    longest_gap_90th_centile: float
    longest_gap: int


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of validating a source; ``costly`` counts the ledger's rejected rows and blanked cells."""

    cohort: str
    kind: str
    digest: str
    tables: tuple[TableCount, ...]
    rules: tuple[RuleExample, ...]
    notices: tuple[str, ...]
    nights: NightCounts | None
    costly: int


def summarise(loaded: Cleaned) -> Summary:
    """Summarise a cleaned source."""
    cohort, ledger = loaded.cohort, loaded.ledger
    first = ledger.group_by("rule", "severity", maintain_order=True).agg(pl.len().alias("n"), pl.all().first())
    rules = tuple(RuleExample(**row) for row in first.sort("n", "rule", descending=[True, False]).to_dicts())
    return Summary(
        cohort=cohort.name,
        kind=cohort.kind,
        digest=cohort.digest,
        tables=cohort.attrition.tables,
        rules=rules,
        notices=cohort.attrition.notices,
        nights=_nights(loaded) if cohort.kind == "diary" else None,
        costly=ledger.filter(pl.col("severity") != "warn").height,
    )


def as_json(summary: Summary) -> str:
    """Return the summary as JSON."""
    return json.dumps(asdict(summary), indent=1, ensure_ascii=False)


def as_text(summary: Summary) -> str:
    """Return the summary as plain text for a terminal."""
    lines = [f"{summary.cohort} ({summary.kind}), digest {summary.digest[:12]}", ""]
    lines.append(f"{'table':<14}{'read':>10}{'accepted':>10}{'rejected':>10}")
    lines += [f"{t.table:<14}{t.read:>10,}{t.accepted:>10,}{t.rejected:>10,}" for t in summary.tables]
    lines.append("")
    if not summary.rules:
        lines.append("No rule was broken.")
    for r in summary.rules:
        where = f"{r.file} line {r.line}" + (f", {r.column} = {r.value!r}" if r.column else "")
        lines.append(f"{r.n:>8,} x {r.rule} ({r.severity}); first: {where}: {r.hint}")
    if summary.nights:
        n = summary.nights
        share = f"{wording.number(100 * n.observed / n.expected, 1)} %" if n.expected else "none"
        lines += [
            "",
            f"nights: {n.expected:,} expected, {n.observed:,} observed ({share}), {n.missing:,} missing; "
            f"{n.without_cramp:,} observed without a cramp",
            f"longest gap per participant: median {n.longest_gap_median:g}, 90th centile "
            f"{n.longest_gap_90th_centile:g}, longest {n.longest_gap} nights",
        ]
    lines += [f"note: {notice}" for notice in summary.notices]
    return "\n".join(lines)


def _nights(loaded: Cleaned) -> NightCounts:
    cohort = loaded.cohort
    seen = coverage(cohort)
    expected, observed = int(seen["nights_expected"].sum()), int(seen["nights_observed"].sum())
    gaps = seen["longest_gap"].drop_nulls().to_numpy()
    free = cohort.frame("diary").filter(observed_night(cohort) & (pl.col("cramps") == 0)).height
    return NightCounts(
        expected=expected,
        observed=observed,
        missing=expected - observed,
        without_cramp=free,
        longest_gap_median=float(np.median(gaps)) if len(gaps) else 0.0,
        longest_gap_90th_centile=float(np.quantile(gaps, 0.9)) if len(gaps) else 0.0,
        longest_gap=int(gaps.max()) if len(gaps) else 0,
    )
