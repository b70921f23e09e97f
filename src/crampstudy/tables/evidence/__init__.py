"""What published trials say, as tables and sentences for readers."""

from crampstudy.tables.evidence.agents import against_article, agents
from crampstudy.tables.evidence.grade import grade_inputs
from crampstudy.tables.evidence.pools import moved, pooled, sensitivity, trials

__all__ = ["against_article", "agents", "grade_inputs", "moved", "pooled", "sensitivity", "trials"]
