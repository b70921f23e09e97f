from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import checks_rates
import numpy as np
import pandas as pd
import polars as pl
import pytest
from asking import solve
from scipy import integrate, stats

from crampstudy import checks, open_cohort
from crampstudy.checks import Check, check, nightly, numbers
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.errors import UsageError
from crampstudy.models.common.distributions import BINOMIAL, POISSON, negative_binomial
from crampstudy.models.nights.data import Data, Outcome
from crampstudy.models.nights.predictive import PredictiveDistribution

PARITY = Path(__file__).parent / "parity"
R = json.loads((PARITY / "checks.json").read_text())
R_TERMS = "age_band + sex + serum_potassium_mmol_l + alcohol_units"
MODELS: list[tuple[str, dict[str, Any]]] = [
    ("poisson", {}),
    ("negative-binomial", {"exposure": "hours_in_bed"}),
    ("logistic", {}),
    ("gee-exchangeable", {}),
    ("gee-ar1", {"outcome": "cramp_night"}),
    ("mixed-poisson", {"where": "age_years >= 40"}),
    ("mixed-poisson", {"outcome": "cramp_night", "covariance": "model"}),
    ("mixed-negative-binomial", {}),
]


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return open_cohort(PARITY / "diary")


def run(cohort: Cohort, model: str, terms: str, **more: Any) -> dict[str, Check]:
    return {made.name: made for made in check(cohort, model=model, terms=terms, rng=np.random.default_rng(1), **more)}


def value(made: Check, statistic: str, column: str = "value") -> float:
    (found,) = made.table.loc[made.table["statistic"] == statistic, column]
    return float(found)


# What R finds


@pytest.fixture(scope="module")
def in_r(diary: Cohort) -> dict[str, dict[str, Check]]:
    return {model: run(diary, model, R_TERMS) for model in ("poisson", "negative-binomial")}


@pytest.mark.parametrize(("model", "name"), [("poisson", "poisson"), ("negative-binomial", "negative")])
def test_pearson_and_counts_agree_with_r(in_r: dict[str, dict[str, Check]], model: str, name: str) -> None:
    found = in_r[model]
    assert value(found["overdispersion"], "Pearson statistic") == pytest.approx(R[name]["pearson"], rel=1e-6)
    assert value(found["overdispersion"], "degrees of freedom") == R[name]["df"]
    expected = found["zeros"].table["expected"]
    counts = len(expected) - 1  # the last row is of all larger counts
    assert counts >= 2
    assert list(expected[:counts]) == pytest.approx(R[name]["expected"][:counts], rel=1e-6)
    assert expected.sum() == pytest.approx(R["rows"]) == found["zeros"].table["observed"].sum()


def test_score_statistic_and_inflation_agree_with_r(in_r: dict[str, dict[str, Check]]) -> None:
    found = in_r["poisson"]
    assert value(found["overdispersion"], "score statistic") == pytest.approx(R["poisson"]["score"], rel=1e-6)
    table = found["collinearity"].table.set_index("term")
    assert dict(table["df"]) == R["df"]
    # car takes glm's covariance, which belongs to the step before the last.
    assert dict(table["gvif"]) == pytest.approx(R["gvif"], rel=1e-6)
    assert table["inflation"]["age_band"] == pytest.approx(R["gvif"]["age_band"] ** (1 / 5), rel=1e-6)


def test_leaving_one_out_agrees_with_r(diary: Cohort) -> None:
    solution = solve(diary, model="poisson", terms=R_TERMS)
    assert solution.solved is not None
    again = solution.without(solution.participants.index(R["who"])).solved
    assert again is not None and again.fitted is not None
    columns = [column.level or column.term for column in solution.design.columns]
    bands = sorted(name for name in columns if name[0].isdigit() or name[-1] == "+")
    order = ["intercept", *bands, "female", "serum_potassium_mmol_l", "alcohol_units"]
    changes = dict(zip(columns, again.coefficients - solution.solved.coefficients, strict=True))
    assert [changes[name] for name in order] == pytest.approx(R["without"], rel=1e-6, abs=1e-9)


