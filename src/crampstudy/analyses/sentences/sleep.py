"""What the section on sleep says of its rows, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.codebook.exposures import BETWEEN, WITHIN
from crampstudy.contrasts.nights.cramp_night import WORSE
from crampstudy.estimates import declared, kinds
from crampstudy.estimates.adjustment import NOT_MEASURED, adjusted_as
from crampstudy.estimates.facts import of_rows
from crampstudy.estimates.sentences import in_text
from crampstudy.wording import marks
from crampstudy.wording.directions import is_plural

HOW_ADJUSTED = (
    "Usual sleep and depression have a model each, with the sampling design and adjusted for what the study's causal "
    "graph asks for; depression, which shortens sleep there, is held beside it. Usual sleep enters as a curve, since "
    "both too little and too much may go with cramps."
)
LIMITS_OF_SURVEY = (
    "Asked once, people say how they usually sleep, how they felt in the last two weeks and how often they had cramps "
    "in the last month: what came first cannot be told, and no night can be set against another. One of the nine "
    "questions on depression is on sleep, and that on cramps is of those who were trying to sleep."
)
_NOT_TOLD = (
    "Within one night it is not told whether a cramp spoils sleep or poor sleep brings a cramp: both stand in one row "
    "of the diary, so that sleep before cramps is that of the nights before."
)
_DAY_AFTER = ("fatigue_0_10", "concentration_0_10", "productivity_0_10")
_NIGHT = tuple(name for name in WORSE if name not in _DAY_AFTER)
_SETTLED = {
    "higher": "Poor sleep went before more cramps",
    "lower": "Poor sleep went before fewer cramps",
    "differs but negligible": "After poor sleep the number of cramps was different, but by less than would matter",
    "near null": "Poor sleep went before about as many cramps as other sleep; any difference is less than would matter",
    "inconclusive": "Whether poor sleep goes before more cramps is not settled here",
}
_COMMON = {
    "higher": "more common",
    "lower": "less common",
    "differs but negligible": "more or less common by less than would matter",
    "near null": "about as common, any difference being too small to matter,",
    "inconclusive": "not clearly more or less common",
}
_CONTROL = {
    "near null": "it goes with neither more nor fewer of them, as it should",
    "inconclusive": "whether it goes with them cannot be told here",
    "differs but negligible": "that it goes with them, if by less than would matter, may be because a cramp spoils the "
    "next night's sleep as well, or because something else moves both",
    **dict.fromkeys(
        ("higher", "lower"),
        "that it goes with them may be because a cramp spoils the next night's sleep as well, or because something "
        "else moves both",
    ),
}
_BY_MODELS = "Differences in the unit of the score, from models with a random intercept of the participant [@laird1982]"
_COMPARED = {
    WITHIN: "nights with a cramp against the same participant's others",
    BETWEEN: "participants with a cramp on every night against those with none",
}
_OUTCOMES = {"moderate_severe_vs_none": "moderate-severe", "any_cramp": "any"}
_SCORES, _NUMBERS = ("was", "lower", "higher"), ("were", "less frequent", "more frequent")
"""How the difference of a score is told, and that of what is counted by its own name."""
_TOO_LITTLE = "too few people or nights to say"


def of_scores(rows: pd.DataFrame, lacking: str | None = None) -> str:
    """Return what cramp nights are like against a person's other nights."""
    own = kinds.CRAMP_NIGHT.rows(rows)
    own = own[own["level"].eq("within") & own["estimate"].notna()]
    known = {str(row["outcome"]): row for row in wording.records(own)}
    night = [known[name] for name in _NIGHT if name in known][:1]
    after = [known[name] for name in _DAY_AFTER if name in known]
    said = [score_compared(row) for row in night]
    if after:
        said.append(f"on the day after, {'; '.join(map(score_compared, after))}")
    if not said:
        why = lacking or tables.reasons(rows, inside=True)
        return f"What cramps do to sleep and to the next day could not be estimated: {why}."
    return f"On nights with a cramp, against other nights of the same person, {'; '.join(said)}."


def score_compared(row: Mapping[str, Any]) -> str:
    """Return a difference in the words of its verdict: ``sleep quality was lower, by 0.97 (0.84–1.10) points``."""
    name = wording.small(wording.label(str(row["outcome"]))).removeprefix("next-day ")
    unit = str(row["unit"]).partition(", ")[0]
    signed = f"{in_text(row)} {unit}"
    up = row["estimate"] > 0
    was, lower, higher = _NUMBERS if is_plural(wording.variable(str(row["outcome"]))) else _SCORES
    by = f"{name} {was} {higher if up else lower}, by {in_text(row if up else _turned(row))} {unit}"
    match None if pd.isna(row["verdict"]) else row["verdict"]:
        case "higher" | "lower":
            return by
        case "differs but negligible":
            return f"{by}, less than would matter"
        case "near null":
            return f"{name} differed by less than would matter, if at all: {signed}"
        case "inconclusive":
            return f"{name} {was} not clearly {higher} or {lower} ({signed})"
    return f"of {name}, {_TOO_LITTLE} ({signed})"


