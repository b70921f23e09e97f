"""The parameters of a notebook that runs, held against its own parameters cell.

``crampstudy report`` checks parameters before it runs a notebook. Who runs one with papermill, or by hand, has them
checked by the notebook: whatever papermill is given becomes a variable of the kernel, also under a name that no cell
reads.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from crampstudy.errors import ParameterError
from crampstudy.report.params.declarations import GIVEN, Parameter, declarations
from crampstudy.report.params.possible import allowed, check_possible, unknown
from crampstudy.report.params.types import fits

_INJECTED = "# Parameters\n"
"""How the cell begins that papermill puts behind the parameters cell."""


def check_kernel() -> None:
    """Check the parameters of the notebook that calls this, once its parameters cell was run.

    Raises:
        ParameterError: papermill set a name that the parameters cell does not declare (the closest one is suggested),
            or a parameter has an impossible value (what is allowed is named).
    """
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    if shell is not None:
        check(shell.user_ns.get("In", []), shell.user_ns)


def check(cells: Sequence[str], variables: Mapping[str, Any]) -> None:
    """Check the ``variables`` of a kernel that has run ``cells``, the sources of its cells in order.

    Raises:
        ParameterError: as :func:`check_kernel`.
    """
    # Of a notebook that was run twice in one kernel the latest run counts.
    injected = max((at for at, cell in enumerate(cells) if cell.startswith(_INJECTED)), default=None)
    own = [at for at, cell in enumerate(cells) if {*GIVEN} & {*_assigned(cell)}]
    if injected is None and not own:
        return
    declaring = cells[own[-1]] if injected is None else cells[injected - 1]
    known = {parameter.name: parameter for parameter in declarations(declaring, "this notebook")}
    for name in _assigned(cells[injected]) if injected is not None else ():
        if name not in known:
            raise unknown(name, known)
    for name, parameter in known.items():
        if name not in GIVEN and name in variables:
            _check_value(parameter, variables[name])


def _check_value(parameter: Parameter, value: Any) -> None:
    name, kind = parameter.name, parameter.type
    if not fits(value, kind):
        # What papermill's -p cannot say.
        as_list = f" (papermill … -y '{name}: {parameter.default}')" if kind.kind == "list" else ""
        raise ParameterError(f"parameter {name!r}: {value!r} is not allowed; it takes {allowed(name, kind)}{as_list}")
    check_possible(name, value)


def _assigned(cell: str) -> list[str]:
    """Return the names that a cell assigns, none where it does anything else beside imports."""
    try:
        tree = ast.parse(cell)
    except SyntaxError:
        # A cell that failed, or one with magics.
        return []
    targets: list[ast.expr] = []
    for node in tree.body:
        match node:
            case ast.Import() | ast.ImportFrom():
                continue
            case ast.Assign():
                targets += node.targets
            case ast.AnnAssign():
                targets.append(node.target)
            case _:
                return []
    return [target.id for target in targets if isinstance(target, ast.Name)]
