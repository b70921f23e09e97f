"""What is asked of a treatment, and the cells that the rows of its answers share."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.estimates import adjustment, facts, kinds, verdicts
from crampstudy.estimates.kinds import Kind
from crampstudy.estimates.treatments import RANDOMISED
from crampstudy.estimates.verdicts import CRAMPS, MARGINS, PER_WEEK, Margins
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.inference.covariance import p_value, quantile
from crampstudy.nights import NIGHTS_PER_WEEK
from crampstudy.treatments.designs import UNTREATED, TreatmentDesign
from crampstudy.wording import counted

Row = dict[str, Any]
Difference = Callable[[Array, Array], tuple[float, float]]
"""A number of coefficients (p) and their covariance (p x p), with its standard error."""
POLICY = "all nights from time zero on count, whatever was stopped or taken besides (treatment policy)"
WEEK_UNIT = "cramps a week"
NO_RATIO = "so that there is no ratio, nor an interval of the difference"
GIVEN = "treated"
RUN_IN, PERIOD = "run_in_log_rate", "period_rank"
_PRINTED = {RUN_IN: "run-in", PERIOD: "period"}
"""What a design adjusts for, by the term of the models."""
"""Whether a participant, or a night, is with the treatment."""

_COUNTED = ("n_participants", "n_nights", "n_events", "n_groups", "n_exposed", "n_effective")
_ESTIMATED = ("estimate", "ci_low", "ci_high", "std_error", "df", "p_value", "status")


@dataclass(frozen=True, slots=True)
class TreatmentQuestion:
    """How the effects of treatments are asked for.

    Args:
        ci_level: confidence level.
        margins: ratios between which a verdict takes one as good as 1.
        run_in: nights from the first logged night to time zero, in the place of what the tables say
            (:func:`~crampstudy.treatments.time_zero.time_zero`).
        build_up: nights after a start that are left out, as the effect is not there yet.
        washout: nights after an end that are left out, as the effect may last.

    Raises:
        UsageError: a number of nights is negative, or a run-in has none.
    """

    ci_level: float = 0.95
    margins: Margins = MARGINS
    run_in: int | None = None
    build_up: int = 0
    washout: int = 0

    def __post_init__(self) -> None:
        if self.run_in is not None and self.run_in < 1:
            raise UsageError(f"a run-in has 1 night or more, got {self.run_in}")
        for name, nights in (("build-up", self.build_up), ("washout", self.washout)):
            if nights < 0:
                raise UsageError(f"a {name} has 0 nights or more, got {nights}")

    @property
    def with_all_nights(self) -> TreatmentQuestion:
        """The same question with no night set apart."""
        return replace(self, build_up=0, washout=0)


def cells_of(cohort: Cohort, design: TreatmentDesign, kind: Kind, level: str, **more: Any) -> Row:
    """Return the cells that say what a row is of: an ``estimand`` and other cells are in ``more``."""
    return {
        "cohort": cohort.name,
        "population": RANDOMISED if design.randomised else "all participants",
        "outcome": CRAMPS,
        "analysis": kind.name,
        "term": design.agent,
        "level": level,
        "reference": design.against or UNTREATED,
        "scale": "rate_ratio",
        **more,
    }


def effect(design: TreatmentDesign) -> str:
    """Return what a contrast may be called: only lots, or what stands for them, make it an effect."""
    return "randomised effect" if design.randomised else "association"


def of_term(fitted: Fit, term: str) -> Row:
    """Return the row of a single term of a fit as a mapping, ``None`` for what is missing."""
    return next(
        row for row in wording.with_none(fitted.estimates[~kinds.is_split(fitted.estimates)]) if row["term"] == term
    )


ENOUGH = 100
"""With fewer participants, intervals of models of persons' levels cover less than they say (docs/recovery.md)."""


def of_few(people: int) -> str:
    """Return what is said of an interval by a model of so many participants' levels, empty where nothing is."""
    said = "intervals of this kind cover less than they say (docs/recovery.md)"
    return f"of fewer than {ENOUGH} participants {said}" if people < ENOUGH else ""


