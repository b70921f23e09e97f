"""How often do cramps come, and how unevenly are they spread over people and nights?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from crampstudy import estimates, tables, wording
from crampstudy.analyses import doubts
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, attempt, joined, together
from crampstudy.analyses.sections import triage as parts
from crampstudy.analyses.sentences import triage as said
from crampstudy.analyses.settings import Settings
from crampstudy.cohort import Cohort
from crampstudy.descriptive.classes import RateModel, class_shares, windows_from
from crampstudy.descriptive.frequency.asked import EVER, MONTHLY, ever, never_yet_told, recalled_frequency
from crampstudy.descriptive.frequency.chosen import chosen_for_cramps
from crampstudy.descriptive.frequency.diary import EXACT, SUFFERERS, frequency
from crampstudy.descriptive.frequency.measures import ENOUGH_NIGHTS, RATED
from crampstudy.estimates import FEWEST, kinds
from crampstudy.estimates.facts import of_rows
from crampstudy.estimates.groups import whole
from crampstudy.estimates.kinds.frequency import HALF
from crampstudy.estimates.sentences import estimate, part_of_one, value

PEOPLE, NIGHTS, PERIOD = "tbl-people-by-frequency", "tbl-cramp-nights", "tbl-period-prevalence"
DISTRIBUTION, CLASSES, RECALLED = "fig-distribution", "fig-recalled-classes", "tbl-recalled-classes"
_WEEKLY, _OFTEN, _NIGHTLY = "at least one a week", "at least 3 a week", "near-nightly"
_HAD = {
    EVER: "ever had a cramp",
    MONTHLY: "recalled at least one in 30 nights",
    _WEEKLY: "had at least one a week",
    _OFTEN: "had at least 3 a week",
    _NIGHTLY: "had them near-nightly",
}
OLDER = 50
"""From this age on the period prevalence is shown as well, unless all who are analysed are older."""
_UNEVEN = 1 / 3
"""Cramps are called spread unevenly where so few of the people, or fewer, have half of them: half is even."""
_SLIGHT = 0.1
"""A correlation below this is called slight."""
_SERIAL = "serial dependence"
_OF_LIMIT = "The limit of a share of nobody, or of everybody, is exact and one-sided."
_OF_DIARY = (
    f"Shares are of the people with at least {ENOUGH_NIGHTS} logged nights, by the rate that each has over the own "
    "logged nights: at least one a week is at least 1 cramp in 7 nights, more than 3 a month more than 3 in 30, "
    f"at least 3 a week at least 3 in 7, and near-nightly a cramp on at least 6 of 7 nights. {_OF_LIMIT}"
)
_OF_NIGHTS: Mapping[str, str] = {
    "nights with a cramp": "nights with a cramp are of all observed nights",
    "cramps a cramp night": "cramps a cramp night are of all observed nights with one",
    "dispersion": "dispersion is the variance of a night's count over its mean: 1 if cramps fell at random, at one "
    "rate for all",
    _SERIAL: "serial dependence is the correlation of cramp nights with the night before about each person's own mean: "
    "0 if a person's cramp nights fell at random",
    HALF: "the people with half of the cramps are the smallest share who have half of all, everybody's nights being "
    "as many",
}
"""What each column of the nights is."""
_CLUSTERS = "intervals have the participants as clusters"


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return people by their own rate, how uneven the rates are, and what the nights say beyond a rate."""
    rows = frequency(cohort, settings.bands, ci_level=settings.ci_level)
    asked = _asked(cohort, settings)
    people, nights = kinds.OFTEN.rows(together([asked, rows])), kinds.CRAMP_NIGHTS.rows(rows)
    period = attempt((PERIOD,), lambda: _period(cohort, settings))
    chosen = chosen_for_cramps(cohort, together([asked, rows, period.estimates]))
    note = _of_people(people, chosen, asked)
    bins, curve = kinds.DISTRIBUTION.rows(rows), kinds.CONCENTRATION.rows(rows)
    shared = ", and the share of all cramps that those with the most have" if curve["estimate"].notna().any() else ""
    drawing = Drawing(
        "distribution",
        together([bins, curve, nights[nights["level"].eq(HALF)]]) if bins["estimate"].notna().any() else bins,
        caption=f"{_rated(bins)} by their cramps a week (numbers of people over the bars){shared}.",
        alt=_alt(nights),
    )
    log = attempt(parts.RECALLS, lambda: parts.recalled(cohort, settings))
    doubted = wording.sentences(doubts.of_counts(cohort))
    found = Findings(
        together([asked, rows, chosen]),
        {
            PEOPLE: ReportTable(
                tables.people_by_frequency(people), "How many people have cramps how often.", _note(note, people)
            ),
            NIGHTS: ReportTable(tables.cramp_nights(nights), "What the nights say beyond a rate.", _of_columns(nights)),
        },
        {DISTRIBUTION: drawing},
        values={
            "answer": " ".join(filter(None, (_answer(people, nights, asked, settings.whose), doubted))),
            "elsewhere": _elsewhere(cohort),
            "runs": _runs(nights),
            "recall": said.recall(log.estimates) if log.tables else "",
            "limits": f"{_of_chosen(chosen)}"
            "The rate of a few weeks varies more than that of many, so that the ends of the distribution, "
            "and the unevenness of people, are somewhat larger than over a year. People who log few nights are left "
            "out, and need not be like the others. What changes slowly, such as the season or a flare, is part of "
            "the serial dependence.",
        },
    )
    return joined(found, log, period)


