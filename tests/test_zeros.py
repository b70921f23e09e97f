from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from asking import asked, solve
from estimate_rows import coefficients
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from scipy.special import gammaln

from crampstudy import Cohort, estimates
from crampstudy.arrays import Array
from crampstudy.checks.zeros_found import MODELS, of_solution, zeros_found
from crampstudy.errors import UsageError
from crampstudy.figures.rootogram import rootogram
from crampstudy.models.common.aggregation import compress
from crampstudy.models.inference.covariance import Covariance, covariance
from crampstudy.models.nights import count
from crampstudy.models.nights.solution import Solution
from crampstudy.models.nights.zeros import zero_inflated
from crampstudy.models.nights.zeros.likelihoods import Inflated, Truncated, density
from crampstudy.models.nights.zeros.zero_inflated import ZerosFit
from crampstudy.models.nights.zeros.zero_part_rows import zero_rows
from crampstudy.models.optimise import optimum
from crampstudy.models.optimise.trust_region import maximise
from crampstudy.simulate import simulate

PARITY = Path(__file__).parent / "parity"
BOTH = (zero_inflated.zero_inflated, zero_inflated.hurdle)


def _variance(fitted: ZerosFit, kind: Covariance, groups: Any = None) -> Array:
    """Return the covariance of coefficients and zero part; each row is a participant where no ``groups`` are given."""
    own = len(fitted.coefficients) + len(fitted.zero)
    codes = np.arange(len(fitted.scores)) if groups is None else groups
    return covariance(fitted.information, fitted.scores, codes, kind)[:own, :own]


def drawn(
    rng: np.random.Generator, n: int, *, odds: float, log_mean: float = 0.4, kind: str = "inflated"
) -> tuple[Array, Array, Array, Array]:
    """Return design, design of the zero part, counts and offset: log mean + 0.3 x + offset, odds + 0.5 x, alpha 0.5."""
    x = rng.choice([-1.0, 0.0, 1.0], n)
    offset = np.log(rng.choice([0.5, 1.0], n))
    mu = np.exp(log_mean + 0.3 * x + offset)
    pi = 1 / (1 + np.exp(-(odds + 0.5 * x)))

    def draw() -> Array:
        return rng.poisson(mu * rng.gamma(2.0, 0.5, n)).astype(float)

    y = draw()
    if kind == "hurdle":
        while (y == 0).any():
            y = np.where(y == 0, draw(), y)
    both = np.column_stack([np.ones(n), x])
    return both, both, np.where(rng.random(n) < pi, 0.0, y), offset


@pytest.mark.parametrize("limit", [None, "poisson", "series"])
def test_scores_and_information_are_the_derivatives_of_the_likelihood(
    limit: Literal["poisson", "series"] | None,
) -> None:
    matrix, zero, counts, offset = drawn(np.random.default_rng(1), 300, odds=-0.3)
    whole, times = counts.astype(np.int64), np.linspace(0.5, 2, 300)
    some, held = whole > 0, np.inf if limit == "poisson" else None
    laws: list[tuple[Inflated | Truncated, list[float]]] = [
        (Inflated(matrix, zero, whole, offset, times, held), [0.2, 0.4, -0.3, 0.5]),
        (Truncated(matrix[some], whole[some], offset[some], times[some], held, limit == "series"), [0.2, 0.4]),
    ]
    for law, start in laws[limit == "series" :]:
        at = np.array(start if limit else [*start, 0.8])

        def total(x: Array, law: Inflated | Truncated = law) -> float:
            parts = np.split(x, np.cumsum([design.shape[1] for design in law.designs])[:-1])
            return float(
                law.weights @ law.pointwise([d @ part for d, part in zip(law.designs, parts, strict=True)]).value
            )

        top = maximise(law, at)
        assert top.reason is None
        # Away from the top too, where the score is not zero.
        for place in (at, top.theta):
            here = _score(law, place)
            steps = 1e-5 * np.eye(len(place))
            numeric = np.array([(total(place + s) - total(place - s)) / 2e-5 for s in steps])
            assert here == pytest.approx(numeric, abs=1e-4)
        numeric_information = -np.array(
            [(_score(law, top.theta + s) - _score(law, top.theta - s)) / 2e-5 for s in steps]
        )
        assert top.information == pytest.approx(numeric_information, rel=1e-6, abs=1e-4)
        assert top.scores.sum(axis=0) == pytest.approx(np.zeros(len(at)), abs=1e-6)