def _turned(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a difference read the other way round."""
    return {**row, "estimate": -row["estimate"], "ci_low": -row["ci_high"], "ci_high": -row["ci_low"]}


def of_lags(rows: pd.DataFrame, lacking: str | None = None) -> str:
    """Return whether poor sleep of the night before goes with cramps."""
    own = kinds.DISTRIBUTED_LAG.rows(rows)
    judged = own[own["level"].eq("lag 1") & declared(own) & own["estimate"].notna()]
    if judged.empty:
        reason = lacking or tables.reasons(own[own["level"].eq("lag 1")], inside=True)
        return f"Whether poor sleep goes before cramps could not be estimated: {reason}."
    (row,) = wording.records(judged)
    name, contrast = wording.small(wording.term(str(row["term"]))), wording.contrast(row)
    # Two centiles are no night that somebody can have had.
    what = f"by {name} of the night before ({contrast})" if ":" in contrast else f"after a night of {name} {contrast}"
    said = _SETTLED.get(str(row["verdict"]), f"Of poor sleep before cramps, {_TOO_LITTLE}")
    return f"{said}: rate ratio {in_text(row)} {what}."


def of_usual(rows: pd.DataFrame, lacking: str | None) -> str:
    """Return how recalled cramps go with usual sleep and with depression."""
    judged = _judged(rows)
    first = judged[judged["model"].eq("survey-poisson")].drop_duplicates("term")
    if first.empty:
        reason = lacking or tables.reasons(rows, inside=True)
        return f"How cramps go with usual sleep and with depression could not be estimated: {reason}."
    said = []
    for row in wording.records(first):
        of = f"{wording.small(wording.term(str(row['term'])))} of {wording.contrast(row)}"
        common = _COMMON.get(str(row["verdict"]), _TOO_LITTLE)
        said.append(f"{common} with {of}, prevalence ratio {in_text(row)}")
    return f"Moderate-severe cramps, against none, were {'; and '.join(said)}."


def how_to_read(rows: pd.DataFrame) -> str:
    """Return why sleep is taken from the night before on, and what the negative control says."""
    own = kinds.DISTRIBUTED_LAG.rows(rows)
    controls = _judged(own[own["level"].fillna("").str.startswith("lead")])
    if controls.empty:
        return _NOT_TOLD
    (row,) = wording.records(controls)
    seen = _CONTROL.get(str(row["verdict"]), f"{_TOO_LITTLE} whether it does")
    return f"{_NOT_TOLD} Sleep of the night after cannot act on cramps before it: {seen} (rate ratio {in_text(row)})."


def as_odds(rows: pd.DataFrame) -> str:
    """Return the declared contrasts of a survey as odds ratios, which stand beside the ratios of prevalences."""
    judged = _judged(rows)
    odds = wording.records(judged[judged["scale"].eq("odds_ratio")])
    said = [
        f"{_OUTCOMES[str(row['outcome'])]}, {wording.small(wording.term(str(row['term'])))} {in_text(row)}"
        for row in odds
    ]
    return f"As odds ratios at the declared contrasts: {'; '.join(said)}." if said else ""


def compared(rows: pd.DataFrame) -> str:
    """Return what the differences of scores are of, as far as the table has columns of them."""
    own = kinds.CRAMP_NIGHT.rows(rows)
    known = own.loc[own["estimate"].notna() & of_rows(own, "beyond").eq(""), "level"]
    of = [text for level, text in _COMPARED.items() if known.empty or known.eq(level).any()]
    return f"{_BY_MODELS}: {', and '.join(of)}."


def counts(rows: pd.DataFrame) -> str:
    """Return the participants, nights and nights with a cramp behind the scores, from the fewest to the most."""
    told: dict[str, str] = {}
    for kind, which in ((kinds.CRAMP_NIGHT, ""), (kinds.CRAMP_NIGHT_ADJUSTED, "adjusted: ")):
        own = kind.rows(rows)
        own = own[own["estimate"].notna()]
        if len(own):
            spans = (_span(own, name) for name in ("n_participants", "n_nights", "n_events"))
            of_whom = "{} participants, {} nights, {} of them with a cramp".format(*spans)
            told.setdefault(marks.without(of_whom), f"{which}{of_whom}")
    return wording.sentences(["; ".join(told.values())] if told else [])


def _span(rows: pd.DataFrame, column: str) -> str:
    """Return the least and the most that rows count, one of both where they are the same."""
    ordered = wording.records(rows.sort_values(column, kind="stable"))
    few, most = ordered[0], ordered[-1]
    ends = (few,) if few[column] == most[column] else (few, most)
    return " to ".join(wording.count_of(row, column) for row in ends)


def model_based(rows: pd.DataFrame) -> str:
    """Return how wide the intervals are that take the model at its word, beside those of the table."""
    wide = [
        found.loc[found["level"].eq("within"), ["outcome", "ci_low", "ci_high"]].dropna().set_index("outcome")
        for found in (kinds.CRAMP_NIGHT_MODEL_BASED.rows(rows), kinds.CRAMP_NIGHT.rows(rows))
    ]
    model, robust = (each["ci_high"] - each["ci_low"] for each in wide)
    ratio = (model / robust).dropna()
    if ratio.empty:
        return ""
    low, high = (wording.number(value) for value in (ratio.min(), ratio.max()))
    times = low if low == high else f"{low} to {high}"
    return (
        f"Model-based intervals, which are right only if the model is, are {times} times as wide as those of nights "
        "within participants."
    )


def limits_of_diary(rows: pd.DataFrame) -> str:
    """Return what a diary cannot tell of sleep and cramps."""
    parts = [
        "Persons are compared with themselves, but nobody allocated cramps or sleep: what makes both worse on the same "
        "night, such as pain or illness, is in the figures."
    ]
    if kinds.CRAMP_NIGHT.rows(rows)["estimate"].notna().any():
        parts.append("People score a night, and the day after it, knowing whether it had a cramp.")
    if kinds.DISTRIBUTED_LAG.rows(rows)["estimate"].notna().any():
        parts.append(
            "Where cramps come in runs of nights, and people sleep worse on each of them, some of what poor sleep goes "
            "before is the run itself; cramps of the night before are no remedy as a covariate."
        )
    return " ".join(parts)


def of_adjusted(rows: pd.DataFrame) -> str:
    """Return for what the scores of cramp nights were adjusted, and of which that does not suffice under the graph.

    What is adjusted for nothing is named. The remarks of the adjusted rows stand last, but for what the others say.
    """
    own = kinds.CRAMP_NIGHT_ADJUSTED.rows(rows)
    # Without an estimate there is no column that would be adjusted.
    made = own[own["estimate"].notna()]
    terms = dict.fromkeys(term for each in made["adjusted_for"].dropna() for term in each.split("; "))
    names = [wording.small(wording.term(term).partition(", ")[0]) for term in terms if "cramp_night" not in term]
    short = own[adjusted_as(own, NOT_MEASURED)]["outcome"].map(wording.label)
    held = f"Adjusted for, as far as each score asks for it: {wording.listed(names)}." if names else ""
    lacking = f" That does not suffice for {wording.listed(map(wording.small, short))}." if len(short) else ""
    none = own[of_rows(own, "adjusted").ne("")]["outcome"].map(wording.label)
    nothing = f" Adjusted for nothing: {wording.listed(map(wording.small, none))}." if len(none) else ""
    return f"{held}{nothing}{lacking}{_remarks_of_adjusted(rows)}".strip()


def _remarks_of_adjusted(rows: pd.DataFrame) -> str:
    """Return what is said of the adjusted rows alone: how many nights they leave out, and why some have no estimate."""
    own = kinds.CRAMP_NIGHT_ADJUSTED.rows(rows)
    parts = {part for note in own["note"].dropna() for part in str(note).split("; ")}
    plain = {part for note in kinds.CRAMP_NIGHT.rows(rows)["note"].dropna() for part in str(note).split("; ")}
    besides = {part for part in parts if part in plain or part.startswith("compared within persons")}
    # The verdicts in the table are those of the rows that are not adjusted.
    said = tables.notes(own.assign(verdict=None), besides=besides).rstrip(".")
    return f" Adjusted: {wording.small(said)}." if said else ""


def alt(rows: pd.DataFrame) -> str:
    """Return what a reader who cannot see the figure of both directions needs to know."""
    known = wording.records(rows[rows["estimate"].notna()])
    said = "; ".join(f"{tables.direction(row)}: {in_text(row)}" for row in known)
    return f"Points with intervals, in standard deviations worse. {said}."


def alt_of_usual(rows: pd.DataFrame) -> str:
    """Return what a reader who cannot see the figure of a survey needs to know."""
    said = [
        f"{wording.term(str(r['term']))}, {wording.contrast(r)}: {in_text(r)}" for r in wording.records(_judged(rows))
    ]
    return f"A forest of prevalence ratios. {'; '.join(said) or 'None could be estimated'}."


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of declared contrasts that have an estimate."""
    return rows[declared(rows) & rows["estimate"].notna()]
