"""What treatments did in this cohort: by lot where there was a trial, weighted where people took them by choice."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import pandas as pd
import polars as pl

from crampstudy import estimates, tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, has_estimate, joined, together
from crampstudy.analyses.sentences import treatments as said
from crampstudy.analyses.sentences.treatments.given import combined
from crampstudy.analyses.sentences.treatments.run_in import fall
from crampstudy.analyses.sentences.treatments.set_apart import counted_all_the_same
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.compute import shared
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import of_rows
from crampstudy.estimates.treatments import ALL, RANDOMISED
from crampstudy.estimates.verdicts import DIFFERENCE, FEWEST_EXPOSED
from crampstudy.tables.sections.treatments import UNTREATED
from crampstudy.treatments import course
from crampstudy.treatments.baseline import baseline
from crampstudy.treatments.combinations import in_order, parts
from crampstudy.treatments.designs import TreatmentDesign, designs, logged_by_night, unrecorded, why_no_design
from crampstudy.treatments.flow import flow, within_participants
from crampstudy.treatments.modifiers import modifiers
from crampstudy.treatments.open_use import open_use
from crampstudy.treatments.open_use.deletion import JACKKNIFE
from crampstudy.treatments.pairs import LEVEL as PAIRS
from crampstudy.treatments.parallel import Followed
from crampstudy.treatments.regression_to_the_mean import regression_to_the_mean
from crampstudy.treatments.time_zero import TimeZero, time_zero
from crampstudy.treatments.trials import trial_effect

AGENTS = (
    *("tens", "botulinum_toxin", "magnesium", "potassium", "calcium"),
    *("vitamin_k2", "stretching", "quinine"),
)
"""The treatments of the article's section, and three that it is compared with."""
COURSE, EFFECTS, OTHERWISE = "fig-treatment-course", "tbl-treatment-effects", "tbl-treatment-sensitivity"
REGRESSION, MODIFIERS, FLOW = "tbl-regression-to-the-mean", "tbl-treatment-modifiers", "tbl-treatment-flow"
ARMS, RATES = "tbl-treatment-arms", "tbl-treatment-rates"
BALANCE, OVERLAP = "fig-treatment-balance", "tbl-treatment-overlap"
PARTS = (COURSE, EFFECTS, RATES, REGRESSION, OTHERWISE, MODIFIERS, FLOW, ARMS, OVERLAP, BALANCE)
_LEFT_OUT = (
    "Intervals of open use: participants of a group of fewer than 100 are left out one at a time, and the weights made "
    "anew (jackknife)."
)
_ALL_AND_TWO = 3
"""Groups of a trial of two arms."""
_ALONE = "An arm of one participant is not shown. "
_PRIMARY = (kinds.TREATMENT_EFFECT.name, kinds.OPEN_USE.name)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return the course around time zero, the effect of each treatment by its design, and who was in it."""
    found = designs(cohort)
    zeros = {
        design.agent: time_zero(cohort, design, run_in=settings.run_in)
        for design in found
        if design.kind or design.arms.height
    }
    effects = together(
        shared.each([partial(_effects, cohort, each, zeros.get(each.agent), settings) for each in found])
    )
    falls = _falls(cohort, found, zeros, settings)
    around = _course(cohort, found, zeros, settings)
    who = [
        row
        for design in found
        if (zero := zeros.get(design.agent)) is not None
        for row in course.flow_rows(cohort, design, flow(cohort, design, zero, settings.of_treatments()))
    ]
    absent = _absent(cohort, found)
    arms = baseline(cohort, [(design, zeros[design.agent]) for design in found if design.randomised])
    rows = together([effects, around, estimates.frame(who), arms, absent])
    why_none = "" if found else why_no_design(cohort)
    answer = said.answer(rows, why_none)
    limits = f"{said.limits(found, effects)} {counted_all_the_same(found, settings.of_treatments())}"
    values = {
        "answer": answer,
        "by_design": "" if why_none else said.by_design(rows),
        "fall": fall(falls.estimates),
        "differs": said.differs(effects),
        "arms": said.apart(arms),
        "limits": limits.strip() or said.of_nobody(why_none, absent),
    }
    drawn = _drawn(around, falls.estimates, effects, answer)
    parts = (drawn, _tables(effects), _of_choice(effects), _flow(rows, found), _arms(rows))
    return joined(Findings(rows), falls, *parts, Findings(together([]), values=values))


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Say that a survey treats nobody.

    Raises:
        AnalysisError: always.
    """
    raise AnalysisError(
        "this cohort is a survey, which asks people once and neither gives a treatment nor follows its course"
    )


