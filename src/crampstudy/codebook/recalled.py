"""The classes in which cramps of the last 30 days are recalled, as the public surveys ask for them."""

from __future__ import annotations

LOWS = (0, 1, 2, 5, 16)
"""Lower limits: none, 1, 2 to 4, 5 to 15, 16 or more cramps."""

LABELS = ("0", "1", "2-4", "5-15", "16+")

NIGHTS = 30
"""Nights that a recalled class speaks of."""
