"""Claims of the article: the tables, the rules of their verdicts, what was published, and the ledger of a cohort."""

from __future__ import annotations

import csv
import math
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import claims_of_cohorts
import claims_page
import numpy as np
import pandas as pd
import pytest
from claims_spec import CASES, OF_DIARIES, PARTS, SEASONS, Case, inconclusive_rows, peak, verdict

from crampstudy import analyses, claims, codebook, estimates, evidence, tables
from crampstudy.analyses.sections.nutrition import TOTAL_CALCIUM
from crampstudy.claims import power, rules, sentences, tidy
from crampstudy.claims.claim import CLAIM_ROWS
from crampstudy.claims.ledger import ClaimPart, LedgerEntry
from crampstudy.claims.published import NONE_FOUND, published
from crampstudy.claims.rules import CONTRADICTED, INCONCLUSIVE, NEGLIGIBLE, NOT_TESTABLE, STATED, SUPPORTED
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.nights.joint_programme import joint_programme
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds, reliability, verdicts
from crampstudy.simulate import simulate
from crampstudy.wording import CONTRAST, marks, with_none

ROOT = Path(__file__).parent.parent
Found = dict[str, pd.DataFrame]
OPPOSITE = {SUPPORTED: CONTRADICTED, NEGLIGIBLE: CONTRADICTED, CONTRADICTED: SUPPORTED}


@pytest.fixture(scope="module")
def found() -> Found:
    return inconclusive_rows()


@pytest.fixture(scope="module")
def sections() -> Found:
    """What the sections find in a cohort."""
    cohort = simulate(200, 20, seed=3)
    return {name: analyses.run(name, cohort).estimates for name in {row.section for row in claims.CLAIM_ROWS}}


