"""Whether one ratio will do: for all classes of an ordinal model, or for all the time of a Cox model."""

from __future__ import annotations

from collections.abc import Sequence

from crampstudy.checks.result import ALPHA, Check, made, not_made
from crampstudy.models.classes import proportionality
from crampstudy.models.classes.proportionality import SlopeTest
from crampstudy.models.request import Question
from crampstudy.models.surveys import survey_ordinal
from crampstudy.models.surveys.fit import sample
from crampstudy.models.times.cox import proportionality as over_time
from crampstudy.models.times.fit import Events, events
from crampstudy.wording import p_text

NAME = "proportionality"
MODELS = ("ordinal", "survey-ordinal", "cox")
_ALL = "all columns"


def proportional(asked: Question) -> Check:
    """Compare a model's ratios between the classes, or over time: each column by itself, and all together.

    Ordinal: the slopes of the binary logits behind it, cluster-robust or design-based (Brant 1990). Cox: a score test
    of a change with the share of events so far (Grambsch and Therneau 1994), cluster-robust where the fit is.

    Raises:
        UsageError: as :func:`crampstudy.fit`.
    """
    if asked.model == "survey-ordinal":
        of = sample(asked)
        codes, levels = of.classes()
        if len(levels) < 3:
            return not_made(NAME, "with fewer than three classes there is nothing to compare")
        matrix = of.design.standardised().over_all_rows()
        return _of_slopes(survey_ordinal.brant(codes, matrix, of.names, of.design.rows, of.sampling, levels))
    found = events(asked)
    if found.reason:
        return not_made(NAME, found.reason)
    if asked.model == "cox":
        return _of_times(found)
    codes, levels = found.classes()
    if len(levels) < 3:
        return not_made(NAME, "with fewer than three classes there is nothing to compare")
    groups = None if asked.kind == "model" else found.groups
    return _of_slopes(proportionality.brant(found.matrix, codes, levels=levels, names=found.names, groups=groups))


def _of_slopes(tests: Sequence[SlopeTest]) -> Check:
    whole = tests[0]
    if whole.problem:
        return not_made(NAME, whole.problem)
    rows = [
        {"column": t.column, "statistic": t.statistic, "df": t.df, "df_residual": t.df_residual, "p_value": t.p_value}
        for t in tests
    ]
    return _check(rows, "the odds ratios differ between the classes", "one odds ratio does for all classes")


def _of_times(of: Events) -> Check:
    times = of.times()
    fitted = times.fit(of.matrix)
    if fitted.problem:
        return not_made(NAME, fitted.problem)
    found = over_time(
        fitted,
        of.matrix,
        times,
        groups=of.groups,
        kind="cluster" if of.asked.kind == "auto" else of.asked.kind,
    )
    if found.problem:
        return not_made(NAME, found.problem)
    cells = list(zip([*of.names, _ALL], found.statistic, found.df, found.p_value, strict=True))
    rows = [
        {"column": column, "statistic": statistic, "df": df, "p_value": p}
        for column, statistic, df, p in [cells[-1], *cells[:-1]]
    ]
    return _check(rows, "the hazard ratios change with time", "one hazard ratio does for all of the time")


def _check(rows: list[dict[str, object]], differ: str, same: str) -> Check:
    p = float(str(rows[0]["p_value"]))
    least = min(rows[1:], key=lambda row: float(str(row["p_value"])))
    passed = p >= ALPHA
    most = f", most of all {least['column']}" if not passed and len(rows) > 2 else ""
    said = f"{same} ({p_text(p)})" if passed else f"{differ}{most} ({p_text(p)}): the one shown is their average"
    return made(NAME, passed, rows, said)
