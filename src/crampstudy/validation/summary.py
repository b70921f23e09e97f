"""A cleaned source counted: rows, rules with their first example, nights."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl

from crampstudy.cleaning import Cleaned
from crampstudy.cohort import Cohort, TableCount
from crampstudy.nights import Denominator, coverage, observed_night, told
from crampstudy.readable import OneLine

GAPS: tuple[tuple[str, float, float], ...] = (
    *(("none", 0, 0), ("1", 1, 1), ("2-3", 2, 3), ("4-7", 4, 7)),
    *(("8-14", 8, 14), ("15-30", 15, 30), ("over 30", 31, np.inf)),
)
"""Classes of the longest gap: name, from, to, in nights."""


@dataclass(frozen=True, slots=True, repr=False)
class RuleExample(OneLine):
    """One rule: how often it spoke and where it spoke first."""

    rule: str
    severity: str
    n: int
    file: str
    line: int
    column: str
    value: str | None = field(repr=False)
    hint: str


@dataclass(frozen=True, slots=True, repr=False)
class NightCounts(OneLine):
    """Person-nights of a diary; expected are those between each participant's first and last row.

    ``missing`` nights are ``without_row`` or ``without_count`` (a row without an entry or a count);
    ``longest_gaps`` counts participants by the longest of their gaps, in nights. Of the nights without a count
    ``told`` have a row that tells of something else; ``rows`` are the first and the last night with a row.
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
    told: int = 0
    rows: tuple[date, date] | None = None

    @property
    def denominator(self) -> Denominator:
        """Whether these nights are person-time."""
        return Denominator.of(self.without_cramp, self.observed, self.missing, self.told, self.rows)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said of these nights as person-time, if anything."""
        return self.denominator.remarks


@dataclass(frozen=True, slots=True, repr=False)
class Summary(OneLine):
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
        tables=loaded.counts,
        rules=by_number(examples(ledger)),
        notices=(*cohort.attrition.notices, *(nights.remarks if nights else ())),
        nights=nights,
        costly=ledger.filter(pl.col("severity") != "warn").height,
    )


def examples(ledger: pl.DataFrame) -> pl.DataFrame:
    """Return for each rule, severity and column the first line of the ledger, and ``n``, how many there are."""
    return ledger.group_by("rule", "severity", "column", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"), pl.all().first()
    )


def by_number(found: pl.DataFrame) -> tuple[RuleExample, ...]:
    """Return the rules that were broken, the one that was broken most often first."""
    ordered = found.sort("n", "rule", "severity", "column", descending=[True, False, False, False])
    return tuple(RuleExample(**row) for row in ordered.to_dicts())


def _nights(cohort: Cohort) -> NightCounts:
    diary = cohort.frame("diary")
    seen = observed_night(cohort)
    free = diary.filter(seen & (pl.col("cramps") == 0)).height
    return night_counts(coverage(cohort), diary.height, free, diary.filter(~seen & told(diary.columns)).height)


def night_counts(seen: pl.DataFrame, rows: int, free: int, without_count: int) -> NightCounts:
    """Count the nights of a diary with ``rows`` accepted rows, ``free`` of them observed without a cramp.

    Of the rows that were not observed ``without_count`` tell of something else.
    ``seen`` has nights_expected, nights_observed and longest_gap of each participant.
    """
    expected, observed = int(seen["nights_expected"].sum()), int(seen["nights_observed"].sum())
    gaps = seen["longest_gap"].drop_nulls().to_numpy()
    first, last = seen.select(pl.col("first_night").min(), pl.col("last_night").max()).row(0)
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
        told=without_count,
        rows=(first, last) if rows else None,
        longest_gaps={name: int(((gaps >= low) & (gaps <= high)).sum()) for name, low, high in GAPS},
    )
