"""The summary says what the other sections found, in a dozen plain lines; nothing in it is estimated a second time."""

from __future__ import annotations

import inspect
import re
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from drawn_figures import drawn
from test_age_curve import survey

from crampstudy import analyses, estimates, tables, wording
from crampstudy.analyses import Others, SectionResults, Settings
from crampstudy.analyses.overview import summary
from crampstudy.analyses.overview.headlines import HEADLINES, headlines
from crampstudy.analyses.overview.strobe import checklist
from crampstudy.analyses.sentences import age as age_said
from crampstudy.analyses.sentences import conditions as conditions_said
from crampstudy.analyses.sentences import methods as methods_said
from crampstudy.analyses.sentences import nutrition as nutrition_said
from crampstudy.analyses.sentences import summary as sentences
from crampstudy.cohort import Attrition, Cohort, Credits, RuleCount, TableCount
from crampstudy.contrasts.distributed_lag import distributed_lag
from crampstudy.descriptive.flow import flow, logging_over_time
from crampstudy.estimates import kinds, verdicts
from crampstudy.figures import FIGURES
from crampstudy.simulate import simulate
from crampstudy.simulate.scenario.presets import preset

ROOT = Path(__file__).parents[1]
PEOPLE = pl.DataFrame(
    {
        "participant_id": ["a", "b", "c", "d", "e"],
        "age_years": [20.0, 40.0, 60.0, 17.0, None],
        "sex": ["female", "male", "female", "male", "male"],
    }
)
COUNTS = (TableCount("participants", "p.csv", 6, 5, 1), TableCount("diary", "d.csv", 20, 18, 2, 3))


def few() -> Cohort:
    """Five people, c of whom logged nothing, d is too young and e has no age."""
    nights = [("a", 0, 1), ("a", 1, None), ("a", 8, 0), *[("b", i, 0) for i in range(7)], ("c", 0, None)]
    nights += [("d", i, 0) for i in range(4)] + [("e", i, 0) for i in range(3)]
    rows = [(who, date(2024, 1, 1 + day), n is not None, n) for who, day, n in nights]
    schema = {"participant_id": pl.String, "date": pl.Date, "entry_made": pl.Boolean, "cramps": pl.Int64}
    diary = pl.DataFrame(rows, schema, orient="row")
    rules = (RuleCount("unit-slip", "blank-cell", 3, (("alcohol_units", 2), ("fluid_ml", 1))),)
    return Cohort("few", "diary", {"participants": PEOPLE, "diary": diary}, attrition=Attrition(COUNTS, rules))


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(40, 20, seed=3)


def ratio(verdict: str, **cells: object) -> dict[str, object]:
    given = {
        "analysis": kinds.CONDITION.name,
        "population": "all participants",
        "estimand": "association, adjusted for the other terms",
        **dict.fromkeys(("level",), "true"),
        "reference": "false",
        "scale": "rate_ratio",
        "outcome": "cramps",
        "term": "diabetes",
        "estimate": 1.5,
        "ci_low": 1.2,
        "ci_high": 2.0,
        "ci_level": 0.95,
        "std_error": 0.1,
        "n_participants": 90,
        "n_events": 700,
        "verdict": verdict,
    }
    return estimates.row(status="converged", **{**given, **cells})


def section(*rows: dict[str, object], unanswered: str | None = None) -> SectionResults:
    return SectionResults(estimates.frame(rows), {}, {}, unanswered)


OTHERS: Others = {
    "conditions": section(
        ratio("higher"),
        ratio("higher", estimate=3.0),
        ratio("inconclusive", term="peripheral_artery_disease", ci_low=0.8),
        ratio("lower", term="statin", estimate=0.5),
    ),
    "treatments": section(
        ratio("lower", analysis=kinds.TREATMENT_EFFECT.name, estimand="randomised effect", term="magnesium", level=None)
    ),
    "season": section(unanswered="Nobody logged for long."),
    "nutrition": section(estimates.row(status="not_measured", analysis="regression", term="serum_magnesium_mmol_l")),
}


def test_the_main_contrasts_are_rows_of_the_others_one_of_each() -> None:
    rows = headlines(OTHERS)
    assert rows["term"].tolist() == ["magnesium", "diabetes", "peripheral_artery_disease"]
    # The first of a term is taken; a ratio of no headline is not.
    assert rows["estimate"].tolist() == [1.5, 1.5, 1.5]
    every = pd.concat(each.estimates for each in OTHERS.values())
    assert set(rows["key"]) <= set(every["key"])


def test_every_headline_is_of_a_claim_and_found_in_a_cohort_of_either_kind() -> None:
    assert len({(each.claim, each.term) for each in HEADLINES}) < 25
    assert all(re.fullmatch(r"C\d\d", each.claim) for each in HEADLINES)
    assert {each.section for each in HEADLINES} <= set(analyses.ANALYSES)
    assert {each.analysis for each in HEADLINES} <= set(kinds.KINDS)


