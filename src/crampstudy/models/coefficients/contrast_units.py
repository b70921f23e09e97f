"""What a coefficient is per, or which levels it compares: the unit of its row."""

from __future__ import annotations

import math
import re

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.models.terms import design_matrix

_BASES = {"log": math.e, "log2": 2.0, "log10": 10.0}


def unit_of(column: design_matrix.Column, multiple: float) -> str:
    """Return the unit of a column's coefficient times ``multiple``: ``per 10 years``, ``against male``.

    Of an interaction it says what each factor is compared by: ``per 10 years, female against male``.
    """
    if column.parts:
        numbers = [name for name, level, _ in column.parts if level is None]
        steps = [_of_number(name, 1.0 if i else multiple) for i, name in enumerate(numbers)]
        levels = [_of_level(*part) for part in column.parts if part[1] is not None]
        return ", ".join(filter(None, (" and ".join(steps), *levels)))
    if column.level is not None:
        against = f"against {column.reference}" if column.reference else "contrast"
        return against if multiple == 1 else f"{against}, per {multiple:g}"
    return _of_number(column.term, multiple)


def points(name: str) -> str | None:
    """Return the unit of a variable, ``points`` of a score from 0 to 10, ``None`` where the codebook has none."""
    known = wording.variable(name)
    if known and known.unit and re.fullmatch(r"\d+-\d+", known.unit):
        return "points"
    return known.unit if known else None


def _of_level(factor: str, level: str | None, reference: str | None) -> str:
    own = wording.level_of(factor, str(level))
    return f"{own} against {wording.level(reference)}" if reference else own


def _of_number(name: str, multiple: float) -> str:
    if found := wording.scaled(name):
        name, multiple = found[0], multiple * found[1]
    function, _, inside = name.removeprefix("np.").partition("(")
    if function in _BASES:
        fold = _BASES[function] ** multiple
        return "per doubling" if fold == 2 else f"per {fold:.3g}-fold rise"
    if function == "scale":
        return f"per {multiple:g} SD"
    if function == "center":
        name = inside.removesuffix(")")
    if function == "I" and re.search(r"[<>]|[!=]=", inside) and multiple == 1:
        return "yes against no"
    known, exposure = wording.variable(name), exposures.find(name)
    window = exposure.window[0] if exposure and exposure.window else None
    if window == "days_last":
        return f"per {multiple:g} {'night' if multiple == 1 else 'nights'}"
    if known and known.type == "boolean" and multiple == 1 and window != "load_ratio":
        return "every night against none" if window else "yes against no"
    if not known or not known.unit or window == "load_ratio":
        return f"per {multiple:g}"
    if re.fullmatch(r"\d+-\d+", known.unit):
        return f"per {multiple:g} {'point' if multiple == 1 else 'points'}"
    # A derived variable may carry its own step, such as "per 10 years".
    step = re.fullmatch(r"per ([\d.]+) (.+)", known.unit)
    return f"per {multiple * float(step[1]):g} {step[2]}" if step else f"per {multiple:g} {known.unit}"
