"""The cells of an export as the codebook has them: choices as levels, the events of a record as one row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from crampstudy.errors import SourceError
from crampstudy.sources.readers import first_age
from crampstudy.sources.readers.redcap.data_dictionary import RedcapField
from crampstudy.sources.readers.redcap.export import EVENT, ID, Export
from crampstudy.wording import counted

_WORDS = {"true": ("1", "Yes", "True", "Checked"), "false": ("0", "No", "False", "Unchecked")}
_MEANINGS = {word: value for value, words in _WORDS.items() for word in words}


def decode(frame: pl.DataFrame, fields: Sequence[RedcapField]) -> pl.DataFrame:
    """Return the fields under their codebook names, choices as levels, yes and no as true and false."""
    columns = [frame[frame.columns[0]].alias(ID)]
    columns += [frame[field.name].replace(meanings(field, frame[field.name])).alias(field.column) for field in fields]
    return pl.DataFrame(columns)


def meanings(field: RedcapField, cells: pl.Series) -> Mapping[str, str]:
    """Return what cells of a field stand for: yes or no, or a choice, by code in a raw export, else by label."""
    if field.boolean:
        return _MEANINGS
    labels = {label: field.level(code) for code, label in field.choices.items()}
    codes = {code: field.level(code) for code in field.choices}
    present = cells.drop_nulls().unique()
    # A word that is both a code and the label of another choice means what most of the column shows.
    by_code = int(present.is_in(list(codes)).sum()) >= int(present.is_in(list(labels)).sum())
    return {**labels, **codes} if by_code else {**codes, **labels}


def merge_events(export: Export, frame: pl.DataFrame, notices: list[str]) -> tuple[pl.DataFrame, pl.Series]:
    """Merge the events of a record into one row, when they agree; ``frame`` has the rows of the export, decoded.

    Raises:
        SourceError: two events of a record have different values of one field.
    """
    values = [c for c in frame.columns if c != ID]
    frame, grown = first_age.of_first_nights(frame, export.lines)
    notices.extend(f"{export.file}: {notice}" for notice in grown)
    numbered = frame.with_columns(export.lines.alias("__line"), export.frame[EVENT].alias("__event"))
    varies = numbered.group_by(ID, maintain_order=True).agg(pl.col(values).drop_nulls().n_unique())
    for name in values:
        if (several := varies.filter(pl.col(name) > 1)).height:
            record = several[ID][0]
            seen = numbered.filter((pl.col(ID) == record) & pl.col(name).is_not_null())
            seen = seen.unique(name, keep="first", maintain_order=True)
            (one, at, then), (other, later, after) = seen.select(name, "__event", "__line").rows()[:2]
            raise SourceError(
                f"{export.file}: record {record} has {name} = {one} in the event {at} (line {then}) and {other} in "
                f"{later} (line {after}); a participant has one value: export the event that counts, or correct one"
            )
    made = numbered.group_by(ID, maintain_order=True).agg(pl.col(values).drop_nulls().first(), pl.col("__line").first())
    notices.append(
        f"{export.file}: {frame.height} rows of several events were merged into {counted(made.height, 'participants')}"
    )
    return made.select(frame.columns), made["__line"]
