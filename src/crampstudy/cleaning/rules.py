"""The rules of cleaning, one record each: what is not in this table is never asked, documented or found.

To add a rule is to add a record. The table of docs/cleaning.md, the columns that are looked at, and the reading of
whole tables and of chunks derive from it.
"""

from __future__ import annotations

import polars as pl

from crampstudy.cleaning.rule import AcrossParts, AcrossTables, Rule
from crampstudy.cleaning.searches import copies, keys, labs, outliers, plausibility

SLACK_HOURS = 0.25
"""Sleep may be longer than the time in bed by this much, as both are rounded."""
_NOON = pl.col("date").cast(pl.Datetime("us")).dt.offset_by("12h")

RULES: tuple[Rule, ...] = (
    Rule(
        name="ragged-row",
        severity="reject-row",
        when=(
            "a row has more cells than the header, or a quotation mark inside a cell; the ledger shows its "
            "cells as a JSON array. A file is refused, with the likeliest reason, when more than 5 % and more "
            "than 3 of its rows are so"
        ),
        stage="file",
    ),
    Rule(
        name="short-row",
        severity="reject-row",
        when=(
            "a row ends early, as prompts that nobody answered do; however many there are, the others are "
            'read. `?short=empty` behind the source (`short_rows: empty` in a mapping, `"crampstudy": '
            '{"short_rows": "empty"}` in `datapackage.json`) reads the cells that are missing as empty'
        ),
        stage="file",
    ),
    Rule(
        name="key-missing",
        severity="reject-row",
        when="a part of the key (who, when, which) is empty",
        stage="cells",
    ),
    Rule(
        name="type",
        severity="blank-cell",
        unless="reject-row for keys and counts",
        when="a cell is not of its type: `2024-02-30`, `5 mg`, `yes` for `true`",
        stage="cells",
    ),
    Rule(
        name="range",
        severity="blank-cell",
        unless="reject-row for counts",
        when="a value is outside what is possible",
        stage="cells",
    ),
    Rule(
        name="level",
        severity="blank-cell",
        unless="reject-row for keys",
        when="a word is none of the variable's levels",
        stage="cells",
    ),
    Rule(
        name="unit-slip",
        severity="blank-cell",
        when="a value is impossible, and would be a usual one in another unit; or `labs` states another unit",
        stage="cells",
    ),
    Rule(
        name="unit-slip",
        severity="warn",
        when="a value is possible but unusual, and would be usual in another unit",
        stage="accepted",
        search=plausibility.unusual,
    ),
    Rule(
        name="unit-slip",
        severity="warn",
        when=(
            "the same in a diary, only if that brings the value at least four times as near to the person's own "
            "median, and not of a low value to which everybody's usual ones lead down step by step (each at most three "
            "times as high as the next), becoming fewer"
        ),
        stage="accepted",
        tables=("diary",),
        parts=AcrossParts(plausibility.low_cells, plausibility.unlike_own_median, plausibility.apart),
    ),
    Rule(
        name="unit-slip",
        severity="warn",
        when="the same of who has fewer than three usual values in a diary, by the median of everybody's usual values",
        stage="accepted",
        tables=("diary",),
        parts=AcrossParts(plausibility.usual_cells, plausibility.without_own_median, plausibility.against_everybody),
    ),
    Rule(
        name="unit",
        severity="blank-cell",
        when="`labs` states a unit that is not known for the analyte, or none",
        stage="accepted",
        tables=("labs",),
        search=labs.violations,
    ),
    Rule(
        name="shifted-columns",
        severity="reject-row",
        when="three or more cells of a row fail, and none does when the cells go back by one column",
        stage="cells",
    ),
    Rule(
        name="unknown-participant",
        severity="reject-row",
        when="nobody in `participants` has this identifier",
        stage="keys",
        tables=("diary", "episodes", "labs", "treatments"),
        search=keys.foreign,
    ),
    Rule(
        name="window",
        severity="reject-row",
        when=(
            "the night is outside the study's window (`crampstudy.window` in `datapackage.json`), or outside "
            "the participant's own (`diary_start`, `diary_end`)"
        ),
        stage="keys",
        tables=("diary", "episodes"),
        search=keys.outside_window,
    ),
    Rule(
        name="future-date",
        severity="reject-row",
        when=(
            "the day lies after the day of the reading; in `validate` and `import`, never in a report, which "
            "knows no clock"
        ),
        stage="keys",
        tables=("diary", "episodes", "labs", "treatments"),
        search=keys.future,
    ),
    Rule(
        name="duplicate-exact",
        severity="reject-row",
        when="the same row stands above; the first is kept",
        stage="duplicates",
        search=keys.duplicates,
    ),
    Rule(
        name="duplicate-conflict",
        severity="reject-row",
        when="rows with one key contradict each other; all are set aside and the night is unobserved",
        stage="duplicates",
        search=keys.duplicates,
    ),
    Rule(
        name="count-without-entry",
        severity="blank-cell",
        when="a count stands where no entry was made",
        stage="row",
        tables=("diary",),
        columns=("entry_made", "cramps"),
        blamed=("cramps",),
        hint="a count stands where no entry was made: set entry_made to true, or leave cramps empty",
        expression=~pl.col("entry_made") & pl.col("cramps").is_not_null(),
    ),
    Rule(
        name="entry-without-count",
        severity="warn",
        when="an entry was made and the count is empty: the night is unobserved, never a night without a cramp",
        stage="row",
        tables=("diary",),
        columns=("entry_made", "cramps"),
        blamed=("cramps",),
        hint="an entry was made and the count is empty: the night is unobserved; write 0 for a night without a cramp",
        expression=pl.col("entry_made") & pl.col("cramps").is_null(),
    ),
    Rule(
        name="onset-outside-night",
        severity="blank-cell",
        when="an onset is not between the noon of `date` and the next noon",
        stage="row",
        tables=("episodes",),
        columns=("onset", "date"),
        blamed=("onset",),
        hint="the night of a date runs from its noon to the next: before noon, date is the evening before",
        expression=~((pl.col("onset") >= _NOON) & (pl.col("onset") < _NOON.dt.offset_by("24h"))),
    ),
    Rule(
        name="stop-before-start",
        severity="blank-cell",
        when="a treatment ends before it begins: the end is set aside",
        stage="row",
        tables=("treatments",),
        columns=("start", "stop"),
        blamed=("stop",),
        hint="the last day lies before the first",
        expression=pl.col("stop") < pl.col("start"),
    ),
    Rule(
        name="stop-before-start",
        severity="blank-cell",
        when="a participant's diary ends before it begins: both ends are set aside",
        stage="row",
        tables=("participants",),
        columns=("diary_start", "diary_end"),
        blamed=("diary_start", "diary_end"),
        hint="the last day lies before the first",
        expression=pl.col("diary_end") < pl.col("diary_start"),
    ),
    Rule(
        name="randomised-before-enrolled",
        severity="blank-cell",
        when="a participant was randomised before being enrolled: both days are set aside",
        stage="row",
        tables=("participants",),
        columns=("enrolled_on", "randomised_on"),
        blamed=("enrolled_on", "randomised_on"),
        hint="who is not in the study yet cannot be allocated; correct one of the two",
        expression=pl.col("randomised_on") < pl.col("enrolled_on"),
    ),
    Rule(
        name="entry-after-diary",
        severity="warn",
        when="a participant was enrolled after the last night of the diary",
        stage="row",
        tables=("participants",),
        columns=("enrolled_on", "diary_end"),
        blamed=("enrolled_on",),
        hint="no night comes after it, so that the participant is in no analysis of a trial",
        expression=pl.col("enrolled_on") > pl.col("diary_end"),
    ),
    Rule(
        name="entry-after-diary",
        severity="warn",
        when="a participant was randomised after the last night of the diary",
        stage="row",
        tables=("participants",),
        columns=("randomised_on", "diary_end"),
        blamed=("randomised_on",),
        hint="no night comes after it, so that the participant is in no analysis of a trial",
        expression=pl.col("randomised_on") > pl.col("diary_end"),
    ),
    Rule(
        name="pregnant-man",
        severity="warn",
        when="a man is said to be pregnant",
        stage="row",
        tables=("participants",),
        columns=("sex", "pregnancy_trimester"),
        blamed=("pregnancy_trimester",),
        hint="pregnancy is told of women of 15 to 49 years alone: both are kept, correct one of them",
        expression=(pl.col("sex") == "male") & (pl.col("pregnancy_trimester") != "none"),
    ),
    Rule(
        name="sleep-exceeds-bed",
        severity="warn",
        when="sleep is longer than the time in bed by more than a quarter of an hour",
        stage="row",
        tables=("diary",),
        columns=("sleep_hours", "hours_in_bed"),
        blamed=("sleep_hours",),
        hint="more sleep than time in bed: both are kept, correct one of them",
        expression=pl.col("sleep_hours") > pl.col("hours_in_bed") + SLACK_HOURS,
    ),
    Rule(
        name="jump",
        severity="warn",
        when=("a nightly value is unusual and far from the person's own median; a sample is far from the one before"),
        stage="accepted",
        tables=("diary", "labs"),
        search=plausibility.unusual,
    ),
    Rule(
        name="episodes-against-count",
        severity="warn",
        when="the episodes of a night are not as many as its count",
        stage="study",
        tables=("episodes", "diary"),
        across=AcrossTables(plausibility.episodes_against_count, plausibility.nights_of_episodes),
    ),
    Rule(
        name="age-against-birth-year",
        severity="warn",
        when="age and birth year disagree at the first night by more than a year",
        stage="study",
        tables=("participants", "diary"),
        columns=("age_years", "birth_year"),
        across=AcrossTables(plausibility.age_against_birth_year, plausibility.first_nights),
    ),
    Rule(
        name="missing-mark",
        severity="warn",
        when="a cell holds a known mark of a missing value that nobody declared: it is missing",
        stage="cells",
    ),
    Rule(
        name="far-count",
        severity="warn",
        when=(
            "a nightly count of 20 or more is over five times as high as the other nights of this participant "
            "(their 90th centile) and of all (their 95th): perhaps a code such as 99"
        ),
        stage="accepted",
        tables=("diary",),
        parts=AcrossParts(outliers.tally, outliers.high, outliers.far_counts),
    ),
    Rule(
        name="identical-diary",
        severity="warn",
        when=(
            "the nights of two participants are the same one after the other, in all that they fill in, and differ "
            "enough among themselves for that to be no chance: with 20 participants 10 nights that all "
            "differ, with 1000 participants 13"
        ),
        stage="accepted",
        tables=("diary",),
        parts=AcrossParts(copies.people, copies.diaries, copies.copies),
    ),
    Rule(
        name="similar-identifier",
        severity="warn",
        when="two participants differ only in case, spaces, hyphens or leading zeros",
        stage="accepted",
        tables=("participants",),
        search=plausibility.similar_identifiers,
    ),
    Rule(
        name="unknown-analyte",
        severity="warn",
        when="`labs` has an analyte that the codebook does not know",
        stage="accepted",
        tables=("labs",),
        search=labs.violations,
    ),
    Rule(
        name="correction",
        severity="warn",
        when="a correction of yours was applied",
        stage="user",
    ),
)
