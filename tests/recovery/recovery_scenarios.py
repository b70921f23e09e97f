"""What recovery is tried on: scenarios with a known truth, and the models asked in each.

A scenario has a few terms and a strong rate. In a scenario of a block, every other term of the block acts; its
counterpart lets the others act, so that each term is met on and off beside others. ``null`` lets none act, and
``alone`` one only: odds ratios of one exposure depend on whatever else acts, so the models of odds are asked in these.
``default`` is the truth that the package draws by default; ``quick`` is what the tests run. Where the simulator has no
answer to a model's question, the truth is a law of recovery_draws.py.

A scenario's place is part of its seed: new ones come last, so that results that are kept stay those of their draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache

from recovery_asked import (
    ALONE,
    AT_MOST,
    AUTO,
    AUTO_CRAMPS,
    AUTO_ODDS,
    AUTO_PERSONS,
    CLASSES,
    COUNTS,
    CURVED,
    GAP,
    HOURS,
    HURDLE,
    INFLATED,
    LAGGED,
    NIGHTLY,
    ODDS,
    PAIN,
    RATES,
    RELIEF,
    SLOPES,
    SLOPES_MODEL,
    SLOPES_NB,
    SLOPES_NB_MODEL,
    SMALL,
    SPLIT,
    SURVEYS,
    Asked,
)
from recovery_draws import ZERO, Cramps, Law, Nights, Recalled, Zeros
from recovery_exposures import Diaries, Simulated, terms_of
from recovery_study import EVEN, common, strengthened

from crampstudy.simulate import Truth
from crampstudy.simulate.truth.truth import slug

PEOPLE = 250
"""Participants of a small cohort."""
OBSERVED = 14
"""Nights with every covariate, after those that the longest window needs."""
BLOCK_TERMS = 6
PERSON_TIME = "person-time"
FEW = 24
"""Participants of a cohort that needs a small-sample covariance."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A truth, of the simulator or a law, the terms of the models, and which of them act (``on``).

    ``at_once`` cohorts are cut from one draw of the simulator: participants are independent, so that parts of a cohort
    are cohorts.
    """

    name: str
    truth: Truth | Law
    terms: tuple[str, ...]
    on: frozenset[str]
    asked: tuple[Asked, ...]
    people: int = PEOPLE
    nights: int = OBSERVED
    at_once: int = 2

    @property
    def block(self) -> str:
        """The part of the document that shows it: ``person-time``, ``few`` people or exposed, or else the ``grid``."""
        first = self.name.split()[0]
        return first if first == PERSON_TIME else "few" if first in ("people", "exposed") else "grid"

    @property
    def survey(self) -> bool:
        return self.name.startswith("survey")

    def terms_of(self, asked: Asked) -> tuple[str, ...]:
        """Return the terms of which a model has an answer, its zero part's after those of its counts."""
        if isinstance(self.truth, (Simulated, Diaries)):
            return terms_of(self.truth, asked)
        if self.name == "default":
            # In a model of age and sex, that of sex has none.
            return ("age_decade",)
        if not asked.zero_part:
            return tuple(t for t in self.terms if not t.startswith(ZERO))
        return self.terms if not isinstance(self.truth, Truth) else (*self.terms, *(ZERO + t for t in self.terms))


@cache
def scenarios() -> dict[str, Scenario]:
    """Return every scenario by name."""
    simulated = (*_blocks(), *_alone(), *_surveys(), _default(), _quick())
    drawn = (*_nights(), *_zeros(), *_cramps(), *_recalled(), *_few(), *_person_time())
    return {s.name: s for s in (*simulated, *_single_cramps(), *drawn)}


def _still() -> Truth:
    """A truth in which nothing acts; of age too it is the direct effect that is set, not the total one."""
    truth = Truth().without_effects()
    effects = tuple(replace(e, meaning="direct") for e in truth.effects)
    return common(replace(truth, cramps=EVEN, effects=effects))


