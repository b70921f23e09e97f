"""What stands on the first page of a report, and the counts of its ledger."""

from __future__ import annotations

import csv
import datetime
import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crampstudy import wording
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.provenance.digests import version
from crampstudy.report.assembly.subject import Subject
from crampstudy.report.outline import Outline
from crampstudy.wording import counted

if TYPE_CHECKING:
    from crampstudy.report import typeset


def front_matter(
    outline: Outline, subject: Subject, effective: Mapping[str, Any], meanings: Mapping[str, str]
) -> typeset.Front:
    """Return the first page: what each cohort is, and the ``effective`` value of each parameter with its meaning.

    A report bears the title of its data. It is dated only where ``SOURCE_DATE_EPOCH`` says when it was made: the same
    data would else give another file every day.
    """
    from crampstudy.report import typeset

    last = max(cohort.date_of_data for cohort in subject.cohorts)
    made = source_date()
    facts = (
        *(fact for cohort in subject.cohorts for fact in _of_cohort(cohort)),
        ("Data to", _day(last)),
        ("Report made", _day(made) if made else "not dated, so that the same data give the same file"),
        *(fact for cohort in subject.cohorts for fact in _digest(cohort, alone=len(subject.cohorts) == 1)),
        ("Version", f"crampstudy {version()}"),
    )
    parameters = tuple((name, _as_text(value), meanings[name]) for name, value in effective.items())
    title, subtitle = subject.heading, outline.title
    synthetic = _synthetic(subject.cohorts)
    return typeset.Front(title, subtitle, made or last, version(), facts, parameters, synthetic)


def _day(day: datetime.date) -> str:
    return f"{day.day} {day:%B %Y}"


def _synthetic(cohorts: Sequence[Cohort]) -> str:
    """Return what every page says of data that nobody lived through, nothing where there are none."""
    drawn = [cohort.heading for cohort in cohorts if cohort.synthetic]
    if not drawn:
        return ""
    return "Synthetic data" if len(drawn) == len(cohorts) else f"Synthetic data: {wording.listed(drawn)}"


def _of_cohort(cohort: Cohort) -> tuple[tuple[str, str], ...]:
    people = cohort.frame("participants").height
    nights = cohort.frame("diary")["cramps"].count()
    size = counted(people, "participants") + (
        f", {counted(nights, 'observed nights')}" if cohort.kind == "diary" else ""
    )
    cycles = f", cycles {', '.join(cohort.design.cycles)}" if cohort.design and cohort.design.cycles else ""
    kind = f"{cohort.kind}{cycles}{', synthetic' if cohort.synthetic else ''}"
    credits = {
        "Authors": cohort.credits.authors,
        "Source": cohort.credits.sources,
        "Licence": cohort.credits.licences,
    }
    stated = tuple((name, "; ".join(texts)) for name, texts in credits.items() if texts)
    return ("Cohort", cohort.heading), *stated, ("Kind", kind), ("Size", size)


def _digest(cohort: Cohort, *, alone: bool) -> tuple[tuple[str, str], ...]:
    return (("Digest (SHA-256)" if alone else f"Digest of {cohort.heading}", cohort.digest),)


def _as_text(value: object) -> str:
    if isinstance(value, list) and value:
        return ", ".join(map(_as_text, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value in (None, "", []) else str(value)


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


def ledger_counts(cohorts: Sequence[Cohort]) -> bytes:
    """Return how often each rule was broken, as CSV; of several cohorts each has its rows."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    several = len(cohorts) > 1
    writer.writerow((*(["cohort"] if several else []), "rule", "severity", "n"))
    for cohort in cohorts:
        first = [cohort.name] if several else []
        writer.writerows((*first, count.rule, count.severity, count.n) for count in cohort.attrition.rules)
    return text.getvalue().encode()
