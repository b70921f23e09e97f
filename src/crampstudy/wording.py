"""How names, levels, numbers and intervals are worded for readers: the same in tables, figures and the terminal."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook
from crampstudy.codebook import exposures

ZERO_PART = "zero: "
"""What stands before a term of a model's part for zeros, which may be one of the counts too."""
CONTRAST = "contrast: "
"""What stands before a number whose row is of its declared contrast, beside that of its ratio per unit."""
RELIABILITY = "reliability: "
"""What stands before a variable whose row is of the reliability of its person mean."""
AT_REFERENCE = "at the reference of what it interacts with"
"""In the note of a ratio that others of the model modify."""
# Between two numbers, of which neither is part of a name, a path, a date or a power.
_NUMBER = r"\d+(?:[.,]\d+)*"
_RANGE = re.compile(rf"(?<![\w./-])({_NUMBER})-(?={_NUMBER}(?![\w/-]|[.,]\w))")
DASH, MINUS = "–", "−"
_MOST_DIGITS = 12
_ROUNDING, _SMALL = 1e-8, 1e-3
_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LEVELS = {
    "true": "yes",
    "false": "no",
    "none": "none",
    "below_9_years": "below 9 years",
    "9_to_11_years": "9 to 11 years",
    "degree": "college degree",
    "november_april": "November to April",
    "may_october": "May to October",
}
_AGENTS = {
    "vitamin_k2": "vitamin K2",
    "vitamin_d": "vitamin D",
    "vitamin_e": "vitamin E",
    "b_vitamins": "B vitamins",
    "tens": "TENS",
}
"""Treatments whose names hold abbreviations."""
_REMEDIES = {"none": "no remedy", "stretch": "stretching", "other": "another remedy"}
_OF_ONE = {"people": "person", "strata": "stratum", "are": "is", "were": "was", "have": "has", "do": "does"}
_RECALLED = {
    "none": "No cramp",
    "mild": "Mild",
    "moderate-severe": "Moderate-severe",
    "any": "Any cramp",
}
_OUTCOMES = {
    "any_cramp": "Any cramp",
    "moderate_severe_vs_rest": "Moderate-severe",
    "class_30_days": "Class of 30 nights",
    "pain_fall": "Fall of pain",
    "residual_soreness": "Soreness afterwards",
}
_MODELS = {
    "poisson": "Poisson",
    "zero inflated": "zero-inflated",
    "gee ": "GEE, ",
    "ar1": "AR(1)",
    "kaplan meier": "Kaplan-Meier",
    "Paule Mandel": "Paule-Mandel",
    "DerSimonian Laird": "DerSimonian-Laird",
}
SEXES = {"female": "Women", "male": "Men"}
"""Sexes as printed, in the order of tables and figures."""
# A factor of a term, which may hold a colon in backticks or in a text.
_FACTOR = re.compile(r"""(?:`[^`]*`|'[^']*'|"[^"]*"|[^:])+""")
_CALL = re.compile(r"((?:np\.)?\w+)\((.*)\)")
_SCALED = re.compile(r"I\((.+?) ?([*/]) ?(\d+(?:\.\d+)?)\)")
_COLUMN = re.compile(r"`([^`]+)`|[A-Za-z_]\w*")
_SPLINES = {"ns": "spline", "bs": "B-spline", "cr": "cubic spline"}
_PARTS = {"poly": "degree", "bs": "basis function", "cr": "basis function"}
_MADE = {
    **{name: name for name in ("log", "log2", "log10")},
    "log1p": "log of 1 and it",
    "sqrt": "square root",
    "exp": "exponential",
    "sign": "sign",
    "center": "centred",
    "scale": "standardised",
}
_NAMES = frozenset({"Beighton"})
_OPERATORS = (
    *((">=", "≥"), ("<=", "≤"), ("!=", "≠"), ("<>", "≠")),
    *((" AND ", " and "), (" OR ", " or "), ("'", "")),
)


def number(value: float, digits: int = 2) -> str:
    """Return a number with ``digits`` decimals and a true minus sign; what rounds to zero has none."""
    return signed(f"{value:z,.{digits}f}")


def signed(text: str) -> str:
    """Return a number, as text, with a true minus sign."""
    return text.replace("-", MINUS)


def count(value: Any) -> str:
    """Return a whole number with thousands separated, an en dash where there is none."""
    return DASH if pd.isna(value) else f"{int(value):,}"


