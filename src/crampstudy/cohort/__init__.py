"""The cohort: clean tables, their design and where they came from, frozen.

A diary cohort has nights; a survey cohort has participants with a recalled 30-day class and a sampling
design. The constructor is the only door, and it lets in only tables that keep the codebook's rules.
"""

from crampstudy.cohort.all_set_aside import all_set_aside
from crampstudy.cohort.attrition import Attrition, EarlierReading, RuleCount, TableCount
from crampstudy.cohort.checks import Kind, check_opened
from crampstudy.cohort.credits import Credits
from crampstudy.cohort.frozen import Cohort
from crampstudy.cohort.keys import repeated_keys
from crampstudy.cohort.read_only import ReadOnly
from crampstudy.cohort.survey_design import SurveyDesign

__all__ = [
    "Attrition",
    "Cohort",
    "Credits",
    "EarlierReading",
    "Kind",
    "ReadOnly",
    "RuleCount",
    "SurveyDesign",
    "TableCount",
    "all_set_aside",
    "check_opened",
    "repeated_keys",
]