def test_distribution_below_agrees_with_r(diary: Cohort) -> None:
    solution = solve(diary, model="negative-binomial", terms=R_TERMS)
    assert solution.solved is not None and solution.solved.fitted is not None
    law = PredictiveDistribution.of_counts(solution.data, "count", solution.solved.fitted)
    assert law.chance_below(solution.data.outcome).sum() == pytest.approx(R["negative"]["below"], rel=1e-6)


# The law of a night


def law(kind: Any = "count", log_theta: float = math.inf, spread: float = 0.0) -> PredictiveDistribution:
    link = np.array([-1.0, 0.2, 0.9])
    matrix = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    z = np.ones((3, 1)) if spread else np.empty((3, 0))
    k = 2 + int(math.isfinite(log_theta)) + int(spread > 0)
    factor = np.array([[spread]]) if spread else np.empty((0, 0))
    return PredictiveDistribution(kind, matrix, link, np.zeros(3), z, factor, log_theta, np.zeros((3, k)), np.eye(k))


@pytest.mark.parametrize(
    "made",
    [
        law(),
        law(log_theta=0.4),
        law(spread=0.8),
        law(log_theta=0.4, spread=0.8),
        law("binary"),
        law("binary", spread=1),
    ],
)
def test_chances_add_up_to_one_and_to_those_below(made: PredictiveDistribution) -> None:
    most = 2 if made.kind == "binary" else 600
    chances = np.array([made.chance(float(k)) for k in range(most)])
    assert chances.sum(axis=0) == pytest.approx(np.ones(3), abs=1e-6)
    for k in range(min(most, 6)):
        assert made.chance_below(float(k)) == pytest.approx(chances[:k].sum(axis=0), abs=1e-10)


def test_chance_over_the_effects_is_their_integral() -> None:
    made, theta = law(log_theta=0.4, spread=0.8), math.exp(0.4)

    def integrand(v: float) -> float:
        mu = math.exp(0.2 + 0.8 * v)
        return float(stats.nbinom.pmf(2, theta, theta / (theta + mu)) * stats.norm.pdf(v))

    assert made.chance(2.0)[1] == pytest.approx(integrate.quad(integrand, -9, 9)[0], abs=1e-9)


def test_slopes_of_expected_zeros_by_hand() -> None:
    made = law()
    mu = np.exp(made.link)
    assert made.slopes(0.0) == pytest.approx(-made.matrix.T @ (mu * np.exp(-mu)), rel=1e-6)
    both = law(log_theta=0.4, spread=0.8)
    slopes, h = both.slopes(1.0), 1e-3
    theta = (both.shifted(log_theta=h).chance(1.0) - both.shifted(log_theta=-h).chance(1.0)).sum() / (2 * h)
    wider, narrower = (replace(both, factor=np.array([[0.8 + d]])).chance(1.0).sum() for d in (h, -h))
    assert slopes[2:] == pytest.approx([theta, (wider - narrower) / (2 * h)], rel=1e-4)


def test_a_random_slope_spreads_the_nights_apart() -> None:
    z = np.column_stack([np.ones(3), [0.0, 1.0, 2.0]])
    made = replace(law(), z=z, factor=np.array([[0.5, 0.0], [0.3, 0.4]]))
    # Spread of the second night: sqrt((0.5 + 0.3)^2 + 0.4^2).
    one = replace(law(spread=math.sqrt(0.8)), link=law().link)
    assert made.chance(0.0)[1] == pytest.approx(one.chance(0.0)[1])
    assert made.chance(0.0)[0] == pytest.approx(law(spread=0.5).chance(0.0)[0])


# Arithmetic by hand


