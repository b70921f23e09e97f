"""What is recorded of a report that was made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crampstudy.provenance import Origin, Record, digests
from crampstudy.report import warm
from crampstudy.report.assembly.plan import DocumentPlan
from crampstudy.report.assembly.subject import Subject


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
        ingredients=ingredients(plan),
        platform=digests.python(),
        packages=digests.packages(),
        settled=warm.PINNED,
        outputs={name: digests.sha256(content) for name, content in sorted(outputs.items())},
        sizes={name: len(content) for name, content in outputs.items()},
    )


def ingredients(plan: DocumentPlan) -> dict[str, str]:
    """Return the digests of what a report is made of beside its data and its parameters."""
    notebooks = plan.outline.notebooks
    found = {f"notebook {path.stem}": digests.of_file(path) for path in notebooks}
    if plan.outline_file is not None:
        found["outline"] = digests.of_file(plan.outline_file)
    # The lock of a project lies beside the folder of its notebooks.
    return found | digests.package_parts() | digests.of_locks(notebooks[0].parent.parent)
