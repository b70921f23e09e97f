"""The whole line, from a source to a report, twice: the same inputs give the same bytes."""

from __future__ import annotations

import csv
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pikepdf
import pytest

from crampstudy import analyses, open_cohort, provenance, simulate
from crampstudy.estimates import COLUMNS, kinds

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
Run = Callable[..., tuple[int, str, str]]
SAME = ("report.pdf", "report.html", "report.docx", "estimates.csv", "ledger-counts.csv", "tables/tables.xlsx")
MANIFEST = "ro-crate-metadata.json"


def files(folder: Path) -> list[str]:
    """Return the names of a report's files but its manifest."""
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in names if name != MANIFEST)


def report(source: str, out: Path, cwd: Path, *options: str, umask: int = 0o022, **env: str) -> Path:
    """Run the command line in another process, folder and environment, and return the report's folder."""
    cwd.mkdir(parents=True)
    ran = subprocess.run(
        [sys.executable, "-m", "crampstudy", "report", source, "--out", str(out), *options],
        cwd=cwd,
        env={**os.environ, "CRAMPSTUDY_NOTEBOOKS": str(NOTEBOOKS), **env},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )
    assert ran.returncode == 0, ran.stderr
    return out


def here(source: Path, prefix: str, tmp_path: Path, *options: str) -> Path:
    """Make the report with an absolute source."""
    env = {"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "POLARS_MAX_THREADS": "1", "LC_ALL": "C"}
    env["CRAMPSTUDY_CACHE"] = str(tmp_path / "kept" / "one")
    return report(f"{prefix}{source}", tmp_path / "one", tmp_path / "a", *options, **env)


def language(name: str, folder: Path) -> dict[str, str]:
    """Return an environment in which a language of Glibc is spoken, made here since few machines have it.

    Where Glibc's tools are not there, it is asked for all the same.
    """
    asked = {"LC_ALL": f"{name}.UTF-8", "LANG": f"{name}.UTF-8"}
    if shutil.which("localedef") is None or not Path("/usr/share/i18n/locales", name).exists():
        return asked
    folder.mkdir()
    subprocess.run(["localedef", "-i", name, "-f", "UTF-8", str(folder / f"{name}.UTF-8")], check=False)
    asked["LOCPATH"] = str(folder)
    spoken = "import locale; print(locale.setlocale(locale.LC_ALL, ''), locale.str(0.5))"
    told = subprocess.run([sys.executable, "-c", spoken], env=os.environ | asked, capture_output=True, text=True)
    assert told.stdout.split() == [f"{name}.UTF-8", "0,5"], told.stderr
    return asked


def elsewhere(source: Path, prefix: str, tmp_path: Path, *options: str, speaking: str) -> Path:
    """Make the report with a relative source, under another hash seed, time zone, threading, language and umask."""
    env = {"PYTHONHASHSEED": "77", "TZ": "America/Lima", "POLARS_MAX_THREADS": "4"}
    env |= language(speaking, tmp_path / "languages")
    env["CRAMPSTUDY_CACHE"] = str(tmp_path / "kept" / "two")
    there = tmp_path / "b" / "c"
    relative = os.path.relpath(source, there)
    return report(f"{prefix}{relative}", tmp_path / "two", there, *options, umask=0o077, **env)


def pages_before_the_appendix(pdf: pikepdf.Pdf) -> int:
    """Return how many pages the main part has, by the bookmarks; of a report without an appendix all."""
    numbers = {page.objgen: number for number, page in enumerate(pdf.pages)}
    with pdf.open_outline() as outline:
        found = [numbers[item.destination[0].objgen] for item in outline.root if item.title.endswith("Appendix")]
    return found[0] if found else len(pdf.pages)


def assert_sound(folder: Path) -> list[dict[str, str]]:
    """Check what every report owes its readers, and return the tidy rows."""
    with pikepdf.open(folder / "report.pdf") as pdf, pdf.open_metadata() as metadata:
        assert metadata["pdfaid:part"] == "2" and metadata["pdfaid:conformance"] == "A"
        assert metadata["pdfuaid:part"] == "1"
        assert pages_before_the_appendix(pdf) <= 40
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "Research output, not medical advice" in page
    rows = list(csv.DictReader((folder / "estimates.csv").open(encoding="utf-8")))
    assert tuple(rows[0]) == (*COLUMNS, "where") and any(row["where"] for row in rows)
    assert len({row["key"] for row in rows}) == len(rows), "a key names two rows"
    for row in rows:
        if row["status"] in ("not_estimable", "not_converged", "not_measured"):
            assert not row["estimate"] and row["note"], row["key"]
    assert sorted(provenance.read(folder).outputs) == files(folder) and set(SAME) < set(files(folder))
    return rows


def test_a_diary_report_is_the_same_bytes_elsewhere_and_its_rows_are_those_of_the_command(
    run: Run, tmp_path: Path
) -> None:
    folder = tmp_path / "cohort"
    simulate.write(folder, 60, 28, 3, draws=3_000)
    settings = {"age_bands": "20,60", "standard": "esp2013", "ci_level": "0.9"}
    options = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    one = here(folder, "", tmp_path, *options)
    two = elsewhere(folder, "", tmp_path, *options, speaking="tr_TR")
    assert files(one) == files(two)
    for name in (*files(one), MANIFEST):
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    rows = assert_sound(one)
    cohort = open_cohort(folder)
    diary = [each for each in analyses.ANALYSES.values() if not (each.draws_on_others or each.on_request)]
    found = [each for each in diary if not each.answers["diary"].lacking(cohort)]
    kept = list((tmp_path / "kept" / "one" / "findings").iterdir())
    assert len(kept) == len(found), "the findings of an analysis cannot be kept as data"
    models = {row["model"] for row in rows if row["term"] == "diabetes" and row["scale"] == "rate_ratio"}
    assert models == {"negative-binomial"}
    options = [word for name, value in settings.items() for word in (f"--{name.replace('_', '-')}", value)]
    printed = []
    for name, analysis in analyses.ANALYSES.items():
        if analysis.draws_on_others or analysis.on_request:
            # What it repeats is recorded where it was made, and what takes long is made where it is asked for.
            continue
        code, out, _ = run("analyse", name, str(folder), *options, "--csv")
        found = pd.read_csv(io.StringIO(out), dtype=str)
        # What so few people cannot answer ends with 6, and its rows say why.
        assert code == (6 if len(found) and found["estimate"].isna().all() else 0)
        printed.append(found)
    whole = pd.read_csv(one / "estimates.csv", dtype=str).drop(columns="where")
    of_claims = [kinds.CLAIM.name, kinds.CLAIM_PART.name, kinds.EXPECTED_VERDICT.name]
    of_others = whole["analysis"].isin([*of_claims, kinds.COHORT_SHARE.name])
    # What the summary and the methods count is in no other section; what cleaning did is in that of the cohort.
    of_others |= whole["outcome"].isin(["cells and rows of all files", "estimates of a model", "estimates of a kind"])
    assert of_others.any()
    whole = whole[~of_others].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.concat(printed, ignore_index=True)[list(whole.columns)], whole)


