"""What stands on the first page of a report, and the counts of its ledger."""

from __future__ import annotations

import csv
import datetime
import io
import os
from collections.abc import Mapping
from typing import Any

from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.report import provenance, typeset
from crampstudy.report.outline import Outline
from crampstudy.wording import counted


def front_matter(
    outline: Outline, cohort: Cohort, effective: Mapping[str, Any], meanings: Mapping[str, str]
) -> typeset.Front:
    """Return the first page: what the cohort is, and the ``effective`` value of each parameter with its meaning."""
    day = source_date() or cohort.date_of_data
    people = cohort.frame("participants").height
    nights = cohort.frame("diary")["cramps"].count()
    size = counted(people, "participants") + (
        f", {counted(nights, 'observed nights')}" if cohort.kind == "diary" else ""
    )
    cycles = f", cycles {', '.join(cohort.design.cycles)}" if cohort.design and cohort.design.cycles else ""
    facts = (
        ("Cohort", cohort.heading),
        ("Kind", f"{cohort.kind}{cycles}{', synthetic' if cohort.synthetic else ''}"),
        ("Size", size),
        ("Date", f"{day.day} {day:%B %Y}"),
        ("Digest (SHA-256)", cohort.digest),
        ("Version", f"crampstudy {provenance.version()}"),
    )
    parameters = tuple((name, _as_text(value), meanings[name]) for name, value in effective.items())
    return typeset.Front(outline.title, cohort.heading, day, provenance.version(), facts, parameters)


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(_as_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)


def source_date() -> datetime.date | None:
    """Return the date that SOURCE_DATE_EPOCH gives, if it is set.

    Raises:
        UsageError: it is no number of seconds.
    """
    text = os.environ.get("SOURCE_DATE_EPOCH")
    if not text:
        return None
    try:
        return datetime.datetime.fromtimestamp(int(text), datetime.UTC).date()
    except (ValueError, OverflowError, OSError) as problem:
        raise UsageError(f"SOURCE_DATE_EPOCH={text!r}: give whole seconds since 1970, or unset it") from problem


def ledger_counts(cohort: Cohort) -> bytes:
    """Return how often each rule spoke, as CSV."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("rule", "severity", "n"))
    writer.writerows((count.rule, count.severity, count.n) for count in cohort.attrition.rules)
    return text.getvalue().encode()
