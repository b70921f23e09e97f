"""Ratios and differences by factor."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.estimates import PARAMETERS, at_contrasts, compares, kinds, ratios
from crampstudy.estimates.results import Rows, rows_of
from crampstudy.estimates.sentences import estimate, label
from crampstudy.tables.headings import age_and_sex, p_of, with_level
from crampstudy.tables.remarks import notes
from crampstudy.tables.remarks.model_parameters import parameters
from crampstudy.tables.table import PrintedTable, table_of_rows

_Key = tuple[str, str, str]
"""Domain, name and contrast of a factor."""
_TESTS = {"p": "p_value", "q": "q_value"}


def factors(models: Rows | Mapping[str, Rows]) -> PrintedTable:
    """Return ratios or differences by factor, grouped by the codebook's domain; several models stand side by side.

    What a model has beside its coefficients is told by :func:`parameters`. One model shows its p-values and, at
    declared contrasts, its verdicts; a term that a model lacks is a dash. Where nothing is
    compared the baseline is shown.
    """
    given = models if isinstance(models, Mapping) else {"": models}
    named = {name: rows_of(each) for name, each in given.items()}
    columns: dict[str, dict[_Key, str]] = {}
    for name, estimates in named.items():
        rows = estimates[compares(estimates)]
        if len(named) > 1:
            rows = rows[~rows["term"].map(wording.is_declared)]
        differs = rows[rows["scale"] == "difference"]
        compared = ratios(rows) if len(ratios(rows)) else rows
        scale = str(next(iter(compared["scale"]), "ratio")).replace("_", " ")
        title = scale.capitalize() if differs.empty else _of_number(differs)
        title = f"{name}: {title if len(differs) else scale}" if name else title
        cells = {_factor(row, scale): row for row in wording.records(rows)}
        columns[with_level(f"{title} (95% CI)", rows)] = {key: _cell(row) for key, row in cells.items()}
        if len(named) == 1:
            columns["p"] = {key: p_of(row) for key, row in cells.items()}
            if rows["q_value"].notna().any():
                columns["q"] = {key: p_of(row, "q_value") for key, row in cells.items()}
            said = {key: str(row["verdict"]) for key, row in cells.items() if pd.notna(row["verdict"])}
            columns |= {"Verdict": said} if said else {}
    beside = (f"{name}: {line}" if name else line for name, rows in named.items() for line in parameters(rows))
    # Only one model shows its verdicts.
    told = [rows if len(named) == 1 else rows.assign(verdict=None) for rows in named.values()]
    placed = _placed(columns) if len(named) > 1 else columns
    return PrintedTable.of(_by_domain(placed), notes=(*beside, notes(*told)))


def _by_domain(columns: Mapping[str, Mapping[_Key, str]]) -> pd.DataFrame:
    """Return columns of texts by domain, factor and contrast as a table, factors of a domain together."""
    keys = dict.fromkeys(key for cells in columns.values() for key in cells)
    groups = list(dict.fromkeys(group for group, _, _ in keys))
    ordered = sorted(keys, key=lambda key: groups.index(key[0]))
    made = pd.DataFrame({"Contrast": [contrast or wording.DASH for _, _, contrast in ordered]}, dtype=object)
    for heading, texts in columns.items():
        made[heading] = [texts.get(key, wording.DASH) for key in ordered]
    made.index = pd.MultiIndex.from_arrays([[key[i] for key in ordered] for i in (0, 1)], names=["", "Factor"])
    return made


@table_of_rows
def adjusted_factors(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return a table of factors: each adjusted for age and sex, with p, q and verdict, then mutually adjusted.

    A number is shown at its declared contrast, where it has one, and per unit where not. Another model than the first
    stands last; its ratios are adjusted for age and sex.
    """
    estimates = estimates[~estimates["scale"].isin(PARAMETERS)]
    primary = estimates["model"].iloc[0]
    columns: dict[str, dict[_Key, str]] = {}
    for (analysis, model), rows in estimates.groupby(["analysis", "model"], sort=False):
        rows = at_contrasts(rows)
        joint = rows["scale"].eq("wald_test")
        # Models may differ in the degrees of freedom of one test.
        rows = rows.assign(unit=rows["unit"].mask(joint, "joint test"))
        first = not columns
        scale = str(next(iter(ratios(rows)["scale"]), "ratio")).replace("_", " ")
        how = _how(str(analysis), rows)
        name = scale if model == primary else f"{str(model).replace('-', ' ')}: {scale}"
        cells = {_factor(row, scale): row for row in wording.records(rows)}
        columns[with_level(f"{name[:1].upper()}{name[1:]} ({how}) (95% CI)", rows)] = {
            key: wording.DASH if row["scale"] == "wald_test" else estimate(row) for key, row in cells.items()
        }
        if first:
            columns |= {heading: {key: p_of(row, of) for key, row in cells.items()} for heading, of in _TESTS.items()}
            columns["Verdict"] = {k: str(row["verdict"]) for k, row in cells.items() if pd.notna(row["verdict"])}
    return _by_domain(_placed(columns))


