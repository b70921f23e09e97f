"""What the documents on sources show is what happens: their files, their commands, their output."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


def shows(printed: str, line: str) -> bool:
    return printed == line or (line.endswith(" …") and printed.startswith(line.removesuffix(" …")))


@pytest.mark.parametrize("name", ["mapping.md", "redcap.md"])
def test_the_worked_examples_do_what_the_document_says(name: str, tmp_path: Path) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    files = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    for file, content in files:
        (tmp_path / file).write_text(content, encoding="utf-8")
    ran = 0
    for block in re.findall(r"^```console\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        for command, *expected in (part.splitlines() for part in block.split("$ ")[1:]):
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
            # A line may be cut short with an ellipsis; the lines stand in the order of the document.
            found = [next((n for n, out in enumerate(printed) if shows(out, line)), None) for line in expected]
            assert None not in found and found == sorted(found, key=lambda n: n or 0), done.stdout
            ran += 1
    assert files and ran >= 3
