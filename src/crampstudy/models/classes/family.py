"""Ordinal regression of the pain of each cramp, or of the class that a diary's participants recall."""

from __future__ import annotations

import numpy as np
import polars as pl

from crampstudy.arrays import Array
from crampstudy.codebook.recalled import LABELS
from crampstudy.errors import UsageError
from crampstudy.models.classes import ordinal_rows, proportionality
from crampstudy.models.classes.ordinal import ordinal
from crampstudy.models.coefficients import rows
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.family import Proportionality
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import CURVED_TO, cluster_sums, covariance
from crampstudy.models.inference.exposed_participants import exposed
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion, ours, robust
from crampstudy.models.times.event_family import EventAnswer, EventFamily, EventRows, Events, compared, events, whole
from crampstudy.nights import event_times, people
from crampstudy.wording import counted


def classes_of(of: Events) -> tuple[Array, list[str]]:
    """Return the codes (n) behind the rows of a request and the levels that somebody is in."""
    seen = np.unique(of.source.outcome).astype(int)
    codes = np.searchsorted(seen, of.source.outcome).astype(np.float64)
    return codes, [of.source.levels[code] for code in seen]


def _solve(of: Events) -> EventAnswer:
    design, kind = of.design, of.request.covariance
    codes, levels = classes_of(of)
    above = int((codes > 0).sum())
    if len(levels) < 2:
        reason = f"every one of the {of.source.plural} is in class {levels[0]}: there are no classes to tell apart"
        return EventAnswer(rows.CoefficientTable.none(design, "not_estimable", reason), above)
    free = ordinal_rows.free_columns(design, of.request.options.free_terms)
    fitted = ordinal(of.matrix, codes, levels=levels, names=of.names, free=free)
    if fitted.problem:
        return EventAnswer(rows.CoefficientTable.none(design, fitted.status, fitted.problem), above, fitted.iterations)
    # Each slope needs a participant's score of its own; of thresholds, which all have cramps on both sides, none does.
    slopes = len(fitted.names) - len(fitted.thresholds)
    if kind != "model" and of.clusters <= slopes:
        reason = (
            f"{counted(of.clusters, 'participants', 'are')} too few for a cluster-robust covariance of {slopes} slopes"
        )
        return EventAnswer(rows.CoefficientTable.none(design, "not_estimable", reason), above, fitted.iterations)
    curvatures = None
    if fitted.curvatures and of.clusters <= CURVED_TO:
        curvatures = fitted.curvatures(of.groups, of.clusters)
    scores = cluster_sums(fitted.scores, of.groups)
    first = fitted.proportional
    made = automatic.of_clusters(
        scores, fitted.information, curvatures, len(fitted.names), kind, range(first, first + len(levels) - 1)
    )
    answer = ordinal_rows.answer(design, levels, free, fitted.parameters, made.variance, made.moments)
    answer = answer.resting_on(ordinal_rows.at_limits(exposed(design, of.groups), levels))
    note = ordinal_rows.remark(of.source.levels, levels)
    return EventAnswer(answer, above, fitted.iterations, fitted.log_likelihood, note, tuple(levels), made.used)


def _pain(request: ModelRequest) -> EventRows:
    frame = event_times.episodes(whole(request), request.bands)
    if "pain_0_10" not in frame.columns:
        raise UsageError(f"the episodes of {request.cohort.name} have no pain_0_10")
    pain = frame["pain_0_10"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    # A score between two whole ones is a class of its own.
    scores = np.union1d(np.arange(11), pain[np.isfinite(pain)])
    codes = np.where(np.isnan(pain), np.nan, np.searchsorted(scores, pain))
    return EventRows(frame, "cramps", (), codes, tuple(f"{score:g}" for score in scores), "without a score of pain")


def _recalled(request: ModelRequest) -> EventRows:
    if request.cohort.kind == "survey":
        raise UsageError(f"{request.cohort.name} is a survey: use survey-ordinal, which keeps its sampling design")
    frame = people(request.cohort, request.bands).sort("participant_id")
    found = recalled_outcomes.classes(frame)
    return EventRows(frame, "participants", (), found, LABELS, "without a recalled class", "participants")


def _proportionality(request: ModelRequest) -> Proportionality:
    of = events(ORDINAL, request)
    if of.reason:
        return Proportionality.none(of.reason)
    codes, levels = classes_of(of)
    if len(levels) < 3:
        return Proportionality.none(proportionality.TOO_FEW)
    groups = None if request.covariance == "model" else of.groups
    tests = proportionality.brant(of.matrix, codes, levels=levels, names=of.names, groups=groups)
    return proportionality.between_classes(tests)


def _again(request: ModelRequest) -> Opinion | NoOpinion:
    if request.options.free_terms:
        return NoOpinion("no_counterpart", "no like-defined fit in statsmodels: its OrderedModel has no free terms")
    of, like = events(ORDINAL, request), robust(request)
    codes, levels = classes_of(of)
    if of.reason or len(levels) < 2:
        return NoOpinion("not_estimable", of.reason or "there are no classes to tell apart")
    fitted = ordinal(of.matrix, codes, levels=levels, names=of.names)
    if fitted.problem:
        return NoOpinion("not_estimable", fitted.problem)
    if not of.design.columns:
        return NoOpinion("no_counterpart", "no like-defined fit in statsmodels: its OrderedModel needs a term")
    p = len(of.design.columns)
    variance = covariance(fitted.information, fitted.scores, of.groups, like)[:p, :p]
    found = ours(of.design, fitted.coefficients, variance)
    # Statsmodels' columns are not measured from their middle, so that its thresholds are those where they are 0.
    thresholds = fitted.thresholds + of.design.standard.centre @ found.coefficients
    theirs = refits.ordered_logit(of.design.matrix, codes, of.groups, like, (found.coefficients, thresholds))
    return compared(of, found, theirs, like)


ORDINAL = EventFamily(
    name="ordinal",
    rows="cramps or participants",
    outcomes=("pain", "recalled_class"),
    options=frozenset({"free_terms"}),
    sources={"pain": _pain, "recalled_class": _recalled},
    solve=_solve,
    scale=ordinal_rows.SCALE,
    no_residuals=ordinal_rows.NO_RESIDUALS,
    proportionality=_proportionality,
    counterpart=_again,
)