def _how(analysis: str, rows: pd.DataFrame) -> str:
    """Return what the ratios of a column are adjusted for, where not each of age and sex is in any model."""
    held = age_and_sex(rows) if analysis == kinds.ADJUSTED.name else ""
    return f"adjusted for {held}" if held else kinds.named(analysis).label


def _placed(columns: dict[str, dict[_Key, str]]) -> dict[str, dict[_Key, str]]:
    """Return the columns with what has no contrast, such as a term that was left out, beside the factor's contrasts."""
    contrasts: dict[tuple[str, str], list[_Key]] = {}
    for domain, name, contrast in dict.fromkeys(key for cells in columns.values() for key in cells):
        if contrast:
            contrasts.setdefault((domain, name), []).append((domain, name, contrast))
    return {
        heading: {
            place: cell for key, cell in cells.items() for place in ([key] if key[2] else contrasts.get(key[:2], [key]))
        }
        for heading, cells in columns.items()
    }


def _of_number(differences: pd.DataFrame) -> str:
    """Return the heading of differences: of what, and in which unit."""
    units = differences["unit"].dropna()
    unit = str(units.iloc[0]).partition(", ")[0] if len(units) else "its unit"
    return f"{wording.term(str(differences['outcome'].iloc[0]))}, difference in {unit}"


def _factor(row: dict[str, Any], scale: str) -> _Key:
    """Return domain, name and contrast of a factor; a ratio of another ``scale`` than the column's says so."""
    known = wording.variable(str(row["term"]))
    own = str(row["scale"]).replace("_", " ")
    other = f" ({own})" if own != scale and own.endswith(" ratio") else ""
    domain = known.domain.capitalize() if known else "Own terms"
    if kinds.named(row["analysis"]).by_level:
        name = ", ".join(filter(None, (wording.term(row["term"]), wording.level(str(row["level"])), label(row))))
        return (domain, name, wording.contrast(row | {"level": None}))
    return (domain, wording.term(row["term"]), f"{wording.contrast(row)}{other}")


def _cell(row: dict[str, Any]) -> str:
    """Return an estimate as printed; of a joint test which number it is, for it is no ratio."""
    number = estimate(row)
    if row["scale"] != "wald_test" or row["status"] != "converged":
        return number
    return f"{'F' if str(row['unit']).startswith('F ') else 'χ²'} = {number}"


@table_of_rows
def bootstrap(estimates: pd.DataFrame) -> pd.DataFrame:
    """Return ratios by factor with each interval of the participant bootstrap; of a fit without any as it is."""
    resampled = {kind.label: kind.rows(estimates) for kind in (kinds.BOOTSTRAP_PERCENTILE, kinds.BOOTSTRAP_CORRECTED)}
    return factors({name: rows for name, rows in resampled.items() if len(rows)} or estimates)