def taken(found: Mapping[str, Any], cells: Row, *notes: str, judged: Margins | None = None) -> Row:
    """Return the row of a question with the estimate ``found`` by a model, with a verdict by the margins ``judged``.

    What the model says in ``facts`` it says as well, and those of the ``cells``, which are a mapping.

    Of what has no estimate the note is the reason alone, and not how it would have been made.
    """
    numbers = {name: found[name] for name in (*_COUNTED, *_ESTIMATED) if found.get(name) is not None}
    if found.get("adjustment") == adjustment.LEFT_OUT and found.get("estimate") is not None:
        cells = cells | _without(adjustment.lacks(found), str(cells.get("adjusted_for") or ""))
    reason = str(found.get("note") or "")
    note = estimates.note(reason) if reason and found.get("estimate") is None else estimates.note(*notes, reason)
    told = facts.read(found.get("facts")) | cells.get("facts", {})
    made = estimates.row(**{**numbers, **cells, "model": found.get("model"), "facts": told, "note": note})
    if judged is None:
        return made
    verdict = verdicts.verdict(made, judged)
    return verdicts.with_margins(made, judged) | {"verdict": verdict}


def _without(lost: Collection[str], adjusted_for: str) -> Row:
    """Return the cells of an estimate whose model had to leave terms out of what its design adjusts for."""
    gone = {*lost, *(_PRINTED[term] for term in lost if term in _PRINTED)}
    mark = "; " if "; " in adjusted_for else ", "
    kept = mark.join(part for part in adjusted_for.split(mark) if part not in gone) or None
    return {"adjusted_for": kept, **adjustment.cells(adjustment.LEFT_OUT, [*lost])}


def interval(value: float, error: float, df: float | None, ci_level: float, *, ratio: bool = False) -> Row:
    """Return the cells of a number with its interval and test by t; what has no error has no test.

    Args:
        value: the number, of a ratio its logarithm.
        error: the standard error of ``value``.
        df: degrees of freedom; ``None`` for z.
        ci_level: confidence level.
        ratio: whether the cells are those of a ratio.
    """
    df = math.inf if df is None else df
    reach = quantile(ci_level, df) * error
    shown = [value, value - reach, value + reach]
    limits = dict(
        zip(("estimate", "ci_low", "ci_high"), (float(np.exp(each)) for each in shown) if ratio else shown, strict=True)
    )
    return limits | {"std_error": error, "df": df, "p_value": p_value(value / error, df) if error else None}


def weekly_difference(designs: Sequence[Array], beta: Array, covariance: Array) -> tuple[float, float]:
    """Return how many more cramps a week a log-linear model expects of one design than of another, and the error of it.

    Args:
        designs: two matrices (n x p), of which the rows are averaged.
        beta: the coefficients (p).
        covariance: that of the coefficients (p x p), for the delta method.
    """
    means, slopes = [], []
    for design in designs:
        rates = NIGHTS_PER_WEEK * np.exp(design @ beta)
        means.append(float(rates.mean()))
        slopes.append((rates[:, None] * design).mean(axis=0))
    gradient = slopes[0] - slopes[1]
    return means[0] - means[1], float(np.sqrt(gradient @ covariance @ gradient))


def weekly(fitted: Fit, first: Row, cells: Row, asked: TreatmentQuestion, difference: Difference, *notes: str) -> Row:
    """Return the row of the difference in cramps a week that a model expects, where its ratio has an estimate.

    Args:
        fitted: the model, with a covariance that the interval is to have.
        first: its row of the treatment.
        cells: those of the row, with its estimand.
        asked: confidence level and margins.
        difference: of the coefficients and their covariance, with its error.
        notes: what is said of it.
    """
    cells = cells | {"outcome": PER_WEEK, "scale": verdicts.DIFFERENCE, "unit": WEEK_UNIT}
    if first["status"] != "converged" or first["estimate"] is None:
        return taken(first | {"estimate": None, "status": "not_estimable"}, cells, judged=asked.margins)
    beta, covariance = (np.asarray(each, dtype=np.float64) for each in (fitted.coefficients, fitted.vcov))
    value, error = difference(beta, covariance)
    return taken(first | interval(value, error, first["df"], asked.ci_level), cells, *notes, judged=asked.margins)


