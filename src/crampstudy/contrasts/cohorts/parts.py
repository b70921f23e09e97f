"""The cohorts of a comparison, also of one diary that is split; and a cohort's ages as a standard population."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

import polars as pl

from crampstudy.age_bands import AgeBands, StandardPopulation
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.split import split
from crampstudy.contrasts.cohorts.measures import measures
from crampstudy.contrasts.cohorts.naming import named
from crampstudy.errors import UsageError
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.terms.levels import check_group, no_group
from crampstudy.nights import people


def split_by(
    cohort: Cohort, by: str, bands: AgeBands | None = None, numbers: Collection[str] | None = None
) -> tuple[Cohort, ...]:
    """Return the participants of a diary at each level of ``by`` as a cohort of its own.

    Args:
        cohort: a diary.
        by: a level or yes/no variable of the participants, or ``age_band``.
        bands: age bands behind ``age_band``.
        numbers: those of the nights that the parts need, as of :func:`crampstudy.cohort.split.split`.

    Raises:
        UsageError: ``by`` is no such variable, or the cohort a survey.
    """
    frame = people(cohort, bands)
    check_group(by, frame)
    if by not in frame.columns or frame[by].dtype not in (pl.Boolean, pl.String, pl.Enum):
        raise no_group("a diary is split by age_band or a level or yes/no variable of its participants", by, frame)
    return split(cohort, by, frame[by], numbers)


def several(
    cohorts: Sequence[Cohort],
    *,
    names: Sequence[str] | None = None,
    split: str | None = None,
    bands: AgeBands | None = None,
    source: str | None = None,
    numbers: Collection[str] | None = None,
) -> tuple[Cohort, ...]:
    """Return the cohorts of a comparison under their names: those given, or the parts of the one that is split.

    Args:
        cohorts: two or more, or one diary that is split.
        names: as of :func:`crampstudy.compare`.
        split: what the one diary is split by, as :func:`split_by` takes it.
        bands: age bands behind ``age_band``.
        source: where the one that is split comes from, for a message.
        numbers: those of the nights that its parts need, as of :func:`split_by`.

    Raises:
        UsageError: there are too few of them or too many, a survey is to be split, or as :func:`split_by`.
    """
    if split is None and len(cohorts) < 2:
        error = UsageError("one cohort is compared with nothing; name another, or split it: --split sex")
        error.answer = ("--split", "sex")
        raise error
    if split is not None and len(cohorts) != 1:
        raise UsageError(f"--split is of one cohort, and there are {len(cohorts)}; leave it out, or name one source")
    if split is not None and cohorts[0].kind == "survey":
        quoted, by = shlex.quote(source or "SOURCE"), shlex.quote(split)
        raise UsageError(
            f"{cohorts[0].name} is a survey, whose parts share its sampling units: their variances do not add as those "
            f"of cohorts do. Each part: crampstudy describe {quoted} --by {by}; their ratio, with the covariance of "
            f"the design: crampstudy fit {quoted} --model survey-poisson --outcome any_cramp --terms {by}"
        )
    return named(cohorts if split is None else split_by(cohorts[0], split, bands, numbers), names)


def age_mix(cohort: Cohort, bands: AgeBands, where: str | None = None) -> StandardPopulation:
    """Return the participants of a cohort by age band, of a survey by their weight, to standardise others to."""
    if cohort.design is None:
        found = measures(cohort, "age_band", bands, where=where)
        numbers = [float(found.participants[place]) for place in found.standard]
    else:
        frame = people(cohort, bands)
        weight = frame[recalled_outcomes.weight_for(cohort.design, ("age_years", "recalled_class"))].fill_null(0.0)
        answered = frame["recalled_low"].is_not_null() & subpopulation.select(frame, where).inside
        labels = frame["age_band"].cast(pl.String)
        numbers = [float(weight.filter(answered & (labels == label)).sum()) for label in bands.labels[1:]]
    return StandardPopulation(f"participants of {cohort.name}", tuple(zip(bands.limits, numbers, strict=True)))
