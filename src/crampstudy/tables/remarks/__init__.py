"""What is said of the rows of a table: notes, and reasons why there is no estimate."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.codebook import exposures
from crampstudy.estimates import ALONE, BASELINES, compares, kinds, reliability, verdicts
from crampstudy.estimates.facts import fact, of_rows
from crampstudy.estimates.sentences import in_text
from crampstudy.estimates.treatments import OF_RUN_IN
from crampstudy.tables import headings
from crampstudy.tables.remarks import several
from crampstudy.tables.remarks.parts import NUMBER, RowPart, in_order, is_some, of_row, with_parts
from crampstudy.tables.remarks.single_rows import Counts, by_row, levels_of
from crampstudy.tables.reworded import reworded

_NAMING = ("term", "population", "scale", "level", "analysis")
_OF_GROUPS = ("rate", "prevalence", "median")
_OF_ITS_ROWS = re.compile(r"fewer than \d+ participants")
"""What is said of the people of single rows, also where it is of every one."""
_BY_AGE = (kinds.CRAMP_NIGHTS.name, kinds.RED_FLAG.name)
"""Kinds with a table of a line for each age band, whatever their scales."""
_BY_LEVEL = (kinds.REGRESSION_TO_THE_MEAN.name, kinds.FLAG_STABILITY.name)
_FEW_NAMES, _MOST_NAMES = 3, 5
_BAND = re.compile(r"\d+(?:–\d+|\+)|<\d+")
_BEYOND = re.compile(rf"{verdicts.BEYOND_VALUES} (\S+) apart at most((?:: no verdict)?)")
_COUNT = re.compile(r"\d{1,3}(?:,\d{3})*(?= )")
_Unreliable = Mapping[str, reliability.UnreliableMean]


_MADE = re.compile(
    r"[\d,]+ (nights|participants|cramps|gaps) left out|covariance [\w-]+$|participants\.csv: |diary\.csv: "
)
"""How what is said of a model begins that is no reason against an estimate: whom it is of, and its covariance."""


def reasons(rows: pd.DataFrame, besides: Collection[str] = (), *, brief: bool = False, inside: bool = False) -> str:
    """Return the distinct reasons why estimates could not be made, as printed, separated by semicolons.

    Where they are ``brief``, as apart from a table, a reason of many rows, but not of all, names a few of them.
    ``inside`` a sentence rows are named as sentences do, and else as in their table.
    """
    terms = {wording.capital(wording.term(str(term))) for term in rows["term"].dropna().unique()}
    named = (lambda name: _inside_a_text(name, terms)) if inside else str
    return _reasons(rows, besides, _MOST_NAMES if brief else None, named)


def _reasons(
    rows: pd.DataFrame, besides: Collection[str], most: int | None = None, named: Callable[[str], str] = str
) -> str:
    # What keeps a part of a claim from being tested is told with the claim.
    whole = ~rows["analysis"].isin([kinds.CLAIM_PART.name])
    failed = _with_remarks(rows[_failed(rows) & whole], reason=True)
    return "; ".join(several.in_one(_said(failed, besides, rows, most, named=named)))


def _inside_a_text(name: str, terms: Collection[str]) -> str:
    """Return the name of a row as it stands inside a text: that of one of the ``terms``, which are no names, small."""
    return wording.small(name) if any(name == term or name.startswith(f"{term} (") for term in terms) else name


def commonest_reasons(rows: pd.DataFrame, most: int) -> str:
    """Return why most of the estimates that could not be made have none: the ``most`` common reasons, and how many."""
    failed = _with_remarks(rows[_failed(rows)], reason=True).dropna(subset="note")
    first = pd.Series([reworded(note.partition("; ")[0]) for note in failed["note"]], failed.index, dtype=object)
    lost = of_rows(rows, "leaves out")[failed.index]
    parts = first.where(first.ne(ALONE) | lost.eq(""), first + " (" + lost + ")")
    names = pd.Series(_names(failed, rows), failed.index, dtype=object).groupby(parts).unique().to_dict()
    every = parts.value_counts()
    told = every.head(most + 1 if len(every) == most + 1 else most)
    said = [f"{_of_ages(str(why), names[str(why)])}{f' ({n:,})' if len(every) > 1 else ''}" for why, n in told.items()]
    rest = len(every) - len(told)
    return wording.ranges("; ".join([*said, *([wording.counted(rest, "other reasons")] if rest else [])]))


def _of_ages(reason: str, names: Iterable[str]) -> str:
    """Return a reason apart from the rows that it is of, by their ``names``: ``nobody aged 20–39 took part``."""
    ages = dict.fromkeys(name.partition(" (")[0] for name in names if _BAND.match(name))
    return reason.replace("of this age", f"aged {wording.listed(ages)}") if ages else reason


def _failed(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["status"].isin(["not_estimable", "not_converged"])


def _with_remarks(rows: pd.DataFrame, *, reason: bool) -> pd.DataFrame:
    """Return rows with those parts of their notes that are reasons, or with those that are none."""
    kept = [
        [] if pd.isna(note) else [part for part in str(note).split("; ") if (part != whom) is reason]
        for note, whom in zip(rows["note"], of_rows(rows, "leaves out"), strict=True)
    ]
    if reason:
        # How a model was made is no reason where there is one.
        kept = [[part for part in parts if not _MADE.match(part)] or parts for parts in kept]
    return rows.assign(note=pd.Series(["; ".join(parts) or None for parts in kept], rows.index, dtype=object))


def notes(*models: pd.DataFrame, besides: Collection[str] = (), level: Callable[[str], str] = wording.level) -> str:
    """Return what a table's note says of its rows: what was left out or could not be estimated, the weight, verdicts.

    Sentences with a capital and a full stop, empty where there is nothing to say. What is one of
    :data:`~crampstudy.estimates.BASELINES` or on one of the scales :data:`~crampstudy.estimates.PARAMETERS` is not
    shown and says nothing, but for the intercept of a zero part; what is said ``besides`` is left out, and ``level`` is
    how the table prints one.
    """
    rows = pd.concat(models, ignore_index=True)
    split = kinds.is_split(rows)
    # That there is no zero part to show is said by its intercept, which there always is.
    shown = rows[compares(rows) | rows["term"].eq(f"{wording.ZERO_PART}intercept")]
    made = shown[shown["status"].isin(["converged", "boundary"])]
    # Whom a row leaves out is said of it whether or not it has an estimate.
    besides_reasons = _with_remarks(shown[_failed(shown)], reason=False).dropna(subset="note")
    if len(besides_reasons):
        counted = pd.concat([_with_remarks(made, reason=False), besides_reasons]).sort_index()
        left_out = _said(counted, besides, counted, printed=level)
        told = _with_remarks(made, reason=True)
    else:
        left_out, told = [], made
    said = "; ".join([*_said(told, besides, told, unreliable=reliability.unreliable(rows), printed=level), *left_out])
    failed = _reasons(shown, besides)
    texts = (
        *_splits(rows[split]),
        said,
        f"could not estimate: {failed}" if failed else "",
        verdicts.why_few(shown),
        reworded(verdicts.remark(shown) or ""),
    )
    return wording.sentences(filter(None, texts))


def _splits(rows: pd.DataFrame) -> list[str]:
    """Return a sentence for each exposure: what its ratio is a mixture of, and whether the two differ.

    Of each there are three rows: within, between, and the test that they are equal.
    """
    made = []
    every = wording.records(rows)
    for within, between, test in zip(every[::3], every[1::3], every[2::3], strict=True):
        named = wording.term(exposures.unsplit(str(within["term"])))
        apart = ", against the mean of the other nights" if "leave_out=True" in str(within["term"]) else ""
        if test["status"] != "converged":
            tested = rows[rows["term"] == test["term"]]
            reason = "; ".join(_said(tested, (), tested))
            made.append(f"{named}: within and between participants could not be told apart: {reason}")
            continue
        where = f"{fact(test, 'where')}, " if fact(test, "where") else ""
        what = "difference" if within["scale"] == "difference" else "ratio"
        made.append(
            f"{named}: {where}the {what} mixes {in_text(within)} within participants{apart} and "
            f"{in_text(between)} between them, {wording.contrast(within)} "
            f"({wording.marked(test, wording.p_text(test['p_value']))} that both are equal)"
        )
    return list(dict.fromkeys(made))


def _said(
    rows: pd.DataFrame,
    besides: Collection[str],
    among: pd.DataFrame,
    most: int | None = None,
    unreliable: _Unreliable = MappingProxyType({}),
    printed: Callable[[str], str] = wording.level,
    named: Callable[[str], str] = str,
) -> list[str]:
    """Return each remark of the notes of ``rows`` once, with the rows that it is of where others of ``among`` lack it.

    Remarks that differ in their leading count alone are one; of each row its count is named. Where the rows of a name
    are within participants, between them or over several nights, a remark on some of these alone says on which.

    Args:
        rows: whose notes are told.
        besides: what is left out.
        among: the rows of the table.
        most: of more rows than these a remark names a few and counts the others.
        unreliable: the means of low reliability by the remarks on them, which are one.
        printed: how a level is printed.
        named: how the name of a row is printed; by default as its table has it.
    """
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    parts: dict[tuple[str, str], set[RowPart | None]] = {}
    held: dict[tuple[str, str], int] = {}
    levels: dict[str, dict[str, dict[int, set[str]]]] = {}
    for name, of, level, note in zip(
        _names(rows, among), _parts(rows), levels_of(rows, printed), rows["note"], strict=True
    ):
        for part in [] if pd.isna(note) else str(note).split("; "):
            if part in besides:
                continue
            match = _COUNT.match(part)
            text = part[match.end() :] if match else part
            counts = found.setdefault(text, {})
            n = (int(match[0].replace(",", "")),) if match else ()
            counts[name] = (*counts.get(name, ()), *n)
            for each in n:
                levels.setdefault(text, {}).setdefault(name, {}).setdefault(each, set()).add(level)
            parts.setdefault((text, name), set()).add(of)
            held[text, name] = held.get((text, name), 0) + 1
    # What compares nothing has no row in the table that could be named.
    compared = among[(among["status"] != "not_measured") & ~among["term"].isin(BASELINES)]
    some = _of_parts(parts, among)
    found = {
        text: {some.get((text, name), name): n for name, n in by_row(counts, levels.get(text, {})).items()}
        for text, counts in found.items()
    }
    every: dict[str, bool] = {}
    shown = _names(compared if len(compared) else among, among)
    for name in shown:
        every |= {name: True, **{part: False for (_, whole), part in some.items() if whole == name}}
    in_part = {text for (text, name), n in held.items() if n < shown.count(name)}
    told = [
        _of_rows(rest, counts, every, most, throughout=rest not in in_part, printed=named)
        for rest, counts in _folded(found, unreliable).items()
        # "no cramp" says no more than "no cramp, so no interval".
        if not any(other.startswith(f"{rest}, so ") and set(counts) <= set(found[other]) for other in found)
    ]
    by_rows: dict[str, list[str]] = {}
    for whose, text in told:
        by_rows.setdefault(whose, []).append(text)
    return [text for of, texts in by_rows.items() for text in ([f"{of}: {', and '.join(texts)}"] if of else texts)]


def _folded(found: Mapping[str, Counts], unreliable: _Unreliable) -> dict[str, Counts]:
    """Return remarks by their text, those of the reliabilities of several means, or on what lies beyond, as one."""
    folded: dict[str, Counts] = {}
    low: dict[str, list[str]] = {}
    beyond: dict[str, list[str]] = {}
    of_more = sum(bool(_BEYOND.fullmatch(text)) for text in found) > 1
    for text, counts in found.items():
        if mean := unreliable.get(text):
            value = f"{wording.small(wording.term(mean.variable))} {max(mean.value, 0):.2f}"
            low.setdefault(mean.so_that, []).append(value)
        elif of_more and (far := _BEYOND.fullmatch(text)):
            untold = "without a verdict, as " if far[2] else ""
            beyond.setdefault(untold, []).append(f"{wording.listed(map(wording.small, counts))} {far[1]}")
        elif text in (verdicts.OWN_RATES, verdicts.FEW_CRAMP):
            # It says itself what it is of.
            folded[text] = {}
        else:
            folded[text] = {**folded.get(text, {}), **counts}
    for what, means in low.items():
        folded[f"the reliability of the mean is low ({', '.join(means)}), so that {what}"] = {}
    for untold, values in beyond.items():
        folded[f"{untold}{verdicts.BEYOND_VALUES} apart at most: {', '.join(values)}"] = {}
    return folded


def _parts(rows: pd.DataFrame) -> list[RowPart | None]:
    return [of_row(row, failed=row["failed"]) for row in wording.records(rows.assign(failed=_failed(rows)))]


def _of_parts(held: Mapping[tuple[str, str], set[RowPart | None]], among: pd.DataFrame) -> dict[tuple[str, str], str]:
    """Return the name with its parts of each remark, by its text and name, that is not on all parts of the name.

    A remark that names what it is of has no need of them.
    """
    by_name: dict[str, list[RowPart | None]] = {}
    for name, of in zip(_names(among, among), _parts(among), strict=True):
        by_name.setdefault(name, []).append(of)
    whole = {name: in_order(parts) for name, parts in by_name.items()}
    return {
        (text, name): with_parts(name, parts, whole[name])
        for (text, name), parts in held.items()
        if is_some(parts, whole[name]) and name.lower() not in reworded(text).lower()
    }


def _of_rows(
    rest: str,
    counts: Counts,
    every: Mapping[str, bool],
    most: int | None,
    *,
    throughout: bool,
    printed: Callable[[str], str],
) -> tuple[str, str]:
    """Return the names of the rows of a remark, where they are not ``every`` one, and the remark with its counts.

    A name may be of all that it stands for or of a part. Of more rows than ``most`` a few are named and the others
    counted. Of every row, or of every other one, a remark is only where it is on all rows of its names
    ``throughout``: rows may have one name.
    """
    text = reworded(rest)
    distinct = {count for some in counts.values() for count in some}
    if len(distinct) > 1 and len(counts) > 1:
        each = (
            f"{_span(some)} ({printed(_inside(name, every))})" if some else printed(name)
            for name, some in counts.items()
        )
        return "", f"{text.strip()}: {', '.join(each)}"
    said = f"{_span(tuple(distinct))}{text}"
    having = [name for name in every if name in counts]
    lacking = [name for name, whole in every.items() if whole and name not in counts]
    named = all(_is_named(name, text, having) for name in having)
    if most is not None and len(having) > most:
        told = [*map(printed, having[:_FEW_NAMES]), f"{len(having) - _FEW_NAMES} others"]
        return wording.listed(told) if lacking and not named else "", said
    if having and not lacking and _OF_ITS_ROWS.match(text) and (throughout or len(every) == 1):
        return "every row" if len(every) > 1 else printed(having[0]), said
    if not lacking or named:
        return "", said
    whole = throughout and all(every[name] for name in having)
    if len(lacking) < min(3, len(having)) and len(having) > _FEW_NAMES and whole:
        return f"{'every row' if printed is str else 'all'} but {' and '.join(map(printed, lacking))}", said
    return ", ".join(map(printed, having)), said


def _inside(name: str, every: Mapping[str, bool]) -> str:
    """Return a name as it stands in brackets."""
    return name if every.get(name, True) else name.replace(" (", ", ").removesuffix(")")


def _is_named(name: str, text: str, having: Collection[str]) -> bool:
    """Say whether a text names a row, or the row of everybody that one of some people stands beside."""
    whole = name.partition(" (")[0]
    if verdicts.is_whom(text):
        # These are people of the row, and the row is not what it says of them.
        return False
    return name.lower() in text.lower() or (whole in having and whole.lower() in text.lower())


def _span(counts: Collection[int]) -> str:
    low, high = min(counts, default=0), max(counts, default=0)
    return "" if not counts else f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _names(rows: pd.DataFrame, whole: pd.DataFrame) -> list[str]:
    """Return what each row is of, as its table prints it: its factor, or its group or age band.

    A condition that the ``whole`` has of some people besides is told apart by whom it is of.
    """
    names = [_named(row) for row in wording.records(rows.filter(items=_NAMING))]
    own = kinds.CONDITION.rows(whole)
    of_term = own.groupby("term")["population"].nunique()
    several = set(of_term.index[of_term > 1])
    if not several:
        return names
    told = zip(names, rows["analysis"], rows["term"], headings.among(rows, own), strict=True)
    return [
        f"{name} ({', '.join(whom)})" if whom and kind == kinds.CONDITION.name and term in several else name
        for name, kind, term, whom in told
    ]


def _named(row: Mapping[str, Any]) -> str:
    if row["analysis"] in _BY_LEVEL:
        return wording.capital(str(row["level"]))
    if row["analysis"] == kinds.TEST_RESULT.name:
        whose = "" if pd.isna(row["level"]) else f" ({row['level']})"
        return f"{wording.capital(str(row['term']))}{whose}"
    if row["analysis"] == kinds.CLAIM.name:
        return str(row["term"])
    if row["analysis"] == kinds.BETWEEN_COHORTS.name:
        return wording.level(str(row["level"]))
    if row["analysis"] == kinds.BETWEEN_ADJUSTED.name:
        return "Adjusted"
    if row["analysis"] == kinds.COHORT_INTERACTION.name:
        return "Cohort by group" + ("" if pd.isna(row["level"]) else f" {reworded(str(row['level']))}")
    if row["analysis"] == kinds.COHORT_TREND.name:
        return f"Per 10 years of age ({row['level']})"
    if row["analysis"] == kinds.OPEN_USE_RATE.name:
        return f"{wording.capital(wording.term(str(row['term'])))} ({str(row['level']).partition(', ')[0]})"
    by_population = (
        row["scale"] == "prevalence"
        or (row["term"] == "age_band" and row["scale"] != "rate")
        or row["analysis"] in _BY_AGE
    )
    group = row["population"] if by_population else row["level"]
    on_curve = pd.notna(row["term"]) and NUMBER.fullmatch(str(group)) is not None  # No group, but a variable's value.
    if not (by_population or row["scale"] in _OF_GROUPS) or pd.isna(group) or on_curve:
        term = str(row["term"])
        return OF_RUN_IN[term].label if term in OF_RUN_IN else wording.capital(wording.term(term))
    adjusted = " (age-standardised)" if "standardised" in str(row["analysis"]) else ""
    return f"{wording.level(str(group).split(', ', 1)[0])}{adjusted}"
