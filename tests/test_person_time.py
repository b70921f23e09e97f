"""Within and between with the reliability of the mean, and distributed lags: by hand, against R and a known truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from asking import solve
from scipy import stats

from crampstudy import estimates, fit, tables, terminal
from crampstudy.cohort import Cohort
from crampstudy.contrasts.distributed_lag import distributed_lag, with_parts
from crampstudy.contrasts.within_between import within_between
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, reliability, verdicts
from crampstudy.estimates.sentences import sentence
from crampstudy.models.inference.reliability import Reliability, at_nights
from crampstudy.nights.person_moments import person_moments
from crampstudy.simulate import simulate

PARITY = Path(__file__).parent / "parity"
R: dict[str, Any] = json.loads((PARITY / "lags.json").read_text())
FIRST = date(2024, 1, 1)


@cache
def parity_cohort() -> Cohort:
    people = pl.read_csv(PARITY / "diary" / "participants.csv")
    diary = pl.read_csv(PARITY / "diary" / "diary.csv", try_parse_dates=True).filter(pl.col("date").dt.day() != 11)
    uncounted = pl.col("date").dt.day() % 10 == 7
    diary = diary.with_columns(cramps=pl.when(~uncounted).then("cramps"))
    return Cohort("parity", "diary", {"participants": people, "diary": diary}, synthetic=True)


def of(rows: pd.DataFrame, level: str, term: str = "alcohol_units", kind: kinds.Kind | None = None) -> dict[str, Any]:
    """Return the only row of a term and level, and of a kind where that is told."""
    chosen = rows[(rows["term"] == term) & (rows["level"] == level)]
    (found,) = (chosen if kind is None else kind.rows(chosen)).to_dict("records")
    return {str(name): cell for name, cell in found.items()}


@cache
def drawn(
    people: int = 150,
    nights: int = 14,
    *,
    seed: int = 1,
    within: float = -0.1,
    between: float = -0.45,
    icc: float = 0.2,
) -> Cohort:
    """Draw alcohol of an intraclass correlation whose usual amount, and a night's distance from it, have effects."""
    rng = np.random.default_rng(seed)
    usual = 10 + np.sqrt(icc) * rng.normal(size=(people, 1))
    own = usual + np.sqrt(1 - icc) * rng.normal(size=(people, nights))
    rate = np.exp(0.5 + between * (usual - 10) + within * (own - usual))
    cramps = rng.poisson(rate)
    diary = pl.DataFrame(
        {
            "participant_id": np.repeat([f"p{i:03}" for i in range(people)], nights),
            "date": [FIRST + timedelta(days=k) for _ in range(people) for k in range(nights)],
            "cramps": cramps.ravel(),
            "alcohol_units": own.ravel(),
            "stress_0_10": np.repeat(rng.uniform(0, 10, people), nights),
        }
    )
    participants = pl.DataFrame(
        {"participant_id": [f"p{i:03}" for i in range(people)], "age_years": 50.0, "sex": "male"}
    )
    return Cohort("made", "diary", {"participants": participants, "diary": diary}, synthetic=True)


def asked(cohort: Cohort, *names: str, **more: Any) -> pd.DataFrame:
    options: dict[str, Any] = {"model": "poisson", "replicates": 40, "rng": np.random.default_rng(1)} | more
    return within_between(cohort, names or ["alcohol_units"], **options)


# Reliability


@pytest.mark.parametrize(("icc", "value"), [(0.1, 0.61), (0.2, 0.78), (0.4, 0.90)])
def test_the_reliability_of_a_mean_of_14_nights(icc: float, value: float) -> None:
    assert round(at_nights(icc, 14), 2) == value
    cohort = drawn(3000, 14, icc=icc)
    moments = person_moments(cohort, ["alcohol_units"], cohort.frame("participants")["participant_id"].to_list())
    found = Reliability.of(moments)
    assert found.nights[0] == pytest.approx(14)
    assert found.correlations[0] == pytest.approx(icc, abs=0.02)
    assert found.values[0] == pytest.approx(at_nights(found.correlations[0], 14), rel=1e-12)


def test_it_is_that_of_an_analysis_of_variance_in_r() -> None:
    people = parity_cohort().frame("participants")["participant_id"].to_list()
    found = Reliability.of(person_moments(parity_cohort(), ["alcohol_units"], people))
    assert found.values[0] == pytest.approx(R["reliability"]["value"], rel=1e-10)
    assert found.correlations[0] == pytest.approx(R["reliability"]["icc"], rel=1e-10)
    assert found.nights[0] == pytest.approx(R["reliability"]["k0"], rel=1e-12)


