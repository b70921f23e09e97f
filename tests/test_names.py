"""A name gives a title to read and a slug for paths, and two names never one slug."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy.cleaning import Raw
from crampstudy.names import slug, title

UNSAFE = [
    *(
        "",
        ".",
        "..",
        "../../etc/x",
        "/abs",
        "a/b",
        "a\\b",
        "C:\\x",
        "a\0b",
        "a\nb",
        "a\u202eb",
        "\u200fab",
        "~",
        "$HOME",
    ),
    *("con", "CON.txt", "com1.tar.gz", "lpt¹", "-rf", "--out", ".hidden", " x", "x ", "tremor.", "a..b", "\ud800"),
    *(
        "🦵",
        "🦶",
        "👨\u200d👩",
        "\ufe0f",
        "\u3164",
        "x" * 300,
        "x" * 299 + "y",
        "北" * 300,
        "a*b",
        "a?b",
        "a|b",
        "a:b",
        'a"b',
    ),
]


@pytest.mark.parametrize(
    "name", ["synthetic", "my study", "north-2", "v1.2", "a_b", "Größe", "北", "京", "دراسة", "x" * 80]
)
def test_a_safe_name_is_its_own_slug(name: str) -> None:
    assert slug(name) == name == title(name)


def is_safe(text: str) -> bool:
    letters = all(c in " ._-" or unicodedata.category(c)[0] in "LNM" for c in text)
    reserved = re.match(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", text, flags=re.IGNORECASE)
    ends = text[:1] not in " .-" and text[-1:] not in " .-"
    return bool(text) and letters and not reserved and ends and ".." not in text and len(text.encode()) <= 80


@pytest.mark.parametrize("name", UNSAFE)
def test_an_unsafe_name_gets_a_safe_slug(name: str) -> None:
    assert is_safe(slug(name))
    assert slug(name) == slug(name)


def test_no_two_become_one() -> None:
    names = [*UNSAFE, "ab", "a-b", "a b", "x", "hidden", "rf", "cohort", "x" * 80, "etc-x", "_con"]
    assert len({slug(name) for name in names}) == len(names)
    # Two ways of writing one letter are one name.
    assert slug("Gro\u0308\u00dfe") == slug("Größe")


@given(st.text(max_size=40))
def test_any_text(text: str) -> None:
    assert is_safe(slug(text))
    shown = title(text)
    assert title(shown) == shown
    assert not {unicodedata.category(c) for c in shown if c not in "\u200c\u200d"} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_a_title_has_nothing_that_is_not_seen() -> None:
    assert title("a\x1b[31m\u202e b\r\n\tc\u200b") == "a[31m b c"
    assert title("می\u200cخواهم") == "می\u200cخواهم"
    assert title("\u200d\u3164\ud800") == ""
    assert title("/a/../b") == "/a/../b"


def test_every_source_has_a_clean_name() -> None:
    raw = Raw("a\u202e\0b\n", "diary", (), title=" \u200b")
    assert (raw.name, raw.title) == ("ab", None)
    assert Raw("\0", "diary", ()).name == "cohort"
    assert Path("reports", slug(raw.name)).parent == Path("reports")
