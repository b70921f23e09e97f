"""Declared contrasts: between which two values of a number a verdict on its ratio is read.

``contrasts.csv`` holds those that a claim names. Any other number is contrasted at its 10th against its 90th centile;
what is yes or no, or a level against its reference, is a contrast as it is.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from crampstudy import codebook

Kind = Literal["value", "centile", "deviation"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """The values ``at`` and ``reference`` of a variable, in its unit, whose ratio is judged; ``source`` says whose.

    Of kind ``centile`` they are centiles of the participants, of kind ``deviation`` distances from a person's own mean.
    ``printed`` names both where the variable's own values would not be understood.
    """

    name: str
    kind: Kind
    at: float
    reference: float
    printed: str | None = None
    source: str | None = None

    def wording(self, at: float, reference: float) -> str:
        """Return the contrast as printed, with the values that it has in a cohort: ``0.7 against 0.85 mmol/L``."""
        if self.printed:
            return self.printed
        # Large numbers that differ little are printed with as many digits as show it.
        digits = next((n for n in range(4, 16) if f"{at:.{n}g}" != f"{reference:.{n}g}"), 16)
        text = f"{at:.{digits}g} against {reference:.{digits}g} {_unit(self.name)}".rstrip()
        match self.kind:
            case "centile":
                return f"{_ordinal(self.at)} against {_ordinal(self.reference)} centile: {text}"
            case "deviation":
                amount, side = abs(at - reference), "above" if at > reference else "below"
                return f"{amount:.4g} {_unit(self.name)} {side} own mean".replace("  ", " ")
        return text


@cache
def declared() -> tuple[Contrast, ...]:
    """Return the contrasts that the codebook declares."""
    text = files(codebook.__name__).joinpath("contrasts.csv").read_text(encoding="utf-8")
    return tuple(
        Contrast(
            codebook.variable(row["name"]).name,
            cast(Kind, row["kind"]),
            float(row["at"]),
            float(row["reference"]),
            row["printed"] or None,
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def find(name: str, *, deviation: bool = False) -> Contrast | None:
    """Return the declared contrast of a variable, or that of its ``deviation`` from the person's mean."""
    return next((c for c in declared() if c.name == name and (c.kind == "deviation") == deviation), None)


def by_centile(name: str) -> Contrast:
    """Return the contrast of a number for which none is declared."""
    return Contrast(name, "centile", 10, 90)


def _unit(name: str) -> str:
    known = codebook.find(name)
    if known is None or known.unit is None or known.unit.startswith("per "):
        return ""
    return "points" if re.fullmatch(r"\d+-\d+", known.unit) else known.unit


def _ordinal(centile: float) -> str:
    return f"{centile:g}th"
