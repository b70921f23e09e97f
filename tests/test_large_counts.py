"""A few nights with huge counts rule the dispersion of a negative binomial: who holds them, and what it does."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from estimate_rows import coefficients
from numpy.typing import NDArray

from crampstudy import fit, open_cohort
from crampstudy.checks import Check, check
from crampstudy.cohort import Cohort

PARITY = Path(__file__).parent / "parity"
FOUR = json.loads((PARITY / "joint.json").read_text(encoding="utf-8"))["four"]
NB: dict[str, Any] = {"model": "negative-binomial"}
TERMS = "age_decade + sex + alcohol_units"


def diary(counts: NDArray[np.int64], nights: int = 30) -> Cohort:
    """Return a diary of so many nights each, with a covariate ``x`` of the night."""
    rng = np.random.default_rng(0)
    people = len(counts) // nights
    person = np.repeat(np.arange(people), nights)
    tables = {
        "participants": pl.DataFrame(
            {
                "participant_id": [f"p{i:02d}" for i in range(people)],
                "age_years": 30.0 + 2 * np.arange(people),
                "sex": ["female", "male"] * (people // 2),
            }
        ),
        "diary": pl.DataFrame(
            {
                "participant_id": [f"p{i:02d}" for i in person],
                "date": [date(2024, 1, 1) + timedelta(days=int(k)) for k in np.tile(np.arange(nights), people)],
                "cramps": counts,
                "x": rng.normal(size=len(counts)),
            }
        ),
    }
    return Cohort("made", "diary", tables, as_of=date(2024, 3, 1), synthetic=True)


def with_huge(*huge: tuple[int, int]) -> Cohort:
    """Return 600 nights of which those named have the count named."""
    counts = np.random.default_rng(0).poisson(0.3, 600)
    for night, count in huge:
        counts[night] = count
    return diary(counts)


def found(cohort: Cohort, covariance: Any = "auto", terms: str = "x + age_decade", **more: Any) -> Check:
    asked = NB | {"terms": terms, "covariance": covariance} | more
    (made,) = (c for c in check(cohort, **asked, rng=np.random.default_rng(1)) if c.name == "large counts")
    return made


@pytest.fixture(scope="module")
def as_in_r() -> Cohort:
    """The diary of joint.R with 200 cramps on four of its first 600 nights that are complete."""
    whole = open_cohort(PARITY / "diary")
    nights = whole.frame("diary").sort("participant_id", "date")
    nights = nights.filter(
        pl.col("entry_made") & pl.col("cramps").is_not_null() & pl.col("alcohol_units").is_not_null()
    )
    row = pl.int_range(pl.len())
    nights = nights.head(600).with_columns(cramps=pl.when(row % 150 == 75).then(200).otherwise("cramps"))
    return Cohort("four", "diary", {"participants": whole.frame("participants"), "diary": nights}, synthetic=True)


@pytest.mark.parametrize("covariance", ["cluster", "cluster-small", "auto", "cluster-joint"])
def test_the_check_fails_by_as_much_as_r_says(as_in_r: Cohort, covariance: Any) -> None:
    held = "cluster" if covariance == "cluster" else "cluster-small"
    times = max(np.divide(FOUR["se"]["cluster-joint"], FOUR["se"][held]))
    made = found(as_in_r, covariance, TERMS)
    start = "4 participants hold the 4 nights of 200 cramps that rule the dispersion: "
    joint = f"with it held, intervals would be up to {times:.2f} times narrower."
    wider = f"intervals of cluster-joint would be up to {times:.2f} times as wide as those of {covariance}."
    said = wider if covariance.startswith("cluster") and covariance != "cluster-joint" else joint
    assert (made.verdict, made.text) == ("failed", start + said)
    assert made.table["times_as_wide"].max() == pytest.approx(times, rel=1e-5)
    rows = fit(as_in_r, **NB, terms=TERMS, covariance=covariance).estimates.set_index("term")
    shown = "cluster-joint" if covariance == "auto" else covariance
    order = ["intercept", "age_decade", "sex", "alcohol_units"]
    assert rows.loc[order, "std_error"].to_numpy() == pytest.approx(FOUR["se"][shown], rel=1e-5)
    if shown != "cluster":
        assert rows.loc[order, "df"].to_numpy() == pytest.approx(
            FOUR["df"] if held == shown or covariance == "auto" else 23
        )
    assert ("covariance cluster-joint" in rows["note"].fillna("").iloc[0]) == (covariance == "auto")


def test_the_table_names_who_holds_them_and_what_comes_without() -> None:
    huge = [(0, 200), (150, 200), (300, 200), (450, 200)]
    cohort = with_huge(*huge)
    made = found(cohort)
    assert made.text.startswith("4 participants hold the 4 nights of 200 cramps that rule the dispersion: with it held")
    assert made.table["participant_id"].drop_duplicates().tolist() == ["p00", "p05", "p10", "p15"]
    assert set(made.table["nights"]) == {1} and set(made.table["largest"]) == {200.0}
    assert made.table["share_of_cramps"].iloc[::3].sum() == pytest.approx(0.837, abs=0.01)
    assert made.table["term"].tolist() == ["intercept", "x", "age_decade"] * 4
    kept = cohort.frame("diary").filter(pl.col("cramps") < 200)
    calm = Cohort("calm", "diary", {**cohort.tables, "diary": kept}, as_of=cohort.as_of, synthetic=True)
    rest = coefficients(fit(calm, **NB, terms="x + age_decade").estimates)
    assert np.exp(made.table["without"][1:3]).to_numpy() == pytest.approx(rest["estimate"][:2].to_numpy(), rel=1e-6)
    assert found(calm).verdict == "passed" or "Poisson" in str(found(calm).reason)


def test_different_counts_of_one_participant_are_one_holder() -> None:
    # A mistyped month: all far above anybody else's nights.
    made = found(with_huge((273, 99), (283, 150), (299, 180)), "cluster")
    assert made.verdict == "failed"
    assert made.text.startswith("1 participant holds the 3 nights of 99 to 180 cramps that rule the dispersion: ")
    assert set(made.table["participant_id"]) == {"p09"} and set(made.table["nights"]) == {3}


def test_ordinary_counts_pass() -> None:
    rng = np.random.default_rng(2)
    person = rng.gamma(1.5, 1 / 1.5, 20).repeat(30)
    made = found(diary(rng.poisson(0.8 * person * rng.gamma(1, 1, 600))), "cluster")
    assert made.verdict == "passed"
    assert made.text.startswith("With the dispersion estimated along, intervals would be up to ")
    assert made.table["participant_id"].isna().all() and set(made.table["nights"]) == {0}
    assert made.table["times_as_wide"].max() < 1.5


@pytest.mark.parametrize(
    ("model", "reason"),
    [("poisson", "only a negative-binomial regression"), ("mixed-poisson", "only a negative-binomial regression")],
)
def test_what_holds_no_dispersion_is_not_checked(model: str, reason: str) -> None:
    made = found(with_huge((0, 20)), "cluster", model=model)
    assert made.verdict == "not made" and reason in str(made.reason)


def test_counts_no_more_dispersed_than_poisson_are_not_checked() -> None:
    made = found(diary(np.tile([0, 1, 1], 200)), "cluster")
    assert made.verdict == "not made"


def test_a_rate_without_terms_is_checked_too() -> None:
    made = found(with_huge((0, 3)), "cluster", terms="1")
    assert made.table["term"].tolist() == ["intercept"]