def test_autocorrelation_follows_the_calendar() -> None:
    # Two participants of three nights: dates 0, 1, 3, rows in any order. Own levels 2 and 1, equal means.
    groups = np.array([0, 1, 0, 1, 0, 1])
    nights = np.array([3, 0, 0, 1, 1, 3])
    counts = np.array([1.0, 0.0, 2.0, 1.0, 3.0, 2.0])
    found = numbers.serial(counts, np.zeros(6), POISSON, groups, nights, (1, 2, 3, 4))
    # Residuals (y - 2)/sqrt 2: 0, 1, -1 over sqrt 2; and y - 1: -1, 0, 1. Sum of squares 1 + 2 = 3.
    # Lag 1 pairs nights 0 and 1, lag 2 nights 1 and 3, lag 3 nights 0 and 3.
    products = [(0 + 0) / 2, (-1 / 2 + 0) / 2, (0 - 1) / 2]
    assert found.correlation[:3] == pytest.approx([p / (3 / 6) for p in products])
    assert found.expected[:3] == pytest.approx([-1 / 2] * 3)
    assert list(found.pairs) == [2, 2, 2, 0] and list(found.participants) == [2, 2, 2, 0]
    assert np.isnan(found.correlation[3])


def test_whoever_has_all_or_none_of_the_nights_says_nothing_of_their_order() -> None:
    groups = np.repeat([0, 1, 2, 3], 4)
    events = np.array([0.0] * 4 + [1.0] * 4 + [0, 1, 1, 0] + [1, 0, 0, 0])
    found = numbers.serial(events, np.tile([0.0, 1.0], 8), BINOMIAL, groups, np.tile(np.arange(4), 4), (1,))
    assert list(found.participants) == [2] and list(found.pairs) == [6]
    own, told = numbers._own_level(events, np.tile([0.0, 1.0], 8), BINOMIAL, groups)
    assert list(told[::4]) == [False, False, True, True]
    assert [own[8:12].sum(), own[12:].sum()] == pytest.approx([2.0, 1.0])
    # On the odds scale the two kinds of night stay apart by e.
    assert own[9] / (1 - own[9]) / (own[8] / (1 - own[8])) == pytest.approx(math.e)


def test_squares_around_the_own_level_by_hand() -> None:
    groups = np.array([0, 0, 1, 1, 2, 2])
    found = numbers.within(np.array([2.0, 0, 1, 1, 0, 0]), np.zeros(6), POISSON, math.inf, groups)
    assert list(found.squares) == [2.0, 0.0, 0.0] and list(found.expected) == [1.0, 1.0, 0.0] and found.slope == 0
    # Dirichlet-multinomial of 2 in 2 nights, theta 1: totals (2,0), (1,1), (0,2) equally likely.
    expected = numbers.within(np.array([2.0, 0]), np.zeros(2), negative_binomial(1.0), 0.0, np.zeros(2, int)).expected[
        0
    ]
    assert expected == pytest.approx((2 + 0 + 2) / 3 / (1 + 1))


def test_pearson_slope_in_the_dispersion_is_its_derivative() -> None:
    counts, groups = np.array([2.0, 0, 1, 4, 0, 1]), np.repeat([0, 1], 3)

    def gap(log_theta: float) -> float:
        family = negative_binomial(math.exp(-log_theta))
        found = numbers.within(counts, np.zeros(6), family, log_theta, groups)
        return float((found.squares - found.expected).sum())

    slope = numbers.within(counts, np.zeros(6), negative_binomial(math.exp(-0.3)), 0.3, groups).slope
    assert slope == pytest.approx((gap(0.3 + 1e-5) - gap(0.3 - 1e-5)) / 2e-5, rel=1e-6)


def test_clustered_error_by_hand() -> None:
    moments = np.array([[1.0], [1.0], [-2.0], [3.0]])
    groups = np.array([0, 0, 1, 2])
    plain = numbers.clustered_errors(moments, np.zeros((1, 1)), np.zeros((3, 1)), np.eye(1), groups)
    # Sums 2, -2, 3 around their mean 1: squares 1 + 9 + 4, times 3/2.
    assert plain[0] == pytest.approx(math.sqrt(21))
    # A parameter that takes the moments along: derivative -2, information 4, scores 4, -4, 0 take 2, -2, 0 away.
    scores = np.array([[4.0], [-4.0], [0.0]])
    less = numbers.clustered_errors(moments, np.array([[-2.0]]), scores, np.array([[0.25]]), groups)
    assert less[0] == pytest.approx(math.sqrt(1.5 * (1 + 1 + 4)))


