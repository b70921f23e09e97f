"""Mapping files: checked before use, nothing converted in silence, every row accounted for."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from crampstudy import codebook
from crampstudy.cleaning import Cleaned, corrections
from crampstudy.codebook import units
from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.sources.readers.mapped import mapping

PEOPLE = "rows: {distinct: true}, columns: {participant_id: who, age_years: age, sex: sex}"
HEAD = "who,age,sex,day,n"


def write(folder: Path, rows: str, diary: str, people: str = PEOPLE, top: str = "", head: str = HEAD) -> str:
    """Write a file and its mapping; return the source that names both."""
    (folder / "data.csv").write_text(f"{head}\n{rows}\n", encoding="utf-8")
    clock = "" if "clock:" in top else "clock: {date: evening}\n"
    content = f"version: 1\n{clock}{top}\ntables:\n  participants: {{{people}}}\n  diary: {{{diary}}}\n"
    (folder / "m.yaml").write_text(content, encoding="utf-8")
    return f"mapped:{folder / 'data.csv'}?mapping={folder / 'm.yaml'}"


def diary(more: str = "", day: str = "day", n: str = "n") -> str:
    return f"columns: {{participant_id: who, date: {day}, cramps: {n}{more}}}"


def dates_of(loaded: Cleaned) -> list[date]:
    return loaded.cohort.frame("diary")["date"].to_list()


def said(loaded: Cleaned) -> tuple[str, ...]:
    return loaded.cohort.attrition.notices


def rejected(loaded: Cleaned) -> list[tuple[int, str]]:
    rows = loaded.ledger.filter((pl.col("severity") == "reject-row") & (pl.col("column") == "date"))
    return rows.select("line", "value").rows()


class TestDates:
    def test_a_stated_format_is_read_and_nothing_else(self, tmp_path: Path) -> None:
        rows = "\n".join(f"1,70,male,{d},1" for d in ("05.03.2024", "6.3.2024", "2024-03-07", "31.02.2024", "8.3.24"))
        loaded = load(write(tmp_path, rows, diary(day='{from: day, format: "%d.%m.%Y"}')))
        assert dates_of(loaded) == [date(2024, 3, 5), date(2024, 3, 6)]
        assert rejected(loaded) == [(4, "2024-03-07"), (5, "31.02.2024"), (6, "8.3.24")]
        assert "3 cells are not %d.%m.%Y, the first '2024-03-07' on line 4" in " ".join(said(loaded))

    def test_a_cell_that_two_formats_read_differently_is_not_guessed(self, tmp_path: Path) -> None:
        rows = "\n".join(f"1,70,male,{d},1" for d in ("03/04/2024", "13/04/2024", "04/14/2024", "05/05/2024"))
        loaded = load(write(tmp_path, rows, diary(day='{from: day, format: ["%d/%m/%Y", "%m/%d/%Y"]}')))
        assert dates_of(loaded) == [date(2024, 4, 13), date(2024, 4, 14), date(2024, 5, 5)]
        assert rejected(loaded) == [(2, "03/04/2024")]
        assert "1 of them could be read in two ways" in " ".join(said(loaded))

    def test_day_numbers_count_from_an_origin(self, tmp_path: Path) -> None:
        rows = "\n".join(f"1,70,male,{d},1" for d in ("-1", "0", "31", "1.5", "x"))
        loaded = load(write(tmp_path, rows, diary(day="{from: day, origin: 2024-01-01}")))
        assert dates_of(loaded) == [date(2023, 12, 31), date(2024, 1, 1), date(2024, 2, 1)]
        assert rejected(loaded) == [(5, "1.5"), (6, "x")]

    @pytest.mark.parametrize(
        ("clock", "cell", "night"),
        [
            ("evening", "2024-03-01", date(2024, 3, 1)),
            ("morning", "2024-03-01", date(2024, 2, 29)),
            ("timestamp", "2024-03-01 03:10", date(2024, 2, 29)),
            ("timestamp", "2024-03-01 11:59", date(2024, 2, 29)),
            ("timestamp", "2024-03-01 12:00", date(2024, 3, 1)),
            ("timestamp", "2024-03-01 00:00:00", date(2024, 2, 29)),
            ("evening", "2024-03-01 00:00:00", date(2024, 3, 1)),
            ("evening", "2024-03-01T00:00", date(2024, 3, 1)),
            ("morning", "2024-03-01 00:00:00.000", date(2024, 2, 29)),
            ("timestamp", "2024-03-01T23:30:00", date(2024, 3, 1)),
        ],
    )
    def test_the_clock_says_which_night_is_meant(self, tmp_path: Path, clock: str, cell: str, night: date) -> None:
        source = write(tmp_path, f"1,70,male,{cell},1", diary(), top=f"clock: {{date: {clock}}}")
        assert dates_of(load(source)) == [night]

    @pytest.mark.parametrize(
        ("clock", "nights", "left"),
        [
            ("timestamp", [date(2024, 2, 29), date(2024, 3, 2), date(2024, 3, 2)], []),
            ("morning", [date(2024, 2, 29), date(2024, 3, 1), date(2024, 3, 2)], []),
            ("evening", [date(2024, 3, 2)], ["2024-03-01 07:15 a.m.", "2024-03-03 12:05 AM"]),
        ],
    )
    def test_a_time_of_day_is_never_dropped_in_silence(
        self, tmp_path: Path, clock: str, nights: list[date], left: list[str]
    ) -> None:
        cells = ("2024-03-01 07:15 a.m.", "2024-03-02 11:10 PM", "2024-03-03 12:05 AM")
        rows = "\n".join(f"{i},70,male,{cell},1" for i, cell in enumerate(cells))
        day = '{from: day, format: "%Y-%m-%d %I:%M %p"}'
        loaded = load(write(tmp_path, rows, diary(day=day), top=f"clock: {{date: {clock}}}"))
        assert dates_of(loaded) == nights
        assert [cell for _, cell in rejected(loaded)] == left
        told = any("2 times before noon are not of an evening" in notice for notice in said(loaded))
        assert told == bool(left)
        assert all("%I:%M %p, from noon on, as the mapping says" in hint for hint in loaded.ledger["hint"])

    def test_midnight_in_another_format(self, tmp_path: Path) -> None:
        rows = "1,70,male,01.03.2024 00:00:00,1\n1,70,male,02.03.2024,1\n1,70,male,03.03.2024 07:10,1"
        loaded = load(write(tmp_path, rows, diary(day='{from: day, format: "%d.%m.%Y"}')))
        assert dates_of(loaded) == [date(2024, 3, 1), date(2024, 3, 2)]
        assert rejected(loaded) == [(4, "03.03.2024 07:10")]

    def test_a_zone_is_told_in_local_time_on_both_sides_of_summer_time(self, tmp_path: Path) -> None:
        rows = "1,70,male,2024-03-31T00:30:00Z,1\n1,70,male,2024-07-01T01:30:00+0200,1\n1,70,male,2024-12-01 02:00,1"
        top = "clock: {date: timestamp}\ntime_zone: Europe/Berlin"
        extra = "columns: {participant_id: who, date: day, episode: {numbered: night}, onset: day}"
        source = write(tmp_path, rows, diary(), top=top)
        with (tmp_path / "m.yaml").open("a", encoding="utf-8") as file:
            file.write(f"  episodes: {{{extra}}}\n")
        episodes = load(source).cohort.frame("episodes")
        assert episodes["onset"].to_list() == [
            datetime(2024, 3, 31, 1, 30),
            datetime(2024, 7, 1, 1, 30),
            datetime(2024, 12, 1, 2, 0),
        ]
        assert episodes["date"].to_list() == [date(2024, 3, 30), date(2024, 6, 30), date(2024, 11, 30)]

    def test_seconds_and_milliseconds_since_1970(self, tmp_path: Path) -> None:
        # 2025-03-02 06:00:30 UTC, before the noon of Berlin; 11:00:00 UTC is its noon.
        rows = "1,70,male,1740895230,1\n1,70,male,1740913200000,1\n1,70,male,17408952,1"
        day, top = '{from: day, format: "%s"}', "clock: {date: timestamp}\ntime_zone: Europe/Berlin"
        loaded = load(write(tmp_path, rows, diary(day=day), top=top))
        assert dates_of(loaded) == [date(2025, 3, 1), date(2025, 3, 2)]
        assert rejected(loaded) == [(4, "17408952")]
        with pytest.raises(SourceError, match="need the top key time_zone"):
            load(write(tmp_path, rows, diary(day=day), top="clock: {date: timestamp}"))

    @pytest.mark.parametrize("file", ["basic", "padded"])
    def test_prompts_that_nobody_answered(self, shared: Path, file: str) -> None:
        case = shared / "cases/30-mpath"
        loaded = load(f"mapped:{case / file}.csv?mapping={case / 'm-s.yaml'}")
        rule = {"basic": "short-row", "padded": "key-missing"}[file]
        assert loaded.ledger["rule"].to_list() == [rule]
        assert loaded.cohort.frame("diary").height == 3
        with pytest.raises(SourceError, match=r"no cell of timeStampStart in .*write date: .*format: \"%s\"}"):
            load(f"mapped:{case / file}.csv?mapping={case / 'm.yaml'}")

    def test_episodes_are_numbered_within_their_night(self, tmp_path: Path) -> None:
        rows = "1,70,male,2024-03-01,1\n2,60,female,2024-03-01,1"
        source = write(tmp_path, rows, diary() + ", file: data.csv", people=PEOPLE + ", file: data.csv")
        (tmp_path / "events.csv").write_text("who,day\n1,2024-03-01\n2,2024-03-01\n1,2024-03-01\n", encoding="utf-8")
        with (tmp_path / "m.yaml").open("a", encoding="utf-8") as file:
            columns = "columns: {participant_id: who, date: day, episode: {numbered: night}}"
            file.write(f"  episodes: {{file: events.csv, {columns}}}\n")
        source = f"mapped:{tmp_path}?mapping={tmp_path / 'm.yaml'}"
        assert load(source).cohort.frame("episodes").rows() == [
            ("1", date(2024, 3, 1), 1),
            ("2", date(2024, 3, 1), 1),
            ("1", date(2024, 3, 1), 2),
        ]


class TestUnits:
    def test_a_stated_unit_is_converted_and_said(self, tmp_path: Path) -> None:
        more = ", alcohol_units: {from: g, unit: g, factor: 0.125}"
        more += ", sleep_hours: {from: m, unit: min, factor: 0.0166667}"
        rows = "1,70,male,2024-03-01,1,12,420\n1,70,male,2024-03-02,1,x,-5"
        loaded = load(write(tmp_path, rows, diary(more), head=HEAD + ",g,m"))
        nights = loaded.cohort.frame("diary")
        assert nights["alcohol_units"].to_list() == [1.5, None]
        assert nights["sleep_hours"].to_list() == [pytest.approx(7, rel=1e-5), None]
        notices = " ".join(said(loaded))
        assert "g → alcohol_units: g × 0.125 = units/day (1 cell)" in notices and "m → sleep_hours" in notices
        # The ledger has the cells of the file, in its units.
        assert loaded.ledger.select("column", "value").rows() == [("alcohol_units", "x"), ("sleep_hours", "-5")]

    @pytest.mark.parametrize(
        ("stated", "complaint"),
        [
            ("{from: n, unit: g}", r"g to units/day is factor: 0.125, and the mapping says nothing"),
            ("{from: n, unit: g, factor: 0.1}", r"factor: 0.125, and the mapping says factor 0.1;"),
            ("{from: n, unit: mL, factor: 1}", r"mL cannot become units/day"),
            ("{from: n, unit: glasses}", r"'glasses' is not a unit known here: add the factor"),
            ("{from: n, factor: 2}", r"a factor needs the unit of the file; alcohol_units is in units/day"),
            ("{from: n, unit: g, factor: much}", r"'much' is not a number"),
        ],
    )
    def test_an_impossible_conversion_is_refused(self, tmp_path: Path, stated: str, complaint: str) -> None:
        source = write(tmp_path, "1,70,male,2024-03-01,1", diary(f", alcohol_units: {stated}"))
        with pytest.raises(SourceError, match=rf"m\.yaml, tables\.diary\.columns\.alcohol_units.*: .*{complaint}"):
            load(source)

    def test_a_unit_of_the_users_own_is_taken_with_its_factor(self, tmp_path: Path) -> None:
        more = ", alcohol_units: {from: n, unit: glasses, factor: 1.5}"
        loaded = load(write(tmp_path, "1,70,male,2024-03-01,2", diary(more)))
        assert loaded.cohort.frame("diary")["alcohol_units"].to_list() == [3.0]

    def test_an_offset_is_part_of_a_conversion(self, tmp_path: Path) -> None:
        more = ', ambient_temperature_c: {from: n, unit: "°F", factor: 0.5556, offset: -17.78}'
        loaded = load(write(tmp_path, "1,70,male,2024-03-01,50", diary(more)))
        assert loaded.cohort.frame("diary")["ambient_temperature_c"].to_list() == [pytest.approx(10, abs=0.01)]

    @pytest.mark.parametrize(
        ("name", "unit", "cell", "value"),
        [
            ("serum_calcium_mmol_l", "mg/dL", 9.6, 2.395),
            ("serum_magnesium_mmol_l", "mEq/L", 1.6, 0.8),
            ("serum_potassium_mmol_l", "mEq/L", 4.1, 4.1),
            ("vitamin_d_nmol_l", "ng/mL", 20, 49.9),
            ("hba1c_mmol_mol", "%", 6.5, 47.5),
            ("serum_albumin_g_l", "g/dL", 4.2, 42),
            ("fluid_ml", "L", 1.5, 1500),
            ("sleep_hours", "minutes", 450, 7.5),
            ("grip_strength_kg", "lb", 66.14, 30),
            ("supplement_magnesium_mg", "g per day", 0.3, 300),
        ],
    )
    def test_known_conversions(self, name: str, unit: str, cell: float, value: float) -> None:
        known = units.conversions(codebook.variable(name))[units.plain(unit)]
        assert cell * known.factor + known.offset == pytest.approx(value, rel=2e-3)


class TestCodes:
    def test_codes_become_values_and_empty_means_missing(self, tmp_path: Path) -> None:
        more = ", entry_made: {from: s, codes: {done: true, skipped: false, lost: ''}}"
        rows = "1,70,male,2024-03-01,1,done\n1,70,male,2024-03-02,,skipped\n1,70,male,2024-03-03,1,lost"
        loaded = load(write(tmp_path, rows, diary(more), head=HEAD + ",s"))
        assert loaded.cohort.frame("diary")["entry_made"].to_list() == [True, False, None]

    def test_a_cell_that_no_code_covers_is_named_with_its_line(self, tmp_path: Path) -> None:
        more = ", entry_made: {from: s, codes: {done: true}}"
        rows = "1,70,male,2024-03-01,1,done\n\n1,70,male,2024-03-02,1,maybe"
        with pytest.raises(SourceError, match=r"entry_made\.codes: data\.csv, line 4, column s has 'maybe'"):
            load(write(tmp_path, rows, diary(more), head=HEAD + ",s"))

    def test_words_stay_what_was_written(self, tmp_path: Path) -> None:
        """YAML would make false of no and 7 of 007."""
        more = ", electrolyte_drink: {from: s, codes: {yes: true, no: false, 007: ''}}"
        rows = "1,70,male,2024-03-01,1,no\n1,70,male,2024-03-02,1,yes\n1,70,male,2024-03-03,1,007"
        loaded = load(write(tmp_path, rows, diary(more), head=HEAD + ",s"))
        assert loaded.cohort.frame("diary")["electrolyte_drink"].to_list() == [False, True, None]


class TestRows:
    def test_every_row_is_accepted_rejected_or_said_to_be_left_out(self, tmp_path: Path) -> None:
        rows = "\n".join(
            ["1,70,male,2024-03-01,1,night", "1,70,male,2024-03-01,9,nap", "1,70,male,x,1,night", "1,70,male,,1,"]
        )
        loaded = load(write(tmp_path, rows, "rows: {where: \"t = 'night'\"}, " + diary(), head=HEAD + ",t"))
        counts = next(t for t in loaded.cohort.attrition.tables if t.table == "diary")
        assert (counts.read, counts.accepted, counts.rejected) == (2, 1, 1)
        assert rejected(loaded) == [(4, "x")]
        left = "left out: 2 of 4 rows, not where t = 'night', 1 because a value is missing"
        assert any(left in notice for notice in said(loaded))

    @pytest.mark.parametrize(
        ("where", "said"),
        [
            ("age >= 60", r"age is a text, and 60 is a number; write such as age = '70', in .* \(every cell is text\)"),
            ("t", r"t is a text, which is not a condition by itself; .* such as t = 'nap' \(t has nap, night\)"),
            ("bad night = 1", r"where: where 'bad night = 1': .* one with spaces stands in double quotes"),
        ],
    )
    def test_a_condition_on_rows_that_is_none_is_refused_with_what_they_have(
        self, tmp_path: Path, where: str, said: str
    ) -> None:
        rows = "1,70,male,2024-03-01,1,night\n1,70,male,2024-03-02,9,nap"
        with pytest.raises(SourceError, match=rf"tables\.diary\.rows\.where: .*{said}|rows\.{said}"):
            load(write(tmp_path, rows, f'rows: {{where: "{where}"}}, ' + diary(), head=HEAD + ",t"))

    def test_days_as_they_are_written_are_compared_as_texts(self, tmp_path: Path) -> None:
        rows = "1,70,male,2024-03-01,1\n1,70,male,2024-03-02,9"
        loaded = load(write(tmp_path, rows, "rows: {where: \"day >= '2024-03-02'\"}, " + diary()))
        assert loaded.cohort.frame("diary")["cramps"].to_list() == [9]

    def test_participants_who_contradict_themselves_are_named(self, tmp_path: Path) -> None:
        rows = "1,70,male,2024-03-01,1\n2,60,male,2024-03-01,1\n2,58,male,2024-03-02,1"
        complaint = r"participant 2 has two values of age_years, '60' on line 3 \(night 2024-03-01\) and '58' on line 4"
        with pytest.raises(SourceError, match=complaint):
            load(write(tmp_path, rows, diary()))

    def test_a_participant_need_not_be_described_on_every_row(self, tmp_path: Path) -> None:
        rows = "1,,male,2024-03-01,1\n1,70,,2024-03-02,1\n,,,2024-03-02,1"
        loaded = load(write(tmp_path, rows, diary()))
        assert loaded.cohort.frame("participants").rows() == [("1", 70.0, "male")]
        # The night of nobody is rejected, as the participant that nobody is.
        assert loaded.ledger.select("line", "column", "rule").rows() == [(4, "participant_id", "key-missing")] * 2

    def test_a_night_that_stands_twice_is_left_to_the_cleaning(self, tmp_path: Path) -> None:
        rows = "1,70,male,2024-03-01,1\n1,70,male,2024-03-01,1"
        assert load(write(tmp_path, rows, diary())).ledger["rule"].to_list() == ["duplicate-exact"]
        with pytest.raises(SourceError, match=r"tables\.diary\.rows\.distinct: only participants may be repeated"):
            load(write(tmp_path, rows, "rows: {distinct: true}, " + diary()))

    def test_missing_codes_and_constants(self, tmp_path: Path) -> None:
        more = ", exercise_min: {constant: 0}, steps: {from: s, missing: [none]}"
        people = 'rows: {distinct: true}, columns: {participant_id: who, age_years: age, sex: {constant: ""}}'
        rows = "1,-9,male,2024-03-01,1,none\n1,-9,male,2024-03-02,-9,77"
        loaded = load(write(tmp_path, rows, diary(more), people, 'missing: ["", "-9"]', HEAD + ",s"))
        assert loaded.cohort.frame("participants").rows() == [("1", None, None)]
        nights = loaded.cohort.frame("diary").select("cramps", "exercise_min", "steps").rows()
        assert nights == [(1, 0.0, None), (None, 0.0, 77.0)]
        assert any("sex: not recorded" in notice for notice in said(loaded))

    def test_decimal_commas_and_own_columns(self, tmp_path: Path) -> None:
        source = write(tmp_path, "", diary(", fluid_ml: {from: l, unit: L, factor: 1000}") + ", own: {mood: number}")
        text = "who;age;sex;day;n;l;mood;note\n1;70,5;male;2024-03-01;1;1,25;2,5;a\n"
        (tmp_path / "data.csv").write_text(text, encoding="utf-8")
        loaded = load(source)
        assert loaded.cohort.frame("diary").select("fluid_ml", "mood").rows() == [(1250.0, 2.5)]
        assert loaded.cohort.frame("participants")["age_years"].to_list() == [70.5]
        assert any("not mapped and left out: note" in notice for notice in said(loaded))

    def test_a_point_in_a_file_with_decimal_commas_is_not_guessed(self, tmp_path: Path) -> None:
        source = write(tmp_path, "", diary(", fluid_ml: l, steps: s"))
        text = "who;age;sex;day;n;l;s\n1;70;male;2024-03-01;1;1200,5;1.234\n"
        (tmp_path / "data.csv").write_text(text, encoding="utf-8")
        with pytest.raises(SourceError, match=r"column steps: '1\.234' \(line 2\) may have a decimal point .*m\.yaml"):
            load(source)
        for mark, steps in ((",", 1234.0), (".", None)):
            loaded = load(f"{source}&decimal={mark}")
            assert loaded.cohort.frame("diary").select("fluid_ml", "steps").rows() == [(1200.5, steps)]

    def test_each_column_has_its_own_mark(self, tmp_path: Path) -> None:
        source = write(tmp_path, "", diary(", fluid_ml: l, alcohol_units: {from: a, missing: ['9.9']}"))
        text = "who;age;sex;day;n;l;a\n1;70;male;2024-03-01;1;1200,5;1.5\n1;70;male;2024-03-02;1;1200;9.9\n"
        (tmp_path / "data.csv").write_text(text, encoding="utf-8")
        loaded = load(source)
        assert loaded.cohort.frame("diary").select("fluid_ml", "alcohol_units").rows() == [(1200.5, 1.5), (1200, None)]

    def test_a_correction_of_one_cell_leaves_the_conversions_of_its_row(self, tmp_path: Path) -> None:
        more = ", alcohol_units: {from: g, unit: g, factor: 0.125}"
        source = write(tmp_path, "1,70,male,2024-03-01,9,16", diary(more), head=HEAD + ",g")
        mend = "{participant_id: 1, date: 2024-03-01}, column: cramps, from: 9, to: 1, reason: typing error"
        path = tmp_path / "corrections.yaml"
        path.write_text(f"version: 1\ncorrections:\n  - {{table: diary, where: {mend}}}\n", encoding="utf-8")
        cleaned = load(source, corrections=corrections.load(path)).cohort.frame("diary")
        assert cleaned.select("cramps", "alcohol_units").rows() == [(1, 2.0)]


REFUSED = {
    "version: 2": r"version: '2' is not a version",
    "colour: red": r"unknown key 'colour'; allowed: version",
    "clock: {date: noon}": r"clock\.date: 'noon' is not allowed; allowed: evening, morning, timestamp",
    "time_zone: Mars": r"time_zone: 'Mars' is no time zone",
    "decimal: ';'": r"decimal: ';' is not allowed",
}
REFUSED_COLUMNS = {
    "sleep_hour: n": r"no column 'sleep_hour' in diary; did you mean sleep_hours",
    "sleep_hours: {form: n}": r"unknown key 'form'; did you mean .*from",
    "sleep_hours: {}": r"give exactly one of from, constant and numbered, got none",
    "sleep_hours: {from: n, constant: 1}": r"exactly one of .*, got from, constant",
    "sleep_hours: {constant: 99}": r"'99' is not a value of sleep_hours; allowed is a number from 0 to 24",
    "sleep_hours: {constant: nan}": r"'nan' is not a value",
    "sleep_hours: {from: n, format: '%d.%m.%Y'}": r"sleep_hours takes no format",
    "sleep_hours: {from: nn}": r"data\.csv has no column 'nn'; did you mean n",
    "warm_up: {from: n, codes: {1: yes}}": r"warm_up\.codes\.1: 'yes' is not a value of warm_up",
    "warm_up: {from: n, unit: min}": r"warm_up takes no unit",
    "steps: [n, day]": r"only the columns of a date and its time of day are joined; steps is a whole number",
    "steps: [{}]": r"expected a text, got {}",
}


@pytest.mark.parametrize("entry", REFUSED)
def test_an_impossible_entry_is_named(tmp_path: Path, entry: str) -> None:
    source = write(tmp_path, "1,70,male,2024-03-01,1", diary(), top=entry if "version" not in entry else "")
    if "version" in entry:
        text = (tmp_path / "m.yaml").read_text(encoding="utf-8").replace("version: 1", entry)
        (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=rf"m\.yaml, .*{REFUSED[entry]}"):
        load(source)


@pytest.mark.parametrize("column", REFUSED_COLUMNS)
def test_an_impossible_column_is_named(tmp_path: Path, column: str) -> None:
    with pytest.raises(SourceError, match=rf"m\.yaml, tables\.diary\.columns.*{REFUSED_COLUMNS[column]}"):
        load(write(tmp_path, "1,70,male,2024-03-01,1", diary(f", {column}")))


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("%d.%m", "must have one year"),
        ("%Q", "has %Q; allowed"),
        ("%Y-%m-%d %d", "must have one day"),
        ("%Y-%m-%d %H:%M %z", "need the top key time_zone"),
    ],
)
def test_an_impossible_format_is_named(tmp_path: Path, written: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=rf"columns\.date\.format: .*{complaint}"):
        load(write(tmp_path, "1,70,male,2024-03-01,1", diary(day=f'{{from: day, format: "{written}"}}')))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("tables: [", "is not a mapping file in YAML"),
        ("version: 1\nversion: 1", "the key 'version' stands twice"),
        ("- a", "expected entries"),
        ("", "expected entries"),
        ("version: 1\ntables: {}\nclock: {date: evening}", "tables: the key 'participants' is missing"),
        ("version: 1\ntables: {}", "the key 'clock' is missing"),
        (
            "version: 1\nclock: {date: evening}\ntables:\n  participants: {columns: {sex: a}}\n  diary: {}",
            "the required column participant_id is missing; map it$",
        ),
        (
            "version: 1\nclock: {date: evening}\ntables:\n  participants: {columns: {participant_id: a}}\n"
            "  diary: {columns: {participant_id: a, date: b}}",
            "the required column cramps is missing; map it; where the study did not record it, write cramps: {const",
        ),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, content: str, complaint: str) -> None:
    path = tmp_path / "m.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=complaint):
        mapping.load(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    source = write(tmp_path, "1,70,male,2024-03-01,1", diary() + ", file: other.csv")
    with pytest.raises(SourceError, match=r"tables\.diary\.file: other\.csv and data\.csv are two files"):
        load(source)
    with pytest.raises(SourceError, match="there is no mapping file"):
        mapping.load(tmp_path / "none.yaml")


def test_the_generic_mapping_is_one(tmp_path: Path) -> None:
    generic = Path(mapping.__file__).parent / "mappings" / "generic.yaml"
    example = next(line for line in generic.read_text(encoding="utf-8").splitlines() if "007" in line)
    head = "user,age,gender,day,status,cramps,slept,alcohol_g,mood"
    (tmp_path / "data.csv").write_text(f"{head}\n{example.strip('# ')}\n", encoding="utf-8")
    cohort = load(f"mapped:{tmp_path / 'data.csv'}?mapping={generic}").cohort
    assert cohort.frame("diary").rows() == [("007", date(2024, 3, 1), True, 2, 6.5, 1.0, 3)]
    assert cohort.frame("participants").rows() == [("007", 71.0, "female")]
