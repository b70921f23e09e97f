"""The comparison as a document: its cohorts, its findings by hand, its sentences, and one run of its notebook."""

from __future__ import annotations

import ast
import csv
import importlib
import json
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from crampstudy import cache, compare, describe, estimates, figures, fit, provenance, tables, wording
from crampstudy.age_bands import AgeBands, StandardPopulation, read_standard
from crampstudy.analyses import Findings
from crampstudy.analyses.comparison import PARTS, VALUES, ComparisonSettings, compare_cohorts, open_cohorts
from crampstudy.analyses.comparison import part as of_part
from crampstudy.analyses.comparison.people import who_is_who, who_the_cohorts_are
from crampstudy.analyses.comparison.sentences import bands as of_bands
from crampstudy.analyses.comparison.sentences import factors as of_factors
from crampstudy.analyses.comparison.sentences import limits as of_limits
from crampstudy.cache import Cache
from crampstudy.cli.command import attached
from crampstudy.cli.rerun.unchanged import is_unchanged
from crampstudy.cohort import Attrition, Cohort, TableCount
from crampstudy.contrasts.cohorts.asked import numbers_of_nights
from crampstudy.contrasts.cohorts.characteristics import standardised_differences
from crampstudy.contrasts.cohorts.parts import age_mix, several, split_by
from crampstudy.descriptive.characteristics import characteristics
from crampstudy.errors import AnalysisError, BandError, FolderTaken, SourceError, UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.provenance.digests import version
from crampstudy.report import freshness, front_matter, outline, params
from crampstudy.report.assembly.comparison import build_comparison
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.build import FILES
from crampstudy.report.freshness import ask_comparison
from crampstudy.simulate import simulate
from crampstudy.sources.readers import package
from crampstudy.sources.writer import About, writing
from crampstudy.tables.sections.compared import compared_groups, completeness_of_cohorts

ROOT = Path(__file__).parents[1]
NOTEBOOK = ROOT / "notebooks" / outline.COMPARISON
Run = Callable[..., tuple[int, str, str]]


def write_package(cohort: Cohort, folder: Path) -> None:
    with writing(folder, About(cohort.name, synthetic=cohort.synthetic), "csv") as out:
        out.add({name: cohort.frame(name) for name in ("participants", "diary")})


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return replace(simulate(90, 14, seed=5), name="here")


@pytest.fixture(scope="module")
def other() -> Cohort:
    return replace(simulate(60, 14, seed=6), name="there")


@pytest.fixture(scope="module")
def settings() -> ComparisonSettings:
    return ComparisonSettings(age_bands=(20, 60), factors="none")


@pytest.fixture(scope="module")
def found(diary: Cohort, other: Cohort, settings: ComparisonSettings) -> Findings:
    return compare_cohorts((diary, other), settings)


# Cohorts, and the populations that they are standardised to.


def test_a_diary_is_split_into_all_of_its_people_and_nights(diary: Cohort) -> None:
    women, men = split_by(diary, "sex")
    assert (women.name, men.name) == ("female", "male")
    for table in ("participants", "diary"):
        assert women.frame(table).height + men.frame(table).height == diary.frame(table).height
    assert set(women.participants["sex"]) == {"female"}
    yes_no = split_by(diary, "diabetes")
    assert [part.name for part in yes_no] == ["diabetes: no", "diabetes: yes"]
    old = split_by(diary, "age_band", AgeBands((20, 60)))
    assert [part.name for part in old] == ["20-59", "60+"] and old[1].participants["age_years"].min() >= 60


def test_who_is_in_no_part_is_said(diary: Cohort) -> None:
    people = diary.frame("participants").with_columns(
        sex=pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise(pl.col("sex"))
    )
    parts = split_by(replace(diary, tables={**diary.tables, "participants": people}), "sex")
    assert "3 participants without a value of sex or without nights, in no part" in parts[0].attrition.remarks


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"by": "diabetes", "where": "age_years >= 50"},
        {"where": "fluid_ml > 1500 AND sex = 'female'", "adjust": "bmi_kg_m2 + diabetes"},
        {"where": "fluid_guideline"},
        {"where": "weekend_night OR entry_made", "few_events": "gamma", "pool": True},
        {"standard": "esp2013", "bootstrap": 60, "ci_level": 0.8},
    ],
)
def test_parts_without_the_numbers_that_no_one_asks_for_are_compared_alike(
    diary: Cohort, asked: dict[str, Any]
) -> None:
    numbers = numbers_of_nights(diary, asked.get("by", "age_band"), None, asked.get("where"), asked.get("adjust", ""))
    kept = "fluid_ml" in asked.get("where", "") or numbers is None
    found = []
    for parts in (split_by(diary, "diabetes"), split_by(diary, "diabetes", numbers=numbers)):
        more = asked | ({"rng": np.random.default_rng(1)} if "bootstrap" in asked else {})
        found.append(compare(parts[0], parts[1], others=parts[2:], **more))
    assert "fluid_ml" in diary.frame("diary").columns
    assert all(("fluid_ml" in part.frame("diary").columns) == kept for part in parts)
    assert all(("steps" in part.frame("diary").columns) == (numbers is None) for part in parts)
    pd.testing.assert_frame_equal(found[0].estimates, found[1].estimates)
    assert found[0].accounts == found[1].accounts


@pytest.mark.parametrize(
    "asked", [{"by": "fluid_ml"}, {"where": "fluid > 5"}, {"adjust": "fluid_ml"}, {"where": "fluid_guideline"}]
)
def test_parts_keep_all_numbers_for_a_question_that_is_wrong_or_of_what_others_make(
    diary: Cohort, asked: dict[str, str]
) -> None:
    assert numbers_of_nights(diary, **{"by": "sex"} | asked) is None


