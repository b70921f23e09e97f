"""Where a report comes from: what went in and what came out, told by digests, as a Process Run Crate."""

from crampstudy.provenance.crate import MANIFEST, Unrecorded, read, write
from crampstudy.provenance.folder import foreign, is_report, report_above
from crampstudy.provenance.record import CohortRecord, Origin, Record

__all__ = [
    "MANIFEST",
    "CohortRecord",
    "Origin",
    "Record",
    "Unrecorded",
    "foreign",
    "is_report",
    "read",
    "report_above",
    "write",
]
