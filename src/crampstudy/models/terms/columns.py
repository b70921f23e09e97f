"""Columns of any name in formulas: evaluated under a name that cannot mean anything else, shown under their own."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from formulaic.parser.types import Factor
from formulaic.transforms import TRANSFORMS

from crampstudy.codebook import exposures
from crampstudy.errors import UsageError
from crampstudy.models.terms.functions import CODINGS, CONTEXT, FUNCTIONS

_PLAIN = re.compile(r"[A-Za-z]\w*", re.ASCII)
_RESERVED = {*TRANSFORMS, *CONTEXT, *FUNCTIONS, *CODINGS, *dir(builtins), *keyword.kwlist}
_CODED = re.compile(r"_x((?:[0-9a-f]{2})+)_")


class Written(Factor):  # type: ignore[misc]
    """A factor that shows its columns by their own names."""

    __slots__ = ()

    def __repr__(self) -> str:
        """Return the factor as it is written in a formula; a name alone without backticks unless it has a colon."""
        if self.eval_method.value == "lookup" and ":" not in (name := decoded(self.expr)):
            return name
        return shown(self.expr)


def coded(name: str) -> str:
    """Return the name under which a column is evaluated: its own, or one that cannot mean anything else."""
    if _PLAIN.fullmatch(name) and name not in _RESERVED:
        return name
    return f"_x{name.encode('utf-8', 'surrogatepass').hex()}_"


def decoded(name: str) -> str:
    """Return the column that is evaluated under the ``name`` of :func:`coded`."""
    found = _CODED.fullmatch(name)
    return bytes.fromhex(found[1]).decode("utf-8", "surrogatepass") if found else name


def shown(expression: str) -> str:
    """Return an expression as it is written in a formula, columns of other names than plain ones in backticks."""
    return _CODED.sub(lambda found: quoted(decoded(found[0])), expression)


def in_backticks(terms: str, columns: Iterable[str]) -> UsageError | None:
    """Return that a column stands in terms as it is called and is to stand in backticks, ``None`` where none does.

    Args:
        terms: as they were written.
        columns: the names of the columns that there are.
    """
    outside = re.sub(r"`[^`]*`", " ", terms)
    for name in sorted(columns, key=len, reverse=True):
        if re.fullmatch(r"[\w.]+", name) or exposures.find(name):
            continue
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", outside):
            said = f"terms {terms!r}: {name} is a column, and a name with other characters than letters, digits and _ "
            error = UsageError(f"{said}stands in backticks: {quoted(name)}")
            error.correction = name, quoted(name)
            return error
    return None


def quoted(name: str) -> str:
    """Return the name of a column as it is written in a formula: in backticks where it is not plain."""
    return name if exposures.find(name) or coded(name) == name else f"`{name}`"
