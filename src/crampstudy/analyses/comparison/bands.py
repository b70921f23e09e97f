"""How common cramps are in each group of each cohort, and what lies between them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.comparison.sentences import bands as said
from crampstudy.analyses.comparison.settings import ComparisonSettings
from crampstudy.analyses.findings import Drawing, Findings, ReportTable
from crampstudy.cohort import Cohort
from crampstudy.contrasts.cohorts.compare import compare
from crampstudy.contrasts.multiplicity import BY_HOLM
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import of_rows
from crampstudy.tables.sections.compared import compared_groups

FIGURE, GROUPS, SEVERE, CONTRASTS, TESTS, BESIDE = (
    *("fig-groups", "tbl-groups", "tbl-groups-severe"),
    *("tbl-contrasts", "tbl-interaction", "tbl-e-values"),
)
_OF_OUTCOMES = {"cramps": GROUPS, "any_cramp": GROUPS, "moderate_severe_vs_rest": SEVERE}
_TITLES = {
    "cramps": "Incidence rate of cramps",
    "any_cramp": "Prevalence of any cramp in the past month",
    "moderate_severe_vs_rest": "Prevalence of moderate-severe cramps (five or more) in the past month",
}
_CONTRASTS = (kinds.BETWEEN_COHORTS, kinds.BETWEEN_STANDARDISED, kinds.BETWEEN_ADJUSTED)


def contrasts(cohorts: Sequence[Cohort], settings: ComparisonSettings) -> pd.DataFrame:
    """Return the rows of the comparison, as :func:`crampstudy.compare` makes them."""
    first, second, *others = cohorts
    return compare(
        first,
        second,
        settings.by,
        others=others,
        reference=settings.reference,
        bands=settings.bands,
        standard=settings.standard,
        where=settings.where,
        adjust=settings.adjust,
        average_over=settings.average_over,
        ci_level=settings.ci_level,
    ).estimates


def by_group(rows: pd.DataFrame, whose: str = "", counted: str = "") -> Findings:
    """Return figure and tables of the groups of cohorts of one kind.

    Args:
        rows: those of the comparison.
        whose: whose numbers they are, after a comma.
        counted: who is counted here and not elsewhere, in a sentence.
    """
    compared = kinds.BETWEEN_COHORTS.rows(rows)
    if compared.empty:
        return Findings(rows)
    shown = {}
    for outcome in dict.fromkeys(compared["outcome"]):
        own = rows[rows["outcome"].eq(outcome) & rows["analysis"].isin([kind.name for kind in _CONTRASTS[:2]])]
        title = f"{_TITLES[outcome]} in each cohort{whose}, and its ratio."
        shown_rows = own[own["scale"] != "difference"]
        # The table has no q.
        of_q = {f"q {how}" for how in of_rows(shown_rows, "q") if how}
        note = " ".join(filter(None, (counted, said.basis(own), tables.notes(shown_rows, besides=of_q))))
        shown[_OF_OUTCOMES[outcome]] = ReportTable(compared_groups(rows, outcome), title, note)
    drawing = Drawing(
        "compared_groups",
        rows,
        caption=said.caption(compared, whose),
        alt=said.alt(rows),
        note="Ratios inside the shaded band are too close to 1 to matter.",
    )
    return Findings(rows, shown, {FIGURE: drawing}, {"answer": said.answer(rows), "groups": said.by_group(rows)})


_OF_RATIOS = (
    "p, p (Holm) and verdict are of the ratio, which is tested on the log scale: the interval of a difference beside "
    "it may exclude 0 where that of the ratio holds 1, and the other way round."
)


def tests(rows: pd.DataFrame, whose: str = "") -> Findings:
    """Return the differences, the tests of cohort by group and the trends with age of cohorts of one kind.

    Args:
        rows: those of the comparison.
        whose: whose numbers they are, after a comma.
    """
    own = rows[rows["analysis"].isin([kind.name for kind in _CONTRASTS])]
    joint = rows[rows["analysis"].isin([kinds.COHORT_INTERACTION.name, kinds.COHORT_TREND.name])]
    if own.empty:
        return Findings(rows.iloc[:0])
    shown = {
        CONTRASTS: ReportTable(
            tables.between_cohorts(own),
            f"Ratios and differences between cohorts, with their tests{whose}.",
            f"{_OF_RATIOS} {tables.notes(own).replace(BY_HOLM, 'p (Holm)')}",
        ),
        TESTS: ReportTable(
            tables.cohort_interaction(joint),
            f"Whether ratios between cohorts differ by group, and the trend with age in each{whose}.",
            tables.notes(joint) or None,
        ),
    }
    beside = rows[rows["analysis"].isin([kinds.E_VALUE.name, kinds.FALSE_DISCOVERY.name])]
    if len(beside):
        strong = "How strong unmeasured confounding would have to be to explain each ratio, and its p-value among all"
        caption = f"{strong}{whose}."
        note = (
            "E-value: the ratio that a confounder would have to have with both the cohort and cramps; E-value of "
            "the limit: the same for the limit of the interval that is nearer to 1."
        )
        shown[BESIDE] = ReportTable(tables.beside_ratios(beside), caption, note)
    return Findings(rows.iloc[:0], shown, values={"interaction": said.interaction(joint)})
