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
