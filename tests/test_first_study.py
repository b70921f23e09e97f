"""From files as people have them to a study: how they are understood, what is written, what is asked."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pyreadstat
import pytest

from crampstudy.cohort import Cohort
from crampstudy.sources import open_cohort

Run = Callable[..., tuple[int, str, str]]
Counts = tuple[int, int, int]
PAGE = (Path(__file__).parents[1] / "docs/first-steps.md").read_text(encoding="utf-8")
TABLE = re.findall(r"^\| ([^|]+?) \| `(crampstudy (?:try|import) [^`]+)` \|", PAGE, re.MULTILINE)
QUALTRICS = (
    "StartDate,Status,ResponseId,ExternalReference,Q1,Q2,Q3\n"
    "Start Date,Response Type,Response ID,External Data Reference,How many cramps?,Age,Sex\n"
    + ",".join(
        f'"{{""ImportId"":""{name}""}}"'
        for name in ("startDate", "status", "_recordId", "externalDataReference", "QID1_TEXT", "QID2", "QID3")
    )
    + "\n2025-03-02 06:50:11,0,R_1,P1,1,70,2\n2025-03-03 07:10:45,0,R_2,P1,0,70,2\n"
    "2025-03-02 08:20:00,0,R_3,P2,0,64,1\n2025-03-02 09:00:00,1,R_4,P9,5,30,1\n"
)
OWN_NAMES = (
    "record_id,redcap_repeat_instrument,redcap_repeat_instance,enrol_date,age,gender,night_date,leg_cramps,mood,"
    "night_complete\n14,,,2025-02-20,70,F,,,,\n14,night,1,,,,2025-03-01,1,3,2\n14,night,2,,,,2025-03-02,0,4,2\n"
    "15,,,2025-02-21,60,M,,,,\n15,night,1,,,,2025-03-01,2,2,2\n16,,,2025-02-22,66,M,,,,\n"
)
CODEBOOK_NAMES = (
    "participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,date,cramps\n"
    "1,,,70,female,,\n1,diary,1,,,2025-03-01,2\n1,diary,2,,,2025-03-02,0\n2,,,64,male,,\n2,diary,1,,,2025-03-01,0\n"
)


def workbook(path: Path, **sheets: list[list[Any]]) -> None:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(path)


def titled(path: Path) -> None:
    nights = [(1.0, 1, "1,0", "6,5"), (1.0, 2, "0,0", "7,25"), (2.0, 1, "2,0", "8"), (2.0, 2, "0,0", "7,5")]
    people = {1.0: (71, "w"), 2.0: (64, "m")}
    rows = [[who, datetime(2025, 3, day), n, slept, *people[who]] for who, day, n, slept in nights]
    header = ["Pat.-Nr.", "Datum", "Krämpfe", "Schlafdauer (h)", "Alter", "Geschlecht"]
    workbook(path, Tabelle1=[["Wadenkrampf-Tagebuch"], [], header, *rows])


def spss(path: Path) -> None:
    nights = [date(2025, 3, 1), date(2025, 3, 2)] * 2
    frame = pd.DataFrame({"pat": [1, 1, 2, 2], "nacht": nights, "krampf": [1.0, 0, 99, 2], "geschl": [1, 1, 2, 2]})
    labels = {"geschl": {1: "weiblich", 2: "männlich"}, "krampf": {99: "keine Angabe"}}
    pyreadstat.write_sav(frame, str(path), variable_value_labels=labels)


def stata(path: Path) -> None:
    nights = pd.to_datetime(["2025-03-01", "2025-03-02"] * 2)
    frame = pd.DataFrame(
        {"id": ["A", "A", "B", "B"], "night": nights, "cramp": [1.0, 0, 0, 1], "age": [71, 71, 64, 64]}
    )
    pyreadstat.write_dta(frame, str(path), variable_value_labels={"cramp": {0: "no", 1: "yes"}})


FILES: dict[str, str | Callable[[Path], None]] = {
    "list.csv": "Datum;Teilnehmer;Krämpfe\n01.03.2025;P1;1\n02.03.2025;P1;0\n01.03.2025;P2;\n02.03.2025;P2;2\n",
    "diary.xlsx": titled,
    "own-names.csv": OWN_NAMES,
    "export.csv": CODEBOOK_NAMES,
    "diary.sav": spss,
    "diary.dta": stata,
    "wide.csv": "ID,Start,Day 1,Day 2,Day 3\nP1,2025-03-01,1,0,\nP2,2025-03-03,0,0,2\n",
    "events.csv": "patient,date,cramps\nA,2025-01-04,1\nA,2025-01-19,2\nB,2025-01-11,1\n",
    "responses.csv": (
        "Timestamp,Participant code,How many cramps did you have last night?,Comments\n"
        "3/2/2025 7:15:03,P1,1,\n3/3/2025 7:40:12,P1,0,slept well\n3/13/2025 7:01:59,P2,0,\n"
    ),
    "survey.csv": QUALTRICS,
}
RIGHT: dict[str, Counts] = {
    "list.csv": (2, 3, 3),
    "diary.xlsx": (2, 4, 3),
    "own-names.csv": (3, 3, 3),
    "export.csv": (2, 3, 2),
    "diary.sav": (2, 3, 3),
    "diary.dta": (2, 4, 2),
    "wide.csv": (2, 5, 3),
    "events.csv": (2, 62, 4),
    "responses.csv": (2, 3, 1),
    "survey.csv": (2, 3, 1),
}
"""Participants, observed nights and cramps of each file."""


def write(folder: Path, name: str, content: str | bytes | Callable[[Path], None]) -> str:
    if callable(content):
        content(folder / name)
    else:
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder / name)


def counts(cohort: Cohort) -> Counts:
    cramps = cohort.frame("diary")["cramps"]
    return cohort.frame("participants").height, cramps.count(), int(cramps.sum())


def tried(
    run: Run, folder: Path, content: str | bytes | Callable[[Path], None], *options: str, name: str = "f.csv"
) -> Cohort:
    """Make a study of a file, hold the mapping and the first look to it, and return it."""
    file = write(folder, name, content)
    code, out, err = run("try", file, *options, "--out", str(folder / "s"), "--json")
    assert code == 0, err
    cohort = open_cohort(folder / "s")
    shown = [(n["participant_id"], n["date"], n["cramps"]) for n in json.loads(out)["nights"]]
    nights = cohort.frame("diary").select("participant_id", "date", "cramps").sort("participant_id", "date")
    assert shown == [(who, day.isoformat(), n) for who, day, n in nights.rows()]
    code, _, err = run("import", file, "--mapping", str(folder / "s/mapping.yaml"), "--out", str(folder / "again"))
    assert code == 0, err
    again = open_cohort(folder / "again")
    assert all(again.frame(table).equals(cohort.frame(table)) for table in cohort.tables)
    return cohort


def mapping(folder: Path) -> str:
    return (folder / "s/mapping.yaml").read_text(encoding="utf-8")


def nights(cohort: Cohort) -> list[tuple[Any, ...]]:
    return cohort.frame("diary").select("participant_id", "date", "cramps").rows()


class TestTenKinds:
    def test_the_page_lists_them(self) -> None:
        assert [shlex.split(command)[2].removeprefix("redcap:") for _, command in TABLE] == list(RIGHT)

    @pytest.mark.parametrize(("kind", "command"), TABLE)
    def test_two_commands_make_a_report_of_it(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, command: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        arguments = shlex.split(command)[1:]
        file = arguments[1].removeprefix("redcap:")
        write(tmp_path, file, FILES[file])
        code, out, err = run(*arguments)
        assert code == 0, err
        assert counts(open_cohort("my-study")) == RIGHT[file], kind
        assert run("validate", "my-study", "--strict")[0] == 0
        if arguments[0] == "try":
            assert out.splitlines()[-1] == "Next: crampstudy report my-study"
        for after in (("describe", "my-study"), ("fit", "my-study", "--model", "poisson", "--terms", "1")):
            code, _, err = run(*after)
            assert code in (0, 2, 6) and "Traceback" not in err, err

    @pytest.mark.usefixtures("forked")
    def test_the_report_itself(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        write(tmp_path, "list.csv", FILES["list.csv"])
        assert run("try", "list.csv", "--out", "my-study")[0] == 0
        code, out, err = run("report", "my-study", "--sections", "cohort")
        assert code == 0, err
        assert list(tmp_path.glob("reports/my-study/*.pdf")) and "The report is in" in out


class TestShared:
    def case(self, shared: Path, name: str) -> bytes:
        return (shared / "cases" / name).read_bytes()

    @pytest.mark.parametrize(
        ("name", "options", "right"),
        [
            (
                "20-event-only/events.csv",
                "--unlogged zero --observed-from 2025-01-01 --observed-to 2025-02-28",
                (3, 177, 10),
            ),
            ("21-google-forms/iso.csv", "--clock timestamp", (1, 3, 3)),
            ("22-wide-dates/wide.csv", "", (3, 10, 4)),
            ("22-wide-dates/days.csv", "", (3, 10, 4)),
            ("23-title-rows/export.csv", "", (2, 4, 1)),
            ("23-title-rows/single.csv", "", (2, 3, 1)),
            ("25-qualtrics/q.csv", "--date StartDate --clock timestamp", (2, 3, 1)),
            ("45-canapari-redcap/export.csv", "--cramps n_awakenings", (1, 2, 3)),
            ("46-month-names/de.csv", "", (2, 4, 3)),
            ("46-month-names/xl.csv", "", (2, 4, 3)),
            ("49-age-changes/d.csv", "", (2, 5, 3)),
        ],
    )
    def test_cases(self, run: Run, tmp_path: Path, shared: Path, name: str, options: str, right: Counts) -> None:
        assert counts(tried(run, tmp_path, self.case(shared, name), *options.split())) == right


class TestWhatIsWritten:
    LIST = "who,date,cramps,Sleep hours,Age,Geschlecht,Mood today,Notes,Site\n" + "".join(
        f"{who},2025-03-0{day},{day % 2},{7 + day},{age},{sex},{day},{note},calf\n"
        for who, age, sex, note in (("P1", 70, "w", "x"), ("P2", 61, "m", ""))
        for day in (1, 2, 3)
    )

    def test_every_column_has_its_place(self, run: Run, tmp_path: Path) -> None:
        cohort = tried(run, tmp_path, self.LIST)
        people, diary = cohort.frame("participants"), cohort.frame("diary")
        assert people.rows() == [("P1", 70.0, "female", "x", "calf"), ("P2", 61.0, "male", None, "calf")]
        assert people.columns == ["participant_id", "age_years", "sex", "Notes", "Site"]
        assert diary.columns == ["participant_id", "date", "cramps", "sleep_hours", "Mood today"]
        assert diary["sleep_hours"].to_list() == [8.0, 9.0, 10.0] * 2 and diary["Mood today"].to_list() == [1, 2, 3] * 2
        _, out, _ = run("try", str(tmp_path / "f.csv"))
        kept = "Sleep hours as sleep_hours; Age as age_years; Geschlecht as sex; Mood today as integer; Notes as text"
        assert f"note: also kept: {kept}; Site as text" in out
        assert "nothing here is age-standardised" in out and "without ages" not in out

    @pytest.mark.parametrize(
        ("age", "sex"),
        [
            ("Wie alt sind Sie? [Jahre]", "Welches Geschlecht haben Sie?"),
            ("Alter bei Einschluss in vollendeten Jahren", "Geschlecht (laut Ausweis)"),
            ("Âge (années)", "Sexe à la naissance"),
            ("Age at study entry (years)", "Sex assigned at birth"),
            ("How old are you? [years]", "What is your sex?"),
            ("What is your age (in years)?", "Are you male or female?"),
            ("Ihr Alter in Jahren", "Sind Sie männlich oder weiblich?"),
        ],
    )
    def test_a_question_is_read_as_what_it_asks(self, run: Run, tmp_path: Path, age: str, sex: str) -> None:
        asked = self.LIST.replace(",Age,Geschlecht,", f",{age},{sex},")
        people = tried(run, tmp_path, asked).frame("participants")
        assert people["age_years"].to_list() == [70.0, 61.0] and people["sex"].to_list() == ["female", "male"]

    def test_a_question_of_something_else_is_not_an_age(self, run: Run, tmp_path: Path) -> None:
        asked = self.LIST.replace(",Age,Geschlecht,", ",How old are you when cramps began?,Wie alt ist Ihr Bett?,")
        people = tried(run, tmp_path, asked).frame("participants")
        assert people["age_years"].null_count() == 2 and people["sex"].null_count() == 2

    def test_what_looks_like_a_variable_and_is_none_is_said(self, run: Run, tmp_path: Path) -> None:
        rows = (
            "who,date,cramps,sex,age,site_2,alcohol units\nA,2025-03-01,1,1,40,a,much\nA,2025-03-02,0,1,90,b,little\n"
        )
        tried(run, tmp_path, rows)
        said = mapping(tmp_path)
        assert "sex_2: {from: sex, type: integer}" in said and "age: integer" in said and "alcohol units: text" in said
        _, out, _ = run("try", str(tmp_path / "f.csv"))
        assert "sex (1) may be sex, and is not one of female, male; where it is, say so in the mapping" in out
        assert "age (40, 90) may be age_years, and changes within a participant" in out

    def test_columns_without_a_name_of_one_name_and_without_a_value(self, run: Run, tmp_path: Path) -> None:
        rows = ",id,date,cramps,mood,mood,empty\n0,1,2025-03-01,2,a,b,\n1,1,2025-03-02,0,c,d,\n"
        diary = tried(run, tmp_path, rows).frame("diary")
        assert diary.columns == ["participant_id", "date", "cramps", "mood", "mood (2)"]
        _, out, _ = run("try", str(tmp_path / "f.csv"))
        assert "left out, the numbers of the rows: Unnamed: 0" in out and "left out, without a value: empty" in out

    def test_headings_that_are_no_plain_words(self, run: Run, tmp_path: Path) -> None:
        heading = 'Wie viele Krämpfe: "letzte" Nacht?\n#1 \\ {a, b}\u200b\U0001f600'
        rows = f'who,date,"{heading.replace(chr(34), chr(34) * 2)}",note: yes\n1,2025-03-01,2,a\n1,2025-03-02,0,b\n'
        cohort = tried(run, tmp_path, rows)
        assert counts(cohort) == (1, 2, 2) and cohort.frame("diary")["note: yes"].to_list() == ["a", "b"]

    def test_the_readme_says_what_next(self, run: Run, tmp_path: Path) -> None:
        tried(run, tmp_path, FILES["diary.dta"], name="my diary.dta")
        readme = (tmp_path / "s/README.md").read_text(encoding="utf-8")
        assert "2 participants, 4 observed nights, 2 cramps" in readme and "there was at least one cramp" in readme
        assert "`sex`, known of 0 of 2" in readme and "`age_years`" not in readme and str(tmp_path) not in readme
        for command in ("validate s", "describe s", "report s"):
            assert f"\n    crampstudy {command}\n" in readme
        assert "crampstudy import 'my diary.dta' --mapping s/mapping.yaml --out s-2" in readme
        assert "'my diary.dta' --mapping s/mapping.yaml --out s-2" in mapping(tmp_path)

    def test_folders_are_never_lost(self, run: Run, tmp_path: Path) -> None:
        file = write(tmp_path, "l.csv", FILES["list.csv"])
        out = str(tmp_path / "s")
        for _ in range(2):
            assert run("try", file, "--out", out)[0] == 0
        with (tmp_path / "s/participants.csv").open("a") as people:
            people.write("P9,70,female\n")
        code, _, err = run("try", file, "--out", out)
        assert (
            code == 2 and "participants.csv is not as this command wrote it" in err and err.rstrip().endswith("--force")
        )
        code, _, err = run("try", file, "--out", out, "--force")
        assert code == 0 and "s.old-1" in err and (tmp_path / "s.old-1/participants.csv").is_file()
        assert run("try", file, "--out", file)[0] == 4

    def test_nothing_is_written_of_a_file_that_is_not_understood(self, run: Run, tmp_path: Path) -> None:
        file = write(tmp_path, "l.csv", "a,b,c\n1,x,y\n")
        assert run("try", file, "--out", str(tmp_path / "s"))[0] == 4 and not (tmp_path / "s").exists()

    @pytest.mark.parametrize(
        ("rows", "options", "said"),
        [
            ("a,b,c\n7,2025-03-01,1\n7,2025-03-02,0\n", "--who a --cramps c", ["participant_id: a", "cramps: c"]),
            ("w,d,n\n1,02/03/2025,1\n", "--date-format %d/%m/%Y", ['date: {from: d, format: "%d/%m/%Y"}']),
            ("w,d,n\n1,2025-03-02,1\n", "--clock morning", ["clock: {date: morning}"]),
            ("w,d,n\n1,2025-03-02,99\n1,2025-03-03,0\n", "--missing 99,-9", ["cramps: {from: n, missing: [99, "]),
            (
                "who,d,n,m\n1,2025-03-02,0,9\n1,2025-03-03,0,2\n",
                "--missing m:9",
                ["m: {from: m, type: integer, missing: [9]}"],
            ),
            ("w,d\n1,2025-03-02\n1,2025-03-02\n", "--cramps rows", ["cramps: {count: rows}"]),
            (
                "w,d,n\n1,2025-03-02,1\n",
                "--unlogged zero --observed-from 2025-03-01 --observed-to 2025-03-04",
                ["unlogged: zero", "observed_from: 2025-03-01", "observed_to: 2025-03-04"],
            ),
            (
                "w,d,n\n1,2025-03-02T21:00:00Z,1\n1,2025-03-03 12:30:00 GMT+1,0\n",
                "--clock timestamp --time-zone Europe/Berlin",
                ["time_zone: Europe/Berlin", "clock: {date: timestamp}"],
            ),
            ("w,Day 1,Day 2\n1,0,1\n2,,1\n", "--start 2025-03-01", ["nights: {start: 2025-03-01}"]),
            ("w,d,n\n1,2025-03-01,x\n1,2025-03-02,\n", "--empty none", ['codes: {"": 0, x: 1}']),
        ],
    )
    def test_what_was_said_stands_in_the_mapping(
        self, run: Run, tmp_path: Path, rows: str, options: str, said: list[str]
    ) -> None:
        tried(run, tmp_path, rows, *options.split())
        assert not [part for part in said if part not in mapping(tmp_path)]

    def test_cramps_of_a_night_that_differ_in_what_else_they_say(self, run: Run, tmp_path: Path) -> None:
        rows = "patient,date,pain,age\nA,2025-01-04,3,70\nA,2025-01-04,5,70\nB,2025-01-11,2,60\n"
        cohort = tried(run, tmp_path, rows, "--cramps", "rows")
        assert [n[2] for n in nights(cohort)] == [2, 1] and cohort.frame("participants")["age_years"].to_list() == [
            70,
            60,
        ]
        assert (
            "different among the cramps of a night: pain" in run("try", str(tmp_path / "f.csv"), "--cramps", "rows")[1]
        )

    def test_a_total_is_nobody(self, run: Run, tmp_path: Path) -> None:
        cohort = tried(run, tmp_path, "Patient Nr,Night of,Cramps\nA,2025-03-01,1\nA,2025-03-02,0\nTotal,,1\n")
        assert counts(cohort) == (1, 2, 1) and "`Night of` IS NOT NULL" in mapping(tmp_path)


class TestAnswers:
    @pytest.mark.parametrize(
        ("yes", "no"),
        [
            *[("yes", "no"), ("Ja", "Nein"), ("oui", "non"), ("sí", "no"), ("Sì", "No"), ("ja", "nee"), ("sim", "não")],
            *[("TRUE", "FALSE"), ("Y", "N"), ("J", "n"), ("o", "N"), ("Checked", "Unchecked"), ("wahr", "falsch")],
        ],
    )
    def test_a_yes_is_a_night_with_a_cramp(self, run: Run, tmp_path: Path, yes: str, no: str) -> None:
        rows = f"who,date,cramp\nA,2025-03-01,{yes}\nA,2025-03-02,{no}\nB,2025-03-01,{no}\n"
        rows += "B,2025-03-02,\nB,2025-03-03,NA\n"
        cohort = tried(run, tmp_path, rows)
        assert [n[2] for n in nights(cohort)] == [1, 0, 0, None, None]
        _, out, _ = run("try", str(tmp_path / "f.csv"))
        assert "note: cramp: a yes is read as 1: there was at least one cramp, and nobody knows how many" in out
        assert "  cramps  cramp, a yes is at least one\n" in out

    def test_beside_counts_a_no_is_a_zero_and_a_yes_is_not_known(self, run: Run, tmp_path: Path) -> None:
        rows = "who,date,cramps\nA,2025-03-01,no\nA,2025-03-02,2\nA,2025-03-03,yes\nA,2025-03-04,1\nA,2025-03-05,no\n"
        assert [n[2] for n in nights(tried(run, tmp_path, rows))] == [0, 2, None, 1, 0]
        _, out, _ = run("try", str(tmp_path / "f.csv"))
        assert "'yes': taken as not known" in out and "at least one cramp" not in out

    @pytest.mark.parametrize("tick", ["x", "X", "✓", "*"])
    def test_what_an_empty_cell_is_beside_a_tick_is_asked(self, run: Run, tmp_path: Path, tick: str) -> None:
        rows = f"who,date,cramp\nA,2025-03-01,{tick}\nA,2025-03-02,\nB,2025-03-01,\nB,2025-03-02,{tick}\n"
        code, _, err = run("try", write(tmp_path, "f.csv", rows))
        assert code == 4 and "--empty none (no cramp) or --empty unknown" in err
        assert [n[2] for n in nights(tried(run, tmp_path, rows, "--empty", "none"))] == [1, 0, 0, 1]
        assert [n[2] for n in nights(tried(run, tmp_path, rows, "--empty", "unknown"))] == [1, None, None, 1]

    def test_ticks_below_headings_that_are_nights(self, run: Run, tmp_path: Path) -> None:
        rows = "ID;01.03.2025;02.03.2025;03.03.2025\nA;x;;\nB;;x;x\n"
        assert run("try", write(tmp_path, "f.csv", rows))[0] == 4
        assert [n[2] for n in nights(tried(run, tmp_path, rows, "--empty", "none"))] == [1, 0, 0, 0, 1, 1]
        assert [n[2] for n in nights(tried(run, tmp_path, rows, "--empty", "unknown"))] == [1, 1, 1]

    def test_a_slip_among_counts_is_a_row_left_out(self, run: Run, tmp_path: Path) -> None:
        rows = "who,date,cramps\nA,2025-03-01,2.0\nA,2025-03-02,two\nA,2025-03-03,x\nA,2025-03-04,0\nA,2025-03-05,1\n"
        file = write(tmp_path, "f.csv", rows)
        look = json.loads(run("try", file, "--json")[1])
        assert [(row["line"], row["value"]) for row in look["left_out"]] == [(3, "two"), (4, "x")]
        assert [n["cramps"] for n in look["nights"]] == [2, 0, 1]

    @pytest.mark.parametrize(
        ("answers", "right"),
        [
            (("w", "m"), ("female", "male")),
            (("F", "M"), ("female", "male")),
            (("mujer", "hombre"), ("female", "male")),
            (("M", "H"), ("female", "male")),
            (("vrouw", "man"), ("female", "male")),
            (("Femme", "Homme"), ("female", "male")),
            (("k", "m"), ("female", "male")),
        ],
    )
    def test_the_sexes(self, run: Run, tmp_path: Path, answers: tuple[str, str], right: tuple[str, str]) -> None:
        rows = "who,date,cramps,sexo\n" + "".join(f"{who},2025-03-01,0,{who}\n" for who in answers)
        people = tried(run, tmp_path, rows.replace("who,date", "id,date")).frame("participants")
        assert dict(people.select("participant_id", "sex").rows()) == dict(zip(answers, right, strict=True))

    def test_a_letter_that_may_be_either_sex_stays_a_letter(self, run: Run, tmp_path: Path) -> None:
        tried(run, tmp_path, "who,date,cramps,sexo\nA,2025-03-01,0,m\nA,2025-03-02,1,m\n")
        assert "sexo: text" in mapping(tmp_path)


class TestFiles:
    DAYS = (date(2025, 3, 1), date(2025, 3, 2), date(2025, 4, 1))

    @pytest.mark.parametrize(
        "days",
        [
            ("1. März 2025", "02. MÄRZ 2025", "1. Apr. 2025"),
            ("1er mars 2025", "2 mars 2025", "1 avr. 2025"),
            ("1 de marzo de 2025", "2 Marzo 2025", "1 abr. 2025"),
            ("1 marzo 2025", "2 mar 2025", "1 aprile 2025"),
            ("1 maart 2025", "2 mrt. 2025", "1 april 2025"),
            ("1 de março de 2025", "2 de marco de 2025", "1 de abril de 2025"),
            ("March 1, 2025", "Mar 2, 2025", "April 1, 2025"),
            ("1-Mar-25", "2-Mar-25", "1-Apr-25"),
            ("45717", "45718", "45748"),
            ("01.03.25", "02.03.25", "01.04.25"),
            ("2025/03/01", "2025/03/02", "2025/04/01"),
        ],
    )
    def test_dates(self, run: Run, tmp_path: Path, days: tuple[str, ...]) -> None:
        rows = "who;date;cramps\n" + "".join(f'A;"{day}";{n}\n' for n, day in enumerate(days))
        assert nights(tried(run, tmp_path, rows)) == [("A", day, n) for n, day in enumerate(self.DAYS)]

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
    def test_encodings_and_line_breaks_in_quotes(self, run: Run, tmp_path: Path, encoding: str) -> None:
        rows = 'Tagebuch;;;\r\nPatient;Fecha;¿Calambres?;Comentarios\r\nA;01/03/2025;1;"mal\r\nsueño"\r\n'
        cohort = tried(run, tmp_path, f"{rows}A;25/03/2025;0;\r\n".encode(encoding))
        assert nights(cohort) == [("A", date(2025, 3, 1), 1), ("A", date(2025, 3, 25), 0)]

    @pytest.mark.parametrize(
        "header",
        [
            *["Teilnehmer-Nr.;Zeitstempel;Wie viele Krämpfe?", "Code participant;Horodateur;Nombre de crampes"],
            *["Código;Marca temporal;¿Cuántos calambres?", "Codice paziente;Data;Quanti crampi?"],
            *["Deelnemer;Nacht;Aantal krampen", "Participante;Noite;Cãibras", "Deltager;Dato;Antal kramper"],
            *["Study ID;Night;n cramps", "Pat.-Nr.;Tag;Anzahl Krämpfe", "alias;evening of;Leg cramps (number)"],
        ],
    )
    def test_headings_in_many_languages(self, run: Run, tmp_path: Path, header: str) -> None:
        rows = f"{header};Schlaf\n7;2025-03-01;1;6\n7;2025-03-02;0;7\n8;2025-03-01;2;6\n8;2025-03-02;1;8\n"
        assert nights(tried(run, tmp_path, rows))[0] == ("7", date(2025, 3, 1), 1)

    def test_without_a_header(self, run: Run, tmp_path: Path) -> None:
        cohort = tried(run, tmp_path, "A,2025-03-01,1\nA,2025-03-02,0\nB,2025-03-01,0\n")
        assert counts(cohort) == (2, 3, 1) and "header: none" in mapping(tmp_path)

    def test_the_sheet_of_a_workbook(self, run: Run, tmp_path: Path) -> None:
        rows = [["ID", "Night", "Cramps"], [1.0, date(2025, 3, 1), 1], [2.0, date(2025, 3, 1), 0]]

        def made(**sheets: list[list[Any]]) -> Callable[[Path], None]:
            return lambda path: workbook(path, **sheets)

        cohort = tried(run, tmp_path, made(Info=[["by hand"]], Nights=rows), name="b.xlsx")
        assert [n[0] for n in nights(cohort)] == ["1", "2"] and "sheet: Nights" in mapping(tmp_path)
        assert "b.xlsx: other sheets, left out: Info" in run("try", str(tmp_path / "b.xlsx"))[1]
        file = write(tmp_path, "c.xlsx", made(May=rows, June=rows[:2]))
        code, _, err = run("try", file)
        assert code == 4 and "the sheets May, June have dates" in err and err.rstrip().endswith("--sheet May")
        assert counts(tried(run, tmp_path, made(May=rows, June=rows[:2]), "--sheet", "June", name="c.xlsx")) == (
            1,
            1,
            1,
        )
        assert "has no sheet 'July' with rows; it has May, June" in run("try", file, "--sheet", "July")[2]
        assert "is no workbook" in run("try", write(tmp_path, "l.csv", FILES["list.csv"]), "--sheet", "x")[2]
        file = write(tmp_path, "d.xlsx", made(participants=rows, diary=rows))
        assert "is a study already" in run("try", file)[2]

    def test_a_workbook_with_dates_as_headings_and_one_without_a_header(self, run: Run, tmp_path: Path) -> None:
        wide = [["Patient", date(2025, 3, 1), date(2025, 3, 2)], ["A", 1, 0], ["B", None, 2]]
        assert counts(tried(run, tmp_path, lambda path: workbook(path, S=wide), name="w.xlsx")) == (2, 3, 3)
        bare = [["A", date(2025, 3, 1), 1], ["A", date(2025, 3, 2), 0]]
        assert counts(tried(run, tmp_path, lambda path: workbook(path, S=bare), name="n.xlsx")) == (1, 2, 1)

    @pytest.mark.parametrize(
        ("rows", "options", "said"),
        [
            ("who,sent_timestamp,n\n1,1740895230,1\n1,1741069000,0\n", "--date 2", "--time-zone Europe/Berlin"),
            ("who,timestamp,n\n1,1740895230,1\n1,1741069000,0\n", "--time-zone Europe/Berlin", "--clock timestamp"),
            ("ID,Day 1,Day 2\nA,1,0\nB,0,1\n", "", "--start 2025-03-01"),
            ("ID,first,signed,Day 1,Day 2\nA,2025-03-01,2025-03-01,1,0\n", "", "--start first"),
            ("ID,02/03/2025,05/03/2025\nA,1,0\n", "", "--date-format %d/%m/%Y"),
            ("a,b,c\n1,2025-03-01,2\n1,2025-03-02,0\n", "", "--cramps a"),
        ],
    )
    def test_a_question_ends_in_the_command_that_answers_it(
        self, run: Run, tmp_path: Path, rows: str, options: str, said: str
    ) -> None:
        file = write(tmp_path, "my list.csv", rows)
        code, _, err = run("try", file, *options.split())
        assert code == 4
        command = shlex.split(err.rstrip().rpartition(": crampstudy ")[2])
        assert command == ["try", file, *options.split(), *said.split()]
        assert run(*command)[0] == 0 or "--" in run(*command)[2]

    def test_who_is_told_by_name_before_contents(self, run: Run, tmp_path: Path) -> None:
        """A night that stands twice leaves patients no unique nights; a number of the row has them."""
        rows = (
            "row,patient id,date,cramps,pain\n1,1.1,2025-03-01,1,2.5\n2,1.1,2025-03-01,1,2.5\n3,1.2,2025-03-01,0,3.5\n"
        )
        tried(run, tmp_path, rows)
        assert mapping(tmp_path).count("participant_id: patient id") == 2

    def test_epoch_times(self, run: Run, tmp_path: Path) -> None:
        rows = "alias;timeStampStart;cramps\nP1;1740895230;1\nP1;1741069000123;0\n"
        found = nights(tried(run, tmp_path, rows, "--time-zone", "Europe/Berlin", "--clock", "timestamp"))
        assert found == [("P1", date(2025, 3, 1), 1), ("P1", date(2025, 3, 3), 0)]

    def test_a_start_without_numbered_nights(self, run: Run, tmp_path: Path) -> None:
        code, _, err = run("try", write(tmp_path, "l.csv", FILES["list.csv"]), "--start", "2025-03-01")
        assert code == 2 and "leave it out" in err
        file = write(tmp_path, "w.csv", FILES["wide.csv"])
        assert run("try", file, "--clock", "timestamp")[0] == 2
        assert "neither a date such as 2025-03-01 nor a column" in run("try", file, "--start", "soon")[2]
        assert "choose one" in run("try", file, "--start", "2025-03-01", "--date", "Start")[2]
        look = json.loads(run("try", file, "--date", "Start", "--cramps", "Day 1", "--json")[1])
        assert [n["cramps"] for n in look["nights"]] == [1, 0]


class TestNotYetAStudy:
    COMMANDS = ("describe", "validate", "report", "fit --model poisson --terms 1 ", "analyse cohort", "compare x")

    @pytest.mark.parametrize("name", ["my list.csv", "diary.xlsx", "diary.sav", "diary.dta", "two.xlsx"])
    def test_every_command_names_the_one_that_makes_it(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        monkeypatch.chdir(tmp_path)
        rows = [["ID", "Night", "n"], ["A", date(2025, 3, 1), 1]]
        files = {**FILES, "my list.csv": FILES["list.csv"], "two.xlsx": lambda path: workbook(path, S=rows)}
        write(tmp_path, name, files[name])
        for command in self.COMMANDS:
            words = command.split()
            where = {"fit": 1, "compare": 1}.get(words[0], len(words))
            code, _, err = run(*words[:where], name, *(words[where:] if words[0] != "compare" else [name]))
            assert code == 4 and f"{shlex.join(['crampstudy', 'try', name, '--out', 'my-study'])}" in err, (
                command,
                err,
            )

    def test_a_table_of_a_study_and_a_folder(self, run: Run, tmp_path: Path) -> None:
        tried(run, tmp_path, FILES["list.csv"])
        code, _, err = run("describe", str(tmp_path / "s/diary.csv"))
        assert code == 4 and f"give the folder that holds it: {tmp_path}/s" in err
        code, _, err = run("try", str(tmp_path / "s"))
        assert code == 4 and "is a folder" in err
