"""Pages that are set while notebooks run: which they are, and that those of the report do not differ for it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path

import pytest
from test_report_typeset import FRONT, code, figure, gathered, table, text

from crampstudy import cache
from crampstudy.cache import Cache
from crampstudy.report import typeset
from crampstudy.report.assembly.earlier_pages import EarlierPages

FRESH = """
import hashlib, json, sys
from crampstudy.report import typeset
print(hashlib.sha256(typeset.pages(typeset.Typescript(**json.load(sys.stdin)))).hexdigest())
"""


def script(folder: Path, sentence: str) -> typeset.Typescript:
    document = gathered(folder, [text(f"# Age\n\n{sentence}\n\nSee @fig-age."), code(figure(), table(40))])
    return typeset.typescript(typeset.parsed(document), FRONT)


def test_what_is_set_beforehand_is_what_was_kept_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = cache.opened(tmp_path / "cache")
    assert isinstance(place, Cache)
    asked: list[typeset.Typescript] = []
    monkeypatch.setattr(typeset, "pages", asked.append)
    mine, other = (EarlierPages(place, cache.key_of(name)) for name in ("mine", "other"))
    first, second = (typeset.Typescript(said, "{}", "{}", "2024-06-30") for said in ("first", "second"))
    for kept, expected in ((None, []), (first, [first]), (second, [second])):
        if kept is not None:
            mine.keep(kept)
        asked.clear()
        mine.set_again().join()
        other.set_again().join()
        assert asked == expected
    for path in place.files("pages"):
        path.write_bytes(path.read_bytes().replace(b"second", b"forged"))
    asked.clear()
    mine.set_again().join()
    assert asked == []


def test_what_cannot_be_set_beforehand_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = cache.opened(tmp_path / "cache")
    assert isinstance(place, Cache)
    earlier = EarlierPages(place, cache.key_of("mine"))
    earlier.keep(typeset.Typescript("#broken", "{}", "{}", "2024-06-30"))
    told: list[object] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    earlier.set_again().join()
    assert told == []


def test_pages_are_the_same_whatever_was_set_before(tmp_path: Path) -> None:
    before, now = script(tmp_path, "As it was."), script(tmp_path, "One sentence, and then another one.")
    assert before != now
    typeset.pages(before)
    done = subprocess.run(
        [sys.executable, "-c", FRESH], input=json.dumps(asdict(now)), capture_output=True, text=True, check=True
    )
    assert hashlib.sha256(typeset.pages(now)).hexdigest() == done.stdout.strip()
