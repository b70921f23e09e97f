"""The raw tables of a study cleaned one after the other, and the cohort of what is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import apply_rules, marks
from crampstudy.cleaning.corrections import Corrections
from crampstudy.cleaning.raw import ROW, Raw, RawTable, Violation, ledger, rejected, rule_counts
from crampstudy.cleaning.rule import Context
from crampstudy.cleaning.tables import clean_table, nothing_left, set_aside
from crampstudy.cleaning.unlogged import filled, windows
from crampstudy.cohort import Attrition, Cohort, TableCount
from crampstudy.errors import SchemaError, SourceError, UsageError
from crampstudy.readable import Readable
from crampstudy.wording import counted


@dataclass(frozen=True, slots=True, repr=False)
class Cleaned(Readable):
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
    for name, found in apply_rules.across_tables(frames):
        violations[name] += found
    lines = pl.concat(ledger(by_name[name], said) for name, said in violations.items())
    counts = [_count(by_name[name], height, violations[name]) for name, height in heights.items()]
    corrected = (f"{corrections.file}: {counted(len(corrections.items), 'cells')} corrected",) if corrections else ()
    notices = (*raw.notices, *raw.remarks, *corrected, *filter(None, [zeros]), *marks.notices(marks.count(lines)))
    attrition = Attrition(tuple(counts), rule_counts(lines), notices, zeros, raw.remarks)
    accepted = {name: frame.drop(ROW) for name, frame in frames.items()}
    cohort = _cohort(raw, accepted, attrition, by_name)
    return Cleaned(cohort, lines, {name: set_aside(by_name[name], said) for name, said in violations.items()})


def _cohort(
    raw: Raw, accepted: Mapping[str, pl.DataFrame], attrition: Attrition, tables: Mapping[str, RawTable]
) -> Cohort:
    try:
        return Cohort(
            raw.name, raw.kind, accepted, raw.design, attrition, raw.as_of, raw.synthetic, raw.title, raw.credits
        )
    except SchemaError as error:
        files = dict.fromkeys(tables[name].file for name in ("participants", "diary") if name in tables)
        raise SchemaError(f"{' and '.join(files)}: {error}") from None


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


def _count(table: RawTable, accepted: int, violations: Sequence[Violation]) -> TableCount:
    blanked = sum(len(b.rows) for b in violations if b.severity == "blank-cell")
    return TableCount(table.name, table.file, table.height, accepted, table.height - accepted, blanked)
