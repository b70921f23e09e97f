"""Verdicts on claims against truth: what is wrong, and that rows about no effect are wrong as seldom as stated."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
import recovery_claims as recovery
from claims_spec import inconclusive_rows
from scipy import stats

from crampstudy import claims
from crampstudy.claims import LedgerEntry
from crampstudy.wording import with_none

ROOT = Path(__file__).parent.parent
DRAWS, ERROR, DF = 40, 0.06, 60.0


def drawn(rng: np.random.Generator, truth: float) -> tuple[LedgerEntry, ...]:
    """Return the ledger of rows whose log ratios are drawn about a truth."""
    found = inconclusive_rows()
    for section, rows in found.items():
        made = rows[rows["scale"].eq("rate_ratio") & rows["level"].ne("peak to trough")].index
        estimate = truth + ERROR * rng.standard_normal(len(made))
        reach = stats.t.ppf(0.975, DF) * ERROR * np.sqrt(rng.chisquare(DF, len(made)) / DF)
        limits = {"estimate": estimate, "ci_low": estimate - reach, "ci_high": estimate + reach}
        for name, values in limits.items():
            found[section].loc[made, name] = np.exp(values)
    return claims.ledger(found, "diary")


def test_about_no_effect_verdicts_are_wrong_as_seldom_as_stated() -> None:
    rng = np.random.default_rng(11)
    made = [recovery.told(drawn(rng, 0.0), recovery.NULL) for _ in range(DRAWS)]
    found = [each for each in recovery.judged("null", made) if each.claim != "C28"]
    total, n = sum(each.wrong for each in found), sum(each.n for each in found)
    # Claims of several parts are wrong less often still.
    assert n > 700 and 0 < total <= stats.binom.ppf(0.999, n, recovery.STATED)
    assert all(each.wrong <= each.most for each in found)
    # An error of 0.06 is small enough to tell that there is none that matters.
    assert sum(each.verdicts.get("contradicted", 0) for each in found) > 0.5 * n


def test_a_large_effect_is_seldom_missed() -> None:
    rng = np.random.default_rng(12)
    higher = [row.claim for row in claims.CLAIM_ROWS if row.side == "higher" and row.claim in ("C12", "C19", "C33")]
    made = [recovery.told(drawn(rng, math.log(1.5)), dict.fromkeys(higher, recovery.LARGE)) for _ in range(10)]
    assert all(verdict == "supported" and not wrong for each in made for verdict, wrong in each.values())


def entry(number: str, low: float, high: float) -> LedgerEntry:
    found = inconclusive_rows()
    row = claims.find(number).rows("diary")[0]
    meant = row.among(with_none(found[row.section]))
    at = found[row.section]["key"].eq(meant["key"] if meant else None)
    found[row.section].loc[at, ["estimate", "ci_low", "ci_high"]] = [(low * high) ** 0.5, low, high]
    return next(each for each in claims.ledger(found, "diary") if each.claim.claim == number)


@pytest.mark.parametrize(
    ("limits", "truth", "expected"),
    [
        ((1.3, 2.0), recovery.NONE, True),
        ((1.3, 2.0), recovery.LARGE, False),
        ((1.3, 2.0), recovery.OTHER, True),
        ((1.3, 2.0), recovery.MIXED, True),
        ((0.9, 1.1), recovery.NONE, False),
        ((0.9, 1.1), recovery.SMALL, False),
        ((0.9, 1.1), recovery.LARGE, True),
        ((0.5, 0.8), recovery.SMALL, True),
        ((0.5, 2.0), recovery.LARGE, False),
    ],
)
def test_what_is_wrong(limits: tuple[float, float], truth: str, expected: bool) -> None:
    assert recovery.wrong(entry("C12", *limits), truth) is expected


def test_the_table_names_what_is_above_the_bound() -> None:
    few = recovery.Judged("null", "C12", recovery.NONE, {"supported": 3, "inconclusive": 97}, 3)
    many = recovery.Judged("null", "C13", recovery.NONE, {"supported": 30, "inconclusive": 70}, 30)
    assert few.most == stats.binom.ppf(0.999, 100, 0.025) == 8
    made = recovery.table([few, many])
    assert "| null | C12 | no effect | 3 | 0 | 0 | 97 | 0 | 3 (8) |" in made
    assert "Wrong are 33 of 200 verdicts; above the bound are C13 (null: 30 of 100)." in made


def test_the_page_has_a_table_in_which_no_claim_is_above_the_bound() -> None:
    begin, end = recovery.MARKS
    page = (ROOT / "docs" / "recovery.md").read_text(encoding="utf-8").split(begin)[1].split(end)[0]
    rows = [line.split(" | ") for line in page.strip().splitlines()[2:] if line.startswith("| ")]
    assert {cells[0].removeprefix("| ") for cells in rows} == set(recovery.STATES)
    assert all(len(cells) == 9 for cells in rows) and "no claim is above the bound" in page
    assert all(int(a) <= int(b) for cells in rows for a, b in re.findall(r"(\d+) \((\d+)\)", cells[-1]))
