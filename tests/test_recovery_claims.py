"""Verdicts on claims against truth: what is wrong, and that rows about no effect are wrong as seldom as stated."""

from __future__ import annotations

import math
import re
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import recovery_claims as recovery
from claims_spec import inconclusive_rows
from recovery_claim_rows import SECTIONS, rows_of_claims
from scipy import stats

from crampstudy import analyses, claims
from crampstudy.claims import LedgerEntry
from crampstudy.simulate import Truth, simulate
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


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cohorts of a size that takes seconds."""
    monkeypatch.setattr(recovery, "PEOPLE", 60)
    monkeypatch.setattr(recovery, "NIGHTS", 28)


@pytest.mark.usefixtures("small")
def test_rows_are_those_of_the_sections(tmp_path: Path) -> None:
    task = next(each for each in recovery.tasks(1, 7, tmp_path) if each.state == recovery.EFFECTS_ON)
    recovery.run(task)
    cohort = simulate(recovery.PEOPLE, recovery.NIGHTS, seed=task.seed, truth=Truth())
    sections = {name: analyses.run(name, cohort).estimates for name in ("hydration", "conditions")}
    kept = {entry.claim.claim: entry for entry in recovery.ledger_of(task.file)}
    compared = 0
    for entry in claims.ledger(sections, "diary"):
        own = kept[entry.claim.claim]
        if entry.claim.claim in recovery.NULL and entry.parts and entry.parts[0].of.section in sections:
            assert own.verdict == entry.verdict, entry.claim.claim
            for one, other in zip(own.parts, entry.parts, strict=True):
                there = (one.row or {}).get("estimate"), (other.row or {}).get("estimate")
                assert (there[0] is None) == (there[1] is None), entry.claim.claim
                assert there[0] is None or there[0] == pytest.approx(there[1], rel=1e-8), entry.claim.claim
                compared += there[0] is not None
    assert compared > 8


@pytest.mark.usefixtures("small")
def test_what_was_kept_is_judged_and_what_is_missing_is_not_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done = list(recovery.tasks(10, 7, tmp_path))
    for task in done:
        # Ten cohorts of each state, which take turns with the sections: each is asked of some.
        some = [name for i, name in enumerate(SECTIONS) if i % 3 == task.number % 3]
        monkeypatch.setattr(recovery, "rows_of_claims", partial(rows_of_claims, sections=some))
        recovery.run(task)
    found = recovery.measured(done)
    assert {each.state for each in found} == set(recovery.STATES)
    # Every claim of known truth has a verdict in each cohort, and hardly any is wrong.
    assert all(sum(each.verdicts.values()) == 10 and each.wrong <= each.most for each in found)
    wrong, n = sum(each.wrong for each in found), sum(each.n for each in found)
    assert n > 100 and wrong <= stats.binom.ppf(0.999, n, recovery.STATED)
    one = [each for each in done if each.state == "null"]
    assert {each.state for each in recovery.measured(one) if each.verdicts} == {"null"}


def test_cohorts_take_turns_and_have_seeds_of_their_own(tmp_path: Path) -> None:
    few, many = (list(recovery.tasks(n, 7, tmp_path)) for n in (2, 3))
    assert many[: len(few)] == few and [each.state for each in few] == [*recovery.STATES] * 2
    assert len({each.seed for each in many}) == 3 and len({each.file for each in many}) == 6


def test_the_page_has_a_table_in_which_no_claim_is_above_the_bound() -> None:
    begin, end = recovery.MARKS
    page = (ROOT / "docs" / "recovery.md").read_text(encoding="utf-8").split(begin)[1].split(end)[0]
    rows = [line.split(" | ") for line in page.strip().splitlines()[2:] if line.startswith("| ")]
    assert {cells[0].removeprefix("| ") for cells in rows} == set(recovery.STATES)
    assert all(len(cells) == 9 for cells in rows) and "no claim is above the bound" in page
    assert all(int(a) <= int(b) for cells in rows for a, b in re.findall(r"(\d+) \((\d+)\)", cells[-1]))
