"""How dates that nobody has described may be written: what to propose, never what to read by."""

from __future__ import annotations

from itertools import product

import polars as pl

from crampstudy.sources.text import dates, month_names

_DAYS = (
    *("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y%m%d", "%d.%m.%Y", "%d.%m.%y", "%d/%m/%Y", "%m/%d/%Y"),
    *("%d/%m/%y", "%m/%d/%y", "%d-%m-%Y", "%m-%d-%Y", "%d-%m-%y", "%m-%d-%y"),
)
_TIMES = (
    *("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", " %I:%M%p", ", %H:%M", ", %I:%M %p"),
    *("T%H:%M", "T%H:%M:%S", "T%H:%M%z", "T%H:%M:%S%z", " %H:%M%z", " %H:%M:%S%z"),
)
_SAMPLE = 200


def proposed(cells: pl.Series) -> tuple[str, ...]:
    """Return the formats that read most of the cells, several where these leave it open, none where none reads any."""
    sample = cells.drop_nulls().unique(maintain_order=True).head(_SAMPLE)
    named = month_names.date_format(sample)
    days = (named,) if named else _DAYS
    read = {written: _count(sample, written) for written in (dates.EPOCH, *map("".join, product(days, _TIMES)))}
    most = max(read.values())
    return tuple(written for written, n in read.items() if n == most) if most else ()


def timed(written: str) -> bool:
    """Say whether a format tells a time of day."""
    return written == dates.EPOCH or "%H" in written or "%I" in written


def _count(cells: pl.Series, written: str) -> int:
    return dates.moments(cells, (written,), timed=timed(written), zone="UTC")[0].count()
