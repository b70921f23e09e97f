"""``describe``: how common cramps are in a cohort."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from crampstudy import estimates, suggestions
from crampstudy.age_bands import AgeBands, AnyStandard, standard_named
from crampstudy.cohort import Cohort, check_opened, subpopulation
from crampstudy.cohort.account import Account
from crampstudy.confidence import check_level
from crampstudy.descriptive.rates import rates
from crampstudy.errors import UsageError
from crampstudy.estimates import note
from crampstudy.nights import people
from crampstudy.readable import Readable, quoted

Outcome = Literal["cramps", "relief", "class_30_days"]
OUTCOMES: tuple[Outcome, ...] = ("cramps", "relief", "class_30_days")
"""What of a diary can be described."""


@dataclass(frozen=True, slots=True, repr=False)
class Description(Readable):
    """Tidy ``estimates`` of one or more cohorts; ``accounts`` say of each what was read, left out and used."""

    estimates: pd.DataFrame
    accounts: tuple[Account, ...] = ()

    def _facts(self) -> Iterator[str]:
        yield " and ".join(quoted(str(name)) for name in self.estimates["cohort"].unique())
        yield f"{len(self.estimates)} estimates"
        yield from (f"{n} {str(name).replace('_', ' ')}" for name, n in self.estimates["status"].value_counts().items())


@dataclass(frozen=True, slots=True)
class _Question:
    """What :func:`describe` is asked, by the names of its arguments."""

    by: str | None
    outcome: Outcome | None
    bands: AgeBands
    standard: AnyStandard
    like: Cohort | None
    where: str | None
    weight: str | None
    ci_level: float

    def __post_init__(self) -> None:
        check_level(self.ci_level)
        if self.outcome is not None and self.outcome not in OUTCOMES:
            said, allowed = f"no outcome {self.outcome!r} to describe", f"allowed: {', '.join(OUTCOMES)}"
            raise suggestions.unknown(UsageError, said, self.outcome, OUTCOMES, allowed)
        if self.like is not None and self.outcome != "class_30_days":
            raise UsageError("like is a population for the outcome class_30_days; rates have a standard")


def describe(
    cohort: Cohort,
    by: str | None = None,
    *,
    outcome: Outcome | None = None,
    bands: AgeBands | None = None,
    standard: AnyStandard | str = "who",
    like: Cohort | None = None,
    where: str | None = None,
    weight: str | None = None,
    ci_level: float = 0.95,
) -> Description:
    """Describe how common cramps are, by group and over all.

    A diary gives incidence rates in cramps per person-week, crude, as mean of person rates and
    age-standardised; a survey gives the design-based prevalence of each recalled 30-day class. Of a diary there are
    also the time to relief, and the 30-day class that its nights imply: what it has in common with a survey.

    Args:
        cohort: a diary or a survey.
        by: ``age_band``, or any level or yes/no variable of the participants; of the time to relief also
            one of the nights or the cramps. By default ``remedy`` for that, nothing for classes, else ``age_band``.
            Of classes it is a term of the model of the nights, beside age and sex.
        outcome: for a diary ``cramps`` (the default), ``relief`` or ``class_30_days``.
        bands: age bands, by default from 20, 40, 50, 60, 70 and 80 years.
        standard: standard population, ``who``, ``esp2013``, ``none``, a
            :class:`~crampstudy.age_bands.StandardPopulation`, or the name of a CSV file of one.
        like: for classes, a survey to whose people their shares are standardised.
        where: condition that names a part of the cohort; for a survey a domain.
        weight: weight column of a survey; the interview weight by default.
        ci_level: confidence level.

    Raises:
        UsageError: ``by``, ``where`` or the level is none of what is allowed.
        BandError: the bands do not fit the cohort's ages, or there is no such standard population.
        SourceError: the file of the standard population cannot be read.
    """
    check_opened(cohort)
    meant = standard_named(standard) if isinstance(standard, str) else standard
    asked = _Question(by, outcome, bands or AgeBands(), meant, like, where, weight, ci_level)
    return _of_diary(cohort, asked) if cohort.kind == "diary" else _of_survey(cohort, asked)


def _of_diary(cohort: Cohort, asked: _Question) -> Description:
    if asked.weight:
        raise UsageError("a weight belongs to a survey; a diary's nights count once each")
    if asked.outcome == "class_30_days":
        from crampstudy.descriptive.classes import class_shares

        shares = class_shares(
            cohort, asked.by, standard=asked.like, where=asked.where, bands=asked.bands, ci_level=asked.ci_level
        )
        return Description(shares.estimates, (shares.account,))
    if asked.outcome == "relief":
        from crampstudy.descriptive.single_cramps.relief import ReliefOptions, relief, relief_account

        by = asked.by or "remedy"
        rows = relief(cohort, by, asked.bands, where=asked.where, options=ReliefOptions(ci_level=asked.ci_level))
        account = relief_account(cohort, by, asked.bands, where=asked.where)
    else:
        rows, account = rates(
            cohort,
            asked.by or "age_band",
            asked.bands,
            standard=asked.standard,
            where=asked.where,
            ci_level=asked.ci_level,
        )
    return Description(estimates.frame(rows), (account,))


def _of_survey(cohort: Cohort, asked: _Question) -> Description:
    if asked.outcome is not None:
        raise UsageError(
            f"{cohort.name} is a survey, which has no outcome {asked.outcome}; its classes are shown anyway"
        )
    from crampstudy.descriptive.prevalence import prevalence, prevalence_account

    part = subpopulation.select(people(cohort, asked.bands), asked.where) if asked.where else None
    rows = prevalence(
        cohort,
        asked.bands,
        by=asked.by or "age_band",
        standard=asked.standard,
        domain=None if part is None else part.inside.to_numpy(),
        domain_name=asked.where,
        weight=asked.weight,
        ci_level=asked.ci_level,
    )
    account = prevalence_account(cohort, asked.where, asked.weight)
    left_out = account.remarks()
    told = (
        row if row["status"] == "not_estimable" else {**row, "note": note(row["note"] or "", *left_out)} for row in rows
    )
    return Description(estimates.frame(told), (account,))
