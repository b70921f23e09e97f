"""Models of cramps, of the gaps between them, or of a diary's participants: from a question to the rows of its answer.

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
from crampstudy.codebook.recalled import LABELS
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import INCOMPLETE, OUTSIDE, UNDECIDED, Account, lost_tables, read_as
from crampstudy.errors import UsageError
from crampstudy.estimates import Status
from crampstudy.models.classes import ordinal_rows
from crampstudy.models.classes.ordinal import ordinal
from crampstudy.models.coefficients import reporting_units, rows
from crampstudy.models.coefficients.lone_levels import Rest, rests
from crampstudy.models.coefficients.result import Fit, association, base, linear
from crampstudy.models.common import recalled_outcomes
from crampstudy.models.common.estimability import collinear, name
from crampstudy.models.inference import automatic
from crampstudy.models.inference.covariance import CURVED_TO, JACKKNIFE_BELOW, Covariance, cluster_sums
from crampstudy.models.inference.exposed_participants import exposed
from crampstudy.models.request import Question, check_multiples
from crampstudy.models.terms import design_matrix, formula
from crampstudy.models.times.cox import Times
from crampstudy.nights import Diary, denominator, event_times, people
from crampstudy.wording import counted

_HAZARDS = rows.Scale("hazard_ratio", "hazard", "hazard")
_TABLES = ("participants", "diary", "episodes")
_COVARIANCES: tuple[Covariance, ...] = ("auto", "cluster", "cluster-hc0", "model")
LATER_GAPS = 5
"""From this one on a participant's gaps share a baseline: later ones are few, and much alike."""


@dataclass(frozen=True, slots=True)
class Rows:
    """A row per cramp, gap, night within a gap or participant; ``outcome`` (n) is the class of an ordinal model.

    ``plural`` is what a row is, ``lost`` what of the cohort has no row, reason and number, ``remark`` what else is to
    be said of that; ``without`` what a row without an outcome lacks, ``table`` the one that is read for it.
    """

    frame: pl.DataFrame
    plural: str
    lost: tuple[tuple[str, int], ...]
    outcome: NDArray[np.float64]
    levels: tuple[str, ...] = ()
    without: str = ""
    table: str = "episodes"
    remark: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    answer: rows.Answer
    events: int
    iterations: int = 0
    log_likelihood: float = float("nan")
    note: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """What a question is answered from: the rows used and their design without intercept, or the ``reason`` against it.

    ``groups`` (n) are the participants' codes 0..G-1, of which there are ``clusters``; ``remarks`` say what of the
    cohort was left out.
    """

    asked: Question
    source: Rows
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
            reason=_obstacle(self.asked, rest.design, clusters, self.source.plural),
            remarks=(counted(frame.height, self.source.plural), *self.remarks[1:], account.remarks()[-1]),
            account=account,
        )

    def times(self) -> Times:
        """Return the times of a Cox model."""
        frame, strata = self.source.frame, None
        if self.asked.outcome == "gap":
            strata = frame["gap"].clip(upper_bound=LATER_GAPS).to_numpy().astype(np.intp) - 1
        by_night = "start" in frame.columns
        return Times(
            frame["stop" if by_night else "time"].to_numpy(),
            frame["event"].to_numpy(),
            frame["start"].to_numpy() if by_night else None,
            strata,
        )

    def classes(self) -> tuple[Array, list[str]]:
        """Return the codes (n) of an ordinal model and the levels that somebody is in."""
        seen = np.unique(self.source.outcome).astype(int)
        codes = np.searchsorted(seen, self.source.outcome).astype(np.float64)
        return codes, [self.source.levels[code] for code in seen]