class TestTables:
    def test_they_are_the_claims_of_the_article(self, shared: Path) -> None:
        text = (shared / "evidence" / "claims.csv").read_text(encoding="utf-8")
        there = {row["id"]: row for row in csv.DictReader(text.splitlines())}
        assert [each.claim for each in claims.claims()] == list(there) == [f"C{n:02d}" for n in range(1, 62)]
        for each in claims.claims():
            row = there[each.claim]
            assert (each.kind, each.rule) == (row["kind"], row["rule"]), each.claim
            # In words of our own.
            assert each.text != row["claim"] and each.published != row["published_evidence"]
        assert [each.claim for each in claims.claims() if each.kind == "omission"] == ["C58", "C59"]

    def test_every_row_is_of_an_analysis_and_needs_a_column_that_is_known(self) -> None:
        numbers = {each.claim for each in claims.claims()}
        for row in claims.CLAIM_ROWS:
            assert row.claim in numbers and row.section in analyses.ANALYSES
            for needed in row.needs.split(" and "):
                table, _, column = needed.partition(".")
                assert codebook.find(column, table) is not None, row
            if row.side not in ("", rules.HIGHER, rules.LOWER, rules.WINTER_PEAK):
                assert rules.limits(row.side)

    def test_all_but_two_claims_have_a_row_of_a_diary(self) -> None:
        without = {each.claim: each.rule for each in claims.claims() if not each.rows("diary")}
        assert without == {"C34": "mediation", "C54": "citation"}

    @pytest.mark.parametrize(
        "row",
        [row for row in OF_DIARIES if row.term != f"{CONTRAST}{TOTAL_CALCIUM}"],
        ids=lambda row: f"{row.claim}-{row.section}-{row.part}",
    )
    def test_the_row_is_there(self, sections: Found, row: claims.ClaimRow) -> None:
        assert row.among(with_none(sections[row.section])) is not None

    def test_calcium_that_cannot_be_corrected_answers_as_it_is(self) -> None:
        drawn = simulate(40, 5, seed=3)
        people = drawn.frame("participants").drop("serum_albumin_g_l")
        uncorrected = replace(drawn, tables={**drawn.tables, "participants": people})
        rows = adjusted_fit(uncorrected, TOTAL_CALCIUM, model="poisson", outcome="cramps").estimates
        assert "Rate ratio" in claims.reason(claim_with({"nutrition": rows}, "C18"))
        # As the section says of one that could not be fitted.
        cells = {"analysis": kinds.GRAPH_ADJUSTED.name, "term": TOTAL_CALCIUM, "outcome": "cramps"}
        why = estimates.row(status="not_estimable", note=f"{TOTAL_CALCIUM} does not vary", **cells)
        entry = claim_with({"nutrition": estimates.frame([why])}, "C18")
        assert entry.verdict == NOT_TESTABLE and "does not vary (needs" in claims.reason(entry)

    def test_a_programme_that_lacks_a_measurement_says_which(self) -> None:
        drawn = simulate(30, 5, seed=3)
        eaten = [name for name in drawn.frame("diary").columns if name.startswith("dietary_")]
        rows = joint_programme(replace(drawn, tables={**drawn.tables, "diary": drawn.frame("diary").drop(eaten)}))
        assert tables.unmeasured_names(rows) == ["dietary magnesium", "dietary potassium", "dietary calcium"]
        entry = claim_with({"activity": rows}, "C61")
        assert claims.reason(entry).startswith(
            "Drinking, eating and stretching as advised, taken together, need dietary"
        )
        made = tidy.rows([entry], "made")
        assert tables.not_measured(made) == ["not testable, for what they need was not measured: C61"]

    def test_of_several_groups_the_row_is_that_of_most_participants(self, sections: Found) -> None:
        calf, often = claims.rows_of_claim("C05", sections), claims.rows_of_claim("C09", sections)
        assert calf["population"].tolist() == ["all, age_years >= 20"] * 3
        assert often["population"].tolist()[0] == "20+ with a cramp"

    def test_without_an_estimate_of_any_group_that_of_all_says_why(self) -> None:
        cells = {"analysis": kinds.RED_FLAG.name, "term": "cramps", "level": "weeks above 2 cramps"}
        cells |= {"status": "not_estimable", "outcome": "red_flag"}
        why = {
            "20-39": "nobody of this age took part",
            "60-69": "few",
            "20+": "no week has 5 logged nights",
            "50+": "old",
        }
        counts = {"60-69": 3}
        made = [
            estimates.row(population=f"{who}, sex = 'female'", note=note, n_participants=counts.get(who), **cells)
            for who, note in why.items()
        ]
        entry = claim_with({"severity": estimates.frame(made)}, "C48")
        assert "weeks above 2: no week has 5 logged nights" in claims.reason(entry).lower()

    def test_what_a_short_diary_cannot_test_names_a_column(self, sections: Found) -> None:
        untested = [entry for entry in claims.ledger(sections, "diary") if entry.verdict == NOT_TESTABLE]
        assert "C02" in [entry.claim.claim for entry in untested]
        for entry in untested:
            said = claims.reason(entry)
            assert any(f"needs {row.needs}" in said for row in entry.claim.rows("diary")) or "mediation" in said

    def test_rows_of_a_claim(self, found: Found) -> None:
        fluid = claims.rows_of_claim("C20", found)
        assert fluid["level"].tolist() == ["within", "lag 1"] and set(fluid["term"]) == {"contrast: fluid_ml"}
        assert claims.rows_of_claim("C54", found).empty

    def test_where_no_level_has_an_estimate_the_row_that_says_why_is_meant(self) -> None:
        cells = {"analysis": kinds.CONDITION.name, "term": "laba", "outcome": "cramps", "scale": "rate_ratio"}
        why = estimates.row(status="not_estimable", note="laba = false throughout", **cells)
        rows = {"conditions": estimates.frame([why])}
        (entry,) = (each for each in claims.ledger(rows, "diary") if each.claim.claim == "C58")
        assert "beta-agonists: laba = false throughout (needs participants.laba)" in claims.reason(entry)
        estimated = estimates.row(status="converged", estimate=2.0, n_participants=50, **cells)
        assert claims.find("C58").rows("diary")[0].among([estimated]) is None

    def test_what_was_measured_and_has_no_row_is_not_called_unmeasured(self) -> None:
        cells = {"analysis": kinds.REMEDY.name, "term": "remedy", "outcome": "pain_fall", "scale": "difference"}
        stretched = estimates.row(status="converged", level="stretch", estimate=0.4, **cells)
        last = {"analysis": "exposure of the last nights", "outcome": "cramps", "scale": "rate_ratio"}
        short = estimates.row(
            status="not_estimable", term="stretching_night", level="14 nights of stretching", note="a week", **last
        )
        found = {"severity": estimates.frame([stretched]), "activity": estimates.frame([short])}
        known = {"episodes.pain_after_0_10", "diary.stretch_calf_min"}
        made = {each.claim.claim: each for each in claims.ledger(found, "diary", measured=known)}
        menthol = "Menthol and capsaicin: nobody whose data could be used had it (needs episodes.pain_after_0_10)."
        assert claims.reason(made["C47"]).startswith(menthol)
        assert claims.reason(made["C32"]) == "A week (needs diary.stretch_calf_min)."
        assert claims.reason(made["C15"]) == "Not measured (needs diary.warm_up)."
        rows = tidy.rows(made.values(), "x")
        status = kinds.CLAIM.rows(rows).set_index("term")["status"]
        assert status[["C47", "C32", "C15"]].tolist() == ["not_estimable", "not_estimable", "not_measured"]
        # Each part that was not tested says why in a row of its own, of a claim in parts with its name.
        parts = kinds.CLAIM_PART.rows(rows)
        menthol = parts[parts["term"] == "C47"]
        assert menthol["level"].tolist() == ["menthol", "capsaicin"]
        assert set(menthol["note"]) == {"nobody whose data could be used had it"}
        (warm_up,) = parts[parts["term"] == "C15"].to_dict("records")
        assert (warm_up["status"], warm_up["note"], pd.isna(warm_up["level"])) == ("not_measured", "not measured", True)

    def test_a_claim_names_what_its_row_lacks_and_nothing_that_was_recorded(self) -> None:
        found = {name: estimates.frame([]) for name in ("hydration", "activity", "severity")}
        known = {"diary.nocturia", "diary.ambient_temperature_c", "diary.exercise_rpe", "episodes.relief_s"}
        made = {each.claim.claim: each for each in claims.ledger(found, "diary", measured=known)}
        assert claims.reason(made["C22"]) == "Not measured (needs diary.fluid_ml)."
        assert claims.reason(made["C42"]) == "Not measured (needs diary.fluid_ml)."
        assert claims.reason(made["C11"]) == "Not measured (needs diary.exercise_min and diary.stretch_calf_min)."
        assert claims.reason(made["C08"]) == "Not measured (needs episodes.remedy)."
        # Where all of it was recorded, none of it is said to be needed.
        made = {each.claim.claim: each for each in claims.ledger(found, "diary", measured={*known, "diary.fluid_ml"})}
        assert claims.reason(made["C22"]) == "The section hydration has no such row."

    def test_an_unknown_claim_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"no claim 'C62'.*allowed: C01 to C61"):
            claims.find("C62")


