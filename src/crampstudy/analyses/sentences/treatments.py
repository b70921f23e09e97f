"""What the section on treatments says of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.estimates import kinds
from crampstudy.estimates.sentences import estimate
from crampstudy.estimates.treatments import ALL, DESCRIBED, EXPECTED, OBSERVED, REMAINS, RUN_IN_RATE
from crampstudy.estimates.verdicts import DIFFERENCE, FEWEST_EXPOSED
from crampstudy.tables.sections.open_use import BALANCED
from crampstudy.treatments.designs import TreatmentDesign
from crampstudy.treatments.pairs import LEVEL as PAIRS
from crampstudy.treatments.question import arm

_FOUND = {
    "higher": "more cramps",
    "lower": "fewer cramps",
    "differs but negligible": "a difference that is negligible",
    "near null": "no difference worth the name",
    "inconclusive": "too uncertain to tell",
    "too few": "too few to tell",
}
_BY_CHOICE = "Who takes a treatment by choice differs from who does not"
_BEFORE = "the rate before time zero"
_FLARE = "a flare in which somebody begins ends by itself"


def answer(rows: pd.DataFrame, taken: int) -> str:
    """Return what each treatment did, those that lots decided on first."""
    if not taken:
        return "Nobody in this cohort was given a treatment or noted to have taken one."
    trials = [_of_trial(row) for row in judged(rows)]
    told = _of_choice(rows)
    lacking = [] if trials or told else [f"No effect could be estimated: {_why_none(_primary(rows))}."]
    return " ".join([*trials, *told, *lacking])


def _why_none(rows: pd.DataFrame) -> str:
    """Return why no treatment has an estimate; how many people took each stands in the table of their flow."""
    failed = rows[rows["status"].isin(["not_estimable", "not_converged"])]
    if len(failed) and failed["note"].str.contains(DESCRIBED, regex=False).all():
        took = f"fewer than {FEWEST_EXPOSED} people who took it, or who did not"
        return f"of each treatment {took}, have nights before and after time zero"
    return tables.reasons(rows)


def judged(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the ratios of trials with a verdict: of a crossover and of n-of-1 those within pairs of periods."""
    main = kinds.TREATMENT_EFFECT.rows(rows)
    told = main[main["estimate"].notna() & main["verdict"].notna() & main["scale"].ne(DIFFERENCE)]
    weekly = main[main["scale"].eq(DIFFERENCE) & main["estimate"].notna()].set_index("term")
    return [{**row, "weekly": _weekly(weekly, row["term"])} for row in wording.records(told)]


def _weekly(rows: pd.DataFrame, agent: str) -> str:
    if agent not in rows.index:
        return ""
    return f", difference {estimate(wording.records(rows.loc[[agent]])[0])} cramps a week"


def _of_trial(row: Mapping[str, Any]) -> str:
    return (
        f"By lot, {wording.agent(row['term'])} against {arm(row['reference'])}: {_FOUND[str(row['verdict'])]} "
        f"(rate ratio {estimate(row)}{row['weekly']})."
    )


def _of_choice(rows: pd.DataFrame) -> list[str]:
    """Return what went with treatments that people chose, by what their intervals say."""
    own = kinds.OPEN_USE.rows(rows)
    own = own[own["scale"].ne(DIFFERENCE) & own["estimate"].notna()]
    if own.empty:
        return []
    said = []
    for verdict, found in _FOUND.items():
        some = wording.records(own[own["verdict"] == verdict])
        if not some:
            continue
        if verdict in ("inconclusive", "too few"):
            names = wording.listed(wording.agent(str(row["term"])) for row in some)
            said.append(f"{found} for {names}")
        else:
            said.append(f"{found} with {wording.listed(_named(row) for row in some)}")
    return [f"Taken by choice, and weighted for who takes them: {'; '.join(said)}."]


def _named(row: Mapping[str, Any]) -> str:
    return f"{wording.agent(row['term'])} (rate ratio {estimate(row)})"


def _primary(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["analysis"].isin([kinds.TREATMENT_EFFECT.name, kinds.OPEN_USE.name])]


def by_design(rows: pd.DataFrame) -> str:
    """Return which treatments are described and not estimated."""
    main = _primary(rows)
    few = main[main["status"].isin(["not_estimable", "not_converged"]) & main["scale"].ne(DIFFERENCE)]
    return f"Described and not estimated: {wording.listed(_agents(few))}." if len(few) else ""


def _agents(rows: pd.DataFrame) -> list[str]:
    return [wording.agent(str(name)) for name in dict.fromkeys(rows["term"])]


