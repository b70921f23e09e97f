"""Declared contrasts: between which two values of a number a verdict on its ratio is read.

``contrasts.csv`` holds those that a claim names, and of what differs by sex the one within a sex; ``margins.csv`` the
smallest differences that matter. Any other number is contrasted at its 10th against its 90th centile, or the
higher one against the lower where a declared contrast of the same variable has it so: two ratios of a variable that
stand side by side have one sense. What is yes or no, or a level against its reference, is a contrast as it is.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, cast

from crampstudy import codebook
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import Exposure

Kind = Literal["value", "centile", "within-sex", "deviation", "deviation-centile"]
MADE = ("cramps_per_week", "pain_fall")
"""Outcomes with a margin that are made of others and are no variable themselves."""
_OF_DEVIATIONS = ("deviation", "deviation-centile")
_OF_WINDOWS = {"days_last": "nights", "load_ratio": "times the load before"}


@dataclass(frozen=True, slots=True)
class Contrast:
    """The values ``at`` and ``reference`` of a variable, in its unit, whose ratio is judged; ``source`` says whose.

    Of kind ``centile`` they are centiles of the participants, of kind ``within-sex`` those of their distances from the
    mean of their sex. Of kind ``deviation`` they are distances from a person's own mean, of kind ``deviation-centile``
    centiles of these among the nights.
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
        # The centile of one computation is off that of another in the last digits, which must not decide how it rounds.
        at, reference = (float(f"{value:.12g}") for value in (at, reference))
        # Large numbers that differ little are printed with as many digits as show it.
        digits = next((n for n in range(4, 16) if f"{at:.{n}g}" != f"{reference:.{n}g}"), 16)
        text = f"{_digits(at, digits)} against {_digits(reference, digits)} {_unit(self.name)}".rstrip()
        match self.kind:
            case "centile":
                return f"{self.centiles()}: {text}"
            case "deviation-centile":
                return f"{self.centiles()}: {self._around(at, reference, digits)}"
            case "within-sex":
                amount, side = abs(at - reference), "lower" if at < reference else "higher"
                return f"{self.centiles()}: {_digits(amount, 3)} {_unit(self.name)} {side}".replace("  ", " ")
            case "deviation":
                distance = f"{_digits(abs(at - reference), 4)} {_unit(self.name)}".rstrip()
                return f"{distance} {_side(at - reference)} own mean"
        return text

    def _around(self, at: float, reference: float, digits: int) -> str:
        """Return two distances from a person's own mean: ``3 points above own mean against 2 below it``."""
        amounts = [_digits(abs(value), digits) for value in (at, reference)]
        first = f"{f'{amounts[0]} {_unit(self.name)}'.rstrip()} {_side(at)} own mean" if at else "own mean"
        return f"{first} against {f'{amounts[1]} {_side(reference)} it' if reference else 'the mean itself'}"

    def centiles(self) -> str:
        """Return the two centiles as printed."""
        within = " within a sex" if self.kind == "within-sex" else ""
        return f"{self.at:g}th against {self.reference:g}th centile{within}"


def _side(distance: float) -> str:
    return "above" if distance > 0 else "below"


def _digits(value: float, digits: int) -> str:
    """Return a number by its first digits, large ones in full and with thousands separated: ``0.85``, ``11,030``."""
    short = float(f"{value:.{digits}g}")
    return f"{short:,.0f}" if abs(short) >= 1000 and short.is_integer() else f"{short:,.{digits}g}"


@dataclass(frozen=True, slots=True)
class Margin:
    """The smallest difference of a variable that matters, in its unit, and whose it is."""

    name: str
    size: float
    source: str


def margin(name: str) -> Margin | None:
    """Return the declared margin of the differences of a variable, ``None`` where there is none."""
    return next((made for made in margins() if made.name == name), None)


