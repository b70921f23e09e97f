"""What was recorded and of which cleaning left no value is not what was never recorded, wherever that is said."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from crampstudy import Cohort, analyses, open_cohort, tables, wording
from crampstudy.analyses import Settings
from crampstudy.analyses.overview.claims import ledger_of
from crampstudy.claims import reason
from crampstudy.cohort import Attrition, all_set_aside
from crampstudy.contrasts.cohorts.factors import compare_factors
from crampstudy.estimates import kinds

DIABETES, VITAMIN_D = "diabetes (12 by the rule type)", "25-hydroxyvitamin D (12 by the rule unit slip)"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    """Twelve people whose answers on diabetes are no truth values and whose vitamin D is in ng/mL."""
    folder = tmp_path_factory.mktemp("lost")
    who = [f"P{i}" for i in range(12)]
    people = "".join(f"{each},{50 + i},female,1,{0.8 + i / 100}\n" for i, each in enumerate(who))
    nights = "".join(f"{each},2024-03-{d:02},{(i + d) % 2}\n" for i, each in enumerate(who) for d in range(10, 24))
    head = "participant_id,age_years,sex,diabetes,serum_magnesium_mmol_l\n"
    (folder / "participants.csv").write_text(head + people.replace(",1,", ",perhaps,"))
    (folder / "diary.csv").write_text(f"participant_id,date,cramps\n{nights}")
    samples = "".join(f"{each},2024-03-10,vitamin_d,{12 + i},ng/mL\n" for i, each in enumerate(who))
    kept = "P0,2024-03-20,serum_sodium,140,mmol/L\nP1,2024-03-20,serum_sodium,140,furlongs\n"
    (folder / "labs.csv").write_text(f"participant_id,date,analyte,value,unit\n{samples}{kept}")
    return open_cohort(folder)


def test_it_is_known_of_which_variables_and_by_which_rule(cohort: Cohort) -> None:
    # Of sodium a value was kept, though it is no baseline.
    assert all_set_aside(cohort) == {"diabetes": "12 by the rule type", "vitamin_d_nmol_l": "12 by the rule unit slip"}


def test_the_data_quality_names_the_analyte(cohort: Cohort) -> None:
    named = tables.rules(cohort)["Variable"].tolist()
    assert "25-hydroxyvitamin D (labs)" in named and "Serum sodium (labs)" in named
    assert not any(name.startswith("Value") for name in named)


@pytest.mark.parametrize(("section", "said"), [("nutrition", VITAMIN_D), ("conditions", DIABETES)])
def test_a_section_says_that_it_was_set_aside(cohort: Cohort, section: str, said: str) -> None:
    rows = analyses.run(section, cohort, Settings()).estimates
    told = tables.not_measured(rows)
    (lost,) = (text for text in told if text.startswith("recorded, and every value set aside in cleaning: "))
    assert said in lost
    assert said.partition(" (")[0] not in " ".join(text for text in told if text != lost)


def test_conditions_that_were_recorded_are_not_said_not_to_be(cohort: Cohort) -> None:
    answer = analyses.run("conditions", cohort, Settings()).values["answer"]
    assert f"every value was set aside in cleaning of {DIABETES}" in answer
    assert "none of them was recorded" not in answer


def test_a_claim_says_so_too(cohort: Cohort) -> None:
    found = {name: analyses.run(name, cohort, Settings()) for name in ("nutrition", "conditions")}
    made = {each.claim.claim: each for each in ledger_of(cohort, Settings(), found)}
    assert reason(made["C27"]) == f"Every value was set aside in cleaning of {VITAMIN_D}."
    assert reason(made["C12"]) == f"Every value was set aside in cleaning of {DIABETES}."


def test_a_comparison_says_so_too(cohort: Cohort) -> None:
    people = cohort.frame("participants")
    has = pl.Series([i % 2 == 0 for i in range(people.height)])
    known = people.with_columns(diabetes=has, statin=~has)
    other = replace(cohort, name="other", tables={**cohort.tables, "participants": known}, attrition=Attrition())
    rows = compare_factors([cohort, other], ["diabetes", "statin"])
    notes = {
        row["term"]: row["note"]
        for row in wording.with_none(kinds.FACTOR_IN_COHORT.rows(rows))
        if row["status"] == "not_measured"
    }
    assert notes["diabetes"] == "recorded, and every value was set aside in cleaning (12 by the rule type)"
    assert notes["statin"] == "not measured in this cohort"
    assert tables.set_aside_names(rows) == [DIABETES]
