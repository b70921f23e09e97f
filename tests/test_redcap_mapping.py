"""REDCap projects with field names of their own: a mapping on top of the dictionary, and what is said without one."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from crampstudy.cleaning import Cleaned
from crampstudy.errors import SourceError
from crampstudy.sources import load

Run = Callable[..., tuple[int, str, str]]
HEADINGS = (
    "Variable / Field Name,Form Name,Field Type,Field Label,"
    '"Choices, Calculations, OR Slider Labels",Text Validation Type OR Show Slider Number\n'
)
DICTIONARY = HEADINGS + (
    "record_id,enrol,text,Record,,\n"
    'geschlecht,enrol,radio,Geschlecht,"m, Male | f, Female",\n'
    "alter,enrol,text,Alter,,integer\n"
    "abend,nacht,text,Abend,,date_ymd\n"
    'anzahl,nacht,radio,Wie viele?,"0, none | 1, one | 2, two | 9, no answer",\n'
    "schlaf,nacht,text,Schlaf,,number_1dp_comma_decimal\n"
    'was,nacht,checkbox,Was?,"1, Dehnen | 2, Gehen",\n'
    "gedehnt,nacht,yesno,Gedehnt?,,\n"
    'laune,nacht,radio,Laune,"1, gut | 2, schlecht",\n'
)
RAW = (
    "record_id,redcap_repeat_instrument,redcap_repeat_instance,geschlecht,alter,enrol_complete,"
    "abend,anzahl,schlaf,was___1,was___2,gedehnt,laune,nacht_complete\n"
    "7,,,f,70,2,,,,,,,,\n"
    '7,nacht,1,,,,2025-03-01,1,"6,5",1,0,1,1,2\n'
    '7,nacht,2,,,,2025-03-02,9,"7",0,1,0,2,2\n'
    "7,nacht,3,,,,2025-03-03,0,UNK,0,0,,,2\n"
    "7,nacht,4,,,,,,,0,0,,,0\n"
    "8,,,m,,2,,,,,,,,\n"
    "8,nacht,1,,,,2025-03-01,2,8,0,0,,,2\n"
)
MAPPING = """version: 1
clock: {date: evening}
tables:
  participants:
    columns: {participant_id: record_id, age_years: alter, sex: geschlecht}
  diary:
    columns:
      participant_id: record_id
      date: abend
      cramps: anzahl
      sleep_hours: schlaf
      warm_up: gedehnt
    own: {was___1: boolean, laune: text}
