"""Red flags: weeks by hand, as in R and against the truth, results of tests beside them, and the private file."""

from __future__ import annotations

import csv
import json
import math
import stat
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from test_age_curve import survey

from crampstudy import analyses, cli, estimates, tables
from crampstudy.analyses.sentences import triage as said
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.provenance import report_above
from crampstudy.simulate import Truth, draw, simulate
from crampstudy.simulate.estimands import frequency as answers
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.sources.readers import package
from crampstudy.tables.sections.triage import flags_of_fewer
from crampstudy.triage import DISCLAIMER, FLAGS, nights_account, person_weeks, red_flags, triage
from crampstudy.triage.flags import TESTS, of_test
from crampstudy.triage.results import BLOOD, INDEX, NERVE, ULTRASOUND, with_results
from crampstudy.triage.shares import AFTER_ABOVE, AFTER_OTHER, ALWAYS, ANY, EVALUABLE, NEVER, SOMETIMES, WEEKS_ABOVE

PARITY = Path(__file__).parent / "parity"
START = date(2024, 1, 3)
TYPES: dict[str, Any] = {"age_years": pl.Float64, "sex": pl.String, "ankle_brachial_index": pl.Float64}


def diary(*people: str, lengths: Sequence[tuple[int, int, float | None]] = (), **columns: list[Any]) -> Cohort:
    """Make a diary, a text a person: a digit is a night's count, a dot a night without an entry.

    ``lengths`` has cramps by person, night and seconds.
    """
    names = [f"p{i}" for i in range(len(people))]
    nights = [
        (names[i], START + timedelta(days=k), int(mark))
        for i, text in enumerate(people)
        for k, mark in enumerate(text)
        if mark != "."
    ]
    who = {"age_years": [None] * len(people), "sex": [None] * len(people), **columns}
    schema = {"participant_id": pl.String, "date": pl.Date, "cramps": pl.Int64}
    made = {
        "participants": pl.DataFrame({"participant_id": names, **who}, schema_overrides=TYPES, strict=False),
        "diary": pl.DataFrame(nights, schema, orient="row"),
    }
    if lengths:
        rows = [(names[i], START + timedelta(days=k), j + 1, s) for j, (i, k, s) in enumerate(lengths)]
        schema = {"participant_id": pl.String, "date": pl.Date, "episode": pl.Int64, "duration_s": pl.Float64}
        made["episodes"] = pl.DataFrame(rows, schema, orient="row")
    return Cohort("made", "diary", made, synthetic=True)


def weekly(text: str) -> list[bool | None]:
    weeks = person_weeks(diary(text))
    return [None if pd.isna(value) else bool(value) for value in weeks["weekly"]]


def row(rows: pd.DataFrame, level: str, who: str = "all", term: str | None = None) -> dict[str, Any]:
    own = rows["level"].eq(level) & rows["population"].eq(who)
    (found,) = rows[own & (rows["term"].eq(term) if term else True)].to_dict("records")
    return {str(name): cell for name, cell in found.items()}


@pytest.fixture(scope="module")
def drawn() -> Cohort:
    return simulate(150, 40, seed=7)


@pytest.mark.parametrize(
    ("nights", "fires"),
    [
        ("0000000", [False]),
        ("1000010", [False]),  # exactly 2 cramps
        ("1000110", [True]),  # exactly 3
        ("0300000", [True]),  # 3 in one night
        ("10.0.10", [False]),  # exactly 5 logged nights
        ("1..0.10", [None]),  # 4 logged nights and 2 cramps
        ("1..1.10", [True]),  # 4 logged nights and 3 cramps
        ("3", [True]),  # one night alone
        ("2", [None]),
        ("00000000000", [False, None]),  # a last week that is not over
        ("00000003", [False, True]),
        ("..10001100000000", [True, False]),  # weeks begin with the first logged night
        ("1.............1111111", [None, None, True]),  # a week between without a night
        ("00000011100000", [False, False]),  # 3 cramps in 7 nights that are of two weeks
    ],
)
def test_weeks_by_hand(nights: str, fires: list[bool | None]) -> None:
    assert weekly(nights) == fires