@cache
def margins() -> tuple[Margin, ...]:
    """Return the margins that the codebook declares."""
    text = files(codebook.__name__).joinpath("margins.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple(Margin(_outcome(row["name"]), float(row["margin"]), row["source"]) for row in rows)


def _outcome(name: str) -> str:
    return name if name in MADE else codebook.variable(name).name


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
    return next((c for c in declared() if c.name == name and (c.kind in _OF_DEVIATIONS) == deviation), None)


def of_variable(name: str, *, deviation: bool = False) -> tuple[Contrast | None, Contrast]:
    """Return the declared values of a variable, ``None`` where there are none, and its contrast between centiles."""
    stated = find(name, deviation=deviation)
    if stated is not None and stated.kind in ("value", "deviation"):
        return stated, by_centile(name, stated, deviation=deviation)
    return None, stated or by_centile(name, find(name, deviation=not deviation), deviation=deviation)


def of_exposure(exposure: Exposure) -> tuple[Contrast | None, Contrast]:
    """Return the contrasts of an exposure of person-time, as :func:`of_variable` does.

    Of a count of nights they are all of them against none; a load ratio has no values of its variable.
    """
    match exposure.window:
        case ("days_last", nights) if nights is not None:
            said = f"{nights} of {nights} against 0 of {nights} nights"
            stated = Contrast(exposure.variable, "value", nights, 0, said)
            return stated, by_centile(str(exposure), stated)
        case ("load_ratio", _):
            return None, by_centile(str(exposure), find(exposure.variable) or find(exposure.variable, deviation=True))
    return of_variable(exposure.variable, deviation=exposure.part == "within")


def is_within_sex(name: str) -> bool:
    """Say whether the declared contrast of a variable lies within a sex, so that sex has to be known for it."""
    found = find(name)
    return found is not None and found.kind == "within-sex"


def by_centile(name: str, like: Contrast | None = None, *, deviation: bool = False) -> Contrast:
    """Return the contrast between centiles of a number, or of its ``deviation``, in the sense of another one of it."""
    ends = (90, 10) if like is not None and like.at > like.reference else (10, 90)
    return Contrast(name, "deviation-centile" if deviation else "centile", *ends)


def is_up(printed: str) -> bool | None:
    """Say of a contrast as :meth:`Contrast.wording` prints it whether the value named first is the greater one.

    ``None`` of what is no contrast of numbers, such as that of two days of the year.
    """
    text = printed.rpartition(": ")[2].replace("−", "-").replace(",", "")
    if found := _ONE_SIDED.search(text):
        return (found[1] or found[2]) in ("above", "higher")
    first, _, second = text.partition(" against ")
    if not (_BARE.fullmatch(first) or first.endswith("own mean")):
        return None
    at, reference = _value(first), _value(second)
    return None if at is None or reference is None or at == reference else at > reference


_DIGITS = r"-?\d[\d.]*(?:e[+-]?\d+)?"
_ONE_SIDED = re.compile(r"^(?!.* against ).* (above|below) own mean$| (higher|lower)$")
_BARE, _FIRST = re.compile(rf"{_DIGITS}(?: of \d+)?"), re.compile(_DIGITS)


def _value(text: str) -> float | None:
    """Return a value of a contrast; of a distance from the own mean one below it is less than none."""
    if text in ("own mean", "the mean itself"):
        return 0.0
    found = _FIRST.match(text)
    below = re.search(r" below (?:own mean|it)$", text)
    return None if found is None else float(found[0]) * (-1 if below else 1)


def _unit(name: str) -> str:
    """Return what the numbers of a variable, or of an exposure over several nights, are in; empty where in nothing."""
    exposure = exposures.find(name)
    if exposure and exposure.window and exposure.window[0] in _OF_WINDOWS:
        return _OF_WINDOWS[exposure.window[0]]
    known = codebook.find(name)
    if known is None or known.unit is None or re.match(r"per \d", known.unit):
        return ""
    return "points" if re.fullmatch(r"\d+-\d+", known.unit) else known.unit
