"""Mappings of dates and times of day: in two columns, as times of day alone, and by their names of months."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError
from crampstudy.sources import load

PEOPLE = "participants: {rows: {distinct: true}, columns: {participant_id: id}}"


def read(folder: Path, text: str, *tables: str, top: str = "clock: {date: evening}") -> Cleaned:
    (folder / "d.csv").write_text(text, encoding="utf-8")
    lines = [f"version: 1\n{top}\ntables:", *(f"  {table}" for table in (PEOPLE, *tables))]
    (folder / "m.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return load(f"mapped:{folder / 'd.csv'}?mapping={folder / 'm.yaml'}")


def onsets(loaded: Cleaned) -> list[datetime | None]:
    return loaded.cohort.frame("episodes")["onset"].to_list()


class TestTimesOfDay:
    DIARY = 'diary: {rows: {where: "\\"cramp no\\" = \'1\'"}, columns: {participant_id: id, date: night of, cramps: n}}'
    LOG = "id,night of,n,cramp no,at\nP1,2025-03-01,4,1,23:40\n,,,,\nP1,2025-03-01,4,2,03:15:30\n"

    def episodes(self, onset: str) -> str:
        return f"episodes: {{columns: {{participant_id: id, date: night of, episode: cramp no, onset: {onset}}}}}"

    def test_they_belong_to_the_night_of_their_row(self, tmp_path: Path) -> None:
        text = self.LOG + "P1,2025-03-01,4,3,12:00\nP1,2025-03-01,4,4,11:59\n"
        loaded = read(tmp_path, text, self.DIARY, self.episodes("at"))
        assert onsets(loaded) == [
            *(datetime(2025, 3, 1, 23, 40), datetime(2025, 3, 2, 3, 15, 30)),
            *(datetime(2025, 3, 1, 12, 0), datetime(2025, 3, 2, 11, 59)),
        ]
        told = (
            "d.csv, episodes: at → onset: 4 times of day put into the night of the row: from noon on in its evening, "
        )
        assert told + "before noon in the morning after" in loaded.cohort.attrition.notices

    def test_dated_by_the_morning_they_belong_to_the_evening_before(self, tmp_path: Path) -> None:
        loaded = read(tmp_path, self.LOG, self.DIARY, self.episodes("at"), top="clock: {date: morning}")
        assert onsets(loaded) == [datetime(2025, 2, 28, 23, 40), datetime(2025, 3, 1, 3, 15, 30)]

    @pytest.mark.parametrize(
        ("written", "cells", "times"),
        [
            ("%I:%M %p", ("11:40 PM", "12:15 a.m."), ("01 23:40", "02 00:15")),
            ("%H.%M", ("23.40", "3.15"), ("01 23:40", "02 03:15")),
            ("%H.%M", ("23:40", "2025-03-02 03:15"), (None, None)),
            ("%Y-%m-%d %H:%M", ("23:40", "2025-03-02 03:15"), (None, "02 03:15")),
        ],
    )
    def test_in_a_stated_format(
        self, tmp_path: Path, written: str, cells: tuple[str, str], times: tuple[str | None, str | None]
    ) -> None:
        text = self.LOG.replace("23:40", cells[0]).replace("03:15:30", cells[1])
        loaded = read(tmp_path, text, self.DIARY, self.episodes(f'{{from: at, format: "{written}"}}'))
        assert [found and f"{found:%d %H:%M}" for found in onsets(loaded)] == list(times)

    def test_without_a_night_there_is_none(self, tmp_path: Path) -> None:
        loaded = read(tmp_path, self.LOG + "P1,soon,4,3,23:10\n", self.DIARY, self.episodes("at"))
        assert len(onsets(loaded)) == 2
        assert (5, "onset", "23:10") in loaded.ledger.select("line", "column", "value").rows()

    def test_a_format_of_a_night_needs_its_date(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"columns\.date\.format: '%H:%M' must have one day"):
            read(
                tmp_path,
                self.LOG,
                'diary: {columns: {participant_id: id, date: {from: at, format: "%H:%M"}, cramps: n}}',
            )


class TestTwoColumns:
    TEXT = "id;day;at;n\nP1;01.03.2025;23:40;1\nP1;03.03.2025;07:15;0\nP1;05.03.2025;;0\nP2;;;1\n"

    def test_a_date_and_its_time_are_one_moment(self, tmp_path: Path) -> None:
        columns = '{participant_id: id, date: {from: [day, at], format: "%d.%m.%Y %H:%M"}, cramps: n}'
        loaded = read(tmp_path, self.TEXT, f"diary: {{columns: {columns}}}", top="clock: {date: timestamp}")
        nights = loaded.cohort.frame("diary")
        assert nights["date"].to_list() == [date(2025, 3, 1), date(2025, 3, 2)]
        found = loaded.ledger.filter(severity="reject-row").select("line", "value", "rule").rows()
        assert found == [(4, "05.03.2025", "type"), (5, None, "key-missing")]
        assert not any("not mapped" in notice for notice in loaded.cohort.attrition.notices)

    def test_what_cannot_be_joined(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match="only the columns of a date and its time of day are joined; cramps is"):
            read(tmp_path, self.TEXT, "diary: {columns: {participant_id: id, date: day, cramps: [n, at]}}")
        with pytest.raises(SourceError, match=r"columns\.date: d\.csv has no column 'att'; did you mean at"):
            read(tmp_path, self.TEXT, "diary: {columns: {participant_id: id, date: {from: [day, att]}, cramps: n}}")


class TestDatesThatAreNone:
    """Where no cell can be read, the message has what would read them, and it does."""

    @pytest.mark.parametrize(
        ("cells", "stated", "proposed"),
        [
            (("1. März 2025", "2. März 2025"), "", "%d. %B %Y"),
            (("01.03.2025", "02.03.2025"), "%d.%m.%y", "%d.%m.%Y"),
            (("03/01/2025", "03/13/2025"), "", "%m/%d/%Y"),
            (("20250301", "20250302"), "", "%Y%m%d"),
            (("1-Mar-25", "2-Mar-25"), "%Y-%m-%d", "%d-%B-%y"),
        ],
    )
    def test_a_format_is_proposed(self, tmp_path: Path, cells: tuple[str, str], stated: str, proposed: str) -> None:
        text = "id,day,n\n" + "".join(f'P1,"{cell}",1\n' for cell in ("", *cells))
        day = f'{{from: day, format: "{stated}"}}' if stated else "day"
        with pytest.raises(SourceError) as refused:
            read(tmp_path, text, f"diary: {{columns: {{participant_id: id, date: {day}, cramps: n}}}}")
        entry = f'{{from: day, format: "{proposed}"}}'
        assert f"columns.date: no cell of day in d.csv is {stated or 'ISO 8601'}" in str(refused.value)
        assert f"the first is {cells[0]!r} on line 3; write date: {entry}" in str(refused.value)
        loaded = read(tmp_path, text, f"diary: {{columns: {{participant_id: id, date: {entry}, cramps: n}}}}")
        assert loaded.cohort.frame("diary").height == 2

    @pytest.mark.parametrize(
        ("cells", "said"),
        [
            (("02/01/2025", "03/01/2025"), '"%d/%m/%Y"} or {from: day, format: "%m/%d/%Y"}'),
            (("2025-03-02 07:10", "2025-03-03 07:10"), "and clock: {date: timestamp}, by which a time before noon"),
            (("1740895230", "1740981630"), 'format: "%s"}, and clock: {date: timestamp}'),
            (("1740895230000", "1740981630000"), "and time_zone, such as Europe/Berlin"),
            (("soon", "later"), 'say how they are written, format: "%d.%m.%Y"'),
        ],
    )
    def test_what_is_open_or_a_moment(self, tmp_path: Path, cells: tuple[str, str], said: str) -> None:
        text = "id,day,n\n" + "".join(f"P1,{cell},1\n" for cell in cells)
        with pytest.raises(SourceError) as refused:
            read(tmp_path, text, "diary: {columns: {participant_id: id, date: day, cramps: n}}")
        assert said in str(refused.value)

    def test_mornings_that_are_no_evenings(self, tmp_path: Path) -> None:
        text = "id,day,n\nP1,2025-03-02 07:10,1\nP1,2025-03-03 06:10,1\n"
        day = '{from: day, format: "%Y-%m-%d %H:%M"}'
        with pytest.raises(
            SourceError, match=r"all times of day in d\.csv are before noon, the first 2025-03-02 07:10"
        ):
            read(tmp_path, text, f"diary: {{columns: {{participant_id: id, date: {day}, cramps: n}}}}")


def test_names_of_months(tmp_path: Path) -> None:
    text = "id;Datum;n\nP1;01. März 2025;1\nP1;2. MAI 2025;0\nP1;3. Mrz. 2025;0\nP1;4. Foo 2025;0\n"
    loaded = read(
        tmp_path, text, 'diary: {columns: {participant_id: id, date: {from: Datum, format: "%d. %B %Y"}, cramps: n}}'
    )
    assert loaded.cohort.frame("diary")["date"].to_list() == [date(2025, 3, 1), date(2025, 5, 2), date(2025, 3, 3)]
    assert loaded.ledger.select("line", "value").rows() == [(5, "4. Foo 2025")]


def test_the_shared_cases(shared: Path) -> None:
    case = shared / "cases/47-date-and-time-columns"
    for file, mapping in (("log.csv", "m.yaml"), ("log2.csv", "m2.yaml")):
        assert onsets(load(f"mapped:{case / file}?mapping={case / mapping}")) == [
            *(datetime(2025, 3, 1, 23, 40), datetime(2025, 3, 2, 3, 15), datetime(2025, 3, 2, 0, 5)),
        ]
    assert load(f"mapped:{case / 'log.csv'}?mapping={case / 'm3.yaml'}").cohort.frame("diary").height == 2
    case = shared / "cases/46-month-names"
    nights = load(f"mapped:{case / 'de.csv'}?mapping={case / 'm.yaml'}").cohort.frame("diary")
    assert nights["date"].to_list() == [date(2025, 3, 1), date(2025, 3, 2), date(2025, 5, 1), date(2025, 5, 2)]
    assert nights["cramps"].to_list() == [1, 0, 2, 0]
