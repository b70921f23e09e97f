"""A diary read in parts gives the summary, the rejects and the errors of one that is read whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from crampstudy import cli
from crampstudy.atomic_write import csv_text
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError
from crampstudy.simulate import Mess, degrade, simulate
from crampstudy.simulate.corruption.error_injection import Mistakes
from crampstudy.sources import load
from crampstudy.sources.readers import chunked_package
from crampstudy.validation import Summary, chunked, rejects, summarise

TODAY = date(2030, 1, 1)


@pytest.fixture(scope="module")
def messy() -> dict[str, pl.DataFrame]:
    """Participants, diary and episodes as text, with every kind of mistake that there is for them."""
    drawn = simulate(16, 25, 3)
    people = drawn.frame("participants").with_columns(birth_year=pl.lit(1900, pl.Int64))
    cohort = Cohort("messy", "diary", {name: drawn.frame(name) for name in ("participants", "diary", "episodes")})
    mess = replace(Mess.none(), mistakes=Mistakes(each=6))
    degraded = degrade(cohort, mess, np.random.default_rng(4)).tables
    return {**degraded, "participants": degraded["participants"].with_columns(people["birth_year"].cast(pl.String))}


def written(folder: Path, tables: dict[str, pl.DataFrame]) -> Path:
    folder.mkdir()
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet", row_group_size=20)
    return folder


def spread(tables: dict[str, pl.DataFrame], how: str) -> dict[str, pl.DataFrame]:
    diary = tables["diary"]
    if how == "by person":
        # As people do who sort a sheet: rows of nobody stand between others.
        place = pl.int_range(pl.len())
        known = pl.col("participant_id").str.strip_chars().is_in(tables["participants"]["participant_id"].implode())
        person = pl.when(known).then(pl.col("participant_id").str.strip_chars()).forward_fill()
        diary = diary.with_columns(person.alias("p")).sort(pl.col("p"), place, maintain_order=True).drop("p")
    elif how == "shuffled":
        diary = diary.sample(fraction=1.0, shuffle=True, seed=1)
    return {**tables, "diary": diary}


def in_parts(source: Path, size: int, rejects: Path | None = None) -> Summary:
    summary = chunked.validate(source, today=TODAY, rejects=rejects, large=0, size=size)
    assert summary is not None
    return summary


@pytest.mark.parametrize("how", ["by person", "shuffled", "as degraded"])
def test_the_summary_is_that_of_the_whole(messy: dict[str, pl.DataFrame], tmp_path: Path, how: str) -> None:
    source = written(tmp_path / "messy", spread(messy, how))
    whole = summarise(load(source, today=TODAY))
    assert len(whole.rules) > 12
    for size in (1, 20, 133, 100_000):
        assert in_parts(source, size) == replace(whole, digest=None)


def test_the_rejects_are_those_of_the_whole(messy: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    source = written(tmp_path / "messy", spread(messy, "by person"))
    in_parts(source, 40, tmp_path / "rejects.csv")
    assert (tmp_path / "rejects.csv").read_text() == csv_text(rejects(load(source, today=TODAY)))


def test_a_sorted_file_is_cut_where_a_participant_ends(messy: dict[str, pl.DataFrame], tmp_path: Path) -> None:
    source = written(tmp_path / "messy", spread(messy, "by person"))
    opened = chunked_package.read(source, 0)
    assert opened is not None
    people = messy["participants"]["participant_id"]
    found = list(opened[1].parts(people, 40, tmp_path / "unused"))
    assert not (tmp_path / "unused").exists()
    assert len(found) > 5
    mine = [set(part.frame["participant_id"].drop_nulls()) & set(people) for part in found]
    assert sum(map(len, mine)) == len(set.union(*mine))
    lines = [line for part in found for line in part.lines]
    assert lines == list(range(1, messy["diary"].height + 1))


def test_own_columns_have_one_type_in_all_parts(tmp_path: Path) -> None:
    """The first hundred cells alone would be whole numbers."""
    drawn = simulate(10, 30, 3)
    diary = drawn.frame("diary")
    own = pl.Series("own", [*range(diary.height - 1), 0.5], dtype=pl.Float64)
    source = written(tmp_path / "own", {"participants": drawn.frame("participants"), "diary": diary.with_columns(own)})
    whole = summarise(load(source))
    assert any("own; kept as number" in notice for notice in whole.notices)
    assert in_parts(source, 50) == replace(whole, digest=None)


def check_no_night_is_the_same_error(folder: Path, read: Callable[[Path, int], object]) -> None:
    """Check that reading in parts ends as reading whole does where every night is of somebody unknown."""
    drawn = simulate(3, 30, 3)
    diary = drawn.frame("diary").with_columns(participant_id=pl.lit("nobody"))
    source = written(folder / "none", {"participants": drawn.frame("participants"), "diary": diary})
    with pytest.raises(SourceError) as whole:
        load(source, today=TODAY)
    with pytest.raises(SourceError) as parted:
        read(source, 20)
    assert str(parted.value) == str(whole.value)


def test_no_night_left_is_the_same_error(tmp_path: Path) -> None:
    check_no_night_is_the_same_error(tmp_path, in_parts)


def test_small_and_other_sources_are_read_whole(tmp_path: Path) -> None:
    drawn = simulate(3, 10, 3)
    source = written(tmp_path / "small", dict(drawn.tables))
    assert chunked.validate(source) is None
    folder = tmp_path / "text"
    folder.mkdir()
    for name, table in drawn.tables.items():
        table.write_csv(folder / f"{name}.csv")
    assert chunked.validate(folder, large=0) is None
    assert chunked.validate(f"nhanes:{tmp_path}", large=0) is None


def test_the_command_reads_a_large_diary_in_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path / "large", dict(simulate(3, 30, 3).tables))
    monkeypatch.setattr(chunked, "LARGE", 10)
    for words, start in (([], "large (diary), read in parts"), (["--json"], "{")):
        monkeypatch.setattr("sys.argv", ["crampstudy", "validate", str(source), *words])
        with pytest.raises(SystemExit) as done:
            cli.main()
        out = capsys.readouterr().out
        assert not done.value.code
        assert out.startswith(start)
    assert json.loads(out)["digest"] is None
