"""What the cohorts of a comparison are called."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crampstudy import estimates
from crampstudy.cohort import Cohort, check_opened
from crampstudy.errors import UsageError


def named(cohorts: Sequence[Cohort], names: Sequence[str] | None) -> tuple[Cohort, ...]:
    """Return cohorts under different names: those given, else their own, or A, B and so on where two have one name.

    Names that differ in signs alone, as those of parts of a cohort may, stay as titles beside the letters.

    Raises:
        UsageError: there is not one name for each, or two of them are as good as one.
    """
    for cohort in cohorts:
        check_opened(cohort)
    own = [cohort.name for cohort in cohorts]
    titles: Sequence[str | None] = [None] * len(cohorts)
    if names is None and len(_keys(*own)) < len(cohorts):
        titles = own if len({*own}) == len(own) else titles
        names = [chr(ord("A") + i) for i in range(len(cohorts))]
    if names is None:
        return tuple(cohorts)
    # Names that differ in marks or case alone would give two rows one key.
    if len(names) != len(cohorts) or not all(names) or len(_keys(*names)) < len(names):
        number = {2: "two"}.get(len(cohorts), str(len(cohorts)))
        such_as = ",".join([*("before", "after", "later")[: len(cohorts)], *map(str, range(4, len(cohorts) + 1))])
        raise UsageError(f"{number} cohorts have {number} different names, such as {such_as}; got {','.join(names)!r}")
    return tuple(
        replace(cohort, name=name, title=title, credits=cohort.credits.titled(cohort.title))
        for cohort, name, title in zip(cohorts, names, titles, strict=True)
    )


def lettered(cohorts: Sequence[Cohort]) -> str:
    """Return what cohorts whose names are letters are, ``""`` where they have names of their own."""
    return "; ".join(f"{cohort.name}: {cohort.heading}" for cohort in cohorts if len(cohort.name) == 1 and cohort.title)


def _keys(*names: str) -> set[str]:
    return {estimates.key({"cohort": name}) for name in names}
