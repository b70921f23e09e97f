"""Cohorts that a report hands on to its kernels: the same as those that were read, and never believed when spoilt."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from crampstudy import open_cohort
from crampstudy.cohort import Cohort, SurveyDesign
from crampstudy.sources import handed_on


@pytest.fixture(scope="module")
def diary(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Cohort]:
    folder = tmp_path_factory.mktemp("study")
    (folder / "participants.csv").write_text("participant_id,age_years,sex\nP1,30,female\nP2,70,male\n")
    nights = [f"{person},2024-01-{day:02},{day % 3}\n" for person in ("P1", "P2") for day in range(1, 10)]
    (folder / "diary.csv").write_text("participant_id,date,cramps\n" + "".join(nights) + "P2,2024-01-09,0\n")
    return str(folder), open_cohort(folder)


def test_what_is_handed_on_is_what_was_read(
    diary: tuple[str, Cohort], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, cohort = diary
    handed_on.hand_on({source: cohort}, tmp_path / "cohorts")
    assert handed_on.cohort_of(source) is None
    monkeypatch.setenv(handed_on.VARIABLE, str(tmp_path / "cohorts"))
    # Not read once more: the files need not even be there.
    Path(source, "diary.csv").rename(tmp_path / "away.csv")
    found = open_cohort(source)
    Path(tmp_path / "away.csv").rename(Path(source, "diary.csv"))
    for each in fields(Cohort):
        if each.name != "tables":
            assert getattr(found, each.name) == getattr(cohort, each.name)
    assert found.digest == cohort.digest
    for name, table in cohort.tables.items():
        assert found.tables[name].equals(table) and found.tables[name].schema == table.schema
    assert handed_on.cohort_of("another") is None


def test_a_survey_keeps_its_design(diary: tuple[str, Cohort], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = (
        diary[1].frame("participants").with_columns(weight=1.5, stratum=pl.lit(1, pl.Int64), psu=pl.lit(2, pl.Int64))
    )
    design = SurveyDesign(("D", "E"), {"interview": "weight"}, top_coded_age=80)
    survey = Cohort("ours", "survey", {"participants": people}, design, as_of=date(2020, 1, 1))
    handed_on.hand_on({"survey": survey}, tmp_path)
    monkeypatch.setenv(handed_on.VARIABLE, str(tmp_path))
    found = handed_on.cohort_of("survey")
    assert found is not None and found.design is not None
    assert found.design == replace(design, weights=found.design.weights)
    assert dict(found.design.weights) == {"interview": "weight"} and found.digest == survey.digest


@pytest.mark.parametrize("spoilt", ["facts", "diary.arrow"])
def test_what_is_spoilt_is_read_from_its_source(
    diary: tuple[str, Cohort], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str
) -> None:
    source, cohort = diary
    handed_on.hand_on({source: cohort}, tmp_path)
    monkeypatch.setenv(handed_on.VARIABLE, str(tmp_path))
    (file,) = tmp_path.rglob(spoilt)
    file.write_bytes(file.read_bytes()[:40])
    assert handed_on.cohort_of(source) is None
    assert open_cohort(source).digest == cohort.digest


def test_what_cannot_be_written_is_not_handed_on(diary: tuple[str, Cohort], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    handed_on.hand_on({diary[0]: diary[1]}, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
