"""A diary in parts: the same bytes as in one piece, whoever reads the parts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from crampstudy import estimates, fit
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError, UsageError
from crampstudy.models.common.partitions import in_parts
from crampstudy.nights import Diary, counted_nights
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package
from crampstudy.sources.writer import About, writing

TERMS = "age_decade + sex + warm_up"
NAMES = {"age_decade", "sex", "warm_up"}
MODELS = ("poisson", "negative-binomial", "logistic", "mixed-poisson", "mixed-negative-binomial")


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return simulate(120, 30, 3)


@pytest.fixture(scope="module")
def folder(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort in four parts, cut between participants."""
    made = tmp_path_factory.mktemp("parts") / "study"
    people = cohort.frame("participants")
    with writing(made, About(cohort.name), "parquet") as out:
        for some in np.array_split(np.arange(people.height), 4):
            chosen = people[some.tolist()]
            diary = cohort.frame("diary").join(chosen.select("participant_id"), on="participant_id", how="semi")
            out.add({"participants": chosen, "diary": diary})
    return made


@pytest.fixture(scope="module")
def cut_anywhere(cohort: Cohort, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cohort in four parts, with every participant in all of them, in another order and in narrower types."""
    made = tmp_path_factory.mktemp("anywhere") / "study"
    shutil.copytree(folder, made)
    diary = cohort.frame("diary").sample(fraction=1, shuffle=True, seed=1)
    diary = diary.with_columns(pl.col("cramps").cast(pl.Int16), pl.col("participant_id").cast(pl.Categorical))
    for i, path in enumerate(sorted((made / "diary").iterdir())):
        diary.gather_every(4, i).write_parquet(path)
    return made


def bytes_of(cohort: Any, model: str = "poisson", **options: Any) -> str:
    return estimates.to_csv(fit(cohort, model=model, terms=TERMS, **options).estimates)


def test_the_parts_are_four(folder: Path) -> None:
    assert len(package.diary_paths(folder)) == 4


@pytest.mark.parametrize("model", MODELS)
def test_a_fit_of_parts_is_that_of_the_whole_byte_for_byte(
    cohort: Cohort, folder: Path, cut_anywhere: Path, model: str
) -> None:
    whole = bytes_of(cohort, model)
    assert "converged" in whole
    for cut in (folder, cut_anywhere):
        assert bytes_of(in_parts(cut), model) == whole


@pytest.mark.parametrize("model", ["poisson", "mixed-poisson"])
def test_person_means_are_those_of_the_whole(
    cohort: Cohort, folder: Path, cut_anywhere: Path, tmp_path: Path, model: str
) -> None:
    # Sleep is what cramps can move; exercise has values of many digits, whose sum depends on their order.
    terms = "within(exercise_min) + between(exercise_min) + within(awakenings) + between(awakenings)"
    whole = Diary(cohort.name, cohort.frame("participants"), cohort.frame("diary").lazy())
    expected = estimates.to_csv(fit(whole, model=model, terms=terms).estimates)
    assert "converged" in expected
    for cut in (folder, cut_anywhere):
        assert estimates.to_csv(fit(in_parts(cut, keep=tmp_path), model=model, terms=terms).estimates) == expected
    ours = fit(cohort, model=model, terms=terms).estimates
    theirs = fit(whole, model=model, terms=terms).estimates
    assert ours["estimate"].to_numpy() == pytest.approx(theirs["estimate"].to_numpy(), rel=1e-6)


@pytest.mark.parametrize("options", [{"where": "age_years >= 50"}, {"exposure": "hours_in_bed"}])
def test_so_it_is_with_a_condition_and_with_an_exposure(cohort: Cohort, folder: Path, options: dict[str, Any]) -> None:
    whole = Diary(cohort.name, cohort.frame("participants"), cohort.frame("diary").lazy())
    assert bytes_of(in_parts(folder), **options) == bytes_of(whole, **options)
    # A cohort in memory whose nights are hardly ever alike is fitted night by night: equal up to rounding.
    ours, theirs = (fit(of, model="poisson", terms=TERMS, **options).estimates for of in (in_parts(folder), cohort))
    assert ours["estimate"].to_numpy() == pytest.approx(theirs["estimate"].to_numpy(), rel=1e-7)
    assert ours["std_error"].to_numpy() == pytest.approx(theirs["std_error"].to_numpy(), rel=1e-7)


@pytest.mark.parametrize("model", ["linear", "mixed-linear"])
def test_so_it_is_with_a_number_whose_nights_are_those_that_have_it(
    cohort: Cohort, folder: Path, cut_anywhere: Path, model: str
) -> None:
    whole = bytes_of(cohort, model, outcome="fatigue_0_10")
    assert "converged" in whole
    assert bytes_of(in_parts(folder), model, outcome="fatigue_0_10") == whole
    assert bytes_of(in_parts(cut_anywhere), model, outcome="fatigue_0_10") == whole


@pytest.mark.parametrize(("model", "outcome"), [("poisson", "cramps"), ("linear", "fatigue_0_10")])
def test_several_workers_leave_the_same_bytes(cohort: Cohort, cut_anywhere: Path, model: str, outcome: str) -> None:
    parts = in_parts(cut_anywhere, workers=3)
    assert bytes_of(parts, model, outcome=outcome) == bytes_of(cohort, model, outcome=outcome)


def test_nights_are_counted_as_in_one_piece(cohort: Cohort, cut_anywhere: Path) -> None:
    expected = counted_nights(cohort, NAMES)
    assert_frame_equal(counted_nights(in_parts(cut_anywhere), NAMES), expected)
    assert expected.height < 0.5 * cohort.frame("diary").height


def test_sums_that_were_kept_are_not_made_again(folder: Path, tmp_path: Path) -> None:
    study, keep = tmp_path / "study", tmp_path / "sums"
    shutil.copytree(folder, study)
    whole = bytes_of(in_parts(study))
    told: list[int] = []
    assert bytes_of(in_parts(study, keep=keep, progress=told.append)) == whole
    assert told == [1, 2, 3, 4]
    written = {path: path.stat().st_mtime_ns for path in keep.iterdir()}
    assert len(written) == 4
    # Another model of the same variables asks for the same sums.
    bytes_of(in_parts(study, keep=keep), "negative-binomial")
    assert {path: path.stat().st_mtime_ns for path in keep.iterdir()} == written
    # A part that was changed is another part.
    changed = sorted((study / "diary").iterdir())[1]
    pl.read_parquet(changed).with_columns(pl.col("cramps") + 1).write_parquet(changed)
    again = bytes_of(in_parts(study, keep=keep))
    assert again == bytes_of(in_parts(study)) != whole
    assert len(list(keep.iterdir())) == 5


def test_a_part_that_is_gone_is_named_with_its_host(folder: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    shutil.copytree(folder, study)
    diary = in_parts(study)
    (study / "diary" / "part-0002.parquet").unlink()
    with pytest.raises(SourceError, match=r"no file .*part-0002.parquet on .*every worker"):
        counted_nights(diary, NAMES)


def test_text_is_not_read_in_parts(cohort: Cohort, tmp_path: Path) -> None:
    package.write(cohort, tmp_path / "text")
    with pytest.raises(UsageError, match="as Parquet"):
        in_parts(tmp_path / "text")


def test_a_survey_has_no_parts() -> None:
    with pytest.raises(UsageError, match="no data package with a diary"):
        in_parts("nhanes:somewhere?cycles=D")


def test_corrections_are_refused_where_nights_are_taken_as_they_stand(
    cohort: Cohort, folder: Path, tmp_path: Path
) -> None:
    study = tmp_path / "study"
    shutil.copytree(folder, study)
    first = cohort.frame("diary").row(0, named=True)
    where = f'{{participant_id: "{first["participant_id"]}", date: {first["date"]}}}'
    (study / "corrections.yaml").write_text(
        "version: 1\ncorrections:\n"
        f"  - {{table: diary, where: {where}, column: cramps, from: {first['cramps']}, to: 9, reason: a slip}}\n",
        encoding="utf-8",
    )
    for source in (study, f"package:{study}"):
        with pytest.raises(
            UsageError, match=r"corrections\.yaml says which of their cells are wrong; write them"
        ) as told:
            in_parts(source)
        assert f"crampstudy import '{source}' --out FOLDER --format parquet" in str(told.value)
    (study / "corrections.yaml").unlink()
    assert in_parts(study).participants.height == 120


@pytest.mark.parametrize("name", ["participant_id", "date"])
def test_a_condition_may_name_any_column_of_the_rows(cohort: Cohort, folder: Path, name: str) -> None:
    diary = cohort.frame("diary")
    value = diary[name].cast(pl.String).min()
    left = diary.filter(pl.col(name).cast(pl.String) != value, pl.col("cramps").is_not_null())
    for of in (cohort, in_parts(folder)):
        fitted = fit(of, model="poisson", terms="sex", where=f"{name} != '{value}'")
        row = fitted.estimates.iloc[0]
        assert row["status"] == "converged"
        assert (row["n_participants"], row["n_nights"]) == (left["participant_id"].n_unique(), left.height)


def test_whose_nights_they_are_is_in_every_row_once(cohort: Cohort, folder: Path) -> None:
    for of in (cohort, in_parts(folder)):
        asked = counted_nights(of, {*NAMES, "participant_id"})
        assert_frame_equal(asked, counted_nights(of, NAMES))


def test_what_dates_say_is_the_same_in_files(cohort: Cohort, cut_anywhere: Path) -> None:
    terms = "weekend_night + season_cos + season_sin"
    both = (fit(each, model="poisson", terms=terms).estimates for each in (in_parts(cut_anywhere), cohort))
    parts, whole = (frame.assign(cohort="", key="", note="") for frame in both)
    # Sums over parts are added up in another order.
    pd.testing.assert_frame_equal(parts, whole, rtol=1e-7)
