"""The fall that a run-in and enrolment in a flare bring by themselves, beside the fall that was observed."""

from crampstudy.treatments.regression_to_the_mean.rows import (
    AFTER,
    ALL,
    EXPECTED,
    HALF_LIFE,
    OBSERVED,
    OF_FLARE,
    OF_SELECTION,
    REMAINS,
    RUN_IN,
    regression_to_the_mean,
)

__all__ = [
    "AFTER",
    "ALL",
    "EXPECTED",
    "HALF_LIFE",
    "OBSERVED",
    "OF_FLARE",
    "OF_SELECTION",
    "REMAINS",
    "RUN_IN",
    "regression_to_the_mean",
]
