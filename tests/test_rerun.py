"""Reports made again: verified byte by byte or by their estimates, compared, and a change split over its causes."""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from crampstudy import analyses, cache, estimates, open_cohort, provenance
from crampstudy.cache import Cache
from crampstudy.errors import AnalysisError, SourceError, UsageError
from crampstudy.estimates import columns
from crampstudy.provenance import CohortRecord, Origin, Record, digests
from crampstudy.report import params
from crampstudy.report.freshness import ReportRequest, recall_folder
from crampstudy.report.params.declarations import declarations
from crampstudy.rerun import differences, origins, verification
from crampstudy.rerun.again import setting
from crampstudy.rerun.difference import cohorts_as_recorded, difference
from crampstudy.rerun.moves import LINKS
from crampstudy.rerun.rows_of_data import TableChange, table_changes, with_added, without_removed
from crampstudy.rerun.split import REMAINDER, split

Run = Callable[..., tuple[int, str, str]]
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
PEOPLE = {f"P{number}": (25 + 7 * number, "female" if number % 2 else "male") for number in range(8)}
NIGHTS = {(person, day): (3 * i + day) % 4 for i, person in enumerate(PEOPLE) for day in range(1, 15)}


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CRAMPSTUDY_NOTEBOOKS", str(NOTEBOOKS))
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)


def study(folder: Path, nights: Mapping[tuple[str, int], int] = NIGHTS) -> Path:
    """Write a study, of the people who have nights in it."""
    folder.mkdir(exist_ok=True)
    there = {person for person, _ in nights}
    people = [f"{name},{age},{sex}\n" for name, (age, sex) in PEOPLE.items() if name in there]
    rows = [f"{person},2024-01-{day:02},{cramps}\n" for (person, day), cramps in nights.items()]
    (folder / "participants.csv").write_text("participant_id,age_years,sex\n" + "".join(people))
    (folder / "diary.csv").write_text("participant_id,date,cramps\n" + "".join(rows))
    return folder


def report(folder: Path, source: Path, code: str = "as it was", **settings: Any) -> origins.Run:
    """Write what a report of one section leaves, without its pages."""
    cohort = open_cohort(source)
    asked = analyses.Settings(**settings)
    found = analyses.run("frequency", cohort, asked).estimates
    folder.mkdir()
    outputs = {"estimates.csv": estimates.to_csv(found).encode(), "report.html": b"<p>\nas it was\n"}
    for name, content in outputs.items():
        (folder / name).write_bytes(content)
    rows = {name: table.height for name, table in sorted(cohort.tables.items())}
    record = Record(
        title="A report",
        version="1",
        date_of_data="2024-01-14",
        origin=Origin(f"package:{source.name}", "ab"),
        sources=(f"package:{source.name}",),
        cohorts=(CohortRecord(cohort.name, cohort.kind, cohort.synthetic, cohort.digest, rows),),
        parameters={"age_bands": list(asked.age_bands), "standard": asked.standard, "ci_level": asked.ci_level},
        ingredients={"notebook frequency": "11", "outline": "12", "code": code},
        platform={"python": "3.12.1"},
        packages={"numpy": "2.1.0"},
        settled={},
        outputs={name: digests.sha256(content) for name, content in outputs.items()},
    )
    (folder / provenance.MANIFEST).write_bytes(provenance.write(record))
    return origins.Run(folder, record, (str(source),), None)


