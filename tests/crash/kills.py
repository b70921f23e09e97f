"""Does anything stay when a run is killed? `make crash`, or a part: `make crash ARGS="--kills 20 --seed 7"`.

Ends real runs by SIGKILL, SIGTERM and SIGINT at random times. After each there may be no process left that it started,
its earlier output or its new one must be whole, and the next run must succeed and leave no temporary file.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
KINDS = ("report", "import", "simulate", "map", "grid")
GRID = "cohorts: {one: study, other: study}\n"
PATIENCE = 120.0
"""Seconds that a run has to end after it was asked to, and what it started after it did; a busy machine takes long."""
PYTHON = 0.3
"""Seconds that Python needs to begin: before, it ends on SIGINT in words of its own."""
LIMIT = 1800.0
"""Seconds after which a run that was not killed is said to hang."""
_MARK = "CRAMPSTUDY_CRASH"
_SIMULATE = """
from crampstudy import __main__, ending
with ending.on_signals():
    from crampstudy import simulate
    simulate.write.__kwdefaults__["draws"] = 60_000
__main__.main()
"""
"""The command, with answers that rest on fewer draws, of two processes still: they take nearly all of its time."""
_MAP = """
import sys, time
from pathlib import Path
import kills
from crampstudy import compute, ending
with ending.on_signals():
    made = list(compute.map(kills.worked, range(30), workers=2, keep=Path(sys.argv[1])))