def test_a_survey_of_many_people_in_few_sampling_units_lacks_these() -> None:
    design = {"model": "survey-poisson", "scale": "prevalence_ratio", "df": 3.0, "n_exposed": 128}
    rows = {"statin": design, "diabetes": design | {"n_exposed": 3}}
    made = {name: ratio("too few", term=name, **cells) for name, cells in rows.items()}
    for names, whom in (
        (("statin",), "sampling units"),
        (("diabetes",), "people"),
        (("statin", "diabetes"), "people or sampling units"),
    ):
        lines = sentences.lines(flow(few()), estimates.frame(made[name] for name in names), {})
        assert f"Too few {whom} to tell: " in " ".join(lines)
    assert verdicts.who_are_few(estimates.frame([ratio("too few", df=3.0)])) == "participants"
    told = conditions_said.answer(estimates.frame([made["statin"]]))
    assert "too few sampling units for a ratio of any of them" in told


def test_verdicts_next_to_each_other_share_a_line_where_there_would_be_more_than_twelve() -> None:
    every = {
        "higher": "diabetes",
        "lower": "statin",
        "differs but negligible": "arthritis",
        "near null": "hypertension",
        "inconclusive": "heart_failure",
        "too few": "neuropathy",
    }
    rows = [ratio(verdict, term=term) for verdict, term in every.items()]
    rows.append(ratio("inconclusive", term="hypothyroidism", ci_low=0.01, ci_high=90.0))
    main = estimates.frame(rows)
    apart = sentences.lines(flow(few()), main, {})
    doubted = [f"doubt {number}" for number in range(6)]
    told = sentences.lines(flow(few()), main, {}, doubted=doubted)
    assert len(apart) == 8 and len(told) == 6
    # Nothing is lost: the same sentences, in fewer lines.
    assert (
        " ".join(told).split()
        == " ".join([apart[0], *(f"{each.capitalize()}." for each in doubted), *apart[1:]]).split()
    )
    assert "Too uncertain to tell: heart failure. Too imprecise to tell: hypothyroidism. Too few people" in told[-1]


def test_lines_are_plain_few_and_hold_the_numbers_of_the_rows() -> None:
    said = [line for line in sentences.lines(flow(few()), headlines(OTHERS), OTHERS) if line]
    assert len(said) <= 12
    assert said[0] == "2 of 5 participants, with 9 nights, entered the analyses by age."
    unaged = [line for line in sentences.lines(flow(few()), headlines(OTHERS), OTHERS, aged=False) if line]
    assert unaged[0] == "2 of 5 participants, with 9 nights, entered the analyses."
    assert "More cramps went with diabetes (rate ratio 1.50; 1.20–2.00)." in said
    assert "Too uncertain to tell: peripheral artery disease." in said
    assert "Effect, randomised: fewer cramps with magnesium (rate ratio 1.50; 1.20–2.00)." in said
    # What lots decided is told in numbers, whatever it shows.
    rows = OTHERS["treatments"].estimates.assign(verdict="inconclusive")
    unclear = {**OTHERS, "treatments": replace(OTHERS["treatments"], estimates=rows)}
    wide = "Effect, randomised: too uncertain to tell for magnesium (rate ratio 1.50; 1.20–2.00)."
    assert wide in sentences.lines(flow(few()), headlines(unclear), unclear)
    text = " ".join(said)
    assert "significan" not in text
    # An association is called no effect.
    assert [line.partition(":")[0] for line in said if "ffect" in line] == ["Effect, randomised"]


def trial(**cells: object) -> SectionResults:
    """A trial whose ratio is near 1, and whose difference may be more than one cramp a week."""
    own = {"analysis": kinds.TREATMENT_EFFECT.name, "estimand": "randomised effect", "term": "magnesium", "level": None}
    near = ratio("inconclusive", **own | {"estimate": 1.04, "ci_low": 0.87, "ci_high": 1.24} | cells)
    apart = {"scale": "difference", "outcome": "cramps_per_week", "estimate": 0.2, "ci_low": -0.8, "ci_high": 1.2}
    return section(near, ratio("inconclusive", **own | apart))


def test_what_lots_decided_stands_first_and_says_why_a_ratio_near_1_is_open() -> None:
    others = {**OTHERS, "treatments": trial()}
    said = [line for line in sentences.lines(flow(few()), headlines(others), others) if line]
    assert said[1] == (
        "Effect, randomised: too uncertain to tell for magnesium (rate ratio 1.04; 0.87–1.24: near 1, but a difference "
        "of more than 1 cramp a week is not ruled out)."
    )
    assert said[2].startswith("More cramps went with")
    note = str(analyses.run("summary", few(), others=others).figures["fig-summary"].note)
    why = "but a difference of more than 1 cramp a week is not ruled out, so that the verdict is inconclusive."
    assert f"The interval of magnesium lies in the shade, {why}" in note
    # One that is wider than the shade is open by itself.
    wide = {**OTHERS, "treatments": trial(ci_high=1.6)}
    assert "near 1" not in " ".join(sentences.lines(flow(few()), headlines(wide), wide))
    assert "in the shade" not in str(analyses.run("summary", few(), others=wide).figures["fig-summary"].note)