class TestRules:
    @pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.side}-{case.scale}-{case.numbers}")
    def test_of_one_row(self, case: Case) -> None:
        assert verdict(case) == case.verdict

    @pytest.mark.parametrize(("parts", "expected", "_"), PARTS)
    def test_of_several_parts(self, parts: Any, expected: str, _: str) -> None:
        assert rules.of_parts(parts) == rules.of_parts(reversed(parts)) == expected

    @pytest.mark.parametrize(("day", "ratio", "hemisphere", "expected", "_"), SEASONS)
    def test_of_the_season(self, day: Any, ratio: Any, hemisphere: Any, expected: str, _: str) -> None:
        cycle = Case("higher", "rate_ratio", ratio, "", "").row
        assert rules.of_season(peak(day), cycle, hemisphere) == expected

    def test_a_level_is_a_text_that_is_known(self) -> None:
        assert rules.limits("above 0.5") == (0.5, math.inf) and rules.limits("0.25 to 0.35") == (0.25, 0.35)
        with pytest.raises(UsageError, match=r"a level is written above 0\.5"):
            rules.limits("about a third")

    def test_margins_may_be_set(self) -> None:
        row = Case("higher", "rate_ratio", (1.3, 1.1, 1.5), "", "").row
        assert rules.of_row(row, "higher") == SUPPORTED and rules.of_row(row, "higher", (0.5, 2.0)) == NEGLIGIBLE


class TestPublished:
    @pytest.mark.parametrize("claim", claims.claims(), ids=lambda claim: claim.claim)
    def test_every_key_is_of_a_row_and_gives_a_verdict_once(self, claim: claims.Claim) -> None:
        made = published(claim)
        assert made.verdict in (*rules.VERDICTS, NONE_FOUND) and made.verdict != NOT_TESTABLE
        assert str(made).startswith(f"{made.verdict}: ")
        if not claim.judged and claim.sources and claim.evidence_side:
            # The best has an interval.
            assert made.figures and "(" in made.figures[0]

    @pytest.mark.parametrize("number", ["C03", "C20", "C26", "C28", "C54", "C57"])
    def test_the_article_is_contradicted_where_the_best_evidence_does(self, number: str) -> None:
        assert published(claims.find(number)).verdict == CONTRADICTED

    def test_by_the_numbers_of_the_tables(self) -> None:
        magnesium, prevalence = claims.find("C26"), claims.find("C03")
        assert not magnesium.judged and not prevalence.judged
        assert "−0.18 (−0.84 to 0.49) cramps a week" in str(published(magnesium))
        assert "46% (38–53)" in str(published(prevalence)) and "37% (31–43)" in str(published(prevalence))
        # Half of what the interval is, and it would leave 60% open.
        assert rules.of_level(Case("", "prevalence", (0.5, 0.45, 0.56), "", "").row, "0.55 to 0.65") == INCONCLUSIVE
        artery = published(claims.find("C33"))
        assert artery.verdict == SUPPORTED and "odds ratio 2.90 (1.89–4.55)" in str(artery)

    def test_what_is_kept_of_it_bears_no_marks_of_a_report(self) -> None:
        published.cache_clear()
        with marks.asked():
            told = [str(published(claim)) for claim in claims.claims()]
        assert not any(marks.MARK.search(text) for text in told)

    def test_a_key_names_a_row_of_the_tables(self) -> None:
        names = {f"association:{name}" for name in evidence.read("associations")["factor"]}
        names |= {f"figure:{name}" for name in evidence.read("prevalence")["figure"]}
        names |= {f"trial:{name}" for name in evidence.read("trials")["study"]}
        used = {key for claim in claims.claims() for key in claim.sources}
        assert len(used) > 25 and used <= names
        assert evidence.read("prevalence")["figure"].is_unique and evidence.read("associations")["factor"].is_unique


def index_of(row: claims.ClaimRow, rows: pd.DataFrame) -> pd.Index[int]:
    """Return where the row of a claim stands among those of its section, nowhere where it is not there."""
    meant = row.among(with_none(rows))
    return rows.index[rows["key"].eq(meant["key"] if meant else None)]


