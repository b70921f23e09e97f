"""Captions of what the section on nutrition shows of levels and intake, and what the columns of its table are."""

from __future__ import annotations

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.analyses.sentences.covariates import in_sentence
from crampstudy.codebook import contrasts, exposures
from crampstudy.codebook.contrasts import Contrast
from crampstudy.codebook.exposures import WITHIN
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import measure, recalled

_SPLINE = "on a natural cubic spline between the 5th and 95th centile. Shaded along a curve: its interval"
_LEVELS_DRAWN = (
    f" over the levels in blood, each against the value at the point, {_SPLINE}; shaded from top to bottom: the "
    "reference range; dashed: the limit of deficiency."
)
_INTAKE_DRAWN = " over the intake of minerals with food, each against its median"
_RATIOS = "Ratios"
_MEDIAN = 50


def caption(compared: pd.DataFrame) -> str:
    """Return the caption of the table of exposures."""
    ratios = wording.small(_ratios(compared))
    return f"Electrolytes, vitamins and minerals: levels, low levels, and {ratios} at declared contrasts."


def levels_drawn(compared: pd.DataFrame) -> str:
    """Return the caption of the curves over levels in blood."""
    return f"{_ratios(compared)}{_LEVELS_DRAWN}"


def intake_drawn(compared: pd.DataFrame, levels: pd.DataFrame) -> str:
    """Return the caption of the curves of intake, which are drawn as those of ``levels`` where there are any."""
    how = "drawn as @fig-levels" if levels["estimate"].notna().any() else _SPLINE
    return f"{_ratios(compared)}{_INTAKE_DRAWN}, {how}."


def of_survey(compared: pd.DataFrame) -> str:
    """Return which ratios the numbers of an answer are, where these are of a survey."""
    named = _ratios(compared[compared["verdict"].notna()])
    return "" if named == _RATIOS else f"The numbers are {wording.small(named)}, against none."


def compared(rows: pd.DataFrame) -> str:
    """Return what the declared contrasts of rows compare, as it goes on after a text, nothing where there are none.

    What most of them compare stands first, and of what else they compare it is said for which.
    """
    groups: dict[str, list[str]] = {}
    for row in wording.records(rows[rows["term"].map(wording.is_declared)]):
        name = str(row["term"]).removeprefix(wording.CONTRAST)
        found = exposures.find(name)
        variable, part = (found.variable, found.part) if found else (name, None)
        stated, centiles = contrasts.of_variable(variable, deviation=part == WITHIN)
        within = " within participants" if part == WITHIN else ""
        groups.setdefault(_sides(stated or centiles), []).append(f"{in_sentence(variable)}{within}")
    first, *others = sorted(groups, key=lambda sides: -len(groups[sides])) or [""]
    said = [f"{sides} for {wording.listed(dict.fromkeys(groups[sides]))}" for sides in others]
    return f": {'; '.join([first, *said])}" if first else ""


def _sides(contrast: Contrast) -> str:
    """Return what a contrast compares, in words: ``a low value against a high one``."""
    if contrast.reference == 0:
        deviation = contrast.kind == "deviation"
        return "a day above the own mean against that mean" if deviation else "some of it against none"
    low, high = ("a low value", "a high one") if contrast.at < contrast.reference else ("a high value", "a low one")
    usual = contrast.kind == "value" or contrast.reference == _MEDIAN
    return f"{low} against {'a usual one' if usual else high}"


def of_columns(made: pd.DataFrame) -> list[str]:
    """Return what the columns of the table of exposures are, of the rows that it is made of."""
    described = kinds.EXPOSURE_LEVEL.rows(made)
    of_person = ", of a nightly intake that of the participants' means" if any(map(_nightly, described["term"])) else ""
    said = {
        kinds.EXPOSURE_LEVEL: f"SD: standard deviation{of_person}",
        kinds.LOW_LEVEL: "low: below the limit of deficiency, or below the reference range where none is declared",
        kinds.SHAPE: "shape: test that the dose-response is a straight line",
    }
    return [text for kind, text in said.items() if len(kind.rows(made))]


def _nightly(term: object) -> bool:
    found = exposures.find(str(term))
    return codebook.find(found.variable if found else str(term), "diary") is not None


def _ratios(compared: pd.DataFrame) -> str:
    """Return which ratios rows are: ``Ratios``, of a survey ``Prevalence ratios of moderate-severe cramps``."""
    named = dict.fromkeys(measure(row) for row in wording.records(compared) if recalled(row) and pd.notna(row["scale"]))
    every = wording.listed(each.replace("ratio", "ratios", 1) for each in named) if named else _RATIOS
    return wording.capital(every)
