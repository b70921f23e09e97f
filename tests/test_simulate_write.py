"""A simulated cohort written in chunks: the same bytes however the work is shared out, and all of the truth."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from crampstudy import simulate as simulator
from crampstudy.errors import ParameterError, UsageError
from crampstudy.simulate import TRUTH_FILE, Mess, Truth, chunks, simulate, write
from crampstudy.simulate.chunks import Job
from crampstudy.simulate.corruption.error_injection import Mistakes
from crampstudy.simulate.draw.cohort import draw_block, draw_core
from crampstudy.sources import load, open_cohort
from crampstudy.sources.writer import Format

PEOPLE, NIGHTS, SEED = 1_030, 12, 7
DRAWS = 1_000


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    # Three blocks make three parts, and the answers, which belong to the truth and not to the cohort, are left out.
    monkeypatch.setattr(chunks, "PART_ROWS", 500)
    monkeypatch.setattr(simulator, "answer", lambda truth, population: ())


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def written(
    folder: Path, format: Format = "csv", workers: int = 1, mess: Mess | None = None, rates: bool = True
) -> Path:
    write(folder, PEOPLE, NIGHTS, SEED, mess=mess, format=format, workers=workers, with_rates=rates, draws=DRAWS)
    return folder


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_the_bytes_are_the_same_with_any_number_of_workers(tmp_path: Path, format: Format) -> None:
    one, *others = (tree(written(tmp_path / str(n), format, workers=n)) for n in (1, 2))
    assert all(other == one for other in others)
    assert ("diary/part-0003.parquet" in one) == (format == "parquet")


@pytest.mark.parametrize("format", ["csv", "parquet"])
def test_what_is_written_is_what_is_simulated(tmp_path: Path, format: Format) -> None:
    loaded = load(written(tmp_path / "x", format))
    assert set(loaded.ledger["severity"]) <= {"warn"}
    assert loaded.cohort.attrition.notices == ()
    assert loaded.cohort.synthetic
    assert loaded.cohort.digest == simulate(PEOPLE, NIGHTS, SEED).digest


def test_the_size_of_a_part_changes_no_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_three = open_cohort(written(tmp_path / "x", "parquet")).digest
    monkeypatch.setattr(chunks, "PART_ROWS", 100_000)
    assert open_cohort(written(tmp_path / "x", "parquet")).digest == in_three
    assert (tmp_path / "x/diary.parquet").is_file()


def test_rates_are_those_of_every_night_drawn(tmp_path: Path) -> None:
    written(tmp_path / "x")
    rates = pl.read_csv(tmp_path / "x/truth/rates.csv")
    assert rates.height == PEOPLE * NIGHTS
    assert rates.columns == ["participant_id", "date", "rate_by_terms", "rate"]
    assert rates.select("participant_id", "date").is_unique().all()
    expected = Job.of(PEOPLE, NIGHTS, SEED, Truth(), Mess())
    assert rates["rate"].sum() == pytest.approx(chunks.draw_chunk(expected, range(3)).rates["rate"].sum())
    # Whoever writes again without them leaves none behind.
    written(tmp_path / "x", rates=False)
    assert not (tmp_path / "x/truth/rates.csv").exists()


@pytest.mark.parametrize("rows", [500, 100_000])
def test_the_truth_lists_what_was_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int) -> None:
    """In tables of its own where the cohort stands in several parts."""
    monkeypatch.setattr(chunks, "PART_ROWS", rows)
    truth = json.loads((written(tmp_path / "x") / TRUTH_FILE).read_text())
    assert (truth["seed"], truth["participants"], truth["nights"]) == (SEED, PEOPLE, NIGHTS)
    record, diary = truth["broken"], open_cohort(tmp_path / "x").frame("diary")
    assert record["totals"]["nights"] == PEOPLE * NIGHTS
    assert record["totals"]["logged"] + record["totals"]["back_filled"] == diary["entry_made"].sum()
    assert record["totals"]["cramps_reported"] == diary["cramps"].sum()
    if rows == 500:
        assert record["tables"] == ["truth/participants", "truth/back_filled", "truth/labs"]
        people = pl.read_csv(tmp_path / "x/truth/participants.csv")
    else:
        people = pl.DataFrame(record["participants"])
    assert people.height == PEOPLE
    assert people["cramps_reported"].sum() == record["totals"]["cramps_reported"]


def test_the_truth_has_the_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    write(tmp_path / "x", 5, 5, SEED, draws=DRAWS)
    assert json.loads((tmp_path / "x" / TRUTH_FILE).read_text())["answers"]


@pytest.mark.parametrize("feedback", [0.0, -0.05])
def test_the_core_of_a_block_is_that_of_the_whole(feedback: float) -> None:
    truth = Truth()
    truth = replace(truth, cramps=replace(truth.cramps, sleep_feedback=feedback))
    plan = Job.of(700, NIGHTS, SEED, truth, Mess()).plan
    for block in range(2):
        core = draw_core(plan, block)
        assert core.columns == ["participant_id", "date", "entry_made", "cramps"]
        assert core.equals(draw_block(plan, block).tables["diary"].select(core.columns))


def test_mistakes_are_written_and_listed(tmp_path: Path) -> None:
    mess = replace(Mess.none(), mistakes=Mistakes(each=4))
    written(tmp_path / "x", mess=mess)
    assert tree(tmp_path / "x") == tree(written(tmp_path / "y", mess=mess, workers=2))
    listed = json.loads((tmp_path / "x" / TRUTH_FILE).read_text())["broken"]["mistakes"]
    assert len(listed["kind"]) == len(listed["row"]) > 40
    found = load(tmp_path / "x")
    assert found.ledger.height > 40
    with pytest.raises(UsageError, match="write such a cohort as csv"):
        written(tmp_path / "z", "parquet", mess=mess)


@pytest.mark.parametrize(("size", "said"), [((0, 5, 1), "participants"), ((5, 0, 1), "nights"), ((5, 5, -1), "seed")])
def test_an_impossible_size_writes_nothing(tmp_path: Path, size: tuple[int, int, int], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        write(tmp_path / "x", *size)
    assert list(tmp_path.iterdir()) == []


def test_progress_tells_the_parts(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    write(tmp_path / "x", PEOPLE, NIGHTS, SEED, draws=DRAWS, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
