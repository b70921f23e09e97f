"""The command of the article's claims and its section."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from claims_spec import inconclusive_rows

from crampstudy import analyses, claims, estimates, tables
from crampstudy.analyses import SectionResults, registry
from crampstudy.analyses.sentences import claims as sentences
from crampstudy.claims import plan as plans
from crampstudy.claims import read_plan, rules, tidy
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError, UsageError
from crampstudy.estimates import kinds
from crampstudy.simulate import simulate, write
from crampstudy.wording import with_none

Run = Callable[..., tuple[int, str, str]]
KEYS = ["claim", "verdict", "analysis", "key", "estimate", "ci_low", "ci_high", "published", "reason"]


def others(rows: dict[str, pd.DataFrame]) -> dict[str, SectionResults]:
    return {name: SectionResults(each, {}, {}, None) for name, each in rows.items()}


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(12, 10, seed=3)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    made = tmp_path_factory.mktemp("claims") / "study"
    write(made, 12, 10, 3, draws=3_000)
    return str(made)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the sections were asked for; their rows are made by hand."""
    given: list[Any] = []

    def run_others(cohort: Cohort, settings: analyses.Settings, names: Any) -> dict[str, SectionResults]:
        given.append((cohort, settings, names))
        return others(inconclusive_rows())

    monkeypatch.setattr(registry, "run_others", run_others)
    return given


class TestCommand:
    def test_json_has_an_object_a_claim(self, run: Run, source: str, asked: list[Any]) -> None:
        code, out, _ = run("claims", source, "--json")
        made = json.loads(out)
        assert code == 0 and [each["claim"] for each in made] == [f"C{n:02d}" for n in range(1, 62)]
        assert all(list(each) == KEYS and each["verdict"] in rules.VERDICTS for each in made)
        by_claim = {each["claim"]: each for each in made}
        diabetes = by_claim["C12"]
        assert (diabetes["verdict"], diabetes["analysis"], diabetes["estimate"]) == ("inconclusive", "conditions", 1.0)
        assert (diabetes["ci_low"], diabetes["ci_high"]) == (0.5, 2.0)
        assert diabetes["key"] in set(inconclusive_rows()["conditions"]["key"])
        assert by_claim["C54"]["verdict"] == "contradicted" and by_claim["C54"]["key"] is None
        assert by_claim["C34"]["verdict"] == "not testable here" and by_claim["C48"]["verdict"] == "stated"
        assert by_claim["C26"]["published"].startswith("contradicted: In older adults")
        # Only the sections whose rows answer claims were run.
        assert asked[0][2] == {row.section for row in claims.CLAIM_ROWS}

    def test_a_reader_sees_every_claim_and_why_one_cannot_be_tested(
        self, run: Run, source: str, asked: list[Any]
    ) -> None:
        code, out, err = run("claims", source)
        assert code == 0 and all(f"C{n:02d} " in out for n in range(1, 62))
        assert "Nutrition" in out and "What was published contradicts C03, C20, C26, C28, C54 and C57." in out
        assert "C34 is not testable here: Under the study's graph the part of diabetes on cramps that goes" in out
        assert "could hardly have been told in a cohort of this size" not in out and "12 participants" not in err

    def test_settings_reach_the_sections(self, run: Run, source: str, asked: list[Any]) -> None:
        options = ("--age-bands", "30,50", "--ci-level", "0.9", "--hemisphere", "south", "--where", "sex = 'female'")
        code, _, err = run("claims", source, "--json", *options)
        cohort, settings, _ = asked[0]
        assert code == 0 and settings.age_bands == (30, 50) and settings.ci_level == 0.9
        assert settings.hemisphere == "south" and set(cohort.frame("participants")["sex"]) == {"female"}
        assert "8 participants inside, 4 left out" in err

    def test_a_folder_has_the_objects_the_rows_and_what_is_behind_them(
        self, run: Run, source: str, asked: list[Any], tmp_path: Path
    ) -> None:
        place = tmp_path / "made"
        assert run("claims", source, "--out", str(place))[0] == 0
        assert {path.name for path in place.iterdir()} == {"claims.json", "claims.csv", "estimates.csv"}
        assert len(json.loads((place / "claims.json").read_text(encoding="utf-8"))) == 61
        with (place / "claims.csv").open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["analysis"] == "claim of the article"]
        assert [row["term"] for row in rows] == [f"C{n:02d}" for n in range(1, 62)]
        behind = (place / "estimates.csv").read_text(encoding="utf-8")
        assert json.loads((place / "claims.json").read_text(encoding="utf-8"))[11]["key"] in behind
        code, _, err = run("claims", source, "--out", str(place))
        assert code != 0 and "--force" in err
        assert run("claims", source, "--out", str(place), "--force")[0] == 0 and (tmp_path / "made.old-1").is_dir()


