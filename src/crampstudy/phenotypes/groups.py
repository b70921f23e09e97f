"""Whether people whose cramps are alike form groups: how many by a stated rule, and whether they come again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from crampstudy import wording
from crampstudy.arrays import Array, Codes
from crampstudy.errors import AnalysisError
from crampstudy.phenotypes.mixture import GroupMixture, UncertainTraits, fit_mixture
from crampstudy.phenotypes.traits import FEWEST_NIGHTS, TRAITS, TraitTable
from crampstudy.readable import OneLine

MOST = 5
"""Groups that are tried at most."""
FEWEST = 30
"""Participants without whom no groups are looked for."""
GAIN = 10.0
"""How much lower the criterion of groups is than that of one group: strong evidence (Kass and Raftery 1995)."""
VALLEY = 0.1
"""Density between two groups, as a share of the lower of their peaks, above which they are not parted."""
SMALLEST = 5
"""People of a group, fewer of whom are no group."""
AGAIN = 0.8
"""Adjusted Rand index, averaged over resamples, below which groups do not come again."""
RESAMPLES = 50
SEED = 20240608
_GRID = np.linspace(0, 1, 201)

NO_GAIN = "no better than one group"
SMALL = f"a group of fewer than {SMALLEST} people"
NOT_PARTED = "no gap between two of the groups"
NOT_AGAIN = "other groups in resampled participants"
CLEAR, PASSED_OVER = "clear groups", "clear, and so is a number that fits better"


@dataclass(frozen=True, slots=True, repr=False)
class Resampled(OneLine):
    """Groups found anew in resampled participants, in the order of the first ones.

    Args:
        agreement: adjusted Rand index with the first groups, of all participants (resamples).
        shares: of the groups (resamples x k).
        means: of the traits in them (resamples x k x p).
    """

    agreement: Array
    shares: Array
    means: Array


@dataclass(frozen=True, slots=True, repr=False)
class Tried(OneLine):
    """A number of groups, and what became of it.

    Args:
        mixture: the groups.
        gain: how much lower its criterion is than that of one group.
        valley: the highest density between two groups as a share of the lower peak; 0 of one group.
        verdict: why it is chosen, or not.
        again: what resamples found, where the rule asked for it.
    """

    mixture: GroupMixture
    gain: float
    valley: float
    verdict: str
    again: Resampled | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Grouping(OneLine):
    """Whether there are groups, and which.

    Args:
        table: what the cramps of each participant are like.
        traits: the places of the traits that were used.
        tried: numbers of groups from 1 on.
        chosen: the clear groups, ``None`` where there are none.
    """

    table: TraitTable
    traits: tuple[int, ...]
    tried: tuple[Tried, ...]
    chosen: Tried | None


def grouping_of(table: TraitTable, rng: np.random.Generator | None = None) -> Grouping:
    """Return whether people form groups by what their cramps are like.

    Of 2 to 5 groups those are clear of which the criterion of Schwarz is at least 10 below that of one group, none has
    fewer than 5 people, between any two the density falls to a tenth of the lower peak, and which come again in
    resampled participants, with an adjusted Rand index of 0.8 or more on average. Of several the one with the lowest
    criterion is chosen; where there is none, there are no clear groups. No more are tried where two numbers in a row do
    worse than one group.

    Source: Kass and Raftery 1995, 10.1080/01621459.1995.10476572; Ray and Lindsay 2005, 10.1214/009053605000000417
    (modes); Hubert and Arabie 1985, 10.1007/BF01908075; Hennig 2007, 10.1016/j.csda.2006.11.025 (resamples).

    Raises:
        AnalysisError: there are too few participants, or fewer than two traits are known.
    """
    own = table.known
    if len(table.ids) < FEWEST:
        whom = wording.counted(len(table.ids), "participants", "have") if len(table.ids) else "no participant has"
        raise AnalysisError(
            f"{whom} a cramp and at least {FEWEST_NIGHTS} logged nights; groups are looked for among at least {FEWEST}"
        )
    if len(own) < 2:
        known = (
            f"only {TRAITS[own[0]]} is known of half the participants and"
            if own
            else "nothing that is known of half the participants"
        )
        raise AnalysisError(f"of what cramps are like {known} differs between them")
    rng = np.random.default_rng(SEED) if rng is None else rng
    of_fits, of_resamples = rng.spawn(2)
    centre = np.nanmean(table.values[:, own], axis=0)
    people = UncertainTraits.of(table.values[:, own] - centre, table.chance[:, own])
    tried: list[Tried] = []
    # A number of groups has a generator of its own, so that none depends on how many others are tried.
    for k, own_rng in enumerate(of_fits.spawn(MOST), start=1):
        fit = fit_mixture(people, k, own_rng)
        tried.append(_tried(people, fit, tried[0].mixture if tried else fit))
        if k > 2 and tried[-1].gain < 0 and tried[-2].gain < 0:
            break
    chosen = None
    for place in sorted(range(len(tried)), key=lambda i: -tried[i].gain):
        if tried[place].verdict == CLEAR:
            tried[place] = _checked(people, tried[place], of_resamples, passed_over=chosen is not None)
            if tried[place].verdict == CLEAR:
                chosen = place
    moved = [_moved(each, centre) for each in tried]
    return Grouping(table, own, tuple(moved), None if chosen is None else moved[chosen])


def _tried(people: UncertainTraits, fit: GroupMixture, one: GroupMixture) -> Tried:
    ordered = fit.in_order(np.argsort(fit.means[:, 0], kind="stable"))
    gain, valley = one.bic - fit.bic, _deepest(people, ordered)
    sizes = np.bincount(ordered.groups(people), minlength=len(fit.shares))
    if gain < GAIN:
        return Tried(ordered, gain, valley, NO_GAIN)
    if sizes.min() < SMALLEST:
        return Tried(ordered, gain, valley, SMALL)
    return Tried(ordered, gain, valley, NOT_PARTED if valley > VALLEY else CLEAR)


def _deepest(people: UncertainTraits, fit: GroupMixture) -> float:
    """Return the density between the two groups that are parted least, as a share of the lower of their peaks.

    Groups that spread alike have their peaks on the straight line between their means. The density is that of people
    whose traits are as uncertain as the median person's.
    """
    chance = np.array([np.median(own[there]) for own, there in zip(people.chance.T, people.known.T, strict=True)])
    found = [0.0]
    for i in range(len(fit.shares)):
        for j in range(i):
            apart = float(np.sqrt(((fit.means[i] - fit.means[j]) ** 2 / (fit.spreads + chance)).sum()))
            found.append(valley_between(float(fit.shares[i]), float(fit.shares[j]), apart))
    return max(found)


def valley_between(first: float, second: float, apart: float) -> float:
    """Return the lowest density between two groups as a share of the lower peak, 1 where there is but one peak.

    Args:
        first: share of people in the one.
        second: share of people in the other.
        apart: distance of their means in standard deviations.
    """
    at = apart * _GRID
    density = first * np.exp(-(at**2) / 2) + second * np.exp(-((at - apart) ** 2) / 2)
    # Lowest between the higher ground on both of its sides.
    left, right = np.maximum.accumulate(density), np.maximum.accumulate(density[::-1])[::-1]
    return float((density / np.minimum(left, right)).min())


def _checked(people: UncertainTraits, one: Tried, rng: np.random.Generator, *, passed_over: bool) -> Tried:
    if passed_over:
        return Tried(one.mixture, one.gain, one.valley, PASSED_OVER)
    again = resampled(people, one.mixture, rng)
    verdict = CLEAR if again.agreement.mean() >= AGAIN else NOT_AGAIN
    return Tried(one.mixture, one.gain, one.valley, verdict, again)


def resampled(people: UncertainTraits, found: GroupMixture, rng: np.random.Generator) -> Resampled:
    """Return the groups of resampled participants, fitted anew from starts of their own."""
    from scipy.optimize import linear_sum_assignment
    from sklearn.metrics import adjusted_rand_score

    n, k = found.member.shape
    first = found.groups(people)
    agreement, shares, means = [], [], []
    for own in rng.spawn(RESAMPLES):
        fit = fit_mixture(people.only(np.asarray(own.integers(n, size=n), dtype=np.intp)), k, own)
        groups = fit.groups(people)
        agreement.append(adjusted_rand_score(first, groups))
        both = np.zeros((k, k))
        np.add.at(both, (first, groups), 1)
        order = linear_sum_assignment(-both)[1]
        shares.append(fit.shares[order])
        means.append(fit.means[order])
    return Resampled(np.array(agreement), np.array(shares), np.array(means))


def _moved(tried: Tried, centre: Array) -> Tried:
    """Return what was tried with means as they were before the centre was taken off."""
    fit, again = tried.mixture, tried.again
    whole = replace(fit, means=fit.means + centre)
    if again is not None:
        again = Resampled(again.agreement, again.shares, again.means + centre)
    return Tried(whole, tried.gain, tried.valley, tried.verdict, again)


def members(found: Grouping) -> Sequence[int] | Codes:
    """Return the most probable group of each participant of the table, from 0; empty where there are none."""
    return [] if found.chosen is None else found.chosen.mixture.member.argmax(axis=1)