def test_weeks_count_from_each_persons_first_logged_night_and_not_from_the_first_row() -> None:
    cohort = diary("..1000110", "0000000")
    empty = cohort.frame("diary").clear().with_columns(entry_made=pl.lit(value=True))
    first = pl.DataFrame({"participant_id": ["p0"], "date": [START], "cramps": [None], "entry_made": [False]})
    rows = pl.concat([empty, first.cast({"cramps": pl.Int64})], how="diagonal").with_columns(pl.col("cramps"))
    logged = cohort.frame("diary").with_columns(entry_made=pl.lit(value=True))
    both = pl.concat([rows.select(logged.columns), logged])
    weeks = person_weeks(replace(cohort, tables={**cohort.tables, "diary": both}))
    assert weeks[["participant_id", "week", "nights", "cramps"]].to_numpy().tolist() == [
        ["p0", 1, 7, 3],
        ["p1", 1, 7, 0],
    ]
    assert str(weeks["first_night"].iloc[0].date()) == "2024-01-05"


def test_a_cramp_of_exactly_ten_minutes_is_not_above() -> None:
    lengths = [(0, 0, 600.0), (1, 0, 600.5), (2, 0, None), (3, 0, 601.0)]
    cohort = diary("1000000", "1000000", "1000000", "1", "0000000", lengths=lengths)
    weeks = person_weeks(cohort).set_index("participant_id")["long"]
    # Of p2 the length was not noted; p3 logged one night, and its long cramp is enough.
    assert [None if pd.isna(v) else bool(v) for v in weeks] == [False, True, None, True, False]
    people = triage(cohort).set_index("participant_id")
    assert people.loc["p1", "red_flags"] == "a cramp above 10 min" and people.loc["p1", "longest_cramp_s"] == 600.5
    assert pd.isna(people.loc["p0", "red_flags"]) and people.loc["p0", "longest_cramp_s"] == 600
    assert str(people.loc["p2", "not_known"]).startswith("a cramp above 10 min; swelling")
    assert str(people.loc["p3", "not_known"]).startswith("more than 2 cramps in a week; swelling")


def test_without_lengths_no_week_is_told_of_them() -> None:
    assert person_weeks(diary("0000000"))["long"].isna().all()


def test_a_long_cramp_outside_of_the_logged_weeks_is_not_lost() -> None:
    cohort = diary("0000000", lengths=[(0, 20, 1200.0), (0, 1, 60.0)])
    assert not person_weeks(cohort)["long"].any()
    assert triage(cohort)["red_flags"].tolist() == ["a cramp above 10 min"]


def test_a_person_by_hand() -> None:
    text = "1110000000000030000000.0.0..0000001"
    people = triage(
        diary(text, "", swelling=[True, None], discoloration=[False, None], numbness=[True, False])
    ).set_index("participant_id")
    one, none = people.loc["p0"], people.loc["p1"]
    assert one["red_flags"] == "more than 2 cramps in a week; swelling of the leg; numbness"
    assert one["suggested_tests"] == "blood tests; nerve conduction study; ultrasound of flow"
    assert one["no_result"] == one["suggested_tests"] and one["not_known"] == "a cramp above 10 min"
    # The fourth week cannot be told, so that no change goes through it.
    assert one[["weeks", "evaluable_weeks", "weeks_above_2", "changes"]].tolist() == [5, 4, 2, 2]
    assert one["share_of_evaluable_weeks"] == 0.5
    # Who never logged a night has a row as well.
    assert none[["weeks", "evaluable_weeks"]].tolist() == [0, 0] and pd.isna(none["share_of_evaluable_weeks"])
    assert none["not_known"].startswith("more than 2 cramps in a week; a cramp above 10 min; swelling")
    assert set(people["read_as"]) == {DISCLAIMER} and people["sensitive"].str.startswith("SENSITIVE").all()


