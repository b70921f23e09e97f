"""What coefficients say together: an exposure over its lags, a number between declared values, fluid in the heat."""

from __future__ import annotations

from collections.abc import Iterator

from crampstudy.codebook import contrasts
from crampstudy.simulate.draw.cramp_counts import FLUID
from crampstudy.simulate.draw.direct_age_effect import direct_log_ratio
from crampstudy.simulate.estimands.potential_outcomes import Population
from crampstudy.simulate.estimands.registry import Answer, answers
from crampstudy.simulate.truth.tables.rows import Effect
from crampstudy.simulate.truth.truth import Truth, slug

COOL, WARM = 10.0, 30.0
"""Degrees Celsius between which claim C42 compares what fluid does."""


@answers
def cumulative(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the sum of an exposure's effects over its lags: one unit more on each of the nights, all else held."""
    for column in dict.fromkeys(effect.column for effect in truth.effects):
        lags = [e for e in truth.effects if e.column == column and e.part == "within" and e.window_nights == 1]
        scales = {truth.scaling(effect)[1] for effect in lags}
        if len({effect.lag_nights for effect in lags}) < 2 or len(scales) > 1:
            continue
        nights = " and ".join(str(effect.lag_nights) for effect in sorted(lags, key=lambda each: each.lag_nights))
        yield Answer(
            key=f"cumulative:{slug(column)}",
            estimand=f"cumulative rate ratio over the lags {nights}, all else held",
            term=column,
            scale="log rate ratio",
            unit=lags[0].unit,
            value=sum(effect.log_rate_ratio for effect in lags),
            found_by="the sum of the coefficients of a count model with every lag and every other term that acts",
        )


@answers
def declared_contrasts(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the rate ratio of a number between the two values that the codebook declares, all else held."""
    for effect in truth.effects:
        declared = contrasts.find(effect.column, deviation=effect.part == "within")
        if not _linear(effect) or declared is None or declared.kind not in ("value", "deviation"):
            continue
        name = "conditional" if effect.part == "person" else effect.part
        steps = (declared.at - declared.reference) / truth.scaling(effect)[1]
        yield Answer(
            key=f"contrast:{slug(effect.term)}",
            estimand=f"{name} rate ratio, all else held" + (" (direct effect)" if effect.meaning == "total" else ""),
            term=effect.term,
            level=declared.wording(declared.at, declared.reference),
            scale="log rate ratio",
            value=steps * direct_log_ratio(truth, effect) + 0.0,
            found_by="the declared contrast of a count model with every term that acts, the number as it is",
        )


@answers
def fluid(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield how the effect of fluid changes with the temperature, and what fluid does to nocturia."""
    declared = contrasts.find(FLUID, deviation=True)
    spread = next(habit.sd_within for habit in truth.habits if habit.column == FLUID)
    if declared is None or not spread:
        return
    size, of_heat = declared.at - declared.reference, truth.cramps.fluid_by_temperature
    less = f"{abs(size):g} mL/day {'above' if size > 0 else 'below'} own mean"
    yield Answer(
        key="interaction:fluid-temperature",
        estimand="ratio of rate ratios per unit of both, all else held",
        term="fluid_ml:ambient_temperature_c",
        scale="log rate ratio",
        unit="per SD within persons and 10 degrees Celsius",
        value=of_heat,
        found_by=f"a count model with every term that acts, both and their product, fluid less its mean / {spread:g}",
    )
    yield Answer(
        key="contrast:fluid-temperature",
        estimand="ratio of rate ratios, all else held",
        term="fluid_ml:ambient_temperature_c",
        level=f"{less} at {WARM:g} against {COOL:g} degrees Celsius",
        scale="log rate ratio",
        value=of_heat * size / spread * (WARM - COOL) / 10 + 0.0,
        found_by="the same model",
    )
    yield Answer(
        key="nocturia:fluid",
        estimand="ratio of the times up to pass urine, given the awakenings",
        term=FLUID,
        level=less,
        scale="log rate ratio",
        value=truth.burden.nocturia_per_litre * size / 1000 + 0.0,
        found_by="a count model of nocturia with fluid less the person's mean, where no share of awakenings reaches 1",
    )


def _linear(effect: Effect) -> bool:
    """Return whether the effect is one of a number of a person, or of the nights themselves."""
    return effect.level is None and effect.window_nights == 1 and effect.lag_nights == 0
