"""An export as REDCap lays it out: the record in front, then event, repeating instrument and instance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from crampstudy.codebook.missing import MARKS
from crampstudy.errors import SourceError
from crampstudy.sources.readers.redcap.data_dictionary import Dictionary

ID = "participant_id"
EVENT, FORM, INSTANCE = LAYOUT = ("redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance")
ADMINISTRATIVE = ("redcap_survey_identifier", "redcap_data_access_group")


@dataclass(frozen=True, slots=True)
class Export:
    """An export with field names as columns; the first is the record's."""

    file: str
    frame: pl.DataFrame
    lines: pl.Series

    @property
    def record(self) -> str:
        return self.frame.columns[0]

    def filled(self, columns: Iterable[str]) -> pl.Series:
        """Return whether a row has a cell in any of ``columns``."""
        cells = [pl.col(c).is_not_null() for c in columns]
        return self.frame.select(pl.any_horizontal(cells) if cells else pl.lit(value=False)).to_series()

    def column(self, name: str) -> pl.Series:
        """Return a column, null throughout where the export has none."""
        if name in self.frame.columns:
            return self.frame[name]
        return pl.Series(name, [None] * self.frame.height, dtype=pl.String)


def record_first(path: Path, frame: pl.DataFrame, described: Dictionary) -> pl.DataFrame:
    """Return the export with the record's identifier in front, which is the first field of any dictionary."""
    # R writes NA where a row belongs to no repeating instrument.
    layout = [name for name in LAYOUT if name in frame.columns]
    frame = frame.with_columns(pl.when(~pl.col(layout).is_in(list(MARKS))).then(pl.col(layout)).name.keep())
    record, first = next(iter(described.fields), ""), frame.columns[0]
    if record and (known := described.fields[record].variable) and known.name != ID:
        raise SourceError(
            f"{path}: the dictionary begins with the field {record}, which cannot be the record's identifier; "
            "export it again from the project, with its fields in their order"
        )
    if record in frame.columns:
        return frame.select(record, pl.exclude(record))
    if described.fields.get(first) or described.box(first) or first in (*LAYOUT, *ADMINISTRATIVE):
        given = "" if described.file else f", and give the project's dictionary: redcap:{path}?dictionary=D.csv"
        raise SourceError(
            f"{path} does not begin with the record's identifier, and has no column {record or ID}; it begins with "
            f"{first}: export the identifier with the other fields{given}"
        )
    return frame
