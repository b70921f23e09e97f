"""What the section on claims says in plain words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from crampstudy import wording
from crampstudy.claims import ClaimMultiverse, ClaimPlan, LedgerEntry, claims, number, power, rules
from crampstudy.claims.published import NONE_FOUND

_VERDICTS = (
    *(rules.SUPPORTED, rules.NEGLIGIBLE, rules.CONTRADICTED, rules.INCONCLUSIVE),
    *(rules.NOT_TESTABLE, rules.STATED),
)
STEADY, _LEAST = 0.9, 5
NOWHERE = "Nowhere does one support what the other contradicts."
LIMITS = (
    "A verdict is on what this cohort and the declared contrast can show: a ratio that is adjusted for what was "
    "measured is an association, and only a randomised comparison is more. A level, such as how many have cramps, "
    "depends on who took part. That a claim is contradicted says that its contrast lies elsewhere, and nothing of "
    "larger contrasts or of other people. What was published was read for each claim, mostly in abstracts, and was not "
    "searched for systematically."
)


def counted(ledger: Sequence[LedgerEntry]) -> str:
    """Return how many claims have which verdict."""
    found = Counter(entry.verdict for entry in ledger)
    said = [f"{found[verdict]} {verdict}" for verdict in _VERDICTS if found[verdict]]
    first = next((found[verdict] for verdict in _VERDICTS if found[verdict]), 0)
    are = " is " if first == 1 else " are "
    return f"Of {len(ledger)} claims and omissions, {wording.listed(said).replace(' ', are, 1)}."


def answer(ledger: Sequence[LedgerEntry]) -> str:
    """Return how many claims have which verdict, and which what was published contradicts."""
    against = [entry.claim.claim for entry in ledger if entry.published.verdict == rules.CONTRADICTED]
    return f"{counted(ledger)} What was published contradicts {wording.listed(against)}."


def specifications(found: Sequence[ClaimMultiverse] | None) -> str:
    """Return how many claims keep their verdict under other specifications, and which least."""
    if found is None:
        return (
            "Under other specifications claims are tested where that is asked for, which takes minutes (the parameter "
            "multiverse, or crampstudy claims --multiverse)."
        )
    known = sorted((each for each in found if each.share is not None), key=lambda each: each.share or 0)
    if not known:
        return "No claim could be tested under another specification."
    n = sum(len(each.every) for each in found)
    steady = sum((each.share or 0) >= STEADY for each in known)
    least = [
        f"{each.entry.claim.claim} ({100 * (each.share or 0):.0f}%)" for each in known if (each.share or 0) < STEADY
    ]
    lacking = n - sum(len(each.made) for each in found)
    said = [
        f"of {n:,} specifications of {wording.counted(len(found), 'claims')} {lacking:,} could not be made",
        f"{steady} of {len(known)} have the same verdict under at least {100 * STEADY:.0f}% of theirs",
        *([f"verdicts rest most on the specification of {wording.listed(least[:_LEAST])}"] if least else []),
    ]
    return wording.sentences(said)


def planned(frozen: ClaimPlan | None) -> str:
    """Return what of the claims was planned before the data were looked at; empty where no plan was given."""
    if frozen is None:
        return ""
    kept = [each.claim for each in claims() if frozen.names(each)]
    changed = [name for name in frozen.claims if name not in kept]
    said = [
        f"the plan (SHA-256 {frozen.digest}) names {len(kept)} of the {len(claims())} as they are tested here, and all "
        "else in this report is post hoc",
        f"this {'is' if frozen.same_code else 'is not'} the code with which it was frozen",
    ]
    if changed:
        said.append(f"planned otherwise than they are tested here, and so post hoc: {wording.listed(changed)}")
    return wording.sentences(said)


def parted(ledger: Sequence[LedgerEntry]) -> str:
    """Return a line for each claim of which cohort and literature say the opposite."""
    lines = [
        f"- {entry.claim.claim}, {wording.small(entry.claim.text)}: {entry.verdict} here, {entry.published.verdict} by "
        f"what was published. {number(entry)}"
        for entry in ledger
        if entry.parted
    ]
    return "\n".join(lines) or NOWHERE


def omissions(ledger: Sequence[LedgerEntry]) -> str:
    """Return what the article leaves out, and what is known of it."""
    return "\n".join(
        f"- {entry.claim.claim}, {entry.claim.text.removeprefix('Left out: ')}: {entry.published.verdict} by what was "
        f"published, {entry.verdict.removesuffix(' here')} here."
        for entry in ledger
        if entry.claim.kind == "omission"
    )


def foreseeable(ledger: Sequence[LedgerEntry]) -> str:
    """Return which inconclusive verdicts this cohort could hardly have avoided, and where it is the first to say."""
    blunt = [e.claim.claim for e in ledger if e.verdict == rules.INCONCLUSIVE and power.foreseeable(e.chances)]
    undecided = sum(entry.verdict == rules.INCONCLUSIVE for entry in ledger)
    told = sum(entry.verdict == rules.INCONCLUSIVE and entry.chances is not None for entry in ledger)
    first = sum(e.published.verdict == NONE_FOUND and e.supports is not None for e in ledger)
    said = []
    if undecided and blunt:
        could = "could hardly have been told in a cohort of this size, whatever the truth"
        said.append(f"Of the {undecided} that are inconclusive, {wording.listed(blunt)} {could}.")
    elif told:
        these = f"{told} of the {undecided} that are inconclusive" if told < undecided else "all that are inconclusive"
        said.append(f"The chances of {these} can be told: none was bound to be so in a cohort of this size.")
    if first:
        said.append(f"{wording.counted(first, 'claims', 'are')} judged here on which nothing published was found.")
    return " ".join(said)
