"""What a trial published as a difference in cramps a week with its standard error, each conversion in words.

The interval comes first: as published, from the standard deviations of the arms, or from the P value (of a crossover by
t with its participants less one, of other designs by the normal distribution). The standard error with which the trial
enters a pool is half the width of that interval by 1.96, so that the trial is as uncertain there as where it was
published.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from crampstudy import wording
from crampstudy.errors import AnalysisError
from crampstudy.evidence.random_effects import quantile
from crampstudy.evidence.study import Study

_DAYS = {"day": 1.0, "night": 1.0, "week": 7.0, "fortnight": 14.0, "month": 365.25 / 12}
_UNIT = re.compile(r"(?:cramps? )?(?:per |an? |/ ?)?(\d+)? ?(day|night|week|fortnight|month)s?", re.IGNORECASE)
PUBLISHED_LEVEL = 0.95
"""The confidence level of published intervals."""
_Z = quantile(0.975, math.inf)
AS_PUBLISHED = "as published"
_ROUNDING = 0.0015
"""How far a stated number of cramps a week may be from what the others give, beside 1% of it."""


@dataclass(frozen=True, slots=True)
class PerWeek:
    """A difference in cramps a week, below 0 with fewer under the treatment, and ``steps``: how it came about.

    ``published`` are the limits of its 95% interval, where they are not made of the standard error. What that interval
    follows from is ``made``, where it is not the one that was published.
    """

    difference: float
    std_error: float
    steps: tuple[str, ...]
    published: tuple[float, float] | None = None
    made: str | None = None

    def limits(self, ci_level: float) -> tuple[float, float]:
        """Return the interval of the trial, as it was published where it is that of 95%."""
        if self.published is not None and ci_level == PUBLISHED_LEVEL:
            return self.published
        reach = quantile((1 + ci_level) / 2, math.inf) * self.std_error
        return self.difference - reach, self.difference + reach


def per_week(study: Study) -> PerWeek:
    """Return a trial's difference in cramps a week.

    Raises:
        AnalysisError: it has none; the message says what is missing.
    """
    if study.outcome != "cramps" or study.scale not in (None, "difference"):
        measured = study.outcome if study.outcome != "cramps" else wording.with_article(str(study.scale))
        raise AnalysisError(f"{study.study} says nothing of a difference in the number of cramps, but {measured}")
    stated = study.difference_per_week, study.se_per_week
    if None in stated and stated != (None, None):
        raise AnalysisError(f"{study.study}: difference_per_week and se_per_week go together; give both")
    if stated == (None, None):
        return _converted(study)
    difference, error = float(stated[0] or 0.0), float(stated[1] or 0.0)
    if error == 0:
        raise AnalysisError(f"{study.study}: a standard error is above 0")
    if not _has_numbers(study):
        return PerWeek(difference, error, ("given in cramps a week",))
    made = _converted(study)
    for name, said, found in (("difference", difference, made.difference), ("se", error, made.std_error)):
        if abs(said - found) > _ROUNDING + 0.01 * abs(found):
            raise AnalysisError(
                f"{study.study}: {name}_per_week is {said:g}, and the other columns give {found:.4g}; leave one out"
            )
    return PerWeek(difference, error, made.steps, made.published, made.made)


def _has_numbers(study: Study) -> bool:
    spread = (study.ci_low, study.p_value, study.sd_treated)
    return any(number is not None for number in spread)


def _converted(study: Study) -> PerWeek:
    factor, unit = _factor(study)
    difference = _difference(study)
    low, high, how = _interval(study, difference)
    error = (high - low) / (2 * _Z) * factor
    if not error > 0:
        raise AnalysisError(f"{study.study}: its interval has no width, so that it has no standard error")
    steps = [f"{wording.number(difference)} per {unit}, interval {wording.number(low)} to {wording.number(high)} {how}"]
    steps += [f"times {factor:.4g}: {wording.number(difference * factor, 3)} cramps a week"] if factor != 1 else []
    by = f" times {factor:.4g}" if factor != 1 else ""
    steps.append(f"standard error, its width {wording.number(high - low)} / 3.92{by}: {error:.3f}")
    made = None if how == AS_PUBLISHED else how
    return PerWeek(difference * factor, error, tuple(steps), (low * factor, high * factor), made)


def _factor(study: Study) -> tuple[float, str]:
    """Return by what a number is multiplied to be per week, and per what it is."""
    if study.unit is None:
        raise AnalysisError(f"{study.study}: per what time its cramps were counted is not said; fill the column unit")
    found = _UNIT.fullmatch(study.unit.strip())
    if found is None:
        allowed = "allowed is day, night, week, 2 weeks, 4 weeks, month and the like"
        raise AnalysisError(f"{study.study}: the unit {study.unit!r} is no time; {allowed}")
    many, word = int(found[1] or 1), found[2].lower()
    if many < 1:
        raise AnalysisError(f"{study.study}: the unit {study.unit!r} is no time")
    unit = f"{many} {word}s" if many > 1 else word
    if word == "night" and study.nights is None:
        raise AnalysisError(
            f"{study.study}: cramps per night are none per week without the number of nights; fill the column nights "
            "with the nights a week that it is of, such as 7"
        )
    if word == "night":
        return float(study.nights or 0.0) / many, unit
    return 7 / (_DAYS[word] * many), unit


def _difference(study: Study) -> float:
    if study.mean_treated is None or study.mean_control is None:
        if study.effect is None:
            raise AnalysisError(f"{study.study} has no difference: fill effect, or mean_treated and mean_control")
        return study.effect
    made = study.mean_treated - study.mean_control
    if study.effect is not None and abs(study.effect - made) > 0.051 + 0.01 * abs(made):
        raise AnalysisError(
            f"{study.study}: effect is {study.effect:g}, and its means differ by {made:g} (treated less control); "
            "leave one out"
        )
    return made if study.effect is None else study.effect


def _interval(study: Study, difference: float) -> tuple[float, float, str]:
    """Return the interval of a difference in its own unit, and where it is from."""
    if study.ci_low is not None and study.ci_high is not None:
        if not study.ci_low <= difference <= study.ci_high:
            raise AnalysisError(
                f"{study.study}: its interval {study.ci_low:g} to {study.ci_high:g} does not hold {difference:g}; "
                "effect, ci_low and ci_high are of treated less control"
            )
        return study.ci_low, study.ci_high, AS_PUBLISHED
    paired = study.design in ("crossover", "n-of-1", "within-person")
    spreads, sizes = (study.sd_treated, study.sd_control), (study.n_treated, study.n_control)
    if None not in (*spreads, *sizes) and not paired:
        error = math.hypot(*(float(sd or 0) / math.sqrt(n or 1) for sd, n in zip(spreads, sizes, strict=True)))
        return difference - _Z * error, difference + _Z * error, "from the standard deviations of the arms"
    if study.p_value is not None:
        return _by_p_value(study, difference, study.p_value, paired)
    if paired:
        wanted = "the arms are the same people: fill ci_low and ci_high, or p_value, of the paired difference"
    else:
        wanted = "fill ci_low and ci_high, or sd_treated, sd_control, n_treated and n_control, or p_value"
    raise AnalysisError(f"{study.study} has no standard error; {wanted}")


def _by_p_value(study: Study, difference: float, p_value: float, paired: bool) -> tuple[float, float, str]:
    if not 0 < p_value < 1 or difference == 0:
        raise AnalysisError(
            f"{study.study}: P = {p_value:g} of a difference of {difference:g} gives no standard error; fill ci_low "
            "and ci_high"
        )
    people = study.people
    if paired and (people is None or people < 3):
        raise AnalysisError(f"{study.study}: the P value of paired numbers needs the participants; fill n_total")
    df = float(people - 1) if paired and people else math.inf
    reach = abs(difference) / quantile(1 - p_value / 2, df) * quantile(0.975, df)
    law = f"t with {df:.0f} df" if paired else "the normal distribution"
    return difference - reach, difference + reach, f"from P = {p_value:g} by {law}"