def test_what_the_main_figure_leaves_out_is_named_and_told_as_the_page_on_verdicts_says() -> None:
    vague = ratio("inconclusive", term="peripheral_artery_disease", estimate=0.3, ci_low=0.0007, ci_high=177.0)
    rows = [ratio("higher"), vague, ratio("too few", term="chronic_kidney_disease")]
    others = {"conditions": section(*rows)}
    found = analyses.run("summary", few(), others=others)
    drawing = found.figures["fig-summary"]
    assert drawing.estimates["term"].tolist() == ["diabetes"]
    assert (
        "Not drawn: chronic kidney disease (too few people); peripheral artery disease (too imprecise to tell)."
        in str(drawing.note)
    )
    lines = found.values["summary"].splitlines()
    assert "- Too imprecise to tell: peripheral artery disease." in lines and "Too uncertain" not in " ".join(lines)
    open_ = {"treatments": trial(ci_low=0.05, ci_high=20.0)}
    (line,) = (each for each in sentences.lines(flow(few()), headlines(open_), open_) if "ffect" in each)
    assert line == "Effect, randomised: too imprecise to tell for magnesium."


def lagged(level: str, term: str = "contrast: fluid_ml", **cells: object) -> dict[str, object]:
    own = {"analysis": kinds.DISTRIBUTED_LAG.name, "term": term, "level": level, "reference": None}
    return ratio("lower", **own | {"unit": "500 mL/day below own mean", "estimate": 0.8, "ci_low": 0.7} | cells)


@pytest.mark.parametrize(
    ("n", "said"), [(1, "1 count far above all others is in use, perhaps a code"), (24, "24 counts far")]
)
def test_what_cleaning_doubted_and_kept_stands_beside_the_numbers(diary: Cohort, n: int, said: str) -> None:
    rules = (RuleCount("far-count", "warn", n, (("cramps", n),)), RuleCount("identical-diary", "warn", 2))
    slips = pl.when(pl.int_range(pl.len()) < 10).then(2.2).otherwise(0.8)
    tables = {**diary.tables, "participants": diary.frame("participants").with_columns(serum_magnesium_mmol_l=slips)}
    doubted = replace(diary, tables=tables, attrition=Attrition(rules=rules))
    found = analyses.run("summary", doubted, others={})
    copied = "- 2 participants have a diary that is another's night for night, perhaps a copy of it."
    units = "- Many values look like another unit, so that no verdict is given on serum magnesium (10 of 40)."
    lines = found.values["summary"].splitlines()
    assert lines[1].startswith(f"- {said}") and lines[2:4] == [copied, units]
    assert all(line.removeprefix("- ") in str(found.tables["tbl-data-quality"].note) for line in lines[1:4])
    often = analyses.run("frequency", doubted).values["answer"]
    assert said in often and copied.removeprefix("- ") in often
    # Of a cohort without any nothing is said.
    assert "another" not in analyses.run("summary", diary, others={}).values["summary"]


def test_of_fluid_all_days_together_are_told_and_the_same_day_alone_where_they_have_no_ratio() -> None:
    same = lagged("within", analysis=kinds.WITHIN_BETWEEN.name, estimate=0.95)
    every, lost = lagged("cumulative", ci_high=0.9), lagged("cumulative", estimate=None) | {"status": "not_estimable"}
    for rows, number in (((same, every), 0.8), ((same, lost), 0.95), ((same,), 0.95)):
        (found,) = headlines({"hydration": section(*rows)})["estimate"]
        assert found == number
    said = sentences.lines(flow(few()), estimates.frame([every]), {})
    told = "less fluid, four days running (500 mL/day below own mean: rate ratio 0.80; 0.70–0.90)"
    assert f"Fewer cramps went with {told}." in said
    figure = FIGURES["headlines"](estimates.frame([every]))
    assert "Fluid intake, four days running" in [text.get_text() for axes in figure.axes for text in axes.texts]
    # The words are of the lags that the model has.
    assert inspect.signature(distributed_lag).parameters["lags"].default == 3


def test_the_summary_tells_the_rows_that_the_sections_tell(diary: Cohort) -> None:
    others = {name: SectionResults.of(analyses.run(name, diary)) for name in ("sleep", "hydration")}
    (slept,) = (line for line in sentences.lines(flow(diary), headlines(others), others) if "On nights with" in line)
    assert slept.removesuffix(".") in others["sleep"].values["answer"]
    (lag,) = headlines({"sleep": others["sleep"]})["analysis"]
    assert lag == kinds.DISTRIBUTED_LAG.name
    chosen = section(
        ratio("higher", analysis=kinds.OPEN_USE_GRAPH.name, term="tens", estimate=1.8),
        ratio("higher", analysis=kinds.OPEN_USE.name, term="tens", estimate=1.7),
    )
    (line,) = (each for each in sentences.lines(flow(diary), headlines({}), {"treatments": chosen}) if "TENS" in each)
    assert "1.70" in line and "1.80" not in line


