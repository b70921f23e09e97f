"""Who took part, how completely they were observed, and what was set aside before any analysis."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crampstudy import tables, wording
from crampstudy.age_bands import AgeBands
from crampstudy.analyses.analysis import Analysis, CohortAnswer
from crampstudy.analyses.counted import SET_ASIDE, counted
from crampstudy.analyses.findings import Drawing, Findings, ReportTable, together
from crampstudy.analyses.settings import Settings
from crampstudy.cleaning.unit_error import slips_of
from crampstudy.codebook import variable
from crampstudy.codebook.asked_of import ASKED_OF, not_asked
from crampstudy.cohort import Cohort, subpopulation
from crampstudy.contrasts.cohorts.characteristics import differences_between_bands
from crampstudy.descriptive import characteristics as who
from crampstudy.descriptive.flow import flow, logging_over_time
from crampstudy.estimates import FEWEST, kinds
from crampstudy.estimates.sentences import value
from crampstudy.nights import denominator, expected_of, members, of_cohort, or_taken
from crampstudy.tables.overview.attrition import logging_part, step_of

FACTORS = (
    *("age_years", "sex", "education", "bmi_kg_m2", "serum_potassium_mmol_l", "serum_sodium_mmol_l"),
    *("serum_calcium_mmol_l", "serum_magnesium_mmol_l", "vitamin_d_nmol_l", "hba1c_mmol_mol", "tsh_miu_l"),
    *("peripheral_artery_disease", "diabetes", "hypothyroidism", "arthritis", "lean_mass_index_kg_m2"),
    "grip_strength_kg",
)
"""Of a survey it is shown how many have a value of each of these."""
PARTS = (
    *("fig-flow", "tbl-characteristics", "tbl-completeness", "fig-completeness"),
    *("tbl-cleaning", "tbl-rules"),
)


def of_diary(cohort: Cohort, settings: Settings) -> Findings:
    """Return who keeps a diary, and how many of the expected nights were observed, by age and over the weeks."""
    complete = who.completeness(cohort, settings.bands)
    logged = logging_over_time(cohort)
    overall = _overall(complete)
    return _found(
        cohort,
        settings,
        complete,
        characteristics_note="Numbers are of the participants with a value.",
        completeness_note=wording.sentences([expected_of(cohort), *denominator(cohort).remarks]),
        completeness=Drawing(
            "logging",
            logged,
            caption=f"Nights that were logged{or_taken(cohort)}, by participant and {logging_part(logged)} since their "
            "own first night.",
            alt=_of_logging(logged),
            note=_together(logged),
        ),
        values={
            "cohort_kind": "nightly diary",
            "expected": wording.marked(overall, wording.counted(int(overall["n_nights"]), "expected nights")),
            "observed": f"{wording.count_of(overall, 'n_events')} were observed{or_taken(cohort)}",
            "completeness_shown": "who logged when",
        },
    )


def of_survey(cohort: Cohort, settings: Settings) -> Findings:
    """Return who was asked in a survey, how many answered by age, and how many have a value of each factor."""
    complete = who.completeness(cohort, settings.bands)
    known = who.measured(cohort, FACTORS, youngest=settings.youngest)
    overall = _overall(complete)
    return _found(
        cohort,
        settings,
        complete,
        characteristics_note="Numbers are people; percentages, means and medians are weighted to the population by the "
        "survey component of each variable.",
        completeness_note="Answered: gave a recalled frequency class.",
        completeness=Drawing(
            "measured",
            known,
            caption=f"How many of {_of_whom(cohort, settings)} have a value of each factor.",
            alt="Horizontal bars: the share of participants with a value, factor by factor.",
        ),
        values={
            "cohort_kind": "survey with a recalled 30-day frequency of cramps",
            "expected": wording.marked(
                overall, f"{wording.counted(int(overall['n_participants']), 'participants')} {_aged(cohort, settings)}"
            ),
            "observed": f"{wording.count_of(overall, 'n_events')} answered",
            "completeness_shown": "how many have a value of each factor",
        },
    )


def _found(
    cohort: Cohort,
    settings: Settings,
    complete: pd.DataFrame,
    *,
    characteristics_note: str,
    completeness_note: str,
    completeness: Drawing,
    values: dict[str, str],
) -> Findings:
    """Return what both kinds of cohort show alike, with the parts that differ."""
    steps = flow(cohort, youngest=settings.youngest)
    shown = _columns(settings.bands)
    described = who.characteristics(cohort, youngest=settings.youngest, bands=shown)
    if settings.smd:
        described = together([described, differences_between_bands(described)])
    by_age = cohort.has("age_years")
    merged = " Neighbouring age bands are taken together." if by_age and shown != settings.bands else ""
    slips = _slips(cohort, described, settings)
    cells = tables.what_cells_say(kinds.CHARACTERISTICS.rows(described))
    of_whom = _of_whom(cohort, settings)
    people = members(cohort)
    aged = not people["age_years"].null_count()
    some = by_age and not aged
    cleaned, cleaning = counted(
        ReportTable(
            tables.cleaning(cohort),
            "Rows read, accepted and rejected, and cells blanked.",
            wording.sentences(cohort.attrition.notices) or None,
        ),
        cohort.name,
        "rows and cells of a file",
        SET_ASIDE,
    )
    broken, rules = _rules(cohort)
    unaged = "" if not some else " Participants without an age are among all and in no age group."
    return Findings(
        together([steps, described, complete, completeness.estimates, cleaned, broken]),
        tables={
            "tbl-characteristics": ReportTable(
                tables.table_one(described),
                f"Characteristics of {of_whom}{', by age' if by_age else ''}.",
                f"{cells}{characteristics_note}{merged}{slips}{_not_asked(cohort)}{_SMD if settings.smd else ''}",
            ),
            "tbl-completeness": ReportTable(
                tables.completeness(complete),
                "Completeness by age." if by_age else "Completeness.",
                completeness_note + unaged,
            ),
            "tbl-cleaning": cleaning,
            **rules,
        },
        figures={
            "fig-flow": Drawing(
                "cohort_flow",
                steps,
                caption=f"From the file to the analyses{' by age' if by_age else ''}, and what was set aside "
                "on the way.",
                alt=_of_flow(steps),
            ),
            "fig-completeness": completeness,
        },
        values={
            "cohort_name": cohort.heading,
            "participants": wording.counted(people.height, "participants"),
            "described": of_whom,
            "unrecorded": _unrecorded(cohort),
            "completeness_by": "the same by age" if by_age else "this in numbers",
            "share": value(_overall(complete)),
            "account": of_cohort(cohort).sentence(),
            "rules_broken": "" if cohort.attrition.rules else "No rule was broken.",
            **values,
        },
        absent=() if cohort.attrition.rules else ("tbl-rules",),
    )


def _unrecorded(cohort: Cohort) -> str:
    """Return what was made of what was not recorded."""
    if cohort.attrition.unlogged is None:
        return "What was not recorded is unobserved and is never counted as a night or a month without cramps."
    return wording.sentences([cohort.attrition.unlogged, "all else that was not recorded is unobserved"])


def _not_asked(cohort: Cohort) -> str:
    """Return how many are at the level that not being asked for a variable means, without that it was noted."""
    frame, said = cohort.frame("participants"), ""
    for name, asked in ASKED_OF.items():
        if {name, "sex", "age_years"} <= {*frame.columns} and (n := int(not_asked(frame, name).sum())):
            of_whom = f"{wording.counted(n, 'participants')} without a value who are no {asked.said}"
            said += f" {wording.label(name)}: {of_whom} count as {asked.level}."
    return said


def _rules(cohort: Cohort) -> tuple[pd.DataFrame, dict[str, ReportTable]]:
    """Return how often which rules of cleaning were broken, as rows and as a table; of none there is neither."""
    if not cohort.attrition.rules:
        return together([]), {}
    shown = ReportTable(tables.rules(cohort), "Cleaning rules that were broken, by variable, and what it cost.")
    broken, table = counted(shown, cohort.name, "breaches of a rule of cleaning", ["Times"])
    return broken, {"tbl-rules": table}


def _slips(cohort: Cohort, described: pd.DataFrame, settings: Settings) -> str:
    """Return of whom a table of characteristics shows which numbers look like those of another unit, and are kept."""
    counts = [each for rule in cohort.attrition.rules if (rule.rule, rule.severity) == _KEPT for each in rule.columns]
    shown, people = {*described["term"]}, members(cohort)
    people = people.filter(subpopulation.select(people, settings.old_enough(cohort)).inside)
    found = {name: min(n, slips_of(variable(name), people[name])) for name, n in counts if name in shown}
    told = [f"{wording.label(name)} ({wording.count(n)})" for name, n in found.items() if n]
    return f" As they were entered, with numbers that look like another unit: {wording.listed(told)}." if told else ""


_KEPT = ("unit-slip", "warn")
"""The rule of a number in another unit, where the number stays."""


def _overall(complete: pd.DataFrame) -> dict[str, Any]:
    return wording.records(complete[(complete["population"] == "all") & (complete["scale"] == "proportion")])[0]


_SMD = (
    " SMD: the largest standardised mean difference between two of the age bands, the older less the younger; its "
    "denominator is the root of the mean of the variances of the two, that of a share p being p (1 − p). A band in "
    f"which fewer than {FEWEST} participants have a value takes no part in it."
)
_MOST_COLUMNS = 4
"""Age bands of which the table of characteristics has a column each."""


def _columns(bands: AgeBands) -> AgeBands:
    step = -(-len(bands.limits) // _MOST_COLUMNS)
    return AgeBands(bands.limits[::step])


def _of_flow(steps: pd.DataFrame) -> str:
    said = [
        f"{wording.marked(row, wording.counted(int(row['estimate']), str(row['outcome'])))} {step_of(row)}"
        for row in wording.records(steps)
    ]
    return f"Boxes from the file down: {wording.listed(said)}."


def _of_logging(logged: pd.DataFrame) -> str:
    if logged.empty:
        return "No night was expected."
    by_line = logged.groupby("population")
    shares = by_line["n_events"].sum() / by_line["n_nights"].sum()
    low, high = (f"{100 * share:.0f}%" for share in (shares.min(), shares.max()))
    grid = f"A grid of participants and {logging_part(logged)}s"
    return f"{grid}: from {low} of the nights logged in the top line to {high} in the lowest."


def _together(logged: pd.DataFrame) -> str | None:
    if not logged["population"].str.startswith("participants").any():
        return None
    lines = logged["population"].nunique()
    return f"A line is several participants who logged about as much as each other, {lines} lines in all."


def _aged(cohort: Cohort, settings: Settings) -> str:
    return f"aged {settings.youngest} and older" if cohort.has("age_years") else "asked"


def _of_whom(cohort: Cohort, settings: Settings) -> str:
    aged = cohort.has("age_years")
    of_whom = f"the participants aged {settings.youngest} years and older" if aged else "all participants"
    return f"{of_whom}{settings.whose}"


ANALYSIS = Analysis(
    "cohort",
    "Who took part, how completely were they observed, and what was set aside?",
    answers={"diary": CohortAnswer(of_diary, PARTS), "survey": CohortAnswer(of_survey, PARTS)},
    values=(
        *("cohort_name", "cohort_kind", "participants", "described"),
        *("expected", "observed", "share", "completeness_by", "completeness_shown", "unrecorded"),
        *("rules_broken", "account"),
    ),
)
