"""How names, levels, numbers and intervals are worded for readers: the same in tables, figures and the terminal."""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook
from crampstudy.codebook import exposures
from crampstudy.wording.marks import marked
from crampstudy.wording.numbers import (
    DASH,
    LARGEST_RATIO,
    MINUS,
    RAISED,
    count,
    count_of,
    counted,
    counts,
    digits,
    estimate,
    magnitude,
    number,
    p_text,
    signed,
    with_article,
)
from crampstudy.wording.words import AGENTS, LEVELS, MODELS, OUTCOMES, RECALLED, REMEDIES

__all__ = [
    "AT_REFERENCE",
    "CONTRAST",
    "DASH",
    "LARGEST_RATIO",
    "MINUS",
    "RELIABILITY",
    "SEXES",
    "ZERO_PART",
    "agent",
    "capital",
    "condition",
    "contrast",
    "count",
    "count_of",
    "counted",
    "counts",
    "day",
    "digits",
    "estimate",
    "factors",
    "grouping",
    "is_declared",
    "label",
    "level",
    "level_of",
    "listed",
    "magnitude",
    "marked",
    "model",
    "number",
    "outcome",
    "p_text",
    "ranges",
    "recalled",
    "records",
    "remedy",
    "scaled",
    "sentences",
    "short_contrast",
    "sign",
    "signed",
    "small",
    "term",
    "variable",
    "with_article",
    "with_none",
]

ZERO_PART = "zero: "
"""What stands before a term of a model's part for zeros, which may be one of the counts too."""
_WHOLE = re.compile(r"\d+\.0")
CONTRAST = "contrast: "
"""What stands before a number whose row is of its declared contrast, beside that of its ratio per unit."""
RELIABILITY = "reliability: "
"""What stands before a variable whose row is of the reliability of its person mean."""
AT_REFERENCE = "at the reference of what it interacts with"
"""In the note of a ratio that others of the model modify."""
# Between two numbers, of which neither is part of a name, a path, a date or a power.
_NUMBER = r"\d+(?:[.,]\d+)*"
_RANGE = re.compile(rf"(?<![\w./-])({_NUMBER})-(?={_NUMBER}(?![\w/-]|[.,]\w))")
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
_NAMES = frozenset({"Beighton", "European"})
_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "<>": "≠"}
_JOINED = {"AND": "and", "OR": "or", "NOT": "not"}
# A text, a name in quotes of its own, a sign, or a word.
_CONDITION = re.compile(r"""'((?:[^']|'')*)'|"([^"]+)"|`([^`]+)`|\[([^\]]+)\]|([<>!]=|<>)|(?<![\w.])([A-Za-z_]\w*)""")
_OPERATORS = (
    *_SIGNS.items(),
    *((" AND ", " and "), (" OR ", " or "), ("'", "")),
)


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
    """Return a level or an age band as printed: ``yes``, ``some college``, ``20–39``, ``2`` of a code that is 2.0.

    One that is no level of the codebook is data, in which every sign counts: ``SITE_01`` is not ``SITE 01``.
    """
    if _WHOLE.fullmatch(text):
        return text.removesuffix(".0")
    return ranges(LEVELS.get(text) or AGENTS.get(text) or (text.replace("_", " ") if text in _CODED else text))


def remedy(name: str) -> str:
    """Return a remedy as it stands inside a text: ``stretching``, ``another remedy``."""
    return REMEDIES.get(name) or level(name)


def agent(name: str) -> str:
    """Return a treatment as it stands inside a text: ``TENS``, ``another agent``."""
    return "another agent" if name == "other" else term(name)


def ranges(text: str) -> str:
    """Return a text with an en dash in its numeric ranges: ``20–39 years``; dates and names keep their hyphens."""
    return _RANGE.sub(rf"\1{DASH}", text)


def recalled(text: str) -> str:
    """Return a group of recalled classes as printed."""
    return RECALLED.get(text, text)


def outcome(name: str) -> str:
    """Return an outcome as printed at the head of a column or a curve."""
    return OUTCOMES.get(name) or capital(term(name))


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
            return quoted_blank(match[3][1:-1]) or match[3]
        labels.append(label(match[1] or match[2]))
        return labels[-1] if len(labels) == 1 else small(labels[-1])

    printed = re.sub(r"`([^`]+)`|(?<![\w'\"])([A-Za-z_]\w*)(?![\w(])|('[^']*'|\"[^\"]*\")", named, text)
    for sign, instead in (*_OPERATORS, (" == ", " = "), ('"', "")):
        printed = printed.replace(sign, instead)
    return re.sub(r" ?\*\* ?(\d)", lambda power: power[1].translate(RAISED), printed).replace(" - ", " − ")


def listed(names: Iterable[str]) -> str:
    """Return names as a list in words: ``age, sex and smoking``."""
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def grouping(name: str) -> str:
    """Return what groups are formed by, as printed: ``Age (years)``, ``Sex``."""
    return "Age (years)" if name == "age_band" else term(name)


def sign(written: str) -> str:
    """Return a sign of comparison as printed: ``≥``."""
    return _SIGNS.get(written, written)


def quoted_blank(text: str) -> str:
    """Return a text of blanks alone, or of nothing, in quotes, without which nobody sees it; ``""`` of any other."""
    return "" if text.strip() else f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def condition(where: str, *, inside: bool = False) -> str:
    """Return a condition as printed: ``Age ≥ 20 and Sex = female``, ``inside`` a text with small letters.

    A text in quotes is a level of the data; what the codebook knows as yes or no is not true or false.
    """
    before = ""

    def printed(found: re.Match[str]) -> str:
        nonlocal before
        text, name, compared, word = found[1], found[2] or found[3] or found[4], found[5], found[6]
        if text is not None:
            return quoted_blank(text) or level(text.replace("''", "'"))
        if compared:
            return sign(compared)
        known = codebook.find(before)
        if word and word.lower() in ("true", "false") and known and known.type == "boolean":
            return LEVELS[word.lower()]
        before = name or word
        called = label(before)
        return _JOINED.get(word) or (small(called) if inside else called)

    return _CONDITION.sub(printed, where)


def label(name: str) -> str:
    """Return the label of a column as it stands inside a text."""
    known = codebook.find(name)
    return known.label if known else AGENTS.get(name, name.replace("_", " "))


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


def short_contrast(row: Mapping[str, Any]) -> str:
    """Return what an estimate compares, of centiles without their values, which tables have."""
    return contrast(row).partition(":")[0]


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
    """Return remarks as sentences, each with a capital and a full stop; what is empty is none.

    One that begins with any of the ``names`` that a user gave, or with that of a file, begins as it is written; levels
    of the codebook, such as ``female``, are words.
    """
    begun = re.compile("|".join((*(rf"{re.escape(name)}(?!\w)" for name in names if name not in _CODED), _FILE)))
    told = filter(None, texts)
    return " ".join(f"{ranges(text) if begun.match(text) else capital(ranges(text))}." for text in told)


def day(date: datetime.date) -> str:
    """Return a day as printed: ``4 April 2025``."""
    return f"{date.day} {date:%B %Y}"


def capital(text: str) -> str:
    """Return a text that begins with a capital letter."""
    return text[:1].upper() + text[1:]


def model(name: str) -> str:
    """Return a model as printed: ``Zero-inflated negative binomial``, ``Mixed Poisson``, ``GEE, exchangeable``."""
    for plain, printed in (("-", " "), *MODELS.items()):
        name = name.replace(plain, printed)
    return capital(name)