@pytest.fixture(scope="module")
def found(diary: Cohort) -> analyses.Findings:
    return analyses.run("claims", diary, others=others(inconclusive_rows()))


class TestSection:
    def test_it_shows_every_claim_by_the_parts_of_the_article(self, found: analyses.Findings) -> None:
        table = found.tables["tbl-claims"].frame
        assert len(table) == 61 and list(table.index.get_level_values(0).unique())[:3] == [
            *("Introduction and definition", "Prevalence", "Muscles, nerves and salts"),
        ]
        assert list(table.columns) == ["Estimate (95% CI)", "Here", "Published", "Told, %"]
        diabetes = table.xs("C12 Diabetes goes with more cramps", level=1).iloc[0]
        assert diabetes.tolist()[:3] == ["1.00 (0.50–2.00)", "inconclusive", "inconclusive"]
        assert len(found.figures["fig-claims"].estimates) > 61 and found.could_not == {}

    def test_what_was_to_be_expected_stands_beside(self, found: analyses.Findings) -> None:
        own = kinds.EXPECTED_VERDICT.rows(found.estimates)
        of_one = own[own["term"].eq("C12")]
        assert len(of_one) == 12 and of_one.groupby("reference")["estimate"].sum().round(6).tolist() == [1, 1, 1]
        table = found.tables["tbl-claims"].frame
        told = table.xs("C12 Diabetes goes with more cramps", level=1)["Told, %"].iloc[0]
        # A standard error of 0.35 and 100 degrees of freedom.
        assert told == "2 / 9 / 21"

    def test_keys_do_not_change_with_the_verdict(self) -> None:
        rows = inconclusive_rows()
        clear = rows | {"conditions": rows["conditions"].assign(estimate=3.0, ci_low=2.0, ci_high=4.0)}
        keys = [tidy.rows(claims.ledger(each, "diary"), "x")["key"].tolist() for each in (rows, clear)]
        assert keys[0] == keys[1] and len(set(keys[0])) == len(keys[0])

    def test_numbers_have_their_unit_or_the_note_says_what_they_are(self) -> None:
        rows = inconclusive_rows()
        fatigue = {"estimate": 0.64, "ci_low": 0.54, "ci_high": 0.74, "unit": "points, yes against no"}
        of_scores = rows["sleep"]["scale"].eq("difference")
        rows["sleep"] = rows["sleep"].assign(
            **{name: rows["sleep"][name].mask(of_scores, cell) for name, cell in fatigue.items()}
        )
        severity = rows["severity"]
        stretched = severity["level"].eq("stretch") & severity["outcome"].eq("relief")
        rows["severity"] = severity.assign(scale=severity["scale"].mask(stretched, "hazard_ratio"))
        table = tables.claims(tidy.rows(claims.ledger(rows, "diary"), "x"))
        numbers = table.droplevel(0)["Estimate (95% CI)"]
        assert numbers["C53 Cramps impair sleep and the next day (sleep)"] == "0.64 (0.54–0.74) points"
        note = table.notes[0]
        assert note.startswith("A number without a unit is a rate ratio, of C08 and C45 a hazard ratio, of ")
        odds = rows | {"severity": severity.assign(scale=severity["scale"].mask(stretched, "odds_ratio"))}
        told = tables.claims(tidy.rows(claims.ledger(odds, "diary"), "x")).notes[0]
        assert " a rate ratio, of C08 and C45 an odds ratio" in told
        assert "inconclusive where theirs differ, and the number of the part in brackets" in note
        assert ", of C11, C24, C30 and C42 the ratio of two of these." in note
        for claim in (
            "C38 Joint problems raise the number of cramps (arthritis)",
            "C42 Drink eight glasses a day, and more in heat (fluid at 30 against 10 °C)",
            "C47 Menthol and capsaicin relieve (menthol)",
            "C12 Diabetes goes with more cramps",
        ):
            assert claim in numbers.index
        (heat,) = (each for each in claims.ledger(rows, "diary") if each.claim.claim == "C42")
        assert claims.number(heat).startswith("Fluid at 30 against 10 °C: ratio of two: ")

    def test_a_survey_without_any_section_says_so_of_each_claim(self) -> None:
        rows = tidy.rows(claims.ledger({}, "survey"), "x")
        assert rows["verdict"].value_counts().to_dict() == {"not testable here": 60, "contradicted": 1}
        assert set(tables.claims(rows)["Here"]) == {"not testable here", "contradicted"}
        assert estimates.frame([]).columns.tolist() == rows.columns.tolist()


