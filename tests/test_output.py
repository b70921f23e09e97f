"""Outputs appear whole or not at all, and nobody's files are lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from crampstudy.errors import UsageError
from crampstudy.output import whole_file, whole_folder

OURS = {"a.txt", "b.txt"}.__contains__


def tree(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_folder_is_made_with_its_parents(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "x/y", OURS) as fresh:
        (fresh / "a.txt").write_text("1")
        assert not (tmp_path / "x/y").exists()
    assert tree(tmp_path) == {"x/y/a.txt": "1"}
    assert [p.name for p in (tmp_path / "x").iterdir()] == ["y"]


def test_a_folder_of_ours_is_replaced_whole(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y/b.txt").write_text("old")
    with whole_folder(tmp_path / "y", OURS) as fresh:
        (fresh / "a.txt").write_text("new")
    assert tree(tmp_path) == {"y/a.txt": "new"}


def test_a_failed_block_leaves_the_old_folder(tmp_path: Path) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y/a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "y", OURS) as fresh:
        (fresh / "a.txt").write_text("half")
        raise KeyboardInterrupt
    assert tree(tmp_path) == {"y/a.txt": "old"}
    assert [p.name for p in tmp_path.iterdir()] == ["y"]


def test_a_failed_swap_puts_the_old_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "y").mkdir()
    (tmp_path / "y/a.txt").write_text("old")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError("no space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OSError, match="no space left"), whole_folder(tmp_path / "y", OURS) as fresh:
        (fresh / "a.txt").write_text("new")
    assert tree(tmp_path) == {"y/a.txt": "old"}


def test_a_folder_with_a_foreign_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"holds thesis\.txt"), whole_folder(tmp_path, OURS):
        pytest.fail("the block must not run")
    assert tree(tmp_path) == {"thesis.txt": "mine"}


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")
    for target in (tmp_path / "f", tmp_path / "f/y", tmp_path / "f/x/y"):
        with pytest.raises(UsageError, match="file"), whole_folder(target, OURS):
            pytest.fail("the block must not run")
    assert tree(tmp_path) == {"f": "mine"}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with whole_folder(tmp_path / "link", OURS) as fresh:
        (fresh / "a.txt").write_text("1")
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
