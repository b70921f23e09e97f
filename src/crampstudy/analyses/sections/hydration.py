"""Whether fluid, electrolyte drinks and alcohol go with cramps: the same night, later, and in those who do so daily."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates, tables, wording
from crampstudy.analyses import doubts
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, of_measured, together
from crampstudy.analyses.sentences import nightly as said
from crampstudy.analyses.settings import Settings
from crampstudy.causal import measured_in
from crampstudy.cohort import Cohort
from crampstudy.compute import shared
from crampstudy.contrasts.adjusted import adjusted_fit
from crampstudy.contrasts.nights.modification import Modification, modified_ratio
from crampstudy.contrasts.nights.nightly import adjusted_lags, adjusted_within_between, in_one_model, not_measured
from crampstudy.contrasts.nights.nocturia import FLUID, NOCTURIA, nocturia_by_fluid
from crampstudy.descriptive.adherence import PER_KG, adherence
from crampstudy.errors import AnalysisError
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import of_rows
from crampstudy.estimates.sentences import TOO_IMPRECISE, in_text, times
from crampstudy.estimates.verdicts import NEVER_AT, too_imprecise

DRINK, ALCOHOL, GUIDELINE, WARMTH = "electrolyte_drink", "alcohol_units", "fluid_guideline", "ambient_temperature_c"
TOGETHER = (FLUID, DRINK), (ALCOHOL,), (GUIDELINE,)
"""Exposures that stand in one model: drinks are compared at the same fluid."""
LAGGED = (FLUID, ALCOHOL)
HEAT = Modification(
    FLUID,
    WARMTH,
    -500.0,
    {"10 °C": 10.0, "20 °C": 20.0, "30 °C": 30.0},
    ("30 °C", "10 °C"),
    "500 mL/day below own mean",
)
ASKED = ("recall_water_ml", "recall_alcohol_g")
"""What a survey asks of drinking."""
_OF_SURVEY: Any = {"model": "survey-poisson", "outcome": "any_cramp"}
_SEED = 20_260
_MAIN, _CURVES, _HEAT, _ADHERENCE = "tbl-hydration", "fig-hydration-lags", "fig-fluid-temperature", "tbl-adherence"


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return ratios of fluid, drinks and alcohol, within and between persons, over nights, and by temperature."""
    asked = _asked(cohort, settings)
    measured = measured_in(cohort)
    exposures = attempt((_MAIN, _CURVES), lambda: _exposures(cohort, asked, measured))
    heat = attempt((_HEAT,), lambda: _heat(cohort, asked, measured))
    met = attempt((_ADHERENCE,), lambda: _adherence(cohort, asked, exposures.estimates))
    found = joined(exposures, heat, met)
    limits = " ".join(filter(None, (_limits(found.estimates), doubts.of_columns(cohort, (FLUID, DRINK, ALCOHOL)))))
    values = {"answer": _answer(found.estimates), "shown": _shown(found.estimates), "limits": limits}
    return joined(found, Findings(together([]), values=values))


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalence ratios of water and alcohol on the recalled day, and who drank as much as advised."""
    asked = _asked(cohort, settings)
    ratios = attempt((_MAIN,), lambda: _recalled(cohort, asked))
    met = attempt((_ADHERENCE,), lambda: _adherence(cohort, asked, None))
    values = {
        "answer": _answer_of_survey(ratios),
        "shown": "",
        "limits": "Water and alcohol are those of one recalled day, which says little of what a person usually drinks, "
        "so that ratios are drawn towards 1; plain water is not all fluid, so that fewer seem to reach a guideline on "
        "fluid than do. Cramps were asked for the month before: what came first cannot be told.",
    }
    return joined(ratios, met, Findings(together([]), values=values))


def _exposures(cohort: Cohort, asked: dict[str, Any], measured: frozenset[str]) -> Findings:
    if not {FLUID, DRINK, ALCOHOL} & measured:
        raise AnalysisError("the diary has neither fluid, electrolyte drinks nor alcohol")
    rngs = np.random.default_rng(_SEED).spawn(len(TOGETHER))
    steps: list[Callable[[], pd.DataFrame]] = []
    for names, rng in zip(TOGETHER, rngs, strict=True):
        own = [name for name in names if name in measured]
        steps.append(partial(_split, cohort, own, rng, asked))
        steps += [partial(adjusted_lags, cohort, name, **asked) for name in own if name in LAGGED]
        steps += [partial(not_measured, cohort, name) for name in names if name not in own and name != GUIDELINE]
    if {FLUID, NOCTURIA} <= measured:
        steps.append(partial(nocturia_by_fluid, cohort, **asked))
    rows = together(shared.each(steps))
    guideline = rows["term"].str.endswith(GUIDELINE)
    of_cramps = rows[~guideline & rows["outcome"].eq("cramps")]
    caption = "Fluid, electrolyte drinks, alcohol and cramps, at the declared contrasts."
    note = (
        "Within participants: a day against the mean of the person's own days; between them: that mean. Over several "
        "nights each is held beside the others [@schwartz2000]; the control is the exposure of the day after. "
        f"{said.adjusted(cohort, [name for name in (FLUID, DRINK, ALCOHOL) if name in measured], of_cramps)}"
    )
    lags = kinds.DISTRIBUTED_LAG.rows(rows)
    known = lags.loc[lags["estimate"].notna(), "term"].str.removeprefix(wording.CONTRAST)
    words = {FLUID: "of fluid", ALCOHOL: "of alcohol"}
    # Where none is drawn, the figure says why of both.
    drawn = [word for name, word in words.items() if known.eq(name).any()] or words.values()
    drawing = Drawing(
        "lag_curves",
        lags,
        caption=f"Rate ratios {wording.listed(drawn)} within persons by the nights since; shaded: 0.8 to 1.25.",
        alt=_alt(rows),
    )
    return Findings(
        rows, {_MAIN: ReportTable(tables.nightly_exposures(of_measured(of_cramps)), caption, note)}, {_CURVES: drawing}
    )


def _split(cohort: Cohort, names: Sequence[str], rng: np.random.Generator, asked: dict[str, Any]) -> pd.DataFrame:
    """Return ratios within and between persons of exposures that stand in one model, as far as they can."""
    return together(adjusted_within_between(cohort, each, rng=rng, **asked) for each in in_one_model(cohort, names))


def _heat(cohort: Cohort, asked: dict[str, Any], measured: frozenset[str]) -> Findings:
    if lacking := [wording.small(wording.label(name)) for name in (FLUID, WARMTH) if name not in measured]:
        raise AnalysisError(f"whether fluid matters more in the heat needs {wording.listed(lacking)} in the diary")
    rows = modified_ratio(cohort, HEAT, **asked)
    row = said.judged(rows, FLUID, HEAT.level)
    found = "has no verdict" if row is None else f"is {in_text(row)}"
    drawn = rows[~rows["term"].map(wording.is_declared)]
    drawing = Drawing(
        "modified",
        rows,
        caption="Rate ratio of a day with 500 mL less fluid than the person's own mean, by outdoor temperature; "
        "shaded: 0.8 to 1.25.",
        alt=f"Points with intervals at 10, 20 and 30 °C. The ratio at 30 over that at 10 °C {found}.",
        note=said.without_adjustment(drawn if len(drawn) else rows) or None,
    )
    return Findings(rows, figures={_HEAT: drawing})


def _adherence(cohort: Cohort, asked: dict[str, Any], ratios: pd.DataFrame | None) -> Findings:
    rows = adherence(cohort, where=asked["where"], ci_level=asked["ci_level"])
    if not (rows["status"] != "not_measured").any():
        why = "; ".join(tables.not_measured(rows.head(1)))
        raise AnalysisError(f"how often guidelines on fluid were met is not known: {why}")
    day = "the day that ends in the night" if cohort.kind == "diary" else "the recalled day, of plain water"
    note = (
        f"Eight glasses of 8 US fluid ounces are 1,893 mL; {PER_KG} mL per kg of body mass is a standard of clinical "
        f"nutrition [@chidester1997]. Fluid is that of {day}."
    )
    compared = None if ratios is None else said.judged(ratios, GUIDELINE, "within")
    if compared is not None:
        note += (
            f" Nights after days with at least 1,893 mL had {times(compared)} the cramps of the same person's "
            f"other nights ({compared['verdict']})."
        )
    compared = None if ratios is None else said.judged(ratios, GUIDELINE, "between")
    if compared is not None:
        note += (
            f" People with so much on every day had {times(compared)} the cramps of people with it on no day "
            f"({compared['verdict']})."
        )
    remarks = tables.notes(rows)
    caption = "How often fluid reached what guidelines ask for."
    return Findings(rows, {_ADHERENCE: ReportTable(tables.adherence(rows), caption, f"{note} {remarks}".strip())})


def _recalled(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    measured = measured_in(cohort)
    names = [name for name in ASKED if name in measured]
    if not names:
        raise AnalysisError("the survey asked neither for water nor for alcohol")
    fits = [adjusted_fit(cohort, name, **_OF_SURVEY, **asked) for name in names]
    rows = together(each.estimates for each in fits)
    caption = "Plain water, alcohol and any cramp in the past month."
    return Findings(
        rows, {_MAIN: ReportTable(tables.factors(estimates.at_contrasts(rows)), caption, tables.notes(rows) or None)}
    )


def _answer(rows: pd.DataFrame) -> str:
    fluid, drink, alcohol = (said.judged(rows, name, "within") for name in (FLUID, DRINK, ALCOHOL))
    later, every = (said.judged(rows, ALCOHOL, level) for level in ("lag 1", "cumulative"))
    before, dry = (said.judged(rows, FLUID, level) for level in ("lag 1", "cumulative"))
    told = (
        ("after a day with 500 mL less fluid than their own mean", fluid),
        ("with 500 mL less fluid the day before", before),
        ("with 500 mL less fluid on four days running", dry),
        ("after an electrolyte drink at the same fluid", drink),
        ("after a day with 3 units of alcohol above their own mean", alcohol),
        ("with 3 units more alcohol the day before", later),
        ("with 3 units more alcohol on four days running", every),
    )
    names = (FLUID, DRINK, ALCOHOL)
    text = said.sentences(said.had(*told), said.clear_besides(rows, [row for _, row in told]))
    return text or said.untold("whether fluid, electrolyte drinks and alcohol go with cramps", rows, names)


def _answer_of_survey(ratios: Findings) -> str:
    declared = ratios.estimates[ratios.estimates["term"].str.startswith(wording.CONTRAST)]
    reason = ratios.could_not.get(_MAIN, "no model has an answer")
    text = said.reported(wording.records(declared[declared["estimate"].notna()]))
    return text or f"How cramps go with water and alcohol could not be estimated: {reason}."


def _shown(rows: pd.DataFrame) -> str:
    nocturia = said.judged(rows, FLUID, "within", kinds.NIGHTLY_COUNT)
    return said.sentences(said.control(rows, LAGGED), "" if nocturia is None else _up(nocturia), _in_heat(rows))


def _up(nocturia: dict[str, Any]) -> str:
    """Return how often people got up to pass urine after a day on which they drank more."""
    day = "a day with 500 mL more fluid than their own mean"
    if too_imprecise(nocturia):
        return f"How much more often people got up to pass urine after {day} is {TOO_IMPRECISE}"
    return f"After {day} people got up to pass urine {times(nocturia)} as often ({nocturia['verdict']})"


def _in_heat(rows: pd.DataFrame) -> str:
    """Return whether fluid matters more in the heat, or that no night was so hot."""
    heat = said.judged(rows, FLUID, HEAT.level)
    if heat is not None:
        return (
            f"The rate ratio of 500 mL less fluid at 30\N{NO-BREAK SPACE}°C was {times(heat)} that at "
            f"10\N{NO-BREAK SPACE}°C ({heat['verdict']})"
        )
    followed = kinds.MODIFIED.rows(rows)
    never = next(iter(of_rows(followed[followed["level"].eq(HEAT.level)], "never at")), "")
    return f"Whether fluid matters more in the heat cannot be told: {NEVER_AT} {never}" if never else ""


def _limits(rows: pd.DataFrame) -> str:
    when = "Fluid and alcohol are of the whole day, so that nothing is said of the hour at which they were drunk"
    beside = "Beside the nights before stand the other habits of the night itself, not those of the nights before"
    return said.sentences(said.OBSERVED, when, beside, said.drawn_within(rows, "drinks"))


def _alt(rows: pd.DataFrame) -> str:
    texts: Sequence[str] = [
        f"{wording.term(name)}, {wording.contrast(row)}: {in_text(row)} for all nights together"
        for name in LAGGED
        if (row := said.judged(rows, name, "cumulative")) is not None
    ]
    begin = "Points with intervals over the nights after the exposure, one panel for each exposure"
    return f"{begin}. {'; '.join(texts)}." if texts else f"{begin}."


def _asked(cohort: Cohort, settings: Settings) -> dict[str, Any]:
    return {
        "where": settings.old_enough(cohort),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
    }


ANALYSIS = Analysis(
    "hydration",
    "Do little fluid, drinks without electrolytes and alcohol go with more cramps, on the same night or later?",
    answers={
        "diary": CohortAnswer(of_diary, (_CURVES, _MAIN, _HEAT, _ADHERENCE), {"diary": ("cramps",)}),
        "survey": CohortAnswer(
            of_survey,
            (_MAIN, _ADHERENCE),
            {"participants": ("recalled_low",)},
            "Do little water and alcohol go with more cramps?",
        ),
    },
    values=("answer", "shown", "limits"),
)