def test_leaving_out_to_first_order_by_hand() -> None:
    scores, variance, own = np.array([[1.0], [-1.0]]), np.array([[0.2]]), np.array([[[2.0]], [[5.0]]])
    assert numbers.deletions(scores, variance, None)[:, 0] == pytest.approx([-0.2, 0.2])
    found = numbers.deletions(scores, variance, own)[:, 0]
    assert found[0] == pytest.approx(-1 / 3) and np.isnan(found[1])


def test_inflation_of_two_columns_is_one_over_one_minus_their_squared_correlation() -> None:
    covariance = np.array([[4.0, 1.2], [1.2, 1.0]])
    assert numbers.generalised_inflation(covariance, [0]) == pytest.approx(1 / (1 - 0.36))
    assert numbers.generalised_inflation(covariance, [0, 1]) == pytest.approx(1.0)


def test_condition_number_of_orthogonal_columns_is_one() -> None:
    assert numbers.condition_number(np.diag([1.0, 100.0, 1e-3])) == pytest.approx(1.0)
    # Angle between (1, 1) and (1, 0): cosine c = 1/sqrt 2; singular values sqrt(1 ± c).
    c = 1 / math.sqrt(2)
    expected = math.sqrt((1 + c) / (1 - c))
    assert numbers.condition_number(np.array([[1.0, 1.0], [1.0, 0.0]])) == pytest.approx(expected)


def test_leverages_add_up_to_the_number_of_columns() -> None:
    rng = np.random.default_rng(2)
    assert numbers.leverages(rng.normal(size=(30, 4)), rng.random(30)).sum() == pytest.approx(4)


def test_one_night_of_each_participant() -> None:
    groups = np.array([2, 0, 1, 0, 2, 2])
    rng = np.random.default_rng(3)
    drawn = np.array([numbers.one_of_each(groups, rng) for _ in range(3000)])
    assert (groups[drawn] == [0, 1, 2]).all()
    assert set(drawn[:, 0]) == {1, 3} and set(drawn[:, 2]) == {0, 4, 5}
    assert np.mean(drawn[:, 2] == 4) == pytest.approx(1 / 3, abs=0.04)


def test_quantile_residuals_lie_where_their_count_is() -> None:
    found = numbers.quantile_residuals(np.array([0.0, 0.5, 0.9]), np.array([0.5, 0.4, 0.0]), np.random.default_rng(4))
    assert 0 <= found[0] <= 0.5 <= found[1] <= 0.9 == found[2]


# Recovery: each check speaks when it should, and about as rarely as it says when not

COHORTS = 100


def most(cohorts: int, level: float = 0.05) -> float:
    """Return a share of rejections that a test of ``level`` stays below in 999 of 1,000 runs."""
    return float(stats.binom.ppf(0.999, cohorts, level) / cohorts)


@pytest.mark.parametrize(
    ("model", "outcome", "truth"),
    [
        ("poisson", "cramps", {}),
        ("negative-binomial", "cramps", {"alpha": 0.8}),
        ("logistic", "cramp_night", {}),
        ("mixed-poisson", "cramps", {"spread": 0.7}),
    ],
)
def test_a_sound_model_is_rarely_blamed(model: str, outcome: Outcome, truth: dict[str, float]) -> None:
    cohorts = COHORTS // 3 if model.startswith("mixed") else COHORTS
    shares = checks_rates.rejections(model, outcome, cohorts, **truth)
    for name, share in shares.items():
        assert share <= most(cohorts), name
    # A test that never speaks is no test. Pearson's is careful where a dispersion was fitted along.
    exact = {"zeros", "serial dependence", *(["overdispersion"] if model == "poisson" else [])}
    assert all(shares[name] > 0 for name in exact & set(shares))


