"""What went with a treatment that people took by their own choice: the average effect in the whole cohort, by weights.

Everybody is followed from time zero on whether or not the treatment was stopped and whatever else was taken (treatment
policy). The chance of beginning it is a logistic regression on what came before time zero; what else decides on it, and
on cramps, is in no weight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from crampstudy import estimates, wording
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.contrasts.adjusted import Sufficiency
from crampstudy.descriptive.frequency.measures import ratio
from crampstudy.estimates import adjustment, kinds, verdicts
from crampstudy.estimates.kinds import Kind
from crampstudy.estimates.treatments import BOTH_SIDES, TREATED, UNTREATED, covariate
from crampstudy.estimates.verdicts import CRAMPS, FEWEST_EXPOSED, PER_WEEK
from crampstudy.models.inference.covariance import quantile
from crampstudy.nights import NIGHTS_PER_WEEK, beside, observed_nights
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.open_use import overlap
from crampstudy.treatments.open_use.balance import Imbalance, imbalances
from crampstudy.treatments.open_use.deletion import JACKKNIFE, deleted, without_each, without_each_crude
from crampstudy.treatments.open_use.propensity import FIRST, Covariates, graph_set, measured_before
from crampstudy.treatments.open_use.weights import (
    FollowUp,
    Propensity,
    WeightedRates,
    crude_rates,
    difference,
    log_ratio,
    stabilised,
    weighted_rates,
)
from crampstudy.treatments.question import NO_RATIO, WEEK_UNIT, interval, of_both
from crampstudy.treatments.time_zero import TimeZero, time_zero
from crampstudy.wording import counted

POLICY = "all nights from time zero on, whether or not it was stopped and whatever else was taken (treatment policy)"

Row = dict[str, Any]
_WHO = {TREATED: "took it", UNTREATED: "did not take it"}


@dataclass(frozen=True, slots=True)
class _Asked:
    """One treatment of one cohort: the compared participants, what followed, what came before, and the usual cells.

    ``left_out`` says whom of them the weights leave out.
    """

    agent: str
    people: pl.DataFrame = field(repr=False)
    followed: FollowUp
    measured: pl.DataFrame = field(repr=False)
    cells: Row
    notes: tuple[str, ...]
    ci_level: float
    left_out: str = ""


def open_use(
    cohort: Cohort, design: TreatmentDesign, zero: TimeZero | None = None, *, ci_level: float = 0.95
) -> pd.DataFrame:
    """Return the rates, weighted contrasts, balance and overlap of a treatment in open use.

    The contrasts stand as a ratio and in cramps a week: without weights; with stabilised weights of age, sex and the
    rate before time zero; the same, truncated; and with what else the causal graph asks for. A treatment of fewer than
    5 treated, or untreated, participants is described and not estimated.

    Args:
        cohort: a diary.
        design: that of the treatment, of the kind open use.
        zero: its time zero, by default as of :func:`time_zero`.
        ci_level: confidence level.
    """
    zero = zero or time_zero(cohort, design)
    asked = _asked(cohort, design, zero, ci_level)
    treated = asked.followed.treated
    made = list(_rates(asked))
    fewest = min(int(treated.sum()), int((~treated).sum()))
    if fewest < FEWEST_EXPOSED:
        who = _WHO[TREATED if treated.sum() == fewest else UNTREATED]
        reason = f"fewer than {FEWEST_EXPOSED} people who {who} have {BOTH_SIDES}"
        if not fewest:
            reason = f"nobody who {who} has {BOTH_SIDES}"
        if zero.people["arm"].eq(design.agent).all():
            reason = "everybody took it, so that nobody is left to compare with"
        return estimates.frame([*made, *_none(asked, kinds.OPEN_USE, reason)])
    if not asked.followed.cramps.sum():
        return estimates.frame([*made, *_none(asked, kinds.OPEN_USE, "nobody had a cramp from time zero on")])
    crude = without_each_crude(crude_rates(asked.followed), asked.followed)
    made += _contrasts(asked, kinds.OPEN_USE_CRUDE, asked.followed, crude, ())
    first = Covariates.of(asked.measured, FIRST)
    made += _weighted(asked, kinds.OPEN_USE, first)
    if (found := graph_set(cohort, asked.agent, asked.measured)) is not None:
        held, names = found
        every = Covariates.of(asked.measured, tuple(dict.fromkeys((*first.names, *names))))
        made += _weighted(asked, kinds.OPEN_USE_GRAPH, every, held)
    # What has no estimate is adjusted for nothing.
    return estimates.frame(row if pd.notna(row["estimate"]) else {**row, **adjustment.NONE} for row in of_both(made))


def _asked(cohort: Cohort, design: TreatmentDesign, zero: TimeZero, ci_level: float) -> _Asked:
    compared = zero.compared
    after = (
        beside(observed_nights(cohort), compared.select("participant_id", "time_zero"))
        .filter(pl.col("date") >= pl.col("time_zero"))
        .group_by("participant_id")
        .agg(cramps=pl.col("cramps").sum())
    )
    people = compared.join(after, on="participant_id", how="left", maintain_order="left")
    treated = (people["arm"] == design.agent).to_numpy()
    cramps, nights = (people[name].fill_null(0).cast(pl.Float64).to_numpy() for name in ("cramps", "nights"))
    lost = zero.people.filter(pl.col("left_out").is_not_null()).group_by("left_out", maintain_order=True).len()
    left_out = (f"{counted(n, 'participants')} left out: {why}" for why, n in lost.sort("left_out").iter_rows())
    cells: Row = {
        "cohort": cohort.name,
        "population": "all participants",
        "term": design.agent,
        "level": "begun",
        "reference": "not begun",
    }
    notes = (zero.said, *left_out)
    return _Asked(
        design.agent,
        people,
        FollowUp(treated, cramps, nights),
        measured_before(cohort, zero),
        cells,
        notes,
        ci_level,
    )


def _weighted(asked: _Asked, kind: Kind, covariates: Covariates, graph: Sufficiency | None = None) -> Iterator[Row]:
    """Yield the weighted contrasts of one propensity; of the first one also those truncated, balance and overlap."""
    inside = covariates.known.to_numpy()
    of = FollowUp(asked.followed.treated[inside], asked.followed.cramps[inside], asked.followed.nights[inside])
    unknown = _unknown(asked, covariates)
    if min(int(of.treated.sum()), int((~of.treated).sum())) < FEWEST_EXPOSED:
        yield from _none(asked, kind, f"{unknown}, which leaves fewer than {FEWEST_EXPOSED} of a group")
        return
    labels = {name: wording.small(covariate(name)) for name in covariates.names}
    propensity = Propensity.of(covariates.matrix, of.treated, [labels.get(n, "") for n in covariates.of_columns])
    if propensity.problem:
        names = wording.listed(labels.values())
        yield from _none(asked, kind, f"no chance of treatment could be estimated from {names}: {propensity.problem}")
        return
    weights = stabilised(propensity.chance, of.treated)
    seen = overlap.overlap_of(propensity.chance, weights, of.treated)
    notes = (unknown, seen.sentence, *([graph.sentence] if graph else []))
    asked = replace(asked, cells={**asked.cells, **(graph.cells if graph else {})}, left_out=unknown)
    gone = deleted(propensity, of.treated)
    rates = without_each(weighted_rates(of, propensity), of, propensity, gone)
    yield from _contrasts(asked, kind, of, rates, notes, covariates.names)
    if kind != kinds.OPEN_USE:
        return
    held = without_each(weighted_rates(of, propensity, truncate=True), of, propensity, gone, truncate=True)
    yield from _contrasts(asked, kinds.OPEN_USE_TRUNCATED, of, held, notes[:2], covariates.names)
    found = list(imbalances(asked.measured.filter(pl.Series(inside)), of.treated, weights))
    yield from _balance(asked, found)
    yield from overlap.rows(seen, _shared(asked), found)


def _contrasts(
    asked: _Asked,
    kind: Kind,
    of: FollowUp,
    rates: WeightedRates,
    notes: Sequence[str],
    names: Sequence[str] = (),
) -> Iterator[Row]:
    """Yield the ratio and the difference of two rates; those that are weighted have a verdict, a sensitivity none."""
    weighted = kind != kinds.OPEN_USE_CRUDE
    judged = kind in (kinds.OPEN_USE, kinds.OPEN_USE_GRAPH)
    jackknife = JACKKNIFE if rates.left_out is not None and len(rates.left_out) else ""
    covariance = f"covariance {jackknife}" if jackknife else ""
    everybody = "those with all covariates" if asked.left_out else "the whole cohort"
    about = f"average in {everybody}" if weighted else "of those who began it against the others"
    estimand = f"{'adjusted effect' if weighted else 'association'} of beginning the treatment, {about}, on {POLICY}"
    cells = asked.cells | {
        "analysis": kind.name,
        "estimand": estimand,
        "adjusted_for": "; ".join(names) or None,
        "model": "weighted rates" if weighted else "rates",
        "ci_level": asked.ci_level,
        "n_participants": len(of.treated),
        "n_groups": len(of.treated),
        "n_exposed": int(of.treated.sum()),
        "n_nights": int(of.nights.sum()),
        "n_events": int(of.cramps.sum()),
        "n_effective": sum(rates.effective),
        "facts": {"covariance": jackknife, "leaves out": asked.left_out},
        "note": estimates.note(*asked.notes, *notes, covariance),
    }
    weekly = difference(rates, of.treated, NIGHTS_PER_WEEK)
    if without := _without_cramp(of):
        yield estimates.row(status="not_estimable", **cells | {"scale": "rate_ratio", "note": without})
        alone: Row = {"outcome": PER_WEEK, "scale": verdicts.DIFFERENCE, "unit": WEEK_UNIT}
        alone |= {"facts": {"no interval": without}, "note": without}
        yield estimates.row(status="boundary", **cells | alone | {"estimate": weekly.value})
        return
    both = (
        (CRAMPS, "rate_ratio", None, log_ratio(rates, of.treated)),
        (PER_WEEK, verdicts.DIFFERENCE, WEEK_UNIT, weekly),
    )
    for outcome, scale, unit, found in both:
        own = cells | {"outcome": outcome, "scale": scale, "unit": unit}
        if found.problem:
            row = estimates.row(status="not_estimable", **own | {"note": found.problem})
        else:
            limits = interval(found.value, found.std_error, found.df, asked.ci_level, ratio=scale == "rate_ratio")
            row = estimates.row(status="converged", **own | limits)
        yield {**row, "verdict": verdicts.verdict(row)} if judged else row


def _unknown(asked: _Asked, covariates: Covariates) -> str:
    """Return how many of those compared have no weight, and what they lack; empty where all have one."""
    lost = ~covariates.known.to_numpy()
    n, treated = int(lost.sum()), int(asked.followed.treated[lost].sum())
    if not n:
        return ""
    lacking = wording.listed(
        wording.small(covariate(name)) for name in covariates.asked if asked.measured[name].null_count()
    )
    which = f"{treated} of them treated" if n > 1 else TREATED if treated else UNTREATED
    return f"{counted(n, 'participants')} left out without all covariates ({lacking}), {which}"


def _without_cramp(of: FollowUp) -> str:
    """Return why there is no ratio where a group is without a cramp, empty where both have one.

    What that group may differ by chance is told by none of its nights.
    """
    for group, name in ((of.treated, TREATED), (~of.treated, UNTREATED)):
        if not of.cramps[group].sum():
            return f"no cramp of the {name} from time zero on, {NO_RATIO}"
    return ""


def _none(asked: _Asked, kind: Kind, reason: str) -> Iterator[Row]:
    treated = asked.followed.treated
    cells = asked.cells | {
        "analysis": kind.name,
        "model": "weighted rates",
        "n_participants": len(treated),
        "n_exposed": int(treated.sum()),
        "note": reason,
    }
    for outcome, scale, unit in (
        (CRAMPS, "rate_ratio", None),
        (PER_WEEK, verdicts.DIFFERENCE, WEEK_UNIT),
    ):
        row = estimates.row(status="not_estimable", **cells | {"outcome": outcome, "scale": scale, "unit": unit})
        yield {**row, "verdict": verdicts.verdict(row)}


def _rates(asked: _Asked) -> Iterator[Row]:
    """Yield the rates of both groups before time zero and after it, as they are; below 5 people without interval."""
    of, people = asked.followed, asked.people
    before = [people[name].cast(pl.Float64).to_numpy() for name in ("run_in_cramps", "run_in_nights")]
    for group, name in ((of.treated, TREATED), (~of.treated, UNTREATED)):
        for when, (cramps, nights) in (("before", before), ("after", (of.cramps, of.nights))):
            yield _rate(asked, f"{name}, {when}", cramps[group], nights[group])


def _rate(asked: _Asked, level: str, cramps: Array, nights: Array) -> Row:
    cells = asked.cells | {
        "analysis": kinds.OPEN_USE_RATE.name,
        "estimand": "incidence rate, as observed",
        "outcome": "cramps",
        "level": level,
        "reference": None,
        "model": "rates",
        "scale": "rate",
        "unit": "cramps per person-week",
        "ci_level": asked.ci_level,
        "n_participants": len(cramps),
        "n_groups": len(cramps),
        "n_nights": int(nights.sum()),
        "n_events": int(cramps.sum()),
    }
    if not len(cramps):
        who = _WHO[level.partition(",")[0]]
        return estimates.row(status="not_estimable", **cells | {"note": f"nobody who {who} has {BOTH_SIDES}"})
    found = ratio(cramps, nights)
    rate = NIGHTS_PER_WEEK * found.value
    if len(cramps) < 2 or not found.value:
        return estimates.row(status="boundary", **cells | {"estimate": rate, "note": "no cramp, so no interval"})
    n = len(cramps)
    error = float(np.sqrt(n / (n - 1) * (found.influence**2).sum())) / found.value
    reach = float(np.exp(quantile(asked.ci_level, n - 1) * error))
    limits = {"estimate": rate, "ci_low": rate / reach, "ci_high": rate * reach, "std_error": error, "df": n - 1}
    return estimates.row(status="converged", **cells | limits)


def _shared(asked: _Asked) -> Row:
    return {name: asked.cells[name] for name in ("cohort", "population", "term")}


def _balance(asked: _Asked, differences: Sequence[Imbalance]) -> Iterator[Row]:
    """Yield the imbalance of everything measured, among those who have a weight."""
    for found in differences:
        for kind, value in ((kinds.BALANCE_BEFORE, found.before), (kinds.BALANCE_AFTER, found.after)):
            known = not np.isnan(value)
            yield estimates.row(
                status="converged" if known else "not_estimable",
                cohort=asked.cells["cohort"],
                population=asked.cells["population"],
                outcome=asked.agent,
                analysis=kind.name,
                term=found.variable,
                level=found.level,
                scale="standardised_mean_difference",
                estimate=value if known else None,
                adjusted_for="in the propensity" if found.variable in FIRST else None,
                n_participants=found.n,
                n_exposed=found.n_treated,
                note=None if known else "the groups differ and neither varies",
            )