def test_the_command_holds_only_the_numbers_of_nights_that_it_is_asked(
    diary: Cohort, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_package(diary, tmp_path / "here")
    seen: list[Cohort] = []
    module = importlib.import_module("crampstudy.contrasts.cohorts.compare")

    def spied(*cohorts: Cohort, **more: Any) -> Any:
        seen.extend(cohorts[:2])
        return compare(*cohorts, **more)

    monkeypatch.setattr(module, "compare", spied)
    assert run("compare", str(tmp_path / "here"), "--split", "sex", "--where", "steps > 1000")[0] == 0
    assert [part.name for part in seen] == ["female", "male"]
    for part in seen:
        numbers = {name for name, dtype in part.frame("diary").schema.items() if dtype.is_numeric()}
        assert numbers == {"cramps", "steps"}


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("arm", "cannot be split by arm: those with nights have only arm observation"),
        ("age_years", "which is a number"),
        ("sxe", "did you mean sex"),
    ],
)
def test_what_splits_nothing_is_refused(diary: Cohort, by: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        split_by(diary, by)


def test_several_cohorts_are_two_or_the_parts_of_one(diary: Cohort, other: Cohort) -> None:
    assert [each.name for each in several([diary, other])] == ["here", "there"]
    assert [each.name for each in several([diary], split="sex", names=["w", "m"])] == ["w", "m"]
    with pytest.raises(UsageError, match="one cohort is compared with nothing; name another, or split it: --split sex"):
        several([diary])
    with pytest.raises(UsageError, match="--split is of one cohort, and there are 2"):
        several([diary, other], split="sex")
    with pytest.raises(UsageError, match="4 cohorts have 4 different names, such as before,after,later,4; got 'a,b'"):
        several([diary, other, diary, other], names=["a", "b"])


def test_a_cohorts_own_ages_give_its_own_crude_rate(diary: Cohort, other: Cohort) -> None:
    bands = AgeBands((20, 60))
    mix = age_mix(other, bands)
    nights = other.diary.dropna(subset=["cramps"])["participant_id"].unique()
    ages = other.participants.set_index("participant_id").loc[nights, "age_years"]
    assert mix.groups == ((20, float(((ages >= 20) & (ages < 60)).sum())), (60, float((ages >= 60).sum())))
    rows = compare(diary, other, bands=bands, standard="there").estimates
    rates = kinds.INCIDENCE_RATE.rows(rows).set_index(["cohort", "level"])["estimate"]
    shares = bands.standard_weights(mix)
    standardised = kinds.STANDARDISED_RATE.rows(rows).set_index("cohort")
    for name in ("here", "there"):
        by_hand = shares[0] * rates[name, "20-59"] + shares[1] * rates[name, "60+"]
        assert standardised.loc[name, "estimate"] == pytest.approx(by_hand)
    assert set(standardised["reference"]) == {"participants of there"}


def test_a_band_without_a_weight_needs_no_number(diary: Cohort, other: Cohort) -> None:
    bands = AgeBands((20, 60))
    old = replace(other, tables=dict(split_by(other, "age_band", bands)[1].tables))
    rows = compare(diary, old, bands=bands, standard="there").estimates
    made = kinds.BETWEEN_STANDARDISED.rows(rows).set_index("scale").loc["rate_ratio"]
    group = kinds.BETWEEN_COHORTS.rows(rows)
    alone = group[(group["level"] == "60+") & (group["scale"] == "rate_ratio")].iloc[0]
    # Everybody of the standard is in one band, whose ratio it is.
    assert made["estimate"] == pytest.approx(alone["estimate"]) and made["std_error"] == pytest.approx(
        alone["std_error"]
    )
    world = kinds.BETWEEN_STANDARDISED.rows(compare(diary, old, bands=bands).estimates).iloc[0]
    assert world["status"] == "not_estimable" and world["note"] == "nobody is younger than 60 years (there)"


def test_a_crude_answer_says_what_ages_do_to_it(diary: Cohort, other: Cohort) -> None:
    bands = AgeBands((20, 60))
    old = replace(other, name="old", tables=dict(split_by(other, "age_band", bands)[1].tables))
    made = compare_cohorts((diary, old), ComparisonSettings(age_bands=(20, 60), factors="none"))
    answer, rows = made.values["answer"], made.estimates
    ways = kinds.STANDARDISED_OTHERWISE.rows(rows)
    (known,) = wording.records(ways[ways["estimate"].notna() & ways["scale"].eq("rate_ratio")].head(1))
    assert "crude" in answer and "People in old are older than those in here by" in answer
    assert f"At the ages of the participants of old the ratio is {estimate(known)}" in answer
    assert f"is {estimate(known)}" in made.values["sensitivity"]
    # It is told by variable of how many characteristics cohorts differ, whatever the number of levels.
    differences = kinds.STANDARDISED_DIFFERENCE.rows(rows)
    told = differences[differences["status"] == "converged"]
    far = told.loc[told["estimate"].abs() > 0.1, "term"].nunique()
    assert f"in {far} of {told['term'].nunique()} characteristics" in made.values["people"]
    assert far < (told["estimate"].abs() > 0.1).sum()
    assert "[@eurostat2013]" in str(made.tables["tbl-sensitivity"].note)
    assert "q by Holm" not in "".join(str(table.note) for table in made.tables.values())
    whole = compare_cohorts((diary, other), ComparisonSettings(age_bands=(20, 60), factors="none"))
    assert "crude" not in whole.values["answer"] and "[@ahmad2001]" in str(whole.tables["tbl-groups"].note)


def test_what_the_adjusted_ratio_takes_into_account_is_not_said_to_be_left_out(diary: Cohort, other: Cohort) -> None:
    asked = ComparisonSettings(by="sex", factors="none", adjust="log(bmi_kg_m2) + age_decade:diabetes")
    made = compare_cohorts((diary, other), asked).estimates
    differences = kinds.STANDARDISED_DIFFERENCE.rows(made)
    far = differences["term"].isin(["bmi_kg_m2", "sex", "age_years", "statin", "diabetes"])
    made.loc[differences.index, "estimate"] = np.where(far, 0.5, 0.0)
    said = of_limits.limits((diary, other), asked, made)
    assert "differs from here in 1 characteristic that no ratio between them takes into account: statin." in said
    # A cohort may be called never, or often.
    assert "The cohort \N{LEFT DOUBLE QUOTATION MARK}there\N{RIGHT DOUBLE QUOTATION MARK} differs" in said
    adjusted = (
        "Age, body-mass index and diabetes, in which there differs as well, are taken into account in the adjusted"
    )
    assert adjusted in said and "sex" not in said
    # What is adjusted for in a model without a ratio is taken into account by none; age is not, where none is by age.
    made.loc[made["analysis"] == kinds.BETWEEN_ADJUSTED.name, "estimate"] = np.nan
    said = of_limits.limits((diary, other), asked, made)
    assert "in 4 characteristics that no ratio between them takes into account: age, body-mass index, d" in said
    by_age = of_limits.limits((diary, other), replace(asked, by="age_band"), made)
    assert "takes into account: sex, body-mass index, diabetes and statin" in by_age


@pytest.mark.parametrize("way", ["bands of 20 years", "at least 80% of their nights logged"])
def test_a_ratio_that_is_standardised_otherwise_says_how(found: Findings, way: str) -> None:
    rows = found.estimates.copy()
    standardised = rows["analysis"].isin([kinds.BETWEEN_STANDARDISED.name, kinds.STANDARDISED_OTHERWISE.name])
    rows.loc[standardised & rows["level"].ne(way), "estimate"] = np.nan
    (known,) = wording.records(rows[rows["level"].eq(way) & rows["scale"].eq("rate_ratio")])
    assert f"{known['estimand']}, but with {way}, the ratio is {estimate(known)}"[1:] in of_bands.beside_crude(rows)


def test_a_standard_population_of_ones_own(tmp_path: Path, diary: Cohort, other: Cohort) -> None:
    file = tmp_path / "Ages.CSV"
    file.write_text("age_low,people\n0,10\n20,300\n60,100\n", encoding="utf-8")
    assert read_standard(file) == StandardPopulation("standard population Ages.CSV", ((0, 10), (20, 300), (60, 100)))
    bands = AgeBands((20, 60))
    assert bands.standard_weights(read_standard(file)) == (0.75, 0.25)
    rows = compare(diary, other, bands=bands, standard=str(file)).estimates
    estimand = kinds.BETWEEN_STANDARDISED.rows(rows)["estimand"].iloc[0]
    assert estimand == "at the ages of the standard population Ages.CSV"
    with pytest.raises(BandError, match=r"limit 40 lies inside an age group of the standard .* use 0, 20, 60"):
        AgeBands((20, 40)).standard_weights(read_standard(file))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("age,people\n20,1\n", "begins with age,people; it has two columns, age_low,people"),
        ("age_low,people\n20,many\n", "row 2 is '20,many'"),
        ("age_low,people\n40,1\n20,1\n", r"must increase, got \[40, 20\]"),
        ("age_low,people\n20,-1\n", "each age group has a number of people, 0 or more"),
        ("", "begins with nothing"),
    ],
)
def test_a_file_that_is_no_standard_population_says_where(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        read_standard(tmp_path / "s.csv")


def test_a_survey_is_described_by_any_level(shared: Path) -> None:
    from crampstudy import open_cohort

    survey = open_cohort(f"nhanes:{shared}/data/nhanes?cycles=D")
    rows = kinds.PREVALENCE.rows(describe(survey, "sex").estimates)
    women = rows[(rows["population"] == "female") & (rows["level"] == "any")].iloc[0]
    as_part = describe(survey, where="sex = 'female'").estimates
    part = as_part[(as_part["population"] == "20+, sex = 'female'") & (as_part["level"] == "any")].iloc[0]
    assert (women["estimate"], women["std_error"], women["n_participants"]) == (
        pytest.approx(part["estimate"]),
        pytest.approx(part["std_error"]),
        part["n_participants"],
    )
    assert list(dict.fromkeys(rows["population"])) == ["female", "male", "20+"] and set(rows["term"]) == {"sex"}
    with pytest.raises(UsageError, match=r"prevalences are given by age_band or a level or yes/no .* did you mean sex"):
        describe(survey, "sxe")
    with pytest.raises(UsageError, match="is a survey, whose parts share its sampling units and are no cohorts"):
        split_by(survey, "sex")
    # What the refusal advises gives the ratio of the parts, of one design.
    said = "describe 'a b' --by sex; .*: crampstudy fit 'a b' --model survey-poisson --outcome any_cramp --terms sex$"
    with pytest.raises(UsageError, match=said):
        several([survey], split="sex", source="a b")
    fitted = fit(survey, model="survey-poisson", outcome="any_cramp", terms="sex", where="age_years >= 20").estimates
    (ratio,) = fitted.loc[fitted["term"] == "sex", "estimate"]
    shares = rows[rows["level"] == "any"].set_index("population")["estimate"]
    assert ratio == pytest.approx(shares["female"] / shares["male"], rel=1e-6)


# What it finds.


def test_groups_that_some_cohort_lacks_are_left_out_of_the_test_and_named(diary: Cohort, other: Cohort) -> None:
    bands = AgeBands((20, 50, 60))
    old = replace(other, tables=dict(split_by(other, "age_band", AgeBands((20, 50)))[1].tables))
    rows = kinds.COHORT_INTERACTION.rows(compare(diary, old, bands=bands).estimates)
    assert rows["status"].eq("converged").all() and rows["unit"].str.startswith("F on 1 and").all()
    said = "of the groups with at least 5 participants in every cohort: 50–59 and 60+"
    assert rows["note"].str.contains(said, regex=False).all()


def test_standardised_differences_by_hand() -> None:
    cells = {"population": "all", "analysis": kinds.CHARACTERISTICS.name, "status": "converged"}

    def mean(cohort: str, value: float, spread: float) -> list[dict[str, Any]]:
        own = {"cohort": cohort, "term": "age_years", "n_participants": 10}
        return [
            estimates.row(scale="mean", estimate=value, **cells | own),
            estimates.row(scale="standard_deviation", estimate=spread, **cells | own),
        ]

    def share(cohort: str, term: str, value: float) -> dict[str, Any]:
        own = {"cohort": cohort, "term": term, "level": "true", "n_participants": 20}
        return estimates.row(scale="proportion", estimate=value, **cells | own)

    described = estimates.frame(
        [
            *mean("a", 50.0, 3.0),
            *mean("b", 60.0, 4.0),
            *[share("a", "diabetes", 0.2), share("b", "diabetes", 0.5)],
            *[share("a", "statin", 1.0), share("b", "statin", 0.0), share("a", "smoking", 0.5)],
            *[share("a", "laba", 0.0), share("b", "laba", 0.0)],
        ]
    )
    rows = standardised_differences(described, ["a", "b"]).set_index("term")
    assert rows.loc["age_years", "estimate"] == pytest.approx(10 / sqrt((9 + 16) / 2))
    assert rows.loc["diabetes", "estimate"] == pytest.approx(0.3 / sqrt((0.16 + 0.25) / 2))
    assert rows.loc["laba", "estimate"] == 0 and rows.loc["age_years", "n_participants"] == 20
    assert rows.loc["statin", ["status", "note"]].tolist() == ["not_estimable", "no spread in b nor in a"]
    assert rows.loc["smoking", ["status", "note"]].tolist() == ["not_measured", "not measured in b"]
    # A value that everybody has does not differ by the rounding of its mean.
    for other, found in ((2.3 + 4.5e-16, 0.0), (2.4, None)):
        same = estimates.frame([*mean("a", 2.3, 5e-16), *mean("b", other, 4e-16)])
        row = wording.with_none(standardised_differences(same, ["a", "b"]))[0]
        assert row["estimate"] == found and (found == 0 or row["note"] == "no spread in b nor in a")


def test_characteristics_of_a_part_are_of_its_people(diary: Cohort) -> None:
    rows = characteristics(diary, where="sex = 'male'")
    everybody = characteristics(diary)
    whole, men = (
        each[(each["term"] == "age_years") & (each["population"] == name) & (each["scale"] == "mean")].iloc[0]
        for each, name in ((rows, "all"), (everybody, "male"))
    )
    assert whole["estimate"] == men["estimate"] and whole["n_participants"] == men["n_participants"]


def test_every_group_stands_with_each_cohort_what_it_rests_on_and_a_verdict(found: Findings) -> None:
    table = found.tables["tbl-groups"].frame
    assert list(table.index) == [x for x in ("20–59", "60+", "20+", "20+, age-standardised") for _ in range(2)]
    assert list(table["Cohort"]) == ["here", "there"] * 4
    heads = ["Participants", "Nights", "Cramps", "Cramps per person-week (95% CI)", "Rate ratio (95% CI)", "Verdict"]
    assert list(table.columns[1:]) == heads
    rates = kinds.INCIDENCE_RATE.rows(found.estimates).set_index(["cohort", "level"])
    for band, row in zip(table.index[:4], table.iloc[:4].to_dict("records"), strict=True):
        own = rates.loc[(row["Cohort"], band.replace("–", "-"))]
        assert row["Participants"] == f"{own['n_participants']:,}" and row["Nights"] == f"{own['n_nights']:,}"
        assert row["Cramps"] == f"{own['n_events']:,}" and row[heads[3]].startswith(f"{own['estimate']:.2f}")
    assert (table.loc[table["Cohort"] == "here", heads[4]] == "reference").all()


def test_a_group_in_which_nobody_is_stands_in_no_row(diary: Cohort, other: Cohort) -> None:
    rows = compare(diary, other, bands=AgeBands((20, 60, 110))).estimates
    table = compared_groups(rows, "cramps")
    assert "110+" not in table.index and "60–109" in table.index
    lost = kinds.BETWEEN_COHORTS.rows(rows).set_index(["level", "scale"]).loc[("110+", "rate_ratio")]
    assert lost["status"] == "not_estimable" and lost["verdict"] == "too few"


def test_completeness_is_that_of_each_cohort(found: Findings, diary: Cohort) -> None:
    table = completeness_of_cohorts(found.estimates)
    observed = diary.diary["cramps"].notna().sum()
    assert table.loc["here", "Nights observed"] == f"{observed:,}" and list(table.index) == ["here", "there"]
    assert "Answered" not in table.columns


def test_all_parts_are_made_or_said_and_sentences_have_no_holes(found: Findings) -> None:
    given = {*found.tables, *found.figures, *found.could_not, *found.absent}
    assert given == {*PARTS} and set(found.values) == {*VALUES} and not found.could_not
    ratio = kinds.BETWEEN_STANDARDISED.rows(found.estimates).iloc[0]
    assert f"The rate of cramps in there is {ratio['estimate']:.2f} (" in found.values["answer"]
    assert found.values["question"] == "How does the frequency of cramps in there compare with that in here, by age?"
    for name, text in found.values.items():
        assert not re.search(r"\bnan\b|None|\{|_", text), (name, text)
        assert ("significant" not in text and not text) or text.endswith((".", "?"))
    assert "The cohorts here and there are synthetic, and tell nothing about people." in found.values["limits"]


def test_methods_are_computed_of_the_cohorts_the_settings_and_the_rows(
    found: Findings, diary: Cohort, other: Cohort
) -> None:
    said = found.values["design"]
    assert said.startswith("here and there are each a diary of nights; the unit of the models is the night")
    assert "Age bands begin at 20 and 60 years; intervals are at 95%." in said and ".." not in said
    assert "Standardised numbers are those at the ages of the WHO world standard" in said
    assert f"crampstudy {version()}" in said and f"numpy {np.__version__}" in said
    assert (
        found.values["cite"].count("Software: ") == 1 and f"SHA-256 of there: {other.digest}." in found.values["cite"]
    )
    # Ratios that are adjusted or corrected afterwards are of no model of their own.
    assert list(found.tables["tbl-models"].frame.index) == ["Poisson"]
    assert "tbl-adjustment-sets" in found.absent
    meanings = found.tables["tbl-definitions"].frame
    assert "Between cohorts, standardised" in meanings.index and "Cohort by group" in meanings.index
    # What the notes of other tables say is not said again.
    assert not {"E-value", "Characteristics", "Completeness"} & {*meanings.index}
    by_sex = compare_cohorts((diary, other), ComparisonSettings(by="sex", factors="none", ci_level=0.9)).values
    assert "Age bands" not in by_sex["design"] and "Intervals are at 90%." in by_sex["design"]


def test_a_part_of_each_cohort_is_counted_wherever_whom_it_is_of_is_said(diary: Cohort, other: Cohort) -> None:
    settings = ComparisonSettings(age_bands=(20, 60), factors="none", where="age_years >= 40 AND diabetes = false")
    found = compare_cohorts((diary, other), settings)
    whom = "aged 40 years and older and without diabetes"
    assert f"by age, among those {whom}?" in found.values["question"]
    complete = found.tables["tbl-completeness"]
    assert complete.caption == f"Completeness of each cohort, among those {whom}."
    assert found.tables["tbl-characteristics"].caption.startswith(
        "Participants of 40 years and older, without diabetes: mean"
    )
    for table in ("tbl-groups", "tbl-contrasts", "tbl-interaction", "tbl-sensitivity"):
        assert f", among those {whom}" in found.tables[table].caption
    assert found.tables["tbl-e-values"].caption.endswith(f"its p-value among all, among those {whom}.")
    accounts = compare(diary, other, bands=AgeBands((20, 60)), where=settings.where).accounts
    for cohort, account in zip((diary, other), accounts, strict=True):
        people = cohort.frame("participants")
        met = people.filter((pl.col("age_years") >= 40) & ~pl.col("diabetes"))
        said = f"{met.height} of {people.height} participants meet the condition, {people.height - met.height} left out"
        assert f"{cohort.name}: {said}; {account.sentence()}." in found.values["accounts"]
        assert complete.frame.loc[cohort.name, "Participants"] == str(met.height)
        assert complete.frame.loc[cohort.name, "Nights observed"] == f"{account.used:,}"
        assert of_part.account(cohort, settings) == account
    # Of parts that a split made it is told apart who is of another part and who does not meet the condition.
    n = diary.frame("diary").height
    read = replace(diary, attrition=Attrition((TableCount("diary", "diary.csv", n, n, 0),)))
    # Files are read whole, whomever numbers are of.
    files = who_the_cohorts_are((read, other), settings).tables["tbl-cleaning"].caption
    assert files.endswith("by cohort and table, of all in the files, whether or not they meet the condition.")
    women = split_by(read, "sex")[0]
    said = of_part.account(women, replace(settings, where="diabetes = false")).sentence()
    assert said.count("(of another part)") == said.count("(outside the condition)") == 1


def test_a_condition_on_nights_leaves_all_participants_in(diary: Cohort, other: Cohort) -> None:
    nights = diary.frame("diary").with_columns(mood=pl.int_range(pl.len(), dtype=pl.Int64) % 3)
    own = replace(diary, tables={**diary.tables, "diary": nights})
    there = replace(
        other, tables={**other.tables, "diary": other.frame("diary").with_columns(mood=pl.lit(2, pl.Int64))}
    )
    found = compare_cohorts((own, there), ComparisonSettings(age_bands=(20, 60), factors="none", where="mood = 1"))
    assert "by age, on nights that meet the condition (mood = 1)?" in found.values["question"]
    note = str(found.tables["tbl-completeness"].note)
    assert note.endswith("All nights count, whether or not they meet the condition.")
    assert "The condition (mood = 1) is on nights" in str(found.tables["tbl-characteristics"].note)
    assert "participants meet" not in found.values["accounts"] and "(outside the condition)" in found.values["accounts"]
    inside, nobody = of_part.of_part((own, there), ComparisonSettings(where="mood = 1"))
    assert nobody is None and inside is not None
    assert inside.frame("diary").height == nights.filter((pl.col("mood") == 1) & pl.col("cramps").is_not_null()).height


def test_a_cohort_of_which_nobody_meets_the_condition_is_said_to_have_nobody(diary: Cohort, other: Cohort) -> None:
    people = other.frame("participants").with_columns(diabetes=pl.lit(True))
    with_it = replace(other, tables={**other.tables, "participants": people})
    settings = ComparisonSettings(age_bands=(20, 60), factors="none", where="diabetes = false")
    found = compare_cohorts((diary, with_it), settings)
    assert "there: 0 of 60 participants meet the condition, 60 left out; " in found.values["accounts"]
    assert [*found.tables["tbl-completeness"].frame.index] == ["here"]
    subject = Subject((diary, with_it), ("a", "b"), {}, analysed=of_part.of_part((diary, with_it), settings))
    sizes = [value for name, value in front_matter._of_cohorts(subject) if name == "Size"]
    assert sizes[0].startswith(f"{diary.frame('participants')['diabetes'].eq(False).sum()} participants, ")
    assert sizes[1] == "nobody, of 60 participants, 720 observed nights"


def test_parts_of_one_cohort_are_told_as_parts(diary: Cohort) -> None:
    read = (TableCount("diary", "diary.csv", diary.frame("diary").height, diary.frame("diary").height, 0),)
    parts = split_by(replace(diary, attrition=Attrition(tables=read)), "sex")
    made = compare_cohorts(parts, ComparisonSettings(age_bands=(20, 60), factors="none"))
    # Nobody set a condition.
    assert made.values["accounts"].count("left out (of another part)") == 2
    assert "condition" not in made.values["accounts"]
    told = json.dumps(dict(made.values)) + "".join(str(table.note) for table in made.tables.values())
    assert "outside the condition" not in told and "of another part" not in told.replace("(of another part)", "")
    # What was read is told once.
    table = made.tables["tbl-cleaning"].frame
    assert table.index.tolist() == [("female and male", "Diary")]


def test_nights_under_a_treatment_are_said_to_be_among_the_others(diary: Cohort, other: Cohort) -> None:
    who = diary.frame("participants")["participant_id"][0]
    day = diary.frame("diary")["date"][0]
    given = pl.DataFrame({"participant_id": [who], "agent": ["magnesium"], "start": [day]})
    treated = replace(diary, tables={**diary.tables, "treatments": given})
    said = compare_cohorts((treated, other), ComparisonSettings(age_bands=(20, 60), factors="none")).values["limits"]
    assert "Some participants of here were treated (magnesium), and their nights under a treatment are taken" in said


def test_what_is_standardised_otherwise_is_told_where_it_is_shown_alone(diary: Cohort, other: Cohort) -> None:
    old = replace(other, tables=dict(split_by(other, "age_band", AgeBands((20, 60)))[1].tables))
    made = compare_cohorts((diary, old), ComparisonSettings(age_bands=(20, 60), factors="none"))
    assert "as asked" in str(made.tables["tbl-sensitivity"].note)
    assert "as asked" not in made.values["not_estimated"]
    assert "20+ (age-standardised): nobody is younger than 60 years" in made.values["not_estimated"]


def test_the_figures_are_drawn_of_rows(found: Findings) -> None:
    drawing = found.figures["fig-groups"]
    upper, lower = figures.FIGURES[drawing.figure](drawing.estimates).axes
    assert upper.get_ylabel() == "Cramps per person-week" and lower.get_ylabel() == "Rate ratio against\nhere"
    assert [label.get_text() for label in lower.get_xticklabels()][:2] == ["20–59", "60+"]
    assert lower.get_yscale() == "log"


def test_three_cohorts_have_a_ratio_each_against_the_reference(diary: Cohort, other: Cohort) -> None:
    third = replace(simulate(50, 14, seed=8), name="third")
    made = compare_cohorts(
        (diary, other, third), ComparisonSettings(by="sex", reference="third", factors="none", standard="none")
    )
    table = made.tables["tbl-groups"].frame
    assert list(table["Cohort"][:3]) == ["third", "here", "there"]
    assert {name for name, _ in made.tables["tbl-contrasts"].frame.index} == {"here", "there"}
    note = str(made.tables["tbl-contrasts"].note)
    assert note.startswith("p, p (Holm) and verdict are of the ratio, which is tested on the log scale")
    assert "against" not in made.values["answer"] and made.values["answer"].count("times that in third") == 2
    assert made.values["sensitivity"] == "Nothing is standardised here, so that there are no other ways to standardise."


def test_a_diary_and_a_survey_meet_in_the_class_of_30_nights_alone(shared: Path, diary: Cohort) -> None:
    from crampstudy import open_cohort

    survey = open_cohort(f"nhanes:{shared}/data/nhanes?cycles=D")
    made = compare_cohorts((diary, survey), ComparisonSettings(factors="none"))
    assert "tbl-groups" in made.absent and "tbl-contrasts" in made.absent and "tbl-common" in made.tables
    first = "The share of people with any cramp in 30 nights, implied by the diary, in "
    assert made.values["answer"].startswith(first)
    assert "are not set against each other" in made.values["limits"]
    assert made.values["factors"] == "Factors are compared between cohorts of one kind alone."
    assert figures.FIGURES["common_measure"](made.estimates).axes[0].get_ylabel() == "People (%)"


def test_what_was_set_is_checked_before_anything_is_estimated(diary: Cohort, other: Cohort) -> None:
    for wrong, said in (
        ({"by": "sxe"}, "here is compared by age_band or a level .* did you mean sex"),
        ({"reference": "thre"}, "no cohort 'thre' to compare with; did you mean there"),
        ({"where": "age_yeas > 20"}, "did you mean age_years"),
        ({"where": "cramps > 0"}, "nights that are chosen by their cramps have no rate"),
        ({"adjust": "sxe"}, "terms name 'sxe'"),
        ({"average_over": "reference"}, r"name its terms, such as adjust='sex' \(--adjust sex\)"),
        ({"average_over": "referense", "adjust": "sex"}, "did you mean reference"),
        ({"standard": "hree"}, "no standard population 'hree'; did you mean here"),
    ):
        with pytest.raises(UsageError, match=said):
            ComparisonSettings(**wrong).check((diary, other))
    ComparisonSettings(by="sex", where="fluid_ml >= 0", adjust="bmi_kg_m2", standard="there").check((diary, other))
    with pytest.raises(UsageError, match="factors are main, all, none; got 'some'"):
        ComparisonSettings(factors="some")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="between 0 and 1"):
        ComparisonSettings(ci_level=95)


