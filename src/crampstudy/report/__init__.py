"""Notebooks run, collected and typeset: the report of a cohort as PDF and as web page."""

from __future__ import annotations

from crampstudy.errors import AnalysisError

MIME = "application/vnd.crampstudy.block+json"
"""The MIME type under which a notebook keeps a block for the report."""


class ReportError(AnalysisError):
    """Notebooks that ran but cannot be made into a report: a broken label, value, reference or block."""
