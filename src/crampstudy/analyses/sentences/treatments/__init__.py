"""What the section on treatments says of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import wording
from crampstudy.analyses.sentences.treatments.given import given_by_lot
from crampstudy.analyses.sentences.treatments.single import of_single, told_of_single
from crampstudy.causal import study
from crampstudy.codebook.contrasts import margin
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.adjustment import NOT_MEASURED, adjusted_as, lacks
from crampstudy.estimates.facts import fact, of_rows
from crampstudy.estimates.sentences import TOO_IMPRECISE, in_text
from crampstudy.estimates.treatments import OF_RUN_IN, RANDOMISED, RUN_IN_RATE
from crampstudy.estimates.verdicts import DIFFERENCE, PER_WEEK
from crampstudy.tables.reworded import reworded
from crampstudy.tables.sections.open_use import BALANCED
from crampstudy.tables.sections.treatments import NOTHING_ELSE
from crampstudy.treatments.combinations import PLACEBO, parts
from crampstudy.treatments.designs import MIXED, TreatmentDesign
from crampstudy.treatments.pairs import LEVEL as PAIRS
from crampstudy.treatments.question import arm

_FOUND = {
    "higher": "more cramps",
    "lower": "fewer cramps",
    "differs but negligible": "a difference that is negligible",
    "near null": "no difference that would matter",
    "inconclusive": "too uncertain to tell",
    "imprecise": TOO_IMPRECISE,
    "too few": "too few to tell",
}
_HOW = {kinds.TREATMENT_EFFECT.name: "By lot", kinds.OPEN_USE.name: "Taken by choice"}
_BY_CHOICE = "Who takes a treatment by choice differs from who does not"
_BEFORE = "the rate before time zero"
_FLARE = "a flare in which somebody begins ends by itself"


def answer(rows: pd.DataFrame, why_none: str = "") -> str:
    """Return what each treatment did, those that lots decided on first; where nobody had any, ``why_none``."""
    if why_none:
        return f"{wording.capital(why_none)}."
    if _primary(rows)["status"].eq("not_measured").all():
        return "Nobody in this cohort was given a treatment or noted to have taken one."
    alone = [f"{_HOW[str(row['analysis'])]}, {rates_alone(row)}." for row in wording.records(without_ratio(rows))]
    trials = [*(_of_trial(row) for row in judged(rows)), *alone]
    told, single = _of_choice(rows), of_single(rows)
    beyond = " beyond single participants" if single else ""
    lacking = [] if trials or told else [f"No effect{beyond} could be estimated: {_why_none(rows)}."]
    return " ".join([*trials, *told, *single, *lacking])


def _why_none(rows: pd.DataFrame) -> str:
    """Return why no treatment has an estimate, with its name where reasons differ."""
    found = _unanswered(rows)
    several = len(found) > 1
    return "; ".join(f"{wording.listed(agents)}: {why}" if several else why for why, agents in found.items())


def not_told(rows: pd.DataFrame) -> list[str]:
    """Return which treatments have no estimate and why, those of one reason together."""
    single = {wording.agent(name) for name in told_of_single(rows)}
    return [
        f"effect of {wording.listed(agents)}{' beyond single participants' * single.issuperset(agents)}: {why}"
        for why, agents in _unanswered(rows).items()
    ]


def _unanswered(rows: pd.DataFrame) -> dict[str, list[str]]:
    """Return the treatments without any estimate by the reason."""
    found: dict[str, list[str]] = {}
    for row in wording.records(lost(rows).drop_duplicates("term")):
        why = reworded(str(row["note"]))
        found.setdefault(why, []).append(wording.agent(str(row["term"])))
    return found


def lost(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the primary rows of treatments of which nothing is told: no number with a verdict, nor two rates.

    Of a crossover there may be a ratio by the model all the same, from which no verdict is read.
    """
    main = _primary(rows)
    failed = main[main["status"].isin(["not_estimable", "not_converged"])]
    told = {*main.loc[main["estimate"].notna() & main["verdict"].notna(), "term"], *without_ratio(rows)["term"]}
    return failed[~failed["term"].isin(told)]


