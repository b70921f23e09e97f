"""Estimates as tables for readers: data frames of text, indexed by what a row is about; nothing here fits a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook, wording
from crampstudy.cohort import Cohort
from crampstudy.estimates import at_contrasts, ratios

_RATES = {
    "incidence rate": "Cramps per person-week (95% CI)",
    "mean of person rates": "Mean of person rates (95% CI)",
}
MEDIAN_RELIEF = "median time to relief"
_CLASSES = ("none", "mild", "moderate-severe", "any")
_STANDARDISED = "age-standardised"
_TESTS = {"p": "p_value", "q": "q_value"}


def rates(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return incidence rates by group: person-time, cramps, rate, mean of person rates; standardised last."""
    crude = estimates[estimates["analysis"] == "incidence rate"]
    made = pd.DataFrame(
        {
            "Participants": crude["n_participants"].map(wording.count),
            "Person-nights": crude["n_nights"].map(wording.count),
            "Cramps": crude["n_events"].map(wording.count),
        }
    )
    for analysis, heading in _RATES.items():
        rows = estimates[estimates["analysis"] == analysis]
        made[_level(heading, rows)] = [wording.estimate(row) for row in wording.records(rows)]
    made.index = pd.Index(
        [_group(label) for label in crude["level"]], name=wording.grouping(str(crude["term"].iloc[0]))
    )
    standardised = estimates[estimates["analysis"] == "age-standardised incidence rate"]
    for row in wording.records(standardised):
        cells = [wording.count(row[n]) for n in ("n_participants", "n_nights", "n_events")]
        made.loc[f"{_group(row['level'])}, {_STANDARDISED}"] = [*cells, wording.estimate(row), wording.DASH]
    return made