def test_results_beside_the_flags_by_hand() -> None:
    cohort = diary(
        *["0"] * 4,
        serum_magnesium_mmol_l=[0.7, 0.69, 1.01, None],
        serum_calcium_mmol_l=[2.1, 2.3, None, None],
        serum_albumin_g_l=[35.0, 40.0, None, None],
        ankle_brachial_index=[0.9, 0.89, 1.41, 1.4],
        leg_ultrasound=["normal", "abnormal", "not_done", None],
        nerve_conduction=["not_done", "abnormal", "normal", None],
    )
    made = with_results(cohort)
    # Calcium is corrected: 2.1 + 0.02 (40 - 35) = 2.2 is within its range. Albumin of 35 is as well.
    assert made[BLOOD].to_list() == [False, True, True, None]
    assert made["out_of_range"].to_list() == [
        None,
        "Serum magnesium 0.69 mmol/L (0.7 to 1)",
        "Serum magnesium 1.01 mmol/L (0.7 to 1)",
        None,
    ]
    assert made[INDEX].to_list() == [False, True, True, False]
    assert made[ULTRASOUND].to_list() == [False, True, None, None]
    assert made[NERVE].to_list() == [None, True, False, None]


def test_each_flag_suggests_tests_that_are_read_and_says_whose_reading_that_is() -> None:
    assert {*TESTS} == {BLOOD, ULTRASOUND, INDEX, NERVE}
    assert of_test(ULTRASOUND) == ("swelling", "discoloration") and of_test(NERVE) == ("long", "numbness")
    assert [flag.name for flag in FLAGS] == ["weekly", "long", "swelling", "discoloration", "numbness"]
    for flag in FLAGS:
        assert flag.suggests and all("article" in each.source and each.why for each in flag.suggests)


def test_shares_by_hand() -> None:
    # Five people of two weeks: above 2 in 1 1, 1 0, 0 0, 0 -, 0 0.
    texts = ["30000003000000", "30000000000000", "0" * 14, "00000000", "0" * 14]
    rows = red_flags(diary(*texts, numbness=[True, False, False, False, None]))
    above = row(rows, WEEKS_ABOVE)
    scores = [2 - 2 * 3 / 9, 1 - 2 * 3 / 9, -2 * 3 / 9, -3 / 9, -2 * 3 / 9]
    error = math.sqrt(5 / 4 * sum(score**2 for score in scores)) / 9
    assert above["estimate"] == pytest.approx(3 / 9) and above["std_error"] == pytest.approx(error)
    assert (above["n_events"], above["n_participants"], above["n_nights"], above["df"]) == (3, 5, 63, 4)
    assert row(rows, EVALUABLE)["estimate"] == pytest.approx(0.9) and row(rows, EVALUABLE)["n_events"] == 9
    assert row(rows, "people with a week above 2 cramps")["estimate"] == 0.4
    few = row(rows, "numbness")
    assert few["status"] == "not_estimable" and few["note"] == "fewer than 5 participants are known to have it or not"
    assert row(rows, "people with a cramp above 10 min")["status"] == "not_measured"
    # Who has a flag is known to have one; p4 was not asked about numbness, so that having none is not known.
    assert row(rows, ANY)["n_participants"] == 4
    again = red_flags(diary(*texts, *texts))
    assert row(again, AFTER_ABOVE)["note"].startswith("fewer than 5 participants have a week")
    assert row(again, AFTER_OTHER)["n_participants"] == 4
    shares = {level: row(again, level)["estimate"] for level in (ALWAYS, SOMETIMES, NEVER)}
    assert shares == {ALWAYS: 0.25, SOMETIMES: 0.25, NEVER: 0.5}


