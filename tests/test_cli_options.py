"""Options of the command line mean the same in every command; --json and --csv print, or write to a file."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from crampstudy import estimates
from crampstudy.cli import app
from crampstudy.cli.command import attached, is_output
from crampstudy.contrasts.cohorts.compare import compare
from crampstudy.errors import UsageError
from crampstudy.sources import open_cohort

ROOT = Path(__file__).resolve().parents[1]
DIARY = str(ROOT / "tests/parity/diary")
Run = Callable[..., tuple[int, str, str]]
DESCRIBE = ("describe", DIARY, "--by", "sex")
SHARED_OPTIONS = ("--where", "--age-bands", "--ci-level", "--json", "--csv", "--out", "--force")


def options() -> dict[str, dict[str, Any]]:
    """Return the options of every command by name, then by command."""
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for name, command in commands.items():
        for parameter in command.params:
            if parameter.param_type_name == "option":
                found[parameter.opts[0]][name] = parameter
    return found


@pytest.mark.parametrize("option", SHARED_OPTIONS)
def test_an_option_of_several_commands_says_and_takes_the_same_in_each(option: str) -> None:
    # The files that these write hold what is sensitive, and say so.
    sensitive = [("triage", "--out"), ("predict", "--out"), ("phenotypes", "--out")]
    of_commands = [each for name, each in options()[option].items() if (name, option) not in sensitive]
    assert len({(each.help, each.metavar, each.is_flag, each.multiple) for each in of_commands}) == 1
    types = {str(each.type_descriptor.annotation) for each in of_commands if hasattr(each, "type_descriptor")}
    assert len(types) <= 1


def test_the_commands_that_take_each_shared_option() -> None:
    found = options()
    takes = {option: {*found[option]} for option in SHARED_OPTIONS}
    rows = {"describe", "compare", "fit", "analyse", "models", "evidence", "claims", "triage", "predict", "phenotypes"}
    writes = {"simulate", "import", "report"}
    assert takes["--where"] == {"describe", "compare", "fit", "analyse", "claims", "report", "triage"}
    assert takes["--age-bands"] >= {"describe", "compare", "fit", "analyse", "report"}
    read = {"describe", "compare", "fit", "analyse", "evidence", "claims", "report", "triage", "predict", "phenotypes"}
    assert takes["--ci-level"] == read
    assert takes["--csv"] == rows
    assert takes["--json"] == {*rows, "adjust", "diff", "try", "validate", "import"}
    assert takes["--out"] >= {*writes, "fetch", "claims"}
    assert takes["--force"] >= takes["--json"] | writes
    # What may stand alone is told from other options by how it is shown.
    assert {name for name, by in found.items() for each in by.values() if is_output(each)} == {"--json", "--csv"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        # One argument is wanted, and what follows the option is it.
        ("--json study", "--json=- study"),
        ("study --json", "study --json=-"),
        ("--json", "--json=-"),
        # One word more is a file, in every order.
        ("study --json rows.json", "study --json=rows.json"),
        ("--json rows.json study", "--json=rows.json study"),
        ("--by sex --json rows.json study", "--by sex --json=rows.json study"),
        ("--json rows.json --by sex study", "--json=rows.json --by sex study"),
        ("study --csv rows.txt --by sex", "study --csv=rows.txt --by sex"),
        # A dash is standard output.
        ("study --csv -", "study --csv=-"),
        ("--csv - study", "--csv=- study"),
        ("study --json - --csv rows.csv", "study --json=- --csv=rows.csv"),
        # What is attached already stays so.
        ("study --csv=rows.csv", "study --csv=rows.csv"),
        ("--csv=rows.csv --json study", "--csv=rows.csv --json=- study"),
        # Other options are no files.
        ("study --json --force", "study --json=- --force"),
        ("--json --by sex study", "--json=- --by sex study"),
        # What belongs to another option is neither a file nor an argument of the command.
        ("--by --json study", "--by --json study"),
        ("study --by --json rows.json", "study --by --json rows.json"),
        # Two options and two words.
        ("study --json a --csv b", "study --json=a --csv=b"),
        ("--json a --csv b study", "--json=a --csv=b study"),
        # Two options and one word more: the one that ends like its format, else the last.
        ("--json study --csv rows.csv", "--json=- study --csv=rows.csv"),
        ("--json rows.json --csv study", "--json=rows.json --csv=- study"),
        ("--json a --csv b", "--json=- a --csv=b"),
        # After two dashes there are arguments alone.
        ("--json -- --study", "--json=- -- --study"),
        ("--json rows.json -- --study", "--json=rows.json -- --study"),
        ("-- --json", "-- --json"),
        # Words too many are left for the parser to complain of.
        ("study other --json rows.json", "study other --json=rows.json"),
        ("", ""),
    ],
)
def test_an_option_of_output_takes_a_file_or_stands_alone(written: str, meant: str) -> None:
    assert attached(written.split(), {"--json", "--csv"}, {"--by"}, 1) == meant.split()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("--json A B", "--json=- A B"),
        ("A --json B", "A --json=- B"),
        ("A B --json", "A B --json=-"),
        ("A --json C B", "A --json=C B"),
        ("--json C A B", "--json=C A B"),
    ],
)
def test_a_command_of_two_arguments_has_both_before_a_file(written: str, meant: str) -> None:
    assert attached(written.split(), {"--json"}, set(), 2) == meant.split()


def test_a_command_without_arguments_takes_what_follows_as_a_file() -> None:
    assert attached(["--csv", "models.csv"], {"--csv"}, set(), 0) == ["--csv=models.csv"]


def test_both_orders_of_option_and_argument_print_the_same(run: Run) -> None:
    plain = run(*DESCRIBE, "--json")
    assert plain[0] == 0 and json.loads(plain[1])
    for order in (("describe", "--json", DIARY, "--by", "sex"), ("describe", "--json", "-", DIARY, "--by", "sex")):
        assert run(*order) == plain
    assert run("describe", "--csv", DIARY, "--by", "sex") == run(*DESCRIBE, "--csv", "-") == run(*DESCRIBE, "--csv=-")


def test_a_file_has_what_would_be_printed_and_the_table_is_shown(run: Run, tmp_path: Path) -> None:
    printed = {option: run(*DESCRIBE, option)[1] for option in ("--json", "--csv")}
    files = {option: tmp_path / f"rows{number}" for number, option in enumerate(printed)}
    _, table, _ = run(*DESCRIBE)
    code, out, err = run(*DESCRIBE, *(str(word) for pair in files.items() for word in pair))
    assert (code, out) == (0, table)
    assert err == "".join(f"Written: {file}\n" for file in files.values())
    assert {option: file.read_text() for option, file in files.items()} == printed
    assert sorted(tmp_path.iterdir()) == sorted(files.values())


def test_one_format_may_be_printed_and_the_other_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "deep" / "rows.csv"
    code, out, err = run(*DESCRIBE, "--json", "-", "--csv", str(file))
    assert code == 0 and len(json.loads(out)) == file.read_text().count("\n") - 1
    assert err.startswith(f"Written: {file}\n") and "nights" in err


def test_a_file_is_replaced_by_force_alone_and_then_kept(run: Run, tmp_path: Path) -> None:
    import shlex

    file, free = tmp_path / "rows.csv", tmp_path / "rows-2.csv"
    file.write_text("mine")
    code, out, err = run(*DESCRIBE, "--csv", str(file))
    command = f"crampstudy {shlex.join([*DESCRIBE, '--csv', str(file)])} --force"
    assert (code, out) == (2, "")
    said = f"name another file, such as --csv {free}, or add --force, which keeps this one beside it as rows.csv.old-1"
    assert err == f"crampstudy: {file} is there already; {said}: {command}\n"
    assert file.read_text() == "mine"
    code, _, err = run(*shlex.split(command)[1:])
    kept = tmp_path / "rows.csv.old-1"
    assert code == 0 and f"What stood there before is kept in {kept}" in err
    assert kept.read_text() == "mine" and file.read_text().startswith("key,")
    # A second time nothing that is kept is lost.
    assert run(*DESCRIBE, "--csv", str(file), "--force")[0] == 0
    assert kept.read_text() == "mine" and (tmp_path / "rows.csv.old-2").read_text() == file.read_text()


def test_a_file_that_is_taken_is_refused_before_the_work(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object, **__: object) -> None:
        pytest.fail("the source was opened")

    monkeypatch.setattr("crampstudy.sources.open_cohort", work)
    (tmp_path / "rows.json").write_text("")
    for command in (DESCRIBE, ("compare", DIARY, DIARY), ("analyse", "cohort", DIARY)):
        assert run(*command, "--json", str(tmp_path / "rows.json"))[0] == 2


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (("--json", "--csv"), 2, "choose one of --json and --csv, or give one of them a file: --csv rows.csv"),
        (("--json=",), 2, "the name of a file is empty"),
        (("--json", "same", "--csv", "./same"), 2, "--json and --csv have the same file ./same"),
        (("--csv", "."), 4, ". is not a file that can be replaced; give the name of a file"),
        (("--csv", "taken/rows.csv"), 4, "cannot be written: a file stands in"),
    ],
)
def test_what_cannot_be_written_is_refused(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    found, out, err = run(*DESCRIBE, *more)
    assert found == code and said in err and not out.startswith(("[", "key"))
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    "command",
    [("models",), ("validate", DIARY), ("compare", DIARY, DIARY), ("analyse", "cohort", DIARY)],
)
def test_every_command_writes_json(run: Run, tmp_path: Path, command: tuple[str, ...]) -> None:
    file = tmp_path / "rows.json"
    code, out, err = run(*command, "--json", str(file))
    assert code == 0 and f"Written: {file}" in err and out
    assert file.read_text() == run(*command, "--json")[1]
    json.loads(file.read_text())


def test_import_says_what_was_accepted_as_json(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("import", DIARY, "--out", str(tmp_path / "study"), "--json")
    assert code == 0 and json.loads(out) == json.loads(run("validate", DIARY, "--json")[1])


def test_a_fit_takes_age_bands(run: Run) -> None:
    fit = ("fit", DIARY, "--model", "poisson", "--terms", "age_band", "--age-bands", "20,50,70")
    _, out, _ = run(*fit, "--json")
    levels = {row["level"] for row in json.loads(out)} | {row["reference"] for row in json.loads(out)}
    assert {"20-49", "50-69", "70+"} <= levels


def test_a_report_takes_age_bands_and_level_as_the_parameters_that_they_are(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def built(_: str, *, settings: list[str], **__: object) -> None:
        raise UsageError(" ".join(settings))

    monkeypatch.setattr("crampstudy.report.build.build", built)
    _, _, err = run("report", DIARY, "--set", "standard=none", "--age-bands", "20,60", "--ci-level", "0.9")
    assert err == "crampstudy: standard=none age_bands=20,60 ci_level=0.9\n"


def test_two_cohorts_of_one_name_are_a_and_b(run: Run) -> None:
    code, out, _ = run("compare", DIARY, DIARY, "--by", "sex", "--json")
    every = json.loads(out)
    rows = [row for row in every if row["scale"] == "rate"]
    assert code == 0 and [row["cohort"] for row in rows] == ["A"] * (len(rows) // 2) + ["B"] * (len(rows) // 2)
    assert len({row["key"] for row in every}) == len(every)
    both = [[row["estimate"] for row in rows if row["cohort"] == name] for name in "AB"]
    assert both[0] == both[1]


def test_two_cohorts_are_called_as_said_and_looked_at_where_said(run: Run) -> None:
    where = ("--where", "age_years >= 60", "--json")
    code, out, _ = run("compare", DIARY, DIARY, "--by", "sex", "--name", "before, after", *where)
    every = json.loads(out)
    rows = [row for row in every if row["scale"] == "rate"]
    assert code == 0 and {row["cohort"] for row in rows} == {"before", "after"}
    alone = json.loads(run(*DESCRIBE, *where)[1])
    assert [row["estimate"] for row in rows] == [row["estimate"] for row in alone] * 2
    assert {row["population"] for row in every} <= {row["population"] for row in alone}


@pytest.mark.parametrize("names", [["a"], ["a", "b", "c"], ["a", "a"], ["a", ""], ["Town", "town"], ["a b", "a-b"]])
def test_names_that_are_not_two_are_refused(names: list[str]) -> None:
    cohort = open_cohort(DIARY)
    with pytest.raises(UsageError, match="two cohorts have two different names, such as before,after; got"):
        compare(cohort, cohort, names=names)


def test_names_that_differ_are_kept() -> None:
    from dataclasses import replace

    cohort = open_cohort(DIARY)
    rows = compare(cohort, replace(cohort, name="other"), "sex").estimates
    assert {*rows.loc[rows["scale"] == "rate", "cohort"]} == {cohort.name, "other"}
    assert list(rows.columns) == list(estimates.COLUMNS)


def test_make_compares_two_presets_where_no_cohort_is_named() -> None:
    # What was said to the make that runs the tests is not meant for this one.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}

    def printed(*words: str) -> list[str]:
        asked = ["make", "-n", "compare", *words]
        done = subprocess.run(asked, cwd=ROOT, env=own, capture_output=True, text=True, check=True)
        return [line.strip() for line in done.stdout.splitlines() if line.startswith(".venv/bin/crampstudy")]

    presets = ("community", "older-adults")
    made = [f".venv/bin/crampstudy simulate --workers 2 --preset {p} --out data/synthetic-{p}" for p in presets]
    compared = '.venv/bin/crampstudy compare "data/synthetic-community" "data/synthetic-older-adults" --report'
    # What is there already is not made anew.
    *before, last = printed()
    assert {*before} <= {*made} and last == f"{compared} --name community,older-adults"
    assert printed("A=one", "B=two", "ARGS=--by sex")[-1].split() == [
        ".venv/bin/crampstudy",
        "compare",
        '"one"',
        '"two"',
        "--report",
        "--by",
        "sex",
    ]
    assert printed("A=one")[-1] == '.venv/bin/crampstudy compare "one" "data/synthetic-older-adults" --report'
