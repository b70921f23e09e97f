"""What follows from the parameters of single cramps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr

from crampstudy.simulate.draw.hazard_scaling import scale_hazard
from crampstudy.simulate.truth.episodes import SITES, Episodes, site_shares
from crampstudy.simulate.truth.tables.rows import Remedy


def implied_by_episodes(parameters: Episodes, remedies: Sequence[Remedy]) -> dict[str, Any]:
    """Return what follows from the parameters: shares, and means over all cramps of people who cramp alike.

    Mean length and remedies' shares hold where remedies do not follow pain (``None`` otherwise), the cut and the
    rounding left out; pain is as rounded, without treatment.
    """
    sd = math.hypot(parameters.pain_sd_between, parameters.pain_sd_within)
    points = np.arange(1, 11) - 0.5
    above = ndtr((parameters.pain_mean - points) / sd) if sd else (parameters.pain_mean > points) * 1.0
    free = parameters.remedy_per_pain_point == 0
    relief = parameters.duration_mean_s - parameters.delay_mean_s
    ratios = {r.column: mean_time_ratio(r.log_hazard_ratio, parameters.duration_log_sd_within) for r in remedies}
    return {
        "woke_share": parameters.night_share * parameters.woke_at_night,
        "site_shares": {
            sex: dict(zip(SITES, site_shares(parameters, female).tolist(), strict=True))
            for sex, female in (("female", True), ("male", False))
        },
        "mean_pain": float(above.sum()),
        "remedy_shares": {r.column: r.share for r in remedies} if free else None,
        "relief_hazard_ratios_given_the_person": {r.column: math.exp(r.log_hazard_ratio) for r in remedies},
        "mean_relief_s": {r.column: relief * ratios[r.column] for r in remedies} if free else None,
        "mean_duration_s": parameters.delay_mean_s + relief * sum(r.share * ratios[r.column] for r in remedies)
        if free
        else None,
    }


def mean_time_ratio(log_hazard_ratio: float, log_sd: float) -> float:
    """Return the mean time at a hazard ratio over that at 1, given the person, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    moved = scale_hazard(nodes, np.full_like(nodes, log_hazard_ratio))
    return float(weights @ np.exp(log_sd * moved) / (weights @ np.exp(log_sd * nodes)))
