"""Dated blood samples: the baseline that the participants table repeats, and later ones around the person's level."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from crampstudy import codebook
from crampstudy.simulate.arrays import Column, Floats, Integers
from crampstudy.simulate.calendar import annual_cosine
from crampstudy.simulate.truth.truth import Truth


def draw_labs(
    truth: Truth,
    levels: Mapping[str, Column],
    baseline: Mapping[str, Column],
    first_night: Integers,
    nights: int,
    rng: np.random.Generator,
) -> dict[str, Column]:
    """Draw the samples of every participant, one row per participant, date and analyte.

    Args:
        truth: The truth.
        levels: The persons' levels over the year.
        baseline: What is recorded of the sample on the first night.
        first_night: Integers from 1970-01-01.
        nights: Nights of the diary; samples are taken every ``people.labs_every_nights`` of them.
        rng: The generator; each analyte has one of its own.

    Returns:
        ``row`` (the participant's position), ``date`` (days from 1970-01-01), ``analyte``, ``value`` and ``unit``.
    """
    names = {variable.name: analyte for analyte, variable in codebook.analytes().items()}
    sampled = [m for m in truth.measures if m.sampled == "yes" and m.column in names]
    days = np.arange(0, nights, truth.people.labs_every_nights)
    date = first_night[:, None] + days
    season = annual_cosine(date)
    values = []
    for measure, own in zip(sampled, rng.spawn(len(sampled)), strict=True):
        variable = codebook.variable(measure.column, "participants")
        level = levels[measure.column].astype(np.float64)[:, None] * (1 + measure.season * season)
        repeat = level + measure.sd_repeat * own.standard_normal(date.shape)
        if variable.minimum is not None:
            repeat = np.clip(repeat, variable.minimum, variable.maximum)
        repeat[:, 0] = baseline[measure.column]
        values.append(repeat.round(measure.decimals) + 0.0)
    n, times, analytes = len(first_night), len(days), len(sampled)
    units = [codebook.variable(m.column, "participants").unit or "" for m in sampled]
    return {
        "row": np.repeat(np.arange(n), times * analytes),
        "date": np.repeat(date.ravel(), analytes),
        "analyte": np.tile([names[m.column] for m in sampled], n * times),
        "value": _interleaved(values),
        "unit": np.tile(units, n * times),
    }


def _interleaved(values: list[Floats]) -> Floats:
    return np.stack(values, axis=-1).ravel()
