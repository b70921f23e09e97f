"""How often and how unevenly cramps come: numbers worked out by hand, laws that hold exactly, and small cohorts."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey

from crampstudy import analyses, estimates
from crampstudy.analyses import Settings
from crampstudy.arrays import Array
from crampstudy.cohort import Cohort
from crampstudy.descriptive import frequency_measures as measures
from crampstudy.descriptive.ever import EVER, ever, recalled_frequency
from crampstudy.descriptive.frequency import frequency, person_sums, sums_of
from crampstudy.descriptive.frequency_measures import Estimated, Measure, PersonSums
from crampstudy.estimates import kinds
from crampstudy.models.inference.covariance import quantile
from crampstudy.simulate import Truth, simulate
from crampstudy.simulate.estimands import frequency as answers
from crampstudy.simulate.estimands.potential_outcomes import Population

START = date(2024, 1, 1)
EVERY = {measure.level: measure for measure in (*measures.OFTEN, *measures.NIGHTLY)}


def diary(*people: str, ages: list[float | None] | None = None, **columns: list[object]) -> Cohort:
    """Make a diary, a text a person: a digit is a night's count, a dot a night without an entry."""
    nights = [
        (f"p{i}", START + timedelta(days=k), int(mark))
        for i, text in enumerate(people)
        for k, mark in enumerate(text)
        if mark != "."
    ]
    table = pl.DataFrame(nights, {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64}, orient="row")
    who: dict[str, object] = {"participant_id": [f"p{i}" for i in range(len(people))]}
    who |= ({"age_years": ages} if ages else {}) | columns
    return Cohort("made", "diary", {"participants": pl.DataFrame(who), "diary": table}, synthetic=True)


def rows_of(cohort: Cohort, population: str = "all") -> pd.DataFrame:
    rows = frequency(cohort)
    return rows[rows["population"] == population].set_index("level")


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(120, 50, seed=5)


def test_numbers_that_are_worked_out_by_hand() -> None:
    # 28 nights each: 4 cramps are one a week to the point, 12 are 3 a week, 24 nights of 28 are 6 of 7.
    weekly, often, nightly = "1000000" * 4, "2001000" * 4, "1111110" * 4
    rows = rows_of(diary(weekly, often, nightly, "0" * 28, "0" * 28))
    shares = {"at least one a week": 0.6, "more than 3 a month": 0.6, "at least 3 a week": 0.4, "near-nightly": 0.2}
    for level, share in shares.items():
        assert rows.loc[level, "estimate"] == pytest.approx(share, abs=1e-15) and rows.loc[level, "n_participants"] == 5
    assert rows.loc["nights with a cramp", "estimate"] == pytest.approx((4 + 8 + 24) / 140, abs=1e-15)
    assert rows.loc["cramps a cramp night", "estimate"] == pytest.approx((4 + 12 + 24) / 36, abs=1e-15)
    mean, square = 40 / 140, (4 + 4 * 5 + 24) / 140
    assert rows.loc["dispersion", "estimate"] == pytest.approx((square - mean**2) / mean, abs=1e-14)
    # 40 cramps: one person's 24 are 60 %, so that half of all are 20 of them: 5/6 of one of five.
    assert rows.loc[kinds.frequency.HALF, "estimate"] == pytest.approx(5 / 6 / 5, abs=1e-14)
    # One night fewer is below one a week; more than 3 a month are 2.8 in 28 nights and no exact limit.
    less = rows_of(diary("1000000" * 3 + "0000000", "1000000" * 3 + "000000", "0" * 28, "0" * 28, "0" * 28))
    assert less.loc["at least one a week", "estimate"] == 0 and less.loc["at least one a week", "n_participants"] == 4
    assert less.loc["more than 3 a month", "estimate"] == 0.25
    assert less.loc["at least one a week", "note"].startswith(
        "fewer than 5 participants, so no interval; nobody: exact one-sided limit; 1 participant with fewer than 28"
    )


def test_serial_dependence_by_hand() -> None:
    """Persons with k of n nights in runs: pairs of two cramp nights beyond those of nights chosen at random."""
    one, two = "110010", "1.1100"
    rows = rows_of(diary(one, two, "000000"))
    # one: 5 pairs, 1 of both, expected 5 * 3 * 2 / 30; two: nights 1, 3, 4, 5, 6: 3 pairs, expected 3 * 3 * 2 / 20.
    top = (1 - 5 * 6 / 30) + (1 - 3 * 6 / 20)
    bottom = 5 * 3 * 3 / 30 + 3 * 3 * 2 / 20
    assert rows.loc["serial dependence", "estimate"] == pytest.approx(top / bottom, abs=1e-14)
    assert pd.isna(rows.loc["serial dependence", "ci_low"])
    assert "rests on fewer than 5 participants, so no interval" in rows.loc["serial dependence", "note"]


