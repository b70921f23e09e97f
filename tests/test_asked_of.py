"""What is asked of some alone: who is not asked is at the level that this means, and no model leaves them out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from crampstudy import analyses, fit
from crampstudy.cohort import Cohort
from crampstudy.nights import people
from crampstudy.simulate import simulate


def branched(asked: bool = True, **columns: Any) -> Cohort:
    """Return a cohort in which pregnancy is empty but for women of 15 to 49, as a form with branches leaves it."""
    whole = simulate(60, 14, seed=5)
    who = whole.frame("participants").with_columns(**columns)
    some = (pl.col("sex") == "female") & (pl.col("age_years") < 50) if asked else pl.lit(value=False)
    trimester = pl.when(some).then(pl.lit("none")).otherwise(None).cast(who.schema["pregnancy_trimester"])
    return replace(whole, tables={**whole.tables, "participants": who.with_columns(pregnancy_trimester=trimester)})


def test_who_is_not_asked_is_at_the_level_that_this_means() -> None:
    cohort = branched()
    noted = cohort.frame("participants")["pregnancy_trimester"]
    assert 0 < noted.null_count() < 60
    assert people(cohort)["pregnancy_trimester"].to_list() == ["none"] * 60
    # What a study wrote down stays as it is.
    assert cohort.frame("participants")["pregnancy_trimester"].null_count() == noted.null_count()


@pytest.mark.parametrize(
    ("sex", "age", "known"),
    [
        ("male", 30.0, True),
        ("male", None, True),
        ("female", 50.0, True),
        ("female", 30.0, False),
        ("female", None, False),
        (None, 30.0, False),
        (None, 60.0, True),
    ],
)
def test_whose_sex_or_age_leaves_it_open_stays_unknown(sex: str | None, age: float | None, known: bool) -> None:
    first = pl.col("participant_id") == "P0001"
    cohort = branched(
        sex=pl.when(first).then(pl.lit(sex)).otherwise("sex").cast(pl.String),
        age_years=pl.when(first).then(pl.lit(age)).otherwise("age_years"),
    )
    own = cohort.frame("participants").with_columns(
        pregnancy_trimester=pl.when(first).then(None).otherwise("pregnancy_trimester")
    )
    cohort = replace(cohort, tables={**cohort.tables, "participants": own})
    assert people(cohort).filter(first)["pregnancy_trimester"].item() == ("none" if known else None)


def test_what_nobody_was_asked_for_stays_unmeasured() -> None:
    assert people(branched(asked=False))["pregnancy_trimester"].null_count() == 60


def test_a_model_that_is_adjusted_for_it_keeps_the_men() -> None:
    third = pl.when(pl.col("participant_id").is_in(["P0002", "P0003"])).then(pl.lit("third"))
    cohort = branched(sex=pl.lit("male"), age_years=pl.lit(30.0))
    own = cohort.frame("participants").with_columns(
        sex=pl.when(pl.col("participant_id") < "P0030").then(pl.lit("female")).otherwise("sex"),
        pregnancy_trimester=third.otherwise(
            pl.when(pl.col("participant_id") < "P0030").then(pl.lit("none")).otherwise(None)
        ),
    )
    cohort = replace(cohort, tables={**cohort.tables, "participants": own})
    rows = fit(cohort, model="poisson", terms="diabetes + pregnancy_trimester").estimates
    assert set(rows["n_participants"]) == {60}
    note = analyses.run("cohort", cohort).tables["tbl-characteristics"].note or ""
    assert "Pregnancy trimester: 31 participants without a value who are no women aged 15 to 49 count as none" in note
