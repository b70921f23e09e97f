"""Whether levels and intake of electrolytes, minerals and vitamins go with cramps, magnesium first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from crampstudy import estimates, tables, wording
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.attempts import attempts
from crampstudy.analyses.findings import (
    Drawing,
    Findings,
    ReportTable,
    has_estimate,
    joined,
    of_measured,
    together,
)
from crampstudy.analyses.sentences import levels as captions
from crampstudy.analyses.sentences import nutrition as said
from crampstudy.analyses.sentences import per_sd as standardised
from crampstudy.analyses.settings import Settings
from crampstudy.causal import measured_in
from crampstudy.codebook import contrasts
from crampstudy.cohort import Cohort
from crampstudy.compute import shared
from crampstudy.contrasts.adjusted import AdjustedFit, adjusted_fit
from crampstudy.contrasts.dose_response import dose_response
from crampstudy.contrasts.people.per_sd import ratios_per_sd
from crampstudy.contrasts.within_between import within_between
from crampstudy.descriptive.levels import levels
from crampstudy.errors import AnalysisError, UsageError
from crampstudy.estimates import kinds
from crampstudy.models.coefficients import in_another_unit

MAGNESIUM = "serum_magnesium_mmol_l"
CALCIUM, TOTAL_CALCIUM = "serum_calcium_corrected_mmol_l", "serum_calcium_mmol_l"
LEVELS = (
    *(MAGNESIUM, "serum_sodium_mmol_l", "serum_potassium_mmol_l", CALCIUM, "serum_phosphate_mmol_l"),
    *("vitamin_d_nmol_l", "vitamin_b1_nmol_l", "vitamin_b6_nmol_l", "vitamin_b12_pmol_l"),
)
MINERALS = ("dietary_magnesium_mg", "dietary_sodium_mg", "dietary_potassium_mg", "dietary_calcium_mg")
SUPPLEMENT = "supplement_magnesium_mg"
OUTCOME = "moderate_severe_vs_none"
"""That of a survey."""
_SEED, _REPLICATES = 20160, 200
_MAIN, _CURVES, _INTAKE, _TOGETHER, _PER_SD = (
    *("tbl-nutrition", "fig-levels", "fig-minerals", "tbl-minerals", "tbl-per-sd"),
)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return rate ratios of nightly counts by level and by the mean intake of participants."""
    asked = _asked(cohort, settings, "negative-binomial", "cramps")
    diet = [f"between({name})" for name in _measured(cohort, MINERALS)]
    supplement = [f"{part}({name})" for name in _measured(cohort, (SUPPLEMENT,)) for part in ("between", "within")]

    def beside_one_another(models: Mapping[str, _Model]) -> Findings:
        return _together(cohort, [models[term] for term in diet if term in models], asked)

    intake = (*MINERALS, SUPPLEMENT)
    return _found(cohort, settings, intake, [*diet, *supplement], asked, (_TOGETHER, beside_one_another))


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalence ratios of moderate-severe cramps by level and by the intake of one recalled day."""
    asked = _asked(cohort, settings, "survey-poisson", OUTCOME)
    recalled = tuple(f"recall_{name}" for name in MINERALS)
    per_sd = (_PER_SD, lambda _: _per_sd(cohort, settings, recalled, asked))
    return _found(cohort, settings, recalled, _measured(cohort, recalled), asked, per_sd)


_Model = tuple[list[str], list[str]]
"""Of a model with a design, the terms of its exposure, and all of its terms."""


def _found(
    cohort: Cohort,
    settings: Settings,
    intake: Sequence[str],
    terms: Sequence[str],
    asked: Mapping[str, Any],
    more: tuple[str, Callable[[Mapping[str, _Model]], Findings]],
) -> Findings:
    """Return levels, contrasts and curves of what the blood shows and of the ``terms`` of ``intake``.

    After them stands the part ``more``, by its label, of the models of the contrasts, by their terms.
    """
    names = _levels(cohort)
    blood = _measured(cohort, names)
    described = levels(cohort, (*names, *intake), where=asked["where"], ci_level=settings.ci_level)
    exposures = [*blood, *terms]
    lines = shared.each([partial(_contrast, cohort, term, asked) for term in exposures])
    models = {term: model for term, (_, model) in zip(exposures, lines, strict=True) if model}
    # Who takes a supplement at all is the question, and not how much.
    amounts = [term for term in terms if SUPPLEMENT not in term]
    label, part = more
    curves = (((), partial(_curve, cohort, term, asked)) for term in (*blood, *amounts))
    beside, *drawn = attempts(((label,), lambda: part(models)), *curves)
    compared = together(rows for rows, _ in lines)
    of_blood = _drawing(_CURVES, captions.levels_drawn(compared), drawn[: len(blood)])
    of_intake = _drawing(_INTAKE, captions.intake_drawn(compared, of_blood.estimates), drawn[len(blood) :])
    rows = together([described, compared, of_blood.estimates, of_intake.estimates])
    if not has_estimate(rows):
        why = tables.reasons(rows, inside=True) or said.NOTHING
        lacking = dict.fromkeys((_MAIN, _CURVES, _INTAKE), why)
        return joined(Findings(rows, values=said.nothing(why), could_not=lacking), beside)
    entered = in_another_unit.named(cohort, set(described["term"]))
    units = f"As they were entered, with numbers that look like another unit: {entered}." if entered else ""
    note = f"{said.note(rows, compared)} {units}".strip()
    table = ReportTable(tables.dose_response(of_measured(rows)), captions.caption(compared), note)
    figures = {**of_blood.figures, **of_intake.figures}
    # Of what was not measured there is no curve, which its levels say.
    could_not = {
        label: tables.why_none(described[described["term"].isin(whole)])
        for label, whole in ((_CURVES, names), (_INTAKE, [name for name in intake if name != SUPPLEMENT]))
        if label in figures and figures[label].estimates.empty
    }
    figures = {label: drawing for label, drawing in figures.items() if label not in could_not}
    return joined(Findings(rows, {_MAIN: table}, figures, said.values(cohort, rows, compared), could_not), beside)


def _drawing(label: str, caption: str, curves: Sequence[Findings]) -> Findings:
    """Return the curves of several exposures, and the figure that draws them."""
    each = [curve.estimates for curve in curves]
    rows = together(each)
    return Findings(rows, figures={label: Drawing("dose_response", rows, caption, said.alt(each))})


def _levels(cohort: Cohort) -> list[str]:
    """Return the levels in blood; calcium as it is where albumin is not known."""
    uncorrected = cohort.has(TOTAL_CALCIUM) and not cohort.has("serum_albumin_g_l")
    return [TOTAL_CALCIUM if name == CALCIUM and uncorrected else name for name in LEVELS]


def _asked(cohort: Cohort, settings: Settings, model: str, outcome: str) -> dict[str, Any]:
    """Return what is asked of every model alike."""
    return {
        "model": model,
        "outcome": outcome,
        "where": settings.old_enough(cohort),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
        "graph": settings.graph,
    }


def _measured(cohort: Cohort, names: Sequence[str]) -> list[str]:
    known = measured_in(cohort)
    return [name for name in names if name in known]


def _contrast(cohort: Cohort, term: str, asked: Mapping[str, Any]) -> tuple[pd.DataFrame, _Model | None]:
    """Return the rows of an exposure in a straight line, and their model, if it could be fitted."""
    fits: list[AdjustedFit] = []

    def made() -> pd.DataFrame:
        fits.append(adjusted_fit(cohort, term, **asked))
        return fits[0].estimates

    rows = _or_reason(cohort, term, kinds.GRAPH_ADJUSTED, asked, made)
    models = [(list(each.terms), list(each.fit.linear.design.terms())) for each in fits if each.fit.linear is not None]
    return rows, models[0] if models else None


def _curve(cohort: Cohort, term: str, asked: Mapping[str, Any]) -> Findings:
    declared = contrasts.find(term)
    reference = declared.reference if declared and declared.kind == "value" else None
    return Findings(
        _or_reason(cohort, term, kinds.SHAPE, asked, lambda: dose_response(cohort, term, reference=reference, **asked))
    )


def _or_reason(
    cohort: Cohort, term: str, kind: kinds.Kind, asked: Mapping[str, Any], made: Callable[[], pd.DataFrame]
) -> pd.DataFrame:
    """Return the rows of one exposure, or the row that says what it lacks: another one may have all that it needs."""
    try:
        return made()
    except (AnalysisError, UsageError) as problem:
        cells = {"cohort": cohort.name, "population": asked["where"] or "all participants", "term": term}
        cells |= {
            "outcome": asked["outcome"],
            "model": asked["model"],
            "analysis": kind.name,
            "note": estimates.reason(problem),
        }
        return estimates.frame([estimates.row(status="not_estimable", **cells)])


def _together(cohort: Cohort, models: Sequence[_Model], asked: Mapping[str, Any]) -> Findings:
    """Return the minerals of the diet in one model, corrected for the reliability of their means."""
    own = [term for exposure, _ in models for term in exposure]
    names = [term.removeprefix("between(").removesuffix(")") for term in own]
    if len(models) < 2:
        raise AnalysisError("fewer than two minerals of the diet could be fitted, so that none stand together")
    beside = dict.fromkeys(term for _, terms in models for term in terms if term not in own)
    more = {name: asked[name] for name in ("where", "ci_level", "outcome")}
    rows = within_between(
        cohort,
        names,
        rng=np.random.default_rng(_SEED),
        model="poisson",
        beside=" + ".join(beside),
        replicates=_REPLICATES,
        **more,
    )
    shown = rows[rows["term"].map(wording.is_declared)]
    table = ReportTable(tables.factors(shown), said.TOGETHER, said.together_note(rows))
    return Findings(rows, {_TOGETHER: table}, values={"together": said.together(shown)})


def _per_sd(cohort: Cohort, settings: Settings, recalled: Sequence[str], asked: Mapping[str, Any]) -> Findings:
    names = _measured(cohort, (*_levels(cohort), *recalled))
    if not names:
        raise AnalysisError(said.NOTHING)
    rows = ratios_per_sd(cohort, names, outcome=OUTCOME, where=asked["where"], ci_level=settings.ci_level)
    table = ReportTable(tables.factors(standardised.shown(rows)), standardised.CAPTION, standardised.note(rows))
    return Findings(rows, {_PER_SD: table})


ANALYSIS = Analysis(
    "nutrition",
    "Do levels and intake of electrolytes, minerals and vitamins, magnesium in particular, go with cramps?",
    answers={
        "diary": CohortAnswer(of_diary, (_MAIN, _CURVES, _INTAKE, _TOGETHER), {"diary": ("cramps",)}),
        "survey": CohortAnswer(of_survey, (_MAIN, _CURVES, _INTAKE, _PER_SD), {"participants": ("recalled_low",)}),
    },
    values=said.VALUES,
    follows_graph=True,
)
