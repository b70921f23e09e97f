"""The claims of a ledger under all of their specifications: rows made again, by processes, kept by content."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import polars as pl

from crampstudy import cache, compute, estimates
from crampstudy.analyses.findings import together
from crampstudy.analyses.kept import software
from crampstudy.analyses.multiverse.refits import RECIPES, RowRefit
from crampstudy.analyses.others import Others
from crampstudy.analyses.sections.nutrition import ANALYSIS as NUTRITION
from crampstudy.analyses.settings import Settings
from crampstudy.claims import CLAIM_ROWS, ClaimPart, ClaimRow, LedgerEntry, ledger, part_of
from crampstudy.claims.claim import records
from crampstudy.claims.rules import NOT_TESTABLE, ClaimVerdict
from crampstudy.claims.specifications import (
    AS_SECTION,
    ClaimMultiverse,
    Specification,
    SpecifiedPart,
    of_claim,
    recipe,
    setting,
    specifications,
    testable,
)
from crampstudy.cohort import Cohort
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.nights.completeness import coverage
from crampstudy.progress import track

KIND = "multiverse"
"""Of the cache."""
Sections = Callable[[Cohort, Settings, Sequence[str]], Others]
"""How the sections of a cohort are run that have no recipe of their own."""
_PARTICIPANTS, _LOGGING = "participants", "logging"
_AT_ONCE = 6
"""Rows of one task: enough that what a cohort is asked once is asked for several, few enough to share them evenly."""


@dataclass(frozen=True, slots=True)
class _Task:
    """Rows of a recipe to be made again in one part of a cohort, in every specification that has this part."""

    recipe: str
    part: Specification
    rows: tuple[ClaimRow, ...]


@dataclass(frozen=True, slots=True)
class _Answer:
    """A row of a claim, by its ``place`` in the table, under a specification: what it says, or ``why`` not."""

    place: int
    specification: Specification
    row: Mapping[str, Any] | None
    verdict: ClaimVerdict
    why: str = ""

    @classmethod
    def of(cls, asked: ClaimRow, one: Specification, part: ClaimPart, lacking: str) -> _Answer:
        """Return the answer of a part; where there is no row ``lacking`` is why."""
        row = part.row
        why = "" if part.verdict != NOT_TESTABLE else lacking if row is None else str(row["note"] or row["status"])
        return cls(CLAIM_ROWS.index(asked), one, row, part.verdict, why)


def multiverse(
    entries: Sequence[LedgerEntry],
    cohort: Cohort,
    settings: Settings,
    *,
    sections: Sections,
    place: cache.Cache | None = None,
    workers: compute.Workers = 1,
) -> tuple[ClaimMultiverse, ...]:
    """Return each testable claim of a ledger under its specifications, in the order of the ledger.

    Args:
        entries: the ledger of the cohort.
        cohort: a diary or a survey.
        settings: those of the ledger.
        sections: how sections are run, of the rows that have no model of one exposure.
        place: where results are kept under a key of the cohort, the settings, the specifications and the code; by
            default nowhere.
        workers: processes that share the work, or the address of a cluster.
    """
    asked = [entry for entry in entries if testable(entry)]
    tasks = list(_tasks(asked, cohort.kind))
    settings = replace(settings, where=None, plan=None, multiverse=False)
    key = cache.key_of(KIND, settings, cohort.content, tasks, *software())
    kept = place.get(KIND, key) if place else None
    if kept is None:
        made = compute.map(partial(_answers, cohort, settings, sections), tasks, workers=workers)
        answers = [answer for several in track(made, "specifications", len(tasks)) for answer in several]
        kept = _packed(answers)
        if place:
            place.put(KIND, key, kept)
    by_row: dict[ClaimRow, list[SpecifiedPart]] = {}
    for answer in [*_as_they_are(asked, cohort.kind), *_unpacked(kept)]:
        of = CLAIM_ROWS[answer.place]
        part = ClaimPart(of, answer.row, answer.verdict)
        by_row.setdefault(of, []).append(SpecifiedPart(answer.specification, part, answer.why))
    return tuple(of_claim(entry, cohort.kind, by_row) for entry in asked)


def _tasks(entries: Sequence[LedgerEntry], kind: str) -> Iterator[_Task]:
    """Yield what is to be made again; a row that several claims have is made once."""
    by_recipe: dict[str, dict[ClaimRow, None]] = {}
    for entry in entries:
        for part in entry.parts:
            by_recipe.setdefault(recipe(part.of), {})[part.of] = None
    for name, rows in by_recipe.items():
        parts = list(dict.fromkeys(_part(each) for each in specifications([name], kind)))
        every, size = list(rows), _AT_ONCE
        if name == AS_SECTION:
            # All at once, as they share sections; those of the whole cohort are there.
            size, (_, *parts) = len(rows), parts
        for first in range(0, len(every), size):
            yield from (_Task(name, part, tuple(every[first : first + size])) for part in parts)


def _as_they_are(entries: Sequence[LedgerEntry], kind: str) -> Iterator[_Answer]:
    """Yield the rows of sections as the ledger has them: under the first choices they are what the section made."""
    first = next(specifications([AS_SECTION], kind))
    parts = {part.of: part for entry in entries for part in entry.parts if recipe(part.of) == AS_SECTION}
    yield from (_Answer.of(of, first, part, "") for of, part in parts.items())


def _part(one: Specification) -> Specification:
    """Return what of a specification says whose nights are taken."""
    return tuple(each for each in one if each[0] in (_PARTICIPANTS, _LOGGING))


def _answers(cohort: Cohort, settings: Settings, sections: Sections, task: _Task) -> list[_Answer]:
    """Return the rows of a task under each of its specifications."""
    chosen = setting(task.recipe, cohort.kind, task.part)
    every = [one for one in specifications([task.recipe], cohort.kind) if _part(one) == task.part]
    try:
        inside = logged(cohort, chosen.get(_LOGGING, ""))
    except AnalysisError as problem:
        return [_Answer.of(of, one, part_of(of, []), str(problem)) for of in task.rows for one in every]
    bands = _bands(settings, chosen[_PARTICIPANTS])
    if task.recipe == AS_SECTION:
        return _of_sections(inside, bands, sections, task)
    asked = {
        "where": bands.old_enough(inside),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
    }
    return [_answer(inside, bands, of, task.recipe, one, asked) for of in task.rows for one in every]


def _answer(
    cohort: Cohort, settings: Settings, of: ClaimRow, name: str, one: Specification, asked: Mapping[str, Any]
) -> _Answer:
    graph = settings.graph if of.section == NUTRITION.name else None
    refit = RowRefit(cohort, of, setting(name, cohort.kind, one), asked, graph)
    try:
        rows = records(RECIPES[name](refit))
    except (AnalysisError, UsageError) as problem:
        return _Answer.of(of, one, part_of(of, []), str(problem))
    notes = [str(row["note"]) for row in rows if row["term"] == of.term and row["note"]]
    return _Answer.of(of, one, part_of(of, rows), next(iter(notes), "the model has no such row"))


def _of_sections(cohort: Cohort, settings: Settings, sections: Sections, task: _Task) -> list[_Answer]:
    """Return the rows of sections that are made anew in a part of the cohort."""
    found = {
        name: each.estimates
        for name, each in sections(cohort, settings, sorted({of.section for of in task.rows})).items()
    }
    # The ledger knows of a peak whether there is a cycle.
    every = ledger(found, cohort.kind, hemisphere=settings.hemisphere)
    judged = {part.of: part for entry in every for part in entry.parts}
    parts = {of: judged.get(of) or part_of(of, records(found[of.section])) for of in task.rows}
    return [_Answer.of(of, task.part, part, f"the section {of.section} has no such row") for of, part in parts.items()]


def logged(cohort: Cohort, how: str) -> Cohort:
    """Return a diary of those who logged a ``share`` of their nights, or without the first nights that are to ``skip``.

    What the setting is of, and its number, are its two words; without any the cohort is as it is.

    Raises:
        AnalysisError: no night is left.
    """
    what, _, number = how.partition(" ")
    if not what:
        return cohort
    if what == "share":
        seen = coverage(cohort).filter(pl.col("nights_observed") >= float(number) * pl.col("nights_expected"))
        kept = seen.filter(pl.col("nights_expected") > 0).select("participant_id")
        if kept.is_empty():
            raise AnalysisError(f"nobody logged {100 * float(number):.0f}% of the nights")
        tables = {name: table.join(kept, on="participant_id", how="semi") for name, table in cohort.tables.items()}
        return replace(cohort, tables=tables)
    nights = cohort.frame("diary").select("participant_id", "date")
    first = nights.group_by("participant_id").agg(begun=pl.col("date").min())
    later = (pl.col("date") - pl.col("begun")).dt.total_days() >= int(number)
    tables = {
        name: table.join(first, on="participant_id", how="left").filter(later).drop("begun")
        for name, table in cohort.tables.items()
        if name in ("diary", "episodes")
    }
    if tables["diary"].is_empty():
        raise AnalysisError(f"nobody has a night after the first {number}")
    return replace(cohort, tables={**cohort.tables, **tables})


def _bands(settings: Settings, from_age: str) -> Settings:
    """Return settings whose first age band begins at an age; without one they stay as they are."""
    if not from_age:
        return settings
    limits = [limit for limit in settings.age_bands if limit > int(from_age)]
    return replace(settings, age_bands=(int(from_age), *limits))


def _packed(answers: Sequence[_Answer]) -> bytes:
    rows = together([estimates.frame([each.row for each in answers if each.row])])
    told_of = [[each.place, each.specification, each.row is not None, each.verdict, each.why] for each in answers]
    return json.dumps([told_of, estimates.to_csv(rows)], ensure_ascii=False).encode()


def _unpacked(content: bytes) -> Iterator[_Answer]:
    told_of, text = json.loads(content)
    rows: Iterator[Any] = iter(records(estimates.from_csv(text)))
    for place, one, there, verdict, why in told_of:
        specification = tuple((name, choice) for name, choice in one)
        yield _Answer(place, specification, next(rows) if there else None, verdict, why)
