"""Results on disk: a run that was ended goes on, and nothing stale or half written is taken for a result."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from crampstudy import compute, scratch
from crampstudy.compute import version
from crampstudy.errors import ParameterError, UsageError

ROOT = Path(__file__).resolve().parents[1]
LONG_RUN = """
import sys
from functools import partial
from pathlib import Path
from crampstudy import compute, scratch
from tests.test_compute_kept import noted
values = compute.map(partial(noted, Path(sys.argv[1])), range(12), workers=2, keep=Path(sys.argv[2]))
for number, value in enumerate(values, 1):
    print(value, flush=True)
    if number == 3: sys.stdin.read()  # until it is killed
"""


@dataclass(frozen=True)
class Pair:
    item: int
    third: float


def noted(log: Path, item: int) -> float:
    """A result, with a line in ``log`` for every time that it is worked out."""
    time.sleep(0.05)
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{item}\n")
    return float(np.random.default_rng(item).normal())


def refused(log: Path, item: int) -> float:
    if item == 4:
        raise ParameterError("item four is out of range")
    return noted(log, item)


def done(log: Path) -> list[int]:
    return sorted(int(line) for line in log.read_text().split()) if log.exists() else []


@pytest.fixture
def task(tmp_path: Path) -> partial[float]:
    return partial(noted, tmp_path / "log")


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_done_is_not_done_again(tmp_path: Path, task: partial[float], workers: int) -> None:
    log, keep = tmp_path / "log", tmp_path / "kept"
    expected = list(compute.map(task, range(9)))
    log.unlink()
    first = compute.map(task, range(9), workers=workers, keep=keep)
    assert [next(first) for _ in range(4)] == expected[:4]
    first.close()  # type: ignore[attr-defined]
    log.unlink()
    told: list[int] = []
    assert list(compute.map(task, range(9), workers=workers, keep=keep, progress=told.append)) == expected
    assert done(log) == [4, 5, 6, 7, 8]
    assert told == list(range(1, 10))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc to see processes")
def test_a_run_that_was_killed_goes_on(tmp_path: Path, task: partial[float]) -> None:
    # Imported here, since the run imports this module, and only pytest knows the folder of `kills`.
    import kills

    mark = f"CRAMPSTUDY_TEST=kept-{os.getpid()}"
    log, keep = tmp_path / "log", tmp_path / "kept"
    expected = list(compute.map(task, range(12)))
    log.unlink()
    command = [sys.executable, "-c", LONG_RUN, str(log), str(keep)]
    env = os.environ | dict([mark.split("=")])
    with subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        seen = [float(run.stdout.readline()) for _ in range(3)]
        os.kill(run.pid, signal.SIGKILL)
    assert seen == expected[:3]
    # A worker that still ran would write into the log.
    assert kills.strays(mark) == []
    kept = len(list(keep.glob("*.result")))
    assert 3 <= kept < 12
    log.unlink()
    assert list(compute.map(task, range(12), keep=keep)) == expected
    assert done(log) == list(range(kept, 12))


def test_half_written_and_altered_files_do_not_count(tmp_path: Path, task: partial[float]) -> None:
    log, keep = tmp_path / "log", tmp_path / "kept"
    expected = list(compute.map(task, range(4), keep=keep))
    files = sorted(keep.iterdir())
    files[0].write_bytes(files[0].read_bytes()[:-3])
    files[1].write_bytes(b"")
    files[2].write_bytes(files[3].read_bytes()[:-1] + b"x")
    log.unlink()
    assert list(compute.map(task, range(4), keep=keep)) == expected
    assert done(log) == [0, 1, 2]


def test_another_task_item_or_place_is_another_result(tmp_path: Path) -> None:
    keep = tmp_path / "kept"
    logs = tmp_path / "a", tmp_path / "b"
    for log in logs:
        list(compute.map(partial(noted, log), [5, 6], keep=keep))
    assert [done(log) for log in logs] == [[5, 6], [5, 6]]
    list(compute.map(partial(noted, logs[0]), [6, 5], keep=keep))
    assert done(logs[0]) == [5, 5, 6, 6]


def test_another_version_of_the_code_is_another_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log, keep = tmp_path / "log", tmp_path / "kept"
    task = partial(noted, log)
    list(compute.map(task, range(2), keep=keep))
    changed = version.Version("9.9.9", *(["x"] * 5))
    monkeypatch.setattr(version, "current", lambda: changed)
    list(compute.map(task, range(2), keep=keep))
    assert done(log) == [0, 0, 1, 1]


def test_an_error_stands_where_the_result_would_also_after_results_that_were_kept(tmp_path: Path) -> None:
    log, keep = tmp_path / "log", tmp_path / "kept"
    task = partial(refused, log)
    for _ in range(2):
        results = compute.map(task, range(8), keep=keep)
        assert len([next(results) for _ in range(4)]) == 4
        with pytest.raises(ParameterError, match="item four"):
            next(results)
    assert done(log) == [0, 1, 2, 3]


def test_what_is_kept_is_for_its_owner(tmp_path: Path, task: partial[float]) -> None:
    list(compute.map(task, range(2), keep=tmp_path / "kept"))
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "kept").iterdir()} == {0o600}


def test_a_file_that_vouches_for_itself_runs_nothing(tmp_path: Path, task: partial[float]) -> None:
    keep, mark = tmp_path / "kept", tmp_path / "ran"
    expected = list(compute.map(task, range(2), keep=keep))
    for path in keep.iterdir():
        # A pickle that makes a folder when it is read.
        content = b"cos\nmkdir\n(V" + str(mark).encode() + b"\ntR."
        path.write_bytes(hashlib.sha256(content).digest() + content)
    assert list(compute.map(task, range(2), keep=keep)) == expected
    assert not mark.exists()


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
@pytest.mark.parametrize("link", [False, True])
def test_a_folder_that_others_may_write_to_is_refused(
    tmp_path: Path, task: partial[float], mode: int, link: bool
) -> None:
    keep = real = tmp_path / "kept of all"
    real.mkdir()
    real.chmod(mode)
    if link:
        keep = tmp_path / "link"
        keep.symlink_to(real)
    with pytest.raises(UsageError, match=rf"run: chmod 700 '?{keep}") as caught:
        compute.map(task, range(2), keep=keep)
    assert caught.value.exit_code == 2 and done(tmp_path / "log") == [] and list(real.iterdir()) == []
    real.chmod(0o700)
    assert len(list(compute.map(task, range(2), keep=keep))) == 2


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, task: partial[float]) -> None:
    keep = tmp_path / "kept"
    keep.mkdir(mode=0o700)
    os.chown(keep, 65534, 65534)
    with pytest.raises(UsageError, match="belongs to somebody else"):
        compute.map(task, range(2), keep=keep)


def test_a_new_folder_is_for_its_owner_whatever_the_mask(tmp_path: Path, task: partial[float]) -> None:
    mask = os.umask(0o002)
    try:
        for _ in range(2):
            list(compute.map(task, range(2), keep=tmp_path / "kept"))
    finally:
        os.umask(mask)
    assert (tmp_path / "kept").stat().st_mode & 0o777 == 0o700


def paired(item: int) -> Pair:
    return Pair(item, item / 3)


def test_dataclasses_are_kept_where_they_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be kept: it holds a .*Pair; what can be kept: None, bool.*`kinds`"):
        list(compute.map(paired, range(2), keep=tmp_path / "kept"))
    for _ in range(2):
        found = list(compute.map(paired, range(2), keep=tmp_path / "kept", kinds=[Pair]))
        assert found == [Pair(0, 0.0), Pair(1, 1 / 3)]


def test_items_are_drawn_as_they_are_needed(tmp_path: Path, task: partial[float]) -> None:
    asked: list[int] = []

    def items() -> Iterator[int]:
        for item in range(30):
            asked.append(item)
            yield item

    results = compute.map(task, items(), workers=2, keep=tmp_path / "kept")
    for taken, _ in zip(range(1, 6), results, strict=False):
        assert len(asked) < taken + 5
    results.close()  # type: ignore[attr-defined]


def test_a_function_that_has_no_name_cannot_be_kept(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"results are kept only for.*functions and classes of a module"):
        list(compute.map(lambda item: item, [1], keep=tmp_path / "kept"))


def total(drawn: np.ndarray) -> np.ndarray:
    return np.array([drawn @ np.arange(20.0)])


def test_a_bootstrap_goes_on_where_it_stood(tmp_path: Path) -> None:
    # Imported here, so that the workers of the other tests start without it.
    from crampstudy.models.bootstrap import resample

    whole = resample(total, 20, replicates=100, rng=np.random.default_rng(1))
    told: list[int] = []
    keep = tmp_path / "kept"
    for _ in range(2):
        found = resample(total, 20, replicates=100, rng=np.random.default_rng(1), keep=keep, progress=told.append)
        assert (found == whole).all()
    assert len(list(keep.iterdir())) == 4
    # Other random numbers are other items.
    resample(total, 20, replicates=100, rng=np.random.default_rng(2), keep=keep)
    assert len(list(keep.iterdir())) == 8


def test_a_version_tells_code_and_libraries() -> None:
    mine = version.current()
    assert mine.differences(mine) == ""
    other = version.Version(mine.crampstudy, "3.99", mine.numpy, mine.polars, mine.scipy, mine.code)
    assert mine.differences(other) == f"python 3.99 instead of {mine.python}"


def test_a_run_that_finds_every_result_removes_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary := tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    keep = tmp_path / "kept"
    task = partial(noted, tmp_path / "log")
    first = list(compute.map(task, range(3), keep=keep))
    for beside in (None, keep):
        with scratch.folder(beside) as left:
            pass
        left.mkdir()
        (left / "half").touch()
    assert list(compute.map(task, range(3), keep=keep)) == first and done(tmp_path / "log") == [0, 1, 2]
    assert [*temporary.iterdir()] == [] and {path.suffix for path in keep.iterdir()} == {".result"}