Path(sys.argv[2]).write_text(repr(made))
"""


def processes(mark: str) -> list[tuple[int, str]]:
    """Return the number and the command of every process that has ``mark``, ``NAME=value``, in its environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (place / "environ").read_bytes().split(b"\0"):
                found.append((int(place.name), (place / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
        except OSError:  # it has ended, or is somebody else's
            continue
    return found


def strays(mark: str) -> list[tuple[int, str]]:
    """Return the processes with ``mark`` that are still there after a while.

    Only two looks in a row that find none are believed: one that is just beginning has no environment for a moment.
    """
    until = time.monotonic() + PATIENCE
    unseen = 0
    while (found := processes(mark)) or unseen < 1:
        if found and time.monotonic() > until:
            return found
        unseen = 0 if found else unseen + 1
        time.sleep(0.1)
    return []


def worked(item: int) -> list[float]:
    """A task that takes a moment."""
    time.sleep(0.05)
    return [random.Random(item).random()]


@dataclass(frozen=True, slots=True)
class Kill:
    """When a run is killed, as a share of the time that a whole one takes, and how."""

    kind: str
    signal: signal.Signals
    share: float


@dataclass(slots=True)
class Bench:
    """A folder of its own, in which runs are made and killed; ``env`` tells their processes from all others."""

    folder: Path
    env: dict[str, str]
    seconds: dict[str, float] = field(default_factory=dict)
    seeds: dict[str, int] = field(default_factory=dict)

    def command(self, kind: str, seed: int = 1) -> list[str]:
        """Return the command of a kind of run; where it can, another seed gives another output."""
        crampstudy = [sys.executable, "-m", "crampstudy"]
        out = self.out(kind)
        match kind:
            case "report":
                return [*crampstudy, "report", str(self.folder / "study"), "--out", str(out)]
            case "grid":
                file = str(self.folder / "grid.yaml")
                return [*crampstudy, "report", "--grid", file, "--workers", "2", "--out", str(out)]
            case "import":
                return [*crampstudy, "import", str(self.folder / "study"), "--out", str(out)]
            case "simulate":
                drawn = ["--participants", "300", "--workers", "2", "--seed", str(seed)]
                return [sys.executable, "-c", _SIMULATE, "simulate", *drawn, "--out", str(out)]
        return [sys.executable, "-c", _MAP, str(self.folder / "map" / "kept"), str(out)]

    def moment(self, kill: Kill) -> float:
        """Return the seconds after which a run is killed, counted from when Python has begun."""
        return PYTHON + kill.share * self.seconds[kill.kind]

    def out(self, kind: str) -> Path:
        return self.folder / kind / "out"

    def begin(self, kind: str, seed: int = 1) -> subprocess.Popen[bytes]:
        self.out(kind).parent.mkdir(exist_ok=True)
        with (self.folder / "said").open("wb") as said:
            command = self.command(kind, seed)
            return subprocess.Popen(command, env=self.env, cwd=self.folder, stdout=said, stderr=said)

    def whole(self, kind: str, seed: int = 1) -> str:
        """Run to the end, and return a digest of the output.

        Raises:
            AssertionError: the run failed, hangs, or left something temporary.
        """
        began = time.monotonic()
        run = self.begin(kind, seed)
        try:
            code = run.wait(LIMIT)
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            raise AssertionError(f"{kind} did not end within {LIMIT:.0f} s: {self.said()}") from None
        assert code == 0, f"{kind} ended with {code}: {self.said()}"
        # Later runs may find what was kept.
        self.seconds.setdefault(kind, time.monotonic() - began)
        left = [path.name for path in (self.folder / "tmp").iterdir() if path.name.startswith("crampstudy")]
        left += [path.name for path in self.out(kind).parent.iterdir() if path.name.startswith(".")]
        left += [path.name for path in self.out(kind).parent.glob("kept/*") if path.suffix != ".result"]
        assert left == [], f"{kind} left {left}"
        return digest(self.out(kind))

    def said(self) -> str:
        return (self.folder / "said").read_text(encoding="utf-8", errors="replace")

    @property
    def mark(self) -> str:
        """What tells the processes of the runs from all others."""
        return f"{_MARK}={self.env[_MARK]}"


@contextmanager
def bench(notebooks: Path) -> Iterator[Bench]:
    """Yield a bench in a new folder; with the block end the processes that are left, and the folder."""
    # Imported here, since runs of `map` and their workers import this module.
    from crampstudy import simulate

    with tempfile.TemporaryDirectory(prefix="kills-") as name:
        folder = Path(name)
        (folder / "tmp").mkdir()
        here = Path(__file__).resolve()
        path = os.pathsep.join(map(str, (here.parents[2] / "src", here.parent)))
        env = os.environ | {"TMPDIR": str(folder / "tmp"), "PYTHONPATH": path, _MARK: f"{folder.name}-{os.getpid()}"}
        made = Bench(folder, env | {"CRAMPSTUDY_NOTEBOOKS": str(notebooks), "CRAMPSTUDY_CACHE": str(folder / "cache")})
        (folder / "grid.yaml").write_text(GRID)
        simulate.write(folder / "study", 60, 30, seed=1, draws=3_000)
        try:
            yield made
        finally:
            for number, _ in processes(made.mark):
                os.kill(number, signal.SIGKILL)


def digest(out: Path) -> str:
    """Return a digest of an output."""
    total = hashlib.sha256()
    for path in sorted(out.rglob("*")) if out.is_dir() else [out]:
        if path.is_file():
            total.update(f"{path.relative_to(out)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def kill(made: Bench, asked: Kill) -> list[str]:
    """Kill a run that is to replace an output by another, then run it to its end; return what is wrong, in words."""
    wrong = []
    made.seeds[asked.kind] = seed = 3 - made.seeds.get(asked.kind, 1)
    before = digest(made.out(asked.kind))
    if asked.kind == "map":
        shutil.rmtree(made.folder / "map" / "kept", ignore_errors=True)
    # Nothing that was kept makes it shorter; the run after it finds what the killed one kept.
    shutil.rmtree(made.folder / "cache", ignore_errors=True)
    run = made.begin(asked.kind, seed)
    time.sleep(made.moment(asked))
    run.send_signal(asked.signal)
    try:
        code = run.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        run.kill()
        code = run.wait()
        wrong.append("did not end")
    if code not in (0, -asked.signal, 128 + asked.signal):
        wrong.append(f"ended with {code}")
    # A script of one's own, interrupted while it imports the package, is told of by Python.
    if "Traceback" in made.said() and not (asked.kind == "map" and ", in main" not in made.said()):
        wrong.append(f"told a traceback: {made.said()[-400:]}")
    if left := strays(made.mark):
        wrong.append(f"left processes: {left}")
        for number, _ in left:
            os.kill(number, signal.SIGKILL)
    out = made.out(asked.kind)
    found = digest(out) if out.exists() else "none"
    others = [path.name for path in out.parent.iterdir() if path.name not in (out.name, "kept")]
    if visible := [name for name in others if not name.startswith(".crampstudy-")]:
        wrong.append(f"left {visible} beside the output")
    try:
        if found not in (before, made.whole(asked.kind, seed)):
            wrong.append("left an output that is neither the earlier one nor the new one")
    except AssertionError as problem:
        wrong.append(f"the next run: {problem}")
    return wrong


def drawn(kills: int, seed: int) -> list[Kill]:
    """Return so many kills, each kind of run and each signal in turn, at random times."""
    rng = random.Random(seed)
    times = [rng.uniform(0, 1.05) for _ in range(kills)]
    n = len(KINDS)
    return [Kill(KINDS[i % n], SIGNALS[(i // n + i % n) % 3], share) for i, share in enumerate(times)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20240108)
    parser.add_argument("--kinds", nargs="+", default=KINDS, choices=KINDS)
    parser.add_argument(
        "--notebooks",
        type=Path,
        default=Path(__file__).resolve().parents[2] / "notebooks",
        metavar="DIR",
        help="those of reports and grids: others may be quicker than the project's own",
    )
    asked = parser.parse_args()
    faults: Counter[str] = Counter()
    chosen = [kill for kill in drawn(asked.kills, asked.seed) if kill.kind in asked.kinds]
    with bench(asked.notebooks.resolve()) as made:
        for kind in asked.kinds:
            made.whole(kind)
        for number, each in enumerate(chosen, 1):
            wrong = kill(made, each)
            faults.update(fault.partition(":")[0] for fault in wrong)
            moment = f"{each.kind}, {each.signal.name} after {made.moment(each):.2f} s"
            sys.stderr.write(f"{number} of {len(chosen)}: {moment}: {'; '.join(wrong) or 'whole'}\n")
    for fault, times in faults.items():
        sys.stdout.write(f"{times} times {fault}\n")
    sys.stdout.write(f"{len(chosen)} kills, {sum(faults.values())} faults\n")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
