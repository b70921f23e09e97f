"""Families of cramps, of the gaps between them, or of a diary's participants: from a request to the rows of its answer.

Cramps and gaps of one participant hang together, so that participants are the units of every robust covariance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from crampstudy import estimates as tidy
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import INCOMPLETE, Account, lost_tables, read_as, unmet
from crampstudy.errors import UsageError
from crampstudy.models.coefficients import reporting_units, rows
from crampstudy.models.coefficients.left_out import of_left_out
from crampstudy.models.coefficients.lone_levels import Rest, rests
from crampstudy.models.coefficients.result import (
    Fit,
    association,
    base,
    linear,
    predictor,
    response,
)
from crampstudy.models.common.estimability import collinear, name
from crampstudy.models.family import PROPORTIONALITY, Family
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.inference.exposed_participants import exposed
from crampstudy.models.request import ModelRequest, check_multiples
from crampstudy.models.second_opinion.opinion import Opinion
from crampstudy.models.second_opinion.refit import Found, Refit
from crampstudy.models.terms import design_matrix
from crampstudy.nights import Diary
from crampstudy.wording import counted

_TABLES = ("participants", "diary", "episodes")
_COVARIANCES: tuple[Covariance, ...] = ("auto", "cluster", "cluster-hc0", "model")


@dataclass(frozen=True, slots=True)
class EventRows:
    """A row per cramp, gap, night within a gap or participant; ``outcome`` (n) is the class of an ordinal model.

    ``plural`` is what a row is, ``lost`` what of the cohort has no row, reason and number, ``remark`` what else is to
    be said of that; ``without`` what a row without an outcome lacks, ``table`` the one that is read for it. ``why_not``
    says why they have no estimate, where the cohort itself is the reason.
    """

    frame: pl.DataFrame
    plural: str
    lost: tuple[tuple[str, int], ...]
    outcome: NDArray[np.float64]
    levels: tuple[str, ...] = ()
    without: str = ""
    table: str = "episodes"
    remark: str = ""
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class EventAnswer:
    """What the numbers of a family make of its rows: the ``answer``, the ``events`` behind it, and a ``note``.

    ``levels`` are the ordered classes that somebody is in; ``used`` is the covariance, where there is one.
    """

    answer: rows.CoefficientTable
    events: int
    iterations: int = 0
    log_likelihood: float = float("nan")
    note: str = ""
    levels: tuple[str, ...] = ()
    used: Covariance | None = None


@dataclass(frozen=True, kw_only=True)
class EventFamily(Family):
    """A family of cramps, gaps or participants.

    ``sources`` make the rows of each outcome, ``solve`` an answer of them, on the ``scale``. ``baseline`` says that a
    baseline takes the place of an intercept, so that there is nothing to estimate without a term.
    """

    covariances: tuple[Covariance, ...] = _COVARIANCES
    checks: tuple[str, ...] = (PROPORTIONALITY,)
    sources: Mapping[str, Callable[[ModelRequest], EventRows]]
    solve: Callable[[Events], EventAnswer]
    scale: rows.Scale
    baseline: bool = False

    def fit(self, request: ModelRequest) -> Fit:
        """Answer a request of cramps, of gaps, or of a diary's participants."""
        return fit_events(self, request)


@dataclass(frozen=True, slots=True)
class Events:
    """What a request is answered from: the rows used and their design without intercept, or the ``reason`` against it.

    ``groups`` (n) are the participants' codes 0..G-1, of which there are ``clusters``; ``remarks`` say what of the
    cohort was left out.
    """

    family: EventFamily
    request: ModelRequest
    source: EventRows
    design: design_matrix.Design
    groups: NDArray[np.intp]
    clusters: int
    reason: str | None
    remarks: tuple[str, ...]
    account: Account

    @property
    def names(self) -> list[str]:
        """What the columns are called."""
        return [name(column) for column in self.design.columns]

    @property
    def matrix(self) -> Array:
        """The standard columns (n x p), which models are fitted to."""
        return self.design.standardised().matrix

    def left(self, rest: Rest) -> Events:
        """Return what is left of it without the rows of what is one participant's alone."""
        kept = rest.design.rows[rest.whole.rows]
        frame, outcome = self.source.frame.filter(pl.Series(kept)), self.source.outcome[kept]
        groups = np.unique(self.groups[kept], return_inverse=True)[1].astype(np.intp)
        clusters, account = int(groups.max()) + 1, rest.account(self.account)
        return replace(
            self,
            source=replace(self.source, frame=frame, outcome=outcome),
            design=rest.design,
            groups=groups,
            clusters=clusters,
            reason=obstacle(self.family, self.request, rest.design, clusters, self.source),
            remarks=(counted(frame.height, self.source.plural), *self.remarks[1:], account.remarks()[-1]),
            account=account,
        )