def test_sitting_is_told_in_the_words_and_with_the_row_of_the_section_on_activity() -> None:
    sat = {"term": "contrast: sitting_min", "analysis": kinds.WITHIN_BETWEEN.name, "unit": "600 against 300 min/day"}
    rows = [ratio("higher", level=level, reference=None, **sat) for level in ("within", "between")]
    alone = ratio("lower", term="contrast: between(sitting_min)", analysis=kinds.MUSCLE.name, level="600")
    others = {"activity": section(*rows), "age-and-muscle": section(alone)}
    (found,) = headlines(others).to_dict("records")
    assert found["key"] == rows[1]["key"]
    (line,) = (each for each in sentences.lines(flow(few()), headlines(others), others) if "sitting" in each)
    assert "sitting, between participants (600 against 300 min/day: rate ratio 1.50; 1.20–2.00)" in line
    asked = alone | {"term": "contrast: usual_sitting_min"}
    assert not age_said._of_muscle(estimates.frame([alone, asked]))
    # What has no verdict is no headline.
    silent = {"activity": section(rows[0], rows[1] | {"verdict": None})}
    assert headlines(silent).empty


@pytest.mark.parametrize(
    ("verdict", "said"),
    [
        ("higher", "With stretching a cramp was relieved sooner than"),
        ("differs but negligible", "With stretching a cramp was relieved sooner, by less than would matter, than"),
        ("near null", "With stretching a cramp was relieved neither sooner nor later by what would matter than"),
        ("inconclusive", "With stretching a cramp was relieved neither clearly sooner nor later than"),
        ("too few", "Too few people tell whether a cramp is relieved sooner with stretching than without a remedy."),
    ],
)
def test_relief_is_told_as_the_section_tells_it(verdict: str, said: str) -> None:
    own = {"analysis": kinds.REMEDY.name, "outcome": "relief", "term": "remedy", "level": "stretch"}
    others = {"severity": section(ratio(verdict, scale="hazard_ratio", **own))}
    (line,) = [line for line in sentences.lines(flow(few()), headlines(others), others) if "stretching" in line]
    assert line.startswith(said)


def test_where_no_night_has_more_than_one_cramp_the_rate_is_of_nights() -> None:
    rate = {"analysis": kinds.INCIDENCE_RATE.name, "population": "20+", "level": "20+", "scale": "rate"}
    cells = {"analysis": kinds.CRAMP_NIGHTS.name, "level": "dispersion", "facts": {"most a night": "1"}}
    nights = estimates.row(status="not_estimable", **cells)
    others = {"age-and-muscle": section(ratio("higher", **rate)), "frequency": section(nights)}
    lines = sentences.lines(flow(few()), headlines(others), others)
    assert "People aged 20 and older: 1.50 (1.20–2.00) nights with a cramp a week." in lines
    others.pop("frequency")
    assert any("cramps a week" in line for line in sentences.lines(flow(few()), headlines(others), others))


def test_what_has_no_answer_is_told_with_its_reason() -> None:
    said = sentences.unanswered({"season": "Season"}, OTHERS)
    assert said == ["Season: nobody logged for long.", "Not measured in this cohort: serum magnesium."]


def test_the_summary_says_why_estimates_of_each_section_could_not_be_made() -> None:
    failed = {"status": "not_estimable", "analysis": "regression", "scale": "rate_ratio"}
    why = [*["nobody was asked"] * 3, *["rests on one participant; 4 nights left out"] * 2, "no cramp", "no night"]
    rows = [estimates.row(term=f"x{i}", note=note, **failed) for i, note in enumerate(why)]
    others = {
        "sleep": section(ratio("higher"), *rows),
        "season": section(rows[0]),
        "conditions": section(ratio("higher")),
    }
    assert sentences.unanswered({"sleep": "Sleep", "season": "Season"}, others) == [
        "Sleep, 7 estimates: nobody was asked (3); rests on one participant (2); 2 other reasons.",
        "Season, 1 estimate: nobody was asked.",
    ]


def test_the_summary_names_as_many_unmeasured_variables_as_the_methods_count(diary: Cohort) -> None:
    cells = {"status": "not_measured", "scale": "rate_ratio"}
    test = estimates.frame([estimates.row(term="ankle-brachial index", analysis=kinds.TEST_RESULT.name, **cells)])
    terms = {"ankle_brachial_index": {}, "statin": {"needs": "exertional_leg_pain"}, "woke": {}}
    rows = estimates.frame(estimates.row(term=name, facts=facts, **cells) for name, facts in terms.items())
    others = {
        "severity": replace(section(unanswered="Nobody was tested."), estimates=test),
        "conditions": replace(section(), estimates=rows),
    }
    said = sentences.unanswered({"severity": "Severity"}, others)
    assert (
        said[1] == "Not measured in this cohort: ankle-brachial index, leg pain on exertion and woke the participant."
    )
    told = methods_said.gaps(diary, flow(diary), pd.concat([test, rows], ignore_index=True))
    assert "and 3 variables that a section asks for were not measured" in told


