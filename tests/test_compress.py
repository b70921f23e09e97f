from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.common import aggregation
from crampstudy.models.common.aggregation import Compressed, compress, pattern
from crampstudy.models.inference import covariance
from crampstudy.models.nights import count


def diary(seed: int, people: int, nights: int, kinds: int) -> tuple[Array, Array, Array, Array, Array]:
    """Unsorted nights with a participant's own column and two nightly ones of ``kinds`` values; two exposures."""
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(people), rng.integers(0, people, people * nights - people)])
    own = rng.normal(size=people)
    nightly = rng.integers(0, kinds, (2, len(groups))) * 0.7
    matrix = np.column_stack([np.ones(len(groups)), own[groups], nightly.T])
    offset = np.log(rng.choice([1.0, 7.25], len(groups)))
    counts = rng.poisson(np.exp(matrix @ [-0.5, 0.3, 0.2, -0.1])).astype(float)
    return matrix, counts, offset, groups, rng.integers(1, 4, len(groups)).astype(float)


def plain_likelihood(matrix: Array, counts: Array, offset: Array, b: Array) -> float:
    eta = matrix @ b + offset
    return float(np.sum(counts * eta - np.exp(eta) - gammaln(counts + 1)))


def poisson_likelihood(rows: Compressed, b: Array) -> float:
    return plain_likelihood(rows.matrix, rows.counts, rows.offset, b) + rows.constant


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(1, 9), nights=st.integers(1, 30), kinds=st.integers(1, 6))
def test_poisson_of_compressed_rows_has_the_same_likelihood_and_scores(
    seed: int, people: int, nights: int, kinds: int
) -> None:
    matrix, counts, offset, groups, _ = diary(seed, people, nights, kinds)
    b = np.random.default_rng(seed + 1).normal(size=4)
    rows = compress(matrix, counts, offset, groups, "poisson")
    plain = plain_likelihood(matrix, counts, offset, b)
    assert poisson_likelihood(rows, b) == pytest.approx(plain, rel=1e-10, abs=1e-10)
    scores = covariance.cluster_sums(matrix * (counts - np.exp(matrix @ b + offset))[:, None], groups)
    means = np.exp(rows.matrix @ b + rows.offset)
    short = covariance.cluster_sums(rows.matrix * (rows.counts - means)[:, None], rows.groups)
    size = np.maximum(
        np.abs(covariance.cluster_sums(np.abs(matrix) * (counts + np.exp(matrix @ b + offset))[:, None], groups)),
        1e-300,
    )
    assert np.max(np.abs(short - scores) / size) < 1e-10


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(1, 9), nights=st.integers(1, 30), kinds=st.integers(1, 6))
def test_any_likelihood_of_rows_kept_by_count_is_the_same(seed: int, people: int, nights: int, kinds: int) -> None:
    matrix, counts, offset, groups, times = diary(seed, people, nights, kinds)
    rows = compress(matrix, counts, offset, groups, "count", times)
    assert rows.constant == 0 and rows.multiplicity.sum() == times.sum()

    def each(matrix: Array, counts: Array, offset: Array) -> Array:
        # Not linear in the count: NB2 with alpha 0.5 and extra zeros.
        mean = np.exp(matrix @ [0.1, 0.2, 0.3, 0.4] + offset)
        negative_binomial = (
            gammaln(counts + 2) - gammaln(counts + 1) + counts * np.log(mean) - (counts + 2) * np.log(mean + 2)
        )
        return np.where(counts == 0, np.log(0.2 + 0.8 * np.exp(negative_binomial)), negative_binomial)

    plain = covariance.cluster_sums(each(matrix, counts, offset) * times, groups)
    short = covariance.cluster_sums(each(rows.matrix, rows.counts, rows.offset) * rows.multiplicity, rows.groups)
    assert short == pytest.approx(plain, rel=1e-10)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(1, 9), nights=st.integers(1, 30), kinds=st.integers(1, 6))
def test_logit_likelihood_of_trials_is_the_same(seed: int, people: int, nights: int, kinds: int) -> None:
    matrix, counts, offset, groups, times = diary(seed, people, nights, kinds)
    events, b = (counts > 0).astype(float), np.array([0.3, -0.4, 0.5, 0.2])
    rows = compress(matrix, events, offset, groups, "trials", times)

    def each(matrix: Array, events: Array, offset: Array, trials: Array) -> Array:
        eta = matrix @ b + offset
        return events * eta - trials * np.logaddexp(0, eta)

    plain = covariance.cluster_sums(each(matrix, events * times, offset, times), groups)
    short = covariance.cluster_sums(each(rows.matrix, rows.counts, rows.offset, rows.multiplicity), rows.groups)
    assert short == pytest.approx(plain, rel=1e-10)


def test_two_participants_by_hand() -> None:
    # Participant 1: two nights alike but for exposure, one different; participant 0: one night.
    matrix = np.array([[1.0, 0.0], [1.0, 2.0], [1.0, 0.0], [1.0, 0.0]])
    rows = compress(matrix, np.array([2.0, 1.0, 3.0, 5.0]), np.log([1, 1, 3, 2]), np.array([1, 1, 1, 0]), "poisson")
    assert rows.groups.tolist() == [0, 1, 1] and rows.shorter and rows.n_rows == 4
    found = sorted(zip(rows.groups, rows.matrix[:, 1], rows.counts, np.exp(rows.offset).round(12), strict=True))
    assert found == [(0, 0.0, 5.0, 2.0), (1, 0.0, 5.0, 4.0), (1, 2.0, 1.0, 1.0)]


