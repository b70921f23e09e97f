"""Who causes whom in the study, as data, and what follows: what to adjust for, and what a formula should leave."""

from crampstudy.causal.adjustment import Adjustment, adjustment_set
from crampstudy.causal.conditioning import conditioning
from crampstudy.causal.graph import Arrow, CausalGraph, CausalNode, plain
from crampstudy.causal.graph_file import read, study
from crampstudy.causal.measured import measured_in
from crampstudy.causal.mediation import MediatedPath, mediated_path

__all__ = [
    "Adjustment",
    "Arrow",
    "CausalGraph",
    "CausalNode",
    "MediatedPath",
    "adjustment_set",
    "conditioning",
    "measured_in",
    "mediated_path",
    "plain",
    "read",
    "study",
]
