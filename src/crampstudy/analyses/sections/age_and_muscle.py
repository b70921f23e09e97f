"""How common cramps are by age, and whether muscle and joints go with them, and with what age has to do with them."""

from __future__ import annotations

from typing import Any

import pandas as pd
import polars as pl

from crampstudy import estimates as tidy
from crampstudy import tables, wording
from crampstudy.analyses import doubts
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.attempts import attempts
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, has_estimate, joined, together
from crampstudy.analyses.sentences import age as said
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.contrasts.age_curve import age_curve
from crampstudy.contrasts.people.muscle_and_joints import age_ratios, muscle_ratios
from crampstudy.contrasts.people.ratios_by_band import ratios_by_band
from crampstudy.descriptive import describe
from crampstudy.estimates import kinds
from crampstudy.estimates.groups import whole
from crampstudy.estimates.sentences import outcomes, value

_BANDS, _CURVE, _MUSCLE, _WITHOUT, _RATIOS = (
    *("tbl-frequency", "fig-age-curve", "tbl-muscle"),
    *("fig-age-ratios", "tbl-age-ratios"),
)
_PARTS = (_CURVE, _BANDS, _MUSCLE, _WITHOUT, _RATIOS)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return incidence rates by age, and rate ratios of muscle, joints, sitting and age."""
    return _found(cohort, settings, _rates(cohort, settings), "negative-binomial", "cramps")


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return prevalences of recalled classes by age, and prevalence ratios of muscle, joints, sitting and age."""
    return _found(cohort, settings, _prevalences(cohort, settings), "survey-poisson", "any_cramp")


def _found(cohort: Cohort, settings: Settings, bands: Findings, model: str, outcome: str) -> Findings:
    asked = {
        "model": model,
        "outcome": outcome,
        "where": settings.old_enough(cohort),
        "ci_level": settings.ci_level,
        "participants_per_coefficient": settings.per_coefficient,
    }
    curve = age_curve(cohort, youngest=settings.youngest, ci_level=settings.ci_level)
    alt = "Left, a smooth curve over age with its interval shaded; right, points with vertical intervals by age band."
    of_age = settings.to_draw(bands.estimates)
    # Without an age the bands have none to stand at.
    drawn = together([curve, of_age]) if cohort.has("age_years") else curve
    curved = bool(has_estimate(curve))
    drawing = Drawing("age_curve", drawn, _caption(cohort, drawn, curved=curved), alt if curved else _BANDS_ALONE)
    muscle, ages = attempts(
        ((_MUSCLE,), lambda: _muscle(cohort, asked)), ((_WITHOUT, _RATIOS), lambda: _ages(cohort, asked))
    )
    doubted = doubts.of_columns(cohort, {name.removeprefix(wording.CONTRAST) for name in muscle.estimates["term"]})
    values = {
        "answer": said.answer(
            ages.estimates, muscle.estimates, ages.could_not.get(_RATIOS) or _nobody(bands.estimates)
        ),
        "compared": said.compared(muscle.estimates),
        "limits": f"{said.limits(cohort, ages.estimates, muscle.estimates)} {doubted}".strip(),
        "beside": _beside(ages.estimates),
        "drawn": f"{_QUANTITY[cohort.kind]} {_DRAWN}"
        if curved
        else f"{_QUANTITY[cohort.kind]} by age band, for too few are known to draw a curve over age",
    }
    shown = Findings(curve, figures={_CURVE: drawing}, values=values)
    return joined(bands, shown, muscle, ages)


def _nobody(bands: pd.DataFrame) -> str | None:
    """Return why not even all who are analysed have a rate or a prevalence, ``None`` where any group has."""
    if has_estimate(bands):
        return None
    everybody = bands[bands["population"].eq(whole(bands["population"]))]
    return tables.reasons(everybody.head(1), inside=True) or None


def _beside(ages: pd.DataFrame) -> str:
    """Return beside what ratios of age stand."""
    beside = ages[ages["analysis"] != kinds.AGE_ALONE.name]
    if beside.empty:
        return "alone, for none of them was measured"
    if not has_estimate(beside):
        return f"{said.alone(ages)}, for with them it could not be estimated ({tables.reasons(beside, inside=True)})"
    return "without and with them side by side, of the same participants"


_QUANTITY = {"diary": "it", "survey": "how common each is"}
"""What a figure draws, after the sentence that says how it was measured."""
_DRAWN = (
    "over age, as a natural cubic spline of age alone that describes how cramps differ between ages and does not "
    "explain why, and by age band"
)
_BANDS_ALONE = "Points with vertical intervals by age band."