# What differs first


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a.csv": b"key,x\nr,1\n"}, {"a.csv": b"key,x\nr,1\n"}, None),
        ({"a.csv": b"key,x\nr,1\n"}, {"a.csv": b"key,x\nr,2\n"}, "a.csv, row r (line 2), column x: 1 → 2"),
        ({"a.csv": b"key,x\nr,1\ns,2\n"}, {"a.csv": b"key,x\nr,1\n"}, "a.csv, row s: not there any more"),
        ({"a.csv": b"key,x\nr,\n"}, {"a.csv": b"key,x\nr,1\n"}, "column x: empty → 1"),
        ({"a.csv": b"key,x\nr,1\n"}, {"a.csv": b"key,y\nr,1\n"}, "column x: 1 → empty"),
        ({"p.html": b"a\nb\n", "t.csv": b"k,x\nr,1\n"}, {"p.html": b"a\nc\n", "t.csv": b"k,x\nr,2\n"}, "t.csv"),
        ({"p.html": b"a\nb\n"}, {"p.html": b"a\nc\n"}, "p.html, line 2"),
        ({"p.html": b"a"}, {}, "p.html is not made any more"),
        ({}, {"p.html": b"a"}, "p.html is new"),
    ],
)
def test_what_differs_first_is_named(before: dict[str, bytes], after: dict[str, bytes], told: str | None) -> None:
    found = differences.first(before, after)
    assert (found is None) if told is None else found is not None and told in found


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("2.0000001,converged", None),
        ("2.00001,converged", "row r, column estimate: 2 → 2.00001"),
        (",not_estimable", "row r, column status: converged → not_estimable"),
    ],
)
def test_estimates_are_the_same_within_a_millionth(cell: str, told: str | None) -> None:
    head = b"key,estimate,status\n"
    found = differences.first_estimate(head + b"r,2,converged\n", head + f"r,{cell}\n".encode())
    assert found == (None if told is None else f"estimates.csv, {told}")
    assert differences.first_estimate(head + b"r,2,converged\n", head) == "estimates.csv, row r: not there any more"


# Verifying


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """What comes out when a report is made again: its own files, with changes of the record and of files."""
    changed: dict[str, Any] = {}

    def made(run: origins.Run, sources: object, out: Path, progress: object) -> Any:
        shutil.copytree(run.folder, out)
        for name, content in changed.get("files", {}).items():
            (out / name).write_bytes(content((out / name).read_bytes()))
        record = replace(run.record, **changed.get("record", {}))
        (out / provenance.MANIFEST).write_bytes(provenance.write(record))
        return type("Made", (), {"folder": out})

    monkeypatch.setattr(verification, "make_again", made)
    return changed


def test_the_same_parts_give_the_same_bytes_or_it_is_said_what_differs(again: dict[str, Any], tmp_path: Path) -> None:
    run = report(tmp_path / "out", study(tmp_path / "study"))
    found = verification.verify(run, run.sources)
    assert found.difference is None and str(found) == "its 2 files are the same, byte by byte"
    again["files"] = {"report.html": lambda content: content.replace(b"as it was", b"other")}
    told = str(verification.verify(run, run.sources))
    assert told == "report.html, line 2 (made with the same parts on the same platform)"


def test_elsewhere_estimates_are_compared_and_it_is_said_why(again: dict[str, Any], tmp_path: Path) -> None:
    run = report(tmp_path / "out", study(tmp_path / "study"))
    again["record"] = {"packages": {"numpy": "2.2.0"}, "platform": {"python": "3.13.0"}}
    again["files"] = {"report.html": lambda content: b"drawn by another version"}
    told = str(verification.verify(run, run.sources))
    assert "estimates are the same within 1e-06 of each; bytes were not compared" in told
    assert told.endswith("it was made with other parts: python (3.12.1 → 3.13.0), package numpy (2.1.0 → 2.2.0)")
    rows = (run.folder / "estimates.csv").read_text().splitlines()
    value = next(row.split(",") for row in rows[1:] if ",converged" in row)[rows[0].split(",").index("estimate")]
    again["files"]["estimates.csv"] = lambda content: content.replace(f",{value},".encode(), b",9.75,", 1)
    again["record"]["ingredients"] = {**run.record.ingredients, "code": "other"}
    told = str(verification.verify(run, run.sources))
    assert f"column estimate: {value} → 9.75" in told and "made with other parts: code, python" in told


