"""What people did over several nights, and cramps: nights in a row, acute load over chronic, minutes of a week."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pandas as pd
import polars as pl

from crampstudy import estimates, wording
from crampstudy.causal import study
from crampstudy.causal.graph import source
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import BETWEEN, WITHIN, Exposure
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import Sufficiency, covariates_of, held_of
from crampstudy.contrasts.nights.nightly import MODEL, adjustment_of, columns_of
from crampstudy.estimates import kinds
from crampstudy.estimates.verdicts import FEWEST_EXPOSED, MARGINS
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.nights import person_nights
from crampstudy.wording import CONTRAST

STRENGTH = "strength_min"
WEEKLY = (0.0, 60.0, 150.0, 300.0)
"""Minutes a week of strength training of which a U is asked, those against :data:`USUAL`."""
USUAL = 60.0
_WEEK = 7
_CRAMPS = "cramps"
_NOT_HELD = "not for cramps of the night before, which earlier nights of the exposure may have moved"


def adjusted_window(cohort: Cohort, term: str, level: str, **more: Any) -> pd.DataFrame:
    """Return the rate ratio of an exposure over several nights, within persons, adjusted as the causal graph asks.

    The person's mean of the variable stands beside it, so that a person's nights are compared with one another; a load
    ratio is of the person's own load already. Cramps of the night before are not held: earlier nights of the exposure
    may have moved them.

    Args:
        cohort: a diary.
        term: such as ``days_last(stretch_calf_min, 14)`` or ``load_ratio(session_load)``.
        level: what the rows are called.
        more: other arguments of :func:`crampstudy.fit`.

    Raises:
        UsageError: the graph does not know the variable; else as :func:`crampstudy.fit`.
    """
    exposure = exposures.find(term)
    assert exposure is not None and exposure.window is not None
    mean = [] if exposure.window[0] == "load_ratio" else [f"{BETWEEN}({exposure.variable})"]
    fitted, held = _fitted(cohort, exposure.variable, [term, *mean], **more)
    rows = person_time.of_term(fitted, exposure, level, kinds.WINDOW)
    return estimates.frame(map(held.on, rows))


def strength_dose(cohort: Cohort, **more: Any) -> pd.DataFrame:
    """Return the rate ratios of minutes of strength training in the last week against 60 of them, on one curve.

    The curve is a natural cubic spline of the mean of the last seven nights, with knots at 60 and 150 minutes a week,
    adjusted as the causal graph asks. A dose that fewer than 5 participants ever reached has no ratio, nor have those
    above it, for the same reason.

    Args:
        cohort: a diary with the variable.
        more: other arguments of :func:`crampstudy.fit`.

    Raises:
        UsageError: as of :func:`crampstudy.fit`.
    """
    weekly = Exposure(STRENGTH, steps=(("mean_last", _WEEK),))
    reached = _reached(cohort, weekly)
    asked = [dose for dose in WEEKLY if dose != USUAL]
    cells = {
        "cohort": cohort.name,
        "population": more.get("where") or "all participants",
        "outcome": _CRAMPS,
        "analysis": kinds.WINDOW.name,
        "model": MODEL,
        "term": f"{CONTRAST}{STRENGTH}",
        "scale": "rate_ratio",
    }
    lacking = _lacking(reached)
    if lacking[USUAL] or all(lacking[dose] for dose in asked):
        reason = lacking[USUAL] or lacking[asked[-1]]
        return estimates.frame(
            estimates.row(status="not_estimable", **cells | _of_dose(dose) | {"note": lacking[dose] or reason})
            for dose in asked
        )
    knots = [round(dose / _WEEK, 6) for dose in WEEKLY[1:-1] if not lacking[dose]]
    spline = f"ns({weekly}, knots={knots})"
    fitted, held = _fitted(cohort, STRENGTH, [spline], **more)
    made = []
    for dose in asked:
        own = cells | _of_dose(dose)
        if lacking[dose] or fitted.linear is None:
            reason = lacking[dose] or _why(fitted, str(weekly))
            made.append(estimates.row(status="not_estimable", **own | {"note": reason}))
            continue
        row = fitted.linear.ratio({str(weekly): dose / _WEEK}, {str(weekly): USUAL / _WEEK})
        kept = {name: cell for name, cell in row.items() if name not in ("key", "reference") and cell is not None}
        made.append(person_time.judged(held.on(estimates.row(**kept | own)), MARGINS))
    return estimates.frame(made)


def is_u_shaped(rows: pd.DataFrame) -> bool | None:
    """Say whether both none and 300 minutes of strength training a week go with more cramps than 60.

    ``None`` where one of the two has no verdict.
    """
    ends = rows[rows["level"].isin([_dose(WEEKLY[0]), _dose(WEEKLY[-1])])]["verdict"].dropna()
    return bool(ends.eq("higher").all()) if len(ends) == 2 else None


def _fitted(cohort: Cohort, variable: str, terms: Sequence[str], **more: Any) -> tuple[Fit, Sufficiency]:
    """Return a model of terms of a variable beside what it is adjusted for, and how far that is enough."""
    graph = study()
    found = adjustment_of(cohort, f"{WITHIN}({variable})", _CRAMPS, graph)
    every = covariates_of(cohort, found, graph, (variable,))
    same = columns_of((variable,), graph)
    covariates = [term for term in every if source(term) not in (_CRAMPS, *same)]
    fitted = fit(cohort, model=MODEL, terms=" + ".join([*terms, *covariates]), adjusted_for=covariates, **more)
    held = held_of(found, fitted, covariates)
    before = any(source(term) == _CRAMPS for term in every)
    return fitted, replace(held, sentence=f"{held.sentence}; {_NOT_HELD}") if before else held


def _reached(cohort: Cohort, weekly: Exposure) -> pl.DataFrame:
    """Return the least and the most minutes in a week of each participant."""
    nights = person_nights(cohort, names=(), exposures=(weekly,)).drop_nulls(str(weekly))
    minutes = pl.col(str(weekly)) * _WEEK
    return nights.group_by("participant_id").agg(least=minutes.min(), most=minutes.max())


def _lacking(reached: pl.DataFrame) -> dict[float, str]:
    """Return why each dose has no ratio, empty where enough participants reached it.

    Whoever did not reach a dose reached none above it: that of the lowest of them is the reason of all.
    """
    without = int((reached["least"] <= 0).sum())
    found = {0.0: "" if without >= FEWEST_EXPOSED else few_ever(without, "had a week without any")}
    why = ""
    for dose in filter(None, WEEKLY):
        n = int((reached["most"] >= dose).sum())
        found[dose] = why = why or ("" if n >= FEWEST_EXPOSED else few_ever(n, f"had {dose:g} min/week or more"))
    return found


def few_ever(people: int, what: str) -> str:
    """Return that too few people ever did something for a ratio of it: ``nobody ever had 60 min/week or more``."""
    who = wording.counted(people, "participants") if people else "nobody"
    return f"{who} ever {what}, and {FEWEST_EXPOSED} are needed"


def _dose(minutes: float) -> str:
    return f"{minutes:g} min/week"


def _of_dose(minutes: float) -> dict[str, str]:
    return {"level": _dose(minutes), "unit": f"{minutes:g} against {USUAL:g} min/week"}


def _why(fitted: Fit, weekly: str) -> str:
    rows = fitted.estimates
    own = rows[rows["term"].str.contains(weekly, regex=False) & rows["note"].notna()]
    return str(own["note"].iloc[0]) if len(own) else "the model has no estimate"