def without_offset(found: Row) -> Row:
    """Return the row of a model of sums without the remark on its offset, which is the number of nights."""
    kept = [part for part in str(found.get("note") or "").split("; ") if not part.startswith("with offset(")]
    return {**found, "note": "; ".join(kept)}


def of_both(rows: Sequence[Row], margins: Margins = MARGINS) -> list[Row]:
    """Return rows in which the ratio and the difference in cramps a week of one contrast have verdicts that agree."""
    pairs = ((row, verdicts.other_of_contrast(row, rows)) for row in rows)
    return [row | verdicts.of_both(row, beside, margins) if beside else row for row, beside in pairs]


def nothing(cells: Row, reason: str, *, exposed: int | None = None) -> Row:
    """Return a row without an estimate, for the reason; of how many were exposed its verdict may say too few."""
    made = estimates.row(status="not_estimable", **{**cells, "note": reason, "n_exposed": exposed})
    return made | {"verdict": verdicts.verdict(made)}


def rates_of(nights: pl.DataFrame, design: TreatmentDesign) -> dict[str, tuple[int, float]]:
    """Return the cramps and the number of nights with a design's agent, and with what it is compared with, by name.

    Args:
        nights: ``cramps``, and ``treated``, whether a night is with the agent.
        design: of the agent.
    """
    pair = ((design.agent, True), (design.against, False))
    found = {name: nights.filter(pl.col(GIVEN) == given) for name, given in pair}
    return {name: (int(own["cramps"].sum()), float(own.height)) for name, own in found.items()}


def without_cramp(rates: Mapping[str, tuple[int, float]]) -> str:
    """Return why two arms have no ratio, empty where both have a cramp.

    Args:
        rates: cramps and nights of each of two arms, by its name.
    """
    lacking = [name for name, (cramps, _) in rates.items() if not cramps]
    if not lacking:
        return ""
    who = " or with ".join(map(arm, lacking))
    return f"no cramp with {who} on the nights that are compared, {NO_RATIO}"


def without_ratio(cells: Row, rates: Mapping[str, tuple[int, float]], participants: int, exposed: int) -> list[Row]:
    """Return the rows of two arms one of which is without a cramp: no ratio, and the difference of their rates.

    What an arm without a cramp may differ by chance is told by none of its nights, so that the difference has no
    interval, and neither has a verdict.

    Args:
        cells: those of the ratio.
        rates: cramps and nights of each arm, that of the treatment first.
        participants: how many are compared.
        exposed: how many of them had the treatment.
    """
    (treated, nights), (others, of_others) = rates.values()
    why = without_cramp(rates)
    counts = {"n_participants": participants, "n_exposed": exposed, "facts": {"no interval": why}, "note": why}
    counts |= {"n_events": treated + others, "n_nights": int(nights + of_others)}
    weekly = {"outcome": PER_WEEK, "scale": verdicts.DIFFERENCE, "unit": WEEK_UNIT, "adjusted_for": None}
    weekly |= {"estimand": f"{cells['estimand']}, difference of the rates as observed"}
    value = NIGHTS_PER_WEEK * (treated / nights - others / of_others)
    return [
        estimates.row(status="not_estimable", **{**cells, **counts}),
        estimates.row(status="boundary", **{**cells, **counts, **weekly, "estimate": value}),
    ]


def of_those(people: int, having: str, asked: TreatmentQuestion | None = None, every: int = 0) -> str:
    """Return that too few, or nobody, is ``having`` what a comparison needs.

    Args:
        people: how many are.
        having: what that is.
        asked: where nights are set apart as of a build-up or a washout, how many.
        every: how many would be, were they not set apart.
    """
    spans = [("a build-up", asked.build_up), ("a washout", asked.washout)] if asked else []
    said = [f"{name} of {counted(nights, 'nights')}" for name, nights in spans if nights]
    if said and every > people:
        having += f", with {wording.listed(said)} set apart ({counted(every, 'participants')} without that)"
    return f"{counted(people, 'participants')} {having}: too few" if people else f"no participant {having}"


def set_apart(nights: int, why: str) -> str:
    """Return how many nights were left out for their place in a period, nothing where none was."""
    return f"{counted(nights, 'nights')} of {why} left out" if nights else ""


def arm(name: str) -> str:
    """Return an arm in words."""
    return "no treatment" if name == UNTREATED else wording.agent(name)