"""


def files(folder: Path, export: str = RAW, dictionary: str = DICTIONARY, mapping: str = MAPPING) -> str:
    for name, text in (("e.csv", export), ("d.csv", dictionary), ("m.yaml", mapping)):
        (folder / name).write_text(text, encoding="utf-8")
    return f"redcap:{folder / 'e.csv'}?dictionary={folder / 'd.csv'}"


def mapped(folder: Path, **texts: str) -> Cleaned:
    return load(f"{files(folder, **texts)}&mapping={folder / 'm.yaml'}")


def labelled() -> str:
    """Return the same export with labels as headings and in the cells."""
    head = "Record,Repeat Instrument,Repeat Instance,Geschlecht,Alter,Complete?,"
    head += "Abend,Wie viele?,Schlaf,Was? (choice=Dehnen),Was? (choice=Gehen),Gedehnt?,Laune,Complete?\n"
    rows = RAW.partition("\n")[2].replace("nacht,", "Nacht,").replace(",f,", ",Female,").replace(",m,", ",Male,")
    for code, label in (
        (',1,"6,5",1,0,1,1,2', ',one,"6,5",Checked,Unchecked,Yes,gut,Complete'),
        (',9,"7",0,1,0,2,2', ',no answer,"7",Unchecked,Checked,No,schlecht,Complete'),
        (",0,UNK,0,0,,,2", ",none,UNK,Unchecked,Unchecked,,,Complete"),
        (",,,0,0,,,0", ",,,Unchecked,Unchecked,,,Incomplete"),
        (",2,8,0,0,,,2", ",two,8,Unchecked,Unchecked,,,Complete"),
    ):
        assert code in rows
        rows = rows.replace(code, label)
    return head + rows


@pytest.mark.parametrize("labels", [False, True])
def test_the_dictionary_says_the_rest(tmp_path: Path, labels: bool) -> None:
    loaded = mapped(tmp_path, export=labelled() if labels else RAW)
    people, nights = (loaded.cohort.frame(name) for name in ("participants", "diary"))
    assert people.rows() == [("7", 70.0, "female"), ("8", None, "male")]
    assert nights.rows() == [
        ("7", date(2025, 3, 1), 1, 6.5, True, True, "gut"),
        ("7", date(2025, 3, 2), None, 7.0, False, False, "schlecht"),
        ("7", date(2025, 3, 3), 0, None, None, False, None),
        ("8", date(2025, 3, 1), 2, 8.0, None, False, None),
    ]
    assert loaded.ledger.is_empty()
    said = loaded.cohort.attrition.notices
    assert any("left out: 1 repetition of an instrument without an entry" in notice for notice in said)
    assert "e.csv: read with a decimal comma: schlaf" in said
    assert any(notice.startswith("e.csv: schlaf: 1 cell holds a missing data code (UNK)") for notice in said)


@pytest.mark.parametrize("codes", ["{m: female, f: male}", "{Male: female, Female: male}"])
def test_codes_of_the_mapping_come_before_the_dictionary(tmp_path: Path, codes: str) -> None:
    text = MAPPING.replace("sex: geschlecht", f"sex: {{from: geschlecht, codes: {codes}}}")
    for export in (RAW, labelled()):
        loaded = mapped(tmp_path, export=export, mapping=text)
        assert loaded.cohort.frame("participants")["sex"].to_list() == ["male", "female"]


def test_rows_as_a_mapping_says_and_values_as_they_are_exported(tmp_path: Path) -> None:
    text = MAPPING.replace("  diary:\n", "  diary:\n    rows: {where: \"anzahl = '2'\"}\n")
    assert mapped(tmp_path, mapping=text).cohort.frame("diary")["participant_id"].to_list() == ["8"]


@pytest.mark.parametrize(
    ("key", "entry"), [("header or skip", "skip: 2"), ("sheet", "sheet: A"), ("file", "file: other.csv")]
)
def test_what_an_export_has_not_is_refused(tmp_path: Path, key: str, entry: str) -> None:
    with pytest.raises(SourceError, match=rf"m\.yaml, tables\.diary: .*e\.csv is one export .*; take {key} out"):
        mapped(tmp_path, mapping=MAPPING.replace("  diary:\n", f"  diary:\n    {entry}\n"))


def test_events_of_a_project_that_repeats_nothing(tmp_path: Path) -> None:
    """Each night is an event; age is asked at each visit."""
    dictionary = HEADINGS + "record_id,enrol,text,Record,,\nalter,enrol,text,Alter,,integer\nabend,nacht,text,Abend,,\n"
    dictionary += "anzahl,nacht,text,Wie viele?,,integer\n"
    export = (
        "record_id,redcap_event_name,alter,enrol_complete,abend,anzahl,nacht_complete\n"
        "1,visit_1_arm_1,69,2,,,\n1,night_1_arm_1,,,2025-03-01,2,2\n1,night_2_arm_1,,,2025-03-02,0,2\n"
        "1,visit_2_arm_1,70,2,,,\n1,night_3_arm_1,,,,,0\n"
    )
    text = MAPPING.partition("  participants:")[0]
    text += "  participants: {columns: {participant_id: record_id, age_years: alter}}\n"
    text += "  diary: {columns: {participant_id: record_id, date: abend, cramps: anzahl}}\n"
    cohort = mapped(tmp_path, export=export, dictionary=dictionary, mapping=text).cohort
    assert cohort.frame("participants").select("participant_id", "age_years").rows() == [("1", 69.0)]
    assert cohort.frame("diary").rows() == [("1", date(2025, 3, 1), 2), ("1", date(2025, 3, 2), 0)]


def test_a_choice_that_is_no_value_is_said(tmp_path: Path) -> None:
    text = DICTIONARY.replace("m, Male | f, Female", "m, Male | f, Female | d, Diverse")
    loaded = mapped(tmp_path, dictionary=text, export=RAW.replace("8,,,m", "8,,,d"))
    assert any(
        "the choice 'd, Diverse' is none of female, male" in notice for notice in loaded.cohort.attrition.notices
    )
    assert loaded.ledger.select("column", "value").rows() == [("sex", "Diverse")]
    text = DICTIONARY.replace("m, Male | f, Female", "m, Mann | f, Frau")
    with pytest.raises(
        SourceError, match=r"none of its choices \(Mann, Frau\) is one of female, male; say in a mapping"
    ):
        mapped(tmp_path, dictionary=text)
    codes = MAPPING.replace("sex: geschlecht", "sex: {from: geschlecht, codes: {m: male, f: female}}")
    assert mapped(tmp_path, dictionary=text, mapping=codes).cohort.frame("participants").height == 2


def test_a_field_with_a_name_of_the_codebook_is_what_the_mapping_says(tmp_path: Path) -> None:
    """Of a field called sex whose choices are no levels, the mapping gives the codes."""
    own = DICTIONARY.replace("geschlecht", "sex").replace("m, Male | f, Female", "m, Mann | f, Frau")
    text = MAPPING.replace("sex: geschlecht", "sex: {from: sex, codes: {m: male, f: female}}")
    loaded = mapped(tmp_path, dictionary=own, export=RAW.replace("geschlecht", "sex"), mapping=text)
    assert loaded.cohort.frame("participants")["sex"].to_list() == ["female", "male"]


def test_without_a_dictionary_names_are_enough(tmp_path: Path) -> None:
    files(tmp_path, mapping=MAPPING.replace("geschlecht", "{from: geschlecht, codes: {m: male, f: female}}"))
    loaded = load(f"redcap:{tmp_path / 'e.csv'}?mapping={tmp_path / 'm.yaml'}&missing=9&decimal=,")
    assert loaded.cohort.frame("diary")["cramps"].to_list() == [1, None, 0, 2]
    assert loaded.cohort.frame("diary")["sleep_hours"].to_list() == [6.5, 7.0, None, 8.0]


def test_a_night_of_which_only_the_survey_tells_the_time(tmp_path: Path, run: Run) -> None:
    dictionary = HEADINGS + "record_id,enrol,text,Record,,\ncramps,nacht,text,Cramps,,integer\n"
    export = (
        "record_id,redcap_repeat_instrument,redcap_repeat_instance,nacht_timestamp,cramps,nacht_complete\n1,,,,,\n"
        "1,nacht,1,2025-03-02 07:10:00,1,2\n1,nacht,2,2025-03-03 23:10:00,0,2\n1,nacht,3,[not completed],2,0\n"
    )
    source = files(tmp_path, export=export, dictionary=dictionary)
    with pytest.raises(SourceError) as refused:
        load(source)
    message = str(refused.value)
    for part in (
        *("has no field date; the instrument nacht has nacht_timestamp ('2025-03-02 07:10:00'), cramps ('1')",),
        *("clock: {date: timestamp} and date: nacht_timestamp",),
    ):
        assert part in message
    assert "give the project's dictionary" not in message
    text = MAPPING.replace("evening", "timestamp").partition("  participants:")[0]
    text += "  participants: {columns: {participant_id: record_id}}\n"
    text += "  diary: {columns: {participant_id: record_id, date: nacht_timestamp, cramps: cramps}}\n"
    (tmp_path / "mapping.yaml").write_text(text, encoding="utf-8")
    command = message.partition("and run: ")[2].partition(";")[0]
    command = command.replace("mapping.yaml", str(tmp_path / "mapping.yaml")).replace("my-study", str(tmp_path / "out"))
    code, printed, said = run(*shlex.split(command)[1:])
    assert code == 0, said
    assert (
        tmp_path / "out" / "diary.csv"
    ).read_text() == "participant_id,date,cramps\n1,2025-03-01,1\n1,2025-03-03,0\n"
    assert "line 5, date is empty" in printed


def test_a_survey_timestamp_of_a_labelled_export(tmp_path: Path) -> None:
    dictionary = HEADINGS + "record_id,enrol,text,Record,,\ncramps,nacht,text,Cramps,,integer\nn,enrol,text,N,,\n"
    export = (
        "Record,Repeat Instrument,Repeat Instance,Survey Timestamp,N,Complete?,Survey Timestamp,Cramps,Complete?\n"
        "1,,,2025-03-01 08:00:00,1,Complete,,,\n1,Nacht,1,,,,2025-03-02 07:10:00,1,Complete\n"
    )
    text = MAPPING.replace("evening", "timestamp").partition("  participants:")[0]
    text += "  participants: {columns: {participant_id: record_id}}\n"
    text += "  diary: {columns: {participant_id: record_id, date: nacht_timestamp, cramps: cramps}}\n"
    loaded = mapped(tmp_path, export=export, dictionary=dictionary, mapping=text)
    assert loaded.cohort.frame("diary").rows() == [("1", date(2025, 3, 1), 1)]


def test_names_that_nobody_knows_are_shown_with_the_next_command(tmp_path: Path) -> None:
    source = files(tmp_path)
    with pytest.raises(SourceError) as refused:
        load(source)
    message = str(refused.value)
    assert (
        "holds no nights: no row fills a field of the diary, such as date and cramps; the instrument nacht has"
        in message
    )
    assert "abend ('2025-03-01'), anzahl ('1')" in message and "give the project's dictionary" not in message
    assert f"crampstudy import 'redcap:{tmp_path / 'e.csv'}?dictionary={tmp_path / 'd.csv'}' --mapping" in message
    with pytest.raises(SourceError, match=r"give the dictionary of the project it comes from: redcap:.*e\.csv\?dict"):
        load(f"redcap:{tmp_path / 'e.csv'}")
    (tmp_path / "d.csv").write_text(HEADINGS + "id,x,text,Number,,\nq,x,text,Quiet?,,\n", encoding="utf-8")
    with pytest.raises(
        SourceError, match=r"has no field of .*d\.csv; it has record_id.* the dictionary has Number, Quiet?"
    ):
        load(source)


def test_a_column_for_each_night(tmp_path: Path) -> None:
    rows = "".join(f"krampf_{n},enrol,text,Night {n},,integer\n" for n in (1, 2))
    dictionary = HEADINGS + "record_id,enrol,text,Record,,\nbeginn,enrol,text,Start,,\n" + rows
    export = "record_id,beginn,krampf_1,krampf_2,enrol_complete\n1,01.03.2025,1,UNK,2\n2,,0,2,2\n"
    nights = 'nights: {start: {from: beginn, format: "%d.%m.%Y"}}, columns: {participant_id: record_id, '
    text = MAPPING.partition("  participants:")[0] + "  participants: {columns: {participant_id: record_id}}\n"
    text += f'  diary: {{{nights}cramps: "krampf_{{n}}"}}}}\n'
    loaded = mapped(tmp_path, export=export, dictionary=dictionary, mapping=text)
    assert loaded.cohort.frame("diary").rows() == [("1", date(2025, 3, 1), 1)]
    source = f"{files(tmp_path, export, dictionary, text)}&mapping={tmp_path / 'm.yaml'}&start=2025-03-05"
    assert load(source).cohort.frame("diary")["date"].to_list() == [*[date(2025, 3, 5)] * 2, date(2025, 3, 6)]


@pytest.mark.parametrize(
    ("label", "heading"),
    [
        ('<div class=""rich-text-field-label""><p>How many <strong>cramps</strong>?</p></div>', "How many cramps?"),
        ("<p>How&nbsp;many</p><p>cramps?</p>", "How manycramps?"),
        ("How many<br>cramps &amp; spasms?", "How many cramps & spasms?"),
        ("How many   cramps?", "How many cramps?"),
        ("How many cramps?", "<b>How many</b> cramps?"),
    ],
)
def test_labels_of_an_editor_of_rich_text(tmp_path: Path, label: str, heading: str) -> None:
    dictionary = (
        HEADINGS + f'record_id,enrol,text,Record,,\ndate,night,text,<i>Night</i>,,\ncramps,night,text,"{label}",,\n'
    )
    dictionary += 'stretched,night,checkbox,"<p>Did you <em>stretch</em>?</p>","1, <b>Calf</b> | 2, Foot",\n'
    export = (
        f'Record,Repeat Instrument,Repeat Instance,Night,"{heading}",Did you stretch? (choice=Calf),'
        "Did you stretch? (choice=Foot),Complete?\n1,,,,,,,\n1,Night,1,2025-03-01,2,Checked,Unchecked,Complete\n"
    )
    loaded = load(files(tmp_path, export=export, dictionary=dictionary))
    assert loaded.cohort.frame("diary").rows() == [("1", date(2025, 3, 1), 2, True, False)]


def test_the_shared_cases(shared: Path) -> None:
    for case, nights in (("41-wide-redcap-survey-timestamp", 3), ("45-canapari-redcap", 2)):
        folder = shared / "cases" / case
        source = f"redcap:{folder / 'export.csv'}?dictionary={folder / 'dictionary.csv'}"
        assert load(f"{source}&mapping={folder / 'm.yaml'}").cohort.frame("diary").height == nights
        with pytest.raises(SourceError, match="say in a mapping which field is which"):
            load(source)
    folder = shared / "cases" / "06-redcap-richtext-label"
    loaded = load(f"redcap:{folder / 'labels.csv'}?dictionary={folder / 'dictionary.csv'}").cohort
    assert loaded.frame("diary")["cramps"].to_list() == [2, 0, 0]
    assert loaded.frame("participants")["age_years"].to_list() == [70, 64]
