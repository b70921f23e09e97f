"""What an analysis read, set aside, left out and used: in one line of every command, and in the notes of its rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from crampstudy import describe, fit, open_cohort
from crampstudy.cohort import TableCount
from crampstudy.cohort.account import Account, read_as
from crampstudy.descriptive.first_look import first_look
from crampstudy.sources.readers import bare_list

Run = Callable[..., tuple[int, str, str]]
LINE = "diary.csv: 120 rows read, 20 rejected, 10 cells blanked; 100 nights"
WHY = "(why: crampstudy validate"


@pytest.fixture
def study(tmp_path: Path) -> str:
    """Ten participants of twelve rows: two of each are no nights, one has alcohol that is no number, two no entry.

    Half of the nights have the weight 0.
    """
    folder = tmp_path / "my study"
    folder.mkdir()
    people = "participant_id,age_years,sex,site,ferritin\n"
    nights = "participant_id,date,entry_made,cramps,alcohol_units,w\n"
    for i in range(10):
        people += f"P{i},{30 + 5 * i},{'female' if i % 2 else 'male'},{'north' if i % 3 else 'south'},{20 + i}.5\n"
        for k in range(12):
            cramps, entry = ("x", "true") if k < 2 else ("", "false") if k > 9 else (str((i + k) % 3), "true")
            alcohol = "lots" if k == 5 else str(k % 4)
            nights += f"P{i},{date(2025, 1, 1) + timedelta(days=k)},{entry},{cramps},{alcohol},{k % 2}\n"
    (folder / "participants.csv").write_text(people)
    (folder / "diary.csv").write_text(nights)
    return str(folder)


@pytest.mark.parametrize(
    ("arguments", "used"),
    [
        (("describe",), "20 left out (not observed), 80 used"),
        (
            ("describe", "--where", "alcohol_units > 0"),
            "20 left out (not observed), 10 left out (the condition could not be decided), "
            "20 left out (outside the condition), 50 used",
        ),
        (
            ("fit", "--model", "poisson", "--terms", "sex + alcohol_units + weights(w)"),
            "20 left out (not observed), 40 left out (of weight 0), 10 left out (incomplete on the terms), 30 used",
        ),
        (
            ("fit", "--model", "negative-binomial", "--terms", "sex", "--where", "age_years > 50"),
            "20 left out (not observed), 40 left out (outside the condition), 40 used",
        ),
        (("fit", "--model", "logistic", "--terms", "sex", "--check"), "20 left out (not observed), 80 used"),
    ],
)
def test_every_command_says_it_in_one_line(run: Run, study: str, arguments: tuple[str, ...], used: str) -> None:
    command, *options = arguments
    line = f"{LINE}, {used} {WHY} '{study}')"
    code, out, err = run(command, study, *options)
    assert code == 0 and line in out.splitlines() and err == ""
    # Said once, not in the note below the table as well.
    assert out.count("20 rejected") == 1 and out.count("not observed") == 1
    if "--check" in options:
        return
    code, out, err = run(command, study, *options, "--json")
    assert code == 0 and line in err.splitlines()
    notes = [row["note"] for row in json.loads(out) if row["status"] == "converged"]
    assert notes and all("diary.csv: 20 of 120 rows rejected, 10 cells blanked" in note for note in notes)
    # A night that nobody observed is no part of the person-time.
    assert not any("not observed" in note for note in notes)
    code, _, err = run(command, study, *options, "--csv")
    assert code == 0 and line in err.splitlines()


def test_compare_says_it_of_both(run: Run, study: str, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for name in ("participants.csv", "diary.csv"):
        (other / name).write_text((Path(study) / name).read_text().replace(",x,", ",0,"))
    code, out, _ = run("compare", study, str(other), "--by", "sex")
    lines = [line for line in out.splitlines() if line.startswith("diary.csv:")]
    assert code == 0 and len(lines) == 2
    assert lines[0].startswith(f"{LINE}, 20 left out (not observed), 80 used {WHY}")
    assert lines[1].startswith("diary.csv: 120 rows read, 10 cells blanked; 120 nights, 20 left out (not observed)")


def test_fit_says_how_own_columns_were_read(run: Run, study: str) -> None:
    terms = "sex + site + ferritin + weights(w)"
    code, out, _ = run("fit", study, "--model", "poisson", "--terms", terms)
    assert code == 0
    assert out.splitlines()[-3:] == [
        *("own column ferritin: number", "own column site: text, 2 levels", "own column w: number")
    ]
    code, out, err = run("fit", study, "--model", "poisson", "--terms", "site", "--json")
    assert code == 0 and err.splitlines()[-1] == "own column site: text, 2 levels"


def test_models_of_participants_and_cramps_have_an_account(study: str) -> None:
    account = fit(open_cohort(study), model="cox", outcome="gap", terms="sex").account
    assert account is not None and account.plural == "gaps" and (account.found, account.used) == (53, 47)
    assert [table.file for table in account.tables] == ["diary.csv"]
    described = describe(open_cohort(study), outcome="class_30_days")
    assert described.accounts[0].sentence() == f"{LINE}, 20 left out (not observed), 80 used"


def test_a_first_look_says_it(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "my.csv"
    file.write_text("id,date,cramps\nA,2025-03-01,1\nA,2025-03-02,\nB,2025-03-01,0\nB,2025-03-02,2\nB,2025-03-32,x\n")
    line = "my.csv: 5 rows read, 1 rejected; 4 nights, 1 left out (without a count), 3 used"
    assert first_look(bare_list.read(file)).nights.account.sentence() == line
    assert line in run("try", str(file))[1].splitlines()
    code, out, err = run("try", str(file), "--json")
    assert code == 0 and json.loads(out) and line in err.splitlines()


def test_the_reasons_and_the_rest_add_up() -> None:
    table = TableCount("diary", "d.csv", 1200, 1100, 100, 1)
    account = Account("nights", 1100, (("not observed", 90), ("of weight 0", 0), ("x", 10)), (table,))
    assert account.used == 1000
    assert account.sentence("s") == (
        "d.csv: 1,200 rows read, 100 rejected, 1 cell blanked; 1,100 nights, 90 left out (not observed), "
        "10 left out (x), 1,000 used (why: crampstudy validate s)"
    )
    assert account.remarks() == (
        "d.csv: 100 of 1,200 rows rejected, 1 cell blanked",
        "10 nights left out, x",
    )


def test_types_of_own_columns() -> None:
    frame = pl.DataFrame(
        {"a": [1.5], "b": [True], "c": ["x"], "d": [date(2025, 1, 1)], "sex": ["male"], "age_band": ["x"]}
    )
    assert read_as(frame, {"a", "b", "c", "d", "sex", "age_band", "gone"}, "participants") == (
        *("own column a: number", "own column b: yes or no"),
        *("own column c: text, 1 level", "own column d: date"),
    )


def test_an_own_column_may_be_called_as_one_of_another_table(study: str) -> None:
    # The episodes have a site of their own, whose levels are parts of the leg.
    row = fit(open_cohort(study), model="poisson", terms="site").estimates.iloc[0]
    assert (row["level"], row["reference"], row["status"]) == ("south", "north", "converged")
