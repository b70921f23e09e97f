"""Which columns an outcome is made of, and may therefore not explain it, nor form groups of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crampstudy.cohort import subpopulation
from crampstudy.errors import UsageError
from crampstudy.models.common import recalled_outcomes

_NIGHTS = frozenset({"cramps", "cramp_night"})
_TIMES = frozenset({"time", "event", "start", "stop"})
_RECALLED = frozenset(
    {"recalled_low", "recalled_high", "recalled_class", "recalled_count", *recalled_outcomes.CONTRASTS}
)

MADE_OF: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(_NIGHTS, _NIGHTS),
    **dict.fromkeys(_RECALLED, _RECALLED),
    "pain": frozenset({"pain_0_10"}),
    "age_years": frozenset({"age_years", "age_decade", "age_band", "birth_year"}),
    # A cramp lasts at least until relief, so that its length is no exposure either.
    "relief": _TIMES | {"relief_s", "relieved", "duration_s"},
    "gap": _TIMES | _NIGHTS,
}


_KNOWN = frozenset({*_NIGHTS, *_RECALLED, "pain", "relief", "gap"})


def check_condition(where: str | None, outcome: str) -> None:
    """Check that nights are not chosen by how many cramps they had, where these are what is to be explained.

    Nor may what is known of a number that is to be explained choose the rows.

    Raises:
        UsageError: they are.
    """
    names = set(subpopulation.names(where) if where else ())
    if chosen := names & _NIGHTS if outcome in {*_NIGHTS, "gap"} else set():
        raise UsageError(
            f"the condition names {min(chosen)!r}: nights that are chosen by their cramps have no rate and no odds of "
            "one; choose them by something else"
        )
    if outcome not in _KNOWN and (chosen := names & (MADE_OF.get(outcome, frozenset()) | {outcome})):
        raise UsageError(
            f"the condition names {min(chosen)!r}, the outcome: rows that are chosen by what is to be explained have "
            "smaller differences than all others; choose them by something else"
        )


def check_apart(names: Collection[str], outcome: str, role: str) -> None:
    """Check that none of ``names`` is the outcome or what it is made of; ``role`` says what they are, as in ``terms``.

    Raises:
        UsageError: one is.
    """
    if same := sorted(set(names) & (MADE_OF.get(outcome, frozenset()) | {outcome})):
        said = "the outcome itself" if same[0] == outcome else f"what the outcome {outcome} is made of"
        raise UsageError(f"{role} name {same[0]!r}, which is {said}: nothing is explained by itself; leave it out")