def _effects(cohort: Cohort, design: TreatmentDesign, zero: TimeZero | None, settings: Settings) -> pd.DataFrame:
    """Return what the design of a treatment says of it, and how that differs."""
    asked = settings.of_treatments()
    if design.kind is None or zero is None:
        return estimates.frame([_without(cohort, design.agent, design.reason, design.treated)])
    if design.kind == "open use":
        # Of open use all nights from time zero on count, in its effect and in what modifies it.
        asked = asked.with_all_nights
        made = open_use(cohort, design, zero, ci_level=settings.ci_level)
    else:
        made = estimates.frame(trial_effect(cohort, design, asked))
    ratios = made[made["analysis"].isin(_PRIMARY) & made["scale"].ne(DIFFERENCE)]
    if design.kind not in ("open use", "parallel") or not has_estimate(ratios):
        return made
    more = modifiers(cohort, design, asked, Followed.of(cohort, design, asked, zero))
    return together([made, estimates.frame(more)])


def _without(cohort: Cohort, agent: str, reason: str, treated: int) -> dict[str, Any]:
    return estimates.row(
        status="not_estimable",
        cohort=cohort.name,
        population="all participants",
        outcome="cramps",
        analysis=kinds.TREATMENT_EFFECT.name,
        term=agent,
        level="described",
        scale="rate_ratio",
        n_exposed=treated,
        note=reason,
    )


def _absent(cohort: Cohort, found: Sequence[TreatmentDesign]) -> pd.DataFrame:
    """Return the rows of the article's treatments that nobody had by itself, as far as is known."""
    taken = {name for design in found for name in (design.agent, design.against)}
    together_given = in_order(name for name in taken if name and len(parts(name)) > 1)
    lacking: tuple[estimates.Status, str] = "not_measured", tables.NOBODY
    untaken = {"had by": "nobody"}
    if not found and unrecorded(cohort):
        lacking, untaken = ("not_estimable", why_no_design(cohort)), {}
    cells = {"cohort": cohort.name, "population": "all participants", "outcome": "cramps", "scale": "rate_ratio"}
    rows = []
    for agent in (each for each in AGENTS if each not in taken):
        status, note, facts = *lacking, untaken
        if of_it := [name for name in together_given if agent in parts(name)]:
            given = wording.listed(map(wording.agent, of_it))
            note = f"lots gave {wording.agent(agent)} in combination alone ({given})"
            status, facts = "not_estimable", {"had by": "combination"}
        elif untaken and logged_by_night(cohort, agent):
            note, facts = tables.BY_NIGHT, {"had by": "nights"}
        shared: dict[str, Any] = {"term": agent, "note": note, "facts": facts, **cells}
        rows += [estimates.row(status=status, analysis=name, **shared) for name in _PRIMARY]
    return estimates.frame(rows)


def _course(
    cohort: Cohort, found: Sequence[TreatmentDesign], zeros: dict[str, TimeZero], settings: Settings
) -> pd.DataFrame:
    """Return the course of each treatment with enough treated, or without any what there is around time zero.

    Of a trial in which nobody can be compared that is what each arm logged; where lots decided on no treatment that is
    known, what everybody logged around the day of randomisation, or without one of enrolment.
    """
    made = [
        row
        for design in found
        if (zero := zeros.get(design.agent)) is not None
        and zero.compared.filter(pl.col("arm") == design.agent).height >= FEWEST_EXPOSED
        for row in course.of_design(cohort, design, zero, settings.ci_level)
    ]
    trials = [design for design in found if design.arms.height]
    if not made and trials:
        made = [
            row
            for design in trials
            for row in course.of_design(cohort, design, zeros[design.agent], settings.ci_level, every=True)
        ]
    elif not made and cohort.has("enrolled_on"):
        people = cohort.frame("participants")
        day = "randomised_on" if cohort.has("randomised_on") else "enrolled_on"
        group = RANDOMISED if day == "randomised_on" else "all participants"
        everybody = people.drop_nulls(day).select("participant_id", pl.lit(group).alias("group"), time_zero=day)
        made = course.course(cohort, _BEGINS[day], everybody, settings.ci_level)
    return estimates.frame(made)


_BEGINS = {"randomised_on": "randomisation", "enrolled_on": "enrolment"}
"""What begins on the days from which the course of everybody is counted."""


def _falls(
    cohort: Cohort, found: Sequence[TreatmentDesign], zeros: dict[str, TimeZero], settings: Settings
) -> Findings:
    """Return regression to the mean of a trial's participants, or of everybody who has a day of enrolment.

    Where nobody was enrolled after a run-in, people began when they chose, and there is no selection to tell of.
    """
    trials = [design for design in found if design.arms.height]
    in_arms = any(design.kind == "parallel" or not design.against for design in trials)
    if not in_arms and not cohort.has("enrolled_on"):
        return Findings(together([]), absent=(REGRESSION,))
    zero = _of_all([zeros[design.agent] for design in trials], in_arms=in_arms) if trials else None
    rows = regression_to_the_mean(cohort, zero, ci_level=settings.ci_level)
    note = (
        "Expected without any treatment: of selection, where people with few cramps in the run-in were not let in; of "
        f"a flare, as people come when they cramp most. {tables.notes(rows)}"
    )
    table = ReportTable(
        tables.regression_to_the_mean(rows), "The fall after the run-in: observed, and to be expected by itself.", note
    )
    return Findings(rows, {REGRESSION: table})