def test_moments_by_hand() -> None:
    diary = pl.DataFrame(
        {
            "participant_id": ["a"] * 5 + ["b"] * 2,
            "date": [FIRST + timedelta(days=k) for k in (0, 1, 2, 3, 4, 0, 1)],
            "entry_made": [True, True, True, False, True, True, True],
            # A night without its count is logged; the one without an entry is not.
            "cramps": [0, None, 2, None, 1, 0, 0],
            "alcohol_units": [1.0, 3.0, 5.0, 50.0, None, 4.0, 4.0],
            "warm_up": [True, None, False, True, True, False, False],
        }
    )
    people = pl.DataFrame({"participant_id": ["a", "b"], "age_years": [50.0, 60.0], "sex": ["male", "male"]})
    cohort = Cohort("made", "diary", {"participants": people, "diary": diary})
    found = person_moments(cohort, ["alcohol_units", "warm_up", "cramp_night"], ["b", "a"])
    np.testing.assert_allclose(found.means, [[4, 0, 0], [3, 2 / 3, 2 / 3]])
    np.testing.assert_array_equal(found.nights, [[2, 2, 2], [3, 3, 3]])
    np.testing.assert_array_equal(found.together[1], [[3, 2, 2], [2, 3, 3], [2, 3, 3]])
    # On nights 0 and 2: (1 - 3)(1 - 2/3) + (5 - 3)(0 - 2/3).
    assert found.scatter[1, 0, 1] == pytest.approx(-2)
    assert found.scatter[1, 0, 0] == pytest.approx(8)
    np.testing.assert_allclose(found.scatter[0], 0)


def test_a_participant_who_is_drawn_twice_counts_twice() -> None:
    cohort = drawn(20)
    people = cohort.frame("participants")["participant_id"].to_list()
    moments = person_moments(cohort, ["alcohol_units"], people)
    twice = person_moments(cohort, ["alcohol_units"], [*people[:5], *people[:5]])
    found = Reliability.of(moments, np.array([2.0] * 5 + [0.0] * 15))
    assert found.values[0] == pytest.approx(Reliability.of(twice).values[0], rel=1e-12)


def test_beside_every_ratio_between_stands_the_reliability_of_its_mean(capsys: pytest.CaptureFixture[str]) -> None:
    fitted = fit(drawn(), model="poisson", terms="within(alcohol_units) + I(between(alcohol_units) / 2)")
    (row,) = kinds.RELIABILITY.rows(fitted.estimates).to_dict("records")
    assert (row["term"], row["scale"], row["status"]) == ("reliability: alcohol_units", "reliability", "converged")
    assert row["estimate"] == pytest.approx(0.78, abs=0.1)
    assert row["estimate"] < 0.8
    said = f"the mean of alcohol_units has a reliability of {row['estimate']:.2f}, so that its ratio between"
    rows = fitted.estimates.set_index("term")
    for term in ("I(between(alcohol_units) / 2)", "contrast: between(alcohol_units)"):
        assert said in rows["note"][term]
    assert "reliability" not in str(rows["note"]["within(alcohol_units)"])
    terminal.show(fitted.estimates)
    shown = capsys.readouterr().out
    assert f"Reliability of the person mean of alcohol: {row['estimate']:.2f}, share of the variance" in shown
    assert "crampstudy.contrasts.within_between.within_between gives the ratio corrected for it" in shown
    assert sentence(row).startswith("Reliability of the person mean of alcohol")
    # Neither a deviation alone nor a variable as it is has a ratio between.
    for terms in ("within(alcohol_units)", "alcohol_units"):
        assert kinds.RELIABILITY.rows(fit(drawn(), model="poisson", terms=terms).estimates).empty


def test_so_it_is_below_the_ratios_that_a_mixed_model_splits(capsys: pytest.CaptureFixture[str]) -> None:
    rows = fit(drawn(60, 8), model="gee-exchangeable", terms="alcohol_units").estimates
    assert len(kinds.RELIABILITY.rows(rows)) == 1
    terminal.show(rows)
    shown = capsys.readouterr().out
    assert shown.count("Reliability of the person mean of alcohol") == 1
    assert "has a reliability of" in shown
    assert "Rate ratio (95% CI)" in shown


def test_it_stands_below_the_table_of_its_model_whatever_kind_that_is(capsys: pytest.CaptureFixture[str]) -> None:
    for kind in (kinds.REGRESSION, kinds.ADJUSTED):
        rows = fit(drawn(), model="poisson", terms="between(alcohol_units)", analysis=kind.name).estimates
        (shown,) = tables.shown(rows)
        assert "Reliability" not in str(shown.table)
        terminal.show(rows)
        assert capsys.readouterr().out.count("Reliability of the person mean of alcohol: 0.70") == 1


