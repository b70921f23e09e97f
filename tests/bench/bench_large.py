"""Commands on large and wide data: a diary of millions of nights from one Parquet file, a report of one, wide lists.

Each command runs in a process of its own. After its time a line says how much memory it held at most, with all that it
started, as the kernel of Linux counts it every tenth of a second. A list of thousands of columns is timed against one
of ten; what is not told by the ratio is the same.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import big_diary
import numpy as np
from timing import Job

NIGHTS, REPORTED = 5_000_000, 1_000_000
WIDE, NARROW = 2_000, 10
ALONE = "(nobody else)"
COMMANDS: dict[str, tuple[str, ...]] = {
    "describe": ("describe",),
    "fit": ("fit", "--model", "poisson", "--terms", "age_decade + sex + stress_0_10"),
    "compare, split by sex": ("compare", "--split", "sex"),
}


@dataclass(slots=True)
class Run:
    """A command of crampstudy in a process of its own; ``peak`` is what all its processes held at most, in bytes."""

    arguments: tuple[str, ...]
    peak: int = field(default=0, init=False)

    def __call__(self) -> dict[str, float]:
        command = [sys.executable, "-m", "crampstudy", *self.arguments]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
            running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said)
            while running.poll() is None:
                self.peak = max(self.peak, sum(map(_resident, _tree(running.pid))))
                time.sleep(0.1)
            said.seek(0)
            if running.returncode:
                asked = " ".join(["crampstudy", *self.arguments])
                raise SystemExit(f"{asked} ended with {running.returncode}: {said.read()}")
        return {"code": float(running.returncode)}

    def remark(self) -> str:
        return f"  which held {self.peak / 1e9:.2f} GB at most"


def jobs(folder: Path, nights: int = NIGHTS) -> Iterator[Job | str]:
    big_diary.write(folder / "large", nights, "parquet")
    for name, (command, *options) in COMMANDS.items():
        run = Run((command, str(folder / "large"), *options))
        yield Job(f"{name}, {nights:,} nights from one Parquet file", ALONE, run, None)
        yield run.remark()
    reported = min(nights, REPORTED)
    big_diary.write(folder / "reported", reported, "parquet")
    run = Run(("report", str(folder / "reported"), "--out", str(folder / "report"), "--no-cache"))
    yield Job(f"report, {reported:,} nights from one Parquet file", ALONE, run, None)
    yield run.remark()
    lists = {columns: _list(folder, columns) for columns in (WIDE, NARROW)}
    for command in ("try", "describe"):
        wide, narrow = (Run((command, str(lists[columns][command]))) for columns in (WIDE, NARROW))
        yield Job(f"{command}, {WIDE:,} columns of one's own", f"crampstudy, {NARROW} columns", wide, narrow)


def _list(folder: Path, columns: int) -> dict[str, Path]:
    """Write three nights of one participant with so many other columns: a bare list, and a data package of it."""
    rng = np.random.default_rng(columns)
    cells = rng.choice(["0", "1", "2.5", "x", "yes", ""], (3, columns))
    names = ",".join(f"q{i}" for i in range(columns))
    rows = [f"a,2025-03-0{night + 1},{night},{','.join(cells[night])}" for night in range(3)]
    study = folder / f"study-{columns}"
    study.mkdir()
    text = "\n".join([f"participant_id,date,cramps,{names}", *rows, ""])
    for path in (folder / f"list-{columns}.csv", study / "diary.csv"):
        path.write_text(text, encoding="utf-8")
    (study / "participants.csv").write_text("participant_id,age_years,sex\na,60,female\n", encoding="utf-8")
    return {"try": folder / f"list-{columns}.csv", "describe": study}


def _tree(process: int) -> Iterator[int]:
    """Yield a process and all that it has started."""
    yield process
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in _read(task).split():
            yield from _tree(int(child))


def _resident(process: int) -> int:
    held = next((line for line in _read(Path(f"/proc/{process}/status")).splitlines() if line.startswith("VmRSS")), "")
    return int(held.split()[1]) * 1024 if held else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        # It has ended meanwhile.
        return ""