def made_to(row: claims.ClaimRow, rows: pd.DataFrame, *, hold: bool) -> pd.DataFrame:
    """Return rows whose own is so far on the claimed side, or on the other, that no margin matters."""
    at = index_of(row, rows)
    changed = rows.copy()
    if row.side == rules.WINTER_PEAK:
        middle = 15.0 if hold else 197.0
        low, high = middle - 5, middle + 5
    elif row.side in (rules.HIGHER, rules.LOWER):
        up = (row.side == rules.HIGHER) == hold
        scale = rows.loc[at, "scale"].tolist()[0]
        low, middle, high = (2.0, 3.0, 4.0) if up else (0.25, 0.3, 0.5) if scale != "difference" else (-4.0, -3.0, -2.0)
    else:
        below, above = rules.limits(row.side)
        inside = (
            (below + above) / 2 if math.isfinite(below + above) else above / 2 if math.isinf(below) else below + 0.3
        )
        outside = above * 1.3 if math.isfinite(above) else below / 2
        middle = inside if hold else outside
        low, high = (middle * 0.99, middle * 1.01) if middle else (0.0, 0.01)
    changed.loc[at, ["estimate", "ci_low", "ci_high"]] = [middle, low, high]
    changed.loc[at, ["status", "n_participants", "n_events", "n_exposed", "df"]] = ["converged", 200, 200, 100, 100.0]
    return changed


def claim_with(found: Found, number: str, **asked: Any) -> LedgerEntry:
    return next(entry for entry in claims.ledger(found, "diary", **asked) if entry.claim.claim == number)


def changed(found: Found, number: str, *, hold: bool) -> Found:
    made = dict(found)
    for row in claims.find(number).rows("diary"):
        if row.side and row.analysis != "treatment effect":
            made[row.section] = made_to(row, made[row.section], hold=hold)
    if number == "C28":
        cycle = replace(claims.find(number).rows("diary")[1], side="higher")
        made["season"] = made_to(cycle, made["season"], hold=True)
    return made


TESTED = [each.claim for each in claims.claims() if any(row.side for row in each.rows("diary"))]
BOUND = [each.claim for each in claims.claims() if each.rows("diary")]


