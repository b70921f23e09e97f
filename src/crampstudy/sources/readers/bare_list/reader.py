"""A bare list understood: it becomes a mapping, through which the list is read and cleaned as any file is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl

from crampstudy.cleaning import Unlogged, clean
from crampstudy.cleaning.searches import outliers
from crampstudy.cleaning.searches.keys import form
from crampstudy.cohort import Attrition
from crampstudy.errors import UsageError
from crampstudy.sources.readers.bare_list import counts, listing, other_columns
from crampstudy.sources.readers.bare_list.counts import CrampCells, Empty
from crampstudy.sources.readers.bare_list.date_order import date_format_of
from crampstudy.sources.readers.bare_list.listing import ONE_PERSON, Listing, of_one_person
from crampstudy.sources.readers.bare_list.nights import Guess, NightList, unused_rows
from crampstudy.sources.readers.bare_list.other_columns import AskedColumns
from crampstudy.sources.readers.bare_list.plan import MAPPING, Understood, plan
from crampstudy.sources.readers.bare_list.roles import MOST, ONE, ROLES, ROWS, Role, assign_roles, share
from crampstudy.sources.readers.bare_list.wide import HEADINGS, StatedNights, as_long
from crampstudy.sources.readers.first_age import GROWS
from crampstudy.sources.readers.mapped import mapping
from crampstudy.sources.readers.mapped.reader import read_as
from crampstudy.sources.readers.mapped.wide_nights import EMPTY_NIGHTS
from crampstudy.sources.text import dates, missing_codes, timestamps
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.missing_codes import CODED, Codes
from crampstudy.sources.text.timestamps import StatedTimes
from crampstudy.wording import counted

_BEFORE_NOON = r"^(0?\d|1[01]):[0-5]\d(:[0-5]\d)?( ?[aA]\.?[mM]\.?)?$"
_MEANS: Mapping[Clock, str] = {
    "timestamp": "times before noon belong to the night that began the evening before",
    "morning": "each night moved one day back, to the evening on which it began",
    "evening": "times of day from noon on left out",
}


@dataclass(frozen=True, slots=True)
class StatedList:
    """What somebody has said of a list, where it leaves something open.

    Attributes:
        columns: Names of the columns, or their numbers from 1. Where each row is one cramp, :data:`ROWS` stands for the
            column of counts; where all rows are of one person, :data:`ONE` for that of who.
        sheet: The sheet of a workbook.
        start: The first night, or the column that has it, where headings number the nights.
        date_format: A format such as ``%d/%m/%Y``.
        times: Which night a time of day belongs to; and where the nights were, for times that state their distance
            from UTC.
        missing: Missing codes: a count that is one is missing.
        empty: What an empty count means.
        padded: Whether rows that end early have empty cells there; else they are left out.
        word: Says that nights without a row had no cramp.
    """

    columns: Mapping[Role, str] = field(default_factory=dict)
    sheet: str | None = None
    start: str | None = None
    date_format: str | None = None
    times: StatedTimes = field(default_factory=StatedTimes)
    missing: Codes = missing_codes.NONE
    empty: Empty | None = None
    padded: bool = False
    word: Unlogged | None = None


def read(
    path: Path, stated: StatedList = StatedList(), *, name: str | None = None, today: date | None = None
) -> NightList:
    """Read a file that has a column each for who, date and cramps, in any order, with a header or without.

    Args:
        path: The file.
        stated: What somebody has said of it.
        name: What the cohort is called, by default as the file.
        today: The day after which no night can lie.

    Raises:
        SourceError: the file cannot be read, or it leaves open which column is which, how its dates are written or
            what their times mean.
        UsageError: what was stated does not fit the file.
    """
    known = understand(path, stated)
    table, counts_, others = known.listing, known.counts, known.others
    text = plan(known, name or path.stem).text()
    loaded = clean(read_as(path, mapping.parse(path.with_name(MAPPING), text)), today=today)
    who, day, cramps = (table.names[known.columns[role]] if role in known.columns else ROWS for role in ROLES)
    how = (known.written, known.reason, counts_.decimal, known.dates.clock, counts_.yes)
    guess = Guess(who, day, cramps, table.header, *how)
    frame = loaded.cohort.frame("diary").select("participant_id", "date", "cramps").sort("participant_id", "date")
    notices = [*table.notices, *counts_.notices, *_of_reading(table, loaded.cohort.attrition)]
    notices += [
        *_far_counts(cramps, frame),
        *others.notices,
        *_clock_notice(day, known, stated.times),
        *_similar_names(frame),
    ]
    count = next(count for count in loaded.counts if count.table == "diary")
    unused = unused_rows(loaded, guess, known.dates.timed)
    return NightList(path.name, guess, frame, unused, tuple(notices), count, text, loaded)


def understand(path: Path, stated: StatedList) -> Understood:
    """Return what the columns of a list are and how they are written.

    Raises:
        SourceError: as :func:`read`.
        UsageError: as :func:`read`.
    """
    table = listing.load(path, stated.sheet, padded=stated.padded)
    columns = dict(stated.columns)
    if "date" not in columns:
        table = as_long(table, StatedNights(stated.date_format, stated.start))
    elif stated.start is not None:
        raise UsageError(
            f"--date {columns['date']} says that a column has the nights, and --start {stated.start} that headings "
            "number them; choose one"
        )
    if table.nights is not None:
        columns["date"] = HEADINGS
    # A column of that name is a column.
    said_of: dict[Role, str] = {"cramps": ROWS, "who": ONE}
    absent = {role for role, word in said_of.items() if columns.get(role) == word not in table.names.values()}
    found = assign_roles(table, {role: name for role, name in columns.items() if role not in absent}, absent)
    if "who" not in found:
        table = of_one_person(table, stated="who" in absent)
        found["who"] = ONE_PERSON
    missing_codes.check(stated.missing, table.file, (*table.names.values(), *ROLES))
    answers = _counts(table, found.get("cramps"), stated)
    day = found["date"]
    written, reason = _written(table, day, stated)
    dated = timestamps.read(table.frame[day], written, stated.times, f"{table.file}: {table.names[day]}")
    nights = timestamps.nights(table.frame[day], dated, stated.times.time_zone)
    asked = AskedColumns(found["who"], tuple(found.values()), stated.missing, counted="cramps" in absent)
    others = other_columns.understand(table, asked, nights)
    return Understood(table, found, dated, written, reason, stated.times.time_zone, answers, others, stated.word)


def _written(table: Listing, day: str, stated: StatedList) -> tuple[str, str]:
    """Return how the dates are written and why; those that headings tell are as the package writes them."""
    if table.nights is None:
        return date_format_of(table, day, stated.date_format)
    if stated.times.clock == "timestamp":
        raise UsageError(
            f"--clock timestamp: the headings of {table.file} have no time of day; allowed: evening, morning"
        )
    return dates.WRITTEN["date"], "the headings tell the nights"


def _counts(table: Listing, column: str | None, stated: StatedList) -> CrampCells:
    if column is None:
        return CrampCells(notices=("each row is one cramp: the rows of a night were counted",))
    name = table.names[column]
    declared = (*stated.missing.of(name), *(stated.missing.of("cramps") if name != "cramps" else ()))
    return counts.understand(table, column, tuple(dict.fromkeys(declared)), stated.empty)


def _of_reading(table: Listing, attrition: Attrition) -> list[str]:
    """Return what is to be said of the reading beside what the guess says."""
    said = []
    for notice in attrition.notices:
        if known := next((words for words in (EMPTY_NIGHTS, GROWS) if words in notice), None):
            said.append(f"{table.file}: {notice[notice.index(known) :]}")
        elif CODED in notice:
            said.append(f"{table.file}: {notice.removeprefix(f'{table.file}, diary: ')}")
        elif notice == attrition.unlogged:
            said.append(f"{notice}; participants without a row are not known of")
        elif notice not in table.notices and not notice.startswith((f"{table.file}, ", f"{table.file}: not mapped")):
            said.append(notice)
    return said


def _far_counts(name: str, nights: pl.DataFrame) -> list[str]:
    """Return a notice of counts that are far above all others."""
    far = outliers.far_rows(nights.select("participant_id", count="cramps"))["count"]
    if far.is_empty():
        return []
    verb = "is" if len(far) == 1 else "are"
    return [
        f"{name}: {counted(len(far), 'counts')} such as {far[0]} {verb} far above the participants' other nights and "
        f"everybody else's: kept, to be looked at; if {far[0]} is a code for no answer, say --missing {far[0]}"
    ]


def _clock_notice(name: str, known: Understood, stated: StatedTimes) -> list[str]:
    """Return a notice of what was made of times of day, and of those in a column of their own that may move nights."""
    dated, table = known.dates, known.listing
    if dated.timed or dated.clock == "morning":
        return [f"{name}: {_MEANS[dated.clock]}"]
    early = [column for column in table.frame.columns if share(table.frame[column], _BEFORE_NOON) > MOST]
    if stated.clock or table.nights is not None or not early:
        return []
    return [
        f"{name} is taken as the date of the evening; {table.names[early[0]]} has times before noon: where they are of "
        "entries on the morning after, say --clock morning"
    ]


def _similar_names(nights: pl.DataFrame) -> list[str]:
    """Return a notice for participants whose identifiers are nearly the same."""
    people = nights["participant_id"].unique(maintain_order=True)
    groups = pl.DataFrame({"who": people, "form": form(people)}).group_by("form", maintain_order=True).agg("who")
    return [
        f"{', '.join(who)}: are they one person? the identifiers differ only in case, spaces, hyphens, leading zeros "
        "or decimals; write them in one way"
        for who in groups["who"]
        if len(who) > 1
    ]