def test_what_is_lacking_is_named_for_what_it_is() -> None:
    untaken = {"had by": "nobody"}
    rows = estimates.frame(
        estimates.row(status="not_measured", **cells)
        for cells in (
            {"term": "peripheral_artery_disease", "facts": {"needs": "exertional_leg_pain"}},
            {"term": "vitamin_k2", "facts": untaken},
            {"term": "C07", "analysis": kinds.CLAIM.name, "note": "Not measured (needs episodes.woke)"},
            {"term": "C07", "analysis": kinds.CLAIM_PART.name, "note": "not measured"},
            {"term": "C55", "analysis": kinds.CLAIM.name, "note": "Nobody had it (needs treatments.agent)"},
            {"term": "C55", "analysis": kinds.CLAIM_PART.name, "facts": untaken},
            {"term": "statin", "note": None},
        )
    )
    assert tables.not_measured(rows) == [
        "not measured in this cohort: leg pain on exertion and statin",
        "taken as a treatment by nobody in this cohort: vitamin K2",
        "not testable, as nobody in this cohort took what they are of: C55",
        "not testable, for what they need was not measured: C07",
    ]
    many = pd.concat([rows.iloc[[6]].assign(term=f"serum_{i}") for i in range(5)], ignore_index=True)
    assert tables.not_measured(many, 3) == ["not measured in this cohort: serum 0, serum 1, serum 2 and 2 others"]
    assert tables.not_measured(many, 4) == tables.not_measured(many)
    failed = {"status": "not_estimable", "analysis": kinds.CLAIM.name, "term": "C04", "scale": "rate"}
    part = failed | {"analysis": kinds.CLAIM_PART.name}

    def untested(note: str, **parts: str) -> pd.DataFrame:
        own = [estimates.row(level=level, note=why, **part) for level, why in parts.items()]
        return estimates.frame([estimates.row(note=note, **failed), *own])

    claim = untested("Too few have an age (needs participants.age_years)", age="too few have an age")
    claim.loc[1, "level"] = pd.NA
    assert tables.not_estimated(claim, {}) == "Could not estimate: too few have an age."
    # Of a claim in parts those that something is lacking for, each reason once; what was taken in part is no treatment
    # that nobody took.
    few = "no participant with 28 logged nights"
    of_parts = untested("Heat: inconclusive. Weekly and monthly: …", weekly=few, monthly=few, nightly=tables.NOBODY)
    said = f"Could not estimate: weekly and monthly: {few}, and nightly: nobody had it."
    assert tables.not_estimated(of_parts, {}) == said
    # That there is nothing to show is said where nothing else is.
    assert tables.not_estimated(claim, {"tbl-a": tables.NOTHING_SHOWN}) == "Could not estimate: too few have an age."
    assert tables.not_estimated(claim.head(0), {"tbl-a": tables.NOTHING_SHOWN}) == "There is nothing to show."


def test_the_summary_of_both_kinds_of_cohort(diary: Cohort) -> None:
    for cohort in (diary, survey(None)):
        found = analyses.run("summary", cohort, others=OTHERS)
        assert set(found.tables) == {"tbl-data-quality"} and set(found.figures) == {"fig-summary"}
        texts = drawn(FIGURES["headlines"](found.figures["fig-summary"].estimates))
        assert {"Diabetes", "yes against no", "1.50 (1.20–2.00)", "higher", "inconclusive"} <= set(texts)
        assert found.figures["fig-summary"].alt == "A forest of 3 ratios: 1 higher, 1 lower and 1 inconclusive."
        lines = found.values["summary"].splitlines()
        assert 0 < len(lines) <= 12 and all(line.startswith("- ") for line in lines)
    nothing = analyses.run("summary", diary, others={})
    assert "fig-summary" in nothing.could_not and len(nothing.values["summary"].splitlines()) == 1


def test_a_contrast_too_long_for_the_main_figure_goes_without_its_values() -> None:
    wide = "90th against 10th centile: 154.4 RPE × min above own mean against 107.2 below it"
    fits = "10th against 90th centile: 220.6 against 368.4 mg/day"
    rows = estimates.frame(
        ratio("higher", term=f"contrast: {name}", level="within", reference=None, unit=unit)
        for name, unit in (("session_load", wide), ("dietary_magnesium_mg", fits))
    )
    told = set(drawn(FIGURES["headlines"](rows)))
    assert {"90th against 10th centile", fits} <= told and wide not in told


