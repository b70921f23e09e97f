"""The glossary has every word that stands in a cell of the estimates, or that an option takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from crampstudy.estimates import Status
from crampstudy.estimates.verdicts import Verdict
from crampstudy.models.inference.covariance import Covariance

GLOSSARY = (Path(__file__).resolve().parents[1] / "docs/glossary.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"`([^`]+)`", GLOSSARY))


@pytest.mark.parametrize("word", [*get_args(Status), *get_args(Verdict), *get_args(Covariance)])
def test_words_of_rows_and_options_are_explained(word: str) -> None:
    assert word in WORDS


def test_no_term_is_explained_twice() -> None:
    terms = re.findall(r"^\| ([^|]+) \|", GLOSSARY, re.MULTILINE)
    said = [term for term in terms if term not in {"term", "status", "verdict"}]
    assert len(said) == len(set(said)) > 30
