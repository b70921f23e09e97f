"""What is described without a model: rates and prevalence by group, time to relief, classes, who is in a cohort."""

from crampstudy.descriptive.describe import Description, describe

__all__ = ["Description", "describe"]
