"""What is each number, and what was it adjusted for? Of every kind of row that the other sections recorded."""

from __future__ import annotations

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.counted import OF_ROWS, counted
from crampstudy.analyses.findings import Findings, ReportTable, together
from crampstudy.analyses.others import Others
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort

DEFINITIONS, ADJUSTMENT = "tbl-definitions", "tbl-adjustment-sets"
PARTS = (ADJUSTMENT, DEFINITIONS)


def define(cohort: Cohort, settings: Settings, others: Others) -> Findings:
    """Return the meaning of each kind of row, and what each exposure was adjusted for by the causal graph."""
    rows = together(section.estimates for section in others.values())
    how_many, defined = definitions(rows, cohort.name)
    return Findings(how_many, {ADJUSTMENT: adjustment(rows), DEFINITIONS: defined})


def adjustment(rows: pd.DataFrame) -> ReportTable:
    """Return what each exposure of rows was adjusted for by the causal graph."""
    caption = "What each exposure was adjusted for, by the causal graph of the study."
    return ReportTable(tables.adjusted_for(rows), caption, tables.adjusted_note(rows))


def definitions(rows: pd.DataFrame, cohort: str | None = None) -> tuple[pd.DataFrame, ReportTable]:
    """Return what each kind of row is, and how many there are, which are rows themselves."""
    shown = ReportTable(tables.definitions(rows), "What each kind of estimate in this report is.")
    return counted(shown, cohort, "estimates of a kind", OF_ROWS)


ANALYSIS = Analysis(
    "definitions",
    "What is each number of this report, and what was it adjusted for?",
    answers={"diary": CohortAnswer(define, PARTS), "survey": CohortAnswer(define, PARTS)},
    follows_graph=True,
    draws_on_others=True,
)