def _score(law: Inflated | Truncated, at: Array) -> Array:
    parts = np.split(at, np.cumsum([design.shape[1] for design in law.designs])[:-1])
    local = law.pointwise([d @ part for d, part in zip(law.designs, parts, strict=True)])
    return np.concatenate([d.T @ (law.weights * f) for d, f in zip(law.designs, local.first, strict=True)])


def test_density_with_large_theta_meets_poisson() -> None:
    counts, eta = np.arange(40), np.linspace(-3, 3, 40)
    for log_theta in (14.0, 20.0, 27.0):
        found, poisson = density(counts, eta, log_theta), density(counts, eta, np.inf)
        # The difference is of the order (counts^2 + mu^2) / theta.
        assert found.value == pytest.approx(poisson.value, abs=3000 * np.exp(-log_theta) + 1e-12)
        assert found.ee == pytest.approx(poisson.ee, abs=3000 * np.exp(-log_theta) + 1e-12)


def test_chances_sum_to_one_and_repeat_the_zeros() -> None:
    matrix, zero, counts, offset = drawn(np.random.default_rng(2), 2000, odds=0.0)
    for fit in BOTH:
        fitted = fit(matrix, zero, counts, offset)
        chances = np.array([zero_inflated.chances(fitted, matrix, zero, offset, value) for value in range(200)])
        assert chances.sum(axis=0) == pytest.approx(np.ones(2000), abs=1e-8)
        if fitted.kind == "hurdle":
            assert chances[0].sum() == pytest.approx((counts == 0).sum(), rel=1e-8)


def test_counts_above_zero_that_are_a_logarithmic_series() -> None:
    # Chances p^y / y have mean p / ((1 - p) log(1 / (1 - p))). A mixture of two such is more dispersed than either.
    rng = np.random.default_rng(8)
    counts = np.concatenate([np.zeros(5000), rng.logseries(0.2, 2500), rng.logseries(0.9, 2500)])
    one = np.ones((10_000, 1))
    fitted = zero_inflated.hurdle(one, one, counts, np.zeros(10_000))
    assert fitted.problem is None
    assert np.isinf(fitted.dispersion)
    assert fitted.dispersion_at_boundary
    p = 1 / (1 + np.exp(-fitted.coefficients[0]))
    assert p / ((1 - p) * -np.log(1 - p)) == pytest.approx(counts[counts > 0].mean(), rel=1e-8)
    chances = np.array([zero_inflated.chances(fitted, one[:1], one[:1], np.zeros(1), value)[0] for value in range(400)])
    assert chances.sum() == pytest.approx(1, abs=1e-10)
    assert chances[2] / chances[1] == pytest.approx(p / 2)


def test_hurdle_without_terms_by_hand() -> None:
    # Positive counts 1 and 2 in shares 3 : 1, no dispersion left: the zero-truncated Poisson has mean 1.25.
    counts = np.repeat([0.0, 1.0, 2.0], [60, 30, 10])
    one = np.ones((100, 1))
    fitted = zero_inflated.hurdle(one, one, counts, np.zeros(100))
    mu = float(np.exp(fitted.coefficients[0]))
    assert fitted.problem is None and fitted.dispersion == 0
    assert mu / -np.expm1(-mu) == pytest.approx(1.25, rel=1e-9)
    assert fitted.zero == pytest.approx([np.log(60 / 40)])
    assert _variance(fitted, "model")[1, 1] == pytest.approx(1 / 60 + 1 / 40)


