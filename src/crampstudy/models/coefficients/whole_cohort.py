"""What the reasons of a model say of its rows, held against everybody whom the cohort has inside the condition."""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from crampstudy import wording
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.cohort.account import UNOBSERVED, is_unmet
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.request import ModelRequest
from crampstudy.nights import people

_ALONE = re.compile(r"\balone has (?P<name>\w+) = (?P<value>[\w.+-]+)")
_NONE = re.compile(r"\b(?:no (?:night|participant) is|there are no \w+) complete on the terms")


def told_of_whole(fitted: Fit, request: ModelRequest) -> Fit:
    """Return a fit whose reasons hold of the cohort, not of the rows of the model alone.

    What one participant alone has of those complete on the terms, others may have; and where nobody meets the
    condition, nobody's terms are incomplete.
    """
    notes = fitted.estimates["note"].fillna("")
    said = {note: _told(note, fitted, request) for note in notes.unique() if _ALONE.search(note) or _NONE.search(note)}
    if all(note == told for note, told in said.items()):
        return fitted
    kept = fitted.estimates["note"]
    return replace(fitted, estimates=fitted.estimates.assign(note=kept.where(~notes.isin([*said]), notes.map(said))))


def _told(note: str, fitted: Fit, request: ModelRequest) -> str:
    account = fitted.account
    lost = dict(account.left_out) if account else {}
    apart = sum(n for why, n in lost.items() if why == UNOBSERVED or is_unmet(why))
    if account and request.where and apart == account.found:
        what = f"{account.plural.rpartition(' ')[2]}{' observed' if lost.get(UNOBSERVED) else ''}"
        note = _NONE.sub(f"none of the {what} meets the condition {wording.condition(request.where)}", note)
    return _ALONE.sub(lambda match: _alone(match, request), note)


def _alone(said: re.Match[str], request: ModelRequest) -> str:
    """Return who alone has a value, of those complete on the terms where others of the cohort have it, too."""
    among = "alone of those complete on the terms has"
    return said[0].replace("alone has", among, 1) if _having(said["name"], said["value"], request) > 1 else said[0]


def _having(name: str, value: str, request: ModelRequest) -> int:
    """Return how many participants inside the condition have a value of a column; 0 where that cannot be asked."""
    frame, where = people(request.cohort, request.bands), request.where
    if where and not {*frame.columns}.issuperset(subpopulation.names(where)):
        return 0
    inside = subpopulation.select(frame, where).inside
    if isinstance(request.cohort, Cohort):
        inside = subpopulation.select_participants(request.cohort, frame, where).inside
    frame = frame.filter(inside)
    if name not in frame.columns:
        nightly = request.cohort.tables.get("diary") if isinstance(request.cohort, Cohort) else None
        if nightly is None or name not in nightly.columns:
            return 0
        frame = nightly.join(frame.select("participant_id"), on="participant_id", how="semi")
    column = pl.col(name)
    same = column.cast(pl.Float64) == pl.lit(value).cast(pl.Float64, strict=False)
    same = same if frame.schema[name].is_numeric() else column.cast(pl.String) == value
    return frame.filter(same)["participant_id"].n_unique()