def test_a_column_of_fewer_people_than_its_line_says_is_named() -> None:
    numb = [True, False, False, False, False, None, None]
    cohort = diary(*["0" * 14] * 7, numbness=numb)
    rows = red_flags(cohort)
    several = "numbness, swelling, discoloration or numbness and any red flag"
    assert flags_of_fewer(rows) == [f"known of 5 of 7 participants (all) alone: {several}"]
    note = str(analyses.run("severity", cohort).tables["tbl-red-flags"].note)
    assert "Known of 5 of 7 participants (all) alone: " in note
    # Where all is known of everybody there is nothing to say.
    assert flags_of_fewer(red_flags(diary(*["0" * 14] * 7, numbness=[*numb[:5], False, False]))) == []


def test_a_single_flag_says_of_how_many_of_the_line_it_is_known() -> None:
    """Where no week can be told but by weeks, a line counts people of whom no flag is known."""
    cells = {"analysis": kinds.RED_FLAG.name, "outcome": "red_flag", "population": "20+", "status": "converged"}
    weeks = estimates.row(level=EVALUABLE, estimate=0.28, n_participants=34, n_events=115, scale="proportion", **cells)
    long = {"level": "people with a cramp above 10 min", "estimate": 0.91, "n_participants": 23}
    rows = estimates.frame([weeks, estimates.row(scale="prevalence", **long, **cells)])
    assert tables.red_flags(rows)["Participants"].tolist() == ["34"]
    assert flags_of_fewer(rows) == ["known of 23 of 34 participants (20+) alone: people with a cramp above 10 min"]


def test_a_condition_names_a_part_of_the_people() -> None:
    """Of six women, one man and one of no known sex the women alone count; nights of the others are told of."""
    texts = ["30000003000000"] * 3 + ["0" * 14] * 3 + ["3" * 14, "3" * 7]
    cohort = diary(*texts, sex=["female"] * 6 + ["male", None])
    women = "sex = 'female'"
    rows = red_flags(cohort, where=women)
    above = row(rows, WEEKS_ABOVE, f"all, {women}")
    assert above["estimate"] == 0.5 and above["n_participants"] == 6 and above["n_nights"] == 84
    assert set(rows["population"]) == {f"all, {women}"}
    assert row(red_flags(cohort), WEEKS_ABOVE)["n_participants"] == 8
    assert triage(cohort, where=women)["participant_id"].tolist() == [f"p{i}" for i in range(6)]
    account = nights_account(cohort, women)
    assert account.found == 105 and {why: n for why, n in account.left_out if n} == {
        "the condition could not be decided": 7,
        "outside the condition": 14,
    }
    for condition, wrong in (("sex = 'x'", "'x'"), ("cramps > 1", "cramps"), ("age_years", "is not a condition")):
        with pytest.raises(UsageError, match=wrong):
            red_flags(cohort, where=condition)
    nobody = red_flags(cohort, where="sex = 'female' AND sex = 'male'")
    assert nobody[["status", "note"]].to_numpy().tolist() == [["not_estimable", "no participant"]]


def test_weeks_after_weeks_by_hand() -> None:
    texts = ["300000030000000000000", "30000000....003000000"] * 5
    rows = red_flags(diary(*texts))
    # Of the first person 1 of 2 weeks after one above; of the second none, since a week that cannot be told is between.
    after = row(rows, AFTER_ABOVE)
    assert after["estimate"] == 0.5 and after["n_participants"] == 5 and after["n_events"] == 5
    assert row(rows, AFTER_OTHER)["status"] == "not_estimable"


def test_of_one_week_the_reason_is_that_no_week_follows_another() -> None:
    rows = red_flags(diary(*["0101010"] * 6))
    steady = rows[rows["analysis"].eq(kinds.FLAG_STABILITY.name)]
    assert not steady["status"].eq("converged").any() and len(steady)
    weeks = rows[rows["level"].eq(EVALUABLE)]
    assert weeks["n_participants"].max() == 6
    for text in (tables.notes(steady), tables.not_estimated(rows, {})):
        assert "have a week that can be told;" not in text and "have a week that can be told." not in text
        assert "fewer than 5 participants have a week that can be told after a week above 2" in text


