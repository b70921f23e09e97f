"""What is recorded of a report that was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crampstudy.provenance import Origin, Record, digests
from crampstudy.report import warm
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.freshness import ingredients

if TYPE_CHECKING:
    from crampstudy.report.assembly.make import DocumentPlan


def record(
    plan: DocumentPlan, subject: Subject, origin: Origin, effective: Mapping[str, Any], outputs: Mapping[str, bytes]
) -> Record:
    """Return the record of a report.

    Args:
        plan: what was run.
        subject: what it is of.
        origin: its source.
        effective: name to value of the parameters, defaults with them.
        outputs: file name to content.
    """
    return Record(
        title=plan.outline.title,
        version=digests.version(),
        date_of_data=max(cohort.date_of_data for cohort in subject.cohorts).isoformat(),
        origin=origin,
        sources=subject.portable,
        cohorts=subject.records,
        parameters=dict(effective),
        ingredients=ingredients(plan.outline.notebooks, plan.outline_file),
        platform=digests.python(),
        packages=digests.packages(),
        settled=warm.PINNED,
        outputs={name: digests.sha256(content) for name, content in sorted(outputs.items())},
        sizes={name: len(content) for name, content in outputs.items()},
    )
