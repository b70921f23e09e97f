"""REDCap exports: raw and labelled, repeating instruments, events, the project's own dictionary."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from pathlib import Path

import pytest

from crampstudy import codebook, simulate
from crampstudy.cleaning import Cleaned, clean
from crampstudy.codebook import dictionary
from crampstudy.cohort import Cohort
from crampstudy.errors import SourceError
from crampstudy.sources import load
from crampstudy.sources.readers import redcap
from crampstudy.sources.readers.redcap import data_dictionary

HEAD = '"Variable / Field Name","Form Name","Field Type","Field Label","Choices, Calculations, OR Slider Labels"\n'
FIELDS = """record_id,enrolment,text,Record ID,
age_years,enrolment,text,Age,
sex,enrolment,radio,Sex,"1, Male | 2, Female | 9, Prefer not to say"
diabetes,enrolment,radio,Diabetes,"1, Yes | 2, No"
centre,enrolment,dropdown,Centre,"1, North | 2, South"
intro,enrolment,descriptive,Hello,
date,night,text,Evening of,
cramps,night,text,How many?,
stretched,night,checkbox,Stretched,"1, Calf | -2, Foot"
mood,night,slider,Mood,
secret,other,text,Secret,
"""


def export(folder: Path, text: str, fields: str | None = None) -> Cleaned:
    """Read an export, with a dictionary of its own where there is one."""
    (folder / "export.csv").write_text(text, encoding="utf-8")
    if fields is None:
        return load(f"redcap:{folder / 'export.csv'}")
    (folder / "d.csv").write_text(HEAD + fields, encoding="utf-8")
    return load(f"redcap:{folder / 'export.csv'}?dictionary={folder / 'd.csv'}")


def notices(loaded: Cleaned) -> str:
    return "\n".join(loaded.cohort.attrition.notices)


def as_export(cohort: Cohort, labels: bool, headings: str = "names") -> str:
    """Write a cohort as REDCap would export it from a project with the package's dictionary."""
    rows = list(csv.DictReader(io.StringIO(dictionary.redcap())))
    names = {(v.table, v.name): field for field, v in data_dictionary.columns().items()}
    columns: list[tuple[str, str]] = []
    for number, row in enumerate(rows):
        columns.append((row["Variable / Field Name"], row["Field Label"]))
        if number == 0:
            columns.append(("redcap_repeat_instrument", "Repeat Instrument"))
            columns.append(("redcap_repeat_instance", "Repeat Instance"))
        if number + 1 == len(rows) or rows[number + 1]["Form Name"] != row["Form Name"]:
            columns.append((f"{row['Form Name']}_complete", "Complete?"))
    out = io.StringIO()
    writer = csv.DictWriter(out, [name for name, _ in columns], lineterminator="\n")
    out.write(",".join(f'"{label if headings == "labels" else name}"' for name, label in columns) + "\n")
    yes_no = {True: "Yes", False: "No"} if labels else {True: "1", False: "0"}
    for table, frame in cohort.tables.items():
        instances: dict[str, int] = {}
        for row in frame.to_dicts():
            record = row["participant_id"]
            instances[record] = instances.get(record, 0) + 1
            cells = {"participant_id": record, f"{table}_complete": "Complete" if labels else "2"}
            if table != "participants":
                shown = table.capitalize() if labels else table
                cells |= {"redcap_repeat_instrument": shown, "redcap_repeat_instance": str(instances[record])}
            for name, value in row.items():
                if name == "participant_id" or value is None:
                    continue
                text = yes_no[value] if isinstance(value, bool) else str(value)
                if isinstance(value, datetime):
                    text = value.strftime("%Y-%m-%d %H:%M:%S")
                if labels and codebook.variable(name, table).levels:
                    text = text.replace("_", " ")
                cells[names[table, name]] = text
            writer.writerow(cells)
    return out.getvalue()


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    """A synthetic cohort with every table that the simulator makes, in codebook columns."""
    made = simulate.simulate(12, 10, seed=3)
    tables = {
        name: table.select(c for c in table.columns if codebook.find(c, name)) for name, table in made.tables.items()
    }
    return Cohort("export", "diary", tables)


@pytest.mark.parametrize(("labels", "headings"), [(False, "names"), (True, "names"), (True, "labels")])
def test_a_cohort_comes_back_from_its_export(cohort: Cohort, tmp_path: Path, labels: bool, headings: str) -> None:
    loaded = export(tmp_path, as_export(cohort, labels, headings))
    assert loaded.ledger.is_empty(), loaded.ledger.head(3)
    assert set(loaded.cohort.tables) == set(cohort.tables)
    for name, table in cohort.tables.items():
        # A project has every field of the codebook; those that nobody filled are empty columns.
        key = list(codebook.TABLES[name].key)
        found = loaded.cohort.frame(name)
        assert found.select(table.columns).sort(key).equals(table.sort(key)), name
        assert all(found[c].null_count() == found.height for c in found.columns if c not in table.columns), name


