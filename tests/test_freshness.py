"""A report of the same inputs is not made again; what has changed is named, and what follows from it is run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crampstudy import analyses, cache, open_cohort, provenance, simulate
from crampstudy.analyses import kept
from crampstudy.cache import Cache
from crampstudy.provenance import digests
from crampstudy.report import freshness, run
from crampstudy.report.assembly.reuse import Reuse, roots_of
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.freshness import ask
from crampstudy.sources import Address

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
Run = Callable[..., tuple[int, str, str]]


def study(folder: Path) -> Path:
    folder.mkdir()
    (folder / "participants.csv").write_text("participant_id,age_years,sex\nP1,30,female\nP2,70,male\n")
    nights = [f"{person},2024-01-{day:02},{day % 3}\n" for person in ("P1", "P2") for day in range(1, 10)]
    (folder / "diary.csv").write_text("participant_id,date,cramps\n" + "".join(nights))
    return folder


class Project:
    """A study, notebooks, a lock and a package, of which each may be changed, and a report of them."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.package, self.monkeypatch = folder, folder / "package", monkeypatch
        self.study = study(folder / "study")
        self.settings: dict[str, str] = {}
        for name in ("notebooks/sleep.ipynb", "notebooks/outline.yaml", "requirements.lock"):
            self.write(name)
        for name in ("models/fit.py", "codebook/variables.csv", "look/fonts/Sans.otf", "data/evidence/trials.csv"):
            self.write(f"package/{name}")
        self.write("package/data/evidence/datapackage.json")
        for told in (digests.package_parts, digests.of_numbers):
            monkeypatch.setattr(digests, told.__name__, lambda told=told.__wrapped__: told(self.package))
        self.runs: list[str] = []
        monkeypatch.setattr(run, "execute", self.execute)
        found = cache.opened(folder / "cache")
        assert isinstance(found, Cache)
        self.cache = found

    def write(self, name: str, content: str = "as it was") -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(content)

    def execute(self, notebook: Path, output: Path, values: Mapping[str, Any], options: object) -> None:
        self.runs.append(notebook.stem)
        output.write_text(f"run {len(self.runs)}")

    @property
    def notebooks(self) -> tuple[Path, ...]:
        return (self.folder / "notebooks" / "sleep.ipynb",)

    @property
    def outline(self) -> Path:
        return self.folder / "notebooks" / "outline.yaml"

    def report(self) -> list[str]:
        """Make the report as far as it needs to be, and return what had changed."""
        settings = [f"{name}={value}" for name, value in self.settings.items()]
        asked = ask((str(self.study),), self.folder / "out", settings=settings)
        made = freshness.recall(self.cache, asked)
        told = None if made is None else freshness.stale(made, asked, self.notebooks, self.outline)
        if told == []:
            return []
        reuse = Reuse.of(self.cache, asked, self.notebooks, self.outline)
        subject = Subject((open_cohort(self.study),), (str(self.study),), {})
        output = self.folder / "executed"
        reuse.execute(subject, self.notebooks[0], output, self.settings, run.Options(self.folder))
        self.folder.joinpath("out").mkdir(exist_ok=True)
        record = provenance.Record(
            "A report", "1", "2024-01-09", subject.origin(self.folder), (), (), {}, {}, {}, {}, {}, {}
        )
        (self.folder / "out" / provenance.MANIFEST).write_bytes(provenance.write(record))
        reuse.remember(self.folder / "out")
        return ["for the first time"] if told is None else [str(change) for change in told]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    return Project(tmp_path, monkeypatch)


def row(project: Project) -> None:
    with (project.study / "diary.csv").open("a") as file:
        file.write("P2,2024-01-10,0\n")


def package(project: Project) -> None:
    newer = {**digests.packages(), "numpy": "99.0"}
    project.monkeypatch.setattr(digests, "packages", lambda: newer)


def python(project: Project) -> None:
    newer = {**digests.python(), "python": "3.99.0"}
    project.monkeypatch.setattr(digests, "python", lambda: newer)


CHANGES: Mapping[str, tuple[Callable[[Project], object], str, bool]] = {
    "a row": (row, "file study/diary.csv", True),
    "another file of the source": (lambda p: p.write("study/codes.txt"), "codes.txt (new)", False),
    "a parameter": (lambda p: p.settings.update(ci_level="0.9"), "parameter ci_level (default → 0.9)", True),
    "a package": (package, "→ 99.0)", True),
    "Python": (python, "→ 3.99.0)", True),
    "a font": (lambda p: p.write("package/look/fonts/Sans.otf", "new"), "fonts", True),
    "the code": (lambda p: p.write("package/models/fit.py", "new"), "code", True),
    "the codebook": (lambda p: p.write("package/codebook/variables.csv", "new"), "codebook", True),
    "the evidence": (lambda p: p.write("package/data/evidence/trials.csv", "new"), "evidence", True),
    "a notebook": (lambda p: p.write("notebooks/sleep.ipynb", "new"), "notebook sleep", True),
    "the outline": (lambda p: p.write("notebooks/outline.yaml", "new"), "outline", False),
    "the lock": (lambda p: p.write("requirements.lock", "new"), "lock requirements.lock", False),
    "the date": (lambda p: p.monkeypatch.setenv("SOURCE_DATE_EPOCH", "0"), "variable SOURCE_DATE_EPOCH", False),
    "the report": (lambda p: p.write("out/ro-crate-metadata.json", "{}"), "for the first time", False),
}


