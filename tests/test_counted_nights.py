"""Nights that are alike, counted: every number is the one of the nights themselves."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from asking import solve
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from crampstudy import fit
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.models.common.aggregation import compress
from crampstudy.models.inference import covariance
from crampstudy.models.nights import count
from crampstudy.nights import ALIKE, Diary, counted_nights, person_nights, repetitive
from crampstudy.simulate import simulate

MODELS = ("poisson", "negative-binomial", "logistic")
START = date(2024, 3, 1)


def cohort(seed: int, people: int = 30, nights: int = 20, *, missing: float = 0.1) -> Cohort:
    rng = np.random.default_rng(seed)
    n = people * nights
    rate = np.repeat(rng.gamma(2, 0.4, people), nights)

    def some(values: np.ndarray) -> list[Any]:
        return [None if gone else value for value, gone in zip(values.tolist(), rng.random(n) < missing, strict=True)]

    diary = pl.DataFrame(
        {
            "participant_id": np.repeat([f"p{i:03}" for i in range(people)], nights),
            "date": [START + timedelta(days=k) for _ in range(people) for k in range(nights)],
            "entry_made": rng.random(n) < 0.95,
            "cramps": some(rng.poisson(rate)),
            "warm_up": some(rng.random(n) < 0.4),
            "nocturia": some(rng.integers(0, 3, n)),
            "hours_in_bed": some(rng.integers(5, 9, n).astype(float)),
        }
    )
    participants = pl.DataFrame(
        {
            "participant_id": [f"p{i:03}" for i in range(people)],
            "age_years": rng.integers(20, 90, people).astype(float),
            "sex": rng.choice(["female", "male"], people),
        }
    )
    return Cohort("made", "diary", {"participants": participants, "diary": diary})


def test_counted_nights_by_hand() -> None:
    made = cohort(1, 2, 3, missing=0)
    diary = made.frame("diary").with_columns(
        cramps=pl.Series([1, 1, 0, 2, 2, None]),
        warm_up=pl.Series([True, True, True, None, None, True]),
        entry_made=pl.lit(value=True),
    )
    made = Cohort("made", "diary", {"participants": made.frame("participants"), "diary": diary})
    rows = counted_nights(made, {"warm_up", "sex"})
    first, second = made.frame("participants")["sex"]
    expected = {
        "participant_id": ["p000", "p000", "p001"],
        "cramps": [0, 1, 2],
        "warm_up": [True, True, None],
        ALIKE: [1, 2, 2],
        "sex": [first, first, second],
        "cramp_night": [False, True, True],
    }
    assert_frame_equal(rows, pl.DataFrame(expected), check_column_order=False)


def test_counted_nights_are_the_nights() -> None:
    made = cohort(2)
    rows, nights = counted_nights(made, {"warm_up", "age_years"}), person_nights(made)
    again = rows.select(pl.exclude(ALIKE).repeat_by(ALIKE).list.explode())
    columns = again.columns
    assert_frame_equal(again.sort(columns), nights.select(columns).sort(columns))


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (model, options)
        for model in MODELS
        for options in ({}, {"covariance": "model"}, {"exposure": "hours_in_bed"}, {"where": "nocturia < 2"})
        # Odds have no exposure.
        if not (model == "logistic" and "exposure" in options)
    ],
)
def test_a_fit_of_counted_nights_is_that_of_the_nights(
    model: str, options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, terms = cohort(3), "ns(age_years, df=2, ref=60) + sex * warm_up + nocturia"
    short = fit(made, model=model, terms=terms, **options)
    monkeypatch.setattr("crampstudy.models.nights.solve.repetitive", lambda *_: False)
    plain = fit(made, model=model, terms=terms, **options)
    assert short.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-10)
    assert short.n_rows == plain.n_rows
    for column in short.estimates.columns:
        if short.estimates[column].dtype == "float64":
            expected = plain.estimates[column].to_numpy()
            # The dispersion is found to some eight digits.
            digits = 1e-6 if model == "negative-binomial" else 1e-8
            assert short.estimates[column].to_numpy() == pytest.approx(expected, rel=digits, nan_ok=True)
        else:
            assert short.estimates[column].equals(plain.estimates[column])


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), people=st.integers(2, 8), nights=st.integers(2, 25))
@pytest.mark.parametrize("model", ["poisson", "negative-binomial"])
def test_log_likelihood_and_scores_are_the_same_anywhere(model: str, seed: int, people: int, nights: int) -> None:
    made, rng = cohort(seed, people, nights), np.random.default_rng(seed)
    rows = counted_nights(made, {"warm_up", "nocturia", "hours_in_bed"}).drop_nulls()
    plain = person_nights(made).drop_nulls(["cramps", "warm_up", "nocturia", "hours_in_bed"])
    if not plain.height:
        return
    at = np.append(rng.normal(size=3) / 2, rng.normal())
    found = [_at(frame, model, at) for frame in (rows, plain.with_columns(pl.lit(1).alias(ALIKE)))]
    (likelihood, scores, size), (expected, other, _) = found
    assert likelihood == pytest.approx(expected, rel=1e-10)
    assert np.max(np.abs(scores - other) / size) < 1e-10


def _at(nights: pl.DataFrame, model: str, at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return log-likelihood and the participants' scores at a place that is no maximum, with their sizes."""
    matrix = np.column_stack([np.ones(nights.height), nights["warm_up"].cast(pl.Float64), nights["nocturia"]])
    rows = compress(
        matrix.astype(float),
        nights["cramps"].to_numpy().astype(float),
        np.log(nights["hours_in_bed"].to_numpy()),
        nights["participant_id"].rle_id().to_numpy().astype(np.intp),
        "poisson" if model == "poisson" else "count",
        nights[ALIKE].to_numpy().astype(float),
    )
    mu = np.exp(rows.matrix @ at[:3] + rows.offset)
    if model == "poisson":
        value = count._Poisson(rows.matrix, rows.counts, rows.offset, rows.multiplicity).value(at[:3])
        slope = rows.counts - mu
    else:
        law = count._NegativeBinomial.of(rows.matrix, rows.counts, rows.offset, rows.multiplicity)
        value = law.value(at)
        slope = (rows.counts - mu) * np.exp(at[3]) / (mu + np.exp(at[3]))
    scores = covariance.cluster_sums(rows.matrix * (rows.multiplicity * slope)[:, None], rows.groups)
    sizes = np.abs(rows.matrix) * (rows.multiplicity * (rows.counts + mu))[:, None]
    return value + rows.constant, scores, covariance.cluster_sums(sizes, rows.groups) + 1e-300


