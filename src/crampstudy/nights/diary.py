"""A diary that is read when it is needed, of a cohort or of files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.nights.calendar import CALENDAR, with_calendar
from crampstudy.nights.parts import Parts, count_alike, observed
from crampstudy.readable import OneLine


@dataclass(frozen=True, slots=True, repr=False)
class Diary(OneLine):
    """A diary that need not fit into memory: tables that were cleaned before, ``nights`` read when they are needed.

    ``nights`` is such as ``polars.scan_parquet("my-study/diary.parquet")``, in the columns of the codebook;
    nothing is validated again; what dates say is added (:mod:`crampstudy.nights.calendar`). With ``parts`` nights are
    counted file by file (:func:`crampstudy.models.common.partitions.in_parts`).
    """

    name: str
    participants: pl.DataFrame
    nights: pl.LazyFrame
    parts: Parts | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "nights", with_calendar(self.nights))

    @property
    def kind(self) -> Literal["diary"]:
        """The kind of cohort."""
        return "diary"

    @classmethod
    def of(cls, cohort: Cohort | Diary) -> Diary:
        """Return the diary of a cohort.

        Raises:
            UsageError: the cohort is a survey, which has no nights.
        """
        if isinstance(cohort, Diary):
            return cohort
        if cohort.kind != "diary":
            raise UsageError(f"{cohort.name} is a survey: a recalled class is never turned into nights")
        return cls(cohort.name, cohort.frame("participants"), cohort.frame("diary").lazy())

    @property
    def schema(self) -> pl.Schema:
        """The columns of the nights with their types."""
        return pl.Schema({**self.parts.schema, **CALENDAR}) if self.parts else self.nights.collect_schema()

    def alike(self, key: Sequence[str], known: str | None = "cramps") -> pl.DataFrame:
        """Return the nights that are alike, counted; see :meth:`Parts.alike`."""
        return self.parts.alike(key, known) if self.parts else count_alike(self.nights, key, known)


def observed_night(cohort: Cohort | Diary, known: str = "cramps") -> pl.Expr:
    """Return whether a diary row is an observed night: an entry was made and its count is there.

    For another number than the count, ``known``, a night is observed when that is there.
    """
    return observed(Diary.of(cohort).schema.names(), known)
