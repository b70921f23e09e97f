"""NHANES as published: one folder of tables becomes the participants of a survey cohort.

Reads the publisher's transport files (``DEMO_D.XPT``) or the same tables as CSV, plain or compressed
(``DEMO_D.csv.xz``). Everybody in DEMO is kept, since domains of a survey are never subsets. The recalled
class stays an interval of counts and never becomes nights.
"""

from __future__ import annotations

from crampstudy.sources.readers.nhanes.reader import read

__all__ = ["read"]
