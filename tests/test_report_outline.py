"""The outline orders the report; mistakes in it are told before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from crampstudy.errors import SourceError, UsageError
from crampstudy.report import outline

TEXT = """title: Research insights
parts:
  - {title: Cohort, notebooks: [cohort]}
  - {title: Current studies, notebooks: [sleep, age]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outline.yaml").write_text(TEXT, encoding="utf-8")
    for name in ("cohort", "sleep", "age"):
        (tmp_path / f"{name}.ipynb").write_text("{}", encoding="utf-8")
    return tmp_path


def names(made: outline.Outline) -> list[str]:
    return [path.stem for path in made.notebooks]


def test_order_is_the_outlines(folder: Path) -> None:
    made = outline.read(folder)
    assert made.title == "Research insights"
    assert names(made) == ["cohort", "sleep", "age"]
    assert names(made.only(["age", "sleep"])) == ["sleep", "age"]
    assert [part.title for part in made.only(["age"]).parts] == ["Current studies"]
    assert made.only([]) is made


def test_a_part_may_be_an_appendix(folder: Path) -> None:
    (folder / "outline.yaml").write_text(TEXT.replace("[cohort]", "[cohort], appendix: true"), encoding="utf-8")
    made = outline.read(folder)
    assert [part.appendix for part in made.parts] == [True, *[False] * (len(made.parts) - 1)]
    assert made.only(["cohort"]).parts[0].appendix


def test_what_is_optional_is_there_where_it_is_asked_for(folder: Path) -> None:
    (folder / "outline.yaml").write_text(TEXT.replace("[cohort]", "[cohort], optional: true"), encoding="utf-8")
    made = outline.read(folder)
    assert names(made.only([])) == ["sleep", "age"]
    assert names(made.only(["age", "cohort"])) == ["cohort", "age"]
    assert names(made.only([outline.EVERY])) == names(made) == ["cohort", "sleep", "age"]
    with pytest.raises(UsageError, match=r"unknown section 'all'.*or all alone"):
        made.only(["age", "all"])


def test_an_unknown_section_is_told_with_the_closest(folder: Path) -> None:
    with pytest.raises(UsageError, match="did you mean sleep"):
        outline.read(folder).only(["slep"])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("[cohort]", "[]"), "a part needs a title"),
        (("[cohort]", "[cohort, age]"), "age twice"),
        (("[cohort]", "[muscle]"), r"no file muscle\.ipynb"),
        (("title: Research insights", "name: x"), "needs a title"),
        (("parts:", "parts: ["), "cannot be read"),
        (("[cohort]", "[cohort], appendix: perhaps"), "takes appendix: true or false"),
        (("[cohort]", "[cohort], annex: true"), "takes appendix: true or false"),
        (("[cohort]", "[cohort], optional: seldom"), "optional alike"),
    ],
)
def test_a_malformed_outline_is_refused(folder: Path, change: tuple[str, str], told: str) -> None:
    (folder / "outline.yaml").write_text(TEXT.replace(*change), encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        outline.read(folder)


def test_a_notebook_of_ones_own_comes_last(folder: Path, tmp_path: Path) -> None:
    known, own = outline.read(folder), tmp_path / "mine.ipynb"
    own.write_text("{}", encoding="utf-8")
    assert names(known.plus(own)) == [*names(known), "mine"]
    with pytest.raises(SourceError, match="no such notebook"):
        known.plus(tmp_path / "none.ipynb")
    with pytest.raises(UsageError, match="of that name"):
        known.plus(known.notebooks[0])


def test_notebooks_are_found_by_argument_variable_and_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRAMPSTUDY_NOTEBOOKS", raising=False)
    assert outline.find(folder) == folder.resolve()
    monkeypatch.setenv("CRAMPSTUDY_NOTEBOOKS", str(folder))
    assert outline.find() == folder.resolve()
    monkeypatch.setenv("CRAMPSTUDY_NOTEBOOKS", str(folder / "nowhere"))
    with pytest.raises(UsageError, match="no notebooks found"):
        outline.find()
    monkeypatch.delenv("CRAMPSTUDY_NOTEBOOKS")
    project = folder / "project"
    (project / "notebooks").mkdir(parents=True)
    (project / "notebooks" / "outline.yaml").write_text(TEXT, encoding="utf-8")
    monkeypatch.chdir(project)
    assert outline.find() == (project / "notebooks").resolve()
