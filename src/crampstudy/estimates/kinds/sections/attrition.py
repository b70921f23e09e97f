"""How the rows of a cohort come from its files into the analyses."""

from crampstudy.estimates.kinds.registry import Kind, register

COHORT_FLOW = register(
    Kind(
        name="flow of the cohort",
        meaning="Participants or nights, as `outcome` says, at the step in `level`: in the file, accepted, meeting a "
        "condition, logged (in a survey: answered), analysed by age, which nothing of a list of events is; `note` says "
        "why others were lost before it.",
        table="cohort_flow",
        figure="cohort_flow",
        sentence="{outcome}, {level}: {value}",
    )
)
COHORT_SHARE = register(
    Kind(
        name="share of the cohort",
        meaning="Share of the participants or nights, as `outcome` says, that there were at the step in `reference` "
        "and still are at that in `level`.",
        table="cohort_flow",
        sentence="{outcome}, {level}: {value}",
    )
)
COUNTED = register(
    Kind(
        name="count of a table",
        meaning="How many a table of the report counts in the line `term` and the column `level`: rows of a file and "
        "cells that were set aside, breaches of a rule, or rows of these estimates.",
        table="counted",
        of_tables=True,
        sentence="{outcome}, {term}, {level}: {value}",
    )
)
LOGGED = register(
    Kind(
        name="logging over time",
        meaning="Share of the nights of the week in `level` since their first that the participants in `population` "
        "logged, who are in the order of how much they logged in all; in a diary of two weeks or less, of the night.",
        table="logging",
        figure="logging",
        sentence="Logged, {who}, {variable}: {value}",
        tabled=False,
    )
)
