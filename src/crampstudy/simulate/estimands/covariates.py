"""The covariate behind an effect, in words and symbols of the cohort's own columns."""

from __future__ import annotations

from crampstudy.simulate.calendar import JULY_PEAK, YEAR
from crampstudy.simulate.truth.tables.rows import Effect
from crampstudy.simulate.truth.truth import Truth


def covariate(truth: Truth, effect: Effect) -> str:
    """Return the ``x`` of an effect in words and symbols of the cohort's own columns."""
    centre, scale = truth.scaling(effect)
    if effect.part == "person":
        if effect.level is not None:
            return f"1 where {effect.column} is {effect.level}, else 0"
        if effect.column in {c.column for c in truth.conditions}:
            return f"1 where {effect.column}, else 0"
        measure = next((m for m in truth.measures if m.column == effect.column), None)
        if measure and measure.season:
            # The person's level over the year acts; the study notes that of the day.
            level = f"{effect.column} / (1 + {measure.season:g} cos(2 pi (d - {JULY_PEAK}) / {YEAR}))"
            return f"({level} - {centre:g}) / {scale:g}, d the day of the year of the first night"
        return f"({effect.column} - {centre:g}) / {scale:g}"
    shown = _gate(truth, effect.column)
    if effect.window_nights > 1:
        shown = f"mean of {shown} over {effect.window_nights} nights, the last of them {effect.lag_nights} back"
    elif effect.lag_nights:
        shown = f"{shown} {effect.lag_nights} night{'s' if effect.lag_nights > 1 else ''} before"
    match effect.part:
        case "within":
            shown = f"{shown}, less its mean over all nights of the participant, logged or not"
        case "between":
            shown = f"mean of {shown} over all nights of the participant, less {centre:g}"
    return shown if scale == 1 else f"({shown}) / {scale:g}"


def _gate(truth: Truth, column: str) -> str:
    # A gate shows in the diary by an amount that is above nothing on exactly its days.
    shown = (h.column for h in truth.habits if h.given == column and h.chance == 1 and h.kind == "log-normal")
    return next((f"({name} > 0)" for name in shown), column)
