"""A nightly exposure over several nights: each night beside the others, all of them together, and a later one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pandas as pd

from crampstudy import estimates
from crampstudy.codebook.exposures import BETWEEN, WITHIN, Exposure
from crampstudy.cohort import Cohort
from crampstudy.contrasts import person_time
from crampstudy.errors import UsageError
from crampstudy.estimates import kinds
from crampstudy.estimates.facts import with_facts
from crampstudy.estimates.verdicts import BESIDE, MARGINS, NIGHTS, too_few, unjudged, why_beyond
from crampstudy.models.coefficients.result import Fit
from crampstudy.models.fit import fit
from crampstudy.models.terms import formula
from crampstudy.models.terms.declared_contrasts import Beyond
from crampstudy.nights import Diary
from crampstudy.wording import CONTRAST

CUMULATIVE = "cumulative"
_Row = dict[str, Any]
_CONTROL = "negative control: a later night cannot act on an earlier one"
SAME_NIGHT = "within one night it is not told whether cramps move it or are moved by it"
"""Why an exposure that the night's outcome can move has no ratio of the same night."""


def distributed_lag(
    cohort: Cohort | Diary,
    exposure: str,
    *,
    model: str = "negative-binomial",
    outcome: str | None = None,
    lags: int = 3,
    lead: int = 1,
    against_lead: bool = False,
    beside: str = "",
    **more: Any,
) -> pd.DataFrame:
    """Return the ratios of a nightly exposure on the night itself and on those before it, and of all of them together.

    One model has the participant's deviations at lags 0 to ``lags`` and the mean; it is fitted to the nights whose
    count is logged and whose exposure is known at all of these lags. The cumulative ratio is that of so much more on
    each of the nights; its variance is that of the sum, from the joint covariance. A second model has the exposure of
    ``lead`` nights later besides, which can have no effect. Of an exposure that the night's outcome can move the
    mean is without that night, and lag 0 has no estimate.

    Args:
        cohort: a diary.
        exposure: a nightly variable, a number or yes or no.
        model: a model of nights.
        outcome: one of the model's outcomes; the first of them by default.
        lags: the furthest lag, in calendar nights.
        lead: how many nights later the negative control is.
        against_lead: whether the ratio of the night itself is set against that of the negative control as well.
        beside: terms that the model is adjusted for, such as ``age_decade + sex``; one that sets the nights apart
            is left out, and said.
        more: other arguments of :func:`crampstudy.fit`, such as ``where``, ``covariance`` or ``margins``.

    Returns:
        Tidy estimates: ``term`` is the variable, ``level`` lag 0, lag 1 and so on, cumulative, lag 1 against lag 0 and
        lead 1, per unit and at the declared contrast.

    Raises:
        UsageError: the exposure is none of nights, or the numbers of nights are not above 0; else as ``fit``.

    Source: Schwartz 2000 (distributed lags); Lipsitch, Tchetgen Tchetgen and Cohen 2010 (negative controls).
    """
    if lags < 1 or lead < 1:
        raise UsageError(f"a distributed lag has at least lag 1 and lead 1, got lags={lags} and lead={lead}")
    within, between = (person_time.part(exposure, which, model, outcome) for which in (WITHIN, BETWEEN))
    own = [within.at_lag(k) for k in range(1 if within.leave_out else 0, lags + 1)]
    later = within.at_lag(-lead)
    asked = {"model": model, "outcome": outcome, "adjusted_for": formula.singly(beside), **more}
    joint = fit(cohort, terms=person_time.joined(beside, [*own, between]), **asked)
    control = fit(cohort, terms=person_time.joined(beside, [*own, later, between]), **asked)
    made: list[_Row] = []
    if within.leave_out:
        made.append(_untold(joint, own[0]))
    single = {one: _single(joint, one, f"lag {one.shift}") for one in own}
    same = _Declared.of(joint, own[0], single[own[0]])
    single = {one: _at_same(joint, one, rows, same, more) for one, rows in single.items()}
    made += chain.from_iterable(single.values())
    made += _together(joint, single, dict.fromkeys(own, 1.0), CUMULATIVE, same, more)
    if not within.leave_out:
        made += _together(joint, single, {own[1]: 1.0, own[0]: -1.0}, "lag 1 against lag 0", same, more)
    leads = _single(control, later, f"lead {lead}")
    for row in _at_same(control, later, leads, same, more):
        made.append(row if _lacks([row]) else row | {"note": estimates.note(_CONTROL, row["note"] or "")})
    if against_lead and not within.leave_out:
        ends = {one: _single(control, one, f"lead {lead}") for one in (own[0], later)}
        made += _together(control, ends, {own[0]: 1.0, later: -1.0}, f"lag 0 against lead {lead}", same, more)
    return estimates.frame(made)


def _single(fitted: Fit, one: Exposure, level: str) -> list[_Row]:
    return person_time.of_term(fitted, one, level, kinds.DISTRIBUTED_LAG)


@dataclass(frozen=True, slots=True)
class _Declared:
    """The declared contrast of the first night, which all nights are told at: its ``size`` and how it is printed.

    One between centiles is of what was logged, and each lag has that of somewhat different nights.
    """

    size: float
    unit: str

    @classmethod
    def of(cls, fitted: Fit, first: Exposure, rows: list[_Row]) -> _Declared | None:
        """Return the contrast of an exposure in a fit, of which these are the rows; ``None`` where it has none."""
        unit = next((row["unit"] for row in rows if _is_declared(row) and not _lacks([row])), None)
        size = person_time.contrast(fitted, first)
        return None if unit is None or size is None else cls(size, unit)


