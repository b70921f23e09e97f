"""Readers: one module a kind of source, each of which returns the tables as they stand, before any rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from crampstudy.cleaning import Raw
from crampstudy.errors import SourceError
from crampstudy.sources.address import Address, Options
from crampstudy.sources.text import missing_codes
from crampstudy.sources.text.decimals import MARKS, Mark


def read(address: Address) -> Raw:
    """Read the source at an address by the reader of its kind.

    Raises:
        SourceError: the files cannot be read, or an option has a value that it cannot have.
    """
    return READERS[address.kind](address.path, address.reading)


# Each kind imports its reader when it is asked for, so that a folder of CSV files waits for no spreadsheet library.


def _package(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import package

    declared = missing_codes.declared(options)
    return package.read(path, declared=declared, decimal=_decimal(options), padded=_padded(options))


def _nhanes(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import nhanes

    return nhanes.read(path, tuple(options["cycles"].split(",")) if "cycles" in options else None)


def _excel(path: Path, options: Options) -> Raw:
    if "mapping" in options:
        return _mapped(path, options)
    from crampstudy.sources.readers import spreadsheet

    return spreadsheet.read(path, declared=missing_codes.declared(options), decimal=_decimal(options))


def _stat(path: Path, options: Options) -> Raw:
    if "mapping" in options:
        return _mapped(path, options)
    from crampstudy.sources.readers import statfile

    return statfile.read(path, declared=missing_codes.declared(options), decimal=_decimal(options))


def _redcap(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import redcap

    return redcap.read(
        path,
        Path(options["dictionary"]) if "dictionary" in options else None,
        description=Path(options["mapping"]) if "mapping" in options else None,
        declared=missing_codes.declared(options),
        decimal=_decimal(options),
        padded=_padded(options),
        start=_start(options),
    )


def _mapped(path: Path, options: Options) -> Raw:
    from crampstudy.sources.readers import mapped

    if "mapping" not in options:
        raise SourceError(f"{path}: say how to read it: mapped:{path}?mapping=M.yaml (docs/mapping.md has the format)")
    return mapped.read(
        path,
        Path(options["mapping"]),
        declared=missing_codes.declared(options),
        decimal=_decimal(options),
        padded=_padded(options),
        start=_start(options),
    )


READERS: Mapping[str, Callable[[Path, Options], Raw]] = {
    "package": _package,
    "nhanes": _nhanes,
    "excel": _excel,
    "stat": _stat,
    "redcap": _redcap,
    "mapped": _mapped,
}
"""The reader of each kind in :data:`crampstudy.sources.address.KINDS`."""


def _padded(options: Options) -> bool:
    if (stated := options.get("short", "reject")) not in ("reject", "empty"):
        raise SourceError(f"short={stated}: allowed are short=reject and short=empty (rows that only end early)")
    return stated == "empty"


def _start(options: Options) -> date | None:
    """Return the first night of nights that are numbered, ``None`` where it was not stated."""
    try:
        return date.fromisoformat(options["start"]) if "start" in options else None
    except ValueError:
        raise SourceError(f"start={options['start']} is not a date; write YYYY-MM-DD, such as 2025-03-01") from None


def _decimal(options: Options) -> Mark | None:
    """Return the decimal mark that was stated, ``None`` where it is left to the numbers."""
    if "decimal" not in options:
        return None
    found = next((mark for mark in MARKS if mark == options["decimal"]), None)
    if found is None:
        raise SourceError(f"the option decimal is {options['decimal']!r}; allowed: {' and '.join(MARKS)}")
    return found