@pytest.mark.parametrize(("change", "told", "runs"), CHANGES.values(), ids=CHANGES)
def test_whatever_changes_is_named_and_runs_what_follows_from_it(
    project: Project, change: Callable[[Project], object], told: str, runs: bool
) -> None:
    assert project.report() == ["for the first time"] and project.runs == ["sleep"]
    assert project.report() == [] and project.runs == ["sleep"]
    change(project)
    (named,) = project.report()
    assert told in named
    assert len(project.runs) == (2 if runs else 1)
    assert project.report() == []


@pytest.mark.parametrize("kind", ["report", "notebook"])
def test_what_was_spoilt_is_made_anew(project: Project, kind: str) -> None:
    project.report()
    for path in project.cache.files(kind):
        path.write_bytes(path.read_bytes()[:-1])
    project.write("notebooks/outline.yaml", "new")
    project.report()
    assert len(project.runs) == (2 if kind == "notebook" else 1) and project.report() == []


def test_what_another_version_kept_of_a_report_is_not_believed(project: Project) -> None:
    project.report()
    for change in (lambda told: told.pop("outline"), lambda told: told.update(more=1)):
        key = cache.key_of("folder", str((project.folder / "out").resolve()))
        told = json.loads(project.cache.get("report", key) or b"")
        change(told)
        assert project.cache.put("report", key, json.dumps(told).encode())
        assert project.report() == ["for the first time"] and project.report() == []


def test_data_that_change_while_they_are_used_are_not_kept(project: Project) -> None:
    execute = project.execute

    def meanwhile(*given: Any) -> None:
        execute(*given)
        row(project)

    project.monkeypatch.setattr(run, "execute", meanwhile)
    project.report()
    assert not list(project.cache.files("notebook"))
    assert project.report() == ["file study/diary.csv"]


def test_a_notebook_of_ones_own_is_always_run(project: Project, tmp_path: Path) -> None:
    own = tmp_path / "mine.ipynb"
    own.write_text("{}")
    asked = ask((str(project.study),), None)
    subject = Subject((open_cohort(project.study),), (str(project.study),), {})
    reuse = Reuse.of(project.cache, asked, (*project.notebooks, own), project.outline)
    for _ in range(2):
        reuse.execute(subject, own, tmp_path / "executed", {}, run.Options(tmp_path))
    assert project.runs == ["mine", "mine"]


def test_reports_among_the_data_and_hidden_files_are_none_of_them(project: Project) -> None:
    project.report()
    shutil.move(project.folder / "out", project.study / "out")
    (project.study / ".cache").mkdir()
    (project.study / ".cache" / "x").touch()
    found = [path.name for path in freshness.data_files([project.study])]
    assert found == ["diary.csv", "participants.csv"]


def test_a_mapping_and_what_it_names_belong_to_the_source(tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "people.csv").touch()
    mapping = tmp_path / "m.yaml"
    mapping.write_text("tables: {participants: {file: ../people.csv}, diary: {file: absent.csv}}")
    roots = roots_of(Address("mapped", tmp_path / "files", {"mapping": str(mapping)}))
    assert [path.name for path in roots] == ["files", "m.yaml", "people.csv"]


def test_findings_are_the_same_when_they_are_not_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "cohort"
    simulate.write(folder, 40, 14, 3, draws=3_000)
    cohort = open_cohort(folder)
    fresh = {name: analyses.run(name, cohort) for name in ("cohort", "conditions", "season")}
    monkeypatch.setenv(cache.KERNEL_VARIABLE, str(tmp_path / "kept"))
    for name in fresh:
        analyses.run(name, cohort)

    def refit(*_: object) -> None:
        raise AssertionError("a model is fitted again")

    for name in fresh:
        for answer in analyses.ANALYSES[name].answers.values():
            monkeypatch.setattr(type(answer), "function", refit, raising=False)
    for name, before in fresh.items():
        after = analyses.run(name, cohort)
        pd.testing.assert_frame_equal(after.estimates, before.estimates)
        assert (after.values, after.could_not, after.absent) == (before.values, before.could_not, before.absent)
        assert [*after.tables] == [*before.tables] and [*after.figures] == [*before.figures]
        for label, table in before.tables.items():
            assert type(after.tables[label].frame) is type(table.frame)
            again, first = pd.DataFrame(after.tables[label].frame), pd.DataFrame(table.frame)
            pd.testing.assert_frame_equal(again, first, check_index_type=False)
            assert (after.tables[label].caption, after.tables[label].note) == (table.caption, table.note)
            assert getattr(after.tables[label].frame, "notes", ()) == getattr(table.frame, "notes", ())
        for label, drawing in before.figures.items():
            pd.testing.assert_frame_equal(after.figures[label].estimates, drawing.estimates)
            assert after.figures[label].alt == drawing.alt


