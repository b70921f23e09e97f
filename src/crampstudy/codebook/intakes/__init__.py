"""Reference intakes of minerals for adults, by age and sex: recommended allowances, or adequate intakes."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from crampstudy import codebook


@dataclass(frozen=True, slots=True)
class ReferenceIntake:
    """The reference intake of a nutrient in the codebook's unit, of one sex from an age on; ``source`` says whose."""

    name: str
    sex: str
    from_age: float
    amount: float
    source: str


@cache
def reference_intakes() -> tuple[ReferenceIntake, ...]:
    """Return the reference intakes that the codebook declares, those of a nutrient and sex by age."""
    text = files(__name__).joinpath("reference_intakes.csv").read_text(encoding="utf-8")
    return tuple(
        ReferenceIntake(
            codebook.variable(row["name"]).name, row["sex"], float(row["from_age"]), float(row["amount"]), row["source"]
        )
        for row in csv.DictReader(text.splitlines())
    )
