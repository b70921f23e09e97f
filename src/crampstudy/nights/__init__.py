"""Person-time: which nights were observed, of whom, and what is known about each.

A night is observed when an entry was made and the count is there. A night without a row, or without an
entry, is unobserved: it is never a night without cramps.
"""

from __future__ import annotations

import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import polars as pl

from crampstudy import compute
from crampstudy.age_bands import AgeBands
from crampstudy.cleaning.unlogged import EXAMPLE
from crampstudy.cohort import Cohort
from crampstudy.cohort.account import UNOBSERVED, Account, lost_tables
from crampstudy.errors import SourceError, UsageError

NIGHTS_PER_WEEK = 7
AGE_CENTRE = 60
NO_AGE = "no participant has an age"
ALIKE = "nights_alike"
"""The column that says how many nights a row of :func:`counted_nights` stands for."""

_PLACE = "_place"
_SAMPLE, _DIFFERENT = 20_000, 0.8


@dataclass(frozen=True, slots=True)
class Part:
    """A Parquet file of a diary; with its size in bytes and the time of its last change, in ns, it is told from others.

    Who reads it must have the file under the same path.
    """

    path: Path
    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> Part:
        """Describe a file."""
        found = path.stat()
        return cls(path.absolute(), found.st_size, found.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of a diary, in the types of ``schema``, and who reads them; arguments of :func:`compute.map`."""

    files: tuple[Part, ...]
    schema: pl.Schema
    workers: compute.Workers = 1
    keep: Path | None = None
    progress: compute.Progress | None = None

    def nights(self) -> pl.LazyFrame:
        """Return the nights of all files, to be read when they are needed."""
        return pl.concat(_scanned(self.schema, part) for part in self.files)

    def alike(self, key: Sequence[str], known: str | None = "cramps") -> pl.DataFrame:
        """Return the nights that are alike, counted; each file in one pass, all of them merged.

        Those are the logged nights on which ``known`` is, or all of them without it.
        """
        task = partial(_alike_in, self.schema, tuple(key), known)
        return _merged(
            list(compute.map(task, self.files, workers=self.workers, keep=self.keep, progress=self.progress)), key
        )


@dataclass(frozen=True, slots=True)
class Diary:
    """A diary that need not fit into memory: tables that were cleaned before, ``nights`` read when they are needed.

    ``nights`` is such as ``polars.scan_parquet("my-study/diary.parquet")``, in the columns of the codebook;
    nothing is validated again. With ``parts`` nights are counted file by file
    (:func:`crampstudy.models.common.partitions.in_parts`).
    """

    name: str
    participants: pl.DataFrame
    nights: pl.LazyFrame
    parts: Parts | None = None

    @property
    def kind(self) -> Literal["diary"]:
        """The kind of cohort."""
        return "diary"


def people(cohort: Cohort | Diary, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return the participants with the derived ``age_decade`` (per 10 years, centred at 60) and ``age_band``.

    Where nobody was asked for age or sex, the column is there and empty.
    """
    age = pl.col("age_years")
    table = cohort.participants if isinstance(cohort, Diary) else cohort.frame("participants")
    unasked = {"age_years": pl.Float64, "sex": pl.String}
    table = table.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in unasked.items() if name not in table.columns
    )
    return table.with_columns(
        age_decade=(age - AGE_CENTRE) / 10,
        age_band=band_of(age, bands or AgeBands()),
    )


def band_of(age: pl.Expr, bands: AgeBands) -> pl.Expr:
    """Return the band label of an age in years as an ordered level; a missing age has none."""
    reached = pl.sum_horizontal((age >= limit).cast(pl.Int64) for limit in bands.limits)
    labels = dict(enumerate(bands.labels))
    return pl.when(age.is_not_null()).then(reached).replace_strict(labels, return_dtype=pl.Enum(bands.labels))


