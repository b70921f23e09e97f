"""Why a claim has its verdict, in sentences that are computed from the rows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from crampstudy import wording
from crampstudy.claims import power, rules
from crampstudy.claims.claim import CITATION, CLAIM_ROWS, MEDIATION
from crampstudy.claims.ledger import ClaimPart, LedgerEntry
from crampstudy.claims.specifications import ClaimMultiverse
from crampstudy.estimates import verdicts
from crampstudy.estimates.facts import fact
from crampstudy.estimates.sentences import in_text
from crampstudy.nights.calendar import around

_SHARES, _DURATIONS = ("prevalence", "proportion"), ("median", "centile_90")
_OUTCOME = "the outcome"
"""How the reason of a model begins that names none."""
_NUMBER = re.compile(r"[\d.]+")


def reason(entry: LedgerEntry) -> str:
    """Return why a claim has its verdict: what its rows say, and what is to be known of that."""
    return " ".join(wording.capital(f"{text.rstrip('.')}.") for text in _reasons(entry))


def _reasons(entry: LedgerEntry) -> Iterator[str]:
    claim = entry.claim
    if claim.rule == CITATION:
        yield claim.published
        return
    if not (entry.parts or entry.beside):
        needed = " (needs participants.diabetes and participants.neuropathy)" if claim.rule == MEDIATION else ""
        yield f"{without_rows(entry)}{needed}"
    yield from _of_parts(entry)
    if claim.kind == "omission":
        yield f"the article leaves this out (what was published: {entry.published.verdict})"
    if entry.supports and entry.p_holm is not None and entry.p_holm > _alpha(entry):
        section, holm = entry.parts[0].of.section, f"Holm, {wording.p_text(entry.p_holm)}"
        yield f"not beyond chance among the {entry.family} claims that the section {section} tests ({holm})"
    if entry.verdict == rules.INCONCLUSIVE and power.foreseeable(entry.chances):
        yield f"at this size it could hardly have been otherwise, {power_words(entry)}"
    if entry.parted:
        yield f"cohort and literature disagree: {entry.verdict} here, {entry.published.verdict} by what was published"


def without_rows(entry: LedgerEntry) -> str:
    """Return why a claim has no row in a cohort of this kind."""
    if entry.claim.rule == MEDIATION:
        return _of_mediation()
    kinds = dict.fromkeys(row.kind for row in CLAIM_ROWS if row.claim == entry.claim.claim)
    return f"only a {' or a '.join(kinds)} could tell it"


def _of_mediation() -> str:
    """Return why no section tests that diabetes acts by way of neuropathy, which is asked of the study's graph."""
    from crampstudy.causal import mediated_path  # tables of claims need no graph

    path = mediated_path("diabetes", "neuropathy", "cramps")
    named = "diabetes and neuropathy"
    if path.identified:
        return f"no section estimates the indirect effect, which a mediation analysis of {named} would test"
    return f"{path.sentence}, so that a mediation analysis of {named} would give a number, and not that part"


def _alpha(entry: LedgerEntry) -> float:
    """Return the level of the test that the interval of the row is."""
    return 1 - float(next(part.row["ci_level"] for part in entry.parts if part.row is not None))


def number(entry: LedgerEntry) -> str:
    """Return the number of the row that is shown, and where its interval lies; empty where there is no row."""
    part = entry.deciding
    return f"{wording.capital(_named(entry, part))}." if part else ""


def specified(found: ClaimMultiverse) -> str:
    """Return how many specifications of a claim agree with it, how far their estimates lie apart, and what else."""
    if found.share is None:
        parts = [f"none of {len(found.every)} specifications could be made"]
    else:
        parts = [f"{found.agreeing} of {len(found.made)} specifications agree"]
        parts += [f"{n} {verdict}" for verdict, n in found.verdicts.items() if verdict != found.entry.verdict]
    if found.estimates:
        parts.append(f"estimates from {min(found.estimates):.3g} to {max(found.estimates):.3g}")
    parts += [f"{n} could not be made: {why}" for why, n in found.reasons.items()]
    return "; ".join(parts)


def power_words(entry: LedgerEntry) -> str:
    """Return how likely the claim was to be supported, were the truth large."""
    found = entry.chances
    if found is None:
        return ""
    large = found[power.BEYOND]
    told = 100 * (large[rules.SUPPORTED] + large[rules.NEGLIGIBLE])
    row = entry.deciding.row if entry.deciding else None
    truth = (
        "a difference of half as much again as the margin"
        if row and row["scale"] == verdicts.DIFFERENCE
        else f"a ratio of {power.LARGE:g}"
    )
    return f"as {truth} would be told in {told:.0f}%"


def _of_parts(entry: LedgerEntry) -> Iterator[str]:
    parts = entry.told
    if entry.verdict == rules.STATED:
        yield "no verdict of truth: " + "; ".join(_stated(part) for part in entry.beside)
    elif len(parts) == 1:
        yield _named(entry, parts[0])
    else:
        named: dict[str, list[str]] = {}
        for part in parts:
            # What stands beside the others has no verdict.
            judged = part.of.side and part.verdict != rules.NOT_TESTABLE
            said = _said(part) if part.of.side else _number_of(part)
            named.setdefault(f"{part.verdict}, {said}" if judged else said, []).append(part.of.part)
        yield from (f"{wording.listed(names)}: {text}" for text, names in named.items())


def _named(entry: LedgerEntry, part: ClaimPart) -> str:
    """Return the number of a part, with its name where the claim does not say of what it is."""
    estimated = part.row is not None and part.verdict != rules.NOT_TESTABLE
    name, said = entry.claim.part_to_name(part.of.part) if estimated else "", _said(part)
    return said if name in said else f"{name}: {said}"