def test_a_survey_report_is_the_same_elsewhere_and_with_fewer_sections(tmp_path: Path, shared: Path) -> None:
    nhanes = shared / "data" / "nhanes"
    one = here(nhanes, "nhanes:", tmp_path)
    two = elsewhere(nhanes, "nhanes:", tmp_path, "--sections", "cohort,age-and-muscle", speaking="de_DE")
    assert (one / "ledger-counts.csv").read_bytes() == (two / "ledger-counts.csv").read_bytes()
    rows = assert_sound(one)
    fewer = assert_sound(two)
    # With fewer sections fewer places show a row.
    of_rows = [[{**row, "where": ""} for row in part] for part in (rows, fewer)]
    assert len(fewer) > 100 and [row for row in of_rows[0] if row in of_rows[1]] == of_rows[1]
    unmeasured = {row["term"] for row in rows if row["status"] == "not_measured"}
    assert {"serum_magnesium_mmol_l", "peripheral_artery_disease", "hypothyroidism"} <= unmeasured


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--set", "ci_levle=0.9"], 5, "did you mean ci_level"),
        (["--set", "age_bands=60,40"], 5, "must increase"),
        (["--sections", "cohrt"], 2, "did you mean cohort"),
    ],
)
def test_a_mistake_leaves_nothing_behind(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRAMPSTUDY_NOTEBOOKS", str(NOTEBOOKS))
    simulate.write(tmp_path / "cohort", 5, 5, 1, draws=3_000)
    ended, _, err = run("report", "cohort", "--out", "out", *arguments)
    assert ended == code and told in err and "Traceback" not in err
    assert [path.name for path in tmp_path.iterdir()] == ["cohort"]
