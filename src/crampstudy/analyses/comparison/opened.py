"""The cohorts of a comparison from their sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from crampstudy.age_bands import DEFAULT_LIMITS, AgeBands
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.parts import several
from crampstudy.sources import Address, open_cohort


def open_cohorts(
    sources: Sequence[str | Path],
    *,
    names: Sequence[str] | None = None,
    split: str | None = None,
    age_bands: Sequence[int] = DEFAULT_LIMITS,
) -> tuple[Cohort, ...]:
    """Read and clean the sources of a comparison, and return their cohorts under different names.

    Args:
        sources: two or more, each as :func:`crampstudy.open_cohort` takes it; or one, with ``split``.
        names: what the cohorts are called; by default as they are, and ``A``, ``B`` and so on where two have one name.
        split: a variable of the participants by whose levels the one cohort, a diary, is made several.
        age_bands: lower limits of the bands of ``split="age_band"``.

    Raises:
        SourceError: a source cannot be read.
        UsageError: there are too few sources or names, or the one cohort cannot be split.
    """
    opened = [open_cohort(source) for source in sources]
    return as_compared(opened, sources, names=names, split=split, bands=AgeBands(tuple(age_bands)))


def as_compared(
    opened: Sequence[Cohort],
    sources: Sequence[str | Path],
    *,
    names: Sequence[str] | None,
    split: str | None,
    bands: AgeBands,
) -> tuple[Cohort, ...]:
    """Return the cohorts of a comparison as :func:`open_cohorts` does, of those that were opened from ``sources``.

    Those of one name, which are A, B and so on, have their own titles, or without one the last names of their sources;
    of several with one title both stand in it. Where nothing tells them apart, the letters do.

    Args:
        opened: the cohort of each source.
        sources: where they come from.
        names: as of :func:`open_cohorts`.
        split: as of :func:`open_cohorts`.
        bands: the age bands of ``split="age_band"``.
    """
    cohorts = several(opened, names=names or None, split=split, bands=bands, source=str(sources[0]))
    if names or split or all(cohort is own for cohort, own in zip(cohorts, opened, strict=True)):
        return cohorts
    places = [Address.parse(str(source)).title.partition(":")[2] for source in sources]
    titles = [own.title or place for own, place in zip(opened, places, strict=True)]
    if len({*titles}) < len(titles):
        titles = [f"{own.title} ({place})" if own.title else place for own, place in zip(opened, places, strict=True)]
    if len({*titles}) < len(titles):
        return cohorts
    return tuple(replace(cohort, title=title) for cohort, title in zip(cohorts, titles, strict=True))
