"""A report is built from a source in one go: whole, repeatable, or not at all."""

from __future__ import annotations

import contextlib
import csv
import inspect
import json
import logging
import os
import re
import shutil
import sys
import threading
import time
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crampstudy import provenance
from crampstudy.errors import AnalysisError, FolderTaken, ParameterError, SourceError, UsageError
from crampstudy.report import failure, run, warm
from crampstudy.report.build import FILES, build

PARAMETERS = 'source: str = "x"  # the cohort\nbins: int = 5  # bins of a histogram'
SHOWS = """
from crampstudy.report import blocks
from crampstudy.sources import open_cohort
from crampstudy import estimates
cohort = open_cohort(source)
blocks.value("people", f"{len(cohort.participants)} people, {bins} bins")
"""
RECORDS = (
    "row = estimates.row(status='converged', analysis='regression', cohort=cohort.name, estimate=1 / 3)\n"
    "blocks.record(estimates.frame([row]))"
)


def write_notebook(folder: Path, name: str, *code: str) -> Path:
    cells: list[dict[str, Any]] = [
        {"cell_type": "markdown", "metadata": {}, "source": f"# {name.title()}\n\n{{{{people}}}}\n\n## Deep", "id": "m"}
    ]
    for number, source in enumerate((PARAMETERS, *code, "_ = bins")):
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
    assert sorted(path.name for path in made.folder.iterdir()) == sorted(FILES) and made.docx.name == "report.docx"
    page = made.html.read_text(encoding="utf-8")
    assert "2 people, 7 bins" in page and "9 January 2024" in page and "bins of a histogram" in page
    assert "0.3333333333" in made.estimates.read_text()
    counts = list(csv.DictReader(made.ledger_counts.open()))
    assert sum(int(count["n"]) for count in counts if count["severity"] == "reject-row") == 1
    told = provenance.read(made.folder)
    assert told.parameters == {"bins": 7} and told.sources == ("package:tiny",)
    assert [(cohort.name, cohort.rows) for cohort in told.cohorts] == [("tiny", {"diary": 18, "participants": 2})]
    assert {*told.outputs, made.manifest.name} == {*FILES}
    for path in made.folder.iterdir():
        assert str(tmp_path).encode() not in path.read_bytes(), path.name
    assert heard.stages == ["check", "load", "run", "collect", "typeset", "write"] == list(made.seconds)
    assert {cell[0] for cell in heard.cells} == {"cohort", "sleep"} and all(
        done <= total for *_, done, total in heard.cells
    )


@pytest.mark.usefixtures("forked")
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


