from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.integrate import quad
from scipy.special import gammaln, xlogy

from crampstudy.arrays import Array
from crampstudy.errors import AnalysisError
from crampstudy.models.inference.automatic import of_clusters
from crampstudy.models.inference.covariance import Covariance
from crampstudy.models.nights import count
from crampstudy.models.nights.random_effects import mixed
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit
from crampstudy.models.nights.random_effects.quadrature import QuadratureCells, QuadratureRule, integrate

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "mixed.json").read_text())
FIXED = ("age_decade", "female", "weekend", "alcohol_units")


def _variance(fitted: MixedFit, kind: Covariance) -> Array:
    return of_clusters(fitted.scores, fitted.information, None, len(fitted.coefficients), kind).variance


@cache
def nights(case: str) -> pl.DataFrame:
    """Return the rows that ``mixed.R`` fits, with the same changes made to them."""
    if case == "slopes":
        drawn = pl.read_csv(PARITY / "mixed-slopes.csv").rename({"person": "participant_id", "y": "cramps"})
        return drawn.with_columns(cramp_night=(pl.col("cramps") > 0).cast(pl.Float64))
    people = pl.read_csv(PARITY / "diary" / "participants.csv")
    diary = pl.read_csv(PARITY / "diary" / "diary.csv", try_parse_dates=True)
    plain = (
        diary.filter(pl.col("entry_made") & pl.col("cramps").is_not_null())
        .join(people, on="participant_id")
        .drop_nulls(["age_years", "sex", "diabetes", "alcohol_units", "hours_in_bed"])
        .with_columns(
            age_decade=(pl.col("age_years") - 60) / 10,
            female=(pl.col("sex") == "female").cast(pl.Float64),
            weekend=(pl.col("date").dt.weekday() >= 6).cast(pl.Float64),
            cramp_night=(pl.col("cramps") > 0).cast(pl.Float64),
        )
    )
    totals = plain.group_by("participant_id").agg(pl.col("cramps").sum()).sort("cramps", descending=True)
    worst, most, rest = totals["participant_id"][0], totals["cramps"][0], totals["cramps"][1:].sum()
    his = pl.col("participant_id") == worst
    first = sorted(plain["participant_id"].unique())[:12]
    return {
        "plain": lambda: plain,
        "twelve": lambda: plain.filter(pl.col("participant_id").is_in(first)),
        "half": lambda: plain.with_columns(
            cramps=pl.when(his).then(pl.col("cramps") * round(rest / most)).otherwise("cramps")
        ),
        "two_hundred": lambda: plain.with_columns(cramps=pl.col("cramps") * 100),
        "rare": lambda: plain.with_columns(
            cramp_night=pl.col("cramp_night") * pl.col("date").dt.day().is_in([10, 20, 30])
        ),
    }[case]()


def rows(case: str, columns: tuple[str, ...], outcome: str, exposure: str | None = None) -> tuple[Array, ...]:
    frame = nights(case)
    matrix = np.column_stack([np.ones(frame.height), *(frame[c].to_numpy() for c in columns)])
    groups = frame["participant_id"].rank("dense").to_numpy().astype(np.intp) - 1
    offset = np.log(frame[exposure].to_numpy()) if exposure else np.zeros(frame.height)
    return matrix, frame[outcome].to_numpy().astype(float), offset, groups


FITS: dict[str, tuple[str, tuple[str, ...], str | None, int | None]] = {
    # name in mixed.json: case, columns, exposure, column with a random slope
    "poisson": ("plain", FIXED, None, None),
    "poisson_hours": ("plain", FIXED, "hours_in_bed", None),
    "poisson_twelve": ("twelve", ("weekend", "alcohol_units"), None, None),
    "poisson_half": ("half", FIXED, None, None),
    "poisson_two_hundred": ("two_hundred", FIXED, None, None),
    "poisson_slope": ("slopes", ("age", "x"), None, 2),
    "poisson_slope_at_boundary": ("plain", FIXED, None, 3),
    "logistic": ("plain", FIXED, None, None),
    "logistic_hours": ("plain", FIXED, "hours_in_bed", None),
    "logistic_rare": ("rare", ("age_decade", "female"), None, None),
    "logistic_slope": ("slopes", ("age", "x"), None, 2),
    "negative_binomial": ("plain", FIXED, None, None),
    "negative_binomial_hours": ("plain", FIXED, "hours_in_bed", None),
    "negative_binomial_twelve": ("twelve", ("weekend", "alcohol_units"), None, None),
    "negative_binomial_half": ("half", FIXED, None, None),
    "negative_binomial_two_hundred": ("two_hundred", FIXED, None, None),
    "negative_binomial_slope": ("slopes", ("age", "x"), None, 2),
}


