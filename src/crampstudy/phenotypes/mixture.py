"""A mixture of normal groups of people, of whose traits what chance does within each person is taken out.

Source: Bovy, Hogg and Roweis 2011, 10.1214/10-AOAS439 (extreme deconvolution), with groups whose traits are independent
within them and spread alike in all. No library has it together with traits that are not known of everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from crampstudy.arrays import Array, Codes, Flags
from crampstudy.readable import OneLine

_LEAST = 1e-9
"""The least variance that a trait is taken to have."""
_STEPS, _FIRST_STEPS = 400, 25
_TOLERANCE = 1e-5
_NARROWEST = 0.01
"""Share of a trait's variance below which its spread within groups does not fall."""
_JOINT_STARTS = 3
"""Starts that cut people by all traits at once, beside one by each trait alone."""


@dataclass(frozen=True, repr=False)
class UncertainTraits(OneLine):
    """Traits of people as a mixture takes them.

    Args:
        values: traits (n x p), 0 where not known.
        chance: the variance that chance leaves in each (n x p), 0 where not known.
        known: which are known (n x p).
    """

    values: Array
    chance: Array
    known: Flags

    @classmethod
    def of(cls, values: Array, chance: Array) -> UncertainTraits:
        """Return traits of which ``nan`` is not known."""
        known = np.isfinite(values) & np.isfinite(chance)
        return cls(np.where(known, values, 0.0), np.where(known, chance, 0.0), known)

    def only(self, rows: Codes) -> UncertainTraits:
        """Return some people, one as often as named."""
        return UncertainTraits(self.values[rows], self.chance[rows], self.known[rows])

    @cached_property
    def variance(self) -> Array:
        """The variance of each trait over people, chance included (p)."""
        n = self.known.sum(axis=0)
        mean = self.values.sum(axis=0) / n
        # Of people drawn again all may be alike in a trait.
        return np.asarray(np.maximum((self.known * (self.values - mean) ** 2).sum(axis=0) / n, _LEAST))


@dataclass(frozen=True, slots=True, repr=False)
class GroupMixture(OneLine):
    """Groups of people.

    Args:
        shares: of people in each group (k).
        means: of the traits in each (k x p).
        spreads: variances of the traits within groups, without chance, the same in all (p).
        log_likelihood: of the people that it was fitted to.
        member: probability of each of them to be in each group (n x k).
    """

    shares: Array
    means: Array
    spreads: Array
    log_likelihood: float
    member: Array

    @property
    def bic(self) -> float:
        """The criterion of Schwarz 1978, 10.1214/aos/1176344136: lower is better."""
        k, p = self.means.shape
        return float(-2 * self.log_likelihood + (k - 1 + k * p + p) * np.log(len(self.member)))

    def groups(self, people: UncertainTraits) -> Codes:
        """Return the most probable group of each person."""
        return np.asarray(_memberships(people, self.shares, self.means, self.spreads)[1].argmax(axis=1), dtype=np.intp)

    def in_order(self, order: Codes) -> GroupMixture:
        """Return the groups in another order."""
        return replace(self, shares=self.shares[order], means=self.means[order], member=self.member[:, order])


def _memberships(people: UncertainTraits, shares: Array, means: Array, spreads: Array) -> tuple[Array, Array]:
    """Return the log density of each person (n), and the probability to be in each group (n x k)."""
    variance = np.where(people.known, spreads + people.chance, 1.0)
    exact = people.known / variance
    squares = (people.values**2 * exact).sum(axis=1)[:, None] - 2 * (people.values * exact) @ means.T
    squares += exact @ (means**2).T
    own = -0.5 * (people.known * np.log(2 * np.pi * variance)).sum(axis=1)
    log = own[:, None] - 0.5 * squares + np.log(shares)
    top = log.max(axis=1, keepdims=True)
    total = top[:, 0] + np.log(np.exp(log - top).sum(axis=1))
    return total, np.exp(log - total[:, None])


def _climbed(people: UncertainTraits, member: Array, steps: int) -> GroupMixture:
    """Return where expectation and maximisation come to from a start, the probability of each person's groups."""
    x, least = people.values, _NARROWEST * people.variance
    spreads, exact = np.maximum(people.variance / 2, least), people.known.astype(np.float64)
    weight, before = member, -np.inf
    for _ in range(steps):
        # The mean of most likelihood weighs people by how exactly their trait is known.
        means = weight.T @ (x * exact) / np.maximum(weight.T @ exact, 1e-12)
        shrunk = spreads / (spreads + people.chance)
        apart = x**2 - 2 * x * (weight @ means) + weight @ means**2
        squares = shrunk**2 * apart + shrunk * people.chance
        spreads = np.maximum((squares * people.known).sum(axis=0) / people.known.sum(axis=0), least)
        shares = np.maximum(weight.mean(axis=0), 1e-12)
        log, weight = _memberships(people, shares, means, spreads)
        reached = float(log.sum())
        if reached - before < _TOLERANCE * len(log):
            break
        before, exact = reached, people.known / (spreads + people.chance)
    return GroupMixture(shares, means, spreads, reached, weight)


def fit_mixture(people: UncertainTraits, k: int, rng: np.random.Generator) -> GroupMixture:
    """Return the mixture of ``k`` groups of most likelihood over starts by each trait alone and by all at once."""
    tried = [_climbed(people, start, _FIRST_STEPS) for start in _starts(people, k, rng)]
    best = max(tried, key=lambda each: each.log_likelihood)
    return _climbed(people, best.member, _STEPS)


def _starts(people: UncertainTraits, k: int, rng: np.random.Generator) -> Iterator[Array]:
    if k == 1:
        yield np.ones((len(people.values), 1))
        return
    from sklearn.cluster import KMeans

    mean = people.values.sum(axis=0) / people.known.sum(axis=0)
    scaled = np.where(people.known, (people.values - mean) / np.sqrt(people.variance), 0.0)
    for own in [*([i] for i in range(scaled.shape[1])), *[list(range(scaled.shape[1]))] * _JOINT_STARTS]:
        places = scaled[:, own]
        # There are no more parts of people than places at which they stand.
        parts = min(k, len(np.unique(places, axis=0)))
        yield np.eye(k)[KMeans(parts, n_init=1, random_state=int(rng.integers(2**31))).fit_predict(places)]