def counted(number: int, plural: str, verb: str = "") -> str:
    """Return a number and what it counts, of one in the singular: ``1 night``, ``1 cell holds``, ``1,204 nights``.

    The last word of ``plural`` is its noun; ``verb`` is that of several.
    """
    if number == 1:
        before, _, noun = plural.rpartition(" ")
        plural = f"{before} {_OF_ONE.get(noun, noun.removesuffix('s'))}"
        verb = _OF_ONE.get(verb, f"{verb}s" if verb else "")
    return " ".join(f"{number:,} {plural} {verb}".split())


_LARGE = 10_000
"""From here on the decimals of an estimate say nothing."""
LARGEST_RATIO = 1_000
"""Of a ratio beyond it no more is said than that."""


def estimate(row: Mapping[str, Any], digits: int = 2, factor: float = 1.0) -> str:
    """Return ``0.91 (0.80–1.03)``, or why there is no number; ``factor`` 100 makes per cents.

    A limit of a ratio that is far off is printed as a bound: ``1.52 (<0.01 to >1,000)``.
    """
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
    if str(row.get("scale", "")).endswith("_ratio"):
        middle, low, high = (_ratio(cell, digits) for cell in cells)
    else:
        middle, low, high = (number(cell, digits if abs(cell) < _LARGE else 0) for cell in cells)
    # After a minus sign a dash between the limits would be read as another one.
    between = " to " if {MINUS, "<", ">"} & set(low + high) else DASH
    return f"{middle} ({low}{between}{high})"


def _ratio(value: float, digits: int) -> str:
    """Return a ratio, which is never zero, and which says nothing where it is beyond all bounds."""
    if value > LARGEST_RATIO:
        return f">{LARGEST_RATIO:,}"
    return number(value, digits) if value >= 0.5 * 10.0**-digits else f"<{10.0**-digits:.{digits}f}"


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return tidy rows as mappings from column to cell."""
    names = [str(name) for name in rows.columns]
    # In one piece: a series of each column would cost more than its few cells.
    cells = rows.to_numpy(dtype=object).tolist()
    return [{name: None if cell is pd.NA else cell for name, cell in zip(names, row, strict=True)} for row in cells]


def with_none(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return tidy rows as :func:`records` does, with ``None`` for what is missing."""
    return [{name: None if pd.isna(cell) else cell for name, cell in row.items()} for row in records(rows)]


def level(text: str) -> str:
    """Return a level or an age band as printed: ``yes``, ``some college``, ``20–39``."""
    return ranges(_LEVELS.get(text) or _AGENTS.get(text) or text.replace("_", " "))


def remedy(name: str) -> str:
    """Return a remedy as it stands inside a text: ``stretching``, ``another remedy``."""
    return _REMEDIES.get(name) or level(name)


def agent(name: str) -> str:
    """Return a treatment as it stands inside a text: ``TENS``, ``another agent``."""
    return "another agent" if name == "other" else term(name)


def ranges(text: str) -> str:
    """Return a text with an en dash in its numeric ranges: ``20–39 years``; dates and names keep their hyphens."""
    return _RANGE.sub(rf"\1{DASH}", text)


def recalled(text: str) -> str:
    """Return a group of recalled classes as printed."""
    return _RECALLED.get(text, text)


def outcome(name: str) -> str:
    """Return an outcome as printed at the head of a column or a curve."""
    return _OUTCOMES.get(name) or capital(term(name))


def variable(name: str) -> codebook.Variable | None:
    """Return the variable of the codebook that a term is of, if it is of one, whatever stands before it in a row."""
    name = name.removeprefix(ZERO_PART).removeprefix(CONTRAST)
    exposure = exposures.find(name)
    return codebook.find(exposure.variable if exposure else name)