def test_a_field_participant_id_beside_the_records_identifier(tmp_path: Path) -> None:
    fields = "record_id,enrolment,text,Record ID,\nparticipant_id,enrolment,text,Number,\n" + FIELDS.partition("\n")[2]
    text = (
        "record_id,participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,date,cramps\n"
        "1,A-7,,,70,2,,\n1,,night,1,,,2025-03-01,2\n"
    )
    loaded = export(tmp_path, text, fields)
    assert loaded.cohort.frame("diary")["participant_id"].to_list() == ["1"]
    assert "participant_id is not used, for the record's identifier record_id says who" in notices(loaded)


def test_an_export_that_r_has_written_again(cohort: Cohort, tmp_path: Path) -> None:
    """NA stands in every empty cell, also where no instrument repeats."""
    rows = list(csv.reader(io.StringIO(as_export(cohort, labels=False))))
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([rows[0], *([cell or "NA" for cell in row] for row in rows[1:])])
    loaded = export(tmp_path, out.getvalue())
    assert {t.table: t.rejected for t in loaded.cohort.attrition.tables} == dict.fromkeys(cohort.tables, 0)
    for name, table in cohort.tables.items():
        key = list(codebook.TABLES[name].key)
        assert loaded.cohort.frame(name).select(table.columns).sort(key).equals(table.sort(key)), name


def test_a_dictionary_whose_first_field_is_no_identifier(tmp_path: Path) -> None:
    first, second, *rest = FIELDS.splitlines(keepends=True)
    with pytest.raises(SourceError, match="begins with the field age_years, which cannot be the record's identifier"):
        export(tmp_path, "record_id,age_years,sex,date,cramps\n1,70,2,2025-03-01,2\n", "".join([second, first, *rest]))


def test_lines_are_those_of_the_export(tmp_path: Path) -> None:
    text = (
        "participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,date,cramps\n"
        "1,,,70,female,,\n1,diary,1,,,2025-03-01,2\n\n1,diary,2,,,2025-03-02,many\n1,diary,3,,,,1\n"
    )
    loaded = export(tmp_path, text)
    assert loaded.ledger.select("file", "line", "column", "value").rows() == [
        ("export.csv", 5, "cramps", "many"),
        ("export.csv", 6, "date", None),
    ]
    counts = {t.table: (t.read, t.accepted, t.rejected) for t in loaded.cohort.attrition.tables}
    assert counts == {"participants": (1, 1, 0), "diary": (3, 1, 2)}


RAW = """record_id,redcap_repeat_instrument,redcap_repeat_instance,redcap_data_access_group,\
age_years,sex,diabetes,centre,enrolment_complete,\
date,cramps,stretched___1,stretched____2,mood,night_complete,secret,other_complete
01,,,north,71,2,1,2,2,,,,,,,x,2
01,night,1,north,,,,,,2025-03-01,2,1,0,55,2,,
01,night,2,north,,,,,,2025-03-02,NASK,0,0,,2,,
02,,,south,64,9,2,UNK,2,,,,,,,,
02,night,1,south,,,,,,2025-03-01,0,0,1,20,2,,
02,other,1,south,,,,,,,,,,,,y,2
"""


STRAYS = (
    "participant_id,redcap_repeat_instrument,redcap_repeat_instance,age_years,sex,{0},date,cramps\n"
    "1,,,60,female,North,,\n1,diary,1,,,,2025-03-01,1\n1,diary,2,,,,2025-03-02,0\n"
    "2,,,71,male,South,,\n2,diary,1,,,,2025-03-01,0\n"
)


