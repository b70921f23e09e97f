"""Where a report comes from: digests of what went in and what came out, and the software between."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampstudy.atomic_write import unrecorded
from crampstudy.cohort import Cohort

MANIFEST = "manifest.json"
FORMAT = "crampstudy-manifest-1"
_LOCKS = ("requirements.lock", "uv.lock")


def version() -> str:
    """Return the version of the installed package, ``unknown`` where only its source is on the path."""
    try:
        return importlib.metadata.version("crampstudy")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def sha256(content: bytes) -> str:
    """Return the SHA-256 of some bytes, hexadecimal."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of a report: what it is called, and a digest that tells it from another one of that name."""

    shown: str
    sha256: str

    def foreign(self, folder: Path, sections: Collection[str]) -> str | None:
        """Say why a report of this source may not replace what is in ``folder``, or ``None``.

        ``sections`` are those of the new report if it is not whole; it would lose the others of the old one.
        """
        try:
            content = (folder / MANIFEST).read_bytes()
            told = json.loads(content)
            digests = {name: output["sha256"] for name, output in told["outputs"].items()}
            notebooks = list(told["inputs"]["notebooks"])
            before = Origin(**told.get("source", {"shown": "a source that it does not name", "sha256": ""}))
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return unrecorded(folder, {})
        if reason := unrecorded(folder, {**digests, MANIFEST: sha256(content)}):
            return reason
        if before.sha256 != self.sha256:
            return f"it holds the report of another source ({before.shown})"
        lost = [name for name in notebooks if name not in sections] if sections else []
        return f"it holds a report with more sections ({', '.join(lost)})" if lost else None


def report_above(file: Path) -> Path | None:
    """Return the folder of a report that a file lies in, at whatever depth, ``None`` where it lies in none."""
    return next((folder for folder in file.parents if _is_report(folder)), None)


def _is_report(folder: Path) -> bool:
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(told, dict) and told.get("format") == FORMAT


def manifest(
    cohorts: Sequence[Cohort],
    *,
    origin: Origin,
    parameters: Mapping[str, Any],
    notebooks: Sequence[Path],
    outline: Path | None,
    outputs: Mapping[str, bytes],
    seconds: Mapping[str, float],
) -> bytes:
    """Return the manifest of a report as JSON.

    Everything but ``timings`` is the same for the same inputs in the same places on the same machine; no path but
    names, and nothing of the user, is in it.

    Args:
        cohorts: the one cohort of the report, or those that it compares.
        origin: its source.
        parameters: name to value, defaults with them.
        notebooks: the notebooks in order.
        outline: their ``outline.yaml``, if there is one; a project's lock file is looked for beside their folder.
        outputs: file name to content.
        seconds: wall time per stage.
    """
    package = Path(__file__).resolve().parents[1]
    described = [
        {"name": cohort.name, "kind": cohort.kind, "synthetic": cohort.synthetic, "sha256": cohort.digest}
        for cohort in cohorts
    ]
    inputs: dict[str, Any] = {
        **({"cohort": described[0]} if len(described) == 1 else {"cohorts": described}),
        "parameters": dict(parameters),
        "notebooks": {path.stem: sha256(path.read_bytes()) for path in notebooks},
        "code": _tree(package),
    }
    if outline is not None:
        inputs["outline"] = sha256(outline.read_bytes())
    locks = (notebooks[0].parent.parent / name for name in _LOCKS)
    inputs["locks"] = {lock.name: sha256(lock.read_bytes()) for lock in locks if lock.is_file()}
    content = {
        "format": FORMAT,
        "crampstudy": version(),
        "date_of_data": max(cohort.date_of_data for cohort in cohorts).isoformat(),
        "source": {"shown": origin.shown, "sha256": origin.sha256},
        "inputs": inputs,
        "environment": {
            "python": platform.python_version(),
            "system": platform.system(),
            "machine": platform.machine(),
            "implementation": sys.implementation.name,
            "packages": dict(_packages()),
        },
        "outputs": {name: {"sha256": sha256(data), "bytes": len(data)} for name, data in sorted(outputs.items())},
        "timings": {stage: round(value, 3) for stage, value in seconds.items()},
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _packages() -> Iterable[tuple[str, str]]:
    found = {dist.metadata["Name"].lower(): dist.version for dist in importlib.metadata.distributions()}
    return sorted(found.items())


def _tree(folder: Path) -> str:
    """Return one digest of a package's files: names and contents, compiled files left out."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256(path.read_bytes())}\n".encode())
    return digest.hexdigest()
