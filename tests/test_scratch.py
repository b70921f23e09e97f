"""Temporary folders and files: gone after their block, swept after a kill, and never anything that is not ours."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crampstudy import scratch
from crampstudy.atomic_write import whole_file, whole_folder

KILLED = """
import os, signal, sys
from pathlib import Path
from crampstudy import scratch
from crampstudy.atomic_write import whole_folder, whole_stream
place = Path(sys.argv[1])
with scratch.folder() as one, whole_folder(place / "out", lambda _: None) as fresh, whole_stream(place / "f") as file:
    (one / "x").touch()
    (fresh.folder / "a.txt").write_text("half")
    file.write(b"half")
    print("made", flush=True)
    sys.stdin.read()
"""


def names(place: Path) -> list[str]:
    return sorted(path.name for path in place.iterdir())


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place))
    monkeypatch.setenv("TMPDIR", str(place))
    return place


def at_work(place: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", KILLED, str(place)]
    run = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "made\n"
    return run


def test_a_folder_goes_with_its_block_and_is_its_owners(temporary: Path) -> None:
    with scratch.folder() as made:
        (made / "x").write_text("1")
        assert made.parent == temporary
        assert made.stat().st_mode & 0o777 == 0o700
    assert names(temporary) == []


def test_what_a_killed_run_left_is_swept_and_what_a_live_one_has_is_not(tmp_path: Path, temporary: Path) -> None:
    place = tmp_path / "place"
    place.mkdir()
    live, killed = at_work(place), at_work(place)
    assert (len(names(temporary)), len(names(place))) == (2, 4)
    killed.kill()
    killed.wait()
    whole_file(place / "g", b"1")
    with scratch.folder():
        assert len(names(temporary)) == 2
    left = names(place)
    assert len(left) == 3 and left[-1] == "g" and len(names(temporary)) == 1
    live.communicate("", timeout=60)
    assert (names(place), names(temporary)) == (["f", "g", "out"], [])
    assert (place / "out" / "a.txt").read_text() == "half"


@pytest.mark.parametrize(
    "name",
    [
        *("crampstudy-notebook", "crampstudy-0123456789abcdef", "crampstudy-abcd1234", ".reports-20240101"),
        *(".crampstudy-0123456789abcdef", ".out-a1b2c3d4", "crampstudy-", "crampstudy"),
    ],
)
def test_what_is_not_ours_is_never_swept(temporary: Path, name: str) -> None:
    (temporary / name).mkdir()
    (temporary / name / "thesis.docx").touch()
    (temporary / f"{name}.txt").touch()
    scratch.sweep(temporary)
    assert names(temporary) == sorted([name, f"{name}.txt"])


def test_a_link_with_our_mark_is_not_followed(tmp_path: Path, temporary: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.docx").touch()
    with scratch.folder() as made:
        name = made.name
    (temporary / name).symlink_to(tmp_path / "mine")
    scratch.sweep(temporary)
    assert names(tmp_path / "mine") == ["thesis.docx"]


def test_an_old_folder_that_was_moved_aside_comes_back(tmp_path: Path) -> None:
    # A system where folders cannot change places, and a run that is killed between the two moves.
    code = """
import os, signal, sys
from pathlib import Path
from crampstudy import scratch
from crampstudy.atomic_write import whole_folder
scratch._swapped = lambda *_: False
rename = Path.rename
def killed(self, target):
    rename(self, target)
    os.kill(os.getpid(), signal.SIGKILL)
Path.rename = killed
with whole_folder(Path(sys.argv[1]), lambda _: None) as fresh:
    (fresh.folder / "a.txt").write_text("new")
"""
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.txt").write_text("old")
    done = subprocess.run([sys.executable, "-c", code, str(out)], check=False)
    assert done.returncode == -signal.SIGKILL and not out.exists()
    scratch.sweep(tmp_path)
    assert names(tmp_path) == ["out"] and (out / "a.txt").read_text() == "old"


@pytest.mark.skipif(sys.platform != "linux", reason="folders change places in one step only there")
def test_a_folder_is_never_absent_while_it_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()

    def never(*_: object) -> Path:
        raise AssertionError("a folder was moved away")

    monkeypatch.setattr(Path, "rename", never)
    with whole_folder(tmp_path / "out", lambda _: None) as fresh:
        (fresh.folder / "a.txt").write_text("new")
    assert (tmp_path / "out" / "a.txt").read_text() == "new" and names(tmp_path) == ["out"]


def test_a_folder_that_was_swept_before_it_was_locked_is_made_again(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[Path] = []
    mkdir = Path.mkdir

    def hasty(self: Path, mode: int = 0o777) -> None:
        mkdir(self, mode)
        if not swept:
            swept.append(self)
            os.rmdir(self)  # noqa: PTH106

    monkeypatch.setattr(Path, "mkdir", hasty)
    with scratch.folder() as made:
        assert made.is_dir() and made not in swept