class TestLedger:
    def test_every_claim_has_a_verdict_a_reason_and_what_was_published(self, found: Found) -> None:
        ledger = claims.ledger(found, "diary")
        assert [entry.claim.claim for entry in ledger] == [f"C{n:02d}" for n in range(1, 62)]
        for entry in ledger:
            assert entry.verdict in rules.VERDICTS and claims.reason(entry).endswith(".") and entry.published.text
        stated = {entry.claim.claim for entry in ledger if entry.verdict == STATED}
        assert stated == {"C48", "C49", "C50", "C51"}

    def test_a_level_that_nobody_could_tell_is_not_stated(self, found: Found) -> None:
        tests = found["severity"]["analysis"].eq(kinds.TEST_RESULT.name)
        lost = {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "status": "not_measured", "note": "no result"}
        rows = found["severity"].copy()
        rows.loc[tests, list(lost)] = list(lost.values())
        assert claim_with({"severity": rows}, "C50").verdict == NOT_TESTABLE
        rows = found["severity"].copy()
        rows.loc[rows.index[tests][1:], list(lost)] = list(lost.values())
        assert claim_with({"severity": rows}, "C50").verdict == STATED

    def test_a_claim_of_which_a_part_was_estimated_is_not_all_unmeasured(self, found: Found) -> None:
        lost = found["sleep"]["outcome"].eq("concentration_0_10")
        sleep = {"sleep": found["sleep"][~lost]}
        measured = {"diary.sleep_quality_0_10", "diary.fatigue_0_10"}
        made = tidy.rows([claim_with(sleep, "C53", measured=measured)], "made")
        said = "not testable as a whole, for a part of what they need was not measured: C53 (concentration)"
        assert tables.not_measured(made) == [said]
        made = tidy.rows([claim_with({}, "C53", measured=())], "made")
        assert tables.not_measured(made) == ["not testable, for what they need was not measured: C53"]

    @pytest.mark.parametrize("number", TESTED)
    def test_the_row_decides_and_its_direction_turns_the_verdict(self, found: Found, number: str) -> None:
        for_it = claim_with(changed(found, number, hold=True), number)
        against = claim_with(changed(found, number, hold=False), number)
        assert for_it.verdict == SUPPORTED
        # Nobody in a sample does not say that there is nobody.
        assert against.verdict == (INCONCLUSIVE if number == "C09" else CONTRADICTED)
        assert for_it.deciding and for_it.deciding.row and for_it.deciding.row["key"]

    @pytest.mark.parametrize("number", BOUND)
    def test_without_its_row_a_claim_is_not_testable(self, found: Found, number: str) -> None:
        rows = claims.find(number).rows("diary")
        left = dict(found)
        for row in rows:
            left[row.section] = left[row.section].drop(index_of(row, left[row.section]))
        entry = claim_with(left, number)
        assert entry.verdict == NOT_TESTABLE
        # The reason names a column that would test it.
        assert any(row.needs in claims.reason(entry) for row in rows)

    @pytest.mark.parametrize("number", ["C23", "C29", "C47", "C58"])
    def test_a_part_without_its_row_leaves_the_whole_untested(self, found: Found, number: str) -> None:
        row = claims.find(number).rows("diary")[-1]
        left = found | {row.section: found[row.section].drop(index_of(row, found[row.section]))}
        entry = claim_with(left, number)
        assert entry.verdict == NOT_TESTABLE and row.needs in claims.reason(entry)

    def test_a_contrast_beyond_the_values_observed_is_not_what_nobody_had(self, found: Found) -> None:
        ages = found["age-and-muscle"]
        at = index_of(claims.find("C04").rows("diary")[0], ages)
        younger = ages.assign(level=ages["level"].mask(ages.index.isin(at), "65"))
        entry = claim_with(found | {"age-and-muscle": younger}, "C04")
        assert claims.reason(entry) == "No value near 75 was observed (needs participants.age_years)."

    def test_what_only_a_diary_could_tell_is_told_of_a_survey(self) -> None:
        ledger = claims.ledger({}, "survey")
        journal = next(entry for entry in ledger if entry.claim.claim == "C51")
        assert journal.verdict == NOT_TESTABLE and claims.reason(journal) == "Only a diary could tell it."
        assert all(claims.reason(entry) for entry in ledger)
        rows = tidy.rows(ledger, "x")
        untested = rows[rows["status"].isin(["not_estimable", "not_measured"])]
        assert untested["note"].notna().all() and "C51" in set(kinds.CLAIM_PART.rows(rows)["term"])

    def test_a_section_that_was_not_run_tests_nothing(self, found: Found) -> None:
        alone = {"sleep": found["sleep"]}
        tested = {e.claim.claim for e in claims.ledger(alone, "diary") if e.verdict != NOT_TESTABLE}
        assert tested == {"C52", "C53", "C54"}
        why = "This report does not have the section frequency (needs diary.cramps and participants.age_years)."
        assert claims.reason(claim_with(alone, "C03")) == why
        # Of one that was run without such a row it is said that the row is not there.
        ran = alone | {"frequency": estimates.frame([])}
        assert claims.reason(claim_with(ran, "C03")).startswith("The section frequency has no such row")

    def test_rows_that_stand_for_each_other(self, found: Found) -> None:
        assert claim_with(found, "C16").parts[0].of.term == "contrast: serum_sodium_mmol_l"
        serum = claims.find("C16").rows("diary")[0]
        left = found | {"nutrition": found["nutrition"].drop(index_of(serum, found["nutrition"]))}
        intake = claim_with(left, "C16")
        assert intake.parts[0].of.term == "contrast: between(dietary_sodium_mg)" and intake.verdict != NOT_TESTABLE

    def test_the_winter_of_the_south(self, found: Found) -> None:
        summer = changed(found, "C28", hold=False)
        assert claim_with(summer, "C28").verdict == CONTRADICTED
        south = claim_with(summer, "C28", hemisphere="south")
        assert south.verdict == SUPPORTED
        # A peak is a date, and no number of a day.
        assert re.search(
            r"\d+ [A-Z][a-z]+ \(\d+ [A-Z][a-z]+ to \d+ [A-Z][a-z]+\), the peak lies in winter", claims.reason(south)
        )

    def test_the_claims_of_a_section_are_one_family(self, found: Found) -> None:
        conditions = [e for e in claims.ledger(found, "diary") if e.p_holm and e.parts[0].of.section == "conditions"]
        values = {e.claim.claim: e.p_value or 0 for e in conditions}
        smallest = min(conditions, key=lambda e: e.p_value or 0)
        assert smallest.family == len(values) > 5
        assert smallest.p_holm == pytest.approx(min(1.0, (smallest.p_value or 0) * len(values)))
        # A claim of several drugs is the test of the least clear of them.
        drugs = claim_with(found, "C58")
        assert drugs.p_value == max(part.row["p_value"] for part in drugs.parts if part.row)

    def test_what_chance_among_several_would_give_is_said(self, found: Found) -> None:
        made = changed(found, "C33", hold=True)
        at = index_of(claims.find("C33").rows("diary")[0], made["conditions"])
        made["conditions"].loc[at, "p_value"] = 0.02
        assert "claims that the section conditions tests (Holm, p = 0.14)" in claims.reason(claim_with(made, "C33"))
        wide = made | {"conditions": made["conditions"].assign(ci_level=0.8)}
        assert "Not beyond chance" not in claims.reason(claim_with(wide, "C33"))
        made["conditions"].loc[at, "p_value"] = 1e-9
        assert "Not beyond chance" not in claims.reason(claim_with(made, "C33"))

    @pytest.mark.parametrize("number", TESTED)
    def test_a_row_without_a_verdict_of_its_own_gives_a_claim_none(self, found: Found, number: str) -> None:
        made = changed(found, number, hold=True)
        why = "of 9 participants, whose intervals cover less"
        of_contrasts = {number: [row for row in claims.find(number).rows("diary") if row.side in ("higher", "lower")]}
        for row in of_contrasts[number]:
            at = index_of(row, made[row.section])
            said = {"verdict": pd.NA, "facts": f"no verdict: {why}", "note": "weighted; a remark of another thing"}
            made[row.section].loc[at, [*said]] = [*said.values()]
        entry = claim_with(made, number)
        assert (entry.verdict == INCONCLUSIVE) == bool(of_contrasts[number])
        if of_contrasts[number]:
            reason = claims.reason(entry)
            assert f"no verdict of its own: {why}" in reason and "another thing" not in reason
            # What could have been told follows from its error, which is not known well enough.
            assert entry.chances is None and not entry.parted

    @pytest.mark.parametrize("number", ["C04", "C25"])
    def test_a_contrast_beyond_all_that_was_observed_tests_no_claim(self, found: Found, number: str) -> None:
        made = changed(found, number, hold=True)
        rows = [row for row in claims.find(number).rows("diary") if row.side in ("higher", "lower")]
        for row in rows:
            at = index_of(row, made[row.section])
            why = "compared beyond the values observed, which lie from 21 to 43: no verdict"
            beyond = verdicts.unjudged(with_none(made[row.section].loc[[*at]])[0], why, beyond=True)
            said = {"verdict": pd.NA, "facts": beyond["facts"], "note": beyond["note"]}
            made[row.section].loc[at, [*said]] = [*said.values()]
        entry = claim_with(made, number)
        assert entry.verdict == NOT_TESTABLE and entry.chances is None
        reason = claims.reason(entry)
        assert "beyond the values observed, which lie from 21 to 43" in reason and "no verdict" not in reason
        told = kinds.CLAIM.rows(tidy.rows([entry], "x")).iloc[0]
        assert told["status"] == "not_estimable" and pd.isna(told["estimate"])

    def test_a_mean_that_is_not_reliable_tests_no_claim(self, found: Found) -> None:
        made = changed(found, "C18", hold=True)
        intake = claims.find("C18").rows("diary")[2]
        rows = made["nutrition"].copy()
        for other in claims.find("C18").rows("diary")[:2]:
            rows = rows.drop(index_of(other, rows))
        at = index_of(intake, rows)
        rows.loc[at, "verdict"] = "higher"
        (row,) = with_none(rows.loc[at])
        warning = reliability.warning("dietary_calcium_mg", 0.05)
        assert warning is not None
        cells = reliability.warned(row, [warning])
        assert cells["verdict"] is None
        rows.loc[at, ["verdict", "facts", "note"]] = [pd.NA, cells["facts"], cells["note"]]
        entry = claim_with(found | {"nutrition": rows}, "C18")
        assert entry.verdict == NOT_TESTABLE and "reliability of 0.05" in claims.reason(entry)
        told = kinds.CLAIM.rows(tidy.rows([entry], "x")).iloc[0]
        assert told["status"] == "not_estimable" and pd.isna(told["estimate"])
        lacking = tables.not_estimated(rows.loc[at], {})
        assert "reliability below 0.5): dietary calcium, between participants (0.05)" in lacking

    def test_what_was_logged_by_night_is_not_what_nobody_took(self) -> None:
        cells = {"outcome": "cramps", "scale": "rate_ratio"}
        absent = {"status": "not_measured", "note": tables.BY_NIGHT, "facts": {"had by": "nights"}}
        untaken = {"status": "not_measured", "note": tables.NOBODY, "facts": {"had by": "nobody"}}
        treated = [
            estimates.row(**cells, **(absent if agent == "magnesium" else untaken), analysis=kind, term=agent)
            for agent in ("magnesium", "potassium", "calcium")
            for kind in (kinds.TREATMENT_EFFECT.name, kinds.OPEN_USE.name)
        ]
        term = "contrast: between(supplement_magnesium_mg)"
        numbers = {"estimate": 0.2, "ci_low": 0.01, "ci_high": 7.0, "n_participants": 50}
        eaten = estimates.row(status="converged", analysis=kinds.GRAPH_ADJUSTED.name, term=term, **numbers, **cells)
        why = "compared beyond the values observed, which lie 135 apart at most"
        beyond = verdicts.unjudged(eaten | {"verdict": None}, f"{why}: no verdict", beyond=True)
        found = {"treatments": estimates.frame(treated), "nutrition": estimates.frame([beyond])}
        made = tidy.rows([claim_with(found, "C26"), claim_with(found, "C57")], "x")
        assert tables.not_measured(made) == []
        said = tables.not_estimated(made, {})
        assert f"magnesium: {tables.BY_NIGHT}, and supplement of the diary: {why}" in said
        assert f"magnesium: {tables.BY_NIGHT}, and potassium and calcium: {tables.NOBODY}" in said
        # Where it is neither, it is as before.
        alone = {"treatments": estimates.frame([row for row in treated if row["term"] != "magnesium"])}
        rest = claim_with(alone | {"nutrition": estimates.frame([])}, "C26", measured={"treatments.agent"})
        assert "magnesium" not in claims.reason(rest).split(":")[0]

    def test_a_reason_names_the_outcome_that_does_not_vary(self, found: Found) -> None:
        rows = found["sleep"].copy()
        row = next(each for each in claims.find("C53").rows("diary") if each.outcome == "fatigue_0_10")
        lost = [np.nan, np.nan, np.nan, "not_estimable", "the outcome does not vary: it is 8 for all nights"]
        rows.loc[index_of(row, rows), ["estimate", "ci_low", "ci_high", "status", "note"]] = lost
        said = claims.reason(claim_with(found | {"sleep": rows}, "C53"))
        assert "fatigue does not vary: it is 8 for all nights" in said.lower() and "the outcome" not in said

    def test_of_rows_that_stand_for_each_other_what_was_measured_says_why(self) -> None:
        cells = {"outcome": "cramps", "scale": "rate_ratio"}
        nobody = {"status": "not_measured", "note": tables.NOBODY, "facts": {"had by": "nobody"}}
        agent = estimates.row(analysis=kinds.TREATMENT_EFFECT.name, term="stretching", **nobody, **cells)
        why = "stretching_night does not vary"
        logged = {"status": "not_estimable", "note": why, "term": "stretching_night", "level": "within"}
        nightly = estimates.row(analysis="within and between participants", **logged, **cells)
        found = {"treatments": estimates.frame([agent]), "activity": estimates.frame([nightly])}
        assert why in claims.reason(claim_with(found, "C44"))

    def test_people_who_were_chosen_for_their_cramps_tell_no_share_of_people_at_large(self, found: Found) -> None:
        sign = estimates.row(
            status="converged",
            analysis=kinds.CHOSEN.name,
            level="cramps in the run-in",
            estimate=5.0,
            note="people were let in for their cramps, as nobody had fewer than 5 cramps",
        )
        chosen = estimates.frame([sign])
        for number in ("C01", "C02", "C03"):
            made = changed(found, number, hold=False)
            assert claim_with(made, number).verdict == CONTRADICTED
            made["frequency"] = pd.concat([made["frequency"], chosen])
            entry = claim_with(made, number)
            assert entry.verdict == NOT_TESTABLE and "needs" not in claims.reason(entry)
            assert "let in for their cramps, as nobody had fewer than 5 cramps, which tells" in claims.reason(entry)
            # What it does not tell is no number of the claim, and is told once of all of its parts.
            rows = tidy.rows([entry], "x")
            (row,) = kinds.CLAIM.rows(rows).to_dict("records")
            assert row["status"] == "not_estimable" and pd.isna(row["estimate"])
            assert len(kinds.CLAIM_PART.rows(rows)) == 1 and rows["key"].is_unique
        # Ratios, and what some sufferers have, are told as before.
        for number in ("C04", "C09"):
            made = changed(found, number, hold=True)
            made["frequency"] = pd.concat([made["frequency"], chosen])
            assert claim_with(made, number).verdict == SUPPORTED
        assert {row.claim for row in claims.CLAIM_ROWS if row.at_large} == {"C01", "C02", "C03"}

    def test_a_ratio_without_an_interval_lies_nowhere(self) -> None:
        part = next(each for each in CLAIM_ROWS if each.side == rules.HIGHER)
        made = estimates.row(
            status="boundary", term="x", scale="rate_ratio", estimate=2.6e8, verdict="inconclusive", n_participants=34
        )
        cells = with_none(estimates.frame([made]))[0]
        said = sentences._said(ClaimPart(part, cells, INCONCLUSIVE))
        assert said == "rate ratio too imprecise to tell, without an interval"

    def test_where_cohort_and_literature_part_a_sentence_says_so(self, found: Found) -> None:
        parted = claim_with(changed(found, "C26", hold=True), "C26")
        assert parted.parted and "supported here, contradicted by what was published." in claims.reason(parted)
        agreed = claim_with(changed(found, "C26", hold=False), "C26")
        assert not agreed.parted and "part:" not in claims.reason(agreed)

    def test_an_omission_is_a_finding_of_its_own(self, found: Found) -> None:
        assert "The article leaves this out (what was published: supported)." in claims.reason(claim_with(found, "C58"))


