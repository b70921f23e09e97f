"""The first look at a bare diary, as a spreadsheet in any country saves it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from crampstudy.cli import app
from crampstudy.descriptive.first_look import as_json, as_text, first_look
from crampstudy.descriptive.incidence import incidence_rate
from crampstudy.errors import SourceError, UsageError
from crampstudy.sources.readers import bare_list
from crampstudy.sources.readers.bare_list import Guess, NightList, StatedList
from crampstudy.sources.text import timestamps
from crampstudy.sources.text.dates import Clock
from crampstudy.sources.text.timestamps import StatedTimes

NIGHTS = [("01", date(2025, 3, 1), 2), ("01", date(2025, 3, 25), 0), ("02", date(2025, 3, 2), None)]


def read(
    tmp_path: Path,
    text: str | bytes,
    *,
    clock: Clock | None = None,
    time_zone: str | None = None,
    file: str = "my.csv",
    **options: Any,
) -> NightList:
    path = tmp_path / file
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    times = StatedTimes(clock, time_zone and timestamps.zone(time_zone))
    return bare_list.read(path, StatedList(times=times, **options))


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        (
            b"participant,date,cramps\n01,2025-03-01,2\n01,2025-03-25,0\n02,2025-03-02,\n",
            ("participant", "date", "cramps", True, "%Y-%m-%d", "the year comes first", "."),
        ),
        (
            b"date,n,who\r\n3/1/2025,2,01\r\n3/25/2025,0,01\r\n3/2/2025,,02\r\n",
            ("who", "date", "n", True, "%m/%d/%Y", "month before day: 3/25/2025 (line 3) has no month 25", "."),
        ),
        (
            "Datum;Krämpfe;Teilnehmer\r\n01.03.2025;2,0;01\r\n25.03.2025;0,0;01\r\n02.03.2025;;02\r\n".encode("cp1252"),
            ("Teilnehmer", "Datum", "Krämpfe", True, "%d.%m.%Y", None, ","),
        ),
        (
            "\ufeffpatient;date;crampes\r\n01;01/03/2025;2\r\n01;25/03/2025;0\r\n02;02/03/2025;\r\n".encode(),
            (
                "patient",
                "date",
                "crampes",
                True,
                "%d/%m/%Y",
                "day before month: 25/03/2025 (line 3) has no month 25",
                ".",
            ),
        ),
        (
            "01\t01/03/25\t2\r\n01\t25/03/25\t0\r\n02\t02/03/25\t\r\n".encode("utf-16"),
            ("column 1", "column 2", "column 3", False, "%d/%m/%y", None, "."),
        ),
        (
            b"fecha,calambres,paciente\n2025-03-01 00:00:00,2,01\n2025-03-25 00:00:00,0,01\n2025-03-02 00:00:00,,02\n",
            ("paciente", "fecha", "calambres", True, "%Y-%m-%d", "the year comes first", "."),
        ),
    ],
    ids=["iso", "american", "german", "french", "utf-16-without-header", "spanish-with-midnights"],
)
def test_spreadsheets_of_many_countries(tmp_path: Path, content: bytes, guess: tuple[Any, ...]) -> None:
    nights = read(tmp_path, content)
    assert nights.frame.rows() == NIGHTS
    assert nights.left_out == ()
    expected = Guess(*guess[:5], guess[5] or nights.guess.reason, guess[6])
    assert nights.guess == expected


class TestColumns:
    def test_numbers_alone_are_told_apart_by_the_nights(self, tmp_path: Path) -> None:
        """Of two columns of whole numbers, who is the one that tells the rows of a date apart."""
        nights = read(tmp_path, "1,2025-03-01,1\n2,2025-03-01,1\n1,2025-03-02,0\n2,2025-03-02,0\n")
        assert (nights.guess.who, nights.guess.cramps) == ("column 1", "column 3")

    def test_what_the_file_leaves_open_is_asked(self, tmp_path: Path) -> None:
        text = "a,b,c\n1,2025-03-01,2\n1,2025-03-02,0\n"
        with pytest.raises(SourceError, match=r"a and c could each be the column .* --cramps NAME"):
            read(tmp_path, text)
        for columns in ({"cramps": "c"}, {"cramps": "3"}, {"cramps": "c", "who": "a", "date": "2"}):
            assert read(tmp_path, text, columns=columns).frame["cramps"].to_list() == [2, 0]

    def test_other_columns_are_said(self, tmp_path: Path) -> None:
        nights = read(tmp_path, "id,date,cramps,note\n1,2025-03-01,2,x\n1,2025-03-02,0,y\n")
        assert nights.notices == ("also kept: note as text",)

    def test_a_hundred_columns_are_kept_and_not_all_listed(self, tmp_path: Path) -> None:
        names = [f"mine_{i}" for i in range(100)]
        rows = "".join(f"{night}{',7' * len(names)}\n" for night in ("1,2025-03-01,2", "1,2025-03-02,0"))
        nights = read(tmp_path, f"id,date,cramps,{','.join(names)}\n{rows}")
        (said,) = nights.notices
        assert said.endswith("mine_39 as integer; and 60 more")

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("id,date\n1,2025-03-01\n", "no column has whole numbers of cramps"),
            ("id,date,cramps\n", "has a header and no rows"),
            ("id,date,cramps\n1,March,2\n", "no column has dates"),
            ("id,date,cramps\n1,2025-03-01,often\n2,2025-03-01,rarely\n", "no column has whole numbers of cramps"),
            ("", "is empty"),
        ],
    )
    def test_refused(self, tmp_path: Path, text: str, said: str) -> None:
        with pytest.raises(SourceError, match=said):
            read(tmp_path, text)

    def test_a_column_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"--who: my\.csv has no column 'x'; it has id, date, cramps"):
            read(tmp_path, "id,date,cramps\n1,2025-03-01,2\n", columns={"who": "x"})


class TestDates:
    AMBIGUOUS = "id,date,cramps\n1,02/03/2025,2\n1,03/03/2025,0\n"

    def test_day_and_month_are_never_guessed(self, tmp_path: Path) -> None:
        with pytest.raises(
            SourceError, match=r"02/03/2025 \(line 2\) may be day or month first.*--date-format %d/%m/%Y"
        ):
            read(tmp_path, self.AMBIGUOUS)
        for stated, night in (("%d/%m/%Y", date(2025, 3, 2)), ("%m/%d/%Y", date(2025, 2, 3))):
            assert read(tmp_path, self.AMBIGUOUS, date_format=stated).frame["date"][0] == night

    def test_two_ways_in_one_column(self, tmp_path: Path) -> None:
        text = "id,date,cramps\n1,25/03/2025,2\n1,03/26/2025,0\n"
        with pytest.raises(SourceError, match=r"25/03/2025 \(line 2\) has the day first and 03/26/2025 \(line 3\)"):
            read(tmp_path, text)

    def test_a_format_that_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="--date-format"):
            read(tmp_path, self.AMBIGUOUS, date_format="%d/%m")


class TestTimes:
    CELLS = ("2025-03-02 07:15:03", "2025-03-03 23:40:12", "2025-03-04 00:02:44")

    def rows(self, *cells: str) -> str:
        return "When,Who,Cramps\n" + "".join(f'"{cell}",P1,{n}\n' for n, cell in enumerate(cells))

    def test_what_they_mean_is_asked(self, tmp_path: Path) -> None:
        with pytest.raises(
            SourceError, match=r"When has times of day, such as '2025-03-02 07:15:03'.*--clock timestamp"
        ):
            read(tmp_path, self.rows(*self.CELLS))
        stated = {"columns": {"date": "When"}, "date_format": "%Y-%m-%d"}
        for options in (stated, {"date_format": "%Y-%m-%d %H:%M:%S"}):
            with pytest.raises(SourceError, match="say what they mean"):
                read(tmp_path, self.rows(*self.CELLS), **options)

    @pytest.mark.parametrize(
        ("clock", "days", "left"), [("timestamp", (1, 3, 3), 0), ("morning", (1, 2, 3), 0), ("evening", (3,), 2)]
    )
    @pytest.mark.parametrize("date_format", [None, "%Y-%m-%d", "%Y-%m-%d %H:%M:%S"])
    def test_the_night_they_belong_to(
        self, tmp_path: Path, clock: str, days: tuple[int, ...], left: int, date_format: str | None
    ) -> None:
        text = self.rows(*self.CELLS).replace('44",P1', '44",P2')
        nights = read(tmp_path, text, clock=clock, date_format=date_format)
        assert sorted(nights.frame["date"].to_list()) == [date(2025, 3, day) for day in days]
        assert len(nights.left_out) == left
        assert all("a time before noon" in row.reason for row in nights.left_out)
        assert nights.guess.clock == clock and nights.notices[0].startswith("When: ")

    @pytest.mark.parametrize(
        "cells",
        [
            ("3/13/2025, 11:10:05 PM", "3/15/2025, 12:05 AM"),
            ("13.03.2025 23:10", "15.03.2025 0:05"),
            ("2025-03-13T23:10:00.123", "2025-03-15T00:05:59.5"),
            ("2025/03/13 11:10:05 p. m.", "2025/03/15 12:05 a.m."),
        ],
    )
    def test_however_they_are_written(self, tmp_path: Path, cells: tuple[str, str]) -> None:
        nights = read(tmp_path, self.rows(*cells), clock="timestamp")
        assert nights.frame["date"].to_list() == [date(2025, 3, 13), date(2025, 3, 14)]

    @pytest.mark.parametrize(
        "cells",
        [
            ("2025-03-02T11:30:00Z", "2025-07-02T09:30:00.5Z"),
            ("2025-03-02 12:30:00+01:00", "2025-07-02 11:30:00+0200"),
            ("2025/03/02 12:30:00 PM GMT+1", "2025/07/02 11:30:00 AM GMT+2"),
        ],
    )
    def test_with_a_zone_they_need_to_know_where(self, tmp_path: Path, cells: tuple[str, str]) -> None:
        with pytest.raises(SourceError, match="--time-zone Europe/Berlin"):
            read(tmp_path, self.rows(*cells), clock="timestamp")
        nights = read(tmp_path, self.rows(*cells), clock="timestamp", time_zone="Europe/Berlin")
        assert nights.frame["date"].to_list() == [date(2025, 3, 2), date(2025, 7, 1)]
        with pytest.raises(UsageError, match="is no time zone"):
            read(tmp_path, self.rows(*cells), time_zone="Berlin")

    def test_midnights_are_dates(self, tmp_path: Path) -> None:
        for cells in (("2025-03-01 00:00:00.000", "2025-03-02T00:00"), ("3/13/2025 12:00:00 AM", "3/14/2025 0:00")):
            nights = read(tmp_path, self.rows(*cells))
            assert len(nights.frame) == 2 and nights.notices == ()
        with pytest.raises(SourceError, match="--time-zone"):
            read(tmp_path, self.rows("2025-03-01T00:00:00Z"))

    def test_a_row_without_one_is_left_out(self, tmp_path: Path) -> None:
        nights = read(tmp_path, self.rows("2025-03-01 21:10", "2025-03-03", "2025-03-04 25:10"), clock="timestamp")
        assert [(row.line, row.value) for row in nights.left_out] == [(3, "2025-03-03"), (4, "2025-03-04 25:10")]
        with pytest.raises(UsageError, match="has no time of day"):
            read(tmp_path, self.rows("2025-03-01", "2025-03-02"), clock="timestamp")

    def test_a_column_named_for_dates_that_has_none(self, tmp_path: Path) -> None:
        for cells in (("13 X 2025", "14 X 2025"), ("x", "y")):
            with pytest.raises(SourceError, match=r"no date that is known, such as '.*--date-format"):
                read(tmp_path, self.rows(*cells), columns={"date": "When"})
        made = read(tmp_path, self.rows("13 Mar 2025"), columns={"date": "When"}, date_format="%d %b %Y")
        assert made.frame["date"].to_list() == [date(2025, 3, 13)]
        with pytest.raises(SourceError, match=r"When: no cell is %d %b %Y, the first is 'x'; .*--date-format"):
            read(tmp_path, self.rows("x"), columns={"date": "When"}, date_format="%d %b %Y")

    def test_forms_of_a_survey(self, shared: Path, run: Any) -> None:
        case = shared / "cases" / "21-google-forms"
        for file in ("iso.csv", "responses.csv"):
            code, _, said = run("try", str(case / file))
            assert code == 4 and "--clock timestamp" in said
            code, out, _ = run("try", str(case / file), "--clock", "timestamp", "--json")
            nights = [n for n in json.loads(out)["nights"] if n["participant_id"] == "P1"]
            assert [(n["date"], n["cramps"]) for n in nights] == [
                *[("2025-03-01", 1), ("2025-03-02", 0), ("2025-03-03", 2)]
            ]


def test_counts_with_decimal_commas_between_commas(tmp_path: Path) -> None:
    nights = read(tmp_path, 'who,date,cramps\na,2025-03-01,"1,0"\na,2025-03-02,"0,0"\n')
    assert nights.frame["cramps"].to_list() == [1, 0] and nights.guess.decimal == ","


def test_nearly_the_same_identifiers_are_asked_about(tmp_path: Path) -> None:
    ids = ("P1", "p1", "P01", "P 1", "P2", "17", "17.0", "\uff11\uff17", "0017", "170")
    rows = "".join(f"{who},2025-03-01,1\n" for who in ids)
    notices = read(tmp_path, "who,date,cramps\n" + rows).notices
    assert [notice.partition(":")[0] for notice in notices] == ["0017, 17, 17.0, \uff11\uff17", "P 1, P01, P1, p1"]


def test_there_is_no_year_0(tmp_path: Path) -> None:
    nights = read(tmp_path, "id,date,cramps\n1,2025-03-01,2\n1,0000-03-02,1\n1,2025-03-03,0\n")
    assert [(row.line, row.column) for row in nights.left_out] == [(3, "date")]


def test_every_row_is_a_night_or_is_left_out(tmp_path: Path) -> None:
    text = (
        "id,date,cramps\n1,2025-03-01,2\n1,2025-03-01,2\n1,2025-03-02,0\n1,2025-03-02,1\n,2025-03-03,1\n"
        "1,2025-02-30,1\n1,2025-03-04,1.5\n1,2025-03-05,-1\n1,2025-03-06,500\n1,2025-03-07,\n"
    )
    nights = read(tmp_path, text)
    assert nights.frame.rows() == [("1", date(2025, 3, 1), 2), ("1", date(2025, 3, 7), None)]
    assert [(row.line, row.column) for row in nights.left_out] == [
        *[(3, "date"), (4, "date"), (5, "date"), (6, "id"), (7, "date")],
        *[(8, "cramps"), (9, "cramps"), (10, "cramps")],
    ]


def look(tmp_path: Path) -> Any:
    text = "id,date,cramps\n"
    text += "".join(f"A,2025-03-{day:02},{day % 3}\n" for day in range(1, 11) if day != 5)
    text += "B,2025-03-01,0\nB,2025-03-02,\nB,2025-03-09,1\n"
    return first_look(read(tmp_path, text))


def test_the_rate_is_that_of_the_cohort_analysis(tmp_path: Path) -> None:
    made = look(tmp_path)
    assert made.overall == incidence_rate(np.array([8, 1]), np.array([9, 2]), 0.95)
    a, b = made.people
    assert (a.nights_expected, a.nights_observed, a.longest_gap, a.cramps, a.rate) == (10, 9, 1, 8, 8 / 9 * 7)
    assert (b.nights_expected, b.nights_observed, b.longest_gap, b.cramp_nights) == (9, 2, 7, 1)


def test_one_person_has_a_rate_and_no_interval(tmp_path: Path) -> None:
    made = first_look(read(tmp_path, "id,date,cramps\nA,2025-03-01,1\nA,2025-03-02,0\n"))
    assert made.people[0].rate == 3.5
    assert "incidence rate        3.50 cramps per person-week (one participant, so no interval)" in as_text(made)


def test_the_calendar(tmp_path: Path) -> None:
    text = as_text(look(tmp_path))
    # 1 March 2025 was a Saturday; the fifth was not observed, and the third had no cramp.
    assert (
        "  2025-02-24                        1   2\n  2025-03-03    ·   1       ·   1   2   ·\n  2025-03-10    1\n"
        in text
    )
    assert "  2025-02-24                        ·\n  2025-03-03                            1" in text


def test_json_has_every_night_and_no_nan(tmp_path: Path) -> None:
    content = json.loads(as_json(look(tmp_path)), parse_constant=lambda name: pytest.fail(name))
    assert len(content["nights"]) == 12
    assert content["nights"][0] == {"participant_id": "A", "date": "2025-03-01", "cramps": 1}
    assert content["guess"]["who"] == "id" and content["incidence_rate"]["nights"] == 11


def test_the_command(tmp_path: Path) -> None:
    path = tmp_path / "my.csv"
    path.write_text(TestDates.AMBIGUOUS)
    runner = CliRunner()
    assert isinstance(runner.invoke(app, ["try", str(path)]).exception, SourceError)
    done = runner.invoke(app, ["try", str(path), "--date-format", "%d/%m/%Y", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["guess"]["reason"] == "as stated"
    shown = runner.invoke(app, ["try", str(path), "--date-format", "%d/%m/%Y", "--who", "1"]).output
    assert "read as %d/%m/%Y (as stated)" in shown and "2 cramps in 2 observed nights of 1 participant\n" in shown


def test_a_crowd_is_cut_short_and_says_so(tmp_path: Path) -> None:
    rows = "".join(f"P{i},2025-03-01,x\nP{i},2025-03-02,1\nP{i},2025-03-03,1\nP{i},2025-03-04,0\n" for i in range(9))
    text = as_text(first_look(read(tmp_path, "id,date,cramps\n" + rows)))
    assert "and 3 more participants, whose nights --json lists" in text
    assert "9 rows left out:" in text and "and 3 more, which --json lists" in text