# What is said, and tables of several outcomes.

SURVEY = {"cohort": "E", "reference": "D", "model": "survey-logistic", "ci_level": 0.95}
OUTCOMES = ("any_cramp", "moderate_severe_vs_rest")


def test_cohorts_of_one_name_are_told_apart_in_notes(tmp_path: Path, diary: Cohort, other: Cohort) -> None:
    places = [tmp_path / "clinic-2024", tmp_path / "clinic-2025"]
    for cohort, place in zip((diary, other), places, strict=True):
        write_package(replace(cohort, name="clinic", title=None), place)
    cohorts = open_cohorts(places)
    assert [(cohort.name, cohort.heading) for cohort in cohorts] == [("A", "clinic-2024"), ("B", "clinic-2025")]
    found = compare_cohorts(cohorts)
    notes = {label: shown.note or "" for label, shown in {**found.tables, **found.figures}.items()}
    assert [label for label, note in notes.items() if "A: clinic-2024; B: clinic-2025." not in note] == []
    # Names that a user gave need no explaining.
    named = compare_cohorts(open_cohorts(places, names=["a", "b"]))
    assert not any("clinic-2024" in (shown.note or "") for shown in named.tables.values())


@pytest.mark.parametrize(
    ("titles", "said"),
    [
        (("Cramps in Leeds", "Cramps in York"), ("Cramps in Leeds", "Cramps in York")),
        (("Cramps in Leeds", None), ("Cramps in Leeds", "clinic-2025")),
        # Waves of one study have one title.
        (("Cramps in Leeds",) * 2, ("Cramps in Leeds (clinic-2024)", "Cramps in Leeds (clinic-2025)")),
    ],
)
def test_cohorts_of_one_name_keep_their_titles(
    tmp_path: Path, diary: Cohort, other: Cohort, titles: tuple[str | None, ...], said: tuple[str, ...]
) -> None:
    places = [tmp_path / "clinic-2024", tmp_path / "clinic-2025"]
    for cohort, title, place in zip((diary, other), titles, places, strict=True):
        package.write(replace(cohort, name="clinic", title=title), place)
    cohorts = open_cohorts(places)
    assert [(cohort.name, cohort.heading) for cohort in cohorts] == [("A", said[0]), ("B", said[1])]
    assert who_is_who(cohorts) == f"A: {said[0]}; B: {said[1]}."
    # The names that a user gave win.
    assert [cohort.heading for cohort in open_cohorts(places, names=["a", "b"])] == ["a", "b"]


