"""Files of each kind become a cohort: ``open_cohort("folder")``, ``open_cohort("nhanes:folder?cycles=D")``."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from crampstudy.cleaning import Cleaned, Corrections, Raw, clean, unlogged
from crampstudy.cleaning.corrections import load as load_corrections
from crampstudy.codebook.cases import criteria
from crampstudy.cohort import Cohort
from crampstudy.cohort.baselines import with_baselines
from crampstudy.cohort.case_definition import meeting
from crampstudy.sources import large, readers
from crampstudy.sources.address import Address
from crampstudy.sources.chunked.joined import placed
from crampstudy.sources.handed_on import cohort_of

__all__ = ["Address", "load", "open_cohort", "read"]


def open_cohort(source: str | Path | Address) -> Cohort:
    """Read and clean a source: a data package folder, or ``kind:path?option=value``.

    Levels that dated measurements alone have are baselines of its participants (:mod:`crampstudy.cohort.baselines`). A
    notebook that a report runs is handed the cohort that the report has opened.

    Raises:
        SourceError: the source is not there or cannot be read; the message says what was expected.
    """
    return cohort_of(source) or with_baselines(load(source).cohort)


def load(
    source: str | Path | Address,
    mapping: Path | None = None,
    *,
    today: date | None = None,
    corrections: Corrections | None = None,
) -> Cleaned:
    """Read and clean a source, keeping the ledger of all that was not accepted as it came.

    ``today`` is the day after which no night can lie, ``corrections`` are those that the user has written down;
    without them, a data package's own ``corrections.yaml`` is applied. With the option ``case_definition`` the cramps
    that do not meet it are set aside after that.

    Raises:
        SourceError: the source is not there or cannot be read, or a correction does not fit.
        UsageError: there is no such case definition, or it cannot be applied.
    """
    address = Address.parse(source, mapping)
    if address.case_definition is not None:
        # Before what may take long.
        criteria(address.case_definition)
    file = address.corrections_file if corrections is None and mapping is None else None
    # A correction is held against the whole table.
    cleaned = large.load(address, today) if file is None and corrections is None else None
    if cleaned is None:
        raw = read(address)
        corrections = load_corrections(file) if file else corrections
        cleaned = placed(clean(raw, today=today, corrections=corrections), raw)
    if address.case_definition is None:
        return cleaned
    return replace(cleaned, cohort=meeting(cleaned.cohort, address.case_definition))


def read(source: str | Path | Address, mapping: Path | None = None) -> Raw:
    """Read a source as it is, before any rule; ``mapping`` is the option of that name, also for a bare path.

    Raises:
        SourceError: the kind or an option is unknown, or the files cannot be read.
    """
    address = Address.parse(source, mapping)
    raw = readers.read(address)
    return replace(raw, unlogged=unlogged.stated(address.options, raw.unlogged))
