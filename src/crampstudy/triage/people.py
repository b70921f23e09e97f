"""Red flags of people: a row per participant with the flags, the tests they suggest, and recorded results beside."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import polars as pl

from crampstudy.age_bands import AgeBands
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import Account, unmet
from crampstudy.descriptive.episodes import LONG_S
from crampstudy.nights import night_account, observed_nights, of_cohort, people
from crampstudy.triage.flags import DISCLAIMER, FLAGS, LONG, SYMPTOMS, TESTS, WEEKLY, of_test
from crampstudy.triage.results import OUT_OF_RANGE, with_results
from crampstudy.triage.weeks import weeks_of

SENSITIVE = "SENSITIVE: values of single participants"
_WHO = "participant_id"
_RECORDED = ("ankle_brachial_index", "leg_ultrasound", "nerve_conduction")
_LOOK_ALIKES = ("urge_to_move", "exertional_leg_pain")


def triage(cohort: Cohort, *, where: str | None = None) -> pd.DataFrame:
    """Return one row per participant: which red flags there are, how steadily, the tests they suggest, and results.

    ``red_flags`` names those that are there and ``not_known`` those that cannot be told. Of the weeks of
    :func:`person_weeks` stand how many could be told, how many of them had more than 2 cramps, that share, and how
    often it changed from one week to the next. ``no_result`` names suggested tests without a recorded result, and
    ``urge_to_move`` and ``exertional_leg_pain`` what looks alike. The table holds values of single participants: it is
    research output, not medical advice, and both stand in each row.

    Args:
        cohort: a diary.
        where: condition that names a part of the participants.

    Raises:
        UsageError: the cohort is a survey, which has no nights, or the condition cannot be read.
    """
    return triage_table(cohort, where).to_pandas()


def triage_table(cohort: Cohort, where: str | None = None) -> pl.DataFrame:
    """Return :func:`triage` as polars."""
    table = flagged_people(cohort, where=where)
    words = {flag.name: flag.wording for flag in FLAGS}
    suggests = {test: suggested(test) for test in TESTS}
    recorded = [name if name in table.columns else pl.lit(None).alias(name) for name in (*_RECORDED, *_LOOK_ALIKES)]
    weeks = ("weeks", "evaluable_weeks", "weeks_above_2", "changes", "weeks_with_a_long_cramp")
    return table.select(
        _WHO,
        pl.lit(SENSITIVE).alias("sensitive"),
        pl.lit(DISCLAIMER).alias("read_as"),
        _listed({words[name]: pl.col(f"flag:{name}") for name in words}).alias("red_flags"),
        _listed({words[name]: pl.col(f"flag:{name}").is_null() for name in words}).alias("not_known"),
        _listed(suggests).alias("suggested_tests"),
        _listed({test: there & pl.col(test).is_null() for test, there in suggests.items()}).alias("no_result"),
        "first_night",
        *(pl.col(name).fill_null(0) for name in weeks),
        (pl.col("weeks_above_2") / pl.col("evaluable_weeks")).fill_nan(None).alias("share_of_evaluable_weeks"),
        "longest_cramp_s",
        *(pl.col(f"flag:{name}").alias(name) for name in SYMPTOMS),
        pl.col(OUT_OF_RANGE).alias("blood_out_of_range"),
        *recorded,
    )


def nights_account(cohort: Cohort, where: str | None = None) -> Account:
    """Return the account of the nights of a diary, of which those of participants whom a condition leaves out."""
    if where is None:
        return of_cohort(cohort)
    persons, nights = people(cohort), observed_nights(cohort).group_by(_WHO).len()
    each = persons.join(nights, on=_WHO, how="left", maintain_order="left")["len"].fill_null(0)
    left_out = unmet(where, subpopulation.select(persons, where), persons, each)
    return night_account(cohort, int(nights["len"].sum()), left_out)


def flagged_people(cohort: Cohort, bands: AgeBands | None = None, where: str | None = None) -> pl.DataFrame:
    """Return the participants, or those of a condition, with weeks summed up, results, and ``flag:NAME`` of each flag.

    A flag of weeks is there if it fired in any of them, and missing if it fired in none and none could be told. Of long
    cramps also those count that lie in no week of the diary.
    """
    inside = subpopulation.select(people(cohort, bands), where).inside
    persons = with_results(cohort, bands).filter(inside).join(_summed(weeks_of(cohort)), on=_WHO, how="left")
    own = cohort.frame("episodes")
    lengths = own if "duration_s" in own.columns else own.with_columns(duration_s=pl.lit(None, pl.Float64))
    longest = lengths.group_by(_WHO).agg(longest_cramp_s=pl.col("duration_s").max())
    persons = persons.join(longest, on=_WHO, how="left").sort(_WHO)
    asked = [name for name in SYMPTOMS if name in persons.columns]
    long = pl.when(pl.col("longest_cramp_s") > LONG_S).then(statement=True).otherwise(pl.col(f"_{LONG}"))
    symptoms = {name: pl.col(name) if name in asked else pl.lit(None, pl.Boolean) for name in SYMPTOMS}
    flags = {WEEKLY: pl.col(f"_{WEEKLY}"), LONG: long, **symptoms}
    return persons.with_columns(flag.alias(f"flag:{name}") for name, flag in flags.items())


def suggested(test: str) -> pl.Expr:
    """Return whether a flag of :func:`flagged_people` suggests a test."""
    return pl.any_horizontal(*(pl.col(f"flag:{name}").fill_null(value=False) for name in of_test(test)))


def _summed(weeks: pl.DataFrame) -> pl.DataFrame:
    """Return the weeks of each participant summed up; ``max`` of a flag is missing where it is known of no week."""
    follows = pl.col("week").diff() == 1
    changed = follows & (pl.col(WEEKLY) != pl.col(WEEKLY).shift())
    return weeks.group_by(_WHO).agg(
        first_night=pl.col("first_night").min(),
        weeks=pl.len().cast(pl.Int64),
        evaluable_weeks=pl.col(WEEKLY).count().cast(pl.Int64),
        weeks_above_2=pl.col(WEEKLY).sum().cast(pl.Int64),
        changes=changed.sum().cast(pl.Int64),
        weeks_with_a_long_cramp=pl.col(LONG).sum().cast(pl.Int64),
        **{f"_{name}": pl.col(name).max() for name in (WEEKLY, LONG)},
    )


def _listed(there: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return the names of what is there, missing where nothing is."""
    names = [pl.when(own).then(pl.lit(name)) for name, own in there.items()]
    said = pl.concat_str(names, separator="; ", ignore_nulls=True)
    return pl.when(said != "").then(said)