def _asked(cohort: Cohort, settings: Settings) -> pd.DataFrame:
    """Return who ever had a cramp, and who said never and has one all the same."""
    level = settings.ci_level
    return together([of(cohort, settings.bands, ci_level=level) for of in (ever, never_yet_told)])


def _oldest(cohort: Cohort) -> float:
    ages = cohort.frame("participants")["age_years"].drop_nulls()
    return max(ages.to_list(), default=0.0)


def _of_never(asked: pd.DataFrame, beside: pd.DataFrame | None = None) -> list[str]:
    """Return how many of those who answered that they never had a cramp have one, where any has.

    Where rows that stand ``beside`` are also of people below the first limit, it says of what age those are.
    """
    others = beside is not None and beside["population"].str.match(r"<|all").any()
    return [
        _of_those(row, _of_whom(asked).strip() if others else "")
        for row in wording.records(kinds.NEVER.rows(asked))
        if row["n_events"]
    ]


def _of_those(row: Mapping[str, Any], aged: str) -> str:
    who, n = f"{aged} who answered that they never had one".strip(), row["n_participants"]
    of, told = (wording.count_of(row, name) for name in ("n_participants", "n_events"))
    if row["n_events"] < n:
        return f"of the {of} {who}, {told} {row['level']}"
    if n == 1:
        return f"the one person {who} {row['level']} all the same"
    every = "both people" if n == 2 else f"all {of}"
    return f"{every} {who} {row['level']} all the same"


def _of_chosen(chosen: pd.DataFrame) -> str:
    """Return that shares tell nothing of people at large, where people were let in for their cramps."""
    if chosen.empty:
        return ""
    why = wording.sentences([of_rows(chosen, "said").iloc[0]])
    return f"{why} The shares of people here tell nothing of how common cramps are at large. "