def test_rows_are_added_up_where_it_pays() -> None:
    made = cohort(4)
    short = solve(made, model="poisson", terms="sex + warm_up", night_by_night=False)
    assert len(short.data.outcome) <= 2 * 30
    assert short.n_nights > 400
    assert len(solve(made, model="poisson", terms="sex + warm_up").data.outcome) == short.n_nights
    # The mean of the rows is not that of the nights.
    centred = solve(made, model="poisson", terms="center(nocturia)", night_by_night=False)
    assert len(centred.data.outcome) == centred.n_nights


def test_a_diary_of_different_nights_is_not_repetitive() -> None:
    made = simulate(20, 30, 1)
    assert repetitive(made, {"warm_up", "age_years"})
    assert not repetitive(made, {"fluid_ml", "sleep_hours"})


def test_a_large_diary_is_judged_by_some_participants_in_any_order() -> None:
    made = cohort(8, 300, 100)
    shuffled = made.frame("diary").sample(fraction=1.0, shuffle=True, seed=2)
    mixed = Cohort("mixed", "diary", {"participants": made.frame("participants"), "diary": shuffled})
    assert shuffled.height > 20_000
    assert repetitive(mixed, {"warm_up"})
    assert not repetitive(mixed, {"date"})


@pytest.mark.parametrize("model", [*MODELS, "gee-exchangeable"])
def test_a_scanned_diary_has_the_estimates_of_the_cohort(tmp_path: Path, model: str) -> None:
    made = cohort(5)
    made.frame("diary").sample(fraction=1.0, shuffle=True, seed=1).write_parquet(tmp_path / "diary.parquet")
    scanned = Diary("made", made.frame("participants"), pl.scan_parquet(tmp_path / "diary.parquet"))
    terms, where = "age_band + sex + warm_up", "age_years >= 30"
    here, there = (fit(source, model=model, terms=terms, where=where).estimates for source in (made, scanned))
    assert here.equals(there)
    assert here["n_nights"].notna().any()


def test_errors_of_a_scanned_diary() -> None:
    made = cohort(6)
    scanned = Diary("made", made.frame("participants"), made.frame("diary").lazy())
    for terms, where, message in (
        ("nosuch", None, "neither the codebook nor the cohort"),
        ("sex", "nosuch > 1", "'nosuch' names no column, .*; there are .*age_band"),
    ):
        with pytest.raises(UsageError, match=message):
            fit(scanned, model="poisson", terms=terms, where=where)
    with pytest.raises(UsageError, match="is a diary"):
        fit(scanned, model="survey-logistic", terms="sex")
    fewer = Diary("made", made.frame("participants").head(3), made.frame("diary").lazy())
    with pytest.raises(UsageError, match="nights of 'p003', who is none of the participants of made"):
        fit(fewer, model="poisson", terms="sex")


def test_undecided_nights_are_counted_by_the_night() -> None:
    made = cohort(7)
    rows = fit(made, model="poisson", terms="sex", where="warm_up = TRUE").estimates
    undecided = person_nights(made)["warm_up"].null_count()
    assert f"{undecided:,} nights left out, the condition could not be decided" in rows["note"].iloc[0]
