"""What cleaning found, on one screen: rows, rules with their first example, nights observed and missing."""

from __future__ import annotations

from crampstudy.validation.rejected_rows import rejects
from crampstudy.validation.summary import GAPS, NightCounts, RuleExample, Summary, summarise
from crampstudy.validation.text import as_json, as_text

__all__ = ["GAPS", "NightCounts", "RuleExample", "Summary", "as_json", "as_text", "rejects", "summarise"]
