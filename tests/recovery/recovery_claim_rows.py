"""The rows that answer claims of known truth, without the second models and curves that sections have beside.

A section takes some seconds of a cohort, most of them for what no claim reads. What is asked here is what the sections
ask, so that the rows are the same: a test holds them to that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

import numpy as np
import pandas as pd

from crampstudy.analyses.findings import together
from crampstudy.analyses.sections import activity, hydration, season, treatments
from crampstudy.analyses.settings import Settings
from crampstudy.causal import measured_in
from crampstudy.claims import CLAIM_ROWS
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.nights.modification import modified_ratio
from crampstudy.contrasts.nights.nightly import adjusted_lags, adjusted_within_between, in_one_model
from crampstudy.contrasts.nights.thirds import active_thirds
from crampstudy.contrasts.nights.windows import adjusted_window, strength_dose
from crampstudy.contrasts.people.muscle_and_joints import age_ratios
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import kinds

MODEL, OUTCOME = "negative-binomial", "cramps"
SECTIONS = ("age-and-muscle", "conditions", "nutrition", "hydration", "activity", "season", "treatments")
_REPLICATES = 40
"""The fewest that an interval of 95% takes: they are of corrected ratios, which no claim reads."""


def rows_of_claims(cohort: Cohort, sections: Collection[str] = SECTIONS) -> dict[str, pd.DataFrame]:
    """Return by section the rows of a diary that the claims of known truth are read off, of these sections alone."""
    settings = Settings()
    asked = {
        "where": settings.old_enough(cohort),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
    }
    alone = {"sets": {kinds.AGE_ALONE: ()}, "model": MODEL, "outcome": OUTCOME}
    made: dict[str, Callable[[], pd.DataFrame]] = {
        "age-and-muscle": lambda: age_ratios(cohort, **alone, **asked),
        "conditions": lambda: _adjusted(cohort, _terms("conditions"), asked, analysis=kinds.CONDITION.name),
        "nutrition": lambda: _adjusted(cohort, _terms("nutrition"), asked),
        "hydration": lambda: _hydration(cohort, asked),
        "activity": lambda: _activity(cohort, asked),
        "season": lambda: season.of_diary(cohort, settings).estimates,
        "treatments": lambda: treatments.of_diary(cohort, settings).estimates,
    }
    return {name: make() for name, make in made.items() if name in sections}


def _terms(section: str) -> list[str]:
    """Return the exposures of persons that claims read off a section, of a diary."""
    rows = (row for row in CLAIM_ROWS if row.section == section and row.kind in ("", "diary"))
    return list(dict.fromkeys(row.term.removeprefix("contrast: ") for row in rows))


def _adjusted(cohort: Cohort, terms: Iterable[str], asked: dict[str, Any], **more: str) -> pd.DataFrame:
    return _all(lambda term=term: _of_exposure(cohort, term, asked, more) for term in terms)


def _of_exposure(cohort: Cohort, term: str, asked: dict[str, Any], more: dict[str, str]) -> pd.DataFrame:
    return adjusted_fit(cohort, term, model=MODEL, outcome=OUTCOME, **asked, **more).estimates


def _hydration(cohort: Cohort, asked: dict[str, Any]) -> pd.DataFrame:
    known = measured_in(cohort)
    return _all(
        [
            *_split(cohort, hydration.TOGETHER[:2], asked),
            *(_lags(cohort, name, asked) for name in hydration.LAGGED if name in known),
            lambda: modified_ratio(cohort, hydration.HEAT, **asked),
        ]
    )


def _activity(cohort: Cohort, asked: dict[str, Any]) -> pd.DataFrame:
    return _all(
        [
            *_split(cohort, activity.TOGETHER, asked),
            lambda: adjusted_lags(cohort, activity.EXERTION, against_lead=True, **asked),
            lambda: adjusted_window(cohort, *activity.WINDOWS[2], **asked),
            lambda: modified_ratio(cohort, activity.UNSTRETCHED, **asked),
            lambda: strength_dose(cohort, **asked),
            lambda: active_thirds(cohort, **asked),
        ]
    )


def _split(
    cohort: Cohort, groups: Iterable[tuple[str, ...]], asked: dict[str, Any]
) -> Iterable[Callable[[], pd.DataFrame]]:
    known = measured_in(cohort)
    for names in groups:
        for each in in_one_model(cohort, [name for name in names if name in known]):
            yield lambda each=each: adjusted_within_between(
                cohort, each, rng=np.random.default_rng(1), replicates=_REPLICATES, **asked
            )


def _lags(cohort: Cohort, name: str, asked: dict[str, Any]) -> Callable[[], pd.DataFrame]:
    return lambda: adjusted_lags(cohort, name, **asked)


def _all(steps: Iterable[Callable[[], pd.DataFrame]]) -> pd.DataFrame:
    """Return the rows of all that can be made: what a cohort lacks for one it may have for another."""
    found = []
    for made in steps:
        try:
            found.append(made())
        except (AnalysisError, UsageError):
            continue
    return together(found)
