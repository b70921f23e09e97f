"""What goes with a cramp night: the scores of that night and of the day after, against a person's other nights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import pandas as pd
import polars as pl

from crampstudy import causal, estimates
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import OF_PERSON, WITHIN, Exposure
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.contrasts.adjusted import Sufficiency, differing, for_nothing
from crampstudy.estimates import facts, kinds
from crampstudy.estimates.absent import absent_row
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.models.fit import fit_under
from crampstudy.models.inference.covariance import Covariance
from crampstudy.nights import nights_of_part

WORSE: Mapping[str, int] = MappingProxyType(
    {
        "sleep_quality_0_10": -1,
        "sleep_hours": -1,
        "sleep_latency_min": 1,
        "awakenings": 1,
        "fatigue_0_10": 1,
        "concentration_0_10": -1,
        "productivity_0_10": -1,
    }
)
"""The scores that stand in the row of a night, its own and those of the day after, each with the sign of worse."""
NIGHT = "cramp_night"
MODEL = "mixed-linear"


def cramp_night_scores(
    cohort: Cohort,
    scores: Sequence[str] = tuple(WORSE),
    *,
    kind: kinds.Kind = kinds.CRAMP_NIGHT,
    model_based: Collection[str] = (),
    **more: Any,
) -> pd.DataFrame:
    """Return by how much scores differ between nights with and without cramps, within and between participants.

    Each score has a linear mixed model (REML, a random intercept) of whether the night had a cramp: its deviation from
    the participant's share of such nights, and that share. The scores of the day after a night stand in the row of that
    night. Of the ``kind`` :data:`~crampstudy.estimates.kinds.CRAMP_NIGHT_ADJUSTED` the model has the deviations of the
    night's other exposures that the causal graph asks for besides, and what the cohort lacks of them is in the note.

    Args:
        cohort: a diary.
        scores: numbers of a night.
        kind: of which kind the rows are; one that is model-based has that standard error.
        model_based: scores that have rows of the kind :data:`~crampstudy.estimates.kinds.CRAMP_NIGHT_MODEL_BASED` of
            the same fit besides, after those of all scores.
        more: other arguments of :func:`crampstudy.fit`, such as ``where`` or ``ci_level``.

    Returns:
        Tidy estimates: ``term`` cramp_night, ``level`` within or between; ``n_events`` are nights with a cramp. A score
        that the diary does not have is a row that says so.

    Source: Laird and Ware 1982; Neuhaus and Kalbfleisch 1998.
    """
    measured = causal.measured_in(cohort)
    if kind == kinds.CRAMP_NIGHT_MODEL_BASED:
        more = {**more, "covariance": "model"}
    known = [score for score in scores if score in measured]
    held = {
        score: _held(score, cohort, measured) if kind == kinds.CRAMP_NIGHT_ADJUSTED else ((), None) for score in known
    }
    nights = _nights(cohort, known, [term for beside, _ in held.values() for term in beside], more.get("where"))
    made: list[person_time.Row] = []
    besides: list[person_time.Row] = []
    for score in scores:
        if score in held:
            beside, said = held[score]
            asked = [kind, kinds.CRAMP_NIGHT_MODEL_BASED] if score in model_based else [kind]
            known = [score, *map(_column, beside)]
            events = int(nights.select(NIGHT, *known).drop_nulls(known)[NIGHT].sum())
            for of, rows in _of_score(cohort, score, beside, asked, more).items():
                counted = [_counted(row, events, said, more.get("margins", MARGINS), of) for row in rows]
                counted = [for_nothing(row) for row in counted] if said and not beside else counted
                if of == kind:
                    made += counted
                else:
                    besides += counted
        elif kind == kinds.CRAMP_NIGHT:
            # What is lacking is the score, and not the cramps.
            cells = {"cohort": cohort.name, "population": more.get("where") or "all participants", "term": score}
            cells |= {"analysis": kind.name, "outcome": score, "model": MODEL, "level": WITHIN, "scale": "difference"}
            made.append(absent_row(cohort, score, **cells))
    return estimates.frame([*made, *besides])


def _of_score(
    cohort: Cohort, score: str, beside: Sequence[str], asked: Sequence[kinds.Kind], more: Mapping[str, Any]
) -> dict[kinds.Kind, list[person_time.Row]]:
    """Return the rows of a score, of one fit.

    Args:
        cohort: a diary.
        score: its number.
        beside: terms of the deviations that are held.
        asked: kinds of rows, the model's errors those of the second; a difference between participants is adjusted for
            nothing.
        more: other arguments of the fit.
    """
    parts = [Exposure(NIGHT, which) for which in OF_PERSON]
    rest = dict(more)
    errors: list[Covariance] = [rest.pop("covariance", "auto"), "model"]
    terms = person_time.joined(" + ".join(beside), parts)
    fits = fit_under(cohort, errors[: len(asked)], model=MODEL, outcome=score, terms=terms, **rest)
    levels = (WITHIN,) if asked[0] == kinds.CRAMP_NIGHT_ADJUSTED else OF_PERSON
    return {
        kind: [row for level in levels for row in person_time.of_term(fitted, Exposure(NIGHT, level), level, kind)]
        for kind, fitted in zip(asked, fits, strict=True)
    }


def _counted(
    row: person_time.Row, events: int, said: Sufficiency | None, margins: Margins, kind: kinds.Kind
) -> person_time.Row:
    """Return a row with its nights with a cramp, on which its verdict rests as well; model-based ones have none.

    Args:
        row: a difference.
        events: nights with a cramp.
        said: how far it is adjusted for what the graph asks for, where it is.
        margins: those of ratios.
        kind: that of the row.
    """
    made = (said.on(row) if said else row) | {"n_events": events}
    if kind == kinds.CRAMP_NIGHT_MODEL_BASED:
        return facts.with_facts(made, {"no verdict": "its standard error is model-based"}) | {"verdict": None}
    return made if row["verdict"] is None else person_time.judged(made, margins)


def _held(score: str, cohort: Cohort, measured: frozenset[str]) -> tuple[Sequence[str], Sufficiency | None]:
    """Return the deviations that the difference of a score is adjusted for, and what is said of them."""
    found = differing(cohort, causal.adjustment_set(f"within({NIGHT})", score, measured))
    return person_time.deviations(found.columns, cohort), Sufficiency.of(found)


def _nights(cohort: Cohort, scores: Sequence[str], terms: Sequence[str], where: str | None) -> pl.DataFrame:
    """Return the nights of a part of the cohort, with their scores and the columns that terms need."""
    found = {term: exposures.find(term) for term in terms}
    others = [exposure.base for exposure in found.values() if exposure and exposure.steps]
    own = [exposure.variable if exposure else term for term, exposure in found.items()]
    return nights_of_part(cohort, where, names=(*scores, *own), exposures=others)


def _column(term: str) -> str:
    """Return the column of nights that a term is missing with."""
    exposure = exposures.find(term)
    return str(exposure.base).strip("`") if exposure else term
