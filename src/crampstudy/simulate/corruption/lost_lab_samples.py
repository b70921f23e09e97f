"""Lost samples of blood: whole ones and single analytes, in the participants' baseline columns and in ``labs``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from crampstudy import codebook
from crampstudy.simulate.arrays import Flags, Integers
from crampstudy.simulate.corruption.participant_rows import first_night, index_of
from crampstudy.simulate.truth.parameters import param

NOT_BLOOD = ("bmi", "body_mass", "ankle_brachial_index", "lean_mass_index", "grip_strength")
"""What is measured on the body: no lost sample takes it away."""

LOST = pl.Schema(
    {
        "participant_id": pl.String(),
        "table": pl.String(),
        "date": pl.Date(),
        "analyte": pl.String(),
        "lost": pl.String(),
        "value": pl.Float64(),
    }
)
"""The record of lost values: ``date`` is missing for the participants' columns, ``lost`` is sample or analyte."""


@dataclass(frozen=True, slots=True)
class Samples:
    """How samples get lost: by chance alone."""

    no_sample: float = param(0.04, unit="proportion of blood samples that are lost or never drawn", low=0, high=1)
    failed_analyte: float = param(0.02, unit="proportion of analytes that fail in a sample", low=0, high=1)

    @classmethod
    def none(cls) -> Samples:
        """Return samples of which none is lost."""
        return cls(no_sample=0, failed_analyte=0)


def lose(
    tables: Mapping[str, pl.DataFrame], samples: Samples, rng: np.random.Generator
) -> tuple[dict[str, pl.DataFrame], Integers | None, pl.DataFrame]:
    """Blank baseline columns and take rows out of ``labs``.

    A row of ``labs`` dated on or before the first night of the diary belongs to the baseline sample, and goes with it.
    Returns the tables, the former row numbers of ``labs`` if it lost rows, and the record (:data:`LOST`).
    """
    whole, single, later = rng.spawn(3)
    people = tables["participants"]
    blood = {name: v.name for name, v in codebook.analytes().items() if name not in NOT_BLOOD}
    no_sample = whole.random(people.height) < samples.no_sample
    failed = single.random((people.height, len(blood))) < samples.failed_analyte
    changed, kept = dict(tables), None
    record = [pl.DataFrame(schema=LOST)]
    if present := [i for i, column in enumerate(blood.values()) if column in people.columns]:
        lost = no_sample[:, None] | failed[:, present]
        changed["participants"], gone = _baseline(people, [list(blood.items())[i] for i in present], lost, no_sample)
        record.append(gone)
    if "labs" in tables:
        by_sample, by_analyte = _lab_rows(tables, list(blood), no_sample, failed, samples, later)
        labs, without = tables["labs"], by_sample | by_analyte
        rows = labs.filter(pl.Series(without)).with_columns(table=pl.lit("labs"), lost=_what(by_sample[without]))
        record.append(rows.select(LOST.names()))
        if without.any():
            changed["labs"], kept = labs.filter(pl.Series(~without)), np.flatnonzero(~without)
    return changed, kept, pl.concat(record)


def _baseline(
    people: pl.DataFrame, blood: list[tuple[str, str]], lost: Flags, no_sample: Flags
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the participants without what is lost (people x analytes), and the record of it."""
    values = people.select(column for _, column in blood)
    lost = lost & ~values.select(pl.all().is_null()).to_numpy()
    which, who = np.nonzero(lost.T)
    gone = pl.DataFrame(
        {
            "participant_id": people["participant_id"].gather(who),
            "table": pl.repeat("participants", len(who), eager=True),
            "date": pl.repeat(None, len(who), dtype=pl.Date, eager=True),
            "analyte": pl.Series([analyte for analyte, _ in blood]).gather(which),
            "lost": _what(no_sample[who]),
            "value": values.to_numpy()[who, which].astype(np.float64),
        }
    )
    if not len(who):
        return people, gone
    left = zip(values.columns, ~lost.T, strict=True)
    return people.with_columns(pl.when(pl.Series(kept)).then(name).alias(name) for name, kept in left), gone


def _what(sample: Flags) -> pl.Series:
    return pl.Series(["analyte", "sample"]).gather(sample.astype(np.int64))


def _lab_rows(
    tables: Mapping[str, pl.DataFrame],
    blood: list[str],
    no_sample: Flags,
    failed: Flags,
    samples: Samples,
    rng: np.random.Generator,
) -> tuple[Flags, Flags]:
    """Return for each row of ``labs`` whether it goes with its sample, and whether it fails by itself."""
    people, diary, labs = tables["participants"], tables["diary"], tables["labs"]
    person = index_of(people, labs)
    nights = diary["date"].to_physical().cast(pl.Int64).to_numpy()
    first = first_night(index_of(people, diary), nights, people.height)
    baseline = labs["date"].to_physical().cast(pl.Int64).to_numpy() <= first[person]
    by_sample, by_row = rng.spawn(2)
    sample = labs.select(pl.struct("participant_id", "date").rank("dense")).to_series().to_numpy().astype(np.int64) - 1
    drawn = by_sample.random(int(sample.max(initial=-1)) + 1) < samples.no_sample
    fails = by_row.random(labs.height) < samples.failed_analyte
    # An analyte of the cohort's own has no baseline column whose fate it could share.
    place = labs["analyte"].replace_strict(blood, list(range(len(blood))), default=-1).to_numpy()
    known = baseline & (place >= 0)
    fails[known] = failed[person[known], place[known]]
    drawn_from = ~labs["analyte"].is_in(NOT_BLOOD).to_numpy()
    return np.where(baseline, no_sample[person], drawn[sample]) & drawn_from, fails & drawn_from
