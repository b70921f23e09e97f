"""Files of any layout become the tables of a cohort, as a mapping says, and every conversion is said."""

from __future__ import annotations

from crampstudy.sources.readers.mapped.reader import read

__all__ = ["read"]
