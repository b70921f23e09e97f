"""Outputs that appear whole or not at all, and CSV in which no cell is run as a formula."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from crampstudy import scratch
from crampstudy.errors import FileTaken, FolderTaken, OutputError

# What writes a file without a table waits for no polars.
if TYPE_CHECKING:
    import polars as pl

# What a spreadsheet runs as a formula; the same after apostrophes, so that taking one away is always right; and
# a signed number, which it does not run.
_FORMULA = r"^[=+\-@\t\r]"
_QUOTED = r"^'+[=+\-@\t\r]"
_NUMBER = r"^[+-]?\d+([.,]\d+)?$"


def csv_cell(text: str) -> str:
    """Return a text cell of a CSV file, with an apostrophe before what a spreadsheet would run as a formula."""
    runs = re.match(_FORMULA, text) and not re.match(_NUMBER, text)
    return f"'{text}" if runs or re.match(_QUOTED, text) else text


def csv_bare(text: str) -> str:
    """Return a text cell as it was before :func:`csv_cell`."""
    return text[1:] if re.match(_QUOTED, text) else text


def csv_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` with every text cell and column name as :func:`csv_cell` makes it."""
    import polars as pl
    import polars.selectors as cs

    cell = cs.string()
    runs = cell.str.contains(_FORMULA) & ~cell.str.contains(_NUMBER) | cell.str.contains(_QUOTED)
    safe = frame.with_columns(pl.when(runs).then(cell.str.replace("^", "'")).otherwise(cell).name.keep())
    return safe.rename(csv_cell)


