"""Values as a workbook or a statistical file stores them, as the text that a CSV file would have."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

_EXACT = 2.0**53  # whole numbers beyond it are not exact


def as_text(value: Any, dated: bool) -> str | None:
    """Return a stored value as text, ``None`` for an empty one; ``dated`` midnights are days without a time."""
    match value:
        case None:
            return None
        case str():
            return value.strip() or None
        case bool():
            return str(value).lower()
        case float():
            return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)
        case datetime():
            return value.date().isoformat() if dated and value.time() == time() else value.isoformat()
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
