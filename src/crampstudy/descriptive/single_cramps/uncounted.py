"""Single cramps of nights without a count: they are described, and no rate has them."""

from __future__ import annotations

import polars as pl

from crampstudy.cohort import Cohort, subpopulation
from crampstudy.nights import denominator, person_nights
from crampstudy.nights.event_times import episodes
from crampstudy.wording import counted


def uncounted(cohort: Cohort) -> pl.DataFrame:
    """Return those cramps of :func:`~crampstudy.nights.event_times.episodes` whose night has no count.

    Where the cohort has no rates, as in a list of events, there are none.
    """
    frame = episodes(cohort)
    if denominator(cohort).why_not is not None:
        return frame.head(0)
    return frame.join(person_nights(cohort, names=()), on=["participant_id", "date"], how="anti")


def described_alone(cohort: Cohort, where: str | None = None) -> str:
    """Return how many of the cramps that are described no rate has, empty where there is none.

    Args:
        cohort: a diary with episodes.
        where: condition that names a part of the cramps.
    """
    frame = uncounted(cohort)
    n = int(subpopulation.select(frame, where).inside.sum())
    them = "it" if n == 1 else "them"
    return f"{counted(n, 'cramps', 'are')} of nights without a count, so that no rate has {them}" if n else ""