def events(asked: Question) -> Events:
    """Return what a question of cramps, of gaps, or of a diary's participants is answered from.

    Raises:
        UsageError: the model and the arguments do not go together, a name is unknown, or the cohort has no such rows.
    """
    if asked.kind not in _COVARIANCES:
        raise UsageError(f"{asked.model} has no covariance {asked.kind}; allowed: {', '.join(_COVARIANCES)}")
    if asked.exposure != "nights" or asked.weight or asked.random_slope:
        raise UsageError(f"{asked.model} takes no exposure, no weight and no random slope")
    source = _SOURCES[asked.outcome](asked)
    part = subpopulation.select(source.frame, asked.where)
    inside, known = part.inside.to_numpy(), np.isfinite(source.outcome)
    design = design_matrix.build(
        source.frame, asked.terms, candidate=inside & known, per_coefficient=asked.participants_per_coefficient
    )
    check_multiples(asked.per, design)
    if design.beside:
        raise UsageError(f"{asked.model} takes no offset() or weights()")
    design = design.without_intercept()
    if asked.model == "cox" and not (design.columns or design.not_measured or design.constant or design.surplus):
        raise UsageError("a Cox model needs a term; its baseline takes the place of an intercept")
    used = replace(source, frame=source.frame.filter(pl.Series(design.rows)), outcome=source.outcome[design.rows])
    groups = used.frame["participant_id"].rle_id().to_numpy().astype(np.intp)
    clusters = int(groups.max()) + 1 if len(groups) else 0
    reason = _obstacle(asked, design, clusters, source.plural)
    left_out = (
        *source.lost,
        (UNDECIDED, part.undecided),
        (OUTSIDE, source.frame.height - part.undecided - int(inside.sum())),
        (source.without, int((inside & ~known).sum())),
        (INCOMPLETE, design.incomplete),
    )
    names = formula.names_in(formula.parse(asked.terms)) | set(subpopulation.names(asked.where) if asked.where else ())
    counts = () if isinstance(asked.cohort, Diary) else lost_tables(asked.cohort.attrition.tables, source.table)
    found = source.frame.height + sum(n for _, n in source.lost)
    account = Account(source.plural, found, left_out, counts, read_as(source.frame, names, *_TABLES))
    remarks = (counted(used.frame.height, source.plural), source.remark, *design.remarks, *account.remarks())
    return Events(asked, used, design, groups, clusters, reason, remarks, account)


def fit_events(asked: Question) -> Fit:
    """Answer a question of cramps, of gaps, or of a diary's participants.

    Raises:
        UsageError: as :func:`events`.
    """
    asked_of = events(asked)
    design = asked_of.design
    found = _found(asked_of)
    if found.answer.status != "converged" and (left := rests(asked_of.groups, design)):
        (rest,) = left
        again = asked_of.left(rest)
        found_again = _found(again)
        if found_again.answer.status == "converged":
            asked_of, found = again, replace(found_again, answer=rest.of_whole(found_again.answer))
        elif not rest.design.columns:
            found = replace(found, answer=rest.failed(found.answer))
    scale = _HAZARDS if asked.model == "cox" else ordinal_rows.SCALE
    cells = base(asked) | {
        "estimand": association(design),
        "n_participants": asked_of.clusters,
        "n_groups": asked_of.clusters,
        "n_events": found.events,
        "note": rows.note(*asked_of.remarks, found.note),
    }
    per = reporting_units.steps(found.answer, design, scale, asked.per, asked.ci_level)
    made = rows.rows(found.answer, scale, cells, asked.ci_level, per, asked.margins)
    made += rows.left_out(design, scale, cells)
    predictor = None if asked.free_terms else linear(found.answer, design, cells, scale)
    n = asked_of.source.frame.height
    return Fit(
        tidy.frame(made),
        asked.model,
        n,
        found.iterations,
        found.log_likelihood,
        found.answer.status,
        predictor,
        asked_of.account,
    )


def _found(of: Events) -> _Found:
    if of.reason:
        return _Found(rows.Answer.none(of.design, "not_estimable", of.reason), 0)
    return _cox(of) if of.asked.model == "cox" else _ordinal(of)


def _obstacle(asked: Question, design: design_matrix.Design, clusters: int, plural: str) -> str | None:
    # A gap is made of nights without a cramp.
    if asked.outcome == "gap" and (why_not := denominator(asked.cohort).why_not):
        return why_not
    if not design.rows.any():
        return f"there are no {plural} complete on the terms"
    if not design.columns and asked.model == "cox":
        return "no term is left whose ratio could be estimated"
    if asked.kind != "model" and clusters <= len(design.columns):
        p = len(design.columns)
        return f"{clusters} participants are too few for a cluster-robust covariance of {p} coefficients"
    return collinear(design.standardised())


