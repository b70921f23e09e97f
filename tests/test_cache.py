"""What is kept between reports is believed only as it was kept, by this version and this user."""

from __future__ import annotations

import os
import pickle
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from crampstudy import cache
from crampstudy.cache import Cache

KEY = cache.key_of("a", 1)


@pytest.fixture
def place(tmp_path: Path) -> Cache:
    found = cache.opened(tmp_path / "cache")
    assert isinstance(found, Cache)
    return found


def test_what_is_kept_is_given_back_and_nobody_else_reads_it(place: Cache) -> None:
    assert place.get("notebook", KEY) is None
    assert place.put("notebook", KEY, b"as\nit was") and place.get("notebook", KEY) == b"as\nit was"
    assert place.get("findings", KEY) is None and place.get("notebook", cache.key_of("a", 2)) is None
    (path,) = place.files("notebook")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(place.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content.replace(b"cache-1", b"cache-2"),
        lambda content: content.replace(b"notebook", b"findings"),
        lambda content: content.replace(KEY.encode(), KEY[::-1].encode()),
        lambda content: pickle.dumps(print),
    ],
    ids=["empty", "half written", "longer", "another version", "another kind", "another key", "a pickle"],
)
def test_what_is_not_as_it_was_kept_is_made_anew(place: Cache, spoil: Callable[[bytes], bytes]) -> None:
    place.put("notebook", KEY, b"content")
    (path,) = place.files("notebook")
    path.write_bytes(spoil(path.read_bytes()))
    assert place.get("notebook", KEY) is None
    place.put("notebook", KEY, b"content")
    assert place.get("notebook", KEY) == b"content"


def test_what_another_user_put_there_is_not_believed(place: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    place.put("notebook", KEY, b"content")
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    assert place.get("notebook", KEY) is None
    assert "belongs to another user" in str(cache.opened(place.folder))


def test_a_link_is_not_followed(place: Cache, tmp_path: Path) -> None:
    place.put("notebook", KEY, b"content")
    (path,) = place.files("notebook")
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert place.get("notebook", KEY) is None


def test_a_folder_that_others_may_write_to_is_none(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    (tmp_path / "file").touch()
    assert "others may write" in str(cache.opened(tmp_path / "open"))
    assert "cannot be made" in str(cache.opened(tmp_path / "file" / "deep"))


def test_what_cannot_be_kept_costs_time_alone(place: Cache, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert not place.put("notebook", KEY, b"content") and not list(place.files("notebook"))


def test_what_was_not_used_for_longest_goes_first(place: Cache) -> None:
    keys = [cache.key_of(number) for number in range(3)]
    for age, key in enumerate(keys):
        place.put("findings", key, b"x" * 1000)
        os.utime(place.folder / "findings" / key, (age, age))
    assert place.get("findings", keys[0])
    place.trim(2 * (1000 + 200))
    assert [place.get("findings", key) is None for key in keys] == [False, True, False]


def test_clearing_leaves_what_is_not_of_the_cache(place: Cache) -> None:
    place.put("report", KEY, b"content")
    (place.folder / "report" / f".{KEY}.12.new").write_bytes(b"of a killed run")
    (place.folder / "mine.txt").write_text("mine")
    assert place.clear() > 7
    assert [path.name for path in place.folder.rglob("*") if path.is_file()] == ["mine.txt"]


def test_the_folder_is_the_users_or_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache.default_folder() == Path(os.environ[cache.VARIABLE])
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.default_folder() == tmp_path / "crampstudy"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.default_folder() == Path.home() / ".cache" / "crampstudy"


def test_the_command_shows_and_clears_it(
    run: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "mine"))
    place = cache.opened()
    assert isinstance(place, Cache)
    place.put("findings", KEY, b"x" * 3 * 1024**2)
    code, out, _ = run("cache", "show")
    assert code == 0 and f"The cache is in {tmp_path / 'mine'}, as CRAMPSTUDY_CACHE says" in out
    assert "findings: 1 entries, 3.0 MB" in out and "report: 0 entries" in out
    assert run("cache", "clear")[1].startswith("Cleared: 3.0 MB in ") and place.get("findings", KEY) is None
    (tmp_path / "mine").chmod(0o777)
    assert "others may write" in run("cache", "show")[1]
    assert run("cache", "sweep")[0] == 2
