"""The data package of evidence: what it holds is verified, in one unit, and the same as where it is from."""

from __future__ import annotations

import csv
import json
import math
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crampstudy import evidence
from crampstudy.cli import completion
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates.kinds import evidence as kinds
from crampstudy.evidence import package
from crampstudy.evidence.harmonise import per_week
from crampstudy.evidence.pools import group
from crampstudy.evidence.study import Study

STUDIES = {each.study: each for each in evidence.studies()}
PARALLEL = Study(
    "Our trial",
    "magnesium",
    "idiopathic",
    unit="week",
    n_treated=50,
    n_control=40,
    mean_treated=2.0,
    sd_treated=2.5,
    mean_control=3.0,
    sd_control=2.0,
)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else None


class TestPackage:
    def test_the_descriptor_names_the_columns_that_there_are(self) -> None:
        described = json.loads((package.folder() / "datapackage.json").read_text(encoding="utf-8"))
        assert [each["name"] for each in described["resources"]] == list(package.TABLES)
        for resource in described["resources"]:
            names = [field["name"] for field in resource["schema"]["fields"]]
            with (package.folder() / resource["path"]).open(encoding="utf-8") as file:
                assert next(csv.reader(file)) == names
            required = {f["name"] for f in resource["schema"]["fields"] if f.get("constraints", {}).get("required")}
            assert not evidence.read(resource["name"])[sorted(required)].isna().any(axis=None)

    def test_a_study_has_the_columns_of_the_table(self) -> None:
        assert {each.name for each in fields(Study)} == set(package.columns("trials"))

    def test_every_row_is_cited_and_every_agent_is_named(self) -> None:
        for table in ("trials", "associations", "prevalence"):
            assert evidence.read(table)["citation"].str.len().gt(8).all()
        assert {each.agent for each in evidence.studies()} <= set(evidence.agents()) == set(completion.AGENTS)
        of_article = {"magnesium", "vitamin_k2", "quinine", "stretching", "tens", "botulinum_toxin", "potassium"}
        assert of_article | {"calcium", "b_vitamins", "vitamin_d"} <= set(evidence.agents())

    def test_a_judgement_has_a_judge(self) -> None:
        for each in evidence.studies():
            assert (each.risk_of_bias in (None, "not judged")) == (each.judged_by is None), each.study
            assert (each.certainty is None) == (each.certainty_by is None), each.study

    def test_an_unknown_table_is_refused(self) -> None:
        with pytest.raises(UsageError, match=r"no table of evidence 'trails'; did you mean trials\?"):
            evidence.read("trails")

    @pytest.mark.parametrize(
        ("column", "cell", "said"),
        [
            ("n_treated", "4.5", "allowed is a whole number"),
            ("n_treated", "0", "allowed is a whole number of at least 1"),
            ("sd_treated", "-1", "allowed is a number of at least 0"),
            ("ci_low", "nan", "allowed is a number"),
            ("design", "paralel", r"allowed is one of parallel, .*did you mean parallel\?"),
        ],
    )
    def test_a_cell_is_what_its_column_allows(self, column: str, cell: str, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            package.columns("trials")[column].read(cell)


ALIASES = {
    "Roguin Maor (end values)": "Roguin Maor 2017, end values",
    "Cochrane Mg (Garrison) POOLED idiopathic": "Cochrane review of magnesium 2020",
    "Cochrane Mg (Garrison) POOLED 2012": "Cochrane review of magnesium 2012",
    "Sebo POOLED (simulation MA)": "Sebo 2014",
    "Mg in pregnancy POOLED (Taiwan J Obstet Gynecol)": "Magnesium in pregnancy, meta-analysis 2021",
    "Cochrane pregnancy (Luo) review": "Cochrane review of pregnancy 2020",
    "Tan": "Tan 2024, published interval",
    "Tan (corrected SE)": "Tan 2024",
    "Xu (haemodialysis)": "Xu 2022",
    "Cochrane quinine (El-Tawil) POOLED": "Cochrane review of quinine 2015",
    "Man-Son-Hing POOLED IPD incl. unpublished": "Man-Son-Hing 1998",
    "Man-Son-Hing POOLED published only": "Man-Son-Hing 1995",
    "Coppin (stop quinine)": "Coppin 2005, stopping quinine",
    "Coppin (stretching)": "Coppin 2005, stretching",
    "Cochrane non-drug (Hawke) review": "Cochrane review of stretching 2021",
    "Young & Connolly (naftidrofuryl)": "Young and Connolly 1993",
    "Park (BTX, lumbar stenosis)": "Park 2017",
    "Restivo (BTX, diabetic neuropathy)": "Restivo 2018",
    "Tapper PICCLES (pickle juice)": "Tapper 2022",
    "Tapper RELAX (stretching)": "Tapper 2024",
    "Vidot (taurine)": "Vidot 2018",
    "Elfert (baclofen)": "Elfert 2016",
    "Henry (baclofen pilot)": "Henry 2015",
    "Weiss (mexiletine 300 mg, ALS)": "Weiss 2016, 300 mg",
    "Weiss (mexiletine 900 mg, ALS)": "Weiss 2016, 900 mg",
    "Oskarsson (mexiletine, ALS)": "Oskarsson 2018",
    "Khajehdehi (vit E, HD)": "Khajehdehi 2001",
    "Behringer (NMES)": "Behringer 2018",
    "Cochrane quinine pooled": "Cochrane review of quinine 2015",
    "Man-Son-Hing pooled IPD": "Man-Son-Hing 1998",
    "Vidot": "Vidot 2018",
}
"""What a row of the source is called in the package, where it is not the first author and the year."""


class TestAgainstItsSource:
    """What the package holds is what was seen and verified there, and all of it."""

    def named(self, row: dict[str, str]) -> str:
        return ALIASES.get(row["study"], f"{row['study']} {row['year']}")

    def test_the_verified_trials_are_there_and_no_other(self, shared: Path) -> None:
        rows = rows_of(shared / "evidence" / "trials.csv")
        assert {self.named(row) for row in rows if row["verified"] == "yes"} == set(STUDIES)

    def test_numbers_of_trials_are_those_of_the_source(self, shared: Path) -> None:
        names = {"mean_t": "mean_treated", "sd_t": "sd_treated", "mean_c": "mean_control", "sd_c": "sd_control"}
        compared = 0
        for row in rows_of(shared / "evidence" / "trials.csv"):
            ours = STUDIES.get(self.named(row)) if row["verified"] == "yes" else None
            if ours is None:
                continue
            assert ours.year == int(row["year"])
            assert not ours.doi or ours.doi == row["doi"]
            given = {names.get(name, name): number(cell) for name, cell in row.items()}
            for name in (*names.values(), "effect", "ci_low", "ci_high"):
                value = getattr(ours, name)
                if value is not None:
                    assert value == pytest.approx(given[name], abs=0.0501), (ours.study, name)
                    compared += 1
        assert compared > 80

    def test_differences_per_week_are_those_of_the_source(self, shared: Path) -> None:
        seen = set()
        for row in rows_of(shared / "evidence" / "trials_per_week.csv"):
            if row["verified"] != "yes":
                continue
            ours = STUDIES[self.named(row)]
            seen.add(ours.study)
            assert (ours.difference_per_week, ours.se_per_week) == (float(row["md_per_week"]), float(row["se"]))
            assert (ours.role == "pooled") == (row["pooled"] == "yes")
            assert (ours.unit_presumed == "yes") == (row["unit_presumed"] == "yes")
        assert seen == {name for name, each in STUDIES.items() if each.difference_per_week is not None}

    def test_associations_are_those_verified(self, shared: Path) -> None:
        rows = [r for r in rows_of(shared / "evidence" / "associations.csv") if r["figure_verified"] == "yes"]
        there = {(number(r["estimate"]), number(r["ci_low"]), number(r["ci_high"])) for r in rows}
        ours = evidence.read("associations")
        for each in ours[ours["estimate"].notna()].to_dict("records"):
            assert tuple(None if pd.isna(each[k]) else each[k] for k in ("estimate", "ci_low", "ci_high")) in there
        left = {e for e, _, _ in there if e is not None} - set(ours["estimate"])
        # A trial stands among the trials.
        assert left == {-1.2}

    def test_figures_of_frequency_are_those_seen(self, shared: Path) -> None:
        rows = [r for r in rows_of(shared / "evidence" / "epidemiology.csv") if r["status"] == "seen"]
        text = " ".join(" ".join(row.values()) for row in rows)
        for each in evidence.read("prevalence").to_dict("records"):
            assert re.search(rf"(?<![\d.]){each['value']:g}(?!\d)", text), each


class TestHarmonise:
    def test_stored_differences_are_what_the_published_numbers_give(self) -> None:
        stored = [each for each in evidence.studies() if each.difference_per_week is not None]
        assert len(stored) == 10
        for each in stored:
            made = per_week(replace(each, difference_per_week=None, se_per_week=None))
            assert made.difference == pytest.approx(each.difference_per_week, abs=0.00051), each.study
            assert made.std_error == pytest.approx(each.se_per_week, abs=0.0011), each.study

    def test_a_parallel_trial_by_hand(self) -> None:
        made = per_week(PARALLEL)
        assert made.difference == -1 and made.std_error == pytest.approx(math.sqrt(2.5**2 / 50 + 2**2 / 40))
        low, high = made.limits(0.95)
        assert (low, high) == pytest.approx((-1 - 1.959964 * made.std_error, -1 + 1.959964 * made.std_error), abs=1e-6)
        assert "from the standard deviations of the arms" in made.steps[0]

    @pytest.mark.parametrize(
        ("unit", "factor"),
        [
            ("day", 7),
            ("2 weeks", 0.5),
            ("per fortnight", 0.5),
            ("cramps per 4 weeks", 0.25),
            ("28 days", 0.25),
            ("a week", 1),
            ("month", 7 / 30.4375),
            ("6 Weeks", 1 / 6),
        ],
    )
    def test_every_unit_of_time_becomes_a_week(self, unit: str, factor: float) -> None:
        made = per_week(replace(PARALLEL, unit=unit))
        assert made.difference == pytest.approx(-factor)
        assert made.std_error == pytest.approx(factor * math.sqrt(2.5**2 / 50 + 2**2 / 40))
        assert (factor == 1) == (len(made.steps) == 2)

    def test_per_night_needs_the_nights(self) -> None:
        with pytest.raises(AnalysisError, match="none per week without the number of nights; fill the column nights"):
            per_week(replace(PARALLEL, unit="night"))
        assert per_week(replace(PARALLEL, unit="night", nights=5)).difference == -5

    def test_an_interval_comes_before_standard_deviations_and_these_before_p(self) -> None:
        made = per_week(replace(PARALLEL, ci_low=-2.0, ci_high=0.0, p_value=0.9))
        assert made.std_error == pytest.approx(2 / (2 * 1.959964), abs=1e-6) and made.limits(0.95) == (-2, 0)
        assert per_week(replace(PARALLEL, p_value=0.9)).std_error == per_week(PARALLEL).std_error

    def test_a_p_value_by_hand(self) -> None:
        bare = replace(PARALLEL, sd_treated=None, sd_control=None, p_value=0.05)
        assert per_week(bare).std_error == pytest.approx(1 / 1.959964, abs=1e-6)
        paired = per_week(replace(bare, design="crossover", n_total=3, p_value=0.5))
        # Of t with 2 degrees of freedom the quantiles have a closed form.
        at = {p: (2 * p - 1) / math.sqrt(2 * p * (1 - p)) for p in (0.75, 0.975)}
        assert paired.std_error == pytest.approx(at[0.975] / at[0.75] / 1.959964, rel=1e-6)

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"unit": None}, "fill the column unit"),
            ({"unit": "points"}, "the unit 'points' is no time; allowed is day, night, week"),
            ({"unit": "0 weeks"}, "is no time"),
            ({"mean_control": None}, "fill effect, or mean_treated and mean_control"),
            ({"sd_control": None}, "no standard error; fill ci_low and ci_high, or sd_treated"),
            ({"design": "crossover"}, "the arms are the same people: fill ci_low and ci_high, or p_value"),
            ({"effect": 1.0}, r"effect is 1, and its means differ by -1 \(treated less control\)"),
            ({"ci_low": 0.5, "ci_high": 2.0}, "its interval 0.5 to 2 does not hold -1"),
            ({"ci_low": -1.0, "ci_high": -1.0}, "its interval has no width"),
            ({"sd_treated": None, "p_value": 1.0}, "P = 1 of a difference of -1 gives no standard error"),
            ({"difference_per_week": -1.0}, "go together; give both"),
            ({"difference_per_week": -1.4, "se_per_week": 0.474}, "difference_per_week is -1.4, and the other columns"),
            (
                {"difference_per_week": -1.0, "se_per_week": 0.2},
                "se_per_week is 0.2, and the other columns give 0.4743",
            ),
            ({"difference_per_week": -1.0, "se_per_week": 0.0}, "a standard error is above 0"),
            ({"outcome": "severity"}, "says nothing of a difference in the number of cramps, but severity"),
            ({"scale": "rate ratio"}, "but a rate ratio"),
        ],
    )
    def test_what_is_missing_or_cannot_be_is_said(self, changed: dict[str, Any], said: str) -> None:
        with pytest.raises(AnalysisError, match=re.escape(said) if "(" not in said else said):
            per_week(replace(PARALLEL, **changed))

    def test_cramps_a_week_are_taken_as_they_are(self) -> None:
        made = per_week(Study("x", "magnesium", "idiopathic", difference_per_week=-0.4, se_per_week=0.123456))
        assert (made.difference, made.std_error, made.steps) == (-0.4, 0.123456, ("given in cramps a week",))