def person_nights(cohort: Cohort | Diary, bands: AgeBands | None = None, known: str = "cramps") -> pl.DataFrame:
    """Return one row per observed night: the diary's columns and the participant's, ``cramp_night`` beside ``cramps``.

    Sorted by participant and date; ``known`` as of :func:`observed_night`.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    diary = _diary(cohort)
    return (
        diary.nights.filter(observed_night(cohort, known))
        .join(people(cohort, bands).lazy(), on="participant_id", how="left")
        .with_columns(cramp_night=pl.col("cramps") > 0)
        .sort("participant_id", "date")
        .collect()
    )


def counted_nights(
    cohort: Cohort | Diary, names: Collection[str], bands: AgeBands | None = None, known: str = "cramps"
) -> pl.DataFrame:
    """Return a participant's observed nights that are alike in ``known`` and ``names`` as one row, with their number.

    Columns: participant_id, ``known`` (as of :func:`observed_night`), those of ``names`` that the diary or the
    participants have, ``cramp_night`` where cramps are among them, and ``nights_alike``. A missing value is alike to a
    missing value. Sorted by participant, so that the rows are the same however the diary is cut; a scanned
    diary is read in parts and never stands in memory as a whole.

    Raises:
        UsageError: the cohort is a survey, or a night belongs to none of the participants.
    """
    diary = _diary(cohort)
    columns = _schema(diary).names()
    # Whose nights they are is in every row, asked for or not.
    names = ({*names} | ({"cramps"} if "cramp_night" in names else set())) - {"participant_id"}
    key = [name for name in dict.fromkeys([known, *sorted(names)]) if name in columns]
    alike = diary.parts.alike(key, known) if diary.parts else _alike(diary.nights, key, known)
    who = people(cohort, bands)
    who = who.select("participant_id", *(name for name in sorted(names) if name in who.columns and name not in key))
    # A place in the order of participants sorts much faster than a text.
    who = who.select(pl.all().exclude("participant_id"), "participant_id").sort("participant_id").with_row_index(_PLACE)
    made = alike.join(who, on="participant_id", how="left")
    if stranger := made.filter(pl.col(_PLACE).is_null())["participant_id"].first():
        raise UsageError(f"the diary has nights of {stranger!r}, who is none of the participants of {cohort.name}")
    made = made.sort(_PLACE, *key).drop(_PLACE)
    return made.with_columns(cramp_night=pl.col("cramps") > 0) if "cramps" in key else made


def logged_values(cohort: Cohort | Diary, name: str) -> pl.DataFrame:
    """Return how many of a participant's logged nights have each known value of a diary's column of numbers or yes/no.

    Columns: participant_id, ``value`` (yes is 1) and ``nights_alike``, sorted by the first two, so that sums over them
    are the same however the diary is cut. A night is logged when an entry was made, whether or not its count is there.
    """
    diary = _diary(cohort)
    column = "cramps" if name == "cramp_night" else name
    key = [column]
    found = diary.parts.alike(key, None) if diary.parts else _alike(diary.nights, key, None)
    value = pl.col(column) > 0 if name == "cramp_night" else pl.col(column)
    return (
        found.filter(pl.col(column).is_not_null())
        .select(pl.col("participant_id").cast(pl.String), value.cast(pl.Float64).alias("value"), ALIKE)
        .sort("participant_id", "value")
    )


def night_account(
    cohort: Cohort | Diary, observed: int, left_out: Sequence[tuple[str, int]], columns: Sequence[str] = ()
) -> Account:
    """Return the account of an analysis of nights, of which ``observed`` were, and ``left_out`` for other reasons.

    Of a scanned diary only the observed nights are counted.
    """
    if isinstance(cohort, Diary):
        return Account("observed nights", observed, tuple(left_out), columns=tuple(columns))
    rows = cohort.frame("diary").height
    tables = lost_tables(cohort.attrition.tables, "diary")
    return Account("nights", rows, ((UNOBSERVED, rows - observed), *left_out), tables, tuple(columns))


def of_cohort(cohort: Cohort) -> Account:
    """Return the account of a cohort before any analysis: of its nights, or of a survey's participants."""
    if cohort.kind == "diary":
        return night_account(cohort, cohort.frame("diary").filter(observed_night(cohort)).height, ())
    frame = cohort.frame("participants")
    low = frame["recalled_low"].null_count() if "recalled_low" in frame.columns else frame.height
    tables = lost_tables(cohort.attrition.tables, "participants")
    return Account("participants", frame.height, (("without a recalled class", low),), tables)


