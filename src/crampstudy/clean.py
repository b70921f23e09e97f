"""Raw tables in; a cohort and a ledger out, with every cell accounted for.

Three severities. ``reject-row``: a row without a usable key, date or count is set aside. ``blank-cell``:
the value is quarantined and the night stays. ``warn``: said, and nothing changed. Rows accepted plus
rejected equal rows read; nothing is ever corrected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from crampstudy import codebook
from crampstudy.codebook import Severity, Variable, rules
from crampstudy.cohort import Attrition, Cohort, Kind, RuleCount, SurveyDesign, TableCount
from crampstudy.errors import SourceError

LEDGER = pl.Schema(
    {
        "file": pl.String(),
        "line": pl.Int64(),
        "column": pl.String(),
        "value": pl.String(),
        "rule": pl.String(),
        "severity": pl.String(),
        "hint": pl.String(),
    }
)
"""Columns of the ledger; ``line`` counts as an editor does, the header being line 1."""

_ROW = "__row"


@dataclass(frozen=True, slots=True)
class RawTable:
    """One table as read: ``frame`` all text (from a text file) or typed, ``lines`` the line of each row in ``file``.

    ``own`` describes the columns that the codebook does not know.
    """

    name: str
    file: str
    frame: pl.DataFrame
    lines: pl.Series
    own: tuple[Variable, ...] = ()


@dataclass(frozen=True, slots=True)
class Raw:
    """A source as read, before any rule; ``window`` is the study's first and last night."""

    name: str
    kind: Kind
    tables: tuple[RawTable, ...]
    design: SurveyDesign | None = None
    as_of: date | None = None
    window: tuple[date, date] | None = None
    synthetic: bool = False
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The accepted cohort and the ledger of everything that was not accepted as it came."""

    cohort: Cohort
    ledger: pl.DataFrame


@dataclass(frozen=True, slots=True)
class _Breach:
    """Rows that break one rule; ``column`` is the cell to show, ``None`` the whole row."""

    rows: pl.Series
    column: str | None
    rule: str
    severity: Severity
    hint: str


def clean(raw: Raw) -> Cleaned:
    """Apply the codebook's rules to every table, participants first.

    Raises:
        SourceError: a required table or column is missing, or no row is left.
        SchemaError: what is left cannot be a cohort.
    """
    by_name = {table.name: table for table in raw.tables}
    if "participants" not in by_name:
        raise SourceError(f"{raw.name}: there is no table participants; a cohort needs one row per participant")
    accepted: dict[str, pl.DataFrame] = {}
    ledgers: list[pl.DataFrame] = []
    counts: list[TableCount] = []
    for name in codebook.TABLES:
        if name not in by_name:
            continue
        table = by_name[name]
        frame, ledger = _clean_table(table, accepted, raw.window)
        if name in ("participants", raw.kind) and frame.is_empty():
            raise SourceError(_nothing_left(table, ledger))
        accepted[name] = frame
        ledgers.append(ledger)
        counts.append(TableCount(name, table.file, table.frame.height, frame.height, table.frame.height - frame.height))
    ledger = pl.concat(ledgers)
    attrition = Attrition(tuple(counts), _rule_counts(ledger), raw.notices)
    cohort = Cohort(raw.name, raw.kind, accepted, raw.design, attrition, raw.as_of, raw.synthetic)
    return Cleaned(cohort, ledger)


def _clean_table(
    table: RawTable, accepted: Mapping[str, pl.DataFrame], window: tuple[date, date] | None
) -> tuple[pl.DataFrame, pl.DataFrame]:
    if reserved := [name for name in table.frame.columns if name.startswith("__")]:
        raise SourceError(f"{table.file}: the column {reserved[0]!r} begins with two underscores; rename it")
    present = [v for v in (*codebook.variables(table.name), *table.own) if v.name in table.frame.columns]
    missing = [v.name for v in codebook.variables(table.name) if v.required and v.name not in table.frame.columns]
    if missing:
        raise SourceError(
            f"{table.file}: the required column {missing[0]} is missing; "
            f"the file has {', '.join(table.frame.columns[:12])}; rename or add the column"
        )
    source = table.frame.with_row_index(_ROW)
    frame = source.with_columns(rules.typed(v, source.schema[v.name]) for v in present)
    breaches = list(_cell_breaches(source, frame, present))
    blanked = {v.name: [b.rows for b in breaches if b.column == v.name] for v in present}
    frame = frame.with_columns(
        pl.when(pl.col(_ROW).is_in(pl.concat(rows).implode())).then(None).otherwise(pl.col(name)).alias(name)
        for name, rows in blanked.items()
        if rows
    )
    more = _entry_breaches(frame) if table.name == "diary" else []
    for breach in more:
        frame = frame.with_columns(
            pl.when(pl.col(_ROW).is_in(breach.rows.implode())).then(None).otherwise(pl.col("cramps")).alias("cramps")
        )
    breaches += more
    frame = _without(frame, breaches)
    # Each rule about whole rows sees only what the rules before it have left.
    for step in (_foreign, _outside_window, _duplicates, _episodes_against_count):
        found = step(frame, table.name, accepted, window)
        breaches += found
        frame = _without(frame, found)
    return frame.drop(_ROW), _ledger(table, breaches)


def _cell_breaches(source: pl.DataFrame, frame: pl.DataFrame, present: Sequence[Variable]) -> Iterator[_Breach]:
    keys = set(codebook.TABLES[present[0].table].key)
    checks: list[tuple[Variable, str, pl.Series]] = []
    for v in present:
        if v.name in keys:
            checks.append((v, "key-missing", source[v.name].is_null()))
        # A cell that was there before it was typed and is not any more.
        checks.append((v, "type", source[v.name].is_not_null() & frame[v.name].is_null()))
        found = frame.select(breach.fill_null(value=False).alias(rule) for rule, breach in rules.value_rules(v).items())
        checks.extend((v, rule, found[rule]) for rule in found.columns)
    for v, rule, mask in checks:
        if mask.any():
            severity: Severity = "reject-row" if v.severity == "reject-row" else "blank-cell"
            yield _Breach(frame[_ROW].filter(mask), v.name, rule, severity, f"allowed is {v.allowed}")


def _entry_breaches(frame: pl.DataFrame) -> list[_Breach]:
    if "entry_made" not in frame.columns:
        return []
    rows = frame.filter(~pl.col("entry_made") & pl.col("cramps").is_not_null())[_ROW]
    hint = "a count stands where no entry was made: set entry_made to true, or leave cramps empty"
    return [_Breach(rows, "cramps", "count-without-entry", "blank-cell", hint)] if len(rows) else []


def _foreign(
    frame: pl.DataFrame, name: str, accepted: Mapping[str, pl.DataFrame], window: tuple[date, date] | None
) -> list[_Breach]:
    if name == "participants":
        return []
    people = accepted["participants"]["participant_id"]
    rows = frame.filter(~pl.col("participant_id").is_in(people.implode()))[_ROW]
    hint = "no accepted row of participants has this identifier: add the participant or correct the identifier"
    return [_Breach(rows, "participant_id", "unknown-participant", "reject-row", hint)] if len(rows) else []


def _outside_window(
    frame: pl.DataFrame, name: str, accepted: Mapping[str, pl.DataFrame], window: tuple[date, date] | None
) -> list[_Breach]:
    if window is None or name not in ("diary", "episodes"):
        return []
    rows = frame.filter(~pl.col("date").is_between(*window))[_ROW]
    hint = f"the study runs from {window[0]} to {window[1]}"
    return [_Breach(rows, "date", "window", "reject-row", hint)] if len(rows) else []


def _duplicates(
    frame: pl.DataFrame, name: str, accepted: Mapping[str, pl.DataFrame], window: tuple[date, date] | None
) -> list[_Breach]:
    key = list(codebook.TABLES[name].key)
    repeated = frame.filter(pl.struct(key).is_duplicated())
    if repeated.is_empty():
        return []
    content = [c for c in frame.columns if c != _ROW]
    versions = repeated.unique(content, keep="first").group_by(key).agg(pl.len().alias("__versions"))
    marked = repeated.join(versions, on=key).sort(_ROW)
    same = marked.filter(pl.col("__versions") == 1)
    exact = same.filter(~pl.struct(key).is_first_distinct())[_ROW]
    conflicting = marked.filter(pl.col("__versions") > 1)[_ROW]
    what = " and ".join(key)
    found = [
        _Breach(exact, None, "duplicate-exact", "reject-row", f"the same row stands above; one per {what} is kept"),
        _Breach(
            conflicting,
            None,
            "duplicate-conflict",
            "reject-row",
            f"rows with the same {what} contradict each other: all are set aside; keep the right one",
        ),
    ]
    return [breach for breach in found if len(breach.rows)]


def _episodes_against_count(
    frame: pl.DataFrame, name: str, accepted: Mapping[str, pl.DataFrame], window: tuple[date, date] | None
) -> list[_Breach]:
    """Nights whose episodes are fewer or more than the diary counts; a night without episodes says nothing."""
    if name != "episodes" or "diary" not in accepted:
        return []
    night = ["participant_id", "date"]
    counted = frame.group_by(night).agg(pl.len(), pl.col(_ROW).min())
    nights = counted.join(accepted["diary"].select(*night, "cramps"), on=night, how="left")
    rows = nights.filter(~pl.col("len").eq_missing(pl.col("cramps")))[_ROW].sort()
    hint = "the diary counts another number of cramps in this night, or none: both are kept, correct one of them"
    return [_Breach(rows, "episode", "episodes-against-count", "warn", hint)] if len(rows) else []


def _without(frame: pl.DataFrame, breaches: Sequence[_Breach]) -> pl.DataFrame:
    rejected = [b.rows for b in breaches if b.severity == "reject-row"]
    return frame.filter(~pl.col(_ROW).is_in(pl.concat(rejected).implode())) if rejected else frame


def _ledger(table: RawTable, breaches: Sequence[_Breach]) -> pl.DataFrame:
    parts = [
        pl.DataFrame(
            {
                "file": table.file,
                "line": table.lines.gather(b.rows),
                "column": b.column or "",
                "value": table.frame[b.column].gather(b.rows).cast(pl.String) if b.column else "",
                "rule": b.rule,
                "severity": b.severity,
                "hint": b.hint,
            },
            schema_overrides=LEDGER,
        )
        for b in breaches
    ]
    return pl.concat([LEDGER.to_frame(), *parts]).sort("line", maintain_order=True)


def _rule_counts(ledger: pl.DataFrame) -> tuple[RuleCount, ...]:
    counts = Counter(ledger.select("rule", "severity").iter_rows())
    return tuple(RuleCount(rule, severity, n) for (rule, severity), n in sorted(counts.items()))


def _nothing_left(table: RawTable, ledger: pl.DataFrame) -> str:
    if table.frame.is_empty():
        return f"{table.file}: the file has a header and no rows"
    first = ledger.row(0, named=True)
    return (
        f"{table.file}: all {table.frame.height} rows were rejected; the first, line {first['line']}, "
        f"column {first['column'] or 'all'}, value {first['value']!r}: {first['hint']}"
    )