def _of_all(zeros: Sequence[TimeZero], *, in_arms: bool) -> TimeZero:
    """Return the time zero of everybody in a trial's arms; where all have several treatments in turn, as one group."""
    people = pl.concat([zero.people for zero in zeros]).unique("participant_id", keep="first", maintain_order=True)
    people = people if in_arms else people.with_columns(arm=pl.lit(ALL))
    return TimeZero(people.sort("participant_id"), zeros[0].said)


def _drawn(around: pd.DataFrame, falls: pd.DataFrame, effects: pd.DataFrame, answer: str) -> Findings:
    single = kinds.TREATMENT_EFFECT_OF_ONE.rows(effects)
    expected = course.expected_rate(kinds.TREATMENT_COURSE.rows(around), kinds.REGRESSION_TO_THE_MEAN.rows(falls))
    if has_estimate(single):
        main = kinds.TREATMENT_EFFECT.rows(effects)
        pooled = bool(main.loc[main["level"].eq(PAIRS), "estimate"].notna().any())
        drawing = Drawing("single_participants", effects, caption=_of_each(single, pooled=pooled), alt=answer)
    else:
        drawing = Drawing(
            "treatment_course",
            together([around, falls]),
            caption=f"Cramps a week around {_zero_of(around)}, as they were logged, with intervals; week 1 begins with "
            "its night."
            + (" The dashed line is the rate to be expected without any treatment." * (expected is not None)),
            alt=answer,
        )
    return Findings(together([]), figures={COURSE: drawing})


def _of_each(single: pd.DataFrame, *, pooled: bool) -> str:
    """Return the caption of the ratios in single participants: whom each is of, and whether there is one of all."""
    if int(single["estimate"].notna().sum()) == 1 and not pooled:
        return (
            "Rate ratio in one participant of alternating periods, of that participant alone; pairs of periods are its "
            "clusters."
        )
    how = "and pooled" if pooled else "none of them pooled"
    return (
        f"Rate ratio in each participant of alternating periods, {how}. "
        "That each rests on one participant is the design; pairs of periods are its clusters."
    )


def _zero_of(around: pd.DataFrame) -> str:
    """Return what time zero is in words, where it is no treatment's."""
    days = [day for day in _BEGINS.values() if around["term"].eq(day).any()]
    return f"the day of {days[0]}" if days else "time zero"


def _tables(effects: pd.DataFrame) -> Findings:
    main = effects[effects["analysis"].isin(_PRIMARY) & effects["status"].ne("not_measured")]
    others = [
        *(kinds.TREATMENT_EFFECT_OTHERWISE, kinds.TREATMENT_SPREAD),
        *(kinds.OPEN_USE_CRUDE, kinds.OPEN_USE_TRUNCATED, kinds.OPEN_USE_GRAPH),
    ]
    beside = effects[effects["analysis"].isin([kind.name for kind in others])]
    differs = effects[
        effects["analysis"].isin([kinds.TREATMENT_EFFECT_BY_LEVEL.name, kinds.TREATMENT_DOSE.name])
        | (effects["analysis"].eq(kinds.TREATMENT_EFFECT_BY_WEEK.name) & effects["population"].eq(RANDOMISED))
    ]
    few = of_rows(kinds.OPEN_USE.rows(main), "covariance").eq(JACKKNIFE)
    how = f"{_LEFT_OUT} " if few.any() else ""
    made = {
        EFFECTS: ReportTable(
            tables.treatment_effects(main),
            "Each treatment by the primary analysis of its design.",
            f"{combined(main)}{said.estimands(main)} {how}{said.of_both(main)}"
            f"{tables.notes(said.with_reason_alone(main))}".strip(),
        ),
        OTHERWISE: ReportTable(
            tables.treatment_sensitivities(beside),
            "Rate ratios of the same treatments by other analyses; which one is primary does not depend on them.",
            f"{said.of_the_graph(beside)} {said.crude_of_all(beside)}"
            f"{tables.notes(said.with_reason_alone(beside.assign(verdict=None)))}".strip(),
        ),
        MODIFIERS: ReportTable(
            tables.treatment_modifiers(differs),
            f"Whether the ratio differs {_by_what(differs)}.",
            f"{_of_modifiers(differs)} {tables.notes(differs)}".strip(),
        ),
    }
    kept = {label: table for label, table in made.items() if not table.frame.empty}
    return Findings(together([]), kept, absent=tuple(label for label in made if label not in kept))


