"""What a ratio is adjusted for, as it stands inside a sentence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.codebook.exposures import BETWEEN, WITHIN
from crampstudy.models.terms import formula
from crampstudy.nights.calendar import CYCLE


def held(row: Mapping[str, Any]) -> list[str]:
    """Return the variables that a row is adjusted for, each once."""
    names = [name for term in _terms(row) for name in formula.names_in(formula.parse(term))]
    return list(dict.fromkeys(map(_covariate, names)))


def beside_in_model(row: Mapping[str, Any]) -> list[str]:
    """Return the exposures that stand in the model of a row as its own does: within participants and between them."""
    terms, own = _terms(row), exposures.unsplit(str(row["term"]).removeprefix(wording.CONTRAST))
    found = (exposures.find(term) for term in terms)
    split = [each.name for each in found if each and each.part == WITHIN and not each.steps]
    return [name for name in split if f"{BETWEEN}({name})" in terms and name != own]


def in_sentence(name: str) -> str:
    """Return a label inside a sentence, its comma resolved: ``albumin-corrected serum calcium``."""
    first, _, more = wording.label(name).partition(", ")
    return f"{more} {wording.small(first)}" if more else wording.small(first)


def _terms(row: Mapping[str, Any]) -> list[str]:
    return [] if pd.isna(row["adjusted_for"]) else str(row["adjusted_for"]).split("; ")


def _covariate(name: str) -> str:
    found = exposures.find(name)
    if found and found.steps:
        return wording.small(wording.term(name))
    variable = found.variable if found else name
    return "season" if variable in CYCLE else in_sentence(variable)