def simulated(log_ratio: float, error: float, df: float, n: int = 4000) -> Counter[str]:
    """Return the verdicts of ``n`` rows whose estimate and standard error are drawn."""
    rng = np.random.default_rng(7)
    estimate = log_ratio + error * rng.standard_normal(n)
    errors = error * np.sqrt(rng.chisquare(df, n) / df)
    from scipy import stats

    reach = stats.t.ppf(0.975, df) * errors
    told: Counter[str] = Counter()
    for at, half in zip(estimate, reach, strict=True):
        numbers = (math.exp(at), math.exp(at - half), math.exp(at + half))
        told[rules.of_row(Case("higher", "rate_ratio", numbers, "", "").row, "higher")] += 1
    return told


def two_rates(log_ratio: float, per_week: float, error: float, df: float, n: int = 4000) -> Counter[str]:
    """Return the verdicts of ``n`` pairs of rates, a ratio each that is read with the difference beside it."""
    from scipy import stats

    rng = np.random.default_rng(8)
    logs = rng.standard_normal((n, 2)) * error / math.sqrt(2) + np.array([log_ratio, 0.0])
    errors = error * np.sqrt(rng.chisquare(df, n) / df)
    told: Counter[str] = Counter()
    for (treated, other), own in zip(per_week * np.exp(logs), errors * stats.t.ppf(0.975, df), strict=True):
        ratio, more = treated / other, treated - other
        half = own * math.sqrt((treated**2 + other**2) / 2)
        numbers = (ratio, ratio * math.exp(-own), ratio * math.exp(own))
        case = Case("lower", "rate_ratio", numbers, "", "", beside=(more, more - half, more + half))
        told[verdict(case)] += 1
    return told


