"""How was it done? Definitions, models, adjustment, gaps and software, computed of what the other sections recorded."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping

import pandas as pd

from crampstudy import tables
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.counted import OF_ROWS, counted
from crampstudy.analyses.findings import Findings, ReportTable, together
from crampstudy.analyses.others import Others
from crampstudy.analyses.overview.strobe import checklist
from crampstudy.analyses.sentences import methods as sentences
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.descriptive.flow import flow

MODELS, SOFTWARE, STROBE = "tbl-models", "tbl-software", "tbl-strobe"
PARTS = (MODELS, SOFTWARE, STROBE)
_PACKAGES = ("crampstudy", "numpy", "scipy", "polars", "pandas", "statsmodels", "formulaic", "matplotlib", "seaborn")


def describe_methods(cohort: Cohort, settings: Settings, others: Others) -> Findings:
    """Return how the sections of a report were made: of their rows, and of nothing that was typed for them."""
    rows = together(section.estimates for section in others.values())
    steps = flow(cohort, youngest=settings.youngest)
    software = versions()
    how_many, used = models(rows, cohort.name)
    shown = {
        MODELS: used,
        SOFTWARE: ReportTable(tables.software(software), "Software and versions."),
        STROBE: ReportTable(
            tables.strobe(checklist(cohort, settings, others)),
            "STROBE checklist for observational studies, filled from this run.",
            f"{sentences.consort(cohort)} GAP: what the run does not know and the authors have to write.".strip(),
        ),
    }
    values = {
        "design": sentences.design(cohort, settings),
        "gaps": sentences.gaps(cohort, steps, rows),
        "checked": sentences.checked(others),
        "cite": sentences.cite([cohort], software["crampstudy"]),
    }
    return Findings(how_many, shown, values=values)


def models(rows: pd.DataFrame, cohort: str | None = None) -> tuple[pd.DataFrame, ReportTable]:
    """Return the models of rows, and how many rows each has, which are rows themselves."""
    note = (
        "Intervals: how the uncertainty of the coefficients was estimated. Without a number: rows that say why "
        "instead, also where something was not measured."
    )
    shown = ReportTable(tables.models_used(rows), "Models of this report.", note)
    return counted(shown, cohort, "estimates of a model", OF_ROWS)


def versions() -> Mapping[str, str]:
    """Return the software that an analysis runs on, by name; a package that is not installed is left out."""
    installed = {each.metadata["Name"].lower(): each.version for each in importlib.metadata.distributions()}
    named = {name: installed.get(name, "unknown") for name in _PACKAGES}
    return {**named, "Python": platform.python_version()}


ANALYSIS = Analysis(
    "methods",
    "How was it done?",
    answers={"diary": CohortAnswer(describe_methods, PARTS), "survey": CohortAnswer(describe_methods, PARTS)},
    values=("design", "gaps", "checked", "cite"),
    follows_graph=True,
    draws_on_others=True,
)
