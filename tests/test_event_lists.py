"""Lists of events: no rate without a denominator, and nights without a row as zeros only on the study's word."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crampstudy import analyses, describe, estimates, fit, open_cohort, wording
from crampstudy.analyses.comparison.sentences import methods as compared_methods
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.sentences import methods as methods_said
from crampstudy.checks import check
from crampstudy.checks.zeros_found import zeros_found
from crampstudy.cleaning import Unlogged
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.descriptive.flow import flow
from crampstudy.errors import SourceError, UsageError
from crampstudy.models.bootstrap import bootstrap
from crampstudy.models.common.partitions import in_parts
from crampstudy.models.registry import NIGHT_FAMILIES
from crampstudy.nights import NO_COUNT, NO_DENOMINATOR, NO_ZERO, Denominator, denominator
from crampstudy.report import front_matter
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.build import build
from crampstudy.report.outline import Outline
from crampstudy.simulate import simulate
from crampstudy.sources import load
from crampstudy.sources.address import with_unlogged
from crampstudy.sources.readers import bare_list
from crampstudy.sources.readers.bare_list import StatedList
from crampstudy.validation import chunked

Run = Callable[..., tuple[int, str, str]]

EVENTS = (
    "A,2025-01-04,1\nA,2025-01-19,2\nA,2025-02-02,1\nB,2025-01-11,1\nB,2025-02-20,1\nC,2025-01-07,3\nC,2025-01-30,1\n"
)
PEOPLE = "participant_id,age_years,sex\nA,61,female\nB,72,male\nC,55,female\n"
# The windows of the first and the last cramp: what makes 10 cramps in 95 nights.
WINDOWED = (
    "participant_id,age_years,sex,diary_start,diary_end\n"
    "A,61,female,2025-01-04,2025-02-02\nB,72,male,2025-01-11,2025-02-20\nC,55,female,2025-01-07,2025-01-30\n"
)
WORD = {"unlogged": "zero", "observed_from": "2025-01-01", "observed_to": "2025-02-28"}
NUMBERS = ["estimate", "ci_low", "ci_high", "std_error", "p_value"]


def package(folder: Path, people: str = PEOPLE, diary: str = EVENTS, **more: str) -> Path:
    """Write a data package; ``more`` are other tables by name, ``described`` the entry of the descriptor."""
    folder.mkdir(exist_ok=True)
    head = "" if diary.startswith("participant_id") else "participant_id,date,cramps\n"
    tables = {"participants": people, "diary": head + diary} | {k: v for k, v in more.items() if k != "described"}
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    if "described" in more:
        resources = [{"name": name, "path": f"{name}.csv"} for name in tables]
        content = {"name": "study", "resources": resources, "crampstudy": json.loads(more["described"])}
        (folder / "datapackage.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def stated(folder: Path, **said: str) -> str:
    return with_unlogged(str(folder), said or WORD)


def overall(cohort: Cohort) -> pd.Series[Any]:
    rows = describe(cohort).estimates
    return rows[(rows["population"] == "20+") & (rows["analysis"] == "incidence rate")].iloc[0]


def refused(rows: pd.DataFrame) -> bool:
    """Whether every row has the reason of a list of events and no number."""
    return bool(
        len(rows)
        and rows["status"].eq("not_estimable").all()
        and rows["note"].eq(NO_DENOMINATOR).all()
        and rows[NUMBERS].isna().all(axis=None)
    )


class TestNoRate:
    def test_a_first_look_has_none_and_says_how_to_get_one(self, shared: Path, run: Run) -> None:
        file = str(shared / "cases" / "20-event-only" / "events.csv")
        look = json.loads(run("try", file, "--json")[1])
        for name in ("incidence_rate", "mean_of_person_rates"):
            assert (look[name]["estimate"], look[name]["ci_high"], look[name]["cramps"]) == (None, None, 10)
            assert look[name]["status"] == "not_estimable"
        assert [person["rate"] for person in look["participants"]] == [None] * 3
        code, out, _ = run("try", file)
        assert code == 0
        assert out.count("could not estimate") == 2 and out.count(NO_DENOMINATOR) == 1 and "10.00" not in out
        assert "no denominator" in NO_DENOMINATOR and "--unlogged zero" in NO_DENOMINATOR

    def test_describe(self, tmp_path: Path) -> None:
        cohort = open_cohort(package(tmp_path / "list"))
        assert refused(describe(cohort).estimates)
        assert refused(describe(cohort, "sex", standard="none").estimates)
        assert refused(describe(cohort, outcome="class_30_days").estimates)
        assert refused(age_curve(cohort))
        assert overall(cohort)[["n_participants", "n_nights", "n_events"]].tolist() == [3, 7, 10]

    @pytest.mark.parametrize("model", NIGHT_FAMILIES)
    def test_models_of_nights(self, tmp_path: Path, model: str) -> None:
        cohort = open_cohort(package(tmp_path / "list"))
        for outcome in NIGHT_FAMILIES[model].outcomes:
            fitted = fit(cohort, model=model, terms="age_decade", outcome=outcome, covariance="model")
            assert fitted.status == "not_estimable"
            assert refused(fitted.estimates)

    def test_the_gap_to_the_next_cramp_is_made_of_nights_without_one(self, tmp_path: Path) -> None:
        fitted = fit(open_cohort(package(tmp_path / "list")), model="cox", outcome="gap", terms="age_decade")
        assert refused(fitted.estimates.assign(note=fitted.estimates["note"].str.partition("; ")[0]))

    def test_what_is_built_on_models_of_nights(self, tmp_path: Path) -> None:
        cohort = open_cohort(package(tmp_path / "list"))
        asked = {"model": "poisson", "terms": "age_decade"}
        assert refused(bootstrap(cohort, **asked, rng=np.random.default_rng(1), replicates=50))
        found = check(cohort, **asked, rng=np.random.default_rng(1))
        assert [one.verdict for one in found] == ["not made"] * len(found)
        assert {one.name for one in found if one.reason == NO_DENOMINATOR} >= {"zeros", "influence", "separation"}
        assert zeros_found(cohort, terms="age_decade").check.reason == NO_DENOMINATOR

    def test_the_command_line_shows_the_rows_and_ends_with_6(self, tmp_path: Path, run: Run) -> None:
        folder = str(package(tmp_path / "list"))
        code, out, _ = run("fit", folder, "--model", "negative-binomial", "--terms", "age_decade", "--json")
        assert code == 6
        assert {(row["status"], row["estimate"]) for row in json.loads(out)} == {("not_estimable", None)}
        code, out, _ = run("compare", folder, str(package(tmp_path / "other")), "--csv")
        assert code == 6 and "not_estimable" in out and ",converged," not in out
        assert NO_DENOMINATOR in run("validate", folder)[1]
        assert NO_DENOMINATOR in " ".join(json.loads(run("validate", folder, "--json")[1])["notices"])

    def test_that_it_is_one_is_why_nothing_is_known_of_age(self, tmp_path: Path) -> None:
        found = analyses.run("age-and-muscle", open_cohort(str(package(tmp_path / "list", WINDOWED))))
        said = f"What age has to do with cramps could not be estimated: {NO_DENOMINATOR}"
        assert found.unanswered and found.unanswered.startswith(said)
        # Once, and not of a band of reference as well.
        assert "the reference" not in found.values["not_estimated"]
        assert found.values["not_estimated"].count("this is a list of events") == 1

    @pytest.mark.usefixtures("forked")
    def test_the_report_says_so_in_the_place_of_its_numbers(self, tmp_path: Path) -> None:
        folder = package(tmp_path / "list", WINDOWED)
        made = build(str(folder), sections=["age-and-muscle"], out=tmp_path / "report")
        rows = pd.read_csv(made.estimates)
        assert set(rows["status"]) <= {"not_estimable", "not_measured"} and rows["estimate"].isna().all()
        assert "this is a list of events" in re.sub(r"\s+", " ", made.html.read_text(encoding="utf-8"))
        made = build(stated(folder, unlogged="zero"), sections=["age-and-muscle"], out=tmp_path / "filled")
        rows = pd.read_csv(made.estimates).set_index("key")["estimate"]
        assert round(rows["list/20-plus/incidence-rate/cramps/age-band/20-plus/rate"], 2) == 0.74

    def test_empty_counts_in_the_place_of_zeros_are_a_list_all_the_same(self, tmp_path: Path) -> None:
        diary = "A,2025-01-01,1\nA,2025-01-02,\nA,2025-01-03,2\nB,2025-01-01,\nB,2025-01-02,1\nB,2025-01-03,\n"
        assert refused(describe(open_cohort(package(tmp_path / "list", diary=diary))).estimates)

    @pytest.mark.parametrize(
        ("column", "unanswered", "further", "is_list"),
        [
            ("sleep_hours", "7", "", False),
            ("entry_made", "false", "", False),
            ("sleep_hours", "", "", True),  # a row that tells nothing
            ("sleep_hours", "7", "B,2025-01-09,1,7\n", True),  # nights without a row
        ],
    )
    def test_nights_that_tell_other_things_were_asked_about(
        self, tmp_path: Path, run: Run, column: str, unanswered: str, further: str, is_list: bool
    ) -> None:
        """Everybody had a cramp on each night with a count, and every other night has a row too."""
        answered = "true" if column == "entry_made" else "8"
        nights = [(who, day, day % 4 != 2) for who in "ABC" for day in range(1, 6)]
        rows = [
            f"{who},2025-01-{day:02},{'1' if made else ''},{answered if made else unanswered}"
            for who, day, made in nights
        ]
        folder = package(tmp_path / "list", diary="\n".join([f"participant_id,date,cramps,{column}", *rows, further]))
        cohort = open_cohort(folder)
        assert refused(describe(cohort).estimates) is is_list
        assert denominator(cohort).doubt == (None if is_list else NO_COUNT)
        assert (NO_COUNT in run("validate", str(folder))[1]) is not is_list
        if not is_list:
            assert overall(cohort)["estimate"] == pytest.approx(7) and overall(cohort)["n_nights"] == 12

    def test_the_window_that_is_proposed_is_that_of_the_rows(self, tmp_path: Path, run: Run) -> None:
        diary = "A,2023-12-30,1\nA,2024-01-02,1\nB,2024-02-01,2\nB,2024-02-05,1\nC,2024-01-20,1\n"
        folder = str(package(tmp_path / "list", diary=diary))
        said = "--unlogged zero --observed-from 2023-12-30 --observed-to 2024-02-05"
        for command in (("validate", folder), ("describe", folder)):
            code, out, err = run(*command)
            assert said in out + err
            assert run(*command, *shlex.split(said))[0] == 0
        (tmp_path / "n.csv").write_text(f"who,date,cramps\n{diary}", encoding="utf-8")
        assert said in run("try", str(tmp_path / "n.csv"))[1]
        code, _, err = run("describe", folder, "--unlogged", "zero")
        assert code == 2 and said in err

    @pytest.mark.usefixtures("forked")
    def test_a_report_says_the_reason_at_length_once(self, tmp_path: Path) -> None:
        made = build(str(package(tmp_path / "list")), sections=["summary", "frequency"], out=tmp_path / "report")
        page = re.sub(r"\s+", " ", made.html.read_text(encoding="utf-8"))
        assert (
            page.count("no observed night was without a cramp") == 1 == page.count("If a night without a row was one")
        )
        assert page.count("this is a list of events, which has no rate, as said above") >= 1
        assert "--observed-from 2025-01-04" in page
        # Nothing of it is analysed, and no count says so.
        text = re.sub("<[^>]+>", "", page)
        assert "3 of 3 participants, with 7 nights, logged cramps, of which no rate can be estimated." in text
        assert "entered the analyses" not in text and not re.search("(Participants|Nights) analysed", text)

    def test_no_step_of_the_flow_is_analysed(self, tmp_path: Path) -> None:
        steps = flow(open_cohort(package(tmp_path / "list")))
        assert set(steps["level"]) == {"in the file", "accepted", "logged"}
        diary = "A,2025-01-01,1\nA,2025-01-02,0\nB,2025-01-04,2\n"
        assert "analysed" in set(flow(open_cohort(package(tmp_path / "diary", diary=diary)))["level"])

    def test_what_was_not_recorded_is_named(self, tmp_path: Path) -> None:
        cohort = open_cohort(package(tmp_path / "list"))
        said = "Whether activity goes with cramps, from day to day, could not be estimated: none of "
        unanswered = analyses.run("activity", cohort).unanswered
        assert unanswered and unanswered.startswith(said)
        assert (
            unanswered.endswith("stretching before bed and sitting was recorded.") and "none of them" not in unanswered
        )

    def test_cramps_are_studied_as_ever(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(3)
        nights = [(f"P{i}", date(2025, 1, 1) + timedelta(days=9 * j + i % 4)) for i in range(14) for j in range(4)]
        people = "participant_id,age_years,sex\n" + "".join(f"P{i},{50 + 2 * i},female\n" for i in range(14))
        events = "".join(f"{who},{night},1\n" for who, night in nights)
        zeros = events + "".join(f"{who},{night + timedelta(days=5)},0\n" for who, night in nights)
        episodes = "participant_id,date,episode,pain_0_10,site,remedy,relief_s\n" + "".join(
            f"{who},{night},1,{rng.integers(2, 9)},calf,{'stretch' if j % 2 else 'heat'},{rng.integers(30, 600)}\n"
            for j, (who, night) in enumerate(nights)
        )
        one, other = (
            open_cohort(package(tmp_path / name, people, diary, episodes=episodes, described='{"kind": "diary"}'))
            for name, diary in (("list", events), ("diary", zeros))
        )
        assert denominator(one).why_not and not denominator(other).why_not
        for asked in ({"model": "ordinal", "outcome": "pain"}, {"model": "cox", "outcome": "relief"}):
            found = fit(one, terms="age_decade", **asked)
            assert found.status == "converged"
            pd.testing.assert_frame_equal(found.estimates, fit(other, terms="age_decade", **asked).estimates)
        relief = describe(one, outcome="relief").estimates
        assert (relief["status"] == "converged").any()
        pd.testing.assert_frame_equal(relief, describe(other, outcome="relief").estimates)


class TestNoGap:
    NIGHTLY = "A,2025-01-01,1\nA,2025-01-02,2\nA,2025-01-03,1\nB,2025-01-01,1\nB,2025-01-02,1\nC,2025-01-05,1\n"

    def test_who_cramps_every_night_has_a_rate_and_a_notice(self, tmp_path: Path, run: Run) -> None:
        folder = package(tmp_path / "nightly", diary=self.NIGHTLY)
        row = overall(open_cohort(folder))
        assert row["estimate"] == pytest.approx(7 * 7 / 6) and row["status"] != "not_estimable"
        assert NO_ZERO in run("validate", str(folder))[1]
        code, out, err = run("describe", str(folder), "--csv")
        assert code == 0 and NO_ZERO in err and NO_ZERO not in out

    def test_a_first_look_says_so_too(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "n.csv").write_text(f"who,date,cramps\n{self.NIGHTLY}", encoding="utf-8")
        look = json.loads(run("try", str(tmp_path / "n.csv"), "--json")[1])
        assert look["incidence_rate"]["estimate"] == pytest.approx(7 * 7 / 6)
        assert NO_ZERO in look["notices"]

    @pytest.mark.parametrize(
        ("counts", "why_not", "doubt"),
        [((0, 7, 88), True, False), ((0, 7, 0), False, True), ((1, 7, 88), False, False), ((0, 0, 9), False, False)],
    )
    def test_the_definition(self, counts: tuple[int, int, int], why_not: bool, doubt: bool) -> None:
        found = Denominator.of(*counts)
        assert (found.why_not is not None, found.doubt is not None) == (why_not, doubt)

    def test_one_night_without_a_cramp_makes_a_diary(self, tmp_path: Path) -> None:
        row = overall(open_cohort(package(tmp_path / "diary", diary=EVENTS + "C,2025-02-10,0\n")))
        assert row["estimate"] == pytest.approx(10 / 8 * 7) and row["status"] != "not_estimable"


class TestTheWord:
    def test_inside_the_participants_windows(self, tmp_path: Path, run: Run) -> None:
        folder = package(tmp_path / "list", WINDOWED)
        row = overall(open_cohort(stated(folder, unlogged="zero")))
        assert round(row["estimate"], 2) == 0.74
        assert row[["n_participants", "n_nights", "n_events"]].tolist() == [3, 95, 10]
        code, _, err = run("fit", str(folder), "--model", "poisson", "--terms", "1", "--unlogged", "zero", "--csv")
        assert code == 0
        assert "88 of the 95 nights in the windows of 3 participants have no row" in err

    def test_what_was_filled_is_told_of_the_package_that_was_written(self, tmp_path: Path, run: Run) -> None:
        folder, out = package(tmp_path / "list", WINDOWED), tmp_path / "out"
        assert run("import", str(folder), "--unlogged", "zero", "--out", str(out))[0] == 0
        written = load(out)
        assert written.cohort.attrition.unlogged == load(stated(folder, unlogged="zero")).cohort.attrition.unlogged
        _, _, err = run("describe", str(out), "--by", "sex")
        assert "88 of the 95 nights in the windows of 3 participants have no row" in err

    def test_the_sections_say_what_was_made_of_nights_without_a_row(self, tmp_path: Path) -> None:
        folder = package(tmp_path / "list", WINDOWED)
        plain, filled = open_cohort(str(folder)), open_cohort(stated(folder, unlogged="zero"))
        assert (plain.attrition.filled, filled.attrition.filled) == (0, 88)
        said = "88 of the 95 nights in the windows of 3 participants have no row and were taken as nights without a"
        never = "never counted as a night or a month without cramps"
        values = [analyses.run("cohort", each).values["unrecorded"] for each in (plain, filled)]
        assert never in values[0] and never not in values[1] and said in values[1]
        steps = {(row["outcome"], row["level"]): row for row in wording.records(flow(filled))}
        assert [steps["nights", level]["estimate"] for level in ("in the file", "accepted", "logged")] == [7, 95, 95]
        assert steps["nights", "accepted"]["note"] == "88 without a row, taken as without a cramp"
        assert flow(plain)["note"].isna().all()
        empty = estimates.frame([])
        gaps = [methods_said.gaps(each, flow(each), empty) for each in (plain, filled)]
        assert "never a night without cramps" in gaps[0] and "never a night without cramps" not in gaps[1]
        assert said in gaps[1] and "Any other night without a count is unobserved; 0 nights of 95" in gaps[1]

    @pytest.mark.parametrize("word", [WORD, {}])
    def test_the_first_page_has_what_the_source_says(self, tmp_path: Path, word: Mapping[str, str]) -> None:
        source = with_unlogged(str(package(tmp_path / "list")), word)
        subject = Subject((open_cohort(source),), (source,), {})
        outline = Outline("Research insights", ())
        front = front_matter.front_matter(outline, subject, {"ci_level": 0.95}, {"ci_level": "level"})
        assert {name: value for name, value, _ in front.parameters} == {**word, "ci_level": "0.95"}

    def test_a_comparison_says_it_of_the_cohort_that_it_is_of(self, tmp_path: Path) -> None:
        folder = package(tmp_path / "list", WINDOWED)
        filled = open_cohort(stated(folder, unlogged="zero"))
        plain = simulate(4, 10, seed=1)
        said = compared_methods.design((filled, plain), ComparisonSettings(), estimates.frame([]), {"crampstudy": "0"})
        assert "In list nights without a row were taken as nights without a cramp" in said.replace("in list", "In list")
        assert "Any other night without a count is unobserved" in said and "never a night" not in said

    def test_a_window_that_ends_before_it_begins_rejects_no_night(self, tmp_path: Path) -> None:
        people = WINDOWED.replace("A,61,female,2025-01-04,2025-02-02", "A,61,female,2025-02-02,2025-01-04")
        loaded = load(package(tmp_path / "list", people))
        assert loaded.ledger.select("column", "rule").rows() == [
            ("diary_start", "stop-before-start"),
            ("diary_end", "stop-before-start"),
        ]

    def test_inside_one_window_for_all(self, tmp_path: Path) -> None:
        loaded = load(stated(package(tmp_path / "list")))
        assert overall(loaded.cohort)["estimate"] == pytest.approx(10 / (3 * 59) * 7)
        assert loaded.cohort.attrition.unlogged is not None
        assert loaded.cohort.attrition.unlogged.startswith("170 of the 177 nights in the windows of 3 participants")
        assert [(t.table, t.read, t.accepted) for t in loaded.cohort.attrition.tables][1] == ("diary", 7, 7)

    def test_an_own_window_goes_before_the_one_for_all(self, tmp_path: Path) -> None:
        people = WINDOWED.replace("A,61,female,2025-01-04,2025-02-02", "A,61,female,2025-01-04,")
        row = overall(open_cohort(stated(package(tmp_path / "list", people))))
        assert row["n_nights"] == 56 + 41 + 24

    def test_a_term_that_only_nights_with_a_cramp_have_brings_the_list_back(self, tmp_path: Path) -> None:
        rows = "".join(f"{row},{i % 3},7\n" for i, row in enumerate(EVENTS.splitlines()))
        diary = f"participant_id,date,cramps,alcohol_units,hours_in_bed\n{rows}"
        cohort = open_cohort(stated(package(tmp_path / "list", diary=diary)))
        for asked in ({"terms": "alcohol_units"}, {"terms": "sex", "exposure": "hours_in_bed"}):
            found = fit(cohort, model="poisson", covariance="model", **asked).estimates
            assert found["status"].eq("not_estimable").all() and found["estimate"].isna().all()
            assert found["note"].str.startswith("every night that is complete on the terms has a cramp").any()
        assert fit(cohort, model="poisson", covariance="model", terms="sex").status == "converged"

    def test_who_had_no_cramp_is_in_the_denominator(self, tmp_path: Path) -> None:
        row = overall(open_cohort(stated(package(tmp_path / "list", PEOPLE + "D,66,male\n"))))
        assert row[["n_participants", "n_nights", "n_events"]].tolist() == [4, 4 * 59, 10]
        assert row["estimate"] == pytest.approx(10 / (4 * 59) * 7)

    def test_without_a_window_it_is_refused_with_an_example(self, tmp_path: Path, run: Run, shared: Path) -> None:
        file = str(shared / "cases" / "20-event-only" / "events.csv")
        for command in (("try", file), ("validate", str(package(tmp_path / "list")))):
            code, _, err = run(*command, "--unlogged", "zero")
            assert code == 2
            assert "3 of 3 participants (A, B, C) have no diary_start or diary_end" in err
            assert "--unlogged zero --observed-from 2025-01-01 --observed-to 2025-03-31" in err
            assert "From the first cramp to the last every rate is too high" in err

    def test_a_first_look_with_a_window(self, shared: Path, run: Run) -> None:
        file = str(shared / "cases" / "20-event-only" / "events.csv")
        window = ("--observed-from", "2025-01-01", "--observed-to", "2025-02-28")
        look = json.loads(run("try", file, "--unlogged", "zero", *window, "--json")[1])
        assert look["incidence_rate"]["estimate"] == pytest.approx(10 / 177 * 7)
        window = ("--observed-from", "2025-01-05", "--observed-to", "2025-02-28")
        look = json.loads(run("try", file, "--unlogged", "zero", *window, "--json")[1])
        assert [(row["line"], row["value"]) for row in look["left_out"]] == [(2, "2025-01-04")]
        assert "runs from 2025-01-05 to 2025-02-28" in look["left_out"][0]["reason"]
        assert look["incidence_rate"]["estimate"] == pytest.approx(9 / (3 * 55) * 7)

    @pytest.mark.parametrize("said", ['"unlogged": "zero"', '"unlogged": "zero", "observed_to": "2025-02-28"'])
    def test_in_the_descriptor(self, tmp_path: Path, said: str) -> None:
        folder = package(tmp_path / "list", WINDOWED, described=f'{{"kind": "diary", {said}}}')
        assert overall(open_cohort(folder))["n_nights"] == 95

    def test_the_source_completes_what_the_descriptor_says(self, tmp_path: Path) -> None:
        folder = package(tmp_path / "list", described='{"unlogged": "zero", "observed_from": "2025-01-01"}')
        assert overall(open_cohort(stated(folder, observed_to="2025-01-31")))["n_nights"] == 3 * 31

    def test_a_source_takes_it_however_it_is_written(self, tmp_path: Path) -> None:
        folder = package(tmp_path / "list", WINDOWED)
        for source in (f"{folder}?unlogged=zero", f"package:{folder}?unlogged=zero"):
            assert overall(open_cohort(source))["n_nights"] == 95

    def test_a_redcap_export_takes_it_too(self, tmp_path: Path) -> None:
        (tmp_path / "export.csv").write_text(
            "participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,diary_start,diary_end,"
            "participants_complete,date,cramps,diary_complete\n"
            "001,,,72,female,2025-01-01,2025-01-31,2,,,\n001,diary,1,,,,,,2025-01-04,2,2\n"
            "001,diary,2,,,,,,2025-01-09,1,2\n002,,,58,male,2025-01-01,2025-01-21,2,,,\n"
            "003,,,61,male,2025-01-08,2025-01-31,2,,,\n",
            encoding="utf-8",
        )
        assert refused(describe(open_cohort(f"redcap:{tmp_path / 'export.csv'}")).estimates)
        row = overall(open_cohort(f"redcap:{tmp_path / 'export.csv'}?unlogged=zero"))
        assert row[["n_participants", "n_nights", "n_events"]].tolist() == [3, 31 + 21 + 24, 3]

    def test_import_writes_the_zeros(self, tmp_path: Path, run: Run) -> None:
        folder = package(tmp_path / "list", WINDOWED)
        code, out, _ = run("import", str(folder), "--out", str(tmp_path / "made"), "--unlogged", "zero")
        assert code == 0 and "88 of the 95 nights" in out
        made = open_cohort(tmp_path / "made")
        assert made.frame("diary").height == 95 and "88 of the 95 nights" in str(made.attrition.unlogged)
        assert overall(made)["estimate"] == overall(open_cohort(stated(folder, unlogged="zero")))["estimate"]

    @pytest.mark.parametrize(
        ("said", "complaint"),
        [
            ({"unlogged": "no"}, r"unlogged is 'no'; allowed: zero"),
            ({"observed_from": "2025-01-01"}, r"observed_from goes with the word .*unlogged zero"),
            ({"unlogged": "zero", "observed_from": "1.1.2025"}, r"observed_from is '1\.1\.2025', which is not a date"),
            (WORD | {"observed_to": "2024-12-31"}, r"observed_to is 2024-12-31, before observed_from, 2025-01-01"),
            (WORD | {"observed_to": "2999-12-31"}, r"the window ends after .* first A: 2025-01-01 to 2999-12-31"),
            ({"unlogged": "zero", "observed_from": "2025-01-01"}, r"\(A, B, C\) have no diary_end\."),
        ],
    )
    def test_what_is_no_word_is_refused(self, tmp_path: Path, said: Mapping[str, str], complaint: str) -> None:
        folder = package(tmp_path / "list")
        with pytest.raises(UsageError, match=complaint):
            load(with_unlogged(str(folder), said))
        if said.get("observed_to") != "2999-12-31" and "diary_end" not in complaint:
            with pytest.raises(SourceError, match=f"datapackage.json: crampstudy.{complaint}"):
                load(package(tmp_path / "told", described=json.dumps(dict(said))))

    def test_one_without_a_window_is_named(self, tmp_path: Path) -> None:
        people = WINDOWED.replace("2025-01-11,2025-02-20", ",")
        with pytest.raises(UsageError, match=r"1 of 3 participants \(B\) have no diary_start or diary_end"):
            load(stated(package(tmp_path / "list", people), unlogged="zero"))

    def test_an_end_before_the_start_is_blanked_and_then_missing(self, tmp_path: Path) -> None:
        folder = package(tmp_path / "list", WINDOWED.replace("2025-01-11,2025-02-20", "2025-02-20,2025-01-11"))
        ledger = load(folder).ledger.filter(pl.col("rule") == "stop-before-start")
        assert ledger.select("line", "column", "value", "severity").rows() == [
            (3, "diary_start", "2025-02-20", "blank-cell"),
            (3, "diary_end", "2025-01-11", "blank-cell"),
        ]
        with pytest.raises(UsageError, match=r"1 of 3 participants \(B\) have no diary_start or diary_end"):
            load(stated(folder, unlogged="zero"))

    def test_a_survey_has_no_nights(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="nhanes has no option 'unlogged'"):
            load(f"nhanes:{tmp_path}?unlogged=zero")


class TestWhatStaysUnobserved:
    def nights(self, loaded: Any) -> dict[tuple[str, str], int | None]:
        diary = loaded.cohort.frame("diary")
        return {(who, str(night)): n for who, night, n in diary.select("participant_id", "date", "cramps").rows()}

    def test_an_entry_that_was_not_made(self, tmp_path: Path) -> None:
        diary = "participant_id,date,entry_made,cramps,sleep_hours\nA,2025-01-04,true,1,7\nA,2025-01-06,false,,\n"
        loaded = load(stated(package(tmp_path / "list", diary=diary + "B,2025-01-04,,2,8\nC,2025-01-05,true,,5\n")))
        found = self.nights(loaded)
        assert (found["A", "2025-01-05"], found["A", "2025-01-06"], found["C", "2025-01-05"]) == (0, None, None)
        assert overall(loaded.cohort)["n_nights"] == 3 * 59 - 2
        assert "2 stay unobserved" in str(loaded.cohort.attrition.unlogged)
        new = loaded.cohort.frame("diary").filter(pl.col("cramps") == 0).select("entry_made", "sleep_hours")
        assert new.null_count().row(0) == (new.height, new.height)

    def test_a_row_that_was_set_aside_was_not_a_night_without_a_cramp(self, tmp_path: Path) -> None:
        diary = EVENTS + "B,2025-01-14,many\nC,2025-02-01,1\nC,2025-02-01,2\nA,2025-02-31,1\nZ,2025-01-01,1\n"
        loaded = load(stated(package(tmp_path / "list", diary=diary)))
        found = self.nights(loaded)
        assert ("B", "2025-01-14") not in found and ("C", "2025-02-01") not in found
        assert overall(loaded.cohort)["n_nights"] == 3 * 59 - 2
        assert "2 stay unobserved" in str(loaded.cohort.attrition.unlogged)

    def test_a_night_with_an_episode(self, tmp_path: Path) -> None:
        episodes = "participant_id,date,episode,pain_0_10\nA,2025-01-04,1,5\nB,2025-01-20,1,4\n"
        loaded = load(stated(package(tmp_path / "list", episodes=episodes)))
        assert ("B", "2025-01-20") not in self.nights(loaded)

    def test_in_a_first_look(self, tmp_path: Path) -> None:
        (tmp_path / "e.csv").write_text(
            "who,date,cramps\nA,2025-01-04,1\nA,2025-01-06,x\nB,2025-01-05,1\nB,2025-01-05,2\nB,2025-01-07,\nB,2025-01-08,1\n"
        )
        nights = bare_list.read(tmp_path / "e.csv", StatedList(word=Unlogged(date(2025, 1, 1), date(2025, 1, 10))))
        unobserved = nights.frame.filter(pl.col("cramps").is_null())
        assert nights.frame.height == 2 * 10 - 2 and unobserved.height == 1
        assert "16 of the 20 nights" not in nights.notices[0] and nights.notices[0].startswith("15 of the 20 nights")

    def test_events_outside_the_window_are_in_the_ledger(self, tmp_path: Path) -> None:
        folder = package(tmp_path / "list", WINDOWED.replace("2025-02-20", "2025-02-10"))
        for source in (folder, stated(folder, unlogged="zero")):
            row = load(source).ledger.row(0, named=True)
            assert (row["line"], row["value"], row["rule"], row["severity"]) == (
                6,
                "2025-02-20",
                "window",
                "reject-row",
            )
            assert "runs from 2025-01-11 to 2025-02-10" in row["hint"]
        assert overall(open_cohort(stated(folder, unlogged="zero")))[["n_nights", "n_events"]].tolist() == [85, 9]

    def test_the_study_window_bounds_the_own_one(self, tmp_path: Path) -> None:
        described = '{"window": ["2025-01-01", "2025-01-31"]}'
        loaded = load(stated(package(tmp_path / "list", described=described)))
        assert overall(loaded.cohort)[["n_nights", "n_events"]].tolist() == [3 * 31, 8]


day = st.integers(0, 40).map(lambda n: date(2025, 1, 1) + timedelta(days=n))


@settings(max_examples=15)
@given(
    st.lists(
        st.tuples(st.integers(20, 90), day, st.integers(1, 60), st.dictionaries(st.integers(0, 59), st.integers(1, 5))),
        min_size=3,
        max_size=8,
    )
)
def test_filled_nights_are_those_that_were_written_down(
    tmp_path_factory: pytest.TempPathFactory, people: list[tuple[int, date, int, dict[int, int]]]
) -> None:
    folder = tmp_path_factory.mktemp("twins")
    head, rows, events, written = "participant_id,age_years,sex,diary_start,diary_end\n", "", "", ""
    people[0] = (*people[0][:3], people[0][3] | {0: 1})
    for i, (age, start, length, cramps) in enumerate(people):
        rows += f"P{i},{age},{'male' if i % 2 else 'female'},{start},{start + timedelta(days=length - 1)}\n"
        events += "".join(f"P{i},{start + timedelta(days=n)},{k}\n" for n, k in cramps.items() if n < length)
        written += "".join(f"P{i},{start + timedelta(days=n)},{cramps.get(n, 0)}\n" for n in range(length))
    filled = open_cohort(stated(package(folder / "twin", head + rows, events), unlogged="zero"))
    (folder / "twin").rename(folder / "before")
    explicit = open_cohort(package(folder / "twin", head + rows, written))
    assert filled.digest == explicit.digest
    pd.testing.assert_frame_equal(describe(filled).estimates, describe(explicit).estimates)
    one, other = (fit(cohort, model="poisson", terms="age_decade").estimates for cohort in (filled, explicit))
    pd.testing.assert_frame_equal(one, other)


class TestCountedRows:
    HEAD = "who,age,sex,at,limb\n"
    ROWS = (
        "A,61,female,2025-01-04 23:10,left\nA,61,female,2025-01-05 03:40,left\nA,61,female,2025-01-05 03:40,left\n"
        "A,61,female,2025-01-19 02:00,right\nB,72,male,2025-01-11 23:59,left\n"
    )

    def source(self, folder: Path, rows: str = ROWS, top: str = "", more: str = "", own: str = "") -> str:
        (folder / "events.csv").write_text(self.HEAD + rows, encoding="utf-8")
        (folder / "m.yaml").write_text(
            f"version: 1\nname: app\nclock: {{date: timestamp}}\n{top}\ntables:\n"
            "  participants: {rows: {distinct: true}, columns: {participant_id: who, age_years: age, sex: sex}}\n"
            "  diary: {columns: {participant_id: who, date: {from: at, format: '%Y-%m-%d %H:%M'}, cramps: {count: rows}"
            f"{more}}}{own}}}\n",
            encoding="utf-8",
        )
        return f"mapped:{folder / 'events.csv'}?mapping={folder / 'm.yaml'}"

    def test_the_rows_of_a_night_are_counted_and_none_is_a_duplicate(self, tmp_path: Path) -> None:
        loaded = load(self.source(tmp_path))
        assert loaded.cohort.frame("diary").select("participant_id", "date", "cramps").rows() == [
            ("A", date(2025, 1, 4), 3),
            ("A", date(2025, 1, 18), 1),
            ("B", date(2025, 1, 11), 1),
        ]
        assert loaded.ledger.is_empty()
        assert (
            "events.csv, diary: cramps: 5 rows, each one cramp, counted into 3 nights"
            in loaded.cohort.attrition.notices
        )
        assert denominator(loaded.cohort).why_not

    def test_rows_of_a_night_that_nobody_counts_are_told_how(self, tmp_path: Path) -> None:
        ledger = load(package(tmp_path / "list", diary=EVENTS + "A,2025-01-04,1\nB,2025-01-11,2\n")).ledger
        assert ledger["rule"].to_list() == ["duplicate-conflict", "duplicate-exact", "duplicate-conflict"]
        assert all("cramps: {count: rows}" in hint for hint in ledger["hint"])

    def test_with_the_word_in_the_mapping(self, tmp_path: Path) -> None:
        top = "unlogged: zero\nobserved_from: 2025-01-01\nobserved_to: 2025-01-31"
        row = overall(open_cohort(self.source(tmp_path, top=top)))
        assert row[["n_nights", "n_events"]].tolist() == [62, 5]
        assert row["estimate"] == pytest.approx(5 / 62 * 7)

    def test_rows_without_a_night_are_rejected_one_by_one(self, tmp_path: Path) -> None:
        loaded = load(self.source(tmp_path, self.ROWS + "B,72,male,soon,left\nB,72,male,soon,left\nB,72,male,,left\n"))
        assert loaded.ledger.filter(pl.col("severity") == "reject-row")["line"].to_list() == [7, 8, 9]
        assert [(t.read, t.accepted, t.rejected) for t in loaded.cohort.attrition.tables][1] == (6, 3, 3)

    def test_other_columns_of_a_night_agree_or_are_refused(self, tmp_path: Path) -> None:
        agreeing = self.ROWS.replace("A,61,female,2025-01-05 03:40,left", "A,61,female,2025-01-05 03:40,", 1)
        loaded = load(self.source(tmp_path, agreeing, own=", own: {limb: text}"))
        assert loaded.cohort.frame("diary")["limb"].to_list() == ["left", "right", "left"]
        apart = self.ROWS.replace("A,61,female,2025-01-05 03:40,left", "A,61,female,2025-01-05 03:40,right", 1)
        complaint = (
            r"participant A, night 2025-01-04, has two values of limb, 'left' on line 2 and 'right' on line 3; correct "
            r"one, or take limb out of tables\.diary"
        )
        with pytest.raises(SourceError, match=complaint):
            load(self.source(tmp_path, apart, own=", own: {limb: text}"))

    @pytest.mark.parametrize(
        ("more", "complaint"),
        [
            (", sleep_hours: {count: rows}", "sleep_hours takes no count"),
            (", entry_made: {count: nights}", "entry_made takes no count"),
        ],
    )
    def test_nothing_else_is_counted(self, tmp_path: Path, more: str, complaint: str) -> None:
        with pytest.raises(SourceError, match=complaint):
            load(self.source(tmp_path, more=more))

    def test_a_wrong_word_names_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"m\.yaml, unlogged: unlogged is 'none'; allowed: zero"):
            load(self.source(tmp_path, top="unlogged: none"))

    def test_import_through_a_mapping_takes_the_word(self, tmp_path: Path, run: Run) -> None:
        self.source(tmp_path)
        command = ("import", str(tmp_path / "events.csv"), "--mapping", str(tmp_path / "m.yaml"))
        window = ("--unlogged", "zero", "--observed-from", "2025-01-01", "--observed-to", "2025-01-31")
        assert run(*command, "--out", str(tmp_path / "made"), *window)[0] == 0
        assert open_cohort(tmp_path / "made").frame("diary").height == 62

    def test_a_first_look_counts_rows_when_it_is_told(self, tmp_path: Path, run: Run) -> None:
        file = tmp_path / "two.csv"
        file.write_text("patient,date\nA,2025-01-04\nA,2025-01-04\nA,2025-01-19\nB,2025-01-11\n", encoding="utf-8")
        code, _, err = run("try", str(file))
        assert code == 4 and "no column has whole numbers of cramps" in err and "--cramps rows" in err
        look = json.loads(run("try", str(file), "--cramps", "rows", "--json")[1])
        assert [(n["participant_id"], n["date"], n["cramps"]) for n in look["nights"]] == [
            ("A", "2025-01-04", 2),
            ("A", "2025-01-19", 1),
            ("B", "2025-01-11", 1),
        ]
        assert look["left_out"] == [] and look["incidence_rate"]["status"] == "not_estimable"


class TestLargeDiaries:
    def parquet(self, folder: Path, diary: str = EVENTS, **described: Any) -> Path:
        rows = pl.read_csv(f"participant_id,date,cramps\n{diary}".encode(), try_parse_dates=True)
        (folder / "diary").mkdir(parents=True)
        # The nights of a participant stand in both parts, so that no part by itself has a gap.
        paths = []
        for n, part in enumerate((rows[::2], rows[1::2]), 1):
            paths.append(f"diary/part-{n:04d}.parquet")
            part.write_parquet(folder / paths[-1])
        (folder / "participants.csv").write_text(PEOPLE, encoding="utf-8")
        resources = [{"name": "participants", "path": "participants.csv"}, {"name": "diary", "path": paths}]
        content = {"name": "large", "resources": resources, "crampstudy": {"kind": "diary", **described}}
        (folder / "datapackage.json").write_text(json.dumps(content), encoding="utf-8")
        return folder

    def test_a_scanned_diary_is_held_to_the_same_rule(self, tmp_path: Path) -> None:
        pair = "A,2025-01-04,1\nA,2025-01-06,1\nB,2025-01-04,1\nB,2025-01-06,1\nC,2025-01-04,1\nC,2025-01-05,1\n"
        for name, diary in (("events", EVENTS), ("pairs", pair)):
            cohort = in_parts(self.parquet(tmp_path / name, diary))
            assert refused(fit(cohort, model="poisson", terms="age_decade", covariance="model").estimates)
        nightly = in_parts(self.parquet(tmp_path / "nightly", TestNoGap.NIGHTLY))
        assert denominator(nightly) == Denominator(doubt=NO_ZERO)
        zero = in_parts(self.parquet(tmp_path / "zero", EVENTS + "C,2025-02-10,0\n"))
        assert denominator(zero) == Denominator()

    def test_validation_in_parts_says_what_the_whole_says(self, tmp_path: Path) -> None:
        folder = self.parquet(tmp_path / "events")
        summary = chunked.validate(folder, large=1, size=2)
        assert summary is not None
        assert summary.notices == (f"no rate can be estimated: {NO_DENOMINATOR}",)

    def test_the_word_is_for_the_whole(self, tmp_path: Path) -> None:
        folder = self.parquet(tmp_path / "told", **WORD)
        plain = self.parquet(tmp_path / "plain")
        for source in (str(folder), stated(plain)):
            assert chunked.validate(source, large=1, size=2) is None
            with pytest.raises(UsageError, match=r"crampstudy import .* --format parquet --out FILLED"):
                in_parts(source)
        assert overall(open_cohort(folder))["n_nights"] == 3 * 59