@pytest.mark.parametrize(
    ("model", "outcome", "truth", "found", "unmoved"),
    [
        # Participants who differ are overdispersed over all nights, but their nights do not depend on each other.
        ("poisson", "cramps", {"spread": 1.0}, {"overdispersion", "zeros"}, {"serial dependence"}),
        ("poisson", "cramps", {"alpha": 1.0}, {"overdispersion", "zeros"}, set()),
        ("negative-binomial", "cramps", {"empty": 0.5, "rate": 3.0}, {"zeros"}, {"serial dependence"}),
        ("poisson", "cramps", {"carry": 0.7}, {"serial dependence", "overdispersion"}, set()),
        ("logistic", "cramp_night", {"carry": 0.7, "rate": 1.0}, {"serial dependence"}, set()),
        ("mixed-poisson", "cramps", {"spread": 0.7, "alpha": 1.0}, {"overdispersion", "zeros"}, {"serial dependence"}),
    ],
)
def test_a_flaw_is_found_and_named(
    model: str, outcome: Outcome, truth: dict[str, float], found: set[str], unmoved: set[str]
) -> None:
    cohorts = 20
    shares = checks_rates.rejections(model, outcome, cohorts, **truth)
    for name in found:
        assert shares[f"{name} fails"] >= 0.75, name
    for name in unmoved:
        assert shares[name] <= most(cohorts), name


def test_quantile_residuals_find_a_wrong_distribution() -> None:
    # Nights are either empty or busy: half of them against what a Poisson says.
    assert checks_rates.rejections("poisson", cohorts=20, empty=0.5, rate=6.0)["quantile residuals fails"] >= 0.95


def test_dependent_nights_are_no_flaw_of_their_distribution() -> None:
    # A gamma level of each participant makes single nights negative binomial and all nights of one alike.
    people, each, failed = 30, 40, 0
    groups = np.repeat(np.arange(people), each)
    n = len(groups)
    truth = replace(
        law(log_theta=0.0), link=np.zeros(n), own=np.zeros(n), z=np.empty((n, 0)), scores=np.zeros((people, 3))
    )
    for seed in np.random.SeedSequence(13).spawn(60):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(rng.gamma(1.0, 1.0, people)[groups]).astype(float)
        data = Data(np.ones((n, 1)), counts, np.zeros(n), groups, np.tile(np.arange(each), people))
        failed += nightly.residuals(data, truth, rng).passed is False
    assert failed / 60 <= most(60)


def test_the_page_shows_every_scenario_and_what_was_found() -> None:
    page = (PARITY.parents[1] / "docs/checks.md").read_text(encoding="utf-8")
    table = page.split(checks_rates.BEGIN)[1].split(checks_rates.END)[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.strip().splitlines()[2:]]
    assert len(rows) == len(checks_rates.SCENARIOS)
    cohorts = int(re.findall(r"of (\d+) cohorts", page)[0])
    for scenario, (model, flaw, *cells) in zip(checks_rates.SCENARIOS, rows, strict=True):
        assert model.split()[0] == scenario.model and flaw == scenario.flaw
        found = [int(cell) for cell in cells if cell]
        assert max(found) <= 100 * most(cohorts) + 1 if scenario.sound else max(found) >= 75


# From a cohort to checks


@pytest.mark.parametrize(("model", "more"), MODELS)
def test_every_model_is_checked(diary: Cohort, model: str, more: dict[str, Any]) -> None:
    made = check(diary, model=model, terms="age_decade + sex + alcohol_units", rng=np.random.default_rng(1), **more)
    assert tuple(found.name for found in made) == checks.NAMES
    people = [f"P{i:04}" for i in range(1, 81)]
    for found in made:
        assert found.text.endswith(".") and found.text.count(". ") == 0
        assert (found.passed is None) == (found.reason is not None) == found.table.empty
        assert not any(person in found.text for person in people)
        assert found.verdict == {True: "passed", False: "failed", None: "not made"}[found.passed]
    never = {found.name for found in made if found.passed is None}
    binary = model == "logistic" or more.get("outcome") == "cramp_night"
    expected = {"overdispersion", "zeros"} if binary else set()
    if model.startswith("gee"):
        expected = {"overdispersion", "zeros", "quantile residuals"}
    assert never == expected | ({"large counts"} if model != "negative-binomial" else set())