def test_tests_of_those_with_a_flag_and_others_by_hand() -> None:
    n = 12
    numb = [i < 6 for i in range(n)]
    nerve = ["abnormal", "abnormal", "abnormal", "normal", "normal", "not_done"] + ["normal"] * 5 + ["abnormal"]
    rows = red_flags(diary(*["0000000"] * n, numbness=numb, nerve_conduction=nerve))
    having, others = (row(rows, level, term=NERVE) for level in ("with a flag that suggests it", "without"))
    assert (having["estimate"], having["n_participants"]) == (0.6, 5)
    assert (others["estimate"], others["n_participants"]) == (pytest.approx(1 / 6), 6)
    none = kinds.TEST_RESULT.rows(rows)
    assert set(none.loc[none["term"] != NERVE, "status"]) == {"not_measured"}


def test_weeks_and_their_order_are_those_of_r() -> None:
    expected = json.loads((PARITY / "triage.json").read_text(encoding="utf-8"))
    nights = pl.read_csv(PARITY / "triage-nights.csv", try_parse_dates=True)
    people = pl.read_csv(PARITY / "triage-people.csv").select("participant_id", age_years=None, sex=None)
    people = people.cast({"age_years": pl.Float64, "sex": pl.String})
    rows = red_flags(Cohort("r", "diary", {"participants": people, "diary": nights}, synthetic=True))
    for level, name in ((WEEKS_ABOVE, "weeks"), (AFTER_ABOVE, "after_above"), (AFTER_OTHER, "after_other")):
        own, of_r = row(rows, level), expected[name]
        assert own["estimate"] == pytest.approx(of_r["estimate"], rel=1e-6)
        assert [own["ci_low"], own["ci_high"]] == pytest.approx(of_r["interval"], rel=1e-6)
        assert (own["n_events"], own["n_participants"]) == (of_r["flagged"], of_r["participants"])


def test_the_truth_is_found_where_every_night_is_logged() -> None:
    truth = Truth()
    said_ = {a.key: a for a in answers.frequency(truth, Population(truth, seed=1, draws=200_000))}
    answer = said_["weeks_above_2:all"]
    found = row(red_flags(draw(truth, participants=3000, nights=28, rng=np.random.default_rng(3))), WEEKS_ABOVE, "20+")
    error = math.hypot(found["std_error"], answer.mc_error or 0.0)
    assert abs(found["estimate"] - answer.value) < 3 * error and error < 0.012


def test_weeks_above_two_of_counts_and_in_closed_form_are_the_same_number() -> None:
    truth = Truth()
    counted = replace(truth, recruitment=replace(truth.recruitment, run_in_nights=14))
    both = [
        {a.key: a for a in answers.frequency(t, Population(t, seed=2, draws=300_000))}["weeks_above_2:all"]
        for t in (truth, counted)
    ]
    assert abs(both[0].value - both[1].value) < 3 * math.hypot(both[0].mc_error or 0, both[1].mc_error or 0)


def test_a_list_of_events_has_flags_of_people_and_no_shares_of_weeks() -> None:
    cohort = diary(*["3.......1", "1.......1"] * 4, numbness=[True, False] * 4)
    rows = red_flags(cohort)
    for level in (WEEKS_ABOVE, "people with a week above 2 cramps", AFTER_ABOVE, SOMETIMES):
        found = rows[rows["level"] == level]
        assert (found["status"] != "converged").all() and found["estimate"].isna().all()
    assert "this is a list of events" in row(rows, WEEKS_ABOVE)["note"]
    assert row(rows, "numbness")["estimate"] == 0.5
    first, second = triage(cohort)["red_flags"][:2]
    assert first == "more than 2 cramps in a week; numbness" and pd.isna(second)


