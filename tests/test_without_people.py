"""Sources that say nothing of age and sex, of every kind: they are read, and what needs them says so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pandas as pd
import pyreadstat
import pytest

Run = Callable[..., tuple[int, str, str]]
NIGHTS = pd.DataFrame(
    {"participant_id": ["P1", "P1", "P2"], "date": ["2025-03-01", "2025-03-02", "2025-03-01"], "cramps": [1, 0, 2]}
)
DICTIONARY = (
    "Variable / Field Name,Form Name,Field Type,Field Label,Choices\n"
    "record_id,enrolment,text,Record,\ndate,night,text,Night,\ncramps,night,text,Cramps,\n"
).replace("Choices", '"Choices, Calculations, OR Slider Labels"')


def package(folder: Path, form: str) -> str:
    people, nights = NIGHTS[["participant_id"]].drop_duplicates(), NIGHTS
    for name, frame in (("participants", people), ("diary", nights)):
        path = folder / f"{name}.{form}"
        frame.to_csv(path, index=False) if form == "csv" else frame.to_parquet(path, index=False)
    return str(folder)


def mapped(folder: Path) -> str:
    NIGHTS.to_csv(folder / "d.csv", index=False)
    people = "participants: {rows: {distinct: true}, columns: {participant_id: participant_id}}"
    diary = "diary: {columns: {participant_id: participant_id, date: date, cramps: cramps}}"
    text = f"version: 1\nclock: {{date: evening}}\ntables:\n  {people}\n  {diary}\n"
    (folder / "m.yaml").write_text(text, encoding="utf-8")
    return f"mapped:{folder / 'd.csv'}?mapping={folder / 'm.yaml'}"


def redcap(folder: Path) -> str:
    rows = ["record_id,redcap_repeat_instrument,redcap_repeat_instance,date,cramps", "P1,,,,", "P2,,,,"]
    rows += [f"{who},night,{n},{day},{cramps}" for n, who, day, cramps in NIGHTS.itertuples()]
    (folder / "export.csv").write_text("\n".join(rows), encoding="utf-8")
    (folder / "dictionary.csv").write_text(DICTIONARY, encoding="utf-8")
    return f"redcap:{folder / 'export.csv'}?dictionary={folder / 'dictionary.csv'}"


def workbook(folder: Path, *, tables: bool) -> str:
    book = openpyxl.Workbook()
    nights = book.active
    nights.title = "diary" if tables else "Nights"
    for row in [NIGHTS.columns.to_list(), *NIGHTS.to_numpy().tolist()]:
        nights.append(row)
    if tables:
        for cell in (people := book.create_sheet("participants")) and ("participant_id", "P1", "P2"):
            people.append([cell])
    book.save(folder / "d.xlsx")
    return str(folder / "d.xlsx")


def statfile(folder: Path) -> str:
    pyreadstat.write_sav(NIGHTS, str(folder / "d.sav"))
    return str(folder / "d.sav")


KINDS: dict[str, Callable[[Path], str]] = {
    "csv": lambda folder: package(folder, "csv"),
    "parquet": lambda folder: package(folder, "parquet"),
    "mapped": mapped,
    "redcap": redcap,
    "wide sheet": lambda folder: workbook(folder, tables=False),
    "sheets": lambda folder: workbook(folder, tables=True),
    "stat": statfile,
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read_and_what_needs_them_says_so(tmp_path: Path, kind: str, run: Run) -> None:
    (tmp_path / "in").mkdir()
    code, printed, said = run("import", KINDS[kind](tmp_path / "in"), "--out", str(tmp_path / "out"))
    assert code == 0, said
    for column, label in (("age_years", "age"), ("sex", "sex")):
        assert f"no column {column}: {label} is known of no participant, and what needs it says so" in printed
    rates = run("describe", str(tmp_path / "out"), "--by", "sex", "--csv")[1]
    assert ",all," in rates and "no participant has a value of sex" in rates
    code, printed, _ = run("fit", str(tmp_path / "out"), "--model", "poisson", "--terms", "age_decade")
    assert code == 6 and "Age    –               not measured" in printed


def test_a_large_diary_in_parts_says_so_too(tmp_path: Path) -> None:
    from crampstudy import validation
    from crampstudy.validation import chunked

    summary = chunked.validate(package(tmp_path, "parquet"), large=1, size=2)
    assert summary is not None
    assert "participants.parquet: no column sex: sex is known of no participant" in validation.as_text(summary)
