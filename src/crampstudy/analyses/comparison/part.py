"""Of whom a comparison is: those who meet its condition, in words and with who was left out."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy import wording
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.within import is_of_nights, meeting
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import Account, unmet
from crampstudy.cohort.subpopulation import in_words
from crampstudy.descriptive.prevalence import prevalence_account
from crampstudy.nights import inside_condition, night_account, of_cohort, people, person_nights


def of_part(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> tuple[Cohort | None, ...]:
    """Return the cohorts of those who meet the condition of a comparison; those of whom it cannot be told are outside.

    Where nobody meets it there is ``None``. Of a condition on nights all participants stay, with those nights alone.
    """
    where, bands = settings.where, settings.bands
    return tuple(cohorts) if where is None else tuple(meeting(each, where, bands) for each in cohorts)


def on_nights(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> bool:
    """Say whether the condition of a comparison selects nights and no participants."""
    where = settings.where
    return where is not None and any(is_of_nights(cohort, where) for cohort in cohorts)


def account(cohort: Cohort, settings: ComparisonSettings) -> Account:
    """Return what of a cohort the comparison is made of, as :func:`crampstudy.compare` tells it."""
    where = settings.where
    if where is None:
        return of_cohort(cohort)
    if cohort.kind == "survey":
        return prevalence_account(cohort, where, None)
    nights = person_nights(cohort, settings.bands, names={"age_years", *subpopulation.names(where)})
    return night_account(cohort, nights.height, unmet(where, subpopulation.select(nights, where), nights))


def left_out(cohort: Cohort, settings: ComparisonSettings) -> str:
    """Return how many of the participants of a cohort meet a condition on participants, and how many do not."""
    where = settings.where
    if where is None:
        return ""
    who = people(cohort, settings.bands)
    found = subpopulation.select_participants(cohort, who, where)
    every, met = inside_condition(cohort, "participants"), int(found.inside.sum())
    said = f"{met:,} of {wording.counted(every, 'participants')} {'meets' if met == 1 else 'meet'} the condition"
    without = [f"{every - met:,} left out"] if every > met else []
    without += [f"for {found.undecided:,} of them it could not be decided"] if found.undecided else []
    return ", ".join([said, *without])


def whatever_age(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> str:
    """Return who is counted in groups other than age bands and not among the characteristics, as one of a diary may be.

    Nothing where those of the groups are as old as all others that are told of.
    """
    youngest, said = settings.bands.limits[0], []
    inside = [] if settings.by == "age_band" else of_part(cohorts, settings)
    for cohort in (each for each in inside if each is not None and each.kind == "diary"):
        ages = people(cohort, settings.bands)["age_years"]
        # Where nobody has an age all are told of everywhere.
        n = int((~(ages >= youngest).fill_null(value=False)).sum()) if ages.count() else 0
        said += [f"{n:,} of {wording.counted(len(ages), 'participants')} in {cohort.name}"] if n else []
    if not said:
        return ""
    younger = f"Of all ages: {wording.listed(said)} are not known to be {youngest} years or older"
    return f"{younger}, and count here, yet not among the characteristics and the factors."


def among(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> str:
    """Return of whom numbers are: ``, among those without diabetes``; nothing without a condition."""
    where = settings.where
    if where is None:
        return ""
    if on_nights(cohorts, settings):
        return f", on nights that meet the condition ({wording.condition(where, inside=True)})"
    return f", among those {in_words.whom(where)}"
