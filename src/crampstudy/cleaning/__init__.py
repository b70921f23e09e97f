"""Raw tables in; a cohort and a ledger out, with every cell accounted for.

Three severities. ``reject-row``: a row without a usable key, date or count is set aside. ``blank-cell``:
the value is quarantined and the night stays. ``warn``: said, and nothing changed. Rows accepted plus
rejected equal rows read. Nothing is ever corrected but what the user's own corrections name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import cells, marks, rules
from crampstudy.cleaning.corrections import Corrections
from crampstudy.cleaning.raw import CELLS, LEDGER, ROW, Raw, RawTable, Violation, ledger, rejected, rule_counts
from crampstudy.cleaning.rule import Context, View
from crampstudy.cleaning.unlogged import Unlogged, filled, windows
from crampstudy.cohort import Attrition, Cohort, TableCount
from crampstudy.errors import SchemaError, SourceError, UsageError
from crampstudy.wording import counted

__all__ = [
    "LEDGER",
    "Cleaned",
    "Context",
    "Corrections",
    "Raw",
    "RawTable",
    "Unlogged",
    "clean",
    "clean_table",
    "nothing_left",
    "set_aside",
]


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The accepted cohort and the ledger of everything that was not accepted as it came.

    ``rejected`` has the rejected rows of each table as they stand in the file, all text, with their ``__line``; rows
    that have not the cells of the header have them in ``__cells``, a JSON array.
    """

    cohort: Cohort
    ledger: pl.DataFrame
    rejected: Mapping[str, pl.DataFrame] = field(default_factory=dict)


def clean(raw: Raw, *, today: date | None = None, corrections: Corrections | None = None) -> Cleaned:
    """Apply the codebook's rules to every table, participants first.

    ``today`` is the day of the reading, after which no night can lie; without it no date is too late.

    Raises:
        SourceError: a required table or column is missing, a correction does not fit, or no row is left.
        SchemaError: what is left cannot be a cohort.
    """
    by_name = {table.name: table for table in raw.tables}
    if "participants" not in by_name:
        raise SourceError(f"{raw.name}: there is no table participants; a cohort needs one row per participant")
    violations: dict[str, list[Violation]] = {name: [] for name in codebook.TABLES if name in by_name}
    if corrections:
        for name, (table, applied) in corrections.apply(by_name).items():
            by_name[name] = table
            violations[name] += applied
    frames: dict[str, pl.DataFrame] = {}
    for name, said in violations.items():
        frame, found = clean_table(by_name[name], Context(frames, raw.window, today, raw.unlogged))
        said += found
        if name in ("participants", raw.kind) and frame.is_empty():
            raise nothing_left(by_name[name].file, by_name[name].height, ledger(by_name[name], said))
        frames[name] = frame
    heights = {name: frame.height for name, frame in frames.items()}
    zeros = _fill(raw, frames, _half_known(by_name, violations), today) if raw.unlogged else raw.assumed
    for name, found in rules.across_tables(frames):
        violations[name] += found
    lines = pl.concat(ledger(by_name[name], said) for name, said in violations.items())
    counts = [_count(by_name[name], height, violations[name]) for name, height in heights.items()]
    told = (f"{corrections.file}: {counted(len(corrections.items), 'cells')} corrected",) if corrections else ()
    notices = (*raw.notices, *told, *filter(None, [zeros]), *marks.notices(marks.counted(lines)))
    attrition = Attrition(tuple(counts), rule_counts(lines), notices, zeros)
    accepted = {name: frame.drop(ROW) for name, frame in frames.items()}
    cohort = _cohort(raw, accepted, attrition, by_name)
    return Cleaned(cohort, lines, {name: set_aside(by_name[name], said) for name, said in violations.items()})


def _cohort(
    raw: Raw, accepted: Mapping[str, pl.DataFrame], attrition: Attrition, tables: Mapping[str, RawTable]
) -> Cohort:
    try:
        return Cohort(raw.name, raw.kind, accepted, raw.design, attrition, raw.as_of, raw.synthetic, raw.title)
    except SchemaError as error:
        files = dict.fromkeys(tables[name].file for name in ("participants", "diary") if name in tables)
        raise SchemaError(f"{' and '.join(files)}: {error}") from None


