"""The rules beyond type, range and key: units, shifts, contradictions, jumps, dates, identifiers, measurements."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import codebook
from crampstudy.cleaning import Cleaned, Raw, RawTable, clean
from crampstudy.codebook import rules, units

Columns = dict[str, list[str | None]]
PEOPLE: Columns = {"participant_id": ["a", "b"], "age_years": ["50", "60"], "sex": ["male", "female"]}


def raw_table(name: str, columns: Columns) -> RawTable:
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))
    return RawTable(name, f"{name}.csv", frame, pl.int_range(2, 2 + frame.height, dtype=pl.Int64, eager=True))


def raw(**tables: Columns) -> Raw:
    named = {"participants": PEOPLE, "diary": nights()} | tables
    return Raw("x", "diary", tuple(raw_table(n, c) for n, c in named.items()))


def nights(n: int = 6, **more: list[str | None]) -> Columns:
    days = [f"2024-01-{day:02}" for day in range(1, n + 1)]
    return {"participant_id": ["a"] * n, "date": list(days), "cramps": ["1"] * n} | more


def said(loaded: Cleaned) -> list[tuple[int, str, str, str]]:
    return loaded.ledger.select("line", "column", "rule", "severity").rows()


def hints(loaded: Cleaned) -> list[str]:
    return loaded.ledger["hint"].to_list()


class TestUnits:
    @pytest.mark.parametrize(
        ("column", "cell", "hint"),
        [
            ("serum_calcium_mmol_l", "9.6", "mg/dL (÷ 4.008 = 2.395 mmol/L)"),
            ("serum_calcium_mmol_l", "4.8", "mEq/L (÷ 2 = 2.4 mmol/L)"),
            ("serum_potassium_mmol_l", "16.4", "mg/dL (÷ 3.91 = 4.194 mmol/L)"),
            ("serum_albumin_g_l", "4.3", "g/dL (× 10 = 43 g/L)"),
            ("usual_sleep_hours", "420", "min (÷ 60 = 7 h/night)"),
            ("recall_dietary_magnesium_mg", "300000", "µg (÷ 1000 = 300 mg/day)"),
        ],
    )
    def test_an_impossible_value_is_blanked_and_its_unit_named(self, column: str, cell: str, hint: str) -> None:
        loaded = clean(raw(participants=PEOPLE | {column: [cell, None]}))
        assert said(loaded) == [(2, column, "unit-slip", "blank-cell")]
        assert hint in hints(loaded)[0]
        assert loaded.cohort.frame("participants")[column].to_list() == [None, None]

    @pytest.mark.parametrize(
        ("column", "cell", "hint"),
        [
            ("hba1c_mmol_mol", "7.2", "% (× 10.93 − 23.5 = 55.2 mmol/mol)"),
            ("serum_magnesium_mmol_l", "2.0", "mg/dL (÷ 2.4305 = 0.8229 mmol/L)"),
        ],
    )
    def test_a_possible_value_is_only_spoken_of(self, column: str, cell: str, hint: str) -> None:
        loaded = clean(raw(participants=PEOPLE | {column: [cell, None]}))
        assert said(loaded) == [(2, column, "unit-slip", "warn")]
        assert hint in hints(loaded)[0]
        assert loaded.cohort.frame("participants")[column].to_list() == [float(cell), None]

    def test_an_impossible_value_that_no_unit_explains_is_out_of_range(self) -> None:
        loaded = clean(raw(participants=PEOPLE | {"serum_calcium_mmol_l": ["99", "2.4"]}))
        assert said(loaded) == [(2, "serum_calcium_mmol_l", "range", "blank-cell")]

    def test_a_night_is_held_against_the_persons_own_median(self) -> None:
        """2 mL where 2 L are usual is a slip; 150 mL is a thirsty day, far from the median, and no jump."""
        fluid = ["1900", "2000", "2100", "2", "150", "2000"]
        loaded = clean(raw(diary=nights(6, fluid_ml=fluid)))
        assert said(loaded) == [(5, "fluid_ml", "unit-slip", "warn")]
        assert "L (× 1000 = 2000 mL/day)" in hints(loaded)[0]
        assert loaded.cohort.frame("diary")["fluid_ml"].to_list() == [float(cell) for cell in fluid]

    @pytest.mark.parametrize(
        ("others", "odd", "slips"),
        [
            (["2", "3", "5", "7", "8", "30"], "1", False),  # as short as others are
            (["30", "40", "45", "60", "20", "30"], "1", True),  # nobody has any between 1 and 20 minutes
            (["2", "3", "5", "7", "8", "30"], "0.5", True),  # no whole minutes, where all others are
            (["1", "1", "1", "2", "5", "30"], "1", True),  # more of them than of low usual ones
        ],
    )
    def test_a_low_value_in_line_with_those_of_everybody_is_no_slip(
        self, others: list[str | None], odd: str, slips: bool
    ) -> None:
        """One person exercised for 60 minutes as a rule and for one once: an hour, or a minute?"""
        one = nights(6, exercise_min=["60", "60", "60", "60", "60", odd])
        other: Columns = {**nights(6), "participant_id": ["b"] * 6, "exercise_min": others}
        loaded = clean(raw(diary={name: [*cells, *other[name]] for name, cells in one.items()}))
        assert ((7, "exercise_min", "unit-slip", "warn") in said(loaded)) is slips

    def test_a_whole_diary_in_another_unit_is_held_against_everybodys(self) -> None:
        usual: Columns = nights(6, fluid_ml=["1900", "2000", "2100", "2200", "1800", "2000"])
        litres: Columns = {**nights(6), "participant_id": ["b"] * 6, "fluid_ml": ["1.9", "2", "2.1", "2.2", "1.8", "2"]}
        loaded = clean(raw(diary={name: [*cells, *litres[name]] for name, cells in usual.items()}))
        assert [line for line, *_ in said(loaded)] == [8, 9, 10, 11, 12, 13]
        assert {tuple(rest) for _, *rest in said(loaded)} == {("fluid_ml", "unit-slip", "warn")}
        # Where nobody's are usual the limits alone tell.
        assert {tuple(rest) for _, *rest in said(clean(raw(diary=litres)))} == {("fluid_ml", "unit-slip", "warn")}

    def test_degrees_fahrenheit(self) -> None:
        loaded = clean(raw(diary=nights(6, ambient_temperature_c=["10", "11", "12", "53.6", "9", "8"])))
        assert said(loaded) == [(5, "ambient_temperature_c", "unit-slip", "warn")]
        assert "°F" in hints(loaded)[0]

    def test_nothing_is_no_slip_and_too_few_nights_say_nothing(self) -> None:
        assert said(clean(raw(diary=nights(6, sitting_min=["480", "0", "500", "510", "0", "490"])))) == []
        assert said(clean(raw(diary=nights(3, sitting_min=["480", "8", "500"])))) == []

    def test_a_jump(self) -> None:
        steps = ["6000", "7000", "6500", "90000", "6000", "45"]
        loaded = clean(raw(diary=nights(6, steps=steps)))
        assert said(loaded) == [(5, "steps", "jump", "warn")]
        assert loaded.cohort.frame("diary")["steps"].to_list() == [int(cell) for cell in steps]

    @pytest.mark.parametrize("v", [v for v in codebook.VARIABLES if v.usual_minimum is not None], ids=lambda v: v.name)
    def test_the_usual_is_possible(self, v: codebook.Variable) -> None:
        assert v.usual_minimum is not None
        assert v.usual_maximum is not None
        assert v.usual_minimum < v.usual_maximum
        assert v.minimum is None or v.minimum <= v.usual_minimum
        assert v.maximum is None or v.usual_maximum <= v.maximum

    @pytest.mark.parametrize(
        ("name", "unit", "given", "wanted"),
        [
            # Published pairs: SI conversion tables of clinical chemistry.
            ("serum_calcium_mmol_l", "mg/dL", 10.0, 2.495),
            ("serum_magnesium_mmol_l", "mg/dL", 2.0, 0.823),
            ("serum_phosphate_mmol_l", "mg/dL", 3.5, 1.130),
            ("vitamin_d_nmol_l", "ng/mL", 20.0, 49.92),
            ("vitamin_b12_pmol_l", "pg/mL", 400.0, 295.1),
            ("hba1c_mmol_mol", "%", 6.5, 47.5),
        ],
    )
    def test_conversions(self, name: str, unit: str, given: float, wanted: float) -> None:
        by = units.slips(codebook.variable(name))[unit]
        assert given * by.factor + by.offset == pytest.approx(wanted, rel=2e-3)


class TestShifts:
    COLUMNS = ("participant_id", "date", "entry_made", "cramps", "hours_in_bed", "fluid_ml", "electrolyte_drink")
    RIGHT = ("a", "2024-01-02", None, "true", "0", "7.5", "1800")
    LEFT = ("a", "2024-01-02", "2", "7.5", "1800", "false", None)

    @pytest.mark.parametrize(("row", "side"), [(RIGHT, "right"), (LEFT, "left")])
    def test_a_row_that_has_slid_is_rejected_in_one_line(self, row: tuple[str | None, ...], side: str) -> None:
        good = ("a", "2024-01-01", "true", "1", "8", "1500", "false")
        diary = {name: [good[i], row[i]] for i, name in enumerate(self.COLUMNS)}
        loaded = clean(raw(diary=diary))
        assert said(loaded) == [(3, "", "shifted-columns", "reject-row")]
        assert f"slid one column to the {side}" in hints(loaded)[0]
        assert loaded.cohort.frame("diary").height == 1

    def test_three_bad_cells_alone_are_no_shift(self) -> None:
        bad = ("a", "2024-01-02", "true", "1", "many", "much", "perhaps")
        good = ("a", "2024-01-01", "true", "1", "8", "1500", "false")
        loaded = clean(raw(diary={name: [good[i], bad[i]] for i, name in enumerate(self.COLUMNS)}))
        assert [rule for _, _, rule, _ in said(loaded)] == ["type"] * 3
        assert loaded.cohort.frame("diary").height == 2


def test_an_entry_without_a_count_is_said() -> None:
    diary = nights(3, entry_made=["true", "true", None]) | {"cramps": ["1", None, None]}
    assert said(clean(raw(diary=diary))) == [(3, "cramps", "entry-without-count", "warn")]


def test_more_sleep_than_bed() -> None:
    diary = nights(3, hours_in_bed=["8", "8", None], sleep_hours=["8.2", "8.3", "9"])
    assert said(clean(raw(diary=diary))) == [(3, "sleep_hours", "sleep-exceeds-bed", "warn")]


def test_future_dates_need_a_day_of_reading() -> None:
    treatments = {"participant_id": ["a"], "start": ["2024-01-07"], "agent": ["tens"], "stop": ["2025-01-01"]}
    assert said(clean(raw(treatments=treatments))) == []
    loaded = clean(raw(treatments=treatments), today=date(2024, 1, 4))
    assert said(loaded) == [
        (6, "date", "future-date", "reject-row"),
        (7, "date", "future-date", "reject-row"),
        (2, "start", "future-date", "reject-row"),
    ]


def test_age_against_birth_year() -> None:
    """First night in 2024: born 1973, one is 50 or 51; 49 and 52 are given the benefit of a year, 53 is not."""
    ids = list("abcdef")
    people = {
        "participant_id": ids,
        "age_years": ["50", "51", "49", "53", "47", "52"],
        "sex": ["male"] * 6,
        "birth_year": ["1973"] * 5 + [None],
    }
    diary = {"participant_id": ids, "date": ["2024-03-01"] * 6, "cramps": ["0"] * 6}
    loaded = clean(raw(participants=people, diary=diary))
    assert said(loaded) == [(n, "age_years", "age-against-birth-year", "warn") for n in (5, 6)]
    assert "turns 51" in hints(loaded)[0]


def copied(cells: list[list[str | None]], days: int = 0, **more: list[list[str | None]]) -> Cleaned:
    """Clean the diaries of a and b with these counts, and more; those of b begin so many days later."""
    people = [who for who, of in zip("ab", cells, strict=True) for _ in of]
    dates = [
        str(date(2024, 1, 1) + timedelta(days=late + k))
        for late, of in zip((0, days), cells, strict=True)
        for k in range(len(of))
    ]
    columns = {name: [cell for of in both for cell in of] for name, both in more.items()}
    diary: Columns = {"participant_id": [*people], "date": [*dates], "cramps": [cell for of in cells for cell in of]}
    return clean(raw(diary=diary | columns))


STEPS: list[str | None] = [str(5000 + 37 * k) for k in range(14)]
COUNTS: list[str | None] = [str(k % 3) for k in range(14)]


@pytest.mark.parametrize("days", [0, 5])
def test_diaries_that_are_one_night_for_night_are_said(days: int) -> None:
    loaded = copied([COUNTS, COUNTS], days, steps=[STEPS, STEPS])
    assert said(loaded) == [(n, "participant_id", "identical-diary", "warn") for n in (2, 16)]
    assert [hint.split(":")[0] for hint in hints(loaded)] == [
        f"night for night the diary of {who} as well" for who in "ba"
    ]
    assert loaded.cohort.frame("diary").height == 28


@pytest.mark.parametrize(
    ("counts", "more"),
    [
        ([COUNTS[:6], COUNTS[:6]], {"steps": [STEPS[:6], STEPS[:6]]}),  # few nights
        ([["0"] * 14, ["0"] * 14], {"steps": [["5000"] * 14] * 2}),  # nights of one kind
        ([["0"] * 30, ["0"] * 30], {}),
        ([["0", "0", "1", *["0"] * 25]] * 2, {}),  # one cramp, in the same night by chance
        ([["0"] * 14, ["0"] * 14], {"ambient_temperature_c": [[f"{k}.5" for k in range(14)]] * 2}),  # the same town
        ([COUNTS, COUNTS], {"steps": [STEPS, [*STEPS[:-1], "9000"]]}),  # another last night
        ([COUNTS, [*COUNTS[:-1], None]], {"steps": [STEPS, STEPS]}),
    ],
)
def test_diaries_that_differ_or_are_alike_by_chance_are_no_copies(
    counts: list[list[str | None]], more: dict[str, list[list[str | None]]]
) -> None:
    assert "identical-diary" not in {rule for _, _, rule, _ in said(copied(counts, **more))}


def test_identifiers_that_are_nearly_the_same() -> None:
    people = {"participant_id": ["P01", "p1", "Q1"], "age_years": ["50"] * 3, "sex": ["male"] * 3}
    diary = {"participant_id": ["P01", "q-01", "p01"], "date": ["2024-03-01"] * 3, "cramps": ["0"] * 3}
    loaded = clean(raw(participants=people, diary=diary))
    assert said(loaded) == [
        (2, "participant_id", "similar-identifier", "warn"),
        (3, "participant_id", "similar-identifier", "warn"),
        (3, "participant_id", "unknown-participant", "reject-row"),
        (4, "participant_id", "unknown-participant", "reject-row"),
    ]
    assert hints(loaded)[2].endswith("is it Q1?")
    assert "is it" not in hints(loaded)[3]


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        ("17", "17.0", "is it 17? One table has it as a number with decimals"),
        ("17.00", "17", "is it 17.00? One table has it"),
        ("0017", "17", "is it 0017?"),
        ("\uff11\uff17", "17", "is it \uff11\uff17?"),
        ("170", "17.0", "correct the identifier"),
    ],
)
def test_an_identifier_in_another_form_is_told(one: str, other: str, told: str) -> None:
    people = {"participant_id": [one, "x"], "age_years": ["50"] * 2, "sex": ["male"] * 2}
    diary = {"participant_id": ["x", other], "date": ["2024-03-01"] * 2, "cramps": ["0"] * 2}
    loaded = clean(raw(participants=people, diary=diary))
    assert said(loaded) == [(3, "participant_id", "unknown-participant", "reject-row")]
    assert told in hints(loaded)[0] and ("is it" in told or hints(loaded)[0].endswith(told))


@pytest.mark.parametrize(
    ("onset", "fits"),
    [
        ("2024-01-01T12:00", True),
        ("2024-01-01T23:30", True),
        ("2024-01-02T11:59", True),
        ("2024-01-02T12:00", False),
        ("2024-01-01T11:59", False),
        ("2024-01-01T03:00", False),
    ],
)
def test_an_onset_belongs_to_its_night(onset: str, fits: bool) -> None:
    episodes: Columns = {"participant_id": ["a"], "date": ["2024-01-01"], "episode": ["1"], "onset": [onset]}
    loaded = clean(raw(episodes=episodes))
    assert said(loaded) == ([] if fits else [(2, "onset", "onset-outside-night", "blank-cell")])
    assert loaded.cohort.frame("episodes")["onset"].null_count() == (0 if fits else 1)


def test_a_treatment_ends_after_it_began() -> None:
    treatments = {
        "participant_id": ["a"] * 3,
        "start": ["2024-01-05", "2024-01-06", "2024-01-07"],
        "agent": ["tens"] * 3,
        "stop": ["2024-01-05", "2024-01-05", None],
    }
    loaded = clean(raw(treatments=treatments))
    assert said(loaded) == [(3, "stop", "stop-before-start", "blank-cell")]
    assert loaded.cohort.frame("treatments")["stop"].to_list() == [date(2024, 1, 5), None, None]


class TestLabs:
    @staticmethod
    def labs(*rows: tuple[str, str, str | None]) -> Cleaned:
        n = len(rows)
        analyte, value, unit = ([row[i] for row in rows] for i in range(3))
        days = [f"2024-01-{day:02}" for day in range(1, n + 1)]
        table = {"participant_id": ["a"] * n, "date": days, "analyte": analyte, "value": value, "unit": unit}
        return clean(raw(labs=table))

    def test_units(self) -> None:
        loaded = self.labs(
            ("serum_calcium", "2.4", "mmol/L"),
            ("serum_calcium", "9.6", "mg/dL"),
            ("serum_calcium", "9.6", "mmol/L"),
            ("serum_calcium", "2.4", "furlongs"),
            ("serum_calcium", "2.4", None),
            ("serum_potassium", "4.2", "mEq/L"),
            ("serum_calcium", "88", "mmol/L"),
        )
        assert said(loaded) == [
            (3, "value", "unit-slip", "blank-cell"),
            (4, "value", "unit-slip", "blank-cell"),
            (5, "value", "unit", "blank-cell"),
            (6, "value", "unit", "blank-cell"),
            (8, "value", "range", "blank-cell"),
        ]
        assert hints(loaded)[0] == "in mg/dL it is 2.395 mmol/L; convert it and state mmol/L"
        assert loaded.cohort.frame("labs")["value"].to_list() == [2.4, None, None, None, None, 4.2, None]

    def test_a_strange_analyte_is_kept(self) -> None:
        loaded = self.labs(("moonstone", "5", "g"))
        assert said(loaded) == [(2, "analyte", "unknown-analyte", "warn")]
        assert loaded.cohort.frame("labs")["value"].to_list() == [5.0]

    def test_a_jump_between_samples(self) -> None:
        rows = [("serum_potassium", value, "mmol/L") for value in ("3", "3.5", "6.5", "6.4")]
        assert said(self.labs(*rows)) == [(4, "value", "jump", "warn")]


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("2024-02-30", "no such day"),
        ("0000-01-01", "no such day"),
        ("24-01-05", "two digits"),
        ("5.1.24", "two digits"),
        ("45320", "day number"),
        ("05.01.2024", "another way"),
        ("2024-01-05T00:00:00Z", "distance from UTC"),
        ("2024-01-05 23:10:00", "time of day"),
        ("05-01-2024", "another way"),
    ],
)
def test_a_bad_date_is_told_what_it_looks_like(cell: str, hint: str) -> None:
    loaded = clean(raw(diary=nights(2) | {"date": ["2024-01-01", cell]}))
    assert said(loaded) == [(3, "date", "type", "reject-row")]
    assert hint in hints(loaded)[0]


@pytest.mark.parametrize(("cell", "hint"), [("5,5", "decimal comma"), ("5 mg", "a unit"), ("3/4", "two numbers")])
def test_a_bad_number_is_told_what_it_looks_like(cell: str, hint: str) -> None:
    loaded = clean(raw(diary=nights(2, sleep_quality_0_10=["5", cell])))
    assert said(loaded) == [(3, "sleep_quality_0_10", "type", "blank-cell")]
    assert hint in hints(loaded)[0]


CELLS: dict[str, list[str | None]] = {
    "participant_id": ["a", "b", "A", None],
    "date": ["2024-01-01", "2024-01-02", "2024-02-30", "2030-01-01", "1/2/24", None],
    "entry_made": ["true", "false", "1", None],
    "cramps": ["0", "1", "-1", "x", "true", None],
    "hours_in_bed": ["8", "480", "2", "99", "lots", None],
    "fluid_ml": ["1800", "2", "1800 ml", "99999", "false", None],
    "electrolyte_drink": ["true", "false", "1800", None],
    "sleep_hours": ["7", "9", "420", "?", None],
}


@given(st.lists(st.tuples(*(st.sampled_from(cells) for cells in CELLS.values())), max_size=12), st.data())
def test_accepted_and_rejected_are_what_was_read_however_the_table_was_read(
    rows: list[tuple[str | None, ...]], data: Any
) -> None:
    """All text, or typed with rows retyped beside it: the same cohort and the same ledger."""
    rows = [("a", "2023-12-31", "true", "1", "8", "1500", "true", "7"), *rows]
    source = raw(diary={name: [row[i] for row in rows] for i, name in enumerate(CELLS)})
    loaded = clean(source, today=date(2025, 1, 1))
    count = loaded.cohort.attrition.tables[1]
    rejecting = loaded.ledger.filter(pl.col("severity") == "reject-row")
    assert count.read == len(rows) == count.accepted + count.rejected
    assert count.rejected == rejecting["line"].n_unique() == loaded.rejected["diary"].height
    assert count.accepted == loaded.cohort.frame("diary").height
    # Read with types: the bad rows must be among the retyped ones, other rows may be.
    people, diary = source.tables
    text = diary.frame
    typed = text.select(rules.typed(v, pl.String()) for v in codebook.variables("diary") if v.name in CELLS)
    violations = [b for v in codebook.variables("diary") if v.name in CELLS for b in rules.value_rules(v).values()]
    bad = typed.select(pl.any_horizontal(*violations)).to_series().fill_null(value=False)
    for name in CELLS:
        bad |= text[name].is_not_null() & typed[name].is_null()
    more = pl.Series(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    suspects = (bad | more).arg_true()
    again = clean(
        replace(
            source, tables=(people, replace(diary, frame=typed.select(list(CELLS)), retyped=(suspects, text[suspects])))
        ),
        today=date(2025, 1, 1),
    )
    assert again.cohort.digest == loaded.cohort.digest
    assert again.ledger.drop("value").rows() == loaded.ledger.drop("value").rows()