def _cox(of: Events) -> _Found:
    design, kind = of.design, of.asked.kind
    note = ""
    if of.asked.outcome == "gap":
        note = f"a baseline for each gap of a participant, from number {LATER_GAPS} on a common one"
    fitted = of.times().fit(of.matrix)
    if fitted.problem:
        by = ", ".join(of.names[i] for i in fitted.separated)
        reason = f"{fitted.problem} ({by})" if by else fitted.problem
        status: Status = "not_estimable" if by or not fitted.events else "not_converged"
        none = rows.Answer.none(design, status, reason)
        return _Found(none, fitted.events, fitted.iterations, note=note)
    scores, curvatures = cluster_sums(fitted.scores, of.groups), None
    if fitted.curvatures and of.clusters <= CURVED_TO:
        curvatures = fitted.curvatures(of.groups)
    if kind == "auto" and of.clusters < JACKKNIFE_BELOW:
        without = of.times().left_out(fitted, of.matrix, of.groups)
        scores, curvatures = without.scores, without.curvatures
    made = automatic.of_clusters(scores, fitted.information, curvatures, len(design.columns), kind)
    standard = design.standard
    coefficients, variance = standard.coefficients(fitted.coefficients, made.variance)
    moments = made.moments.turned(standard.back())
    answer = rows.Answer(
        design.columns,
        coefficients,
        np.sqrt(np.diag(variance)),
        moments,
        "converged",
        smooths=design.smooths,
        variance=variance,
        declared=design.declared,
    ).resting_on(exposed(design, of.groups))
    note = rows.note(note, *automatic.named(made, kind)) or ""
    return _Found(answer, fitted.events, fitted.iterations, fitted.log_likelihood, note)


def _ordinal(of: Events) -> _Found:
    design, kind = of.design, of.asked.kind
    codes, levels = of.classes()
    above = int((codes > 0).sum())
    if len(levels) < 2:
        reason = f"every one of the {of.source.plural} is in class {levels[0]}: there are no classes to tell apart"
        return _Found(rows.Answer.none(design, "not_estimable", reason), above)
    free = ordinal_rows.free_columns(design, of.asked.free_terms)
    fitted = ordinal(of.matrix, codes, levels=levels, names=of.names, free=free)
    if fitted.problem:
        return _Found(rows.Answer.none(design, fitted.status, fitted.problem), above, fitted.iterations)
    # Each slope needs a participant's score of its own; of thresholds, which all have cramps on both sides, none does.
    slopes = len(fitted.names) - len(fitted.thresholds)
    if kind != "model" and of.clusters <= slopes:
        reason = f"{of.clusters} participants are too few for a cluster-robust covariance of {slopes} slopes"
        return _Found(rows.Answer.none(design, "not_estimable", reason), above, fitted.iterations)
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
    note = rows.note(ordinal_rows.remark(of.source.levels, levels), *automatic.named(made, kind)) or ""
    return _Found(answer, above, fitted.iterations, fitted.log_likelihood, note)


def _relief(asked: Question) -> Rows:
    found = event_times.relief_times(_whole(asked), asked.bands)
    return Rows(found.frame, "cramps", found.without, np.zeros(found.frame.height))


def _gap(asked: Question) -> Rows:
    cohort = asked.cohort
    names = formula.names_in(formula.parse(asked.terms)) | set(subpopulation.names(asked.where) if asked.where else ())
    own = set(people(cohort, asked.bands).columns) if cohort.kind == "diary" else set()
    # What may differ from night to night is met night by night; what does not, gap by gap, with the same answer.
    times = event_times.gap_times if names <= own else event_times.gap_nights
    found = times(cohort, asked.bands)
    unknown = np.zeros(found.frame.height)
    if names <= own:
        return Rows(found.frame, "gaps", found.without, unknown, table="diary")
    # What has no night cannot be counted in nights.
    remark = f"{counted(found.left_out, 'gaps')} {event_times.UNFOLLOWED}" if found.left_out else ""
    return Rows(found.frame, "nights", found.without, unknown, table="diary", remark=remark)


def _pain(asked: Question) -> Rows:
    frame = event_times.episodes(_whole(asked), asked.bands)
    if "pain_0_10" not in frame.columns:
        raise UsageError(f"the episodes of {asked.cohort.name} have no pain_0_10")
    pain = frame["pain_0_10"].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    # A score between two whole ones is a class of its own.
    scores = np.union1d(np.arange(11), pain[np.isfinite(pain)])
    codes = np.where(np.isnan(pain), np.nan, np.searchsorted(scores, pain))
    return Rows(frame, "cramps", (), codes, tuple(f"{score:g}" for score in scores), "without a score of pain")


def _recalled(asked: Question) -> Rows:
    if asked.cohort.kind == "survey":
        raise UsageError(f"{asked.cohort.name} is a survey: use survey-ordinal, which keeps its sampling design")
    frame = people(asked.cohort, asked.bands).sort("participant_id")
    found = recalled_outcomes.classes(frame)
    return Rows(frame, "participants", (), found, LABELS, "without a recalled class", "participants")


def _whole(asked: Question) -> Cohort:
    if isinstance(asked.cohort, Diary):
        raise UsageError("a scanned diary has no episodes; open the cohort as a whole")
    return asked.cohort


_SOURCES: Mapping[str, Callable[[Question], Rows]] = {
    "relief": _relief,
    "gap": _gap,
    "pain": _pain,
    "recalled_class": _recalled,
}