def term(name: str, heading: bool = False) -> str:
    """Return a term as printed: the codebook's label, names inside a formula replaced by theirs."""
    if name.startswith(ZERO_PART):
        return f"Zeros: {term(name.removeprefix(ZERO_PART))}"
    if name.startswith(RELIABILITY):
        return f"Reliability of the person mean of {small(label(name.removeprefix(RELIABILITY)))}"
    if name.startswith(CONTRAST):
        return term(name.removeprefix(CONTRAST))
    first, *others = factors(name)
    if others:
        return " × ".join([_of_interaction(first), *(small(_of_interaction(part)) for part in others)])
    if exposure := exposures.find(name):
        return ", ".join((label(exposure.variable), *_of_other_nights(exposure)))
    if categorical := re.fullmatch(r"C\((?:`([^`]+)`|(\w+)).*\)", name):
        name = categorical[1] or categorical[2]
    known = codebook.find(name)
    if known:
        return re.sub(r"(?<=\d)-(?=\d)", DASH, known.heading if heading else known.label)
    if call := _CALL.fullmatch(name):
        return _of_call(call[1].removeprefix("np."), call[2])
    return re.sub(r"`([^`]+)`|[A-Za-z_]\w*", lambda match: label(match[1] or match[0]), name)


def factors(name: str) -> list[str]:
    """Return the factors of a term: several of an interaction, else the term itself."""
    return _FACTOR.findall(name) or [name]


def small(text: str) -> str:
    """Return a label as it stands inside a text: its first letter small, but for abbreviations and names."""
    first = re.split(r"[\s,(]", text, maxsplit=1)[0]
    return text[:1].lower() + text[1:] if re.fullmatch(r"[A-Z][a-z][a-z-]*", first) and first not in _NAMES else text


def scaled(name: str) -> tuple[str, float] | None:
    """Return variable and step of a term such as ``I(x / 10)``, a multiple of it alone; ``None`` if it is none."""
    found = _SCALED.fullmatch(name)
    column = _COLUMN.fullmatch(found[1]) if found else None
    if not found or not (by := float(found[3])) or not (column or exposures.find(found[1])):
        return None
    return column[1] or found[1] if column else found[1], by if found[2] == "/" else 1 / by


def _of_interaction(part: str) -> str:
    exposure = exposures.find(part)
    return f"{label(exposure.variable)} ({', '.join(_of_other_nights(exposure))})" if exposure else term(part)


def _of_other_nights(exposure: exposures.Exposure) -> list[str]:
    """Return what an exposure of person-time is of its variable: ``within participants``, ``1 night before``."""
    parts = [f"{exposure.part} participants{', night left out' if exposure.leave_out else ''}"] if exposure.part else []
    for function, nights in reversed(exposure.steps):
        many = counted(nights or 0, "nights")
        said = {
            "lag": f"{many} before" if nights else "same night",
            "lead": f"{many} after" if nights else "same night",
            "mean_last": f"mean of last {many}",
            "days_last": f"nights of last {nights}",
            "load_ratio": "acute over chronic load",
        }
        parts.append(said[function])
    return parts


def _of_call(function: str, inside: str) -> str:
    """Return what a formula makes of a variable: ``Age (spline, 3 df)``, ``Body-mass index (log)``, ``Age ≥ 60``."""
    if function == "I":
        multiple = scaled(f"I({inside})")
        return term(multiple[0]) if multiple else _expression(inside)
    argument, _, others = inside.partition(", ")
    named = dict.fromkeys(("df", "degree"), re.search(r"^(\d+)", others))
    size = {key: found or re.search(rf"\b{key}=(\d+)", others) for key, found in named.items()}
    if function == "poly":
        degree = size["degree"][1] if size["degree"] else "1"
        return f"{term(argument)} (polynomial of degree {degree})"
    if function in _SPLINES:
        df = f", {size['df'][1]} df" if size["df"] else ""
        return f"{term(argument)} ({_SPLINES[function]}{df})"
    made = _MADE.get(function)
    return f"{term(inside)} ({made})" if made else _expression(f"{function}({inside})")


def _expression(text: str) -> str:
    """Return arithmetic or a comparison with labels in the place of names: ``Age ≥ 60``, ``Age²``."""
    labels: list[str] = []

    def named(match: re.Match[str]) -> str:
        if match[3]:
            return match[3]
        labels.append(label(match[1] or match[2]))
        return labels[-1] if len(labels) == 1 else small(labels[-1])

    printed = re.sub(r"`([^`]+)`|(?<![\w'\"])([A-Za-z_]\w*)(?![\w(])|('[^']*'|\"[^\"]*\")", named, text)
    for sign, instead in (*_OPERATORS, (" == ", " = "), ('"', "")):
        printed = printed.replace(sign, instead)
    return re.sub(r" ?\*\* ?(\d)", lambda power: power[1].translate(_RAISED), printed).replace(" - ", " − ")


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words: ``age, sex and smoking``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def grouping(name: str) -> str:
    """Return what groups are formed by, as printed: ``Age (years)``, ``Sex``."""
    return "Age (years)" if name == "age_band" else term(name)


