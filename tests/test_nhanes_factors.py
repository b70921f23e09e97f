"""Three factors in the published surveys: the definition that gives these numbers, and what may be said of them."""

from __future__ import annotations

from pathlib import Path

import nhanes_factors
import pytest

# Mild cramps left out; mild among the others, or any choice between, gives other numbers.
ODDS_RATIOS = {
    "D": {
        "arthritis": (3453, 2.470, "higher"),
        "serum_potassium_mmol_l": (3238, 1.126, "inconclusive"),
        "red_cell_count_10_12_l": (3269, 0.797, "higher"),
    },
    "E": {
        "arthritis": (4065, 4.652, "higher"),
        "serum_potassium_mmol_l": (3800, 1.117, "inconclusive"),
        "red_cell_count_10_12_l": (3828, 0.846, "higher"),
    },
}


@pytest.mark.parametrize("cycle", ["D", "E"])
def test_odds_ratios_and_verdicts(shared: Path, cycle: str) -> None:
    rows = nhanes_factors.rows(shared / "data" / "nhanes", cycle).set_index("term")
    for factor, (n, ratio, said) in ODDS_RATIOS[cycle].items():
        row = rows.loc[factor]
        assert (row["n_participants"], round(row["estimate"], 3)) == (n, ratio)
        # A number is judged at its declared contrast, low against usual or high, and not per SD.
        judged = row if factor == "arthritis" else rows.loc[f"contrast: {factor}"]
        assert judged["verdict"] == said and (factor == "arthritis") == isinstance(row["verdict"], str)
        assert row["estimand"].startswith("cross-sectional association")


def test_the_page_says_the_same(shared: Path) -> None:
    page = (nhanes_factors.ROOT / "docs" / "nhanes.md").read_text(encoding="utf-8")
    shown = page.split(nhanes_factors.BEGIN)[1].split(nhanes_factors.END)[0].strip()
    assert shown == nhanes_factors.page(shared / "data" / "nhanes")
