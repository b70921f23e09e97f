"""Models as files: the same numbers as scikit-learn's, refused when touched, and applied to people they never saw."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from test_prediction_section import bare

from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, SourceError
from crampstudy.prediction import files, models
from crampstudy.prediction.features import nights_of
from crampstudy.prediction.files.applied import aligned
from crampstudy.prediction.files.plain import plain
from crampstudy.prediction.outcome import ANY, COUNT, Outcome
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module", autouse=True)
def few_candidates() -> Iterator[None]:
    few = {family: every[:1] for family, every in models._EVERY.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "_EVERY", few)
        yield


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return bare(simulate(30, 15, seed=2))


@pytest.fixture(scope="module")
def other() -> Cohort:
    return replace(bare(simulate(25, 12, seed=9)), name="another")


@pytest.fixture(scope="module")
def model(cohort: Cohort) -> files.ModelFile:
    return files.learn(cohort)[0]


@pytest.fixture(scope="module")
def path(model: files.ModelFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("model") / "model.json"
    file.write_bytes(files.write(model))
    return file


@pytest.mark.parametrize("outcome", [COUNT, ANY], ids=lambda outcome: outcome.name)
@pytest.mark.parametrize("family", [models.REGRESSION, models.TREES])
def test_plain_numbers_say_what_scikit_learn_says(family: str, outcome: Outcome) -> None:
    table = nights_of(simulate(30, 15, seed=3))
    candidate = models._EVERY[family][0]  # type: ignore[index]
    weight = np.arange(len(table.counts)) % 5 + 1.0
    fitted = models.fitted(candidate, outcome, table.names, table.values, outcome.of(table), weight)
    made = plain(str(candidate), fitted, table.names, table.values, outcome)
    # Also of values that training never had, and of missing ones.
    far = table.values[:50] * 3
    far[::2, ::3] = np.nan
    expected = models.predicted(fitted, outcome, made.within(far.astype(float)))
    assert made.predict(far.astype(float)) == pytest.approx(expected, rel=1e-9)


def test_a_file_is_read_as_it_was_written(model: files.ModelFile, path: Path) -> None:
    again = files.read(path)
    assert again == model and files.write(again) == path.read_bytes()
    content = json.loads(path.read_text())
    assert (content["format"], content["cohort"]["participants"]) == ("crampstudy-model/1", 30)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace('"participants":30', '"participants":31'), "not as it was written"),
        (lambda text: text.replace("crampstudy-model/1", "crampstudy-model/2"), r"its format is 'crampstudy-model/2'"),
        (lambda text: "[1, 2]", "it has no format"),
        (lambda text: text[:100], "it is not JSON"),
    ],
    ids=["touched", "another version", "something else", "cut off"],
)
def test_a_file_that_is_none_is_refused(path: Path, tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    broken = tmp_path / "model.json"
    broken.write_text(change(path.read_text()))
    with pytest.raises(SourceError, match=said):
        files.read(broken)


def test_reading_a_model_loads_no_scikit_learn_and_no_pickle(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from crampstudy.prediction import files; "
        f"files.read(Path({str(path)!r})); print('sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    source = Path(files.__file__).parent
    assert not [each for each in source.glob("*.py") if "pickle" in each.read_text() or "joblib" in each.read_text()]


def test_the_night_after_the_last_is_foretold_from_all_before_it(model: files.ModelFile, other: Cohort) -> None:
    applied = files.apply(model, other)
    table = files.predictions(applied, model)
    logged = other.frame("diary").filter(pl.col("cramps").is_not_null())
    last = logged.group_by("participant_id").agg(pl.col("date").max()).sort("participant_id")
    assert table["participant_id"].to_list() == last["participant_id"].to_list()
    assert table["night"].to_list() == [day + timedelta(days=1) for day in last["date"]]
    assert set(table["sensitive"]) == {files.SENSITIVE} and set(table["learned_from"]) == {"simulated"}
    told = table.filter(pl.col("outside_of_training").is_null())
    assert told["probability_of_a_cramp"].is_between(0, 1).all() and told["expected_cramps"].null_count() == 0
    # The own past is that of every logged night.
    sums = applied.table.sums
    assert sums is not None
    assert sums.cramps[None].tolist() == (
        logged.group_by("participant_id").agg(pl.col("cramps").sum()).sort("participant_id")["cramps"].to_list()
    )


def test_people_out_of_the_ranges_have_no_prediction_and_are_counted(model: files.ModelFile, other: Cohort) -> None:
    old = other.frame("participants").with_columns(
        age_years=pl.when(pl.int_range(pl.len()) < 3).then(118.0).otherwise(pl.lit(50.0))
    )
    shifted = replace(other, tables={**other.tables, "participants": old})
    applied = files.apply(model, shifted)
    using_age = {name: "age_years" in each.names for name, each in model.models.items()}
    assert any(using_age.values())
    if using_age["cramp_night"] or using_age["cramps"]:
        assert applied.counted(applied.outside)["age_years"] == 3
        assert not applied.told[:3].any() and applied.told[3:].any()
    assert applied.counted(applied.outside_baseline)["age_years"] == 3
    table = files.predictions(applied, model)
    assert table["baseline_outside_of_training"].to_list()[:3] == ["age_years"] * 3
    assert table["cramps_a_week_from_baseline"].null_count() == 3


def test_a_column_of_one_value_is_no_missing_one(model: files.ModelFile, other: Cohort) -> None:
    women = other.frame("participants").with_columns(sex=pl.lit("female"))
    applied = files.apply(model, replace(other, tables={**other.tables, "participants": women}))
    assert applied.absent == ()
    without = women.with_columns(sex=pl.lit(None, pl.String))
    unknown = files.apply(model, replace(other, tables={**other.tables, "participants": without}))
    expected = (
        ("sex=male",) if any("sex=male" in model.models[name].names for name in ("cramp_night", "cramps")) else ()
    )
    assert unknown.absent == expected and unknown.told.any()


def test_what_a_table_lacks_is_missing(other: Cohort) -> None:
    table = nights_of(other, covariates=False)
    values = aligned(table, ("own_rate_7", "no_such_feature"))
    assert (values[:, 0] == table.values[:, 0]).all() and np.isnan(values[:, 1]).all()


def test_external_validation_is_by_age_band_with_drift(model: files.ModelFile, other: Cohort) -> None:
    applied = files.apply(model, other, every_night=True)
    rows = files.validation_rows(applied, model, other.name)
    assert set(rows["model"]) == {"learned from simulated"} and "all" in set(rows["population"])
    every = rows[rows["population"] == "all"].set_index("level")
    told = applied.told
    happened = (applied.table.counts[told] > 0).astype(float)
    assert every.loc["Brier score", "estimate"] == pytest.approx(
        ((applied.said["cramp_night"][told] - happened) ** 2).mean()
    )
    slope, drift = every.loc["calibration slope", "estimate"], every.loc["drift of the calibration slope", "estimate"]
    assert slope - drift == pytest.approx(model.calibration["cramp_night"][1])
    few = rows[rows["n_participants"] < 5]
    assert few["estimate"].isna().all()


def test_a_survey_has_no_nights_to_foretell(model: files.ModelFile) -> None:
    from test_prediction_section import survey_of

    with pytest.raises(AnalysisError, match="asked is a survey"):
        files.apply(model, survey_of(60, ("E",)))
    with pytest.raises(AnalysisError, match="asked is a survey, which has no nights to learn from"):
        files.learn(survey_of(60, ("E",)))


def test_the_card_fills_what_the_run_knows_and_flags_the_rest(model: files.ModelFile) -> None:
    text = files.card(model)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "---" not in line]
    assert len(rows) == 1 + 52 and text.count("**Gap**") == 15
    assert "30 participants" in text and "skill against the moving average, %" in text and "{" not in text
    assert "Research output, not medical advice" in text


@pytest.fixture(scope="module")
def folders(cohort: Cohort, other: Cohort, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("cohorts")
    for name, made in (("first", cohort), ("second", other)):
        package.write(made, root / name, "csv")
    return root / "first", root / "second"


class TestCommand:
    def test_it_learns_and_applies(self, run: Run, folders: tuple[Path, Path], tmp_path: Path) -> None:
        made, card, said = tmp_path / "model.json", tmp_path / "card.md", tmp_path / "said.csv"
        code, out, err = run("predict", str(folders[0]), "--out", str(made), "--card", str(card))
        assert code == 0 and "Chosen model" in out and f"Written: {made}" in err and "# Model card" in card.read_text()
        code, out, err = run("predict", str(folders[1]), "--model", str(made), "--out", str(said))
        assert code == 0 and "Applied model" in out
        assert "Learned from " in err and "Participants with a prediction: " in err and "SENSITIVE" in err
        assert said.stat().st_mode & 0o077 == 0 and len(said.read_text().splitlines()) == 26
        code, out, err = run("predict", str(folders[0]), "--model", str(made))
        assert code == 0 and "this is the cohort that the model learned from" in err

    def test_a_row_per_night(self, run: Run, folders: tuple[Path, Path], path: Path, tmp_path: Path) -> None:
        said = tmp_path / "said.csv"
        assert run("predict", str(folders[1]), "--model", str(path), "--out", str(said), "--nights")[0] == 0
        table = pl.read_csv(said)
        assert table.height > 200
        assert table["cramps"].null_count() == 0

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            ((), "name the file of the model to learn, such as --out model.json"),
            (("--nights", "--out", "x.json"), "--nights is of predictions by a model"),
            (("--model", "MODEL", "--age-bands", "20,60"), "leave out --age-bands"),
        ],
    )
    def test_what_cannot_be_asked(
        self, run: Run, folders: tuple[Path, Path], path: Path, arguments: tuple[str, ...], told: str
    ) -> None:
        given = [str(path) if each == "MODEL" else each for each in arguments]
        code, _, err = run("predict", str(folders[0]), *given)
        assert code == 2 and told in err

    def test_nobody_in_range_is_exit_code_6(
        self, run: Run, folders: tuple[Path, Path], model: files.ModelFile, tmp_path: Path
    ) -> None:
        # A model that learned from people without a cramp knows no rate of anybody here.
        narrow = {
            name: replace(each, low=(5.0,) * len(each.names), high=(6.0,) * len(each.names))
            for name, each in model.models.items()
        }
        every = {**narrow, "cramps": replace(narrow["cramps"], high=(-99.0,) * len(narrow["cramps"].names))}
        made = tmp_path / "narrow.json"
        made.write_bytes(files.write(replace(model, models=every)))
        code, _, err = run("predict", str(folders[1]), "--model", str(made))
        assert code == 6 and "Participants with a prediction: 0 of 25." in err