def test_a_random_slope_is_part_of_what_is_checked(diary: Cohort) -> None:
    made = run(diary, "mixed-poisson", "sex + alcohol_units", random_slope="alcohol_units")
    assert made["convergence"].passed and made["influence"].table["refitted"].notna().all()


def test_only_the_residuals_draw(diary: Cohort) -> None:
    one, again, other = (
        check(diary, model="poisson", terms="sex", rng=np.random.default_rng(seed)) for seed in (1, 1, 2)
    )
    for a, b, c in zip(one, again, other, strict=True):
        pd.testing.assert_frame_equal(a.table, b.table)
        assert a.table.equals(c.table) == (a.name != "quantile residuals")


def made_diary(counts: Any, n: int = 24, nights: int = 8, **columns: Any) -> Cohort:
    people = pl.DataFrame(
        {
            "participant_id": [f"who-{i:02}" for i in range(n)],
            "age_years": [40.0 + i for i in range(n)],
            "sex": ["female" if i % 2 else "male" for i in range(n)],
        }
    ).with_columns(**columns)
    rows = [
        (f"who-{i:02}", date(2024, 1, 1) + timedelta(days=k), counts(i, k)) for i in range(n) for k in range(nights)
    ]
    schema = {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64}
    return Cohort("made", "diary", {"participants": people, "diary": pl.DataFrame(rows, schema, orient="row")})


