"""What follows from a frozen cohort is worked out once for each cohort, and goes with it."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace

from odd_cohort import cohort

from crampstudy.cohort import Cohort
from crampstudy.cohort.remembered import remembered
from crampstudy.nights import Diary, people


def test_a_question_is_answered_once_for_each_cohort_and_argument() -> None:
    asked: list[tuple[str, int]] = []

    @remembered
    def height(cohort: Cohort | Diary, times: int = 1) -> int:
        asked.append((cohort.name, times))
        return times * cohort.participants.shape[0]

    one = cohort()
    other = replace(one, name="other", tables={**one.tables, "participants": one.frame("participants")})
    first = height(one)
    assert [height(one), height(one, 2), height(one, times=2), height(one, 2)] == [first, *[2 * first] * 3]
    assert height(other) == first
    assert asked == [(one.name, 1), (one.name, 2), (one.name, 2), ("other", 1)]
    scanned = Diary("scanned", one.frame("participants"), one.frame("diary").lazy())
    assert height(scanned) == height(scanned) == first
    assert asked[-2:] == [("scanned", 1)] * 2


def test_what_is_remembered_goes_with_its_cohort() -> None:
    made = cohort()
    assert people(made) is people(made)
    diary, frame = weakref.ref(made), people(made)
    assert Diary.of(made) is Diary.of(made)
    del made
    gc.collect()
    assert diary() is None
    assert frame.height
