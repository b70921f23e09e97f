"""Is there an annual cycle of cramps, and when is its peak?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, has_estimate, joined, together
from crampstudy.analyses.sentences.covariates import held
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_term import age_term
from crampstudy.contrasts.season.annual_cycle import annual_cycle
from crampstudy.contrasts.season.rows import SeasonQuestion
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import in_text, times, value
from crampstudy.models.fit import fit
from crampstudy.tables.headings import age_and_sex
from crampstudy.wording import marks

FIGURE, CYCLE, EXAMINED = "fig-season", "tbl-season", "tbl-season-examined"
SEED = 20240101
"""Of the resamples: the same cohort has the same intervals."""
_NIGHT = "night in study"
_OUTCOMES = ("any_cramp", "moderate_severe_vs_rest")
_CAPTION = "Incidence rate by calendar month, all years together, with intervals"
_CURVE = "; the curve is the fitted cycle at the mean of what it is adjusted for, with its pointwise band."
_OF_CYCLE = (
    "A cosine and a sine of the day of the year in a negative binomial model of the nights{held}. The relative "
    "amplitude is (max − min) / (max + min) of the rate. Amplitude, peak and the ratio of peak to trough have "
    "intervals from resampled participants; a lower limit of 0, or of a ratio of 1, says that a cycle cannot be told "
    "from none."
)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return the annual cycle of the rate, and the rates by calendar month."""
    asked = SeasonQuestion(
        settings.old_enough(cohort), settings.hemisphere, settings.ci_level, settings.per_coefficient
    )
    rows = annual_cycle(cohort, asked, np.random.default_rng(SEED))
    cycle = kinds.SEASON.rows(rows)
    drawing = Drawing(
        "season",
        together([kinds.MONTHS.rows(rows), kinds.CYCLE.rows(rows)]),
        caption=_CAPTION + (_CURVE if has_estimate(kinds.CYCLE.rows(rows)) else "."),
        alt=_answer(cycle),
        note=_few(kinds.MONTHS.rows(rows)),
    )
    peaks = [tables.peak(row) for row in wording.records(cycle[cycle["level"] == "peak"]) if pd.notna(row["ci_low"])]
    # The words of rows have no marks.
    note = (
        f"{_OF_CYCLE.format(held=_held(cycle))} {tables.notes(cycle, besides=list(map(marks.without, peaks)))}".strip()
    )
    return Findings(
        rows,
        {CYCLE: ReportTable(tables.season(cycle), "The annual cycle of cramps.", note)},
        {FIGURE: drawing},
        values={"answer": _answer(cycle), "claim": _claim(cycle), "limits": _limits(cycle, kinds.MONTHS.rows(rows))},
    )