def csv_restored(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` as it was before :func:`csv_safe`."""
    import polars as pl
    import polars.selectors as cs

    if frame.select(pl.any_horizontal(pl.lit(value=False), cs.string().str.contains(_QUOTED).any())).item():
        cell = cs.string()
        bare = pl.when(cell.str.contains(_QUOTED)).then(cell.str.slice(1)).otherwise(cell)
        frame = frame.with_columns(bare.name.keep())
    return frame.rename(csv_bare)


def csv_text(frame: pl.DataFrame) -> str:
    """Return ``frame`` as CSV in which no cell is run as a formula."""
    return csv_safe(frame).write_csv()


Judge = Callable[[Path], str | None]
"""Says what in a folder was not written by the command that would replace it, or ``None``, and it may be replaced."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """An empty folder to write to, and where the folder that it takes the place of is kept, if it is."""

    folder: Path
    kept: Path | None


@contextmanager
def whole_folder(target: Path, foreign: Judge, *, force: bool = False) -> Iterator[Fresh]:
    """Yield an empty folder beside ``target`` that takes its place when the block ends without an error.

    A folder that stands there already is replaced only if ``foreign`` finds nothing in it, so that nobody's files
    are ever lost. With ``force`` any other is kept beside, as ``target.old-1``. A failed block leaves it untouched.

    Raises:
        FolderTaken: the folder holds something that is not ours, and there is no ``force``.
        OutputError: ``target`` or a folder above it is a file, or the system does not let it be written.
    """
    with contextlib.ExitStack() as stack:
        with guarded(target):
            asked, target = target, Path(os.path.realpath(target))
            if target.exists() and not target.is_dir():
                raise _elsewhere(OutputError(f"{target} is a file; give a folder"), asked, _beside(asked))
            kept = _kept(target, foreign, force) if target.is_dir() and any(target.iterdir()) else None
            _make_parent(target)
            aside = stack.enter_context(scratch.folder(beside=target.parent))
        with guarded(target, aside):
            fresh = aside / "new"
            fresh.mkdir()
            yield Fresh(fresh, kept)
            if kept:
                target.rename(kept)
            try:
                scratch.put(fresh, target)
            except OSError:
                if kept:
                    kept.rename(target)
                raise


def _kept(target: Path, foreign: Judge, force: bool) -> Path | None:
    """Return where to keep a folder that is not ours, ``None`` for one of ours."""
    reason = foreign(target)
    if reason is None:
        return None
    kept = _free(target, ".old-")
    if not force:
        raise FolderTaken(
            f"{target}: {reason}; name another folder, such as --out {shlex.quote(str(_free(target, '-', 2)))}, "
            f"or add --force, which keeps this one beside it as {kept.name}"
        )
    return kept


def _free(target: Path, mark: str, first: int = 1) -> Path:
    """Return the first name with a number that nothing stands under."""
    number = first
    while os.path.lexists(free := target.with_name(f"{target.name}{mark}{number}")):
        number += 1
    return free


def unrecorded(folder: Path, digests: Mapping[str, str]) -> str | None:
    """Say which file in ``folder`` is not as written, by name and SHA-256; ``None`` if each that is there is."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() and not path.is_symlink():
            continue
        if name not in digests or path.is_symlink() or not path.is_file():
            return f"it holds {name}, which this command did not write"
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digests[name]:
                return f"{name} is not as this command wrote it"
    return None


def check_free(target: Path, option: str, *, force: bool = False) -> None:
    """Check that a file may be written: none is there, or it is put aside by ``force``; ``option`` names the file.

    Raises:
        FileTaken: a file is there, and there is no ``force``.
        OutputError: it is a folder or a device.
    """
    if not os.path.lexists(target):
        return
    if not target.is_file():
        raise _no_file(target, target)
    if not force:
        number = 2
        while os.path.lexists(free := target.with_name(f"{target.stem}-{number}{target.suffix}")):
            number += 1
        raise FileTaken(
            f"{target} is there already; name another file, such as {option} {shlex.quote(str(free))}, or add --force, "
            f"which keeps this one beside it as {_free(target, '.old-').name}"
        )


def new_file(target: Path, content: bytes, option: str, *, force: bool = False, private: bool = False) -> Path | None:
    """Write ``content`` to a file whole or not at all, and return where one is kept that by ``force`` it replaced.

    Args:
        target: the file.
        content: its bytes.
        option: the option that names the file.
        force: whether a file that is there is put aside.
        private: whether only its owner can read the file.

    Raises:
        FileTaken: as :func:`check_free`.
        OutputError: as :func:`whole_file`.
    """
    check_free(target, option, force=force)
    kept = _free(target, ".old-") if target.exists() else None
    with whole_stream(target, private, kept) as file:
        file.write(content)
    return kept


def whole_file(target: Path, content: bytes, private: bool = False) -> None:
    """Write ``content`` to ``target`` whole or not at all; a ``private`` file only its owner can read.

    Raises:
        OutputError: ``target`` is a folder or a device, a folder above it is a file, or the system does not let it
            be written.
    """
    with whole_stream(target, private) as file:
        file.write(content)


@contextmanager
def whole_stream(target: Path, private: bool = False, kept: Path | None = None) -> Iterator[IO[bytes]]:
    """Yield a file to write to, which takes the place of ``target`` when the block ends without an error.

    What it replaces is put aside as ``kept``, if that is given.

    Raises:
        OutputError: as :func:`whole_file`.
    """
    with contextlib.ExitStack() as stack:
        with guarded(target):
            asked, target = target, Path(os.path.realpath(target))
            if target.exists() and not target.is_file():
                raise _no_file(target, asked)
            _make_parent(target)
            aside, file = stack.enter_context(scratch.file(beside=target.parent))
        with guarded(target, aside):
            with file:
                yield file
            aside.chmod(0o600 if private else 0o644)
            if kept:
                target.rename(kept)
            try:
                aside.replace(target)
            except OSError:
                if kept:
                    kept.rename(target)
                raise


@contextmanager
def guarded(target: Path, aside: Path | None = None) -> Iterator[None]:
    """Turn what the system refuses within the block into one message: what, where, and what to do.

    With ``aside``, where the block writes before ``target`` appears, only errors of space and of files there count
    as errors of writing; the block may read other files, and theirs pass.

    Raises:
        OutputError: the system does not let ``target`` be written.
    """
    try:
        yield
    except OSError as error:
        if aside is None or error.errno in _SPACE or str(error.filename).startswith(str(aside)):
            raise _elsewhere(OutputError(refusal(error, target)), target, _instead(error, target)) from error
        raise


_SPACE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO}
_SHORT = 60
"""Characters of a name that every file system takes."""
_ROOM = "make room there and in the folder of temporary files, or name a place on another disk"
_ELSEWHERE = "name a place that you may write to"
_REFUSALS: Mapping[int | None, tuple[str, str]] = {
    errno.ENOSPC: ("no space is left on its disk", _ROOM),
    errno.EDQUOT: ("your share of its disk is used up", _ROOM),
    errno.EFBIG: ("a file would be larger than the system allows", _ROOM),
    errno.EROFS: ("its disk can only be read", _ELSEWHERE),
    errno.EACCES: ("permission is denied", _ELSEWHERE),
    errno.EPERM: ("permission is denied", _ELSEWHERE),
    errno.ENOENT: ("nothing can be made there", _ELSEWHERE),
    errno.ENOTDIR: ("a file stands in the place of a folder above it", "name another place"),
    errno.EEXIST: ("a file stands in its place or in that of a folder above it", "name another place"),
    errno.EPIPE: ("what reads it has ended", "let it read to the end, or write to a file"),
    errno.ENAMETOOLONG: ("its name is too long", "give a shorter one"),
}


def refusal(error: OSError, target: object) -> str:
    """Return what to say of a ``target`` that the system does not let be written."""
    what, then = _REFUSALS.get(error.errno, (error.strerror or type(error).__name__, _ELSEWHERE))
    return f"{target} cannot be written: {what}; {then}"


def _no_file(target: Path, asked: Path) -> OutputError:
    said = f"{target} is not a file that can be replaced; give the name of a file"
    return _elsewhere(OutputError(said), asked, _beside(asked))


def _beside(asked: Path) -> Path | None:
    """Return a free name like the one that was asked for, ``None`` for what has none of its own, such as ``.``."""
    return _free(asked, "-", 2) if asked.name else None


def _elsewhere(error: OutputError, asked: Path, instead: Path | None) -> OutputError:
    """Return an error of a path as it was ``asked`` for, with the one that can be written to ``instead``, if any."""
    error.correction = (str(asked), str(instead)) if instead is not None else None
    return error


def _instead(error: OSError, target: Path) -> Path | None:
    """Return where to write what the system does not let be written at a ``target``, if that can be told."""
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        files = [above for above in (target, *target.parents) if above.exists() and not above.is_dir()]
        instead = _beside(files[-1]) if files else None
        return instead / target.relative_to(files[-1]) if instead else None
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT):
        here = Path(target.name)
        return _beside(here) if os.path.lexists(here) else here
    return Path(*target.parts[:-1], target.name[:_SHORT]) if error.errno == errno.ENAMETOOLONG else None


def _make_parent(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
