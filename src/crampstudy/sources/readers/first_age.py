"""Ages that grow during a study: of a participant whose rows have several, the one at the first night counts."""

from __future__ import annotations

import polars as pl

from crampstudy import codebook
from crampstudy.wording import counted

AGE = codebook.variable("age_years", "participants").name
GROWS = f"{AGE} grows during the study"
_WHO, _ROW, _NIGHT, _YEARS = "participant_id", "__row", "__night", "__years"
_YEAR = 365.25


def of_first_nights(
    frame: pl.DataFrame, lines: pl.Series, nights: pl.Series | None = None
) -> tuple[pl.DataFrame, list[str]]:
    """Return rows of participants, who have one age where it only grew as time went by, and a notice of it.

    Without ``nights`` time goes by in the order of the rows. An age that falls, or grows by more than the time between
    the nights and a year, stays as it is: it is a contradiction.
    """
    if AGE not in frame.columns or frame.is_empty():
        return frame, []
    night = pl.Series([None] * frame.height, dtype=pl.Date) if nights is None else nights
    rows = frame.select(_WHO, pl.col(AGE).cast(pl.Float64, strict=False).alias(_YEARS), pl.col(AGE)).with_columns(
        night.alias(_NIGHT), lines.alias(_ROW)
    )
    known = rows.drop_nulls([_WHO, AGE]).sort(_NIGHT, _ROW, nulls_last=True)
    between = (pl.col(_NIGHT).max() - pl.col(_NIGHT).min()).dt.total_days().fill_null(0) / _YEAR
    grown = (
        known.group_by(_WHO, maintain_order=True)
        .agg(
            pl.col(AGE).first().alias("first"),
            pl.col(AGE).last().alias("last"),
            pl.col(_NIGHT).filter(pl.col(AGE) != pl.col(AGE).first()).first().alias("changed"),
            (pl.col(AGE).n_unique() > 1).alias("varies"),
            pl.col(_YEARS).diff().fill_null(0).min().ge(0).alias("grows"),
            (pl.col(_YEARS).max() - pl.col(_YEARS).min() <= 1 + between).alias("slowly"),
            pl.col(_YEARS).is_not_null().all().alias("numbers"),
        )
        .filter(pl.all_horizontal("varies", "grows", "slowly", "numbers"))
    )
    if grown.is_empty():
        return frame, []
    who, first, last, changed = grown.select(_WHO, "first", "last", "changed").row(0)
    kept = "the first" if nights is None else "that at the first night"
    said = (
        f"{GROWS} in {counted(grown.height, 'participants')}, such as {who}: {first}, then {last}"
        f"{f' from {changed} on' if changed else ''}; {kept} is kept"
    )
    firsts = pl.col(_WHO).replace_strict(grown[_WHO], grown["first"], default=None, return_dtype=pl.String)
    return frame.with_columns(pl.coalesce(firsts, pl.col(AGE).cast(pl.String)).alias(AGE)), [said]
