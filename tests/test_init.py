"""A new study: an empty folder becomes one that only waits for rows."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crampstudy import codebook
from crampstudy.cli import app
from crampstudy.codebook import dictionary
from crampstudy.errors import SourceError, UsageError
from crampstudy.report import outline
from crampstudy.sources import load, starter
from crampstudy.sources.readers import package

FILES = {"datapackage.json", "dictionary.md", "redcap.csv", "README.md", *(f"{name}.csv" for name in codebook.TABLES)}


def fill(path: Path, **cells: str) -> None:
    """Write a row under the header."""
    with path.open(newline="") as file:
        names = next(csv.reader(file))
    with path.open("a", newline="") as file:
        csv.DictWriter(file, names).writerow(cells)


def test_a_fresh_folder_with_three_rows_opens(tmp_path: Path) -> None:
    folder = tmp_path / "my-study"
    starter.create(folder)
    assert {path.name for path in folder.iterdir()} == FILES
    with pytest.raises(SourceError, match=r"participants\.csv: the file has a header and no rows"):
        load(folder)
    fill(folder / "participants.csv", participant_id="01", age_years="64", sex="female")
    fill(folder / "diary.csv", participant_id="01", date="2025-03-01", entry_made="true", cramps="2")
    fill(folder / "diary.csv", participant_id="01", date="2025-03-02", entry_made="true", cramps="0")
    loaded = load(folder)
    assert loaded.ledger.is_empty()
    assert loaded.cohort.attrition.notices == ()
    assert loaded.cohort.name == "my-study"
    assert loaded.cohort.frame("diary")["cramps"].to_list() == [2, 0]
    # Keys of rows begin with the name: it is written down, and is none of the folder's.
    package.write(loaded.cohort, tmp_path / "imported")
    folder.rename(tmp_path / "moved")
    assert {load(tmp_path / place).cohort.name for place in ("moved", "imported")} == {"my-study"}


def test_headers_and_dictionary_are_the_codebook(tmp_path: Path) -> None:
    starter.create(tmp_path)
    for name in codebook.TABLES:
        header = (tmp_path / f"{name}.csv").read_text(encoding="utf-8")
        assert header == ",".join(v.name for v in codebook.variables(name)) + "\n"
    assert (tmp_path / "redcap.csv").read_text(encoding="utf-8") == dictionary.redcap()
    described = json.loads((tmp_path / "datapackage.json").read_text(encoding="utf-8"))
    assert [r["path"] for r in described["resources"]] == [f"{name}.csv" for name in codebook.TABLES]
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert f"crampstudy validate {tmp_path.name}" in readme and "- diary: `participant_id`, `date`, `cramps`" in readme


def test_some_tables(tmp_path: Path) -> None:
    starter.create(tmp_path / "x", ["diary", "participants"])
    assert {p.name for p in (tmp_path / "x").glob("*.csv")} == {"participants.csv", "diary.csv", "redcap.csv"}


@pytest.mark.parametrize(
    ("tables", "said"), [(["dairy"], "no table 'dairy'"), (["labs", "diary"], "needs the table part")]
)
def test_tables_that_make_no_study(tmp_path: Path, tables: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        starter.create(tmp_path / "x", tables)
    assert not (tmp_path / "x").exists()


def test_nothing_that_is_there_is_touched(tmp_path: Path) -> None:
    """Not even a study of one's own: its rows would be lost."""
    starter.create(tmp_path)
    fill(tmp_path / "diary.csv", participant_id="01", date="2025-03-01", cramps="2")
    before = (tmp_path / "diary.csv").read_bytes()
    with pytest.raises(UsageError, match=r"is not empty \(it holds README\.md\)"):
        starter.create(tmp_path)
    assert (tmp_path / "diary.csv").read_bytes() == before
    with pytest.raises(UsageError, match="is a file"):
        starter.create(tmp_path / "diary.csv")


def test_the_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["init", str(tmp_path / "x"), "--tables", "participants, diary"])
    assert done.exit_code == 0, done.output
    assert "crampstudy validate" in done.output
    assert not (tmp_path / "x" / "labs.csv").exists()


def test_notebooks_to_edit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRAMPSTUDY_NOTEBOOKS", raising=False)
    done = CliRunner().invoke(app, ["init", "--notebooks"])
    assert done.exit_code == 0, done.output
    assert "when it is run here" in done.output and "--notebook FILE.ipynb" in done.output
    shipped = Path(__file__).parents[1] / "notebooks"
    copied = {path.name: path.read_bytes() for path in (tmp_path / "notebooks").iterdir()}
    assert copied == {name: (shipped / name).read_bytes() for name in copied}
    names = {path.name for path in outline.read(shipped).notebooks}
    assert set(copied) == {"outline.yaml", outline.TEMPLATE, outline.COMPARISON, *names}
    assert outline.find() == tmp_path / "notebooks"
    # What may be edited by now is left as it is.
    (tmp_path / "notebooks" / "cohort.ipynb").write_text("mine")
    done = CliRunner().invoke(app, ["init", "--notebooks"])
    assert isinstance(done.exception, UsageError) and "may hold notebooks of yours" in str(done.exception)
    assert (tmp_path / "notebooks" / "cohort.ipynb").read_text() == "mine"


def test_a_study_with_notebooks(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["init", str(tmp_path / "my study"), "--notebooks"])
    assert done.exit_code == 0, done.output
    assert f"when it is run in '{tmp_path / 'my study'}'" in done.output
    assert (tmp_path / "my study" / "notebooks" / "outline.yaml").is_file()
    fill(tmp_path / "my study" / "participants.csv", participant_id="01", age_years="64", sex="female")
    fill(tmp_path / "my study" / "diary.csv", participant_id="01", date="2025-03-01", entry_made="true", cramps="2")
    assert load(tmp_path / "my study").cohort.attrition.notices == ()


@pytest.mark.parametrize("arguments", [[], ["--tables", "participants,diary"], ["--tables", "diary", "--notebooks"]])
def test_a_study_needs_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["init", *arguments])
    assert isinstance(done.exception, UsageError) and "crampstudy init my-study" in str(done.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_any_name(tmp_path: Path) -> None:
    starter.create(tmp_path / "my \u202estudy")
    readme = (tmp_path / "my \u202estudy" / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("# my study\n") and "crampstudy validate 'my \u202estudy'\n" in readme