def without_ratio(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the differences without a ratio beside them and without an interval, as a group is without a cramp."""
    main = _primary(rows)
    main = main[main["estimate"].notna()]
    ratios = main.loc[main["scale"].ne(DIFFERENCE), "term"]
    return main[main["scale"].eq(DIFFERENCE) & main["verdict"].isna() & ~main["term"].isin(ratios)]


def rates_alone(row: Mapping[str, Any]) -> str:
    """Return the difference of two rates without an interval in words, with the reason why it has none."""
    agent, reason = wording.agent(row["term"]), fact(row, "no interval")
    if row["analysis"] == kinds.OPEN_USE.name:
        return f"{agent}: {in_text(row)} cramps a week, the difference of the weighted rates; {reason}"
    against = f"{given_by_lot(row)} against {arm(row['reference'])}"
    return f"{against}: {in_text(row)} cramps a week, the difference of the rates as observed; {reason}"


def judged(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the ratios of trials with a verdict: of a crossover and of n-of-1 those within pairs of periods."""
    main = kinds.TREATMENT_EFFECT.rows(rows)
    told = main[main["estimate"].notna() & main["verdict"].notna() & main["scale"].ne(DIFFERENCE)]
    return [{**row, **_weekly(row, wording.records(main))} for row in wording.records(told)]


def _weekly(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the difference beside a ratio in words (``weekly``), and what of it alone decides (``open``)."""
    beside = verdicts.difference_beside(row, rows)
    said = f", difference {in_text(beside)} cramps a week" if beside and pd.notna(beside["estimate"]) else ""
    return {"weekly": said, "open": open_by_difference(row, rows)}


def open_by_difference(row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what the difference beside a ratio leaves open where the ratio alone would be as good as 1."""
    found = margin(PER_WEEK)
    if found is None or not verdicts.widened(row, verdicts.difference_beside(row, rows)):
        return ""
    return f"a difference of more than {found.size:g} cramp a week is not ruled out"


def _of_trial(row: Mapping[str, Any]) -> str:
    near = f": the ratio is near 1, but {row['open']}" if row["open"] else ""
    told = verdicts.told_as(row)
    weekly = str(row["weekly"]).removeprefix(", ")
    numbers = weekly if told == "imprecise" else f"rate ratio {in_text(row)}{row['weekly']}"
    beside = f" ({numbers})" if numbers else ""
    return f"By lot, {given_by_lot(row)} against {arm(row['reference'])}: {_FOUND[told]}{beside}{near}."


def _of_choice(rows: pd.DataFrame) -> list[str]:
    """Return what went with treatments that people chose, by what their intervals say."""
    own = kinds.OPEN_USE.rows(rows)
    # Of what has no ratio the difference in cramps a week is told.
    own = own[own["estimate"].notna() & own["verdict"].notna()].sort_values(
        "scale", key=lambda scale: scale == DIFFERENCE
    )
    own = own.drop_duplicates("term")
    if own.empty:
        return []
    said = []
    every = wording.records(own)
    for verdict, found in _FOUND.items():
        some = [row for row in every if verdicts.told_as(row) == verdict]
        if not some:
            continue
        if verdict in ("inconclusive", "imprecise", "too few"):
            names = wording.listed(wording.agent(str(row["term"])) for row in some)
            said.append(f"{found} for {names}")
        else:
            said.append(f"{found} with {wording.listed(_named(row) for row in some)}")
    return [f"Taken by choice, and weighted for who takes them: {'; '.join(said)}."]


def _named(row: Mapping[str, Any]) -> str:
    number = f"{in_text(row)} cramps a week" if row["scale"] == DIFFERENCE else f"rate ratio {in_text(row)}"
    return f"{wording.agent(row['term'])} ({number})"


def _primary(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[rows["analysis"].isin([kinds.TREATMENT_EFFECT.name, kinds.OPEN_USE.name])]


def by_design(rows: pd.DataFrame) -> str:
    """Return which treatments are described and not estimated."""
    main = _primary(rows)
    few = lost(rows)
    told = {*main.loc[main["estimate"].notna(), "term"], *told_of_single(rows)}
    few = few[~few["term"].isin(told) & of_rows(few, "had by").eq("")]
    return f"Described and not estimated: {wording.listed(_agents(few))}." if len(few) else ""


def _agents(rows: pd.DataFrame) -> list[str]:
    return [wording.agent(str(name)) for name in dict.fromkeys(rows["term"])]


def estimands(rows: pd.DataFrame) -> str:
    """Return whom, what and how a table of effects compares, for each kind of design once, and from which night on."""
    made = rows[rows["estimate"].notna()]
    ratios = made[made["scale"].ne(DIFFERENCE) | made["key"].isin(without_ratio(rows)["key"])]
    texts = dict.fromkeys(f"{row['population']}, {row['estimand']}" for row in wording.records(ratios))
    chosen = ratios["analysis"].eq(kinds.OPEN_USE.name)
    zeros = dict.fromkeys(filter(None, of_rows(ratios[~chosen], "time zero")))
    if chosen.any():
        zeros[_ZERO_OF_CHOICE] = None
    said = [f"Estimands: {wording.sentences(texts)}"] if texts else []
    if ratios["level"].eq(PAIRS).any():
        said.append(_OF_PAIRS)
    return " ".join([*said, wording.sentences(zeros)]).strip()


_OF_PAIRS = (
    "Within pairs of periods each pair has a level of its own, and the interval holds where nights of a period hang "
    "together: the verdict is read there."
)
_ZERO_OF_CHOICE = (
    "time zero of those who took a treatment is its first day, of the others the median wait of those who began in the "
    "diary, from their first logged night on"
)


def with_reason_alone(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with nothing in their notes but whom they leave out and, where there is no estimate, the reason."""
    whom = of_rows(rows, "leaves out")
    return rows.assign(note=rows["note"].where(rows["estimate"].isna(), whom.where(whom.ne(""), None)))


def of_both(rows: pd.DataFrame) -> str:
    """Return how a verdict of a ratio is read where its difference in cramps a week is less sure."""
    every = wording.records(rows)
    if not any(verdicts.widened(row, verdicts.difference_beside(row, every)) for row in every):
        return ""
    return "A verdict is near null or negligible only where the ratio and cramps a week both lie inside their margins. "


def of_the_graph(rows: pd.DataFrame) -> str:
    """Return what the causal graph asks for of treatments taken by choice that no weight could have."""
    own = kinds.OPEN_USE_GRAPH.rows(rows)
    told = own[own["estimate"].notna()]
    short = adjusted_as(told, NOT_MEASURED)
    names = dict.fromkeys(name for row in wording.records(told[short]) for name in lacks(row))
    if not names:
        return ""
    lacking = wording.listed(wording.small(study().node(name).meaning) for name in names)
    which = "No set was" if short.all() else "Not every set was"
    return (
        "Also for the graph: weighted as well for what else was measured of what the study's causal graph asks for. "
        f"{wording.capital(NOTHING_ELSE)}: all of that is in the usual weights. {which} enough under the graph, which "
        f"also asks for {lacking}."
    )


def held_by_choice(rows: pd.DataFrame) -> str:
    """Return what the ratios of a table of modifiers are adjusted for in open use."""
    own = rows[rows["population"].ne(RANDOMISED) & rows["estimate"].notna() & rows["adjusted_for"].notna()]
    sets = [str(each).split("; ") for each in dict.fromkeys(own["adjusted_for"])]
    names = dict.fromkeys(name for each in sets for name in each)
    if not names:
        return ""
    held = wording.listed("run-in" if name == RUN_IN_RATE else wording.small(wording.term(name)) for name in names)
    far = ", as far as each ratio takes them" * (len(sets) > 1)
    return f"In open use adjusted for {held}{far}."


def crude_of_all(rows: pd.DataFrame) -> str:
    """Return that the ratios without weights are of more participants, where the weights leave some out."""
    crude = len(kinds.OPEN_USE_CRUDE.rows(rows))
    return "Crude ratios are of all who are compared. " if crude and of_rows(rows, "leaves out").ne("").any() else ""


def differs(rows: pd.DataFrame) -> str:
    """Return whether a supplement did more where its level was low, for each of them."""
    own = kinds.TREATMENT_EFFECT_BY_LEVEL.rows(rows)
    own = own[own["unit"].eq("ratio of ratios") & own["estimate"].notna()]
    if own.empty:
        return ""
    said = wording.listed(f"{in_text(row)} for {wording.agent(row['term'])}" for row in wording.records(own))
    return f"The ratio at the low end of the serum level's reference range, over that at its middle, is {said}."


def apart(rows: pd.DataFrame) -> str:
    """Return by how much the arms of a trial differ at most in what was there before the treatment."""
    known = kinds.DIFFERENCE_BETWEEN_ARMS.rows(rows)
    known = known[known["estimate"].notna()]
    if known.empty:
        return ""
    row = wording.records(known.loc[[known["estimate"].abs().idxmax()]])[0]
    name = str(row["term"])
    label = OF_RUN_IN[name].label if name in OF_RUN_IN else wording.term(name)
    level = "" if pd.isna(row["level"]) or row["level"] == "true" else f" ({wording.level(str(row['level']))})"
    apart = wording.marked(row, wording.number(abs(row["estimate"])))
    return f"The largest standardised mean difference between arms is {apart}, in {wording.small(label)}{level}."


def balanced(rows: pd.DataFrame) -> str:
    """Return how many differences of covariates are small before weighting and after."""
    before, after = kinds.BALANCE_BEFORE.rows(rows), kinds.BALANCE_AFTER.rows(rows)
    numbers = [int((each["estimate"].abs() < BALANCED).sum()) for each in (before, after)]
    return (
        f"Standardised mean differences below {BALANCED:g}: {numbers[0]} of {len(before)} before weighting and "
        f"{numbers[1]} after."
    )


def _by_lot(design: TreatmentDesign) -> str:
    """Return what lots bring, and what people expect of a treatment adds, by what it is compared with."""
    if design.kind == "parallel":
        brought = (
            "Lots decided on the arms, so that what was there before time zero differs between them by chance alone."
        )
    else:
        brought = (
            "Lots decided on the order of treatments, so that what changes with time favours neither but by chance."
        )
    expected = (
        "A placebo keeps what people expect out of the comparison as long as they cannot tell what they take, which "
        "the tables do not say."
        if design.against == PLACEBO
        else "Without a placebo, what people expect of something that they know they take is part of the effect."
    )
    policy = "Treatment policy tells what an allocation does, and not what the agent would do in those who keep to it."
    return " ".join([brought, *([policy] if design.kind == "parallel" else []), expected])


def limits(found: Sequence[TreatmentDesign], rows: pd.DataFrame) -> str:
    """Return what designs of these kinds, and the ``rows`` of their effects, cannot tell."""
    # Arms of one trial have the same limits.
    texts = list(dict.fromkeys(_by_lot(design) for design in found if design.randomised))
    if any(design.kind is None and design.arms.height for design in found):
        texts.append(
            "Without a comparison by lot, what came after a treatment cannot be told from what would have come without "
            "it."
        )
    if any(design.agent == MIXED and design.kind is None and not design.arms.height for design in found):
        texts.append("What stands for several treatments has no one effect.")
    if any(len(parts(each.agent)) > 1 and each.against not in parts(each.agent) for each in found if each.randomised):
        texts.append("A combination is compared as a whole: what each of its agents adds is not told.")
    if any(design.kind in ("crossover", "n-of-1") for design in found):
        texts.append(
            "What a period leaves to the next is in the comparison, and no test of it decides on the analysis."
        )
    if any(design.kind == "open use" for design in found):
        texts.append(f"{_BY_CHOICE}: {_weighted(rows)}{_FLARE}.")
    return " ".join(texts)


def of_nobody(why: str, absent: pd.DataFrame) -> str:
    """Return what a cohort cannot tell in which no treatment could be compared, with ``why`` where somebody had one.

    What is ``absent`` as a treatment may have been logged night by night.
    """
    if why:
        return f"Nothing can be said here of what treatments do: {why}."
    said = ["a cohort that treats nobody says nothing of what treatments do", by_night(absent)]
    return wording.sentences(filter(None, said))


def by_night(rows: pd.DataFrame) -> str:
    """Return which treatments were logged night by night and by no course, empty where none was."""
    agents = _agents(rows[of_rows(rows, "had by").eq("nights")])
    return f"{wording.listed(agents)} {'was' if len(agents) == 1 else 'were'} logged night by night" if agents else ""


def _weighted(rows: pd.DataFrame) -> str:
    """Return in what weights are to make groups alike, and how far apart they leave them; nothing without weights."""
    own = kinds.OPEN_USE.rows(rows)
    held = own.loc[own["estimate"].notna(), "adjusted_for"].dropna()
    terms = list(dict.fromkeys(term for each in held for term in str(each).split("; ")))
    if not terms:
        return ""
    after = kinds.BALANCE_AFTER.rows(rows)
    after = after[after["term"].isin([_variable(term) for term in terms]) & after["estimate"].notna()]
    most = wording.records(after.sort_values("estimate", key=abs, kind="stable").tail(1))
    names = wording.listed(
        _BEFORE if term == RUN_IN_RATE else wording.small(wording.term(_variable(term))) for term in terms
    )
    left = "".join(
        " (of these the largest standardised mean difference after weighting is "
        f"{wording.marked(row, wording.number(abs(row['estimate'])))})"
        for row in most
    )
    return f"weights are to make the groups alike in {names}{left}, and cannot in what was not measured; "


def _variable(term: str) -> str:
    """Return the variable of a term such as ``ns(age_years, df=3)``."""
    return term.partition("(")[2].partition(",")[0] if "(" in term else term