def test_tables_of_two_outcomes_name_each() -> None:
    values = [
        estimates.row(
            status="converged",
            analysis=kinds.E_VALUE.name,
            estimand=kinds.BETWEEN_COHORTS.name,
            term="age_band",
            level=level,
            outcome=outcome,
            scale="e_value",
            estimate=estimate,
            **SURVEY,
        )
        # The rows of one outcome need not stand together.
        for level, outcome, estimate in (
            *(("20-39", OUTCOMES[0], 1.5), ("20-39", OUTCOMES[1], 2.5)),
            *(("40+", OUTCOMES[0], 3.5), ("40+", OUTCOMES[1], 4.5)),
        )
    ]
    made = pd.DataFrame(tables.beside_ratios(estimates.frame(values)))
    assert made["E-value"].to_dict() == {
        ("Any cramp", "20–39"): "1.50",
        ("Any cramp", "40+"): "3.50",
        ("Moderate-severe", "20–39"): "2.50",
        ("Moderate-severe", "40+"): "4.50",
    }
    ways = [
        estimates.row(
            status="converged",
            analysis=kinds.STANDARDISED_OTHERWISE.name,
            level=level,
            outcome=outcome,
            scale=scale,
            estimate=estimate,
            **SURVEY,
        )
        for level in ("as asked", "bands of 10 years")
        for outcome, estimate in zip(OUTCOMES, (1.25, 1.5), strict=True)
        for scale in ("prevalence_ratio", "difference")
    ]
    made = pd.DataFrame(tables.standardised_otherwise(estimates.frame(ways)))
    assert made.index.tolist() == [
        *(("Any cramp", "As asked"), ("Any cramp", "Bands of 10 years")),
        *(("Moderate-severe", "As asked"), ("Moderate-severe", "Bands of 10 years")),
    ]
    assert made.iloc[:, 1].tolist() == ["1.25", "1.25", "1.50", "1.50"]