def test_one_participant_with_most_of_the_cramps_is_found() -> None:
    # Number 3, a woman, has 20 cramps a night; everybody else 0 or 1.
    cohort = made_diary(lambda i, k: 20 if i == 3 else (i + k) % 2)
    made = run(cohort, "poisson", "sex")["influence"]
    assert made.passed is False and "who-03" not in made.text
    first = made.table[made.table["rank"] == 1]
    assert set(first["participant_id"]) == {"who-03"}
    assert first["share_of_cramps"].iloc[0] == pytest.approx(160 / (160 + 23 * 4))
    # Without her both rates are one cramp in two nights; with her women have (160 + 44)/96.
    errors = solve(cohort, model="poisson", terms="sex").solved
    assert errors is not None
    expected = -math.log((204 / 96) / 0.5) / math.sqrt(errors.variance[1, 1])
    assert first.set_index("term")["refitted"]["sex"] == pytest.approx(expected)
    assert run(made_diary(lambda i, k: (i // 2 + k) % 3 % 2), "poisson", "sex")["influence"].passed is True


def test_an_estimate_that_one_participant_carries_is_found() -> None:
    cohort = made_diary(
        lambda i, k: int(i == 0 or (i > 5 and (i + k) % 3 == 0)), diabetes=pl.Series([i < 6 for i in range(24)])
    )
    made = run(cohort, "poisson", "diabetes")["influence"]
    assert made.passed is False and "no estimate exists" in made.text
    assert made.table[made.table["participant_id"] == "who-00"]["refitted"].isna().all()


def test_separated_collinear_and_lone_levels_are_found() -> None:
    separated = made_diary(lambda i, k: int(i >= 6 and k % 2), diabetes=pl.Series([i < 6 for i in range(24)]))
    made = run(separated, "poisson", "sex + diabetes")
    assert made["separation"].passed is False and "diabetes" in made["separation"].text
    assert [name for name, found in made.items() if found.passed is None] == [*checks.NAMES[:7], "convergence"]
    assert made["collinearity"].passed is True and made["zeros"].reason == made["convergence"].reason
    row = made["separation"].table.set_index("term").loc["diabetes"]
    assert (row["nights"], row["nights_with_cramp"], row["participants_with_cramp"]) == (48, 0, 0)

    twice = made_diary(lambda i, k: (i + k) % 2, bmi_kg_m2=pl.col("age_years") * 2 - 30)
    made = run(twice, "negative-binomial", "sex + age_years + bmi_kg_m2")
    assert made["collinearity"].passed is False and "follows from" in made["collinearity"].text
    assert made["separation"].passed is True

    near = made_diary(lambda i, k: (i + k) % 2, bmi_kg_m2=pl.col("age_years") / 2 + pl.Series([0.1, -0.1, 0] * 8))
    made = run(near, "poisson", "sex + age_years + bmi_kg_m2")
    assert made["collinearity"].passed is False and made["collinearity"].table["inflation"].max() > 100

    alone = made_diary(lambda i, k: (i + k) % 2, statin=pl.Series([i == 2 for i in range(24)]))
    made = run(alone, "poisson", "sex + statin")
    assert made["separation"].passed is False and "ne participant alone" in made["separation"].text


def test_nights_that_are_all_set_apart_on_the_odds_scale() -> None:
    always = made_diary(lambda i, k: int(i < 6 or k % 2), diabetes=pl.Series([i < 6 for i in range(24)]))
    made = run(always, "logistic", "diabetes")
    assert made["separation"].passed is False and made["convergence"].passed is False


def test_no_cramp_at_all_leaves_nothing_to_check() -> None:
    made = run(made_diary(lambda i, k: 0), "poisson", "sex")
    assert {found.passed for name, found in made.items() if name != "collinearity"} == {None}
    assert made["zeros"].reason == "no cramp on any of the nights"
    nobody = run(made_diary(lambda i, k: 1), "poisson", "sex + age_years", where="age_years > 110")
    assert {found.passed for found in nobody.values()} == {None}


def test_one_participant_is_no_sample_of_participants() -> None:
    cohort = made_diary(lambda i, k: (0, 2, 1)[k % 3], n=1, nights=12, sex=pl.lit("male")).tables
    night = pl.Series([float(k % 5) for k in range(12)])
    diary = cohort["diary"].with_columns(alcohol_units=night)
    one = Cohort("one", "diary", {**cohort, "diary": diary})
    made = run(one, "poisson", "alcohol_units", covariance="model")
    assert {found.reason for found in list(made.values())[:5]} == {"participants are the units, and there is only one"}
    assert made["convergence"].passed is True


def test_participants_who_are_all_alike_have_no_spread() -> None:
    made = run(made_diary(lambda i, k: k % 2), "poisson", "sex")
    assert made["overdispersion"].reason == "the participants do not differ at all"


def test_rows_that_are_not_single_nights_are_refused(diary: Cohort) -> None:
    for model in ("poisson", "negative-binomial"):
        added_up = solve(diary, model=model, terms="sex", night_by_night=False)
        with pytest.raises(UsageError, match="nights one by one"):
            checks.of_solution(added_up, np.random.default_rng(1))
    with pytest.raises(UsageError, match=r"leave weights\(\) out"):
        run(diary, "poisson", "sex + weights(hours_in_bed)")


def test_a_curve_is_one_term(diary: Cohort) -> None:
    made = run(diary, "poisson", "bs(age_years, df=4) + sex")
    assert list(made["collinearity"].table["df"]) == [4, 1]
    assert set(made["separation"].table["term"]) == {"sex"}


def test_a_survey_has_no_nights_to_check() -> None:
    people = pl.DataFrame(
        {
            "participant_id": ["a"],
            "age_years": [50.0],
            "sex": ["male"],
            "weight_exam": [1.0],
            "stratum": [1],
            "psu": [1],
        }
    )
    survey = Cohort(
        "asked",
        "survey",
        {"participants": people},
        SurveyDesign(("D",), {"exam": "weight_exam"}),
        as_of=date(2006, 1, 1),
    )
    with pytest.raises(UsageError, match="no checks of survey-logistic; of these there are: poisson"):
        check(survey, model="survey-logistic", terms="sex", rng=np.random.default_rng(1))