@cache
def ours(name: str, nodes: int) -> MixedFit:
    case, columns, exposure, slope = FITS[name]
    if name.startswith("logistic"):
        return mixed.logistic(*rows(case, columns, "cramp_night", exposure), slope=slope, nodes=nodes)
    fit = mixed.poisson if name.startswith("poisson") else mixed.negative_binomial
    return fit(*rows(case, columns, "cramps", exposure), slope=slope, nodes=nodes)


AT_BOUNDARY = {"negative_binomial_twelve", "negative_binomial_two_hundred", "poisson_slope_at_boundary"}
INSIDE = [("lme4", n) for n in R["lme4"]] + [("glmmTMB", n) for n in R["glmmTMB"] if n not in AT_BOUNDARY]


@pytest.mark.parametrize(("package", "name"), INSIDE)
def test_agrees_with_r(package: str, name: str) -> None:
    r, fitted = R[package][name], ours(name, 9 if package == "lme4" else 1)
    assert fitted.problem is None and not fitted.at_boundary and not fitted.dispersion_at_boundary
    errors = np.sqrt(np.diag(_variance(fitted, "model")))
    # 1e-6 of the coefficient, or of its standard error where it is nearly zero.
    assert fitted.coefficients == pytest.approx(r["coefficients"], rel=1e-6, abs=1e-6 * errors.min())
    assert errors == pytest.approx(r["se"], rel=1e-4)
    assert fitted.sd == pytest.approx(np.atleast_1d(r["sd"]), rel=1e-6)
    assert fitted.sd_error == pytest.approx(np.atleast_1d(r["sd_error"]), rel=1e-4)
    if "dispersion" in r:
        assert fitted.dispersion == pytest.approx(r["dispersion"], rel=1e-6)
        assert fitted.dispersion_error == pytest.approx(r["dispersion_error"], rel=1e-4)
    if "correlation" in r:
        assert fitted.correlation == pytest.approx(r["correlation"], rel=1e-6)
    if package == "lme4":
        # With more than one node lme4 leaves out the log-likelihood of the saturated model, 0 for 0 and 1.
        case, columns, exposure, _ = FITS[name]
        counts = rows(case, columns, "cramp_night" if name.startswith("logistic") else "cramps", exposure)[1]
        saturated = 0.0 if name.startswith("logistic") else np.sum(xlogy(counts, counts) - counts - gammaln(counts + 1))
        assert fitted.log_likelihood == pytest.approx(r["log_likelihood"] + saturated, abs=1e-6)
    else:
        assert fitted.log_likelihood == pytest.approx(r["log_likelihood"], abs=1e-6)


def test_dispersion_at_its_boundary_is_the_poisson_fit() -> None:
    fitted, poisson, r = (
        ours("negative_binomial_twelve", 1),
        ours("poisson_twelve", 1),
        R["glmmTMB"]["negative_binomial_twelve"],
    )
    assert fitted.dispersion_at_boundary and fitted.dispersion == 0 and np.isnan(fitted.dispersion_error)
    assert np.array_equal(fitted.coefficients, poisson.coefficients)
    # glmmTMB walks on to alpha of 1e-10, where its gamma functions lose their digits, and has no standard errors.
    assert r["dispersion"] < 1e-6
    assert fitted.coefficients == pytest.approx(r["coefficients"], abs=1e-4)
    assert fitted.log_likelihood == pytest.approx(r["log_likelihood"], abs=1e-3)


def test_variance_at_its_boundary_is_the_fit_without_effects() -> None:
    fitted, r = ours("negative_binomial_two_hundred", 1), R["glmmTMB"]["negative_binomial_two_hundred"]
    plain = count.negative_binomial(*rows("two_hundred", FIXED, "cramps")[:3])
    assert fitted.at_boundary and fitted.problem is None
    assert fitted.sd == 0 and np.isnan(fitted.sd_error) and not fitted.modes.any()
    assert r["sd"] < 1e-3  # glmmTMB stops on the way to 0, with a standard error of thousands
    assert fitted.coefficients == pytest.approx(plain.coefficients, rel=1e-7)
    assert fitted.coefficients == pytest.approx(r["coefficients"], rel=1e-6)
    assert fitted.dispersion == pytest.approx(plain.dispersion, rel=1e-7)
    assert fitted.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)


