"""Results of a map on disk, a file each, so that a run that was ended goes on where it stood."""

from __future__ import annotations

import hashlib
import os
import pickle
import shlex
import stat
from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from crampstudy import scratch
from crampstudy.compute import stored, version
from crampstudy.errors import UsageError

T = TypeVar("T")
R = TypeVar("R")
Task = Callable[[T], R]

_SUM = hashlib.sha256().digest_size


def cached(
    task: Task[T, R],
    items: Iterable[T],
    folder: Path,
    run: Callable[[Iterable[T]], Iterator[R]],
    kinds: Collection[type] = (),
) -> Generator[R, None, None]:
    """Yield results in the order of the items: from ``folder`` where they are there, else by ``run``, and kept.

    A file is named by the number of its item and a digest of version, task and item, and begins with the
    checksum of its content, which is data alone (:mod:`crampstudy.compute.stored`).

    Args:
        task: what is done with an item; it tells results of other tasks apart.
        items: drawn as results are taken.
        folder: where the files are.
        run: yields the results of the items that it is given, in their order.
        kinds: the dataclasses that may be in a result.

    Raises:
        UsageError: a task or an item cannot be told from others by its content, or a result cannot be kept.
    """
    entries: deque[_Entry] = deque()
    pending: deque[T] = deque()
    drawn = enumerate(items, 1)
    of_task = _digest(task, task)

    def draw() -> bool:
        following = next(drawn, None)
        if following is None:
            return False
        number, item = following
        entry = _Entry(folder / f"{number:06d}-{_digest((version.current(), of_task, item), item)}.result", kinds)
        entries.append(entry)
        if not entry.is_whole():
            entry.missing = True
            pending.append(item)
        return True

    def missing() -> Iterator[T]:
        while pending or draw():
            if pending:
                yield pending.popleft()

    # A run that finds everything makes nothing temporary, and would leave what a killed one has left.
    scratch.sweep()
    with scratch.folder(beside=folder) as aside, closing(_generator(run(missing()))) as results:
        while entries or draw():
            entry = entries.popleft()
            if entry.missing:
                result = next(results)
                entry.store(result, aside)
            else:
                result = entry.load()
            yield result


def _generator(results: Iterator[R]) -> Generator[R, None, None]:
    yield from results


@dataclass(slots=True)
class _Entry:
    path: Path
    kinds: Collection[type]
    missing: bool = False

    def is_whole(self) -> bool:
        """Return whether the result is there, all of it, and can be read."""
        try:
            self._read()
        except (FileNotFoundError, stored.NotData):
            return False
        return True

    def load(self) -> Any:
        try:
            return self._read()
        except (FileNotFoundError, stored.NotData):
            raise UsageError(f"{self.path} was changed while it was used; give every run a folder of its own") from None

    def store(self, result: object, aside: Path) -> None:
        try:
            content = stored.encode(result, self.kinds)
        except stored.NotData as problem:
            raise UsageError(
                f"a result of this task cannot be kept: it holds {problem}; what can be kept: {stored.ALLOWED}. Return "
                "one of these, or leave out `keep`"
            ) from None
        fresh = aside / self.path.name
        # A result may tell of participants: nobody else reads it.
        with open(fresh, "wb", opener=_private) as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.path)

    def _read(self) -> Any:
        if self.path.is_symlink() or not self.path.is_file():
            raise FileNotFoundError(self.path)
        written = self.path.read_bytes()
        content = written[_SUM:]
        if hashlib.sha256(content).digest() != written[:_SUM]:
            raise stored.NotData("half written")
        return stored.decode(content, self.kinds)


def check_private(folder: Path) -> None:
    """Make the folder if it is not there, and check that nobody else can put results there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{folder} cannot be a folder, for a file stands in its place; name another") from None
    if os.name != "posix":
        return
    # Of a link what it leads to: that is where the results are.
    found = folder.stat()
    place = shlex.quote(str(folder))
    if found.st_uid != os.getuid():
        raise UsageError(
            f"{folder} belongs to somebody else, whose results may stand there; keep yours in a new folder"
        )
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(
            f"{folder} can be written to by others, so that results in it may not be yours; keep them in a new folder, "
            f"or, if you trust what is there, run: chmod 700 {place}"
        )


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _digest(of: object, shown: object) -> str:
    from joblib import hash as digest_of

    try:
        return str(digest_of(of, hash_name="sha1"))[:16]
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise UsageError(
            f"results are kept only for what can be told from others by its content, and {shown!r:.80} cannot "
            f"({reason}); use functions and classes of a module"
        ) from None