def test_the_flow_counts_each_step_and_says_why_others_were_lost() -> None:
    rows = flow(few()).set_index(["outcome", "level"])
    assert rows["estimate"].tolist() == [6, 5, 4, 2, 20, 18, 16, 9]
    assert rows.loc[("participants", "accepted"), "note"] == "1 rejected"
    assert rows.loc[("participants", "logged"), "note"] == "1 without a night with a count"
    assert rows.loc[("participants", "analysed"), "note"] == "1 younger than 20, 1 without an age"
    assert rows.loc[("nights", "accepted"), "note"] == "2 rejected, 3 cells blanked, their rows kept"
    assert rows.loc[("nights", "logged"), "note"] == "2 without a count"
    unaged = replace(
        few(), tables={**few().tables, "participants": PEOPLE.with_columns(age_years=pl.lit(None, dtype=pl.Float64))}
    )
    assert flow(unaged)["estimate"].tolist()[3] == 4
    asked = flow(survey(None))
    assert set(asked["outcome"]) == {"participants"} and asked["level"].tolist()[2] == "answered"
    texts = drawn(FIGURES["cohort_flow"](flow(few())))
    assert "2 participants\nanalysed" in texts and "1 younger than 20\n1 without an age" in texts


def test_who_logged_when_is_in_order_and_names_nobody() -> None:
    rows = logging_over_time(few())
    assert rows["key"].is_unique and not {"a", "b", "c"} & set(rows["population"])
    first = rows[rows["population"] == "participant 1"]
    # c logged nothing; a 2 of the 9 nights, so few that each has a cell.
    assert first["estimate"].tolist() == [0.0]
    second = rows[rows["population"] == "participant 2"]
    assert second["level"].tolist() == [f"{night}" for night in range(1, 10)] and second["n_nights"].eq(1).all()
    assert second["estimate"].sum() == 2 and set(second["estimate"]) == {0.0, 1.0}
    assert rows["term"].eq("study_night").all()
    assert "Night since the participant's first" in drawn(FIGURES["logging"](rows))
    weekly = logging_over_time(simulate(40, 16, seed=1))
    assert weekly["term"].eq("study_week").all()
    assert weekly["n_nights"].max() == 7 and set(weekly["level"]) <= {"1", "2", "3"}
    assert "Week since the participant's first night" in drawn(FIGURES["logging"](weekly))
    # Who was expected on fewer nights than others has a hatched end, which the note tells of.
    figure = FIGURES["logging"](rows)
    assert any(patch.get_hatch() for patch in figure.axes[0].patches)
    assert [text for text in figure.remarks if text.startswith("hatched: no night was expected")]
    whole = FIGURES["logging"](second)
    assert not whole.remarks and not whole.axes[0].patches
    many = logging_over_time(simulate(120, 8, seed=1))
    assert many["population"].nunique() == 40 and many["population"].iloc[0] == "participants 1-3"
    assert "120" in drawn(FIGURES["logging"](many))


def test_what_was_set_aside_is_named_by_variable() -> None:
    table = tables.rules(few())
    assert table["Variable"].tolist() == ["Alcohol", "Fluid intake"] and table["Times"].tolist() == [2, 1]
    many = RuleCount("range", "blank-cell", 30, tuple((f"x{i}", 1) for i in range(9)))
    rest = replace(few(), attrition=Attrition(COUNTS, (many,)))
    assert tables.rules(rest)["Variable"].tolist()[-2:] == ["3 other variables", "whole row"]
    assert tables.rules(rest)["Times"].tolist() == [1, 1, 1, 1, 1, 1, 3, 21]


def test_the_quality_at_a_glance() -> None:
    table = tables.data_quality(flow(few()), estimates.frame([]), few())["Number"]
    assert table["Participants in the file"] == "6" and table["Nights logged"] == "16 (80.0%)"
    assert table["Cells blanked as impossible"] == "3" and table["Warnings, nothing changed"] == "0"


