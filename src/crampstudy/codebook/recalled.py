"""The classes in which cramps of the last 30 days are recalled, as the public surveys ask for them."""

from __future__ import annotations

LOWS = (0, 1, 2, 5, 16)
"""Lower limits: none, 1, 2 to 4, 5 to 15, 16 or more cramps."""

LABELS = ("0", "1", "2-4", "5-15", "16+")

GROUPS = {"none": (0,), "mild": (1, 2), "moderate-severe": (3, 4), "any": (1, 2, 3, 4)}
"""Groups of the classes, by name, as Grandner and Winkelman (2017) form them."""

SEVERITIES = ("mild", "moderate-severe")
"""The groups of those who had a cramp, that do not overlap."""

ANY_AND_SEVERE = ("any", "moderate-severe")
"""The outcomes that curves and models of a survey are of, of which the second is a part of the first."""

NIGHTS = 30
"""Nights that a recalled class speaks of."""