def test_findings_are_kept_by_all_that_they_follow_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = open_cohort(study(tmp_path / "study"))
    found = analyses.Findings(pd.DataFrame({"x": [1.0]}))
    finds: list[object] = []

    def find() -> analyses.Findings:
        finds.append(None)
        return found

    kept.kept(("a",), (cohort,), find)
    assert len(finds) == 1, "outside of a report nothing is kept"
    monkeypatch.setenv(cache.KERNEL_VARIABLE, str(tmp_path / "kept"))
    settings = analyses.Settings(ci_level=0.9)
    for asked in (("a",), ("a",), ("b",), ("a", settings), ("a", analyses.Settings(ci_level=0.9))):
        kept.kept(asked, (cohort,), find)
    assert len(finds) == 1 + 3
    with (tmp_path / "study" / "diary.csv").open("a") as file:
        file.write("P2,2024-01-10,0\n")
    kept.kept(("a",), (open_cohort(tmp_path / "study"),), find)
    assert len(finds) == 1 + 4


@pytest.fixture
def with_notebooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be in a folder that has the notebooks."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(NOTEBOOKS, tmp_path / "notebooks")


@pytest.mark.usefixtures("forked", "with_notebooks")
def test_the_command_says_that_nothing_changed_or_what(run: Run, tmp_path: Path) -> None:
    study(tmp_path / "study")
    command = ("report", "study", "--sections", "frequency", "--out", "out")
    assert run(*command)[0] == 0
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    code, out, err = run(*command)
    assert code == 0 and out == "The report in out is up to date: nothing that it is made of has changed\n" and not err
    assert before == {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    notebook = json.loads((tmp_path / "notebooks" / "frequency.ipynb").read_text())
    notebook["cells"][-1]["source"] = 'blocks.prose("A caption of my own.")'
    (tmp_path / "notebooks" / "frequency.ipynb").write_text(json.dumps(notebook))
    place = cache.opened()
    assert isinstance(place, Cache)
    models = sorted(place.files("findings"))
    code, out, err = run(*command)
    assert code == 0 and "note: the report in out is made again: changed notebook frequency\n" in err
    assert "A caption of my own." in (tmp_path / "out" / "report.html").read_text()
    assert sorted(place.files("findings")) == models, "a model was fitted again"
    code, out, err = run(*command, "--no-cache")
    assert code == 0 and "up to date" not in out and "again" not in err


REFUSED = {
    "report": (
        *("--set ci_level=x", "--set nothing=1", "--set age_bands=70,20", "--where sex", "--where cramps>1"),
        *("--where age_years>900", "--plan none.yaml"),
    ),
    "compare": ("--where sex", "--where nothing>1", "--adjust no_such", "--reference nobody"),
}


@pytest.mark.usefixtures("forked", "with_notebooks")
@pytest.mark.parametrize(
    "command", [("report", "--sections", "frequency"), ("compare", "--split", "sex", "--factors", "none")]
)
def test_what_is_refused_is_not_said_to_be_made_again(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    people = [f"P{i},{30 + 4 * i},{('female', 'male')[i % 2]}\n" for i in range(12)]
    (study(tmp_path / "study") / "participants.csv").write_text("participant_id,age_years,sex\n" + "".join(people))
    nights = [f"P{i},2024-01-{day:02},{(day + i) % 3}\n" for i in range(12) for day in range(1, 10)]
    (tmp_path / "study" / "diary.csv").write_text("participant_id,date,cramps\n" + "".join(nights))
    asked = (*command, "study", "--out", "out")
    assert run(*asked)[0] == 0
    for more in REFUSED[command[0]]:
        code, _, err = run(*asked, *more.split())
        assert code in (2, 4, 5) and "made again" not in err, err
    # It is said as soon as nothing is refused any more.
    _, _, err = run(*asked, "--ci-level", "0.9")
    assert err.count(" is made again: changed parameter ci_level (") == 1


@pytest.mark.usefixtures("forked", "with_notebooks")
def test_a_report_whose_folder_another_has_taken_is_made_again(run: Run, tmp_path: Path) -> None:
    study(tmp_path / "one")
    study(tmp_path / "two")
    for source, again in (("one", False), ("two", False), ("one", False), ("one", True)):
        code, out, _ = run("report", source, "--sections", "frequency", "--out", "out", "--force")
        assert (code, "up to date" in out) == (0, again)
        # The other folder's report bears its name.
        assert source in (tmp_path / "out" / "estimates.csv").read_text()
