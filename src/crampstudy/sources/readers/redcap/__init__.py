"""REDCap exports (CSV, raw or labelled) as tables: one per repeating instrument, and the participants.

The project's dictionary says what each field is: the package's own (an instrument per table, from
``dictionary/redcap.csv``) unless another is given. Column names and layout follow REDCap's data export.
"""

from __future__ import annotations

from crampstudy.sources.readers.redcap.reader import read

__all__ = ["read"]
