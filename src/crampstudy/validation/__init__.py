"""What cleaning found, on one screen: rows, rules with their first example, nights observed and missing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import numpy as np
import polars as pl

from crampstudy import wording
from crampstudy.cleaning import Cleaned
from crampstudy.cleaning.raw import CELLS
from crampstudy.cohort import Cohort, TableCount
from crampstudy.nights import Denominator, coverage, observed_night
from crampstudy.wording import counted

GAPS: tuple[tuple[str, float, float], ...] = (
    *(("none", 0, 0), ("1", 1, 1), ("2-3", 2, 3), ("4-7", 4, 7)),
    *(("8-14", 8, 14), ("15-30", 15, 30), ("over 30", 31, np.inf)),
)
"""Classes of the longest gap: name, from, to, in nights."""


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
    """Person-nights of a diary; expected are those between each participant's first and last row.

    ``missing`` nights are ``without_row`` or ``without_count`` (a row without an entry or a count);
    ``longest_gaps`` counts participants by the longest of their gaps, in nights.
    """

    expected: int
    observed: int
    missing: int
    with_cramp: int
    without_cramp: int
    without_count: int
    without_row: int
    longest_gap_median: float
    longest_gap_90th_centile: float
    longest_gap: int
    longest_gaps: dict[str, int]

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said of these nights as person-time, if anything."""
        return Denominator.of(self.without_cramp, self.observed, self.missing).remarks


@dataclass(frozen=True, slots=True)
class Summary:
    """The result of validating a source; ``costly`` counts the ledger's rejected rows and blanked cells.

    A source that was read in parts has no ``digest``.
    """

    cohort: str
    kind: str
    digest: str | None
    tables: tuple[TableCount, ...]
    rules: tuple[RuleExample, ...]
    notices: tuple[str, ...]
    nights: NightCounts | None
    costly: int


def summarise(loaded: Cleaned) -> Summary:
    """Summarise a cleaned source."""
    cohort, ledger = loaded.cohort, loaded.ledger
    nights = _nights(cohort) if cohort.kind == "diary" else None
    return Summary(
        cohort=cohort.name,
        kind=cohort.kind,
        digest=cohort.digest,
        tables=cohort.attrition.tables,
        rules=by_number(examples(ledger)),
        notices=(*cohort.attrition.notices, *(nights.remarks if nights else ())),
        nights=nights,
        costly=ledger.filter(pl.col("severity") != "warn").height,
    )


def examples(ledger: pl.DataFrame) -> pl.DataFrame:
    """Return for each rule and severity the first line of the ledger, and ``n``, how many there are."""
    return ledger.group_by("rule", "severity", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"), pl.all().first()
    )


def by_number(found: pl.DataFrame) -> tuple[RuleExample, ...]:
    """Return the rules that spoke, the one that spoke most often first."""
    ordered = found.sort("n", "rule", "severity", descending=[True, False, False])
    return tuple(RuleExample(**row) for row in ordered.to_dicts())


def as_json(summary: Summary) -> str:
    """Return the summary as JSON."""
    return json.dumps(asdict(summary), indent=1, ensure_ascii=False)


def as_text(summary: Summary) -> str:
    """Return the summary as plain text for a terminal."""
    digest = f"digest {summary.digest[:12]}" if summary.digest else "read in parts, without a digest"
    lines = [f"{summary.cohort} ({summary.kind}), {digest}", ""]
    lines.append(f"{'table':<14}{'read':>10}{'accepted':>10}{'rejected':>10}")
    lines += [f"{t.table:<14}{t.read:>10,}{t.accepted:>10,}{t.rejected:>10,}" for t in summary.tables]
    lines.append("")
    if not summary.rules:
        lines.append("No rule was broken.")
    for r in summary.rules:
        cell = "is empty" if r.value is None else f"= {r.value!r}"
        where = f"{r.file} line {r.line}" + (f", {r.column} {cell}" if r.column else "")
        lines.append(f"{r.n:>8,} x {r.rule} ({r.severity}); first: {where}: {r.hint}")
    if summary.nights:
        n = summary.nights
        share = f"{wording.number(100 * n.observed / n.expected, 1)} %" if n.expected else "none"
        lines += [
            "",
            f"nights: {n.expected:,} expected, {n.observed:,} observed ({share}), {n.missing:,} missing",
            f"  observed: {n.with_cramp:,} with a cramp, {n.without_cramp:,} without (0); "
            f"missing (never 0): {counted(n.without_count, 'rows')} without entry or count, "
            f"{n.without_row:,} without a row",
            f"longest gap per participant: median {n.longest_gap_median:g}, 90th centile "
            f"{n.longest_gap_90th_centile:g}, longest {counted(n.longest_gap, 'nights')}",
            "  participants by longest gap: " + ", ".join(f"{gap}: {k:,}" for gap, k in n.longest_gaps.items()),
        ]
    lines += [f"note: {notice}" for notice in summary.notices]
    return "\n".join(lines)


def rejects(loaded: Cleaned) -> pl.DataFrame:
    """Return the ledger with, in its last column, the rejected rows as JSON: participants' data, to be kept safe."""
    files = {t.table: t.file for t in loaded.cohort.attrition.tables}
    return with_rows(loaded.ledger, {files[name]: rows for name, rows in loaded.rejected.items()})


def with_rows(ledger: pl.DataFrame, rejected: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Return a ledger with the rejected rows, by file, as JSON in its last column; ``__file`` tells theirs apart."""
    key = ["file", "line"]
    rows = [
        frame.select(
            (pl.col("__file") if "__file" in frame.columns else pl.lit(file)).alias("file"),
            pl.col("__line").alias("line"),
            _as_json(frame).alias("row"),
        )
        for file, frame in rejected.items()
        if frame.height
    ]
    if not rows:
        return ledger.with_columns(row=pl.lit(None, pl.String))
    return ledger.join(pl.concat(rows).unique(key, keep="first"), on=key, how="left", maintain_order="left")


def _as_json(rows: pl.DataFrame) -> pl.Expr:
    named = pl.struct(pl.exclude("__line", "__file", CELLS)).struct.json_encode()
    # A row that has not the cells of the header has no names for them.
    return pl.coalesce(CELLS, named) if CELLS in rows.columns else named


def _nights(cohort: Cohort) -> NightCounts:
    diary = cohort.frame("diary")
    free = diary.filter(observed_night(cohort) & (pl.col("cramps") == 0)).height
    return night_counts(coverage(cohort), diary.height, free)


def night_counts(seen: pl.DataFrame, rows: int, free: int) -> NightCounts:
    """Count the nights of a diary with ``rows`` accepted rows, ``free`` of them observed without a cramp.

    ``seen`` has nights_expected, nights_observed and longest_gap of each participant.
    """
    expected, observed = int(seen["nights_expected"].sum()), int(seen["nights_observed"].sum())
    gaps = seen["longest_gap"].drop_nulls().to_numpy()
    return NightCounts(
        expected=expected,
        observed=observed,
        missing=expected - observed,
        with_cramp=observed - free,
        without_cramp=free,
        without_count=rows - observed,
        without_row=expected - rows,
        longest_gap_median=float(np.median(gaps)) if len(gaps) else 0.0,
        longest_gap_90th_centile=float(np.quantile(gaps, 0.9)) if len(gaps) else 0.0,
        longest_gap=int(gaps.max()) if len(gaps) else 0,
        longest_gaps={name: int(((gaps >= low) & (gaps <= high)).sum()) for name, low, high in GAPS},
    )
