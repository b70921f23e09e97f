"""Digests of what a report is made of beside its data: code, codebook, fonts, evidence, locks and packages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
LOCKS = ("requirements.lock", "uv.lock")
APART: Mapping[str, str] = {"codebook": "codebook", "fonts": "look/fonts"}
"""Folders of the package that are told from the rest of its code, by their part."""
_NOT_NUMBERS = ("report", "terminal", "cli", "rerun", "display.py", "terminal.py", "__main__.py")
"""What of the package no number rests on: it prints and runs what others compute."""
_DISTRIBUTION = re.compile(r"(?P<name>.+?)-(?P<version>\d[^-]*)(?:-py[\d.]+)?\.(?:dist|egg)-info")


def version() -> str:
    """Return the version of the installed package, ``unknown`` where only its source is on the path."""
    try:
        return importlib.metadata.version("crampstudy")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def of_file(path: Path) -> str:
    """Return the SHA-256 of a file's content, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def of_files(files: Iterable[Path], below: Path) -> str:
    """Return one digest of files: of their names below a folder and their contents."""
    digest = hashlib.sha256()
    for path in sorted(files, key=lambda path: path.relative_to(below).as_posix()):
        digest.update(f"{path.relative_to(below).as_posix()}\0{of_file(path)}\n".encode())
    return digest.hexdigest()


@cache
def package_parts(package: Path = PACKAGE) -> Mapping[str, str]:
    """Return a digest of the package's code, and one of each part that is told from it."""
    parts: dict[str, list[Path]] = {"code": [], **{part: [] for part in APART}}
    for path in _files(package):
        below = path.relative_to(package).as_posix()
        if not below.startswith(("notebooks/", "data/")):
            part = next((part for part, folder in APART.items() if below.startswith(f"{folder}/")), "code")
            parts[part].append(path)
    return {part: of_files(files, package) for part, files in parts.items()} | _evidence(package)


@cache
def of_numbers(package: Path = PACKAGE) -> str:
    """Return one digest of all that the package computes numbers with: what only prints and runs them is left out."""
    others = (*_NOT_NUMBERS, "notebooks", "data")
    files = [path for path in _files(package) if path.relative_to(package).parts[0] not in others]
    return sha256("".join([of_files(files, package), *_evidence(package).values()]).encode())


def _evidence(package: Path) -> dict[str, str]:
    """Return the digest of the published evidence, which lies in an installed package, or in a checkout."""
    for root in (package, package.parents[1]):
        place = root / "data" / "evidence"
        if (place / "datapackage.json").is_file():
            return {"evidence": of_files(_files(place), place)}
    return {}


def of_locks(folder: Path) -> dict[str, str]:
    """Return a digest of each lock file of the project in a folder."""
    return {f"lock {name}": of_file(folder / name) for name in LOCKS if (folder / name).is_file()}


def python() -> dict[str, str]:
    """Return what is known of Python and the machine."""
    return {
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "system": platform.system(),
        "machine": platform.machine(),
    }


def packages(places: Iterable[str] = ()) -> dict[str, str]:
    """Return the version of every installed package by its name.

    The folders' names tell it: to open two hundred files would take longer than all else that a report which has not
    changed waits for.
    """
    found: dict[str, str] = {}
    for place in places or sys.path:
        if Path(place or ".").is_dir():
            for path in Path(place or ".").iterdir():
                if told := _DISTRIBUTION.fullmatch(path.name):
                    # What stands first on the path is what is imported.
                    found.setdefault(re.sub(r"[-_.]+", "-", told["name"]).lower(), told["version"])
    return dict(sorted(found.items()))


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder, compiled ones left out."""
    for path in folder.rglob("*"):
        if "__pycache__" not in path.parts and path.is_file():
            yield path
