"""Variables that are asked of some alone, and what is known of the others without asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True)
class AskedOf:
    """Of whom alone a variable is asked, in words as well (``said``), and the ``level`` at which everybody else is."""

    sex: str
    youngest: int
    oldest: int
    level: str
    said: str

    @property
    def asked(self) -> pl.Expr:
        """Who is asked; unknown where the sex or the age is."""
        return (pl.col("sex") == self.sex) & pl.col("age_years").is_between(self.youngest, self.oldest)


ASKED_OF: Mapping[str, AskedOf] = {
    "pregnancy_trimester": AskedOf("female", 15, 49, "none", "women aged 15 to 49"),
}


def not_asked(participants: pl.DataFrame, name: str) -> pl.Series:
    """Return of whom a variable is not asked and nothing is noted, of participants with a sex and an age.

    Of a cohort in which nobody has a value it was not asked at all.
    """
    empty = pl.col(name).is_null() & pl.col(name).is_not_null().any()
    return participants.select((empty & ~ASKED_OF[name].asked).fill_null(value=False)).to_series()
