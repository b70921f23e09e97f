"""What statsmodels' fits of the same models say beside ours."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import kinds
from crampstudy.estimates.opinions import ERROR_GAP, GAP, compared_coefficients, gaps
from crampstudy.tables.reworded import reworded
from crampstudy.tables.table import PrintedTable, as_table, table_of_rows

_KINDS = (kinds.COEFFICIENT, kinds.COEFFICIENT_BY_STATSMODELS, kinds.COEFFICIENT_GAP)


@table_of_rows
def coefficients(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return our coefficients and standard errors beside those of statsmodels, a row per parameter, by model."""
    rows = pd.concat([kind.rows(estimates) for kind in _KINDS])
    at = {(_parameter_of(row), row["analysis"], row["scale"]): row for row in wording.records(rows)}
    lines = list(dict.fromkeys(parameter for parameter, *_ in at))

    def column(kind: kinds.Kind, scale: str, cell: str, printed: Callable[[float], str]) -> list[str]:
        own = [at.get((parameter, kind.name, scale)) for parameter in lines]
        return [wording.DASH if row is None else wording.marked(row, printed(row[cell])) for row in own]

    ours, theirs, gap = _KINDS
    columns = {
        "Coefficient": column(ours, "coefficient", "estimate", _digits),
        "statsmodels": column(theirs, "coefficient", "estimate", _digits),
        "Apart (in SE)": column(gap, GAP, "estimate", wording.magnitude),
        "SE": column(ours, "coefficient", "std_error", _digits),
        "statsmodels' SE": column(theirs, "coefficient", "std_error", _digits),
        "SE apart (relative)": column(gap, ERROR_GAP, "estimate", wording.magnitude),
    }
    named = [at[parameter, ours.name, "coefficient"] for parameter in lines]
    terms = [[wording.model(row["model"]) for row in named], [_factor(row) for row in named]]
    index = pd.MultiIndex.from_arrays(terms, names=["", "Factor"])
    return pd.DataFrame({"Contrast": [_contrast(row) for row in named], **columns}, index=index)


def _parameter_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return which parameter of which model a row is of."""
    return tuple(None if pd.isna(row[name]) else row[name] for name in ("model", "outcome", "term", "level"))


def _factor(row: Mapping[str, Any]) -> str:
    return wording.capital(wording.term(str(row["term"])))


def second_opinion(rows: pd.DataFrame) -> PrintedTable:
    """Return the :func:`coefficients` of a second opinion; of one that compares nothing a table without lines."""
    compared = compared_coefficients(rows)
    return PrintedTable.of(coefficients(compared) if len(compared) else compared)


@as_table
def second_opinions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how far statsmodels' fits are from ours, a row per model that could be compared."""
    made = []
    for name, of_model in rows.groupby("model", sort=False):
        agree = (of_model["status"] == "agrees").sum()
        compared = agree + (of_model["status"] == "differs").sum()
        if not compared:
            continue
        first = of_model.iloc[0]
        made.append(
            {
                "Model": wording.model(str(name)),
                "Outcome": wording.DASH
                if pd.isna(first["outcome"])
                else wording.capital(wording.term(first["outcome"])),
                "By statsmodels": first["refit"],
                "Rows": wording.count(first["n_rows"]),
                "Parameters that agree": f"{agree} of {compared}",
                "Largest gap (in SE)": _largest(of_model, GAP),
                "Largest gap of SE (relative)": _largest(of_model, ERROR_GAP),
            }
        )
    return pd.DataFrame(made).set_index("Model") if made else pd.DataFrame()


def _contrast(row: Mapping[str, Any]) -> str:
    """Return what a coefficient compares: two levels, or one unit more of a number."""
    known = wording.variable(str(row["term"]))
    if (said := wording.contrast({**row, "unit": None})) or known is None or known.unit is None:
        return said or wording.DASH
    # A derived variable has its own step, such as per 10 years.
    unit = "point" if re.fullmatch(r"\d+-\d+", known.unit) else known.unit
    return unit if unit.startswith("per ") else f"per 1 {unit}"


_SHOWN = 6
"""Significant digits of a number beside its second opinion."""


def _digits(value: float) -> str:
    return wording.DASH if math.isnan(value) else wording.digits(value, _SHOWN)


