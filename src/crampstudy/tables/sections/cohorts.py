"""What a comparison of cohorts shows beside the groups: factors, other ways to standardise, other kinds of cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.tables.headings import (
    difference,
    grouped_stubs,
    in_groups,
    p_of,
    p_value,
    unit_of_difference,
    with_level,
)
from crampstudy.tables.table import table_of_rows

_BESIDE = ("E-value", "E-value of the limit", "p (Benjamini-Hochberg)")
_SAID = {
    kinds.BETWEEN_STANDARDISED.name: "age-standardised",
    kinds.BETWEEN_ADJUSTED.name: "adjusted",
    kinds.FACTOR_BETWEEN.name: "ratio of ratios",
}
"""What is compared where it is no group."""


@table_of_rows
def factors_between(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the ratio of each factor in the reference and in another cohort, and how they part, the factors down.

    Of several other cohorts each has lines of its own, under its name.
    """
    own, between = kinds.FACTOR_IN_COHORT.rows(estimates), kinds.FACTOR_BETWEEN.rows(estimates)
    reference, *rest = dict.fromkeys([*own["cohort"], *between["reference"], *between["cohort"]])
    others = rest or [reference]
    scale = str(own["scale"].dropna().iloc[0]).replace("_", " ").capitalize() if own["scale"].notna().any() else "Ratio"
    several = len(others) > 1
    tables = []
    for other in others:
        pair = own[own["cohort"].isin([reference, other])]
        made: dict[tuple[str, str], dict[str, str]] = {}
        called = {reference: str(reference)} | {name: "the cohort" if several else str(name) for name in rest}
        whom = f"Participants ({' / '.join(dict.fromkeys(called.values()))})"
        for row in wording.records(pair):
            cells = made.setdefault(_factor(row), {})
            people = wording.count_of(row, "n_participants")
            cells[whom] = f"{cells[whom]} / {people}" if whom in cells else people
            cells[with_level(f"{scale} in {called[row['cohort']]} (95% CI)", own)] = estimate(row)
        for row in wording.records(between[between["cohort"] == other]):
            made.setdefault((str(row["term"]), _text(row["level"])), {}).update(
                {
                    with_level("Ratio of ratios (95% CI)", between): estimate(row),
                    "p (Holm)": p_of(row, "q_value"),
                    "Verdict": wording.DASH if pd.isna(row["verdict"]) else str(row["verdict"]),
                }
            )
        shown = pd.DataFrame.from_dict(dict(enumerate(made.values())), orient="index")
        stubs = [_stub(term, level) for term, level in made]
        shown.index = (
            pd.MultiIndex.from_arrays([[str(other)] * len(stubs), stubs], names=["", "Factor"])
            if several
            else pd.Index(stubs, name="Factor")
        )
        tables.append(shown)
    return pd.concat(tables).fillna(wording.DASH)


def _factor(row: dict[str, object]) -> tuple[str, str]:
    return str(row["term"]), _text(row["unit"]) or _text(row["level"])


def _text(cell: object) -> str:
    return "" if pd.isna(cell) else str(cell)  # type: ignore[call-overload]


def factor_name(term: str) -> str:
    """Return the term of a factor as printed, not whether the mean that nights are held against is without them."""
    name = term.removeprefix(wording.CONTRAST)
    exposure = exposures.find(name)
    return wording.term(str(replace(exposure, leave_out=False)) if exposure else name)


def _stub(term: str, contrast: str) -> str:
    name = factor_name(term)
    return f"{name}: {contrast}" if contrast else name


