"""Where a report comes from: digests of what went in and what came out, and the software between."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from crampstudy.cohort import Cohort

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


def manifest(
    cohort: Cohort,
    *,
    parameters: Mapping[str, Any],
    notebooks: Sequence[Path],
    outline: Path,
    outputs: Mapping[str, bytes],
    seconds: Mapping[str, float],
) -> bytes:
    """Return the manifest of a report as JSON.

    Everything but ``timings`` is the same for the same inputs on the same machine; no path but
    names, and nothing of the user, is in it.

    Args:
        cohort: the cohort of the report.
        parameters: name to value, defaults with them.
        notebooks: the notebooks in order.
        outline: their ``outline.yaml``; a project's lock file is looked for beside its folder.
        outputs: file name to content.
        seconds: wall time per stage.
    """
    package = Path(__file__).resolve().parents[1]
    inputs: dict[str, Any] = {
        "cohort": {"name": cohort.name, "kind": cohort.kind, "synthetic": cohort.synthetic, "sha256": cohort.digest},
        "parameters": dict(parameters),
        "notebooks": {path.stem: sha256(path.read_bytes()) for path in notebooks},
        "code": _tree(package),
    }
    inputs["outline"] = sha256(outline.read_bytes())
    locks = (outline.parent.parent / name for name in _LOCKS)
    inputs["locks"] = {lock.name: sha256(lock.read_bytes()) for lock in locks if lock.is_file()}
    content = {
        "format": "crampstudy-manifest-1",
        "crampstudy": version(),
        "date_of_data": cohort.date_of_data.isoformat(),
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
