"""The codebook: every core name once, and everything that derives from it."""

from __future__ import annotations

import csv
import json
import re
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crampstudy import codebook
from crampstudy.codebook import TABLES, VARIABLES, Variable, contrasts, dictionary, laboratory, rules
from crampstudy.errors import UsageError

ROOT = Path(__file__).resolve().parents[1]
DEFINITIONS = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")


def core_names(definitions: str) -> dict[str, list[str]]:
    """The core names of each table, as the definitions list them: ``table: name, name (levels), stem_{a,b}_unit.``"""
    text = definitions.partition("**Core names**")[2].partition("A column that the codebook does not know")[0]
    listed = {}
    for table, names in re.findall(r"`(\w+)`: (.*?)\.(?=\s+`|\s*$)", text, re.DOTALL):
        # Levels and remarks stand in parentheses; {a,b} is one name for each.
        plain = re.sub(r"\([^)]*\)|`[^`]*`", "", names)
        plain = re.sub(r"\{[^}]*\}", lambda braces: braces[0].replace(",", "|"), plain)
        listed[table] = [
            "".join(parts)
            for name in re.split(r"[,\s]+", plain.strip())
            if name
            for parts in product(*(piece.strip("{}").split("|") for piece in re.split(r"(\{[^}]*\})", name)))
        ]
    return listed


def test_every_core_name_of_the_definitions_and_no_other() -> None:
    listed = core_names(DEFINITIONS)
    assert set(listed) == set(TABLES)
    assert len(listed["participants"]) > 60
    for table, names in listed.items():
        assert sorted(names) == sorted(v.name for v in codebook.variables(table))


def test_levels_of_the_definitions() -> None:
    text = re.sub(r"\s+", " ", DEFINITIONS).partition("**Core names**")[2].partition("**The codebook**")[0]
    stated = re.findall(r"(\w+) \((\w+(?:\|\w+)+)\)", text)
    assert len(stated) >= 5
    for name, levels in stated:
        assert codebook.variable(name).levels == tuple(levels.split("|"))


def test_keys_are_described_and_required() -> None:
    for table in TABLES.values():
        for name in table.key:
            v = codebook.variable(name, table.name)
            assert (v.required, v.severity, v.domain) == (True, "reject-row", "key")


@pytest.mark.parametrize("v", VARIABLES, ids=lambda v: f"{v.table}.{v.name}")
def test_a_variable_is_whole(v: Variable) -> None:
    assert v.label
    assert v.description
    assert v.domain
    assert v.type in rules.DTYPES
    assert bool(v.levels) == (v.type == "level") or v.name == "age_band"
    assert v.minimum is None or v.maximum is None or v.minimum < v.maximum
    assert (v.severity is None) == (v.table == "derived")
    of_nights = {
        "cramp_night",
        "season_cos",
        "season_sin",
        "weekend_night",
        "fluid_guideline",
        "session_load",
        "stretching_night",
    }
    assert (v.component is None) == (v.table not in ("participants", "derived") or v.name in of_nights)


def test_names_are_unique_where_they_can_meet() -> None:
    for table in (*TABLES, "derived"):
        names = [v.name for v in codebook.variables(table)]
        assert len(names) == len(set(names))
    met = [v.name for v in VARIABLES if v.table in ("participants", "diary", "derived") and v.domain != "key"]
    assert len(met) == len(set(met))


def test_units_are_part_of_the_name() -> None:
    """What a name ends in is its unit, so that a file cannot be read in another one."""
    endings = {"_mmol_l": "mmol/L", "_kg_m2": "kg/m²", "_0_10": "0-10", "_ml": "mL/day", "_mg": "mg/day", "_kg": "kg"}
    for v in VARIABLES:
        for ending, unit in endings.items():
            if v.name.endswith(ending):
                assert v.unit == unit, v.name