def numbers_of_a_night(cohort: Cohort | Diary) -> tuple[str, ...]:
    """Return the columns of a diary that are numbers.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    return tuple(name for name, dtype in _schema(_diary(cohort)).items() if dtype.is_numeric())


def no_night(cohort: Cohort | Diary, bands: AgeBands | None = None) -> pl.DataFrame:
    """Return :func:`person_nights` without a row: the columns and their types."""
    diary = _diary(cohort)
    nights = pl.LazyFrame(schema=_schema(diary))
    return person_nights(Diary(diary.name, diary.participants.head(0), nights), bands)


def diary_columns(cohort: Cohort | Diary) -> pl.Schema:
    """Return the columns that a diary has a value of for each night, with their types."""
    return _schema(_diary(cohort))


def repetitive(cohort: Cohort | Diary, names: Collection[str], known: str = "cramps") -> bool:
    """Say whether a participant has many nights that are alike in ``known`` and ``names``.

    Looks at all nights of some participants; of a scanned diary it is taken for granted.
    """
    if isinstance(cohort, Diary):
        return True
    diary = cohort.frame("diary")
    if diary.height > _SAMPLE:
        people = cohort.frame("participants")["participant_id"]
        diary = diary.filter(pl.col("participant_id").is_in(people.gather_every(-(-diary.height // _SAMPLE)).to_list()))
    key = {"participant_id", known, *names} & set(diary.columns)
    return diary.height < 100 or diary.select(sorted(key)).n_unique() < _DIFFERENT * diary.height


def observed_night(cohort: Cohort | Diary, known: str = "cramps") -> pl.Expr:
    """Return whether a diary row is an observed night: an entry was made and its count is there.

    For another number than the count, ``known``, a night is observed when that is there.
    """
    return _observed(_schema(_diary(cohort)).names(), known)


def _observed(columns: Collection[str], known: str | None) -> pl.Expr:
    logged = pl.col("entry_made").fill_null(value=True) if "entry_made" in columns else pl.lit(value=True)
    if known is None:
        return logged
    # A text that reads as no number is a missing value; what stands for infinity in a column of numbers is none, too.
    counted = pl.col(known).is_not_null() & (pl.lit(value=True) if known == "cramps" else pl.col(known).is_finite())
    return counted & logged


def _alike(nights: pl.LazyFrame, key: Sequence[str], known: str | None) -> pl.DataFrame:
    columns = nights.collect_schema().names()
    return (
        nights.filter(_observed(columns, known))
        .group_by("participant_id", *key)
        .agg(pl.len().cast(pl.Int64).alias(ALIKE))
        .collect(engine="streaming")
    )


def _scanned(schema: pl.Schema, part: Part) -> pl.LazyFrame:
    if not part.path.is_file():
        raise SourceError(
            f"there is no file {part.path} on {socket.gethostname()}; every worker of a cluster reads its parts by "
            "itself: put the diary where all of them see it under the same path"
        )
    return pl.scan_parquet(part.path, glob=False).select(pl.col(name).cast(schema[name]) for name in schema)


def _alike_in(schema: pl.Schema, key: Sequence[str], known: str | None, part: Part) -> pl.DataFrame:
    return _alike(_scanned(schema, part), key, known)


def _merged(found: Sequence[pl.DataFrame], key: Sequence[str]) -> pl.DataFrame:
    """Return the counts of all parts; those of participants who stand in several are added up."""
    whole = pl.concat(found)
    who = pl.concat(frame.select(pl.col("participant_id").unique()) for frame in found).to_series()
    several = pl.DataFrame({"participant_id": who.filter(who.is_duplicated()).unique()})
    if several.is_empty():
        return whole
    again = whole.join(several, on="participant_id", how="semi")
    added = again.group_by("participant_id", *key).agg(pl.col(ALIKE).sum())
    return pl.concat([whole.join(several, on="participant_id", how="anti"), added])


def _diary(cohort: Cohort | Diary) -> Diary:
    if isinstance(cohort, Diary):
        return cohort
    if cohort.kind != "diary":
        raise UsageError(f"{cohort.name} is a survey: a recalled class is never turned into nights")
    return Diary(cohort.name, cohort.frame("participants"), cohort.frame("diary").lazy())


def _schema(diary: Diary) -> pl.Schema:
    return diary.parts.schema if diary.parts else diary.nights.collect_schema()


NO_DENOMINATOR = (
    "this is a list of events: no observed night was without a cramp, and nights are missing between rows, so that "
    "there is no denominator for a rate. If a night without a row was one without a cramp, say so, and say when cramps "
    f"would have been logged: {EXAMPLE}, or the participants' diary_start and diary_end"
)
"""Why there is no rate of a list of events, and what makes it a diary."""
NO_ZERO = (
    "every observed night has a cramp, and no night is missing between rows: rates are those of these nights alone. If "
    f"this is a list of events, they are too high; say when cramps would have been logged: {EXAMPLE}"
)
"""What is to be said of a diary that has no night without a cramp and yet no gap."""


@dataclass(frozen=True, slots=True)
class Denominator:
    """Whether the observed nights of a diary are person-time: ``why_not``, else perhaps a ``doubt``."""

    why_not: str | None = None
    doubt: str | None = None

    @classmethod
    def of(cls, without_cramp: int, observed: int, missing: int) -> Denominator:
        """Judge by how many observed nights had no cramp, how many were observed, and how many between rows were not.

        Without a night without a cramp, a diary with missing nights is a list of events.
        """
        if without_cramp or not observed:
            return cls()
        return cls(why_not=NO_DENOMINATOR) if missing else cls(doubt=NO_ZERO)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader of the nights is to be told, if anything."""
        return tuple(filter(None, (self.why_not and f"no rate can be estimated: {self.why_not}", self.doubt)))


