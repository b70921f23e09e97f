"""Pairs of periods: how the cramps of two periods of one participant fall on them, with an interval that holds in few.

Nights of a period hang together, effects differ between participants, and few of them have most of the cramps: a model
of persons' levels alone sees none of it. Here each pair has a level of its own, so that what a participant has in all
cancels (conditional Poisson regression: of a pair a logistic regression of the share of its cramps), the participants
are the clusters of a bias-reduced covariance (CR2), and t has the degrees of freedom of those who carry the ratio.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from crampstudy.arrays import Array, Codes
from crampstudy.contrasts.remedies import person_fit
from crampstudy.estimates import verdicts
from crampstudy.estimates.verdicts import FEWEST_DF, FEWEST_EXPOSED, PER_WEEK
from crampstudy.models.common.distributions import BINOMIAL
from crampstudy.models.inference.small_sample import Nights, SmallSample, bias_reduced
from crampstudy.nights import NIGHTS_PER_WEEK
from crampstudy.readable import OneLine
from crampstudy.treatments.question import GIVEN, WEEK_UNIT, Row, TreatmentQuestion, interval, nothing, taken
from crampstudy.wording import counted

LEVEL = "pairs of periods"
PAIR = "pair"
METHOD = (
    "conditional Poisson regression, each pair with a level of its own, so that participants with more cramps count "
    "more; covariance cluster-small"
)
_AS_THEY_ARE = "mean of the participants as they are, given how many cramps each had in all"


@dataclass(frozen=True, slots=True, repr=False)
class PairTotals(OneLine):
    """Sums of n pairs of periods of G participants, of each the treated period first.

    ``cramps`` and ``nights`` are n x 2, ``shifts`` n x 2 x q: what else tells the two periods apart, as their rank.
    ``groups`` (n) are codes 0..G-1 of the participants.
    """

    cramps: Array = field(repr=False)
    nights: Array = field(repr=False)
    shifts: Array = field(repr=False)
    groups: Codes = field(repr=False)

    @classmethod
    def of(cls, nights: pl.DataFrame, period: str | None = None) -> PairTotals:
        """Sum nights with participant_id, pair, treated and cramps, of pairs that are whole; ``period`` names ranks."""
        keys = ["participant_id", PAIR]
        sums = nights.group_by(*keys, GIVEN, *([period] if period else [])).agg(pl.col("cramps").sum(), pl.len())
        sums = sums.sort(*keys, pl.col(GIVEN).not_())
        cramps, n_nights = (sums[name].to_numpy().astype(np.float64).reshape(-1, 2) for name in ("cramps", "len"))
        ranks = sums[period] if period else pl.Series([], dtype=pl.String)
        levels = sorted(ranks.unique(), key=int)[1:]
        columns = [(ranks == level).to_numpy().astype(np.float64).reshape(-1, 2) for level in levels]
        shifts = np.stack(columns, axis=2) if columns else np.empty((len(cramps), 2, 0))
        return cls(cramps, n_nights, shifts, sums["participant_id"].rle_id().to_numpy()[::2].astype(np.intp))

    @property
    def participants(self) -> int:
        """How many participants have a pair."""
        return int(self.groups.max()) + 1 if len(self.groups) else 0

    @property
    def telling(self) -> PairTotals:
        """The pairs with a cramp, which alone tell of a ratio, with their participants counted anew."""
        some = self.cramps.sum(axis=1) > 0
        groups = np.unique(self.groups[some], return_inverse=True)[1]
        return PairTotals(self.cramps[some], self.nights[some], self.shifts[some], groups)


@dataclass(frozen=True, slots=True)
class PairFit:
    """The log ratio, then those of the shifts, with their bias-reduced covariance; or the ``problem``."""

    coefficients: Array
    small: SmallSample | None = None
    problem: str | None = None

    @property
    def error(self) -> float:
        """The standard error of the log ratio."""
        return float(np.sqrt(self.small.covariance[0, 0])) if self.small else np.nan


def fit_pairs(pairs: PairTotals) -> PairFit:
    """Return the ratio of the treated periods to the others within pairs.

    Source: Wooldridge 1999 (consistent whatever the distribution of the counts); Bell and McCaffrey 2002 (CR2, degrees
    of freedom).
    """
    own = pairs.telling
    n, q = len(own.groups), own.shifts.shape[2]
    nothing_known = np.full(1 + q, np.nan)
    if own.participants < FEWEST_EXPOSED:
        return PairFit(nothing_known, problem=f"{counted(own.participants, 'participants')} with a cramp: too few")
    if not own.cramps.sum(axis=0).all():
        which = "with the treatment" if not own.cramps[:, 0].sum() else "with what it is compared with"
        return PairFit(nothing_known, problem=f"no cramp {which} in any pair")
    given = np.broadcast_to(np.array([1.0, 0.0])[:, None], (n, 2, 1))
    cells = np.concatenate([given, own.shifts], axis=2)
    across = cells[:, 0] - cells[:, 1]
    if np.linalg.matrix_rank(across) < 1 + q:
        return PairFit(nothing_known, problem="treatment and period do not vary apart from each other within pairs")
    found = person_fit.prevalence_ratio(
        own.cramps.ravel(), cells.reshape(2 * n, -1), np.repeat(np.arange(n), 2), np.log(own.nights).ravel()
    )
    if found.problem:
        return PairFit(nothing_known, problem=found.problem)
    total = own.cramps.sum(axis=1)
    longer = np.log(own.nights[:, 0] / own.nights[:, 1])
    share = own.cramps[:, 0] / total
    small = bias_reduced(Nights(across, share, longer, own.groups, found.coefficients, BINOMIAL, total))
    if small.lone[0]:
        return PairFit(found.coefficients, problem="rests on one participant alone")
    return PairFit(found.coefficients, small, small.problem)


def weekly_mean(pairs: PairTotals, coefficients: Array) -> tuple[float, float]:
    """Return the mean difference in cramps a week of the participants, and its slope in the log ratio.

    A participant's own rate is that of all cramps in the pairs over the nights, each counted as the ratios have it;
    the shifts of the periods are averaged.
    """
    ratio = np.exp(coefficients[0])
    periods = np.exp(pairs.shifts @ coefficients[1:])
    nights = pairs.nights * periods
    cramps, treated, others = (
        np.bincount(pairs.groups, weights=each) for each in (pairs.cramps.sum(axis=1), nights[:, 0], nights[:, 1])
    )
    exposure = others + ratio * treated
    weekly = NIGHTS_PER_WEEK * _mean_shift(coefficients[1:]) * cramps / exposure
    slope = weekly * ratio * (1 - (ratio - 1) * treated / exposure)
    return float((weekly * (ratio - 1)).mean()), float(slope.mean())


def _mean_shift(shifts: Array) -> float:
    """Return the mean factor of the periods, the first of which is 1."""
    return float(np.exp(np.append(0.0, shifts)).mean())


def pair_rows(pairs: PairTotals, main: Row, asked: TreatmentQuestion, *notes: str) -> Iterator[Row]:
    """Yield the ratio and the difference in cramps a week within pairs of periods, both with their verdict.

    Args:
        pairs: of the participants who had both.
        main: cells of the rows.
        asked: confidence level and margins.
        notes: what is said of both.
    """
    weekly = {"outcome": PER_WEEK, "scale": verdicts.DIFFERENCE, "unit": WEEK_UNIT}
    ratio = main | {"level": LEVEL}
    difference = ratio | weekly | {"estimand": f"{main['estimand']}, {_AS_THEY_ARE}"}
    found = fit_pairs(pairs)
    if found.small is None or found.problem:
        yield from (nothing(cells, str(found.problem), exposed=pairs.participants) for cells in (ratio, difference))
        return
    df, value, error = float(found.small.df[0]), float(found.coefficients[0]), found.error
    counts = {
        "status": "converged",
        "n_participants": pairs.participants,
        "n_groups": pairs.telling.participants,
        "n_nights": int(pairs.nights.sum()),
        "n_events": int(pairs.cramps.sum()),
        "n_exposed": pairs.participants,
        "n_effective": float(found.small.effective[0]),
    }
    few = f"few participants have most of the cramps: {df:.1f} degrees of freedom" if df < FEWEST_DF else ""
    made = interval(value, error, df, asked.ci_level, ratio=True)
    yield taken(counts | made, ratio, METHOD, few, *notes, judged=asked.margins)
    mean, slope = weekly_mean(pairs, found.coefficients)
    limits = {
        name: weekly_mean(pairs, np.append(np.log(made[name]), found.coefficients[1:]))[0]
        for name in ("ci_low", "ci_high")
    }
    made |= {"estimate": mean, "std_error": slope * error, **limits}
    yield taken(counts | made, difference, "interval of the ratio in cramps a week", few, *notes, judged=asked.margins)
