"""What follows from a cohort alone, worked out once: it is frozen, so that the answer cannot change."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from weakref import WeakKeyDictionary

from crampstudy.cohort.frozen import Cohort

C = TypeVar("C")
P = ParamSpec("P")
T = TypeVar("T")


def remembered(ask: Callable[Concatenate[C, P], T]) -> Callable[Concatenate[C, P], T]:
    """Return a question to a cohort that is answered once for the same arguments, for as long as the cohort lives.

    The answer must be small, never be changed and not hold the cohort, which would then live for ever. What is no
    :class:`Cohort`, such as a diary that is only scanned, is asked each time.
    """
    answers: WeakKeyDictionary[Cohort, dict[Hashable, T]] = WeakKeyDictionary()

    def answer(cohort: C, *args: P.args, **more: P.kwargs) -> T:
        if not isinstance(cohort, Cohort):
            return ask(cohort, *args, **more)
        known, asked = answers.setdefault(cohort, {}), (args, tuple(sorted(more.items())))
        if asked not in known:
            known[asked] = ask(cohort, *args, **more)
        return known[asked]

    return cast("Callable[Concatenate[C, P], T]", wraps(ask)(answer))
