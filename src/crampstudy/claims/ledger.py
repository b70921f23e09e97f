"""The ledger: every claim held against the rows that the sections of a report made; nothing here is fitted."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from crampstudy import wording
from crampstudy.claims import power, rules
from crampstudy.claims.claim import CITATION, SEASON, Claim, ClaimRow, Row, claims, records
from crampstudy.claims.published import Published, published
from crampstudy.claims.rules import ClaimVerdict
from crampstudy.contrasts.multiplicity import adjusted
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.absent import SET_ASIDE
from crampstudy.estimates.facts import fact
from crampstudy.estimates.reliability import why_poor
from crampstudy.estimates.verdicts import MARGINS, Margins
from crampstudy.nights.calendar import Hemisphere

Found = Mapping[str, pd.DataFrame]
"""Estimates by the name of the section that made them."""
_Records = Mapping[str, Sequence[Row]]
NOT_MEASURED = "not measured"
"""Why there is no row where what a part of a claim needs was not measured."""


@dataclass(frozen=True, slots=True)
class ClaimPart:
    """What answers one part of a claim: the row that was taken, ``None`` where there is none, and its own verdict.

    ``needs`` are the columns that would give one, any of them. Without a row ``why`` is the reason, and ``had`` says
    that what it needs was recorded. ``difference`` is that of the same contrast in cramps a week, which a verdict on a
    ratio is read with.
    """

    of: ClaimRow
    row: Row | None
    verdict: ClaimVerdict
    needs: tuple[str, ...] = ()
    why: str = ""
    difference: Row | None = None
    had: bool = False


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A claim and what this cohort says of it.

    Args:
        claim: what is claimed.
        verdict: on the claim as a whole.
        parts: what answers each of its parts, those that have a verdict of their own.
        beside: rows that stand beside them.
        published: what was published.
        p_value: the largest of its parts.
        p_holm: that adjusted for the other claims that the same section answers.
        family: how many claims these are, itself included.
    """

    claim: Claim
    verdict: ClaimVerdict
    parts: tuple[ClaimPart, ...]
    beside: tuple[ClaimPart, ...]
    published: Published
    p_value: float | None = None
    p_holm: float | None = None
    family: int = 0

    @property
    def deciding(self) -> ClaimPart | None:
        """The part whose row is shown: the first of the verdict of the whole, else the first that there is."""
        every = (*self.parts, *self.beside)
        return next((part for part in every if part.verdict == self.verdict), next(iter(every), None))

    @property
    def told(self) -> tuple[ClaimPart, ...]:
        """The parts of which something is told: those with a verdict, else what stands beside them.

        Where none of the former could be tested, what stands beside and came to another end is told as well.
        """
        if not self.parts or any(part.verdict != rules.NOT_TESTABLE for part in self.parts):
            return self.parts or self.beside
        ends = {_end(part) for part in self.parts}
        return (*self.parts, *(part for part in self.beside if part.why != NOT_MEASURED and _end(part) not in ends))

    @property
    def chances(self) -> power.Chances | None:
        """The probability of each verdict of the row that is shown, by truth."""
        part = self.deciding
        judged = part is not None and part.row is not None and part.of.side and not rules.unjudged(part.row)
        return (
            power.chances(part.row, part.of.side, difference=part.difference) if part and part.row and judged else None
        )

    @property
    def parted(self) -> bool:
        """Whether cohort and literature part: one supports the claim, the other contradicts it."""
        return {self.supports, _SIGNS.get(self.published.verdict)} == {True, False}

    @property
    def supports(self) -> bool | None:
        """Whether the cohort supports the claim, ``None`` where it neither supports nor contradicts it."""
        return _SIGNS.get(self.verdict)


def _end(part: ClaimPart) -> str | None:
    """Return why a part has no number, ``None`` where it has one."""
    if part.row is None:
        return part.why
    return None if rules.estimated(part.row) else str(part.row["note"] or part.row["status"])


_SIGNS: Mapping[str, bool] = {rules.SUPPORTED: True, rules.NEGLIGIBLE: True, rules.CONTRADICTED: False}


@dataclass(frozen=True, slots=True)
class _Known:
    """The columns with a value as ``table.column``, and the variables of which cleaning left none, with the rules."""

    columns: frozenset[str]
    set_aside: Mapping[str, str]

    def lacking(self, needs: Sequence[str]) -> tuple[str, ...]:
        """Return what each of the alternatives has no value of, nothing where one of them has all that it needs."""
        without = [[name for name in each.split(" and ") if name not in self.columns] for each in needs]
        return tuple(" and ".join(names) for names in without) if all(without) else ()