@pytest.mark.parametrize("fit", BOTH)
def test_added_up_rows_change_nothing(fit: Any) -> None:
    matrix, zero, counts, offset = drawn(np.random.default_rng(3), 3000, odds=-0.2)
    groups = np.repeat(np.arange(100), 30)
    plain = fit(matrix, zero, counts, offset)
    rows = compress(matrix, counts, offset, groups, "count")
    assert rows.shorter
    few = fit(rows.matrix, rows.matrix, rows.counts, rows.offset, rows.multiplicity)
    assert few.coefficients == pytest.approx(plain.coefficients, abs=1e-8)
    assert few.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-8)
    kinds: tuple[Covariance, ...] = ("cluster", "cluster-hc0", "model")
    for kind in kinds:
        assert _variance(few, kind, rows.groups) == pytest.approx(_variance(plain, kind, groups), rel=1e-6)


@pytest.mark.parametrize("fit", BOTH)
@pytest.mark.parametrize("log_mean", [0.4, 3.0])
def test_the_information_is_that_of_its_participants(fit: Any, log_mean: float) -> None:
    matrix, zero, counts, offset = drawn(np.random.default_rng(4), 1200, odds=-0.2, log_mean=log_mean)
    groups = np.repeat(np.arange(40), 30)
    fitted = fit(matrix, zero, counts, offset)
    parts = fitted.curvatures(groups, 40)
    assert parts.sum(axis=0) == pytest.approx(fitted.information, rel=1e-9, abs=1e-7)
    one = groups == 7
    alone = fit(matrix[~one], zero[~one], counts[~one], offset[~one])
    # Without a participant, one Newton step from the fit of all is the fit of the others but for second order.
    scores = np.array([fitted.scores[groups == g].sum(axis=0) for g in range(40)])
    step = np.linalg.solve(fitted.information - parts[7], -scores[7])
    moved = np.concatenate([alone.coefficients - fitted.coefficients, alone.zero - fitted.zero])
    assert step[:4] == pytest.approx(moved, rel=0.1, abs=0.003)


@pytest.mark.parametrize(("kind", "fit"), [("inflated", zero_inflated.zero_inflated), ("hurdle", zero_inflated.hurdle)])
def test_recovers_the_truth(kind: str, fit: Any) -> None:
    truth = np.array([1.5, 0.3, -0.5, 0.5, np.log(0.5)])
    found, covered = [], np.zeros(4)
    for rng in np.random.default_rng(20).spawn(50):
        fitted = fit(*drawn(rng, 1500, odds=-0.5, log_mean=1.5, kind=kind))
        assert fitted.problem is None
        b = np.concatenate([fitted.coefficients, fitted.zero])
        error = np.sqrt(np.diag(_variance(fitted, "model")))
        covered += np.abs(b - truth[:4]) < 1.959964 * error
        found.append(np.append(b, np.log(fitted.dispersion)))
    spread = np.std(found, axis=0, ddof=1)
    # Four Monte-Carlo standard errors, and a log dispersion's skewness.
    assert np.all(np.abs(np.mean(found, axis=0) - truth) < 4 * spread / np.sqrt(50) + [0.02, 0.01, 0.05, 0.02, 0.1])
    assert np.all(covered >= 42)


def test_no_inflation_is_the_plain_fit() -> None:
    # More nights with one cramp than a negative binomial has: the likelihood falls with any excess zeros.
    counts = np.repeat([0.0, 1.0, 2.0, 3.0, 6.0], [100, 300, 60, 20, 10])
    matrix = np.column_stack([np.ones(490), np.tile([0.0, 1.0], 245)])
    fitted = zero_inflated.zero_inflated(matrix, matrix[:, :1], counts, np.zeros(490))
    plain = count.negative_binomial(matrix, counts, np.zeros(490))
    assert fitted.plain is not None and fitted.problem is None
    assert np.array_equal(fitted.coefficients, plain.coefficients)
    assert fitted.log_likelihood == plain.log_likelihood
    assert np.all(fitted.zero == -np.inf)