@pytest.mark.parametrize(
    ("p_values", "said"),
    [
        (
            (0.24, 0.243),
            "is not shown to differ by group (F = 1.50 on 5 and 19, p = 0.24), nor adjusted for sex (F = 1.50 ",
        ),
        ((0.01, 0.02), "differs by group (F = 1.50 on 5 and 19, p = 0.010), also adjusted for sex (F = 1.50 "),
        ((0.01, 0.2), "p = 0.010); adjusted for sex it is not shown to differ by group (F = 1.50 "),
    ],
)
def test_a_survey_is_tested_on_odds_and_what_agrees_is_said_once(p_values: tuple[float, float], said: str) -> None:
    tests = [
        estimates.row(
            status="converged",
            analysis=kinds.COHORT_INTERACTION.name,
            outcome="any_cramp",
            scale="wald_test",
            unit="F on 5 and 19",
            estimate=1.5,
            p_value=p_value,
            adjusted_for=beside,
            **SURVEY,
        )
        for beside, p_value in zip((None, "sex"), p_values, strict=True)
    ]
    trends = [
        estimates.row(
            status="converged",
            analysis=kinds.COHORT_TREND.name,
            outcome="any_cramp",
            scale="odds_ratio",
            unit="per 10 years",
            level=level,
            estimate=1.2,
            **SURVEY,
        )
        for level in ("D", "E")
    ]
    rows = estimates.frame([*tests, *trends])
    text = of_bands.interaction(rows)
    assert text.startswith("The odds ratio of any cramp between cohorts ") and said in text
    assert text.endswith("Per 10 years of age the odds ratio of any cramp is 1.20 in D and 1.20 in E.")
    assert "The trend with age in each cohort is a straight line, adjusted for nothing. Per 10 years" in text
    assert (
        pd.DataFrame(tables.cohort_interaction(rows))["Unit"].tolist()[2:] == ["per 10 years, linear, unadjusted"] * 2
    )
    stubs = pd.DataFrame(tables.cohort_interaction(rows)).index.tolist()
    assert stubs[2:] == ["Odds ratio per 10 years of age: D", "Odds ratio per 10 years of age: E"]


