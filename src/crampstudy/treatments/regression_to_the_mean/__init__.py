"""The fall that a run-in and enrolment in a flare bring by themselves, beside the fall that was observed."""

from crampstudy.treatments.regression_to_the_mean.rows import regression_to_the_mean

__all__ = ["regression_to_the_mean"]