_BY = (
    (kinds.TREATMENT_EFFECT_BY_LEVEL, "by serum level at baseline"),
    (kinds.TREATMENT_EFFECT_BY_WEEK, "by week since time zero"),
    (kinds.TREATMENT_DOSE, "by dose"),
)


def _by_what(rows: pd.DataFrame) -> str:
    """Return what the rows of a table of modifiers differ by."""
    said = [text for kind, text in _BY if len(kind.rows(rows))]
    return ", ".join([*said[:-2], " or ".join(said[-2:])])


def _of_modifiers(rows: pd.DataFrame) -> str:
    """Return which levels a table of modifiers has, and what its rows are adjusted for."""
    levels = "Levels: the low end of the reference range and its middle." * bool(
        len(kinds.TREATMENT_EFFECT_BY_LEVEL.rows(rows))
    )
    return f"{levels} {said.held_by_choice(rows)}".strip()


def _of_choice(effects: pd.DataFrame) -> Findings:
    """Return rates, balance and overlap of treatments that people took by their own choice."""
    described = kinds.OPEN_USE_RATE.rows(effects)
    if described.empty:
        return Findings(together([]), absent=(RATES, OVERLAP, BALANCE))
    rates = tables.open_use_rates(described)
    caption = "Those who took a treatment by choice and the others, before time zero and after it."
    made = Findings(together([]), {RATES: ReportTable(rates, caption, " ".join(rates.notes))})
    return joined(made, _weighted(effects))


def _weighted(effects: pd.DataFrame) -> Findings:
    """Return balance and overlap of the treatments that could be weighted."""
    rows = effects[effects["analysis"].isin([kinds.OVERLAP.name, kinds.BALANCE_BEFORE.name, kinds.BALANCE_AFTER.name])]
    if kinds.OVERLAP.rows(rows).empty:
        return Findings(together([]), absent=(OVERLAP, BALANCE))
    drawing = Drawing(
        "balance",
        rows,
        caption="Absolute standardised mean difference between those who took a treatment and the others, before "
        "weighting and after; what is in the propensity in bold, of the rest what differs most. Shaded: less than 0.1.",
        alt=said.balanced(rows),
    )
    shown = tables.overlap(rows)
    caption = "How far the groups overlap, and what the weights leave of them."
    table = ReportTable(shown, caption, " ".join(shown.notes))
    return Findings(together([]), {OVERLAP: table}, {BALANCE: drawing})


def _flow(rows: pd.DataFrame, found: Sequence[TreatmentDesign]) -> Findings:
    own = kinds.TREATMENT_FLOW.rows(rows)
    # Of open use the others are the rest of the file.
    own = own[own["population"] != UNTREATED]
    if own.empty:
        return Findings(together([]), absent=(FLOW,))
    turns = [within_participants(each) for each in found if each.agent in set(own["term"])]
    both = "of both treatments" if all(turns) else "on both sides of time zero"
    both += ", of those who have treatments in turn of both" if any(turns) and not all(turns) else ""
    note = f"Compared: participants with logged nights {both}. Ended: before their last logged night."
    return Findings(together([]), {FLOW: ReportTable(tables.treatment_flow(own), "The flow of participants.", note)})


def _arms(rows: pd.DataFrame) -> Findings:
    """Return who was randomised to each arm."""
    described = kinds.CHARACTERISTICS_BY_ARM.rows(rows)
    if described.empty:
        return Findings(together([]), absent=(ARMS,))
    of_two = "standardised mean difference, the first arm less the second"
    of_several = "the largest standardised mean difference between two arms, that which stands first less the other"
    smd = of_two if described["population"].nunique() == _ALL_AND_TWO else of_several
    entered = kinds.TREATMENT_FLOW.rows(rows)
    alone = (entered["level"].eq("randomised") & entered["estimate"].eq(1)).any()
    note = (
        f"{_ALONE * bool(alone)}{tables.what_cells_say(described)}Numbers are of the participants with a value. SMD: "
        f"{smd}; its denominator is the root of the mean of the variances of the two, that of a share p being "
        "p (1 − p). There are no p-values: what lots make unlike is chance."
    )
    caption = "Characteristics of everybody who was randomised, by arm, before the treatment."
    return Findings(together([]), {ARMS: ReportTable(tables.table_of_arms(rows), caption, note)})


ANALYSIS = Analysis(
    "treatments",
    "What happened here with TENS, botulinum toxin and tailored supplements, and was it due to them?",
    answers={
        "diary": CohortAnswer(of_diary, PARTS, {"diary": ("cramps",)}),
        "survey": CohortAnswer(of_survey, ()),
    },
    values=("answer", "by_design", "fall", "differs", "arms", "limits"),
)