def test_a_diary_of_nobody_or_of_one_says_so() -> None:
    one = red_flags(diary("30000000000000"))
    assert one["estimate"].isna().all() and set(one["status"]) == {"not_estimable", "not_measured"}
    with pytest.raises(UsageError, match="is a survey"):
        red_flags(survey(None))


def test_rows_of_a_cohort_are_the_same_whatever_its_order(drawn: Cohort) -> None:
    shuffled = {name: table.sample(fraction=1.0, shuffle=True, seed=4) for name, table in drawn.tables.items()}
    pd.testing.assert_frame_equal(red_flags(replace(drawn, tables=shuffled)), red_flags(drawn))
    pd.testing.assert_frame_equal(triage(replace(drawn, tables=shuffled)), triage(drawn))


def test_the_section_says_the_flags_with_the_disclaimer_and_no_diagnosis(drawn: Cohort) -> None:
    found = analyses.run("severity", drawn)
    assert found.values["flags"].startswith("Research output, not medical advice. More than 2 cramps came in ")
    assert found.tables["tbl-red-flags"].note.startswith(f"{DISCLAIMER}.")
    assert found.tables["tbl-red-flag-tests"].note.startswith(f"{DISCLAIMER}.")
    frame = found.tables["tbl-red-flags"].frame
    assert frame.columns[:2].tolist() == ["Participants", "Evaluable weeks"] and frame.index[-1] == "60+"
    whole = row(kinds.RED_FLAG.rows(found.estimates), WEEKS_ABOVE, "20+")
    assert f"{100 * whole['estimate']:.1f} (" in frame.loc["20+", "Weeks above 2 cramps, % (95% CI)"]
    assert "who is ill" in found.values["limits"]


def test_a_diary_with_date_and_count_alone_has_flags_of_weeks() -> None:
    found = analyses.run("severity", diary(*["30000000000000", "0" * 14] * 4))
    assert found.could_not["tbl-severity"] == "the cohort has no episodes"
    assert "25.0 (9.2" in found.values["flags"] and list(found.tables) == ["tbl-red-flags"]
    assert "nobody has a recorded result" in found.could_not["tbl-red-flag-tests"]
    assert found.could_not["tbl-case-rates"].endswith("no cramp was logged with what the criteria ask for")


def test_stability_is_said_in_numbers(drawn: Cohort) -> None:
    text = said.stability(red_flags(drawn))
    assert text.startswith("After a week with more than 2 cramps the next one had more than 2 in ")
    assert said.stability(red_flags(diary("0000000"))) == "" and said.flags(red_flags(diary("0000000"))) == ""


def run(*arguments: str) -> int:
    """Run the command in this process, and return its exit code."""
    before, sys.argv = sys.argv, ["crampstudy", *arguments]
    try:
        with pytest.raises(SystemExit) as ended:
            cli.main()
    finally:
        sys.argv = before
    return int(ended.value.code or 0)


@pytest.fixture
def folder(drawn: Cohort, tmp_path: Path) -> Path:
    package.write(drawn, tmp_path / "study", "csv")
    return tmp_path


