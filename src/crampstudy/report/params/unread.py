"""Parameters that a notebook declares and reads nowhere: what is set of them would change nothing, and say nothing."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from crampstudy.errors import ParameterError
from crampstudy.report.params.declarations import GIVEN, Parameter

_MAGIC = re.compile(r"^[ \t]*[%!?].*$", re.MULTILINE)
"""A line that IPython runs and Python cannot read."""


def check_read(path: Path, parameters: list[Parameter]) -> None:
    """Check that some cell of a notebook reads each of its parameters, beside those that the report gives.

    Raises:
        ParameterError: none does.
    """
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell.get("cell_type") == "code"]
    others = [cell for cell in code if "parameters" not in cell.get("metadata", {}).get("tags", ())]
    read = {name for cell in others for name in _names("".join(cell["source"]))}
    unread = [each.name for each in parameters if each.name not in {*GIVEN, *read}]
    if unread:
        which, them = (f"parameter {unread[0]!r}", "it") if len(unread) == 1 else (f"parameters {unread}", "them")
        raise ParameterError(
            f"{path.name} declares the {which} and no cell reads {them}, so that setting {them} would change nothing; "
            f"use {them} in a cell, or take {them} out of the cell tagged 'parameters'"
        )


def _names(source: str) -> set[str]:
    """Return the names that a cell reads; of one that is no Python, every word."""
    try:
        tree = ast.parse(_MAGIC.sub("", source))
    except SyntaxError:
        return set(re.findall(r"\w+", source))
    loaded = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    # A magic may read a name in braces or after a dollar sign.
    return loaded | {word for line in _MAGIC.findall(source) for word in re.findall(r"\w+", line)}
