"""What a section could not estimate, and why, in sentences for its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.absent import SET_ASIDE
from crampstudy.estimates.facts import fact, of_rows
from crampstudy.estimates.reliability import LEAST, POOR
from crampstudy.tables.remarks import reasons

NOTHING_SHOWN = "there is nothing to show"
"""Why there is no table or figure of rows that have no estimate, each for reasons of its own."""
OF_CLAIMS = (kinds.CLAIM.name, kinds.CLAIM_PART.name)
NOBODY = "nobody had it"
"""What the row of a treatment says that nobody took."""
BY_NIGHT = "it was logged night by night, and no course of it is recorded"
"""What the row of a treatment says of which there are nights and no course."""
_UNMEASURED = "not measured in"
ALL_ESTIMATED = "All that this section asks for could be estimated."


def not_estimated(rows: pd.DataFrame, parts: Mapping[str, str], of: str = "this cohort") -> str:
    """Return what of the ``rows`` was not measured or has no estimate, and which ``parts`` could not be made, by label.

    A reason is told once, with what it is of. What a specification of a claim lacks stands in its own table. Where
    something was measured ``of`` says. What was estimated beyond all that was observed has no
    verdict, which is told as well.
    """
    rows = rows[rows["analysis"].ne(kinds.UNDER_SPECIFICATION.name)]
    said = not_measured(rows, of=of)
    failed = reasons(_with_parts(rows), brief=True)
    said += [f"could not estimate: {failed}"] if failed else []
    if beyond := _beyond(rows):
        said.append(f"no verdict, as what is compared lies beyond all that was observed: {wording.listed(beyond)}")
    if unreliable := _unreliable(rows):
        said.append(
            "no verdict, as the mean of a participant's nights tells too little of the participant (reliability below "
            f"{LEAST:g}): {wording.listed(unreliable)}"
        )
    whys = [why for why in dict.fromkeys(parts.values()) if not _is_told(why, failed) and why != NOTHING_SHOWN]
    # What was not measured is said of the rows.
    said += [why for why in whys if not said or not why.startswith(_UNMEASURED)]
    said += [NOTHING_SHOWN] if NOTHING_SHOWN in parts.values() and not said else []
    return wording.sentences(said) or ALL_ESTIMATED


def why_none(*rows: pd.DataFrame) -> str:
    """Return why a table or figure has no estimate: a reason of its own rows or, where they have none, of the next.

    What could not be estimated goes before what was not measured.
    """
    for own in rows:
        if why := reasons(own, inside=True) or "; ".join(not_measured(own)):
            return why
    return NOTHING_SHOWN


def not_measured(rows: pd.DataFrame, most: int | None = None, of: str = "this cohort") -> list[str]:
    """Return what was not measured, what nobody took, and which claims lack a measurement, a sentence each.

    Where a row says that something else was not measured, that is what was lacking. Of more names than ``most`` the
    others are counted.
    """
    own = rows[(rows["status"] == "not_measured") & rows["term"].notna() & ~rows["analysis"].isin(OF_CLAIMS)]
    untested, unmeasured = _claims_lacking(rows)
    named = {
        f"{_UNMEASURED} {of}: {{}}": unmeasured_names(rows),
        "recorded, and every value set aside in cleaning: {}": set_aside_names(rows),
        "taken as a treatment by nobody in this cohort: {}": _names(own.loc[of_rows(own, "had by").ne(""), "term"]),
        "not testable, as nobody in this cohort took what they are of: {}": untested.whole,
        "not testable as a whole, as nobody in this cohort took a part of what they are of: {}": untested.in_part,
        "not testable, for what they need was not measured: {}": unmeasured.whole,
        "not testable as a whole, for a part of what they need was not measured: {}": unmeasured.in_part,
    }
    return [said.format(wording.listed(_first(names, most))) for said, names in named.items() if names]


def unmeasured_names(rows: pd.DataFrame) -> list[str]:
    """Return what was not measured, each once as printed: what a row needs, or else what it is of."""
    own = unmeasured_of(rows)
    return _names(_lacked(own[of_rows(own, SET_ASIDE).eq("")]))


def set_aside_names(rows: pd.DataFrame) -> list[str]:
    """Return what was recorded and has no value left, each once as printed, with how many were set aside and why."""
    own = unmeasured_of(rows)
    own = own[of_rows(own, SET_ASIDE).ne("")]
    rules = dict(zip(_names(_lacked(own), each=True), of_rows(own, SET_ASIDE), strict=True))
    return [f"{name} ({said})" for name, said in rules.items()]


def _lacked(rows: pd.DataFrame) -> pd.Series[str]:
    """Return what there is no value of, row by row, of which a row may need several."""
    lacked = of_rows(rows, "needs")
    return lacked.where(lacked.ne(""), rows["term"]).str.split(" and ").explode()


def unmeasured_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of what was not measured, without claims and treatments that nobody took."""
    own = rows[(rows["status"] == "not_measured") & rows["term"].notna() & ~rows["analysis"].isin(OF_CLAIMS)]
    return own[of_rows(own, "had by").eq("")]


