"""A list that has a column for each night: its headings tell the nights, and it becomes one with a row for each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from crampstudy.errors import OpenQuestion, UsageError
from crampstudy.sources.readers.bare_list.date_order import date_format_of
from crampstudy.sources.readers.bare_list.listing import Listing
from crampstudy.sources.readers.bare_list.mapping_text import Value
from crampstudy.sources.readers.bare_list.roles import OF_CRAMPS, dated
from crampstudy.sources.readers.mapped.wide_nights import WideNights, as_rows
from crampstudy.sources.text import night_columns
from crampstudy.sources.text.night_columns import NIGHT, NUMBER, NightPatterns

NIGHTS = "nights"
"""The key of a mapping that says how headings tell the nights."""
HEADINGS = "the headings"
"""What a list calls the dates that its headings tell."""


@dataclass(frozen=True, slots=True)
class StatedNights:
    """What somebody has said of headings that are nights: how their dates are written, and when the first was.

    ``start`` is a date, or the column that has it.
    """

    date_format: str | None = None
    start: str | None = None


def as_long(listing: Listing, stated: StatedNights) -> Listing:
    """Return a list with a row for each night; as it is where it has one already.

    Raises:
        SourceError: nothing says how dates in headings are written, or when the first night was.
        UsageError: a start is stated where no heading numbers a night.
    """
    headings = list(listing.names.values())
    found = night_columns.recognised(headings, OF_CRAMPS) if listing.header else None
    if found is None or not _is_wide(listing, found):
        if stated.start is not None:
            raise UsageError(
                f"--start {stated.start}: {listing.file} has no columns that are nights by their numbers, such as "
                "Day 1, Day 2; leave it out"
            )
        return listing
    nights = _nights(listing, found, stated)
    frame, lines, said = as_rows(listing.frame, listing.lines, nights, listing.file, Path(), keep=True)
    patterns = {pattern: quantity or _span(headings, pattern, nights) for quantity, pattern in found.patterns.items()}
    frame = frame.drop(nights.start_column) if nights.start_column else frame
    names = {name: patterns.get(name, HEADINGS if name == NIGHT else name) for name in frame.columns}
    notices = (*listing.notices, *(f"{listing.file}: {notice}" for notice in said))
    return replace(listing, frame=frame, lines=lines, names=names, notices=notices, nights=_keys(nights))


def _span(headings: Sequence[str], pattern: str, nights: WideNights) -> str:
    columns = list(night_columns.matching(headings, pattern, nights.formats).values())
    return f"{columns[0]} … {columns[-1]}"


def _is_wide(listing: Listing, found: NightPatterns) -> bool:
    """Return whether headings that may be nights are: dates always, numbers where each row is somebody else."""
    if NUMBER not in next(iter(found.patterns.values())):
        return True
    used = night_columns.named(listing.frame.columns, found.patterns.values())
    with_dates = dated(listing.frame)
    others = [name for name in listing.frame.columns if name not in used and name not in with_dates]
    # One row is one person, whoever it is.
    return listing.frame.height == 1 or any(
        listing.frame[name].drop_nulls().n_unique() == listing.frame.height for name in others
    )


def _nights(listing: Listing, found: NightPatterns, stated: StatedNights) -> WideNights:
    patterns = tuple(found.patterns.values())
    if NUMBER in patterns[0]:
        return _counted(listing, patterns, stated)
    formats = (stated.date_format,) if stated.date_format else found.formats
    if len(formats) > 1:
        raise OpenQuestion(
            f"{listing.file}: the dates in its headings may be day or month first; say it with --date-format "
            f"{' or --date-format '.join(formats)}",
            ("--date-format", formats[0]),
        )
    return WideNights(NIGHTS, patterns, formats)


def _counted(listing: Listing, patterns: tuple[str, ...], stated: StatedNights) -> WideNights:
    """Return nights that are numbered, from the first date that was stated or that a column has."""
    used = night_columns.named(listing.frame.columns, patterns)
    others = [name for name in listing.frame.columns if name not in used]
    column = stated.start if stated.start in others else None
    if column is None and stated.start is not None:
        try:
            return WideNights(NIGHTS, patterns, start=date.fromisoformat(stated.start))
        except ValueError:
            raise UsageError(
                f"--start {stated.start} is neither a date such as 2025-03-01 nor a column; {listing.file} has "
                f"{', '.join(others)}"
            ) from None
    found = dated(listing.frame.select(others))
    with_dates = [name for name in others if name in found]
    if column is None and len(with_dates) != 1:
        several = f"{' and '.join(with_dates)} have dates" if with_dates else "no column has its date"
        raise OpenQuestion(
            f"{listing.file}: its headings number the nights ({patterns[0]}), and nothing says when the first was: "
            f"{several}; say it with --start COLUMN, or with --start 2025-03-01 where all began on one day",
            ("--start", with_dates[0] if with_dates else "2025-03-01"),
        )
    column = column or with_dates[0]
    written, _ = date_format_of(listing, column, stated.date_format)
    return WideNights(NIGHTS, patterns, start_column=column, start_formats=(written,))


def _keys(nights: WideNights) -> dict[str, Value | dict[str, Value]]:
    """Return the entries of a mapping that say so."""
    if nights.formats:
        return {"dates": nights.formats[0]}
    if nights.start_column:
        return {"start": {"from": nights.start_column, "format": nights.start_formats[0]}}
    return {"start": str(nights.start)}
