"""Outputs that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from crampstudy.errors import UsageError


@contextmanager
def whole_folder(target: Path, ours: Callable[[str], bool]) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` that takes its place when the block ends without an error.

    A folder that stands there already is replaced only if every name in it is one of ``ours``, so that
    nobody's files are ever lost; a failed block leaves it untouched.

    Raises:
        UsageError: ``target`` or a folder above it is a file, or it is a folder with something in it that is
            not ours.
    """
    target = target.resolve()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{target} is a file; give a folder")
    if target.is_dir():
        foreign = sorted(path.name for path in target.iterdir() if not ours(path.name))
        if foreign:
            raise UsageError(f"{target} holds {foreign[0]}, which this command did not write; give another folder")
    _make_parent(target)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        fresh = aside / "new"
        fresh.mkdir()
        yield fresh
        if target.exists():
            target.rename(aside / "old")
        try:
            fresh.rename(target)
        except OSError:
            if (aside / "old").exists():
                (aside / "old").rename(target)
            raise
    finally:
        shutil.rmtree(aside)


def whole_file(target: Path, content: bytes) -> None:
    """Write ``content`` to ``target`` whole or not at all.

    Raises:
        UsageError: ``target`` is a folder or a device, or a folder above it is a file.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        raise UsageError(f"{target} is not a file that can be replaced; give the name of a file")
    _make_parent(target)
    handle, aside = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(aside).chmod(0o644)
        Path(aside).replace(target)
    finally:
        Path(aside).unlink(missing_ok=True)


def _make_parent(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{target.parent} cannot be a folder, for a file stands in its place; name another") from None