def _names(terms: pd.Series[str], *, each: bool = False) -> list[str]:
    names = [wording.small(wording.term(str(term))) for term in terms]
    return names if each else list(dict.fromkeys(names))


def _beyond(rows: pd.DataFrame) -> list[str]:
    """Return what has a number and no verdict, for it is compared beyond all that was observed, each once."""
    own = wording.with_none(rows[of_rows(rows, "beyond").ne("")])
    return list(dict.fromkeys(f"{wording.small(wording.term(str(row['term'])))}{_which(row)}" for row in own))


def _unreliable(rows: pd.DataFrame) -> list[str]:
    """Return what has a number and no verdict, for the mean that it is of is not reliable, with its reliability."""
    own = rows[of_rows(rows, POOR).ne("") & of_rows(rows, "beyond").eq("") & rows["estimate"].notna()]
    told = wording.with_none(own)
    return list(dict.fromkeys(f"{wording.small(wording.term(str(row['term'])))} ({fact(row, POOR)})" for row in told))


def _which(row: Mapping[str, Any]) -> str:
    """Return which of the rows of a variable is meant: that between participants, or at what it is modified by."""
    if not row["level"]:
        return ""
    return f" ({row['level']} participants)" if row["level"] in ("within", "between") else f" ({row['level']})"


def untaken_of(rows: pd.DataFrame) -> pd.Series[bool]:
    """Say of which rows the treatment was taken by nobody."""
    return of_rows(rows, "had by").eq("nobody")


@dataclass(frozen=True, slots=True)
class _Lacking:
    """Claims that lack one thing: by their parts, none where no part was estimated."""

    parts: Mapping[str, tuple[str, ...]]

    @property
    def whole(self) -> list[str]:
        """The claims of which all is lacking."""
        return [claim for claim, names in self.parts.items() if not names]

    @property
    def in_part(self) -> list[str]:
        """The claims of which a part is lacking, with its name."""
        return [f"{claim} ({wording.listed(names)})" for claim, names in self.parts.items() if names]


def _claims_lacking(rows: pd.DataFrame) -> tuple[_Lacking, _Lacking]:
    """Return the claims that lack a treatment that nobody took, and those that lack a measurement."""
    untaken: dict[str, tuple[str, ...]] = {}
    unmeasured: dict[str, tuple[str, ...]] = {}
    for claim, parts in kinds.CLAIM_PART.rows(rows).groupby("term", sort=False):
        others = of_rows(parts, "other parts").eq("estimated").any()
        names = tuple(wording.small(str(level)) for level in parts["level"].dropna()) if others else ()
        if untaken_of(parts).all():
            untaken[str(claim)] = names
        elif parts["status"].eq("not_measured").all():
            unmeasured[str(claim)] = names
    return _Lacking(untaken), _Lacking(unmeasured)


def _is_told(why: str, failed: str) -> bool:
    """Say whether each reason of a part stands among those of the rows, whichever rows either names."""
    known = failed.lower()
    alone = [(part, part.partition(": ")[2] or part) for part in why.lower().split("; ")]
    return all(part in known or reason in known for part, reason in alone)


def _with_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows of which those of claims that were not tested say why, the parts of one reason together."""
    parts = kinds.CLAIM_PART.rows(rows)
    told = {claim for some in _claims_lacking(rows) for claim in some.parts}
    why = {str(claim): _why_untested(own) for claim, own in parts.groupby("term", sort=False) if claim not in told}
    rows = rows[~rows["analysis"].eq(kinds.CLAIM_PART.name)]
    lacking = rows["analysis"].eq(kinds.CLAIM.name) & rows["term"].isin([*why])
    note = rows["note"].mask(lacking, rows["term"].map(why))
    return rows.assign(note=note, status=rows["status"].mask(lacking, "not_estimable"))


def _why_untested(parts: pd.DataFrame) -> str:
    """Return why the parts of a claim were not tested, those of one reason together."""
    of_reason: dict[str, list[str]] = {}
    for row in wording.with_none(parts):
        names = of_reason.setdefault(wording.small(str(row["note"])), [])
        names.extend([wording.small(str(row["level"]))] if row["level"] else [])
    said = (f"{wording.listed(names)}: {reason}" if names else reason for reason, names in of_reason.items())
    return ", and ".join(said)


def _first(names: list[str], most: int | None) -> list[str]:
    others = 0 if most is None else len(names) - most
    # One other is named sooner than counted.
    return [*names[:most], f"{others} others"] if others > 1 else names
