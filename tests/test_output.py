"""Outputs appear whole or not at all, nobody's files are lost, and no cell of a CSV file is run as a formula."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import scratch
from crampstudy.atomic_write import csv_cell, csv_restored, csv_safe, csv_text, whole_file, whole_folder, whole_stream
from crampstudy.cohort import Cohort
from crampstudy.errors import FolderTaken, OutputError, UsageError
from crampstudy.sources import open_cohort
from crampstudy.sources.readers import package


def ours(folder: Path) -> str | None:
    foreign = sorted({path.name for path in folder.iterdir()} - {"a.txt", "b.txt"})
    return f"it holds {foreign[0]}" if foreign else None


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "x/y", ours) as fresh:
        (fresh.folder / "a.txt").write_text("1")
        assert not (tmp_path / "x/y").exists()
    assert tree(tmp_path) == {"x/y/a.txt": "1"}
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["y"]


def test_a_folder_of_ours_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y/b.txt").write_text("old")
    with whole_folder(tmp_path / "y", ours) as fresh:
        (fresh.folder / "a.txt").write_text("new")
    assert tree(tmp_path) == {"y/a.txt": "new"}


def test_a_failed_block_leaves_the_old_folder(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y/a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "y", ours) as fresh:
        (fresh.folder / "a.txt").write_text("half")
        raise KeyboardInterrupt
    assert tree(tmp_path) == {"y/a.txt": "old"}
    assert [p.name for p in tmp_path.iterdir()] == ["y"]


def test_a_failed_swap_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y/a.txt").write_text("old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise refused(errno.ENOSPC)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    # As on a system where two folders cannot change places.
    monkeypatch.setattr(scratch, "_swapped", lambda *_: False)
    with pytest.raises(OutputError), whole_folder(tmp_path / "y", ours) as fresh:
        (fresh.folder / "a.txt").write_text("new")
    assert tree(tmp_path) == {"y/a.txt": "old"}


def test_a_folder_with_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds thesis\.txt"), whole_folder(tmp_path, ours):
        pytest.fail("the block must not run")
    assert tree(tmp_path) == {"thesis.txt": "mine"}


def test_by_force_a_foreign_folder_is_kept_beside_however_often(tmp_path: Path) -> None:
    target = tmp_path / "y"
    for number in (1, 2):
        target.mkdir(exist_ok=True)
        (target / "thesis.txt").write_text(f"mine {number}")
        with (
            pytest.raises(FolderTaken, match=rf"--out \S*y-2, or add --force, which keeps this one .* y\.old-{number}"),
            whole_folder(target, ours),
        ):
            pytest.fail("the block must not run")
        with whole_folder(target, ours, force=True) as fresh:
            assert fresh.kept == tmp_path / f"y.old-{number}"
            (fresh.folder / "a.txt").write_text("new")
    kept = {"y.old-1/thesis.txt": "mine 1", "y.old-2/a.txt": "new", "y.old-2/thesis.txt": "mine 2"}
    assert tree(tmp_path) == {"y/a.txt": "new", **kept}
    with whole_folder(target, ours, force=True) as fresh:
        assert fresh.kept is None


def test_a_failed_block_keeps_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y/thesis.txt").write_text("mine")
    with pytest.raises(KeyError), whole_folder(tmp_path / "y", ours, force=True):
        raise KeyError("x")
    assert tree(tmp_path) == {"y/thesis.txt": "mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


def refused(code: int, name: str | None = None) -> OSError:
    return OSError(code, os.strerror(code), name)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (errno.ENOSPC, "no space is left"),
        (errno.EDQUOT, "share of its disk"),
        (errno.EFBIG, "larger than the system allows"),
        (errno.EROFS, "can only be read"),
    ],
)
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, code: int, said: str) -> None:
    with pytest.raises(OutputError, match=said) as caught, whole_folder(tmp_path / "y", ours) as fresh:
        (fresh.folder / "a.txt").write_text("half")
        raise refused(code)
    assert caught.value.exit_code == 4 and str(tmp_path / "y") in str(caught.value)
    with pytest.raises(OutputError, match=said), whole_stream(tmp_path / "z.csv") as file:
        file.write(b"half")
        raise refused(code)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """In a process of its own, which may write no file of more than 1,000 bytes."""
    program = f"""
import resource, signal
from pathlib import Path
from crampstudy.errors import OutputError
from crampstudy.atomic_write import whole_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    whole_file(Path({str(tmp_path / "y.csv")!r}), b"x" * 5000)
except OutputError as error:
    raise SystemExit(error.exit_code)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 4
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_reading_within_the_block_is_not_one_of_writing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_folder(tmp_path / "y", ours):
        (tmp_path / "none.csv").read_text()
    with pytest.raises(OutputError, match="nothing can be made there"), whole_folder(tmp_path / "y", ours) as fresh:
        (fresh.folder / "none" / "a.txt").write_text("1")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("call", [lambda p: whole_file(p, b"1"), lambda p: whole_folder(p, ours).__enter__()])
