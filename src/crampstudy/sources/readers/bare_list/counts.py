"""What the column of cramps holds: counts, answers of yes or no, ticks; and what its empty cells mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from crampstudy.codebook import missing
from crampstudy.errors import OpenQuestion
from crampstudy.sources.readers.bare_list.listing import Listing
from crampstudy.sources.readers.bare_list.roles import MOST, held
from crampstudy.sources.readers.bare_list.words import TICKS, plain, truth
from crampstudy.sources.text import decimals, missing_codes
from crampstudy.sources.text.decimals import Mark, Stated

Empty = Literal["none", "unknown"]
"""What an empty cell among the counts means: no cramp, or that nobody knows."""

_NUMBER = r"(0|[1-9]\d{0,2})([.,]0+)?"


@dataclass(frozen=True, slots=True)
class CrampCells:
    """How a mapping reads the counts: ``codes`` where they are words, ``missing`` codes, the decimal mark."""

    codes: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    decimal: Mark = "."
    yes: bool = False
    notices: tuple[str, ...] = ()

    @property
    def keys(self) -> dict[str, Mapping[str, str] | Sequence[str]]:
        """The entries of the mapping that say so."""
        made: dict[str, Mapping[str, str] | Sequence[str]] = {"codes": self.codes} if self.codes else {}
        return made | ({"missing": self.missing} if self.missing else {})


def understand(listing: Listing, column: str, declared: Sequence[str], empty: Empty | None) -> CrampCells:
    """Return how the counts in a column are to be read; ``declared`` are codes that mean no answer.

    Raises:
        SourceError: there are ticks alone, and nobody has said what an empty cell is; or decimal marks contradict.
    """
    cells = listing.frame[column]
    filled = cells.filter(~missing_codes.held(cells, declared)).drop_nulls()
    labels = {code: label for code, label in listing.labels.get(column, {}).items() if truth(label)}
    said = {answer: labels.get(answer, answer) for answer in sorted(filled.unique())}
    ticks = [answer for answer in said if plain(answer) in TICKS]
    ticked = held(filled, ticks) > MOST
    name = f"{listing.file}: {listing.names[column]}"
    if ticked and empty is None and cells.null_count():
        raise OpenQuestion(
            f"{name} has {ticks[0]!r} and empty cells: an empty cell may be a night without a cramp or one that nobody "
            "recorded; say which: --empty none (no cramp) or --empty unknown",
            ("--empty", "none"),
        )
    if not (ticked or empty == "none" or any(map(truth, said.values()))):
        return _plain_counts(listing, column, tuple(declared))
    meanings = {answer: _meaning(label, ticked) for answer, label in said.items()}
    worded = {answer for answer in said if truth(said[answer]) == "true" or (ticked and answer in ticks)}
    if any(meaning not in ("", "0", "1") for meaning in meanings.values()):
        # Beside counts of two and more a yes says less than they do.
        meanings |= dict.fromkeys(worded, "")
        worded = set()
    unknown = [answer for answer, meaning in meanings.items() if not meaning]
    notices = [f"{name}: an empty cell is a night without a cramp, as stated"] if empty == "none" else []
    notices += [f"{name}: {', '.join(map(repr, unknown))}: taken as not known"] if unknown else []
    codes = {"": "0"} | meanings if empty == "none" else meanings
    return CrampCells(codes, tuple(declared), yes=bool(worded), notices=tuple(notices))


def _plain_counts(listing: Listing, column: str, declared: tuple[str, ...]) -> CrampCells:
    # No night has a thousand cramps.
    stated = Stated(ungrouped=frozenset([column]))
    _, notices = decimals.settle(listing.frame, [column], listing.file, listing.lines, stated)
    return CrampCells(missing=declared, decimal="," if notices else ".")


def _meaning(answer: str, ticked: bool) -> str:
    """Return the count that an answer means, empty where it is none."""
    if re.fullmatch(_NUMBER, answer):
        return re.split("[.,]", answer)[0]
    if missing.is_mark(answer):
        return ""
    if ticked and plain(answer) in TICKS:
        return "1"
    return {"true": "1", "false": "0", None: ""}[truth(answer)]