def _caption(cohort: Cohort, drawn: pd.DataFrame, *, curved: bool) -> str:
    """Return the caption of the figure: what it draws of this cohort, with a curve or the bands alone."""
    if cohort.kind == "survey":
        rug = "over age as curves, with pointwise intervals and a rug of the participants, and "
        which = "any, and among them moderate-severe ones, of five or more a month,"
        return f"Prevalence of recalled cramps, {which} {rug if curved else ''}by age band."
    rug = "over age as a curve, with pointwise intervals and a rug of the participants, and "
    line = kinds.STANDARDISED_RATE.rows(drawn)
    line = line[line["estimate"].notna()]
    shading = "the line and its shading are" if line["ci_low"].notna().any() else "the line is"
    standard = f"; {shading} the age-standardised rate" if len(line) else ""
    return f"Incidence rate {rug if curved else ''}by age band{standard}."


def _rates(cohort: Cohort, settings: Settings) -> Findings:
    rows, bands = _described(cohort, settings), _ratios(cohort, settings)
    note = (
        "Cluster-robust intervals on the log scale with participants as clusters [@liang1986], the upper limits "
        "corrected for skewness [@hall1992]. The mean of person rates differs from the incidence rate when those who "
        f"log more cramp more, or less.{_overlap(cohort, settings)}{_below(cohort, settings)}"
    )
    crude, standardised = kinds.INCIDENCE_RATE.rows(rows), kinds.STANDARDISED_RATE.rows(rows)
    shown = _of_known_age(cohort, rows)
    table = _with_ratios(tables.rates(shown), bands)
    return Findings(
        together([rows, bands]),
        {_BANDS: ReportTable(table, f"Incidence rate of cramps{_by_age(cohort)}.", _note(note, shown, bands))},
        values={
            "measure": "The incidence rate is the number of cramps divided by the observed person-time.",
            "frequency": _frequency(cohort, settings, "crude incidence rate", crude, standardised),
        },
    )


def _prevalences(cohort: Cohort, settings: Settings) -> Findings:
    rows, bands = _described(cohort, settings), _ratios(cohort, settings)
    note = (
        "Design-based estimates with logit t intervals [@lumley2004]. Mild: one to four cramps in the past month; "
        f"moderate-severe: five or more.{_overlap(cohort, settings)}{_below(cohort, settings)}"
    )
    caption = f"Prevalence of recalled cramps in the past month{_by_age(cohort)}."
    any_cramp = rows[rows["level"].eq("any")]
    crude, standardised = kinds.PREVALENCE.rows(any_cramp), kinds.STANDARDISED_PREVALENCE.rows(any_cramp)
    quantity = "design-based prevalence of any cramp in the past month"
    shown = _of_known_age(cohort, rows)
    table = _with_ratios(tables.prevalence(shown), bands)
    return Findings(
        together([rows, bands]),
        {_BANDS: ReportTable(table, caption, _note(note, shown, bands))},
        values={
            "measure": "Participants recalled how often they had had leg cramps in the past month; "
            "classes are none, mild (up to four), and moderate-severe (five or more).",
            "frequency": _frequency(cohort, settings, quantity, crude, standardised),
        },
    )


def _overlap(cohort: Cohort, settings: Settings) -> str:
    """Return that the rows that sum bands up overlap with them, nothing where there are none."""
    summaries = [label for label in settings.bands.summaries if label not in settings.bands.labels]
    if not summaries or not cohort.has("age_years"):
        return ""
    return f" Summary rows, such as {summaries[0]}, overlap with the bands."


def _by_age(cohort: Cohort) -> str:
    return " by age" if cohort.has("age_years") else ""


