"""The first steps as the document walks them, from its first file to its last command."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

TEXT = (Path(__file__).parents[1] / "docs" / "first-steps.md").read_text(encoding="utf-8")
STEP = re.compile(
    r"<!-- file: (?P<file>\S+) -->\n```csv\n(?P<content>.*?)^```|^```console\n(?P<console>.*?)^```", re.M | re.S
)


def test_the_first_steps(tmp_path: Path) -> None:
    ran = []
    for step in STEP.finditer(TEXT):
        if step["file"]:
            (tmp_path / step["file"]).write_text(step["content"], encoding="utf-8")
            continue
        for command, *expected in (part.rstrip().splitlines() for part in step["console"].split("$ ")[1:]):
            program, *arguments = shlex.split(command)
            assert program == "crampstudy"
            done = subprocess.run(
                [sys.executable, "-m", "crampstudy", *arguments],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, done.stderr
            printed = done.stdout.splitlines()
            if arguments[0] in ("try", "init"):
                assert printed == expected
            else:
                at = [printed.index(line) for line in expected]
                assert at == sorted(at)
            ran.append(arguments[0])
    assert ran == ["try", "init", "validate", "describe"]
