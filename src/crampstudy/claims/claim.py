"""The claims of the article, and the rows of the report's sections that answer them, as the data package has them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import pandas as pd

from crampstudy import estimates, suggestions
from crampstudy.errors import UsageError
from crampstudy.estimates.groups import group, whole
from crampstudy.estimates.kinds import CHOSEN, DISTRIBUTED_LAG, MODIFIED
from crampstudy.evidence import package
from crampstudy.wording import CONTRAST, with_none

Row = Mapping[str, Any]

MEDIATION, CITATION, SEASON, LEVEL = "mediation", "citation", "season", "level"
"""Rules that are told from those of contrasts."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of the article, or what it leaves out: a row of ``claims.csv``, whose descriptor explains the fields."""

    claim: str
    kind: Literal["claim", "omission"]
    section: str
    text: str
    rule: str
    direction: str
    contrast: str
    smallest_effect: str
    published: str
    evidence: str = ""
    evidence_side: str = ""
    judged: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The keys of its published evidence, the best first."""
        return tuple(key.strip() for key in self.evidence.split(";") if key.strip())

    def rows(self, kind: str) -> tuple[ClaimRow, ...]:
        """Return its rows in a cohort of a kind, in the order of the table."""
        return tuple(row for row in CLAIM_ROWS if row.claim == self.claim and row.kind in ("", kind))

    def part_to_name(self, part: str | None) -> str:
        """Return a part as it stands beside its number, empty where the claim is of it alone and says so."""
        others = {row.part for row in CLAIM_ROWS if row.claim == self.claim} - {part}
        told = all(word in self.text.lower() for word in (part or "").lower().split())
        return part if part and (others or not told) else ""


@dataclass(frozen=True, slots=True)
class ClaimRow:
    """A row that answers a part of a claim: the section and the cells by which it is found there.

    A cell that is empty may be anything, as where a contrast lies between centiles of the cohort. Without a ``side``
    the row stands beside the others and has no verdict. A share of people ``at_large`` is told by nobody who was chosen
    for it.
    """

    claim: str
    section: str
    analysis: str
    part: str = ""
    needs: str = ""
    kind: str = ""
    term: str = ""
    level: str = ""
    outcome: str = ""
    population: str = ""
    side: str = ""
    at_large: str = ""

    @property
    def of_two(self) -> bool:
        """Whether it is the ratio of two ratios."""
        return self.analysis in (MODIFIED.name, DISTRIBUTED_LAG.name) and " against " in self.level

    def among(self, rows: Iterable[Row]) -> Row | None:
        """Return the one of the ``rows`` of its section that is meant: of several groups that of most participants.

        Where no group has an estimate that of all says why, and not one that may be empty.
        Where a term has no estimate of any level, the row that says why is meant; where a contrast has none, that of
        the variable that it is of.
        """
        known = list(rows)
        of_term = [row for row in known if self.means(row)]
        found = [row for row in of_term if self.level in ("", row["level"])]
        found = found or [row for row in of_term if row["level"] is None and row["estimate"] is None]
        variable = self.term.removeprefix(CONTRAST)
        if not found and variable != self.term:
            lacking = [row for row in known if row["estimate"] is None and replace(self, term=variable).means(row)]
            found = [row for row in lacking if self.level in ("", row["level"] or self.level)]
        if any(row["estimate"] is not None for row in found):
            return max(found, key=lambda row: row["n_participants"] or 0)
        everybody = whole(group(row["population"]) for row in found)
        first = [row for row in found if group(row["population"]) == everybody] or found
        return max(first, key=lambda row: row["n_participants"] or 0, default=None)

    def means(self, row: Row) -> bool:
        """Say whether a row of its section is of this term, at whatever level."""
        if any(getattr(self, name) not in ("", row[name]) for name in ("analysis", "term", "outcome")):
            return False
        whom = row["population"] or ""
        return not self.population or whom == self.population or whom.endswith(f" {self.population}")


def records(made: pd.DataFrame) -> Sequence[Row]:
    """Return those of a section's rows that may answer a claim, with ``None`` for what is missing."""
    return with_none(made[made["analysis"].isin(_ANALYSES)])


@cache
def claims() -> tuple[Claim, ...]:
    """Return the claims in the article's order."""
    return tuple(Claim(**row) for row in package.records("claims"))


CLAIM_ROWS: tuple[ClaimRow, ...] = tuple(ClaimRow(**row) for row in package.records("claim_rows"))
"""The rows in the order of the claims; a claim may have several parts, and a part several rows that stand for it."""
_ANALYSES = frozenset(row.analysis for row in CLAIM_ROWS) | {CHOSEN.name}


def find(number: str) -> Claim:
    """Return a claim by its number, such as ``C20``.

    Raises:
        UsageError: no claim has this number.
    """
    numbers = [each.claim for each in claims()]
    if number not in numbers:
        allowed = f"allowed: {numbers[0]} to {numbers[-1]}"
        raise suggestions.unknown(UsageError, f"no claim {number!r}", number, numbers, allowed)
    return claims()[numbers.index(number)]


def rows_of_claim(claim: str, found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows that answer a claim, out of the estimates ``found`` by section; none where it has none."""
    wanted = (row for row in CLAIM_ROWS if row.claim == claim and row.section in found)
    return estimates.frame(row for each in wanted if (row := each.among(records(found[each.section]))))
