"""Outputs that appear whole or not at all, and CSV in which no cell is run as a formula."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import polars as pl
import polars.selectors as cs

from crampstudy import scratch
from crampstudy.errors import UsageError

# What a spreadsheet runs as a formula; the same after apostrophes, so that taking one away is always right; and
# a signed number, which it does not run.
_FORMULA = r"^[=+\-@\t\r]"
_QUOTED = r"^'+[=+\-@\t\r]"
_NUMBER = r"^[+-]?\d+([.,]\d+)?$"


def csv_cell(text: str) -> str:
    """Return a text cell of a CSV file, with an apostrophe before what a spreadsheet would run as a formula."""
    runs = re.match(_FORMULA, text) and not re.match(_NUMBER, text)
    return f"'{text}" if runs or re.match(_QUOTED, text) else text


def csv_safe(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` with every text cell and column name as :func:`csv_cell` makes it."""
    cell = cs.string()
    runs = cell.str.contains(_FORMULA) & ~cell.str.contains(_NUMBER) | cell.str.contains(_QUOTED)
    safe = frame.with_columns(pl.when(runs).then(cell.str.replace("^", "'")).otherwise(cell).name.keep())
    return safe.rename(csv_cell)


def csv_restored(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ``frame`` as it was before :func:`csv_safe`."""
    if frame.select(pl.any_horizontal(pl.lit(value=False), cs.string().str.contains(_QUOTED).any())).item():
        cell = cs.string()
        bare = pl.when(cell.str.contains(_QUOTED)).then(cell.str.slice(1)).otherwise(cell)
        frame = frame.with_columns(bare.name.keep())
    return frame.rename(lambda name: name[1:] if re.match(_QUOTED, name) else name)


def csv_text(frame: pl.DataFrame) -> str:
    """Return ``frame`` as CSV in which no cell is run as a formula."""
    return csv_safe(frame).write_csv()


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
    with scratch.folder(beside=target.parent) as aside:
        fresh = aside / "new"
        fresh.mkdir()
        yield fresh
        scratch.put(fresh, target)


def whole_file(target: Path, content: bytes, private: bool = False) -> None:
    """Write ``content`` to ``target`` whole or not at all; a ``private`` file only its owner can read.

    Raises:
        UsageError: ``target`` is a folder or a device, or a folder above it is a file.
    """
    with whole_stream(target, private) as file:
        file.write(content)


@contextmanager
def whole_stream(target: Path, private: bool = False) -> Iterator[IO[bytes]]:
    """Yield a file to write to, which takes the place of ``target`` when the block ends without an error.

    Raises:
        UsageError: as :func:`whole_file`.
    """
    target = target.resolve()
    if target.exists() and not target.is_file():
        raise UsageError(f"{target} is not a file that can be replaced; give the name of a file")
    _make_parent(target)
    with scratch.file(beside=target.parent) as (aside, file):
        with file:
            yield file
        aside.chmod(0o600 if private else 0o644)
        aside.replace(target)


def _make_parent(target: Path) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise UsageError(f"{target.parent} cannot be a folder, for a file stands in its place; name another") from None
