"""What was set aside travels with the package that is written: reading it again tells the same of the first files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from crampstudy import analyses, estimates, figures, tables, wording
from crampstudy.analyses.within import within
from crampstudy.cohort import Cohort
from crampstudy.descriptive.flow import ACCEPTED, IN_FILE, LOGGED, MEETING, NIGHTS, flow, shares
from crampstudy.errors import SourceError
from crampstudy.nights import of_cohort
from crampstudy.sources import load, open_cohort
from crampstudy.sources.address import with_unlogged
from crampstudy.sources.readers import package

Run = Callable[..., tuple[int, str, str]]
PEOPLE = "participant_id,age_years,sex,fluid_ml\nA,61,female,1500\nB,72,male,999999\nC,55,female,\n"
# Two nights that contradict each other, one that stands twice, an impossible count, and one without an age of its own.
DIARY = (
    "participant_id,date,cramps\nA,2025-01-04,1\nA,2025-01-05,0\nA,2025-01-05,2\nA,2025-01-06,0\nA,2025-01-06,0\n"
    "B,2025-01-04,-7\nB,2025-01-05,n/a\nB,2025-01-06,1\nC,2025-01-04,0\nC,2025-01-05,1\n"
)
LABS = (
    "participant_id,date,analyte,value,unit\nA,2025-01-05,serum_potassium,abc,mmol/L\nA,bad,serum_potassium,4,mmol/L\n"
)
WORD = {"unlogged": "zero", "observed_from": "2025-01-04", "observed_to": "2025-01-13"}


def study(folder: Path, people: str = PEOPLE, nights: str = DIARY, labs: str = "") -> Path:
    folder.mkdir()
    for name, text in (("participants", people), ("diary", nights), ("labs", labs)):
        if text:
            (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def told(cohort: Cohort) -> tuple[list[Any], ...]:
    """Return all that is told of what was set aside."""
    found = flow(cohort, youngest=20)
    steps = [(row["outcome"], row["level"], row["estimate"], row["note"]) for row in wording.with_none(found)]
    rules = tables.rules(cohort)
    return (
        steps,
        tables.cleaning(cohort).to_numpy().tolist(),
        rules.reset_index().to_numpy().tolist(),
        tables.data_quality(found, estimates.frame([]), cohort)["Number"].tolist(),
        [of_cohort(cohort).sentence()],
    )


@pytest.mark.parametrize("times", [1, 2])
def test_a_package_tells_what_its_files_told(tmp_path: Path, times: int) -> None:
    first = folder = study(tmp_path / "first", labs=LABS)
    for n in range(times):
        package.write(load(folder).cohort, folder := tmp_path / f"written{n}")
    one, other = open_cohort(str(first)), open_cohort(str(folder))
    assert told(other) == told(one)
    count = next(each for each in other.attrition.tables if each.table == "diary")
    assert (count.file, count.read, count.accepted, count.rejected) == ("diary.csv", 10, 6, 4)
    assert one.digest == other.digest
    values = [analyses.run("cohort", each).values["rules_broken"] for each in (one, other)]
    assert values == ["", ""]


def test_a_reading_of_what_was_written_rejects_nothing_of_it(tmp_path: Path, run: Run) -> None:
    package.write(load(study(tmp_path / "first")).cohort, out := tmp_path / "out")
    code, said, _ = run("validate", str(out), "--strict")
    assert code == 0 and "diary                  6         6         0" in said
    assert "diary was written of diary.csv, of which 4 of 10 rows were rejected and 0 cells blanked" in said


def test_a_study_that_was_tried(tmp_path: Path, run: Run) -> None:
    list_ = tmp_path / "nights.csv"
    list_.write_text(DIARY.replace("participant_id", "who").replace("n/a", ""), encoding="utf-8")
    assert run("try", str(list_), "--out", str(tmp_path / "out"))[0] == 0
    mapped = open_cohort(f"mapped:{list_}?mapping={tmp_path / 'out' / 'mapping.yaml'}")
    written = open_cohort(str(tmp_path / "out"))
    assert told(written)[0:3] == told(mapped)[0:3]
    assert next(each for each in written.attrition.tables if each.table == "diary").rejected == 4


def test_rows_that_are_edited_later_add_up(tmp_path: Path) -> None:
    package.write(load(study(tmp_path / "first")).cohort, out := tmp_path / "out")
    text = (out / "diary.csv").read_text(encoding="utf-8")
    lines = text.splitlines()
    (out / "diary.csv").write_text("\n".join([*lines[:-1], "C,2025-01-09,-1", "C,2025-01-10,0", ""]), encoding="utf-8")
    cohort = open_cohort(str(out))
    count = cohort.attrition.tables[1]
    assert (count.read, count.accepted, count.rejected) == (11, 6, 5)
    assert count.accepted == cohort.frame("diary").height
    assert any("diary.csv: 7 rows, where 6 were written" in said for said in cohort.attrition.notices)


def test_a_package_that_says_nothing_of_it_reads_as_it_stands(tmp_path: Path) -> None:
    package.write(load(study(tmp_path / "first")).cohort, out := tmp_path / "out")
    path = out / package.DESCRIPTOR
    content = json.loads(path.read_text(encoding="utf-8"))
    del content["crampstudy"]["set_aside"]
    path.write_text(json.dumps(content), encoding="utf-8")
    count = open_cohort(str(out)).attrition.tables[1]
    assert (count.read, count.accepted, count.rejected) == (6, 6, 0)
    clean = study(tmp_path / "clean", "participant_id,age_years,sex\nA,61,female\n", "\n".join(DIARY.splitlines()[:2]))
    package.write(load(clean).cohort, tmp_path / "of_clean")
    assert "set_aside" not in json.loads((tmp_path / "of_clean" / package.DESCRIPTOR).read_text())["crampstudy"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ([], "set_aside must be an object"),
        ({"tables": {"x": {}}}, "has 'x'; allowed: participants"),
        ({"tables": {"diary": {"file": "d.csv", "read": 3, "rejected": 4}}}, "4 rows rejected of 3 read"),
        ({"tables": {"diary": {"file": "d.csv", "read": -1}}}, "tables.diary.read must be a whole number"),
        ({"tables": {"diary": {"file": "d.csv", "read": True}}}, "tables.diary.read must be a whole number"),
        ({"tables": {"diary": {"read": 1}}}, "tables.diary.file must be the name of a file"),
        ({"rules": {}}, "set_aside.rules must be a list"),
        ({"rules": [{"rule": "X y", "severity": "warn", "table": "diary", "n": 1}]}, "entry 1: rule must be"),
        ({"rules": [{"rule": "type", "severity": "bad", "table": "diary", "n": 1}]}, "severity is 'bad'"),
        ({"rules": [{"rule": "type", "severity": "warn", "table": "x", "n": 1}]}, "table is 'x'"),
        ({"rules": [{"rule": "type", "severity": "warn", "table": "diary", "n": 1, "columns": {"a": 2}}]}, "have more"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, entry: Any, said: str) -> None:
    folder = study(tmp_path / "study")
    content = {"name": "x", "resources": [], "crampstudy": {"set_aside": entry}}
    (folder / package.DESCRIPTOR).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(SourceError) as error:
        load(folder)
    assert said in str(error.value) and package.DESCRIPTOR in str(error.value)


class TestNightsThatWereAdded:
    """They are no nights in the file, whichever way they came."""

    @pytest.fixture
    def both(self, tmp_path: Path) -> tuple[Cohort, Cohort]:
        folder = study(tmp_path / "study")
        at_once = open_cohort(with_unlogged(str(folder), WORD))
        package.write(at_once, tmp_path / "out")
        return at_once, open_cohort(str(tmp_path / "out"))

    def test_both_ways_tell_the_same_and_no_share_is_above_all(self, both: tuple[Cohort, Cohort]) -> None:
        assert told(both[0]) == told(both[1])
        for cohort in both:
            steps = flow(cohort)
            number = {(row["outcome"], row["level"]): row["estimate"] for row in wording.records(steps)}
            assert number[NIGHTS, IN_FILE] == 10 and number[NIGHTS, ACCEPTED] == cohort.frame("diary").height > 20
            left = shares(steps)
            assert left["estimate"].le(1).all()
            of_nights = left[left["outcome"] == NIGHTS]
            assert ACCEPTED not in set(of_nights["level"]) and set(of_nights["reference"]) == {ACCEPTED}
            table = tables.data_quality(steps, estimates.frame([]), cohort)["Number"]
            assert table["Nights accepted"] == f"{number[NIGHTS, ACCEPTED]:.0f}"
            assert table["Nights without a row, taken as without a cramp"] == f"{cohort.attrition.filled}"
            assert table["Nights logged"].endswith("% of those accepted)")

    def test_those_of_whom_a_condition_is_not_met_are_still_told(self, both: tuple[Cohort, Cohort]) -> None:
        for cohort in both:
            women = within(cohort, "sex = 'female'")
            number = {(row["outcome"], row["level"]): row["estimate"] for row in wording.records(flow(women))}
            everybody, hers = cohort.frame("diary").height, women.frame("diary").height
            assert number[NIGHTS, IN_FILE] == 10 and number[NIGHTS, ACCEPTED] == everybody
            assert number[NIGHTS, MEETING] == hers == number[NIGHTS, LOGGED]
            assert of_cohort(women).found == everybody

    def test_what_counts_them_as_expected_observed_or_logged_says_so(self, both: tuple[Cohort, Cohort]) -> None:
        taken = " or taken as without a cramp"
        for cohort in both:
            found = analyses.run("cohort", cohort)
            assert found.values["observed"].endswith(f" were observed{taken}")
            note = found.tables["tbl-completeness"].note or ""
            assert "of the entries and the window together; observed are those with a count" in note
            assert "first and last entry" not in note
            assert found.figures["fig-completeness"].caption.startswith(f"Nights that were logged{taken}, by ")
            steps = tables.cohort_flow(flow(cohort)).index.tolist()
            assert ("Nights", f"Logged{taken}") in steps and ("Participants", "Logged") in steps
            drawn = figures.cohort_flow(flow(cohort))
            assert any(text.get_text().endswith(f"nights\nlogged{taken}") for text in drawn.axes[0].texts)

    def test_the_quality_of_the_data_says_what_logged_is(self, tmp_path: Path) -> None:
        people = "participant_id,age_years,sex\nA,61,female\nB,72,male\nC,55,female\n"
        folder = str(study(tmp_path / "study", people=people))
        for source, n in ((folder, 0), (with_unlogged(folder, WORD), 1)):
            note = analyses.run("summary", open_cohort(source)).tables["tbl-data-quality"].note or ""
            assert note.count("Logged are nights with a count or taken as without a cramp.") == n

    def test_a_diary_of_its_rows_alone_says_nothing_of_it(self, tmp_path: Path) -> None:
        found = analyses.run("cohort", open_cohort(str(study(tmp_path / "study"))))
        note = found.tables["tbl-completeness"].note or ""
        assert note.startswith("Expected are the calendar nights between a participant's first and last entry.")
        assert found.values["observed"].endswith(" were observed")

    def test_a_later_word_says_what_it_cannot_know(self, tmp_path: Path) -> None:
        package.write(load(study(tmp_path / "study")).cohort, tmp_path / "out")
        said = open_cohort(with_unlogged(str(tmp_path / "out"), WORD)).attrition.unlogged
        assert said is not None and "the 4 rows of diary.csv that were rejected before these files were written" in said


def test_a_variable_is_named_with_its_table_where_its_name_does_not_tell(tmp_path: Path) -> None:
    nights = DIARY + "C,2025-13-01,0\n"
    cohort = open_cohort(str(study(tmp_path / "study", nights=nights, labs=LABS)))
    named: pd.Series[str] = tables.rules(cohort)["Variable"]
    of_labs = {"Date of the sample (labs)", "Serum potassium (labs)"}
    assert of_labs | {"Night (diary)", "Cramps", "whole row (diary)"} <= {*named}
    assert tables.rules(cohort).reset_index()[["Rule", "Variable", "Consequence"]].duplicated().sum() == 0
    assert wording.term("date") == "Night"
