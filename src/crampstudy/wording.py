"""How names, levels, numbers and intervals are worded for readers: the same in tables, figures and the terminal."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook

ZERO_PART = "zero: "
"""What stands before a term of a model's part for zeros, which may be one of the counts too."""
BASELINES = ("intercept", "threshold", "dispersion", f"{ZERO_PART}intercept")
"""Terms of a model that compare nothing; tables for readers leave them out."""
PARAMETERS = ("dispersion", "standard_deviation", "correlation", "icc", "mrr", "mor", "share")
"""Scales of what a model has beside its coefficients, which stands under the table and not in it."""
DASH = "–"
_MOST_DIGITS = 12
_LEVELS = {
    "true": "yes",
    "false": "no",
    "none": "none",
    "below_9_years": "below 9 years",
    "9_to_11_years": "9 to 11 years",
    "degree": "college degree",
}
_OUTCOMES = {
    "none": "No cramp",
    "mild": "Mild",
    "moderate-severe": "Moderate-severe",
    "any": "Any cramp",
}
# A factor of a term, which may hold a colon in backticks or in a text.
_FACTOR = re.compile(r"""(?:`[^`]*`|'[^']*'|"[^"]*"|[^:])+""")
_OPERATORS = (
    *((">=", "≥"), ("<=", "≤"), ("!=", "≠"), ("<>", "≠")),
    *((" AND ", " and "), (" OR ", " or "), ("'", "")),
)


def number(value: float, digits: int = 2) -> str:
    """Return a number with ``digits`` decimals and a true minus sign."""
    return f"{value:,.{digits}f}".replace("-", "−")


def count(value: Any) -> str:
    """Return a whole number with thousands separated, an en dash where there is none."""
    return DASH if pd.isna(value) else f"{int(value):,}"


def estimate(row: Mapping[str, Any], digits: int = 2, factor: float = 1.0) -> str:
    """Return ``0.91 (0.80–1.03)``, or why there is no number; ``factor`` 100 makes per cents."""
    if row["status"] == "not_measured":
        return "not measured"
    if row["status"] not in ("converged", "boundary") or pd.isna(row["estimate"]):
        return "could not estimate"
    if pd.isna(row["ci_low"]) or pd.isna(row["ci_high"]):
        return number(row["estimate"] * factor, digits)
    cells = [row[name] * factor for name in ("estimate", "ci_low", "ci_high")]
    # Limits that differ are printed with as many decimals as show it.
    enough = (n for n in range(digits, _MOST_DIGITS) if number(cells[1], n) != number(cells[2], n))
    digits = next(enough, digits)
    middle, low, high = (number(cell, digits) for cell in cells)
    return f"{middle} ({low}{DASH}{high})"


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return tidy rows as mappings from column to cell."""
    return [{str(name): cell for name, cell in row.items()} for row in rows.to_dict("records")]


def level(text: str) -> str:
    """Return a level or an age band as printed: ``yes``, ``some college``, ``20–39``."""
    printed = _LEVELS.get(text, text.replace("_", " "))
    return re.sub(r"^(\d+)-(\d+)$", rf"\1{DASH}\2", printed)


def recalled(text: str) -> str:
    """Return a group of recalled classes as printed."""
    return _OUTCOMES.get(text, text)


def term(name: str, heading: bool = False) -> str:
    """Return a term as printed: the codebook's label, names inside a formula replaced by theirs."""
    if name.startswith(ZERO_PART):
        return f"Zeros: {term(name.removeprefix(ZERO_PART))}"
    parts = _FACTOR.findall(name)
    if len(parts) > 1:
        return " × ".join(term(part) for part in parts)
    if categorical := re.fullmatch(r"C\((?:`([^`]+)`|(\w+)).*\)", name):
        name = categorical[1] or categorical[2]
    known = codebook.find(name)
    if known:
        return re.sub(r"(?<=\d)-(?=\d)", DASH, known.heading if heading else known.label)
    return re.sub(r"`([^`]+)`|[A-Za-z_]\w*", lambda match: _label_inside(match[1] or match[0]), name)


def grouping(name: str) -> str:
    """Return what groups are formed by, as printed: ``Age (years)``, ``Sex``."""
    return "Age (years)" if name == "age_band" else term(name)


def condition(where: str) -> str:
    """Return a condition as printed: ``Age ≥ 20 and Sex = female``."""
    for sign, printed in _OPERATORS:
        where = where.replace(sign, printed)
    return term(where)


def _label_inside(name: str) -> str:
    known = codebook.find(name)
    return known.label if known else name.replace("_", " ")


def contrast(row: Mapping[str, Any]) -> str:
    """Return what an estimate compares: ``female against male``, ``per 10 years``."""
    if pd.isna(row["level"]):
        if pd.isna(row["unit"]):
            return ""
        if str(row.get("scale")) == "difference":
            # The unit of the number itself stands in the heading.
            return str(row["unit"]).partition(", ")[2]
        return re.sub(r"^per 1 ([a-z]{3,})s(?=/|$)", r"per 1 \1", str(row["unit"]))
    reference = "" if pd.isna(row["reference"]) else f" against {level(str(row['reference']))}"
    return " × ".join(level(part) for part in str(row["level"]).split(":")) + reference


def reasons(rows: pd.DataFrame, besides: Collection[str] = ()) -> str:
    """Return the distinct reasons why estimates could not be made, as printed, separated by semicolons."""
    return "; ".join(_said(rows[rows["status"].isin(["not_estimable", "not_converged"])], besides))


def sentences(texts: Iterable[str]) -> str:
    """Return remarks as sentences, each with a capital and a full stop."""
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts)


def notes(*models: pd.DataFrame, besides: Collection[str] = ()) -> str:
    """Return what a table's note says of its rows: what was left out, the weight, and what could not be estimated.

    Sentences with a capital and a full stop, empty where there is nothing to say. What is one of
    :data:`BASELINES` or on one of the scales :data:`PARAMETERS` is not shown and says nothing, but for the intercept of
    a zero part; what is said ``besides`` is left out.
    """
    rows = pd.concat(models, ignore_index=True)
    # That there is no zero part to show is said by its intercept, which there always is.
    silent = set(BASELINES) - {f"{ZERO_PART}intercept"}
    shown = rows[~rows["term"].isin(silent) & ~rows["scale"].isin(PARAMETERS)]
    said = "; ".join(_said(shown[shown["status"].isin(["converged", "boundary"])], besides))
    failed = reasons(shown, besides)
    return sentences(filter(None, (said, f"could not estimate: {failed}" if failed else "")))


def _said(rows: pd.DataFrame, besides: Collection[str]) -> list[str]:
    parts = (part for note in rows["note"].dropna() for part in str(note).split("; ") if part not in besides)
    return [_reworded(part) for part in dict.fromkeys(parts)]


def _reworded(text: str) -> str:
    """Put labels in the place of column names, which are told from words by their underscore."""
    text = re.sub(r"\bweight (?=weight_)", "weighted by ", text)
    text = re.sub(r"= ([\w-]+)", lambda match: f"= {level(match[1])}", text)
    return re.sub(r"[A-Za-z]\w*_\w*", lambda match: _small(_label_inside(match[0])), text)


def _small(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