def estimands(rows: pd.DataFrame) -> str:
    """Return whom, what and how a table of effects compares, for each kind of design once, and from which night on."""
    ratios = rows[rows["scale"].ne(DIFFERENCE) & rows["estimate"].notna()]
    texts = dict.fromkeys(f"{row['population']}, {row['estimand']}" for row in wording.records(ratios))
    zeros = dict.fromkeys(str(row["note"]).partition("; ")[0] for row in wording.records(ratios))
    if ratios["analysis"].eq(kinds.OPEN_USE.name).any():
        zeros = {_ZERO_OF_CHOICE: None}
    said = [f"Estimands: {wording.sentences(texts)}"] if texts else []
    if ratios["level"].eq(PAIRS).any():
        said.append(_OF_PAIRS)
    return " ".join([*said, wording.sentences(text for text in zeros if text.startswith("time zero"))]).strip()


_OF_PAIRS = (
    "Within pairs of periods each pair has a level of its own, and the interval holds where nights of a period hang "
    "together: the verdict is read there."
)
_ZERO_OF_CHOICE = (
    "time zero of those who took a treatment is its first day, of the others the median wait of those who began in the "
    "diary, from their first logged night on"
)


def with_reason_alone(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with nothing in their notes but, where there is no estimate, the reason."""
    reasons = (
        rows["note"].map(lambda note: str(note).partition("; ")[0], na_action="ignore").where(rows["estimate"].isna())
    )
    return rows.assign(note=reasons.astype(rows["note"].dtype))


def fall(rows: pd.DataFrame) -> str:
    """Return how far the rate fell after the run-in, and how much of that was to be expected."""
    own = rows[rows["term"].eq(ALL)] if len(rows) else rows
    parts = {str(row["level"]): row for row in wording.records(own) if pd.notna(row["estimate"])}
    if OBSERVED not in parts or EXPECTED not in parts:
        reason = tables.reasons(rows)
        return f"How far cramps fall by themselves after a run-in could not be told: {reason}." if reason else ""
    text = (
        f"After the run-in the rate was {estimate(parts[OBSERVED])} times that in it, in all participants; "
        f"{estimate(parts[EXPECTED])} was to be expected of regression to the mean alone"
    )
    rest = f", which leaves a ratio of {estimate(parts[REMAINS])}" if REMAINS in parts else ""
    return f"{text}{rest}."


def differs(rows: pd.DataFrame) -> str:
    """Return whether a supplement did more where its level was low, for each of them."""
    own = kinds.TREATMENT_EFFECT_BY_LEVEL.rows(rows)
    own = own[own["unit"].eq("ratio of ratios") & own["estimate"].notna()]
    if own.empty:
        return ""
    said = wording.listed(f"{estimate(row)} for {wording.agent(row['term'])}" for row in wording.records(own))
    return f"The ratio at the low end of the serum level's reference range, over that at its middle, is {said}."


def balanced(rows: pd.DataFrame) -> str:
    """Return how many differences of covariates are small before weighting and after."""
    before, after = kinds.BALANCE_BEFORE.rows(rows), kinds.BALANCE_AFTER.rows(rows)
    numbers = [int((each["estimate"].abs() < BALANCED).sum()) for each in (before, after)]
    return (
        f"Standardised mean differences below {BALANCED:g}: {numbers[0]} of {len(before)} before weighting and "
        f"{numbers[1]} after."
    )


def limits(found: Sequence[TreatmentDesign], rows: pd.DataFrame) -> str:
    """Return what designs of these kinds, and the ``rows`` of their effects, cannot tell."""
    texts = []
    if any(design.randomised for design in found):
        texts.append(
            "Lots make arms alike. Treatment policy answers what an allocation does, and not what the agent would do "
            "in those who keep to it; what people expect of something that they know they take is part of it."
        )
    if any(design.kind in ("crossover", "n-of-1") for design in found):
        texts.append(
            "What a period leaves to the next is in the comparison, and no test of it decides on the analysis."
        )
    if any(design.kind == "open use" for design in found):
        texts.append(f"{_BY_CHOICE}: {_weighted(rows)}{_FLARE}.")
    return " ".join(texts) or "A cohort that treats nobody says nothing of what treatments do."


def _weighted(rows: pd.DataFrame) -> str:
    """Return in what weights are to make groups alike, and how far apart they leave them; nothing without weights."""
    own = kinds.OPEN_USE.rows(rows)
    held = own.loc[own["estimate"].notna(), "adjusted_for"].dropna()
    terms = list(dict.fromkeys(term for each in held for term in str(each).split("; ")))
    if not terms:
        return ""
    after = kinds.BALANCE_AFTER.rows(rows)
    apart = after.loc[after["term"].isin([_variable(term) for term in terms]), "estimate"].abs().max()
    names = wording.listed(
        _BEFORE if term == RUN_IN_RATE else wording.small(wording.term(_variable(term))) for term in terms
    )
    left = (
        ""
        if pd.isna(apart)
        else f" (of these the largest standardised mean difference after weighting is {wording.number(apart)})"
    )
    return f"weights are to make the groups alike in {names}{left}, and cannot in what was not measured; "


def _variable(term: str) -> str:
    """Return the variable of a term such as ``ns(age_years, df=3)``."""
    return term.partition("(")[2].partition(",")[0] if "(" in term else term
