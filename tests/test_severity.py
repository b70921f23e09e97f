"""What cramps are like, when they come and what goes with their end: by hand, as in R, against the truth, of few."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey

from crampstudy import analyses, figures, tables
from crampstudy.age_bands import AgeBands
from crampstudy.analyses import Findings
from crampstudy.analyses.sentences import severity as said
from crampstudy.cohort import Cohort
from crampstudy.cohort.account import NO_AGE
from crampstudy.contrasts.remedies.families import ALL_OR_NONE, FAMILIES, NEVER
from crampstudy.contrasts.remedies.within_persons import remedies
from crampstudy.descriptive.episodes import cramp_features
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.models.request import ModelRequest
from crampstudy.models.times.event_family import EventFamily, fit_events
from crampstudy.simulate import simulate
from crampstudy.tables.sections.severity import features_of_fewer

PARITY = Path(__file__).parent / "parity"
R: Any = json.loads((PARITY / "remedies.json").read_text(encoding="utf-8"))
EVERY = pytest.mark.parametrize("family", FAMILIES, ids=[family.outcomes[0] for family in FAMILIES])
NIGHT = date(2024, 3, 1)
OF_CRAMPS = analyses.named("severity").parts[:5]


@pytest.fixture(scope="module")
def diary() -> Cohort:
    return simulate(150, 40, seed=7)


@pytest.fixture(scope="module")
def found(diary: Cohort) -> Findings:
    return analyses.run("severity", diary)


def having(cramps: pl.DataFrame, ages: list[float | None] | None = None) -> Cohort:
    """A cohort of cramps, each of a night of its own; only their participants are named."""
    people = cramps["participant_id"].unique(maintain_order=True)
    nights = pl.int_range(pl.len()).over("participant_id")
    numbers = cramps.with_columns(pl.col(pl.Int64).cast(pl.Float64))
    episodes = numbers.with_columns(date=pl.lit(NIGHT) + pl.duration(days=nights), episode=pl.lit(1, pl.Int64))
    diary = episodes.select("participant_id", "date", cramps=pl.lit(1, pl.Int64))
    table = pl.DataFrame(
        {
            "participant_id": people,
            "age_years": pl.Series(ages or [None] * len(people), dtype=pl.Float64),
            "sex": pl.Series([None] * len(people), dtype=pl.String),
        }
    )
    return Cohort("made", "diary", {"participants": table, "diary": diary, "episodes": episodes}, synthetic=True)


def with_episodes(cohort: Cohort, episodes: pl.DataFrame) -> Cohort:
    return replace(cohort, tables={**cohort.tables, "episodes": episodes})


@pytest.fixture(scope="module")
def of_r() -> Cohort:
    return having(pl.read_csv(PARITY / "remedies-data.csv"))


def row_of(rows: pd.DataFrame, term: str, level: str, who: str = "all") -> dict[str, Any]:
    own = rows["population"].eq(who) & rows["term"].eq(term).fillna(False) & rows["level"].eq(level).fillna(False)
    (row,) = rows[own].to_dict("records")
    return {str(name): cell for name, cell in row.items()}


def lengths(*of_each: list[int]) -> pl.DataFrame:
    people = [f"P{i}" for i, own in enumerate(of_each) for _ in own]
    return pl.DataFrame({"participant_id": people, "duration_s": [s for own in of_each for s in own]})


def test_shares_have_participants_as_clusters_by_hand() -> None:
    # Of eight cramps three are above ten minutes; one of exactly ten is not.
    cramps = lengths([601, 700, 600], [60, 60], [900], [30], [600])
    row = row_of(cramp_features(having(cramps)), "duration_s", "above 10 min")
    scores = [2 - 3 * 3 / 8, -2 * 3 / 8, 1 - 3 / 8, -3 / 8, -3 / 8]
    error = math.sqrt(5 / 4 * sum(score**2 for score in scores)) / 8
    assert (row["estimate"], row["n_events"], row["n_participants"], row["df"]) == (0.375, 3, 5, 4)
    assert row["std_error"] == pytest.approx(error, rel=1e-12)
    half = 2.7764451051977934 * error / (0.375 * 0.625)
    low, high = (1 / (1 + math.exp(-math.log(0.375 / 0.625) - sign * half)) for sign in (-1, 1))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high), rel=1e-9)


def test_a_share_of_none_or_all_is_bounded_by_the_participants_and_not_their_cramps() -> None:
    few, many = (
        row_of(cramp_features(having(lengths(*[[60] * n] * 6))), "duration_s", "above 10 min") for n in (1, 40)
    )
    assert few["estimate"] == 0 and few["status"] == "boundary" and 0.3 < few["ci_high"] < 0.6
    assert many["ci_high"] == few["ci_high"]


def test_quantiles_of_the_length_and_their_limits(diary: Cohort) -> None:
    own = diary.frame("episodes")["duration_s"].drop_nulls().to_numpy()
    rows = cramp_features(diary)
    for level, share in (("median", 0.5), ("90th centile", 0.9)):
        row = row_of(rows, "duration_s", level)
        assert row["estimate"] == np.quantile(own, share, method="inverted_cdf") and row["unit"] == "s"
        below = [(own <= row[limit]).mean() for limit in ("ci_low", "ci_high")]
        # Its limits are those of the share up to it, as far on the one side as on the other.
        assert below[0] < share < below[1] and share - below[0] == pytest.approx(below[1] - share, abs=0.02)


def test_pain_sites_and_what_is_yes_or_no_are_those_of_the_cramps(diary: Cohort) -> None:
    own, rows = diary.frame("episodes"), cramp_features(diary)
    assert row_of(rows, "pain_0_10", "mean")["estimate"] == pytest.approx(own["pain_0_10"].mean())
    for name, levels in (("site", ("calf", "foot", "thigh")), ("side", ("left", "right", "both"))):
        known = own[name].drop_nulls().cast(pl.String)
        for level in levels:
            assert row_of(rows, name, level)["estimate"] == pytest.approx((known == level).mean())
    for name in ("woke", "at_rest", "residual_soreness"):
        assert row_of(rows, name, "true")["estimate"] == pytest.approx(own[name].drop_nulls().mean())


def test_the_mean_onset_passes_midnight() -> None:
    people = [f"P{i}" for i in range(6) for _ in range(2)]
    hours = [22.0, 1.0, 23.0, 2.0, 23.5, 0.5, 22.5, 1.5, 23.0, 1.0, 22.0, 2.0]
    midnight = datetime(2024, 3, 2)
    onsets = [midnight + timedelta(hours=h - 24 if h > 12 else h) for h in hours]
    rows = cramp_features(having(pl.DataFrame({"participant_id": people, "onset": onsets})))
    (mean,) = kinds.MEAN_ONSET.rows(rows).to_dict("records")
    assert mean["estimate"] == pytest.approx(0.0, abs=0.01) or mean["estimate"] == pytest.approx(24.0, abs=0.01)
    hourly = kinds.ONSET.rows(rows).set_index("level")["estimate"]
    assert len(hourly) == 24 and hourly["23:00"] == pytest.approx(3 / 12) and hourly["12:00"] == 0
    assert hourly.sum() == pytest.approx(1)
    assert tables.clock({"estimate": 23.75, "ci_low": 23.0, "ci_high": 24.5, "status": "converged"}) == (
        "23:45 (23:00–00:30)"
    )


def test_onsets_all_around_the_clock_have_no_middle() -> None:
    people = [f"P{i}" for i in range(24)]
    onsets = [datetime(2024, 3, 2) + timedelta(hours=i) for i in range(24)]
    rows = cramp_features(having(pl.DataFrame({"participant_id": people, "onset": onsets})))
    (mean,) = kinds.MEAN_ONSET.rows(rows).to_dict("records")
    assert mean["status"] == "not_estimable" and "no middle" in mean["note"]


def test_a_band_of_few_people_says_so_and_one_of_five_is_estimated() -> None:
    cramps = lengths(*[[60 + i, 700] for i in range(9)])
    ages = [30.0] * 5 + [50.0] * 4
    rows = cramp_features(having(cramps, ages), AgeBands((20, 40)))
    assert row_of(rows, "duration_s", "above 10 min", "20-39")["estimate"] == 0.5
    old = rows[rows["population"] == "40+"]
    assert old["status"].tolist() == ["not_estimable"]
    assert old["note"].tolist() == ["fewer than 5 participants had a cramp"]


def test_a_column_by_age_of_fewer_people_than_its_line_says_is_named() -> None:
    cramps = lengths(*[[60 + i, 700] for i in range(13)]).with_columns(
        pain_0_10=5.0, duration_s=pl.when(pl.col("participant_id") != "P0").then("duration_s")
    )
    rows = cramp_features(having(cramps, [30.0] * 6 + [50.0] * 7), AgeBands((20, 40)))
    shown = rows[rows["level"].isin(["above 10 min", "mean"])]
    said = "known of 12 of 13 participants (all) and 5 of 6 (20–39) alone: duration, above 10 min"
    assert features_of_fewer(shown) == [said]
    assert features_of_fewer(rows[rows["level"].eq("above 10 min")]) == []


@EVERY
@pytest.mark.parametrize("at_equal_pain", [False, True])
def test_remedies_within_participants_agree_with_r(of_r: Cohort, family: EventFamily, at_equal_pain: bool) -> None:
    outcome = family.outcomes[0]
    expected = R[f"{outcome}_at_equal_pain" if at_equal_pain else outcome]
    terms = "remedy + pain_0_10" if at_equal_pain else "remedy"
    rows = fit_events(family, ModelRequest(of_r, family.name, terms, outcome, covariance="cluster")).estimates
    rows = rows[rows["term"] == "remedy"].set_index("level").loc[["stretch", "cold"]]
    values = rows["estimate"] if outcome == "pain_fall" else np.log(rows["estimate"])
    assert values.tolist() == pytest.approx(expected["coefficients"], rel=1e-6)
    assert rows["std_error"].tolist() == pytest.approx(expected["errors"], rel=1e-6)
    assert set(rows["n_participants"]) == {expected["participants"]} and set(rows["reference"]) == {"none"}
    assert rows["note"].str.startswith(f"{expected['cramps']} cramps").all()


def test_what_stays_the_same_in_a_person_changes_nothing(of_r: Cohort) -> None:
    # Some have cramps five times as long, and ten points more pain is taken from nobody by being someone else.
    number = pl.col("participant_id").str.slice(1).cast(pl.Int64)
    slower = of_r.frame("episodes").with_columns(relief_s=pl.col("relief_s") * (1 + number % 5))
    plain, changed = (remedies(cohort)["estimate"] for cohort in (of_r, with_episodes(of_r, slower)))
    assert changed.tolist() == pytest.approx(plain.tolist(), rel=1e-9)


def test_the_truth_of_the_simulator_is_found_and_so_is_nothing() -> None:
    cohort = simulate(300, 60, seed=18)
    rows = kinds.REMEDY.rows(remedies(cohort)).set_index(["outcome", "level"])
    hazards = {"stretch": 0.5, "heat": 0.1, "menthol": 0.0, "other": 0.0}
    for level, truth in hazards.items():
        row = rows.loc[("relief", level)]
        assert abs(math.log(row["estimate"]) - truth) < 3 * row["std_error"]
    for level, truth in {"stretch": 0.5, "heat": 0.3, "menthol": 0.4, "other": 0.0}.items():
        row = rows.loc[("pain_fall", level)]
        assert abs(row["estimate"] - truth) < 3 * row["std_error"]
    for level in ("menthol", "other"):
        row = rows.loc[("residual_soreness", level)]
        assert abs(math.log(row["estimate"])) < 3 * row["std_error"]
    assert rows.loc[("relief", "stretch"), "verdict"] == "higher"
    assert rows.loc[("pain_fall", "other"), "verdict"] == "near null"


def test_margins_are_those_of_the_claims(of_r: Cohort) -> None:
    rows = remedies(of_r)
    fall = rows[rows["outcome"] == "pain_fall"]
    assert set(fall["scale"]) == {"difference"} and set(fall["unit"]) == {"points, against none"}
    assert set(fall["verdict"]) <= {"near null", "differs but negligible"}
    assert "margins −1 to 1 of pain fall (Salaffi 2004)" in tables.notes(fall)


def test_who_tells_nothing_is_left_out_and_counted() -> None:
    used = ["none", "stretch"] * 3 + ["stretch"] * 4
    people = [f"P{i // 2}" for i in range(6)] + ["P3"] * 3 + ["P4"]
    sore = [True, False, False, True, True, True, *[True] * 4]
    table = pl.DataFrame({"participant_id": people, "remedy": used, "residual_soreness": sore})
    row = kinds.REMEDY.rows(remedies(having(table)))
    sore = row[row["outcome"] == "residual_soreness"]
    assert "4 cramps left out, of participants who always did the same" in str(sore["note"].iloc[0])
    relief = row[row["outcome"] == "relief"]
    assert relief["status"].tolist() == ["not_measured"] and "time to relief" in relief["note"].iloc[0]


def test_what_a_cramp_lacks_is_named_and_the_numbers_add_up() -> None:
    """Of twelve cramps one lacks the remedy, one its pain afterwards, and two are of somebody without an age."""
    people, place = [f"P{i // 2}" for i in range(12)], pl.int_range(pl.len())
    table = pl.DataFrame({"participant_id": people, "remedy": ["none", "cold"] * 6}).with_columns(
        remedy=pl.when(place != 1).then("remedy"),
        pain_0_10=5.0 + place % 3,
        pain_after_0_10=pl.when(place != 4).then(2.0 + place % 2),
        residual_soreness=place % 5 == 0,
        relief_s=100.0 + 10 * place,
    )
    cohort = having(table)
    who = cohort.frame("participants").with_columns(
        age_years=pl.when(pl.col("participant_id") != "P5").then(pl.lit(50.0)), clinic=pl.lit("north")
    )
    cohort = replace(cohort, tables={**cohort.tables, "participants": who})
    for where in ("age_years >= 20", "age_years >= 20 AND clinic = 'north'"):
        for family in FAMILIES:
            outcome = family.outcomes[0]
            account = fit_events(family, ModelRequest(cohort, family.name, "remedy", outcome, where=where)).account
            assert account is not None
            lost = {why: n for why, n in account.left_out if n}
            assert lost.pop("without remedy") == 1 and lost.pop(NO_AGE) == 2
            assert lost.pop("without pain after the remedy", 0) == (outcome == "pain_fall")
            lone = lost.pop("of participants who always did the same")
            never = lost.pop("of participants who were never sore", 0)
            assert not lost and account.found == 12
            assert account.used == 12 - 1 - 2 - lone - never - (outcome == "pain_fall")


def test_soreness_that_never_or_always_goes_with_a_remedy_has_no_ratio() -> None:
    people = [f"P{i // 2}" for i in range(40)]
    table = pl.DataFrame({"participant_id": people, "remedy": ["none", "cold"] * 20})
    with_it = having(table.with_columns(residual_soreness=pl.col("remedy") == "none"))
    never = having(table.with_columns(residual_soreness=pl.lit(value=False)))
    for cohort, reason in ((with_it, ALL_OR_NONE), (never, NEVER)):
        rows = remedies(cohort)
        own = rows[rows["outcome"] == "residual_soreness"]
        assert own["estimate"].isna().all() and own["note"].str.contains(reason, regex=False).any()


def test_the_section_says_its_rows_and_no_effect(found: Findings) -> None:
    assert not found.could_not and {*found.figures, *found.tables} == {*analyses.named("severity").parts}
    text = " ".join(found.values.values()).lower()
    assert "signific" not in text and "effect" not in text
    assert found.values["answer"].startswith("Half of the cramps were over within ")
    assert re.search(r"Of the cramps [\d.]+ \(.*?\)% were in the calf", found.values["described"])
    assert "once the pain of the cramp is held equal" in found.values["helped"].lower()


def test_the_tables_and_figures_show_the_rows(found: Findings) -> None:
    features, by_age, helped = (
        found.tables[label].frame for label in ("tbl-severity", "tbl-severity-by-age", "tbl-severity-remedies")
    )
    assert len(features) == 13 and "Duration: above 10 min" in features.index
    assert by_age.index[-1] == "All" and by_age.shape[1] == 6
    assert helped.loc["Relief: stretching", "Measure"] == "hazard ratio" and len(helped) == 18
    drawn = figures.onset(kinds_of_onset(found))
    (clock,) = drawn.axes
    assert len(clock.patches) == 24
    assert max(bar.get_height() for bar in clock.patches) == pytest.approx(
        100 * kinds.ONSET.rows(found.estimates)["estimate"].max()
    )


def kinds_of_onset(found: Findings) -> pd.DataFrame:
    return found.figures["fig-severity-onset"].estimates


@pytest.mark.parametrize(
    ("outcome", "verdict", "words"),
    [
        ("relief", "higher", "relief came sooner with stretching"),
        ("relief", "inconclusive", "it is not clear whether relief came sooner or later with stretching"),
        ("pain_fall", "lower", "pain fell less with stretching"),
        ("residual_soreness", "lower", "soreness was less common with stretching"),
        ("residual_soreness", "too few", "there were too few people to tell with stretching"),
    ],
)
def test_verdicts_are_said_in_the_words_of_their_outcome(
    found: Findings, outcome: str, verdict: str, words: str
) -> None:
    rows = found.estimates.copy()
    own = kinds.REMEDY.rows(rows)
    (at,) = own.index[own["outcome"].eq(outcome) & own["level"].eq("stretch")]
    one = rows.loc[[at]].assign(verdict=verdict)
    text = said.answer(rows.iloc[:0], one, "", "no pain") if outcome == "relief" else said.helped(one)
    # Of too few no number is told.
    assert f"without a remedy, {words}{'.' if verdict == 'too few' else ' ('}" in text
    other = one.assign(level="other")
    assert f"another remedy{'.' if verdict == 'too few' else ' ('}" in (
        said.answer(rows.iloc[:0], other, "", "no pain") if outcome == "relief" else said.helped(other)
    )


def test_where_all_cramps_had_a_remedy_nothing_is_compared(diary: Cohort) -> None:
    own = diary.frame("episodes")
    treated = with_episodes(diary, own.with_columns(remedy=pl.lit("stretch").cast(own["remedy"].dtype)))
    with pytest.raises(AnalysisError, match="every cramp was logged with a remedy"):
        remedies(treated)
    again = analyses.run("severity", treated)
    assert again.could_not["tbl-severity-remedies"].startswith("every cramp was logged with a remedy")
    assert again.estimated and "fig-severity-relief" in again.figures


def test_what_was_not_logged_is_said_once(diary: Cohort) -> None:
    own = diary.frame("episodes").select("participant_id", "date", "episode")
    bare = analyses.run("severity", with_episodes(diary, own))
    assert {*bare.could_not} == {*OF_CRAMPS}
    text = bare.values["not_estimated"]
    assert text.count("No cramp was logged with its site, length or pain") == 1
    assert text.count("No cramp was logged with what was used against it") == 1
    assert "nothing to show" not in text
    only = diary.frame("episodes").drop("remedy", "relief_s", "site", "side")
    less = analyses.run("severity", with_episodes(diary, only))
    assert "Not measured in this cohort: site and side" in less.values["not_estimated"]
    assert "tbl-severity" in less.tables and "calf" not in less.values["described"]


@pytest.mark.parametrize("people", [1, 3, 20])
def test_a_small_clinic_has_sentences_and_true_reasons(people: int) -> None:
    few = analyses.run("severity", simulate(people, 7, seed=5))
    assert few.values["answer"] and few.values["not_estimated"] != ""
    made = few.estimates[few.estimates["estimate"].notna() & few.estimates["n_participants"].notna()]
    assert (made["n_participants"] > 1).all()
    assert "any one remedy" in few.could_not["fig-severity-relief"] or people < 20


def test_a_diary_without_cramps_one_by_one_and_a_survey_say_what_they_lack(diary: Cohort) -> None:
    bare = {name: table for name, table in diary.tables.items() if name != "episodes"}
    none = analyses.run("severity", replace(diary, tables=bare))
    assert {*none.could_not} == {*OF_CRAMPS} and {*none.could_not.values()} == {"the cohort has no episodes"}
    cohort = survey(None)
    assert analyses.run("severity", cohort).values["answer"] == (
        "Could not estimate: this cohort is a survey, which asks how often people have cramps and not what each of "
        "them was like, nor in which weeks they came, so that it has no red flags."
    )


def test_a_unit_stands_after_its_number_and_an_hour_after_its_words(found: Findings) -> None:
    assert not re.search(r"\bpoints [−\d]", found.values["helped"])
    assert re.search(r"pain fell .*\([−\d.]+; [−\d.]+( to |–)[−\d.]+ points\)", found.values["helped"])
    assert re.search(r"more begin in the hour from \d\d:00 than in any other, [\d.]+", found.values["described"])


def test_remedies_are_compared_with_none_or_not_at_all(of_r: Cohort) -> None:
    """Where cramps without a remedy lack the time to relief, no remedy takes their place."""
    without = pl.col("remedy").cast(pl.String) == "none"
    own = of_r.frame("episodes").with_columns(relief_s=pl.when(~without).then("relief_s"))
    rows = remedies(with_episodes(of_r, own))
    assert set(rows["reference"].dropna()) == {"none"}
    relief, fall = (rows[rows["outcome"] == outcome] for outcome in ("relief", "pain_fall"))
    assert set(relief["status"]) == {"not_estimable"} and set(relief["level"]) == set(fall["level"])
    assert set(relief["note"]) == {"no cramp without a remedy is among those that could be compared"}
    assert fall["estimate"].notna().any() and relief["key"].is_unique
    assert "without a remedy, " not in said.helped(relief)
    # Then there is a sentence that says so wherever there are curves, and nothing where there are none.
    assert said.helped(relief, curves=True).startswith("No remedy could be compared with none within participants; ")
    assert said.helped(relief) == ""


def test_what_is_the_same_at_equal_pain_does_not_open_the_part_on_remedies(found: Findings) -> None:
    relief = found.estimates[found.estimates["outcome"].eq("relief")]
    text = said.helped(relief, curves=True)
    assert text.startswith("Of what a remedy may change, relief alone could be compared within participants. Once the")
    assert not said.helped(found.estimates, curves=True).startswith("Of what")
