"""Nightly exposures within and between participants, with the reliability of their means, and corrected for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import compute, estimates
from crampstudy.age_bands import AgeBands
from crampstudy.arrays import Array
from crampstudy.codebook.exposures import BETWEEN, OF_PERSON, Exposure
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.reliability import LEAST, WANTED
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.models.bootstrap import MOST_FAILED, Coefficients, check_replicates, expanded_percentile, resample
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.models.inference.reliability import Reliability
from crampstudy.models.nights.reliability_rows import CORRECTED_BY
from crampstudy.models.registry import names_of_weighted
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import formula
from crampstudy.models.validation import default_outcome, solve
from crampstudy.nights import Diary
from crampstudy.nights.person_moments import PersonMoments, person_moments
from crampstudy.wording import CONTRAST, RELIABILITY, counted

Row = dict[str, Any]
_REPLACED = ("key", "status", "estimate", "ci_low", "ci_high", "std_error", "df", "p_value", "verdict", "note")
"""The cells of a plain row that the corrected one has of its own."""
_ALSO_ASKED = ("exposure", "where", "ci_level", "participants_per_coefficient")
"""What is asked of the model that is resampled as of the one that is shown."""
_TOGETHER = "some of the means together differ between participants by no more than nights do: none can be corrected"


def within_between(
    cohort: Cohort | Diary,
    exposures: Sequence[str],
    *,
    rng: np.random.Generator,
    model: str = "negative-binomial",
    outcome: str | None = None,
    beside: str = "",
    replicates: int = 1000,
    corrected: bool = True,
    workers: compute.Workers = 1,
    **more: Any,
) -> pd.DataFrame:
    """Return the ratios of nightly exposures within and between participants, of one model of all of them.

    The mean of an exposure is over all logged nights of a participant on which it is known; of one that the night's
    outcome can move, such as sleep, it is without that night. Beside each ratio between stands the reliability of
    the mean. Where that of any is below 0.8 these ratios are corrected by regression calibration on all means
    together, beside the plain one: ``between = within + (between - within) / reliability`` on the scale of the link,
    with the matrix of reliabilities of several means. Below 0.5 the corrected ratio is ``not_estimable``.

    Args:
        cohort: a diary.
        exposures: nightly variables, numbers or yes or no.
        rng: the source of the participant bootstrap, in which the reliability is estimated anew.
        model: one whose terms may have ``weights()``.
        outcome: one of the model's outcomes; the first of them by default.
        beside: terms that the model is adjusted for, such as ``age_decade + sex``; one that sets the nights apart
            is left out, and said.
        replicates: how many times the participants are drawn.
        corrected: whether ratios between participants are also corrected.
        workers: processes, or the address of a cluster.
        more: other arguments of :func:`crampstudy.fit`, such as ``where``, ``covariance``, ``per`` or ``margins``.

    Returns:
        Tidy estimates: ``term`` is the variable, ``level`` within or between, per unit and at the declared contrast.

    Raises:
        UsageError: an exposure is none of nights, or the model cannot be resampled; else as :func:`crampstudy.fit`.

    Source: Neuhaus and Kalbfleisch 1998; Rosner, Spiegelman and Willett 1990 (regression calibration).
    """
    if model not in names_of_weighted():
        raise UsageError(
            f"the participants of {model!r} cannot be resampled; within_between takes {', '.join(names_of_weighted())}"
        )
    check_replicates(replicates, more.get("ci_level", 0.95))
    parts = [[person_time.part(name, which, model, outcome) for which in OF_PERSON] for name in exposures]
    every = [part for pair in parts for part in pair]
    terms = person_time.joined(beside, every)
    # Of several exposures each stands beside the others, and none of them keeps these from an estimate.
    pairs = [" + ".join(map(str, pair)) for pair in parts] if len(parts) > 1 else []
    besides = [*pairs, *formula.singly(beside)]
    fitted = fit(cohort, model=model, terms=terms, outcome=outcome, adjusted_for=besides, **more)
    values = _reliabilities(fitted)
    drawn: dict[str, _Drawn] = {}
    if corrected and any(LEAST <= value < WANTED for value in values.values()):
        asked = _request(cohort, model, formula.without(terms, fitted.left_out), outcome, more)
        drawn = _resampled(asked, parts, replicates, rng, workers)
    made: list[Row] = []
    for name, pair in zip(exposures, parts, strict=True):
        for part, level in zip(pair, OF_PERSON, strict=True):
            made += person_time.of_term(fitted, part, level, kinds.WITHIN_BETWEEN)
        made += _reliability(fitted, name)
        if corrected and (value := values.get(name, 1.0)) < WANTED:
            found = drawn.get(name) if value >= LEAST else None
            made += _corrected(fitted, pair[1], value, found, more.get("margins", MARGINS))
    return estimates.frame(made)


def _request(cohort: Cohort | Diary, model: str, terms: str, outcome: str | None, more: dict[str, Any]) -> ModelRequest:
    own = {name: more[name] for name in _ALSO_ASKED if name in more}
    bands = more.get("bands") or AgeBands()
    return ModelRequest(cohort, model, terms, default_outcome(model, outcome), bands=bands, **own)


def _reliability(fitted: Fit, name: str) -> list[Row]:
    """Return the row of the reliability of a mean, as one of the variable; that it can be corrected is shown here."""
    rows = fitted.estimates[fitted.estimates["term"] == f"{RELIABILITY}{name}"]
    made = []
    for cells in person_time.known(rows):
        said = "; ".join(part for part in cells["note"].split("; ") if part != CORRECTED_BY)
        made.append(estimates.row(**cells | {"term": name, "level": BETWEEN, "note": said}))
    return made


def _reliabilities(fitted: Fit) -> dict[str, float]:
    rows = kinds.RELIABILITY.rows(fitted.estimates).dropna(subset=["estimate"])
    names = rows["term"].str.removeprefix(RELIABILITY)
    return {str(name): float(value) for name, value in zip(names, rows["estimate"], strict=True)}


@dataclass(frozen=True, slots=True)
class _Statistic:
    """The corrected coefficients between participants (q) of resampled participants, each so often as it was drawn.

    ``within`` and ``between`` are their places; an exposure that never varies within has none there, and no effect.
    """

    coefficients: Coefficients
    moments: PersonMoments
    within: tuple[int | None, ...]
    between: tuple[int, ...]

    def __call__(self, times: Array) -> Array:
        found = self.coefficients(times)
        within = np.array([0.0 if i is None else found[i] for i in self.within])
        return Reliability.of(self.moments, times).corrected(within, found[list(self.between)])


@dataclass(frozen=True, slots=True)
class _Drawn:
    """The corrected coefficient of so many ``people``, and its ``replicates`` (R), NaN where there is none."""

    found: float
    replicates: Array
    people: int


def _resampled(
    request: ModelRequest,
    parts: Sequence[Sequence[Exposure]],
    replicates: int,
    rng: np.random.Generator,
    workers: compute.Workers,
) -> dict[str, _Drawn]:
    """Return the corrected coefficient of each variable that has one between participants in a model.

    Args:
        request: the model.
        parts: within and between of each exposure, as the terms have them.
        replicates: how many times the participants are drawn.
        rng: the source of all draws.
        workers: processes, or the address of a cluster.
    """
    solution = solve(request, night_by_night=False)
    place = {column.term: i for i, column in enumerate(solution.design.columns)}
    kept = [pair for pair in parts if str(pair[1]) in place]
    names = [between.variable for _, between in kept]
    statistic = _Statistic(
        Coefficients.of(solution),
        person_moments(request.cohort, names, solution.participants),
        tuple(place.get(str(within)) for within, _ in kept),
        tuple(place[str(between)] for _, between in kept),
    )
    people = len(solution.participants)
    made = resample(statistic, people, replicates=replicates, rng=rng, workers=workers)
    found = statistic(np.ones(people))
    return {name: _Drawn(float(found[i]), made[:, i], people) for i, name in enumerate(names)}


def _corrected(fitted: Fit, part: Exposure, value: float, drawn: _Drawn | None, margins: Margins) -> list[Row]:
    """Return the corrected row of a mean with a reliability of ``value``, per unit and at its declared contrast."""
    made = []
    for plain in person_time.of_term(fitted, part, BETWEEN, kinds.CORRECTED):
        if plain["status"] != "converged":
            continue
        cells = {name: cell for name, cell in plain.items() if name not in _REPLACED and cell is not None}
        if drawn is None or not np.isfinite(drawn.found):
            said = f"the reliability of the mean is {value:.2f}, below {LEAST}: too low to be corrected for"
            said = said if drawn is None else _TOGETHER
            made.append(estimates.row(status="not_estimable", **cells | {"note": said}))
            continue
        declared = person_time.contrast(fitted, part) if str(plain["term"]).startswith(CONTRAST) else None
        made.append(_row(fitted, cells, declared or person_time.step(fitted, part), value, drawn))
        if plain["verdict"] is not None:
            made[-1] = person_time.judged(made[-1], margins)
    return made


def _row(fitted: Fit, cells: Row, step: float, value: float, drawn: _Drawn) -> Row:
    kept = drawn.replicates[np.isfinite(drawn.replicates)]
    number, failed = len(drawn.replicates), len(drawn.replicates) - len(kept)
    said = f"corrected for its reliability, interval by {counted(number, 'replicates')}"
    said += f", {failed:,} of them without an estimate" if failed else ""
    if failed > MOST_FAILED * number:
        why = f"the reliability of the mean is {value:.2f}, and {failed:,} of {number:,} replicates have no estimate"
        return estimates.row(status="not_estimable", **cells | {"note": f"{why}: too many for an interval"})
    limits = expanded_percentile(kept, drawn.people, float(cells["ci_level"]))
    around = np.array([drawn.found, *limits]) * step
    shown = around if fitted.linear is None else fitted.linear.scale.shown(around)
    interval = {"estimate": shown[0], "ci_low": shown[1:].min(), "ci_high": shown[1:].max()}
    error = float(np.std(step * kept, ddof=1))
    return estimates.row(status="converged", **cells | interval | {"std_error": error, "note": said})
