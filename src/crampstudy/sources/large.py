"""Large Parquet diaries, cleaned as they are read: never in memory as read and as accepted at once."""

from __future__ import annotations

from datetime import date

from crampstudy import scratch
from crampstudy.cleaning import Cleaned, clean
from crampstudy.codebook.cases import KEY as CASE_DEFINITION
from crampstudy.progress import track
from crampstudy.sources.address import Address
from crampstudy.sources.chunked.joined import placed, placed_in

LARGE = 1_000_000
"""Rows of a Parquet diary from which it is cleaned in parts."""
SIZE = 250_000
"""Rows of a part, about."""


def load(address: Address, today: date | None = None, *, large: int = LARGE, size: int = SIZE) -> Cleaned | None:
    """Read and clean a data package in parts of its diary; all of it is what it would be of a reading as a whole.

    ``None`` where it has to be read so: where the diary is not Parquet or has fewer rows than ``large``, where options
    or the descriptor say how cells are to be read, and where nights without a row are nights without a cramp.

    Args:
        address: The source; its case definition is not applied.
        today: The day of the reading, after which no night can lie.
        large: The fewest rows of a diary that is read in parts.
        size: How many rows a part has, about; all nights of a participant are in one.

    Raises:
        SourceError: the package cannot be read, or no row is left.
        SchemaError: what is left cannot be a cohort.
    """
    if address.kind != "package" or address.options.keys() - {CASE_DEFINITION}:
        return None
    # A folder of text waits for no reader of Parquet.
    from crampstudy.sources import parquet
    from crampstudy.sources.readers import chunked_package

    opened = chunked_package.read(address.path, large)
    if opened is None:
        return None
    raw, diary = opened
    # The notice of declared codes counts the cells of the whole; nights without a row are filled in as a whole.
    if raw.kind != "diary" or raw.unlogged or diary.codes:
        return None
    with scratch.folder() as aside:
        number = -(-diary.rows // size)
        cleaned = clean(
            raw, today=today, diary=lambda people: track(diary.parts(people, size, aside), "parts of the diary", number)
        )
    parquet.release()
    cleaned = placed(cleaned, raw)
    return placed_in(cleaned, "diary", diary.places) if len(diary.paths) > 1 else cleaned
