from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special, stats

from crampstudy.errors import AnalysisError
from crampstudy.models.classes import proportionality
from crampstudy.models.classes.ordinal import OrdinalFit, ordinal
from crampstudy.models.inference.covariance import covariance
from crampstudy.models.nights.logistic import logistic
from crampstudy.models.surveys import linearised, survey_ordinal
from crampstudy.models.surveys.sampling import SamplingDesign

Array = NDArray[np.float64]
LEVELS = ("none", "mild", "strong")
FIVE = ("0", "1", "2", "3", "4")


def draw(
    rng: np.random.Generator, n: int, thresholds: tuple[float, ...], slopes: tuple[float, ...]
) -> tuple[Array, Array]:
    """Draw columns, a standard normal and then binary ones, and classes by a cumulative logit model."""
    normal = rng.normal(size=(n, 1))
    matrix = np.column_stack([normal, rng.random((n, len(slopes) - 1)) < 0.4]).astype(float)
    classes = np.searchsorted(thresholds, matrix @ slopes + rng.logistic(size=n)).astype(float)
    return matrix, classes


def variance(fitted: OrdinalFit) -> Array:
    return np.linalg.inv(fitted.information).astype(np.float64)


@pytest.fixture
def rows() -> tuple[Array, Array]:
    return draw(np.random.default_rng(7), 600, (-0.5, 0.7, 1.6, 2.6), (0.6, -0.4))


def groups_of(counts: list[list[int]]) -> tuple[Array, Array]:
    """Return a binary column and classes with these numbers of rows by group and class."""
    cells = [(g, k) for g, row in enumerate(counts) for k, n in enumerate(row) for _ in range(n)]
    return np.array([[float(g)] for g, _ in cells]), np.array([float(k) for _, k in cells])


# By hand.


def test_thresholds_alone_are_the_logits_of_cumulative_shares() -> None:
    classes = np.repeat([0.0, 1.0, 2.0], [50, 30, 20])
    fitted = ordinal(np.empty((100, 0)), classes, levels=LEVELS)
    assert (fitted.status, fitted.problem) == ("converged", None)
    assert fitted.names == ("none|mild", "mild|strong")
    assert fitted.thresholds == pytest.approx([0.0, np.log(4)], abs=1e-12)
    # var logit(p) = 1 / (n p q); cov of two cumulative shares is p1 (1 - p2) / n.
    assert variance(fitted) == pytest.approx(np.array([[4, 2.5], [2.5, 6.25]]) / 100, abs=1e-12)
    assert fitted.log_likelihood == pytest.approx(50 * np.log(0.5) + 30 * np.log(0.3) + 20 * np.log(0.2))


def test_two_classes_are_a_logistic_regression(rows: tuple[Array, Array]) -> None:
    matrix, classes = rows
    above = (classes > 1).astype(float)
    fitted = ordinal(matrix, above, levels=("no", "yes"))
    peer = logistic(np.column_stack([np.ones(len(above)), matrix]), above, np.zeros(len(above)))
    # the threshold is minus the intercept
    turn = np.array([[0.0, 1, 0], [0, 0, 1], [-1, 0, 0]])
    assert fitted.parameters == pytest.approx(turn @ peer.coefficients, abs=1e-10)
    assert variance(fitted) == pytest.approx(turn @ np.linalg.inv(peer.information) @ turn.T, abs=1e-10)
    assert fitted.scores == pytest.approx(peer.scores @ turn.T, abs=1e-10)
    assert fitted.log_likelihood == pytest.approx(peer.log_likelihood, abs=1e-9)


def test_a_binary_column_with_its_own_slopes_fits_both_groups_exactly() -> None:
    matrix, classes = groups_of([[50, 30, 20], [20, 40, 40]])
    fitted = ordinal(matrix, classes, levels=LEVELS, names=("female",), free=(0,))
    assert fitted.names == ("none|mild", "mild|strong", "female at none|mild", "female at mild|strong")
    assert fitted.thresholds == pytest.approx([0, np.log(80 / 20)])
    assert fitted.slopes == pytest.approx(np.array([[np.log(4), np.log(40 / 60) + np.log(4)]]))
    assert fitted.probabilities(np.array([[0.0], [1.0]])) == pytest.approx(np.array([[5, 3, 2], [2, 4, 4]]) / 10)