class TestPlan:
    @pytest.fixture
    def frozen(self, run: Run, tmp_path: Path) -> Path:
        code, out, _ = run("claims", "--freeze", str(tmp_path / "plan.yaml"))
        assert code == 0 and f"crampstudy report SOURCE --plan {tmp_path / 'plan.yaml'}" in out
        return tmp_path / "plan.yaml"

    def test_all_claims_are_frozen_with_their_rows_and_the_code(self, frozen: Path, run: Run) -> None:
        plan = read_plan(frozen)
        assert plan is not None and plan.same_code and all(plan.names(each) for each in claims.claims())
        assert plan.claims["C12"]["contrast"] == "diabetes, yes against no"
        assert plan.claims["C12"]["rows"][0]["term"] == "diabetes" and plan.claims["C12"]["rule"] == "ratio"
        assert plans.frozen().encode() == frozen.read_bytes()
        code, _, err = run("claims", "--freeze", str(frozen))
        assert code != 0 and "--force" in err

    def test_what_is_deleted_or_changed_is_post_hoc(self, frozen: Path) -> None:
        text = frozen.read_text(encoding="utf-8")
        kept, rest = text.split("  C13:\n")[0], text.split("  C60:\n")[1]
        frozen.write_text(f"{kept}  C60:\n{rest.replace('all three', 'all of it')}", encoding="utf-8")
        plan = read_plan(frozen)
        assert plan is not None
        named = [each.claim for each in claims.claims() if plan.names(each)]
        assert named == [*(f"C{n:02d}" for n in range(1, 13)), "C60"]
        rows = inconclusive_rows()["conditions"]
        told = plans.marked(rows, plan)
        assert told["note"].equals(rows["note"])
        marks = {row["term"]: plans.mark(row) for row in with_none(told)}
        assert marks["diabetes"] == "planned" and marks["chronic_kidney_disease"] == "post hoc"
        assert plans.marked(rows, None) is rows
        assert plans.marked(told, plan)["facts"].tolist() == told["facts"].tolist()
        said = sentences.planned(plan)
        assert "names 13 of the 61 as they are tested here" in said and "post hoc: C61." in said
        assert "This is the code with which it was frozen." in said and sentences.planned(None) == ""

    def test_the_section_marks_its_claims(self, frozen: Path, diary: Cohort) -> None:
        text = frozen.read_text(encoding="utf-8")
        frozen.write_text(text.split("  C13:\n")[0], encoding="utf-8")
        settings = analyses.Settings(plan=read_plan(frozen))
        found = analyses.run("claims", diary, settings, others=others(inconclusive_rows()))
        planned = found.tables["tbl-claims"].frame["Planned"].droplevel(0)
        assert planned["C12 Diabetes goes with more cramps"] == "yes"
        assert planned["C13 Kidney problems go with more cramps (kidney disease)"] == "post hoc"
        of_claims = found.estimates[found.estimates["analysis"].eq(kinds.CLAIM.name)]
        assert all(plans.mark(row) for row in with_none(of_claims))
        said = found.values["not_estimated"]
        assert "C34: under the study's graph" in said and "post hoc" not in said

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("a: 1", "is no plan of claims, which begins with format: crampstudy plan of claims, 1"),
            ("format: crampstudy plan of claims, 1\nclaims: {C99: {}}", "plans C99, and claims are C01 to C61"),
            ("a: 1\na: 2", "cannot be read as a plan: the key 'a' stands twice"),
        ],
    )
    def test_what_is_no_plan_is_refused(self, tmp_path: Path, text: str, said: str) -> None:
        (tmp_path / "p.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(UsageError if "C99" in text else SourceError, match=said):
            read_plan(tmp_path / "p.yaml")
        with pytest.raises(SourceError, match=r"there is no plan .*absent\.yaml; give the path of one that was frozen"):
            read_plan(tmp_path / "absent.yaml")

    def test_a_report_marks_every_row_and_shows_no_path(
        self, run: Run, source: str, frozen: Path, forked: None
    ) -> None:
        place = frozen.parent / "report"
        code, _, err = run("report", source, "--sections", "cohort,claims", "--plan", str(frozen), "--out", str(place))
        assert code == 0, err
        with (place / "estimates.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert all(plans.mark(row) for row in rows)
        completeness = [plans.mark(row) for row in rows if row["analysis"] == "completeness"]
        # Claim C51 is read off one of them.
        assert completeness.count("planned") == 1
        page = (place / "report.html").read_text(encoding="utf-8")
        assert "plan.yaml" in page and str(frozen.parent) not in page and "The plan (SHA-256" in page

    def test_a_source_is_asked_for(self, run: Run) -> None:
        code, _, err = run("claims")
        assert code == 2 and "only --freeze goes without" in err
