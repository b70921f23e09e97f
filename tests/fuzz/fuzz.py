"""Spoil small files of every kind, and hold what is read against what they plainly say: `make fuzz`.

Every file has its own seed, so that one comes again by its name: `--only redcap/17 --keep DIR`.
"""

from __future__ import annotations

import resource
import shutil
import signal
import tempfile
import traceback
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import FrameType

import fuzz_beside
import fuzz_books
import fuzz_lists
import fuzz_mapped
import fuzz_nhanes
import fuzz_oracle
import fuzz_packages
import fuzz_redcap
import fuzz_statfiles
import numpy as np
from fuzz_kinds import Kind
from fuzz_plain import Plain, Unclear

from crampstudy.cleaning import Cleaned
from crampstudy.errors import CrampstudyError
from crampstudy.sources import load
from crampstudy.sources.readers import bare_list

_MODULES = (
    *(fuzz_packages, fuzz_beside, fuzz_lists, fuzz_redcap, fuzz_mapped, fuzz_statfiles, fuzz_books, fuzz_nhanes),
)
KINDS: dict[str, Kind] = {kind.name: kind for module in _MODULES for kind in module.KINDS}
SECONDS = 10
OUTCOMES = ("refused", "accepted whole", "with a ledger", "traceback", "hang", "silent change")
FAULTS = OUTCOMES[3:]


class Hang(BaseException):
    """A file took longer than it may. Not an Exception, so that nothing on the way can take it for one of its own."""


@dataclass(frozen=True)
class Result:
    """What became of one file; ``name`` brings it back."""

    name: str
    outcome: str
    damage: str
    told: str


@dataclass
class Summary:
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    faults: list[Result] = field(default_factory=list)

    def add(self, result: Result) -> None:
        self.counts.setdefault(result.name.partition("/")[0], Counter())[result.outcome] += 1
        if result.outcome in FAULTS:
            self.faults.append(result)

    def markdown(self) -> str:
        lines = [f"| kind | files | {' | '.join(OUTCOMES)} |", f"|---|{'---:|' * (len(OUTCOMES) + 1)}"]
        total: Counter[str] = Counter()
        for name, counts in self.counts.items():
            total += counts
            lines.append(_line(name, counts))
        return "\n".join([*lines, _line("**all**", total)])


def _line(name: str, counts: Counter[str]) -> str:
    return f"| {name} | {counts.total():,} | " + " | ".join(f"{counts[outcome]:,}" for outcome in OUTCOMES) + " |"


@contextmanager
def _limited() -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def generator(seed: int, kind: str, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(zlib.crc32(kind.encode()), number)))


@cache
def _before(kind: str) -> Plain:
    with tempfile.TemporaryDirectory() as name:
        KINDS[kind].write(Path(name))
        return KINDS[kind].plain(Path(name))


def one(kind: Kind, number: int, seed: int, folder: Path) -> Result:
    """Write, spoil and read one file in an empty folder."""
    source = kind.write(folder)
    damage = kind.spoil(folder, generator(seed, kind.name, number))
    outcome, told = judged(kind, source, folder)
    return Result(f"{kind.name}/{number}", outcome, damage, told)


def judged(kind: Kind, source: str, folder: Path) -> tuple[str, str]:
    try:
        with _limited():
            made = bare_list.read(Path(source)) if kind.bare else load(source)
    except CrampstudyError as error:
        return _refusal(str(error), folder)
    except Hang:
        return "hang", f"more than {SECONDS} s"
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return "traceback", "".join(traceback.format_exception(error)[-3:])
    try:
        plain = kind.plain(folder)
    except Unclear:
        plain = None
    if isinstance(made, bare_list.NightList):
        found = list(fuzz_lists.problems(made, plain))
        said = bool(made.left_out or made.notices)
    else:
        found = _problems(kind, made, plain, folder)
        said = not made.ledger.is_empty()
    return ("silent change", "\n".join(found[:4])) if found else (OUTCOMES[1 + said], "")


def _problems(kind: Kind, made: Cleaned, plain: Plain | None, folder: Path) -> list[str]:
    if plain is None:
        texts = "\n".join(path.read_bytes().decode("utf-8", "replace") for path in sorted(folder.iterdir()))
        return list(fuzz_oracle.problems(made, None, kind.truth(), texts))
    found = fuzz_oracle.problems(made, plain, kind.truth())
    return [*found, *fuzz_oracle.altered(_before(kind.name), plain, made, kind.truth())]


def _refusal(message: str, folder: Path) -> tuple[str, str]:
    if len(message.splitlines()) != 1:
        return "traceback", f"a refusal of several lines: {message!r}"
    names = {path.name for path in folder.rglob("*")} | {path.stem for path in folder.rglob("*")} | {str(folder)}
    if not any(name in message for name in names):
        return "traceback", f"a refusal that names no file: {message}"
    return "refused", message


def names(files: int, kinds: Sequence[str] = tuple(KINDS)) -> Iterator[str]:
    """Yield the names of ``files`` files, shared out over the kinds."""
    for number in range(files):
        yield f"{kinds[number % len(kinds)]}/{number // len(kinds)}"


def again(name: str, seed: int, keep: Path | None = None, always: bool = False) -> Result:
    """Make the file of this name again and return what becomes of it; what is at fault is kept in ``keep``."""
    kind, _, number = name.partition("/")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        result = one(KINDS[kind], int(number), seed, Path(folder))
        if keep is not None and (always or result.outcome in FAULTS):
            shutil.copytree(folder, keep / name.replace("/", "-"), dirs_exist_ok=True)
    return result


def memory() -> int:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
