"""The raw tables of a study cleaned one after the other, and the cohort of what is accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import polars as pl

from crampstudy import codebook
from crampstudy.cleaning import apply_rules, marks
from crampstudy.cleaning.corrections import Corrections
from crampstudy.cleaning.parts import CleanedTable, Parts, clean_parts
from crampstudy.cleaning.raw import ROW, Raw, RawTable, Violation, by_analyte, ledger, rejected, rule_counts
from crampstudy.cleaning.rule import Context
from crampstudy.cleaning.tables import clean_table, count, nothing_left, set_aside
from crampstudy.cleaning.unlogged import filled, windows
from crampstudy.cohort import Attrition, Cohort, RuleCount, TableCount
from crampstudy.errors import SchemaError, SourceError, UsageError
from crampstudy.readable import Readable
from crampstudy.wording import counted


@dataclass(frozen=True, slots=True, repr=False)
class Cleaned(Readable):
    """The accepted cohort and the ledger of everything that was not accepted as it came.

    ``rejected`` has the rejected rows of each table as they stand in the file, all text, with their ``__line``; rows
    that have not the cells of the header have them in ``__cells``, a JSON array. ``counts`` are the rows of each table
    in this reading alone; the cohort's own go back to the files that a package was written of.
    """

    cohort: Cohort
    ledger: pl.DataFrame
    rejected: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    counts: tuple[TableCount, ...] = ()


def clean(
    raw: Raw, *, today: date | None = None, corrections: Corrections | None = None, diary: Parts | None = None
) -> Cleaned:
    """Apply the codebook's rules to every table, participants first.

    ``today`` is the day of the reading, after which no night can lie; without it no date is too late. ``diary`` yields
    a diary that ``raw`` has not, since it is too large to hold as read and as accepted at once; then ``raw.unlogged``
    is not allowed, for which rows are needed as they were read.

    Raises:
        SourceError: a required table or column is missing, a correction does not fit, or no row is left.
        SchemaError: what is left cannot be a cohort.
    """
    by_name = {table.name: table for table in raw.tables}
    if "participants" not in by_name:
        raise SourceError(f"{raw.name}: there is no table participants; a cohort needs one row per participant")
    tables = [name for name in codebook.TABLES if name in by_name or (name == "diary" and diary is not None)]
    violations: dict[str, list[Violation]] = {name: [] for name in tables}
    if corrections:
        for name, (table, applied) in corrections.apply(by_name).items():
            by_name[name] = table
            violations[name] += applied
    frames: dict[str, pl.DataFrame] = {}
    in_parts: dict[str, CleanedTable] = {}
    for name, said in violations.items():
        context = Context(frames, raw.window, today, raw.unlogged)
        if name not in by_name and diary is not None:
            in_parts[name] = clean_parts(diary(frames["participants"]["participant_id"]), context)
            frames[name] = in_parts[name].frame
        else:
            frames[name], found = clean_table(by_name[name], context)
            said += found
        if name in ("participants", raw.kind) and frames[name].is_empty():
            done = in_parts.get(name) or _cleaned(by_name[name], frames[name], said)
            raise nothing_left(done.count.file, done.count.read, done.ledger)
    accepted = dict(frames)
    logged = frames["diary"].height if raw.unlogged and "diary" in frames else 0
    zeros = _fill(raw, frames, _half_known(by_name, violations), today) if raw.unlogged else raw.assumed
    for name, found in apply_rules.across_tables(frames):
        violations[name] += found
    each = [in_parts.get(name) or _cleaned(by_name[name], accepted[name], said) for name, said in violations.items()]
    lines = pl.concat(done.ledger for done in each)
    added = frames["diary"].height - logged if raw.unlogged else 0
    counts = tuple(replace(done.count, added=added) if done.count.table == "diary" else done.count for done in each)
    broken = [count for done in each for count in _broken(done, by_name, violations)]
    whole, rules = raw.before.and_then(counts, broken)
    corrected = (f"{corrections.file}: {counted(len(corrections.items), 'cells')} corrected",) if corrections else ()
    notices = (*raw.notices, *raw.remarks, *corrected, *filter(None, [zeros]), *marks.notices(marks.count(lines)))
    attrition = Attrition(whole, rules, (*notices, *raw.before.changed(counts)), zeros, raw.remarks)
    cohort = _cohort(raw, {name: frame.drop(ROW, strict=False) for name, frame in frames.items()}, attrition)
    return Cleaned(cohort, lines, {done.count.table: done.rejected for done in each}, counts)


def _broken(
    done: CleanedTable, tables: Mapping[str, RawTable], violations: Mapping[str, Sequence[Violation]]
) -> tuple[RuleCount, ...]:
    """Return how often each rule was broken in a table, by variable; of ``labs`` each analyte is one."""
    name = done.count.table
    lines = ledger(tables[name], by_analyte(tables[name], violations[name])) if name == "labs" else done.ledger
    return rule_counts(lines, name)


def _cleaned(table: RawTable, accepted: pl.DataFrame, violations: Sequence[Violation]) -> CleanedTable:
    counted = count(table, accepted.height, violations)
    return CleanedTable(accepted, ledger(table, violations), set_aside(table, violations), counted)


def _cohort(raw: Raw, accepted: Mapping[str, pl.DataFrame], attrition: Attrition) -> Cohort:
    try:
        return Cohort(
            raw.name, raw.kind, accepted, raw.design, attrition, raw.as_of, raw.synthetic, raw.title, raw.credits
        )
    except SchemaError as error:
        files = dict.fromkeys(t.file for t in attrition.tables if t.table in ("participants", "diary"))
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
    lost = sum(count.rejected for count in raw.before.tables if count.table == "diary")
    if not lost:
        return said
    file = next(count.file for count in raw.before.tables if count.table == "diary")
    return (
        f"{said}; among them may be nights of the {counted(lost, 'rows')} of {file} that were rejected before these "
        "files were written, which are not known any more"
    )