def test_each_mean_has_its_reliability_once_and_a_zero_part_has_its_own() -> None:
    rows = fit(drawn(60, 8), model="gee-exchangeable", terms="alcohol_units + between(stress_0_10)").estimates
    names = ["reliability: stress_0_10", "reliability: alcohol_units"]
    assert kinds.RELIABILITY.rows(rows)["term"].to_list() == names
    assert rows["key"].is_unique
    rows = fit(
        drawn(), model="hurdle-negative-binomial", terms="alcohol_units", zero_terms="between(alcohol_units)"
    ).estimates
    assert kinds.RELIABILITY.rows(rows)["term"].to_list() == names[1:]
    assert "drawn towards that within" in rows.set_index("term")["note"]["zero: between(alcohol_units)"]
    assert "drawn" not in str(rows.set_index("term")["note"]["alcohol_units"])


def test_a_fit_without_an_answer_has_no_reliability() -> None:
    still = drawn().frame("diary").with_columns(cramps=pl.lit(0, pl.Int64))
    cohort = Cohort("made", "diary", {"participants": drawn().frame("participants"), "diary": still})
    rows = fit(cohort, model="poisson", terms="between(alcohol_units)").estimates
    assert set(rows["status"]) == {"not_estimable"}
    assert kinds.RELIABILITY.rows(rows).empty


def test_a_reliable_mean_has_no_warning_and_one_that_never_varies_within_is_certain() -> None:
    rows = fit(drawn(icc=0.9), model="poisson", terms="between(alcohol_units)").estimates
    assert not rows["note"].str.contains("drawn towards", na=False).any()
    rows = fit(drawn(), model="poisson", terms="between(stress_0_10)").estimates
    assert kinds.RELIABILITY.rows(rows)["estimate"].to_list() == [1.0]


def test_persons_who_differ_by_no_more_than_their_nights_have_no_reliability() -> None:
    rows = fit(drawn(40, 10, seed=2, icc=0.0), model="poisson", terms="between(alcohol_units)").estimates
    (row,) = kinds.RELIABILITY.rows(rows).to_dict("records")
    assert row["estimate"] < 0.5
    assert "too far to be corrected" in row["note"]
    once = drawn(40, 1)
    rows = fit(once, model="poisson", terms="between(alcohol_units)").estimates
    (row,) = kinds.RELIABILITY.rows(rows).to_dict("records")
    assert (row["status"], row["note"]) == ("not_estimable", "no participant has two nights with it, or none differ")


# Within and between


def test_rows_are_of_the_variable_with_its_part_in_the_level() -> None:
    rows = asked(drawn())
    whole = fit(drawn(), model="poisson", terms="within(alcohol_units) + between(alcohol_units)").estimates
    plain = whole.set_index("term")
    for part in ("within", "between"):
        for declared in ("", "contrast: "):
            one = of(rows, part, f"{declared}alcohol_units", kinds.WITHIN_BETWEEN)
            for cell in ("estimate", "ci_low", "ci_high", "p_value", "unit", "n_nights", "verdict"):
                same = plain[cell][f"{declared}{part}(alcohol_units)"]
                assert (pd.isna(one[cell]) and pd.isna(same)) or one[cell] == same
    assert rows["key"].is_unique
    assert of(rows, "between", kind=kinds.RELIABILITY)["estimate"] == pytest.approx(0.78, abs=0.1)


def test_the_corrected_ratio_is_that_of_the_definition() -> None:
    rows = asked(drawn())
    within, between = (np.log(of(rows, part, kind=kinds.WITHIN_BETWEEN)["estimate"]) for part in ("within", "between"))
    reliability = of(rows, "between", kind=kinds.RELIABILITY)["estimate"]
    assert 0.5 < reliability < 0.8
    found = of(rows, "between", kind=kinds.CORRECTED)
    expected = within + (between - within) / reliability
    assert np.log(found["estimate"]) == pytest.approx(expected, rel=1e-6)
    assert np.log(of(rows, "between", "contrast: alcohol_units", kinds.CORRECTED)["estimate"]) == pytest.approx(
        3 * expected, rel=1e-6
    )
    assert found["ci_low"] < found["estimate"] < found["ci_high"]
    assert found["note"] == "corrected for its reliability, interval by 40 replicates"
    # No two of the means lie three units apart: neither the plain ratio nor the corrected one is judged.
    assert of(rows, "between", "contrast: alcohol_units", kinds.CORRECTED)["verdict"] is None