def clean_table(table: RawTable, context: Context) -> tuple[pl.DataFrame, list[Violation]]:
    """Return the accepted rows of one table, with their ``ROW``, and all that is to be said of it.

    Raises:
        SourceError: a required column is missing, or a column has a name that is not free.
    """
    columns = table.frame.columns
    if reserved := [name for name in columns if name.startswith("__")]:
        raise SourceError(f"{table.file}: the column {reserved[0]!r} begins with two underscores; rename it")
    known = {v.name: v for v in (*codebook.variables(table.name), *table.extra_columns)}
    if missing := [v.name for v in codebook.variables(table.name) if v.required and v.name not in columns]:
        raise SourceError(
            f"{table.file}: the required column {missing[0]} is missing; "
            f"the file has {', '.join(columns[:12])}; rename or add the column, empty if it was not recorded"
        )
    present = [v for name, v in known.items() if name in columns]
    table, marked = marks.taken_out(table, present)
    frame, violations = cells.checked(table, present)
    violations = [*marked, *violations]
    # A wide table is filtered once, when all rows to be rejected are known.
    asked = frame.select(ROW, *rules.row_columns(table.name, columns))
    found = rules.contradictions(table.name, _without(asked, violations))
    keys = _without(frame.select(ROW, *codebook.TABLES[table.name].key), violations)
    violations += found
    frame = _blanked(frame, found)
    set_apart: list[Violation] = []
    view = View(table.name, frame, keys, present, context)
    for stage in ("keys", "duplicates"):
        for search in rules.searches(stage, view):
            found = search(view)
            set_apart += found
            view = replace(view, keys=_without(view.keys, found))
    violations += set_apart
    frame = _without(frame, violations)
    # What follows is said of accepted rows alone.
    view = replace(view, rows=frame)
    found = [violation for search in rules.searches("accepted", view) for violation in search(view)]
    return _blanked(frame, found), [*violations, *found]


def _half_known(tables: Mapping[str, RawTable], violations: Mapping[str, Sequence[Violation]]) -> pl.DataFrame:
    """Return the nights of which a row was set aside, and those with an episode: something happened there."""
    night = ["participant_id", "date"]
    found = [pl.DataFrame(schema=dict.fromkeys(night, pl.String))]
    if "diary" in tables:
        found.append(tables["diary"].texts(rejected(violations["diary"]), night))
    if "episodes" in tables:
        found.append(tables["episodes"].frame.select(pl.col(night).cast(pl.String)))
    day = pl.col("date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return pl.concat(found).with_columns(day).drop_nulls().unique()


def _fill(raw: Raw, frames: dict[str, pl.DataFrame], unknown: pl.DataFrame, today: date | None) -> str:
    """Fill the nights without a row with zeros, as the study says, and return what was done."""
    if raw.kind != "diary":
        raise UsageError(f"{raw.name} is a survey, which has no nights to be without a row; leave unlogged out")
    known = windows(frames["participants"], raw.unlogged, raw.window)
    frames["diary"], said = filled(frames["diary"], known, unknown, today)
    return said


def _without(frame: pl.DataFrame, violations: Sequence[Violation]) -> pl.DataFrame:
    rows = rejected(violations)
    return frame.filter(~pl.col(ROW).is_in(rows.implode())) if len(rows) else frame


def _blanked(frame: pl.DataFrame, violations: Sequence[Violation]) -> pl.DataFrame:
    costly = [b for b in violations if b.severity == "blank-cell" and b.column]
    return frame.with_columns(
        pl.when(~pl.col(ROW).is_in(pl.concat([b.rows for b in costly if b.column == name]).implode())).then(name)
        for name in dict.fromkeys(b.column for b in costly if b.column)
    )


def _count(table: RawTable, accepted: int, violations: Sequence[Violation]) -> TableCount:
    blanked = sum(len(b.rows) for b in violations if b.severity == "blank-cell")
    return TableCount(table.name, table.file, table.height, accepted, table.height - accepted, blanked)


def set_aside(table: RawTable, violations: Sequence[Violation]) -> pl.DataFrame:
    """Return the rejected rows of a table as they stand in the file, with their ``__line``."""
    rows = rejected(violations)
    aside = table.rows(rows).insert_column(0, table.lines.gather(rows).alias("__line"))
    if table.unread.is_empty():
        return aside
    unread = table.unread.select(pl.col("line").alias("__line"), pl.col("cells").alias(CELLS))
    return pl.concat([aside, unread], how="diagonal").sort("__line", maintain_order=True)


def nothing_left(file: str, rows: int, lines: pl.DataFrame) -> SourceError:
    """Return the error for a table of which no row was accepted; ``lines`` is its ledger."""
    if not rows:
        return SourceError(f"{file}: the file has a header and no rows")
    every = "the only row was" if rows == 1 else f"all {rows} rows were"
    first = lines.filter(pl.col("severity") == "reject-row").row(0, named=True)
    return SourceError(
        f"{file}: {every} rejected; the first, line {first['line']}, "
        f"column {first['column'] or 'all'}, value {first['value']!r}: {first['hint']}"
    )
