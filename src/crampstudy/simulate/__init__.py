"""Cohorts drawn from a known truth, to try methods on: ``simulate(500, 90, seed=1)``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from crampstudy.cohort import Cohort
from crampstudy.simulate.draw import draw
from crampstudy.simulate.parameters import check_whole
from crampstudy.simulate.truth import Truth
from crampstudy.sources import package

__all__ = ["TRUTH_FILE", "Truth", "draw", "simulate", "write"]

TRUTH_FILE = "truth.json"


def simulate(participants: int, nights: int, seed: int, truth: Truth | None = None) -> Cohort:
    """Draw a synthetic diary cohort; equal arguments give an equal cohort.

    Raises:
        ParameterError: ``participants``, ``nights`` or ``seed`` is out of range.
    """
    check_whole("seed", seed, 0, 2**63 - 1)
    return draw(truth or Truth(), participants=participants, nights=nights, rng=np.random.default_rng(seed))


def write(
    folder: Path, participants: int, nights: int, seed: int, truth: Truth | None = None, format: package.Format = "csv"
) -> Cohort:
    """Draw a cohort and write it as a data package with ``truth.json`` beside it, whole or not at all.

    Raises:
        ParameterError: ``participants``, ``nights`` or ``seed`` is out of range.
        UsageError: the format is unknown, or the folder holds files that are not a cohort's.
    """
    truth = truth or Truth()
    cohort = simulate(participants, nights, seed, truth)
    stated = truth.to_json(seed=seed, participants=participants, nights=nights)
    package.write(cohort, folder, format, {TRUTH_FILE: stated.encode()})
    return cohort