def test_a_matrix_of_reliabilities_undoes_what_two_means_share() -> None:
    rng = np.random.default_rng(5)
    people, nights = 4000, 6
    usual = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], people)
    scatter = np.array([[3, 0.5], [0.5, 1]])
    noise = rng.multivariate_normal([0, 0], scatter, (people, nights)).mean(axis=1)
    effect = np.array([0.5, 0.0])
    shown = np.linalg.lstsq(usual + noise, usual @ effect, rcond=None)[0]
    # The second has no effect, and seems to have one.
    assert abs(shown[1]) > 0.04
    between = nights * np.cov((usual + noise).T)
    found = Reliability(between, scatter, np.full(2, float(nights)))
    # Without an effect within, what is between is all that the mean adds.
    np.testing.assert_allclose(found.corrected(np.zeros(2), shown), effect, atol=0.04)
    alone = Reliability(between[:1, :1], np.array([[3.0]]), np.full(1, float(nights)))
    assert alone.corrected(np.array([0.2]), np.array([0.5])) == pytest.approx(0.2 + 0.3 / alone.values)


def test_what_a_few_nights_hide_is_found() -> None:
    """Of -0.45 between participants, in 20 cohorts: the plain coefficient is drawn to -0.1, the corrected is not."""
    plain, corrected = [], []
    for seed in range(20):
        cohort = drawn(150, 14, seed=seed)
        solved = solve(cohort, model="poisson", terms="within(alcohol_units) + between(alcohol_units)").solved
        assert solved
        people = cohort.frame("participants")["participant_id"].to_list()
        found = Reliability.of(person_moments(cohort, ["alcohol_units"], people))
        plain.append(solved.coefficients[2])
        corrected.append(found.corrected(solved.coefficients[[1]], solved.coefficients[[2]])[0])
    error = np.std(corrected, ddof=1) / np.sqrt(20)
    assert abs(np.mean(corrected) + 0.45) < 3 * error
    # Within plus the reliability times what the mean adds: -0.1 - 0.78 x 0.35.
    assert abs(np.mean(plain) + 0.373) < 3 * np.std(plain, ddof=1) / np.sqrt(20)
    assert np.mean(plain) + 0.45 > 5 * np.std(plain, ddof=1) / np.sqrt(20)


