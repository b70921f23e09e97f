"""The count models against a known truth: what they estimate, and how often their intervals cover it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pandas as pd
from scipy import stats

from crampstudy import fit
from crampstudy.simulate import Truth, simulate

# A truth of two terms, so that a model of these two has exactly its coefficients as target.
TRUTH = Truth().with_effects(
    **{effect.column: 0.0 for effect in Truth().effects if effect.column not in ("age_years", "sex")}
)


def pick(rows: pd.DataFrame, term: str, level: str | None = None) -> Any:
    found = rows[(rows["term"] == term) & (rows["level"].isna() if level is None else rows["level"] == level)]
    assert len(found) == 1
    return found.iloc[0]


def test_recovers_coefficients_and_dispersion_from_simulation() -> None:
    known = TRUTH.implied()["rate_ratios"]
    cohort = simulate(1500, 40, seed=11, truth=TRUTH)
    rows = fit(cohort, model="negative-binomial", terms="age_decade + sex").estimates
    for term, level, name in (("age_decade", None, "age_decade"), ("sex", "female", "sex[female]")):
        row = pick(rows, term, level)
        assert abs(math.log(row["estimate"]) - known[name]["log"]) < 3.5 * row["std_error"] < 0.4
    rate = pick(rows, "intercept")
    assert abs(math.log(rate["estimate"] / TRUTH.cramps.rate_per_week)) < 3.5 * rate["std_error"]


def test_dispersion_is_recovered_where_persons_hardly_differ() -> None:
    alike = replace(TRUTH, cramps=replace(TRUTH.cramps, person_shape=1000.0))
    rows = fit(simulate(1500, 40, seed=12, truth=alike), model="negative-binomial", terms="age_decade + sex").estimates
    row = pick(rows, "dispersion")
    assert abs(math.log(row["estimate"] / TRUTH.cramps.night_dispersion)) < 3.5 * row["std_error"]


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    n, covered = 100, 0
    truth = TRUTH.implied()["rate_ratios"]["age_decade"]["ratio"]
    for seed in range(n):
        cohort = simulate(60, 14, seed=seed, truth=TRUTH)
        row = pick(fit(cohort, model="poisson", terms="age_decade + sex").estimates, "age_decade")
        covered += row["ci_low"] <= truth <= row["ci_high"]
    # The central 99.9 % of a binomial count at the nominal level.
    assert stats.binom.ppf(0.0005, n, 0.95) <= covered <= n
