"""How names, levels, numbers and intervals are worded for readers: the same in tables, figures and the terminal."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from crampstudy import codebook, verdicts

ZERO_PART = "zero: "
"""What stands before a term of a model's part for zeros, which may be one of the counts too."""
CONTRAST = "contrast: "
"""What stands before a number whose row is of its declared contrast, beside that of its ratio per unit."""
BASELINES = ("intercept", "threshold", "dispersion", f"{ZERO_PART}intercept")
"""Terms of a model that compare nothing; tables for readers leave them out."""
SPLIT = "within and between"
"""How the analysis of rows ends that split the ratio of a nightly exposure; they stand in a note, not in the table."""
AT_REFERENCE = "at the reference of what it interacts with"
"""In the note of a ratio that others of the model modify."""
PARAMETERS = ("dispersion", "standard_deviation", "correlation", "icc", "mrr", "mor", "share")
"""Scales of what a model has beside its coefficients, which stands under the table and not in it."""
# Between two numbers, of which neither is part of a name, a path, a date or a power.
_NUMBER = r"\d+(?:[.,]\d+)*"
_RANGE = re.compile(rf"(?<![\w./-])({_NUMBER})-(?={_NUMBER}(?![\w/-]|[.,]\w))")
_OF_GROUPS = ("rate", "prevalence", "median")
_COUNT = re.compile(r"\d{1,3}(?:,\d{3})*(?= )")
_BASELINE = ("intercept", "threshold")
DASH = "–"
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
}
_COVARIANCES = {
    "covariance cluster": "cluster-robust intervals",
    "covariance cluster-small": "bias-reduced cluster-robust intervals (CR2) with Satterthwaite degrees of freedom",
    "covariance cluster-joint": "cluster-robust intervals of coefficients and dispersion together",
    "covariance jackknife": "intervals by the jackknife, one participant left out at a time",
}
_OF_ONE = {"people": "person", "strata": "stratum", "are": "is", "were": "was", "have": "has", "do": "does"}
_OUTCOMES = {
    "none": "No cramp",
    "mild": "Mild",
    "moderate-severe": "Moderate-severe",
    "any": "Any cramp",
}
# A factor of a term, which may hold a colon in backticks or in a text.
_FACTOR = re.compile(r"""(?:`[^`]*`|'[^']*'|"[^"]*"|[^:])+""")
_OF_PERSON = re.compile(r"(within|between)\((?:`([^`]+)`|([^\W\d][\w.]*))\)")
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


def counted(number: int, plural: str, verb: str = "") -> str:
    """Return a number and what it counts, of one in the singular: ``1 night``, ``1 cell holds``, ``1,204 nights``.

    The last word of ``plural`` is its noun; ``verb`` is that of several.
    """
    if number == 1:
        before, _, noun = plural.rpartition(" ")
        plural = f"{before} {_OF_ONE.get(noun, noun.removesuffix('s'))}"
        verb = _OF_ONE.get(verb, f"{verb}s" if verb else "")
    return " ".join(f"{number:,} {plural} {verb}".split())


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
    return ranges(_LEVELS.get(text, text.replace("_", " ")))


def ranges(text: str) -> str:
    """Return a text with an en dash in its numeric ranges: ``20–39 years``; dates and names keep their hyphens."""
    return _RANGE.sub(rf"\1{DASH}", text)


def recalled(text: str) -> str:
    """Return a group of recalled classes as printed."""
    return _OUTCOMES.get(text, text)


def of_person(name: str) -> tuple[str, str] | None:
    """Return function and column of a term ``within(x)`` or ``between(x)``, ``None`` if it is another one."""
    found = _OF_PERSON.fullmatch(name)
    return (found[1], found[2] or found[3]) if found else None


def variable(name: str) -> codebook.Variable | None:
    """Return the variable of the codebook that a term is of, if it is of one, whatever stands before it in a row."""
    name = name.removeprefix(ZERO_PART).removeprefix(CONTRAST)
    split = of_person(name)
    return codebook.find(split[1] if split else name)