def test_fit_of_compressed_rows_is_the_fit_of_all_rows() -> None:
    matrix, counts, offset, groups, _ = diary(7, 40, 30, 3)
    rows = compress(matrix, counts, offset, groups, "poisson")
    assert len(rows.counts) < len(counts) / 2
    plain, short = count.poisson(matrix, counts, offset), count.poisson(rows.matrix, rows.counts, rows.offset)
    assert short.coefficients == pytest.approx(plain.coefficients, rel=1e-10)
    assert short.log_likelihood + rows.constant == pytest.approx(plain.log_likelihood, rel=1e-12)
    robust = covariance.covariance(plain.information, plain.scores, groups, "cluster")
    assert covariance.covariance(short.information, short.scores, rows.groups, "cluster") == pytest.approx(
        robust, rel=1e-8, abs=1e-14
    )


def test_compressing_twice_changes_nothing() -> None:
    matrix, counts, offset, groups, times = diary(8, 20, 30, 3)
    once = compress(matrix, counts, offset, groups, "count", times)
    twice = compress(once.matrix, once.counts, once.offset, once.groups, "count", once.multiplicity)
    assert not twice.shorter
    for name in ("matrix", "counts", "offset", "groups", "multiplicity"):
        assert np.array_equal(getattr(once, name), getattr(twice, name))


def test_a_continuous_nightly_column_leaves_the_rows_as_they_are_but_sorted() -> None:
    rng = np.random.default_rng(9)
    groups = rng.permutation(np.repeat(np.arange(500), 100))
    matrix = np.column_stack([np.ones(len(groups)), rng.normal(size=len(groups))])
    counts, offset = rng.poisson(1.0, len(groups)).astype(float), rng.normal(size=len(groups))
    rows = compress(matrix, counts, offset, groups, "poisson")
    assert not rows.shorter and np.all(np.diff(rows.groups) >= 0)
    order = np.argsort(groups, kind="stable")
    assert np.array_equal(rows.matrix, matrix[order]) and np.array_equal(rows.counts, counts[order])
    b = np.array([0.2, -0.3])
    assert poisson_likelihood(rows, b) == pytest.approx(plain_likelihood(matrix, counts, offset, b), rel=1e-12)


def test_many_rows_with_many_patterns_get_one_code_each() -> None:
    # More kinds of rows than a table has room for: 3 columns of 300 values.
    rng = np.random.default_rng(10)
    groups = rng.integers(0, 50, 30_000)
    groups[:50] = np.arange(50)
    columns = [rng.integers(0, 300, len(groups)).astype(float) for _ in range(3)]
    codes = pattern(columns, groups)
    expected = np.unique(np.column_stack([groups, *columns]), axis=0)
    assert len(np.unique(codes)) == codes.max() + 1 == len(expected)
    assert np.all(np.diff(groups[np.argsort(codes, kind="stable")]) >= 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"counts": np.array([1.0, np.nan, 0.0])}, "counts holds a value that is not finite"),
        ({"counts": np.array([1.0, -1.0, 0.0])}, "counts are at least 0"),
        ({"offset": np.zeros(2)}, "one length"),
        ({"groups": np.array([0, 2, 2])}, "0..G-1"),
        ({"multiplicity": np.array([1.0, 0.0, 1.0])}, "multiplicities above 0"),
    ],
)
def test_rows_that_do_not_fit_are_refused(change: dict[str, Array], message: str) -> None:
    given_rows = {"matrix": np.ones((3, 1)), "counts": np.ones(3), "offset": np.zeros(3), "groups": np.array([0, 1, 1])}
    with pytest.raises(AnalysisError, match=message):
        compress(**(given_rows | change), likelihood="poisson")  # type: ignore[arg-type]


def test_rows_that_share_a_number_by_chance_stay_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    matrix, _, offset, groups, _ = diary(1, 5, 20, 3)
    hashed, asked = aggregation._hashed, []

    def coarse(columns: list[Array], codes: Array, seed: int) -> tuple[Array, Array]:
        asked.append(seed)
        return hashed([] if seed == 0 else columns, codes, seed)

    expected = pattern([*matrix.T, offset], groups)
    monkeypatch.setattr(aggregation, "_hashed", coarse)
    assert pattern([*matrix.T, offset], groups).tolist() == np.unique(expected, return_inverse=True)[1].tolist()
    assert asked == [0, 1]


def test_zero_has_no_sign_and_neighbours_of_a_number_differ() -> None:
    column = np.array([0.0, -0.0, 1.0, np.nextafter(1.0, 2.0), 2.0**60, 1.0])
    assert len(set(pattern([column], np.zeros(6, dtype=np.intp)).tolist())) == 4
    assert len(set(pattern([column, column[::-1]], np.zeros(6, dtype=np.intp)).tolist())) == 6