class TestPools:
    def test_an_active_comparator_is_never_pooled_with_placebo(self) -> None:
        heat = replace(PARALLEL, study="Against heat", comparison="other treatment", comparator="heat")
        none = replace(PARALLEL, study="Against nothing", comparison="none")
        pools = group([PARALLEL, heat, none, replace(heat, study="Against heat again")])
        assert [(each.name, [row.study.study for row in each.trials]) for each in pools] == [
            ("idiopathic", ["Our trial", "Against nothing"]),
            ("idiopathic against heat", ["Against heat", "Against heat again"]),
        ]

    def test_alternative_rows_published_pools_and_what_has_no_control_are_shown_and_not_pooled(self) -> None:
        others = [
            replace(PARALLEL, study="Again", role="alternative"),
            replace(PARALLEL, study="Review", role="pooled"),
            replace(PARALLEL, study="Before", comparison="before and after"),
        ]
        (made,) = group([PARALLEL, *others])
        assert [row.study.study for row in made.trials] == ["Our trial"] and len(made.rows) == 4
        assert all(row.why for row in made.rows[1:])

    def test_of_the_evidence_only_what_may_be_is_pooled(self) -> None:
        pools = group(evidence.studies())
        many = {(each.agent, each.name): [r.study.study for r in each.trials] for each in pools if len(each.trials) > 1}
        assert many == {("magnesium", "idiopathic"): ["Frusso 1999", "Roguin Maor 2017", "Barna 2021"]}

    def test_rows_that_share_their_placebo_arm_have_its_variance_as_covariance(self) -> None:
        high = replace(PARALLEL, study="High dose", trial="Our trial", mean_treated=1.0, unit="2 weeks")
        low = replace(PARALLEL, study="Low dose", trial="Our trial", unit="2 weeks")
        (made,) = group([low, high])
        covariance = made.effects.covariance
        assert covariance[0, 1] == covariance[1, 0] == pytest.approx(2**2 / 40 / 4)
        assert covariance[0, 0] == pytest.approx((2.5**2 / 50 + 2**2 / 40) / 4)
        (apart,) = group([low, replace(high, n_control=None, ci_low=-2.5, ci_high=-1.5)])
        with pytest.raises(AnalysisError, match="their covariance is not known: give both the same mean_control"):
            _ = apart.effects
        (bare,) = group([replace(each, n_treated=None, ci_low=-3.0, ci_high=0.5) for each in (low, high)])
        with pytest.raises(AnalysisError, match="and those of their own arms, or leave one row out"):
            _ = bare.effects
        rows = evidence.synthesise("magnesium", "idiopathic", added=[low, high]).estimates
        robust = kinds.POOLED.rows(rows)
        robust = robust[robust["level"] == "cluster-robust"]
        assert len(robust) == 3 and (robust["df"] == 3).all() and (robust["n_groups"] == 4).all()
        alone = evidence.synthesise("vitamin_d", added=[replace(each, agent="vitamin_d") for each in (low, high)])
        said = kinds.POOLED.rows(alone.estimates)["note"].tolist()
        assert said == ["one trial of vitamin D (idiopathic), so nothing to pool"]
