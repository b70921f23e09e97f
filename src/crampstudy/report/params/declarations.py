"""The parameters that one notebook declares, in its cell tagged ``parameters``."""

from __future__ import annotations

import ast
import io
import json
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crampstudy.errors import ParameterError
from crampstudy.report.params.types import Type, fits, read_type

SOURCE = "source"
"""The parameter that says which cohort it is; the report gives it, and no setting may."""
RESULTS = "results"
"""The parameter of a notebook that draws on the others: where their results are, which the report gives it."""
GIVEN = (SOURCE, "sources", RESULTS)
"""What a report gives its notebooks itself: these, and which cohorts are compared."""


def shown(value: object) -> str:
    """Return a value as a setting gives it: ``null``, ``true``, ``20,40,60``."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: ``default`` is what the notebooks say, ``help`` the comment on its line."""

    name: str
    type: Type
    default: Any
    help: str
    notebooks: tuple[str, ...]

    @property
    def allowed(self) -> str:
        """What the parameter takes, in words."""
        return str(self.type)

    @property
    def shown(self) -> str:
        """The default as a setting gives it."""
        return shown(self.default)

    def same_as(self, other: Parameter) -> bool:
        """Whether the other is declared in the same way."""
        return (self.type, self.default) == (other.type, other.default)


def declared(path: Path) -> list[Parameter]:
    """Return the declarations of one notebook in order, ``source`` with them.

    Raises:
        ParameterError: the notebook has no or several parameters cells, or a line of it is not a declaration.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise ParameterError(f"{path.name} cannot be read as a notebook: {problem}") from problem
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", ())]
    if len(tagged) != 1:
        raise ParameterError(
            f"{path.name} has {len(tagged)} cells tagged 'parameters'; tag exactly one (it may hold only source)"
        )
    return declarations("".join(tagged[0]["source"]), path.name)


def declarations(code: str, notebook: str) -> list[Parameter]:
    """Return the declarations of the code of a parameters cell in order.

    The default of ``source`` may be anything, for the report gives the cohort.

    Raises:
        ParameterError: a line of it is not a declaration.
    """
    try:
        tree = ast.parse(code)
        comments = {
            token.start[0]: token.string.lstrip("# ").strip()
            for token in tokenize.generate_tokens(io.StringIO(code).readline)
            if token.type == tokenize.COMMENT
        }
    except (SyntaxError, tokenize.TokenError) as problem:
        raise ParameterError(f"{notebook}, parameters cell: not Python: {problem}") from problem
    return [
        _declaration(node, comments, notebook)
        for node in tree.body
        if not isinstance(node, ast.Import | ast.ImportFrom)
    ]


def _declaration(node: ast.stmt, comments: Mapping[int, str], notebook: str) -> Parameter:
    where = f"{notebook}, parameters cell, line {node.lineno}"
    comment = comments.get(node.end_lineno or node.lineno, "")
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if name == SOURCE:
            return Parameter(SOURCE, Type("str"), None, comment, (notebook,))
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name) or node.value is None:
        raise ParameterError(f"{where}: write 'name: type = default  # help', e.g. 'ci_level: float = 0.95'")
    name, kind = node.target.id, read_type(node.annotation, where)
    try:
        default = ast.literal_eval(node.value)
    except ValueError as problem:
        raise ParameterError(f"{where}: the default of {name!r} must be a plain literal") from problem
    if not fits(default, kind):
        raise ParameterError(f"{where}: the default {default!r} of {name!r} is not {kind}")
    return Parameter(name, kind, default, comment, (notebook,))