def _held(cycle: pd.DataFrame) -> str:
    """Return for what the cycle is adjusted, as it goes on after a comma, nothing where it is for nothing."""
    made = wording.records(cycle[cycle["estimate"].notna()])
    names = [f"the {name}" if name == _NIGHT else name for name in (held(made[0]) if made else ())]
    return f", adjusted for {wording.listed(names)}" if names else ""


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalence ratios of an examination in winter against one in summer."""
    empty = Findings(
        together([]),
        values={
            "claim": "A survey that examines people in two halves of the year has no month of a peak.",
            "limits": "People were examined once each, so that seasons are compared between persons. Two halves of the "
            "year hide a peak that lies between them, and people recall the month before the interview, which may be "
            "weeks before the examination.",
        },
    )
    examined = attempt((EXAMINED,), lambda: _examined(cohort, settings))
    answer = _of_halves(examined.estimates)
    return joined(empty, examined, Findings(together([]), values={"answer": answer}))


def _examined(cohort: Cohort, settings: Settings) -> Findings:
    terms = ["C(exam_season, ref='may_october')"]
    terms += [age_term(cohort)] if cohort.has("age_years") else []
    terms += ["sex"] if cohort.has("sex") else []
    weight = cohort.design.weights.get("exam") if cohort.design else None
    fits = [
        fit(
            cohort,
            model="survey-poisson",
            outcome=outcome,
            terms=" + ".join(terms),
            where=settings.old_enough(cohort),
            weight=weight,
            ci_level=settings.ci_level,
            participants_per_coefficient=settings.per_coefficient,
            analysis=kinds.EXAMINED.name,
        ).estimates
        for outcome in _OUTCOMES
    ]
    rows = together([each[each["term"].str.contains("exam_season", na=False)] for each in fits])
    named = {wording.outcome(outcome): rows[rows["outcome"] == outcome] for outcome in _OUTCOMES}
    beside = age_and_sex(rows)
    besides = f", adjusted for {beside}" if beside else ""
    note = (
        f"Prevalence ratios by design{besides} [@lumley2004]: people examined from November to April against those "
        "examined from May to October. Moderate-severe: five or more cramps in the past month, against fewer or none."
    )
    table = ReportTable(
        tables.factors(named).droplevel(0),
        "Recalled cramps of people examined in winter against those examined in summer.",
        f"{note} {tables.notes(*(own.assign(verdict=None) for own in named.values()))}".strip(),
    )
    return Findings(rows, {EXAMINED: table})


def _few(months: pd.DataFrame) -> str:
    """Return which months the figure draws without an interval or not at all, and why; empty where there is none."""
    logged = months[months["n_participants"].gt(0)]
    alone = logged[logged["status"].isin(["converged", "boundary"]) & logged["ci_low"].isna()]
    said = [f"too few people logged in {wording.listed(alone['level'])} for an interval"] if len(alone) else []
    lost = logged[logged["status"].eq("not_estimable")]
    said += [
        f"no rate is drawn for {wording.listed(own['level'])} ({why})" for why, own in lost.groupby("note", sort=False)
    ]
    return wording.sentences(said)


def _row(rows: pd.DataFrame, level: str) -> Mapping[str, Any] | None:
    own = rows[rows["level"].eq(level) & rows["estimate"].notna()]
    return wording.records(own)[0] if len(own) else None


def _answer(cycle: pd.DataFrame) -> str:
    """Return whether there is a cycle, how large it is, and when it is highest."""
    ratio, peak, test = (_row(cycle, level) for level in ("peak to trough", "peak", "joint test"))
    if not (ratio and peak and test):
        return f"Whether there is an annual cycle could not be estimated: {tables.reasons(cycle, inside=True)}."
    high = f"the highest rate of the year is {times(ratio)} the lowest"
    p = wording.marked(test, wording.p_text(test["p_value"]))
    whom = " Different people stand for the months of that cycle." if _is_between(cycle) else ""
    if pd.notna(peak["ci_low"]):
        return f"Cramps follow an annual cycle: {high} ({p}), and the peak is on {tables.peak(peak)}.{whom}"
    if test["p_value"] < 1 - ratio["ci_level"]:
        high = f"{high}, an interval from resampled participants that reaches no cycle at all"
        return f"An annual cycle cannot be told from none: as fitted, {high}, although its test has {p}.{whom}"
    return f"An annual cycle cannot be told from none: as fitted, {high} ({p}).{whom}"


def _is_between(cycle: pd.DataFrame) -> bool:
    """Say whether nobody logged long enough for a cycle of their own."""
    return bool(cycle["estimand"].fillna("").str.contains("cycle, between persons").any())


def _claim(cycle: pd.DataFrame) -> str:
    """Return what the cycle says of a peak in winter, the season in which vitamin D is hardest to get."""
    inside, against = _row(cycle, "peak in winter"), _row(cycle, "midwinter against midsummer")
    if not (inside and against):
        return ""
    said = {
        "higher": "Cramps are more common in midwinter than in midsummer",
        "lower": "Cramps are less common in midwinter than in midsummer, against what a lack of sun would make",
        "near null": "Midwinter and midsummer hardly differ",
        "differs but negligible": "Midwinter and midsummer differ by little",
    }.get(str(against["verdict"]), "Whether midwinter and midsummer differ is not clear")
    share = f"{value(inside)} of the resampled peaks lie in winter"
    return f"{said}: rate ratio {in_text(against)}; {share}."


def _limits(cycle: pd.DataFrame, months: pd.DataFrame) -> str:
    logged = months.loc[months["n_participants"].gt(0), "n_participants"]
    # Where as many logged in every month, nothing says that they are others.
    alike = len(logged) > 1 and logged.nunique() == 1
    others = "" if alike else " and of different people in different months"
    joins = "and who joins in which month need not be alike."
    stands = (
        "The time of the year stands for all that goes with it, such as light, heat and activity, and says nothing of "
        "which of them acts."
    )
    if not has_estimate(cycle):
        whom = "those who logged in it." if alike else f"different people in different months, {joins}"
        return f"Rates by month are of {whom} {stands}"
    first = (
        f"Nobody logged for more than three months: the cycle compares different people in different months, {joins}"
        if _is_between(cycle)
        else f"The cycle is one of nights within persons{others}."
    )
    return f"{first} One cosine has one peak and one trough of the same shape. {stands}"


def _cramps(outcome: str) -> str:
    """Return an outcome of cramps inside a text: ``any cramp``, ``moderate-severe cramps``."""
    name = wording.small(wording.outcome(outcome))
    return name if name.endswith(" cramp") else f"{name} cramps"


def _of_halves(rows: pd.DataFrame) -> str:
    """Return how the two halves of the year differ."""
    made = [
        f"{in_text(row)} of {_cramps(str(row['outcome']))}"
        for row in wording.records(rows[rows["scale"].eq("prevalence_ratio") & rows["estimate"].notna()])
    ]
    if not made:
        why = tables.reasons(rows, inside=True) or "the season of the examination was not recorded"
        return f"Whether the season goes with cramps could not be estimated: {why}."
    return f"Examined in winter against summer, the prevalence ratio is {wording.listed(made)}."


ANALYSIS = Analysis(
    "season",
    "Is there an annual cycle of cramps, and when is its peak?",
    answers={
        "diary": CohortAnswer(of_diary, (FIGURE, CYCLE), {"diary": ("cramps",)}),
        "survey": CohortAnswer(
            of_survey,
            (EXAMINED,),
            {"participants": ("recalled_low",)},
            "Are cramps more common among people examined in winter than among those examined in summer?",
        ),
    },
    values=("answer", "claim", "limits"),
)
