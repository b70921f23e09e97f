"""The map of the house is true: what it names is there, and every room is on it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src/crampstudy"
TEXT = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ROOMS = TEXT[TEXT.index("## The rooms") : TEXT.index("Inside `models/`:")]
INSIDE = TEXT[TEXT.index("Inside `models/`:") : TEXT.index("## Where new code goes")]
PATHS = sorted(set(re.findall(r"`((?:src|tests|docs|notebooks|data)/[^`]*)`", TEXT)))
DOORS = {
    *(
        "models/fit.py:fit",
        "models/bootstrap.py:bootstrap",
        "checks/__init__.py:check",
        "descriptive/describe.py:describe",
        "descriptive/prevalence.py:prevalence",
        "contrasts/cohorts/compare.py:compare",
        "contrasts/cohorts/factors.py:compare_factors",
        "contrasts/within_between.py:within_between",
        "contrasts/distributed_lag.py:distributed_lag",
        "contrasts/adjusted.py:adjusted_fit",
    ),
    *("report/build.py:build", "report/assembly/comparison.py:build_comparison", "simulate/__init__.py:write"),
}
LINKS = sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT)))


def named(table: str) -> set[str]:
    """Return the modules and rooms in the first column of a table."""
    firsts = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    return {name.rstrip("/") for first in firsts for name in re.findall(r"`([^`]+)`", first)}


def there(folder: Path) -> set[str]:
    """Return the modules and rooms in a folder."""
    return {
        path.name
        for path in folder.iterdir()
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").exists())
    } - {"__init__.py", "__main__.py"}


@pytest.mark.parametrize("path", PATHS)
def test_every_path_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("link", LINKS)
def test_every_link_leads_somewhere(link: str) -> None:
    assert (ROOT / "docs" / link).exists()


def test_every_room_is_on_the_map() -> None:
    assert named(ROOMS) == there(PACKAGE)
    assert named(INSIDE) == there(PACKAGE / "models")


def test_no_room_is_crowded() -> None:
    folders = [path for path in (PACKAGE, *PACKAGE.rglob("*")) if path.is_dir() and path.name != "__pycache__"]
    crowded = {folder: n for folder in folders if (n := sum(path.is_file() for path in folder.iterdir())) > 16}
    assert crowded == {}


def test_no_module_is_long() -> None:
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: n for path, n in lines.items() if n > 400} == {}


def test_no_name_means_two_things() -> None:
    defined = Counter(
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, n in defined.items() if n > 1] == []


def functions() -> Iterator[tuple[str, ast.FunctionDef, int]]:
    """Yield every function outside the command line, whose options are its parameters, with their number."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "cli" in path.relative_to(PACKAGE).parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        hidden = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name.startswith("_")]
        own = {id(node) for holder in hidden for node in ast.walk(holder)}
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                a = node.args
                every = (*a.posonlyargs, *a.args, *a.kwonlyargs)
                names = [each.arg for each in every if each.arg not in ("self", "cls")]
                name = f"_{node.name}" if id(node) in own else node.name
                yield f"{path.relative_to(PACKAGE)}:{name}", node, len(names)


def test_only_the_public_doors_take_many_parameters() -> None:
    assert {name for name, _, n in functions() if n > 7} <= DOORS


def test_functions_of_many_parameters_say_what_each_is() -> None:
    public = [(name, node) for name, node, n in functions() if n >= 5 and ":_" not in name]
    assert len(public) > 30
    assert [name for name, node in public if "Args:" not in (ast.get_docstring(node) or "")] == []
