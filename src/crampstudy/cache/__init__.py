"""What was made once and is kept under a key of its content, in one place of the user's own.

What is kept is data alone. A file that is half written, was changed, belongs to another version or to another user is
no entry: it is made anew, and never believed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "CRAMPSTUDY_CACHE"
"""Of the environment: names another folder for the cache."""
KERNEL_VARIABLE = "CRAMPSTUDY_CACHE_OF_REPORT"
"""Of the environment of a report's kernels: the folder of the cache that the report uses."""
KINDS: Mapping[str, str] = {
    "report": "what reports were made of, and where their sources are",
    "notebook": "sections as they were run",
    "picture": "figures as they were printed",
    "pages": "what pages were set from: those that have not changed are not set again",
    "findings": "what analyses found: no model is fitted anew for them",
    "multiverse": "claims under other specifications",
}
MOST_BYTES = 2 * 1024**3
"""Beyond this, what was not used for longest goes."""
_FORMAT = "crampstudy-cache-1"
_KEY = re.compile(r"[0-9a-f]{64}")


def default_folder() -> Path:
    """Return where the cache of this user is, unless ``CRAMPSTUDY_CACHE`` names another folder."""
    if named := os.environ.get(VARIABLE):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "crampstudy"


def key_of(*parts: object) -> str:
    """Return the key of what follows from some parts: numbers, texts, and what has a faithful representation."""
    return hashlib.sha256(repr(parts).encode(errors="surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Cache:
    """Entries by kind and key in a folder; see :func:`opened`."""

    folder: Path

    def get(self, kind: str, key: str) -> bytes | None:
        """Return the content of an entry, ``None`` where there is none that can be believed."""
        path = self._path(kind, key)
        try:
            with os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0)), "rb") as file:
                if not _own(os.fstat(file.fileno())):
                    return None
                head, _, content = file.read().partition(b"\n")
        except OSError:
            return None
        if head != _head(kind, key, content):
            return None
        # What is used stays longest.
        os.utime(path)
        return content

    def put(self, kind: str, key: str, content: bytes) -> bool:
        """Keep the content of an entry, whole or not at all, and say whether that could be done.

        Where it cannot be written, what it is of is made anew another time: that costs time, and nothing else.
        """
        path = self._path(kind, key)
        aside = path.with_name(f".{key}.{os.getpid()}.new")
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_head(kind, key, content) + b"\n" + content)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except OSError:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
            return False
        return True

    def files(self, kind: str) -> Iterator[Path]:
        """Yield the files of a kind of entry, what killed runs left of it too."""
        place = self.folder / kind
        if place.is_dir() and not place.is_symlink():
            yield from (path for path in place.iterdir() if _KEY.search(path.name))

    def clear(self) -> int:
        """Remove every entry, and return how many bytes that were; what else lies in the folder stays."""
        size = 0
        for kind in KINDS:
            for path in self.files(kind):
                size += path.stat().st_size
                path.unlink(missing_ok=True)
        return size

    def trim(self, most: int = MOST_BYTES) -> None:
        """Remove what was not used for longest until the entries take no more than so many bytes."""
        found = [(path.stat(), path) for kind in KINDS for path in self.files(kind)]
        size = sum(told.st_size for told, _ in found)
        for told, path in sorted(found, key=lambda each: each[0].st_mtime):
            if size <= most:
                return
            path.unlink(missing_ok=True)
            size -= told.st_size

    def _path(self, kind: str, key: str) -> Path:
        return self.folder / kind / key


def opened(folder: Path | None = None) -> Cache | str:
    """Return the cache of a folder, which is made; or the reason why none can be used there, in words."""
    place = default_folder() if folder is None else folder
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = place.stat()
    except OSError as problem:
        return f"{place} cannot be made: {problem.strerror}"
    if not _own(told):
        return f"{place} belongs to another user"
    if os.name == "posix" and told.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"others may write to {place}"
    return Cache(place) if os.access(place, os.W_OK) else f"{place} cannot be written"


@contextlib.contextmanager
def used(found: Cache | None) -> Iterator[None]:
    """Let the analyses of this process use a cache while the block lasts, as those of a report's kernels do."""
    before = os.environ.pop(KERNEL_VARIABLE, None)
    if found is not None:
        os.environ[KERNEL_VARIABLE] = str(found.folder)
    try:
        yield
    finally:
        os.environ.pop(KERNEL_VARIABLE, None)
        if before is not None:
            os.environ[KERNEL_VARIABLE] = before


def of_report() -> Cache | None:
    """Return the cache of the report whose kernel this process is, ``None`` where it is none or uses no cache."""
    named = os.environ.get(KERNEL_VARIABLE)
    found = opened(Path(named)) if named else None
    return found if isinstance(found, Cache) else None


def _own(told: os.stat_result) -> bool:
    return os.name != "posix" or told.st_uid == os.getuid()


def _head(kind: str, key: str, content: bytes) -> bytes:
    return f"{_FORMAT} {kind} {key} {hashlib.sha256(content).hexdigest()}".encode()
