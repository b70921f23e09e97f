"""The functions that a formula may call, one row each; what has no row here is never called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from formulaic import transforms
from formulaic.transforms.contrasts import TreatmentContrasts

from crampstudy import suggestions
from crampstudy.codebook import exposures
from crampstudy.models.terms import splines
from crampstudy.models.terms.levels import MOST_LEVELS

Kind = Literal[
    "count up to 50",
    "number",
    "list of numbers",
    "True or False",
    "level",
    "list of levels",
    "coding of levels",
    "'center'",
]
"""What an argument beside the first may be."""
LARGEST_COUNT = 50
OFFSET, WEIGHTS = "offset", "weights"


class Against(TreatmentContrasts):  # type: ignore[misc]
    """Treatment coding against the level that reads like ``base``: 2 is 2.0, and ``True`` is the level true."""

    @TreatmentContrasts.override  # type: ignore[untyped-decorator]
    def _find_base_index(self, levels: list[Any]) -> int:
        texts = [text_of(level) for level in levels]
        if text_of(self.base) not in texts:
            meant = suggestions.hint(text_of(self.base), texts)
            raise ValueError(f"ref={self.base!r} is none of the levels {', '.join(texts)}{meant}")
        return texts.index(text_of(self.base))


def text_of(level: object) -> str:
    """Return a level as it is told from others."""
    if isinstance(level, bool):
        return str(level).lower()
    return f"{level:g}" if isinstance(level, (int, float)) else str(level)


def categories(data: Any, contrasts: Any = None, ref: Any = None, levels: Any = None) -> Any:
    """Return ``data`` as a factor whose reference is ``ref``: the ``C`` of formulas.

    Raises:
        ValueError: it is a number of too many values, or ``levels`` lacks one.
    """
    values = np.asarray(data)
    found = pd.unique(values.ravel())
    if values.dtype.kind == "b":
        data = pd.Series(pd.Categorical(np.where(values, "true", "false"), ["false", "true"]))
    elif values.dtype.kind == "f" and len(found) > MOST_LEVELS:
        raise ValueError(
            f"C() of a number makes a level of each of its {len(found):,} values, and at most {MOST_LEVELS} are "
            "allowed; take the number itself, or a spline of it with ns()"
        )
    elif levels is not None and (lacking := sorted(map(text_of, set(found) - set(levels)))):
        raise ValueError(f"levels lacks {', '.join(lacking)}, which would be lost")
    return transforms.C(data, contrasts if ref is None else Against(ref), levels=levels)


@dataclass(frozen=True, slots=True)
class Function:
    """How a function is written, and what its ``arguments`` beside the first may be, in their order.

    A function that is ``alone`` stands within no other; one of ``texts`` may hold a comparison with a text; the value
    of one that goes ``row_by_row`` depends on nothing but the row. ``call`` is what is called, if formulaic has it not.
    """

    usage: str
    arguments: Mapping[str, Kind] = field(default_factory=dict)
    alone: bool = False
    texts: bool = False
    row_by_row: bool = True
    call: Callable[..., Any] | None = None


_BOUNDS: dict[str, Kind] = {"lower_bound": "number", "upper_bound": "number"}
_ALONE = "stands by itself and takes one number per row, such as"

FUNCTIONS: Mapping[str, Function] = {
    "C": Function(
        "C(x, ref='level')",
        {"contrasts": "coding of levels", "ref": "level", "levels": "list of levels"},
        alone=True,
        texts=True,
        call=categories,
    ),
    "I": Function("I(x / 10)", texts=True),
    "ns": Function(
        "ns(x, df=3, knots=[...], ref=60, at=[...])",
        {"df": "count up to 50", "knots": "list of numbers", "ref": "number", "at": "list of numbers"},
        alone=True,
        # Its knots do not change when a participant's equal rows become one.
        row_by_row=True,
        call=splines.ns,
    ),
    "poly": Function(
        "poly(x, degree=2, raw=True)",
        {"degree": "count up to 50", "raw": "True or False"},
        alone=True,
        row_by_row=False,
    ),
    "cr": Function(
        "cr(x, df=4, constraints='center')",
        {"df": "count up to 50", "knots": "list of numbers", **_BOUNDS, "constraints": "'center'"},
        alone=True,
        row_by_row=False,
    ),
    "bs": Function(
        "bs(x, df=4, degree=3)",
        {
            "df": "count up to 50",
            "knots": "list of numbers",
            "degree": "count up to 50",
            "include_intercept": "True or False",
            **_BOUNDS,
        },
        alone=True,
        row_by_row=False,
    ),
    "center": Function("center(x)", row_by_row=False),
    "scale": Function("scale(x)", row_by_row=False),
    **{name: Function(f"{name}(x)") for name in ("log", "log2", "log10", "exp")},
    "log1p": Function("log1p(x)", call=np.log1p),
    "sqrt": Function("sqrt(x)", call=np.sqrt),
    **{f"np.{name}": Function(f"np.{name}(x)") for name in ("log", "log2", "log10", "log1p", "exp", "sqrt", "sign")},
    # Read as the names of columns, which the models of nights make beforehand of all logged nights.
    **{name: Function(usage) for name, usage in exposures.USAGE.items()},
    OFFSET: Function(f"{OFFSET}(x), which {_ALONE} {OFFSET}(log(x))", alone=True),
    WEIGHTS: Function(f"{WEIGHTS}(x), which {_ALONE} {WEIGHTS}(x)", alone=True),
}

CODINGS: Mapping[str, Mapping[str, Kind]] = {
    "contr.treatment": {"base": "level"},
    "contr.SAS": {"base": "level"},
    "contr.sum": {},
    "contr.helmert": {"reverse": "True or False", "scale": "True or False"},
    "contr.diff": {"backward": "True or False"},
    "contr.poly": {"scores": "list of numbers"},
    "Treatment": {"reference": "level"},
    "Sum": {},
    "Helmert": {},
    "Diff": {},
    "Poly": {},
}
"""Codings of the levels of ``C``, by name alone or called."""

CONTEXT: Mapping[str, Any] = {name: row.call for name, row in FUNCTIONS.items() if row.call}
"""What a formula is evaluated with, beside its columns and what formulaic has."""
