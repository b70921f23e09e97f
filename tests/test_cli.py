from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from crampstudy import __version__, estimates
from crampstudy.simulate import write

DIARY = str(Path(__file__).parent / "parity" / "diary")
Run = Callable[..., tuple[int, str, str]]


def assert_one_message(err: str) -> None:
    assert err.startswith("crampstudy: ")
    assert len(err.strip().splitlines()) == 1
    assert "Traceback" not in err


FIT = ("fit", DIARY, "--model", "poisson", "--terms", "age_decade + sex")


def test_describe_prints_a_table(run: Run) -> None:
    code, out, err = run("describe", DIARY)
    assert (code, err) == (0, "")
    assert "Cramps per person-week (95% CI)" in out and "20+, standardised" in out


@pytest.mark.parametrize("command", [("describe", DIARY), ("describe", DIARY, "--by", "sex"), FIT])
def test_json_and_csv_are_the_tidy_rows(run: Run, command: tuple[str, ...]) -> None:
    code, out, _ = run(*command, "--json")
    rows = json.loads(out)
    assert code == 0 and rows
    assert [list(row) for row in rows] == [list(estimates.COLUMNS)] * len(rows)
    code, out, _ = run(*command, "--csv")
    table = pd.read_csv(StringIO(out))
    assert code == 0 and list(table.columns) == list(estimates.COLUMNS)
    assert table["key"].tolist() == [row["key"] for row in rows]
    assert table["key"].is_unique


def test_fit_prints_ratios_and_passes_options_on(run: Run) -> None:
    code, out, _ = run(*FIT, "--ci-level", "0.9", "--covariance", "model", "--exposure", "hours_in_bed")
    assert code == 0
    assert "Rate ratio (90% CI)" in out and "female against male" in out
    code, out, _ = run(*FIT, "--where", "age_years >= 60", "--json")
    assert {row["population"] for row in json.loads(out)} == {"age_years >= 60"}


def test_model_that_cannot_be_fitted_prints_its_rows_and_exits_with_6(run: Run) -> None:
    code, out, err = run(*FIT, "--where", "age_years > 200")
    assert code == 6
    assert "could not estimate" in out
    assert "Could not estimate: none of the nights observed meets the condition Age > 200." in out
    assert "Traceback" not in err
    code, out, _ = run(*FIT, "--where", "age_years > 200", "--json")
    assert code == 6 and {row["status"] for row in json.loads(out)} == {"not_estimable"}


def test_compare_puts_two_cohorts_one_after_the_other(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "other", 40, 10, 2, draws=3_000)
    code, out, _ = run("compare", DIARY, str(tmp_path / "other"), "--age-bands", "20,60", "--json")
    rows = json.loads(out)
    assert code == 0
    assert len({row["cohort"] for row in rows if row["scale"] == "rate"}) == 2
    assert len({row["key"] for row in rows}) == len(rows)
    code, out, _ = run("compare", DIARY, DIARY, "--json")
    assert code == 0
    assert {row["cohort"] for row in json.loads(out) if row["scale"] == "rate"} == {"A", "B"}
    code, out, _ = run("compare", DIARY, DIARY, "--adjust", "sex", "--reference", "B", "--json")
    adjusted = [row for row in json.loads(out) if row["analysis"] == "between cohorts, adjusted"]
    assert code == 0 and {(row["cohort"], row["reference"]) for row in adjusted} == {("A", "B")}
    code, _, err = run("compare", DIARY, DIARY, "--name", "one")
    assert code == 2
    assert_one_message(err)


