"""How the dates of a bare list are written: day or month first is read from the dates, never guessed."""

from __future__ import annotations

import polars as pl

from crampstudy.errors import OpenQuestion, SourceError, UsageError
from crampstudy.sources.readers.bare_list.listing import Listing
from crampstudy.sources.readers.bare_list.roles import EPOCH_TIME, MOST, SERIAL, YEAR_FIRST, YEAR_LAST, share
from crampstudy.sources.text import dates, month_names

SERIALS = "days since 1899-12-30"
"""In the place of a format: dates as a spreadsheet counts them."""


def date_format_of(listing: Listing, name: str, stated: str | None) -> tuple[str, str]:
    """Return the format of the dates and why; day and month are never guessed."""
    file, cells = listing.file, listing.frame[name]
    if stated is not None:
        if wrong := dates.problem(stated, timed=False):
            raise UsageError(f"--date-format {stated!r} {wrong}")
        return stated, "as stated"
    if share(cells, YEAR_FIRST) > MOST:
        mark = cells.str.extract(YEAR_FIRST).drop_nulls()[0]
        return f"%Y{mark}%m{mark}%d", "the year comes first"
    if (named := month_names.date_format(cells)) is not None:
        return named, "the month has a name"
    if share(cells, EPOCH_TIME) > MOST:
        return dates.EPOCH, "seconds or milliseconds since 1970"
    if share(cells, SERIAL) > MOST:
        return SERIALS, "day numbers of a spreadsheet"
    parts = cells.to_frame("x").with_columns(
        pl.col("x").str.extract(YEAR_LAST, i).alias(part) for i, part in enumerate(("one", "mark", "two", "year"), 1)
    )
    parts = parts.with_columns(pl.col("one", "two").cast(pl.Int64), lines=listing.lines)
    mark, year = parts.select(pl.col("mark", "year").drop_nulls().first()).row(0)
    if mark is None:
        raise SourceError(
            f"{file}: the column that says when has no date that is known, such as {cells.drop_nulls().first()!r}; say "
            "how they are written with --date-format, such as %d.%m.%Y, or which column it is with --date NAME"
        )
    end = f"{mark}%{'Y' if len(year) == 4 else 'y'}"
    day_first, month_first = (parts.filter(pl.col(part) > 12) for part in ("one", "two"))
    if len(day_first) and len(month_first):
        raise SourceError(
            f"{file}: {_example(day_first)} has the day first and {_example(month_first)} the month first; "
            "write all dates in one way, best as 2025-03-01"
        )
    if len(day_first):
        return f"%d{mark}%m{end}", f"day before month: {_example(day_first)} has no month {day_first['one'][0]}"
    if len(month_first):
        return f"%m{mark}%d{end}", f"month before day: {_example(month_first)} has no month {month_first['two'][0]}"
    if mark == ".":
        return f"%d{mark}%m{end}", "day before month, as everywhere that dates have points"
    raise OpenQuestion(
        f"{file}: {_example(parts.filter(pl.col('mark').is_not_null()))} may be day or month first, and no date tells; "
        f"say it with --date-format %d{mark}%m{end} or --date-format %m{mark}%d{end}",
        ("--date-format", f"%d{mark}%m{end}"),
    )


def _example(parts: pl.DataFrame) -> str:
    return f"{parts['x'][0]} (line {parts['lines'][0]})"
