"""Each remedy against doing nothing, among the cramps of the same participants: relief, fall of pain, soreness."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd
import polars as pl

from crampstudy import estimates, wording
from crampstudy.cohort import Cohort
from crampstudy.contrasts.remedies.families import COLUMNS, FAMILIES, PAIN, REMEDY, WITHOUT_REMEDY, labels
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.models.request import ModelRequest
from crampstudy.models.times.event_family import EventFamily, fit_events

ESTIMAND = "association within participants, against cramps without a remedy"


def remedies(cohort: Cohort, *, where: str | None = None, ci_level: float = 0.95) -> pd.DataFrame:
    """Return what each remedy goes with, against none, within participants; once more at equal pain of the cramp.

    A cramp's worst pain may be the reason for a remedy as well as for a late relief; to adjust for it is a sensitivity
    analysis. Where nobody noted the pain there are no rows at equal pain.

    Args:
        cohort: a diary with episodes.
        where: condition that names a part of the cramps.
        ci_level: confidence level.

    Raises:
        AnalysisError: no cramp has a remedy, or all have one, so that nothing can be compared.
        UsageError: the condition cannot be read.
    """
    if WITHOUT_REMEDY not in used(cohort):
        raise AnalysisError(
            "every cramp was logged with a remedy, so that there is nothing to compare with; what was logged where "
            f"nothing was used is {WITHOUT_REMEDY!r}"
        )
    made = [each for family in FAMILIES for each in _of_family(cohort, family, where, ci_level)]
    return pd.concat(made, ignore_index=True)


def used(cohort: Cohort) -> frozenset[str]:
    """Return what was used against cramps, ``none`` among it.

    Raises:
        AnalysisError: no cramp has a remedy.
    """
    own = cohort.frame("episodes")
    found = own[REMEDY].drop_nulls().cast(pl.String).unique() if REMEDY in own.columns else ()
    if not len(found):
        raise AnalysisError("no cramp was logged with what was used against it")
    return frozenset(found)


def _of_family(cohort: Cohort, family: EventFamily, where: str | None, ci_level: float) -> Iterable[pd.DataFrame]:
    own, outcome = cohort.frame("episodes"), family.outcomes[0]
    known = {name for name in own.columns if not own[name].is_null().all()}
    plain = ModelRequest(
        cohort, family.name, REMEDY, outcome, where=where, ci_level=ci_level, analysis=kinds.REMEDY.name
    )
    if lacking := [name for name in COLUMNS[outcome] if name not in known]:
        yield _not_measured(plain, lacking)
        return
    adjusted = replace(plain, terms=f"{REMEDY} + {PAIN}", analysis=kinds.REMEDY_AT_EQUAL_PAIN.name)
    for asked in (plain, adjusted) if PAIN in known else (plain,):
        rows = fit_events(family, asked).estimates
        of_remedies = rows[rows["term"] == REMEDY].assign(estimand=ESTIMAND)
        yield of_remedies if of_remedies["reference"].eq(WITHOUT_REMEDY).all() else _uncompared(of_remedies)


def _uncompared(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of remedies, of which none has an estimate, as those against no remedy that had been asked for."""
    first, *_ = wording.records(rows)
    cells = {name: cell for name, cell in first.items() if name not in ("key", "level") and pd.notna(cell)}
    levels = dict.fromkeys([*rows["reference"], *rows["level"]])
    made = (cells | {"level": level, "reference": WITHOUT_REMEDY} for level in levels)
    return estimates.frame(estimates.row(**each) for each in made)


def _not_measured(asked: ModelRequest, lacking: Sequence[str]) -> pd.DataFrame:
    cells = {"cohort": asked.cohort.name, "population": asked.where or "all participants", "outcome": asked.outcome}
    cells |= {"analysis": asked.analysis, "model": asked.model, "term": asked.outcome}
    note = f"no cramp was logged with {labels(lacking)}"
    return estimates.frame([estimates.row(status="not_measured", note=note, **cells)])