def term(name: str, heading: bool = False) -> str:
    """Return a term as printed: the codebook's label, names inside a formula replaced by theirs."""
    if name.startswith(ZERO_PART):
        return f"Zeros: {term(name.removeprefix(ZERO_PART))}"
    if name.startswith(CONTRAST):
        return term(name.removeprefix(CONTRAST))
    parts = _FACTOR.findall(name)
    if len(parts) > 1:
        return " × ".join(term(part) for part in parts)
    if split := of_person(name):
        return f"{_label_inside(split[1])}, {split[0]} participants"
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


def _unit(row: Mapping[str, Any]) -> str:
    # The unit of a number that is explained stands in the heading.
    unit = str(row["unit"])
    return unit.partition(", ")[2] if str(row.get("scale")) == "difference" else unit


def contrast(row: Mapping[str, Any]) -> str:
    """Return what an estimate compares: ``female against male``, ``per 10 years``."""
    if is_declared(row["term"]):
        return ranges(re.sub(r"(?<!\d)-(?=\d)", "−", _unit(row)))
    if pd.isna(row["level"]):
        if pd.isna(row["unit"]):
            return ""
        return ranges(re.sub(r"^per 1 ([a-z]{3,})s(?=/|$)", r"per 1 \1", _unit(row)))
    reference = "" if pd.isna(row["reference"]) else f" against {level(str(row['reference']))}"
    return " × ".join(level(part) for part in str(row["level"]).split(":")) + reference


def is_declared(name: object) -> bool:
    """Say whether a term is that of a declared contrast."""
    return str(name).removeprefix(ZERO_PART).startswith(CONTRAST)


def reasons(rows: pd.DataFrame, besides: Collection[str] = ()) -> str:
    """Return the distinct reasons why estimates could not be made, as printed, separated by semicolons."""
    return "; ".join(_said(rows[rows["status"].isin(["not_estimable", "not_converged"])], besides, rows))


def sentences(texts: Iterable[str]) -> str:
    """Return remarks as sentences, each with a capital and a full stop."""
    return " ".join(f"{capital(ranges(text))}." for text in texts)


def capital(text: str) -> str:
    """Return a text that begins with a capital letter, all else as it is."""
    return text[:1].upper() + text[1:]


def notes(*models: pd.DataFrame, besides: Collection[str] = ()) -> str:
    """Return what a table's note says of its rows: what was left out or could not be estimated, the weight, verdicts.

    Sentences with a capital and a full stop, empty where there is nothing to say. What is one of
    :data:`BASELINES` or on one of the scales :data:`PARAMETERS` is not shown and says nothing, but for the intercept of
    a zero part; what is said ``besides`` is left out.
    """
    rows = pd.concat(models, ignore_index=True)
    split = is_split(rows)
    # That there is no zero part to show is said by its intercept, which there always is.
    shown = rows[compares(rows) | rows["term"].eq(f"{ZERO_PART}intercept")]
    said = "; ".join(_said(shown[shown["status"].isin(["converged", "boundary"])], besides, shown))
    failed = reasons(shown, besides)
    texts = (
        *_splits(rows[split]),
        said,
        f"could not estimate: {failed}" if failed else "",
        _reworded(verdicts.remark(shown) or ""),
    )
    return sentences(filter(None, texts))


