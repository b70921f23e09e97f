"""A report is built from a source in one go: whole, repeatable, or not at all."""

from __future__ import annotations

import csv
import json
import os
import threading
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from crampstudy.errors import AnalysisError, ParameterError, SourceError, UsageError
from crampstudy.report import run, warm
from crampstudy.report.build import FILES, build

PARAMETERS = 'source: str = "x"  # the cohort\nbins: int = 5  # bins of a histogram'
SHOWS = """
from crampstudy.report import blocks
from crampstudy.sources import open_cohort
from crampstudy import estimates
cohort = open_cohort(source)
blocks.value("people", f"{len(cohort.participants)} people, {bins} bins")
"""
RECORDS = "blocks.record(estimates.frame([estimates.row(status='converged', cohort=cohort.name, estimate=1 / 3)]))"


def write_notebook(folder: Path, name: str, *code: str) -> Path:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": f"# {name.title()}\n\n{{{{people}}}}\n\n## Deep", "id": "m"}
    ]
    for number, source in enumerate((PARAMETERS, *code)):
        tags = [] if number else ["parameters"]
        cell = {"cell_type": "code", "metadata": {"tags": tags}, "source": source, "id": f"c{number}"}
        cells.append(cell | {"outputs": [], "execution_count": None})
    path = folder / f"{name}.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), "utf-8")
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    with (folder / "participants.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("participant_id", "age_years", "sex"), ("P1", 30, "female"), ("P2", 70, "male")])
    nights = [(person, date(2024, 1, 1) + timedelta(k), k % 3) for person in ("P1", "P2") for k in range(9)]
    with (folder / "diary.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("participant_id", "date", "cramps"), *nights, ("P2", "2024-02-30", 1)])
    return folder


@pytest.fixture
def notebooks(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write_notebook(folder, "cohort", SHOWS, RECORDS)
    write_notebook(folder, "sleep", "import os\nassert os.environ['OMP_NUM_THREADS'] == '1'")
    text = "title: Research insights\nparts:\n  - {title: Studies, notebooks: [cohort, sleep]}\n"
    (folder / "outline.yaml").write_text(text, encoding="utf-8")
    return folder


class Heard:
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.cells: list[tuple[str, str, int, int]] = []

    def stage(self, name: str) -> None:
        self.stages.append(name)

    def cell(self, notebook: str, heading: str, done: int, total: int) -> None:
        self.cells.append((notebook, heading, done, total))


def test_a_report_is_whole_and_names_no_place(
    source: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    heard = Heard()
    made = build(str(source), settings=["bins=7"], notebooks_dir=notebooks, progress=heard)
    assert made.folder == Path("reports/tiny")
    assert sorted(path.name for path in made.folder.iterdir()) == sorted(FILES)
    page = made.html.read_text(encoding="utf-8")
    assert "2 people, 7 bins" in page and "9 January 2024" in page and "bins of a histogram" in page
    assert "0.3333333333" in made.estimates.read_text()
    counts = list(csv.DictReader(made.ledger_counts.open()))
    assert sum(int(count["n"]) for count in counts if count["severity"] == "reject-row") == 1
    manifest = json.loads(made.manifest.read_text())
    assert manifest["inputs"]["parameters"] == {"bins": 7}
    assert manifest["inputs"]["cohort"]["name"] == "tiny"
    assert set(manifest["outputs"]) == set(FILES) - {"manifest.json"}
    for path in made.folder.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    assert heard.stages == ["check", "load", "run", "collect", "typeset", "write"] == list(made.seconds)
    assert {cell[0] for cell in heard.cells} == {"cohort", "sleep"} and all(
        done <= total for *_, done, total in heard.cells
    )


def test_a_mapping_is_found_beside_the_source(
    source: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.yaml").write_text(
        "version: 1\nname: mapped\nclock: {date: evening}\ntables:\n"
        "  participants:\n    file: participants.csv\n"
        "    columns: {participant_id: participant_id, age_years: age_years, sex: sex}\n"
        "  diary:\n    file: diary.csv\n    columns: {participant_id: participant_id, date: date, cramps: cramps}\n"
    )
    made = build("mapped:tiny?mapping=m.yaml", sections=["cohort"], notebooks_dir=notebooks)
    assert "2 people, 5 bins" in made.html.read_text(encoding="utf-8")


def test_a_failed_run_leaves_the_old_report_and_no_litter(source: Path, notebooks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.pdf").write_bytes(b"old")
    own = write_notebook(tmp_path, "own", "from crampstudy.errors import BandError", "raise BandError('no such band')")
    with pytest.raises(AnalysisError, match="notebook own, section 'Deep': BandError: no such band"):
        build(str(source), out=out, notebook=own, notebooks_dir=notebooks)
    assert [path.name for path in out.iterdir()] == ["report.pdf"] and (out / "report.pdf").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notebooks", "out", "own.ipynb", "tiny"]


def test_a_dead_kernel_is_told_and_recorded(tmp_path: Path) -> None:
    own, output = write_notebook(tmp_path, "own", "import os; os._exit(9)"), tmp_path / "executed.ipynb"
    with pytest.raises(AnalysisError, match="notebook own, section 'Deep': the kernel died"):
        run.execute(own, output, {"source": "x"}, cwd=tmp_path)
    assert json.loads(output.read_text())["metadata"]["crampstudy"]["failure"].startswith("the kernel died")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kernels are forked only where there is fork")
def test_a_warm_kernel_ends_with_its_notebook(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    tell = f"import os, pathlib; pathlib.Path({str(note)!r}).write_text(f'{{os.getpid()}} {{os.getcwd()}}')"
    own = write_notebook(tmp_path, "own", tell, "import time; time.sleep(60)")
    with warm.server({**os.environ, **run.PINNED}) as server, pytest.raises(AnalysisError, match="longer than 2 s"):
        run.execute(own, tmp_path / "executed.ipynb", {}, cwd=tmp_path, server=server, cell_seconds=2)
    number, place = note.read_text().split(" ", 1)
    assert Path(place).resolve() == tmp_path.resolve()
    for _ in range(50):
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the forked kernel outlived its notebook")


def test_a_stopped_notebook_begins_no_cell(tmp_path: Path) -> None:
    stop = threading.Event()
    stop.set()
    own = write_notebook(tmp_path, "own")
    with pytest.raises(run.Stopped):
        run.execute(own, tmp_path / "executed.ipynb", {}, cwd=tmp_path, stop=stop)
    assert not (tmp_path / "executed.ipynb").exists()


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"settings": ["bin=7"]}, ParameterError, "did you mean 'bins'"),
        ({"settings": ["bins=x"]}, ParameterError, "a whole number"),
        ({"sections": ["cohrt"]}, UsageError, "did you mean 'cohort'"),
        ({"notebook": Path("none.ipynb")}, UsageError, "no such notebook"),
        ({"settings": ["bins=7"], "notebook": Path("cohort.txt")}, UsageError, "no such notebook"),
        ({}, SourceError, "nowhere"),
    ],
)
def test_mistakes_are_told_before_anything_runs(
    notebooks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
    error: type[Exception],
    told: str,
) -> None:
    def never(*_: object, **__: object) -> None:
        raise RuntimeError("a notebook ran")

    monkeypatch.setattr(run, "execute", never)
    with pytest.raises(error, match=told):
        build(str(tmp_path / "nowhere"), out=tmp_path / "out", notebooks_dir=notebooks, **more)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_other_things_is_never_replaced(source: Path, notebooks: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.docx").write_bytes(b"")
    with pytest.raises(UsageError, match=r"thesis\.docx"):
        build(str(source), out=tmp_path / "out", notebooks_dir=notebooks)


def test_a_malformed_epoch_is_refused(source: Path, notebooks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(UsageError, match="SOURCE_DATE_EPOCH"):
        build(str(source), notebooks_dir=notebooks)
