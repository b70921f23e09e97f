"""Codes and marks of a missing value, in every kind of source: the cell is missing, it is counted, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import polars as pl
import pyreadstat
import pytest

from crampstudy import validation
from crampstudy.cleaning import Cleaned
from crampstudy.codebook.missing import reads_as_missing
from crampstudy.descriptive.incidence import incidence_rate
from crampstudy.errors import SourceError
from crampstudy.nights import coverage
from crampstudy.sources import load
from crampstudy.validation import chunked

Run = Callable[..., tuple[int, str, str]]
PEOPLE = "participant_id,age_years,sex\na,70,female\nb,64,male\n"


def written(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(text)
    return folder


def notices(loaded: Cleaned) -> str:
    return "\n".join(loaded.cohort.attrition.notices)


def cramps(loaded: Cleaned) -> list[int | None]:
    return loaded.cohort.frame("diary")["cramps"].to_list()


def ledger(loaded: Cleaned) -> list[tuple[object, ...]]:
    return loaded.ledger.select("line", "column", "value", "rule", "severity").rows()


class TestLabels:
    @pytest.mark.parametrize(
        "label",
        [
            *("No answer", "99 - no answer", "Refused to answer", "Don't know", "don´t know / not sure", "Missing"),
            *("Not applicable", "N/A (not asked)", "Prefer not to say", "unknown", "keine Angabe", "Weiß nicht"),
            *("trifft nicht zu", "Ne sait pas (NSP)", "NS/NC", "non sa", "Geen antwoord", "vet ikke", "system missing"),
        ],
    )
    def test_it_says_that_there_is_no_value(self, label: str) -> None:
        assert reads_as_missing(label)

    @pytest.mark.parametrize(
        "label",
        [
            "None",
            "none / not applicable",
            "No",
            "never",
            "not done",
            "Missing a tooth",
            "Refused treatment",
            "no cramps",
        ],
    )
    def test_it_is_an_answer(self, label: str) -> None:
        assert not reads_as_missing(label)


class TestCases:
    def test_boxes_of_a_form_that_nobody_filled_in(self, shared: Path, run: Run) -> None:
        folder = shared / "cases/03-redcap-checkbox-empty"
        source = f"redcap:{folder / 'export.csv'}?dictionary={folder / 'dictionary.csv'}"
        assert run("validate", source, "--strict")[0] == 0
        loaded = load(source)
        assert loaded.cohort.frame("diary").height == 4
        assert cramps(loaded) == [2, 0, 1, 0]
        assert loaded.cohort.frame("diary")["stretched___1"].to_list() == [True, False, False, False]

    def test_codes_of_a_project(self, shared: Path) -> None:
        folder = shared / "cases/05-redcap-custom-mdc"
        source = f"redcap:{folder / 'export.csv'}?dictionary={folder / 'dictionary.csv'}"
        told = load(f"{source}&missing=99,-99")
        assert cramps(told) == [2, None, None, 0, None]
        assert told.cohort.frame("participants")["bmi_kg_m2"].to_list() == [None, 27.5]
        assert "export.csv: cramps: 3 cells hold a missing data code (-99, 99): missing" in notices(told)
        assert told.ledger.is_empty()
        assert ("99", "far-count", "warn") in [row[2:] for row in ledger(load(source))]

    def test_a_code_that_nobody_declared_warns(self, shared: Path, run: Run) -> None:
        folder = shared / "cases/05-redcap-custom-mdc"
        loaded = load(folder / "pkg")
        assert [row[2:] for row in ledger(loaded)] == [("99", "far-count", "warn")] * 24
        assert "SOURCE?missing=cramps:99" in loaded.ledger["hint"][0]
        for command in (("describe",), ("fit", "--model", "poisson", "--terms", "sex")):
            _, _, err = run(command[0], str(folder / "pkg"), *command[1:], "--csv")
            assert "24 counts far above all others are in use" in err
        for source in (folder / "pkg2", f"{folder / 'pkg'}?missing=99", f"package:{folder / 'pkg'}?missing=cramps:99"):
            cohort = load(source).cohort
            seen = coverage(cohort).join(
                cohort.frame("diary").group_by("participant_id").agg(pl.col("cramps").sum()), on="participant_id"
            )
            rate = incidence_rate(seen["cramps"].to_numpy(), seen["nights_observed"].to_numpy(), 0.95)
            assert rate.estimate == pytest.approx(2.85, abs=0.005)
            assert load(source).ledger.is_empty()
        _, out, _ = run("try", str(folder / "pkg/diary.csv"))
        assert "24 counts such as 99 are far above" in out and "--missing 99" in out
        _, out, _ = run("try", str(folder / "pkg/diary.csv"), "--missing", "99")
        assert "2.85 (" in out and "24 cells hold a declared missing code (99): missing" in out

    @pytest.mark.parametrize("file", ["declared", "undeclared"])
    def test_a_label_that_reads_as_no_answer(self, shared: Path, file: str) -> None:
        loaded = load(shared / f"cases/10-spss-labelled-99/{file}.sav")
        assert cramps(loaded) == [1, None, 0, 0, None, 1]
        assert loaded.cohort.frame("diary")["sleep_quality_0_10"].to_list() == [7, None, 6, 8, 5, None]
        assert f"{file}.sav: cramps: 2 cells hold a value " in notices(loaded)
        assert "(99 = no answer): missing" in notices(loaded)
        assert loaded.ledger.is_empty()

    def test_what_r_writes(self, shared: Path, run: Run) -> None:
        source = shared / "cases/17-r-write-csv"
        loaded = load(source)
        assert cramps(loaded) == [1, None, 0, 0]
        assert loaded.cohort.frame("diary")["electrolyte_drink"].to_list() == [True, None, False, False]
        assert loaded.cohort.frame("participants")["diabetes"].to_list() == [True, None]
        assert {row[3:] for row in ledger(loaded)} == {("missing-mark", "warn")}
        assert "diary.csv: cramps: 1 cell holds NA: missing" in notices(loaded)
        assert run("validate", str(source), "--strict")[0] == 0
        assert "1 cell holds NA: missing" in run("try", str(source / "diary.csv"))[1]

    def test_somebody_may_be_called_na(self, shared: Path) -> None:
        assert {"NA", "NULL", "nan"} <= set(load(shared / "cases/29-ids").cohort.frame("diary")["participant_id"])


class TestMarks:
    @pytest.mark.parametrize("mark", ["NA", "N/A", "n/a", "#N/A", "#NV", "NULL", "NaN", "nan", "-", ".", "<NA>"])
    def test_in_any_column(self, tmp_path: Path, mark: str) -> None:
        text = "participant_id,date,cramps,sleep_hours,warm_up,mood,centre\n"
        text += f"a,2025-03-01,{mark},{mark},{mark},{mark},{mark}\na,2025-03-02,1,7.5,true,2.5,north\n"
        source = written(tmp_path / "s", participants_csv=PEOPLE, diary_csv=text)
        loaded = load(source)
        night = loaded.cohort.frame("diary").drop("participant_id", "date").rows()
        assert night == [(None,) * 5, (1, 7.5, True, 2.5, "north")]
        assert {(row[0], row[2], *row[3:]) for row in ledger(loaded)} == {(2, mark, "missing-mark", "warn")}
        assert f"diary.csv: mood: 1 cell holds {mark}: missing" in notices(loaded)

    def test_words_beside_numbers(self, tmp_path: Path) -> None:
        text = "participant_id,date,cramps,sleep_hours\na,2025-03-01,no answer,keine Angabe\na,2025-03-02,none,7\n"
        loaded = load(written(tmp_path / "s", participants_csv=PEOPLE, diary_csv=text))
        assert cramps(loaded) == [None]
        # "None" may be the answer 0: it is for the reader of the ledger to say.
        assert (3, "cramps", "none", "type", "reject-row") in ledger(loaded)

    def test_a_level_that_is_such_a_word_stays(self, tmp_path: Path) -> None:
        people = "participant_id,age_years,sex,diuretic_class\na,70,female,none\nb,64,male,NA\n"
        loaded = load(
            written(tmp_path / "s", participants_csv=people, diary_csv="participant_id,date,cramps\na,2025-03-01,1\n")
        )
        assert loaded.cohort.frame("participants")["diuretic_class"].to_list() == ["none", None]

    def test_rejected_rows_stand_as_in_the_file(self, tmp_path: Path) -> None:
        text = "participant_id,date,cramps,sleep_hours\na,2025-03-01,1,7\na,soon,2,NA\n"
        loaded = load(written(tmp_path / "s", participants_csv=PEOPLE, diary_csv=text))
        assert loaded.rejected["diary"]["sleep_hours"].to_list() == ["NA"]

    def test_a_part_at_a_time(self, tmp_path: Path) -> None:
        nights = pl.DataFrame(
            {
                "participant_id": ["a", "a", "b", "b"],
                "date": ["2025-03-01", "2025-03-02"] * 2,
                "cramps": [1, 99, 0, 99],
                "mood": ["1.5", "NA", "2", "n/a"],
                "warmth": [1.5, float("nan"), 2.0, float("inf")],
                "centre": ["x", "NA", "y", "y"],
            }
        ).with_columns(pl.col("date").str.to_date())
        source = written(tmp_path / "s", participants_csv=PEOPLE)
        nights.write_parquet(source / "diary.parquet")
        for ending in ("", "?missing=cramps:99"):
            whole = validation.summarise(load(f"{source}{ending}"))
            parted = chunked.validate(f"{source}{ending}", large=1, size=2)
            assert parted is not None
            assert (parted.rules, parted.nights, parted.costly) == (whole.rules, whole.nights, whole.costly)
            said = [n for n in whole.notices if "declared" not in n]
            assert [n for n in parted.notices if "cells that hold 99 are missing" not in n] == said
        assert whole.nights is not None and whole.nights.without_count == 2
        assert load(source).cohort.frame("diary").schema["mood"] == pl.Float64()


class TestDeclared:
    def test_in_a_workbook_by_column_and_everywhere(self, tmp_path: Path) -> None:
        workbook = openpyxl.Workbook()
        sheet = workbook.active
        assert sheet is not None
        sheet.title = "diary"
        for row in (
            ["participant_id", "date", "Cramps", "age_years", "sex", "mood"],
            [99, "2025-03-01", 99, 99, "female", -99.0],
            [99, "2025-03-02", 1, 99, "female", 4],
        ):
            sheet.append(row)
        workbook.save(tmp_path / "b.xlsx")
        one = load(f"{tmp_path / 'b.xlsx'}?missing=cramps:99,-99")
        assert cramps(one) == [None, 1] and one.cohort.frame("participants")["age_years"].to_list() == [99]
        assert one.cohort.frame("diary")["mood"].to_list() == [None, 4]
        assert "b.xlsx[diary]: cramps: 1 cell holds a declared missing code (99): missing" in notices(one)
        everywhere = load(f"excel:{tmp_path / 'b.xlsx'}?missing=99,-99")
        # A key is no answer: participant 99 stays.
        assert everywhere.cohort.frame("participants").row(0)[:2] == ("99", None)

    @pytest.mark.parametrize("suffix", [".sav", ".dta", ".xpt"])
    def test_in_a_statistical_file(self, tmp_path: Path, suffix: str) -> None:
        frame = pd.DataFrame(
            {
                "participant_id": ["a", "a"],
                "date": ["2025-03-01", "2025-03-02"],
                "cramps": [99.0, 1.0],
                "age_years": [70.0, 70.0],
                "sex": ["female", "female"],
            }
        )
        path = tmp_path / f"s{suffix}"
        if suffix == ".xpt":
            pyreadstat.write_xport(frame, str(path), file_format_version=8)
        else:
            (pyreadstat.write_sav if suffix == ".sav" else pyreadstat.write_dta)(frame, str(path))
        assert cramps(load(f"stat:{path}?missing=99")) == [None, 1]

    def test_extended_missing_values_of_stata_are_counted(self, tmp_path: Path) -> None:
        frame = pd.DataFrame(
            {
                "participant_id": ["a"] * 3,
                "date": ["2025-03-01", "2025-03-02", "2025-03-03"],
                "cramps": [1, "a", "b"],
                "age_years": [70] * 3,
                "sex": ["female"] * 3,
            }
        )
        labels = {"cramps": {"a": "refused"}}
        path = tmp_path / "s.dta"
        pyreadstat.write_dta(frame, str(path), missing_user_values={"cramps": ["a", "b"]}, variable_value_labels=labels)
        loaded = load(path)
        assert cramps(loaded) == [1, None, None]
        assert "cramps: 2 cells hold a value that the file declares missing (a = refused, b): missing" in notices(
            loaded
        )

    def test_in_a_mapped_file(self, tmp_path: Path) -> None:
        mapping = (
            "version: 1\nclock: {date: evening}\ntables:\n  participants:\n    rows: {distinct: true}\n"
            '    columns: {participant_id: who, age_years: {constant: ""}, sex: {constant: ""}}\n'
            "  diary:\n    columns: {participant_id: who, date: night, cramps: n}\n"
        )
        written(tmp_path, d_csv="who,night,n\n99,2025-03-01,99\n99,2025-03-02,1\n", m_yaml=mapping)
        loaded = load(f"mapped:{tmp_path / 'd.csv'}?mapping={tmp_path / 'm.yaml'}&missing=99")
        assert cramps(loaded) == [None, 1]
        assert "n → cramps: 1 cell holds a declared missing code (99): missing" in notices(loaded)

    def test_by_a_descriptor_for_one_column_in_every_format(self, tmp_path: Path) -> None:
        fields = [{"name": "cramps", "type": "integer", "missingValues": [{"value": "99", "label": "no answer"}]}]
        for ending in ("csv", "parquet"):
            resource = {"name": "diary", "path": f"diary.{ending}", "schema": {"fields": fields}}
            described = json.dumps({"resources": [{"name": "participants", "path": "participants.csv"}, resource]})
            source = written(tmp_path / ending, participants_csv=PEOPLE, datapackage_json=described)
            nights = pl.DataFrame(
                {"participant_id": ["a"] * 2, "date": ["2025-03-01", "2025-03-02"], "cramps": [99, 1]}
            )
            nights = nights.with_columns(pl.col("date").str.to_date(), sitting_breaks=pl.lit(99))
            (nights.write_csv if ending == "csv" else nights.write_parquet)(source / f"diary.{ending}")
            loaded = load(source)
            assert cramps(loaded) == [None, 1]
            assert loaded.cohort.frame("diary")["sitting_breaks"].to_list() == [99, 99]

    def test_a_schema_reaches_numbers_of_parquet(self, tmp_path: Path) -> None:
        resource = {"name": "diary", "path": "diary.parquet", "schema": {"missingValues": ["", "99"]}}
        described = json.dumps({"resources": [{"name": "participants", "path": "participants.csv"}, resource]})
        source = written(tmp_path / "s", participants_csv=PEOPLE, datapackage_json=described)
        nights = pl.DataFrame({"participant_id": ["a"] * 2, "date": ["2025-03-01", "2025-03-02"], "cramps": [99, 1]})
        nights.with_columns(pl.col("date").str.to_date()).write_parquet(source / "diary.parquet")
        assert cramps(load(source)) == [None, 1]

    def test_a_column_that_is_not_there_and_an_empty_code(self, tmp_path: Path) -> None:
        nights = "participant_id,date,cramps\na,2025-03-01,1\n"
        source = written(tmp_path / "s", participants_csv=PEOPLE, diary_csv=nights)
        with pytest.raises(
            SourceError, match=r"declared for 'cramp', and there is no such column; it has participant_id"
        ):
            load(f"{source}?missing=cramp:99")
        with pytest.raises(SourceError, match=r"missing=99, has an empty code; write missing=-99,NI"):
            load(f"{source}?missing=99,")


DICTIONARY = """"Variable / Field Name","Form Name","Section Header","Field Type","Field Label",\
"Choices, Calculations, OR Slider Labels"
record_id,enrolment,,text,Record ID,
age_years,enrolment,,text,Age,
sex,enrolment,,radio,Sex,"1, Male | 2, Female"
cond,enrolment,,checkbox,Conditions,"1, Gout | 2, Gland | 8, Not applicable"
date,night,,text,Evening of,
cramps,night,,dropdown,How many?,"0, 0 | 1, 1 | 2, 2 | 9, No answer"
stretched,night,,checkbox,Stretched,"1, Calf | 2, Foot"
total,night,,calc,Total,
"""
HEAD = (
    "record_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,cond___1,cond___2,cond___8,cond___unk,"
    "enrolment_complete,date,cramps,stretched___1,stretched___2,stretched____99,total,night_complete\n"
)


class TestBoxes:
    def loaded(self, folder: Path, rows: str) -> Cleaned:
        written(folder, d_csv=DICTIONARY, e_csv=HEAD + rows)
        return load(f"redcap:{folder / 'e.csv'}?dictionary={folder / 'd.csv'}")

    def test_a_box_of_a_missing_code_is_no_variable(self, tmp_path: Path) -> None:
        loaded = self.loaded(
            tmp_path,
            "1,,,70,2,0,0,0,1,2,,,,,,,\n2,,,64,1,1,0,0,0,2,,,,,,,\n3,,,61,1,0,0,1,0,2,,,,,,,\n"
            "1,night,1,,,,,,,,2025-03-01,1,0,0,1,1,2\n1,night,2,,,,,,,,2025-03-02,9,1,0,0,0,2\n",
        )
        people, nights = loaded.cohort.frame("participants"), loaded.cohort.frame("diary")
        assert people.columns == ["participant_id", "age_years", "sex", "cond___1", "cond___2"]
        assert people["cond___1"].to_list() == [None, True, None]
        assert nights["stretched___1"].to_list() == [None, True] and "stretched____99" not in nights.columns
        assert nights["cramps"].to_list() == [1, None]
        assert "stretched____99 stands for a missing answer and is no variable" in notices(loaded)
        assert "e.csv: cramps: 1 cell holds a missing data code (9): missing" in notices(loaded)

    def test_in_an_export_with_labels(self, tmp_path: Path) -> None:
        head = "Record ID,Repeat Instrument,Repeat Instance,Age,Sex,Complete?,Evening of,How many?,"
        boxes = "Stretched (choice=Calf),Stretched (choice=Foot),Stretched (choice=Unknown),Complete?\n"
        rows = (
            "1,,,70,Female,Complete,,,,,,\n"
            "1,night,1,,,,2025-03-01,1,Unchecked,Unchecked,Checked,Complete\n"
            "1,night,2,,,,2025-03-02,No answer,Checked,Unchecked,Unchecked,Complete\n"
            "1,night,3,,,,,,Unchecked,Unchecked,Unchecked,Incomplete\n"
        )
        written(tmp_path, d_csv=DICTIONARY, e_csv=head + boxes + rows)
        loaded = load(f"redcap:{tmp_path / 'e.csv'}?dictionary={tmp_path / 'd.csv'}")
        nights = loaded.cohort.frame("diary")
        assert nights.columns == ["participant_id", "date", "cramps", "stretched___1", "stretched___2"]
        assert nights["stretched___1"].to_list() == [None, True] and cramps(loaded) == [1, None]
        assert loaded.ledger.is_empty()

    def test_a_form_that_nobody_filled_in_is_no_entry(self, tmp_path: Path) -> None:
        loaded = self.loaded(
            tmp_path,
            "1,,,70,2,0,1,0,0,2,,,,,,,\n2,,,,,0,0,0,0,0,,,0,0,0,0,\n"
            "1,night,1,,,,,,,,2025-03-01,1,0,0,0,1,2\n1,night,2,,,,,,,,,,0,0,0,0,0\n1,night,3,,,,,,,,,,0,0,0,0,2\n",
        )
        assert loaded.cohort.frame("participants")["cond___2"].to_list() == [True, None]
        assert loaded.cohort.frame("diary")["stretched___1"].to_list() == [False]
        # Marked as complete, the form was filled in, and its date is missing.
        assert [(line, column, severity) for line, column, _, _, severity in ledger(loaded)] == [
            (6, "date", "reject-row")
        ]
        assert "2 rows have unticked boxes in night, which nobody filled in: no entry" in notices(loaded)
        assert "left out: 1 repetition of an instrument without an entry, incomplete" in notices(loaded)


class TestFarCounts:
    def test_honest_high_counts_are_no_outliers(self, tmp_path: Path) -> None:
        rows = [f"a,2025-03-{day:02},{(day * 7) % 31}" for day in range(1, 29)]
        rows += [f"b,2025-03-{day:02},{day % 3}" for day in range(1, 29)]
        text = "\n".join(["participant_id,date,cramps", *rows]) + "\n"
        assert load(written(tmp_path / "s", participants_csv=PEOPLE, diary_csv=text)).ledger.is_empty()

    def test_a_code_on_all_nights_of_one_participant(self, tmp_path: Path) -> None:
        rows = [f"a,2025-03-{day:02},77" for day in range(1, 4)] + [
            f"b,2025-03-{day:02},{day % 3}" for day in range(1, 29)
        ]
        text = "\n".join(["participant_id,date,cramps", *rows]) + "\n"
        loaded = load(written(tmp_path / "s", participants_csv=PEOPLE, diary_csv=text))
        assert [row[:4] for row in ledger(loaded)] == [(line, "cramps", "77", "far-count") for line in (2, 3, 4)]
        assert len(cramps(loaded)) == 31
