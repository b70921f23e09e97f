"""Claims under other specifications: what is declared, how rows are made again, and what they say together."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from claims_spec import inconclusive_rows

from crampstudy import analyses, cache, claims, tables
from crampstudy.analyses import SectionResults, Settings
from crampstudy.analyses.multiverse import multiverse
from crampstudy.analyses.multiverse.run import logged
from crampstudy.claims import ClaimMultiverse, ClaimPart, ClaimRow, LedgerEntry, rules, specifications, tidy
from crampstudy.claims.sentences import specified
from crampstudy.claims.specifications import SpecifiedPart
from crampstudy.cohort import Cohort
from crampstudy.contrasts.people.conditions import HealthCondition, condition_ratios
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.simulate import simulate
from crampstudy.wording import with_none

KINDS = ("diary", "survey")
FITTED = (specifications.PERSONS, specifications.NIGHTS, specifications.LAGS, specifications.IN_A_ROW)
ASKED = ("C12", "C21", "C30", "C32", "C42")
"""A condition, a night's exposure, lags, nights in a row, and what its section makes again."""


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(60, 30, seed=8)


def entry_of(found: dict[str, Any], number: str) -> LedgerEntry:
    return next(each for each in claims.ledger(found, "diary") if each.claim.claim == number)


def entries() -> list[LedgerEntry]:
    return [entry_of(inconclusive_rows(), number) for number in ASKED]


@pytest.fixture(scope="module")
def asked() -> list[Any]:
    """What the sections were asked for."""
    return []


