"""What a cohort showed, in at most a dozen lines of plain words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from crampstudy import estimates, tables, wording
from crampstudy.analyses.findings import together
from crampstudy.analyses.others import Others, SectionResults
from crampstudy.analyses.sentences import treatments
from crampstudy.analyses.sentences.sleep import score_compared
from crampstudy.descriptive.flow import ACCEPTED, ANALYSED, LOGGED, MEETING, NIGHTS, PARTICIPANTS
from crampstudy.estimates import kinds, verdicts
from crampstudy.estimates.facts import NOT_ASKED, of_rows
from crampstudy.estimates.groups import whole
from crampstudy.estimates.sentences import TOO_IMPRECISE, in_brackets, in_text, measure, of_part, recalled
from crampstudy.estimates.verdicts import who_are_few
from crampstudy.wording.directions import directed

_BY_VERDICT = (
    ("higher", "More cramps went with {}."),
    ("lower", "Fewer cramps went with {}."),
    ("differs but negligible", "A difference too small to matter was seen for {}."),
    ("near null", "No difference that would matter was seen for {}."),
    ("inconclusive", "Too uncertain to tell: {}."),
    ("imprecise", "Too imprecise to tell: {}."),
    ("too few", "Too few {of_whom} to tell: {}."),
    ("few carry it", "Carried by too few of the people to tell: {}."),
    ("no interval", "Nothing to tell, for want of an interval: {}."),
)
"""What is said of the contrasts of each verdict, and of those of any whose interval rules nothing out."""
_SAID: Mapping[str, str] = {
    "higher": "more cramps",
    "lower": "fewer cramps",
    "differs but negligible": "a difference too small to matter",
    "near null": "no difference that would matter",
    "inconclusive": "too uncertain to tell",
    "imprecise": TOO_IMPRECISE,
    "too few": "too few people to tell",
    "few carry it": "carried by too few of the people to tell",
    "no interval": "without an interval to tell",
}
_MOST_LINES = 12
_NEXT_TO_ONE = (
    ("differs but negligible", "near null"),
    ("inconclusive", "imprecise", "too few", "few carry it", "no interval"),
)
"""Verdicts whose sentences share a line where there would be more lines."""
_MOST_NAMES = 12
"""Of what was not measured; the sections name all of it."""
_MOST_REASONS = 2
"""Of those of a section, which names all of them."""
_COULD_NOT = "Could not estimate: "
_NUMBERLESS = _NEXT_TO_ONE[1]
_SIDES = ("higher", "lower")
_NOT_DRAWN = {
    "too few": "too few people",
    "few carry it": "carried by too few of the people",
    "imprecise": TOO_IMPRECISE,
    "no interval": "no interval",
}
_RANDOMISED = kinds.TREATMENT_EFFECT, "Effect, randomised: {}."
_BY_CHOICE = kinds.OPEN_USE, "Effect of what people took by choice, adjusted for who takes it: {}."


def lines(
    flow: pd.DataFrame,
    main: pd.DataFrame,
    others: Others,
    *,
    aged: bool = True,
    whose: str = "",
    doubted: Sequence[str] = (),
) -> list[str]:
    """Return what a cohort showed: who it is, how common cramps are, randomised effects, ``main`` contrasts, the rest.

    They are twelve at most: where there are more, what is doubted shares a line, and verdicts next to each other do.

    Args:
        flow: how many there are at each step.
        main: the contrasts that are told.
        others: what the other sections found.
        aged: whether anybody has an age; else nothing is analysed by age.
        whose: which part of the people they are, after a space, empty where they are all.
        doubted: what cleaning doubted of the values behind them, and left as it was.
    """
    rows = {name: section.estimates for name, section in others.items()}
    by_verdict = of_verdicts(main[~_of_effects(main)])
    doubts = [wording.sentences([each]) for each in doubted]
    before = [*_how_common(rows, whose), *_effects(rows, [_RANDOMISED])]
    after = [*_effects(rows, [_BY_CHOICE]), *_burden(rows), *_relief(rows), *_trials(rows)]
    who = [*_people(flow, aged=aged)]
    said = [*who, *doubts, *before, *by_verdict.values(), *after]
    if len(said) <= _MOST_LINES:
        return said
    return [*who, *filter(None, [" ".join(doubts)]), *before, *_in_fewer_lines(by_verdict), *after]


def _in_fewer_lines(by_verdict: Mapping[str, str]) -> Iterator[str]:
    apart = [(name,) for name in by_verdict if not any(name in names for names in _NEXT_TO_ONE)]
    for names in (*apart, *_NEXT_TO_ONE):
        if line := " ".join(by_verdict[name] for name in names if name in by_verdict):
            yield line


def _people(flow: pd.DataFrame, *, aged: bool) -> Iterator[str]:
    counts = {(row["outcome"], row["level"]): row for row in wording.records(flow)}
    accepted = counts[PARTICIPANTS, ACCEPTED]
    taken = counts.get((PARTICIPANTS, MEETING), accepted)
    analysed = counts.get((PARTICIPANTS, ANALYSED))
    last = LOGGED if analysed is None else ANALYSED
    nights = counts.get((NIGHTS, last))
    with_nights = "" if nights is None else f", with {_counted(nights, 'nights')},"
    whose = "" if taken["estimate"] == accepted["estimate"] else " who meet the condition"
    people = f"{wording.count_of(counts[PARTICIPANTS, last], 'estimate')} of {_counted(taken, 'participants')}{whose}"
    if analysed is None:
        yield f"{people}{with_nights} logged cramps, of which no rate can be estimated."
        return
    yield f"{people}{with_nights} entered the analyses{' by age' if aged else ''}."


def _counted(row: Mapping[str, Any], plural: str) -> str:
    return wording.marked(row, wording.counted(int(row["estimate"]), plural))


def _how_common(rows: Mapping[str, pd.DataFrame], whose: str) -> Iterator[str]:
    if "age-and-muscle" not in rows:
        return
    found = rows["age-and-muscle"]
    counted = "nights with a cramp a week" if _once_a_night(rows) else "cramps a week"
    shares = kinds.PREVALENCE.rows(found)
    for own, said in (
        (kinds.INCIDENCE_RATE.rows(found), f"{{}} {counted}"),
        (shares[shares["level"] == "any"], "{}% had a cramp within 30 days"),
    ):
        made = own[own["estimate"].notna()]
        for row in _made(made[made["population"] == whole(made["population"])])[:1]:
            yield f"{wording.capital(_of_whom(str(row['population'])))}{whose}: {said.format(in_text(row))}."


def _once_a_night(rows: Mapping[str, pd.DataFrame]) -> bool:
    """Say whether no night has more than one cramp, so that a rate of cramps is one of nights with a cramp."""
    if "frequency" not in rows:
        return False
    return bool(of_rows(kinds.CRAMP_NIGHTS.rows(rows["frequency"]), "most a night").eq("1").any())


def _of_whom(level: str) -> str:
    return "all participants" if level.startswith("all") else f"people aged {level.removesuffix('+')} and older"


def of_verdicts(rows: pd.DataFrame) -> dict[str, str]:
    """Return a line for each verdict: which contrasts have it; what goes with cramps is named with its direction."""
    every = wording.records(rows)
    groups = {name: [row for row in every if _told_as(row) == name] for name, _ in _BY_VERDICT}
    of_whom = who_are_few(estimates.frame(groups["too few"]), "people")
    return {
        name: said.format(wording.listed(_named(row, name) for row in groups[name]), of_whom=of_whom)
        for name, said in _BY_VERDICT
        if groups[name]
    }


def _told_as(row: Mapping[str, Any]) -> str:
    """Return the verdict of a row as it is told, or why it has none that its people would tell."""
    if verdicts.without_interval(row):
        return "no interval"
    if verdicts.few_degrees(row) and not verdicts.few_units(row):
        return "few carry it"
    return verdicts.told_as(row)


def _named(row: Mapping[str, Any], told_as: str) -> str:
    """Return a contrast in words, with its ratio where one is told."""
    label = wording.small(wording.term(str(row["term"])))
    name = f"{directed(row, label) if told_as in _SIDES else label}{of_part(row)}"
    inside = "" if row["level"] == "true" else wording.contrast(row)
    told = recalled(row) if told_as in _NUMBERLESS else f"{measure(row)} {in_brackets(row)}"
    both = ": ".join(filter(None, (inside, told)))
    return f"{name} ({both})" if both else name


def _of_effects(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["estimand"].str.contains(r"\beffect\b", regex=True).fillna(value=False)


def _effects(
    rows: Mapping[str, pd.DataFrame], asked: Sequence[tuple[kinds.Kind, str]] = (_RANDOMISED, _BY_CHOICE)
) -> Iterator[str]:
    """Yield the effects of treatments, those that were randomised and those that rest on an adjustment."""
    if "treatments" in rows:
        for kind, said in asked:
            yield from _effects_of(rows["treatments"], kind, said)


def _effects_of(rows: pd.DataFrame, kind: kinds.Kind, said: str) -> Iterator[str]:
    own = kind.rows(rows)
    ratios = own[own["scale"].str.endswith("_ratio").fillna(value=False) & own["verdict"].notna()]
    every = wording.records(own)
    made = _made(ratios.drop_duplicates("term"))
    for row in wording.records(kind.rows(treatments.without_ratio(rows))):
        yield f"{said.partition(':')[0]}, {treatments.rates_alone(row)}."
    # What lots decided is told in numbers whatever it shows.
    lots = kind == kinds.TREATMENT_EFFECT
    parts = []
    for name, _ in _BY_VERDICT:
        of = [row for row in made if _told_as(row) == name]
        numbers = name not in _NUMBERLESS or (lots and name == "inconclusive")
        if of:
            parts.append(f"{_SAID[name]} with {wording.listed(_agent(row, every, numbers=numbers) for row in of)}")
    if parts:
        yield said.format("; ".join(parts).replace("tell with", "tell for"))


def _agent(row: Mapping[str, Any], every: Sequence[Mapping[str, Any]], *, numbers: bool) -> str:
    """Return a treatment with its ratio, and what is left open by its difference alone."""
    name = wording.agent(str(row["term"]))
    if not numbers:
        return name
    left_open = treatments.open_by_difference(row, every)
    more = f": near 1, but {left_open}" if left_open else ""
    return f"{name} ({str(row['scale']).replace('_', ' ')} {in_brackets(row)}{more})"


def open_by_difference(main: pd.DataFrame, others: Others) -> str:
    """Return of which ratios of a figure the interval is as good as 1, and why they are inconclusive all the same."""
    every = wording.records(others["treatments"].estimates) if "treatments" in others else []
    by_reason: dict[str, list[str]] = {}
    for row in wording.records(main):
        if left_open := treatments.open_by_difference(row, every):
            by_reason.setdefault(left_open, []).append(wording.agent(str(row["term"])))
    said = [
        f"the interval of {wording.listed(names)} lies in the shade, but {why}, so that the verdict is inconclusive"
        for why, names in by_reason.items()
    ]
    return "; ".join(said)


def not_drawn(rows: pd.DataFrame) -> str:
    """Return which of the contrasts a figure leaves to the text, as these say nothing in numbers."""
    every = wording.records(rows)
    said = []
    for told_as, why in _NOT_DRAWN.items():
        own = [row for row in every if _told_as(row) == told_as]
        names = [f"{wording.small(wording.term(str(row['term'])))}{of_part(row)}" for row in own]
        said += [f"{wording.listed(names)} ({why})"] if names else []
    return f"not drawn: {'; '.join(said)}" if said else ""


def _burden(rows: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if "sleep" not in rows:
        return
    own = kinds.CRAMP_NIGHT.rows(rows["sleep"])
    for row in _made(own[own["level"].eq("within") & own["outcome"].eq("sleep_quality_0_10")])[:1]:
        yield f"On nights with a cramp, against other nights of the same person, {score_compared(row)}."


def _relief(rows: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if "severity" not in rows:
        return
    own = kinds.REMEDY.rows(rows["severity"])
    for row in _made(own[own["level"].eq("stretch") & own["scale"].eq("hazard_ratio")])[:1]:
        if row["verdict"] == "too few":
            yield "Too few people tell whether a cramp is relieved sooner with stretching than without a remedy."
            continue
        when = {
            "higher": "sooner",
            "lower": "later",
            "differs but negligible": f"{'sooner' if row['estimate'] > 1 else 'later'}, by less than would matter,",
            "near null": "neither sooner nor later by what would matter",
        }.get(str(row["verdict"]), "neither clearly sooner nor later")
        yield f"With stretching a cramp was relieved {when} than without a remedy (hazard ratio {in_text(row)})."


def _trials(rows: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    if "systematic-reviews" not in rows:
        return
    own = kinds.evidence.POOLED.rows(rows["systematic-reviews"])
    own = own[own["term"].eq("magnesium") & own["verdict"].notna()]
    for row in _made(own)[:1]:
        said = _SAID.get(str(row["verdict"]), "")
        yield (
            f"Published trials of magnesium in {row['population']} cramps, pooled: {in_text(row)} cramps a week "
            f"against {row['reference']}, {said}."
        )


def _made(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return wording.records(rows[rows["estimate"].notna() & rows["status"].isin(["converged", "boundary"])])


def unanswered(titles: Mapping[str, str], others: Others) -> list[str]:
    """Return which questions have no answer here, by their titles, and why, and what was not measured."""
    said = [
        f"{titles.get(name, name)}: {'; '.join(filter(None, (_why(section), treatments.by_night(section.estimates))))}."
        for name, section in others.items()
        if section.unanswered
    ]
    # All that was not measured is named, so that the methods count as much.
    asked = [
        tables.unmeasured_of(section.estimates) if section.unanswered else section.estimates
        for section in others.values()
    ]
    named = [name for name, section in others.items() if name == "treatments" and not section.unanswered]
    said += [f"{wording.capital(text)}." for name in named for text in treatments.not_told(others[name].estimates)]
    said += [f"{wording.capital(text)}." for text in tables.not_measured(together(asked), _MOST_NAMES)]
    for name, section in others.items():
        rows = section.estimates.drop(treatments.lost(section.estimates).index) if name in named else section.estimates
        said += [] if section.unanswered else _lacking(titles.get(name, name), rows)
    return said


def _why(section: SectionResults) -> str:
    """Return why a section has no answer, inside a sentence."""
    return wording.small((section.unanswered or "").removeprefix(_COULD_NOT).split(". ")[0].removesuffix("."))


def _lacking(title: str, rows: pd.DataFrame) -> list[str]:
    """Return how many estimates a section could not make, and the common reasons; nothing where it made all."""
    failed = rows[rows["status"].isin(["not_estimable", "not_converged"]) & rows["analysis"].ne(kinds.CLAIM_PART.name)]
    failed = failed[of_rows(failed, NOT_ASKED).eq("")]
    if failed.empty:
        return []
    why = wording.small(wording.ranges(tables.commonest_reasons(failed, _MOST_REASONS)))
    return [f"{title}, {wording.counted(len(failed), 'estimates')}: {why or 'the section says why'}."]
