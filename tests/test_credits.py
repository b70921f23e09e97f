"""Whose data a cohort is: said by its descriptor or mapping, kept by import, printed on the first page."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from crampstudy.analyses.sentences.methods import cite
from crampstudy.cohort import Cohort, Credits
from crampstudy.cohort.split import split
from crampstudy.contrasts.cohorts.naming import named
from crampstudy.errors import SourceError
from crampstudy.report import front_matter
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.outline import Outline
from crampstudy.simulate import simulate
from crampstudy.sources import open_cohort
from crampstudy.sources.readers import package

CREDITS = Credits(("Ada Moss", "Ben Lund"), ("Ward 7",), ("CC-BY-4.0",))
OUTLINE = Outline("Research insights", ())


@pytest.fixture
def made() -> Cohort:
    return replace(simulate(3, 4, seed=1), title="night cramps of ward 7", credits=CREDITS)


def facts(monkeypatch: pytest.MonkeyPatch, *cohorts: Cohort, stamp: str = "") -> tuple[object, dict[str, str]]:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", stamp)
    front = front_matter.front_matter(OUTLINE, Subject(cohorts, ("package:a",) * len(cohorts), {}), {}, {})
    return front, dict(front.facts)


def test_a_package_says_whose_it_is_and_keeps_it(made: Cohort, tmp_path: Path) -> None:
    package.write(made, tmp_path / "a")
    again = open_cohort(tmp_path / "a")
    assert again.credits == CREDITS and again.title == made.title
    assert again.digest == replace(made, credits=Credits()).digest
    path = tmp_path / "a" / "datapackage.json"
    content = json.loads(path.read_text())
    licences = [{"name": "ODC-BY-1.0", "path": "https://example.org"}, {"path": "https://example.org/l"}]
    authors = [{"title": "Ada\u202e Moss", "email": "a@example.org"}, "Ben Lund", {"title": "Ada Moss"}]
    path.write_text(json.dumps(content | {"contributors": authors, "licenses": licences, "sources": {"title": "W"}}))
    read = open_cohort(tmp_path / "a").credits
    assert read == Credits(("Ada Moss", "Ben Lund"), ("W",), ("ODC-BY-1.0", "https://example.org/l"))
    path.write_text(json.dumps(content | {"contributors": 7}))
    with pytest.raises(SourceError, match="contributors must be a list"):
        open_cohort(tmp_path / "a")


def test_a_mapping_says_whose_the_file_is(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text("id,day,n\na,2024-01-01,0\na,2024-01-02,1\n")
    said = "title: Headaches at home\nauthors: [Ada Moss, Ben Lund]\nsources: Ward 7\nlicenses: CC-BY-4.0\n"
    tables = (
        "tables:\n  participants: {rows: {distinct: true}, columns: {participant_id: id}}\n"
        "  diary: {columns: {participant_id: id, date: day, cramps: n}}\n"
    )
    (tmp_path / "m.yaml").write_text(f"version: 1\nname: home\n{said}clock: {{date: evening}}\n{tables}")
    opened = open_cohort(f"mapped:{tmp_path / 'e.csv'}?mapping={tmp_path / 'm.yaml'}")
    assert opened.credits == CREDITS and (opened.name, opened.title) == ("home", "Headaches at home")


def test_the_first_page_bears_the_title_of_the_data(made: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    front, said = facts(monkeypatch, made)
    assert (front.title, front.subtitle) == ("Night cramps of ward 7", "Research insights")
    assert (said["Authors"], said["Source"], said["Licence"]) == ("Ada Moss; Ben Lund", "Ward 7", "CC-BY-4.0")
    bare, said = facts(monkeypatch, replace(made, title=None, credits=Credits()))
    assert bare.title == "Simulated" and not {"Authors", "Source", "Licence"} & {*said}


def test_the_date_of_the_data_is_not_that_of_the_report(made: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    front, said = facts(monkeypatch, made)
    last = made.date_of_data
    assert said["Data to"] == f"{last.day} {last:%B %Y}" and said["Report made"].startswith("not dated")
    assert front.date == last
    front, said = facts(monkeypatch, made, stamp="86400")
    assert (said["Report made"], front.date) == ("2 January 1970", datetime.date(1970, 1, 2))
    assert said["Data to"] == f"{last.day} {last:%B %Y}"


def test_what_is_synthetic_is_named(made: Cohort, monkeypatch: pytest.MonkeyPatch) -> None:
    real = replace(made, synthetic=False, name="real", title=None)
    assert facts(monkeypatch, made)[0].synthetic == "Synthetic data" and not facts(monkeypatch, real)[0].synthetic
    assert facts(monkeypatch, made, real)[0].synthetic == "Synthetic data: night cramps of ward 7"


def test_the_first_page_of_a_comparison_bears_the_title_of_each_of_the_data(
    made: Cohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(made, title="night cramps of ward 8", credits=Credits(("Cy Roe",), ("Ward 8",), ("CC0",)))
    opened = {"package:/a": made, "package:/b": other}

    def page(*cohorts: Cohort, of: dict[str, Cohort] = opened) -> tuple[str, list[tuple[str, str]]]:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
        front = front_matter.front_matter(OUTLINE, Subject(cohorts, tuple(of), {}, of), {}, {})
        return front.title, list(front.facts)

    title, said = page(replace(made, name="A"), replace(other, name="B"))
    assert title == "Night cramps of ward 7 and night cramps of ward 8" and not [of for of, _ in said if of == "Title"]
    assert [text for of, text in said if of == "Cohort"] == [
        *("night cramps of ward 7 (A)", "night cramps of ward 8 (B)")
    ]
    assert [text for of, text in said if of == "Licence"] == ["CC-BY-4.0", "CC0"]
    # Under names that a user gave the data keep their titles.
    title, said = page(*named([made, other], ["first", "second"]))
    assert title == "First and second"
    assert [text for of, text in said if of == "Title"] == [made.title, other.title]
    # Of one title the names tell them apart, and a folder's name is no word.
    title, _ = page(replace(made, name="wave-1"), replace(made, name="wave-2"))
    assert title == "Night cramps of ward 7 (wave-1) and night cramps of ward 7 (wave-2)"
    title, _ = page(replace(made, name="A", title="ward-7"), replace(other, name="B", title="ward-8"))
    assert title == "ward-7 and ward-8"
    # Parts of one have its title.
    whole = {"package:/a": made}
    title, said = page(*split(made, "sex", pl.Series(["female", "male", "male"])), of=whole)
    assert title == "Night cramps of ward 7: female and male" and not [of for of, _ in said if of == "Title"]
    title, said = page(*named(split(made, "sex", pl.Series(["female", "male", "male"])), ["w", "m"]), of=whole)
    assert title == "Night cramps of ward 7: w and m"


def test_data_are_cited_by_their_own_title_whatever_they_are_called(made: Cohort) -> None:
    data = "Ada Moss and Ben Lund. night cramps of ward 7 [data set]. Ward 7. Licence: CC-BY-4.0."
    assert cite([made], "1.0").endswith(f"Data: {data}\n\nSHA-256 of the data: {made.digest}")
    parts = split(made, "sex", pl.Series(["female", "male", "male"]))
    said = cite(parts, "1.0").split("\n\n")
    digests = [f"SHA-256 of {part.name}: {part.digest}." for part in parts]
    assert said[1:] == [f"Data of female and male: {data}", *digests]
    other = replace(made, name="there", title=None, credits=Credits())
    first, digest, second, _ = cite(named([made, other], ["a", "b"]), "1.0").split("\n\n")[1:]
    assert first == f"Data of a: {data}" and digest == f"SHA-256 of a: {made.digest}."
    assert second.startswith("Data of b: b [data set]. Who made the data is not stated")
    # What says whose the data are is made again when that changes.
    assert made.content != replace(made, credits=Credits()).content
