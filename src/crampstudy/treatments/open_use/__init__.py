"""Treatments that people took by their own choice: weights, balance, overlap, and the average effect in the cohort."""

from crampstudy.treatments.open_use.effect import open_use

__all__ = ["open_use"]
