"""Captions of what the section on nutrition shows of levels and intake, and what the columns of its table are."""

from __future__ import annotations

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.codebook import exposures
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import measure, recalled

_SPLINE = "on a natural cubic spline between the 5th and 95th centile. Shaded along a curve: its interval"
_LEVELS_DRAWN = (
    f" over the levels in blood, each against the value at the point, {_SPLINE}; shaded from top to bottom: the "
    "reference range; dashed: the limit of deficiency."
)
_INTAKE_DRAWN = " over the intake of minerals with food, each against its median"
_RATIOS = "Ratios"


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