def test_excess_zeros_in_poisson_counts_have_a_dispersion_at_its_boundary() -> None:
    rng = np.random.default_rng(5)
    counts = np.minimum(rng.poisson(2.0, 900), 4) * (rng.random(900) > 0.3)
    one = np.ones((900, 1))
    fitted = zero_inflated.zero_inflated(one, one, counts.astype(float), np.zeros(900))
    assert fitted.problem is None and fitted.dispersion_at_boundary and fitted.plain is None
    assert np.isnan(fitted.dispersion_error) and fitted.scores.shape[1] == 2
    positive = counts[counts > 0]
    mu = float(np.exp(fitted.coefficients[0]))
    # With constants alone the positive counts are zero-truncated Poisson, and the zeros are repeated.
    assert mu / -np.expm1(-mu) == pytest.approx(positive.mean(), rel=1e-8)
    pi = 1 / (1 + np.exp(-fitted.zero[0]))
    assert pi + (1 - pi) * np.exp(-mu) == pytest.approx((counts == 0).mean(), rel=1e-8)


def test_what_has_no_finite_estimate_says_so() -> None:
    one, none = np.ones((200, 1)), np.zeros(200)
    assert "no zeros to explain" in str(zero_inflated.hurdle(one, one, np.tile([1.0, 2.0], 100), none).problem)
    assert "more than one cramp" in str(zero_inflated.hurdle(one, one, np.tile([0.0, 1.0], 100), none).problem)
    x = np.column_stack([one, np.tile([0.0, 1.0], 100)])
    apart = np.where(x[:, 1] == 1, 0.0, np.resize([1.0, 1.0, 2.0, 4.0], 200))
    assert "in the zero part" in str(zero_inflated.hurdle(one, x, apart, none).problem)
    # Only in the second half of the nights are there more zeros than the counts bring along.
    half = np.column_stack([np.ones(600), np.repeat([0.0, 1.0], 300)])
    counts = np.concatenate([np.repeat([0, 1, 2, 3], [40, 180, 60, 20]), np.repeat([0, 1, 2, 3], [230, 30, 30, 10])])
    fitted = zero_inflated.zero_inflated(half[:, :1], half, counts.astype(float), np.zeros(600))
    assert "the chance of an excess zero runs off" in str(fitted.problem)


def test_many_rows_lead_to_the_top_of_few() -> None:
    matrix, zero, counts, offset = drawn(np.random.default_rng(8), 30_000, odds=-0.4)
    noisy = np.column_stack([matrix, np.random.default_rng(9).normal(size=30_000)])
    rows = compress(matrix, counts, offset, np.zeros(30_000, dtype=np.intp), "count")
    whole = zero_inflated.zero_inflated(matrix, zero, counts, offset)
    few = zero_inflated.zero_inflated(rows.matrix, rows.matrix, rows.counts, rows.offset, rows.multiplicity)
    assert whole.log_likelihood == pytest.approx(few.log_likelihood, abs=1e-6)
    more = zero_inflated.zero_inflated(noisy, zero, counts, offset)
    assert more.problem is None and more.log_likelihood >= whole.log_likelihood - 1e-6


# The 68 sets: what glmmTMB, statsmodels and scipy from many starts reach is in zeros.json and zeros_sets.json.
SETS = pl.read_csv(PARITY / "zeros-sets.csv").partition_by("set", maintain_order=True)


def fits_of(rows: pl.DataFrame) -> dict[str, ZerosFit]:
    zero = np.column_stack([np.ones(rows.height), rows["x"]])
    matrix = np.column_stack([zero, rows["w"]])
    arrays = rows["cramps"].to_numpy().astype(float), np.log(rows["hours"].to_numpy())
    times = rows["times"].to_numpy().astype(float)
    return {fitted.kind: fitted for fitted in (fit(matrix, zero, *arrays, times) for fit in BOTH)}


