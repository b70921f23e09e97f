"""Loading a library without a part that it does without."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from crampstudy.loading import without


@pytest.fixture
def a_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "a_slow_part.py").write_text("LOADED = True\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "a_slow_part", raising=False)
    return "a_slow_part"


def test_a_part_is_missing_in_the_block_and_there_afterwards(a_part: str) -> None:
    with without(a_part), pytest.raises(ImportError):
        importlib.import_module(a_part)
    assert importlib.import_module(a_part).LOADED


def test_a_part_that_is_loaded_already_stays(a_part: str) -> None:
    loaded = importlib.import_module(a_part)
    with without(a_part):
        assert importlib.import_module(a_part) is loaded
    assert sys.modules[a_part] is loaded


def test_what_fails_in_the_block_leaves_the_part_there(a_part: str) -> None:
    with pytest.raises(RuntimeError), without(a_part):
        raise RuntimeError
    assert importlib.import_module(a_part).LOADED
