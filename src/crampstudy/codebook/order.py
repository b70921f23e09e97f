"""Which variables of a night come about before which."""

from __future__ import annotations

from collections.abc import Mapping

_AFTER_CRAMPS: Mapping[str, int] = {
    **dict.fromkeys(("cramps", "cramp_night"), 1),
    **dict.fromkeys(("sleep_quality_0_10", "sleep_hours", "sleep_latency_min", "awakenings", "nocturia"), 2),
    **dict.fromkeys(("fatigue_0_10", "concentration_0_10", "productivity_0_10"), 3),
}
"""When in a diary's row a variable comes about, after the exposures of the day: cramps, their night, the next day."""


def can_move(outcome: str, exposure: str) -> bool:
    """Say whether the outcome of a night may change an exposure that stands in the same row of the diary.

    Such is what comes after it, or with it in the same night or on the same next day: awakenings are moved by cramps,
    the day's exercise is not.
    """
    first, then = _AFTER_CRAMPS.get(outcome, 0), _AFTER_CRAMPS.get(exposure, 0)
    return then > first or then == first > 0
