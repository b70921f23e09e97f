"""What published trials say, as tables and sentences for readers."""

from crampstudy.tables.evidence.agents import against_article, agents, in_whom, intervals, single_trials
from crampstudy.tables.evidence.grade import grade_inputs
from crampstudy.tables.evidence.pools import moved, pooled, sensitivity, trials

__all__ = [
    "against_article",
    "agents",
    "grade_inputs",
    "in_whom",
    "intervals",
    "moved",
    "pooled",
    "sensitivity",
    "single_trials",
    "trials",
]
