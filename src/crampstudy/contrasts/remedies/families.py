"""The three models of a remedy: how soon relief comes, how far pain falls, and whether the muscle is sore afterwards.

Each has a baseline of its own for every participant, so that people are compared with themselves alone. They are
families of cramps like those of :mod:`crampstudy.models.registry`, asked by this room alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import polars as pl

from crampstudy.arrays import Array, Codes
from crampstudy.codebook import variable
from crampstudy.contrasts.remedies import person_fit
from crampstudy.contrasts.remedies.person_fit import PersonFit
from crampstudy.estimates import Status
from crampstudy.models.coefficients.rows import CoefficientTable, Scale
from crampstudy.models.inference.covariance import cluster_sums
from crampstudy.models.request import ModelRequest
from crampstudy.models.terms import formula
from crampstudy.models.times import cox
from crampstudy.models.times.event_family import EventAnswer, EventFamily, EventRows, Events, clustered, whole
from crampstudy.nights import event_times

REMEDY, PAIN, AFTER, SORE = "remedy", "pain_0_10", "pain_after_0_10", "residual_soreness"
FALL = "pain_fall"
COLUMNS = {"relief": ("relief_s",), FALL: (PAIN, AFTER), SORE: (SORE,)}
"""What each outcome is made of."""
WITHOUT_REMEDY = "none"
APART = "what was used cannot be told apart within participants: too few used one thing beside another"
ALIKE = "no participant used one remedy, or none, on some cramps and another on others"
NOTHING_TO_COMPARE = "no cramp without a remedy is among those that could be compared"
NEVER = "no participant who used different remedies was ever sore"
ALL_OR_NONE = "with some remedy, or with none, every cramp or no cramp was followed by soreness"

Solver = Callable[[Array, Array, Codes], PersonFit]


def relief_rows(request: ModelRequest) -> EventRows:
    """Return the cramps with a time to relief of participants who used more than one remedy."""
    found = event_times.relief_times(whole(request), request.bands)
    # Relief that had not come has no time, and is censored.
    return _compared(request, found.frame, pl.lit(0.0), (), found.without)


def fall_rows(request: ModelRequest) -> EventRows:
    """Return the cramps with pain before and after, likewise; their outcome is the fall."""
    frame = event_times.episodes(whole(request), request.bands)
    return _compared(request, frame, (pl.col(PAIN) - pl.col(AFTER)).cast(pl.Float64), COLUMNS[FALL])


def soreness_rows(request: ModelRequest) -> EventRows:
    """Return the cramps of which it is known whether soreness followed, likewise, of those in whom it ever did."""
    frame = event_times.episodes(whole(request), request.bands)
    return _compared(request, frame, pl.col(SORE).cast(pl.Float64), COLUMNS[SORE], ever=True)


def _compared(
    request: ModelRequest,
    frame: pl.DataFrame,
    outcome: pl.Expr,
    made_of: tuple[str, ...],
    without: tuple[tuple[str, int], ...] = (),
    *,
    ever: bool = False,
) -> EventRows:
    """Return the rows that compare a participant's cramps with each other, and say how many do not.

    A cramp that lacks several columns is counted with the first.
    """
    terms = formula.names_in(formula.parse(request.terms)) - {REMEDY}
    known, unknown = frame.with_columns(_outcome=outcome), []
    for name in dict.fromkeys((REMEDY, *made_of, *sorted(terms))):
        left = known.drop_nulls(name)
        unknown.append((f"without {labels([name])}", known.height - left.height))
        known = left
    varied = known.filter(pl.col(REMEDY).n_unique().over("participant_id") > 1)
    kept = varied.filter(pl.col("_outcome").sum().over("participant_id") > 0) if ever else varied
    lost = (
        *without,
        *unknown,
        ("of participants who always did the same", known.height - varied.height),
        ("of participants who were never sore", varied.height - kept.height),
    )
    why_not = ALIKE if varied.is_empty() else NEVER if kept.is_empty() else None
    if why_not is None and (kept[REMEDY] != WITHOUT_REMEDY).all():
        why_not = NOTHING_TO_COMPARE
    return EventRows(kept.drop("_outcome"), "cramps", lost, kept["_outcome"].to_numpy(), why_not=why_not)


def labels(names: Iterable[str]) -> str:
    """Return what was logged of cramps, as printed."""
    return " or ".join(dict.fromkeys(variable(name).label.lower() for name in names))


def _hazard(of: Events) -> EventAnswer:
    times = cox.Times(of.source.frame["time"].to_numpy(), of.source.frame["event"].to_numpy(), strata=of.groups)
    if reason := _untold(of):
        return _none(of, reason)
    fitted = times.fit(of.matrix)
    if fitted.problem or fitted.curvatures is None:
        return _none(of, fitted.problem or cox.NO_EVENT, "not_estimable" if fitted.separated else "not_converged")
    # A participant is at risk among the own cramps alone, so that the sums over them are exact.
    found = PersonFit(fitted.coefficients, cluster_sums(fitted.scores, of.groups), fitted.curvatures(of.groups))
    return _answer(of, found, fitted.events)


def _numbers(solver: Solver) -> Callable[[Events], EventAnswer]:
    def solve(of: Events) -> EventAnswer:
        outcome = of.source.outcome
        if reason := _untold(of):
            return _none(of, reason)
        found = solver(outcome, of.matrix, of.groups)
        if found.problem:
            return _none(of, found.problem, "not_converged")
        events = len(outcome) if of.request.outcome == FALL else int(outcome.sum())
        return _answer(of, found, events)

    return solve


def _soreness(of: Events) -> EventAnswer:
    sore, remedy = of.source.outcome > 0, of.source.frame[REMEDY].cast(pl.String).to_numpy()
    if any(not sore[remedy == level].any() for level in np.unique(remedy)):
        return _none(of, ALL_OR_NONE)
    return _numbers(person_fit.prevalence_ratio)(of)


def _untold(of: Events) -> str | None:
    return APART if person_fit.within_rank(of.matrix, of.groups) < len(of.design.columns) else None


def _answer(of: Events, found: PersonFit, events: int) -> EventAnswer:
    answer, used = clustered(of, found.coefficients, found.scores, found.information, found.curvatures)
    return EventAnswer(answer, events, used=used)


def _none(of: Events, reason: str, status: Status = "not_estimable") -> EventAnswer:
    return EventAnswer(CoefficientTable.none(of.design, status, reason), 0)


RELIEF = EventFamily(
    name="cox, within persons",
    rows="cramps or gaps",
    outcomes=("relief",),
    sources={"relief": relief_rows},
    solve=_hazard,
    scale=Scale("hazard_ratio", "hazard", "hazard"),
    baseline=True,
)
FALL_OF_PAIN = EventFamily(
    name="linear, within persons",
    rows="cramps or gaps",
    outcomes=(FALL,),
    sources={FALL: fall_rows},
    solve=_numbers(person_fit.difference),
    scale=Scale("difference", "mean", "points", of="points"),
    baseline=True,
)
SORENESS = EventFamily(
    name="poisson, within persons",
    rows="cramps or gaps",
    outcomes=(SORE,),
    sources={SORE: soreness_rows},
    solve=_soreness,
    scale=Scale("prevalence_ratio", "prevalence", "prevalence"),
    baseline=True,
)
FAMILIES = (RELIEF, FALL_OF_PAIN, SORENESS)
