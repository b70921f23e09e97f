"""Raw tables in; a cohort and a ledger out, with every cell accounted for.

Three severities. ``reject-row``: a row without a usable key, date or count is set aside. ``blank-cell``:
the value is quarantined and the night stays. ``warn``: said, and nothing changed. Rows accepted plus
rejected equal rows read. Nothing is ever corrected but what the user's own corrections name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import polars.selectors as cs

from crampstudy import codebook
from crampstudy.cleaning import cells, labs, marks, nightly, outliers, plausibility
from crampstudy.cleaning.corrections import Corrections
from crampstudy.cleaning.nightly import Context
from crampstudy.cleaning.raw import CELLS, LEDGER, ROW, Breach, Raw, RawTable, ledger, rejected, rule_counts
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
    breaches: dict[str, list[Breach]] = {name: [] for name in codebook.TABLES if name in by_name}
    if corrections:
        for name, (table, applied) in corrections.apply(by_name).items():
            by_name[name] = table
            breaches[name] += applied
    frames: dict[str, pl.DataFrame] = {}
    for name, said in breaches.items():
        frame, found = clean_table(by_name[name], Context(frames, raw.window, today, raw.unlogged))
        said += found
        if name in ("participants", raw.kind) and frame.is_empty():
            raise nothing_left(by_name[name].file, by_name[name].height, ledger(by_name[name], said))
        frames[name] = frame
    heights = {name: frame.height for name, frame in frames.items()}
    zeros = _fill(raw, frames, _half_known(by_name, breaches), today) if raw.unlogged else raw.assumed
    breaches["participants"] += plausibility.age_against_birth_year(frames)
    if "episodes" in breaches:
        breaches["episodes"] += plausibility.episodes_against_count(frames)
    lines = pl.concat(ledger(by_name[name], said) for name, said in breaches.items())
    counts = [_count(by_name[name], height, breaches[name]) for name, height in heights.items()]
    told = (f"{corrections.file}: {counted(len(corrections.items), 'cells')} corrected",) if corrections else ()
    notices = (*raw.notices, *told, *filter(None, [zeros]), *marks.notices(marks.counted(lines)))
    attrition = Attrition(tuple(counts), rule_counts(lines), notices, zeros)
    accepted = {name: frame.drop(ROW) for name, frame in frames.items()}
    try:
        cohort = Cohort(raw.name, raw.kind, accepted, raw.design, attrition, raw.as_of, raw.synthetic, raw.title)
    except SchemaError as error:
        files = dict.fromkeys(by_name[name].file for name in ("participants", "diary") if name in by_name)
        raise SchemaError(f"{' and '.join(files)}: {error}") from None
    return Cleaned(cohort, lines, {name: set_aside(by_name[name], said) for name, said in breaches.items()})


def clean_table(table: RawTable, context: Context) -> tuple[pl.DataFrame, list[Breach]]:
    """Return the accepted rows of one table, with their ``ROW``, and all that is to be said of it.

    Raises:
        SourceError: a required column is missing, or a column has a name that is not free.
    """
    columns = table.frame.columns
    if reserved := [name for name in columns if name.startswith("__")]:
        raise SourceError(f"{table.file}: the column {reserved[0]!r} begins with two underscores; rename it")
    known = {v.name: v for v in (*codebook.variables(table.name), *table.own)}
    if missing := [v.name for v in codebook.variables(table.name) if v.required and v.name not in columns]:
        raise SourceError(
            f"{table.file}: the required column {missing[0]} is missing; "
            f"the file has {', '.join(columns[:12])}; rename or add the column, empty if it was not recorded"
        )
    present = [v for name, v in known.items() if name in columns]
    table, marked = marks.taken_out(table, present)
    frame, breaches = cells.checked(table, present)
    breaches = [*marked, *breaches]
    # A wide table is filtered once, when all rows to be rejected are known.
    asked = frame.select(ROW, cs.by_name(nightly.COLUMNS, require_all=False))
    found = nightly.contradictions(_without(asked, breaches))
    keys = _without(frame.select(ROW, *codebook.TABLES[table.name].key), breaches)
    breaches += found
    frame = _blanked(frame, found)
    set_apart: list[Breach] = []
    for step in nightly.ROW_RULES:
        found = step(keys, table.name, context)
        set_apart += found
        keys = _without(keys, found)
    set_apart += nightly.duplicates(frame, keys, table.name)
    breaches += set_apart
    frame = _without(frame, breaches)
    # What follows is said of accepted rows alone.
    found = plausibility.unusual(frame, table.name, present)
    if table.name == "diary":
        found += outliers.far_counts(frame, present)
    if table.name == "labs":
        found += labs.breaches(frame)
    if table.name == "participants":
        found += plausibility.similar_identifiers(frame)
    return _blanked(frame, found), [*breaches, *found]


def _half_known(tables: Mapping[str, RawTable], breaches: Mapping[str, Sequence[Breach]]) -> pl.DataFrame:
    """Return the nights of which a row was set aside, and those with an episode: something happened there."""
    night = ["participant_id", "date"]
    found = [pl.DataFrame(schema=dict.fromkeys(night, pl.String))]
    if "diary" in tables:
        found.append(tables["diary"].texts(rejected(breaches["diary"]), night))
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


def _without(frame: pl.DataFrame, breaches: Sequence[Breach]) -> pl.DataFrame:
    rows = rejected(breaches)
    return frame.filter(~pl.col(ROW).is_in(rows.implode())) if len(rows) else frame


def _blanked(frame: pl.DataFrame, breaches: Sequence[Breach]) -> pl.DataFrame:
    costly = [b for b in breaches if b.severity == "blank-cell" and b.column]
    return frame.with_columns(
        pl.when(~pl.col(ROW).is_in(pl.concat([b.rows for b in costly if b.column == name]).implode())).then(name)
        for name in dict.fromkeys(b.column for b in costly if b.column)
    )


def _count(table: RawTable, accepted: int, breaches: Sequence[Breach]) -> TableCount:
    blanked = sum(len(b.rows) for b in breaches if b.severity == "blank-cell")
    return TableCount(table.name, table.file, table.height, accepted, table.height - accepted, blanked)


def set_aside(table: RawTable, breaches: Sequence[Breach]) -> pl.DataFrame:
    """Return the rejected rows of a table as they stand in the file, with their ``__line``."""
    rows = rejected(breaches)
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
