"""Raw tables in; a cohort and a ledger out, with every cell accounted for.

Three severities. ``reject-row``: a row without a usable key, date or count is set aside. ``blank-cell``:
the value is quarantined and the night stays. ``warn``: said, and nothing changed. Rows accepted plus
rejected equal rows read. Nothing is ever corrected but what the user's own corrections name.
"""

from __future__ import annotations

from crampstudy.cleaning.apply_rules import gone
from crampstudy.cleaning.corrections import Corrections
from crampstudy.cleaning.raw import LEDGER, Raw, RawTable
from crampstudy.cleaning.rule import Context
from crampstudy.cleaning.study import Cleaned, clean
from crampstudy.cleaning.tables import clean_table, nothing_left, set_aside
from crampstudy.cleaning.unlogged import Unlogged

__all__ = [
    "LEDGER",
    "Cleaned",
    "Context",
    "Corrections",
    "Raw",
    "RawTable",
    "Unlogged",
    "clean",
    "clean_table",
    "gone",
    "nothing_left",
    "set_aside",
]
