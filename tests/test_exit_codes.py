"""The page of exit codes: every error of the package is on it with its code, and its examples end as it says."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crampstudy import errors

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs/exit-codes.md").read_text(encoding="utf-8")
ROWS = {int(row[0]): row[1:] for row in re.findall(r"^\| (\d) \| (.+?) \|(.*?)\| (.*?)\|$", PAGE, re.M)}
FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```", re.M | re.S)
EXAMPLE = re.compile(r"^\$ (crampstudy .*)\n((?:.*\n)+?)^\$ echo \$\?\n(\d)$", re.M)
Run = Callable[..., tuple[int, str, str]]


def kinds() -> Iterator[type[errors.CrampstudyError]]:
    """Yield every class of deliberate errors, wherever it is defined."""
    for path in (ROOT / "src/crampstudy").rglob("*.py"):
        if re.search(r"^class \w+\(\w*(Error|Rows|Taken|Failed)\):", path.read_text(encoding="utf-8"), re.M):
            module = importlib.import_module(
                ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
            )
            found = [each for each in vars(module).values() if isinstance(each, type)]
            yield from (
                each
                for each in found
                if issubclass(each, errors.CrampstudyError) and each.__module__ == module.__name__
            )


def test_every_error_stands_beside_its_code() -> None:
    named = {name: code for code, row in ROWS.items() for name in re.findall(r"`(\w+)`", row[1])}
    assert named == {each.__name__: each.exit_code for each in kinds() if each is not errors.CrampstudyError}
    assert [*ROWS] == [*range(9)]
    assert all(row[2].strip() for code, row in ROWS.items() if code)


def test_every_error_is_raised_somewhere() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src/crampstudy").rglob("*.py"))
    names = {each.__name__ for each in kinds() if each is not errors.CrampstudyError}
    assert [name for name in sorted(names) if not re.search(rf"\b{name}\b(?!\(\w*\):)(?:\(|,)", source)] == []


@pytest.mark.parametrize(("command", "said", "code"), EXAMPLE.findall(PAGE), ids=lambda cell: cell[:30])
def test_the_examples_end_as_the_page_says(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, said: str, code: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in FILE.findall(PAGE):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    found, out, err = run(*shlex.split(command)[1:])
    assert found == int(code)
    lines = [line.rstrip() for line in (out + err).splitlines()]
    for line in said.strip().splitlines():
        start = line.removesuffix(" …")
        assert [told for told in lines if told == line or (start != line and told.startswith(start))], lines


def test_each_code_of_an_error_has_an_example() -> None:
    assert {int(code) for _, _, code in EXAMPLE.findall(PAGE)} == {2, 3, 4, 5, 6}


def test_the_scripts_of_the_page_are_sound_shell(tmp_path: Path) -> None:
    import subprocess

    (script,) = re.findall(r"^```sh\n(.*?)^```", PAGE, re.M | re.S)
    assert subprocess.run(["sh", "-n", "-c", script], capture_output=True, check=True).stderr == b""


def test_a_description_of_nobody_ends_as_an_analysis_that_failed(run: Run) -> None:
    diary = str(ROOT / "tests/parity/diary")
    nobody = ("describe", diary, "--where", "age_years > 200")
    code, out, _ = run(*nobody)
    assert code == 6 and "could not estimate" in out.lower()
    # What scripts read is written all the same.
    code, out, _ = run(*nobody, "--csv")
    assert code == 6 and out.startswith("key,cohort,")
    # One group without a number is none that fails.
    assert run("describe", diary, "--where", "age_years > 60")[0] == 0
    assert run("compare", diary, diary, "--where", "age_years > 200")[0] == 6