def test_serial_dependence_is_nil_on_average_where_nights_fall_at_random() -> None:
    """Over all orders of one diary the pairs beyond chance sum to nothing, however short it is."""
    rng = np.random.default_rng(3)
    found = [
        measures.serial_dependence(
            person_sums(sums_of(nights(rng.permutation([1, 1, 1, 0, 0, 0, 0]) for _ in range(60))))
        ).value
        for _ in range(60)
    ]
    assert abs(np.mean(found)) < 3 * np.std(found) / math.sqrt(60) < 0.05


def nights(counts: object) -> pl.DataFrame:
    frames = [
        pl.DataFrame(
            {
                "participant_id": f"p{i:05}",
                "date": [START + timedelta(days=k) for k in range(len(own))],
                "cramps": np.asarray(own, dtype=np.int64),
                "age_years": 50.0,
                "age_band": "50-59",
            }
        )
        for i, own in enumerate(counts)  # type: ignore[arg-type]
    ]
    return pl.concat(frames)


def test_influences_agree_with_leaving_one_participant_out(cohort: Cohort) -> None:
    """The linearised error of every number is that of the jackknife, to what is left of order 1/n."""
    sums = person_sums(sums_of(frame_of(cohort)))
    for measure in EVERY.values():
        own = measure.among(sums)
        found, n = measure.of(own), len(own.nights)
        assert found.influence.sum() == pytest.approx(0, abs=1e-10)
        everybody = np.arange(n)
        without = np.array([measure.of(own.of(everybody != i)).value for i in range(n)])
        jackknife = math.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
        linear = math.sqrt(n / (n - 1) * (found.influence**2).sum())
        assert linear == pytest.approx(jackknife, rel=0.06), measure.level


def frame_of(cohort: Cohort) -> pl.DataFrame:
    from crampstudy.nights import person_nights

    return person_nights(cohort, Settings().bands)


def law(people: int, length: int, rng: np.random.Generator) -> PersonSums:
    """Draw chains of cramp nights with the correlation 0.2 between successive ones, and 1 + Poisson(0.3) cramps."""
    chance = rng.beta(0.6, 3.0, people)
    cramp = rng.random((people, length)) < chance[:, None]
    stay = rng.random((people, length)) < 0.2
    for k in range(1, length):
        cramp[:, k] = np.where(stay[:, k], cramp[:, k - 1], cramp[:, k])
    counts = np.where(cramp, 1 + rng.poisson(0.3, cramp.shape), 0)
    both = (cramp[:, 1:] & cramp[:, :-1]).sum(axis=1)
    parts = np.full(people, length), counts.sum(axis=1), cramp.sum(axis=1), (counts**2).sum(axis=1)
    return PersonSums(*(part.astype(np.float64) for part in (*parts, np.full(people, length - 1), both)))


def limits(found: Estimated, measure: Measure, n: int) -> tuple[float, float]:
    cells = {"n_participants": n, "ci_level": 0.95, "scale": measure.scale, "n_nights": 28 * n, "population": "all"}
    from crampstudy.descriptive.frequency import _interval

    row = _interval(found, cells | {"analysis": kinds.OFTEN.name}, n, "")
    return row["ci_low"], row["ci_high"]


@pytest.mark.parametrize("level", list(EVERY))
def test_intervals_cover(level: str) -> None:
    """Of 200 cohorts of 150 people 179 to 198 intervals cover; the true value is exact, or that of 100,000 people."""
    measure, length = EVERY[level], 35
    mean, chance = 0.6 / 3.6 * 1.3, 0.6 / 3.6
    exact = {
        "nights with a cramp": chance,
        "cramps a cramp night": 1.3,
        "dispersion": (chance * (1.3**2 + 0.3) - mean**2) / mean,
        "serial dependence": 0.2,
    }
    truth = exact.get(level) or measure.of(law(100_000, length, np.random.default_rng(1))).value
    covered = 0
    for rng in np.random.default_rng([7, len(level)]).spawn(200):
        low, high = limits(measure.of(law(150, length, rng)), measure, 150)
        covered += low <= truth <= high
    assert 179 <= covered <= 199, covered