def _blocks() -> Iterator[Scenario]:
    still = _still()
    size = _sizes()
    for number, terms in enumerate(blocks(), 1):
        lead = max(e.lag_nights + e.window_nights - 1 for e in still.effects if e.term in terms)
        truth = _with_women(still) if any("pregnancy" in term for term in terms) else still
        # CRP, of which a few people have most, is what the small-sample covariance is for.
        rates = (*RATES, SMALL[0]) if "crp_sd" in terms else RATES
        for name, on, asked in (
            (f"block {number:02} a", terms[::2], rates),
            (f"block {number:02} b", terms[1::2], rates),
            (f"block {number:02} null", (), ODDS),
        ):
            acting = truth.with_effects(**{slug(t): size[t] for t in on})
            yield Scenario(name, acting, terms, frozenset(on), asked, nights=OBSERVED + lead)


def _sizes() -> dict[str, float]:
    return {e.term: e.log_rate_ratio for e in strengthened(Truth()).effects}


def blocks() -> tuple[tuple[str, ...], ...]:
    """Return the terms in blocks; those that read one column stand together, as each is adjusted for the others."""
    by_column: dict[str, list[str]] = {}
    for effect in Truth().effects:
        by_column.setdefault(effect.column, []).append(effect.term)
    found: list[list[str]] = [[]]
    for terms in by_column.values():
        if len(found[-1]) + len(terms) > BLOCK_TERMS + 1:
            found.append([])
        found[-1] += terms
    return tuple(tuple(block) for block in found)


def _with_women(truth: Truth) -> Truth:
    """The truth with enough women of an age to be pregnant."""
    people = replace(truth.people, age_limits=(20, 45, 91), age_shares=(0.9, 0.1), female_share=0.8)
    return replace(truth, people=people)


def _alone() -> Iterator[Scenario]:
    still = _still()
    asked = tuple(a for a in ODDS if a.answers == "odds")
    for term in ("sex[female]", "arthritis", "diabetes", "statin", "numbness", "smoking[current]"):
        acting = still.with_effects(**{slug(term): 0.4})
        yield Scenario(f"alone {slug(term)}", acting, (term,), frozenset([term]), asked)


def _surveys() -> Iterator[Scenario]:
    # Without a multiplier that lasts, the chance of a month without a cramp has a closed form.
    still = replace(_still(), cramps=replace(EVEN, rate_per_week=0.2, latent_sd=0.0))
    terms = ("sex[female]", "arthritis", "diabetes", "statin", "bmi_5", "serum_potassium_sd")
    # Odds of a higher class have no single answer where rates differ; where none does they are 1.
    asked = (*SURVEYS, COUNTS)
    yield Scenario("survey null", still, terms, frozenset(), (*asked, CLASSES), people=1000, nights=30, at_once=1)
    for term in ("sex[female]", "arthritis"):
        acting = still.with_effects(**{slug(term): 0.6})
        name = f"survey {slug(term)}"
        yield Scenario(name, acting, (term,), frozenset([term]), asked, people=1000, nights=30, at_once=1)


def _default() -> Scenario:
    asked = tuple(replace(a, cohorts=min(a.cohorts, 400)) for a in RATES)
    terms = ("age_decade", "sex[female]")
    return Scenario("default", Truth(), terms, frozenset(terms), asked, people=500, nights=90, at_once=1)


def _quick() -> Scenario:
    terms = ("age_decade", "sex[female]", "alcohol_day")
    on = frozenset(terms[1:])
    truth = _still().with_effects(sex_female=0.3, alcohol_day=0.3)
    return Scenario("quick", truth, terms, on, RATES[:2], people=100, nights=10, at_once=50)