@table_of_rows
def standardised_otherwise(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the standardised ratio and difference in each way to standardise, or by bootstrap."""
    stubs = [wording.capital(str(level)) for level in _ratios(estimates)["level"]]
    return _ratio_and_difference(estimates, stubs, "Standardised")


@table_of_rows
def between_kinds(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return ratio and difference of the shares of people of a diary and of a survey, by cramps in 30 nights."""
    rows = _ratios(estimates)
    stubs = [
        wording.capital(f"{wording.level(str(level))}, {how}" if isinstance(how, str) else wording.level(str(level)))
        for level, how in zip(rows["level"], rows["model"].astype(object), strict=True)
    ]
    return _ratio_and_difference(estimates, stubs, "Cramps in 30 nights")


def _ratios(estimates: pd.DataFrame) -> pd.DataFrame:
    return estimates[estimates["scale"] != "difference"]


def _ratio_and_difference(estimates: pd.DataFrame, stubs: Sequence[str], name: str) -> pd.DataFrame:
    """Return a line for each ratio with the difference of the same key beside it, where it has one."""
    ratios = in_groups(_ratios(estimates).assign(stub=stubs))
    by = ["cohort", "analysis", "outcome", "model", "level"]
    differences = estimates[estimates["scale"] == "difference"]
    of = {tuple(_text(row[key]) for key in by): row for row in wording.records(differences)}
    beside = [of.get(tuple(_text(row[key]) for key in by)) for row in wording.records(ratios)]
    kind = str(ratios["scale"].iloc[0]).replace("_", " ").capitalize()
    reference = str(ratios["reference"].iloc[0])
    made = pd.DataFrame(
        {
            "Participants": wording.counts(ratios, "n_participants").to_numpy(),
            with_level(f"{kind} against {reference} (95% CI)", ratios): [estimate(r) for r in wording.records(ratios)],
            with_level(f"Difference, {unit_of_difference(differences)} (95% CI)", ratios): [
                wording.DASH if row is None else difference(row) for row in beside
            ],
            "Verdict": ratios["verdict"].fillna(wording.DASH).to_numpy(),
        }
    )
    made.index = grouped_stubs(ratios, ratios["stub"].tolist(), name)
    return made


@table_of_rows
def pooled_cohorts(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the rate or prevalence of each group over all cohorts, then the ratios of groups adjusted for the site."""
    ratios = estimates["scale"].str.endswith("_ratio")
    made = pd.DataFrame(
        {
            "Participants": wording.counts(estimates, "n_participants").to_numpy(),
            "Events": wording.counts(estimates, "n_events").to_numpy(),
            with_level("Estimate (95% CI)", estimates): [estimate(row) for row in wording.records(estimates)],
            "Verdict": estimates["verdict"].fillna(wording.DASH).to_numpy(),
        }
    )
    stubs = [
        f"{wording.level(str(level))} against {wording.level(str(reference))}" if ratio else wording.level(str(level))
        for level, reference, ratio in zip(estimates["level"], estimates["reference"], ratios, strict=True)
    ]
    made.index = pd.Index(stubs, name=wording.grouping(str(estimates["term"].iloc[0])))
    return made


@table_of_rows
def few_events(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the standardised rate of each cohort with its interval of few events."""
    made = pd.DataFrame(
        {
            "Participants": wording.counts(estimates, "n_participants").to_numpy(),
            "Person-nights": wording.counts(estimates, "n_nights").to_numpy(),
            "Cramps": wording.counts(estimates, "n_events").to_numpy(),
            with_level("Cramps per person-week (95% CI)", estimates): list(map(estimate, wording.records(estimates))),
            "Interval": estimates["model"].to_numpy(),
        }
    )
    made.index = pd.Index(estimates["cohort"].astype(str), name="Age-standardised")
    return made


@table_of_rows
def beside_ratios(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return beside each ratio its E-value, that of its limit, and its p-value by Benjamini and Hochberg."""
    lines: dict[tuple[str, str, str, str, str], dict[str, str]] = {}
    for row in wording.records(in_groups(estimates)):
        cohort, outcome, estimand, term = (str(row[name]) for name in ("cohort", "outcome", "estimand", "term"))
        cells = lines.setdefault((cohort, outcome, estimand, term, _text(row["level"])), {})
        if row["analysis"] == kinds.E_VALUE.name:
            limit = wording.DASH if pd.isna(row["ci_low"]) else wording.marked(row, wording.number(row["ci_low"]))
            cells |= dict(zip(_BESIDE, (wording.marked(row, wording.number(row["estimate"])), limit), strict=False))
        else:
            cells[_BESIDE[-1]] = wording.marked(row, p_value(row["estimate"]))
    found = pd.DataFrame.from_dict(dict(enumerate(lines.values())), orient="index").fillna(wording.DASH)
    made = found[[name for name in _BESIDE if name in found.columns]]
    stubs = []
    for _, _, estimand, term, level in lines:
        named = term.startswith(wording.CONTRAST) or estimand.startswith("factor")
        stub = _stub(term, wording.level(level)) if named else wording.level(level)
        stubs.append(wording.capital(", ".join(filter(None, (stub, _SAID.get(estimand))))))
    groups = pd.DataFrame([place[:2] for place in lines], columns=["cohort", "outcome"])
    made.index = grouped_stubs(groups, stubs, "Ratio")
    return made
