"""The article's claims as a table: what the cohort says, what was published, and what could have been told."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.claims import CLAIM_ROWS, Claim, find, plan, power, published, rules
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.sentences import MODERATE_SEVERE, recalled, value
from crampstudy.nights.calendar import day_of
from crampstudy.tables.headings import with_level
from crampstudy.tables.table import PrintedTable, table_of_rows

_TOLD = (
    (power.NO_EFFECT, (rules.CONTRADICTED,)),
    (power.AT_MARGIN, (rules.SUPPORTED, rules.NEGLIGIBLE)),
    (power.BEYOND, (rules.SUPPORTED, rules.NEGLIGIBLE)),
)
TOLD = "Told, %"
_REASONS = 4
"""So many reasons a note has room for."""
NOTE = (
    f"{TOLD}: how probable the right verdict was in this cohort, were the truth no effect (contradicted), at the "
    f"margin, and a ratio of {power.LARGE:g} or a difference of half as much again as the margin (supported)."
)


@table_of_rows
def claims(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the claims by the article's sections: verdict, number, published verdict, and what could be told."""
    rows = kinds.CLAIM.rows(estimates)
    expected = kinds.EXPECTED_VERDICT.rows(estimates)
    heading = with_level("Estimate (95% CI)", rows)
    made, index = [], []
    for row in wording.with_none(rows):
        claim = find(str(row["term"]))
        index.append(_stub(claim, row))
        number = wording.DASH if row["estimate"] is None else _number(row)
        own = expected[expected["term"].eq(claim.claim)]
        cells = {heading: number, "Here": row["verdict"], "Published": published(claim).verdict, TOLD: _told(own)}
        planned = plan.mark(row)
        made.append(cells | ({"Planned": "yes" if planned == plan.PLANNED else planned} if planned else {}))
    table = pd.DataFrame(made, index=pd.MultiIndex.from_tuples(index, names=["", "Claim"]))
    note = f"{wording.sentences([*_measures(rows), *_shown_parts(rows)])} {NOTE}".strip()
    return PrintedTable.of(table.sort_index(level=0, sort_remaining=False, key=_in_order), notes=(note,))


def _stub(claim: Claim, row: dict[str, Any]) -> tuple[str, str]:
    """Return the section and the words of a claim, and the part of which it has a number where the words do not say."""
    part = "" if row["estimate"] is None else claim.part_to_name(row["level"])
    return claim.section, f"{claim.claim} {claim.text}{f' ({part})' if part else ''}"


def _measures(rows: pd.DataFrame) -> list[str]:
    """Return which ratio a number without a unit is, the most frequent first."""
    ratios = rows[rows["estimate"].notna() & rows["scale"].astype(str).str.endswith("_ratio")]
    usual, *others = ratios["scale"].value_counts().index if len(ratios) else [""]
    if not usual:
        return []
    names = {scale: wording.with_article(scale.replace("_", " ")) for scale in (usual, *others)}
    said = [f"a number without a unit is {names[usual]}"]
    said += [f"of {_claims(ratios[ratios['scale'] == scale])} {names[scale]}" for scale in others]
    of_two = {(of.claim, of.part) for of in CLAIM_ROWS if of.of_two}
    two = ratios[[cells in of_two for cells in zip(ratios["term"], ratios["level"], strict=True)]]
    two_of = [f"of {_claims(two)} the ratio of two of these"] if len(two) else []
    return [", ".join([*said, *two_of]), *_outcomes(ratios)]


def _outcomes(ratios: pd.DataFrame) -> list[str]:
    """Return of which cramps a survey's ratios are, the most frequent first, where these are of several outcomes."""
    named = pd.Series([recalled(row) for row in wording.records(ratios)], index=ratios.index, dtype=str)
    several = list(named[named.ne("")].value_counts().index)
    if len(several) < 2:
        return []
    usual, *others = several
    said = [f"a ratio is of {usual}", *(f"that of {_claims(ratios[named.eq(each)])} of {each}" for each in others)]
    return [", ".join(said), MODERATE_SEVERE]


