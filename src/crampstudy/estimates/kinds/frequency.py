"""How often and how unevenly cramps come: people by their own rate, and what nights say beyond a rate."""

from crampstudy.estimates.kinds.registry import Kind, register

HALF = "people with half of the cramps"
"""The level of the row that says how many people have half of all cramps."""
OFTEN = register(
    Kind(
        name="people by frequency",
        meaning="Share of the people of a group who ever had a cramp, or have cramps as often as `level` says by their "
        "own rate over at least 28 logged nights; of a survey by their recalled class.",
        table="people_by_frequency",
        sentence="People with cramps, {level}, {who}: {value}",
    )
)
CHOSEN = register(
    Kind(
        name="people chosen for cramps",
        meaning="A sign that people were let in for their cramps, so that shares of them tell nothing of people at "
        "large: by `level` the fewest cramps of anybody in the run-in, or that everybody has cramps. Without a sign "
        "there is no row.",
        table="people_by_frequency",
        sentence="People chosen for their cramps, {level}: {value}",
        tabled=False,
    )
)
NEVER = register(
    Kind(
        name="never a cramp, but one told",
        meaning="Share of those who answered that they never had a cramp who have one all the same: logged in their "
        "diary, or recalled of the last 30 nights. Where nobody answered that there is no row.",
        table="people_by_frequency",
        sentence="People who never had a cramp and {level}, {who}: {value}",
        tabled=False,
    )
)
RECALLED = register(
    Kind(
        name="recalled classes",
        meaning="Design-based share of the people of an age group who recall as many cramps in 30 nights as `level` "
        "says: each class by itself.",
        table="recalled_classes",
        figure="recalled_classes",
        sentence="{level} recalled cramps in 30 nights, {who}: {value}",
    )
)
CRAMP_NIGHTS = register(
    Kind(
        name="cramp nights",
        meaning="What the nights of a group say beyond a rate, as `level` says: the share with a cramp, cramps a cramp "
        "night, dispersion, serial dependence, and the share of people with half of the cramps.",
        table="cramp_nights",
        sentence="{level}, {who}: {value}",
    )
)
DISTRIBUTION = register(
    Kind(
        name="distribution of rates",
        meaning="Share of people whose own cramps a week, over at least 28 logged nights, lie in the range in `level`.",
        table="distribution",
        figure="distribution",
        sentence="People with {level} cramps a week: {value}",
    )
)
CONCENTRATION = register(
    Kind(
        name="concentration of cramps",
        meaning="Share of all cramps that the people with the most have, so many per cent of all as `level` says.",
        table="distribution",
        figure="distribution",
        sentence="Cramps of the {level} % of people with the most: {value}",
        tabled=False,
    )
)