@pytest.mark.parametrize(
    ("name", "absent"),
    [
        ("site", "episodes and the export has no episodes_date, episode"),
        ("woke", "episodes and the export has no episodes_date, episode"),
        ("unit", "labs and the export has no labs_date, analyte, value"),
        ("start", "treatments and the export has no agent"),
        ("randomised", "treatments and the export has no start, agent"),
    ],
)
def test_a_field_called_as_one_of_a_table_that_the_study_has_not(tmp_path: Path, name: str, absent: str) -> None:
    loaded, other = export(tmp_path, STRAYS.format(name)), export(tmp_path, STRAYS.format("centre"))
    assert f"the codebook has them in {absent}: {name}; a mapping keeps what is the study's own" in notices(loaded)
    assert loaded.cohort.digest == other.cohort.digest and set(loaded.cohort.tables) == {"participants", "diary"}
    # The mapping that the notice speaks of keeps it.
    who = "participant_id: participant_id"
    text = f"version: 1\nclock: {{date: evening}}\ntables:\n  participants:\n    columns: {{{who}, sex: sex}}\n"
    text += f"    own: {{{name}: text}}\n  diary:\n    columns: {{{who}, date: date, cramps: cramps}}\n"
    (tmp_path / "m.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "export.csv").write_text(STRAYS.format(name), encoding="utf-8")
    kept = load(f"redcap:{tmp_path / 'export.csv'}?mapping={tmp_path / 'm.yaml'}").cohort
    assert kept.frame("participants")[name].to_list() == ["North", "South"]


class TestOwnDictionary:
    def test_fields_go_where_the_codebook_or_their_instrument_puts_them(self, tmp_path: Path) -> None:
        loaded = export(tmp_path, RAW, FIELDS)
        people, nights = loaded.cohort.frame("participants"), loaded.cohort.frame("diary")
        assert people.rows(named=True)[0] == {
            "participant_id": "01",
            "age_years": 71.0,
            "sex": "female",
            "diabetes": True,
            "centre": "South",
        }
        assert people["centre"].to_list() == ["South", None] and people["diabetes"].to_list() == [True, False]
        assert nights["cramps"].to_list() == [2, None, 0]
        assert nights["stretched___1"].to_list() == [True, False, False]
        assert nights["stretched____2"].to_list() == [False, False, True]
        assert nights["mood"].to_list() == [55, None, 20]

    def test_everything_that_is_not_used_is_said(self, tmp_path: Path) -> None:
        loaded = export(tmp_path, RAW, FIELDS)
        said = notices(loaded)
        assert "export.csv: cramps: 1 cell holds a missing data code (NASK): missing" in said
        assert "export.csv: centre: 1 cell holds a missing data code (UNK): missing" in said
        assert "not used (form status and the like): redcap_data_access_group, enrolment_complete" in said
        assert "left out, for the dictionary puts them in none of the tables: secret" in said
        assert "1 row belongs to no table (instruments other); left out" in said
        assert "field sex: the choice '9, Prefer not to say' is none of female, male" in said
        # Such an answer is blanked, and the ledger shows it as it stands in the export.
        assert loaded.ledger.select("line", "column", "value", "severity").rows() == [(5, "sex", "9", "blank-cell")]

    @pytest.mark.parametrize(
        ("field", "complaint"),
        [
            ('sex,enrolment,radio,Sex,"1, Herr | 2, Frau"', r"field sex: none of its choices \(Herr, Frau\)"),
            ('diabetes,enrolment,radio,D,"1, Type 1 | 2, Type 2"', r"field diabetes: none of its choices"),
            ("age_years,enrolment,text,Age,", r"the field 'age_years' stands twice"),
        ],
    )
    def test_a_field_that_contradicts_the_codebook_is_refused(self, tmp_path: Path, field: str, complaint: str) -> None:
        fields = "\n".join(line for line in FIELDS.splitlines() if line.split(",")[0] != field.split(",")[0])
        again = "age_years,enrolment,text,Age,\n" if "twice" in complaint else ""
        with pytest.raises(SourceError, match=complaint):
            export(tmp_path, RAW, f"{fields}\n{again}{field}\n")

    def test_yes_and_no_are_told_by_their_labels_not_by_their_codes(self, tmp_path: Path) -> None:
        fields = FIELDS.replace('"1, Yes | 2, No"', '"1, No | 2, Yes"')
        assert export(tmp_path, RAW, fields).cohort.frame("participants")["diabetes"].to_list() == [False, True]

    def test_a_file_that_is_no_dictionary_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "d.csv").write_text("a,b\n1,2\n", encoding="utf-8")
        with pytest.raises(SourceError, match="is not a REDCap data dictionary: it has no column 'Variable"):
            data_dictionary.load(tmp_path / "d.csv")
        with pytest.raises(SourceError, match="there is no data dictionary"):
            data_dictionary.load(tmp_path / "none.csv")

    def test_the_names_of_the_programming_interface_do_as_well(self, tmp_path: Path) -> None:
        text = "field_name,form_name,field_type,field_label,select_choices_or_calculations\n" + FIELDS
        (tmp_path / "d.csv").write_text(text, encoding="utf-8")
        assert data_dictionary.load(tmp_path / "d.csv").fields["sex"].table == "participants"


