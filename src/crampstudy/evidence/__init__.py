"""Published evidence on treatments of night cramps: trials in one unit, their meta-analysis, one's own trial beside.

``synthesise("magnesium", "idiopathic").estimates`` are the tidy rows of the trials and of their pool;
``read("trials")`` is the table that they are made of.
"""

from crampstudy.evidence.cohort_trial import beside_cohort
from crampstudy.evidence.package import agents, populations, read, studies
from crampstudy.evidence.rows import SynthesisOptions
from crampstudy.evidence.study import Study
from crampstudy.evidence.synthesis import Synthesis, beside, check, synthesise

__all__ = [
    "Study",
    "Synthesis",
    "SynthesisOptions",
    "agents",
    "beside",
    "beside_cohort",
    "check",
    "populations",
    "read",
    "studies",
    "synthesise",
]
