"""The benchmark of the cleaning: thousands of planted mistakes, nearly all found, and nothing clean lost."""

from __future__ import annotations

import re
from pathlib import Path

import injected_errors as injected
import pytest

from crampstudy.cleaning import corrections

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def outcome() -> object:
    return injected.run()


def test_the_benchmark_is_large_enough(outcome: object) -> None:
    assert outcome.planted >= 5000
    assert outcome.kinds.height >= 20
    assert outcome.clean_rows >= 20_000
    assert outcome.kinds["planted"].min() >= 100


def test_mistakes_are_found(outcome: object) -> None:
    assert outcome.detection >= 0.995, outcome.missed
    found = outcome.kinds.select("kind", outcome.kinds["detected"] / outcome.kinds["planted"])
    assert found["detected"].min() >= 0.95, found


def test_nothing_clean_is_lost(outcome: object) -> None:
    assert outcome.rejected_clean == 0
    assert outcome.blanked_clean == 0


def test_another_seed_finds_as_much() -> None:
    again = injected.run(participants=600, nights=40, seed=7, each=60)
    assert again.detection >= 0.995, again.missed
    assert (again.rejected_clean, again.blanked_clean) == (0, 0)


def test_a_clean_cohort_is_left_alone() -> None:
    """Without mistakes nothing is rejected or blanked, and warnings are rare."""
    clean = injected.run(participants=300, nights=60, seed=3, each=0)
    assert clean.planted == 0
    assert (clean.rejected_clean, clean.blanked_clean) == (0, 0)
    assert clean.warned_clean <= clean.clean_rows / 10_000


def test_the_documentation_has_this_table(outcome: object) -> None:
    text = (ROOT / "docs/cleaning.md").read_text(encoding="utf-8")
    assert injected.renewed(text, injected.markdown(outcome)) == text, (
        "run: python tests/bench/injected_errors.py --write docs/cleaning.md"
    )


def test_the_documentation_has_a_correction_that_loads(tmp_path: Path) -> None:
    text = (ROOT / "docs/cleaning.md").read_text(encoding="utf-8")
    file = tmp_path / "corrections.yaml"
    file.write_text(re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)[0])
    (item,) = corrections.load(file).items
    assert item.where == {"participant_id": "002", "date": "2025-03-01"}