def compares(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows a table of factors shows: those that compare something, else those of the baseline."""
    beside = rows["scale"].isin(PARAMETERS) | is_split(rows)
    baseline = rows["term"].isin(BASELINES)
    compared = ~baseline & ~beside
    return compared if compared.any() else rows["term"].isin(_BASELINE)


def is_split(rows: pd.DataFrame) -> pd.Series[bool]:
    """Return which rows split the ratio of another one into within and between participants."""
    return rows["analysis"].str.endswith(SPLIT).fillna(value=False).astype(bool)


def p_text(value: float) -> str:
    """Return a p-value as printed: ``p = 0.012``, ``p < 0.001``."""
    return "p < 0.001" if value < 0.001 else f"p = {number(value, 3 if value < 0.1 else 2)}"


def _splits(rows: pd.DataFrame) -> list[str]:
    """Return a sentence for each exposure: what its ratio is a mixture of, and whether the two differ.

    Of each there are three rows: within, between, and the test that they are equal.
    """
    made = []
    every = records(rows)
    for within, between, test in zip(every[::3], every[1::3], every[2::3], strict=True):
        named = term(_OF_PERSON.sub(lambda part: part[0].partition("(")[2][:-1], str(within["term"])))
        if test["status"] != "converged":
            tested = rows[rows["term"] == test["term"]]
            reason = "; ".join(_said(tested, (), tested))
            made.append(f"{named}: within and between participants could not be told apart: {reason}")
            continue
        where = f"{AT_REFERENCE}, " if AT_REFERENCE in str(test["note"]) else ""
        what = "difference" if within["scale"] == "difference" else "ratio"
        made.append(
            f"{named}: {where}the {what} mixes {estimate(within)} within participants and {estimate(between)} between "
            f"them, {contrast(within)} ({p_text(test['p_value'])} that both are equal)"
        )
    return list(dict.fromkeys(made))


def second_opinion(rows: pd.DataFrame) -> str:
    """Return what statsmodels' fit of one model says beside ours, in sentences: how far they are apart, or why not."""
    compared = rows[rows["status"].isin(["agrees", "differs"])]
    notes = _notes(rows)
    if compared.empty:
        return sentences([f"no second opinion: {notes[0]}", *notes[1:]])
    differ = compared[compared["status"] == "differs"]
    n, apart_on = len(compared), len(differ)
    verdict = f"{'differs' if apart_on else 'agrees'} on {apart_on or n} of {n} parameter{'s' if n > 1 else ''}"
    if apart_on:
        verdict += f" ({', '.join(_parameter(row) for row in records(differ))})"
    said = f"statsmodels, {compared['refit'].iloc[0]}, on the same {count(compared['n_rows'].iloc[0])} rows {verdict}"
    coefficients = compared[compared["std_error"] > 0]
    if len(coefficients):
        apart, errors_apart = (gap.max() for gap in gaps(coefficients))
        said += (
            f"; the largest gap between coefficients is {magnitude(apart)} standard errors, and between "
            f"standard errors ({coefficients['covariance'].iloc[0]}) {magnitude(errors_apart)} of themselves"
        )
    return " ".join(filter(None, (f"{said}.", sentences(notes))))


def second_opinions(rows: pd.DataFrame) -> str:
    """Return what the second opinions on several models come to, as one sentence without its full stop."""
    compared = rows[rows["status"].isin(["agrees", "differs"])]
    if compared.empty:
        by_model = {name: "; ".join(_notes(some)) for name, some in rows.groupby("model", sort=False)}
        reasons = [f"{model(str(name))}: {note}" for name, note in by_model.items() if note]
        alike = {*by_model.values()}
        why = "; ".join(alike if len(alike) == 1 else reasons)
        return ": ".join(filter(None, ("None of the models could be compared", why)))
    n, differ = len(compared), int((compared["status"] == "differs").sum())
    verdict = f"{differ} of {n} parameters differ" if differ else f"All {n} parameters agree"
    said = f"{verdict} in {compared['model'].nunique()} of {rows['model'].nunique()} models"
    apart, errors_apart = gaps(compared)
    if apart.isna().all():
        return said
    furthest, widest = (records(compared.iloc[[int(gap.argmax())]])[0] for gap in (apart, errors_apart))
    return (
        f"{said}; the largest gap between coefficients is {magnitude(apart.max())} standard errors "
        f"({model(furthest['model'])}: {_parameter(furthest)}), and between standard errors "
        f"{magnitude(errors_apart.max())} of themselves ({model(widest['model'])}: {_parameter(widest)})"
    )


def opinion_notes(rows: pd.DataFrame) -> str:
    """Return what is to be said of each model of several second opinions, in sentences that begin with its name."""
    of_model = ((name, _notes(some)) for name, some in rows.groupby("model", sort=False))
    return sentences(f"{model(str(name))}: {'; '.join(notes)}" for name, notes in of_model if notes)


def _notes(rows: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(part for note in rows["note"].dropna() for part in str(note).split("; ")))


def gaps(rows: pd.DataFrame) -> tuple[pd.Series[float], pd.Series[float]]:
    """Return how far coefficients, and standard errors, of a second opinion are apart, both in our standard errors."""
    errors = rows["std_error"].where(rows["std_error"] > 0)
    return (rows["coefficient_difference"] / errors).abs(), (rows["std_error_difference"] / errors).abs()


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
    """Return a model as printed: ``Negative binomial``, ``GEE, exchangeable``."""
    return capital(name.replace("gee-", "GEE, ").replace("-", " "))


def _parameter(row: Mapping[str, Any]) -> str:
    of = "" if pd.isna(row["level"]) else f" = {level(str(row['level']))}"
    return f"{capital(term(str(row['term'])))}{of}"


def _said(rows: pd.DataFrame, besides: Collection[str], among: pd.DataFrame) -> list[str]:
    """Return each remark of the notes of ``rows`` once, with the rows that it is of where others of ``among`` lack it.

    Remarks that differ in their leading count alone are one; of each row its count is named.
    """
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, note in zip(_names(rows), rows["note"], strict=True):
        for part in [] if pd.isna(note) else str(note).split("; "):
            if part in besides:
                continue
            match = _COUNT.match(part)
            counts = found.setdefault(part[match.end() :] if match else part, {})
            counts[name] = (*counts.get(name, ()), int(match[0].replace(",", ""))) if match else counts.get(name, ())
    every = dict.fromkeys(_names(among[among["status"] != "not_measured"]))
    return [
        _of_rows(rest, counts, list(every))
        for rest, counts in found.items()
        # "no cramp" says no more than "no cramp, so no interval".
        if not any(other.startswith(f"{rest}, so ") and set(counts) <= set(found[other]) for other in found)
    ]


def _of_rows(rest: str, counts: Mapping[str, tuple[int, ...]], every: Collection[str]) -> str:
    """Return a remark with its counts, and with the names of its rows where they are not ``every`` one."""
    text = _reworded(rest)
    distinct = {count for some in counts.values() for count in some}
    if len(distinct) > 1 and len(counts) > 1:
        each = (f"{_span(some)} ({name})" if some else name for name, some in counts.items())
        return f"{text.strip()}: {', '.join(each)}"
    said = f"{_span(tuple(distinct))}{text}"
    lacking = [name for name in every if name not in counts]
    if not lacking or all(name.lower() in text.lower() for name in counts):
        return said
    if len(lacking) < min(3, len(counts)):
        return f"all but {', '.join(lacking)}: {said}"
    return f"{', '.join(counts)}: {said}"


def _span(counts: Collection[int]) -> str:
    low, high = min(counts, default=0), max(counts, default=0)
    return "" if not counts else f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _names(rows: pd.DataFrame) -> list[str]:
    """Return what each row is of, as its table prints it: its factor, or its group or age band."""
    return [_named(row) for row in records(rows)]


def _named(row: Mapping[str, Any]) -> str:
    group = row["population"] if row["scale"] == "prevalence" else row["level"]
    if row["scale"] not in _OF_GROUPS or pd.isna(group):
        return capital(term(str(row["term"])))
    adjusted = ", age-standardised" if "standardised" in str(row["analysis"]) else ""
    return f"{level(str(group).split(', ', 1)[0])}{adjusted}"


def _reworded(text: str) -> str:
    """Put words in the place of covariances, and labels in that of column names, which have an underscore."""
    text = _COVARIANCES.get(text, text)
    text = re.sub(r"\bweight (?=weight_)", "weighted by ", text)
    text = re.sub(r"= ([\w-]+)", lambda match: f"= {level(match[1])}", text)
    return re.sub(r"(?<![\w./])[A-Za-z]\w*_\w*+(?![./]\w)", lambda match: _small(_label_inside(match[0])), text)


def _small(label: str) -> str:
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
