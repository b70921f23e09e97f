"""What is usual and what is too low of a laboratory value: reference ranges of adults, and limits of deficiency."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from crampstudy import codebook


@dataclass(frozen=True, slots=True)
class ReferenceRange:
    """The range of a laboratory value in the codebook's unit, and the limit ``deficient_below``; ``source`` says whose.

    ``high`` is ``None`` where no level is called too high, ``deficient_below`` where none is called a deficiency.
    """

    name: str
    low: float
    high: float | None
    deficient_below: float | None
    source: str

    @property
    def wording(self) -> str:
        """The range in words: ``30 to 125 nmol/L, deficient below 30``."""
        unit = codebook.variable(self.name).unit
        span = f"from {self.low:g}" if self.high is None else f"{self.low:g} to {self.high:g}"
        below = "" if self.deficient_below is None else f", deficient below {self.deficient_below:g}"
        return f"{span} {unit}{below}"


@cache
def reference_ranges() -> tuple[ReferenceRange, ...]:
    """Return the reference ranges that the codebook declares."""
    text = files(__name__).joinpath("reference_ranges.csv").read_text(encoding="utf-8")
    return tuple(
        ReferenceRange(
            codebook.variable(row["name"]).name,
            float(row["low"]),
            float(row["high"]) if row["high"] else None,
            float(row["deficient_below"]) if row["deficient_below"] else None,
            row["source"],
        )
        for row in csv.DictReader(text.splitlines())
    )


def reference_range(name: str) -> ReferenceRange | None:
    """Return the reference range of a variable, ``None`` where there is none."""
    return next((made for made in reference_ranges() if made.name == name), None)