def _is_declared(row: _Row) -> bool:
    return str(row["term"]).startswith(CONTRAST)


def _at_same(
    fitted: Fit, one: Exposure, rows: list[_Row], same: _Declared | None, more: Mapping[str, Any]
) -> list[_Row]:
    """Return the rows of a night in a fit with its declared contrast that of the first night."""
    if same is None or fitted.linear is None:
        return rows
    return [
        _moved(fitted, one, row, same, more)
        if _is_declared(row) and row["unit"] != same.unit and not _lacks([row])
        else row
        for row in rows
    ]


def _moved(fitted: Fit, one: Exposure, row: _Row, same: _Declared, more: Mapping[str, Any]) -> _Row:
    """Return a row of a declared contrast at another one."""
    assert fitted.linear is not None
    found = fitted.linear.ratio({str(one): same.size}, {str(one): 0.0})
    kept = {name: cell for name, cell in found.items() if name not in ("key", "reference") and cell is not None}
    cells = {
        name: row[name]
        for name in ("term", "level", "analysis", "estimand", "adjusted_for", "adjustment", "lacks", "note")
    }
    made = estimates.row(**kept | cells | {"unit": same.unit})
    return made if row["verdict"] is None else person_time.judged(made, more.get("margins", MARGINS))


def _together(
    fitted: Fit,
    single: Mapping[Exposure, list[_Row]],
    signs: Mapping[Exposure, float],
    level: str,
    same: _Declared | None,
    more: Mapping[str, Any],
) -> list[_Row]:
    """Return the rows of a sum of lags, per unit and at the declared contrast of a single one.

    Args:
        fitted: the fit that has the lags.
        single: the rows of each lag.
        signs: how often each is in the sum.
        level: what the sum is called.
        same: the declared contrast of all nights.
        more: what else was asked of the fit.
    """
    made = []
    # What one of the nights has no estimate of, the sum has none of either.
    first, *_ = single
    lacking = next((rows for one, rows in single.items() if one in signs and _lacks(rows)), None)
    for plain in lacking or single[first]:
        if fitted.linear is None or lacking:
            kept = {name: cell for name, cell in plain.items() if name != "key"}
            made.append(estimates.row(**kept | {"level": level}))
            continue
        declared = same if _is_declared(plain) else None
        size = declared.size if declared else person_time.step(fitted, first)
        at = {str(one): size * max(sign, 0.0) for one, sign in signs.items()}
        row = fitted.linear.ratio(at, {str(one): size * max(-sign, 0.0) for one, sign in signs.items()})
        cells = {name: plain[name] for name in ("term", "unit", "analysis", "estimand", "adjustment", "lacks")} | {
            "level": level
        }
        if declared:
            cells["unit"] = declared.unit
        others = (term for term in str(plain["adjusted_for"] or "").split("; ") if term not in ("", *at))
        cells |= {"adjusted_for": "; ".join(others) or None, "note": row["note"] or plain["note"]}
        kept = {name: cell for name, cell in row.items() if name not in ("key", "reference") and cell is not None}
        made.append(with_facts(estimates.row(**kept | cells), {NIGHTS: str(len(signs))}))
        if plain["verdict"] is not None:
            parts = [row for one in signs for row in single[one]]
            made[-1] = _judged(with_parts(made[-1], parts), fitted, signs, size, more)
        elif reason := why_beyond(plain):
            made[-1] = unjudged(made[-1], reason, beyond=True)
    return made


def with_parts(row: _Row, parts: Iterable[_Row]) -> _Row:
    """Return the row of a sum of ``parts``, each a row, which is of too few where one of them is, and says of which."""
    few = next((str(part["level"]) for part in parts if part["verdict"] == "too few"), None)
    if few is None or too_few(row):
        return row
    return with_facts(row, {BESIDE: few}) | {"note": estimates.note(row["note"] or "", f"{few} rests on too few")}


def _judged(row: _Row, fitted: Fit, signs: Mapping[Exposure, float], size: float, more: Mapping[str, Any]) -> _Row:
    """Return the row of a sum with its verdict, unless nobody's mean over these nights lies so far from another one."""
    assert fitted.linear is not None
    apart = fitted.linear.design.declared.lags.get(frozenset(map(str, signs)))
    made = person_time.judged(row, more.get("margins", MARGINS))
    beyond = Beyond.of(abs(size), apart) if apart is not None and min(signs.values()) > 0 else None
    return beyond.on(made) if beyond else made


def _lacks(rows: list[_Row]) -> bool:
    return any(row["status"] not in ("converged", "boundary") for row in rows)


def _untold(fitted: Fit, exposure: Exposure) -> _Row:
    """Return the row of lag 0 of an exposure that the night's outcome can move."""
    cells = person_time.of_term(fitted, exposure, "lag 0", kinds.DISTRIBUTED_LAG)[0]
    shared = ("cohort", "population", "outcome", "analysis", "model", "term", "level", "scale", "ci_level")
    return estimates.row(status="not_estimable", note=SAME_NIGHT, **{name: cells[name] for name in shared})