class TestLabels:
    def test_labels_of_an_instrument_nobody_named_and_of_boxes(self, tmp_path: Path) -> None:
        text = (
            "Record ID,Repeat Instrument,Repeat Instance,Age,Sex,Diabetes,Centre,Complete?,Evening of,How many?,"
            "Stretched (choice=Calf),Stretched (choice=Foot),Mood,Complete?\n"
            "01,,,71,Female,Yes,North,Complete,,,,,,\n"
            '01,"My nights",1,,,,,,2025-03-01,2,Checked,Unchecked,5,Complete\n'
        )
        loaded = export(tmp_path, text, FIELDS)
        assert loaded.cohort.frame("participants").rows() == [("01", 71.0, "female", True, "North")]
        assert loaded.cohort.frame("diary").rows() == [("01", date(2025, 3, 1), 2, True, False, 5)]

    def test_a_label_that_could_be_two_fields_is_not_guessed(self, tmp_path: Path) -> None:
        text = "Participant,Age (years),Sex,Night,Cramps (cramps/night)\n1,70,female,,\n"
        with pytest.raises(SourceError, match=r"several fields have the label 'Night'.*field names as headings"):
            export(tmp_path, text)


EVENTS = """participant_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,\
age_years,sex,grip_strength_kg,date,cramps
1,baseline_arm_1,,,70,female,,,
1,visit_arm_1,,,,female,{grip},,
1,nights_arm_1,diary,1,,,,2025-03-01,2
2,baseline_arm_1,,,60,male,31,,
2,visit_arm_1,,,,,,,
2,nights_arm_1,,1,,,,2025-03-01,0
"""


class TestEvents:
    def test_events_that_agree_are_one_participant(self, tmp_path: Path) -> None:
        loaded = export(tmp_path, EVENTS.format(grip="24"))
        people = loaded.cohort.frame("participants").rows()
        assert people == [("1", 70.0, "female", 24.0), ("2", 60.0, "male", 31.0)]
        assert loaded.cohort.frame("diary")["cramps"].to_list() == [2, 0], "a repeated event holds nights as well"
        assert "4 rows of several events were merged into 2 participants" in notices(loaded)
        assert loaded.ledger.is_empty()

    def test_events_that_differ_are_named(self, tmp_path: Path) -> None:
        text = EVENTS.format(grip="24").replace("1,baseline_arm_1,,,70,female,,", "1,baseline_arm_1,,,70,female,22,")
        complaint = r"record 1 has grip_strength_kg = 22 in the event baseline_arm_1 \(line 2\) and 24 in visit_arm_1"
        with pytest.raises(SourceError, match=complaint):
            export(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b,c\n1,2,3\n", "has no field of the codebook; it has a, b, c"),
        ("participant_id,age_years,sex\n1,70,female\n", "holds no nights"),
    ],
)
def test_an_export_that_is_none_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        export(tmp_path, text)


def test_the_record_may_stand_in_any_column(cohort: Cohort, tmp_path: Path) -> None:
    rows = list(csv.reader(io.StringIO(as_export(cohort, labels=False, headings="names"))))
    moved = "\n".join(",".join(row[1:] + row[:1]) for row in rows) + "\n"
    loaded, expected = export(tmp_path, moved), export(tmp_path, as_export(cohort, labels=False, headings="names"))
    assert loaded.cohort.digest == expected.cohort.digest


@pytest.mark.parametrize("first", ["age_years", "redcap_event_name", "redcap_repeat_instance"])
def test_an_export_without_the_record_is_refused(tmp_path: Path, first: str) -> None:
    complaint = f"no column participant_id; it begins with {first}: export the identifier"
    with pytest.raises(SourceError, match=complaint):
        export(tmp_path, f"{first},sex,date,cramps\n1,female,2025-03-01,1\n")


def test_a_missing_data_code_that_is_a_choice_is_kept(tmp_path: Path) -> None:
    fields = FIELDS.replace('"1, North | 2, South"', '"NA, North America | 2, South"')
    loaded = export(tmp_path, RAW.replace("71,2,1,2,2", "71,2,1,NA,2"), fields)
    assert loaded.cohort.frame("participants")["centre"].to_list() == ["North America", None]


def test_the_raw_tables_hold_every_row_of_a_repeating_instrument(tmp_path: Path) -> None:
    (tmp_path / "export.csv").write_text(RAW, encoding="utf-8")
    (tmp_path / "d.csv").write_text(HEAD + FIELDS, encoding="utf-8")
    raw = redcap.read(tmp_path / "export.csv", tmp_path / "d.csv")
    assert {table.name: table.lines.to_list() for table in raw.tables} == {"participants": [2, 5], "diary": [3, 4, 6]}
    assert clean(raw).cohort.name == "export"
