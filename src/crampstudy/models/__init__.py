"""Models of cramps: a formula and a cohort in, tidy estimates out."""

from crampstudy.models.fit import MODELS, Fit, answer, fit

__all__ = ["MODELS", "Fit", "answer", "fit"]
