"""Files as people have them: one person's list, names and labels of statistical files, columns that count nothing."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
from tests.test_first_study import Run, counts, mapping, nights, tried, workbook, write

from crampstudy import analyses
from crampstudy.sources import open_cohort
from crampstudy.sources.readers.mapped.mapping import parse

DAYS = [date(2025, 3, 10) + timedelta(n) for n in range(6)]
COUNTS = [1, 0, 2, 0, 0, 1]
BARE = "date,cramps\n" + "".join(f"{day},{n}\n" for day, n in zip(DAYS, COUNTS, strict=True))


class TestOnePerson:
    @pytest.mark.parametrize(
        "text",
        [
            BARE,
            BARE.removeprefix("date,cramps\n"),
            "nr,date,cramps\n" + "".join(f"{n},{line}\n" for n, line in enumerate(BARE.splitlines()[1:], 1)),
            # A remark now and then, a measure, and a yes or no are nobody's names.
            "date,cramps,sleep hours,note,statin\n"
            + "".join(
                f"{line},{6 + n},{'bad' if n in (1, 4) else ''},{'yes' if n % 2 else 'no'}\n"
                for n, line in enumerate(BARE.splitlines()[1:])
            ),
            ",".join(map(str, DAYS)) + "\n" + ",".join(map(str, COUNTS)) + "\n",
        ],
        ids=["two-columns", "without-a-header", "rows-numbered", "other-columns", "wide"],
    )
    def test_everyone_is_1_and_it_is_said(self, run: Run, tmp_path: Path, text: str) -> None:
        study = tried(run, tmp_path, text)
        assert nights(study) == [("1", day, n) for day, n in zip(DAYS, COUNTS, strict=True)]
        assert "participant_id: {constant: 1}" in mapping(tmp_path)
        out = run("try", str(tmp_path / "f.csv"))[1]
        assert "f.csv: no column says who, and no night stands twice: all nights are of one participant" in out

    def test_in_a_workbook(self, run: Run, tmp_path: Path) -> None:
        rows = [["Night", "Number of cramps"], *([day, n] for day, n in zip(DAYS, COUNTS, strict=True))]
        assert counts(tried(run, tmp_path, lambda path: workbook(path, S=rows), name="n.xlsx")) == (1, 6, 4)

    def test_of_events(self, run: Run, tmp_path: Path) -> None:
        rows = "when,what\n2025-03-10,left calf\n2025-03-10,foot\n2025-03-12,right\n"
        window = ("--unlogged", "zero", "--observed-from", "2025-03-08", "--observed-to", "2025-03-14")
        study = tried(run, tmp_path, rows, "--cramps", "rows", "--who", "one", "--date", "when", *window)
        assert counts(study) == (1, 7, 3)
        assert "no column says who" not in run("try", str(tmp_path / "f.csv"), "--cramps", "rows", "--who", "one")[1]

    def test_a_night_that_stands_twice_is_asked_about(self, run: Run, tmp_path: Path) -> None:
        file = write(tmp_path, "l.csv", "date,cramps\n2025-03-10,1\n2025-03-11,0\n2025-03-10,1\n")
        code, _, err = run("try", file)
        assert code == 4 and "no column says who, and 2025-03-10 stands on lines 2 and 4" in err
        assert "say --who one" in err
        code, out, err = run("try", file, "--who", "one")
        assert code == 0 and "1 cramp in 2 observed nights of 1 participant" in out

    def test_a_column_of_that_name_is_a_column(self, run: Run, tmp_path: Path) -> None:
        rows = "one,date,cramps\nA,2025-03-10,1\nB,2025-03-10,0\n"
        assert counts(tried(run, tmp_path, rows, "--who", "one")) == (2, 2, 1)


class TestWhichColumnCounts:
    HEADERS = (
        "id,datum,kraempfe,age,sex",
        "id,datum,anz_kraempfe,alter,geschlecht",
        "id,datum,krampf_anz,age,redcap_repeat_instance",
        "id,date,n_nights_cramp,redcap_repeat_instance,diary_complete",
        "id,date,x,Pain (0-10),age",
        "id,date,x,Schmerzstärke,Krampfdauer",
        "id,date,x,alcohol_units,age",
    )

    @pytest.mark.parametrize("header", HEADERS)
    def test_ages_pains_and_what_a_form_says_of_itself_do_not(self, run: Run, tmp_path: Path, header: str) -> None:
        rows = "".join(f"{who},{day},{n},61,1\n" for who in "AB" for day, n in zip(DAYS, COUNTS, strict=True))
        assert counts(tried(run, tmp_path, f"{header}\n{rows}")) == (2, 12, 8)

    @pytest.mark.parametrize("what", ["Pain", "pain_0_10", "Intensität", "Krampfdauer", "duration of cramp"])
    def test_what_is_measured_of_a_cramp_is_no_count(self, run: Run, tmp_path: Path, what: str) -> None:
        """A list of events with their pain was read as one of seven cramps a night."""
        code, _, err = run("try", write(tmp_path, "e.csv", f"ID,Date,{what}\nA,2025-03-10,7\nA,2025-03-12,4\n"))
        assert code == 4 and "where each row is one cramp, say --cramps rows" in err
        assert run("try", str(tmp_path / "e.csv"), "--cramps", "rows")[0] == 0

    def test_labels_of_columns_are_headings(self, run: Run, tmp_path: Path) -> None:
        def spss(path: Path) -> None:
            frame = pd.DataFrame({"v1": ["A", "A"], "v2": DAYS[:2], "v3": [1.0, 0.0], "v4": [3.0, 2.0]})
            labels = {"v1": "Participant", "v3": "Number of cramps last night", "v4": "Cups of tea"}
            pyreadstat.write_sav(frame, path, column_labels=labels)

        assert counts(tried(run, tmp_path, spss, name="d.sav")) == (1, 2, 1)

    def test_the_name_of_an_event_is_nobodys(self, run: Run, tmp_path: Path) -> None:
        rows = "Record ID,Event Name,Date of night,Number of cramps,Complete?\n"
        rows += "A,Baseline,,,Complete\n" + "A,Night 1,2025-03-10,2,Complete\nA,Night 2,2025-03-11,0,Complete\n"
        assert counts(tried(run, tmp_path, rows)) == (1, 2, 2)

    def test_milliseconds_called_ts(self, run: Run, tmp_path: Path) -> None:
        rows = "user,ts,cramps\nA,1741586400000,1\nA,1741672800000,0\n"
        study = tried(run, tmp_path, rows, "--time-zone", "Europe/Berlin", "--clock", "timestamp")
        assert nights(study) == [("A", date(2025, 3, 9), 1), ("A", date(2025, 3, 10), 0)]


class TestNightsWithACramp:
    ROWS = "who,date,cramp\n"
    ROWS += "".join(f"{who},{day},{'ja' if day.day % 2 else 'nein'}\n" for who in "AB" for day in DAYS)
    SAID = "cramp: a yes is read as 1: there was at least one cramp, and nobody knows how many; a rate is one of nights"

    def test_every_command_and_the_report_say_that_a_yes_is_no_count(self, run: Run, tmp_path: Path) -> None:
        tried(run, tmp_path, self.ROWS)
        study = str(tmp_path / "s")
        assert f"note: s: {self.SAID}" in run("describe", study)[2]
        assert f"note: {self.SAID}" in run("validate", study)[1]
        said = analyses.run("cohort", open_cohort(study)).tables["tbl-cleaning"].note
        assert said is not None and f"{self.SAID[:1].upper()}{self.SAID[1:]}" in said

    def test_it_stays_with_the_study_from_package_to_package(self, run: Run, tmp_path: Path) -> None:
        tried(run, tmp_path, self.ROWS)
        assert run("import", str(tmp_path / "s"), "--out", str(tmp_path / "copy"), "--format", "parquet")[0] == 0
        (said,) = open_cohort(tmp_path / "copy").attrition.remarks
        assert said.startswith(self.SAID)

    @pytest.mark.parametrize(
        ("codes", "remarks"),
        [
            ("{ja: 1, nein: 0}", 1),
            ("{x: 1, '': 0}", 1),
            ("{1: 1, 0: 0}", 1),
            ("{ja: 2, nein: 0}", 0),
            ("{1: 1, 0: 0, '': 0}", 0),
            ("{None: 0, 0: 0, 1: 1, 2: 2}", 0),
        ],
    )
    def test_codes_of_a_mapping_tell_it(self, codes: str, remarks: int) -> None:
        text = (
            "version: 1\nclock: {date: evening}\ntables:\n  participants:\n    columns: {participant_id: w}\n"
            f"  diary:\n    columns: {{participant_id: w, date: d, cramps: {{from: n, codes: {codes}}}}}\n"
        )
        assert len(parse(Path("m.yaml"), text).remarks) == remarks


class TestWhatElse:
    def test_times_in_a_column_of_their_own_may_be_of_the_morning_after(self, run: Run, tmp_path: Path) -> None:
        rows = "ID,Date,Time,Cramps\nA,2025-03-10,07:30,1\nA,2025-03-11,7:05 AM,0\n"
        tried(run, tmp_path, rows)
        file = str(tmp_path / "f.csv")
        said = "Date is taken as the date of the evening; Time has times before noon"
        assert said in run("try", file)[1] and "say --clock morning" in run("try", file)[1]
        assert said not in run("try", file, "--clock", "evening")[1]
        assert nights(tried(run, tmp_path, rows, "--clock", "morning"))[0] == ("A", date(2025, 3, 9), 1)
        assert "is taken as" not in run("try", write(tmp_path, "e.csv", rows.replace("07:30", "22:30")))[1]

    def test_the_age_at_the_first_night_is_said(self, run: Run, tmp_path: Path) -> None:
        rows = "ID,Date,Cramps,Age\nA,2025-03-11,1,70\nA,2025-03-10,0,69\n"
        study = tried(run, tmp_path, rows)
        assert study.frame("participants")["age_years"].to_list() == [69]
        said = "f.csv: age_years grows during the study in 1 participant, such as A: 69, then 70 from 2025-03-11 on"
        assert said in run("try", str(tmp_path / "f.csv"))[1]

    def test_a_heading_spans_the_last_columns(self, run: Run, tmp_path: Path) -> None:
        """The row of a sheet ends where its last heading stands, before the columns that this one spans."""

        def merged(path: Path) -> None:
            head = ["ID", "First night", "Sleep", None, None, "Cramps"]
            below = [None, None, "Day 1", "Day 2", "Day 3", "Day 1", "Day 2", "Day 3"]
            rows = [["A", DAYS[0], "6,5", "6,5", 7, 1, 0, 2], ["B", DAYS[1], 8, 8, 8, 0, 0, 1]]
            workbook(path, S=[["Diary 2025"], head, below, *rows])

        study = tried(run, tmp_path, merged, name="d.xlsx")
        assert counts(study) == (2, 6, 4)
        assert study.frame("diary")["Sleep"].to_list() == [6.5, 6.5, 7, 8, 8, 8]

    def test_what_is_the_same_on_each_night_stays_of_the_nights(self, run: Run, tmp_path: Path) -> None:
        rows = "ID,start,cramps_d1,cramps_d2,sleep_d1,sleep_d2\nA,2025-03-10,1,0,7,7\nB,2025-03-10,0,2,8,8\n"
        assert tried(run, tmp_path, rows).frame("diary")["sleep"].to_list() == [7, 7, 8, 8]

    @pytest.mark.parametrize(
        ("date_of", "cell", "allowed"),
        [
            ('{from: d, format: "%d.%m.%Y"}', "31.02.2025", "a date as %d.%m.%Y"),
            ('{from: d, format: ["%d.%m.%Y", "%d.%m.%y"]}', "2025-03-01", "a date as %d.%m.%Y or %d.%m.%y"),
            ('{from: d, format: "%d.%m.%Y %H:%M"}', "x", "a date as %d.%m.%Y %H:%M, from noon on"),
            ('{from: d, origin: "1899-12-30"}', "x", "a day number, day 0 is 1899-12-30"),
        ],
    )
    def test_a_rejected_date_is_held_to_what_the_mapping_says(
        self, run: Run, tmp_path: Path, date_of: str, cell: str, allowed: str
    ) -> None:
        good = {"%H": "01.03.2025 22:00", "ori": "45000"}
        other = next((text for key, text in good.items() if key in date_of), "01.03.2025")
        file = write(tmp_path, "d.csv", f"w,d,n\nA,{other},1\nB,{cell},0\n")
        write(
            tmp_path,
            "m.yaml",
            "version: 1\nclock: {date: evening}\ntables:\n  participants:\n    rows: {distinct: true}\n"
            "    columns: {participant_id: w}\n  diary:\n"
            f"    columns: {{participant_id: w, date: {date_of}, cramps: n}}\n",
        )
        out = run("validate", f"mapped:{file}?mapping={tmp_path}/m.yaml")[1]
        assert f"date = '{cell}': allowed is {allowed}, as the mapping says" in out and "YYYY" not in out

    def test_prompts_that_nobody_answered_end_early(self, run: Run, tmp_path: Path) -> None:
        rows = "who,date,cramps,mood\nA,2025-03-10,1,3\nA,2025-03-11\nA,2025-03-12,0,2\n"
        out = run("try", write(tmp_path, "s.csv", rows))[1]
        assert "--short empty reads them so" in out and "?short" not in out
        assert [n[2] for n in nights(tried(run, tmp_path, rows, "--short", "empty"))] == [1, None, 0]
        assert "short_rows: empty" in mapping(tmp_path)