class TestPower:
    @pytest.mark.parametrize(("error", "df"), [(0.04, 200), (0.1, 30), (0.2, 12), (0.5, 50)])
    @pytest.mark.parametrize("side", ["higher", "lower"])
    def test_it_is_what_a_simulation_finds(self, error: float, df: float, side: str) -> None:
        row = Case(side, "rate_ratio", (1.0, 0.9, 1.1), "", "", {"std_error": error, "df": df}).row
        chances = power.chances(row, side)
        assert chances is not None
        for name, truth in zip(power.TRUTHS, (0.0, math.log(1.25), math.log(1.5)), strict=True):
            told = simulated(truth, error, df)
            assert sum(chances[name].values()) == pytest.approx(1)
            for verdict_of, probability in chances[name].items():
                # Four standard errors of a share of 4,000.
                assert told[verdict_of] / 4000 == pytest.approx(probability, abs=0.032), (name, verdict_of)

    def test_a_small_error_tells_and_a_large_one_cannot(self) -> None:
        def of(error: float) -> power.Chances | None:
            return power.chances(Case("", "rate_ratio", (1, 0.9, 1.1), "", "", {"std_error": error}).row, "higher")

        sharp, blunt = of(0.02), of(0.9)
        assert sharp and blunt
        assert sharp[power.NO_EFFECT][CONTRADICTED] > 0.97 and sharp[power.BEYOND][SUPPORTED] > 0.99
        # On each side of no effect a chance of 2.5%, the stated rate of error.
        assert blunt[power.NO_EFFECT][SUPPORTED] == pytest.approx(0.025, abs=1e-4)
        assert power.foreseeable(blunt) and not power.foreseeable(sharp) and not power.foreseeable(None)

    def test_of_a_difference_the_margin_is_that_of_its_outcome(self) -> None:
        row = Case("", "difference", (-1, -1.2, -0.8), "", "", {"std_error": 0.1}).row
        chances = power.chances(row, "lower")
        assert chances and chances[power.BEYOND][SUPPORTED] > 0.99
        assert power.chances(row | {"outcome": "sleep_hours"}, "lower") is None

    @pytest.mark.parametrize("per_week", [5.5, 1.0])
    def test_of_a_ratio_with_a_difference_both_have_to_be_inside(self, per_week: float) -> None:
        error, df = 0.09, 80.0
        case = Case("lower", "rate_ratio", (1.04, 0.87, 1.24), "", "", {"std_error": error, "df": df})
        slope = per_week * error * math.sqrt((1 + 1.04**2) / 2)
        week = {"outcome": "cramps_per_week", "std_error": slope, "df": df}
        shift = 0.04 * per_week
        difference = Case("", "difference", (shift, shift - 2 * slope, shift + 2 * slope), "", "", week).row
        chances = power.chances(case.row, "lower", difference=difference)
        alone = power.chances(case.row, "lower")
        assert chances and alone
        told = two_rates(0.0, per_week, error, df)
        for verdict_of, probability in chances[power.NO_EFFECT].items():
            assert told[verdict_of] / 4000 == pytest.approx(probability, abs=0.032), verdict_of
        # One cramp a week is a fifth of 5.5 and all of 1.
        wider = chances[power.NO_EFFECT][CONTRADICTED] < alone[power.NO_EFFECT][CONTRADICTED] - 0.2
        assert wider == (per_week > 1) and chances[power.BEYOND] == pytest.approx(alone[power.BEYOND], abs=0.01)
        turned = power.chances(case.row, "higher", difference=difference)
        assert turned and turned[power.NO_EFFECT][CONTRADICTED] == pytest.approx(told[CONTRADICTED] / 4000, abs=0.032)

    def test_what_rests_on_too_few_can_tell_nothing(self) -> None:
        row = Case("", "rate_ratio", (3, 2, 4), "", "", {"std_error": 0.1, "n_exposed": 4}).row
        chances = power.chances(row, "higher")
        assert chances and all(each[INCONCLUSIVE] == 1 for each in chances.values()) and power.foreseeable(chances)

    def test_a_level_has_none(self) -> None:
        assert power.chances(Case("", "proportion", (0.3, 0.2, 0.4), "", "", {"std_error": 0.1}).row, "higher") is None

    def test_an_inconclusive_verdict_that_could_not_have_been_otherwise_says_so(self, found: Found) -> None:
        made = dict(found)
        row = claims.find("C35").rows("diary")[0]
        at = index_of(row, made["conditions"])
        made["conditions"] = made["conditions"].copy()
        made["conditions"].loc[at, ["estimate", "ci_low", "ci_high", "std_error"]] = [1.0, 0.2, 5.0, 0.82]
        made["conditions"].loc[at, ["status", "n_participants", "n_events", "n_exposed"]] = ["converged", 200, 200, 50]
        said = claims.reason(claim_with(made, "C35"))
        assert "At this size it could hardly have been otherwise, as a ratio of 1.5 would be told in" in said


@pytest.mark.parametrize("name", list(claims_page.PARTS))
def test_the_page_is_what_the_tables_say(name: str) -> None:
    (begin, end), made = claims_page.marks(name), claims_page.PARTS[name]()
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    assert page.split(begin)[1].split(end)[0].strip() == made.strip()


def test_the_page_shows_two_cohorts_of_which_the_diary_leaves_few_claims_untested() -> None:
    begin, end = claims_of_cohorts.MARKS
    page = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8").split(begin)[1].split(end)[0]
    rows = [line.split(" | ") for line in page.strip().splitlines()[2:]]
    assert [cells[0][2:5] for cells in rows] == [each.claim for each in claims.claims()]
    untested = [cells[3] for cells in rows if "not testable" in cells[3]]
    assert 0 < len(untested) <= 8 and all(re.search(r"(participants|diary|episodes)\.\w+", cell) for cell in untested)
    told = {cell.split("*")[1] for cells in rows for cell in cells[3:]}
    assert told == set(rules.VERDICTS)
