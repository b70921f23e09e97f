"""What is recorded of a report that was made."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crampstudy.provenance import Origin, Record, digests
from crampstudy.report import warm
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.freshness import VARIABLES, ingredients

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
    dated = {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}
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
        settled=warm.PINNED | dated,
        outputs={name: digests.sha256(content) for name, content in sorted(outputs.items())},
        sizes={name: len(content) for name, content in outputs.items()},
    )