def test_methods_and_the_checklist_come_of_the_run(diary: Cohort) -> None:
    found = analyses.run("methods", diary, Settings(ci_level=0.9, age_bands=(20, 60)), others=OTHERS)
    assert "Age bands begin at 20 and 60 years; intervals are at 90%." in found.values["design"]
    assert "Of 6 rows 0 could not be estimated, and 1 variable that a section asks for" in found.values["gaps"]
    assert found.values["checked"].startswith("The main models were not refitted")
    assert diary.digest in found.values["cite"] and "Who made the data is not stated" in found.values["cite"]
    assert found.tables["tbl-software"].frame.loc["polars", "Version"] == pl.__version__
    items = checklist(diary, Settings(), OTHERS)
    assert [number for number, *_ in items] == [str(n) for n in range(1, 23)]
    done = {topic: status for _, topic, _, status in items}
    assert (
        not any(done[topic] for topic in ("Funding", "Title and abstract", "Descriptive data")) and done["Objectives"]
    )
    known = replace(diary, title="Night cramps", credits=Credits(("Ada Moss",), ("Ward 7",)))
    done = {topic: (said, status) for _, topic, said, status in checklist(known, Settings(), OTHERS)}
    assert done["Data sources"] == ("Ward 7", True) and done["Title and abstract"][1]
    cited = analyses.run("methods", known, others=OTHERS).values["cite"]
    assert "Data: Ada Moss. Night cramps [data set]. Ward 7." in cited and "not stated" not in cited
    # Age bands, and characteristics by them, are reported where anybody has an age.
    people = diary.frame("participants").with_columns(age_years=pl.lit(None, pl.Float64))
    unaged = replace(diary, tables={**diary.tables, "participants": people})
    said = {topic: text for _, topic, text, _ in checklist(unaged, Settings(), OTHERS | {"cohort": section()})}
    assert said["Quantitative variables"].startswith("Nobody has an age") and "by age" not in said["Descriptive data"]
    frame = found.tables["tbl-strobe"].frame
    assert frame.loc["22", "Status"] == "GAP" and frame.loc["3", "Status"] == "reported"


def test_the_checklist_counts_what_has_no_number_as_the_tables_do(diary: Cohort) -> None:
    failed = estimates.row(status="not_estimable", analysis="regression", term="statin", model="poisson", note="none")
    others = OTHERS | {"prediction": section(failed)}
    said = {topic: text for _, topic, text, _ in checklist(diary, Settings(), others)}
    assert "2 rows say why there is no number, 1 of them as something was not measured" in said["Statistical methods"]
    kinds_of = analyses.run("definitions", diary, others=others).tables["tbl-definitions"].frame
    assert kinds_of["Without a number"].tolist().count("0") == 2 and "2" in [*kinds_of["Without a number"]]
    alone = {topic: text for _, topic, text, _ in checklist(diary, Settings(), {"prediction": section(failed)})}
    assert alone["Statistical methods"].endswith("1 row says why there is no number")


def test_the_checklist_ticks_no_section_that_tells_nothing(diary: Cohort) -> None:
    rate = estimates.row(status="converged", analysis="incidence rate", term="cramps", scale="rate", estimate=0.5)
    failed = estimates.row(status="not_estimable", analysis="incidence rate", term="cramps", note="no person-time")

    def item(topic: str, settings: Settings | None = None, **others: SectionResults) -> tuple[str, bool]:
        items = checklist(diary, settings or Settings(), {name.replace("_", "-"): of for name, of in others.items()})
        return {name: (text, done) for _, name, text, done in items}[topic]

    none = "Neither Frequency nor Age and muscle has an estimate in this report"
    assert item("Outcome data", frequency=section(failed)) == (none, False)
    assert item("Outcome data", frequency=section(failed, rate)) == ("The section Frequency", True)
    both = {"frequency": section(rate), "age_and_muscle": section(rate)}
    assert item("Outcome data", **both) == ("The sections Frequency, and Age and muscle", True)
    assert item("Descriptive data", cohort=section(rate)) == (
        "No characteristic of the participants is in this report",
        False,
    )
    some = Settings(where="age_years >= 60")
    assert "participants who meet the condition (Age ≥ 60)" in item("Participants", some)[0]


def test_the_checklist_has_a_second_opinion_only_where_there_is_one(diary: Cohort) -> None:
    def item(*rows: dict[str, object]) -> str:
        others = OTHERS | {"second-opinion": section(*rows)}
        return {topic: text for _, topic, text, _ in checklist(diary, Settings(), others)}["Other analyses"]

    row = estimates.row(status="converged", analysis="coefficient", term="sex", scale="coefficient", estimate=0.1)
    assert item(row) == "The appendix has the sensitivity analyses, and the second opinion of another implementation"
    none = "The appendix has the sensitivity analyses; none of the models could be compared with another implementation"
    assert item() == none


def test_treatments_that_nobody_took_are_no_variables_that_were_not_measured(diary: Cohort) -> None:
    cells = {"status": "not_measured", "analysis": kinds.TREATMENT_EFFECT.name}
    untaken = estimates.frame(
        estimates.row(term=agent, facts={"had by": "nobody"}, **cells) for agent in ("tens", "quinine")
    )
    said = methods_said.gaps(diary, flow(diary), untaken)
    assert "every variable that a section asks for was measured" in said
    assert said.endswith("Nobody took 2 of the treatments that a section asks for.")


def test_definitions_are_those_of_the_kinds(diary: Cohort) -> None:
    found = analyses.run("definitions", diary, others=OTHERS)
    frame = found.tables["tbl-definitions"].frame
    assert frame.loc[wording.capital(kinds.CONDITION.name), "Rows"] == "4"
    assert frame.loc["Regression", "Without a number"] == "1"
    assert "`" not in " ".join(frame["Meaning"])


def test_the_titles_are_those_of_the_notebooks() -> None:
    for name, title in summary._TITLES.items():
        text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        assert re.search(rf'"# {re.escape(title)}', text), name


