"""What cannot be written or printed is one line and exit 4, and a bug one line and a file without anybody's data."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crampstudy import cli
from crampstudy.descriptive import first_look

Run = Callable[..., tuple[int, str, str]]
NIGHTS = "who,date,cramps\nAnna Muster,2024-01-01,1\nAnna Muster,2024-01-02,0\n"


@pytest.fixture
def study(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study kept by hand, made the current one."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "participants.csv").write_text("participant_id,age_years,sex\n01,71,female\n02,64,male\n")
    (folder / "diary.csv").write_text("participant_id,date,cramps\n01,2025-03-01,1\n02,2025-03-01,0\n02,2025-03-02,x\n")
    return folder


def listed() -> list[str]:
    return [path.name for path in Path().iterdir()]


def assert_one_line(err: str) -> None:
    assert err.startswith("crampstudy: ") and err.count("\n") == 1 and "Traceback" not in err, err


WRITERS = [
    ("import", "study", "--out"),
    ("simulate", "--participants", "5", "--nights", "5", "--out"),
    ("init",),
    ("validate", "study", "--rejects"),
    ("fetch", "nhanes", "--out"),
    ("report", "study", "--out"),
]


@pytest.mark.parametrize("command", WRITERS, ids=lambda command: command[0])
@pytest.mark.parametrize("place", ["/proc/x", "/dev/full", "/dev/full/x", "x" * 300, "study/diary.csv/x"])
def test_a_place_that_cannot_be_written(run: Run, study: Path, command: tuple[str, ...], place: str) -> None:
    before = {path: path.read_bytes() for path in study.rglob("*")}
    code, _, err = run(*command, place)
    assert code == 4
    assert_one_line(err)
    assert place[:200] in err
    assert {path: path.read_bytes() for path in study.rglob("*")} == before and listed() == ["study"]


def test_rejects_that_cannot_be_written_leave_no_package(run: Run, study: Path) -> None:
    code, _, err = run("import", "study", "--out", "clean", "--rejects", "/dev/full")
    assert code == 4 and "/dev/full is not a file that can be replaced" in err
    code, _, err = run("import", "study", "--out", "clean", "--rejects", "clean/rejects.csv")
    assert code == 2 and "outside clean" in err
    assert listed() == ["study"]


def test_import_over_a_study_kept_by_hand(run: Run, study: Path) -> None:
    before = (study / "diary.csv").read_bytes()
    arguments = ("import", "study", "--out", "study")
    code, _, err = run(*arguments)
    assert code == 2 and "diary.csv, which this command did not write" in err
    assert_one_line(err)
    assert err.endswith(": crampstudy import study --out study --force\n")
    code, _, err = run(*arguments, "--force")
    assert code == 0 and f"kept in {study}.old-1" in err
    assert Path("study.old-1/diary.csv").read_bytes() == before
    # Untouched, what the command wrote may be replaced by it.
    assert run("import", "study.old-1", "--out", "study")[0] == 0
    assert sorted(listed()) == ["study", "study.old-1"]


def test_simulate_over_a_study_kept_by_hand(run: Run, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from crampstudy import simulate as simulator

    monkeypatch.setattr(simulator, "answer", lambda truth, population: ())
    arguments = ("simulate", "--participants", "5", "--nights", "5", "--out", "study")
    code, _, err = run(*arguments)
    assert code == 2 and err.endswith(f"crampstudy {' '.join(arguments)} --force\n")
    code, _, err = run(*arguments, "--force")
    assert code == 0 and "study.old-1" in err
    assert run(*arguments, "--seed", "2")[0] == 0
    assert sorted(listed()) == ["study", "study.old-1"]


def command_line(*arguments: str, **more: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "crampstudy", *arguments]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **more)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("arguments", [("validate", "study"), ("--help",)])
def test_a_full_standard_output(study: Path, arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        process = command_line(*arguments, stdout=full)
        err = process.communicate()[1]
    assert process.returncode == 4
    assert_one_line(err)
    assert "standard output" in err and "no space" in err


def test_a_reader_that_ends_early(study: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    process = command_line("validate", "study", stdout=writing)
    os.close(writing)
    err = process.communicate()[1]
    assert process.returncode == 4
    assert_one_line(err)


def test_a_bug_leaves_a_file_without_data(
    study: Path, run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("Muster.csv").write_text(NIGHTS)

    def broken(_: object) -> None:
        try:
            raise ValueError("Anna Muster has 1 cramp")
        except ValueError as problem:
            raise KeyError("Muster 2024-01-01") from problem

    monkeypatch.setattr(first_look, "first_look", broken)
    monkeypatch.setattr(sys, "argv", ["crampstudy", "try", "Muster.csv", "--who", "who", "--cramps=cramps"])
    with pytest.raises(KeyError) as caught:
        cli.main()
    sys.excepthook(caught.type, caught.value, caught.tb)
    err = capsys.readouterr().err
    assert_one_line(err)
    (file,) = Path().glob("crampstudy-crash-*.txt")
    assert "KeyError" in err and file.name in err
    told = file.read_text()
    for held in ("Muster", "Anna", "2024-01", "cramp\n", str(study.parent)):
        assert held not in told and (held == str(study.parent) or held not in err.replace(str(study.parent), ""))
    for needed in ("command: crampstudy try --who --cramps\n", "builtins.KeyError", "builtins.ValueError", "polars "):
        assert needed in told
    assert "  crampstudy/cli/data.py:" in told and " in try_\n" in told


def test_a_bug_where_nothing_can_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from crampstudy.cli import crash

    def full(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(crash.tempfile, "mkstemp", full)
    assert crash.tell(KeyError, KeyError("x"), None, ()) == "a bug in crampstudy, KeyError; no file could be written"


def test_an_interrupt_is_one_line(run: Run, study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    Path("a.csv").write_text(NIGHTS)
    monkeypatch.setattr(first_look, "first_look", interrupted)
    # A run in the background inherits that interrupts are ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code, _, err = run("try", "a.csv")
    finally:
        signal.signal(signal.SIGINT, before)
    assert code == 130
    assert_one_line(err)


REFUSED = [
    (("report", "study", "--set", "ci_level=1.5", "--out", "r"), "report study --set ci_level=0.95 --out r"),
    (("report", "study", "--set", "ci_level=1.50", "--out", "r"), "report study --set ci_level=0.95 --out r"),
    (("report", "study", "--set", "ci_level", "--out", "r"), "report study --set ci_level=0.95 --out r"),
    (("report", "study", "--set", "run_in=-3", "--out", "r"), "report study --set run_in=null --out r"),
    (("report", "study", "--set", "reference_band=x", "--out", "r"), "report study --set reference_band=80+ --out r"),
    (("report", "study", "--set", "qqqq=3", "--out", "r"), "report --list-parameters"),
    (("report", "study", "--sections", "qqqq", "--out", "r"), "report study --sections summary --out r"),
    (("report", "studi", "--out", "r"), "report study --out r"),
    (("report", "study", "--out", "taken"), "report study --out taken-2"),
    (("report", "study", "--out", "taken/r"), "report study --out taken-2/r"),
    (
        ("simulate", "--participants", "5", "--nights", "5", "--out", "taken"),
        "simulate --participants 5 --nights 5 --out taken-2",
    ),
    (("describe", "study", "--ci-level", "1.5"), "describe study --ci-level 0.95"),
    (("describe", "study", "--csv", "study"), "describe study --csv study-2"),
    (("describe", "study", "--age-bands", "40,20"), "describe study --age-bands 20,40"),
    (("compare", "study", "study", "--out", "taken"), "compare study study --out taken-2"),
    (("compare", "study", "study", "--reference", "Q"), "compare study study --reference A"),
    (("compare", "study", "study", "--few-events", "mars"), "compare study study --few-events gamma"),
    (("compare", "study", "study", "--by", "qqqq"), "compare study study --by age_band"),
    (("compare", "study", "study", "--adjust", "qqqq"), "compare study study --adjust sex"),
]


@pytest.mark.parametrize(("command", "then"), REFUSED, ids=[" ".join(command) for command, _ in REFUSED])
def test_a_parameter_or_a_path_that_is_refused_is_told_with_the_next_command(
    run: Run, study: Path, command: tuple[str, ...], then: str
) -> None:
    Path("taken").write_text("mine")
    code, _, err = run(*command)
    assert code > 1
    assert_one_line(err)
    assert err.rstrip().endswith(f"run: crampstudy {then}"), err
    assert Path("taken").read_text() == "mine" and sorted(listed()) == ["study", "taken"]


_OLD = "age_years > 500"
_FIT = ("fit", "study", "--model", "poisson", "--terms")
_COMPARE = ("compare", "study", "study", "--adjust")
OF_OWN_COLUMNS = [
    (("report", "study", "--where", _OLD, "--out", "r"), 5, "age_years is 64 to 71", "report study --out r"),
    (("report", "study", f"--where={_OLD}"), 5, "nobody in study meets", "report study"),
    (("report", "study", "--set", f"where={_OLD}"), 5, "nobody in study meets", "report study --set where=null"),
    (("claims", "study", "--where", _OLD), 2, "nobody in study meets", "claims study"),
    (("report", "study", "--where", '"bad night" = true'), 5, "'bad night' is a column of nights", "report study"),
    (("analyse", "cohort", "study", "--where", "cramps > 1"), 2, "is a column of nights", "analyse cohort study"),
    (("report", "study", "--ci-level", "1.50"), 5, "lies between 0 and 1", "report study --ci-level 0.95"),
    (("report", "study", "--set", "plan=p.yaml"), 4, "there is no plan p.yaml", "claims --freeze p.yaml"),
    (("report", "study", "--plan", "p.yaml"), 4, "there is no plan p.yaml", "claims --freeze p.yaml"),
    (("report", "study", "--plan", "study/diary.csv"), 4, "is no plan of claims", "report study"),
    (("simulate", "--participants", "-3", "--out", "r"), 5, "from 1 to", "simulate --participants 3 --out r"),
    (("simulate", "--nights=0", "--out", "r"), 5, "from 1 to", "simulate --nights=1 --out r"),
    ((*_FIT, "bad night"), 2, "in backticks: `bad night`", f"{' '.join(_FIT)} '`bad night`'"),
    ((*_FIT, "sex + lag(bad night, 1)"), 2, "in backticks", f"{' '.join(_FIT)} 'sex + lag(`bad night`, 1)'"),
    ((*_FIT, "sex + foot-pain"), 2, "in backticks: `foot-pain`", f"{' '.join(_FIT)} 'sex + `foot-pain`'"),
    ((*_COMPARE, "bad night"), 2, "bad night differs from night to night", f"{' '.join(_COMPARE)} sex"),
    ((*_COMPARE, "age_years + `bad night`"), 2, "differs from night to night", f"{' '.join(_COMPARE)} age_years"),
    ((*_COMPARE, "sour milk"), 2, "terms name 'sour milk'", f"{' '.join(_COMPARE)} sex"),
    ((*_COMPARE, "log(foot-pain)"), 2, "in backticks", f"{' '.join(_COMPARE)} 'log(`foot-pain`)'"),
]


@pytest.mark.parametrize(("command", "code", "said", "then"), OF_OWN_COLUMNS, ids=lambda cell: str(cell)[:60])
def test_what_selects_nobody_is_no_file_or_has_a_name_of_its_own_is_refused_with_the_next_command(
    run: Run, study: Path, command: tuple[str, ...], code: int, said: str, then: str
) -> None:
    (study / "participants.csv").write_text("participant_id,age_years,sex,foot-pain\n01,71,female,2\n02,64,male,3\n")
    (study / "diary.csv").write_text("participant_id,date,cramps,bad night\n01,2025-03-01,1,yes\n02,2025-03-01,0,no\n")
    found, _, err = run(*command)
    assert (found, said in err) == (code, True), err
    assert_one_line(err)
    assert err.rstrip().endswith(f"run: crampstudy {then}"), err
    assert listed() == ["study"]
