"""A diary that is read when it is needed, of a cohort or of files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl

from crampstudy.codebook.exposures import Exposure
from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.errors import UsageError
from crampstudy.nights.calendar import CALENDAR, with_calendar
from crampstudy.nights.derived import derived, with_derived
from crampstudy.nights.exposures import with_exposures
from crampstudy.nights.parts import Parts, count_alike, observed
from crampstudy.readable import OneLine

AT_ONCE = 4_000_000
"""So many nights, of whole participants, are in memory at once while exposures of other nights are made."""


@dataclass(frozen=True, slots=True, repr=False)
class Diary(OneLine):
    """A diary that need not fit into memory: tables that were cleaned before, ``nights`` read when they are needed.

    ``nights`` is such as ``polars.scan_parquet("my-study/diary.parquet")``, in the columns of the codebook;
    nothing is validated again; what dates say is added (:mod:`crampstudy.nights.calendar`), and what follows from other
    columns (:mod:`crampstudy.nights.derived`). With ``parts`` nights are
    counted file by file (:func:`crampstudy.models.common.partitions.in_parts`).
    """

    name: str
    participants: pl.DataFrame
    nights: pl.LazyFrame
    parts: Parts | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "nights", with_derived(with_calendar(self.nights)))

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
        return _of_cohort(cohort)

    @property
    def schema(self) -> pl.Schema:
        """The columns of the nights with their types."""
        if self.parts is None:
            return self.nights.collect_schema()
        return pl.Schema({**self.parts.schema, **CALENDAR, **derived(self.parts.schema)})

    def alike(
        self, key: Sequence[str], known: str | None = "cramps", exposures: Collection[Exposure] = ()
    ) -> pl.DataFrame:
        """Return the nights that are alike, counted; see :meth:`Parts.alike`.

        Those of ``exposures`` in the ``key`` are of other nights, so that a participant's nights are read together,
        whichever files they stand in.
        """
        if exposures:
            own = [name for name in key if name in self.schema]
            pieces = self.pieces([*own, *([known] if known else [])], exposures)
            return pl.concat(count_alike(piece.lazy(), key, known) for piece in pieces)
        return self.parts.alike(key, known) if self.parts else count_alike(self.nights, key, known)

    def pieces(self, columns: Collection[str], exposures: Collection[Exposure]) -> Iterator[pl.DataFrame]:
        """Yield the logged nights of some participants after those of others: these ``columns`` and ``exposures``.

        Sorted by participant and date within a piece.
        """
        schema = self.schema
        of = {"cramps" if e.variable == "cramp_night" else e.variable for e in exposures}
        needed = dict.fromkeys(["participant_id", "date", "entry_made", *columns, *sorted(of)])
        logged = self.nights.filter(observed(schema.names(), None)).select(c for c in needed if c in schema)
        logged = logged.with_columns(pl.col("participant_id").cast(pl.String))
        number = -(-int(logged.select(pl.len()).collect().item()) // AT_ONCE)
        for i in range(max(number, 1)):
            own = pl.col("participant_id").hash(0) % number == i if number > 1 else pl.lit(value=True)
            yield with_exposures(logged.filter(own).collect(engine="streaming"), exposures)


@remembered
def _of_cohort(cohort: Cohort) -> Diary:
    return Diary(cohort.name, cohort.frame("participants"), cohort.frame("diary").lazy())


def observed_nights(cohort: Cohort) -> pl.DataFrame:
    """Return participant_id, date and cramps of the nights that were observed, in the order of the diary."""
    seen = cohort.frame("diary").lazy().filter(observed_night(cohort))
    return seen.select("participant_id", "date", "cramps").collect()


def observed_night(cohort: Cohort | Diary, known: str = "cramps") -> pl.Expr:
    """Return whether a diary row is an observed night: an entry was made and its count is there.

    For another number than the count, ``known``, a night is observed when that is there.
    """
    return observed(Diary.of(cohort).schema.names(), known)