def _of_known_age(cohort: Cohort, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a table by age; where nobody has an age, that of all participants alone."""
    everybody = rows[rows["population"].eq("all")]
    return everybody if not cohort.has("age_years") and len(everybody) else rows


def _ratios(cohort: Cohort, settings: Settings) -> pd.DataFrame:
    """Return the ratio of each age band against that of reference, no row where there are no two bands."""
    if not cohort.has("age_years") or len(settings.age_bands) < 2:
        return together([])
    found = attempt(
        (),
        lambda: Findings(
            ratios_by_band(cohort, settings.bands, reference=settings.reference_band, ci_level=settings.ci_level)
        ),
    )
    return found.estimates


def _with_ratios(table: pd.DataFrame, bands: pd.DataFrame) -> pd.DataFrame:
    return tables.beside_reference(table, bands) if len(bands) else table


def _note(text: str, rows: pd.DataFrame, bands: pd.DataFrame) -> str:
    said = " Ratios are crude, and describe." if has_estimate(bands) else ""
    return f"{text}{said} {tables.notes(rows, *([bands] if len(bands) else []))}".strip()


_SITTING = {
    "diary": "How sitting goes with cramps is told by the section on activity, whose ratio between participants this "
    "is.",
    "survey": "How sitting goes with cramps is told by the section on activity, whose ratio this is.",
}


def _muscle(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    rows = muscle_ratios(cohort, **asked)
    # A number is shown at its declared contrast alone.
    shown = tidy.at_contrasts(rows[rows["status"] != "not_measured"])
    beside = said.beside_sitting(shown)
    own = "each ratio, but for that of sitting, of a model of its own" if beside else "each ratio of a model of its own"
    caption = f"{wording.capital(said.parts(shown))}{_of_outcome(rows)}: {own}, {said.adjusted(shown)}."
    notes = f"{_SITTING[cohort.kind] if said.of_sitting(shown).any() else ''} {beside} {tables.notes(shown)}".strip()
    return Findings(rows, {_MUSCLE: ReportTable(tables.factors(shown), caption, notes or None)})


def _ages(cohort: Cohort, asked: dict[str, Any]) -> Findings:
    rows = age_ratios(cohort, **asked)
    beside = kinds.AGE_BESIDE_ALL.rows(rows)
    parts = said.parts(rows)
    also = f" and with all that was measured of {parts} beside, of the same participants"
    also = also if has_estimate(beside) else ""
    drawing = Drawing(
        "age_ratios",
        rows,
        caption=f"Ratio of each age{_of_outcome(rows)}, {said.alone(rows)}{also}; log scale.",
        alt=said.alt(rows),
        note="The shaded band along the curves is the interval; that at 1 holds ratios too close to 1 to matter.",
    )
    declared = rows[rows["term"].map(wording.is_declared)]
    shown = declared if len(declared) else rows
    besides = f" without and with {parts} beside it, of the same participants"
    several = has_estimate(rows[rows["analysis"] != kinds.AGE_ALONE.name])
    caption = f"The ratio of age{_of_outcome(rows)}{besides if several else ''}."
    table = ReportTable(tables.age_ratios(rows), caption, tables.notes(shown) or None)
    if has_estimate(rows) and not has_estimate(rows[rows["level"].notna() & ~rows.index.isin(declared.index)]):
        return Findings(rows, {_RATIOS: table}, could_not={_WITHOUT: said.STRAIGHT})
    return Findings(rows, {_RATIOS: table}, {_WITHOUT: drawing})


def _of_outcome(rows: pd.DataFrame) -> str:
    """Return of which recalled cramps the ratios of a survey are; in brackets after a space, nothing of a diary."""
    named = outcomes(rows)
    return f" ({named})" if named else ""


def _below(cohort: Cohort, settings: Settings) -> str:
    """Return who the people below the first limit are, as a sentence for a note, nothing where there are none."""
    frame = cohort.frame("participants")
    if "age_years" not in frame.columns:
        return ""
    asked = frame if cohort.kind == "diary" else frame.filter(pl.col("recalled_low").is_not_null())
    ages = asked["age_years"].filter(asked["age_years"] < settings.youngest)
    if ages.is_empty():
        return ""
    youngest, oldest = (int(age) for age in (ages.min(), ages.max()))  # type: ignore[arg-type]
    span = f"{youngest} to {oldest}" if youngest < oldest else f"{youngest}"
    where = "no figure, no summary row and no model of this section"
    return f" Below {settings.youngest}: people aged {span} years; they are in {where}."


def _described(cohort: Cohort, settings: Settings) -> pd.DataFrame:
    return describe(cohort, bands=settings.bands, standard=settings.standard, ci_level=settings.ci_level).estimates


def _frequency(
    cohort: Cohort, settings: Settings, quantity: str, crude: pd.DataFrame, standardised: pd.DataFrame
) -> str:
    """Return how common cramps are over all ages, crude and at the ages of the standard population."""
    aged, youngest = cohort.has("age_years"), settings.youngest
    everybody = wording.records(crude[crude["population"] == (f"{youngest}+" if aged else "all")])[0]
    known = wording.records(standardised[standardised["estimate"].notna()])
    of_whom = f"people aged {youngest} and older" if aged else "all participants"
    of_whom += settings.whose
    overall = "not known" if pd.isna(everybody["estimate"]) else value(everybody)
    also = f", and {value(known[0])} at the ages of the standard population" if known else ""
    if aged and not known:
        also = " (an age-standardised figure was not estimated)"
    return f"Among {of_whom} the {quantity} is {overall}{also}."


ANALYSIS = Analysis(
    "age-and-muscle",
    "How does the frequency of cramps change with age, and do muscle and joints go with it?",
    answers={
        "diary": CohortAnswer(of_diary, _PARTS, {"diary": ("cramps",)}),
        "survey": CohortAnswer(of_survey, _PARTS, {"participants": ("recalled_low",)}),
    },
    values=("answer", "measure", "drawn", "frequency", "compared", "beside", "limits"),
)
