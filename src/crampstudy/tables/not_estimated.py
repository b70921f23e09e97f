"""What a section could not estimate, and why, in sentences for its end."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pandas as pd

from crampstudy import wording
from crampstudy.claims import plan
from crampstudy.estimates import kinds
from crampstudy.tables.remarks import reasons

_MARK = rf"^(?:{plan.PLANNED}|{plan.POST_HOC})(?:; |$)"
NOTHING_SHOWN = "there is nothing to show"
"""Why there is no table or figure of rows that have no estimate, each for reasons of its own."""
_NEEDS = re.compile(r" \(needs [^()]*\)")
_PARTS_OF_CLAIM = re.compile(r"\. |; |^No verdict of truth: ")
NOBODY = "nobody had it"
"""What the row of a treatment says that nobody took."""
_LACKED = r"(\w+) was not measured"
ALL_ESTIMATED = "All that this section asks for could be estimated."


def not_estimated(rows: pd.DataFrame, parts: Mapping[str, str]) -> str:
    """Return what of the ``rows`` was not measured or has no estimate, and which ``parts`` could not be made, by label.

    A reason is told once, with what it is of. What a specification of a claim lacks stands in its own table.
    """
    rows = rows[rows["analysis"].ne(kinds.UNDER_SPECIFICATION.name)]
    # That it was planned is no reason.
    rows = rows.assign(note=rows["note"].str.replace(_MARK, "", regex=True))
    of_claims = rows["note"].map(_why_untested, na_action="ignore")
    rows = rows.assign(note=rows["note"].mask(rows["analysis"].eq(kinds.CLAIM.name), of_claims))
    said = not_measured(rows)
    failed = reasons(rows, brief=True)
    said += [f"could not estimate: {failed}"] if failed else []
    known = failed.lower()
    said += [why for why in dict.fromkeys(parts.values()) if why.lower() not in known and why != NOTHING_SHOWN]
    said += [NOTHING_SHOWN] if NOTHING_SHOWN in parts.values() and not said else []
    return wording.sentences(said) or ALL_ESTIMATED


def not_measured(rows: pd.DataFrame, most: int | None = None) -> list[str]:
    """Return what was not measured, what nobody took, and which claims lack a measurement, a sentence each.

    Where a row says that something else was not measured, that is what was lacking. Of more names than ``most`` the
    others are counted.
    """
    own = rows[(rows["status"] == "not_measured") & rows["term"].notna()]
    notes = own["note"].fillna("")
    claims, untaken = own["analysis"].fillna("").eq(kinds.CLAIM.name), notes.str.contains(NOBODY, case=False)
    lacked = notes.str.extract(rf"^{_LACKED}$", expand=False)
    terms = lacked.where(lacked.notna(), own["term"])
    found = {
        "not measured in this cohort: {}": terms[~claims & ~untaken],
        "taken as a treatment by nobody in this cohort: {}": terms[~claims & untaken],
        "not testable, as nobody in this cohort took what they are of: {}": terms[claims & untaken],
        "not testable, for what they need was not measured: {}": terms[claims & ~untaken],
    }
    named = {said: dict.fromkeys(wording.small(wording.term(str(term))) for term in of) for said, of in found.items()}
    return [said.format(wording.listed(_first(list(names), most))) for said, names in named.items() if names]


def _why_untested(note: str) -> str:
    """Return why a claim cannot be tested: the parts of a note that need something, those of one reason together."""
    needing = [part for part in _PARTS_OF_CLAIM.split(note) if _NEEDS.search(part)]
    if not needing:
        return wording.small(note)
    of_reason: dict[str, list[str]] = {}
    for part in needing:
        name, told, reason = _NEEDS.sub("", part).partition(": ")
        if not told:
            name, reason = "", name
        of_reason.setdefault(wording.small(reason), []).extend([wording.small(name)] if name else [])
    said = (f"{wording.listed(names)}: {reason}" if names else reason for reason, names in of_reason.items())
    return ", and ".join(said)


def _first(names: list[str], most: int | None) -> list[str]:
    others = 0 if most is None else len(names) - most
    # One other is named sooner than counted.
    return [*names[:most], f"{others} others"] if others > 1 else names
