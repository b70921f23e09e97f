"""The repository's own promises: one source for every bound, a locked environment, clean notebooks, a light import."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from crampstudy.report import outline

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
# Those of the report: what JupyterLab leaves beside them (checkpoints, Untitled.ipynb) is nobody's promise.
NOTEBOOKS = (*outline.read(ROOT / "notebooks").notebooks, ROOT / "notebooks" / outline.TEMPLATE)
CARD = {"jupyterlab", "pandas", "statsmodels", "scikit-learn", "seaborn", "papermill"}
TARGETS = {"setup", "report", "compare", "test", "test-fast", "check", "bench", "simulate", "lab", "clean", "help"}
TOP_LEVEL = {
    *("notebooks", "src", "data", "reports", "tests", "docs", ".ci", ".gitignore", ".gitattributes", "Makefile"),
    *("README.md", "pyproject.toml", "requirements.lock", "environment.yml", "CITATION.cff", "CHANGELOG.md", "LICENSE"),
    *("CONTRIBUTING.md", "CODE_OF_CONDUCT.md", "SECURITY.md"),
}
MADE = {".venv", "build", ".git", ".hypothesis", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".import_linter_cache"}
# Written in pieces, so that this file does not hold what it forbids.
REGISTRIES = ("pypi" + ".org", "python" + "hosted.org", "conda" + ".anaconda.org", "files.python" + "hosted")
MACHINE = re.compile(r"(?<![\w./-])/(?:" + "|".join(("wo" + "rk", "ro" + "ot", "ho" + r"me/\w+")) + r")/")


def project_files() -> Iterator[Path]:
    """Every file of the project: those that git tracks, or, in a copy without git, all that no tool puts there."""
    if (ROOT / ".git").exists():
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        yield from (path for path in (ROOT / name for name in tracked.split("\0") if name) if path.is_file())
        return
    for top in ROOT.iterdir():
        if top.name in {"data", "reports"}:  # git-ignored but for these
            tracked_folders = (path for name in ("dictionary", "evidence") for path in (top / name).glob("*"))
            yield from (path for path in (top / "README.md", top / ".gitkeep", *tracked_folders) if path.exists())
        elif top.is_file():
            yield top
        elif top.name not in MADE:
            skipped = {"__pycache__", ".ipynb_checkpoints", ".virtual_documents", *MADE}
            yield from (path for path in top.rglob("*") if path.is_file() and not skipped & set(path.parts))


def requirements(listed: list[str]) -> dict[str, Requirement]:
    parsed = [Requirement(text) for text in listed]
    return {canonicalize_name(requirement.name): requirement for requirement in parsed}


def locked() -> dict[str, list[str]]:
    """The versions that the lock names for each package (one for each marker)."""
    versions: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;\\]+)", LOCK, re.MULTILINE):
        versions.setdefault(canonicalize_name(name), []).append(version)
    return versions


LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
RUNTIME = requirements(PROJECT["project"]["dependencies"])
DEVELOPER = requirements(PROJECT["dependency-groups"]["dev"])


def test_environment_is_what_pyproject_makes() -> None:
    made = subprocess.run([sys.executable, ROOT / ".ci/environment.py"], capture_output=True, text=True, check=True)
    assert (ROOT / "environment.yml").read_text(encoding="utf-8") == made.stdout, "run make environment.yml"


def test_environment_has_every_name_and_bound_of_pyproject() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert environment["name"] == "crampstudy"
    assert environment["channels"] == ["conda-forge"]
    *conda, pip = environment["dependencies"]
    assert pip["pip"][-1] == "-e ."
    assert conda[-1] == "pip"
    from_conda = requirements(conda[:-1])
    python = from_conda.pop("python")
    assert str(python.specifier) == PROJECT["project"]["requires-python"]
    assert set(from_conda) == CARD
    listed = from_conda | requirements(pip["pip"][:-1])
    assert {name: req.specifier for name, req in listed.items()} == {n: req.specifier for n, req in RUNTIME.items()}


def test_every_locked_version_has_a_hash_and_no_address() -> None:
    entries = re.split(r"\n(?=\S)", "\n".join(line for line in LOCK.splitlines() if not line.startswith("#")))
    assert len(entries) > len(RUNTIME) + len(DEVELOPER)
    bare = [entry.splitlines()[0] for entry in entries if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)]
    assert bare == []
    assert re.findall(r"https?:|file:|--index|--find-links|--extra| @ ", LOCK) == []


@pytest.mark.parametrize("requirement", [*RUNTIME.values(), *DEVELOPER.values()], ids=lambda req: req.name)
def test_lock_meets_every_bound(requirement: Requirement) -> None:
    versions = locked().get(canonicalize_name(requirement.name), [])
    assert versions, f"{requirement.name} is not in requirements.lock: run make lock"
    assert all(requirement.specifier.contains(version) for version in versions), f"{versions}: run make lock"


def imported() -> dict[str, list[str]]:
    """The files of the package and of the notebooks that import each module of the top."""
    code = {str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py")}
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sources = ("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        code[str(path.relative_to(ROOT))] = "\n".join(sources)
    found: dict[str, list[str]] = {}
    for name, text in sorted(code.items()):
        for node in ast.walk(ast.parse(text)):
            modules = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            modules += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in modules:
                found.setdefault(module.partition(".")[0], []).append(name)
    return found


def test_every_dependency_is_imported_somewhere() -> None:
    files, makefile = imported(), (ROOT / "Makefile").read_text(encoding="utf-8")
    names: dict[str, list[str]] = {}
    for module, distributions in metadata.packages_distributions().items():
        for distribution in distributions:
            names.setdefault(canonicalize_name(distribution), []).append(module)
    used = {
        name: sorted({file for module in names.get(name, ()) for file in files.get(module, ())})
        # A program that is run is not imported.
        + (["Makefile"] if f"-m {name}" in makefile else [])
        for name in RUNTIME
    }
    assert {name for name, places in used.items() if not places} == set()


def test_version_is_the_same_everywhere() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["project"]["version"]
    assert citation["license"] == PROJECT["project"]["license"]


def test_top_level_holds_nothing_else() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in project_files()} - TOP_LEVEL == set()


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for path in project_files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:  # fonts and the like
            continue
        for number, line in enumerate(text.splitlines(), start=1):
            if any(host in line for host in REGISTRIES) or MACHINE.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line[:120]}")
    assert found == []


def test_help_lists_every_target() -> None:
    printed = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = set(re.findall(r"^  make (\S+)", printed, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()) - {"FORCE"}  # type: ignore[index]
    assert TARGETS <= phony <= listed


def test_import_is_light() -> None:
    code = "import sys, crampstudy; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    heavy = {"pandas", "polars", "numpy", "scipy", "matplotlib", "seaborn", "statsmodels", "sklearn", "papermill"}
    assert "crampstudy" in loaded
    assert heavy & set(loaded) == set()


def test_command_line_answers_for_help() -> None:
    code = "import sys; sys.argv = ['crampstudy', '--help']; from crampstudy.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for command in ("describe", "fit", "compare", "simulate", "report", "validate"):
        assert command in done.stdout


def cells(notebook: Path, kind: str) -> list[dict[str, Any]]:
    content = json.loads(notebook.read_text(encoding="utf-8"))
    return [cell for cell in content["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
class TestNotebook:
    def test_has_no_outputs(self, notebook: Path) -> None:
        left = [c["source"] for c in cells(notebook, "code") if c["outputs"] or c["execution_count"] is not None]
        assert left == [], "run nbstripout on it"

    def test_has_one_parameters_cell(self, notebook: Path) -> None:
        tagged = [cell for cell in cells(notebook, "code") if "parameters" in cell["metadata"].get("tags", [])]
        assert len(tagged) == 1

    def test_defines_no_function(self, notebook: Path) -> None:
        """Code that deserves a name belongs to the package, where it is tested."""
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
        sources = ["".join(cell["source"]) for cell in cells(notebook, "code")]
        lines = ["\n".join(line for line in source.splitlines() if line[:1] not in "%!") for source in sources]
        assert [type(node) for source in lines for node in ast.walk(ast.parse(source)) if isinstance(node, kinds)] == []


def test_a_link_to_the_environment_of_another_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    others, here = tmp_path / "others", tmp_path / "here"
    others.mkdir()
    (others / "ready").write_text("as it was")
    for name in (".ci/setup.py", "requirements.lock", "pyproject.toml"):
        (here / name).parent.mkdir(parents=True, exist_ok=True)
        (here / name).write_bytes((ROOT / name).read_bytes())
    (here / ".venv").symlink_to(others)
    ran = subprocess.run([sys.executable, ".ci/setup.py"], cwd=here, capture_output=True, text=True)
    said = (
        f"setting up .venv failed: .venv is a link to {others}, and a folder has its own: rm .venv; then run make again"
    )
    assert (ran.returncode, ran.stderr.strip()) == (1, said)
    assert (others / "ready").read_text() == "as it was"
