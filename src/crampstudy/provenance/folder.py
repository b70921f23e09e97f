"""Whose report a folder holds, and whether another one may take its place."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampstudy.provenance import crate
from crampstudy.provenance.digests import sha256
from crampstudy.provenance.record import Origin

_OLDER = "manifest.json"
_OLDER_FORMAT = "crampstudy-manifest-1"
"""The record of reports that were made before it was a crate."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What replacing a report has to know of it; ``record`` is the name of the file that says it."""

    record: str
    outputs: Mapping[str, str]
    notebooks: tuple[str, ...]
    origin: Origin


def foreign(folder: Path, origin: Origin, sections: Collection[str]) -> str | None:
    """Say why a report of this origin may not replace what is in ``folder``, or ``None``.

    ``sections`` are those of the new report if it is not whole; it would lose the others of the old one.
    """
    from crampstudy.atomic_write import unrecorded

    held = next(_held(folder), None)
    if held is None:
        return unrecorded(folder, {})
    if reason := unrecorded(folder, {**held.outputs, held.record: sha256((folder / held.record).read_bytes())}):
        return reason
    if held.origin.sha256 != origin.sha256:
        return f"it holds the report of another source ({held.origin.shown})"
    lost = [name for name in held.notebooks if name not in sections] if sections else []
    return f"it holds a report with more sections ({', '.join(lost)})" if lost else None


def report_above(file: Path) -> Path | None:
    """Return the folder of a report that a file lies in, at whatever depth, ``None`` where it lies in none."""
    return next((folder for folder in file.parents if is_report(folder)), None)


def is_report(folder: Path) -> bool:
    """Say whether a folder holds a report that this package made."""
    return any(_held(folder)) or _older(folder).get("format") == _OLDER_FORMAT


def _held(folder: Path) -> Iterator[_Held]:
    """Yield what is known of the report in a folder, by whichever version of the package it was made."""
    try:
        made = crate.read(folder)
    except crate.Unrecorded:
        told = _older(folder)
        try:
            outputs = {name: output["sha256"] for name, output in told["outputs"].items()}
            origin = Origin(**told.get("source", {"shown": "a source that it does not name", "sha256": ""}))
            yield _Held(_OLDER, outputs, tuple(told["inputs"]["notebooks"]), origin)
        except (LookupError, TypeError, AttributeError):
            return
    else:
        yield _Held(crate.MANIFEST, made.outputs, made.notebooks, made.origin)


def _older(folder: Path) -> dict[str, Any]:
    try:
        told = json.loads((folder / _OLDER).read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