def test_a_coefficient_is_the_log_odds_of_a_higher_class(rows: tuple[Array, Array]) -> None:
    matrix, classes = rows
    fitted, turned = (ordinal(matrix, c, levels=FIVE) for c in (classes, 4 - classes))
    assert fitted.coefficients[0] == pytest.approx(0.6, abs=0.3)
    assert turned.coefficients == pytest.approx(-fitted.coefficients, abs=1e-9)
    assert turned.thresholds == pytest.approx(-fitted.thresholds[::-1], abs=1e-9)
    at_least = special.expit(matrix @ fitted.coefficients - fitted.thresholds[2])
    assert fitted.probabilities(matrix)[:, 3:].sum(axis=1) == pytest.approx(at_least, abs=1e-12)
    assert fitted.probabilities(matrix).sum(axis=1) == pytest.approx(1)


# Properties.


@pytest.mark.parametrize("free", [(), (0,), (0, 1)])
def test_a_weight_is_a_number_of_rows(rows: tuple[Array, Array], free: tuple[int, ...]) -> None:
    matrix, classes = rows
    times = np.random.default_rng(2).integers(0, 4, len(classes))
    weighted = ordinal(matrix, classes, times.astype(float), levels=FIVE, free=free)
    repeated = ordinal(matrix.repeat(times, axis=0), classes.repeat(times), levels=FIVE, free=free)
    assert weighted.parameters == pytest.approx(repeated.parameters, abs=1e-9)
    assert weighted.information == pytest.approx(repeated.information, rel=1e-8, abs=1e-8)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)