def test_slope_at_its_boundary_is_perfectly_correlated() -> None:
    fitted, r = ours("poisson_slope_at_boundary", 1), R["glmmTMB"]["poisson_slope_at_boundary"]
    assert fitted.at_boundary and fitted.problem is None and fitted.correlation == 1.0
    assert r["correlation"] > 0.999  # still on its way
    assert fitted.coefficients == pytest.approx(r["coefficients"], rel=1e-3)
    assert fitted.sd == pytest.approx(r["sd"], rel=1e-2)
    assert fitted.log_likelihood == pytest.approx(r["log_likelihood"], abs=1e-5)
    assert fitted.log_likelihood >= r["log_likelihood"] - 1e-9


def drawn(
    seed: int, people: int, nights_each: int, sd: float, slope_sd: float = 0.0, alpha: float = 0.0
) -> tuple[Array, ...]:
    """Draw counts of rate exp(-0.5 + 0.3 own + 0.2 nightly + intercept + slope x nightly), columns few-valued."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(people), nights_each)
    own, nightly = rng.integers(-2, 3, people)[groups] / 2, rng.integers(0, 2, len(groups)) - 0.5
    matrix = np.column_stack([np.ones(len(groups)), own, nightly])
    eta = matrix @ [-0.5, 0.3, 0.2] + sd * rng.normal(size=people)[groups]
    eta += slope_sd * rng.normal(size=people)[groups] * nightly
    frailty = rng.gamma(1 / alpha, alpha, len(groups)) if alpha else 1.0
    return matrix, rng.poisson(np.exp(eta) * frailty).astype(float), np.zeros(len(groups)), groups


@pytest.mark.parametrize("nodes", [1, 2, 9])
@pytest.mark.parametrize("dimensions", [1, 2])
@pytest.mark.parametrize("with_trials", [False, True])
def test_gradient_is_that_of_the_quadrature(nodes: int, dimensions: int, with_trials: bool) -> None:
    rng = np.random.default_rng(dimensions)
    groups = np.sort(np.concatenate([np.arange(5), rng.integers(0, 5, 35)]))
    z = np.column_stack([np.ones(40), rng.normal(size=40)])[:, :dimensions]
    cells = QuadratureCells.of(rng.poisson(1.5, 40).astype(float), z, groups)
    trials = cells.counts + rng.gamma(2.0, 1.0, 40) if with_trials else None
    eta, factor = rng.normal(size=40) / 2, np.tril(rng.normal(size=(dimensions, dimensions)))
    rule, start = QuadratureRule.of(nodes, dimensions), np.zeros((5, dimensions))

    def value(eta: Array, trials: Array | None, factor: Array) -> float:
        return float(integrate(cells, eta, trials, factor, rule, start).values.sum())

    def slope(along: Callable[[float], float]) -> float:
        return (along(1e-5) - along(-1e-5)) / 2e-5

    found = integrate(cells, eta, trials, factor, rule, start)
    for i in range(0, 40, 5):
        unit = np.eye(40)[i]
        assert found.in_predictor[i] == pytest.approx(
            slope(lambda h, unit=unit: value(eta + h * unit, trials, factor)), abs=1e-7
        )
        if trials is not None:
            assert found.in_trials[i] == pytest.approx(
                slope(lambda h, unit=unit: value(eta, trials + h * unit, factor)), abs=1e-7
            )
    for d in range(dimensions):
        for e in range(d + 1):
            unit = np.zeros((dimensions, dimensions))
            unit[d, e] = 1
            expected = slope(lambda h, unit=unit: value(eta, trials, factor + h * unit))
            assert found.in_factor[:, d, e].sum() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("with_trials", [False, True])
def test_quadrature_is_the_integral(with_trials: bool) -> None:
    counts, eta = np.array([2.0, 0.0, 5.0]), np.array([0.1, -0.4, 0.6])
    trials = counts + 1.5 if with_trials else None
    cells = QuadratureCells.of(counts, np.ones((3, 1)), np.zeros(3, dtype=np.intp))

    def density(u: float) -> float:
        at = eta + 0.9 * u
        log_term = np.exp(at) if trials is None else trials * np.logaddexp(0, at)
        return float(np.exp(np.sum(counts * at - log_term) - u * u / 2) / np.sqrt(2 * np.pi))

    exact = np.log(quad(density, -12, 12, epsabs=0, epsrel=1e-12, limit=200)[0])
    found = integrate(cells, eta, trials, np.array([[0.9]]), QuadratureRule.of(25, 1), np.zeros((1, 1)))
    assert found.values[0] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("name", [name for name in FITS if name not in AT_BOUNDARY and "slope" not in name])
def test_nine_nodes_are_enough(name: str) -> None:
    fitted, many = ours(name, 9), ours(name, 51)
    errors = np.sqrt(np.diag(_variance(many, "model")))
    assert many.problem is None
    # The farthest is two_hundred: sd 3.2, and participants whose likelihood is a needle or a cliff.
    assert np.max(np.abs(fitted.coefficients - many.coefficients) / errors) < 5e-3
    assert fitted.sd == pytest.approx(many.sd, rel=2e-3)
    assert fitted.log_likelihood == pytest.approx(many.log_likelihood, abs=5e-2)


@pytest.mark.parametrize("name", ["poisson_slope", "logistic_slope", "negative_binomial_slope"])
def test_seven_by_seven_nodes_are_enough_for_a_slope(name: str) -> None:
    fitted, many = ours(name, 7), ours(name, 11)
    errors = np.sqrt(np.diag(_variance(many, "model")))
    assert np.max(np.abs(fitted.coefficients - many.coefficients) / errors) < 1e-3
    assert fitted.sd == pytest.approx(many.sd, rel=1e-3)
    assert fitted.correlation == pytest.approx(many.correlation, abs=1e-3)


@pytest.mark.parametrize("name", ["poisson_hours", "logistic", "negative_binomial_half", "negative_binomial_slope"])
def test_scores_sum_to_zero_and_information_is_positive(name: str) -> None:
    fitted = ours(name, 5)
    scale = np.sqrt(np.diag(fitted.information))
    assert np.max(np.abs(fitted.scores.sum(axis=0)) / scale) < 1e-6
    assert np.linalg.eigvalsh(fitted.information / np.outer(scale, scale))[0] > 1e-4


def test_sandwich_is_that_of_the_joint_scores() -> None:
    fitted = ours("negative_binomial", 9)
    people = len(fitted.scores)
    bread = np.linalg.inv(fitted.information)
    expected = (bread @ fitted.scores.T @ fitted.scores @ bread)[:5, :5]
    assert _variance(fitted, "cluster-hc0") == pytest.approx(expected)
    assert _variance(fitted, "cluster") == pytest.approx(expected * people / (people - 1))
    assert _variance(fitted, "model") == pytest.approx(bread[:5, :5])


def test_sandwich_sees_overdispersion_within_persons_that_the_poisson_model_does_not() -> None:
    fitted = mixed.poisson(*drawn(4, 150, 60, sd=0.5, alpha=6.0))
    model, robust = np.sqrt(_variance(fitted, "model")[2, 2]), np.sqrt(_variance(fitted, "cluster")[2, 2])
    assert robust > 1.5 * model


@pytest.mark.parametrize("slope", [None, 2])
@pytest.mark.parametrize("fit", [mixed.poisson, mixed.negative_binomial])
def test_multiplicity_is_repetition_and_the_order_of_rows_does_not_matter(
    fit: Callable[..., MixedFit], slope: int | None
) -> None:
    matrix, counts, _, groups = drawn(5, 40, 20, sd=0.8, slope_sd=0.6, alpha=0.7)
    rng = np.random.default_rng(5)
    offset, times = np.log(rng.choice([1.0, 6.5, 8.0], len(counts))), rng.integers(1, 4, len(counts))
    again = rng.permutation(np.repeat(np.arange(len(counts)), times))
    weighted = fit(matrix, counts, offset, groups, multiplicity=times.astype(float), slope=slope, nodes=5)
    repeated = fit(matrix[again], counts[again], offset[again], groups[again], slope=slope, nodes=5)
    assert weighted.problem is None
    assert weighted.coefficients == pytest.approx(repeated.coefficients, rel=1e-8)
    assert weighted.scores == pytest.approx(repeated.scores, rel=1e-6, abs=1e-6)
    assert weighted.information == pytest.approx(repeated.information, rel=1e-5, abs=1e-4)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood, rel=1e-12)


@pytest.mark.parametrize("fit", [mixed.poisson, mixed.negative_binomial])
def test_rows_that_cannot_be_compressed_give_the_same_fit(fit: Callable[..., MixedFit]) -> None:
    matrix, counts, offset, groups = drawn(6, 40, 20, sd=0.8, alpha=0.7)
    # Differences that matter to a key and not to a likelihood.
    unlike = matrix + np.random.default_rng(6).normal(size=(len(counts), 1)) * [0.0, 0.0, 1e-13]
    short, plain = fit(matrix, counts, offset, groups), fit(unlike, counts, offset, groups)
    assert short.coefficients == pytest.approx(plain.coefficients, rel=1e-9)
    assert short.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-12)
    assert short.scores == pytest.approx(plain.scores, abs=1e-7)


@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_no_spread_between_participants_is_a_boundary(alpha: float) -> None:
    # Everyone has the same nights: less spread between people than chance would make.
    matrix, counts, offset, _ = drawn(7, 1, 60, sd=0.0, alpha=alpha)
    groups = np.repeat(np.arange(30), 60)
    matrix, counts, offset = np.tile(matrix, (30, 1))[:, [0, 2]], np.tile(counts, 30), np.tile(offset, 30)
    fit, plain = (mixed.negative_binomial, count.negative_binomial) if alpha else (mixed.poisson, count.poisson)
    fitted, expected = fit(matrix, counts, offset, groups), plain(matrix, counts, offset)
    assert fitted.at_boundary and fitted.problem is None and fitted.sd == 0
    assert fitted.coefficients == pytest.approx(expected.coefficients, rel=1e-7)
    assert fitted.log_likelihood == pytest.approx(expected.log_likelihood, abs=1e-7)
    if not alpha:
        assert np.array_equal(fitted.scores.shape, (30, 2))
        assert _variance(fitted, "model") == pytest.approx(np.linalg.inv(expected.information), rel=1e-5)


@pytest.mark.parametrize("fit", [mixed.poisson, mixed.negative_binomial])
def test_a_slope_that_varies_where_the_intercept_does_not(fit: Callable[..., MixedFit]) -> None:
    # All are alike on the nights without exposure, and differ on those with it.
    rng = np.random.default_rng(12)
    groups = np.repeat(np.arange(60), 40)
    x = np.tile([0.0, 1.0], 1200)
    rate = np.exp(0.3 + 0.8 * rng.normal(size=60)[groups]) * rng.gamma(2.0, 0.5, len(x))
    counts = np.where(x > 0, rng.poisson(rate), np.tile(rng.poisson(1.0, 40), 60)).astype(float)
    matrix, offset = np.column_stack([np.ones(len(x)), x]), np.zeros(len(x))
    fitted = fit(matrix, counts, offset, groups, slope=1)
    assert fitted.problem is None and fitted.at_boundary
    assert fitted.sd[0] == 0 and 0.5 < fitted.sd[1] < 1.1
    assert np.isnan(fitted.sd_error[0]) and 0 < fitted.sd_error[1] < 0.3 and np.isnan(fitted.correlation)
    assert not fitted.modes[:, 0].any() and fitted.modes[:, 1].std() > 0.3
    assert fitted.log_likelihood > fit(matrix, counts, offset, groups).log_likelihood + 10


def test_modes_point_where_the_truth_is() -> None:
    rng = np.random.default_rng(8)
    truth, groups = rng.normal(size=100), np.repeat(np.arange(100), 50)
    counts = rng.poisson(np.exp(0.5 + truth[groups])).astype(float)
    fitted = mixed.poisson(np.ones((5000, 1)), counts, np.zeros(5000), groups)
    assert np.corrcoef(fitted.modes[:, 0], truth)[0, 1] > 0.98
    assert np.polyfit(truth, fitted.modes[:, 0], 1)[0] == pytest.approx(1.0, abs=0.1)


RECOVERED: list[tuple[str, dict[str, float], dict[str, Any]]] = [
    ("poisson", {"sd": 0.7}, {}),
    ("poisson", {"sd": 0.7, "slope_sd": 0.6}, {"slope": 2, "nodes": 5}),
    ("negative_binomial", {"sd": 0.7, "alpha": 0.8}, {}),
    ("logistic", {"sd": 1.2}, {}),
]


@pytest.mark.parametrize(("model", "truth", "options"), RECOVERED)
def test_truth_is_recovered_within_monte_carlo_error(
    model: str, truth: dict[str, float], options: dict[str, Any]
) -> None:
    found, inside = [], []
    for seed in range(12):
        matrix, counts, offset, groups = drawn(100 + seed, 200, 30, **truth)
        if model == "logistic":
            rng = np.random.default_rng(200 + seed)
            chance = 1 / (1 + np.exp(-matrix @ [-0.5, 0.3, 0.2] - truth["sd"] * rng.normal(size=200)[groups]))
            events = (rng.random(len(groups)) < chance).astype(float)
            fitted = mixed.logistic(matrix, events, np.zeros(len(groups)), groups, **options)
        else:
            fitted = getattr(mixed, model)(matrix, counts, offset, groups, **options)
        assert fitted.problem is None and not fitted.at_boundary
        known = [-0.5, 0.3, 0.2, np.log(truth["sd"])]
        estimates, errors = (
            [*fitted.coefficients, np.log(fitted.sd[0])],
            [*np.sqrt(np.diag(_variance(fitted, "model")))],
        )
        errors.append(fitted.sd_error[0])
        if "slope_sd" in truth:
            known, estimates = [*known, np.log(truth["slope_sd"])], [*estimates, np.log(fitted.sd[1])]
            errors.append(fitted.sd_error[1])
        if "alpha" in truth:
            known, estimates = [*known, np.log(truth["alpha"])], [*estimates, np.log(fitted.dispersion)]
            errors.append(fitted.dispersion_error)
        found.append((np.array(estimates) - known) / errors)
        inside.append(np.abs(found[-1]) < 1.96)
    # The mean of 12 standard normals has the standard error 0.29; each interval covers 95 times in 100.
    assert np.max(np.abs(np.mean(found, axis=0))) < 3.5 / np.sqrt(12)
    assert np.mean(inside) > 0.85
    assert 0.6 < np.std(found) < 1.4


def test_collinear_columns_and_separation_are_problems_and_no_numbers() -> None:
    matrix, counts, offset, groups = drawn(9, 20, 10, sd=0.5)
    doubled = np.column_stack([matrix, matrix[:, 1]])
    for fit in (mixed.poisson, mixed.negative_binomial):
        assert fit(doubled, counts, offset, groups).problem is not None
    assert mixed.logistic(doubled, (counts > 0).astype(float), offset, groups).problem is not None
    separated, events = np.column_stack([matrix[:, 0], (counts > 0).astype(float)]), (counts > 0).astype(float)
    for fitted in (mixed.logistic(separated, events, offset, groups), mixed.poisson(separated, counts, offset, groups)):
        assert fitted.problem is not None and "set apart" in fitted.problem
        assert np.isnan(fitted.coefficients).all()


def test_an_arm_without_a_cramp_is_separated_and_a_rare_outcome_is_not() -> None:
    matrix, counts, offset, groups = drawn(11, 40, 20, sd=0.5)
    arm = (groups % 2).astype(float)
    designed = np.column_stack([matrix, arm])
    for fit in (mixed.poisson, mixed.negative_binomial):
        assert "set apart" in str(fit(designed, counts * (1 - arm), offset, groups).problem)
    # Exposure in seconds, and a rate of e^-10 in it, is no separation.
    fitted = mixed.poisson(designed, counts, offset + np.log(28_800), groups)
    assert fitted.problem is None and fitted.coefficients[0] < -10


def test_participants_who_never_vary_have_no_finite_spread() -> None:
    # Each has a cramp on all nights or none: the odds between them grow without end.
    groups = np.repeat(np.arange(40), 30)
    fitted = mixed.logistic(np.ones((1200, 1)), (groups % 2).astype(float), np.zeros(1200), groups)
    assert fitted.problem is not None


def test_impossible_arguments_are_refused() -> None:
    matrix, counts, offset, groups = drawn(10, 5, 4, sd=0.5)
    with pytest.raises(AnalysisError, match="columns are 0 to 2"):
        mixed.poisson(matrix, counts, offset, groups, slope=3)
    with pytest.raises(AnalysisError, match="does not vary"):
        mixed.negative_binomial(matrix, counts, offset, groups, slope=0)
    with pytest.raises(AnalysisError, match="1 to 100 nodes"):
        mixed.poisson(matrix, counts, offset, groups, nodes=0)
    with pytest.raises(AnalysisError, match="0 or 1"):
        mixed.logistic(matrix, counts + 1, offset, groups)
