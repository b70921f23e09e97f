"""What stands on the first page of a report, and the counts of its ledger."""

from __future__ import annotations

import csv
import datetime
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crampstudy import wording
from crampstudy.cohort import Cohort
from crampstudy.errors import UsageError
from crampstudy.nights import members
from crampstudy.provenance.digests import version
from crampstudy.report.assembly.subject import Subject, with_name
from crampstudy.report.outline import Outline
from crampstudy.wording import counted

if TYPE_CHECKING:
    from crampstudy.report import typeset


def front_matter(
    outline: Outline, subject: Subject, effective: Mapping[str, Any], meanings: Mapping[str, str]
) -> typeset.Front:
    """Return the first page: what each cohort is, and the ``effective`` value of each parameter with its meaning.

    A report bears the title of its data, and is dated only where ``SOURCE_DATE_EPOCH`` says when it was made: the same
    data would else give another file every day.
    """
    from crampstudy.report import typeset

    last = max(cohort.date_of_data for cohort in subject.cohorts)
    made = source_date()
    facts = (
        *_of_cohorts(subject),
        ("Data to", wording.day(last)),
        ("Report made", wording.day(made) if made else "not dated, so that the same data give the same file"),
        *(fact for cohort in subject.cohorts for fact in _digest(cohort, alone=len(subject.cohorts) == 1)),
        ("Version", f"crampstudy {version()}"),
    )
    stated = {name: (value, _STATED[name]) for name, value in subject.stated.items()}
    every = stated | {name: (value, meanings[name]) for name, value in effective.items()}
    parameters = tuple((name, _as_text(value), meaning) for name, (value, meaning) in every.items())
    title, subtitle = _title(subject), outline.title
    synthetic = _synthetic(subject.cohorts)
    return typeset.Front(title, subtitle, made or last, version(), facts, parameters, synthetic)


_STATED = {
    "unlogged": "zero: nights without a row, inside a window, were nights without a cramp",
    "observed_from": "the first night, for participants without a diary_start",
    "observed_to": "the last night, for participants without a diary_end",
    "case_definition": "which cramps count: those that meet all its criteria",
}
"""What a source may say beside its files; a report that is made again has to say it too."""


def _title(subject: Subject) -> str:
    """Return the title of a report, with a capital unless it begins with a name that is no word, such as nhanes-E."""
    heading = subject.heading
    every = (*subject.cohorts, *subject.opened.values())
    # A heading may be the name of a folder.
    names = [*(cohort.name for cohort in every), *(cohort.heading for cohort in every if " " not in cohort.heading)]
    coined = tuple(name for name in names if not name.isalpha())
    return heading if heading.startswith(coined) else wording.capital(heading)


def _synthetic(cohorts: Sequence[Cohort]) -> str:
    """Return what every page says of data that nobody lived through, nothing where there are none."""
    drawn = [cohort.heading for cohort in cohorts if cohort.synthetic]
    if not drawn:
        return ""
    return "Synthetic data" if len(drawn) == len(cohorts) else f"Synthetic data: {wording.listed(drawn)}"


def _of_cohorts(subject: Subject) -> Iterator[tuple[str, str]]:
    """Yield the facts on each cohort; what is the same of several, such as their authors, stands once, below them."""
    cohorts = subject.cohorts
    stated = [_credits(cohort, subject.heading) for cohort in cohorts]
    shared = set.intersection(*map(set, stated)) if len(cohorts) > 1 else set()
    for cohort, inside, own in zip(cohorts, subject.analysed or cohorts, stated, strict=True):
        yield "Cohort", cohort.heading if len(cohorts) == 1 else with_name(cohort)
        yield from (fact for fact in own if fact not in shared)
        yield "Kind", _kind(cohort)
        part = "" if inside is cohort else f"{_size(inside) if inside else 'nobody'}, of "
        yield "Size", f"{part}{_size(cohort)}"
    yield from (fact for fact in stated[0] if fact in shared)


def _credits(cohort: Cohort, heading: str) -> list[tuple[str, str]]:
    """Return whose data a cohort is, with their title where the heading of the report has not got it."""
    own = cohort.credits
    title = (own.title,) if own.title and own.title not in heading else ()
    stated = {"Title": title, "Authors": own.authors, "Source": own.sources, "Licence": own.licences}
    return [(name, "; ".join(texts)) for name, texts in stated.items() if texts]


def _kind(cohort: Cohort) -> str:
    cycles = cohort.design.cycles if cohort.design else ()
    of = f", {'cycle' if len(cycles) == 1 else 'cycles'} {', '.join(cycles)}" if cycles else ""
    return f"{cohort.kind}{of}{', synthetic' if cohort.synthetic else ''}"


def _size(cohort: Cohort) -> str:
    people = counted(members(cohort).height, "participants")
    if cohort.kind != "diary":
        return people
    return f"{people}, {counted(cohort.frame('diary')['cramps'].count(), 'observed nights')}"


def _digest(cohort: Cohort, *, alone: bool) -> tuple[tuple[str, str], ...]:
    return (("Digest (SHA-256)" if alone else f"Digest of {cohort.name}", cohort.digest),)


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
        # Of all tables together.
        numbers: Counter[tuple[str, str]] = Counter()
        for count in cohort.attrition.rules:
            numbers[count.rule, count.severity] += count.n
        writer.writerows((*first, *rule, n) for rule, n in numbers.items())
    return text.getvalue().encode()
