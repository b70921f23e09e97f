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
