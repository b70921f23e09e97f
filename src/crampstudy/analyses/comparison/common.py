"""A diary beside a survey: what each has by itself, and the one measure that both have."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.comparison.sentences import common as said
from crampstudy.analyses.comparison.sentences.bands import grouping
from crampstudy.analyses.findings import Drawing, Findings, ReportTable
from crampstudy.contrasts.cohorts.further.common_measure import LIMIT, NOTED
from crampstudy.estimates import kinds

FIGURE, TABLE, RATES, PREVALENCES = "fig-common", "tbl-common", "tbl-rates", "tbl-prevalences"
PARTS = (FIGURE, TABLE, RATES, PREVALENCES)


def common_measure(rows: pd.DataFrame) -> Findings:
    """Return the shares of people by cramps in 30 nights in cohorts of two kinds, and how often cramps are in each."""
    between = kinds.BETWEEN_KINDS.rows(rows)
    if between.empty:
        return Findings(rows.iloc[:0])
    drawing = Drawing(
        "common_measure",
        rows,
        caption="Share of people by cramps in 30 nights: implied by the nights of a diary, and recalled in a survey.",
        alt=f"Points with intervals by class and cohort. {said.answer(between)}",
    )
    caption = "Share of people by cramps in 30 nights: ratio and difference of a diary and a survey."
    shown = {
        TABLE: ReportTable(tables.between_kinds(between), caption, f"{LIMIT} {tables.notes(between, besides=[NOTED])}")
    }
    own = {RATES: (kinds.INCIDENCE_RATE, tables.rates), PREVALENCES: (kinds.PREVALENCE, tables.prevalence)}
    for label, (kind, table) in own.items():
        of = rows[rows["cohort"].isin(kind.rows(rows)["cohort"].unique()[:1])]
        of = of[of["analysis"].isin([each.name for each in DESCRIBED])]
        name = str(of["cohort"].iloc[0])
        shown[label] = ReportTable(table(of), said.own(name, kind.name, grouping(of)), tables.notes(of) or None)
    return Findings(rows.iloc[:0], shown, {FIGURE: drawing}, {"common": said.answer(between)})


DESCRIBED = (
    *(kinds.INCIDENCE_RATE, kinds.MEAN_PERSON_RATE, kinds.STANDARDISED_RATE),
    *(kinds.PREVALENCE, kinds.STANDARDISED_PREVALENCE),
)