def ledger(
    found: Found,
    kind: str,
    *,
    measured: Collection[str] | None = None,
    set_aside: Mapping[str, str] | None = None,
    hemisphere: Hemisphere = "north",
    margins: Margins = MARGINS,
) -> tuple[LedgerEntry, ...]:
    """Return every claim of the article with the verdict that the rows give, in the article's order.

    Args:
        found: the estimates by section; of a section that is not there no claim can be tested.
        kind: that of the cohort, ``diary`` or ``survey``.
        measured: the columns with a value as ``table.column``, by which a row that is not there for want of one is told
            from one that is not there for another reason; by default not known.
        set_aside: the variables of which cleaning left no value, each with how many were set aside by which rule.
        hemisphere: which months are winter.
        margins: between which a ratio is as good as 1.
    """
    rows = {section: records(estimates) for section, estimates in found.items()}
    known = None if measured is None else _Known(frozenset(measured), set_aside or {})
    entries = [_entry(claim, rows, kind, known, hemisphere=hemisphere, margins=margins) for claim in claims()]
    return tuple(_with_families(entries))


def _entry(
    claim: Claim,
    rows: _Records,
    kind: str,
    measured: _Known | None,
    *,
    hemisphere: Hemisphere,
    margins: Margins,
) -> LedgerEntry:
    """Return one claim; the arguments are those of :func:`ledger`.

    Args:
        claim: the claim.
        rows: the rows that may answer claims, by section.
        kind: that of the cohort.
        measured: which columns have a value and which have none left, ``None`` where that is not known.
        hemisphere: which months are winter.
        margins: between which a ratio is as good as 1.
    """
    found = (_unless_chosen(part, rows) for part in _parts(claim, rows, kind, margins))
    every = [_with_reason(part, rows, measured) for part in found]
    parts = [part for part in every if part.of.side]
    beside = [part for part in every if not part.of.side]
    if claim.rule == SEASON:
        parts = [_of_season(part, beside, hemisphere, margins) for part in parts]
    verdict = rules.of_parts(part.verdict for part in parts)
    if claim.rule == CITATION:
        verdict = rules.CONTRADICTED if claim.judged == rules.CONTRADICTED else rules.SUPPORTED
    elif beside and not parts:
        # A row that says why there is no level states none.
        verdict = rules.NOT_TESTABLE if all(part.verdict == rules.NOT_TESTABLE for part in beside) else rules.STATED
    return LedgerEntry(claim, verdict, tuple(parts), tuple(beside), published(claim))


def _parts(claim: Claim, found: _Records, kind: str, margins: Margins) -> Iterator[ClaimPart]:
    """Yield what answers each part: of rows that stand for each other the first that was estimated."""
    by_part: dict[tuple[str, bool], list[ClaimRow]] = {}
    for row in claim.rows(kind):
        by_part.setdefault((row.part, bool(row.side)), []).append(row)
    for rows in by_part.values():
        made = [part_of(row, found.get(row.section, ()), margins) for row in rows]
        # What was measured and could not be told says more than that another thing was not measured, or not taken.
        taken = min(made, key=_how_far)
        yield replace(taken, needs=tuple(dict.fromkeys(row.needs for row in rows)))


def _how_far(part: ClaimPart) -> int:
    """Return how far rows that stand for each other came: estimated, could not be told, not measured, not there."""
    if part.row is None:
        return 1 if part.why else 3
    return 0 if rules.estimated(part.row) else 2 if part.row["status"] == "not_measured" else 1


def _unless_chosen(part: ClaimPart, found: _Records) -> ClaimPart:
    """Return a part, of a share of people at large without its row where people were chosen for their cramps."""
    if not part.of.at_large or part.verdict == rules.NOT_TESTABLE:
        return part
    signs = (row for row in found.get(part.of.section, ()) if row["analysis"] == kinds.CHOSEN.name)
    sign = next(signs, None)
    if sign is None:
        return part
    why = f"{sign['note']}, which tells nothing of how common they are among people at large"
    return ClaimPart(part.of, None, rules.NOT_TESTABLE, why=why)