def test_simulate_then_validate(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "sim"
    code, out, _ = run("simulate", "--out", str(folder), "--participants", "20", "--nights", "10", "--seed", "4")
    assert code == 0 and "20 participants" in out
    assert (folder / "truth.json").is_file()
    code, out, _ = run("validate", str(folder), "--strict")
    assert code == 0
    code, out, _ = run("validate", str(folder), "--json")
    assert json.loads(out)


def test_strict_validation_of_a_broken_source_exits_with_3(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "sim"
    run("simulate", "--out", str(folder), "--participants", "20", "--nights", "10")
    people = folder / "participants.csv"
    lines = people.read_text().splitlines()
    age = lines[0].split(",").index("age_years")
    cells = lines[1].split(",")
    cells[age] = "-5"
    people.write_text("\n".join([lines[0], ",".join(cells), *lines[2:]]) + "\n")
    assert run("validate", str(folder))[0] == 0
    ledger = tmp_path / "ledger.csv"
    code, _, err = run("validate", str(folder), "--strict", "--rejects", str(ledger))
    assert code == 3
    assert "--strict allows none" in err and "Traceback" not in err
    assert "age_years" in ledger.read_text()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("describe", DIARY, "--by", "age_years"), 2),
        (("describe", DIARY, "--age-bands", "40,20"), 2),
        (("describe", DIARY, "--age-bands", "old"), 2),
        (("describe", DIARY, "--where", "nosuch > 1"), 2),
        (("describe", DIARY, "--json", "--csv"), 2),
        (("fit", DIARY, "--model", "probit", "--terms", "sex"), 2),
        (("fit", DIARY, "--model", "poisson", "--terms", "sx"), 2),
        (("fit", DIARY, "--model", "survey-logistic", "--terms", "sex"), 2),
        (("describe", "no-such-folder"), 4),
        (("describe", "nosuchkind:folder"), 4),
    ],
)
def test_a_deliberate_error_is_one_message_and_its_code(run: Run, arguments: tuple[str, ...], code: int) -> None:
    ended, out, err = run(*arguments)
    assert (ended, out) == (code, "")
    assert_one_message(err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("describe",),
        ("describe", DIARY, "--standard", "mars"),
        (*FIT, "--covariance", "hc3"),
        ("fit", DIARY),
    ],
)
def test_a_wrong_call_is_a_usage_error(run: Run, arguments: tuple[str, ...]) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err and err


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_number_is_cut_in_a_narrow_terminal(width: int) -> None:
    from crampstudy import describe, open_cohort, tables, terminal

    (shown,) = tables.shown(describe(open_cohort(DIARY)).estimates)
    frame = shown.table
    table, needed = terminal._table("diary", frame, width)
    out = StringIO()
    from rich.console import Console

    Console(file=out, width=max(width, needed)).print(table)
    text = out.getvalue()
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= max(width, needed)
    words = set(text.split())
    for cell in frame.to_numpy().ravel():
        assert set(str(cell).split()) <= words
    if width >= 80:
        assert needed <= width


def test_help_and_usage_errors_import_nothing_heavy() -> None:
    heavy = ("pandas", "polars", "numpy", "matplotlib", "papermill", "formulaic", "scipy")
    script = (
        "import sys; sys.argv = ['crampstudy', '--help']\n"
        "from crampstudy.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    code = end.code\n"
        f"sys.stderr.write(repr([code, [m for m in {heavy!r} if m in sys.modules]]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "describe" in done.stdout and "simulate" in done.stdout
    assert done.stderr == "[0, []]"


def test_describe_shows_what_else_a_diary_tells(run: Run) -> None:
    code, out, _ = run("describe", DIARY, "--outcome", "class_30_days")
    assert code == 0
    assert "implied by the nights" in out
    assert "windows of the diary" in out
    code, out, err = run("describe", DIARY, "--like", DIARY)
    assert (code, out) == (2, "")
    assert_one_message(err)
    assert "class_30_days" in err
    code, _, err = run("describe", DIARY, "--outcome", "relief")
    assert code == 2
    assert "no episodes" in err


def test_relief_by_remedy(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "cohort", 40, 60, seed=3, draws=3_000)
    code, out, _ = run("describe", str(tmp_path / "cohort"), "--outcome", "relief")
    assert code == 0
    assert "Median time to relief, min" in out
    assert "stretch" in out


def test_fit_says_what_the_checks_found(run: Run) -> None:
    code, out, _ = run(*FIT, "--check")
    assert code == 0
    assert "overdispersion: failed." in out
    assert "convergence: passed." in out
    for wrong in (("--json",), ("--workers", "2")):
        code, out, err = run(*FIT, "--check", *wrong)
        assert (code, out) == (2, "")
        assert_one_message(err)


def test_version_is_told(run: Run) -> None:
    assert run("--version") == (0, f"crampstudy {__version__}\n", "")
