"""The table of docs/parity.md is what the committed numbers of R and our own say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import parity
import parity_cells
import parity_compared
import pytest
from parity_linear import NUMBER

from crampstudy.models import MODELS
from crampstudy.models.family import Family
from crampstudy.models.registry import FAMILIES, NIGHT_FAMILIES

SURVEYS = [name for name, family in FAMILIES.items() if family.rows == "participants of a survey"]
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def cells() -> list[Any]:
    return list(parity.cells())


def outcomes(family: Family) -> tuple[str, ...]:
    """Return what a model explains; any number is the same to it."""
    return (*family.outcomes, *((NUMBER,) if family.numbers_of else ()))


def split(lines: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines.strip().splitlines()[2:]]


def test_every_comparison_agrees(cells: list[Any]) -> None:
    assert [c for c in cells if not c.agrees] == []


def test_every_model_outcome_and_covariance_is_compared(cells: list[Any]) -> None:
    compared = {(c.model, c.outcome, c.covariance) for c in cells}
    # "auto" is one of the others.
    offered = {
        (m, o, k)
        for m, family in NIGHT_FAMILIES.items()
        for o in outcomes(family)
        for k in family.covariances
        if k != "auto"
    }
    # Both outcomes of an ordinal model are classes to it.
    offered |= {("ordinal", "class", k) for k in parity_cells.ROBUST}
    offered |= {("cox", o, k) for o in FAMILIES["cox"].outcomes for k in parity_cells.ROBUST}
    offered |= {(m, _SURVEY_OUTCOMES[m], "design") for m in SURVEYS}
    assert compared == offered
    assert {m for m, _, _ in compared} == set(MODELS)


_SURVEY_OUTCOMES = {
    "survey-logistic": "0 or 1",
    "survey-poisson": "count",
    "survey-ordinal": "class",
    "survey-linear": NUMBER,
    "interval-count": "recalled_count",
}


def test_every_way_to_set_terms_beside_is_compared(cells: list[Any]) -> None:
    for model, family in NIGHT_FAMILIES.items():
        own = [c for c in cells if c.model == model]
        for outcome in outcomes(family):
            offsets = {"none", "log hours in bed"}
            assert {c.offset for c in own if c.outcome == outcome} == offsets, model
        assert {c.weights for c in own} == ({"none", "case"} if "weights" in family.functions else {"none"}), model
        if "weights" in family.functions:
            # Weights go with every covariance but the bias-reduced one, with an offset and without.
            expected = {(k, o) for k in parity_cells.ROBUST for o in offsets}
            assert {(c.covariance, c.offset) for c in own if c.weights == "case"} == expected, model
    assert {c.weights for c in cells if c.model in SURVEYS} == {"none", "sampling"}
    for model in ("survey-logistic", "survey-poisson", "survey-linear"):
        assert {c.offset for c in cells if c.model == model} == {"none", "log age"}
    assert {c.model for c in cells if "splines::ns" in c.peer} == {"poisson", "negative-binomial", "logistic"}


def test_the_document_shows_them(cells: list[Any]) -> None:
    page = (ROOT / "docs/parity.md").read_text(encoding="utf-8")
    shown = split(page.split(parity.BEGIN)[1].split(parity.END)[0])
    made = split(parity.table(cells))
    assert [row[:-2] for row in shown] == [row[:-2] for row in made], "run: make parity"
    for row, now in zip(shown, made, strict=True):
        # Another machine rounds otherwise: a power of ten more or less is no news.
        for stated, found in zip(row[-2:], now[-2:], strict=True):
            assert float(found.strip("< ")) <= 10.001 * float(stated.strip("< ")), "run: make parity"


def test_what_is_compared_beside_the_models_agrees_and_is_shown() -> None:
    made = list(parity_compared.comparisons())
    assert [each for each in made if not each.agrees] == []
    assert {each.script for each in made} == {"compare.R", "compared.R", "two_surveys.R", "programme.R"}
    page = (ROOT / "docs/parity.md").read_text(encoding="utf-8")
    shown = split(page.split(parity.NUMBERS[0])[1].split(parity.NUMBERS[1])[0])
    assert [row[:3] for row in shown] == [row[:3] for row in split(parity_compared.table())], "run: make parity"
    assert not parity_compared.Comparison("x", "x.R", "x", 2e-6, None).agrees
    assert not parity_compared.Comparison("x", "x.R", "x", 0.0, 2e-4).agrees


def test_every_committed_script_has_a_line_its_output_and_who_holds_it() -> None:
    found = parity_compared.scripts()
    assert {*found} == {path.name for path in parity_cells.HERE.glob("*.R")}
    assert [name for name, (_, held) in found.items() if not held] == []
    assert [n for n in found if not (parity_cells.HERE / n).with_suffix(".json").exists()] == []
    page = (ROOT / "docs/parity.md").read_text(encoding="utf-8")
    shown = split(page.split(parity.SCRIPTS[0])[1].split(parity.SCRIPTS[1])[0])
    assert [row[:2] for row in shown] == [row[:2] for row in split(parity_compared.script_table())], "run: make parity"
    for name, _, held in shown:
        known = {each.strip("`") for each in held.split(", ")}
        assert known & {*found[name.strip("`")][1]}, f"{name}: run: make parity"


def test_a_difference_is_seen() -> None:
    ours = np.array([1.0, 0.0]), np.array([0.1, 0.1])
    assert parity_cells.differences(ours, [1.0, 1e-5], [0.1, 0.1]) == pytest.approx((1e-4, 0))
    assert parity_cells.differences(ours, [1.0, 0.0], [0.1, 0.2])[1] == pytest.approx(0.5)
    assert [parity.below(v) for v in (3e-7, 1e-12, 0.02)] == ["< 1e-06", "< 1e-09", "< 1e-01"]
    none = np.full(2, float("nan")), ours[1]
    assert not parity_cells.Cell(*["x"] * 7, *parity_cells.differences(none, [1.0, 0.0], [0.1, 0.1])).agrees
