"""The interval of a share of participants, each of whom counts once."""

from __future__ import annotations

import math

from scipy import special


def wilson(events: int, n: int, ci_level: float) -> tuple[float, float]:
    """Return the limits of the share ``events`` of ``n`` participants, whose score test has the level.

    Source: Wilson 1927 (J Am Stat Assoc 22:209).
    """
    # SciPy has them too, in a part that takes longer to load than all else that a table of claims needs.
    squared = float(special.ndtri(0.5 + ci_level / 2)) ** 2
    middle = (events + squared / 2) / (n + squared)
    half = math.sqrt(squared * (events * (n - events) / n + squared / 4)) / (n + squared)
    return (middle - half if events else 0.0), (middle + half if events < n else 1.0)