def test_every_section_that_the_summary_draws_on_has_a_title() -> None:
    assert {name for name, each in analyses.ANALYSES.items() if not each.draws_on_others} <= {*summary._TITLES}


def test_what_an_exposure_was_adjusted_for_is_told_once() -> None:
    # What the notes say is not asked.
    enough = {"adjustment": "sufficient", "note": "no sufficient set among what was measured"}
    lacking = {"adjustment": "not measured", "lacks": "disposition", "note": "sufficient under the study's graph"}
    rows = estimates.frame(
        [
            ratio("higher", adjusted_for="age_years; sex", **enough),
            ratio("higher", adjusted_for="age_years; sex", **enough, estimate=2.0),
            ratio("higher", adjusted_for="sex", **lacking, term="statin"),
            ratio("higher", adjusted_for="sex", term="hypertension"),
        ]
    )
    table = tables.adjusted_for(rows)["Adjusted for"]
    assert table.to_dict() == {"Diabetes": "age; sex", "Statin": "sex (not enough: disposition)"}
    nightly = {"term": "alcohol_units", "analysis": kinds.WITHIN_BETWEEN.name}
    few = {"adjustment": "too few participants", "lacks": "education"}
    rows = estimates.frame(
        [
            ratio("higher", level="within", adjusted_for="stress_0_10", **enough, **nightly),
            ratio("higher", level="between", adjusted_for="stress_0_10; sex", **few, **nightly),
        ]
    )
    assert tables.adjusted_for(rows)["Adjusted for"].to_dict() == {
        "Alcohol (within)": "stress",
        "Alcohol (between)": "stress; sex (not enough: too few participants for education)",
    }


def test_a_randomised_trial_is_called_one(diary: Cohort) -> None:
    tried = simulate(30, 42, seed=5, truth=preset("magnesium-trial").truth)
    assert methods_said.design(tried, Settings()).startswith(
        "The study is a randomised trial (parallel arms) of magnesium against placebo, with a diary of nights;"
    )
    assert "CONSORT" in methods_said.consort(tried) and not methods_said.consort(diary)
    for cohort, said in ((tried, "A randomised trial"), (diary, "Cohort with nightly diaries")):
        (item,) = (each for each in checklist(cohort, Settings(), OTHERS) if each[1] == "Study design")
        assert item[2].startswith(said) and ("CONSORT" in item[2]) == (cohort is tried) and item[3]
    assert methods_said.design(diary, Settings()).startswith("The study is a diary of nights;")
    for cohort, told in ((tried, "this cohort is a trial of it"), (diary, "by the published trials")):
        empty = estimates.frame([])
        assert told in nutrition_said.values(cohort, empty, empty)["magnesium"]


def test_a_summary_of_nothing_that_was_asked_says_so() -> None:
    """With nothing but who took part there is no rate and no ratio that could be summed up."""
    alone = analyses.run("summary", few(), others={"cohort": section(ratio("higher"))})
    assert alone.values["unanswered"] == (
        "No other section of this report asks what its people's cramps are like or go with."
    )
    asked = analyses.run("summary", few(), others={"conditions": section(ratio("higher"))})
    assert asked.values["unanswered"] == tables.ALL_ESTIMATED
    # The section of a ratio may be in no report; its row is.
    assert "row of estimates.csv, and in its section where the report has that" in str(
        asked.figures["fig-summary"].note
    )
    assert asked.estimates["adjusted_for"].isna().all()


def test_all_conditions_left_out_are_the_subject_of_why() -> None:
    cells = {"estimate": None, "ci_low": None, "ci_high": None, "verdict": None, "adjusted_for": None}
    why = "left out, as there are too few participants for so many coefficients"
    lost = [
        {**ratio("higher", term=term), **cells, "status": "not_estimable", "note": why} for term in ("statin", "gout")
    ]
    told = conditions_said.answer(estimates.frame(lost))
    assert told.endswith(
        "go with cramps: all of them were left out, as there are too few participants for so many coefficients."
    )


@pytest.mark.parametrize(
    ("cells", "verdict", "told"),
    [
        ({"std_error": 0.0, "ci_low": 1.5, "ci_high": 1.5}, "inconclusive", "without an interval to tell for"),
        ({"df": 3.0}, "too few", "carried by too few of the people to tell for"),
    ],
)
def test_an_effect_without_an_interval_or_that_few_carry_is_told_as_that(
    cells: dict[str, object], verdict: str, told: str
) -> None:
    lots = {
        "analysis": kinds.TREATMENT_EFFECT.name,
        "estimand": "randomised effect",
        "term": "magnesium",
        "level": None,
    }
    others = {"treatments": section(ratio(verdict, **lots, **cells))}
    lines = sentences.lines(flow(few()), headlines(others), others)
    assert f"Effect, randomised: {told} magnesium." in " ".join(lines)
