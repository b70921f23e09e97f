"""Many reports at once: what the file says, what fails and stops no other, and the page side by side."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crampstudy import provenance
from crampstudy.errors import CrampstudyError, FolderTaken
from crampstudy.rerun.grid import make_grid, read

Run = Callable[..., tuple[int, str, str]]
GRID = """
cohorts: {first: study, second: package:other}
age_bands: ["20,60", [20, 40]]
parameters: {ci_level: [0.9, 0.95], standard: who}
sections: [rates]
"""
CODE = """
from crampstudy.report import blocks
from crampstudy import estimates, open_cohort
assert ci_level < 0.94, "too wide an interval"
cohort = open_cohort(source)
print(age_bands, standard)
row = estimates.row(status="converged", analysis="incidence rate", cohort=cohort.name, scale="rate", estimate=1.5)
blocks.record(estimates.frame([row]))
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    parameters = "\n".join(
        [
            'source: str = "x"  # the cohort',
            "age_bands: list[int] = [20]  # bands",
            "ci_level: float = 0.9  # level",
            'standard: str = "who"  # standard',
        ]
    )
    cells: list[dict[str, Any]] = [{"cell_type": "markdown", "metadata": {}, "source": "# Rates", "id": "m"}]
    for number, (source, tags) in enumerate([(parameters, ["parameters"]), (CODE, [])]):
        cell = {"cell_type": "code", "metadata": {"tags": tags}, "source": source, "id": f"c{number}"}
        cells.append(cell | {"outputs": [], "execution_count": None})
    # One that a program wrote names neither its kernel nor its language.
    kernel: dict[str, object] = {}
    notebook = {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "rates.ipynb").write_text(json.dumps(notebook))
    outline = "title: Rates\nparts:\n  - {title: Rates, notebooks: [rates]}\n"
    (tmp_path / "notebooks" / "outline.yaml").write_text(outline)
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "participants.csv").write_text("participant_id,age_years,sex\nP1,30,female\nP2,70,male\n")
    nights = "".join(f"P{1 + day % 2},2024-01-{day:02},{day % 3}\n" for day in range(1, 10))
    (tmp_path / "study" / "diary.csv").write_text("participant_id,date,cramps\n" + nights)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRAMPSTUDY_NOTEBOOKS", raising=False)
    return tmp_path


def grid(folder: Path, text: str) -> Path:
    path = folder / "grid.yaml"
    path.write_text(text)
    return path


def test_a_grid_is_cohorts_by_bands_by_parameters(project: Path) -> None:
    found = read(grid(project, GRID))
    assert len(found.cells) == 2 * 2 * 2 and found.sections == ("rates",)
    first = found.cells[0]
    assert first.name == "first_age_bands-20-60_ci_level-0.9" and first.source == "study"
    assert first.settings == ("age_bands=20,60", "ci_level=0.9", "standard=who")
    assert len({cell.name for cell in found.cells}) == 8
    assert [cell.name for cell in read(grid(project, "cohorts: {it: study}")).cells] == ["it"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[", "cannot be read as the YAML file of a grid"),
        ("[a]", "a grid has the keys"),
        ("cohort: {a: b}", "and not cohort"),
        ("sections: [rates]", "name each cohort and its source"),
        ("cohorts: [study]", "name each cohort and its source"),
        ("cohorts: {a: study}\nparameters: {age_bands: [20]}", "name each and its values"),
        ("cohorts: {a: study}\nparameters: {ci_level: []}", "ci_level: give one value or a list"),
        ("cohorts: {a: study}\nparameters: {ci_levle: [0.9]}", "did you mean ci_level"),
        ("cohorts: {a: study}\nparameters: {ci_level: [0.9, 2]}", "lies between 0 and 1"),
        ("cohorts: {a: study}\nparameters: {ci_level: [0.9, 0.9]}", "two reports would have the folder"),
        ("cohorts: {a: study}\nsections: [rate]", "did you mean rates"),
    ],
)
def test_a_grid_that_cannot_be_is_told_before_anything_runs(project: Path, text: str, told: str) -> None:
    with pytest.raises(CrampstudyError, match=told):
        read(grid(project, text))


@pytest.mark.usefixtures("forked")
def test_what_fails_is_named_and_kept_and_stops_no_other(run: Run, project: Path) -> None:
    text = "cohorts: {good: study, absent: nowhere}\nparameters: {ci_level: [0.95, 0.9]}"
    code, out, err = run("report", "--grid", str(grid(project, text)))
    assert code == 7 and out == "4 reports are in reports/grid, side by side in index.html\n"
    assert "crampstudy: 3 of 4 reports failed: good_ci_level-0.95: notebook rates" in err
    assert "too wide an interval" in err and "absent_ci_level-0.9: there is no folder" in err
    made = project / "reports" / "grid"
    kept = json.loads((made / "good_ci_level-0.95" / "failed" / "rates.ipynb").read_text())
    assert kept["metadata"]["crampstudy"]["heading"] == "Rates"
    assert provenance.read(made / "good_ci_level-0.9").parameters["ci_level"] == 0.9
    page = (made / "index.html").read_text()
    assert '<a href="good_ci_level-0.9/report.html">' in page and page.count("<td>1.5</td>") == 1
    assert "too wide an interval" in page and str(project) not in page
    assert "kept as far as it was run: good_ci_level-0.95/failed/rates.ipynb" in page
    # A grid is replaced by a grid, and never what is not its own.
    (project / "grid.yaml").write_text("cohorts: {absent: nowhere}")
    assert run("report", "--grid", "grid.yaml")[0] == 7
    assert sorted(path.name for path in made.iterdir()) == ["grid.json", "index.html"]
    (made / "notes.txt").write_text("mine")
    code, _, err = run("report", "--grid", "grid.yaml")
    assert code == 2 and "notes.txt" in err and (made / "notes.txt").exists()


def test_whoever_does_the_work_the_bytes_are_the_same(project: Path) -> None:
    asked = read(grid(project, "cohorts: {a: nowhere, b: 'package:elsewhere', c: study/diary.csv}"))
    counted: list[int] = []
    one = make_grid(asked, project / "one", progress=counted.append)
    two = make_grid(asked, project / "two", workers=2)
    assert one == two and counted == [1, 2, 3] and [each.cell.name for each in one] == ["a", "b", "c"]
    for name in ("index.html", "grid.json"):
        assert (project / "one" / name).read_bytes() == (project / "two" / name).read_bytes()
    shutil.rmtree(project / "one")
    (project / "one").mkdir()
    (project / "one" / "mine").touch()
    with pytest.raises(FolderTaken):
        make_grid(asked, project / "one")


def test_a_grid_takes_no_source_and_a_report_needs_one(run: Run, project: Path) -> None:
    for words, named in (
        (["study", "--set", "ci_level=0.9"], "the source, --set"),
        (["--sections", "rates", "--figures"], "--sections, --figures"),
        (["--plan", "plan.json", "--observed-to", "2024-01-09"], "--plan, --observed-to"),
        (["--certify"], "--certify"),
    ):
        code, _, err = run("report", *words, "--grid", "grid.yaml")
        assert code == 2 and f"leave out {named}\n" in err
    code, _, err = run("report")
    assert code == 2 and "name the source" in err
    code, _, err = run("report", "--grid", "absent.yaml")
    assert code == 2 and "absent.yaml cannot be read" in err