def test_the_best_likelihood_of_any_engine_is_reached_in_every_set() -> None:
    r = json.loads((PARITY / "zeros.json").read_text())
    peers = [r["sets"], *json.loads((PARITY / "zeros_sets.json").read_text()).values()]
    kinds = [rows["kind"][0] for rows in SETS]
    assert [kinds.count(kind) for kind in ("inflated", "plain", "tiny")] == [50, 8, 10]
    shown = {"inflated": 0, "hurdle": 0}
    for number, rows in enumerate(SETS):
        for kind, fitted in fits_of(rows).items():
            reached = [peer[kind][number] for peer in peers if kind in peer]
            known = [value for value in reached if isinstance(value, float)]
            assert len(known) > 0
            assert fitted.log_likelihood >= max(known) - 1e-3, (number, kind)
            # Nor is more claimed than the likelihood has: the best of the others is as high.
            assert fitted.log_likelihood <= max(known) + 5e-3, (number, kind)
            if fitted.problem is None:
                shown[kind] += 1
                _is_regular(fitted)
    assert shown["inflated"] >= 55 and shown["hurdle"] >= 60


def _is_regular(fitted: ZerosFit) -> None:
    assert optimum.failure(np.zeros(1), fitted.scores, fitted.information) is None
    errors = np.sqrt(np.diag(_variance(fitted, "model")) if fitted.plain is None else [0])
    assert np.isfinite(errors).all()
    if fitted.plain is None:
        # A log odds that is known at all is not hundreds of times its range.
        assert errors.max() < 100 and np.abs(fitted.zero).max() < 30


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    """A diary in which cramps come as a zero-inflated law has them."""
    drawn_from = simulate(60, 30, seed=4)
    diary, rng = drawn_from.frame("diary"), np.random.default_rng(6)
    older = drawn_from.frame("participants").select("participant_id", old=pl.col("age_years") > 60)
    old = diary.join(older, on="participant_id", how="left", maintain_order="left")["old"].fill_null(value=False)
    counts = rng.poisson(np.exp(0.5) * rng.gamma(2, 0.5, diary.height))
    counts = counts * (rng.random(diary.height) > np.where(old.to_numpy(), 0.3, 0.6))
    diary = diary.with_columns(cramps=pl.Series(counts, dtype=pl.Int64))
    people = drawn_from.frame("participants").select("participant_id", "age_years", "sex", "diabetes")
    columns = diary.select("participant_id", "date", "cramps", "hours_in_bed", "alcohol_units")
    return Cohort(name="invented", kind="diary", tables={"participants": people, "diary": columns})


def answered(cohort: Cohort, model: str, terms: str, **more: Any) -> tuple[Solution, pd.DataFrame]:
    solution = solve(cohort, model=model, terms=terms, night_by_night=False, **{"covariance": "cluster"} | more)
    base = {"cohort": "invented", "population": "all", "outcome": "cramps", "analysis": "regression", "model": model}
    return solution, coefficients(estimates.frame(zero_rows(solution, base | {"ci_level": 0.95}, 0.95, {})))


