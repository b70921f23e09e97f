"""The table of the rules: every rule fires, read whole and in chunks, and the documentation is the table."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from crampstudy import codebook
from crampstudy.cleaning import rules_page
from crampstudy.cleaning.rule import Rule
from crampstudy.cleaning.rules import RULES
from crampstudy.sources import load
from crampstudy.sources.text import ragged
from crampstudy.validation import chunked

ROOT = Path(__file__).resolve().parents[1]
TODAY = date(2024, 6, 1)

PARTICIPANTS = """participant_id,age_years,sex,birth_year,diary_start,diary_end,enrolled_on,randomised_on,bmi_kg_m2,\
smoking,serum_calcium_mmol_l,serum_magnesium_mmol_l,grip_strength_kg,pregnancy_trimester
a,60,male,1964,,,,,25,never,2.4,0.8,30,second
b,60,male,1900,,,,,heavy,often,9.6,2.0,NA,none
c,60,female,1964,2024-03-09,2024-03-01,,,25,never,99,0.8,30,none
d-1,60,female,1964,,,2024-03-05,2024-03-01,25,never,2.4,0.8,30,none
D1,60,female,1964,,2024-02-28,2024-03-01,2024-03-02,25,never,2.4,0.8,30,none
e,60,female,1964,,,,,25,never,2.4,0.8,30,none,1,2,3
f,60
"""
DIARY = [
    "participant_id,date,entry_made,cramps,hours_in_bed,sleep_hours,fluid_ml,electrolyte_drink,steps",
    *(f"a,2024-01-{day:02},true,1,8,7,1500,false,6000" for day in range(1, 29)),
    "a,2024-02-01,true,1,8,9.5,1500,false,6000",  # more sleep than bed
    "a,2024-02-02,true,99,8,7,1500,false,90000",  # a count far above, and a jump
    "a,2024-02-03,false,2,8,7,1500,false,6000",
    "a,2024-02-04,true,,8,7,1500,false,6000",
    "a,2024-02-05,true,1,8,7,1500,false,6000",
    "a,2024-02-05,true,1,8,7,1500,false,6000",
    "a,2024-02-06,true,1,8,7,1500,false,6000",
    "a,2024-02-06,true,2,8,7,1500,false,6000",
    "a,,true,1,8,7,1500,false,6000",
    "a,2024-02-07,,true,0,7.5,7,1500,false",  # slid to the right
    "a,2023-02-07,true,1,8,7,1500,false,6000",
    "a,2024-07-07,true,1,8,7,1500,false,6000",
    "nobody,2024-02-07,true,1,8,7,1500,false,6000",
    "b,2024-02-01,true,1,8,7,1500,false,6000",
    "c,2024-02-01,true,1,8,7,1500,false,6000",
    # One diary under two names.
    *(
        f"{who},2024-01-{day:02},true,1,8,7,1500,false,{5900 + 10 * day}"
        for who in ("d-1", "D1")
        for day in range(1, 11)
    ),
]
EPISODES = "participant_id,date,episode,onset\na,2024-01-01,1,2024-01-05T23:00\na,2024-01-01,2,2024-01-01T23:00\n"
LABS = """participant_id,date,analyte,value,unit
a,2024-01-01,serum_copper,15,µmol/L
a,2024-01-01,serum_calcium,2.4,stones
"""
TREATMENTS = "participant_id,agent,dose,unit,start,stop\na,magnesium,300,mg,2024-01-10,2024-01-05\n"
NOT_PLANTED = {"correction"}
"""What only the user's own corrections say: tests/test_corrections.py."""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """One violation of each rule at least."""
    texts = {"participants": PARTICIPANTS, "episodes": EPISODES, "labs": LABS, "treatments": TREATMENTS}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    head, *rows = (line.split(",") for line in DIARY)
    cells = [[cell or None for cell in row] for row in rows]
    pl.DataFrame(cells, schema=dict.fromkeys(head, pl.String), orient="row").write_parquet(tmp_path / "diary.parquet")
    resources = [{"name": name, "path": f"{name}.csv"} for name in texts] + [{"name": "diary", "path": "diary.parquet"}]
    own = {"kind": "diary", "window": ["2024-01-01", "2024-12-31"]}
    described = {"name": "x", "resources": resources, "crampstudy": own}
    (tmp_path / "datapackage.json").write_text(json.dumps(described), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("size", [None, 5, 1000])
def test_every_rule_fires_read_whole_and_in_chunks(study: Path, size: int | None) -> None:
    if size is None:
        found = set(load(study, today=TODAY).ledger.select("rule", "severity").unique().iter_rows())
    else:
        summary = chunked.validate(study, today=TODAY, large=1, size=size)
        assert summary is not None
        found = {(rule.rule, rule.severity) for rule in summary.rules}
    asked = {(rule.name, rule.severity) for rule in RULES if rule.name not in NOT_PLANTED}
    assert asked - found == set()
    # Of keys and counts some rules reject the row, whose severity else is to blank the cell.
    assert {name for name, _ in found} <= {rule.name for rule in RULES}


def test_both_ways_of_reading_find_the_same(study: Path) -> None:
    ledger = load(study, today=TODAY).ledger
    counts = ledger.group_by("rule", "severity", "column").len()
    whole = {(rule, severity, column): n for rule, severity, column, n in counts.iter_rows()}
    summary = chunked.validate(study, today=TODAY, large=1, size=5)
    assert summary is not None
    assert {(rule.rule, rule.severity, rule.column): rule.n for rule in summary.rules} == whole


def test_a_folder_with_corrections_is_read_whole(study: Path) -> None:
    """In chunks they would be left out without a word."""
    (study / "corrections.yaml").write_text(
        "version: 1\ncorrections:\n- {table: participants, where: {participant_id: a}, column: bmi_kg_m2, from: 25, "
        "to: 26, reason: a typo}\n"
    )
    assert chunked.validate(study, today=TODAY, large=1) is None
    said = load(study, today=TODAY).ledger.filter(pl.col("rule") == "correction")
    assert said.select("file", "line", "column").rows() == [("participants.csv", 2, "bmi_kg_m2")]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.name}, {rule.severity}")
def test_a_rule_says_what_it_needs(rule: Rule) -> None:
    """A column that the table has not would never be there, and the rule would never be asked."""
    assert set(rule.tables) <= codebook.TABLES.keys()
    for table in rule.tables[:1] if rule.stage == "study" else rule.tables:
        assert {*rule.columns, *rule.blamed} <= {v.name for v in codebook.variables(table)}
    found_where_cells_are_read = rule.stage in ("file", "cells", "user")
    assert sum(way is not None for way in (rule.expression, rule.search, rule.parts, rule.across)) == (
        0 if found_where_cells_are_read else 1
    )
    if rule.expression is not None:
        assert rule.stage == "row" and rule.blamed and rule.hint and len(rule.tables) == 1
        assert set(rule.expression.meta.root_names()) <= {*rule.columns, *codebook.TABLES[rule.tables[0]].key}


def test_no_rule_is_named_that_is_not_in_the_table() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src/crampstudy/cleaning").glob("*.py")]
    named = set(re.findall(r'"([a-z]+(?:-[a-z]+)*)", "(?:reject-row|blank-cell|warn)"', "\n".join(sources)))
    assert named and named | set(ragged.RULES) <= {rule.name for rule in RULES}


def test_the_documentation_has_the_table() -> None:
    page = (ROOT / "docs/cleaning.md").read_text(encoding="utf-8")
    assert rules_page.renewed(page) == page, "run: python -m crampstudy.cleaning"
    assert page.count("| `jump` | warn |") == 1
