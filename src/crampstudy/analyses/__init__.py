"""One analysis for each question of the article: a pure function from a cohort and settings to :class:`Findings`.

``run("age-and-muscle", open_cohort("my-study"))`` gives what the section of that name shows.
"""

from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined
from crampstudy.analyses.others import Others, SectionResults, read_results
from crampstudy.analyses.registry import ANALYSES, named, run
from crampstudy.analyses.settings import Settings

__all__ = [
    "ANALYSES",
    "Analysis",
    "CohortAnswer",
    "Drawing",
    "Findings",
    "Others",
    "ReportTable",
    "SectionResults",
    "Settings",
    "attempt",
    "joined",
    "named",
    "read_results",
    "run",
]