@pytest.mark.parametrize("model", MODELS[2:])
def test_zero_terms_are_odds_ratios_beside_the_rate_ratios(cohort: Cohort, model: str) -> None:
    solution, rows = answered(cohort, model, "sex", zero_terms="age_decade + sex")
    assert solution.solved is not None and solution.solved.problem is None and solution.solved.zero is not None
    assert rows["term"].tolist() == ["zero: age_decade", "zero: sex", "zero: intercept"]
    assert rows["scale"].tolist() == ["odds_ratio", "odds_ratio", "odds"]
    assert rows["level"].tolist()[1] == "female" and rows["key"].is_unique
    assert (rows["status"] == "converged").all()
    assert rows["estimate"].to_numpy() == pytest.approx(np.exp(solution.solved.zero.coefficients[[1, 2, 0]]))
    # The chance of a zero was drawn smaller above 60.
    assert rows["ci_high"].iloc[0] < 1
    by_night = solve(cohort, model=model, terms="sex", zero_terms="age_decade + sex", covariance="cluster")
    assert by_night.solved is not None
    assert len(by_night.data.outcome) > len(solution.data.outcome)
    assert by_night.solved.variance == pytest.approx(solution.solved.variance, rel=1e-6)
    assert by_night.solved.log_likelihood == pytest.approx(solution.solved.log_likelihood, abs=1e-8)


def test_nights_are_complete_on_the_zero_terms_too(cohort: Cohort) -> None:
    diary = cohort.frame("diary").with_columns(
        alcohol_units=pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise(pl.col("alcohol_units"))
    )
    holes = Cohort(name="holes", kind="diary", tables={**cohort.tables, "diary": diary})
    model = "zero-inflated-negative-binomial"
    all_nights, _ = answered(holes, model, "sex")
    fewer, rows = answered(holes, model, "sex", zero_terms="alcohol_units + bmi_kg_m2")
    assert fewer.n_nights < all_nights.n_nights
    assert fewer.design.incomplete == all_nights.n_nights - fewer.n_nights + all_nights.design.incomplete
    assert rows["status"].tolist()[-1] == "not_measured" and rows["term"].tolist()[-1] == "zero: bmi_kg_m2"


def test_no_inflation_is_a_status(cohort: Cohort) -> None:
    counts = np.resize(np.repeat([0, 1, 2, 3, 6], [20, 60, 12, 4, 2]), cohort.frame("diary").height)
    diary = cohort.frame("diary").with_columns(cramps=pl.Series(counts, dtype=pl.Int64))
    none = Cohort(name="none", kind="diary", tables={**cohort.tables, "diary": diary})
    solution, rows = answered(none, "zero-inflated-negative-binomial", "sex")
    plain = solve(none, model="negative-binomial", terms="sex", covariance="cluster-joint", night_by_night=False).solved
    assert solution.solved is not None and plain is not None
    assert rows["status"].tolist() == ["boundary"] and rows["estimate"].isna().all()
    assert "no more zeros" in rows["note"].iloc[0]
    assert np.array_equal(solution.solved.coefficients, plain.coefficients)
    assert solution.solved.variance == pytest.approx(plain.variance, rel=1e-10)


def test_arguments_that_do_not_go_together_are_refused(cohort: Cohort) -> None:
    with pytest.raises(UsageError, match="no zero part"):
        asked(cohort, "poisson", "sex", zero_terms="sex")
    with pytest.raises(UsageError, match="the zero part takes no offset"):
        answered(cohort, MODELS[2], "sex", zero_terms="offset(hours_in_bed)")
    with pytest.raises(UsageError, match="did you mean"):
        answered(cohort, MODELS[2], "sex", zero_terms="age_decades")
    with pytest.raises(UsageError, match="no covariance cluster-small"):
        solve(cohort, model=MODELS[2], terms="sex", covariance="cluster-small")