def test_other_data_and_edited_files_are_told_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(verification, "make_again", None)
    run = report(tmp_path / "out", study(tmp_path / "study"))
    other = study(tmp_path / "other", {night: cramps for night, cramps in NIGHTS.items() if night[1] < 14})
    found = verification.verify(run, (str(other),))
    assert found.difference == "the data of study are not those of the report: diary 112 rows → 104"
    same = study(tmp_path / "same", {**NIGHTS, ("P1", 3): 5})
    assert "as many rows, other cells" in str(verification.verify(run, (str(same),)))
    (run.folder / "report.html").write_text("edited")
    assert "report.html in" in str(verification.verify(run, run.sources))
    (run.folder / "report.html").unlink()
    assert "report.html is missing" in str(verification.verify(run, run.sources))


def test_the_command_ends_with_8_and_names_what_differs(run: Run, again: dict[str, Any], tmp_path: Path) -> None:
    source = study(tmp_path / "study")
    report(tmp_path / "out", source)
    code, out, err = run("verify", str(tmp_path / "out"))
    assert code == 4 and "package:study" in err and f"crampstudy verify {tmp_path / 'out'} --data DIR" in err
    for data in (source, tmp_path):
        code, out, err = run("verify", str(tmp_path / "out"), "--data", str(data))
        assert code == 0 and "same, byte by byte" in out
    again["files"] = {"report.html": lambda content: b"other"}
    code, out, err = run("verify", str(tmp_path / "out"), "--data", str(source))
    assert code == 8 and "differs: report.html, line 1" in err and not out
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier" / "manifest.json").write_text("{}")
    for folder, why in {"earlier": "earlier version", "study": "holds no report", "absent": "no folder"}.items():
        code, _, err = run("verify", str(tmp_path / folder))
        assert code == 2 and why in err


def test_data_are_found_by_the_names_that_are_recorded(tmp_path: Path) -> None:
    record = report(tmp_path / "out", study(tmp_path / "study")).record
    mapped = replace(record, sources=("mapped:diary.csv?mapping=m.yaml&unlogged=zero",))
    (tmp_path / "out" / provenance.MANIFEST).write_bytes(provenance.write(mapped))
    with pytest.raises(SourceError, match=r"holds no m\.yaml, the mapping"):
        origins.find(tmp_path / "out", [str(tmp_path / "study")])
    (tmp_path / "study" / "m.yaml").touch()
    found = origins.find(tmp_path / "out", [str(tmp_path / "study")])
    place = tmp_path / "study"
    assert found.sources == (f"mapped:{place / 'diary.csv'}?mapping={place / 'm.yaml'}&unlogged=zero",)
    with pytest.raises(UsageError, match="given 2 times"):
        origins.find(tmp_path / "out", ["a", "b"])


@pytest.mark.parametrize("value", [None, True, 7, 0.95, "who", 'it\'s "so"', "null", [20, 40], ["a", "b c"]])
def test_a_recorded_parameter_is_set_as_it_was(value: Any) -> None:
    kind = {type(None): "str | None", list: f"list[{type(value[0]).__name__}]" if isinstance(value, list) else ""}
    annotation = kind.get(type(value), type(value).__name__)
    (declared,) = declarations(f"x: {annotation} = {value!r}", "a notebook")
    name, _, text = setting("x", value).partition("=")
    assert name == "x" and params.parse(text, declared.type, "x") == value


