"""Cox regression of the time to relief of a cramp, or of the gap to the next one."""

from __future__ import annotations

import numpy as np

from crampstudy import estimates
from crampstudy.estimates import Status
from crampstudy.models.classes.proportionality import ALL
from crampstudy.models.coefficients import rows
from crampstudy.models.common.separation import Apart
from crampstudy.models.family import Proportionality
from crampstudy.models.inference.covariance import CURVED_TO, JACKKNIFE_BELOW, cluster_sums, covariance
from crampstudy.models.request import ModelRequest
from crampstudy.models.second_opinion import refits
from crampstudy.models.second_opinion.opinion import NoOpinion, Opinion, ours
from crampstudy.models.times import cox
from crampstudy.models.times.event_family import (
    EventAnswer,
    EventFamily,
    EventRows,
    Events,
    clustered,
    compared,
    events,
    whole,
)
from crampstudy.nights import denominator, event_times, people
from crampstudy.wording import counted

LATER_GAPS = 5
"""From this one on a participant's gaps share a baseline: later ones are few, and much alike."""


def times_of(of: Events) -> cox.Times:
    """Return the times behind the rows of a request."""
    frame, strata = of.source.frame, None
    if of.request.outcome == "gap":
        strata = frame["gap"].clip(upper_bound=LATER_GAPS).to_numpy().astype(np.intp) - 1
    by_night = "start" in frame.columns
    return cox.Times(
        frame["stop" if by_night else "time"].to_numpy(),
        frame["event"].to_numpy(),
        frame["start"].to_numpy() if by_night else None,
        strata,
    )


def _solve(of: Events) -> EventAnswer:
    design, kind = of.design, of.request.covariance
    note = ""
    if of.request.outcome == "gap":
        note = f"a baseline for each gap of a participant, from number {LATER_GAPS} on a common one"
    fitted = times_of(of).fit(of.matrix)
    if fitted.problem:
        by = [of.names[i] for i in fitted.separated]
        how = dict.fromkeys(by, "by it those with the event are set apart from the others at risk")
        reason = Apart(f"{fitted.problem} ({', '.join(by)})", how) if by else fitted.problem
        status: Status = "not_estimable" if by or not fitted.events else "not_converged"
        none = rows.CoefficientTable.none(design, status, reason)
        return EventAnswer(none, fitted.events, fitted.iterations, note=note)
    scores, curvatures = cluster_sums(fitted.scores, of.groups), None
    if fitted.curvatures and of.clusters <= CURVED_TO:
        curvatures = fitted.curvatures(of.groups)
    if kind == "auto" and of.clusters < JACKKNIFE_BELOW:
        without = times_of(of).left_out(fitted, of.matrix, of.groups)
        scores, curvatures = without.scores, without.curvatures
    answer, used = clustered(of, fitted.coefficients, scores, fitted.information, curvatures)
    note = estimates.note(note, *used) or ""
    return EventAnswer(answer, fitted.events, fitted.iterations, fitted.log_likelihood, note)


def _relief(request: ModelRequest) -> EventRows:
    found = event_times.relief_times(whole(request), request.bands)
    return EventRows(found.frame, "cramps", found.without, np.zeros(found.frame.height))


def _gap(request: ModelRequest) -> EventRows:
    cohort = request.cohort
    names = request.names
    own = set(people(cohort, request.bands).columns) if cohort.kind == "diary" else set()
    # What may differ from night to night is met night by night; what does not, gap by gap, with the same answer.
    times = event_times.gap_times if names <= own else event_times.gap_nights
    found = times(cohort, request.bands)
    unknown = np.zeros(found.frame.height)
    # A gap is made of nights without a cramp.
    why_not = denominator(cohort).why_not or None
    if names <= own:
        return EventRows(found.frame, "gaps", found.without, unknown, table="diary", why_not=why_not)
    # What has no night cannot be counted in nights.
    remark = f"{counted(found.left_out, 'gaps')} {event_times.UNFOLLOWED}" if found.left_out else ""
    return EventRows(found.frame, "nights", found.without, unknown, table="diary", remark=remark, why_not=why_not)


def _proportionality(request: ModelRequest) -> Proportionality:
    of = events(COX, request)
    if of.reason:
        return Proportionality.none(of.reason)
    times = times_of(of)
    fitted = times.fit(of.matrix)
    if fitted.problem:
        return Proportionality.none(fitted.problem)
    found = cox.proportionality(
        fitted,
        of.matrix,
        times,
        groups=of.groups,
        kind="cluster" if request.covariance == "auto" else request.covariance,
    )
    if found.problem:
        return Proportionality.none(found.problem)
    cells = list(zip([*of.names, ALL], found.statistic, found.df, found.p_value, strict=True))
    tests = tuple(
        {"column": column, "statistic": statistic, "df": df, "p_value": p}
        for column, statistic, df, p in [cells[-1], *cells[:-1]]
    )
    return Proportionality(tests, "the hazard ratios change with time", "one hazard ratio does for all of the time")


def _again(request: ModelRequest) -> Opinion | NoOpinion:
    of = events(COX, request)
    fitted = None if of.reason else times_of(of).fit(of.matrix)
    if fitted is None or fitted.problem:
        return NoOpinion("not_estimable", str(of.reason or (fitted and fitted.problem)))
    variance = covariance(fitted.information, fitted.scores, of.groups, "model")
    remark = "the errors compared are the model's: robust ones of statsmodels take Breslow's ties"
    found = ours(of.design, fitted.coefficients, variance)
    theirs = refits.cox(of.design.matrix, times_of(of), found)
    return compared(of, found, theirs, "model", remark)


COX = EventFamily(
    name="cox",
    rows="cramps or gaps",
    outcomes=("relief", "gap"),
    sources={"relief": _relief, "gap": _gap},
    solve=_solve,
    scale=rows.Scale("hazard_ratio", "hazard", "hazard"),
    baseline=True,
    no_residuals="its time may be censored, and what is expected of it is left open; crampstudy.check looks at it",
    proportionality=_proportionality,
    counterpart=_again,
)
