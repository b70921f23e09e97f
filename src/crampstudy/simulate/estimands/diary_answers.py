"""True values of a diary: rate ratios, rates, classes, variation, treatments and single cramps.

In closed form, or from the potential outcomes of a large population drawn from the same truth. A model is held against
the answer to the question that it asks, never against a coefficient that means something else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from crampstudy.simulate.draw.direct_age_effect import ages_vary, direct_log_ratio
from crampstudy.simulate.estimands.covariates import covariate
from crampstudy.simulate.estimands.episodes import implied_by_episodes
from crampstudy.simulate.estimands.potential_outcomes import Population, has_total
from crampstudy.simulate.estimands.registry import Answer, answers
from crampstudy.simulate.estimands.treatment_effects import treatment_effects
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.design import nights_needed
from crampstudy.simulate.truth.truth import Truth, slug


@answers
def conditional(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the rate ratio of every term, all others held: what a model with all of them estimates.

    The multipliers have mean one and the link is the logarithm, so that the ratio given the person and the one over all
    persons agree: a Poisson or negative-binomial model, a mixed model and GEE have the same target.
    """
    for effect in truth.effects:
        name = {"person": "conditional", "share": "conditional"}.get(effect.part, effect.part)
        yield Answer(
            key=f"{name}:{slug(effect.term)}",
            estimand=f"{name} rate ratio, all else held" + (" (direct effect)" if effect.meaning == "total" else ""),
            term=effect.term,
            level=effect.level,
            scale="log rate ratio",
            unit=effect.unit,
            value=direct_log_ratio(truth, effect),
            found_by=f"a count model with every term that acts, and x = {covariate(truth, effect)}",
        )


@answers
def total(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the total effect of every person-level exposure that acts through others too."""
    for effect in truth.effects:
        if effect.column == "age_years" and ages_vary(truth):
            value, error = population.projected(effect)
            found_by = "a count model with age and sex only"
        elif effect.column != "age_years" and effect.part == "person" and has_total(truth, effect):
            value, error = population.contrast(effect)
            beside = ", ".join(causal_graph.adjust_for(truth, effect.column))
            found_by = f"a count model with it and {beside}" if beside else "a count model with it alone"
        else:
            continue
        yield Answer(
            key=f"total:{slug(effect.term)}",
            estimand="total rate ratio, through all that it causes",
            term=effect.term,
            level=effect.level,
            scale="log rate ratio",
            unit=effect.unit,
            value=value,
            mc_error=error,
            draws=population.people,
            found_by=found_by,
        )


@answers
def marginal(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield mean rates of all, per age band and per sex, over the calendar of the study."""
    for group, (value, error, draws) in population.rates().items():
        yield Answer(
            key=f"rate:{group}",
            estimand="incidence rate, marginal",
            level=group,
            scale="cramps per person-week",
            unit="1/week",
            value=value,
            mc_error=error,
            draws=draws,
            found_by="total cramps over observed nights, times 7, where logging does not depend on cramps",
        )


@answers
def classes(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the shares of the 30-day frequency classes of all and per age band."""
    for group, shares in population.classes().items():
        for label, (value, error, draws) in shares.items():
            yield Answer(
                key=f"class:{group}:{label}",
                estimand=f"share with {label} cramps in 30 nights",
                term=None,
                level=group,
                scale="prevalence",
                unit=None,
                value=value,
                mc_error=error,
                draws=draws,
                found_by="30 full nights of each participant, or a model of them standardised to this population",
            )


@answers
def variation(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield the variances of the mean-one multipliers."""
    cramps = truth.cramps
    lasting = math.exp(cramps.latent_sd**2 + cramps.slow_sd**2) - 1
    person = population.variance_of_persons()
    for key, value, about in (
        ("person", person, "variance of the persons' multipliers"),
        ("lasting", lasting, "variance of the multipliers that last from night to night"),
        ("night", cramps.night_dispersion, "variance of the multipliers of single nights"),
        (
            "dispersion",
            (1 + person) * (1 + lasting) * (1 + cramps.night_dispersion) - 1,
            "dispersion of a night's count",
        ),
    ):
        yield Answer(
            key=f"variance:{key}",
            estimand=about,
            scale="variance over squared mean",
            value=value,
            found_by="a night's count has variance m + dispersion m^2 at mean m given the terms",
        )


@answers
def treated(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield what the treatments in use do to the rate: at full effect, and in a trial over a whole period."""
    for agent, effect in treatment_effects(truth.agents, truth.design, nights_needed(truth.design)).items():
        trial = "against" in effect
        yield Answer(
            key=f"treatment:{agent}",
            estimand=f"{effect['estimand']}, {'over a period' if trial else 'once built up'}",
            term=agent,
            scale="log rate ratio",
            unit=f"against {effect['against']}" if trial else "against no use",
            value=effect["log_rate_ratio_over_period" if trial else "log_rate_ratio"],
            found_by="cramps by arm and period, build-up included"
            if trial
            else "a count model with exposure, the person's own rate and the agent's modifier",
        )


@answers
def single_cramps(truth: Truth, population: Population) -> Iterator[Answer]:
    """Yield what follows of single cramps: shares, mean length and pain, remedies' hazard ratios."""
    for name, value in _flat(implied_by_episodes(truth.episodes, truth.remedies)):
        yield Answer(
            key=f"episode:{name}",
            estimand=name.replace("_", " ").replace(".", ", "),
            scale="as named",
            value=value,
            found_by="the episodes, all persons cramping alike",
        )


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        elif isinstance(value, float | int):
            yield f"{before}{name}", float(value)
