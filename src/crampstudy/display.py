"""Results in a notebook: the tables that a terminal shows, as HTML; a fit's summary and its figure.

A result asks for these by its own methods (:mod:`crampstudy.readable`), which know nothing of tables and figures.
"""

from __future__ import annotations

import html as markup
from collections.abc import Iterator
from functools import singledispatch
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from crampstudy import figures, tables, terminal, wording
from crampstudy.analyses import Findings
from crampstudy.analyses.findings import ReportTable
from crampstudy.checks import Check
from crampstudy.checks.zeros_found import ZerosFound
from crampstudy.cleaning import Cleaned
from crampstudy.cohort import Cohort
from crampstudy.cohort.account import Account
from crampstudy.descriptive.classes import ClassShares
from crampstudy.descriptive.describe import Description
from crampstudy.models import Fit
from crampstudy.models.terms.levels import PEOPLE
from crampstudy.readable import Readable
from crampstudy.tables import PrintedTable


@singledispatch
def sections(result: Readable) -> Iterator[PrintedTable | str]:
    """Yield what a result shows: tables, and sentences around them."""
    raise TypeError(f"no display of a {type(result).__name__}")


def html(result: Readable) -> str:
    """Return a result as HTML, its texts escaped."""
    return "\n".join(_marked(part) for part in sections(result))


def _marked(part: PrintedTable | str) -> str:
    return f"<p>{markup.escape(part)}</p>" if isinstance(part, str) else str(part.to_html())


def summary(fitted: Fit) -> str:
    """Return a fit as text: what was fitted to how many, its table with notes, and its likelihood."""
    return "\n".join(part if isinstance(part, str) else f"\n{terminal.text(part)}" for part in sections(fitted))


def plot(fitted: Fit) -> Figure:
    """Return the ratios of a fit with their intervals."""
    return figures.ratios(fitted)


@sections.register
def _of_fit(fitted: Fit) -> Iterator[PrintedTable | str]:
    yield from _head(fitted)
    yield from tables.printed(fitted.estimates, _accounts(fitted))
    yield from _foot(fitted)
    if fitted.second_opinion is not None:
        compared = tables.second_opinion(fitted.second_opinion)
        yield from [PrintedTable.of(compared, terminal.SECOND_OPINION)] if len(compared) else []
        yield tables.agreement(fitted.second_opinion)


@sections.register
def _of_description(described: Description) -> Iterator[PrintedTable | str]:
    yield from tables.printed(described.estimates, described.accounts)
    yield from (account.sentence() for account in described.accounts)


@sections.register
def _of_shares(shares: ClassShares) -> Iterator[PrintedTable | str]:
    yield from tables.printed(shares.estimates, (shares.account,))
    yield shares.account.sentence()


@sections.register
def _of_report_table(made: ReportTable) -> Iterator[PrintedTable | str]:
    yield PrintedTable.of(made.frame, made.caption, [made.note or ""])


@sections.register
def _of_findings(found: Findings) -> Iterator[PrintedTable | str]:
    for made in found.tables.values():
        yield from _of_report_table(made)
    yield from (f"Figure {label}: {drawing.caption}" for label, drawing in found.figures.items())
    yield from (f"{label}: could not estimate: {why}." for label, why in found.could_not.items())


@sections.register
def _of_check(made: Check) -> Iterator[PrintedTable | str]:
    yield f"{wording.capital(made.name)}: {made.verdict}. {made.text}"
    shown = made.table.drop(columns=PEOPLE, errors="ignore")
    if len(shown) and shown.shape[1]:
        first, *others = shown.columns
        cells = shown.set_index(first)[others]
        cells.index.name, cells.columns = _head_of(first), pd.Index(map(_head_of, others))
        yield PrintedTable.of(cells.map(_cell))


@sections.register
def _of_zeros(found: ZerosFound) -> Iterator[PrintedTable | str]:
    yield from _of_check(found.check)


@sections.register
def _of_cleaned(cleaned: Cleaned) -> Iterator[PrintedTable | str]:
    yield from _of_cohort(cleaned.cohort)
    yield tables.rules(cleaned.cohort)


@sections.register
def _of_cohort(cohort: Cohort) -> Iterator[PrintedTable | str]:
    yield f"{cohort.heading}: {cohort.kind}{', synthetic' if cohort.synthetic else ''}, data to {cohort.date_of_data}"
    held = {name.capitalize(): table for name, table in cohort.tables.items()}
    sizes = {"Rows": [f"{t.height:,}" for t in held.values()], "Columns": [f"{t.width}" for t in held.values()]}
    made = pd.DataFrame(sizes, index=pd.Index(list(held), name="Table"))
    if cohort.attrition.tables:
        read = tables.cleaning(cohort)[["Rows read", "Rejected", "Cells blanked"]].map(wording.count)
        made = made.join(read).fillna(wording.DASH)
    yield PrintedTable.of(made, notes=cohort.attrition.notices)


def _head(fitted: Fit) -> Iterator[str]:
    first = fitted.estimates.iloc[0]
    yield f"{wording.model(fitted.model)} of {wording.term(str(first['outcome']))}: {fitted.status.replace('_', ' ')}"
    if fitted.account:
        yield fitted.account.sentence()


def _foot(fitted: Fit) -> Iterator[str]:
    if fitted.status != "converged":
        return
    if fitted.no_aic:
        yield f"AIC: none; {fitted.no_aic}"
    elif np.isfinite(fitted.aic):
        likelihood, aic = (wording.number(value) for value in (fitted.log_likelihood, fitted.aic))
        yield f"Log-likelihood {likelihood}, {wording.counted(fitted.n_parameters, 'parameters')}, AIC {aic}"


def _accounts(fitted: Fit) -> tuple[Account, ...]:
    return (fitted.account,) if fitted.account else ()


def _head_of(column: object) -> str:
    return wording.capital(str(column).replace("_", " "))


def _cell(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    if isinstance(value, (int, np.integer)):
        return wording.count(value)
    if isinstance(value, float):
        return wording.DASH if np.isnan(value) else wording.signed(f"{value:z,.4g}")
    return wording.DASH if pd.isna(value) else str(value)
