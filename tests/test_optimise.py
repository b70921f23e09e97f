"""One contract of all maximisers: where they end is an Optimum that says whether it is a maximum."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from crampstudy.arrays import Array
from crampstudy.models.nights.count import _NegativeBinomial, _Poisson
from crampstudy.models.optimise import newton, quasi_newton, trust_region
from crampstudy.models.optimise.likelihoods import PointwiseDerivatives
from crampstudy.models.optimise.optimum import Optimum

RNG = np.random.default_rng(5)
X = np.column_stack([np.ones(200), RNG.normal(size=200)])
Y = RNG.poisson(np.exp(X @ [0.3, 0.5])).astype(np.float64)


@dataclass(frozen=True)
class Poisson:
    """The Poisson likelihood in each of the three ways in which one can tell of itself."""

    matrix: Array
    counts: Array

    @property
    def weights(self) -> Array:
        return np.ones(len(self.counts))

    @property
    def designs(self) -> tuple[Array, ...]:
        return (self.matrix,)

    @property
    def names(self) -> tuple[str, ...]:
        return ("the mean",)

    def value(self, theta: Array) -> float:
        eta = self.matrix @ theta
        return float(self.counts @ eta - np.exp(eta).sum())

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        mu = np.exp(self.matrix @ theta)
        return self.matrix.T @ (self.counts - mu), (self.matrix * mu[:, None]).T @ self.matrix

    def __call__(self, theta: Array) -> tuple[float, Array]:
        return self.value(theta), self.matrix * (self.counts - np.exp(self.matrix @ theta))[:, None]

    def step_norm(self, step: Array) -> float:
        return float(np.abs(self.matrix @ step).max()) / 4

    def pointwise(self, predictors: Sequence[Array]) -> PointwiseDerivatives:
        mu = np.exp(predictors[0])
        return PointwiseDerivatives(self.counts * predictors[0] - mu, (self.counts - mu,), (-mu,))


def ends(likelihood: Poisson) -> tuple[Optimum, ...]:
    start = np.zeros(likelihood.matrix.shape[1])
    return (
        newton.maximise(likelihood, start),
        quasi_newton.maximise(likelihood, start),
        trust_region.maximise(likelihood, start),
    )


def test_all_maximisers_end_at_the_same_optimum() -> None:
    one, *others = ends(Poisson(X, Y))
    assert one.converged and np.abs(one.gradient).max() < 1e-9
    for other in others:
        assert other.converged and other.reason is None
        assert other.theta == pytest.approx(one.theta, abs=1e-8)
        assert other.value == pytest.approx(one.value, abs=1e-9)
        assert other.gradient == pytest.approx(np.zeros(2), abs=1e-5)
        assert other.information == pytest.approx(one.information, rel=1e-5)


@pytest.mark.parametrize("twin", [X[:, 1], 2 * X[:, 0]], ids=["column", "intercept"])
def test_no_maximiser_takes_a_ridge_for_a_maximum(twin: Array) -> None:
    for end in ends(Poisson(np.column_stack([X, twin]), Y)):
        assert not end.converged and end.reason is not None


def test_the_highest_value_with_a_parameter_held_lies_on_the_profile() -> None:
    likelihood = Poisson(X, Y)
    best = quasi_newton.maximise(likelihood, np.zeros(2))
    held = quasi_newton.maximise_holding(likelihood, best, 1, 0.2)
    # With the slope held the intercept has a closed form.
    intercept = np.log(Y.sum() / np.exp(0.2 * X[:, 1]).sum())
    assert held == pytest.approx(likelihood.value(np.array([intercept, 0.2])), abs=1e-9)


def test_clusters_parts_of_the_information_add_up_to_it_where_they_are_asked_for() -> None:
    likelihood = Poisson(X, Y)
    assert quasi_newton.maximise(likelihood, np.zeros(2)).curvatures is None
    some = quasi_newton.maximise(likelihood, np.zeros(2), parts_up_to=200)
    assert some.curvatures is not None and some.curvatures.shape == (200, 2, 2)
    assert some.curvatures.sum(axis=0) == pytest.approx(some.information, rel=1e-9)


def test_each_of_several_starts_that_lead_to_one_optimum_finds_it_once() -> None:
    found = trust_region.multistart(Poisson(X, Y), [np.zeros(2), np.array([1.0, 0.0]), np.array([0.0, 1.0])])
    assert len(found) == 1 and found[0].converged


def test_the_height_of_a_maximum_is_its_value() -> None:
    likelihood = Poisson(X, Y)
    whole = trust_region.maximise(likelihood, np.zeros(2))
    assert trust_region.height(likelihood, np.zeros(2)) == pytest.approx(whole.value, rel=1e-14)
    assert trust_region.height(likelihood, whole.theta + 0.3) == pytest.approx(whole.value, rel=1e-14)


def test_newtons_method_does_not_look_where_a_step_below_rounding_leads() -> None:
    looked: list[Array] = []

    class Watched(Poisson):
        def derivatives(self, theta: Array) -> tuple[Array, Array]:
            looked.append(theta)
            return super().derivatives(theta)

    likelihood = Watched(X, Y)
    best = newton.maximise(likelihood, np.zeros(2))
    assert all(np.abs(one - other).max() > 1e-12 for one, other in itertools.pairwise(looked))
    looked.clear()
    again = newton.maximise(likelihood, best.theta)
    assert len(looked) == 1 and again.converged and again.theta is best.theta


@pytest.mark.parametrize("size", [0.4, 3.0])
def test_an_expansion_is_the_value_and_the_derivatives(size: float) -> None:
    rng = np.random.default_rng(2)
    matrix = np.column_stack([np.ones(400), rng.normal(size=(400, 2))])
    counts, offset = rng.negative_binomial(size, 0.3, 400).astype(float), rng.normal(0, 0.2, 400)
    weights = rng.integers(1, 4, 400).astype(float)
    theta = np.array([0.3, -0.2, 0.1])
    of_counts = _Poisson(matrix, counts, offset, weights)
    dispersed = _NegativeBinomial.of(matrix, counts, offset, weights)
    for likelihood, at in ((of_counts, theta), (dispersed, np.append(theta, np.log(size)))):
        value, score, information = likelihood.expansion(at)
        assert value == likelihood.value(at)
        step = 1e-5 * np.eye(len(at))
        slopes = [(likelihood.value(at + each) - likelihood.value(at - each)) / 2e-5 for each in step]
        assert score == pytest.approx(slopes, rel=1e-6)
        curved = [(likelihood.derivatives(at - each)[0] - likelihood.derivatives(at + each)[0]) / 2e-5 for each in step]
        assert information == pytest.approx(np.array(curved), rel=1e-5, abs=1e-4)


def test_a_step_too_long_is_halved_as_without_an_expansion() -> None:
    matrix, counts = np.ones((50, 1)), np.arange(50.0)
    likelihood = _Poisson(matrix, counts, np.zeros(50), np.ones(50))

    class Plain:
        value, derivatives = staticmethod(likelihood.value), staticmethod(likelihood.derivatives)

    # From far below the first step goes far beyond the maximum.
    found, plain = (newton.maximise(each, np.array([-4.0])) for each in (likelihood, Plain()))
    assert found.theta == plain.theta == pytest.approx(np.log(counts.mean()))
    assert (found.value, found.iterations) == (plain.value, plain.iterations)