def test_find_and_variable() -> None:
    assert codebook.variable("participant_id").table == "participants"
    assert codebook.variable("date", "labs").label == "Date of the sample"
    assert codebook.variable("serum_sodium_mmol_l").heading == "Serum sodium (mmol/L)"
    assert codebook.find("cramps", "participants") is None
    with pytest.raises(UsageError, match="did you mean diabetes"):
        codebook.variable("diabetis")
    with pytest.raises(UsageError, match="no variable 'cramps' in labs"):
        codebook.variable("cramps", "labs")


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("sex", "one of female, male"),
        ("cramps", "a whole number from 0 to 200"),
        ("stratum", "a whole number of at least 0"),
        ("age_years", "a number from 0 to 120"),
        ("diabetes", "true or false"),
        ("date", "a date as YYYY-MM-DD"),
        ("participant_id", "text that is not empty"),
        ("arm", "text"),
    ],
)
def test_what_is_allowed_in_words(name: str, allowed: str) -> None:
    assert codebook.variable(name).allowed == allowed


NUMERIC = [v for v in VARIABLES if v.minimum is not None or v.maximum is not None]


@given(st.sampled_from(NUMERIC), st.floats(allow_nan=False))
def test_a_range_is_inclusive(v: Variable, value: float) -> None:
    low = float("-inf") if v.minimum is None else v.minimum
    high = float("inf") if v.maximum is None else v.maximum
    for cell in (value, low, high):
        if abs(cell) != float("inf") or v.type == "number":
            typed = cell if v.type == "number" else int(cell) if abs(cell) < 2**62 else 0
            frame = pl.DataFrame({v.name: [typed]}, schema={v.name: rules.DTYPES[v.type]})
            broken = frame.select(rules.value_rules(v)["range"]).item()
            assert broken == (not low <= typed <= high or abs(typed) == float("inf"))


def typed(type: codebook.VariableType, cells: list[str | None]) -> list[object]:
    v = next(v for v in VARIABLES if v.type == type)
    frame = pl.DataFrame({v.name: cells}, schema={v.name: pl.String})
    return frame.select(rules.typed(v, pl.String())).to_series().to_list()


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_whole_numbers_survive_text(numbers: list[int]) -> None:
    assert typed("integer", [str(n) for n in numbers]) == numbers


@given(st.lists(st.floats(allow_nan=False)))
def test_numbers_survive_text(numbers: list[float]) -> None:
    assert typed("number", [repr(n) for n in numbers]) == numbers


@given(st.lists(st.dates()))
def test_dates_survive_text(days: list[object]) -> None:
    assert typed("date", [str(day) for day in days]) == days


@given(st.lists(st.datetimes()), st.sampled_from("T "))
def test_instants_survive_text(instants: list[object], between: str) -> None:
    assert typed("datetime", [i.isoformat(between) for i in instants]) == instants  # type: ignore[attr-defined]


@given(
    st.sampled_from(["integer", "number", "boolean", "date", "datetime"]), st.lists(st.none() | st.text(max_size=12))
)
def test_any_text_is_typed_or_null(type: codebook.VariableType, cells: list[str | None]) -> None:
    values = typed(type, cells)
    assert len(values) == len(cells)
    assert all(value is None for value, cell in zip(values, cells, strict=True) if cell is None)
    if type == "integer":
        kept = [(v, c) for v, c in zip(values, cells, strict=True) if v is not None and c is not None]
        assert all(v == float(c) for v, c in kept)


@pytest.mark.parametrize(
    ("type", "cells"),
    [
        ("integer", ["1.5", "1e300", "9007199254740993.0", "1_000", "0x1", "", "one"]),
        ("number", ["1,5", "nan", "1_0", "five", ""]),
        ("boolean", ["1", "0", "yes", "t", ""]),
        ("date", ["2024-1-5", "24-01-05", "2024-02-30", "05.01.2024", "2024-01-05 ", "20240105", "+2024-01-5"]),
        ("datetime", ["2024-01-05", "2024-01-05T24:00", "2024-01-05T1:00", "2024-01-05T01:00Z", "2024-01-05T01:00:61"]),
    ],
)
def test_what_is_not_a_value(type: codebook.VariableType, cells: list[str | None]) -> None:
    assert typed(type, cells) == [None] * len(cells)