def test_a_difference_that_does_not_stand_among_so_many_is_said_to_be_of_its_interval_alone() -> None:
    row = estimates.row(
        **SURVEY,
        status="converged",
        analysis=kinds.FACTOR_BETWEEN.name,
        term="contrast: age_years",
        scale="prevalence_ratio",
        estimate=0.78,
        q_value=0.25,
    )
    text = of_factors.apart(estimates.frame([row | {"verdict": "lower"}]), 4, 4)
    assert "No ratio in E is shown to differ from that in D. By the interval alone" in text and "0.25 by Holm" in text


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["lower"], "In E the ratio differs from that in D for age (0.68, p = 0.022 by Holm)."),
        (
            ["near null"],
            "No ratio in E is shown to differ from that in D. Of them 1 differs by less than would matter.",
        ),
        (
            ["higher", "near null", "near null", "inconclusive"],
            "Of the others 2 differ by less than would matter and for 1 the interval is too wide to tell.",
        ),
        (
            ["lower", "differs but negligible", "near null", "too few", "inconclusive", None],
            "Of the others 2 differ by less than would matter, for 1 the interval is too wide to tell, for 1 there are "
            "too few participants to tell and age has no verdict.",
        ),
    ],
)
def test_factors_are_counted_without_empty_counts(verdicts: list[str | None], said: str) -> None:
    made = [
        estimates.row(
            status="converged",
            analysis=kinds.FACTOR_BETWEEN.name,
            term="contrast: age_years",
            level=str(place),
            scale="prevalence_ratio",
            estimate=0.68,
            q_value=0.022,
            **SURVEY,
        )
        | {"verdict": verdict}
        for place, verdict in enumerate(verdicts)
    ]
    text = of_factors.apart(estimates.frame(made), len(made), 9)
    assert text.endswith(said) and " 0 " not in text
    first = "The ratio of 1 factor is compared at its declared contrast, the main ones of 9."
    assert text.startswith(first if len(made) == 1 else f"The ratios of {len(made)} factors are compared at their ")


def test_what_one_cohort_alone_measured_is_not_said_to_be_estimated(diary: Cohort, other: Cohort) -> None:
    lacking = other.frame("participants").drop("smoking")
    less = replace(other, tables={**other.tables, "participants": lacking})
    asked = ComparisonSettings(age_bands=(20, 60), factors="none")
    said = compare_cohorts((diary, less), asked).values["not_estimated"]
    assert said == "All that is compared could be estimated, but for what is said to be lacking where it stands."
    made = compare_cohorts((diary, other), asked)
    short = made.estimates[made.estimates["status"].isin(["not_measured", "not_estimable"])]
    assert (made.values["not_estimated"] == tables.ALL_ESTIMATED) == short.empty


