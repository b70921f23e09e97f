"""Conditions and drugs: their adjusted ratios at all ages, at 50 and at 75, and what each was adjusted for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import adjustment, at_contrasts, compares, kinds, ratios
from crampstudy.tables.headings import among, p_of, with_level
from crampstudy.tables.table import as_table, table_of_rows

Row = Mapping[str, Any]
AT_AGES = (kinds.CONDITION_AT_50, kinds.CONDITION_AT_75)
_CENTILES = re.compile(r"^\d+th against \d+th centile: ")
_SPLINE = re.compile(r"ns\(([^,]+),.*\)")


@table_of_rows
def conditions(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return ratios of conditions with how many have each, p, q and verdict, then any ratios at 50 and at 75 years.

    A number is shown at its declared contrast. The last p-value is of the test that the ratio is the same at both ages.
    """
    rows = at_contrasts(estimates[compares(estimates)])
    named = labels(rows)
    # In a small cohort there may be a ratio at neither age of anything.
    by_age = any(kind.rows(rows)["estimate"].notna().any() for kind in AT_AGES)
    scale = str(next(iter(ratios(rows)["scale"]), "ratio")).replace("_", " ").capitalize()
    columns: list[tuple[kinds.Kind, str, Callable[[Row], str]]] = [
        (kinds.CONDITION, "With it / all", _counts),
        (kinds.CONDITION, with_level(f"{scale} (95% CI)", rows), _ratio),
        (kinds.CONDITION, "p", p_of),
        (kinds.CONDITION, "q", lambda row: p_of(row, "q_value")),
        (kinds.CONDITION, "Verdict", lambda row: wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"])),
    ]
    if by_age:
        columns += [(kind, wording.capital(kind.label), _at_age) for kind in AT_AGES]
        columns += [(kinds.CONDITION_BY_AGE, "p by age", p_of)]
    places = dict.fromkeys((_domain(row), name) for name, row in zip(named, wording.records(rows), strict=True))
    domains = list(dict.fromkeys(domain for domain, _ in places))
    ordered = sorted(places, key=lambda place: domains.index(place[0]))
    made = pd.DataFrame(index=pd.MultiIndex.from_tuples(ordered, names=["", "Condition"]), dtype=object)
    for kind, heading, cell in columns:
        own = kind.rows(rows)
        texts = {named[i]: cell(row) for i, row in zip(own.index, wording.records(own), strict=True)}
        made[heading] = [texts.get(name, wording.DASH) for _, name in ordered]
    return made


@as_table
def adjustments(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return for each exposure what its ratio is adjusted for, and whether that is enough under the causal graph."""
    told = estimates[estimates["estimate"].notna() & estimates["scale"].ne("wald_test")]
    names = [_named(wording.term(str(term)), own) for term, own in zip(told["term"], among(told), strict=True)]
    rows = wording.records(told.assign(name=names).drop_duplicates("name"))
    made = pd.DataFrame(
        {
            "Adjusted for": [_covariates(row["adjusted_for"]) for row in rows],
            "Enough under the graph": [_enough(row) for row in rows],
        },
        dtype=object,
    )
    made.index = pd.Index([row["name"] for row in rows], name="Condition")
    return made


def said(row: Row) -> str:
    """Return what the causal graph says of a row of an adjusted fit: what stands first in its note."""
    return str(row["note"]).partition("; ")[0]


def labels(rows: pd.DataFrame) -> pd.Series[str]:
    """Return what each row is of: ``Diuretic (thiazide)``, ``HbA1c (50.5 against 33 mmol/mol)``, and among whom."""
    named = [
        _named(wording.term(str(row["term"])), [*_compared(row), *own])
        for row, own in zip(wording.records(rows), among(rows), strict=True)
    ]
    return pd.Series(named, index=rows.index, dtype=object)


def _named(name: str, told: Sequence[str]) -> str:
    return f"{name} ({', '.join(told)})" if told else name


def _compared(row: Row) -> list[str]:
    """Return what a row compares, where that is more than who has it with who has not."""
    if wording.is_declared(row["term"]):
        return [_CENTILES.sub("", wording.contrast(row))]
    if row["scale"] == "wald_test":
        return ["joint test"]
    if _level(row) in ("", "true"):
        return []
    # Who has a level is compared with who has none, but where nobody has none.
    reference = str(row["reference"])
    compared = [_level(row)] if reference in ("none", "false") else [_level(row), reference]
    return [" against ".join(map(wording.level, compared))]


def _level(row: Row) -> str:
    """Return the level that a row is of, of a number an empty text."""
    if wording.is_declared(row["term"]):
        return ""
    return "" if pd.isna(row["level"]) else str(row["level"])


def _domain(row: Row) -> str:
    known = wording.variable(str(row["term"]))
    return known.domain.capitalize() if known else "Own terms"


def _counts(row: Row) -> str:
    every = wording.count_of(row, "n_participants")
    return f"{wording.count_of(row, 'n_exposed')} / {every}" if _level(row) else every


def _ratio(row: Row) -> str:
    return wording.DASH if row["scale"] == "wald_test" else wording.estimate(row)


def _at_age(row: Row) -> str:
    """Return a ratio at an age; why there is none stands below the table."""
    return wording.estimate(row) if pd.notna(row["estimate"]) else wording.DASH


def _covariates(adjusted_for: Any) -> str:
    if pd.isna(adjusted_for):
        return "nothing"
    return "; ".join(map(_covariate, str(adjusted_for).split("; ")))


def _covariate(term: str) -> str:
    return wording.small(wording.term(_SPLINE.sub(r"\1", term)))


def _enough(row: Row) -> str:
    """Return whether what was adjusted for is enough, and else what is lacking."""
    names = [_covariate(term) for term in adjustment.lacks(row)]
    lacking = wording.listed(names) if names else ""
    match row["adjustment"]:
        case adjustment.SUFFICIENT:
            return "yes"
        case adjustment.NOT_MEASURED:
            return f"no: {lacking}"
        case adjustment.TOO_FEW:
            return f"no: too few participants to take {lacking} in as well"
        case adjustment.NOT_TAKEN_IN:
            return f"no: not taken in: {lacking}"
    return "no: the outcome comes before it"