def test_the_file_is_private_sensitive_and_safe(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "flags.csv"
    assert run("triage", str(folder / "study"), "--out", str(out)) == 0
    printed = capsys.readouterr()
    assert DISCLAIMER in printed.out and f"SENSITIVE: values of single participants, in {out}" in printed.err
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 150 and {r["sensitive"] for r in rows} == {"SENSITIVE: values of single participants"}
    assert {r["read_as"] for r in rows} == {DISCLAIMER}
    assert run("triage", str(folder / "study"), "--out", str(out)) == 2
    assert "name another file, such as --out" in capsys.readouterr().err
    women = ("--where", "sex = 'female'")
    assert run("triage", str(folder / "study"), "--out", str(folder / "women.csv"), *women) == 0
    printed = capsys.readouterr()
    assert "outside the condition" in printed.out
    assert 0 < len((folder / "women.csv").read_text(encoding="utf-8").splitlines()) - 1 < 150
    assert run("triage", str(folder / "study"), "--out", str(out), "--force", "--json") == 0
    printed = capsys.readouterr()
    assert {r["analysis"] for r in json.loads(printed.out)} == {
        "red flag",
        "stability of a red flag",
        "test beside red flags",
    }
    # No participant's value is printed; what was there is kept, and as private as before.
    assert "P00" not in printed.out and DISCLAIMER in printed.err
    assert stat.S_IMODE((folder / "flags.csv.old-1").stat().st_mode) == 0o600


def test_the_file_never_lies_in_a_report(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    report = folder / "sent"
    (report / "deep").mkdir(parents=True)
    (report / "manifest.json").write_text('{"format": "crampstudy-manifest-1"}', encoding="utf-8")
    (folder / "link").symlink_to(report)
    monkeypatch.chdir(folder)
    study = str(folder / "study")
    for file in ("sent/t.csv", "sent/deep/t.csv", "link/t.csv", "reports/simulated/t.csv", "reports/../sent/t.csv"):
        assert run("triage", study, "--out", file) == 2
        message = capsys.readouterr().err
        assert "lies in a report's folder" in message and "--out" in message
        assert not Path(file).exists()
    (report / "manifest.json").write_text('{"format": "another"}', encoding="utf-8")
    assert report_above(report / "t.csv") is None
    assert run("triage", study, "--out", "sent/t.csv") == 0


def test_a_survey_has_no_weeks(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setattr("crampstudy.cli.triage.opened", lambda source: survey(None))
    assert run("triage", "anything") == 6
    assert "is a survey, which has no weeks of nights" in capsys.readouterr().err


def test_tables_print_every_level(drawn: Cohort) -> None:
    rows = red_flags(drawn)
    assert len(tables.flag_stability(kinds.FLAG_STABILITY.rows(rows))) == 5
    assert tables.test_results(kinds.TEST_RESULT.rows(rows)).index[0] == "Blood tests: with a flag that suggests it"


def test_of_a_single_flag_nobody_has_any_other() -> None:
    rng = np.random.default_rng(4)
    marks = ["".join(map(str, rng.poisson(0.4, 28))) for _ in range(12)]
    found = analyses.run("severity", diary(*marks))
    columns = " ".join(map(str, found.tables["tbl-red-flags"].frame.columns))
    assert "any red flag" not in columns.lower() and "at least one of these" not in found.values["flags"]
    assert "Of the 12 people with several weeks that can be told" in found.values["stability"]
    # Neither cramps nor remedies nor tests are there whose limits could be told.
    assert "remedies" not in found.values["limits"] and "Tests were" not in found.values["limits"]
    assert found.values["helped"] == found.values["described"] == ""


def test_weeks_of_few_logged_nights_have_no_share_above() -> None:
    """Of diaries with one night a week a week can be told only where it is above, so that all of those would be."""
    people = ("3......0......3......0......3", "0......4......0......5......0") * 5
    rows = red_flags(diary(*people))
    reason = "no week has 5 logged nights, so that one can be told only where it had more than 2 cramps"
    for level in ("weeks above 2 cramps", "people with a week above 2 cramps"):
        found = row(rows, level)
        assert found["status"] == "not_estimable" and found["note"] == reason
    assert row(rows, "evaluable weeks")["estimate"] == pytest.approx(0.5)
    # Who had no long cramp is known of those alone whose weeks are above; all that had one would be told.
    times = [(i, 0, 700.0 if i % 4 else 60.0) for i in range(0, 10, 2) for _ in range(3)]
    long = row(red_flags(diary(*people, lengths=times)), "people with a cramp above 10 min")
    assert long["status"] == "not_estimable" and long["note"] == reason
    # One week that was logged is enough for there to be some that are not above.
    rows = red_flags(diary(*people, "0000000"))
    assert row(rows, "weeks above 2 cramps")["estimate"] < 1
