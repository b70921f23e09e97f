"""The kinds of results: what a row of estimates means, and which table, figure and sentence show it.

The column ``analysis`` of a row holds the name of its kind, and only this room writes these names: whoever makes rows,
tables or figures picks them by a kind. Tables and figures stand in rooms of their own, and are named here by their
functions in :mod:`crampstudy.tables` and :mod:`crampstudy.figures`.
"""

from crampstudy.estimates.kinds import evidence
from crampstudy.estimates.kinds.comparisons import (
    BETWEEN_ADJUSTED,
    BETWEEN_COHORTS,
    BETWEEN_STANDARDISED,
    COHORT_INTERACTION,
    COHORT_TREND,
)
from crampstudy.estimates.kinds.described import (
    AGE_CURVE,
    AT_RISK,
    CLASS_IMPLIED,
    CLASS_WINDOWS,
    INCIDENCE_RATE,
    MEAN_PERSON_RATE,
    MEAN_RELIEF,
    MEDIAN_RELIEF,
    PREVALENCE,
    RELIEF_CURVE,
    STANDARDISED_PREVALENCE,
    STANDARDISED_RATE,
)
from crampstudy.estimates.kinds.dose_response import DOSE_RESPONSE, EXPOSURE_LEVEL, LOW_LEVEL, SHAPE
from crampstudy.estimates.kinds.fits import (
    ADJUSTED,
    AGE_ALONE,
    AGE_BESIDE_ALL,
    AGE_BESIDE_JOINTS,
    AGE_BESIDE_MUSCLE,
    AGE_BESIDE_SITTING,
    BOOTSTRAP,
    BOOTSTRAP_CORRECTED,
    BOOTSTRAP_PERCENTILE,
    GRAPH_ADJUSTED,
    MUSCLE,
    MUTUAL,
    REGRESSION,
)
from crampstudy.estimates.kinds.frequency import CONCENTRATION, CRAMP_NIGHTS, DISTRIBUTION, OFTEN, RECALLED
from crampstudy.estimates.kinds.participants import (
    CHARACTERISTICS,
    COMPLETENESS,
    COMPLETENESS_BY_WEEK,
    MEASURED,
    PARTICIPANTS,
)
from crampstudy.estimates.kinds.person_time import CORRECTED, DISTRIBUTED_LAG, RELIABILITY, WINDOW, WITHIN_BETWEEN
from crampstudy.estimates.kinds.registry import KINDS, Kind, is_split, named, of_fit, of_rows, register, split_of
from crampstudy.estimates.kinds.sections.activity import JOINT, THIRDS
from crampstudy.estimates.kinds.sections.case_definition import CASE_RATE, CRITERION
from crampstudy.estimates.kinds.sections.conditions import CONDITION, CONDITION_AT_50, CONDITION_AT_75, CONDITION_BY_AGE
from crampstudy.estimates.kinds.sections.hydration import ADHERENCE, MODIFIED, NIGHTLY_COUNT
from crampstudy.estimates.kinds.sections.recall import RECALL, RECALL_CELLS
from crampstudy.estimates.kinds.sections.season import CYCLE, EXAMINED, MONTHS, SEASON
from crampstudy.estimates.kinds.sections.severity import FEATURE, MEAN_ONSET, ONSET, REMEDY, REMEDY_AT_EQUAL_PAIN
from crampstudy.estimates.kinds.sections.sleep import (
    BOTH_DIRECTIONS,
    CRAMP_NIGHT,
    CRAMP_NIGHT_ADJUSTED,
    CRAMP_NIGHT_MODEL_BASED,
    LAG_ADJUSTED,
    SLEEP_AND_MOOD,
)
from crampstudy.estimates.kinds.sections.triage import FLAG_STABILITY, RED_FLAG, TEST_RESULT

__all__ = [
    "ADHERENCE",
    "ADJUSTED",
    "AGE_ALONE",
    "AGE_BESIDE_ALL",
    "AGE_BESIDE_JOINTS",
    "AGE_BESIDE_MUSCLE",
    "AGE_BESIDE_SITTING",
    "AGE_CURVE",
    "AT_RISK",
    "BETWEEN_ADJUSTED",
    "BETWEEN_COHORTS",
    "BETWEEN_STANDARDISED",
    "BOOTSTRAP",
    "BOOTSTRAP_CORRECTED",
    "BOOTSTRAP_PERCENTILE",
    "BOTH_DIRECTIONS",
    "CASE_RATE",
    "CHARACTERISTICS",
    "CLASS_IMPLIED",
    "CLASS_WINDOWS",
    "COHORT_INTERACTION",
    "COHORT_TREND",
    "COMPLETENESS",
    "COMPLETENESS_BY_WEEK",
    "CONCENTRATION",
    "CONDITION",
    "CONDITION_AT_50",
    "CONDITION_AT_75",
    "CONDITION_BY_AGE",
    "CORRECTED",
    "CRAMP_NIGHT",
    "CRAMP_NIGHTS",
    "CRAMP_NIGHT_ADJUSTED",
    "CRAMP_NIGHT_MODEL_BASED",
    "CRITERION",
    "CYCLE",
    "DISTRIBUTED_LAG",
    "DISTRIBUTION",
    "DOSE_RESPONSE",
    "EXAMINED",
    "EXPOSURE_LEVEL",
    "FEATURE",
    "FLAG_STABILITY",
    "GRAPH_ADJUSTED",
    "INCIDENCE_RATE",
    "JOINT",
    "KINDS",
    "LAG_ADJUSTED",
    "LOW_LEVEL",
    "MEAN_ONSET",
    "MEAN_PERSON_RATE",
    "MEAN_RELIEF",
    "MEASURED",
    "MEDIAN_RELIEF",
    "MODIFIED",
    "MONTHS",
    "MUSCLE",
    "MUTUAL",
    "NIGHTLY_COUNT",
    "OFTEN",
    "ONSET",
    "PARTICIPANTS",
    "PREVALENCE",
    "RECALL",
    "RECALLED",
    "RECALL_CELLS",
    "RED_FLAG",
    "REGRESSION",
    "RELIABILITY",
    "RELIEF_CURVE",
    "REMEDY",
    "REMEDY_AT_EQUAL_PAIN",
    "SEASON",
    "SHAPE",
    "SLEEP_AND_MOOD",
    "STANDARDISED_PREVALENCE",
    "STANDARDISED_RATE",
    "TEST_RESULT",
    "THIRDS",
    "WINDOW",
    "WITHIN_BETWEEN",
    "Kind",
    "evidence",
    "is_split",
    "named",
    "of_fit",
    "of_rows",
    "register",
    "split_of",
]
