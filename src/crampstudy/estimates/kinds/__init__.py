"""The kinds of results: what a row of estimates means, and which table, figure and sentence show it.

The column ``analysis`` of a row holds the name of its kind, and only this room writes these names: whoever makes rows,
tables or figures picks them by a kind. Tables and figures stand in rooms of their own, and are named here by their
functions in :mod:`crampstudy.tables` and :mod:`crampstudy.figures`.
"""

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
from crampstudy.estimates.kinds.fits import (
    ADJUSTED,
    BOOTSTRAP,
    BOOTSTRAP_CORRECTED,
    BOOTSTRAP_PERCENTILE,
    GRAPH_ADJUSTED,
    MUSCLE,
    MUTUAL,
    REGRESSION,
)
from crampstudy.estimates.kinds.participants import (
    CHARACTERISTICS,
    COMPLETENESS,
    COMPLETENESS_BY_WEEK,
    MEASURED,
    PARTICIPANTS,
)
from crampstudy.estimates.kinds.person_time import CORRECTED, DISTRIBUTED_LAG, RELIABILITY, WITHIN_BETWEEN
from crampstudy.estimates.kinds.registry import (
    KINDS,
    Kind,
    is_split,
    named,
    of_fit,
    of_rows,
    register,
    split_of,
)

__all__ = [
    "ADJUSTED",
    "AGE_CURVE",
    "AT_RISK",
    "BETWEEN_ADJUSTED",
    "BETWEEN_COHORTS",
    "BETWEEN_STANDARDISED",
    "BOOTSTRAP",
    "BOOTSTRAP_CORRECTED",
    "BOOTSTRAP_PERCENTILE",
    "CHARACTERISTICS",
    "CLASS_IMPLIED",
    "CLASS_WINDOWS",
    "COHORT_INTERACTION",
    "COHORT_TREND",
    "COMPLETENESS",
    "COMPLETENESS_BY_WEEK",
    "CORRECTED",
    "DISTRIBUTED_LAG",
    "GRAPH_ADJUSTED",
    "INCIDENCE_RATE",
    "KINDS",
    "MEAN_PERSON_RATE",
    "MEAN_RELIEF",
    "MEASURED",
    "MEDIAN_RELIEF",
    "MUSCLE",
    "MUTUAL",
    "PARTICIPANTS",
    "PREVALENCE",
    "REGRESSION",
    "RELIABILITY",
    "RELIEF_CURVE",
    "STANDARDISED_PREVALENCE",
    "STANDARDISED_RATE",
    "WITHIN_BETWEEN",
    "Kind",
    "is_split",
    "named",
    "of_fit",
    "of_rows",
    "register",
    "split_of",
]