def test_the_bootstrap_is_that_of_its_seed_and_estimates_the_reliability_anew() -> None:
    rows, again, other = (asked(drawn(), rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert estimates.to_csv(rows) == estimates.to_csv(again)
    one, two = (of(r, "between", kind=kinds.CORRECTED) for r in (rows, other))
    assert one["ci_low"] != two["ci_low"]
    plain = of(rows, "between", kind=kinds.WITHIN_BETWEEN)
    # The error of the reliability comes to that of the coefficient.
    assert one["std_error"] > plain["std_error"] / 0.8


def test_a_reliable_mean_is_not_corrected_and_one_too_poor_cannot_be() -> None:
    assert kinds.CORRECTED.rows(asked(drawn(icc=0.6))).empty
    rows = asked(drawn(150, 6, seed=3, icc=0.05))
    found = of(rows, "between", kind=kinds.CORRECTED)
    assert found["status"] == "not_estimable"
    assert "below 0.5: too low to be corrected for" in found["note"]
    plain = of(rows, "between", kind=kinds.WITHIN_BETWEEN)
    assert plain["status"] == "converged"
    assert "too far to be corrected or judged" in plain["note"]


@pytest.mark.parametrize(("icc", "judged"), [(0.1, False), (0.6, True)])
def test_of_a_mean_that_tells_too_little_of_a_person_nothing_is_said(icc: float, judged: bool) -> None:
    cohort = drawn(150, 6, seed=3, icc=icc)
    drank = pl.col("alcohol_units") > pl.col("alcohol_units").median()
    nights = cohort.frame("diary").with_columns(electrolyte_drink=drank)
    rows = asked(replace(cohort, tables={**cohort.tables, "diary": nights}), "electrolyte_drink")
    (value,) = kinds.RELIABILITY.rows(rows)["estimate"]
    assert (value >= reliability.LEAST) == judged
    plain = of(rows, "between", "electrolyte_drink", kinds.WITHIN_BETWEEN)
    assert (plain["verdict"] is not None) == judged and plain["estimate"] > 0
    assert of(rows, "within", "electrolyte_drink", kinds.WITHIN_BETWEEN)["verdict"] is not None


def test_several_exposures_are_in_one_model() -> None:
    cohort = simulate(60, 14, 3)
    rows = asked(cohort, "alcohol_units", "fluid_ml", "sleep_hours", beside="age_decade")
    assert {"within", "between"} == set(kinds.WITHIN_BETWEEN.rows(rows)["level"])
    assert len(kinds.RELIABILITY.rows(rows)) == 3
    # The mean of what cramps can move is without the night, which the terms beside it tell.
    assert "within(sleep_hours, leave_out=True)" in of(rows, "within", "fluid_ml")["adjusted_for"]
    assert "within(fluid_ml)" in of(rows, "within", "sleep_hours")["adjusted_for"]
    assert tables.factors(rows).index.get_level_values(1)[0] == "Alcohol, within"
    # What a unit of is small has the same step plain and corrected.
    units = rows[rows["term"] == "fluid_ml"].query("scale != 'reliability'")["unit"]
    assert units.nunique() == 1


def test_exposures_that_do_not_vary_or_were_not_measured_stand_beside() -> None:
    """Stress never varies within a participant here, fluid was never measured, and steps are the same for all."""
    diary = drawn().frame("diary").with_columns(steps=pl.col("date").dt.day().cast(pl.Int64) * 100)
    cohort = Cohort("made", "diary", {"participants": drawn().frame("participants"), "diary": diary})
    rows = asked(cohort, "stress_0_10", "fluid_ml", "alcohol_units", "steps")
    assert of(rows, "within", "stress_0_10")["note"] == "within(stress_0_10) does not vary"
    assert {of(rows, part, "fluid_ml")["status"] for part in ("within", "between")} == {"not_measured"}
    assert of(rows, "between", "steps")["note"] == "between(steps) does not vary"
    found = of(rows, "between", kind=kinds.CORRECTED)
    assert found["ci_low"] < found["estimate"] < found["ci_high"]
    assert len(kinds.CORRECTED.rows(rows)) == 2


def test_means_of_which_a_combination_is_noise_cannot_be_corrected() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, drawn().frame("diary").height)
    diary = drawn().frame("diary").with_columns(other=pl.col("alcohol_units") + pl.Series(noise))
    cohort = Cohort("made", "diary", {"participants": drawn().frame("participants"), "diary": diary})
    found = kinds.CORRECTED.rows(asked(cohort, "alcohol_units", "other"))
    assert set(found["status"]) == {"not_estimable"}
    assert found["note"].str.contains("together|have no estimate").all()


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        ([], {}, "name at least one nightly exposure"),
        (["alcohol_units", "alcohol_units"], {}, "each once"),
        (["sex"], {}, "sex has one value per participant"),
        (["nosuch"], {}, "terms name 'nosuch'"),
        (["alcohol_units"], {"model": "mixed-poisson"}, "the participants of 'mixed-poisson' cannot be resampled"),
        (["alcohol_units"], {"replicates": 10}, "10 replicates are too few for level 0.95; give at least 40"),
    ],
)
def test_what_cannot_be_split_is_refused(names: list[str], options: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        within_between(drawn(), names, **{"rng": np.random.default_rng(1), **options})
    assert said in str(refused.value)


# Distributed lags


@pytest.mark.parametrize(
    ("name", "terms"),
    [
        ("joint", [f"lag(within(alcohol_units), {k})" for k in range(4)] + ["between(alcohol_units)"]),
        ("single", ["lag(within(alcohol_units), 1)", "between(alcohol_units)"]),
        ("mean_last", ["mean_last(alcohol_units, 7)"]),
        ("days_last", ["days_last(alcohol_units, 7)"]),
        ("load_ratio", ["load_ratio(alcohol_units)"]),
        ("plain", ["within(alcohol_units)", "between(alcohol_units)"]),
    ],
)
def test_the_coefficients_are_those_of_r(name: str, terms: list[str]) -> None:
    expected = R[name]
    solution = solve(parity_cohort(), model="poisson", terms=" + ".join(["age_decade", *terms]), covariance="cluster")
    assert solution.n_nights == expected["rows"]
    assert solution.solved
    assert solution.solved.coefficients == pytest.approx(expected["coefficients"], rel=1e-7)
    assert np.sqrt(np.diag(solution.solved.variance)) == pytest.approx(expected["se"], rel=1e-7)


def test_cumulative_and_lead_are_those_of_r() -> None:
    rows = distributed_lag(parity_cohort(), "alcohol_units", model="poisson", beside="age_decade", covariance="cluster")
    joint, lead = R["joint"], R["lead"]
    for k in range(4):
        found = of(rows, f"lag {k}")
        assert np.log(found["estimate"]) == pytest.approx(joint["coefficients"][2 + k], rel=1e-6)
        assert found["std_error"] == pytest.approx(joint["se"][2 + k], rel=1e-7)
        assert found["n_nights"] == joint["rows"]
    found = of(rows, "cumulative")
    assert np.log(found["estimate"]) == pytest.approx(joint["sum"], rel=1e-6)
    assert found["std_error"] == pytest.approx(joint["sum_se"], rel=1e-7)
    assert found["adjusted_for"] == "between(alcohol_units); age_decade"
    at_contrast = of(rows, "cumulative", "contrast: alcohol_units")
    assert np.log(at_contrast["estimate"]) == pytest.approx(3 * joint["sum"], rel=1e-6)
    assert at_contrast["unit"] == "3 units/day above own mean"
    assert at_contrast["verdict"] == "inconclusive"
    control = of(rows, "lead 1")
    assert np.log(control["estimate"]) == pytest.approx(lead["coefficients"][6], rel=1e-6)
    assert control["std_error"] == pytest.approx(lead["se"][6], rel=1e-7)
    assert control["note"].startswith("negative control: a later night cannot act on an earlier one")
    both = of(rows, "lag 1 against lag 0")
    assert np.log(both["estimate"]) == pytest.approx(joint["coefficients"][3] - joint["coefficients"][2], rel=1e-6)
    assert rows["key"].is_unique


def unlike(people: int, share: float) -> Cohort:
    """Return diaries whose first participants have most of the cramps."""
    cohort = drawn(people, 28, seed=3)
    first = pl.col("participant_id").str.slice(1).cast(pl.Int64) < 3
    nights = cohort.frame("diary").with_columns(
        cramps=pl.when(first).then(pl.col("cramps") * share).otherwise("cramps")
    )
    frames = {"participants": cohort.frame("participants"), "diary": nights.with_columns(pl.col("cramps").cast(int))}
    return Cohort("made", "diary", frames, synthetic=True)


def test_few_participants_of_unlike_rates_have_wider_intervals_of_lags() -> None:
    lags = {}
    for share in (1, 12):
        rows = distributed_lag(unlike(20, share), "alcohol_units", model="poisson")
        named = distributed_lag(unlike(20, share), "alcohol_units", model="poisson", covariance="cluster-small")
        for level in ("lag 0", "lag 2", "cumulative", "lag 1 against lag 0", "lead 1"):
            own, plain = of(rows, level), of(named, level)
            assert (own["estimate"], own["std_error"]) == (plain["estimate"], plain["std_error"])
            half = stats.t.ppf(0.975, own["df"]) * own["std_error"]
            assert np.log(own["ci_high"] / own["estimate"]) == pytest.approx(half)
            assert own["p_value"] == pytest.approx(
                2 * stats.t.sf(abs(np.log(own["estimate"])) / own["std_error"], own["df"])
            )
            assert "own numbers of cramps" in own["note"]
            assert "own numbers of cramps" not in str(plain["note"])
            lags[share, level] = own["df"] / plain["df"]
            assert own["key"] == plain["key"]
    assert all(lags[1, level] > 0.85 for _, level in lags)
    # Three people with most of the cramps leave about half of the degrees of freedom, or less.
    assert all(0.3 < lags[12, level] < 0.6 for _, level in lags)


def test_ratios_within_few_participants_of_unlike_rates_have_fewer_degrees_of_freedom() -> None:
    """Those of any terms of deviations, also of a product, and of none but these."""
    terms = "within(alcohol_units) + between(alcohol_units) + within(alcohol_units):stress_0_10 + stress_0_10"
    cohort = unlike(20, 12)
    found, named = (fit(cohort, model="poisson", terms=terms, covariance=kind) for kind in ("auto", "cluster-small"))
    deviations = 0
    for own, plain in zip(found.estimates.to_dict("records"), named.estimates.to_dict("records"), strict=True):
        if own["term"] in ("overdispersion", "intercept") or own["term"].startswith("reliability"):
            continue
        if own["status"] != "converged":
            assert own["status"] == plain["status"]
            continue
        of_deviations = "within(" in own["term"]
        deviations += of_deviations
        assert (own["estimate"], own["std_error"]) == (plain["estimate"], plain["std_error"])
        assert (own["df"] < plain["df"]) == of_deviations, own["term"]
        assert ("own numbers of cramps" in str(own["note"])) == of_deviations
        assert "own numbers of cramps" not in str(plain["note"])
    assert deviations == 2
    assert found.linear is not None
    (per_unit,) = found.estimates[found.estimates["term"] == "within(alcohol_units)"].to_dict("records")
    again = found.linear.ratio(
        {"within(alcohol_units)": 1.0, "stress_0_10": 0.0}, {"within(alcohol_units)": 0.0, "stress_0_10": 0.0}
    )
    assert [again[name] for name in ("df", "ci_low", "p_value")] == pytest.approx(
        [per_unit[name] for name in ("df", "ci_low", "p_value")]
    )
    assert "own numbers of cramps" in again["note"]
    mixed = found.linear.ratio(
        {"within(alcohol_units)": 1.0, "between(alcohol_units)": 1.0, "stress_0_10": 0.0},
        {"within(alcohol_units)": 0.0, "between(alcohol_units)": 0.0, "stress_0_10": 0.0},
    )
    assert "own numbers of cramps" not in str(mixed["note"])


def test_many_participants_have_the_degrees_of_freedom_of_the_fit() -> None:
    rows = distributed_lag(unlike(50, 12), "alcohol_units", model="poisson")
    named = distributed_lag(unlike(50, 12), "alcohol_units", model="poisson", covariance="cluster-small")
    assert rows["df"].tolist() == named["df"].tolist()


def test_the_effects_of_the_simulator_are_found() -> None:
    """Any alcohol has a log rate ratio of 0.30 that night and of 0.15 the next, and none before that."""
    cohort = simulate(500, 60, 11)
    nights = cohort.frame("diary").with_columns(alcohol_day=pl.col("alcohol_units") > 0)
    cohort = Cohort("drawn", "diary", {"participants": cohort.frame("participants"), "diary": nights}, synthetic=True)
    rows = distributed_lag(cohort, "alcohol_day", model="poisson", covariance="cluster")
    truth = {"lag 0": 0.3, "lag 1": 0.15, "lag 2": 0, "lag 3": 0, "cumulative": 0.45, "lead 1": 0}
    for level, value in truth.items():
        found = of(rows, level, "alcohol_day")
        assert found["std_error"] < 0.15
        assert abs(np.log(found["estimate"]) - value) < 2.6 * found["std_error"], level
    assert of(rows, "lag 0", "alcohol_day")["verdict"] == "higher"


def test_lag_0_of_what_cramps_can_move_is_not_told() -> None:
    """Poor sleep makes cramps the night after, and cramps make poor sleep: lag 1 of the other nights' mean finds it."""
    rng = np.random.default_rng(2)
    people, nights = 500, 14
    usual = rng.normal(6, 0.5, people)
    made, before = [], usual.copy()
    for k in range(nights):
        cramps = rng.poisson(np.exp(-0.3 - 0.3 * (before - usual)))
        before = np.clip(usual + rng.normal(0, 1, people) - 0.5 * cramps, 0, 10)
        made.append(
            pl.DataFrame(
                {
                    "participant_id": [f"p{i:03}" for i in range(people)],
                    "date": FIRST + timedelta(days=k),
                    "cramps": cramps,
                    "sleep_quality_0_10": before,
                }
            )
        )
    whole = pl.DataFrame({"participant_id": [f"p{i:03}" for i in range(people)], "age_years": 50.0, "sex": "male"})
    cohort = Cohort("made", "diary", {"participants": whole, "diary": pl.concat(made)}, synthetic=True)
    rows = distributed_lag(cohort, "sleep_quality_0_10", model="poisson", lags=1)
    untold = of(rows, "lag 0", "sleep_quality_0_10")
    assert untold["status"] == "not_estimable"
    assert untold["note"] == "within one night it is not told whether cramps move it or are moved by it"
    found = of(rows, "lag 1", "sleep_quality_0_10")
    assert abs(np.log(found["estimate"]) + 0.3) < 2.6 * found["std_error"]
    # With the night of the cramps in the mean the effect looks smaller, and the note says why.
    terms = "lag(within(sleep_quality_0_10), 1) + between(sleep_quality_0_10)"
    with_it = fit(cohort, model="poisson", terms=terms).estimates.set_index("term").loc[terms.split(" + ")[0]]
    assert np.log(with_it["estimate"]) > np.log(found["estimate"]) + found["std_error"]
    assert "has that night in it" in with_it["note"]
    assert "lag 1 against lag 0" not in set(rows["level"])


def test_what_was_not_measured_or_cannot_be_estimated_says_so_in_every_row() -> None:
    rows = distributed_lag(drawn(20, 5), "fluid_ml", model="poisson")
    assert set(rows["status"]) == {"not_measured"}
    assert set(rows["level"]) == {"lag 0", "lag 1", "lag 2", "lag 3", "cumulative", "lag 1 against lag 0", "lead 1"}
    rows = distributed_lag(drawn(20, 3), "alcohol_units", model="poisson")
    assert set(rows["status"]) == {"not_estimable"}
    assert "no night has the other nights logged" in of(rows, "lag 3")["note"]


def test_a_sum_with_a_night_that_has_no_estimate_has_none() -> None:
    # Two runs of five nights.
    diary = drawn(150, 25).frame("diary").filter((pl.col("date").dt.day() - 1) % 20 < 5)
    cohort = Cohort("made", "diary", {"participants": drawn(150, 25).frame("participants"), "diary": diary})
    rows = distributed_lag(cohort, "alcohol_units", model="poisson", lags=5, covariance="cluster")
    assert {of(rows, f"lag {k}")["status"] for k in range(5)} == {"converged"}
    for level in ("lag 5", "cumulative"):
        found = of(rows, level)
        assert found["status"] == "not_estimable"
        assert "needed for lag(within(alcohol_units), 5)" in found["note"]
    assert of(rows, "lag 1 against lag 0")["status"] == "converged"


def test_they_are_shown_in_a_table_and_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    rows = distributed_lag(parity_cohort(), "alcohol_units", model="poisson", lags=1)
    terminal.show(rows)
    shown = capsys.readouterr().out
    for words in ("Alcohol, lag 0 ", "Alcohol, lag 1 ", "Alcohol, cumulative ", "Alcohol, lead 1 ", "per 1 unit/day"):
        assert words in shown
    assert "negative control: a later night cannot act on an earlier one" in shown
    assert sentence(of(rows, "cumulative")).startswith("Alcohol, cumulative: rate ratio ")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: distributed_lag(drawn(), "alcohol_units", lags=0), "at least lag 1 and lead 1, got lags=0"),
        (lambda: distributed_lag(drawn(), "alcohol_units", lead=0), "got lags=3 and lead=0"),
        (lambda: distributed_lag(drawn(), "sex"), "sex has one value per participant"),
        (lambda: distributed_lag(drawn(), "alcohol_units", model="cox"), "are for the models of nights"),
    ],
)
def test_what_has_no_lags_is_refused(call: Callable[[], pd.DataFrame], said: str) -> None:
    with pytest.raises(UsageError) as refused:
        call()
    assert said in str(refused.value)