def test_a_reason_is_told_once_with_the_name_of_its_cohort(diary: Cohort, other: Cohort) -> None:
    table = other.frame("participants").with_columns(age_years=pl.lit(70.0))
    old = replace(other, tables={**other.tables, "participants": table})
    made = compare_cohorts((diary, old), ComparisonSettings(age_bands=(20, 60), factors="none"))
    assert made.values["not_estimated"].count("took part") == 1
    assert "nobody of this age took part (there)" in made.values["not_estimated"]


def test_a_reason_stands_once_in_the_note_on_factors(diary: Cohort, other: Cohort) -> None:
    table = other.frame("participants").with_columns(hba1c_mmol_mol=pl.lit(40.0))
    alike = replace(other, tables={**other.tables, "participants": table})
    made = compare_cohorts((diary, alike), ComparisonSettings(age_bands=(20, 60)))
    assert str(made.tables["tbl-factors"].note).count("HbA1c does not vary (there)") == 1


def test_describe_takes_a_standard_of_ones_own(
    run: Run, diary: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_package(diary, tmp_path / "here")
    Path("ages.csv").write_text("age_low,people\n20,3\n60,1\n", encoding="utf-8")
    asked = ("describe", "here", "--age-bands", "20,60", "--json", "--standard")
    rows = json.loads(run(*asked, "ages.csv")[1])
    own = StandardPopulation("standard population ages.csv", ((20, 3.0), (60, 1.0)))
    by_hand = kinds.STANDARDISED_RATE.rows(describe(diary, bands=AgeBands((20, 60)), standard=own).estimates)
    (row,) = [row for row in rows if row["analysis"] == kinds.STANDARDISED_RATE.name]
    assert row["estimate"] == pytest.approx(by_hand["estimate"].item(), rel=1e-9)
    assert row["reference"] == "standard population ages.csv"
    by_name = describe(diary, bands=AgeBands((20, 60)), standard="ages.csv").estimates
    assert kinds.STANDARDISED_RATE.rows(by_name).equals(by_hand)
    code, _, err = run(*asked, "whoo")
    assert code == 2 and "did you mean who" in err and "allowed: who, esp2013, none, or a CSV file" in err
    code, _, err = run(*asked, "nowhere.csv")
    assert code == 4 and "nowhere.csv cannot be read" in err


# The notebook and its document.


def _code() -> Iterator[ast.AST]:
    for cell in json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            assert not cell["outputs"] and cell["execution_count"] is None
            yield from ast.walk(ast.parse("".join(cell["source"])))


def test_the_notebook_shows_all_parts_says_all_values_and_holds_no_logic() -> None:
    texts = [node.value for node in _code() if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert sorted(text for text in texts if text in PARTS) == sorted(PARTS)
    assert {name for text in texts for name in re.findall(r"\{\{(\w+)\}\}", text)} == {*VALUES}
    logic = (ast.If, ast.IfExp, ast.FunctionDef, ast.Lambda, ast.For, ast.While, ast.comprehension, ast.Try, ast.BoolOp)
    assert not [node for node in _code() if isinstance(node, logic)]


def test_the_parameters_have_the_defaults_of_the_package() -> None:
    own = {parameter.name: parameter.default for parameter in params.declared(NOTEBOOK)}
    known = {field.name for field in fields(ComparisonSettings)}
    assert set(own) - known == {"sources", "names", "split"}
    assert ComparisonSettings(**{name: own[name] for name in known}) == ComparisonSettings()


def test_a_comparison_is_a_document(
    diary: Cohort, other: Cohort, forked: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for cohort in (diary, other):
        write_package(cohort, tmp_path / cohort.name)
    settings = ComparisonSettings(age_bands=(20, 60), factors="none")
    made = build_comparison(["here", "there"], settings, names=["first", "second"])
    assert made.folder == Path("reports") / "first-second"
    assert {path.name for path in made.folder.iterdir()} >= {*FILES, "tables", "figures"}
    with made.estimates.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    by_hand = compare(diary, other, names=["first", "second"], bands=AgeBands((20, 60))).estimates
    ratio = kinds.BETWEEN_STANDARDISED.rows(by_hand).iloc[0]
    written = next(row for row in rows if row["key"] == ratio["key"])
    assert float(written["estimate"]) == pytest.approx(ratio["estimate"], rel=1e-9)
    assert made.pdf.read_bytes().startswith(b"%PDF") and len(made.accounts) == 2
    told = provenance.read(made.folder)
    assert [each.name for each in told.cohorts] == ["first", "second"]
    assert told.parameters["age_bands"] == [20, 60] and "sources" not in told.parameters
    assert str(tmp_path) not in made.manifest.read_text(encoding="utf-8")
    page = made.html.read_text(encoding="utf-8")
    assert "Who the cohorts are" in page and "{{" not in page
    # How it was made is a file beside it, and no other part is in that.
    methods = (made.folder / "methods.md").read_text(encoding="utf-8")
    assert methods.startswith("# Methods") and "## How to cite" in methods and "First and second are each a" in methods
    assert "Limits" not in methods and "Who the cohorts are" not in methods
    # The document of other cohorts is not replaced, and nothing is left of the attempt.
    with pytest.raises(FolderTaken, match="it holds the report of another source"):
        build_comparison(["there", "here"], settings, names=["first", "second"], out=made.folder)
    assert sorted(x.name for x in made.folder.parent.iterdir()) == ["first-second"]


# The command.


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a b --csv", "a b --csv=-"),
        ("a b --csv rows", "a b --csv=rows"),
        ("--csv a b c", "--csv=- a b c"),
        ("a --csv b c", "a --csv=- b c"),
        ("--csv rows.csv a b c", "--csv=rows.csv a b c"),
        ("a --split sex --json r.json", "a --split sex --json=r.json"),
        ("--json - a b", "--json=- a b"),
    ],
)
def test_any_number_of_sources_and_a_file(written: str, meant: str) -> None:
    assert attached(written.split(), {"--json", "--csv"}, {"--split"}, 1, many=True) == meant.split()


def test_the_command_compares_parts_and_takes_a_standard(
    run: Run, diary: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_package(diary, tmp_path / "here")
    Path("ages.csv").write_text("age_low,people\n20,1\n60,1\n", encoding="utf-8")
    asked = ("compare", "here", "--split", "sex", "--age-bands", "20,60", "--standard", "ages.csv", "--json")
    code, out, err = run(*asked)
    rows = [row for row in json.loads(out) if row["analysis"] == kinds.BETWEEN_STANDARDISED.name]
    assert code == 0, err
    assert {(row["cohort"], row["reference"]) for row in rows} == {("male", "female")}
    assert rows[0]["estimand"] == "at the ages of the standard population ages.csv"
    assert err.count("diary.csv:") == 2
    code, _, err = run("compare", "here")
    assert code == 2 and err.endswith("split it: --split sex; run: crampstudy compare here --split sex\n")
    code, _, err = run("compare", "here", "--split", "sex", "--pool", "--out", "there")
    assert code == 2 and "--pool" in err and not Path("there").exists()


def test_the_command_hands_all_to_the_document(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crampstudy.report import warm
    from crampstudy.report.assembly import comparison

    heard: dict[str, Any] = {}

    def built(sources: list[str], settings: ComparisonSettings, **given: Any) -> None:
        heard.update(given, sources=sources, settings=settings)
        raise AnalysisError("as far as here")

    import contextlib

    monkeypatch.setattr(warm, "server", lambda _, **more: contextlib.nullcontext())
    monkeypatch.setattr(comparison, "build_comparison", built)
    options = "--by sex --name a,b --reference b --where x>1 --standard none --ci-level 0.9 --adjust y --factors all"
    options += " --average-over reference"
    code, _, err = run("compare", "A", "B", *options.split(), "--out", str(tmp_path / "d"), "--force")
    assert (code, err) == (6, "crampstudy: as far as here\n")
    assert heard["settings"] == ComparisonSettings(
        by="sex",
        reference="b",
        where="x>1",
        standard="none",
        ci_level=0.9,
        adjust="y",
        average_over="reference",
        factors="all",
    )
    assert (heard["sources"], heard["names"], heard["force"]) == (["A", "B"], ["a", "b"], True)


def test_the_command_draws_participants_and_averages_over_the_reference(
    run: Run, diary: Cohort, other: Cohort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for cohort in (diary, other):
        write_package(cohort, tmp_path / cohort.name)
    asked = ("compare", "here", "there", "--age-bands", "20,60", "--json", "--bootstrap", "60")
    made = [run(*asked, *more)[1] for more in ((), ("--seed", "1"), ("--seed", "2"))]
    assert made[0] == made[1] != made[2]
    rows = [row for row in json.loads(made[2]) if row["analysis"] == kinds.BETWEEN_BOOTSTRAP.name]
    by_hand = compare(diary, other, bands=AgeBands((20, 60)), bootstrap=60, rng=np.random.default_rng(2)).estimates
    drawn = kinds.BETWEEN_BOOTSTRAP.rows(by_hand)
    assert [row["ci_low"] for row in rows] == pytest.approx(drawn["ci_low"].tolist(), rel=1e-6) and len(rows) == 2
    reference = ("--adjust", "sex", "--average-over", "reference")
    rows = json.loads(run(*asked[:6], *reference)[1])
    (row,) = [row for row in rows if row["analysis"] == kinds.BETWEEN_ADJUSTED.name and row["scale"] == "rate_ratio"]
    assert row["estimand"] == "averaged over the participants of here, by g-computation"
    for wrong, said in (
        (("--bootstrap", "10"), "10 replicates are too few for level 0.95; give at least 40"),
        (("--bootstrap", "60", "--by", "sex"), "bootstrap (--bootstrap) is for numbers at the ages"),
        (("--bootstrap", "60", "--out", "doc"), "--bootstrap 60 gives further rows, which the document has no place"),
        (("--average-over", "reference"), "name its terms, such as adjust='sex' (--adjust sex)"),
        (("--seed", "-1"), "--seed"),
    ):
        code, _, err = run("compare", "here", "there", *wrong)
        assert code == 2 and said in err, err


@pytest.mark.parametrize("nobody", ["age_years > 200", "age_years >= 20"])
def test_a_document_ends_as_the_terminal_does_and_is_not_made_again_of_the_same(
    run: Run,
    diary: Cohort,
    forked: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    nobody: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_package(diary, tmp_path / "here")
    asked = ("compare", "here", "--split", "sex", "--age-bands", "20,60", "--factors", "none", "--where", nobody)
    code, printed, _ = run(*asked, "--json")
    with_document, out, err = run(*asked, "--out", "made", "--json", "rows.json")
    assert with_document == code == (6 if "200" in nobody else 0)
    assert "The comparison is in made" in out and Path("made/report.pdf").exists()
    said = "crampstudy: nothing could be estimated but who the cohorts are; the document says why"
    assert (said in err) == (code == 6)
    kept = cache.opened()
    assert isinstance(kept, Cache)
    if code == 6:
        # A document without an answer is made again.
        assert freshness.recall(kept, ask_comparison(("here",), Path("made"), {})) is None
        return
    # The rows are those that the command has without a document, with ten digits.
    alone, beside = json.loads(printed), json.loads(Path("rows.json").read_text(encoding="utf-8"))
    assert [row["key"] for row in beside] == [row["key"] for row in alone]
    for one, other in zip(alone, beside, strict=True):
        assert one["estimate"] == (pytest.approx(other["estimate"], rel=1e-9) if other["estimate"] else None)
    before = {path.name: path.stat().st_mtime_ns for path in Path("made").iterdir()}
    code, out, err = run(*asked, "--out", "made")
    assert code == 0 and not err
    assert out == "The comparison in made is up to date: nothing that it is made of has changed\n"
    assert before == {path.name: path.stat().st_mtime_ns for path in Path("made").iterdir()}
    known = {"split": "sex", "age_bands": "20,60", "factors": "none", "where": nobody}
    defaults = {"by": "age_band", "standard": "who", "average_over": "all", "ci_level": 0.95}
    request = ask_comparison(("here",), Path("made"), {**defaults, **known})
    assert is_unchanged(kept, request) == Path("made").resolve()
    capsys.readouterr()
    assert is_unchanged(kept, ask_comparison(("here",), Path("made"), {**defaults, **known, "factors": "all"})) is None
    said = "note: the comparison in made is made again: changed parameter factors (none → all)\n"
    assert capsys.readouterr().err == said
    # A report of the same source in the same place is another document.
    assert freshness.recall(kept, freshness.ask(("here",), Path("made"))) is None


def test_make_compare_makes_the_document() -> None:
    done = subprocess.run(["make", "-n", "compare", "A=x", "B=y"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert '.venv/bin/crampstudy compare "x" "y" --report' in done.stdout


def test_parts_whose_names_differ_in_signs_alone_are_told_apart(tmp_path: Path, diary: Cohort, run: Run) -> None:
    people = diary.frame("participants")
    sites = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("SITE_01")).otherwise(pl.lit("SITE 01"))
    own = replace(diary, tables={**diary.tables, "participants": people.with_columns(site_id=sites)})
    cohorts = several([own], split="site_id")
    assert [(each.name, each.heading) for each in cohorts] == [("A", "SITE 01"), ("B", "SITE_01")]
    found = compare_cohorts(cohorts)
    assert all("A: SITE 01; B: SITE_01." in (shown.note or "") for shown in found.tables.values())
    package.write(own, tmp_path / "here")
    assert "note: A: SITE 01; B: SITE_01" in run("compare", str(tmp_path / "here"), "--split", "site_id")[2]
    # Names that are different keep themselves.
    assert [each.name for each in several([diary], split="sex")] == ["female", "male"]


def test_whoever_is_counted_by_sex_and_is_too_young_for_the_rest_is_told(diary: Cohort, other: Cohort) -> None:
    everybody = other.frame("participants")
    age = pl.when(pl.int_range(pl.len()) < 3).then(14.0).otherwise(pl.max_horizontal("age_years", pl.lit(20.0)))
    young = replace(other, tables={**other.tables, "participants": everybody.with_columns(age_years=age)})
    by_sex = ComparisonSettings(by="sex", age_bands=(20, 60), factors="none")
    said = f"Of all ages: 3 of {everybody.height} participants in {other.name} are not known to be 20 years or older"
    assert said in str(compare_cohorts((diary, young), by_sex).tables["tbl-groups"].note)
    assert "Of all ages" not in str(compare_cohorts((diary, other), by_sex).tables["tbl-groups"].note)