def condition(where: str) -> str:
    """Return a condition as printed: ``Age ≥ 20 and Sex = female``."""
    for sign, printed in _OPERATORS:
        where = where.replace(sign, printed)
    return term(where)


def label(name: str) -> str:
    """Return the label of a column as it stands inside a text."""
    known = codebook.find(name)
    return known.label if known else _AGENTS.get(name, name.replace("_", " "))


def _unit(row: Mapping[str, Any]) -> str:
    # The unit of a number that is explained stands in the heading.
    unit = str(row["unit"])
    return unit.partition(", ")[2] if str(row.get("scale")) == "difference" else unit


def contrast(row: Mapping[str, Any]) -> str:
    """Return what an estimate compares: ``female against male``, ``per 10 years``."""
    if is_declared(row["term"]):
        return ranges(re.sub(r"(?<!\d)-(?=\d)", "−", _unit(row)))
    name = str(row["term"]).removeprefix(ZERO_PART)
    interacts = len(factors(name)) > 1
    if pd.isna(row["level"]) or (interacts and not pd.isna(row["unit"])):
        if pd.isna(row["unit"]):
            return ""
        test = "joint test, " if str(row.get("scale")) == "wald_test" and _unit(row) != "joint test" else ""
        return ranges(re.sub(r"\bper 1 ([a-z]{3,})s(?=/|$|,| and )", r"per 1 \1", f"{test}{_unit(row)}"))
    own = " × ".join(level_of(name, part) for part in str(row["level"]).split(":"))
    if pd.isna(row["reference"]):
        return own
    # Of numbers on a curve the unit says also in what they are.
    unit = re.fullmatch(rf"against {re.escape(str(row['reference']))}( .+)", _unit(row))
    return f"{own} against {level(str(row['reference']))}{unit[1] if unit else ''}"


def level_of(factor: str, text: str) -> str:
    """Return a level of a factor as printed; of a polynomial or a spline its part."""
    part = _PARTS.get(factor.partition("(")[0]) if text.isdecimal() else None
    return f"{part} {text}" if part else level(text)


def is_declared(name: object) -> bool:
    """Say whether a term is that of a declared contrast."""
    return str(name).removeprefix(ZERO_PART).startswith(CONTRAST)


_FILE = r"[\w.-]+\.[a-z]{3,7}(?=[:,])"
_CODED = frozenset(level for variable in codebook.VARIABLES for level in variable.levels)


def sentences(texts: Iterable[str], names: Collection[str] = ()) -> str:
    """Return remarks as sentences, each with a capital and a full stop.

    One that begins with any of the ``names`` that a user gave, or with that of a file, begins as it is written; levels
    of the codebook, such as ``female``, are words.
    """
    given = (rf"{re.escape(name)}(?!\w)" for name in names if name not in _CODED)
    begun = re.compile("|".join((*given, _FILE)))
    return " ".join(f"{ranges(text) if begun.match(text) else capital(ranges(text))}." for text in texts)


def day(date: datetime.date) -> str:
    """Return a day as printed: ``4 April 2025``."""
    return f"{date.day} {date:%B %Y}"


def capital(text: str) -> str:
    """Return a text that begins with a capital letter, all else as it is."""
    return text[:1].upper() + text[1:]


def p_text(value: float) -> str:
    """Return a p-value as printed: ``p = 0.012``, ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {number(value, 3 if value < 0.1 else 2)}"


def magnitude(value: float) -> str:
    """Return a gap by its first digits, such as ``0.48`` or ``2 × 10⁻⁵``; what is rounding as ``<10⁻⁸``."""
    if math.isnan(value):
        return DASH
    if value < _ROUNDING:
        return "<10⁻⁸"
    if value >= _SMALL:
        return f"{value:.2g}"
    digit, power = f"{value:.0e}".split("e-")
    return f"{digit} × 10⁻{power.lstrip('0').translate(_RAISED)}"


def model(name: str) -> str:
    """Return a model as printed: ``Zero-inflated negative binomial``, ``Mixed Poisson``, ``GEE, exchangeable``."""
    name = name.replace("-", " ")
    for plain, printed in _MODELS.items():
        name = name.replace(plain, printed)
    return capital(name)