def _single_cramps() -> Iterator[Scenario]:
    """What the simulator has an answer to beside rates and odds: the gaps between cramps, and how single ones go."""
    still, size = _still(), _sizes()
    terms = ("age_decade", "sex[female]", "arthritis", "bmi_5", "alcohol_day")
    yield Scenario("simulated null", still, terms, frozenset(), (HURDLE, PAIN, RELIEF, GAP))
    # Persons and nights alike: then the hazard of a night with a cramp goes up as its rate does.
    alike = replace(EVEN, rate_per_week=0.7, person_shape=1e6, night_dispersion=0.0, latent_sd=0.0)
    for half, on in (("a", terms[::2]), ("b", terms[1::2])):
        acting = replace(still, cramps=alike).with_effects(**{slug(t): size[t] for t in on})
        yield Scenario(f"simulated gaps {half}", acting, terms, frozenset(on), (GAP,), nights=28)
    # Persons whose cramps last alike: hazard ratios given the person are then those over all persons.
    episodes = replace(still.episodes, duration_log_sd_between=0.0)
    names = tuple(r.column for r in still.remedies if r.column != "none")
    levels = tuple(f"remedy[{name}]" for name in names)
    for half, on in (("a", names[::2]), ("b", names[1::2])):
        remedies = tuple(
            replace(r, share=1 / len(still.remedies), log_hazard_ratio=(0.4 if r.column in on else 0.0))
            for r in still.remedies
        )
        acting = replace(still, episodes=episodes, remedies=remedies)
        yield Scenario(f"simulated remedies {half}", acting, levels, frozenset(f"remedy[{n}]" for n in on), (RELIEF,))