def _stated(part: ClaimPart) -> str:
    without = part.row is None or not rules.estimated(part.row)
    return f"{part.of.part}{':' if without else ''} {_number_of(part)}"


def _number_of(part: ClaimPart) -> str:
    """Return the number of a part that has no verdict, or why there is none."""
    if part.row is None or not rules.estimated(part.row):
        return _missing(part)
    return f"{_scale(part.row)}{in_text(part.row)}{_unit(part.row)}"


def _said(part: ClaimPart) -> str:
    """Return the number of a part and where its interval lies."""
    if part.row is None or part.verdict == rules.NOT_TESTABLE:
        return _missing(part)
    if part.row["scale"] == "day_of_year":
        return f"{_peak(part.row)}, {_where(part)}"
    two = "ratio of two: " if part.of.of_two else ""
    said = f"{two or _scale(part.row)}{in_text(part.row)}{_unit(part.row)}, {_where(part)}"
    # Where these are too few, that is where it lies.
    rests = "" if verdicts.few_tell(part.row) else verdicts.rests_on(part.row)
    return ", and ".join(filter(None, (said, rests)))


def _peak(row: Any) -> str:
    if row["ci_low"] is None:
        return "a peak on any day"
    return wording.marked(row, around(row["estimate"], row["ci_low"], row["ci_high"]))


def missing(part: ClaimPart) -> str:
    """Return why a part has no estimate."""
    if part.row is None:
        return part.why
    note = str(part.row["note"] or str(part.row["status"]).replace("_", " "))
    # Beside a claim nothing else says which outcome it is.
    outcome = str(part.row["outcome"] or "")
    named = wording.small(wording.outcome(outcome)) if outcome else _OUTCOME
    return re.sub(rf"^{_OUTCOME}\b", named, note)


def _missing(part: ClaimPart) -> str:
    """Return why a part has no estimate, and the column that would test it."""
    told = part.needs and not part.had
    return f"{missing(part)} (needs {' or '.join(part.needs)})" if told else missing(part)


def _where(part: ClaimPart) -> str:
    """Return where the interval lies, as the rule reads it."""
    row, side = part.row or {}, part.of.side
    if side == rules.WINTER_PEAK:
        return {
            rules.SUPPORTED: "the peak lies in winter",
            rules.NEGLIGIBLE: "the peak lies in winter, of a cycle inside the margins",
            rules.CONTRADICTED: "the peak does not lie in winter",
        }.get(part.verdict, "a peak in winter can be neither told nor excluded")
    if side not in (rules.HIGHER, rules.LOWER):
        level = _level(side, row)
        if part.verdict == rules.INCONCLUSIVE:
            return (
                f"the interval is not wholly on either side of what is claimed, {level}"
                if row["ci_low"] is not None
                else "without an interval"
            )
        return (
            f"wholly {'where' if part.verdict == rules.SUPPORTED else 'outside of where'} it is claimed to be, {level}"
        )
    if rules.unjudged(row):
        return f"which has no verdict of its own: {fact(row, 'no verdict') or 'its section gave none'}"
    if part.verdict == rules.INCONCLUSIVE and verdicts.too_few(row):
        return f"which rests on too few ({_too_few(row)})"
    if row["ci_low"] is None:
        return "without an interval"
    if part.verdict == rules.INCONCLUSIVE and verdicts.widened(row, part.difference):
        return f"includes 1 and lies inside the margins of a ratio, but {verdicts.WIDER}"
    null = "0" if row["scale"] == verdicts.DIFFERENCE else "1"
    around = row["ci_low"] <= float(null) <= row["ci_high"]
    return {
        rules.SUPPORTED: "wholly on the claimed side",
        rules.NEGLIGIBLE: "on the claimed side, and inside the margins",
        rules.CONTRADICTED: f"inside the margins, and includes {null}" if around else "wholly on the other side",
    }.get(part.verdict, f"includes {null} and reaches beyond the margins")


def _too_few(row: Any) -> str:
    if row["n_exposed"] is not None and row["n_exposed"] < verdicts.FEWEST_EXPOSED:
        return wording.counted(int(row["n_exposed"]), "participants at the level")
    if tell := fact(row, verdicts.TELL):
        return wording.counted(int(tell), "participants in whom it varies and who had an event")
    if verdicts.few_tell(row):
        return verdicts.rests_on(row).removeprefix("rests on ")
    if row["df"] is not None and row["df"] < verdicts.FEWEST_DF:
        return f"{row['df']:.1f} degrees of freedom"
    if other := fact(row, verdicts.BESIDE):
        return f"its {other} does"
    return wording.counted(int(row["n_participants"]), "participants")


def _scale(row: Any) -> str:
    scale = str(row["scale"])
    return f"{scale.replace('_', ' ')} " if scale.endswith("_ratio") else ""


def _unit(row: Any) -> str:
    """Return the unit of a number that is no ratio."""
    return {**dict.fromkeys(_SHARES, "%"), **dict.fromkeys(_DURATIONS, " min")}.get(str(row["scale"]), "")


def _level(side: str, row: Any) -> str:
    """Return a level as printed: ``25–35%``, ``below 10 min``."""
    factor = 100 if row["scale"] in _SHARES else 1 / 60 if row["scale"] in _DURATIONS else 1
    numbers = _NUMBER.sub(lambda found: f"{factor * float(found[0]):g}", side)
    return f"{numbers.replace(' to ', wording.DASH)}{_unit(row)}"
