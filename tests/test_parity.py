"""The table of docs/parity.md is what the committed numbers of R and our own say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import parity
import pytest

from crampstudy.models import MODELS
from crampstudy.models.engines import ENGINES

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    return list(parity.cells())


def split(lines: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines.strip().splitlines()[2:]]


def test_every_comparison_agrees(cells: list[Any]) -> None:
    assert [c for c in cells if not c.agrees] == []


def test_every_model_outcome_and_covariance_is_compared(cells: list[Any]) -> None:
    compared = {(c.model, c.outcome, c.covariance) for c in cells}
    offered = {(m, o, k) for m, engine in ENGINES.items() for o in engine.outcomes for k in engine.covariances}
    assert offered - compared == set()
    assert {m for m, _, _ in compared} == set(MODELS)
    # Rates are compared with an exposure and without.
    for model, engine in ENGINES.items():
        if "cramps" in engine.outcomes:
            assert {c.offset for c in cells if c.model == model and c.outcome == "cramps"} == {
                "none",
                "log hours in bed",
            }


def test_the_document_shows_them(cells: list[Any]) -> None:
    page = (ROOT / "docs/parity.md").read_text(encoding="utf-8")
    shown = split(page.split(parity.BEGIN)[1].split(parity.END)[0])
    made = split(parity.table(cells))
    assert [row[:-2] for row in shown] == [row[:-2] for row in made], "run: make parity"
    for row, now in zip(shown, made, strict=True):
        # Another machine rounds otherwise: a power of ten more or less is no news.
        for stated, found in zip(row[-2:], now[-2:], strict=True):
            assert float(found.strip("< ")) <= 10.001 * float(stated.strip("< ")), "run: make parity"


def test_a_difference_is_seen() -> None:
    ours = parity.np.array([1.0, 0.0]), parity.np.array([0.1, 0.1])
    assert parity.differences(ours, [1.0, 1e-5], [0.1, 0.1]) == pytest.approx((1e-4, 0))
    assert parity.differences(ours, [1.0, 0.0], [0.1, 0.2])[1] == pytest.approx(0.5)
    assert [parity.below(v) for v in (3e-7, 1e-12, 0.02)] == ["< 1e-06", "< 1e-09", "< 1e-01"]
