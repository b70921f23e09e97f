"""A large Parquet diary is cleaned in parts into the cohort, the ledger and the rejected rows of the whole."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from test_parts import check_no_night_is_the_same_error, in_parts, messy, spread, written

from crampstudy.cleaning import Cleaned, apply_rules
from crampstudy.cleaning.raw import ROW
from crampstudy.cleaning.rule import Context, View
from crampstudy.cleaning.searches import labs as labs_searches
from crampstudy.cleaning.searches import outliers
from crampstudy.cohort import Cohort, keys
from crampstudy.simulate import Mess, degrade, simulate
from crampstudy.simulate.corruption.error_injection import Mistakes
from crampstudy.sources import Address, large, load
from crampstudy.validation import summarise

TODAY = date(2030, 1, 1)

__all__ = ["messy"]


def parted(source: Path, size: int) -> Cleaned:
    found = large.load(Address.parse(source), TODAY, large=1, size=size)
    assert found is not None
    return found


def check_same(found: Cleaned, whole: Cleaned) -> None:
    assert found.cohort.digest == whole.cohort.digest
    for name, table in whole.cohort.tables.items():
        assert_frame_equal(found.cohort.frame(name), table)
    assert found.cohort.attrition == whole.cohort.attrition
    assert replace(found.cohort, tables=whole.cohort.tables).heading == whole.cohort.heading
    assert_frame_equal(found.ledger, whole.ledger)
    assert found.rejected.keys() == whole.rejected.keys()
    for name, rows in whole.rejected.items():
        assert_frame_equal(found.rejected[name], rows)


Frames = dict[str, pl.DataFrame]


def coded(tables: Frames, code: str, share: float, rng: np.random.Generator) -> Frames:
    """Return the tables with a code for no answer among the counts of the diary."""
    hit = pl.Series(rng.random(tables["diary"].height) < share)
    cell = pl.when(hit).then(pl.lit(code)).otherwise("cramps").alias("cramps")
    return {**tables, "diary": tables["diary"].with_columns(cell)}


@pytest.mark.parametrize("how", ["by person", "shuffled", "as degraded"])
def test_whatever_the_size_of_a_part_all_is_that_of_the_whole(
    messy: dict[str, pl.DataFrame], tmp_path: Path, how: str
) -> None:
    tables = coded(spread(messy, how), "99", 0.02, np.random.default_rng(1))
    source = written(tmp_path / "messy", tables)
    whole = load(source, today=TODAY)
    rules = {rule.rule for rule in whole.cohort.attrition.rules}
    assert {outliers.RULE, "shifted-columns", "unit-slip", "duplicate-exact", "duplicate-conflict"} <= rules
    for size in (20, 133):
        check_same(parted(source, size), whole)


@pytest.mark.parametrize("seed", range(5))
def test_random_diaries_in_several_files_and_types(seed: int, tmp_path: Path) -> None:
    """Rows anywhere, in one file or several; numbers as text or in some type; twins of rows and of identifiers."""
    rng = np.random.default_rng(seed)
    drawn = simulate(int(rng.integers(3, 9)), 20, seed)
    tables = {name: drawn.frame(name) for name in ("participants", "diary", "episodes")}
    mess = replace(Mess.none(), mistakes=Mistakes(each=int(rng.integers(1, 4))))
    tables = dict(degrade(Cohort("messy", "diary", tables), mess, rng).tables)
    tables = coded(tables, str(rng.choice(["99", "77", "30"])), float(rng.choice([0.0, 0.03, 0.3])), rng)
    diary = tables["diary"].with_columns(own=pl.Series(rng.choice(["1", "2.5", "x"], tables["diary"].height)))
    people = diary["participant_id"].unique(maintain_order=True)
    twins = diary.sample(5, seed=seed)
    odd = twins.with_columns(pl.col("participant_id").str.to_lowercase(), cramps=pl.lit("7"))
    strangers = twins.with_columns(participant_id=pl.Series(["nobody", None, "99", "nobody", ""]))
    diary = pl.concat([diary, twins, odd, strangers])
    if seed % 2:
        diary = diary.sample(fraction=1, shuffle=True, seed=seed)
    if seed % 3 == 0:
        number = pl.col("steps", "fluid_ml").cast(pl.Float64, strict=False)
        diary = diary.with_columns(number, pl.col("participant_id").cast(pl.Categorical))
    source = written(tmp_path / "s", {name: table for name, table in tables.items() if name != "diary"})
    cuts = [0, *sorted(rng.integers(1, diary.height, int(rng.integers(0, 3)))), diary.height]
    names = [f"nights/{i}.parquet" for i in range(len(cuts) - 1)]
    (source / "nights").mkdir()
    for name, first, last in zip(names, cuts[:-1], cuts[1:], strict=True):
        diary[int(first) : int(last)].write_parquet(source / name, row_group_size=17)
    resources = [{"name": name, "path": f"{name}.parquet"} for name in tables if name != "diary"]
    resources.append({"name": "diary", "path": names if len(names) > 1 else names[0]})
    (source / "datapackage.json").write_text(json.dumps({"name": "s", "resources": resources}))
    assert len(people) >= 3
    whole = load(source, today=TODAY)
    check_same(parted(source, int(rng.integers(1, 60))), whole)


def test_the_parts_stand_in_memory_once(messy: Frames, tmp_path: Path) -> None:
    """Where their rows are in order, no column of theirs is copied into one."""
    found = parted(written(tmp_path / "s", dict(simulate(6, 20, 3).tables)), 40)
    diary = found.cohort.frame("diary")
    assert set(diary.n_chunks("all")) == {3}
    shuffled = parted(written(tmp_path / "shuffled", spread(messy, "shuffled")), 40)
    assert shuffled.cohort.frame("diary").height > 40


def test_rules_across_tables_make_no_copy_or_index_of_the_whole_diary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = written(tmp_path / "s", dict(simulate(6, 20, 3).tables))
    nights = load(source).cohort.frame("diary")
    grouped, indexed = pl.DataFrame.group_by, pl.DataFrame.join

    def group_by(frame: pl.DataFrame, *by: object, **more: object) -> object:
        assert frame.height < nights.height or frame.width <= 2
        return grouped(frame, *by, **more)

    def join(frame: pl.DataFrame, other: pl.DataFrame, *args: object, **more: object) -> pl.DataFrame:
        assert other.height < nights.height
        return indexed(frame, other, *args, **more)

    monkeypatch.setattr(pl.DataFrame, "group_by", group_by)
    monkeypatch.setattr(pl.DataFrame, "join", join)
    frames = {name: table.with_row_index(ROW) for name, table in load(source).cohort.tables.items()}
    assert [name for name, found in apply_rules.across_tables(frames) if found] == []


@pytest.mark.parametrize("seed", range(4))
def test_keys_are_held_against_each_other_by_participants(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(seed)
    who = np.sort(rng.integers(0, 40, 900)) if seed < 3 else rng.integers(0, 40, 900)
    table = pl.DataFrame(
        {
            "participant_id": [None if each == 7 else f"p{each}" for each in who],
            "date": [date(2025, 1, int(day)) for day in rng.integers(1, 29, 900)],
            "analyte": [None if each == 0 else f"a{each}" for each in rng.integers(0, 3, 900)],
        }
    )
    heights: list[int] = []
    one = keys._repeated
    monkeypatch.setattr(keys, "_repeated", lambda part: heights.append(part.height) or one(part))
    for key in (["participant_id", "date", "analyte"], ["participant_id", "date"], ["participant_id"]):
        heights.clear()
        whole = table.select(pl.struct(key).is_duplicated()).to_series()
        assert keys.repeated_keys(table, key, 100).to_list() == whole.to_list() and whole.any()
        assert sum(heights) == 900
        assert max(heights) < 200 if seed < 3 else heights == [900]


def test_a_unit_is_not_read_in_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    labs = simulate(6, 20, 3).frame("labs")
    asked: list[str] = []
    plain = labs_searches.units.plain
    monkeypatch.setattr(labs_searches.units, "plain", lambda text: asked.append(text) or plain(text))
    read = []
    for rows in (labs, pl.concat([labs] * 5)):
        asked.clear()
        labs_searches.violations(View("labs", rows.with_row_index(ROW), rows, (), Context({})))
        read.append(len(asked))
    assert read[0] == read[1] > 0


def test_a_far_count_is_far_from_those_of_all_parts(tmp_path: Path) -> None:
    """Among her own nights and those of her part a count of 30 is nothing odd, among all nights it is."""
    people = ["a", *(f"b{i}" for i in range(9))]
    nights = [(who, date(2025, 3, day), 30 if who == "a" else day % 3) for who in people for day in range(1, 11)]
    diary = pl.DataFrame(nights, schema=["participant_id", "date", "cramps"], orient="row")
    ages = pl.DataFrame({"participant_id": people, "age_years": 60.0, "sex": "female"})
    source = written(tmp_path / "s", {"participants": ages, "diary": diary})
    whole = load(source, today=TODAY)
    assert whole.ledger["rule"].to_list() == [outliers.RULE] * 10
    check_same(parted(source, 10), whole)
    found = in_parts(source, 10, tmp_path / "rejects.csv")
    assert found == replace(summarise(whole), digest=None)
    assert pl.read_csv(tmp_path / "rejects.csv")["rule"].to_list() == [outliers.RULE] * 10


@pytest.mark.parametrize("seed", range(3))
def test_a_whole_diary_in_another_unit_is_held_against_those_of_all_parts(seed: int, tmp_path: Path) -> None:
    """Whoever shares a part with it; what the others drink and where they sleep differs from part to part."""
    rng = np.random.default_rng(seed)
    people = [f"p{i:02}" for i in range(12)]
    litres, fahrenheit = {"p03", "p11"}, {"p00", "p11"}
    rows = []
    for at, who in enumerate(people):
        fluid = rng.normal(1200 + 150 * at, 100, 8).round(-1)
        warm = rng.normal(4 + 2 * at, 1, 8).round(1)
        fluid = (fluid / 1000 if who in litres else fluid).tolist()
        warm = ((warm * 9 / 5 + 32).round(1) + 20 if who in fahrenheit else warm).tolist()
        nights = zip(fluid, warm, strict=True)
        rows += [(who, date(2025, 3, day), 0, *night) for day, night in enumerate(nights, start=1)]
    columns = ["participant_id", "date", "cramps", "fluid_ml", "ambient_temperature_c"]
    diary = pl.DataFrame(rows, schema=columns, orient="row").sample(fraction=1.0, shuffle=True, seed=seed)
    ages = pl.DataFrame({"participant_id": people, "age_years": 60.0, "sex": "female"})
    source = written(tmp_path / "s", {"participants": ages, "diary": diary})
    whole = load(source, today=TODAY)
    slips = whole.ledger.filter(pl.col("rule") == "unit-slip")
    assert slips.filter(pl.col("column") == "fluid_ml").height == 8 * len(litres)
    assert slips.filter(pl.col("column") == "ambient_temperature_c").height > 0
    for size in (1, 9, 8 * int(rng.integers(1, 12)), diary.height):
        found = parted(source, size)
        check_same(found, whole)
        assert found.ledger.write_csv() == whole.ledger.write_csv()
        assert in_parts(source, size) == replace(summarise(whole), digest=None)


def test_what_is_said_of_the_whole_is_read_as_a_whole(tmp_path: Path) -> None:
    source = written(tmp_path / "s", dict(simulate(3, 10, 3).tables))
    rows = load(source).cohort.frame("diary").height
    assert large.load(Address.parse(source), TODAY, large=rows + 1) is None
    for options in ("missing=99", "decimal=comma", "unlogged=zero"):
        assert large.load(Address.parse(f"package:{source}?{options}"), TODAY, large=1) is None
    numbered = pl.read_parquet(source / "diary.parquet").with_row_index("Unnamed: 0")
    numbered.write_parquet(source / "diary.parquet")
    assert large.load(Address.parse(source), TODAY, large=1) is None


def test_a_diary_without_a_usable_night_is_the_same_error(tmp_path: Path) -> None:
    check_no_night_is_the_same_error(tmp_path, parted)


def test_load_takes_parts_of_a_large_diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = written(tmp_path / "s", dict(simulate(3, 10, 3).tables))
    whole, seen = load(source), []
    monkeypatch.setattr(large, "clean", lambda *args, **more: seen.append(more) or whole)
    monkeypatch.setitem(large.load.__kwdefaults__, "large", 1)
    assert load(source) is whole
    assert seen[0]["diary"] is not None