def test_reference_ranges_are_of_laboratory_values_and_cited() -> None:
    made = laboratory.reference_ranges()
    assert len({each.name for each in made}) == len(made)
    for each in made:
        v = codebook.variable(each.name)
        assert v.laboratory and each.source
        assert each.high is None or each.low < each.high
        assert each.deficient_below is None or each.deficient_below <= max(each.low, 135)
        assert v.minimum is None or v.minimum < each.low
    asked = ("serum_sodium", "serum_potassium", "serum_calcium_corrected", "serum_magnesium", "serum_phosphate")
    vitamins = ("vitamin_d_nmol_l", "vitamin_b1_nmol_l", "vitamin_b6_nmol_l", "vitamin_b12_pmol_l")
    assert {*(f"{name}_mmol_l" for name in asked), *vitamins} <= {each.name for each in made}
    magnesium = laboratory.reference_range("serum_magnesium_mmol_l")
    assert magnesium is not None
    assert (magnesium.low, magnesium.high, magnesium.deficient_below) == (0.7, 1.0, 0.7)
    assert magnesium.wording == "0.7 to 1 mmol/L, deficient below 0.7"
    assert laboratory.reference_range("dietary_sodium_mg") is None


def test_the_declared_contrasts_of_nutrition() -> None:
    corrected = contrasts.find("serum_calcium_corrected_mmol_l")
    assert corrected is not None and (corrected.at, corrected.reference) == (2.15, 2.35)
    for mineral in ("sodium", "potassium", "calcium", "magnesium"):
        intake = contrasts.find(f"recall_dietary_{mineral}_mg")
        assert intake is not None and intake.source is not None and intake.source.startswith("Claim C")
        assert intake.centiles() == "10th against 90th centile"
    pill = contrasts.find("supplement_magnesium_mg")
    night = contrasts.find("supplement_magnesium_mg", deviation=True)
    assert pill is not None and night is not None
    assert (pill.at, pill.reference) == (night.at, night.reference) == (300, 0)


class TestDictionary:
    def test_the_written_one_is_the_generated_one(self, tmp_path: Path) -> None:
        dictionary.write(tmp_path)
        made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
        kept = {path.name: path.read_bytes() for path in (ROOT / "data/dictionary").iterdir()}
        assert kept == made, "run python -m crampstudy.codebook"
        assert set(made) == {"dictionary.md", "datapackage.json", "redcap.csv"}

    def test_markdown_has_a_row_per_variable(self) -> None:
        rows = re.findall(r"^\| `(\w+)` \|", dictionary.markdown(), re.MULTILINE)
        assert sorted(rows) == sorted(v.name for v in VARIABLES)
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in dictionary.markdown().splitlines() if line[:1] == "|"}
        assert widths == {9}

    def test_datapackage_says_what_the_codebook_says(self) -> None:
        resources = json.loads(dictionary.datapackage())["resources"]
        assert [r["name"] for r in resources] == list(TABLES)
        for resource in resources:
            schema = resource["schema"]
            assert schema["primaryKey"] == list(TABLES[resource["name"]].key)
            for field in schema["fields"]:
                v = codebook.variable(field["name"], resource["name"])
                constraints = field.get("constraints", {})
                assert field["title"] == v.heading
                assert constraints.get("minimum") == v.minimum
                assert constraints.get("maximum") == v.maximum
                assert constraints.get("enum", []) == list(v.levels)

    def test_redcap_fields_are_valid_and_unique(self) -> None:
        header, *fields = csv.reader(dictionary.redcap().splitlines())
        assert len(header) == 18
        assert {len(row) for row in fields} == {18}
        names = [row[0] for row in fields]
        assert names[0] == "participant_id"
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[a-z][a-z0-9_]{0,99}", name) for name in names)
        # One identifier for the record, every other variable once.
        assert len(names) == sum(v.table != "derived" for v in VARIABLES) - (len(TABLES) - 1)
        by_name = {row[0]: row for row in fields}
        assert by_name["sex"][3:6] == ["dropdown", "Sex", "female, female | male, male"]
        assert by_name["cramps"][7:10] == ["integer", "0", "200"]
