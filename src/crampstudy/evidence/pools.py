"""Which trials are pooled with each other: those of one treatment, population and kind of comparator."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from crampstudy.errors import AnalysisError
from crampstudy.evidence.effects import TrialEffects
from crampstudy.evidence.harmonise import PerWeek, per_week
from crampstudy.evidence.study import POOLED_COMPARISONS, Study
from crampstudy.readable import OneLine

NOBODY = "nobody yet"
"""The population of a treatment that no trial with verified figures studied."""
USUAL = "placebo or no treatment"
"""What the trials of a pool are against, unless it is another treatment."""


@dataclass(frozen=True, slots=True, repr=False)
class TrialRow(OneLine):
    """A study with its difference in cramps a week, and ``why`` it has none or is in no pool."""

    study: Study
    found: PerWeek | None
    why: str | None

    @property
    def pooled(self) -> bool:
        """Whether it is in the pool."""
        return self.found is not None and self.why is None


@dataclass(frozen=True, slots=True, repr=False)
class Pool(OneLine):
    """The studies of one treatment in one population against one kind of comparator."""

    agent: str
    population: str
    against: str
    rows: tuple[TrialRow, ...]

    @property
    def name(self) -> str:
        """The population as rows name it: against another treatment they are another pool."""
        return self.population if self.against == USUAL else f"{self.population} against {self.against}"

    @property
    def trials(self) -> tuple[TrialRow, ...]:
        """The rows that are pooled, by year; those without one come last."""
        return tuple(sorted((row for row in self.rows if row.pooled), key=lambda row: row.study.year or 9999))

    @property
    def n_trials(self) -> int:
        """How many trials the pooled rows are of."""
        return len({row.study.of for row in self.trials})

    @property
    def effects(self) -> TrialEffects:
        """The pooled rows as effects; rows of one trial with the covariance of the arm that they share.

        Raises:
            AnalysisError: such a covariance is not known.
        """
        found = [(row.study, row.found) for row in self.trials if row.found is not None]
        covariance = np.diag([each.std_error**2 for _, each in found])
        for i, (first, one) in enumerate(found):
            for j, (second, _) in enumerate(found[:i]):
                if first.of == second.of:
                    covariance[i, j] = covariance[j, i] = _shared(first, second, one)
        names, clusters = (tuple(getattr(study, name) for study, _ in found) for name in ("study", "of"))
        return TrialEffects(names, np.array([each.difference for _, each in found]), covariance, clusters)


def group(studies: Iterable[Study]) -> tuple[Pool, ...]:
    """Return studies by what is pooled with each other, in the order of the first of each.

    Published pools and other rows that are no trial stand with the trials against placebo or nothing.
    """
    placed: dict[tuple[str, str, str], list[TrialRow]] = {}
    for each in studies:
        against = each.against if each.comparison == "other treatment" else USUAL
        placed.setdefault((each.agent, each.population, against), []).append(_row(each))
    return tuple(Pool(*key, tuple(rows)) for key, rows in placed.items())


def _row(study: Study) -> TrialRow:
    try:
        found = per_week(study)
    except AnalysisError as problem:
        return TrialRow(study, None, study.not_pooled or str(problem))
    if study.role != "trial":
        return TrialRow(
            study, found, study.not_pooled or f"{study.study} has the role {study.role}, and is no trial of its own"
        )
    if study.comparison not in (*POOLED_COMPARISONS, "other treatment"):
        return TrialRow(study, found, study.not_pooled or f"{study.study} is compared with {study.comparison}")
    return TrialRow(study, found, study.not_pooled)


def _shared(first: Study, second: Study, found: PerWeek) -> float:
    """Return the covariance of two rows of one trial: the variance of the mean of the arm that they share."""
    arm, other = first.mean_control, second.mean_control
    spread = first.sd_control, first.n_control, first.sd_treated, first.n_treated
    same = (first.unit, arm, *spread[:2]) == (second.unit, other, second.sd_control, second.n_control)
    if not same or None in (arm, *spread):
        raise AnalysisError(
            f"{second.study} and {first.study} are rows of one trial, {first.of}, and their covariance is not known: "
            "give both the same mean_control, sd_control and n_control, and those of their own arms, or leave one row "
            "out"
        )
    control, n_control, treated, n_treated = (float(each or 0) for each in spread)
    # The arm's variance in its own unit, as a share of that of the whole difference, is the same per week.
    share = control**2 / n_control / (control**2 / n_control + treated**2 / n_treated)
    return found.std_error**2 * share