def events(family: EventFamily, request: ModelRequest) -> Events:
    """Return what a request of cramps, of gaps, or of a diary's participants is answered from.

    Raises:
        UsageError: the model and the arguments do not go together, a name is unknown, or the cohort has no such rows.
    """
    if request.covariance not in family.covariances:
        allowed = ", ".join(family.covariances)
        raise UsageError(f"{request.model} has no covariance {request.covariance}; allowed: {allowed}")
    if request.exposure != "nights" or request.weight:
        raise UsageError(f"{request.model} takes no exposure, no weight and no random slope")
    source = family.sources[request.outcome](request)
    part = subpopulation.select(source.frame, request.where)
    inside, known = part.inside.to_numpy(), np.isfinite(source.outcome)
    design = design_matrix.build(
        source.frame, request.terms, candidate=inside & known, per_coefficient=request.participants_per_coefficient
    )
    check_multiples(request.per, design)
    if design.beside:
        raise UsageError(f"{request.model} takes no offset() or weights()")
    design = design.without_intercept()
    if family.baseline and not (design.columns or design.not_measured or design.constant or design.surplus):
        raise UsageError("a Cox model needs a term; its baseline takes the place of an intercept")
    used = replace(source, frame=source.frame.filter(pl.Series(design.rows)), outcome=source.outcome[design.rows])
    groups = used.frame["participant_id"].rle_id().to_numpy().astype(np.intp)
    clusters = int(groups.max()) + 1 if len(groups) else 0
    reason = obstacle(family, request, design, clusters, source)
    left_out = (
        *source.lost,
        *unmet(request.where, part, source.frame),
        (source.without, int((inside & ~known).sum())),
        (INCOMPLETE, design.incomplete),
    )
    names = request.names
    counts = () if isinstance(request.cohort, Diary) else lost_tables(request.cohort.attrition.tables, source.table)
    found = source.frame.height + sum(n for _, n in source.lost)
    account = Account(source.plural, found, left_out, counts, read_as(source.frame, names, *_TABLES))
    said = (source.remark, *request.remarks, *design.remarks, *account.remarks())
    remarks = (counted(used.frame.height, source.plural), *said)
    return Events(family, request, used, design, groups, clusters, reason, remarks, account)


def fit_events(family: EventFamily, request: ModelRequest) -> Fit:
    """Answer a request of cramps, of gaps, or of a diary's participants.

    Raises:
        UsageError: as :func:`events`.
    """
    fitted = events(family, request)
    design = fitted.design
    found = _found(fitted)
    if found.answer.status != "converged" and (left := rests(fitted.groups, design)):
        (rest,) = left
        again = fitted.left(rest)
        found_again = _found(again)
        if found_again.answer.status == "converged":
            fitted, found = again, replace(found_again, answer=rest.of_whole(found_again.answer))
        elif not rest.design.columns:
            found = replace(found, answer=rest.failed(found.answer))
    scale = family.scale
    named = automatic.named(found.used, request.covariance) if found.used else ()
    cells = base(request) | {
        "estimand": association(design),
        "n_participants": fitted.clusters,
        "n_groups": fitted.clusters,
        "n_events": found.events,
        "facts": automatic.chosen(found.used, request.covariance) if found.used else {},
        "note": tidy.note(*fitted.remarks, found.note, *named),
    }
    per = reporting_units.steps(found.answer, design, scale, request.per, request.ci_level)
    made = rows.rows(found.answer, scale, cells, request.ci_level, per, request.margins)
    made += of_left_out(design, scale, cells)
    line = None if request.options.free_terms else linear(found.answer, design, cells, scale)
    n = fitted.source.frame.height
    return Fit(
        tidy.frame(made),
        request.model,
        n,
        found.iterations,
        found.log_likelihood,
        found.answer.status,
        line,
        fitted.account,
        predictor=predictor(request, design, found.answer, response(scale), levels=found.levels),
        n_parameters=len(found.answer.columns),
        apart=found.answer.apart,
    )


def _found(of: Events) -> EventAnswer:
    if of.reason:
        return EventAnswer(rows.CoefficientTable.none(of.design, "not_estimable", of.reason), 0)
    return of.family.solve(of)


def clustered(
    of: Events, coefficients: Array, scores: Array, information: Array, curvatures: Array | None
) -> tuple[rows.CoefficientTable, Covariance]:
    """Return coefficients of the standard columns (p) as an answer, and their covariance by its name.

    Args:
        of: what was fitted.
        coefficients: at the maximum (p).
        scores: of the participants (G x p).
        information: p x p.
        curvatures: the participants' parts of it (G x p x p), where they are known.
    """
    design, kind = of.design, of.request.covariance
    made = automatic.of_clusters(scores, information, curvatures, len(design.columns), kind)
    standard = design.standard
    shown, variance = standard.coefficients(coefficients, made.variance)
    moments = made.moments.turned(standard.back())
    answer = rows.CoefficientTable.of(design, shown, variance, moments).resting_on(exposed(design, of.groups))
    return answer, made.used


def obstacle(
    family: EventFamily, request: ModelRequest, design: design_matrix.Design, clusters: int, source: EventRows
) -> str | None:
    """Return why rows of ``clusters`` participants have no estimate of a design, if so.

    Args:
        family: what is fitted.
        request: what is asked of it.
        design: the design of the rows used, without an intercept.
        clusters: how many participants they are of.
        source: all rows.
    """
    if source.why_not:
        return source.why_not
    if not design.rows.any():
        return f"there are no {source.plural} complete on the terms"
    if not design.columns and family.baseline:
        return "no term is left whose ratio could be estimated"
    if request.covariance != "model" and clusters <= len(design.columns):
        p = len(design.columns)
        return f"{counted(clusters, 'participants', 'are')} too few for a cluster-robust covariance of {p} coefficients"
    return collinear(design.standardised(), baseline=True)


def whole(request: ModelRequest) -> Cohort:
    """Return the cohort of a request that needs its cramps one by one.

    Raises:
        UsageError: it is only scanned.
    """
    if isinstance(request.cohort, Diary):
        raise UsageError("a scanned diary has no episodes; open the cohort as a whole")
    return request.cohort


def compared(of: Events, ours: Found, theirs: Refit, errors: str, remark: str = "") -> Opinion:
    """Return both fits of the same rows side by side.

    Args:
        of: the rows.
        ours: our fit.
        theirs: that of statsmodels.
        errors: what both errors are.
        remark: what is to be said of the comparison.
    """
    rests = exposed(of.design, of.groups)
    return Opinion(of.design.columns, of.source.frame.height, errors, ours, theirs, remark, rests)
