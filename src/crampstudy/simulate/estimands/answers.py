"""What an analysis of a simulated cohort should find: the answers that its truth implies, each with its own error.

Answers come from a registry: a function that is decorated with :func:`answers` adds its own, in closed form or from the
potential outcomes of a large population drawn from the same truth. A model is held against the answer to the question
that it asks, never against a coefficient that means something else.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from crampstudy.errors import ParameterError
from crampstudy.simulate.calendar import JULY_PEAK, YEAR
from crampstudy.simulate.draw.direct_age_effect import ages_vary, direct_log_ratio
from crampstudy.simulate.estimands.episodes import implied_by_episodes
from crampstudy.simulate.estimands.potential_outcomes import DRAWS, Population, has_total
from crampstudy.simulate.estimands.treatment_effects import treatment_effects
from crampstudy.simulate.truth import causal_graph
from crampstudy.simulate.truth.design import nights_needed
from crampstudy.simulate.truth.tables.rows import Effect
from crampstudy.simulate.truth.truth import Truth, slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One true value.

    ``value`` stands on ``scale`` (rate ratios as logs); ``mc_error`` is the standard error of a value that was drawn,
    from ``draws`` potential outcomes, and missing for one in closed form.
    """

    key: str
    estimand: str
    scale: str
    value: float
    found_by: str
    term: str | None = None
    level: str | None = None
    unit: str | None = None
    mc_error: float | None = None
    draws: int | None = None


Source = Callable[[Truth, Population], Iterator[Answer]]
_SOURCES: list[Source] = []


def answers(source: Source) -> Source:
    """Add a function to the registry: it yields the answers to the questions of one kind of model."""
    _SOURCES.append(source)
    return source


def answer(truth: Truth, population: Population) -> tuple[Answer, ...]:
    """Return every answer of the registry, the population being one of the same truth."""
    return tuple(found for source in _SOURCES for found in source(truth, population))


def as_rows(found: tuple[Answer, ...]) -> list[dict[str, Any]]:
    """Return answers as JSON has them.

    Raises:
        ParameterError: too few potential outcomes were drawn for one of them.
    """
    for item in found:
        if not math.isfinite(item.value) or not math.isfinite(item.mc_error or 0.0):
            raise ParameterError(f"{item.draws} draws are too few: {item.key} has no value; the default is {DRAWS:,}")
    return [asdict(item) for item in found]


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


def covariate(truth: Truth, effect: Effect) -> str:
    """Return the ``x`` of an effect in words and symbols of the cohort's own columns."""
    centre, scale = truth.scaling(effect)
    if effect.part == "person":
        if effect.level is not None:
            return f"1 where {effect.column} is {effect.level}, else 0"
        if effect.column in {c.column for c in truth.conditions}:
            return f"1 where {effect.column}, else 0"
        measure = next((m for m in truth.measures if m.column == effect.column), None)
        if measure and measure.season:
            # The person's level over the year acts; the study notes that of the day.
            level = f"{effect.column} / (1 + {measure.season:g} cos(2 pi (d - {JULY_PEAK}) / {YEAR}))"
            return f"({level} - {centre:g}) / {scale:g}, d the day of the year of the first night"
        return f"({effect.column} - {centre:g}) / {scale:g}"
    shown = _gate(truth, effect.column)
    if effect.window_nights > 1:
        shown = f"mean of {shown} over {effect.window_nights} nights, the last of them {effect.lag_nights} back"
    elif effect.lag_nights:
        shown = f"{shown} {effect.lag_nights} night{'s' if effect.lag_nights > 1 else ''} before"
    match effect.part:
        case "within":
            shown = f"{shown}, less its mean over all nights of the participant, logged or not"
        case "between":
            shown = f"mean of {shown} over all nights of the participant, less {centre:g}"
    return shown if scale == 1 else f"({shown}) / {scale:g}"


def _gate(truth: Truth, column: str) -> str:
    # A gate shows in the diary by an amount that is above nothing on exactly its days.
    shown = (h.column for h in truth.habits if h.given == column and h.chance == 1 and h.kind == "log-normal")
    return next((f"({name} > 0)" for name in shown), column)