def agreement(rows: pd.DataFrame) -> str:
    """Return what statsmodels' fit of one model says beside ours, in sentences: how far they are apart, or why not."""
    compared = rows[rows["status"].isin(["agrees", "differs"])]
    notes = _notes(rows)
    if compared.empty:
        return wording.sentences([f"no second opinion: {notes[0]}", *notes[1:]])
    differ = compared[compared["status"] == "differs"]
    n, apart_on = len(compared), len(differ)
    verdict = f"{'differs' if apart_on else 'agrees'} on {apart_on or n} of {n} parameter{'s' if n > 1 else ''}"
    if apart_on:
        verdict += f" ({', '.join(_parameter(row) for row in wording.records(differ))})"
    rows_used = wording.count(compared["n_rows"].iloc[0])
    said = f"statsmodels, {compared['refit'].iloc[0]}, on the same {rows_used} rows {verdict}"
    coefficients = compared[compared["std_error"] > 0]
    if len(coefficients):
        apart, errors_apart = (gap.max() for gap in gaps(coefficients))
        said += (
            f"; the largest gap between coefficients is {wording.magnitude(apart)} standard errors, and between "
            f"standard errors ({coefficients['covariance'].iloc[0]}) {wording.magnitude(errors_apart)} of themselves"
        )
    return " ".join(filter(None, (f"{said}.", wording.sentences(notes))))


def agreements(rows: pd.DataFrame) -> str:
    """Return what the second opinions on several models come to, as one sentence without its full stop."""
    compared = rows[rows["status"].isin(["agrees", "differs"])]
    if compared.empty:
        by_model = {name: "; ".join(_notes(some)) for name, some in rows.groupby("model", sort=False)}
        reasons = [f"{wording.model(str(name))}: {note}" for name, note in by_model.items() if note]
        alike = {*by_model.values()}
        why = "; ".join(alike if len(alike) == 1 else reasons)
        return ": ".join(filter(None, ("None of the models could be compared", why)))
    n, differ = len(compared), int((compared["status"] == "differs").sum())
    verdict = f"{n - differ} of {n}" if differ else f"All {n}"
    made, asked = compared["model"].nunique(), rows["model"].nunique()
    models = (
        wording.counted(made, "models") if made == asked else f"the {made} of {asked} models that could be compared"
    )
    apart_on = f", and {differ} {'differs' if differ == 1 else 'differ'}" if differ else ""
    said = f"{verdict} parameters agree in {models}{apart_on}"
    apart, errors_apart = gaps(compared)
    if apart.isna().all():
        return said
    furthest, widest = (wording.records(compared.iloc[[int(gap.argmax())]])[0] for gap in (apart, errors_apart))
    return (
        f"{said}; the largest gap between coefficients is {_largest(compared, GAP)} standard errors "
        f"({wording.model(furthest['model'])}: {_parameter(furthest)}), and between standard errors "
        f"{_largest(compared, ERROR_GAP)} of themselves "
        f"({wording.model(widest['model'])}: {_parameter(widest)})"
    )


def opinion_notes(rows: pd.DataFrame) -> str:
    """Return what is to be said of each model of several second opinions, in sentences that begin with its name."""
    said = []
    for name, some in rows.groupby("model", sort=False):
        compared = some["status"].isin(["agrees", "differs"]).any()
        if notes := _notes(some):
            said.append(f"{wording.model(str(name))}{'' if compared else ', not compared'}: {'; '.join(notes)}")
    return wording.sentences(said)


def _notes(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(reworded(part) for note in rows["note"].dropna() for part in str(note).split("; ")))


def _largest(opinions: pd.DataFrame, scale: str) -> str:
    """Return the largest gap of second opinions on a scale, an en dash where there is none."""
    rows = compared_coefficients(opinions)
    own = rows[rows["scale"] == scale].sort_values("estimate", kind="stable").tail(1)
    made = (wording.marked(row, wording.magnitude(row["estimate"])) for row in wording.records(own))
    return next(made, wording.DASH)


def _parameter(row: Mapping[str, Any]) -> str:
    of = "" if pd.isna(row["level"]) else f" = {wording.level(str(row['level']))}"
    return f"{wording.capital(wording.term(str(row['term'])))}{of}"