def _shown_parts(rows: pd.DataFrame) -> list[str]:
    """Return of what the number of a claim in parts is, where there is one."""
    several = [len({of.part for of in CLAIM_ROWS if of.claim == claim and of.side}) > 1 for claim in rows["term"]]
    shown = rows[pd.Series(several, index=rows.index) & rows["estimate"].notna() & rows["level"].notna()]
    if shown.empty:
        return []
    return [
        "a claim in parts has one verdict, inconclusive where theirs differ, and the number of the part in brackets"
    ]


def _claims(rows: pd.DataFrame) -> str:
    return wording.listed(map(str, rows["term"]))


@table_of_rows
def claim_specifications(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return by claim how many specifications there are, how many agree with it, and how far estimates lie apart."""
    rows = kinds.UNDER_SPECIFICATION.rows(estimates)
    made, index = [], []
    for row in wording.with_none(kinds.AGREEMENT.rows(estimates)):
        claim, own = find(str(row["term"])), rows[rows["term"].eq(row["term"])]
        could = own[own["verdict"].ne(rules.NOT_TESTABLE)]
        others = could.loc[could["verdict"].ne(row["verdict"]), "verdict"].value_counts()
        index.append(_stub(claim, row))
        made.append(
            {
                "Here": row["verdict"],
                "Made": f"{len(could)} of {len(own)}",
                "Agree, %": wording.DASH if row["estimate"] is None else f"{100 * row['estimate']:.0f}",
                "Others": "; ".join(f"{n} {verdict}" for verdict, n in others.items()) or wording.DASH,
                "Estimates": _range(could),
            }
        )
    columns = ["Here", "Made", "Agree, %", "Others", "Estimates"]
    table = pd.DataFrame(made, index=pd.MultiIndex.from_tuples(index, names=["", "Claim"]), columns=columns)
    return PrintedTable.of(table.sort_index(level=0, sort_remaining=False, key=_in_order), notes=(_not_made(rows),))


def _range(rows: pd.DataFrame) -> str:
    """Return the lowest and the highest estimate as printed."""
    known = wording.with_none(rows[rows["estimate"].notna()].sort_values("estimate"))
    if not known:
        return wording.DASH
    none = dict.fromkeys(("ci_low", "ci_high", "ci_level", "unit"))
    low, high = (_number(row | none) for row in (known[0], known[-1]))
    return low if low == high else f"{low} to {high}"


def _not_made(rows: pd.DataFrame) -> str:
    """Return how many specifications could not be made, and why, the most frequent reasons first."""
    lacking = rows[rows["verdict"].eq(rules.NOT_TESTABLE)]
    if lacking.empty:
        return "Every specification could be made."
    reasons = lacking["note"].value_counts()
    said = [f"{n} as {wording.small(str(why))}" for why, n in reasons.head(_REASONS).items()]
    more = f"; {reasons.iloc[_REASONS:].sum()} for other reasons" if len(reasons) > _REASONS else ""
    return f"{len(lacking):,} of {len(rows):,} specifications could not be made: {'; '.join(said)}{more}."


def _in_order(sections: pd.Index[str]) -> pd.Index[int]:
    known = list(dict.fromkeys(sections))
    return pd.Index([known.index(each) for each in sections])


def _number(row: dict[str, Any]) -> str:
    """Return the number of a row without what it compares, which the claim says."""
    if row["scale"] == "day_of_year":
        return "any day" if row["ci_low"] is None else wording.marked(row, day_of(row["estimate"]))
    if row["scale"] == verdicts.DIFFERENCE and row["unit"]:
        # What it is of, without what it compares.
        return value(row | {"unit": row["unit"].partition(", ")[0]})
    return value(row | {"unit": None} if verdicts.compares(row) else row)


def _told(expected: pd.DataFrame) -> str:
    """Return the probabilities of the right verdict by truth, in per cent."""
    if expected.empty:
        return wording.DASH
    chances = {row["level"]: row for row in wording.records(expected)}
    told = ([chances[f"{verdict}, truth {truth}"] for verdict in right] for truth, right in _TOLD)
    return " / ".join(map(_sum, told))


def _sum(chances: list[dict[str, Any]]) -> str:
    """Return the sum of probabilities in per cent; that of several is of none of their rows."""
    said = f"{100 * sum(row['estimate'] for row in chances):.0f}"
    return wording.marked(chances[0], said) if len(chances) == 1 else said