def prevalence(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the prevalence of the recalled classes in per cent, a row per age group, standardised last."""
    shown = estimates[estimates["level"].isin(_CLASSES)].copy()
    adjusted = shown["analysis"].str.startswith("age-standardised")
    shown["row"] = shown["population"].map(_group) + adjusted.map({True: f", {_STANDARDISED}", False: ""})
    order = [*dict.fromkeys(shown.loc[~adjusted, "row"]), *dict.fromkeys(shown.loc[adjusted, "row"])]
    columns: dict[str, pd.Series[str]] = {
        "Participants": shown.groupby("row")["n_participants"].first().map(wording.count)
    }
    for level, rows in shown.groupby("level", sort=False):
        texts = [wording.estimate(row, 1, 100) for row in wording.records(rows)]
        columns[f"{wording.recalled(str(level))}, % (95% CI)"] = pd.Series(texts, index=rows["row"])
    made = pd.DataFrame(columns).loc[order]
    made.index.name = "Age (years)"
    return made


def relief(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the median time to relief by group, in minutes."""
    shown = estimates[estimates["analysis"] == MEDIAN_RELIEF]
    made = pd.DataFrame(
        {
            "Participants": shown["n_participants"].map(wording.count),
            "Cramps relieved": shown["n_events"].map(wording.count),
            _level("Median time to relief, min (95% CI)", shown): [
                wording.estimate(row, 1, 1 / 60) for row in wording.records(shown)
            ],
        }
    )
    heading = wording.grouping(str(shown["term"].iloc[0]))
    made.index = pd.Index([_group(label) for label in shown["level"]], name=heading)
    return made


def classes(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return the shares of people by cramps in 30 nights in per cent: implied by the nights, then in windows."""
    shown = estimates[estimates["level"].isin(_CLASSES)]
    how = shown["analysis"].str.split(", ").str[1]
    shown = shown.assign(row=shown["population"].map(_group) + ", " + how)
    columns = {
        _level(f"{wording.recalled(str(level))}, % (95% CI)", rows): pd.Series(
            [wording.estimate(row, 1, 100) for row in wording.records(rows)], index=rows["row"]
        )
        for level, rows in shown.groupby("level", sort=False)
    }
    made = pd.DataFrame(columns).loc[list(dict.fromkeys(shown["row"]))]
    made.index.name = "Cramps in 30 nights"
    return made


def factors(models: pd.DataFrame | Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return ratios or differences by factor, grouped by the codebook's domain; several models stand side by side.

    What a model has beside its coefficients is told by :func:`parameters`. One model shows its p-values and, at
    declared contrasts, its verdicts; a term that a model lacks is a dash. Where nothing is
    compared the baseline is shown.
    """
    named = {"": models} if isinstance(models, pd.DataFrame) else dict(models)
    columns: dict[str, dict[tuple[str, str, str], str]] = {}
    for name, estimates in named.items():
        rows = estimates[wording.compares(estimates)]
        if len(named) > 1:
            rows = rows[~rows["term"].map(wording.is_declared)]
        differs = rows[rows["scale"] == "difference"]
        compared = ratios(rows) if len(ratios(rows)) else rows
        scale = str(next(iter(compared["scale"]), "ratio")).replace("_", " ")
        title = scale.capitalize() if differs.empty else _of_number(differs)
        title = f"{name}: {title if len(differs) else scale}" if name else title
        cells = {_factor(row, scale): row for row in wording.records(rows)}
        columns[_level(f"{title} (95% CI)", rows)] = {key: wording.estimate(row) for key, row in cells.items()}
        if len(named) == 1:
            columns["p"] = {key: _p(row["p_value"]) for key, row in cells.items()}
            said = {key: str(row["verdict"]) for key, row in cells.items() if pd.notna(row["verdict"])}
            columns |= {"Verdict": said} if said else {}
    return _by_domain(columns)


def _by_domain(columns: Mapping[str, Mapping[tuple[str, str, str], str]]) -> pd.DataFrame:
    """Return columns of texts by domain, factor and contrast as a table, factors of a domain together."""
    keys = dict.fromkeys(key for cells in columns.values() for key in cells)
    groups = list(dict.fromkeys(group for group, _, _ in keys))
    ordered = sorted(keys, key=lambda key: groups.index(key[0]))
    made = pd.DataFrame({"Contrast": [contrast or wording.DASH for _, _, contrast in ordered]}, dtype=object)
    for heading, texts in columns.items():
        made[heading] = [texts.get(key, wording.DASH) for key in ordered]
    made.index = pd.MultiIndex.from_arrays([[key[i] for key in ordered] for i in (0, 1)], names=["", "Factor"])
    return made


def adjusted_factors(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return a table of factors: each adjusted for age and sex, with p, q and verdict, then mutually adjusted.

    A number is shown at its declared contrast, where it has one, and per unit where not. Another model than the first
    stands last; its ratios are adjusted for age and sex.
    """
    primary = estimates["model"].iloc[0]
    columns: dict[str, dict[tuple[str, str, str], str]] = {}
    for (analysis, model), rows in estimates.groupby(["analysis", "model"], sort=False):
        rows = at_contrasts(rows)
        joint = rows["scale"].eq("wald_test")
        # Models may differ in the degrees of freedom of one test.
        rows = rows.assign(unit=rows["unit"].mask(joint, "joint test"))
        first = not columns
        scale = str(next(iter(ratios(rows)["scale"]), "ratio")).replace("_", " ")
        how = str(analysis).removeprefix("factors, ")
        name = scale if model == primary else f"{str(model).replace('-', ' ')}: {scale}"
        cells = {_factor(row, scale): row for row in wording.records(rows)}
        columns[_level(f"{name[:1].upper()}{name[1:]} ({how}) (95% CI)", rows)] = {
            key: wording.DASH if row["scale"] == "wald_test" else wording.estimate(row) for key, row in cells.items()
        }
        if first:
            columns |= {heading: {key: _p(row[of]) for key, row in cells.items()} for heading, of in _TESTS.items()}
            columns["Verdict"] = {k: str(row["verdict"]) for k, row in cells.items() if pd.notna(row["verdict"])}
    return _by_domain(columns)


def _of_number(differences: pd.DataFrame) -> str:
    """Return the heading of differences: of what, and in which unit."""
    units = differences["unit"].dropna()
    unit = str(units.iloc[0]).partition(", ")[0] if len(units) else "its unit"
    return f"{wording.term(str(differences['outcome'].iloc[0]))}, difference in {unit}"


def parameters(estimates: pd.DataFrame) -> list[str]:
    """Return a line for each parameter that a model has beside its coefficients, such as its dispersion."""
    beside = estimates["scale"].isin(wording.PARAMETERS)
    others = "; ".join(estimates.loc[~beside, "note"].dropna())
    lines = []
    for row in wording.records(estimates[beside]):
        name = str(row["term"])
        value = wording.estimate(row).replace("(", f"({100 * row['ci_level']:g}% CI ") if row["ci_level"] else ""
        notes = [part for part in str(row["note"] or "").split("; ") if part and part not in others]
        lines.append(wording.ranges("; ".join([f"{name[:1].upper()}{name[1:]}: {value}, {row['unit']}", *notes])))
    return lines


def _factor(row: dict[str, Any], scale: str) -> tuple[str, str, str]:
    """Return domain, name and contrast of a factor; a ratio of another ``scale`` than the column's says so."""
    known = wording.variable(str(row["term"]))
    own = str(row["scale"]).replace("_", " ")
    other = f" ({own})" if own != scale and own.endswith(" ratio") else ""
    domain = known.domain.capitalize() if known else "Own terms"
    return (domain, wording.term(row["term"]), f"{wording.contrast(row)}{other}")


def second_opinion(rows: pd.DataFrame) -> pd.DataFrame:
    """Return our coefficients and standard errors beside those of statsmodels, a row per parameter, by model."""
    shown = rows[rows["coefficient"].notna()]
    apart, errors_apart = wording.gaps(shown)
    columns = {
        "Coefficient": shown["coefficient"].map(_digits),
        "statsmodels": shown["statsmodels_coefficient"].map(_digits),
        "Apart (in SE)": apart.map(wording.magnitude),
        "SE": shown["std_error"].map(_digits),
        "statsmodels' SE": shown["statsmodels_std_error"].map(_digits),
        "SE apart (relative)": errors_apart.map(wording.magnitude),
    }
    contrasts = [wording.contrast(row | {"unit": None}) or wording.DASH for row in wording.records(shown)]
    terms = [shown["model"].map(wording.model), shown["term"].map(wording.term).map(wording.capital)]
    index = pd.MultiIndex.from_arrays([list(texts) for texts in terms], names=["", "Factor"])
    return pd.DataFrame({"Contrast": contrasts, **{name: list(texts) for name, texts in columns.items()}}, index=index)


def second_opinions(rows: pd.DataFrame) -> pd.DataFrame:
    """Return how far statsmodels' fits are from ours, a row per model that could be compared."""
    made = []
    for name, of_model in rows.groupby("model", sort=False):
        agree = (of_model["status"] == "agrees").sum()
        compared = agree + (of_model["status"] == "differs").sum()
        if not compared:
            continue
        apart, errors_apart = wording.gaps(of_model)
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
                "Largest gap (in SE)": wording.magnitude(apart.max()),
                "Largest gap of SE (relative)": wording.magnitude(errors_apart.max()),
            }
        )
    return pd.DataFrame(made).set_index("Model") if made else pd.DataFrame()


def _digits(value: float) -> str:
    return wording.DASH if math.isnan(value) else f"{value:.6g}".replace("-", "−")


def table_one(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return who the participants are: mean (SD) or n (%), overall and by sex, grouped by domain."""
    lines: dict[tuple[str, str], dict[str, str]] = {}
    for row in wording.records(estimates):
        if row["scale"] == "standard_deviation":
            continue
        heading = {"all": "All", "female": "Women", "male": "Men"}[row["population"]]
        known = codebook.variable(row["term"], "participants")
        text = wording.term(row["term"], heading=True)
        if row["scale"] == "proportion":
            text = f"{text}, n (%)" if row["level"] == "true" else f"{text}: {wording.level(row['level'])}, n (%)"
        else:
            text = f"{text}, mean (SD)"
        lines.setdefault((known.domain.capitalize(), text), {})[heading] = _characteristic(row, estimates)
    if not lines:
        lines["", "No characteristic was recorded"] = {"All": wording.DASH}
    made = pd.DataFrame.from_dict(lines, orient="index")
    made.index = pd.MultiIndex.from_tuples(lines, names=["", "Characteristic"])
    return made.reindex(columns=[c for c in ("All", "Women", "Men") if c in made.columns])


def completeness(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return what was observed of what was expected, by age group."""
    shares = estimates[estimates["scale"] == "proportion"]
    diary = shares["outcome"].iloc[0] == "cramps"
    made = pd.DataFrame({"Participants": shares["n_participants"].map(wording.count)})
    if diary:
        made["Nights expected"] = shares["n_nights"].map(wording.count)
    made["Nights observed" if diary else "Answered"] = shares["n_events"].map(wording.count)
    made["Share (%)"] = [
        wording.number(100 * share, 1) if pd.notna(share) else "could not estimate" for share in shares["estimate"]
    ]
    made.index = pd.Index(shares["level"].map(_group).str.capitalize(), name="Age (years)")
    gaps = estimates[estimates["scale"] == "median_longest_gap"].set_index("level")["estimate"]
    if len(gaps):
        made["Median longest gap (nights)"] = [
            wording.number(gaps[label], 0) if label in gaps else wording.DASH for label in shares["level"]
        ]
    return made


def measured(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return how many participants have a value of each variable."""
    made = pd.DataFrame(
        {
            "With a value": [
                wording.count(n) if status == "converged" else "not measured"
                for n, status in zip(estimates["n_events"], estimates["status"], strict=True)
            ],
            "Share (%)": [wording.DASH if pd.isna(s) else wording.number(100 * s, 1) for s in estimates["estimate"]],
        }
    )
    made.index = pd.Index([wording.term(name) for name in estimates["term"]], name="Variable")
    return made


def cleaning(cohort: Cohort) -> pd.DataFrame:
    """Return rows read, accepted and rejected, and cells blanked, per table of the source."""
    counts = cohort.attrition.tables
    return pd.DataFrame(
        {
            "Rows read": [c.read for c in counts],
            "Accepted": [c.accepted for c in counts],
            "Rejected": [c.rejected for c in counts],
            "Cells blanked": [c.blanked for c in counts],
        },
        index=pd.Index([c.table.capitalize() for c in counts], name="Table"),
    )


def rules(cohort: Cohort) -> pd.DataFrame:
    """Return how often each cleaning rule spoke, the costliest first."""
    order = ("reject-row", "blank-cell", "warn")
    counts = sorted(cohort.attrition.rules, key=lambda c: (order.index(c.severity), -c.n, c.rule))
    if not counts:
        nothing = pd.Index(["No rule was broken"], name="Rule")
        return pd.DataFrame({"Consequence": [wording.DASH], "Times": [0]}, index=nothing)
    consequence = {"reject-row": "row rejected", "blank-cell": "cell blanked", "warn": "kept, warned"}
    return pd.DataFrame(
        {"Consequence": [consequence[c.severity] for c in counts], "Times": [c.n for c in counts]},
        index=pd.Index([c.rule.replace("-", " ").capitalize() for c in counts], name="Rule"),
    )


def _group(label: object) -> str:
    # A population of a part of the cohort ends in the part's condition, which all its rows share.
    return wording.level(str(label).split(", ", 1)[0])


def _level(heading: str, rows: pd.DataFrame) -> str:
    levels = rows["ci_level"].dropna()
    return heading.replace("95%", f"{levels.iloc[0] * 100:g}%") if len(levels) else heading


def _characteristic(row: dict[str, object], estimates: pd.DataFrame) -> str:
    if row["status"] != "converged":
        return wording.DASH
    share = float(str(row["estimate"]))
    if row["scale"] == "proportion":
        return f"{wording.count(row['n_events'])} ({wording.number(100 * share, 1)})"
    spread = estimates[
        (estimates["term"] == row["term"])
        & (estimates["population"] == row["population"])
        & (estimates["scale"] == "standard_deviation")
    ]["estimate"]
    digits = 1 if abs(share) >= 10 else 2
    if spread.empty:
        return wording.DASH
    return f"{wording.number(share, digits)} ({wording.number(spread.iloc[0], digits)})"


def _p(value: float) -> str:
    if math.isnan(value):
        return wording.DASH
    return "<0.001" if value < 0.001 else wording.number(value, 3)
