"""What the README says a new user can do, done as written."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from crampstudy import simulate

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Return the fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line as the README does."""
    command = [sys.executable, "-m", "crampstudy", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """The worked example as files."""
    folder = tmp_path / "my-study"
    folder.mkdir()
    for name, text in re.findall(r"<!-- example: (\S+) -->\n```csv\n(.*?)```", README, flags=re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")
    assert sorted(path.name for path in folder.iterdir()) == ["diary.csv", "participants.csv"]
    return folder


def test_the_python_example_runs(tmp_path: Path) -> None:
    simulate.write(tmp_path / "data" / "synthetic", 60, 20, 1, draws=3_000)
    (code,) = blocks("python")
    ran = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_the_worked_diary_does_what_the_readme_says(study: Path, tmp_path: Path) -> None:
    validated = run(tmp_path, "validate", "my-study")
    assert validated.returncode == 0, validated.stderr
    # The last row is rejected, with file, line, column and what is allowed.
    last = len((study / "diary.csv").read_text(encoding="utf-8").splitlines())
    assert f"diary.csv line {last}, cramps = 'x'" in validated.stdout and "whole number" in validated.stdout
    assert "nights: 8 expected, 7 observed" in validated.stdout
    described = run(tmp_path, "describe", "my-study", "--by", "age_band")
    assert described.returncode == 0 and "could not estimate" in described.stdout
    fitted = run(tmp_path, "fit", "my-study", "--model", "poisson", "--terms", "alcohol_units")
    assert fitted.returncode == 0, fitted.stderr


def test_every_path_that_the_readme_names_is_there() -> None:
    named = set(re.findall(r"`((?:src|notebooks|data|reports|docs|tests)/[\w./-]*)`", README))
    named |= set(re.findall(r"\]\((?!http)([^)]+)\)", README))
    assert named and not [
        name for name in named if not name.startswith("data/synthetic") and not (ROOT / name).exists()
    ]


def test_every_make_target_that_the_readme_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:make )?(setup|compare|check|bench|simulate|lab|clean)`", README))
    assert len(named) == 7
    assert all(re.search(rf"^{name}:", makefile, flags=re.MULTILINE) for name in named)
