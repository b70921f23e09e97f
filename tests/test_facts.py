"""What tables, figures and sentences are made of stands in a field of a row, and is never read from its note."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from columns_page import ROOT
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import estimates
from crampstudy.estimates import facts, kinds, verdicts

_ROOMS = ("analyses", "claims", "figures", "report", "rerun", "tables", "triage")
_TAKEN_APART = re.compile(r'\["note"\][^\n=]*\.(?:contains|startswith|endswith|r?partition|extract|eq)\(')
_REMARKS_OF_A_TABLE = {"tables/sections/conditions.py"}
"""Where a remark is left out below a table that has it as a cell."""


@given(st.dictionaries(st.sampled_from([*facts.MEANINGS]), st.text("ab: –", min_size=1).map(str.strip)))
def test_what_is_written_is_read(told: dict[str, str]) -> None:
    known = {name: value for name, value in told.items() if value}
    assert facts.read(facts.written(known)) == known
    assert facts.written(known) == facts.written(dict(reversed(known.items())))


def test_a_value_is_one_and_a_name_is_known() -> None:
    assert facts.written({"no verdict": "a; b", "plan": None}) == "no verdict: a – b"
    assert (
        facts.written({}) is None
        and facts.read(pd.NA) == facts.read("") == {}
        and facts.fact({"facts": None}, "plan") == ""
    )
    with pytest.raises(TypeError, match="no such fact of an estimate: planned"):
        facts.written({"planned": "yes"})
    row = facts.with_facts({"facts": "plan: planned; q: by Holm over 2 tests"}, {"plan": None, "margins": "0.9 to 1.1"})
    assert row["facts"] == "margins: 0.9 to 1.1; q: by Holm over 2 tests"


def test_a_row_without_an_estimate_says_nothing_of_one() -> None:
    told = {"covariance": "jackknife", "had by": "nobody"}
    cells = {"analysis": kinds.TREATMENT_EFFECT.name, "facts": told}
    assert estimates.row(status="converged", estimate=1.0, **cells)["facts"] == "covariance: jackknife; had by: nobody"
    lost = estimates.row(status="not_estimable", **cells)
    assert lost["facts"] == "had by: nobody"
    rows = estimates.frame([lost, estimates.row(status="not_estimable", cohort="a")])
    assert facts.of_rows(rows, "had by").tolist() == ["nobody", ""]
    assert facts.of_rows(rows.iloc[:0], "had by").tolist() == []
    pd.testing.assert_frame_equal(estimates.from_csv(estimates.to_csv(rows)), rows)


def test_margins_and_a_verdict_that_is_taken_back() -> None:
    cells = {
        "scale": "rate_ratio",
        "estimate": 1.0,
        "ci_low": 0.95,
        "ci_high": 1.05,
        "ci_level": 0.95,
        "note": "of few",
    }
    made = verdicts.with_margins(estimates.row(status="converged", **cells), (0.9, 1.1)) | {"verdict": "near null"}
    assert made["facts"] == "margins: 0.9 to 1.1" and made["note"] == "of few; verdict with margins 0.9 to 1.1"
    assert "margins" not in str(verdicts.remark(estimates.frame([made])))
    silent = verdicts.unjudged(made, "beyond all nights")
    assert silent["facts"] == "no verdict: beyond all nights" and silent["note"] == "of few; beyond all nights"
    assert silent["verdict"] is None


def test_no_note_is_taken_apart_for_what_it_says() -> None:
    rooms = [path for room in _ROOMS for path in (ROOT / "src/crampstudy" / room).rglob("*.py")]
    found = {
        path.relative_to(ROOT / "src/crampstudy").as_posix(): line.strip()
        for path in rooms
        for line in path.read_text(encoding="utf-8").splitlines()
        if _TAKEN_APART.search(line)
    }
    assert found.keys() == _REMARKS_OF_A_TABLE, found