def test_comparison_finds_the_inflation(cohort: Cohort) -> None:
    found = zeros_found(cohort, terms="sex", zero_terms="age_decade")
    table = found.check.table.set_index("model")
    assert list(table.index) == list(MODELS) and found.check.passed is False
    assert table["parameters"].tolist() == [2, 3, 5, 5]
    assert table["aic"].to_numpy() == pytest.approx(2 * table["parameters"] - 2 * table["log_likelihood"])
    nights = cohort.frame("diary").height
    penalty = np.log(nights) * table["parameters"]
    assert table["bic"].to_numpy() == pytest.approx(penalty - 2 * table["log_likelihood"])
    assert "zero-inflated" in found.check.text or "hurdle" in found.check.text
    for model in MODELS:
        rows = found.rootogram[found.rootogram["model"] == model]
        assert rows["observed"].sum() == nights and rows["expected"].sum() == pytest.approx(nights)
        assert rows["expected_root"].to_numpy() == pytest.approx(np.sqrt(rows["expected"]))
    zero = found.rootogram[found.rootogram["count"] == 0].set_index("model")["expected"]
    assert zero["hurdle-negative-binomial"] == pytest.approx(table["zeros_observed"].iloc[0], rel=1e-6)
    assert of_solution(solve(cohort, model=MODELS[3], terms="sex", zero_terms="age_decade")).check.table.equals(
        of_solution(solve(cohort, model=MODELS[3], terms="sex", zero_terms="age_decade")).check.table
    )


def test_rootogram_hangs_a_bar_per_count(cohort: Cohort) -> None:
    found = zeros_found(cohort, terms="sex")
    figure = rootogram(found.rootogram)
    FigureCanvasAgg(figure).draw()
    assert len(figure.axes) == len(MODELS)
    for axes, model in zip(figure.axes, MODELS, strict=True):
        rows = found.rootogram[found.rootogram["model"] == model]
        bars = np.array([(bar.get_y() + bar.get_height(), bar.get_height()) for bar in axes.patches])
        assert bars == pytest.approx(rows[["expected_root", "observed_root"]].to_numpy(), abs=1e-9)
    texts = {text.get_text() for text in figure.findobj(Text)}
    assert {"Cramps a night", "Observed", "Expected", "Hurdle negative binomial"} <= texts
    assert "could not" in rootogram(pd.DataFrame()).findobj(Text)[0].get_text().lower()


@pytest.mark.parametrize("rows", [600, 1200])
def test_what_is_ill_conditioned_ends_soon_and_says_why(monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(0, 1, rows)
    powers = np.vander(x, 8, increasing=True)
    near = np.column_stack([np.ones(rows), x, x + 1e-5 * rng.normal(0, 1, rows)])
    counts = rng.poisson(np.exp(0.2 + 0.3 * x) * rng.gamma(1, 1, rows)) * (rng.random(rows) > 0.2)
    huge = counts.copy()
    huge[::150] = 20_000
    evaluated = 0
    pointwise = Inflated.pointwise

    def counted(self: Inflated, predictors: Any) -> Any:
        nonlocal evaluated
        evaluated += 1
        return pointwise(self, predictors)

    monkeypatch.setattr(Inflated, "pointwise", counted)
    for matrix, outcome in ((powers, huge), (near, counts)):
        evaluated = 0
        fitted = zero_inflated.zero_inflated(matrix, matrix, outcome.astype(float), np.zeros(rows))
        assert fitted.problem is not None
        assert re.search("runs off to 0 or infinity|no maximum within|singular", fitted.problem)
        assert evaluated < 3000


@pytest.mark.parametrize("log_theta", [-8.0, 0.3, 5.0, 20.0])
def test_sums_over_large_counts_are_those_of_one_after_the_other(log_theta: float) -> None:
    counts, theta = np.array([0, 3, 511, 512, 513, 700, 20_000]), np.exp(log_theta)
    found = density(counts, np.full(7, 0.5), log_theta)
    mu = np.exp(0.5)
    for i, y in enumerate(counts):
        below = np.arange(y, dtype=float)
        ways = math.fsum(np.log1p(below / theta)) - gammaln(y + 1) + y * 0.5
        assert found.value[i] == pytest.approx(ways - (y + theta) * np.log1p(mu / theta), rel=1e-11)
        slope = (y + theta) * mu / (mu + theta) - theta * np.log1p(mu / theta) - math.fsum(below / (theta + below))
        assert found.t[i] == pytest.approx(slope, rel=1e-9, abs=1e-7)
