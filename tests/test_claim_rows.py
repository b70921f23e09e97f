"""Every claim of the article that a cohort can be asked of has a row in a section of the report, by name."""

from __future__ import annotations

import csv
from pathlib import Path

import analyses_page
import pandas as pd
import pytest

from crampstudy import analyses
from crampstudy.analyses.claim_rows import CLAIM_ROWS, ClaimRow, rows_of_claim
from crampstudy.simulate import simulate

ROOT = Path(__file__).parent.parent
RULES = ("ratio", "interaction", "shape", "season", "joint", "level", "difference")
"""Those by which a claim is read off the rows of a section."""


@pytest.fixture(scope="module")
def found() -> dict[str, pd.DataFrame]:
    cohort = simulate(200, 20, seed=3)
    return {name: analyses.run(name, cohort).estimates for name in {row.section for row in CLAIM_ROWS}}


@pytest.mark.parametrize("row", CLAIM_ROWS, ids=lambda row: f"{row.claim}-{row.section}-{row.term or row.level}")
def test_the_row_is_there(found: dict[str, pd.DataFrame], row: ClaimRow) -> None:
    assert not row.among(found[row.section]).empty


def test_every_claim_by_these_rules_has_a_row(shared: Path) -> None:
    text = (shared / "evidence" / "claims.csv").read_text(encoding="utf-8")
    claims = list(csv.DictReader(text.splitlines()))
    asked = {claim["id"] for claim in claims if claim["rule"] in RULES}
    assert len(asked) > 40 and asked - {row.claim for row in CLAIM_ROWS} == set()
    assert {row.claim for row in CLAIM_ROWS} <= {claim["id"] for claim in claims}


def test_a_claim_finds_its_rows(found: dict[str, pd.DataFrame]) -> None:
    fluid = rows_of_claim("C20", found)
    assert fluid["level"].tolist() == ["within", "lag 1"] and set(fluid["term"]) == {"contrast: fluid_ml"}
    assert rows_of_claim("C54", found).empty


def test_the_page_lists_them() -> None:
    begin, end = analyses_page.CLAIMS
    page = (ROOT / "docs" / "analyses.md").read_text(encoding="utf-8")
    assert page.split(begin)[1].split(end)[0].strip() == analyses_page.claims().strip()
