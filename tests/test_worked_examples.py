"""What the documents show is what happens: their files, their commands, their output."""

from __future__ import annotations

import csv
import io
import itertools
import re
import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pytest

Run = Callable[..., tuple[int, str, str]]
DOCS = Path(__file__).parents[1] / "docs"
STEP = re.compile(
    r"<!-- (?P<kind>file|workbook): (?P<file>\S+) -->\n```\w+\n(?P<content>.*?)^```|^```console\n(?P<console>.*?)^```",
    re.M | re.S,
)
PYTHON = re.compile(r"^```python\n(?P<code>.*?)^```\n+```text\n(?P<printed>.*?)^```", re.M | re.S)
# The document shows the whole output of these, and the telling lines of the others.
SHOWN_WHOLE = ("try", "init", "adjust")


def shows(printed: str, line: str) -> bool:
    """A line may be cut short with an ellipsis."""
    return printed == line or (line.endswith(" …") and printed.startswith(line.removesuffix(" …")))


def as_workbook(path: Path, text: str) -> None:
    """Write what is shown as text as the sheet that it stands for: dates and numbers as such, headings merged."""
    book = openpyxl.Workbook()
    rows = list(csv.reader(io.StringIO(text)))
    for row in rows:
        book.active.append([stored(cell) for cell in row])
    for number, row in enumerate(rows[:2], 1):
        starts = [place for place, cell in enumerate(row, 1) if cell]
        for first, end in itertools.pairwise([*starts, len(row) + 1]):
            if end - first > 1:
                book.active.merge_cells(start_row=number, end_row=number, start_column=first, end_column=end - 1)
    book.save(path)


def stored(cell: str) -> object:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", cell):
        return date.fromisoformat(cell)
    return int(cell) if cell.isdecimal() else cell or None


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("first-steps.md", ["try", "init", "validate", "describe"]),
        ("mapping.md", ["import", "describe", "validate", *["import"] * 5, "describe"]),
        ("redcap.md", None),
        ("event-lists.md", ["try", "validate", "describe", "import", "validate"]),
        ("simulation.md", ["simulate", "validate", "fit"]),
        ("verdicts.md", ["simulate", "fit", "fit"]),
        ("comparison.md", ["simulate", "simulate", *["compare"] * 3]),
        ("causal-graph.md", ["simulate", *["adjust"] * 3, "fit", *["adjust"] * 2]),
        ("evidence.md", ["evidence", "evidence", "evidence"]),
        ("models.md", ["simulate", *["fit"] * 27, "simulate", *["fit"] * 5]),
    ],
)
def test_the_worked_examples_do_what_the_document_says(
    run: Run, name: str, commands: list[str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = []
    for step in STEP.finditer((DOCS / name).read_text(encoding="utf-8")):
        if step["file"]:
            (tmp_path / step["file"]).parent.mkdir(parents=True, exist_ok=True)
            if step["kind"] == "workbook":
                as_workbook(tmp_path / step["file"], step["content"])
            else:
                (tmp_path / step["file"]).write_text(step["content"], encoding="utf-8")
            continue
        for command, *expected in (part.rstrip().splitlines() for part in step["console"].split("$ ")[1:]):
            program, *arguments = shlex.split(command)
            assert program == "crampstudy"
            code, out, err = run(*arguments)
            assert code == 0, err
            printed = [line.rstrip() for line in out.splitlines()]
            if arguments[0] in SHOWN_WHOLE:
                assert printed == expected
            else:
                found = [next((n for n, told in enumerate(printed) if shows(told, line)), None) for line in expected]
                assert None not in found and found == sorted(found, key=lambda n: n or 0), out
            ran.append(arguments[0])
    assert len(ran) >= 3 and (commands is None or ran == commands)


@pytest.mark.parametrize("name", ["causal-graph.md", "checks.md", "comparison.md", "models.md", "verdicts.md"])
def test_the_python_examples_print_what_the_document_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    found = list(PYTHON.finditer((DOCS / name).read_text(encoding="utf-8")))
    assert found
    for example in found:
        # Each has names of its own, as in a process of its own.
        exec(compile(example["code"], name, "exec"), {"__name__": "__main__"})
        assert capsys.readouterr().out == example["printed"]
