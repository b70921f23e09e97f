"""Marginal answers: rates and prevalence by group, standardised; curves over age; who is in a cohort."""

from crampstudy.contrasts.describe import Description, compare, describe

__all__ = ["Description", "compare", "describe"]