@pytest.mark.usefixtures("forked")
def test_a_fresh_report_and_a_fresh_comparison_are_verified(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    study(tmp_path / "study")
    assert (
        run("report", "study", "--sections", "frequency", "--set", "ci_level=0.9", "--figures", "--out", "out")[0] == 0
    )
    code, out, err = run("verify", "out")
    assert code == 0 and re.fullmatch(r"out was made again: its \d+ files are the same, byte by byte\n", out), err
    compared = ("compare", "study", "--split", "sex", "--factors", "none", "--age-bands", "20,60", "--out", "both")
    assert run(*compared)[0] == 0
    shutil.move("study", "moved")
    code, out, err = run("verify", "both", "--data", "moved")
    assert code == 0 and "same, byte by byte" in out, err


# What moved


def test_rows_are_counted_and_nobody_is_named(tmp_path: Path) -> None:
    before = open_cohort(study(tmp_path / "a"))
    nights = {night: cramps for night, cramps in NIGHTS.items() if night[0] != "P7"} | {("P0", 20): 1, ("P1", 3): 9}
    after = open_cohort(study(tmp_path / "b", nights))
    assert table_changes(before, after) == (
        TableChange("participants", 0, 1, 0),
        TableChange("diary", 1, 14, 1),
    )
    assert table_changes(before, before) == ()
    fewer, more = without_removed(before, after), with_added(before, after)
    assert table_changes(fewer, after) == (TableChange("diary", 1, 0, 1),)
    assert table_changes(more, after) == (TableChange("diary", 0, 0, 1),)


def test_a_table_and_a_column_of_one_cohort_alone_are_changes(tmp_path: Path) -> None:
    before = open_cohort(study(tmp_path / "a"))
    people = before.frame("participants")
    asked = people.with_columns(bmi_kg_m2=pl.when(pl.col("participant_id") == "P0").then(22.5))
    treated = pl.DataFrame({"participant_id": ["P1"], "start": ["2024-01-02"], "agent": ["magnesium"]})
    treated = treated.with_columns(pl.col("start").str.to_date())
    after = replace(before, tables={**before.tables, "participants": asked, "treatments": treated})
    assert table_changes(before, after) == (TableChange("participants", 0, 0, 1), TableChange("treatments", 1, 0, 0))
    assert table_changes(with_added(before, after), after) == (TableChange("participants", 0, 0, 1),)


def test_estimates_move_by_standard_errors_of_their_link(tmp_path: Path) -> None:
    run = report(tmp_path / "a", study(tmp_path / "study"))
    other = replace(run, folder=tmp_path / "b")
    other.folder.mkdir()
    head = "key,scale,estimate,std_error,status\n"
    one = ["s/ratio,rate_ratio,2,0.1,converged", "s/share,prevalence,0.5,0.05,converged", "s/gone,rate,1,0.1,converged"]
    two = ["t/ratio,rate_ratio,4,0.1,converged", "t/share,prevalence,0.5,0.05,converged", "t/new,rate,1,0.1,converged"]
    one, two = [*one, "s/edge,share,0.5,1,converged"], [*two, "t/edge,share,1,,boundary"]
    (run.folder / "estimates.csv").write_text(head + "\n".join(one) + "\n")
    (other.folder / "estimates.csv").write_text(head + "\n".join(two) + "\n")
    found = difference(run, other).estimates
    # Farthest first; how far the edge has moved nobody knows.
    ratio, edge = found.moved
    assert ratio.key == "t/ratio" and ratio.standard_errors == pytest.approx(math.log(2) / 0.1)
    assert edge.standard_errors is None and (edge.status_before, edge.status_after) == ("converged", "boundary")
    assert (found.gone, found.new, found.n_same) == (("s/gone",), ("t/new",), 1)


def test_every_scale_of_a_link_is_known() -> None:
    named = {scale for group in columns.LINKS for scale in group.split(", ")}
    # What follows from a standard deviation has none of its own.
    assert named - {"icc", "mrr", "mor"} == {*LINKS}


def test_the_change_of_a_row_is_the_sum_of_its_parts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Of an analysis that adds all cramps and a hundred times the confidence level, so that each part is known."""

    def added(name: str, cohort: Any, settings: analyses.Settings, others: object = None) -> analyses.Findings:
        assert others is None
        total = cohort.frame("diary")["cramps"].sum() + 100 * settings.ci_level
        row = {"analysis": "cramp nights", "cohort": cohort.name, "term": "all", "scale": "rate"}
        return analyses.Findings(estimates.frame([estimates.row(status="converged", estimate=total, **row)]))

    monkeypatch.setattr(analyses, "run", added)
    nights = {night: cramps for night, cramps in NIGHTS.items() if night != ("P7", 2)} | {("P0", 20): 4, ("P1", 3): 9}
    one = report(tmp_path / "a", study(tmp_path / "before"))
    two = report(tmp_path / "b", study(tmp_path / "after", nights), "other code", ci_level=0.9)
    (move,) = difference(one, two).estimates.moved
    cohorts = tuple(cohorts_as_recorded(each, each.sources, "--data-a") for each in (one, two))
    found = split(one, two, (cohorts[0], cohorts[1]), move.key)
    expected = {
        "rows removed": -NIGHTS["P7", 2],
        "rows added": 4,
        "rows changed": 9 - NIGHTS["P1", 3],
        "parameters": -5,
        REMAINDER: 0,
    }
    assert found.parts == pytest.approx(expected, abs=1e-9) and found.remainder == "code"
    assert sum(found.parts.values()) == pytest.approx(found.change, abs=1e-9)
    # What neither data nor parameters explain is of the code.
    text = (tmp_path / "b" / "estimates.csv").read_text()
    (tmp_path / "b" / "estimates.csv").write_text(text.replace(f",{move.after:g},", f",{move.after + 7:g},"))
    again = split(one, two, (cohorts[0], cohorts[1]), move.key)
    assert again.parts == pytest.approx(expected | {REMAINDER: 7}, abs=1e-9)


def test_the_command_says_what_moved_and_why(run: Run, tmp_path: Path) -> None:
    a, b = (str(tmp_path / name) for name in "ab")
    report(tmp_path / "a", study(tmp_path / "before"))
    report(tmp_path / "b", study(tmp_path / "after", {**NIGHTS, ("P0", 20): 4, ("P1", 3): 9}), ci_level=0.9)
    code, out, _ = run("diff", a, b)
    assert code == 0 and "rows are not counted: it is not known where the data of" in out
    assert "parameters: parameter ci_level (0.95 → 0.9)" in out and "standard errors" in out
    data = ("--data-a", str(tmp_path / "before"), "--data-b", str(tmp_path / "after"))
    code, out, _ = run("diff", a, b, *data)
    assert "data: after: diary 1 added, 0 removed, 1 changed" in out and "P0" not in out
    told = json.loads(run("diff", a, b, *data, "--json")[1])
    assert told["data"][0]["tables"] == [{"table": "diary", "added": 1, "removed": 0, "changed": 1}]
    assert told["estimates"]["moved"] and told["made_with"] == []
    key = next(move["key"] for move in told["estimates"]["moved"] if "index-of-dispersion" in move["key"])
    code, out, err = run("diff", a, b, "--row", key)
    assert code == 4 and "--data-a DIR" in err
    code, out, _ = run("diff", a, b, "--row", key, *data, "--json")
    parts = json.loads(out)
    assert code == 0 and sum(parts["parts"].values()) == pytest.approx(parts["change"], abs=1e-9)
    code, _, err = run("diff", a, b, "--row", "no/such/key", *data)
    assert code == 2 and "has no row 'no/such/key'" in err
    code, _, err = run("diff", a, b, "--row", key, "--data-a", data[3], "--data-b", data[3])
    assert code == 4 and "are not those of" in err
    assert run("diff", a, a)[1].splitlines()[0] == "inputs: the same"


def test_a_step_without_an_estimate_is_named(tmp_path: Path) -> None:
    one = report(tmp_path / "a", study(tmp_path / "before"))
    two = report(tmp_path / "b", study(tmp_path / "after", {**NIGHTS, ("P0", 20): 4}))
    cohorts = [open_cohort(run.sources[0]) for run in (one, two)]
    key = next(move.key for move in difference(one, two).estimates.moved if "index-of-dispersion" in move.key)
    empty = replace(cohorts[0], tables={**cohorts[0].tables, "diary": cohorts[0].frame("diary").head(1)})
    with pytest.raises(AnalysisError, match="cannot be split: at the step 'the first report'"):
        split(one, two, ((empty,), (cohorts[1],)), key)


def test_a_report_is_recalled_by_its_folder_alone_as_it_is(tmp_path: Path) -> None:
    found = cache.opened()
    assert isinstance(found, Cache) and recall_folder(found, tmp_path) is None
    assert ReportRequest(("a",), None).key != ReportRequest(("b",), None).key != ReportRequest(("a",), tmp_path).key
