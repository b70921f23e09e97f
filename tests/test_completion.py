"""What a shell completes, and that it is told without importing what takes long."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crampstudy import analyses
from crampstudy.cli import completion
from crampstudy.models.registry import FAMILIES
from crampstudy.report import outline
from crampstudy.simulate.scenario import presets

ROOT = Path(__file__).resolve().parents[1]
DIARY = str(ROOT / "tests/parity/diary")
Run = Callable[..., tuple[int, str, str]]


def test_the_names_completed_are_those_that_there_are() -> None:
    assert tuple(FAMILIES) == completion.MODELS
    assert tuple(analyses.ANALYSES) == completion.ANALYSES
    assert {*completion.presets("")} == {*presets.names()}
    assert {path.stem for path in outline.read(ROOT / "notebooks").notebooks} == {*completion.ANALYSES}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        (("fit", DIARY, "--model", "neg"), ["negative-binomial"]),
        (("fit", DIARY, "--model", "mixed-l"), ["mixed-logistic", "mixed-linear"]),
        (("fit", "--covariance", "cluster-h"), ["cluster-hc0"]),
        (("simulate", "--preset", "o"), ["older-adults"]),
        (("analyse", "se"), ["season", "severity", "second-opinion"]),
        (
            ("report", DIARY, "--sections", "cohort,"),
            [f"cohort,{name}" for name in analyses.ANALYSES if name != "cohort"],
        ),
        (("evidence", "--agent", "ma"), ["magnesium"]),
        # The participants of the source have these, and no smoking.
        (("describe", DIARY, "--by", ""), ["age_band", "sex", "diabetes"]),
        (("describe", "--json", DIARY, "--by", "s"), ["sex"]),
        (("compare", DIARY, DIARY, "--by", "d"), ["diabetes"]),
        # Without a source yet, the codebook's.
        (("describe", "--by", "sm"), ["smoking"]),
        (("describe", "no-such-folder", "--by", "sm"), ["smoking"]),
        (
            (
                "compare",
                "--na",
            ),
            ["--name"],
        ),
        (("descr",), ["describe"]),
        # What is a file is left to the shell.
        (("describe", DIARY, "--json", ""), []),
        (("describe", "--json", "ro"), []),
    ],
)
def test_bash_is_told_what_may_follow(
    run: Run, monkeypatch: pytest.MonkeyPatch, typed: tuple[str, ...], completed: list[str]
) -> None:
    words = ("crampstudy", *typed)
    monkeypatch.setenv("_CRAMPSTUDY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", " ".join(words))
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    code, out, err = run()
    assert (code, out.split(), err) == (0, completed, "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_the_same(run: Run, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_CRAMPSTUDY_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"crampstudy fit {DIARY} --model zero")
    code, out, _ = run()
    assert code == 0 and "zero-inflated-negative-binomial" in out and "hurdle" not in out


@pytest.mark.parametrize(
    ("shell", "part"),
    [
        ("bash", "complete -o default -F _crampstudy_completion crampstudy"),
        ("zsh", "compdef _crampstudy_completion crampstudy"),
        ("fish", "complete --command crampstudy"),
    ],
)
def test_each_shell_is_given_its_script(run: Run, monkeypatch: pytest.MonkeyPatch, shell: str, part: str) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: shell)
    code, out, _ = run("--show-completion")
    assert code == 0 and part in out and "_CRAMPSTUDY_COMPLETE=complete_" in out


@pytest.mark.parametrize("words", ["fit x --model neg", "describe x --by s", "simulate --preset c", "analyse c"])
def test_a_completion_imports_nothing_that_takes_long(words: str) -> None:
    code = (
        "import sys\n"
        "from crampstudy.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('numpy', 'polars', 'pandas', 'scipy') if name in sys.modules], file=sys.stderr)"
    )
    typed = f"crampstudy {words}"
    told = {"_CRAMPSTUDY_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split()) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | told, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() and done.stderr == "[]\n"


def test_in_a_real_bash_a_word_is_completed(tmp_path: Path) -> None:
    command = tmp_path / "crampstudy"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m crampstudy "$@"\n')
    command.chmod(0o700)
    script = (
        f'PATH="{tmp_path}:$PATH"; eval "$(crampstudy --show-completion)"\n'
        "COMP_WORDS=(crampstudy fit x --model zero); COMP_CWORD=4\n"
        "_crampstudy_completion crampstudy; echo ${COMPREPLY[@]}\n"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["zero-inflated-negative-binomial"]
