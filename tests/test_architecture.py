"""The map of the house is true: what it names is there, and every room is on it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src/crampstudy"
TEXT = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
ROOMS = TEXT[TEXT.index("## The rooms") : TEXT.index("Inside `models/`:")]
INSIDE = TEXT[TEXT.index("Inside `models/`:") : TEXT.index("## Where new code goes")]
PATHS = sorted(set(re.findall(r"`((?:src|tests|docs|notebooks|data)/[^`]*)`", TEXT)))
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
    for folder in (path for path in PACKAGE.rglob("*") if path.is_dir() and path.name != "__pycache__"):
        assert len([p for p in folder.iterdir() if p.name != "__pycache__"]) <= 16, folder
