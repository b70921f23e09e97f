"""The specifications under which a claim is tested again, as ``specifications.csv`` declares them, and what they say.

A recipe is how a row is made; its dimensions are what could have been decided otherwise. A specification has one choice
of each dimension, and the first choices together are what the sections do, or come nearest to it.
"""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from crampstudy.claims import rules
from crampstudy.claims.claim import CITATION, ClaimRow
from crampstudy.claims.ledger import ClaimPart, LedgerEntry
from crampstudy.claims.rules import ClaimVerdict

PERSONS, NIGHTS, LAGS, IN_A_ROW, AGE = "persons", "nights", "lags", "in a row", "age"
AS_SECTION = "as the section"
"""The recipe of rows that have no model of one exposure: their section is made again."""
_RECIPES: Mapping[str, str] = {
    "condition, adjusted by the causal graph": PERSONS,
    "exposure, adjusted by the causal graph": PERSONS,
    "muscle": PERSONS,
    "within and between participants": NIGHTS,
    "distributed lag": LAGS,
    "age, beside sex alone": AGE,
}
_STRETCHING = "contrast: stretching_night"
Specification = tuple[tuple[str, str], ...]
"""A choice of each dimension, in the order of the table."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A ``choice`` of a ``dimension`` as it is called, and its ``setting``, as the recipe reads it."""

    recipe: str
    kind: str
    dimension: str
    choice: str
    setting: str


@cache
def choices() -> tuple[Choice, ...]:
    """Return all choices that are declared, in the order of the table."""
    text = files("crampstudy.claims").joinpath("specifications.csv").read_text(encoding="utf-8")
    return tuple(Choice(**row) for row in csv.DictReader(text.splitlines()))


def recipe(row: ClaimRow) -> str:
    """Return how a row is made again."""
    if row.analysis == "exposure of the last nights" and row.term == _STRETCHING:
        return IN_A_ROW
    found = _RECIPES.get(row.analysis, AS_SECTION)
    # The mean of all nights of a participant is one of the person.
    return PERSONS if found == NIGHTS and row.level == "between" else found


def setting(recipe: str, kind: str, specification: Specification) -> dict[str, str]:
    """Return the settings of a specification by dimension."""
    rows = (each for each in choices() if (each.recipe, each.kind) == (recipe, kind))
    own = {(each.dimension, each.choice): each.setting for each in rows}
    return {dimension: own[dimension, choice] for dimension, choice in specification}


def specifications(recipes: Iterable[str], kind: str) -> Iterator[Specification]:
    """Yield every choice of each dimension of some recipes in a kind of cohort, the first choices first.

    Of a dimension that several of them have the choices are those that all of these have.
    """
    by_recipe = [_dimensions(each, kind) for each in dict.fromkeys(recipes)]
    names = dict.fromkeys(name for each in by_recipe for name in each)
    pairs = []
    for name in names:
        first, *others = [each[name] for each in by_recipe if name in each]
        pairs.append([(name, choice) for choice in first if all(choice in other for other in others)])
    yield from (tuple(found) for found in itertools.product(*pairs)) if pairs else ()


@cache
def _dimensions(recipe: str, kind: str) -> Mapping[str, Sequence[str]]:
    """Return the dimensions of a recipe with their choices."""
    found: dict[str, list[str]] = {}
    for each in choices():
        if (each.recipe, each.kind) == (recipe, kind):
            found.setdefault(each.dimension, []).append(each.choice)
    return found


@dataclass(frozen=True, slots=True)
class SpecifiedPart:
    """A part of a claim under a specification of its recipe: what answers it, or ``why`` it could not be made."""

    specification: Specification
    part: ClaimPart
    why: str = ""

    def fits(self, wider: Specification) -> bool:
        """Say whether a specification of more dimensions makes the same choices."""
        return {*self.specification} <= {*wider}


@dataclass(frozen=True, slots=True)
class ClaimUnderOne:
    """A claim under one specification of all its parts; of a ``verdict`` of not testable ``why`` says the reason."""

    specification: Specification
    verdict: ClaimVerdict
    parts: tuple[SpecifiedPart, ...]
    why: str = ""


@dataclass(frozen=True, slots=True)
class ClaimMultiverse:
    """A claim under all of its specifications."""

    entry: LedgerEntry
    every: tuple[ClaimUnderOne, ...]

    @property
    def made(self) -> tuple[ClaimUnderOne, ...]:
        """Those that could be made."""
        return tuple(each for each in self.every if each.verdict != rules.NOT_TESTABLE)

    @property
    def agreeing(self) -> int:
        """How many of those have the verdict of the claim."""
        return sum(each.verdict == self.entry.verdict for each in self.made)

    @property
    def share(self) -> float | None:
        """The share that agrees, ``None`` where none could be made."""
        return self.agreeing / len(self.made) if self.made else None

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many of those that could be made have which verdict, the most frequent first."""
        return dict(Counter(each.verdict for each in self.made).most_common())

    @property
    def reasons(self) -> Mapping[str, int]:
        """Why others could not be made, and how many for each reason."""
        return dict(Counter(each.why for each in self.every if each.verdict == rules.NOT_TESTABLE).most_common())

    @property
    def estimates(self) -> tuple[float, ...]:
        """The estimates of the part that the ledger shows, in the order of the specifications that could be made."""
        shown = self.entry.deciding
        rows = (part.part.row for each in self.made for part in each.parts if shown and part.part.of == shown.of)
        return tuple(float(row["estimate"]) for row in rows if row is not None and rules.estimated(row))


def testable(entry: LedgerEntry) -> bool:
    """Say whether a claim has a verdict that another specification may not share."""
    return bool(entry.parts) and entry.claim.rule != CITATION and entry.verdict != rules.NOT_TESTABLE


def of_claim(entry: LedgerEntry, kind: str, found: Mapping[ClaimRow, Sequence[SpecifiedPart]]) -> ClaimMultiverse:
    """Return a claim under its specifications, from its parts under those of each of their recipes.

    Args:
        entry: the claim as the ledger has it, whose rows are made again.
        kind: that of the cohort.
        found: each row under the specifications of its recipe.
    """
    rows = [part.of for part in entry.parts]
    wide = specifications((recipe(row) for row in rows), kind)
    return ClaimMultiverse(entry, tuple(_under(one, [found[row] for row in rows]) for one in wide))


def _under(one: Specification, parts: Sequence[Sequence[SpecifiedPart]]) -> ClaimUnderOne:
    taken = tuple(next(each for each in every if each.fits(one)) for every in parts)
    verdict = rules.of_parts(each.part.verdict for each in taken)
    why = "; ".join(dict.fromkeys(each.why for each in taken if each.why)) if verdict == rules.NOT_TESTABLE else ""
    return ClaimUnderOne(one, verdict, taken, why)


def said(one: Specification) -> str:
    """Return a specification as a reader is told."""
    return "; ".join(choice if dimension != "outcome" else f"outcome {choice}" for dimension, choice in one)