def test_nights_together_rest_on_what_each_of_them_rests_on() -> None:
    """Of two nights of which one is of too few, both together are too, and say so."""
    rows = distributed_lag(drawn(60, 28, seed=3), "alcohol_units", model="poisson").to_dict("records")
    parts = [row for row in rows if row["level"] in ("lag 0", "lag 1")]
    (whole,) = (row for row in rows if row["level"] == "cumulative" and row["term"].startswith("contrast"))
    assert with_parts(whole, parts) == whole and whole["verdict"] not in (None, "too few")
    of_few = [{**row, "verdict": "too few" if row["level"] == "lag 1" else row["verdict"]} for row in parts]
    made = with_parts(whole, of_few)
    assert verdicts.verdict(made) == "too few" and made["note"].endswith("lag 1 rests on too few")
    assert (made["estimate"], made["ci_low"]) == (whole["estimate"], whole["ci_low"])


def test_nights_together_need_the_events_of_one_night_for_each_of_them() -> None:
    """Each night has a coefficient, and needs ten events, as a ratio of one night does (Peduzzi 1996)."""
    rows = distributed_lag(drawn(60, 28, seed=3), "alcohol_units", model="poisson")
    together = rows[rows["term"].str.startswith("contrast") & rows["level"].eq("cumulative")]
    (whole,) = together.to_dict("records")
    assert verdicts.verdict(whole | {"n_events": 40}) not in (None, "too few")
    few = together.assign(n_events=39, verdict="too few")
    assert verdicts.verdict(whole | {"n_events": 39}) == "too few"
    assert verdicts.few_of_what(few.iloc[0].to_dict()) == "events"
    assert verdicts.why_few(few) == "too few is what rests on fewer than 40 events"
    against = rows[rows["term"].str.startswith("contrast") & rows["level"].eq("lag 1 against lag 0")]
    (against_first,) = against.to_dict("records")
    assert verdicts.verdict(against_first | {"n_events": 20}) not in (None, "too few")
    assert verdicts.verdict(against_first | {"n_events": 19}) == "too few"
    single = rows[rows["term"].str.startswith("contrast") & rows["level"].eq("lag 1")].to_dict("records")[0]
    assert verdicts.verdict(single | {"n_events": 10}) not in (None, "too few")


def test_so_much_more_on_every_night_is_told_only_where_somebody_had_it() -> None:
    """One night may lie 3 units above the own mean where no four nights in a row ever do."""
    cohort, spiked = drawn(60, 28, seed=3), pl.int_range(pl.len()).over("participant_id") % 7 == 3
    nights = cohort.frame("diary").with_columns(alcohol_units=pl.when(spiked).then(6.0).otherwise(2.0))
    nights = nights.with_columns(alcohol_units=pl.col("alcohol_units") + pl.col("stress_0_10") / 10)
    rows = distributed_lag(replace(cohort, tables={**cohort.tables, "diary": nights}), "alcohol_units", model="poisson")
    of_night, together = (of(rows, level, "contrast: alcohol_units") for level in ("lag 0", "cumulative"))
    assert of_night["verdict"] is not None and not verdicts.why_beyond(of_night)
    assert together["verdict"] is None and verdicts.why_beyond(together)
    assert together["estimate"] > 0