@pytest.mark.usefixtures("forked")
def test_a_failed_run_leaves_the_old_report_and_no_litter(source: Path, notebooks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    own = write_notebook(tmp_path, "own", "from crampstudy.errors import BandError", "raise BandError('no such band')")
    with pytest.raises(AnalysisError, match="notebook own, section 'Deep': BandError: no such band"):
        (out / "report.pdf").write_bytes(b"old")
        build(str(source), out=out, notebook=own, notebooks_dir=notebooks, force=True)
    assert [path.name for path in out.iterdir()] == ["report.pdf"] and (out / "report.pdf").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notebooks", "out", "own.ipynb", "tiny"]


def test_a_notebook_that_fails_is_kept_until_none_does(tmp_path: Path) -> None:
    work, place = tmp_path / "work", tmp_path / "out.failed"
    work.mkdir()
    own, executed = write_notebook(tmp_path, "own", "1 + 1"), work / "own.ipynb"
    for name in ("own", "other"):
        executed.write_bytes(own.read_bytes())
        with (
            pytest.raises(
                AnalysisError,
                match=rf"bad line two \(code cell 2\); kept as far as it was run: .*out.failed/{name}.ipynb$",
            ),
            failure.kept(work, place),
        ):
            problem = failure.failed(executed, name, "\x1b[31mbad\n  line two\n", 2)
            executed.rename(work / f"{name}.ipynb")
            assert "\n" not in str(problem)
            raise problem
        assert [path.name for path in place.iterdir()] == [f"{name}.ipynb"]
        assert json.loads((place / f"{name}.ipynb").read_text())["metadata"]["crampstudy"]["cell"] == 2
        assert (place / f"{name}.ipynb").stat().st_mode & 0o77 == 0
        (work / f"{name}.ipynb").unlink()
    with failure.kept(work, place):
        pass
    assert not place.exists()
    # What is not ours stays, and what cannot be written costs no word of why it failed.
    place.mkdir()
    (place / "mine.ipynb").write_text("{}")
    with failure.kept(work, place):
        pass
    assert [path.name for path in place.iterdir()] == ["mine.ipynb"]
    executed.write_bytes(own.read_bytes())
    with pytest.raises(AnalysisError, match=r"\(code cell 2\)$"), failure.kept(work, own):
        raise failure.failed(executed, "own", "bad", 2)
    with pytest.raises(AnalysisError, match=r"x{390}…"):
        raise failure.failed(executed, "own", "x" * 5_000, 2)


def test_libraries_say_nothing_beside_our_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    for name in ("papermill", "asyncio"):
        logging.getLogger(name).error("Task was destroyed but it is pending!")
    assert capsys.readouterr().err == ""


def test_a_dead_kernel_is_told_and_recorded(tmp_path: Path) -> None:
    own, output = write_notebook(tmp_path, "own", "import os; os._exit(9)"), tmp_path / "executed.ipynb"
    with pytest.raises(AnalysisError, match="notebook own, section 'Deep': the kernel died"):
        run.execute(own, output, {"source": "x"}, run.Options(cwd=tmp_path))
    assert json.loads(output.read_text())["metadata"]["crampstudy"]["failure"].startswith("the kernel died")


def test_a_kernel_that_does_not_answer_did_not_die_of_what_ended_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_START_SECONDS", 1)
    silent = [sys.executable, "-S", "-c", "import time; time.sleep(600)"]
    monkeypatch.setattr(warm, "command", lambda *asked: silent)
    own = write_notebook(tmp_path, "own", "1 + 1")
    with pytest.raises(
        AnalysisError, match=r"notebook own.*: the kernel did not answer within 1 s; the machine may be"
    ):
        run.execute(own, tmp_path / "executed.ipynb", {}, run.Options(cwd=tmp_path))


@pytest.mark.parametrize("leaving", ["import sys; sys.exit(0)", "exit()", "quit()", "exit", "raise SystemExit"])
def test_a_cell_that_leaves_the_notebook_is_a_failure(tmp_path: Path, leaving: str) -> None:
    own, output = write_notebook(tmp_path, "own", "1 + 1", leaving), tmp_path / "executed.ipynb"
    told = r"notebook own, section 'Deep': the cell leaves the notebook .*take that out \(code cell 3\)"
    with pytest.raises(AnalysisError, match=told) as caught:
        run.execute(own, output, {"source": "x"}, run.Options(cwd=tmp_path))
    assert caught.value.exit_code == 6
    assert json.loads(output.read_text())["metadata"]["crampstudy"]["cell"] == 4


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kernels are forked only where there is fork")
def test_the_end_of_a_kernel_is_told_as_what_it_was(kernels: Path, tmp_path: Path) -> None:
    ends = {
        "import os; os._exit(0)": r"ended by itself with exit code 0, as after os._exit\(0\) \(code cell 2\)",
        "import os; os._exit(3)": "exit code 3",
        "import ctypes; ctypes.string_at(0)": r"killed by signal 11 \(SIGSEGV\), a crash in native code",
        "import os; os.abort()": r"killed by signal 6 \(SIGABRT\), a crash in native code",
        "import os; os.kill(os.getpid(), 9)": r"killed by signal 9 \(SIGKILL\), most likely for want of memory",
    }
    for number, (code, told) in enumerate(ends.items()):
        own = write_notebook(tmp_path, f"own{number}", code)
        # Forked kernels, and one that starts the plain way.
        for place in [kernels, None][: 2 if "ctypes" in code else 1]:
            with pytest.raises(
                AnalysisError, match=rf"notebook own{number}, section 'Deep': the kernel died: .*{told}"
            ):
                run.execute(own, tmp_path / "executed.ipynb", {}, run.Options(cwd=tmp_path, server=place))


def test_an_error_without_a_message_is_told_with_its_meaning() -> None:
    assert (
        failure.raised("ValueError", "bad") == "ValueError: bad"
        and failure.raised("StopIteration", "") == "StopIteration"
    )
    assert failure.raised("MemoryError", "").startswith(
        "MemoryError: the cell asked for more memory than there is; try"
    )
    assert failure.raised("MemoryError", "Unable to allocate 9 TiB") == "MemoryError: Unable to allocate 9 TiB"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kernels are forked only where there is fork")
def test_a_stop_ends_a_notebook_in_the_middle_of_a_cell(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(2, stop.set).start()
    own = write_notebook(tmp_path, "own", "import time; time.sleep(300)")
    began = time.monotonic()
    with pytest.raises(run.Stopped):
        run.execute(own, tmp_path / "executed.ipynb", {}, run.Options(cwd=tmp_path, stop=stop))
    assert time.monotonic() - began < 200


@pytest.mark.usefixtures("forked")
def test_a_cells_time_is_an_option_that_its_message_names(
    source: Path,
    notebooks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    run_cli = request.getfixturevalue("run")
    monkeypatch.setenv("CRAMPSTUDY_NOTEBOOKS", str(notebooks))
    own = write_notebook(tmp_path, "own", "import time; time.sleep(300)")
    asked = ["report", str(source), "--out", str(tmp_path / "out"), "--notebook", str(own), "--sections", "sleep"]
    code, _, said = run_cli(*asked, "--cell-timeout", "3")
    assert code == 6
    told = (
        "notebook own, section 'Deep': a cell ran longer than 3 s; --cell-timeout SECONDS gives it more (code cell 2)"
    )
    kept = tmp_path / "out.failed" / "own.ipynb"
    assert said.splitlines()[-1] == f"crampstudy: {told}; kept as far as it was run: {kept}" and kept.is_file()
    code, _, said = run_cli(*asked, "--cell-timeout", "0")
    assert code == 2 and "--cell-timeout" in said


def test_the_time_of_a_cell_is_half_an_hour_where_none_is_given() -> None:
    from crampstudy.cli.report import report

    assert run.CELL_SECONDS == 1800 == inspect.signature(report).parameters["cell_timeout"].default


@pytest.mark.usefixtures("forked")
def test_an_own_notebook_may_have_other_defaults(source: Path, notebooks: Path, tmp_path: Path) -> None:
    own = write_notebook(tmp_path, "own", "assert (source != 'y', bins, mine) == (True, 5, 3)")
    own.write_text(own.read_text().replace('source: str = \\"x\\"', 'source: str = \\"y\\"'))
    own.write_text(own.read_text().replace("bins: int = 5", "mine: int = 3\\nbins: int = 9"))
    made = build(str(source), out=tmp_path / "out", notebook=own, sections=["cohort"], notebooks_dir=notebooks)
    assert provenance.read(made.folder).parameters == {"bins": 5, "mine": 3}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kernels are forked only where there is fork")
def test_a_warm_kernel_ends_with_its_notebook(kernels: Path, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    tell = f"import os, pathlib; pathlib.Path({str(note)!r}).write_text(f'{{os.getpid()}} {{os.getcwd()}}')"
    own = write_notebook(tmp_path, "own", tell, "import time; time.sleep(300)")
    with pytest.raises(AnalysisError, match="longer than 3 s"):
        run.execute(own, tmp_path / "executed.ipynb", {}, run.Options(cwd=tmp_path, server=kernels, cell_seconds=3))
    number, place = note.read_text().split(" ", 1)
    assert Path(place).resolve() == tmp_path.resolve()
    for _ in range(600):
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
        run.execute(own, tmp_path / "executed.ipynb", {}, run.Options(cwd=tmp_path, stop=stop))
    assert not (tmp_path / "executed.ipynb").exists()


@pytest.mark.parametrize(
    ("more", "error", "told"),
    [
        ({"settings": ["bin=7"]}, ParameterError, "did you mean bins"),
        ({"settings": ["bins=x"]}, ParameterError, "a whole number"),
        ({"sections": ["cohrt"]}, UsageError, "did you mean cohort"),
        ({"notebook": Path("none.ipynb")}, SourceError, "no such notebook"),
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


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel runs: a notebook's headings are all that it shows."""

    def execute(notebook: Path, output: Path, *_: object, **__: object) -> None:
        cells = [{"cell_type": "markdown", "metadata": {}, "source": f"# {notebook.stem.title()}"}]
        output.write_text(json.dumps({"cells": cells}), encoding="utf-8")

    monkeypatch.setattr(run, "execute", execute)
    monkeypatch.setattr(warm, "server", lambda _, **more: contextlib.nullcontext())


def named(folder: Path, name: str, **more: str) -> str:
    """Give a copy of a source another place, and the name that its descriptor states."""
    tables = [{"name": table, "path": f"{table}.csv"} for table in ("participants", "diary")]
    (folder / "datapackage.json").write_text(json.dumps({"name": name, **more, "resources": tables}), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize("name", ["/tmp/evil", "../../evil", "..", "x" * 300, "con", "北\u202e🦵", "a\\b", ""])
@pytest.mark.usefixtures("quickly")
def test_no_name_leads_out_of_the_folder_of_reports(
    source: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    home = tmp_path / "home" / "here"
    home.mkdir(parents=True)
    monkeypatch.chdir(home)
    made = build(named(source, name, title=f"Title of {name}"), notebooks_dir=notebooks)
    assert made.folder.parent == Path("reports") and made.folder.resolve().parent == home / "reports"
    assert sorted(path.name for path in made.folder.iterdir()) == sorted(FILES) and made.docx.name == "report.docx"
    assert [path.name for path in home.iterdir()] == ["reports"] and len(list((home / "reports").iterdir())) == 1
    assert "Title of" in made.html.read_text(encoding="utf-8")


@pytest.mark.usefixtures("quickly")
def test_two_sources_of_one_name_do_not_share_a_report(
    source: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    other = shutil.copytree(source, tmp_path / "elsewhere" / "tiny")
    folder = build(named(source, "one"), notebooks_dir=notebooks).folder
    first = (folder / "report.pdf").read_bytes()
    # The same source in other words, and after its data changed, replaces its own report.
    with (source / "diary.csv").open("a") as file:
        file.write("P1,2024-02-01,1\n")
    assert build("tiny/../tiny", notebooks_dir=notebooks).kept is None
    second = (folder / "report.pdf").read_bytes()
    assert second != first
    with pytest.raises(FolderTaken, match=r"another source \(package:tiny\); name .*--out \S*/reports/one-2"):
        build(named(other, "one"), notebooks_dir=notebooks)
    assert (folder / "report.pdf").read_bytes() == second
    made = build(str(other), notebooks_dir=notebooks, force=True)
    assert made.kept == (tmp_path / "reports/one.old-1").resolve()
    assert (made.kept / "report.pdf").read_bytes() == second
    assert build(str(source), out=Path("reports/one-2"), notebooks_dir=notebooks).kept is None


@pytest.mark.usefixtures("quickly")
def test_a_project_that_is_moved_keeps_its_reports(
    source: Path, notebooks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(source, project / "tiny")
    monkeypatch.chdir(project)
    build("tiny", notebooks_dir=notebooks)
    monkeypatch.chdir(project.rename(tmp_path / "moved"))
    assert build("tiny", notebooks_dir=notebooks).kept is None


@pytest.mark.usefixtures("quickly")
def test_sections_do_not_replace_a_whole_report(source: Path, notebooks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    again = partial(build, str(source), out=out, notebooks_dir=notebooks)
    again(sections=["cohort"])
    again(sections=["cohort"])
    again()
    whole = (out / "report.pdf").read_bytes()
    with pytest.raises(FolderTaken, match=r"a report with more sections \(sleep\)"):
        again(sections=["cohort"])
    assert (out / "report.pdf").read_bytes() == whole
    again()
    assert again(sections=["sleep"], force=True).kept == tmp_path.resolve() / "out.old-1"


@pytest.mark.usefixtures("quickly")
def test_a_report_that_was_edited_is_not_replaced(source: Path, notebooks: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    again = partial(build, str(source), out=out, notebooks_dir=notebooks)
    again()
    for name, content in {"report.html": b"my notes", "ro-crate-metadata.json": b"[]", "notes.txt": b"mine"}.items():
        before = (out / name).read_bytes() if (out / name).exists() else None
        (out / name).write_bytes(content)
        with pytest.raises(FolderTaken, match=r"\.(html|txt|csv)"):
            again()
        assert (out / name).read_bytes() == content
        if before is not None:
            (out / name).write_bytes(before)


DRAWS = (
    "from crampstudy import analyses, estimates\nfrom crampstudy.report import blocks\n"
    "others = analyses.read_results(results)\n"
    "rows = others['cohort'].estimates\n"
    "blocks.record(rows)\n"
)
SAYS = "blocks.value('repeated', f\"{list(others)}: {rows['estimate'].iloc[0]:.6f} of {rows['cohort'].iloc[0]}\")"


@pytest.mark.usefixtures("forked")
def test_a_notebook_that_draws_on_the_others_runs_after_them_and_stands_where_the_outline_says(
    source: Path, notebooks: Path, tmp_path: Path
) -> None:
    own = write_notebook(notebooks, "first", DRAWS, SAYS)
    content = json.loads(own.read_text("utf-8"))
    content["cells"][0]["source"] = "# First\n\n{{repeated}}"
    content["cells"][1]["source"] += "\nresults: str | None = None  # what the others found"
    own.write_text(json.dumps(content), "utf-8")
    text = (notebooks / "outline.yaml").read_text("utf-8")
    (notebooks / "outline.yaml").write_text(text.replace("[cohort, sleep]", "[first, cohort]"), "utf-8")
    made = build(str(source), notebooks_dir=notebooks, out=tmp_path / "out")
    page = made.html.read_text(encoding="utf-8")
    assert "[‘cohort’]: 0.333333 of tiny" in re.sub("<[^>]+>", "", page) and page.index("First</h") < page.index(
        "Cohort</h"
    )
    # What it repeats is recorded once, and what the report gives is no parameter of the reader's.
    assert made.estimates.read_text().count("0.3333333333") == 1 and "what the others found" not in page
    with pytest.raises(ParameterError, match="'results' is given by the report itself"):
        build(str(source), settings=["results=x"], notebooks_dir=notebooks, out=tmp_path / "out")


@pytest.mark.usefixtures("forked")
def test_what_an_optional_section_made_of_the_others_is_handed_on_to_the_rest(
    source: Path, notebooks: Path, tmp_path: Path
) -> None:
    foretold = (
        "row = estimates.row(term='foretold', analysis='prediction skill', "
        "status='not_estimable', note='nobody to foretell')\n"
    )
    found = f"{foretold}blocks.record_findings(analyses.Findings(estimates.frame([row]), values={{}}))"
    told = "blocks.value('heard', f\"{sorted(others)}: {others['between'].estimates['note'].dropna().iloc[-1]}\")"
    for name, cells in {"between": (DRAWS, found), "last": (DRAWS, told)}.items():
        own = write_notebook(notebooks, name, *cells)
        content = json.loads(own.read_text("utf-8"))
        content["cells"][0]["source"] = "# Last\n\n{{heard}}" if name == "last" else "# Between"
        content["cells"][1]["source"] += "\nresults: str | None = None  # what the others found"
        own.write_text(json.dumps(content), "utf-8")
    outline = "title: T\nparts:\n  - title: Last\n    notebooks: [last, cohort]\n"
    outline += "  - title: Between\n    notebooks: [between]\n    optional: true\n"
    (notebooks / "outline.yaml").write_text(outline, "utf-8")
    made = build(str(source), notebooks_dir=notebooks, sections=["all"], out=tmp_path / "out")
    page = re.sub("<[^>]+>", "", made.html.read_text(encoding="utf-8"))
    assert "[‘between’, ‘cohort’]: nobody to foretell" in page
