"""Which columns an outcome is made of, and may therefore not explain it, nor form groups of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crampstudy import domain
from crampstudy.errors import UsageError
from crampstudy.models import recall

_NIGHTS = frozenset({"cramps", "cramp_night"})
_TIMES = frozenset({"time", "event", "start", "stop"})
_RECALLED = frozenset({"recalled_low", "recalled_high", "recalled_class", "recalled_count", *recall.CONTRASTS})

MADE_OF: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(_NIGHTS, _NIGHTS),
    **dict.fromkeys(_RECALLED, _RECALLED),
    "pain": frozenset({"pain_0_10"}),
    # A cramp lasts at least until relief, so that its length is no exposure either.
    "relief": _TIMES | {"relief_s", "relieved", "duration_s"},
    "gap": _TIMES | _NIGHTS,
}


def check_condition(where: str | None, outcome: str) -> None:
    """Check that nights are not chosen by how many cramps they had, where these are what is to be explained.

    Raises:
        UsageError: they are.
    """
    chosen = set(domain.names(where) if where else ()) & _NIGHTS
    if chosen and outcome in {*_NIGHTS, "gap"}:
        raise UsageError(
            f"the condition names {min(chosen)!r}: nights that are chosen by their cramps have no rate and no odds of "
            "one; choose them by something else"
        )


def check_apart(names: Collection[str], outcome: str, role: str) -> None:
    """Check that none of ``names`` is the outcome or what it is made of; ``role`` says what they are, as in ``terms``.

    Raises:
        UsageError: one is.
    """
    if same := sorted(set(names) & (MADE_OF.get(outcome, frozenset()) | {outcome})):
        said = "the outcome itself" if same[0] == outcome else f"what the outcome {outcome} is made of"
        raise UsageError(f"{role} name {same[0]!r}, which is {said}: nothing is explained by itself; leave it out")