def denominator(cohort: Cohort | Diary) -> Denominator:
    """Return whether the observed nights of a diary are person-time.

    Every rate and every model of nights asks this first. Of a scanned diary no more is read than is needed.

    Raises:
        UsageError: the cohort is a survey, which has no nights.
    """
    nights = _diary(cohort).nights.with_columns(observed=observed_night(cohort))
    free = nights.filter(pl.col("observed") & (pl.col("cramps") == 0)).select("cramps").head(1)
    if free.collect(engine="streaming").height:
        return Denominator.of(1, 1, 0)
    day = pl.col("date")
    persons = nights.group_by("participant_id").agg(
        expected=(day.max() - day.min()).dt.total_days() + 1, observed=pl.col("observed").sum().cast(pl.Int64)
    )
    expected, observed = persons.select("expected", "observed").sum().collect(engine="streaming").row(0)
    return Denominator.of(0, observed, expected - observed)


def coverage(cohort: Cohort) -> pl.DataFrame:
    """Return one row per participant: nights expected, observed and the longest gap, in nights.

    Expected are the calendar nights from the participant's first to last row; a participant without a
    row has none.
    """
    diary = cohort.frame("diary").with_columns(observed=observed_night(cohort))
    people = cohort.frame("participants").select("participant_id")
    return (
        people.join(spans(diary), on="participant_id", how="left")
        .with_columns(pl.col("nights_expected", "nights_observed").fill_null(0))
        .sort("participant_id")
    )


def spans(nights: pl.DataFrame) -> pl.DataFrame:
    """Return what :func:`coverage` says of those who have a row in ``nights``.

    ``nights`` has participant_id, date and ``observed``.
    """
    seen = nights.filter("observed").sort("participant_id", "date")
    gap = pl.col("date").diff().dt.total_days() - 1
    spans = nights.group_by("participant_id").agg(
        first_night=pl.col("date").min(),
        last_night=pl.col("date").max(),
        nights_expected=(pl.col("date").max() - pl.col("date").min()).dt.total_days() + 1,
        nights_observed=pl.col("observed").sum().cast(pl.Int64),
    )
    gaps = seen.group_by("participant_id").agg(longest_gap=gap.max().fill_null(0))
    return spans.join(gaps, on="participant_id", how="left").sort("participant_id")
