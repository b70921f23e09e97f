"""The interval of a share of participants, each of whom counts once."""

from __future__ import annotations


def wilson(events: int, n: int, ci_level: float) -> tuple[float, float]:
    """Return the limits of the share ``events`` of ``n`` participants.

    Source: Wilson 1927.
    """
    # Loaded here: it takes longer than all else that a table of claims needs.
    from scipy import stats

    limits = stats.binomtest(events, n).proportion_ci(ci_level, method="wilson")
    return float(limits.low), float(limits.high)