def test_a_place_that_the_system_does_not_give(tmp_path: Path, call: Callable[[Path], object]) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for target in (Path("/proc/x/y"), tmp_path / ("x" * 300) / "y", tmp_path / "loop" / "y", Path("/dev/full/y")):
        with pytest.raises(OutputError):
            call(target)
    assert [path.name for path in tmp_path.iterdir()] == ["loop"]


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    whole_file(tmp_path / ("x" * 255), b"1")
    with whole_folder(tmp_path / ("北" * 85), ours) as fresh:
        (fresh.folder / "a.txt").write_text("1")
    assert len(list(tmp_path.iterdir())) == 2


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: object, **__: object) -> str:
        raise refused(errno.EACCES, str(tmp_path))

    monkeypatch.setattr(Path, "mkdir", denied)
    monkeypatch.setattr(Path, "touch", denied)
    with pytest.raises(OutputError, match="permission is denied; name a place"), whole_folder(tmp_path / "y", ours):
        pytest.fail("the block must not run")
    with pytest.raises(OutputError, match="permission is denied; name a place"):
        whole_file(tmp_path / "y", b"1")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    for target in (tmp_path / "f", tmp_path / "f/y", tmp_path / "f/x/y"):
        with pytest.raises(UsageError, match="file"), whole_folder(target, ours):
            pytest.fail("the block must not run")
    assert tree(tmp_path) == {"f": "mine"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with whole_folder(tmp_path / "link", ours) as fresh:
        (fresh.folder / "a.txt").write_text("1")
    assert (tmp_path / "link").is_symlink()
    assert tree(tmp_path / "real") == {"a.txt": "1"}


def test_a_file_is_replaced(tmp_path: Path) -> None:
    target = tmp_path / "x/y.csv"
    whole_file(target, b"1")
    whole_file(target, b"22")
    assert tree(tmp_path) == {"x/y.csv": "22"}


def test_a_file_is_not_put_in_the_place_of_a_folder_or_device(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "f").write_text("mine")
    for target in (tmp_path / "d", tmp_path / "f/g.csv", Path("/dev/null")):
        with pytest.raises(UsageError):
            whole_file(target, b"1")
    assert Path("/dev/null").is_char_device()
    assert tree(tmp_path) == {"f": "mine"}


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "y.csv"
    target.write_text("old")

    def failing(self: Path, target: Path) -> Path:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(OSError, match="no space left"):
        whole_file(target, b"new")
    assert tree(tmp_path) == {"y.csv": "old"}


FORMULAS = ["=1+1", "+x", "-x", "@SUM(A1)", "=cmd|' /C calc'!A0", "-1+2"]
PLAIN = ["-1", "+2.5", "-3,5", "x=1", "a@b", "'", "'a", "", "2024-01-01", "5-6"]


@pytest.mark.parametrize("cell", FORMULAS)
def test_a_formula_is_neutralised(cell: str) -> None:
    assert csv_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", PLAIN)
def test_other_cells_stay(cell: str) -> None:
    assert csv_cell(cell) == cell


def test_numbers_and_names() -> None:
    frame = pl.DataFrame({"=x": ["=a", None], "n": [-1, 2]})
    assert csv_text(frame) == "'=x,n\n'=a,-1\n,2\n"


CELLS = st.text(st.sampled_from("'=+-@\t\r,1a;\""), max_size=5)


@given(st.lists(st.one_of(st.none(), CELLS), max_size=6))
def test_what_is_made_safe_is_restored(cells: list[str | None]) -> None:
    frame = pl.DataFrame({"x": cells}, schema={"x": pl.String})
    safe = csv_safe(frame)
    assert csv_restored(safe).equals(frame)
    assert safe["x"].to_list() == [None if cell is None else csv_cell(cell) for cell in cells]
    for cell in safe["x"].drop_nulls():
        assert cell[:1] not in ("=", "@", "\t", "\r")


def test_a_package_gives_formulas_back(tmp_path: Path) -> None:
    people = pl.DataFrame({"participant_id": ["=1+1", "'-x", "-7"], "age_years": [50.0] * 3, "sex": ["male"] * 3})
    nights = pl.DataFrame(
        {
            "participant_id": people["participant_id"],
            "date": [date(2024, 1, 1)] * 3,
            "cramps": [0, 1, 2],
            "=own": ["@", "+", "b"],
        }
    )
    cohort = Cohort("x", "diary", {"participants": people, "diary": nights})
    package.write(cohort, tmp_path / "p")
    written = (tmp_path / "p/diary.csv").read_text()
    assert "'=own" in written
    assert "'=1+1" in written
    assert "''-x" in written
    assert open_cohort(tmp_path / "p").digest == cohort.digest


def test_a_private_file_is_for_its_owner(tmp_path: Path) -> None:
    whole_file(tmp_path / "a", b"1")
    whole_file(tmp_path / "b", b"1", private=True)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in "ab"] == [0o644, 0o600]
