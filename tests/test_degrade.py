"""Degrading: mistakes are planted as said, on record, the same for the same seed, and nothing else changes."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from crampstudy.cohort import Cohort
from crampstudy.errors import ParameterError
from crampstudy.simulate import simulate
from crampstudy.simulate.degrade import KINDS, PLANTED, Degraded, Mess, degrade


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(60, 40, 1)


def messy(cohort: Cohort, *kinds: str, each: int = 5, seed: int = 1) -> Degraded:
    mess = Mess(each, kinds) if kinds else Mess(each)
    return degrade(cohort, mess, np.random.default_rng(seed))


def as_text(cohort: Cohort, table: str) -> pl.DataFrame:
    return cohort.frame(table).select(pl.all().cast(pl.String))


def test_at_least_twenty_kinds() -> None:
    assert len(KINDS) >= 20
    assert {kind.table for kind in KINDS.values()} == {"participants", "diary", "episodes", "labs", "treatments"}
    assert all(kind.about for kind in KINDS.values())


def test_nothing_planted_nothing_changed(cohort: Cohort) -> None:
    degraded = messy(cohort, each=0)
    assert degraded.planted.is_empty()
    for name in cohort.tables:
        assert degraded.tables[name].equals(as_text(cohort, name))


def test_every_kind_that_the_cohort_has_cells_for(cohort: Cohort) -> None:
    degraded = messy(cohort)
    expected = {name for name, kind in KINDS.items() if kind.table in cohort.tables}
    counts = dict(degraded.planted.group_by("kind").len().rows())
    assert set(counts) == expected
    assert set(counts.values()) == {5}
    assert degraded.planted.schema == PLANTED


def test_the_record_is_what_was_done(cohort: Cohort) -> None:
    degraded = messy(cohort, each=20)
    assert degraded.planted.select("table", "row").is_duplicated().sum() == 0
    for name in cohort.tables:
        before, after = as_text(cohort, name), degraded.tables[name]
        kept = after.head(before.height)
        differs = pl.any_horizontal(pl.lit(kept[c]).ne_missing(pl.lit(before[c])) for c in before.columns)
        touched = set(before.select(differs.arg_true()).to_series())
        planted = degraded.planted.filter((pl.col("table") == name) & (pl.col("row") < before.height))
        in_place = planted.filter(~pl.col("kind").str.starts_with("duplicate"))
        assert touched == set(in_place["row"])
        for row in in_place.filter(pl.col("column") != "").to_dicts():
            now, was = after.row(row["row"], named=True), before.row(row["row"], named=True)
            assert row["broken"] in [cell or "" for cell in now.values()]
            assert row["original"] in was.values()
            assert sum(now[c] != was[c] for c in now) == 1


def test_duplicates_come_last(cohort: Cohort) -> None:
    degraded = messy(cohort, "duplicate-exact", "duplicate-conflict", each=3)
    n = cohort.frame("diary").height
    diary = degraded.tables["diary"]
    assert diary.height == n + 6
    exact, conflict = (degraded.planted.filter(pl.col("kind") == k) for k in ("duplicate-exact", "duplicate-conflict"))
    assert exact["row"].to_list() == [n, n + 1, n + 2]
    assert conflict["also"].to_list() == [n + 3, n + 4, n + 5]
    key = ["participant_id", "date"]
    for row, also in conflict.select("row", "also").rows():
        assert diary[row].select(key).equals(diary[also].select(key))
        assert diary[row, "cramps"] != diary[also, "cramps"]


def test_seeds(cohort: Cohort) -> None:
    once, twice, other = (messy(cohort, seed=seed) for seed in (1, 1, 2))
    assert once.planted.equals(twice.planted)
    assert all(once.tables[name].equals(twice.tables[name]) for name in once.tables)
    assert not once.planted.equals(other.planted)


def test_a_kind_has_chance_of_its_own(cohort: Cohort) -> None:
    alone, among = messy(cohort, "litres"), messy(cohort, "litres", "onset", "two-digit-year")
    assert among.planted.filter(pl.col("kind") == "litres").equals(alone.planted)


def test_refused(cohort: Cohort) -> None:
    with pytest.raises(ParameterError, match="no kind of mistake 'spelling'; allowed: letter-in-number"):
        Mess(kinds=("spelling",))
    with pytest.raises(ParameterError, match="at least 0"):
        Mess(-1)
