"""Temporary folders and files that are swept by the next run when the one that made them was killed.

What is under way is locked by its process: the lock ends with it, however it ends. Its name bears a mark that names
given by others do not, so that nothing else is ever swept, and it is nobody's but its owner's.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform != "win32":
    import fcntl

_MARK = re.compile(r"\.?crampstudy-([0-9a-f]{8})([0-9a-f]{8})")
_OLD = "old"
_HERE, _SWAP = -100, 2
"""Of Linux' ``renameat2``: paths from the current folder, and two names that change places."""


@contextmanager
def folder(beside: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder, its owner's alone, that goes when the block ends.

    It lies where the system has its temporary files, or hidden in the folder ``beside``. What killed runs left there is
    swept first.
    """
    with _made(beside, lambda path: path.mkdir(mode=0o700)) as path:
        try:
            yield path
        finally:
            # What cannot be removed now is swept later.
            shutil.rmtree(path, ignore_errors=True)


@contextmanager
def file(beside: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """Yield the path of a new file hidden in ``beside``, its owner's alone, and the file, open for writing.

    It goes when the block ends, unless it was renamed; what killed runs left beside it is swept first.
    """
    with _made(beside, lambda path: path.touch(mode=0o600, exist_ok=False)) as path:
        try:
            with path.open("wb") as stream:
                yield path, stream
        finally:
            path.unlink(missing_ok=True)


def put(fresh: Path, target: Path) -> None:
    """Put the folder ``fresh``, made in one of :func:`folder` beside ``target``, in the place of ``target``.

    What stood there is left in the temporary folder. Where the system can let two folders change places, there is
    no moment without ``target``; elsewhere, a run that is killed in that moment leaves the old folder to the next
    sweep, which puts it back.
    """
    if not target.exists():
        fresh.rename(target)
    elif not _swapped(fresh, target):
        aside = fresh.parent / _OLD / target.name
        aside.parent.mkdir()
        target.rename(aside)
        try:
            fresh.rename(target)
        except BaseException:
            aside.rename(target)
            raise


def sweep(place: Path | None = None) -> None:
    """Remove from a folder, or from where the system has its temporary files, what is of no process that lives."""
    place = place or Path(tempfile.gettempdir())
    try:
        paths = [path for path in place.iterdir() if _is_marked(path.name)]
    except PermissionError:
        # One may write to a folder that one cannot list.
        return
    for path in paths:
        with _locked(path, wait=False) as alone:
            if alone:
                _remove(path)


def _remove(path: Path) -> None:
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return
    for old in (path / _OLD).glob("*"):
        home = path.parent / old.name
        if not home.exists():
            old.rename(home)
    shutil.rmtree(path, ignore_errors=True)


@contextmanager
def _made(beside: Path | None, make: Callable[[Path], None]) -> Iterator[Path]:
    place = beside or Path(tempfile.gettempdir())
    sweep(place)
    while True:
        token = secrets.token_hex(4)
        path = place / f"{'.' if beside else ''}crampstudy-{token}{_check(token)}"
        make(path)
        with _locked(path, wait=True):
            # Another run may have swept it in the moment before it was locked.
            if path.exists():
                yield path
                return


def _is_marked(name: str) -> bool:
    found = _MARK.fullmatch(name)
    return found is not None and found[2] == _check(found[1])


def _check(token: str) -> str:
    return hashlib.sha256(f"crampstudy {token}".encode()).hexdigest()[:8]


@contextmanager
def _locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Lock a file or folder of ours and say whether that could be done; where it cannot, nothing is swept."""
    with contextlib.ExitStack() as stack:
        alone = False
        if sys.platform != "win32":
            # It may have gone by now, be somebody else's, be locked by its owner, or lie where nothing can be locked.
            with contextlib.suppress(OSError):
                handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
                stack.callback(os.close, handle)
                if os.fstat(handle).st_uid == os.getuid():
                    fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
                    alone = True
        yield alone


def _swapped(one: Path, other: Path) -> bool:
    """Let two folders change places, and say whether the system and the file system could do that."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    return rename is not None and rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), _SWAP) == 0
