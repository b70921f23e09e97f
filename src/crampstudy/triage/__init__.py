"""The article's red flags in a diary: which weeks and people have one, the tests it suggests, and results beside it.

Research output, not medical advice: no flag says that somebody is ill, and none missing that somebody is well.
"""

from crampstudy.triage.flags import DISCLAIMER, FLAGS, RedFlag, Suggestion
from crampstudy.triage.people import SENSITIVE, nights_account, triage, triage_table
from crampstudy.triage.shares import red_flags
from crampstudy.triage.weeks import person_weeks

__all__ = [
    "DISCLAIMER",
    "FLAGS",
    "SENSITIVE",
    "RedFlag",
    "Suggestion",
    "nights_account",
    "person_weeks",
    "red_flags",
    "triage",
    "triage_table",
]
