"""The dispersion of counts, as every family that has one reports it."""

from __future__ import annotations

import numpy as np

from crampstudy.models.coefficients.auxiliary_parameters import Extra
from crampstudy.models.nights.count import CountFit
from crampstudy.models.nights.random_effects.mixed_fit import MixedFit
from crampstudy.models.nights.zeros.zero_inflated import ZerosFit
from crampstudy.models.optimise.profile_likelihood import Profile

LOGARITHMIC = "counts above zero are as dispersed as can be, a logarithmic series"


def dispersion(fitted: CountFit | MixedFit | ZerosFit, profile: Profile | None) -> Extra:
    """Return the row of a negative binomial's dispersion, its interval from the ``profile`` of the likelihood."""
    boundary = fitted.at_boundary if isinstance(fitted, CountFit) else fitted.dispersion_at_boundary
    unit = "alpha, variance = mean + alpha mean^2"
    if np.isinf(fitted.dispersion):
        return Extra("dispersion", "dispersion", unit, np.nan, status="boundary", note=LOGARITHMIC)
    if boundary:
        return Extra("dispersion", "dispersion", unit, 0.0, status="boundary")
    note = "interval from the likelihood, which takes nights as independent"
    if isinstance(fitted, MixedFit):
        note = "interval from the likelihood, which takes nights as independent given the participant"
    return Extra(
        "dispersion", "dispersion", unit, fitted.dispersion, fitted.dispersion_error, note=note, profile=profile
    )
