"""Person-time: which nights were observed, of whom, and what is known about each.

A night is observed when an entry was made and the count is there. A night without a row, or without an
entry, is unobserved: it is never a night without cramps.
"""

from crampstudy.nights.account import (
    asked_from,
    inside_condition,
    left_outside,
    night_account,
    of_cohort,
    outside_condition,
    unanswered,
)
from crampstudy.nights.aggregated import counted_nights, logged_values, repetitive
from crampstudy.nights.completeness import OR_TAKEN, coverage, expected_of, or_taken, spans
from crampstudy.nights.diary import Diary, observed_night, observed_nights
from crampstudy.nights.event_list import NO_COUNT, NO_DENOMINATOR, NO_ZERO, Denominator, denominator, said_once, told
from crampstudy.nights.parts import ALIKE, Part, Parts
from crampstudy.nights.person_time import (
    AGE_CENTRE,
    NIGHTS_PER_WEEK,
    NO_AGE,
    band_of,
    beside,
    check_part_of_nights,
    diary_columns,
    members,
    nights_of_part,
    no_night,
    numbers_of_a_night,
    people,
    person_nights,
)

__all__ = [
    "AGE_CENTRE",
    "ALIKE",
    "NIGHTS_PER_WEEK",
    "NO_AGE",
    "NO_COUNT",
    "NO_DENOMINATOR",
    "NO_ZERO",
    "OR_TAKEN",
    "Denominator",
    "Diary",
    "Part",
    "Parts",
    "asked_from",
    "band_of",
    "beside",
    "check_part_of_nights",
    "counted_nights",
    "coverage",
    "denominator",
    "diary_columns",
    "expected_of",
    "inside_condition",
    "left_outside",
    "logged_values",
    "members",
    "night_account",
    "nights_of_part",
    "no_night",
    "numbers_of_a_night",
    "observed_night",
    "observed_nights",
    "of_cohort",
    "or_taken",
    "outside_condition",
    "people",
    "person_nights",
    "repetitive",
    "said_once",
    "spans",
    "told",
    "unanswered",
]
