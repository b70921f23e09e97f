"""What a check says: a verdict, the numbers behind it, and one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crampstudy.readable import Readable

ALPHA = 0.05
"""A test speaks at this level, each by itself: of four sound ones, one in five cohorts hears at least one."""


@dataclass(frozen=True, repr=False)
class Check(Readable):
    """One check of a fitted model.

    ``passed`` is ``None`` where the check could not be made, for the ``reason`` given. ``table`` is tidy, its columns
    depend on the check; ``text`` is one sentence whose numbers stand in the table.
    """

    name: str
    passed: bool | None
    table: pd.DataFrame
    text: str
    reason: str | None = None

    def _facts(self) -> tuple[str, str]:
        return self.name, self.verdict

    @property
    def verdict(self) -> str:
        """``passed``, ``failed`` or ``not made``."""
        return "not made" if self.passed is None else "passed" if self.passed else "failed"


def made(name: str, passed: bool, rows: Sequence[Mapping[str, Any]], text: str) -> Check:
    """Return a check that was made, its table in the order of the rows' cells."""
    return Check(name, bool(passed), pd.DataFrame(list(rows)), f"{text[:1].upper()}{text[1:]}.")


def not_made(name: str, reason: str) -> Check:
    """Return a check that could not be made, with an empty table."""
    return Check(name, None, pd.DataFrame(), f"Not checked: {reason}.", reason)