@pytest.mark.parametrize("free", [(), (0,)])
def test_the_unit_of_a_column_does_not_matter(rows: tuple[Array, Array], free: tuple[int, ...]) -> None:
    matrix, classes = rows
    plain, scaled = (ordinal(matrix * [unit, 1], classes, levels=FIVE, free=free) for unit in (1, 1e9))
    assert (scaled.problem, scaled.iterations) == (None, plain.iterations)
    unit = np.array([1e9 if name.startswith("x1") else 1 for name in plain.names])
    assert scaled.parameters * unit == pytest.approx(plain.parameters, abs=1e-9)
    assert scaled.information / np.outer(unit, unit) == pytest.approx(plain.information, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("free", [(), (1,)])
def test_scores_are_slopes_of_the_likelihood(rows: tuple[Array, Array], free: tuple[int, ...]) -> None:
    # A row counted a little more moves the estimate by its influence.
    matrix, classes = rows
    times = np.ones(len(classes))
    plain = ordinal(matrix, classes, times, levels=FIVE, free=free)
    assert np.abs(plain.scores.sum(axis=0)).max() < 1e-8
    for row in (0, 17, 400):
        more, less = times.copy(), times.copy()
        more[row] += 1e-4
        less[row] -= 1e-4
        moved = [ordinal(matrix, classes, t, levels=FIVE, free=free).parameters for t in (more, less)]
        assert (moved[0] - moved[1]) / 2e-4 == pytest.approx(plain.influence()[row], rel=1e-5, abs=1e-8)


# What has no answer says so.


@pytest.mark.parametrize(("unused", "name"), [(0, "none"), (1, "mild"), (2, "strong")])
def test_a_class_without_a_row_is_named(unused: int, name: str) -> None:
    matrix, classes = groups_of([[5, 4, 3], [3, 4, 5]])
    for fitted in (
        ordinal(matrix[classes != unused], classes[classes != unused], levels=LEVELS),
        ordinal(matrix, classes, (classes != unused).astype(float), levels=LEVELS),
    ):
        assert fitted.status == "not_estimable"
        assert f"no row is in class {name}," in str(fitted.problem)
        assert np.isnan(fitted.parameters).all()


def test_collinear_columns_are_said(rows: tuple[Array, Array]) -> None:
    matrix, classes = rows
    for column in (np.ones(len(classes)), 2 - 3e8 * matrix[:, 0], np.zeros(len(classes))):
        fitted = ordinal(np.column_stack([matrix, column]), classes, levels=FIVE)
        assert (fitted.status, "collinear" in str(fitted.problem)) == ("not_estimable", True)
    assert ordinal(matrix[:0], classes[:0], levels=FIVE).problem == "no row is complete on the terms"


@pytest.mark.parametrize(
    "counts",
    [
        [[10, 5, 3], [0, 0, 9]],  # all of one group are in the highest class
        [[10, 5, 3], [8, 0, 0]],  # in the lowest
        [[10, 5, 0], [0, 4, 9]],  # the groups meet in one class alone
    ],
)
def test_separation_names_its_column(counts: list[list[int]]) -> None:
    matrix, classes = groups_of(counts)
    other = np.arange(len(classes))[:, None] % 3 - 1.0
    columns = np.column_stack([other, matrix])
    # Rows in every cell that count for nothing change nothing.
    everywhere = np.array([[0.0, g] for g in (0, 1) for _ in LEVELS])
    more = np.concatenate([columns, everywhere]), np.concatenate([classes, [0, 1, 2, 0, 1, 2]])
    times = (np.arange(len(more[1])) < len(classes)).astype(float)
    for fitted in (
        ordinal(columns, classes, levels=LEVELS, names=("other", "female")),
        ordinal(*more, times, levels=LEVELS, names=("other", "female")),
    ):
        assert fitted.status == "not_estimable"
        assert "female" in str(fitted.problem) and "other" not in str(fitted.problem)
        assert "no finite estimate exists" in str(fitted.problem)


def test_separation_at_one_threshold_spares_the_proportional_model() -> None:
    matrix, classes = groups_of([[10, 5, 5], [10, 6, 0]])
    assert ordinal(matrix, classes, levels=LEVELS).problem is None
    partial = ordinal(matrix, classes, levels=LEVELS, names=("female",), free=(0,))
    assert partial.status == "not_estimable"
    assert "female at mild|strong" in str(partial.problem)


def test_large_effects_without_separation_are_estimated() -> None:
    rng = np.random.default_rng(3)
    matrix = rng.normal(0, 8, (3000, 1))
    classes = np.searchsorted([-2.0, 2.0], 2.5 * matrix[:, 0] + rng.logistic(size=3000)).astype(float)
    fitted = ordinal(matrix, classes, levels=LEVELS)
    assert fitted.problem is None
    assert abs(fitted.coefficients[0] - 2.5) < 4 * np.sqrt(variance(fitted)[0, 0])


def crossing() -> tuple[Array, Array]:
    # Log odds above "none" bend upwards, those above "mild" stay: straight lines through them cross at the left.
    shares = [(0.5, 0.0, 0.5), (0.38, 0.12, 0.5), (0.05, 0.45, 0.5)]
    cells = [(x, k, round(400 * s)) for x, row in zip((-1, 0, 1), shares, strict=True) for k, s in enumerate(row)]
    matrix = np.array([[float(x)] for x, _, n in cells for _ in range(n)])
    return matrix, np.array([float(k) for _, k, n in cells for _ in range(n)])


def test_a_negative_probability_is_not_estimable() -> None:
    matrix, classes = crossing()
    fitted = ordinal(matrix, classes, levels=LEVELS, free=(0,))
    assert fitted.status == "not_estimable"
    assert "the probability of class mild is negative on 400 rows" in str(fitted.problem)
    assert fitted.probabilities(np.array([[-1.0]]))[0, 1] < 0
    assert ordinal(matrix, classes, levels=LEVELS).problem is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": np.array([0.0, 1, 2, 3])}, "codes 0 to 2 of their levels, got 3"),
        ({"classes": np.array([0.0, 1, 1.5, 2])}, "got 1.5"),
        ({"classes": np.array([0.0, 1, np.nan, 2])}, "a cell of the model is missing"),
        ({"matrix": np.array([[0.0], [1], [np.inf], [1]])}, "a cell of the model is missing"),
        ({"weights": np.array([1.0, -1, 1, 1])}, "a weight is missing, negative or infinite"),
        ({"levels": ("all",)}, "at least two levels, got 1"),
    ],
)
def test_impossible_numbers_are_refused(change: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {
        "matrix": np.array([[0.0], [1], [0], [1]]),
        "classes": np.array([0.0, 1, 1, 2]),
        "weights": np.ones(4),
        "levels": LEVELS,
    }
    with pytest.raises(AnalysisError, match=message):
        ordinal(**(given | change))


# What is there is found.


def test_intervals_cover_what_was_drawn() -> None:
    truth = np.array([0.5, -0.7, -1.0, 0.4, 1.5])
    clustered, independent = np.zeros(5), np.zeros(5)
    found = []
    for rng in np.random.default_rng(20240108).spawn(200):
        matrix, classes = draw(rng, 300, tuple(truth[2:]), tuple(truth[:2]))
        plain = ordinal(matrix, classes, levels=FIVE[:4])
        # Every row three times over: participants who are alike all the time.
        twins = ordinal(matrix.repeat(3, axis=0), classes.repeat(3), levels=FIVE[:4])
        groups = np.arange(300).repeat(3)
        for fitted, spread, counted in (
            (plain, variance(plain), independent),
            (twins, covariance(twins.information, twins.scores, groups, "cluster"), clustered),
        ):
            assert fitted.problem is None
            counted += np.abs(fitted.parameters - truth) < 1.96 * np.sqrt(np.diag(spread))
        found.append(plain.parameters)
    # 95 % of 200, within what 99.9 % of such counts are
    assert ((independent >= 179) & (independent <= 198)).all()
    assert ((clustered >= 179) & (clustered <= 198)).all()
    errors = np.std(found, axis=0) / np.sqrt(200)
    assert (np.abs(np.mean(found, axis=0) - truth) < 4 * errors).all()


def test_slopes_that_differ_are_found() -> None:
    thresholds, own = np.array([-0.5, 0.5, 1.5]), np.array([1.2, 0.6, 0.1])
    truth = np.array([0.4, *thresholds, *own])
    covered = np.zeros(7)
    for rng in np.random.default_rng(5).spawn(200):
        common, binary, noise = rng.normal(size=400), rng.random(400) < 0.5, rng.random(400)
        above = special.expit(0.4 * common[:, None] + binary[:, None] * own - thresholds)
        classes = (noise[:, None] < above).sum(axis=1).astype(float)
        fitted = ordinal(np.column_stack([common, binary]).astype(float), classes, levels=FIVE[:4], free=(1,))
        assert fitted.problem is None
        covered += np.abs(fitted.parameters - truth) < 1.96 * np.sqrt(np.diag(variance(fitted)))
    assert ((covered >= 179) & (covered <= 198)).all()


# Are the odds proportional?


def null_and_broken(test: Any) -> tuple[int, int]:
    """Count the rejections at 5 % of 200 tests where odds are proportional, and where those of a column are not."""
    null = broken = 0
    for rng in np.random.default_rng(11).spawn(200):
        matrix, classes = draw(rng, 400, (-0.5, 0.5, 1.5), (0.5, 0.3))
        null += test(matrix, classes)[0].p_value < 0.05
        above = special.expit(0.5 * matrix[:, :1] + matrix[:, 1:] * [1.5, 0.5, -0.5] - [-0.5, 0.5, 1.5])
        other = (rng.random(400)[:, None] < above).sum(axis=1).astype(float)
        broken += test(matrix, other)[2].p_value < 0.05
    return null, broken


@pytest.mark.parametrize("way", ["brant", "likelihood_ratio"])
def test_proportional_odds_are_rejected_where_they_should_be(way: str) -> None:
    test = getattr(proportionality, way)
    null, broken = null_and_broken(lambda x, y: test(x, y, levels=FIVE[:4], names=("age", "female")))
    # 5 % of 200, within what 99.9 % of such counts are
    assert 1 <= null <= 22
    assert broken > 180


def test_tests_name_their_columns_and_degrees_of_freedom(rows: tuple[Array, Array]) -> None:
    for found in (
        proportionality.brant(*rows, levels=FIVE, names=("age", "female")),
        proportionality.likelihood_ratio(*rows, levels=FIVE, names=("age", "female")),
    ):
        assert [(t.column, t.df, t.problem) for t in found] == [
            ("all columns", 6, None),
            ("age", 3, None),
            ("female", 3, None),
        ]
        for t in found:
            assert t.p_value == pytest.approx(stats.chi2.sf(t.statistic, t.df))


def test_rows_of_one_participant_count_once(rows: tuple[Array, Array]) -> None:
    matrix, classes = rows
    alone = np.arange(len(classes))
    names: dict[str, Any] = {"levels": FIVE, "names": ("age", "female")}
    once = proportionality.brant(matrix, classes, groups=alone, **names)
    twins = proportionality.brant(matrix.repeat(4, axis=0), classes.repeat(4), groups=alone.repeat(4), **names)
    naive = proportionality.brant(matrix.repeat(4, axis=0), classes.repeat(4), **names)
    original = proportionality.brant(matrix, classes, **names)
    for a, b, c, d in zip(once, twins, naive, original, strict=True):
        assert b.statistic == pytest.approx(a.statistic, rel=1e-6)
        assert c.statistic == pytest.approx(4 * d.statistic, rel=1e-6)


def test_few_participants_allow_few_differences(rows: tuple[Array, Array]) -> None:
    matrix, classes = rows
    found = proportionality.brant(
        matrix, classes, levels=FIVE, names=("age", "female"), groups=np.arange(len(classes)) % 6
    )
    assert "6 differences of slopes are too many" in str(found[0].problem)
    assert np.isnan(found[0].statistic)
    # Hotelling's test: F with 3 and 6 - 1 - 3 + 1 degrees of freedom
    assert (found[1].df, found[1].df_residual, found[1].problem) == (3, 3, None)
    assert found[1].p_value == pytest.approx(stats.f.sf(found[1].statistic, 3, 3))


def test_a_test_that_cannot_be_made_says_why() -> None:
    matrix, classes = groups_of([[10, 5, 5], [10, 6, 0]])
    given: dict[str, Any] = {"levels": LEVELS, "names": ("female",)}
    problem = str(proportionality.brant(matrix, classes, **given)[1].problem)
    assert "no regression of a class above mild by itself: the classes are set apart by female" in problem
    assert "female at mild|strong" in str(proportionality.likelihood_ratio(matrix, classes, **given)[1].problem)
    crossed = proportionality.likelihood_ratio(*crossing(), **given)
    assert ["negative on 400 rows" in str(t.problem) for t in crossed] == [True, True]
    unused = proportionality.brant(matrix, np.minimum(classes, 1), **given)
    assert ["no row is in class strong" in str(t.problem) for t in unused] == [True, True]
    with pytest.raises(AnalysisError, match="1 columns and 2 classes"):
        proportionality.brant(matrix, np.minimum(classes, 1), levels=LEVELS[:2], names=("female",))


# Sampling designs.


@pytest.fixture
def sample(rows: tuple[Array, Array]) -> tuple[Array, Array, SamplingDesign]:
    rng = np.random.default_rng(1)
    n = len(rows[1])
    return *rows, SamplingDesign.of(
        np.repeat(np.arange(10), n // 10), np.tile([1, 2, 3], n // 3), rng.gamma(3, 1000, n)
    )


NAMES = ("age", "female")


def test_two_weighted_classes_are_a_weighted_logistic_regression(sample: tuple[Array, Array, SamplingDesign]) -> None:
    matrix, classes, design = sample
    above, inside = (classes > 1).astype(float), matrix[:, 0] < 1
    fitted = survey_ordinal.regression(above, matrix, NAMES, inside, design, ("no", "yes"))
    with_intercept = np.column_stack([np.ones(len(above)), matrix])
    peer = linearised.regression(above, with_intercept, ("1", *NAMES), inside, design)
    assert fitted.names == (*NAMES, "no|yes")
    turn = np.array([[0.0, 1, 0], [0, 0, 1], [-1, 0, 0]])
    assert fitted.coefficients == pytest.approx(turn @ peer.coefficients, abs=1e-8)
    assert fitted.covariance == pytest.approx(turn @ peer.covariance @ turn.T, abs=1e-9)
    assert (fitted.status, fitted.df, fitted.n, fitted.n_events, fitted.n_psus) == (
        *(peer.status, peer.df, peer.n),
        *(peer.n_events, peer.n_psus),
    )
    assert fitted.p_value[:2] == pytest.approx(peer.p_value[1:], rel=1e-6)


def test_rows_drawn_one_by_one_have_the_robust_covariance(rows: tuple[Array, Array]) -> None:
    matrix, classes = rows
    n = len(classes)
    design = SamplingDesign.of(np.ones(n), np.arange(n), np.full(n, 3.0))
    for free in ((), (1,)):
        fitted = survey_ordinal.regression(classes, matrix, NAMES, np.ones(n, dtype=bool), design, FIVE, free)
        plain = ordinal(matrix, classes, levels=FIVE, free=free)
        assert fitted.coefficients == pytest.approx(plain.parameters, abs=1e-9)
        robust = covariance(plain.information, plain.scores, np.arange(n), "cluster")
        assert fitted.covariance == pytest.approx(robust, rel=1e-8, abs=1e-10)
    by_design = survey_ordinal.brant(classes, matrix, NAMES, np.ones(n, dtype=bool), design, FIVE)
    by_cluster = proportionality.brant(matrix, classes, levels=FIVE, names=NAMES, groups=np.arange(n))
    for a, b in zip(by_design, by_cluster, strict=True):
        assert a.statistic * a.df * (n - 1) / a.df_residual == pytest.approx(b.statistic, rel=1e-6)
        assert a.df_residual == n - 1 - a.df + 1


def test_a_domain_keeps_the_design(sample: tuple[Array, Array, SamplingDesign]) -> None:
    matrix, classes, design = sample
    # One PSU is empty in the domain: in the full design it still counts.
    inside = (matrix[:, 0] < 0.5) & (design.psu != 4)
    kept = survey_ordinal.regression(classes, matrix, NAMES, inside, design, FIVE)
    cut = SamplingDesign.of(design.stratum_of_psu[design.psu[inside]], design.psu[inside], design.weight[inside])
    everyone = np.ones(inside.sum(), dtype=bool)
    subset = survey_ordinal.regression(classes[inside], matrix[inside], NAMES, everyone, cut, FIVE)
    assert kept.coefficients == pytest.approx(subset.coefficients, abs=1e-10)
    assert np.abs(kept.std_error / subset.std_error - 1).max() > 1e-4
    # Cells outside may be missing, and the scale of the weights does not matter.
    holes = np.where(inside[:, None], matrix, np.nan)
    scaled = SamplingDesign(design.psu, design.stratum_of_psu, design.weight / 1e5)
    other = survey_ordinal.regression(np.where(inside, classes, np.nan), holes, NAMES, inside, scaled, FIVE)
    assert other.covariance == pytest.approx(kept.covariance, rel=1e-9, abs=1e-12)


def test_what_a_sample_cannot_answer_is_said(sample: tuple[Array, Array, SamplingDesign]) -> None:
    matrix, classes, design = sample
    everyone = np.ones(len(classes), dtype=bool)
    lonely = SamplingDesign.of(np.arange(10).repeat(60), np.ones(600), np.ones(600))
    collinear = np.column_stack([matrix[:, 0], 2 * matrix[:, 0]])
    for fitted, reason in (
        (survey_ordinal.regression(classes, matrix, NAMES, everyone, lonely, FIVE), "no more PSUs than strata"),
        (survey_ordinal.regression(classes, matrix, NAMES, classes != 2, design, FIVE), "no row is in class 2"),
        (survey_ordinal.regression(classes, collinear, NAMES, everyone, design, FIVE), "collinear"),
        (
            survey_ordinal.regression(classes, matrix, NAMES, (classes == 4) | (matrix[:, 1] == 0), design, FIVE),
            "set apart by female",
        ),
    ):
        assert fitted.status == "not_estimable"
        assert reason in fitted.reason
        assert np.isnan(fitted.coefficients).all() and np.isnan(fitted.std_error).all()
    tests = survey_ordinal.brant(classes, matrix, NAMES, everyone, lonely, FIVE)
    assert ["no more PSUs" in str(t.problem) for t in tests] == [True] * 3
    with pytest.raises(AnalysisError, match="no complete row"):
        survey_ordinal.regression(classes, matrix, NAMES, ~everyone, design, FIVE)
    with pytest.raises(AnalysisError, match="a cell inside the domain is missing"):
        survey_ordinal.regression(classes * np.nan, matrix, NAMES, everyone, design, FIVE)