@pytest.fixture(scope="module")
def found(diary: Cohort, asked: list[Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, ClaimMultiverse]:
    """The claims in a small cohort, of which only a few dimensions are fitted; sections are made by hand."""

    def sections(cohort: Cohort, settings: Settings, names: Any) -> dict[str, SectionResults]:
        asked.append((cohort, settings, names))
        return {name: SectionResults(rows, {}, {}, None) for name, rows in inconclusive_rows().items()}

    with pytest.MonkeyPatch.context() as patch:
        few = tuple(each for each in specifications.choices() if each.choice not in LEFT_OUT)
        patch.setattr(specifications, "choices", lambda: few)
        specifications._dimensions.cache_clear()
        place = cache.opened(tmp_path_factory.mktemp("kept"))
        assert isinstance(place, cache.Cache)
        made = multiverse(entries(), diary, Settings(), sections=sections, place=place)
        again = multiverse(entries(), diary, Settings(), sections=lambda *_: pytest.fail("made again"), place=place)
        assert [tidy.records([], [each]) for each in made] == [tidy.records([], [each]) for each in again]
        numbers = [[each.estimates for each in several] for several in (made, again)]
        assert numbers[0] == numbers[1]
    specifications._dimensions.cache_clear()
    return {each.entry.claim.claim: each for each in made}


LEFT_OUT = (
    *("who logged 80% of their nights", "for nothing", "the day before", "up to 6 days before", "28", "7", "poisson"),
)


class TestDeclared:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("recipe", [*FITTED, specifications.AGE])
    def test_where_a_row_is_of_one_exposure_there_are_at_least_24(self, recipe: str, kind: str) -> None:
        every = list(specifications.specifications([recipe], kind))
        if kind == "survey" and recipe not in (specifications.PERSONS, specifications.AGE):
            assert every == []
            return
        assert len(every) == len(set(every)) >= 24
        dimensions = [name for name, _ in every[0]]
        assert len(dimensions) == len(set(dimensions)) >= 4
        assert all(set(specifications.setting(recipe, kind, one)) == {*dimensions} for one in every)

    @pytest.mark.parametrize("row", claims.CLAIM_ROWS, ids=lambda row: f"{row.claim}-{row.part}-{row.term}")
    def test_every_row_has_a_recipe_of_the_table(self, row: ClaimRow) -> None:
        recipes = {each.recipe for each in specifications.choices()}
        assert specifications.recipe(row) in recipes
        for kind in [row.kind] if row.kind else KINDS:
            if specifications.recipe(row) in FITTED[1:] and kind == "survey":
                # A survey has no nights, and its sections no such row.
                continue
            assert next(specifications.specifications([specifications.recipe(row)], kind), None)

    def test_parts_of_unlike_recipes_share_the_dimensions_that_both_have(self) -> None:
        rows = claims.find("C23").rows("diary")
        every = list(specifications.specifications(map(specifications.recipe, rows), "diary"))
        for recipe in map(specifications.recipe, rows):
            own = [{*one} for one in specifications.specifications([recipe], "diary")]
            assert all(sum(each <= {*one} for each in own) == 1 for one in every)

    def test_only_what_has_a_verdict_of_truth_is_tested(self) -> None:
        able = [
            each.claim.claim for each in claims.ledger(inconclusive_rows(), "diary") if specifications.testable(each)
        ]
        assert not {"C48", "C49", "C50", "C51", "C54"} & {*able} and len(able) > 50


class TestLogging:
    def test_those_who_logged_a_share_and_nights_after_the_first(self, diary: Cohort) -> None:
        all_of = logged(diary, "")
        assert all_of is diary
        later = logged(diary, "skip 7").frame("diary")
        before = diary.frame("diary")
        first = before.group_by("participant_id").agg(pl.col("date").min().alias("begun"))
        kept = later.join(first, on="participant_id")
        assert 0 < later.height < before.height
        assert (kept["date"] - kept["begun"]).dt.total_days().min() == 7
        some = logged(diary, "share 0.9")
        names = {*some.frame("participants")["participant_id"]}
        assert 0 < len(names) < 60 and {*some.frame("diary")["participant_id"]} <= names

    def test_where_no_night_is_left_every_specification_says_so(self, diary: Cohort) -> None:
        with pytest.raises(AnalysisError, match="nobody has a night after the first 30"):
            logged(diary, "skip 30")
        with pytest.raises(AnalysisError, match="nobody logged 110% of the nights"):
            logged(diary, "share 1.1")
        week = diary.frame("diary")
        first = week.filter((pl.col("date") - pl.col("date").min().over("participant_id")).dt.total_days() < 5)
        episodes = diary.frame("episodes").head(0)
        short = replace(diary, tables={**diary.tables, "diary": first, "episodes": episodes})
        entry = entry_of(inconclusive_rows(), "C22")
        (made,) = multiverse(
            [entry],
            short,
            Settings(),
            sections=lambda *_: {"hydration": SectionResults(inconclusive_rows()["hydration"], {}, {}, None)},
        )
        assert made.reasons == {"nobody has a night after the first 7": 2} and len(made.made) == 4


class TestFound:
    def test_the_main_specification_of_a_condition_is_its_section(
        self, diary: Cohort, found: dict[str, ClaimMultiverse]
    ) -> None:
        rows = condition_ratios(
            diary,
            [HealthCondition("diabetes")],
            model="negative-binomial",
            outcome="cramps",
            where="age_years >= 20",
            participants_per_coefficient=5,
        )
        meant = claims.find("C12").rows("diary")[0].among(with_none(rows))
        made = found["C12"].every[0].parts[0].part.row
        assert meant and made
        for name in ("estimate", "ci_low", "ci_high"):
            assert made[name] == pytest.approx(meant[name], rel=1e-9)

    def test_every_specification_has_an_answer_or_a_reason(self, found: dict[str, ClaimMultiverse]) -> None:
        assert [*found] == [*ASKED]
        for each in found.values():
            assert len(each.every) == len(each.made) + sum(each.reasons.values()) > 0
            assert all(bool(one.why) == (one.verdict == rules.NOT_TESTABLE) for one in each.every)
            assert each.made and len({one.specification for one in each.every}) == len(each.every)

    def test_other_choices_give_other_numbers(self, found: dict[str, ClaimMultiverse]) -> None:
        for number in ("C12", "C21", "C30", "C32"):
            made = found[number]
            assert len({round(each, 9) for each in made.estimates}) == len(made.estimates) > 1, number

    def test_what_sections_make_is_made_again_but_for_what_they_made(
        self, diary: Cohort, found: dict[str, ClaimMultiverse], asked: list[Any]
    ) -> None:
        assert all(names == ["hydration"] for _, _, names in asked) and len(asked) == len(found["C42"].every) - 1 == 3
        assert [settings.age_bands[0] for _, settings, _ in asked].count(40) == 2
        assert all(cohort is not diary or settings.age_bands[0] == 40 for cohort, settings, _ in asked)

    def test_rows_and_objects_say_the_same(self, found: dict[str, ClaimMultiverse]) -> None:
        rows = tidy.of_multiverse(found.values(), "x")
        assert rows["key"].is_unique
        under, agreement = kinds.UNDER_SPECIFICATION.rows(rows), kinds.AGREEMENT.rows(rows).set_index("term")
        ledger = [each.entry for each in found.values()]
        for made, number in zip(tidy.records(ledger, found.values()), ASKED, strict=True):
            own = under[under["term"].eq(number)]
            of_claim = made["multiverse"]
            assert json.dumps(of_claim) and len(own) == of_claim["specifications"]
            assert own["verdict"].ne(rules.NOT_TESTABLE).sum() == of_claim["made"] == sum(of_claim["verdicts"].values())
            assert agreement.loc[number, "estimate"] == pytest.approx(of_claim["agree"] / of_claim["made"])
            assert own["estimate"].min() == pytest.approx(of_claim["lowest"], rel=1e-6)
        table = tables.claim_specifications(rows)
        assert len(table) == len(ASKED) and "Agree, %" in table.columns


def made_of(verdicts: dict[str, int], whys: list[str]) -> ClaimMultiverse:
    """The claim on diabetes, inconclusive, under as many specifications with each verdict."""
    entry = entry_of(inconclusive_rows(), "C12")
    part = entry.parts[0]
    told: list[SpecifiedPart] = []
    every = specifications.specifications([specifications.PERSONS], "diary")
    for verdict, n in verdicts.items():
        told += [SpecifiedPart(next(every), ClaimPart(part.of, part.row, verdict)) for _ in range(n)]  # type: ignore[arg-type]
    told += [SpecifiedPart(next(every), ClaimPart(part.of, None, rules.NOT_TESTABLE), why) for why in whys]
    told += [SpecifiedPart(one, part) for one in every]
    return specifications.of_claim(entry, "diary", {part.of: told})


def test_shares_and_reasons_are_counted() -> None:
    made = made_of({"supported": 6, "contradicted": 3}, ["nobody has it", "nobody has it", "too few"])
    assert (len(made.every), len(made.made), made.agreeing) == (36, 33, 24)
    assert made.share == pytest.approx(24 / 33)
    assert specified(made) == (
        "24 of 33 specifications agree; 6 supported; 3 contradicted; estimates from 1 to 1; 2 could not be made: "
        "nobody has it; 1 could not be made: too few"
    )
    none = replace(made, every=tuple(each for each in made.every if each.verdict == rules.NOT_TESTABLE))
    assert none.share is None and "none of 3 specifications could be made" in specified(none)


class TestCommand:
    def test_objects_have_their_specifications_where_these_are_asked_for(
        self, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        from crampstudy.analyses import registry
        from crampstudy.analyses.overview import claims as section

        rows = {name: SectionResults(each, {}, {}, None) for name, each in inconclusive_rows().items()}
        monkeypatch.setattr(registry, "run_others", lambda *_: rows)
        given: dict[str, Any] = {}

        def under(ledger: Any, cohort: Any, settings: Any, **more: Any) -> tuple[ClaimMultiverse, ...]:
            given.update(more)
            return (made_of({"supported": 6}, ["nobody has it"]),)

        monkeypatch.setattr(section, "specified", under)
        source = str(Path(__file__).parent / "parity" / "diary")
        monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "kept"))
        code, out, _ = run("claims", source, "--multiverse", "--workers", "2", "--json")
        by_claim = {each["claim"]: each["multiverse"] for each in json.loads(out)}
        assert code == 0 and given["workers"] == 2 and given["place"] is not None
        assert by_claim["C12"]["agree"] == 29 and by_claim["C12"]["could_not"] == {"nobody has it": 1}
        assert by_claim["C54"] is None
        code, out, _ = run("claims", source, "--multiverse", "--no-cache")
        assert code == 0 and given["place"] is None
        assert "35 of 36" in out and "Of 36 specifications of 1 claim 1 could not be made." in out
        code, _, err = run("claims", source, "--workers", "2")
        assert code == 2 and "--workers and --no-cache are of --multiverse" in err


def test_the_section_shows_curves_where_they_are_asked_for(diary: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    from crampstudy.analyses.overview import claims as section

    monkeypatch.setattr(section, "multiverse", lambda *_, **__: (made_of({"supported": 6}, []),))
    others = {name: SectionResults(each, {}, {}, None) for name, each in inconclusive_rows().items()}
    without = analyses.run("claims", diary, others=others)
    assert {section.CURVES, section.AGREEMENT} <= {*without.absent}
    assert "takes minutes" in without.values["specifications"]
    shown = analyses.run("claims", diary, Settings(multiverse=True), others=others)
    assert section.CURVES in shown.figures and len(shown.tables[section.AGREEMENT].frame) == 1
    assert "Verdicts rest most on the specification of C12 (83%)." in shown.values["specifications"]