def _of_people(people: pd.DataFrame, chosen: pd.DataFrame, asked: pd.DataFrame) -> str:
    """Return what the shares of a diary's people are of, as far as the table has them."""
    known = people[people["estimate"].notna()]
    often = known[known["level"].ne(EVER)]
    said = [_OF_DIARY] if len(often) or known.empty else [_OF_LIMIT]
    if (people["level"].eq(EVER) & people["status"].ne("not_measured")).any():
        said.append(wording.sentences(["ever is of all who were asked", *_of_never(asked, people)]))
    return f"{' '.join(said)} {_of_chosen(chosen)}".strip()


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return the recalled classes by age, and what they say of how often cramps come."""
    rows = recalled_frequency(cohort, settings.bands, ci_level=settings.ci_level)
    asked = _asked(cohort, settings)
    people, classes = kinds.OFTEN.rows(together([asked, rows])), kinds.RECALLED.rows(rows)
    chosen = chosen_for_cramps(cohort, together([asked, rows]))
    note = (
        "Design-based, with logit t intervals [@lumley2004]. At least one a week: 5 or more recalled in 30 nights; "
        f"near-nightly: 16 or more, the highest class. {wording.sentences(_of_never(asked, people))}"
    ).strip()
    drawing = Drawing(
        "recalled_classes",
        settings.to_draw(classes),
        caption="Recalled cramps in 30 nights by age, in per cent of people.",
        alt="Horizontal bars of 100 per cent by age group, in parts for the recalled classes.",
    )
    return Findings(
        together([asked, rows, chosen]),
        {
            PEOPLE: ReportTable(
                tables.people_by_frequency(people), "How many people have cramps how often.", _note(note, people)
            ),
            RECALLED: ReportTable(
                tables.recalled_classes(classes),
                "Recalled cramps in 30 nights by age.",
                _note("Design-based, with logit t intervals.", classes),
            ),
        },
        {CLASSES: drawing},
        values={
            "answer": _answer(people, classes.head(0), asked, settings.whose),
            "elsewhere": _elsewhere(cohort),
            "runs": "",
            "recall": "",
            "limits": f"{_of_chosen(chosen)}"
            "Classes are recalled over a month, and recall is not a log: people may remember more or fewer "
            "cramps than they had. More than 3 a month cannot be told, since one class has 2 to 4; single nights, and "
            "whether they come in runs, need a diary.",
        },
    )


def _period(cohort: Cohort, settings: Settings) -> Findings:
    """Return the classes of 30 nights, the measure that a diary has in common with a survey."""
    terms = [term for term, name in (("age_decade", "age_years"), ("sex", "sex")) if cohort.has(name)]
    model = RateModel(terms=" + ".join(terms) or "1")
    shares = class_shares(cohort, model=model, where=settings.old_enough(cohort), ci_level=settings.ci_level).estimates
    # Where nobody is so old, and no band, there is nothing that could not be estimated.
    if cohort.has("age_years") and settings.youngest <= OLDER <= max(settings.bands.limits[-1], _oldest(cohort)):
        shares = together([shares, windows_from(cohort, OLDER, settings.ci_level)])
    shares = _of_enough(shares)
    note = (
        "Period prevalence, the measure that a diary shares with a survey. Mild: one to four cramps in 30 nights; "
        "moderate-severe: five or more. Implied: by a model with a random intercept, for 30 full nights of each "
        "participant. Windows: 30 calendar nights with at least 25 of them logged."
    )
    table = ReportTable(tables.classes(shares), "Cramps in 30 nights, in per cent of people.", _note(note, shares))
    return Findings(shares, {PERIOD: table})


def _of_enough(shares: pd.DataFrame) -> pd.DataFrame:
    """Return shares of people without those of windows of few, which are shares of their months more than of them."""
    counted = shares["analysis"].eq(kinds.CLASS_WINDOWS.name) & shares["estimate"].notna()
    few = (counted & shares["n_participants"].lt(FEWEST)).fillna(value=False)
    reason = f"fewer than {FEWEST} participants have such a window"
    every = zip(wording.with_none(shares), few, strict=True)
    return estimates.frame(estimates.withheld(row, reason) if lacks else row for row, lacks in every)


def _answer(people: pd.DataFrame, nights: pd.DataFrame, asked: pd.DataFrame, whose: str) -> str:
    """Return how often cramps come in a few sentences, of ``whose`` part, or why that is not known.

    Args:
        people: how many have cramps how often.
        nights: what the nights say.
        asked: what people answered whether they ever had one.
        whose: which part of the people they are.
    """
    rows = {level: _of_whole(people, level) for level in _HAD}
    sufferers = _of_whole(people, _OFTEN, SUFFERERS)
    # Where everybody has a cramp the two are one.
    often = rows[_OFTEN]
    apart = sufferers and often and sufferers["n_participants"] != often["n_participants"]
    ends = {_OFTEN: f" ({value(sufferers)} of those with a cramp)" if sufferers and apart else ""}
    said: dict[str, list[str]] = {}
    for level, row in rows.items():
        if row:
            had = value(row) if RATED in str(row["estimand"]) else f"{estimate(row)}%"
            said.setdefault(_of_these(row, people, whose), []).append(f"{had} {_HAD[level]}{ends.get(level, '')}")
    texts = [f"of {of_whom} {wording.listed(shares)}" for of_whom, shares in said.items()]
    # It stands after the share that it is about, which is the first.
    texts[1:1] = _of_never(asked)
    if not any(rows[level] for level in (_WEEKLY, _OFTEN, _NIGHTLY)):
        why = _too_short(people, nights) or tables.reasons(people, inside=True)
        texts.append(f"how many people have cramps how often could not be estimated: {why}")
    if share := _of_whole(nights, "nights with a cramp"):
        texts.append(f"a cramp came on {value(share)} of the observed nights")
    if half := _half(nights):
        uneven = "cramps are spread unevenly: " if half["estimate"] <= _UNEVEN else ""
        texts.append(f"{uneven}{value(half)} of {_of_these(half, people, whose)} have half of their cramps")
    return wording.sentences(texts)


def _too_short(people: pd.DataFrame, nights: pd.DataFrame) -> str:
    """Return that all but one of the participants logged too few nights, if that is why there is no share of them."""
    everybody = nights[nights["population"].eq(whole(nights["population"])) & nights["level"].ne(HALF)]
    rated = people[people["population"].eq(whole(people["population"])) & people["level"].eq(_WEEKLY)]
    of_all, known = (int(rows["n_participants"].fillna(0).max()) if len(rows) else 0 for rows in (everybody, rated))
    if known != 1 or of_all < 2:
        return ""
    return f"{of_all - 1} of {of_all} participants logged fewer than {ENOUGH_NIGHTS} nights"


def _of_these(row: Mapping[str, Any], people: pd.DataFrame, whose: str) -> str:
    """Return of whom a share is: of everybody, or of so many with enough nights for a rate of their own.

    Of few people their number stands here, or in each share of their own rates.
    """
    n = int(row["n_participants"])
    counted = wording.counted(n, "people")
    if RATED not in str(row["estimand"]):
        return f"the {counted if n < FEWEST else 'people'}{_of_whom(people)}{whose}"
    # Without a mark of its row: shares of the same people are told together.
    number = counted if n >= FEWEST else "people"
    return f"the {number}{_of_whom(people)}{whose} with at least {ENOUGH_NIGHTS} logged nights"


def _of_whom(people: pd.DataFrame) -> str:
    group = whole(people["population"])
    return "" if group == "all" else f" aged {group.rstrip('+')} and older"


def _of_whole(rows: pd.DataFrame, level: str, of_whom: str = "") -> Mapping[str, Any] | None:
    """Return the row of everybody, or of a part of them, if it has an estimate."""
    if rows.empty:
        return None
    label = f"{whole(rows['population'])} {of_whom}".strip()
    own = wording.records(rows[rows["level"].eq(level) & rows["population"].eq(label) & rows["estimate"].notna()])
    return own[0] if own else None


def _half(nights: pd.DataFrame) -> Mapping[str, Any] | None:
    """Return the row of how many people have half of the cramps; of few people it would be a part of one."""
    row = _of_whole(nights, HALF)
    return row if row and row["n_participants"] >= FEWEST and not part_of_one(row) else None


def _rated(bins: pd.DataFrame) -> str:
    """Return whom the distribution is of: so many people with enough nights for a rate of their own."""
    numbers = bins.loc[bins["estimate"].notna(), "n_participants"]
    people = wording.counted(int(numbers.max()), "people") if len(numbers) else "people"
    return wording.capital(f"{people} with at least {ENOUGH_NIGHTS} logged nights")


def _elsewhere(cohort: Cohort) -> str:
    return "; rates by age stand in the section on age and muscle" if cohort.has("age_years") else ""


def _runs(nights: pd.DataFrame) -> str:
    """Return in plain words whether cramp nights come in runs."""
    row = _of_whole(nights, _SERIAL)
    if row is None:
        serial = nights[nights["level"] == _SERIAL]
        return f"Whether cramp nights come in runs could not be estimated: {tables.reasons(serial, inside=True)}."
    measured = f"the correlation with the night before, about each person's own mean, is {estimate(row)}"
    if pd.isna(row["ci_low"]) or row["ci_low"] <= 0 <= row["ci_high"]:
        return f"Whether cramp nights come in runs is not clear: {measured}."
    slightly = ", if only slightly" if max(abs(row["ci_low"]), abs(row["ci_high"])) < _SLIGHT else ""
    how = f"come in runs{slightly}" if row["estimate"] > 0 else f"lie further apart than by chance{slightly}"
    return f"Cramp nights {how}: {measured}."


def _alt(nights: pd.DataFrame) -> str:
    half = _half(nights)
    drawn = "Bars of people by cramps a week; beside them a curve of the share of cramps that people with the most have"
    return f"{drawn}: {value(half)} of the people have half of the cramps." if half else f"{drawn}."


def _of_columns(rows: pd.DataFrame) -> str:
    """Return a note on rows whose levels are the columns of their table: what is of some of them alone names these."""
    made = set(rows.loc[rows["estimate"].notna(), "level"])
    text = wording.sentences([*(said for level, said in _OF_NIGHTS.items() if level in made), _CLUSTERS])
    every = [str(level) for level in rows["level"].unique()]
    found: dict[str, list[str]] = {}
    for level in every:
        said = tables.notes(rows[rows["level"] == level], besides=(EXACT,))
        for sentence in filter(None, said.split(". ")):
            found.setdefault(sentence.rstrip("."), []).append(level)
    remarks = (
        said if levels == every else f"{wording.listed(map(wording.level, levels))}: {said}"
        for said, levels in found.items()
    )
    return f"{text} {wording.sentences(remarks)}".strip()


def _note(text: str, rows: pd.DataFrame) -> str:
    return f"{text} {tables.notes(rows, besides=(EXACT,))}".strip()


ANALYSIS = Analysis(
    "frequency",
    "How often do cramps come, and how unevenly are they spread over people and nights?",
    answers={
        "diary": CohortAnswer(of_diary, (PEOPLE, DISTRIBUTION, NIGHTS, *parts.RECALLS, PERIOD), {"diary": ("cramps",)}),
        "survey": CohortAnswer(
            of_survey,
            (PEOPLE, CLASSES, RECALLED),
            {"participants": ("recalled_low",)},
            "How many people have cramps, and how often do they have them?",
        ),
    },
    values=("answer", "elsewhere", "runs", "recall", "limits"),
)