def _with_reason(part: ClaimPart, found: _Records, measured: _Known | None) -> ClaimPart:
    """Return a part, of one without a row with the reason why there is none."""
    if part.row is not None and (rules_broken := fact(part.row, SET_ASIDE)):
        whose = fact(part.row, "needs") or str(part.row["term"])
        return _lost(part, {whose: rules_broken})
    if part.row is not None or part.why:
        return part
    if measured is not None and part.needs and (lacking := measured.lacking(part.needs)):
        return _unmeasured(part, lacking, measured)
    if part.of.section not in found:
        return replace(part, why=f"this report does not have the section {part.of.section}")
    groups = {str(row["population"]) for row in found.get(part.of.section, ()) if row["analysis"] == part.of.analysis}
    if groups and part.of.population.endswith("+") and part.of.population not in groups:
        of_whom = f"people aged {part.of.population.removesuffix('+')} and older"
        return replace(part, why=f"the age bands form no group of {of_whom}")
    if part.of.level and any(part.of.means(row) for row in found.get(part.of.section, ())):
        if any(part.of.means(row) and row["reference"] == part.of.level for row in found.get(part.of.section, ())):
            return replace(part, why="nobody has none, so that the others stand against it")
        # A contrast of a number is not made beyond the values observed; anything else is what somebody has or not.
        beyond = f"no value near {part.of.level} was observed"
        return replace(part, why=beyond if part.of.level.isdecimal() else "nobody whose data could be used had it")
    return replace(part, why=f"the section {part.of.section} has no such row", had=measured is not None)


def _unmeasured(part: ClaimPart, lacking: Sequence[str], known: _Known) -> ClaimPart:
    """Return a part for which columns have no value: they were never recorded, or cleaning set all values aside."""
    for needed in lacking:
        names = [column.partition(".")[2] for column in needed.split(" and ")]
        if all(name in known.set_aside for name in names):
            return _lost(part, {name: known.set_aside[name] for name in names})
    return replace(part, why=NOT_MEASURED, needs=tuple(lacking))


def _lost(part: ClaimPart, names: Mapping[str, str]) -> ClaimPart:
    """Return a part without a row, for cleaning left no value of variables, each with by which rules."""
    whose = wording.listed(f"{wording.small(wording.term(name))} ({said})" for name, said in names.items())
    return replace(part, row=None, why=f"every value was set aside in cleaning of {whose}", had=True)


def part_of(of: ClaimRow, rows: Sequence[Row], margins: Margins = MARGINS) -> ClaimPart:
    """Return what the ``rows`` of its section, or of a model of its own, say of a row of a claim."""
    row = of.among(rows)
    if row is None:
        return ClaimPart(of, None, rules.NOT_TESTABLE)
    if against := _other_reference(row):
        return ClaimPart(of, None, rules.NOT_TESTABLE, why=f"nobody has none, so that it stands against {against}")
    if rules.unjudged(row) and (why := verdicts.why_beyond(row) or why_poor(row)):
        # The line of a model far from anything observed is no answer of the cohort, nor is a mean that tells nothing.
        return ClaimPart(of, None, rules.NOT_TESTABLE, why=why)
    if not of.side or of.side == rules.WINTER_PEAK:
        return ClaimPart(of, row, rules.STATED if rules.estimated(row) else rules.NOT_TESTABLE)
    beside = verdicts.difference_beside(row, rows)
    verdict = rules.INCONCLUSIVE if rules.unjudged(row) else rules.of_row(row, of.side, margins, beside)
    return ClaimPart(of, row, verdict, difference=beside)


def _other_reference(row: Row) -> str:
    """Return the level in the place of the variable's first one, such as none, with which a row compares another."""
    known = wording.variable(str(row["term"]))
    other = known is not None and row["reference"] in known.levels[1:]
    return wording.level(str(row["reference"])) if other else ""


def _of_season(part: ClaimPart, beside: Sequence[ClaimPart], hemisphere: Hemisphere, margins: Margins) -> ClaimPart:
    if part.of.side != rules.WINTER_PEAK or part.row is None:
        return part
    cycle = next((each.row for each in beside), None)
    return replace(part, verdict=rules.of_season(part.row, cycle, hemisphere, margins))


def _with_families(entries: Sequence[LedgerEntry]) -> Iterator[LedgerEntry]:
    """Yield the entries with the p-values of a section's claims adjusted by Holm.

    A claim is one test: that of the part with the largest p-value, as it is supported only where every part is.
    """
    tests: dict[str, dict[str, float]] = {}
    for entry in entries:
        values = [part.row["p_value"] for part in entry.parts if part.row is not None]
        if values and len(values) == len(entry.parts) and all(value is not None for value in values):
            section = entry.parts[0].of.section
            tests.setdefault(section, {})[entry.claim.claim] = max(values)
    for entry in entries:
        family = tests.get(entry.parts[0].of.section, {}) if entry.parts else {}
        if entry.claim.claim not in family:
            yield entry
            continue
        holm = adjusted(list(family.values())).holm
        at = list(family).index(entry.claim.claim)
        yield replace(entry, p_value=family[entry.claim.claim], p_holm=holm[at], family=len(family))