def _halves(effects: Mapping[str, float]) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield effects of which every other one acts, then those of which the others do."""
    for half, first in (("a", 0), ("b", 1)):
        yield half, {term: size if i % 2 == first else 0.0 for i, (term, size) in enumerate(effects.items())}


def _of(name: str, law: Law, asked: tuple[Asked, ...], people: int = PEOPLE, nights: int = OBSERVED) -> Scenario:
    on = frozenset(term for term, size in law.effects.items() if size)
    return Scenario(name, law, tuple(law.effects), on, asked, people, nights, at_once=1)


def _nights() -> Iterator[Scenario]:
    for half, effects in _halves({"had": 0.4, "level": 0.25, "dose": -0.3}):
        varied = Nights(effects, person_sd=0.4, night_dispersion=0.3)
        yield _of(f"hours {half}", replace(varied, hours=True), HOURS)
        yield _of(f"slopes {half}", Nights(effects, slope_sd=0.3, correlation=0.3), (*SLOPES, *SLOPES_MODEL))
        split = Nights(effects, slope_sd=0.3, correlation=0.3, night_dispersion=0.4)
        yield _of(f"slopes-nights {half}", split, (*SLOPES_NB, *SLOPES_NB_MODEL))
        yield _of(f"few {half}", varied, SMALL[:2], people=FEW)
        yield _of(f"right poisson {half}", Nights(effects, person_sd=0.0), ALONE[:1])
        yield _of(f"right nights {half}", Nights(effects, person_sd=0.0, night_dispersion=0.4), ALONE[1:2])
        yield _of(f"right persons {half}", Nights(effects), ALONE[2:3])
    null = Nights(dict.fromkeys(("had", "level", "dose"), 0.0), person_sd=0.4, night_dispersion=0.3)
    yield _of("few null", null, SMALL, people=FEW)


def _zeros() -> Iterator[Scenario]:
    sizes = {"had": 0.3, "level": 0.2, "dose": -0.2, f"{ZERO}had": 0.5, f"{ZERO}level": -0.3, f"{ZERO}dose": 0.3}
    for half, effects in _halves(sizes):
        yield _of(f"zeros inflated {half}", Zeros("inflated", effects), (INFLATED,))
        yield _of(f"zeros hurdle {half}", Zeros("hurdle", effects), (HURDLE,))
        yield _of(f"right inflated {half}", Zeros("inflated", effects, together=0.0), ALONE[3:4])
        yield _of(f"right hurdle {half}", Zeros("hurdle", effects, together=0.0), ALONE[4:5])


def _cramps() -> Iterator[Scenario]:
    for half, effects in _halves({"had": 0.4, "level": -0.25, "remedy[stretch]": 0.4, "remedy[heat]": -0.3}):
        yield _of(f"cramps {half}", Cramps(effects), (PAIN, RELIEF), nights=10)
        yield _of(f"right cramps {half}", Cramps(effects, together=0.0), ALONE[5:], nights=10)


def _recalled() -> Iterator[Scenario]:
    for half, effects in _halves({"had": 0.4, "level": -0.25, "score": 0.15}):
        yield _of(f"recalled classes {half}", Recalled("classes", effects), (CLASSES,), people=2000)
        yield _of(f"recalled counts {half}", Recalled("counts", effects), (COUNTS,), people=2000)
        nightly = Recalled("counts", effects, nightly_share=0.08)
        yield _of(f"recalled nightly {half}", nightly, (NIGHTLY,), people=2000)
        yield _of(f"recalled nights {half}", Recalled("nights", effects), (AT_MOST,), people=2000)


def _few() -> Iterator[Scenario]:
    """Small cohorts, and few who have a condition, of persons who differ as real ones do."""
    for people in (12, 20, 40, 100):
        for half, effects in _halves({"had": 0.4, "level": 0.25, "dose": -0.3}):
            asked = (*AUTO, *AUTO_PERSONS) if people in (20, 40) else AUTO
            yield _of(f"people {people} {half}", _differing(effects), asked, people=people)
        null = dict.fromkeys(("had", "level", "dose"), 0.0)
        yield _of(f"people {people} null", _differing(null), AUTO_ODDS, people=people)
        for half, effects in _halves({"had": 0.4, "level": -0.25}):
            yield _of(f"people {people} cramps {half}", Cramps(effects), AUTO_CRAMPS, people=people, nights=10)
    for people, exposed in ((20, 1), (20, 2), (20, 3), (20, 5), (20, 19), (40, 2), (40, 3), (100, 3), (250, 3)):
        law = _differing({"had": 0.0, "level": 0.0}, exposed)
        asked = (*AUTO, *AUTO_ODDS, *(AUTO_PERSONS if exposed in (2, 3) and people <= 40 else ()))
        yield _of(f"exposed {exposed} of {people}", law, asked, people=people)


def _differing(effects: Mapping[str, float], exposed: int | None = None) -> Nights:
    return Nights(effects, person_sd=0.9, night_dispersion=0.4, exposed=exposed)


def _person_time() -> Iterator[Scenario]:
    """Exposures of person-time in usual and small cohorts, of the simulator and in diaries that it does not draw."""
    still = _still()
    within = still.with_effects(fluid_within=-0.2, fluid_between=0.2)
    acting = within.with_effects(alcohol_day=0.3, alcohol_day_before=0.2, serum_potassium_sd=-0.2)
    acting = replace(acting, cramps=replace(acting.cramps, fluid_by_temperature=0.15))
    lags = {"lag 0": 0.25, "lag 1": 0.15, "lag 2": 0.0, "lag 3": -0.1, "cumulative": 0.3, "lead 1": 0.0}
    sizes = lags | {"within": 0.25, "between, corrected": -0.45, "dose-response": 0.1, "product": 0.15}
    sized = ((PEOPLE, OBSERVED + 3), (20, 2 * OBSERVED))
    for people, nights in sized:
        # With a few nights and many people the correction is what is new of the diaries.
        asked = (LAGGED, SPLIT, CURVED) if people < PEOPLE else (SPLIT,)
        for state, truth, size in (("on", acting, 1.0), ("null", still, 0.0)):
            # Where the heat changes what fluid does, no single ratio within participants exists.
            own = (LAGGED, CURVED) if state == "on" else (LAGGED, SPLIT, CURVED)
            yield _of(f"{PERSON_TIME} simulated {people} {state}", Simulated(truth), own, people, nights)
            diaries = Diaries({term: size * effect for term, effect in sizes.items()})
            yield _of(f"{PERSON_TIME} diaries {people} {state}", diaries, asked, people, nights)
    for prone in (5, 9, 15, 25):
        # About 60 cramps in all: of a ratio within participants only those who have any tell.
        few = Diaries(dict.fromkeys(sizes, 0.0), rate=1.7 / prone, prone=prone)
        yield _of(f"{PERSON_TIME} diaries {prone} of 46 null", few, (SPLIT,), 46, 2 * OBSERVED)
    for people, nights in sized:
        yield _of(f"{PERSON_TIME} fluid {people} on", Simulated(within), (SPLIT,), people, nights)
